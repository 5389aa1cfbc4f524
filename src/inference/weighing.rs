//! Products of a symmetric matrix with the weights of a combination, most of which are zero.

use nalgebra::{DMatrix, DVector};

/// The weights that are not zero.
fn nonzero(l: &DVector<f64>) -> impl Iterator<Item = (usize, f64)> + '_ {
    l.iter().copied().enumerate().filter(|(_, l)| *l != 0.0)
}

/// Al.
pub(super) fn times(a: &DMatrix<f64>, l: &DVector<f64>) -> DVector<f64> {
    let mut product = DVector::zeros(a.nrows());
    nonzero(l).for_each(|(column, l)| product.axpy(l, &a.column(column), 1.0));
    product
}

/// l'Al.
pub(super) fn quadratic_form(a: &DMatrix<f64>, l: &DVector<f64>) -> f64 {
    nonzero(l).map(|(j, x)| x * nonzero(l).map(|(i, y)| y * a[(i, j)]).sum::<f64>()).sum()
}
