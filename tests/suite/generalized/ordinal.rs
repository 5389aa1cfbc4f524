//! Cumulative logits against R's polr and clm, on invented and on published data, exact identities, and what has no estimates.

use crate::common::*;
use serde_json::Value;
use trialstats::generalized::{
    Categories, CategoryRange, GeneralizedModel, GlmOptions, NotFitted, Ordinal, OrdinalFit, OrdinalVcov, PopulationMeasure,
    PopulationOptions, population_means,
};
use trialstats::trial::CovariateKind;
use trialstats::{Error, Estimates, Layout, Trial};

/// clm's Newton steps at 1e-12, its Hessian analytic.
const CLM: f64 = 1e-8;
/// polr's optimiser stops early, and its Hessian is by differences.
const POLR: f64 = 1e-6;
const POLR_SE: f64 = 2e-4;
/// Jacobians by numDeriv.
const DIFFERENCES: f64 = 1e-7;

fn trial() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").reference_arm("control").outcome("score").covariate("site").covariate("age");
    read_text(&layout.covariate_as("state", CovariateKind::FactorByVisit), "trial", &contents("tests/references/ordinal/trial.csv"))
}

fn fit(vcov: OrdinalVcov) -> OrdinalFit {
    Ordinal::formula("score ~ arm + site + age").unwrap().vcov(vcov).fit(&trial()).unwrap()
}

fn compare(c: &mut Comparison, what: &str, ours: &[f64], theirs: &[Value], tolerance: f64) {
    c.same(&format!("{what} length"), ours.len(), theirs.len());
    ours.iter().zip(theirs).enumerate().for_each(|(k, (a, b))| c.relative(&format!("{what}[{k}]"), *a, number(b), tolerance));
}

/// Thresholds, then coefficients without the intercept: estimates and standard errors.
fn all(fit: &OrdinalFit) -> (Vec<f64>, Vec<f64>) {
    let thresholds = fit.thresholds(0.95).unwrap().rows;
    let coefficients = fit.coefficients().rows;
    let estimates = thresholds.iter().map(|t| t.estimate).chain(coefficients.iter().skip(1).map(|r| r.estimate));
    let ses = thresholds.iter().map(|t| t.se).chain(coefficients.iter().skip(1).map(|r| r.se));
    (estimates.collect(), ses.collect())
}

#[test]
fn polr_and_clm_agree() {
    let theirs = reference("ordinal/ordinal.json");
    let (model, robust) = (fit(OrdinalVcov::Model), fit(OrdinalVcov::Robust));
    let (estimates, ses) = all(&model);
    let mut c = Comparison::of("clm");
    compare(&mut c, "theta", &estimates[..3], rows(&theirs["clm"]["theta"]), CLM);
    compare(&mut c, "beta", &estimates[3..], rows(&theirs["clm"]["beta"]), CLM);
    compare(&mut c, "SE", &ses, rows(&theirs["clm"]["se"]), CLM);
    compare(&mut c, "robust SE", &all(&robust).1, rows(&theirs["clm"]["robust_se"]), DIFFERENCES);
    c.relative("log-likelihood", model.log_likelihood(), number(&theirs["clm"]["log_likelihood"]), CLM);
    let mut p = Comparison::of("polr");
    compare(&mut p, "theta", &estimates[..3], rows(&theirs["polr"]["theta"]), POLR);
    compare(&mut p, "beta", &estimates[3..], rows(&theirs["polr"]["beta"]), POLR);
    let in_its_order: Vec<f64> = ses[3..].iter().chain(&ses[..3]).copied().collect();
    compare(&mut p, "SE", &in_its_order, rows(&theirs["polr"]["se"]), POLR_SE);
    assert_all([c, p]);
}

#[test]
fn standardised_probabilities_are_those_of_their_definition() {
    let theirs = &reference("ordinal/ordinal.json")["standardised"];
    assert_all([(OrdinalVcov::Model, "se"), (OrdinalVcov::Robust, "robust_se")].map(|(vcov, se)| {
        let means = fit(vcov).population_means(&PopulationOptions::default()).unwrap();
        let mut c = Comparison::of(se);
        let cells =
            ["0", "1", "2", "3"].map(|k| (CategoryRange::In, k)).into_iter().chain(["0", "1", "2"].map(|k| (CategoryRange::AtMost, k)));
        for (k, (range, category)) in cells.enumerate() {
            for arm in 0..3 {
                let found = means.probability(range, category, arm, 0).unwrap();
                c.relative(&format!("{range} {category} arm {arm}"), found.estimate, number(&theirs["means"][arm][k]), CLM);
                c.relative(&format!("SE of {range} {category} arm {arm}"), found.se, number(&theirs[se][arm][k]), DIFFERENCES);
            }
            let found = means.difference(range, category, (1, 0), 0).unwrap();
            c.relative(
                &format!("difference {range} {category}"),
                found.estimate,
                number(&theirs["difference"]["estimate"][k]),
                DIFFERENCES,
            );
            c.relative(&format!("its SE {range} {category}"), found.se, number(&theirs["difference"][se][k]), DIFFERENCES);
        }
        c.same("patients", means.patients, 180);
        c
    }));
}

#[test]
fn the_score_test_of_proportional_odds_is_that_of_its_definition() {
    let theirs = &reference("ordinal/ordinal.json")["score_test"];
    let test = fit(OrdinalVcov::Model).proportional_odds().unwrap();
    let mut c = Comparison::of("score test");
    c.relative("chi-squared", test.chi_squared, number(&theirs["chi_squared"]), DIFFERENCES);
    c.same("df", test.df as f64, number(&theirs["df"]));
    assert_all([c]);
}

/// Four cheese additives, nine categories, counts as weights (McCullagh & Nelder 1989, p. 175).
#[test]
fn the_published_cheese_is_that_of_clm() {
    let theirs = reference("ordinal/cheese.json");
    let mut file = "id,additive,visit,taste,n\n".to_string();
    for (a, row) in rows(&theirs["counts"]).iter().enumerate() {
        for (y, n) in rows(row).iter().enumerate().filter(|(_, n)| number(n) > 0.0) {
            file += &format!("{a}{y},{},1,{},{n}\n", a + 1, y + 1);
        }
    }
    let layout = Layout::long("id", "additive", "visit").reference_arm("4").outcome("taste").weight("n");
    let fit = Ordinal::formula("taste ~ additive").unwrap().weights("n").fit(&read_text(&layout, "cheese", &file)).unwrap();
    let (estimates, ses) = all(&fit);
    let mut c = Comparison::of("clm");
    compare(&mut c, "theta", &estimates[..8], rows(&theirs["theta"]), CLM);
    compare(&mut c, "beta", &estimates[8..], rows(&theirs["beta"]), CLM);
    compare(&mut c, "SE", &ses, rows(&theirs["se"]), CLM);
    c.relative("log-likelihood", fit.log_likelihood(), number(&theirs["log_likelihood"]), CLM);
    c.same("df of proportional odds", fit.proportional_odds().unwrap().df, 21);
    assert_all([c]);
}

/// Two categories are logistic regression, standardised probabilities and all.
#[test]
fn two_categories_are_logistic_regression() {
    let text = contents("tests/references/generalized/independent/trial.csv");
    let layout = Layout::long("id", "arm", "visit").reference_arm("control").outcome("y").covariate("site").covariate("base");
    let trial = read_text(&layout, "trial", &text);
    let formula = "y ~ arm + site + base";
    let ordinal = Ordinal::formula(formula).unwrap().fit(&trial).unwrap();
    let logistic = GeneralizedModel::formula(formula).unwrap().fit_independent(&trial, &GlmOptions::default()).unwrap();
    for (a, b) in ordinal.beta().iter().zip(logistic.beta()) {
        assert!((a - b).abs() < 1e-10, "{a} {b}");
    }
    assert!((ordinal.vcov() - logistic.vcov()).amax() < 1e-10);
    assert!((ordinal.log_likelihood() - logistic.log_likelihood()).abs() < 1e-10);
    let means = ordinal.population_means(&PopulationOptions::default()).unwrap();
    let theirs = logistic.population_means(&PopulationOptions::default()).unwrap();
    let difference = means.difference(CategoryRange::In, "1", (1, 0), 0).unwrap();
    let expected = theirs.compared(PopulationMeasure::Difference, 1, 0, 0).unwrap();
    assert!((difference.estimate - expected.estimate).abs() < 1e-12 && (difference.se - expected.se).abs() < 1e-12);
    assert!(ordinal.proportional_odds().is_err());
}

/// The order turned round turns the signs round; without covariates probabilities are the shares observed.
#[test]
fn the_order_is_that_which_is_stated() {
    let trial = trial();
    let texts = |order: [&str; 4]| {
        let model = Ordinal::formula("state ~ arm + site + age").unwrap().categories(Categories::ordered(order));
        model.fit(&trial).unwrap()
    };
    let (by_number, up, down) =
        (fit(OrdinalVcov::Model), texts(["severe", "moderate", "mild", "none"]), texts(["none", "mild", "moderate", "severe"]));
    for k in 1..5 {
        assert!((by_number.beta()[k] - up.beta()[k]).abs() < 1e-10);
        assert!((down.beta()[k] + up.beta()[k]).abs() < 1e-8);
    }
    assert_eq!(up.thresholds(0.95).unwrap().rows[0].between, "severe | moderate");
    let saturated = Ordinal::formula("score ~ 1 + arm").unwrap().fit(&trial).unwrap();
    let means = saturated.population_means(&PopulationOptions::default()).unwrap();
    let total: f64 = ["0", "1", "2", "3"].iter().map(|k| means.probability(CategoryRange::In, k, 0, 0).unwrap().estimate).sum();
    assert!((total - 1.0).abs() < 1e-14);
    let error = Ordinal::formula("state ~ arm").unwrap().fit(&trial).unwrap_err().to_string();
    assert!(error.contains("their order is not stated") && error.contains("--categories"), "{error}");
    let model = Ordinal::formula("state ~ arm").unwrap().categories(Categories::ordered(["none", "mild", "severe"]));
    let error = model.fit(&trial).unwrap_err().to_string();
    assert!(error.contains("`moderate`") && error.contains("not among the categories"), "{error}");
}

#[test]
fn separation_and_several_visits_are_named() {
    let file: String = (0..30).map(|i| format!("{i},{},1,{},{}\n", ["a", "b"][i % 2], i / 10, if i < 10 { 0 } else { 1 })).collect();
    let layout = Layout::long("id", "arm", "visit").outcome("grade").covariate("marker");
    let trial = read_text(&layout, "separated", &format!("id,arm,visit,grade,marker\n{file}"));
    match Ordinal::formula("grade ~ arm + marker").unwrap().fit(&trial) {
        Err(Error::NotFitted(NotFitted::Separated { columns, .. })) => assert!(columns.contains(&"marker".to_string()), "{columns:?}"),
        other => panic!("{other:?}"),
    }
    assert!(Ordinal::formula("grade ~ arm").unwrap().fit(&trial).is_ok());
    let visits = visits();
    let error = Ordinal::formula("score ~ arm * visit").unwrap().fit(&visits).unwrap_err().to_string();
    assert!(error.contains("have several outcomes") && error.contains("(1 | patient)"), "{error}");
    assert!(Ordinal::formula("score ~ arm").unwrap().visits(["4"]).fit(&visits).is_ok());
}

/// The likelihood by the trapezoidal rule; nodes here are added until nothing moves by 1e-6 of a standard error.
const EXPLICIT: f64 = 1e-6;
/// clmm with 15 nodes: its gradient ends at 1e-4, its Hessian is by differences.
const CLMM: f64 = 2e-4;

fn visits() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").outcome("score");
    read_text(&layout, "visits", &contents("tests/references/ordinal/visits.csv"))
}

#[test]
fn a_random_intercept_is_integrated() {
    let theirs = reference("ordinal/ordinal.json");
    let fit = Ordinal::formula("score ~ arm * visit + (1 | patient)").unwrap().fit(&visits()).unwrap();
    let effect = fit.random_intercept().unwrap();
    assert!(effect.nodes_settled && effect.levels == 120, "{effect:?}");
    let (mut estimates, mut ses) = all(&fit);
    estimates.push(effect.sd);
    ses.push(effect.se_sd);
    let explicit = &theirs["explicit"];
    let mut c = Comparison::of("trapezoidal rule");
    let expected: Vec<f64> = rows(&explicit["theta"]).iter().chain(rows(&explicit["beta"])).chain([&explicit["sd"]]).map(number).collect();
    for (k, se) in rows(&explicit["se"]).iter().map(number).enumerate() {
        c.within(&format!("parameter {k}"), estimates[k], expected[k], EXPLICIT * se);
        c.relative(&format!("SE {k}"), ses[k], se, EXPLICIT);
    }
    c.relative("log-likelihood", fit.log_likelihood(), number(&explicit["log_likelihood"]), 1e-9);
    let means = fit.population_means(&PopulationOptions::default()).unwrap();
    for (k, category) in ["1", "2", "3", "4"].into_iter().enumerate() {
        for (arm, of) in ["control", "new"].into_iter().enumerate() {
            let found = means.probability(CategoryRange::In, category, arm, 3).unwrap();
            c.relative(&format!("{category} {of}"), found.estimate, number(&explicit[of][k]), EXPLICIT);
            c.relative(&format!("SE of {category} {of}"), found.se, number(&explicit[format!("se_{of}")][k]), EXPLICIT);
        }
        let found = means.difference(CategoryRange::In, category, (1, 0), 3).unwrap();
        c.relative(&format!("SE of difference {category}"), found.se, number(&explicit["se_difference"][k]), EXPLICIT);
    }
    // As the mean of one outcome it is being above the lowest category, the intercept integrated out as well.
    let above = population_means(&fit, fit.trial(), &PopulationOptions::default()).unwrap();
    for arm in 0..2 {
        let (above, lowest) = (above.mean(arm, 3).unwrap(), means.probability(CategoryRange::In, "1", arm, 3).unwrap());
        c.relative(&format!("above the lowest, arm {arm}"), above.estimate, 1.0 - lowest.estimate, 1e-12);
        c.relative(&format!("SE above the lowest, arm {arm}"), above.se, lowest.se, 1e-10);
    }
    let mut m = Comparison::of("clmm");
    let clmm = &theirs["clmm"][2];
    compare(&mut m, "theta", &estimates[..3], rows(&clmm["theta"]), CLMM);
    compare(&mut m, "beta", &estimates[3..10], rows(&clmm["beta"]), CLMM);
    m.relative("SD", effect.sd, number(&clmm["sd"]), CLMM);
    assert_all([c, m]);
    assert!(fit.proportional_odds().is_err());
    let one = Ordinal::formula("score ~ arm + (1 | patient)").unwrap().visits(["4"]).fit(&visits()).unwrap_err().to_string();
    assert!(one.contains("no level has two observations"), "{one}");
}

/// Two categories with a random intercept are the logistic mixed model.
#[test]
fn two_categories_with_a_random_intercept_are_the_logistic_mixed_model() {
    let text: String = contents("tests/references/ordinal/visits.csv").lines().enumerate().fold(String::new(), |text, (k, line)| {
        let last = if k == 0 {
            "high"
        } else if line.ends_with('1') || line.ends_with('2') {
            "0"
        } else {
            "1"
        };
        text + line + "," + last + "\n"
    });
    let trial = read_text(&Layout::long("patient", "arm", "visit").outcome("high"), "visits", &text);
    let formula = "high ~ arm * visit + (1 | patient)";
    let ordinal = Ordinal::formula(formula).unwrap().fit(&trial).unwrap();
    let logistic = trialstats::generalized::Glmm::formula(formula).unwrap().fit(&trial).unwrap();
    for (k, (a, b)) in ordinal.beta().iter().zip(logistic.beta()).enumerate() {
        assert!((a - b).abs() < 1e-6 * logistic.vcov()[(k, k)].sqrt(), "{a} {b}");
    }
    assert!((ordinal.vcov() - logistic.vcov()).amax() < 1e-5);
    assert!((-2.0 * ordinal.log_likelihood() - logistic.minus_two_log_likelihood()).abs() < 1e-6);
}

#[cfg(feature = "cli")]
#[test]
fn the_command_fits_cumulative_logits() {
    use crate::common::program::{refusal, stdout, trialstats};
    let theirs = reference("ordinal/ordinal.json");
    let source = ["fit", "--data", "tests/references/ordinal/trial.csv", "--subject", "patient", "--visit", "visit", "--arm", "arm"];
    let score = ["--family", "ordinal", "--formula", "score ~ arm + site + age", "--means", "arm", "visit"];
    let found: Value = serde_json::from_str(&stdout(&trialstats(&[&source[..], &score, &["--json"]].concat()))).unwrap();
    assert_eq!((found["family"].as_str(), found["method"].as_str()), (Some("ordinal"), Some("cumulative-logit")));
    let near = |ours: &Value, theirs: &Value| {
        let (ours, theirs) = (number(ours), number(theirs));
        assert!((ours - theirs).abs() <= 1e-6 * theirs.abs(), "{ours} here, {theirs} there");
    };
    near(&found["thresholds"][2]["estimate"], &theirs["clm"]["theta"][2]);
    near(&found["coefficients"][1]["estimate"], &theirs["clm"]["beta"][0]);
    near(&found["proportional_odds"]["chi_squared"], &theirs["score_test"]["chi_squared"]);
    let best = rows(&found["marginal_means"]).iter().find(|r| r["category"] == "3" && r["range"] == "in" && r["arm"] == "new").unwrap();
    near(&best["estimate"], &theirs["standardised"]["means"][1][3]);
    let at_most = rows(&found["contrasts"]).iter().find(|r| r["category"] == "1" && r["range"] == "at-most" && r["arm"] == "new").unwrap();
    near(&at_most["se"], &theirs["standardised"]["difference"]["se"][5]);
    let texts = ["--family", "ordinal", "--categories", "severe,moderate,mild,none", "--formula", "state ~ arm + site + age"];
    let table = stdout(&trialstats(&[&source[..], &texts, &["--means", "arm", "visit"]].concat()));
    for part in ["severe | moderate", "Score test of proportional odds", "≤ mild", "SAS PROC LOGISTIC"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let message = refusal(&[&source[..], &score, &["--gee", "exchangeable"]].concat());
    assert!(message.contains("--gee exchangeable") && message.contains("one outcome per patient"), "{message}");
    let repeated = ["fit", "--data", "tests/references/ordinal/visits.csv", "--subject", "patient", "--visit", "visit", "--arm", "arm"];
    let formula = ["--family", "ordinal", "--formula", "score ~ arm * visit + (1 | patient)", "--json"];
    let found: Value = serde_json::from_str(&stdout(&trialstats(&[&repeated[..], &formula].concat()))).unwrap();
    near(&found["random_intercept"]["sd"], &theirs["explicit"]["sd"]);
    assert_eq!(found["conditional"], true);
    let message = refusal(&[&source[..], &["--family", "binomial", "--categories", "0,1", "--formula", "score ~ arm"]].concat());
    assert!(message.contains("--family ordinal"), "{message}");
}

#[cfg(feature = "cli")]
#[test]
fn texts_are_no_mistake_beside_one() {
    use crate::common::program::refusal;
    let states = ["severe", "none", "mild"];
    let row = |(i, t): (usize, usize)| format!("q{i},{},{},{}\n", ["new", "control"][i % 2], 2 * t, states[(i + t) % 3]);
    let rows: String = (0..12).flat_map(|i| (0..3).map(move |t| (i, t))).map(row).collect();
    let file = std::env::temp_dir().join(format!("trialstats-texts-{}.csv", std::process::id()));
    std::fs::write(&file, format!("patient,arm,visit,state\n{rows}")).unwrap();
    let file = file.to_str().unwrap();
    let source = ["fit", "--data", file, "--subject", "patient", "--visit", "visit", "--arm", "arm", "--visits", "0,2"];
    let categories = ["--family", "ordinal", "--categories", "severe,mild,none"];
    let event = ["--family", "binomial", "--gee", "exchangeable", "--event", "severe"];
    for model in [&categories[..], &event] {
        let message = refusal(&[&source[..], model, &["--formula", "state ~ arm"]].concat());
        assert!(message.contains("`4` is not among the visits declared") && message.contains("1 problem in the data"), "{message}");
    }
    std::fs::remove_file(file).unwrap();
}
