//! Independent observations of one generalized linear model, as the searches see them: an orthonormal basis of the
//! columns of the model matrix, the outcomes, and the likelihood as a function of the linear predictor.

use crate::estimates::Link;
use crate::generalized::Family;
use nalgebra::{DMatrix, DVector};

/// What a model of independent observations is fitted to. The model matrix X (N × p, of full rank) is QR with R upper
/// triangular; searches move θ = Rβ, in which columns of any unit and origin are equally well conditioned.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub q: DMatrix<f64>,
    pub r: DMatrix<f64>,
    pub y: Vec<f64>,
    /// What is added to the linear predictors; empty where nothing is.
    pub offset: Vec<f64>,
    /// Frequencies or precisions; empty where every observation counts once.
    pub weights: Vec<f64>,
    pub family: Family,
    pub link: Link,
}

/// The log-likelihood of one observation as a function of its linear predictor.
pub(super) struct AtPredictor {
    pub value: f64,
    /// dℓ/dη.
    pub slope: f64,
    /// −d²ℓ/dη².
    pub curvature: f64,
}

impl Sample {
    /// From the rows of the model matrix, one after the other, p numbers each.
    pub fn new(rows: &[f64], p: usize, y: Vec<f64>, weights: Option<Vec<f64>>, family: Family, link: Link) -> Self {
        let x = DMatrix::from_row_slice(y.len(), p, rows);
        let (q, r) = x.qr().unpack();
        Self { q, r, y, offset: vec![], weights: weights.unwrap_or_default(), family, link }
    }

    /// With this added to the linear predictors.
    pub fn with_offset(self, offset: Option<Vec<f64>>) -> Self {
        Self { offset: offset.unwrap_or_default(), ..self }
    }

    /// The same with these columns last: θ fixed at zero there is β fixed at zero, and where there is one of them, θ is
    /// proportional to its β.
    pub fn with_columns_last(&self, last: &[usize]) -> Self {
        let order: Vec<usize> = (0..self.p()).filter(|c| !last.contains(c)).chain(last.iter().copied()).collect();
        let x = (&self.q * &self.r).select_columns(&order);
        let (q, r) = x.qr().unpack();
        Self { q, r, ..self.clone() }
    }

    pub fn n(&self) -> usize {
        self.y.len()
    }

    pub fn p(&self) -> usize {
        self.r.ncols()
    }

    pub fn weight(&self, i: usize) -> f64 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// The linear predictors at θ.
    pub fn predictors(&self, theta: &DVector<f64>) -> DVector<f64> {
        let mut eta = self.along(theta);
        eta.iter_mut().zip(&self.offset).for_each(|(eta, offset)| *eta += offset);
        eta
    }

    /// By how much a step in θ moves the linear predictors.
    pub fn along(&self, step: &DVector<f64>) -> DVector<f64> {
        &self.q * step
    }

    /// β = R⁻¹θ.
    pub fn beta(&self, theta: &DVector<f64>) -> DVector<f64> {
        self.r.solve_upper_triangular(theta).unwrap_or_else(|| DVector::from_element(self.p(), f64::NAN))
    }

    /// The covariance of β from the upper triangular factor U of an information U'U of θ.
    pub fn vcov(&self, information_factor: &DMatrix<f64>) -> DMatrix<f64> {
        let (p, whole) = (self.p(), information_factor * &self.r);
        let inverse = whole.solve_upper_triangular(&DMatrix::identity(p, p));
        inverse.map_or_else(|| DMatrix::from_element(p, p, f64::NAN), |inverse| &inverse * inverse.transpose())
    }

    /// The triangular factor of Q'WQ.
    pub fn information_factor(&self, weights: &[f64]) -> DMatrix<f64> {
        self.weighted_basis(weights).qr().unpack_r()
    }

    /// √W Q.
    pub fn weighted_basis(&self, weights: &[f64]) -> DMatrix<f64> {
        let mut scaled = self.q.clone();
        scaled.row_iter_mut().zip(weights).for_each(|(mut row, w)| row *= w.sqrt());
        scaled
    }

    /// The weights of the expected information at these predictors: (dμ/dη)²/V(μ), times the observation's own.
    pub fn expected_weights(&self, eta: &DVector<f64>) -> Vec<f64> {
        let weight = |(i, &eta): (usize, &f64)| {
            let (mean, slope) = (self.link.inverse(eta), self.link.slope(eta));
            let expected = match (self.family, self.link) {
                (Family::Binomial, Link::Logit) | (Family::Poisson, Link::Log) => slope,
                _ => slope * slope / self.family.variance(mean),
            };
            self.weight(i) * expected
        };
        eta.iter().enumerate().map(weight).collect()
    }

    /// Whether a predictor lies strictly inside the range of the family.
    pub fn is_inside(&self, eta: f64) -> bool {
        let (lower, upper) = self.bounds();
        eta > lower && eta < upper
    }

    /// The open range of linear predictors whose means the family knows.
    pub fn bounds(&self) -> (f64, f64) {
        match (self.family, self.link) {
            (Family::Binomial, Link::Log) => (f64::NEG_INFINITY, 0.0),
            (Family::Binomial, Link::Identity) => (0.0, 1.0),
            (Family::Poisson, Link::Identity) => (0.0, f64::INFINITY),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// The log-likelihood of observation `i` and its derivatives, without what does not depend on the predictor.
    pub fn at(&self, i: usize, eta: f64) -> AtPredictor {
        let y = self.y[i];
        let (value, slope, curvature) = match (self.family, self.link) {
            (Family::Binomial, Link::Logit) => {
                let (event, none) = (sigmoid(eta), sigmoid(-eta));
                // y − p without cancellation at either end.
                (y * eta - log_one_plus_exp(eta), y * none - (1.0 - y) * event, event * none)
            }
            (Family::Binomial, Link::Log) => {
                let none = -eta.exp_m1();
                let odds = eta.exp() / none;
                let missed = 1.0 - y;
                let log_none = if missed == 0.0 { 0.0 } else { missed * none.ln() };
                (y * eta + log_none, y - missed * odds, missed * odds / none)
            }
            (Family::Binomial, Link::Identity) => {
                let term = |share: f64, p: f64| if share == 0.0 { [0.0; 3] } else { [share * p.ln(), share / p, share / (p * p)] };
                let (event, none) = (term(y, eta), term(1.0 - y, 1.0 - eta));
                (event[0] + none[0], event[1] - none[1], event[2] + none[2])
            }
            (Family::Poisson, Link::Log) => (y * eta - eta.exp(), y - eta.exp(), eta.exp()),
            (Family::Poisson, Link::Identity) => {
                let log = if y == 0.0 { 0.0 } else { y * eta.ln() };
                (log - eta, y / eta - 1.0, y / (eta * eta))
            }
            _ => {
                let (mean, slope) = (self.link.inverse(eta), self.link.slope(eta));
                (-0.5 * (y - mean).powi(2), (y - mean) * slope, slope * slope)
            }
        };
        let weight = self.weight(i);
        AtPredictor { value: weight * value, slope: weight * slope, curvature: weight * curvature }
    }

    /// The log-likelihood at these predictors, without what does not depend on them.
    pub fn log_likelihood(&self, eta: &DVector<f64>) -> f64 {
        eta.iter().enumerate().map(|(i, &eta)| self.at(i, eta).value).sum()
    }
}

/// 1/(1 + e⁻ˣ), accurate relatively at both ends.
pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// log(1 + eˣ).
pub(super) fn log_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
