//! A table as every writer for readers lays it out: headings, groups, rows, and which cells are numbers.

use super::document::{Document, TableBlock};
use crate::analysis::ReportStyle;
use crate::table::{Column, Format, Values};

/// A table laid out.
pub(super) struct Grid<'a> {
    pub id: &'a str,
    pub number: usize,
    pub title: &'a str,
    pub headings: Vec<Cell>,
    pub rows: Vec<GridRow>,
    pub notes: &'a [String],
}

/// A row of cells, under a heading of its own where a group begins.
pub(super) struct GridRow {
    pub group: Option<String>,
    pub cells: Vec<Cell>,
}

/// A cell: its text, what it is (`label`, `number`, …) and the section that it leads to.
pub(super) struct Cell {
    pub text: String,
    pub class: &'static str,
    pub link: Option<String>,
}

impl Cell {
    /// Whether it is text rather than numbers.
    pub fn is_label(&self) -> bool {
        self.class.starts_with("label")
    }
}

/// The name by which links find a section.
pub(super) fn section_id(position: usize) -> String {
    format!("section-{}", position + 1)
}

impl<'a> Grid<'a> {
    /// The layout of a table with its number in the document.
    pub fn of(document: &Document, table: &'a TableBlock, number: usize) -> Self {
        let rows = table.shown.first().map_or(0, Column::len);
        let (groups, columns) = grouped(&table.shown);
        let class_of = |k: usize, r: usize| if repeats(columns, k, r) { "label repeat" } else { class(&columns[k]) };
        let link = |text: &str| {
            let place = || document.sections.iter().position(|section| section.heading == text).map(section_id);
            if table.linked { place() } else { None }
        };
        let cell = |k: usize, r: usize| {
            let text = in_style(&columns[k], printed(&columns[k], r), document.style);
            Cell { link: link(&text), text, class: class_of(k, r) }
        };
        let group = |r: usize| groups.filter(|g| r == 0 || g.formatted(r) != g.formatted(r - 1)).map(|g| g.formatted(r));
        let row = |r: usize| GridRow { group: group(r), cells: (0..columns.len()).map(|k| cell(k, r)).collect() };
        Self {
            id: &table.name,
            number,
            title: &table.title,
            headings: columns.iter().map(|c| Cell { text: c.heading.clone(), class: class(c), link: None }).collect(),
            rows: (0..rows).map(row).collect(),
            notes: &table.notes,
        }
    }

    /// How wide each column wants to be, in characters: as its longest cell up to a limit, and at least as its longest word.
    pub fn widths(&self) -> Vec<usize> {
        const MOST: usize = 34;
        let length = |text: &str| text.chars().count();
        let word = |text: &str| text.split_whitespace().map(length).max().unwrap_or(0);
        let wanted = |k: usize| {
            let cells = self.rows.iter().map(|row| &row.cells[k]);
            let own = cells.map(|c| if c.is_label() { length(&c.text).min(MOST).max(word(&c.text)) } else { length(&c.text) });
            own.max().unwrap_or(0).max(word(&self.headings[k].text)).max(2)
        };
        (0..self.headings.len()).map(wanted).collect()
    }
}

/// The first column apart, where its labels are long and stand in groups: they become headings across the table.
fn grouped(columns: &[Column]) -> (Option<&Column>, &[Column]) {
    let Some((first, rest)) = columns.split_first() else { return (None, columns) };
    let labels: Vec<String> = (0..first.len()).map(|r| first.formatted(r)).collect();
    let groups = labels.chunk_by(|a, b| a == b).count();
    let long = labels.iter().any(|l| l.chars().count() > LONG_LABEL);
    if matches!(first.values, Values::Text(_)) && long && labels.len() >= 3 * groups { (Some(first), rest) } else { (None, columns) }
}

/// Labels longer than this, in characters, stand across the table rather than in a column.
const LONG_LABEL: usize = 20;

/// The cell as print has it: with a minus sign rather than a hyphen before numbers.
fn printed(column: &Column, row: usize) -> String {
    match column.values {
        Values::Text(_) => column.formatted(row),
        _ => super::condensed::minus_signs(&column.formatted(row)),
    }
}

/// P-values as the style of the report has them: study reports keep the zero before the point.
fn in_style(column: &Column, text: String, style: ReportStyle) -> String {
    let is_p = matches!(column.values, Values::Real(_, Format::PValue | Format::Probability));
    match (style, is_p) {
        (ReportStyle::Csr, true) if text.starts_with('.') => format!("0{text}"),
        (ReportStyle::Csr, true) => text.replace("< .", "< 0."),
        _ => text,
    }
}

/// Numbers stand right; text that is numbers (an estimate with its interval) stays on one line.
fn class(column: &Column) -> &'static str {
    match &column.values {
        Values::Text(_) if is_numbers(column) => "interval",
        Values::Text(_) => "label",
        _ => "number",
    }
}

fn is_numbers(column: &Column) -> bool {
    let numeric = |text: &String| text.chars().all(|c| !c.is_alphabetic() || "to∞".contains(c)) && text.chars().any(|c| c.is_ascii_digit());
    let cells: Vec<String> = (0..column.len()).map(|r| column.formatted(r)).filter(|c| !c.is_empty() && c != "–").collect();
    !cells.is_empty() && cells.iter().all(numeric)
}

/// Whether the cell says what the one above says, and so do all cells to its left.
fn repeats(columns: &[Column], column: usize, row: usize) -> bool {
    row > 0
        && columns[..=column].iter().all(|c| matches!(c.values, Values::Text(_)) && c.formatted(row) == c.formatted(row - 1))
        && class(&columns[column]) == "label"
}
