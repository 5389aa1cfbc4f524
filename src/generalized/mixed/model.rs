//! A mixed model as it is asked for.

use super::fit::maximum;
use super::{MixedDf, MixedFit, MixedVcov, Quadrature};
use crate::error::{Error, Message, Result};
use crate::estimates::Link;
use crate::generalized::method::{HasFamily, HasRandomEffects};
use crate::generalized::{Family, Generalized};
use crate::trial::Trial;

/// A logistic or Poisson model with random effects, fitted by maximum likelihood.
///
/// | setting | default |
/// |---|---|
/// | [`family`](Generalized::family), [`event`](Generalized::event) | binomial, the outcome is 0 or 1 |
/// | [`random`](Generalized::random) | those of the formula |
/// | [`quadrature`](Glmm::quadrature) | as many nodes as it takes |
/// | [`vcov`](Glmm::vcov) | inverse of the observed information |
/// | [`df`](Glmm::df) | the normal distribution |
///
/// Given effects u_j ~ N(0, G) of every level j of a factor, outcomes are independent with log odds (or log mean)
/// x'β + z'u. Links other than the canonical one are not built.
pub type Glmm = Generalized<Integration>;

/// Maximum likelihood by integration over random effects, as [`Glmm`] sets it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Integration {
    pub(super) quadrature: Quadrature,
    pub(super) vcov: MixedVcov,
    pub(super) df: MixedDf,
}

impl HasFamily for Integration {}
impl HasRandomEffects for Integration {}

impl Glmm {
    /// How the random effects are integrated.
    pub fn quadrature(mut self, quadrature: Quadrature) -> Self {
        self.method.quadrature = quadrature;
        self
    }

    /// The covariance of the estimates.
    pub fn vcov(mut self, vcov: MixedVcov) -> Self {
        self.method.vcov = vcov;
        self
    }

    /// The reference distribution.
    pub fn df(mut self, df: MixedDf) -> Self {
        self.method.df = df;
        self
    }

    /// The nodes asked for.
    pub fn quadrature_asked(&self) -> Quadrature {
        self.method.quadrature
    }

    /// The covariance asked for.
    pub fn vcov_method(&self) -> MixedVcov {
        self.method.vcov
    }

    /// The reference distribution asked for.
    pub fn df_method(&self) -> MixedDf {
        self.method.df
    }

    /// Fits the model to a trial.
    ///
    /// # Errors
    /// As [`Generalized::observations`]; [`Error::Invalid`] for another family or link, weights, a model without
    /// random effects, nodes where factors are crossed, and more nodes than can be had;
    /// [`Error::NotEstimable`] where a factor has one level, or one binary outcome per level; [`Error::NotFitted`] where
    /// the likelihood has no maximum.
    pub fn fit(&self, trial: &Trial) -> Result<MixedFit> {
        let (family, link) = (self.outcome_family(), self.link_function());
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
        if let Some(weights) = self.weight_variable() {
            return Err(Error::not_built(
                format!("a generalized mixed model with the weights `{weights}`"),
                "its likelihood is that of unweighted observations",
                "leave the weights out, or choose generalized estimating equations",
            ));
        }
        if self.random_effects().is_empty() {
            return Err(Error::incomplete(
                "a mixed model",
                "it has no random effects",
                Message::from("state them in the formula, such as (1 | patient)"),
            ));
        }
        let observations = self.observations(trial)?;
        maximum(self.clone(), observations)
    }
}
