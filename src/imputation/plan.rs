//! What is imputed, how it is analysed, and what its standard error means.

use super::own::{Distribution, Own, Rule};
use super::{Delta, Events, Strategy};
use crate::error::{Error, Result};
use crate::level::check_level;
use crate::options::choices;
use crate::trial::Trial;

/// A reference-based analysis: strategy, reference arm, events, delta, the ANCOVA of the completed data.
///
/// | setting | default |
/// |---|---|
/// | `reference` | the trial's reference arm, for every arm |
/// | `events` | dropout: after the last observed outcome ([`Events::dropout`]) |
/// | `strategy_fn` | none: the named strategy |
/// | `delta` | none |
/// | `covariates` of the ANCOVA | none: the difference of means |
/// | `variance` | [`Variance::Jackknife`] |
/// | `level` | 0.95 |
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceBased {
    pub(super) strategy: Strategy,
    pub(super) own: Option<Own>,
    pub(super) reference: Option<String>,
    pub(super) references: Vec<(String, String)>,
    pub(super) events: Option<Events>,
    pub(super) delta: Option<Delta>,
    pub(super) covariates: Vec<String>,
    pub(super) variance: Variance,
    pub(super) level: f64,
}

/// What a standard error is of.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variance {
    /// The whole analysis without each patient in turn (the default).
    #[default]
    Jackknife,
    /// The estimate is linear in the outcomes given the covariance; that of the covariance parameters by the delta method. Where an
    /// event replaces values (`composite`, `while-on-treatment`), whose distribution the model does not know, the nonparametric
    /// delta method: Σ u_i², u_i being the derivative of the estimate in the weight of patient i (the infinitesimal jackknife, with
    /// the leverages of HC2).
    DeltaMethod,
    /// Rubin's rules with infinitely many draws, in closed form.
    InformationAnchored,
}

choices! {
    Variance, "variance of an imputed analysis":
    Jackknife = "jackknife", [], "the whole analysis without each patient in turn";
    DeltaMethod = "delta-method", [], "linear in the outcomes given the covariance, whose uncertainty enters by the delta method";
    InformationAnchored = "information-anchored", ["rubin"], "Rubin's rules with infinitely many draws, in closed form";
}

impl Variance {
    /// As a note has it; whether an event replaces values.
    pub(super) fn words(self, replaces: bool) -> &'static str {
        match self {
            Variance::DeltaMethod if replaces => {
                "Standard errors over samples of patients, events included, by the nonparametric delta method (the infinitesimal jackknife, with the \
                 leverages of HC2): the model does not know the distribution of values that replace others; normal quantiles."
            }
            Variance::Jackknife => {
                "Standard errors by the jackknife: the model, the imputation and the ANCOVA without each patient in turn; normal quantiles."
            }
            Variance::DeltaMethod => {
                "Standard errors over repetitions of the trial: the estimate is linear in the outcomes given the covariance, whose uncertainty enters by the \
                 delta method; normal quantiles."
            }
            Variance::InformationAnchored => {
                "Standard errors by Rubin's rules with infinitely many draws, in closed form (information-anchored); normal quantiles."
            }
        }
    }
}

impl ReferenceBased {
    /// This strategy with the defaults.
    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            own: None,
            reference: None,
            references: vec![],
            events: None,
            delta: None,
            covariates: vec![],
            variance: Variance::default(),
            level: 0.95,
        }
    }

    /// A strategy of your own in place of a named one: from the distributions of a patient's visits under the own and the
    /// reference arm, and the first visit after the event (counted from 0), the distribution of the patient.
    ///
    /// The mean has to be a linear function of the two means, and the covariance has to depend on the covariances alone.
    /// That is checked, and lets the closed forms hold. For patients without an event the function is not called.
    ///
    /// ```
    /// use trialstats::imputation::{Distribution, ReferenceBased, Strategy};
    ///
    /// // Half of the way from the own arm to the reference arm.
    /// let half = |own: &Distribution, reference: &Distribution, from: usize| {
    ///     let mut patient = own.clone();
    ///     (from..own.mean.len()).for_each(|t| patient.mean[t] = 0.5 * (own.mean[t] + reference.mean[t]));
    ///     patient
    /// };
    /// let plan = ReferenceBased::new(Strategy::Mar).strategy_fn("half way", half).reference("PLACEBO");
    /// # let _ = plan;
    /// ```
    pub fn strategy_fn(
        mut self,
        name: impl Into<String>,
        function: impl Fn(&Distribution, &Distribution, usize) -> Distribution + Send + Sync + 'static,
    ) -> Self {
        self.own = Some(Own::new(name.into(), function));
        self
    }

    /// How values after an event are imputed that does not say so itself.
    pub(super) fn rule(&self) -> Rule {
        self.own.clone().map_or(Rule::Named(self.strategy), Rule::Own)
    }

    /// The trial with the values of the outcome that inform the imputation model: to this the model is fitted, and then
    /// imputes the whole trial. Values that an event sets aside or replaces are missing, and so are those after an event
    /// that is imputed otherwise than at random; without such values it is the trial itself.
    ///
    /// ```
    /// use trialstats::imputation::{Events, ReferenceBased, Strategy};
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").arms(["DRUG", "PLACEBO"]).outcome("CHANGE").covariate("BASVAL")
    ///     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let model = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?;
    /// let plan = ReferenceBased::new(Strategy::JumpToReference)
    ///     .reference("PLACEBO")
    ///     .covariates(["BASVAL"])
    ///     .events(Events::at(&trial, [("1503", "6")])?);
    /// let table = model.fit(&plan.informing(&trial, "CHANGE")?)?.reference_based(&trial, &plan)?;
    /// // In one step:
    /// assert_eq!(model.reference_based(&trial, &plan)?.rows.last().map(|r| r.se), table.rows.last().map(|r| r.se));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that the trial lacks, [`Error::Invalid`] for events of another trial.
    pub fn informing(&self, trial: &Trial, outcome: &str) -> Result<Trial> {
        match &self.events {
            Some(events) => events.informing(trial, outcome, &self.rule()),
            None => Ok(trial.clone()),
        }
    }

    /// The arm from which values after an event are taken, for patients of every arm.
    pub fn reference(mut self, arm: impl Into<String>) -> Self {
        self.reference = Some(arm.into());
        self
    }

    /// The arm from which values after an event are taken, for patients of one arm.
    pub fn reference_of(mut self, arm: impl Into<String>, reference: impl Into<String>) -> Self {
        self.references.push((arm.into(), reference.into()));
        self
    }

    /// From which visit on values are those after an event.
    pub fn events(mut self, events: Events) -> Self {
        self.events = Some(events);
        self
    }

    /// What is added to imputed values, or what they are multiplied by.
    pub fn delta(mut self, delta: Delta) -> Self {
        self.delta = Some(delta);
        self
    }

    /// Covariates of the ANCOVA: numbers and factors of the patients.
    pub fn covariates<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.covariates = names.into_iter().map(Into::into).collect();
        self
    }

    /// What the standard error is of.
    pub fn variance(mut self, variance: Variance) -> Self {
        self.variance = variance;
        self
    }

    /// The confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    pub(super) fn check(&self, arms: &[String], visits: &[String]) -> Result<()> {
        check_level(self.level)?;
        if let Strategy::Causal { kept, fading } = self.strategy
            && !(kept.is_finite() && fading.is_finite())
        {
            return Err(Error::not_finite(
                "the causal model of imputation",
                format!("its parameters are {kept} and {fading}"),
                "give finite ones",
            ));
        }
        if let Some(delta) = &self.delta {
            delta.check(visits, arms)?;
        }
        let named = self.reference.iter().chain(self.references.iter().flat_map(|(arm, reference)| [arm, reference]));
        match named.into_iter().find(|arm| !arms.contains(arm)) {
            Some(stranger) => Err(Error::unknown("arm", stranger, arms)),
            None => Ok(()),
        }
    }

    /// The reference of an arm, as a position among `arms`.
    pub(super) fn reference_position(&self, arm: usize, arms: &[String]) -> usize {
        let own = self.references.iter().find(|(of, _)| *of == arms[arm]).map(|(_, reference)| reference);
        let stated = own.or(self.reference.as_ref());
        stated.and_then(|name| arms.iter().position(|a| a == name)).unwrap_or(0)
    }
}
