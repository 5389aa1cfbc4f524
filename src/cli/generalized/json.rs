//! A model of a binary outcome or a count as JSON; [`trialstats::schema`] says what a program may rely on.

use super::super::failure::Failure;
use super::super::fit_json::{Arm, Coefficient, Contrast, Exclusions, MarginalMean, Tests, arms, by_row, coefficient, differences};
use super::super::fit_json::{exclusions, marginal_means, tests};
use super::{Answer, OutcomeFamily};
use serde::Serialize;
use serde_json::{Map, Value};
use trialstats::Tabular;
use trialstats::error::Interface;
use trialstats::generalized::{CategoryRange, OrdinalEstimate, PopulationEstimate, PopulationMeasure};
use trialstats::trial::{Labelled, Warning};

/// The whole answer. A number that does not exist (an aliased coefficient, an infinite df) is `null`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    software: String,
    data: String,
    formula: &'a str,
    family: String,
    link: String,
    event: Option<String>,
    n_obs: usize,
    n_subjects: usize,
    level: f64,
    coefficients: Vec<OnBothScales>,
    vcov: Vec<Vec<f64>>,
    #[serde(flatten)]
    own: Map<String, Value>,
    /// Standardised over the population: of a binary outcome, probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    marginal_means: Option<Vec<PopulationRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contrasts: Option<Vec<PopulationRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standardised_over: Option<usize>,
    /// Whether coefficients and contrasts on the scale of the link are conditional on random effects.
    conditional: bool,
    /// On the scale of the link, at the reference grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    link_means: Option<Vec<MarginalMean>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_contrasts: Option<Vec<Contrast>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_contrasts_by_weights: Option<Vec<Contrast>>,
    arms: Vec<Arm>,
    visits: Vec<String>,
    exclusions: Exclusions,
    tests: Tests,
    notes: Vec<String>,
    means_notes: Vec<String>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_warnings: Vec<Warning>,
    inferred: Vec<String>,
}

/// A coefficient with its exponential, where that is a ratio.
#[derive(Serialize)]
struct OnBothScales {
    #[serde(flatten)]
    coefficient: Coefficient,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<[f64; 3]>,
}

/// A standardised mean or a comparison of two.
#[derive(Serialize)]
struct PopulationRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<CategoryRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measure: Option<PopulationMeasure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contrast: Option<String>,
    arm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    versus: Option<String>,
    visit: String,
    estimate: f64,
    se: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    se_log: Option<f64>,
    df: f64,
    lower: f64,
    upper: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_estimable: Option<String>,
}

/// The answer as indented JSON.
pub fn render(answer: &Answer) -> Result<String, Failure> {
    let document = document(answer)?;
    let text = serde_json::to_string_pretty(&document).map_err(|e| Failure::Output(std::io::Error::other(e)))?;
    Ok(text + "\n")
}

fn document<'a>(answer: &'a Answer) -> Result<Document<'a>, Failure> {
    let Answer { arguments, model, trial, fitted, population, categories, means } = answer;
    let estimates = fitted.estimates();
    let account = estimates.account();
    let said = estimates.notes();
    let link = model.link_function();
    let is_ordinal = arguments.generalized.family == Some(OutcomeFamily::Ordinal);
    let is_ratio = link.ratio_heading().is_some();
    let both = |coefficient: Coefficient| {
        let ratio = [coefficient.estimate, coefficient.lower, coefficient.upper].map(f64::exp);
        OnBothScales { ratio: is_ratio.then_some(ratio), coefficient }
    };
    let rows = |wanted: fn(&PopulationEstimate) -> bool| {
        let of_means = population.as_ref().map(|table| table.rows.iter().filter(|row| wanted(row)).map(population_row).collect());
        let of_categories =
            categories.as_ref().map(|table| table.rows.iter().filter(|row| wanted(&row.estimate)).map(category_row).collect());
        of_means.or(of_categories)
    };
    let tables = means.iter().flat_map(|tables| {
        let contrasts = tables.differences.iter().chain(&tables.custom);
        tables.means.notes().into_iter().chain(contrasts.flat_map(Tabular::notes))
    });
    let mut means_notes: Vec<String> = vec![];
    for note in population.iter().flat_map(Tabular::notes).chain(categories.iter().flat_map(Tabular::notes)).chain(tables) {
        if !said.contains(&note) && !means_notes.contains(&note) {
            means_notes.push(note);
        }
    }
    Ok(Document {
        schema: trialstats::schema::GENERALIZED_FIT,
        software: format!("trialstats {}", env!("CARGO_PKG_VERSION")),
        data: arguments.source.stem(),
        formula: arguments.formula.trim(),
        family: if is_ordinal { OutcomeFamily::Ordinal.to_string() } else { model.outcome_family().to_string() },
        link: link.to_string(),
        event: (!is_ordinal && model.outcome_family() == trialstats::generalized::Family::Binomial)
            .then(|| model.outcome_event().to_string()),
        n_obs: account.n_observations(),
        n_subjects: account.n_patients(),
        level: arguments.level,
        coefficients: estimates.coefficients().rows.into_iter().map(|r| both(coefficient(r, arguments.level))).collect(),
        vcov: by_row(estimates.vcov()),
        own: fitted.json()?,
        marginal_means: rows(|row| row.measure == PopulationMeasure::Mean),
        contrasts: rows(|row| row.measure != PopulationMeasure::Mean),
        standardised_over: population.as_ref().map(|table| table.patients).or(categories.as_ref().map(|table| table.patients)),
        conditional: fitted.is_conditional(),
        link_means: means.as_ref().filter(|_| fitted.shows_link_means()).map(|tables| marginal_means(&tables.means)),
        link_contrasts: means.as_ref().and_then(|tables| tables.differences.as_ref()).map(differences),
        link_contrasts_by_weights: means.as_ref().and_then(|tables| tables.custom.as_ref()).map(differences),
        arms: arms(trial),
        visits: estimates.columns().visit_labels().to_vec(),
        exclusions: exclusions(account.exclusions()),
        tests: tests(estimates, &said)?,
        notes: said,
        means_notes,
        warnings: account.warnings().to_vec(),
        data_warnings: trial.warnings().iter().map(|w| w.clone().worded_for(Interface::CommandLine)).collect(),
        inferred: trial.inferred().to_vec(),
    })
}

fn population_row(row: &PopulationEstimate) -> PopulationRow {
    let is_mean = row.measure == PopulationMeasure::Mean;
    let label = |of: &Labelled| of.to_string();
    PopulationRow {
        category: None,
        range: None,
        measure: (!is_mean).then_some(row.measure),
        contrast: row.versus.as_ref().map(|versus| format!("{} - {versus}", row.arm)),
        arm: label(&row.arm),
        versus: row.versus.as_ref().map(label),
        visit: row.visit.as_ref().map(label).unwrap_or_default(),
        estimate: row.estimate,
        se: row.se,
        se_log: (!row.se_log.is_nan()).then_some(row.se_log),
        df: row.df,
        lower: row.lower,
        upper: row.upper,
        statistic: (!is_mean).then_some(row.statistic),
        p: (!is_mean).then_some(row.p),
        not_estimable: row.not_estimable.clone(),
    }
}

fn category_row(row: &OrdinalEstimate) -> PopulationRow {
    PopulationRow { category: Some(row.category.clone()), range: Some(row.range), ..population_row(&row.estimate) }
}
