//! An unstructured covariance in another basis of the visits, for visits that are all but multiples of each other.

use super::{CovarianceStructure, Unstructured};
use nalgebra::DMatrix;

/// Σ = BΣ'B' for a given unit lower triangular B; θ is the lower triangle of Σ', row by row. With B from a Σ nearby, Σ'
/// is nearly diagonal and its elements nearly uncorrelated, where those of a nearly singular Σ cannot be told apart by
/// the arithmetic.
#[derive(Debug, Clone)]
pub(crate) struct Turned {
    plain: Unstructured,
    basis: DMatrix<f64>,
    inverse: DMatrix<f64>,
}

impl Turned {
    /// In the basis in which `sigma` is diagonal; `None` where it is not positive definite.
    pub fn at(sigma: &DMatrix<f64>) -> Option<Self> {
        let factor = sigma.clone().cholesky()?.l();
        let t = factor.nrows();
        let basis = DMatrix::from_fn(t, t, |a, b| factor[(a, b)] / factor[(b, b)]);
        let inverse = basis.solve_lower_triangular(&DMatrix::identity(t, t))?;
        Some(Self { plain: Unstructured::new(t), basis, inverse })
    }

    /// θ of Σ.
    pub fn parameters_of(&self, sigma: &DMatrix<f64>) -> Vec<f64> {
        let own = &self.inverse * sigma * self.inverse.transpose();
        super::lower_pairs(own.nrows()).map(|(a, b)| own[(a, b)]).collect()
    }
}

impl CovarianceStructure for Turned {
    fn visits(&self) -> usize {
        self.plain.visits()
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        self.plain.parameter_names(labels)
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        self.parameters_of(moments)
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        self.plain.in_range(theta)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        self.plain.sigma(theta, sigma);
        let turned = &self.basis * &*sigma * self.basis.transpose();
        sigma.copy_from(&(0.5 * (&turned + turned.transpose())));
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        self.plain.derivative(theta, k, derivative);
        let turned = &self.basis * &*derivative * self.basis.transpose();
        derivative.copy_from(&turned);
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }

    fn is_linear(&self) -> bool {
        true
    }
}
