//! What is imputed, how it is analysed, and what its standard error means.

use super::{Delta, Events, Strategy};
use crate::error::{Error, Result};
use crate::level::check_level;
use crate::options::choices;

/// A reference-based analysis: strategy, reference arm, events, delta, the ANCOVA of the completed data.
///
/// | setting | default |
/// |---|---|
/// | `reference` | the trial's reference arm, for every arm |
/// | `events` | dropout: after the last observed outcome ([`Events::dropout`]) |
/// | `delta` | none |
/// | `covariates` of the ANCOVA | none: the difference of means |
/// | `variance` | [`Variance::Jackknife`] |
/// | `level` | 0.95 |
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceBased {
    pub(super) strategy: Strategy,
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
    /// The estimate is linear in the outcomes given the covariance; that of the covariance parameters by the delta method.
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
    /// As a note has it.
    pub(super) fn words(self) -> &'static str {
        match self {
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
            reference: None,
            references: vec![],
            events: None,
            delta: None,
            covariates: vec![],
            variance: Variance::default(),
            level: 0.95,
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

    /// What is added to imputed values.
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
