//! The Hessian of D over Ψ from condensed sums.
//!
//! Its elements are −tr(PZ_kZ_k'PZ_lZ_l'), the sums of squares of Z_k'PZ_l, with P = V₀⁻¹ − V₀⁻¹XΦX'V₀⁻¹ (V₀⁻¹ for maximum
//! likelihood). Of the tail, Z'PZ = Λ⁻¹(I − M̄)Λ⁻¹. The head is known through −∂B/∂ψ = S. With S scaled by Λ as M is, Y what is left
//! of its columns \[X\] after M⁻¹ΛC of its columns \[Z\], and W = (−M⁻¹ΛC, I),
//!
//! ```text
//! tr(K⁻¹SK⁻¹S) = Σ tr(M⁻¹SM⁻¹S) + 2 tr(Φ Σ Y'M⁻¹Y) + tr(ΦJΦJ),    J = W'SW
//! (K⁻¹SK⁻¹)_ii = (M⁻¹SM⁻¹)_ii − 2 (M⁻¹YΦC'ΛM⁻¹)_ii + (M⁻¹ΛCΦJΦC'ΛM⁻¹)_ii
//! ```
//!
//! for K the matrix of the equations of all effects and of the mean.

use super::lanes::{add, add_rows, dot, scale, set_rows};
use super::place::Place;
use super::slopes::Slopes;
use super::{Block, Condensed, runs};

/// −∂²D at one place, and room for it.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    /// K × K.
    pub of_d: Vec<f64>,
    /// \[S Y\] and M⁻¹ of it, as the rows of the sums; then what S has of X and Y together, as the rows of U.
    scaled: Vec<f64>,
    solved: Vec<f64>,
    together: Vec<f64>,
    /// J, p × p with rows as those of U, ΦJ, and Σ Y'M⁻¹Y.
    j: Vec<f64>,
    phi_j: Vec<f64>,
    squares: Vec<f64>,
    /// Σ M⁻¹ΛCΦ (M⁻¹ΛC)'/ψ of every parameter over the components, p × m each.
    shared: Vec<f64>,
}

impl Pairs {
    pub fn blank(own: &Condensed) -> Self {
        let (m, p, k) = (own.width, own.columns, own.parameters);
        Self {
            of_d: vec![0.0; k * k],
            scaled: vec![0.0; own.gram()],
            solved: vec![0.0; own.gram()],
            together: vec![0.0; m * own.effects()],
            j: vec![0.0; p * m],
            phi_j: vec![0.0; p * m],
            squares: vec![0.0; p * m],
            shared: vec![0.0; k * p * m],
        }
    }

    /// At a place whose slopes are known. What belongs to variances of zero is left out.
    pub fn set(&mut self, own: &Condensed, place: &Place, slopes: &Slopes) {
        self.of_d.fill(0.0);
        self.add_tail(own, place, slopes);
        self.add_head(own, place, slopes);
    }

    /// The effects of the tail with each other: those of one component, and for restricted likelihood those of different ones,
    /// which have the mean in common.
    fn add_tail(&mut self, own: &Condensed, place: &Place, slopes: &Slopes) {
        let (m, p, k) = (own.width, own.columns, own.parameters);
        let together = own.restricted && own.blocks.len() > 1;
        self.shared.fill(0.0);
        for block in &own.blocks {
            let (n, terms) = (block.size, &own.term_of[block.effects()]);
            let rows = slopes.adjusted[block.rows()].chunks_exact(block.stride).zip(slopes.solved[block.rows()].chunks_exact(block.stride));
            for (i, (adjusted, inverse)) in rows.enumerate() {
                let term = terms[i];
                // Of I − M̄, and of I − M⁻¹.
                let left = |j: usize| {
                    let unit = f64::from(u8::from(i == j));
                    (unit - adjusted[j], unit - inverse[j])
                };
                for (first, end) in runs(&terms[..n]) {
                    let elements = (first..end).map(left);
                    // Without the squares of M̄ − M⁻¹ where the product over all components has them.
                    self.of_d[term * k + terms[first]] += match together {
                        true => elements.map(|(of_all, own)| (2.0 * of_all - own) * own).sum::<f64>(),
                        false => elements.map(|(of_all, _)| of_all * of_all).sum(),
                    };
                }
                if together {
                    let share = &slopes.shared[(block.first + i) * m..][..m];
                    let sums = self.shared[term * p * m..][..p * m].chunks_exact_mut(m);
                    sums.zip(share).for_each(|(sum, share)| add(sum, *share, &inverse[block.padded..]));
                }
            }
        }
        if together {
            let size = p * m;
            for x in 0..k {
                for y in 0..k {
                    self.of_d[x * k + y] += trace_of_product(&self.shared[x * size..][..size], &self.shared[y * size..][..size], p, m);
                }
            }
        }
        let inverse_psi = |term: usize| if place.lambda[term] == 0.0 { 0.0 } else { place.lambda[term].powi(-2) };
        (0..k * k).for_each(|at| self.of_d[at] *= inverse_psi(at / k) * inverse_psi(at % k));
    }

    fn add_head(&mut self, own: &Condensed, place: &Place, slopes: &Slopes) {
        let (m, p, k, head) = (own.width, own.columns, own.parameters, own.head);
        self.j.copy_from_slice(&slopes.of_head[own.gram()..][..p * m]);
        self.squares.fill(0.0);
        let mut trace = 0.0;
        for block in &own.blocks {
            trace += self.set_component(own, place, slopes, *block);
        }
        if own.restricted {
            self.make_symmetric(p, m);
            for (row, phi) in self.phi_j.chunks_exact_mut(m).zip(slopes.phi.chunks_exact(m)) {
                set_rows(row, (&self.j, m), p, |c| phi[c]);
            }
            trace += 2.0 * slopes.phi.chunks_exact(m).zip(self.squares.chunks_exact(m)).map(|(a, b)| dot_of(a, b, p)).sum::<f64>();
            trace += trace_of_product(&self.phi_j, &self.phi_j, p, m);
        }
        let levels: f64 = place.weights.iter().zip(&own.shapes).map(|(w, shape)| shape.levels * (shape.square * w).powi(2)).sum();
        self.of_d[head * k + head] += levels - 2.0 * dot(&slopes.by_sums, &slopes.quadratic.second) + trace;
        self.add_head_with_tail(own, place, slopes);
    }

    /// Sets S, Y and M⁻¹ of both of a component, adds to J and Σ Y'M⁻¹Y, and returns tr(M⁻¹SM⁻¹S).
    fn set_component(&mut self, own: &Condensed, place: &Place, slopes: &Slopes, block: Block) -> f64 {
        let (m, n, padded, stride) = (own.width, block.size, block.padded, block.stride);
        let terms = &own.term_of[block.effects()];
        let (scaled, solved) = (&mut self.scaled[block.rows()], &mut self.solved[block.rows()]);
        let (inverse, together) = (&slopes.solved[block.rows()], &mut self.together[block.first * m..][..n * m]);
        for (i, (row, of_head)) in scaled.chunks_exact_mut(stride).zip(slopes.of_head[block.rows()].chunks_exact(stride)).enumerate() {
            row.copy_from_slice(of_head);
            row[..padded].iter_mut().zip(terms).for_each(|(x, &term)| *x *= place.lambda[term]);
            scale(row, place.lambda[terms[i]]);
        }
        if own.restricted {
            for (row, together) in scaled.chunks_exact_mut(stride).zip(together.chunks_exact_mut(m)) {
                let (of_tail, y) = row.split_at_mut(padded);
                together.copy_from_slice(y);
                add_rows(y, (&inverse[padded..], stride), n, |j| -of_tail[j]);
                add(together, 1.0, y);
            }
        }
        for (row, inverse) in solved.chunks_exact_mut(stride).zip(inverse.chunks_exact(stride)) {
            set_rows(row, (scaled, stride), n, |i| inverse[i]);
        }
        if own.restricted {
            for (c, (squares, j)) in self.squares.chunks_exact_mut(m).zip(self.j.chunks_exact_mut(m)).enumerate() {
                add_rows(squares, (&solved[padded..], stride), n, |i| scaled[i * stride + padded + c]);
                // J is symmetric: half of what it lacks is of Y, and half of S.
                add_rows(j, (together, m), n, |i| -inverse[i * stride + padded + c]);
            }
        }
        (0..n).map(|a| (0..n).map(|b| solved[a * stride + b] * solved[b * stride + a]).sum::<f64>()).sum()
    }

    /// Replaces J by the mean of J and J'.
    fn make_symmetric(&mut self, p: usize, m: usize) {
        for i in 0..p {
            for c in 0..i {
                let mean = 0.5 * (self.j[i * m + c] + self.j[c * m + i]);
                (self.j[i * m + c], self.j[c * m + i]) = (mean, mean);
            }
        }
    }

    fn add_head_with_tail(&mut self, own: &Condensed, place: &Place, slopes: &Slopes) {
        let (m, k, head) = (own.width, own.parameters, own.head);
        for block in &own.blocks {
            let rows = self.solved[block.rows()].chunks_exact(block.stride).zip(slopes.solved[block.rows()].chunks_exact(block.stride));
            for (i, (solved, inverse)) in rows.enumerate() {
                let (effect, term) = (block.first + i, own.term_of[block.first + i]);
                if place.lambda[term] == 0.0 {
                    continue;
                }
                let mut sum = dot(&solved[..block.padded], &inverse[..block.padded]);
                if own.restricted {
                    let share = &slopes.shared[effect * m..][..m];
                    sum -= 2.0 * dot(&solved[block.padded..], share);
                    sum += share.iter().zip(self.j.chunks_exact(m)).map(|(x, row)| x * dot(row, share)).sum::<f64>();
                }
                let bend = sum / (place.lambda[term] * place.lambda[term]);
                self.of_d[head * k + term] += bend;
                self.of_d[term * k + head] += bend;
            }
        }
    }
}

/// a'b of the first p numbers.
fn dot_of(a: &[f64], b: &[f64], p: usize) -> f64 {
    a.iter().zip(b).take(p).map(|(a, b)| a * b).sum()
}

/// tr(A B), of p × p with rows of m numbers.
fn trace_of_product(a: &[f64], b: &[f64], p: usize, m: usize) -> f64 {
    (0..p).map(|i| (0..p).map(|j| a[i * m + j] * b[j * m + i]).sum::<f64>()).sum()
}
