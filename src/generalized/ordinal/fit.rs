//! A fitted cumulative logit model.

use super::effect::{Effect, levels};
use super::likelihood::{Optimum, Sample, maximise, sigmoid};
use super::proportional::{ProportionalOdds, score_test};
use super::{CumulativeLogits, Ordinal, OrdinalVcov};
use crate::error::{Error, Result};
use crate::estimates::{Df, Estimates, Link};
use crate::generalized::independent::ordinal_separation;
use crate::generalized::method::Method;
use crate::generalized::mixed::logistic_normal;
use crate::generalized::population::of_predictor;
use crate::generalized::{GeneralizedFit, NotFitted, Observations, PopulationCell};
use crate::table::agreeing;
use nalgebra::{DMatrix, DVector};

/// A cumulative logit model with proportional odds, fitted.
///
/// x'β is the log odds of being above the lowest category; the first threshold is minus the intercept.
/// [`OrdinalFit::thresholds`] has all thresholds, [`OrdinalFit::population_means`] the probabilities of the population, where
/// [`population_means`](crate::generalized::population_means) has that of being above the lowest category.
pub type OrdinalFit = GeneralizedFit<CumulativeLogits>;

/// What a cumulative logit model has beside coefficients and their covariance.
#[derive(Debug, Clone)]
pub struct Maximum {
    pub(super) sample: Sample,
    pub(super) optimum: Optimum,
    pub(super) effect: Option<Effect>,
    /// Those that are observed, lowest first.
    labels: Vec<String>,
    /// Those that nobody analysed is in.
    unseen: Vec<String>,
    /// Of all columns, then the cut-points from the second on, then the standard deviation of a random intercept.
    parameters: DMatrix<f64>,
}

/// The model fitted to the observations, whose outcomes are positions among the categories `labels`.
pub(super) fn fitted(asked: Ordinal, observations: Observations, labels: &[String]) -> Result<OrdinalFit> {
    let levels = levels(&observations)?;
    if levels.is_none() {
        must_be_one_per_patient(&observations)?;
    }
    let (labels, unseen, y) = observed(&observations, labels);
    if labels.len() < 2 {
        return Err(Error::no_data(
            format!("the ordinal outcome `{}`", observations.columns().outcome()),
            format!("all outcomes analysed are in one category, {}", labels.join("")),
            "check the outcome and its categories",
        ));
    }
    let x = DMatrix::from_row_slice(y.len(), observations.width(), &observations.x);
    let (q, r) = x.qr().unpack();
    let offset = observations.offset.clone().unwrap_or_default();
    let weights = observations.weights.clone().unwrap_or_default();
    let sample = Sample { q, r, y, offset, weights, cuts: labels.len() - 1 };
    let optimum = match maximise(&sample) {
        Ok(found) if sample.predictors(&found.parameters).amax() < SUSPICIOUS => found,
        found => match (ordinal_separation(&observations, &sample.y, sample.cuts), found) {
            (Some(separated), _) => return Err(Error::NotFitted(separated)),
            (None, Ok(found)) => found,
            (None, Err(iterations)) => return Err(Error::NotFitted(NotFitted::NoSolution { iterations })),
        },
    };
    let unit_scores = sample.scores(&optimum.parameters);
    let (optimum, effect, unit_scores) = match &levels {
        None => (optimum, None, unit_scores),
        Some(levels) => Effect::fitted(&observations, &sample, levels, optimum)?,
    };
    let own = covariance(&sample, &optimum, &unit_scores, asked.vcov_method());
    let beta = sample.r.solve_upper_triangular(&optimum.parameters.rows(0, sample.p()).into_owned());
    let (Some(beta), true) = (beta, own.iter().all(|v| v.is_finite())) else {
        return Err(Error::NotFitted(NotFitted::SingularInformation));
    };
    let mut parameters = observations.covariance_with_others(&own);
    let aliased = (0..observations.columns().len()).filter(|c| !observations.kept.contains(c));
    aliased.for_each(|c| parameters[(c, c)] = f64::NAN);
    let iterations = optimum.iterations;
    let found = Maximum { sample, optimum, effect, labels, unseen, parameters };
    Ok(OrdinalFit::new(asked, observations, beta.as_slice(), &own, iterations, found))
}

impl OrdinalFit {
    /// The categories that are observed, lowest first.
    pub fn categories(&self) -> &[String] {
        &self.found.labels
    }

    /// The log-likelihood at the estimates.
    pub fn log_likelihood(&self) -> f64 {
        self.found.optimum.at.value
    }

    /// The random intercept, where there is one.
    pub fn random_intercept(&self) -> Option<&Effect> {
        self.found.effect.as_ref()
    }

    /// The cut-points c₁ = 0 < c₂ < … of x'β: P(Y ≤ j) = F(c_j − x'β).
    pub fn cut_points(&self) -> Vec<f64> {
        let Maximum { sample, optimum, .. } = &self.found;
        std::iter::once(0.0).chain(optimum.parameters.rows(sample.p(), sample.cuts - 1).iter().copied()).collect()
    }

    /// The covariance of the coefficients of all columns, of the cut-points from the second on, and of the standard deviation of a
    /// random intercept.
    pub fn parameter_covariance(&self) -> &DMatrix<f64> {
        &self.found.parameters
    }

    /// The score test of proportional odds: whether the coefficients are the same for every category.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is nothing to test: two categories, no covariate, or no intercept.
    pub fn proportional_odds(&self) -> Result<ProportionalOdds> {
        if self.found.effect.is_some() {
            return Err(Error::not_built(
                "the score test of proportional odds with a random intercept",
                "it is for one outcome per patient",
                "test it at one visit",
            ));
        }
        score_test(&self.found.sample, &self.found.optimum)
    }
}

/// A linear predictor beyond which a coefficient may be infinite.
const SUSPICIOUS: f64 = 11.0;

fn must_be_one_per_patient(observations: &Observations) -> Result<()> {
    match observations.patients_with_several() {
        0 => Ok(()),
        several => Err(Error::not_built(
            "a cumulative logit model of several visits without random effects",
            format!(
                "{several} of the {} patients analysed {} several outcomes, which are not independent",
                observations.n_patients(),
                agreeing(several, "has", "have")
            ),
            "add a random intercept of the patients, (1 | patient), or analyse one visit",
        )),
    }
}

/// The categories that are observed, those that are not, and the position of each outcome among the former.
fn observed(observations: &Observations, labels: &[String]) -> (Vec<String>, Vec<String>, Vec<usize>) {
    let occurs = |k: &usize| observations.y.contains(&(*k as f64));
    let (seen, unseen): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(occurs);
    let y = observations.y.iter().map(|y| seen.iter().position(|k| *k as f64 == *y).unwrap_or(0)).collect();
    let named = |positions: Vec<usize>| positions.into_iter().map(|k| labels[k].clone()).collect();
    (named(seen), named(unseen), y)
}

/// Of β, then of the cut-points from the second on.
fn covariance(sample: &Sample, optimum: &Optimum, scores: &DMatrix<f64>, vcov: OrdinalVcov) -> DMatrix<f64> {
    let (p, d) = (sample.p(), optimum.parameters.len());
    let bread = optimum.factor.inverse();
    let own = match vcov {
        OrdinalVcov::Model => bread,
        OrdinalVcov::Robust => &bread * scores.tr_mul(scores) * &bread,
    };
    let mut to_beta = DMatrix::identity(d, d);
    let inverse = sample.r.solve_upper_triangular(&DMatrix::identity(p, p)).unwrap_or_else(|| DMatrix::from_element(p, p, f64::NAN));
    to_beta.view_mut((0, 0), (p, p)).copy_from(&inverse);
    &to_beta * own * to_beta.transpose()
}

/// P(Y ≤ a cut-point) in the population, with its slopes in the cut-point and in the standard deviation of a random intercept.
pub(super) fn below(cut: f64, eta: f64, sd: Option<f64>) -> [f64; 3] {
    match sd {
        None => [sigmoid(cut - eta), sigmoid(cut - eta) * sigmoid(eta - cut), 0.0],
        Some(sd) => {
            let found = logistic_normal(cut - eta, sd * sd);
            [found.mean, found.by_eta, 2.0 * sd * found.by_variance]
        }
    }
}

impl Method for CumulativeLogits {
    type Found = Maximum;

    fn link(_: &Ordinal) -> Link {
        Link::Logit
    }

    fn df(_: &OrdinalFit, _: &[f64]) -> f64 {
        f64::INFINITY
    }

    fn method_of_df(_: &OrdinalFit) -> Option<Df> {
        Some(Df::Asymptotic)
    }

    fn notes(fit: &OrdinalFit) -> Vec<String> {
        let mut notes = vec![
            format!(
                "Cumulative logits of {} (categories {}), proportional odds, by maximum likelihood; covariance of the coefficients: {}; normal \
                 distribution.",
                fit.columns().outcome(),
                fit.found.labels.join(" < "),
                fit.asked.vcov_method().words()
            ),
            "logit P(Y ≤ j) = θ_j − x'β, as in R's polr and clm: a coefficient above zero shifts towards higher categories, and its \
             exponential is the ratio of the odds of being above any of them. SAS PROC LOGISTIC has logit P(Y ≤ j) = α_j + x'β: the same \
             thresholds, coefficients of the other sign. The intercept is minus the first threshold."
                .to_string(),
        ];
        notes.extend(fit.found.effect.as_ref().map(Effect::note));
        notes.extend(fit.observations.note_of_offset());
        if !fit.found.unseen.is_empty() {
            notes.push(format!("Nobody analysed is in category {}: left out.", fit.found.unseen.join(", ")));
        }
        notes
    }

    fn parameters_vcov(fit: &OrdinalFit) -> &DMatrix<f64> {
        if fit.sd().is_some() { &fit.found.parameters } else { &fit.vcov }
    }

    /// The probability of being above the lowest category, of which x'β is the log odds; `OrdinalFit::population_means` has
    /// every category.
    fn population_mean(fit: &OrdinalFit, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
        let Some(sd) = fit.sd() else { return of_predictor(fit.beta(), Link::Logit, cell, gradient) };
        let [lowest, by_cut, by_sd] = below(0.0, cell.predictor(fit.beta()), Some(sd));
        gradient.iter_mut().zip(cell.row).for_each(|(g, x)| *g += by_cut * x);
        gradient.iter_mut().last().into_iter().for_each(|g| *g -= by_sd);
        1.0 - lowest
    }
}

impl OrdinalFit {
    /// The standard deviation of a random intercept, where there is one that has not vanished.
    pub(super) fn sd(&self) -> Option<f64> {
        self.random_intercept().and_then(Effect::known)
    }

    /// The position of the intercept among the columns, where it is one that the data determine.
    pub(super) fn intercept(&self) -> Option<usize> {
        let at = self.columns().iter().position(|column| column.name == "(Intercept)")?;
        (!self.beta[at].is_nan()).then_some(at)
    }

    /// θ_j = c_j − β₀ and its standard error, cut-points counted from 0.
    pub(super) fn threshold(&self, cut: usize) -> (f64, f64) {
        let mut weights = DVector::zeros(self.found.parameters.nrows());
        let mut estimate = self.cut_points()[cut];
        if let Some(at) = self.intercept() {
            weights[at] = -1.0;
            estimate -= self.beta[at];
        }
        if cut > 0 {
            weights[self.beta.len() + cut - 1] = 1.0;
        }
        let used: Vec<usize> = (0..weights.len()).filter(|&k| weights[k] != 0.0).collect();
        let variance: f64 = used
            .iter()
            .flat_map(|&a| used.iter().map(move |&b| (a, b)))
            .map(|(a, b)| weights[a] * weights[b] * self.found.parameters[(a, b)])
            .sum();
        (estimate, variance.sqrt())
    }
}
