//! The analysis plan of a trial: which outcomes, at which visit, by which model, with which definitions of response.

mod cluster_models;
mod cluster_sensitivity;
mod clustering;
mod covariance;
mod diagnostics;
mod effect_sizes;
mod multiplicity;
mod other_models;
mod plan;
mod progress;
mod resampled;
mod result;
mod run;
mod subgroups;
mod summary;

pub use cluster_sensitivity::{ClusterSensitivity, ClusterSensitivityRow, ClusterShare};
pub use clustering::{ClusterModel, Clustering};
pub use covariance::{FittedCovariance, GroupCorrelation};
pub use diagnostics::{Diagnostics, Quantile, ResidualPoint, Spread};
pub use effect_sizes::StandardizedDifference;
pub use multiplicity::{HypothesisRow, MultiplicityResult};
pub use other_models::{OtherModelRow, OtherModels, OtherModelsRole};
pub use plan::{Analysis, DataOrigin, EffectPlan, Plan, ReportSettings, ResponderPlan, Sensitivity, SmallCells, Subgroup};
pub use plan::{
    Deviation, Deviations, Estimand, EstimandTable, Estimator, EventStrategy, IntercurrentEvent, Locked, PlanFile, SummaryMeasure,
    TrialPlan, plan_schema,
};
pub use plan::{Hypothesis, Multiplicity, OtherModel};
pub(crate) use plan::{degrees_of_freedom, visit_in_prose};
pub use progress::{Progress, Silent};
pub use result::{AnalysisResult, ModelFacts, OutcomeEffects, OutcomeResult, TrialFacts};
pub use subgroups::{SubgroupEffectSize, SubgroupResult, SubgroupRow};
