//! What the comparisons with other software share: the data, the references, and how closeness is judged and reported.

pub mod clustered;
pub mod dense_sandwich;
#[cfg(feature = "cli")]
pub mod program;
pub mod tolerances;
pub mod trials;

use serde_json::Value;
pub use trials::*;
use trialstats::Estimation;

/// A committed reference, as JSON.
pub fn reference(path: &str) -> Value {
    serde_json::from_str(&contents(&format!("tests/references/{path}"))).unwrap_or_else(|e| panic!("{path}: {e}"))
}

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

/// The likelihood of a case of a reference.
pub fn estimation(case: &Value) -> Estimation {
    if case["reml"] == true { Estimation::Reml } else { Estimation::Ml }
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
