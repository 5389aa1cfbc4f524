//! The primary contrast beside what it becomes when clusters are taken into account.

use super::{Analysis, ClusterModel, Clustering};
use crate::design::Baseline;
use crate::effects::EffectSize;
use crate::inference::{Estimate, Fit, IntraclassCorrelations, PredictedEffects};
use crate::level::percent;
use crate::means::{Compared, unobserved};
use crate::table::{Column, Format, Tabular, display_as_table};
use std::sync::Arc;

/// Heading of the column of standard errors over that of the primary analysis.
const SE_RATIO: &str = "SE ratio";

/// The contrast of the primary outcome at the visit of primary interest, under the primary analysis and under models
/// of the trial's clusters.
///
/// The primary analysis is the first row; the others say how much it depends on patients being independent, and none
/// replaces it.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ClusterSensitivity {
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub label: String,
    /// The visit of primary interest.
    pub visit: String,
    /// The confidence level.
    pub level: f64,
    /// The cluster factors.
    pub clustering: Clustering,
    /// Model by model; where there are more than two arms, a row for each compared with the reference.
    pub rows: Vec<ClusterSensitivityRow>,
    /// The model that [`icc`](Self::icc) and [`effects`](Self::effects) are of: the one with the most random effects
    /// that could be fitted.
    pub described: Option<ClusterModel>,
    /// Intraclass correlations at the visit with profile intervals, and design effects, by arm and factor.
    pub icc: Option<IntraclassCorrelations>,
    /// The predicted effects of the clusters.
    pub effects: Option<PredictedEffects>,
    /// Whether clusters of a single patient are among them.
    pub individual: bool,
    /// What the models assume, and how the numbers were made.
    pub notes: Vec<String>,
}

/// One contrast under one model.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ClusterSensitivityRow {
    /// The model.
    pub model: ClusterModel,
    /// The model as a formula; empty where it cannot be stated for the trial.
    pub formula: String,
    /// What is compared; prints as `ImRs+GST - ImRs`.
    #[serde(flatten)]
    pub compared: Compared,
    /// The difference between the arms; NaN where the model could not be fitted.
    pub estimate: Estimate,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// The difference over the standard deviation that the primary analysis divides by, with its interval by the
    /// delta method.
    pub effect: Option<EffectSize>,
    /// The clusters' part in the variance of an observation at the visit, in the arm that is compared with the
    /// reference.
    pub shares: Vec<ClusterShare>,
    /// Variances that were estimated as zero.
    pub vanished: Vec<String>,
    /// The covariance among a patient's visits.
    pub covariance: String,
    /// The method for degrees of freedom.
    pub df_method: String,
    /// (Restricted) log-likelihood.
    pub log_likelihood: f64,
    /// AIC, covariance parameters counted.
    pub aic: f64,
    /// Why the model could not be fitted, where it could not.
    pub failure: Option<String>,
    /// Why the fitted model does not determine the contrast, where it does not: nobody of an arm was observed.
    pub not_estimable: Option<String>,
    /// The fitted model; the rows of one model share it, and those of the primary analysis have that of the
    /// [outcome](super::OutcomeResult::fit). It is no part of the JSON.
    #[serde(skip)]
    pub fit: Option<Arc<Fit>>,
}

/// The part of one cluster factor in the variance of an observation.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ClusterShare {
    /// The cluster factor.
    pub factor: String,
    /// Standard deviation of its effects.
    pub sd: f64,
    /// The intraclass correlation at the visit.
    pub icc: f64,
    /// Clusters that the arm's patients are in.
    pub clusters: usize,
}

impl ClusterSensitivity {
    /// The first row of a model.
    pub fn get(&self, model: ClusterModel) -> Option<&ClusterSensitivityRow> {
        self.rows.iter().find(|r| r.model == model)
    }

    /// The row of the primary analysis that has the contrast of another.
    pub fn primary_of(&self, row: &ClusterSensitivityRow) -> Option<&ClusterSensitivityRow> {
        self.rows.iter().find(|r| r.model == ClusterModel::Independent && r.compared == row.compared)
    }

    /// The standard error of a row over that of the primary analysis.
    pub fn se_ratio(&self, row: &ClusterSensitivityRow) -> f64 {
        self.primary_of(row).map_or(f64::NAN, |primary| row.estimate.se / primary.estimate.se)
    }
}

impl ClusterSensitivityRow {
    /// Whether the model could be fitted and determines the contrast.
    pub fn has_numbers(&self) -> bool {
        self.failure.is_none() && self.not_estimable.is_none()
    }

    /// The part of a cluster factor, where the model has effects of it.
    pub fn share(&self, factor: &str) -> Option<&ClusterShare> {
        self.shares.iter().find(|s| s.factor == factor)
    }
}

/// What a reader has to know of the table.
pub(super) fn notes(analysis: &Analysis<'_>, found: &ClusterSensitivity, primary: &Fit) -> Vec<String> {
    let mut notes =
        vec!["The primary analysis stays as prespecified; the other rows show how far it depends on patients being independent.".into()];
    notes.extend(primary.notes().into_iter().take(2));
    notes.extend(found.clustering.models().into_iter().map(|m| format!("{}: {}.", m.words(), m.assumption())));
    if primary.design().mean_model().baseline_role() == Baseline::Constrained {
        notes.push("Clusters have no effect at the baseline visit, where the model has one mean for all arms.".into());
    }
    notes.push(few(analysis, &found.clustering));
    notes.push(
        "A standard error may fall as well as rise: what a cluster adds to its patients of both arms drops out of their comparison.".into(),
    );
    notes.extend(unobserved(primary.design().columns()));
    notes.extend(effect_note(found, analysis));
    notes.push("ICC: share of the clusters in the variance of an observation at the visit, in the arm compared with the reference.".into());
    notes.push(format!("{SE_RATIO}: over the SE of the primary analysis."));
    notes.push(
        "AIC counts covariance parameters and compares models by their likelihood, which the sandwich leaves as that of the primary analysis."
            .into(),
    );
    let mut remarks: Vec<String> = vec![];
    for row in &found.rows {
        let remark = match (&row.failure, row.vanished.as_slice()) {
            (Some(why), _) => format!("{}: no estimate. {}.", row.model.words(), why.trim_end_matches('.')),
            (None, []) => continue,
            (None, vanished) => format!("{}: estimated as zero: {}.", row.model.words(), vanished.join("; ")),
        };
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    notes.extend(remarks);
    notes
}

/// How many clusters there are, and what follows from their being few.
fn few(analysis: &Analysis<'_>, clustering: &Clustering) -> String {
    let trial = analysis.trial;
    let levels = |factor: &str| trial.cluster(factor).map_or(0, |c| c.levels().len());
    let counts: Vec<String> = clustering.factors().into_iter().map(|f| format!("{} in `{f}`", levels(f))).collect();
    format!(
        "Clusters: {}. What is known of a variance between clusters rests on their number: where they are few, so are degrees of freedom, and an estimate \
         near zero does not show that there is none.",
        counts.join(", ")
    )
}

fn effect_note(found: &ClusterSensitivity, analysis: &Analysis<'_>) -> Option<String> {
    let effect = found.rows.iter().find_map(|r| r.effect.as_ref())?;
    let sign = match analysis.plan.effects.positive {
        crate::effects::Positive::Fall => "positive: the score is lower than in the reference arm",
        crate::effects::Positive::Rise => "positive: the score is higher than in the reference arm",
    };
    Some(format!(
        "d: the difference over {}, the {}, in every row; {sign}. {} interval by the delta method.",
        Format::significant(effect.sd, 2).apply(effect.sd),
        analysis.plan.effects.denominator.words(),
        percent(found.level)
    ))
}

impl Tabular for ClusterSensitivity {
    fn title(&self) -> String {
        self.title_with(Compared::to_string)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let real = |name: &'static str, heading: &str, format: Format, of: &dyn Fn(&ClusterSensitivityRow) -> f64| {
            Column::real(name, heading, format, rows().map(of))
        };
        let effect = |of: fn(&EffectSize) -> f64| move |r: &ClusterSensitivityRow| r.effect.as_ref().map_or(f64::NAN, of);
        let (lower, upper) = (format!("Lower {}", percent(self.level)), format!("Upper {}", percent(self.level)));
        let two = Format::Decimals(2);
        let by_error = Format::of_errors(rows().map(|r| r.estimate.se));
        let mut columns = vec![Column::text("model", "Model", rows().map(|r| r.model.words()))];
        if self.several() {
            columns.push(Column::text("contrast", "Contrast", rows().map(|r| r.compared.to_string())));
        }
        columns.extend([
            real("estimate", "Difference", by_error, &|r| r.estimate.estimate),
            real("lower", &lower, by_error, &|r| r.lower),
            real("upper", &upper, by_error, &|r| r.upper),
            real("se", "SE", by_error, &|r| r.estimate.se),
            real("se_ratio", SE_RATIO, two, &|r| self.se_ratio(r)),
            real("df", "df", Format::Df, &|r| r.estimate.df),
            real("p", "p", Format::PValue, &|r| r.estimate.p),
            real("d", "d", two, &effect(|e| e.effect)),
            real("d_lower", &lower, two, &effect(|e| e.lower)),
            real("d_upper", &upper, two, &effect(|e| e.upper)),
        ]);
        for factor in self.clustering.factors() {
            let what = self.clustering.plural(factor).unwrap_or(factor);
            let share = |of: fn(&ClusterShare) -> f64| move |r: &ClusterSensitivityRow| r.share(factor).map_or(f64::NAN, of);
            let column = |name: String, heading: &str, format, of: fn(&ClusterShare) -> f64| {
                Column::real(name, heading, format, rows().map(share(of)))
            };
            columns.push(column(format!("sd_{factor}"), &format!("SD, {what}"), two, |s| s.sd));
            columns.push(column(format!("icc_{factor}"), &format!("ICC, {what}"), Format::Decimals(3), |s| s.icc));
        }
        columns.push(real("log_likelihood", "Log-likelihood", two, &|r| r.log_likelihood));
        columns.push(real("aic", "AIC", Format::Decimals(1), &|r| r.aic));
        if self.rows.iter().any(|r| !r.vanished.is_empty()) {
            columns.push(Column::text("vanished", "Estimated as zero", rows().map(|r| r.vanished.join("; "))));
        }
        if self.rows.iter().any(|r| r.failure.is_some()) {
            columns.push(Column::text("failure", "Not fitted because", rows().map(|r| r.failure.clone().unwrap_or_default())));
        }
        if self.rows.iter().any(|r| r.not_estimable.is_some()) {
            let reason = rows().map(|r| r.not_estimable.clone().unwrap_or_default());
            columns.push(Column::text("not_estimable", "Not estimable because", reason));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

impl ClusterSensitivity {
    /// The title, in which contrasts are written by `written`.
    pub(crate) fn title_with(&self, written: impl Fn(&Compared) -> String) -> String {
        let contrast = self.rows.first().filter(|_| !self.several()).map(|r| format!(", {}", written(&r.compared)));
        format!("{} at {}{}: sensitivity to clustering", self.label, super::visit_in_prose(&self.visit), contrast.unwrap_or_default())
    }

    /// Whether there is more than one contrast.
    fn several(&self) -> bool {
        self.rows.iter().any(|r| Some(&r.compared) != self.rows.first().map(|r| &r.compared))
    }
}

display_as_table!(ClusterSensitivity);
