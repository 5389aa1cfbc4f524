//! A fitted model of independent observations.

use super::options::{GlmOptions, Penalty};
use super::robust::{self, GlmVcov};
use super::sample::Sample;
use super::search::{self, NoOptimum};
use super::{firth, words};
use crate::design::{Account, Columns};
use crate::error::{Error, Result};
use crate::estimates::{Df, Estimates, Link};
use crate::generalized::population::{PopulationMean, PopulationOptions};
use crate::generalized::population_means::{PopulationMeans, population_means};
use crate::generalized::{Family, GeneralizedModel, NotFitted, Observations};
use crate::trial::Trial;
use nalgebra::{DMatrix, DVector};
use std::f64::consts::TAU;

/// A generalized linear model of outcomes of which every patient has one, fitted.
///
/// Its coefficients are conditional on the covariates; [`Glm::population_means`] has the probabilities, differences and
/// ratios of the population.
#[derive(Debug, Clone)]
pub struct Glm {
    pub(super) observations: Observations,
    pub(super) sample: Sample,
    pub(super) theta: DVector<f64>,
    eta: DVector<f64>,
    link: Link,
    options: GlmOptions,
    beta: Vec<f64>,
    vcov: DMatrix<f64>,
    log_likelihood: f64,
    penalised: Option<f64>,
    iterations: usize,
    dispersion: f64,
}

/// An |η| beyond which a logistic probability, or a mean of counts, is so near its end that the likelihood may rise for ever.
const SUSPICIOUS: f64 = 11.0;

impl GeneralizedModel {
    /// Fits the model to outcomes of which every patient has one: one visit, or one observation per patient.
    ///
    /// # Errors
    /// As [`GeneralizedModel::observations`]. [`Error::Invalid`] where a patient has several observations or the formula
    /// has random effects, and for Firth's penalty of what is no logistic model. [`Error::NotFitted`] where covariates
    /// separate the events from the others ([`NotFitted::Separated`]), and where the likelihood is largest at the edge of
    /// the range of the means ([`NotFitted::AtBoundary`]).
    pub fn fit_independent(&self, trial: &Trial, options: &GlmOptions) -> Result<Glm> {
        self.must_be_without_random_effects()?;
        Glm::of(self.observations(trial)?, self.outcome_family(), self.link_function(), options)
    }

    fn must_be_without_random_effects(&self) -> Result<()> {
        match self.random_effects().is_empty() {
            true => Ok(()),
            false => Err(Error::conflict(
                "a model of independent outcomes",
                "the formula has random effects",
                "leave them out, or fit a mixed model",
            )),
        }
    }
}

impl Glm {
    /// Fits the observations.
    pub(crate) fn of(observations: Observations, family: Family, link: Link, options: &GlmOptions) -> Result<Self> {
        must_be_one_per_patient(&observations)?;
        if options.penalty == Penalty::Firth && (family, link) != (Family::Binomial, Link::Logit) {
            return Err(Error::not_built(
                format!("Firth's penalty for the family {family} with the link {link}"),
                "it is for a logistic model",
                "use the family binomial with the link logit, or no penalty",
            ));
        }
        if options.penalty == Penalty::Firth && !matches!(options.vcov, None | Some(GlmVcov::Model)) {
            return Err(Error::not_built(
                "a robust covariance of penalised coefficients",
                "inference rests on the penalised likelihood",
                "leave the covariance at `model`, or fit without the penalty",
            ));
        }
        let y = observations.outcomes().to_vec();
        let sample = Sample::new(&observations.x, observations.width(), y, observations.weights.clone(), family, link)
            .with_offset(observations.offset.clone());
        let (theta, eta, iterations, penalised) = match options.penalty {
            Penalty::None => {
                let found = maximum(&sample, &observations)?;
                (found.theta, found.eta, found.iterations, None)
            }
            Penalty::Firth => {
                let found = firth::maximise(&sample, DVector::zeros(sample.p()), sample.p())
                    .map_err(|e| Error::NotFitted(NotFitted::NoSolution { iterations: e.iterations }))?;
                (found.theta, found.eta, found.iterations, Some(found.value))
            }
        };
        let vcov = options.covariance(family);
        let dispersion = dispersion(&sample, &eta);
        let scale = if vcov == GlmVcov::Model { dispersion } else { 1.0 };
        let own = robust::covariance(&sample, &eta, vcov) * scale;
        if !own.iter().all(|v| v.is_finite()) {
            return Err(no_covariance(&observations, vcov));
        }
        let beta = sample.beta(&theta);
        Ok(Self {
            beta: observations.of_all_columns(beta.as_slice()),
            vcov: observations.covariance_of_all_columns(&own),
            log_likelihood: log_likelihood(&sample, &eta),
            options: *options,
            observations,
            sample,
            theta,
            eta,
            link,
            penalised,
            iterations,
            dispersion,
        })
    }

    /// The observations it was fitted to.
    pub fn observations(&self) -> &Observations {
        &self.observations
    }

    /// The kind of outcome.
    pub fn family(&self) -> Family {
        self.sample.family
    }

    /// How it was fitted.
    pub fn options(&self) -> &GlmOptions {
        &self.options
    }

    /// The covariance of the coefficients, stated or that of the family.
    pub fn covariance_kind(&self) -> GlmVcov {
        self.options.covariance(self.family())
    }

    /// The log-likelihood at the estimates, without the penalty.
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// The penalised log-likelihood ℓ + ½ log|X'WX| of a model with Firth's penalty.
    pub fn penalised_log_likelihood(&self) -> Option<f64> {
        self.penalised
    }

    /// Steps of the search.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// The dispersion φ: 1 of binary outcomes and counts, the residual variance of a normal outcome.
    pub fn dispersion(&self) -> f64 {
        self.dispersion
    }

    /// The fitted means, observation by observation.
    pub fn fitted(&self) -> Vec<f64> {
        self.eta.iter().map(|&eta| self.link.inverse(eta)).collect()
    }

    /// The probabilities or means of the population, with differences, ratios and odds ratios: see
    /// [`population_means`](crate::generalized::population_means).
    ///
    /// # Errors
    /// As there.
    pub fn population_means(&self, options: &PopulationOptions) -> Result<PopulationMeans> {
        population_means(self, self.observations.trial(), options)
    }

    /// The columns whose coefficients were estimated, by name.
    pub(super) fn names(&self) -> Vec<&str> {
        self.observations.kept.iter().map(|&c| self.columns()[c].name.as_str()).collect()
    }
}

fn must_be_one_per_patient(observations: &Observations) -> Result<()> {
    let several = (0..observations.n_patients()).filter(|&i| observations.of_patient(i).len() > 1).count();
    match several {
        0 => Ok(()),
        _ => Err(Error::conflict(
            "a model of independent outcomes",
            format!(
                "{several} of the {} patients analysed have several observations, which are not independent",
                observations.n_patients()
            ),
            "analyse one visit, use generalized estimating equations, or add random effects of the patients",
        )),
    }
}

/// The optimum of the likelihood, or the name of what keeps it from having one.
fn maximum(sample: &Sample, observations: &Observations) -> Result<search::Optimum> {
    let (far, failure) = match search::maximise(sample) {
        Ok(found) if found.eta.amax() < SUSPICIOUS || sample.family == Family::Gaussian => return Ok(found),
        Ok(found) => (Some(found), None),
        Err(failure) => (None, Some(failure)),
    };
    if let Some(recession) = super::separation::recession(sample) {
        return Err(Error::NotFitted(words::separated(observations, sample, &recession)));
    }
    match (far, failure) {
        (Some(found), _) => Ok(found),
        (_, Some(NoOptimum::AtEdge(at))) => Err(Error::NotFitted(words::at_boundary(observations, sample, &at))),
        (_, Some(NoOptimum::NoStart)) => Err(Error::not_built(
            format!("the family {} with the link {} without an intercept, or with an offset", sample.family, sample.link),
            "no coefficients are known at which all means are in range",
            "add the intercept and leave the offset out, or choose the canonical link",
        )),
        (_, Some(NoOptimum::Running { iterations, .. })) => Err(Error::NotFitted(NotFitted::NoSolution { iterations })),
        (None, None) => Err(Error::NotFitted(NotFitted::SingularInformation)),
    }
}

fn no_covariance(observations: &Observations, vcov: GlmVcov) -> Error {
    Error::not_defined(
        format!("the covariance {} of the coefficients", vcov.words()),
        format!("{} observations are fitted by {} coefficients, some of them exactly", observations.len(), observations.width()),
        "choose the covariance `model`, or a simpler mean model",
    )
}

/// 1, or the residual variance of a normal outcome.
fn dispersion(sample: &Sample, eta: &DVector<f64>) -> f64 {
    if sample.family != Family::Gaussian {
        return 1.0;
    }
    -2.0 * sample.log_likelihood(eta) / (sample.n() as f64 - sample.p() as f64)
}

/// The log-likelihood with what does not depend on the coefficients.
fn log_likelihood(sample: &Sample, eta: &DVector<f64>) -> f64 {
    let kernel = sample.log_likelihood(eta);
    match sample.family {
        Family::Binomial => kernel,
        Family::Poisson => kernel - (0..sample.n()).map(|i| sample.weight(i) * libm::lgamma(sample.y[i] + 1.0)).sum::<f64>(),
        Family::Gaussian => {
            let n = sample.n() as f64;
            let weights: f64 = (0..sample.n()).map(|i| sample.weight(i).ln()).sum();
            -0.5 * (n * ((TAU * -2.0 * kernel / n).ln() + 1.0) - weights)
        }
    }
}

impl Estimates for Glm {
    fn columns(&self) -> &Columns {
        self.observations.columns()
    }

    fn account(&self) -> &Account {
        self.observations.account()
    }

    fn beta(&self) -> &[f64] {
        &self.beta
    }

    fn vcov(&self) -> &DMatrix<f64> {
        &self.vcov
    }

    fn df(&self, _: &[f64]) -> f64 {
        match self.family() {
            Family::Gaussian => (self.sample.n() - self.sample.p()) as f64,
            _ => f64::INFINITY,
        }
    }

    fn link(&self) -> Link {
        self.link
    }

    fn method_of_df(&self) -> Option<Df> {
        Some(if self.family() == Family::Gaussian { Df::Residual } else { Df::Asymptotic })
    }

    fn notes(&self) -> Vec<String> {
        let method = match self.options.penalty {
            Penalty::None => "maximum likelihood",
            Penalty::Firth => "Firth's penalised likelihood (Heinze & Schemper 2002)",
        };
        let fitted = format!(
            "{} by {method}; covariance of the coefficients: {}.",
            words::model(self.family(), self.link),
            self.covariance_kind().words()
        );
        std::iter::once(fitted).chain(self.observations.note_of_offset()).collect()
    }
}

impl PopulationMean for Glm {
    fn is_probability(&self) -> bool {
        self.family() == Family::Binomial
    }

    fn outcomes_of_patients(&self) -> Option<Vec<(usize, f64)>> {
        let patients = self.observations.design().patients();
        let unweighted = self.sample.weights.is_empty();
        unweighted.then(|| patients.iter().copied().zip(self.observations.outcomes().iter().copied()).collect())
    }
}
