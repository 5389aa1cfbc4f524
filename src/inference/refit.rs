//! Whole fits of the same model to changed data, the fast way where it serves.

use super::{Fit, Refitter};
use crate::error::{Error, Result};
use crate::fit::Failure;
use crate::fit::optimum::Optimum;

/// How much larger a coefficient's variance may become before it is asked whether the data still determine it.
const INFLATED: f64 = 1e6;

impl Refitter<'_> {
    /// The fit to another outcome: analysed patients × visits, NaN where the fit has none.
    pub(crate) fn fit_to_outcome(mut self, outcome: Vec<f64>) -> Result<Fit> {
        self.with_outcomes(&outcome)?;
        let original = self.original();
        let design = original.design().with_outcomes_in_place(outcome);
        Ok(original.of_data(design, self.optimum()))
    }

    /// The fit to patients who count more than once or not at all: analysed patient i counts `times[i]` times.
    /// Columns that they do not determine become aliased.
    pub(crate) fn fit_to_patients(mut self, times: &[u32]) -> Result<Fit> {
        let original = self.original();
        match self.with_multiplicities(times) {
            Ok(()) => {
                let optimum = self.optimum();
                let (now, then) = (&optimum.phi, &original.optimum().phi);
                if (0..then.nrows()).all(|c| now[(c, c)] < INFLATED * then[(c, c)]) {
                    return Ok(original.of_data(original.design().repeated(times), optimum));
                }
            }
            Err(Error::Fit(Failure::Singular)) => {}
            Err(other) => return Err(other),
        }
        original.anew(times)
    }
}

impl Fit {
    /// The fit from the beginning, with the columns that the patients determine.
    fn anew(&self, times: &[u32]) -> Result<Fit> {
        let design = self.design().repeated(times).with_own_aliasing();
        let structure = self.covariance_structure().bind_in(&design.columns.visits, &design.columns.visit_times, None)?;
        let optimum = Optimum::new(&design, structure, self.estimation()).map_err(Error::Fit)?;
        Ok(self.of_data(design, optimum))
    }
}
