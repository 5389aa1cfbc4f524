//! The referee of small-sample methods: with two visits, one arm, complete data and an unstructured covariance,
//! Satterthwaite and Kenward–Roger must both be the paired t test.

use crate::common::tolerances::IDENTITY;
use crate::common::*;
use trialstats::covariance::Covariance;
use trialstats::inference::Estimate;
use trialstats::{Df, Model, Trial};

/// The estimate of the second visit against the first, and its interval.
fn change(trial: &Trial, formula: &str, df: Df) -> (Estimate, (f64, f64)) {
    let fit = Model::formula(formula).and_then(|m| m.covariance(Covariance::Unstructured).df(df).fit(trial)).expect("a fit");
    let estimate = fit.coefficients().rows[1].clone();
    let interval = estimate.interval(0.95);
    (estimate, interval)
}

fn compare(case: &str, trial: &Trial, formula: &str) -> Vec<Comparison> {
    let references = reference("paired_t/paired_t.json");
    let expected = rows(&references).iter().find(|r| text(&r["id"]) == case).expect("the case");
    [Df::Satterthwaite, Df::KenwardRoger, Df::KenwardRogerLinear]
        .into_iter()
        .map(|df| {
            let (estimate, (lower, upper)) = change(trial, formula, df);
            let mut c = Comparison::of(format!("{case}, {df}"));
            for (what, ours) in [
                ("estimate", estimate.estimate),
                ("se", estimate.se),
                ("df", estimate.df),
                ("t", estimate.t),
                ("p", estimate.p),
                ("lower", lower),
                ("upper", upper),
            ] {
                c.relative(what, ours, number(&expected[what]), IDENTITY);
            }
            c
        })
        .collect()
}

#[test]
fn sleep_is_the_paired_t_test() {
    assert_all(compare("sleep", &sleep(), "extra ~ visit"));
}

#[test]
fn orthodont_is_the_paired_t_test() {
    let text = contents("tests/references/data/orthodont.csv");
    let two_ages: Vec<&str> = text.lines().filter(|l| l.contains(",8,") || l.contains(",14,") || l.contains("age")).collect();
    let trial = read_text(&orthodont_layout(), "orthodont", &two_ages.join("\n"));
    assert_all(compare("orthodont", &trial, "distance ~ visit"));
}
