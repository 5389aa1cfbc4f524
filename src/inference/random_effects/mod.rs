//! What a fit says of the random effects of clusters.
//!
//! Everything here sees them through [`FittedTerm`] and [`Fit::predicted`], whichever way the likelihood was computed.

mod components;
mod icc;
mod nesting;
mod observation;
mod predicted;
mod r_squared;
mod singular;
mod strata;

pub use components::{VarianceComponent, VarianceComponents};
pub use icc::{IntraclassCorrelation, IntraclassCorrelations};
pub(super) use nesting::{Dropped, dropped};
pub use observation::{ObservationCovariance, ObservationCovariances};
pub use predicted::{PredictedEffect, PredictedEffects};
pub use r_squared::RSquared;
pub use singular::SingularDirection;

use super::MomentsFit;
use crate::design::RandomTerm;
use nalgebra::DMatrix;

/// The effects of one cluster factor and their parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct FittedTerm<'f> {
    pub term: &'f RandomTerm,
    /// The position of the term in the model.
    index: usize,
    /// The position of the term's first parameter in θ.
    first: usize,
}

/// û of one effect of one level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prediction {
    pub estimate: f64,
    /// Var(û − u).
    pub variance: f64,
    /// Var(u | y, β̂): the same were the coefficients known.
    pub conditional: f64,
}

impl<'f> FittedTerm<'f> {
    /// The positions in θ of the elements (a, b), a ≥ b, of G.
    pub fn parameters(&self) -> impl Iterator<Item = (usize, (usize, usize))> + use<'f> {
        let first = self.first;
        self.term.pairs().into_iter().enumerate().map(move |(k, pair)| (first + k, pair))
    }

    /// The position in θ of the element (a, b) of G; `None` where it is zero by assumption.
    pub fn parameter(&self, a: usize, b: usize) -> Option<usize> {
        self.parameters().find(|&(_, pair)| pair == (a.max(b), a.min(b))).map(|(k, _)| k)
    }

    /// G at θ.
    pub fn covariance(&self, theta: &[f64]) -> DMatrix<f64> {
        let k = self.term.effects().len();
        DMatrix::from_fn(k, k, |a, b| self.parameter(a, b).map_or(0.0, |at| theta[at]))
    }

    /// The mean of zz' over the observations `at` that belong to a level, and how many do.
    pub fn mean_square(&self, at: impl Iterator<Item = usize>) -> (DMatrix<f64>, usize) {
        let k = self.term.effects().len();
        let (mut sum, mut n) = (DMatrix::zeros(k, k), 0);
        for row in at.filter(|&row| self.term.level_of()[row].is_some()) {
            let z = &self.term.z()[row * k..(row + 1) * k];
            sum += DMatrix::from_fn(k, k, |a, b| z[a] * z[b]);
            n += 1;
        }
        (sum / (n.max(1) as f64), n)
    }

    /// What multiplies each effect in the mean square over all observations that it bears on; 1 where there are none.
    pub fn squares(&self) -> Vec<f64> {
        self.term.mean_squares()
    }
}

impl MomentsFit {
    /// The cluster factors with their parameters, in the order of the model.
    pub(super) fn fitted_terms(&self) -> Vec<FittedTerm<'_>> {
        let mut first = self.first_of_effects();
        let place = |(index, term)| {
            let own = FittedTerm { term, index, first };
            first += own.term.pairs().len();
            own
        };
        self.random().iter().enumerate().map(place).collect()
    }

    /// The position in θ of the first parameter of the effects of clusters.
    pub(super) fn first_of_effects(&self) -> usize {
        self.optimum().sigmas.parameters()
    }

    /// The effects of a term, level by level.
    pub(super) fn predicted(&self, of: &FittedTerm) -> Vec<Prediction> {
        let effects = self.optimum().effects(of.index);
        let k = effects.size;
        let prediction = |(c, &estimate): (usize, &f64)| {
            let at = |of_level: &[DMatrix<f64>]| of_level[c / k][(c % k, c % k)];
            Prediction { estimate, variance: at(&effects.covariances), conditional: at(&effects.conditional) }
        };
        effects.estimates.iter().enumerate().map(prediction).collect()
    }

    /// The variance of an effect that adds to an observation as much as the residuals do, for the variance at a
    /// position in θ.
    pub(super) fn unit_of_effect(&self, parameter: usize) -> f64 {
        let of = |term: &FittedTerm| {
            let (_, (a, _)) = term.parameters().find(|&(k, _)| k == parameter)?;
            Some(self.largest_residual_variance() / term.squares()[a])
        };
        self.fitted_terms().iter().find_map(of).unwrap_or_else(|| self.largest_residual_variance())
    }

    /// The largest variance of a residual.
    pub(super) fn largest_residual_variance(&self) -> f64 {
        self.covariances().iter().map(|group| group.sigma.diagonal().max()).fold(0.0, f64::max)
    }
}

/// The lower triangular Λ with ΛΛ' = G, for a positive semidefinite G; columns without variance are zero.
pub(super) fn semidefinite_factor(g: &DMatrix<f64>) -> DMatrix<f64> {
    let k = g.nrows();
    let mut l = DMatrix::<f64>::zeros(k, k);
    for a in 0..k {
        for b in 0..=a {
            let rest = g[(a, b)] - (0..b).map(|c| l[(a, c)] * l[(b, c)]).sum::<f64>();
            l[(a, b)] = match a == b {
                true if rest > 1e-14 * g[(a, a)] => rest.sqrt(),
                true => 0.0,
                false if l[(b, b)] > 0.0 => rest / l[(b, b)],
                false => 0.0,
            };
        }
    }
    l
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_of_singular_covariances_give_them_back() {
        let singular = DMatrix::from_row_slice(3, 3, &[4.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let l = semidefinite_factor(&singular);
        assert_eq!(&l * l.transpose(), singular);
    }
}
