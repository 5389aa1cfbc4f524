//! The same product where patients only drop out: the cost of one pattern for all of them.
//!
//! With Σ = LL', the leading block of L⁻¹ is that of the leading block of Σ. In Δ̃ = L⁻¹ΔL⁻' a sum over nested patterns of
//! matrices padded with zeros is therefore one matrix, whose element (a, b) sums the patients who have visit max(a, b):
//!
//! ```text
//! dG̃ = Σ_m pad(Δ̃Ã + ÃΔ̃ − n Δ̃ − dÃ),   Ã = L⁻¹AL⁻',   (Σ_m pad(Δ̃Ã))_ab = Σ_c Δ̃_ac S_max(a,b,c)[c, b]
//! ```
//!
//! S_j being the sum of Ã over the patients who have visit j. Of S_j the last column is kept, and products with a vector are
//! taken through the sums of A. What z adds is linear in Σ zz', so that the terms through the mean take one matrix per
//! element of it. All is of the order of T³, however many patterns there are.

use super::super::blocks::Blocks;
use super::super::data::Data;
use super::super::kernels::{axpy, axpy_of_four, cholesky, dot, multiply, symmetric_product};
use super::super::pattern::Pattern;
use super::super::problem::{Estimation, Point, Problem};
use super::super::sums::{Sums, by_column, set_coefficients};
use super::super::workspace::Workspace;
use crate::covariance::lower;

/// What does not depend on the point.
#[derive(Debug, Clone)]
pub(super) struct Nested {
    /// Patients who have each visit, group by group.
    counts: Vec<f64>,
    /// Σ zz', packed, of these.
    zz: Vec<f64>,
    /// The length q of z, and q(q + 1)/2.
    values: usize,
    block: usize,
}

/// What products take of a point.
#[derive(Debug, Clone)]
pub(super) struct NestedLocal {
    shared: Nested,
    /// L⁻¹ of every group.
    inverse: Vec<f64>,
    /// Σ A over the patients who have visit j, (j + 1) × (j + 1), visit after visit, group after group.
    sums: Vec<f64>,
    /// The last column of every S_j, as columns of a T × T.
    last: Vec<f64>,
    /// Σ L⁻¹ r z' over the patients who have visit j: T × q for each j.
    carried: Vec<f64>,
}

/// Room for a product.
#[derive(Debug, Clone)]
pub(super) struct NestedRoom {
    /// T × T.
    delta: Vec<f64>,
    left: Vec<f64>,
    grid: Vec<f64>,
    /// T.
    vector: Vec<f64>,
    moved: Vec<f64>,
    /// T × q.
    along: Vec<f64>,
    /// p × p.
    product: Vec<f64>,
    /// p.
    score: Vec<f64>,
    step: Vec<f64>,
}

/// Where the square of visit j begins; that of T is the size of all.
fn square_start(j: usize) -> usize {
    j * (j + 1) * (2 * j + 1) / 6
}

/// Whether nobody misses a visit before the last.
pub(super) fn are_nested(patterns: &[Pattern]) -> bool {
    patterns.iter().all(|p| is_first(&p.visits))
}

/// Whether visits are the first ones.
pub(super) fn is_first(visits: &[usize]) -> bool {
    visits.iter().enumerate().all(|(i, &visit)| i == visit)
}

fn sums_of(problem: &Problem) -> Option<&Sums> {
    match &problem.data {
        Data::Sums(sums) => Some(sums),
        Data::Patients(_) => None,
    }
}

impl Nested {
    /// `None` where some patient misses a visit before the last, or patients are kept one by one.
    pub fn of(problem: &Problem) -> Option<Self> {
        let sums = sums_of(problem).filter(|_| are_nested(&problem.patterns))?;
        let (t, q) = (problem.sigmas.visits(), sums.values());
        let block = q * (q + 1) / 2;
        let cells = problem.sigmas.cells();
        let (mut counts, mut zz) = (vec![0.0; cells * t], vec![0.0; cells * t * block]);
        for (index, pattern) in problem.patterns.iter().enumerate() {
            for j in 0..pattern.size() {
                counts[pattern.cell * t + j] += pattern.patients;
                let first = (pattern.cell * t + j) * block;
                axpy(&mut zz[first..first + block], 1.0, sums.zz(index));
            }
        }
        Some(Self { counts, zz, values: q, block })
    }
}

impl NestedRoom {
    pub fn new(problem: &Problem, shared: &Nested) -> Self {
        let (t, p) = (problem.sigmas.visits(), problem.columns);
        let square = || vec![0.0; t * t];
        Self {
            delta: square(),
            left: square(),
            grid: square(),
            vector: vec![0.0; t],
            moved: vec![0.0; t],
            along: vec![0.0; t * shared.values],
            product: vec![0.0; p * p],
            score: vec![0.0; p],
            step: vec![0.0; p],
        }
    }
}

impl NestedLocal {
    pub fn blank(problem: &Problem, shared: Nested) -> Self {
        let (t, cells) = (problem.sigmas.visits(), problem.sigmas.cells());
        Self {
            inverse: vec![0.0; cells * t * t],
            sums: vec![0.0; cells * square_start(t)],
            last: vec![0.0; cells * t * t],
            carried: vec![0.0; cells * t * t * shared.values],
            shared,
        }
    }

    /// L⁻¹ of every group.
    pub fn inverse(&self) -> &[f64] {
        &self.inverse
    }

    /// Moves to a point, given L and Σ z r' of every pattern, and writes the gradient over X.
    pub fn set(
        &mut self,
        problem: &Problem,
        point: &Point,
        (factors, residuals): (&[f64], &[f64]),
        gradient: &mut [f64],
        own: &mut Workspace,
        room: &mut NestedRoom,
    ) {
        let t = problem.sigmas.visits();
        for (inverse, factor) in self.inverse.chunks_exact_mut(t * t).zip(factors.chunks_exact(t * t)) {
            set_triangular_inverse(factor, t, inverse);
        }
        let mut a = std::mem::take(&mut own.blocks);
        match problem.estimation {
            Estimation::Reml => problem.set_leverages(&point.phi, &mut a, own),
            Estimation::Ml => a.clear(),
        }
        self.set_sums(problem, point, &a);
        own.blocks = a;
        self.set_carried(problem, residuals, room);
        for cell in 0..problem.sigmas.cells() {
            let inverse = &self.inverse[cell * t * t..(cell + 1) * t * t];
            let sums = &self.sums[cell * square_start(t)..(cell + 1) * square_start(t)];
            for j in 0..t {
                let (m, square) = (j + 1, &sums[square_start(j)..square_start(j + 1)]);
                (0..m).for_each(|c| room.vector[c] = inverse[c * t + j]);
                symmetric_product(square, &room.vector[..m], &mut room.moved[..m]);
                let last = &mut self.last[(cell * t + j) * t..(cell * t + j) * t + m];
                set_lower_product(inverse, t, &room.moved[..m], last);
                let count = self.shared.counts[cell * t + j];
                for (i, &s) in last.iter().enumerate() {
                    let x = (f64::from(u8::from(i == j)) * count - s) / count.sqrt();
                    gradient[(cell * t + j) * t + i] = x;
                    gradient[(cell * t + i) * t + j] = x;
                }
            }
        }
    }

    /// Σ A over the patients who have each visit.
    fn set_sums(&mut self, problem: &Problem, point: &Point, leverages: &Blocks) {
        let t = problem.sigmas.visits();
        self.sums.fill(0.0);
        let groups = self.sums.chunks_exact_mut(square_start(t)).enumerate();
        for (cell, sums) in groups {
            for index in problem.patterns_of(cell) {
                let j = problem.patterns[index].size() - 1;
                let own = &mut sums[square_start(j)..square_start(j + 1)];
                let both = point.r.get(index).iter().zip(leverages.get(index));
                own.iter_mut().zip(both).for_each(|(x, (r, h))| *x += r + h);
            }
            for j in (1..t).rev() {
                let (below, own) = sums[..square_start(j + 1)].split_at_mut(square_start(j));
                let below = &mut below[square_start(j - 1)..];
                below.chunks_exact_mut(j).zip(own.chunks_exact(j + 1)).for_each(|(to, from)| axpy(to, 1.0, &from[..j]));
            }
        }
    }

    /// Σ L⁻¹ r z' over the patients who have each visit.
    fn set_carried(&mut self, problem: &Problem, residuals: &[f64], room: &mut NestedRoom) {
        let (t, q) = (problem.sigmas.visits(), self.shared.values);
        self.carried.fill(0.0);
        let mut start = 0;
        for pattern in &problem.patterns {
            let m = pattern.size();
            let own = &residuals[start..start + m * q];
            start += m * q;
            let inverse = &self.inverse[pattern.cell * t * t..];
            let first = (pattern.cell * t + m - 1) * t * q;
            for c in 0..q {
                (0..m).for_each(|i| room.vector[i] = own[i * q + c]);
                set_lower_product(inverse, t, &room.vector[..m], &mut room.moved[..m]);
                (0..m).for_each(|i| self.carried[first + i * q + c] += room.moved[i]);
            }
        }
        for group in self.carried.chunks_exact_mut(t * t * q) {
            for j in (1..t).rev() {
                let (below, own) = group[..(j + 1) * t * q].split_at_mut(j * t * q);
                axpy(&mut below[(j - 1) * t * q..(j - 1) * t * q + j * q], 1.0, &own[..j * q]);
            }
        }
    }

    /// Writes the product of the Hessian over X with x.
    pub fn set_product(
        &self,
        problem: &Problem,
        point: &Point,
        x: &[f64],
        product: &mut [f64],
        own: &mut Workspace,
        room: &mut NestedRoom,
    ) {
        let Some(sums) = sums_of(problem) else { return };
        let t = problem.sigmas.visits();
        self.set_moves(problem, sums, point, x, own, room);
        for (cell, (x, product)) in x.chunks_exact(t * t).zip(product.chunks_exact_mut(t * t)).enumerate() {
            self.set_delta(cell, t, x, &mut room.delta);
            room.grid.fill(0.0);
            if problem.estimation == Estimation::Reml {
                self.subtract_leverages(cell, t, own, room);
            }
            self.add_residual_moves(cell, t, own, room);
            self.add_products(cell, t, room);
            let counts = &self.shared.counts[cell * t..(cell + 1) * t];
            for j in 0..t {
                for i in j..t {
                    let value = (room.grid[j * t + i] - counts[i] * room.delta[j * t + i]) / counts[i].sqrt();
                    product[j * t + i] = value;
                    product[i * t + j] = value;
                }
            }
        }
    }

    /// Δ̃ = X/√N.
    fn set_delta(&self, cell: usize, t: usize, x: &[f64], delta: &mut [f64]) {
        let counts = &self.shared.counts[cell * t..(cell + 1) * t];
        for j in 0..t {
            for i in j..t {
                let value = x[j * t + i] / counts[i].sqrt();
                delta[j * t + i] = value;
                delta[i * t + j] = value;
            }
        }
    }

    /// Writes how D_t'β moves at every visit into `by_visit`, and the elements of D_s'dΦD_t into `k`.
    fn set_moves(&self, problem: &Problem, sums: &Sums, point: &Point, x: &[f64], own: &mut Workspace, room: &mut NestedRoom) {
        let (t, q, block) = (problem.sigmas.visits(), self.shared.values, self.shared.block);
        let reml = problem.estimation == Estimation::Reml;
        own.data.k.fill(0.0);
        own.data.by_visit.fill(0.0);
        for (cell, x) in x.chunks_exact(t * t).enumerate() {
            self.set_delta(cell, t, x, &mut room.delta);
            let inverse = &self.inverse[cell * t * t..(cell + 1) * t * t];
            for c in 0..q {
                let carried = |j: usize, b: usize| self.carried[((cell * t + j) * t + b) * q + c];
                for a in 0..t {
                    let column = &room.delta[a * t..(a + 1) * t];
                    room.vector[a] = (0..t).map(|b| column[b] * carried(a.max(b), b)).sum();
                }
                for s in 0..t {
                    own.data.by_visit[s * q + c] += dot(&inverse[s * t + s..(s + 1) * t], &room.vector[s..]);
                }
            }
            for c in 0..if reml { block } else { 0 } {
                let zz = |j: usize| self.shared.zz[(cell * t + j) * block + c];
                for j in 0..t {
                    for i in j..t {
                        let value = zz(i) * room.delta[j * t + i];
                        room.left[j * t + i] = value;
                        room.left[i * t + j] = value;
                    }
                }
                // L⁻' · left · L⁻¹.
                for j in 0..t {
                    combine(&room.left, t, 0, (j, &inverse[j * t + j..(j + 1) * t]), &mut room.vector);
                    for i in j..t {
                        own.data.k[lower(i, j) * block + c] += dot(&inverse[i * t + i..(i + 1) * t], &room.vector[i..]);
                    }
                }
            }
        }
        by_column(&problem.rows, &own.data.by_visit, q, &mut room.score);
        symmetric_product(point.phi.as_slice(), &room.score, &mut room.step);
        room.step.iter_mut().for_each(|x| *x = -*x);
        set_coefficients(&problem.rows, &room.step, q, &mut own.data.by_visit);
        if reml {
            let (p, phi) = (problem.columns, point.phi.as_slice());
            sums.gram_of(&own.data.k, &mut own.gram);
            multiply(phi, &own.gram, p, &mut room.product);
            multiply(&room.product, phi, p, &mut own.gram);
            sums.projected(&own.gram, &mut own.data.k);
        }
    }

    /// Subtracts Σ pad(L⁻¹ dH L⁻') below the diagonal.
    fn subtract_leverages(&self, cell: usize, t: usize, own: &Workspace, room: &mut NestedRoom) {
        let block = self.shared.block;
        let inverse = &self.inverse[cell * t * t..(cell + 1) * t * t];
        for c in 0..block {
            for j in 0..t {
                // L⁻¹ · K, column by column.
                let column = |s: usize| own.data.k[lower(s.max(j), s.min(j)) * block + c];
                let to = &mut room.left[j * t..(j + 1) * t];
                to.fill(0.0);
                (0..t).for_each(|s| axpy(&mut to[s..], column(s), &inverse[s * t + s..(s + 1) * t]));
            }
            for j in 0..t {
                (0..=j).for_each(|k| room.moved[k] = inverse[k * t + j]);
                combine(&room.left, t, j, (0, &room.moved[..=j]), &mut room.vector);
                for i in j..t {
                    room.grid[j * t + i] -= self.shared.zz[(cell * t + i) * block + c] * room.vector[i];
                }
            }
        }
    }

    /// Adds Σ pad(L⁻¹ Σ_i (X_iδ r_i' + r_i δ'X_i') L⁻') below the diagonal.
    fn add_residual_moves(&self, cell: usize, t: usize, own: &Workspace, room: &mut NestedRoom) {
        let q = self.shared.values;
        let inverse = &self.inverse[cell * t * t..(cell + 1) * t * t];
        for c in 0..q {
            (0..t).for_each(|s| room.vector[s] = own.data.by_visit[s * q + c]);
            set_lower_product(inverse, t, &room.vector, &mut room.moved);
            (0..t).for_each(|s| room.along[s * q + c] = room.moved[s]);
        }
        let carried = &self.carried[cell * t * t * q..(cell + 1) * t * t * q];
        for j in 0..t {
            for i in j..t {
                let of_patients = &carried[i * t * q..(i + 1) * t * q];
                let (r_i, r_j) = (&of_patients[i * q..(i + 1) * q], &of_patients[j * q..(j + 1) * q]);
                let (d_i, d_j) = (&room.along[i * q..(i + 1) * q], &room.along[j * q..(j + 1) * q]);
                room.grid[j * t + i] += (0..q).map(|c| r_i[c] * d_j[c] + r_j[c] * d_i[c]).sum::<f64>();
            }
        }
    }

    /// Adds Σ pad(Δ̃Ã + ÃΔ̃) below the diagonal.
    fn add_products(&self, cell: usize, t: usize, room: &mut NestedRoom) {
        let inverse = &self.inverse[cell * t * t..(cell + 1) * t * t];
        let sums = &self.sums[cell * square_start(t)..(cell + 1) * square_start(t)];
        for j in 0..t {
            let m = j + 1;
            let last = &self.last[(cell * t + j) * t..(cell * t + j) * t + m];
            let column = &room.delta[j * t..j * t + m];
            // S_j times the last column of Δ̃, through L⁻', Σ A and L⁻¹.
            (0..m).for_each(|c| room.moved[c] = dot(&inverse[c * t + c..c * t + m], &column[c..]));
            symmetric_product(&sums[square_start(j)..square_start(j + 1)], &room.moved[..m], &mut room.vector[..m]);
            set_lower_product(inverse, t, &room.vector[..m], &mut room.moved[..m]);
            // Δ̃ times the last column of S_j.
            combine_leading(&room.delta, t, last, &mut room.vector[..m]);
            (0..m).for_each(|a| room.grid[a * t + j] += room.vector[a] + room.moved[a]);
            // Elements before j, for which it is the visit in between.
            for b in 0..j {
                let to = &mut room.grid[b * t + b..b * t + j];
                to.iter_mut().zip(&column[b..j]).zip(&last[b..j]).for_each(|((x, d), s)| *x += last[b] * d + column[b] * s);
            }
        }
    }
}

impl Problem {
    /// As [`Problem::set_weights`], Σ of every cell being in the room, from one factor for all nested patterns: W of m
    /// visits is the sum of the outer products of the first m rows of L⁻¹.
    pub(in crate::fit) fn set_nested_weights(&self, w: &mut Blocks, room: &mut Workspace) -> Option<f64> {
        let t = self.sigmas.visits();
        let Workspace { sigmas, small, left, both, dense, .. } = room;
        let mut value = 0.0;
        for (cell, sigma) in sigmas.iter().enumerate() {
            small.copy_from_slice(sigma.as_slice());
            cholesky(small, t)?;
            set_triangular_inverse(small, t, left);
            dense.fill(0.0);
            let (sum, row) = (dense.as_mut_slice(), &mut both[..t]);
            let (mut next, mut log_determinant) = (0, 0.0);
            // In order of their visits, they are in order of their number.
            for index in self.patterns_of(cell) {
                let m = self.patterns[index].size();
                for j in next..m {
                    log_determinant += 2.0 * small[j * t + j].ln();
                    (0..=j).for_each(|c| row[c] = left[c * t + j]);
                    (0..=j).for_each(|c| axpy(&mut sum[c * t..c * t + j + 1], row[c], &row[..=j]));
                }
                next = m;
                w.get_mut(index).chunks_exact_mut(m).zip(sum.chunks_exact(t)).for_each(|(to, from)| to.copy_from_slice(&from[..m]));
                value += self.patterns[index].patients * log_determinant;
            }
        }
        Some(value)
    }
}

/// Writes the inverse of a lower triangle, zero above the diagonal.
fn set_triangular_inverse(factor: &[f64], t: usize, inverse: &mut [f64]) {
    inverse.fill(0.0);
    for (j, column) in inverse.chunks_exact_mut(t).enumerate() {
        column[j] = 1.0;
        for k in j..t {
            let own = &factor[k * t..(k + 1) * t];
            let x = column[k] / own[k];
            column[k] = x;
            axpy(&mut column[k + 1..], -x, &own[k + 1..]);
        }
    }
}

/// Writes the product of the leading block of a lower triangle of t rows with a vector.
fn set_lower_product(triangle: &[f64], t: usize, v: &[f64], product: &mut [f64]) {
    let m = v.len();
    product.fill(0.0);
    v.iter().enumerate().for_each(|(k, &x)| axpy(&mut product[k..], x, &triangle[k * t + k..k * t + m]));
}

/// Writes the sum of columns first, first + 1, … of a matrix of t rows by their weights, from row `from` on.
fn combine(matrix: &[f64], t: usize, from: usize, (first, weights): (usize, &[f64]), sum: &mut [f64]) {
    let sum = &mut sum[from..];
    sum.fill(0.0);
    let column = |k: usize| &matrix[(first + k) * t + from..(first + k + 1) * t];
    let fours = weights.len() / 4 * 4;
    for k in (0..fours).step_by(4) {
        let four = [k, k + 1, k + 2, k + 3];
        axpy_of_four(sum, four.map(|k| weights[k]), four.map(column));
    }
    (fours..weights.len()).for_each(|k| axpy(sum, weights[k], column(k)));
}

/// Writes the product of the leading block of a symmetric matrix of t rows with a vector.
fn combine_leading(matrix: &[f64], t: usize, v: &[f64], product: &mut [f64]) {
    product.iter_mut().enumerate().for_each(|(k, x)| *x = dot(&matrix[k * t..k * t + v.len()], v));
}
