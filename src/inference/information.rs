//! What the data say of the covariance parameters, and how the covariance of the estimates moves with them.

use crate::fit::optimum::Fitted;
use crate::fit::problem::{Slope, Sparse, Terms, sandwiched, sparse_derivatives};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Second-order facts at the optimum, in the natural parameters; in the working ones where a variance is at its boundary, so that what
/// vanished no longer counts.
#[derive(Debug)]
pub(crate) struct Information {
    /// The asymptotic covariance of the parameters: twice the inverse of the observed Hessian of −2ℓ.
    pub covariance: DMatrix<f64>,
    /// P_k of every parameter, p × p.
    pub p: Vec<DMatrix<f64>>,
    /// ∂_kΣ of the natural parameters, group by group.
    pub derivatives: Vec<Vec<Sparse>>,
    /// ∂θ/∂η' where the working parameters are used.
    pub jacobian: Option<DMatrix<f64>>,
}

impl Information {
    pub fn of(fitted: &Fitted) -> Self {
        let structure = &*fitted.structure;
        let natural = fitted.problem.curvature(structure, &fitted.point, Terms::Exact);
        let boundary = !fitted.convergence.boundary.is_empty();
        let (hessian, jacobian) = if boundary {
            (fitted.working.transform(&fitted.eta, natural).hessian, Some(fitted.working.jacobian(&fitted.eta)))
        } else {
            (natural.hessian, None)
        };
        let per_group = fitted.parameters_per_group();
        let derivatives: Vec<Vec<Sparse>> =
            fitted.point.theta.chunks_exact(per_group).map(|theta| sparse_derivatives(structure, theta)).collect();
        let slopes: Vec<Slope> = fitted.problem.slopes(&fitted.point, &derivatives);
        let natural_p: Vec<DMatrix<f64>> = slopes.into_iter().map(|s| s.p).collect();
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

    /// Per pattern Σ_kl ω_kl ∂_kΣ W ∂_lΣ between two W, and Σ_kl ω_kl ∂_klΣ between two W: the weights of Σ ω Q and of Σ ω R.
    pub fn weighted_seconds(&self, fitted: &Fitted, with_curvature: bool) -> (Vec<Vec<f64>>, Option<Vec<Vec<f64>>>) {
        let omega = match &self.jacobian {
            None => self.covariance.clone(),
            Some(j) => j * &self.covariance * j.transpose(),
        };
        let per_group = fitted.parameters_per_group();
        let structure = &*fitted.structure;
        let t = structure.visits();
        let bends: Vec<DMatrix<f64>> = (0..fitted.problem.groups)
            .map(|group| {
                let theta = &fitted.point.theta[group * per_group..(group + 1) * per_group];
                let (mut sum, mut second) = (DMatrix::zeros(t, t), DMatrix::zeros(t, t));
                for k in 0..per_group {
                    for l in 0..per_group {
                        if structure.second_derivative(theta, k, l, &mut second) {
                            sum += &second * omega[(group * per_group + k, group * per_group + l)];
                        }
                    }
                }
                sum
            })
            .collect();
        let bent = with_curvature && self.jacobian.is_none() && bends.iter().any(|b| b.iter().any(|x| *x != 0.0));
        let (mut q, mut r) = (vec![], vec![]);
        for (pattern, w) in fitted.problem.patterns().iter().zip(&fitted.point.w) {
            let (m, first) = (pattern.visits.len(), pattern.group * per_group);
            let derivatives: Vec<Sparse> =
                self.derivatives[pattern.group].iter().map(|d| crate::fit::problem::restrict(d, &pattern.visits)).collect();
            let mut inner = vec![0.0; m * m];
            for (k, dk) in derivatives.iter().enumerate() {
                // ∂_k W Σ_l ω_kl ∂_l, the sum over l being one matrix.
                let sum: Sparse = derivatives
                    .iter()
                    .enumerate()
                    .flat_map(|(l, dl)| dl.iter().map(move |&(a, b, v)| (l, a, b, v)))
                    .map(|(l, a, b, v)| (a, b, v * omega[(first + k, first + l)]))
                    .collect();
                let mut dense = vec![0.0; m * m];
                sum.iter().for_each(|&(a, b, v)| dense[b * m + a] += v);
                let identity = DMatrix::<f64>::identity(m, m);
                let left = sandwiched(identity.as_slice(), dk, w, m);
                let mut product = vec![0.0; m * m];
                crate::fit::problem::multiply_into(&left, &dense, m, &mut product);
                inner.iter_mut().zip(product).for_each(|(i, p)| *i += p);
            }
            q.push(between(w, &inner, m));
            if bent {
                let bend: Vec<f64> = pattern
                    .visits
                    .iter()
                    .flat_map(|&b| pattern.visits.iter().map(move |&a| (a, b)))
                    .map(|ab| bends[pattern.group][ab])
                    .collect();
                r.push(between(w, &bend, m));
            }
        }
        (q, bent.then_some(r))
    }
}

/// W inner W.
fn between(w: &[f64], inner: &[f64], m: usize) -> Vec<f64> {
    let (mut left, mut both) = (vec![0.0; m * m], vec![0.0; m * m]);
    crate::fit::problem::multiply_into(w, inner, m, &mut left);
    crate::fit::problem::multiply_into(&left, w, m, &mut both);
    both
}

fn combination<'a>(matrices: impl Iterator<Item = &'a DMatrix<f64>>, weight: impl Fn(usize) -> f64, size: usize) -> DMatrix<f64> {
    matrices.enumerate().fold(DMatrix::zeros(size, size), |sum, (l, m)| sum + m * weight(l))
}

/// The inverse of a symmetric matrix on the directions in which it is positive; the others carry no information. Scaled to unit diagonal
/// first, so that units do not decide what counts as zero.
fn pseudo_inverse(matrix: &DMatrix<f64>) -> DMatrix<f64> {
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
