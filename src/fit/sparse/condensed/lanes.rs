//! Kernels on matrices whose rows are a multiple of four numbers long: loops over four at a time, without remainders.

use crate::fit::sparse::small::LogProduct;

/// How many numbers are taken at a time.
pub(super) const LANES: usize = 4;
type Lane = [f64; LANES];

/// Adds `factor` x to y.
#[inline(always)]
pub(super) fn add(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.as_chunks_mut::<LANES>().0.iter_mut().zip(x.as_chunks::<LANES>().0) {
        (0..LANES).for_each(|k| y[k] += factor * x[k]);
    }
}

/// Adds `count` rows to a sum, each times its factor: rows begin `stride` numbers apart.
#[inline(always)]
pub(super) fn add_rows(sum: &mut [f64], rows: (&[f64], usize), count: usize, factor: impl Fn(usize) -> f64) {
    combine(sum, rows, count, factor, |sum| sum);
}

/// Writes the sum of `count` rows, each times its factor.
#[inline(always)]
pub(super) fn set_rows(sum: &mut [f64], rows: (&[f64], usize), count: usize, factor: impl Fn(usize) -> f64) {
    combine(sum, rows, count, factor, |_| [0.0; LANES]);
}

/// Adds rows to what the lanes of a sum begin with.
#[inline(always)]
fn combine(sum: &mut [f64], (rows, stride): (&[f64], usize), count: usize, factor: impl Fn(usize) -> f64, start: impl Fn(Lane) -> Lane) {
    let (mut sum, mut rows, stride) = (sum.as_chunks_mut().0, rows.as_chunks().0, stride / LANES);
    while sum.len() >= 4 && rows.len() >= 4 {
        combine_lanes::<4>(sum, (rows, stride), count, &factor, &start);
        (sum, rows) = (&mut sum[4..], &rows[4..]);
    }
    match sum.len() {
        1 => combine_lanes::<1>(sum, (rows, stride), count, &factor, &start),
        2 => combine_lanes::<2>(sum, (rows, stride), count, &factor, &start),
        3 => combine_lanes::<3>(sum, (rows, stride), count, &factor, &start),
        _ => {}
    }
}

/// The same in the first lanes of the sum, which stay in registers: compilers keep no sums of unknown length there.
#[inline(always)]
fn combine_lanes<const WIDTH: usize>(
    sum: &mut [Lane],
    (rows, stride): (&[Lane], usize),
    count: usize,
    factor: &impl Fn(usize) -> f64,
    start: &impl Fn(Lane) -> Lane,
) {
    let Some(sum) = sum.first_chunk_mut::<WIDTH>() else { return };
    let mut own = sum.map(start);
    for j in 0..count {
        let factor = factor(j);
        let Some(row) = rows[j * stride..].first_chunk::<WIDTH>() else { return };
        for (own, row) in own.iter_mut().zip(row) {
            (0..LANES).for_each(|k| own[k] += factor * row[k]);
        }
    }
    *sum = own;
}

/// a'b.
#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        (0..LANES).for_each(|k| sums[k] += a[k] * b[k]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Multiplies a row.
#[inline(always)]
pub(super) fn scale(row: &mut [f64], by: f64) {
    row.as_chunks_mut::<LANES>().0.iter_mut().for_each(|x| x.iter_mut().for_each(|x| *x *= by));
}

/// The whole lanes that hold so many numbers.
#[inline(always)]
pub(super) fn rounded(count: usize) -> usize {
    count.next_multiple_of(LANES)
}

/// Where the lane of a position begins.
#[inline(always)]
pub(super) fn lane(position: usize) -> usize {
    position / LANES * LANES
}

/// Replaces the first n rows \[M B\] by U and U⁻ᵀB, M = U'U: left of U's diagonal, its lane is zero and what comes before it has no
/// meaning. Multiplies a product by the pivots; `None` where M is not positive definite.
pub(super) fn eliminate(rows: &mut [f64], n: usize, stride: usize, pivots: &mut LogProduct) -> Option<()> {
    for i in 0..n {
        let (above, own) = rows.split_at_mut(i * stride);
        let from = lane(i);
        let own = &mut own[from..stride];
        subtract_above(own, above, stride, i);
        let pivot = own[i - from];
        if pivot <= 0.0 || !pivot.is_finite() {
            return None;
        }
        pivots.times(pivot);
        scale(own, 1.0 / pivot.sqrt());
        own[..i - from].fill(0.0);
    }
    Some(())
}

/// Subtracts from the end of row i what the rows above explain of it.
#[inline(always)]
pub(super) fn subtract_above(own: &mut [f64], above: &[f64], stride: usize, i: usize) {
    let from = stride - own.len();
    if i > 0 {
        add_rows(own, (&above[from..], stride), i, |j| -above[j * stride + i]);
    }
}

/// Solves U'X = B in place, X and B with rows of `width` numbers, U with rows of `stride`.
pub(super) fn solve_transposed((u, stride): (&[f64], usize), n: usize, b: &mut [f64], width: usize) {
    for i in 0..n {
        let (above, own) = b.split_at_mut(i * width);
        let own = &mut own[..width];
        add_rows(own, (above, width), i, |j| -u[j * stride + i]);
        scale(own, 1.0 / u[i * stride + i]);
    }
}

/// Solves U'x = b in place, x as long as the lanes of U's rows; what is beyond n is spoilt.
pub(super) fn solve_one((u, stride): (&[f64], usize), n: usize, x: &mut [f64]) {
    for j in 0..n {
        let row = &u[j * stride..][..x.len()];
        let own = x[j] / row[j];
        let from = lane(j);
        add(&mut x[from..], -own, &row[from..]);
        x[j] = own;
    }
}

/// Solves Ux = b in place, of n numbers.
pub(super) fn solve_back((u, stride): (&[f64], usize), n: usize, x: &mut [f64]) {
    for j in (0..n).rev() {
        let row = &u[j * stride..][..n];
        let later: f64 = row[j + 1..].iter().zip(&x[j + 1..n]).map(|(u, x)| u * x).sum();
        x[j] = (x[j] - later) / row[j];
    }
}

/// Writes U⁻ᵀ, with rows of `width` numbers.
pub(super) fn invert_transposed((u, stride): (&[f64], usize), n: usize, inverse: &mut [f64], width: usize) {
    for i in 0..n {
        let (above, own) = inverse.split_at_mut(i * width);
        own[..width].fill(0.0);
        let own = &mut own[..rounded(i + 1)];
        add_rows(own, (above, width), i, |j| -u[j * stride + i]);
        own[i] += 1.0;
        scale(own, 1.0 / u[i * stride + i]);
    }
}

/// Copies what is left of the diagonal, n × n, to the other side.
pub(super) fn mirror(rows: &mut [f64], n: usize, stride: usize) {
    for i in 1..n {
        (0..i).for_each(|j| rows[j * stride + i] = rows[i * stride + j]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// All kernels against dense algebra, for sizes that fill their lanes and sizes that do not.
    #[test]
    fn factors_and_solutions_are_those_of_the_matrix() {
        for (n, columns) in [(1, 1), (3, 2), (4, 4), (5, 3), (9, 11), (18, 7)] {
            let (padded, m) = (rounded(n), rounded(columns));
            let stride = padded + m;
            let matrix = DMatrix::from_fn(n, n, |i, j| 1.0 / (1.0 + (i as f64 - j as f64).abs()) + if i == j { 2.0 } else { 0.0 });
            let right = DMatrix::from_fn(n, columns, |i, j| (1.3 * i as f64 - 0.7 * j as f64).cos());
            let mut rows = vec![0.0; n * stride];
            for (i, row) in rows.chunks_exact_mut(stride).enumerate() {
                (0..n).for_each(|j| row[j] = matrix[(i, j)]);
                (0..columns).for_each(|j| row[padded + j] = right[(i, j)]);
            }
            let mut pivots = LogProduct::new();
            eliminate(&mut rows, n, stride, &mut pivots).expect("positive definite");
            assert!((pivots.ln() - matrix.determinant().ln()).abs() < 1e-13);
            let at =
                |rows: &[f64], stride: usize, first: usize, size: usize| DMatrix::from_fn(n, size, |i, j| rows[i * stride + first + j]);
            let u = at(&rows, stride, 0, n).upper_triangle();
            let of_right = at(&rows, stride, padded, columns);
            let near = |found: &DMatrix<f64>, expected: &DMatrix<f64>| (found - expected).amax() < 1e-14 * (1.0 + expected.amax());
            assert!(near(&(u.transpose() * &u), &matrix) && near(&(u.transpose() * &of_right), &right));
            let mut transposed = vec![f64::NAN; n * padded];
            invert_transposed((&rows, stride), n, &mut transposed, padded);
            assert!(near(&(u.transpose() * at(&transposed, padded, 0, n)), &DMatrix::identity(n, n)));
            let mut solved: Vec<f64> = rows.chunks_exact(stride).flat_map(|row| row[padded..].to_vec()).collect();
            solve_transposed((&rows, stride), n, &mut solved, m);
            assert!(near(&(u.transpose() * at(&solved, m, 0, columns)), &of_right));
            let (mut forward, mut back) = (vec![0.0; padded], vec![0.0; padded]);
            (0..n).for_each(|i| (forward[i], back[i]) = (right[(i, 0)], right[(i, 0)]));
            solve_one((&rows, stride), n, &mut forward);
            solve_back((&rows, stride), n, &mut back);
            assert!(near(&(u.transpose() * at(&forward, 1, 0, 1)), &right.columns(0, 1).into_owned()));
            assert!(near(&(&u * at(&back, 1, 0, 1)), &right.columns(0, 1).into_owned()));
        }
        assert!(eliminate(&mut [1.0, 2.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0], 2, 4, &mut LogProduct::new()).is_none());
    }
}
