//! What theory says of the power of a planned trial, beside what simulation finds.

use super::analytic::{Mmrm, Sides};
use super::truth::TrialTruth;
use crate::dist::{noncentral_t, t};
use crate::error::Result;

/// The power of a contrast of two arms at the last visit by theory: the variance of a mean under dropout by Lu, Luo and Chen
/// (2008), given the baseline, and with therapy groups in an arm the design effect; t on Satterthwaite's degrees of freedom.
///
/// A two-sided test is significant in either direction, and so is counted by simulation: without an effect the power is the
/// level. (The formulas in [`analytic`](super::analytic) count the direction of the effect alone, as R's `power.t.test` does.)
///
/// Bounds of the instrument, what dropout depends on, intercurrent events, and clusters that both arms share are left out: the
/// latter cancel from the difference where each treats as many patients of either arm.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ByTheory {
    /// The standard error.
    pub se: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// The power.
    pub power: f64,
}

impl TrialTruth {
    /// The power of the contrast of arm number `arm` with the first at the last visit, by theory.
    ///
    /// # Errors
    /// As [`TrialTruth::check`].
    pub fn by_theory(&self, arm: usize, alpha: f64, sides: Sides) -> Result<ByTheory> {
        self.check()?;
        let parts = [self.of_arm(0)?, self.of_arm(arm)?];
        let variance: f64 = parts.iter().map(|(variance, _)| variance).sum();
        let df = variance * variance / parts.iter().map(|(variance, df)| variance * variance / df).sum::<f64>();
        let last = self.visits.len() - 1;
        let (effect, se) = (self.mean(arm, last) - self.mean(0, last), variance.sqrt());
        let (bound, shift) = (t::quantile(sides.tail(alpha), df), effect.abs() / se);
        let opposite = match sides {
            Sides::One => 0.0,
            Sides::Two => noncentral_t::cdf(bound, df, shift),
        };
        let power = noncentral_t::cdf(bound, df, -shift) + opposite;
        Ok(ByTheory { se, df, power })
    }

    /// The variance of the mean of an arm at the last visit, and its degrees of freedom.
    fn of_arm(&self, arm: usize) -> Result<(f64, f64)> {
        let (n, last) = (self.arms[arm].patients as f64, self.visits.len() - 1);
        let curve = self.missing_of(arm).curve(self.visits.len());
        let design = Mmrm::given_baseline(self.covariance(), curve[1..].to_vec())?;
        let with_baseline = self.correlation.at(0, last);
        let left = self.sd[last] * self.sd[last] * (1.0 - with_baseline * with_baseline);
        let (mut variance, mut units) = (left * design.inflation()[0] / n, n * curve[last]);
        for cluster in self.clusters.iter().filter(|c| c.arm.is_some() && self.belongs(c, arm)) {
            let sizes = match (&cluster.sizes, cluster.size, cluster.number) {
                (Some(sizes), ..) => sizes.iter().map(|m| *m as f64).collect(),
                (None, Some(size), _) => vec![size as f64],
                (None, None, number) => vec![n / number.unwrap_or(1) as f64],
            };
            // The mean over patients of the members observed beside them.
            let mean = sizes.iter().map(|m| m * m).sum::<f64>() / sizes.iter().sum::<f64>();
            let between = cluster.icc * self.sd[last] * self.sd[last];
            variance += between * ((mean - 1.0) * curve[last]).max(0.0) / (n * curve[last]);
            units = units.min(n * sizes.len() as f64 / sizes.iter().sum::<f64>());
        }
        Ok((variance, (units - 1.0).max(1.0)))
    }
}
