//! Newton's method with exact derivatives, kept downhill by a Levenberg term in the Fisher metric: one search for
//! every engine, which knows an [`Objective`] and nothing of patterns or effects.
//!
//! The metric makes the steps independent of the outcome's unit. A step is refused when −2ℓ has no value there or
//! would not fall; the damping then grows until a step is taken (Nocedal & Wright 2006, Numerical Optimization, ch. 4).
//!
//! Random effects start far from their optimum, where −2ℓ is not convex; the damping that it would take there lets the
//! search creep. Its steps are those of Fisher scoring until it is.
//!
//! Some terms of the Hessian cost most and matter least. Far from the optimum they are left out; near it they are
//! computed once and kept for the steps that remain, which tell what has changed of them ([`super::correction`]).
//!
//! A step may follow a curve along which −2ℓ is more nearly quadratic than over the parameters ([`super::bent`]).

use super::correction::Correction;
use super::curvature::Curvature;
use super::objective::{Objective, straight};
use super::scaled_cholesky::ScaledCholesky;
use super::{Engine, Failure};
use nalgebra::{DMatrix, DVector};

/// The Newton decrement g'H⁻¹g, in units of −2ℓ, that the last step may be expected to leave. Its root is the error
/// of the parameters in standard errors, so that they are exact to rounding.
pub(crate) const LEFT: f64 = 1e-24;
/// The decrement below which a search that no longer gains has met the limit of the arithmetic.
pub(super) const STALLED: f64 = 1e-10;
/// The same where visits of very different variance are known to cost digits; estimates are then within 3 · 10⁻⁴
/// standard errors.
pub(super) const STALLED_IN_ROUNDING: f64 = 1e-7;
pub(super) const MAX_ITERATIONS: usize = 200;
/// The damping at which a step no longer moves anything.
pub(super) const MAX_DAMPING: f64 = 1e8;
/// The share of the decrement that may be left by a step before the terms kept from earlier count as outdated.
const OUTDATED: f64 = 0.1;
/// The decrement below which a step tells of the Hessian: what it leaves out is then more than terms of third order.
const LEARNS: f64 = 1.0;
/// The decrement below which the whole Hessian saves more steps than it costs.
pub(super) const NEAR: f64 = 1e-2;

/// How the search ended.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Convergence {
    /// The engine that computed the likelihood.
    pub engine: Engine,
    /// Newton steps taken.
    pub iterations: usize,
    /// Times the likelihood was evaluated.
    pub evaluations: usize,
    /// The Newton decrement g'H⁻¹g before the last step, in units of −2 log-likelihood.
    pub decrement: f64,
    /// Parameters that ended at the boundary of their range: variances estimated as zero.
    pub boundary: Vec<String>,
}

/// How many steps a search took, and how near it came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Steps {
    pub iterations: usize,
    pub evaluations: usize,
    pub decrement: f64,
}

/// A search for the minimum of an objective, with room for all that it computes; it can be started again, from
/// elsewhere or for other data.
#[derive(Debug, Clone)]
pub(crate) struct Search<O: Objective> {
    /// Where it stands, and at the end the optimum.
    pub place: O::Place,
    /// The working parameters there.
    pub eta: Vec<f64>,
    pub(super) next: O::Place,
    pub(super) next_eta: Vec<f64>,
    pub(super) curvature: Curvature,
    /// What the whole Hessian has beyond its leading part.
    pub(super) correction: Correction,
    /// Whether the metric stands in for a Hessian that is not positive definite.
    pub(super) scoring: bool,
    /// What the last step may be expected to leave.
    left: f64,
    /// Whether the correction costs less than the steps that it saves.
    correction_pays: bool,
    pub(super) metric: DMatrix<f64>,
    pub(super) damped: DMatrix<f64>,
    pub(super) factor: ScaledCholesky,
    pub(super) step: DVector<f64>,
    /// The decrement below which it may end where nothing is gained any more.
    stalled: f64,
    /// Keeps the metric positive definite where the root of a variance is zero.
    floor: DVector<f64>,
    pub(super) room: O::Room,
}

impl<O: Objective> Search<O> {
    /// A search that begins at `place`, which has been evaluated.
    pub fn new(objective: &O, place: O::Place) -> Self {
        let room = objective.room(&place);
        Self::within(objective, place, objective.blank(), room)
    }

    /// The same in rooms that are there already, one of them for the next place.
    pub fn within(objective: &O, place: O::Place, next: O::Place, mut room: O::Room) -> Self {
        let k = objective.dimension();
        let mut eta = vec![0.0; k];
        objective.set_eta(&place, &mut eta, &mut room);
        Self {
            next,
            next_eta: eta.clone(),
            correction_pays: objective.correction_pays(&room),
            curvature: Curvature::blank(k),
            correction: Correction::unknown(k),
            scoring: false,
            left: LEFT,
            metric: DMatrix::zeros(k, k),
            damped: DMatrix::zeros(k, k),
            factor: ScaledCholesky::blank(k),
            step: DVector::zeros(k),
            stalled: STALLED,
            floor: DVector::zeros(k),
            room,
            eta,
            place,
        }
    }

    /// Ends where a decrement of `left` may remain.
    pub fn end_at(&mut self, left: f64) {
        self.left = left;
    }

    /// The same for an objective in which rounding is known to be large.
    pub fn tolerant(self) -> Self {
        Self { stalled: STALLED_IN_ROUNDING, ..self }
    }

    /// Minimises −2ℓ from where it stands.
    pub fn minimise(&mut self, objective: &O) -> Result<Steps, Failure> {
        objective.begin(self)?;
        self.floor.iter_mut().enumerate().for_each(|(k, floor)| *floor = 1e-3 * self.metric[(k, k)]);
        let (mut damping, mut evaluations, mut previous) = (0.0_f64, 1, f64::INFINITY);
        for iteration in 1..=MAX_ITERATIONS {
            if previous < f64::INFINITY {
                self.correction.carry(|from, correction| objective.carry(from, &self.place, correction, &mut self.room));
            }
            self.set_curvature(objective, previous < NEAR && self.correction_pays);
            if objective.learns() {
                if previous < LEARNS {
                    self.correction.learn(&mut self.curvature);
                }
                self.correction.stand(&self.curvature);
            }
            objective.bend(&self.place, &mut self.curvature, &mut self.room);
            if objective.escape(self) {
                continue;
            }
            let definite = self.factor.set(&self.curvature.hessian);
            self.scoring = !definite && objective.scores();
            let decrement = if definite { self.solve_step() } else { f64::INFINITY };
            // The step about to be taken leaves at most the share that the last one left, and the square of that share where the
            // Hessian is exact.
            let share = (decrement / previous.min(NEAR)).min(1.0);
            let left = decrement * if objective.is_exact() { share * share } else { share };
            let converged = left < self.left || (decrement < STALLED && decrement > 0.25 * previous);
            if previous < 1.0 && decrement > OUTDATED * previous {
                self.correction.forget();
            }
            previous = decrement;
            let (mut moved, mut metric) = (false, false);
            while !moved && damping <= MAX_DAMPING {
                let as_it_is = damping == 0.0 && !self.scoring;
                if !as_it_is && !metric {
                    self.set_metric(objective);
                    metric = true;
                }
                if if as_it_is { definite } else { self.damped_step(damping) } {
                    evaluations += 1;
                    moved = self.bends(objective) && self.falls();
                }
                if converged {
                    break;
                }
                damping = if moved { 0.1 * damping } else { (4.0 * damping).max(0.05) };
            }
            if damping < 0.01 {
                damping = 0.0;
            }
            if moved {
                self.accept(objective);
            }
            if converged || (!moved && decrement < self.stalled) {
                if objective.settle(self)? {
                    return Ok(Steps { iterations: iteration, evaluations, decrement });
                }
                previous = f64::INFINITY;
            } else if !moved || objective.is_lost(self, damping > 0.0) {
                return Err(objective.diagnosis(self, iteration));
            }
        }
        Err(objective.diagnosis(self, MAX_ITERATIONS))
    }

    /// Moves to the place that was evaluated last.
    pub(super) fn accept(&mut self, objective: &O) {
        self.correction.step(&self.eta, &self.next_eta);
        std::mem::swap(&mut self.place, &mut self.next);
        std::mem::swap(&mut self.eta, &mut self.next_eta);
        objective.follow(&self.place, &mut self.eta, &mut self.room);
    }

    /// Gradient and Hessian, as far as it is known; all of it where it should be `whole`.
    pub(super) fn set_curvature(&mut self, objective: &O, whole: bool) {
        if whole && !self.correction.is_computed() {
            self.correction.compute(|correction| objective.set_correction(&self.place, &self.eta, correction, &mut self.room));
        }
        objective.set_curvature(&self.place, &self.eta, self.correction.known(), &mut self.curvature, &mut self.room);
    }

    /// Sets the Newton step −H⁻¹g from the factored Hessian, and returns the decrement.
    fn solve_step(&mut self) -> f64 {
        self.factor.solve(&self.curvature.gradient, &mut self.step);
        self.step.neg_mut();
        -self.curvature.gradient.dot(&self.step)
    }

    /// Sets the step −(H + damping · metric)⁻¹g, H the Hessian or what stands in for it; `false` where that matrix is
    /// not positive definite.
    pub(super) fn damped_step(&mut self, damping: f64) -> bool {
        let hessian = if self.scoring { &self.metric } else { &self.curvature.hessian };
        self.damped.zip_zip_apply(hessian, &self.metric, |damped, h, metric| *damped = h + damping * metric);
        let definite = self.factor.set(&self.damped);
        if definite {
            self.solve_step();
        }
        definite
    }

    /// The metric where the search stands.
    pub(super) fn set_metric(&mut self, objective: &O) {
        objective.set_metric(&self.place, &self.eta, &mut self.metric, &mut self.room);
        (0..self.floor.len()).for_each(|k| self.metric[(k, k)] += self.floor[k]);
    }

    /// Whether −2ℓ has a value at a share of the step, which is evaluated.
    pub(super) fn goes(&mut self, objective: &O, share: f64) -> bool {
        straight(&self.eta, self.step.as_slice(), share, &mut self.next_eta);
        self.evaluate_next(objective)
    }

    /// Whether −2ℓ has a value at the end of the step's curve, which is evaluated.
    fn bends(&mut self, objective: &O) -> bool {
        objective.set_along(&self.eta, self.step.as_slice(), 1.0, &mut self.next_eta, &mut self.room);
        self.evaluate_next(objective)
    }

    pub(super) fn evaluate_next(&mut self, objective: &O) -> bool {
        objective.evaluate(&self.next_eta, &mut self.next, &mut self.room)
    }

    /// Whether −2ℓ falls by a fair share of what the quadratic promises, or stays within rounding.
    fn falls(&self) -> bool {
        let promised = -(self.curvature.gradient.dot(&self.step) + 0.5 * quadratic_form(&self.curvature.hessian, &self.step));
        // Where digits are known to be lost, more is within rounding.
        let noise = if self.stalled > STALLED { 1e3 } else { 1.0 } * noise(O::value(&self.place));
        O::value(&self.next) <= O::value(&self.place) - 1e-4 * promised.max(0.0) + noise
    }

    /// Whether −2ℓ is no higher, but for rounding, at the place that was evaluated last.
    pub(super) fn stays_level(&self) -> bool {
        O::value(&self.next) <= O::value(&self.place) + 10.0 * noise(O::value(&self.place))
    }

    /// Whether −2ℓ is lower, beyond rounding, at the place that was evaluated last.
    pub(super) fn has_fallen(&self) -> bool {
        O::value(&self.next) < O::value(&self.place) - noise(O::value(&self.place))
    }
}

/// What −2ℓ may rise by from rounding alone.
pub(crate) fn noise(value: f64) -> f64 {
    1e-12 * (1.0 + value.abs())
}

fn quadratic_form(matrix: &DMatrix<f64>, v: &DVector<f64>) -> f64 {
    matrix.column_iter().zip(v.iter()).map(|(column, x)| x * column.dot(v)).sum()
}
