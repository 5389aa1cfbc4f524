//! Huynh–Feldt: differences of any two visits have the same variance.

use super::{CovarianceStructure, start_inside};
use nalgebra::{DMatrix, DVector};

/// Σ_ab = (σ²_a + σ²_b)/2 − λ for a ≠ b, σ²_a on the diagonal, with θ = (σ²_1, …, σ²_T, λ); SAS `HF`. Every
/// difference of two visits has the variance 2λ (Huynh & Feldt 1970, Journal of the American Statistical Association
/// 65:1582–1589). Σ is linear in θ.
#[derive(Debug, Clone)]
pub struct HuynhFeldt {
    visits: usize,
}

impl HuynhFeldt {
    /// The structure of `visits` visits.
    pub fn new(visits: usize) -> Self {
        Self { visits }
    }
}

impl CovarianceStructure for HuynhFeldt {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        let variances = labels.iter().map(|l| format!("variance {l}"));
        variances.chain((self.visits > 1).then(|| "half the variance of a difference".to_string())).collect()
    }

    /// The variances, and half the average variance of a difference. Very unequal variances have no positive definite
    /// Σ of this form, so the start is drawn towards equal ones where need be.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let t = self.visits as f64;
        let equal = DVector::from_element(self.visits, moments.trace() / t);
        start_inside(self, moments, &equal, |moments| {
            let lambda = (t * moments.trace() - moments.sum()) / (t * (t - 1.0));
            moments.diagonal().iter().copied().chain((self.visits > 1).then_some(lambda)).collect()
        })
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta.iter().all(|&x| x > 0.0)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        for b in 0..self.visits {
            for a in 0..self.visits {
                sigma[(a, b)] = if a == b { theta[a] } else { 0.5 * (theta[a] + theta[b]) - theta[self.visits] };
            }
        }
    }

    fn derivative(&self, _theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        for b in 0..self.visits {
            for a in 0..self.visits {
                let share = 0.5 * f64::from(u8::from(a == k) + u8::from(b == k));
                derivative[(a, b)] = if k < self.visits { share } else { -f64::from(u8::from(a != b)) };
            }
        }
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }
}
