//! Carrying out a plan, step by step.

use super::{Analysis, AnalysisResult, Diagnostics, FittedCovariance, ModelFacts, OutcomeResult, Progress, TrialFacts};
use crate::design::Baseline;
use crate::error::Result;
use crate::inference::{Fit, MomentsFit};
use crate::means::{ContrastOptions, Contrasts, MarginalMeans, MeansOptions};
use crate::responders::{Comparisons, RateOptions, Rates, compare, rates};
use crate::trial::{AnalysisSet, BaselineTable, Trial};
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(analysis: &Analysis<'_>, progress: &dyn Progress) -> Result<AnalysisResult> {
    let trial = analysis.trial;
    let outcomes = analysis.plan.outcomes().map(|name| outcome(analysis, name, progress)).collect::<Result<Vec<_>>>()?;
    // A plan has a primary outcome, which comes first.
    let clustering = super::cluster_models::sensitivity(analysis, &outcomes[0].fit, progress)?;
    let models = super::other_models::sensitivity(analysis, &outcomes[0], progress)?;
    let missing = super::imputed::all(analysis, &outcomes[0], progress);
    let populations = super::populations::all(analysis, &outcomes[0], progress)?;
    let further = super::other_models::further(analysis, progress)?;
    let multiplicity = super::multiplicity::decided(analysis, &outcomes)?;
    let subgroups = super::subgroups::all(analysis, &outcomes[0], progress)?;
    let individual_changes = super::individual_change::all(analysis)?;
    let (rates, comparisons) = responders(analysis)?;
    let (adjusted_risks, response_over_time) = super::adjusted::risks(analysis, &outcomes[0], progress)?;
    let events = analysis.events.as_ref().map(|(observed, events)| events.table(observed, &analysis.plan.primary)).transpose()?;
    Ok(AnalysisResult {
        plan: analysis.plan.clone().without_patients(),
        trial: facts(trial),
        baseline: characteristics(analysis),
        outcomes,
        rates,
        comparisons,
        adjusted_risks,
        response_over_time,
        clustering,
        models,
        missing,
        populations,
        events,
        further,
        multiplicity,
        subgroups,
        individual_changes,
        software: software(),
    })
}

/// Software and version.
pub(super) fn software() -> String {
    format!("trialstats {}", env!("CARGO_PKG_VERSION"))
}

fn facts(trial: &Trial) -> TrialFacts {
    TrialFacts {
        source: file_name(trial.source()),
        arms: trial.arms().to_vec(),
        randomized: trial.randomized(),
        schedule: trial.schedule().clone(),
        clusters: trial.clusters().map(|c| c.name().to_string()).collect(),
        file: trial.file().cloned(),
        left_out: trial.left_out().to_vec(),
        inferred: trial.inferred().to_vec(),
        warnings: trial.warnings().to_vec(),
    }
}

/// The last part of a path: where a file lies on somebody's machine is nobody's business.
pub(super) fn file_name(source: &str) -> String {
    Path::new(source).file_name().map_or_else(|| source.into(), |name| name.to_string_lossy().into_owned())
}

/// The characteristics asked for, in their order.
fn characteristics(analysis: &Analysis<'_>) -> BaselineTable {
    let mut table = analysis.trial.baseline_table();
    if !analysis.plan.report.include_individual_data {
        table = table.without_individuals();
    }
    let unnamed = analysis.plan.unnamed_columns();
    table.rows.retain(|row| !unnamed.contains(&row.variable.as_str()));
    if let Some(names) = &analysis.plan.report.characteristics {
        let place = |variable: &str| names.iter().position(|n| n == variable);
        table.rows.retain(|r| place(&r.variable).is_some());
        table.rows.sort_by_key(|r| place(&r.variable));
    }
    for row in &mut table.rows {
        if let Some((_, text)) = analysis.plan.report.labels.iter().find(|(name, _)| *name == row.variable) {
            row.label.clone_from(text);
        }
    }
    table
}

fn outcome(analysis: &Analysis<'_>, name: &str, progress: &dyn Progress) -> Result<OutcomeResult> {
    let trial = analysis.trial;
    let individual = analysis.plan.report.include_individual_data;
    let observed = trial.observed_means(name)?;
    let label = trial.outcome(name)?.label.clone();
    progress.begin(&format!("Fitting the model of {label}"), 0);
    let fit = Arc::new(analysis.model_of(name).fit(trial)?);
    let (means, changes, contrasts) = estimates(analysis, &fit)?;
    progress.end();
    let effects = super::effect_sizes::of(analysis, &fit, progress)?;
    Ok(OutcomeResult {
        name: name.into(),
        flow: trial.participant_flow(name, &analysis_set(trial, &fit))?,
        patterns: trial.missing_patterns(name)?,
        observed: if individual { observed } else { observed.without_individuals() },
        model: model_facts(&fit),
        coefficients: fit.coefficients().at_level(analysis.plan.level)?,
        means,
        changes,
        contrasts,
        effects,
        joint: fit.arm_by_visit_test().ok(),
        covariance: FittedCovariance::of(&fit),
        diagnostics: Diagnostics::of(trial, &label, &fit.residuals(), individual),
        label,
        fit,
    })
}

/// Means, changes from baseline and differences between arms, as far as the trial and its model have them.
fn estimates(analysis: &Analysis<'_>, fit: &Fit) -> Result<(MarginalMeans, Option<Contrasts>, Option<Contrasts>)> {
    let level = analysis.plan.level;
    let options = ContrastOptions::default().level(level);
    let by_arm = has_arm(fit);
    let factors: &[&str] = if by_arm { &["arm", "visit"] } else { &["visit"] };
    let means = fit.marginal_means(factors, &MeansOptions { level, ..MeansOptions::default() })?;
    // A trial without a baseline has no change from it, and one arm no difference: neither is an error here.
    let changes = if by_arm && has_baseline(fit) { Some(fit.change_from_baseline(&options)?) } else { None };
    let contrasts = if by_arm && analysis.trial.arms().len() > 1 { Some(fit.arm_contrasts(&options)?) } else { None };
    Ok((means, changes, contrasts))
}

/// Whether the mean model has the arm.
pub(super) fn has_arm(fit: &Fit) -> bool {
    fit.design().columns().arm_dimension().is_ok()
}

pub(super) fn has_baseline(fit: &Fit) -> bool {
    let design = fit.design();
    design.baseline_visit().is_some() || design.mean_model().baseline_role() == Baseline::Covariate
}

/// What the fitted model needed of a patient, so that the flow counts those it analysed.
fn analysis_set(trial: &Trial, fit: &Fit) -> AnalysisSet {
    let mean = fit.design().mean_model();
    let is_variable = |name: &&str| trial.variable(name).is_ok();
    let set = mean.columns().into_iter().filter(is_variable).fold(AnalysisSet::new(), AnalysisSet::needs);
    let set = set.visits(fit.design().visit_labels().to_vec());
    let is_visit = mean.baseline_role() == Baseline::Covariate && trial.covariate("baseline").is_err();
    if is_visit { set.needs_baseline() } else { set }
}

pub(super) fn model_facts(fit: &MomentsFit) -> ModelFacts {
    let mean = fit.columns().mean_model();
    ModelFacts {
        formula: mean.to_string(),
        sentence: mean.sentence(),
        baseline: mean.baseline_role(),
        covariance: fit.covariance_structure().to_string(),
        attempts: fit.attempts().to_vec(),
        df: fit.df_method(),
        observations: fit.n_observations(),
        patients: fit.n_patients(),
        log_likelihood: fit.log_likelihood(),
        aic: fit.aic(),
        bic: fit.bic(),
        notes: fit.notes(),
        warnings: fit.account().warnings().to_vec(),
    }
}

/// Rates and comparisons at the visit of primary interest.
fn responders(analysis: &Analysis<'_>) -> Result<(Option<Rates>, Option<Comparisons>)> {
    let plan = &analysis.plan;
    let responders = &plan.responders;
    if responders.definitions.is_empty() {
        return Ok((None, None));
    }
    let evaluated =
        responders.definitions.iter().map(|d| d.evaluate_with(analysis.trial, &plan.baseline_from)).collect::<Result<Vec<_>>>()?;
    let options = RateOptions::new(responders.unobserved.iter().copied()).level(plan.level).visits([plan.at.clone()]);
    let comparisons = if analysis.trial.arms().len() > 1 { Some(compare(&evaluated, &options)?) } else { None };
    Ok((Some(rates(&evaluated, &options)?), comparisons))
}
