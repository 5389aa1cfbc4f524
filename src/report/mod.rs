//! Reports: a first page that answers the question, the results in the order in which readers look for them, details in
//! appendices; sections of text, tables and figures in many forms. Nothing is computed here.
//!
//! | form | file | made by |
//! |---|---|---|
//! | HTML, one file, which prints without half-empty pages on A4 or Letter | `report.html` | [`Document::to_html`] |
//! | all numbers and sentences | `report.json` | [`Document::to_json`] |
//! | tables at full precision, with their notes | `tables/*.csv`, `tables/README.txt` | |
//! | figures | `figures/*.svg` | [`Figure`] |
//! | the plan as it ran | `plan.toml` | [`Plan::to_toml`](crate::analysis::Plan::to_toml) |
//! | Word | `report.docx` | [`Document::to_docx`] |
//! | RTF, landscape, a table a page | `report.rtf` | [`Document::to_rtf`] |
//! | figures, 300 dots per inch | `figures/*.png` | [`Figure::to_png`] |
//! | figures to be embedded | `figures/*.pdf` | [`Figure::to_pdf`] |
//! | analysis results data: one row per statistic, the columns of R's package cards | `ard.csv`, `ard.json` | [`Document::to_ard_csv`] |
//! | CDISC ARS version 1 | `ars.json` | [`Document::to_ars`] |
//!
//! The first five are always written (`plan.toml` where a file can hold the plan), the others where
//! [`documents`](crate::analysis::ReportSettings::documents) of the plan, or [`Document::write_as`], names them. The same
//! plan and data give the same bytes; the only date is the one that [`TrialReport::dated`] is told.
//!
//! ```no_run
//! use trialstats::report::{Kind, Provenance, TrialReport};
//! # fn report(result: &trialstats::analysis::AnalysisResult) -> trialstats::Result<()> {
//! let report = TrialReport::new(result).dated("2026-11-30").provenance(Provenance::of_file("trial.csv")?);
//! report.document().write_as("report", &[Kind::Docx, Kind::Ars])?;
//! # Ok(())
//! # }
//! ```
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
//! they could be worked out from, in tables, figures, text and JSON. Every form of a report is made of the same tables, so
//! that what one does not show is in none.
//!
//! # How it is written
//!
//! [`Document::write_to`] makes all files beside the old ones and then puts them in their place, one by one, so that an
//! error leaves an earlier report as it was. `manifest.json` lists the files; those that an earlier report listed and the
//! new one does not have are removed, and nothing else. Symbolic links are replaced, or refused where a folder is one;
//! they are never followed. In CSV files, text that a spreadsheet would take for a formula begins with an apostrophe.

mod adjusted;
mod archive;
mod ard;
mod ars;
mod clustering;
mod condensed;
mod consort;
mod document;
mod docx;
mod docx_parts;
mod effects;
mod estimand;
pub mod figure;
mod files;
mod first_page;
mod grid;
mod html;
mod imputed;
mod individual_change;
mod methods;
mod models;
mod multiplicity;
mod outcome;
mod participants;
mod pooled;
mod populations;
mod provenance;
mod published;
mod remission;
mod rtf;
mod sentences;
mod statistics;
mod subgroups;
mod suppressed;
mod text;
mod trial_report;
mod views;
mod words;

pub use crate::analysis::{DocumentKind as Kind, Paper, ReportStyle};
pub use document::{Block, Document, FigureBlock, Section, TableBlock};
pub use figure::Figure;
pub use files::Written;
pub use pooled::pooled_report;
pub use provenance::Provenance;
pub use published::{PublishedRow, PublishedTable};
pub use trial_report::TrialReport;
pub use words::{Emphasis, Run, Text};
