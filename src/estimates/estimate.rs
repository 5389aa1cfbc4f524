//! One estimated quantity, and one joint test: the results that every table is made of.

use crate::dist;
use serde::Serialize;

/// An estimate of a linear combination of the mean parameters.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// What is estimated.
    pub label: String,
    /// The estimate, in units of the outcome.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom of the t distribution it is referred to; infinite for the normal.
    pub df: f64,
    /// estimate / se.
    pub t: f64,
    /// Two-sided p-value of the hypothesis that it is zero.
    pub p: f64,
}

impl Estimate {
    /// From an estimate, its standard error and its degrees of freedom.
    pub fn new(label: impl Into<String>, estimate: f64, se: f64, df: f64) -> Self {
        let t = estimate / se;
        Self { label: label.into(), estimate, se, df, t, p: dist::t::two_sided_p(t, df) }
    }

    /// What has no estimate: every number NaN.
    pub(crate) fn none(label: impl Into<String>) -> Self {
        let nan = f64::NAN;
        Self { label: label.into(), estimate: nan, se: nan, df: nan, t: nan, p: nan }
    }

    /// The confidence interval at a level such as 0.95: estimate ± t_{(1+level)/2, df} · se.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let half = dist::t::quantile(0.5 + 0.5 * level, self.df) * self.se;
        (self.estimate - half, self.estimate + half)
    }
}

/// A joint test that several linear combinations of the mean parameters are zero.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FTest {
    /// The hypothesis.
    pub label: String,
    /// The number of independent combinations.
    pub num_df: f64,
    /// Degrees of freedom of the denominator; infinite for a χ² test divided by `num_df`.
    pub denom_df: f64,
    /// The F statistic.
    pub f: f64,
    /// The p-value.
    pub p: f64,
}

impl FTest {
    /// From the number of independent combinations, the degrees of freedom of the denominator and F.
    pub fn new(label: impl Into<String>, num_df: usize, denom_df: f64, f: f64) -> Self {
        let num_df = num_df as f64;
        Self { label: label.into(), num_df, denom_df, f, p: dist::f::sf(f, num_df, denom_df) }
    }
}
