//! Directions in which a likelihood rises for ever: separation of the events from the others by the covariates.
//!
//! A likelihood of independent observations has no finite optimum exactly where some direction d ≠ 0 never lowers it and
//! raises it for ever: for a logistic model z_i'd ≥ 0 for all i and > 0 for some, z_i = (2y_i − 1)x_i (Albert & Anderson
//! 1984, Biometrika 71:1–10). Finding it is usually put as a linear program (Konis 2007, DPhil thesis, Oxford). Here it is
//! a projection: the distance from −Σ z_i to the cone {Σ λ_i z_i, λ ≥ 0} is zero exactly where there is no such direction
//! (Stiemke's theorem), and otherwise what remains is one. The projection is found by non-negative least squares (Lawson &
//! Hanson 1974, Solving Least Squares Problems, ch. 23), which ends after finitely many steps.

use super::sample::Sample;
use crate::estimates::Link;
use crate::generalized::Family;
use nalgebra::{DMatrix, DVector};

/// A direction in which the likelihood rises for ever.
#[derive(Debug, Clone)]
pub(super) struct Recession {
    /// In β, the largest change of a predictor that it makes being 1.
    pub direction: DVector<f64>,
    /// The observations whose likelihood rises along it, whose means go to the end of their range.
    pub separated: Vec<usize>,
    /// Whether these are all.
    pub is_complete: bool,
}

/// Below this, a distance is none.
const NO_DISTANCE: f64 = 1e-10;
/// Below this, a predictor does not move along a direction of length one.
const UNMOVED: f64 = 1e-7;

/// The direction, if there is any.
pub(super) fn recession(sample: &Sample) -> Option<Recession> {
    let constraints = Constraints::of(sample)?;
    let n = constraints.rows.nrows();
    let mut unresolved: Vec<usize> = (0..n).filter(|&k| constraints.can_rise[k]).collect();
    let mut total: DVector<f64> = DVector::zeros(sample.p());
    while !unresolved.is_empty() {
        let sum: DVector<f64> = unresolved.iter().map(|&k| constraints.rows.row(k).transpose()).sum();
        let target = -sum / unresolved.len() as f64;
        let remaining = target.clone() - nearest_in_cone(&constraints.rows, &target);
        let distance = remaining.norm();
        if distance <= NO_DISTANCE {
            break;
        }
        let direction = -remaining.normalize();
        let along = &constraints.rows * &direction;
        let before = unresolved.len();
        unresolved.retain(|&k| along[k] <= UNMOVED);
        // What rounding makes of a distance of zero is no direction: it lowers the likelihood of somebody.
        let is_a_direction = along.min() >= -1e-9 - 1e-13 / distance;
        if unresolved.len() == before || !is_a_direction {
            break;
        }
        total += direction;
    }
    if total.norm() == 0.0 {
        return None;
    }
    let moved = sample.along(&total);
    let largest = moved.amax();
    let separated: Vec<usize> = (0..sample.n()).filter(|&i| moved[i].abs() > UNMOVED * largest).collect();
    Some(Recession { direction: sample.beta(&(total / largest)), is_complete: separated.len() == sample.n(), separated })
}

/// Rows a with a'd ≥ 0 for a direction that never lowers the likelihood, in the coordinates of Q, each of length one.
struct Constraints {
    rows: DMatrix<f64>,
    /// Whether a'd > 0 raises the likelihood; else a and −a are both there and a'd = 0 is meant.
    can_rise: Vec<bool>,
}

impl Constraints {
    /// `None` for a model whose means have a finite range of predictors, or a normal distribution.
    fn of(sample: &Sample) -> Option<Self> {
        let (mut rows, mut can_rise) = (vec![], vec![]);
        let mut add = |i: usize, sign: f64, rises: bool| {
            let row = sample.q.row(i) * sign;
            let length = row.norm();
            if length > 0.0 {
                rows.push(row / length);
                can_rise.push(rises);
            }
        };
        for i in (0..sample.n()).filter(|&i| sample.weight(i) > 0.0) {
            match (sample.family, sample.link, sample.y[i]) {
                (Family::Binomial, Link::Logit, 1.0) => add(i, 1.0, true),
                (Family::Binomial, Link::Logit | Link::Log, 0.0) | (Family::Poisson, Link::Log, 0.0) => add(i, -1.0, true),
                (Family::Binomial, Link::Logit | Link::Log, _) | (Family::Poisson, Link::Log, _) => {
                    add(i, 1.0, false);
                    add(i, -1.0, false);
                }
                _ => return None,
            }
        }
        if rows.is_empty() { None } else { Some(Self { rows: DMatrix::from_rows(&rows), can_rise }) }
    }
}

/// The point of the cone {Σ λ_k a_k, λ ≥ 0} that is nearest to `target`, for the rows a_k.
fn nearest_in_cone(rows: &DMatrix<f64>, target: &DVector<f64>) -> DVector<f64> {
    let mut passive: Vec<usize> = vec![];
    let mut lambda: Vec<f64> = vec![];
    let mut point = DVector::zeros(target.len());
    for _ in 0..50 * target.len() + 200 {
        let gains = rows * (target - &point);
        let best = (0..rows.nrows()).filter(|k| !passive.contains(k)).max_by(|&a, &b| gains[a].total_cmp(&gains[b]));
        let Some(best) = best.filter(|&k| gains[k] > 1e-13) else { break };
        let mut trial = passive.clone();
        trial.push(best);
        let mut weights = lambda.clone();
        weights.push(0.0);
        let mut moved = false;
        while let Some(solution) = least_squares(rows, &trial, target) {
            if solution.iter().all(|&s| s > 0.0) {
                (passive, lambda, moved) = (trial, solution, true);
                break;
            }
            // As far towards the solution as no weight becomes negative; those that become zero leave.
            let step = weights.iter().zip(&solution).filter(|(_, s)| **s <= 0.0).map(|(w, s)| w / (w - s)).fold(1.0, f64::min);
            weights.iter_mut().zip(&solution).for_each(|(w, s)| *w += step * (s - *w));
            let kept: Vec<usize> = (0..trial.len()).filter(|&k| weights[k] > 1e-15).collect();
            if kept.is_empty() || kept.len() == trial.len() {
                break;
            }
            trial = kept.iter().map(|&k| trial[k]).collect();
            weights = kept.iter().map(|&k| weights[k]).collect();
        }
        if !moved {
            break;
        }
        point = passive.iter().zip(&lambda).map(|(&k, &l)| rows.row(k).transpose() * l).sum();
    }
    point
}

/// The weights of the nearest point of the span of some rows; `None` where they depend on each other.
fn least_squares(rows: &DMatrix<f64>, chosen: &[usize], target: &DVector<f64>) -> Option<Vec<f64>> {
    if chosen.len() > target.len() {
        return None;
    }
    let (q, r) = rows.select_rows(chosen).transpose().qr().unpack();
    let weights = r.solve_upper_triangular(&q.tr_mul(target))?;
    let diagonal = r.diagonal();
    (diagonal.amin() > 1e-12 * diagonal.amax()).then(|| weights.iter().copied().collect())
}
