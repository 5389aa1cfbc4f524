//! What must hold before a point is called an optimum, and the names for what does not.

use super::Failure;
use super::kernels::cholesky;
use super::problem::{Point, Problem};
use super::scaled_cholesky::ScaledCholesky;
use super::workspace::Workspace;
use nalgebra::{Cholesky, DMatrix};

/// Eigenvalue of the information, scaled to unit diagonal, that is zero but for rounding.
const UNIDENTIFIED: f64 = 1e-13;
/// Share of the information about the covariance alone that must be left once the mean is estimated.
const FLAT: f64 = 1e-6;
/// Eigenvalue of a fitted correlation matrix below which it is singular to the arithmetic.
pub(crate) const SINGULAR: f64 = 1e-11;

/// Pivot of a scaled matrix above which nothing is singular, and no eigenvalue need be looked at.
const SOUND: f64 = 1e-4;

/// Names for messages.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    pub visits: Vec<String>,
    /// All groups' parameters.
    pub parameters: Vec<String>,
}

impl Labels {
    /// The likelihood is unbounded in a combination of these visits.
    pub fn unbounded(&self, visits: &[usize], eigenvalue: f64) -> Failure {
        Failure::Unbounded { visits: visits.iter().map(|&v| self.visits[v].clone()).collect(), eigenvalue }
    }

    /// The parameters that a direction has a share in are not identified.
    fn not_identified(&self, direction: impl Iterator<Item = f64>) -> Failure {
        let involved = direction.zip(&self.parameters).filter(|(share, _)| share.abs() > 0.1);
        Failure::NotIdentified { parameters: involved.map(|(_, name)| name.clone()).collect() }
    }
}

/// Refuses parameters, or combinations of them, about which the data say nothing.
pub(crate) fn identified(fisher: &DMatrix<f64>, factor: &mut ScaledCholesky, labels: &Labels) -> Result<(), Failure> {
    // A Cholesky factor tells sooner that all is well; the eigenvectors tell which parameters are not.
    if factor.smallest_pivot(fisher).is_some_and(|pivot| pivot > SOUND) {
        return Ok(());
    }
    let silent: Vec<String> = (0..fisher.nrows()).filter(|&k| fisher[(k, k)] <= 0.0).map(|k| labels.parameters[k].clone()).collect();
    if !silent.is_empty() {
        return Err(Failure::NotIdentified { parameters: silent });
    }
    let scaled = DMatrix::from_fn(fisher.nrows(), fisher.ncols(), |a, b| fisher[(a, b)] / (fisher[(a, a)] * fisher[(b, b)]).sqrt());
    let eigen = scaled.symmetric_eigen();
    let (worst, value) = eigen.eigenvalues.argmin();
    if value > UNIDENTIFIED {
        return Ok(());
    }
    Err(labels.not_identified(eigen.eigenvectors.column(worst).iter().copied()))
}

/// Refuses an optimum that is flat in a direction of which the covariance alone would inform: estimating the mean has used up what the data say
/// of it. Parameters that have vanished at a boundary inform of nothing and pass.
pub(crate) fn determined(
    hessian: &DMatrix<f64>,
    fisher: &DMatrix<f64>,
    room: &mut DMatrix<f64>,
    factor: &mut ScaledCholesky,
    labels: &Labels,
) -> Result<(), Failure> {
    let n = hessian.nrows();
    room.zip_zip_apply(hessian, fisher, |excess, h, fisher| *excess = h - FLAT * fisher);
    (0..n).for_each(|k| room[(k, k)] += 1e-3 * FLAT * hessian[(k, k)].abs());
    if factor.smallest_pivot(room).is_some() {
        return Ok(());
    }
    let excess = &*room;
    let scale = fisher.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    let scaled = |m: &DMatrix<f64>| DMatrix::from_fn(n, n, |a, b| m[(a, b)] * scale[a] * scale[b]);
    let informed: Vec<usize> = (0..n).filter(|&k| scale[k] > 0.0).collect();
    let excess = scaled(excess).select_rows(&informed).select_columns(&informed);
    if Cholesky::new(excess.clone()).is_some() {
        return Ok(());
    }
    let eigen = excess.symmetric_eigen();
    let mut direction = vec![0.0; n];
    informed.iter().zip(eigen.eigenvectors.column(eigen.eigenvalues.argmin().0).iter()).for_each(|(&k, &share)| direction[k] = share);
    Err(labels.not_identified(direction.into_iter()))
}

/// Whether every Σ is far from singular, as the pivots of its correlation matrix tell.
pub(crate) fn well_conditioned(problem: &Problem, point: &Point, room: &mut Workspace) -> bool {
    let t = problem.visits();
    (0..problem.cells()).all(|cell| {
        let (group, structure) = problem.of_cell(cell);
        let Workspace { dense, small, .. } = room;
        structure.sigma(problem.of_group(&point.theta, group), dense);
        small.copy_from_slice(dense.as_slice());
        cholesky(small, t).is_some() && (0..t).all(|a| small[a * t + a].powi(2) > SOUND * dense[(a, a)])
    })
}

/// The smallest eigenvalue among the correlation matrices, and the visits that carry its eigenvector.
pub(crate) fn smallest_eigenvalue(problem: &Problem, point: &Point) -> (f64, Vec<usize>) {
    let t = problem.visits();
    let mut sigma = DMatrix::zeros(t, t);
    let mut smallest = (f64::INFINITY, vec![]);
    for cell in 0..problem.cells() {
        let (group, structure) = problem.of_cell(cell);
        structure.sigma(problem.of_group(&point.theta, group), &mut sigma);
        let correlation = DMatrix::from_fn(t, t, |a, b| sigma[(a, b)] / (sigma[(a, a)] * sigma[(b, b)]).sqrt());
        let eigen = correlation.symmetric_eigen();
        let (worst, value) = eigen.eigenvalues.argmin();
        if value < smallest.0 {
            smallest = (value, (0..t).filter(|&v| eigen.eigenvectors[(v, worst)].abs() > 0.1).collect());
        }
    }
    smallest
}
