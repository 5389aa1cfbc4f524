//! Fitting: moments, likelihood, exact derivatives, Newton.

/// Why a model has no verified optimum; each kind is its own outcome, never a number.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The likelihood grows without bound.
    #[error("the likelihood is unbounded: {0}")]
    Unbounded(String),
}

impl Failure {
    /// A stable identifier, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Unbounded(_) => "unbounded-likelihood",
        }
    }
}
