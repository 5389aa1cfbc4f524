//! Newton's method with exact derivatives, kept downhill by a Levenberg term in the Fisher metric.
//!
//! The metric makes the steps independent of the outcome's unit. A step is refused when Σ would not be positive definite or −2ℓ would not
//! fall; the damping then grows until a step is taken (Nocedal & Wright 2006, Numerical Optimization, ch. 4).

use super::Failure;
use super::problem::{Curvature, Point, Problem, Terms};
use super::working::Working;
use crate::covariance::CovarianceStructure;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// The Newton decrement g'H⁻¹g, in units of −2ℓ, below which one last step is taken: parameters are then exact to rounding.
const DECREMENT: f64 = 1e-17;
/// The decrement below which a search that no longer gains has met the limit of the arithmetic.
const STALLED: f64 = 1e-10;
const MAX_ITERATIONS: usize = 200;
const MAX_DAMPINGS: usize = 60;
/// The most multiplications per iteration that exact second derivatives may cost before the cheaper form is used for the steps.
const EXACT_COST: usize = 2_000_000;
/// Eigenvalue of a fitted correlation matrix below which it is singular to the arithmetic.
const SINGULAR: f64 = 1e-11;

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
pub(crate) fn minimise(
    problem: &Problem,
    structure: &dyn CovarianceStructure,
    mut point: Point,
    labels: &Labels,
) -> Result<Optimum, Failure> {
    let working = Working::of(structure, point.theta.len() / problem.groups);
    let terms = if exact_cost(problem, point.theta.len()) <= EXACT_COST { Terms::Exact } else { Terms::Leading };
    let mut eta = working.at_natural(&point.theta);
    let mut floor: Option<DVector<f64>> = None;
    let (mut damping, mut evaluations, mut previous) = (0.0_f64, 1, f64::INFINITY);
    for iteration in 1..=MAX_ITERATIONS {
        let natural = problem.curvature(structure, &point, terms);
        if floor.is_none() {
            identified(&natural.fisher, labels)?;
        }
        let curvature = working.transform(&eta, natural);
        let floor = floor.get_or_insert_with(|| curvature.fisher.diagonal() * 1e-3);
        let metric = &curvature.fisher + DMatrix::from_diagonal(floor);
        let decrement = decrement(&curvature).unwrap_or(f64::INFINITY);
        if decrement < DECREMENT || (decrement < STALLED && decrement > 0.25 * previous) {
            let last = step(&curvature, &metric, 0.0).and_then(|s| candidate(problem, structure, working, &eta, &s));
            evaluations += 1;
            if let Some((next_eta, next)) = last.filter(|(_, next)| next.value <= point.value + noise(point.value)) {
                (eta, point) = (next_eta, next);
            }
            return Ok(Optimum { point, eta, iterations: iteration, evaluations, decrement });
        }
        previous = decrement;
        let mut taken = false;
        for _ in 0..MAX_DAMPINGS {
            if let Some(s) = step(&curvature, &metric, damping) {
                let expected = -(curvature.gradient.dot(&s) + 0.5 * (s.transpose() * &curvature.hessian * &s)[0]);
                evaluations += 1;
                if let Some((next_eta, next)) = candidate(problem, structure, working, &eta, &s)
                    && next.value <= point.value - 1e-4 * expected.max(0.0) + noise(point.value)
                {
                    (eta, point, taken) = (next_eta, next, true);
                    break;
                }
            }
            damping = (10.0 * damping).max(1e-3);
        }
        if !taken && decrement < STALLED {
            return Ok(Optimum { point, eta, iterations: iteration, evaluations, decrement });
        }
        if !taken || smallest_eigenvalue(problem.groups, structure, &point).is_some_and(|(value, _)| value < SINGULAR) {
            return Err(diagnose(problem.groups, structure, &point, labels, iteration));
        }
        damping = if damping <= 1e-3 { 0.0 } else { damping / 10.0 };
    }
    Err(diagnose(problem.groups, structure, &point, labels, MAX_ITERATIONS))
}

/// Names for messages.
pub(crate) struct Labels {
    pub visits: Vec<String>,
    /// All groups' parameters.
    pub parameters: Vec<String>,
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

/// −(H + damping · metric)⁻¹ g, `None` where that matrix is not positive definite.
fn step(curvature: &Curvature, metric: &DMatrix<f64>, damping: f64) -> Option<DVector<f64>> {
    Some(-factor(&curvature.hessian + metric * damping)?.solve(&curvature.gradient))
}

fn factor(matrix: DMatrix<f64>) -> Option<ScaledCholesky> {
    let scale = matrix.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { f64::NAN });
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| matrix[(a, b)] * scale[a] * scale[b]);
    let factor = Cholesky::new(scaled)?;
    // A pivot lost to rounding means that the matrix is singular for practical purposes.
    (factor.l_dirty().diagonal().min() > 1e-9).then_some(ScaledCholesky { factor, scale })
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

fn candidate(
    problem: &Problem,
    structure: &dyn CovarianceStructure,
    working: Working,
    eta: &[f64],
    step: &DVector<f64>,
) -> Option<(Vec<f64>, Point)> {
    let next: Vec<f64> = eta.iter().zip(step.iter()).map(|(e, s)| e + s).collect();
    let point = problem.at(structure, &working.to_natural(&next))?;
    Some((next, point))
}

/// Refuses parameters, or combinations of them, about which the data say nothing.
fn identified(fisher: &DMatrix<f64>, labels: &Labels) -> Result<(), Failure> {
    let silent: Vec<String> = (0..fisher.nrows()).filter(|&k| fisher[(k, k)] <= 0.0).map(|k| labels.parameters[k].clone()).collect();
    if !silent.is_empty() {
        return Err(Failure::NotIdentified { parameters: silent });
    }
    let scaled = DMatrix::from_fn(fisher.nrows(), fisher.ncols(), |a, b| fisher[(a, b)] / (fisher[(a, a)] * fisher[(b, b)]).sqrt());
    let eigen = scaled.symmetric_eigen();
    let (worst, value) = eigen.eigenvalues.argmin();
    if value > 1e-12 {
        return Ok(());
    }
    let direction = eigen.eigenvectors.column(worst);
    let involved = (0..fisher.nrows()).filter(|&k| direction[k].abs() > 0.1).map(|k| labels.parameters[k].clone()).collect();
    Err(Failure::NotIdentified { parameters: involved })
}

/// The smallest eigenvalue among the groups' correlation matrices, and the visits that carry its eigenvector.
fn smallest_eigenvalue(groups: usize, structure: &dyn CovarianceStructure, point: &Point) -> Option<(f64, Vec<usize>)> {
    let t = structure.visits();
    let per_group = point.theta.len() / groups;
    let mut sigma = DMatrix::zeros(t, t);
    let of_group = |theta: &[f64]| {
        structure.sigma(theta, &mut sigma);
        let correlation = DMatrix::from_fn(t, t, |a, b| sigma[(a, b)] / (sigma[(a, a)] * sigma[(b, b)]).sqrt());
        let eigen = correlation.symmetric_eigen();
        let (worst, value) = eigen.eigenvalues.argmin();
        let visits = (0..t).filter(|&v| eigen.eigenvectors[(v, worst)].abs() > 0.1).collect();
        (value, visits)
    };
    point.theta.chunks_exact(per_group).map(of_group).min_by(|a, b| a.0.total_cmp(&b.0))
}

/// Why there is no optimum.
fn diagnose(groups: usize, structure: &dyn CovarianceStructure, point: &Point, labels: &Labels, iterations: usize) -> Failure {
    match smallest_eigenvalue(groups, structure, point) {
        Some((value, visits)) if value < 1e-6 => {
            Failure::Unbounded { visits: visits.into_iter().map(|v| labels.visits[v].clone()).collect(), eigenvalue: value }
        }
        _ => Failure::NotConverged { iterations },
    }
}
