//! How an error rate is spent over the information.

use crate::dist::normal;
use crate::error::{Error, Result};

/// The share of an error rate that is spent by an information fraction t.
///
/// | variant | α(t) | name in a file |
/// |---|---|---|
/// | [`OBrienFleming`](Spending::OBrienFleming) | 2 − 2Φ(z_{1−α/2}/√t) | `obrien-fleming` |
/// | [`Pocock`](Spending::Pocock) | α ln(1 + (e − 1)t) | `pocock` |
/// | [`Power`](Spending::Power) | α t^ρ | `power(3)` |
/// | [`HwangShihDeCani`](Spending::HwangShihDeCani) | α (1 − e^{−γt})/(1 − e^{−γ}) | `hwang-shih-decani(-4)` |
///
/// α is the level of one tail.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Spending {
    /// Lan and DeMets' type of O'Brien and Fleming's boundary.
    #[default]
    OBrienFleming,
    /// Lan and DeMets' type of Pocock's boundary.
    Pocock,
    /// Kim and DeMets' power family, with its exponent ρ above 0.
    Power(f64),
    /// The family of Hwang, Shih and DeCani with its parameter γ; 0 spends evenly.
    HwangShihDeCani(f64),
}

impl Spending {
    /// What is spent of `alpha` by the information fraction `t`.
    pub fn spent(&self, alpha: f64, t: f64) -> f64 {
        if t >= 1.0 {
            return alpha;
        }
        match *self {
            Spending::OBrienFleming => 2.0 * normal::cdf(normal::quantile(0.5 * alpha) / t.sqrt()),
            Spending::Pocock => alpha * ((std::f64::consts::E - 1.0) * t).ln_1p(),
            Spending::Power(rho) => alpha * t.powf(rho),
            Spending::HwangShihDeCani(0.0) => alpha * t,
            Spending::HwangShihDeCani(gamma) => alpha * (-gamma * t).exp_m1() / (-gamma).exp_m1(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match *self {
            Spending::Power(rho) if !(rho > 0.0 && rho.is_finite()) => {
                Err(Error::out_of_range(format!("the exponent {rho} of a spending function"), "it is not above zero", "give one such as 3"))
            }
            Spending::HwangShihDeCani(gamma) if gamma.is_nan() || gamma.abs() > 40.0 => Err(Error::out_of_range(
                format!("the parameter {gamma} of a spending function"),
                "it does not lie from -40 to 40",
                "give one such as -4",
            )),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Spending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Spending::OBrienFleming => f.write_str("obrien-fleming"),
            Spending::Pocock => f.write_str("pocock"),
            Spending::Power(rho) => write!(f, "power({rho})"),
            Spending::HwangShihDeCani(gamma) => write!(f, "hwang-shih-decani({gamma})"),
        }
    }
}

impl std::str::FromStr for Spending {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = crate::options::parts(text);
        let number = argument.and_then(|a| a.trim().parse::<f64>().ok());
        let spending = match (name.as_str(), number) {
            ("obrien-fleming", None) => Spending::OBrienFleming,
            ("pocock", None) => Spending::Pocock,
            ("power", Some(rho)) => Spending::Power(rho),
            ("hwang-shih-decani", Some(gamma)) => Spending::HwangShihDeCani(gamma),
            _ => return Err(Error::unknown("spending function", text, &["obrien-fleming", "pocock", "power(3)", "hwang-shih-decani(-4)"])),
        };
        spending.check()?;
        Ok(spending)
    }
}

crate::options::serde_by_name!(Spending);

/// How the bounds for efficacy are chosen.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Efficacy {
    /// By an error-spending function, for looks at any information.
    Spending(Spending),
    /// Wang and Tsiatis' bounds c t^(Δ − ½): Pocock's constant bound at Δ = ½, O'Brien and Fleming's at Δ = 0.
    WangTsiatis(f64),
}

impl Efficacy {
    /// O'Brien and Fleming's (1979) bounds, c/√t.
    pub const OBRIEN_FLEMING: Efficacy = Efficacy::WangTsiatis(0.0);
    /// Pocock's (1977) bounds, the same at every look.
    pub const POCOCK: Efficacy = Efficacy::WangTsiatis(0.5);
}

impl Default for Efficacy {
    fn default() -> Self {
        Efficacy::Spending(Spending::default())
    }
}

impl From<Spending> for Efficacy {
    fn from(spending: Spending) -> Self {
        Efficacy::Spending(spending)
    }
}
