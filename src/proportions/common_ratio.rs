//! A common odds ratio or risk ratio over strata, and whether it is common.

use super::proportion::{Measure, deviate};
use super::score::{Effect, Pair};
use super::strata::Strata;
use crate::dist::chi_squared;
use crate::error::Result;
use crate::options::choices;

/// A ratio that compares two groups.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RatioMeasure {
    /// (p₁/q₁)/(p₂/q₂).
    OddsRatio,
    /// p₁/p₂.
    RiskRatio,
}

choices! {
    RatioMeasure, "ratio of two groups":
    OddsRatio = "odds-ratio", ["or"], "odds ratio";
    RiskRatio = "risk-ratio", ["rr", "relative-risk"], "risk ratio";
}

/// A test of one effect, or of no effect, in all strata.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct StrataTest {
    /// χ².
    pub statistic: f64,
    /// Its degrees of freedom.
    pub df: f64,
    /// The p-value; NaN without degrees of freedom.
    pub p: f64,
}

impl StrataTest {
    pub(super) fn new(statistic: f64, df: f64) -> Self {
        Self { statistic, df, p: if df > 0.0 { chi_squared::sf(statistic, df) } else { f64::NAN } }
    }
}

impl Strata {
    /// Mantel and Haenszel's common ratio: of odds with the variance of Robins, Breslow and Greenland 1986, *Biometrics*
    /// 42:311–323; of risks with that of Greenland and Robins 1985, *Biometrics* 41:55–68. SAS's `CMH`, R's `mantelhaen.test`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if `level` is not between 0 and 1.
    pub fn mantel_haenszel(&self, measure: RatioMeasure, level: f64) -> Result<Measure> {
        let z = deviate(level)?;
        let (estimate, variance) = match measure {
            RatioMeasure::OddsRatio => {
                let total = |of: fn([f64; 4]) -> f64| self.sum(of);
                let (r, s) = (total(|x| x[0] * (x[3] - x[2]) / (x[1] + x[3])), total(|x| (x[1] - x[0]) * x[2] / (x[1] + x[3])));
                // P = (a + d)/n, Q = (b + c)/n, R = ad/n, S = bc/n.
                let parts = |[x1, n1, x2, n2]: [f64; 4]| {
                    let n = n1 + n2;
                    [(x1 + n2 - x2) / n, (n1 - x1 + x2) / n, x1 * (n2 - x2) / n, (n1 - x1) * x2 / n]
                };
                let pr = self.sum(|x| parts(x)[0] * parts(x)[2]);
                let mixed = self.sum(|x| parts(x)[0] * parts(x)[3] + parts(x)[1] * parts(x)[2]);
                let qs = self.sum(|x| parts(x)[1] * parts(x)[3]);
                (r / s, pr / (2.0 * r * r) + mixed / (2.0 * r * s) + qs / (2.0 * s * s))
            }
            RatioMeasure::RiskRatio => {
                let r = self.sum(|[x1, n1, _, n2]| x1 * n2 / (n1 + n2));
                let s = self.sum(|[_, n1, x2, n2]| x2 * n1 / (n1 + n2));
                let terms = self.sum(|[x1, n1, x2, n2]| (n1 * n2 * (x1 + x2) - x1 * x2 * (n1 + n2)) / (n1 + n2).powi(2));
                (r / s, terms / (r * s))
            }
        };
        Ok(on_log_scale(estimate, variance, z))
    }

    /// The strata's log ratios weighted by their inverse variances (Woolf): SAS's `Logit`. Where a stratum has an empty cell, ½
    /// is added to each of its cells.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if `level` is not between 0 and 1.
    pub fn inverse_variance(&self, measure: RatioMeasure, level: f64) -> Result<Measure> {
        let z = deviate(level)?;
        let logs = self.pairs.iter().map(|pair| log_ratio(*pair, measure)).collect::<Vec<_>>();
        let precision: f64 = logs.iter().map(|(_, v)| 1.0 / v).sum();
        let mean = logs.iter().map(|(log, v)| log / v).sum::<f64>() / precision;
        Ok(on_log_scale(mean.exp(), 1.0 / precision, z))
    }

    /// Whether the odds ratio is the same in all strata: Breslow and Day 1980, *Statistical Methods in Cancer Research* I,
    /// p. 142, at Mantel and Haenszel's estimate; with Tarone's correction for that (Tarone 1985, *Biometrika* 72:91–95) if
    /// `tarone`. Strata in which nobody or everybody is an event say nothing and have no degree of freedom.
    pub fn breslow_day(&self, tarone: bool) -> StrataTest {
        let odds_ratio = self.sum(|[x1, n1, x2, n2]| x1 * (n2 - x2) / (n1 + n2)) / self.sum(|[x1, n1, x2, n2]| (n1 - x1) * x2 / (n1 + n2));
        if !(odds_ratio > 0.0 && odds_ratio.is_finite()) {
            return StrataTest { statistic: f64::NAN, df: f64::NAN, p: f64::NAN };
        }
        let (mut statistic, mut excess, mut variance, mut strata) = (0.0, 0.0, 0.0, 0.0);
        for pair in &self.pairs {
            let [x1, n1, x2, n2] = pair.counts();
            if x1 + x2 == 0.0 || x1 + x2 == n1 + n2 {
                continue;
            }
            let [p1, p2] = Effect::OddsRatio.restricted(*pair, odds_ratio);
            let own = 1.0 / (1.0 / (n1 * p1 * (1.0 - p1)) + 1.0 / (n2 * p2 * (1.0 - p2)));
            statistic += (x1 - n1 * p1).powi(2) / own;
            excess += x1 - n1 * p1;
            variance += own;
            strata += 1.0;
        }
        if tarone {
            statistic -= excess * excess / variance;
        }
        StrataTest::new(statistic, strata - 1.0)
    }

    /// The Cochran–Mantel–Haenszel test that the groups do not differ in any stratum, with a correction for continuity if
    /// `corrected`; R's `mantelhaen.test`. Without it, SAS's three CMH statistics are this one for two groups and two
    /// outcomes.
    pub fn cochran_mantel_haenszel(&self, corrected: bool) -> StrataTest {
        let excess = self.sum(|[x1, n1, x2, n2]| x1 - n1 * (x1 + x2) / (n1 + n2));
        let variance = self.sum(|[x1, n1, x2, n2]| {
            let (n, events) = (n1 + n2, x1 + x2);
            n1 * n2 * events * (n - events) / (n * n * (n - 1.0))
        });
        let distance = (excess.abs() - if corrected { 0.5 } else { 0.0 }).max(0.0);
        StrataTest::new(if variance > 0.0 { distance * distance / variance } else { 0.0 }, 1.0)
    }
}

fn log_ratio(pair: Pair, measure: RatioMeasure) -> (f64, f64) {
    let ([a, b], [c, d]) = (pair.first.cells(), pair.second.cells());
    let added = if [a, b, c, d].contains(&0.0) { 0.5 } else { 0.0 };
    let [a, b, c, d] = [a, b, c, d].map(|cell| cell + added);
    match measure {
        RatioMeasure::OddsRatio => ((a * d / (b * c)).ln(), 1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d),
        RatioMeasure::RiskRatio => ((a / (a + b) / (c / (c + d))).ln(), 1.0 / a - 1.0 / (a + b) + 1.0 / c - 1.0 / (c + d)),
    }
}

/// NaN for an interval that does not exist.
fn on_log_scale(estimate: f64, variance: f64, z: f64) -> Measure {
    let factor = (z * variance.sqrt()).exp();
    let exists = estimate > 0.0 && estimate.is_finite() && factor.is_finite();
    let limit = |x: f64| if exists { x } else { f64::NAN };
    Measure::new(estimate, limit(estimate / factor), limit(estimate * factor))
}
