//! Change from baseline within each arm.

use super::contrasts::{Wanted, difference};
use super::{ContrastOptions, Contrasts};
use crate::design::{Dimension, ReferenceGrid};
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
        let design = self.design();
        let arm = design.columns.dimension("arm")?;
        let grid = ReferenceGrid::new(&design.columns, &design.account, &options.averaging)?;
        let covariate = grid.baseline_value();
        if covariate.is_none() && design.baseline_visit().is_none() {
            return Err(Error::invalid(
                "change from baseline",
                "the model has neither a baseline visit among the analysed visits nor `baseline` as a covariate",
                "declare the baseline visit in the layout, or put `baseline` into the formula",
            ));
        }
        let mut wanted = vec![];
        for t in self.visits_after_baseline(options.visits.as_deref())? {
            for (a, name) in design.columns.levels(arm).iter().enumerate() {
                let mean = |t| grid.row(&[(arm, a), (Dimension::Visit, t)]);
                let (l, minus) = match (design.baseline_visit(), covariate) {
                    (Some(b), _) => (difference(mean(t), mean(b)), 0.0),
                    (None, value) => (mean(t), value.unwrap_or(f64::NAN)),
                };
                wanted.push(Wanted { contrast: name.clone(), visit: Some(design.visit_labels()[t].clone()), l, minus });
            }
        }
        let title = format!("Change of {} from baseline by arm", design.outcome());
        let table = self.contrast_table(title, wanted, &grid, &[arm, Dimension::Visit], options)?;
        Ok(table.with_note(match (design.baseline_visit(), covariate) {
            (Some(b), _) => format!("Change: mean at the visit minus mean at {}, both estimated by the model.", design.visit_labels()[b]),
            (None, value) => format!(
                "Change: marginal mean minus the baseline value {:.4} at which it is taken; that value counts as known.",
                value.unwrap_or(f64::NAN)
            ),
        }))
    }

    fn visits_after_baseline(&self, labels: Option<&[String]>) -> Result<Vec<usize>> {
        let design = self.design();
        let visits = design.visit_labels();
        if let Some(labels) = labels {
            return labels
                .iter()
                .map(|l| visits.iter().position(|v| v == l).ok_or_else(|| Error::unknown("analysed visit", l, visits)))
                .collect();
        }
        Ok((design.baseline_visit().map_or(0, |b| b + 1)..visits.len()).collect())
    }
}
