//! The command line as a person uses it: what it prints, and how it says no.

use crate::common::program::{refusal, stdout, trialstats};
use crate::common::tolerances::AS_GIVEN;
use crate::common::{ANTIDEPRESSANT, Comparison, FEV, assert_all, reference};
use serde_json::Value;
use trialstats::design::{Baseline, FactorWeights};
use trialstats::inference::InformationKind;
use trialstats::means::Adjustment;
use trialstats::options::Choices;
use trialstats::trial::Delimiter;
use trialstats::{Df, Estimation, Vcov};

const FORMULA: &str = "FEV1 ~ RACE + SEX + ARMCD * AVISIT";

fn fev(more: &[&str]) -> Vec<String> {
    let fixed = ["fit", "--data", FEV, "--formula", FORMULA, "--subject", "USUBJID", "--visit", "AVISIT"];
    fixed.iter().chain(more).map(|a| a.to_string()).collect()
}

fn fev_refused(more: &[&str]) -> String {
    let arguments = fev(more);
    refusal(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn json(arguments: &[String]) -> Value {
    let output = trialstats(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    serde_json::from_str(&stdout(&output)).expect("JSON")
}

/// Their keys in their order, same lengths; numbers within the tolerance of their field.
fn compare(c: &mut Comparison, at: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        // Fields may be added.
        (Value::Object(a), Value::Object(b)) => {
            let shared = a.keys().filter(|key| b.contains_key(*key));
            c.same(&format!("{at} fields"), shared.collect::<Vec<_>>(), b.keys().collect());
            b.iter().for_each(|(key, value)| compare(c, &format!("{at}.{key}"), &a[key], value));
        }
        (Value::Array(a), Value::Array(b)) => {
            c.same(&format!("{at} length"), a.len(), b.len());
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| compare(c, &format!("{at}[{i}]"), a, b));
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("a number"), b.as_f64().expect("a number"));
            let tolerance = match at.rsplit('.').next() {
                Some("df" | "denom_df") => AS_GIVEN.df,
                Some("p" | "f" | "t" | "lower" | "upper") => AS_GIVEN.derived,
                _ => AS_GIVEN.estimate,
            };
            // The elements of vcov and covariance may be near zero; peers/mmrm.rs judges them by their
            // scale.
            let floor = if at.contains("vcov") || at.contains("covariance") { 1e-7 } else { 0.0 };
            c.within(at, a, b, (tolerance * b.abs()).max(floor));
        }
        _ => c.same(at, ours, theirs),
    }
}

/// Our names of mmrm's `method` (degrees of freedom) and `vcov`.
fn methods_of_mmrm(method: &str, vcov: &str) -> (&'static str, &'static str) {
    let df = match (method, vcov) {
        ("Satterthwaite", _) => "satterthwaite",
        ("Kenward-Roger", "Kenward-Roger-Linear") => "kenward-roger-linear",
        ("Between-Within", _) => "between-within",
        other => panic!("no name for {other:?}"),
    };
    let vcov = match vcov {
        "default" | "Kenward-Roger-Linear" => "model-based",
        "Empirical" => "cr0",
        "Empirical-Bias-Reduced" => "cr2",
        "Empirical-Jackknife" => "cr3",
        other => panic!("no name for {other}"),
    };
    (df, vcov)
}

/// Everything but the fields that name software and file, and those that mmrm does not have.
fn as_reference(id: &str, arguments: &[String]) -> Comparison {
    let mut ours = json(arguments);
    let mut theirs = reference(&format!("{id}.json"));
    for document in [&mut ours, &mut theirs] {
        let object = document.as_object_mut().expect("an object");
        for name in ["id", "software", "optimizer", "data"] {
            object[name] = Value::Null;
        }
        let formula = object["formula"].as_str().expect("a formula").replace(" / ", "/");
        object["formula"] = formula.into();
    }
    let text = |name: &str| theirs[name].as_str().expect("a name").to_string();
    let (df, vcov) = methods_of_mmrm(&text("df_method"), &text("vcov_method"));
    let estimation = if theirs["reml"] == true { "reml" } else { "ml" };
    let renamed = theirs.as_object().expect("an object").iter().map(|(name, value)| match name.as_str() {
        "reml" => ("estimation".to_string(), estimation.into()),
        "df_method" => (name.clone(), df.into()),
        "vcov_method" => (name.clone(), vcov.into()),
        _ => (name.clone(), value.clone()),
    });
    let theirs = renamed.collect();
    for name in ["schema", "information", "baseline", "covariance_structure"] {
        ours.as_object_mut().expect("an object").shift_remove(name).unwrap_or_else(|| panic!("no field `{name}`"));
    }
    let mut c = Comparison::of(id);
    compare(&mut c, "", &ours, &theirs);
    c
}

#[test]
fn json_has_the_fields_shapes_and_numbers_of_the_references() {
    let means = ["--means", "ARMCD", "AVISIT", "--reference", "SEX=Male", "--json"];
    let with = |more: &[&str]| fev(&[&means, more].concat());
    let antidepressant: Vec<String> = [
        "fit",
        "--data",
        ANTIDEPRESSANT,
        "--formula",
        "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT",
        "--subject",
        "PATIENT",
        "--visit",
        "VISIT",
        "--covariance",
        "us",
        "--means",
        "THERAPY",
        "VISIT",
        "--reference",
        "THERAPY=PLACEBO",
        "--json",
    ]
    .map(String::from)
    .to_vec();
    assert_all([
        as_reference("mmrm/fev_us_reml_satterthwaite", &with(&["--covariance", "unstructured"])),
        as_reference("mmrm/fev_us_reml_krlinear", &with(&["--covariance", "us", "--df", "kenward-roger-linear"])),
        as_reference("mmrm/fev_toep_reml_satterthwaite", &with(&["--covariance", "toep"])),
        as_reference("mmrm/fev_csh_ml_satterthwaite", &with(&["--covariance", "csh", "--estimation", "ml"])),
        as_reference("mmrm/fev_us_grouped_reml_satterthwaite", &with(&["--covariance", "us", "--group", "ARMCD"])),
        as_reference("mmrm/fev_us_reml_betweenwithin", &with(&["--covariance", "us", "--df", "between-within"])),
        as_reference("mmrm/fev_us_reml_empirical", &with(&["--covariance", "us", "--vcov", "cr0"])),
        as_reference("mmrm/fev_us_reml_empiricalbiasreduced", &with(&["--covariance", "us", "--vcov", "cr2"])),
        as_reference("mmrm/fev_us_reml_empiricaljackknife", &with(&["--covariance", "us", "--vcov", "cr3"])),
        as_reference("mmrm/fev_us_weighted_reml_satterthwaite", &with(&["--covariance", "us", "--weights", "WEIGHT"])),
        as_reference("mmrm/antidepressant_us_reml_satterthwaite", &antidepressant),
    ]);
}

#[test]
fn the_tables_for_people_name_what_they_show() {
    let arguments = fev(&["--covariance", "us", "--means", "ARMCD", "AVISIT", "--levels", "SEX=Male,Female"]);
    let printed = stdout(&trialstats(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
    for expected in
        ["Coefficients of the mean model", "SEXFemale", "3.7744", "TRT - PBO", "ARMCD:AVISIT", "Fitted covariance", "Satterthwaite"]
    {
        assert!(printed.contains(expected), "no `{expected}` in\n{printed}");
    }
    assert!(printed.lines().all(|l| l.chars().count() <= 200), "{printed}");
}

#[test]
fn without_means_a_model_needs_no_arm() {
    let output = trialstats(&[
        "fit",
        "--data",
        "tests/references/data/sleepstudy.csv",
        "--formula",
        "Reaction ~ time",
        "--subject",
        "Subject",
        "--visit",
        "Days",
        "--covariance",
        "random-intercept-slope",
        "--json",
    ]);
    let document: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(document["coefficients"][1]["term"], "time");
    assert!((document["coefficients"][1]["estimate"].as_f64().expect("a number") - 10.4672859596).abs() < 1e-8);
    assert!(document.get("contrasts").is_none());
}

#[test]
fn every_error_has_a_message_that_helps() {
    let message = refusal(&["fit", "--data", "nowhere.csv", "--formula", "y ~ x", "--subject", "id", "--visit", "v"]);
    assert!(message.contains("nowhere.csv"), "{message}");
    let message = refusal(&["fit", "--data", FEV, "--formula", "FEV1 ~ RACE +* SEX", "--subject", "USUBJID", "--visit", "AVISIT"]);
    assert!(message.contains("character"), "{message}");
    let message = refusal(&["fit", "--data", FEV, "--formula", "FEV1 ~ NOTHERE", "--subject", "USUBJID", "--visit", "AVISIT"]);
    assert!(message.contains("NOTHERE"), "{message}");
    let message = refusal(&["fit", "--data", FEV, "--formula", "FEV1 ~ arm * visit", "--subject", "USUBJID", "--visit", "AVISIT"]);
    assert!(message.contains("--arm"), "{message}");
    for (more, expected) in [
        (&["--covariance", "spiral"][..], "heterogeneous-ante-dependence (adh)"),
        (&["--covariance", "toeplitz(0)"], "toeplitz(2)"),
        (&["--covariance", "sp_exp"], "gives no time"),
        (&["--level", "95"], "between 0 and 1"),
        (&["--means", "ARMCD", "VISITN"], "--means ARMCD AVISIT"),
        (&["--means", "ARMCD", "NOTHERE"], "factor of the formula named `NOTHERE`"),
        (&["--reference", "SEX=male"], "Female, Male"),
        (&["--reference", "SEX"], "VAR=LEVEL"),
        (&["--levels", "ARMCD=PBO", "--means", "ARMCD", "AVISIT"], "TRT"),
        (&["--df", "welch"], "kenward-roger"),
        (&["--df", "kenward-roger", "--vcov", "cr2"], "--df satterthwaite"),
        (&["--weights", "NOTHERE"], "NOTHERE"),
        (&["--group", "NOTHERE"], "NOTHERE"),
    ] {
        let message = fev_refused(more);
        assert!(message.contains(expected), "{more:?}: no `{expected}` in {message}");
    }
}

#[test]
fn help_names_every_option() {
    let help = stdout(&trialstats(&["fit", "--help"]));
    for option in [
        "--data",
        "--formula",
        "--subject",
        "--visit",
        "--covariance",
        "--group",
        "--weights",
        "--estimation",
        "--df",
        "--vcov",
        "--means",
        "--json",
        "--reference",
        "--levels",
        "--visits",
        "--level",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

/// Every choice is listed with what it means.
#[test]
fn help_lists_every_choice_with_its_meaning() {
    fn check<T: Choices>(option: &str, help: &str) {
        let own = help.split_once(&format!("      {option} ")).expect("the option").1;
        let own = own.split_once("\n      --").map_or(own, |(own, _)| own);
        for choice in T::CHOICES {
            let line = own.lines().find(|l| l.trim_start().starts_with(&format!("- {}:", choice.name)));
            assert!(line.is_some_and(|l| l.ends_with(choice.meaning)), "{option}: no line on {} in {own}", choice.name);
        }
    }
    let help = stdout(&trialstats(&["fit", "--help"]));
    check::<Estimation>("--estimation", &help);
    check::<Df>("--df", &help);
    check::<InformationKind>("--information", &help);
    check::<Vcov>("--vcov", &help);
    check::<Baseline>("--baseline", &help);
    check::<FactorWeights>("--average", &help);
    check::<Adjustment>("--adjust", &help);
    check::<Delimiter>("--separator", &help);
}

/// What is asked for in the words of SAS or R is answered in ours, the same on the command line and in JSON.
#[test]
fn options_have_one_spelling() {
    let asked = ["--df", "KR", "--covariance", "AR(1)", "--estimation", "REML", "--vcov", "default", "--information", "oim"];
    let theirs = json(&fev(&[&asked[..], &["--baseline", "Response", "--json"]].concat()));
    let names = [
        ("--df", "df_method", "kenward-roger"),
        ("--covariance", "covariance_structure", "autoregressive"),
        ("--estimation", "estimation", "reml"),
        ("--vcov", "vcov_method", "model-based"),
        ("--information", "information", "observed"),
        ("--baseline", "baseline", "response"),
    ];
    for (_, field, name) in names {
        assert_eq!(theirs[field], name, "{field}");
    }
    let ours: Vec<&str> = names.iter().flat_map(|(option, _, name)| [*option, *name]).chain(["--json"]).collect();
    assert_eq!(json(&fev(&ours)), theirs);
    assert_eq!(theirs["schema"], trialstats::schema::FIT);
    assert_eq!(theirs.as_object().expect("an object").keys().next().expect("a field"), "schema");
}

fn imrs_gst(formula: &str, more: &[&str]) -> Vec<String> {
    let fixed =
        ["fit", "--data", "data-samples/imrs_gst/imrs_gst.csv", "--instrument", "caps5", "--subject", "patient", "--visit", "visit"];
    fixed.iter().chain(&["--arm", "arm", "--formula", formula]).chain(more).map(|a| a.to_string()).collect()
}

/// Therapists are in the formula; that they may change by visit changes nothing where they do not.
#[test]
fn random_effects_are_named_in_the_formula() {
    let formula = "caps5 ~ baseline + arm * visit + (1 | therapist) + us(visit | patient)";
    let fit = json(&imrs_gst(formula, &["--json"]));
    assert_eq!(fit["formula"], formula);
    let plain = json(&imrs_gst("caps5 ~ baseline + arm * visit", &["--json"]));
    assert_eq!(fit["n_obs"], plain["n_obs"]);
    assert!(
        fit["log_lik"].as_f64() >= plain["log_lik"].as_f64().map(|l| l - 1e-9),
        "a model within the other: {} {}",
        fit["log_lik"],
        plain["log_lik"]
    );
    let changing = json(&imrs_gst(formula, &["--cluster-by-visit", "therapist", "--json"]));
    assert_eq!(fit, changing);
    let run = |formula: &str, more: &[&str]| refusal(&imrs_gst(formula, more).iter().map(String::as_str).collect::<Vec<_>>());
    assert!(run(formula, &["--covariance", "cs"]).contains("--covariance compound-symmetry: the formula states the covariance"));
    assert!(run(formula, &["--group", "arm"]).contains("say it in one place"));
    assert!(run("caps5 ~ arm + (1 | surgeon)", &[]).contains("column surgeon"));
    assert!(run("caps5 ~ arm + (1 | therapist", &[]).contains("`)`"));
}

#[test]
fn describe_counts_who_was_seen_when() {
    let printed = stdout(&trialstats(&[
        "describe",
        "--data",
        ANTIDEPRESSANT,
        "--subject",
        "PATIENT",
        "--visit",
        "VISIT",
        "--arm",
        "THERAPY",
        "--outcome",
        "HAMDTL17",
    ]));
    for expected in ["172 patients", "PLACEBO", "monotone", "HAMDTL17"] {
        assert!(printed.contains(expected), "no `{expected}` in\n{printed}");
    }
    // R: with(antidepressant_data, table(THERAPY, VISIT)) gives 84 77 73 64 and 88 81 76 65.
    for count in ["84", "77", "73", "64", "88", "81", "76", "65"] {
        assert!(printed.contains(count), "no count {count} in\n{printed}");
    }
}

#[test]
fn instruments_are_scored_from_their_items() {
    let output = trialstats(&[
        "fit",
        "--data",
        "data-samples/imrs_gst/imrs_gst.csv",
        "--instrument",
        "caps5",
        "--formula",
        "caps5 ~ baseline + site + arm * visit",
        "--subject",
        "patient",
        "--visit",
        "visit",
        "--means",
        "arm",
        "visit",
        "--json",
    ]);
    let document: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let contrasts = document["contrasts"].as_array().expect("contrasts");
    assert_eq!(contrasts.len(), 4);
    assert_eq!(contrasts[3]["contrast"], "ImRs+GST - ImRs");
    assert_eq!(contrasts[3]["visit"], "12 months");
}

/// SAS's SP(EXP) on two columns of which one differs by patient; neither is in the mean model.
#[test]
fn coordinates_of_the_covariance_are_read_from_the_file() {
    let words = "fit --data data-samples/fev/fev.csv --subject USUBJID --visit AVISIT --df kenward-roger --json";
    let mut arguments: Vec<String> = words.split(' ').map(String::from).collect();
    arguments.extend(["--formula", "FEV1 ~ ARMCD", "--covariance", "spatial-exponential(VISITN, VISITN2)"].map(String::from));
    let found = json(&arguments);
    let row = &found["coefficients"][1];
    let (estimate, se) = (row["estimate"].as_f64().expect("a number"), row["se"].as_f64().expect("a number"));
    // tests/references/sas/kenward_roger.csv; SAS stops early.
    assert!((estimate - 4.21488979997259).abs() < 2e-4 * se, "{estimate}");
    assert!((se - 0.90527620094771).abs() < 2e-4 * se, "{se}");
}

#[test]
fn a_program_gets_the_code_of_a_refusal() {
    let run = |more: &[&str]| {
        let arguments = fev(more);
        let output = trialstats(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(document["schema"], trialstats::schema::ERROR);
        let message = document["error"]["message"].as_str().expect("a message").to_string();
        assert!(String::from_utf8_lossy(&output.stderr).contains(&message));
        (output.status.code(), document["error"]["code"].as_str().expect("a code").to_string())
    };
    assert_eq!(run(&["--json", "--level", "95"]), (Some(2), "usage".into()));
    assert_eq!(run(&["--json", "--weights", "NOTHING"]), (Some(1), "data".into()));
    assert_eq!(run(&["--json", "--estimation", "ml", "--df", "kenward-roger"]), (Some(1), "conflicting-settings".into()));
}
