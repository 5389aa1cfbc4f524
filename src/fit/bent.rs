//! Steps of an unstructured Σ along which −2ℓ is nearly quadratic.
//!
//! With complete data and a known mean −2ℓ = n log|Σ| + tr(Σ⁻¹S), for one variance σ² = S(1 + e), and a Newton step over σ²
//! leaves 2e² of e: from far off nearly all. Over log σ² it would leave ½e², over σ^(−2/3) nothing but e³; cube roots of
//! variances are what makes their distribution normal, too (Wilson & Hilferty 1931, PNAS 17:684–688). For matrices the way
//! there is the curve
//!
//! ```text
//! Σ(s) = Σ + sΔ + c s² ΔΣ⁻¹Δ,   c = 2/3,
//! ```
//!
//! along which the second derivative of −2ℓ has 2c tr(GΔΣ⁻¹Δ) more than over Σ itself, G being its gradient. It vanishes at
//! the optimum, and Σ(s) is positive definite for every s: 1 + x + ⅔x² has no zero.

use super::curvature::Curvature;
use super::kernels::{cholesky, for_small_sizes, inverse_from_cholesky, mirror, multiply, multiply_of_size};
use super::sigmas::Sigmas;
use super::turned::is_unstructured;
use crate::covariance::lower_pairs;
use nalgebra::DMatrix;

/// c: with 2/3 the terms of third order vanish where data are complete.
const C: f64 = 2.0 / 3.0;

/// The curves from where a search stands.
#[derive(Debug, Clone)]
pub(crate) struct Bent {
    visits: usize,
    groups: usize,
    /// Σ⁻¹ of every group, T × T.
    inverse: Vec<f64>,
    /// Room, T × T each.
    square: Vec<f64>,
    delta: Vec<f64>,
    product: Vec<f64>,
}

impl Bent {
    /// `None` where the elements of Σ are not the parameters.
    pub fn of(sigmas: &Sigmas) -> Option<Self> {
        let size = sigmas.visits().pow(2);
        let square = || vec![0.0; size];
        is_unstructured(sigmas.classes()).then(|| Self {
            visits: sigmas.visits(),
            groups: sigmas.groups,
            inverse: vec![0.0; sigmas.groups * size],
            square: square(),
            delta: square(),
            product: square(),
        })
    }

    /// The parameters of a group.
    fn per_group(&self) -> usize {
        self.visits * (self.visits + 1) / 2
    }

    /// Moves to θ, and adds 2c tr(GΔ_kΣ⁻¹Δ_l) to a Hessian over θ.
    pub fn add_to(&mut self, theta: &[f64], curvature: &mut Curvature) {
        let (t, per_group) = (self.visits, self.per_group());
        for group in 0..self.groups {
            let first = group * per_group;
            let inverse = &mut self.inverse[group * t * t..(group + 1) * t * t];
            set_symmetric(&theta[first..first + per_group], t, 1.0, &mut self.square);
            // Where −2ℓ has a value Σ is positive definite.
            if cholesky(&mut self.square, t).is_none() {
                inverse.fill(0.0);
                continue;
            }
            inverse_from_cholesky(&self.square, t, inverse);
            // What stands off the diagonal counts for both sides.
            set_symmetric(&curvature.gradient.as_slice()[first..first + per_group], t, 0.5, &mut self.square);
            for_small_sizes!(t, t => add_traces(&self.square, inverse, t, &mut curvature.hessian, first));
        }
    }

    /// Writes θ at a share s of the way along Δ; the parameters behind those of Σ go straight on.
    pub fn set_along(&mut self, theta: &[f64], step: &[f64], share: f64, next: &mut [f64]) {
        let (t, per_group) = (self.visits, self.per_group());
        next.iter_mut().zip(theta).zip(step).for_each(|((next, theta), step)| *next = theta + share * step);
        for group in 0..self.groups {
            let own = group * per_group..(group + 1) * per_group;
            set_symmetric(&step[own.clone()], t, 1.0, &mut self.delta);
            multiply(&self.delta, &self.inverse[group * t * t..(group + 1) * t * t], t, &mut self.product);
            multiply(&self.product, &self.delta, t, &mut self.square);
            let bend = C * share * share;
            next[own].iter_mut().zip(lower_pairs(t)).for_each(|(x, (a, b))| *x += bend * self.square[b * t + a]);
        }
    }

    /// Moves a bilinear form of directions of Σ from where it was computed to θ: what it has of LΔL' becomes what it had of
    /// L₀ΔL₀'. Terms through the mean hardly change otherwise.
    pub fn carry(&mut self, from: &[f64], theta: &[f64], form: &mut DMatrix<f64>) {
        let (t, per_group) = (self.visits, self.per_group());
        for group in 0..self.groups {
            let own = group * per_group..(group + 1) * per_group;
            set_symmetric(&from[own.clone()], t, 1.0, &mut self.delta);
            set_symmetric(&theta[own.clone()], t, 1.0, &mut self.square);
            if cholesky(&mut self.delta, t).is_some() && cholesky(&mut self.square, t).is_some() {
                set_ratio(&self.delta, &self.square, t, &mut self.product);
                let Self { square, delta, product: ratio, .. } = self;
                (0..2).for_each(|_| {
                    for_small_sizes!(t, t => carry_columns(form, own.start, ratio, t, (square, delta)));
                    form.transpose_mut();
                });
            }
        }
    }
}

/// Writes A = L₀L⁻¹, given L₀ and L in lower triangles.
fn set_ratio(l0: &[f64], l: &[f64], t: usize, ratio: &mut [f64]) {
    ratio.fill(0.0);
    for i in 0..t {
        for j in (0..=i).rev() {
            let rest: f64 = (j + 1..=i).map(|k| ratio[k * t + i] * l[j * t + k]).sum();
            ratio[j * t + i] = (l0[j * t + i] - rest) / l[j * t + j];
        }
    }
}

/// Replaces the symmetric matrix M that each column has from `first` on, as a gradient over a triangle, by A'MA.
#[inline(always)]
fn carry_columns(form: &mut DMatrix<f64>, first: usize, a: &[f64], t: usize, (m, product): (&mut [f64], &mut [f64])) {
    let size = form.nrows();
    for column in form.as_mut_slice().chunks_exact_mut(size) {
        let (own, m, product, a) = (&mut column[first..first + t * (t + 1) / 2], &mut m[..t * t], &mut product[..t * t], &a[..t * t]);
        set_symmetric(own, t, 0.5, m);
        multiply_of_size(m, a, t, product);
        for ((i, j), x) in lower_pairs(t).zip(own) {
            let inner: f64 = (0..t).map(|k| a[i * t + k] * product[j * t + k]).sum();
            *x = if i == j { inner } else { 2.0 * inner };
        }
    }
}

/// Writes the symmetric matrix of a triangle, row by row; what stands off its diagonal multiplied.
#[inline(always)]
fn set_symmetric(triangle: &[f64], t: usize, off: f64, square: &mut [f64]) {
    for ((a, b), &x) in lower_pairs(t).zip(triangle) {
        square[b * t + a] = if a == b { x } else { off * x };
    }
    mirror(square, t);
}

/// Adds 2c tr(GΔ_kWΔ_l) for all pairs of elements of a triangle.
#[inline(always)]
fn add_traces(g: &[f64], w: &[f64], t: usize, hessian: &mut DMatrix<f64>, first: usize) {
    let (g, w, size) = (&g[..t * t], &w[..t * t], hessian.nrows());
    let hessian = hessian.as_mut_slice();
    for (k, (a, b)) in lower_pairs(t).enumerate() {
        for (l, (c, d)) in lower_pairs(t).enumerate().take(k + 1) {
            // Every element off the diagonal stands for two of Δ.
            let mut trace = g[d * t + a] * w[b * t + c];
            if a != b {
                trace += g[d * t + b] * w[a * t + c];
            }
            if c != d {
                trace += g[c * t + a] * w[b * t + d];
                if a != b {
                    trace += g[c * t + b] * w[a * t + d];
                }
            }
            trace *= 2.0 * C;
            hessian[(first + l) * size + first + k] += trace;
            if k != l {
                hessian[(first + k) * size + first + l] += trace;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covariance::{Covariance, lower};
    use crate::fit::build::Storage;
    use crate::fit::likelihood::{Differentiable, Likelihood};
    use crate::fit::problem::Estimation;
    use crate::fit::tests::{design, options, problem, theta};

    /// −2ℓ along a curve against its gradient and the Hessian that a search has of it, for one group and several: differences of
    /// fourth order.
    #[test]
    fn the_hessian_is_that_along_the_curve() {
        for options in options() {
            let design = design(&options);
            let structure = Covariance::Unstructured.bind(&design.columns.visit_times).expect("needs nothing");
            let problem = problem(&design, structure.into(), Estimation::Reml, Storage::Sums);
            let theta = theta(problem.sigmas.structure(), problem.sigmas.groups);
            let point = problem.at(&theta).expect("inside the range");
            let (mut curvature, _) = problem.exact_curvature(&point, &problem.sigmas.derivatives(&theta));
            let over_sigma = curvature.hessian.clone();
            let mut bent = Bent::of(&problem.sigmas).expect("unstructured");
            bent.add_to(&theta, &mut curvature);
            assert!((&curvature.hessian - &over_sigma).amax() > 1e-3 * over_sigma.amax());
            assert!((&curvature.hessian - curvature.hessian.transpose()).amax() < 1e-12 * over_sigma.amax());
            let step: Vec<f64> = theta.iter().enumerate().map(|(k, x)| x * (1.7 * k as f64).cos()).collect();
            let mut next = vec![0.0; theta.len()];
            let mut value = |share: f64| {
                bent.set_along(&theta, &step, share, &mut next);
                problem.at(&next).expect("positive definite all along the curve").value
            };
            let h = 2e-3;
            let [far_back, back, here, on, far_on] = [-2.0, -1.0, 0.0, 1.0, 2.0].map(|k| value(k * h));
            let second = (16.0 * (on + back) - (far_on + far_back) - 30.0 * here) / (12.0 * h * h);
            let direction = nalgebra::DVector::from_vec(step.clone());
            let expected = direction.dot(&(&curvature.hessian * &direction));
            assert!((second - expected).abs() < 1e-5 * expected.abs(), "{second} and {expected}");
            // However far it goes.
            assert!([-30.0, -1.0, 1.0, 30.0].into_iter().all(|share| value(share).is_finite()));
        }
    }

    /// Carried to another Σ, a form has of LΔL' what it had of L₀ΔL₀'; to a multiple of Σ, its elements are divided by the square.
    #[test]
    fn a_form_is_carried_along() {
        let t = 3;
        let classes = Covariance::Unstructured.bind(&[None; 3]).expect("needs nothing").into();
        let labels =
            crate::fit::verify::Labels { visits: vec![String::new(); 3], parameters: vec![String::new(); 6], groups: vec!["all".into()] };
        let mut bent = Bent::of(&Sigmas::new(classes, &labels)).expect("unstructured");
        let (from, to) = ([4.0, 1.0, 3.0, 0.5, -0.7, 2.0], [2.0, -0.4, 5.0, 0.9, 1.1, 1.5]);
        // Another parameter stands behind those of Σ.
        let form = DMatrix::from_fn(7, 7, |i, j| 1.0 / (1.0 + i as f64 + j as f64) + f64::from(u8::from(i == j)));
        let mut carried = form.clone();
        bent.carry(&from, &to, &mut carried);
        let square = |triangle: &[f64]| DMatrix::from_fn(t, t, |a, b| triangle[lower(a.max(b), a.min(b))]);
        let [l0, l] = [from, to].map(|own| square(&own).cholesky().expect("positive definite").unpack());
        let placed = |l: &DMatrix<f64>, x: &[f64], rest: f64| {
            let moved = l * square(x) * l.transpose();
            nalgebra::DVector::from_iterator(7, lower_pairs(t).map(|(a, b)| moved[(a, b)]).chain([rest]))
        };
        let (x, y) = ([1.0, 0.3, -0.2, 0.7, 0.1, 2.0], [-0.5, 1.2, 0.4, 0.0, 0.8, 0.6]);
        let before = placed(&l0, &x, 0.3).dot(&(&form * placed(&l0, &y, -0.9)));
        let after = placed(&l, &x, 0.3).dot(&(&carried * placed(&l, &y, -0.9)));
        assert!((before - after).abs() < 1e-13 * before.abs(), "{before} and {after}");
        let mut shrunk = form.clone();
        bent.carry(&from, &from.map(|x| 4.0 * x), &mut shrunk);
        let (own, expected) = (shrunk.view((0, 0), (6, 6)), form.view((0, 0), (6, 6)) / 16.0);
        assert!((own - expected).amax() < 1e-15);
    }
}
