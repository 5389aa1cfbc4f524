//! Which patients share a covariance structure: all, unless coordinates that enter it differ by patient.

use crate::covariance::CovarianceStructure;
use std::sync::Arc;

/// A covariance structure bound to the visits, once for each class of patients.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    pub structures: Vec<Arc<dyn CovarianceStructure>>,
    /// The class of each patient of the design; empty where there is one class.
    pub of_patient: Vec<usize>,
}

impl Classes {
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
