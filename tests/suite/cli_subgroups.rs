//! `trialstats fit` with `--subgroup` and `--effect-size`: the numbers of the library, in text and JSON.

use crate::common::{ANTIDEPRESSANT, FEV, IMRS_GST, antidepressant_layout, fev, imrs_gst, read, repository};
use serde_json::Value;
use std::process::Command;
use trialstats::effects::{EffectOptions, from_model};
use trialstats::means::ContrastOptions;
use trialstats::trial::BaselineFrom;
use trialstats::{Model, Trial};

fn run(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_trialstats")).current_dir(repository(".")).args(arguments).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn of_fev(more: &[&str]) -> Result<String, String> {
    let fixed = ["fit", "--data", FEV, "--subject", "USUBJID", "--visit", "AVISIT", "--arm", "ARMCD"];
    run(&fixed.iter().chain(more).copied().collect::<Vec<_>>())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn close(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"));
    assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{found} against {expected}");
}

#[test]
fn subgroups_are_those_of_the_library() {
    let formula = "FEV1 ~ RACE + ARMCD * AVISIT";
    let found = json(
        &of_fev(&[
            "--formula",
            formula,
            "--subgroup",
            "SEX",
            "--subgroup",
            "RACE",
            "--levels",
            "SEX=Male,Female",
            "--level",
            "0.9",
            "--json",
        ])
        .unwrap(),
    );
    let trial = fev();
    let subgroups = found["subgroups"].as_array().unwrap();
    assert_eq!(subgroups.iter().map(|s| s["factor"].as_str().unwrap()).collect::<Vec<_>>(), ["SEX", "RACE"]);
    assert_eq!(subgroups[0]["formula"], "FEV1 ~ RACE + ARMCD * AVISIT * SEX");
    let fit = Model::formula("FEV1 ~ RACE + ARMCD * AVISIT * SEX").unwrap().fit(&trial).unwrap();
    let table = fit.subgroup_contrasts("SEX", &ContrastOptions::default().level(0.9)).unwrap();
    let rows = subgroups[0]["contrasts"].as_array().unwrap();
    assert_eq!(rows.len(), table.rows.len());
    for (row, direct) in rows.iter().zip(&table.rows) {
        assert_eq!((row["subgroup"].as_str(), row["n"].as_u64()), (Some(direct.subgroup.as_str()), Some(direct.n as u64)));
        let e = &direct.contrast.estimate;
        for (field, expected) in [("estimate", e.estimate), ("se", e.se), ("df", e.df), ("p", e.p), ("lower", direct.contrast.lower)] {
            close(&row[field], expected);
        }
    }
    for (row, direct) in subgroups[0]["interactions"].as_array().unwrap().iter().zip(&table.interactions.rows) {
        let test = direct.test.as_ref().unwrap();
        close(&row["f"], test.f);
        close(&row["denom_df"], test.denom_df);
        close(&row["p"], test.p);
    }
    let text = of_fev(&["--formula", formula, "--subgroup", "SEX"]).unwrap();
    for part in
        ["Differences between arms in FEV1 within levels of SEX", "Whether differences between arms in FEV1 differ by SEX", "Mean model: "]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn effect_sizes_are_those_of_the_library() {
    let trial: Trial = read(&antidepressant_layout(), ANTIDEPRESSANT);
    let formula = "HAMDTL17 ~ BASVAL * VISIT + THERAPY * VISIT";
    let arguments = [
        "fit",
        "--data",
        ANTIDEPRESSANT,
        "--subject",
        "PATIENT",
        "--visit",
        "VISIT",
        "--arm",
        "THERAPY",
        "--reference",
        "THERAPY=PLACEBO",
        "--formula",
        formula,
        "--effect-size",
        "--effect-baseline",
        "BASVAL",
        "--positive",
        "fall",
        "--json",
    ];
    let found = json(&run(&arguments).unwrap());
    let fit = Model::formula(formula).unwrap().fit(&trial).unwrap();
    let options = EffectOptions::new().baseline(BaselineFrom::Covariate("BASVAL".into())).positive("fall".parse().unwrap());
    let direct = from_model(&trial, &fit, &fit.arm_contrasts(&ContrastOptions::default()).unwrap(), &options).unwrap();
    let tables = found["effect_sizes"].as_array().unwrap();
    assert_eq!(
        (tables.len(), tables[0]["denominator"].as_str(), tables[0]["positive"].as_str()),
        (1, Some("baseline-pooled"), Some("fall"))
    );
    for (row, direct) in tables[0]["rows"].as_array().unwrap().iter().zip(&direct.rows) {
        close(&row["effect"], direct.effect);
        close(&row["lower"], direct.lower);
        close(&row["sd"], direct.sd);
        assert_eq!((row["arm"].as_str(), row["versus"].as_str()), (Some("DRUG"), Some("PLACEBO")));
    }
}

#[test]
fn a_baseline_visit_gives_changes_within_arms_too() {
    let arguments = [
        "fit",
        "--data",
        IMRS_GST,
        "--subject",
        "patient",
        "--visit",
        "visit",
        "--arm",
        "arm",
        "--visits",
        "baseline,post-treatment,3 months,6 months,12 months",
        "--baseline-visit",
        "baseline",
        "--baseline",
        "constrained",
        "--formula",
        "caps5 ~ arm * visit",
        "--instrument",
        "caps5",
        "--json",
    ];
    let visits: Vec<String> = imrs_gst().schedule().labels().into_iter().map(String::from).collect();
    let visits = visits.join(",");
    let arguments: Vec<&str> = arguments.iter().map(|a| if a.starts_with("baseline,") { visits.as_str() } else { a }).collect();
    let count = |denominator: &[&str]| {
        let all: Vec<&str> = arguments.iter().copied().chain(["--effect-size"]).chain(denominator.iter().copied()).collect();
        json(&run(&all).unwrap_or_else(|error| panic!("{error}")))["effect_sizes"].as_array().unwrap().len()
    };
    assert_eq!((count(&[]), count(&["baseline-own"]), count(&["control"]), count(&["visit-model"])), (2, 1, 1, 2));
}

#[test]
fn what_cannot_be_is_refused_in_the_words_of_the_command_line() {
    let formula = ["--formula", "FEV1 ~ ARMCD * AVISIT"];
    let refused = |more: &[&str]| of_fev(&[&formula[..], more].concat()).expect_err("it is wrong");
    for (more, says) in [
        (&["--subgroup", "FEV1_BL"][..], "--subgroup FEV1_BL: it is a number"),
        (&["--subgroup", "SEXX"], "did you mean `SEX`?"),
        (&["--subgroup", "AVISIT"], "subgroups are levels of another factor than the arm and the visit"),
        (&["--effect-size"], "--effect-baseline"),
        (&["--effect-size", "baselin-pooled"], "baseline-pooled"),
        (&["--effect-baseline", "FEV1_BL"], "--effect-size"),
    ] {
        let message = refused(more);
        assert!(message.contains(says), "{more:?}: no `{says}` in {message}");
    }
    let no_arm = ["fit", "--data", FEV, "--subject", "USUBJID", "--visit", "AVISIT", "--formula", "FEV1 ~ AVISIT", "--subgroup", "SEX"];
    assert!(run(&no_arm).expect_err("no arm").contains("--arm COLUMN"));
}
