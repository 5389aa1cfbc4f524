//! Generalized estimating equations on the command line.

use super::super::failure::Failure;
use super::super::fit::FitArguments;
use super::super::fit_json::by_row;
use super::Fitted;
use serde_json::{Map, Value, json};
use trialstats::estimates::Estimates;
use trialstats::generalized::{Dropout, Gee, GeeFit, GeeVcov, GeneralizedModel, PopulationMean, WorkingCorrelation};
use trialstats::{Tabular, Trial};

const NAME: &str = "a model of estimating equations";

/// Solves the equations.
pub fn fit(
    arguments: &FitArguments,
    model: &GeneralizedModel,
    correlation: WorkingCorrelation,
    trial: &Trial,
) -> Result<Box<dyn Fitted>, Failure> {
    let vcov = FitArguments::named("--vcov", arguments.vcov.as_ref(), GeeVcov::default(), NAME)?;
    let gee = Gee::new(model.clone()).correlation(correlation).vcov(vcov);
    let gee = arguments.generalized.alpha.into_iter().fold(gee, Gee::convention);
    let given = &arguments.generalized;
    let dropout = given.dropout.as_deref().map(Dropout::formula).transpose()?;
    let dropout = dropout.map(|own| given.dropout_weights.into_iter().fold(own, Dropout::level));
    let dropout = dropout.map(|own| given.largest_weight.into_iter().fold(own, Dropout::largest_weight));
    let gee = dropout.into_iter().fold(gee, Gee::dropout);
    let df = FitArguments::named("--df", arguments.df.as_ref(), gee.df_method(), NAME)?;
    Ok(Box::new(gee.df(df).fit(trial)?))
}

/// What the equations have beside coefficients.
#[derive(serde::Serialize)]
struct Parameter<'a> {
    of: &'a str,
    alpha: f64,
}

impl Fitted for GeeFit {
    fn estimates(&self) -> &dyn Estimates {
        self
    }

    fn population(&self) -> &dyn PopulationMean {
        self
    }

    fn tables(&self) -> Vec<Box<dyn Tabular>> {
        vec![Box::new(self.working_correlation())]
    }

    fn json(&self) -> Result<Map<String, Value>, Failure> {
        let table = self.working_correlation();
        let parameters: Vec<Parameter> = table.of.iter().zip(&table.alpha).map(|(of, &alpha)| Parameter { of, alpha }).collect();
        let gee = self.model();
        let fields = json!({
            "method": "gee",
            "vcov_method": gee.vcov_method(),
            "df_method": gee.df_method(),
            "working_correlation": gee.working_correlation(),
            "alpha_convention": gee.alpha_convention(),
            "alpha": self.alpha(),
            "alpha_parameters": parameters,
            "working_correlation_matrix": by_row(&self.correlation_matrix()),
            "phi": self.phi(),
            "quasi_likelihood": table.criteria.quasi_likelihood,
            "qic": table.criteria.qic,
            "qicu": table.criteria.qicu,
            "n_clusters": self.n_patients(),
            "iterations": self.iterations(),
            "last_step": self.last_step(),
        });
        match fields {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    }
}
