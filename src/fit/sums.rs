//! The data as sums over the patients of a pattern: an iteration then costs the same for any number of patients.

use super::assembly::Assembly;
use super::blocks::Blocks;
use super::data::DataScratch;
use super::kernels::{axpy, axpy_of_four, dot, for_small_sizes};
use super::moments::{Moments, PatternMoments, Rows};
use super::pattern::Pattern;
use crate::covariance::{lower, lower_pairs};

/// Σ zz', Σ zy' and Σ yy' of every pattern, y measured from Xβ₀.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    /// The length q of z.
    values: usize,
    /// The lower triangles of Σ zz' (packed as [`lower`] has it), pattern after pattern.
    zz: Vec<f64>,
    /// The same in full, q × q.
    full: Vec<f64>,
    /// Σ zy', q × m, pattern after pattern.
    zy: Vec<f64>,
    zy_starts: Vec<usize>,
    yy: Blocks,
    /// Where the pairs of visits s ≥ t of patterns are: in Σ zz' of all patterns, and in a matrix per pattern; pair after
    /// pair.
    seen: Vec<(u32, u32)>,
    /// Where each pair's end.
    seen_ends: Vec<u32>,
    assembly: Assembly,
}

impl Sums {
    /// From moments, for a design with these rows.
    pub fn new(moments: &Moments, patterns: &[Pattern], rows: &Rows, columns: usize) -> Self {
        let q = moments.values;
        let mut zy_starts = vec![0];
        moments.patterns.iter().for_each(|p| zy_starts.push(zy_starts[zy_starts.len() - 1] + p.zy.len()));
        let yy = Blocks::zeros(patterns);
        let (seen, seen_ends) = seen(patterns, &yy, rows.len(), q * (q + 1) / 2);
        let mut sums = Self {
            values: q,
            seen,
            seen_ends,
            zz: vec![0.0; moments.patterns.len() * q * (q + 1) / 2],
            full: vec![0.0; moments.patterns.len() * q * q],
            zy: vec![0.0; zy_starts[zy_starts.len() - 1]],
            zy_starts,
            yy,
            assembly: Assembly::new(rows, q, columns),
        };
        moments.patterns.iter().enumerate().for_each(|(index, own)| sums.set(index, own));
        sums
    }

    /// The length q of z.
    pub fn values(&self) -> usize {
        self.values
    }

    /// Takes the sums of one pattern.
    fn set(&mut self, index: usize, own: &PatternMoments) {
        let (q, block) = (self.values, self.assembly.block);
        let zz = &mut self.zz[index * block..(index + 1) * block];
        lower_pairs(q).zip(zz).for_each(|((a, b), packed)| *packed = own.zz[b * q + a]);
        self.full[index * q * q..(index + 1) * q * q].copy_from_slice(&own.zz);
        self.zy[self.zy_starts[index]..self.zy_starts[index + 1]].copy_from_slice(&own.zy);
        self.yy.get_mut(index).copy_from_slice(&own.yy);
    }

    /// Sets all sums to zero, so that patients can be added again.
    pub fn clear(&mut self) {
        self.zz.fill(0.0);
        self.clear_outcome();
    }

    /// Sets the sums of the outcome to zero.
    pub fn clear_outcome(&mut self) {
        self.zy.fill(0.0);
        self.yy.clear();
    }

    /// Adds `times` patients with these values to Σ zz' of a pattern.
    pub fn add_values(&mut self, pattern: usize, z: &[f64], times: f64) {
        let block = self.assembly.block;
        let zz = &mut self.zz[pattern * block..(pattern + 1) * block];
        let mut start = 0;
        for (a, &za) in z.iter().enumerate() {
            axpy(&mut zz[start..=start + a], times * za, &z[..=a]);
            start += a + 1;
        }
    }

    /// Adds `times` patients with these values and outcomes (y − Xβ₀ at the pattern's visits) to Σ zy' and the lower
    /// triangle of Σ yy'.
    pub fn add_outcome(&mut self, pattern: usize, z: &[f64], y: &[f64], times: f64) {
        let q = self.values;
        let zy = &mut self.zy[self.zy_starts[pattern]..self.zy_starts[pattern + 1]];
        let yy = self.yy.get_mut(pattern);
        for (t, &yt) in y.iter().enumerate() {
            axpy(&mut zy[t * q..(t + 1) * q], times * yt, z);
            axpy(&mut yy[t * y.len() + t..(t + 1) * y.len()], times * yt, &y[t..]);
        }
    }

    /// Completes Σ zz' and Σ yy' after patients have been added.
    pub fn complete(&mut self, patterns: &[Pattern]) {
        let (q, block) = (self.values, self.assembly.block);
        for (full, packed) in self.full.chunks_exact_mut(q * q).zip(self.zz.chunks_exact(block)) {
            for ((a, b), &x) in lower_pairs(q).zip(packed) {
                full[b * q + a] = x;
                full[a * q + b] = x;
            }
        }
        self.complete_outcome(patterns);
    }

    /// Completes Σ yy' after outcomes have been added.
    pub fn complete_outcome(&mut self, patterns: &[Pattern]) {
        patterns.iter().enumerate().for_each(|(index, p)| super::kernels::mirror(self.yy.get_mut(index), p.size()));
    }

    pub fn scratch(&self, visits: usize) -> DataScratch {
        DataScratch {
            k: vec![0.0; self.assembly.size],
            by_visit: vec![0.0; self.values * visits],
            z: vec![0.0; self.values],
            weighted: vec![0.0; self.zy.len()],
            rows: vec![0.0; self.values * visits],
            ..DataScratch::default()
        }
    }

    /// The products that one gram takes, for choosing between this and patients' rows.
    pub fn cost(&self, patterns: &[Pattern]) -> usize {
        patterns.iter().map(|p| p.size() * (p.size() + 1) / 2 * self.assembly.block).sum::<usize>() + self.assembly.len()
    }

    /// Σ yy' of a pattern.
    pub fn yy(&self, pattern: usize) -> &[f64] {
        self.yy.get(pattern)
    }

    /// Σ zz' of a pattern, packed.
    pub fn zz(&self, pattern: usize) -> &[f64] {
        &self.zz[pattern * self.assembly.block..(pattern + 1) * self.assembly.block]
    }

    /// The size of Σ zz' of a pattern, packed.
    pub fn block(&self) -> usize {
        self.assembly.block
    }

    /// Σ z r'W of a pattern, q × m, as [`Sums::set_weighted_residuals`] left it.
    pub fn weighted<'s>(&self, pattern: usize, scratch: &'s DataScratch) -> &'s [f64] {
        &scratch.weighted[self.zy_starts[pattern]..self.zy_starts[pattern + 1]]
    }

    /// X'ΩX from K, the sums of Ω_st zz' packed by pair of visits.
    pub fn gram_of(&self, k: &[f64], gram: &mut [f64]) {
        self.assembly.gram(k, gram);
    }

    /// D_s'ΦD_t of all pairs, packed as K is.
    pub fn projected(&self, phi: &[f64], k: &mut [f64]) {
        self.assembly.projected(phi, k);
    }

    /// Σ_i X_i'ΩX_i, p × p.
    pub fn gram(&self, omega: &Blocks, gram: &mut [f64], scratch: &mut DataScratch) {
        for_small_sizes!(self.values, q => self.set_k(q, omega.values(), &mut scratch.k));
        self.assembly.gram(&scratch.k, gram);
    }

    /// Writes Σ Ω_st zz' of every pair of visits.
    #[inline(always)]
    fn set_k(&self, q: usize, omega: &[f64], k: &mut [f64]) {
        let block = q * (q + 1) / 2;
        k.fill(0.0);
        let mut first = 0;
        for (k, &end) in k.chunks_exact_mut(block.max(1)).zip(&self.seen_ends) {
            let seen = &self.seen[first..end as usize];
            first = end as usize;
            let zz = |at: u32| &self.zz[at as usize..at as usize + block];
            // Four patterns at a time, so that the sum is read and written once for all of them; many have nothing.
            let (mut group, mut waiting) = ([(0.0, 0); 4], 0);
            for &(at, of) in seen {
                let weight = omega[of as usize];
                if weight == 0.0 {
                    continue;
                }
                group[waiting] = (weight, at);
                waiting += 1;
                if waiting == 4 {
                    axpy_of_four(k, group.map(|(weight, _)| weight), group.map(|(_, at)| zz(at)));
                    waiting = 0;
                }
            }
            group[..waiting].iter().for_each(|&(weight, at)| axpy(k, weight, zz(at)));
        }
    }

    /// Σ_i X_i'Ω(y_i − X_iβ₀), p.
    pub fn cross(&self, patterns: &[Pattern], rows: &Rows, omega: &Blocks, cross: &mut [f64], scratch: &mut DataScratch) {
        for_small_sizes!(self.values, q => self.set_by_visit(q, patterns, omega, &mut scratch.by_visit));
        by_column(rows, &scratch.by_visit, self.values, cross);
    }

    /// Writes Σ z (Ωy)' by visit.
    #[inline(always)]
    fn set_by_visit(&self, q: usize, patterns: &[Pattern], omega: &Blocks, by_visit: &mut [f64]) {
        by_visit.fill(0.0);
        for (index, pattern) in patterns.iter().enumerate() {
            let (m, omega) = (pattern.size(), omega.get(index));
            let zy = &self.zy[self.zy_starts[index]..self.zy_starts[index + 1]];
            for (zy, omega) in zy.chunks_exact(q).zip(omega.chunks_exact(m)) {
                for (&s, &omega) in pattern.visits.iter().zip(omega) {
                    axpy(&mut by_visit[s * q..s * q + q], omega, zy);
                }
            }
        }
    }

    /// Σ_i z_i r_i'W of every pattern into the scratch, r_i = y_i − X_i(β₀ + β): what [`Sums::add_slope`] takes.
    pub fn set_weighted_residuals(&self, patterns: &[Pattern], rows: &Rows, beta: &[f64], w: &Blocks, scratch: &mut DataScratch) {
        let q = self.values;
        let DataScratch { by_visit, z, weighted, .. } = scratch;
        set_coefficients(rows, beta, q, by_visit);
        weighted.fill(0.0);
        for (index, (pattern, zz)) in patterns.iter().zip(self.full.chunks_exact(q * q)).enumerate() {
            let (m, own) = (pattern.size(), self.zy_starts[index]..self.zy_starts[index + 1]);
            let weighted = &mut weighted[own.clone()];
            for ((&t, zy), w) in pattern.visits.iter().zip(self.zy[own].chunks_exact(q)).zip(w.get(index).chunks_exact(m)) {
                z.copy_from_slice(zy);
                zz.chunks_exact(q).zip(&by_visit[t * q..(t + 1) * q]).for_each(|(column, &b)| axpy(z, -b, column));
                weighted.chunks_exact_mut(q).zip(w).for_each(|(column, &w)| axpy(column, w, z));
            }
        }
    }

    /// Σ_i z_i r_i' of every pattern, r_i = y_i − X_i(β₀ + β), q × m each.
    pub fn set_residual_values(&self, patterns: &[Pattern], rows: &Rows, beta: &[f64], values: &mut Vec<f64>, scratch: &mut DataScratch) {
        let q = self.values;
        set_coefficients(rows, beta, q, &mut scratch.by_visit);
        values.clear();
        values.extend_from_slice(&self.zy);
        for ((pattern, zz), start) in patterns.iter().zip(self.full.chunks_exact(q * q)).zip(&self.zy_starts) {
            for (&t, own) in pattern.visits.iter().zip(values[*start..].chunks_exact_mut(q)) {
                let b = &scratch.by_visit[t * q..(t + 1) * q];
                zz.chunks_exact(q).zip(b).for_each(|(column, &b)| axpy(own, -b, column));
            }
        }
    }

    /// Σ_i X_i'Ωr_i for a symmetric Ω per pattern, given Σ_i z_i r_i'.
    pub fn cross_of_residuals(
        &self,
        patterns: &[Pattern],
        rows: &Rows,
        (omega, values): (&Blocks, &[f64]),
        cross: &mut [f64],
        scratch: &mut DataScratch,
    ) {
        let q = self.values;
        scratch.by_visit.fill(0.0);
        for (index, (pattern, start)) in patterns.iter().zip(&self.zy_starts).enumerate() {
            for (column, own) in omega.get(index).chunks_exact(pattern.size()).zip(values[*start..].chunks_exact(q)) {
                for (&s, &weight) in pattern.visits.iter().zip(column) {
                    axpy(&mut scratch.by_visit[s * q..(s + 1) * q], weight, own);
                }
            }
        }
        by_column(rows, &scratch.by_visit, q, cross);
    }

    /// Adds ∂R_P along a direction δ of β, −Σ_i (X_iδ r_i' + r_i δ'X_i'), given Σ_i z_i r_i'.
    pub fn add_residual_slopes(
        &self,
        patterns: &[Pattern],
        rows: &Rows,
        (delta, values): (&[f64], &[f64]),
        squares: &mut Blocks,
        scratch: &mut DataScratch,
    ) {
        let q = self.values;
        set_coefficients(rows, delta, q, &mut scratch.by_visit);
        let d = &scratch.by_visit;
        for (index, (pattern, start)) in patterns.iter().zip(&self.zy_starts).enumerate() {
            let (m, square, own) = (pattern.size(), squares.get_mut(index), &values[*start..]);
            for (j, (&t, r_t)) in pattern.visits.iter().zip(own.chunks_exact(q)).enumerate() {
                let d_t = &d[t * q..(t + 1) * q];
                for (i, (&s, r_s)) in pattern.visits.iter().zip(own.chunks_exact(q)).enumerate().skip(j) {
                    let d_s = &d[s * q..(s + 1) * q];
                    let x: f64 = (0..q).map(|c| r_s[c] * d_t[c] + r_t[c] * d_s[c]).sum();
                    square[j * m + i] -= x;
                    if i != j {
                        square[i * m + j] -= x;
                    }
                }
            }
        }
    }

    /// Adds Σ_i z_i (W∂Wr_i)' of a pattern, by visit, for the elements of ∂ at its visits.
    pub fn add_slope(
        &self,
        index: usize,
        pattern: &Pattern,
        w: &[f64],
        elements: impl Iterator<Item = (usize, usize, f64)>,
        scratch: &mut DataScratch,
    ) {
        let (q, m) = (self.values, pattern.size());
        let DataScratch { by_visit, weighted, rows, .. } = scratch;
        let weighted = &weighted[self.zy_starts[index]..self.zy_starts[index + 1]];
        let rows = &mut rows[..m * q];
        rows.fill(0.0);
        for (a, b, v) in elements {
            axpy(&mut rows[a * q..(a + 1) * q], v, &weighted[b * q..(b + 1) * q]);
        }
        for (row, w) in rows.chunks_exact(q).zip(w.chunks_exact(m)) {
            if row.iter().any(|&x| x != 0.0) {
                pattern.visits.iter().zip(w).for_each(|(&s, &w)| axpy(&mut by_visit[s * q..(s + 1) * q], w, row));
            }
        }
    }

    /// R_P = Σ_i e_i e_i' of every pattern, e_i = y_i − X_i(β₀ + β).
    pub fn residual_squares(&self, patterns: &[Pattern], rows: &Rows, beta: &[f64], squares: &mut Blocks, scratch: &mut DataScratch) {
        let DataScratch { by_visit, k, .. } = scratch;
        set_coefficients(rows, beta, self.values, by_visit);
        for_small_sizes!(self.values, q => self.set_squares(q, patterns, (by_visit, k), squares));
    }

    /// Writes R_P given b_t of every visit; `k` is room.
    #[inline(always)]
    fn set_squares(&self, q: usize, patterns: &[Pattern], (by_visit, k): (&[f64], &mut [f64]), squares: &mut Blocks) {
        let block = q * (q + 1) / 2;
        set_coefficient_products(by_visit, q, k);
        for (index, (pattern, zz)) in patterns.iter().zip(self.zz.chunks_exact(block)).enumerate() {
            let (m, square, yy) = (pattern.size(), squares.get_mut(index), self.yy.get(index));
            let zy = &self.zy[self.zy_starts[index]..self.zy_starts[index + 1]];
            for (j, (&t, zy_t)) in pattern.visits.iter().zip(zy.chunks_exact(q)).enumerate() {
                let b_t = &by_visit[t * q..t * q + q];
                for (i, (&s, zy_s)) in pattern.visits.iter().zip(zy.chunks_exact(q)).enumerate().skip(j) {
                    let b_s = &by_visit[s * q..s * q + q];
                    let first = lower(s, t) * block;
                    let crossed: f64 = (0..q).map(|c| b_s[c] * zy_t[c] + b_t[c] * zy_s[c]).sum();
                    let x = yy[j * m + i] - crossed + dot(&k[first..first + block], zz);
                    square[j * m + i] = x;
                    square[i * m + j] = x;
                }
            }
        }
    }

    /// H_P = Σ_i X_iΦX_i' of every pattern.
    pub fn leverages(&self, patterns: &[Pattern], phi: &[f64], leverages: &mut Blocks, scratch: &mut DataScratch) {
        // D_s'ΦD_t is the same for every pattern.
        self.assembly.projected(phi, &mut scratch.k);
        for_small_sizes!(self.values, q => self.set_leverages(q, patterns, &scratch.k, leverages));
    }

    /// Writes H_P given D_s'ΦD_t of all pairs.
    #[inline(always)]
    fn set_leverages(&self, q: usize, patterns: &[Pattern], k: &[f64], leverages: &mut Blocks) {
        let block = q * (q + 1) / 2;
        for (index, (pattern, zz)) in patterns.iter().zip(self.zz.chunks_exact(block)).enumerate() {
            let (m, leverage) = (pattern.size(), leverages.get_mut(index));
            for (j, &t) in pattern.visits.iter().enumerate() {
                for (i, &s) in pattern.visits.iter().enumerate().skip(j) {
                    let first = lower(s, t) * block;
                    let x = dot(&k[first..first + block], zz);
                    leverage[j * m + i] = x;
                    leverage[i * m + j] = x;
                }
            }
        }
    }
}

/// Where the pairs of visits of patterns are, pair after pair, and where each pair's end.
fn seen(patterns: &[Pattern], blocks: &Blocks, visits: usize, block: usize) -> (Vec<(u32, u32)>, Vec<u32>) {
    let mut ends = vec![0_u32; visits * (visits + 1) / 2];
    for pattern in patterns {
        for (j, &t) in pattern.visits.iter().enumerate() {
            pattern.visits[j..].iter().for_each(|&s| ends[lower(s, t)] += 1);
        }
    }
    let mut next = 0;
    for end in &mut ends {
        // Where the pair's begin, for now.
        next += std::mem::replace(end, next);
    }
    let mut seen = vec![(0, 0); next as usize];
    for (index, pattern) in patterns.iter().enumerate() {
        let m = pattern.size();
        for (j, &t) in pattern.visits.iter().enumerate() {
            for (i, &s) in pattern.visits.iter().enumerate().skip(j) {
                let end = &mut ends[lower(s, t)];
                seen[*end as usize] = ((index * block) as u32, (blocks.start(index) + j * m + i) as u32);
                *end += 1;
            }
        }
    }
    (seen, ends)
}

/// b_t = D_t'β of every visit.
pub(super) fn set_coefficients(rows: &Rows, beta: &[f64], q: usize, by_visit: &mut [f64]) {
    by_visit.fill(0.0);
    for (row, b) in rows.iter().zip(by_visit.chunks_exact_mut(q)) {
        row.iter().for_each(|e| b[e.value] += e.weight * beta[e.column]);
    }
}

/// b_s b_t' of every pair of visits, packed so that its inner product with a packed M_zz is b_s'M_zz b_t.
#[inline(always)]
fn set_coefficient_products(by_visit: &[f64], q: usize, k: &mut [f64]) {
    let mut products = k.iter_mut();
    for (s, b_s) in by_visit.chunks_exact(q).enumerate() {
        for b_t in by_visit.chunks_exact(q).take(s + 1) {
            for ((a, b), x) in lower_pairs(q).zip(&mut products) {
                *x = if a == b { b_s[a] * b_t[a] } else { b_s[a] * b_t[b] + b_s[b] * b_t[a] };
            }
        }
    }
}

/// D_t applied to sums of z by visit, added up.
pub(super) fn by_column(rows: &Rows, by_visit: &[f64], q: usize, columns: &mut [f64]) {
    columns.fill(0.0);
    for (row, sum) in rows.iter().zip(by_visit.chunks_exact(q)) {
        row.iter().for_each(|e| columns[e.column] += e.weight * sum[e.value]);
    }
}
