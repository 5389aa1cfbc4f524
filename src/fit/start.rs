//! Where the search begins: the moments of the least-squares residuals.

use super::Failure;
use super::blocks::Blocks;
use super::likelihood::Likelihood;
use super::problem::Problem;
use super::verify::SINGULAR;
use nalgebra::{DMatrix, SymmetricEigen};

/// The smallest eigenvalue that a starting correlation matrix may have.
const EIGENVALUE_FLOOR: f64 = 1e-3;
/// The smallest variance of a visit, as a share of the average, while digits of smaller ones may be lost.
pub(crate) const SMALLEST_VARIANCE: f64 = 1e-8;
/// The variance of the effects of clusters at the start, as a share of that of a residual.
const EFFECTS: f64 = 0.1;

/// The first point for a search that is tried first.
pub(crate) fn start<L: Likelihood>(likelihood: &L) -> Result<L::Point, Failure> {
    starts(likelihood, SMALLEST_VARIANCE)?.into_iter().next().ok_or(Failure::NoStart)
}

/// First points for a search in the order in which they are to be tried, or why there are none. There are two where the
/// moments are nearly singular: as they are, which is where the optimum is if visits are all but multiples of each
/// other, and away from the edge, where a search has room if it was chance.
///
/// No visit begins with a variance below the share `smallest` of the average.
pub(crate) fn starts<L: Likelihood>(likelihood: &L, smallest: f64) -> Result<Vec<L::Point>, Failure> {
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
    let as_they_are: Vec<DMatrix<f64>> = (0..problem.sigmas.groups).map(|g| pairwise_covariance(problem, r, g, smallest)).collect();
    let (raised, was_raised): (Vec<DMatrix<f64>>, Vec<bool>) = as_they_are.iter().map(away_from_the_edge).unzip();
    let mut begin = |moments: &[DMatrix<f64>]| {
        let of_sigma = moments.iter().flat_map(|m| problem.sigmas.structure().start(m));
        let theta: Vec<f64> = of_sigma.chain(effects(residual / problem.observations())).collect();
        likelihood.move_to(&theta, &mut point, &mut room).then(|| point.clone())
    };
    let mut found: Vec<L::Point> = begin(&raised).into_iter().collect();
    if was_raised.contains(&true) && as_they_are.iter().all(is_regular) {
        found.extend(begin(&as_they_are));
        found.sort_by(|a, b| L::mean(a).value.total_cmp(&L::mean(b).value));
    }
    if found.is_empty() {
        let diagonal: Vec<DMatrix<f64>> = raised.iter().map(|m| DMatrix::from_diagonal(&m.diagonal())).collect();
        found.extend(begin(&diagonal));
    }
    if found.is_empty() { Err(Failure::NoStart) } else { Ok(found) }
}

/// The covariances of the least-squares residuals, group by group, where all are positive definite.
pub(super) fn residual_covariances(problem: &Problem) -> Option<Vec<DMatrix<f64>>> {
    let mut point = problem.blank_point();
    problem.set_least_squares(&[], &mut point, &mut problem.workspace())?;
    let of_group = |group| pairwise_covariance(problem, &point.r, group, f64::EPSILON * f64::EPSILON);
    let covariances: Vec<DMatrix<f64>> = (0..problem.sigmas.groups).map(of_group).collect();
    covariances.iter().all(is_regular).then_some(covariances)
}

/// The covariance of the residuals of a group, each pair of visits from the patients who have both. Visits and pairs that nobody has get the average variance and no correlation.
fn pairwise_covariance(problem: &Problem, squares: &Blocks, group: usize, smallest: f64) -> DMatrix<f64> {
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
    let variance: Vec<f64> = variance.iter().map(|&v| v.max(smallest * average)).collect();
    let correlation = DMatrix::from_fn(t, t, |a, b| match a == b {
        true => 1.0,
        false if count[(a, b)] > 0.0 => sum[(a, b)] / count[(a, b)] / (variance[a] * variance[b]).sqrt(),
        false => 0.0,
    });
    DMatrix::from_fn(t, t, |a, b| correlation[(a, b)] * (variance[a] * variance[b]).sqrt())
}

/// A covariance whose correlation matrix has no eigenvalue below the floor, the nearest by raising those that are, and
/// whether any was.
fn away_from_the_edge(covariance: &DMatrix<f64>) -> (DMatrix<f64>, bool) {
    let t = covariance.nrows();
    let scale = covariance.diagonal().map(f64::sqrt);
    let correlations = correlations(covariance);
    // Most are: a Cholesky factor of what lies above the floor tells, at a tenth of the eigenvalues' price.
    if (&correlations - DMatrix::identity(t, t) * EIGENVALUE_FLOOR).cholesky().is_some() {
        return (covariance.clone(), false);
    }
    let eigen = SymmetricEigen::new(correlations);
    if eigen.eigenvalues.min() >= EIGENVALUE_FLOOR {
        return (covariance.clone(), false);
    }
    let raised = eigen.eigenvalues.map(|l| l.max(EIGENVALUE_FLOOR));
    let matrix = &eigen.eigenvectors * DMatrix::from_diagonal(&raised) * eigen.eigenvectors.transpose();
    let element = |a: usize, b: usize| matrix[(a, b)] / (matrix[(a, a)] * matrix[(b, b)]).sqrt() * scale[a] * scale[b];
    (DMatrix::from_fn(t, t, element), true)
}

/// Whether a covariance is positive definite beyond rounding.
fn is_regular(covariance: &DMatrix<f64>) -> bool {
    correlations(covariance).symmetric_eigenvalues().min() > SINGULAR
}

fn correlations(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let t = covariance.nrows();
    DMatrix::from_fn(t, t, |a, b| covariance[(a, b)] / (covariance[(a, a)] * covariance[(b, b)]).sqrt())
}
