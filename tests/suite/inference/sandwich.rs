//! Cluster-robust covariances and between-within degrees of freedom: matrices of all observations, exact identities,
//! other engines. R mmrm's own cases are in `reference_cases.rs`.

use crate::common::dense_sandwich::{Dense, of_independent_patients};
use crate::common::tolerances::{AS_GIVEN, CR2_OF_CLUBSANDWICH, GLS, IDENTITY, INVARIANCE, INVARIANCE_DF};
use crate::common::{Comparison, antidepressant, assert_all, bcva, estimation, fev, number, of_values, reference, rows, text};
use nalgebra::{DMatrix, DVector};
use trialstats::covariance::Covariance;
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::trial::{CovariateKind, Layout, Schedule};
use trialstats::{Df, Fit, Model, Trial, Vcov};

const ROBUST: [Vcov; 3] = [Vcov::Cr0, Vcov::Cr2, Vcov::Cr3];

fn fit(trial: &Trial, formula: &str, covariance: Covariance, vcov: Vcov) -> Fit {
    Model::formula(formula).and_then(|m| m.covariance(covariance).vcov(vcov).fit(trial)).unwrap_or_else(|e| panic!("{formula}: {e}"))
}

/// 40 patients at three visits, two arms, a covariate measured from elsewhere, and the number of the visit as another.
fn generated(by: f64) -> Trial {
    let mut text = String::from("id,arm,visit,number,x,y\n");
    for i in 0..40_u32 {
        for t in 0..3_u32 {
            let (x, noise) = (f64::from(i * 7 % 13), f64::from((i * 31 + t * 17 + i * t) % 11));
            text += &format!("{i},{},{t},{t},{},{}\n", ["a", "b"][i as usize % 2], x + by, x * 0.3 + noise + f64::from(i % 5));
        }
    }
    let layout = Layout::long("id", "arm", "visit").outcome("y").covariate("x").covariate_as("number", CovariateKind::NumericByVisit);
    layout.read_csv_from("generated", text.as_bytes()).expect("a trial")
}

/// Everything against the N × N matrices: complete, incomplete and aliased data, and a random intercept without
/// variance.
#[test]
fn sums_by_patient_are_those_of_the_whole_matrices() {
    let repelling = Gaussian::new(["1", "2", "3"])
        .compound_symmetry(2.0, -0.3)
        .arm("a", 9, [1.0, 2.0, 3.0])
        .arm("b", 8, [1.0, 1.0, 1.0])
        .trial(7, 0)
        .expect("a trial");
    let incomplete = Gaussian::new(["1", "2", "3", "4"])
        .autoregressive(3.0, 0.6)
        .arm("a", 30, [1.0, 2.0, 3.0, 4.0])
        .arm("b", 25, [1.0, 1.0, 1.0, 1.0])
        .dropout(Dropout::CompletelyAtRandom { each_visit: 0.15 })
        .trial(5, 0)
        .expect("a trial");
    let cases = [
        ("incomplete", incomplete, "y ~ arm * visit", Covariance::Unstructured),
        ("aliased", generated(0.0), "y ~ x * visit + arm * visit + number", Covariance::CompoundSymmetry),
        ("at the boundary", repelling, "y ~ arm * visit", Covariance::RandomIntercept),
    ];
    for (name, trial, formula, covariance) in cases {
        for vcov in ROBUST {
            let fit = fit(&trial, formula, covariance.clone(), vcov);
            assert_eq!(fit.convergence().boundary.is_empty(), name != "at the boundary");
            let alone: Vec<usize> = (0..fit.n_patients()).collect();
            let dense = Dense::of(&fit, vcov, &of_independent_patients(&fit), &alone);
            let kept: Vec<usize> = (0..fit.beta().len()).filter(|&c| !fit.beta()[c].is_nan()).collect();
            assert_eq!(kept.len() < fit.beta().len(), name == "aliased");
            let mut c = Comparison::of(format!("{name} {vcov}"));
            let observed = dense.observed();
            let rows = fit.coefficients().rows;
            for (j, &b) in kept.iter().enumerate() {
                let unit = DVector::from_fn(kept.len(), |k, _| f64::from(u8::from(k == j)));
                c.relative(&format!("df of {}", rows[b].label), rows[b].df, dense.df(&unit), IDENTITY);
                for (i, &a) in kept.iter().enumerate() {
                    let scale = (observed[(i, i)] * observed[(j, j)]).sqrt();
                    c.within(&format!("vcov[{a}][{b}]"), fit.vcov()[(a, b)], observed[(i, j)], IDENTITY * scale);
                    if vcov == Vcov::Cr2 {
                        // E(V_CR2) = Φ under the working model, exactly.
                        let scale = (dense.phi[(i, i)] * dense.phi[(j, j)]).sqrt();
                        c.within(&format!("expected[{a}][{b}]"), dense.expected()[(i, j)], dense.phi[(i, j)], IDENTITY * scale);
                    }
                }
            }
            // A combination that is no coefficient; the aliased column is the last and has no weight.
            let weights: Vec<f64> = (0..kept.len()).map(|k| 1.0 / (1.0 + k as f64)).collect();
            if kept.len() == fit.beta().len() {
                let estimate = fit.estimate("a combination", &weights).expect("estimable");
                c.relative("df of a combination", estimate.df, dense.df(&DVector::from_vec(weights)), IDENTITY);
            }
            assert_all([c]);
        }
    }
}

/// One visit, two arms: CR2 is Welch's variance, and its degrees of freedom are Welch's where each arm has a variance
/// of its own.
#[test]
fn cr2_of_two_arms_is_welch() {
    let (n, m) = (9, 14);
    let trial = Gaussian::new(["1"]).arm("a", n, [0.0]).arm("b", m, [1.0]).covariance([4.0]).trial(3, 0).expect("a trial");
    let y = &trial.outcome("y").expect("the outcome").values;
    let variance = |of: usize| {
        let own: Vec<f64> = (0..y.len()).filter(|&i| trial.arm_of()[i] == of).map(|i| y[i]).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        own.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (own.len() as f64 - 1.0)
    };
    let share = [variance(0) / n as f64, variance(1) / m as f64];
    let welch = |a: f64, b: f64| (a + b).powi(2) / (a * a / (n as f64 - 1.0) + b * b / (m as f64 - 1.0));
    let plain = Model::formula("y ~ arm").expect("parses").vcov(Vcov::Cr2);
    let by_arm = plain.clone().covariance_by("arm");
    for (model, df) in [(plain, welch(1.0 / n as f64, 1.0 / m as f64)), (by_arm, welch(share[0], share[1]))] {
        let row = model.fit(&trial).expect("fits").coefficients().rows.pop().expect("the arm");
        let mut c = Comparison::of("Welch");
        c.relative("SE", row.se, (share[0] + share[1]).sqrt(), IDENTITY);
        c.relative("df", row.df, df, IDENTITY);
        assert_all([c]);
    }
}

#[test]
fn bcva_agrees_with_mmrm() {
    let expected = reference("sandwich/bcva.json");
    let ours = fit(&bcva(), "BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT", Covariance::Unstructured, Vcov::Cr2).coefficients().rows;
    let mut c = Comparison::of("bcva CR2");
    c.same("coefficients", ours.len(), rows(&expected["se"]).len());
    for (ours, theirs) in ours.iter().zip(rows(&expected["se"])) {
        c.same("term", ours.label.as_str(), text(&theirs["term"]));
        c.relative(&format!("{} SE", ours.label), ours.se, number(&theirs["se"]), AS_GIVEN.se);
    }
    for theirs in rows(&expected["df"]) {
        let ours = ours.iter().find(|r| r.label == text(&theirs["term"])).expect("the coefficient");
        c.relative(&format!("{} df", ours.label), ours.df, number(&theirs["df"]), AS_GIVEN.df);
    }
    assert_all([c]);
}

/// Another engine for the fit and for the sandwich. Its CR2 takes the root of another matrix.
#[test]
fn clubsandwich_agrees_on_cr0_and_cr3_and_nearly_on_cr2() {
    let (fev, antidepressant, cases) = (fev(), antidepressant(), reference("sandwich/club.json"));
    assert_eq!(rows(&cases).len(), 3);
    for case in rows(&cases) {
        let trial = if text(&case["data"]) == "fev_data" { &fev } else { &antidepressant };
        let covariance = Covariance::named(text(&case["covariance_structure"])).expect("a structure");
        let model = Model::formula(text(&case["formula"])).expect("a formula").covariance(covariance).estimation(estimation(case));
        for (name, vcov) in ["Cr0", "Cr2", "Cr3"].into_iter().zip(ROBUST) {
            let ours = model.clone().vcov(vcov).fit(trial).expect("fits").coefficients().rows;
            let tolerance = if vcov == Vcov::Cr2 { CR2_OF_CLUBSANDWICH } else { GLS };
            let mut c = Comparison::of(format!("{} {name}", text(&case["id"])));
            for (ours, theirs) in ours.iter().zip(rows(&case["vcov"][name])) {
                c.same("term", ours.label.as_str(), text(&theirs["term"]));
                c.relative(&format!("{} SE", ours.label), ours.se, number(&theirs["se"]), tolerance);
                c.relative(&format!("{} df", ours.label), ours.df, number(&theirs["df"]), 5.0 * tolerance);
            }
            assert_all([c]);
        }
    }
}

/// A covariate measured from elsewhere changes nothing but the intercept's neighbours.
#[test]
fn the_origin_of_a_covariate_does_not_matter() {
    for df in [Df::Satterthwaite, Df::BetweenWithin] {
        let rows = |by: f64| {
            let model = Model::formula("y ~ x * visit + arm * visit").expect("parses").vcov(Vcov::Cr2).df(df);
            model.fit(&generated(by)).expect("fits").coefficients().rows
        };
        let mut c = Comparison::of(format!("{df}"));
        for (near, far) in
            rows(0.0).iter().zip(rows(f64::from(1_u32 << 20))).filter(|(r, _)| r.label.contains('x') || r.label.contains("arm"))
        {
            c.relative(&format!("{} SE", near.label), far.se, near.se, INVARIANCE);
            c.relative(&format!("{} df", near.label), far.df, near.df, INVARIANCE_DF);
        }
        assert_all([c]);
    }
}

#[test]
fn what_is_not_defined_is_refused_and_what_to_know_is_said() {
    let trial = antidepressant();
    let model = Model::formula("CHANGE ~ BASVAL + THERAPY * VISIT").expect("parses").vcov(Vcov::Cr2);
    for df in [Df::KenwardRoger, Df::KenwardRogerLinear, Df::KenwardRoger2] {
        let refused = model.clone().df(df).fit(&trial).expect_err("not defined");
        assert_eq!(refused.code(), "conflicting-settings");
        assert!(refused.to_string().contains("CR2"), "{refused}");
    }
    let notes = model.fit(&trial).expect("fits").notes();
    assert!(notes.iter().any(|n| n.contains("CR2, patients as clusters") && n.contains("Bell and McCaffrey")), "{notes:?}");

    // The only patient of an arm is fitted exactly: nothing tells the variance of that arm's mean.
    let alone = Gaussian::new(["1"]).arm("a", 8, [0.0]).arm("b", 1, [1.0]).trial(1, 0).expect("a trial");
    let fit = fit(&alone, "y ~ arm", Covariance::Unstructured, Vcov::Cr2);
    assert!(fit.notes().iter().any(|n| n.contains("1 patient has a leverage of one")), "{:?}", fit.notes());
    let refused = fit.estimate("mean of b", &[1.0, 1.0]).expect_err("nothing tells its variance");
    assert_eq!(refused.code(), "not-estimable", "{refused}");

    // Three patients cannot carry a robust test of three contrasts.
    let few = Gaussian::new(["1", "2", "3", "4"]).arm("a", 3, [0.0, 1.0, 2.0, 3.0]).trial(1, 0).expect("a trial");
    let fit = self::fit(&few, "y ~ visit", Covariance::CompoundSymmetry, Vcov::Cr2);
    let l = DMatrix::from_fn(3, 4, |r, c| f64::from(u8::from(c == r + 1)));
    let refused = fit.f_test("visit", &l).expect_err("singular");
    assert!(refused.to_string().contains("too few patients"), "{refused}");
}

/// Balanced compound symmetry, arms by visits: the between-within df are those of the split-plot analysis of variance.
#[test]
fn between_within_is_the_split_plot_in_balanced_data() {
    let trial = Gaussian::new(["1", "2", "3"])
        .compound_symmetry(2.0, 0.4)
        .arm("a", 7, [1.0, 2.0, 3.0])
        .arm("b", 5, [1.0, 1.0, 1.0])
        .trial(2, 0)
        .expect("a trial");
    let fit = |df| {
        let model = Model::formula("y ~ arm * visit").expect("parses").covariance(Covariance::CompoundSymmetry).df(df);
        model.fit(&trial).expect("fits")
    };
    let (split, exact) = (fit(Df::BetweenWithin), fit(Df::KenwardRoger));
    for (term, between_within, patients_within_arms) in [("visit", 20.0, 20.0), ("arm:visit", 20.0, 20.0)] {
        assert_eq!(split.term_test(term).expect("a test").denom_df, between_within);
        assert!((exact.term_test(term).expect("a test").denom_df - patients_within_arms).abs() < 1e-6);
    }
    let dfs: Vec<f64> = split.coefficients().rows.iter().map(|r| r.df).collect();
    assert_eq!(dfs, [20.0, 10.0, 20.0, 20.0, 20.0, 20.0]);

    // With one visit nothing is within, and the df are the residual ones.
    let once = Gaussian::new(["1"]).arm("a", 7, [1.0]).arm("b", 5, [1.0]).trial(2, 0).expect("a trial");
    let fit = Model::formula("y ~ arm").expect("parses").df(Df::BetweenWithin).fit(&once).expect("fits");
    assert!(fit.coefficients().rows.iter().all(|r| r.df == 10.0));
}

/// Patients of one of many arms touch few columns, which is another way through the arithmetic. With everyone seen at every
/// visit the mean of an arm at a visit is an average, whatever Σ is, a patient's leverage is 1/n, and so are SE and df known:
/// Σe² over n², n(n − 1) or (n − 1)² for each of the two arms of a difference, and n − 1 from each of them.
#[test]
fn differences_of_many_arms_have_the_standard_errors_of_averages() {
    let (arms, n, visits) = (24, 5, 3);
    let value = |k: usize| f64::from((k as u32).wrapping_mul(2_654_435_761) % 1000) / 100.0;
    let y: Vec<f64> = (0..arms * n * visits).map(|k| value(k) + value(k / visits + 77_777)).collect();
    let names: Vec<String> = (0..arms).map(|a| format!("a{a:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let trial = of_values(&names, (0..arms * n).map(|i| i % arms).collect(), Schedule::of_labels(["v1", "v2", "v3"]), y.clone());
    let average = |arm: usize| (0..n).map(|i| y[(arm + i * arms) * visits]).sum::<f64>() / n as f64;
    let squares = |arm: usize| (0..n).map(|i| (y[(arm + i * arms) * visits] - average(arm)).powi(2)).sum::<f64>();
    let size = n as f64;
    assert_all([(Vcov::Cr0, size.powi(2)), (Vcov::Cr2, size * (size - 1.0)), (Vcov::Cr3, (size - 1.0).powi(2))].map(|(vcov, divisor)| {
        let mut c = Comparison::of(format!("{vcov}"));
        let rows = Model::formula("y ~ arm * visit").expect("parses").vcov(vcov).fit(&trial).expect("a fit").coefficients().rows;
        let row = |label: &str| rows.iter().find(|row| row.label == label).expect("the coefficient");
        let intercept = row("(Intercept)");
        c.relative("SE of the first arm", intercept.se, (squares(0) / divisor).sqrt(), 1e-9);
        c.relative("df of the first arm", intercept.df, size - 1.0, 1e-8);
        for arm in 1..arms {
            let own = row(&format!("arma{arm:02}"));
            c.relative(&format!("{} estimate", own.label), own.estimate, average(arm) - average(0), 1e-9);
            c.relative(&format!("{} SE", own.label), own.se, ((squares(0) + squares(arm)) / divisor).sqrt(), 1e-9);
            c.relative(&format!("{} df", own.label), own.df, 2.0 * (size - 1.0), 1e-8);
        }
        c
    }));
}
