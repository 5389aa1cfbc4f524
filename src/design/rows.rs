//! The analysed patients: what multiplies the coefficients, and the outcomes.

use super::known::Known;
use super::{PatientClusters, RandomTerm};
use std::sync::Arc;

/// The rows of a model matrix, patient by patient, with the outcomes: n analysed patients, T analysed visits.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The analysed patients (those with at least one analysed observation), as positions in the trial.
    pub(crate) patients: Vec<usize>,
    /// The length q of z.
    pub(crate) width: usize,
    /// z, patient by patient: n × q.
    pub(crate) z: Vec<f64>,
    /// The outcome, patient by patient: n × T, NaN where not analysed.
    pub(crate) y: Vec<f64>,
    /// Observation weights, patient by patient: n × T; positive wherever y is observed.
    pub(crate) weights: Option<Vec<f64>>,
    /// The covariance group of each analysed patient, as a position among the groups of the columns.
    pub(crate) group_of: Vec<usize>,
    /// The arm of each analysed patient, as a position among the trial's arms.
    pub(crate) arm_of: Vec<usize>,
    /// The random effects of clusters, above what the patients' covariance says.
    pub(crate) random: Vec<RandomTerm>,
    /// The clusters of a cluster-robust covariance, where there is one.
    pub(crate) clusters: Option<PatientClusters>,
    /// What is known of every patient of the trial, analysed or not.
    pub(crate) known: Arc<Known>,
}

impl Rows {
    /// The analysed patients, as positions in the trial.
    pub fn patients(&self) -> &[usize] {
        &self.patients
    }

    /// The outcomes, patient by patient: n × T, NaN where not analysed.
    pub fn outcomes(&self) -> &[f64] {
        &self.y
    }

    /// The observation weights, patient by patient: n × T, 1 where not analysed; `None` in a model without weights.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The covariance group of each analysed patient, as a position among [`Columns::groups`](super::Columns::groups).
    pub fn group_of(&self) -> &[usize] {
        &self.group_of
    }

    /// The arm of each analysed patient, as a position among the trial's arms.
    pub fn arm_of(&self) -> &[usize] {
        &self.arm_of
    }

    /// z of an analysed patient.
    pub(crate) fn z_of(&self, patient: usize) -> &[f64] {
        &self.z[patient * self.width..(patient + 1) * self.width]
    }

    /// The analysed observations, as positions in a table of patients × visits.
    pub(crate) fn observed(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.y.len()).filter(|&at| !self.y[at].is_nan())
    }
}
