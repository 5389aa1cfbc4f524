//! Reports: sections of text, tables and figures, written as HTML, text, CSV and JSON. Nothing is computed here.

mod clustering;
mod condensed;
mod document;
mod effects;
pub mod figure;
mod files;
mod html;
mod methods;
mod outcome;
mod participants;
mod published;
mod remission;
mod text;
mod trial_report;
mod views;

pub use document::{Block, Document, FigureBlock, Section, TableBlock};
pub use figure::Figure;
pub use files::Written;
pub use published::{PublishedRow, PublishedTable};
pub use trial_report::TrialReport;
