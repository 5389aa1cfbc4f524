//! Sensitivity analyses as files have them.

use super::trial_plan::condition_or_list;
use super::{AnalysedBy, ImputationPlan, ObservedAt, OtherModel, PopulationPlan, Sensitivity, TippingOf, TippingPlan};
use crate::analysis::Clustering;
use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::fit::Estimation;
use crate::imputation::{Delta, Draws, Strategy, Variance};
use crate::inference::Df;
use crate::trial::Condition;
use crate::written::is_default;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

/// A sensitivity analysis as it is written down: the keys of every kind.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    kind: Kind,
    #[serde(default, skip_serializing_if = "is_default")]
    groups: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    therapists: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    formula: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    baseline: Option<Baseline>,
    #[serde(default, skip_serializing_if = "is_default")]
    covariance: Option<Covariance>,
    #[serde(default, skip_serializing_if = "is_default")]
    covariance_else: Option<Vec<Covariance>>,
    #[serde(default, skip_serializing_if = "is_default")]
    estimation: Option<Estimation>,
    #[serde(default, skip_serializing_if = "is_default")]
    df: Option<Df>,
    #[serde(default, skip_serializing_if = "is_default")]
    strategy: Option<Strategy>,
    #[serde(default, skip_serializing_if = "is_default")]
    reference: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    covariates: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "is_default")]
    delta: Option<Delta>,
    #[serde(default, skip_serializing_if = "is_default")]
    variance: Option<Variance>,
    #[serde(default, skip_serializing_if = "is_default")]
    draws: Option<Draws>,
    #[serde(default, skip_serializing_if = "is_default")]
    analysis: Option<AnalysedBy>,
    #[serde(default, skip_serializing_if = "is_default")]
    arm: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    arm_shifts: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "is_default")]
    versus_shifts: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "is_default")]
    of: Option<Vec<TippingOf>>,
    #[serde(default, skip_serializing_if = "is_default")]
    observed_at: Option<ObservedAt>,
    #[serde(default, skip_serializing_if = "is_default")]
    patients: Option<Conditions>,
    #[serde(default, skip_serializing_if = "is_default")]
    reason: Option<String>,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    Clusters,
    Model,
    Imputation,
    TippingPoint,
    Population,
}

/// A condition, or a list of conditions.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Conditions(#[serde(deserialize_with = "condition_or_list")] Vec<Condition>);

impl Serialize for Sensitivity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = |factor: Option<&str>| factor.map(String::from);
        let written = match self {
            Sensitivity::Clusters(clustering) => Written {
                kind: Kind::Clusters,
                groups: named(clustering.group_factor()),
                therapists: named(clustering.therapist_factor()),
                ..Written::default()
            },
            Sensitivity::Model(model) => Written {
                kind: Kind::Model,
                name: Some(model.name.clone()),
                formula: model.formula.clone(),
                baseline: model.baseline,
                covariance: model.covariance.clone(),
                covariance_else: model.covariance_else.clone(),
                estimation: model.estimation,
                df: model.df,
                reason: Some(model.reason.clone()).filter(|reason| !reason.is_empty()),
                ..Written::default()
            },
            Sensitivity::Imputation(plan) => imputation(plan, Kind::Imputation),
            Sensitivity::TippingPoint(plan) => Written {
                arm: Some(plan.arm.clone()),
                arm_shifts: Some(plan.arm_shifts.clone()),
                versus_shifts: Some(plan.versus_shifts.clone()).filter(|shifts| *shifts != [0.0]),
                of: Some(plan.of.clone()).filter(|of| *of != [TippingOf::Difference]),
                ..imputation(&plan.imputation, Kind::TippingPoint)
            },
            Sensitivity::Population(plan) => Written {
                kind: Kind::Population,
                name: Some(plan.name.clone()),
                observed_at: plan.observed_at,
                patients: Some(plan.patients.clone()).filter(|conditions| !conditions.is_empty()).map(Conditions),
                reason: Some(plan.reason.clone()).filter(|reason| !reason.is_empty()),
                ..Written::default()
            },
        };
        written.serialize(serializer)
    }
}

/// The keys of an imputation.
fn imputation(plan: &ImputationPlan, kind: Kind) -> Written {
    let stated = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Written {
        kind,
        name: stated(&plan.name),
        strategy: Some(plan.strategy),
        reference: plan.reference.clone(),
        covariates: Some(plan.covariates.clone()).filter(|names| !names.is_empty()),
        delta: plan.delta.clone(),
        variance: Some(plan.variance).filter(|variance| *variance != Variance::default()),
        draws: plan.draws.clone(),
        analysis: Some(plan.analysis).filter(|analysis| *analysis != AnalysedBy::default()),
        reason: stated(&plan.reason),
        ..Written::default()
    }
}

impl<'de> Deserialize<'de> for Sensitivity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        match written.kind {
            Kind::Clusters => written.clusters().map_err(D::Error::custom),
            Kind::Model => written.model().map_err(D::Error::custom),
            Kind::Imputation => written.imputation("imputation").map(Sensitivity::Imputation).map_err(D::Error::custom),
            Kind::Population => written.population().map_err(D::Error::custom),
            Kind::TippingPoint => written.tipping_point().map(Sensitivity::TippingPoint).map_err(D::Error::custom),
        }
    }
}

impl Written {
    fn clusters(self) -> Result<Sensitivity, String> {
        if self.groups.is_none() && self.therapists.is_none() {
            return Err("a sensitivity analysis of clusters names their column: `groups`, `therapists`, or both".into());
        }
        misplaced(&self.of_models(), "model", "clusters")?;
        misplaced(&self.of_any_name(), "model", "clusters")?;
        misplaced(&self.of_imputation(), "imputation", "clusters")?;
        misplaced(&self.of_populations(), "population", "clusters")?;
        let clustering = self.groups.into_iter().fold(Clustering::new(), Clustering::groups);
        Ok(Sensitivity::Clusters(self.therapists.into_iter().fold(clustering, Clustering::therapists)))
    }

    fn model(self) -> Result<Sensitivity, String> {
        misplaced(&[("groups", self.groups.is_some()), ("therapists", self.therapists.is_some())], "clusters", "model")?;
        misplaced(&self.of_imputation(), "imputation", "model")?;
        misplaced(&self.of_populations(), "population", "model")?;
        let Some(name) = self.name else {
            return Err("a sensitivity analysis by another model needs a `name`, which tables call it by".into());
        };
        Ok(Sensitivity::Model(OtherModel {
            name,
            formula: self.formula,
            baseline: self.baseline,
            covariance: self.covariance,
            covariance_else: self.covariance_else,
            estimation: self.estimation,
            df: self.df,
            reason: self.reason.unwrap_or_default(),
            ..OtherModel::default()
        }))
    }
}

impl Written {
    fn population(self) -> Result<Sensitivity, String> {
        let kind = "population";
        misplaced(&[("groups", self.groups.is_some()), ("therapists", self.therapists.is_some())], "clusters", kind)?;
        misplaced(&self.of_models(), "model", kind)?;
        misplaced(&self.of_imputation(), "imputation", kind)?;
        let Some(name) = self.name else {
            return Err(
                "a sensitivity analysis in a part of the patients needs a `name`, such as \"completers\", which tables call it by".into()
            );
        };
        let patients = self.patients.map(|conditions| conditions.0).unwrap_or_default();
        if self.observed_at.is_none() && patients.is_empty() {
            return Err(
                "a population says who is in it: `observed-at = \"last-visit\"`, `patients = { column = \"…\", at-least = … }`, or both"
                    .into(),
            );
        }
        Ok(Sensitivity::Population(PopulationPlan {
            name,
            observed_at: self.observed_at,
            patients,
            reason: self.reason.unwrap_or_default(),
        }))
    }

    fn of_models(&self) -> [(&'static str, bool); 6] {
        [
            ("formula", self.formula.is_some()),
            ("baseline", self.baseline.is_some()),
            ("covariance", self.covariance.is_some()),
            ("covariance-else", self.covariance_else.is_some()),
            ("estimation", self.estimation.is_some()),
            ("df", self.df.is_some()),
        ]
    }

    fn of_populations(&self) -> [(&'static str, bool); 2] {
        [("observed-at", self.observed_at.is_some()), ("patients", self.patients.is_some())]
    }

    fn of_any_name(&self) -> [(&'static str, bool); 2] {
        [("name", self.name.is_some()), ("reason", self.reason.is_some())]
    }

    fn of_imputation(&self) -> [(&'static str, bool); 11] {
        [
            ("strategy", self.strategy.is_some()),
            ("reference", self.reference.is_some()),
            ("covariates", self.covariates.is_some()),
            ("delta", self.delta.is_some()),
            ("variance", self.variance.is_some()),
            ("draws", self.draws.is_some()),
            ("analysis", self.analysis.is_some()),
            ("arm", self.arm.is_some()),
            ("arm-shifts", self.arm_shifts.is_some()),
            ("versus-shifts", self.versus_shifts.is_some()),
            ("of", self.of.is_some()),
        ]
    }

    fn imputation(self, kind: &str) -> Result<ImputationPlan, String> {
        misplaced(&[("groups", self.groups.is_some()), ("therapists", self.therapists.is_some())], "clusters", kind)?;
        misplaced(&self.of_models(), "model", kind)?;
        misplaced(&self.of_populations(), "population", kind)?;
        if kind == "imputation" {
            let of_tipping = [
                ("arm", self.arm.is_some()),
                ("arm-shifts", self.arm_shifts.is_some()),
                ("versus-shifts", self.versus_shifts.is_some()),
                ("of", self.of.is_some()),
            ];
            misplaced(&of_tipping, "tipping-point", kind)?;
        }
        let Some(strategy) = self.strategy else {
            return Err(format!("a sensitivity analysis of kind `{kind}` needs a `strategy`: mar, jump-to-reference, copy-reference, …"));
        };
        if kind == "tipping-point" {
            misplaced(&[("analysis", self.analysis.is_some())], "imputation", kind)?;
        }
        if self.draws.is_some() && self.variance.is_some() {
            return Err("`draws` say how standard errors come about, and so does `variance`: state one of them".into());
        }
        if self.draws.is_none() && self.analysis.is_some_and(|analysis| analysis != AnalysedBy::Ancova) {
            return Err("an `analysis` by the model takes `draws`, such as { method = \"bayesian\", number = 500, seed = 1 }".into());
        }
        if let Some(Err(error)) = self.draws.as_ref().map(Draws::check) {
            return Err(error.to_string());
        }
        Ok(ImputationPlan {
            name: self.name.unwrap_or_default(),
            strategy,
            reference: self.reference,
            covariates: self.covariates.unwrap_or_default(),
            delta: self.delta,
            variance: self.variance.unwrap_or_default(),
            draws: self.draws,
            analysis: self.analysis.unwrap_or_default(),
            reason: self.reason.unwrap_or_default(),
        })
    }

    fn tipping_point(mut self) -> Result<TippingPlan, String> {
        if self.delta.is_some() {
            return Err("a tipping point adds amounts of its own: `arm-shifts` and `versus-shifts`, not `delta`".into());
        }
        let (Some(arm), Some(arm_shifts)) = (self.arm.take(), self.arm_shifts.take()) else {
            return Err("a tipping point needs an `arm` and `arm-shifts`, what is added to its imputed values".into());
        };
        let versus_shifts = self.versus_shifts.take().unwrap_or_else(|| vec![0.0]);
        let of = self.of.take().unwrap_or_else(|| vec![TippingOf::Difference]);
        if of.is_empty() {
            return Err("a tipping point is `of` something: difference, effect-size, definition(NAME)".into());
        }
        Ok(TippingPlan { imputation: self.imputation("tipping-point")?, arm, arm_shifts, versus_shifts, of })
    }
}

/// Refuses keys of another kind.
fn misplaced(keys: &[(&str, bool)], of: &str, stated: &str) -> Result<(), String> {
    match keys.iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => Err(format!("`{key}` belongs to a sensitivity analysis of kind `{of}`, and the kind is `{stated}`")),
        None => Ok(()),
    }
}
