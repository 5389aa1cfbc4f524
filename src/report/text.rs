//! A report as text.

use super::document::{Block, Document};
use crate::table::Tabular as _;
use crate::table::layout::paragraph;

impl Document {
    /// The report as text no wider than `width` characters where its words allow; figures by title and caption.
    pub fn to_text(&self, width: usize) -> String {
        let mut parts = vec![headed(&self.title, '═', width)];
        parts.extend((!self.subtitle.is_empty()).then(|| paragraph(&self.subtitle, width)));
        parts.extend(self.banner.as_ref().map(|b| paragraph(&format!("*** {b} ***"), width)));
        for section in &self.sections {
            parts.push(headed(&section.heading, '─', width));
            parts.extend(section.blocks.iter().map(|b| block(b, width)));
        }
        parts.push(paragraph(&self.produced(), width));
        parts.join("\n")
    }
}

fn block(block: &Block, width: usize) -> String {
    match block {
        Block::Paragraph { lead, text } => paragraph(&format!("{lead} {text}"), width),
        Block::Table(table) => table.to_text_within(width),
        Block::Figure(f) => paragraph(&format!("[Figure: {}. {}]", f.figure.title, f.figure.description), width),
    }
}

fn headed(text: &str, rule: char, width: usize) -> String {
    let underline: String = std::iter::repeat_n(rule, text.chars().count().min(width)).collect();
    format!("{}{underline}\n", paragraph(text, width))
}
