//! Dense algebra of the tail, n × n row by row, n up to thousands: Cholesky factor and inverse, in blocks that stay
//! in the cache.
//!
//! Everything is sums of products of rows, four by two at a time. Rows are shared out between threads where there are
//! many; every element is the same sum in the same order for any number of threads.

use super::small::LogProduct;
use rayon::prelude::*;

/// Columns that are worked on together.
const BLOCK: usize = 48;
/// The size from which threads are worth their while.
const PARALLEL: usize = 300;

/// Replaces rows at, …, at + k of a matrix X by those of Λ'X.
pub(super) fn scale_rows(lambda: &[f64], k: usize, at: usize, matrix: &mut [f64], width: usize) {
    for a in 0..k {
        let (own, below) = matrix[(at + a) * width..(at + k) * width].split_at_mut(width);
        own.iter_mut().for_each(|x| *x *= lambda[a * k + a]);
        for (b, other) in below.chunks_exact(width).enumerate() {
            let by = lambda[(a + 1 + b) * k + a];
            own.iter_mut().zip(other).for_each(|(x, y)| *x += by * y);
        }
    }
}

/// Replaces a row x by xΛ.
pub(super) fn scale_entries(lambda: &[f64], k: usize, x: &mut [f64]) {
    for a in 0..k {
        x[a] = (a..k).map(|b| x[b] * lambda[b * k + a]).sum();
    }
}

/// Replaces rows at, …, at + k of a matrix X by those of ΛX.
pub(super) fn scale_rows_back(lambda: &[f64], k: usize, at: usize, matrix: &mut [f64], width: usize) {
    for a in (0..k).rev() {
        let (above, own) = matrix[at * width..(at + a + 1) * width].split_at_mut(a * width);
        own.iter_mut().for_each(|x| *x *= lambda[a * k + a]);
        for (b, other) in above.chunks_exact(width).enumerate() {
            let by = lambda[a * k + b];
            own.iter_mut().zip(other).for_each(|(x, y)| *x += by * y);
        }
    }
}

/// Replaces a row x by xΛ'.
pub(super) fn scale_entries_back(lambda: &[f64], k: usize, x: &mut [f64]) {
    for a in (0..k).rev() {
        x[a] = (0..=a).map(|b| x[b] * lambda[a * k + b]).sum();
    }
}

/// The products of up to four rows with up to two.
#[inline(always)]
fn tile(a: [&[f64]; 4], b: [&[f64]; 2]) -> [[f64; 2]; 4] {
    let mut lanes = [[[0.0_f64; 2]; 2]; 4];
    let depth = a[0].len();
    let even = depth & !1;
    let (a0, a1, a2, a3) = (&a[0][..depth], &a[1][..depth], &a[2][..depth], &a[3][..depth]);
    let (b0, b1) = (&b[0][..depth], &b[1][..depth]);
    let mut l = 0;
    while l < even {
        for lane in 0..2 {
            let (x0, x1) = (b0[l + lane], b1[l + lane]);
            let y = [a0[l + lane], a1[l + lane], a2[l + lane], a3[l + lane]];
            for i in 0..4 {
                lanes[i][0][lane] += y[i] * x0;
                lanes[i][1][lane] += y[i] * x1;
            }
        }
        l += 2;
    }
    let mut sums = [[0.0; 2]; 4];
    for i in 0..4 {
        for j in 0..2 {
            sums[i][j] = lanes[i][j][0] + lanes[i][j][1];
            if even < depth {
                sums[i][j] += a[i][even] * b[j][even];
            }
        }
    }
    sums
}

/// Subtracts from columns first, …, first + width of up to four rows (of length n) their products, up to column
/// `depth`, with rows of `other`.
fn subtract_products(rows: &mut [f64], n: usize, from: usize, first: usize, width: usize, other: &[f64]) {
    let count = rows.len() / n;
    for j in (0..width).step_by(2) {
        let pair = [j, (j + 1).min(width - 1)];
        let sums = {
            let a = [0, 1, 2, 3].map(|i| &rows[i.min(count - 1) * n + from..i.min(count - 1) * n + first]);
            tile(a, pair.map(|j| &other[j * n + from..j * n + first]))
        };
        for i in 0..count {
            rows[i * n + first + j] -= sums[i][0];
            if j + 1 < width {
                rows[i * n + first + j + 1] -= sums[i][1];
            }
        }
    }
}

/// Solves x L' = row in columns first, …, first + width, for the rows of L that start at `block`.
fn solve_block(row: &mut [f64], n: usize, first: usize, width: usize, block: &[f64]) {
    for j in 0..width {
        let l = &block[j * n + first..j * n + first + width];
        let inner: f64 = row[first..first + j].iter().zip(l).map(|(x, l)| x * l).sum();
        row[first + j] = (row[first + j] - inner) / l[j];
    }
}

/// Runs `work` on groups of four rows, on several threads where it pays.
fn on_rows(rows: &mut [f64], n: usize, work: impl Fn(usize, &mut [f64]) + Sync) {
    if n < PARALLEL {
        rows.chunks_mut(4 * n).enumerate().for_each(|(group, rows)| work(4 * group, rows));
    } else {
        rows.par_chunks_mut(4 * n).with_min_len(8).enumerate().for_each(|(group, rows)| work(4 * group, rows));
    }
}

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor and returns the log-determinant, `None`
/// when the matrix is not positive definite. The upper triangle loses its meaning.
pub(in crate::fit) fn cholesky(a: &mut [f64], n: usize) -> Option<f64> {
    let mut determinant = LogProduct::new();
    for first in (0..n).step_by(BLOCK) {
        let width = BLOCK.min(n - first);
        let (block, below) = a[first * n..].split_at_mut(width * n);
        // The block's own columns, then its factor.
        if first > 0 {
            let left = block.to_vec();
            on_rows(block, n, |_, rows| subtract_products(rows, n, 0, first, width, &left));
        }
        for j in 0..width {
            let (above, own) = block.split_at_mut(j * n);
            let own = &mut own[first..first + j + 1];
            for (i, row) in above.chunks_exact(n).enumerate() {
                let l = &row[first..first + i + 1];
                let inner: f64 = own[..i].iter().zip(l).map(|(x, y)| x * y).sum();
                own[i] = (own[i] - inner) / l[i];
            }
            let pivot = own[j] - own[..j].iter().map(|x| x * x).sum::<f64>();
            if pivot <= 0.0 || !pivot.is_finite() {
                return None;
            }
            determinant.times(pivot);
            own[j] = pivot.sqrt();
        }
        on_rows(below, n, |_, rows| {
            subtract_products(rows, n, 0, first, width, block);
            rows.chunks_exact_mut(n).for_each(|row| solve_block(row, n, first, width, block));
        });
    }
    Some(determinant.ln())
}

/// Writes (LL')⁻¹ into `inverse`, both triangles, given L in the lower triangle of `factor`; `room` is n × n.
pub(in crate::fit) fn inverse(factor: &[f64], n: usize, room: &mut [f64], inverse: &mut [f64]) {
    // Row j of `room` becomes column j of L⁻¹.
    room.fill(0.0);
    (0..n).for_each(|j| room[j * n + j] = 1.0);
    for first in (0..n).step_by(BLOCK) {
        let width = BLOCK.min(n - first);
        let block = &factor[first * n..(first + width) * n];
        on_rows(&mut room[..(first + width) * n], n, |from, rows| {
            // Nothing stands before the diagonal.
            subtract_products(rows, n, from.min(first), first, width, block);
            rows.chunks_exact_mut(n).for_each(|row| solve_block(row, n, first, width, block));
        });
    }
    let columns = &*room;
    on_rows(inverse, n, |from, rows| {
        let count = rows.len() / n;
        let own = [0, 1, 2, 3].map(|i| (from + i.min(count - 1)) * n);
        for j in (from..n).step_by(2) {
            let pair = [j, (j + 1).min(n - 1)].map(|other| &columns[other * n + j..(other + 1) * n]);
            let sums = tile(own.map(|row| &columns[row + j..row + n]), pair);
            for i in 0..count {
                rows[i * n + j] = sums[i][0];
                if j + 1 < n {
                    rows[i * n + j + 1] = sums[i][1];
                }
            }
        }
    });
    for i in 0..n {
        for j in 0..i {
            // Groups of rows begin at multiples of four; what stands left of them is mirrored.
            if j < i / 4 * 4 {
                inverse[i * n + j] = inverse[j * n + i];
            }
        }
    }
}

/// Solves L X = B in place, B n × m.
pub(super) fn forward(factor: &[f64], n: usize, b: &mut [f64], m: usize) {
    for i in 0..n {
        let (above, own) = b.split_at_mut(i * m);
        let own = &mut own[..m];
        for (row, l) in above.chunks_exact(m).zip(&factor[i * n..i * n + i]) {
            own.iter_mut().zip(row).for_each(|(x, y)| *x -= l * y);
        }
        let inverse = 1.0 / factor[i * n + i];
        own.iter_mut().for_each(|x| *x *= inverse);
    }
}

/// Writes A X into `product`, A n × n and X n × m.
pub(super) fn multiply(a: &[f64], n: usize, x: &[f64], m: usize, product: &mut [f64]) {
    let one = |own: &mut [f64], row: &[f64]| {
        own.fill(0.0);
        for (other, by) in x.chunks_exact(m).zip(row) {
            own.iter_mut().zip(other).for_each(|(s, x)| *s += by * x);
        }
    };
    if n < PARALLEL {
        product.chunks_exact_mut(m).zip(a.chunks_exact(n)).for_each(|(own, row)| one(own, row));
    } else {
        product.par_chunks_exact_mut(m).with_min_len(32).zip(a.par_chunks_exact(n)).for_each(|(own, row)| one(own, row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// Sizes on both sides of the tiles, the blocks and the threads.
    #[test]
    fn factor_and_inverse_are_those_of_the_matrix() {
        for n in [1, 2, 3, 4, 5, 6, 7, 9, 47, 48, 49, 50, 97, 130, 331] {
            let root = DMatrix::from_fn(n, n, |i, j| ((i * 7 + j * 13) as f64).sin() / (n as f64).sqrt());
            let matrix = &root * root.transpose() + DMatrix::identity(n, n);
            let mut factor = matrix.as_slice().to_vec();
            let log_determinant = cholesky(&mut factor, n).expect("positive definite");
            let (mut room, mut found) = (vec![0.0; n * n], vec![f64::NAN; n * n]);
            inverse(&factor, n, &mut room, &mut found);
            let expected = nalgebra::Cholesky::new(matrix.clone()).expect("positive definite");
            assert!((log_determinant - expected.determinant().ln()).abs() < 1e-11, "{n}");
            let error = (DMatrix::from_row_slice(n, n, &found) - expected.inverse()).abs().max();
            assert!(error < 1e-12, "{n}: {error:e}");
            let b = DMatrix::from_fn(n, 3, |i, j| (i + j) as f64);
            let mut solved: Vec<f64> = (0..n * 3).map(|x| b[(x / 3, x % 3)]).collect();
            forward(&factor, n, &mut solved, 3);
            let direct = expected.l().solve_lower_triangular(&b).expect("regular");
            assert!((DMatrix::from_row_slice(n, 3, &solved) - direct).abs().max() < 1e-9, "{n}");
            let mut product = vec![0.0; n * 3];
            let x: Vec<f64> = (0..n * 3).map(|x| b[(x / 3, x % 3)]).collect();
            multiply(matrix.as_slice(), n, &x, 3, &mut product);
            assert!((DMatrix::from_row_slice(n, 3, &product) - &matrix * &b).abs().max() < 1e-9, "{n}");
        }
    }

    #[test]
    fn an_indefinite_matrix_has_no_factor() {
        assert_eq!(cholesky(&mut [1.0, 2.0, 2.0, 1.0], 2), None);
    }
}
