//! Gradient and Hessians of −2ℓ over the elements of Ψ, exact.
//!
//! With D_k = ∂Ψ/∂ψ_k, W = Z'V₀⁻¹Z, F = Z'V₀⁻¹U, T = Z'P₀Z and s = Z'P₀y,
//!
//! ```text
//! ∂_k log|V₀| = tr(D_kW)        ∂_k (log|V₀| + log|X'V₀⁻¹X|) = tr(D_kT)        ∂_k y'P₀y = −s'D_ks
//! ∂_kl of the same: −tr(D_kWD_lW),  −tr(D_kTD_lT),  2 s'D_kTD_ls
//! ```
//!
//! F̂ = FL⁻ᵀ, LL' = U'V₀⁻¹U, has in its first p columns T = W − F̂F̂' and in its last s/√(y'P₀y).

use super::components::{ComponentRoom, Scratch};
use super::layout::Place;
use super::point::{Point, Problem, add_squares};
use super::small::{for_level_sizes, forward, multiply, trace, trace_pair, trace_pair_with};
use crate::fit::Estimation;

/// Sums over all effects, K parameters.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// tr(D_kW).
    pub w: Vec<f64>,
    /// tr(D_kWD_lW).
    pub ww: Vec<f64>,
    /// The sum over the first p columns f of F̂ of f'D_kWD_lf.
    pub mean: Vec<f64>,
    /// The same of the last column.
    pub last: Vec<f64>,
    /// F̂'D_kF̂, m × m each.
    pub squares: Vec<f64>,
}

/// Derivatives at one point.
#[derive(Debug, Clone)]
pub(super) struct Curvature {
    pub sums: Sums,
    /// tr(D_kT) for REML, tr(D_kW) for ML.
    pub traces: Vec<f64>,
    /// s'D_ks / y'P₀y.
    pub quadratic: Vec<f64>,
    /// tr(D_kTD_lT) for REML, tr(D_kWD_lW) for ML.
    pub pairs: Vec<f64>,
    /// s'D_kTD_ls / y'P₀y.
    pub bends: Vec<f64>,
    /// F̂ of the linked levels, k × m each.
    pub heads: Vec<f64>,
    pub components: Vec<ComponentRoom>,
    pub scratch: Scratch,
    /// G of every link, k numbers each.
    pub g: Vec<f64>,
    /// F̂'D_kWD_lF̂ of k ≥ l, m × m row by row; kept where there is room for it.
    pub forms: Vec<f64>,
    room: Vec<f64>,
    products: Vec<f64>,
}

/// The parameters of one place: their position among all, and the element.
pub(super) type Elements = Vec<(usize, (usize, usize))>;

impl Problem {
    /// The parameters of the head, by positions among the effects of a level.
    pub fn head_elements(&self) -> Elements {
        self.elements(|place| if let Place::Head(at) = place { Some(at) } else { None })
    }

    /// The parameters of a term of the tail.
    pub fn tail_elements(&self, index: usize) -> Elements {
        self.elements(|place| (place == Place::Tail(index)).then_some(0))
    }

    fn elements(&self, at: impl Fn(Place) -> Option<usize>) -> Elements {
        let own = |(k, p): (usize, &super::parameters::Parameter)| at(self.layout.places[p.term]).map(|at| (k, (at + p.a, at + p.b)));
        self.parameters.list.iter().enumerate().filter_map(own).collect()
    }

    /// Derivatives with room for everything and nothing in them.
    pub fn blank_curvature(&self) -> Curvature {
        let (n, m, k) = (self.parameters.len(), self.width(), self.data.size);
        let square = vec![0.0; n * n];
        let sums = Sums { w: vec![0.0; n], ww: square.clone(), mean: square.clone(), last: square.clone(), squares: vec![0.0; n * m * m] };
        Curvature {
            sums,
            traces: vec![0.0; n],
            quadratic: vec![0.0; n],
            pairs: square.clone(),
            bends: square,
            heads: vec![0.0; self.data.linked.c.len()],
            components: self.data.components.iter().map(|c| ComponentRoom::blank(self, c)).collect(),
            scratch: Scratch::blank(self),
            g: vec![0.0; self.data.linked.by.len()],
            forms: vec![],
            room: vec![0.0; 2 * k * m],
            products: vec![0.0; if self.data.shapes.is_empty() { 0 } else { k * m * k * m }],
        }
    }

    /// All derivatives at a point that has been evaluated.
    pub fn differentiate(&self, point: &Point, curvature: &mut Curvature, head: &Elements) {
        let Sums { w, ww, mean, last, squares } = &mut curvature.sums;
        [w, ww, mean, last, squares, &mut curvature.forms].into_iter().for_each(|sum| sum.fill(0.0));
        self.add_free(point, curvature, head);
        self.add_components(point, curvature, head);
        self.combine(curvature);
    }

    fn add_free(&self, point: &Point, curvature: &mut Curvature, head: &Elements) {
        let (m, k, n, p) = (self.width(), self.data.size, self.parameters.len(), self.data.columns);
        let Curvature { sums, room, products, forms, .. } = curvature;
        for (index, shape) in self.data.shapes.iter().enumerate() {
            let range = index * k * k..(index + 1) * k * k;
            let (c, t, w) = (&point.free.c[range.clone()], &point.free.t[range.clone()], &point.free.w[range]);
            for_level_sizes!(k, m => set_products(&shape.sums, (k, m), (c, t, &point.root), room, products));
            // Σ f_i f_j of elements i and j of the levels' F̂.
            let product = |i: usize, j: usize| products[i.min(j) * k * m + i.max(j)];
            let mean = |a: usize, b: usize| (0..p).map(|c| product(a * m + c, b * m + c)).sum::<f64>();
            let last = |a: usize, b: usize| product(a * m + p, b * m + p);
            for &(x, a) in head {
                sums.w[x] += shape.levels * trace(w, k, a);
                for &(y, b) in head.iter().filter(|(y, _)| *y <= x) {
                    sums.ww[x * n + y] += shape.levels * trace_pair(w, w, k, a, b);
                    sums.mean[x * n + y] += trace_pair_with(w, mean, k, a, b);
                    sums.last[x * n + y] += trace_pair_with(w, last, k, a, b);
                }
                let (a, b) = a;
                for j in 0..m {
                    for (i, square) in sums.squares[(x * m + j) * m..(x * m + j + 1) * m].iter_mut().enumerate().skip(j) {
                        *square += product(a * m + j, b * m + i) + if a == b { 0.0 } else { product(b * m + j, a * m + i) };
                    }
                }
            }
            if !forms.is_empty() {
                let (solved, rows) = room.split_at_mut(k * m);
                for own in shape.sums.chunks_exact(k * m) {
                    set_rows(own, (k, m), (c, t, &point.root), solved, rows);
                    add_free_forms(w, rows, m, n, head, forms);
                }
            }
        }
    }

    /// From the sums to the derivatives of −2ℓ's parts.
    fn combine(&self, curvature: &mut Curvature) {
        let (m, n, p) = (self.width(), self.parameters.len(), self.data.columns);
        let Curvature { sums, traces, quadratic, pairs, bends, .. } = curvature;
        for square in [&mut sums.ww, &mut sums.mean, &mut sums.last] {
            for x in 0..n {
                (0..x).for_each(|y| square[y * n + x] = square[x * n + y]);
            }
        }
        for square in sums.squares.chunks_exact_mut(m * m) {
            crate::fit::kernels::mirror(square, m);
        }
        let square = |k: usize| &sums.squares[k * m * m..(k + 1) * m * m];
        let restricted = self.estimation == Estimation::Reml;
        for x in 0..n {
            let own = square(x);
            quadratic[x] = own[m * m - 1];
            traces[x] = sums.w[x] - if restricted { (0..p).map(|a| own[a * m + a]).sum() } else { 0.0 };
            for y in 0..=x {
                let other = square(y);
                let inner = |column: usize| -> f64 { (0..p).map(|a| own[column * m + a] * other[column * m + a]).sum() };
                bends[x * n + y] = sums.last[x * n + y] - inner(p);
                pairs[x * n + y] = sums.ww[x * n + y];
                if restricted {
                    pairs[x * n + y] += (0..p).map(inner).sum::<f64>() - 2.0 * sums.mean[x * n + y];
                }
                (bends[y * n + x], pairs[y * n + x]) = (bends[x * n + y], pairs[x * n + y]);
            }
        }
    }

    /// The gradient of −2ℓ over Ψ, σ² at its best.
    pub fn set_gradient(&self, curvature: &Curvature, gradient: &mut [f64]) {
        let df = self.residual_df();
        gradient.iter_mut().zip(&curvature.traces).zip(&curvature.quadratic).for_each(|((g, trace), q)| *g = trace - df * q);
    }

    /// The observed Hessian of the same.
    pub fn set_observed(&self, curvature: &Curvature, hessian: &mut [f64]) {
        let (df, n, q) = (self.residual_df(), self.parameters.len(), &curvature.quadratic);
        for x in 0..n {
            for y in 0..n {
                hessian[x * n + y] = df * (2.0 * curvature.bends[x * n + y] - q[x] * q[y]) - curvature.pairs[x * n + y];
            }
        }
    }

    /// The expected Hessian of the same.
    pub fn set_expected(&self, curvature: &Curvature, hessian: &mut [f64]) {
        let (df, n, t) = (self.residual_df(), self.parameters.len(), &curvature.traces);
        for x in 0..n {
            for y in 0..n {
                hessian[x * n + y] = curvature.pairs[x * n + y] - t[x] * t[y] / df;
            }
        }
    }
}

/// Sets the products of the elements of F̂, km × km, summed over the levels of a shape: the lower triangle.
#[inline(always)]
fn set_products(sums: &[f64], (k, m): (usize, usize), factors: (&[f64], &[f64], &[f64]), room: &mut [f64], products: &mut [f64]) {
    let (solved, rows) = room[..2 * k * m].split_at_mut(k * m);
    let products = &mut products[..k * m * k * m];
    products.fill(0.0);
    for own in sums.chunks_exact(k * m) {
        set_rows(own, (k, m), factors, solved, rows);
        add_squares(rows, k * m, 1.0, products);
    }
}

/// Sets F̂ of a level with the sums c, given C and T of its shape and the factor L.
#[inline(always)]
fn set_rows(own: &[f64], (k, m): (usize, usize), (c, t, root): (&[f64], &[f64], &[f64]), solved: &mut [f64], rows: &mut [f64]) {
    let (solved, rows) = (&mut solved[..k * m], &mut rows[..k * m]);
    solved.copy_from_slice(own);
    forward(&c[..k * k], k, solved);
    multiply(&t[..k * k], k, solved, rows);
    standardise(&root[..m * m], m, rows);
}

/// Replaces every row f by f L⁻ᵀ, L lower triangular, column by column.
#[inline(always)]
pub(super) fn standardise(root: &[f64], m: usize, rows: &mut [f64]) {
    for row in rows.chunks_exact_mut(m) {
        for j in 0..m {
            let column = &root[j * m + j..(j + 1) * m];
            let own = row[j] / column[0];
            row[j] = own;
            row[j + 1..].iter_mut().zip(&column[1..]).for_each(|(x, l)| *x -= own * l);
        }
    }
}

/// Adds F'D_kF of one level for every element (a, b), the lower triangle column by column.
pub(super) fn add_elements(rows: &[f64], m: usize, elements: &Elements, squares: &mut [f64]) {
    for &(k, (a, b)) in elements {
        let (x, y) = (&rows[a * m..(a + 1) * m], &rows[b * m..(b + 1) * m]);
        let own = &mut squares[k * m * m..(k + 1) * m * m];
        for j in 0..m {
            let column = &mut own[j * m + j..(j + 1) * m];
            if a == b {
                column.iter_mut().zip(&x[j..]).for_each(|(s, f)| *s += x[j] * f);
            } else {
                column.iter_mut().zip(x[j..].iter().zip(&y[j..])).for_each(|(s, (f, g))| *s += x[j] * g + y[j] * f);
            }
        }
    }
}

/// Writes D X of one level, D the derivative by element (a, b): k × m.
pub(super) fn set_selected(rows: &[f64], m: usize, (a, b): (usize, usize), selected: &mut [f64]) {
    selected.fill(0.0);
    selected[a * m..(a + 1) * m].copy_from_slice(&rows[b * m..(b + 1) * m]);
    if a != b {
        selected[b * m..(b + 1) * m].copy_from_slice(&rows[a * m..(a + 1) * m]);
    }
}

/// Adds x'D y over the first columns and over the last, D the derivative by element (a, b); x and y are those of one
/// level.
pub(super) fn products(x: &[f64], y: &[f64], m: usize, (a, b): (usize, usize)) -> (f64, f64) {
    let one = |a: usize, b: usize| -> (f64, f64) {
        let (x, y) = (&x[a * m..(a + 1) * m], &y[b * m..(b + 1) * m]);
        (x[..m - 1].iter().zip(y).map(|(x, y)| x * y).sum(), x[m - 1] * y[m - 1])
    };
    let first = one(a, b);
    if a == b {
        return first;
    }
    let second = one(b, a);
    (first.0 + second.0, first.1 + second.1)
}

/// Adds x'D_k y of one level to the form (k, l), D_k the derivative by element (a, b).
pub(super) fn add_form(x: &[f64], y: &[f64], m: usize, n: usize, (k, l): (usize, usize), (a, b): (usize, usize), forms: &mut [f64]) {
    if forms.is_empty() {
        return;
    }
    let own = &mut forms[(k.max(l) * n + k.min(l)) * m * m..][..m * m];
    let mut add = |a: usize, b: usize| {
        for i in 0..m {
            for j in 0..m {
                own[if k >= l { i * m + j } else { j * m + i }] += x[a * m + i] * y[b * m + j];
            }
        }
    };
    add(a, b);
    if a != b {
        add(b, a);
    }
}

/// The forms of one free level.
fn add_free_forms(w: &[f64], rows: &[f64], m: usize, n: usize, head: &Elements, forms: &mut [f64]) {
    let k = rows.len() / m;
    let (mut selected, mut product) = (vec![0.0; k * m], vec![0.0; k * m]);
    for &(l, element) in head {
        set_selected(rows, m, element, &mut selected);
        super::small::multiply(w, k, &selected, &mut product);
        head.iter().filter(|(k, _)| *k >= l).for_each(|&(k, element)| add_form(rows, &product, m, n, (k, l), element, forms));
    }
}
