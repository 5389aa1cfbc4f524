//! The rows of a joint hypothesis, and the degrees of freedom of several at once.

use crate::error::{Error, Result};
use nalgebra::{DMatrix, SymmetricEigen};

/// The rows as independent, mutually uncorrelated combinations: eigenvectors of LVL' times L, V the covariance of the
/// coefficients.
///
/// # Errors
/// [`Error::Invalid`] where there is no row or all are zero.
pub(crate) fn independent_rows(label: &str, rows: &DMatrix<f64>, covariance: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    let none = || {
        let why = if rows.nrows() == 0 { "the hypothesis has no rows" } else { "every row of the hypothesis is zero" };
        Error::nothing_to_compare(format!("test `{label}`"), why, "name a term that is in the model")
    };
    if rows.nrows() == 0 {
        return Err(none());
    }
    let eigen = SymmetricEigen::new(rows * covariance * rows.transpose());
    let largest = eigen.eigenvalues.max();
    let kept: Vec<usize> = (0..rows.nrows()).filter(|&k| largest > 0.0 && eigen.eigenvalues[k] > 1e-10 * largest).collect();
    if kept.is_empty() {
        return Err(none());
    }
    Ok(eigen.eigenvectors.select_columns(&kept).transpose() * rows)
}

/// Denominator degrees of freedom of an F statistic from those of its independent t statistics: E = Σ ν/(ν − 2) over
/// the ν > 2, 2E/(E − q) (Fai & Cornelius 1996, J Stat Comput Simul 54:363–378).
pub(crate) fn denominator_df(nu: &[f64]) -> f64 {
    let q = nu.len() as f64;
    let first = nu[0];
    if nu.iter().all(|v| (v - first).abs() <= 1e-8 * first.abs()) || nu.iter().all(|v| v.is_infinite()) {
        return first;
    }
    if nu.iter().any(|&v| v <= 2.0) {
        return 2.0;
    }
    // ν/(ν − 2) − 1 = 2/(ν − 2), summed without the cancellation of E − q; zero for an infinite ν.
    let excess: f64 = nu.iter().map(|v| 2.0 / (v - 2.0)).sum();
    2.0 * (q + excess) / excess
}
