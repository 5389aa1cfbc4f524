//! Any random effects: −log L by adaptive quadrature or Laplace's approximation with its exact gradient.
//!
//! The effects of a unit are u = Λv with v ~ N(0, I): v_0 of its own, v_i of each level nested in it (or of the levels of
//! the factor that is eliminated). v̂ minimises F(v) = v'v/2 − Σ ℓ_j(η_j), H is the Hessian of F there, with blocks H_00,
//! H_i0, H_ii, and H = LL' when the v_i are eliminated first: M_i = L_i⁻¹H_i0, S = H_00 − Σ M_i'M_i = L_0L_0'. At the
//! nodes v = v̂ + L⁻ᵀz the integral falls into sums within sums (Pinheiro & Chao 2006, J Comput Graph Stat 15:58–81):
//!
//! ```text
//! v_0 = v̂_0 + d,  d = L_0⁻ᵀz_0        v_i = v̂_i + L_i⁻ᵀ(z_i − M_i d)
//! ```
//!
//! One node each is Laplace's approximation, which crossed factors have as well. The gradient is the adjoint of all of this,
//! through the modes and the factor L.

use super::cells::{Cells, Factor, NONE};
use super::cholesky::{adjoint, backward, factorise, forward, log_determinant};
use super::hermite::Rule;
use super::kernel::LogLikelihood;
use super::objective::Evaluation;

/// The product rule of several dimensions.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    m: usize,
    /// Nodes × m.
    z: Vec<f64>,
    log_weights: Vec<f64>,
}

impl Grid {
    pub fn new(rule: &Rule, m: usize) -> Self {
        let q = rule.nodes.len();
        let count = if q == 1 { 1 } else { q.pow(m as u32) };
        let mut grid = Self { m, z: Vec::with_capacity(count * m), log_weights: Vec::with_capacity(count) };
        for node in 0..count {
            let (mut rest, mut weight) = (node, 0.0);
            for _ in 0..m {
                grid.z.push(rule.nodes[rest % q]);
                weight += rule.log_weights[rest % q];
                rest /= q;
            }
            grid.log_weights.push(weight);
        }
        grid
    }

    fn len(&self) -> usize {
        self.log_weights.len()
    }

    fn node(&self, q: usize) -> &[f64] {
        &self.z[q * self.m..(q + 1) * self.m]
    }
}

/// The product rules that the units of a layout take.
#[derive(Debug, Clone)]
pub(super) struct Grids {
    outer: Vec<Grid>,
    inner: Grid,
}

impl Grids {
    pub fn new(cells: &Cells, rule: &Rule) -> Self {
        let mut sizes: Vec<usize> = cells.units.iter().map(|u| u.m).collect();
        sizes.sort_unstable();
        sizes.dedup();
        Self { outer: sizes.into_iter().map(|m| Grid::new(rule, m)).collect(), inner: Grid::new(rule, cells.k_sub) }
    }

    fn of(&self, m: usize) -> &Grid {
        let at = self.outer.partition_point(|grid| grid.m < m);
        &self.outer[at]
    }
}

/// Room for everything, made once.
#[derive(Debug, Clone)]
pub(super) struct Effects {
    modes: Vec<f64>,
    /// Λ'z of every observation.
    a: Vec<f64>,
    c: Vec<f64>,
    fixed: Vec<f64>,
    r: Vec<f64>,
    w: Vec<f64>,
    w1: Vec<f64>,
    /// H_00 of a unit, then S, then L_0.
    own: Vec<f64>,
    /// L_i and M_i of a unit's subs.
    within: Vec<f64>,
    between: Vec<f64>,
    between_at: Vec<usize>,
    /// Gradients and steps of a unit.
    slope: Vec<f64>,
    step: Vec<f64>,
    tried: Vec<f64>,
    node_r: Vec<f64>,
    terms: Vec<f64>,
    /// Adjoints.
    fixed_bar: Vec<f64>,
    a_bar: Vec<f64>,
    c_bar: Vec<f64>,
    modes_bar: Vec<f64>,
    own_bar: Vec<f64>,
    within_bar: Vec<f64>,
    between_bar: Vec<f64>,
    square: Vec<f64>,
    other_square: Vec<f64>,
    theta_bar: Vec<f64>,
}

impl Effects {
    pub fn new(cells: &Cells) -> Self {
        let n = cells.y.len();
        let (k, ks) = (cells.k_top, cells.k_sub);
        let most = |size: &dyn Fn(&super::cells::Unit) -> usize| cells.units.iter().map(size).max().unwrap_or(0);
        let m = most(&|u| u.m);
        let subs = most(&|u| u.subs.len());
        let between = most(&|u| cells.subs[u.subs.clone()].iter().map(|s| s.tops.len() * ks).sum());
        let effects = most(&|u| u.m + u.subs.len() * ks);
        let side = m.max(ks);
        let zeros = |len: usize| vec![0.0; len];
        Self {
            modes: zeros(cells.effects()),
            a: zeros(n * k),
            c: zeros(n * ks),
            fixed: zeros(n),
            r: zeros(n),
            w: zeros(n),
            w1: zeros(n),
            own: zeros(m * m),
            within: zeros(subs * ks * ks),
            between: zeros(between),
            between_at: vec![0; subs],
            slope: zeros(effects),
            step: zeros(effects),
            tried: zeros(effects),
            node_r: vec![],
            terms: vec![],
            fixed_bar: zeros(n),
            a_bar: zeros(n * k),
            c_bar: zeros(n * ks),
            modes_bar: zeros(effects),
            own_bar: zeros(m * m),
            within_bar: zeros(subs * ks * ks),
            between_bar: zeros(between),
            square: zeros(side * side),
            other_square: zeros(side * side),
            theta_bar: zeros(cells.thetas),
        }
    }

    /// −log L at ψ = (β, θ) with its gradient.
    pub fn evaluate(&mut self, cells: &Cells, grids: &Grids, psi: &[f64], to: &mut Evaluation) {
        to.clear();
        to.begin_units();
        let (beta, theta) = psi.split_at(cells.p);
        for j in 0..cells.y.len() {
            self.fixed[j] = cells.offset[j] + super::intercept::dot(&cells.x[j * cells.p..(j + 1) * cells.p], beta);
            let (k, ks) = (cells.k_top, cells.k_sub);
            for f in &cells.top {
                let at = j * k + f.column;
                f.standardised(theta, &cells.z_top[at..at + f.k], &mut self.a[at..at + f.k]);
            }
            if let Some(f) = &cells.sub {
                f.standardised(theta, &cells.z_sub[j * ks..(j + 1) * ks], &mut self.c[j * ks..(j + 1) * ks]);
            }
        }
        for unit in 0..cells.units.len() {
            if !self.find_mode(cells, unit) {
                to.value = f64::NAN;
                return;
            }
            // Units without effects of their own have one node of no dimension.
            let outer = grids.of(cells.units[unit].m);
            to.value -= self.integrate(cells, unit, outer, &grids.inner);
            self.differentiate(cells, unit, to);
            to.end_unit(unit);
        }
    }

    /// Adds the effects of an observation to its linear predictor.
    fn eta(&self, cells: &Cells, j: usize, own: &[f64], sub: &[f64]) -> f64 {
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
    fn solve(&self, cells: &Cells, unit: usize, b: &mut [f64]) {
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
    fn find_mode(&mut self, cells: &Cells, unit: usize) -> bool {
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
                let eta = self.fixed[j] + super::intercept::dot(&self.a[j * kt..j * kt + m], &own);
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
    fn integrate(&mut self, cells: &Cells, unit: usize, outer: &Grid, inner: &Grid) -> f64 {
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
    fn shift(&self, i: usize, sub: &super::cells::Sub, ks: usize, d: &[f64], to: &mut [f64]) {
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

    /// Takes the adjoints of modes and factors back to β and θ, and subtracts them from the gradient.
    fn differentiate(&mut self, cells: &Cells, unit: usize, to: &mut Evaluation) {
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
