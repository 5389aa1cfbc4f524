//! The cells of a sheet by row and column, as texts and numbers.

use std::collections::BTreeMap;

use calamine::{Data, Dimensions, Range};

use super::super::declared::Code;

/// The cells of a sheet that are not empty, and what is merged. Rows and columns are counted from 0.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub rows: BTreeMap<u32, BTreeMap<u32, Code>>,
    pub merged: Vec<Dimensions>,
    /// Formulas whose results the file does not hold.
    pub unstored: Vec<(u32, u32)>,
}

impl Table {
    /// The cells of a range.
    pub fn of(range: &Range<Data>) -> Self {
        let mut table = Self::default();
        let (top, left) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            // A sheet has less than 2³² rows and columns.
            table.insert((top + row as u32, left + column as u32), value);
        }
        table
    }

    /// Keeps a cell unless it is empty.
    pub fn insert(&mut self, (row, column): (u32, u32), value: &Data) {
        if let Some(code) = code(value) {
            self.rows.entry(row).or_default().insert(column, code);
        }
    }

    /// Keeps a formula without a result, in a cell that is otherwise empty.
    pub fn insert_unstored(&mut self, (row, column): (u32, u32)) {
        self.rows.entry(row).or_default().insert(column, Code::Text(String::new()));
        self.unstored.push((row, column));
    }

    /// Whether there is more than a header.
    pub fn has_data(&self) -> bool {
        self.rows.len() > 1
    }

    /// The number of columns up to the last that has a cell.
    pub fn width(&self) -> u32 {
        self.rows.values().filter_map(|row| row.keys().next_back()).max().map_or(0, |last| last + 1)
    }
}

/// A cell as text or number; `None` where it is empty. Dates are written as in ISO 8601, errors as the program shows them.
fn code(value: &Data) -> Option<Code> {
    let text = |text: String| Some(Code::Text(text));
    match value {
        Data::Empty => None,
        Data::Int(x) => Some(Code::Number(*x as f64)),
        Data::Float(x) if x.is_nan() => None,
        Data::Float(x) => Some(Code::Number(*x)),
        Data::String(s) if s.trim().is_empty() => None,
        Data::String(s) => text(s.trim().to_string()),
        Data::Bool(b) => text(if *b { "TRUE" } else { "FALSE" }.into()),
        Data::Error(error) => text(error.to_string()),
        Data::DateTime(date) => text(date_text(date)),
        Data::DateTimeIso(date) => text(date.trim_end_matches("T00:00:00").replace('T', " ")),
        Data::DurationIso(duration) => text(duration.clone()),
    }
}

fn date_text(date: &calamine::ExcelDateTime) -> String {
    let days = date.as_f64();
    if date.is_duration() || (0.0..1.0).contains(&days) {
        // A duration of seconds; sheets hold less than 10¹³.
        let seconds = (days * 86_400.0).round() as i64;
        return format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) { day } else { format!("{day} {hour:02}:{minute:02}:{second:02}") }
}
