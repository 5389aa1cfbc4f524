//! From a mean model to numbers: terms, factor coding and the model matrix in collapsed form.
//!
//! A row of a trial's model matrix is linear in a short vector of patient-level values: x_it = D_t z_i. Every entry
//! of the row is one entry of z_i times a number that depends on the visit alone, so D_t is kept as one `Entry` per
//! non-zero column.

mod applied;
mod averaging;
mod build;
mod clusters;
mod coding;
mod collapse;
mod coordinates;
mod dimensions;
mod double_double;
mod estimability;
mod exclusions;
mod expansion;
mod formula;
mod frame;
mod frozen;
mod grid;
mod grouping;
mod hypotheses;
mod model;
mod random;
mod random_checks;
mod random_effects;
mod random_terms;
mod repeated;
mod span;
mod stack;
mod tally;
mod tokens;
mod variables;

#[cfg(test)]
mod tests;

pub use averaging::{Averaging, CovariateMeans, FactorWeights};
pub use build::DesignOptions;
pub use clusters::Clusters;
pub(crate) use clusters::PatientClusters;
pub use estimability::AliasedColumn;
pub(crate) use estimability::ValueSums;
pub use exclusions::{ExcludedObservation, Exclusions};
pub use frozen::FrozenDesign;
pub(crate) use frozen::{Census, Occurring};
pub(crate) use grouping::{ModelFormula, WithinPatients};
pub use model::{Baseline, MeanModel};
pub use random::{EffectCovariance, RandomTerm};
pub use random_effects::RandomEffects;

use crate::error::{Error, Result};
use crate::trial::ColumnNames;
pub(crate) use applied::Applied;
pub(crate) use dimensions::Dimension;
pub(crate) use grid::ReferenceGrid;
pub(crate) use hypotheses::Adjusted;
pub(crate) use stack::Place;
pub(crate) use tally::Tally;

pub(crate) use coding::Part;
use coding::{Constraint, Parts};
pub(crate) use collapse::Product;
pub(crate) use tokens::quoted;
use variables::Variable;

/// The data of one model, ready for the fit: who is analysed, at which visits, and every row of the model matrix as
/// D_t z_i.
#[derive(Debug, Clone)]
pub struct Design {
    /// Name of the outcome.
    pub(crate) outcome: String,
    /// The mean model it was built from.
    pub(crate) model: MeanModel,
    /// What the file calls the arm and the visit.
    pub(crate) column_names: ColumnNames,
    /// The analysed visits, as positions in the trial's schedule, in order. T = `visits.len()`.
    pub(crate) visits: Vec<usize>,
    /// Labels of the analysed visits.
    pub(crate) visit_labels: Vec<String>,
    /// Times of the analysed visits where the schedule has them.
    pub(crate) visit_times: Vec<Option<f64>>,
    /// The columns of the model matrix, p of them.
    pub(crate) columns: Vec<DesignColumn>,
    /// Each column as a product of variables.
    pub(crate) parts: Vec<Parts>,
    /// The terms of the mean model in order; each column belongs to one.
    pub(crate) terms: Vec<Term>,
    /// The length q of z.
    pub(crate) values: usize,
    /// D_t: for each analysed visit the non-zero entries in order of column.
    pub(crate) entries: Vec<Vec<Entry>>,
    /// The analysed patients (those with at least one analysed observation), as positions in the trial.
    pub(crate) patients: Vec<usize>,
    /// z, patient by patient: n × q.
    pub(crate) z: Vec<f64>,
    /// The outcome, patient by patient: n × T, NaN where not analysed.
    pub(crate) y: Vec<f64>,
    /// Observation weights, patient by patient: n × T; positive wherever y is observed.
    pub(crate) weights: Option<Vec<f64>>,
    /// The covariance group of each analysed patient, as an index into `groups`.
    pub(crate) group_of: Vec<usize>,
    /// Names of the covariance groups; one, `all`, unless the covariance differs by group.
    pub(crate) groups: Vec<String>,
    /// The variables of the mean model.
    pub(crate) variables: Vec<Variable>,
    /// The baseline visit, as a position among the analysed visits, where it is one of them.
    pub(crate) baseline_visit: Option<usize>,
    /// Where arms are held equal before treatment.
    pub(crate) constraint: Option<Constraint>,
    /// What is not analysed.
    pub(crate) exclusions: Exclusions,
    /// What a reader has to know of the data: levels and visits left out, cells without observations, aliased columns.
    pub(crate) warnings: Vec<String>,
    /// Columns that earlier ones determine.
    pub(crate) aliased: Vec<AliasedColumn>,
    /// What was asked for beyond the mean model.
    pub(crate) options: DesignOptions,
    /// The arm of each analysed patient, as a position in `arms`.
    pub(crate) arm_of: Vec<usize>,
    /// The arms of the trial; none in the design of a joint model.
    pub(crate) arms: Vec<String>,
    /// What is left of the patients where they are not there: in the design of a fit from moments.
    pub(crate) sums: Option<ValueSums>,
    /// The entries of z as products of variables.
    pub(crate) products: Vec<Product>,
    /// The random effects of clusters, above what the patients' covariance says.
    pub(crate) random: Vec<RandomTerm>,
    /// The clusters of a cluster-robust covariance, where there is one.
    pub(crate) clusters: Option<PatientClusters>,
    /// Counts and means, made when first asked for.
    pub(crate) tally: std::sync::OnceLock<Tally>,
}

impl Design {
    /// Name of the outcome.
    pub fn outcome(&self) -> &str {
        &self.outcome
    }

    /// The mean model it was built from.
    pub fn mean_model(&self) -> &MeanModel {
        &self.model
    }

    /// Labels of the analysed visits in order.
    pub fn visit_labels(&self) -> &[String] {
        &self.visit_labels
    }

    /// The position of the baseline among the analysed visits; `None` where it is not one of them.
    pub fn baseline_visit(&self) -> Option<usize> {
        self.baseline_visit
    }

    /// The random effects of clusters.
    pub fn random(&self) -> &[RandomTerm] {
        &self.random
    }

    /// The columns of the model matrix.
    pub fn columns(&self) -> &[DesignColumn] {
        &self.columns
    }

    /// The terms of the mean model in order.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Names of the covariance groups; `all` when there is one.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// How many patients are analysed.
    pub fn n_patients(&self) -> usize {
        if self.sums.is_some() { self.tally().patients } else { self.patients.len() }
    }

    /// Refuses `what` where the design has no patients, being that of a fit from moments.
    pub(crate) fn needs_patients(&self, what: &str) -> Result<()> {
        if self.sums.is_some() { Err(Error::NoPatients { what: what.into() }) } else { Ok(()) }
    }

    /// The analysed patients, as positions in the trial; none in the design of a fit from moments.
    pub fn patients(&self) -> &[usize] {
        &self.patients
    }

    /// How many observations are analysed.
    pub fn n_observations(&self) -> usize {
        if self.sums.is_some() {
            return self.tally().observations();
        }
        self.y.iter().filter(|y| !y.is_nan()).count()
    }

    /// Counts of levels and means of numeric variables.
    pub(crate) fn tally(&self) -> &Tally {
        self.tally.get_or_init(|| Tally::of(self))
    }

    /// What is not analysed, and why.
    pub fn exclusions(&self) -> &Exclusions {
        &self.exclusions
    }

    /// What a reader has to know: levels and visits without observations, arms that nobody reached a visit in,
    /// aliased columns.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The model matrix of the analysed observations (none in the design of a fit from moments): for each its patient
    /// and visit (positions in [`Design::patients`] and [`Design::visit_labels`]) and its row of p numbers.
    pub fn model_matrix(&self) -> Vec<(usize, usize, Vec<f64>)> {
        let visits = self.visits.len();
        let observed = (0..self.y.len()).filter(|&row| !self.y[row].is_nan());
        observed.map(|row| (row / visits, row % visits, self.matrix_row(row / visits, row % visits))).collect()
    }

    /// x_it = D_t z_i.
    fn matrix_row(&self, patient: usize, visit: usize) -> Vec<f64> {
        let z = &self.z[patient * self.values..(patient + 1) * self.values];
        let mut row = vec![0.0; self.columns.len()];
        self.entries[visit].iter().for_each(|e| row[e.column] += e.weight * z[e.value]);
        row
    }
}

/// A column of the model matrix.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DesignColumn {
    /// Its name, as R names it: `ARMCDTRT:AVISITVIS2`.
    pub name: String,
    /// The term it belongs to, as a position among the design's terms.
    pub term: usize,
}

/// A term of the mean model: the intercept, a main effect or an interaction.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Term {
    /// Its label: `(Intercept)`, `ARMCD`, `ARMCD:AVISIT`.
    pub label: String,
    /// The variables in it, none for the intercept.
    pub variables: Vec<String>,
}

/// A non-zero entry of D_t: column `column` of x_it is `weight` times z_i\[`value`\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    pub column: usize,
    pub value: usize,
    pub weight: f64,
}
