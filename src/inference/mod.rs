//! Inference: what a fit says of the mean, with honest degrees of freedom.
//!
//! Every function here sees a fit as β, Φ and the derivatives of Φ over the covariance parameters; nothing knows of arms or visits.

mod between_within;
mod coefficients;
mod deletion;
mod df;
mod estimate;
mod expected_information;
mod fit;
mod influence;
mod information;
mod kenward_roger;
mod kenward_roger2;
mod level;
mod likelihood_ratio;
mod nesting;
mod predicting;
mod predictions;
mod refit;
mod residuals;
mod sandwich;
mod sandwich_eigen;
mod sandwich_rows;
mod satterthwaite;
mod simulation;

pub use coefficients::Coefficients;
pub use df::Df;
pub use estimate::{Estimate, FTest};
pub use expected_information::InformationKind;
pub use fit::{Fit, GroupCovariance, InformationCriteria, ParameterCount};
pub use influence::{CovarianceInfluence, CovarianceOnDeletion, Influence, InfluenceOptions, PatientInfluence};
pub use likelihood_ratio::{ComparedModel, LikelihoodRatio};
pub use predictions::{Prediction, PredictionKind, PredictionOptions, Predictions, VisitStatus};
pub use residuals::{Residual, Residuals};
pub use sandwich::Vcov;
pub use simulation::Simulations;
