//! From cells to texts and numbers, missing codes included.

use std::borrow::Cow;

use super::sheet::{Cell, Cells, Sheet};
use crate::trial::layout::{DecimalMark, Layout};

/// What a column is used for decides which missing codes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Patient, arm, visit, cluster.
    Identifier,
    /// Outcome, covariate, item.
    Value,
}

/// A column with its missing codes.
#[derive(Debug)]
pub(super) struct ValueColumn<'a> {
    pub name: &'a str,
    cells: Option<&'a Cells>,
    codes: Vec<&'a str>,
    numeric_codes: Vec<f64>,
    mark: DecimalMark,
}

/// Why a cell is not a number that can be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NotANumber {
    /// It is something else.
    Text(String),
    /// It is infinite.
    Infinite,
}

impl<'a> ValueColumn<'a> {
    /// The column `name` of `sheet`; every value is missing where the sheet has no such column.
    pub fn new(layout: &'a Layout, sheet: &'a Sheet, name: &'a str, used: Use) -> Self {
        let own = layout.column_codes.iter().filter(|(column, _)| column == name).map(|(_, code)| code);
        let of_values = layout.value_codes.iter().filter(|_| used == Use::Value);
        let codes: Vec<&str> = layout.missing_codes.iter().chain(of_values).chain(own).map(|c| c.trim()).collect();
        let numeric_codes = codes.iter().filter_map(|c| c.parse().ok()).collect();
        Self { name, cells: sheet.column(name).map(|c| &c.cells), codes, numeric_codes, mark: layout.decimal_mark }
    }

    /// Adds codes that hold for this column beside those of the layout.
    pub fn with_codes(mut self, codes: &[&'a str]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }

    /// The text of a cell, `None` where missing; numbers are written in their shortest form.
    pub fn text(&self, row: usize) -> Option<Cow<'a, str>> {
        match self.cells?.get(row) {
            Cell::Text(text) if self.codes.contains(&text) => None,
            // Where emptiness is no missing code, an empty cell still names nobody and nothing.
            Cell::Text("") => None,
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            Cell::Number(x) if x.is_nan() || self.numeric_codes.contains(&x) => None,
            Cell::Number(x) => Some(Cow::Owned(x.to_string())),
        }
    }

    /// The number of a cell, `None` where missing.
    pub fn number(&self, row: usize) -> Result<Option<f64>, NotANumber> {
        let Some(cells) = self.cells else { return Ok(None) };
        let x = match cells.get(row) {
            Cell::Number(x) if x.is_nan() => return Ok(None),
            Cell::Number(x) => x,
            Cell::Text(text) if self.codes.contains(&text) => return Ok(None),
            Cell::Text(text) => self.parse(text).ok_or_else(|| NotANumber::Text(text.into()))?,
        };
        if self.numeric_codes.contains(&x) {
            return Ok(None);
        }
        if x.is_finite() { Ok(Some(x)) } else { Err(NotANumber::Infinite) }
    }

    fn parse(&self, text: &str) -> Option<f64> {
        let parsed: f64 = match self.mark {
            DecimalMark::Point => text.parse().ok()?,
            DecimalMark::Comma if text.contains('.') => return None,
            DecimalMark::Comma => text.replace(',', ".").parse().ok()?,
        };
        (!parsed.is_nan()).then_some(parsed)
    }

    /// Whether a cell looks like an identifier made of digits, such as `006`.
    pub fn has_leading_zero(&self, row: usize) -> bool {
        match self.cells.map(|c| c.get(row)) {
            Some(Cell::Text(text)) => {
                let digits = text.trim_start_matches(['-', '+']).as_bytes();
                digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()
            }
            _ => false,
        }
    }
}

impl NotANumber {
    /// What is wrong and what to do.
    pub fn message(&self) -> String {
        match self {
            NotANumber::Infinite => "the number is infinite; leave the cell empty where nothing was measured".into(),
            NotANumber::Text(text) if text.replace(',', ".").parse::<f64>().is_ok() => {
                format!("`{text}` has a decimal comma; declare it with `decimal_mark(DecimalMark::Comma)` or write a point")
            }
            NotANumber::Text(text) => {
                format!("`{text}` is not a number; correct it, or declare it with `missing_code` if it stands for a missing value")
            }
        }
    }
}
