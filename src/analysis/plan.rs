//! What is analysed, decided before the data are seen.

mod analysis;
mod building;
mod check;
mod documents;
mod estimand;
mod event;
mod events_of_trial;
mod file;
mod imputation;
mod lock;
mod multiplicity;
mod other_model;
mod parts;
mod plan_file;
mod population;
mod resolve;
mod schema;
mod sensitivity;
mod settings;
mod small_cells;
mod subgroup;
#[cfg(test)]
mod tests;
mod text;
mod trial_plan;

pub use analysis::Analysis;
pub use documents::{DocumentKind, Paper, ReportStyle};
pub use estimand::{Estimand, EstimandTable, Estimator, EventStrategy, IntercurrentEvent, SummaryMeasure};
pub use event::{EventFrom, EventPlan};
pub(crate) use file::{misread, text_of};
pub use imputation::{AnalysedBy, ImputationPlan, TippingOf, TippingPlan};
pub use lock::{Deviation, Deviations, Locked};
pub use multiplicity::{Hypothesis, Multiplicity};
pub use other_model::OtherModel;
pub use parts::{DataOrigin, EffectPlan, ReportSettings, ResponderPlan, Sensitivity};
pub use plan_file::PlanFile;
pub use population::{ObservedAt, PopulationPlan};
pub use schema::plan_schema;
pub use settings::{Origin, PlanSetting, PlanSettings};
pub use small_cells::SmallCells;
pub use subgroup::Subgroup;
pub(crate) use text::degrees_of_freedom;
pub use trial_plan::TrialPlan;

use super::Clustering;
use crate::change::IndividualChange;
use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::effects::{Denominator, Positive};
use crate::fit::Estimation;
use crate::inference::Df;
use crate::model::{Model, written};
use crate::responders::{Definition, Unobserved};
use crate::trial::{BaselineFrom, Layout};
use crate::written::is_default;
use serde::{Deserializer, Serializer};

/// The degrees of freedom of a plan that does not say which.
const DF: Df = Df::KenwardRoger;
const LEVEL: f64 = 0.95;
const SEED: u64 = 1;

/// The intention-to-treat analysis of a trial as a value: what the columns of the file mean, the outcomes, the visit
/// of primary interest, the model, definitions of response, effect sizes, sensitivity analyses and the settings of
/// the report.
///
/// A plan is made before there are data, in Rust or as a file, and meets them in [`Plan::read`] and [`Plan::run`].
/// Names are looked up then; [`Plan::check`] lists everything that does not fit the data. What is written to a file
/// ([`Plan::to_toml`], or JSON by serde) is read back as the same plan ([`Plan::from_toml`]).
///
/// ```
/// use trialstats::analysis::{Plan, Silent};
///
/// let plan = Plan::from_toml(
///     r#"
///     primary = "CHANGE"
///     at = "7"
///
///     [layout]
///     patient = "PATIENT"
///     arm = "THERAPY"
///     visit = "VISIT"
///     reference-arm = "PLACEBO"
///     outcomes = ["CHANGE"]
///     covariates = ["BASVAL"]
///
///     [model]
///     formula = "BASVAL * VISIT + THERAPY * VISIT"
///     covariance-else = ["heterogeneous-toeplitz"]
///     "#,
/// )?;
/// let trial = plan.read("data-samples/antidepressant/antidepressant.csv")?;
/// let result = plan.run(&trial, &Silent)?;
/// assert_eq!(result.outcomes[0].contrasts.as_ref().map(|c| c.rows.len()), Some(4));
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// | key | in Rust | default |
/// |---|---|---|
/// | `primary` | [`Plan::new`] | none: must be named |
/// | `secondary` | [`secondary`](Plan::secondary) | none |
/// | `at` | [`at`](Plan::at) | the last visit |
/// | `baseline-from` | [`baseline_from`](Plan::baseline_from) | `visit`: the schedule's baseline visit; or `covariate(NAME)` |
/// | `level` | [`level`](Plan::level) | 0.95 |
/// | `seed` | [`seed`](Plan::seed) | 1 |
/// | `[trial]` | [`TrialPlan`] | nothing is said, and everyone in the file is analysed |
/// | `[[estimand]]` | [`Estimand`] | none: the report states none |
/// | `[[event]]` | [`EventPlan`] | none: the data are analysed as they were observed |
/// | `[layout]` | [`layout`](Plan::layout) | none: the trial is built in memory |
/// | `[model]` | [`model`](Plan::model) | the mean `arm * visit` (`visit` with one arm), unstructured, REML, Kenward–Roger |
/// | `model.baseline` | [`baseline`](Plan::baseline) | constrained (cLDA) if the schedule has a baseline visit and the mean does not name it |
/// | `[responders]` | [`ResponderPlan`] | no definitions |
/// | `[effects]` | [`EffectPlan`] | over the raw baseline standard deviation, pooled over arms |
/// | `[[sensitivity]]` | [`Sensitivity`] | none |
/// | `[[analysis]]` | [`OtherModel`] | none: further analyses |
/// | `[multiplicity]` | [`Multiplicity`] | none: one primary comparison |
/// | `[[subgroup]]` | [`Subgroup`] | none |
/// | `[[individual-change]]` | [`IndividualChange`] | none |
/// | `[[instrument]]` | [`Definition`](crate::instruments::InstrumentDefinition) | none beside those of the crate |
/// | `[report]` | [`ReportSettings`] | a plain title |
///
/// `examples/plans/imrs_gst.toml` in the repository is a whole plan.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// Name of the primary outcome.
    pub primary: String,
    /// Names of the secondary outcomes, which are analysed by the same model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary: Vec<String>,
    /// The visit of primary interest, by label; empty for the last of the schedule.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Where the baseline value of an outcome is found, for effect sizes and definitions of response.
    #[serde(default, skip_serializing_if = "is_default")]
    pub baseline_from: BaselineFrom,
    /// Confidence level, between 0 and 1.
    #[serde(default = "usual_level", skip_serializing_if = "is_usual_level")]
    pub level: f64,
    /// Seed of everything random.
    #[serde(default = "usual_seed", skip_serializing_if = "is_usual_seed")]
    pub seed: u64,
    /// The trial: title, registration, data file, and who of the file is analysed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trial: TrialPlan,
    /// What is to be estimated, in the terms of ICH E9(R1).
    #[serde(default, rename = "estimand", skip_serializing_if = "Vec::is_empty")]
    pub estimands: Vec<Estimand>,
    /// Intercurrent events in the data, and what is done with values after them.
    #[serde(default, rename = "event", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventPlan>,
    /// What the columns of the data file mean; `None` for a trial that is built in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// The model of every outcome: all that [`Model`] can say, its mean without an outcome.
    #[serde(
        default = "usual_model",
        skip_serializing_if = "is_usual_model",
        serialize_with = "write_model",
        deserialize_with = "read_model"
    )]
    pub model: Model,
    /// Definitions of response and remission.
    #[serde(default, skip_serializing_if = "is_default")]
    pub responders: ResponderPlan,
    /// Effect sizes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effects: EffectPlan,
    /// Analyses that show how far the primary one depends on what it assumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<Sensitivity>,
    /// Further analyses, by models of their own.
    #[serde(default, rename = "analysis", skip_serializing_if = "Vec::is_empty")]
    pub analyses: Vec<OtherModel>,
    /// Hypotheses that are tested at one familywise level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiplicity: Option<Multiplicity>,
    /// Subgroups in which the primary contrast is shown.
    #[serde(default, rename = "subgroup", skip_serializing_if = "Vec::is_empty")]
    pub subgroups: Vec<Subgroup>,
    /// What counts as recovered, improved and deteriorated, patient by patient.
    #[serde(default, rename = "individual-change", skip_serializing_if = "Vec::is_empty")]
    pub individual_changes: Vec<IndividualChange>,
    /// Instruments by their definitions, for the layout to name.
    #[serde(default, rename = "instrument", skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<crate::instruments::InstrumentDefinition>,
    /// The report.
    #[serde(default, skip_serializing_if = "is_default")]
    pub report: ReportSettings,
}

impl Plan {
    /// A plan for this primary outcome, with the defaults for all else.
    pub fn new(primary: impl Into<String>) -> Self {
        Self {
            primary: primary.into(),
            secondary: vec![],
            at: String::new(),
            baseline_from: BaselineFrom::default(),
            level: LEVEL,
            seed: SEED,
            trial: TrialPlan::default(),
            estimands: vec![],
            events: vec![],
            layout: None,
            model: usual_model(),
            responders: ResponderPlan::default(),
            effects: EffectPlan::default(),
            sensitivity: vec![],
            analyses: vec![],
            multiplicity: None,
            subgroups: vec![],
            individual_changes: vec![],
            instruments: vec![],
            report: ReportSettings::default(),
        }
    }

    /// The visit of primary interest as prose has it: `12 months`, but `visit 7` where the label is a bare number.
    pub fn visit(&self) -> String {
        visit_in_prose(&self.at)
    }

    /// The outcomes, the primary one first.
    pub fn outcomes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.primary).chain(&self.secondary).map(String::as_str)
    }

    /// The plan without the patients that its layout lists: those are nobody's business in a report.
    pub(super) fn without_patients(mut self) -> Self {
        if let Some(layout) = self.layout.take() {
            let is_general = |condition: &crate::trial::Condition| condition.column() != layout.patient_column();
            self.trial.population.retain(is_general);
            self.trial.subset.retain(is_general);
            self.layout = Some(layout.randomized_patients::<String, String>([]).without_named_patients());
        }
        self
    }

    /// The clusters that a sensitivity analysis considers, where one does.
    pub fn clustering(&self) -> Option<&Clustering> {
        self.sensitivity
            .iter()
            .find_map(|sensitivity| if let Sensitivity::Clusters(clustering) = sensitivity { Some(clustering) } else { None })
    }

    /// The parts of the patients in which sensitivity analyses repeat the primary one.
    pub fn populations(&self) -> impl Iterator<Item = &PopulationPlan> {
        self.sensitivity.iter().filter_map(|s| if let Sensitivity::Population(population) = s { Some(population) } else { None })
    }

    /// The models that sensitivity analyses put beside the primary one.
    pub fn other_models(&self) -> impl Iterator<Item = &OtherModel> {
        self.sensitivity.iter().filter_map(|sensitivity| if let Sensitivity::Model(model) = sensitivity { Some(model) } else { None })
    }
}

/// A visit's label as prose and figures have it: `visit 7` where it is a bare number.
pub(crate) fn visit_in_prose(label: &str) -> String {
    if label.parse::<f64>().is_ok() { format!("visit {label}") } else { label.into() }
}

fn usual_level() -> f64 {
    LEVEL
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_usual_level(level: &f64) -> bool {
    *level == LEVEL
}

fn usual_seed() -> u64 {
    SEED
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_usual_seed(seed: &u64) -> bool {
    *seed == SEED
}

fn usual_model() -> Model {
    Model::default().df(DF)
}

fn is_usual_model(model: &Model) -> bool {
    *model == usual_model() && model.mean().stated_baseline().is_none()
}

fn write_model<S: Serializer>(model: &Model, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    written::serialize(model, DF, serializer)
}

fn read_model<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Model, D::Error> {
    written::deserialize_with(DF, deserializer)
}
