//! Everything found wrong with a file, and everything decided without being told.

use super::sheet::Sheet;
use crate::error::{Error, Problem, Problems};

/// So many problems are listed; more are counted, so that a file of 10⁶ bad lines still ends in an answer.
const LISTED: usize = 10_000;

/// Collects problems and decisions while a file is read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    unlisted: usize,
    inferred: Vec<String>,
}

/// Where a problem is, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    pub row: Option<usize>,
    pub patient: Option<&'a str>,
    pub visit: Option<&'a str>,
    pub column: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub fn row(row: usize) -> Self {
        Place { row: Some(row), ..Place::default() }
    }

    pub fn column(self, column: &'a str) -> Self {
        Place { column: Some(column), ..self }
    }

    pub fn patient(self, patient: &'a str) -> Self {
        Place { patient: Some(patient), ..self }
    }

    pub fn visit(self, visit: Option<&'a str>) -> Self {
        Place { visit, ..self }
    }
}

impl Findings {
    /// Records a problem.
    pub fn problem(&mut self, sheet: &Sheet, place: Place<'_>, message: impl Into<String>) {
        let (source, line) = place.row.map_or_else(|| (sheet.source.clone(), None), |row| sheet.place(row));
        self.push(Problem {
            source: Some(source),
            line,
            patient: place.patient.map(Into::into),
            visit: place.visit.map(Into::into),
            column: place.column.map(Into::into),
            message: message.into(),
        });
    }

    /// Records a problem met before there are rows.
    pub fn push(&mut self, problem: Problem) {
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        } else {
            self.unlisted += 1;
        }
    }

    /// Records a decision taken without being told.
    pub fn inferred(&mut self, sentence: impl Into<String>) {
        self.inferred.push(sentence.into());
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The decisions.
    pub fn into_inferred(self) -> Vec<String> {
        self.inferred
    }

    /// All problems as an error, those of the whole file first and the others in the order of its lines.
    pub fn into_error(mut self) -> Error {
        self.problems.sort_by_key(|p| p.line);
        if self.unlisted > 0 {
            let message = format!("{} more problems are not listed", self.unlisted);
            self.problems.push(Problem { message, ..Problem::default() });
        }
        Error::Data(Problems(self.problems))
    }
}
