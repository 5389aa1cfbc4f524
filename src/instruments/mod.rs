//! Questionnaires and interviews: from item ratings to scores, clusters and diagnoses.

use std::fmt::Debug;

/// Whether the criteria of a disorder are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Diagnosis {
    /// The criteria are met whatever the missing items would be.
    Met,
    /// The criteria are not met whatever the missing items would be.
    NotMet,
    /// It depends on items that are missing.
    Unknown,
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

    /// Scores one assessment; `ratings` holds one entry an item, within its range, `None` where missing.
    fn assess(&self, ratings: &[Option<u8>]) -> Assessment;
}
