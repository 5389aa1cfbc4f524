//! Ten thousand trials that nobody would wish for, each with one of all structures and methods: every one must end in
//! an optimum that stands up to a likelihood written out patient by patient, or in an outcome with a name. Nothing
//! may panic.
//!
//! `TRIALSTATS_STRESS=200000 cargo test --release --test suite stress:: -- --nocapture` does more of them and prints what
//! came of them.

mod dense;
mod generate;

use dense::Dense;
use generate::{Case, structures};
use rayon::prelude::*;
use std::collections::BTreeMap;
use trialstats::simulate::random::Stream;
use trialstats::{Error, Fit};

const TRIALS: u64 = 10_000;
const SEED: u64 = 20_261_122;
/// Every so many fits are checked against the dense likelihood.
const CHECKED: u64 = 4;
/// What −2ℓ may differ by, relative to its size, where Σ is well conditioned.
const ROUNDING: f64 = 1e-9;

/// A likelihood so flat that rounding decides whether its optimum is one.
const KNIFE_EDGE: &str = "optimum in one unit, refused in another";

/// What came of a case: its name, and what was wrong with it if anything was.
struct Verdict {
    outcome: &'static str,
    wrong: Option<String>,
}

/// Says which case it was, should a panic pass through.
struct Witness<'a>(&'a Case);

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while at {}", self.0.describe());
        }
    }
}

/// One case by its number, for looking into it.
#[test]
#[ignore = "only where a number is given: TRIALSTATS_STRESS_CASE=3,17"]
fn a_case_by_its_number() {
    let numbers = std::env::var("TRIALSTATS_STRESS_CASE").unwrap_or_default();
    for index in numbers.split(',').filter_map(|n| n.parse().ok()) {
        let case = Case::new(SEED, index, &structures());
        let order: Vec<usize> = (0..case.patients()).collect();
        println!("{}", case.describe());
        match case.trial(&order, 1.0).and_then(|trial| case.model()?.fit(&trial)) {
            Ok(fit) => println!("  {:?}\n  {:?}\n  {:?}", fit.convergence(), fit.covariance_parameters(), flaw(&case, &fit)),
            Err(error) => println!("  {error}"),
        }
    }
}

#[test]
fn every_trial_ends_in_a_verified_optimum_or_a_named_outcome() {
    let trials = std::env::var("TRIALSTATS_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(TRIALS);
    let structures = structures();
    let verdicts: Vec<(Case, Verdict)> = (0..trials)
        .into_par_iter()
        .map(|index| {
            let case = Case::new(SEED, index, &structures);
            let verdict = {
                let _witness = Witness(&case);
                judge(&case)
            };
            (case, verdict)
        })
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    verdicts.iter().for_each(|(_, v)| *counts.entry(v.outcome).or_default() += 1);
    counts.iter().for_each(|(outcome, n)| println!("{n:>7}  {outcome}"));
    let wrong: Vec<String> =
        verdicts.iter().filter_map(|(case, v)| v.wrong.as_ref().map(|w| format!("{}: {w} [{}]", case.describe(), v.outcome))).collect();
    wrong.iter().for_each(|w| println!("{w}"));
    for (case, v) in verdicts.iter().filter(|(_, v)| matches!(v.outcome, "not-converged" | "no-starting-value")) {
        println!("{} [{}]", case.describe(), v.outcome);
    }
    assert!(wrong.is_empty(), "{} of {trials} cases went wrong:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    let of = |name: &str| counts.get(name).copied().unwrap_or(0);
    assert!(of("not-converged") as f64 <= 1e-3 * trials as f64, "{} searches ended nowhere", of("not-converged"));
    assert!(of(KNIFE_EDGE) as f64 <= 1e-3 * trials as f64, "{} trials on a knife's edge", of(KNIFE_EDGE));
    assert!(of("optimum") as f64 > 0.4 * trials as f64, "too few trials can be fitted for the suite to mean anything");
    for expected in ["optimum at the boundary", "unbounded-likelihood", "covariance-not-identified", "no-residual-variation"] {
        assert!(of(expected) > 0, "no trial ends in {expected}");
    }
}

fn judge(case: &Case) -> Verdict {
    let order: Vec<usize> = (0..case.patients()).collect();
    let fitted = case.trial(&order, 1.0).and_then(|trial| case.model()?.fit(&trial));
    match fitted {
        Ok(fit) => {
            let outcome = if fit.convergence().boundary.is_empty() { "optimum" } else { "optimum at the boundary" };
            match flaw(case, &fit) {
                Some(flaw) if flaw.starts_with(KNIFE_EDGE) => Verdict { outcome: KNIFE_EDGE, wrong: None },
                wrong => Verdict { outcome, wrong },
            }
        }
        Err(error @ (Error::Fit(_) | Error::Invalid { .. } | Error::Data(_))) => {
            let of_the_data = case.ordinary && !matches!(error, Error::Invalid { .. }) && error.code() != "covariance-not-identified";
            Verdict { outcome: error.code(), wrong: of_the_data.then(|| format!("an ordinary trial was refused: {error}")) }
        }
        Err(error) => Verdict { outcome: error.code(), wrong: Some(format!("no such error was expected: {error}")) },
    }
}

/// What is wrong with a fit, if anything is.
fn flaw(case: &Case, fit: &Fit) -> Option<String> {
    let theta: Vec<f64> = fit.covariance_parameters().into_iter().map(|(_, value)| value).collect();
    if !fit.log_likelihood().is_finite() || theta.iter().any(|x| !x.is_finite()) {
        return Some("a number is not one".into());
    }
    let table = fit.coefficients();
    let refused = |label: &str| table.notes.iter().any(|note| note.contains(label) && note.contains("not estimable"));
    let aliased = |label: &str| table.notes.iter().any(|note| note.starts_with("Aliased") && note.contains(label));
    for row in &table.rows {
        let sound = row.estimate.is_finite() && row.se > 0.0 && row.se.is_finite() && row.df > 0.0;
        if !sound && !refused(&row.label) && !aliased(&row.label) {
            return Some(format!("`{}` is {} with standard error {} on {} df", row.label, row.estimate, row.se, row.df));
        }
    }
    if !case.index.is_multiple_of(CHECKED) {
        return None;
    }
    let dense = Dense::new(case, fit);
    let found = -2.0 * fit.log_likelihood();
    // Rounding of W grows with the inverse of the smallest eigenvalue, that of log|X'WX| with the ratio of the
    // weights that visits have.
    let spread = 10.0 / dense.smallest_eigenvalue(&theta).max(1e-12) + dense.ratio_of_variances(&theta);
    let allowed = ROUNDING * (1.0 + found.abs()) + 4e-15 * dense.observations() as f64 * spread;
    let Some(again) = dense.value(&theta) else { return Some("the likelihood has no value at the optimum".into()) };
    let off = (again - found).abs();
    if off.is_nan() || off > allowed {
        return Some(format!("−2ℓ is {again} and not {found}: {:.1e} apart, {allowed:.1e} allowed", again - found));
    }
    beaten(case, fit, &dense, &theta, again, allowed).or_else(|| moved(case, fit, allowed))
}

/// A point near the optimum that is better, if random steps find one.
fn beaten(case: &Case, fit: &Fit, dense: &Dense, theta: &[f64], best: f64, allowed: f64) -> Option<String> {
    let mut random = Stream::new(SEED, case.index, 1);
    let vcov = fit.covariance_parameters_vcov();
    let interior = fit.convergence().boundary.is_empty();
    let size = |k: usize| if interior && vcov[(k, k)] > 0.0 { vcov[(k, k)].sqrt() } else { theta[k].abs() };
    for direction in 0..10 {
        let step = [1.0, 0.3, 0.1, 0.03, 0.01][direction % 5];
        let there: Vec<f64> = (0..theta.len()).map(|k| theta[k] + step * size(k) * random.normal() / (theta.len() as f64).sqrt()).collect();
        if let Some(value) = dense.value(&there).filter(|value| *value < best - allowed) {
            return Some(format!("a random step of {step} standard errors lowers −2ℓ by {:.1e}, {allowed:.1e} allowed", best - value));
        }
    }
    None
}

/// Another optimum for the patients in reverse order and the outcome in another unit, if that is what is found.
fn moved(case: &Case, fit: &Fit, allowed: f64) -> Option<String> {
    let order: Vec<usize> = (0..case.patients()).rev().collect();
    let again = case.trial(&order, -8.0).and_then(|trial| case.model()?.fit(&trial));
    let fitted = fit.n_observations() - if case.estimation == trialstats::Estimation::Reml { fit.rank() } else { 0 };
    let expected = -2.0 * fit.log_likelihood() + 2.0 * fitted as f64 * 8.0_f64.ln();
    match again {
        Ok(again) if (-2.0 * again.log_likelihood() - expected).abs() <= 10.0 * allowed => None,
        Ok(again) => Some(format!("in another unit −2ℓ is {:.2e} higher", -2.0 * again.log_likelihood() - expected)),
        Err(error) => Some(format!("{KNIFE_EDGE}: {error}")),
    }
}
