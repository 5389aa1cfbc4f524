//! [`Analysis`]: a plan for the trial at hand.

use super::{
    EffectPlan, Estimand, EventPlan, ImputationPlan, Multiplicity, OtherModel, Plan, PopulationPlan, ReportSettings, Subgroup, TippingPlan,
};
use crate::analysis::{AnalysisResult, Clustering, Progress};
use crate::change::IndividualChange;
use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::effects::Denominator;
use crate::error::Result;
use crate::fit::Estimation;
use crate::imputation::Events;
use crate::inference::Df;
use crate::model::Model;
use crate::responders::{Definition, Unobserved};
use crate::trial::{BaselineFrom, Trial};

/// The short way to a [`Plan`] for a trial that has been read, and to its result.
///
/// ```
/// use trialstats::Layout;
/// use trialstats::analysis::{Analysis, Silent};
///
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
///     .reference_arm("PLACEBO")
///     .outcome("CHANGE")
///     .covariate("BASVAL")
///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv"))?;
/// let result = Analysis::of(&trial).primary("CHANGE").at("7").mean("BASVAL * VISIT + THERAPY * VISIT").run(&Silent)?;
/// let contrasts = result.outcomes[0].contrasts.as_ref().map(|c| c.rows.len());
/// assert_eq!(contrasts, Some(4));
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// Its methods and defaults are those of [`Plan`]. A formula that cannot be understood is an error of
/// [`run`](Analysis::run).
#[derive(Debug, Clone)]
pub struct Analysis<'t> {
    pub(in crate::analysis) trial: &'t Trial,
    pub(in crate::analysis) plan: Plan,
    /// The right-hand side of the formula, where one is stated.
    mean: Option<String>,
    /// The trial as it was observed, and the intercurrent events by which `trial` differs from it.
    pub(in crate::analysis) events: Option<(&'t Trial, Events)>,
}

/// Methods that a plan has under the same name.
macro_rules! of_the_plan {
    ($($name:ident ( $($argument:ident : $type:ty),* );)+) => {
        $(
            #[doc = concat!("As [`Plan::", stringify!($name), "`].")]
            pub fn $name(self $(, $argument: $type)*) -> Self {
                Self { plan: self.plan.$name($($argument),*), ..self }
            }
        )+
    };
}

impl<'t> Analysis<'t> {
    /// A plan for `trial` with the defaults.
    pub fn of(trial: &'t Trial) -> Self {
        Self { trial, plan: Plan::new(""), mean: None, events: None }
    }

    /// The primary outcome.
    pub fn primary(mut self, outcome: impl Into<String>) -> Self {
        self.plan.primary = outcome.into();
        self
    }

    /// The right-hand side of the model's formula, such as `site + arm * visit`; see [`Plan::formula`].
    pub fn mean(mut self, right_hand_side: impl Into<String>) -> Self {
        self.mean = Some(right_hand_side.into());
        self
    }

    of_the_plan! {
        at(visit: impl Into<String>);
        secondary(outcome: impl Into<String>);
        model(model: Model);
        baseline(baseline: Baseline);
        covariance(covariance: Covariance);
        covariance_else(structures: impl IntoIterator<Item = Covariance>);
        estimation(estimation: Estimation);
        df(df: Df);
        responders(definitions: impl IntoIterator<Item = Definition>);
        unobserved(unobserved: impl IntoIterator<Item = Unobserved>);
        level(level: f64);
        effects(effects: EffectPlan);
        bootstrap(replicates: usize);
        seed(seed: u64);
        baseline_from(baseline: BaselineFrom);
        lower_is_better();
        denominator(denominator: Denominator);
        label(name: impl Into<String>, text: impl Into<String>);
        sensitivity_to_clusters(clustering: Clustering);
        estimand(estimand: Estimand);
        event(event: EventPlan);
        sensitivity_by_imputation(imputation: ImputationPlan);
        tipping_point(tipping: TippingPlan);
        sensitivity_in_population(population: PopulationPlan);
        subgroup(subgroup: Subgroup);
        individual_change(change: IndividualChange);
        sensitivity_to_model(model: OtherModel);
        analysis(analysis: OtherModel);
        multiplicity(multiplicity: Multiplicity);
        report(settings: ReportSettings);
    }

    /// As [`Plan::characteristics`].
    pub fn characteristics<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        Self { plan: self.plan.characteristics(names), ..self }
    }

    /// What runs: a plan with everything that depends on the trial, which is as the plan's `events` have it.
    pub(in crate::analysis) fn resolved(trial: &'t Trial, plan: Plan, events: Option<(&'t Trial, Events)>) -> Self {
        Self { trial, plan, mean: None, events }
    }

    /// The model of an outcome.
    pub(in crate::analysis) fn model_of(&self, outcome: &str) -> Model {
        self.plan.model.clone().of_outcome(outcome)
    }

    /// The plan, which does not need the trial.
    ///
    /// # Errors
    /// [`Error::Formula`](crate::Error::Formula) where the formula cannot be understood.
    pub fn plan(&self) -> Result<Plan> {
        let plan = self.plan.clone();
        self.mean.iter().try_fold(plan, |plan, mean| plan.formula(mean))
    }

    /// Runs the plan on the trial.
    ///
    /// # Errors
    /// As [`Plan::run`], and [`Error::Formula`](crate::Error::Formula) where the formula cannot be understood.
    pub fn run(&self, progress: &dyn Progress) -> Result<AnalysisResult> {
        self.plan()?.run(self.trial, progress)
    }
}
