//! The parts of a plan that have settings of their own.

use super::{DocumentKind, ImputationPlan, OtherModel, Paper, Plan, PopulationPlan, ReportStyle, SmallCells, TippingPlan};
use crate::analysis::Clustering;
use crate::bootstrap::{Bootstrap, BootstrapInterval};
use crate::effects::{Correction, Denominator, GroupSize, IntervalMethod, Positive};
use crate::generalized::{PopulationVariance, Randomization, RiskOptions};
use crate::options::choices;
use crate::responders::{Definition, Unobserved, stated_definitions};
use crate::written::{is_default, pairs};

/// Definitions of response and remission, and what rates do with patients who were not observed.
///
/// ```toml
/// [responders]
/// unobserved = ["counted-as-not-met"]
/// definitions = [
///     "caps5-response", # a preset
///     { name = "halved", source = "protocol, section 7", rule = { percent-drop = { outcome = "caps5", at-least = 50 } } },
/// ]
/// ```
///
/// Definitions may be tables `[[responders.definitions]]` too; a preset is then `preset = "caps5-response"`. The names of
/// [presets](crate::responders::presets) are those of the functions in kebab-case.
///
/// Where there are several arms, each definition is also an outcome of a logistic model of the arm and `covariates`, whose
/// risk differences are standardised ([`adjusted_risks`](crate::generalized::adjusted_risks)):
///
/// ```toml
/// [responders]
/// covariates = ["baseline", "site"] # `baseline` is the primary outcome's value before treatment
/// variance = "ye"
/// randomization = "permuted-block"
/// strata = ["site"]
/// definitions = ["caps5-response"]
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResponderPlan {
    /// What is done with the unobserved in rates; each way is shown. All three unless stated.
    #[serde(skip_serializing_if = "is_every_way")]
    pub unobserved: Vec<Unobserved>,
    /// The definitions; none unless stated.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "stated_definitions")]
    pub definitions: Vec<Definition>,
    /// What risks are adjusted for; unless stated, the primary outcome's baseline value, where there is one, and the
    /// covariates of the model that are fixed within patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariates: Option<Vec<String>>,
    /// What the variance of adjusted risks allows for: robust to the model (Ye) unless stated.
    #[serde(skip_serializing_if = "is_robust")]
    pub variance: PopulationVariance,
    /// How patients were randomized, for that variance; simple unless strata are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub randomization: Option<Randomization>,
    /// The factors of a stratified randomization.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<String>,
}

/// Which effect sizes are made of the model's estimates at the visit of primary interest, and how.
///
/// ```toml
/// [effects]
/// denominator = "baseline-pooled"
/// positive = "fall"
/// intervals = ["delta", "independent-groups-randomized"]
/// bootstrap = 2000
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct EffectPlan {
    /// The standard deviation divided by: raw at baseline, pooled over arms, unless stated.
    #[serde(skip_serializing_if = "is_default")]
    pub denominator: Denominator,
    /// Cohen's d or Hedges' g.
    #[serde(skip_serializing_if = "is_default")]
    pub correction: Correction,
    /// What a positive effect size means; unless stated, that the score rose or is higher.
    #[serde(skip_serializing_if = "is_default")]
    pub positive: Positive,
    /// How limits are computed, a table each; the delta method and the formula of independent groups (n randomized)
    /// unless stated.
    #[serde(skip_serializing_if = "are_usual_intervals")]
    pub intervals: Vec<IntervalMethod>,
    /// Bootstrap replicates, for limits beside those by formula; 0, the default, for none.
    #[serde(skip_serializing_if = "is_default")]
    pub bootstrap: usize,
    /// How limits are read off the replicates: percentiles unless stated.
    #[serde(skip_serializing_if = "is_default")]
    pub bootstrap_interval: BootstrapInterval,
}

/// An analysis that shows how far the primary one depends on what it assumes.
///
/// ```toml
/// [[sensitivity]]
/// kind = "clusters"
/// groups = "therapy_group"
/// therapists = "therapist"
///
/// [[sensitivity]]
/// kind = "model"
/// name = "unequal variances"
/// covariance = "heterogeneous-toeplitz"
/// reason = "requested by a reviewer"
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum Sensitivity {
    /// The primary contrast under models that take clusters into account: `kind = "clusters"`.
    Clusters(Clustering),
    /// The primary contrast under another model: `kind = "model"`. It names no outcome and no visit.
    Model(OtherModel),
    /// The primary outcome with missing values imputed by a strategy: `kind = "imputation"`.
    Imputation(ImputationPlan),
    /// What would have to be added to imputed values for the conclusion to turn: `kind = "tipping-point"`.
    TippingPoint(TippingPlan),
    /// The primary contrast in a part of the patients, such as completers: `kind = "population"`.
    Population(PopulationPlan),
}

/// What the report says beyond the analysis.
///
/// ```toml
/// [report]
/// title = "Drug against placebo in depression"
/// registration = "NCT00000000"
/// characteristics = ["age", "sex", "ptsd"]
/// labels = { ptsd = "PTSD" }
/// documents = ["docx", "ard"]
/// style = "apa"
/// paper = "a4"
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReportSettings {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where the trial is registered, and under which number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
    /// A warning that no reader may miss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// Whether the data come from patients; figures of synthetic data carry a mark.
    #[serde(skip_serializing_if = "is_default")]
    pub data: DataOrigin,
    /// Covariates, outcomes and diagnoses in the table of baseline characteristics, in this order; all unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub characteristics: Option<Vec<String>>,
    /// Text for variables in the table of baseline characteristics, by name.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "pairs")]
    pub labels: Vec<(String, String)>,
    /// Whether figures and JSON hold values of single patients: every residual, the smallest and largest scores. `false`
    /// unless stated; [`report`](crate::report) lists them.
    #[serde(skip_serializing_if = "is_default")]
    pub include_individual_data: bool,
    /// What is done with small numbers of patients; they are shown unless stated.
    #[serde(skip_serializing_if = "is_default")]
    pub small_cells: SmallCells,
    /// What is written beside `report.html`: Word, RTF, pictures, results for programs. Nothing unless stated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentKind>,
    /// How sentences and tables put numbers: as the APA asks unless stated.
    #[serde(skip_serializing_if = "is_default")]
    pub style: ReportStyle,
    /// The paper that documents are made for: A4 unless stated.
    #[serde(skip_serializing_if = "is_default")]
    pub paper: Paper,
}

/// Where data come from.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataOrigin {
    /// From patients.
    #[default]
    Patients,
    /// From a simulator.
    Synthetic,
}

choices! {
    DataOrigin, "origin of data":
    Patients = "patients", [], "from patients";
    Synthetic = "synthetic", [], "from a simulator";
}

impl Default for ResponderPlan {
    fn default() -> Self {
        Self {
            unobserved: every_way(),
            definitions: vec![],
            covariates: None,
            variance: PopulationVariance::Ye,
            randomization: None,
            strata: vec![],
        }
    }
}

impl Default for EffectPlan {
    fn default() -> Self {
        Self {
            denominator: Denominator::default(),
            correction: Correction::default(),
            positive: Positive::default(),
            intervals: usual_intervals(),
            bootstrap: 0,
            bootstrap_interval: BootstrapInterval::default(),
        }
    }
}

impl ResponderPlan {
    /// No definitions, and each way to treat the unobserved.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is done with the unobserved in rates; each way is shown.
    pub fn unobserved(mut self, unobserved: impl IntoIterator<Item = Unobserved>) -> Self {
        self.unobserved = unobserved.into_iter().collect();
        self
    }

    /// Adds a definition.
    pub fn definition(mut self, definition: Definition) -> Self {
        self.definitions.push(definition);
        self
    }

    /// What risks are adjusted for.
    pub fn covariates<S: Into<String>>(mut self, covariates: impl IntoIterator<Item = S>) -> Self {
        self.covariates = Some(covariates.into_iter().map(Into::into).collect());
        self
    }

    /// What the variance of adjusted risks allows for.
    pub fn variance(mut self, variance: PopulationVariance) -> Self {
        self.variance = variance;
        self
    }

    /// How patients were randomized, within the strata of these factors.
    pub fn randomization<S: Into<String>>(mut self, scheme: Randomization, strata: impl IntoIterator<Item = S>) -> Self {
        self.randomization = Some(scheme);
        self.strata = strata.into_iter().map(Into::into).collect();
        self
    }

    /// How adjusted risks are made, of a resolved plan.
    pub(in crate::analysis) fn risk_options(&self, level: f64) -> RiskOptions {
        let options = RiskOptions::new(self.unobserved.iter().copied()).covariates(self.covariates.clone().unwrap_or_default());
        options.variance(self.variance).randomization(self.randomization, self.strata.iter().cloned()).level(level)
    }
}

impl EffectPlan {
    /// Cohen's d over the raw baseline standard deviation, pooled over arms, without a bootstrap.
    pub fn new() -> Self {
        Self::default()
    }

    /// The standard deviation divided by.
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.denominator = denominator;
        self
    }

    /// Cohen's d or Hedges' g.
    pub fn correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// What a positive effect size means.
    pub fn positive(mut self, positive: Positive) -> Self {
        self.positive = positive;
        self
    }

    /// How limits are computed, a table each.
    pub fn intervals(mut self, intervals: impl IntoIterator<Item = IntervalMethod>) -> Self {
        self.intervals = intervals.into_iter().collect();
        self
    }

    /// Bootstrap replicates, for limits beside those by formula; 0 for none.
    pub fn bootstrap(mut self, replicates: usize) -> Self {
        self.bootstrap = replicates;
        self
    }

    /// How limits are read off the replicates.
    pub fn bootstrap_interval(mut self, interval: BootstrapInterval) -> Self {
        self.bootstrap_interval = interval;
        self
    }

    /// The bootstrap as `plan`, whose part this is, asks for it.
    pub(in crate::analysis) fn bootstrap_of(&self, plan: &Plan) -> Bootstrap<'static> {
        Bootstrap::new(self.bootstrap, plan.seed).level(plan.level).interval(self.bootstrap_interval)
    }
}

fn every_way() -> Vec<Unobserved> {
    vec![Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds]
}

fn is_robust(variance: &PopulationVariance) -> bool {
    *variance == PopulationVariance::Ye
}

fn is_every_way(unobserved: &[Unobserved]) -> bool {
    unobserved == every_way()
}

fn usual_intervals() -> Vec<IntervalMethod> {
    vec![IntervalMethod::Delta, IntervalMethod::IndependentGroups(GroupSize::Randomized)]
}

fn are_usual_intervals(intervals: &[IntervalMethod]) -> bool {
    intervals == usual_intervals()
}

impl ReportSettings {
    /// Nothing but a plain title.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says where the trial is registered, and under which number.
    pub fn registration(mut self, registration: impl Into<String>) -> Self {
        self.registration = Some(registration.into());
        self
    }

    /// Sets a warning that no reader may miss.
    pub fn banner(mut self, banner: impl Into<String>) -> Self {
        self.banner = Some(banner.into());
        self
    }

    /// Covariates, outcomes and diagnoses in the table of baseline characteristics, in this order.
    pub fn characteristics<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.characteristics = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Text for a variable in the table of baseline characteristics.
    pub fn label(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.labels.push((name.into(), text.into()));
        self
    }

    /// Whether figures and JSON hold values of single patients.
    pub fn include_individual_data(mut self, include: bool) -> Self {
        self.include_individual_data = include;
        self
    }

    /// What is done with small numbers of patients.
    pub fn small_cells(mut self, cells: SmallCells) -> Self {
        self.small_cells = cells;
        self
    }

    /// What is written beside `report.html`.
    pub fn documents(mut self, kinds: impl IntoIterator<Item = DocumentKind>) -> Self {
        self.documents = kinds.into_iter().collect();
        self
    }

    /// How sentences and tables put numbers.
    pub fn style(mut self, style: ReportStyle) -> Self {
        self.style = style;
        self
    }

    /// The paper that documents are made for.
    pub fn paper(mut self, paper: Paper) -> Self {
        self.paper = paper;
        self
    }

    /// Says where the data come from.
    pub fn data(mut self, origin: DataOrigin) -> Self {
        self.data = origin;
        self
    }
}
