//! A fitted generalized mean: coefficients, their covariance and means of the population, whatever fitted it.

use super::method::{HasFamily, Method};
use super::population::{PopulationCell, PopulationMean, PopulationOptions};
use super::population_means::{PopulationMeans, population_means};
use super::{Family, Generalized, Observations};
use crate::design::{Account, Columns};
use crate::error::Result;
use crate::estimates::{Df, Estimates, Link};
use crate::trial::Trial;
use nalgebra::DMatrix;

/// A [`Generalized`] mean fitted by the method `M`: [`Glm`](super::Glm), [`GeeFit`](super::GeeFit),
/// [`MixedFit`](super::MixedFit) or [`OrdinalFit`](super::OrdinalFit).
///
/// It is an [`Estimates`]: [`Means`](crate::Means) gives marginal means and contrasts on the scale of the link with their
/// odds ratios or ratios beside, and joint tests. As a [`PopulationMean`] it has the means of the population.
#[derive(Debug, Clone)]
pub struct GeneralizedFit<M: Method> {
    pub(super) asked: Generalized<M>,
    pub(super) observations: Observations,
    /// Of all columns, NaN where aliased.
    pub(super) beta: Vec<f64>,
    pub(super) vcov: DMatrix<f64>,
    iterations: usize,
    pub(super) found: M::Found,
}

impl<M: Method> GeneralizedFit<M> {
    /// From the coefficients of the columns that the data determine, and a covariance that begins with theirs.
    pub(super) fn new(
        asked: Generalized<M>,
        observations: Observations,
        beta: &[f64],
        vcov: &DMatrix<f64>,
        iterations: usize,
        found: M::Found,
    ) -> Self {
        let (beta, vcov) = (observations.of_all_columns(beta), observations.covariance_of_all_columns(vcov));
        Self { asked, observations, beta, vcov, iterations, found }
    }

    /// What was asked for.
    pub fn model(&self) -> &Generalized<M> {
        &self.asked
    }

    /// What it was fitted to; outcomes of categories are their positions.
    pub fn observations(&self) -> &Observations {
        &self.observations
    }

    /// The trial with the outcome as it was analysed: 0 or 1 where it is binary, positions where it is of categories.
    pub fn trial(&self) -> &Trial {
        self.observations.trial()
    }

    /// How many patients are analysed.
    pub fn n_patients(&self) -> usize {
        self.observations.n_patients()
    }

    /// How many observations are analysed.
    pub fn n_observations(&self) -> usize {
        self.observations.len()
    }

    /// Steps of the search; of all of them, where there are several.
    pub fn iterations(&self) -> usize {
        self.iterations
    }
}

impl<M: Method + HasFamily> GeneralizedFit<M> {
    /// The kind of outcome.
    pub fn family(&self) -> Family {
        self.asked.outcome_family()
    }

    /// The probabilities or means of the population, with differences, ratios and odds ratios: see [`population_means`].
    ///
    /// # Errors
    /// As there.
    pub fn population_means(&self, options: &PopulationOptions) -> Result<PopulationMeans> {
        population_means(self, self.trial(), options)
    }
}

impl<M: Method> Estimates for GeneralizedFit<M> {
    fn columns(&self) -> &Columns {
        self.observations.columns()
    }

    fn account(&self) -> &Account {
        self.observations.account()
    }

    fn beta(&self) -> &[f64] {
        &self.beta
    }

    fn vcov(&self) -> &DMatrix<f64> {
        &self.vcov
    }

    fn df(&self, l: &[f64]) -> f64 {
        M::df(self, l)
    }

    fn link(&self) -> Link {
        M::link(&self.asked)
    }

    fn method_of_df(&self) -> Option<Df> {
        M::method_of_df(self)
    }

    fn notes(&self) -> Vec<String> {
        M::notes(self)
    }
}

impl<M: Method> PopulationMean for GeneralizedFit<M> {
    fn parameters_vcov(&self) -> &DMatrix<f64> {
        M::parameters_vcov(self)
    }

    fn population_mean(&self, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
        M::population_mean(self, cell, gradient)
    }

    fn is_probability(&self) -> bool {
        self.link() == Link::Logit || self.asked.outcome_family() == Family::Binomial
    }

    fn outcomes_of_patients(&self) -> Option<Vec<(usize, f64)>> {
        M::outcomes_of_patients(self)
    }
}
