//! The analysis plan of a trial: which outcomes, at which visit, by which model, with which definitions of response.

mod adjusted;
mod cluster_models;
mod cluster_sensitivity;
mod clustering;
mod covariance;
mod diagnostics;
mod effect_sizes;
mod imputed;
mod individual_change;
mod multiplicity;
mod other_models;
mod plan;
mod pooled;
mod populations;
mod progress;
mod resampled;
mod result;
mod run;
mod subgroups;
mod summary;

use adjusted::IMPUTED;
pub use cluster_sensitivity::{ClusterSensitivity, ClusterSensitivityRow, ClusterShare};
pub use clustering::{ClusterModel, Clustering};
pub use covariance::{FittedCovariance, GroupCorrelation};
pub use diagnostics::{Diagnostics, Quantile, ResidualPoint, Spread};
pub use effect_sizes::StandardizedDifference;
pub use imputed::{Imputation, MissingSensitivity};
pub use individual_change::IndividualChangeResult;
pub use multiplicity::{HypothesisRow, MultiplicityResult};
pub use other_models::{OtherModelRow, OtherModels, OtherModelsRole};
pub use plan::{
    AnalysedBy, Analysis, DataOrigin, Deviation, Deviations, DocumentKind, EffectPlan, Estimand, EstimandTable, Estimator, EventFrom,
    EventPlan, EventStrategy, Hypothesis, ImputationPlan, IntercurrentEvent, Locked, Multiplicity, ObservedAt, Origin, OtherModel, Paper,
    Plan, PlanFile, PlanSetting, PlanSettings, PopulationPlan, ReportSettings, ReportStyle, ResponderPlan, Sensitivity, SmallCells,
    Subgroup, SummaryMeasure, TippingOf, TippingPlan, TrialPlan, plan_schema,
};
pub(crate) use plan::{degrees_of_freedom, misread, text_of, visit_in_prose};
pub use pooled::{OutcomeSums, PooledOutcome, PooledResult, SiteRow, SiteSums, SiteTable};
pub use populations::{PopulationRow, PopulationStep, PopulationTable, Populations};
pub use progress::{Progress, Silent};
pub use result::{AnalysisResult, ModelFacts, OutcomeEffects, OutcomeResult, ResponseOverTime, TrialFacts};
pub use subgroups::{SubgroupEffectSize, SubgroupResult, SubgroupRow};
