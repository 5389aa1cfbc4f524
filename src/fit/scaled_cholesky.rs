//! A Cholesky factor that units cannot upset: the matrix is brought to unit diagonal first.

use super::kernels::{LARGE, cholesky, inverse_from_cholesky};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// The smallest pivot of the scaled matrix; less is rounding, and the matrix singular for practical purposes.
const SMALLEST_PIVOT: f64 = 1e-6;

/// The factor of the matrix that was set last.
#[derive(Debug, Clone)]
pub(crate) struct ScaledCholesky {
    factor: Vec<f64>,
    scale: Vec<f64>,
}

impl ScaledCholesky {
    /// Room for n × n.
    pub fn blank(n: usize) -> Self {
        Self { factor: vec![0.0; n * n], scale: vec![0.0; n] }
    }

    /// Factors a matrix; `false` where it is not positive definite.
    pub fn set(&mut self, matrix: &DMatrix<f64>) -> bool {
        self.smallest_pivot(matrix).is_some_and(|pivot| pivot > SMALLEST_PIVOT)
    }

    /// Factors a matrix and returns the smallest diagonal element of the scaled factor, `None` where it is not
    /// positive definite.
    pub fn smallest_pivot(&mut self, matrix: &DMatrix<f64>) -> Option<f64> {
        let n = self.scale.len();
        for (scale, &diagonal) in self.scale.iter_mut().zip(matrix.as_slice().iter().step_by(n + 1)) {
            if diagonal <= 0.0 || !diagonal.is_finite() {
                return None;
            }
            *scale = 1.0 / diagonal.sqrt();
        }
        let columns = self.factor.chunks_exact_mut(n.max(1)).zip(matrix.as_slice().chunks_exact(n.max(1)));
        for (j, ((factor, column), own)) in columns.zip(&self.scale).enumerate() {
            // What stands above the diagonal is not read.
            factor[j..].iter_mut().zip(&column[j..]).zip(&self.scale[j..]).for_each(|((f, x), s)| *f = x * s * own);
        }
        cholesky(&mut self.factor, n)?;
        Some(self.factor.iter().step_by(n + 1).copied().fold(f64::INFINITY, f64::min))
    }

    /// Writes the solution of matrix · x = rhs.
    pub fn solve(&self, rhs: &DVector<f64>, x: &mut DVector<f64>) {
        let n = self.scale.len();
        let x = x.as_mut_slice();
        x.iter_mut().zip(rhs.iter()).zip(&self.scale).for_each(|((x, rhs), s)| *x = rhs * s);
        for j in 0..n {
            let column = &self.factor[j * n..(j + 1) * n];
            x[j] /= column[j];
            let own = x[j];
            x[j + 1..].iter_mut().zip(&column[j + 1..]).for_each(|(x, l)| *x -= l * own);
        }
        for j in (0..n).rev() {
            let column = &self.factor[j * n..(j + 1) * n];
            let rest: f64 = column[j + 1..].iter().zip(&x[j + 1..]).map(|(l, x)| l * x).sum();
            x[j] = (x[j] - rest) / column[j];
        }
        x.iter_mut().zip(&self.scale).for_each(|(x, s)| *x *= s);
    }
}

/// The inverse of a positive definite matrix, in blocks where it is large.
fn inverse(matrix: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let n = matrix.nrows();
    if n < LARGE {
        return nalgebra::Cholesky::new(matrix.clone()).map(|factor| factor.inverse());
    }
    let (mut factor, mut inverse) = (matrix.clone(), DMatrix::zeros(n, n));
    cholesky(factor.as_mut_slice(), n)?;
    inverse_from_cholesky(factor.as_slice(), n, inverse.as_mut_slice());
    Some(inverse)
}

/// The inverse of a symmetric matrix on the directions in which it is positive; the others carry no information.
/// Scaled to unit diagonal first, so that units do not decide what counts as zero.
pub(crate) fn pseudo_inverse(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let scale = matrix.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| matrix[(a, b)] * scale[a] * scale[b]);
    let inverse = match inverse(&scaled) {
        Some(inverse) => inverse,
        None => {
            let eigen = SymmetricEigen::new(scaled);
            let inverted = eigen.eigenvalues.map(|l| if l > 1e-10 { 1.0 / l } else { 0.0 });
            &eigen.eigenvectors * DMatrix::from_diagonal(&inverted) * eigen.eigenvectors.transpose()
        }
    };
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| inverse[(a, b)] * scale[a] * scale[b])
}
