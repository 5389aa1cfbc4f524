//! The tables of a report number by number, for the formats that programs exchange.

use super::document::{Document, TableBlock};
use crate::table::{Column, Format, Values};

/// A table as statistics under labels.
pub(super) struct Statistics<'a> {
    pub table: &'a TableBlock,
    /// What is the same for all rows or known of each: arm, visit, term.
    pub groups: Vec<&'a Column>,
    /// What is counted or estimated.
    pub numbers: Vec<&'a Column>,
    /// Why a row has no numbers, where a column says so.
    reasons: Vec<&'a Column>,
}

/// Columns of text that are results, not labels.
const RESULTS: [&str; 1] = ["number_needed"];

/// Columns of text that say why there is no result, or how it was found.
const REASONS: [&str; 3] = ["not_estimable", "failure", "vanished"];

/// Every table with numbers that are not in another one.
pub(super) fn of(document: &Document) -> impl Iterator<Item = Statistics<'_>> {
    document.tables().filter(|table| !table.repeats).map(Statistics::of).filter(|s| !s.numbers.is_empty())
}

impl<'a> Statistics<'a> {
    fn of(table: &'a TableBlock) -> Self {
        let is_text = |c: &&Column| matches!(c.values, Values::Text(_));
        let named = |c: &&Column, names: &[&str]| names.contains(&c.name.as_ref());
        let has_numbers = table.columns.iter().any(|c| !is_text(&c));
        Self {
            table,
            groups: table.columns.iter().filter(|c| is_text(c) && !named(c, &RESULTS) && !named(c, &REASONS)).collect(),
            numbers: table.columns.iter().filter(|c| has_numbers && (!is_text(c) || named(c, &RESULTS))).collect(),
            reasons: table.columns.iter().filter(|c| named(c, &REASONS)).collect(),
        }
    }

    /// The number of rows of the table.
    pub fn rows(&self) -> usize {
        self.table.columns.first().map_or(0, Column::len)
    }

    /// The groups of a row: name and level, those without a level left out.
    pub fn levels(&self, row: usize) -> Vec<(&'a str, String)> {
        self.groups.iter().map(|c| (c.name.as_ref(), c.formatted(row))).filter(|(_, level)| !level.is_empty()).collect()
    }

    /// The level of one group at a row.
    pub fn level(&self, name: &str, row: usize) -> Option<String> {
        self.levels(row).into_iter().find(|(group, _)| *group == name).map(|(_, level)| level)
    }

    /// Why the row has no numbers.
    pub fn reason(&self, row: usize) -> Option<String> {
        self.reasons.iter().map(|c| c.formatted(row)).find(|reason| !reason.is_empty())
    }
}

/// How many decimals print has of a number, as cards writes it: a number, or a pattern for percentages.
pub(super) fn decimals(column: &Column, row: usize) -> Option<String> {
    let format = match &column.values {
        Values::Text(_) => return None,
        Values::Count(_) => return Some("0".into()),
        Values::Real(_, format) => *format,
        Values::Each(_, formats) => formats[row],
    };
    match format {
        Format::Decimals(places) => Some(places.to_string()),
        Format::Percent => Some("xx.x%".into()),
        Format::Df => Some("1".into()),
        Format::PValue => Some("3".into()),
        Format::Probability => Some("4".into()),
        Format::Scientific(_) => None,
    }
}
