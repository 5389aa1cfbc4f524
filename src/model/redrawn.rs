//! Fits of one model to many trials of one kind, whose design and place in the space of parameters are known beforehand.

use super::Model;
use crate::design::Design;
use crate::error::Result;
use crate::fit::Engine;
use crate::fit::optimum::Optimum;
use crate::fit::refit::Repeat;
use crate::inference::fallback::Fallback;
use crate::inference::{Df, Fit, MomentsFit, Settings};
use std::sync::{Mutex, PoisonError};

impl Model {
    /// Whether [`Model::fit_near`] may find fits: what it finds has no patients.
    pub(crate) fn needs_no_patients(&self) -> bool {
        !self.vcov.is_cluster_robust()
            && !matches!(self.df, Df::BetweenWithin)
            && self.covariance.as_ref().is_none_or(|c| c.coordinate_columns().is_empty())
    }

    /// The fit to a design, searched for from θ: the same as [`Model::fit`] finds to 1e-9 standard errors, for its estimates.
    /// `None` where that search does not find it, or not surely.
    pub(crate) fn fit_near(&self, theta: &[f64], design: &Design) -> Option<MomentsFit> {
        let covariance = self.covariance_for(design.random());
        super::identified::check_identified(design, &covariance).ok()?;
        let columns = &design.columns;
        let structure = covariance.bind_in(&columns.visits, &columns.visit_times, None).ok()?;
        let optimum = match Engine::of(&covariance, design) {
            // It finds a start of its own as quickly.
            engine @ Engine::SparseEffects => Optimum::by(engine, design, structure.into(), self.estimation).ok()?,
            _ => Optimum::beginning_at(theta, design, structure.into(), self.estimation)?,
        };
        Some(self.moments_fit(design, optimum))
    }

    /// An optimum for this design as a fit.
    fn moments_fit(&self, design: &Design, optimum: Optimum) -> MomentsFit {
        let covariance = self.covariance_for(design.random());
        let planned =
            if self.fallbacks.is_empty() { vec![] } else { std::iter::once(&covariance).chain(&self.fallbacks).cloned().collect() };
        let (estimation, df, information, vcov) = (self.estimation, self.df, self.information, self.vcov);
        let settings = Settings { covariance, estimation, df, information, vcov, fallback: Fallback { planned, attempts: vec![] } };
        MomentsFit::new(design.columns.clone(), design.account.clone(), settings, optimum)
    }

    /// θ of a fit, where searches for others like it may begin: variances of effects of clusters that have vanished are made
    /// small instead, for no search leaves zero.
    pub(crate) fn start_from(fit: &Fit) -> Vec<f64> {
        let optimum = fit.optimum();
        let (mut theta, first) = (optimum.theta.clone(), optimum.sigmas.parameters());
        let sigma = &optimum.covariances()[0];
        let small = optimum.clusters.start(SMALL * sigma.trace() / sigma.nrows() as f64);
        if theta[first..].iter().zip(&small).any(|(own, small)| *small > 0.0 && own < small) {
            theta[first..].copy_from_slice(&small);
        }
        theta
    }
}

/// The least variance of effects of clusters that a search begins with, as a share of that of an observation.
const SMALL: f64 = 0.02;

/// Fits of a model to one design with other outcomes, as exact as fits are.
#[derive(Debug)]
pub(crate) struct OtherOutcomes {
    model: Model,
    fit: Fit,
    /// What repeats the fit and is not in use: one for each thread in the end.
    idle: Mutex<Vec<Box<dyn Repeat>>>,
}

impl OtherOutcomes {
    /// Of the design that a model was fitted to.
    ///
    /// # Errors
    /// Where the likelihood cannot be set up again.
    pub fn of(model: &Model, fit: Fit) -> Result<Self> {
        let mut first = fit.optimum().repeat(fit.design()).map_err(crate::Error::Fit)?;
        first.be_exact();
        Ok(Self { model: model.clone(), fit, idle: Mutex::new(vec![first]) })
    }

    /// The design.
    pub fn design(&self) -> &Design {
        self.fit.design()
    }

    /// The fit to these outcomes, arranged as the design has them; `None` where the search from the optimum of the original fit
    /// does not end.
    pub fn fit(&self, outcomes: &[f64]) -> Option<MomentsFit> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut repeat = match taken {
            Some(repeat) => repeat,
            None => {
                let mut repeat = self.fit.optimum().repeat(self.design()).ok()?;
                repeat.be_exact();
                repeat
            }
        };
        let found = repeat.with_outcomes(outcomes).ok().map(|()| self.model.moments_fit(self.design(), repeat.optimum(self.fit.optimum())));
        idle().push(repeat);
        found
    }
}
