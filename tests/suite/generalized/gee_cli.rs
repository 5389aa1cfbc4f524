//! Estimating equations on the command line.

use crate::common::program::{refusal, stdout, trialstats};
use serde_json::Value;

const DATA: &str = "tests/references/gee/respiratory.csv";
const FORMULA: &str = "outcome ~ treat + center + sex + age + baseline";

fn arguments<'a>(formula: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["fit", "--data", DATA, "--subject", "patient", "--visit", "visit", "--factor", "center", "--reference", "treat=P"];
    fixed.iter().chain(&["--reference", "sex=M", "--formula", formula]).chain(more).copied().collect()
}

fn json(more: &[&str]) -> Value {
    serde_json::from_str(&stdout(&trialstats(&arguments(FORMULA, &[more, &["--json"]].concat())))).expect("JSON")
}

fn near(found: &Value, expected: f64, digits: i32) {
    let found = found.as_f64().expect("a number");
    assert!((found - expected).abs() < 0.5 * 10_f64.powi(-digits), "{found} {expected}");
}

#[test]
fn the_json_has_everything() {
    let fit = json(&["--family", "binomial", "--gee", "unstructured", "--means", "treat", "visit"]);
    assert_eq!(fit["schema"], trialstats::schema::GENERALIZED_FIT);
    let fields = [("family", "binomial"), ("link", "logit"), ("method", "gee"), ("working_correlation", "unstructured")];
    let more = [("vcov_method", "robust"), ("df_method", "normal"), ("alpha_convention", "sas"), ("event", "1")];
    fields.into_iter().chain(more).for_each(|(key, value)| assert_eq!(fit[key], value, "{key}"));
    // SAS's printed digits.
    near(&fit["coefficients"][1]["estimate"], 1.2442, 4);
    near(&fit["coefficients"][1]["se"], 0.3455, 4);
    assert_eq!(fit["coefficients"][1]["df"], Value::Null);
    near(&fit["alpha"][0], 0.3351, 4);
    near(&fit["working_correlation_matrix"][3][2], 0.3964, 4);
    near(&fit["qic"], 512.3416, 4);
    assert_eq!((fit["n_obs"].as_u64(), fit["n_subjects"].as_u64(), fit["n_clusters"].as_u64()), (Some(444), Some(111), Some(111)));
    let (means, contrasts) = (fit["marginal_means"].as_array().unwrap(), fit["contrasts"].as_array().unwrap());
    assert_eq!((means.len(), contrasts.len()), (8, 12));
    let measures: Vec<&str> = contrasts[..3].iter().map(|row| row["measure"].as_str().unwrap()).collect();
    assert_eq!(measures, ["difference", "ratio", "odds-ratio"]);
    let value = |row: &Value| row["estimate"].as_f64().unwrap();
    let (p, a) = (value(&means[0]), value(&means[1]));
    assert!((value(&contrasts[0]) - (a - p)).abs() < 1e-14 && (value(&contrasts[1]) - a / p).abs() < 1e-12);
    assert_eq!((means[1]["arm"].as_str(), contrasts[0]["contrast"].as_str()), (Some("A"), Some("A - P")));
    // Conditional on the covariates, the log odds ratio is the coefficient.
    near(&fit["link_contrasts"][0]["estimate"], 1.2442, 4);
    assert!(fit["notes"][1].as_str().unwrap().contains("111 patients as clusters"));
}

#[test]
fn covariances_and_degrees_of_freedom_go_by_the_names_of_the_issue() {
    for (name, se, df) in [
        ("robust", 0.3467, None),
        ("kauermann-carroll", 0.3572, Some(105)),
        ("mancl-derouen", 0.3683, Some(105)),
        ("fay-graubard", 0.3514, Some(105)),
    ] {
        let fit = json(&["--family", "binomial", "--gee", "exchangeable", "--vcov", name]);
        near(&fit["coefficients"][1]["se"], se, 4);
        assert_eq!(fit["coefficients"][1]["df"].as_f64(), df.map(f64::from), "{name}");
    }
    let fit = json(&["--family", "binomial", "--gee", "ar1", "--alpha", "geepack", "--df", "pan-wall", "--link", "logit"]);
    near(&fit["alpha"][0], 0.4573, 4);
    assert_eq!(fit["df_method"], "pan-wall");
    let fit = json(&["--family", "poisson", "--gee", "independence"]);
    assert_eq!((fit["link"].as_str(), fit["event"].as_str()), (Some("log"), None));
}

#[test]
fn the_text_has_the_same_tables() {
    let text = stdout(&trialstats(&arguments(FORMULA, &["--family", "binomial", "--gee", "exchangeable", "--means", "treat", "visit"])));
    for expected in [
        "The probability of outcome = 1",
        "444 observations of 111 patients",
        "Working correlation: exchangeable",
        "0.3270",
        "Differences between arms in outcome",
    ] {
        assert!(text.contains(expected), "no `{expected}` in {text}");
    }
}

#[test]
fn the_event_may_be_a_text_in_a_long_or_a_wide_file() {
    let folder = std::env::temp_dir().join(format!("trialstats-gee-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (mut long, mut wide) = (String::from("id,arm,week,status\n"), String::from("id,arm,w4,w8\n"));
    for i in 0..40 {
        let arm = ["P", "T"][i % 2];
        let status = |t: usize| if (i * 7 + t * 4 + i / 5) % 10 < 4 + t + i % 2 { "good" } else { "poor" };
        long += &format!("{i},{arm},4,{}\n{i},{arm},8,{}\n", status(0), status(1));
        wide += &format!("{i},{arm},{},{}\n", status(0), status(1));
    }
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_string()
    };
    let (long, wide) = (write("long.csv", &long), write("wide.csv", &wide));
    let common = ["--subject", "id", "--family", "binomial", "--gee", "exchangeable", "--event", "good", "--json"];
    let of_long = ["fit", "--data", &long, "--visit", "week", "--formula", "status ~ arm * week", "--arm", "arm"];
    let of_wide = ["fit", "--data", &wide, "--wide-outcome", "status=4:w4,8:w8", "--formula", "status ~ arm * visit", "--arm", "arm"];
    let run = |own: &[&str]| -> Value { serde_json::from_str(&stdout(&trialstats(&[own, &common[..]].concat()))).expect("JSON") };
    let (a, b) = (run(&of_long), run(&of_wide));
    assert_eq!(a["event"], "good");
    for k in 0..4 {
        assert_eq!(a["coefficients"][k]["estimate"], b["coefficients"][k]["estimate"]);
    }
    let without = ["fit", "--data", &long, "--visit", "week", "--formula", "status ~ arm", "--arm", "arm", "--subject", "id"];
    let message = refusal(&[&without[..], &["--family", "binomial", "--gee", "exchangeable"]].concat());
    assert!(message.contains("`good`, `poor`") && message.contains("--event"), "{message}");
    std::fs::remove_dir_all(&folder).expect("the folder");
}

#[test]
fn weights_for_dropout_are_asked_for_by_a_formula() {
    let replaced: Vec<&str> = arguments("outcome ~ treat + center + age + baseline", &["--family", "binomial", "--gee", "independence"]);
    let mut own: Vec<&str> = replaced.iter().map(|a| if *a == DATA { "tests/references/gee/dropout.csv" } else { a }).collect();
    let sex = own.iter().position(|a| *a == "sex=M").expect("the reference of sex");
    own.drain(sex - 1..=sex);
    own.extend(["--dropout", "~ previous + treat + age + visit", "--json"]);
    let fit: Value = serde_json::from_str(&stdout(&trialstats(&own))).expect("JSON");
    near(&fit["coefficients"][1]["estimate"], 1.089_656_201_11, 8);
    near(&fit["coefficients"][1]["se"], 0.340_478_650_10, 8);
}

#[test]
fn what_does_not_go_together_is_refused_in_the_words_of_the_command_line() {
    for (more, expected) in [
        (&["--family", "binomial"][..], "--gee"),
        (&["--family", "binomial", "--gee", "exchangeable", "--vcov", "cr2"], "kauermann-carroll"),
        (&["--family", "binomial", "--gee", "exchangeable", "--df", "satterthwaite"], "clusters-minus-parameters"),
        (&["--family", "binomial", "--gee", "exchangeable", "--covariance", "us"], "--covariance unstructured"),
        (&["--family", "binomial", "--gee", "exchangeable", "--link", "log-outcome"], "logit, log, identity"),
        (&["--gee", "exchangeable"], "--family"),
        (&["--family", "binomial", "--gee", "spiral"], "toeplitz"),
        (&["--family", "binomial", "--gee", "ar1", "--event", "2"], "`0`, `1`"),
        (&["--vcov", "robust"], "cr2"),
        (&["--df", "pan-wall"], "satterthwaite"),
    ] {
        let message = refusal(&arguments(FORMULA, more));
        assert!(message.contains(expected), "{more:?}: no `{expected}` in {message}");
    }
}
