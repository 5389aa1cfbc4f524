//! What is asked of a mixed model: nodes, covariance, degrees of freedom.

use crate::error::Error;
use crate::options::{self, choices};
use std::fmt;
use std::str::FromStr;

/// How the random effects are integrated out of the likelihood.
///
/// ```
/// use trialstats::generalized::Quadrature;
///
/// assert_eq!("auto".parse::<Quadrature>()?, Quadrature::Auto);
/// assert_eq!("25".parse::<Quadrature>()?, Quadrature::Nodes(25));
/// assert_eq!(Quadrature::Nodes(1).to_string(), "1");
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Quadrature {
    /// By as many nodes as it takes until neither −2 log L nor a parameter moves (the default); by Laplace's
    /// approximation where the effects of crossed factors, or more effects than nodes can be had for, make quadrature
    /// impossible.
    #[default]
    Auto,
    /// By Laplace's approximation, which is one node: GLIMMIX `METHOD=LAPLACE`, glmmTMB, glmer's default.
    Laplace,
    /// By so many nodes per dimension at the conditional mode, scaled by the curvature there: GLIMMIX
    /// `METHOD=QUAD(QPOINTS=n)`, glmer `nAGQ = n`.
    Nodes(usize),
}

/// `auto`, `laplace` or a number of nodes.
impl fmt::Display for Quadrature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quadrature::Auto => f.write_str("auto"),
            Quadrature::Laplace => f.write_str("laplace"),
            Quadrature::Nodes(n) => write!(f, "{n}"),
        }
    }
}

impl FromStr for Quadrature {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match options::plain(text).as_str() {
            "auto" => Ok(Quadrature::Auto),
            "laplace" => Ok(Quadrature::Laplace),
            number => match number.parse() {
                Ok(0) | Err(_) => Err(Error::unknown("quadrature", text.trim(), &["auto", "laplace", "a number of nodes, such as 15"])),
                Ok(n) => Ok(Quadrature::Nodes(n)),
            },
        }
    }
}

options::serde_by_name!(Quadrature);

/// The covariance of the estimates of a mixed model.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MixedVcov {
    /// The inverse of the Hessian of −log L in the coefficients and the parameters of the random effects together (the
    /// default): GLIMMIX with `METHOD=QUAD` or `LAPLACE`, glmmTMB, glmer.
    #[default]
    Information,
    /// The sandwich H⁻¹ (Σ s s') H⁻¹ of the clusters' scores s, clusters being the largest sets of patients that share
    /// random effects: GLIMMIX `EMPIRICAL=CLASSICAL`. Right for whatever relation within clusters where the mean of the
    /// model holds.
    Robust,
}

choices! {
    MixedVcov, "covariance of the estimates of a mixed model":
    Information = "information", ["model", "model-based", "hessian"], "inverse of the observed information: GLIMMIX, glmmTMB, glmer";
    Robust = "robust", ["sandwich", "empirical", "cluster-robust"], "the sandwich by independent clusters: GLIMMIX EMPIRICAL";
}

impl MixedVcov {
    /// How notes put it.
    pub fn words(self) -> &'static str {
        match self {
            MixedVcov::Information => "inverse of the observed information of all parameters",
            MixedVcov::Robust => "cluster-robust (sandwich)",
        }
    }
}

/// The reference distribution of tests and intervals of a mixed model.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MixedDf {
    /// The normal distribution (the default): glmer, glmmTMB, GLIMMIX `DDFM=NONE`.
    #[default]
    Normal,
    /// t with the observations less the columns, divided between effects within and between patients: GLIMMIX
    /// `DDFM=BETWITHIN`; see [`Df::BetweenWithin`](crate::Df::BetweenWithin).
    BetweenWithin,
}

choices! {
    MixedDf, "degrees of freedom of a mixed model":
    Normal = "normal", ["none", "asymptotic", "infinite", "z"], "the normal distribution: glmer, glmmTMB, GLIMMIX DDFM=NONE";
    BetweenWithin = "between-within", ["betwithin", "bw"], "observations less columns, divided between effects within and between patients";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_reads_what_it_writes() {
        for quadrature in [Quadrature::Auto, Quadrature::Laplace, Quadrature::Nodes(7)] {
            assert_eq!(quadrature.to_string().parse::<Quadrature>().expect("its own name"), quadrature);
        }
        for text in ["0", "-3", "five", "7.5", ""] {
            assert!(text.parse::<Quadrature>().is_err(), "{text}");
        }
    }
}
