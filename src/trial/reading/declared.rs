//! What files of statistical programs say of their own columns: labels of variables and of values, and which values are
//! missing.
#![cfg_attr(not(feature = "formats"), allow(dead_code, reason = "text and data frames declare nothing"))]

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::findings::Findings;
use super::sheet::{Cell, Cells, Sheet};
use crate::error::shown;
use crate::trial::columns::{Columns, CovariateColumn};
use crate::trial::layout::{Layout, Shape};

/// What a file says of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Declared {
    /// The letters of the column in a workbook.
    pub letters: String,
    /// The label of the variable; none where it is empty.
    pub label: Option<String>,
    /// The labels of its values.
    pub values: ValueLabels,
    /// Values that the file itself declares as missing, with how often they occur.
    pub missing: BTreeMap<String, usize>,
}

/// A value as a file stores it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Code {
    Number(f64),
    Text(String),
}

/// The labels of a column's values, in the order of the values.
#[derive(Debug, Clone, Default)]
pub(super) struct ValueLabels(Vec<(Code, String)>);

impl Code {
    fn words(&self) -> String {
        match self {
            Code::Number(x) => x.to_string(),
            Code::Text(text) => text.clone(),
        }
    }

    fn is(&self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Code::Number(code), Cell::Number(x)) => *code == x,
            (Code::Text(code), Cell::Text(text)) => code == text,
            _ => false,
        }
    }
}

impl ValueLabels {
    /// Labels of values. Where one label stands for several values, the value goes with it, so that they stay apart.
    pub fn new(labels: impl IntoIterator<Item = (Code, String)>) -> Self {
        let mut labels: Vec<(Code, String)> = labels.into_iter().map(|(code, label)| (code, label.trim().to_string())).collect();
        labels.retain(|(_, label)| !label.is_empty());
        labels.sort_by(|(a, _), (b, _)| match (a, b) {
            (Code::Number(a), Code::Number(b)) => a.total_cmp(b),
            (Code::Text(a), Code::Text(b)) => a.cmp(b),
            (Code::Number(_), Code::Text(_)) => std::cmp::Ordering::Less,
            (Code::Text(_), Code::Number(_)) => std::cmp::Ordering::Greater,
        });
        labels.dedup_by(|(b, _), (a, _)| a == b);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        labels.iter().for_each(|(_, label)| *counts.entry(label.clone()).or_default() += 1);
        for (code, label) in &mut labels {
            if counts[label.as_str()] > 1 {
                *label = format!("{label} ({})", code.words());
            }
        }
        Self(labels)
    }

    /// The label of a cell's value.
    pub fn label_of(&self, cell: Cell<'_>) -> Option<&str> {
        self.0.iter().find(|(code, _)| code.is(cell)).map(|(_, label)| label.as_str())
    }

    /// The place of a label in the order of the values.
    pub fn place(&self, label: &str) -> Option<usize> {
        self.0.iter().position(|(_, known)| known == label)
    }

    /// What a layout means by `name`: a label by itself, or the label of the value that it is.
    pub fn meant<'a>(&'a self, name: &'a str) -> &'a str {
        if self.place(name).is_some() {
            return name;
        }
        let number: Option<f64> = name.parse().ok();
        let cell = |code: &Code| match code {
            Code::Number(x) => number == Some(*x),
            Code::Text(text) => text == name,
        };
        self.0.iter().find(|(code, _)| cell(code)).map_or(name, |(_, label)| label)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether their order is that of the alphabet, as programs code texts that nobody has put in order.
    pub fn are_alphabetical(&self) -> bool {
        self.0.is_sorted_by(|(_, a), (_, b)| a.to_lowercase() <= b.to_lowercase())
    }
}

impl Sheet {
    fn labels_of(&self, column: &str) -> Option<&ValueLabels> {
        self.column(column).map(|c| &c.declared.values).filter(|labels| !labels.is_empty())
    }

    /// The labels of the values of a variable, where its column has some.
    pub fn value_labels(&self, columns: &Columns) -> Option<&ValueLabels> {
        columns.names().first().and_then(|name| self.labels_of(name))
    }

    /// The one label that all columns of a variable have.
    pub fn variable_label(&self, columns: &Columns) -> Option<&str> {
        let mut labels = columns.names().into_iter().map(|name| self.column(name).and_then(|c| c.declared.label.as_deref()));
        let first = labels.next().flatten()?;
        labels.all(|label| label == Some(first)).then_some(first)
    }

    /// Whether every value of a variable has a label, so that it is one of several levels.
    pub fn is_labelled_throughout(&self, columns: &Columns) -> bool {
        let all = |name: &str| {
            let (Some(column), Some(labels)) = (self.column(name), self.labels_of(name)) else { return false };
            (0..self.rows).map(|row| column.cells.get(row)).all(|cell| match cell {
                Cell::Number(x) if x.is_nan() => true,
                Cell::Text("") => true,
                cell => labels.label_of(cell).is_some(),
            })
        };
        columns.names().into_iter().all(all)
    }

    /// Says what of the file's own declarations holds.
    pub fn tell_declared(&self, findings: &mut Findings) {
        for column in &self.columns {
            let missing: Vec<String> = column.declared.missing.iter().map(|(value, n)| format!("`{}` ({n})", shown(value))).collect();
            if !missing.is_empty() {
                findings.inferred(format!("In `{}`, the file declares these as missing: {}.", shown(&column.name), missing.join(", ")));
            }
        }
    }
}

impl Cells {
    /// Numbers beside texts, from cells in order.
    pub fn mixed(cells: impl IntoIterator<Item = Code>) -> Self {
        let (mut numbers, mut texts) = (vec![], vec![]);
        for cell in cells {
            match cell {
                Code::Number(x) => {
                    numbers.push(x);
                    texts.push(String::new());
                }
                Code::Text(text) => {
                    numbers.push(f64::NAN);
                    texts.push(text.trim().to_string());
                }
            }
        }
        Cells::Mixed { numbers, texts }
    }
}

/// The layout with values that it names by their codes named by their labels: `arms = ["0", "1"]` of a column whose 0 is
/// labelled "placebo".
pub(super) fn in_labels<'a>(layout: &'a Layout, sheet: &Sheet) -> Cow<'a, Layout> {
    if sheet.columns.iter().all(|column| column.declared.values.is_empty()) {
        return Cow::Borrowed(layout);
    }
    let mut own = layout.clone();
    let rename = |name: &mut String, labels: &ValueLabels| *name = labels.meant(name).to_string();
    if let Some(labels) = layout.arm.as_deref().and_then(|arm| sheet.labels_of(arm)) {
        let roster = own.roster.iter_mut().map(|(_, arm)| arm);
        own.arms.iter_mut().chain(&mut own.reference_arm).chain(roster).for_each(|arm| rename(arm, labels));
    }
    if let Shape::Long(visit) = &layout.shape
        && let Some(labels) = sheet.labels_of(visit)
    {
        own.visits.iter_mut().map(|v| &mut v.label).chain(&mut own.baseline).for_each(|label| rename(label, labels));
    }
    for (covariate, levels) in &mut own.levels {
        let column: Option<&CovariateColumn> = layout.covariates.iter().find(|c| c.name == *covariate);
        if let Some(labels) = column.and_then(|c| sheet.value_labels(&c.columns)) {
            levels.iter_mut().for_each(|level| rename(level, labels));
        }
    }
    Cow::Owned(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_label_stay_apart_and_codes_mean_labels() {
        let labels = ValueLabels::new([
            (Code::Number(2.0), "therapy".to_string()),
            (Code::Number(0.0), " waiting list ".to_string()),
            (Code::Number(1.0), "therapy".to_string()),
            (Code::Number(3.0), String::new()),
        ]);
        assert_eq!(labels.label_of(Cell::Number(0.0)), Some("waiting list"));
        assert_eq!(labels.label_of(Cell::Number(2.0)), Some("therapy (2)"));
        assert_eq!((labels.label_of(Cell::Number(3.0)), labels.label_of(Cell::Text("0"))), (None, None));
        assert_eq!((labels.meant("0"), labels.meant("1.0"), labels.meant("other")), ("waiting list", "therapy (1)", "other"));
        assert_eq!(labels.place("therapy (2)"), Some(2));
        assert!(!labels.are_alphabetical());
    }
}
