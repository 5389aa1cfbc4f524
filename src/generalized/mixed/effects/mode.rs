//! The mode v̂ of a unit's effects, and the factor of the Hessian there.

use super::Effects;
use crate::generalized::mixed::cells::{Cells, NONE};
use crate::generalized::mixed::cholesky::{backward, factorise, forward};
use crate::generalized::mixed::kernel::LogLikelihood;

impl Effects {
    /// Adds the effects of an observation to its linear predictor.
    pub(super) fn eta(&self, cells: &Cells, j: usize, own: &[f64], sub: &[f64]) -> f64 {
        let mut eta = self.fixed[j];
        for (f, factor) in cells.top.iter().enumerate() {
            let block = cells.at_top[j * cells.top.len() + f];
            if block != NONE {
                let block = block as usize;
                let at = j * cells.k_top + factor.column;
                for e in 0..factor.k {
                    eta += self.a[at + e] * own[block + e];
                }
            }
        }
        for (e, v) in sub.iter().enumerate() {
            eta += self.c[j * cells.k_sub + e] * v;
        }
        eta
    }

    /// F at `v`, with r, w and w1 of the unit's observations.
    fn observe(&mut self, cells: &Cells, unit: usize, v: &[f64]) -> f64 {
        let u = &cells.units[unit];
        let (own, rest) = v.split_at(u.m);
        let mut sum = LogLikelihood::new();
        let ks = cells.k_sub;
        for j in u.direct.clone() {
            self.observe_one(cells, j, own, &[], &mut sum);
        }
        for (i, sub) in cells.subs[u.subs.clone()].iter().enumerate() {
            for j in sub.observations.clone() {
                self.observe_one(cells, j, own, &rest[i * ks..(i + 1) * ks], &mut sum);
            }
        }
        0.5 * v.iter().map(|x| x * x).sum::<f64>() - sum.sum()
    }

    fn observe_one(&mut self, cells: &Cells, j: usize, own: &[f64], sub: &[f64], sum: &mut LogLikelihood) {
        let eta = self.eta(cells, j, own, sub);
        let (r, w) = cells.kernel.add(cells.y[j], eta, sum);
        self.r[j] = r;
        self.w[j] = w;
        self.w1[j] = cells.kernel.slope_of_weight(cells.y[j], r, w);
    }

    /// −∂F/∂v and the factor of H from what was observed at `v`; `false` where H is not positive definite.
    fn linearise(&mut self, cells: &Cells, unit: usize, v: &[f64]) -> bool {
        let u = &cells.units[unit];
        let (m, ks, kt) = (u.m, cells.k_sub, cells.k_top);
        let effects = v.len();
        for (slope, v) in self.slope[..effects].iter_mut().zip(v) {
            *slope = -v;
        }
        self.own[..m * m].fill(0.0);
        (0..m).for_each(|e| self.own[e * m + e] = 1.0);
        let factors = cells.top.len();
        for j in u.observations.clone() {
            for (f, factor) in cells.top.iter().enumerate() {
                let block = cells.at_top[j * factors + f];
                if block == NONE {
                    continue;
                }
                let a = &self.a[j * kt + factor.column..][..factor.k];
                for (e, x) in a.iter().enumerate() {
                    self.slope[block as usize + e] += self.r[j] * x;
                }
                for (g, other) in cells.top.iter().enumerate().take(f + 1) {
                    let other_block = cells.at_top[j * factors + g];
                    if other_block == NONE {
                        continue;
                    }
                    let b = &self.a[j * kt + other.column..][..other.k];
                    for (e, x) in a.iter().enumerate() {
                        for (h, y) in b.iter().enumerate() {
                            let (row, column) = (block as usize + e, other_block as usize + h);
                            let value = self.w[j] * x * y;
                            self.own[row * m + column] += value;
                            if g != f {
                                self.own[column * m + row] += value;
                            }
                        }
                    }
                }
            }
        }
        let mut at = 0;
        for (i, sub) in cells.subs[u.subs.clone()].iter().enumerate() {
            let width = sub.tops.len();
            self.between_at[i] = at;
            let within = &mut self.within[i * ks * ks..(i + 1) * ks * ks];
            let between = &mut self.between[at..at + ks * width];
            at += ks * width;
            within.fill(0.0);
            between.fill(0.0);
            (0..ks).for_each(|e| within[e * ks + e] = 1.0);
            for j in sub.observations.clone() {
                let c = &self.c[j * ks..(j + 1) * ks];
                for e in 0..ks {
                    self.slope[m + i * ks + e] += self.r[j] * c[e];
                    let scaled = self.w[j] * c[e];
                    for h in 0..=e {
                        within[e * ks + h] += scaled * c[h];
                    }
                    for (f, factor) in cells.top.iter().enumerate() {
                        let block = cells.in_sub[j * factors + f];
                        if block != NONE {
                            for h in 0..factor.k {
                                between[e * width + block as usize + h] += scaled * self.a[j * kt + factor.column + h];
                            }
                        }
                    }
                }
            }
            if !factorise(within, ks) {
                return false;
            }
            // M = L⁻¹H_i0, column by column of rows.
            for e in 0..ks {
                for h in 0..width {
                    let mut value = between[e * width + h];
                    for before in 0..e {
                        value -= within[e * ks + before] * between[before * width + h];
                    }
                    between[e * width + h] = value / within[e * ks + e];
                }
            }
            for e in 0..ks {
                let row = &between[e * width..(e + 1) * width];
                for (h, &to) in sub.tops.iter().enumerate() {
                    for (g, &from) in sub.tops.iter().enumerate().take(h + 1) {
                        self.own[to as usize * m + from as usize] -= row[h] * row[g];
                    }
                }
            }
        }
        factorise(&mut self.own[..m * m], m)
    }

    /// Solves Hx = b in place.
    pub(super) fn solve(&self, cells: &Cells, unit: usize, b: &mut [f64]) {
        let u = &cells.units[unit];
        let (m, ks) = (u.m, cells.k_sub);
        let (own, rest) = b.split_at_mut(m);
        for (i, sub) in cells.subs[u.subs.clone()].iter().enumerate() {
            let x = &mut rest[i * ks..(i + 1) * ks];
            forward(&self.within[i * ks * ks..(i + 1) * ks * ks], ks, x);
            let width = sub.tops.len();
            for (e, x) in x.iter().enumerate() {
                let row = &self.between[self.between_at[i] + e * width..][..width];
                row.iter().zip(&sub.tops).for_each(|(m, &to)| own[to as usize] -= m * x);
            }
        }
        forward(&self.own[..m * m], m, own);
        backward(&self.own[..m * m], m, own);
        for (i, sub) in cells.subs[u.subs.clone()].iter().enumerate() {
            let x = &mut rest[i * ks..(i + 1) * ks];
            let width = sub.tops.len();
            for (e, x) in x.iter_mut().enumerate() {
                let row = &self.between[self.between_at[i] + e * width..][..width];
                *x -= row.iter().zip(&sub.tops).map(|(m, &to)| m * own[to as usize]).sum::<f64>();
            }
            backward(&self.within[i * ks * ks..(i + 1) * ks * ks], ks, x);
        }
    }

    /// v̂ of a unit by Newton's method, from where it was last; leaves r, w, w1 and the factor of H there.
    pub(super) fn find_mode(&mut self, cells: &Cells, unit: usize) -> bool {
        let u = &cells.units[unit];
        let effects = u.m + u.subs.len() * cells.k_sub;
        let range = u.at..u.at + effects;
        let mut v = self.modes[range.clone()].to_vec();
        let mut value = self.observe(cells, unit, &v);
        if !value.is_finite() {
            v.fill(0.0);
            value = self.observe(cells, unit, &v);
        }
        let mut last = false;
        for _ in 0..200 {
            if !value.is_finite() || !self.linearise(cells, unit, &v) {
                return false;
            }
            if last {
                break;
            }
            let mut step = std::mem::take(&mut self.step);
            step[..effects].copy_from_slice(&self.slope[..effects]);
            self.solve(cells, unit, &mut step[..effects]);
            let decrement: f64 = step.iter().zip(&self.slope[..effects]).map(|(a, b)| a * b).sum();
            let mut tried = std::mem::take(&mut self.tried);
            let mut size = 1.0;
            loop {
                for e in 0..effects {
                    tried[e] = v[e] + size * step[e];
                }
                let next = self.observe(cells, unit, &tried[..effects]);
                // Below this F cannot tell.
                if next <= value || decrement < 1e-9 * (1.0 + value.abs()) {
                    value = next;
                    break;
                }
                size *= 0.5;
                if size < 1e-12 {
                    self.step = step;
                    self.tried = tried;
                    return false;
                }
            }
            v.copy_from_slice(&tried[..effects]);
            self.step = step;
            self.tried = tried;
            // The step just taken was the last of a quadratic search.
            last = decrement < 1e-16;
        }
        self.modes[range].copy_from_slice(&v);
        true
    }
}
