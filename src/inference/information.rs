//! What the data say of the covariance parameters, and how the covariance of the estimates moves with them.

use super::expected_information::{InformationKind, expected_hessian};
use crate::fit::blocks::Blocks;
use crate::fit::clusters::Marginal;
use crate::fit::curvature::{Curvature, Derivatives};
use crate::fit::kernels::{axpy, multiply};
use crate::fit::optimum::Fitted;
use crate::fit::sparse::SparseFit;
use crate::fit::traces::restrict;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Second-order facts at the optimum, in the natural parameters; in the working ones where a variance is at its
/// boundary, so that what vanished no longer counts.
#[derive(Debug)]
pub(crate) struct Information {
    /// The asymptotic covariance of the parameters: twice the inverse of the Hessian of −2ℓ, observed or expected.
    pub covariance: DMatrix<f64>,
    /// P_k of every parameter, p × p.
    pub p: Vec<DMatrix<f64>>,
    /// ∂_kΣ of the natural parameters, cell by cell of groups and classes.
    pub derivatives: Vec<Derivatives>,
    /// ∂θ/∂η' where the working parameters are used.
    pub jacobian: Option<DMatrix<f64>>,
    /// What effects of clusters add.
    pub marginal: Option<Marginal>,
}

impl Information {
    pub fn of(fitted: &Fitted, kind: InformationKind) -> Self {
        if let Some(sparse) = &fitted.sparse {
            return Self::sparse(fitted, sparse, kind);
        }
        let derivatives = fitted.problem.derivatives(&fitted.point.theta);
        let (mut natural, slopes) = fitted.problem.exact_curvature(fitted.whole_point(), &derivatives);
        let marginal = Marginal::of(&fitted.problem, fitted.whole_point(), &slopes);
        let natural_p: Vec<DMatrix<f64>> = match &marginal {
            Some(marginal) => marginal.slopes(),
            None => (0..slopes.len()).map(|k| slopes.p(k).clone_owned()).collect(),
        };
        if kind == InformationKind::Expected {
            natural.hessian = match fitted.problem.expected_with_clusters(fitted.whole_point(), &derivatives, &slopes) {
                Some(expected) => expected,
                None => expected_hessian(fitted, &derivatives, &natural_p),
            };
            natural.gradient.fill(0.0);
        }
        Self::at(fitted, kind, natural, natural_p, derivatives, marginal)
    }

    /// The same of a sparse fit.
    fn sparse(fitted: &Fitted, sparse: &SparseFit, kind: InformationKind) -> Self {
        let natural = match kind {
            InformationKind::Observed => Curvature { hessian: sparse.hessian(), gradient: DVector::from_vec(sparse.gradient()) },
            InformationKind::Expected => Curvature { hessian: sparse.expected_hessian(), gradient: DVector::zeros(sparse.theta.len()) },
        };
        Self::at(fitted, kind, natural, sparse.slopes(), fitted.problem.derivatives(&fitted.point.theta), None)
    }

    /// In the natural parameters, or in the working ones where a variance vanished: the likelihood has a slope there
    /// in the natural ones, and its Hessian is no information. What that is expected to be is one at the boundary
    /// too, as pbkrtest has it.
    fn at(
        fitted: &Fitted,
        kind: InformationKind,
        mut natural: Curvature,
        natural_p: Vec<DMatrix<f64>>,
        derivatives: Vec<Derivatives>,
        marginal: Option<Marginal>,
    ) -> Self {
        let (hessian, jacobian) = if fitted.convergence.boundary.is_empty() || kind == InformationKind::Expected {
            (natural.hessian, None)
        } else {
            fitted.working.clone().transform(&fitted.eta, &mut natural);
            // An element of a Cholesky factor that is zero but for rounding carries none.
            for k in fitted.working.vanished(fitted.structure(), &fitted.eta) {
                natural.hessian.row_mut(k).fill(0.0);
                natural.hessian.column_mut(k).fill(0.0);
            }
            (natural.hessian, Some(fitted.working.jacobian(&fitted.eta)))
        };
        let p = match &jacobian {
            None => natural_p,
            Some(j) => (0..j.ncols()).map(|k| combination(natural_p.iter(), |l| j[(l, k)], natural_p[0].nrows())).collect(),
        };
        Self { covariance: 2.0 * pseudo_inverse(&hessian), p, derivatives, jacobian, marginal }
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
        let mut natural: Vec<f64> = self.derivatives.iter().enumerate().flat_map(of_group).collect();
        // Effects of clusters are no part of Σ.
        natural.resize(self.covariance.nrows(), 0.0);
        let natural = DVector::from_vec(natural);
        match &self.jacobian {
            None => natural,
            Some(j) => j.transpose() * natural,
        }
    }

    /// The covariance of the natural parameters.
    pub(super) fn omega(&self) -> DMatrix<f64> {
        match &self.jacobian {
            None => self.covariance.clone(),
            Some(j) => j * &self.covariance * j.transpose(),
        }
    }

    /// W (Σ_kl ω_kl ∂_kΣ W ∂_lΣ) W per pattern: the weights Ω for which X'ΩX is Σ_kl ω_kl Q_kl.
    pub fn weighted_q(&self, fitted: &Fitted) -> Blocks {
        let (omega, per_group) = (self.omega(), fitted.parameters_per_group());
        let (problem, t) = (&fitted.problem, fitted.problem.visits());
        let mut sums = Blocks::zeros(problem.patterns());
        let (mut restricted, mut own, mut inner) = (vec![], vec![], vec![0.0; t * t]);
        let mut weighted = DMatrix::<f64>::zeros(t, t);
        for (cell, derivatives) in self.derivatives.iter().enumerate() {
            let first = problem.of_cell(cell).0 * per_group;
            for (k, derivative) in derivatives.iter().enumerate() {
                // Σ_l ω_kl ∂_lΣ is one matrix, the same for every pattern.
                weighted.fill(0.0);
                for (l, other) in derivatives.iter().enumerate() {
                    let weight = omega[(first + k, first + l)];
                    other.iter().for_each(|&(a, b, v)| weighted[(a, b)] += weight * v);
                }
                for index in problem.patterns_of(cell) {
                    let visits = &problem.patterns[index].visits;
                    restrict(std::slice::from_ref(derivative), visits, &mut restricted);
                    if restricted[0].is_empty() {
                        continue;
                    }
                    let m = visits.len();
                    let inner = &mut inner[..m * m];
                    set_at(&weighted, visits, &mut own);
                    multiply(&own, fitted.point.w.get(index), m, inner);
                    // (Σ_l ω_kl ∂_lΣ) W ∂_kΣ, the transpose of what is wanted; the sum over k is symmetric.
                    let target = sums.get_mut(index);
                    for &(a, b, v) in &restricted[0] {
                        axpy(&mut target[b * m..(b + 1) * m], v, &inner[a * m..(a + 1) * m]);
                    }
                }
            }
        }
        sandwich_all(fitted, sums)
    }

    /// W (Σ_kl ω_kl ∂_klΣ) W per pattern: the weights Ω for which X'ΩX is Σ_kl ω_kl R_kl. `None` where Σ is linear in
    /// its parameters, or where a variance is at its boundary and the parameters that remain are not those that the
    /// adjustment is defined for.
    pub fn weighted_r(&self, fitted: &Fitted) -> Option<Blocks> {
        let (problem, t) = (&fitted.problem, fitted.problem.visits());
        if self.jacobian.is_some() || problem.structure().is_linear() {
            return None;
        }
        let per_group = fitted.parameters_per_group();
        let mut second = DMatrix::zeros(t, t);
        let mut sums = Blocks::zeros(problem.patterns());
        let (mut own, mut linear) = (vec![], true);
        for cell in 0..problem.cells() {
            let (group, structure) = problem.of_cell(cell);
            let (first, theta) = (group * per_group, problem.of_group(&fitted.point.theta, group));
            let mut bend = DMatrix::zeros(t, t);
            for k in 0..per_group {
                for l in 0..per_group {
                    if structure.second_derivative(theta, k, l, &mut second) {
                        linear = false;
                        bend += &second * self.covariance[(first + k, first + l)];
                    }
                }
            }
            for index in problem.patterns_of(cell) {
                set_at(&bend, &problem.patterns[index].visits, &mut own);
                sums.get_mut(index).copy_from_slice(&own);
            }
        }
        (!linear).then(|| sandwich_all(fitted, sums))
    }
}

/// Takes the elements of a matrix on the visit grid at a pattern's visits.
fn set_at(matrix: &DMatrix<f64>, visits: &[usize], own: &mut Vec<f64>) {
    own.clear();
    visits.iter().for_each(|&b| own.extend(visits.iter().map(|&a| matrix[(a, b)])));
}

/// W inner W of every pattern.
fn sandwich_all(fitted: &Fitted, mut inner: Blocks) -> Blocks {
    let mut left = vec![0.0; fitted.structure().visits().pow(2)];
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

/// The inverse of a symmetric matrix on the directions in which it is positive; the others carry no information.
/// Scaled to unit diagonal first, so that units do not decide what counts as zero.
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
