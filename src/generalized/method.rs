//! What a method of fitting adds to a generalized mean.

use super::population::{PopulationCell, of_predictor};
use super::{Generalized, GeneralizedFit};
use crate::estimates::{Df, Estimates, Link};
use nalgebra::DMatrix;

/// A method by which a [`Generalized`] mean is fitted, with its own settings. It says what a [`GeneralizedFit`] cannot know;
/// the rest of `Estimates` and `PopulationMean` is the same for all. Nobody outside can name it, and so there are no others.
pub trait Method: Sized {
    /// What a fit has beside coefficients and their covariance.
    type Found;

    /// The scale of the coefficients.
    fn link(asked: &Generalized<Self>) -> Link {
        asked.link_function()
    }

    /// As [`Estimates::df`].
    fn df(fit: &GeneralizedFit<Self>, l: &[f64]) -> f64;

    /// As [`Estimates::method_of_df`].
    fn method_of_df(fit: &GeneralizedFit<Self>) -> Option<Df>;

    /// As [`Estimates::notes`].
    fn notes(fit: &GeneralizedFit<Self>) -> Vec<String>;

    /// As [`PopulationMean::parameters_vcov`](super::PopulationMean::parameters_vcov).
    fn parameters_vcov(fit: &GeneralizedFit<Self>) -> &DMatrix<f64> {
        &fit.vcov
    }

    /// As [`PopulationMean::population_mean`](super::PopulationMean::population_mean).
    fn population_mean(fit: &GeneralizedFit<Self>, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
        of_predictor(fit.beta(), fit.link(), cell, gradient)
    }

    /// As [`PopulationMean::outcomes_of_patients`](super::PopulationMean::outcomes_of_patients).
    fn outcomes_of_patients(_: &GeneralizedFit<Self>) -> Option<Vec<(usize, f64)>> {
        None
    }
}

/// Methods for outcomes of a [`Family`](super::Family), with a link and an event.
pub trait HasFamily {}

/// Methods that take observation weights.
pub trait HasWeights {}

/// Methods that take random effects.
pub trait HasRandomEffects {}

/// A mean for which no method is stated has every setting.
impl HasFamily for () {}
impl HasWeights for () {}
impl HasRandomEffects for () {}
