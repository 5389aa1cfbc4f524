//! The mean of an outcome that is no normal measurement, stated once for every method that fits it.

use super::method::{HasFamily, HasRandomEffects, HasWeights};
use super::{Event, Family, Observations};
use crate::Model;
use crate::design::{Baseline, DesignOptions, MeanModel, RandomEffects};
use crate::error::{Error, Result};
use crate::estimates::Link;
use crate::trial::Trial;

/// A generalized linear mean, g(μ) = Xβ for an outcome of a [`Family`] with whatever random effects a formula states, and
/// the method `M` that it is fitted by.
///
/// The kinds of it have names: [`GeneralizedModel`], for which no method is stated; [`Gee`](super::Gee) by estimating
/// equations; [`Glmm`](super::Glmm) by integration over random effects; [`Ordinal`](super::Ordinal), cumulative logits of
/// categories. These settings are the same in all that have them:
///
/// | setting | default |
/// |---|---|
/// | [`family`](Generalized::family) | binomial |
/// | [`link`](Generalized::link) | the canonical one: logit, log, identity |
/// | [`event`](Generalized::event) | the outcome is 0 or 1 |
/// | [`weights`](Generalized::weights) | none |
/// | [`visits`](Generalized::visits) | all, without the baseline visit where the baseline is a covariate |
/// | [`baseline`](Generalized::baseline) | that of [`MeanModel`] |
/// | [`random`](Generalized::random) | the random effects of the formula |
///
/// An offset, `relapses ~ arm + offset(log(weeks))`, is added to the linear predictor with the coefficient 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Generalized<M> {
    mean: MeanModel,
    family: Family,
    link: Option<Link>,
    event: Event,
    options: DesignOptions,
    pub(super) method: M,
}

/// A generalized linear mean alone: what [`Gee::new`](super::Gee::new), [`Glmm::new`](super::Glmm::new) and
/// [`Ordinal::new`](super::Ordinal::new) take, and what [`fit_independent`](GeneralizedModel::fit_independent) fits to
/// outcomes of which every patient has one.
pub type GeneralizedModel = Generalized<()>;

impl From<MeanModel> for GeneralizedModel {
    fn from(mean: MeanModel) -> Self {
        let (family, link, event) = (Family::default(), None, Event::default());
        Self { mean, family, link, event, options: DesignOptions::default(), method: () }
    }
}

impl<M: Default> Generalized<M> {
    /// With the mean of a model whose method is not stated, or with a mean as it stands.
    pub fn new(model: impl Into<GeneralizedModel>) -> Self {
        model.into().by(M::default())
    }

    /// A model given by a formula such as `remission ~ baseline + arm * visit`, with random effects as
    /// [`Model::formula`] takes them.
    ///
    /// # Errors
    /// [`Error::Formula`] says where the formula cannot be understood; [`Error::Invalid`] where it states the covariance
    /// of a patient's visits, which such an outcome does not have.
    pub fn formula(formula: &str) -> Result<Self> {
        let model = Model::formula(formula)?;
        if let Some(covariance) = model.stated_covariance() {
            return Err(Error::conflict(
                format!("the covariance {covariance} in `{formula}`"),
                "the variance of this outcome follows from its mean",
                "leave it out, and state a working correlation or random effects",
            ));
        }
        let mut stated = GeneralizedModel::from(model.mean().clone());
        stated.options.random = model.random_effects().to_vec();
        Ok(Self::new(stated))
    }
}

impl<M: HasFamily> Generalized<M> {
    /// The kind of outcome.
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// The link; the canonical one of the family unless stated.
    pub fn link(mut self, link: Link) -> Self {
        self.link = Some(link);
        self
    }

    /// The value that counts as the event of a binary outcome.
    pub fn event(mut self, event: Event) -> Self {
        self.event = event;
        self
    }
}

impl<M: HasWeights> Generalized<M> {
    /// A numeric variable of positive observation weights w, by which likelihoods are multiplied, as if a row stood for w
    /// patients; in estimating equations the variance of an observation is φ V(μ)/w, as with SAS's WEIGHT statement.
    pub fn weights(mut self, variable: impl Into<String>) -> Self {
        self.options.weights = Some(variable.into());
        self
    }
}

impl<M: HasRandomEffects> Generalized<M> {
    /// Adds random effects.
    pub fn random(mut self, effects: RandomEffects) -> Self {
        self.options.random.push(effects);
        self
    }
}

impl<M> Generalized<M> {
    /// The visits to analyse, by label.
    pub fn visits<S: Into<String>>(mut self, visits: impl IntoIterator<Item = S>) -> Self {
        self.options.visits = Some(visits.into_iter().map(Into::into).collect());
        self
    }

    /// Says what is done with the baseline: see [`MeanModel::with_baseline`].
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.mean = self.mean.with_baseline(baseline);
        self
    }

    /// The same mean with another method.
    pub(super) fn by<N>(self, method: N) -> Generalized<N> {
        let Self { mean, family, link, event, options, method: _ } = self;
        Generalized { mean, family, link, event, options, method }
    }

    /// The mean model.
    pub fn mean(&self) -> &MeanModel {
        &self.mean
    }

    /// The kind of outcome.
    pub fn outcome_family(&self) -> Family {
        self.family
    }

    /// The link, stated or canonical.
    pub fn link_function(&self) -> Link {
        self.link.unwrap_or(self.family.canonical_link())
    }

    /// The value that counts as the event.
    pub fn outcome_event(&self) -> &Event {
        &self.event
    }

    /// The variable of observation weights, where there is one.
    pub fn weight_variable(&self) -> Option<&str> {
        self.options.weights.as_deref()
    }

    /// The random effects.
    pub fn random_effects(&self) -> &[RandomEffects] {
        &self.options.random
    }

    /// What the design needs beyond the mean.
    pub(super) fn design_options(&self) -> &DesignOptions {
        &self.options
    }
}

impl<M: HasFamily> Generalized<M> {
    /// The observations of a trial that this model is fitted to.
    ///
    /// # Errors
    /// As [`Design::build`](crate::design::Design::build) and [`Trial::with_event`]; [`Error::Invalid`] for a link that
    /// the family does not have, a negative count, a transformed outcome, and an offset that is
    /// not finite where there is an outcome.
    pub fn observations(&self, trial: &Trial) -> Result<Observations> {
        self.family.check_link(self.link_function())?;
        self.must_be_plain()?;
        self.mean.must_have_outcome()?;
        let name = self.mean.outcome_name();
        let trial = match self.family {
            Family::Binomial => trial.with_event(name, &self.event)?,
            _ => trial.clone(),
        };
        if self.family == Family::Poisson {
            check_counts(&trial, name)?;
        }
        Observations::of(trial, &self.mean, &self.options)
    }

    fn must_be_plain(&self) -> Result<()> {
        let stated = self.event.stated().filter(|_| self.family != Family::Binomial);
        if let Some(event) = stated {
            return Err(Error::conflict(
                format!("the event `{event}`"),
                format!("outcomes of the family {} have none", self.family),
                "leave it out, or choose the family binomial",
            ));
        }
        let what = format!("the formula `{}`", self.mean);
        if self.mean.response().is_some() {
            return Err(Error::conflict(what, "the outcome is transformed", "leave the outcome as it is, and state the link"));
        }
        Ok(())
    }
}

fn check_counts(trial: &Trial, name: &str) -> Result<()> {
    let outcome = trial.outcome(name)?;
    let Some(at) = outcome.values.iter().position(|y| *y < 0.0) else { return Ok(()) };
    let visits = trial.schedule().len();
    Err(Error::out_of_range(
        format!("the count `{name}` of patient `{}` at {}", trial.patients()[at / visits], trial.schedule().labels()[at % visits]),
        format!("it is {}", outcome.values[at]),
        "counts are zero or more; correct it, or declare it as missing",
    ))
}
