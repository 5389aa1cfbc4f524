//! The commands that take a plan: `plan init`, `plan check`, `report`, `moments`, and `qualify`, as a person uses them.

use crate::common::program::{refusal, stdout, trialstats as run};
use crate::common::{ANTIDEPRESSANT, repository};
use serde_json::Value;
use std::path::{Path, PathBuf};
use trialstats::analysis::{Plan, Silent, SiteSums};

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("trialstats-commands-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).expect("a temporary file");
    path.display().to_string()
}

/// The antidepressant trial, everything declared that files of sites could say differently.
const PLAN: &str = r#"
primary = "CHANGE"
at = "7"

[layout]
patient = "PATIENT"
arm = "THERAPY"
arms = ["PLACEBO", "DRUG"]
visit = "VISIT"
visits = ["4", "5", "6", "7"]
outcomes = [{ column = "CHANGE", label = "Change in HAMD-17" }]
covariates = [{ name = "BASVAL", kind = "numeric" }]

[model]
formula = "BASVAL * visit + arm * visit"
"#;

#[test]
fn a_plan_and_its_data_become_a_report() {
    let folder = folder("report");
    let plan = write(&folder.join("plan.toml"), PLAN);
    let out = folder.join("out").display().to_string();
    let text = stdout(&run(&["report", &plan, "--data", ANTIDEPRESSANT, "--out", &out]));
    assert!(text.contains("Change in HAMD-17 at visit 7 (172 patients, 608 observations analysed)"), "{text}");
    assert!(text.contains("DRUG - PLACEBO                     -2.80  95% CI   -5.01 to   -0.60  p = .013"), "{text}");
    let written = |name: &str| std::fs::read_to_string(Path::new(&out).join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(written("report.html").contains("Change in HAMD-17") && written("tables/CHANGE_contrasts.csv").lines().count() == 5);
    // What is printed as JSON is the file.
    let json = stdout(&run(&["report", &plan, "--data", ANTIDEPRESSANT, "--out", &out, "--json"]));
    assert_eq!(json, written("report.json"));
    // And its numbers are those of the library.
    let plan = Plan::from_toml(PLAN).expect("a plan");
    let result = plan.run(&plan.read(repository(ANTIDEPRESSANT)).expect("the sample"), &Silent).expect("it runs");
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let contrast = &report["analysis"]["outcomes"][0]["contrasts"]["rows"][3]["estimate"];
    let ours = &result.outcomes[0].contrasts.as_ref().expect("two arms").rows[3].estimate;
    assert_eq!((contrast["estimate"].as_f64(), contrast["se"].as_f64()), (Some(ours.estimate), Some(ours.se)));
}

#[test]
fn the_checked_plan_is_a_plan_that_states_everything() {
    let folder = folder("check");
    let path = write(&folder.join("plan.toml"), PLAN);
    let text = stdout(&run(&["plan", "check", &path, ANTIDEPRESSANT]));
    let joined = text.replace("\n# ", " ");
    assert!(joined.contains("172 patients randomized (PLACEBO 88, DRUG 84), visits 4, 5, 6, 7. Nothing was fitted."), "{text}");
    for line in
        ["at = \"7\"", "covariance = \"unstructured\"  # from the trial", "df = \"kenward-roger\"  # default", "level = 0.95  # default"]
    {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    let plan = Plan::from_toml(PLAN).expect("a plan");
    let resolved = plan.resolved(&plan.read(repository(ANTIDEPRESSANT)).expect("the sample")).expect("it fits");
    let read = Plan::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read.to_toml().expect("TOML"), resolved.to_toml().expect("TOML"));
    // Without data nothing is looked up.
    let text = stdout(&run(&["plan", "check", &path]));
    assert!(text.contains("No data were named") && text.contains("seed = 1  # default"), "{text}");
    assert!(!text.contains("unstructured"), "{text}");
}

#[test]
fn every_mistake_of_a_plan_is_named_by_its_key() {
    let folder = folder("mistakes");
    let mistaken = PLAN.replace("at = \"7\"", "at = \"77\"\nlevel = 95").replace("arm * visit", "arm * visti");
    let path = write(&folder.join("plan.toml"), &mistaken);
    let said = refusal(&["plan", "check", &path, ANTIDEPRESSANT]);
    for expected in ["at: ", "level: ", "model.formula: ", "did you mean `visit`"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(said, refusal(&["report", &path, "--data", ANTIDEPRESSANT]));
    let said = refusal(&["report", &write(&folder.join("key.toml"), &PLAN.replace("primary", "primry")), "--data", ANTIDEPRESSANT]);
    assert!(said.contains("key.toml, line 2") && said.contains("did you mean `primary`?"), "{said}");
    let said = refusal(&["report", &path]);
    assert!(said.contains("--data"), "{said}");
}

#[test]
fn a_drafted_plan_is_written_once_and_runs() {
    let folder = folder("init");
    let plan = folder.join("plan.toml").display().to_string();
    let text = stdout(&run(&["plan", "init", ANTIDEPRESSANT, "--out", &plan]));
    assert!(text.contains("is written") && text.contains("CHECK"), "{text}");
    // Nobody's plan is overwritten.
    let said = refusal(&["plan", "init", ANTIDEPRESSANT, "--out", &plan]);
    assert!(said.contains("stays as it is; give another name with `--out`"), "{said}");
    let out = folder.join("out").display().to_string();
    let text = stdout(&run(&["report", &plan, "--data", ANTIDEPRESSANT, "--out", &out]));
    assert!(text.contains("DRUG - PLACEBO"), "{text}");
}

/// The rows of every third patient.
fn sites(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(repository(ANTIDEPRESSANT)).expect("the sample");
    let (header, rows) = text.split_once('\n').expect("a header");
    let patient = |row: &str| row.split(',').next().map(String::from);
    let mut patients: Vec<Option<String>> = vec![];
    for row in rows.lines() {
        if !patients.contains(&patient(row)) {
            patients.push(patient(row));
        }
    }
    let of_site = |row: &&str, site: usize| patients.iter().position(|p| *p == patient(row)).is_some_and(|at| at % 3 == site);
    let site = |(k, name): (usize, &str)| {
        let own: Vec<&str> = rows.lines().filter(|row| of_site(row, k)).collect();
        write(&folder.join(format!("{name}.csv")), &format!("{header}\n{}\n", own.join("\n")))
    };
    ["north", "south", "west"].into_iter().enumerate().map(site).collect()
}

#[test]
fn sums_of_sites_give_the_report_of_all_patients() {
    let folder = folder("moments");
    let plan = write(&folder.join("plan.toml"), PLAN);
    let mut files = vec![];
    for data in sites(&folder) {
        let out = data.replace(".csv", ".json");
        let text = stdout(&run(&["moments", &plan, "--data", &data, "--out", &out]));
        assert!(text.contains("The rarest pattern of visits has"), "{text}");
        files.push(out);
    }
    let out = folder.join("out").display().to_string();
    let report = |files: &[&String]| -> Value {
        let mut arguments = vec!["report", &plan, "--out", &out, "--json", "--moments"];
        arguments.extend(files.iter().map(|f| f.as_str()));
        serde_json::from_str(&stdout(&run(&arguments))).expect("JSON")
    };
    let pooled = report(&[&files[0], &files[1], &files[2]]);
    let turned = report(&[&files[2], &files[0], &files[1]]);
    let whole = Plan::from_toml(PLAN).expect("a plan");
    let whole = whole.run(&whole.read(repository(ANTIDEPRESSANT)).expect("the sample"), &Silent).expect("it runs");
    let rows = &whole.outcomes[0].contrasts.as_ref().expect("two arms").rows;
    for (k, row) in rows.iter().enumerate() {
        for of in [&pooled, &turned] {
            let estimate = &of["analysis"]["outcomes"][0]["contrasts"]["rows"][k]["estimate"];
            let of = |key: &str| estimate[key].as_f64().expect("a number");
            assert!((of("estimate") - row.estimate.estimate).abs() < 1e-9 * row.estimate.se, "{estimate}");
            assert!((of("se") / row.estimate.se - 1.0).abs() < 1e-9 && (of("df") / row.estimate.df - 1.0).abs() < 1e-8, "{estimate}");
        }
    }
    let sites = &pooled["analysis"]["sites"]["rows"];
    let randomized: u64 = (0..3).map(|k| sites[k]["randomized"].as_u64().expect("a count")).sum();
    assert_eq!((randomized, sites[0]["site"].as_str()), (172, Some("north.csv")));
    // No identifier of a patient is in what a site sends.
    let sent = std::fs::read_to_string(&files[0]).expect("the sums");
    assert!(!sent.contains("1503") && !sent.contains("\"PATIENT\":["), "an identifier left the site");
}

#[test]
fn sums_that_do_not_fit_are_refused() {
    let folder = folder("refused-sums");
    let plan = write(&folder.join("plan.toml"), PLAN);
    let data = repository(ANTIDEPRESSANT).display().to_string();
    let sums = folder.join("site.json").display().to_string();
    stdout(&run(&["moments", &plan, "--data", &data, "--out", &sums]));
    // Another model than the one that was agreed.
    let other = write(&folder.join("other.toml"), &PLAN.replace("BASVAL * visit", "BASVAL"));
    let said = refusal(&["report", &other, "--moments", &sums]);
    assert!(said.contains("BASVAL"), "{said}");
    // Too few patients in a pattern: nothing is written.
    let nothing = folder.join("nothing.json");
    let said = refusal(&["moments", &plan, "--data", &data, "--smallest-pattern", "50", "--out", &nothing.display().to_string()]);
    assert!(said.contains("nothing was written") && !nothing.exists(), "{said}");
    // What files could say differently has to be in the plan.
    let open = write(&folder.join("open.toml"), &PLAN.replace("arms = [\"PLACEBO\", \"DRUG\"]\n", ""));
    let said = refusal(&["moments", &open, "--data", &data]);
    assert!(said.contains("the arms") && said.contains("layout.arms"), "{said}");
    // Files that are something else, or of another version.
    let said = refusal(&["report", &plan, "--moments", &plan]);
    assert!(said.contains("plan.toml, line 2") && said.contains("no sums of a site"), "{said}");
    let text = std::fs::read_to_string(&sums).expect("the sums");
    let newer = write(&folder.join("newer.json"), &text.replace("trialstats.site/1", "trialstats.site/9"));
    let said = refusal(&["report", &plan, "--moments", &newer]);
    assert!(said.contains("trialstats.site/9"), "{said}");
    assert_eq!(SiteSums::from_json("site", &text).and_then(|s| s.to_json()).expect("the same"), text.trim_end());
}

#[test]
fn the_installation_qualifies() {
    let folder = folder("qualify");
    let text = stdout(&run(&["qualify", "--out", &folder.display().to_string()]));
    assert!(text.contains("values are within their tolerance") && !text.contains("FAIL"), "{text}");
    let csv = std::fs::read_to_string(folder.join("tables/sas_kenward_roger.csv")).expect("a table of each method");
    assert!(csv.lines().skip(1).all(|line| line.ends_with(",pass")) && csv.lines().count() == 91, "{csv}");
}

#[test]
fn help_teaches_each_command() {
    for command in [&["report"][..], &["power"], &["plan", "init"], &["plan", "check"], &["moments"], &["qualify"], &["fit"], &["describe"]]
    {
        let text = stdout(&run(&[command, &["--help"]].concat()));
        assert!(text.contains("Usage: trialstats") && text.len() > 400, "{command:?}: {text}");
    }
}
