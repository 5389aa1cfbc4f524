//! The primary contrast in parts of the patients: completers, and those treated per protocol.

use super::other_models::{Own, of_fit};
use super::{Analysis, OtherModels, OtherModelsRole, OutcomeResult, PopulationPlan, Progress, visit_in_prose};
use crate::error::{Interface, Result};
use crate::options::choices;
use crate::table::{Column, Format, Tabular, display_as_table};
use std::sync::Arc;

/// What holds of every such comparison.
const NOT_RANDOMIZED: &str = "Who is in such a part of the patients is decided by what happened after randomization: its arms are not randomized groups, and \
                              their difference is not an effect of treatment unless nothing that matters for the outcome decides who is in. The primary \
                              analysis, of everyone randomized, stays as prespecified.";

/// The primary contrast in parts of the patients, and who is in them.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Populations {
    /// The contrast: the primary analysis first, then population by population in the order of the plan.
    pub contrasts: OtherModels,
    /// Who is in each of them.
    pub patients: PopulationTable,
}

/// Who of those randomized is in each population, and why the others are not.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PopulationTable {
    /// Population by population, arm by arm.
    pub rows: Vec<PopulationRow>,
}

/// Patients of one arm who are in a population, or who are not for one reason.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PopulationRow {
    /// The name of the population.
    pub population: String,
    /// The arm.
    pub arm: String,
    /// Whether these are in it.
    pub step: PopulationStep,
    /// Why they are not; empty for those who are.
    pub reason: String,
    /// How many they are.
    pub n: usize,
    /// Patients randomized to the arm.
    pub randomized: usize,
}

/// Whether patients are in a population.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PopulationStep {
    /// They are.
    In,
    /// They are not. Those for whom several reasons hold are counted at the first.
    Out,
}

choices! {
    PopulationStep, "place of patients":
    In = "in", [], "in the population";
    Out = "out", [], "not in the population";
}

/// The primary contrast in the populations of the plan; nothing where there are none.
pub(super) fn all(analysis: &Analysis<'_>, primary: &OutcomeResult, progress: &dyn Progress) -> Result<Option<Populations>> {
    let planned: Vec<&PopulationPlan> = analysis.plan.populations().collect();
    if planned.is_empty() {
        return Ok(None);
    }
    let own = Own::primary(analysis, &primary.name);
    let model = analysis.model_of(&primary.name);
    let mut rows = of_fit(analysis, analysis.trial, &own, &model, &primary.fit)?;
    let mut members = vec![];
    progress.begin("Fitting parts of the patients", planned.len() as u64);
    for (done, population) in planned.iter().enumerate() {
        let out = population.members(analysis.observed(), &primary.name)?;
        members.extend(counted(analysis, population, &out));
        let own = Own { name: &population.name, reason: &population.reason, ..own };
        // Values alone are set aside: arms, and what the model makes of its columns, stay comparable.
        let trial = analysis.trial.with_outcome(&primary.name, without(analysis, &primary.name, &out)?)?;
        let found = model.fit(&trial).map(Arc::new).and_then(|fit| of_fit(analysis, &trial, &own, &model, &fit));
        rows.extend(match found {
            Ok(rows) => rows,
            Err(error) => super::other_models::failed(analysis, &own, &model, &error.worded_for(Interface::Plan).to_string())?,
        });
        progress.advance(done as u64 + 1);
    }
    progress.end();
    let contrasts = super::other_models::table(analysis, OtherModelsRole::Populations, rows);
    Ok(Some(Populations { contrasts, patients: PopulationTable { rows: members } }))
}

/// The analysed values of those who are in a population, NaN for the others.
fn without(analysis: &Analysis<'_>, outcome: &str, out: &[Option<usize>]) -> Result<Vec<f64>> {
    let visits = analysis.trial.schedule().len();
    let values = &analysis.trial.outcome(outcome)?.values;
    Ok(values.iter().enumerate().map(|(k, &y)| if out[k / visits].is_some() { f64::NAN } else { y }).collect())
}

fn counted(analysis: &Analysis<'_>, population: &PopulationPlan, out: &[Option<usize>]) -> Vec<PopulationRow> {
    let trial = analysis.trial;
    let (randomized, reasons) = (trial.randomized(), population.reasons(trial));
    let row = |arm: usize, of: Option<usize>| PopulationRow {
        population: population.name.clone(),
        arm: trial.arms()[arm].clone(),
        step: if of.is_none() { PopulationStep::In } else { PopulationStep::Out },
        reason: of.map(|k| reasons[k].clone()).unwrap_or_default(),
        n: out.iter().zip(trial.arm_of()).filter(|(out, a)| **out == of && **a == arm).count(),
        randomized: randomized[arm],
    };
    let places = || std::iter::once(None).chain((0..reasons.len()).map(Some));
    (0..trial.arms().len()).flat_map(|arm| places().map(move |of| (arm, of))).map(|(arm, of)| row(arm, of)).collect()
}

impl Populations {
    /// What the comparisons are, for every reader.
    pub(crate) fn caution() -> &'static str {
        NOT_RANDOMIZED
    }

    /// Patients of an arm who are in a population.
    pub fn count(&self, population: &str, arm: &str) -> usize {
        self.patients.rows.iter().filter(|r| r.population == population && r.arm == arm && r.step == PopulationStep::In).map(|r| r.n).sum()
    }
}

impl Tabular for PopulationTable {
    fn title(&self) -> String {
        "Who is in which part of the patients".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let share = |r: &PopulationRow| if r.randomized == 0 { f64::NAN } else { r.n as f64 / r.randomized as f64 };
        let place = |r: &PopulationRow| if r.reason.is_empty() { "in".to_string() } else { format!("out: {}", r.reason) };
        vec![
            Column::text("population", "Part of the patients", rows().map(|r| r.population.as_str())),
            Column::text("arm", "Arm", rows().map(|r| r.arm.as_str())),
            Column::text("place", "In, or why out", rows().map(place)),
            Column::count("n", "Patients", rows().map(|r| r.n)),
            Column::count("randomized", "Randomized", rows().map(|r| r.randomized)),
            Column::real("share", "%", Format::Percent, rows().map(share)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Patients who are out for several reasons are counted at the first.".into()]
    }
}

display_as_table!(PopulationTable);

/// What the table of contrasts is called.
pub(super) fn title(outcome: &str, visit: &str) -> String {
    format!("{outcome} at {}: the primary contrast in parts of the patients, not randomized groups", visit_in_prose(visit))
}
