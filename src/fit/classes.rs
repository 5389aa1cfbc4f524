//! Which patients share a covariance structure: all, unless coordinates that enter it differ by patient.

use crate::covariance::{Covariance, CovarianceStructure};
use crate::error::Result;
use nalgebra::DMatrix;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A covariance structure bound to the visits, once for each class of patients.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    pub structures: Vec<Arc<dyn CovarianceStructure>>,
    /// The class of each patient of the design; empty where there is one class.
    pub of_patient: Vec<usize>,
}

impl Classes {
    /// One class for all patients with the same coordinates. Those who miss the fewest visits come first, so that the
    /// first class can stand for what the classes share.
    pub fn at(covariance: &Covariance, positions: &[usize], times: &[Option<f64>], coordinates: &[DMatrix<f64>]) -> Result<Self> {
        let key = |at: &DMatrix<f64>| -> (usize, Vec<u64>) {
            (at.iter().filter(|x| x.is_nan()).count(), at.iter().map(|x| x.to_bits()).collect())
        };
        let distinct: BTreeMap<_, _> = coordinates.iter().map(|at| (key(at), at)).collect();
        let bind = |at: &&DMatrix<f64>| covariance.bind_in(positions, times, Some(at)).map(Arc::from);
        let structures = distinct.values().map(bind).collect::<Result<Vec<_>>>()?;
        let position: BTreeMap<_, usize> = distinct.into_keys().zip(0..).collect();
        Ok(Self { structures, of_patient: coordinates.iter().map(|at| position[&key(at)]).collect() })
    }

    /// The class of a patient.
    pub fn of(&self, patient: usize) -> usize {
        self.of_patient.get(patient).copied().unwrap_or(0)
    }

    /// Whether all patients share one Σ.
    pub fn is_single(&self) -> bool {
        self.structures.len() == 1
    }
}

impl From<Box<dyn CovarianceStructure>> for Classes {
    fn from(structure: Box<dyn CovarianceStructure>) -> Self {
        Self { structures: vec![structure.into()], of_patient: vec![] }
    }
}
