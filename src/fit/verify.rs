//! What must hold before a point is called an optimum, and the names for what does not.

use super::Failure;
use super::problem::Point;
use crate::covariance::CovarianceStructure;
use nalgebra::{Cholesky, DMatrix};

/// Eigenvalue of the information, scaled to unit diagonal, that is zero but for rounding.
const UNIDENTIFIED: f64 = 1e-13;
/// Share of the information about the covariance alone that must be left once the mean is estimated.
const FLAT: f64 = 1e-6;
/// Eigenvalue of a fitted correlation matrix below which it is singular to the arithmetic.
pub(crate) const SINGULAR: f64 = 1e-11;

/// Names for messages.
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
pub(crate) fn identified(fisher: &DMatrix<f64>, labels: &Labels) -> Result<(), Failure> {
    let silent: Vec<String> = (0..fisher.nrows()).filter(|&k| fisher[(k, k)] <= 0.0).map(|k| labels.parameters[k].clone()).collect();
    if !silent.is_empty() {
        return Err(Failure::NotIdentified { parameters: silent });
    }
    let scaled = DMatrix::from_fn(fisher.nrows(), fisher.ncols(), |a, b| fisher[(a, b)] / (fisher[(a, a)] * fisher[(b, b)]).sqrt());
    // A Cholesky factor tells sooner that all is well; the eigenvectors tell which parameters are not.
    if Cholesky::new(scaled.clone()).is_some_and(|factor| factor.l_dirty().diagonal().min() > 1e-4) {
        return Ok(());
    }
    let eigen = scaled.symmetric_eigen();
    let (worst, value) = eigen.eigenvalues.argmin();
    if value > UNIDENTIFIED {
        return Ok(());
    }
    Err(labels.not_identified(eigen.eigenvectors.column(worst).iter().copied()))
}

/// Refuses an optimum that is flat in a direction of which the covariance alone would inform: estimating the mean has used up what the data say
/// of it. Parameters that have vanished at a boundary inform of nothing and pass.
pub(crate) fn determined(hessian: &DMatrix<f64>, fisher: &DMatrix<f64>, labels: &Labels) -> Result<(), Failure> {
    let n = hessian.nrows();
    let excess = DMatrix::from_fn(n, n, |a, b| {
        hessian[(a, b)] - FLAT * fisher[(a, b)] + if a == b { 1e-3 * FLAT * hessian[(a, a)].abs() } else { 0.0 }
    });
    let scale = fisher.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    let scaled = |m: &DMatrix<f64>| DMatrix::from_fn(n, n, |a, b| m[(a, b)] * scale[a] * scale[b]);
    let informed: Vec<usize> = (0..n).filter(|&k| scale[k] > 0.0).collect();
    let excess = scaled(&excess).select_rows(&informed).select_columns(&informed);
    if Cholesky::new(excess.clone()).is_some() {
        return Ok(());
    }
    let eigen = excess.symmetric_eigen();
    let mut direction = vec![0.0; n];
    informed.iter().zip(eigen.eigenvectors.column(eigen.eigenvalues.argmin().0).iter()).for_each(|(&k, &share)| direction[k] = share);
    Err(labels.not_identified(direction.into_iter()))
}

/// The smallest eigenvalue among the groups' correlation matrices, and the visits that carry its eigenvector.
pub(crate) fn smallest_eigenvalue(groups: usize, structure: &dyn CovarianceStructure, point: &Point) -> (f64, Vec<usize>) {
    let t = structure.visits();
    let mut sigma = DMatrix::zeros(t, t);
    let mut smallest = (f64::INFINITY, vec![]);
    for theta in point.theta.chunks_exact(point.theta.len() / groups) {
        structure.sigma(theta, &mut sigma);
        let correlation = DMatrix::from_fn(t, t, |a, b| sigma[(a, b)] / (sigma[(a, a)] * sigma[(b, b)]).sqrt());
        let eigen = correlation.symmetric_eigen();
        let (worst, value) = eigen.eigenvalues.argmin();
        if value < smallest.0 {
            smallest = (value, (0..t).filter(|&v| eigen.eigenvectors[(v, worst)].abs() > 0.1).collect());
        }
    }
    smallest
}
