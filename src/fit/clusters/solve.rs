//! Henderson's equations at given weights.

use super::layout::ClusterTerm;
use super::{Clusters, EffectsPoint};
use crate::covariance::lower;
use crate::fit::kernels::{cholesky, inverse_from_cholesky, symmetric_product};
use crate::fit::problem::{Estimation, rescale};

/// Room for one solution.
#[derive(Debug, Clone)]
pub(super) struct SolutionRoom {
    /// Λ of every term.
    factors: Vec<Vec<f64>>,
    h: Vec<f64>,
    inverse: Vec<f64>,
    scale: Vec<f64>,
}

impl SolutionRoom {
    pub fn new(clusters: &Clusters) -> Self {
        let n = clusters.fixed + clusters.effects();
        Self { factors: vec![], h: vec![0.0; n * n], inverse: vec![0.0; n * n], scale: vec![0.0; n] }
    }
}

impl Clusters {
    /// Solves Henderson's equations for K of a point and s = \[X Z\]'Wy, and returns log|V| − log|R|, plus log|X'V⁻¹X|
    /// for REML. Writes (β, u), their Φ, the inverse of the coefficient matrix, and what belongs to them.
    pub(super) fn solve(
        &self,
        parameters: &[f64],
        estimation: Estimation,
        s: &[f64],
        own: &mut EffectsPoint,
        room: &mut SolutionRoom,
    ) -> Option<f64> {
        let (p, n) = (self.fixed, own.k.nrows());
        let q = n - p;
        room.factors.clear();
        for term in &self.terms {
            room.factors.push(term.factor(parameters)?);
        }
        // In the order [Z X], so that the leading factor is that of Z'WZ alone.
        self.set_coefficient_matrix(own.k.as_slice(), room);
        for c in 0..n {
            room.scale[c] = 1.0 / room.h[c * n + c].sqrt();
        }
        rescale(&mut room.h, &room.scale);
        cholesky(&mut room.h, n)?;
        let log_determinant =
            |range: std::ops::Range<usize>| -> f64 { range.map(|c| 2.0 * (room.h[c * n + c].ln() - room.scale[c].ln())).sum() };
        let value = match estimation {
            Estimation::Reml => log_determinant(0..n),
            Estimation::Ml => log_determinant(0..q),
        };
        if estimation == Estimation::Ml {
            self.set_known_mean(own, room);
        }
        inverse_from_cholesky(&room.h, n, &mut room.inverse);
        rescale(&mut room.inverse, &room.scale);
        self.set_phi(own.phi.as_mut_slice(), room);
        symmetric_product(own.phi.as_slice(), s, own.coefficients.as_mut_slice());
        for (c, t) in own.t.iter_mut().enumerate() {
            let column = own.k.column(p + c);
            *t = s[p + c] - column.iter().zip(&own.coefficients).map(|(k, b)| k * b).sum::<f64>();
        }
        Some(value)
    }

    /// u'G̃⁻¹u, which is u'Z'Py.
    pub fn penalty(&self, own: &EffectsPoint) -> f64 {
        own.t.iter().zip(own.coefficients.iter().skip(self.fixed)).map(|(t, u)| t * u).sum()
    }

    /// diag(Λ, I)' K diag(Λ, I) + diag(I, 0), in the order \[Z X\].
    fn set_coefficient_matrix(&self, k: &[f64], room: &mut SolutionRoom) {
        let (p, n) = (self.fixed, room.scale.len());
        let q = n - p;
        let place = |c: usize| if c < q { c + p } else { c - q };
        for (c, column) in room.h.chunks_exact_mut(n).enumerate() {
            let from = &k[place(c) * n..(place(c) + 1) * n];
            column[..q].copy_from_slice(&from[p..]);
            column[q..].copy_from_slice(&from[..p]);
        }
        for (term, l) in self.terms.iter().zip(&room.factors) {
            let first = term.first_column - p;
            for level in 0..term.levels {
                columns_times_factor(&mut room.h, n, first + level * term.size(), term.size(), l);
            }
        }
        for column in room.h.chunks_exact_mut(n) {
            self.transposed_factor_times(column, &room.factors);
        }
        (0..q).for_each(|c| room.h[c * n + c] += 1.0);
    }

    /// Φ from the inverse in the order \[Z X\]: both sides times diag(Λ, I).
    fn set_phi(&self, phi: &mut [f64], room: &mut SolutionRoom) {
        let (p, n) = (self.fixed, room.scale.len());
        self.times_factor_on_both_sides(&mut room.inverse, n, &room.factors);
        let q = n - p;
        for (c, column) in room.inverse.chunks_exact(n).enumerate() {
            let to = if c < q { c + p } else { c - q };
            phi[to * n + p..(to + 1) * n].copy_from_slice(&column[..q]);
            phi[to * n..to * n + p].copy_from_slice(&column[q..]);
        }
    }

    fn set_known_mean(&self, own: &mut EffectsPoint, room: &mut SolutionRoom) {
        let (p, n) = (self.fixed, room.scale.len());
        let q = n - p;
        let mut leading = vec![0.0; q * q];
        for c in 0..q {
            leading[c * q..(c + 1) * q].copy_from_slice(&room.h[c * n..c * n + q]);
        }
        let mut inverse = vec![0.0; q * q];
        inverse_from_cholesky(&leading, q, &mut inverse);
        rescale(&mut inverse, &room.scale[..q]);
        self.times_factor_on_both_sides(&mut inverse, q, &room.factors);
        own.known_mean.fill(0.0);
        own.known_mean.view_mut((p, p), (q, q)).copy_from_slice(&inverse);
    }

    /// Λ̃AΛ̃' in place, for a symmetric A whose first rows are those of the effects.
    fn times_factor_on_both_sides(&self, a: &mut [f64], n: usize, factors: &[Vec<f64>]) {
        for column in a.chunks_exact_mut(n) {
            self.factor_times(column, factors);
        }
        // The same to its rows: A is symmetric, and the product with Λ̃' from the right combines columns.
        for (term, l) in self.terms.iter().zip(factors) {
            let k = term.size();
            for level in 0..term.levels {
                let first = term.first_column - self.fixed + level * k;
                for e in (0..k).rev() {
                    for row in 0..n {
                        a[(first + e) * n + row] = (0..=e).map(|f| a[(first + f) * n + row] * l[lower(e, f)]).sum();
                    }
                }
            }
        }
    }

    /// Λ̃x in place.
    fn factor_times(&self, x: &mut [f64], factors: &[Vec<f64>]) {
        self.for_each_level(x, factors, |own, l| {
            for e in (0..own.len()).rev() {
                own[e] = (0..=e).map(|f| l[lower(e, f)] * own[f]).sum();
            }
        });
    }

    /// Λ̃'x in place.
    fn transposed_factor_times(&self, x: &mut [f64], factors: &[Vec<f64>]) {
        self.for_each_level(x, factors, |own, l| {
            for e in 0..own.len() {
                own[e] = (e..own.len()).map(|f| l[lower(f, e)] * own[f]).sum();
            }
        });
    }

    fn for_each_level(&self, x: &mut [f64], factors: &[Vec<f64>], act: impl Fn(&mut [f64], &[f64])) {
        for (term, l) in self.terms.iter().zip(factors) {
            let first = term.first_column - self.fixed;
            let of_term = &mut x[first..first + term.levels * term.size()];
            of_term.chunks_exact_mut(term.size()).for_each(|own| act(own, l));
        }
    }
}

/// Replaces k columns of A by their products with Λ.
fn columns_times_factor(a: &mut [f64], n: usize, first: usize, k: usize, l: &[f64]) {
    for e in 0..k {
        for row in 0..n {
            a[(first + e) * n + row] = (e..k).map(|f| a[(first + f) * n + row] * l[lower(f, e)]).sum();
        }
    }
}

impl ClusterTerm {
    /// The columns of a level.
    pub fn columns(&self, level: usize) -> std::ops::Range<usize> {
        let first = self.first_column + level * self.size();
        first..first + self.size()
    }
}
