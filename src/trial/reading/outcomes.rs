//! Outcomes: numbers by patient and visit, within their range.

use super::findings::Findings;
use super::grid::{Grid, number};
use crate::error::{Setting, says};
use crate::trial::Outcome;

/// The outcomes that the layout names.
pub(super) fn read(grid: &Grid<'_>, findings: &mut Findings) -> Vec<Outcome> {
    let outcomes = grid.layout.outcomes.iter().map(|outcome| {
        let columns = grid.columns(&outcome.columns);
        let values = grid.by_visit(&columns, findings, |column, row, place, findings| {
            let score = number(grid, column, row, place, findings)?;
            if let Some((lowest, highest)) = outcome.range.filter(|(lowest, highest)| !(*lowest..=*highest).contains(&score)) {
                let message = says!("{score} is outside the range {lowest} to {highest}; correct it, or declare it with ")
                    .setting(Setting::MissingCode);
                findings.problem(grid.sheet, place, message);
            }
            Some(score)
        });
        Outcome {
            name: outcome.name.clone(),
            label: match grid.sheet.variable_label(&outcome.columns) {
                Some(label) if outcome.label == outcome.name => label.to_string(),
                _ => outcome.label.clone(),
            },
            range: outcome.range,
            values: values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
        }
    });
    outcomes.collect()
}
