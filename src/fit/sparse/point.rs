//! −2ℓ at one Λ: the head eliminated level by level, what remains of the tail component by component, then the mean.
//!
//! With V = σ²V₀, V₀ = I + ZΨZ', Ψ = ΛΛ', and σ² at its best,
//!
//! ```text
//! −2ℓ = ν log(2π y'P₀y/ν) + ν + log|V₀| + log|X'V₀⁻¹X| − Σ log w      (REML, ν = N − p; for ML ν = N, without log|X'V₀⁻¹X|)
//! ```
//!
//! (Bates, Mächler, Bolker & Walker 2015, J Stat Softw 67(1)).

use super::blocks::Blocks;
use super::data::{Component, Data};
use super::dense;
use super::layout::{Layout, Place};
use super::parameters::Parameters;
use super::small::{LogProduct, for_level_sizes, forward, level_factors};
use crate::fit::Estimation;
use crate::fit::kernels::cholesky;
use nalgebra::{DMatrix, DVector};

/// The sums of a design and how −2ℓ is made of them.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub data: Data,
    pub layout: Layout,
    pub parameters: Parameters,
    pub estimation: Estimation,
}

/// C, T and W of levels of the head, k × k each.
#[derive(Debug, Clone, Default)]
pub(super) struct Factors {
    pub c: Vec<f64>,
    pub t: Vec<f64>,
    pub w: Vec<f64>,
}

impl Factors {
    fn blank(levels: usize, k: usize) -> Self {
        let blank = vec![0.0; levels * k * k];
        Self { c: blank.clone(), t: blank.clone(), w: blank }
    }
}

/// What is known of a component at one Λ.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// A = Z'V₁⁻¹Z, n × n, where V₁ has the head alone; its lower triangle, and the whole of each level's block.
    pub a: Vec<f64>,
    /// The Cholesky factor of M = I + Λ'AΛ.
    pub factor: Vec<f64>,
    /// C = Z'V₁⁻¹U, n × m.
    pub cross: Vec<f64>,
    /// L⁻¹Λ'C, n × m.
    pub solved: Vec<f64>,
}

/// Everything known at one Λ, with room for it.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub lambda: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// y'P₀y.
    pub squares: f64,
    /// The lower Cholesky factor of U'V₀⁻¹U, m × m column by column.
    pub root: Vec<f64>,
    /// Λ of a level of the head.
    pub head: Vec<f64>,
    /// Λ of each term of the tail.
    pub tail: Vec<Vec<f64>>,
    /// Of the shapes of free levels.
    pub free: Factors,
    /// Of the linked levels.
    pub linked: Factors,
    /// C⁻¹c of the linked levels, k × m each.
    pub solved: Vec<f64>,
    /// C⁻¹ of what each link has, k numbers each.
    pub links: Vec<f64>,
    pub tails: Vec<Tail>,
    gram: Vec<f64>,
    scale: Vec<f64>,
    room: Vec<f64>,
}

impl Problem {
    /// m = p + 1.
    pub fn width(&self) -> usize {
        self.data.columns + 1
    }

    /// ν: what the sum of squares is divided by.
    pub fn residual_df(&self) -> f64 {
        match self.estimation {
            Estimation::Reml => (self.data.observations - self.data.columns) as f64,
            Estimation::Ml => self.data.observations as f64,
        }
    }

    /// A point with room for everything and nothing in it.
    pub fn blank(&self) -> Point {
        let (m, k, data) = (self.width(), self.data.size, &self.data);
        let heads = data.linked.len();
        let tail = |c: &Component| Tail {
            a: vec![0.0; c.size * c.size],
            factor: vec![0.0; c.size * c.size],
            cross: vec![0.0; c.size * m],
            solved: vec![0.0; c.size * m],
        };
        Point {
            lambda: vec![0.0; self.parameters.len()],
            value: f64::NAN,
            squares: f64::NAN,
            root: vec![0.0; m * m],
            head: vec![0.0; k * k],
            tail: self.layout.tail.iter().map(|&term| vec![0.0; self.parameters.sizes[term].pow(2)]).collect(),
            free: Factors::blank(data.shapes.len(), k),
            linked: Factors::blank(heads, k),
            solved: vec![0.0; heads * k * m],
            links: vec![0.0; data.linked.by.len()],
            tails: data.components.iter().map(tail).collect(),
            gram: vec![0.0; m * m],
            scale: vec![0.0; m],
            room: vec![0.0; k * m],
        }
    }

    /// β, and (X'V₀⁻¹X)⁻¹.
    pub fn mean(&self, point: &Point) -> (DVector<f64>, DMatrix<f64>) {
        let (p, m) = (self.data.columns, self.width());
        let root = DMatrix::from_fn(p, p, |i, j| point.root[j * m + i]);
        let inverse = root.solve_lower_triangular(&DMatrix::identity(p, p)).unwrap_or_else(|| DMatrix::zeros(p, p));
        let mut beta = DVector::zeros(p);
        self.set_beta(point, beta.as_mut_slice());
        (beta, inverse.transpose() * inverse)
    }

    /// σ² at its best, then the elements of G.
    pub fn theta(&self, point: &Point) -> Vec<f64> {
        let mut theta = vec![0.0; self.parameters.len() + 1];
        self.set_theta(point, &mut theta);
        theta
    }

    /// Writes the same.
    pub fn set_theta(&self, point: &Point, theta: &mut [f64]) {
        theta[0] = point.squares / self.residual_df();
        self.parameters.set_psi(&point.lambda, &mut theta[1..]);
        (1..theta.len()).for_each(|k| theta[k] *= theta[0]);
    }

    /// Writes β.
    pub fn set_beta(&self, point: &Point, beta: &mut [f64]) {
        let (p, m) = (self.data.columns, self.width());
        for j in (0..p).rev() {
            let column = &point.root[j * m..(j + 1) * m];
            let later: f64 = column[j + 1..p].iter().zip(&beta[j + 1..]).map(|(l, b)| l * b).sum();
            beta[j] = (column[p] - later) / column[j];
        }
        beta.iter_mut().zip(&self.data.origin).for_each(|(b, origin)| *b += origin);
    }

    /// Moves a point to Λ; `false`, and a point without meaning, where −2ℓ has no value.
    pub fn evaluate(&self, lambda: &[f64], point: &mut Point) -> bool {
        lambda.iter().all(|x| x.is_finite()) && self.try_evaluate(lambda, point).is_some_and(f64::is_finite)
    }

    fn try_evaluate(&self, lambda: &[f64], point: &mut Point) -> Option<f64> {
        let (m, p) = (self.width(), self.data.columns);
        point.lambda.copy_from_slice(lambda);
        self.set_lambda(point);
        point.gram.copy_from_slice(&self.data.within);
        let mut log_v = self.eliminate_free(point) + self.eliminate_linked(point);
        for (component, tail) in self.data.components.iter().zip(&mut point.tails) {
            log_v += self.eliminate_tail(component, &point.tail, tail, &mut point.gram)?;
        }
        for j in 0..m {
            point.scale[j] = 1.0 / point.gram[j * m + j].sqrt();
        }
        for j in 0..m {
            (j..m).for_each(|i| point.root[j * m + i] = point.gram[j * m + i] * point.scale[i] * point.scale[j]);
        }
        cholesky(&mut point.root, m)?;
        for j in 0..m {
            point.root[j * m..j * m + j].fill(0.0);
            (j..m).for_each(|i| point.root[j * m + i] /= point.scale[i]);
        }
        let pivot = |j: usize| point.root[j * m + j];
        point.squares = pivot(p) * pivot(p);
        let df = self.residual_df();
        let mut value = df * ((2.0 * std::f64::consts::PI / df) * point.squares).ln() + df + log_v - self.data.log_weights;
        if self.estimation == Estimation::Reml {
            value += 2.0 * (0..p).map(|j| pivot(j).ln()).sum::<f64>();
        }
        point.value = value;
        Some(value)
    }

    /// Λ of head and tail from the parameters.
    fn set_lambda(&self, point: &mut Point) {
        let k = self.data.size;
        point.head.fill(0.0);
        for (index, p) in self.parameters.list.iter().enumerate() {
            match self.layout.places[p.term] {
                Place::Head(at) => point.head[(at + p.a) * k + at + p.b] = point.lambda[index],
                Place::Tail(index_of_term) => point.tail[index_of_term][p.a * self.parameters.sizes[p.term] + p.b] = point.lambda[index],
            }
        }
    }

    /// Adds c'N⁻¹c of the free levels to U'V₁⁻¹U and returns Σ log|N|.
    fn eliminate_free(&self, point: &mut Point) -> f64 {
        let (m, k) = (self.width(), self.data.size);
        let mut log_determinant = 0.0;
        for (index, shape) in self.data.shapes.iter().enumerate() {
            let own = index * k * k..(index + 1) * k * k;
            let Factors { c, t, w } = &mut point.free;
            let mut determinant = LogProduct::new();
            level_factors(&shape.r, &point.head, k, &mut c[own.clone()], &mut t[own.clone()], &mut w[own.clone()], &mut determinant);
            log_determinant += shape.levels * determinant.ln();
            let (c, room, gram) = (&c[own], &mut point.room, &mut point.gram);
            for_level_sizes!(k, m => add_solved(&shape.sums, (k, m), c, room, gram));
        }
        log_determinant
    }

    /// The same for the linked levels, whose share in the tail is kept and added to A and C.
    fn eliminate_linked(&self, point: &mut Point) -> f64 {
        let (m, k, linked) = (self.width(), self.data.size, &self.data.linked);
        let (mut determinant, mut log_determinant) = (LogProduct::new(), 0.0);
        point.solved.copy_from_slice(&linked.c);
        point.links.copy_from_slice(&linked.by);
        for (level, solved) in point.solved.chunks_exact_mut(k * m).enumerate() {
            let own = level * k * k..(level + 1) * k * k;
            let Factors { c, t, w } = &mut point.linked;
            let c = &mut c[own.clone()];
            let (r, t, w) = (&linked.r[own.clone()], &mut t[own.clone()], &mut w[own]);
            let count = linked.counts[level];
            if count == 1.0 {
                level_factors(r, &point.head, k, c, t, w, &mut determinant);
            } else {
                let mut own = LogProduct::new();
                level_factors(r, &point.head, k, c, t, w, &mut own);
                log_determinant += if count > 0.0 { count * own.ln() } else { 0.0 };
            }
            forward(c, k, solved);
            add_squares(solved, m, 1.0, &mut point.gram);
            let links = &mut point.links[linked.starts[level] * k..linked.starts[level + 1] * k];
            links.chunks_exact_mut(k).for_each(|link| forward(c, k, link));
        }
        for (component, tail) in self.data.components.iter().zip(&mut point.tails) {
            let (n, Tail { a, cross, .. }) = (component.size, tail);
            a.copy_from_slice(&component.within);
            cross.copy_from_slice(&component.cross);
            for level in component.heads.clone() {
                let solved = &point.solved[level * k * m..(level + 1) * k * m];
                let own = linked.starts[level]..linked.starts[level + 1];
                for link in own.clone() {
                    let (s, by) = (linked.to[link] as usize, &point.links[link * k..(link + 1) * k]);
                    for (x, row) in by.iter().zip(solved.chunks_exact(m)) {
                        cross[s * m..(s + 1) * m].iter_mut().zip(row).for_each(|(c, u)| *c += x * u);
                    }
                    // The effects of a level are in order: this is what stands left of the diagonal, and on it.
                    let row = &mut a[s * n..s * n + s + 1];
                    let others = linked.to[own.start..=link].iter().zip(point.links[own.start * k..(link + 1) * k].chunks_exact(k));
                    if let [x] = by {
                        others.for_each(|(&t, y)| row[t as usize] += x * y[0]);
                    } else {
                        others.for_each(|(&t, y)| row[t as usize] += by.iter().zip(y).map(|(x, y)| x * y).sum::<f64>());
                    }
                }
            }
            for (index, at) in (Blocks { component, sizes: &self.layout.tail_sizes }).all() {
                let k = self.layout.tail_sizes[index];
                (0..k * k)
                    .filter(|cell| cell / k < cell % k)
                    .for_each(|cell| a[(at + cell / k) * n + at + cell % k] = a[(at + cell % k) * n + at + cell / k]);
            }
        }
        log_determinant + determinant.ln()
    }

    /// Takes what a component explains from U'V₁⁻¹U and returns log|M|.
    fn eliminate_tail(&self, component: &Component, lambda: &[Vec<f64>], tail: &mut Tail, gram: &mut [f64]) -> Option<f64> {
        let (m, n, blocks) = (self.width(), component.size, Blocks { component, sizes: &self.layout.tail_sizes });
        if lambda.iter().flatten().all(|&x| x == 0.0) {
            tail.solved.fill(0.0);
            return Some(0.0);
        }
        tail.solved.copy_from_slice(&tail.cross);
        for (index, at) in blocks.all() {
            let (k, own) = (blocks.sizes[index], &lambda[index]);
            dense::scale_rows(own, k, at, &mut tail.solved, m);
            // Λ'AΛ as far as the diagonal.
            let rows = &mut tail.factor[at * n..(at + k) * n];
            let of_a = tail.a[at * n..(at + k) * n].chunks_exact(n);
            rows.chunks_exact_mut(n).zip(of_a).for_each(|(row, a)| row[..at + k].copy_from_slice(&a[..at + k]));
            match k {
                1 => rows[..=at].iter_mut().for_each(|x| *x *= own[0]),
                _ => dense::scale_rows(own, k, 0, rows, n),
            }
            for (a, row) in rows.chunks_exact_mut(n).enumerate() {
                blocks.scale_columns(&mut row[..at + k], lambda.iter().map(|lambda| &lambda[..]));
                row[at + a] += 1.0;
            }
        }
        let log_determinant = dense::cholesky(&mut tail.factor, n)?;
        dense::forward(&tail.factor, n, &mut tail.solved, m);
        add_squares(&tail.solved, m, -1.0, gram);
        Some(log_determinant)
    }
}

/// Adds c'N⁻¹c of the levels of a shape, the lower triangle column by column.
#[inline(always)]
fn add_solved(sums: &[f64], (k, m): (usize, usize), c: &[f64], room: &mut [f64], gram: &mut [f64]) {
    let (c, room, gram) = (&c[..k * k], &mut room[..k * m], &mut gram[..m * m]);
    for own in sums.chunks_exact(k * m) {
        room.copy_from_slice(own);
        forward(c, k, room);
        add_squares(room, m, 1.0, gram);
    }
}

/// Adds `factor` Σ xx' over the rows x of width m, the lower triangle column by column.
#[inline(always)]
pub(super) fn add_squares(rows: &[f64], m: usize, factor: f64, sums: &mut [f64]) {
    for row in rows.chunks_exact(m) {
        for j in 0..m {
            let by = factor * row[j];
            sums[j * m + j..(j + 1) * m].iter_mut().zip(&row[j..]).for_each(|(s, x)| *s += by * x);
        }
    }
}
