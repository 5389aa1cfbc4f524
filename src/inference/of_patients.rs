//! What inference on the mean takes from the patients themselves, where the model asks for it.

use super::MomentsFit;
use super::between_within::BetweenWithin;
use super::sandwich::Sandwich;
use crate::design::{Design, PatientClusters, RandomTerm};
use std::sync::OnceLock;

/// The patients that a fit is of, with what was computed from them.
#[derive(Debug)]
pub(super) struct OfPatients {
    design: Design,
    sandwich: OnceLock<Sandwich>,
    between_within: OnceLock<BetweenWithin>,
}

impl OfPatients {
    pub fn new(design: Design) -> Self {
        Self { design, sandwich: OnceLock::new(), between_within: OnceLock::new() }
    }

    pub fn design(&self) -> &Design {
        &self.design
    }

    pub fn random(&self) -> &[RandomTerm] {
        self.design.random()
    }
}

impl MomentsFit {
    /// The cluster-robust covariance, where the model asks for it.
    pub(super) fn sandwich(&self) -> Option<&Sandwich> {
        let patients = self.of_patients.as_ref().filter(|_| self.vcov_method.is_cluster_robust())?;
        Some(patients.sandwich.get_or_init(|| Sandwich::of(&patients.design, &self.optimum, self.vcov_method)))
    }

    /// The degrees of freedom between and within patients; none without patients.
    pub(super) fn between_within(&self) -> Option<&BetweenWithin> {
        let patients = self.of_patients.as_ref()?;
        Some(patients.between_within.get_or_init(|| BetweenWithin::of(&patients.design, &self.optimum.kept)))
    }

    /// The clusters of a cluster-robust covariance, where they are above patients or named.
    pub(super) fn clusters(&self) -> Option<&PatientClusters> {
        self.of_patients.as_ref()?.design.rows.clusters.as_ref()
    }
}
