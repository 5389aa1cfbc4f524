//! The engine against the likelihoods written out in R, and with them lme4, lmerTest and pbkrtest
//! (`tests/references/mixed`).

use super::SparseFit;
use crate::design::{Design, DesignOptions, ModelFormula};
use crate::fit::Estimation;
use crate::trial::{CovariateKind, Layout, Trial};
use nalgebra::{DMatrix, DVector};
use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/references/mixed/");

/// Both optima are exact to rounding, and the references' sums are those of dense matrices; in units of the standard
/// error, or relative. Worst: below 3e-11.
const EXACT: f64 = 5e-10;

fn trial(data: &str, formula: &str) -> Trial {
    let visits: Vec<String> = match data {
        "nested3" => [1, 3, 6, 12].iter().map(|m| format!("month {m}")).collect(),
        "crossed" => (1..=6).map(|v| v.to_string()).collect(),
        "sparse_ratings" => (1..=7).map(|v| v.to_string()).collect(),
        "partially_nested" => [4, 8, 16, 24].iter().map(|w| format!("week {w}")).collect(),
        _ => (1..=3).map(|v| v.to_string()).collect(),
    };
    let arm = ["arm_group", "arm_patient"].into_iter().find(|arm| formula.contains(arm)).unwrap_or("arm");
    let layout = Layout::long("patient", arm, "visit").visits(visits).reference_arm("control");
    let numeric = |layout: Layout, column: &str| layout.covariate_as(column, CovariateKind::Numeric);
    let layout = match data {
        "nested3" => numeric(layout.outcome("y_group").outcome("y_patient"), "severity")
            .covariate_as("months", CovariateKind::NumericByVisit)
            .cluster("group"),
        "crossed" => layout.outcome("y").covariate_as("days", CovariateKind::NumericByVisit).cluster("site").cluster_by_visit("therapist"),
        "sparse_ratings" => layout
            .outcome("y")
            .covariate_as("days", CovariateKind::NumericByVisit)
            .covariate_as("w", CovariateKind::NumericByVisit)
            .cluster_by_visit("rater"),
        "partially_nested" => numeric(numeric(layout.outcome("y"), "baseline"), "gst").cluster("group").cluster("therapist"),
        _ => layout.outcome("y").cluster("group"),
    };
    layout.read_csv(format!("{FOLDER}{data}.csv")).expect("reads")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn near(what: &str, found: f64, expected: f64, unit: f64) {
    assert!((found - expected).abs() <= EXACT * unit, "{what}: {found} and {expected}, off by {:e}", (found - expected).abs() / unit);
}

/// Satterthwaite's degrees of freedom of a coefficient: 2v² over the variance of v.
fn satterthwaite(v: f64, gradient: &DVector<f64>, omega: &DMatrix<f64>) -> f64 {
    2.0 * v * v / gradient.dot(&(omega * gradient))
}

fn check(case: &Value) {
    let text = |key: &str| case[key].as_str().expect("text").to_string();
    let (id, data, formula) = (text("id"), text("data"), text("formula"));
    let estimation = if case["reml"] == true { Estimation::Reml } else { Estimation::Ml };
    let ModelFormula { mean, random, .. } = ModelFormula::parse(&formula).expect("parses");
    let options = DesignOptions { random, ..DesignOptions::default() };
    let design = Design::build(&trial(&data, &formula), &mean, &options).expect("has all variables");
    let kept: Vec<usize> = (0..design.columns.len()).collect();
    let fit = SparseFit::new(&design, &kept, estimation).unwrap_or_else(|failure| panic!("{id}: {failure}"));
    near(&format!("{id}: log-likelihood"), -0.5 * fit.value, number(&case["log_lik"]), 1.0 + fit.value.abs());

    let (observed, expected) = (fit.natural().hessian(), fit.natural().expected_hessian());
    let inverse = |hessian: &DMatrix<f64>| 2.0 * hessian.clone().try_inverse().expect("regular");
    let (observed, expected) = (inverse(&observed), inverse(&expected));
    let parameters = case["parameters"].as_array().expect("rows");
    assert_eq!(parameters.len(), fit.theta.len(), "{id}");
    for (k, row) in parameters.iter().enumerate() {
        let se = number(&row["se"]);
        near(&format!("{id}: {}", row["term"]), fit.theta[k], number(&row["estimate"]), se);
        near(&format!("{id}: se of {}", row["term"]), observed[(k, k)].sqrt(), se, se);
        near(&format!("{id}: expected se of {}", row["term"]), expected[(k, k)].sqrt(), number(&row["se_expected"]), se);
    }

    let slopes = fit.natural().slopes();
    let adjusted = |omega: &DMatrix<f64>| {
        let mut inner = fit.natural().weighted_q(omega);
        for (k, p) in slopes.iter().enumerate() {
            slopes.iter().enumerate().for_each(|(l, q)| inner -= p * &fit.phi * q * omega[(k, l)]);
        }
        &fit.phi + 2.0 * &fit.phi * inner * &fit.phi
    };
    let (by_observed, by_expected) = (adjusted(&observed), adjusted(&expected));
    let coefficients = case["coefficients"].as_array().expect("rows");
    assert_eq!(coefficients.len(), fit.beta.len(), "{id}");
    for row in coefficients {
        let name = row["term"].as_str().expect("text");
        let c = design.columns.iter().position(|column| column.name == name).unwrap_or_else(|| panic!("{id}: no column {name}"));
        let (what, se) = (|part: &str| format!("{id}: {part} of {name}"), number(&row["se"]));
        near(&what("estimate"), fit.beta[c], number(&row["estimate"]), se);
        near(&what("se"), fit.phi[(c, c)].sqrt(), se, se);
        let column = fit.phi.column(c).clone_owned();
        let gradient = DVector::from_iterator(slopes.len(), slopes.iter().map(|p| -column.dot(&(p * &column))));
        for (key, omega) in [("df", &observed), ("df_expected", &expected)] {
            let df = number(&row[key]);
            near(&what(key), satterthwaite(fit.phi[(c, c)], &gradient, omega), df, df);
        }
        // Kenward and Roger's variance is not adjusted for a covariance by maximum likelihood.
        for (key, adjusted) in [("kr_se", &by_observed), ("kr_se_expected", &by_expected)] {
            if let Some(se) = row[key].as_f64() {
                near(&what(key), adjusted[(c, c)].sqrt(), se, se);
            }
        }
    }
    check_effects(&id, case, &design, &fit);
}

fn check_effects(id: &str, case: &Value, design: &Design, fit: &SparseFit) {
    for (term, random) in design.rows.random.iter().enumerate() {
        let effects = fit.effects_of(term);
        let rows = case["random_effects"].as_array().into_iter().flatten().flat_map(|rows| rows.as_array().into_iter().flatten());
        let mut found = 0;
        for row in rows.filter(|row| row["factor"] == random.factor.as_str()) {
            let level = random.levels.iter().position(|l| row["level"] == l.as_str());
            let effect = random.effects.iter().position(|e| row["effect"] == e.as_str());
            let (Some(level), Some(effect)) = (level, effect) else { continue };
            let se = number(&row["se"]);
            let what = format!("{id}: effect {effect} of {} {}", random.factor, random.levels[level]);
            near(&what, effects.estimates[level * effects.size + effect], number(&row["blup"]), se);
            near(&what, effects.covariances[level][(effect, effect)].sqrt(), se, se);
            found += 1;
        }
        assert!(found >= random.levels.len(), "{id}: {found} effects of {}", random.factor);
    }
}

/// Hundreds of levels of each of two crossed factors, with slopes and weights, by lme4 and lmerTest, whose
/// derivatives are differences.
#[test]
fn two_crossed_factors_of_hundreds_of_levels_are_those_of_lme4() {
    /// lme4 to a decrement of 5e-15 and less, in units of the standard error; lmerTest's degrees of freedom,
    /// relative. Worst: 1e-7.
    const LME4: f64 = 1e-6;
    let near = |what: &str, found: f64, expected: f64, unit: f64| {
        let off = (found - expected).abs() / unit;
        assert!(off <= LME4, "{what}: {found} and {expected}, off by {off:e}");
    };
    let text = std::fs::read_to_string(format!("{FOLDER}sparse_ratings.json")).expect("reads");
    let cases: Value = serde_json::from_str(&text).expect("is JSON");
    for case in cases.as_array().expect("cases") {
        let (id, formula) = (case["id"].as_str().expect("text"), case["formula"].as_str().expect("text"));
        let ModelFormula { mean, random, .. } = ModelFormula::parse(formula).expect("parses");
        let weights = (case["weighted"] == true).then(|| "w".to_string());
        let options = DesignOptions { random, weights, ..DesignOptions::default() };
        let design = Design::build(&trial("sparse_ratings", formula), &mean, &options).expect("has all variables");
        let kept: Vec<usize> = (0..design.columns.len()).collect();
        let estimation = if case["reml"] == true { Estimation::Reml } else { Estimation::Ml };
        let fit = SparseFit::new(&design, &kept, estimation).unwrap_or_else(|failure| panic!("{id}: {failure}"));
        assert!((-0.5 * fit.value - number(&case["log_lik"])).abs() < 1e-8, "{id}: {} and {}", -0.5 * fit.value, case["log_lik"]);
        let omega = 2.0 * fit.natural().hessian().try_inverse().expect("regular");
        let of = |key: &str| case[key].as_array().expect("numbers").iter().map(number).collect::<Vec<f64>>();
        let expected = [vec![number(&case["residual_variance"])], of("patient"), of("rater")].concat();
        assert_eq!(expected.len(), fit.theta.len(), "{id}");
        expected.iter().enumerate().for_each(|(k, x)| near(&format!("{id}: parameter {k}"), fit.theta[k], *x, omega[(k, k)].sqrt()));
        let slopes = fit.natural().slopes();
        for (c, row) in case["coefficients"].as_array().expect("rows").iter().enumerate() {
            assert_eq!(row["term"], design.columns[c].name.as_str());
            let (se, df) = (number(&row["se"]), number(&row["df"]));
            near(&format!("{id}: coefficient {c}"), fit.beta[c], number(&row["estimate"]), se);
            near(&format!("{id}: se {c}"), fit.phi[(c, c)].sqrt(), se, se);
            let column = fit.phi.column(c).clone_owned();
            let gradient = DVector::from_iterator(slopes.len(), slopes.iter().map(|p| -column.dot(&(p * &column))));
            near(&format!("{id}: df {c}"), satterthwaite(fit.phi[(c, c)], &gradient, &omega), df, df);
        }
        let effects = fit.effects_of(1);
        for row in case["rater_effects"].as_array().expect("rows") {
            let level = design.rows.random[1].levels.iter().position(|l| row["level"] == l.as_str()).expect("a level");
            near(id, effects.estimates[level], number(&row["estimate"]), effects.covariances[level][(0, 0)].sqrt());
        }
    }
}

/// Every model of these data with independent residuals and no variance of zero.
#[test]
fn fits_are_those_written_out_and_those_of_lme4() {
    let mut checked = 0;
    for data in ["nested3", "crossed", "partially_nested", "balanced", "small_clusters"] {
        let text = std::fs::read_to_string(format!("{FOLDER}{data}.json")).expect("reads");
        let cases: Value = serde_json::from_str(&text).expect("is JSON");
        let cases = cases.as_array().or(cases["cases"].as_array()).expect("cases");
        for case in cases.iter().filter(|case| case["covariance"] == "independent") {
            check(case);
            checked += 1;
        }
    }
    assert!(checked >= 14, "{checked}");
}
