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
    rows: Vec<Vec<Cell>>,
    notes: &'a [String],
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
        let rows = table.columns.first().map_or(0, Column::len);
        let cell = |c: &Column, r: usize| Cell { text: printed(c, r), class: class(c) };
        Self {
            id: &table.name,
            number,
            title: &table.title,
            headings: table.columns.iter().map(|c| Cell { text: c.heading.clone(), class: class(c) }).collect(),
            rows: (0..rows).map(|r| table.columns.iter().map(|c| cell(c, r)).collect()).collect(),
            notes: &table.notes,
        }
    }
}

/// The cell as print has it: with a minus sign rather than a hyphen before numbers.
fn printed(column: &Column, row: usize) -> String {
    let text = column.formatted(row);
    match column.values {
        Values::Text(_) => text,
        _ => text.replace('-', "−"),
    }
}

fn class(column: &Column) -> &'static str {
    if matches!(column.values, Values::Text(_)) { "label" } else { "number" }
}
