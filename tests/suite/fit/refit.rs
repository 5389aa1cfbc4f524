//! Fitting a design again: the same optimum as a fit from the beginning, without allocating.

use crate::common::{antidepressant, fev, invented, outcome};
use trialstats::covariance::Covariance;
use trialstats::trial::{Schedule, Trial, Variable, Visit};
use trialstats::{Estimation, Fit, Model};

/// Two optima, each exact to its decrement, in units of the standard error.
const SAME_OPTIMUM: f64 = 1e-8;

fn assert_same(case: &str, beta: &[f64], log_likelihood: f64, fit: &Fit) {
    assert!(
        (log_likelihood - fit.log_likelihood()).abs() < 1e-10 * log_likelihood.abs(),
        "{case}: {log_likelihood} and {}",
        fit.log_likelihood()
    );
    for (k, (ours, theirs)) in beta.iter().zip(fit.beta()).enumerate() {
        let se = fit.vcov()[(k, k)].sqrt();
        assert!((ours - theirs).abs() < SAME_OPTIMUM * se, "{case}: coefficient {k} is {ours} and {theirs}, SE {se}");
    }
}

fn models() -> Vec<(&'static str, Model)> {
    let model = || Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT").expect("parses");
    vec![
        ("unstructured", model()),
        ("per arm", model().covariance_by("THERAPY")),
        ("autoregressive", model().covariance(Covariance::HeterogeneousAutoregressive)),
        ("random slope, ML", model().covariance(Covariance::RandomInterceptSlope).estimation(Estimation::Ml)),
    ]
}

/// The trial with other values of its outcome.
fn with_outcome(trial: &Trial, patients: &[usize], change: impl Fn(usize, f64) -> f64) -> Trial {
    let schedule = trial.schedule().visits().iter().map(|v| Visit { label: v.label.clone(), time: v.time }).collect();
    let original = &trial.outcome("CHANGE").expect("is there").values;
    let visits = trial.schedule().len();
    let of = |i: usize| (0..visits).map(move |t| i * visits + t);
    let values = patients.iter().flat_map(|&i| of(i)).map(|at| change(at, original[at])).collect();
    let baseline = trial.covariate("BASVAL").expect("is there").numbers().expect("numbers");
    let covariate = patients.iter().map(|&i| baseline[i]).collect();
    let arms: Vec<&str> = trial.arms().iter().map(String::as_str).collect();
    invented(&arms, patients.iter().map(|&i| trial.arm_of()[i]).collect(), Schedule::new(schedule))
        .column_names(trial.column_names().clone())
        .outcome(outcome("CHANGE", values))
        .variable(Variable::number("BASVAL", covariate))
        .build()
        .expect("fits together")
}

/// Something uneven that is not linear in the outcome.
fn changed(at: usize, y: f64) -> f64 {
    0.8 * y + 0.01 * y * y + ((at * 7919) % 13) as f64 * 0.4
}

#[test]
fn other_outcomes_give_what_a_fit_of_them_gives() {
    let trial = antidepressant();
    let everyone: Vec<usize> = (0..trial.patients().len()).collect();
    let other = with_outcome(&trial, &everyone, changed);
    for (name, model) in models() {
        let fit = model.fit(&trial).expect("fits");
        let mut refitter = fit.refitter().expect("has patients");
        let outcomes: Vec<f64> = refitter.outcomes().iter().enumerate().map(|(at, &y)| changed(at, y)).collect();
        refitter.with_outcomes(&outcomes).expect("fits");
        assert_same(name, refitter.beta(), refitter.log_likelihood(), &model.fit(&other).expect("fits"));
        // And back again: nothing remains of what was fitted in between.
        let original = refitter.outcomes().to_vec();
        refitter.with_outcomes(&original).expect("fits");
        assert_same(name, refitter.beta(), refitter.log_likelihood(), &fit);
    }
}

#[test]
fn patients_counted_twice_are_patients_entered_twice() {
    let trial = antidepressant();
    let times: Vec<u32> = (0..trial.patients().len()).map(|i| [1, 2, 0, 1, 3][i % 5]).collect();
    let sample: Vec<usize> = times.iter().enumerate().flat_map(|(i, &n)| (0..n).map(move |_| i)).collect();
    let resampled = with_outcome(&trial, &sample, |_, y| y);
    for (name, model) in models() {
        let fit = model.fit(&trial).expect("fits");
        let mut refitter = fit.refitter().expect("has patients");
        refitter.with_multiplicities(&times).expect("fits");
        assert_same(name, refitter.beta(), refitter.log_likelihood(), &model.fit(&resampled).expect("fits"));
    }
}

/// By either engine, whichever was asked last. Patients can be left out; copies would share what is the patient's own.
#[test]
fn effects_of_patients_are_refitted_too() {
    let trial = antidepressant();
    let everyone: Vec<usize> = (0..trial.patients().len()).collect();
    let other = with_outcome(&trial, &everyone, changed);
    let once: Vec<u32> = (0..trial.patients().len()).map(|i| u32::from(i % 5 != 2)).collect();
    let twice: Vec<u32> = (0..trial.patients().len()).map(|i| [1, 2, 0, 1, 3][i % 5]).collect();
    let rest: Vec<usize> = everyone.iter().copied().filter(|i| i % 5 != 2).collect();
    let left = with_outcome(&trial, &rest, |_, y| y);
    for effects in ["(1 | PATIENT)", "(1 + time | PATIENT)"] {
        let model = Model::formula(&format!("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT + {effects}")).expect("parses");
        let fit = model.fit(&trial).expect("fits");
        let mut refitter = fit.refitter().expect("has patients");
        let original = refitter.outcomes().to_vec();
        let outcomes: Vec<f64> = original.iter().enumerate().map(|(at, &y)| changed(at, y)).collect();
        for _ in 0..2 {
            refitter.with_outcomes(&outcomes).expect("fits");
            assert_same(effects, refitter.beta(), refitter.log_likelihood(), &model.fit(&other).expect("fits"));
            refitter.with_multiplicities(&once).expect("fits");
            assert_same(effects, refitter.beta(), refitter.log_likelihood(), &model.fit(&left).expect("fits"));
            let message = refitter.with_multiplicities(&twice).expect_err("copies are no patients").to_string();
            assert!(message.contains("more than once"), "{message}");
            refitter.with_outcomes(&original).expect("fits");
            assert_same(effects, refitter.beta(), refitter.log_likelihood(), &fit);
        }
    }
}

#[test]
fn weights_and_long_designs_are_refitted_too() {
    let trial = fev();
    let fit = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").expect("parses").weights("WEIGHT").fit(&trial).expect("fits");
    let mut refitter = fit.refitter().expect("has patients");
    let outcomes: Vec<f64> = refitter.outcomes().iter().map(|y| 3.0 * y - 7.0).collect();
    refitter.with_outcomes(&outcomes).expect("fits");
    for (k, (ours, original)) in refitter.beta().iter().zip(fit.beta()).enumerate() {
        let expected = 3.0 * original - if k == 0 { 7.0 } else { 0.0 };
        assert!((ours - expected).abs() < 3.0 * SAME_OPTIMUM * fit.vcov()[(k, k)].sqrt(), "coefficient {k}: {ours}, {expected}");
    }
    let once = vec![1; fit.n_patients()];
    refitter.with_outcomes(refitter.outcomes()).expect("fits");
    refitter.with_multiplicities(&once).expect("fits");
    assert_same("all once", refitter.beta(), refitter.log_likelihood(), &fit);
}

#[test]
fn what_cannot_be_refitted_is_refused() {
    let fit = Model::formula("CHANGE ~ THERAPY * VISIT").expect("parses").fit(&antidepressant()).expect("fits");
    let mut refitter = fit.refitter().expect("has patients");
    assert_eq!(refitter.with_outcomes(&[1.0]).expect_err("too few").code(), "wrong-number-of-values");
    let mut broken = refitter.outcomes().to_vec();
    let first = broken.iter().position(|y| !y.is_nan()).expect("one");
    broken[first] = f64::NAN;
    let message = refitter.with_outcomes(&broken).expect_err("missing").to_string();
    assert!(message.contains("patient 1 at 4"), "{message}");
    assert_eq!(refitter.with_multiplicities(&[1, 2]).expect_err("too few").code(), "wrong-number-of-values");
    assert!(refitter.with_multiplicities(&vec![0; fit.n_patients()]).is_err());
    refitter.with_multiplicities(&vec![1; fit.n_patients()]).expect("and it still works");
}

/// A refit runs through every part of an iteration: likelihood, derivatives, step, verification. None allocates.
#[test]
fn no_iteration_allocates() {
    for (name, model) in models() {
        let fit = model.fit(&antidepressant()).expect("fits");
        let mut refitter = fit.refitter().expect("has patients");
        let outcomes: Vec<f64> = refitter.outcomes().iter().enumerate().map(|(at, &y)| changed(at, y)).collect();
        let times: Vec<u32> = (0..fit.n_patients()).map(|i| [1, 2, 0, 1, 3][i % 5]).collect();
        // Structures that write their derivatives anew may need room for more elements the first time.
        refitter.with_outcomes(&outcomes).expect("fits");
        let counted = allocation_counter::measure(|| {
            refitter.with_outcomes(&outcomes).expect("fits");
            refitter.with_multiplicities(&times).expect("fits");
        });
        assert_eq!(counted.count_total, 0, "{name}");
    }
}

/// Along curves, and with what steps tell of the Hessian, far other outcomes take few iterations: their variances are a fifth
/// smaller, which takes Newton's method over the elements of Σ eight.
#[test]
fn refits_take_few_iterations() {
    let fit = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").expect("parses").fit(&fev()).expect("a fit");
    assert!(fit.convergence().iterations <= 5, "{:?}", fit.convergence());
    let mut refitter = fit.refitter().expect("the fit has patients");
    let other: Vec<f64> = refitter.outcomes().iter().enumerate().map(|(at, y)| 0.9 * y + 0.1 * ((at * 7919) % 13) as f64).collect();
    refitter.with_outcomes(&other).expect("an optimum");
    let steps = refitter.to_fit().convergence().clone();
    assert!(steps.iterations <= 5 && steps.evaluations <= 6, "{steps:?}");
}
