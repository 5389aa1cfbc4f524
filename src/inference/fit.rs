//! [`Fit`]: what was found of a trial's patients.

use super::moments_fit::Settings;
use super::of_patients::OfPatients;
use super::{Df, MomentsFit, Vcov};
use crate::design::Design;
use crate::error::{Error, Result};
use crate::fit::optimum::Optimum;
use std::ops::Deref;
use std::sync::Arc;

/// A fitted model: estimates, their covariance, and everything that follows from them as methods.
///
/// It has its patients, and dereferences to what a [fit from sums](MomentsFit) has as well: coefficients, their
/// covariance, tests, information criteria.
#[derive(Debug)]
pub struct Fit {
    found: MomentsFit,
    design: Design,
}

impl Deref for Fit {
    type Target = MomentsFit;

    fn deref(&self) -> &MomentsFit {
        &self.found
    }
}

impl Fit {
    pub(crate) fn new(design: Design, settings: Settings, optimum: Optimum) -> Self {
        let patients = OfPatients::new(design.clone());
        let (columns, account) = (Arc::clone(&design.columns), Arc::clone(&design.account));
        Self { found: MomentsFit::with_patients(columns, account, settings, optimum, Some(patients)), design }
    }

    /// The same model with another optimum.
    pub(super) fn with_optimum(&self, optimum: Optimum) -> Self {
        Self::new(self.design.clone(), self.settings(), optimum)
    }

    /// The same model with another optimum, of other data.
    pub(super) fn of_data(&self, design: Design, optimum: Optimum) -> Self {
        Self::new(design, self.settings(), optimum)
    }

    /// The same fit for its estimates alone: no degrees of freedom are worked out, and no robust covariance.
    pub(crate) fn for_estimates(&self) -> Self {
        let settings = Settings { df: Df::Asymptotic, vcov: Vcov::default(), ..self.settings() };
        Self::new(self.design.clone(), settings, self.optimum().clone())
    }

    /// The design that was fitted.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Refuses what takes patients to be independent, where effects of clusters tie them together.
    pub(super) fn must_have_no_clusters(&self, what: &str) -> Result<()> {
        match self.design.random().first() {
            None => Ok(()),
            Some(term) => Err(Error::not_built(
                format!("{what} of this fit"),
                format!("it has random effects of `{}`, and {what} would take patients to be independent", term.factor()),
                "fit the model without the clusters for it",
            )),
        }
    }
}
