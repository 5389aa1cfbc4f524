//! The bootstrap of a plan refits what was fitted, and finds what fitting every resample from its own data finds.

use crate::common::{antidepressant, imrs_gst, of_values};
use trialstats::analysis::{ClusterModel, Clustering, Plan, Silent};
use trialstats::bootstrap::{Bootstrap, BootstrapInterval};
use trialstats::effects::{self, EffectOptions, EffectSizes, Limits};
use trialstats::means::ContrastOptions;
use trialstats::trial::{BaselineFrom, Schedule, Variable};
use trialstats::{Covariance, Df, Trial};

const EQUAL: f64 = 1e-9;

/// The tables of a plan with bootstrap limits: within and between arms.
fn of_plan(plan: &Plan, trial: &Trial) -> [EffectSizes; 2] {
    let result = plan.run(trial, &Silent).expect("a result");
    let outcome = &result.outcomes[0].effects;
    let bootstrapped =
        |tables: &[EffectSizes]| tables.iter().find(|t| matches!(t.limits, Limits::Bootstrap(_))).expect("a bootstrap was planned").clone();
    [bootstrapped(&outcome.within), bootstrapped(&outcome.between)]
}

/// The same tables where every resample of the trial is read, made into a design and fitted by itself.
fn one_by_one(plan: &Plan, trial: &Trial) -> [EffectSizes; 2] {
    let plan = plan.resolved(trial).expect("it fits the trial");
    let model = plan.model.clone().of_outcome(plan.primary.as_str()).df(Df::Asymptotic);
    let options = EffectOptions::new()
        .denominator(plan.effects.denominator)
        .correction(plan.effects.correction)
        .positive(plan.effects.positive)
        .level(plan.level)
        .baseline(plan.baseline_from.clone());
    let at = ContrastOptions::default().visits([plan.at.as_str()]);
    [false, true].map(|between| {
        let bootstrap = Bootstrap::new(plan.effects.bootstrap, plan.seed).level(plan.level).interval(plan.effects.bootstrap_interval);
        let effects = bootstrap.effects(trial, |resampled| {
            let fit = model.fit(resampled)?;
            let contrasts = if between { fit.arm_contrasts(&at)? } else { fit.change_from_baseline(&at)? };
            effects::from_model(resampled, &fit, &contrasts, &options)
        });
        effects.expect("limits")
    })
}

fn same(plan: &Plan, trial: &Trial) -> [EffectSizes; 2] {
    let (found, expected) = (of_plan(plan, trial), one_by_one(plan, trial));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.limits, expected.limits, "the replicates, and those that failed");
        assert_eq!(found.rows.len(), expected.rows.len());
        for (a, b) in found.rows.iter().zip(&expected.rows) {
            for (what, a, b) in [("effect", a.effect, b.effect), ("lower", a.lower, b.lower), ("upper", a.upper, b.upper)] {
                assert!((a - b).abs() < EQUAL, "{what}: {a} by refits, {b} by fits");
            }
        }
    }
    found
}

#[test]
fn refits_have_the_limits_of_fits() {
    let plan = Plan::new("caps5").lower_is_better().bootstrap(60).seed(7);
    same(&plan, &imrs_gst());
    // Means of the covariate differ by resample, and changes from baseline depend on them.
    let plan = Plan::new("HAMDTL17").baseline_from(BaselineFrom::Covariate("BASVAL".into())).bootstrap(60).seed(20260101);
    let plan = plan.formula("baseline * visit + arm * visit").expect("a formula");
    let trial = with_baseline(&antidepressant());
    same(&plan, &trial);
    let mut accelerated = plan;
    accelerated.effects.bootstrap_interval = BootstrapInterval::Bca;
    same(&accelerated, &trial);
}

/// The trial with its score before treatment under the name by which a model takes it for the baseline.
fn with_baseline(trial: &Trial) -> Trial {
    let before = trial.covariate("BASVAL").expect("a covariate").numbers().expect("numbers").to_vec();
    let outcome = trial.outcome("HAMDTL17").expect("an outcome").clone();
    Trial::builder("antidepressant")
        .patients(trial.patients().to_vec())
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(outcome)
        .variable(Variable::number("baseline", before.clone()))
        .variable(Variable::number("BASVAL", before))
        .build()
        .expect("a trial")
}

/// A site of one patient, whose level many resamples lack, and patients without an outcome, who can be drawn too.
fn sparse() -> Trial {
    let n = 36;
    let y = |i: usize, t: usize| match (i % 12, t) {
        (5, _) => f64::NAN,
        (7, 1) => f64::NAN,
        _ => (i * 37 % 11) as f64 + (i * (13 + t) % 7) as f64 - (t * (i % 2)) as f64,
    };
    let values = (0..n).flat_map(|i| [y(i, 0), y(i, 1)]).collect();
    let schedule = Schedule::of_labels(["start", "end"]).with_baseline("start").expect("a visit");
    let trial = of_values(&["control", "active"], (0..n).map(|i| i % 2).collect(), schedule, values);
    let site: Vec<Option<usize>> = (0..n).map(|i| Some(if i == 3 { 2 } else { i / 2 % 2 })).collect();
    let outcome = trial.outcome("y").expect("it is there").clone();
    Trial::builder("sites")
        .patients(trial.patients().to_vec())
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(outcome)
        .variable(Variable::factor("site", ["A", "B", "C"], site))
        .build()
        .expect("a trial")
}

#[test]
fn levels_that_a_resample_lacks_and_patients_without_outcomes_change_nothing() {
    let trial = sparse();
    let plan = Plan::new("y").bootstrap(80).seed(3);
    same(&plan.clone().formula("site + arm * visit").expect("a formula"), &trial);
    // The mean over sites of a change from baseline has other sites in a resample without one of them.
    same(&plan.formula("site * visit + arm * visit").expect("a formula"), &trial);
}

#[test]
fn a_structure_fallen_back_on_is_chosen_anew_in_every_resample() {
    // One visit has no variation that the rest of an unstructured covariance could be told from: the list goes on.
    let schedule = Schedule::of_labels(["start", "end"]).with_baseline("start").expect("a visit");
    let noise = |i: usize| (i * 37 % 11) as f64;
    let values = (0..30).flat_map(|i| if i % 3 == 0 { [noise(i), f64::NAN] } else { [f64::NAN, noise(i) - (i % 2) as f64] }).collect();
    let trial = of_values(&["control", "active"], (0..30).map(|i| i % 2).collect(), schedule, values);
    let plan = Plan::new("y").covariance(Covariance::Unstructured).covariance_else([Covariance::Independent]).bootstrap(80).seed(3);
    let result = plan.run(&trial, &Silent).expect("the second structure can be fitted");
    assert_eq!(result.outcomes[0].fit.attempts().len(), 1);
    same(&plan, &trial);
}

#[test]
fn every_fit_is_made_once_and_kept() {
    let plan = Plan::new("caps5").sensitivity_to_clusters(Clustering::new().groups("therapy_group").therapists("therapist"));
    let result = plan.run(&imrs_gst(), &Silent).expect("a result");
    let clusters = result.clustering.expect("it was asked for");
    let primary = clusters.get(ClusterModel::Independent).and_then(|row| row.fit.clone()).expect("the primary analysis");
    assert!(std::sync::Arc::ptr_eq(&primary, &result.outcomes[0].fit), "the sensitivity analysis has the fit of the outcome");
    for row in &clusters.rows {
        let fit = row.fit.as_ref().expect("every model can be fitted");
        assert_eq!(row.log_likelihood, fit.log_likelihood(), "{}", row.model);
        let others = clusters.rows.iter().filter(|other| other.model != row.model);
        assert!(others.filter_map(|other| other.fit.as_ref()).all(|other| !std::sync::Arc::ptr_eq(fit, other)));
    }
}
