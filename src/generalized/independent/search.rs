//! The largest likelihood of independent observations: Newton's method that never leaves the range of the means.
//!
//! All pairs of family and link here but the normal with a logarithm have a concave log-likelihood, so that a point
//! without a slope inside the range is the optimum. With the logarithm as link of a probability there may be none: the
//! likelihood may be largest where somebody's probability is 1 (Wacholder 1986, Am J Epidemiol 123:174–184; de Andrade &
//! de Leon Andrade 2018, J Appl Stat 45:1703–1721). A search with a barrier finds that edge, and who is at it.

use super::sample::Sample;
use nalgebra::{Cholesky, DMatrix, DVector};

/// An optimum inside the range.
#[derive(Debug, Clone)]
pub(super) struct Optimum {
    pub theta: DVector<f64>,
    pub eta: DVector<f64>,
    pub iterations: usize,
}

/// How a search ends without one.
#[derive(Debug, Clone)]
pub(super) enum NoOptimum {
    /// No start inside the range is known: the model has no intercept.
    NoStart,
    /// The likelihood is largest at the edge of the range, where these observations are.
    AtEdge(Vec<usize>),
    /// It did not end after so many steps; where it was then.
    Running { iterations: usize, eta: DVector<f64> },
}

const MOST_STEPS: usize = 100;
/// Twice what the likelihood could still rise by, by its quadratic approximation, at which the last step is taken.
const SMALL_DECREMENT: f64 = 1e-14;
/// A step goes at most so far of the way to the edge.
const TOWARDS_EDGE: f64 = 0.95;

/// The optimum of the likelihood.
pub(super) fn maximise(sample: &Sample) -> Result<Optimum, NoOptimum> {
    let start = start(sample)?;
    match climb(sample, start.clone(), 0.0) {
        Err(NoOptimum::Running { .. }) if sample.bounds() != (f64::NEG_INFINITY, f64::INFINITY) => Err(at_edge(sample, start)),
        found => found,
    }
}

/// θ at which every mean is that of all observations, drawn a little into the range.
fn start(sample: &Sample) -> Result<DVector<f64>, NoOptimum> {
    let total: f64 = (0..sample.n()).map(|i| sample.weight(i)).sum();
    let sum: f64 = (0..sample.n()).map(|i| sample.weight(i) * sample.y[i]).sum();
    let mean = match sample.family {
        crate::generalized::Family::Gaussian => sum / total,
        _ => (sum + 0.5) / (total + 1.0),
    };
    let constant = sample.link.apply(mean);
    let constant = if constant.is_finite() { constant } else { 0.0 };
    let without_offset = |i: usize, _| constant - sample.offset.get(i).copied().unwrap_or(0.0);
    let theta = sample.q.transpose() * DVector::from_fn(sample.n(), without_offset);
    match sample.predictors(&theta).iter().all(|&eta| sample.is_inside(eta)) {
        true => Ok(theta),
        false => Err(NoOptimum::NoStart),
    }
}

/// Newton's method from `theta` for ℓ(θ) + `barrier` · Σ log(distance to the edges).
fn climb(sample: &Sample, mut theta: DVector<f64>, barrier: f64) -> Result<Optimum, NoOptimum> {
    let mut eta = sample.predictors(&theta);
    let mut value = objective(sample, &eta, barrier);
    for iterations in 1..=MOST_STEPS {
        let step = newton_step(sample, &eta, barrier);
        let Some((step, decrement)) = step else { return Err(NoOptimum::Running { iterations, eta }) };
        let along = sample.along(&step);
        let furthest = room(sample, &eta, &along);
        let last = decrement <= SMALL_DECREMENT * (1.0 + value.abs()) && furthest > 1.0;
        let mut length = if furthest > 1.0 { 1.0 } else { TOWARDS_EDGE * furthest };
        loop {
            let (next, next_eta) = (&theta + &step * length, &eta + &along * length);
            let next_value = objective(sample, &next_eta, barrier);
            // Below rounding, the quadratic approximation knows better than the difference of two likelihoods.
            let rises = next_value >= value + 1e-4 * length * decrement || (last && next_value.is_finite());
            if rises || length < 1e-10 {
                (theta, eta, value) = (next, next_eta, next_value);
                break;
            }
            length *= 0.5;
        }
        if last {
            let eta = sample.predictors(&theta);
            return Ok(Optimum { theta, eta, iterations });
        }
    }
    Err(NoOptimum::Running { iterations: MOST_STEPS, eta })
}

/// Newton's step and its decrement g'H⁻¹g; `None` where no curvature is left.
fn newton_step(sample: &Sample, eta: &DVector<f64>, barrier: f64) -> Option<(DVector<f64>, f64)> {
    let (lower, upper) = sample.bounds();
    let mut slopes = DVector::zeros(sample.n());
    let mut curvatures = vec![0.0; sample.n()];
    for (i, &eta) in eta.iter().enumerate() {
        let at = sample.at(i, eta);
        slopes[i] = at.slope;
        curvatures[i] = at.curvature;
        for (edge, sign) in [(lower, 1.0), (upper, -1.0)] {
            if barrier > 0.0 && edge.is_finite() {
                slopes[i] += barrier / (eta - edge);
                curvatures[i] += barrier / ((eta - edge) * (eta - edge));
                debug_assert!(sign * (eta - edge) > 0.0);
            }
        }
    }
    let gradient = sample.q.tr_mul(&slopes);
    let factor = factor(sample, &curvatures).or_else(|| factor(sample, &sample.expected_weights(eta)))?;
    let step = factor.solve(&gradient);
    let decrement = gradient.dot(&step);
    decrement.is_finite().then_some((step, decrement))
}

fn factor(sample: &Sample, weights: &[f64]) -> Option<Cholesky<f64, nalgebra::Dyn>> {
    let mut weighted: DMatrix<f64> = sample.q.clone();
    weighted.row_iter_mut().zip(weights).for_each(|(mut row, w)| row *= *w);
    Cholesky::new(sample.q.tr_mul(&weighted))
}

fn objective(sample: &Sample, eta: &DVector<f64>, barrier: f64) -> f64 {
    if !eta.iter().all(|&eta| sample.is_inside(eta)) {
        return f64::NEG_INFINITY;
    }
    let (lower, upper) = sample.bounds();
    let distance = |eta: f64| [eta - lower, upper - eta].into_iter().filter(|d| d.is_finite()).map(f64::ln).sum::<f64>();
    let held: f64 = if barrier > 0.0 { eta.iter().map(|&eta| distance(eta)).sum::<f64>() * barrier } else { 0.0 };
    sample.log_likelihood(eta) + held
}

/// How many steps fit before an edge is met.
fn room(sample: &Sample, eta: &DVector<f64>, along: &DVector<f64>) -> f64 {
    let (lower, upper) = sample.bounds();
    let until = |(&eta, &along): (&f64, &f64)| match along {
        a if a > 0.0 => (upper - eta) / a,
        a if a < 0.0 => (lower - eta) / a,
        _ => f64::INFINITY,
    };
    eta.iter().zip(along.iter()).map(until).fold(f64::INFINITY, f64::min)
}

/// Who is at the edge where the likelihood is largest: whose distance goes to zero with the barrier.
fn at_edge(sample: &Sample, start: DVector<f64>) -> NoOptimum {
    let (mut theta, mut barrier) = (start, 0.1);
    let mut eta = sample.predictors(&theta);
    while barrier > 1e-9 {
        match climb(sample, theta.clone(), barrier) {
            Ok(found) => (theta, eta) = (found.theta, found.eta),
            Err(NoOptimum::Running { eta: reached, .. }) => eta = reached,
            Err(other) => return other,
        }
        barrier *= 0.1;
    }
    let (lower, upper) = sample.bounds();
    let near: Vec<usize> = (0..sample.n()).filter(|&i| (eta[i] - lower).min(upper - eta[i]) < 1e-4).collect();
    if near.is_empty() { NoOptimum::Running { iterations: MOST_STEPS, eta } } else { NoOptimum::AtEdge(near) }
}
