//! Change from baseline within each arm.

use super::contrasts::{Wanted, difference, table_of};
use super::row::cell_of;
use super::{Compared, ContrastOptions, Contrasts};
use crate::design::{Columns, Dimension, Planned, ReferenceGrid};
use crate::error::{Error, Message, Result, Setting};
use crate::estimates::Estimates;

/// The change from baseline of every arm at every later visit.
pub(super) fn from_baseline(of: &dyn Estimates, options: &ContrastOptions) -> Result<Contrasts> {
    let columns = of.columns();
    let arm = columns.arm_dimension()?;
    let grid = ReferenceGrid::new(columns, of.account(), &options.averaging)?;
    let covariate = grid.baseline_value();
    if covariate.is_none() && columns.baseline_visit().is_none() {
        return Err(Error::no_baseline(
            "change from baseline",
            "the model has neither a baseline visit among the analysed visits nor `baseline` as a covariate",
            Message::from("declare the baseline visit with ").setting(Setting::BaselineVisit).then(", or put `baseline` into the formula"),
        ));
    }
    if let (Some(scale), None) = (of.link().scale(), columns.baseline_visit()) {
        return Err(Error::not_defined(
            "change from baseline",
            format!("means are estimated as {scale}, and the baseline is a covariate in other units"),
            "analyse the baseline as part of the response, or compare arms with arm_contrasts",
        ));
    }
    let mut wanted = vec![];
    let baseline = columns.baseline_visit().map(|b| columns.analysed_visit(b));
    for visit in visits_after_baseline(columns, options.visits.as_deref())? {
        for of in columns.planned(arm) {
            let mean = |visit: &Planned| cell_of(&grid, &[(arm, &of), (Dimension::Visit, visit)]);
            let (l, minus) = match (&baseline, covariate) {
                (Some(baseline), _) => (difference(mean(&visit), mean(baseline)), 0.0),
                (None, value) => (mean(&visit), value.unwrap_or(f64::NAN)),
            };
            if let Some(arm) = of.arm() {
                wanted.push(Wanted { compared: Compared::Change { arm }, visit: visit.visit(), l, minus, is_difference: true });
            }
        }
    }
    let title = format!("Change of {} from baseline by arm", columns.outcome());
    let table = table_of(of, title, wanted, &grid, &[arm, Dimension::Visit], options)?;
    Ok(table.with_note(match (columns.baseline_visit(), covariate) {
        (Some(b), _) => format!("Change: mean at the visit minus mean at {}, both estimated by the model.", columns.visit_labels()[b]),
        (None, value) => format!(
            "Change: marginal mean minus the baseline value {:.4} at which it is taken; that value counts as known.",
            value.unwrap_or(f64::NAN)
        ),
    }))
}

fn visits_after_baseline(columns: &Columns, labels: Option<&[String]>) -> Result<Vec<Planned>> {
    let baseline = columns.baseline_visit().map(|b| columns.analysed_visit(b).place);
    match labels {
        Some(labels) => labels.iter().map(|label| columns.called(Dimension::Visit, label)).collect(),
        None => Ok(columns.planned(Dimension::Visit).into_iter().filter(|v| baseline.is_none_or(|b| v.place > b)).collect()),
    }
}
