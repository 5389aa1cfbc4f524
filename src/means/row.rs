//! One row of a table: a linear combination and what the fit says of it.

use crate::design::Design;
use crate::error::{Error, Result};
use crate::inference::{Estimate, Fit};

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
pub(super) fn evaluate(fit: &Fit, label: String, l: Result<&[f64], String>, level: f64) -> Result<Evaluated> {
    let reason = match l.map(|l| fit.estimate(&label, l)) {
        Ok(Ok(estimate)) => {
            let interval = estimate.interval(level);
            return Ok(Evaluated { estimate, interval, not_estimable: None });
        }
        Ok(Err(Error::NotEstimable { why, .. })) => why,
        Ok(Err(other)) => return Err(other),
        Err(reason) => reason,
    };
    let nan = f64::NAN;
    let estimate = Estimate { label, estimate: nan, se: nan, df: nan, t: nan, p: nan };
    Ok(Evaluated { estimate, interval: (nan, nan), not_estimable: Some(reason) })
}

/// That the arms share their baseline mean, for a table's notes.
pub(super) fn baseline(design: &Design) -> Option<String> {
    let visit = design.columns.constraint.map(|c| &design.visit_labels()[c.baseline])?;
    Some(format!("One mean for all arms at {visit} (constrained longitudinal data analysis)."))
}

/// How many observations were left out, for a table's notes.
pub(super) fn exclusions(design: &Design) -> Option<String> {
    design.exclusions().sentence()
}

/// A sentence for every row that has no estimate.
pub(super) fn reasons<'a>(rows: impl Iterator<Item = (&'a str, Option<&'a String>)>) -> Vec<String> {
    rows.filter_map(|(label, reason)| reason.map(|r| format!("{label} is not estimable: {r}."))).collect()
}

/// A sentence from a phrase: its first letter made large, a full stop added.
pub(super) fn sentence(phrase: &str) -> Option<String> {
    let mut characters = phrase.chars();
    characters.next().map(|first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}
