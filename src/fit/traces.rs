//! Σ_P tr(∂_kΣ W ∂_lΣ E) for all pairs of parameters: the costliest part of an iteration.
//!
//! Two ways lead there. With few parameters, ∂_kΣ is sandwiched between E and W pattern by pattern. With many, as in
//! an unstructured Σ, the trace is Σ v v' W_bc E_da over the non-zero elements (a, b, v) of ∂_kΣ and (c, d, v') of
//! ∂_lΣ, and Σ_P W_bc E_da, which is the same for all parameters, is summed first: one outer product of packed
//! triangles per pattern.

use super::blocks::Blocks;
use super::kernels::{axpy, axpy_of_four, for_small_sizes, multiply};
use super::pattern::Pattern;
use super::problem::Problem;
use super::sigmas::Derivatives;
use super::workspace::Workspace;
use crate::covariance::{lower, lower_pairs};
use nalgebra::DMatrix;

/// The way that costs less for a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TracePlan {
    /// A sandwich for each parameter and pattern.
    Sandwiches,
    /// Outer products first.
    Tensor,
    /// The same where the elements of Σ are its parameters.
    Elements,
}

impl TracePlan {
    /// By counting multiplications.
    pub fn of(problem: &Problem, derivatives: &[Derivatives]) -> Self {
        let (sandwiches, tensor) = costs(problem, derivatives);
        match tensor < sandwiches {
            true if are_elements(problem, derivatives) => Self::Elements,
            true => Self::Tensor,
            false => Self::Sandwiches,
        }
    }

    /// The multiplications of the way that costs less.
    pub fn cost(problem: &Problem, derivatives: &[Derivatives]) -> usize {
        let (sandwiches, tensor) = costs(problem, derivatives);
        sandwiches.min(tensor)
    }
}

/// The multiplications of both ways.
fn costs(problem: &Problem, derivatives: &[Derivatives]) -> (usize, usize) {
    let t = problem.sigmas.visits();
    let packed = t * (t + 1) / 2;
    let elements = |cell: usize| derivatives[cell].iter().map(Vec::len).sum::<usize>();
    let sandwiches = |p: &Pattern| {
        let (m, k) = (p.size(), derivatives[p.cell].len());
        // The share of ∂Σ that falls on the pattern's visits.
        let own = elements(p.cell) * m * m / (t * t);
        own * m + k * m.pow(3) + own * k / 2
    };
    let outer: usize = problem.patterns.iter().map(|p| p.size() * (p.size() + 1) / 2 * packed).sum();
    let contraction: usize = (0..problem.sigmas.cells()).map(|cell| elements(cell).pow(2) / 2).sum();
    // The outer products run through memory in order, which is worth a factor.
    (problem.patterns.iter().map(sandwiches).sum(), outer / 2 + 2 * contraction)
}

impl Problem {
    /// Σ_P tr(∂_kΣ W ∂_lΣ E) for all pairs of parameters of Σ; W and E symmetric.
    pub fn traces(&self, w: &Blocks, e: &Blocks, derivatives: &[Derivatives]) -> DMatrix<f64> {
        let parameters = self.sigmas.parameters();
        let mut traces = DMatrix::zeros(parameters, parameters);
        self.add_traces(w, e, derivatives, TracePlan::of(self, derivatives), &mut traces, &mut Workspace::new(self));
        traces.fill_lower_triangle_with_upper_triangle();
        traces
    }

    /// Adds Σ_P tr(∂_kΣ W ∂_lΣ E) for all k ≤ l to the upper triangle of `sum`, in which the
    /// parameters of Σ stand first; W and E symmetric.
    pub(super) fn add_traces(
        &self,
        w: &Blocks,
        e: &Blocks,
        derivatives: &[Derivatives],
        plan: TracePlan,
        sum: &mut DMatrix<f64>,
        room: &mut Workspace,
    ) {
        match plan {
            TracePlan::Sandwiches => self.add_sandwiched_traces(w, e, derivatives, sum, room),
            TracePlan::Tensor => (0..self.sigmas.cells()).for_each(|cell| self.add_contracted_traces(cell, w, e, derivatives, sum, room)),
            TracePlan::Elements => {
                for_small_sizes!(self.sigmas.visits(), t => (0..self.sigmas.cells()).for_each(|cell| self.add_traces_of_elements(t, cell, w, e, sum, room)))
            }
        }
    }

    fn add_sandwiched_traces(&self, w: &Blocks, e: &Blocks, derivatives: &[Derivatives], sum: &mut DMatrix<f64>, room: &mut Workspace) {
        let per_group = self.sigmas.per_group;
        for (index, pattern) in self.patterns.iter().enumerate() {
            let (m, first, of_cell) = (pattern.size(), pattern.group * per_group, &derivatives[pattern.cell]);
            set_positions(&pattern.visits, &mut room.position);
            let (left, both) = (&mut room.left[..m * m], &mut room.both[..m * m]);
            for (k, dk) in of_cell.iter().enumerate() {
                times_derivative(e.get(index), dk, &room.position, left);
                multiply(left, w.get(index), m, both);
                for (l, dl) in of_cell.iter().enumerate().skip(k) {
                    sum[(first + k, first + l)] += trace_with(dl, &room.position, both);
                }
            }
        }
    }

    fn add_contracted_traces(
        &self,
        cell: usize,
        w: &Blocks,
        e: &Blocks,
        derivatives: &[Derivatives],
        sum: &mut DMatrix<f64>,
        room: &mut Workspace,
    ) {
        let t = self.sigmas.visits();
        let size = t * (t + 1) / 2;
        for_small_sizes!(t, t => self.set_tensor(t, cell, w, e, room));
        let tensor = &room.tensor;
        let first = self.sigmas.of_cell(cell).0 * self.sigmas.per_group;
        let symmetric = |a: usize, b: usize| lower(a.max(b), a.min(b));
        let tensor = &tensor[..size * size];
        for (k, dk) in derivatives[cell].iter().enumerate() {
            for (l, dl) in derivatives[cell].iter().enumerate().skip(k) {
                let mut trace = 0.0;
                for &(a, b, v) in dk {
                    trace += v * dl.iter().map(|&(c, d, u)| u * tensor[symmetric(b, c) * size + symmetric(d, a)]).sum::<f64>();
                }
                sum[(first + k, first + l)] += trace;
            }
        }
    }
}

/// Whether the parameters are the elements of a triangle of Σ, row by row.
pub(super) fn are_elements(problem: &Problem, derivatives: &[Derivatives]) -> bool {
    let t = problem.sigmas.visits();
    let is_element = |own: &[(usize, usize, f64)], (a, b): (usize, usize)| match a == b {
        true => *own == [(a, a, 1.0)],
        false => *own == [(a, b, 1.0), (b, a, 1.0)],
    };
    let of_cell = |own: &Derivatives| own.len() == t * (t + 1) / 2 && own.iter().zip(lower_pairs(t)).all(|(own, at)| is_element(own, at));
    derivatives.iter().all(of_cell)
}

impl Problem {
    /// The traces of a cell whose parameters are the elements of Σ.
    #[inline(always)]
    fn add_traces_of_elements(&self, t: usize, cell: usize, w: &Blocks, e: &Blocks, sum: &mut DMatrix<f64>, room: &mut Workspace) {
        self.set_tensor(t, cell, w, e, room);
        let (size, rows) = (t * (t + 1) / 2, sum.nrows());
        let (tensor, sum) = (&room.tensor[..size * size], sum.as_mut_slice());
        let first = self.sigmas.of_cell(cell).0 * self.sigmas.per_group;
        let at = |b: usize, c: usize, d: usize, a: usize| tensor[lower(b.max(c), b.min(c)) * size + lower(d.max(a), d.min(a))];
        for (l, (c, d)) in lower_pairs(t).enumerate() {
            for (k, (a, b)) in lower_pairs(t).enumerate().take(l + 1) {
                let mut trace = at(b, c, d, a);
                if a != b {
                    trace += at(a, c, d, b);
                }
                if c != d {
                    trace += at(b, d, c, a);
                    if a != b {
                        trace += at(a, d, c, b);
                    }
                }
                sum[(first + l) * rows + first + k] += trace;
            }
        }
    }

    /// Writes Σ_P W_bc E_da of a cell, packed on both sides.
    #[inline(always)]
    fn set_tensor(&self, t: usize, cell: usize, w: &Blocks, e: &Blocks, room: &mut Workspace) {
        let size = t * (t + 1) / 2;
        let Workspace { tensor, packed: [packed_w, packed_e], .. } = room;
        tensor.resize(size * size, 0.0);
        tensor.fill(0.0);
        packed_w.resize(size, 0.0);
        packed_e.resize(size, 0.0);
        for index in self.patterns_of(cell) {
            pack(w.get(index), &self.patterns[index].visits, packed_w);
            pack(e.get(index), &self.patterns[index].visits, packed_e);
            for (row, &w) in tensor.chunks_exact_mut(size).zip(&*packed_w) {
                if w != 0.0 {
                    axpy(row, w, &packed_e[..size]);
                }
            }
        }
    }
}

/// Spreads the lower triangle of a pattern's matrix over the packed visit grid, zero elsewhere.
fn pack(matrix: &[f64], visits: &[usize], packed: &mut [f64]) {
    let m = visits.len();
    packed.fill(0.0);
    for (j, &b) in visits.iter().enumerate() {
        for (i, &a) in visits.iter().enumerate().skip(j) {
            packed[lower(a, b)] = matrix[j * m + i];
        }
    }
}

/// Notes where each visit of the grid is in a pattern; beyond its end where it is not.
pub(super) fn set_positions(visits: &[usize], position: &mut [usize]) {
    position.fill(usize::MAX);
    visits.iter().enumerate().for_each(|(i, &visit)| position[visit] = i);
}

/// Writes the elements of derivatives at a pattern's visits, in the pattern's positions, into `restricted`.
pub(crate) fn restrict(derivatives: &[Vec<(usize, usize, f64)>], visits: &[usize], restricted: &mut Derivatives) {
    restricted.resize_with(derivatives.len(), Vec::new);
    for (own, derivative) in restricted.iter_mut().zip(derivatives) {
        own.clear();
        let position = |visit: usize| visits.binary_search(&visit).ok();
        own.extend(derivative.iter().filter_map(|&(a, b, v)| Some((position(a)?, position(b)?, v))));
    }
}

/// The elements of a derivative at a pattern's visits, in the pattern's positions.
pub(super) fn elements<'a>(
    derivative: &'a [(usize, usize, f64)],
    position: &'a [usize],
    m: usize,
) -> impl Iterator<Item = (usize, usize, f64)> + 'a {
    derivative.iter().map(|&(a, b, v)| (position[a], position[b], v)).filter(move |&(a, b, _)| a < m && b < m)
}

/// Writes A ∂ into `product`, m × m.
fn times_derivative(a: &[f64], derivative: &[(usize, usize, f64)], position: &[usize], product: &mut [f64]) {
    let m = a.len().isqrt();
    product.fill(0.0);
    // The elements of a column stand side by side: four are added at a time.
    let (mut group, mut waiting, mut last) = ([(0, 0.0); 4], 0, 0);
    let mut add = |column: usize, group: &[(usize, f64)]| {
        let own = &mut product[column * m..(column + 1) * m];
        let of = |row: usize| &a[row * m..(row + 1) * m];
        match *group {
            [(r0, v0), (r1, v1), (r2, v2), (r3, v3)] => axpy_of_four(own, [v0, v1, v2, v3], [of(r0), of(r1), of(r2), of(r3)]),
            _ => group.iter().for_each(|&(row, v)| axpy(own, v, of(row))),
        }
    };
    for (row, column, v) in elements(derivative, position, m) {
        if waiting == 4 || column != last {
            add(last, &group[..waiting]);
            waiting = 0;
        }
        (group[waiting], last) = ((row, v), column);
        waiting += 1;
    }
    add(last, &group[..waiting]);
}

/// tr(∂A) of a symmetric ∂.
fn trace_with(derivative: &[(usize, usize, f64)], position: &[usize], a: &[f64]) -> f64 {
    let m = a.len().isqrt();
    if m < position.len() {
        return elements(derivative, position, m).map(|(row, column, v)| v * a[row * m + column]).sum();
    }
    // All visits, in their places; in four running sums so that the additions need not wait for each other.
    let (fours, mut sums) = (derivative.chunks_exact(4), [0.0; 4]);
    let term = |&(row, column, v): &(usize, usize, f64)| v * a[row * m + column];
    let rest: f64 = fours.remainder().iter().map(term).sum();
    fours.for_each(|four| sums.iter_mut().zip(four).for_each(|(sum, element)| *sum += term(element)));
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Adds W ∂ W to `sandwich`, all m × m; W and ∂ symmetric.
pub(super) fn add_sandwich(w: &[f64], derivative: &[(usize, usize, f64)], position: &[usize], left: &mut [f64], sandwich: &mut [f64]) {
    let m = w.len().isqrt();
    if derivative.len() < m {
        for (a, b, v) in elements(derivative, position, m) {
            for (column, &factor) in sandwich.chunks_exact_mut(m).zip(&w[b * m..(b + 1) * m]) {
                axpy(column, v * factor, &w[a * m..(a + 1) * m]);
            }
        }
        return;
    }
    let left = &mut left[..m * m];
    times_derivative(w, derivative, position, left);
    for (j, column) in sandwich.chunks_exact_mut(m).enumerate() {
        for (own, &factor) in left.chunks_exact(m).zip(&w[j * m..(j + 1) * m]) {
            axpy(column, factor, own);
        }
    }
}
