//! How the uncertainty of the covariance parameters enters tests and intervals.

use std::fmt;

/// The method for denominator degrees of freedom, and with it for standard errors.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Df {
    /// Satterthwaite's approximation (the default), with the observed information of the covariance parameters unless
    /// [`Model::information`](crate::Model::information) says otherwise: SAS `ddfm=satterthwaite`, R mmrm and lmerTest.
    #[default]
    Satterthwaite,
    /// Kenward & Roger (1997) as SAS has it (`ddfm=kr`): observed information unless told otherwise, the adjustment
    /// with second derivatives of Σ in the natural parameters.
    KenwardRoger,
    /// Kenward & Roger without the second derivatives of Σ: SAS `ddfm=kr(linear)`, mmrm `Kenward-Roger-Linear`. The
    /// same as the full form for every structure that is linear in its parameters.
    KenwardRogerLinear,
    /// Kenward & Roger (2009), with the bias of the covariance parameters that the 1997 form leaves out: SAS
    /// `ddfm=kr2`. It does not depend on the parameters in which the structure is written, and is the same as the
    /// other two where Σ is linear in them. Scale and degrees of freedom are those of 1997.
    KenwardRoger2,
    /// N − rank X divided between effects that vary within patients and those that do not (Schluchter & Elashoff
    /// 1990): SAS `ddfm=betwithin`, R mmrm `Between-Within`. A combination has the smaller df of the effects it
    /// weighs, the intercept that of effects within, as R mmrm has them; unlike SAS, an unstructured covariance makes
    /// no exception.
    BetweenWithin,
    /// N − rank X for every effect.
    Residual,
    /// Infinite: the normal distribution.
    Asymptotic,
}

impl Df {
    /// Whether the covariance of the estimates carries Kenward and Roger's adjustment.
    pub fn adjusts_covariance(self) -> bool {
        matches!(self, Df::KenwardRoger | Df::KenwardRogerLinear | Df::KenwardRoger2)
    }

    /// Whether the information of the covariance parameters enters.
    pub fn uses_information(self) -> bool {
        matches!(self, Df::Satterthwaite) || self.adjusts_covariance()
    }
}

impl fmt::Display for Df {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Df::Satterthwaite => "Satterthwaite",
            Df::KenwardRoger => "Kenward–Roger",
            Df::KenwardRogerLinear => "Kenward–Roger (linear)",
            Df::KenwardRoger2 => "Kenward–Roger (2009)",
            Df::BetweenWithin => "between-within",
            Df::Residual => "residual",
            Df::Asymptotic => "asymptotic",
        })
    }
}
