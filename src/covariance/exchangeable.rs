//! One correlation for all pairs of visits: the heterogeneous form of compound symmetry.

use super::correlation::CorrelationFamily;
use nalgebra::DMatrix;

/// Every pair of visits has the correlation ρ.
#[derive(Debug, Clone)]
pub struct Exchangeable;

impl CorrelationFamily for Exchangeable {
    fn parameters(&self, visits: usize) -> usize {
        usize::from(visits > 1)
    }

    fn names(&self, _labels: &[String]) -> Vec<String> {
        vec!["correlation".into()]
    }

    fn start(&self, correlation: &DMatrix<f64>) -> Vec<f64> {
        let t = correlation.nrows() as f64;
        vec![(correlation.sum() - t) / (t * (t - 1.0))]
    }

    fn correlation(&self, rho: &[f64], _a: usize, _b: usize) -> f64 {
        rho[0]
    }

    fn derivative(&self, _rho: &[f64], _k: usize, _a: usize, _b: usize) -> f64 {
        1.0
    }

    fn second_derivative(&self, _rho: &[f64], _k: usize, _l: usize, _a: usize, _b: usize) -> f64 {
        0.0
    }
}
