//! Which of the engines found an optimum.

#[cfg(test)]
mod tests;

use crate::covariance::Covariance;
use crate::design::Design;
use nalgebra::DMatrix;
use std::fmt;

/// How the likelihood was computed. The model decides: random effects with independent residuals go to the sparse
/// engine, as they do where one visit is analysed; random effects above a covariance of the visits go to the dense one,
/// and everything else needs patterns alone.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Sums over the patients who share a pattern of visits; no random effects.
    Patterns,
    /// The same with the random effects as penalised columns of the mean.
    DenseEffects,
    /// Random effects by sparse elimination, for independent residuals.
    SparseEffects,
}

impl Engine {
    /// The one for a model.
    pub(crate) fn of(covariance: &Covariance, design: &Design) -> Self {
        match (design.random().is_empty(), covariance) {
            (true, _) => Engine::Patterns,
            (false, covariance) if design.groups().len() == 1 && leaves_independence(covariance, design) => Engine::SparseEffects,
            (false, _) => Engine::DenseEffects,
        }
    }
}

/// Whether residuals are independent and have one variance, which is the parameter: of any structure where one visit is analysed.
fn leaves_independence(covariance: &Covariance, design: &Design) -> bool {
    let columns = design.columns();
    if matches!(covariance, Covariance::Independent) {
        return true;
    }
    if columns.visit_labels().len() != 1 || !covariance.coordinate_columns().is_empty() || matches!(covariance, Covariance::Custom(_)) {
        return false;
    }
    let Ok(structure) = covariance.bind_in(&columns.visits, &columns.visit_times, None) else { return false };
    let mut sigma = DMatrix::zeros(1, 1);
    let is_variance = |variance: f64, sigma: &mut DMatrix<f64>| {
        structure.sigma(&[variance], sigma);
        sigma[(0, 0)] == variance
    };
    structure.parameter_names(columns.visit_labels()).len() == 1 && [0.5, 1.0, 3.0].iter().all(|&v| is_variance(v, &mut sigma))
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Patterns => "patterns",
            Engine::DenseEffects => "dense-effects",
            Engine::SparseEffects => "sparse-effects",
        })
    }
}
