//! The names of structures: what reports print, and what the command line understands.

use super::{Coordinates, Covariance};
use crate::closest::closest;
use crate::error::{Error, Result, shown};
use crate::options;
use std::fmt;
use std::str::FromStr;

/// Names that take a number or variables in brackets.
const PARAMETRISED: [&str; 9] = [
    "unstructured(bands)",
    "toeplitz(bands)",
    "heterogeneous-toeplitz(bands)",
    "factor-analytic(factors)",
    "factor-analytic-common-variance(factors)",
    "spatial-exponential(variable, …)",
    "spatial-gaussian(variable, …)",
    "spatial-power(variable, …)",
    "independent(factor)",
];

/// What SAS calls the structures, and where its names are others SPSS, nlme and Stata; `FA(q)` and `FA1(q)` take a
/// number.
const OF_OTHERS: [(&str, &str); 27] = [
    ("un", "unstructured"),
    ("ar(1)", "autoregressive"),
    ("arh(1)", "heterogeneous-autoregressive"),
    ("ante(1)", "heterogeneous-ante-dependence"),
    ("ante1", "heterogeneous-ante-dependence"),
    ("ad1", "heterogeneous-ante-dependence"),
    ("arh1", "heterogeneous-autoregressive"),
    ("unr", "unstructured"),
    ("csr", "compound-symmetry"),
    ("exchangeable", "compound-symmetry"),
    ("corcompsymm", "compound-symmetry"),
    ("corar1", "autoregressive"),
    ("tp", "toeplitz"),
    ("tph", "heterogeneous-toeplitz"),
    ("diag", "unstructured(1)"),
    ("diagonal", "unstructured(1)"),
    ("fa1", "factor-analytic-common-variance(1)"),
    ("fah1", "factor-analytic(1)"),
    ("sp-gau", "spatial-gaussian"),
    ("sp-pow", "spatial-power"),
    ("homogeneous", "independent"),
    ("vc", "independent"),
    ("simple", "independent"),
    ("hf", "huynh-feldt"),
    ("sp(exp)", "spatial-exponential"),
    ("sp(gau)", "spatial-gaussian"),
    ("sp(pow)", "spatial-power"),
];

/// Structures of SAS and R that are not here, by how their names begin: why, and what to use.
const ABSENT: [(&str, &str, &str); 12] = [
    (
        "@",
        "direct products such as UN@AR(1) are covariances of several outcomes",
        "fit the outcomes together with `JointModel` of the library; for one outcome, name the structure of its visits alone, such as AR(1)",
    ),
    ("arma(", "it is not built in", "use TOEP, of which it is a special case"),
    ("fa0(", "it is not built in", "use UN, which it equals with as many factors as visits, or FA(q)"),
    ("lear", "it is not built in", "use AR(1), or SP(POW) with the times of the visits"),
    ("sp(sph)", "it is not built in", "use SP(EXP) or SP(GAU)"),
    ("sp(mat", "it is not built in", "use SP(EXP), which it equals at smoothness 1/2, or SP(GAU)"),
    ("sp(lin", "it is not built in", "use SP(EXP) or SP(GAU)"),
    ("sp(expa)", "it is not built in", "use SP(EXP)"),
    ("sp(expga)", "it is not built in", "use SP(EXP)"),
    ("sp(powa)", "it is not built in", "use SP(POW)"),
    ("corsymm", "one variance with any correlations is not built in", "use UN, which has a variance per visit"),
    ("corarma", "it is not built in", "use TOEP, of which it is a special case"),
];

impl Covariance {
    /// The built-in structures that need nothing but visits, with their full name and a short one: that of R's mmrm
    /// where it has the structure.
    pub const NAMED: [(&'static str, Option<&'static str>, Covariance); 16] = [
        ("unstructured", Some("us"), Covariance::Unstructured),
        ("toeplitz", Some("toep"), Covariance::Toeplitz),
        ("heterogeneous-toeplitz", Some("toeph"), Covariance::HeterogeneousToeplitz),
        ("autoregressive", Some("ar1"), Covariance::Autoregressive),
        ("heterogeneous-autoregressive", Some("ar1h"), Covariance::HeterogeneousAutoregressive),
        ("ante-dependence", Some("ad"), Covariance::AnteDependence),
        ("heterogeneous-ante-dependence", Some("adh"), Covariance::HeterogeneousAnteDependence),
        ("independent", Some("id"), Covariance::Independent),
        ("compound-symmetry", Some("cs"), Covariance::CompoundSymmetry),
        ("heterogeneous-compound-symmetry", Some("csh"), Covariance::HeterogeneousCompoundSymmetry),
        ("huynh-feldt", None, Covariance::HuynhFeldt),
        ("spatial-exponential", Some("sp_exp"), Covariance::SpatialExponential(Coordinates::VisitTime)),
        ("spatial-gaussian", None, Covariance::SpatialGaussian(Coordinates::VisitTime)),
        ("spatial-power", None, Covariance::SpatialPower(Coordinates::VisitTime)),
        ("random-intercept", None, Covariance::RandomIntercept),
        ("random-intercept-slope", None, Covariance::RandomInterceptSlope),
    ];

    /// The structure called `name`, in full or by its short name, in any case; `toeplitz(3)`, `factor-analytic(2)` and
    /// the like with the number of bands or factors, `spatial-exponential(x, y)` with the variables of coordinates,
    /// `random-intercept + autoregressive` with the structure of the residual. The names of SAS and SPSS are understood
    /// too.
    ///
    /// ```
    /// use trialstats::Covariance;
    /// assert_eq!(Covariance::named("toep")?.to_string(), "toeplitz");
    /// assert_eq!(Covariance::named("toeph(2)")?.to_string(), "heterogeneous-toeplitz(2)");
    /// assert_eq!(Covariance::named("ARH(1)")?.to_string(), "heterogeneous-autoregressive");
    /// assert_eq!(Covariance::named("SP(POW)(x)")?.to_string(), "spatial-power(x)");
    /// assert_eq!(Covariance::named("random-intercept + ar1")?.to_string(), "random-intercept + autoregressive");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] lists the names there are; [`Error::Invalid`] where what stands in brackets is not what the
    /// name takes.
    pub fn named(name: &str) -> Result<Self> {
        if let Some((random, residual)) = name.split_once('+') {
            return Self::named(random)?.with_residual(Self::named(residual)?);
        }
        let name = closed_up(name);
        if let Some((_, full)) = OF_OTHERS.iter().find(|(other, full)| *other == options::plain(&name) && full.ends_with(')')) {
            return Self::named(full);
        }
        match (Self::plain(&name), bracketed(&name)) {
            (Some(structure), _) => Ok(structure),
            (None, Some((base, argument))) => Self::parametrised(&name, base, argument),
            (None, None) => Err(Self::unknown(&name, &name)),
        }
    }

    /// Nothing is called `name`, or nothing that is here; `base` is what stands before brackets.
    fn unknown(name: &str, base: &str) -> Error {
        let (plain, base) = (options::plain(name), options::plain(base));
        let absent = |(begins, _, _): &&(&str, &str, &str)| match begins.strip_prefix('@') {
            Some(_) => plain.contains('@'),
            None => plain.starts_with(begins) || base == *begins,
        };
        match (ABSENT.iter().find(absent), closest(&base, &Self::names())) {
            (Some((_, why, remedy)), _) => Error::not_built(format!("covariance `{}`", shown(name)), *why, *remedy),
            // The name is misspelt, not what stands in its brackets.
            (None, Some(meant)) if base != plain => {
                let argument = name.find('(').map_or("", |open| &name[open..]);
                let short = Self::NAMED.iter().find(|(full, ..)| *full == meant).and_then(|(_, short, _)| *short);
                let meant = match short {
                    Some(short) => format!("{meant}{argument} ({short}{argument})"),
                    None => format!("{}{argument}", meant.split('(').next().unwrap_or(meant)),
                };
                Error::unknown("covariance structure", name, &[vec![meant], Self::names()].concat())
            }
            (None, _) => Error::unknown("covariance structure", name, &Self::names()),
        }
    }

    /// A structure that needs nothing but visits.
    fn plain(name: &str) -> Option<Self> {
        let given = options::plain(name);
        let full = OF_OTHERS.iter().find(|(sas, _)| *sas == given).map_or(given.as_str(), |(_, full)| full);
        let is_short = |short: Option<&str>| short.is_some_and(|s| options::plain(s) == full);
        Self::NAMED.into_iter().find(|(name, short, _)| *name == full || is_short(*short)).map(|(_, _, covariance)| covariance)
    }

    /// `base(argument)`.
    fn parametrised(name: &str, base: &str, argument: &str) -> Result<Self> {
        let number = || {
            argument.trim().parse::<usize>().ok().filter(|&n| n > 0).ok_or_else(|| {
                Error::out_of_range(
                    format!("covariance `{name}`"),
                    format!("`{argument}` is not a number above 0"),
                    format!("write {base}(2)"),
                )
            })
        };
        let columns = || Coordinates::columns(argument.split(',').map(str::trim));
        Ok(match (options::plain(base).as_str(), Self::plain(base)) {
            ("factor-analytic" | "fa", _) => Covariance::FactorAnalytic { factors: number()? },
            ("factor-analytic-common-variance" | "fa1", _) => Covariance::FactorAnalyticCommonVariance { factors: number()? },
            (_, Some(Covariance::Unstructured)) => Covariance::BandedUnstructured { bands: number()? },
            (_, Some(Covariance::Toeplitz)) => Covariance::BandedToeplitz { bands: number()? },
            (_, Some(Covariance::HeterogeneousToeplitz)) => Covariance::BandedHeterogeneousToeplitz { bands: number()? },
            (_, Some(Covariance::Independent)) => Covariance::IndependentBy { factor: argument.trim().into(), levels: vec![] },
            (_, Some(Covariance::SpatialExponential(_))) => Covariance::SpatialExponential(columns()),
            (_, Some(Covariance::SpatialGaussian(_))) => Covariance::SpatialGaussian(columns()),
            (_, Some(Covariance::SpatialPower(_))) => Covariance::SpatialPower(columns()),
            _ => return Err(Self::unknown(name, base)),
        })
    }

    fn names() -> Vec<String> {
        let plain = Self::NAMED.iter().map(|(full, short, _)| short.map_or(full.to_string(), |s| format!("{full} ({s})")));
        plain.chain(PARAMETRISED.map(String::from)).chain(["random-intercept + another".to_string()]).collect()
    }

    /// The short name, where there is one: mmrm's for the structures that mmrm has.
    pub fn short_name(&self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(full, ..)| *full == self.to_string()).and_then(|(_, short, _)| *short)
    }
}

/// A name without blanks around brackets, and with `-` for others: `AR (1)`, `compound symmetry`.
fn closed_up(name: &str) -> String {
    let mut closed = String::new();
    for (i, part) in name.split_whitespace().enumerate() {
        let joined = part.starts_with(['(', ')', ',']) || closed.ends_with('(');
        match (i > 0 && !joined, closed.contains('(')) {
            (true, true) => closed.push(' '),
            (true, false) => closed.push('-'),
            _ => {}
        }
        closed.push_str(part);
    }
    closed
}

/// The parts of `base(argument)`; SAS's `SP(POW)(argument)` has brackets in its name.
fn bracketed(name: &str) -> Option<(&str, &str)> {
    let name = name.trim();
    let in_name = if options::plain(name).starts_with("sp(") { name.find(')')? + 1 } else { 0 };
    let open = in_name + name[in_name..].find('(')?;
    Some((name[..open].trim(), name[open + 1..].strip_suffix(')')?))
}

impl fmt::Display for Covariance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Covariance::Unstructured => f.write_str("unstructured"),
            Covariance::BandedUnstructured { bands } => write!(f, "unstructured({bands})"),
            Covariance::Toeplitz => f.write_str("toeplitz"),
            Covariance::BandedToeplitz { bands } => write!(f, "toeplitz({bands})"),
            Covariance::HeterogeneousToeplitz => f.write_str("heterogeneous-toeplitz"),
            Covariance::BandedHeterogeneousToeplitz { bands } => write!(f, "heterogeneous-toeplitz({bands})"),
            Covariance::Autoregressive => f.write_str("autoregressive"),
            Covariance::HeterogeneousAutoregressive => f.write_str("heterogeneous-autoregressive"),
            Covariance::AnteDependence => f.write_str("ante-dependence"),
            Covariance::HeterogeneousAnteDependence => f.write_str("heterogeneous-ante-dependence"),
            Covariance::Independent => f.write_str("independent"),
            Covariance::CompoundSymmetry => f.write_str("compound-symmetry"),
            Covariance::HeterogeneousCompoundSymmetry => f.write_str("heterogeneous-compound-symmetry"),
            Covariance::HuynhFeldt => f.write_str("huynh-feldt"),
            Covariance::FactorAnalytic { factors } => write!(f, "factor-analytic({factors})"),
            Covariance::FactorAnalyticCommonVariance { factors } => write!(f, "factor-analytic-common-variance({factors})"),
            Covariance::SpatialExponential(places) => write!(f, "spatial-exponential{places}"),
            Covariance::SpatialGaussian(places) => write!(f, "spatial-gaussian{places}"),
            Covariance::SpatialPower(places) => write!(f, "spatial-power{places}"),
            Covariance::IndependentBy { factor, .. } => write!(f, "independent({factor})"),
            Covariance::RandomIntercept => f.write_str("random-intercept"),
            Covariance::RandomInterceptSlope => f.write_str("random-intercept-slope"),
            Covariance::RandomCoefficients { coefficients, residual } => write!(f, "{coefficients} + {residual}"),
            Covariance::Custom(family) => f.write_str(&family.name()),
        }
    }
}

impl FromStr for Covariance {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::named(name)
    }
}

options::serde_by_name!(Covariance);
