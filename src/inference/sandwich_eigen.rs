//! Eigenvalues and eigenvectors of small symmetric matrices, in place.

use std::f64::consts::FRAC_1_SQRT_2;

/// More sweeps are never needed: convergence is quadratic.
const MOST_SWEEPS: usize = 30;

/// Replaces a symmetric m × m matrix of size about one by the diagonal matrix of its eigenvalues, and fills `vectors`
/// with the eigenvectors, one per row. Cyclic rotations (Jacobi 1846; Golub & Van Loan, Matrix Computations, §8.5),
/// until what is off the diagonal is below the rounding of a matrix of that size.
pub(super) fn symmetric_eigen(a: &mut [f64], vectors: &mut [f64], m: usize) {
    vectors.fill(0.0);
    vectors.iter_mut().step_by(m + 1).for_each(|x| *x = 1.0);
    for _ in 0..MOST_SWEEPS {
        let mut rotated = false;
        for j in 1..m {
            for i in 0..j {
                let off = a[i * m + j];
                if off.abs() <= 1e-17 {
                    continue;
                }
                rotated = true;
                let (cosine, sine) = rotation(a[i * m + i], off, a[j * m + j]);
                rotate_columns(a, m, (i, j), cosine, sine);
                rotate_rows(a, m, (i, j), cosine, sine);
                rotate_rows(vectors, m, (i, j), cosine, sine);
            }
        }
        if !rotated {
            return;
        }
    }
}

/// The cosine and sine of the smaller rotation that makes a 2 × 2 symmetric matrix diagonal.
fn rotation(first: f64, off: f64, second: f64) -> (f64, f64) {
    let twice = (second - first) / (2.0 * off);
    if twice == 0.0 {
        return (FRAC_1_SQRT_2, FRAC_1_SQRT_2);
    }
    let tangent = twice.signum() / (twice.abs() + twice.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    (cosine, tangent * cosine)
}

fn rotate_rows(a: &mut [f64], m: usize, (i, j): (usize, usize), cosine: f64, sine: f64) {
    let (before, after) = a.split_at_mut(j * m);
    for (x, y) in before[i * m..(i + 1) * m].iter_mut().zip(&mut after[..m]) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

fn rotate_columns(a: &mut [f64], m: usize, (i, j): (usize, usize), cosine: f64, sine: f64) {
    for row in a.chunks_exact_mut(m) {
        (row[i], row[j]) = (cosine * row[i] - sine * row[j], sine * row[i] + cosine * row[j]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn the_matrix_is_put_together_again() {
        for m in 1..8_usize {
            let a = DMatrix::from_fn(m, m, |i, j| 1.0 / (1 + i + j) as f64);
            let (mut values, mut vectors) = (a.as_slice().to_vec(), vec![0.0; m * m]);
            symmetric_eigen(&mut values, &mut vectors, m);
            let values = DMatrix::from_fn(m, m, |i, j| if i == j { values[i * m + i] } else { 0.0 });
            let vectors = DMatrix::from_row_slice(m, m, &vectors);
            assert!((&vectors * vectors.transpose() - DMatrix::identity(m, m)).abs().max() < 1e-14);
            assert!((vectors.transpose() * values * vectors - a).abs().max() < 1e-14);
        }
    }

    #[test]
    fn equal_eigenvalues_and_zeros_are_no_obstacle() {
        let (mut values, mut vectors) = (vec![1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 2.0], vec![0.0; 9]);
        symmetric_eigen(&mut values, &mut vectors, 3);
        let mut found = [values[0], values[4], values[8]];
        found.sort_by(f64::total_cmp);
        assert!(found.iter().zip([0.0, 2.0, 2.0]).all(|(x, y)| (x - y).abs() < 1e-15));
    }
}
