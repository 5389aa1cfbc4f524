//! Dense algebra of the tail, n × n row by row, n up to thousands: Cholesky factor and inverse, in blocks that stay
//! in the cache.
//!
//! Nearly all of it is products of matrices, which nalgebra makes with the instructions that the processor has. Groups
//! of rows are shared out between threads where there are many; every element is the same sum in the same order for any
//! number of threads.

use super::small::LogProduct;
use crate::fit::kernels::{axpy, dot};
use nalgebra::{DMatrixView, DMatrixViewMut};
use rayon::prelude::*;

/// Columns that are worked on together.
const BLOCK: usize = 48;
/// Rows that are worked on together.
const GROUP: usize = 64;
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

/// Dimensions up to which products are made here: nalgebra leaves them to loops that want their columns contiguous.
const FEW: usize = 5;

/// Subtracts from columns first, …, first + width of rows (of length n) their products, from column `from` up to
/// `first`, with rows of `other`.
fn subtract_products(rows: &mut [f64], n: usize, from: usize, first: usize, width: usize, other: &[f64]) {
    if from >= first {
        return;
    }
    let count = rows.len() / n;
    if first <= from + FEW || width <= FEW || count <= FEW {
        for row in rows.chunks_exact_mut(n) {
            let (known, own) = row.split_at_mut(first);
            let others = other.chunks_exact(n).map(|other| &other[from..first]);
            own[..width].iter_mut().zip(others).for_each(|(x, other)| *x -= dot(&known[from..], other));
        }
        return;
    }
    // A row here is a column to nalgebra.
    let mut columns = DMatrixViewMut::from_slice(rows, n, count);
    let (known, mut own) = columns.rows_range_pair_mut(from..first, first..first + width);
    let other = DMatrixView::from_slice_with_strides(&other[from..], width, first - from, n, 1);
    own.gemm(-1.0, &other, &known, 1.0);
}

/// Solves x L' = row in columns first, …, first + width, L given column by column.
fn solve_block(row: &mut [f64], first: usize, width: usize, columns: &[f64]) {
    for j in 0..width {
        let (own, later) = row[first + j..first + width].split_at_mut(1);
        own[0] /= columns[j * width + j];
        axpy(later, -own[0], &columns[j * width + j + 1..(j + 1) * width]);
    }
}

/// A factor L of a block on the diagonal, and its inverse, column by column.
struct Triangle {
    width: usize,
    columns: [f64; BLOCK * BLOCK],
    inverse: [f64; BLOCK * BLOCK],
}

impl Triangle {
    /// From rows of length n.
    fn of(block: &[f64], n: usize, first: usize, width: usize) -> Self {
        let (columns, mut inverse) = (by_columns(block, n, first, width), [0.0; BLOCK * BLOCK]);
        for (j, own) in inverse.chunks_exact_mut(width).enumerate().take(width) {
            own[j] = 1.0;
            solve_block(own, 0, width, &columns);
        }
        Self { width, columns, inverse }
    }

    /// Solves x L' = row in columns from `first`, of at most a group of rows of length n.
    fn solve(&self, rows: &mut [f64], n: usize, first: usize) {
        let (width, count) = (self.width, rows.len() / n);
        if width <= FEW || count <= FEW {
            return rows.chunks_exact_mut(n).for_each(|row| solve_block(row, first, width, &self.columns));
        }
        let mut right = [0.0; BLOCK * GROUP];
        for (own, row) in right.chunks_exact_mut(width).zip(rows.chunks_exact(n)) {
            own.copy_from_slice(&row[first..first + width]);
        }
        // A row here is a column to nalgebra.
        let (inverse, right) = (DMatrixView::from_slice(&self.inverse, width, width), DMatrixView::from_slice(&right, width, count));
        DMatrixViewMut::from_slice(rows, n, count).rows_mut(first, width).gemm(1.0, &inverse, &right, 0.0);
    }
}

/// The factor of a block on the diagonal, column by column, from rows of length n.
fn by_columns(block: &[f64], n: usize, first: usize, width: usize) -> [f64; BLOCK * BLOCK] {
    let mut columns = [0.0; BLOCK * BLOCK];
    for (i, row) in block.chunks_exact(n).enumerate() {
        (0..=i).for_each(|j| columns[j * width + i] = row[first + j]);
    }
    columns
}

/// Runs `work` on groups of rows, on several threads where it pays.
fn on_rows(rows: &mut [f64], n: usize, work: impl Fn(usize, &mut [f64]) + Sync) {
    let one = |(group, rows): (usize, &mut [f64])| work(GROUP * group, rows);
    if n < PARALLEL {
        rows.chunks_mut(GROUP * n).enumerate().for_each(one);
    } else {
        rows.par_chunks_mut(GROUP * n).enumerate().for_each(one);
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
            subtract_products(block, n, 0, first, width, &left);
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
        if below.is_empty() {
            break;
        }
        let own = Triangle::of(block, n, first, width);
        on_rows(below, n, |_, rows| {
            subtract_products(rows, n, 0, first, width, block);
            own.solve(rows, n, first);
        });
    }
    Some(determinant.ln())
}

/// Writes (LL')⁻¹ into `inverse`, both triangles, given L in the lower triangle of `factor`; `room` is n × n.
pub(in crate::fit) fn inverse(factor: &[f64], n: usize, room: &mut [f64], inverse: &mut [f64]) {
    // Row j of `room` becomes column j of L⁻¹, and nothing stands before the diagonal.
    room.fill(0.0);
    if n <= BLOCK {
        inverse_of_block(factor, n, room, inverse);
    } else {
        inverse_of_blocks(factor, n, room, inverse);
    }
    mirror(inverse, n);
}

fn inverse_of_block(factor: &[f64], n: usize, columns: &mut [f64], inverse: &mut [f64]) {
    for (j, own) in columns.chunks_exact_mut(n).enumerate() {
        own[j] = 1.0 / factor[j * n + j];
        for i in j + 1..n {
            own[i] = -dot(&factor[i * n + j..i * n + i], &own[j..i]) / factor[i * n + i];
        }
    }
    for (i, own) in inverse.chunks_exact_mut(n).enumerate() {
        (0..=i).for_each(|j| own[j] = dot(&columns[i * n + i..(i + 1) * n], &columns[j * n + i..(j + 1) * n]));
    }
}

fn inverse_of_blocks(factor: &[f64], n: usize, columns: &mut [f64], inverse: &mut [f64]) {
    (0..n).for_each(|j| columns[j * n + j] = 1.0);
    for first in (0..n).step_by(BLOCK) {
        let width = BLOCK.min(n - first);
        let block = &factor[first * n..(first + width) * n];
        let own = Triangle::of(block, n, first, width);
        on_rows(&mut columns[..(first + width) * n], n, |from, rows| {
            subtract_products(rows, n, from, first, width, block);
            own.solve(rows, n, first);
        });
    }
    on_rows(inverse, n, |from, rows| {
        let (count, depth) = (rows.len() / n, n - from);
        if count <= FEW {
            for (i, row) in rows.chunks_exact_mut(n).enumerate() {
                let own = &columns[(from + i) * n + from..(from + i + 1) * n];
                row[..from + count].iter_mut().zip(columns.chunks_exact(n)).for_each(|(x, other)| *x = dot(own, &other[from..]));
            }
            return;
        }
        // A row here is a column to nalgebra.
        let own = DMatrixView::from_slice_with_strides(&columns[from * n + from..], depth, count, 1, n);
        let others = DMatrixView::from_slice_with_strides(&columns[from..], from + count, depth, n, 1);
        DMatrixViewMut::from_slice(rows, n, count).rows_mut(0, from + count).gemm(1.0, &others, &own, 0.0);
    });
}

/// Copies what stands left of the diagonal to the right of it, in squares that stay in the cache.
pub(super) fn mirror(a: &mut [f64], n: usize) {
    const SIDE: usize = 16;
    for first in (0..n).step_by(SIDE) {
        let next = n.min(first + SIDE);
        let (own, later) = a[first * n..].split_at_mut((next - first) * n);
        for (square, rows) in later.chunks(SIDE * n).enumerate() {
            for (i, own) in own.chunks_exact_mut(n).enumerate() {
                own[next + square * SIDE..].iter_mut().zip(rows.chunks_exact(n)).for_each(|(x, row)| *x = row[first + i]);
            }
        }
        for i in 0..next - first {
            (0..i).for_each(|j| own[j * n + first + i] = own[i * n + first + j]);
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
    if n > BLOCK && m > BLOCK {
        // A row here is a column to nalgebra.
        let (a, x) = (DMatrixView::from_slice(a, n, n), DMatrixView::from_slice(x, m, n));
        return on_rows(product, m, |from, rows| {
            let count = rows.len() / m;
            DMatrixViewMut::from_slice(rows, m, count).gemm(1.0, &x, &a.columns(from, count), 0.0);
        });
    }
    let one = |own: &mut [f64], row: &[f64]| {
        own.fill(0.0);
        x.chunks_exact(m).zip(row).for_each(|(other, by)| axpy(own, *by, other));
    };
    if n < PARALLEL {
        product.chunks_exact_mut(m).zip(a.chunks_exact(n)).for_each(|(own, row)| one(own, row));
    } else {
        product.par_chunks_exact_mut(m).with_min_len(32).zip(a.par_chunks_exact(n)).for_each(|(own, row)| one(own, row));
    }
}

/// tr(AB), in squares that stay in the cache.
pub(super) fn trace_of_product(a: &[f64], b: &[f64], n: usize) -> f64 {
    const SIDE: usize = 16;
    let mut sum = 0.0;
    for (first, own) in a.chunks(SIDE * n).enumerate().map(|(group, rows)| (SIDE * group, rows)) {
        for (square, others) in b.chunks(SIDE * n).enumerate() {
            for (i, row) in own.chunks_exact(n).enumerate() {
                let row = &row[square * SIDE..n.min((square + 1) * SIDE)];
                sum += row.iter().zip(others.chunks_exact(n)).map(|(x, other)| x * other[first + i]).sum::<f64>();
            }
        }
    }
    sum
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

    /// The condition is 10¹⁰, and the product of the factors loses no more digits than those of a well-conditioned matrix.
    #[test]
    fn the_factor_of_a_nearly_singular_matrix_is_as_exact() {
        let n = 150;
        let q = DMatrix::from_fn(n, n, |i, j| ((i * i * 7 + i * j + j * 13) as f64).sin()).qr().q();
        let values = DMatrix::from_fn(n, n, |i, j| if i == j { 1e-10_f64.powf(i as f64 / (n - 1) as f64) } else { 0.0 });
        let matrix = &q * values * q.transpose();
        let mut factor = matrix.as_slice().to_vec();
        cholesky(&mut factor, n).expect("positive definite");
        let l = DMatrix::from_fn(n, n, |i, j| if j <= i { factor[i * n + j] } else { 0.0 });
        let error = (&l * l.transpose() - &matrix).abs().max();
        assert!(error < 1e-14, "{error:e}");
    }

    #[test]
    fn an_indefinite_matrix_has_no_factor() {
        assert_eq!(cholesky(&mut [1.0, 2.0, 2.0, 1.0], 2), None);
    }
}
