//! Everything found wrong with a file, and everything decided without being told.

use crate::table::{agreeing, counted};
use std::collections::HashMap;

use super::sheet::Sheet;
use crate::error::{Error, Message, Problem, Problems};
use crate::trial::Warning;

/// So many problems are listed; more are counted, so that a file of 10⁶ bad lines still ends in an answer.
const LISTED: usize = 10_000;

/// So many values with the same fault are told one by one.
const VALUES: usize = 5;

/// So many further places of a problem are named.
const PLACES: usize = 5;

/// Collects problems, decisions and warnings while a file is read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    /// The problems of each cause and column.
    of_cause: HashMap<(Option<String>, String), Vec<usize>>,
    unlisted: usize,
    inferred: Vec<String>,
    warnings: Vec<Warning>,
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
    /// Records a problem. One of the same cause in the same column, met before, is counted there.
    pub fn problem(&mut self, sheet: &Sheet, place: Place<'_>, message: impl Into<Message>) {
        let position = place.row.map(|row| sheet.position(row, place.column));
        let problem = Problem {
            source: Some(position.as_ref().map_or_else(|| sheet.source.clone(), |p| p.source.clone())),
            line: position.as_ref().and_then(|p| p.line),
            cell: position.as_ref().and_then(|p| p.cell.clone()),
            patient: place.patient.map(Into::into),
            visit: place.visit.map(Into::into),
            column: place.column.map(Into::into),
            message: message.into(),
            ..Problem::default()
        };
        self.record(problem, position.map(|p| p.name));
    }

    /// Records a problem met before there are rows.
    pub fn push(&mut self, problem: Problem) {
        let at = problem.line.map(|line| format!("line {line}"));
        self.record(problem, at);
    }

    fn record(&mut self, problem: Problem, at: Option<String>) {
        let cause = problem.message.cause().map_or_else(|| problem.message.to_string(), String::from);
        let known = self.of_cause.entry((problem.column.clone(), cause)).or_default();
        let same = match problem.message.is_each() {
            true => known.iter().copied().find(|&k| self.problems[k].message == problem.message),
            false => None,
        };
        let full = known.len() >= if problem.message.is_each() { VALUES } else { 1 };
        match same.or_else(|| known.last().copied().filter(|_| full)) {
            Some(first) => {
                let first = &mut self.problems[first];
                first.further += 1;
                if first.also_at.len() < PLACES {
                    first.also_at.extend(at);
                }
            }
            None if self.problems.len() < LISTED => {
                known.push(self.problems.len());
                self.problems.push(problem);
            }
            None => self.unlisted += 1,
        }
    }

    /// Records that something in the data looks like a mistake.
    pub fn warning(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    /// Records a decision taken without being told.
    pub fn inferred(&mut self, sentence: impl Into<String>) {
        self.inferred.push(sentence.into());
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The decisions and the warnings.
    pub fn into_notes(self) -> (Vec<String>, Vec<Warning>) {
        (self.inferred, self.warnings)
    }

    /// All problems as an error, those of the whole file first and the others in the order of its lines.
    pub fn into_error(mut self) -> Error {
        self.problems.sort_by_key(|p| p.line);
        if self.unlisted > 0 {
            let message = format!("{} {} not listed", counted(self.unlisted, "more problem"), agreeing(self.unlisted, "is", "are"));
            self.problems.push(Problem { message: message.into(), ..Problem::default() });
        }
        Error::Data(Problems(self.problems))
    }
}
