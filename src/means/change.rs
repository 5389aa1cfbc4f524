//! Change from baseline within each arm.

use super::contrasts::{Wanted, difference};
use super::row::cell_of;
use super::{Compared, ContrastOptions, Contrasts};
use crate::design::{Dimension, Planned, ReferenceGrid};
use crate::error::{Error, Result};
use crate::inference::Fit;

impl Fit {
    /// The change from baseline of every arm at every later visit: mean at the visit minus mean at baseline, negative
    /// when scores fall.
    ///
    /// Where the baseline is part of the response (constrained or not) this is a contrast of two visits, and its
    /// standard error carries the uncertainty of both. Where the baseline is a covariate, it is the marginal mean
    /// minus the baseline value at which the means are taken (its mean over the analysed observations unless
    /// [`Averaging`](crate::design::Averaging) says otherwise): that value counts as known, so the standard error is
    /// that of the marginal mean. [`ContrastOptions::arms`] has no part in this.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the model has no baseline, or a level outside (0, 1); [`Error::Unknown`] where the
    /// mean model has no arm, or for an unknown visit.
    pub fn change_from_baseline(&self, options: &ContrastOptions) -> Result<Contrasts> {
        let (columns, account) = (self.design().columns(), self.design().account());
        let arm = columns.arm_dimension()?;
        let grid = ReferenceGrid::new(columns, account, &options.averaging)?;
        let covariate = grid.baseline_value();
        if covariate.is_none() && columns.baseline_visit().is_none() {
            return Err(Error::invalid(
                "change from baseline",
                "the model has neither a baseline visit among the analysed visits nor `baseline` as a covariate",
                "declare the baseline visit in the layout, or put `baseline` into the formula",
            ));
        }
        let mut wanted = vec![];
        let baseline = columns.baseline_visit().map(|b| columns.analysed_visit(b));
        for visit in self.visits_after_baseline(options.visits.as_deref())? {
            for of in columns.planned(arm) {
                let mean = |visit: &Planned| cell_of(&grid, &[(arm, &of), (Dimension::Visit, visit)]);
                let (l, minus) = match (&baseline, covariate) {
                    (Some(baseline), _) => (difference(mean(&visit), mean(baseline)), 0.0),
                    (None, value) => (mean(&visit), value.unwrap_or(f64::NAN)),
                };
                if let Some(arm) = of.arm() {
                    wanted.push(Wanted { compared: Compared::Change { arm }, visit: visit.visit(), l, minus });
                }
            }
        }
        let title = format!("Change of {} from baseline by arm", columns.outcome());
        let table = self.contrast_table(title, wanted, &grid, &[arm, Dimension::Visit], options)?;
        Ok(table.with_note(match (columns.baseline_visit(), covariate) {
            (Some(b), _) => format!("Change: mean at the visit minus mean at {}, both estimated by the model.", columns.visit_labels()[b]),
            (None, value) => format!(
                "Change: marginal mean minus the baseline value {:.4} at which it is taken; that value counts as known.",
                value.unwrap_or(f64::NAN)
            ),
        }))
    }

    fn visits_after_baseline(&self, labels: Option<&[String]>) -> Result<Vec<Planned>> {
        let columns = self.design().columns();
        let baseline = columns.baseline_visit().map(|b| columns.analysed_visit(b).place);
        match labels {
            Some(labels) => labels.iter().map(|label| columns.called(Dimension::Visit, label)).collect(),
            None => Ok(columns.planned(Dimension::Visit).into_iter().filter(|v| baseline.is_none_or(|b| v.place > b)).collect()),
        }
    }
}
