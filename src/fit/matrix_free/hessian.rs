//! The product of the Hessian of −2ℓ with a direction.
//!
//! With A = R + H (R alone for maximum likelihood) and G = nW − WAW of a pattern as in [`super::super::curvature`], the
//! gradient moves along a direction Δ of Σ by
//!
//! ```text
//! dG = WΔC + CΔW − W dA W,   C = WAW − ½nW
//! dA = Σ_i X_i ΦMΦ X_i' − Σ_i (X_iδ r_i' + r_i δ'X_i'),   M = X'WΔWX,   δ = −ΦX'WΔWr
//! ```
//!
//! δ being how β moves (Jennrich & Schluchter 1986, Biometrics 42:805–820 have the same derivatives element by element).
//! The sum of dG over the patterns, on the visit grid, is the product in the inner product tr(AB) of symmetric matrices.

use super::super::blocks::Blocks;
use super::super::kernels::{cholesky, dot, mirror, multiply, symmetric_product};
use super::super::likelihood::Likelihood;
use super::super::problem::{Estimation, Point, Problem};
use super::super::workspace::Workspace;
use super::nested::{Nested, NestedLocal, NestedRoom};
use crate::covariance::{lower, lower_pairs};
use nalgebra::DMatrix;

/// What products take of the point where a search stands.
#[derive(Debug, Clone)]
pub(super) struct Local {
    /// L of every group, Σ = LL', and its transpose; T × T each.
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// C of every pattern.
    c: Blocks,
    /// Σ z r' of every pattern, where sums are kept.
    residuals: Vec<f64>,
    /// Where all patterns are nested; nothing above is kept by pattern then.
    nested: Option<NestedLocal>,
    /// The gradient of −2ℓ over Σ, as symmetric matrices, and over X.
    pub slope: Vec<f64>,
    pub gradient: Vec<f64>,
}

/// Room for a product; made once.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub own: Workspace,
    three: [Blocks; 3],
    nested: Option<NestedRoom>,
    /// T × T of every group.
    delta: Vec<f64>,
    grid: Vec<f64>,
    /// T × T.
    left: Vec<f64>,
    /// p × p.
    product: Vec<f64>,
    /// p.
    score: Vec<f64>,
    step: Vec<f64>,
}

impl Room {
    pub fn new(problem: &Problem) -> Self {
        let (t, p, cells) = (problem.sigmas.visits(), problem.columns, problem.sigmas.cells());
        let nested = Nested::of(problem).map(|shared| NestedRoom::new(problem, &shared));
        Self {
            own: problem.workspace(),
            three: [(); 3].map(|()| Blocks::zeros(if nested.is_some() { &[] } else { &problem.patterns })),
            nested,
            delta: vec![0.0; cells * t * t],
            grid: vec![0.0; cells * t * t],
            left: vec![0.0; t * t],
            product: vec![0.0; p * p],
            score: vec![0.0; p],
            step: vec![0.0; p],
        }
    }
}

/// √N_ab of every group; zero for visits that nobody of a group has both of.
pub(super) fn root_counts(problem: &Problem) -> Vec<f64> {
    let t = problem.sigmas.visits();
    let mut counts = vec![0.0; problem.sigmas.cells() * t * t];
    for pattern in &problem.patterns {
        let own = &mut counts[pattern.cell * t * t..(pattern.cell + 1) * t * t];
        for &b in &pattern.visits {
            pattern.visits.iter().for_each(|&a| own[b * t + a] += pattern.patients);
        }
    }
    counts.iter_mut().for_each(|n| *n = n.sqrt());
    counts
}

impl Local {
    pub fn blank(problem: &Problem) -> Self {
        let t = problem.sigmas.visits();
        let square = || vec![0.0; problem.sigmas.cells() * t * t];
        let nested = Nested::of(problem).map(|shared| NestedLocal::blank(problem, shared));
        let c = Blocks::zeros(if nested.is_some() { &[] } else { &problem.patterns });
        Self { lower: square(), upper: square(), c, residuals: vec![], nested, slope: square(), gradient: square() }
    }

    /// Without use of patterns' being nested.
    #[cfg(test)]
    pub fn by_patterns(problem: &Problem) -> (Self, Room) {
        let (mut own, mut room) = (Self::blank(problem), Room::new(problem));
        (own.nested, own.c) = (None, Blocks::zeros(&problem.patterns));
        room.three = [(); 3].map(|()| Blocks::zeros(&problem.patterns));
        (own, room)
    }

    /// Moves to a point that has been evaluated.
    pub fn set(&mut self, problem: &Problem, point: &Point, roots: &[f64], room: &mut Room) {
        self.set_factors(problem, point, &mut room.own);
        let values = &mut self.residuals;
        problem.data.set_residual_values(&problem.patterns, &problem.rows, point.beta.as_slice(), values, &mut room.own.data);
        match (&mut self.nested, &mut room.nested) {
            (Some(nested), Some(own)) => {
                let given = (self.lower.as_slice(), self.residuals.as_slice());
                nested.set(problem, point, given, &mut self.gradient, &mut room.own, own);
                let t = problem.sigmas.visits();
                set_unwhitened(nested.inverse(), t, roots, &self.gradient, (&mut room.delta, &mut room.left), &mut self.slope);
            }
            _ => self.set_by_patterns(problem, point, roots, room),
        }
    }

    fn set_by_patterns(&mut self, problem: &Problem, point: &Point, roots: &[f64], room: &mut Room) {
        let Room { own, three: [_, left, _], grid, .. } = room;
        match problem.estimation {
            Estimation::Reml => problem.set_leverages(&point.phi, &mut self.c, own),
            Estimation::Ml => self.c.clear(),
        }
        let mut spare = std::mem::take(&mut own.blocks);
        Blocks::each_of_three([&mut self.c, left, &mut spare], |index, [a, left, _]| {
            let (m, w) = (problem.patterns[index].size(), point.w.get(index));
            a.iter_mut().zip(point.r.get(index)).for_each(|(a, r)| *a += r);
            multiply(w, a, m, left);
            multiply(left, w, m, a);
        });
        own.blocks = spare;
        grid.fill(0.0);
        let t = problem.sigmas.visits();
        for (index, pattern) in problem.patterns.iter().enumerate() {
            let (n, w, waw) = (pattern.patients, point.w.get(index), self.c.get(index));
            add_to_grid(&pattern.visits, &mut grid[pattern.cell * t * t..], t, |at, _| n * w[at] - waw[at]);
        }
        for (index, pattern) in problem.patterns.iter().enumerate() {
            let half = 0.5 * pattern.patients;
            self.c.get_mut(index).iter_mut().zip(point.w.get(index)).for_each(|(c, w)| *c -= half * w);
        }
        self.slope.copy_from_slice(grid);
        let mut gradient = std::mem::take(&mut self.gradient);
        self.set_whitened(t, roots, room, &mut gradient);
        self.gradient = gradient;
    }

    fn set_factors(&mut self, problem: &Problem, point: &Point, room: &mut Workspace) {
        let t = problem.sigmas.visits();
        let factors = self.lower.chunks_exact_mut(t * t).zip(self.upper.chunks_exact_mut(t * t));
        for (cell, (lower, upper)) in factors.enumerate() {
            let (group, structure) = problem.sigmas.of_cell(cell);
            structure.sigma(problem.sigmas.of_group(&point.theta, group), &mut room.dense);
            lower.copy_from_slice(room.dense.as_slice());
            // It has been evaluated, so that Σ is positive definite.
            let _ = cholesky(lower, t);
            for j in 0..t {
                lower[j * t..j * t + j].fill(0.0);
                (0..t).for_each(|i| upper[i * t + j] = lower[j * t + i]);
            }
        }
    }

    /// Writes (L'GL)/√N of G on the grid of the room.
    fn set_whitened(&self, t: usize, roots: &[f64], room: &mut Room, whitened: &mut [f64]) {
        let size = t * t;
        let groups = self.lower.chunks_exact(size).zip(self.upper.chunks_exact(size)).zip(room.grid.chunks_exact(size));
        for (((lower, upper), g), (own, roots)) in groups.zip(whitened.chunks_exact_mut(size).zip(roots.chunks_exact(size))) {
            multiply(upper, g, t, &mut room.left);
            multiply(&room.left, lower, t, own);
            own.iter_mut().zip(roots).for_each(|(x, root)| *x /= root);
            mirror(own, t);
        }
    }

    /// Writes Δ = L(X/√N)L' of every group.
    pub fn set_direction(&self, t: usize, roots: &[f64], x: &[f64], left: &mut [f64], delta: &mut [f64]) {
        let size = t * t;
        let groups = self.lower.chunks_exact(size).zip(self.upper.chunks_exact(size)).zip(x.chunks_exact(size));
        for (((lower, upper), x), (delta, roots)) in groups.zip(delta.chunks_exact_mut(size).zip(roots.chunks_exact(size))) {
            delta.iter_mut().zip(x).zip(roots).for_each(|((d, x), root)| *d = x / root);
            multiply(lower, delta, t, left);
            multiply(left, upper, t, delta);
            mirror(delta, t);
        }
    }

    /// A gradient over Σ, in symmetric matrices, as one over X.
    pub fn whitened(&self, t: usize, roots: &[f64], gradient: &[f64], room: &mut Room) -> Vec<f64> {
        room.grid.copy_from_slice(gradient);
        let mut whitened = vec![0.0; gradient.len()];
        self.set_whitened(t, roots, room, &mut whitened);
        whitened
    }

    /// Writes the product of the Hessian over X with x.
    pub fn set_product(&self, problem: &Problem, point: &Point, roots: &[f64], x: &[f64], product: &mut [f64], room: &mut Room) {
        if let (Some(nested), Some(own)) = (&self.nested, &mut room.nested) {
            return nested.set_product(problem, point, x, product, &mut room.own, own);
        }
        let t = problem.sigmas.visits();
        self.set_direction(t, roots, x, &mut room.left, &mut room.delta);
        self.set_product_on_grid(problem, point, room);
        self.set_whitened(t, roots, room, product);
    }

    /// Σ_P dG along a direction of θ, on the visit grid of every group.
    pub fn along<'r>(&self, problem: &Problem, point: &Point, roots: &[f64], direction: &[f64], room: &'r mut Room) -> &'r [f64] {
        let t = problem.sigmas.visits();
        for (delta, own) in room.delta.chunks_exact_mut(t * t).zip(direction.chunks_exact(t * (t + 1) / 2)) {
            for ((a, b), &x) in lower_pairs(t).zip(own) {
                (delta[b * t + a], delta[a * t + b]) = (x, x);
            }
        }
        let (Some(nested), Some(own)) = (&self.nested, &mut room.nested) else {
            self.set_product_on_grid(problem, point, room);
            return &room.grid;
        };
        let mut x = vec![0.0; roots.len()];
        let mut product = vec![0.0; roots.len()];
        set_whitened_direction(nested.inverse(), t, roots, &room.delta, (&mut room.left, &mut room.grid), &mut x);
        nested.set_product(problem, point, &x, &mut product, &mut room.own, own);
        set_unwhitened(nested.inverse(), t, roots, &product, (&mut x, &mut room.left), &mut room.grid);
        &room.grid
    }

    /// Writes Σ_P dG along the direction in the room on its grid.
    fn set_product_on_grid(&self, problem: &Problem, point: &Point, room: &mut Room) {
        let t = problem.sigmas.visits();
        let (patterns, rows) = (problem.patterns.as_slice(), &problem.rows);
        let beta = (point.beta.as_slice(), self.residuals.as_slice());
        let Room { own, three: [wd, wdw, wdc], delta, grid, .. } = room;
        // WΔ, WΔW and WΔC.
        Blocks::each_of_three([wd, wdw, wdc], |index, [wd, wdw, wdc]| {
            let (pattern, w) = (&patterns[index], point.w.get(index));
            let (m, delta) = (pattern.size(), &delta[pattern.cell * t * t..]);
            for (j, &b) in pattern.visits.iter().enumerate() {
                pattern.visits.iter().enumerate().for_each(|(i, &a)| wdw[j * m + i] = delta[b * t + a]);
            }
            multiply(w, wdw, m, wd);
            multiply(wd, w, m, wdw);
            multiply(wd, self.c.get(index), m, wdc);
        });
        // How the mean moves, and Φ.
        problem.data.cross_of_residuals((patterns, rows), wdw, beta, &mut room.score, &mut own.data);
        symmetric_product(point.phi.as_slice(), &room.score, &mut room.step);
        room.step.iter_mut().for_each(|x| *x = -*x);
        let da = wd;
        match problem.estimation {
            Estimation::Ml => da.clear(),
            Estimation::Reml => {
                problem.set_gram(wdw, own);
                let (p, phi) = (problem.columns, point.phi.as_slice());
                multiply(phi, &own.gram, p, &mut room.product);
                multiply(&room.product, phi, p, &mut own.gram);
                problem.data.leverages(patterns, rows, &own.gram, da, &mut own.data);
            }
        }
        problem.data.add_residual_slopes((patterns, rows), &room.step, beta, da, &mut own.data);
        let mut spare = std::mem::take(&mut own.blocks);
        Blocks::each_of_three([da, wdw, &mut spare], |index, [da, left, _]| {
            let (m, w) = (patterns[index].size(), point.w.get(index));
            multiply(w, da, m, left);
            multiply(left, w, m, da);
        });
        own.blocks = spare;
        grid.fill(0.0);
        for (index, pattern) in patterns.iter().enumerate() {
            let (wdaw, wdc) = (da.get(index), wdc.get(index));
            add_to_grid(&pattern.visits, &mut grid[pattern.cell * t * t..], t, |at, across| wdc[at] + wdc[across] - wdaw[at]);
        }
    }
}

/// Writes L⁻'(√N G̃)L⁻¹ of every group; `scaled` is room for the first of its factors.
fn set_unwhitened(inverse: &[f64], t: usize, roots: &[f64], whitened: &[f64], (scaled, left): (&mut [f64], &mut [f64]), grid: &mut [f64]) {
    scaled.iter_mut().zip(whitened).zip(roots).for_each(|((x, g), root)| *x = g * root);
    let groups = inverse.chunks_exact(t * t).zip(scaled.chunks_exact(t * t)).zip(grid.chunks_exact_mut(t * t));
    for ((inverse, scaled), grid) in groups {
        multiply(scaled, inverse, t, left);
        for (j, column) in left.chunks_exact(t).enumerate() {
            (j..t).for_each(|i| grid[j * t + i] = dot(&inverse[i * t + i..(i + 1) * t], &column[i..]));
        }
        mirror(grid, t);
    }
}

/// Writes √N L⁻¹ΔL⁻' of every group; `transposed` has room for L⁻'.
fn set_whitened_direction(
    inverse: &[f64],
    t: usize,
    roots: &[f64],
    delta: &[f64],
    (left, transposed): (&mut [f64], &mut [f64]),
    x: &mut [f64],
) {
    let groups = inverse.chunks_exact(t * t).zip(delta.chunks_exact(t * t)).zip(x.chunks_exact_mut(t * t));
    for ((inverse, delta), x) in groups {
        let transposed = &mut transposed[..t * t];
        (0..t).for_each(|i| (0..t).for_each(|j| transposed[i * t + j] = inverse[j * t + i]));
        multiply(inverse, delta, t, left);
        multiply(left, transposed, t, x);
        mirror(x, t);
    }
    x.iter_mut().zip(roots).for_each(|(x, root)| *x *= root);
}

/// Adds a pattern's matrix to one on the visit grid, given its elements by their place and that of their mirror image.
fn add_to_grid(visits: &[usize], grid: &mut [f64], t: usize, element: impl Fn(usize, usize) -> f64) {
    let m = visits.len();
    for (j, &b) in visits.iter().enumerate() {
        for (i, &a) in visits.iter().enumerate() {
            grid[b * t + a] += element(j * m + i, i * m + j);
        }
    }
}

/// The symmetric matrices of triangles, row by row, group after group; what stands off the diagonal shared out between both
/// sides, as a gradient over the elements of the triangle is.
pub(super) fn gradient_matrices(triangles: &[f64], t: usize) -> Vec<f64> {
    let per_group = t * (t + 1) / 2;
    let of_group = |own: &[f64]| {
        let element = |a: usize, b: usize| if a == b { 1.0 } else { 0.5 } * own[lower(a.max(b), a.min(b))];
        DMatrix::from_fn(t, t, element).as_slice().to_vec()
    };
    triangles.chunks_exact(per_group).flat_map(of_group).collect()
}
