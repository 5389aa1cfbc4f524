//! Distributions of an outcome: the variance as a function of the mean, and the links that go with it.

use crate::error::{Error, Result};
use crate::estimates::Link;
use crate::options::{Choices, choices};

/// What kind of outcome it is: the variance of an observation is φ V(μ), μ being its mean.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Family {
    /// Met or not met, 1 or 0: V(μ) = μ (1 − μ) (the default).
    #[default]
    Binomial,
    /// A count: V(μ) = μ.
    Poisson,
    /// A measurement: V(μ) = 1.
    Gaussian,
}

choices! {
    Family, "family of the outcome":
    Binomial = "binomial", ["binary", "bernoulli"], "met or not met: variance μ(1 − μ), logit link unless stated";
    Poisson = "poisson", ["count"], "a count: variance μ, log link unless stated";
    Gaussian = "gaussian", ["normal"], "a measurement: constant variance, identity link unless stated";
}

impl Family {
    /// The link that is meant where none is stated: logit, log, identity.
    pub fn canonical_link(self) -> Link {
        match self {
            Family::Binomial => Link::Logit,
            Family::Poisson => Link::Log,
            Family::Gaussian => Link::Identity,
        }
    }

    /// V(μ).
    pub fn variance(self, mean: f64) -> f64 {
        match self {
            Family::Binomial => mean * (1.0 - mean),
            Family::Poisson => mean,
            Family::Gaussian => 1.0,
        }
    }

    /// Whether μ lies inside the range of means, at whose ends the variance is zero.
    pub fn holds(self, mean: f64) -> bool {
        match self {
            Family::Binomial => mean > 0.0 && mean < 1.0,
            Family::Poisson => mean > 0.0 && mean.is_finite(),
            Family::Gaussian => mean.is_finite(),
        }
    }

    /// The range of means in words: `between 0 and 1`.
    pub fn range(self) -> &'static str {
        match self {
            Family::Binomial => "between 0 and 1",
            Family::Poisson => "above 0",
            Family::Gaussian => "finite",
        }
    }

    /// The quasi-likelihood of an observation for φ = 1, up to what depends on the observation alone: y log μ +
    /// (1 − y) log(1 − μ); y log μ − μ; −(y − μ)²/2 (Wedderburn 1974, Biometrika 61:439–447).
    pub fn quasi_likelihood(self, y: f64, mean: f64) -> f64 {
        let times_log = |a: f64, x: f64| if a == 0.0 { 0.0 } else { a * x.ln() };
        match self {
            Family::Binomial => times_log(y, mean) + times_log(1.0 - y, 1.0 - mean),
            Family::Poisson => times_log(y, mean) - mean,
            Family::Gaussian => -0.5 * (y - mean).powi(2),
        }
    }

    /// Refuses a link by which means would be no means of this family.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the links there are.
    pub fn check_link(self, link: Link) -> Result<()> {
        let known: &[Link] = match self {
            Family::Binomial => &[Link::Logit, Link::Log, Link::Identity],
            Family::Poisson => &[Link::Log, Link::Identity],
            Family::Gaussian => &[Link::Identity, Link::Log],
        };
        if known.contains(&link) {
            return Ok(());
        }
        let names: Vec<&str> = known.iter().map(|link| link.name()).collect();
        Err(Error::conflict(
            format!("the link {link} with the family {self}"),
            format!("means of this family are {}", self.range()),
            format!("choose one of: {}", names.join(", ")),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_the_quasi_likelihood_is_the_residual_over_the_variance() {
        for (family, y, mean) in
            [(Family::Binomial, 1.0, 0.3), (Family::Binomial, 0.0, 0.9), (Family::Poisson, 4.0, 2.5), (Family::Gaussian, -1.0, 2.0)]
        {
            let h = 1e-5;
            let slope = (family.quasi_likelihood(y, mean + h) - family.quasi_likelihood(y, mean - h)) / (2.0 * h);
            assert!((slope - (y - mean) / family.variance(mean)).abs() < 1e-7, "{family}");
        }
    }

    #[test]
    fn links_of_other_families_are_refused() {
        assert!(Family::Binomial.check_link(Link::Log).is_ok());
        for (family, link) in [(Family::Poisson, Link::Logit), (Family::Gaussian, Link::Logit), (Family::Binomial, Link::LogOutcome)] {
            assert_eq!(family.check_link(link).expect_err("no such model").code(), "conflicting-settings");
        }
    }
}
