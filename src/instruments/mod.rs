//! Questionnaires and interviews: from item ratings to scores, clusters and diagnoses.
//!
//! [`Caps5`] and [`Scid5Pd`] come with the crate, and as data ([`InstrumentDefinition`]) the PCL-5, PHQ-9, GAD-7 and WHODAS 2.0
//! with 12 items. A questionnaire that sums items, or takes their mean, needs no more than a definition in a plan file.
//! Anything else with whole-number ratings is added by implementing [`Instrument`]; [`sum`], [`Item::numbered`] and [`Diagnosis::by_bounding`] do the work that all of them share. The
//! PHQ-9 in this way:
//!
//! ```
//! use trialstats::instruments::{Assessment, Diagnosis, Instrument, Item, MissingItems, Score, sum};
//!
//! #[derive(Debug)]
//! struct Phq9;
//!
//! impl Instrument for Phq9 {
//!     fn name(&self) -> &str {
//!         "PHQ-9"
//!     }
//!     fn items(&self) -> Vec<Item> {
//!         Item::numbered("phq9_", 1, 9, 0..=3)
//!     }
//!     fn scores(&self) -> Vec<Score> {
//!         vec![Score { name: "phq9".into(), label: "PHQ-9 total".into(), range: (0.0, 27.0) }]
//!     }
//!     fn diagnoses(&self) -> Vec<String> {
//!         vec!["phq9_positive".into()]
//!     }
//!     fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
//!         let positive = Diagnosis::by_bounding(&self.items(), ratings, |r| r.iter().map(|&x| u32::from(x)).sum::<u32>() >= 10);
//!         Assessment { scores: vec![sum(ratings, MissingItems::MakeMissing)], diagnoses: vec![positive] }
//!     }
//! }
//!
//! let mut ratings = vec![Some(1); 9];
//! assert_eq!(Phq9.assess(&ratings).scores, [Some(9.0)]);
//! ratings[8] = None; // 8 points on eight items: 10 or more is reached with a 2 or 3 on the ninth, so that it is not known
//! assert_eq!(Phq9.assess(&ratings), Assessment { scores: vec![None], diagnoses: vec![Diagnosis::Unknown] });
//! ```

mod caps5;
mod defined;
mod definition;
mod item_names;
mod item_rule;
mod registry;
mod scid5pd;
mod scoring;
mod severity;

pub use caps5::{CAPS5_CLUSTERS, Caps5, Caps5Cluster};
pub use defined::Defined;
pub use definition::{DiagnosisDefinition, InstrumentDefinition, ReliableChange, ScoreMethod, Severity, Subscale};
pub use item_names::ItemNames;
pub use item_rule::ItemRule;
pub use registry::{NamedInstrument, Registry};
pub use scid5pd::{Disorder, Scid5Pd};
pub use scoring::{Criterion, MissingItems, sum};
pub use severity::{Band, SeverityBands};

use crate::options::choices;
use std::fmt::Debug;

/// Whether the criteria of a disorder are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Diagnosis {
    /// The criteria are met whatever the missing items would be.
    Met,
    /// The criteria are not met whatever the missing items would be.
    NotMet,
    /// It depends on items that are missing.
    Unknown,
}

choices! {
    Diagnosis, "state of a diagnosis":
    Met = "met", [], "the criteria are met whatever the missing items would be";
    NotMet = "not-met", [], "the criteria are not met whatever the missing items would be";
    Unknown = "unknown", [], "it depends on missing items";
}

/// One item of an instrument: a rating on a whole-number scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name of its column in a file, e.g. `caps5_01`.
    pub name: String,
    /// Lowest rating.
    pub minimum: u8,
    /// Highest rating.
    pub maximum: u8,
}

/// A score that an instrument yields; it becomes an outcome of the trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Name used in formulas, e.g. `caps5`.
    pub name: String,
    /// Text for tables and figures, e.g. `CAPS-5 total`.
    pub label: String,
    /// Lowest and highest possible value.
    pub range: (f64, f64),
}

/// What one assessment with an instrument says, in the order of [`Instrument::scores`] and [`Instrument::diagnoses`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assessment {
    /// Each score, `None` where too many items are missing.
    pub scores: Vec<Option<f64>>,
    /// Each diagnosis.
    pub diagnoses: Vec<Diagnosis>,
}

/// An instrument: its items, and what they add up to.
pub trait Instrument: Debug + Send + Sync {
    /// Its name for people, e.g. `CAPS-5`.
    fn name(&self) -> &str;

    /// Its items in order.
    fn items(&self) -> Vec<Item>;

    /// The scores it yields.
    fn scores(&self) -> Vec<Score>;

    /// The names of the diagnoses it yields.
    fn diagnoses(&self) -> Vec<String> {
        vec![]
    }

    /// Texts that stand for a missing rating, beside those of the file: `?` for inadequate information.
    fn missing_codes(&self) -> &[&str] {
        &[]
    }

    /// How scores and diagnoses are made where the instrument leaves a choice, one sentence each, for the notes of
    /// tables.
    fn notes(&self) -> Vec<String> {
        vec![]
    }

    /// The name and options by which a [`Registry`] makes this instrument again, so that a layout with it can be
    /// written to a file; `None` for an instrument that is made in Rust only.
    fn named(&self) -> Option<NamedInstrument> {
        None
    }

    /// Scores one assessment; `ratings` holds one entry an item, within its range, `None` where missing.
    fn assess(&self, ratings: &[Option<u8>]) -> Assessment;
}
