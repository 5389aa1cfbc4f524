//! A = Z'PZ and what leads to it, in the basis in which Henderson's matrix has a block-diagonal inverse.
//!
//! With S for the outer columns (Φ, or what it is for a known mean), C = K_outer − N'Z'W\[outer\] and U the effects of
//! components in the rows of V⁻¹ before the outer columns are estimated,
//!
//! ```text
//! B = I − M̃K_z     U' = K_oz − N'K_z        A_zz = K_zB − USU'      (B and K_zB block by block)
//! Q = (I − SC)_j   A_jz = Q'U'              A_jj = C_j'Q            (j: the joined effects)
//! ```
//!
//! and the effects' columns of I − S̃K, S̃ the inverse of Henderson's matrix, are (−SU', B) and (Q, 0).

use super::EffectsPoint;
use super::shape::{Component, Shape};
use crate::fit::kernels::{axpy, dot, mirror};

/// The parts of A and of what leads to it.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    /// U', outer × effects of components.
    pub u: Vec<f64>,
    /// −SU', the same.
    pub a: Vec<f64>,
    /// B, a square for each component.
    pub b: Vec<f64>,
    /// K_zB, the same.
    pub known: Vec<f64>,
    /// USU', the same.
    pub low: Vec<f64>,
    /// Q, outer × joined.
    pub q: Vec<f64>,
    /// A_jz, joined × effects of components.
    pub across: Vec<f64>,
    /// A_jj.
    pub joined: Vec<f64>,
}

impl Projection {
    /// Room for everything.
    pub fn blank(shape: &Shape) -> Self {
        let (width, inner, joined) = (shape.outer, shape.inner(), shape.joined());
        let squares = || vec![0.0; shape.squares()];
        Self {
            u: vec![0.0; width * inner],
            a: vec![0.0; width * inner],
            b: squares(),
            known: squares(),
            low: squares(),
            q: vec![0.0; width * joined],
            across: vec![0.0; joined * inner],
            joined: vec![0.0; joined * joined],
        }
    }

    /// Of a point, for S.
    pub fn set(&mut self, shape: &Shape, point: &EffectsPoint, s: &[f64]) {
        let (p, width, joined) = (shape.fixed, shape.outer, shape.joined());
        let (_, across, inner) = shape.parts(&point.k);
        for component in &shape.components {
            let (size, of) = (component.size(), component.effects.start * width..component.effects.end * width);
            let square = component.square.clone();
            let (k, m, n) = (&inner[square.clone()], &point.m[square.clone()], &point.n[of.clone()]);
            let b = &mut self.b[square.clone()];
            b.fill(0.0);
            b.iter_mut().step_by(size + 1).for_each(|x| *x = 1.0);
            for (column, k) in b.chunks_exact_mut(size).zip(k.chunks_exact(size)) {
                m.chunks_exact(size).zip(k).for_each(|(m, &k)| axpy(column, -k, m));
            }
            let known = &mut self.known[square.clone()];
            for (j, (own, b)) in known.chunks_exact_mut(size).zip(b.chunks_exact(size)).enumerate() {
                own.fill(0.0);
                k.chunks_exact(size).zip(b).for_each(|(k, &b)| axpy(&mut own[j..], b, &k[j..]));
            }
            mirror(known, size);
            let (u, a) = (&mut self.u[of.clone()], &mut self.a[of.clone()]);
            u.copy_from_slice(&across[of]);
            for (u, k) in u.chunks_exact_mut(width).zip(k.chunks_exact(size)) {
                n.chunks_exact(width).zip(k).for_each(|(n, &k)| axpy(u, -k, n));
            }
            for (a, u) in a.chunks_exact_mut(width).zip(u.chunks_exact(width)) {
                a.fill(0.0);
                s.chunks_exact(width).zip(u).for_each(|(s, &u)| axpy(a, -u, s));
            }
            let low = self.low[square].chunks_exact_mut(size);
            for (low, a) in low.zip(a.chunks_exact(width)) {
                low.iter_mut().zip(u.chunks_exact(width)).for_each(|(x, u)| *x = -dot(u, a));
            }
        }
        if joined == 0 {
            return;
        }
        for (j, q) in self.q.chunks_exact_mut(width).enumerate() {
            let c = &point.left[(p + j) * width..(p + j + 1) * width];
            q.fill(0.0);
            q[p + j] = 1.0;
            s.chunks_exact(width).zip(c).for_each(|(s, &c)| axpy(q, -c, s));
        }
        for (own, u) in self.across.chunks_exact_mut(joined).zip(self.u.chunks_exact(width)) {
            own.iter_mut().zip(self.q.chunks_exact(width)).for_each(|(x, q)| *x = dot(q, u));
        }
        for (j, (own, q)) in self.joined.chunks_exact_mut(joined).zip(self.q.chunks_exact(width)).enumerate() {
            for (i, x) in own.iter_mut().enumerate().skip(j) {
                *x = dot(&point.left[(p + i) * width..(p + i + 1) * width], q);
            }
        }
        mirror(&mut self.joined, joined);
    }

    /// An element of A within a component, by positions there.
    pub fn within(&self, component: &Component, i: usize, j: usize) -> f64 {
        let at = component.square.start + j * component.size() + i;
        self.known[at] - self.low[at]
    }

    /// Writes Ax for x by effect; `room` is for two vectors of the outer columns.
    pub fn times(&self, shape: &Shape, s: &[f64], x: &[f64], product: &mut [f64], room: &mut [Vec<f64>; 2]) {
        let (width, joined) = (shape.outer, shape.joined());
        let ([w, v], (x_joined, x)) = (room, x.split_at(joined));
        let (of_joined, of_components) = product.split_at_mut(joined);
        w.fill(0.0);
        self.u.chunks_exact(width).zip(x).for_each(|(u, &x)| axpy(w, x, u));
        v.fill(0.0);
        s.chunks_exact(width).zip(&*w).for_each(|(s, &w)| axpy(v, -w, s));
        self.q.chunks_exact(width).zip(x_joined).for_each(|(q, &x)| axpy(v, x, q));
        for component in &shape.components {
            let (own, x) = (&mut of_components[component.effects.clone()], &x[component.effects.clone()]);
            own.fill(0.0);
            self.known[component.square.clone()].chunks_exact(component.size()).zip(x).for_each(|(column, &x)| axpy(own, x, column));
        }
        of_components.iter_mut().zip(self.u.chunks_exact(width)).for_each(|(own, u)| *own += dot(u, v));
        of_joined.iter_mut().zip(self.q.chunks_exact(width)).for_each(|(own, q)| *own = dot(q, w));
        if joined > 0 {
            self.joined.chunks_exact(joined).zip(x_joined).for_each(|(column, &x)| axpy(of_joined, x, column));
        }
    }
}
