//! Levels that are alike, turned so that few of them have anything of X and of the tail.
//!
//! Levels of the head with the same R enter every sum as Σ_j x_j'N⁻¹y_j, N the same for all of them, which no rotation of
//! the levels changes. One column after the other is reflected (Householder) to where only one row more has a share in it.

use super::small::semidefinite_root;
use crate::fit::kernels::{axpy, dot};

/// What is left of a column, as a share of it, that is but rounding.
const ROUNDING: f64 = 1e-14;

/// A rotation of levels.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// Householder's vectors, each from the row of its own position, with 2/v'v before it.
    reflections: Vec<(f64, Vec<f64>)>,
    /// The number k of effects of a level.
    size: usize,
    /// The columns of e, one after the other, k of them.
    columns: Vec<f64>,
    /// Of what is left of them below, the products, k × k.
    rest: Vec<f64>,
}

impl Rotation {
    /// Of h levels of k effects; `columns`, each of length h, are left as the rotation makes them.
    pub fn of(columns: &mut [f64], h: usize, k: usize) -> Self {
        let mut reflections: Vec<(f64, Vec<f64>)> = vec![];
        for j in 0..columns.len() / h {
            let (before, rest) = columns.split_at_mut((j + 1) * h);
            let (column, rank) = (&mut before[j * h..], reflections.len());
            let left = dot(&column[rank..], &column[rank..]);
            if left <= ROUNDING * ROUNDING * dot(column, column) {
                column[rank..].fill(0.0);
                continue;
            }
            let norm = if column[rank] > 0.0 { -left.sqrt() } else { left.sqrt() };
            let mut v = column[rank..].to_vec();
            v[0] -= norm;
            let factor = 2.0 / dot(&v, &v);
            column[rank] = norm;
            column[rank + 1..].fill(0.0);
            rest.chunks_exact_mut(h).for_each(|other| reflect(&v, factor, &mut other[rank..]));
            reflections.push((factor, v));
        }
        Self { reflections, size: k, columns: vec![0.0; h * k], rest: vec![0.0; k * k] }
    }

    /// The rows that have anything of the columns that were turned.
    pub fn rank(&self) -> usize {
        self.reflections.len()
    }

    /// The rows that have anything, e included.
    pub fn rows(&self) -> usize {
        self.rank() + self.size
    }

    /// Turns e, of which `levels` give k numbers each, and hands over what each row has of it: k numbers as well.
    pub fn turn<E: Iterator<Item = f64>>(
        &mut self,
        levels: impl Iterator<Item = E>,
        mut set: impl FnMut(usize, &mut dyn Iterator<Item = f64>),
    ) {
        let (k, h, rank) = (self.size, self.columns.len() / self.size, self.rank());
        for (i, own) in levels.enumerate() {
            own.enumerate().for_each(|(a, x)| self.columns[a * h + i] = x);
        }
        for column in self.columns.chunks_exact_mut(h) {
            self.reflections.iter().enumerate().for_each(|(row, (factor, v))| reflect(v, *factor, &mut column[row..]));
        }
        (0..rank).for_each(|i| set(i, &mut self.columns.chunks_exact(h).map(|column| column[i])));
        // What is left below belongs to e alone, and of it no more is needed than the products.
        for (a, one) in self.columns.chunks_exact(h).enumerate() {
            for (b, other) in self.columns.chunks_exact(h).enumerate().take(a + 1) {
                self.rest[a * k + b] = dot(&one[rank..], &other[rank..]);
            }
        }
        semidefinite_root(&mut self.rest, k);
        (0..k).for_each(|j| set(rank + j, &mut (0..k).map(|a| self.rest[a * k + j])));
    }
}

/// Replaces x by its reflection.
#[inline]
fn reflect(v: &[f64], factor: f64, x: &mut [f64]) {
    axpy(x, -factor * dot(v, x), v);
}
