//! How the uncertainty of the covariance parameters enters tests and intervals.

use crate::options::choices;

/// The method for denominator degrees of freedom, and with it for standard errors.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Df {
    /// Satterthwaite's approximation (the default), with the observed information of the covariance parameters unless
    /// [`Model::information`](crate::Model::information) says otherwise: SAS `ddfm=satterthwaite`, R mmrm and lmerTest.
    #[default]
    Satterthwaite,
    /// Kenward & Roger (1997) as SAS has it (`ddfm=kr`): observed information unless stated otherwise, the adjustment
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

choices! {
    Df, "method of degrees of freedom":
    Satterthwaite = "satterthwaite", ["satterth", "sat"], "Satterthwaite's approximation: SAS ddfm=satterthwaite, mmrm, lmerTest";
    KenwardRoger = "kenward-roger", ["kr", "kenwardroger"], "Kenward and Roger (1997) as SAS ddfm=kr has it";
    KenwardRogerLinear = "kenward-roger-linear", ["kr-linear", "kr(linear)"], "without the second derivatives of the covariance: SAS ddfm=kr(linear)";
    KenwardRoger2 = "kenward-roger2", ["kr2", "kenward-roger-2"], "Kenward and Roger (2009), for structures not linear in their parameters: SAS ddfm=kr2";
    BetweenWithin = "between-within", ["betwithin", "bw"], "observations less columns, divided between effects within and between patients";
    Residual = "residual", ["resid"], "observations less columns";
    Asymptotic = "asymptotic", ["normal", "none"], "infinite: the normal distribution";
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

impl Df {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            Df::Satterthwaite => "Satterthwaite",
            Df::KenwardRoger => "Kenward–Roger",
            Df::KenwardRogerLinear => "Kenward–Roger (linear)",
            Df::KenwardRoger2 => "Kenward–Roger (2009)",
            Df::BetweenWithin => "between-within",
            Df::Residual => "residual",
            Df::Asymptotic => "asymptotic",
        }
    }
}
