//! `trialstats proportions` as a person and a program use it.

use crate::common::program::{refusal, stdout, trialstats};
use serde_json::Value;

fn json(arguments: &[&str]) -> Value {
    let arguments = [&["proportions"][..], arguments, &["--json"][..]].concat();
    serde_json::from_str(&stdout(&trialstats(&arguments))).expect("JSON")
}

fn interval<'a>(list: &'a Value, method: &str) -> &'a Value {
    list.as_array().expect("intervals").iter().find(|i| i["method"] == method).expect("the method")
}

fn limits(list: &Value, method: &str) -> String {
    let found = interval(list, method);
    let number = |key: &str| found[key].as_f64().map_or("null".to_string(), |x| format!("{x:.4}"));
    format!("{} {}", number("lower"), number("upper"))
}

#[test]
fn two_groups_get_every_interval_and_test() {
    let found = json(&["36/154", "12/77"]);
    assert_eq!(found["schema"], "trialstats.proportions/1");
    let (group, comparison) = (&found["groups"][0]["intervals"], &found["comparisons"][0]);
    assert_eq!(limits(group, "wilson"), "0.1739 0.3066");
    assert_eq!(limits(group, "clopper-pearson"), "0.1694 0.3086");
    assert_eq!(limits(&comparison["difference"], "newcombe"), "-0.0361 0.1751");
    assert_eq!(limits(&comparison["difference"], "agresti-caffo"), "-0.0329 0.1782");
    assert!((interval(&comparison["ratio"], "wald")["estimate"].as_f64().expect("a number") - 1.5).abs() < 1e-12);
    let tests = comparison["tests"].as_array().expect("tests");
    let fisher = tests.iter().find(|t| t["method"] == "fisher" && t["alternative"] == "two-sided").expect("Fisher");
    assert!((fisher["p"].as_f64().expect("a number") - 0.228_190_088_757).abs() < 1e-11);
    assert!(comparison["number_needed_text"].as_str().expect("text").contains("to ∞ to NNTB"));
    let text = stdout(&trialstats(&["proportions", "36/154", "12/77"]));
    for line in ["Newcombe (score)", "0.03614", "0.17513", "Clopper–Pearson (exact)", "Barnard exact (score statistic)", "∞"] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn one_group_alone_and_three_together() {
    let one = json(&["0/20"]);
    assert_eq!(limits(&one["groups"][0]["intervals"], "wilson"), "0.0000 0.1611");
    assert_eq!(limits(&one["groups"][0]["intervals"], "logit"), "null null");
    assert_eq!(one["comparisons"].as_array().map(Vec::len), Some(0));
    let three = json(&["9/10", "3/10", "5/12", "--names", "A - B,C,D"]);
    assert_eq!(three["comparisons"].as_array().map(Vec::len), Some(2));
    assert_eq!(three["groups"][0]["label"], "A - B");
    assert_eq!(three["all_equal"]["df"], 2.0);
    assert!(stdout(&trialstats(&["proportions", "9/10", "3/10", "5/12"])).contains("Group 1 against Group 3"));
}

#[test]
fn a_margin_is_tested_and_contradictions_are_named() {
    let found = json(&["83/88", "69/76", "--margin", "0.1"]);
    let tests = found["comparisons"][0]["margin_tests"].as_array().expect("tests");
    let exact = tests.iter().find(|t| t["method"] == "exact-score" && t["claim"] == "non-inferiority").expect("Chan's test");
    assert!((exact["p"].as_f64().expect("a number") - 0.0017).abs() < 5e-5);
    // 7 of 34 against 1 of 34: Pearson's test rejects, Fisher's does not.
    let split = json(&["7/34", "1/34"]);
    let warning = split["comparisons"][0]["warnings"][0].as_str().expect("a warning");
    let (rejected, kept) = warning.split_once("Not rejected by").expect("both");
    assert!(rejected.contains("Pearson χ²") && kept.contains("Fisher exact (by probability)"), "{warning}");
}

#[test]
fn strata_are_given_one_by_one() {
    let found = json(&["--stratum", "16/27", "5/25", "--stratum", "12/28", "7/26"]);
    let stratified = &found["stratified"];
    assert!((stratified["cochran_mantel_haenszel"]["general_association"]["statistic"].as_f64().expect("a number") - 8.3052).abs() < 5e-5);
    assert_eq!(limits(&stratified["comparisons"][0]["odds_ratio"], "mantel-haenszel"), "1.4456 7.5934");
    assert_eq!((&found["groups"][0]["events"], &found["groups"][0]["of"]), (&Value::from(28), &Value::from(55)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, said) in [
        (vec!["proportions"], "36/154 12/77"),
        (vec!["proportions", "36"], "EVENTS/PATIENTS"),
        (vec!["proportions", "160/154", "3/4"], "exceeds the whole"),
        (vec!["proportions", "0/0", "3/4"], "nobody"),
        (vec!["proportions", "1/3", "3/4", "--level", "95"], "write 0.95"),
        (vec!["proportions", "1/3", "3/4", "--margin", "10"], "between 0 and 1"),
        (vec!["proportions", "1/3", "3/4", "--names", "A"], "one each"),
        (vec!["proportions", "--stratum", "1/3", "3/4", "--stratum", "1/3"], "in every stratum"),
        (vec!["proportions", "--stratum", "1/3", "0/0"], "nobody"),
        (vec!["proportions", "1/3", "--stratum", "1/3", "1/4"], "cannot be used with"),
    ] {
        let refused = refusal(&arguments);
        assert!(refused.contains(said), "{arguments:?}: {refused}");
    }
}
