//! Offsets in the linear predictor against R's glm, geepack and lme4; generalized linear models and estimating equations of
//! statsmodels, with offsets and without; exact identities.

use crate::common::*;
use serde_json::Value;
use trialstats::estimates::Link;
use trialstats::generalized::{
    AlphaConvention, Family, Gee, GeeVcov, GeneralizedModel, Glm, GlmOptions, GlmVcov, Glmm, PopulationMeasure, PopulationOptions,
    PopulationVariance, Quadrature,
};
use trialstats::trial::CovariateKind;
use trialstats::{Estimates, Layout, Trial};

/// glm at 1e-15, geepack at 1e-13.
const R: f64 = 1e-8;
/// glmer after Newton steps on numerical derivatives of its own deviance.
const LME4: f64 = 2e-5;
/// statsmodels' GLM stops by the deviance, half of its digits; its GEE at 1e-13.
const STATSMODELS_GLM: f64 = 1e-7;
const STATSMODELS_GEE: f64 = 1e-8;

fn exposure() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").outcome("relapses").outcome("any").covariate("base");
    let layout = layout.covariate_as("weeks", CovariateKind::NumericByVisit).covariate_as("predicted", CovariateKind::NumericByVisit);
    read_text(&layout, "exposure", &contents("tests/references/offset/exposure.csv"))
}

fn one_visit() -> Trial {
    let layout = Layout::long("id", "arm", "visit").reference_arm("control").outcome("y").outcome("count").covariate("site");
    read_text(&layout.covariate("severity").covariate("base"), "trial", &contents("tests/references/generalized/independent/trial.csv"))
}

fn respiratory() -> Trial {
    let layout = Layout::long("patient", "treat", "visit").reference_arm("P").outcome("outcome").factor("center", ["1", "2"]);
    read_text(&layout, "respiratory", &contents("tests/references/gee/respiratory.csv"))
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().map_or_else(|| of.as_f64().into_iter().collect(), |all| all.iter().map(number).collect())
}

fn compare(c: &mut Comparison, what: &str, ours: &[f64], theirs: &Value, tolerance: f64) {
    let theirs = numbers(theirs);
    c.same(&format!("{what} length"), ours.len(), theirs.len());
    ours.iter().zip(theirs).enumerate().for_each(|(k, (a, b))| c.relative(&format!("{what}[{k}]"), *a, b, tolerance));
}

fn ses(fit: &dyn Estimates) -> Vec<f64> {
    fit.vcov().diagonal().iter().map(|v| v.sqrt()).collect()
}

fn glm(trial: &Trial, formula: &str, family: Family, vcov: GlmVcov) -> Glm {
    let model = GeneralizedModel::formula(formula).unwrap().family(family);
    let model = if trial.schedule().len() > 1 { model.visits(["1"]) } else { model };
    model.fit_independent(trial, &GlmOptions::default().vcov(vcov)).unwrap()
}

const COUNT: &str = "relapses ~ arm + base + offset(log(weeks))";
const EVENT: &str = "any ~ arm + base + offset(predicted)";
const COUNTS: &str = "relapses ~ arm * visit + base + offset(log(weeks))";
const EVENTS: &str = "any ~ arm * visit + offset(predicted)";

#[test]
fn offsets_of_one_outcome_per_patient_agree_with_glm() {
    let theirs = reference("offset/offset.json");
    let trial = exposure();
    assert_all([("poisson", COUNT, Family::Poisson), ("logistic", EVENT, Family::Binomial)].map(|(name, formula, family)| {
        let mut c = Comparison::of(name);
        let fit = glm(&trial, formula, family, GlmVcov::Model);
        compare(&mut c, "beta", fit.beta(), &theirs[name]["beta"], R);
        compare(&mut c, "SE", &ses(&fit), &theirs[name]["se"], R);
        c.relative("log-likelihood", fit.log_likelihood(), number(&theirs[name]["log_likelihood"]), R);
        compare(&mut c, "HC0", &ses(&glm(&trial, formula, family, GlmVcov::Hc0)), &theirs[name]["hc0"], R);
        c
    }));
}

#[test]
fn offsets_of_estimating_equations_agree_with_geepack() {
    let theirs = reference("offset/offset.json");
    let trial = exposure();
    assert_all([("gee_poisson", COUNTS, Family::Poisson), ("gee_logistic", EVENTS, Family::Binomial)].map(|(name, formula, family)| {
        let mut c = Comparison::of(name);
        let fit = Gee::formula(formula).unwrap().family(family).convention(AlphaConvention::Geepack).fit(&trial).unwrap();
        compare(&mut c, "beta", fit.beta(), &theirs[name]["beta"], R);
        compare(&mut c, "SE", &ses(&fit), &theirs[name]["se"], R);
        c.relative("alpha", fit.alpha()[0], number(&theirs[name]["alpha"]), R);
        c.relative("phi", fit.phi(), number(&theirs[name]["phi"]), R);
        c
    }));
}

#[test]
fn offsets_of_mixed_models_agree_with_lme4() {
    let theirs = reference("offset/offset.json");
    let trial = exposure();
    assert_all([("glmer_poisson", COUNTS, Family::Poisson), ("glmer_logistic", EVENTS, Family::Binomial)].map(
        |(name, formula, family)| {
            let mut c = Comparison::of(name);
            let model = Glmm::formula(&format!("{formula} + (1 | patient)")).unwrap().family(family).quadrature(Quadrature::Nodes(25));
            let fit = model.fit(&trial).unwrap();
            compare(&mut c, "beta", fit.beta(), &theirs[name]["beta"], LME4);
            compare(&mut c, "SE", &ses(&fit), &theirs[name]["se"], LME4);
            c.relative("SD", fit.theta()[0].abs(), number(&theirs[name]["sd"]), LME4);
            c
        },
    ));
}

#[test]
fn statsmodels_agrees() {
    let theirs = reference("generalized/statsmodels.json");
    let (one, exposure, respiratory) = (one_visit(), exposure(), respiratory());
    let all = "arm + site + severity + base";
    assert_all(rows(&theirs["cases"]).iter().map(|case| {
        let (engine, name) = (text(&case["engine"]), text(&case["name"]));
        let mut c = Comparison::of(format!("{engine} {name} {}", case["structure"]));
        if engine == "glm" {
            let (trial, formula, family, link) = match name {
                "logit" => (&one, format!("y ~ {all}"), Family::Binomial, Link::Logit),
                "log" => (&one, "y ~ arm".into(), Family::Binomial, Link::Log),
                "poisson" => (&one, format!("count ~ {all}"), Family::Poisson, Link::Log),
                "poisson of 0 and 1" => (&one, format!("y ~ {all}"), Family::Poisson, Link::Log),
                "poisson, offset" => (&exposure, COUNT.into(), Family::Poisson, Link::Log),
                _ => (&exposure, EVENT.into(), Family::Binomial, Link::Logit),
            };
            let model = GeneralizedModel::formula(&formula).unwrap().family(family).link(link);
            let model = if std::ptr::eq(trial, &exposure) { model.visits(["1"]) } else { model };
            let fit = |vcov| model.fit_independent(trial, &GlmOptions::default().vcov(vcov)).unwrap();
            compare(&mut c, "beta", fit(GlmVcov::Model).beta(), &case["beta"], STATSMODELS_GLM);
            c.relative("log-likelihood", fit(GlmVcov::Model).log_likelihood(), number(&case["log_likelihood"]), STATSMODELS_GLM);
            // Its HC1 of a GLM is its HC0, without N/(N − p).
            for (vcov, key) in [(GlmVcov::Model, "nonrobust"), (GlmVcov::Hc0, "HC0")] {
                compare(&mut c, key, &ses(&fit(vcov)), &case["se"][key], STATSMODELS_GLM);
            }
            return c;
        }
        let (trial, formula, family, link) = match name {
            "poisson, offset" => (&exposure, COUNTS, Family::Poisson, Link::Log),
            "logit, offset" => (&exposure, EVENTS, Family::Binomial, Link::Logit),
            _ => (&respiratory, "outcome ~ treat + center", Family::Binomial, Link::Log),
        };
        let gee = Gee::formula(formula).unwrap().family(family).link(link).correlation(text(&case["structure"]).parse().unwrap());
        let fit = gee.fit(trial).unwrap();
        compare(&mut c, "beta", fit.beta(), &case["beta"], STATSMODELS_GEE);
        for (vcov, key) in [(GeeVcov::Robust, "robust"), (GeeVcov::ManclDeRouen, "bias_reduced")] {
            let ours: Vec<f64> = fit.vcov_by(vcov).diagonal().iter().map(|v| v.sqrt()).collect();
            compare(&mut c, key, &ours, &case["se"][key], STATSMODELS_GEE);
        }
        if let Some(alpha) = fit.alpha().first() {
            c.relative("alpha", *alpha, number(&case["alpha"]), STATSMODELS_GEE);
        }
        c
    }));
}

/// A constant offset moves the intercept and nothing else, in every engine; means are those of an offset of zero.
#[test]
fn a_constant_offset_moves_the_intercept() {
    let text = contents("tests/references/offset/exposure.csv");
    let with_constant: String =
        text.lines().enumerate().map(|(k, line)| format!("{line},{}\n", if k == 0 { "seven" } else { "7" })).collect();
    let layout = Layout::long("patient", "arm", "visit").outcome("relapses").covariate("base").covariate("seven");
    let trial = read_text(&layout, "exposure", &with_constant);
    let (plain, moved) = ("relapses ~ arm + base", "relapses ~ arm + base + offset(log(seven))");
    let poisson = |formula: &str| Gee::formula(formula).unwrap().family(Family::Poisson);
    let mixed = |formula: &str| Glmm::formula(&format!("{formula} + (1 | patient)")).unwrap().family(Family::Poisson);
    let fits: [(Box<dyn Estimates>, Box<dyn Estimates>); 3] = [
        (Box::new(glm(&trial, plain, Family::Poisson, GlmVcov::Model)), Box::new(glm(&trial, moved, Family::Poisson, GlmVcov::Model))),
        (Box::new(poisson(plain).fit(&trial).unwrap()), Box::new(poisson(moved).fit(&trial).unwrap())),
        (Box::new(mixed(plain).fit(&trial).unwrap()), Box::new(mixed(moved).fit(&trial).unwrap())),
    ];
    for (plain, moved) in fits {
        assert!((plain.beta()[0] - moved.beta()[0] - 7_f64.ln()).abs() < 1e-9);
        assert!((plain.beta()[1] - moved.beta()[1]).abs() < 1e-9);
        assert!((plain.vcov() - moved.vcov()).amax() < 1e-9);
        assert_eq!(moved.columns().outcome(), "relapses");
        assert!(moved.notes().iter().any(|note| note.contains("offset log(seven)")));
    }
    let means =
        |formula: &str| glm(&trial, formula, Family::Poisson, GlmVcov::Model).population_means(&PopulationOptions::default()).unwrap().rows;
    let (plain, moved) = (means(plain), means(moved));
    assert_eq!(plain[0].measure, PopulationMeasure::Mean);
    assert!((plain[0].estimate / moved[0].estimate - 7.0).abs() < 1e-8);
}

#[test]
fn offsets_that_do_not_exist_are_refused() {
    let trial = exposure();
    // The first patient's weeks at another visit are zero where the outcome is missing: no harm (see the tests above).
    let text = contents("tests/references/offset/exposure.csv").replacen("p001,new,1,23.9,11.9,2,1", "p001,new,1,23.9,0,2,1", 1);
    let layout = Layout::long("patient", "arm", "visit").outcome("relapses").covariate("base");
    let wrong = read_text(&layout.covariate_as("weeks", CovariateKind::NumericByVisit), "exposure", &text);
    let model = |formula: &str| GeneralizedModel::formula(formula).unwrap().family(Family::Poisson).visits(["1"]);
    let error = model("relapses ~ arm + offset(log(weeks))").fit_independent(&wrong, &GlmOptions::default()).unwrap_err().to_string();
    assert!(error.contains("`offset(log(weeks))`") && error.contains("patient `p001` at 1"), "{error}");
    let fit = model(COUNT).fit_independent(&trial, &GlmOptions::default()).unwrap();
    let error = fit.population_means(&PopulationOptions::default().variance(PopulationVariance::Ye)).unwrap_err().to_string();
    assert!(error.contains("Ye's variance with offset(log(weeks))"), "{error}");
}

#[cfg(feature = "cli")]
#[test]
fn the_command_takes_an_offset() {
    use crate::common::program::{stdout, trialstats};
    let theirs = reference("offset/offset.json");
    let source = ["fit", "--data", "tests/references/offset/exposure.csv", "--subject", "patient", "--visit", "visit", "--arm", "arm"];
    let json = |more: &[&str]| -> Value { serde_json::from_str(&stdout(&trialstats(&[&source[..], more, &["--json"]].concat()))).unwrap() };
    let one = json(&["--family", "poisson", "--at", "1", "--vcov", "hc0", "--formula", COUNT]);
    let gee = json(&["--family", "poisson", "--gee", "exchangeable", "--alpha", "geepack", "--formula", COUNTS]);
    let mixed = json(&["--family", "binomial", "--quadrature", "25", "--formula", "any ~ arm * visit + offset(predicted) + (1 | patient)"]);
    for (found, of, tolerance) in [(one, "poisson", R), (gee, "gee_poisson", R), (mixed, "glmer_logistic", LME4)] {
        let (ours, expected) = (number(&found["coefficients"][1]["estimate"]), number(&theirs[of]["beta"][1]));
        assert!((ours - expected).abs() < tolerance * expected.abs(), "{of}: {ours}, {expected}");
    }
}
