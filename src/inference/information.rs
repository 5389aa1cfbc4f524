//! What the data say of the covariance parameters, and how the covariance of the estimates moves with them.

use super::expected_information::InformationKind;
use crate::fit::curvature::Curvature;
use crate::fit::kernels::{dot, multiply, quadratic_form};
use crate::fit::marginal::Uncertainty;
use crate::fit::optimum::Optimum;
use crate::fit::scaled_cholesky::pseudo_inverse;
use crate::fit::sigmas::Derivatives;
use nalgebra::{DMatrix, DVector};
use std::sync::OnceLock;

/// Columns up to which P_kΦ is made of all parameters at once.
const FEW: usize = 16;

/// Second-order facts at the optimum, in the natural parameters; in the working ones where a variance is at its
/// boundary, so that what vanished no longer counts.
#[derive(Debug)]
pub(crate) struct Information {
    /// The asymptotic covariance of the parameters: twice the inverse of the Hessian of −2ℓ, observed or expected.
    pub covariance: DMatrix<f64>,
    /// P_k of every parameter, p × p; none of an optimum found without a Hessian, unless they are asked for.
    pub p: Vec<DMatrix<f64>>,
    /// The elements of every P_k that are not zero, where they are few: on and below the diagonal, twice below it.
    elements: Option<Vec<Elements>>,
    /// P_kΦ of every parameter, where columns are few: once made, a combination of few coefficients takes few products of them.
    p_phi: OnceLock<Vec<f64>>,
    /// ∂_kΣ of the natural parameters, cell by cell of groups and classes.
    derivatives: Vec<Derivatives>,
    /// ∂θ/∂η' where the working parameters are used, or those of a model in another basis of the visits.
    pub jacobian: Option<DMatrix<f64>>,
    /// Whether they are those of the model.
    of_model: bool,
}

impl Information {
    /// In the natural parameters, or in the working ones where a variance vanished: the likelihood has a slope there
    /// in the natural ones, and its Hessian is no information. What that is expected to be is one at the boundary
    /// too, as pbkrtest has it.
    pub fn of(optimum: &Optimum, kind: InformationKind, slopes: bool) -> Self {
        let natural_p = if slopes || optimum.model().without_hessian().is_none() { optimum.model().slopes() } else { vec![] };
        let derivatives = optimum.sigmas.derivatives(&optimum.theta);
        if let Some(turn) = optimum.turn() {
            let hessian = match kind {
                InformationKind::Expected => optimum.model().expected_hessian(),
                InformationKind::Observed => optimum.model().curvature().hessian,
            };
            let covariance = 2.0 * pseudo_inverse(&hessian);
            return Self {
                covariance,
                elements: elements(&natural_p),
                p: natural_p,
                p_phi: OnceLock::new(),
                derivatives,
                jacobian: Some(turn.clone()),
                of_model: true,
            };
        }
        let (hessian, jacobian) = match kind {
            InformationKind::Expected => (optimum.model().expected_hessian(), None),
            InformationKind::Observed if optimum.convergence.boundary.is_empty() => (optimum.model().curvature().hessian, None),
            InformationKind::Observed => (in_working_parameters(optimum).hessian, Some(optimum.jacobian())),
        };
        let p = match &jacobian {
            None => natural_p,
            Some(j) => (0..j.ncols()).map(|k| combination(natural_p.iter(), |l| j[(l, k)], natural_p[0].nrows())).collect(),
        };
        Self {
            covariance: 2.0 * pseudo_inverse(&hessian),
            elements: elements(&p),
            p,
            p_phi: OnceLock::new(),
            derivatives,
            of_model: jacobian.is_none(),
            jacobian,
        }
    }

    /// The covariance of the parameters as the model has them.
    pub(super) fn omega_of_model(&self) -> DMatrix<f64> {
        if self.of_model { self.covariance.clone() } else { self.omega() }
    }

    /// The covariance of the natural parameters.
    pub(super) fn omega(&self) -> DMatrix<f64> {
        match &self.jacobian {
            None => self.covariance.clone(),
            Some(j) => j * &self.covariance * j.transpose(),
        }
    }
}

impl Uncertainty for Information {
    /// The gradient of v'Φv over the parameters: ∂_k(v'Φv) = −(Φv)'P_k(Φv).
    fn variance_gradient(&self, phi_v: &DVector<f64>) -> DVector<f64> {
        let form = |elements: &Elements| elements.iter().map(|&(i, j, x)| x * phi_v[i] * phi_v[j]).sum::<f64>();
        match &self.elements {
            Some(all) => DVector::from_iterator(all.len(), all.iter().map(|own| -form(own))),
            None => {
                let mut room = vec![0.0; phi_v.len()];
                DVector::from_iterator(self.p.len(), self.p.iter().map(|p| -quadratic_form(p.as_slice(), phi_v.as_slice(), &mut room)))
            }
        }
    }

    /// ∂_k(l'Φl) = −(Φl)'P_kΦl.
    fn gradient_of_combination(&self, phi: &DMatrix<f64>, l: &DVector<f64>, phi_l: &DVector<f64>) -> DVector<f64> {
        let n = phi.nrows();
        if n > FEW || self.p.is_empty() {
            return self.variance_gradient(phi_l);
        }
        let all = self.p_phi.get_or_init(|| {
            let mut products = vec![0.0; self.p.len() * n * n];
            self.p.iter().zip(products.chunks_exact_mut(n * n)).for_each(|(p, own)| multiply(p.as_slice(), phi.as_slice(), n, own));
            products
        });
        let weights = l.iter().enumerate().filter(|(_, l)| **l != 0.0);
        let form = |own: &[f64]| weights.clone().map(|(j, l)| l * dot(&own[j * n..(j + 1) * n], phi_l.as_slice())).sum::<f64>();
        DVector::from_iterator(self.p.len(), all.chunks_exact(n * n).map(|own| -form(own)))
    }

    /// The gradient of a'Σb over the parameters, Σ the covariance of `group` on the visit grid and a, b held.
    fn gradient_of_own_variance(&self, group: usize, a: &[f64], b: &[f64]) -> DVector<f64> {
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

    fn spread(&self, gradient: &DVector<f64>) -> f64 {
        (gradient.transpose() * &self.covariance * gradient)[0]
    }
}

/// The derivatives of −2ℓ over the working parameters; an element of a Cholesky factor that is zero but for rounding
/// has none.
fn in_working_parameters(optimum: &Optimum) -> Curvature {
    let mut curvature = optimum.model().curvature();
    optimum.to_working(optimum.eta(), &mut curvature);
    for k in optimum.vanished() {
        curvature.hessian.row_mut(k).fill(0.0);
        curvature.hessian.column_mut(k).fill(0.0);
    }
    curvature
}

/// Rows, columns and values.
type Elements = Vec<(usize, usize, f64)>;

/// The elements of symmetric matrices that are not zero; `None` where they are many, or the matrices small.
fn elements(matrices: &[DMatrix<f64>]) -> Option<Vec<Elements>> {
    const SMALL: usize = 100;
    const SHARE: usize = 8;
    let of = |matrix: &DMatrix<f64>| -> Option<Elements> {
        let (n, mut own) = (matrix.nrows(), vec![]);
        for (j, column) in matrix.column_iter().enumerate() {
            let below = column.iter().enumerate().skip(j).filter(|(_, x)| **x != 0.0);
            own.extend(below.map(|(i, &x)| (i, j, if i == j { x } else { 2.0 * x })));
            if own.len() > n * n / SHARE {
                return None;
            }
        }
        Some(own)
    };
    if matrices.first().is_none_or(|own| own.nrows() < SMALL) { None } else { matrices.iter().map(of).collect() }
}

fn combination<'a>(matrices: impl Iterator<Item = &'a DMatrix<f64>>, weight: impl Fn(usize) -> f64, size: usize) -> DMatrix<f64> {
    matrices.enumerate().fold(DMatrix::zeros(size, size), |sum, (l, m)| sum + m * weight(l))
}
