//! Inference: what a fit says of the mean, with honest degrees of freedom.
//!
//! Every function here sees a fit as β, Φ and the derivatives of Φ over the covariance parameters; nothing knows of
//! arms or visits.
//!
//! # Degrees of freedom
//!
//! Set by [`Model::df`](crate::Model::df). v = l'Φl, g its gradient over the covariance parameters θ, A the
//! covariance of θ.
//!
//! | [`Df`] | df of l'β | standard error | papers | peers |
//! |---|---|---|---|---|
//! | [`Satterthwaite`](Df::Satterthwaite) | 2v²/(g'Ag); several df by Fai & Cornelius | √v | Satterthwaite 1946, Giesbrecht & Burns 1985, Fai & Cornelius 1996 | SAS `ddfm=satterthwaite`; mmrm, lmerTest |
//! | [`KenwardRoger`](Df::KenwardRoger) | as Satterthwaite; several df with a scale of F | adjusted, with second derivatives | Kenward & Roger 1997 | SAS `ddfm=kr` |
//! | [`KenwardRogerLinear`](Df::KenwardRogerLinear) | as above | adjusted, without second derivatives | Kenward & Roger 1997 | SAS `ddfm=kr(linear)`; mmrm `Kenward-Roger-Linear`; pbkrtest |
//! | [`KenwardRoger2`](Df::KenwardRoger2) | as above | adjusted, with the bias of θ̂ | Kenward & Roger 2009 | SAS `ddfm=kr2` |
//! | [`BetweenWithin`](Df::BetweenWithin) | n − p between; N − n − p within; the smaller of those involved | √v | Schluchter & Elashoff 1990 | SAS `ddfm=betwithin`, without its exception for `type=un`; mmrm `Between-Within` |
//! | [`Residual`](Df::Residual) | N − rank X | √v | | SAS `ddfm=residual`; mmrm `Residual` |
//! | [`Asymptotic`](Df::Asymptotic) | ∞ | √v | | SAS `ddfm=none` |
//!
//! # Covariance of the coefficients
//!
//! Set by [`Model::vcov`](crate::Model::vcov). The clusters are those of [`Model::clusters`](crate::Model::clusters):
//! patients, the levels of a factor above them, or the highest that random effects make. X*, e* are whitened by the
//! fitted covariance of a whole cluster, H* = X*ΦX*'. Kenward and Roger's methods go with the model-based covariance
//! only; all other df go with all, but `BetweenWithin` only with patients as clusters. With `Satterthwaite` the df of
//! a cluster-robust variance are those of Bell & McCaffrey (2002) under the fitted covariance, (tr P)²/tr P², and
//! joint tests put them together as Fai & Cornelius do. [`Fit::cluster_counts`] says how many clusters an arm has.
//!
//! | [`Vcov`] | V | papers | peers |
//! |---|---|---|---|
//! | [`ModelBased`](Vcov::ModelBased) | Φ = (X'WX)⁻¹, or Kenward and Roger's | | everyone's default |
//! | [`Cr0`](Vcov::Cr0) | Φ (Σ X*'e*e*'X*) Φ | Liang & Zeger 1986 | SAS `empirical`; mmrm `Empirical`; clubSandwich `CR0` |
//! | [`Cr2`](Vcov::Cr2) | as CR0 with (I − H*)^−½ e* | Bell & McCaffrey 2002; Pustejovsky & Tipton 2018 | mmrm `Empirical-Bias-Reduced`; clubSandwich `CR2` (another root) |
//! | [`Cr3`](Vcov::Cr3) | as CR0 with (I − H*)^−1 e* | Mancl & DeRouen 2001 | mmrm `Empirical-Jackknife`; clubSandwich `CR3` |

mod answers;
mod between_within;
mod bootstrap;
mod bootstrap_test;
mod cluster_counts;
mod covariance_intervals;
mod criteria;
mod deletion;
mod expected_information;
pub(crate) mod fallback;
mod fit;
mod influence;
mod information;
mod kenward_roger;
mod likelihood_ratio;
mod linear;
mod moments_fit;
mod nesting;
mod of_patients;
mod predicting;
mod predictions;
mod profile;
mod quantities;
mod random_effects;
mod refit;
mod refitter;
mod residuals;
mod response;
mod sandwich;
mod sandwich_effects;
mod sandwich_eigen;
mod sandwich_root;
mod sandwich_rotation;
mod sandwich_rows;
mod sandwich_squares;
mod satterthwaite;
mod simulation;
mod spread;
mod summary;
mod view;
mod weighing;

pub use crate::estimates::{Coefficients, Df, Estimate, FTest};
pub(crate) use between_within::BetweenWithin;
pub use bootstrap_test::BootstrapLikelihoodRatio;
pub use cluster_counts::{ClusterCount, ClusterCounts};
pub use covariance_intervals::{CovarianceInterval, CovarianceIntervalMethod, CovarianceIntervalOptions, CovarianceIntervals};
pub use criteria::{InformationCriteria, ParameterCount};
pub use expected_information::InformationKind;
pub use fallback::Attempt;
pub use fit::Fit;
pub use influence::{CovarianceInfluence, CovarianceOnDeletion, Influence, InfluenceOptions, PatientInfluence};
pub use likelihood_ratio::{ComparedModel, LikelihoodRatio};
pub(crate) use moments_fit::Settings;
pub use moments_fit::{GroupCovariance, MomentsFit};
pub use predictions::{Prediction, PredictionKind, PredictionOptions, Predictions, VisitStatus};
pub use quantities::CovarianceQuantity;
pub use random_effects::{
    IntraclassCorrelation, IntraclassCorrelations, ObservationCovariance, ObservationCovariances, PredictedEffect, PredictedEffects,
    RSquared, SingularDirection, VarianceComponent, VarianceComponents,
};
pub use refitter::Refitter;
pub use residuals::{Residual, Residuals};
pub use response::ResponseFit;
pub use sandwich::Vcov;
pub use simulation::Simulations;
