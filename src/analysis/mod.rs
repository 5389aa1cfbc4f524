//! The analysis plan of a trial: which outcomes, at which visit, by which model, with which definitions of response.

mod cluster_models;
mod cluster_sensitivity;
mod clustering;
mod covariance;
mod diagnostics;
mod effect_sizes;
mod plan;
mod progress;
mod resampled;
mod result;
mod run;
mod summary;

pub use cluster_sensitivity::{ClusterSensitivity, ClusterSensitivityRow, ClusterShare};
pub use clustering::{ClusterModel, Clustering};
pub use covariance::{FittedCovariance, GroupCorrelation};
pub use diagnostics::{Diagnostics, Quantile, ResidualPoint, Spread};
pub(crate) use plan::visit_in_prose;
pub use plan::{
    Analysis, DataOrigin, DocumentKind, EffectPlan, Paper, Plan, ReportSettings, ReportStyle, ResponderPlan, Sensitivity, SmallCells,
};
pub use progress::{Progress, Silent};
pub use result::{AnalysisResult, ModelFacts, OutcomeEffects, OutcomeResult, TrialFacts};
