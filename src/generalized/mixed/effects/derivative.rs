//! From the adjoints of modes and factors to the gradient in β and θ.

use super::Effects;
use crate::generalized::mixed::cells::{Cells, Factor, NONE};
use crate::generalized::mixed::cholesky::adjoint;
use crate::generalized::mixed::objective::Evaluation;

impl Effects {
    /// Takes the adjoints of modes and factors back to β and θ, and subtracts them from the gradient.
    pub(super) fn differentiate(&mut self, cells: &Cells, unit: usize, to: &mut Evaluation) {
        let u = cells.units[unit].clone();
        let (m, ks) = (u.m, cells.k_sub);
        let subs = &cells.subs[u.subs.clone()];
        let (mut square, mut h_bar) = (std::mem::take(&mut self.square), std::mem::take(&mut self.other_square));

        // From L to H, the last block first.
        let own_bar = self.own_bar[..m * m].to_vec();
        adjoint(&self.own[..m * m], &own_bar, m, &mut square, &mut self.own_bar[..m * m]);
        for (i, sub) in subs.iter().enumerate() {
            let width = sub.tops.len();
            let at = self.between_at[i];
            let (within, within_bar) = (&self.within[i * ks * ks..(i + 1) * ks * ks], &mut self.within_bar[i * ks * ks..(i + 1) * ks * ks]);
            let (between, between_bar) = (&self.between[at..at + ks * width], &mut self.between_bar[at..at + ks * width]);
            for e in 0..ks {
                for (h, &column) in sub.tops.iter().enumerate() {
                    let inner: f64 = sub
                        .tops
                        .iter()
                        .enumerate()
                        .map(|(g, &row)| between[e * width + g] * self.own_bar[row as usize * m + column as usize])
                        .sum();
                    between_bar[e * width + h] -= 2.0 * inner;
                }
            }
            // H̄_i0 = L⁻ᵀM̄.
            for h in 0..width {
                for e in (0..ks).rev() {
                    let mut value = between_bar[e * width + h];
                    for below in e + 1..ks {
                        value -= within[below * ks + e] * between_bar[below * width + h];
                    }
                    between_bar[e * width + h] = value / within[e * ks + e];
                }
            }
            for e in 0..ks {
                for h in 0..=e {
                    let inner: f64 = (0..width).map(|g| between_bar[e * width + g] * between[h * width + g]).sum();
                    within_bar[e * ks + h] -= inner;
                }
            }
            adjoint(within, within_bar, ks, &mut square, &mut h_bar);
            within_bar.copy_from_slice(&h_bar[..ks * ks]);
        }

        // From H to the observations at the mode.
        for j in u.direct.clone() {
            self.curvature_of(cells, unit, j, None);
        }
        for (i, sub) in subs.iter().enumerate() {
            for j in sub.observations.clone() {
                self.curvature_of(cells, unit, j, Some((i, sub.tops.len())));
            }
        }
        self.square = square;
        self.other_square = h_bar;

        // From the mode, which moves with the parameters.
        let effects = m + subs.len() * ks;
        let mut mu = std::mem::take(&mut self.step);
        mu[..effects].copy_from_slice(&self.modes_bar[..effects]);
        self.solve(cells, unit, &mut mu[..effects]);
        self.theta_bar.fill(0.0);
        for j in u.direct.clone() {
            self.mode_of(cells, u.at, j, None, &mu, to);
        }
        for (i, sub) in subs.iter().enumerate() {
            for j in sub.observations.clone() {
                self.mode_of(cells, u.at, j, Some(m + i * ks), &mu, to);
            }
        }
        to.gradient[cells.p..].iter_mut().zip(&self.theta_bar).for_each(|(g, t)| *g -= t);
        self.step = mu;
    }

    /// What one observation adds to the gradient, through ∂v̂ and by itself; `sub` is where its v_i begins.
    fn mode_of(&mut self, cells: &Cells, unit_at: usize, j: usize, sub: Option<usize>, mu: &[f64], to: &mut Evaluation) {
        let (ks, kt, factors) = (cells.k_sub, cells.k_top, cells.top.len());
        let mut tau = 0.0;
        for (f, factor) in cells.top.iter().enumerate() {
            let block = cells.at_top[j * factors + f];
            if block != NONE {
                (0..factor.k).for_each(|e| tau += self.a[j * kt + factor.column + e] * mu[block as usize + e]);
            }
        }
        if let Some(at) = sub {
            (0..ks).for_each(|e| tau += self.c[j * ks + e] * mu[at + e]);
        }
        let (r, pull) = (self.r[j], -self.w[j] * tau);
        self.fixed_bar[j] += pull;
        for (f, factor) in cells.top.iter().enumerate() {
            let block = cells.at_top[j * factors + f];
            if block == NONE {
                continue;
            }
            let at = j * kt + factor.column;
            for e in 0..factor.k {
                self.a_bar[at + e] += r * mu[block as usize + e] + pull * self.modes[unit_at + block as usize + e];
            }
            add_theta(factor, &cells.z_top[at..at + factor.k], &self.a_bar[at..at + factor.k], &mut self.theta_bar);
        }
        if let (Some(at), Some(factor)) = (sub, &cells.sub) {
            for e in 0..ks {
                self.c_bar[j * ks + e] += r * mu[at + e] + pull * self.modes[unit_at + at + e];
            }
            add_theta(factor, &cells.z_sub[j * ks..(j + 1) * ks], &self.c_bar[j * ks..(j + 1) * ks], &mut self.theta_bar);
        }
        let row = &cells.x[j * cells.p..(j + 1) * cells.p];
        let bar = self.fixed_bar[j];
        to.gradient[..cells.p].iter_mut().zip(row).for_each(|(g, x)| *g -= bar * x);
    }

    /// The adjoint of H = I + Σ w aa' in one observation; `sub` is its position in the unit and the width of its M.
    fn curvature_of(&mut self, cells: &Cells, unit: usize, j: usize, sub: Option<(usize, usize)>) {
        let u = &cells.units[unit];
        let (m, ks, kt, factors) = (u.m, cells.k_sub, cells.k_top, cells.top.len());
        let w = self.w[j];
        let mut quadratic = 0.0;
        for (f, factor) in cells.top.iter().enumerate() {
            let block = cells.at_top[j * factors + f];
            if block == NONE {
                continue;
            }
            for e in 0..factor.k {
                // (H̄_00 a)_e and (H̄_i0'c)_e.
                let row = block as usize + e;
                let mut own = 0.0;
                for (g, other) in cells.top.iter().enumerate() {
                    let other_block = cells.at_top[j * factors + g];
                    if other_block != NONE {
                        let start = row * m + other_block as usize;
                        let a = &self.a[j * kt + other.column..][..other.k];
                        own += self.own_bar[start..start + other.k].iter().zip(a).map(|(h, a)| h * a).sum::<f64>();
                    }
                }
                let mut cross = 0.0;
                if let Some((i, width)) = sub {
                    let column = cells.in_sub[j * factors + f] as usize + e;
                    for h in 0..ks {
                        cross += self.between_bar[self.between_at[i] + h * width + column] * self.c[j * ks + h];
                    }
                }
                let at = j * kt + factor.column + e;
                quadratic += self.a[at] * (own + cross);
                self.a_bar[at] += w * (2.0 * own + cross);
            }
        }
        if let Some((i, width)) = sub {
            for e in 0..ks {
                let within = &self.within_bar[i * ks * ks + e * ks..][..ks];
                let own: f64 = within.iter().zip(&self.c[j * ks..(j + 1) * ks]).map(|(h, c)| h * c).sum();
                let mut cross = 0.0;
                for (f, factor) in cells.top.iter().enumerate() {
                    let block = cells.in_sub[j * factors + f];
                    if block != NONE {
                        let row = &self.between_bar[self.between_at[i] + e * width + block as usize..][..factor.k];
                        cross += row.iter().zip(&self.a[j * kt + factor.column..][..factor.k]).map(|(h, a)| h * a).sum::<f64>();
                    }
                }
                quadratic += self.c[j * ks + e] * own;
                self.c_bar[j * ks + e] += w * (2.0 * own + cross);
            }
        }
        let on_eta = self.w1[j] * quadratic;
        self.fixed_bar[j] += on_eta;
        for (f, factor) in cells.top.iter().enumerate() {
            let block = cells.at_top[j * factors + f];
            if block == NONE {
                continue;
            }
            for e in 0..factor.k {
                let (at, v) = (j * kt + factor.column + e, block as usize + e);
                self.a_bar[at] += on_eta * self.modes[u.at + v];
                self.modes_bar[v] += on_eta * self.a[at];
            }
        }
        if let Some((i, _)) = sub {
            for e in 0..ks {
                let v = m + i * ks + e;
                self.c_bar[j * ks + e] += on_eta * self.modes[u.at + v];
                self.modes_bar[v] += on_eta * self.c[j * ks + e];
            }
        }
    }
}

/// Λ̄ += z ā' in the elements that are parameters.
fn add_theta(factor: &Factor, z: &[f64], a_bar: &[f64], to: &mut [f64]) {
    for &(row, column, at) in &factor.elements {
        to[at] += z[row] * a_bar[column];
    }
}
