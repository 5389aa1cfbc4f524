//! A fit as JSON; [`trialstats::schema`] says what a program may rely on.

use super::failure::Failure;
use super::fit::{Answer, FitArguments};
use nalgebra::DMatrix;
use serde::Serialize;
use serde_json::{Map, Value};
use trialstats::design::Baseline;
use trialstats::error::Interface;
use trialstats::inference::{Attempt, InformationKind};
use trialstats::means::{Adjustment, Contrasts, MarginalMeans};
use trialstats::trial::{Labelled, Warning};
use trialstats::{Covariance, Df, Estimation, Fit, Vcov};

/// The whole answer. A number that does not exist (an aliased coefficient, an infinite df) is `null`.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    id: String,
    software: String,
    optimizer: String,
    data: String,
    formula: String,
    estimation: Estimation,
    df_method: Df,
    information: InformationKind,
    vcov_method: Vcov,
    baseline: Baseline,
    covariance_structure: Covariance,
    weighted: bool,
    n_obs: usize,
    n_subjects: usize,
    log_lik: f64,
    aic: f64,
    bic: f64,
    coefficients: Vec<Coefficient>,
    vcov: Vec<Vec<f64>>,
    covariance: Map<String, Value>,
    /// Structures that were tried first and given up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    covariance_given_up: Vec<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marginal_means: Option<Vec<MarginalMean>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contrasts: Option<Vec<Contrast>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction_test: Option<InteractionTest>,
    /// What in the data looks like a mistake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct Coefficient {
    term: String,
    estimate: f64,
    se: f64,
    df: f64,
    t: f64,
    p: f64,
}

#[derive(Serialize)]
struct MarginalMean {
    arm: String,
    visit: String,
    estimate: f64,
    se: f64,
    df: f64,
    lower: f64,
    upper: f64,
    /// Why there are no numbers, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_estimable: Option<String>,
}

#[derive(Serialize)]
struct Contrast {
    contrast: String,
    visit: String,
    estimate: f64,
    se: f64,
    df: f64,
    lower: f64,
    upper: f64,
    t: f64,
    p: f64,
    /// Only where an adjustment for multiplicity was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    p_adjusted: Option<f64>,
    /// Why there are no numbers, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_estimable: Option<String>,
}

#[derive(Serialize)]
struct InteractionTest {
    terms: Vec<String>,
    num_df: u64,
    denom_df: f64,
    f: f64,
    p: f64,
}

/// The answer as indented JSON.
pub fn render(answer: &Answer) -> Result<String, Failure> {
    let document = document(answer)?;
    let text = serde_json::to_string_pretty(&document).map_err(|e| Failure::Output(std::io::Error::other(e)))?;
    Ok(text + "\n")
}

fn document(answer: &Answer) -> Result<Document, Failure> {
    let Answer { arguments, fit, .. } = answer;
    let data = arguments.source.stem();
    let rows = fit.coefficients().rows;
    Ok(Document {
        schema: trialstats::schema::FIT,
        id: format!("{data}_{}_{}_{}", fit.covariance_structure(), fit.estimation(), fit.df_method()),
        software: format!("trialstats {}", env!("CARGO_PKG_VERSION")),
        optimizer: format!("Newton with exact derivatives, decrement {:.1e}", fit.convergence().decrement),
        formula: whole_formula(answer),
        data,
        estimation: fit.estimation(),
        df_method: fit.df_method(),
        information: fit.information_kind(),
        vcov_method: fit.vcov_method(),
        baseline: fit.design().mean_model().baseline_role(),
        covariance_structure: fit.covariance_structure().clone(),
        weighted: arguments.weights.is_some(),
        n_obs: fit.n_observations(),
        n_subjects: fit.n_patients(),
        log_lik: fit.log_likelihood(),
        aic: fit.aic(),
        bic: fit.bic(),
        coefficients: rows
            .into_iter()
            .map(|r| Coefficient { term: r.label, estimate: r.estimate, se: r.se, df: r.df, t: r.t, p: r.p })
            .collect(),
        vcov: by_row(fit.vcov()),
        covariance: fit.covariances().iter().map(|g| (g.group.clone(), Value::from(by_row(&g.sigma)))).collect(),
        covariance_given_up: fit.attempts().to_vec(),
        marginal_means: answer.means.as_ref().map(|(means, _)| marginal_means(means)),
        contrasts: answer.means.as_ref().map(|(_, contrasts)| differences(contrasts)),
        interaction_test: interaction_test(answer)?,
        warnings: answer.trial.warnings().iter().map(|w| w.clone().worded_for(Interface::CommandLine)).collect(),
    })
}

fn marginal_means(means: &MarginalMeans) -> Vec<MarginalMean> {
    let row = |r: &trialstats::means::MarginalMean| MarginalMean {
        arm: label(&r.arm),
        visit: label(&r.visit),
        estimate: r.estimate.estimate,
        se: r.estimate.se,
        df: r.estimate.df,
        lower: r.lower,
        upper: r.upper,
        not_estimable: r.not_estimable.clone(),
    };
    means.rows.iter().map(row).collect()
}

fn label(of: &Option<Labelled>) -> String {
    of.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn differences(contrasts: &Contrasts) -> Vec<Contrast> {
    let row = |r: &trialstats::means::Contrast| Contrast {
        contrast: r.label(),
        visit: label(&r.visit),
        estimate: r.estimate.estimate,
        se: r.estimate.se,
        df: r.estimate.df,
        lower: r.lower,
        upper: r.upper,
        t: r.estimate.t,
        p: r.estimate.p,
        p_adjusted: (contrasts.adjustment != Adjustment::None).then_some(r.p_adjusted),
        not_estimable: r.not_estimable.clone(),
    };
    contrasts.rows.iter().map(row).collect()
}

/// The fitted structure's short name where it has one, else the full one.
fn structure(fit: &Fit) -> String {
    let covariance = fit.covariance_structure();
    covariance.short_name().map_or_else(|| covariance.to_string(), str::to_string)
}

/// The formula with the covariance of the visits, which it may state itself.
fn whole_formula(answer: &Answer) -> String {
    let formula = answer.arguments.formula.trim();
    if answer.covariance_in_formula { formula.into() } else { format!("{formula} + {}", covariance_term(answer.arguments, &answer.fit)) }
}

/// The covariance in mmrm's notation: `us(AVISIT | USUBJID)`, or `us(AVISIT | ARMCD/USUBJID)` where it differs by
/// group.
fn covariance_term(arguments: &FitArguments, fit: &Fit) -> String {
    let group = arguments.group.as_ref().map_or_else(String::new, |g| format!("{g}/"));
    format!("{}({} | {group}{})", structure(fit), arguments.source.visit, arguments.source.subject)
}

fn by_row(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
}

/// The joint test of every coefficient of an interaction with visit, the rows as they are; none where the model has
/// no such term.
fn interaction_test(answer: &Answer) -> Result<Option<InteractionTest>, Failure> {
    let Some((terms, test)) = super::interaction::test(&answer.fit, &answer.arguments.source.visit)? else {
        return Ok(None);
    };
    Ok(Some(InteractionTest { terms, num_df: test.num_df as u64, denom_df: test.denom_df, f: test.f, p: test.p }))
}
