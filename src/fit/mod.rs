//! Fitting: moments, likelihood, exact derivatives, Newton.
//!
//! No step of a fit looks at a patient: the data enter as [`Moments`], one small set of sums per pattern of observed
//! visits, so that a fit costs the same for a thousand patients as for a million.

mod assembly;
pub(crate) mod bent;
mod blocks;
pub(crate) mod build;
mod cause;
pub(crate) mod centring;
mod change;
pub(crate) mod classes;
pub(crate) mod clusters;
mod collect;
mod correction;
pub(crate) mod cost;
pub(crate) mod curvature;
mod data;
mod elements;
pub(crate) mod elimination;
mod engine;
mod failure;
mod found;
mod intrinsic;
pub(crate) mod kernels;
mod likelihood;
pub(crate) mod marginal;
pub(crate) mod matrix_free;
mod moments;
mod moments_file;
mod moments_notices;
mod objective;
pub(crate) mod optimum;
pub(crate) mod pattern;
pub(crate) mod problem;
pub(crate) mod refit;
mod replaced;
mod rows;
pub(crate) mod scaled_cholesky;
mod search;
mod searched;
mod second_order;
pub(crate) mod sigmas;
pub(crate) mod slopes;
pub(crate) mod sparse;
mod start;
mod streaming;
mod sums;
#[cfg(test)]
mod tests;
mod touched;
pub(crate) mod traces;
mod trial_moments;
mod turned;
mod verify;
pub(crate) mod working;
pub(crate) mod workspace;

pub use engine::Engine;
pub use failure::{Confounded, Failure, Silence, VisitPair};
pub use moments::{Moments, PatternMoments};

pub use problem::Estimation;
pub use search::Convergence;
pub use trial_moments::TrialMoments;
