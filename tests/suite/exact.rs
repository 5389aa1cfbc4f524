//! What is known in closed form where everyone observed is observed at every visit: a saturated mean with an
//! unstructured covariance has the t tests of each visit. One visit or several, one arm to four, and arms and visits
//! with nobody.

use crate::common::tolerances::{IDENTITY, MIXED_IDENTITY_DF};
use crate::common::*;
use nalgebra::{DMatrix, DVector};
use trialstats::analysis::{Analysis, AnalysisResult, Silent};
use trialstats::design::{Baseline, MeanModel};
use trialstats::dist::f;
use trialstats::effects::EffectSizes;
use trialstats::inference::Estimate;
use trialstats::means::{ArmComparisons, Compared, ContrastOptions, LinearContrast};
use trialstats::trial::Schedule;
use trialstats::{Df, Fit, Model, Trial};

const ARMS: [&str; 4] = ["A", "B", "C", "D"];
const SIZES: [usize; 4] = [7, 9, 6, 8];
const VISITS: [&str; 3] = ["start", "middle", "end"];

/// Invented outcomes of patients in arms of [`SIZES`], and who of them was seen where.
struct Outcomes {
    arms: usize,
    arm_of: Vec<usize>,
    /// y[patient][visit], NaN where not observed.
    y: Vec<Vec<f64>>,
}

impl Outcomes {
    fn new(arms: usize, visits: usize) -> Self {
        let arm_of: Vec<usize> = (0..arms).flat_map(|a| std::iter::repeat_n(a, SIZES[a])).collect();
        let noise = |i: usize, t: usize| ((i * 31 + t * 17 + i * t * 7 + i * i) % 23) as f64 / 4.0;
        let value = |i: usize, a: usize, t: usize| 30.0 + 0.7 * noise(i, 0) + noise(i, t) - (1.0 + a as f64) * t as f64;
        let y = arm_of.iter().enumerate().map(|(i, &a)| (0..visits).map(|t| value(i, a, t)).collect()).collect();
        Self { arms, arm_of, y }
    }

    /// Nobody of `arm` is seen from `visit` on.
    fn nobody_from(mut self, arm: usize, visit: usize) -> Self {
        for (y, _) in self.y.iter_mut().zip(&self.arm_of).filter(|(_, a)| **a == arm) {
            y[visit..].fill(f64::NAN);
        }
        self
    }

    fn nobody_at(mut self, visit: usize) -> Self {
        self.y.iter_mut().for_each(|y| y[visit] = f64::NAN);
        self
    }

    fn schedule(&self) -> Schedule {
        Schedule::of_labels(VISITS[..self.y[0].len()].iter().copied())
    }

    fn trial(&self, schedule: Schedule) -> Trial {
        of_values(&ARMS[..self.arms], self.arm_of.clone(), schedule, self.y.concat())
    }

    /// The first visit is the baseline.
    fn with_baseline(&self) -> Trial {
        self.trial(self.schedule().with_baseline(VISITS[0]).expect("a visit"))
    }

    /// A number of every patient of an arm.
    fn of_arm(&self, arm: usize, of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        self.y.iter().zip(&self.arm_of).filter(|(_, a)| **a == arm).map(|(y, _)| of(y)).collect()
    }

    /// The t statistics of a number per patient; arms without it do not count.
    fn t(&self, of: impl Fn(&[f64]) -> f64) -> T {
        let arms: Vec<Vec<f64>> = (0..self.arms).map(|a| self.of_arm(a, &of).into_iter().filter(|x| !x.is_nan()).collect()).collect();
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let squares: f64 = arms.iter().map(|x| x.iter().map(|v| (v - mean(x)).powi(2)).sum::<f64>()).sum();
        let (n, seen) = (arms.iter().map(Vec::len).sum::<usize>(), arms.iter().filter(|x| !x.is_empty()).count());
        let df = (n - seen) as f64;
        T { means: arms.iter().map(|x| mean(x)).collect(), n: arms.iter().map(|x| x.len() as f64).collect(), sd: (squares / df).sqrt(), df }
    }

    fn at(&self, visit: &str) -> T {
        let t = position(&VISITS, visit);
        self.t(|y| y[t])
    }

    fn change(&self, visit: &str) -> T {
        let t = position(&VISITS, visit);
        self.t(|y| y[t] - y[0])
    }
}

fn position(names: &[&str], name: &str) -> usize {
    names.iter().position(|n| *n == name).unwrap_or_else(|| panic!("{name} is not one of {names:?}"))
}

/// Means by arm and the standard deviation pooled over arms.
struct T {
    means: Vec<f64>,
    n: Vec<f64>,
    sd: f64,
    df: f64,
}

impl T {
    fn mean(&self, arm: usize) -> (f64, f64) {
        (self.means[arm], self.sd / self.n[arm].sqrt())
    }

    fn difference(&self, a: usize, b: usize) -> (f64, f64) {
        (self.means[a] - self.means[b], self.sd * (1.0 / self.n[a] + 1.0 / self.n[b]).sqrt())
    }

    /// The F test of all arms' means.
    fn f(&self) -> f64 {
        let grand = self.means.iter().zip(&self.n).map(|(m, n)| m * n).sum::<f64>() / self.n.iter().sum::<f64>();
        let between: f64 = self.means.iter().zip(&self.n).map(|(m, n)| n * (m - grand).powi(2)).sum();
        between / (self.means.len() - 1) as f64 / self.sd.powi(2)
    }
}

fn close(c: &mut Comparison, what: &str, ours: &Estimate, exact: (f64, f64), df: f64) {
    if exact.0.is_nan() {
        return c.same(&format!("{what}: no number"), [ours.estimate, ours.se, ours.df, ours.p].iter().all(|x| x.is_nan()), true);
    }
    c.within(&format!("{what}: estimate"), ours.estimate, exact.0, IDENTITY * exact.1);
    c.relative(&format!("{what}: SE"), ours.se, exact.1, IDENTITY);
    c.relative(&format!("{what}: df"), ours.df, df, MIXED_IDENTITY_DF);
}

fn fit(trial: &Trial, formula: &str, df: Df) -> Fit {
    let mean = MeanModel::parse(formula).expect("a formula").with_baseline(Baseline::Response);
    Model::new(mean).df(df).fit(trial).unwrap_or_else(|e| panic!("{formula}: {e}"))
}

/// The two arms of a contrast, whose names are those of the trial.
fn arms_of(compared: &Compared) -> (usize, usize) {
    let (arm, versus) = compared.arm().zip(compared.versus()).expect("a difference");
    assert_eq!(compared.to_string(), format!("{} - {}", ARMS[arm.index], ARMS[versus.index]));
    (arm.index, versus.index)
}

/// Every row of the tables of means, of differences and of changes is that of the arms and visit it names.
fn compare(c: &mut Comparison, data: &Outcomes, fit: &Fit) {
    for row in fit.means_by_visit().expect("means").rows {
        let (arm, visit) = (position(&ARMS, &row.levels[0]), row.levels[1].as_str());
        let exact = data.at(visit);
        close(c, &row.levels.join(" "), &row.estimate, exact.mean(arm), exact.df);
        c.same("n", row.n as f64, exact.n[arm]);
    }
    let pairwise = ContrastOptions::default().arms(ArmComparisons::Pairwise);
    for row in fit.arm_contrasts(&pairwise).expect("contrasts").rows {
        let ((a, b), exact) = (arms_of(&row.compared), data.at(row.visit.as_deref().expect("a visit")));
        close(c, &row.estimate.label, &row.estimate, exact.difference(a, b), exact.df);
    }
    if fit.design().baseline_visit().is_some() {
        for row in fit.change_from_baseline(&ContrastOptions::default()).expect("changes").rows {
            let exact = data.change(row.visit.as_deref().expect("a visit"));
            close(c, &row.estimate.label, &row.estimate, exact.mean(row.compared.arm().expect("an arm").index), exact.df);
        }
    }
}

fn by_both(name: &str, compared: impl Fn(&mut Comparison, Df)) {
    assert_all([Df::Satterthwaite, Df::KenwardRoger].map(|df| {
        let mut c = Comparison::of(format!("{name}, {df}"));
        compared(&mut c, df);
        c
    }));
}

#[test]
fn two_to_four_arms_have_the_t_tests_of_every_visit() {
    for arms in 2..=4 {
        by_both(&format!("{arms} arms"), |c, df| {
            let data = Outcomes::new(arms, 3);
            let fit = fit(&data.with_baseline(), "y ~ arm * visit", df);
            compare(c, &data, &fit);
            c.same("pairs and visits", fit.arm_contrasts(&ContrastOptions::default()).expect("contrasts").rows.len(), 3 * (arms - 1));
        });
    }
}

#[test]
fn one_visit_is_the_analysis_of_variance() {
    for arms in 2..=4 {
        by_both(&format!("one visit, {arms} arms"), |c, df| {
            let data = Outcomes::new(arms, 1);
            let exact = data.at(VISITS[0]);
            for formula in ["y ~ arm", "y ~ arm * visit"] {
                let fit = fit(&data.trial(data.schedule()), formula, df);
                c.same("coefficients", fit.rank(), arms);
                compare(c, &data, &fit);
                let test = fit.term_test("arm").expect("a test");
                c.relative("F", test.f, exact.f(), IDENTITY);
                c.relative("df", test.denom_df, exact.df, MIXED_IDENTITY_DF);
                c.relative("p", test.p, f::sf(exact.f(), (arms - 1) as f64, exact.df), MIXED_IDENTITY_DF);
            }
        });
    }
}

/// Baseline and one visit: least squares, adjusted means at the mean baseline of those analysed.
#[test]
fn one_visit_after_baseline_is_the_analysis_of_covariance() {
    let data = Outcomes::new(4, 2);
    let n = data.y.len();
    let x = DMatrix::from_fn(n, 5, |i, j| match j {
        0 => 1.0,
        1 => data.y[i][0],
        arm => f64::from(u8::from(data.arm_of[i] == arm - 1)),
    });
    let y = DVector::from_fn(n, |i, _| data.y[i][1]);
    let inverse = (x.transpose() * &x).try_inverse().expect("of full rank");
    let beta = &inverse * x.transpose() * &y;
    let df = (n - 5) as f64;
    let variance = (&y - &x * &beta).norm_squared() / df;
    let combine = |l: &DVector<f64>| (l.dot(&beta), (variance * l.dot(&(&inverse * l))).sqrt());
    let adjusted = |arm: usize| {
        let mut l = DVector::zeros(5);
        (l[0], l[1]) = (1.0, data.y.iter().map(|y| y[0]).sum::<f64>() / n as f64);
        if arm > 0 {
            l[1 + arm] = 1.0;
        }
        l
    };
    by_both("analysis of covariance", |c, method| {
        let mean = MeanModel::parse("y ~ baseline + arm").expect("a formula").baseline_covariate();
        let fit = Model::new(mean).df(method).fit(&data.with_baseline()).expect("fits");
        for (arm, row) in fit.marginal_means(&["arm"], &Default::default()).expect("means").rows.iter().enumerate() {
            close(c, ARMS[arm], &row.estimate, combine(&adjusted(arm)), df);
        }
        for row in fit.arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::Pairwise)).expect("contrasts").rows {
            let (a, b) = arms_of(&row.compared);
            close(c, &row.label(), &row.estimate, combine(&(adjusted(a) - adjusted(b))), df);
        }
    });
}

#[test]
fn a_trial_without_an_arm_has_the_t_tests_of_one_sample() {
    let data = Outcomes::new(1, 3);
    by_both("no arm", |c, df| {
        let fit = fit(&data.with_baseline(), "y ~ visit", df);
        for row in fit.marginal_means(&["visit"], &Default::default()).expect("means").rows {
            let exact = data.at(&row.levels[0]);
            close(c, &row.levels[0], &row.estimate, exact.mean(0), exact.df);
        }
        let change = LinearContrast::new("change").cell(&[("visit", "end")], 1.0).cell(&[("visit", "start")], -1.0);
        let exact = data.change("end");
        close(
            c,
            "change",
            &fit.linear_contrasts(&[change], &Default::default()).expect("a change").rows[0].estimate,
            exact.mean(0),
            exact.df,
        );
        c.same("no contrast of arms", fit.arm_contrasts(&ContrastOptions::default()).is_err(), true);
    });
    let trial = data.with_baseline();
    let result = Analysis::of(&trial).primary("y").run(&Silent).expect("a result");
    let outcome = &result.outcomes[0];
    assert!(outcome.contrasts.is_none() && outcome.joint.is_none() && outcome.effects.between.is_empty());
}

/// Two arms, of which the mean model does not know.
#[test]
fn a_mean_without_the_arm_takes_all_patients_as_one() {
    let mut data = Outcomes::new(2, 3);
    let trial = data.with_baseline();
    (data.arms, data.arm_of) = (1, vec![0; data.y.len()]);
    by_both("arm not in the mean", |c, df| {
        for row in fit(&trial, "y ~ visit", df).marginal_means(&["visit"], &Default::default()).expect("means").rows {
            let exact = data.at(&row.levels[0]);
            close(c, &row.levels[0], &row.estimate, exact.mean(0), exact.df);
        }
    });
    let result = Analysis::of(&trial).primary("y").mean("visit").baseline(Baseline::Response).run(&Silent).expect("a result");
    let outcome = &result.outcomes[0];
    assert!(outcome.contrasts.is_none() && outcome.changes.is_none() && outcome.effects.between.is_empty());
}

/// Nobody at a visit: it is left out and named, and every other visit is what it would be alone.
#[test]
fn a_visit_with_nobody_is_left_out_and_named() {
    let data = Outcomes::new(3, 3).nobody_at(1);
    by_both("nobody in the middle", |c, df| {
        let fit = fit(&data.with_baseline(), "y ~ arm * visit", df);
        c.same("visits", fit.design().visit_labels().to_vec(), vec!["start".to_string(), "end".to_string()]);
        c.same("it is named", fit.design().warnings().iter().any(|w| w.contains("middle")), true);
        compare(c, &data, &fit);
    });
    assert_effects(&data, &plan(&data));
}

/// Nobody of an arm at the last visit: its row there has a reason, and the arms that are complete have their means.
#[test]
fn a_cell_with_nobody_has_a_reason_and_the_others_their_means() {
    let data = Outcomes::new(3, 3).nobody_from(1, 2);
    let fit = fit(&data.with_baseline(), "y ~ arm * visit", Df::Satterthwaite);
    let mut c = Comparison::of("nobody in arm B at the end");
    for row in fit.means_by_visit().expect("means").rows {
        let (arm, visit) = (position(&ARMS, &row.levels[0]), row.levels[1].as_str());
        let nobody = (arm, visit) == (1, "end");
        c.same(&format!("{:?} has a reason", row.levels), row.not_estimable.is_some(), nobody);
        if !nobody {
            c.within(&row.levels.join(" "), row.estimate.estimate, data.at(visit).means[arm], IDENTITY);
        }
    }
    for row in fit.arm_contrasts(&ContrastOptions::default().visits(["end"])).expect("contrasts").rows {
        let (a, b) = arms_of(&row.compared);
        c.same(&format!("{} has a reason", row.compared), row.not_estimable.is_some(), a == 1);
        if a != 1 {
            c.within(&row.label(), row.estimate.estimate, data.at("end").difference(a, b).0, IDENTITY);
        }
    }
    assert_all([c]);
    assert_effects(&data, &plan(&data));
}

fn plan(data: &Outcomes) -> AnalysisResult {
    let trial = data.with_baseline();
    Analysis::of(&trial).primary("y").baseline(Baseline::Response).run(&Silent).expect("a result")
}

/// Every effect size is the difference of the arms it names, over the standard deviation at baseline pooled over arms;
/// arms with nobody have none.
fn assert_effects(data: &Outcomes, result: &AnalysisResult) {
    let (effects, sd) = (&result.outcomes[0].effects, data.at("start").sd);
    let mut c = Comparison::of("effect sizes");
    let tables = |tables: &[EffectSizes]| tables.iter().flat_map(|t| t.rows.clone()).collect::<Vec<_>>();
    for row in tables(&effects.within).into_iter().chain(tables(&effects.between)) {
        let arm = position(&ARMS, &row.arm);
        let (exact, what) = match &row.versus {
            None => (data.change(&row.visit).means[arm], format!("change of {}", row.arm)),
            Some(versus) => (data.at(&row.visit).difference(arm, position(&ARMS, versus)).0, format!("{} against {versus}", row.arm)),
        };
        match exact.is_nan() {
            true => c.same(&format!("{what} has none"), row.effect.is_nan(), true),
            false => c.within(&what, row.effect, exact / sd, IDENTITY),
        }
    }
    assert_all([c]);
}

#[test]
fn effect_sizes_of_four_arms_are_those_of_the_arms_they_name() {
    for arms in 2..=4 {
        let data = Outcomes::new(arms, 3);
        let result = plan(&data);
        assert_eq!(result.outcomes[0].effects.between[0].rows.len(), arms - 1);
        assert_eq!(result.outcomes[0].effects.within[0].rows.len(), arms);
        assert_effects(&data, &result);
    }
}

/// Nobody of an arm, be it the reference: what is estimated is named after the arms it compares, and the arm with
/// nobody is named.
#[test]
fn an_arm_with_nobody_takes_no_other_arms_numbers() {
    for arm in 0..3 {
        let data = Outcomes::new(3, 3).nobody_from(arm, 0);
        by_both(&format!("nobody in arm {}", ARMS[arm]), |c, df| {
            let fit = fit(&data.with_baseline(), "y ~ arm * visit", df);
            c.same(
                "it is named",
                fit.design()
                    .warnings()
                    .iter()
                    .any(|w| w.contains(&format!("arm {}", ARMS[arm])) || w.contains(&format!("= {}", ARMS[arm]))),
                true,
            );
            compare(c, &data, &fit);
        });
    }
}

/// An arm whose name looks like a difference of two others.
#[test]
fn the_name_of_an_arm_is_no_formula() {
    let data = Outcomes::new(3, 2);
    let names = ["B", "A", "B - A"];
    let trial = of_values(&names, data.arm_of.clone(), data.schedule().with_baseline("start").expect("a visit"), data.y.concat());
    let result = Analysis::of(&trial).primary("y").baseline(Baseline::Response).run(&Silent).expect("a result");
    let sd = data.at("start").sd;
    let rows = &result.outcomes[0].effects.between[0].rows;
    assert_eq!(rows.len(), 2);
    for row in rows {
        let arm = names.iter().position(|n| row.arm == *n).expect("an arm");
        let exact = data.at("middle").difference(arm, 0).0 / sd;
        assert!(row.versus.as_deref() == Some("B") && (row.effect - exact).abs() < IDENTITY, "{row:?}: {exact}");
    }
}
