//! A mixed model as it is asked for.

use super::{MixedDf, MixedFit, MixedVcov, Quadrature};
use crate::design::{Baseline, RandomEffects};
use crate::error::{Error, Message, Result};
use crate::estimates::Link;
use crate::generalized::{Event, Family, GeneralizedModel};
use crate::trial::Trial;

/// A logistic or Poisson model with random effects, fitted by maximum likelihood.
///
/// | setting | default |
/// |---|---|
/// | [`family`](Glmm::family), [`event`](Glmm::event) | binomial, the outcome is 0 or 1 |
/// | [`random`](Glmm::random) | those of the formula |
/// | [`quadrature`](Glmm::quadrature) | as many nodes as it takes |
/// | [`vcov`](Glmm::vcov) | inverse of the observed information |
/// | [`df`](Glmm::df) | the normal distribution |
///
/// Given effects u_j ~ N(0, G) of every level j of a factor, outcomes are independent with log odds (or log mean)
/// x'β + z'u. Links other than the canonical one are not built.
#[derive(Debug, Clone, PartialEq)]
pub struct Glmm {
    pub(super) model: GeneralizedModel,
    pub(super) quadrature: Quadrature,
    pub(super) vcov: MixedVcov,
    pub(super) df: MixedDf,
}

impl Glmm {
    /// A mixed model of a generalized linear mean, whose random effects it has or is [given](Glmm::random).
    pub fn new(model: GeneralizedModel) -> Self {
        Self { model, quadrature: Quadrature::default(), vcov: MixedVcov::default(), df: MixedDf::default() }
    }

    /// A mixed model given by a formula such as `remission ~ arm * visit + (1 | patient)`.
    ///
    /// # Errors
    /// As [`GeneralizedModel::formula`].
    pub fn formula(formula: &str) -> Result<Self> {
        GeneralizedModel::formula(formula).map(Self::new)
    }

    /// The kind of outcome: binomial or Poisson.
    pub fn family(mut self, family: Family) -> Self {
        self.model = self.model.family(family);
        self
    }

    /// The value that counts as the event.
    pub fn event(mut self, event: Event) -> Self {
        self.model = self.model.event(event);
        self
    }

    /// The visits to analyse, by label.
    pub fn visits<S: Into<String>>(mut self, visits: impl IntoIterator<Item = S>) -> Self {
        self.model = self.model.visits(visits);
        self
    }

    /// Says what is done with the baseline.
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.model = self.model.baseline(baseline);
        self
    }

    /// Adds random effects.
    pub fn random(mut self, effects: RandomEffects) -> Self {
        self.model = self.model.random(effects);
        self
    }

    /// How the random effects are integrated.
    pub fn quadrature(mut self, quadrature: Quadrature) -> Self {
        self.quadrature = quadrature;
        self
    }

    /// The covariance of the estimates.
    pub fn vcov(mut self, vcov: MixedVcov) -> Self {
        self.vcov = vcov;
        self
    }

    /// The reference distribution.
    pub fn df(mut self, df: MixedDf) -> Self {
        self.df = df;
        self
    }

    /// The mean, the family and the random effects.
    pub fn model(&self) -> &GeneralizedModel {
        &self.model
    }

    /// The nodes asked for.
    pub fn quadrature_asked(&self) -> Quadrature {
        self.quadrature
    }

    /// The covariance asked for.
    pub fn vcov_method(&self) -> MixedVcov {
        self.vcov
    }

    /// The reference distribution asked for.
    pub fn df_method(&self) -> MixedDf {
        self.df
    }

    /// Fits the model to a trial.
    ///
    /// # Errors
    /// As [`GeneralizedModel::observations`]; [`Error::Invalid`] for another family or link, weights, a model without
    /// random effects, nodes where factors are crossed, and more nodes than can be had;
    /// [`Error::NotEstimable`] where a factor has one level, or one binary outcome per level; [`Error::NotFitted`] where
    /// the likelihood has no maximum.
    pub fn fit(self, trial: &Trial) -> Result<MixedFit> {
        let (family, link) = (self.model.outcome_family(), self.model.link_function());
        if family == Family::Gaussian {
            return Err(Error::conflict(
                "a generalized mixed model of the family gaussian",
                "the mixed model of a measurement has its own likelihood",
                "fit it as a `Model`, with the same formula and no family",
            ));
        }
        let canonical = family.canonical_link();
        if link != canonical && link != Link::Logit {
            return Err(Error::not_built(
                format!("a mixed model of the family {family} with the link {link}"),
                "mixed models have the canonical link",
                format!("choose the link {canonical}, or generalized estimating equations"),
            ));
        }
        if let Some(weights) = self.model.weight_variable() {
            return Err(Error::not_built(
                format!("a generalized mixed model with the weights `{weights}`"),
                "its likelihood is that of unweighted observations",
                "leave the weights out, or choose generalized estimating equations",
            ));
        }
        if self.model.random_effects().is_empty() {
            return Err(Error::incomplete(
                "a mixed model",
                "it has no random effects",
                Message::from("state them in the formula, such as (1 | patient)"),
            ));
        }
        let observations = self.model.observations(trial)?;
        MixedFit::new(self, observations)
    }
}
