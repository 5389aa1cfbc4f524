//! Clusters that begin with treatment.

use super::{ClusterByVisit, Trial};
use crate::error::{Error, Result};

impl Trial {
    /// The same trial with nobody in a cluster of these factors until the baseline visit is over: who will share a
    /// therapist or a group shares nothing before treatment begins. A random intercept of such a factor is an effect
    /// on the later visits alone, which is what a model with one mean for all arms at baseline
    /// ([`Baseline::Constrained`](crate::design::Baseline::Constrained)) calls for.
    ///
    /// Without a baseline visit nothing changes. Memberships that may change by visit stay what they are at the later
    /// visits.
    ///
    /// ```
    /// # use trialstats::simulate::Gaussian;
    /// # fn main() -> trialstats::Result<()> {
    /// let trial = Gaussian::new(["before", "after"]).arm("a", 4, [5.0, 5.0]).groups("group", "a", 2, [0.0, 1.0]).trial(1, 0)?;
    /// let trial = trial.clusters_after_baseline(&["group"])?;
    /// assert_eq!(trial.clusters_by_visit()[0].codes[..4], [None, Some(0), None, Some(0)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] for a cluster factor that the trial does not have.
    pub fn clusters_after_baseline(&self, factors: &[&str]) -> Result<Self> {
        let mut trial = self.clone();
        for name in factors {
            let mut own = self.memberships_by_visit(name)?;
            let Some(baseline) = self.schedule.baseline() else { continue };
            own.codes.chunks_exact_mut(self.schedule.len()).for_each(|visits| visits[..=baseline].fill(None));
            trial.clusters.retain(|c| c.name != *name);
            trial.clusters_by_visit.retain(|c| c.name != *name);
            trial.clusters_by_visit.push(own);
        }
        Ok(trial)
    }

    fn memberships_by_visit(&self, name: &str) -> Result<ClusterByVisit> {
        let visits = self.schedule.len();
        match (self.cluster(name), self.cluster_by_visit(name)) {
            (Some(c), _) => {
                let codes = c.codes.iter().flat_map(|&code| std::iter::repeat_n(code, visits)).collect();
                Ok(ClusterByVisit { name: c.name.clone(), levels: c.levels.clone(), codes })
            }
            (None, Some(c)) => Ok(c.clone()),
            (None, None) => Err(Error::unknown("cluster", name, &self.cluster_names().collect::<Vec<_>>())),
        }
    }
}
