//! First-order autoregression on the schedule's order.

use super::correlation::CorrelationFamily;
use nalgebra::DMatrix;

/// The correlation is ρ to the power of the distance in the schedule's order.
#[derive(Debug, Clone)]
pub struct Autoregressive;

impl CorrelationFamily for Autoregressive {
    fn parameters(&self, visits: usize) -> usize {
        usize::from(visits > 1)
    }

    fn names(&self, _labels: &[String]) -> Vec<String> {
        vec!["autocorrelation".into()]
    }

    fn start(&self, correlation: &DMatrix<f64>) -> Vec<f64> {
        let t = correlation.nrows();
        vec![(1..t).map(|a| correlation[(a, a - 1)]).sum::<f64>() / (t - 1) as f64]
    }

    fn correlation(&self, rho: &[f64], a: usize, b: usize) -> f64 {
        rho[0].powi(a.abs_diff(b) as i32)
    }

    fn derivative(&self, rho: &[f64], _k: usize, a: usize, b: usize) -> f64 {
        let lag = a.abs_diff(b) as i32;
        f64::from(lag) * rho[0].powi(lag - 1)
    }

    fn second_derivative(&self, rho: &[f64], _k: usize, _l: usize, a: usize, b: usize) -> f64 {
        let lag = a.abs_diff(b) as i32;
        if lag < 2 { 0.0 } else { f64::from(lag * (lag - 1)) * rho[0].powi(lag - 2) }
    }
}
