//! Plans drafted from files: what is guessed of files as people have them, and that the drafts run.

use crate::common::repository;
use trialstats::Error;
use trialstats::analysis::{AnalysisResult, Plan, Silent};
use trialstats::draft::Draft;

/// A file of the test's own.
fn file(name: &str, content: &[u8]) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("trialstats-draft-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a temporary file");
    path
}

fn drafted(path: impl AsRef<std::path::Path>) -> String {
    Draft::of(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display())).to_toml()
}

/// The draft of a file, run on it.
fn run(path: impl AsRef<std::path::Path>) -> (Plan, AnalysisResult) {
    let text = drafted(&path);
    let plan = Plan::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let trial = plan.read(&path).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let result = plan.run(&trial, &Silent).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (plan, result)
}

fn sample(name: &str) -> std::path::PathBuf {
    repository(&format!("data-samples/{name}/{name}.csv"))
}

/// The value of a key in the draft, as written.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
}

#[test]
fn a_draft_of_each_sample_runs_as_it_is() {
    for (name, primary, arms, at) in [
        ("antidepressant", "CHANGE", ["PLACEBO", "DRUG"], "7"),
        ("fev", "FEV1", ["PBO", "TRT"], "VIS4"),
        ("imrs_gst", "caps5", ["ImRs", "ImRs+GST"], "12 months"),
    ] {
        let (plan, result) = run(sample(name));
        assert_eq!((plan.primary.as_str(), result.trial.arms.as_slice()), (primary, arms.map(String::from).as_slice()), "{name}");
        assert_eq!(result.plan.at, at, "{name}");
    }
}

#[test]
fn the_draft_of_the_imrs_trial_gives_the_numbers_of_its_plan() {
    let path = sample("imrs_gst");
    let (_, drafted) = run(&path);
    let mut plan = Plan::from_file(repository("examples/plans/imrs_gst.toml")).expect("the plan of the sample");
    plan.effects.bootstrap = 0;
    let stated = plan.run(&plan.read(&path).expect("the sample"), &Silent).expect("it runs");
    let contrast = |result: &AnalysisResult| {
        let rows = &result.outcomes[0].contrasts.as_ref().expect("two arms").rows;
        rows.iter().map(|row| (row.estimate.estimate, row.estimate.se, row.estimate.p)).collect::<Vec<_>>()
    };
    assert_eq!(contrast(&drafted), contrast(&stated));
}

/// Sixty patients in a row each, as Dutch Excel exports them: semicolons, decimal commas, Windows-1252, 999 for missing.
fn dutch() -> Vec<u8> {
    let mut text = String::from("deelnemernr;conditie;geslacht;leeftijd;locatie;BDI_T0;BDI_T1;BDI_T2;WHO_T0;WHO_T1;WHO_T2;opmerkingen\r\n");
    for i in 0..60_usize {
        let arm = ["Wachtlijst", "Behandeling"][i % 2];
        let noise = |k: usize| ((i * 37 + k * 101) % 53) as f64 / 10.0;
        let score = |visit: usize| match (i + visit) % 11 {
            0 if visit > 0 => "999".to_string(),
            _ => format!("{:.1}", 25.0 - 3.0 * visit as f64 * (1 + i % 2) as f64 + noise(visit)).replace('.', ","),
        };
        let other = |visit: usize| format!("{:.1}", 10.0 + noise(visit + 7)).replace('.', ",");
        let site = ["Nijmegen", "Reünie"][i / 2 % 2];
        let scores: Vec<String> = (0..3).map(score).chain((0..3).map(other)).collect();
        text += &format!("D{i:03};{arm};{};{};{site};{};\r\n", ["man", "vrouw"][i / 3 % 2], 20 + i % 40, scores.join(";"));
    }
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin letters")).collect()
}

#[test]
fn a_wide_dutch_export_is_understood() {
    let path = file("dutch.csv", &dutch());
    let text = drafted(&path);
    assert_eq!(value(&text, "primary"), Some("\"BDI\""));
    assert_eq!(value(&text, "reference-arm"), Some("\"Wachtlijst\""));
    assert_eq!(value(&text, "visits"), Some("[\"T0\", \"T1\", \"T2\"]"));
    assert_eq!(value(&text, "baseline-visit"), Some("\"T0\""));
    assert_eq!(value(&text, "missing-values"), Some("[999]"));
    assert_eq!(value(&text, "formula"), Some("\"locatie + arm * visit\""));
    assert_eq!(value(&text, "positive"), Some("\"fall\""));
    assert!(text.contains("separated by semicolons") && text.contains("Windows-1252"), "{text}");
    let (_, result) = run(&path);
    // 2 × 60 cells after baseline, of which every eleventh is 999.
    let missing = (0..60).flat_map(|i| [i + 1, i + 2]).filter(|k| k % 11 == 0).count();
    assert_eq!(result.outcomes[0].model.observations, 180 - missing);
}

#[test]
fn items_are_no_visits() {
    let visits = ["pre", "post", "fu"];
    let items: Vec<String> = visits.iter().flat_map(|v| (1..=9).map(move |k| format!("mood_{k}_{v}"))).collect();
    let mut text = format!("id,treatment,age,therapist,start_date,{}\n", items.join(","));
    for i in 0..40_usize {
        let ratings: Vec<String> = (0..27).map(|k| ((i * 7 + k * 5 + i * k) % 4).to_string()).collect();
        text += &format!("{},{},{},th{},2024-01-{:02},{}\n", i + 1, ["TAU", "CBT"][i % 2], 20 + i, i % 7, i % 28 + 1, ratings.join(","));
    }
    let text = drafted(file("items.csv", text.as_bytes()));
    assert_eq!(value(&text, "visits"), Some("[\"pre\", \"post\", \"fu\"]"));
    assert_eq!(value(&text, "baseline-visit"), Some("\"pre\""));
    assert_eq!(value(&text, "clusters"), Some("[\"therapist\"]"));
    assert_eq!(value(&text, "reference-arm"), Some("\"TAU\""));
    assert!(text.contains("`start_date`: its name says that it is no property of patients"), "{text}");
}

#[test]
fn what_no_name_says_is_marked() {
    let mut text = String::from("code,when,how,value\n");
    for i in 0..30_usize {
        for week in [0, 4, 8] {
            let noise = ((i * 31 + week) * (i * 31 + week + 17) * 7919 % 997) as f64 / 100.0;
            text += &format!("{},{week},{},{}\n", 1000 + i, ["sham", "active"][i % 2], 10.0 + noise);
        }
    }
    let path = file("strange.csv", text.as_bytes());
    let draft = drafted(&path);
    for (key, expected) in [("patient", "\"code\""), ("visit", "\"when\""), ("arm", "\"how\""), ("reference-arm", "\"sham\"")] {
        assert_eq!(value(&draft, key), Some(expected), "{draft}");
    }
    let before = |key: &str| {
        let lines: Vec<&str> = draft.lines().collect();
        let at = lines.iter().position(|line| line.starts_with(&format!("{key} ="))).expect("the key");
        lines[..at].iter().rev().take_while(|line| line.starts_with('#')).any(|line| line.contains("CHECK"))
    };
    assert!(["patient", "visit", "arm"].into_iter().all(before), "{draft}");
    run(&path);
}

#[test]
fn a_file_without_patients_is_refused_by_what_it_has() {
    let refusal = |name: &str, text: &str| Draft::of(file(name, text.as_bytes())).expect_err("nothing to guess").to_string();
    let empty = refusal("empty.csv", "id,arm,visit,score\n");
    assert!(empty.contains("no row of data") && empty.contains("`score`"), "{empty}");
    let constant = refusal("constant.csv", &format!("a,b\n{}", "1,2\n".repeat(20)));
    assert!(constant.contains("no column has a value for each patient") && constant.contains("[layout]"), "{constant}");
    let missing = Draft::of(repository("data-samples/nothing.csv")).expect_err("no such file");
    assert!(matches!(missing, Error::File { .. }), "{missing}");
}

#[test]
fn odd_names_are_written_so_that_they_are_read_again() {
    let mut text = String::from("patient id;Study arm;week;\"score \"\"total\"\"\";site name\n");
    for i in 0..24 {
        for week in [0, 6] {
            text += &format!("p{i};{};{week};{};\"a = 'b'\"\n", ["A - B", "placebo"][i % 2], 20 + (i * 5 + week) % 11);
        }
    }
    let (_, result) = run(file("odd.csv", text.as_bytes()));
    assert_eq!(result.trial.arms, ["placebo", "A - B"]);
}

/// The preset knows what the columns mean; the draft says what it cannot know.
#[test]
fn an_adam_file_is_drafted_by_its_preset() {
    let path = repository("data-samples/adam/adqs.csv");
    let text = drafted(&path);
    assert_eq!(value(&text, "preset"), Some("\"adam\""));
    assert_eq!(value(&text, "paramcd"), Some("[\"HAMD17\", \"HAMA\"]"));
    assert_eq!((value(&text, "primary"), value(&text, "at")), (Some("\"HAMD17_CHG\""), Some("\"Week 6\"")));
    let (_, result) = run(&path);
    let stated = Plan::from_file(repository("examples/plans/adam.toml")).expect("the plan of the sample");
    let stated = stated.run(&stated.read(&path).expect("the sample"), &Silent).expect("it runs");
    let contrast = |result: &AnalysisResult| {
        let rows = &result.outcomes[0].contrasts.as_ref().expect("two arms").rows;
        rows.iter().map(|row| (row.estimate.estimate, row.estimate.se)).collect::<Vec<_>>()
    };
    for (here, there) in contrast(&result).iter().zip(contrast(&stated)) {
        assert!((here.0 - there.0).abs() < 1e-9 && (here.1 - there.1).abs() < 1e-9, "{here:?} {there:?}");
    }
}

/// Labels of SPSS and Stata name arms and visits; numbers of workbooks may be texts with decimal commas beside numbers.
#[cfg(feature = "formats")]
#[test]
fn files_of_other_programs_are_drafted_as_they_are() {
    let formats = |name: &str| format!("tests/references/formats/{name}");
    for (name, primary, arms) in [
        ("data-samples/adam/adqs.xpt".to_string(), "HAMD17_CHG", ["Placebo", "Drug"]),
        ("data-samples/wide_dutch/klachten.csv".into(), "klacht", ["wachtlijst", "online"]),
        (formats("dutch.xlsx"), "BDI", ["wachtlijst", "therapie"]),
        (formats("dutch.ods"), "BDI", ["wachtlijst", "therapie"]),
        (formats("spss.sav"), "bdi", ["wachtlijst", "therapie"]),
        (formats("stata.dta"), "hamd", ["placebo", "active"]),
    ] {
        let text = drafted(repository(&name));
        let plan = Plan::from_toml(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        let trial = plan.read(repository(&name)).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        plan.check(&trial).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        assert_eq!((plan.primary.as_str(), trial.arms()), (primary, arms.map(String::from).as_slice()), "{name}");
    }
}
