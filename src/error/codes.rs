//! The codes of refusals, in one list.

use super::Refusal;
use crate::options::Choices;

/// A code that [`Error::code`](super::Error::code) may give.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Code {
    /// The code: one kebab-case word, stable between versions.
    pub code: &'static str,
    /// What it stands for, a clause.
    pub meaning: &'static str,
}

/// Codes of the errors that have one each.
const ERRORS: [(&str, &str); 13] = [
    ("data", "the file does not describe a trial; every problem is listed with its place"),
    ("file", "a file could not be read or written"),
    ("file-format", "a file is of a format that is not read; with what it is"),
    ("unreadable-text", "a plan, layout or model in a file cannot be understood; with line and column"),
    ("plan", "the plan does not fit the trial; every problem is listed with its key"),
    ("formula", "a formula cannot be understood; with the character"),
    ("unknown-name", "a name that nothing in the trial or model has; with the names there are"),
    ("not-estimable", "the data do not determine the estimate"),
    ("not-comparable", "no likelihood-ratio test compares these fits"),
    ("designs-differ", "sums that were collected under different designs cannot be added"),
    ("missing-value", "a row of the model matrix needs a value that is missing"),
    ("no-patients", "the patients' rows are needed, and the fit was made from sums over them"),
    ("no-covariance-fits", "none of the covariance structures agreed on has a verified optimum"),
];

/// Codes of [failures](crate::fit::Failure) of a fit.
const FAILURES: [(&str, &str); 18] = [
    ("unbounded-likelihood", "the likelihood grows without bound while the covariance becomes singular"),
    ("covariance-at-boundary", "the likelihood is largest at an edge of the covariance structure"),
    ("covariance-not-identified", "the data do not determine a covariance parameter"),
    ("not-converged", "the search ended without a verified optimum"),
    ("too-few-observations", "there are no more observations than columns of the mean model"),
    ("no-columns", "the mean model has no column that the data determine"),
    ("too-many-parameters", "the covariance has more parameters than there are observations"),
    ("no-residual-variation", "the mean model reproduces every observation"),
    ("no-variation-at-visit", "the mean model reproduces every observation at some visits"),
    ("outcome-far-outside", "an outcome lies so far outside the others that the covariance rests on it"),
    ("outcome-out-of-scale", "outcomes are too large or too small for double precision"),
    ("costly", "the fit would take more time or memory than is spent unasked"),
    ("uneven-visits", "the outcome varies so much less at one visit than at another that double precision does not hold both"),
    ("singular-mean-model", "columns of the mean model are too nearly dependent for double precision"),
    ("no-starting-value", "the covariance structure has no starting value inside its range"),
    ("random-effects-not-identified", "the data do not determine a variance of random effects"),
    ("no-variation-left", "mean and random effects together reproduce every observation"),
    ("too-many-random-effects", "crossed random effects are too many to be joined in memory"),
];

/// Codes of models of [binary outcomes and counts](crate::generalized::NotFitted) without estimates.
const NOT_FITTED: [(&str, &str); 12] = [
    ("no-solution", "the search for the coefficients of a generalized model ended without a solution"),
    ("separation", "columns predict binary outcomes without error, so that coefficients are infinite"),
    ("optimum-at-boundary", "the likelihood of a generalized model is largest where means are at the end of their range"),
    ("mean-out-of-range", "means leave the range of the family under the link"),
    ("working-correlation-not-positive", "the working correlation is not positive definite"),
    ("working-correlation-not-determined", "no patient was seen at the visits that a working correlation is about"),
    ("no-maximum", "the search for the maximum of a likelihood with random effects did not end"),
    ("infinite-variance", "the likelihood of a generalized mixed model grows with a variance without end"),
    ("variances-not-determined", "the data do not determine coefficients and variances of random effects together"),
    ("singular-information", "columns of a generalized model are too nearly dependent for double precision"),
    ("no-determined-column", "a generalized model has no column that the data determine"),
    ("too-few-clusters", "there are no more clusters than coefficients of a generalized model"),
];

/// Every code that [`Error::code`](super::Error::code) may give, with what it stands for. Codes are stable: a program
/// may compare them, and new ones may be added. The command line writes them with `--json`, and a plan's
/// [problems](super::PlanProblem) have them.
///
/// ```
/// use trialstats::error::codes;
///
/// for code in codes() {
///     println!("{:<30} {}", code.code, code.meaning);
/// }
/// assert!(codes().iter().any(|code| code.code == "out-of-range"));
/// ```
pub fn codes() -> Vec<Code> {
    let listed = ERRORS.iter().chain(&FAILURES).chain(&NOT_FITTED).map(|&(code, meaning)| Code { code, meaning });
    listed.chain(Refusal::CHOICES.iter().map(|choice| Code { code: choice.name, meaning: choice.meaning })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The literals of the function `code` in a source text.
    fn literals(source: &str) -> BTreeSet<&str> {
        let body = source.split_once("fn code(&self)").map_or("", |(_, rest)| rest.split("\n    }\n").next().unwrap_or(""));
        body.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn the_list_has_every_code_once_and_no_other() {
        let (errors, failures) = (literals(include_str!("../error.rs")), literals(include_str!("../fit/failure.rs")));
        assert!(errors.len() > 10 && failures.len() > 10, "the functions were found");
        let listed = |list: &[(&'static str, &'static str)]| list.iter().map(|(code, _)| *code).collect::<BTreeSet<_>>();
        assert_eq!(listed(&ERRORS), errors);
        assert_eq!(listed(&FAILURES), failures);
        assert_eq!(listed(&NOT_FITTED), literals(include_str!("../generalized/failure.rs")));
        let all: Vec<&str> = codes().iter().map(|code| code.code).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        let kebab = |code: &&str| code.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(all.iter().all(kebab) && codes().iter().all(|code| !code.meaning.is_empty()), "{all:?}");
    }
}
