//! Fitting: moments, likelihood, exact derivatives, Newton.
//!
//! No step of a fit looks at a patient: the data enter as [`Moments`], one small set of sums per pattern of observed visits, so that a fit
//! costs the same for a thousand patients as for a million.

mod assembly;
pub(crate) mod blocks;
mod build;
mod centring;
mod change;
pub(crate) mod classes;
mod collect;
pub(crate) mod curvature;
mod data;
pub(crate) mod kernels;
mod moments;
mod newton;
pub(crate) mod optimum;
pub(crate) mod pattern;
pub(crate) mod problem;
pub(crate) mod refit;
mod rows;
mod scaled_cholesky;
pub(crate) mod slopes;
mod start;
mod streaming;
mod sums;
#[cfg(test)]
mod tests;
pub(crate) mod traces;
mod trial_moments;
mod verify;
pub(crate) mod working;
pub(crate) mod workspace;

pub use moments::{Moments, PatternMoments};
pub use newton::Convergence;
pub use problem::Estimation;
pub use trial_moments::TrialMoments;

/// Why a model has no verified optimum; each kind is its own outcome, never a number.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The likelihood grows without bound as the covariance becomes singular.
    #[error(
        "the likelihood has no maximum: it keeps growing while the covariance of visits {} becomes singular (smallest eigenvalue of the \
         correlation matrix {eigenvalue:.1e}); too few patients have these visits for this covariance structure and mean model: \
         choose a structure with fewer parameters",
        visits.join(", ")
    )]
    Unbounded {
        /// The visits whose combination has a variance that goes to zero.
        visits: Vec<String>,
        /// The smallest eigenvalue of the fitted correlation matrix when the search was given up.
        eigenvalue: f64,
    },

    /// The data say nothing about a covariance parameter.
    #[error(
        "the data do not determine {}: no patient of the group has the visits it takes, or too few do; \
         choose a structure with fewer parameters or leave these visits out",
        parameters.join("; ")
    )]
    NotIdentified {
        /// The parameters, or those of a combination that is not determined.
        parameters: Vec<String>,
    },

    /// The search ended without a verified optimum.
    #[error("no optimum could be verified after {iterations} iterations; choose a structure with fewer parameters")]
    NotConverged {
        /// Iterations done.
        iterations: usize,
    },

    /// There are not more observations than columns.
    #[error("{observations} observations cannot determine {columns} columns of the mean model and a variance; simplify the mean model")]
    TooFewObservations {
        /// Observations analysed.
        observations: usize,
        /// Columns of the mean model.
        columns: usize,
    },

    /// The mean model has no column that the data determine.
    #[error("the mean model has no column that the data determine; add at least the intercept")]
    NoColumns,

    /// The covariance has more parameters than there are observations.
    #[error(
        "the covariance of {visits} visits has {parameters} parameters, more than the {observations} observations; check the column of \
         the visit, or choose a structure with fewer parameters"
    )]
    TooManyParameters {
        /// Analysed visits.
        visits: usize,
        /// Covariance parameters, of all groups.
        parameters: usize,
        /// Observations analysed.
        observations: usize,
    },

    /// The mean model reproduces every observation.
    #[error(
        "the mean model reproduces every observation exactly, so there is no variance to estimate; check the outcome and the mean model"
    )]
    NoResidualVariation,

    /// X'WX is singular though the design's rank was checked.
    #[error("the columns of the mean model are too nearly dependent for double precision; centre or rescale the covariates")]
    Singular,

    /// No starting value is inside the structure's range.
    #[error("the covariance structure offers no starting value inside its range; check a structure of your own")]
    NoStart,
}

impl Failure {
    /// A stable identifier, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Unbounded { .. } => "unbounded-likelihood",
            Failure::NotIdentified { .. } => "covariance-not-identified",
            Failure::NotConverged { .. } => "not-converged",
            Failure::TooFewObservations { .. } => "too-few-observations",
            Failure::NoColumns => "no-columns",
            Failure::TooManyParameters { .. } => "too-many-parameters",
            Failure::NoResidualVariation => "no-residual-variation",
            Failure::Singular => "singular-mean-model",
            Failure::NoStart => "no-starting-value",
        }
    }
}
