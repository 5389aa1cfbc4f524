//! First-order ante-dependence: given the visit before, a visit does not depend on the earlier ones.

use super::correlation::CorrelationFamily;
use nalgebra::DMatrix;

/// The correlation of visits a < b is the product ρ_a ρ_{a+1} … ρ_{b−1} of those between neighbours (Gabriel 1962,
/// Annals of Mathematical Statistics 33:201–212). With a variance per visit it is SAS `ANTE(1)`.
#[derive(Debug, Clone)]
pub struct AnteDependence;

impl AnteDependence {
    /// The product of the neighbours' correlations from a to b without those at `left_out`, which must lie between.
    fn product(rho: &[f64], a: usize, b: usize, left_out: &[usize]) -> f64 {
        let between = a.min(b)..a.max(b);
        if left_out.iter().any(|k| !between.contains(k)) {
            return 0.0;
        }
        between.filter(|k| !left_out.contains(k)).map(|k| rho[k]).product()
    }
}

impl CorrelationFamily for AnteDependence {
    fn parameters(&self, visits: usize) -> usize {
        visits - 1
    }

    fn names(&self, labels: &[String]) -> Vec<String> {
        labels.windows(2).map(|pair| format!("correlation {}, {}", pair[0], pair[1])).collect()
    }

    fn start(&self, correlation: &DMatrix<f64>) -> Vec<f64> {
        (1..correlation.nrows()).map(|a| correlation[(a, a - 1)]).collect()
    }

    fn correlation(&self, rho: &[f64], a: usize, b: usize) -> f64 {
        Self::product(rho, a, b, &[])
    }

    fn derivative(&self, rho: &[f64], k: usize, a: usize, b: usize) -> f64 {
        Self::product(rho, a, b, &[k])
    }

    fn second_derivative(&self, rho: &[f64], k: usize, l: usize, a: usize, b: usize) -> f64 {
        if k == l { 0.0 } else { Self::product(rho, a, b, &[k, l]) }
    }
}
