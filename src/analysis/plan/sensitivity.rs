//! Sensitivity analyses as files have them.

use super::{OtherModel, Sensitivity};
use crate::analysis::Clustering;
use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::fit::Estimation;
use crate::inference::Df;
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
    reason: Option<String>,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    Clusters,
    Model,
}

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
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sensitivity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        match written.kind {
            Kind::Clusters => written.clusters().map_err(D::Error::custom),
            Kind::Model => written.model().map_err(D::Error::custom),
        }
    }
}

impl Written {
    fn clusters(self) -> Result<Sensitivity, String> {
        if self.groups.is_none() && self.therapists.is_none() {
            return Err("a sensitivity analysis of clusters names their column: `groups`, `therapists`, or both".into());
        }
        let of_models = [
            ("name", self.name.is_some()),
            ("formula", self.formula.is_some()),
            ("baseline", self.baseline.is_some()),
            ("covariance", self.covariance.is_some()),
            ("covariance-else", self.covariance_else.is_some()),
            ("estimation", self.estimation.is_some()),
            ("df", self.df.is_some()),
            ("reason", self.reason.is_some()),
        ];
        misplaced(&of_models, "model", "clusters")?;
        let clustering = self.groups.into_iter().fold(Clustering::new(), Clustering::groups);
        Ok(Sensitivity::Clusters(self.therapists.into_iter().fold(clustering, Clustering::therapists)))
    }

    fn model(self) -> Result<Sensitivity, String> {
        misplaced(&[("groups", self.groups.is_some()), ("therapists", self.therapists.is_some())], "clusters", "model")?;
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

/// Refuses keys of another kind.
fn misplaced(keys: &[(&str, bool)], of: &str, stated: &str) -> Result<(), String> {
    match keys.iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => Err(format!("`{key}` belongs to a sensitivity analysis of kind `{of}`, and the kind is `{stated}`")),
        None => Ok(()),
    }
}
