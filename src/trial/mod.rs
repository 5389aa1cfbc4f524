//! The data of a randomized trial: patients, arms, the visit schedule, outcomes, covariates and clusters.
//!
//! A [`Trial`] is checked once, when it is made, and read-only afterwards. Everything per patient and visit is stored
//! patient by patient: the value of patient `i` at scheduled visit `t` is at `i * visits + t`.

mod after_baseline;
mod baseline;
mod baseline_from;
mod builder;
mod columns;
mod flow;
#[cfg(feature = "polars")]
mod frame;
mod layout;
mod observed;
mod patterns;
mod protocol;
mod reading;
mod replace;
mod resample;
mod schedule;
mod summary;

pub use baseline::{BaselineRow, BaselineTable, Characteristic};
pub use baseline_from::BaselineFrom;
pub use builder::TrialBuilder;
pub use columns::{CovariateKind, OutcomeColumn};
pub use flow::{AnalysisSet, Exclusion, FlowRow, FlowStep, ParticipantFlow};
pub use layout::{DecimalMark, Delimiter, Layout};
pub use observed::{ObservedMeans, ObservedRow};
pub use patterns::{MissingPatterns, PatternKind, PatternRow};
pub use protocol::Protocol;
pub use reading::{Chunk, Chunks};
pub use schedule::{Schedule, Visit};
pub use summary::Summary;

use crate::error::{Error, Result};
use crate::instruments::Diagnosis;

/// A randomized trial with repeated measurements: the data, and nothing about models.
#[derive(Debug, Clone)]
pub struct Trial {
    source: String,
    columns: ColumnNames,
    patients: Vec<String>,
    arms: Vec<String>,
    arm_of: Vec<usize>,
    schedule: Schedule,
    outcomes: Vec<Outcome>,
    diagnoses: Vec<DiagnosisSeries>,
    covariates: Vec<Covariate>,
    clusters: Vec<Cluster>,
    clusters_by_visit: Vec<ClusterByVisit>,
    inferred: Vec<String>,
}

/// What the columns of patient, arm and visit were called in the file; a formula may use these names or the generic
/// ones.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ColumnNames {
    /// Column of the patient identifier.
    pub patient: String,
    /// Column of the arm; `arm` where the trial has none.
    pub arm: String,
    /// Column of the visit.
    pub visit: String,
}

impl Default for ColumnNames {
    fn default() -> Self {
        Self { patient: "patient".into(), arm: "arm".into(), visit: "visit".into() }
    }
}

/// A measurement that is analysed: one number a patient and visit.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Name used in formulas.
    pub name: String,
    /// Text for tables and figures, e.g. `CAPS-5 total`.
    pub label: String,
    /// Lowest and highest possible score, where the instrument has them.
    pub range: Option<(f64, f64)>,
    /// Patient by patient, NaN where not observed.
    pub values: Vec<f64>,
}

/// A diagnosis assessed at each visit.
#[derive(Debug, Clone)]
pub struct DiagnosisSeries {
    /// Name, e.g. `ptsd`.
    pub name: String,
    /// Patient by patient, `None` where the visit was not attended.
    pub values: Vec<Option<Diagnosis>>,
}

/// Something known of a patient (or of a patient at a visit) that explains the outcome.
#[derive(Debug, Clone)]
pub struct Covariate {
    /// Name used in formulas.
    pub name: String,
    /// Its values.
    pub values: CovariateValues,
}

/// The values of a [`Covariate`].
#[derive(Debug, Clone)]
pub enum CovariateValues {
    /// A number a patient, NaN where missing.
    Numeric(Vec<f64>),
    /// A level a patient.
    Factor {
        /// Levels in order, the reference first.
        levels: Vec<String>,
        /// Index into `levels`, `None` where missing.
        codes: Vec<Option<usize>>,
    },
    /// A number a patient and visit, NaN where missing.
    NumericByVisit(Vec<f64>),
    /// A level a patient and visit.
    FactorByVisit {
        /// Levels in order, the reference first.
        levels: Vec<String>,
        /// Index into `levels`, `None` where missing.
        codes: Vec<Option<usize>>,
    },
}

/// What patients share beyond their arm: site, therapist, therapy group.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name, e.g. `therapist`.
    pub name: String,
    /// The clusters.
    pub levels: Vec<String>,
    /// A patient's cluster, `None` for a patient in none.
    pub codes: Vec<Option<usize>>,
}

/// What patients share at a visit, where that may change: the therapist of a patient who changes therapists.
#[derive(Debug, Clone)]
pub struct ClusterByVisit {
    /// Name, e.g. `therapist`.
    pub name: String,
    /// The clusters.
    pub levels: Vec<String>,
    /// The cluster of each patient at each scheduled visit, patient by patient; `None` where in none.
    pub codes: Vec<Option<usize>>,
}

impl Trial {
    /// Starts a trial from values in memory; files are read through a layout.
    pub fn builder(source: impl Into<String>) -> TrialBuilder {
        TrialBuilder::new(source)
    }

    /// Where the data came from: a file's name or a description.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What patient, arm and visit were called.
    pub fn column_names(&self) -> &ColumnNames {
        &self.columns
    }

    /// Patient identifiers, in the order of the file. Everyone randomized is here, with or without outcomes.
    pub fn patients(&self) -> &[String] {
        &self.patients
    }

    /// Arms, the reference first.
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// The arm of each patient, as an index into [`Trial::arms`].
    pub fn arm_of(&self) -> &[usize] {
        &self.arm_of
    }

    /// Patients randomized to each arm.
    pub fn randomized(&self) -> Vec<usize> {
        let mut n = vec![0; self.arms.len()];
        self.arm_of.iter().for_each(|&a| n[a] += 1);
        n
    }

    /// The scheduled visits in order.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// All outcomes.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The outcome called `name`.
    pub fn outcome(&self, name: &str) -> Result<&Outcome> {
        let known: Vec<&str> = self.outcomes.iter().map(|o| o.name.as_str()).collect();
        self.outcomes.iter().find(|o| o.name == name).ok_or_else(|| Error::unknown("outcome", name, &known))
    }

    /// The value of `outcome` for a patient at a visit, `None` where not observed.
    pub fn value(&self, outcome: &Outcome, patient: usize, visit: usize) -> Option<f64> {
        let value = outcome.values[patient * self.schedule.len() + visit];
        (!value.is_nan()).then_some(value)
    }

    /// All diagnoses.
    pub fn diagnoses(&self) -> &[DiagnosisSeries] {
        &self.diagnoses
    }

    /// The diagnosis called `name`.
    pub fn diagnosis(&self, name: &str) -> Result<&DiagnosisSeries> {
        let known: Vec<&str> = self.diagnoses.iter().map(|d| d.name.as_str()).collect();
        self.diagnoses.iter().find(|d| d.name == name).ok_or_else(|| Error::unknown("diagnosis", name, &known))
    }

    /// All covariates.
    pub fn covariates(&self) -> &[Covariate] {
        &self.covariates
    }

    /// The covariate called `name`, if there is one.
    pub fn covariate(&self, name: &str) -> Option<&Covariate> {
        self.covariates.iter().find(|c| c.name == name)
    }

    /// All cluster memberships that patients keep; [`Trial::clusters_by_visit`] has those that may change.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// The cluster factor called `name`, if there is one that patients keep.
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|c| c.name == name)
    }

    /// All cluster memberships that may change from visit to visit.
    pub fn clusters_by_visit(&self) -> &[ClusterByVisit] {
        &self.clusters_by_visit
    }

    /// The cluster factor called `name`, if there is one that may change from visit to visit.
    pub fn cluster_by_visit(&self, name: &str) -> Option<&ClusterByVisit> {
        self.clusters_by_visit.iter().find(|c| c.name == name)
    }

    /// Names of all cluster factors, those that patients keep first.
    pub(crate) fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.clusters.iter().map(|c| c.name.as_str()).chain(self.clusters_by_visit.iter().map(|c| c.name.as_str()))
    }

    /// What the reader decided by itself (visit order, reference arm, baseline visit, kinds of columns), a sentence
    /// each.
    pub fn inferred(&self) -> &[String] {
        &self.inferred
    }
}
