//! A report as one HTML file that opens offline and prints well.

use askama::Template as _;

use super::document::{Block, Document};
use super::grid::{Grid, section_id};
use super::words::{Emphasis, Text};
use crate::analysis::{Paper, ReportStyle};

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
    paper: &'static str,
    csr: bool,
}

struct SectionView<'a> {
    id: String,
    heading: &'a str,
    class: &'static str,
    blocks: Vec<BlockView<'a>>,
}

enum BlockView<'a> {
    Paragraph { lead: &'a str, text: &'a Text },
    Table(Grid<'a>),
    Figure { id: &'a str, number: usize, title: &'a str, description: &'a str, svg: &'a str },
}

impl<'a> Page<'a> {
    fn of(document: &'a Document) -> Self {
        let (mut tables, mut figures) = (0, 0);
        let sections = document.sections.iter().enumerate().map(|(k, section)| SectionView {
            id: section_id(k),
            heading: &section.heading,
            class: match (k, section.appendix) {
                (0, _) => "first",
                (_, true) if !document.sections[k - 1].appendix => "appendix opening",
                (_, true) => "appendix",
                _ => "",
            },
            blocks: section.blocks.iter().map(|b| BlockView::of(document, b, &mut tables, &mut figures)).collect(),
        });
        let paper = match document.paper {
            Paper::A4 => "A4",
            Paper::Letter => "letter",
        };
        Self { sections: sections.collect(), document, paper, csr: document.style == ReportStyle::Csr }
    }
}

impl<'a> BlockView<'a> {
    fn of(document: &'a Document, block: &'a Block, tables: &mut usize, figures: &mut usize) -> Self {
        match block {
            Block::Paragraph { lead, text } => BlockView::Paragraph { lead, text },
            Block::Table(table) => {
                *tables += 1;
                BlockView::Table(Grid::of(document, table, *tables))
            }
            Block::Figure(f) => {
                *figures += 1;
                let (title, description) = (&f.figure.title, &f.figure.description);
                BlockView::Figure { id: &f.name, number: *figures, title, description, svg: &f.figure.svg }
            }
        }
    }
}

impl Text {
    /// Its pieces with what HTML calls their emphasis.
    fn tagged(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.runs().iter().map(|run| {
            let tag = match run.emphasis {
                Emphasis::Plain => "",
                Emphasis::Italic => "em",
                Emphasis::Bold => "strong",
            };
            (run.text.as_str(), tag)
        })
    }
}
