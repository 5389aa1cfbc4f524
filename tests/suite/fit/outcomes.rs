//! What a user meets when a model cannot be fitted, or only just: a named outcome, never a number that is not one.

use crate::common::*;
use nalgebra::DMatrix;
use std::sync::Arc;
use trialstats::covariance::{CovarianceFamily, CovarianceStructure};
use trialstats::trial::{Layout, Schedule, Trial, Visit};
use trialstats::{Covariance, Df, Error, Estimation, Model};

/// A trial of one arm from the values of its patients, NaN where not observed.
fn one_arm<const T: usize>(values: &[[f64; T]]) -> Trial {
    let visits = (0..T).map(|t| Visit { label: format!("v{}", t + 1), time: Some(t as f64) }).collect();
    of_values(&["all"], vec![0; values.len()], Schedule::new(visits), values.concat())
}

fn code(result: trialstats::Result<trialstats::Fit>) -> (&'static str, String) {
    let error: Error = result.expect_err("there is no optimum");
    (error.code(), error.to_string())
}

/// mmrm 0.3.18 reports convergence here, with 0.064 degrees of freedom; SAS says that it did not converge. The
/// likelihood is unbounded.
#[test]
fn an_unbounded_likelihood_is_named() {
    let trial = read_text(&fev_layout(), "first 50 rows of fev.csv", &fev_head());
    let (code, message) = code(Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").expect("parses").fit(&trial));
    assert_eq!(code, "unbounded-likelihood", "{message}");
    assert!(message.contains("VIS"), "the visits are named: {message}");
}

#[test]
fn visits_never_seen_together_are_named() {
    let nan = f64::NAN;
    let values: Vec<[f64; 3]> = (0..30)
        .map(|i| {
            let x = f64::from(i * 7 % 11) + 0.3 * f64::from(i);
            let y = f64::from(i * 5 % 13);
            if i % 2 == 0 { [x, x + y, nan] } else { [x, nan, y - x] }
        })
        .collect();
    let (code, message) = code(Model::formula("y ~ visit").expect("parses").fit(&one_arm(&values)));
    assert_eq!(code, "covariance-not-identified", "{message}");
    assert!(message.contains("covariance v2, v3"), "{message}");
    assert!(Model::formula("y ~ visit").expect("parses").covariance(Covariance::CompoundSymmetry).fit(&one_arm(&values)).is_ok());
}

/// Values that repel each other within a patient: the best random intercept has no variance, and the fit is that of
/// independent values.
#[test]
fn a_variance_at_zero_is_named_and_no_longer_counts() {
    let values: Vec<[f64; 2]> = (0..20)
        .map(|i| {
            let d = f64::from(i * 7 % 20) - 9.5;
            [10.0 + d + 0.2 * f64::from(i % 3), 10.0 - d]
        })
        .collect();
    let trial = one_arm(&values);
    for df in [Df::Satterthwaite, Df::KenwardRoger] {
        let fit = Model::formula("y ~ 1").expect("parses").covariance(Covariance::RandomIntercept).df(df).fit(&trial).expect("fits");
        assert_eq!(fit.convergence().boundary, ["variance of the intercept"]);
        let flat: Vec<f64> = values.concat();
        let n = flat.len() as f64;
        let mean = flat.iter().sum::<f64>() / n;
        let variance = flat.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let row = &fit.coefficients().rows[0];
        // Exact: with independent observations the degrees of freedom are those of the one-sample t test.
        assert!((row.se - (variance / n).sqrt()).abs() < 1e-9 * row.se, "{df}: {}", row.se);
        assert!((row.df - (n - 1.0)).abs() < 1e-6 * n, "{df}: {}", row.df);
        assert!(fit.coefficients().to_string().contains("At the boundary"));
    }
}

#[test]
fn aliased_columns_are_named_and_what_survives_is_estimated() {
    let trial = fev();
    let plain = Model::formula("FEV1 ~ AVISIT").expect("parses").fit(&trial).expect("fits");
    let aliased = Model::formula("FEV1 ~ AVISIT + VISITN").expect("parses").fit(&trial).expect("fits");
    let last = aliased.beta().len() - 1;
    assert!(aliased.beta()[last].is_nan());
    // The same sums in another order of columns: rounding.
    assert!((aliased.log_likelihood() - plain.log_likelihood()).abs() < 1e-14 * plain.log_likelihood().abs());
    let mut l = vec![0.0; last + 1];
    l[last] = 1.0;
    let refused = aliased.estimate("slope", &l).expect_err("the data do not determine it");
    assert_eq!(refused.code(), "not-estimable");
    assert!(refused.to_string().contains("aliased with") && refused.to_string().contains("AVISITVIS2"), "{refused}");
}

#[test]
fn an_outcome_that_the_mean_reproduces_is_refused() {
    let (code, message) = code(Model::formula("y ~ visit").expect("parses").fit(&one_arm(&[[1.0, 2.0]; 12])));
    assert_eq!(code, "no-residual-variation", "{message}");
}

#[test]
fn a_mean_without_columns_is_refused() {
    let (code, message) = code(Model::formula("y ~ 0").expect("parses").fit(&one_arm(&[[1.0, 2.5], [2.0, 1.0], [0.0, 4.0]])));
    assert_eq!(code, "no-columns", "{message}");
}

#[test]
fn too_few_observations_are_refused() {
    let (code, message) = code(Model::formula("y ~ visit").expect("parses").fit(&one_arm(&[[1.0, 2.5]])));
    assert_eq!(code, "too-few-observations", "{message}");
}

/// A covariate taken for the visit has as many levels as there are rows; the mistake is named at once.
#[test]
fn a_column_that_is_no_visit_is_refused() {
    let layout = Layout::long("USUBJID", "ARMCD", "VISITN2").outcome("FEV1");
    let trial = read(&layout, FEV);
    let (code, message) = code(Model::formula("FEV1 ~ ARMCD").expect("parses").fit(&trial));
    assert_eq!(code, "too-many-parameters", "{message}");
}

#[test]
fn kenward_roger_is_refused_under_maximum_likelihood() {
    let model = Model::formula("FEV1 ~ AVISIT").expect("parses").estimation(Estimation::Ml).df(Df::KenwardRoger);
    assert_eq!(code(model.fit(&fev())).0, "conflicting-settings");
}

/// Compound symmetry written by a user, in parameters of their own: a standard deviation and a correlation.
#[derive(Debug)]
struct OwnStructure(usize);

impl CovarianceFamily for OwnStructure {
    fn name(&self) -> String {
        "own compound symmetry".into()
    }

    fn bind(&self, times: &[Option<f64>]) -> trialstats::Result<Box<dyn CovarianceStructure>> {
        Ok(Box::new(OwnStructure(times.len())))
    }
}

impl CovarianceStructure for OwnStructure {
    fn visits(&self) -> usize {
        self.0
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        vec!["standard deviation".into(), "correlation".into()]
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        vec![(moments.trace() / self.0 as f64).sqrt(), 0.3]
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta[0] > 0.0 && theta[1].abs() < 1.0
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        sigma.fill(theta[0].powi(2) * theta[1]);
        sigma.fill_diagonal(theta[0].powi(2));
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        derivative.fill(if k == 0 { 2.0 * theta[0] * theta[1] } else { theta[0].powi(2) });
        derivative.fill_diagonal(if k == 0 { 2.0 * theta[0] } else { 0.0 });
    }

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        derivative.fill(match k + l {
            0 => 2.0 * theta[1],
            1 => 2.0 * theta[0],
            _ => 0.0,
        });
        derivative.fill_diagonal(if k + l == 0 { 2.0 } else { 0.0 });
        true
    }
}

#[test]
fn a_structure_of_ones_own_fits_as_a_built_in_one_does() {
    let trial = fev();
    let model = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").expect("parses");
    let built_in = model.clone().covariance(Covariance::CompoundSymmetry).fit(&trial).expect("fits");
    let own = model.covariance(Covariance::Custom(Arc::new(OwnStructure(0)))).fit(&trial).expect("fits");
    assert!((own.log_likelihood() - built_in.log_likelihood()).abs() < 1e-9);
    for (a, b) in own.coefficients().rows.iter().zip(built_in.coefficients().rows) {
        // Satterthwaite's method does not depend on the parameters in which Σ is written.
        assert!((a.se / b.se - 1.0).abs() < 1e-9 && (a.df / b.df - 1.0).abs() < 1e-7, "{}: {a:?} and {b:?}", a.label);
    }
    assert!(own.notes()[0].starts_with("Own compound symmetry covariance"));
}

#[test]
fn the_moments_count_every_observation_once() {
    let fit = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("parses").fit(&fev()).expect("fits");
    let moments = fit.moments().expect("one covariance for all");
    assert_eq!((moments.n_observations(), moments.n_patients()), (537, 197));
    // One pattern for each non-empty set of the four visits that somebody has.
    assert!(moments.patterns.len() <= 15);
}

/// An offset of 1e9 costs no more digits than the offset itself takes from the outcome; without an intercept column
/// as with one.
#[test]
fn a_large_offset_of_the_outcome_costs_nothing() {
    let values: Vec<[f64; 3]> =
        (0..40).map(|i| [f64::from(i * 7 % 11), f64::from(i * 5 % 13) + 0.5 * f64::from(i % 11), f64::from(i * 3 % 17)]).collect();
    let shifted: Vec<[f64; 3]> = values.iter().map(|v| v.map(|y| y + 1e9)).collect();
    for formula in ["y ~ visit", "y ~ 0 + visit"] {
        let at_zero = Model::formula(formula).expect("parses").fit(&one_arm(&values)).expect("fits");
        let far = Model::formula(formula).expect("parses").fit(&one_arm(&shifted)).expect("fits");
        // Every value is exact in both; 1e9 + y keeps them so, and the likelihood does not see the offset.
        assert!((at_zero.log_likelihood() - far.log_likelihood()).abs() < 1e-9, "{formula}");
        for (a, b) in at_zero.coefficients().rows.iter().zip(far.coefficients().rows) {
            assert!((a.se / b.se - 1.0).abs() < 1e-9, "{formula}, {}: {} and {}", a.label, a.se, b.se);
        }
    }
}

/// A covariate a million units from zero tells what it tells at zero: slopes, contrasts and likelihood do not see its
/// origin. Adding 2^20 to values with few binary digits is exact, so the two data sets hold the same information.
#[test]
fn the_origin_of_a_covariate_costs_nothing() {
    let text = contents(ANTIDEPRESSANT);
    let moved = |by: u32| -> String {
        let far = |line: &str| -> String {
            let mut fields: Vec<String> = line.split(',').map(str::to_string).collect();
            fields[8] = (fields[8].parse::<u32>().expect("BASVAL is a whole number") + by).to_string();
            fields.join(",")
        };
        text.lines().enumerate().map(|(i, line)| if i == 0 { line.to_string() } else { far(line) } + "\n").collect()
    };
    let fit = |by: u32, df: Df| {
        let trial = read_text(&antidepressant_layout(), "antidepressant, moved", &moved(by));
        Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT").expect("parses").df(df).fit(&trial).expect("fits")
    };
    for df in [Df::Satterthwaite, Df::KenwardRoger] {
        let (near, far) = (fit(0, df), fit(1 << 20, df));
        assert!((near.log_likelihood() - far.log_likelihood()).abs() < 1e-9);
        for (a, b) in near
            .coefficients()
            .rows
            .iter()
            .zip(far.coefficients().rows)
            .filter(|(a, _)| a.label.contains("BASVAL") || a.label.contains("THERAPY"))
        {
            let same =
                (a.estimate - b.estimate).abs() < 1e-8 * a.se && (a.se / b.se - 1.0).abs() < 1e-9 && (a.df / b.df - 1.0).abs() < 1e-7;
            assert!(same, "{}: {a:?} and {b:?}", a.label);
        }
        let means = |f: &trialstats::Fit| f.means_by_visit().expect("estimable").rows;
        for (a, b) in means(&near).iter().zip(means(&far)) {
            let (a, b) = (&a.estimate, &b.estimate);
            assert!((a.estimate - b.estimate).abs() < 1e-6 * a.se && (a.se / b.se - 1.0).abs() < 1e-7, "{a:?} and {b:?}");
        }
        // The intercept speaks of a baseline of zero, now far from every patient: its covariance with the slope tells
        // so.
        let (v, by) = (far.vcov(), f64::from(1_u32 << 20));
        let expected = near.vcov()[(0, 0)] - 2.0 * by * near.vcov()[(0, 1)] + by * by * near.vcov()[(1, 1)];
        assert!((v[(0, 0)] / expected - 1.0).abs() < 1e-6, "{} where {expected} is due", v[(0, 0)]);
    }
}
