//! What an analysis found: tables and figures' numbers, ready to be arranged.

use super::{
    ClusterSensitivity, Diagnostics, FittedCovariance, IndividualChangeResult, MissingSensitivity, MultiplicityResult, OtherModels, Plan,
    Populations, SubgroupResult,
};
use crate::design::Baseline;
use crate::effects::EffectSizes;
use crate::generalized::AdjustedRisks;
use crate::imputation::EventTable;
use crate::inference::{Attempt, Coefficients, Df, FTest, Fit};
use crate::means::{Contrast, Contrasts, MarginalMean, MarginalMeans};
use crate::responders::{Comparisons, Rates};
use crate::trial::{BaselineTable, FileFacts, Labelled, LeftOut, MissingPatterns, ObservedMeans, ParticipantFlow, Schedule, Warning};
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Everything that a [`Plan`] found.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct AnalysisResult {
    /// The plan as it ran, with every default that depends on the trial ([`Plan::resolved`]). Patients that its layout
    /// lists are left out.
    #[serde(serialize_with = "plan_as_far_as_it_goes")]
    pub plan: Plan,
    /// The trial.
    pub trial: TrialFacts,
    /// Who was randomized.
    pub baseline: BaselineTable,
    /// The primary outcome, then the secondary ones.
    pub outcomes: Vec<OutcomeResult>,
    /// Rates of response and remission at the visit of primary interest.
    pub rates: Option<Rates>,
    /// Arms compared by them.
    pub comparisons: Option<Comparisons>,
    /// The same adjusted for covariates; none of a trial with one arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjusted_risks: Option<AdjustedRisks>,
    /// Response and remission at every visit, the unobserved treated in the first way that the plan names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_over_time: Option<ResponseOverTime>,
    /// The primary contrast under models of the trial's clusters, where the plan asks for it.
    pub clustering: Option<ClusterSensitivity>,
    /// The primary contrast under other models, where the plan asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<OtherModels>,
    /// Further analyses of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub further: Option<OtherModels>,
    /// The hypotheses that are tested at one familywise level, where the plan names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiplicity: Option<MultiplicityResult>,
    /// The primary contrast within subgroups, one result per factor of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subgroups: Vec<SubgroupResult>,
    /// What became of single patients, one result per definition of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub individual_changes: Vec<IndividualChangeResult>,
    /// The primary outcome if the missing are different, where the plan asks for it.
    pub missing: Option<MissingSensitivity>,
    /// The primary contrast in parts of the patients, where the plan asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub populations: Option<Populations>,
    /// Intercurrent events, and what became of the primary outcome after them, where the plan has events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventTable>,
    /// Software and version.
    pub software: String,
}

/// The trial in a few words.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct TrialFacts {
    /// Where the data came from.
    pub source: String,
    /// Arms, the reference first.
    pub arms: Vec<String>,
    /// Patients randomized to each.
    pub randomized: Vec<usize>,
    /// The schedule.
    pub schedule: Schedule,
    /// Cluster factors in the data.
    pub clusters: Vec<String>,
    /// What is recorded of the file; none of a trial built in memory.
    pub file: Option<FileFacts>,
    /// What the conditions of the plan left out of the file.
    pub left_out: Vec<LeftOut>,
    /// What the reader of the file decided by itself.
    pub inferred: Vec<String>,
    /// What in the data looks like a mistake.
    pub warnings: Vec<Warning>,
}

/// The plan, or why a file cannot hold it.
fn plan_as_far_as_it_goes<S: Serializer>(plan: &Plan, serializer: S) -> Result<S::Ok, S::Error> {
    match serde_json::to_value(plan) {
        Ok(value) => value.serialize(serializer),
        Err(error) => serde_json::json!({ "not-written": error.to_string() }).serialize(serializer),
    }
}

/// Response and remission over time.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResponseOverTime {
    /// Rates at every visit after baseline.
    pub rates: Rates,
    /// Risks adjusted for covariates.
    pub adjusted: AdjustedRisks,
}

/// What was found for one outcome.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct OutcomeResult {
    /// Name of the outcome.
    pub name: String,
    /// Its label.
    pub label: String,
    /// Who was observed and analysed.
    pub flow: ParticipantFlow,
    /// Which visits were missing together.
    pub patterns: MissingPatterns,
    /// Observed means, without any model.
    pub observed: ObservedMeans,
    /// The model and how its fit went.
    pub model: ModelFacts,
    /// Coefficients of the mean model.
    pub coefficients: Coefficients,
    /// Means of each arm and visit.
    pub means: MarginalMeans,
    /// Change from baseline within each arm, where the model has a baseline.
    pub changes: Option<Contrasts>,
    /// Differences between arms at each visit, where there are several arms.
    pub contrasts: Option<Contrasts>,
    /// Effect sizes of the model's estimates at the visit of primary interest; none where the trial has no baseline
    /// value to take a standard deviation from.
    pub effects: OutcomeEffects,
    /// The joint test of arm by visit, where both are in the model.
    pub joint: Option<FTest>,
    /// The fitted covariance.
    pub covariance: FittedCovariance,
    /// Residuals, summarised.
    pub diagnostics: Diagnostics,
    /// The fit itself, for everything else that hangs off one. It is no part of the JSON.
    #[serde(skip)]
    pub fit: Arc<Fit>,
}

impl OutcomeResult {
    /// The mean of an arm at a visit; where the model does not distinguish arms, the mean of all.
    pub fn mean(&self, arm: &str, visit: &str) -> Option<&MarginalMean> {
        let is = |of: &Option<Labelled>, label: &str| of.as_ref().is_none_or(|l| l == label);
        self.means.rows.iter().find(|r| r.visit.is_some() && is(&r.arm, arm) && is(&r.visit, visit))
    }

    /// Whether anybody has an analysed observation at a visit.
    pub fn is_observed_at(&self, visit: &str) -> bool {
        self.covariance.visits.iter().any(|v| v == visit)
    }

    /// The changes from baseline at a visit, arm by arm.
    pub fn changes_at<'a>(&'a self, visit: &'a str) -> impl Iterator<Item = &'a Contrast> + 'a {
        self.changes.iter().flat_map(|c| &c.rows).filter(move |c| c.visit.as_ref().is_some_and(|v| v == visit))
    }

    /// The differences between arms at a visit.
    pub fn contrasts_at<'a>(&'a self, visit: &'a str) -> impl Iterator<Item = &'a Contrast> + 'a {
        self.contrasts.iter().flat_map(|c| &c.rows).filter(move |c| c.visit.as_ref().is_some_and(|v| v == visit))
    }
}

/// Effect sizes within and between arms, a table an interval method. Each table has the same effects; only the limits
/// differ.
#[non_exhaustive]
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct OutcomeEffects {
    /// Of the changes from baseline, one row per arm.
    pub within: Vec<EffectSizes>,
    /// Of the differences from the reference arm.
    pub between: Vec<EffectSizes>,
}

/// A fitted model in a few words and numbers.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ModelFacts {
    /// The mean model as a formula.
    pub formula: String,
    /// The mean model as a sentence.
    pub sentence: String,
    /// What was done with the baseline.
    pub baseline: Baseline,
    /// The covariance structure.
    pub covariance: String,
    /// The structures that were planned before it and rejected, with the reason.
    pub attempts: Vec<Attempt>,
    /// The method for degrees of freedom.
    pub df: Df,
    /// Observations analysed.
    pub observations: usize,
    /// Patients analysed.
    pub patients: usize,
    /// (Restricted) log-likelihood.
    pub log_likelihood: f64,
    /// AIC, covariance parameters counted.
    pub aic: f64,
    /// BIC, covariance parameters counted.
    pub bic: f64,
    /// How the model was fitted.
    pub notes: Vec<String>,
    /// What a reader has to know of the data.
    pub warnings: Vec<String>,
}
