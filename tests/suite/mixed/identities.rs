//! What is known exactly of balanced and complete nested trials: analysis of variance, and t tests of the groups'
//! means.

use crate::common::clustered as trials;
use crate::common::tolerances::{IDENTITY, MIXED_IDENTITY_DF};
use crate::common::{Comparison, assert_all};
use nalgebra::DMatrix;
use trialstats::inference::InformationKind;
use trialstats::{Df, Fit, Model};

const GROUPS: usize = 10;
const MEMBERS: usize = 4;
const VISITS: usize = 3;

/// `balanced.csv` as it stands: y[group][member][visit]; the first five groups are control.
fn outcomes() -> Vec<Vec<[f64; VISITS]>> {
    let text = trials::rows_of("balanced");
    let y: Vec<f64> = text.lines().skip(1).map(|line| line.rsplit(',').next().expect("a field").parse().expect("a number")).collect();
    assert_eq!(y.len(), GROUPS * MEMBERS * VISITS);
    let patients: Vec<[f64; VISITS]> = y.chunks(VISITS).map(|p| [p[0], p[1], p[2]]).collect();
    patients.chunks(MEMBERS).map(<[_]>::to_vec).collect()
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// The difference of two arms of five groups each and its standard error, from a number for each group: the
/// two-sample t test.
fn t_test(of_groups: &[f64]) -> (f64, f64) {
    let (control, active) = of_groups.split_at(GROUPS / 2);
    let squares = |arm: &[f64]| arm.iter().map(|m| (m - mean(arm.iter().copied())).powi(2)).sum::<f64>();
    let variance = (squares(control) + squares(active)) / (GROUPS - 2) as f64;
    (mean(active.iter().copied()) - mean(control.iter().copied()), (variance * 4.0 / GROUPS as f64).sqrt())
}

/// By both methods and with either information, which are one in balanced data.
fn fits(formula: &str, visits: Option<&str>) -> Vec<Fit> {
    let trial = trials::trial("balanced", formula);
    let mut fits = vec![];
    for df in [Df::Satterthwaite, Df::KenwardRoger] {
        for information in [InformationKind::Observed, InformationKind::Expected] {
            let mut model = Model::formula(formula).expect("a formula").df(df).information(information);
            if let Some(visit) = visits {
                model = model.visits([visit]);
            }
            fits.push(trials::by_its_engine(formula, model.fit(&trial).unwrap_or_else(|e| panic!("{formula}: {e}"))));
        }
    }
    fits
}

fn compare(c: &mut Comparison, fit: &Fit, label: &str, l: &[f64], expected: (f64, f64), df: f64) {
    let label = format!("{label}, {}, {} information", fit.df_method(), fit.information_kind());
    let ours = fit.estimate(&label, l).expect("a contrast");
    c.within(&format!("{label}: estimate"), ours.estimate, expected.0, IDENTITY * expected.1);
    c.relative(&format!("{label}: SE"), ours.se, expected.1, IDENTITY);
    c.relative(&format!("{label}: df"), ours.df, df, MIXED_IDENTITY_DF);
}

/// Columns are (Intercept), arm, visit 2, visit 3, arm by visit 2, arm by visit 3.
const AVERAGE: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 1.0 / 3.0, 1.0 / 3.0];

/// Groups within arms, patients within groups, visits: F and degrees of freedom are those of the analysis of variance.
#[test]
fn nested_analysis_of_variance() {
    let y = outcomes();
    let of_patient = |p: &[f64; VISITS]| mean(p.iter().copied());
    let of_groups: Vec<f64> = y.iter().map(|g| mean(g.iter().map(of_patient))).collect();
    let at = |arm: usize, visit: usize| mean(y[5 * arm..5 * (arm + 1)].iter().flatten().map(|p| p[visit]));
    let of_arm = |arm: usize| mean((0..VISITS).map(|v| at(arm, v)));
    let of_visit = |v: usize| (at(0, v) + at(1, v)) / 2.0;
    let grand = (of_arm(0) + of_arm(1)) / 2.0;
    let patients = (GROUPS * MEMBERS) as f64;
    let (mut by_visit, mut residual) = (0.0, 0.0);
    for (g, group) in y.iter().enumerate() {
        let arm = g / 5;
        for p in group {
            for (v, value) in p.iter().enumerate() {
                by_visit += (at(arm, v) - of_arm(arm) - of_visit(v) + grand).powi(2);
                residual += (value - of_patient(p) - at(arm, v) + of_arm(arm)).powi(2);
            }
        }
    }
    let residual_df = (patients - 2.0) * (VISITS - 1) as f64;
    let residual = residual / residual_df;
    let f = by_visit / (VISITS - 1) as f64 / residual;
    assert_all(fits("y ~ arm * visit + (1 | group) + (1 | patient)", None).iter().map(|fit| {
        let mut c = Comparison::of("balanced nested analysis of variance");
        // Between groups: the mean square of the arms over that of the groups within arms, on 1 and 8 degrees of
        // freedom.
        compare(&mut c, fit, "treatment", &AVERAGE, t_test(&of_groups), 8.0);
        // Within patients: over the residual mean square, on 2 and 76.
        let interaction = DMatrix::from_row_slice(2, 6, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let test = fit.f_test("treatment by visit", &interaction).expect("a test");
        c.relative("F of treatment by visit", test.f, f, IDENTITY);
        c.relative("df of treatment by visit", test.denom_df, residual_df, MIXED_IDENTITY_DF);
        let change = (at(1, 2) - at(1, 0) - at(0, 2) + at(0, 0), (residual * 8.0 / patients).sqrt());
        compare(&mut c, fit, "treatment on the change", &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0], change, residual_df);
        c
    }));
}

/// One visit, groups randomised: the t test of the groups' means, on groups − 2 degrees of freedom.
#[test]
fn one_visit_is_the_t_test_of_the_groups_means() {
    let y = outcomes();
    assert_all((0..VISITS).flat_map(|v| {
        let of_groups: Vec<f64> = y.iter().map(|g| mean(g.iter().map(|p| p[v]))).collect();
        fits("y ~ arm + (1 | group) + us(visit | patient)", Some(["1", "2", "3"][v])).into_iter().map(move |fit| {
            let mut c = Comparison::of(format!("groups' means at visit {}", v + 1));
            compare(&mut c, &fit, "treatment", &[0.0, 1.0], t_test(&of_groups), 8.0);
            c
        })
    }));
}

/// A group's predicted effect is its mean's distance from its arm's, shrunk by the reliability of a mean of four.
#[test]
fn predicted_effects_are_shrunken_means() {
    let y = outcomes();
    let n = MEMBERS as f64;
    assert_all((0..VISITS).map(|v| {
        let fit = &fits("y ~ arm + (1 | group) + us(visit | patient)", Some(["1", "2", "3"][v]))[0];
        let of_groups: Vec<f64> = y.iter().map(|g| mean(g.iter().map(|p| p[v]))).collect();
        let [residual, between] = [0, 1].map(|k| fit.covariance_parameters()[k].1);
        let reliability = n * between / (n * between + residual);
        let mut c = Comparison::of(format!("shrunken means at visit {}", v + 1));
        for (g, own) in of_groups.iter().enumerate() {
            let arm = mean(of_groups[g / 5 * 5..g / 5 * 5 + 5].iter().copied());
            let level = format!("G{:02}", g + 1);
            let effects = fit.random_effects();
            let predicted = effects.get("group", &level, "(Intercept)").expect("the group");
            let conditional = (between * (1.0 - reliability)).sqrt();
            c.within(&level, predicted.estimate, reliability * (own - arm), IDENTITY * predicted.se);
            c.relative(&format!("{level}: SD"), predicted.conditional_sd, conditional, IDENTITY);
            // The arm's mean, of five groups, is estimated.
            let of_mean = reliability.powi(2) * (between + residual / n) / 5.0;
            c.relative(&format!("{level}: SE"), predicted.se, (conditional.powi(2) + of_mean).sqrt(), IDENTITY);
        }
        c
    }));
}

/// Groups with visits of their own, both covariances unstructured: every combination of visits is the t test of the
/// groups' means of it.
#[test]
fn every_contrast_of_visits_is_the_t_test_of_the_groups_means() {
    let y = outcomes();
    let contrasts: [(&str, [f64; VISITS], [f64; 6]); 5] = [
        ("visit 1", [1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        ("visit 2", [0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]),
        ("visit 3", [0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        ("change", [-1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
        ("average", [1.0 / 3.0; VISITS], AVERAGE),
    ];
    assert_all(fits("y ~ arm * visit + (0 + visit | group) + us(visit | patient)", None).iter().map(|fit| {
        let mut c = Comparison::of("groups' means by visit");
        for (label, weights, l) in &contrasts {
            let of_patient = |p: &[f64; VISITS]| p.iter().zip(weights).map(|(y, w)| y * w).sum::<f64>();
            let of_groups: Vec<f64> = y.iter().map(|g| mean(g.iter().map(of_patient))).collect();
            compare(&mut c, fit, label, l, t_test(&of_groups), 8.0);
        }
        c
    }));
}
