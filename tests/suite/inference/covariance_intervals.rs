//! Intervals of covariance parameters: profiles of the likelihoods of nlme and lme4, Wald intervals of nlme, and what
//! must hold of any interval.

use crate::common::tolerances::*;
use crate::common::{Comparison, antidepressant, assert_all, estimation, fev, number, reference, rows, sleepstudy, text};
use serde_json::Value;
use trialstats::covariance::Covariance;
use trialstats::inference::{
    CovarianceInterval, CovarianceIntervalMethod, CovarianceIntervalOptions, CovarianceIntervals, CovarianceQuantity,
};
use trialstats::{Estimation, Fit, Model, Trial};

fn fit(trial: &Trial, formula: &str, structure: &str, estimation: Estimation) -> Fit {
    let covariance = Covariance::named(structure).expect("a structure");
    Model::formula(formula).expect("a formula").covariance(covariance).estimation(estimation).fit(trial).expect("a fit")
}

fn case_fit(case: &Value) -> Fit {
    match text(&case["data"]) {
        "fev_data" => fit(&fev(), text(&case["formula"]), text(&case["structure"]), estimation(case)),
        _ => fit(&sleepstudy(), "Reaction ~ time", text(&case["structure"]), estimation(case)),
    }
}

fn by(fit: &Fit, method: CovarianceIntervalMethod) -> CovarianceIntervals {
    fit.covariance_intervals(&CovarianceIntervalOptions { method, ..Default::default() }).expect("intervals")
}

/// Our row for a name of the reference, and whether ours is the square of theirs.
fn ours<'a>(table: &'a CovarianceIntervals, structure: &str, name: &str) -> (&'a CovarianceInterval, bool) {
    use CovarianceQuantity::*;
    let (kind, label, squared) = match (name, structure) {
        ("correlation", "us") => (Correlation, "VIS1, VIS2", false),
        ("correlation", "ar1") => (Parameter, "autocorrelation", false),
        ("correlation", "csh") => (Parameter, "correlation", false),
        ("variance", _) => (Parameter, "variance", false),
        ("sd intercept", _) => (RandomEffect, "SD of the intercept", false),
        ("sd slope", _) => (RandomEffect, "SD of the slope", false),
        ("correlation", _) => (RandomEffect, "correlation of intercept and slope", false),
        _ => (Parameter, "residual variance", true),
    };
    (table.get(kind, label).unwrap_or_else(|| panic!("{label} in\n{table}")), squared)
}

#[test]
fn profiles_end_where_those_of_nlme_and_lme4_do() {
    let cases = reference("covariance_intervals/covariance_intervals.json");
    assert_eq!(rows(&cases).len(), 8);
    assert_all(rows(&cases).iter().map(|case| {
        let fit = case_fit(case);
        let table = by(&fit, CovarianceIntervalMethod::Profile);
        let mut c = Comparison::of(text(&case["id"]));
        for (name, theirs) in case["profile"].as_object().expect("rows") {
            let (row, squared) = ours(&table, text(&case["structure"]), name);
            let width = number(&theirs["upper"]) - number(&theirs["lower"]);
            let natural = |x: f64| if squared { x.sqrt() } else { x };
            let ends = [("estimate", row.estimate, PROFILE_TOP), ("lower", row.lower, PROFILE), ("upper", row.upper, PROFILE)];
            for (end, value, tolerance) in ends {
                c.within(&format!("{name} {end}"), natural(value), number(&theirs[end]), tolerance * width);
            }
        }
        c
    }));
}

#[test]
fn confint_of_lme4_is_near() {
    let cases = reference("covariance_intervals/covariance_intervals.json");
    let with: Vec<&Value> = rows(&cases).iter().filter(|c| !c["confint"].is_null()).collect();
    assert_eq!(with.len(), 2);
    assert_all(with.into_iter().map(|case| {
        let table = by(&case_fit(case), CovarianceIntervalMethod::Profile);
        let mut c = Comparison::of(text(&case["id"]));
        for (k, name) in rows(&case["confint"]["names"]).iter().map(text).enumerate() {
            let (row, squared) = ours(&table, text(&case["structure"]), name);
            let natural = |x: f64| if squared { x.sqrt() } else { x };
            let [lower, upper] = ["lower", "upper"].map(|end| number(&case["confint"][end][k]));
            c.within(&format!("{name} lower"), natural(row.lower), lower, LME4_CONFINT * (upper - lower));
            c.within(&format!("{name} upper"), natural(row.upper), upper, LME4_CONFINT * (upper - lower));
        }
        c
    }));
}

/// nlme transforms as we do: the logarithm of σ, twice Fisher's z of ρ.
#[test]
fn wald_intervals_are_those_of_nlme() {
    let cases = reference("covariance_intervals/covariance_intervals.json");
    let with: Vec<&Value> = rows(&cases).iter().filter(|c| !c["wald"].is_null()).collect();
    assert_eq!(with.len(), 2);
    assert_all(with.into_iter().map(|case| {
        let table = by(&case_fit(case), CovarianceIntervalMethod::Wald);
        let mut c = Comparison::of(text(&case["id"]));
        let rho = table.get(CovarianceQuantity::Parameter, "autocorrelation").expect("a row");
        let sd = table.get(CovarianceQuantity::StandardDeviation, "VIS1").expect("a row");
        for (row, theirs) in [(rho, &case["wald"]["correlation"]), (sd, &case["wald"]["sd"])] {
            let width = number(&theirs["upper"]) - number(&theirs["lower"]);
            c.within(&format!("{} lower", row.label), row.lower, number(&theirs["lower"]), NLME_WALD * width);
            c.within(&format!("{} upper", row.label), row.upper, number(&theirs["upper"]), NLME_WALD * width);
        }
        c
    }));
}

/// What is a function of one parameter has the function of its limits; every quantity of an unstructured model has a
/// finite interval around the estimate.
#[test]
fn profiles_do_not_depend_on_the_parameterisation() {
    let trial = fev();
    let formula = "FEV1 ~ RACE + SEX + ARMCD * AVISIT";
    let us = by(&fit(&trial, formula, "us", Estimation::Reml), CovarianceIntervalMethod::Profile);
    assert_eq!(us.rows.len(), 10 + 4 + 6);
    let mut c = Comparison::of("unstructured");
    for row in &us.rows {
        c.same(&row.label, row.lower < row.estimate && row.estimate < row.upper && row.upper.is_finite(), true);
    }
    for visit in ["VIS1", "VIS2", "VIS3", "VIS4"] {
        let sd = us.get(CovarianceQuantity::StandardDeviation, visit).expect("a row");
        let variance = us.get(CovarianceQuantity::Parameter, &format!("variance {visit}")).expect("a row");
        c.relative(&format!("{visit} lower"), sd.lower, variance.lower.sqrt(), IDENTITY);
        c.relative(&format!("{visit} upper"), sd.upper, variance.upper.sqrt(), IDENTITY);
    }
    // The saturated structure written in three ways.
    let two = |structure: &str| {
        let model = Model::formula(formula).expect("a formula").covariance(Covariance::named(structure).expect("a structure"));
        by(&model.visits(["VIS1", "VIS2"]).fit(&trial).expect("a fit"), CovarianceIntervalMethod::Profile)
    };
    let elements = two("us");
    let correlation = elements.get(CovarianceQuantity::Correlation, "VIS1, VIS2").expect("a row");
    for structure in ["csh", "ar1h"] {
        let other = two(structure);
        let theirs = other.rows.iter().find(|r| r.kind == CovarianceQuantity::Parameter && r.label.contains("correlation")).expect("a row");
        c.relative(&format!("{structure} lower"), theirs.lower, correlation.lower, PROFILE);
        c.relative(&format!("{structure} upper"), theirs.upper, correlation.upper, PROFILE);
    }
    assert_all([c]);
}

#[test]
fn limits_at_the_edge_are_named() {
    // At so high a level not even a clear variance of slopes can be told from zero.
    let trial = antidepressant();
    let fit = fit(&trial, "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT", "random-intercept-slope", Estimation::Reml);
    let wide = CovarianceIntervalOptions { level: 0.999_999_999_999, ..Default::default() };
    let table = fit.covariance_intervals(&wide).expect("intervals");
    let slope = table.get(CovarianceQuantity::Parameter, "variance of the slope").expect("a row");
    assert_eq!(slope.lower, 0.0, "{table}");
    assert!(slope.upper > slope.estimate, "{table}");
    assert!(table.notes.iter().any(|n| n.starts_with("variance of the slope: lower limit 0, the edge")), "{table}");
}

#[test]
fn methods_agree_in_large_samples_and_say_what_they_are() {
    let fit = fit(&fev(), "FEV1 ~ ARMCD", "ar1", Estimation::Reml);
    let profile = by(&fit, CovarianceIntervalMethod::Profile);
    for method in [CovarianceIntervalMethod::Wald, CovarianceIntervalMethod::WaldNatural, CovarianceIntervalMethod::Satterthwaite] {
        let other = by(&fit, method);
        // Correlations further apart are powers of the first, and less like a normal variable.
        for (a, b) in profile.rows.iter().zip(&other.rows).filter(|(a, _)| a.kind != CovarianceQuantity::Correlation) {
            assert!(
                (a.lower - b.lower).abs() < 0.3 * a.se && (a.upper - b.upper).abs() < 0.3 * a.se,
                "{method:?} {}\n{profile}\n{other}",
                a.label
            );
        }
        assert_ne!(profile.notes, other.notes);
    }
    let bad = CovarianceIntervalOptions { level: 95.0, ..Default::default() };
    assert_eq!(fit.covariance_intervals(&bad).expect_err("not a level").code(), "out-of-range");
}

/// Patients who differ less than their visits do: the variance of the intercept is estimated as zero, and has an
/// upper limit only.
#[test]
fn a_variance_estimated_as_zero_has_an_upper_limit() {
    use trialstats::simulate::Gaussian;
    let generator = Gaussian::new(["1", "2", "3", "4"]).arm("a", 20, vec![0.0; 4]).arm("b", 20, vec![0.0; 4]).compound_symmetry(3.0, -0.2);
    let trial = generator.trial(1, 0).expect("a trial");
    let fit = fit(&trial, "y ~ arm * visit", "random-intercept", Estimation::Reml);
    assert!(!fit.convergence().boundary.is_empty());
    let table = by(&fit, CovarianceIntervalMethod::Profile);
    let sd = table.get(CovarianceQuantity::RandomEffect, "SD of the intercept").expect("a row");
    assert!(sd.estimate < 1e-6 && sd.se.is_nan(), "{table}");
    assert_eq!(sd.lower, 0.0, "{table}");
    assert!(sd.upper > 0.0 && sd.upper < 3.0, "{table}");
    let variance = table.get(CovarianceQuantity::Parameter, "variance of the intercept").expect("a row");
    assert_eq!(variance.lower, 0.0, "{table}");
    assert!((variance.upper.sqrt() - sd.upper).abs() < IDENTITY * sd.upper, "{table}");
    let residual = table.get(CovarianceQuantity::Parameter, "residual variance").expect("a row");
    assert!(residual.lower < residual.estimate && residual.estimate < residual.upper, "{table}");
}
