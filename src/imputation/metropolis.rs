//! Draws from the posterior of β and the parameters of any covariance structure, by independence Metropolis–Hastings.
//!
//! With flat priors on β and θ the posterior of θ is proportional to the restricted likelihood. θ is proposed from a t
//! distribution with five degrees of freedom about the estimate, with its asymptotic covariance (Tierney 1994, Annals of
//! Statistics 22:1701–1762, section 2.3.3); β given θ is normal about its generalised least-squares estimate.

use super::posterior::Parameters;
use crate::Fit;
use crate::fit::Estimation;
use crate::simulate::random::Stream;
use nalgebra::{DMatrix, DVector};

/// Degrees of freedom of the proposal: tails heavier than those of the posterior.
const PROPOSAL_DF: f64 = 5.0;

/// The target and the proposal.
pub(super) struct Metropolis<'a> {
    fit: &'a Fit,
    centre: DVector<f64>,
    /// The lower factor of the proposal's scale.
    factor: DMatrix<f64>,
}

/// A state of the chain.
pub(super) struct State {
    theta: Vec<f64>,
    /// The log of target over proposal.
    weight: f64,
    pub accepted: usize,
}

impl<'a> Metropolis<'a> {
    /// None where the information of the covariance parameters is not positive definite, as where a variance vanished.
    pub fn of(fit: &'a Fit) -> Option<Self> {
        let vcov = fit.covariance_parameters_vcov();
        if vcov.iter().any(|x| !x.is_finite()) || !fit.optimum().vanished().is_empty() {
            return None;
        }
        let factor = vcov.clone().cholesky()?.l();
        let centre = DVector::from_iterator(factor.nrows(), fit.covariance_parameters().into_iter().map(|(_, value)| value));
        Some(Self { fit, centre, factor })
    }

    /// The chain begins at a proposal that the likelihood has a value at.
    pub fn start(&self, stream: &mut Stream) -> Option<State> {
        const TRIES: usize = 200;
        (0..TRIES).find_map(|_| {
            let (theta, weight) = self.proposed(stream)?;
            Some(State { theta, weight, accepted: 0 })
        })
    }

    /// One step.
    pub fn step(&self, state: &mut State, stream: &mut Stream) {
        let proposed = self.proposed(stream);
        let chance = stream.uniform();
        if let Some((theta, weight)) = proposed
            && libm::log(chance) < weight - state.weight
        {
            *state = State { theta, weight, accepted: state.accepted + 1 };
        }
    }

    /// A proposal with its log weight; none outside the range of the parameters.
    fn proposed(&self, stream: &mut Stream) -> Option<(Vec<f64>, f64)> {
        let z = DVector::from_vec(stream.normals(self.centre.len()));
        let stretch = (PROPOSAL_DF / stream.chi_squared(PROPOSAL_DF)).sqrt();
        let k = self.centre.len() as f64;
        let distance = z.norm_squared() * stretch * stretch;
        let theta: Vec<f64> = (&self.centre + &self.factor * z * stretch).iter().copied().collect();
        // Whatever lies outside the range of a structure has no positive definite covariance or no value.
        let inside =
            self.fit.covariances_at(&theta).into_iter().all(|sigma| sigma.iter().all(|x| x.is_finite()) && sigma.cholesky().is_some());
        let target = if inside { self.log_target(&theta)? } else { return None };
        let proposal = -0.5 * (PROPOSAL_DF + k) * libm::log(1.0 + distance / PROPOSAL_DF);
        Some((theta, target - proposal))
    }

    /// The restricted log-likelihood.
    fn log_target(&self, theta: &[f64]) -> Option<f64> {
        let found = self.fit.optimum().at(theta)?;
        let restricted = match self.fit.estimation() {
            Estimation::Ml => {
                let l = found.phi.clone().cholesky()?.l();
                found.value - 2.0 * l.diagonal().iter().map(|x| libm::log(*x)).sum::<f64>()
            }
            _ => found.value,
        };
        restricted.is_finite().then_some(-0.5 * restricted)
    }

    /// The state with a draw of β as parameters of the model.
    pub fn parameters(&self, state: &State, stream: &mut Stream) -> Option<Parameters> {
        let optimum = self.fit.optimum();
        let found = optimum.at(&state.theta)?;
        let deviates = DVector::from_vec(stream.normals(found.beta.len()));
        let mut active: Vec<f64> = (found.beta + found.phi.cholesky()?.l() * deviates).iter().copied().collect();
        optimum.centring.coefficients(&mut active);
        let mut beta = vec![f64::NAN; self.fit.beta().len()];
        optimum.kept.iter().zip(active).for_each(|(&column, value)| beta[column] = value);
        Some(Parameters { beta, sigmas: self.fit.covariances_at(&state.theta), sample: None })
    }
}
