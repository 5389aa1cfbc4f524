//! Derivatives of −2ℓ over Ψ from condensed sums.
//!
//! −2ℓ = D(Ψ) + ν log y'P₀y, where D has the determinants and nothing of the outcomes. Its gradient is the product of
//! ∂D/∂B with ∂B/∂ψ; its Hessian costs most of all, and is a function of Ψ that is the same for all outcomes ([`Bend`]). With
//! s = Z'P₀y and P₀Zs from the solution of the equations,
//!
//! ```text
//! ∂_k y'P₀y = −s_k's_k        ∂_kl y'P₀y = 2 (Z_ks_k)'P₀(Z_ls_l)
//! ```

use super::condensed::{Block, Condensed, Place, backward, combine, for_widths, solve_one};
use crate::fit::kernels::{axpy, dot, inverse_from_cholesky};

/// ψA of an effect above which s = Ψ⁻¹u has more digits than differences have.
const OWN_SHARE: f64 = 1.0;

/// Derivatives at one place, K parameters.
#[derive(Debug, Clone)]
pub(super) struct Slopes {
    /// M⁻¹ΛC, n × m.
    solved: Vec<f64>,
    /// M⁻¹ of every component, later ΛM̄Λ.
    inverse: Vec<f64>,
    /// (X'V₀⁻¹X)⁻¹, p × p, and its factor.
    inverse_of_x: Vec<f64>,
    factor_of_x: Vec<f64>,
    /// The inverse with rows as long as those of U.
    padded: Vec<f64>,
    /// M⁻¹ΛC(X'V₀⁻¹X)⁻¹.
    shared: Vec<f64>,
    /// ∂D/∂B, as the sums are.
    by_sums: Vec<f64>,
    /// ∂D.
    pub traces: Vec<f64>,
    /// s'D_ks / y'P₀y.
    pub quadratic: Vec<f64>,
    /// (Z_ks_k)'P₀(Z_ls_l) / y'P₀y.
    pub bends: Vec<f64>,
    /// (u, β, −1) of each component, and s.
    solution: Vec<f64>,
    effects: Vec<f64>,
    beta: Vec<f64>,
    /// Products of a matrix of sums with the solution: those of the tail, then those of U.
    products: Vec<f64>,
    /// Those of every parameter, K by n + p.
    of_parameters: Vec<f64>,
    /// Weights of the shapes.
    weights: Vec<f64>,
    sums: Vec<f64>,
}

impl Slopes {
    pub fn blank(own: &Condensed) -> Self {
        let (n, m, p, k) = (own.effects(), own.width, own.columns, own.parameters);
        let len = own.gram() + m * m;
        Self {
            solved: vec![0.0; n * m],
            inverse: vec![0.0; own.blocks.iter().map(|block| block.size * block.size).sum()],
            inverse_of_x: vec![0.0; p * p],
            padded: vec![0.0; p * m],
            factor_of_x: vec![0.0; p * p],
            shared: vec![0.0; n * m],
            by_sums: vec![0.0; len],
            traces: vec![0.0; k],
            quadratic: vec![0.0; k],
            bends: vec![0.0; k * k],
            solution: vec![0.0; own.blocks.iter().map(|block| block.size + m).max().unwrap_or(m)],
            effects: vec![0.0; 2 * n],
            beta: vec![0.0; m],
            products: vec![0.0; n + m],
            of_parameters: vec![0.0; k * (n + p)],
            weights: vec![0.0; own.shapes.len()],
            sums: vec![0.0; len],
        }
    }

    /// All derivatives at a place that has been evaluated.
    pub fn set(&mut self, own: &Condensed, place: &Place) {
        self.set_traces(own, place);
        self.set_quadratic(own, place);
    }

    /// What does not depend on the outcomes, and M⁻¹ΛC.
    pub fn set_traces(&mut self, own: &Condensed, place: &Place) {
        let (m, p) = (own.width, own.columns);
        for (j, column) in self.factor_of_x.chunks_exact_mut(p).enumerate() {
            column[j..].copy_from_slice(&place.root[j * (p + 1) + j..j * (p + 1) + p]);
        }
        inverse_from_cholesky(&self.factor_of_x, p, &mut self.inverse_of_x);
        let padded = self.padded.chunks_exact_mut(m).zip(self.inverse_of_x.chunks_exact(p));
        padded.for_each(|(row, own)| row[..p].copy_from_slice(own));
        self.traces.fill(0.0);
        self.solved.copy_from_slice(&place.solved);
        for block in &own.blocks {
            self.add_component(own, place, *block);
        }
        if own.restricted {
            self.by_sums[own.gram()..][..p * m].copy_from_slice(&self.padded);
        }
        for (shape, w) in own.shapes.iter().zip(&place.weights) {
            self.traces[own.head] += shape.square * w * (shape.levels - w * dot(&self.by_sums, &shape.sums));
        }
    }

    /// Sets ∂D/∂A and ∂D/∂C of a component and adds the slopes of its effects.
    fn add_component(&mut self, own: &Condensed, place: &Place, block: Block) {
        let (m, p, n) = (own.width, own.columns, block.size);
        let (factor, terms) = (&place.factors[block.square..][..n * n], &own.term_of[block.first..][..n]);
        let inverse = &mut self.inverse[block.square..][..n * n];
        inverse_from_cholesky(factor, n, inverse);
        let solved = &mut self.solved[block.first * m..][..n * m];
        backward(factor, n, solved, m);
        let shared = &mut self.shared[block.first * m..][..n * m];
        if own.restricted {
            for_widths!(m, m => add_of_x(solved, &self.padded, m, shared, inverse));
        }
        let rows = self.by_sums[block.at..].chunks_exact_mut(n + m).zip(place.sums[block.at..].chunks_exact(n + m));
        for ((i, (row, sums)), (inverse, shared)) in rows.enumerate().zip(inverse.chunks_exact(n).zip(shared.chunks_exact(m))) {
            let by = place.lambda[terms[i]];
            let (of_a, of_c) = row.split_at_mut(n);
            of_a.iter_mut().zip(inverse).zip(terms).for_each(|((x, m), &term)| *x = by * place.lambda[term] * m);
            if own.restricted {
                of_c.iter_mut().zip(shared).for_each(|(x, s)| *x = -2.0 * by * s);
            }
            self.traces[terms[i]] += if by == 0.0 {
                trace_of_vanished(own, place, block, sums, i, (&mut self.products, &mut self.beta))
            } else {
                (dot(of_a, &sums[..n]) + 0.5 * dot(&of_c[..p], &sums[n..n + p])) / (by * by)
            };
        }
    }

    /// Takes the outcomes that a place was moved to.
    pub fn move_outcome(&mut self, own: &Condensed, place: &Place) {
        let (m, p) = (own.width, own.columns);
        for block in &own.blocks {
            let (n, factor) = (block.size, &place.factors[block.square..]);
            for (j, column) in factor.chunks_exact(n).enumerate().take(n).rev() {
                let solved = &mut self.solved[block.first * m..];
                let later: f64 = (j + 1..n).map(|i| column[i] * solved[i * m + p]).sum();
                solved[j * m + p] = (place.solved[(block.first + j) * m + p] - later) / column[j];
            }
        }
        self.set_quadratic(own, place);
    }

    /// What depends on the outcomes.
    pub fn set_quadratic(&mut self, own: &Condensed, place: &Place) {
        let (m, p, n, k) = (own.width, own.columns, own.effects(), own.parameters);
        own.set_beta(place, &mut self.beta);
        self.beta[p] = -1.0;
        let (u, s) = self.effects.split_at_mut(n);
        self.quadratic.fill(0.0);
        self.of_parameters.fill(0.0);
        self.bends.fill(0.0);
        let width = n + p;
        for block in &own.blocks {
            let range = block.first..block.first + block.size;
            let terms = &own.term_of[range.clone()];
            for ((u, solved), &term) in u[range.clone()].iter_mut().zip(self.solved[block.first * m..].chunks_exact(m)).zip(terms) {
                *u = -place.lambda[term] * dot(solved, &self.beta);
            }
            let (u, s) = (&u[range.clone()], &mut s[range]);
            let rows = || place.sums[block.at..].chunks_exact(block.size + m);
            for (i, ((s, row), &term)) in s.iter_mut().zip(rows()).zip(terms).enumerate() {
                let lambda = place.lambda[term];
                *s = if lambda * lambda * row[i] > OWN_SHARE {
                    u[i] / (lambda * lambda)
                } else {
                    -dot(&row[..block.size], u) - dot(&row[block.size..], &self.beta)
                };
                self.quadratic[term] += *s * *s;
            }
            // The products of [Z X] with Zs of every term.
            for (i, (row, &own_term)) in rows().zip(terms).enumerate() {
                let of_x = &mut self.of_parameters[own_term * width + n..][..p];
                axpy(of_x, s[i], &row[block.size..block.size + p]);
                for (first, end) in runs(terms) {
                    let product = dot(&row[first..end], &s[first..end]);
                    self.of_parameters[terms[first] * width + block.first + i] = product;
                    self.bends[own_term * k + terms[first]] += s[i] * product;
                }
            }
        }
        self.add_head(own, place);
        self.solve_parameters(own, place);
        for x in 0..k {
            self.quadratic[x] /= place.squares;
            for y in 0..=x {
                let (one, other) = (&self.of_parameters[x * width..(x + 1) * width], &self.of_parameters[y * width..(y + 1) * width]);
                let bend = (self.bends[x * k + y] - dot(one, other)) / place.squares;
                (self.bends[x * k + y], self.bends[y * k + x]) = (bend, bend);
            }
        }
    }

    /// The same of the head, Zs of which is known through ∂B/∂ψ.
    fn add_head(&mut self, own: &Condensed, place: &Place) {
        let (p, n, k, head) = (own.columns, own.effects(), own.parameters, own.head);
        let (u, s) = self.effects.split_at(n);
        let (mut first, mut second) = (0.0, 0.0);
        for ((w, shape), weight) in place.weights.iter().zip(&own.shapes).zip(&mut self.weights) {
            let form = set_products(own, &shape.sums, u, &self.beta, &mut self.solution, None);
            *weight = shape.square * w * w;
            first += *weight * form;
            second += *weight * shape.square * w * form;
        }
        self.sums.fill(0.0);
        combine(&own.shapes, &self.weights, &mut self.sums);
        set_products(own, &self.sums, u, &self.beta, &mut self.solution, Some(&mut self.products));
        self.quadratic[head] = first;
        self.bends[head * k + head] = second;
        let own_products = &mut self.of_parameters[head * (n + p)..][..n + p];
        own_products.iter_mut().zip(&self.products).for_each(|(x, product)| *x = -product);
        for (i, (s, &term)) in s.iter().zip(&own.term_of).enumerate() {
            let sum = s * own_products[i];
            self.bends[head * k + term] += sum;
            self.bends[term * k + head] += sum;
        }
    }

    /// Replaces the products of every parameter by L⁻¹ of them.
    fn solve_parameters(&mut self, own: &Condensed, place: &Place) {
        let (m, p, n) = (own.width, own.columns, own.effects());
        for products in self.of_parameters.chunks_exact_mut(n + p) {
            let (tail, of_x) = products.split_at_mut(n);
            tail.iter_mut().zip(&own.term_of).for_each(|(x, &term)| *x *= place.lambda[term]);
            for block in &own.blocks {
                let tail = &mut tail[block.first..][..block.size];
                solve_one(&place.factors[block.square..], block.size, block.size, tail);
                tail.iter().zip(place.solved[block.first * m..].chunks_exact(m)).for_each(|(x, row)| axpy(of_x, -x, &row[..p]));
            }
            solve_one(&place.root, p, p + 1, of_x);
        }
    }
}

/// Sets the products of M⁻¹ΛC with (X'V₀⁻¹X)⁻¹, and adds theirs with M⁻¹ΛC to M⁻¹; the last column of U has no share.
#[inline(always)]
fn add_of_x(solved: &[f64], inverse_of_x: &[f64], m: usize, shared: &mut [f64], inverse: &mut [f64]) {
    let n = solved.len() / m;
    for (own, x) in shared.chunks_exact_mut(m).zip(solved.chunks_exact(m)) {
        own.fill(0.0);
        inverse_of_x.chunks_exact(m).zip(x).for_each(|(row, x)| axpy(own, *x, row));
    }
    for (i, of_x) in shared.chunks_exact(m).enumerate() {
        for (j, row) in solved.chunks_exact(m).enumerate().take(i + 1) {
            let sum = inverse[i * n + j] + dot(of_x, row);
            (inverse[i * n + j], inverse[j * n + i]) = (sum, sum);
        }
    }
}

/// What an effect whose variance is zero adds to ∂D: z'P₀z, z'V₀⁻¹z for ML. `sums` are its row of B, in row i of a component.
fn trace_of_vanished(own: &Condensed, place: &Place, block: Block, sums: &[f64], i: usize, (tail, of_x): (&mut [f64], &mut [f64])) -> f64 {
    let (m, p, n) = (own.width, own.columns, block.size);
    let tail = &mut tail[..n];
    tail.iter_mut().zip(sums).zip(&own.term_of[block.first..]).for_each(|((x, a), &term)| *x = place.lambda[term] * a);
    solve_one(&place.factors[block.square..], n, n, tail);
    let mut trace = sums[i] - dot(tail, tail);
    if own.restricted {
        let of_x = &mut of_x[..p];
        of_x.copy_from_slice(&sums[n..n + p]);
        tail.iter().zip(place.solved[block.first * m..].chunks_exact(m)).for_each(|(x, row)| axpy(of_x, -x, &row[..p]));
        solve_one(&place.root, p, p + 1, of_x);
        trace -= dot(of_x, of_x);
    }
    trace
}

/// The effects of each term, as ranges of a component.
fn runs(terms: &[usize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut first = 0;
    terms.chunk_by(|a, b| a == b).map(move |own| {
        let range = (first, first + own.len());
        first = range.1;
        range
    })
}

/// e'Se of e = (u, β, −1), and Se where it is asked for: of the tail, then of U.
fn set_products(own: &Condensed, sums: &[f64], u: &[f64], beta: &[f64], solution: &mut [f64], mut products: Option<&mut Vec<f64>>) -> f64 {
    let (m, n) = (own.width, own.effects());
    let mut form = 0.0;
    if let Some(products) = &mut products {
        products[n..].fill(0.0);
    }
    for block in &own.blocks {
        let own_u = &u[block.first..][..block.size];
        let solution = &mut solution[..block.size + m];
        solution[..block.size].copy_from_slice(own_u);
        // C counts twice in the form.
        let double = if products.is_some() { 1.0 } else { 2.0 };
        solution[block.size..].iter_mut().zip(beta).for_each(|(x, b)| *x = double * b);
        for (i, (row, u)) in sums[block.at..].chunks_exact(block.size + m).zip(own_u).enumerate() {
            let product = dot(row, solution);
            form += u * product;
            if let Some(products) = &mut products {
                products[block.first + i] = product;
                axpy(&mut products[n..], *u, &row[block.size..]);
            }
        }
    }
    for (j, (row, b)) in sums[own.gram()..].chunks_exact(m).zip(beta).enumerate() {
        let product = dot(row, beta);
        form += b * product;
        if let Some(products) = &mut products {
            products[n + j] += product;
        }
    }
    form
}
