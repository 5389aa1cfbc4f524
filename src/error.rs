//! The one error type of the crate: what went wrong, where, and what to do about it.

mod codes;
mod problems;
mod refusal;
mod settings;
mod wording;

use crate::closest::closest;
use crate::options::Choices;

pub use codes::{Code, codes};
pub use problems::{PlanProblem, PlanProblems, Problem, Problems};
pub use refusal::Refusal;
pub(crate) use settings::Setting;
pub use wording::{Interface, Message};
pub(crate) use wording::{escaped, says, shown};

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
    #[error("formula `{}`, at character {position}: {message}", around(formula, *position))]
    Formula {
        /// The formula as given.
        formula: String,
        /// The character, counted from 1.
        position: usize,
        /// What is wrong there and what was expected.
        message: String,
    },

    /// A name that nothing in the trial or model has.
    #[error("there is no {kind} named `{}`; {}", shown(name), known_names(name, known))]
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
        remedy: Message,
    },

    /// A file of a format that is recognised, and not read as it is.
    #[error("{file} is {format}; {remedy}")]
    FileFormat {
        /// The file.
        file: String,
        /// What it is, with its article.
        format: &'static str,
        /// What to do instead.
        remedy: &'static str,
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

    /// The model of a binary outcome or a count has no estimates.
    #[error("the model could not be fitted: {0}")]
    NotFitted(crate::generalized::NotFitted),

    /// None of the covariance structures agreed on has a verified optimum.
    #[error(
        "the model could not be fitted with any of the covariance structures agreed on: {}",
        attempts.iter().map(|a| format!("{}: {}", a.covariance, a.failure)).collect::<Vec<_>>().join(" | ")
    )]
    NoCovarianceFits {
        /// The structures in their order, and why each was rejected.
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
            Error::FileFormat { .. } => "file-format",
            Error::NotEstimable { .. } => "not-estimable",
            Error::NotComparable { .. } => "not-comparable",
            Error::DesignsDiffer { .. } => "designs-differ",
            Error::Missing { .. } => "missing-value",
            Error::NoPatients { .. } => "no-patients",
            Error::Fit(failure) => failure.code(),
            Error::NotFitted(failure) => failure.code(),
            Error::NoCovarianceFits { .. } => "no-covariance-fits",
        }
    }

    /// The error with its advice in the words of an interface: options on the command line, keys in a plan.
    pub fn worded_for(self, interface: Interface) -> Self {
        match self {
            Error::Data(problems) => Error::Data(problems.worded_for(interface)),
            Error::Invalid { kind, what, why, remedy } => Error::Invalid { kind, what, why, remedy: remedy.worded_for(interface) },
            other => other,
        }
    }

    pub(crate) fn unknown<S: AsRef<str>>(kind: &'static str, name: &str, known: &[S]) -> Self {
        Error::Unknown { kind, name: name.into(), known: known.iter().map(|k| k.as_ref().to_string()).collect() }
    }
}

/// The name that was probably meant, and the names there are, as far as a reader takes them in.
fn known_names(name: &str, known: &[String]) -> String {
    const SHOWN: usize = 40;
    let meant = closest(name, known).map(|meant| format!("did you mean `{}`? ", shown(meant))).unwrap_or_default();
    let names = known.iter().take(SHOWN).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    let listed = match known.len() {
        0 => "none".into(),
        n if n > SHOWN => format!("{names} and {} more", n - SHOWN),
        _ => names,
    };
    format!("{meant}{} {listed}", if meant.is_empty() { "known:" } else { "Known:" })
}

/// A formula, or what stands around a character of a long one.
fn around(formula: &str, position: usize) -> String {
    const WHOLE: usize = 200;
    const BESIDE: usize = 40;
    let length = formula.chars().count();
    if length <= WHOLE {
        return escaped(formula);
    }
    let start = position.saturating_sub(BESIDE + 1);
    let part: String = formula.chars().skip(start).take(2 * BESIDE).collect();
    let [before, after] = [start > 0, start + 2 * BESIDE < length].map(|cut| if cut { "…" } else { "" });
    format!("{before}{}{after}", escaped(&part))
}

/// `plan.toml, line 3, character 8`, as far as the place is known.
fn place_in(what: &str, line: Option<usize>, column: Option<usize>) -> String {
    let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
    let column = column.map(|column| format!(", character {column}")).unwrap_or_default();
    format!("{what}{line}{column}")
}
