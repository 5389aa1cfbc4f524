//! What a bootstrap yields, and how limits are read off it.

use crate::dist::normal;
use crate::level::percent;
use crate::options::choices;
use crate::table::{Column, Format, Tabular, agreeing, counted, display_as_table};
use std::fmt;

/// How limits are read off the replicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BootstrapInterval {
    /// The (1 ± level)/2 quantiles of the replicates (the default).
    #[default]
    Percentile,
    /// Twice the observed value less the opposite quantile of the replicates (Davison & Hinkley 1997, eq. 5.6).
    Basic,
    /// Bias-corrected and accelerated (Efron 1987, J Am Stat Assoc 82:171–185, doi:10.1080/01621459.1987.10478410);
    /// the acceleration from a jackknife over patients, which takes as many further refits as there are patients.
    Bca,
}

choices! {
    BootstrapInterval, "interval of the bootstrap":
    Percentile = "percentile", [], "quantiles of the replicates";
    Basic = "basic", [], "twice the observed value less the opposite quantile";
    Bca = "bca", [], "bias-corrected and accelerated";
}

/// What a replicate is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resampling {
    /// Patients, with all their visits, are drawn with replacement within each arm (the default).
    #[default]
    Patients,
    /// Outcomes are simulated from the fit, for its patients at their observed visits; see
    /// [`Fit::simulate`](crate::Fit::simulate).
    Parametric,
}

choices! {
    Resampling, "resampling":
    Patients = "patients", [], "patients drawn with replacement within each arm";
    Parametric = "parametric", [], "outcomes simulated from the fit";
}

/// What a bootstrap yielded: the statistics of the trial itself, of every replicate and, for BCa, of the trial
/// without each patient.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BootstrapDistribution {
    /// What the statistics are.
    pub labels: Vec<String>,
    /// The statistics of the trial itself.
    pub observed: Vec<f64>,
    /// The statistics of every replicate that could be computed, in the order of the replicates.
    pub replicates: Vec<Vec<f64>>,
    /// Per arm and patient, the statistics of the trial without that patient; empty unless BCa limits were asked for.
    pub jackknife: Vec<Vec<Vec<f64>>>,
    /// How it was made.
    pub summary: BootstrapSummary,
}

/// How a bootstrap was made.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BootstrapSummary {
    /// What the replicates are made of.
    pub resampling: Resampling,
    /// How limits are read off the replicates.
    pub interval: BootstrapInterval,
    /// Replicates asked for.
    pub replicates: usize,
    /// Replicates that yielded no statistics and are left out.
    pub failed: usize,
    /// The different reasons for that, with how often each occurred.
    pub failures: Vec<(String, usize)>,
    /// Patients without whom nothing could be computed; they are left out of the acceleration.
    pub jackknife_failed: usize,
    /// The seed.
    pub seed: u64,
    /// Confidence level.
    pub level: f64,
}

impl fmt::Display for BootstrapSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.interval {
            BootstrapInterval::Percentile => "percentile",
            BootstrapInterval::Basic => "basic",
            BootstrapInterval::Bca => "bias-corrected and accelerated",
        };
        let drawn = match self.resampling {
            Resampling::Patients => "of patients within arms",
            Resampling::Parametric => "of outcomes simulated from the fit",
        };
        write!(
            f,
            "{kind} bootstrap {drawn}, {} (ChaCha12, seed {}), {} of them failed and left out",
            counted(self.replicates, "replicate"),
            self.seed,
            self.failed
        )?;
        for (reason, times) in &self.failures {
            write!(f, " ({times} × {reason})")?;
        }
        if self.jackknife_failed > 0 {
            write!(
                f,
                "; {} left out of the jackknife because nothing could be computed without {}",
                counted(self.jackknife_failed, "patient"),
                agreeing(self.jackknife_failed, "that one", "them")
            )?;
        }
        Ok(())
    }
}

impl BootstrapDistribution {
    /// The limits of statistic `k` at the level and by the interval of the summary; NaN for a statistic that is not
    /// there, and where all replicates lie on one side of the observed value so that BCa has no bias correction.
    pub fn limits(&self, k: usize) -> (f64, f64) {
        let Some(&observed) = self.observed.get(k) else {
            return (f64::NAN, f64::NAN);
        };
        let mut values: Vec<f64> = self.replicates.iter().filter_map(|r| r.get(k).copied()).collect();
        values.sort_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.summary.level);
        let (low, high) = match self.summary.interval {
            BootstrapInterval::Percentile | BootstrapInterval::Basic => (tail, 1.0 - tail),
            BootstrapInterval::Bca => {
                let below = values.iter().filter(|v| **v < observed).count() as f64 / values.len() as f64;
                let (bias, acceleration) = (normal::quantile(below), self.acceleration(k));
                (bca_share(tail, bias, acceleration), bca_share(1.0 - tail, bias, acceleration))
            }
        };
        let (lower, upper) = (order_quantile(&values, low), order_quantile(&values, high));
        match self.summary.interval {
            BootstrapInterval::Basic => (2.0 * observed - upper, 2.0 * observed - lower),
            _ => (lower, upper),
        }
    }

    /// Names the statistics, in their order; those beyond the names keep theirs.
    pub fn labelled<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.labels.iter_mut().zip(labels).for_each(|(own, label)| *own = label.into());
        self
    }

    /// The mean of the replicates of statistic `k` less the observed value; NaN for a statistic that is not there.
    pub fn bias(&self, k: usize) -> f64 {
        self.observed.get(k).map_or(f64::NAN, |observed| self.mean(k) - observed)
    }

    /// The standard deviation of the replicates of statistic `k` (divisor R − 1); NaN for a statistic that is not
    /// there.
    pub fn standard_error(&self, k: usize) -> f64 {
        let mean = self.mean(k);
        let squares: f64 = self.values(k).map(|v| (v - mean).powi(2)).sum();
        (squares / (self.replicates.len() as f64 - 1.0)).sqrt()
    }

    fn mean(&self, k: usize) -> f64 {
        self.values(k).sum::<f64>() / self.replicates.len() as f64
    }

    fn values(&self, k: usize) -> impl Iterator<Item = f64> + '_ {
        self.replicates.iter().map(move |r| r.get(k).copied().unwrap_or(f64::NAN))
    }

    /// Σₐ nₐ⁻³ Σᵢ l³ / (6 (Σₐ nₐ⁻² Σᵢ l²)^{3/2}) over arms a, l = (nₐ − 1)(observed − without i) (Davison & Hinkley
    /// 1997, *Bootstrap Methods and Their Application*, sections 2.7.3 and 5.3.2).
    fn acceleration(&self, k: usize) -> f64 {
        let (mut cubes, mut squares) = (0.0, 0.0);
        for arm in &self.jackknife {
            let n = arm.len() as f64;
            let influence = |v: &Vec<f64>| (n - 1.0) * (self.observed[k] - v[k]);
            cubes += arm.iter().map(|v| influence(v).powi(3)).sum::<f64>() / n.powi(3);
            squares += arm.iter().map(|v| influence(v).powi(2)).sum::<f64>() / n.powi(2);
        }
        if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
    }
}

/// The share of replicates below a BCa limit: Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z))).
fn bca_share(tail: f64, bias: f64, acceleration: f64) -> f64 {
    let shifted = bias + normal::quantile(tail);
    if !bias.is_finite() { f64::NAN } else { normal::cdf(bias + shifted / (1.0 - acceleration * shifted)) }
}

/// The (R+1)·share-th smallest of R sorted values, between two of them by interpolation on the normal scale (Davison
/// & Hinkley 1997, eq. 5.8); beyond the outermost, the outermost.
pub(crate) fn order_quantile(sorted: &[f64], share: f64) -> f64 {
    let r = sorted.len() as f64;
    let position = (r + 1.0) * share;
    if position.is_nan() {
        return f64::NAN;
    }
    let k = position.floor();
    if k < 1.0 {
        return sorted[0];
    }
    if k >= r {
        return sorted[sorted.len() - 1];
    }
    let (below, above) = (sorted[k as usize - 1], sorted[k as usize]);
    if position == k {
        return below;
    }
    let z = |share: f64| normal::quantile(share);
    let (z_below, z_above) = (z(k / (r + 1.0)), z((k + 1.0) / (r + 1.0)));
    below + (z(share) - z_below) / (z_above - z_below) * (above - below)
}

impl Tabular for BootstrapDistribution {
    fn title(&self) -> String {
        "Bootstrap".into()
    }

    fn columns(&self) -> Vec<Column> {
        let all = 0..self.observed.len();
        let (four, level) = (Format::Decimals(4), percent(self.summary.level));
        let limits: Vec<(f64, f64)> = all.clone().map(|k| self.limits(k)).collect();
        vec![
            Column::text("statistic", "Statistic", self.labels.iter().map(String::as_str)),
            Column::real("observed", "Observed", four, self.observed.iter().copied()),
            Column::real("bias", "Bias", four, all.clone().map(|k| self.bias(k))),
            Column::real("se", "SE", four, all.map(|k| self.standard_error(k))),
            Column::real("lower", &format!("{level} CI, lower"), four, limits.iter().map(|l| l.0)),
            Column::real("upper", "upper", four, limits.iter().map(|l| l.1)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut summary = self.summary.to_string();
        if let Some(first) = summary.get(..1).map(str::to_uppercase) {
            summary.replace_range(..1, &first);
        }
        vec![format!("{summary}.")]
    }
}

display_as_table!(BootstrapDistribution);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_between_order_statistics_interpolate_on_the_normal_scale() {
        let sorted: Vec<f64> = (1..=9).map(|k| normal::quantile(k as f64 / 10.0)).collect();
        assert!((order_quantile(&sorted, 0.37) - normal::quantile(0.37)).abs() < 1e-14);
        assert_eq!(order_quantile(&sorted, 0.3), sorted[2]);
        assert_eq!(order_quantile(&sorted, 0.01), sorted[0]);
    }
}
