//! Effect sizes of a model's estimates at the visit of primary interest.

use super::run::{has_arm, has_baseline};
use super::{Analysis, OutcomeEffects, Plan, Progress};
use crate::effects::{EffectOptions, EffectSizes, IntervalMethod, from_rows};
use crate::error::Result;
use crate::inference::Fit;
use crate::means::{Contrast, ContrastOptions};
use crate::trial::{BaselineFrom, Trial};

/// Within every arm that has a change from baseline and between arms: by the delta method, by the formula of
/// independent groups, and by the bootstrap where replicates are asked for. Nothing where no baseline value is known.
pub(super) fn of(analysis: &Analysis<'_>, fit: &Fit, progress: &dyn Progress) -> Result<OutcomeEffects> {
    let (trial, plan) = (analysis.trial, &analysis.plan);
    if !has_baseline_value(analysis) {
        return Ok(OutcomeEffects::default());
    }
    let options = options(plan);
    let wanted = differences(fit, trial, &plan.at)?;
    if wanted.is_empty() {
        return Ok(OutcomeEffects::default());
    }
    let table = |interval| from_rows(trial, fit, &wanted, &options.clone().interval(interval));
    let mut tables = plan.effects.intervals.iter().map(|interval| table(*interval)).collect::<Result<Vec<_>>>()?;
    if plan.effects.bootstrap > 0 {
        tables.push(super::resampled::limits(analysis, fit, tables[0].clone(), progress)?);
    }
    let part = |between: bool| -> Vec<EffectSizes> {
        let parts = tables
            .iter()
            .map(|t| EffectSizes { rows: t.rows.iter().filter(|r| r.versus.is_some() == between).cloned().collect(), ..t.clone() });
        parts.filter(|t| !t.rows.is_empty()).collect()
    };
    Ok(OutcomeEffects { within: part(false), between: part(true) })
}

/// A difference over a standard deviation, with its limits by the delta method.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct StandardizedDifference {
    /// The effect size, with the sign, the correction and the denominator of the plan.
    pub effect: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// Whether a baseline value is known, which effect sizes and their standard deviations are made of.
pub(super) fn has_baseline_value(analysis: &Analysis<'_>) -> bool {
    analysis.plan.baseline_from != BaselineFrom::Visit || analysis.trial.schedule().baseline().is_some()
}

/// The effect size of a contrast; `None` where it has none, or where no baseline value is known.
pub(super) fn standardized(
    analysis: &Analysis<'_>,
    trial: &Trial,
    fit: &Fit,
    contrast: &Contrast,
) -> Result<Option<StandardizedDifference>> {
    if !has_baseline_value(analysis) {
        return Ok(None);
    }
    let options = options(&analysis.plan).interval(IntervalMethod::Delta);
    let table = from_rows(trial, fit, std::slice::from_ref(contrast), &options)?;
    let known = table.rows.first().filter(|row| row.effect.is_finite());
    Ok(known.map(|row| StandardizedDifference { effect: row.effect, lower: row.lower, upper: row.upper }))
}

/// What the plan says of effect sizes.
pub(super) fn options(plan: &Plan) -> EffectOptions {
    let effects = &plan.effects;
    EffectOptions::new()
        .denominator(effects.denominator)
        .correction(effects.correction)
        .positive(effects.positive)
        .level(plan.level)
        .baseline(plan.baseline_from.clone())
}

/// The changes from baseline of every arm and the differences of every arm from the reference at `visit`.
pub(super) fn differences(fit: &Fit, trial: &Trial, visit: &str) -> Result<Vec<Contrast>> {
    let options = ContrastOptions::default().visits([visit]);
    let mut rows = vec![];
    if has_arm(fit) && has_baseline(fit) {
        rows.extend(fit.change_from_baseline(&options)?.rows);
    }
    if has_arm(fit) && trial.arms().len() > 1 {
        rows.extend(fit.arm_contrasts(&options)?.rows);
    }
    Ok(rows)
}
