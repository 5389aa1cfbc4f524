//! Toeplitz: what two visits share depends on their distance in the schedule's order alone.

use super::correlation::CorrelationFamily;
use super::{CovarianceStructure, start_inside};
use nalgebra::DMatrix;

/// Σ_ab = σ_|a−b| with θ = (σ_0, …, σ_{q−1}), zero at lags of q and more: SAS `TOEP(q)`, `TOEP` where q = T. Σ is
/// linear in θ.
#[derive(Debug, Clone)]
pub struct Toeplitz {
    visits: usize,
    bands: usize,
}

impl Toeplitz {
    /// A covariance of its own for every lag of `visits` visits.
    pub fn new(visits: usize) -> Self {
        Self { visits, bands: visits }
    }

    /// The same for the first `bands` lags, the variance being lag 0. At least one band is kept.
    pub fn banded(visits: usize, bands: usize) -> Self {
        Self { visits, bands: bands.clamp(1, visits.max(1)) }
    }
}

impl CovarianceStructure for Toeplitz {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        std::iter::once("variance".to_string()).chain((1..self.bands).map(|lag| format!("covariance at lag {lag}"))).collect()
    }

    /// The averages along the diagonals.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        start_inside(self, moments, &moments.diagonal(), |moments| (0..self.bands).map(|lag| average_at(moments, lag)).collect())
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta[0] > 0.0
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        fill_by_lag(sigma, |lag| theta.get(lag).copied().unwrap_or(0.0));
    }

    fn derivative(&self, _theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        fill_by_lag(derivative, |lag| f64::from(u8::from(lag == k)));
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }
}

/// A correlation of its own for every lag below `bands`, none beyond: the correlations of SAS `TOEPH(q)`.
#[derive(Debug, Clone)]
pub struct Lagged {
    bands: usize,
}

impl Lagged {
    /// A correlation for every lag.
    pub fn all() -> Self {
        Self { bands: usize::MAX }
    }

    /// A correlation for lags 1 to `bands` − 1.
    pub fn banded(bands: usize) -> Self {
        Self { bands: bands.max(1) }
    }
}

impl CorrelationFamily for Lagged {
    fn parameters(&self, visits: usize) -> usize {
        self.bands.min(visits) - 1
    }

    fn names(&self, labels: &[String]) -> Vec<String> {
        (1..=self.parameters(labels.len())).map(|lag| format!("correlation at lag {lag}")).collect()
    }

    fn start(&self, correlation: &DMatrix<f64>) -> Vec<f64> {
        (1..=self.parameters(correlation.nrows())).map(|lag| average_at(correlation, lag)).collect()
    }

    fn correlation(&self, rho: &[f64], a: usize, b: usize) -> f64 {
        rho.get(a.abs_diff(b) - 1).copied().unwrap_or(0.0)
    }

    fn derivative(&self, _rho: &[f64], k: usize, a: usize, b: usize) -> f64 {
        f64::from(u8::from(a.abs_diff(b) == k + 1))
    }

    fn second_derivative(&self, _rho: &[f64], _k: usize, _l: usize, _a: usize, _b: usize) -> f64 {
        0.0
    }
}

/// The mean of the elements at a lag.
fn average_at(matrix: &DMatrix<f64>, lag: usize) -> f64 {
    let n = matrix.nrows() - lag;
    (0..n).map(|a| matrix[(a + lag, a)]).sum::<f64>() / n as f64
}

fn fill_by_lag(matrix: &mut DMatrix<f64>, element: impl Fn(usize) -> f64) {
    for b in 0..matrix.ncols() {
        for a in 0..matrix.nrows() {
            matrix[(a, b)] = element(a.abs_diff(b));
        }
    }
}
