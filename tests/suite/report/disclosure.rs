//! What a report says of patients, and how it is put in its place.

use crate::common::{imrs_gst, of_values};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use trialstats::Tabular;
use trialstats::Trial;
use trialstats::analysis::{Analysis, AnalysisResult, Clustering, Plan, ReportSettings, Silent, SmallCells};
use trialstats::change::{CutOff, IndividualChange};
use trialstats::means::Better;
use trialstats::report::{Document, Kind, Section, TrialReport};
use trialstats::responders::{Definition, Rule};
use trialstats::table::{Column, Format};
use trialstats::trial::{Schedule, Variable};

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// Every file of a report that has text, as text; of a Word document that of its parts.
fn all_files(folder: &Path) -> Vec<(String, String)> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.display().to_string();
        match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => found.extend(all_files(&path)),
            Some("png" | "pdf") => {}
            Some("docx") => {
                let parts = super::documents::unpacked(&fs::read(&path).expect("a file"));
                let texts = parts.into_iter().filter(|(part, _)| part.ends_with("xml"));
                found.extend(texts.map(|(part, text)| (format!("{name}/{part}"), String::from_utf8(text).expect("text"))));
            }
            _ => found.push((name, fs::read_to_string(&path).expect("text"))),
        }
    }
    found
}

/// Every form of a report.
const KINDS: [Kind; 6] = [Kind::Docx, Kind::Rtf, Kind::Png, Kind::Pdf, Kind::Ard, Kind::Ars];

/// Every number in the texts, as they are written.
fn numbers(text: &str) -> impl Iterator<Item = f64> + '_ {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | 'e' | 'E' | '+'))).filter_map(|word| word.parse().ok())
}

/// 60 patients whose scores have digits that nothing else has.
fn distinct() -> Trial {
    // No two of them have a mean that is a third.
    let noise = |k: usize| ((k as f64 * 12.9898).sin() * 43_758.545_3).fract();
    let y = |i: usize, t: usize| 30.123 + 9.0 * noise(i + 1) + 4.0 * noise(60 * t + i + 77) - (t * (i % 2)) as f64;
    let values = (0..60).flat_map(|i| [y(i, 0), y(i, 1), if i % 9 == 4 { f64::NAN } else { y(i, 2) }]).collect();
    let schedule = Schedule::of_labels(["start", "middle", "end"]).with_baseline("start").expect("a visit");
    let trial = of_values(&["control", "active"], (0..60).map(|i| i % 2).collect(), schedule, values);
    let outcome = trial.outcome("y").expect("it is there").clone();
    let age = (0..60).map(|i| 40.321 + 15.0 * noise(i + 999)).collect();
    Trial::builder("distinct")
        .patients((0..60).map(|i| format!("PATIENT-{i:03}")))
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(outcome)
        .variable(Variable::number("age", age))
        .build()
        .expect("a trial")
}

fn result(trial: &Trial, settings: ReportSettings) -> AnalysisResult {
    let half = Definition::new("drop", Rule::percent_drop("y", 2.0));
    let change = IndividualChange::by_points("y", Better::Lower, 3.0, "stated").cut_off(CutOff::Score(30.0));
    let analysis = Analysis::of(trial).primary("y").responders([half]).individual_change(change).report(settings);
    analysis.run(&Silent).expect("a result")
}

/// Values of single patients that the files of a report hold: scores, ages, residuals.
fn held(trial: &Trial, result: &AnalysisResult, name: &str) -> Vec<String> {
    let place = folder(name);
    TrialReport::new(result).document().write_as(&place, &KINDS).expect("it can be written");
    let files = all_files(&place);
    for document in ["word/document.xml", "report.rtf", "ard.csv", "ard.json", "ars.json"] {
        assert!(files.iter().any(|(path, _)| path.ends_with(document)), "{document}");
    }
    let all: Vec<f64> =
        files.iter().filter(|(path, _)| !path.ends_with(".svg")).flat_map(|(_, text)| numbers(text).collect::<Vec<_>>()).collect();
    let residuals = result.outcomes[0].fit.residuals().rows;
    let scores = trial.outcome("y").expect("it is there").values.iter().map(|y| ("a score", *y));
    let ages = trial.covariate("age").expect("it is there").numbers().expect("numbers").iter().map(|x| ("an age", *x));
    let own = residuals.iter().flat_map(|r| [("a residual", r.pearson), ("a residual", r.normalised), ("a residual", r.response)]);
    let is_held = |x: f64| all.iter().any(|number| (number - x).abs() <= 1e-9 * x.abs());
    let mut found: Vec<String> =
        scores.chain(ages).chain(own).filter(|(_, x)| x.is_finite() && is_held(*x)).map(|(what, x)| format!("{what}: {x}")).collect();
    found.extend(files.iter().filter(|(_, text)| text.contains("PATIENT-")).map(|(path, _)| format!("an identifier in {path}")));
    found
}

#[test]
fn a_report_holds_nothing_of_a_single_patient_unless_asked_to() {
    let trial = distinct();
    let plain = result(&trial, ReportSettings::new());
    assert_eq!(held(&trial, &plain, "without-individuals"), Vec::<String>::new());
    let asked = result(&trial, ReportSettings::new().include_individual_data(true));
    let found = held(&trial, &asked, "with-individuals");
    assert!(found.iter().filter(|what| what.starts_with("a residual")).count() > 100, "{found:?}");
    assert!(found.iter().any(|what| what.starts_with("a score")) && found.iter().any(|what| what.starts_with("an age")));
    assert!(!found.iter().any(|what| what.starts_with("an identifier")), "identifiers are in no report");
    // The figures: a mark for each residual, and for groups of them.
    let marks = |name: &str| {
        let figure = fs::read_to_string(folder_of(name).join("figures/y_residual_quantiles.svg")).expect("a figure");
        figure.matches("<circle").count()
    };
    let observations = asked.outcomes[0].model.observations;
    assert_eq!(marks("with-individuals"), observations);
    assert!((5..=observations / 5).contains(&marks("without-individuals")));
}

fn folder_of(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn the_setting_is_read_from_a_plan() {
    let plan = Plan::from_toml("primary = 'y'\n[report]\ninclude-individual-data = true\nsmall-cells = 'suppressed(10)'").expect("a plan");
    assert!(plan.report.include_individual_data);
    assert_eq!(plan.report.small_cells, SmallCells::Suppressed { below: 10 });
}

/// 60 patients: few of one site, few with missing visits, few who respond.
fn few() -> Trial {
    let y = |i: usize, t: usize| match (i, t) {
        (4 | 9, 2) | (11, 1 | 2) => f64::NAN,
        (3, _) => f64::NAN,
        // Few of each arm fall by half.
        (_, 2) if i < 6 => 5.0 + (i % 3) as f64,
        _ => 30.0 + (i * 37 % 11) as f64 - (t * (i % 2)) as f64 + (i * (5 + t) % 7) as f64,
    };
    let values = (0..60).flat_map(|i| [y(i, 0), y(i, 1), y(i, 2)]).collect();
    let schedule = Schedule::of_labels(["start", "middle", "end"]).with_baseline("start").expect("a visit");
    let trial = of_values(&["control", "active"], (0..60).map(|i| i % 2).collect(), schedule, values);
    let outcome = trial.outcome("y").expect("it is there").clone();
    let site = (0..60).map(|i| Some(if i < 3 { 2 } else { i / 2 % 2 })).collect();
    Trial::builder("few")
        .patients(trial.patients().to_vec())
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(outcome)
        .variable(Variable::factor("site", ["North", "South", "East"], site))
        .build()
        .expect("a trial")
}

/// Columns of tables that count patients.
const COUNTS: [&str; 9] = ["n", "met", "of", "observed", "not_observed", "missing", "outliers", "patients", "reference_met"];

fn small_counts(document: &Value) -> Vec<String> {
    let mut found = vec![];
    for section in document["sections"].as_array().expect("sections") {
        for (name, table) in section["tables"].as_object().expect("tables") {
            for (r, row) in table["rows"].as_array().expect("rows").iter().enumerate() {
                for (column, value) in row.as_object().expect("a row") {
                    let small = value.as_u64().is_some_and(|n| (1..5).contains(&n));
                    if COUNTS.contains(&column.as_str()) && small {
                        found.push(format!("{name}, row {r}, {column}: {value}"));
                    }
                }
            }
        }
    }
    found
}

fn document(cells: SmallCells) -> Value {
    report_of_few(cells).to_json()
}

fn report_of_few(cells: SmallCells) -> Document {
    let trial = few();
    let half = Definition::new("half", Rule::percent_drop("y", 50.0));
    let settings = ReportSettings::new().small_cells(cells);
    let change = IndividualChange::by_points("y", Better::Lower, 10.0, "stated").cut_off(CutOff::Score(12.0));
    let analysis = Analysis::of(&trial).primary("y").responders([half]).individual_change(change).report(settings);
    TrialReport::new(&analysis.run(&Silent).expect("a result")).document()
}

/// Small numbers among the counts of results for programs, with the statistics that are rates of them.
fn small_statistics(document: &Document) -> (Vec<Value>, Vec<Value>) {
    let counts =
        ["n", "N", "met", "of", "observed", "not_observed", "N_miss", "missing", "outliers", "patients", "reference_met", "reference_of"];
    let small = |text: &str| text.parse::<u64>().is_ok_and(|n| (1..5).contains(&n));
    let ard = document.to_ard_json();
    let rows = ard.as_array().expect("rows").iter();
    let rows = rows.filter(|r| counts.contains(&r["stat_name"].as_str().expect("a name")) && small(&r["stat"].to_string()));
    let ars = document.to_ars();
    let results = ars["analyses"].as_array().expect("analyses").iter().flat_map(|a| a["results"].as_array().expect("results"));
    let is_count = |id: &str| counts.iter().any(|name| id.ends_with(&format!("_{name}")));
    let results =
        results.filter(|r| is_count(r["operationId"].as_str().expect("an id")) && small(r["rawValue"].as_str().expect("a value")));
    (rows.cloned().collect(), results.cloned().collect())
}

#[test]
fn small_cells_are_in_no_document_for_programs() {
    let shown = small_statistics(&report_of_few(SmallCells::Shown));
    assert!(shown.0.len() > 8 && shown.1.len() > 8, "{shown:?}");
    assert_eq!(small_statistics(&report_of_few(SmallCells::Suppressed { below: 5 })), (vec![], vec![]));
}

#[test]
fn small_cells_are_suppressed_with_what_gives_them_away() {
    let shown = document(SmallCells::Shown);
    assert!(small_counts(&shown).len() > 8, "{:?}", small_counts(&shown));
    assert!(!shown["analysis"]["outcomes"][0]["patterns"].is_null());
    let suppressed = document(SmallCells::Suppressed { below: 5 });
    assert_eq!(small_counts(&suppressed), Vec::<String>::new());
    let table = |name: &str| {
        let sections = suppressed["sections"].as_array().expect("sections");
        sections.iter().find_map(|s| s["tables"].get(name)).unwrap_or_else(|| panic!("no table {name}"))["rows"]
            .as_array()
            .expect("rows")
            .clone()
    };
    // 29 of 30 observed says that one was not; so says a pattern that is the rest of a total.
    let flow = table("participant_flow");
    assert!(flow.iter().filter(|r| r["step"] == "observed").all(|r| r["n"].is_null() || r["n"] == 30), "{flow:?}");
    let patterns = table("y_missing");
    for arm in ["control", "active"] {
        let hidden = patterns.iter().filter(|r| r["arm"] == arm && r["n"].is_null()).count();
        assert!(hidden >= 2, "one alone is the rest of the total: {patterns:?}");
    }
    // East has few patients: it is hidden in all arms, and one more site with it.
    let baseline = table("baseline");
    let hidden = |level: &str| baseline.iter().filter(|r| r["level"] == level).all(|r| r["n"].is_null() && r["share"].is_null());
    assert!(hidden("East") && (hidden("North") || hidden("South")), "{baseline:?}");
    let rates = table("rates");
    assert!(rates.iter().all(|r| r["met"].is_null() && r["rate"].is_null()), "{rates:?}");
    // The result for programs has no other numbers of patients.
    let outcome = &suppressed["analysis"]["outcomes"][0];
    for part in ["flow", "patterns", "observed", "effects", "means", "diagnostics"] {
        assert!(outcome[part].is_null(), "{part}");
    }
    assert!(!outcome["contrasts"].is_null() && suppressed["analysis"]["rates"].is_null());
    let text = suppressed.to_string();
    assert!(text.contains("more than 55 for y"), "the number analysed, beside that randomized, says how few were not");
}

#[test]
fn a_cluster_of_one_patient_is_not_in_a_report() {
    let plan = Plan::new("caps5").sensitivity_to_clusters(Clustering::new().therapists("therapist"));
    let effects = plan.run(&imrs_gst(), &Silent).expect("a result").clustering.expect("asked for").effects.expect("predicted");
    assert!(!effects.rows.is_empty() && effects.rows.iter().all(|row| row.patients != 1));
}

struct Counted(&'static str, usize);

impl Tabular for Counted {
    fn title(&self) -> String {
        self.0.into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = self.1;
        vec![Column::text("=arm", "Arm", vec!["=1+1"; rows]), Column::real("x", "x", Format::Decimals(1), vec![-1.5; rows])]
    }

    fn notes(&self) -> Vec<String> {
        vec![]
    }
}

fn of_tables(names: &[&str]) -> Document {
    let section = names.iter().fold(Section::new("Results"), |section, name| section.table(name, &Counted("A table", 1)));
    Document::new("A report").section(section)
}

fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        all_files(folder).into_iter().map(|(path, _)| path[folder.display().to_string().len() + 1..].to_string()).collect();
    names.sort();
    names
}

#[test]
fn files_of_an_earlier_report_go_and_others_stay() {
    let place = folder("stale");
    of_tables(&["first", "second"]).write_to(&place).expect("written");
    fs::write(place.join("tables/mine.csv"), "mine").expect("written");
    fs::write(place.join("notes.txt"), "mine").expect("written");
    // A manifest that somebody changed does not make the next report remove other files.
    let manifest = place.join("manifest.json");
    let list = fs::read_to_string(&manifest)
        .expect("text")
        .replace("\"tables/first.csv\"", "\"tables/first.csv\", \"notes.txt\", \"../outside.txt\"");
    fs::write(&manifest, list).expect("written");
    let outside = place.parent().expect("a folder").join("outside.txt");
    fs::write(&outside, "outside").expect("written");
    of_tables(&["second", "third"]).write_to(&place).expect("written");
    let all = [
        "manifest.json",
        "notes.txt",
        "report.html",
        "report.json",
        "tables/README.txt",
        "tables/mine.csv",
        "tables/second.csv",
        "tables/third.csv",
    ];
    assert_eq!(listing(&place), all);
    assert!(outside.exists());
    assert_eq!(fs::read_to_string(place.join("tables/third.csv")).expect("text"), "'=arm,x\n'=1+1,-1.5\n");
}

#[test]
fn an_error_leaves_the_earlier_report_whole() {
    let place = folder("whole");
    of_tables(&["first"]).write_to(&place).expect("written");
    let before = all_files(&place);
    // A folder stands where a table is to be.
    fs::create_dir(place.join("tables/second.csv")).expect("made");
    let error = of_tables(&["first", "second"]).subtitle("new").write_to(&place).expect_err("it cannot be written");
    assert!(error.code() == "file" && error.to_string().contains("second.csv"), "{error}");
    fs::remove_dir(place.join("tables/second.csv")).expect("removed");
    assert_eq!(all_files(&place), before);
    let hidden =
        fs::read_dir(&place).expect("a folder").filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().starts_with('.')));
    assert_eq!(hidden.count(), 0, "nothing is left of what was written beside");
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (place, elsewhere) = (folder("links"), folder("elsewhere"));
    fs::create_dir_all(&place).expect("made");
    fs::create_dir_all(&elsewhere).expect("made");
    fs::write(elsewhere.join("precious.html"), "precious").expect("written");
    symlink(elsewhere.join("precious.html"), place.join("report.html")).expect("linked");
    of_tables(&["first"]).write_to(&place).expect("a link in the place of a file is replaced");
    assert_eq!(fs::read_to_string(elsewhere.join("precious.html")).expect("text"), "precious");
    assert!(fs::symlink_metadata(place.join("report.html")).expect("a file").is_file());

    let linked = folder("links-of-folders");
    fs::create_dir_all(&linked).expect("made");
    symlink(&elsewhere, linked.join("tables")).expect("linked");
    let error = of_tables(&["first"]).write_to(&linked).expect_err("a folder that is a link");
    assert!(error.to_string().contains("symbolic link") && error.code() == "file", "{error}");
    assert_eq!(fs::read_dir(&elsewhere).expect("a folder").count(), 1, "nothing was written through the link");
    assert!(!linked.join("report.html").exists());
    let itself = folder("link-itself");
    symlink(&elsewhere, &itself).expect("linked");
    assert!(of_tables(&["first"]).write_to(&itself).expect_err("a link").to_string().contains("symbolic link"));
}

#[test]
fn names_that_make_one_file_are_told_apart_and_empty_tables_left_out() {
    let place = folder("names");
    let section = Section::new("Empty").table("empty", &Counted("Nothing", 0));
    let long = "x".repeat(400);
    let document = of_tables(&["a b", "a-b", "A B", &long]).section(section);
    let written = document.write_to(&place).expect("written");
    assert_eq!(written.tables.len(), 4);
    assert_eq!(listing(&place).iter().filter(|name| name.ends_with(".csv")).count(), 4);
    assert!(document.tables().all(|table| table.title != "Nothing"));
}
