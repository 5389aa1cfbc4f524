//! Everything that is wrong with data or with a plan, told at once.

use super::{Interface, Message, escaped, shown};
use crate::table::counted;
use std::fmt;

/// One thing in a plan that does not fit the trial.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlanProblem {
    /// The key of the plan that it is about, such as `model.formula`.
    pub key: String,
    /// The [code](super::Error::code) of the refusal.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
    /// The plan file, where the plan was read from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The line in it, counted from 1, where it is known: of the key, or of the table that it would stand in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The character in the line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl PlanProblem {
    pub(crate) fn new(key: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), code: code.into(), message: message.into(), source: None, line: None, column: None }
    }
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{}, ", escaped(source))?;
        }
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, character {column}, ")?;
        }
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

/// One thing wrong with the data, and where it was met first.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Problem {
    /// File or data frame.
    pub source: Option<String>,
    /// Line in the file, the header being line 1; in a workbook the row of the sheet.
    pub line: Option<u64>,
    /// Cell of a workbook, such as `B12`.
    pub cell: Option<String>,
    /// Patient identifier.
    pub patient: Option<String>,
    /// Visit label.
    pub visit: Option<String>,
    /// Column name.
    pub column: Option<String>,
    /// What is wrong and what to do.
    pub message: Message,
    /// In how many further places the same is wrong, which are not problems of their own.
    pub further: usize,
    /// The first of these places, as far as they are known: `line 3`.
    pub also_at: Vec<String>,
}

impl Problem {
    /// The further places, as the end of a sentence.
    fn others(&self) -> String {
        match (self.further, self.also_at.as_slice()) {
            (0, _) => String::new(),
            (further, []) => format!(" (and {further} more like it)"),
            (further, places) if further > places.len() => {
                format!(" (and {further} more like it: {}, …)", places.join(", "))
            }
            (_, places) => format!(" (likewise {})", places.join(", ")),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.filter(|_| self.cell.is_none()).map(|l| l.to_string());
        let name = |name: &Option<String>| name.as_deref().map(shown);
        let places = [
            ("", self.source.as_deref().map(escaped)),
            ("line ", line),
            ("cell ", self.cell.clone()),
            ("patient ", name(&self.patient)),
            ("visit ", name(&self.visit)),
            ("column ", name(&self.column)),
        ];
        let place: Vec<String> = places.iter().filter_map(|(label, p)| p.as_ref().map(|p| format!("{label}{p}"))).collect();
        let others = self.others();
        match place.is_empty() {
            true => write!(f, "{}{others}", self.message),
            false => write!(f, "{}: {}{others}", place.join(", "), self.message),
        }
    }
}

/// Several [`Problem`]s, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(super) fn worded_for(self, interface: Interface) -> Self {
        Self(self.0.into_iter().map(|p| Problem { message: p.message.worded_for(interface), ..p }).collect())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        writeln!(f, "{} in the data:", counted(self.0.len(), "problem"))?;
        for problem in self.0.iter().take(SHOWN) {
            writeln!(f, "  - {problem}")?;
        }
        if self.0.len() > SHOWN {
            writeln!(f, "  … and {} more", self.0.len() - SHOWN)?;
        }
        Ok(())
    }
}
