//! Outcomes: numbers by patient and visit, within their range.

use super::findings::Findings;
use super::grid::{Grid, number};
use super::values::{NotANumber, Use, ValueColumn};
use crate::error::{Setting, says};
use crate::trial::{Outcome, OutcomeColumn};

/// The outcomes that the layout names, but for those of texts.
pub(super) fn read(grid: &Grid<'_>, findings: &mut Findings) -> Vec<Outcome> {
    let outcomes = grid.layout.outcomes.iter().filter(|outcome| !is_of_texts(grid, outcome)).map(|outcome| {
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

/// Whether an outcome that may have texts has any, whatever else is wrong with the file.
pub(super) fn is_of_texts(grid: &Grid<'_>, outcome: &OutcomeColumn) -> bool {
    let may_be = outcome.texts && outcome.range.is_none() && !grid.layout.part;
    may_be
        && outcome.columns.names().into_iter().any(|name| {
            let column = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value);
            (0..grid.sheet.rows).any(|row| matches!(column.number(row), Err(NotANumber::Text(_))))
        })
}
