//! The search for β and α: Fisher scoring from the fit under independence, α by moments at every step, until nothing
//! moves.

use super::data::Data;
use super::equations::{Correlations, Equations, Residuals, Undefined, equations, score};
use super::structure::{AlphaConvention, WorkingCorrelation};
use crate::estimates::Link;
use crate::generalized::Family;
use nalgebra::{DMatrix, DVector, LU};

/// Where the search ended.
#[derive(Debug)]
pub(super) struct Solution {
    pub beta: Vec<f64>,
    pub alpha: Vec<f64>,
    pub phi: f64,
    pub residuals: Residuals,
    pub correlations: Correlations,
    /// H⁻¹.
    pub inverse: DMatrix<f64>,
    pub iterations: usize,
    /// The last step in standard errors.
    pub last_step: f64,
}

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unsolved {
    Undefined(Undefined),
    NotConverged(usize),
}

impl From<Undefined> for Unsolved {
    fn from(undefined: Undefined) -> Self {
        Unsolved::Undefined(undefined)
    }
}

const MOST_ITERATIONS: usize = 200;

/// The step, in standard errors, below which H is kept: it changes little then.
const KEEP: f64 = 0.3;

/// The step, in standard errors, at which the fit under independence has served as a start.
const NEAR: f64 = 0.3;

/// What may be left to go, in standard errors of β and units of α, by the rate at which the steps shrink.
const LEFT: f64 = 1e-12;

/// Below this, steps are rounding.
const ROUNDING: f64 = 1e-11;

pub(super) fn solve(data: &Data, structure: WorkingCorrelation, convention: AlphaConvention) -> Result<Solution, Unsolved> {
    let (beta, iterations) = independent(data)?;
    let mut search = Search { data, structure, convention, beta, iterations };
    search.run()
}

/// One step of Fisher scoring, as a factor of H.
struct Factor {
    inverse: DMatrix<f64>,
}

impl Factor {
    fn of(information: &DMatrix<f64>) -> Result<Self, Undefined> {
        // In units in which the diagonal is one, so that units of covariates do not matter.
        let p = information.nrows();
        let scale: Vec<f64> = (0..p).map(|k| information[(k, k)].sqrt()).collect();
        if scale.iter().any(|s| !(*s > 0.0 && s.is_finite())) {
            return Err(Undefined::Singular);
        }
        let scaled = DMatrix::from_fn(p, p, |a, b| information[(a, b)] / (scale[a] * scale[b]));
        let lu = LU::new(scaled);
        let smallest = lu.u().diagonal().iter().fold(f64::INFINITY, |least, pivot| least.min(pivot.abs()));
        if smallest < 1e-13 {
            return Err(Undefined::Singular);
        }
        let inverse = lu.try_inverse().ok_or(Undefined::Singular)?;
        Ok(Self { inverse: DMatrix::from_fn(p, p, |a, b| inverse[(a, b)] / (scale[a] * scale[b])) })
    }

    fn step(&self, score: &DVector<f64>) -> DVector<f64> {
        &self.inverse * score
    }

    /// The largest part of a step in standard errors for φ = 1.
    fn size(&self, step: &DVector<f64>) -> f64 {
        (0..step.len()).map(|k| step[k].abs() / self.inverse[(k, k)].abs().sqrt()).fold(0.0, f64::max)
    }
}

/// β near the solution of the same equations under independence, by Fisher scoring. A step is halved until the score along
/// it has fallen.
fn independent(data: &Data) -> Result<(Vec<f64>, usize), Unsolved> {
    let identity = Correlations::of(data, WorkingCorrelation::Independence, &[])?;
    let mut beta = start(data)?;
    let mut at = equations(data, &identity, &Residuals::at(data, &beta)?);
    for iteration in 1..=MOST_ITERATIONS {
        let factor = Factor::of(&at.information)?;
        let step = factor.step(&at.score);
        let (size, rise) = (factor.size(&step), step.dot(&at.score));
        let mut share = 1.0;
        loop {
            let tried: Vec<f64> = beta.iter().zip(step.iter()).map(|(b, s)| b + share * s).collect();
            match Residuals::at(data, &tried) {
                Ok(residuals) => {
                    let next = equations(data, &identity, &residuals);
                    if step.dot(&next.score).abs() <= FALLEN * rise || size < ROUNDING {
                        (beta, at) = (tried, next);
                        break;
                    }
                }
                Err(undefined) if share < LEAST_SHARE => return Err(undefined.into()),
                Err(_) => {}
            }
            if share < LEAST_SHARE {
                return Err(Unsolved::NotConverged(iteration));
            }
            share *= 0.5;
        }
        if share == 1.0 && size < NEAR {
            return Ok((beta, iteration));
        }
    }
    Err(Unsolved::NotConverged(MOST_ITERATIONS))
}

/// The share of the score along a step that may be left behind it.
const FALLEN: f64 = 0.9;

/// Smaller shares of a step lead nowhere.
const LEAST_SHARE: f64 = 1e-8;

/// The quasi-likelihood of an observation, with its digits at both ends.
pub(super) fn of_predictor(data: &Data, row: usize, eta: f64) -> f64 {
    if data.family == Family::Binomial && data.link == Link::Logit {
        // log μ = −log(1 + e^−η).
        let log_mean = |eta: f64| if eta > 0.0 { -(-eta).exp().ln_1p() } else { eta - eta.exp().ln_1p() };
        let y = data.y[row];
        return y * log_mean(eta) + (1.0 - y) * log_mean(-eta);
    }
    data.family.quasi_likelihood(data.y[row], data.link.inverse(eta))
}

/// β with which every mean is as near to that of all outcomes as the columns allow.
fn start(data: &Data) -> Result<Vec<f64>, Unsolved> {
    let (mut total, mut sum) = (0.0, 0.0);
    for c in 0..data.clusters() {
        total += data.count[c] * data.rows(c).len() as f64;
        sum += data.count[c] * data.rows(c).map(|row| data.y[row]).sum::<f64>();
    }
    let mean = match data.family {
        // Never at an end of the range.
        Family::Binomial => (sum + 0.5) / (total + 1.0),
        Family::Poisson => (sum + 0.5) / total,
        Family::Gaussian => sum / total,
    };
    if data.family == Family::Gaussian && data.link == Link::Identity {
        return Ok(vec![0.0; data.p]);
    }
    let eta = data.link.apply(if data.family == Family::Gaussian { mean.max(1e-3) } else { mean });
    let eta = eta - data.offset.as_ref().map_or(0.0, |offset| offset.iter().sum::<f64>() / offset.len() as f64);
    if let Some(intercept) = (0..data.p).find(|&k| data.x.iter().skip(k).step_by(data.p).all(|x| *x == 1.0)) {
        let mut beta = vec![0.0; data.p];
        beta[intercept] = eta;
        return Ok(beta);
    }
    let unit = Residuals { e: vec![eta; data.y.len()], scale: vec![1.0; data.y.len()] };
    let identity = Correlations::of(data, WorkingCorrelation::Independence, &[])?;
    let Equations { score, information } = equations(data, &identity, &unit);
    Ok(Factor::of(&information)?.step(&score).iter().copied().collect())
}

struct Search<'a> {
    data: &'a Data,
    structure: WorkingCorrelation,
    convention: AlphaConvention,
    beta: Vec<f64>,
    iterations: usize,
}

impl Search<'_> {
    /// α of these residuals, and R.
    fn working(&self, residuals: &Residuals) -> Result<(Vec<f64>, Correlations), Undefined> {
        let alpha = residuals.alpha(self.data, self.structure, self.convention)?;
        let correlations = Correlations::of(self.data, self.structure, &alpha)?;
        Ok((alpha, correlations))
    }

    fn run(&mut self) -> Result<Solution, Unsolved> {
        let data = self.data;
        let mut residuals = Residuals::at(data, &self.beta)?;
        let (mut alpha, mut correlations) = self.working(&residuals)?;
        let mut kept: Option<Factor> = None;
        let mut before = f64::INFINITY;
        loop {
            let factor = match kept.take() {
                Some(factor) => factor,
                None => Factor::of(&equations(data, &correlations, &residuals).information)?,
            };
            let step = factor.step(&score(data, &correlations, &residuals));
            let (beta, found) = self.moved(&step)?;
            let (next, own) = self.working(&found)?;
            let change = alpha.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let size = factor.size(&step).max(change);
            (self.beta, residuals, alpha, correlations) = (beta, found, next, own);
            self.iterations += 1;
            let rate = size / before;
            if size < ROUNDING || (rate < 0.9 && size * rate / (1.0 - rate) < LEFT && before < 1.0) {
                return self.end(alpha, residuals, correlations, size);
            }
            // Steps that do not shrink want a new H.
            if size < KEEP && rate < 0.2 {
                kept = Some(factor);
            }
            before = size;
            if self.iterations > MOST_ITERATIONS {
                return Err(Unsolved::NotConverged(self.iterations));
            }
        }
    }

    /// β after a step, or the largest part of it that keeps every mean in its range.
    fn moved(&self, step: &DVector<f64>) -> Result<(Vec<f64>, Residuals), Unsolved> {
        let mut share = 1.0;
        loop {
            let tried: Vec<f64> = self.beta.iter().zip(step.iter()).map(|(b, s)| b + share * s).collect();
            match Residuals::at(self.data, &tried) {
                Ok(found) => return Ok((tried, found)),
                Err(undefined) if share < 1e-6 => return Err(undefined.into()),
                Err(_) => share *= 0.5,
            }
        }
    }

    fn end(&self, alpha: Vec<f64>, residuals: Residuals, correlations: Correlations, last_step: f64) -> Result<Solution, Unsolved> {
        let information = equations(self.data, &correlations, &residuals).information;
        let inverse = Factor::of(&information)?.inverse;
        let phi = residuals.phi(self.data, self.convention);
        Ok(Solution { beta: self.beta.clone(), alpha, phi, residuals, correlations, inverse, iterations: self.iterations, last_step })
    }
}
