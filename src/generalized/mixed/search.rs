//! The search for the maximum of the likelihood: Newton's method with exact Hessians, or BFGS from one Hessian.

use super::cholesky::{backward, factorise, forward, inverse};
use super::intercept::dot;
use super::objective::Evaluation;

/// What is minimised.
pub(super) trait Objective {
    /// −log L with gradient, and Hessian where [`Objective::has_hessian`]; NaN where there is none.
    fn evaluate(&mut self, psi: &[f64], to: &mut Evaluation);

    fn has_hessian(&self) -> bool;
}

/// Where a search ended.
#[derive(Debug, Clone)]
pub(super) struct Minimum {
    pub psi: Vec<f64>,
    /// With the Hessian.
    pub at: Evaluation,
    pub iterations: usize,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The next step is below a billionth of the standard errors.
    Found,
    /// No step lowers −log L, or the steps have run out.
    Stuck,
    /// Parameters beyond any that data could tell from infinity.
    Diverged,
}

const STEPS: usize = 200;
/// √(g'H⁻¹g), a step in units of standard errors, after which Newton's method is where rounding leaves it.
pub(super) const NEWTON: f64 = 1e-6;
/// A step after which Newton's method is within a hundred-millionth of a standard error.
pub(super) const NEARLY: f64 = 1e-4;
/// A step after which it is in the neighbourhood.
pub(super) const ROUGHLY: f64 = 0.1;
/// After so many updates the Hessian is made anew.
const UPDATES: usize = 8;
/// A step that is not worth taking.
const NEGLIGIBLE: f64 = 1e-11;
/// What BFGS, which is slower in the end, needs of the step before.
const BFGS: f64 = 1e-2;

/// Minimises from `start` until a step is shorter than `until`; `curvature` is a Hessian known from elsewhere, for an objective without one. `diverged` says of a
/// point that it is beyond what data could tell from infinity. The Hessian that comes back is exact where the objective
/// has one, and what updates made of it otherwise: see [`finish`].
pub(super) fn minimise(
    objective: &mut dyn Objective,
    start: &[f64],
    curvature: Option<&[f64]>,
    until: f64,
    diverged: &dyn Fn(&[f64]) -> bool,
) -> Minimum {
    let d = start.len();
    let mut psi = start.to_vec();
    let mut at = Evaluation::new(d);
    objective.evaluate(&psi, &mut at);
    let exact = objective.has_hessian();
    let mut hessian = if exact { at.hessian.clone() } else { curvature.map(<[f64]>::to_vec).unwrap_or_default() };
    // Updates since the Hessian was made of differences.
    let mut updates = if hessian.is_empty() { usize::MAX } else { 0 };
    let (mut next, mut tried) = (Evaluation::new(d), vec![0.0; d]);
    let mut iterations = 0;
    let mut end = End::Stuck;
    while iterations < STEPS && at.value.is_finite() {
        iterations += 1;
        if updates > UPDATES {
            hessian = differences(objective, &psi, (!hessian.is_empty()).then_some(&hessian[..]));
            updates = 0;
        }
        let step = descent(&hessian, &at.gradient);
        let decrement = -dot(&step, &at.gradient);
        let length = decrement.max(0.0).sqrt();
        if length < NEGLIGIBLE {
            end = End::Found;
            break;
        }
        // A whole step wherever −log L can no longer tell.
        let blind = decrement < 1e-10 * (1.0 + at.value.abs());
        let mut size = 1.0;
        let accepted = loop {
            (0..d).for_each(|k| tried[k] = psi[k] + size * step[k]);
            objective.evaluate(&tried, &mut next);
            if next.value.is_finite() && (blind || next.value <= at.value - 1e-4 * size * decrement) {
                break true;
            }
            size *= if next.value.is_finite() { 0.5 } else { 0.2 };
            if size < 1e-10 {
                break false;
            }
        };
        if !accepted {
            if updates > 0 && !exact {
                updates = usize::MAX;
                continue;
            }
            break;
        }
        if !exact {
            update(&mut hessian, &psi, &tried, &at.gradient, &next.gradient);
            let after = -dot(&descent(&hessian, &next.gradient), &next.gradient);
            let is_poor = size < 0.3 || (blind && after > decrement);
            updates = if is_poor { usize::MAX } else { updates + 1 };
        }
        psi.copy_from_slice(&tried);
        std::mem::swap(&mut at, &mut next);
        if exact {
            hessian.copy_from_slice(&at.hessian);
        }
        if diverged(&psi) {
            end = End::Diverged;
            break;
        }
        if length < if exact { until } else { until.max(NEWTON) * BFGS } {
            end = End::Found;
            break;
        }
    }
    at.hessian = hessian;
    Minimum { psi, at, iterations, end }
}

/// Replaces the Hessian of an objective that has none of its own by differences of its gradient, and takes Newton's last
/// steps with it.
pub(super) fn finish(objective: &mut dyn Objective, minimum: &mut Minimum) {
    if objective.has_hessian() || !minimum.at.value.is_finite() {
        return;
    }
    let d = minimum.psi.len();
    for round in 0..3 {
        let hessian = differences(objective, &minimum.psi, Some(&minimum.at.hessian));
        minimum.at.hessian.copy_from_slice(&hessian);
        if inverse(&hessian, d).is_none() {
            return;
        }
        let step = descent(&hessian, &minimum.at.gradient);
        let length = (-dot(&step, &minimum.at.gradient)).max(0.0).sqrt();
        if !(NEGLIGIBLE..=1e-2).contains(&length) {
            return;
        }
        let tried: Vec<f64> = minimum.psi.iter().zip(&step).map(|(a, b)| a + b).collect();
        let mut next = Evaluation::new(d);
        objective.evaluate(&tried, &mut next);
        if !next.value.is_finite() || next.value > minimum.at.value + 1e-10 * (1.0 + minimum.at.value.abs()) {
            return;
        }
        next.hessian.copy_from_slice(&hessian);
        minimum.psi = tried;
        minimum.at = next;
        minimum.end = End::Found;
        // From so near the Hessian is the same.
        if length < NEWTON || round == 2 {
            return;
        }
    }
}

/// −H⁻¹g, H with as much added to its diagonal as makes it positive definite.
fn descent(hessian: &[f64], gradient: &[f64]) -> Vec<f64> {
    let d = gradient.len();
    let scale: Vec<f64> = (0..d).map(|k| hessian[k * d + k].abs().max(1e-8).sqrt()).collect();
    let mut ridge = 0.0;
    loop {
        let mut l: Vec<f64> = (0..d * d).map(|at| hessian[at] / scale[at / d] / scale[at % d]).collect();
        (0..d).for_each(|k| l[k * d + k] += ridge);
        if factorise(&mut l, d) {
            let mut step: Vec<f64> = (0..d).map(|k| -gradient[k] / scale[k]).collect();
            forward(&l, d, &mut step);
            backward(&l, d, &mut step);
            step.iter_mut().zip(&scale).for_each(|(x, s)| *x /= s);
            return step;
        }
        ridge = if ridge == 0.0 { 1e-3 } else { 4.0 * ridge };
        if ridge > 1e12 {
            return gradient.iter().zip(&scale).map(|(g, s)| -g / (s * s)).collect();
        }
    }
}

/// Broyden, Fletcher, Goldfarb and Shanno's update of a Hessian, damped as Powell has it where the curvature is not positive.
fn update(hessian: &mut [f64], from: &[f64], to: &[f64], gradient: &[f64], next: &[f64]) {
    let d = from.len();
    let s: Vec<f64> = to.iter().zip(from).map(|(a, b)| a - b).collect();
    let mut y: Vec<f64> = next.iter().zip(gradient).map(|(a, b)| a - b).collect();
    let hs: Vec<f64> = (0..d).map(|i| dot(&hessian[i * d..(i + 1) * d], &s)).collect();
    let shs = dot(&s, &hs);
    let sy = dot(&s, &y);
    if !(shs > 0.0 && sy.is_finite()) {
        return;
    }
    if sy < 0.2 * shs {
        let theta = 0.8 * shs / (shs - sy);
        y.iter_mut().zip(&hs).for_each(|(y, h)| *y = theta * *y + (1.0 - theta) * h);
    }
    let sy = dot(&s, &y);
    for i in 0..d {
        for j in 0..d {
            hessian[i * d + j] += y[i] * y[j] / sy - hs[i] * hs[j] / shs;
        }
    }
}

/// The Hessian by central differences of the gradient, with steps of some ten-thousandths of standard errors: to about seven
/// digits.
fn differences(objective: &mut dyn Objective, psi: &[f64], about: Option<&[f64]>) -> Vec<f64> {
    let d = psi.len();
    let mut hessian = vec![0.0; d * d];
    let mut at = Evaluation::new(d);
    let mut point = psi.to_vec();
    for k in 0..d {
        let known = about.map(|h| h[k * d + k]).filter(|c| *c > 0.0 && c.is_finite());
        let h = known.map_or(1e-4, |c| 4e-4 / c.sqrt()).clamp(1e-7, 0.05 * (1.0 + psi[k].abs()));
        for sign in [-1.0, 1.0] {
            point[k] = psi[k] + sign * h;
            objective.evaluate(&point, &mut at);
            (0..d).for_each(|i| hessian[i * d + k] += sign * at.gradient[i] / (2.0 * h));
        }
        point[k] = psi[k];
    }
    for i in 0..d {
        for j in 0..i {
            let mean = 0.5 * (hessian[i * d + j] + hessian[j * d + i]);
            hessian[i * d + j] = mean;
            hessian[j * d + i] = mean;
        }
    }
    hessian
}
