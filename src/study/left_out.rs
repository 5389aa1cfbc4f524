//! What a plan says and a study does not simulate, or simulates otherwise: said, so that nobody takes it for done.

use super::familywise;
use super::procedure::Procedure;
use crate::analysis::{Plan, Sensitivity, TippingOf};
use crate::responders::Unobserved;

impl Procedure {
    /// What of a plan [`Procedure::of_plan`] leaves out or does otherwise, a sentence each.
    pub fn left_out(plan: &Plan) -> Vec<String> {
        let mut said: Vec<String> = plan.sensitivity.iter().flat_map(of_sensitivity).collect();
        if !plan.responders.definitions.is_empty() && plan.responders.unobserved.contains(&Unobserved::Imputed) {
            said.push("Response by multiple imputation is not simulated.".into());
        }
        if plan.multiplicity.is_some() && familywise::simulated(plan).is_none() {
            said.push("What is rejected at the familywise level is not simulated: some hypotheses are about other outcomes.".into());
        }
        let named = [
            ("Secondary outcomes", plan.secondary.iter().map(String::as_str).collect::<Vec<_>>()),
            ("Further analyses", plan.analyses.iter().map(|own| own.name.as_str()).collect()),
            ("Subgroups", plan.subgroups.iter().map(|own| own.factor.as_str()).collect()),
            ("Individual change", plan.individual_changes.iter().map(|own| own.outcome.as_str()).collect()),
        ];
        let named = named.into_iter().filter(|(_, names)| !names.is_empty());
        said.extend(named.map(|(what, names)| format!("Not simulated: {} ({}).", what.to_lowercase(), names.join(", "))));
        said
    }
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
