//! Reports: sections of text, tables and figures, written as HTML, text, CSV and JSON. Nothing is computed here.
//!
//! # What a report says of single patients
//!
//! Nothing, unless the plan sets [`include-individual-data`](crate::analysis::ReportSettings::include_individual_data).
//! With it, and only then, these are in the figures, the tables and `report.json`:
//!
//! - every residual, in the figures of normal quantiles and of residuals against fitted values, and those beyond the
//!   whiskers of the boxes; otherwise points are means of five or more, and boxes are made of weighted means;
//! - the smallest, the median and the largest of observed scores and of baseline characteristics; and where there are
//!   only one or two patients, the mean or the standard deviation that would give them away;
//! - predicted effects of clusters that have a single patient.
//!
//! Never in a report are identifiers of patients, also where the layout of the plan lists them. Labels of arms, visits,
//! levels and clusters are in it as the file has them. The results in Rust have everything:
//! [`Fit::residuals`](crate::Fit::residuals), [`Fit::predictions`](crate::Fit::predictions),
//! [`Responders`](crate::responders::Responders).
//!
//! Numbers of patients can be small enough to recognise somebody.
//! [`small-cells = "suppressed"`](crate::analysis::SmallCells) leaves out those of 1 to 4, what goes with them, and what
//! they could be worked out from, in tables, figures, text and JSON.
//!
//! # How it is written
//!
//! [`Document::write_to`] makes all files beside the old ones and then puts them in their place, one by one, so that an
//! error leaves an earlier report as it was. `manifest.json` lists the files; those that an earlier report listed and the
//! new one does not have are removed, and nothing else. Symbolic links are replaced, or refused where a folder is one;
//! they are never followed. In CSV files, text that a spreadsheet would take for a formula begins with an apostrophe.

mod clustering;
mod condensed;
mod document;
mod effects;
mod estimand;
pub mod figure;
mod files;
mod html;
mod methods;
mod models;
mod multiplicity;
mod outcome;
mod participants;
mod published;
mod remission;
mod subgroups;
mod suppressed;
mod text;
mod trial_report;
mod views;

pub use document::{Block, Document, FigureBlock, Section, TableBlock};
pub use figure::Figure;
pub use files::Written;
pub use published::{PublishedRow, PublishedTable};
pub use trial_report::TrialReport;
