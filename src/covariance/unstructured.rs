//! Unstructured: a variance per visit, a covariance per pair of visits.

use super::{CovarianceStructure, lower, lower_pairs, unit_symmetric};
use nalgebra::DMatrix;

/// Σ_ab = σ_ab; θ is the lower triangle of Σ, row by row. Σ is linear in θ.
#[derive(Debug, Clone)]
pub struct Unstructured {
    visits: usize,
}

impl Unstructured {
    /// The unstructured covariance of `visits` visits.
    pub fn new(visits: usize) -> Self {
        Self { visits }
    }

    fn pair(&self, k: usize) -> (usize, usize) {
        let a = (0..self.visits).rfind(|&a| lower(a, 0) <= k).unwrap_or(0);
        (a, k - lower(a, 0))
    }
}

impl CovarianceStructure for Unstructured {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        let name = |(a, b): (usize, usize)| {
            if a == b { format!("variance {}", labels[a]) } else { format!("covariance {}, {}", labels[b], labels[a]) }
        };
        lower_pairs(self.visits).map(name).collect()
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        lower_pairs(self.visits).map(|(a, b)| moments[(a, b)]).collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        (0..self.visits).all(|a| theta[lower(a, a)] > 0.0)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        for (k, (a, b)) in lower_pairs(self.visits).enumerate() {
            sigma[(a, b)] = theta[k];
            sigma[(b, a)] = theta[k];
        }
    }

    fn derivative(&self, _theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let (a, b) = self.pair(k);
        unit_symmetric(a, b, derivative);
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }
}
