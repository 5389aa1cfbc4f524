//! One random effect per cluster: −log L by adaptive Gauss–Hermite quadrature with exact first and second derivatives.
//!
//! The effect of a cluster is u = λv with v ~ N(0, 1), so that nothing is singular where its variance λ² vanishes.
//! With ψ = (β, λ), η_j = o_j + x_j'β + λ z_j v and F(v; ψ) = v²/2 − Σ ℓ_j(η_j), v̂ the minimum of F in v and h its
//! second derivative there (Pinheiro & Bates 1995, J Comput Graph Stat 4:12–35; Liu & Pierce 1994, Biometrika
//! 81:624–629),
//!
//! ```text
//! −log L = ½ log h − log Σ_q ω_q e^(z_q²/2) exp(−F(v̂ + z_q/√h; ψ))
//! ```
//!
//! One node is Laplace's approximation. The nodes move with ψ: derivatives go through v̂ (implicitly) and h.

use super::cells::Cells;
use super::hermite::Rule;
use super::kernel::{Derivatives, LogLikelihood};
use super::objective::Evaluation;

/// Room for one cluster, and the modes found so far.
#[derive(Debug, Clone)]
pub(super) struct Intercepts {
    modes: Vec<f64>,
    /// Per observation of a cluster: x'β + offset, λz, derivatives at the mode.
    fixed: Vec<f64>,
    at_mode: Vec<Derivatives>,
    /// Per node and observation.
    r: Vec<f64>,
    w: Vec<f64>,
    /// Per node.
    log_terms: Vec<f64>,
    /// Per observation: Σ π w, Σ π z_q w, Σ π v w, Σ π v² w.
    moments: Vec<[f64; 4]>,
    vectors: Vectors,
}

/// Vectors of length d = p + 1.
#[derive(Debug, Clone, Default)]
struct Vectors {
    f_v: Vec<f64>,
    f_vv: Vec<f64>,
    mode: Vec<f64>,
    curvature: Vec<f64>,
    with_mode: Vec<f64>,
    with_curvature: Vec<f64>,
    node: Vec<f64>,
    mean: Vec<f64>,
}

impl Intercepts {
    pub fn new(cells: &Cells, nodes: usize) -> Self {
        let most = cells.units.iter().map(|u| u.observations.len()).max().unwrap_or(0);
        let d = cells.p + 1;
        let room = || vec![0.0; d];
        let zero = Derivatives { r: 0.0, w: 0.0, w1: 0.0, w2: 0.0 };
        Self {
            modes: vec![0.0; cells.units.len()],
            fixed: vec![0.0; most],
            at_mode: vec![zero; most],
            r: vec![0.0; most * nodes],
            w: vec![0.0; most * nodes],
            log_terms: vec![0.0; nodes],
            moments: vec![[0.0; 4]; most],
            vectors: Vectors {
                f_v: room(),
                f_vv: room(),
                mode: room(),
                curvature: room(),
                with_mode: room(),
                with_curvature: room(),
                node: room(),
                mean: room(),
            },
        }
    }

    /// −log L at ψ with gradient and Hessian.
    pub fn evaluate(&mut self, cells: &Cells, rule: &Rule, psi: &[f64], to: &mut Evaluation) {
        to.clear();
        to.begin_units();
        for unit in 0..cells.units.len() {
            self.add_unit(cells, rule, psi, unit, to);
        }
        to.complete();
    }

    fn add_unit(&mut self, cells: &Cells, rule: &Rule, psi: &[f64], unit: usize, to: &mut Evaluation) {
        let range = cells.units[unit].observations.clone();
        let (n, p) = (range.len(), cells.p);
        let d = p + 1;
        let lambda = psi[p];
        let y = &cells.y[range.clone()];
        let z = &cells.z_top[range.clone()];
        let x = &cells.x[range.start * p..range.end * p];
        let fixed = &mut self.fixed[..n];
        for (j, fixed) in fixed.iter_mut().enumerate() {
            *fixed = cells.offset[range.start + j] + dot(&x[j * p..(j + 1) * p], &psi[..p]);
        }
        let mode = find_mode(cells, y, z, fixed, lambda, self.modes[unit]);
        self.modes[unit] = mode;

        // Everything at the mode.
        let at_mode = &mut self.at_mode[..n];
        let v = &mut self.vectors;
        v.f_v.fill(0.0);
        v.f_vv.fill(0.0);
        let (mut h, mut f3, mut f4, mut f_vvv_lambda) = (1.0, 0.0, 0.0, 0.0);
        for j in 0..n {
            let c = lambda * z[j];
            let at = cells.kernel.derivatives(y[j], fixed[j] + c * mode);
            at_mode[j] = at;
            let (wc, w1c, w2c) = (at.w * c, at.w1 * c, at.w2 * c);
            h += wc * c;
            f3 += w1c * c * c;
            f4 += w2c * c * c * c;
            let zv = z[j] * mode;
            for ((f_v, f_vv), x) in v.f_v.iter_mut().zip(&mut v.f_vv).zip(&x[j * p..(j + 1) * p]) {
                *f_v += wc * x;
                *f_vv += w1c * c * x;
            }
            v.f_v[p] += wc * zv - at.r * z[j];
            v.f_vv[p] += w1c * c * zv + 2.0 * wc * z[j];
            f_vvv_lambda += w2c * c * c * zv + 3.0 * w1c * c * z[j];
        }
        let spread = 1.0 / h.sqrt();
        for k in 0..d {
            v.mode[k] = -v.f_v[k] / h;
            v.curvature[k] = v.f_vv[k] + f3 * v.mode[k];
        }
        // ds/dh.
        let slope = -0.5 * spread / h;

        // The nodes.
        let nodes = rule.nodes.len();
        let mut largest = f64::NEG_INFINITY;
        for q in 0..nodes {
            let at = mode + spread * rule.nodes[q];
            let mut sum = LogLikelihood::new();
            let (r, w) = (&mut self.r[q * n..(q + 1) * n], &mut self.w[q * n..(q + 1) * n]);
            for j in 0..n {
                (r[j], w[j]) = cells.kernel.add(y[j], fixed[j] + lambda * z[j] * at, &mut sum);
            }
            let term = rule.log_weights[q] + sum.sum() - 0.5 * at * at;
            self.log_terms[q] = term;
            largest = largest.max(term);
        }
        let total: f64 = self.log_terms[..nodes].iter().map(|t| (t - largest).exp()).sum();
        to.value += 0.5 * h.ln() - largest - total.ln();

        // Posterior means over the nodes.
        self.moments[..n].fill([0.0; 4]);
        v.mean.fill(0.0);
        let (mut first, mut first_z, mut second, mut second_z, mut second_zz) = (0.0, 0.0, 0.0, 0.0, 0.0);
        // Σ π ∂²F/∂v∂λ and Σ π z_q ∂²F/∂v∂λ.
        let (mut cross, mut cross_z) = (0.0, 0.0);
        for q in 0..nodes {
            let share = (self.log_terms[q] - largest).exp() / total;
            // What is this small adds nothing to sums of order one.
            if share < 1e-30 {
                continue;
            }
            let zq = rule.nodes[q];
            let at = mode + spread * zq;
            let (r, w) = (&self.r[q * n..(q + 1) * n], &self.w[q * n..(q + 1) * n]);
            v.node.fill(0.0);
            let (mut fv, mut fvv, mut fvl) = (at, 1.0, 0.0);
            for j in 0..n {
                let (c, zv) = (lambda * z[j], z[j] * at);
                fv -= r[j] * c;
                fvv += w[j] * c * c;
                for (to, x) in v.node[..p].iter_mut().zip(&x[j * p..(j + 1) * p]) {
                    *to -= r[j] * x;
                }
                v.node[p] -= r[j] * zv;
                fvl += w[j] * c * zv - r[j] * z[j];
                let m = &mut self.moments[j];
                let weight = share * w[j];
                m[0] += weight;
                m[1] += weight * zq;
                m[2] += weight * z[j] * at;
                m[3] += weight * zv * zv;
            }
            first += share * fv;
            first_z += share * zq * fv;
            second += share * fvv;
            second_z += share * zq * fvv;
            second_zz += share * zq * zq * fvv;
            cross += share * fvl;
            cross_z += share * zq * fvl;
            for k in 0..d {
                v.node[k] += fv * (v.mode[k] + zq * slope * v.curvature[k]);
                v.mean[k] += share * v.node[k];
            }
            to.subtract_outer(share, &v.node);
        }
        to.add_outer(1.0, &v.mean);

        // Weights of ∂²h and ∂²v̂.
        let on_h = 0.5 / h + first_z * slope;
        let on_mode = -(first + on_h * f3) / h;
        let square_of_h = -0.5 / (h * h) + 0.75 * first_z * spread / (h * h);
        // A = Σ π ∂²F/∂v∂ψ and B = Σ π z ∂²F/∂v∂ψ are part of what stands beside the mode's and the curvature's derivatives.
        v.with_mode.fill(0.0);
        v.with_curvature.fill(0.0);
        for j in 0..n {
            let (c, m, at) = (lambda * z[j], &self.moments[j], &at_mode[j]);
            let (beside_mode, beside_curvature) = (m[0] * c + on_h * at.w2 * c * c * c + on_mode * at.w1 * c * c, m[1] * c);
            for ((a, b), x) in v.with_mode.iter_mut().zip(&mut v.with_curvature).zip(&x[j * p..(j + 1) * p]) {
                *a += beside_mode * x;
                *b += beside_curvature * x;
            }
        }
        v.with_mode[p] = cross + on_h * f_vvv_lambda + on_mode * v.f_vv[p];
        v.with_curvature[p] = cross_z;
        for k in 0..d {
            let m = v.mode[k];
            v.with_mode[k] += 0.5 * (on_h * f4 + on_mode * f3 + second) * m;
            v.with_curvature[k] =
                slope * (v.with_curvature[k] + second_z * m) + 0.5 * (slope * slope * second_zz + square_of_h) * v.curvature[k];
        }
        to.add_symmetric(&v.with_mode, &v.mode);
        to.add_symmetric(&v.with_curvature, &v.curvature);
        for j in 0..n {
            let (at, m) = (&at_mode[j], &self.moments[j]);
            let (c, zj) = (lambda * z[j], z[j]);
            let zv = zj * mode;
            let (w1c, w2cc) = (at.w1 * c, at.w2 * c * c);
            let on_xx = m[0] + on_h * w2cc + on_mode * w1c;
            let on_x = m[2] + on_h * (w2cc * zv + 2.0 * w1c * zj) + on_mode * (w1c * zv + at.w * zj);
            let alone = m[3]
                + on_h * (w2cc * zv * zv + 4.0 * w1c * zj * zv + 2.0 * at.w * zj * zj)
                + on_mode * (w1c * zv * zv + 2.0 * at.w * zj * zv);
            to.add_observation(&x[j * p..(j + 1) * p], on_xx, on_x, alone);
        }
        for k in 0..d {
            to.gradient[k] += 0.5 * v.curvature[k] / h + v.mean[k];
        }
        to.end_unit(unit);
    }
}

/// The minimum of F in v, which is convex: Newton's method from `start`, halved where the slope would grow.
fn find_mode(cells: &Cells, y: &[f64], z: &[f64], fixed: &[f64], lambda: f64, start: f64) -> f64 {
    let slope_at = |v: f64| {
        let (mut slope, mut h) = (v, 1.0);
        for j in 0..y.len() {
            let c = lambda * z[j];
            let (r, w) = cells.kernel.add(y[j], fixed[j] + c * v, &mut LogLikelihood::new());
            slope -= r * c;
            h += w * c * c;
        }
        (slope, h)
    };
    let mut v = start;
    let (mut slope, mut h) = slope_at(v);
    for _ in 0..200 {
        let whole = slope / h;
        let mut step = whole;
        let (mut next_slope, mut next_h) = slope_at(v - step);
        while next_slope.is_nan() || next_slope.abs() > slope.abs() * (1.0 + 1e-12) {
            step *= 0.5;
            if step.abs() < 1e-16 * (1.0 + v.abs()) {
                return v;
            }
            (next_slope, next_h) = slope_at(v - step);
        }
        v -= step;
        // One more step of a quadratic search makes this the rounding of v.
        let done = slope * slope / h < 1e-14;
        (slope, h) = (next_slope, next_h);
        if done {
            return v - slope / h;
        }
    }
    v
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
