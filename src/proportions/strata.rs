//! Two proportions in each of several strata.

use super::proportion::Proportion;
use super::score::Pair;
use crate::error::{Error, Result};

/// Two groups' proportions stratum by stratum: centres, levels of severity, strata of the randomization.
///
/// A stratum in which either group has nobody says nothing of their comparison. It is left out, and
/// [`left_out`](Self::left_out) counts those.
#[derive(Debug, Clone, PartialEq)]
pub struct Strata {
    pub(super) pairs: Vec<Pair>,
    left_out: usize,
}

impl Strata {
    /// Strata of the first and the second group.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no stratum has patients of both groups.
    ///
    /// ```
    /// use trialstats::proportions::{Proportion, RatioMeasure, Strata, StratifiedDifferenceMethod};
    /// // SAS's migraine data: better with the active treatment and with placebo, among women and among men.
    /// let p = |met, of| Proportion::new(met, of);
    /// let strata = Strata::new([[p(16, 27)?, p(5, 25)?], [p(12, 28)?, p(7, 26)?]])?;
    /// let odds_ratio = strata.mantel_haenszel(RatioMeasure::OddsRatio, 0.95)?;
    /// let shown = format!("{:.4} {:.4} {:.4}", odds_ratio.estimate, odds_ratio.lower, odds_ratio.upper);
    /// assert_eq!(shown, "3.3132 1.4456 7.5934");
    /// let difference = strata.difference(StratifiedDifferenceMethod::MantelHaenszel, 0.95)?;
    /// assert!(difference.lower > 0.0);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn new(strata: impl IntoIterator<Item = [Proportion; 2]>) -> Result<Self> {
        let all: Vec<[Proportion; 2]> = strata.into_iter().collect();
        let pairs: Vec<Pair> = all.iter().filter(|[a, b]| a.of > 0 && b.of > 0).map(|&[first, second]| Pair::new(first, second)).collect();
        if pairs.is_empty() {
            return Err(Error::no_data(
                "a stratified comparison",
                "no stratum has patients of both groups",
                "compare the groups without strata",
            ));
        }
        let left_out = all.len() - pairs.len();
        Ok(Self { pairs, left_out })
    }

    /// The number of strata that are compared.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no stratum; there always is one.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Strata in which a group has nobody.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Both groups over all strata that are compared.
    pub fn pooled(&self) -> [Proportion; 2] {
        let sum = |of: fn(&Pair) -> Proportion| {
            self.pairs.iter().map(of).fold(Proportion { met: 0, of: 0 }, |a, b| Proportion { met: a.met + b.met, of: a.of + b.of })
        };
        [sum(|pair| pair.first), sum(|pair| pair.second)]
    }

    /// n₁n₂/n of each stratum.
    pub(super) fn weights(&self) -> Vec<f64> {
        self.pairs
            .iter()
            .map(|pair| {
                let [_, n1, _, n2] = pair.counts();
                n1 * n2 / (n1 + n2)
            })
            .collect()
    }

    /// Σ over strata.
    pub(super) fn sum(&self, of: impl Fn([f64; 4]) -> f64) -> f64 {
        self.pairs.iter().map(|pair| of(pair.counts())).sum()
    }
}
