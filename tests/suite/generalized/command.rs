//! Models of one outcome per patient on the command line.

use crate::common::program::{refusal, stdout, trialstats};
use crate::common::{number, reference, rows};
use serde_json::Value;

const TRIAL: &str = "tests/references/generalized/independent/trial.csv";
const SEPARATED: &str = "tests/references/generalized/independent/separated.csv";

fn arguments<'a>(file: &'a str, formula: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["fit", "--data", file, "--subject", "id", "--visit", "visit", "--arm", "arm", "--formula", formula];
    all.extend(["--family", "binomial"]);
    all.extend(more);
    all
}

fn json(file: &str, formula: &str, more: &[&str]) -> Value {
    let mut all = arguments(file, formula, more);
    all.push("--json");
    serde_json::from_str(&stdout(&trialstats(&all))).unwrap()
}

const FORMULA: &str = "y ~ arm + site + severity + base";

#[test]
fn one_outcome_per_patient_needs_no_working_correlation() {
    let theirs = reference("generalized/independent/reference.json");
    let found = json(TRIAL, FORMULA, &["--means", "arm", "visit", "--vcov", "hc0"]);
    assert_eq!((found["method"].as_str(), found["vcov_method"].as_str()), (Some("maximum-likelihood"), Some("hc0")));
    let near = |ours: &Value, theirs: &Value| {
        let (ours, theirs) = (number(ours), number(theirs));
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{ours} here, {theirs} there");
    };
    near(&found["coefficients"][1]["estimate"], &theirs["models"]["logistic"]["coefficients"][1]);
    near(&found["coefficients"][1]["se"], &theirs["models"]["logistic"]["se"]["HC0"][1]);
    for arm in 0..3 {
        near(&found["marginal_means"][arm]["estimate"], &theirs["ge"]["HC0"]["means"][arm]);
        near(&found["marginal_means"][arm]["se"], &theirs["ge"]["HC0"]["se"][arm]);
    }
    let difference = rows(&found["contrasts"]).iter().find(|r| r["measure"] == "difference").unwrap();
    near(&difference["se"], &theirs["ge"]["HC0"]["difference"]["se"][0]);
    let robust = ["--means", "arm", "visit", "--variance", "ye", "--randomization", "minimisation", "--strata", "site", "severity"];
    let found = json(TRIAL, FORMULA, &robust);
    for arm in 0..3 {
        near(&found["marginal_means"][arm]["estimate"], &theirs["robincar2"]["minimisation"]["means"][arm]);
        let variance = number(&theirs["robincar2"]["minimisation"]["covariance"][arm][arm]);
        assert!((number(&found["marginal_means"][arm]["se"]) - variance.sqrt()).abs() < 1e-10);
    }
}

#[test]
fn firth_has_a_penalty_and_profile_intervals() {
    let theirs = reference("generalized/independent/reference.json");
    let separated = refusal(&arguments(SEPARATED, "y ~ arm + marker + age", &[]));
    assert!(separated.contains("each of the 8 patients with `marker` = 1 has the event"), "{separated}");
    let found = json(SEPARATED, "y ~ arm + marker + age", &["--penalty", "firth"]);
    assert_eq!(found["method"], "firth");
    let row = &found["profile"]["rows"][2];
    assert_eq!(row["term"], "marker");
    for (field, of) in [("estimate", "coefficients"), ("lower", "lower"), ("upper", "upper"), ("p", "p")] {
        let (ours, expected) = (number(&row[field]), number(&theirs["logistf"]["separated"][of][2]));
        assert!((ours - expected).abs() <= 1e-8 * expected.abs(), "{field}: {ours}, {expected}");
    }
    let text = stdout(&trialstats(&arguments(SEPARATED, "y ~ arm + marker + age", &["--penalty", "firth"])));
    assert!(text.contains("Coefficients with profile penalised-likelihood intervals"), "{text}");
}

#[test]
fn several_visits_ask_for_a_method_or_one_visit() {
    let file = "data-samples/antidepressant/antidepressant.csv";
    let several = ["fit", "--data", file, "--subject", "PATIENT", "--visit", "VISIT", "--arm", "THERAPY", "--family", "gaussian"];
    let formula = ["--link", "identity", "--formula", "CHANGE ~ THERAPY + BASVAL"];
    let message = refusal(&[&several[..], &formula].concat());
    assert!(message.contains("--gee") && message.contains("--at VISIT"), "{message}");
    let one = stdout(&trialstats(&[&several[..], &formula, &["--at", "7"]].concat()));
    assert!(one.contains("Linear regression by maximum likelihood"), "{one}");
    for (option, value, says) in [("--vcov", "cr2", "one of these: model, hc0"), ("--df", "kenward-roger", "--df asymptotic")] {
        let message = refusal(&[&several[..], &formula, &["--at", "7", option, value]].concat());
        assert!(message.contains(says), "{message}");
    }
    let message = refusal(&arguments(TRIAL, FORMULA, &["--means", "arm", "visit", "--variance", "ye", "--strata", "site"]));
    assert!(message.contains("permuted-block or minimisation"), "{message}");
}
