//! What is analysed, decided before the data are seen.

use super::{AnalysisResult, Clustering, Progress};
use crate::covariance::Covariance;
use crate::design::{Baseline, MeanModel};
use crate::effects::{Denominator, Positive};
use crate::error::{Error, Result};
use crate::fit::Estimation;
use crate::inference::Df;
use crate::model::Model;
use crate::responders::{Definition, Unobserved};
use crate::trial::{BaselineFrom, Trial};

/// The intention-to-treat analysis of a trial: outcomes, the visit of primary interest, the model, and definitions of
/// response.
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
/// | setting | default |
/// |---|---|
/// | [`primary`](Analysis::primary) | none: must be named |
/// | [`at`](Analysis::at) | the last visit |
/// | [`secondary`](Analysis::secondary) | none |
/// | [`mean`](Analysis::mean) | `arm * visit`; `visit` with one arm |
/// | [`baseline`](Analysis::baseline) | constrained (cLDA) if the schedule has a baseline visit and the mean does not name it |
/// | [`covariance`](Analysis::covariance) | unstructured |
/// | [`covariance_else`](Analysis::covariance_else) | none |
/// | [`estimation`](Analysis::estimation) | REML |
/// | [`df`](Analysis::df) | Kenward–Roger |
/// | [`responders`](Analysis::responders) | none |
/// | [`unobserved`](Analysis::unobserved) | observed only, counted as not met, and bounds, all shown |
/// | [`level`](Analysis::level) | 0.95 |
/// | [`denominator`](Analysis::denominator) | raw baseline standard deviation, pooled over arms |
/// | [`baseline_from`](Analysis::baseline_from) | the schedule's baseline visit |
/// | [`lower_is_better`](Analysis::lower_is_better) | not said: effect sizes have the sign of the difference |
/// | [`bootstrap`](Analysis::bootstrap) | none |
/// | [`seed`](Analysis::seed) | 1 |
/// | [`sensitivity_to_clusters`](Analysis::sensitivity_to_clusters) | none |
#[derive(Debug, Clone)]
pub struct Analysis<'t> {
    pub(super) trial: &'t Trial,
    pub(super) plan: Plan,
}

/// The settings of an [`Analysis`].
#[derive(Debug, Clone, serde::Serialize)]
pub struct Plan {
    /// Name of the primary outcome.
    pub primary: String,
    /// The visit of primary interest.
    pub at: String,
    /// Names of the secondary outcomes.
    pub secondary: Vec<String>,
    /// Right-hand side of the mean model's formula, the same for every outcome.
    pub mean: String,
    /// What is done with the baseline.
    pub baseline: Option<Baseline>,
    /// Covariance among a patient's visits.
    pub covariance: Covariance,
    /// Structures to fall back on, in this order.
    pub covariance_else: Vec<Covariance>,
    /// Likelihood.
    pub estimation: Estimation,
    /// Degrees of freedom.
    pub df: Df,
    /// Definitions of response and remission.
    pub definitions: Vec<Definition>,
    /// What is done with the unobserved in rates.
    pub unobserved: Vec<Unobserved>,
    /// Confidence level.
    pub level: f64,
    /// Bootstrap replicates, 0 for none.
    pub bootstrap: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Where the baseline value of an outcome is found, for effect sizes and definitions of response.
    pub baseline_from: BaselineFrom,
    /// What a positive effect size means.
    pub positive: Positive,
    /// The standard deviation that effect sizes divide by.
    pub denominator: Denominator,
    /// Text for variables in the table of baseline characteristics, by name.
    pub labels: Vec<(String, String)>,
    /// Characteristics in the table of baseline characteristics; all where not said.
    pub characteristics: Option<Vec<String>>,
    /// Clusters that a sensitivity analysis of the primary contrast considers.
    pub clustering: Option<Clustering>,
}

impl Plan {
    /// The visit of primary interest as prose has it: `12 months`, but `visit 7` where the label is a bare number.
    pub fn visit(&self) -> String {
        visit_in_prose(&self.at)
    }
}

/// A visit's label as prose and figures have it: `visit 7` where it is a bare number.
pub(crate) fn visit_in_prose(label: &str) -> String {
    if label.parse::<f64>().is_ok() { format!("visit {label}") } else { label.into() }
}

impl<'t> Analysis<'t> {
    /// A plan for `trial` with the defaults.
    pub fn of(trial: &'t Trial) -> Self {
        let plan = Plan {
            primary: String::new(),
            at: trial.schedule().labels().last().map(ToString::to_string).unwrap_or_default(),
            secondary: vec![],
            mean: if trial.arms().len() > 1 { "arm * visit" } else { "visit" }.into(),
            baseline: None,
            covariance: Covariance::Unstructured,
            covariance_else: vec![],
            estimation: Estimation::Reml,
            df: Df::KenwardRoger,
            definitions: vec![],
            unobserved: vec![Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds],
            level: 0.95,
            bootstrap: 0,
            seed: 1,
            baseline_from: BaselineFrom::Visit,
            positive: Positive::Rise,
            denominator: Denominator::BaselinePooled,
            labels: vec![],
            characteristics: None,
            clustering: None,
        };
        Self { trial, plan }
    }

    /// The primary outcome.
    pub fn primary(mut self, outcome: impl Into<String>) -> Self {
        self.plan.primary = outcome.into();
        self
    }

    /// The visit of primary interest.
    pub fn at(mut self, visit: impl Into<String>) -> Self {
        self.plan.at = visit.into();
        self
    }

    /// Adds a secondary outcome, analysed by the same model.
    pub fn secondary(mut self, outcome: impl Into<String>) -> Self {
        self.plan.secondary.push(outcome.into());
        self
    }

    /// The right-hand side of the mean model's formula, e.g. `site + arm * visit`.
    pub fn mean(mut self, right_hand_side: impl Into<String>) -> Self {
        self.plan.mean = right_hand_side.into();
        self
    }

    /// What is done with the baseline measurement.
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.plan.baseline = Some(baseline);
        self
    }

    /// The covariance among a patient's visits.
    pub fn covariance(mut self, covariance: Covariance) -> Self {
        self.plan.covariance = covariance;
        self
    }

    /// Structures to fall back on, in this order, where the one before cannot be fitted; see
    /// [`Model::covariance_else`].
    pub fn covariance_else(mut self, structures: impl IntoIterator<Item = Covariance>) -> Self {
        self.plan.covariance_else = structures.into_iter().collect();
        self
    }

    /// The likelihood.
    pub fn estimation(mut self, estimation: Estimation) -> Self {
        self.plan.estimation = estimation;
        self
    }

    /// The method for degrees of freedom.
    pub fn df(mut self, df: Df) -> Self {
        self.plan.df = df;
        self
    }

    /// Adds definitions of response or remission.
    pub fn responders(mut self, definitions: impl IntoIterator<Item = Definition>) -> Self {
        self.plan.definitions.extend(definitions);
        self
    }

    /// What is done in rates with patients who were not observed; each way is shown.
    pub fn unobserved(mut self, unobserved: impl IntoIterator<Item = Unobserved>) -> Self {
        self.plan.unobserved = unobserved.into_iter().collect();
        self
    }

    /// The confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.plan.level = level;
        self
    }

    /// Bootstrap intervals of effect sizes from this many replicates; 0 for none.
    pub fn bootstrap(mut self, replicates: usize) -> Self {
        self.plan.bootstrap = replicates;
        self
    }

    /// The seed of everything random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.plan.seed = seed;
        self
    }

    /// Where the baseline value of outcomes is found, for effect sizes and definitions of response.
    pub fn baseline_from(mut self, baseline: BaselineFrom) -> Self {
        self.plan.baseline_from = baseline;
        self
    }

    /// Low scores are good: positive effect sizes mean improvement within an arm, and lower scores than the reference
    /// arm between arms.
    pub fn lower_is_better(mut self) -> Self {
        self.plan.positive = Positive::Fall;
        self
    }

    /// The standard deviation that effect sizes divide by.
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.plan.denominator = denominator;
        self
    }

    /// The covariates, outcomes and diagnoses shown in the table of baseline characteristics, in this order.
    pub fn characteristics<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.plan.characteristics = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Text for a variable in the table of baseline characteristics.
    pub fn label(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.plan.labels.push((name.into(), text.into()));
        self
    }

    /// Adds a sensitivity analysis: the contrast of the primary outcome at the visit of primary interest, with its
    /// effect size, under models that take these clusters into account, beside the primary analysis, which stays what
    /// it is. See [`ClusterSensitivity`](super::ClusterSensitivity) for what it gives.
    ///
    /// ```
    /// use trialstats::analysis::{Analysis, ClusterModel, Clustering, Silent};
    /// # use trialstats::simulate::Gaussian;
    /// # fn main() -> trialstats::Result<()> {
    /// # let trial = Gaussian::new(["before", "after"]).arm("alone", 40, [5.0, 5.0]).arm("grouped", 40, [5.0, 4.0])
    /// #     .groups("group", "grouped", 8, [0.0, 1.0]).trial(1, 0)?;
    /// let analysis = Analysis::of(&trial).primary("y").sensitivity_to_clusters(Clustering::new().groups("group"));
    /// let result = analysis.run(&Silent)?;
    /// let clustering = result.clustering.expect("it was asked for");
    /// assert!(clustering.get(ClusterModel::PartiallyNested).is_some_and(|row| row.failure.is_none()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn sensitivity_to_clusters(mut self, clustering: Clustering) -> Self {
        self.plan.clustering = Some(clustering);
        self
    }

    /// Runs the analysis.
    ///
    /// # Errors
    /// [`Error::Unknown`] for names the trial does not have, [`Error::Invalid`] for settings that make no sense, and
    /// whatever keeps a model from being fitted or estimated.
    pub fn run(&self, progress: &dyn Progress) -> Result<AnalysisResult> {
        self.check()?;
        super::run::run(self, progress)
    }

    fn check(&self) -> Result<()> {
        if self.plan.primary.is_empty() {
            return Err(Error::invalid("the analysis", "no primary outcome is named", "name one: `.primary(\"caps5\")`"));
        }
        if !(self.plan.level > 0.0 && self.plan.level < 1.0) {
            return Err(Error::invalid(
                format!("the confidence level {}", self.plan.level),
                "it does not lie between 0 and 1",
                "use 0.95, for example",
            ));
        }
        self.trial.schedule().index_of(&self.plan.at)?;
        self.plan.clustering.iter().try_for_each(|clustering| clustering.check(self.trial))?;
        self.outcomes().iter().try_for_each(|name| self.trial.outcome(name).map(|_| ()))
    }

    /// The outcomes, the primary one first.
    pub(super) fn outcomes(&self) -> Vec<&str> {
        std::iter::once(&self.plan.primary).chain(&self.plan.secondary).map(String::as_str).collect()
    }

    /// The model of `outcome`.
    pub(super) fn model(&self, outcome: &str) -> Result<Model> {
        let mean = MeanModel::parse(&format!("{outcome} ~ {}", self.plan.mean))?;
        let named = mean.baseline() == Baseline::Covariate;
        let baseline = self.plan.baseline.or((!named && self.trial.schedule().baseline().is_some()).then_some(Baseline::Constrained));
        let mean = baseline.map_or(mean.clone(), |b| mean.with_baseline(b));
        Ok(Model::new(mean)
            .covariance(self.plan.covariance.clone())
            .covariance_else(self.plan.covariance_else.iter().cloned())
            .estimation(self.plan.estimation)
            .df(self.plan.df))
    }
}
