//! A fitted model of independent observations.

use super::options::{GlmOptions, Penalty};
use super::robust::{self, GlmVcov};
use super::sample::Sample;
use super::search::{self, NoOptimum};
use super::{firth, words};
use crate::error::{Error, Result};
use crate::estimates::{Df, Estimates, Link};
use crate::generalized::method::{HasFamily, Method};
use crate::generalized::{Family, Generalized, GeneralizedFit, GeneralizedModel, NotFitted, Observations};
use crate::table::{agreeing, counted};
use crate::trial::Trial;
use nalgebra::DVector;
use std::f64::consts::TAU;

/// A generalized linear model of outcomes of which every patient has one, fitted.
///
/// Its coefficients are conditional on the covariates; [`population_means`](GeneralizedFit::population_means) has the
/// probabilities, differences and ratios of the population.
pub type Glm = GeneralizedFit<GlmOptions>;

/// What a model of independent outcomes has beside coefficients and their covariance.
#[derive(Debug, Clone)]
pub struct Optimum {
    pub(super) sample: Sample,
    pub(super) theta: DVector<f64>,
    eta: DVector<f64>,
    log_likelihood: f64,
    penalised: Option<f64>,
    dispersion: f64,
}

/// An |η| beyond which a logistic probability, or a mean of counts, is so near its end that the likelihood may rise for ever.
const SUSPICIOUS: f64 = 11.0;

impl GeneralizedModel {
    /// Fits the model to outcomes of which every patient has one: one visit, or one observation per patient.
    ///
    /// # Errors
    /// As [`Generalized::observations`]. [`Error::Invalid`] where a patient has several observations or the formula
    /// has random effects, and for Firth's penalty of what is no logistic model. [`Error::NotFitted`] where covariates
    /// separate the events from the others ([`NotFitted::Separated`]), and where the likelihood is largest at the edge of
    /// the range of the means ([`NotFitted::AtBoundary`]).
    pub fn fit_independent(&self, trial: &Trial, options: &GlmOptions) -> Result<Glm> {
        self.must_be_without_random_effects()?;
        fitted(self.clone().by(*options), self.observations(trial)?)
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

/// The model fitted to the observations.
fn fitted(asked: Generalized<GlmOptions>, observations: Observations) -> Result<Glm> {
    let (family, link, options) = (asked.outcome_family(), asked.link_function(), asked.method);
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
    let found = Optimum { log_likelihood: log_likelihood(&sample, &eta), sample, theta, eta, penalised, dispersion };
    Ok(Glm::new(asked, observations, beta.as_slice(), &own, iterations, found))
}

impl Glm {
    /// How it was fitted.
    pub fn options(&self) -> &GlmOptions {
        &self.asked.method
    }

    /// The covariance of the coefficients, stated or that of the family.
    pub fn covariance_kind(&self) -> GlmVcov {
        self.options().covariance(self.family())
    }

    /// The log-likelihood at the estimates, without the penalty.
    pub fn log_likelihood(&self) -> f64 {
        self.found.log_likelihood
    }

    /// The penalised log-likelihood ℓ + ½ log|X'WX| of a model with Firth's penalty.
    pub fn penalised_log_likelihood(&self) -> Option<f64> {
        self.found.penalised
    }

    /// The dispersion φ: 1 of binary outcomes and counts, the residual variance of a normal outcome.
    pub fn dispersion(&self) -> f64 {
        self.found.dispersion
    }

    /// The fitted means, observation by observation.
    pub fn fitted(&self) -> Vec<f64> {
        let link = self.link();
        self.found.eta.iter().map(|&eta| link.inverse(eta)).collect()
    }

    /// The columns whose coefficients were estimated, by name.
    pub(super) fn names(&self) -> Vec<&str> {
        self.observations.kept.iter().map(|&c| self.columns()[c].name.as_str()).collect()
    }
}

fn must_be_one_per_patient(observations: &Observations) -> Result<()> {
    match observations.patients_with_several() {
        0 => Ok(()),
        several => Err(Error::conflict(
            "a model of independent outcomes",
            format!(
                "{several} of the {} patients analysed {} several observations, which are not independent",
                observations.n_patients(),
                agreeing(several, "has", "have")
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
        format!(
            "{} {} fitted by {}, some of them exactly",
            counted(observations.len(), "observation"),
            agreeing(observations.len(), "is", "are"),
            counted(observations.width(), "coefficient")
        ),
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

impl Method for GlmOptions {
    type Found = Optimum;

    fn df(fit: &Glm, _: &[f64]) -> f64 {
        match fit.family() {
            Family::Gaussian => (fit.found.sample.n() - fit.found.sample.p()) as f64,
            _ => f64::INFINITY,
        }
    }

    fn method_of_df(fit: &Glm) -> Option<Df> {
        Some(if fit.family() == Family::Gaussian { Df::Residual } else { Df::Asymptotic })
    }

    fn notes(fit: &Glm) -> Vec<String> {
        let method = match fit.options().penalty {
            Penalty::None => "maximum likelihood",
            Penalty::Firth => "Firth's penalised likelihood (Heinze & Schemper 2002)",
        };
        let fitted = format!(
            "{} by {method}; covariance of the coefficients: {}.",
            words::model(fit.family(), fit.link()),
            fit.covariance_kind().words()
        );
        std::iter::once(fitted).chain(fit.observations.note_of_offset()).collect()
    }

    fn outcomes_of_patients(fit: &Glm) -> Option<Vec<(usize, f64)>> {
        let patients = fit.observations.design().patients();
        let unweighted = fit.found.sample.weights.is_empty();
        unweighted.then(|| patients.iter().copied().zip(fit.observations.outcomes().iter().copied()).collect())
    }
}

impl HasFamily for GlmOptions {}
