//! What is printed is true for the model at hand, says each thing once, and has the digits of its standard errors.

use crate::common::{FEV, contents, repository};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_trialstats")).current_dir(repository(".")).args(arguments).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn both(arguments: &[&str]) -> (String, Value) {
    let json = run(&[arguments, &["--json"]].concat());
    (run(arguments), serde_json::from_str(&json).expect("JSON"))
}

/// A file of this run of the tests.
fn written(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("it can be written");
    path
}

fn crossed(formula: &str) -> (String, Value) {
    let data = "tests/references/cases/crossed_components.csv";
    let columns = ["--subject", "day", "--visit", "run", "--cluster-by-visit", "machine"];
    both(&[&["fit", "--data", data, "--formula", formula], &columns[..]].concat())
}

/// lmer's variance components of crossed factors, and what they make of an observation.
#[test]
fn variance_components_and_the_covariance_of_an_observation_are_in_text_and_json() {
    let (text, json) = crossed("y ~ 1 + (1|day) + (1|machine) + (1|machine:day)");
    let components = json["variance_components"].as_array().expect("components");
    let found: Vec<(&str, f64)> =
        components.iter().map(|c| (c["component"].as_str().expect("a name"), c["variance"].as_f64().expect("a number"))).collect();
    for ((name, variance), (factor, expected)) in
        found.iter().zip([("day", 44.686), ("machine", 57.719), ("machine:day", 34.721), ("Residual", 17.895)])
    {
        assert_eq!(*name, factor);
        assert!((variance - expected).abs() < 1e-3, "{name}: {variance}, lmer {expected}");
        assert!(text.contains(&format!("{variance:.4}")), "{name} is not in\n{text}");
    }
    let observation = &json["observation"][0];
    assert!((observation["sd"][0].as_f64().expect("a number") - 12.45).abs() < 5e-3);
    assert!((observation["correlation"][0][1].as_f64().expect("a number") - 0.885).abs() < 5e-4);
    assert!(text.contains("12.451") && text.contains("0.885"), "{text}");
    // The shares of the factors add up to that correlation.
    let shares = json["intraclass_correlations"].as_array().expect("shares");
    let sum: f64 = shares.iter().filter(|s| !s["factor"].is_null()).map(|s| s["icc"].as_f64().expect("a number")).sum();
    assert!((sum - observation["correlation"][0][1].as_f64().expect("a number")).abs() < 1e-9);
    assert!(text.contains("Intraclass correlations"), "{text}");
    // Nothing is printed of a covariance that the model does not have, nor of tests of no term.
    assert!(!text.contains("Fitted covariance") && !text.contains("Joint tests"), "{text}");
    // Each combination of machine and day has one day, and several runs.
    assert!(!text.contains("single patient") && !text.contains("single observation"), "{text}");
}

#[test]
fn levels_within_patients_are_counted_by_their_observations() {
    // Twelve patients, each seen in three phases: two observations in the first two, one in the last.
    let y = |i: usize, t: usize| (i * 37 % 11) as f64 + (i * (13 + t) % 7) as f64 + (t * t) as f64 * 0.3;
    let row = |(i, t): (usize, usize)| format!("p{i},{t},{},{}\n", t / 2, y(i, t));
    let rows: String = (0..12).flat_map(|i| (0..5).map(move |t| (i, t))).map(row).collect();
    let file = written("phases.csv", &format!("id,visit,phase,y\n{rows}"));
    let file = file.to_str().expect("UTF-8");
    let formula = "y ~ visit + (1 | id) + (1 | id:phase)";
    let (text, json) =
        both(&["fit", "--data", file, "--subject", "id", "--visit", "visit", "--cluster-by-visit", "phase", "--formula", formula]);
    assert!(text.contains("12 of the 36 levels of") && text.contains("have a single observation each"), "{text}");
    assert!(!text.contains("single patient"), "{text}");
    let warnings = json["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|w| w.as_str().is_some_and(|w| w.contains("a single observation each"))));
}

fn fev_fit(file: &str, more: &[&str]) -> (String, Value) {
    let fixed = ["fit", "--data", file, "--subject", "USUBJID", "--visit", "AVISIT", "--formula", "FEV1 ~ FEV1_BL + ARMCD*AVISIT"];
    both(&[&fixed[..], more].concat())
}

/// The columns of numbers of the lines that begin with a label.
fn numbers<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(label)).unwrap_or_else(|| panic!("no line `{label}` in\n{text}"));
    line[label.len()..].split_whitespace().collect()
}

#[test]
fn digits_follow_the_standard_error_at_any_scale() {
    let scaled = |factor: f64| -> String {
        let text = contents(FEV);
        let mut lines = text.lines();
        let header = lines.next().expect("a header");
        let at = header.split(',').position(|name| name.trim_matches('"') == "FEV1").expect("the column");
        let row = |line: &str| {
            let mut cells: Vec<String> = line.split(',').map(String::from).collect();
            if let Ok(y) = cells[at].parse::<f64>() {
                cells[at] = format!("{:e}", y * factor);
            }
            cells.join(",")
        };
        std::iter::once(header.to_string()).chain(lines.map(row)).collect::<Vec<_>>().join("\n")
    };
    for (name, factor) in [("tiny", 1e-6), ("large", 1e6)] {
        let file = written(&format!("fev_{name}.csv"), &scaled(factor));
        let (text, json) = fev_fit(file.to_str().expect("UTF-8"), &["--df", "kenward-roger", "--means", "ARMCD", "AVISIT"]);
        let contrast = json["contrasts"].as_array().expect("contrasts").last().expect("a visit").clone();
        let shown = numbers(&text, "TRT - PBO");
        let [_, estimate, se] = [0, 1, 2].map(|k| shown[k]);
        for (shown, exact) in [(estimate, &contrast["estimate"]), (se, &contrast["se"])] {
            let first = json["contrasts"][0]["se"].as_f64().expect("a number");
            let exact = exact.as_f64().expect("a number");
            // The line is that of the first visit; the digits are those of the smallest standard error of the table.
            let shown: f64 = shown.parse().expect("a number");
            assert!(shown != 0.0 && shown.abs() < 20.0 * exact.abs().max(first), "{name}: {shown}");
        }
        let digits = |text: &str| text.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit).count();
        assert!(digits(se) >= 2, "{name}: SE is shown as {se}\n{text}");
        let coefficient = numbers(&text, "FEV1_BL");
        assert!(digits(coefficient[1]) >= 2, "{name}: SE of a coefficient is shown as {}", coefficient[1]);
        assert!(!text.contains("0.0000 "), "{text}");
    }
}

#[test]
fn how_a_model_was_fitted_is_said_once_and_tests_have_their_digits() {
    let (text, json) = fev_fit(FEV, &["--means", "ARMCD", "AVISIT"]);
    for once in ["Unstructured covariance, restricted maximum likelihood", "observations of"] {
        assert_eq!(text.matches(once).count(), 1, "`{once}`\n{text}");
    }
    // What the text says is in the JSON.
    let tests = json["tests"]["terms"].as_array().expect("tests");
    for test in tests {
        let term = test["term"].as_str().expect("a name");
        let f = test["f"].as_f64().expect("a number");
        assert!(text.contains(&format!("{f:.4}")), "F of {term}, {f}, is not in\n{text}");
    }
    for field in ["notes", "warnings", "covariance_parameters", "exclusions", "arms", "deviance", "aicc", "iterations", "inferred"] {
        assert!(!json[field].is_null(), "{field}");
    }
    assert!(
        text.contains("Lower")
            && text.contains("95%")
            && json["coefficients"][0]["lower"].as_f64() < json["coefficients"][0]["estimate"].as_f64()
    );
    let narrow =
        run(&["fit", "--data", FEV, "--subject", "USUBJID", "--visit", "AVISIT", "--formula", "FEV1 ~ ARMCD*AVISIT", "--level", "0.8"]);
    assert!(narrow.contains("80%") && !narrow.contains("95%"), "{narrow}");
}
