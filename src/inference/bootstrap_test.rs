//! The likelihood-ratio test by parametric bootstrap: what the statistic does where the smaller model is true.

use super::simulation::Simulator;
use super::{Fit, LikelihoodRatio};
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, display_as_table};
use rayon::prelude::*;
use serde::Serialize;

/// A likelihood-ratio test whose p-value comes from outcomes simulated under the smaller model.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BootstrapLikelihoodRatio {
    /// The test itself, with the p-values of χ² and, where variances vanish, of the mixture.
    pub test: LikelihoodRatio,
    /// (1 + the number of replicates whose statistic is at least the observed) / (1 + the number of replicates).
    pub p: f64,
    /// The statistics of the replicates that both models could be fitted to, in their order.
    pub statistics: Vec<f64>,
    /// Replicates on which a model had no verified optimum; they are left out.
    pub failed: usize,
    /// The seed.
    pub seed: u64,
}

impl Fit {
    /// Tests this model against a special case of it, as [`Fit::likelihood_ratio`] does, with a p-value that needs no
    /// large samples and no theory of boundaries: outcomes are simulated from `nested`, effects of clusters and all,
    /// and both models fitted to each (Davison & Hinkley 1997, Bootstrap Methods and their Application, §4.2). It is
    /// the test for whether the variance of a few clusters is zero.
    ///
    /// Replicate r draws from streams of its own under `seed`: the same bits for any number of threads. A thousand
    /// replicates tell .05 within ± .007.
    ///
    /// ```
    /// # use trialstats::{Model, simulate::Gaussian};
    /// # fn main() -> trialstats::Result<()> {
    /// # let trial = Gaussian::new(["before", "after"]).arm("a", 40, [5.0, 5.0]).arm("b", 40, [5.0, 4.0]).groups("group", "b", 8, [1.0, 1.0]).trial(1, 0)?;
    /// let with = Model::formula("y ~ arm * visit + (1 | group)")?.fit(&trial)?;
    /// let without = Model::formula("y ~ arm * visit")?.fit(&trial)?;
    /// let test = with.bootstrap_likelihood_ratio(&without, 99, 20261122)?;
    /// assert_eq!(test.statistics.len() + test.failed, 99);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotComparable`] as [`Fit::likelihood_ratio`]; [`Error::Invalid`] for no replicates, or where none
    /// could be fitted, and for fits that cannot be simulated from.
    pub fn bootstrap_likelihood_ratio(&self, nested: &Fit, replicates: usize, seed: u64) -> Result<BootstrapLikelihoodRatio> {
        let test = self.likelihood_ratio(nested)?;
        let simulator = Simulator::new(nested)?;
        let refitters = [self.refitter()?, nested.refitter()?];
        let statistic = |replicate: u64| -> Option<f64> {
            let outcome = simulator.outcome(seed, replicate);
            let [larger, smaller] = refitters.clone().map(|mut refitter| {
                refitter.with_outcomes(&outcome).ok()?;
                Some(refitter.log_likelihood())
            });
            Some((2.0 * (larger? - smaller?)).max(0.0))
        };
        let found: Vec<Option<f64>> = (0..replicates as u64).into_par_iter().map(statistic).collect();
        let statistics: Vec<f64> = found.iter().flatten().copied().collect();
        if statistics.is_empty() {
            return Err(Error::too_few_replicates(
                "a bootstrap of the likelihood ratio",
                format!("none of {replicates} replicates could be fitted by both models"),
                "ask for replicates, or simplify the larger model",
            ));
        }
        let extreme = statistics.iter().filter(|&&s| s >= test.statistic).count();
        let p = (1 + extreme) as f64 / (1 + statistics.len()) as f64;
        Ok(BootstrapLikelihoodRatio { test, p, failed: replicates - statistics.len(), statistics, seed })
    }
}

impl Tabular for BootstrapLikelihoodRatio {
    fn title(&self) -> String {
        "Likelihood-ratio test by parametric bootstrap".into()
    }

    fn columns(&self) -> Vec<Column> {
        let mut columns = self.test.columns();
        let rows = self.test.rows.len();
        let p = (0..rows).map(|i| if i + 1 == rows { self.p } else { f64::NAN });
        columns.push(Column::real("bootstrap_p", "p (bootstrap)", Format::PValue, p));
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.test.notes.clone();
        notes.push(format!(
            "Bootstrap p: (1 + replicates at least as extreme) / (1 + replicates), {} replicates simulated under the smaller model (ChaCha12, seed {}, one set of streams a replicate).",
            self.statistics.len(),
            self.seed
        ));
        if self.failed > 0 {
            notes.push(format!("{} more replicates had no verified optimum under one of the models and are left out.", self.failed));
        }
        notes
    }
}

display_as_table!(BootstrapLikelihoodRatio);
