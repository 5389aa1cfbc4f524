//! Newton's method with exact derivatives, kept downhill by a Levenberg term in the Fisher metric.
//!
//! The metric makes the steps independent of the outcome's unit. A step is refused when Σ would not be positive
//! definite or −2ℓ would not fall; the damping then grows until a step is taken (Nocedal & Wright 2006, Numerical
//! Optimization, ch. 4).
//!
//! Effects of clusters start far from their optimum, where −2ℓ is not convex; the damping that it would take there
//! lets the search creep. Its steps are those of Fisher scoring until it is.
//!
//! The terms of the Hessian through P_k and a_k cost most and matter least. Far from the optimum they are left out;
//! near it they are computed once and kept for the steps that remain, which then converge all but quadratically.

use super::curvature::{Curvature, Derivatives};
use super::problem::{Point, Problem};
use super::scaled_cholesky::ScaledCholesky;
use super::slopes::Slopes;
use super::traces::TracePlan;
use super::verify::{self, Labels};
use super::working::Working;
use super::workspace::Workspace;
use super::{Engine, Failure};
use nalgebra::{DMatrix, DVector};

/// The Newton decrement g'H⁻¹g, in units of −2ℓ, that the last step may be expected to leave. Its root is the error
/// of the parameters in standard errors, so that they are exact to rounding.
pub(crate) const LEFT: f64 = 1e-24;
/// The decrement below which a search that no longer gains has met the limit of the arithmetic.
const STALLED: f64 = 1e-10;
/// The same where visits of very different variance are known to cost digits; estimates are then within 3 · 10⁻⁴
/// standard errors.
const STALLED_IN_ROUNDING: f64 = 1e-7;
pub(super) const MAX_ITERATIONS: usize = 200;
/// The damping at which a step no longer moves anything.
const MAX_DAMPING: f64 = 1e8;
/// The share of the decrement that may be left by a step before the terms kept from earlier count as outdated.
const OUTDATED: f64 = 0.1;
/// The decrement below which the whole Hessian saves more steps than it costs.
const NEAR: f64 = 1e-2;

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

/// A search for the minimum of −2ℓ, with room for all that it computes; it can be started again, from another point
/// or for other data.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    /// Where it stands, and at the end the optimum.
    pub point: Point,
    /// The working parameters there.
    pub eta: Vec<f64>,
    working: Working,
    next: Point,
    next_eta: Vec<f64>,
    natural: Vec<f64>,
    derivatives: Vec<Derivatives>,
    plan: TracePlan,
    curvature: Curvature,
    /// What the whole Hessian has beyond its leading part, while it is known.
    correction: DMatrix<f64>,
    corrects: bool,
    /// Whether the metric stands in for a Hessian that is not positive definite.
    scoring: bool,
    /// What the last step may be expected to leave.
    left: f64,
    /// Whether the correction costs less than the steps that it saves.
    correction_pays: bool,
    slopes: Slopes,
    metric: DMatrix<f64>,
    damped: DMatrix<f64>,
    factor: ScaledCholesky,
    step: DVector<f64>,
    /// The working parameters from which it began.
    start: Vec<f64>,
    /// The decrement below which it may end where nothing is gained any more.
    stalled: f64,
    /// Keeps the metric positive definite where a parameter of the Cholesky factor is zero.
    floor: DVector<f64>,
    room: Workspace,
}

impl Search {
    /// A search that begins at `point`.
    pub fn new(problem: &Problem, point: Point) -> Self {
        let k = point.theta.len();
        let working = Working::of_problem(problem, k);
        let eta = working.at_natural(&point.theta);
        let derivatives = problem.derivatives(&point.theta);
        Self {
            working,
            next: problem.blank(k),
            next_eta: eta.clone(),
            natural: point.theta.clone(),
            plan: TracePlan::of(problem, &derivatives),
            correction_pays: correction_pays(problem, &derivatives),
            derivatives,
            curvature: Curvature::blank(k),
            correction: DMatrix::zeros(k, k),
            corrects: false,
            scoring: false,
            left: LEFT,
            slopes: Slopes::blank(problem.parameters_of_sigma(k), problem.columns),
            metric: DMatrix::zeros(k, k),
            damped: DMatrix::zeros(k, k),
            factor: ScaledCholesky::blank(k),
            step: DVector::zeros(k),
            start: eta.clone(),
            stalled: STALLED,
            floor: DVector::zeros(k),
            room: Workspace::new(problem),
            eta,
            point,
        }
    }

    /// Ends where a decrement of `left` may remain.
    pub fn end_at(&mut self, left: f64) {
        self.left = left;
    }

    /// The same for a problem in which rounding is known to be large.
    pub fn tolerant(self) -> Self {
        Self { stalled: STALLED_IN_ROUNDING, ..self }
    }

    /// Moves to θ, perhaps with what is known of the whole Hessian there; `false` where −2ℓ has no value.
    pub fn restart(&mut self, problem: &Problem, theta: &[f64], correction: Option<&DMatrix<f64>>) -> bool {
        self.eta.copy_from_slice(theta);
        self.working.set_eta(&mut self.eta);
        self.corrects = correction.is_some();
        if let Some(known) = correction {
            self.correction.copy_from(known);
        }
        problem.evaluate(theta, &mut self.point, &mut self.room)
    }

    /// Minimises −2ℓ from where it stands; the point must have been evaluated.
    pub fn minimise(&mut self, problem: &Problem, labels: &Labels) -> Result<Steps, Failure> {
        self.set_derivatives(problem);
        problem.set_fisher(&self.point, &self.derivatives, self.plan, &mut self.metric, &mut self.room);
        verify::identified(problem, &self.point.theta, &self.metric, &mut self.factor, labels)?;
        self.start.copy_from_slice(&self.eta);
        self.working.information(&self.eta, &mut self.metric);
        self.floor.iter_mut().enumerate().for_each(|(k, floor)| *floor = 1e-3 * self.metric[(k, k)]);
        self.run(problem, labels)
    }

    /// The map between natural and working parameters.
    pub fn working(&self) -> &Working {
        &self.working
    }

    /// The optimum: the point and its working parameters.
    pub fn into_optimum(self) -> (Point, Vec<f64>) {
        (self.point, self.eta)
    }

    fn run(&mut self, problem: &Problem, labels: &Labels) -> Result<Steps, Failure> {
        let (mut damping, mut evaluations, mut previous) = (0.0_f64, 1, f64::INFINITY);
        for iteration in 1..=MAX_ITERATIONS {
            self.set_curvature(problem, (previous < NEAR && self.correction_pays) || self.corrects);
            if self.escape(problem) {
                continue;
            }
            let definite = self.factor.set(&self.curvature.hessian);
            self.scoring = !definite && problem.clusters.is_some();
            let decrement = if definite { self.solve_step() } else { f64::INFINITY };
            // The step about to be taken leaves at most the share that the last one left.
            let left = decrement * (decrement / previous.min(NEAR)).min(1.0);
            let converged = left < self.left || (decrement < STALLED && decrement > 0.25 * previous);
            if previous < 1.0 && decrement > OUTDATED * previous {
                self.corrects = false;
            }
            previous = decrement;
            let (mut moved, mut metric) = (false, false);
            while !moved && damping <= MAX_DAMPING {
                let as_it_is = damping == 0.0 && !self.scoring;
                if !as_it_is && !metric {
                    self.set_metric(problem);
                    metric = true;
                }
                if if as_it_is { definite } else { self.damped_step(damping) } {
                    evaluations += 1;
                    moved = self.try_step(problem);
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
                self.accept(problem);
            }
            if converged || (!moved && decrement < self.stalled) {
                self.verified(problem, labels)?;
                return Ok(Steps { iterations: iteration, evaluations, decrement });
            }
            if !moved || (damping > 0.0 && self.is_singular(problem)) {
                return Err(self.diagnosis(problem, labels, iteration));
            }
        }
        // Still gaining after so many steps: an optimum far away in a nearly singular Σ, which nobody could use, or
        // none at all.
        if verify::smallest_eigenvalue(problem, &self.point).0 < 1e-2 {
            return Err(verify::near_singular(problem, &self.point, labels));
        }
        Err(self.diagnosis(problem, labels, MAX_ITERATIONS))
    }

    fn set_derivatives(&mut self, problem: &Problem) {
        problem.set_derivatives(&self.point.theta, &mut self.derivatives, &mut self.room.dense);
    }

    fn accept(&mut self, problem: &Problem) {
        std::mem::swap(&mut self.point, &mut self.next);
        std::mem::swap(&mut self.eta, &mut self.next_eta);
        if !problem.structure().is_linear() {
            self.set_derivatives(problem);
        }
    }

    /// Gradient and Hessian in the working parameters.
    fn set_curvature(&mut self, problem: &Problem, near: bool) {
        problem.set_leading_curvature(&self.point, &self.derivatives, &mut self.curvature, self.plan, &mut self.room);
        if near {
            if !self.corrects {
                problem.set_slopes(&self.point, &self.derivatives, &mut self.slopes, &mut self.room);
                problem.set_correction(&self.point, &mut self.slopes, &mut self.correction);
                self.corrects = true;
            }
            self.curvature.hessian += &self.correction;
        }
        self.working.transform(&self.eta, &mut self.curvature);
    }

    /// Sets the Newton step −H⁻¹g from the factored Hessian, and returns the decrement.
    fn solve_step(&mut self) -> f64 {
        self.factor.solve(&self.curvature.gradient, &mut self.step);
        self.step.neg_mut();
        -self.curvature.gradient.dot(&self.step)
    }

    /// Sets the step −(H + damping · metric)⁻¹g, H the Hessian or what stands in for it; `false` where that matrix is
    /// not positive definite.
    fn damped_step(&mut self, damping: f64) -> bool {
        let hessian = if self.scoring { &self.metric } else { &self.curvature.hessian };
        self.damped.zip_zip_apply(hessian, &self.metric, |damped, h, metric| *damped = h + damping * metric);
        let definite = self.factor.set(&self.damped);
        if definite {
            self.solve_step();
        }
        definite
    }

    /// The Fisher metric in the working parameters.
    fn set_metric(&mut self, problem: &Problem) {
        problem.set_fisher(&self.point, &self.derivatives, self.plan, &mut self.metric, &mut self.room);
        self.working.information(&self.eta, &mut self.metric);
        (0..self.floor.len()).for_each(|k| self.metric[(k, k)] += self.floor[k]);
    }

    /// Evaluates −2ℓ a step away; whether it may be taken.
    fn try_step(&mut self, problem: &Problem) -> bool {
        self.goes(problem, 1.0) && self.falls()
    }

    fn evaluate_next(&mut self, problem: &Problem) -> bool {
        self.working.to_natural(&self.next_eta, &mut self.natural);
        problem.evaluate(&self.natural, &mut self.next, &mut self.room)
    }

    /// Whether −2ℓ falls by a fair share of what the quadratic promises, or stays within rounding.
    fn falls(&self) -> bool {
        let promised = -(self.curvature.gradient.dot(&self.step) + 0.5 * quadratic_form(&self.curvature.hessian, &self.step));
        self.next.value <= self.point.value - 1e-4 * promised.max(0.0) + noise(self.point.value)
    }

    /// A way out of a saddle: a diagonal element of the Cholesky factor that has fallen to zero although the
    /// likelihood rises away from it.
    fn escape(&mut self, problem: &Problem) -> bool {
        let hessian = &self.curvature.hessian;
        let trapped = |&k: &usize| hessian[(k, k)] < 0.0 && self.eta[k].abs() < 0.05 * self.start[k].abs();
        let Some(k) = self.working.roots().find(trapped) else { return false };
        for halvings in 0..10 {
            self.next_eta.copy_from_slice(&self.eta);
            self.next_eta[k] = 0.5 * self.start[k] / f64::from(1 << halvings);
            if self.evaluate_next(problem) && self.next.value < self.point.value - noise(self.point.value) {
                self.accept(problem);
                return true;
            }
        }
        false
    }

    /// Whether a Σ is singular to the arithmetic.
    fn is_singular(&mut self, problem: &Problem) -> bool {
        !verify::well_conditioned(problem, &self.point, &mut self.room)
            && verify::smallest_eigenvalue(problem, &self.point).0 < verify::SINGULAR
    }

    /// Refuses an optimum at which Σ is singular, or −2ℓ flat.
    fn verified(&mut self, problem: &Problem, labels: &Labels) -> Result<(), Failure> {
        if self.is_singular(problem) {
            return Err(verify::near_singular(problem, &self.point, labels));
        }
        problem.set_fisher(&self.point, &self.derivatives, self.plan, &mut self.metric, &mut self.room);
        self.working.information(&self.eta, &mut self.metric);
        let theta = &self.point.theta;
        verify::determined(problem, theta, &self.curvature.hessian, &self.metric, &mut self.damped, &mut self.factor, labels)
    }

    /// Why there is no optimum.
    fn diagnosis(&mut self, problem: &Problem, labels: &Labels, iterations: usize) -> Failure {
        let eigenvalue = verify::smallest_eigenvalue(problem, &self.point).0;
        if eigenvalue < 1e-6 {
            return verify::near_singular(problem, &self.point, labels);
        }
        (self.corrects, self.scoring) = (false, false);
        self.set_curvature(problem, true);
        self.set_metric(problem);
        let theta = &self.point.theta;
        let determined =
            verify::determined(problem, theta, &self.curvature.hessian, &self.metric, &mut self.damped, &mut self.factor, labels);
        determined.err().or_else(|| self.edge(problem, labels)).unwrap_or(Failure::NotConverged { iterations })
    }

    /// The edge of the range that a search was creeping towards: the Newton step leads out of it, and −2ℓ falls all
    /// the way there. Gradient and Hessian must be those of where it stands.
    fn edge(&mut self, problem: &Problem, labels: &Labels) -> Option<Failure> {
        let dampings = std::iter::once(0.0).chain((0..8).map(|k| 0.01 * f64::from(1 << (2 * k))));
        let inside = self.point.theta.clone();
        for damping in dampings {
            if !self.damped_step(damping) || self.goes(problem, 1.0) {
                continue;
            }
            let (mut near, mut far) = (0.0, 1.0);
            for _ in 0..40 {
                let middle = 0.5 * (near + far);
                *(if self.goes(problem, middle) { &mut near } else { &mut far }) = middle;
            }
            if !self.goes(problem, near) || self.next.value >= self.point.value - noise(self.point.value) {
                continue;
            }
            std::mem::swap(&mut self.point, &mut self.next);
            let eigenvalue = verify::smallest_eigenvalue(problem, &self.point).0;
            self.goes(problem, 1.0);
            let ended = verify::end_of_range(problem, &inside, &self.natural, labels);
            return ended.or_else(|| (eigenvalue < 1e-4).then(|| verify::near_singular(problem, &self.point, labels)));
        }
        None
    }

    /// Whether −2ℓ has a value at a share of the step.
    fn goes(&mut self, problem: &Problem, share: f64) -> bool {
        self.next_eta.iter_mut().zip(&self.eta).zip(self.step.iter()).for_each(|((next, eta), step)| *next = eta + share * step);
        self.evaluate_next(problem)
    }
}

/// Whether the terms through P_k and a_k cost less than the steps that they save.
///
/// Without them every step leaves a share of about p/n of the error (n patients), so that from [`NEAR`] to [`LEFT`]
/// it takes 22 / (2 log₁₀ n/p) steps, and with them three.
fn correction_pays(problem: &Problem, derivatives: &[Derivatives]) -> bool {
    let (k, p) = (derivatives.iter().map(Vec::len).sum::<usize>() / problem.classes.len(), problem.columns);
    let gram = problem.data.cost(&problem.patterns, &problem.rows, p);
    let cubes: usize = problem.patterns.iter().map(|p| p.size().pow(3)).sum();
    let correction = k * (gram + cubes / 2 + p.pow(3)) + k * k * p * p / 2;
    let iteration = 4 * gram + 6 * cubes + TracePlan::cost(problem, derivatives) + 2 * p.pow(3) + k.pow(3) / 3;
    let patients: f64 = problem.patterns.iter().map(|p| p.patients).sum();
    let saved = 11.0 / (patients / p as f64).max(1.5).log10() - 3.0;
    (correction as f64) < saved * iteration as f64
}

/// What −2ℓ may rise by from rounding alone.
fn noise(value: f64) -> f64 {
    1e-12 * (1.0 + value.abs())
}

fn quadratic_form(matrix: &DMatrix<f64>, v: &DVector<f64>) -> f64 {
    matrix.column_iter().zip(v.iter()).map(|(column, x)| x * column.dot(v)).sum()
}
