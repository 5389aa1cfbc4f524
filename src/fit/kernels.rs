//! Dense kernels for the small symmetric matrices of the hot loop, m × m in column-major slices.

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor and returns the log-determinant, `None` when the matrix is
/// not positive definite.
pub(crate) fn cholesky(a: &mut [f64], m: usize) -> Option<f64> {
    let mut log_determinant = 0.0;
    for j in 0..m {
        let pivot = a[j * m + j];
        if pivot <= 0.0 || !pivot.is_finite() {
            return None;
        }
        log_determinant += pivot.ln();
        let root = pivot.sqrt();
        a[j * m + j] = root;
        let inverse = 1.0 / root;
        for i in j + 1..m {
            a[j * m + i] *= inverse;
        }
        for k in j + 1..m {
            let factor = a[j * m + k];
            for i in k..m {
                a[k * m + i] -= a[j * m + i] * factor;
            }
        }
    }
    Some(log_determinant)
}

/// Writes the inverse of L L' into `inverse` (both triangles), given L in the lower triangle of `factor`.
pub(crate) fn inverse_from_cholesky(factor: &[f64], m: usize, inverse: &mut [f64]) {
    inverse.fill(0.0);
    for j in 0..m {
        // Column j of L⁻¹, then of L⁻ᵀ L⁻¹.
        inverse[j * m + j] = 1.0;
        for k in j..m {
            let x = inverse[j * m + k] / factor[k * m + k];
            inverse[j * m + k] = x;
            for i in k + 1..m {
                inverse[j * m + i] -= factor[k * m + i] * x;
            }
        }
    }
    for j in 0..m {
        for k in (j..m).rev() {
            let mut x = inverse[j * m + k];
            for i in k + 1..m {
                x -= factor[k * m + i] * inverse[j * m + i];
            }
            inverse[j * m + k] = x / factor[k * m + k];
        }
    }
    mirror(inverse, m);
}

/// Copies the lower triangle to the upper one.
pub(crate) fn mirror(a: &mut [f64], m: usize) {
    for j in 0..m {
        for i in j + 1..m {
            a[i * m + j] = a[j * m + i];
        }
    }
}

/// Writes A B into `product`.
pub(crate) fn multiply(a: &[f64], b: &[f64], m: usize, product: &mut [f64]) {
    product.fill(0.0);
    for j in 0..m {
        for k in 0..m {
            let factor = b[j * m + k];
            if factor != 0.0 {
                for i in 0..m {
                    product[j * m + i] += a[k * m + i] * factor;
                }
            }
        }
    }
}

/// tr(A B) of two symmetric matrices.
pub(crate) fn trace_product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Writes A v into `product`, A symmetric.
pub(crate) fn symmetric_product(a: &[f64], v: &[f64], product: &mut [f64]) {
    product.iter_mut().zip(a.chunks_exact(v.len())).for_each(|(x, column)| *x = dot(column, v));
}

/// Adds `factor` x to y.
#[inline]
pub(crate) fn axpy(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

/// a'b, in four running sums so that the additions need not wait for each other.
#[inline]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        (0..4).for_each(|k| sums[k] += x[k] * y[k]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn inverse_and_determinant_are_those_of_the_matrix() {
        let a = DMatrix::from_row_slice(3, 3, &[4.0, 1.0, 0.5, 1.0, 3.0, -0.2, 0.5, -0.2, 2.0]);
        let mut factor = a.as_slice().to_vec();
        let log_determinant = cholesky(&mut factor, 3).expect("positive definite");
        let mut inverse = vec![0.0; 9];
        inverse_from_cholesky(&factor, 3, &mut inverse);
        let identity = &a * DMatrix::from_column_slice(3, 3, &inverse);
        assert!((identity - DMatrix::identity(3, 3)).abs().max() < 1e-15);
        assert!((log_determinant - a.determinant().ln()).abs() < 1e-14);
    }

    #[test]
    fn an_indefinite_matrix_has_no_factor() {
        assert_eq!(cholesky(&mut [1.0, 2.0, 2.0, 1.0], 2), None);
        assert_eq!(cholesky(&mut [f64::NAN], 1), None);
    }
}
