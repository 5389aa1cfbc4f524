//! From cells to texts and numbers, missing codes included.

use std::borrow::Cow;

use super::declared::ValueLabels;
use super::profile::{self, Mark};
use super::sheet::{Cell, Cells, Sheet};
use crate::error::{Message, Setting, says, shown};
use crate::trial::layout::Layout;

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
    mark: Mark,
    labels: Option<&'a ValueLabels>,
    /// Whether the usual spellings of a missing value are one.
    recognises: bool,
}

/// Why a cell is not a number that can be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NotANumber {
    /// It is something else.
    Text(String),
    /// It has a decimal comma where others have a point, or the other way round.
    OtherMark(String),
    /// It has a comma that may be one of decimals or of thousands.
    Ambiguous(String),
    /// It has marks between thousands.
    Thousands(String),
    /// What a spreadsheet shows where a formula failed.
    Spreadsheet(String),
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
        let column = sheet.column(name);
        let profile = column.map(|c| &c.profile);
        Self {
            name,
            cells: column.map(|c| &c.cells),
            codes,
            numeric_codes,
            mark: profile.map(|p| p.mark).unwrap_or_default(),
            labels: column.map(|c| &c.declared.values).filter(|labels| !labels.is_empty()),
            recognises: profile.is_some_and(|p| p.recognises),
        }
    }

    /// Whether the sheet has the column.
    pub fn is_there(&self) -> bool {
        self.cells.is_some()
    }

    /// Adds codes that hold for this column beside those of the layout.
    pub fn with_codes(mut self, codes: &[&'a str]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }

    /// The column with its values by themselves, whatever labels they have.
    pub fn without_labels(self) -> Self {
        Self { labels: None, ..self }
    }

    /// Whether a cell is the same as that of the row before.
    pub fn repeats(&self, row: usize) -> bool {
        row > 0 && self.cells.is_some_and(|cells| cells.get(row) == cells.get(row - 1))
    }

    /// The text of a cell, by its label where it has one; `None` where missing.
    pub fn text(&self, row: usize) -> Option<Cow<'a, str>> {
        let code = self.code(row)?;
        match self.labels.and_then(|labels| labels.label_of(self.cells?.get(row))) {
            Some(label) if self.codes.contains(&label) => None,
            Some(label) => Some(Cow::Borrowed(label)),
            None => Some(code),
        }
    }

    /// The text of a cell, `None` where missing; numbers are written in their shortest form.
    pub fn code(&self, row: usize) -> Option<Cow<'a, str>> {
        match self.cells?.get(row) {
            Cell::Text(text) if self.codes.contains(&text) => None,
            Cell::Text(text) if self.recognises && profile::is_missing_anywhere(text) => None,
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
            Cell::Text(text) => match self.parse(text) {
                Some(x) => x,
                None if self.recognises && profile::is_missing_number(text) => return Ok(None),
                None => return Err(NotANumber::of(text, self.mark)),
            },
        };
        if self.numeric_codes.contains(&x) {
            return Ok(None);
        }
        if x.is_finite() { Ok(Some(x)) } else { Err(NotANumber::Infinite) }
    }

    fn parse(&self, text: &str) -> Option<f64> {
        let parsed: f64 = match self.mark {
            Mark::Point | Mark::Ambiguous => text.parse().ok()?,
            Mark::Comma => profile::with_comma(text)?,
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
    /// What a text is that is no number in a column of this mark.
    fn of(text: &str, mark: Mark) -> Self {
        const ERRORS: [&str; 8] = ["#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#ERROR!", "#SPILL!", "#CALC!"];
        let without = |marks: &[char]| text.replace(marks, "").parse::<f64>().is_ok();
        let digit = |c: char| c.is_ascii_digit();
        let text_of = |kind: fn(String) -> NotANumber| kind(text.into());
        match mark {
            _ if ERRORS.contains(&text) || (text.len() > 1 && text.bytes().all(|b| b == b'#')) => text_of(NotANumber::Spreadsheet),
            Mark::Ambiguous if profile::with_comma(text).is_some() => text_of(NotANumber::Ambiguous),
            Mark::Point | Mark::Ambiguous if profile::with_comma(text).is_some_and(f64::is_finite) => text_of(NotANumber::OtherMark),
            Mark::Comma if text.parse::<f64>().is_ok_and(f64::is_finite) => text_of(NotANumber::OtherMark),
            _ if text.starts_with(['-', '+']) | text.starts_with(digit) && without(&[',', '.', ' ', '\'', '’', '\u{a0}', '\u{202f}']) => {
                text_of(NotANumber::Thousands)
            }
            _ => text_of(NotANumber::Text),
        }
    }

    /// What is wrong and what to do.
    pub fn message(&self) -> Message {
        match self {
            NotANumber::Infinite => says!("the number is infinite; leave the cell empty where nothing was measured"),
            NotANumber::OtherMark(text) => says!(
                "`{}` has another decimal mark than the other numbers of the column; write them alike, or state the mark with ",
                shown(text)
            )
            .setting(Setting::DecimalMark),
            NotANumber::Ambiguous(text) => {
                says!("the comma in `{}` may be one of decimals or one between thousands; state which with ", shown(text))
                    .setting(Setting::DecimalMark)
            }
            NotANumber::Thousands(text) => says!("`{}` has marks between thousands; write the number without them", shown(text)),
            NotANumber::Spreadsheet(text) => {
                says!(
                    "`{}` is what a spreadsheet shows where a formula failed; correct the formula there, or leave the cell empty",
                    shown(text)
                )
            }
            NotANumber::Text(text) => says!("`{}` is not a number; correct it, or declare it with ", shown(text))
                .setting(Setting::MissingCode)
                .then(" if it stands for a missing value")
                .each(),
        }
    }
}
