//! K with KK' = Φ, dense or such that the rows of XK touch few columns.

use crate::fit::elimination::{Elimination, Root};
use nalgebra::{Cholesky, DMatrix, SymmetricEigen};
use std::collections::BTreeSet;

/// K with KK' = Φ.
#[derive(Debug)]
pub(super) enum RootOfPhi {
    /// As a matrix.
    Dense(DMatrix<f64>),
    /// By what is not zero, where clusters touch few columns.
    Ordered(Elimination, Root),
}

impl RootOfPhi {
    /// Of a Φ, for clusters whose rows touch these sets of columns.
    pub fn of(phi: &DMatrix<f64>, touched: impl FnOnce() -> BTreeSet<Vec<usize>>) -> Self {
        let p = phi.nrows();
        let order = (p >= Elimination::FEW).then(touched).and_then(|sets| Elimination::of(p, &sets));
        let ordered = order.and_then(|order| order.root_of(phi.as_slice()).map(|root| Self::Ordered(order, root)));
        ordered.unwrap_or_else(|| Self::Dense(square_root(phi)))
    }

    /// The number of columns of K.
    pub fn columns(&self) -> usize {
        match self {
            Self::Dense(root) => root.ncols(),
            Self::Ordered(order, _) => order.columns(),
        }
    }

    /// The columns of XK that rows of X touch that touch these columns, ascending.
    pub fn touched(&self, columns: &[usize]) -> Vec<usize> {
        match self {
            Self::Dense(root) => (0..root.ncols()).collect(),
            Self::Ordered(order, _) => order.places(columns),
        }
    }

    /// Adds a multiple of row `column` of K to a vector.
    pub fn add_row(&self, column: usize, factor: f64, sum: &mut [f64]) {
        match self {
            Self::Dense(root) => sum.iter_mut().zip(root.row(column).iter()).for_each(|(sum, k)| *sum += factor * k),
            Self::Ordered(order, root) => order.row(root, column).for_each(|(place, k)| sum[place] += factor * k),
        }
    }

    /// K'l of every column of l.
    pub fn transposed_times(&self, l: &DMatrix<f64>) -> DMatrix<f64> {
        match self {
            Self::Dense(root) => root.transpose() * l,
            Self::Ordered(..) => {
                let mut product = DMatrix::zeros(l.nrows(), l.ncols());
                for (mut own, l) in product.column_iter_mut().zip(l.column_iter()) {
                    let own = own.as_mut_slice();
                    l.iter().enumerate().filter(|(_, l)| **l != 0.0).for_each(|(column, &l)| self.add_row(column, l, own));
                }
                product
            }
        }
    }

    /// KMK' of a symmetric M.
    pub fn around(&self, m: &DMatrix<f64>) -> DMatrix<f64> {
        match self {
            Self::Dense(root) => root * m * root.transpose(),
            Self::Ordered(order, root) => {
                let p = order.columns();
                // Column c of MK', then of KMK'.
                let mut half = DMatrix::zeros(p, p);
                for (c, mut own) in half.column_iter_mut().enumerate() {
                    order.row(root, c).for_each(|(place, k)| own.axpy(k, &m.column(place), 1.0));
                }
                DMatrix::from_fn(p, p, |a, c| order.row(root, a).map(|(place, k)| k * half[(place, c)]).sum())
            }
        }
    }
}

/// K as a matrix.
fn square_root(phi: &DMatrix<f64>) -> DMatrix<f64> {
    Cholesky::new(phi.clone()).map_or_else(
        || {
            let eigen = SymmetricEigen::new(phi.clone());
            &eigen.eigenvectors * DMatrix::from_diagonal(&eigen.eigenvalues.map(|l| l.max(0.0).sqrt()))
        },
        |factor| factor.l(),
    )
}
