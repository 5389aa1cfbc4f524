//! A report as one HTML file that opens offline and prints well.

use askama::Template as _;

use super::document::{Block, Document, TableBlock};
use crate::table::{Column, Values};

impl Document {
    /// The report as one self-contained HTML document: no script, no font and no image from elsewhere.
    pub fn to_html(&self) -> String {
        // A template checked at compile time that writes to memory cannot fail.
        Page::of(self).render().unwrap_or_default()
    }
}

#[derive(askama::Template)]
#[template(path = "report.html")]
struct Page<'a> {
    document: &'a Document,
    sections: Vec<SectionView<'a>>,
}

struct SectionView<'a> {
    id: String,
    heading: &'a str,
    blocks: Vec<BlockView<'a>>,
}

enum BlockView<'a> {
    Paragraph { lead: &'a str, text: &'a str },
    Table(TableView<'a>),
    Figure { id: &'a str, number: usize, title: &'a str, description: &'a str, svg: &'a str },
}

struct TableView<'a> {
    id: &'a str,
    number: usize,
    title: &'a str,
    headings: Vec<Cell>,
    rows: Vec<RowView>,
    notes: &'a [String],
}

/// A row of cells, under a heading of its own where a group begins.
struct RowView {
    group: Option<String>,
    cells: Vec<Cell>,
}

struct Cell {
    text: String,
    class: &'static str,
}

impl<'a> Page<'a> {
    fn of(document: &'a Document) -> Self {
        let (mut tables, mut figures) = (0, 0);
        let sections = document.sections.iter().enumerate().map(|(k, section)| SectionView {
            id: format!("section-{}", k + 1),
            heading: &section.heading,
            blocks: section.blocks.iter().map(|b| BlockView::of(b, &mut tables, &mut figures)).collect(),
        });
        Self { sections: sections.collect(), document }
    }
}

impl<'a> BlockView<'a> {
    fn of(block: &'a Block, tables: &mut usize, figures: &mut usize) -> Self {
        match block {
            Block::Paragraph { lead, text } => BlockView::Paragraph { lead, text },
            Block::Table(table) => {
                *tables += 1;
                BlockView::Table(TableView::of(table, *tables))
            }
            Block::Figure(f) => {
                *figures += 1;
                let (title, description) = (&f.figure.title, &f.figure.description);
                BlockView::Figure { id: &f.name, number: *figures, title, description, svg: &f.figure.svg }
            }
        }
    }
}

impl<'a> TableView<'a> {
    fn of(table: &'a TableBlock, number: usize) -> Self {
        let rows = table.shown.first().map_or(0, Column::len);
        let (groups, columns) = grouped(&table.shown);
        let class_of = |k: usize, r: usize| if repeats(columns, k, r) { "label repeat" } else { class(&columns[k]) };
        let cell = |k: usize, r: usize| Cell { text: printed(&columns[k], r), class: class_of(k, r) };
        let group = |r: usize| groups.filter(|g| r == 0 || g.formatted(r) != g.formatted(r - 1)).map(|g| g.formatted(r));
        let row = |r: usize| RowView { group: group(r), cells: (0..columns.len()).map(|k| cell(k, r)).collect() };
        Self {
            id: &table.name,
            number,
            title: &table.title,
            headings: columns.iter().map(|c| Cell { text: c.heading.clone(), class: class(c) }).collect(),
            rows: (0..rows).map(row).collect(),
            notes: &table.notes,
        }
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
