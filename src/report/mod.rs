//! Reports: sections of text, tables and figures, written as HTML, text, CSV and JSON. Nothing is computed here.

mod document;
pub mod figure;
mod files;
mod html;
mod terminal;

pub use document::{Block, Document, FigureBlock, Section, TableBlock};
pub use figure::Figure;
pub use files::Written;
