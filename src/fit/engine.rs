//! Which of the engines found an optimum.

use crate::covariance::Covariance;
use crate::design::Design;
use std::fmt;

/// How the likelihood was computed. The model decides: random effects with independent residuals go to the sparse
/// engine, random effects above a covariance of the visits to the dense one, everything else needs patterns alone.
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
            (false, Covariance::Independent) if design.groups().len() == 1 => Engine::SparseEffects,
            (false, _) => Engine::DenseEffects,
        }
    }
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
