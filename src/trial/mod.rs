//! The data of a randomized trial: patients, arms, the visit schedule, outcomes, and variables such as covariates and
//! clusters.
//!
//! A [`Trial`] is checked once, when it is made, and read-only afterwards. Everything per patient and visit is stored
//! patient by patient: the value of patient `i` at scheduled visit `t` is at `i * visits + t`.

mod after_baseline;
mod baseline;
mod baseline_from;
mod builder;
mod columns;
pub(crate) mod condition;
mod file;
mod flow;
#[cfg(feature = "polars")]
mod frame;
mod identifiers;
pub(crate) mod labelled;
pub(crate) mod layout;
mod meeting;
mod observed;
mod patterns;
mod piece;
mod protocol;
mod reading;
mod replace;
mod resample;
mod schedule;
mod summary;
mod values;
mod variable;
mod warning;

pub use baseline::{BaselineRow, BaselineTable, Characteristic};
pub use baseline_from::BaselineFrom;
pub use builder::TrialBuilder;
pub use columns::{CovariateKind, OutcomeColumn};
pub use condition::{Condition, LeftOut, LeftOutOf, LeftOutTable};
pub use file::{FileFacts, FileFormat};
pub use flow::{AnalysisSet, Exclusion, FlowRow, FlowStep, ParticipantFlow};
pub(crate) use identifiers::Identifiers;
pub use labelled::Labelled;
pub(crate) use layout::DeclaredNames;
pub use layout::{DecimalMark, Delimiter, Layout, Preset};
pub use observed::{ObservedMeans, ObservedRow};
pub use patterns::{MissingPatterns, PatternKind, PatternRow};
pub use protocol::Protocol;
pub use reading::{Chunk, Chunks};
pub(crate) use reading::{Days, Look, LookedAt, days, look};
pub use schedule::{Schedule, Visit};
pub use summary::{FEW, Summary};
pub(crate) use values::on_visits;
pub(crate) use variable::VariableHeader;
pub use variable::{Kind, Role, Scope, Variable};
pub use warning::{Warning, WarningKind};

use crate::error::{Error, Result};
use crate::instruments::Diagnosis;

/// A randomized trial with repeated measurements: the data, and nothing about models.
#[derive(Debug, Clone)]
pub struct Trial {
    source: String,
    columns: ColumnNames,
    patients: Identifiers,
    arms: Vec<String>,
    arm_of: Vec<usize>,
    schedule: Schedule,
    outcomes: Vec<Outcome>,
    diagnoses: Vec<DiagnosisSeries>,
    variables: Vec<Variable>,
    inferred: Vec<String>,
    warnings: Vec<Warning>,
    left_out: Vec<LeftOut>,
    file: Option<FileFacts>,
}

/// What the columns of patient, arm and visit were called in the file; a formula may use these names or the generic
/// ones.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnNames {
    /// Column of the patient identifier.
    pub patient: String,
    /// Column of the arm; `arm` where the trial has none.
    pub arm: String,
    /// Column of the visit.
    pub visit: String,
    /// Column of the visits' planned times, where the file has one; in a formula it is the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Columns of the file that are called `arm`, `visit`, `time` or `baseline`, are not what these names mean
    /// otherwise, and were not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

impl Default for ColumnNames {
    fn default() -> Self {
        Self { patient: "patient".into(), arm: "arm".into(), visit: "visit".into(), time: None, unread: vec![] }
    }
}

/// A measurement that is analysed: one number per patient and visit.
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

impl Trial {
    /// Starts a trial from values in memory; files are read through a layout.
    pub fn builder(source: impl Into<String>) -> TrialBuilder {
        TrialBuilder::new(source)
    }

    /// Where the data came from: a file's name or a description.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The file that the trial was read from, with its digest; none of a trial built in memory, read from a data frame,
    /// or read in chunks.
    pub fn file(&self) -> Option<&FileFacts> {
        self.file.as_ref()
    }

    /// What patient, arm and visit were called.
    pub fn column_names(&self) -> &ColumnNames {
        &self.columns
    }

    /// Patient identifiers, in the order of the file. Everyone randomized is here, with or without outcomes.
    pub fn patients(&self) -> &[String] {
        &self.patients
    }

    /// The patients' identifiers, to be kept beside the trial.
    pub(crate) fn shared_patients(&self) -> Identifiers {
        self.patients.clone()
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

    /// Everything else that is known of the patients: covariates, clusters and weights.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The variable called `name`; where a covariate and a cluster share the name, the covariate.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that exist.
    pub fn variable(&self, name: &str) -> Result<&Variable> {
        self.find(name, Role::Covariate).ok_or_else(|| Error::unknown("variable", name, &names(self.variables.iter())))
    }

    /// The covariates.
    pub fn covariates(&self) -> impl Iterator<Item = &Variable> {
        self.in_role(Role::Covariate)
    }

    /// The covariate called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the covariates that there are.
    pub fn covariate(&self, name: &str) -> Result<&Variable> {
        self.covariates().find(|v| v.name() == name).ok_or_else(|| Error::unknown("covariate", name, &names(self.covariates())))
    }

    /// The clusters, both those that patients keep and those that they may change.
    pub fn clusters(&self) -> impl Iterator<Item = &Variable> {
        self.in_role(Role::Cluster)
    }

    /// The clusters called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the clusters that there are.
    pub fn cluster(&self, name: &str) -> Result<&Variable> {
        self.clusters().find(|v| v.name() == name).ok_or_else(|| Error::unknown("cluster", name, &names(self.clusters())))
    }

    /// The values of a numeric covariate with one per patient, NaN where missing.
    pub(crate) fn patient_numbers(&self, name: &str) -> Result<&[f64]> {
        let covariate = self.covariate(name)?;
        covariate.numbers().filter(|_| covariate.scope() == Scope::Patient).ok_or_else(|| {
            Error::wrong_variable(
                format!("covariate `{name}`"),
                "it is not one number per patient",
                "name a numeric covariate that does not change between visits",
            )
        })
    }

    fn in_role(&self, role: Role) -> impl Iterator<Item = &Variable> {
        self.variables.iter().filter(move |v| v.role() == role)
    }

    /// The variable called `name`, the one in this role where several are.
    pub(crate) fn find(&self, name: &str, role: Role) -> Option<&Variable> {
        let named = || self.variables.iter().filter(|v| v.name() == name);
        named().find(|v| v.role() == role).or_else(|| named().next())
    }

    /// What the reader decided by itself (visit order, reference arm, baseline visit, kinds of columns), a sentence
    /// each.
    pub fn inferred(&self) -> &[String] {
        &self.inferred
    }

    /// What the layout's conditions left out of the file, in the order in which they were applied; see
    /// [`Layout::keep_patients`], [`Layout::keep_rows`] and [`Layout::drop_visits`].
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The same as a table.
    pub fn left_out_table(&self) -> LeftOutTable<'_> {
        LeftOutTable(&self.left_out)
    }

    /// What in the data looks like a mistake, each kind once with its counts. Nothing was changed on account of it.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

fn names<'a>(variables: impl Iterator<Item = &'a Variable>) -> Vec<&'a str> {
    variables.map(Variable::name).collect()
}
