//! The slopes of an unstructured Σ, whose parameters are its elements.
//!
//! With w_a a column of W, the derivative over σ_ab has W∂ΣW = w_a w_b' + w_b w_a' (w_a w_a' where a = b). At visits (c, d) that is
//!
//! ```text
//! U_ab,cd = w_ac w_bd + w_bc w_ad      (half of it where a = b)
//! ```
//!
//! which is the same for (c, d) and (a, b): Σ_P U ⊗ Σzz' is summed once for both, over the patterns that have seen all four visits.

use super::data::DataScratch;
use super::kernels::{axpy, axpy_of_four, for_small_sizes};
use super::pattern::Pattern;
use super::problem::{Point, Problem};
use super::slopes::Slopes;
use super::sums::{Sums, by_column};
use super::workspace::Workspace;
use crate::covariance::lower_pairs;

/// The most elements of the sums over patterns: 16 megabytes of them.
const MOST: usize = 2_000_000;

/// Room for the slopes; empty until they are needed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ElementRoom {
    /// Which patterns have seen both visits of a pair, a bit each; pair after pair.
    seen: Vec<u64>,
    /// W of every pattern of a group on the visit grid, zero elsewhere.
    w: Vec<f64>,
    /// Σ_P U ⊗ Σzz': a packed triangle for each pair of pairs of visits.
    u: Vec<f64>,
    /// Σ_P w_at Σ_i z_i (Wr_i)_b, q values for each b, a, t.
    crossed: Vec<f64>,
}

/// Whether the sums over patterns take little room.
pub(super) fn is_small(sums: &Sums, visits: usize) -> bool {
    let pairs = visits * (visits + 1) / 2;
    pairs * pairs * sums.block() <= MOST
}

impl Problem {
    /// P_k and a_k of every element of Σ, from sums over patterns.
    pub(super) fn set_slopes_of_elements(&self, sums: &Sums, point: &Point, slopes: &mut Slopes, room: &mut Workspace) {
        sums.set_weighted_residuals(&self.patterns, &self.rows, point.beta.as_slice(), &point.w, &mut room.data);
        for group in 0..self.sigmas.groups {
            // The cells of a group, and so its patterns, stand side by side.
            let first = self.patterns.partition_point(|p| p.group < group);
            let own = first..self.patterns.partition_point(|p| p.group <= group);
            for_small_sizes!(sums.values(), q => self.add_up(q, sums, own.clone(), point, room));
            self.take_slopes(group, sums, slopes, room);
        }
    }

    /// The sums over the patterns of a group.
    #[inline(always)]
    fn add_up(&self, q: usize, sums: &Sums, own: std::ops::Range<usize>, point: &Point, room: &mut Workspace) {
        let (t, block) = (self.sigmas.visits(), q * (q + 1) / 2);
        let Workspace { data, elements: ElementRoom { seen, w, u, crossed }, .. } = room;
        let (pairs, words, patterns) = (t * (t + 1) / 2, own.len().div_ceil(64), &self.patterns[own.clone()]);
        set_seen(patterns, words, pairs, seen);
        clear(w, own.len() * t * t);
        clear(u, pairs * pairs * block);
        clear(crossed, t * t * t * q);
        for (index, pattern) in own.clone().zip(patterns) {
            let grid = &mut w[(index - own.start) * t * t..][..t * t];
            spread(point.w.get(index), &pattern.visits, t, grid);
            add_crossed(q, t, pattern, grid, sums.weighted(index, data), crossed);
        }
        let packed = |local: usize| &sums.zz(own.start + local)[..block];
        for (k, (b, a)) in lower_pairs(t).enumerate() {
            for (l, (d, c)) in lower_pairs(t).enumerate().take(k + 1) {
                let at = (k * pairs + l) * block;
                let (sum, mut four, mut waiting) = (&mut u[at..at + block], [(0.0, 0); 4], 0);
                for word in 0..words {
                    let mut both = seen[k * words + word] & seen[l * words + word];
                    while both != 0 {
                        let local = word * 64 + both.trailing_zeros() as usize;
                        both &= both - 1;
                        let grid = &w[local * t * t..(local + 1) * t * t];
                        four[waiting] = (grid[a * t + c] * grid[b * t + d] + grid[b * t + c] * grid[a * t + d], local);
                        waiting += 1;
                        if waiting == 4 {
                            axpy_of_four(sum, four.map(|(weight, _)| weight), four.map(|(_, local)| packed(local)));
                            waiting = 0;
                        }
                    }
                }
                four[..waiting].iter().for_each(|&(weight, local)| axpy(sum, weight, packed(local)));
                u.copy_within(at..at + block, (l * pairs + k) * block);
            }
        }
    }

    /// The slopes of a group's parameters from these sums.
    fn take_slopes(&self, group: usize, sums: &Sums, slopes: &mut Slopes, room: &mut Workspace) {
        let (t, q) = (self.sigmas.visits(), sums.values());
        let Workspace { data: DataScratch { by_visit, .. }, elements: ElementRoom { u, crossed, .. }, .. } = room;
        let (first, size) = (group * self.sigmas.per_group, t * (t + 1) / 2 * sums.block());
        let crossed = |b: usize, a: usize| &crossed[(b * t + a) * t * q..][..t * q];
        for (k, (b, a)) in lower_pairs(t).enumerate() {
            let (p, score) = slopes.of_mut(first + k);
            sums.gram_of(&u[k * size..(k + 1) * size], p);
            let factor = if a == b { -0.5 } else { -1.0 };
            p.iter_mut().for_each(|x| *x *= factor);
            by_visit.copy_from_slice(crossed(b, a));
            if a != b {
                axpy(by_visit, 1.0, crossed(a, b));
            }
            by_column(&self.rows, by_visit, q, score);
        }
    }
}

/// Notes which patterns have seen both visits of each pair.
fn set_seen(patterns: &[Pattern], words: usize, pairs: usize, seen: &mut Vec<u64>) {
    seen.clear();
    seen.resize(pairs * words, 0);
    for (local, pattern) in patterns.iter().enumerate() {
        for (j, &t) in pattern.visits.iter().enumerate() {
            for &s in &pattern.visits[j..] {
                seen[crate::covariance::lower(s, t) * words + local / 64] |= 1 << (local % 64);
            }
        }
    }
}

/// Writes a pattern's matrix to its place on the visit grid, T × T, that has been cleared.
fn spread(matrix: &[f64], visits: &[usize], t: usize, grid: &mut [f64]) {
    for (&b, column) in visits.iter().zip(matrix.chunks_exact(visits.len().max(1))) {
        visits.iter().zip(column).for_each(|(&a, &x)| grid[b * t + a] = x);
    }
}

/// Adds w_at Σ_i z_i (Wr_i)_b of a pattern for all b, a, t, given Σ_i z_i (Wr_i)_b for its visits b.
#[inline(always)]
fn add_crossed(q: usize, t: usize, pattern: &Pattern, w: &[f64], weighted: &[f64], crossed: &mut [f64]) {
    for (&b, zr) in pattern.visits.iter().zip(weighted.chunks_exact(q)) {
        for &a in &pattern.visits {
            let sums = &mut crossed[(b * t + a) * t * q..(b * t + a + 1) * t * q];
            sums.chunks_exact_mut(q).zip(&w[a * t..(a + 1) * t]).for_each(|(sum, &w)| axpy(sum, w, zr));
        }
    }
}

/// Makes room for so many zeros.
fn clear(room: &mut Vec<f64>, size: usize) {
    room.clear();
    room.resize(size, 0.0);
}
