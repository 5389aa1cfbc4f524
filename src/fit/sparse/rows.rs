//! The observations one by one, in the order of a layout.

use super::layout::{Layout, Place};
use super::small::{forward, semidefinite_root};
use crate::design::Design;
use crate::fit::kernels::{axpy, for_small_sizes};
use std::borrow::Cow;

/// Rows of observations in the order of a layout.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// m = p + 1.
    width: usize,
    /// The number k of effects of a level of the head.
    size: usize,
    /// Where the rows of each level of the head begin, and where the last one's end.
    starts: Vec<usize>,
    /// \[X e\] with √w, N × m.
    pub u: Vec<f64>,
    /// √w.
    pub roots: Vec<f64>,
    /// R⁻¹z of the head, N × k.
    pub whitened: Vec<f64>,
}

impl Rows {
    /// X of the columns kept, and nothing in the place of e.
    pub fn new(design: &Design, layout: &Layout, kept: &[usize]) -> Self {
        let (n, m, visits) = (layout.rows.len(), kept.len() + 1, design.columns.visits.len());
        let roots: Vec<f64> = match &design.rows.weights {
            Some(w) => layout.rows.iter().map(|&row| w[row as usize].sqrt()).collect(),
            None => vec![1.0; n],
        };
        let mut position = vec![None; design.columns.len()];
        kept.iter().enumerate().for_each(|(new, &old)| position[old] = Some(new));
        let entry = |e: &crate::design::Entry| position[e.column].map(|column| (column, e.value, e.weight));
        let entries: Vec<Vec<(usize, usize, f64)>> =
            design.columns.entries.iter().map(|row| row.iter().filter_map(entry).collect()).collect();
        let mut u = vec![0.0; n * m];
        for ((u, &row), &root) in u.chunks_exact_mut(m).zip(&layout.rows).zip(&roots) {
            let z = design.rows.z_of(row as usize / visits);
            entries[row as usize % visits].iter().for_each(|&(column, value, weight)| u[column] += root * weight * z[value]);
        }
        Self { width: m, size: layout.size, starts: layout.starts.clone(), u, roots, whitened: vec![0.0; n * layout.size] }
    }

    /// Sets R⁻¹z of every row, and returns R of every level of the head; `z` multiplies the effects of every term.
    pub fn whiten(&mut self, design: &Design, layout: &Layout, z: &[Cow<[f64]>]) -> Vec<f64> {
        let k = self.size;
        for &term in &layout.head {
            let random = &design.rows.random[term];
            let (Place::Head(at) | Place::Tail(at)) = layout.places[term];
            for ((own, &row), root) in self.whitened.chunks_exact_mut(k).zip(&layout.rows).zip(&self.roots) {
                let z = &z[term][row as usize * random.size()..][..random.size()];
                own[at..at + z.len()].iter_mut().zip(z).for_each(|(x, z)| *x = root * z);
            }
        }
        let mut roots = vec![0.0; layout.levels() * k * k];
        for (level, r) in roots.chunks_exact_mut(k * k).enumerate() {
            let own = &mut self.whitened[self.starts[level] * k..self.starts[level + 1] * k];
            for z in own.chunks_exact(k) {
                for i in 0..k {
                    (0..=i).for_each(|j| r[i * k + j] += z[i] * z[j]);
                }
            }
            semidefinite_root(r, k);
            own.chunks_exact_mut(k).for_each(|z| forward(r, k, z));
        }
        // Rows of no level are explained by none.
        self.whitened[self.starts[layout.levels()] * k..].fill(0.0);
        roots
    }

    /// Writes e = √w y − Xβ; `y` are the outcomes of the design, of which `layout` says which are whose.
    pub fn set_outcome(&mut self, layout: &Layout, y: &[f64], beta: &[f64]) {
        let p = self.width - 1;
        for ((u, &row), root) in self.u.chunks_exact_mut(p + 1).zip(&layout.rows).zip(&self.roots) {
            let (x, e) = u.split_at_mut(p);
            e[0] = root * y[row as usize] - x.iter().zip(beta).map(|(x, b)| x * b).sum::<f64>();
        }
    }

    /// e'e.
    pub fn squares(&self) -> f64 {
        self.u.iter().skip(self.width - 1).step_by(self.width).map(|e| e * e).sum()
    }

    /// U and R⁻¹z of the rows of a level, or of those of none.
    fn of_level(&self, level: usize) -> (&[f64], &[f64]) {
        let end = self.starts.get(level + 1).copied().unwrap_or(self.roots.len());
        let start = self.starts[level];
        (&self.u[start * self.width..end * self.width], &self.whitened[start * self.size..end * self.size])
    }

    /// c of every level of the head, of X, and its part in the sums of X.
    pub fn add_x(&self, c: &mut [f64], within: &mut [f64]) {
        let mut residual = vec![0.0; self.width];
        for_small_sizes!(self.width, m => self.add_x_of_size(m, c, within, &mut residual));
    }

    #[inline(always)]
    fn add_x_of_size(&self, m: usize, c: &mut [f64], within: &mut [f64], residual: &mut [f64]) {
        let (k, p) = (self.size, m - 1);
        let (residual, within) = (&mut residual[..p], &mut within[..m * m]);
        for level in 0..self.starts.len() {
            let (u, whitened) = self.of_level(level);
            let mut none = [];
            let c = c.get_mut(level * k * m..(level + 1) * k * m).unwrap_or(&mut none);
            for (u, z) in u.chunks_exact(m).zip(whitened.chunks_exact(k)) {
                c.chunks_exact_mut(m).zip(z).for_each(|(c, z)| axpy(&mut c[..p], *z, &u[..p]));
            }
            for (u, z) in u.chunks_exact(m).zip(whitened.chunks_exact(k)) {
                residual.copy_from_slice(&u[..p]);
                c.chunks_exact(m).zip(z).for_each(|(c, z)| axpy(residual, -z, &c[..p]));
                for (j, sums) in within.chunks_exact_mut(m).enumerate().take(p) {
                    if residual[j] != 0.0 {
                        axpy(&mut sums[j..p], residual[j], &residual[j..]);
                    }
                }
            }
        }
    }

    /// Writes what the levels of the head have of e, k numbers each, and adds to `sums` the products of U with what they
    /// cannot explain of it, which is at right angles to what they can of X.
    pub fn set_explained(&self, explained: &mut [f64], sums: &mut [f64]) {
        explained.fill(0.0);
        for_small_sizes!(self.width, m => self.set_explained_of_size(m, explained, sums));
    }

    #[inline(always)]
    fn set_explained_of_size(&self, m: usize, explained: &mut [f64], sums: &mut [f64]) {
        let (k, p) = (self.size, m - 1);
        let sums = &mut sums[..m];
        for level in 0..self.starts.len() {
            let (u, whitened) = self.of_level(level);
            let mut none = [];
            let own = explained.get_mut(level * k..(level + 1) * k).unwrap_or(&mut none);
            for (u, z) in u.chunks_exact(m).zip(whitened.chunks_exact(k)) {
                axpy(own, u[p], z);
            }
            for (u, z) in u.chunks_exact(m).zip(whitened.chunks_exact(k)) {
                let residual = u[p] - own.iter().zip(z).map(|(c, z)| c * z).sum::<f64>();
                axpy(&mut sums[..p], residual, &u[..p]);
                sums[p] += residual * residual;
            }
        }
    }

    /// What the head cannot explain of a row of U, given c of its level.
    pub fn set_residual(&self, c: &[f64], position: usize, residual: &mut [f64]) {
        let (k, m) = (self.size, self.width);
        residual.copy_from_slice(&self.u[position * m..(position + 1) * m]);
        c.chunks_exact(m).zip(&self.whitened[position * k..(position + 1) * k]).for_each(|(c, z)| axpy(residual, -z, c));
    }
}
