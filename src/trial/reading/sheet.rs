//! A file's cells before they mean anything: the same whatever engine has read them.

use super::declared::Declared;
use super::profile::Profile;
use crate::trial::FileFacts;

/// The columns of a file that a layout names, with the place of each row.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// What problems call the file.
    pub source: String,
    /// The names of all columns of the file, read or not.
    pub names: Vec<String>,
    /// The columns that were read.
    pub columns: Vec<SheetColumn>,
    /// The line of each row; none where rows have no lines.
    pub lines: Option<Vec<u64>>,
    /// Whether the lines are numbers of rows, of a file that has no lines.
    pub are_rows: bool,
    /// Whether the lines are the rows of a workbook, and columns have letters.
    pub is_workbook: bool,
    /// The number of rows of the file before these, where the sheet is a part of it.
    pub first_row: usize,
    /// The number of rows.
    pub rows: usize,
    /// What is recorded of the file.
    pub file: Option<FileFacts>,
}

/// Where a row, or a cell of it, is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub source: String,
    pub line: Option<u64>,
    /// `B12`, where the file is a workbook.
    pub cell: Option<String>,
    /// `line 7`, `row 7` or `cell B7`.
    pub name: String,
}

/// A column that was read.
#[derive(Debug)]
pub(super) struct SheetColumn {
    pub name: String,
    pub cells: Cells,
    /// What its texts are, once that has been looked at.
    pub profile: Profile,
    /// What the file itself says of it.
    pub declared: Declared,
}

/// The cells of a column.
#[derive(Debug)]
pub(super) enum Cells {
    /// Texts one after the other in one buffer, and where each ends: a file of 10⁷ cells needs no 10⁷ allocations.
    Text { buffer: String, ends: Vec<usize> },
    /// Numbers, NaN where missing.
    #[cfg_attr(not(any(feature = "polars", feature = "formats")), expect(dead_code, reason = "text files have text only"))]
    Numbers(Vec<f64>),
    /// Texts and numbers side by side, as workbooks have them: a number where it is not NaN, else a text.
    #[cfg_attr(not(feature = "formats"), allow(dead_code, reason = "only workbooks have both"))]
    Mixed { numbers: Vec<f64>, texts: Vec<String> },
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
            buffer.push_str(match text.as_bytes() {
                [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
                _ => text.trim(),
            });
            ends.push(buffer.len());
        }
    }

    /// Whether some text has a character.
    pub fn contain(&self, character: char) -> bool {
        match self {
            Cells::Text { buffer, .. } => buffer.contains(character),
            Cells::Numbers(_) => false,
            Cells::Mixed { texts, .. } => texts.iter().any(|text| text.contains(character)),
        }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        match self {
            Cells::Text { ends, .. } => ends.len(),
            Cells::Numbers(numbers) | Cells::Mixed { numbers, .. } => numbers.len(),
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
            Cells::Mixed { numbers, texts } => match numbers[row] {
                x if x.is_nan() => Cell::Text(&texts[row]),
                x => Cell::Number(x),
            },
        }
    }
}

impl Sheet {
    /// The column called `name`, if it was read.
    pub fn column(&self, name: &str) -> Option<&SheetColumn> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Where `row` is, and in it the cell of `column`.
    pub fn position(&self, row: usize, column: Option<&str>) -> Position {
        let source = self.source.clone();
        let line = self.lines.as_ref().map(|lines| lines[row]);
        let letters = column.and_then(|name| self.column(name)).map(|c| c.declared.letters.as_str());
        match (line, self.is_workbook, letters) {
            (Some(line), true, Some(letters)) => {
                let cell = format!("{letters}{line}");
                Position { source, line: Some(line), name: format!("cell {cell}"), cell: Some(cell) }
            }
            (Some(line), true, None) => {
                Position { source: format!("{source}, row {line}"), line: None, cell: None, name: format!("row {line}") }
            }
            (Some(row), false, _) if self.are_rows => {
                let name = format!("row {row}");
                Position { source: format!("{source}, {name}"), line: None, cell: None, name }
            }
            (Some(line), false, _) => Position { source, line: Some(line), cell: None, name: format!("line {line}") },
            (None, ..) => {
                let name = format!("row {}", self.first_row + row + 1);
                Position { source: format!("{source}, {name}"), line: None, cell: None, name }
            }
        }
    }

    /// `line 7`, or `row 7` where there are no lines.
    pub fn row_name(&self, row: usize) -> String {
        self.position(row, None).name
    }
}
