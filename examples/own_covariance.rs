//! A covariance structure of one's own: fits it to the sample trial `data-samples/fev` beside built-in ones and
//! prints the comparison.
//!
//! The structure here has one correlation between visits of the first half of the schedule, one between those of the
//! second half, and one across. It comes in parameters in which Σ is linear, so that its second derivatives are zero.
//!
//!     cargo run --release --example own_covariance

use nalgebra::DMatrix;
use std::sync::Arc;
use trialstats::covariance::{CovarianceFamily, CovarianceStructure};
use trialstats::trial::Layout;
use trialstats::{Covariance, Df, Model};

/// What makes the structure for any visit schedule.
#[derive(Debug)]
struct TwoPhases;

impl CovarianceFamily for TwoPhases {
    fn name(&self) -> String {
        "two phases".into()
    }

    fn bind(&self, times: &[Option<f64>]) -> trialstats::Result<Box<dyn CovarianceStructure>> {
        Ok(Box::new(TwoPhasesOf { visits: times.len() }))
    }
}

/// The structure on a schedule: θ = (variance, covariance early, covariance late, covariance across).
#[derive(Debug)]
struct TwoPhasesOf {
    visits: usize,
}

impl TwoPhasesOf {
    /// The parameter that stands in cell (a, b) of Σ.
    fn parameter(&self, a: usize, b: usize) -> usize {
        let late = |visit: usize| 2 * visit >= self.visits;
        match (late(a), late(b)) {
            _ if a == b => 0,
            (false, false) => 1,
            (true, true) => 2,
            _ => 3,
        }
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize)> {
        let n = self.visits;
        (0..n * n).map(move |k| (k / n, k % n))
    }
}

impl CovarianceStructure for TwoPhasesOf {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        ["variance", "covariance early", "covariance late", "covariance across"].map(String::from).to_vec()
    }

    /// The averages of the cells that share a parameter.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        (0..4)
            .map(|k| {
                let cells: Vec<f64> = self.cells().filter(|&(a, b)| self.parameter(a, b) == k).map(|cell| moments[cell]).collect();
                cells.iter().sum::<f64>() / cells.len() as f64
            })
            .collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta[0] > 0.0
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        self.cells().for_each(|(a, b)| sigma[(a, b)] = theta[self.parameter(a, b)]);
    }

    fn derivative(&self, _theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        self.cells().for_each(|(a, b)| derivative[(a, b)] = if self.parameter(a, b) == k { 1.0 } else { 0.0 });
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }
}

fn main() -> trialstats::Result<()> {
    let trial = Layout::long("USUBJID", "ARMCD", "AVISIT")
        .outcome("FEV1")
        .covariate("RACE")
        .factor("SEX", ["Male", "Female"])
        .read_csv("data-samples/fev/fev.csv")?;
    let model = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT")?.df(Df::KenwardRoger);
    println!("{:<28} {:>10} {:>14} {:>10}", "covariance", "parameters", "log-likelihood", "AIC");
    let own = Covariance::Custom(Arc::new(TwoPhases));
    for covariance in [Covariance::CompoundSymmetry, own.clone(), Covariance::Toeplitz, Covariance::Unstructured] {
        let fit = model.clone().covariance(covariance.clone()).fit(&trial)?;
        let parameters = fit.covariance_parameters().len();
        println!("{:<28} {parameters:>10} {:>14.3} {:>10.2}", covariance.to_string(), fit.log_likelihood(), fit.aic());
    }
    println!("\n{}", model.covariance(own).fit(&trial)?.coefficients());
    Ok(())
}
