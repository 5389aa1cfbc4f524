//! The integral over a unit's effects by the nodes around its mode, and the adjoint of all that depends on the nodes.

use super::Effects;
use super::grid::Grid;
use crate::generalized::mixed::cells::{Cells, NONE, Sub};
use crate::generalized::mixed::cholesky::{backward, forward, log_determinant};
use crate::generalized::mixed::intercept::dot;
use crate::generalized::mixed::kernel::LogLikelihood;

impl Effects {
    /// The same as [`Effects::integrate`] for a unit of one factor, whose observations have all its effects.
    fn integrate_own(&mut self, cells: &Cells, unit: usize, grid: &Grid) -> f64 {
        let u = cells.units[unit].clone();
        let (m, kt, n, nodes) = (u.m, cells.k_top, u.observations.len(), grid.len());
        self.node_r.resize(self.node_r.len().max(nodes * n), 0.0);
        self.terms.resize(self.terms.len().max(nodes), 0.0);
        let mode = self.modes[u.at..u.at + m].to_vec();
        let (mut d, mut own, mut gamma, mut d_bar) = (vec![0.0; m], vec![0.0; m], vec![0.0; m], vec![0.0; m]);
        let mut node_r = std::mem::take(&mut self.node_r);
        let mut terms = std::mem::take(&mut self.terms);
        for q in 0..nodes {
            self.displace(m, grid.node(q), &mut d);
            (0..m).for_each(|e| own[e] = mode[e] + d[e]);
            let mut sum = LogLikelihood::new();
            for (j, r) in u.observations.clone().zip(&mut node_r[q * n..(q + 1) * n]) {
                let eta = self.fixed[j] + dot(&self.a[j * kt..j * kt + m], &own);
                *r = cells.kernel.add(cells.y[j], eta, &mut sum).0;
            }
            terms[q] = grid.log_weights[q] + sum.sum() - 0.5 * own.iter().map(|x| x * x).sum::<f64>();
        }
        let value = to_shares(&mut terms[..nodes]) - log_determinant(&self.own[..m * m], m);
        let range = u.observations.clone();
        self.fixed_bar[range.clone()].fill(0.0);
        self.a_bar[range.start * kt..range.end * kt].fill(0.0);
        self.modes_bar[..m].fill(0.0);
        self.own_bar[..m * m].fill(0.0);
        (0..m).for_each(|e| self.own_bar[e * m + e] = -1.0 / self.own[e * m + e]);
        for q in 0..nodes {
            let share = terms[q];
            if share < 1e-30 {
                continue;
            }
            self.displace(m, grid.node(q), &mut d);
            (0..m).for_each(|e| own[e] = mode[e] + d[e]);
            (0..m).for_each(|e| gamma[e] = -share * own[e]);
            for (j, r) in range.clone().zip(&node_r[q * n..(q + 1) * n]) {
                let on = share * r;
                self.fixed_bar[j] += on;
                let (a, a_bar) = (&self.a[j * kt..j * kt + m], &mut self.a_bar[j * kt..j * kt + m]);
                for e in 0..m {
                    a_bar[e] += on * own[e];
                    gamma[e] += on * a[e];
                }
            }
            (0..m).for_each(|e| self.modes_bar[e] += gamma[e]);
            d_bar.copy_from_slice(&gamma);
            forward(&self.own[..m * m], m, &mut d_bar);
            for e in 0..m {
                for h in 0..=e {
                    self.own_bar[e * m + h] -= d[e] * d_bar[h];
                }
            }
        }
        self.node_r = node_r;
        self.terms = terms;
        value
    }

    /// log of the unit's integral, and its adjoint in nodes' terms: everything that depends on the nodes.
    pub(super) fn integrate(&mut self, cells: &Cells, unit: usize, outer: &Grid, inner: &Grid) -> f64 {
        let u = cells.units[unit].clone();
        if cells.sub.is_none() && cells.top.len() == 1 && u.nested {
            return self.integrate_own(cells, unit, outer);
        }
        let (m, ks, kt) = (u.m, cells.k_sub, cells.k_top);
        let subs = &cells.subs[u.subs.clone()];
        let (q_outer, q_inner) = (outer.len(), inner.len());
        let direct = u.direct.len();
        let per_node = direct + q_inner * (u.observations.len() - direct);
        self.node_r.resize(self.node_r.len().max(q_outer * per_node), 0.0);
        self.terms.resize(self.terms.len().max(q_outer * (1 + subs.len() * q_inner)), 0.0);
        let per_terms = 1 + subs.len() * q_inner;
        let mode = self.modes[u.at..u.at + m + subs.len() * ks].to_vec();
        let (mode_own, mode_subs) = mode.split_at(m);
        let (mut d, mut own) = (vec![0.0; m], vec![0.0; m]);
        let (mut shift, mut y, mut v) = (vec![0.0; ks], vec![0.0; ks], vec![0.0; ks]);
        let mut node_r = std::mem::take(&mut self.node_r);
        let mut terms = std::mem::take(&mut self.terms);

        // Values.
        for q in 0..q_outer {
            self.displace(m, outer.node(q), &mut d);
            (0..m).for_each(|e| own[e] = mode_own[e] + d[e]);
            let r = &mut node_r[q * per_node..(q + 1) * per_node];
            let mut sum = LogLikelihood::new();
            for (place, j) in u.direct.clone().enumerate() {
                r[place] = cells.kernel.add(cells.y[j], self.eta(cells, j, &own, &[]), &mut sum).0;
            }
            let mut log_term = outer.log_weights[q] + sum.sum() - 0.5 * own.iter().map(|x| x * x).sum::<f64>();
            let mut place = direct;
            for (i, sub) in subs.iter().enumerate() {
                self.shift(i, sub, ks, &d, &mut shift);
                let own_terms = &mut terms[q * per_terms + 1 + i * q_inner..][..q_inner];
                for (k, term) in own_terms.iter_mut().enumerate() {
                    self.place_sub(i, ks, inner.node(k), &shift, &mode_subs[i * ks..(i + 1) * ks], &mut y, &mut v);
                    let mut sum = LogLikelihood::new();
                    for j in sub.observations.clone() {
                        r[place] = cells.kernel.add(cells.y[j], self.eta(cells, j, &own, &v), &mut sum).0;
                        place += 1;
                    }
                    *term = inner.log_weights[k] + sum.sum() - 0.5 * v.iter().map(|x| x * x).sum::<f64>();
                }
                log_term += to_shares(own_terms);
            }
            terms[q * per_terms] = log_term;
        }
        let mut shares: Vec<f64> = (0..q_outer).map(|q| terms[q * per_terms]).collect();
        let mut value = to_shares(&mut shares) - log_determinant(&self.own[..m * m], m);
        (0..subs.len()).for_each(|i| value -= log_determinant(&self.within[i * ks * ks..(i + 1) * ks * ks], ks));

        // Adjoints.
        let range = u.observations.clone();
        self.fixed_bar[range.clone()].fill(0.0);
        self.a_bar[range.start * kt..range.end * kt].fill(0.0);
        self.c_bar[range.start * ks..range.end * ks].fill(0.0);
        self.modes_bar[..m + subs.len() * ks].fill(0.0);
        self.own_bar[..m * m].fill(0.0);
        self.within_bar[..subs.len() * ks * ks].fill(0.0);
        self.between_bar.fill(0.0);
        (0..m).for_each(|e| self.own_bar[e * m + e] = -1.0 / self.own[e * m + e]);
        for i in 0..subs.len() {
            (0..ks).for_each(|e| self.within_bar[i * ks * ks + e * ks + e] = -1.0 / self.within[i * ks * ks + e * ks + e]);
        }
        let (mut gamma_own, mut d_bar) = (vec![0.0; m], vec![0.0; m]);
        let mut gamma = vec![0.0; ks];
        for q in 0..q_outer {
            let share = shares[q];
            if share < 1e-30 {
                continue;
            }
            self.displace(m, outer.node(q), &mut d);
            (0..m).for_each(|e| own[e] = mode_own[e] + d[e]);
            (0..m).for_each(|e| gamma_own[e] = -share * own[e]);
            d_bar.fill(0.0);
            let r = &node_r[q * per_node..(q + 1) * per_node];
            for (place, j) in u.direct.clone().enumerate() {
                self.explicit(cells, j, share * r[place], &own, &mut gamma_own);
            }
            let mut place = direct;
            for (i, sub) in subs.iter().enumerate() {
                let width = sub.tops.len();
                let between_at = self.between_at.get(i).copied().unwrap_or(0);
                self.shift(i, sub, ks, &d, &mut shift);
                for k in 0..q_inner {
                    let weight = share * terms[q * per_terms + 1 + i * q_inner + k];
                    if weight < 1e-30 {
                        place += sub.observations.len();
                        continue;
                    }
                    self.place_sub(i, ks, inner.node(k), &shift, &mode_subs[i * ks..(i + 1) * ks], &mut y, &mut v);
                    (0..ks).for_each(|e| gamma[e] = -weight * v[e]);
                    for j in sub.observations.clone() {
                        let on = weight * r[place];
                        place += 1;
                        self.explicit(cells, j, on, &own, &mut gamma_own);
                        for e in 0..ks {
                            self.c_bar[j * ks + e] += on * v[e];
                            gamma[e] += on * self.c[j * ks + e];
                        }
                    }
                    for e in 0..ks {
                        self.modes_bar[m + i * ks + e] += gamma[e];
                    }
                    // t̄ = L⁻¹γ, L̄ −= y t̄', M̄ −= t̄ d', d̄ −= M't̄.
                    forward(&self.within[i * ks * ks..(i + 1) * ks * ks], ks, &mut gamma);
                    for e in 0..ks {
                        for h in 0..=e {
                            self.within_bar[i * ks * ks + e * ks + h] -= y[e] * gamma[h];
                        }
                        for (h, &top) in sub.tops.iter().enumerate() {
                            self.between_bar[between_at + e * width + h] -= gamma[e] * d[top as usize];
                            d_bar[top as usize] -= self.between[between_at + e * width + h] * gamma[e];
                        }
                    }
                }
            }
            for e in 0..m {
                self.modes_bar[e] += gamma_own[e];
                d_bar[e] += gamma_own[e];
            }
            if q_outer > 1 {
                forward(&self.own[..m * m], m, &mut d_bar);
                for e in 0..m {
                    for h in 0..=e {
                        self.own_bar[e * m + h] -= d[e] * d_bar[h];
                    }
                }
            }
        }
        self.node_r = node_r;
        self.terms = terms;
        value
    }

    /// d = L_0⁻ᵀz.
    fn displace(&self, m: usize, z: &[f64], d: &mut [f64]) {
        if z.iter().all(|z| *z == 0.0) {
            d.fill(0.0);
            return;
        }
        d.copy_from_slice(z);
        backward(&self.own[..m * m], m, d);
    }

    /// −M_i d.
    fn shift(&self, i: usize, sub: &Sub, ks: usize, d: &[f64], to: &mut [f64]) {
        let width = sub.tops.len();
        for e in 0..ks {
            let row = &self.between[self.between_at[i] + e * width..][..width];
            to[e] = -row.iter().zip(&sub.tops).map(|(m, &top)| m * d[top as usize]).sum::<f64>();
        }
    }

    /// y = L_i⁻ᵀ(z + shift) and v = v̂ + y.
    #[allow(clippy::too_many_arguments, reason = "slices of one room")]
    fn place_sub(&self, i: usize, ks: usize, z: &[f64], shift: &[f64], mode: &[f64], y: &mut [f64], v: &mut [f64]) {
        (0..ks).for_each(|e| y[e] = z[e] + shift[e]);
        backward(&self.within[i * ks * ks..(i + 1) * ks * ks], ks, y);
        (0..ks).for_each(|e| v[e] = mode[e] + y[e]);
    }

    /// What an observation adds to adjoints of its own numbers, and to the slope in v_0.
    fn explicit(&mut self, cells: &Cells, j: usize, on: f64, own: &[f64], gamma_own: &mut [f64]) {
        self.fixed_bar[j] += on;
        for (f, factor) in cells.top.iter().enumerate() {
            let block = cells.at_top[j * cells.top.len() + f];
            if block != NONE {
                let block = block as usize;
                let at = j * cells.k_top + factor.column;
                for e in 0..factor.k {
                    self.a_bar[at + e] += on * own[block + e];
                    gamma_own[block + e] += on * self.a[at + e];
                }
            }
        }
    }
}

/// Replaces logarithms by shares of their sum, and returns its logarithm.
fn to_shares(terms: &mut [f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for term in terms.iter_mut() {
        *term = (*term - largest).exp();
        total += *term;
    }
    terms.iter_mut().for_each(|t| *t /= total);
    largest + total.ln()
}
