//! The primary outcome if the missing are different: the plan's imputations and tipping points.

use super::plan::Sensitivity;
use super::{Analysis, OutcomeResult, Progress};
use crate::error::{Interface, Result};
use crate::imputation::{ImputedTable, TippingPoint};

/// What the plan's sensitivity analyses of missing values found.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct MissingSensitivity {
    /// The imputations, in the order of the plan.
    pub imputations: Vec<Imputation>,
    /// The tipping points, in the order of the plan.
    pub tipping_points: Vec<TippingPoint>,
    /// What could not be done, and why, a sentence each.
    pub failures: Vec<String>,
}

/// An imputation of the primary outcome.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Imputation {
    /// What the plan calls it.
    pub name: String,
    /// Why it is made, where the plan says so.
    pub reason: String,
    /// Means and differences of the completed data at each visit.
    pub table: ImputedTable,
}

/// Carries out what the plan asks for; an analysis that fails is named and does not sink the rest.
pub(super) fn all(analysis: &Analysis<'_>, primary: &OutcomeResult, progress: &dyn Progress) -> Option<MissingSensitivity> {
    let mut found = MissingSensitivity { imputations: vec![], tipping_points: vec![], failures: vec![] };
    let mut asked = false;
    for sensitivity in &analysis.plan.sensitivity {
        match sensitivity {
            Sensitivity::Imputation(plan) => {
                asked = true;
                progress.begin(&format!("Imputing by {}", plan.label()), 0);
                let based = plan.reference_based(analysis.plan.level);
                let table = match &plan.draws {
                    None => primary.fit.reference_based(analysis.trial, &based),
                    Some(draws) => primary.fit.imputations(analysis.trial, &based, draws).and_then(|imputations| {
                        imputations.table(&plan.of_completed(&analysis.model_of(&primary.name)), analysis.plan.level)
                    }),
                };
                progress.end();
                found.keep(&plan.label(), table, |found, table| {
                    found.imputations.push(Imputation { name: plan.label(), reason: plan.reason.clone(), table });
                });
            }
            Sensitivity::TippingPoint(plan) => {
                asked = true;
                progress.begin("Looking for the tipping point", 0);
                let based = plan.imputation.reference_based(analysis.plan.level);
                let arms = (plan.arm.as_str(), analysis.trial.arms()[0].as_str());
                let table =
                    primary.fit.tipping_point(analysis.trial, &based, arms, &analysis.plan.at, &plan.arm_shifts, &plan.versus_shifts);
                progress.end();
                found.keep(&format!("tipping point of {}", plan.arm), table, |found, table| found.tipping_points.push(table));
            }
            Sensitivity::Clusters(_) | Sensitivity::Model(_) => {}
        }
    }
    asked.then_some(found)
}

impl MissingSensitivity {
    fn keep<T>(&mut self, name: &str, result: Result<T>, push: impl FnOnce(&mut Self, T)) {
        match result {
            Ok(table) => push(self, table),
            Err(error) => self.failures.push(format!("{name}: {}.", error.worded_for(Interface::Plan))),
        }
    }
}
