//! Values beside those of a reference.

use crate::error::{Error, Result};
use crate::options::choices;
use crate::table::{Column, Format, Tabular};
use serde_json::Value;

/// A method of the crate and the reference that it is held to.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Method {
    /// A name for files.
    pub name: String,
    /// What is computed.
    pub title: String,
    /// Whose numbers the reference values are.
    pub reference: String,
    /// Where they are published, or how they were made.
    pub source: String,
    /// Why the tolerance is what it is.
    pub tolerance: String,
    /// The values.
    pub checks: Vec<Check>,
}

/// A value beside that of a reference.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Check {
    /// The model, or what else the value is of.
    pub case: String,
    /// The coefficient, contrast or argument.
    pub of: String,
    /// The statistic: `estimate`, `SE`, `df`, …
    pub statistic: String,
    /// The value of the reference.
    pub reference: f64,
    /// The value here; NaN where there is none.
    pub here: f64,
    /// What the difference is measured in.
    pub measure: Measure,
    /// The difference.
    pub difference: f64,
    /// The largest difference that passes.
    pub allowed: f64,
}

/// What a difference is measured in.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// |here/reference − 1|.
    Relative,
    /// |here − reference| in standard errors of the reference.
    StandardErrors,
    /// |here − reference|.
    Absolute,
}

choices! {
    Measure, "measure of a difference":
    Relative = "relative", [], "relative to the reference";
    StandardErrors = "standard-errors", [], "in standard errors";
    Absolute = "absolute", [], "as it is";
}

impl Check {
    /// Whether the value is within its tolerance; one that does not exist is not.
    pub fn passes(&self) -> bool {
        self.difference <= self.allowed
    }
}

/// The checks of one case as they are made.
pub(super) struct Case {
    case: String,
    pub checks: Vec<Check>,
}

impl Case {
    pub fn new(case: impl Into<String>) -> Self {
        Self { case: case.into(), checks: vec![] }
    }

    fn push(&mut self, (of, statistic): (&str, &str), (here, reference): (f64, f64), measure: Measure, difference: f64, allowed: f64) {
        let same = here == reference;
        self.checks.push(Check {
            case: self.case.clone(),
            of: of.into(),
            statistic: statistic.into(),
            reference,
            here,
            measure,
            // NaN compares as not within any tolerance.
            difference: if same { 0.0 } else { difference },
            allowed,
        });
    }

    pub fn relative(&mut self, of: &str, statistic: &str, here: f64, reference: f64, allowed: f64) {
        self.push((of, statistic), (here, reference), Measure::Relative, (here / reference - 1.0).abs(), allowed);
    }

    pub fn in_errors(&mut self, of: &str, statistic: &str, here: f64, reference: f64, se: f64, allowed: f64) {
        self.push((of, statistic), (here, reference), Measure::StandardErrors, ((here - reference) / se).abs(), allowed);
    }

    pub fn absolute(&mut self, of: &str, statistic: &str, here: f64, reference: f64, allowed: f64) {
        self.push((of, statistic), (here, reference), Measure::Absolute, (here - reference).abs(), allowed);
    }

    /// A case that could not be computed: every one of its values would be missing.
    pub fn impossible(mut self, error: &Error) -> Self {
        self.push((&error.to_string(), "fit"), (f64::NAN, f64::NAN), Measure::Absolute, f64::NAN, 0.0);
        self
    }
}

/// A reference in JSON.
pub(super) fn json(name: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| broken(name, error.to_string()))
}

pub(super) fn broken(name: &str, why: impl Into<String>) -> Error {
    Error::conflict(format!("the embedded reference {name}"), why.into(), "install the crate again; if that does not help, report it")
}

pub(super) fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or(f64::NAN)
}

pub(super) fn text(of: &Value) -> &str {
    of.as_str().unwrap_or_default()
}

pub(super) fn rows(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

fn verdict(passes: bool) -> &'static str {
    if passes { "pass" } else { "FAIL" }
}

impl Tabular for Method {
    fn title(&self) -> String {
        format!("{}: every value", self.title)
    }

    fn columns(&self) -> Vec<Column> {
        let of = |f: fn(&Check) -> &str| self.checks.iter().map(f);
        vec![
            Column::text("case", "case", of(|c| &c.case)),
            Column::text("of", "of", of(|c| &c.of)),
            Column::text("statistic", "statistic", of(|c| &c.statistic)),
            Column::real("reference", "reference", Format::Scientific(8), self.checks.iter().map(|c| c.reference)),
            Column::real("here", "here", Format::Scientific(8), self.checks.iter().map(|c| c.here)),
            Column::text("measure", "measure", self.checks.iter().map(|c| c.measure.to_string())),
            Column::real("difference", "difference", Format::Scientific(1), self.checks.iter().map(|c| c.difference)),
            Column::real("allowed", "allowed", Format::Scientific(1), self.checks.iter().map(|c| c.allowed)),
            Column::text("result", "result", self.checks.iter().map(|c| verdict(c.passes()))),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![]
    }
}

/// A row a method.
pub(super) struct Overview<'a>(pub &'a [Method]);

impl Tabular for Overview<'_> {
    fn title(&self) -> String {
        "Methods".into()
    }

    fn columns(&self) -> Vec<Column> {
        let passes = |m: &Method| m.checks.iter().all(Check::passes);
        vec![
            Column::text("method", "method", self.0.iter().map(|m| m.title.as_str())),
            Column::text("reference", "reference", self.0.iter().map(|m| m.reference.as_str())),
            Column::count("values", "values", self.0.iter().map(|m| m.checks.len())),
            Column::text("result", "result", self.0.iter().map(|m| verdict(passes(m)))),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![]
    }
}

/// Of each case and statistic the value that is farthest off, by its tolerance.
pub(super) struct Worst<'a>(pub &'a Method);

impl Worst<'_> {
    fn rows(&self) -> Vec<(&Check, usize)> {
        let mut found: Vec<(&Check, usize)> = vec![];
        for check in &self.0.checks {
            let share = |c: &Check| if c.difference.is_nan() { f64::INFINITY } else { c.difference / c.allowed };
            match found.iter_mut().find(|(known, _)| (&known.case, &known.statistic) == (&check.case, &check.statistic)) {
                Some((worst, n)) => {
                    *n += 1;
                    if share(check) > share(worst) {
                        *worst = check;
                    }
                }
                None => found.push((check, 1)),
            }
        }
        found
    }
}

impl Tabular for Worst<'_> {
    fn title(&self) -> String {
        format!("{}: the value farthest off", self.0.title)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = self.rows();
        let of = |f: fn(&Check) -> String| -> Vec<String> { rows.iter().map(|(c, _)| f(c)).collect() };
        let real = |f: fn(&Check) -> f64| -> Vec<f64> { rows.iter().map(|(c, _)| f(c)).collect() };
        vec![
            Column::text("case", "case", of(|c| c.case.clone())),
            Column::text("statistic", "statistic", of(|c| c.statistic.clone())),
            Column::count("values", "values", rows.iter().map(|(_, n)| *n)),
            Column::text("of", "farthest off", of(|c| c.of.clone())),
            Column::real("reference", "reference", Format::Scientific(6), real(|c| c.reference)),
            Column::real("here", "here", Format::Scientific(6), real(|c| c.here)),
            Column::real("difference", "difference", Format::Scientific(1), real(|c| c.difference)),
            Column::real("allowed", "allowed", Format::Scientific(1), real(|c| c.allowed)),
            Column::text("result", "result", of(|c| verdict(c.passes()).into())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let measures: Vec<String> = [
            (Measure::Relative, "relative to the reference"),
            (Measure::StandardErrors, "of estimates in standard errors"),
            (Measure::Absolute, "of log-likelihoods as they are"),
        ]
        .into_iter()
        .filter(|(measure, _)| self.0.checks.iter().any(|c| c.measure == *measure))
        .map(|(_, words)| words.to_string())
        .collect();
        vec![format!(
            "Differences are {}. Of each case and statistic the value nearest to, or beyond, its tolerance is shown; the CSV file has all.",
            measures.join(", ")
        )]
    }
}
