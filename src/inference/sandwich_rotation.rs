//! Fewer rows that say the same: what a cluster adds to a sandwich depends on its whitened rows X* and residuals e*
//! through X*'f(X*X*')X* and X*'f(X*X*')e* alone, and these do not change when both are rotated.

/// Rotates rows X (m × n, row by row) and residuals e so that only the first min(m, n) rows of X are not zero
/// (Householder 1958), and returns how many these are.
pub(super) fn rotate(x: &mut [f64], e: &mut [f64], n: usize) -> usize {
    let m = e.len();
    if m <= n {
        return m;
    }
    let mut reflector = vec![0.0; m];
    for k in 0..n {
        let norm = (k..m).fold(0.0, |norm: f64, i| norm.hypot(x[i * n + k]));
        if norm == 0.0 {
            continue;
        }
        let v = &mut reflector[k..m];
        v.iter_mut().enumerate().for_each(|(i, v)| *v = x[(k + i) * n + k]);
        let image = -norm.copysign(v[0]);
        v[0] -= image;
        // 2/v'v; v'v is twice the norm times the first entry of v, both without cancellation.
        let factor = 1.0 / (norm * v[0].abs());
        for j in k..n {
            let along = factor * v.iter().enumerate().map(|(i, v)| v * x[(k + i) * n + j]).sum::<f64>();
            v.iter().enumerate().for_each(|(i, v)| x[(k + i) * n + j] -= along * v);
        }
        let along = factor * v.iter().zip(&e[k..]).map(|(v, e)| v * e).sum::<f64>();
        v.iter().zip(&mut e[k..]).for_each(|(v, e)| *e -= along * v);
        // Exactly so, whatever rounding left.
        x[k * n + k] = image;
        (k + 1..m).for_each(|i| x[i * n + k] = 0.0);
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn products_stay_and_the_other_rows_are_zero() {
        for (m, n, rank) in [(7, 3, 3), (5, 4, 2), (4, 1, 1), (3, 3, 3), (2, 5, 2), (6, 2, 0)] {
            let value =
                |i: usize, j: usize| if rank == 0 { 0.0 } else { ((i * 7 + (j % rank) * 3 + i * (j % rank) + 1) % 11) as f64 - 4.0 };
            let x = DMatrix::from_fn(m, n, value);
            let e = DMatrix::from_fn(m, 1, |i, _| (i * i % 5) as f64 - 1.5);
            let mut rotated: Vec<f64> = x.transpose().as_slice().to_vec();
            let mut residuals = e.as_slice().to_vec();
            let left = rotate(&mut rotated, &mut residuals, n);
            assert_eq!(left, m.min(n));
            let y = DMatrix::from_row_slice(left, n, &rotated[..left * n]);
            let f = DMatrix::from_column_slice(left, 1, &residuals[..left]);
            assert!((y.transpose() * &y - x.transpose() * &x).abs().max() < 1e-12);
            assert!((y.transpose() * f - x.transpose() * &e).abs().max() < 1e-12);
            assert!(rotated[left * n..].iter().all(|x| *x == 0.0));
            assert!((residuals.iter().map(|e| e * e).sum::<f64>() - e.norm_squared()).abs() < 1e-12);
        }
    }
}
