//! What the data say of the covariance parameters, and how the covariance of the estimates moves with them.

use super::expected_information::{InformationKind, expected_hessian};
use crate::fit::blocks::Blocks;
use crate::fit::curvature::{Derivatives, restrict};
use crate::fit::kernels::multiply;
use crate::fit::optimum::Fitted;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Second-order facts at the optimum, in the natural parameters; in the working ones where a variance is at its boundary, so that what
/// vanished no longer counts.
#[derive(Debug)]
pub(crate) struct Information {
    /// The asymptotic covariance of the parameters: twice the inverse of the Hessian of −2ℓ, observed or expected.
    pub covariance: DMatrix<f64>,
    /// P_k of every parameter, p × p.
    pub p: Vec<DMatrix<f64>>,
    /// ∂_kΣ of the natural parameters, group by group.
    pub derivatives: Vec<Derivatives>,
    /// ∂θ/∂η' where the working parameters are used.
    pub jacobian: Option<DMatrix<f64>>,
}

impl Information {
    pub fn of(fitted: &Fitted, kind: InformationKind) -> Self {
        let structure = &*fitted.structure;
        let derivatives = fitted.problem.derivatives(structure, &fitted.point.theta);
        let (mut natural, slopes) = fitted.problem.exact_curvature(structure, &fitted.point, &derivatives);
        let natural_p: Vec<DMatrix<f64>> = slopes.into_iter().map(|s| s.p).collect();
        if kind == InformationKind::Expected {
            natural.hessian = expected_hessian(fitted, &derivatives, &natural_p);
            natural.gradient.fill(0.0);
        }
        let (hessian, jacobian) = if fitted.convergence.boundary.is_empty() {
            (natural.hessian, None)
        } else {
            (fitted.working.transform(&fitted.eta, natural).hessian, Some(fitted.working.jacobian(&fitted.eta)))
        };
        let p = match &jacobian {
            None => natural_p,
            Some(j) => (0..j.ncols()).map(|k| combination(natural_p.iter(), |l| j[(l, k)], natural_p[0].nrows())).collect(),
        };
        Self { covariance: 2.0 * pseudo_inverse(&hessian), p, derivatives, jacobian }
    }

    /// The gradient of v'Φv over the parameters: ∂_k(v'Φv) = −(Φv)'P_k(Φv).
    pub fn variance_gradient(&self, phi_v: &DVector<f64>) -> DVector<f64> {
        DVector::from_iterator(self.p.len(), self.p.iter().map(|p| -phi_v.dot(&(p * phi_v))))
    }

    /// The gradient of a'Σb over the parameters, Σ the covariance of `group` on the visit grid and a, b held.
    pub fn gradient_of_own_variance(&self, group: usize, a: &[f64], b: &[f64]) -> DVector<f64> {
        let slope = |entries: &Vec<(usize, usize, f64)>| entries.iter().map(|&(s, t, v)| a[s] * v * b[t]).sum::<f64>();
        let of_group = |(g, derivatives): (usize, &Derivatives)| -> Vec<f64> {
            derivatives.iter().map(|entries| if g == group { slope(entries) } else { 0.0 }).collect()
        };
        let natural = DVector::from_vec(self.derivatives.iter().enumerate().flat_map(of_group).collect());
        match &self.jacobian {
            None => natural,
            Some(j) => j.transpose() * natural,
        }
    }

    /// The covariance of the natural parameters.
    fn omega(&self) -> DMatrix<f64> {
        match &self.jacobian {
            None => self.covariance.clone(),
            Some(j) => j * &self.covariance * j.transpose(),
        }
    }

    /// W (Σ_kl ω_kl ∂_kΣ W ∂_lΣ) W per pattern: the weights Ω for which X'ΩX is Σ_kl ω_kl Q_kl.
    pub fn weighted_q(&self, fitted: &Fitted) -> Blocks {
        let (omega, per_group) = (self.omega(), fitted.parameters_per_group());
        let t = fitted.structure.visits();
        let patterns = fitted.problem.patterns();
        let mut sums = Blocks::zeros(patterns);
        let (mut restricted, mut inner) = (vec![], vec![0.0; t * t]);
        for (group, derivatives) in self.derivatives.iter().enumerate() {
            for (k, derivative) in derivatives.iter().enumerate() {
                // Σ_l ω_kl ∂_lΣ is one matrix, the same for every pattern.
                let mut weighted = DMatrix::<f64>::zeros(t, t);
                for (l, other) in derivatives.iter().enumerate() {
                    let weight = omega[(group * per_group + k, group * per_group + l)];
                    other.iter().for_each(|&(a, b, v)| weighted[(a, b)] += weight * v);
                }
                for (index, pattern) in patterns.iter().enumerate().filter(|(_, p)| p.group == group) {
                    restrict(std::slice::from_ref(derivative), &pattern.visits, &mut restricted);
                    if restricted[0].is_empty() {
                        continue;
                    }
                    let m = pattern.visits.len();
                    let (inner, own) = (&mut inner[..m * m], at(&weighted, &pattern.visits));
                    multiply(&own, fitted.point.w.get(index), m, inner);
                    // (Σ_l ω_kl ∂_lΣ) W ∂_kΣ, the transpose of what is wanted; the sum over k is symmetric.
                    let target = sums.get_mut(index);
                    for &(a, b, v) in &restricted[0] {
                        (0..m).for_each(|i| target[b * m + i] += v * inner[a * m + i]);
                    }
                }
            }
        }
        sandwich_all(fitted, sums)
    }

    /// W (Σ_kl ω_kl ∂_klΣ) W per pattern: the weights Ω for which X'ΩX is Σ_kl ω_kl R_kl. `None` where Σ is linear in its parameters, or where
    /// a variance is at its boundary and the parameters that remain are not those that the adjustment is defined for.
    pub fn weighted_r(&self, fitted: &Fitted) -> Option<Blocks> {
        if self.jacobian.is_some() {
            return None;
        }
        let per_group = fitted.parameters_per_group();
        let t = fitted.structure.visits();
        let (mut second, mut linear) = (DMatrix::zeros(t, t), true);
        let mut of_group = |group: usize| {
            let theta = &fitted.point.theta[group * per_group..(group + 1) * per_group];
            let mut sum = DMatrix::zeros(t, t);
            for k in 0..per_group {
                for l in 0..per_group {
                    if fitted.structure.second_derivative(theta, k, l, &mut second) {
                        linear = false;
                        sum += &second * self.covariance[(group * per_group + k, group * per_group + l)];
                    }
                }
            }
            sum
        };
        let bends: Vec<DMatrix<f64>> = (0..fitted.problem.groups).map(&mut of_group).collect();
        if linear {
            return None;
        }
        let mut sums = Blocks::zeros(fitted.problem.patterns());
        for (index, pattern) in fitted.problem.patterns().iter().enumerate() {
            sums.get_mut(index).copy_from_slice(&at(&bends[pattern.group], &pattern.visits));
        }
        Some(sandwich_all(fitted, sums))
    }
}

/// The elements of a matrix on the visit grid at a pattern's visits.
fn at(matrix: &DMatrix<f64>, visits: &[usize]) -> Vec<f64> {
    visits.iter().flat_map(|&b| visits.iter().map(move |&a| matrix[(a, b)])).collect()
}

/// W inner W of every pattern.
fn sandwich_all(fitted: &Fitted, mut inner: Blocks) -> Blocks {
    let mut left = vec![0.0; fitted.structure.visits().pow(2)];
    for (index, pattern) in fitted.problem.patterns().iter().enumerate() {
        let m = pattern.visits.len();
        let w = fitted.point.w.get(index);
        multiply(w, inner.get(index), m, &mut left[..m * m]);
        multiply(&left[..m * m], w, m, inner.get_mut(index));
    }
    inner
}

fn combination<'a>(matrices: impl Iterator<Item = &'a DMatrix<f64>>, weight: impl Fn(usize) -> f64, size: usize) -> DMatrix<f64> {
    matrices.enumerate().fold(DMatrix::zeros(size, size), |sum, (l, m)| sum + m * weight(l))
}

/// The inverse of a symmetric matrix on the directions in which it is positive; the others carry no information. Scaled to unit diagonal
/// first, so that units do not decide what counts as zero.
pub(super) fn pseudo_inverse(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let scale = matrix.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| matrix[(a, b)] * scale[a] * scale[b]);
    let inverse = match nalgebra::Cholesky::new(scaled.clone()) {
        Some(factor) => factor.inverse(),
        None => {
            let eigen = SymmetricEigen::new(scaled);
            let inverted = eigen.eigenvalues.map(|l| if l > 1e-10 { 1.0 / l } else { 0.0 });
            &eigen.eigenvectors * DMatrix::from_diagonal(&inverted) * eigen.eigenvectors.transpose()
        }
    };
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| inverse[(a, b)] * scale[a] * scale[b])
}
