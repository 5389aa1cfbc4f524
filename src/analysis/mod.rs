//! The analysis plan of a trial: which outcomes, at which visit, by which model, with which definitions of response.

mod cluster_models;
mod cluster_sensitivity;
mod clustering;
mod covariance;
mod diagnostics;
mod effect_sizes;
mod plan;
mod pooled;
mod progress;
mod resampled;
mod result;
mod run;
mod summary;

pub use cluster_sensitivity::{ClusterSensitivity, ClusterSensitivityRow, ClusterShare};
pub use clustering::{ClusterModel, Clustering};
pub use covariance::{FittedCovariance, GroupCorrelation};
pub use diagnostics::{Diagnostics, Quantile, ResidualPoint, Spread};
pub use plan::{
    Analysis, DataOrigin, EffectPlan, Origin, Plan, PlanSetting, PlanSettings, ReportSettings, ResponderPlan, Sensitivity, SmallCells,
};
pub use pooled::{OutcomeSums, PooledOutcome, PooledResult, SiteRow, SiteSums, SiteTable};
pub use plan::{
    Deviation, Deviations, Estimand, EstimandTable, Estimator, EventStrategy, IntercurrentEvent, Locked, PlanFile, SummaryMeasure,
    TrialPlan, plan_schema,
};
pub(crate) use plan::{degrees_of_freedom, visit_in_prose};
pub use progress::{Progress, Silent};
pub use result::{AnalysisResult, ModelFacts, OutcomeEffects, OutcomeResult, TrialFacts};
