//! Independent residuals with a variance for each level of a factor that changes within patients.

use super::CovarianceStructure;
use nalgebra::DMatrix;

/// Σ_tt = σ²_l at a visit with level l of the factor, zero off the diagonal: SAS `REPEATED / GROUP=` on a factor within
/// subjects, nlme `varIdent`. Σ is linear in θ = (σ²_1, …, σ²_L).
#[derive(Debug, Clone)]
pub struct ByLevel {
    /// The level at each visit; none where the visit was not made.
    level_of: Vec<Option<usize>>,
    labels: Vec<String>,
}

impl ByLevel {
    /// Variances of the levels called `labels`, for a patient with these levels at the visits.
    pub fn new(level_of: Vec<Option<usize>>, labels: Vec<String>) -> Self {
        Self { level_of, labels }
    }

    fn fill(&self, sigma: &mut DMatrix<f64>, of: impl Fn(usize) -> f64) {
        sigma.fill(0.0);
        for (t, level) in self.level_of.iter().enumerate() {
            sigma[(t, t)] = of(level.unwrap_or(0));
        }
    }
}

impl CovarianceStructure for ByLevel {
    fn visits(&self) -> usize {
        self.level_of.len()
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        self.labels.iter().map(|label| format!("variance {label}")).collect()
    }

    /// The average variance of the visits with each level, and of all visits for levels that none has.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let all = moments.trace() / moments.nrows().max(1) as f64;
        let own = |level: usize| {
            let visits: Vec<usize> = (0..self.level_of.len()).filter(|&t| self.level_of[t] == Some(level)).collect();
            if visits.is_empty() { all } else { visits.iter().map(|&t| moments[(t, t)]).sum::<f64>() / visits.len() as f64 }
        };
        (0..self.labels.len()).map(own).collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta.iter().all(|variance| *variance > 0.0)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        self.fill(sigma, |level| theta[level]);
    }

    fn derivative(&self, _theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        self.fill(derivative, |level| f64::from(u8::from(level == k)));
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }
}
