//! Adjusted risks of outcomes that were imputed many times: scores first, classified afterwards, pooled by Rubin's rules.

use super::population_means::{PopulationMeans, PopulationMeasure};
use super::responder_risks::{AdjustedRisk, AdjustedRisks, Place, RiskOptions, notes, standardised};
use crate::dist;
use crate::error::{Error, Result};
use crate::estimates::Link;
use crate::responders::{Assumption, Definition, Measure, Status};
use crate::trial::{BaselineFrom, Labelled, Trial};
use rayon::prelude::*;

/// The risks of definitions adjusted for covariates, of `number` completed data sets. `completed` gives the trial of a data
/// set (from 0), whose values of `outcome` have been imputed, all else as in `trial`: it is classified, analysed as
/// [`adjusted_risks`](super::adjusted_risks) does, and the results are pooled by Rubin's rules (Rubin 1987, Multiple
/// Imputation for Nonresponse in Surveys, ch. 3), risks on the scale of the log odds, ratios on that of the logarithm.
///
/// A definition that looks at anything else than `outcome` at the visit, such as a diagnosis, is not completed by its scores;
/// its rows say so. [`RiskOptions::unobserved`] has no part in this.
///
/// # Errors
/// As [`adjusted_risks`](super::adjusted_risks); whatever `completed` says; [`Error::Invalid`] for fewer than two data sets.
pub fn adjusted_risks_of_imputations(
    trial: &Trial,
    outcome: &str,
    definitions: &[Definition],
    baseline: &BaselineFrom,
    number: usize,
    completed: impl Fn(usize) -> Result<Trial> + Sync,
    options: &RiskOptions,
) -> Result<AdjustedRisks> {
    options.check(trial)?;
    if number < 2 {
        return Err(Error::too_few_replicates(
            "multiple imputation",
            format!("{number} data sets were asked for"),
            "impute at least two, better a hundred",
        ));
    }
    let reference = options.reference_of(trial)?;
    let wanted = cells(trial, definitions, baseline, options)?;
    let sets = (0..number).into_par_iter().map(|k| analysed(&completed(k)?, outcome, &wanted, baseline, reference, options));
    let sets: Vec<Vec<DataSet>> = sets.collect::<Result<_>>()?;
    let mut rows = vec![];
    for (k, cell) in wanted.iter().enumerate() {
        let place = Place { definition: &cell.definition.name, visit: &cell.visit, way: Assumption::Imputed, reference };
        let of_cell: Vec<&DataSet> = sets.iter().map(|set| &set[k]).collect();
        rows.extend((0..trial.arms().len()).filter(|&arm| arm != reference).map(|arm| pooled(trial, arm, &place, &of_cell, options.level)));
    }
    let mut notes = notes(options);
    notes.push(format!(
        "Unobserved imputed: {outcome} is imputed {number} times and classified; results are pooled by Rubin's rules, with their degrees of freedom."
    ));
    Ok(AdjustedRisks { rows, definitions: definitions.to_vec(), options: options.clone(), notes })
}

/// A definition at a visit.
struct Cell<'a> {
    definition: &'a Definition,
    /// Its position among the evaluated visits.
    position: usize,
    visit: Labelled,
}

/// What one data set says of a cell; why nothing, where it says nothing.
type DataSet = Result<(PopulationMeans, bool), String>;

fn cells<'a>(trial: &Trial, definitions: &'a [Definition], baseline: &BaselineFrom, options: &RiskOptions) -> Result<Vec<Cell<'a>>> {
    let mut found = vec![];
    for definition in definitions {
        let responders = definition.evaluate_with(trial, baseline)?;
        found.extend(options.visits_of(&responders)?.into_iter().map(|(position, visit)| Cell { definition, position, visit }));
    }
    Ok(found)
}

fn analysed(
    completed: &Trial,
    outcome: &str,
    cells: &[Cell],
    baseline: &BaselineFrom,
    reference: usize,
    options: &RiskOptions,
) -> Result<Vec<DataSet>> {
    let of_cell = |cell: &Cell| -> Result<DataSet> {
        if !cell.definition.rule.is_of_outcome_alone(outcome) {
            return Ok(Err(format!("the definition looks at more than {outcome}, which alone is imputed")));
        }
        let responders = cell.definition.evaluate_with(completed, baseline)?;
        let value = |patient: usize| match responders.status(patient, cell.position) {
            Status::Met => 1.0,
            Status::NotMet => 0.0,
            _ => f64::NAN,
        };
        let values: Vec<f64> = (0..completed.patients().len()).map(value).collect();
        match standardised(completed, &values, &cell.visit, reference, options) {
            Ok(found) => Ok(Ok(found)),
            Err(error) if matches!(error.code(), "no-data" | "not-defined" | "no-solution" | "singular-information" | "no-patients") => {
                Ok(Err(error.to_string()))
            }
            Err(other) => Err(other),
        }
    };
    cells.iter().map(of_cell).collect()
}

/// The pooled row of an arm.
fn pooled(trial: &Trial, arm: usize, place: &Place, sets: &[&DataSet], level: f64) -> AdjustedRisk {
    let mut row = AdjustedRisk::blank(trial, arm, place);
    if let Some(why) = sets.iter().find_map(|set| set.as_ref().err()) {
        row.not_estimable = Some(why.clone());
        return row;
    }
    let found: Vec<&PopulationMeans> = sets.iter().filter_map(|set| set.as_ref().ok()).map(|(means, _)| means).collect();
    let visit = place.visit.index;
    row.analysed = found.first().map_or(0, |means| means.patients);
    row.penalised = sets.iter().any(|set| matches!(set, Ok((_, true))));
    // A probability's variance is that of its log odds times (p (1 − p))².
    let risk = |of: usize| {
        let parts = found.iter().filter_map(|means| means.mean(of, visit)).map(|mean| (mean.estimate, mean.se));
        on_scale(Link::Logit, &parts.collect::<Vec<_>>(), level).0
    };
    (row.in_arm, row.in_reference) = (risk(arm), risk(place.reference));
    let compared = |measure: PopulationMeasure, scale: Link| {
        let parts = found.iter().filter_map(|means| means.compared(measure, arm, place.reference, visit));
        on_scale(scale, &parts.map(|r| (r.estimate, r.se)).collect::<Vec<_>>(), level)
    };
    row.risk_ratio = compared(PopulationMeasure::Ratio, Link::Log).0;
    row.odds_ratio = compared(PopulationMeasure::OddsRatio, Link::Log).0;
    let (difference, pooled) = compared(PopulationMeasure::Difference, Link::Identity);
    row.difference = difference;
    (row.se, row.df, row.p) = (pooled.se, pooled.df, dist::t::two_sided_p(pooled.estimate / pooled.se, pooled.df));
    if row.difference.estimate.is_nan() {
        row.not_estimable = Some("some data sets have no estimate".into());
    }
    row
}

/// A pooled number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rubin {
    pub estimate: f64,
    pub se: f64,
    pub df: f64,
}

/// Estimates and their variances pooled by Rubin's rules: T = Ū + (1 + 1/m) B, df = (m − 1) (1 + Ū / ((1 + 1/m) B))².
pub(super) fn rubin(estimates: &[f64], variances: &[f64]) -> Rubin {
    let m = estimates.len() as f64;
    let mean = |of: &[f64]| of.iter().sum::<f64>() / m;
    let (estimate, within) = (mean(estimates), mean(variances));
    let between = estimates.iter().map(|q| (q - estimate).powi(2)).sum::<f64>() / (m - 1.0);
    let added = (1.0 + 1.0 / m) * between;
    let df = if added > 0.0 { (m - 1.0) * (1.0 + within / added).powi(2) } else { f64::INFINITY };
    Rubin { estimate, se: (within + added).sqrt(), df }
}

/// Estimates with their standard errors pooled on the scale of a link, and taken back.
fn on_scale(scale: Link, parts: &[(f64, f64)], level: f64) -> (Measure, Rubin) {
    let estimates: Vec<f64> = parts.iter().map(|(estimate, _)| scale.apply(*estimate)).collect();
    let variances: Vec<f64> = parts.iter().zip(&estimates).map(|((_, se), eta)| (se / scale.slope(*eta)).powi(2)).collect();
    let pooled = rubin(&estimates, &variances);
    let half = dist::t::quantile(0.5 + 0.5 * level, pooled.df) * pooled.se;
    if parts.is_empty() || !pooled.estimate.is_finite() || !half.is_finite() {
        let share = parts.iter().map(|(estimate, _)| estimate).sum::<f64>() / parts.len() as f64;
        return (Measure::new(share, f64::NAN, f64::NAN), pooled);
    }
    (Measure::new(scale.inverse(pooled.estimate), scale.inverse(pooled.estimate - half), scale.inverse(pooled.estimate + half)), pooled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rubin (1987), by hand: estimates 1, 2, 3 with variances 1, 1, 1.
    #[test]
    fn rubins_rules_by_hand() {
        let pooled = rubin(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0]);
        // B = 1, T = 1 + 4/3, df = 2 (1 + 3/4)².
        assert!((pooled.estimate - 2.0).abs() < 1e-15);
        assert!((pooled.se - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((pooled.df - 6.125).abs() < 1e-14);
        // Nothing was missing: the data sets agree.
        assert_eq!(rubin(&[0.2, 0.2], &[0.01, 0.01]).df, f64::INFINITY);
    }
}
