//! Participant flow, missing-data patterns, observed means and the baseline table, against base R and counts by hand.

use crate::common::{IMRS_GST, antidepressant, fev, imrs_gst, read_text, reference, repository};
use serde_json::Value;
use trialstats::trial::{AnalysisSet, Characteristic, Exclusion, FlowStep, Layout, PatternKind, Summary, Trial};
use trialstats::{Error, Tabular};

/// Sums of at most a few hundred numbers, printed by R with 15 digits.
const ROUNDING: f64 = 1e-13;

fn check_summary(summary: &Summary, r: &Value) {
    assert_eq!(summary.n as u64, r["n"].as_u64().unwrap());
    let ours = [summary.mean, summary.sd, summary.median, summary.minimum, summary.maximum].map(Option::unwrap);
    for (ours, name) in ours.into_iter().zip(["mean", "sd", "median", "minimum", "maximum"]) {
        let theirs = r[name].as_f64().unwrap();
        assert!((ours - theirs).abs() <= ROUNDING * theirs.abs(), "{name}: {ours} against {theirs}");
    }
}

#[test]
fn observed_means_are_those_of_r() {
    for (trial, outcome, name) in [(fev(), "FEV1", "fev"), (antidepressant(), "HAMDTL17", "antidepressant")] {
        let r = &reference("descriptive/descriptive.json")[name]["means"];
        let rows = trial.observed_means(outcome).unwrap().rows;
        assert_eq!(rows.len(), r.as_array().unwrap().len());
        for r in r.as_array().unwrap() {
            let row = rows.iter().find(|row| row.arm == r["arm"] && row.visit == r["visit"]).unwrap_or_else(|| panic!("{r}"));
            check_summary(&row.summary, r);
        }
    }
}

#[test]
fn missing_patterns_are_those_of_r() {
    for (trial, outcome, name) in [(fev(), "FEV1", "fev"), (antidepressant(), "HAMDTL17", "antidepressant")] {
        let picture = |observed: &[bool]| observed.iter().map(|&o| if o { 'X' } else { '.' }).collect::<String>();
        let table = trial.missing_patterns(outcome).unwrap();
        let mut ours: Vec<(String, String, u64)> = table.rows.iter().map(|r| (r.arm.clone(), picture(&r.observed), r.n as u64)).collect();
        let text = |v: &Value| v.as_str().unwrap().to_string();
        let r = reference("descriptive/descriptive.json")[name]["patterns"].as_array().unwrap().clone();
        let mut theirs: Vec<_> = r.iter().map(|r| (text(&r["arm"]), text(&r["pattern"]), r["n"].as_u64().unwrap())).collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs);
    }
    let table = antidepressant().missing_patterns("HAMDTL17").unwrap();
    assert_eq!(table.count("DRUG", PatternKind::Complete), 63);
    assert_eq!(PatternKind::of(&[false, false]), PatternKind::NeverObserved);
    assert_eq!(PatternKind::of(&[true, false, true]), PatternKind::Intermittent);
}

#[test]
fn the_baseline_table_is_that_of_r() {
    let r = &reference("descriptive/descriptive.json")["antidepressant"];
    let rows = antidepressant().baseline_table().rows;
    // R has the arms in the order of the alphabet.
    let r_rows = [&r["basval"][1], &r["basval"][0], &r["basval_all"]];
    assert_eq!(rows.iter().map(|r| r.arm.as_str()).collect::<Vec<_>>(), ["PLACEBO", "DRUG", "all arms"]);
    for (row, r) in rows.iter().zip(r_rows) {
        let Characteristic::Numeric(summary) = &row.value else { panic!("{row:?}") };
        check_summary(summary, r);
        assert_eq!(row.missing, 0);
    }
    let rows = fev().baseline_table().rows;
    for r in reference("descriptive/descriptive.json")["fev"]["race"].as_array().unwrap() {
        let found = rows.iter().any(|row| {
            row.arm == r["arm"].as_str().unwrap()
                && matches!(&row.value, Characteristic::Level { level, n, .. } if level == r["level"].as_str().unwrap() && *n as u64 == r["n"].as_u64().unwrap())
        });
        assert!(found, "{r}");
    }
}

const FLOW: &str = "\
id,arm,visit,score,age,dose,therapist
A,x,0,10,30,1,T
A,x,1,8,,1,T
B,x,0,NA,30,1,T
B,x,1,9,,1,T
C,x,0,11,NA,1,
C,x,1,8,,1,
D,y,0,12,30,1,T
D,y,1,NA,,1,T
E,y,0,12,30,1,T
E,y,1,7,,NA,T
F,y,0,,30,1,T
";

fn flow_trial() -> Trial {
    use trialstats::trial::CovariateKind::NumericByVisit;
    let layout =
        Layout::long("id", "arm", "visit").outcome("score").covariate("age").covariate_as("dose", NumericByVisit).cluster("therapist");
    read_text(&layout, "flow", FLOW)
}

#[test]
fn everyone_randomized_is_analysed_or_has_a_reason() {
    let trial = flow_trial();
    let flow = trial.participant_flow("score", &AnalysisSet::new().needs_baseline().needs("age").needs("dose")).unwrap();
    let at = |label: &str| label.to_string();
    let not = |reason| FlowStep::NotAnalysed { reason };
    let count = |step: FlowStep| [flow.count("x", &step), flow.count("y", &step)];
    assert_eq!(count(FlowStep::Randomized), [3, 3]);
    assert_eq!(count(FlowStep::Observed { visit: at("0") }), [2, 2]);
    assert_eq!(count(FlowStep::Observed { visit: at("1") }), [3, 1]);
    assert_eq!(count(FlowStep::Analysed), [1, 0]);
    assert_eq!(count(FlowStep::AnalysedAt { visit: at("0") }), [0, 0]);
    assert_eq!(count(FlowStep::AnalysedAt { visit: at("1") }), [1, 0]);
    assert_eq!(count(not(Exclusion::NoOutcome)), [0, 2]);
    assert_eq!(count(not(Exclusion::NoBaseline)), [1, 0]);
    assert_eq!(count(not(Exclusion::Missing("age".into()))), [1, 0]);
    assert_eq!(count(not(Exclusion::Missing("dose".into()))), [0, 1]);
    assert!(flow.to_string().contains("not analysed: no outcome at baseline"), "{flow}");
    let notes = flow.notes().join("\n");
    assert!(
        notes.contains(
            "Analysed: with an outcome at any visit but the baseline; needed: the outcome at baseline (as a covariate), age, dose."
        ),
        "{notes}"
    );
}

#[test]
fn a_flow_without_needs_analyses_everyone_observed() {
    let trial = flow_trial();
    let flow = trial.participant_flow("score", &AnalysisSet::new()).unwrap();
    assert_eq!([flow.count("x", &FlowStep::Analysed), flow.count("y", &FlowStep::Analysed)], [3, 2]);
    let last = trial.participant_flow("score", &AnalysisSet::new().visits(["1"]).needs("therapist")).unwrap();
    assert_eq!([last.count("x", &FlowStep::Analysed), last.count("y", &FlowStep::Analysed)], [2, 1]);
    // mmrm analyses 197 of the 200 patients of fev (n_subjects of its reference results), and 537 observations.
    let flow = fev().participant_flow("FEV1", &AnalysisSet::new().needs("RACE")).unwrap();
    let sum = |wanted: fn(&FlowStep) -> bool| flow.rows.iter().filter(|r| wanted(&r.step)).map(|r| r.n).sum::<usize>();
    assert_eq!(sum(|s| *s == FlowStep::Analysed), 197);
    assert_eq!(sum(|s| matches!(s, FlowStep::AnalysedAt { .. })), 537);
    assert_eq!(sum(|s| matches!(s, FlowStep::NotAnalysed { .. })), 3);
}

#[test]
fn names_that_do_not_exist_are_named() {
    let trial = flow_trial();
    let code = |result: Result<_, Error>| result.map(|_: trialstats::trial::ParticipantFlow| ()).unwrap_err().code();
    assert_eq!(code(trial.participant_flow("points", &AnalysisSet::new())), "unknown-name");
    assert_eq!(code(trial.participant_flow("score", &AnalysisSet::new().visits(["2"]))), "unknown-name");
    assert_eq!(code(trial.participant_flow("score", &AnalysisSet::new().needs("sex"))), "unknown-name");
    assert_eq!(code(fev().participant_flow("FEV1", &AnalysisSet::new().needs_baseline())), "no-baseline");
}

#[test]
fn every_table_prints_writes_csv_and_says_how_it_was_made() {
    let trial = flow_trial();
    let tables: [Box<dyn Tabular>; 4] = [
        Box::new(trial.participant_flow("score", &AnalysisSet::new()).unwrap()),
        Box::new(trial.missing_patterns("score").unwrap()),
        Box::new(trial.observed_means("score").unwrap()),
        Box::new(trial.baseline_table()),
    ];
    for table in tables {
        let columns = table.columns();
        assert!(columns.iter().all(|c| c.len() == columns[0].len() && !c.is_empty()), "{}", table.title());
        assert!(!table.notes().is_empty());
        let mut csv = vec![];
        table.write_csv(&mut csv).unwrap();
        assert_eq!(csv.iter().filter(|&&b| b == b'\n').count(), columns[0].len() + 1);
    }
}

#[test]
fn the_synthetic_trial_is_read_down_to_its_items() {
    let trial = imrs_gst();
    assert_eq!((trial.arms(), trial.randomized()), (["ImRs", "ImRs+GST"].map(String::from).as_slice(), vec![66, 64]));
    assert_eq!(trial.schedule().labels(), ["baseline", "3 months", "6 months", "9 months", "12 months"]);
    assert_eq!(trial.schedule().baseline(), Some(0));
    let in_groups: Vec<usize> =
        (0..130).filter(|&i| trial.cluster("therapy_group").unwrap().codes().unwrap()[i].is_some()).map(|i| trial.arm_of()[i]).collect();
    assert!(!in_groups.is_empty() && in_groups.iter().all(|&arm| arm == 1));
    // The total is the sum of items 1 to 20, all of them rated.
    let mut file = csv::Reader::from_path(repository(IMRS_GST)).unwrap();
    let column = |name: &str, file: &mut csv::Reader<std::fs::File>| file.headers().unwrap().iter().position(|h| h == name).unwrap();
    let [patient, visit, first] = ["patient", "visit", "caps5_01"].map(|name| column(name, &mut file));
    let caps5 = trial.outcome("caps5").unwrap();
    let mut observed = 0;
    for row in file.records() {
        let row = row.unwrap();
        let ratings: Option<Vec<f64>> = (first..first + 20).map(|j| row[j].parse().ok()).collect();
        let i = trial.patients().iter().position(|p| *p == row[patient]).unwrap();
        let t = trial.schedule().index_of(&row[visit]).unwrap();
        assert_eq!(trial.value(caps5, i, t), ratings.map(|r| r.iter().sum()));
        observed += usize::from(trial.value(caps5, i, t).is_some());
    }
    assert_eq!(observed, caps5.values.iter().filter(|y| !y.is_nan()).count());
}

#[test]
fn the_flow_analyses_whom_the_design_analyses() {
    use trialstats::design::{Design, DesignOptions, MeanModel};
    let analysed = |trial: &Trial, formula: &str, set: AnalysisSet| {
        let model = MeanModel::parse(formula).unwrap();
        let design = Design::build(trial, &model, &DesignOptions::default()).unwrap();
        let flow = trial.participant_flow(design.outcome(), &set).unwrap();
        let sum = |wanted: fn(&FlowStep) -> bool| flow.rows.iter().filter(|r| wanted(&r.step)).map(|r| r.n).sum::<usize>();
        assert_eq!(sum(|s| *s == FlowStep::Analysed), design.patients().len());
        assert_eq!(sum(|s| matches!(s, FlowStep::AnalysedAt { .. })), design.n_observations());
    };
    let trial = imrs_gst();
    analysed(&trial, "caps5 ~ baseline + site + arm * visit", AnalysisSet::new().needs_baseline().needs("site"));
    analysed(&trial, "caps5 ~ site + arm * visit", AnalysisSet::new().needs("site"));
    analysed(&trial, "scid5pd ~ baseline + arm * visit", AnalysisSet::new().needs_baseline());
    analysed(&fev(), "FEV1 ~ RACE + arm * visit", AnalysisSet::new().needs("RACE"));
}
