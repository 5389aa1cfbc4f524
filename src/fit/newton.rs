//! Newton's method with exact derivatives, kept downhill by a Levenberg term in the Fisher metric.
//!
//! The metric makes the steps independent of the outcome's unit. A step is refused when Σ would not be positive definite or −2ℓ would not
//! fall; the damping then grows until a step is taken (Nocedal & Wright 2006, Numerical Optimization, ch. 4).

use super::Failure;
use super::curvature::{Curvature, Derivatives};
use super::problem::{Point, Problem};
use super::verify::{self, Labels};
use super::working::Working;
use crate::covariance::CovarianceStructure;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// The Newton decrement g'H⁻¹g, in units of −2ℓ, below which one last step is taken: parameters are then exact to rounding.
const DECREMENT: f64 = 1e-17;
/// The decrement below which a search that no longer gains has met the limit of the arithmetic.
const STALLED: f64 = 1e-10;
const MAX_ITERATIONS: usize = 200;
/// The damping at which a step no longer moves anything.
const MAX_DAMPING: f64 = 1e8;
/// The decrement below which the whole Hessian saves more steps than it costs.
const NEAR: f64 = 1e-2;
/// The most multiplications per iteration that exact second derivatives may cost before the cheaper form is used for the steps.
const EXACT_COST: usize = 2_000_000;

/// How the search ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Convergence {
    /// Newton steps taken.
    pub iterations: usize,
    /// Times the likelihood was evaluated.
    pub evaluations: usize,
    /// The Newton decrement g'H⁻¹g before the last step, in units of −2 log-likelihood.
    pub decrement: f64,
    /// Parameters that ended at the boundary of their range: variances estimated as zero.
    pub boundary: Vec<String>,
}

/// The optimum and how it was reached.
pub(crate) struct Optimum {
    pub point: Point,
    /// The working parameters there.
    pub eta: Vec<f64>,
    pub iterations: usize,
    pub evaluations: usize,
    pub decrement: f64,
}

/// Minimises −2ℓ from `point`.
pub(crate) fn minimise(problem: &Problem, structure: &dyn CovarianceStructure, point: Point, labels: &Labels) -> Result<Optimum, Failure> {
    let first = problem.derivatives(structure, &point.theta);
    let fisher = problem.fisher(&point, &first);
    verify::identified(&fisher, labels)?;
    let working = Working::of(structure, point.theta.len() / problem.groups);
    let start = working.at_natural(&point.theta);
    let floor = working.information(&start, &fisher).diagonal() * 1e-3;
    let exact = exact_cost(problem, point.theta.len()) <= EXACT_COST;
    Search { problem, structure, working, labels, start, floor, exact }.run(point)
}

/// What does not change during a search.
struct Search<'a> {
    problem: &'a Problem,
    structure: &'a dyn CovarianceStructure,
    working: Working,
    labels: &'a Labels,
    /// The working parameters from which it began.
    start: Vec<f64>,
    /// Keeps the metric positive definite where a parameter of the Cholesky factor is zero.
    floor: DVector<f64>,
    /// Whether steps near the optimum use the whole Hessian.
    exact: bool,
}

impl Search<'_> {
    fn run(&self, mut point: Point) -> Result<Optimum, Failure> {
        let mut eta = self.start.clone();
        let (mut damping, mut evaluations, mut previous) = (0.0_f64, 1, f64::INFINITY);
        for iteration in 1..=MAX_ITERATIONS {
            let derivatives = self.problem.derivatives(self.structure, &point.theta);
            let curvature = self.curvature(&point, &eta, &derivatives, previous < NEAR);
            if let Some(next) = self.escape(&point, &eta, &curvature) {
                (eta, point) = next;
                continue;
            }
            let decrement = decrement(&curvature).unwrap_or(f64::INFINITY);
            let converged = decrement < DECREMENT || (decrement < STALLED && decrement > 0.25 * previous);
            previous = decrement;
            let (mut metric, mut taken) = (None, None);
            while taken.is_none() && damping <= MAX_DAMPING {
                let metric = (damping > 0.0).then(|| &*metric.get_or_insert_with(|| self.metric(&point, &eta, &derivatives)));
                if let Some(step) = step(&curvature, metric.map(|m| m * damping)) {
                    evaluations += 1;
                    taken = self.candidate(&eta, &step).filter(|(_, next)| falls(&point, next, &curvature, &step));
                }
                if converged {
                    break;
                }
                damping = if taken.is_some() { 0.1 * damping } else { (4.0 * damping).max(0.05) };
            }
            if damping < 0.01 {
                damping = 0.0;
            }
            let moved = taken.is_some();
            if let Some(next) = taken {
                (eta, point) = next;
            }
            if converged || (!moved && decrement < STALLED) {
                self.verified(&point, &eta, &curvature, &derivatives)?;
                return Ok(Optimum { point, eta, iterations: iteration, evaluations, decrement });
            }
            if !moved || (damping > 0.0 && verify::smallest_eigenvalue(self.problem.groups, self.structure, &point).0 < verify::SINGULAR) {
                return Err(self.diagnosis(&point, &eta, iteration));
            }
        }
        // Still gaining after so many steps: an optimum far away in a nearly singular Σ, which nobody could use, or none at all.
        let (eigenvalue, visits) = verify::smallest_eigenvalue(self.problem.groups, self.structure, &point);
        if eigenvalue < 1e-4 {
            return Err(self.labels.unbounded(&visits, eigenvalue));
        }
        Err(self.diagnosis(&point, &eta, MAX_ITERATIONS))
    }

    /// A way out of a saddle: a diagonal element of the Cholesky factor that has fallen to zero although the likelihood rises away from it.
    fn escape(&self, point: &Point, eta: &[f64], curvature: &Curvature) -> Option<(Vec<f64>, Point)> {
        let trapped = |&k: &usize| curvature.hessian[(k, k)] < 0.0 && eta[k].abs() < 0.05 * self.start[k].abs();
        let k = self.working.diagonal(eta.len()).into_iter().find(trapped)?;
        (0..10).map(|halvings| 0.5 * self.start[k] / f64::from(1 << halvings)).find_map(|value| {
            let mut step = DVector::zeros(eta.len());
            step[k] = value - eta[k];
            self.candidate(eta, &step).filter(|(_, next)| next.value < point.value - noise(point.value))
        })
    }

    /// Gradient and Hessian in the working parameters.
    fn curvature(&self, point: &Point, eta: &[f64], derivatives: &[Derivatives], near: bool) -> Curvature {
        let natural = match self.exact && near {
            true => self.problem.exact_curvature(self.structure, point, derivatives).0,
            false => self.problem.leading_curvature(self.structure, point, derivatives),
        };
        self.working.transform(eta, natural)
    }

    /// The Fisher metric in the working parameters.
    fn metric(&self, point: &Point, eta: &[f64], derivatives: &[Derivatives]) -> DMatrix<f64> {
        self.working.information(eta, &self.problem.fisher(point, derivatives)) + DMatrix::from_diagonal(&self.floor)
    }

    fn candidate(&self, eta: &[f64], step: &DVector<f64>) -> Option<(Vec<f64>, Point)> {
        let next: Vec<f64> = eta.iter().zip(step.iter()).map(|(e, s)| e + s).collect();
        let point = self.problem.at(self.structure, &self.working.to_natural(&next))?;
        Some((next, point))
    }

    /// Refuses an optimum at which Σ is singular, or −2ℓ flat.
    fn verified(&self, point: &Point, eta: &[f64], curvature: &Curvature, derivatives: &[Derivatives]) -> Result<(), Failure> {
        let (eigenvalue, visits) = verify::smallest_eigenvalue(self.problem.groups, self.structure, point);
        if eigenvalue < verify::SINGULAR {
            return Err(self.labels.unbounded(&visits, eigenvalue));
        }
        let fisher = self.working.information(eta, &self.problem.fisher(point, derivatives));
        verify::determined(&curvature.hessian, &fisher, self.labels)
    }

    /// Why there is no optimum.
    fn diagnosis(&self, point: &Point, eta: &[f64], iterations: usize) -> Failure {
        let (eigenvalue, visits) = verify::smallest_eigenvalue(self.problem.groups, self.structure, point);
        if eigenvalue < 1e-6 {
            return self.labels.unbounded(&visits, eigenvalue);
        }
        let derivatives = self.problem.derivatives(self.structure, &point.theta);
        let fisher = self.metric(point, eta, &derivatives);
        let (natural, _) = self.problem.exact_curvature(self.structure, point, &derivatives);
        let hessian = self.working.transform(eta, natural).hessian;
        verify::determined(&hessian, &fisher, self.labels).err().unwrap_or(Failure::NotConverged { iterations })
    }
}

/// Whether −2ℓ falls by a fair share of what the quadratic promises, or stays within rounding.
fn falls(point: &Point, next: &Point, curvature: &Curvature, step: &DVector<f64>) -> bool {
    let promised = -(curvature.gradient.dot(step) + 0.5 * step.dot(&(&curvature.hessian * step)));
    next.value <= point.value - 1e-4 * promised.max(0.0) + noise(point.value)
}

/// What −2ℓ may rise by from rounding alone.
fn noise(value: f64) -> f64 {
    1e-12 * (1.0 + value.abs())
}

fn exact_cost(problem: &Problem, parameters: usize) -> usize {
    let q = problem.moments.values;
    problem.patterns().iter().map(|p| p.visits.len() * (p.visits.len() + 1) / 2 * q * q).sum::<usize>() * parameters
}

fn decrement(curvature: &Curvature) -> Option<f64> {
    let solved = factor(curvature.hessian.clone())?.solve(&curvature.gradient);
    Some(curvature.gradient.dot(&solved))
}

/// −(H + damping)⁻¹ g, `None` where that matrix is not positive definite.
fn step(curvature: &Curvature, damping: Option<DMatrix<f64>>) -> Option<DVector<f64>> {
    let matrix = match damping {
        Some(damping) => &curvature.hessian + damping,
        None => curvature.hessian.clone(),
    };
    Some(-factor(matrix)?.solve(&curvature.gradient))
}

fn factor(matrix: DMatrix<f64>) -> Option<ScaledCholesky> {
    let scale = matrix.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { f64::NAN });
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| matrix[(a, b)] * scale[a] * scale[b]);
    let factor = Cholesky::new(scaled)?;
    // A pivot lost to rounding means that the matrix is singular for practical purposes.
    (factor.l_dirty().diagonal().min() > 1e-6).then_some(ScaledCholesky { factor, scale })
}

/// The Cholesky factor of a matrix brought to unit diagonal.
struct ScaledCholesky {
    factor: Cholesky<f64, Dyn>,
    scale: DVector<f64>,
}

impl ScaledCholesky {
    fn solve(&self, rhs: &DVector<f64>) -> DVector<f64> {
        self.factor.solve(&rhs.component_mul(&self.scale)).component_mul(&self.scale)
    }
}
