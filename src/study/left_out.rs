//! What a plan says and a study does not simulate, or simulates otherwise: said, so that nobody takes it for done.

use super::familywise;
use super::procedure::Procedure;
use crate::analysis::{EventFrom, Plan, ReportSettings, Sensitivity, TippingOf};
use crate::error::{Error, PlanProblems, Result};
use crate::responders::{Definition, Unobserved};
use crate::trial::Trial;

impl Procedure {
    /// What of a plan [`Procedure::of_plan`] leaves out or does otherwise, a sentence each.
    pub fn left_out(plan: &Plan) -> Vec<String> {
        let mut said: Vec<String> = plan.sensitivity.iter().flat_map(of_sensitivity).collect();
        let responders = &plan.responders;
        if !responders.definitions.is_empty() && responders.unobserved.contains(&Unobserved::Imputed) {
            said.push("Response by multiple imputation is not simulated.".into());
        }
        if !responders.definitions.is_empty() && (responders.covariates.is_some() || !responders.strata.is_empty()) {
            said.push("Adjusted risks are not simulated.".into());
        }
        if plan.multiplicity.is_some() && familywise::simulated(plan).is_none() {
            said.push("What is rejected at the familywise level is not simulated: some hypotheses are about other outcomes.".into());
        }
        let named = [
            ("Secondary outcomes", plan.secondary.iter().map(String::as_str).collect::<Vec<_>>()),
            ("Response", responders.definitions.iter().filter(|own| !is_simulated(own, plan)).map(|own| own.name.as_str()).collect()),
            ("Further analyses", plan.analyses.iter().map(|own| own.name.as_str()).collect()),
            ("Subgroups", plan.subgroups.iter().map(|own| own.factor.as_str()).collect()),
            ("Individual change", plan.individual_changes.iter().map(|own| own.outcome.as_str()).collect()),
        ];
        let named = named.into_iter().filter(|(_, names)| !names.is_empty());
        said.extend(named.map(|(what, names)| format!("Not simulated: {} ({}).", what.to_lowercase(), names.join(", "))));
        said
    }
}

/// Whether simulated trials have all that a definition of response looks at: they have one outcome, and no diagnoses.
fn is_simulated(definition: &Definition, plan: &Plan) -> bool {
    let rules = std::iter::once(&definition.rule).chain(&definition.required_at_baseline);
    rules.into_iter().all(|rule| rule.is_of_outcome_alone(&plan.primary) && !rule.names_diagnoses())
}

fn of_sensitivity(sensitivity: &Sensitivity) -> Vec<String> {
    match sensitivity {
        Sensitivity::Model(_) => vec![],
        Sensitivity::Clusters(_) => vec!["The sensitivity analysis of clusters is not simulated.".into()],
        Sensitivity::Population(population) => {
            vec![format!("The sensitivity analysis in the population `{}` is not simulated.", population.name)]
        }
        Sensitivity::Imputation(imputation) => match imputation.draws {
            None => vec![],
            Some(_) => vec![format!(
                "`{}` is simulated by conditional means, analysed by ANCOVA, with standard errors by `{}`; the plan draws data sets.",
                imputation.label(),
                imputation.variance
            )],
        },
        Sensitivity::TippingPoint(tipping) => {
            let of = |measure: &TippingOf| match measure {
                TippingOf::Difference => tipping.imputation.draws.as_ref().map(|_| {
                    format!("The tipping point of the difference in {} is simulated by the jackknife alone, and not by draws.", tipping.arm)
                }),
                other => Some(format!("The tipping point of `{other}` in {} is not simulated.", tipping.arm)),
            };
            tipping.of.iter().filter_map(of).collect()
        }
    }
}

/// The plan as it runs on simulated trials like this one. The whole plan is checked before a part of it is left out: that part will be
/// analysed one day.
///
/// # Errors
/// [`Error::Plan`] with everything that is wrong with the plan.
pub(super) fn as_simulated(plan: &Plan, trial: &Trial) -> Result<Plan> {
    match (plan.check_planned(trial), in_simulated_trials(plan.clone()).resolved(trial)) {
        (Ok(()), simulated) => simulated,
        (Err(Error::Plan(whole)), Err(Error::Plan(simulated))) => Err(Error::Plan(with_others(whole, simulated))),
        (Err(error), _) => Err(error),
    }
}

/// All problems, each once.
fn with_others(mut whole: PlanProblems, simulated: PlanProblems) -> PlanProblems {
    let others = simulated.0.into_iter().filter(|problem| !whole.0.contains(problem)).collect::<Vec<_>>();
    whole.0.extend(others);
    whole
}

/// The plan as trials with one outcome can be analysed by it: events are found by their names, and what a study leaves out is gone.
pub(super) fn in_simulated_trials(mut plan: Plan) -> Plan {
    for event in plan.events.iter_mut().filter(|event| event.from != EventFrom::Dropout) {
        event.from = EventFrom::File;
        (event.reason_column, event.visit_dates, event.start_date, event.time_unit) = (None, None, None, None);
        event.reasons.clear();
    }
    plan.multiplicity = familywise::simulated(&plan).cloned();
    let definitions = std::mem::take(&mut plan.responders.definitions);
    plan.responders.definitions = definitions.into_iter().filter(|own| is_simulated(own, &plan)).collect();
    (plan.responders.covariates, plan.responders.randomization) = (None, None);
    plan.responders.strata.clear();
    plan.secondary.clear();
    plan.analyses.clear();
    plan.subgroups.clear();
    plan.individual_changes.clear();
    plan.estimands.clear();
    plan.report = ReportSettings::default();
    plan.sensitivity.retain(|own| !matches!(own, Sensitivity::Clusters(_) | Sensitivity::Population(_)));
    plan
}
