//! Compound symmetry: one variance, one covariance.

use super::CovarianceStructure;
use nalgebra::DMatrix;

/// Σ = σ₁ J + σ² I with θ = (σ₁, σ²), as SAS has it. σ₁ may be negative as long as Σ is positive definite. Σ is
/// linear in θ.
#[derive(Debug, Clone)]
pub struct CompoundSymmetry {
    visits: usize,
}

impl CompoundSymmetry {
    /// Compound symmetry of `visits` visits.
    pub fn new(visits: usize) -> Self {
        Self { visits }
    }
}

impl CovarianceStructure for CompoundSymmetry {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        // A single visit cannot tell the two apart.
        if self.visits == 1 { vec!["residual variance".into()] } else { vec!["common covariance".into(), "residual variance".into()] }
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let t = self.visits as f64;
        let variance = moments.trace() / t;
        if self.visits == 1 {
            return vec![variance];
        }
        let covariance = (moments.sum() - moments.trace()) / (t * (t - 1.0));
        vec![covariance, variance - covariance]
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta.last().is_some_and(|&residual| residual > 0.0)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        sigma.fill(if self.visits == 1 { 0.0 } else { theta[0] });
        let residual = theta[theta.len() - 1];
        (0..self.visits).for_each(|a| sigma[(a, a)] += residual);
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        if k + 1 == theta.len() {
            derivative.fill_with_identity();
        } else {
            derivative.fill(1.0);
        }
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }
}
