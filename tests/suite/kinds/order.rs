//! The order of the rows decides nothing: visits are ordered by what their labels say, or not at all.

use crate::common::{FEV, repository};
use crate::kinds::wording::{file, said};
use trialstats::trial::WarningKind;
use trialstats::{Covariance, Layout, Model, Trial};

/// The FEV data with other labels for the visits, its rows in another order.
fn relabelled(labels: [&str; 4], shuffle: bool) -> String {
    let text = std::fs::read_to_string(repository(FEV)).expect("the sample data");
    let mut lines = text.lines();
    let header = lines.next().expect("a header").to_string();
    let mut rows: Vec<String> =
        lines.map(|line| (0..4).fold(line.to_string(), |l, v| l.replace(&format!("VIS{}", v + 1), labels[v]))).collect();
    if shuffle {
        rows.sort_by_key(|row| row.bytes().rev().map(|b| u64::from(b) * 37 % 101).collect::<Vec<_>>());
    }
    format!("{header}\n{}\n", rows.join("\n"))
}

fn read(text: &str) -> Trial {
    let layout = Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("FEV1").covariate("RACE");
    layout.read_csv_from("trial.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn log_likelihood(trial: &Trial, covariance: Covariance) -> f64 {
    let model = Model::formula("FEV1 ~ RACE + ARMCD * AVISIT").expect("parses").covariance(covariance);
    model.fit(trial).unwrap_or_else(|error| panic!("{error}")).log_likelihood()
}

#[test]
fn dates_are_ordered_as_dates_whatever_the_order_of_the_rows() {
    let expected = log_likelihood(&read(&relabelled(["VIS1", "VIS2", "VIS3", "VIS4"], false)), Covariance::Autoregressive);
    // The cases' note: the right one of two.
    assert!((expected + 1763.28).abs() < 0.005 || (expected + 1765.86).abs() < 0.005, "{expected}");
    for labels in [
        ["2023-11-15", "2023-12-20", "2024-01-05", "2024-02-01"],
        ["01/02/2024", "15/02/2024", "01/03/2024", "15/03/2024"],
        ["02/01/2024", "02/15/2024", "03/01/2024", "03/15/2024"],
        ["31.12.99", "14.1.00", "28.1.00", "11.2.00"],
        ["01FEB2024", "15FEB2024", "01MAR2024", "15MAR2024"],
        ["9 Dec 2023", "1 January 2024", "10 Jan 2024", "2 February 2024"],
        ["20231231", "20240101", "20240201", "20240301"],
        ["Week 2", "Week 4", "Week 10", "Week 26"],
        ["screening", "pre", "post", "follow-up"],
        ["Baseline", "Post", "FU1", "FU2"],
        ["voormeting", "tussenmeting", "nameting", "follow-up"],
    ] {
        for shuffle in [false, true] {
            let trial = read(&relabelled(labels, shuffle));
            assert_eq!(trial.schedule().labels(), labels);
            assert!((log_likelihood(&trial, Covariance::Autoregressive) - expected).abs() < 1e-7, "{labels:?} {shuffle}");
            assert!(trial.warnings().is_empty(), "{:?}", trial.warnings());
        }
    }
    let dates = read(&relabelled(["01/02/2024", "15/02/2024", "01/03/2024", "15/03/2024"], true));
    let times: Vec<Option<f64>> = dates.schedule().visits().iter().map(|v| v.time).collect();
    assert_eq!(times, [0.0, 14.0, 29.0, 43.0].map(Some));
    assert_eq!(dates.schedule().baseline(), None);
}

#[test]
fn where_no_order_is_known_what_depends_on_it_is_refused_and_the_rest_is_noted() {
    for (labels, why) in [
        (["North", "East", "South", "West"], "the labels of the visits do not tell their order"),
        (["01/02/2024", "02/01/2024", "03/04/2024", "05/06/2024"], "day and month cannot be told apart"),
    ] {
        let unstructured = log_likelihood(&read(&relabelled(["VIS1", "VIS2", "VIS3", "VIS4"], false)), Covariance::Unstructured);
        for shuffle in [false, true] {
            let trial = read(&relabelled(labels, shuffle));
            let mut sorted = labels;
            sorted.sort_unstable();
            assert_eq!(trial.schedule().labels(), sorted);
            assert!(!trial.schedule().is_ordered());
            let warning = trial.warnings().iter().find(|w| w.kind == WarningKind::VisitOrder).expect("it is said");
            assert!(warning.message.contains(why), "{warning}");
            for name in ["ar1", "ar1h", "ad", "adh", "toep", "toeph", "toep(2)", "un(2)", "random-intercept + ar1"] {
                let model = Model::formula("FEV1 ~ RACE + ARMCD * AVISIT").expect("parses").covariance(name.parse().expect("a structure"));
                let error = model.fit(&trial).expect_err("it depends on the order").to_string();
                assert!(error.contains("state the order with `Layout::visits`"), "{name}: {error}");
            }
            assert!((log_likelihood(&trial, Covariance::Unstructured) - unstructured).abs() < 1e-6);
            assert!(trial.missing_patterns("FEV1").expect("an outcome").to_string().contains("The order of the visits is not known"));
        }
    }
    let data = file("unordered.csv", relabelled(["North", "East", "South", "West"], false).as_bytes());
    let run = |more: &[&str]| {
        let fixed = [
            "fit",
            "--data",
            &data,
            "--subject",
            "USUBJID",
            "--visit",
            "AVISIT",
            "--formula",
            "FEV1 ~ ARMCD*AVISIT",
            "--covariance",
            "ar1",
        ];
        said(&[&fixed[..], more].concat())
    };
    assert!(run(&[]).contains("state the order with `--visits`"), "{}", run(&[]));
    assert!(run(&["--visits", "North,East,South,West"]).contains("log-likelihood"));
    std::fs::remove_file(data).expect("it is there");
}

/// The reference arm is the first of the sorted ones, however the rows stand, and is printed.
#[test]
fn the_reference_arm_does_not_depend_on_the_rows_and_is_said() {
    for shuffle in [false, true] {
        let trial = read(&relabelled(["VIS1", "VIS2", "VIS3", "VIS4"], shuffle));
        assert_eq!(trial.arms(), ["PBO", "TRT"]);
        assert!(trial.inferred().contains(&"The reference arm is `PBO`, the first in order.".to_string()));
    }
}
