//! Dense kernels for the small symmetric matrices of the hot loop, m × m in column-major slices.

use super::sparse::dense;

/// The size from which matrices no longer stay in the cache.
pub(crate) const LARGE: usize = 200;

/// Compiles a kernel once for each of these sizes, with loops of known length, and once for all others.
macro_rules! for_sizes {
    ($m:expr, $size:ident => $call:expr; $($known:literal)*) => {
        match $m {
            $($known => {
                let $size = $known;
                $call
            })*
            $size => $call,
        }
    };
}
pub(crate) use for_sizes;

/// The sizes of a few visits.
macro_rules! for_small_sizes {
    ($m:expr, $size:ident => $call:expr) => {
        $crate::fit::kernels::for_sizes!($m, $size => $call; 1 2 3 4 5 6)
    };
}
pub(crate) use for_small_sizes;

/// Those of ten visits and a dozen columns too, for what takes m³ multiplications.
macro_rules! for_sizes_to_twelve {
    ($m:expr, $size:ident => $call:expr) => {
        for_sizes!($m, $size => $call; 1 2 3 4 5 6 7 8 9 10 11 12)
    };
}

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor and returns the log-determinant, `None`
/// when the matrix is not positive definite.
pub(crate) fn cholesky(a: &mut [f64], m: usize) -> Option<f64> {
    if m >= LARGE {
        return cholesky_of_large(a, m);
    }
    for_sizes_to_twelve!(m, m => cholesky_of_size(a, m))
}

/// The same in blocks that stay in the cache, which take the matrix and the factor row by row.
fn cholesky_of_large(a: &mut [f64], m: usize) -> Option<f64> {
    mirror(a, m);
    let log_determinant = dense::cholesky(a, m)?;
    for j in 0..m {
        (j + 1..m).for_each(|i| a.swap(j * m + i, i * m + j));
    }
    Some(log_determinant)
}

/// The inverse given the factor column by column, in blocks.
fn inverse_of_large(factor: &[f64], m: usize, inverse: &mut [f64]) {
    let mut by_row = vec![0.0; m * m];
    for (j, column) in factor[..m * m].chunks_exact(m).enumerate() {
        (j..m).for_each(|i| by_row[i * m + j] = column[i]);
    }
    dense::inverse(&by_row, m, &mut vec![0.0; m * m], &mut inverse[..m * m]);
}

#[inline(always)]
fn cholesky_of_size(a: &mut [f64], m: usize) -> Option<f64> {
    let a = &mut a[..m * m];
    // One logarithm for many pivots; their product is kept away from the ends of the range.
    let (mut log_determinant, mut pivots) = (0.0, 1.0);
    for j in 0..m {
        let (head, tail) = a.split_at_mut((j + 1) * m);
        let own = &mut head[j * m + j..];
        let pivot = own[0];
        if pivot <= 0.0 || !pivot.is_finite() {
            return None;
        }
        pivots *= pivot;
        if !(1e-100..1e100).contains(&pivots) {
            log_determinant += if pivots.is_normal() { pivots.ln() } else { (pivots / pivot).ln() + pivot.ln() };
            pivots = 1.0;
        }
        let inverse = 1.0 / pivot.sqrt();
        own.iter_mut().for_each(|x| *x *= inverse);
        for (k, column) in tail.chunks_exact_mut(m).enumerate() {
            axpy(&mut column[j + 1 + k..], -own[k + 1], &own[k + 1..]);
        }
    }
    Some(log_determinant + pivots.ln())
}

/// Writes the inverse of L L' into `inverse` (both triangles), given L in the lower triangle of `factor`.
pub(crate) fn inverse_from_cholesky(factor: &[f64], m: usize, inverse: &mut [f64]) {
    if m >= LARGE {
        return inverse_of_large(factor, m, inverse);
    }
    for_sizes_to_twelve!(m, m => inverse_of_size(factor, m, inverse));
}

#[inline(always)]
fn inverse_of_size(factor: &[f64], m: usize, inverse: &mut [f64]) {
    let (factor, inverse) = (&factor[..m * m], &mut inverse[..m * m]);
    inverse.fill(0.0);
    // L⁻¹, column by column.
    for (j, column) in inverse.chunks_exact_mut(m).enumerate() {
        column[j] = 1.0;
        for k in j..m {
            let own = &factor[k * m..(k + 1) * m];
            let x = column[k] / own[k];
            column[k] = x;
            axpy(&mut column[k + 1..], -x, &own[k + 1..]);
        }
    }
    // L⁻ᵀL⁻¹ in place: element (i, j) takes what lies at row i and below in columns i and j, and only (i, j) itself
    // is overwritten.
    for j in 0..m {
        let (head, tail) = inverse.split_at_mut((j + 1) * m);
        let own = &mut head[j * m..];
        own[j] = dot(&own[j..], &own[j..]);
        for (k, column) in tail.chunks_exact(m).enumerate() {
            let i = j + 1 + k;
            own[i] = dot(&own[i..], &column[i..]);
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
    for_sizes_to_twelve!(m, m => multiply_of_size(a, b, m, product));
}

#[inline(always)]
pub(super) fn multiply_of_size(a: &[f64], b: &[f64], m: usize, product: &mut [f64]) {
    let (a, b, product) = (&a[..m * m], &b[..m * m], &mut product[..m * m]);
    for (own, factors) in product.chunks_exact_mut(m).zip(b.chunks_exact(m)) {
        own.fill(0.0);
        let (groups, fours) = (a.chunks_exact(4 * m), factors.chunks_exact(4));
        let rest = groups.remainder().chunks_exact(m).zip(fours.remainder());
        for (group, four) in groups.zip(fours) {
            let (first, second) = group.split_at(2 * m);
            let ((c0, c1), (c2, c3)) = (first.split_at(m), second.split_at(m));
            axpy_of_four(own, [four[0], four[1], four[2], four[3]], [c0, c1, c2, c3]);
        }
        rest.for_each(|(column, &factor)| axpy(own, factor, column));
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

/// v'Av; `product` is room for Av.
pub(crate) fn quadratic_form(a: &[f64], v: &[f64], product: &mut [f64]) -> f64 {
    let n = v.len().max(1);
    product.fill(0.0);
    let (fours, factors) = (a.chunks_exact(4 * n), v.chunks_exact(4));
    let rest = fours.remainder().chunks_exact(n).zip(factors.remainder());
    for (columns, four) in fours.zip(factors) {
        axpy_of_four(product, [0, 1, 2, 3].map(|k| four[k]), [0, 1, 2, 3].map(|k| &columns[k * n..(k + 1) * n]));
    }
    rest.for_each(|(column, &factor)| axpy(product, factor, column));
    dot(product, v)
}

/// Adds `factor` x to y.
#[inline(always)]
pub(crate) fn axpy(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

/// Adds the four multiples of x to y, one after the other.
#[inline(always)]
pub(crate) fn axpy_of_four(y: &mut [f64], factors: [f64; 4], x: [&[f64]; 4]) {
    let x = x.map(|x| &x[..y.len()]);
    for i in 0..y.len() {
        y[i] = y[i] + factors[0] * x[0][i] + factors[1] * x[1][i] + factors[2] * x[2][i] + factors[3] * x[3][i];
    }
}

/// a'b, in four running sums so that the additions need not wait for each other.
#[inline(always)]
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
