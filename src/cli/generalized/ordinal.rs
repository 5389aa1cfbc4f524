//! Cumulative logit models on the command line.

use super::super::failure::Failure;
use super::super::fit::FitArguments;
use super::super::source::Wanted;
use super::{Answer, Fitted, json, text};
use serde_json::{Map, Value, json};
use trialstats::estimates::Estimates;
use trialstats::generalized::{Categories, GeneralizedModel, Ordinal, OrdinalFit, OrdinalVcov, PopulationMean};
use trialstats::{Df, Model, Tabular};

const NAME: &str = "a cumulative logit model";

/// A fitted model with its thresholds at the confidence level asked for.
struct CumulativeLogits {
    fit: OrdinalFit,
    level: f64,
}

impl FitArguments {
    /// Fits the model and says what was found.
    pub fn run_ordinal(&self) -> Result<String, Failure> {
        self.refuse_what_belongs_to_mixed_models()?;
        self.refuse_what_belongs_to_families()?;
        let formula = Model::formula(&self.formula)?;
        let arm = self.arm(&formula);
        self.check_means(&formula, arm)?;
        let model = self.generalized_model()?;
        let ordinal = self.ordinal_model(&model)?;
        let wanted = Wanted { texts: true, ..self.wanted(&formula, arm)? };
        let trial = self.source.read(arm, &wanted)?;
        let fit = ordinal.fit(&trial)?;
        let by_arm = self.means.as_deref().and_then(<[String]>::first).is_some_and(|first| arm == Some(first) || first == "arm");
        let categories = by_arm.then(|| fit.population_means(&self.population_options())).transpose()?;
        let means = self.tables(&fit, arm)?;
        let fitted = Box::new(CumulativeLogits { fit, level: self.level });
        let answer = Answer { arguments: self, model, trial, fitted, population: None, categories, means };
        if self.json { json::render(&answer) } else { text::render(&answer) }
    }

    fn ordinal_model(&self, model: &GeneralizedModel) -> Result<Ordinal, Failure> {
        let vcov = Self::named("--vcov", self.vcov.as_ref(), OrdinalVcov::default(), NAME)?;
        let df: Df = Self::named("--df", self.df.as_ref(), Df::Asymptotic, NAME)?;
        if df != Df::Asymptotic {
            return Err(Failure::Usage(format!("--df {df}: {NAME} refers to the normal distribution: --df asymptotic")));
        }
        let ordinal = Ordinal::new(model.clone()).vcov(vcov);
        let categories = &self.generalized.categories;
        Ok(if categories.is_empty() { ordinal } else { ordinal.categories(Categories::ordered(categories)) })
    }

    /// Refuses options of models for other outcomes.
    fn refuse_what_belongs_to_families(&self) -> Result<(), Failure> {
        let given = &self.generalized;
        let link = given.link.filter(|link| *link != trialstats::estimates::Link::Logit).map(|link| link.to_string());
        let options = [
            ("--link", link),
            ("--event", given.event.clone()),
            ("--gee", given.gee.map(|gee| gee.to_string())),
            ("--quadrature", given.quadrature.map(|nodes| nodes.to_string())),
            ("--penalty", given.penalty.map(|penalty| penalty.to_string())),
        ];
        match options.into_iter().find_map(|(option, value)| Some((option, value?))) {
            Some((option, value)) => Err(Failure::Usage(format!(
                "{option} {value}: {NAME} (--family ordinal) has the logit link, and one outcome per patient or a random intercept, by as many nodes as it takes"
            ))),
            None => Ok(()),
        }
    }
}

impl Fitted for CumulativeLogits {
    fn estimates(&self) -> &dyn Estimates {
        &self.fit
    }

    fn population(&self) -> &dyn PopulationMean {
        &self.fit
    }

    fn is_conditional(&self) -> bool {
        self.fit.random_intercept().is_some()
    }

    fn shows_link_means(&self) -> bool {
        false
    }

    fn tables(&self) -> Vec<Box<dyn Tabular>> {
        let thresholds = self.fit.thresholds(self.level).ok().map(|table| Box::new(table) as Box<dyn Tabular>);
        let test = self.fit.proportional_odds().ok().map(|test| Box::new(test) as Box<dyn Tabular>);
        thresholds.into_iter().chain(test).collect()
    }

    fn json(&self) -> Result<Map<String, Value>, Failure> {
        let fields = json!({
            "method": "cumulative-logit",
            "vcov_method": self.fit.model().vcov_method(),
            "sign": "logit P(Y <= j) = threshold_j - x'beta",
            "categories": self.fit.categories(),
            "thresholds": self.fit.thresholds(self.level)?.rows,
            "random_intercept": self.fit.random_intercept(),
            "nodes_used": self.fit.random_intercept().map(|effect| effect.nodes_used),
            "proportional_odds": self.fit.proportional_odds().ok(),
            "log_likelihood": self.fit.log_likelihood(),
            "iterations": self.fit.iterations(),
        });
        match fields {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    }
}
