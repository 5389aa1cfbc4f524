//! A model as it is written down: TOML or JSON, defaults left out.

use super::Model;
use crate::covariance::Covariance;
use crate::design::{Baseline, Clusters, MeanModel, RandomEffects};
use crate::error::Error;
use crate::fit::Estimation;
use crate::inference::{Df, InformationKind, Vcov};
use crate::written::is_default;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    formula: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<Baseline>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    random: Vec<RandomEffects>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covariance: Option<Covariance>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    covariance_else: Vec<Covariance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covariance_by: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    estimation: Estimation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    df: Option<Df>,
    #[serde(default, skip_serializing_if = "is_default")]
    information: InformationKind,
    #[serde(default, skip_serializing_if = "is_default")]
    vcov: Vcov,
    #[serde(default, skip_serializing_if = "is_default")]
    clusters: Clusters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    visits: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "is_default")]
    allow_costly: bool,
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self, Df::default(), serializer)
    }
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_with(Df::default(), deserializer)
    }
}

/// Writes a model where `df` is what is meant if nothing is said.
pub(crate) fn serialize<S: Serializer>(model: &Model, df: Df, serializer: S) -> Result<S::Ok, S::Error> {
    Written::of(model, df).map_err(S::Error::custom)?.serialize(serializer)
}

/// Reads a model where `df` is what is meant if nothing is said.
pub(crate) fn deserialize_with<'de, D: Deserializer<'de>>(df: Df, deserializer: D) -> Result<Model, D::Error> {
    Written::deserialize(deserializer)?.model(df).map_err(D::Error::custom)
}

impl Written {
    fn of(model: &Model, df: Df) -> Result<Self, String> {
        model.covariance.iter().chain(&model.fallbacks).try_for_each(named)?;
        let mean = (model.mean != MeanModel::usual()).then(|| model.mean.to_string());
        let mean = mean.map(|text| text.strip_prefix("~ ").map_or(text.clone(), String::from));
        // Names of its own for visit and patient are part of the formula.
        let within = model.within.is_some();
        let formula = match model.within_text().filter(|_| within) {
            Some(text) => Some(format!("{} + {text}", mean.unwrap_or_else(|| model.mean.to_string()))),
            None => mean,
        };
        Ok(Self {
            formula,
            baseline: model.mean.stated_baseline(),
            random: model.options.random.clone(),
            covariance: model.covariance.clone().filter(|_| !within),
            covariance_else: model.fallbacks.clone(),
            covariance_by: model.options.group.clone().filter(|_| !within),
            estimation: model.estimation,
            df: (model.df != df).then_some(model.df),
            information: model.information,
            vcov: model.vcov,
            clusters: model.clusters.clone(),
            weights: model.options.weights.clone(),
            visits: model.options.visits.clone(),
            allow_costly: model.allows_costly,
        })
    }

    fn model(self, df: Df) -> Result<Model, String> {
        let mut model = match &self.formula {
            Some(formula) => Model::right_hand_side(formula).map_err(|error| error.to_string())?,
            None => Model::default(),
        };
        let twice =
            |key: &str| Err(format!("the formula states the covariance of a patient's visits, and `{key}` states it again; leave one out"));
        if let Some(covariance) = self.covariance {
            if model.covariance.is_some() {
                return twice("covariance");
            }
            model = model.covariance(covariance);
        }
        if let Some(group) = self.covariance_by {
            if model.options.group.is_some() {
                return twice("covariance-by");
            }
            model = model.covariance_by(group);
        }
        model = self.random.into_iter().fold(model, Model::random).covariance_else(self.covariance_else);
        model = self.baseline.into_iter().fold(model, Model::baseline);
        model = self.weights.into_iter().fold(model, Model::weights);
        model = self.visits.into_iter().fold(model, Model::visits);
        Ok(model
            .estimation(self.estimation)
            .df(self.df.unwrap_or(df))
            .information(self.information)
            .vcov(self.vcov)
            .clusters(self.clusters)
            .allow_costly(self.allow_costly))
    }
}

/// Refuses a structure that could not be read by its name.
fn named(covariance: &Covariance) -> Result<(), String> {
    let name = covariance.to_string();
    match Covariance::named(&name) {
        Ok(same) if same == *covariance => Ok(()),
        _ => Err(format!(
            "the covariance structure `{name}` is made in Rust and has no name that a file could hold; set it after the model was read"
        )),
    }
}

impl Model {
    /// The model of a formula, or of its right-hand side alone.
    pub(crate) fn right_hand_side(formula: &str) -> Result<Self, Error> {
        if has_tilde(formula) {
            return Self::formula(formula);
        }
        const LEFT: &str = "~ ";
        Self::formula(&format!("{LEFT}{formula}")).map_err(|error| match error {
            Error::Formula { position, message, .. } => {
                Error::Formula { formula: formula.into(), position: position.saturating_sub(LEFT.len()).max(1), message }
            }
            other => other,
        })
    }
}

/// Whether a `~` stands outside backquotes.
fn has_tilde(formula: &str) -> bool {
    formula.split('`').step_by(2).any(|outside| outside.contains('~'))
}
