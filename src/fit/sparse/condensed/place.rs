//! −2ℓ from condensed sums.
//!
//! With M = I + ΛAΛ = U'U of every component, the Cholesky factor of U'V₀⁻¹U = G − Σ C'ΛM⁻¹ΛC holds what is left of the outcome.

use super::lanes::{add, add_rows, eliminate, lane, solve_back, solve_one, subtract_above};
use super::{Block, Condensed, MOST_EFFECTS};
use crate::fit::sparse::parameters::Parameters;
use crate::fit::sparse::small::LogProduct;

/// Everything known at one Λ that −2ℓ is made of, with room for it.
#[derive(Debug, Clone)]
pub(in crate::fit::sparse) struct Place {
    pub lambda: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// y'P₀y.
    pub(super) squares: f64,
    /// w of every shape.
    pub(super) weights: Vec<f64>,
    /// B.
    pub(super) sums: Vec<f64>,
    /// \[U U⁻ᵀΛC\] of every component, as their sums stand.
    pub(super) rows: Vec<f64>,
    /// The upper Cholesky factor of U'V₀⁻¹U, row by row.
    pub(super) root: Vec<f64>,
    /// −2ℓ without y'P₀y.
    rest: f64,
}

impl Condensed {
    /// A place with room for everything and nothing in it.
    pub(super) fn blank(&self) -> Place {
        Place {
            lambda: vec![0.0; self.parameters],
            value: f64::NAN,
            squares: f64::NAN,
            weights: vec![0.0; self.shapes.len()],
            sums: self.within.clone(),
            rows: vec![0.0; self.gram()],
            root: vec![0.0; self.width * self.width],
            rest: f64::NAN,
        }
    }

    /// Moves a place to Λ; `false`, and a place without meaning, where −2ℓ has no value.
    pub(super) fn evaluate(&self, lambda: &[f64], place: &mut Place) -> bool {
        lambda.iter().all(|x| x.is_finite()) && self.try_evaluate(lambda, place).is_some_and(f64::is_finite)
    }

    fn try_evaluate(&self, lambda: &[f64], place: &mut Place) -> Option<f64> {
        let (m, p) = (self.width, self.columns);
        place.lambda.copy_from_slice(lambda);
        let mut log_v = self.set_sums(place);
        let mut pivots = LogProduct::new();
        for block in &self.blocks {
            self.set_rows(*block, place);
            eliminate(&mut place.rows[block.rows()], block.size, block.stride, &mut pivots)?;
        }
        log_v += pivots.ln();
        place.root.copy_from_slice(&place.sums[self.gram()..]);
        self.blocks.iter().for_each(|block| subtract_squares(*block, &place.rows[block.rows()], p, &mut place.root));
        let mut pivots = LogProduct::new();
        eliminate(&mut place.root, p, m, &mut pivots)?;
        let (above, last) = place.root.split_at_mut(p * m);
        let from = lane(p);
        subtract_above(&mut last[from..m], above, m, p);
        place.rest = log_v - self.log_weights;
        if self.restricted {
            place.rest += pivots.ln();
        }
        self.set_value(place)
    }

    /// Sets y'P₀y from the last pivot, and −2ℓ; `None` where nothing is left of the outcome.
    fn set_value(&self, place: &mut Place) -> Option<f64> {
        let (df, at) = (self.residual_df, self.columns * (self.width + 1));
        place.squares = place.root[at];
        if place.squares.is_nan() || place.squares <= 0.0 {
            return None;
        }
        place.value = df * ((2.0 * std::f64::consts::PI / df) * place.squares).ln() + df + place.rest;
        Some(place.value)
    }

    /// Takes other outcomes to a place that has been evaluated; `false` where −2ℓ has no value there.
    pub(super) fn move_outcome(&self, place: &mut Place) -> bool {
        let (m, p, gram) = (self.width, self.columns, self.gram());
        let Place { weights, sums, rows, root, lambda, .. } = place;
        let of_shapes = |at: usize| self.of_shapes[at..].iter().step_by(self.within.len());
        let combined = |at: usize| weights.iter().zip(of_shapes(at)).fold(self.within[at], |sum, (w, own)| sum + w * own);
        let (above, last) = root.split_at_mut(p * m);
        let last = &mut last[..m];
        for (j, x) in last.iter_mut().enumerate().take(p + 1) {
            *x = combined(gram + p * m + j);
            (sums[gram + p * m + j], sums[gram + j * m + p]) = (*x, *x);
        }
        let mut column = [0.0; MOST_EFFECTS];
        for block in &self.blocks {
            let (own, terms) = (&mut column[..block.padded], &self.term_of[block.effects()]);
            own.fill(0.0);
            for (i, (x, &term)) in own.iter_mut().zip(terms).enumerate().take(block.size) {
                let at = block.at + i * block.stride + block.padded + p;
                sums[at] = combined(at);
                *x = lambda[term] * sums[at];
            }
            let rows = &mut rows[block.rows()];
            solve_one((rows, block.stride), block.size, own);
            for (x, row) in own.iter().zip(rows.chunks_exact_mut(block.stride)) {
                row[block.padded + p] = *x;
                add(last, -x, &row[block.padded..]);
            }
        }
        // What is left of the last row's own element is the last that the rows above take of it.
        let whole = last[p];
        solve_one((above, m), p, last);
        last[p] = whole - last[..p].iter().map(|x| x * x).sum::<f64>();
        for (j, row) in above.chunks_exact_mut(m).enumerate() {
            row[p] = last[j];
        }
        self.set_value(place).is_some_and(f64::is_finite)
    }

    /// The mean by parameter of what ψ multiplies: r² of the head, the diagonal of A of the tail, where the head has its Λ.
    pub(super) fn sizes(&self, lambda: &[f64], room: &mut Place) -> Vec<f64> {
        let (mut sums, mut counts) = (vec![0.0; self.parameters], vec![0.0; self.parameters]);
        let mut add = |term: usize, count: f64, own: f64| {
            sums[term] += own;
            counts[term] += count;
        };
        self.shapes.iter().for_each(|shape| add(self.head, shape.levels, shape.levels * shape.square));
        room.lambda.copy_from_slice(lambda);
        self.set_sums(room);
        for block in &self.blocks {
            let rows = room.sums[block.rows()].chunks_exact(block.stride);
            rows.enumerate().for_each(|(i, row)| add(self.term_of[block.first + i], 1.0, row[i]));
        }
        sums.iter().zip(counts).map(|(sum, count)| sum / count).collect()
    }

    /// Sets B and returns log|V₁|.
    fn set_sums(&self, place: &mut Place) -> f64 {
        let psi = place.lambda[self.head] * place.lambda[self.head];
        let mut log_v = 0.0;
        for (w, shape) in place.weights.iter_mut().zip(&self.shapes) {
            let n = 1.0 + psi * shape.square;
            log_v += shape.levels * n.ln();
            *w = 1.0 / n;
        }
        self.combine(&place.weights, &mut place.sums);
        add(&mut place.sums, 1.0, &self.within);
        log_v
    }

    /// Sets \[M ΛC\] of a component.
    fn set_rows(&self, block: Block, place: &mut Place) {
        let Place { lambda, sums, rows, .. } = place;
        let terms = &self.term_of[block.effects()];
        let mut of_effects = [0.0; MOST_EFFECTS];
        let of_effects = &mut of_effects[..block.padded];
        of_effects.iter_mut().zip(terms).for_each(|(x, &term)| *x = lambda[term]);
        let (rows, sums) = (rows[block.rows()].chunks_exact_mut(block.stride), sums[block.rows()].chunks_exact(block.stride));
        for (i, (row, sums)) in rows.zip(sums).enumerate() {
            let by = of_effects[i];
            let ((m, own), (a, c)) = (row.split_at_mut(block.padded), sums.split_at(block.padded));
            m.iter_mut().zip(a).zip(&*of_effects).for_each(|((m, a), other)| *m = by * other * a);
            m[i] += 1.0;
            own.iter_mut().zip(c).for_each(|(x, c)| *x = by * c);
        }
    }

    /// Writes the coefficients of least squares' residuals.
    pub(super) fn set_beta(&self, place: &Place, beta: &mut [f64]) {
        let (p, m) = (self.columns, self.width);
        beta.iter_mut().zip(place.root.chunks_exact(m)).take(p).for_each(|(b, row)| *b = row[p]);
        solve_back((&place.root, m), p, beta);
    }
}

/// Subtracts C'ΛM⁻¹ΛC of a component from the upper triangle of a matrix of p + 1 columns.
fn subtract_squares(block: Block, rows: &[f64], p: usize, root: &mut [f64]) {
    let m = block.stride - block.padded;
    for (j, own) in root.chunks_exact_mut(m).enumerate().take(p + 1) {
        let (from, column) = (lane(j), block.padded + j);
        add_rows(&mut own[from..], (&rows[block.padded + from..], block.stride), block.size, |i| -rows[i * block.stride + column]);
    }
}

impl Place {
    /// σ² at its best, then the variances of the effects.
    pub fn set_theta(&self, parameters: &Parameters, residual_df: f64, theta: &mut [f64]) {
        theta[0] = self.squares / residual_df;
        parameters.set_psi(&self.lambda, &mut theta[1..]);
        (1..theta.len()).for_each(|k| theta[k] *= theta[0]);
    }
}
