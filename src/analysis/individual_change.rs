//! Individual change at the visit of primary interest, as the plan defines it.

use super::Analysis;
use crate::change::{
    ChangeComparisons, ChangeRates, CurveOptions, CurveScale, CurveSteps, IndividualChange, IndividualChanges, ResponderCurves,
    responder_curves,
};
use crate::error::Result;
use crate::means::Better;
use crate::responders::{Assumption, RateOptions};

/// What one definition of change found at the visit of primary interest.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct IndividualChangeResult {
    /// The definition.
    pub definition: IndividualChange,
    /// The outcome's label.
    pub outcome: String,
    /// Shares of the classes.
    pub rates: ChangeRates,
    /// Arms compared by them; none of a trial with one arm.
    pub comparisons: Option<ChangeComparisons>,
    /// Cumulative responder curves in points, and in per cent of the baseline where lower scores are better; with the first
    /// definition of an outcome.
    pub curves: Vec<ResponderCurves>,
    /// Each patient, where the plan includes individual data. It has identifiers and is no part of the JSON.
    #[serde(skip)]
    pub patients: Option<IndividualChanges>,
}

/// Every definition of the plan, in its order.
pub(super) fn all(analysis: &Analysis<'_>) -> Result<Vec<IndividualChangeResult>> {
    let definitions = &analysis.plan.individual_changes;
    let is_first = |k: usize| !definitions[..k].iter().any(|other| other.outcome == definitions[k].outcome);
    definitions.iter().enumerate().map(|(k, definition)| one(analysis, definition, is_first(k))).collect()
}

fn one(analysis: &Analysis<'_>, definition: &IndividualChange, with_curves: bool) -> Result<IndividualChangeResult> {
    let (plan, trial) = (&analysis.plan, analysis.trial);
    let found = definition.evaluate_at(trial, &plan.baseline_from, &[&plan.at])?;
    let options = rate_options(plan);
    Ok(IndividualChangeResult {
        definition: definition.clone(),
        outcome: found.outcome.clone(),
        rates: found.rates(&options)?,
        comparisons: if trial.arms().len() > 1 { Some(found.compare(&options)?) } else { None },
        curves: if with_curves { curves(analysis, definition)? } else { vec![] },
        patients: plan.report.include_individual_data.then_some(found),
    })
}

/// How rates are made, as the definitions of response have it.
pub(in crate::analysis) fn rate_options(plan: &super::Plan) -> RateOptions {
    RateOptions::new(plan.responders.unobserved.iter().copied()).level(plan.level).visits([plan.at.clone()])
}

/// Curves with the unobserved as not met, unless the plan leaves them out everywhere. Where nobody was observed at the visit
/// there are none.
fn curves(analysis: &Analysis<'_>, definition: &IndividualChange) -> Result<Vec<ResponderCurves>> {
    let (plan, trial) = (&analysis.plan, analysis.trial);
    let counts_everyone = rate_options(plan).assumptions().any(|a| a != Assumption::ObservedOnly);
    let floor = trial.outcome(&definition.outcome)?.range.map_or(0.0, |range| range.0);
    let options = |scale: CurveScale| {
        CurveOptions::new(&definition.outcome, definition.better)
            .visit(&plan.at)
            .scale(scale)
            .floor(floor)
            .steps(if plan.report.include_individual_data { CurveSteps::Every } else { CurveSteps::Rounded })
            .unobserved(if counts_everyone { Assumption::CountedAsNotMet } else { Assumption::ObservedOnly })
            .level(plan.level)
            .baseline(plan.baseline_from.clone())
    };
    let scales: &[CurveScale] = match definition.better {
        Better::Lower => &[CurveScale::Points, CurveScale::Percent],
        Better::Higher => &[CurveScale::Points],
    };
    // Nobody observed, or no baseline above the floor: there is nothing to draw.
    Ok(scales.iter().filter_map(|scale| responder_curves(trial, &options(*scale)).ok()).collect())
}
