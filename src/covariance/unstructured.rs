//! Unstructured: a variance per visit, a covariance per pair of visits, or per pair that is near.

use super::{Boundary, CovarianceStructure, lower_pairs, start_inside, unit_symmetric};
use nalgebra::DMatrix;

/// Σ_ab = σ_ab; θ is the lower triangle of Σ, row by row, without what lies `bands` or more off the diagonal, which
/// is zero: SAS `UN(q)`, `UN` where q = T. Σ is linear in θ.
#[derive(Debug, Clone)]
pub struct Unstructured {
    visits: usize,
    bands: usize,
    /// (a, b), a ≥ b, of each parameter.
    pairs: Vec<(usize, usize)>,
    /// Whether it is a part of Σ only, so that its variances may vanish.
    part: bool,
}

impl Unstructured {
    /// The unstructured covariance of `visits` visits.
    pub fn new(visits: usize) -> Self {
        Self::banded(visits, visits)
    }

    /// The same with covariances of visits fewer than `bands` apart only, the variance being the first band. At least
    /// one band is kept.
    pub fn banded(visits: usize, bands: usize) -> Self {
        let bands = bands.clamp(1, visits.max(1));
        Self { visits, bands, pairs: lower_pairs(visits).filter(|(a, b)| a - b < bands).collect(), part: false }
    }

    /// A variance per visit and no covariance, as a part of Σ beside others: the variances may vanish.
    pub(crate) fn unique_variances(visits: usize) -> Self {
        Self { part: true, ..Self::banded(visits, 1) }
    }
}

impl CovarianceStructure for Unstructured {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        let name = |&(a, b): &(usize, usize)| {
            if a == b { format!("variance {}", labels[a]) } else { format!("covariance {}, {}", labels[b], labels[a]) }
        };
        self.pairs.iter().map(name).collect()
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        start_inside(self, moments, &moments.diagonal(), |moments| self.pairs.iter().map(|&(a, b)| moments[(a, b)]).collect())
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        self.pairs.iter().zip(theta).all(|((a, b), &x)| a != b || x > 0.0 || (self.part && x == 0.0))
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        if self.bands < self.visits {
            sigma.fill(0.0);
        }
        for (k, &(a, b)) in self.pairs.iter().enumerate() {
            sigma[(a, b)] = theta[k];
            sigma[(b, a)] = theta[k];
        }
    }

    fn derivative(&self, _theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let (a, b) = self.pairs[k];
        unit_symmetric(a, b, derivative);
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }

    fn boundaries(&self) -> Vec<Boundary> {
        let variances = if self.part { self.visits } else { 0 };
        (0..variances).map(|parameter| Boundary::Root { parameter, power: 2.0 }).collect()
    }
}
