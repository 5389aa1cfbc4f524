//! Where the search begins: the moments of the least-squares residuals.

use super::Failure;
use super::blocks::Blocks;
use super::likelihood::Likelihood;
use super::problem::Problem;
use nalgebra::{DMatrix, SymmetricEigen};

/// The smallest eigenvalue that a starting correlation matrix may have.
const EIGENVALUE_FLOOR: f64 = 1e-3;
/// The variance of the effects of clusters at the start, as a share of that of a residual.
const EFFECTS: f64 = 0.1;

/// A first point for the search, or why there is none.
pub(crate) fn start<L: Likelihood>(likelihood: &L) -> Result<L::Point, Failure> {
    let (problem, mut room, mut point) = (likelihood.patterns(), likelihood.workspace(), likelihood.blank_point());
    let effects = |variance: f64| likelihood.effects_that_add(EFFECTS * variance);
    likelihood.set_least_squares(&effects(1.0), &mut point, &mut room).ok_or(Failure::Singular)?;
    let r = &L::mean(&point).r;
    let diagonal = |m: usize, square: &[f64]| square.iter().step_by(m + 1).sum::<f64>();
    let patterns = || problem.patterns.iter().enumerate();
    let total: f64 = patterns().map(|(i, p)| problem.data.squares(i, p.size())).sum();
    let residual: f64 = patterns().map(|(i, p)| diagonal(p.size(), r.get(i))).sum();
    if residual <= 1e-20 * total || residual <= 0.0 {
        return Err(Failure::NoResidualVariation);
    }
    let moments: Vec<DMatrix<f64>> = (0..problem.sigmas.groups).map(|g| pairwise_covariance(problem, r, g)).collect();
    let mut begin = |diagonal_only: bool| {
        let matrix = |m: &DMatrix<f64>| if diagonal_only { DMatrix::from_diagonal(&m.diagonal()) } else { m.clone() };
        let of_sigma = moments.iter().flat_map(|m| problem.sigmas.structure().start(&matrix(m)));
        let theta: Vec<f64> = of_sigma.chain(effects(residual / problem.observations())).collect();
        likelihood.move_to(&theta, &mut point, &mut room)
    };
    if begin(false) || begin(true) { Ok(point) } else { Err(Failure::NoStart) }
}

/// The covariance of the residuals of a group, each pair of visits from the patients who have both, made positive
/// definite. Visits and pairs that nobody has get the average variance and no correlation.
fn pairwise_covariance(problem: &Problem, squares: &Blocks, group: usize) -> DMatrix<f64> {
    let t = problem.sigmas.visits();
    let (mut sum, mut count) = (DMatrix::<f64>::zeros(t, t), DMatrix::<f64>::zeros(t, t));
    for (index, pattern) in problem.patterns.iter().enumerate().filter(|(_, p)| p.group == group) {
        let (m, r) = (pattern.size(), squares.get(index));
        for (j, &b) in pattern.visits.iter().enumerate() {
            for (i, &a) in pattern.visits.iter().enumerate() {
                sum[(a, b)] += r[j * m + i];
                count[(a, b)] += pattern.patients;
            }
        }
    }
    let average = sum.trace() / count.trace().max(1.0);
    let variance: Vec<f64> =
        (0..t).map(|a| if sum[(a, a)] > 0.0 { sum[(a, a)] / count[(a, a)] } else { average.max(f64::MIN_POSITIVE) }).collect();
    // A visit at which the residuals all but vanish would start the search at the edge.
    let variance: Vec<f64> = variance.iter().map(|&v| v.max(1e-8 * average)).collect();
    let correlation = DMatrix::from_fn(t, t, |a, b| match a == b {
        true => 1.0,
        false if count[(a, b)] > 0.0 => sum[(a, b)] / count[(a, b)] / (variance[a] * variance[b]).sqrt(),
        false => 0.0,
    });
    let correlation = positive_definite(correlation);
    DMatrix::from_fn(t, t, |a, b| correlation[(a, b)] * (variance[a] * variance[b]).sqrt())
}

/// The correlation matrix itself, or the nearest by raising its eigenvalues to the floor.
fn positive_definite(correlation: DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(correlation.clone());
    if eigen.eigenvalues.min() >= EIGENVALUE_FLOOR {
        return correlation;
    }
    let raised = eigen.eigenvalues.map(|l| l.max(EIGENVALUE_FLOOR));
    let matrix = &eigen.eigenvectors * DMatrix::from_diagonal(&raised) * eigen.eigenvectors.transpose();
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| matrix[(a, b)] / (matrix[(a, a)] * matrix[(b, b)]).sqrt())
}
