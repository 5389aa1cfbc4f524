//! Hedges' correction for the bias of d in small samples.

use crate::options::choices;

/// How J(ν), the factor that makes d unbiased, is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HedgesForm {
    /// Γ(ν/2) / (√(ν/2) Γ((ν−1)/2)) (Hedges 1981, J Educ Stat 6(2):107–128, doi:10.3102/10769986006002107, eq. 6e):
    /// the default.
    #[default]
    Exact,
    /// 1 − 3/(4ν − 1), the approximation of the same paper.
    Approximate,
}

choices! {
    HedgesForm, "form of Hedges' correction":
    Exact = "exact", [], "by the gamma function";
    Approximate = "approximate", [], "1 − 3/(4ν − 1)";
}

/// Whether an effect size is corrected for small samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Correction {
    /// Cohen's d as it is (the default).
    #[default]
    None,
    /// Hedges' g: d and its limits times J(ν), ν the degrees of freedom of the standard deviation in the denominator.
    Hedges(HedgesForm),
}

choices! {
    Correction, "correction for small samples":
    None = "none", ["cohen", "d"], "Cohen's d as it is";
    Hedges(HedgesForm::Exact) = "hedges", ["g", "hedges-exact"], "Hedges' g by the exact factor";
    Hedges(HedgesForm::Approximate) = "hedges-approximate", [], "Hedges' g by the factor 1 − 3/(4ν − 1)";
}

impl Correction {
    /// The factor for a standard deviation with `df` degrees of freedom; NaN where it does not exist (`df` ≤ 1 for
    /// the exact form).
    ///
    /// ```
    /// use trialstats::effects::{Correction, HedgesForm};
    ///
    /// assert!((Correction::Hedges(HedgesForm::Exact).factor(10.0) - 0.9227456).abs() < 1e-7);
    /// assert_eq!(Correction::Hedges(HedgesForm::Approximate).factor(10.0), 1.0 - 3.0 / 39.0);
    /// ```
    pub fn factor(self, df: f64) -> f64 {
        match self {
            Correction::None => 1.0,
            Correction::Hedges(_) if df.is_nan() || df <= 1.0 => f64::NAN,
            Correction::Hedges(HedgesForm::Exact) => exact(df),
            Correction::Hedges(HedgesForm::Approximate) => 1.0 - 3.0 / (4.0 * df - 1.0),
        }
    }

    /// The letter of the effect size: d, or g once corrected.
    pub fn letter(self) -> &'static str {
        match self {
            Correction::None => "d",
            Correction::Hedges(_) => "g",
        }
    }
}

impl Correction {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            Correction::None => "Cohen's d, not corrected for small samples",
            Correction::Hedges(HedgesForm::Exact) => "Hedges' g: d times the exact correction J(ν) (Hedges 1981)",
            Correction::Hedges(HedgesForm::Approximate) => "Hedges' g: d times 1 − 3/(4ν − 1) (Hedges 1981)",
        }
    }
}

/// Γ(ν/2) / (√(ν/2) Γ((ν−1)/2)); beyond ν = 200 by the asymptotic series of its logarithm, whose first term left out
/// is below 1e-16.
fn exact(df: f64) -> f64 {
    let (half, r) = (0.5 * df, 1.0 / df);
    if df > 200.0 {
        return (-r * (0.75 + r * (0.5 + r * (0.375 + r * (0.25 + r * (0.15 + r / 6.0)))))).exp();
    }
    libm::tgamma(half) / (half.sqrt() * libm::tgamma(half - 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ways_of_computing_the_exact_form_meet() {
        let beyond = exact(200.0_f64.next_up());
        assert!((exact(200.0) / beyond - 1.0).abs() < 1e-14);
    }
}
