//! [`OtherModel`]: an analysis by another model than the plan's.

use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::error::{Error, Result};
use crate::fit::Estimation;
use crate::inference::Df;
use crate::model::Model;
use crate::trial::Trial;
use crate::written::is_default;

/// An analysis by another model, stated by what differs from the plan's: a further analysis (`[[analysis]]`), of any
/// outcome at any visit, or a sensitivity analysis of the primary contrast (`[[sensitivity]]` of kind `model`).
///
/// ```toml
/// [[analysis]]
/// name = "depression at 3 months, adjusted for site"
/// outcome = "bdi"
/// at = "3 months"
/// formula = "site + arm * visit"
/// df = "satterthwaite"
///
/// [[sensitivity]]
/// kind = "model"
/// name = "compound symmetry"
/// covariance = "compound-symmetry"
/// reason = "as the trial before this one"
/// ```
///
/// | key | meaning | default |
/// |---|---|---|
/// | `name` | what tables call it | must be stated |
/// | `outcome` | an outcome of the trial; of further analyses only | the primary one |
/// | `at` | the visit; of further analyses only | that of primary interest |
/// | `formula` | the right-hand side; it may have random effects and a covariance structure | the plan's |
/// | `baseline` | what is done with the baseline | a covariate where the formula names it, else the plan's |
/// | `covariance`, `covariance-else` | the structure, and those to fall back on | the plan's |
/// | `estimation`, `df` | the likelihood, and the method of degrees of freedom | the plan's |
/// | `reason` | why it is made, for the report | none |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OtherModel {
    /// What tables call it.
    pub name: String,
    /// The outcome; empty for the primary one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub outcome: String,
    /// The visit, by label; empty for that of primary interest.
    #[serde(default, skip_serializing_if = "is_default")]
    pub at: String,
    /// The right-hand side of the formula.
    #[serde(default, skip_serializing_if = "is_default")]
    pub formula: Option<String>,
    /// What is done with the baseline.
    #[serde(default, skip_serializing_if = "is_default")]
    pub baseline: Option<Baseline>,
    /// The covariance among a patient's visits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub covariance: Option<Covariance>,
    /// Structures to fall back on, in this order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub covariance_else: Option<Vec<Covariance>>,
    /// The likelihood.
    #[serde(default, skip_serializing_if = "is_default")]
    pub estimation: Option<Estimation>,
    /// The method of degrees of freedom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub df: Option<Df>,
    /// Why it is made.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reason: String,
}

impl OtherModel {
    /// An analysis of this name, so far by the plan's model.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Of this outcome.
    pub fn outcome(mut self, outcome: impl Into<String>) -> Self {
        self.outcome = outcome.into();
        self
    }

    /// At this visit.
    pub fn at(mut self, visit: impl Into<String>) -> Self {
        self.at = visit.into();
        self
    }

    /// By this right-hand side of a formula.
    pub fn formula(mut self, right_hand_side: impl Into<String>) -> Self {
        self.formula = Some(right_hand_side.into());
        self
    }

    /// With this treatment of the baseline.
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// With this covariance among a patient's visits, and nothing to fall back on unless that is stated too.
    pub fn covariance(mut self, covariance: Covariance) -> Self {
        self.covariance = Some(covariance);
        self
    }

    /// With these structures to fall back on.
    pub fn covariance_else(mut self, structures: impl IntoIterator<Item = Covariance>) -> Self {
        self.covariance_else = Some(structures.into_iter().collect());
        self
    }

    /// By this likelihood.
    pub fn estimation(mut self, estimation: Estimation) -> Self {
        self.estimation = Some(estimation);
        self
    }

    /// With this method of degrees of freedom.
    pub fn df(mut self, df: Df) -> Self {
        self.df = Some(df);
        self
    }

    /// Why it is made.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Whether nothing of the plan's model is changed.
    pub(in crate::analysis) fn changes_nothing(&self) -> bool {
        let same = Self { name: String::new(), outcome: String::new(), at: String::new(), reason: String::new(), ..self.clone() };
        same == Self::default()
    }

    /// The model: `of_plan`, the plan's as it runs on `trial`, with what differs.
    ///
    /// # Errors
    /// [`Error::Formula`] where the formula cannot be understood; [`Error::Invalid`] where it states the covariance and a
    /// key does as well.
    pub(crate) fn model(&self, of_plan: &Model, trial: &Trial) -> Result<Model> {
        self.stated(of_plan).map(|model| model.with_default_covariance(trial))
    }

    /// The same as far as it is stated, whatever the trial.
    pub(super) fn stated(&self, of_plan: &Model) -> Result<Model> {
        let mut model = of_plan.clone();
        if let Some(formula) = &self.formula {
            let stated = Model::formula(&format!("~ {formula}"))?;
            if stated.stated_covariance().is_some() && self.covariance.is_some() {
                return Err(Error::conflict(
                    format!("the covariance of `{}`", self.name),
                    "the formula states it, and `covariance` states it again",
                    "leave one out",
                ));
            }
            let names_baseline = stated.mean().baseline_role() == Baseline::Covariate;
            model = model.with_right_hand_side(formula)?;
            // The plan's own treatment would make of `baseline` in the formula something that it is not.
            if names_baseline {
                model = model.baseline(Baseline::Covariate);
            }
        }
        model = self.baseline.into_iter().fold(model, Model::baseline);
        if let Some(covariance) = &self.covariance {
            model = model.covariance(covariance.clone()).covariance_else([]);
        }
        if let Some(structures) = &self.covariance_else {
            model = model.covariance_else(structures.iter().cloned());
        }
        model = self.estimation.into_iter().fold(model, Model::estimation);
        model = self.df.into_iter().fold(model, Model::df);
        Ok(model)
    }
}
