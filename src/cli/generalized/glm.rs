//! Models of one outcome per patient on the command line.

use super::super::failure::Failure;
use super::super::fit::FitArguments;
use super::Fitted;
use serde_json::{Map, Value, json};
use trialstats::estimates::Estimates;
use trialstats::generalized::{GeneralizedModel, Glm, GlmOptions, GlmVcov, Penalty, PopulationMean, ProfileTable};
use trialstats::{Df, Tabular, Trial};

const NAME: &str = "a model of one outcome per patient";

/// A fitted model, with intervals by the profile where the likelihood is penalised.
struct Independent {
    glm: Glm,
    profile: Option<ProfileTable>,
}

/// Fits the model by maximum likelihood, or by Firth's.
pub fn fit(arguments: &FitArguments, model: &GeneralizedModel, trial: &Trial) -> Result<Box<dyn Fitted>, Failure> {
    let penalty = arguments.generalized.penalty.unwrap_or_default();
    let options = GlmOptions::default().penalty(penalty);
    let usual = options.covariance(model.outcome_family());
    let vcov: GlmVcov = FitArguments::named("--vcov", arguments.vcov.as_ref(), usual, NAME)?;
    let df: Df = FitArguments::named("--df", arguments.df.as_ref(), Df::Asymptotic, NAME)?;
    if df != Df::Asymptotic {
        return Err(Failure::Usage(format!("--df {df}: {NAME} refers to the normal distribution: --df asymptotic")));
    }
    let glm = model.fit_independent(trial, &options.vcov(vcov))?;
    let profile = (penalty == Penalty::Firth).then(|| glm.profile(arguments.level)).transpose()?;
    Ok(Box::new(Independent { glm, profile }))
}

impl Fitted for Independent {
    fn estimates(&self) -> &dyn Estimates {
        &self.glm
    }

    fn population(&self) -> &dyn PopulationMean {
        &self.glm
    }

    fn tables(&self) -> Vec<Box<dyn Tabular>> {
        self.profile.iter().map(|profile| Box::new(profile.clone()) as Box<dyn Tabular>).collect()
    }

    fn json(&self) -> Result<Map<String, Value>, Failure> {
        let profile = self.profile.as_ref().map(serde_json::to_value).transpose();
        let fields = json!({
            "method": if self.profile.is_some() { "firth" } else { "maximum-likelihood" },
            "penalty": self.glm.options().penalty,
            "vcov_method": self.glm.covariance_kind(),
            "log_likelihood": self.glm.log_likelihood(),
            "penalised_log_likelihood": self.glm.penalised_log_likelihood(),
            "phi": self.glm.dispersion(),
            "iterations": self.glm.iterations(),
            "profile": profile.map_err(|e| Failure::Output(std::io::Error::other(e)))?,
        });
        match fields {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    }
}
