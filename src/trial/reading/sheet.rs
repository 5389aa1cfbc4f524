//! A file's cells before they mean anything: the same whatever engine has read them.

use super::profile::Profile;

/// The columns of a file that a layout names, with the place of each row.
#[derive(Debug)]
pub(super) struct Sheet {
    /// What problems call the file.
    pub source: String,
    /// The names of all columns of the file, read or not.
    pub names: Vec<String>,
    /// The columns that were read.
    pub columns: Vec<SheetColumn>,
    /// The line of each row; none where rows have no lines.
    pub lines: Option<Vec<u64>>,
    /// The number of rows of the file before these, where the sheet is a part of it.
    pub first_row: usize,
    /// The number of rows.
    pub rows: usize,
}

/// A column that was read.
#[derive(Debug)]
pub(super) struct SheetColumn {
    pub name: String,
    pub cells: Cells,
    /// What its texts are, once that has been looked at.
    pub profile: Profile,
}

/// The cells of a column.
#[derive(Debug)]
pub(super) enum Cells {
    /// Texts one after the other in one buffer, and where each ends: a file of 10⁷ cells needs no 10⁷ allocations.
    Text { buffer: String, ends: Vec<usize> },
    /// Numbers, NaN where missing.
    #[cfg_attr(not(feature = "polars"), expect(dead_code, reason = "text files have text only"))]
    Numbers(Vec<f64>),
}

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    /// Text without the spaces around it; empty where missing.
    Text(&'a str),
    /// A number, NaN where missing.
    Number(f64),
}

impl Cells {
    /// An empty column of text.
    pub fn text() -> Self {
        Cells::Text { buffer: String::new(), ends: vec![] }
    }

    /// Appends a text, without the spaces around it.
    pub fn push_text(&mut self, text: &str) {
        if let Cells::Text { buffer, ends } = self {
            buffer.push_str(text.trim());
            ends.push(buffer.len());
        }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        match self {
            Cells::Text { ends, .. } => ends.len(),
            Cells::Numbers(numbers) => numbers.len(),
        }
    }

    /// The cell of `row`.
    pub fn get(&self, row: usize) -> Cell<'_> {
        match self {
            Cells::Text { buffer, ends } => {
                let start = if row == 0 { 0 } else { ends[row - 1] };
                Cell::Text(&buffer[start..ends[row]])
            }
            Cells::Numbers(numbers) => Cell::Number(numbers[row]),
        }
    }
}

impl Sheet {
    /// The column called `name`, if it was read.
    pub fn column(&self, name: &str) -> Option<&SheetColumn> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The file and the line of `row`, as a problem states them.
    pub fn place(&self, row: usize) -> (String, Option<u64>) {
        match &self.lines {
            Some(lines) => (self.source.clone(), Some(lines[row])),
            None => (format!("{}, row {}", self.source, self.first_row + row + 1), None),
        }
    }

    /// `line 7`, or `row 7` where there are no lines.
    pub fn row_name(&self, row: usize) -> String {
        match &self.lines {
            Some(lines) => format!("line {}", lines[row]),
            None => format!("row {}", self.first_row + row + 1),
        }
    }
}
