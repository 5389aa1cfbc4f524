//! Logistic and Poisson mixed models on the command line.

use super::super::failure::Failure;
use super::super::fit::FitArguments;
use super::super::fit_json::by_row;
use super::Fitted;
use serde_json::{Map, Value, json};
use trialstats::estimates::Estimates;
use trialstats::generalized::{GeneralizedModel, Glmm, MixedDf, MixedFit, MixedVcov, PopulationMean};
use trialstats::{Tabular, Trial};

const NAME: &str = "a generalized mixed model";

/// Fits the model.
pub fn fit(arguments: &FitArguments, model: &GeneralizedModel, trial: &Trial) -> Result<Box<dyn Fitted>, Failure> {
    let vcov = FitArguments::named("--vcov", arguments.vcov.as_ref(), MixedVcov::default(), NAME)?;
    let df = FitArguments::named("--df", arguments.df.as_ref(), MixedDf::default(), NAME)?;
    let quadrature = arguments.generalized.quadrature.unwrap_or_default();
    Ok(Box::new(Glmm::new(model.clone()).quadrature(quadrature).vcov(vcov).df(df).fit(trial)?))
}

/// Effects of one factor as JSON has them.
#[derive(serde::Serialize)]
struct Effects<'a> {
    factor: &'a str,
    levels: usize,
    effects: &'a [String],
    covariance: Vec<Vec<f64>>,
}

impl Fitted for MixedFit {
    fn estimates(&self) -> &dyn Estimates {
        self
    }

    fn population(&self) -> &dyn PopulationMean {
        self
    }

    fn is_conditional(&self) -> bool {
        true
    }

    fn tables(&self) -> Vec<Box<dyn Tabular>> {
        vec![Box::new(self.components())]
    }

    fn json(&self) -> Result<Map<String, Value>, Failure> {
        let asked = self.model();
        let effects = self.random().iter().enumerate().map(|(t, term)| Effects {
            factor: term.factor(),
            levels: term.levels().len(),
            effects: term.effects(),
            covariance: by_row(&self.effect_covariance(t)),
        });
        let fields = json!({
            "method": "glmm",
            "vcov_method": asked.vcov_method(),
            "df_method": asked.df_method(),
            "quadrature": asked.quadrature_asked(),
            "approximation": if self.nodes() == 1 { "laplace" } else { "quadrature" },
            "nodes_used": self.nodes(),
            "nodes_settled": self.nodes_settled(),
            "by_nodes": self.by_nodes(),
            "variances": self.components().rows,
            "random_effects": effects.collect::<Vec<_>>(),
            "vanished": self.vanished(),
            "minus_two_log_likelihood": self.minus_two_log_likelihood(),
            "aic": self.aic(),
            "bic": self.bic(),
            "n_parameters": self.n_parameters(),
            "n_clusters": self.n_independent(),
            "iterations": self.iterations(),
            "last_step": self.last_step(),
        });
        match fields {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    }
}
