//! The simulation behind `guide::operating_characteristics`: the committed table keeps what the page says, and the
//! program still makes it.

use crate::common::repository;
use trialstats::study::Replicates;

#[path = "../../../examples/operating_characteristics.rs"]
#[allow(dead_code, reason = "its `main` prints")]
mod study;

use study::{METHODS, SIZES, csv, replicates};

const TABLE: &str = "tests/references/operating_characteristics/operating_characteristics.csv";

fn on(threads: usize, patients_per_arm: usize, trials: usize) -> Replicates {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(|| replicates(patients_per_arm, trials)).expect("the truth is sound")
}

#[test]
fn a_study_repeats_on_any_number_of_threads() {
    let one = on(1, 10, 60);
    // Text, since NaN is not itself.
    assert_eq!(format!("{one:?}"), format!("{:?}", on(3, 10, 60)));
    assert_ne!(one.trials[0].answers, one.trials[1].answers);
}

/// Four Monte-Carlo standard errors around what 10,000 trials say.
#[test]
fn a_smaller_study_agrees_with_the_committed_table() {
    let table = std::fs::read_to_string(repository(TABLE)).expect("the table");
    let mut reader = csv_reader(&table);
    let rows: Vec<::csv::StringRecord> = reader.records().map(|r| r.expect("a row")).collect();
    assert_eq!(rows.len(), SIZES.len() * METHODS.len());
    let study = on(2, 20, 200).characteristics();
    for own in &study.rows {
        let row = rows.iter().find(|r| &r[0] == "20" && r[1] == own.name).expect("the row");
        let stated = |column: usize| row[column].parse::<f64>().expect("a number");
        assert_eq!(own.answered(), 200, "{:?}", own.failures);
        let near = |what: &str, ours: f64, theirs: f64, error: f64| {
            assert!((ours - theirs).abs() < 4.0 * error, "{}, {what}: {ours} where the table has {theirs}", own.name);
        };
        near("type I error", own.successes.share, stated(6), (stated(6) * stated(8) / 200.0_f64).sqrt());
        near("coverage", own.coverage.share, stated(8), (stated(6) * stated(8) / 200.0_f64).sqrt());
        near("standard errors", own.se_ratio().0, stated(14), stated(14) / (2.0_f64 * 200.0).sqrt());
        near("dropout", study.left, stated(5), (0.3 * 0.7 / (200.0 * 40.0_f64)).sqrt());
    }
    assert!(csv(&[(20, study)]).starts_with(table.lines().next().expect("a header")));
}

/// What the page says in words.
#[test]
fn the_table_says_what_the_page_says() {
    let table = std::fs::read_to_string(repository(TABLE)).expect("the table");
    let page = std::fs::read_to_string(repository("src/guide/operating_characteristics.md")).expect("the page");
    for row in csv_reader(&table).records().map(|r| r.expect("a row")) {
        let number = |column: usize| row[column].parse::<f64>().expect("a number");
        assert_eq!(&row[2], "10000");
        // Whatever the method, from 20 patients per arm the level is kept within two Monte-Carlo standard errors;
        // Kenward and Roger's always.
        if &row[0] != "10" || &row[1] == "Kenward-Roger" {
            assert!(number(6) < 0.05 + 2.0 * number(7), "{row:?}");
        }
        let percent = |column: usize| format!("{:.2} ({:.2})", 100.0 * number(column), 100.0 * number(column + 1));
        let line = format!("| {} | {} | {} | {} | {:.3} ({:.3}) |", &row[0], &row[1], percent(6), percent(8), number(14), number(15));
        assert!(page.contains(&line), "the page lacks `{line}`");
        for failure in row[4].split("; ").filter(|f| !f.is_empty()) {
            let (name, times) = failure.split_once(": ").expect("a name and a count");
            assert!(page.contains(&format!("{times} `{name}`")), "the page lacks {failure}");
        }
    }
}

fn csv_reader(text: &str) -> ::csv::Reader<&[u8]> {
    ::csv::Reader::from_reader(text.as_bytes())
}
