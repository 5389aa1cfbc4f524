//! Henderson's equations at given weights: components first, then the outer columns.
//!
//! With M̃ = (Z'WZ + G̃⁻¹)⁻¹ of the components, block by block, and N = M̃Z'W\[outer\], what is left for the outer columns
//! is K_outer − N'Z'W\[outer\]. In the basis \[outer − ZN, Z\] the inverse of Henderson's matrix is block-diagonal: Φ of the
//! outer columns, and M̃.

use super::shape::{Level, Shape};
use super::{Clusters, EffectsPoint, WithEffects};
use crate::covariance::lower;
use crate::fit::kernels::{axpy, cholesky, dot, inverse_from_cholesky, mirror, symmetric_product};
use crate::fit::problem::{Estimation, rescale};

/// Room for one solution.
#[derive(Debug, Clone)]
pub(super) struct SolutionRoom {
    /// Λ of every term.
    factors: Vec<Vec<f64>>,
    /// A component's matrix.
    h: Vec<f64>,
    /// Matrices of the outer columns.
    b: Vec<f64>,
    inverse: Vec<f64>,
    leading: Vec<f64>,
    scale: Vec<f64>,
}

impl SolutionRoom {
    pub fn new(clusters: &Clusters, shape: &Shape) -> Self {
        let square = || vec![0.0; shape.outer * shape.outer];
        Self {
            factors: clusters.terms.iter().map(|term| vec![0.0; term.size() * (term.size() + 1) / 2]).collect(),
            h: vec![0.0; shape.largest().pow(2)],
            b: square(),
            inverse: square(),
            leading: vec![0.0; shape.joined().pow(2)],
            scale: vec![0.0; shape.outer],
        }
    }
}

impl WithEffects {
    /// Solves Henderson's equations for K of a point and s = \[X Z\]'Wy, and returns log|V| − log|R|, plus log|X'V⁻¹X|
    /// for REML. Writes (β, u) and what belongs to them.
    pub(super) fn solve_equations(&self, parameters: &[f64], s: &[f64], own: &mut EffectsPoint, room: &mut SolutionRoom) -> Option<f64> {
        for (term, factor) in self.clusters.terms.iter().zip(&mut room.factors) {
            term.set_factor(parameters, factor)?;
        }
        let value = self.eliminate_components(own, room)? + self.solve_outer(own, room)?;
        self.set_coefficients(s, own, &mut room.scale);
        Some(value)
    }

    /// Writes M̃, N and what is left for the outer columns; returns log|Λ'Z'WZΛ + I| of all components.
    fn eliminate_components(&self, own: &mut EffectsPoint, room: &mut SolutionRoom) -> Option<f64> {
        let (shape, width) = (&self.shape, self.shape.outer);
        let (outer, across, inner) = shape.parts(&own.k);
        own.left.copy_from_slice(outer);
        let mut value = 0.0;
        for component in &shape.components {
            let (size, first) = (component.size(), component.effects.start);
            let levels = Levels { levels: &shape.levels[component.levels.clone()], offset: first + shape.joined(), factors: &room.factors };
            let h = &mut room.h[..size * size];
            h.copy_from_slice(&inner[component.square.clone()]);
            levels.within_factors(h, size);
            h.iter_mut().step_by(size + 1).for_each(|x| *x += 1.0);
            value += cholesky(h, size)?;
            let m = &mut own.m[component.square.clone()];
            inverse_from_cholesky(h, size, m);
            levels.between_factors(m, size);
            let across = &across[first * width..(first + size) * width];
            let n = &mut own.n[first * width..(first + size) * width];
            for (column, m) in n.chunks_exact_mut(width).zip(m.chunks_exact(size)) {
                column.fill(0.0);
                across.chunks_exact(width).zip(m).for_each(|(k, &m)| axpy(column, m, k));
            }
            for (k, n) in across.chunks_exact(width).zip(n.chunks_exact(width)) {
                for (c, column) in own.left.chunks_exact_mut(width).enumerate() {
                    axpy(&mut column[c..], -n[c], &k[c..]);
                }
            }
        }
        mirror(&mut own.left, width);
        Some(value)
    }

    /// Writes Φ of the outer columns, and what it is for a known mean, and returns their part of the determinant.
    fn solve_outer(&self, own: &mut EffectsPoint, room: &mut SolutionRoom) -> Option<f64> {
        let (shape, n) = (&self.shape, self.shape.outer);
        let (p, q) = (shape.fixed, shape.joined());
        let levels = Levels { levels: shape.joined_levels(), offset: 0, factors: &room.factors };
        // In the order [Z X], so that the leading factor is that of Z alone.
        rotate(&own.left, n, p, &mut room.b);
        levels.within_factors(&mut room.b, n);
        (0..q).for_each(|c| room.b[c * n + c] += 1.0);
        for c in 0..n {
            room.scale[c] = 1.0 / room.b[c * n + c].sqrt();
        }
        rescale(&mut room.b, &room.scale);
        cholesky(&mut room.b, n)?;
        let logs = |columns: std::ops::Range<usize>| -> f64 { columns.map(|c| 2.0 * (room.b[c * n + c].ln() - room.scale[c].ln())).sum() };
        let value = match self.within.estimation {
            Estimation::Reml => logs(0..n),
            Estimation::Ml => logs(0..q),
        };
        if self.within.estimation == Estimation::Ml && q > 0 {
            for (to, from) in room.leading.chunks_exact_mut(q).zip(room.b.chunks_exact(n)) {
                to.copy_from_slice(&from[..q]);
            }
            inverse_from_cholesky(&room.leading, q, &mut room.inverse[..q * q]);
            let known = &mut room.inverse[..q * q];
            rescale(known, &room.scale[..q]);
            levels.between_factors(known, q);
            for (to, from) in own.known_mean[p * n..].chunks_exact_mut(n).zip(known.chunks_exact(q)) {
                to[p..].copy_from_slice(from);
            }
        }
        inverse_from_cholesky(&room.b, n, &mut room.inverse);
        rescale(&mut room.inverse, &room.scale);
        levels.between_factors(&mut room.inverse, n);
        rotate(&room.inverse, n, q, &mut own.phi);
        Some(value)
    }

    /// Writes (β, u) and Z'Py, given s = \[X Z\]'Wy.
    fn set_coefficients(&self, s: &[f64], own: &mut EffectsPoint, rest: &mut [f64]) {
        let (shape, width, p) = (&self.shape, self.shape.outer, self.shape.fixed);
        let (of_outer, of_components) = s.split_at(width);
        let (b, u) = own.coefficients.as_mut_slice().split_at_mut(width);
        rest.copy_from_slice(of_outer);
        own.n.chunks_exact(width).zip(of_components).for_each(|(n, &s)| axpy(rest, -s, n));
        symmetric_product(&own.phi, rest, b);
        for component in &shape.components {
            let (own_s, m) = (&of_components[component.effects.clone()], &own.m[component.square.clone()]);
            for (i, m) in component.effects.clone().zip(m.chunks_exact(component.size())) {
                u[i] = dot(m, own_s) - dot(&own.n[i * width..(i + 1) * width], b);
            }
        }
        own.t.copy_from_slice(&s[p..]);
        let (outer, across, inner) = shape.parts(&own.k);
        let (t_joined, t) = own.t.split_at_mut(shape.joined());
        outer.chunks_exact(width).zip(&*b).for_each(|(column, &b)| axpy(t_joined, -b, &column[p..]));
        for ((t, &u), column) in t.iter_mut().zip(&*u).zip(across.chunks_exact(width)) {
            *t -= dot(column, b);
            axpy(t_joined, -u, &column[p..]);
        }
        for component in &shape.components {
            let (t, u) = (&mut t[component.effects.clone()], &u[component.effects.clone()]);
            inner[component.square.clone()].chunks_exact(component.size()).zip(u).for_each(|(column, &u)| axpy(t, -u, column));
        }
    }

    /// u'G̃⁻¹u, which is u'Z'Py.
    pub(super) fn penalty(&self, own: &EffectsPoint) -> f64 {
        own.t.iter().zip(own.coefficients.iter().skip(self.shape.fixed)).map(|(t, u)| t * u).sum()
    }
}

/// Moves the first `by` rows and columns of an n × n matrix behind the others.
fn rotate(from: &[f64], n: usize, by: usize, to: &mut [f64]) {
    for (c, column) in from.chunks_exact(n).enumerate() {
        let at = if c < by { c + n - by } else { c - by };
        let own = &mut to[at * n..(at + 1) * n];
        own[n - by..].copy_from_slice(&column[..by]);
        own[..n - by].copy_from_slice(&column[by..]);
    }
}

/// Levels whose effects stand in a matrix from `offset` on, and Λ of every term.
struct Levels<'l> {
    levels: &'l [Level],
    offset: usize,
    factors: &'l [Vec<f64>],
}

impl Levels<'_> {
    /// Replaces a symmetric n × n A by Λ̃'AΛ̃.
    fn within_factors(&self, a: &mut [f64], n: usize) {
        for level in self.levels {
            let (first, l) = (level.first - self.offset, &self.factors[level.term]);
            let k = size(l);
            for e in 0..k {
                for row in 0..n {
                    a[(first + e) * n + row] = (e..k).map(|f| a[(first + f) * n + row] * l[lower(f, e)]).sum();
                }
            }
        }
        for column in a.chunks_exact_mut(n) {
            for level in self.levels {
                let l = &self.factors[level.term];
                let k = size(l);
                let own = &mut column[level.first - self.offset..][..k];
                for e in 0..k {
                    own[e] = (e..k).map(|f| l[lower(f, e)] * own[f]).sum();
                }
            }
        }
    }

    /// Replaces a symmetric n × n A by Λ̃AΛ̃'.
    fn between_factors(&self, a: &mut [f64], n: usize) {
        for column in a.chunks_exact_mut(n) {
            for level in self.levels {
                let l = &self.factors[level.term];
                let own = &mut column[level.first - self.offset..][..size(l)];
                for e in (0..own.len()).rev() {
                    own[e] = (0..=e).map(|f| l[lower(e, f)] * own[f]).sum();
                }
            }
        }
        // The same to its rows: A is symmetric, and the product with Λ̃' from the right combines columns.
        for level in self.levels {
            let (first, l) = (level.first - self.offset, &self.factors[level.term]);
            for e in (0..size(l)).rev() {
                for row in 0..n {
                    a[(first + e) * n + row] = (0..=e).map(|f| a[(first + f) * n + row] * l[lower(e, f)]).sum();
                }
            }
        }
    }
}

/// The rows of a triangle.
fn size(triangle: &[f64]) -> usize {
    ((8 * triangle.len() + 1).isqrt() - 1) / 2
}
