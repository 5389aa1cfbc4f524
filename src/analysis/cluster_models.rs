//! The primary contrast under models that take clusters into account.

use super::cluster_sensitivity::{ClusterSensitivity, ClusterSensitivityRow, ClusterShare};
use super::run::has_arm;
use super::{Analysis, ClusterModel, Clustering, Progress, effect_sizes};
use crate::design::{Baseline, Clusters};
use crate::effects::EffectSize;
use crate::error::{Error, Result};
use crate::inference::{
    CovarianceIntervalMethod, CovarianceIntervalOptions, Df, Estimate, Fit, IntraclassCorrelation, IntraclassCorrelations,
    PredictedEffects, Vcov,
};
use crate::means::{Contrast, ContrastOptions};
use crate::model::{Model, PartiallyNested};
use crate::trial::{BaselineFrom, Trial};
use std::sync::Arc;

/// A model that takes clusters into account, and what came of it.
struct Fitted {
    kind: ClusterModel,
    formula: String,
    fit: Result<Arc<Fit>>,
}

/// The primary outcome under every model of the plan's clusters; nothing where the plan names none.
pub(super) fn sensitivity(analysis: &Analysis<'_>, primary: &Arc<Fit>, progress: &dyn Progress) -> Result<Option<ClusterSensitivity>> {
    let Some(clustering) = analysis.plan.clustering() else { return Ok(None) };
    let model = analysis.model_of(&analysis.plan.primary);
    if !has_arm(primary) {
        return Err(Error::nothing_to_compare(
            "the sensitivity analysis of clusters",
            "the mean model does not have the arm, and there is no contrast",
            "add the arm to the mean, or leave the clusters out",
        ));
    }
    let kinds: Vec<ClusterModel> = clustering.models().into_iter().filter(|kind| *kind != ClusterModel::Independent).collect();
    progress.begin("Fitting models with clusters", kinds.len() as u64 + 1);
    let after_baseline = after_baseline(analysis, clustering, &model)?;
    let mut fitted = vec![];
    for kind in kinds {
        fitted.push(fitted_as(analysis, clustering, kind, &model, &after_baseline));
        progress.advance(fitted.len() as u64);
    }
    let found = assembled(analysis, clustering, &model.to_string(), primary, &fitted);
    progress.end();
    found.map(Some)
}

/// The trial in which clusters begin with treatment, where the model has one mean for all arms before it.
fn after_baseline(analysis: &Analysis<'_>, clustering: &Clustering, model: &Model) -> Result<Trial> {
    match model.mean().baseline_role() {
        Baseline::Constrained => analysis.trial.clusters_after_baseline(&clustering.factors()),
        Baseline::Covariate | Baseline::Response => Ok(analysis.trial.clone()),
    }
}

fn fitted_as(analysis: &Analysis<'_>, clustering: &Clustering, kind: ClusterModel, plain: &Model, after_baseline: &Trial) -> Fitted {
    let trial = analysis.trial;
    let df = df_with_effects(plain.df_method());
    let (model, trial) = match kind {
        ClusterModel::PartiallyNested => {
            let nested = PartiallyNested::new(plain.mean().clone(), clustering.highest()).model(trial);
            let as_nested = |nested: Model| {
                let model = plain.clone().df(df).covariance_by(nested.covariance_group().unwrap_or("arm"));
                nested.random_effects().iter().cloned().fold(model, Model::random)
            };
            (nested.map(as_nested), trial)
        }
        ClusterModel::ClusterRobust => {
            (Ok(plain.clone().vcov(Vcov::Cr2).clusters(Clusters::by(clustering.highest())).df(Df::Satterthwaite)), trial)
        }
        _ => (Ok(clustering.factors_of(kind).into_iter().fold(plain.clone().df(df), Model::random_intercept)), after_baseline),
    };
    let formula = model.as_ref().map_or(String::new(), ToString::to_string);
    Fitted { kind, formula, fit: model.and_then(|m| m.fit(trial)).map(Arc::new) }
}

/// The plan's degrees of freedom, or the nearest that are built for random effects.
fn df_with_effects(df: Df) -> Df {
    match df {
        Df::KenwardRoger2 => Df::KenwardRoger,
        Df::BetweenWithin => Df::Satterthwaite,
        other => other,
    }
}

fn assembled(
    analysis: &Analysis<'_>,
    clustering: &Clustering,
    formula: &str,
    primary: &Arc<Fit>,
    fitted: &[Fitted],
) -> Result<ClusterSensitivity> {
    let plan = &analysis.plan;
    let mut rows = estimated(analysis, ClusterModel::Independent, formula, primary, primary)?;
    for model in fitted {
        let found = model.fit.as_ref().map_err(Error::to_string);
        let found = found.and_then(|fit| estimated(analysis, model.kind, &model.formula, fit, primary).map_err(|e| e.to_string()));
        match found {
            Ok(own) => rows.extend(own),
            Err(why) => rows.extend(failed(analysis, model, &why, primary)?),
        }
    }
    let fullest = [ClusterModel::GroupsAndTherapists, ClusterModel::Groups, ClusterModel::Therapists].into_iter();
    let described = fullest.filter_map(|kind| fitted.iter().find(|f| f.kind == kind)).find_map(|f| Some((f.kind, f.fit.as_ref().ok()?)));
    let mut found = ClusterSensitivity {
        outcome: primary.design().outcome().into(),
        label: analysis.trial.outcome(&plan.primary)?.label.clone(),
        visit: plan.at.clone(),
        level: plan.level,
        clustering: clustering.clone(),
        rows,
        described: described.map(|(kind, _)| kind),
        icc: described.map(|(_, fit)| icc_at(analysis, fit, CovarianceIntervalMethod::Profile)).transpose()?.flatten(),
        effects: described.map(|(_, fit)| predicted(analysis, fit)),
        individual: analysis.plan.report.include_individual_data,
        notes: vec![],
    };
    found.notes = super::cluster_sensitivity::notes(analysis, &found, primary);
    Ok(found)
}

/// The predicted effects of clusters; unless individual data are asked for, without those of a single patient.
fn predicted(analysis: &Analysis<'_>, fit: &Fit) -> PredictedEffects {
    let mut found = fit.random_effects();
    if !analysis.plan.report.include_individual_data {
        found.rows.retain(|row| row.patients != 1);
    }
    found
}

/// A row for each arm compared with the reference.
fn estimated(
    analysis: &Analysis<'_>,
    kind: ClusterModel,
    formula: &str,
    fit: &Arc<Fit>,
    primary: &Fit,
) -> Result<Vec<ClusterSensitivityRow>> {
    let plan = &analysis.plan;
    let icc = match fit.design().random() {
        [] => None,
        _ => icc_at(analysis, fit, CovarianceIntervalMethod::Wald)?,
    };
    let row = |contrast: Contrast| -> Result<ClusterSensitivityRow> {
        let arm = contrast.compared.arm().map_or("", |arm| &arm.label);
        Ok(ClusterSensitivityRow {
            model: kind,
            formula: formula.into(),
            lower: contrast.lower,
            upper: contrast.upper,
            effect: effect(analysis, primary, &contrast)?,
            shares: icc.iter().flat_map(|icc| shares(fit, icc, arm)).collect(),
            vanished: fit.convergence().boundary.clone(),
            covariance: fit.covariance_structure().to_string(),
            df_method: fit.df_method().to_string(),
            log_likelihood: fit.log_likelihood(),
            aic: fit.aic(),
            compared: contrast.compared,
            failure: None,
            fit: Some(fit.clone()),
            not_estimable: contrast.not_estimable,
            estimate: contrast.estimate,
        })
    };
    let contrasts = fit.arm_contrasts(&ContrastOptions::default().level(plan.level).visits([&plan.at]))?;
    contrasts.rows.into_iter().map(row).collect()
}

/// Rows without numbers that say why.
fn failed(analysis: &Analysis<'_>, model: &Fitted, why: &str, primary: &Fit) -> Result<Vec<ClusterSensitivityRow>> {
    let contrasts = primary.arm_contrasts(&ContrastOptions::default().visits([&analysis.plan.at]))?;
    let row = |contrast: Contrast| ClusterSensitivityRow {
        model: model.kind,
        formula: model.formula.clone(),
        estimate: Estimate::new(&contrast.estimate.label, f64::NAN, f64::NAN, f64::NAN),
        compared: contrast.compared,
        lower: f64::NAN,
        upper: f64::NAN,
        effect: None,
        shares: vec![],
        vanished: vec![],
        covariance: String::new(),
        df_method: String::new(),
        log_likelihood: f64::NAN,
        aic: f64::NAN,
        failure: Some(why.into()),
        fit: None,
        not_estimable: contrast.not_estimable,
    };
    Ok(contrasts.rows.into_iter().map(row).collect())
}

/// The difference over the standard deviation of the primary analysis; none where no baseline value is known.
fn effect(analysis: &Analysis<'_>, primary: &Fit, contrast: &Contrast) -> Result<Option<EffectSize>> {
    let (trial, plan) = (analysis.trial, &analysis.plan);
    if plan.baseline_from == BaselineFrom::Visit && trial.schedule().baseline().is_none() {
        return Ok(None);
    }
    let table = crate::effects::from_rows(trial, primary, std::slice::from_ref(contrast), &effect_sizes::options(plan))?;
    Ok(table.rows.into_iter().next())
}

/// Intraclass correlations at the visit of primary interest; none where nobody was observed at it.
fn icc_at(analysis: &Analysis<'_>, fit: &Fit, method: CovarianceIntervalMethod) -> Result<Option<IntraclassCorrelations>> {
    if !fit.design().visit_labels().contains(&analysis.plan.at) {
        return Ok(None);
    }
    fit.icc_at(&analysis.plan.at, &CovarianceIntervalOptions { level: analysis.plan.level, method }).map(Some)
}

/// What each factor adds to the variance in an arm.
fn shares(fit: &Fit, icc: &IntraclassCorrelations, arm: &str) -> Vec<ClusterShare> {
    let components = fit.variance_components();
    let of_factor = |factor: &str| components.rows.iter().find(|c| c.component == factor).map_or(f64::NAN, |c| c.sd);
    let own = icc.rows.iter().filter(|r| r.arm == arm);
    let share = |r: &IntraclassCorrelation| {
        let factor = r.factor.clone()?;
        Some(ClusterShare { sd: of_factor(&factor), factor, icc: r.icc, clusters: r.clusters })
    };
    own.filter_map(share).collect()
}
