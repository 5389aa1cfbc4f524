//! Firth's penalised likelihood of a logistic model: finite estimates whatever the data, with intervals by its profile.
//!
//! ℓ*(β) = ℓ(β) + ½ log|X'W(β)X| (Firth 1993, Biometrika 80:27–38), Jeffreys' prior. For a logistic model its maximum
//! exists also where the covariates separate the events from the others (Heinze & Schemper 2002, Stat Med 21:2409–2419),
//! where its profile is far from a parabola: intervals and tests are those of the profile penalised likelihood, in which
//! the information keeps all columns of X. So do R logistf and SAS PROC LOGISTIC with FIRTH and CLPARM=PL.

use super::robust::leverages;
use super::sample::{Sample, sigmoid};
use crate::dist;
use nalgebra::{Cholesky, DMatrix, DVector};

/// The largest penalised likelihood with the last θ held where they are.
#[derive(Debug, Clone)]
pub(super) struct Penalised {
    pub theta: DVector<f64>,
    pub eta: DVector<f64>,
    /// ℓ*, with the information in X.
    pub value: f64,
    pub iterations: usize,
}

/// A search that did not end.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotConverged {
    pub iterations: usize,
}

const MOST_STEPS: usize = 1000;
/// The largest step in θ, in predictors.
const LONGEST_STEP: f64 = 5.0;

/// The state of the search at a θ.
struct At {
    eta: DVector<f64>,
    value: f64,
    /// The modified score of the free θ.
    score: DVector<f64>,
    /// What a step divides by: the information of the free θ with weights w (1 + h). The second derivative of the penalty
    /// is about as large as that: without it, a patient whose leverage is 1 is overstepped for ever.
    curvature: DMatrix<f64>,
}

/// Maximises ℓ* over the first `free` elements of θ.
pub(super) fn maximise(sample: &Sample, start: DVector<f64>, free: usize) -> Result<Penalised, NotConverged> {
    let mut theta = start;
    let mut at = at(sample, &theta, free);
    if free == 0 {
        return Ok(Penalised { theta, eta: at.eta, value: at.value, iterations: 0 });
    }
    for iterations in 1..=MOST_STEPS {
        let Some(factor) = Cholesky::new(at.curvature.clone()) else { return Err(NotConverged { iterations }) };
        let step = factor.solve(&at.score);
        let decrement = at.score.dot(&step);
        let longest = longest_change(sample, &step);
        let mut length = (LONGEST_STEP / longest).min(1.0);
        let small = decrement < 1e-12 * (1.0 + at.value.abs());
        let next = loop {
            let mut next_theta = theta.clone();
            next_theta.rows_mut(0, free).axpy(length, &step, 1.0);
            let next = self::at(sample, &next_theta, free);
            if next.value >= at.value || small || length < 1e-8 {
                break (next_theta, next);
            }
            length *= 0.5;
        };
        (theta, at) = next;
        if decrement.sqrt() < 1e-13 * (1.0 + theta.norm()) {
            return Ok(Penalised { theta, eta: at.eta, value: at.value, iterations });
        }
    }
    Err(NotConverged { iterations: MOST_STEPS })
}

fn longest_change(sample: &Sample, step: &DVector<f64>) -> f64 {
    (sample.q.columns(0, step.len()) * step).amax().max(f64::MIN_POSITIVE)
}

fn at(sample: &Sample, theta: &DVector<f64>, free: usize) -> At {
    let eta = sample.predictors(theta);
    let weights = sample.expected_weights(&eta);
    let weighted = sample.weighted_basis(&weights);
    let h = leverages(&weighted);
    let information = weighted.tr_mul(&weighted);
    let log_determinant = Cholesky::new(information.clone()).map_or(f64::NEG_INFINITY, |c| c.l_dirty().diagonal().map(f64::ln).sum());
    let value = sample.log_likelihood(&eta) + log_determinant + sample.r.diagonal().map(|d| d.abs().ln()).sum();
    let modified = |(i, &eta): (usize, &f64)| sample.at(i, eta).slope + h[i] * (0.5 - sigmoid(eta));
    let slopes = DVector::from_iterator(eta.len(), eta.iter().enumerate().map(modified));
    let score = sample.q.columns(0, free).tr_mul(&slopes);
    let augmented: Vec<f64> = weights.iter().zip(&h).map(|(w, h)| w * (1.0 + h)).collect();
    let of_free = sample.weighted_basis(&augmented).columns(0, free).into_owned();
    At { eta, value, score, curvature: of_free.tr_mul(&of_free) }
}

/// ℓ* where the coefficients of these columns are zero and the others at their best.
pub(super) fn without(sample: &Sample, columns: &[usize]) -> Result<f64, NotConverged> {
    let ordered = sample.with_columns_last(columns);
    maximise(&ordered, DVector::zeros(sample.p()), sample.p() - columns.len()).map(|found| found.value)
}

/// The limits of β of a column at which twice the fall of the profile of ℓ* is the χ² quantile of `level`, given the whole
/// maximum. A limit is infinite where the profile does not fall that far.
pub(super) fn limits(sample: &Sample, whole: &Penalised, column: usize, level: f64) -> Result<(f64, f64), NotConverged> {
    let ordered = sample.with_columns_last(&[column]);
    let last = sample.p() - 1;
    // θ of the last column is r_pp β.
    let scale = ordered.r[(last, last)];
    let beta = sample.beta(&whole.theta);
    let start = ordered.q.tr_mul(&(&sample.q * &whole.theta));
    let se = {
        let weights = sample.expected_weights(&whole.eta);
        sample.vcov(&sample.information_factor(&weights))[(column, column)].sqrt()
    };
    let allowed = 0.5 * dist::chi_squared::quantile(level, 1.0);
    let deviate = (2.0 * allowed).sqrt();
    let limit = |sign: f64| -> Result<f64, NotConverged> {
        let mut from = start.clone();
        let mut fall = |b: f64| -> Result<f64, NotConverged> {
            let mut theta = from.clone();
            theta[last] = scale * b;
            let found = maximise(&ordered, theta, last)?;
            from = found.theta.clone();
            Ok(whole.value - found.value)
        };
        // The signed root of twice the fall is nearly linear in β: the secant on it needs few steps.
        let mut inner = (beta[column], -deviate);
        let mut outer = beta[column] + sign * deviate * se;
        let mut root = (2.0 * fall(outer)?.max(0.0)).sqrt() - deviate;
        let mut widened = 0;
        while root < 0.0 {
            inner = (outer, root);
            outer += sign * deviate * se * f64::from(1 << widened.min(10));
            root = (2.0 * fall(outer)?.max(0.0)).sqrt() - deviate;
            widened += 1;
            if widened > 40 {
                return Ok(sign * f64::INFINITY);
            }
        }
        let mut outer = (outer, root);
        for step in 0..200 {
            let width = (outer.0 - inner.0).abs();
            if width <= 4.0 * f64::EPSILON * (1.0 + outer.0.abs()) {
                break;
            }
            let secant = outer.0 - outer.1 * (outer.0 - inner.0) / (outer.1 - inner.1);
            let middle = 0.5 * (outer.0 + inner.0);
            // Every third step halves the bracket, so that it closes from both sides.
            let next = if step % 3 == 2 { middle } else { secant };
            let value = (2.0 * fall(next)?.max(0.0)).sqrt() - deviate;
            if value.abs() < 1e-13 {
                return Ok(next);
            }
            if value < 0.0 { inner = (next, value) } else { outer = (next, value) }
        }
        Ok(0.5 * (inner.0 + outer.0))
    };
    Ok((limit(-1.0)?, limit(1.0)?))
}
