//! Every covariance structure finds its optimum from the start it is given, on real and simulated trials; where
//! structures are one, or one holds the other, their likelihoods say so.

use crate::common::{antidepressant, bcva, fev, of_values};
use std::collections::BTreeMap;
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::trial::{Schedule, Visit};
use trialstats::{Covariance, Error, Estimation, Fit, Model, Trial};

fn structure(name: &str) -> Covariance {
    Covariance::named(name).unwrap_or_else(|e| panic!("{e}"))
}

/// All with a name, and some of those that take numbers or other structures.
fn names() -> Vec<&'static str> {
    let named = Covariance::NAMED.into_iter().map(|(name, ..)| name);
    let with = [
        "unstructured(1)",
        "unstructured(2)",
        "unstructured(3)",
        "toeplitz(1)",
        "toeplitz(2)",
        "toeplitz(3)",
        "heterogeneous-toeplitz(1)",
        "heterogeneous-toeplitz(2)",
        "heterogeneous-toeplitz(3)",
        "factor-analytic(1)",
        "factor-analytic-common-variance(1)",
        "factor-analytic-common-variance(2)",
        "random-intercept + autoregressive",
        "random-intercept + heterogeneous-autoregressive",
        "random-intercept + unstructured(1)",
        "random-intercept + toeplitz(2)",
        "random-intercept + spatial-exponential",
        "random-intercept-slope + autoregressive",
        "random-intercept-slope + unstructured(1)",
    ];
    named.chain(with).collect()
}

/// The first holds the second: it cannot have the smaller likelihood.
const HOLDS: [(&str, &str); 27] = [
    ("unstructured", "heterogeneous-toeplitz"),
    ("unstructured", "heterogeneous-ante-dependence"),
    ("unstructured", "huynh-feldt"),
    ("unstructured", "factor-analytic(1)"),
    ("unstructured", "unstructured(3)"),
    ("unstructured(3)", "unstructured(2)"),
    ("unstructured(2)", "unstructured(1)"),
    ("heterogeneous-toeplitz", "toeplitz"),
    ("heterogeneous-toeplitz", "heterogeneous-autoregressive"),
    ("heterogeneous-toeplitz", "heterogeneous-compound-symmetry"),
    ("heterogeneous-toeplitz", "heterogeneous-toeplitz(3)"),
    ("heterogeneous-toeplitz(3)", "toeplitz(3)"),
    ("heterogeneous-ante-dependence", "ante-dependence"),
    ("heterogeneous-ante-dependence", "heterogeneous-autoregressive"),
    ("ante-dependence", "autoregressive"),
    ("toeplitz", "toeplitz(3)"),
    ("toeplitz", "random-intercept + autoregressive"),
    ("toeplitz(3)", "toeplitz(2)"),
    ("huynh-feldt", "compound-symmetry"),
    ("factor-analytic(1)", "factor-analytic-common-variance(1)"),
    ("factor-analytic(1)", "heterogeneous-compound-symmetry"),
    ("factor-analytic(1)", "random-intercept + unstructured(1)"),
    ("factor-analytic-common-variance(2)", "factor-analytic-common-variance(1)"),
    ("factor-analytic-common-variance(2)", "random-intercept-slope"),
    ("random-intercept + heterogeneous-autoregressive", "random-intercept + autoregressive"),
    ("random-intercept-slope + autoregressive", "random-intercept + autoregressive"),
    ("random-intercept-slope + unstructured(1)", "random-intercept-slope"),
];

#[test]
fn every_structure_finds_its_optimum_on_the_sample_trials() {
    for (data, trial, formula) in [
        ("fev", fev(), "FEV1 ~ RACE + SEX + ARMCD * AVISIT"),
        ("antidepressant", antidepressant(), "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT"),
        ("bcva", bcva(), "BCVA_CHG ~ BCVA_BL + RACE + ARMCD * AVISIT"),
    ] {
        let model = Model::formula(formula).expect("a formula");
        let fit = |name: &str| model.clone().covariance(structure(name)).fit(&trial).unwrap_or_else(|e| panic!("{data}, {name}: {e}"));
        let found: BTreeMap<&str, f64> = names().into_iter().map(|name| (name, fit(name).log_likelihood())).collect();
        for (larger, smaller) in HOLDS {
            // The zeros of a negative common correlation are not among what a factor or an intercept can do; here all
            // correlations are positive.
            assert!(found[larger] >= found[smaller] - 1e-7, "{data}: {larger} {} below {smaller} {}", found[larger], found[smaller]);
        }
        assert!((found["spatial-exponential"] - found["spatial-power"]).abs() < 1e-8, "{data}");
        assert!((found["compound-symmetry"] - found["random-intercept"]).abs() < 1e-8, "{data}");
        if data != "antidepressant" {
            // Visits stand one apart.
            assert!((found["spatial-power"] - found["autoregressive"]).abs() < 1e-8, "{data}");
        }
    }
}

/// Two arms, visits at times 0, 1, …, and a dropout that depends on what was seen.
fn simulated(covariance: impl Fn(usize, usize) -> f64, visits: usize, per_arm: usize, seed: u64) -> Trial {
    let sigma: Vec<f64> = (0..visits * visits).map(|k| covariance(k / visits, k % visits)).collect();
    let drawn = Gaussian::new((0..visits).map(|v| v.to_string()))
        .arm("control", per_arm, vec![10.0; visits])
        .arm("active", per_arm, vec![9.0; visits])
        .covariance(sigma)
        .dropout(Dropout::AtRandom { at_mean: 0.1, log_odds_per_sd: 0.5 })
        .trial(seed, 0)
        .expect("a trial");
    // The same with times, which the simulation has none of.
    let y = drawn.outcome("y").expect("the outcome");
    let cells = (0..drawn.patients().len()).flat_map(|i| (0..visits).map(move |t| (i, t)));
    let values = cells.map(|(i, t)| drawn.value(y, i, t).unwrap_or(f64::NAN)).collect();
    let schedule = (0..visits).map(|v| Visit { label: v.to_string(), time: Some(v as f64) }).collect();
    of_values(&["control", "active"], drawn.arm_of().to_vec(), Schedule::new(schedule), values)
}

type Truth = (&'static str, fn(usize, usize) -> f64);

fn lag(a: usize, b: usize) -> i32 {
    a.abs_diff(b) as i32
}

const TRUTHS: [Truth; 6] = [
    ("autoregressive", |a, b| 9.0 * 0.8_f64.powi(lag(a, b))),
    ("alternating", |a, b| 9.0 * (-0.4_f64).powi(lag(a, b))),
    ("compound", |a, b| if a == b { 4.0 } else { 2.0 }),
    ("independent", |a, b| f64::from(u8::from(a == b))),
    ("growing", |a, b| (1.0 + 2.0 * a as f64) * (1.0 + 2.0 * b as f64) * 0.6_f64.powi(lag(a, b))),
    ("slopes", |a, b| 5.0 + 0.8 * (a * b) as f64 + 3.0 * f64::from(u8::from(a == b))),
];

fn fit(trial: &Trial, name: &str) -> Result<Fit, Error> {
    Model::formula("y ~ arm * visit").and_then(|m| m.covariance(structure(name)).fit(trial))
}

/// Trials of every kind of truth, also those that a structure is far from. What has random coefficients beside a
/// structure of its own may not be determined by them, and then says so.
#[test]
fn every_structure_finds_its_optimum_on_simulated_trials() {
    for (truth, covariance) in TRUTHS {
        for seed in 0..6 {
            let trial = simulated(covariance, 5, 60, seed);
            for name in names().into_iter().filter(|name| !name.starts_with("random-intercept-slope")) {
                match fit(&trial, name) {
                    Ok(_) => {}
                    Err(e) => assert!(name.contains(" + ") && e.code() == "covariance-not-identified", "{truth}, seed {seed}, {name}: {e}"),
                }
            }
        }
    }
}

/// On two visits many structures are the unstructured one in other words.
#[test]
fn structures_of_two_visits_are_one() {
    for (truth, covariance) in TRUTHS {
        let trial = simulated(covariance, 2, 30, 7);
        let unstructured = fit(&trial, "unstructured").expect("fits");
        for name in [
            "heterogeneous-toeplitz",
            "heterogeneous-autoregressive",
            "heterogeneous-ante-dependence",
            "heterogeneous-compound-symmetry",
            "huynh-feldt",
            "factor-analytic-common-variance(1)",
        ] {
            let same = fit(&trial, name).unwrap_or_else(|e| panic!("{truth}, {name}: {e}"));
            assert!((same.log_likelihood() - unstructured.log_likelihood()).abs() < 1e-8, "{truth}, {name}");
            for (a, b) in same.coefficients().rows.iter().zip(unstructured.coefficients().rows) {
                // Satterthwaite's method does not depend on the parameters.
                assert!((a.se / b.se - 1.0).abs() < 1e-7 && (a.df / b.df - 1.0).abs() < 1e-6, "{truth}, {name}: {a:?} {b:?}");
            }
        }
        let toeplitz = fit(&trial, "toeplitz").expect("fits").log_likelihood();
        for name in ["compound-symmetry", "autoregressive", "ante-dependence", "toeplitz(2)", "toeplitz(9)"] {
            assert!((fit(&trial, name).expect("fits").log_likelihood() - toeplitz).abs() < 1e-8, "{truth}, {name}");
        }
    }
}

/// Neighbours that repel each other have no correlation that falls with the distance; the best of those structures is
/// none, by name.
#[test]
fn a_correlation_that_dies_out_is_at_the_boundary() {
    let trial = simulated(TRUTHS[1].1, 4, 60, 3);
    let independent = fit(&trial, "toeplitz(1)").expect("fits");
    for (name, boundary) in
        [("spatial-exponential", "range"), ("spatial-gaussian", "range"), ("spatial-power", "correlation at distance 1")]
    {
        let fit = fit(&trial, name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(fit.convergence().boundary, [boundary], "{name}");
        assert!((fit.log_likelihood() - independent.log_likelihood()).abs() < 1e-8, "{name}");
        for (a, b) in fit.coefficients().rows.iter().zip(independent.coefficients().rows) {
            assert!((a.se / b.se - 1.0).abs() < 1e-7 && (a.df / b.df - 1.0).abs() < 1e-5, "{name}: {a:?} {b:?}");
        }
    }
}

/// The tenth visit is the factor itself in nobody's trial, the first in this one: its unique variance vanishes and is
/// named (a Heywood case).
#[test]
fn a_unique_variance_at_zero_is_named() {
    let fit = Model::formula("BCVA_CHG ~ BCVA_BL + RACE + ARMCD * AVISIT")
        .and_then(|m| m.covariance(structure("factor-analytic(2)")).fit(&bcva()))
        .expect("fits");
    assert_eq!(fit.convergence().boundary, ["unique variance VIS01"]);
}

/// A random intercept is a common covariance: the two cannot be told apart.
#[test]
fn what_cannot_be_told_apart_is_not_identified() {
    let trial = simulated(TRUTHS[2].1, 4, 40, 1);
    for name in ["random-intercept + compound-symmetry", "random-intercept + toeplitz", "random-intercept-slope + unstructured"] {
        for estimation in [Estimation::Reml, Estimation::Ml] {
            let model = Model::formula("y ~ arm * visit").expect("a formula").covariance(structure(name)).estimation(estimation);
            let error = model.fit(&trial).expect_err("not identified");
            assert_eq!(error.code(), "covariance-not-identified", "{name}: {error}");
            assert!(error.to_string().contains("variance of the "), "{name}: {error}");
        }
    }
}

/// One visit is enough for whatever has one variance there; random coefficients need more, and factors say how many.
#[test]
fn one_visit_is_fitted_or_refused_by_name() {
    let trial = simulated(TRUTHS[2].1, 1, 40, 1);
    let fit = |name: &str| Model::formula("y ~ arm").and_then(|m| m.covariance(structure(name)).fit(&trial));
    let alone = fit("unstructured").expect("fits").log_likelihood();
    for name in names() {
        match fit(name) {
            Ok(fit) => assert!((fit.log_likelihood() - alone).abs() < 1e-9, "{name}"),
            Err(e) if name.starts_with("random") => assert_eq!(e.code(), "covariance-not-identified", "{name}: {e}"),
            Err(e) => assert!(name.starts_with("factor") && e.code() == "too-large", "{name}: {e}"),
        }
    }
}

/// A covariance of its own for each arm, in any structure.
#[test]
fn groups_have_parameters_of_their_own() {
    let trial = simulated(TRUTHS[0].1, 4, 60, 2);
    for name in names().into_iter().filter(|name| !name.starts_with("random-intercept-slope")) {
        let model = Model::formula("y ~ arm * visit").expect("a formula").covariance(structure(name));
        let together = model.clone().fit(&trial).unwrap_or_else(|e| panic!("{name}: {e}"));
        let apart = model.covariance_by("arm").fit(&trial).unwrap_or_else(|e| panic!("{name}, by arm: {e}"));
        assert_eq!(apart.covariances().len(), 2);
        assert!(apart.log_likelihood() >= together.log_likelihood() - 1e-8, "{name}");
    }
}
