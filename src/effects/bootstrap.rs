//! The bootstrap over patients, stratified by arm: percentile and BCa limits of anything a trial yields.

use super::options::check_level;
use super::table::{EffectSizes, Limits};
use crate::Trial;
use crate::dist::normal;
use crate::error::{Error, Result};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How limits are read off the replicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub enum BootstrapInterval {
    /// The (1 ± level)/2 quantiles of the replicates (the default).
    #[default]
    Percentile,
    /// Bias-corrected and accelerated (Efron 1987, J Am Stat Assoc 82:171–185, doi:10.1080/01621459.1987.10478410); the acceleration from a
    /// jackknife over patients, which takes as many further refits as there are patients.
    Bca,
}

/// A bootstrap: patients, with all their visits, are drawn with replacement within each arm.
///
/// Replicate i draws from a stream of its own of the ChaCha20 generator, so that results are bit-identical for any number of threads.
///
/// | option | default | meaning |
/// |---|---|---|
/// | replicates, seed | none: must be stated | how many resamples, and from which seed |
/// | `interval` | [`BootstrapInterval::Percentile`] | how limits are read off |
/// | `level` | 0.95 | confidence level |
/// | `progress` | silent | called with (done, in all) after every refit, from any thread |
pub struct Bootstrap<'p> {
    replicates: usize,
    seed: u64,
    interval: BootstrapInterval,
    level: f64,
    progress: Box<dyn Fn(usize, usize) + Sync + 'p>,
}

/// What a bootstrap yielded: the statistics of the trial itself, of every replicate and, for BCa, of the trial without each patient.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BootstrapDistribution {
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
            BootstrapInterval::Bca => "bias-corrected and accelerated",
        };
        write!(
            f,
            "{kind} bootstrap of patients within arms, {} replicates (ChaCha20, seed {}), {} of them failed and left out",
            self.replicates, self.seed, self.failed
        )?;
        for (reason, times) in &self.failures {
            write!(f, " ({times} × {reason})")?;
        }
        if self.jackknife_failed > 0 {
            write!(f, "; {} patients left out of the jackknife because nothing could be computed without them", self.jackknife_failed)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Bootstrap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bootstrap")
            .field("replicates", &self.replicates)
            .field("seed", &self.seed)
            .field("interval", &self.interval)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl<'p> Bootstrap<'p> {
    /// With so many replicates from this seed. A thousand serve a percentile interval, several thousand a BCa one.
    pub fn new(replicates: usize, seed: u64) -> Self {
        Self { replicates, seed, interval: BootstrapInterval::default(), level: 0.95, progress: Box::new(|_, _| ()) }
    }

    /// How limits are read off the replicates.
    pub fn interval(mut self, interval: BootstrapInterval) -> Self {
        self.interval = interval;
        self
    }

    /// Confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// Called with the number of refits done and their total, from whichever thread has just done one.
    pub fn progress(mut self, progress: impl Fn(usize, usize) + Sync + 'p) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Computes `statistics` on the trial and on every resample.
    ///
    /// A resample on which `statistics` fails, or yields something that is not a finite number or of another length, is counted as failed.
    ///
    /// # Errors
    /// Whatever `statistics` says of the trial itself; [`Error::Invalid`] where too few replicates are asked for, or remain, to reach the
    /// level's quantiles.
    pub fn run<F>(&self, trial: &Trial, statistics: F) -> Result<BootstrapDistribution>
    where
        F: Fn(&Trial) -> Result<Vec<f64>> + Sync,
    {
        check_level(self.level)?;
        self.check_number(self.replicates)?;
        let observed = statistics(trial)?;
        if let Some(k) = observed.iter().position(|v| !v.is_finite()) {
            return Err(Error::invalid(
                "bootstrap",
                format!("statistic {} of the trial itself is not a finite number", k + 1),
                "leave out what cannot be estimated from these data",
            ));
        }
        let strata = strata(trial);
        let jackknifed = if self.interval == BootstrapInterval::Bca { trial.patients().len() } else { 0 };
        let (done, total) = (AtomicUsize::new(0), self.replicates + jackknifed);
        let compute = |patients: Vec<usize>| {
            let result = trial.resample(&patients).and_then(|t| statistics(&t)).map_err(|e| e.to_string());
            (self.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            match result {
                Ok(values) if values.len() != observed.len() => Err("another number of statistics".to_string()),
                Ok(values) if values.iter().any(|v| !v.is_finite()) => Err("a statistic that is not a finite number".to_string()),
                other => other,
            }
        };
        let results: Vec<Result<Vec<f64>, String>> =
            (0..self.replicates).into_par_iter().map(|r| compute(draw(&strata, self.seed, r))).collect();
        let without: Vec<Result<Vec<f64>, String>> =
            (0..jackknifed).into_par_iter().map(|i| compute((0..jackknifed).filter(|&j| j != i).collect())).collect();
        let failures = reasons(results.iter().filter_map(|r| r.as_ref().err()));
        let replicates: Vec<Vec<f64>> = results.into_iter().flatten().collect();
        self.check_number(replicates.len())?;
        let summary = BootstrapSummary {
            interval: self.interval,
            replicates: self.replicates,
            failed: self.replicates - replicates.len(),
            failures,
            jackknife_failed: without.iter().filter(|w| w.is_err()).count(),
            seed: self.seed,
            level: self.level,
        };
        let jackknife = if jackknifed == 0 {
            vec![]
        } else {
            strata.iter().map(|s| s.iter().filter_map(|&i| without[i].as_ref().ok().cloned()).collect()).collect()
        };
        Ok(BootstrapDistribution { observed, replicates, jackknife, summary })
    }

    /// The table that `effects` makes of the trial, with limits from the bootstrap in place of its own. To refit a model in every resample,
    /// fit it inside `effects`.
    ///
    /// # Errors
    /// As [`Bootstrap::run`].
    ///
    /// ```
    /// use trialstats::effects::{self, Bootstrap, EffectOptions};
    /// use trialstats::means::ContrastOptions;
    /// use trialstats::trial::BaselineFrom;
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .outcome("HAMDTL17")
    ///     .covariate("BASVAL")
    ///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv"))?;
    /// let model = Model::formula("HAMDTL17 ~ BASVAL * VISIT + THERAPY * VISIT")?;
    /// let options = EffectOptions::new().baseline(BaselineFrom::Covariate("BASVAL".into()));
    /// // A thousand or more in earnest.
    /// let table = Bootstrap::new(50, 20260101).effects(&trial, |resampled| {
    ///     let fit = model.fit(resampled)?;
    ///     effects::from_model(resampled, &fit, &fit.arm_contrasts(&ContrastOptions::default())?, &options)
    /// })?;
    /// println!("{table}");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn effects<F>(&self, trial: &Trial, effects: F) -> Result<EffectSizes>
    where
        F: Fn(&Trial) -> Result<EffectSizes> + Sync,
    {
        let mut table = effects(trial)?;
        // Rows without a number in the trial itself stay without limits.
        let shown: Vec<usize> = (0..table.rows.len()).filter(|&k| table.rows[k].effect.is_finite()).collect();
        let distribution = self.run(trial, |t| {
            let resampled = effects(t)?;
            // A resample may lack a visit; its rows are found by what they are of.
            let effect = |k: &usize| resampled.rows.iter().find(|r| r.is_of(&table.rows[*k])).map_or(f64::NAN, |r| r.effect);
            Ok(shown.iter().map(effect).collect())
        })?;
        for (j, &k) in shown.iter().enumerate() {
            (table.rows[k].lower, table.rows[k].upper) = distribution.limits(j);
        }
        table.level = self.level;
        table.limits = Limits::Bootstrap(distribution.summary);
        Ok(table)
    }

    /// Refuses a number of replicates whose outermost does not reach the level's quantiles.
    fn check_number(&self, replicates: usize) -> Result<()> {
        if (replicates as f64 + 1.0) * 0.5 * (1.0 - self.level) >= 1.0 {
            return Ok(());
        }
        let needed = (2.0 / (1.0 - self.level)).ceil();
        Err(Error::invalid(
            format!("a bootstrap interval at level {}", self.level),
            format!("{replicates} replicates do not reach its quantiles"),
            format!("ask for at least {needed}, better a thousand or more"),
        ))
    }
}

impl BootstrapDistribution {
    /// The limits of statistic `k` at the level and by the interval of the summary; NaN for a statistic that is not there, and where all
    /// replicates lie on one side of the observed value so that BCa has no bias correction.
    pub fn limits(&self, k: usize) -> (f64, f64) {
        let Some(&observed) = self.observed.get(k) else {
            return (f64::NAN, f64::NAN);
        };
        let mut values: Vec<f64> = self.replicates.iter().filter_map(|r| r.get(k).copied()).collect();
        values.sort_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.summary.level);
        let (low, high) = match self.summary.interval {
            BootstrapInterval::Percentile => (tail, 1.0 - tail),
            BootstrapInterval::Bca => {
                let below = values.iter().filter(|v| **v < observed).count() as f64 / values.len() as f64;
                let (bias, acceleration) = (normal::quantile(below), self.acceleration(k));
                (bca_share(tail, bias, acceleration), bca_share(1.0 - tail, bias, acceleration))
            }
        };
        (order_quantile(&values, low), order_quantile(&values, high))
    }

    /// Σₐ nₐ⁻³ Σᵢ l³ / (6 (Σₐ nₐ⁻² Σᵢ l²)^{3/2}) over arms a, l = (nₐ − 1)(observed − without i) (Davison & Hinkley 1997, *Bootstrap
    /// Methods and Their Application*, sections 2.7.3 and 5.3.2).
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

/// The (R+1)·share-th smallest of R sorted values, between two of them by interpolation on the normal scale (Davison & Hinkley 1997, eq.
/// 5.8); beyond the outermost, the outermost.
fn order_quantile(sorted: &[f64], share: f64) -> f64 {
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

/// The patients of each arm.
fn strata(trial: &Trial) -> Vec<Vec<usize>> {
    let mut strata = vec![vec![]; trial.arms().len()];
    trial.arm_of().iter().enumerate().for_each(|(i, &a)| strata[a].push(i));
    strata
}

/// The patients of a replicate: as many of each arm as there are, drawn with replacement.
fn draw(strata: &[Vec<usize>], seed: u64, replicate: usize) -> Vec<usize> {
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    random.set_stream(replicate as u64);
    strata.iter().flat_map(|s| (0..s.len()).map(|_| s[below(&mut random, s.len() as u32) as usize]).collect::<Vec<_>>()).collect()
}

/// A whole number from 0 to n − 1, each equally likely (Lemire 2019, ACM Trans Model Comput Simul 29(1):3, doi:10.1145/3230636).
fn below(random: &mut impl Rng, n: u32) -> u32 {
    let threshold = n.wrapping_neg() % n.max(1);
    loop {
        let product = u64::from(random.next_u32()) * u64::from(n);
        if product as u32 >= threshold {
            return (product >> 32) as u32;
        }
    }
}

/// The different reasons in order of first appearance, counted.
fn reasons<'a>(failures: impl Iterator<Item = &'a String>) -> Vec<(String, usize)> {
    let mut counted: Vec<(String, usize)> = vec![];
    for failure in failures {
        match counted.iter_mut().find(|(reason, _)| reason == failure) {
            Some((_, times)) => *times += 1,
            None => counted.push((failure.clone(), 1)),
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patient_is_drawn_from_the_own_arm_about_equally_often() {
        let strata = vec![vec![0, 2, 4], vec![1, 3]];
        let mut counts = [0_usize; 5];
        for replicate in 0..6000 {
            let drawn = draw(&strata, 7, replicate);
            assert!(drawn[..3].iter().all(|i| strata[0].contains(i)) && drawn[3..].iter().all(|i| strata[1].contains(i)));
            drawn.into_iter().for_each(|i| counts[i] += 1);
        }
        // Binomial standard deviations are 63 and 55 draws.
        assert!(counts.iter().all(|c| c.abs_diff(6000) < 300), "{counts:?}");
    }

    #[test]
    fn quantiles_between_order_statistics_interpolate_on_the_normal_scale() {
        let sorted: Vec<f64> = (1..=9).map(|k| normal::quantile(k as f64 / 10.0)).collect();
        assert!((order_quantile(&sorted, 0.37) - normal::quantile(0.37)).abs() < 1e-14);
        assert_eq!(order_quantile(&sorted, 0.3), sorted[2]);
        assert_eq!(order_quantile(&sorted, 0.01), sorted[0]);
    }
}
