//! Clusters that begin with treatment.

use super::{Role, Trial};
use crate::error::Result;

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
    /// let codes = trial.cluster("group")?.codes().expect("a factor");
    /// assert_eq!(codes[..4], [None, Some(0), None, Some(0)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for a cluster factor that the trial does not have.
    pub fn clusters_after_baseline(&self, factors: &[&str]) -> Result<Self> {
        let mut trial = self.clone();
        for name in factors {
            let cluster = self.cluster(name)?;
            let Some(baseline) = self.schedule.baseline() else { continue };
            let later = cluster.blank_until(baseline, self.schedule.len());
            let own = trial.variables.iter_mut().filter(|v| v.role() == Role::Cluster && v.name() == *name);
            own.for_each(|v| *v = later.clone());
        }
        Ok(trial)
    }
}
