//! The one error type of the crate: what went wrong, where, and what to do about it.

mod codes;
mod refusal;

pub use codes::{Code, codes};
pub use refusal::Refusal;

use crate::closest::closest;
use crate::options::Choices;
use std::fmt;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a trial's file and its report.
///
/// Each variant says what was wrong, where, and what to do. [`Error::code`] is stable and meant for programs; the
/// text is for people and may improve between versions.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data do not describe a trial. Every problem found is listed, not only the first.
    #[error("{0}")]
    Data(Problems),

    /// A file could not be read or written.
    #[error("{action} {path}: {source}")]
    File {
        /// What was attempted, e.g. `cannot read`.
        action: &'static str,
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A text, such as a plan, could not be read.
    #[error("{}: {message}", place_in(what, *line, *column))]
    Written {
        /// What was read: a file's name, or `the plan`.
        what: String,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// The character in the line, counted from 1, where it is known.
        column: Option<usize>,
        /// What is wrong there, and what was probably meant.
        message: String,
    },

    /// A plan that does not fit the trial. Every problem found is listed, not only the first.
    #[error("{0}")]
    Plan(PlanProblems),

    /// A formula could not be understood.
    #[error("formula `{formula}`, at character {position}: {message}")]
    Formula {
        /// The formula as given.
        formula: String,
        /// The character, counted from 1.
        position: usize,
        /// What is wrong there and what was expected.
        message: String,
    },

    /// A name that nothing in the trial or model has.
    #[error("there is no {kind} named `{name}`; {}", known_names(name, known))]
    Unknown {
        /// The kind of thing looked for: `outcome`, `covariate`, `visit`, `arm`, ….
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },

    /// A request that makes no sense for this trial or model.
    #[error("{what}: {why}; {remedy}")]
    Invalid {
        /// The kind of request that cannot be met.
        kind: Refusal,
        /// What was asked.
        what: String,
        /// Why it cannot be had.
        why: String,
        /// What to do instead.
        remedy: String,
    },

    /// An estimate that the data do not determine.
    #[error("`{estimate}` is not estimable: {why}")]
    NotEstimable {
        /// The estimate asked for.
        estimate: String,
        /// The columns or visits that leave it undetermined.
        why: String,
    },

    /// Two fits that no likelihood-ratio test can compare.
    #[error("the likelihoods of these fits cannot be compared: {why}")]
    NotComparable {
        /// What they do not have in common, or which does not contain the other.
        why: String,
    },

    /// Two data sets were collected under designs that differ, so that their moments mean different things.
    #[error("moments that cannot be added: {what} differs, `{here}` here and `{there}` there; collect both under the same frozen design")]
    DesignsDiffer {
        /// What differs.
        what: String,
        /// What it is in the one.
        here: String,
        /// What it is in the other.
        there: String,
    },

    /// A value that a row of the model matrix needs and nobody knows.
    #[error("`{variable}` of patient `{patient}` at {visit} {why}; give it a value in the data, or leave the observation out")]
    Missing {
        /// The variable.
        variable: String,
        /// The patient.
        patient: String,
        /// The visit.
        visit: String,
        /// What is wrong with the value.
        why: String,
    },

    /// A request that needs the patients' rows, of a fit that has only sums over them.
    #[error("{what}: this needs every patient's rows, and the fit was made from moments; fit the trial itself")]
    NoPatients {
        /// What was asked for.
        what: String,
    },

    /// The likelihood has no verified optimum.
    #[error("the model could not be fitted: {0}")]
    Fit(crate::fit::Failure),

    /// None of the covariance structures agreed on has a verified optimum.
    #[error(
        "the model could not be fitted with any of the covariance structures agreed on: {}",
        attempts.iter().map(|a| format!("{}: {}", a.covariance, a.failure)).collect::<Vec<_>>().join(" | ")
    )]
    NoCovarianceFits {
        /// The structures in their order, and why each was given up.
        attempts: Vec<crate::inference::Attempt>,
    },
}

impl Error {
    /// A stable identifier of the kind of error, for programs; [`codes`] lists them all.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Data(_) => "data",
            Error::File { .. } => "file",
            Error::Written { .. } => "unreadable-text",
            Error::Plan(_) => "plan",
            Error::Formula { .. } => "formula",
            Error::Unknown { .. } => "unknown-name",
            Error::Invalid { kind, .. } => kind.name(),
            Error::NotEstimable { .. } => "not-estimable",
            Error::NotComparable { .. } => "not-comparable",
            Error::DesignsDiffer { .. } => "designs-differ",
            Error::Missing { .. } => "missing-value",
            Error::NoPatients { .. } => "no-patients",
            Error::Fit(failure) => failure.code(),
            Error::NoCovarianceFits { .. } => "no-covariance-fits",
        }
    }

    pub(crate) fn unknown<S: AsRef<str>>(kind: &'static str, name: &str, known: &[S]) -> Self {
        Error::Unknown { kind, name: name.into(), known: known.iter().map(|k| k.as_ref().to_string()).collect() }
    }
}

/// The name that was probably meant, and the names there are, as far as a reader takes them in.
fn known_names(name: &str, known: &[String]) -> String {
    const SHOWN: usize = 40;
    let meant = closest(name, known).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
    let listed = match known.len() {
        0 => "none".into(),
        n if n > SHOWN => format!("{} and {} more", known[..SHOWN].join(", "), n - SHOWN),
        _ => known.join(", "),
    };
    format!("{meant}{} {listed}", if meant.is_empty() { "known:" } else { "Known:" })
}

/// `plan.toml, line 3, character 8`, as far as the place is known.
fn place_in(what: &str, line: Option<usize>, column: Option<usize>) -> String {
    let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
    let column = column.map(|column| format!(", character {column}")).unwrap_or_default();
    format!("{what}{line}{column}")
}

/// One thing in a plan that does not fit the trial.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlanProblem {
    /// The key of the plan that it is about, such as `model.formula`.
    pub key: String,
    /// The [code](Error::code) of the refusal.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// Several [`PlanProblem`]s, in the order of the plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlanProblems(pub Vec<PlanProblem>);

impl fmt::Display for PlanProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return write!(f, "the plan does not fit the trial: {only}");
        }
        write!(f, "{} problems in the plan:", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

/// One thing wrong with the data, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Problem {
    /// File or data frame.
    pub source: Option<String>,
    /// Line in the file, the header being line 1.
    pub line: Option<u64>,
    /// Patient identifier.
    pub patient: Option<String>,
    /// Visit label.
    pub visit: Option<String>,
    /// Column name.
    pub column: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|l| l.to_string());
        let places =
            [("", &self.source), ("line ", &line), ("patient ", &self.patient), ("visit ", &self.visit), ("column ", &self.column)];
        let place: Vec<String> = places.iter().filter_map(|(label, p)| p.as_ref().map(|p| format!("{label}{p}"))).collect();
        if place.is_empty() { write!(f, "{}", self.message) } else { write!(f, "{}: {}", place.join(", "), self.message) }
    }
}

/// Several [`Problem`]s, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        writeln!(f, "{} problem{} in the data:", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        for problem in self.0.iter().take(SHOWN) {
            writeln!(f, "  - {problem}")?;
        }
        if self.0.len() > SHOWN {
            writeln!(f, "  … and {} more", self.0.len() - SHOWN)?;
        }
        Ok(())
    }
}
