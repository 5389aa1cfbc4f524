//! Henderson's equations at given weights.

use super::Clusters;
use super::layout::ClusterTerm;
use crate::covariance::lower;
use crate::fit::kernels::{cholesky, inverse_from_cholesky};
use crate::fit::problem::Estimation;
use nalgebra::DMatrix;

/// What a point of the search knows of the clusters besides β, u and Φ.
#[derive(Debug, Clone)]
pub(crate) struct ClusterPoint {
    /// K = \[X Z\]'W\[X Z\], n × n with n = p + q.
    pub k: DMatrix<f64>,
    /// Z'Py, q.
    pub t: Vec<f64>,
    /// diag(0, M̃) with M̃ = (Z'WZ + G̃⁻¹)⁻¹, n × n: what Φ is for a mean that is known. Set for maximum likelihood
    /// alone.
    pub known_mean: DMatrix<f64>,
}

impl ClusterPoint {
    pub fn blank(clusters: &Clusters, estimation: Estimation) -> Self {
        let n = clusters.fixed + clusters.effects();
        let known = if estimation == Estimation::Ml { n } else { 0 };
        Self { k: DMatrix::zeros(n, n), t: vec![0.0; clusters.effects()], known_mean: DMatrix::zeros(known, known) }
    }
}

/// Room for one solution.
#[derive(Debug, Clone)]
pub(crate) struct ClusterRoom {
    /// Λ of every term.
    factors: Vec<Vec<f64>>,
    h: Vec<f64>,
    inverse: Vec<f64>,
    scale: Vec<f64>,
}

impl ClusterRoom {
    pub fn new(clusters: &Clusters) -> Self {
        let n = clusters.fixed + clusters.effects();
        Self { factors: vec![], h: vec![0.0; n * n], inverse: vec![0.0; n * n], scale: vec![0.0; n] }
    }
}

impl Clusters {
    /// Solves Henderson's equations for K and s = \[X Z\]'Wy, and returns log|V| − log|R|, plus log|X'V⁻¹X| for REML.
    /// Writes (β, u) and their Φ, the inverse of the coefficient matrix.
    pub fn solve(
        &self,
        parameters: &[f64],
        estimation: Estimation,
        s: &[f64],
        own: &mut ClusterPoint,
        (coefficients, phi): (&mut [f64], &mut [f64]),
        room: &mut ClusterRoom,
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
        self.set_phi(phi, room);
        crate::fit::kernels::symmetric_product(phi, s, coefficients);
        for (c, t) in own.t.iter_mut().enumerate() {
            let column = own.k.column(p + c);
            *t = s[p + c] - column.iter().zip(&*coefficients).map(|(k, b)| k * b).sum::<f64>();
        }
        Some(value)
    }

    /// u'G̃⁻¹u, which is u'Z'Py.
    pub fn penalty(&self, own: &ClusterPoint, coefficients: &[f64]) -> f64 {
        own.t.iter().zip(&coefficients[self.fixed..]).map(|(t, u)| t * u).sum()
    }

    /// diag(Λ, I)' K diag(Λ, I) + diag(I, 0), in the order \[Z X\].
    fn set_coefficient_matrix(&self, k: &[f64], room: &mut ClusterRoom) {
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
    fn set_phi(&self, phi: &mut [f64], room: &mut ClusterRoom) {
        let (p, n) = (self.fixed, room.scale.len());
        self.times_factor_on_both_sides(&mut room.inverse, n, &room.factors);
        let q = n - p;
        for (c, column) in room.inverse.chunks_exact(n).enumerate() {
            let to = if c < q { c + p } else { c - q };
            phi[to * n + p..(to + 1) * n].copy_from_slice(&column[..q]);
            phi[to * n..to * n + p].copy_from_slice(&column[q..]);
        }
    }

    fn set_known_mean(&self, own: &mut ClusterPoint, room: &mut ClusterRoom) {
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

fn rescale(matrix: &mut [f64], scale: &[f64]) {
    for (column, &own) in matrix.chunks_exact_mut(scale.len()).zip(scale) {
        column.iter_mut().zip(scale).for_each(|(x, s)| *x *= s * own);
    }
}

impl ClusterTerm {
    /// The columns of a level.
    pub fn columns(&self, level: usize) -> std::ops::Range<usize> {
        let first = self.first_column + level * self.size();
        first..first + self.size()
    }
}
