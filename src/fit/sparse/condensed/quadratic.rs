//! Derivatives of y'P₀y over Ψ from condensed sums.
//!
//! With s = Z'P₀y and P₀Zs from the solution of the equations,
//!
//! ```text
//! ∂_k y'P₀y = −s_k's_k        ∂_kl y'P₀y = 2 (Z_ks_k)'P₀(Z_ls_l)
//! ```

use super::lanes::{LANES, add, add_rows, dot, rounded, scale, solve_transposed};
use super::place::Place;
use super::slopes::Slopes;
use super::{Block, Condensed, runs};

/// ψA of an effect above which s = Ψ⁻¹u has more digits than differences have.
const OWN_SHARE: f64 = 1.0;

/// Derivatives at one place and room for them, K parameters.
#[derive(Debug, Clone)]
pub(super) struct Quadratic {
    /// s_k's_k / y'P₀y.
    pub squares: Vec<f64>,
    /// (Z_ks_k)'P₀(Z_ls_l) / y'P₀y.
    pub bends: Vec<f64>,
    /// u, s and (β, −1).
    u: Vec<f64>,
    s: Vec<f64>,
    beta: Vec<f64>,
    /// (u, β, −1) of one component, and s of one term of it.
    solution: Vec<f64>,
    of_term: Vec<f64>,
    /// \[Z X\]'V₁⁻¹Z_ks_k of every parameter: a row for each effect of the tail and each column of X, K numbers in whole lanes.
    products: Vec<f64>,
    /// Weights of the shapes, and half of ∂²B/∂ψ² of the head.
    weights: Vec<f64>,
    pub second: Vec<f64>,
}

impl Quadratic {
    pub fn blank(own: &Condensed) -> Self {
        let (n, m, k) = (own.effects(), own.width, own.parameters);
        Self {
            squares: vec![0.0; k],
            bends: vec![0.0; k * k],
            u: vec![0.0; n],
            s: vec![0.0; n],
            beta: vec![0.0; m],
            solution: vec![0.0; own.blocks.iter().map(|block| block.stride).max().unwrap_or(m)],
            of_term: vec![0.0; own.blocks.iter().map(|block| block.padded).max().unwrap_or(0)],
            products: vec![0.0; (n + m) * rounded(k)],
            weights: vec![0.0; own.shapes.len()],
            second: vec![0.0; own.within.len()],
        }
    }

    /// Sets s and what the effects of a component add to its products and squares.
    fn add_component(&mut self, own: &Condensed, place: &Place, block: Block, solved: &[f64]) {
        let (p, k, n, padded, stride) = (own.columns, own.parameters, block.size, block.padded, block.stride);
        let (terms, lanes) = (&own.term_of[block.effects()], rounded(k));
        let (u, s) = (&mut self.u[block.effects()], &mut self.s[block.effects()]);
        for ((u, row), &term) in u.iter_mut().zip(solved.chunks_exact(stride)).zip(terms) {
            *u = -place.lambda[term] * dot(&row[padded..], &self.beta);
        }
        let e = &mut self.solution[..stride];
        e[..padded].copy_from_slice(u);
        e[padded..].copy_from_slice(&self.beta);
        let sums = &place.sums[block.rows()];
        for (i, (row, &term)) in sums.chunks_exact(stride).zip(terms).enumerate() {
            let psi = place.lambda[term] * place.lambda[term];
            s[i] = if psi * row[i] > OWN_SHARE { u[i] / psi } else { -dot(row, e) };
            self.squares[term] += s[i] * s[i];
        }
        let (of_tail, of_x) = self.products.split_at_mut(own.effects() * lanes);
        let of_tail = &mut of_tail[block.first * lanes..];
        for (first, end) in runs(&terms[..n]) {
            let term = terms[first];
            let of_term = &mut self.of_term[..padded];
            of_term.fill(0.0);
            of_term[first..end].copy_from_slice(&s[first..end]);
            for (i, (row, own_products)) in sums.chunks_exact(stride).zip(of_tail.chunks_exact_mut(lanes)).enumerate() {
                let product = dot(&row[..padded], of_term);
                own_products[term] += product;
                self.bends[terms[i] * k + term] += s[i] * product;
            }
            for (i, row) in sums.chunks_exact(stride).enumerate().take(end).skip(first) {
                let c = row[padded..].iter().zip(of_x.chunks_exact_mut(lanes)).take(p);
                c.for_each(|(c, own_products)| own_products[term] += s[i] * c);
            }
        }
    }

    /// The same of the head, Zs of which is known through ∂B/∂ψ.
    fn add_head(&mut self, own: &Condensed, place: &Place, of_head: &[f64]) {
        let (m, p, n, k, head) = (own.width, own.columns, own.effects(), own.parameters, own.head);
        for ((w, shape), weight) in place.weights.iter().zip(&own.shapes).zip(&mut self.weights) {
            *weight = shape.square * shape.square * w * w * w;
        }
        own.combine(&self.weights, &mut self.second);
        let lanes = rounded(k);
        let (mut first, mut second) = (0.0, 0.0);
        for block in &own.blocks {
            let (u, s) = (&self.u[block.effects()], &self.s[block.effects()]);
            let e = &mut self.solution[..block.stride];
            e[..block.padded].copy_from_slice(u);
            e[block.padded..].copy_from_slice(&self.beta);
            let rows = of_head[block.rows()].chunks_exact(block.stride).zip(self.second[block.rows()].chunks_exact(block.stride));
            for (i, (row, bend)) in rows.enumerate() {
                let product = dot(row, e);
                let term = own.term_of[block.first + i];
                self.products[(block.first + i) * lanes + head] -= product;
                self.bends[head * k + term] -= s[i] * product;
                self.bends[term * k + head] -= s[i] * product;
                // C stands for C' too.
                first += u[i] * (product + dot(&row[block.padded..], &self.beta));
                second += u[i] * (dot(bend, e) + dot(&bend[block.padded..], &self.beta));
            }
        }
        self.add_columns_of_head(own, of_head);
        let rows = of_head[own.gram()..].chunks_exact(m).zip(self.second[own.gram()..].chunks_exact(m));
        for (j, (row, bend)) in rows.enumerate().take(p + 1) {
            let product = dot(row, &self.beta);
            if j < p {
                self.products[(n + j) * lanes + head] -= product;
            }
            first += self.beta[j] * product;
            second += self.beta[j] * dot(bend, &self.beta);
        }
        self.squares[head] += first;
        self.bends[head * k + head] += second;
    }

    /// What the effects have of the columns of X.
    fn add_columns_of_head(&mut self, own: &Condensed, of_head: &[f64]) {
        let (m, lanes) = (own.width, rounded(own.parameters));
        let of_x = &mut self.solution[..m];
        of_x.fill(0.0);
        for block in &own.blocks {
            let u = &self.u[block.effects()];
            add_rows(of_x, (&of_head[block.at + block.padded..], block.stride), block.size, |i| u[i]);
        }
        let rows = self.products[own.effects() * lanes..].chunks_exact_mut(lanes);
        rows.zip(&*of_x).take(own.columns).for_each(|(row, x)| row[own.head] -= x);
    }

    /// Replaces the products of every parameter by what the factors leave of them.
    fn solve(&mut self, own: &Condensed, place: &Place) {
        let (m, p) = (own.width, own.columns);
        let lanes = rounded(own.parameters);
        let (of_tail, of_x) = self.products.split_at_mut(own.effects() * lanes);
        for block in &own.blocks {
            let (rows, stride) = (&place.rows[block.rows()], block.stride);
            let of_tail = &mut of_tail[block.first * lanes..][..block.size * lanes];
            let terms = own.term_of[block.effects()].iter();
            of_tail.chunks_exact_mut(lanes).zip(terms).for_each(|(row, &term)| scale(row, place.lambda[term]));
            solve_transposed((rows, stride), block.size, of_tail, lanes);
            for (c, own_products) in of_x.chunks_exact_mut(lanes).enumerate().take(p) {
                add_rows(own_products, (of_tail, lanes), block.size, |i| -rows[i * stride + block.padded + c]);
            }
        }
        solve_transposed((&place.root, m), p, of_x, lanes);
    }

    /// Subtracts the squares of what is left, and divides by y'P₀y.
    fn finish(&mut self, own: &Condensed, place: &Place) {
        let (k, lanes) = (own.parameters, rounded(own.parameters));
        let used = (own.effects() + own.columns) * lanes;
        self.squares.iter_mut().for_each(|x| *x /= place.squares);
        let mut squares = [0.0; LANES];
        for x in 0..k {
            for first in (0..=x).step_by(LANES) {
                squares.fill(0.0);
                self.products[..used].chunks_exact(lanes).for_each(|row| add(&mut squares, row[x], &row[first..first + LANES]));
                for (y, square) in (first..=x).zip(&squares) {
                    let bend = (self.bends[x * k + y] - square) / place.squares;
                    (self.bends[x * k + y], self.bends[y * k + x]) = (bend, bend);
                }
            }
        }
    }
}

impl Slopes {
    /// What depends on the outcomes.
    pub fn set_quadratic(&mut self, own: &Condensed, place: &Place) {
        let Self { quadratic, solved, of_head, .. } = self;
        own.set_beta(place, &mut quadratic.beta);
        quadratic.beta[own.columns] = -1.0;
        quadratic.squares.fill(0.0);
        quadratic.products.fill(0.0);
        quadratic.bends.fill(0.0);
        for block in &own.blocks {
            quadratic.add_component(own, place, *block, &solved[block.rows()]);
        }
        quadratic.add_head(own, place, of_head);
        quadratic.solve(own, place);
        quadratic.finish(own, place);
    }
}
