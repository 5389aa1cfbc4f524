//! The sample plans: what they find is what the same analysis in Rust finds, to the last bit.

use crate::common::repository;
use trialstats::analysis::{Analysis, AnalysisResult, ImputationPlan, PlanFile, Silent, TippingPlan};
use trialstats::imputation::Strategy;
use trialstats::report::TrialReport;
use trialstats::responders::{Definition, Rule};
#[cfg(feature = "formats")]
use trialstats::trial::Condition;
use trialstats::trial::{BaselineFrom, LeftOutOf, OutcomeColumn, WarningKind};
use trialstats::{Layout, Trial};

fn opened(name: &str) -> (PlanFile, Trial) {
    let file = PlanFile::open(repository(&format!("examples/plans/{name}.toml"))).expect("the plan reads");
    file.check_itself().expect("nothing is wrong with it");
    let trial = file.read(file.data().expect("it names its data")).unwrap_or_else(|error| panic!("{error}"));
    file.check(&trial).unwrap_or_else(|error| panic!("{error}"));
    (file, trial)
}

/// Everything that was found, without the plan and the file.
fn found(result: &AnalysisResult) -> serde_json::Value {
    let mut json = serde_json::to_value(result).expect("it serialises");
    for key in ["plan", "trial"] {
        json.as_object_mut().expect("a table").remove(key);
    }
    json
}

/// The primary outcome if the missing are different.
fn by(strategy: Strategy) -> ImputationPlan {
    ImputationPlan::new(strategy).reference("PLACEBO").covariates(["BASVAL"])
}

fn antidepressant_in_rust() -> (Trial, AnalysisResult) {
    let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
        .reference_arm("PLACEBO")
        .outcome(OutcomeColumn::new("CHANGE").label("Change in HAMD-17"))
        .outcome(OutcomeColumn::new("HAMDTL17").label("HAMD-17").range(0.0, 52.0))
        .covariate("BASVAL")
        .covariate("GENDER")
        .read_csv(repository("data-samples/antidepressant/antidepressant.csv"))
        .expect("the sample reads");
    let result = Analysis::of(&trial)
        .primary("CHANGE")
        .at("7")
        .mean("BASVAL * VISIT + THERAPY * VISIT")
        .baseline_from(BaselineFrom::Covariate("BASVAL".into()))
        .label("BASVAL", "HAMD-17 before treatment")
        .label("GENDER", "Gender")
        .responders([Definition::new("remission", Rule::at_most("HAMDTL17", 7.0)).label("HAMD-17 of 7 or less")])
        .sensitivity_by_imputation(by(Strategy::Mar))
        .sensitivity_by_imputation(by(Strategy::JumpToReference))
        .sensitivity_by_imputation(by(Strategy::CopyReference))
        .sensitivity_by_imputation(by(Strategy::CopyIncrements))
        .tipping_point(
            TippingPlan::new(Strategy::Mar, "DRUG", [0.0, 2.0, 4.0, 6.0])
                .versus_shifts([0.0, -1.0, -2.0, -3.0])
                .imputation(ImputationPlan::new(Strategy::Mar).covariates(["BASVAL"])),
        )
        .run(&Silent)
        .expect("it can be analysed");
    (trial, result)
}

#[test]
fn the_antidepressant_plan_has_the_numbers_of_the_example_in_rust() {
    let (file, trial) = opened("antidepressant");
    let result = file.run(&trial, &Silent).expect("it can be analysed");
    assert_eq!(found(&result), found(&antidepressant_in_rust().1));
    let document = TrialReport::new(&result).document();
    assert!(document.to_html().contains("hypothetical strategy: an illustration"));
    assert!(document.tables().any(|table| table.title == "Estimand: primary"));
}

#[test]
fn the_wide_plan_has_the_numbers_of_the_same_analysis_in_rust() {
    let (file, trial) = opened("wide_dutch");
    let result = file.run(&trial, &Silent).unwrap_or_else(|error| panic!("{error}"));
    let visits = ["voor", "6 weken", "12 weken", "26 weken"];
    let columns = (0..4).map(|t| (visits[t], format!("klacht_T{t}")));
    let sleep = [("voor", "slaap_T0"), ("26 weken", "slaap_T3")];
    let there = Layout::wide("respnr", "conditie")
        .reference_arm("wachtlijst")
        .visits_at([("voor", 0.0), ("6 weken", 6.0), ("12 weken", 12.0), ("26 weken", 26.0)])
        .baseline_visit("voor")
        .missing_code("999")
        .covariate("geslacht")
        .covariate("leeftijd")
        .outcome(OutcomeColumn::wide("klacht", columns).label("Complaints").range(0.0, 40.0))
        .outcome(OutcomeColumn::wide("slaap", sleep).label("Sleep").range(0.0, 10.0))
        .read_csv(repository("data-samples/wide_dutch/klachten.csv"))
        .expect("the sample reads");
    assert_eq!(there.outcome("klacht").expect("it is there").values[..2], [20.4, 28.6]);
    let direct = Analysis::of(&there).primary("klacht").secondary("slaap").at("26 weken").mean("geslacht + arm * visit").lower_is_better();
    let direct = direct.run(&Silent).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found(&result), found(&direct));
    let contrasts = result.outcomes[0].contrasts.as_ref().expect("there are two arms");
    let last = contrasts.rows.last().expect("a row");
    assert!(last.estimate.estimate < -4.0, "the made-up treatment helps: {:?}", last.estimate);
}

/// The same patients in an ADaM file, with rows that do not count: the preset finds its way without being told.
#[test]
fn the_adam_preset_has_the_numbers_of_the_file_that_it_was_made_of() {
    let (file, trial) = opened("adam");
    assert_eq!((trial.arms(), trial.patients().len()), (&["Placebo".to_string(), "Drug".into()][..], 172));
    assert_eq!(trial.schedule().labels(), ["Week 1", "Week 2", "Week 4", "Week 6"]);
    assert_eq!(trial.outcome("CHG").expect("it is there").label, "HAMD-17 total score, change from baseline");
    let left_out: Vec<(LeftOutOf, &str, usize, usize)> =
        trial.left_out().iter().map(|l| (l.of, l.kept.as_str(), l.patients, l.rows)).collect();
    assert_eq!(
        left_out,
        [
            (LeftOutOf::Patients, "ITTFL is Y", 3, 3),
            (LeftOutOf::Rows, "PARAMCD is HAMD17", 0, 608),
            (LeftOutOf::Rows, "AVISIT is present", 0, 3),
            (LeftOutOf::Rows, "ABLFL is not Y", 0, 172),
            (LeftOutOf::Rows, "AVISIT is not Baseline or Screening", 0, 172),
            (LeftOutOf::Rows, "ANL01FL is Y", 0, 80),
        ]
    );
    let result = file.run(&trial, &Silent).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(result.plan.baseline_from, BaselineFrom::Covariate("BASE".into()));
    let (_, other) = antidepressant_in_rust();
    let numbers = |result: &AnalysisResult| {
        let rows = &result.outcomes[0].contrasts.as_ref().expect("there are two arms").rows;
        rows.iter().map(|r| [r.estimate.estimate, r.estimate.se, r.estimate.df, r.lower, r.upper, r.estimate.p]).collect::<Vec<_>>()
    };
    let (own, there) = (numbers(&result), numbers(&other));
    assert_eq!(own.len(), 4);
    for (a, b) in own.iter().flatten().zip(there.iter().flatten()) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} against {b}");
    }
    let html = TrialReport::new(&result).document().to_html();
    assert!(html.contains("Excluded before the analysis: 3 patients with 3 rows (not in the intention-to-treat population: Screen Failure 3). Only patients for whom ITTFL is Y are analysed."));
    assert!(html.contains("Left out before the analysis") && html.contains("not flagged for analysis"));
}

/// What the preset makes of a file does not depend on who wrote it.
#[test]
#[cfg(feature = "formats")]
fn a_transport_file_is_read_as_the_text_is() {
    for codes in [vec!["HAMD17"], vec!["HAMD17", "HAMA"]] {
        let layout = Layout::adam().paramcd(codes.clone()).covariate("SEX");
        let read = |name: &str| layout.read(repository(&format!("data-samples/adam/{name}"))).unwrap_or_else(|error| panic!("{error}"));
        let (text, transport) = (read("adqs.csv"), read("adqs.xpt"));
        assert_eq!((text.patients(), text.arms(), text.arm_of()), (transport.patients(), transport.arms(), transport.arm_of()));
        assert_eq!((text.schedule(), text.left_out()), (transport.schedule(), transport.left_out()));
        assert_eq!(text.outcomes().len(), transport.outcomes().len());
        for (own, other) in text.outcomes().iter().zip(transport.outcomes()) {
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!((&own.name, &own.label, bits(&own.values)), (&other.name, &other.label, bits(&other.values)));
        }
        for (own, other) in text.covariates().zip(transport.covariates()) {
            assert_eq!((own.name(), own.numbers(), own.codes()), (other.name(), other.numbers(), other.codes()));
        }
        let said = transport.inferred().join(" ");
        assert!(said.contains("planned treatment, `TRT01P`") && said.contains("`AVISITN`"), "{codes:?}: {said}");
    }
    // Problems of what conditions have left name the row of the file.
    let path = repository("data-samples/adam/adqs.xpt");
    let error = Layout::long("USUBJID", "TRT01P", "AVISIT").outcome("AVAL").keep_rows(Condition::on("ITTFL").is("Y")).read(path);
    let message = error.expect_err("two parameters at a visit").to_string();
    assert!(message.contains("adqs.xpt, row 4, patient DIA-1503, visit Week 1: the patient has this visit at row 3 already"), "{message}");
}

#[test]
fn several_parameters_stand_beside_each_other() {
    let layout = Layout::adam().paramcd(["HAMD17", "HAMA"]);
    let path = repository("data-samples/adam/adqs.csv");
    let trial = layout.read_csv(&path).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = trial.outcomes().iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["HAMD17", "HAMD17_CHG", "HAMA"], "the anxiety scale has no baseline and so no change");
    let single = Layout::adam().paramcd(["HAMD17"]).read_csv(&path).expect("the sample reads");
    assert_eq!(trial.patients(), single.patients());
    let bits = |trial: &Trial, name: &str| trial.outcome(name).expect("it is there").values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!((bits(&trial, "HAMD17"), bits(&trial, "HAMD17_CHG")), (bits(&single, "AVAL"), bits(&single, "CHG")));
    assert_eq!(trial.covariate("HAMD17_BASE").expect("a covariate").numbers(), single.covariate("BASE").expect("a covariate").numbers());
    let anxiety = Layout::adam().paramcd(["HAMA"]).read_csv(&path).unwrap_or_else(|error| panic!("{error}"));
    let values = |trial: &Trial, name: &str| {
        trial.outcome(name).expect("it is there").values.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<_>>()
    };
    assert_eq!(values(&trial, "HAMA"), values(&anxiety, "AVAL"));
    assert_eq!(values(&trial, "HAMA").len(), 608);
}

#[test]
fn values_carried_forward_are_told_with_their_number() {
    let text = std::fs::read_to_string(repository("data-samples/adam/adqs.csv")).expect("the sample");
    // Flagged for analysis, they are mixed in.
    let mixed = text.replace(",,,LOCF", ",,Y,LOCF");
    assert_ne!(text, mixed);
    let read =
        |text: &str| Layout::adam().paramcd(["HAMD17"]).read_csv_from("adqs", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let told = |trial: &Trial| trial.warnings().iter().find(|w| w.kind == WarningKind::DerivedValues).map(ToString::to_string);
    assert_eq!(told(&read(&text)), None);
    let warning = told(&read(&mixed)).expect("they are among the outcomes");
    let n = text.lines().filter(|line| line.ends_with(",LOCF")).count();
    assert!(n > 50 && warning.contains(&format!("`LOCF` ({n} rows)")), "{warning}");
}

/// Few patients who were left out are hidden like all others.
#[test]
fn small_numbers_of_those_left_out_are_not_shown() {
    let (file, trial) = opened("adam");
    let mut plan = file.plan().clone();
    let report = |plan: &trialstats::analysis::Plan| {
        let result = plan.run(&trial, &Silent).unwrap_or_else(|error| panic!("{error}"));
        let document = TrialReport::new(&result).document();
        let table = document.tables().find(|table| table.name == "left_out").expect("a table").clone();
        (document.to_html(), serde_json::to_string(&document.to_json()).expect("JSON"), table)
    };
    let (html, json, _) = report(&plan);
    assert!(html.contains("Screen Failure 3") && json.contains("Screen Failure"));
    plan.report.small_cells = "suppressed".parse().expect("a choice");
    let (html, json, _) = report(&plan);
    assert!(!html.contains("Screen Failure") && !json.contains("Screen Failure"), "three are few");
    assert!(html.contains("Sentences about single or few patients are left out.") && html.contains("608"));
}
