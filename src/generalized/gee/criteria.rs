//! Criteria for choosing working correlations and mean models.

use super::data::Data;
use super::equations::{Correlations, equations, weight};
use super::sandwich::{GeeVcov, Sandwich};
use super::solve::{Solution, of_predictor};
use super::structure::WorkingCorrelation;

/// The quasi-likelihood under independence and what is made of it (Pan 2001, Biometrics 57:120–125), with φ = 1 as SAS has
/// it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct GeeCriteria {
    /// Q at the estimates, as if all observations were independent.
    pub quasi_likelihood: f64,
    /// −2Q + 2 tr(Ω V), Ω the information under independence and V the robust covariance: for choosing a working
    /// correlation.
    pub qic: f64,
    /// −2Q + 2p: for choosing a mean model.
    pub qicu: f64,
    /// tr(Ω V).
    pub cic: f64,
}

impl GeeCriteria {
    pub(super) fn of(data: &Data, solution: &Solution) -> Self {
        let mut quasi_likelihood = 0.0;
        for c in 0..data.clusters() {
            for row in data.rows(c) {
                let eta = data.predictor(row, &solution.beta);
                let prior = data.root_weight.as_ref().map_or(1.0, |w| w[row] * w[row]);
                quasi_likelihood += data.count[c] * weight(data, row) * prior * of_predictor(data, row, eta);
            }
        }
        let cic = match Correlations::of(data, WorkingCorrelation::Independence, &[]) {
            Ok(identity) => {
                let information = equations(data, &identity, &solution.residuals).information;
                let robust = Sandwich::of(data, solution, GeeVcov::Robust).vcov;
                (information * robust).trace()
            }
            Err(_) => f64::NAN,
        };
        Self { quasi_likelihood, qic: -2.0 * quasi_likelihood + 2.0 * cic, qicu: -2.0 * quasi_likelihood + 2.0 * data.p as f64, cic }
    }
}
