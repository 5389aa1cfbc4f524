//! From a mean model to numbers: terms, factor coding and the model matrix in collapsed form.
//!
//! A row of a trial's model matrix is linear in a short vector of patient-level values: x_it = D_t z_i. Every entry
//! of the row is one entry of z_i times a number that depends on the visit alone, so D_t is kept as one `Entry` per
//! non-zero column.

mod account;
mod applied;
mod averaging;
mod build;
mod census;
mod clusters;
mod coding;
mod collapse;
mod columns;
mod coordinates;
mod dimensions;
mod double_double;
mod estimability;
mod exclusions;
mod expansion;
mod formula;
mod frame;
mod frozen;
mod function;
mod grid;
mod grouping;
mod hypotheses;
mod known;
mod model;
mod nearness;
mod notices;
mod offset;
mod outcomes;
mod planned;
mod random;
mod random_checks;
mod random_effects;
mod random_terms;
mod redrawn;
mod repeated;
mod rows;
mod span;
mod spline;
mod stack;
mod syntax;
mod tally;
mod tokens;
mod type_three;
mod variables;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use applied::Applied;
pub use averaging::{Averaging, CovariateMeans, FactorWeights};
pub use build::DesignOptions;
pub(crate) use census::{Census, Contradiction, must};
pub use clusters::Clusters;
pub(crate) use clusters::PatientClusters;
pub use columns::Columns;
pub use estimability::AliasedColumn;
pub(crate) use estimability::{ScaledGram, ValueSums};
pub use exclusions::{ExcludedAtVisit, ExcludedInArm, ExcludedObservation, ExclusionReason, Exclusions};
pub use frozen::FrozenDesign;
pub(crate) use frozen::{Occurring, WrittenDesign};
pub use function::Transformation;
pub(crate) use grouping::{ModelFormula, WithinPatients};
pub(crate) use known::Known;
pub use model::{Baseline, MeanModel};
pub(crate) use notices::constant_sentence;
pub use offset::Offset;
pub use random::{EffectCovariance, RandomTerm};
pub use random_effects::RandomEffects;
pub(crate) use redrawn::Redrawn;
pub use rows::Rows;

use crate::error::{Error, Result};
use crate::trial::{ColumnNames, Labelled, VariableHeader};
pub(crate) use dimensions::Dimension;
pub(crate) use double_double::{DoubleDouble, product};
pub(crate) use grid::ReferenceGrid;
pub(crate) use hypotheses::Adjusted;
pub(crate) use nearness::Shift;
pub(crate) use planned::{Planned, Unobserved};
pub(crate) use stack::Place;
pub(crate) use tally::Tally;

pub(crate) use coding::Part;
use coding::Parts;
pub(crate) use collapse::Product;
use std::sync::Arc;
pub(crate) use tokens::quoted;
pub(crate) use variables::{course_names, variable_names};

/// The data of one model, ready for the fit: what the coefficients mean, who is analysed, and who is not.
#[derive(Debug, Clone)]
pub struct Design {
    /// What each coefficient means.
    pub(crate) columns: Arc<Columns>,
    /// The analysed patients: every row of the model matrix as D_t z_i, and the outcomes.
    pub(crate) rows: Arc<Rows>,
    /// What is analysed and what is not, in numbers and with reasons.
    pub(crate) account: Arc<Account>,
}

impl Design {
    /// The columns of the model matrix, with all that says what their coefficients mean.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The analysed patients and their outcomes.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// What is analysed and what is not.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Name of the outcome.
    pub fn outcome(&self) -> &str {
        self.columns.outcome()
    }

    /// The mean model it was built from.
    pub fn mean_model(&self) -> &MeanModel {
        self.columns.mean_model()
    }

    /// Labels of the analysed visits in order.
    pub fn visit_labels(&self) -> &[String] {
        self.columns.visit_labels()
    }

    /// The position of the baseline among the analysed visits; `None` where it is not one of them.
    pub fn baseline_visit(&self) -> Option<usize> {
        self.columns.baseline_visit()
    }

    /// The terms of the mean model in order.
    pub fn terms(&self) -> &[Term] {
        self.columns.terms()
    }

    /// Names of the covariance groups; `all` when there is one.
    pub fn groups(&self) -> &[String] {
        self.columns.groups()
    }

    /// The random effects of clusters.
    pub fn random(&self) -> &[RandomTerm] {
        &self.rows.random
    }

    /// What multiplies the effects of a random term for a patient of the trial, analysed or not, at an analysed visit as if
    /// in an arm: k numbers, NaN where a variable is missing.
    pub(crate) fn multipliers_under(&self, term: usize, patient: usize, visit: usize, arm: usize) -> Vec<f64> {
        let label = self.columns.arms.get(arm).map_or("", String::as_str);
        self.rows.known.random[term].multipliers_under(patient, visit, label)
    }

    /// The analysed patients, as positions in the trial.
    pub fn patients(&self) -> &[usize] {
        self.rows.patients()
    }

    /// How many patients are analysed.
    pub fn n_patients(&self) -> usize {
        self.account.n_patients()
    }

    /// How many observations are analysed.
    pub fn n_observations(&self) -> usize {
        self.account.n_observations()
    }

    /// What is not analysed, and why.
    pub fn exclusions(&self) -> &Exclusions {
        self.account.exclusions()
    }

    /// What a reader has to know: levels and visits without observations, arms that nobody reached a visit in,
    /// aliased columns.
    pub fn warnings(&self) -> &[String] {
        self.account.warnings()
    }

    /// The columns that earlier ones determine; a fit leaves them out.
    pub fn aliased(&self) -> &[AliasedColumn] {
        self.account.aliased()
    }

    /// Whether the data determine l'β, with one coefficient a column (Searle 1971, Linear Models, §5.4): l is
    /// orthogonal to every dependency among the columns, to within 1e-8 of the terms of that sum.
    pub fn is_estimable(&self, l: &[f64]) -> bool {
        l.len() == self.columns.len() && self.account.undetermined_by(l).is_none()
    }

    /// X'X.
    pub(crate) fn gram(&self) -> Arc<ScaledGram> {
        self.account.gram.clone().unwrap_or_else(|| Arc::new(ScaledGram::of_rows(&self.columns, &self.rows)))
    }

    /// Lets patients be clusters of a cluster-robust covariance, or the levels of a factor above them.
    pub(crate) fn set_clusters(&mut self, clusters: Option<PatientClusters>) {
        Arc::make_mut(&mut self.rows).clusters = clusters;
    }

    /// The model matrix of the analysed observations: for each its patient and visit (positions in [`Design::patients`] and [`Design::visit_labels`]) and its row of p numbers.
    pub fn model_matrix(&self) -> Vec<(usize, usize, Vec<f64>)> {
        let visits = self.columns.visits.len();
        let row = |at: usize| (at / visits, at % visits, self.columns.row_of(self.rows.z_of(at / visits), at % visits));
        self.rows.observed().map(row).collect()
    }
}

/// A column of the model matrix.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DesignColumn {
    /// Its name, as R names it: `ARMCDTRT:AVISITVIS2`.
    pub name: String,
    /// The term it belongs to, as a position among the design's terms.
    pub term: usize,
}

/// A term of the mean model: the intercept, a main effect or an interaction.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Term {
    /// Its label: `(Intercept)`, `ARMCD`, `ARMCD:AVISIT`.
    pub label: String,
    /// The variables in it, none for the intercept.
    pub variables: Vec<String>,
}

/// A non-zero entry of D_t: column `column` of x_it is `weight` times z_i\[`value`\].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Entry {
    pub column: usize,
    pub value: usize,
    pub weight: f64,
}
