//! The same model fitted again to changed data.

use super::Fit;
use crate::design::Design;
use crate::error::{Error, Result};
use crate::fit::optimum::Fitted;

impl Fit {
    /// The model fitted to patients who count more than once or not at all: analysed patient i counts `times[i]` times. Columns that they do not
    /// determine become aliased.
    pub(crate) fn with_patients(&self, times: &[usize]) -> Result<Fit> {
        self.to(self.design().with_patients(times))
    }

    /// The model fitted to another outcome: analysed patients × visits, NaN where the fit has none.
    pub(crate) fn with_outcome(&self, outcome: &[f64]) -> Result<Fit> {
        self.to(Design { y: outcome.to_vec(), ..self.design().clone() })
    }

    fn to(&self, design: Design) -> Result<Fit> {
        let structure = self.covariance_structure().bind(&design.visit_times)?;
        let fitted = Fitted::new(&design, structure, self.estimation()).map_err(Error::Fit)?;
        Ok(Fit::new(design, self.covariance_structure().clone(), self.estimation(), self.df_method(), fitted)
            .with_information(self.information_kind()))
    }
}
