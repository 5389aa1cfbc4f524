//! A file looked at before anybody has said what its columns mean.

use super::findings::Findings;
use super::input::{Input, columns};
use super::profile::{is_missing_number, with_comma};
use super::sheet::{Cell, Sheet};
use crate::error::Result;
use crate::trial::Layout;
use std::collections::HashSet;
use std::path::Path;

/// Every column of a file.
#[derive(Debug)]
pub(crate) struct Look {
    /// What the file is called.
    pub source: String,
    /// Its columns in their order.
    pub columns: Vec<LookedAt>,
    /// What was decided about the file, sentence by sentence.
    pub decided: Vec<String>,
    /// Its rows.
    pub rows: usize,
}

/// A column, and what its cells are.
#[derive(Debug)]
pub(crate) struct LookedAt {
    pub name: String,
    /// The text of each row; `None` where nothing or a usual word for nothing stands.
    pub texts: Vec<Option<String>>,
    /// Whether the texts are labels of the values.
    pub is_labelled: bool,
    /// The number of each row, where all that is not missing is a number and something is.
    pub numbers: Option<Vec<Option<f64>>>,
}

/// Reads all columns of a file; of a workbook this sheet, or its only one.
pub(crate) fn look(path: &Path, sheet: Option<&str>) -> Result<Look> {
    let input = Input::Path(path);
    let layout = sheet.into_iter().fold(Layout::wide_one_arm(""), Layout::sheet);
    let names = columns(&layout, input)?;
    let wanted: HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut findings = Findings::default();
    let sheet = input.sheet(&layout, &wanted, &mut findings)?;
    if !findings.is_clean() {
        return Err(findings.into_error());
    }
    let (decided, warnings) = findings.into_notes();
    let decided = decided.into_iter().chain(warnings.iter().map(ToString::to_string)).collect();
    Ok(Look::of(sheet, decided))
}

impl Look {
    fn of(sheet: Sheet, decided: Vec<String>) -> Self {
        let columns = sheet.columns.iter().map(|column| {
            let text = |row| match column.cells.get(row) {
                Cell::Number(x) => (!x.is_nan()).then(|| x.to_string()),
                Cell::Text(text) => (!text.is_empty() && text != "." && !is_missing_number(text)).then(|| text.to_string()),
            };
            let texts: Vec<Option<String>> = (0..sheet.rows).map(text).collect();
            let label = |row: usize| column.declared.values.label_of(column.cells.get(row)).map(String::from);
            let labels: Vec<Option<String>> = (0..sheet.rows).map(label).collect();
            // Numbers of a workbook are numbers whatever the mark of the texts beside them.
            let stored = (0..sheet.rows).map(|row| match column.cells.get(row) {
                Cell::Number(x) => Some(x),
                Cell::Text(_) => None,
            });
            let looked = LookedAt::of(column.name.clone(), texts, stored.collect());
            // Labels of every value: what people see in the program that the file is of.
            match looked.texts.iter().zip(&labels).all(|(text, label)| text.is_none() || label.is_some()) && looked.present() > 0 {
                true => LookedAt { texts: labels, is_labelled: true, ..looked },
                false => looked,
            }
        });
        Self { source: sheet.source.clone(), columns: columns.collect(), decided, rows: sheet.rows }
    }

    /// The column called so.
    pub fn column(&self, name: &str) -> Option<&LookedAt> {
        self.columns.iter().find(|c| c.name == name)
    }
}

impl LookedAt {
    fn of(name: String, texts: Vec<Option<String>>, stored: Vec<Option<f64>>) -> Self {
        // Digits after a leading zero name something: `006` is no number.
        let is_name = |text: &str| text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        if texts.iter().flatten().any(|text| is_name(text)) {
            return Self { name, texts, numbers: None, is_labelled: false };
        }
        let read = |with: fn(&str) -> Option<f64>| {
            let number = |(text, stored): (&Option<String>, &Option<f64>)| match (text, stored) {
                (None, _) => Some(None),
                (Some(_), Some(x)) => Some(Some(*x)),
                (Some(text), None) => with(text).map(Some),
            };
            let numbers: Option<Vec<Option<f64>>> = texts.iter().zip(&stored).map(number).collect();
            numbers.filter(|numbers| numbers.iter().flatten().next().is_some())
        };
        let with_points = read(|text| text.parse().ok().filter(|x: &f64| x.is_finite()));
        Self { numbers: with_points.or_else(|| read(with_comma)), name, texts, is_labelled: false }
    }

    /// Different values in the order in which they come first, with how many rows have each.
    pub fn values(&self) -> Vec<(&str, usize)> {
        let mut found: Vec<(&str, usize)> = vec![];
        let mut place = std::collections::HashMap::new();
        for text in self.texts.iter().flatten() {
            let at = *place.entry(text.as_str()).or_insert_with(|| {
                found.push((text, 0));
                found.len() - 1
            });
            found[at].1 += 1;
        }
        found
    }

    /// The rows where something stands.
    pub fn present(&self) -> usize {
        self.texts.iter().flatten().count()
    }
}
