//! Derivatives of −2ℓ over Ψ from condensed sums.
//!
//! −2ℓ = D(Ψ) + ν log y'P₀y, where D = log|V₀| + log|X'V₀⁻¹X| has nothing of the outcomes. With Φ = (X'V₀⁻¹X)⁻¹ and, of each
//! component, M̄ = M⁻¹ + M⁻¹ΛCΦC'ΛM⁻¹ (M⁻¹ for maximum likelihood),
//!
//! ```text
//! ∂D/∂A = ΛM̄Λ        ∂D/∂C = −2 ΛM⁻¹ΛCΦ        ∂D/∂G = Φ
//! ```

use super::lanes::{add_rows, dot, invert_transposed, mirror, rounded, set_rows, solve_one};
use super::place::Place;
use super::quadratic::Quadratic;
use super::{Block, Condensed};

/// Derivatives at one place, K parameters.
#[derive(Debug, Clone)]
pub(super) struct Slopes {
    /// \[M⁻¹ M⁻¹ΛC\] of every component, as their sums stand.
    pub solved: Vec<f64>,
    /// U⁻ᵀ of a component.
    transposed: Vec<f64>,
    /// Φ, p × p with rows as long as those of U, and U⁻ᵀ of its inverse.
    pub phi: Vec<f64>,
    root_of_phi: Vec<f64>,
    /// M⁻¹ΛCΦ, rows as those of U.
    pub shared: Vec<f64>,
    /// M̄, as the sums of A stand among rows \[A C\].
    pub adjusted: Vec<f64>,
    /// ∂D/∂B, as the sums are.
    pub by_sums: Vec<f64>,
    /// −∂B/∂ψ of the head.
    pub of_head: Vec<f64>,
    /// Weights of the shapes.
    weights: Vec<f64>,
    /// ∂D.
    pub traces: Vec<f64>,
    /// What depends on the outcomes.
    pub quadratic: Quadratic,
    /// Room for what an effect has of the tail and of X.
    vanished: (Vec<f64>, Vec<f64>),
}

impl Slopes {
    pub fn blank(own: &Condensed) -> Self {
        let (m, p, len) = (own.width, own.columns, own.within.len());
        let most = own.blocks.iter().map(|block| block.padded).max().unwrap_or(0);
        Self {
            solved: vec![0.0; own.gram()],
            transposed: vec![0.0; most * most],
            phi: vec![0.0; p * m],
            root_of_phi: vec![0.0; p * m],
            shared: vec![0.0; own.effects() * m],
            adjusted: vec![0.0; own.gram()],
            by_sums: vec![0.0; len],
            of_head: vec![0.0; len],
            weights: vec![0.0; own.shapes.len()],
            traces: vec![0.0; own.parameters],
            quadratic: Quadratic::blank(own),
            vanished: (vec![0.0; most], vec![0.0; m]),
        }
    }

    /// All first derivatives at a place that has been evaluated.
    pub fn set(&mut self, own: &Condensed, place: &Place) {
        self.set_traces(own, place);
        self.set_quadratic(own, place);
    }

    /// What does not depend on the outcomes, and M⁻¹ΛC.
    fn set_traces(&mut self, own: &Condensed, place: &Place) {
        self.set_phi(own, place);
        self.traces.fill(0.0);
        for block in &own.blocks {
            self.set_solved(place, *block);
            self.set_adjusted(own, *block);
            self.set_by_sums(own, place, *block);
            self.add_traces(own, place, *block);
        }
        let (p, m) = (own.columns, own.width);
        if own.restricted {
            self.by_sums[own.gram()..][..p * m].copy_from_slice(&self.phi);
        }
        let mut levels = 0.0;
        for ((w, shape), weight) in place.weights.iter().zip(&own.shapes).zip(&mut self.weights) {
            levels += shape.levels * shape.square * w;
            *weight = shape.square * w * w;
        }
        own.combine(&self.weights, &mut self.of_head);
        self.traces[own.head] += levels - dot(&self.by_sums, &self.of_head);
    }

    /// Sets Φ.
    fn set_phi(&mut self, own: &Condensed, place: &Place) {
        let (p, m) = (own.columns, own.width);
        invert_transposed((&place.root, m), p, &mut self.root_of_phi, m);
        for (j, row) in self.phi.chunks_exact_mut(m).enumerate() {
            let below = &self.root_of_phi[j * m..];
            set_rows(&mut row[..rounded(j + 1)], (below, m), p - j, |i| below[i * m + j]);
        }
        mirror(&mut self.phi, p, m);
    }

    /// Sets M⁻¹ and M⁻¹ΛC of a component.
    fn set_solved(&mut self, place: &Place, block: Block) {
        let (n, padded, stride) = (block.size, block.padded, block.stride);
        let rows = &place.rows[block.rows()];
        invert_transposed((rows, stride), n, &mut self.transposed, padded);
        let solved = &mut self.solved[block.rows()];
        for (a, row) in solved.chunks_exact_mut(stride).enumerate() {
            let (inverse, of_u) = row.split_at_mut(padded);
            let (below, factor) = (&self.transposed[a * padded..], |i: usize| self.transposed[(a + i) * padded + a]);
            set_rows(&mut inverse[..rounded(a + 1)], (below, padded), n - a, factor);
            set_rows(of_u, (&rows[a * stride + padded..], stride), n - a, factor);
        }
        mirror(solved, n, stride);
    }

    /// Sets M⁻¹ΛCΦ and M̄ of a component.
    fn set_adjusted(&mut self, own: &Condensed, block: Block) {
        let (m, p, padded, stride) = (own.width, own.columns, block.padded, block.stride);
        let (solved, shared) = (&self.solved[block.rows()], &mut self.shared[block.first * m..][..block.size * m]);
        let adjusted = &mut self.adjusted[block.rows()];
        for (row, inverse) in adjusted.chunks_exact_mut(stride).zip(solved.chunks_exact(stride)) {
            row[..padded].copy_from_slice(&inverse[..padded]);
        }
        if !own.restricted {
            return;
        }
        for (shared, row) in shared.chunks_exact_mut(m).zip(solved.chunks_exact(stride)) {
            set_rows(shared, (&self.phi, m), p, |c| row[padded + c]);
        }
        for (i, (row, shared)) in adjusted.chunks_exact_mut(stride).zip(shared.chunks_exact(m)).enumerate() {
            (0..=i).for_each(|j| row[j] += dot(shared, &solved[j * stride + padded..][..m]));
        }
        mirror(adjusted, block.size, stride);
    }

    /// Sets ∂D/∂A and ∂D/∂C of a component.
    fn set_by_sums(&mut self, own: &Condensed, place: &Place, block: Block) {
        let (m, terms) = (own.width, &own.term_of[block.effects()]);
        let shared = self.shared[block.first * m..].chunks_exact(m);
        let rows = self.by_sums[block.rows()].chunks_exact_mut(block.stride).zip(self.adjusted[block.rows()].chunks_exact(block.stride));
        for (((row, adjusted), shared), &term) in rows.zip(shared).zip(terms) {
            let by = place.lambda[term];
            let (of_a, of_c) = row.split_at_mut(block.padded);
            of_a.iter_mut().zip(adjusted).zip(terms).for_each(|((x, m), &term)| *x = by * place.lambda[term] * m);
            if own.restricted {
                of_c.iter_mut().zip(shared).for_each(|(x, s)| *x = -2.0 * by * s);
            }
        }
    }

    /// Adds the slopes of a component's effects.
    fn add_traces(&mut self, own: &Condensed, place: &Place, block: Block) {
        let rows = self.by_sums[block.rows()].chunks_exact(block.stride).zip(place.sums[block.rows()].chunks_exact(block.stride));
        for (i, (by_sums, sums)) in rows.enumerate() {
            let term = own.term_of[block.first + i];
            let by = place.lambda[term];
            self.traces[term] += if by == 0.0 {
                trace_of_vanished(own, place, block, sums, i, &mut self.vanished)
            } else {
                let ((of_a, of_c), (a, c)) = (by_sums.split_at(block.padded), sums.split_at(block.padded));
                (dot(of_a, a) + 0.5 * dot(of_c, c)) / (by * by)
            };
        }
    }

    /// Takes the outcomes that a place was moved to.
    pub fn move_outcome(&mut self, own: &Condensed, place: &Place) {
        let p = own.columns;
        for block in &own.blocks {
            let outcome = block.padded + p;
            for row in self.solved[block.rows()].chunks_exact_mut(block.stride) {
                let sums = place.sums[block.rows()].chunks_exact(block.stride).zip(&own.term_of[block.effects()]);
                row[outcome] = row.iter().zip(sums).map(|(m, (sums, &term))| m * place.lambda[term] * sums[outcome]).sum();
            }
        }
        own.combine(&self.weights, &mut self.of_head);
        self.set_quadratic(own, place);
    }
}

/// What an effect whose variance is zero adds to ∂D: z'P₀z, z'V₀⁻¹z for maximum likelihood. `sums` are its row of B, in row i of a
/// component.
fn trace_of_vanished(own: &Condensed, place: &Place, block: Block, sums: &[f64], i: usize, (tail, of_x): &mut (Vec<f64>, Vec<f64>)) -> f64 {
    let (m, p, n, rows) = (own.width, own.columns, block.size, &place.rows[block.rows()]);
    let tail = &mut tail[..block.padded];
    tail.iter_mut().zip(sums).zip(&own.term_of[block.effects()]).for_each(|((x, a), &term)| *x = place.lambda[term] * a);
    solve_one((rows, block.stride), n, tail);
    let mut trace = sums[i] - dot(tail, tail);
    if own.restricted {
        of_x.copy_from_slice(&sums[block.padded..]);
        add_rows(of_x, (&rows[block.padded..], block.stride), n, |j| -tail[j]);
        solve_one((&place.root, m), p, of_x);
        trace -= of_x[..p].iter().map(|x| x * x).sum::<f64>();
    }
    trace
}
