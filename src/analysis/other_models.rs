//! The contrast of interest by other models than the plan's: sensitivity analyses and further analyses.

use super::run::has_arm;
use super::{Analysis, OtherModel, OutcomeResult, Progress, StandardizedDifference, effect_sizes};
use crate::error::{Interface, Result};
use crate::estimates::Estimate;
use crate::inference::Fit;
use crate::level::percent;
use crate::means::{Compared, Contrast, ContrastOptions};
use crate::model::Model;
use crate::options::choices;
use crate::table::{Column, Format, Tabular, by_reason, display_as_table};
use crate::trial::Trial;
use std::sync::Arc;

/// What a table of analyses by other models is for.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtherModelsRole {
    /// How far the primary contrast depends on its model: the primary analysis is the first row.
    Sensitivity,
    /// Further prespecified analyses, of any outcome at any visit.
    Further,
    /// The primary contrast in parts of the patients, by the primary model: the primary analysis is the first row.
    Populations,
}

choices! {
    OtherModelsRole, "role of analyses by other models":
    Sensitivity = "sensitivity", [], "how far the primary contrast depends on its model";
    Further = "further", [], "further prespecified analyses";
    Populations = "populations", [], "the primary contrast in parts of the patients";
}

/// Differences between arms by other models than the plan's.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct OtherModels {
    /// What the table is for.
    pub role: OtherModelsRole,
    /// Confidence level.
    pub level: f64,
    /// Analysis by analysis; where there are more than two arms, a row for each compared with the reference.
    pub rows: Vec<OtherModelRow>,
    /// What the effect sizes are, where there are any.
    pub effect_note: Option<String>,
}

/// One difference by one model.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct OtherModelRow {
    /// The name of the analysis; that of the primary one is `primary analysis`.
    pub analysis: String,
    /// Why it is made, where that is stated.
    pub reason: String,
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub outcome_label: String,
    /// The visit.
    pub visit: String,
    /// The model as a formula; empty where it cannot be stated.
    pub formula: String,
    /// The covariance structure that was fitted.
    pub covariance: String,
    /// The method of degrees of freedom.
    pub df_method: String,
    /// What is compared.
    #[serde(flatten)]
    pub compared: Compared,
    /// The difference; NaN where there is none.
    pub estimate: Estimate,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// The effect size with its limits by the delta method, where there is one.
    pub effect: Option<StandardizedDifference>,
    /// Observations analysed; 0 where the model could not be fitted.
    pub observations: usize,
    /// Patients analysed.
    pub patients: usize,
    /// Why the model could not be fitted, where it could not.
    pub failure: Option<String>,
    /// Why the fitted model does not determine the difference, where it does not.
    pub not_estimable: Option<String>,
    /// The fit; rows of one model share it. It is no part of the JSON.
    #[serde(skip)]
    pub fit: Option<Arc<Fit>>,
}

/// The name of the primary analysis among others.
const PRIMARY: &str = "primary analysis";

/// The primary contrast under the other models of the plan's sensitivity analyses; nothing where there are none.
pub(super) fn sensitivity(analysis: &Analysis<'_>, primary: &OutcomeResult, progress: &dyn Progress) -> Result<Option<OtherModels>> {
    let planned: Vec<&OtherModel> = analysis.plan.other_models().collect();
    if planned.is_empty() {
        return Ok(None);
    }
    let own = Own::primary(analysis, &primary.name);
    let rows = of_fit(analysis, analysis.trial, &own, &analysis.model_of(&primary.name), &primary.fit)?;
    fitted(analysis, OtherModelsRole::Sensitivity, rows, &planned, progress).map(Some)
}

/// The further analyses of the plan; nothing where there are none.
pub(super) fn further(analysis: &Analysis<'_>, progress: &dyn Progress) -> Result<Option<OtherModels>> {
    let planned: Vec<&OtherModel> = analysis.plan.analyses.iter().collect();
    if planned.is_empty() {
        return Ok(None);
    }
    fitted(analysis, OtherModelsRole::Further, vec![], &planned, progress).map(Some)
}

fn fitted(
    analysis: &Analysis<'_>,
    role: OtherModelsRole,
    mut rows: Vec<OtherModelRow>,
    planned: &[&OtherModel],
    progress: &dyn Progress,
) -> Result<OtherModels> {
    progress.begin("Fitting other models", planned.len() as u64);
    for (done, other) in planned.iter().enumerate() {
        rows.extend(by(analysis, other)?);
        progress.advance(done as u64 + 1);
    }
    progress.end();
    Ok(table(analysis, role, rows))
}

/// The table of these rows.
pub(super) fn table(analysis: &Analysis<'_>, role: OtherModelsRole, rows: Vec<OtherModelRow>) -> OtherModels {
    let effect_note = rows.iter().any(|row| row.effect.is_some()).then(|| {
        let effects = &analysis.plan.effects;
        let sign = match effects.positive {
            crate::effects::Positive::Fall => "lower",
            crate::effects::Positive::Rise => "higher",
        };
        format!(
            "{}: the difference over the {}; positive: the score is {sign} than in the reference arm. {} interval by the delta method.",
            effects.correction.letter(),
            effects.denominator.words(),
            percent(analysis.plan.level)
        )
    });
    OtherModels { role, level: analysis.plan.level, rows, effect_note }
}

/// What an analysis is of.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub name: &'a str,
    pub reason: &'a str,
    pub outcome: &'a str,
    pub visit: &'a str,
}

impl<'a> Own<'a> {
    /// The primary analysis.
    pub fn primary(analysis: &'a Analysis<'_>, outcome: &'a str) -> Self {
        Own { name: PRIMARY, reason: "", outcome, visit: &analysis.plan.at }
    }
}

/// The rows of one analysis; one without numbers that says why where it cannot be made.
fn by(analysis: &Analysis<'_>, other: &OtherModel) -> Result<Vec<OtherModelRow>> {
    let plan = &analysis.plan;
    let own = Own {
        name: &other.name,
        reason: &other.reason,
        outcome: if other.outcome.is_empty() { &plan.primary } else { &other.outcome },
        visit: if other.at.is_empty() { &plan.at } else { &other.at },
    };
    let model = other.model(&plan.model, analysis.trial)?.of_outcome(own.outcome);
    let found = model.fit(analysis.trial).map(Arc::new).and_then(|fit| of_fit(analysis, analysis.trial, &own, &model, &fit));
    match found {
        Ok(rows) => Ok(rows),
        Err(error) => failed(analysis, &own, &model, &error.worded_for(Interface::Plan).to_string()),
    }
}

/// The rows of a model fitted to `trial`.
pub(super) fn of_fit(analysis: &Analysis<'_>, trial: &Trial, own: &Own<'_>, model: &Model, fit: &Arc<Fit>) -> Result<Vec<OtherModelRow>> {
    let plan = &analysis.plan;
    if !has_arm(fit) || trial.arms().len() < 2 {
        return failed(analysis, own, model, "its mean has no difference between arms");
    }
    let row = |contrast: Contrast| -> Result<OtherModelRow> {
        Ok(OtherModelRow {
            effect: effect_sizes::standardized(analysis, trial, fit, &contrast)?,
            covariance: fit.covariance_structure().to_string(),
            df_method: fit.df_method().words().into(),
            estimate: contrast.estimate,
            lower: contrast.lower,
            upper: contrast.upper,
            observations: fit.n_observations(),
            patients: fit.n_patients(),
            not_estimable: contrast.not_estimable,
            fit: Some(fit.clone()),
            ..OtherModelRow::empty(analysis, own, model, contrast.compared)?
        })
    };
    let contrasts = fit.arm_contrasts(&ContrastOptions::default().level(plan.level).visits([own.visit]))?;
    contrasts.rows.into_iter().map(row).collect()
}

/// A row without numbers for each arm that is compared with the reference.
pub(super) fn failed(analysis: &Analysis<'_>, own: &Own<'_>, model: &Model, why: &str) -> Result<Vec<OtherModelRow>> {
    let arms = analysis.trial.arms();
    let labelled = |index: usize| crate::trial::Labelled::among(arms, index);
    let compared = |arm: usize| Compared::Arms { arm: labelled(arm), versus: labelled(0) };
    let row = |arm: usize| Ok(OtherModelRow { failure: Some(why.into()), ..OtherModelRow::empty(analysis, own, model, compared(arm))? });
    (1..arms.len()).map(row).collect()
}

impl OtherModelRow {
    fn empty(analysis: &Analysis<'_>, own: &Own<'_>, model: &Model, compared: Compared) -> Result<Self> {
        Ok(Self {
            analysis: own.name.into(),
            reason: own.reason.into(),
            outcome: own.outcome.into(),
            outcome_label: analysis.trial.outcome(own.outcome)?.label.clone(),
            visit: own.visit.into(),
            formula: model.to_string(),
            covariance: String::new(),
            df_method: model.df_method().words().into(),
            estimate: Estimate::none(compared.to_string()),
            compared,
            lower: f64::NAN,
            upper: f64::NAN,
            effect: None,
            observations: 0,
            patients: 0,
            failure: None,
            not_estimable: None,
            fit: None,
        })
    }
}

impl OtherModels {
    /// The first row of an analysis.
    pub fn get(&self, analysis: &str) -> Option<&OtherModelRow> {
        self.rows.iter().find(|row| row.analysis == analysis)
    }
}

impl Tabular for OtherModels {
    fn title(&self) -> String {
        match (self.role, self.rows.first()) {
            (OtherModelsRole::Sensitivity, Some(row)) => {
                format!("{} at {}: the primary contrast under other models", row.outcome_label, super::visit_in_prose(&row.visit))
            }
            (OtherModelsRole::Populations, Some(row)) => super::populations::title(&row.outcome_label, &row.visit),
            _ => "Further analyses".into(),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let differ = |of: fn(&OtherModelRow) -> String| rows().any(|r| of(r) != of(&self.rows[0]));
        let number = |name: &'static str, heading: &str, get: fn(&OtherModelRow) -> f64| {
            Column::by_error(name, heading, rows().map(get), rows().map(|r| r.estimate.se))
        };
        let (lower, upper) = (format!("Lower {}", percent(self.level)), format!("Upper {}", percent(self.level)));
        let mut columns = vec![Column::text("analysis", "Analysis", rows().map(|r| r.analysis.as_str()))];
        if self.role == OtherModelsRole::Further {
            columns.push(Column::text("outcome", "Outcome", rows().map(|r| r.outcome_label.as_str())));
            columns.push(Column::text("visit", "Visit", rows().map(|r| r.visit.as_str())));
        }
        if differ(|r| r.compared.to_string()) || self.role == OtherModelsRole::Further {
            columns.push(Column::text("contrast", "Contrast", rows().map(|r| r.compared.to_string())));
        }
        columns.extend([
            number("estimate", "Difference", |r| r.estimate.estimate),
            number("lower", &lower, |r| r.lower),
            number("upper", &upper, |r| r.upper),
            number("se", "SE", |r| r.estimate.se),
            Column::real("df", "df", Format::Df, rows().map(|r| r.estimate.df)),
            Column::real("p", "p", Format::PValue, rows().map(|r| r.estimate.p)),
        ]);
        if self.effect_note.is_some() {
            let two = Format::Decimals(2);
            let effect = |name: &'static str, heading: &str, get: fn(&StandardizedDifference) -> f64| {
                Column::real(name, heading, two, rows().map(|r| r.effect.as_ref().map_or(f64::NAN, get)))
            };
            columns.extend([
                effect("effect", "Effect size", |e| e.effect),
                effect("effect_lower", &lower, |e| e.lower),
                effect("effect_upper", &upper, |e| e.upper),
            ]);
        }
        columns.push(Column::text("covariance", "Covariance", rows().map(|r| r.covariance.as_str())));
        columns.push(Column::count("patients", "Patients", rows().map(|r| r.patients)));
        columns.push(Column::count("observations", "Observations", rows().map(|r| r.observations)));
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = match self.role {
            OtherModelsRole::Sensitivity => {
                vec!["The primary analysis stays as prespecified; the other rows show how far its contrast depends on the model.".into()]
            }
            OtherModelsRole::Further => vec!["Not adjusted for multiplicity.".into()],
            OtherModelsRole::Populations => vec![super::Populations::caution().into()],
        };
        let mut told: Vec<&str> = vec![];
        for row in &self.rows {
            if told.contains(&row.analysis.as_str()) {
                continue;
            }
            told.push(&row.analysis);
            let reason =
                if row.reason.is_empty() { String::new() } else { format!(" Made because: {}.", row.reason.trim_end_matches('.')) };
            match self.role {
                // One model fits every population, and the primary analysis has said which.
                OtherModelsRole::Populations if reason.is_empty() => {}
                OtherModelsRole::Populations => notes.push(format!("{}:{reason}", row.analysis)),
                _ => notes.push(format!("{}: {}; {}.{reason}", row.analysis, row.formula, row.df_method)),
            }
        }
        notes.extend(self.effect_note.clone());
        let why = |r: &OtherModelRow| r.failure.clone().or_else(|| r.not_estimable.clone());
        let unknown: Vec<(String, String)> =
            self.rows.iter().filter_map(|r| Some((format!("{}, {}", r.analysis, r.compared), why(r)?))).collect();
        let unknown = unknown.iter().map(|(row, why)| (row.clone(), why.as_str()));
        notes.extend(
            by_reason(unknown)
                .into_iter()
                .map(|(why, rows)| format!("No estimate for {}: {}.", rows.join("; "), why.trim_end_matches('.'))),
        );
        notes
    }
}

display_as_table!(OtherModels);
