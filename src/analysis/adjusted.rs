//! Response and remission adjusted for covariates, at the visit of primary interest and over time.

use super::{Analysis, OutcomeResult, Progress, ResponseOverTime};
use crate::error::{Interface, Result};
use crate::generalized::{AdjustedRisks, RiskOptions, adjusted_risks, adjusted_risks_of_imputations};
use crate::imputation::{DrawMethod, Draws, ReferenceBased, Strategy};
use crate::responders::{RateOptions, Responders, Unobserved, rates};
use crate::trial::{Trial, Variable};

/// How many data sets are imputed and classified.
pub(super) const IMPUTED: usize = 100;

/// The adjusted risks of the plan's definitions; none of a plan without definitions, or a trial with one arm.
pub(super) fn risks(
    analysis: &Analysis<'_>,
    primary: &OutcomeResult,
    progress: &dyn Progress,
) -> Result<(Option<AdjustedRisks>, Option<ResponseOverTime>)> {
    let (plan, trial) = (&analysis.plan, analysis.trial);
    if plan.responders.definitions.is_empty() || trial.arms().len() < 2 {
        return Ok((None, None));
    }
    progress.begin("Adjusting rates of response", 0);
    let trial = with_baseline(trial.clone(), analysis);
    let evaluated: Vec<Responders> =
        plan.responders.definitions.iter().map(|d| d.evaluate_with(&trial, &plan.baseline_from)).collect::<Result<_>>()?;
    let options = plan.responders.risk_options(plan.level);
    let of_visit = options.clone().visits([plan.at.clone()]);
    let mut at_primary = adjusted_risks(&trial, &evaluated, &of_visit)?;
    if plan.responders.unobserved.contains(&Unobserved::Imputed) {
        at_primary = match imputed(analysis, primary, &of_visit) {
            Ok(risks) => at_primary.and(risks),
            Err(error) => at_primary.noted(format!("Scores could not be imputed: {}.", error.worded_for(Interface::Plan))),
        };
    }
    let over_time = match first_way(&plan.responders.unobserved) {
        Some(way) if evaluated.iter().any(|of| of.visits.len() > 1) => {
            let rate_options = RateOptions::new([way]).level(plan.level);
            let mut by_visit = options;
            by_visit.unobserved = vec![way];
            Some(ResponseOverTime { rates: rates(&evaluated, &rate_options)?, adjusted: adjusted_risks(&trial, &evaluated, &by_visit)? })
        }
        _ => None,
    };
    progress.end();
    Ok((Some(at_primary), over_time))
}

/// The risks of scores imputed by the primary model, missing at random, and classified.
fn imputed(analysis: &Analysis<'_>, primary: &OutcomeResult, options: &RiskOptions) -> Result<AdjustedRisks> {
    let (plan, trial) = (&analysis.plan, analysis.trial);
    let draws = Draws::new(DrawMethod::Bayesian).number(IMPUTED).seed(plan.seed);
    let imputations = primary.fit.imputations(trial, &ReferenceBased::new(Strategy::Mar), &draws)?;
    let completed = |number: usize| Ok(with_baseline(imputations.completed(number)?.trial()?, analysis));
    let definitions = &plan.responders.definitions;
    let with_baseline = with_baseline(trial.clone(), analysis);
    adjusted_risks_of_imputations(&with_baseline, &plan.primary, definitions, &plan.baseline_from, imputations.len(), completed, options)
}

/// The first way to treat the unobserved by which patients can be counted and that is no range.
fn first_way(ways: &[Unobserved]) -> Option<Unobserved> {
    ways.iter().copied().find(|way| !matches!(way, Unobserved::Bounds | Unobserved::Imputed))
}

/// The trial with the primary outcome's value before treatment as a covariate, where risks are adjusted for it.
fn with_baseline(trial: Trial, analysis: &Analysis<'_>) -> Trial {
    let plan = &analysis.plan;
    let is_asked = plan.responders.covariates.iter().flatten().any(|name| name == "baseline");
    match (trial.schedule().baseline(), trial.outcome(&plan.primary)) {
        (Some(baseline), Ok(outcome)) if is_asked && trial.variable("baseline").is_err() => {
            let visits = trial.schedule().len();
            let values = (0..trial.patients().len()).map(|patient| outcome.values[patient * visits + baseline]).collect();
            trial.with_variable(Variable::number("baseline", values))
        }
        _ => trial,
    }
}
