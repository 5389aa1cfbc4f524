//! Columns and visits that all but say the same, and outcomes at any scale: what is estimated keeps its digits, and where
//! the data are the cause of a failure, the covariance is not blamed.

use crate::common::*;
use std::collections::HashMap;
use trialstats::trial::{Layout, Schedule, Trial};
use trialstats::{Covariance, Df, Error, Fit, Model};

const FEV: &str = "data-samples/fev/fev.csv";

/// The FEV1 trial with further numbers, made from the fields of each row.
fn fev_with(names: &[&str], numbers: impl Fn(&[&str]) -> Vec<f64>) -> Trial {
    let text = contents(FEV);
    let mut lines = text.lines();
    let mut all = format!("{},{}\n", lines.next().expect("a header"), names.join(","));
    for line in lines {
        let fields: Vec<&str> = line.split(',').map(|f| f.trim_matches('"')).collect();
        let numbers: Vec<String> = numbers(&fields).iter().map(f64::to_string).collect();
        all += &format!("{line},{}\n", numbers.join(","));
    }
    let layout = names.iter().fold(fev_layout(), |layout, name| layout.covariate(*name));
    read_text(&layout, "fev.csv with further numbers", &all)
}

/// K of every patient.
fn parts() -> HashMap<String, f64> {
    let text = contents("tests/references/conditioning/nearly_collinear.csv");
    let pair = |line: &str| line.split_once(',').map(|(id, k)| (id.to_string(), k.parse().expect("a number")));
    text.lines().skip(1).filter_map(pair).collect()
}

fn fitted(model: &str, trial: &Trial) -> Fit {
    Model::formula(model).expect("parses").fit(trial).unwrap_or_else(|e| panic!("{model}: {e}"))
}

fn coefficient(fit: &Fit, name: &str) -> (f64, f64, f64) {
    let rows = fit.coefficients().rows;
    let row = rows.iter().find(|r| r.label == name).unwrap_or_else(|| panic!("no {name}"));
    (row.estimate, row.se, row.df)
}

/// The values of the case, whatever e is, to 1e-6 standard errors.
#[test]
fn nearly_collinear_covariates_keep_their_digits() {
    let parts = parts();
    let exact = fev_with(&["BL2"], |row| vec![parts[row[0]]]);
    let exact = fitted("FEV1 ~ FEV1_BL + BL2 + ARMCD * AVISIT", &exact);
    let (b, se, df) = coefficient(&exact, "BL2");
    let mut own = Comparison::of("the part by itself");
    own.within("estimate", b, 0.33963404, 1e-8);
    own.within("standard error", se, 0.31417058, 1e-8);
    own.within("df", df, 165.880, 1e-3);
    let near = [1e-2_f64, 1e-4, 1e-5, 1e-6, 1e-7].map(|e| {
        let trial = fev_with(&["BL2"], |row| vec![2.0 * row[5].parse::<f64>().expect("a number") + 3.0 + e * parts[row[0]]]);
        for formula in ["FEV1 ~ FEV1_BL + BL2 + ARMCD * AVISIT", "FEV1 ~ BL2 + FEV1_BL + ARMCD * AVISIT"] {
            fitted(formula, &trial);
        }
        let fit = fitted("FEV1 ~ FEV1_BL + BL2 + ARMCD * AVISIT", &trial);
        let (own_b, own_se, own_df) = coefficient(&fit, "BL2");
        let mut near = Comparison::of(format!("e = {e}"));
        near.within("estimate", own_b * e, b, 1e-6 * se);
        near.within("standard error", own_se * e, se, 1e-6 * se);
        near.relative("df", own_df, df, 1e-6);
        near.within("log-likelihood", fit.log_likelihood(), exact.log_likelihood() - e.ln(), 1e-6);
        let warned = fit.design().warnings().iter().any(|w| w.contains("BL2") && w.contains("FEV1_BL"));
        near.same("warned", warned, e < 1e-3);
        near
    });
    assert_all(near.into_iter().chain([own]));
}

/// Raw polynomials of calendar years are those of years since 2005.
#[test]
fn raw_polynomials_of_calendar_years_fit() {
    let numbers = |row: &[&str]| {
        let patient: i32 = row[0].trim_start_matches("PT").parse().expect("a number");
        let (x, z) = (f64::from(1990 + patient * 7 % 31), f64::from(patient * 7 % 31 - 15));
        vec![x, x * x, x * x * x, z, z * z, z * z * z]
    };
    let trial = fev_with(&["x", "x2", "x3", "z", "z2", "z3"], numbers);
    for terms in ["ARMCD * AVISIT", "ARMCD * AVISIT + x:AVISIT"] {
        let raw = fitted(&format!("FEV1 ~ x + x2 + x3 + {terms}"), &trial);
        let centred = fitted(&format!("FEV1 ~ z + z2 + z3 + {}", terms.replace('x', "z")), &trial);
        let (b, se, df) = coefficient(&centred, "z3");
        let (own_b, own_se, own_df) = coefficient(&raw, "x3");
        let mut same = Comparison::of(terms);
        same.within("cubic", own_b, b, 1e-6 * se);
        same.relative("its standard error", own_se, se, 1e-6);
        same.relative("its df", own_df, df, 1e-6);
        same.within("log-likelihood", raw.log_likelihood(), centred.log_likelihood(), 1e-6);
        assert_all([same]);
    }
}

/// The same for random effects with independent residuals, and for the sandwich.
#[test]
fn every_engine_measures_columns_from_others() {
    let parts = &parts();
    let with = |e: f64, offset: f64| {
        fev_with(&["BL2"], move |row| vec![offset * (2.0 * row[5].parse::<f64>().expect("a number") + 3.0) + e * parts[row[0]]])
    };
    let (exact, near) = (with(1.0, 0.0), with(1e-6, 1.0));
    for covariance in [Covariance::Independent, Covariance::CompoundSymmetry] {
        for vcov in [trialstats::Vcov::ModelBased, trialstats::Vcov::Cr2] {
            let model = Model::formula("FEV1 ~ FEV1_BL + BL2 + ARMCD * AVISIT + (1 | RACE)").expect("parses");
            let model = model.covariance(covariance.clone()).vcov(vcov);
            let [exact, near] = [&exact, &near].map(|trial| model.fit(trial).unwrap_or_else(|e| panic!("{covariance}: {e}")));
            let ((b, se, df), (own_b, own_se, own_df)) = (coefficient(&exact, "BL2"), coefficient(&near, "BL2"));
            let mut same = Comparison::of(format!("{covariance}, {}", vcov.words()));
            same.within("estimate", own_b * 1e-6, b, 1e-5 * se);
            same.relative("standard error", own_se * 1e-6, se, 1e-5);
            same.relative("df", own_df, df, 1e-4);
            assert_all([same]);
        }
    }
}

/// Complete data have their optimum in closed form, at any scale.
#[test]
fn nearly_correlated_visits_have_the_optimum_in_closed_form() {
    let text = contents("tests/references/conditioning/nearly_correlated.csv");
    for unit in [1.0, 1e-9, 1e9] {
        let scaled = |line: &str| {
            let (rest, y) = line.rsplit_once(',').expect("several fields");
            format!("{rest},{}", unit * y.parse::<f64>().expect("a number"))
        };
        let rows: Vec<String> = text.lines().take(1).map(String::from).chain(text.lines().skip(1).map(scaled)).collect();
        let trial = read_text(&Layout::long("id", "arm", "visit").outcome("y"), "nearly correlated", &rows.join("\n"));
        let fit = fitted("y ~ arm * visit", &trial);
        let y: Vec<f64> = fit.design().rows().outcomes().iter().map(|y| y / unit).collect();
        let arms = fit.design().rows().arm_of().to_vec();
        let mean = |arm: usize, t: usize| {
            let of_arm: Vec<f64> = (0..arms.len()).filter(|&i| arms[i] == arm).map(|i| y[i * 3 + t]).collect();
            of_arm.iter().sum::<f64>() / of_arm.len() as f64
        };
        let residual = |i: usize, t: usize| y[i * 3 + t] - mean(arms[i], t);
        let mut closed = Comparison::of(format!("in units of {unit}"));
        let sigma = |a: usize, b: usize| (0..arms.len()).map(|i| residual(i, a) * residual(i, b)).sum::<f64>() / (arms.len() - 2) as f64;
        for (a, b) in [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)] {
            closed.relative(&format!("element {a}, {b}"), fit.covariances()[0].sigma[(a, b)] / unit.powi(2), sigma(a, b), 1e-7);
        }
        // What is left of the third visit given the second, which is where the digits are.
        let own = &fit.covariances()[0].sigma;
        let left = |s: &dyn Fn(usize, usize) -> f64| s(2, 2) - 4.0 * s(2, 1) + 4.0 * s(1, 1);
        closed.relative("third less twice the second", left(&|a, b| own[(a, b)] / unit.powi(2)), left(&sigma), 1e-6);
        assert_all([closed]);
    }
}

/// Values of patients for three visits, one of which is made of the number of the patient.
fn of_three(second: impl Fn(u32) -> f64) -> Trial {
    let values = (0..40_u32).flat_map(|i| [f64::from(i * 7 % 13), second(i), f64::from(i * 5 % 11)]).collect();
    of_values(&["all"], vec![0; 40], Schedule::of_labels(["v1", "v2", "v3"]), values)
}

fn message(model: &Model, trial: &Trial) -> (&'static str, String) {
    let error: Error = model.fit(trial).expect_err("there is no optimum");
    (error.code(), error.to_string())
}

#[test]
fn the_data_are_named_where_they_are_the_cause() {
    for covariance in [Covariance::Unstructured, Covariance::HeterogeneousAutoregressive] {
        let model = Model::formula("y ~ visit").expect("parses").covariance(covariance.clone());
        let (_, text) = message(&model, &of_three(|_| 3.0));
        assert!(text.contains("does not vary at v2") || text.contains("every observation at v2"), "{covariance}: {text}");
        let (code, text) = message(&model, &of_three(|i| f64::from(i * 3 % 7) * 1e-150 * 1e-100));
        assert!(text.contains("v2"), "{covariance}: {code} {text}");
        let small = of_values(&["all"], vec![0; 40], Schedule::of_labels(["v1"]), (0..40).map(|i| f64::from(i % 7) * 1e-200).collect());
        let single = Model::formula("y ~ 1").expect("parses").covariance(covariance.clone());
        assert_eq!(message(&single, &small).0, "outcome-out-of-scale", "{covariance}");
    }
}

/// A visit at another scale than the others, or with an outlier, is fitted as it would be by itself.
#[test]
fn a_visit_may_have_a_scale_of_its_own() {
    for covariance in [Covariance::Unstructured, Covariance::HeterogeneousAutoregressive] {
        let model = Model::formula("y ~ visit").expect("parses").covariance(covariance.clone()).df(Df::Satterthwaite);
        let plain = model.fit(&of_three(|i| f64::from(i * 3 % 7) + 0.1 * f64::from(i % 5))).expect("a fit");
        let (code, text) = match model.fit(&of_three(|i| 1e-9 * (f64::from(i * 3 % 7) + 0.1 * f64::from(i % 5)))) {
            Ok(_) => ("", "v2".to_string()),
            Err(error) => (error.code(), error.to_string()),
        };
        assert!(text.contains("v2"), "{covariance}: {code} {text}");
        for unit in [1e-4, 1e4, 1e7] {
            let own = of_three(|i| unit * (f64::from(i * 3 % 7) + 0.1 * f64::from(i % 5)));
            let fit = model.fit(&own).unwrap_or_else(|e| panic!("{covariance}, {unit}: {e}"));
            let mut same = Comparison::of(format!("{covariance}, {unit}"));
            for (a, b) in [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)] {
                let by = unit.powi(i32::from(a == 1) + i32::from(b == 1));
                let bound = 1e-6 * (plain.covariances()[0].sigma[(a, a)] * plain.covariances()[0].sigma[(b, b)]).sqrt();
                same.within(
                    &format!("element {a}, {b}"),
                    fit.covariances()[0].sigma[(a, b)] / by,
                    plain.covariances()[0].sigma[(a, b)],
                    bound,
                );
            }
            assert_all([same]);
        }
    }
}
