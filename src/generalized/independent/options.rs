//! How a model of independent observations is fitted.

use super::robust::GlmVcov;
use crate::generalized::Family;
use crate::options::choices;

/// What is added to the likelihood.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Penalty {
    /// Nothing: maximum likelihood (the default).
    #[default]
    None,
    /// Jeffreys' prior (Firth 1993, Biometrika 80:27–38; Heinze & Schemper 2002, Stat Med 21:2409–2419), for a logistic
    /// model: finite coefficients whatever the data, less biased in small samples.
    Firth,
}

choices! {
    Penalty, "penalty of the likelihood":
    None = "none", [], "maximum likelihood";
    Firth = "firth", ["jeffreys", "heinze-schemper"], "Firth's penalised likelihood of a logistic model, finite under separation";
}

/// How a model of independent observations is fitted.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct GlmOptions {
    /// The covariance of the coefficients; unless stated, that of the model, and HC0 of a Poisson model, whose variance a
    /// binary outcome does not have (Zou 2004, Am J Epidemiol 159:702–706).
    pub vcov: Option<GlmVcov>,
    /// What is added to the likelihood.
    pub penalty: Penalty,
}

impl GlmOptions {
    /// With this covariance of the coefficients.
    pub fn vcov(mut self, vcov: GlmVcov) -> Self {
        self.vcov = Some(vcov);
        self
    }

    /// With this penalty.
    pub fn penalty(mut self, penalty: Penalty) -> Self {
        self.penalty = penalty;
        self
    }

    /// The covariance, stated or that of the family.
    pub fn covariance(&self, family: Family) -> GlmVcov {
        self.vcov.unwrap_or(match family {
            Family::Poisson => GlmVcov::Hc0,
            _ => GlmVcov::Model,
        })
    }
}
