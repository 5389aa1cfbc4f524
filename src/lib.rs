//! Intention-to-treat analysis of randomized trials with repeated measurements, from the data file to the report.
//!
//! Three nouns carry everything: a [`Trial`] (the data, checked once), a [`Model`] (what is assumed), and a [`Fit`]
//! (what was found). Results hang off them as methods and are tables: they print with the way they were made,
//! serialise with serde, write CSV and, with the feature `polars`, become a `DataFrame` ([`Tabular`]).
//!
//! # From a file to the contrast
//!
//! ```
//! use trialstats::means::ContrastOptions;
//! use trialstats::{Df, Layout, Model};
//!
//! # fn main() -> trialstats::Result<()> {
//! // 1. The data: which column is what. Every problem in the file is reported at once, with its place.
//! let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
//!     .reference_arm("PLACEBO")
//!     .outcome("CHANGE")
//!     .covariate("BASVAL")
//!     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
//! assert_eq!(trial.randomized(), [88, 84]);
//!
//! // 2. The model: an MMRM with unstructured covariance by REML, unless stated otherwise.
//! let fit = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT")?.df(Df::KenwardRoger).fit(&trial)?;
//!
//! // 3. What it says: the difference between the arms at each visit.
//! let contrasts = fit.arm_contrasts(&ContrastOptions::default())?;
//! let last = contrasts.rows.last().expect("there are four visits");
//! assert_eq!((last.label().as_str(), last.visit.as_deref()), ("DRUG - PLACEBO", Some("7")));
//! println!("{contrasts}");
//! # Ok(())
//! # }
//! ```
//!
//! # Where to go on
//!
//! | to | see |
//! |---|---|
//! | read long and wide files, data frames, Parquet; see who was randomized, observed, analysed | [`trial`] |
//! | score CAPS-5 and SCID-5-PD items, or a custom instrument | [`instruments`] |
//! | write mean models, analyse the baseline as covariate or as response (cLDA) | [`design`] |
//! | state random effects of therapists, groups, sites and patients; a trial with groups in one arm | [`Model::formula`], [`design::RandomEffects`], [`PartiallyNested`] |
//! | choose a covariance structure or add one | [`covariance`] |
//! | know how a fit is found, and how it fails | [`fit`] |
//! | choose degrees of freedom; residuals; information criteria | [`inference`] |
//! | get marginal means, contrasts, changes from baseline, joint tests, non-inferiority | [`means`] |
//! | analyse several outcomes at once | [`joint`] |
//! | get Cohen's d with its denominator and interval named, bootstrap | [`effects`] |
//! | define response and remission, compare rates | [`responders`] |
//! | classify patients by reliable and clinically significant change; cumulative responder curves | [`change`] |
//! | model a binary outcome or a count | [`generalized`] |
//! | compare proportions without a model: intervals, exact tests, strata | [`proportions`] |
//! | run a whole analysis by plan | [`analysis`] |
//! | begin a plan from a file | [`draft`] |
//! | write it as HTML, CSV, JSON, figures | [`report`] |
//! | test several hypotheses at one familywise level | [`multiplicity`] |
//! | make trials from a stated truth | [`simulate`] |
//! | plan a trial: power by simulation of the plan and by formula, sample size, interim looks | [`study`] |
//! | know what the methods keep in small trials, and where SAS and R give other numbers | [`guide`] |
//!
//! The features: `cli` (on by default) is the command `trialstats`; `planning` (on by default) is the room `study`;
//! `formats` (on by default) reads workbooks and the files of SPSS, Stata and SAS; `polars` brings data frames in and out;
//! `parquet` the files as well.

// Planning asks rooms before it for what nobody else does.
#![cfg_attr(not(feature = "planning"), allow(dead_code, unused_imports))]

pub mod analysis;
pub mod bootstrap;
pub mod change;
mod closest;
pub mod covariance;
pub mod design;
pub mod dist;
pub mod draft;
pub mod effects;
pub mod error;
pub mod estimates;
pub mod fit;
pub mod generalized;
pub mod guide;
pub mod imputation;
pub mod inference;
pub mod instruments;
pub mod joint;
mod level;
pub mod means;
mod model;
pub mod multiplicity;
pub mod options;
pub mod proportions;
pub mod qualify;
pub mod report;
pub mod responders;
pub mod schema;
mod seal;
pub mod simulate;
#[cfg(feature = "planning")]
pub mod study;
pub mod table;
pub mod trial;
mod written;

pub use covariance::Covariance;
pub use design::MeanModel;
pub use error::{Error, Result};
pub use estimates::Estimates;
pub use fit::Estimation;
pub use inference::{Df, Fit, Vcov};
pub use joint::JointModel;
pub use means::Means;
pub use model::{GroupEffect, Model, PartiallyNested, WithinArms};
/// The linear algebra of matrices in the public interface; use it by this name so that versions agree.
pub use nalgebra;
pub use table::Tabular;
pub use trial::{Layout, Trial};

/// The README's program, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
