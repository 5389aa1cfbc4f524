//! `trialstats power`, run as a person runs it.

use crate::common::program::{refusal, stdout, trialstats};
use std::path::{Path, PathBuf};

const TRUTH: &str = "
[study]
trials = 24
vary = { patients = [60, 100] }

[truth]
visits = ['0', '1', '2']
sd = [1, 1, 1]
correlation = { exchangeable = 0.5 }
arms = [{ name = 'a', patients = 40, means = [0, 0, 0] }, { name = 'b', patients = 40, d = 0.6 }]
missing = { left-by-end = 0.2 }
";

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("trialstats-power-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).expect("written");
    path.display().to_string()
}

#[test]
fn parts_of_an_array_job_add_up_to_one_run() {
    let folder = folder("parts");
    let at = |name: &str| folder.join(name).display().to_string();
    let study = write(&folder.join("study.toml"), &format!("primary = 'y'\n{TRUTH}"));
    let whole = stdout(&trialstats(&["power", &study, "--json", "--out", &at("whole"), "--date", "2026-01-31"]));
    for part in ["2/3", "1/3", "3/3"] {
        let said = stdout(&trialstats(&["power", &study, "--shard", part, "--parts", &at("parts")]));
        assert!(said.contains(&format!("part-{}-of-3.json", &part[..1])), "{said}");
    }
    let merged = stdout(&trialstats(&["power", &study, "--merge", &at("parts"), "--json", "--out", &at("merged"), "--date", "2026-01-31"]));
    assert_eq!(whole, merged);
    let result: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    assert_eq!(result["analysis"]["points"].as_array().expect("points").len(), 3);
    assert!(folder.join("whole/figures/power-by-patients.svg").exists() && folder.join("whole/tables/assumptions.csv").exists());
    // A plan and a truth in two files are the same study, and another number of trials another one.
    let plan = write(&folder.join("plan.toml"), "primary = 'y'\n");
    let truth = write(&folder.join("truth.toml"), TRUTH);
    let apart = stdout(&trialstats(&["power", &plan, "--truth", &truth, "--json", "--out", &at("apart"), "--date", "2026-01-31"]));
    assert_eq!(whole, apart);
    let said = refusal(&["power", &study, "--trials", "30", "--merge", &at("parts"), "--out", &at("other")]);
    assert!(said.contains("another study"), "{said}");
}

#[test]
fn what_is_found_is_said_in_a_page() {
    let folder = folder("page");
    let study = write(&folder.join("study.toml"), &format!("primary = 'y'\n{TRUTH}"));
    let out = folder.join("out").display().to_string();
    let text = stdout(&trialstats(&["power", &study, "--out", &out, "--docx", "--seed", "3"]));
    for said in ["With 40 + 40 patients the power", "by theory", "invented", "Power by number of patients", "Report:"] {
        assert!(text.contains(said), "no {said} in\n{text}");
    }
    let html = std::fs::read_to_string(folder.join("out/report.html")).expect("a report");
    assert!(html.contains("seed 3") && folder.join("out/report.docx").exists());
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let folder = folder("refused");
    let study = write(&folder.join("study.toml"), &format!("primary = 'y'\n{TRUTH}"));
    assert!(refusal(&["power", &study, "--shard", "3"]).contains("3/20"));
    assert!(refusal(&["power", &study, "--shard", "4/3"]).contains("part 4 of 3"));
    assert!(refusal(&["power", &study, "--shard", "1/3", "--precision", "0.01"]).contains("precision"));
    assert!(refusal(&["power", &study, "--find", "happiness"]).contains("happiness"));
    assert!(refusal(&["power", &study, "--merge", &folder.join("none").display().to_string()]).contains("none"));
    let plan = write(&folder.join("plan.toml"), "primary = 'y'\n");
    assert!(refusal(&["power", &plan]).contains("[truth]"));
    let twice = write(&folder.join("truth.toml"), &format!("primary = 'z'\n{TRUTH}"));
    assert!(refusal(&["power", &plan, "--truth", &twice]).contains("primary"));
}
