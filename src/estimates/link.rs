//! Scales on which means are estimated, and the way back to that of the outcome.

use super::Estimate;
use crate::options::choices;

/// The scale of l'β: how the linear predictor of a mean model becomes a mean.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Link {
    /// The mean itself (the default).
    #[default]
    Identity,
    /// The logarithm of the mean.
    Log,
    /// The mean of the logarithm: the outcome was analysed as its logarithm, and the exponential of a mean is the
    /// geometric mean (of a normal distribution of logarithms, the median).
    LogOutcome,
    /// The log odds of a proportion.
    Logit,
}

choices! {
    Link, "link":
    Identity = "identity", [], "the mean itself";
    Log = "log", [], "the logarithm of the mean";
    LogOutcome = "log-outcome", [], "the mean of the logarithm of the outcome";
    Logit = "logit", ["log-odds"], "the log odds of a proportion";
}

/// An estimate and its limits on the scale of the outcome: the inverse link of what the model's scale has.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct OnOutcomeScale {
    /// A mean, or a ratio of two.
    pub estimate: f64,
    /// Its standard error by the delta method.
    pub se: f64,
    /// Lower confidence limit: the inverse link of the limit.
    pub lower: f64,
    /// Upper confidence limit: the inverse link of the limit.
    pub upper: f64,
}

impl Link {
    /// g⁻¹(η): the mean of a linear predictor.
    pub fn inverse(self, eta: f64) -> f64 {
        match self {
            Link::Identity => eta,
            Link::Log | Link::LogOutcome => eta.exp(),
            Link::Logit => 1.0 / (1.0 + (-eta).exp()),
        }
    }

    /// g(μ): the linear predictor of a mean.
    pub fn apply(self, mean: f64) -> f64 {
        match self {
            Link::Identity => mean,
            Link::Log | Link::LogOutcome => mean.ln(),
            Link::Logit => (mean / (1.0 - mean)).ln(),
        }
    }

    /// dg⁻¹(η)/dη.
    pub fn slope(self, eta: f64) -> f64 {
        match self {
            Link::Identity => 1.0,
            Link::Log | Link::LogOutcome => eta.exp(),
            // Without the difference from one, which loses its digits where the mean is near one.
            Link::Logit => {
                let e = (-eta.abs()).exp();
                e / ((1.0 + e) * (1.0 + e))
            }
        }
    }

    /// What the inverse link of a mean is: `Mean`, `Geometric mean`, `Proportion`.
    pub fn mean_heading(self) -> &'static str {
        match self {
            Link::Identity | Link::Log => "Mean",
            Link::LogOutcome => "Geometric mean",
            Link::Logit => "Proportion",
        }
    }

    /// What the exponential of a difference is; `None` where differences are already in units of the outcome.
    pub fn ratio_heading(self) -> Option<&'static str> {
        match self {
            Link::Identity => None,
            Link::Log => Some("Ratio of means"),
            Link::LogOutcome => Some("Ratio of geometric means"),
            Link::Logit => Some("Odds ratio"),
        }
    }

    /// The heading of an estimate on the scale of the model, `own` where that is the scale of the outcome.
    pub(crate) fn estimate_heading(self, own: &str) -> &str {
        match self {
            Link::Identity => own,
            Link::Log | Link::LogOutcome => "Log scale",
            Link::Logit => "Log odds",
        }
    }

    /// The scale in words, for notes; `None` for that of the outcome.
    pub(crate) fn scale(self) -> Option<&'static str> {
        match self {
            Link::Identity => None,
            Link::Log => Some("the logarithm of the mean"),
            Link::LogOutcome => Some("the logarithm of the outcome"),
            Link::Logit => Some("the log odds"),
        }
    }

    /// A mean on the scale of the outcome, given its estimate and limits on that of the model; `None` where they are
    /// one scale.
    pub(crate) fn mean(self, estimate: &Estimate, (lower, upper): (f64, f64)) -> Option<OnOutcomeScale> {
        (self != Link::Identity).then(|| OnOutcomeScale {
            estimate: self.inverse(estimate.estimate),
            se: self.slope(estimate.estimate) * estimate.se,
            lower: self.inverse(lower),
            upper: self.inverse(upper),
        })
    }

    /// The ratio that a difference stands for; `None` where differences are in units of the outcome.
    pub(crate) fn ratio(self, estimate: &Estimate, (lower, upper): (f64, f64)) -> Option<OnOutcomeScale> {
        let exponential = estimate.estimate.exp();
        self.ratio_heading().map(|_| OnOutcomeScale {
            estimate: exponential,
            se: exponential * estimate.se,
            lower: lower.exp(),
            upper: upper.exp(),
        })
    }
}
