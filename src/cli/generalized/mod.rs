//! `trialstats fit --family binomial|poisson`: models of binary outcomes and counts.

mod family;
mod gee;
mod glm;
mod json;
mod mixed;
mod ordinal;
mod text;

pub use family::OutcomeFamily;

use super::choice::choice;
use super::failure::Failure;
use super::fit::FitArguments;
use super::means::Means;
use super::source::Wanted;
use std::str::FromStr;
use trialstats::design::MeanModel;
use trialstats::error::Error;
use trialstats::estimates::{Estimates, Link};
use trialstats::generalized::{
    AlphaConvention, Event, Family, GeneralizedModel, OrdinalMeans, Penalty, Population, PopulationMean, PopulationMeans,
    PopulationOptions, PopulationVariance, Quadrature, Randomization, WeightLevel, WorkingCorrelation, population_means,
};
use trialstats::options::Choices;
use trialstats::{Covariance, Estimation, Model, Tabular, Trial};

/// What states a model of an outcome that is no normal measurement.
#[derive(Debug, Clone, clap::Args)]
pub struct GeneralizedArguments {
    /// The kind of outcome, where it is no normal measurement of a mixed model: a binary outcome or a count, with --gee or
    /// random effects in the formula where patients have several visits
    #[arg(long, value_parser = family::family())]
    pub family: Option<OutcomeFamily>,
    /// The scale of the mean model; logit for binomial and log for poisson unless said
    #[arg(long, value_parser = choice::<Link>(), requires = "family")]
    pub link: Option<Link>,
    /// The value of a binary outcome that counts as the event, where it is not 1 of 0 and 1
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, requires = "family")]
    pub event: Option<String>,
    /// The categories of an ordinal outcome, lowest first: "none,mild,severe"; the numbers that occur, ascending, unless said
    #[arg(long, value_name = "LOWEST,…", value_delimiter = ',', allow_hyphen_values = true, requires = "family")]
    pub categories: Vec<String>,
    /// Generalized estimating equations with this working correlation of a patient's visits
    #[arg(long, value_name = "CORRELATION", value_parser = choice::<WorkingCorrelation>(), requires = "family")]
    pub gee: Option<WorkingCorrelation>,
    /// How the random effects of the formula are integrated: auto (as many nodes as it takes), laplace, or a number of
    /// nodes
    #[arg(long, value_name = "NODES", requires = "family", conflicts_with = "gee")]
    pub quadrature: Option<Quadrature>,
    /// How the working correlation and the scale are estimated
    #[arg(long, value_name = "CONVENTION", value_parser = choice::<AlphaConvention>(), requires = "gee")]
    pub alpha: Option<AlphaConvention>,
    /// Weights for outcomes missing at random, by a logistic model of being observed given observation until then:
    /// "~ previous + TRT", where `previous` is the outcome at the visit before
    #[arg(long, value_name = "FORMULA", requires = "gee")]
    pub dropout: Option<String>,
    /// What is weighted
    #[arg(long, value_name = "LEVEL", value_parser = choice::<WeightLevel>(), requires = "dropout")]
    pub dropout_weights: Option<WeightLevel>,
    /// Larger weights are replaced by this one
    #[arg(long, value_name = "WEIGHT", requires = "dropout")]
    pub largest_weight: Option<f64>,
    /// Analyse this visit alone
    #[arg(long, value_name = "VISIT", requires = "family")]
    pub at: Option<String>,
    /// What is added to the likelihood of a logistic model of one outcome per patient; Firth's penalty gives finite
    /// estimates where covariates separate events from others, with profile intervals
    #[arg(long, value_parser = choice::<Penalty>(), requires = "family", conflicts_with = "gee")]
    pub penalty: Option<Penalty>,
    /// What the variance of the population's probabilities (--means ARM VISIT) allows for: the covariates as given; as a
    /// sample; or robust to the model, of one outcome per patient
    #[arg(long, value_parser = choice::<PopulationVariance>(), requires = "family")]
    pub variance: Option<PopulationVariance>,
    /// How patients were randomized, for --variance ye
    #[arg(long, value_parser = choice::<Randomization>(), requires = "variance")]
    pub randomization: Option<Randomization>,
    /// Columns of the stratification factors, for --variance ye
    #[arg(long, value_name = "COLUMN", num_args = 1.., requires = "variance")]
    pub strata: Vec<String>,
    /// Whose covariates the population's probabilities are averaged over
    #[arg(long, value_parser = choice::<Population>(), requires = "family")]
    pub average_over: Option<Population>,
}

/// A fitted model of any of the kinds, as the command line presents it.
pub trait Fitted {
    /// The coefficients and all that follows from them.
    fn estimates(&self) -> &dyn Estimates;

    /// The mean of the population, for standardised probabilities.
    fn population(&self) -> &dyn PopulationMean;

    /// Whether coefficients, and what follows from them on the scale of the link, are conditional on random effects.
    fn is_conditional(&self) -> bool {
        false
    }

    /// Whether means on the scale of the link are worth a table.
    fn shows_link_means(&self) -> bool {
        !self.is_conditional()
    }

    /// Tables beside that of the coefficients.
    fn tables(&self) -> Vec<Box<dyn Tabular>>;

    /// The fields of the JSON that only this kind of model has, `method` first.
    fn json(&self) -> Result<serde_json::Map<String, serde_json::Value>, Failure>;
}

/// A fitted model with what was asked of it.
pub struct Answer<'a> {
    pub arguments: &'a FitArguments,
    pub model: GeneralizedModel,
    pub trial: Trial,
    pub fitted: Box<dyn Fitted>,
    /// Standardised over everyone randomized, where means of arms were asked for.
    pub population: Option<PopulationMeans>,
    /// The same of ordered categories.
    pub categories: Option<OrdinalMeans>,
    /// On the scale of the link.
    pub means: Option<Means>,
}

impl FitArguments {
    /// Whether the outcome is one of these kinds. A measurement is modelled by estimating equations where that is asked
    /// for.
    pub fn is_generalized(&self) -> bool {
        let given = &self.generalized;
        given.family.is_some_and(|family| family != OutcomeFamily::Of(Family::Gaussian) || given.gee.is_some() || given.link.is_some())
    }

    /// Fits the model and says what was found.
    pub fn run_generalized(&self) -> Result<String, Failure> {
        if !self.generalized.categories.is_empty() {
            return Err(Failure::Usage("--categories: only an ordinal outcome has them; leave them out, or add --family ordinal".into()));
        }
        self.refuse_what_belongs_to_mixed_models()?;
        let formula = Model::formula(&self.formula)?;
        let arm = self.arm(&formula);
        self.check_means(&formula, arm)?;
        let model = self.generalized_model()?;
        let mut wanted = self.wanted(&formula, arm)?;
        self.add_columns_of_dropout(&mut wanted, arm)?;
        self.add_strata(&mut wanted, arm);
        wanted.texts = model.outcome_family() == Family::Binomial;
        let trial = self.source.read(arm, &wanted)?;
        let fitted = self.fitted(&model, &trial)?;
        let by_arm = self.means.as_deref().and_then(<[String]>::first).is_some_and(|first| arm == Some(first) || first == "arm");
        let coded = match model.outcome_family() {
            Family::Binomial => trial.with_event(model.mean().outcome_name(), model.outcome_event())?,
            _ => trial.clone(),
        };
        let population = by_arm.then(|| population_means(fitted.population(), &coded, &self.population_options())).transpose()?;
        let means = self.tables(fitted.estimates(), arm)?;
        let answer = Answer { arguments: self, model, trial, fitted, population, categories: None, means };
        if self.json { json::render(&answer) } else { text::render(&answer) }
    }

    /// The columns that the model of dropout speaks of.
    fn add_columns_of_dropout(&self, wanted: &mut Wanted, arm: Option<&str>) -> Result<(), Failure> {
        let Some(dropout) = &self.generalized.dropout else { return Ok(()) };
        let header = self.source.header()?;
        for column in MeanModel::parse(dropout)?.columns() {
            let is_derived = ["previous", "baseline", "arm", "visit", "time"].contains(&column) && !header.iter().any(|own| own == column);
            let is_declared = Some(column) == arm || column == self.source.visit() || Some(column) == self.source.time.as_deref();
            if !is_derived && !is_declared && !wanted.covariates.iter().any(|known| known == column) {
                wanted.covariates.push(column.to_string());
            }
        }
        Ok(())
    }

    /// The stratification factors, which the model need not have.
    fn add_strata(&self, wanted: &mut Wanted, arm: Option<&str>) {
        for column in &self.generalized.strata {
            if Some(column.as_str()) != arm && !wanted.covariates.contains(column) {
                wanted.covariates.push(column.clone());
            }
        }
    }

    fn population_options(&self) -> PopulationOptions {
        let given = &self.generalized;
        let options = PopulationOptions::default().level(self.level);
        let options = given.variance.into_iter().fold(options, PopulationOptions::variance);
        let mut options = given.average_over.into_iter().fold(options, PopulationOptions::over);
        options.randomization = given.randomization;
        options.strata.clone_from(&given.strata);
        match &self.compare {
            Some(arms) => options.arms(arms.clone()),
            None => options,
        }
    }

    /// The mean model with family, link and event.
    fn generalized_model(&self) -> Result<GeneralizedModel, Failure> {
        let given = &self.generalized;
        let model = GeneralizedModel::formula(&self.formula)?;
        let model = match given.family {
            Some(OutcomeFamily::Of(family)) => model.family(family),
            _ => model,
        };
        let model = given.link.into_iter().fold(model, GeneralizedModel::link);
        let model = given.event.iter().fold(model, |model, event| model.event(Event::value(event)));
        let model = self.baseline.into_iter().fold(model, GeneralizedModel::baseline);
        let model = given.at.iter().fold(model, |model, visit| model.visits([visit]));
        Ok(self.weights.iter().fold(model, GeneralizedModel::weights))
    }

    /// The model fitted by the method that was asked for.
    fn fitted(&self, model: &GeneralizedModel, trial: &Trial) -> Result<Box<dyn Fitted>, Failure> {
        match self.generalized.gee {
            Some(correlation) => gee::fit(self, model, correlation, trial),
            None if !model.random_effects().is_empty() => mixed::fit(self, model, trial),
            None => {
                let observations = model.observations(trial)?;
                let is_one_each = observations.len() == observations.n_patients();
                if is_one_each { glm::fit(self, model, trial) } else { Err(self.no_method(model)) }
            }
        }
    }

    /// That nothing says how a patient's outcomes are related.
    fn no_method(&self, model: &GeneralizedModel) -> Failure {
        Failure::Usage(format!(
            "--family {}: patients have several outcomes; say how they are related: --gee exchangeable for generalized estimating equations, \
             or random effects in the formula, such as (1 | patient); or analyse one visit: --at VISIT",
            model.outcome_family()
        ))
    }

    /// Refuses options that say something of normal measurements only.
    fn refuse_what_belongs_to_mixed_models(&self) -> Result<(), Failure> {
        let covariance = self.covariance.as_ref().map(Covariance::to_string);
        let fallback = self.fallbacks.first().map(Covariance::to_string);
        let estimation = (self.estimation != Estimation::default()).then(|| self.estimation.to_string());
        let given = [("--covariance", covariance), ("--else", fallback), ("--group", self.group.clone()), ("--estimation", estimation)];
        match given.into_iter().find_map(|(option, value)| Some((option, value?))) {
            Some((option, value)) => Err(Failure::Usage(format!(
                "{option} {value}: this is about the covariance of normal measurements; with --family {} the variance follows from the mean",
                self.generalized.family.unwrap_or(OutcomeFamily::Of(Family::default()))
            ))),
            None => Ok(()),
        }
    }

    /// An option whose names depend on the kind of model; its default where it is not given.
    pub fn named<T: Choices + FromStr<Err = Error>>(option: &str, given: Option<&String>, default: T, model: &str) -> Result<T, Failure> {
        let Some(text) = given else { return Ok(default) };
        text.parse().map_err(|_| {
            let names: Vec<&str> = T::CHOICES.iter().map(|choice| choice.name).collect();
            Failure::Usage(format!("{option} {text}: {model} has one of these: {}", names.join(", ")))
        })
    }
}
