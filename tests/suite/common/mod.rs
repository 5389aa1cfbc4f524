//! What the comparisons with other software share: the data, the references, and how closeness is judged and reported.

pub mod clustered;
pub mod dense_sandwich;
pub mod tolerances;

use serde_json::Value;
use std::path::{Path, PathBuf};
use trialstats::Trial;
use trialstats::trial::{CovariateKind, Layout};

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A committed reference, as JSON.
pub fn reference(path: &str) -> Value {
    let text = std::fs::read_to_string(repository("tests/references").join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The artificial FEV1 trial, with the levels in the order of R mmrm's `fev_data`.
pub fn fev() -> Trial {
    Layout::long("USUBJID", "ARMCD", "AVISIT")
        .visits_at([("VIS1", 1.0), ("VIS2", 2.0), ("VIS3", 3.0), ("VIS4", 4.0)])
        .outcome("FEV1")
        .covariate("RACE")
        .factor("SEX", ["Male", "Female"])
        .weight("WEIGHT")
        .covariate_as("VISITN", CovariateKind::NumericByVisit)
        .covariate_as("VISITN2", CovariateKind::NumericByVisit)
        .read_csv(repository(FEV))
        .expect("fev_data is a trial")
}

/// The real antidepressant trial, placebo first.
pub fn antidepressant() -> Trial {
    Layout::long("PATIENT", "THERAPY", "VISIT")
        .reference_arm("PLACEBO")
        .visits_at([("4", 1.0), ("5", 2.0), ("6", 4.0), ("7", 6.0)])
        .outcome("CHANGE")
        .outcome("HAMDTL17")
        .covariate("BASVAL")
        .read_csv(repository(ANTIDEPRESSANT))
        .expect("antidepressant_data is a trial")
}

/// The artificial visual acuity trial: 1000 patients, 10 visits.
pub fn bcva() -> Trial {
    Layout::long("USUBJID", "ARMCD", "AVISIT")
        .outcome("BCVA_CHG")
        .covariate("RACE")
        .covariate("BCVA_BL")
        .read_csv(repository(BCVA))
        .expect("bcva_data is a trial")
}

pub const FEV: &str = "data-samples/fev/fev.csv";
pub const ANTIDEPRESSANT: &str = "data-samples/antidepressant/antidepressant.csv";
pub const BCVA: &str = "data-samples/bcva/bcva.csv";

/// Collects what was compared and what missed, so that one run shows every difference.
pub struct Comparison {
    case: String,
    compared: usize,
    misses: Vec<String>,
}

impl Comparison {
    pub fn of(case: impl Into<String>) -> Self {
        Self { case: case.into(), compared: 0, misses: vec![] }
    }

    /// |ours − theirs| ≤ tolerance · |theirs|.
    pub fn relative(&mut self, what: &str, ours: f64, theirs: f64, tolerance: f64) {
        self.within(what, ours, theirs, tolerance * theirs.abs());
    }

    /// |ours − theirs| ≤ bound. NaN is never within.
    pub fn within(&mut self, what: &str, ours: f64, theirs: f64, bound: f64) {
        self.compared += 1;
        let difference = (ours - theirs).abs();
        if difference.is_nan() || difference > bound {
            let relative = difference / theirs.abs();
            self.misses.push(format!(
                "{what}: {ours} here, {theirs} there; off by {difference:.1e} ({relative:.1e} relative), allowed {bound:.1e}"
            ));
        }
    }

    /// ours ≥ theirs − slack.
    pub fn at_least(&mut self, what: &str, ours: f64, theirs: f64, slack: f64) {
        self.compared += 1;
        if ours.is_nan() || ours < theirs - slack {
            self.misses.push(format!("{what}: {ours} here is {:.1e} below {theirs} there, allowed {slack:.1e}", theirs - ours));
        }
    }

    /// Equality of anything else.
    pub fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: T, theirs: T) {
        self.compared += 1;
        if ours != theirs {
            self.misses.push(format!("{what}: {ours:?} here, {theirs:?} there"));
        }
    }

    /// What missed, with the case's name; nothing compared is a miss.
    pub fn misses(self) -> Vec<String> {
        let mut misses = self.misses;
        if self.compared == 0 {
            misses.push("nothing was compared".into());
        }
        misses.into_iter().map(|m| format!("{}: {m}", self.case)).collect()
    }
}

/// Fails with every miss of several comparisons.
pub fn assert_all(comparisons: impl IntoIterator<Item = Comparison>) {
    let misses: Vec<String> = comparisons.into_iter().flat_map(Comparison::misses).collect();
    assert!(misses.is_empty(), "{} differences\n{}", misses.len(), misses.join("\n"));
}

/// A number of a reference.
pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"))
}

/// A text of a reference.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}

/// The rows of a reference.
pub fn rows(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("rows, not {value}"))
}
