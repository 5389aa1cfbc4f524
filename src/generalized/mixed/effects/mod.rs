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

mod derivative;
mod grid;
mod integral;
mod mode;

pub(super) use grid::Grids;

use super::cells::{Cells, Unit};
use super::intercept::dot;
use super::objective::Evaluation;

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
        let most = |size: &dyn Fn(&Unit) -> usize| cells.units.iter().map(size).max().unwrap_or(0);
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
            self.fixed[j] = cells.offset[j] + dot(&cells.x[j * cells.p..(j + 1) * cells.p], beta);
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
}
