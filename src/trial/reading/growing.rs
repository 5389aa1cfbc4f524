//! A column of a statistical program's file while it is read.

use std::collections::{BTreeMap, HashSet};

use super::calendar::Scale;
use super::declared::{Declared, ValueLabels};
use super::profile::Profile;
use super::sheet::{Cells, Sheet, SheetColumn};
use crate::trial::FileFacts;

/// The cells so far, and what the file says of the column.
#[derive(Debug)]
pub(super) struct Growing {
    name: String,
    cells: Cells,
    scale: Scale,
    label: Option<String>,
    values: ValueLabels,
    missing: BTreeMap<String, usize>,
}

impl Growing {
    /// An empty column of numbers, or of what they stand for.
    pub fn of_numbers(name: &str, scale: Scale) -> Self {
        let cells = if scale == Scale::Number { Cells::Numbers(vec![]) } else { Cells::text() };
        Self { name: name.into(), cells, scale, label: None, values: ValueLabels::default(), missing: BTreeMap::new() }
    }

    /// An empty column of texts.
    pub fn of_texts(name: &str) -> Self {
        Self { cells: Cells::text(), ..Self::of_numbers(name, Scale::Number) }
    }

    /// The column with a label, unless that is empty or the name again.
    pub fn labelled(mut self, label: &str, values: ValueLabels) -> Self {
        let label = label.trim();
        self.label = (!label.is_empty() && label != self.name).then(|| label.to_string());
        self.values = values;
        self
    }

    /// Appends a number.
    pub fn number(&mut self, x: f64) {
        match &mut self.cells {
            Cells::Numbers(numbers) => numbers.push(x),
            // What is no date is shown as it is, so that whoever reads the message finds it.
            cells => cells.push_text(&self.scale.date(x).unwrap_or_else(|| if x.is_nan() { String::new() } else { x.to_string() })),
        }
    }

    /// Appends a text.
    pub fn text(&mut self, text: &str) {
        self.cells.push_text(text);
    }

    /// Appends a value that is missing.
    pub fn nothing(&mut self) {
        match &mut self.cells {
            Cells::Numbers(numbers) => numbers.push(f64::NAN),
            cells => cells.push_text(""),
        }
    }

    /// Appends a value that the file declares as missing: `999`, or `.a`.
    pub fn declared_missing(&mut self, value: String, label: Option<&str>) {
        self.nothing();
        let words = label.map_or_else(|| value.clone(), |label| format!("{value} = {label}"));
        *self.missing.entry(words).or_default() += 1;
    }

    fn finished(self) -> SheetColumn {
        let declared = Declared { letters: String::new(), label: self.label, values: self.values, missing: self.missing };
        SheetColumn { name: self.name, cells: self.cells, profile: Profile::default(), declared }
    }
}

/// The sheet of these columns.
pub(super) fn sheet(source: &str, names: Vec<String>, columns: Vec<Growing>, rows: usize, mut file: FileFacts) -> Sheet {
    (file.rows, file.columns) = (rows, names.len());
    let columns = columns.into_iter().map(Growing::finished).collect();
    Sheet { source: source.into(), names, columns, rows, file: Some(file), ..Sheet::default() }
}

/// Which of the columns to read: of those wanted the first of each name.
pub(super) fn first_of_each(names: &[String], wanted: &HashSet<&str>) -> Vec<usize> {
    let mut seen = HashSet::new();
    (0..names.len()).filter(|&j| wanted.contains(names[j].as_str()) && seen.insert(&names[j])).collect()
}
