//! Who is not analysed, and why.

use super::command;
use crate::common::{FEV, contents, fev_layout, read_text};
use trialstats::{Model, Trial};

/// fev without the baseline value of every tenth patient.
fn text() -> String {
    let lacks = |id: &str| id.trim_matches('"').trim_start_matches("PT").parse::<usize>().is_ok_and(|n| n % 10 == 0);
    let blank = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if lacks(cells[0]) {
            cells[5] = "NA";
        }
        cells.join(",") + "\n"
    };
    contents(FEV).lines().map(blank).collect()
}

fn trial() -> Trial {
    read_text(&fev_layout(), "fev", &text())
}

#[test]
fn each_reason_has_its_count_by_arm_and_visit() {
    let design = Model::formula("FEV1 ~ FEV1_BL + ARMCD * AVISIT").expect("a formula").design(&trial()).expect("builds");
    let [unobserved, baseline] = design.exclusions().reasons() else { panic!("two reasons: {:?}", design.exclusions().reasons()) };
    assert_eq!((unobserved.variable.as_deref(), unobserved.patients(), unobserved.observations()), (None, 3, 0));
    assert_eq!((baseline.variable.as_deref(), baseline.patients(), baseline.observations()), (Some("FEV1_BL"), 20, 53));
    let arms: Vec<(&str, usize)> = baseline.arms.iter().map(|a| (a.arm.as_str(), a.patients)).collect();
    assert_eq!(arms, [("PBO", 11), ("TRT", 9)]);
    let visits: Vec<(&str, usize)> = baseline.visits.iter().map(|v| (v.visit.as_str(), v.observations)).collect();
    assert_eq!(visits, [("VIS1", 13), ("VIS2", 16), ("VIS3", 15), ("VIS4", 9)]);
}

#[test]
fn the_command_says_the_same_in_text_json_and_description() {
    let file = std::env::temp_dir().join("trialstats_written_account.csv");
    std::fs::write(&file, text()).expect("written");
    let path = file.to_str().expect("UTF-8");
    let source = ["--data", path, "--subject", "USUBJID", "--visit", "AVISIT", "--arm", "ARMCD"];
    let fit = [&["fit"][..], &source, &["--formula", "FEV1 ~ FEV1_BL + ARMCD*AVISIT"]].concat();
    let out = command(&fit).expect("fits").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "20 with outcomes but not analysed, because `FEV1_BL` is missing (PBO 11, TRT 9)",
        "3 without an observed outcome (TRT 3)",
        "53 where `FEV1_BL` is missing (PBO 25, TRT 28; VIS1 13, VIS2 16, VIS3 15, VIS4 9)",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let json: serde_json::Value = serde_json::from_str(&command(&[&fit[..], &["--json"]].concat()).expect("fits")).expect("JSON");
    let reason = &json["exclusions"]["by_arm"][1];
    assert_eq!((&reason["variable"], &reason["arms"][1]["patients"]), (&"FEV1_BL".into(), &9.into()));
    let out = command(&[&["describe"][..], &source, &["--outcome", "FEV1", "--needs", "FEV1_BL"]].concat()).expect("describes");
    assert!(out.contains("not analysed: FEV1_BL missing"), "{out}");
    std::fs::remove_file(file).expect("removed");
}

/// A patient whose outcomes are lost to several lacks has the one that took the last of them, as in the flow.
#[test]
fn a_patient_has_one_reason() {
    let file =
        "id,arm,visit,x,z,y\n1,a,1,NA,1,3\n1,a,2,2,NA,4\n2,b,1,1,1,2\n2,b,2,1,2,5\n3,a,1,1,3,2\n3,a,2,2,2,6\n4,b,1,3,1,3\n4,b,2,1,1,9\n";
    use trialstats::trial::{AnalysisSet, CovariateKind, Exclusion, FlowStep, Layout};
    let layout = Layout::long("id", "arm", "visit").outcome("y");
    let layout = layout.covariate_as("x", CovariateKind::NumericByVisit).covariate_as("z", CovariateKind::NumericByVisit);
    let trial = read_text(&layout, "made up", file);
    let design = Model::formula("y ~ arm + x + z").expect("a formula").design(&trial).expect("builds");
    let reasons: Vec<(&str, usize, usize)> =
        design.exclusions().reasons().iter().map(|r| (r.reason.as_str(), r.patients(), r.observations())).collect();
    assert_eq!(reasons, [("`x` is missing", 0, 1), ("`z` is missing", 1, 1)]);
    let flow = trial.participant_flow("y", &AnalysisSet::new().needs("x").needs("z")).expect("a flow");
    assert_eq!(flow.count("a", &FlowStep::NotAnalysed { reason: Exclusion::Missing("z".into()) }), 1);
}
