//! The bootstrap of a fit.

use super::Fit;
use super::simulation::Simulator;
use crate::bootstrap::{Bootstrap, BootstrapDistribution, Resampling, Sample};
use crate::error::{Error, Result};

impl Fit {
    /// The distribution of whatever `statistics` makes of the fit, over fits of the same model to resampled patients
    /// or simulated outcomes.
    ///
    /// The analysed patients are drawn within their arms ([`Resampling::Patients`]), or their outcomes simulated at
    /// the estimates ([`Resampling::Parametric`]); covariates, visits and what is missing stay as they are. A
    /// replicate without a verified optimum, or on which `statistics` fails or yields something that is not a finite
    /// number, is left out, counted, and named in the summary. Factor levels that no drawn patient has leave their
    /// coefficients NaN.
    ///
    /// See the [module](crate::bootstrap) for an example.
    ///
    /// # Errors
    /// Whatever `statistics` says of this fit; [`Error::Invalid`] where too few replicates are asked for, or remain, to
    /// reach the level's quantiles, and for bias-corrected and accelerated limits of a parametric bootstrap;
    /// [`Error::NoPatients`] for a fit from moments, [`Error::Invalid`] for one response of a joint fit, and for
    /// resampled patients where random effects of clusters tie them together (the parametric bootstrap draws the
    /// effects too).
    pub fn bootstrap<F>(&self, bootstrap: &Bootstrap<'_>, statistics: F) -> Result<BootstrapDistribution>
    where
        F: Fn(&Fit) -> Result<Vec<f64>> + Sync,
    {
        bootstrap.check()?;
        let refitter = self.refitter()?;
        let observed = statistics(self)?;
        let simulator = match bootstrap.resamples() {
            Resampling::Parametric => Some(Simulator::new(self)?),
            Resampling::Patients => {
                self.must_have_no_clusters("a bootstrap of patients")?;
                None
            }
        };
        let patients = self.design().patients().len();
        bootstrap.sample(observed, &self.design().rows.arm_of, |sample| match (sample, &simulator) {
            (Sample::Outcomes { seed, replicate }, Some(simulator)) => {
                statistics(&refitter.clone().fit_to_outcome(simulator.outcome(seed, replicate))?)
            }
            (Sample::Outcomes { .. }, None) => {
                Err(Error::conflict("a replicate of patients", "outcomes were drawn in its place", "ask for the parametric bootstrap"))
            }
            (Sample::Patients(chosen), _) => {
                let mut times = vec![0_u32; patients];
                chosen.into_iter().for_each(|i| times[i] += 1);
                statistics(&refitter.clone().fit_to_patients(&times)?)
            }
        })
    }
}
