//! One row of a table: a linear combination and what the fit says of it.

use crate::design::{Account, Columns, Dimension, Planned, ReferenceGrid, Unobserved};
use crate::error::{Error, Result};
use crate::estimates::{Estimate, Estimates, Link};
use crate::table::by_reason;

/// An estimate, or why there is none.
pub(super) struct Evaluated {
    /// All numbers NaN where there is none.
    pub estimate: Estimate,
    /// Confidence limits.
    pub interval: (f64, f64),
    /// Why the data do not determine it.
    pub not_estimable: Option<String>,
}

/// Evaluates l'β, `Err` holding why there is no l.
pub(super) fn evaluate(of: &dyn Estimates, label: String, l: Result<&[f64], &String>, level: f64) -> Result<Evaluated> {
    let reason = match l.map(|l| of.estimate(&label, l)) {
        Ok(Ok(estimate)) => {
            let interval = estimate.interval(level);
            return Ok(Evaluated { estimate, interval, not_estimable: None });
        }
        Ok(Err(Error::NotEstimable { why, .. })) => why,
        Ok(Err(other)) => return Err(other),
        Err(reason) => reason.clone(),
    };
    Ok(Evaluated { estimate: Estimate::none(label), interval: (f64::NAN, f64::NAN), not_estimable: Some(reason) })
}

/// Why a cell has no coefficients.
const NO_WEIGHTS: &str = "no analysed observation is in the cell whose frequencies are its weights";

/// The coefficients of a cell's marginal mean, or why there are none.
pub(super) fn cell_of(grid: &ReferenceGrid, cell: &[(Dimension, &Planned)]) -> Result<Vec<f64>, String> {
    let levels = cell.iter().map(|(d, planned)| Ok((*d, planned.level.clone()?))).collect::<Result<Vec<_>, String>>()?;
    grid.row(&levels).ok_or_else(|| NO_WEIGHTS.to_string())
}

/// Of what nobody has an analysed observation, for a table's notes: each arm and visit once.
pub(crate) fn unobserved(columns: &Columns) -> Vec<String> {
    let clause = |of: &Unobserved| format!("{}, so that nothing about this {} can be estimated", of.reason, of.what);
    columns.unobserved().iter().filter_map(|of| sentence(&clause(of))).collect()
}

/// That the arms share their baseline mean, for a table's notes.
pub(super) fn baseline(columns: &Columns) -> Option<String> {
    let visit = columns.constraint.map(|c| &columns.visit_labels()[c.baseline])?;
    Some(format!("One mean for all arms at {visit} (constrained longitudinal data analysis)."))
}

/// The scale of the estimates, for a table's notes; nothing where it is that of the outcome.
pub(super) fn on_scale(link: Link) -> Option<String> {
    Some(format!(
        "Estimates are of {}; limits on the scale of the outcome are those limits taken back, standard errors there by the delta method.",
        link.scale()?
    ))
}

/// How many observations were left out, for a table's notes.
pub(super) fn exclusions(account: &Account) -> Option<String> {
    account.exclusions().sentence()
}

/// Why rows have no estimate, for a table's notes: each reason once, with its rows, but for what
/// [`unobserved`] says already.
pub(super) fn reasons<'a>(columns: &Columns, rows: impl Iterator<Item = (&'a str, Option<&'a String>)>) -> Vec<String> {
    let told = columns.unobserved();
    let rows = rows.filter_map(|(label, reason)| Some((label.to_string(), reason?.as_str())));
    let untold = rows.filter(|(_, reason)| !told.iter().any(|of| of.reason == *reason));
    let sentence = |(reason, labels): (&str, Vec<String>)| {
        format!("{} {} not estimable: {reason}.", labels.join("; "), if labels.len() == 1 { "is" } else { "are" })
    };
    by_reason(untold).into_iter().map(sentence).collect()
}

/// A sentence from a phrase: its first letter made large, a full stop added.
pub(super) fn sentence(phrase: &str) -> Option<String> {
    let mut characters = phrase.chars();
    characters.next().map(|first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}
