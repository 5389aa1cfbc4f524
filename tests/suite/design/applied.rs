//! The row of any patient at any visit under any arm, against the model matrices of trials in which it is observed.

use crate::common::{clda, contents, read_text, three_arms, three_arms_layout};
use trialstats::design::{Baseline, Columns, DesignOptions, MeanModel};
use trialstats::trial::Layout;
use trialstats::{Error, Model, Trial};

const DESIGN: &str = "tests/references/design/trial.csv";
const CLDA: &str = "tests/references/data/clda_synthetic.csv";

/// Rows that agree to rounding.
fn assert_close(ours: &[f64], theirs: &[f64], what: &str) {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
    assert!(ours.len() == theirs.len() && ours.iter().zip(theirs).all(close), "{what}: {ours:?} here, {theirs:?} there");
}

/// A file's text with one column of one patient changed.
fn with_column(text: &str, patient: &str, column: &str, value: &str) -> String {
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let (id, at) = (place(&header, "patient"), place(&header, column));
    let line = |line: &str| -> String {
        let mut cells: Vec<&str> = line.split(',').collect();
        if cells[id] == patient {
            cells[at] = value;
        }
        cells.join(",")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A file's text with an outcome in every row.
fn completed(text: &str) -> String {
    text.lines().map(|line| if line.ends_with(',') { format!("{line}1.5") } else { line.to_string() }).collect::<Vec<_>>().join("\n")
}

fn place(header: &[&str], column: &str) -> usize {
    header.iter().position(|h| *h == column).unwrap()
}

/// Every row of a trial's model matrix with the patient and visit it is of.
fn matrix(model: &Model, trial: &Trial) -> (Columns, Vec<(usize, usize, Vec<f64>)>) {
    let design = model.design(trial).unwrap();
    let rows = design.model_matrix().into_iter().map(|(i, t, row)| (design.patients()[i], t, row)).collect();
    (design.columns().clone(), rows)
}

fn names(columns: &Columns) -> Vec<&str> {
    columns.iter().map(|c| c.name.as_str()).collect()
}

/// Patients of every arm, swapped to every arm, against the matrix of a trial in which they are there.
fn check(model: &Model, layout: &Layout, text: &str) {
    let trial = read_text(layout, "as it is", text);
    let (columns, own) = matrix(model, &trial);
    let applied = columns.applied_to(&trial).unwrap();
    for (i, t, row) in &own {
        assert_close(&applied.row(*i, *t).unwrap(), row, "as it is");
        assert_close(&applied.row_under(*i, *t, trial.arm_of()[*i]).unwrap(), row, "under their own arm");
    }
    for (i, patient) in trial.patients().iter().enumerate().step_by(4) {
        for (arm, label) in trial.arms().iter().enumerate() {
            let swapped = read_text(layout, "swapped", &with_column(text, patient, "arm", label));
            let (there, rows) = matrix(model, &swapped);
            assert_eq!(names(&columns), names(&there), "{model}");
            let at = swapped.patients().iter().position(|p| p == patient).unwrap();
            for (_, t, row) in rows.iter().filter(|(j, ..)| *j == at) {
                assert_close(&applied.row_under(i, *t, arm).unwrap(), row, &format!("{model}, {patient} in {label} at {t}"));
            }
        }
    }
}

#[test]
fn a_patient_has_a_row_under_every_arm() {
    let (layout, text) = (three_arms_layout(), contents(DESIGN));
    for formula in [
        "y ~ site * sex + arm * visit",
        "y ~ arm * visit * age + dose + mood",
        "y ~ 0 + arm:visit + arm:dose + arm:mood",
        "y ~ arm * time + site",
        "y ~ visit + age",
    ] {
        check(&Model::formula(formula).unwrap(), &layout, &text);
    }
}

#[test]
fn arms_are_one_at_the_baseline_where_they_share_its_mean() {
    let text = contents(CLDA);
    let layout = crate::common::clda_layout();
    for formula in ["y ~ arm * visit", "y ~ visit + arm", "y ~ visit + visit:arm"] {
        check(&Model::formula(formula).unwrap().baseline(Baseline::Constrained), &layout, &text);
    }
    let trial = clda();
    let (columns, _) = matrix(&Model::formula("y ~ arm * visit").unwrap().baseline(Baseline::Constrained), &trial);
    let applied = columns.applied_to(&trial).unwrap();
    assert_eq!(applied.row_under(0, 0, 0).unwrap(), applied.row_under(0, 0, 1).unwrap());
    assert_ne!(applied.row_under(0, 1, 0).unwrap(), applied.row_under(0, 1, 1).unwrap());
}

#[test]
fn a_visit_without_an_outcome_has_the_row_that_it_would_have_with_one() {
    let (layout, text) = (three_arms_layout(), contents(DESIGN));
    let model = Model::formula("y ~ arm * visit + dose * mood").unwrap();
    let (trial, whole) = (read_text(&layout, "as it is", &text), read_text(&layout, "completed", &completed(&text)));
    let (columns, seen) = matrix(&model, &trial);
    let (there, rows) = matrix(&model, &whole);
    assert_eq!(names(&columns), names(&there));
    assert!(seen.len() < rows.len());
    let applied = columns.applied_to(&trial).unwrap();
    for (i, t, row) in rows {
        assert_close(&applied.row(i, t).unwrap(), &row, "an unobserved visit");
    }
}

#[test]
fn what_is_missing_is_named() {
    let trial = three_arms();
    let columns = |formula: &str| matrix(&Model::formula(formula).unwrap(), &trial).0;
    let with_age = columns("y ~ age + arm * visit");
    let applied = with_age.applied_to(&trial).unwrap();
    let third = trial.patients().iter().position(|p| p == "P03").unwrap();
    match applied.row_under(third, 1, 0).unwrap_err() {
        Error::Missing { variable, patient, visit, why } => {
            assert_eq!((variable.as_str(), patient.as_str(), visit.as_str(), why.as_str()), ("age", "P03", "v2", "is missing"))
        }
        other => panic!("{other}"),
    }
    assert_eq!(applied.row(third, 1).unwrap_err().code(), "missing-value");
    for refused in [applied.row(1000, 0), applied.row(0, 4), applied.row_under(0, 0, 3)] {
        assert_eq!(refused.unwrap_err().code(), "no-such-position");
    }
}

#[test]
fn an_arm_that_nobody_was_analysed_in_has_no_row() {
    let (layout, text) = (three_arms_layout(), contents(DESIGN));
    let nobody: String = text
        .lines()
        .map(|line| match line.split(',').nth(2) {
            Some("C") => line.rsplit_once(',').map_or(String::new(), |(start, _)| format!("{start},\n")),
            _ => format!("{line}\n"),
        })
        .collect();
    let trial = read_text(&layout, "nobody in C", &nobody);
    let (columns, rows) = matrix(&Model::formula("y ~ arm * visit").unwrap(), &trial);
    let applied = columns.applied_to(&trial).unwrap();
    let place = |label: &str| trial.arms().iter().position(|a| a == label).unwrap();
    let (patient, visit, _) = rows[0];
    assert!(applied.row_under(patient, visit, place("A")).is_ok());
    let error = applied.row_under(patient, visit, place("C")).unwrap_err();
    assert_eq!(error.code(), "missing-value");
    assert!(error.to_string().contains("not fitted"), "{error}");
    // A mean that does not depend on the arm is the same under any.
    let (columns, _) = matrix(&Model::formula("y ~ visit").unwrap(), &trial);
    let applied = columns.applied_to(&trial).unwrap();
    assert_eq!(applied.row_under(patient, visit, place("C")).unwrap(), applied.row(patient, visit).unwrap());
}

#[test]
fn groups_follow_the_arm_where_they_are_the_arms() {
    let trial = three_arms();
    let model = MeanModel::parse("y ~ arm * visit").unwrap();
    let of = |group: &str| {
        let options = DesignOptions { group: Some(group.into()), ..DesignOptions::default() };
        trialstats::design::Design::build(&trial, &model, &options).unwrap()
    };
    let by_arm = of("arm");
    let applied = by_arm.columns().applied_to(&trial).unwrap();
    for (i, &arm) in trial.arm_of().iter().enumerate() {
        assert_eq!(applied.group(i).unwrap(), applied.group_under(i, arm).unwrap());
    }
    let named = |group: usize| by_arm.groups()[group].clone();
    let under: Vec<String> = (0..3).map(|arm| named(applied.group_under(0, arm).unwrap())).collect();
    assert_eq!(under, trial.arms());
    let by_sex = of("sex");
    let applied = by_sex.columns().applied_to(&trial).unwrap();
    assert_eq!(applied.group_under(0, 0).unwrap(), applied.group_under(0, 2).unwrap());
}
