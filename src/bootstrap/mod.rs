//! The bootstrap: replicates of whatever a trial or a fit yields, their spread, and limits read off them.
//!
//! One engine serves [`Bootstrap::run`], which draws patients of a [`Trial`] and computes anything from the resampled
//! trial, [`Fit::bootstrap`](crate::Fit::bootstrap), which fits a model again to resampled patients or simulated
//! outcomes, and [`Bootstrap::effects`], which does it for tables of effect sizes. Replicate r draws from a stream of
//! its own under the seed, so that results have the same bits for any number of threads.
//!
//! ```
//! use trialstats::bootstrap::{Bootstrap, Resampling};
//! use trialstats::simulate::Gaussian;
//! use trialstats::Model;
//!
//! let trial = Gaussian::new(["before", "after"]).arm("a", 20, [5.0, 5.0]).arm("b", 20, [5.0, 4.0]).trial(1, 0)?;
//! let fit = Model::formula("y ~ arm * visit")?.fit(&trial)?;
//! // A thousand or more in earnest.
//! let bootstrap = Bootstrap::new(50, 20260101).resampling(Resampling::Parametric).level(0.9);
//! let distribution = fit.bootstrap(&bootstrap, |fit| Ok(vec![fit.beta()[3]]))?.labelled(["arm b after"]);
//! assert!(distribution.limits(0).0 < distribution.observed[0]);
//! println!("{distribution}");
//! # Ok::<(), trialstats::Error>(())
//! ```

mod distribution;
mod draws;

pub(crate) use distribution::order_quantile;
pub(crate) use draws::{patients as patients_of_sample, strata};

pub use distribution::{BootstrapDistribution, BootstrapInterval, BootstrapSummary, Resampling};

use crate::error::{Error, Result};
use crate::level::check_level;
use crate::table::{agreeing, counted};
use crate::trial::Trial;
use rayon::prelude::*;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How to bootstrap.
///
/// | option | default | meaning |
/// |---|---|---|
/// | replicates, seed | none: must be stated | how many replicates, and from which seed |
/// | `resampling` | [`Resampling::Patients`] | what is drawn |
/// | `interval` | [`BootstrapInterval::Percentile`] | how limits are read off |
/// | `level` | 0.95 | confidence level |
/// | `progress` | silent | called with (done, in all) after every refit, from any thread |
pub struct Bootstrap<'p> {
    replicates: usize,
    seed: u64,
    resampling: Resampling,
    interval: BootstrapInterval,
    level: f64,
    progress: Box<dyn Fn(usize, usize) + Sync + 'p>,
}

/// What one replicate is computed from.
pub(crate) enum Sample {
    /// Patients by position, some more than once.
    Patients(Vec<usize>),
    /// Outcomes simulated from this seed for this replicate.
    Outcomes {
        /// The seed.
        seed: u64,
        /// The replicate.
        replicate: u64,
    },
}

impl fmt::Debug for Bootstrap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bootstrap")
            .field("replicates", &self.replicates)
            .field("seed", &self.seed)
            .field("resampling", &self.resampling)
            .field("interval", &self.interval)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl<'p> Bootstrap<'p> {
    /// With so many replicates from this seed. A thousand serve a percentile interval, several thousand a BCa one.
    pub fn new(replicates: usize, seed: u64) -> Self {
        Self {
            replicates,
            seed,
            resampling: Resampling::default(),
            interval: BootstrapInterval::default(),
            level: 0.95,
            progress: Box::new(|_, _| ()),
        }
    }

    /// What is drawn: patients, or outcomes from a fit.
    pub fn resampling(mut self, resampling: Resampling) -> Self {
        self.resampling = resampling;
        self
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

    /// Computes `statistics` on the trial and on every resample of its patients, who are drawn with replacement
    /// within their arms.
    ///
    /// A resample on which `statistics` fails, or yields something that is not a finite number or of another length,
    /// is counted as failed.
    ///
    /// # Errors
    /// Whatever `statistics` says of the trial itself; [`Error::Invalid`] where too few replicates are asked for, or
    /// remain, to reach the level's quantiles, and for [`Resampling::Parametric`], which takes a fit: see
    /// [`Fit::bootstrap`](crate::Fit::bootstrap).
    pub fn run<F>(&self, trial: &Trial, statistics: F) -> Result<BootstrapDistribution>
    where
        F: Fn(&Trial) -> Result<Vec<f64>> + Sync,
    {
        self.check()?;
        self.over_patients(statistics(trial)?, trial, |patients| statistics(&trial.resample(patients)?))
    }

    /// The same where `statistics` says itself what it makes of the patients drawn, by their positions in the trial.
    pub(crate) fn over_patients<F>(&self, observed: Vec<f64>, trial: &Trial, statistics: F) -> Result<BootstrapDistribution>
    where
        F: Fn(&[usize]) -> Result<Vec<f64>> + Sync,
    {
        let refused = || {
            Error::conflict(
                "a parametric bootstrap of a trial",
                "outcomes are simulated from a fitted model",
                "use the bootstrap of a fit, or resample patients",
            )
        };
        self.check()?;
        if self.resampling == Resampling::Parametric {
            return Err(refused());
        }
        self.sample(observed, trial.arm_of(), |sample| match sample {
            Sample::Patients(patients) => statistics(&patients),
            Sample::Outcomes { .. } => Err(refused()),
        })
    }

    /// Refuses what cannot be done whatever the data.
    pub(crate) fn check(&self) -> Result<()> {
        check_level(self.level)?;
        self.check_number(self.replicates)?;
        match (self.resampling, self.interval) {
            (Resampling::Parametric, BootstrapInterval::Bca) => Err(Error::conflict(
                "bias-corrected and accelerated limits of a parametric bootstrap",
                "their acceleration comes from leaving out patients",
                "use the percentile or basic interval, or resample patients",
            )),
            _ => Ok(()),
        }
    }

    /// What is drawn.
    pub(crate) fn resamples(&self) -> Resampling {
        self.resampling
    }

    /// The distribution of `statistics` over samples, `observed` being their values for the data themselves and
    /// `arm_of` the arms of the patients that can be drawn.
    pub(crate) fn sample<F>(&self, observed: Vec<f64>, arm_of: &[usize], statistics: F) -> Result<BootstrapDistribution>
    where
        F: Fn(Sample) -> Result<Vec<f64>> + Sync,
    {
        if let Some(k) = observed.iter().position(|v| !v.is_finite()) {
            return Err(Error::not_finite(
                "bootstrap",
                format!("statistic {} of the trial itself is not a finite number", k + 1),
                "leave out what cannot be estimated from these data",
            ));
        }
        let strata = draws::strata(arm_of);
        let jackknifed = if self.interval == BootstrapInterval::Bca { arm_of.len() } else { 0 };
        let (done, total) = (AtomicUsize::new(0), self.replicates + jackknifed);
        let compute = |sample: Sample| {
            let result = statistics(sample).map_err(|e| e.to_string());
            (self.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            match result {
                Ok(values) if values.len() != observed.len() => Err("another number of statistics".to_string()),
                Ok(values) if values.iter().any(|v| !v.is_finite()) => Err("a statistic that is not a finite number".to_string()),
                other => other,
            }
        };
        let draw = |replicate: u64| match self.resampling {
            Resampling::Patients => Sample::Patients(draws::patients(&strata, self.seed, replicate)),
            Resampling::Parametric => Sample::Outcomes { seed: self.seed, replicate },
        };
        let results: Vec<Result<Vec<f64>, String>> = (0..self.replicates as u64).into_par_iter().map(|r| compute(draw(r))).collect();
        let others = |i: usize| Sample::Patients((0..jackknifed).filter(|&j| j != i).collect());
        let without: Vec<Result<Vec<f64>, String>> = (0..jackknifed).into_par_iter().map(|i| compute(others(i))).collect();
        let failures = draws::reasons(results.iter().filter_map(|r| r.as_ref().err()));
        let replicates: Vec<Vec<f64>> = results.into_iter().flatten().collect();
        self.check_number(replicates.len())?;
        let summary = BootstrapSummary {
            resampling: self.resampling,
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
        let labels = (1..=observed.len()).map(|k| format!("statistic {k}")).collect();
        Ok(BootstrapDistribution { labels, observed, replicates, jackknife, summary })
    }

    /// The confidence level.
    pub(crate) fn confidence(&self) -> f64 {
        self.level
    }

    /// Refuses a number of replicates whose outermost does not reach the level's quantiles.
    fn check_number(&self, replicates: usize) -> Result<()> {
        if (replicates as f64 + 1.0) * 0.5 * (1.0 - self.level) >= 1.0 {
            return Ok(());
        }
        let needed = (2.0 / (1.0 - self.level)).ceil();
        Err(Error::too_few_replicates(
            format!("a bootstrap interval at level {}", self.level),
            format!("{} {} not reach its quantiles", counted(replicates, "replicate"), agreeing(replicates, "does", "do")),
            format!("ask for at least {needed}, better a thousand or more"),
        ))
    }
}
