//! What every engine answers of the marginal model y ~ N(Xβ, V(θ)) at its optimum, in the natural parameters θ.

use super::Failure;
use super::curvature::Curvature;
use super::optimum::Optimum;
use super::refit::Repeat;
use crate::design::Design;
use nalgebra::{DMatrix, DVector};
use std::fmt::Debug;

/// The likelihood at some θ.
#[derive(Debug, Clone)]
pub(crate) struct Solution {
    /// −2ℓ.
    pub value: f64,
    /// β of the fitted columns, as centred.
    pub beta: DVector<f64>,
    /// Φ = (X'V⁻¹X)⁻¹.
    pub phi: DMatrix<f64>,
}

/// The predicted effects of a term's levels: û = GZ'Py with the covariance of û − u (Robinson 1991, Stat Sci
/// 6:15–32), which counts that β is estimated.
#[derive(Debug, Clone)]
pub(crate) struct Effects {
    /// The number k of effects of a level.
    pub size: usize,
    /// û, level by level.
    pub estimates: Vec<f64>,
    /// The covariance of û − u of each level, k × k.
    pub covariances: Vec<DMatrix<f64>>,
    /// The same for a β that is known.
    pub conditional: Vec<DMatrix<f64>>,
}

/// An optimum with its likelihood. K parameters, p columns of the mean.
pub(crate) trait MarginalModel: Debug + Send + Sync {
    /// The likelihood at θ; `None` where it has no value.
    fn at(&self, theta: &[f64]) -> Option<Solution>;

    /// −2ℓ at θ with its derivatives; `None` where it has no value.
    fn curvature_at(&self, theta: &[f64]) -> Option<(f64, Curvature)>;

    /// Gradient and Hessian of −2ℓ at the optimum; the gradient is zero, but where a variance vanished.
    fn curvature(&self) -> Curvature;

    /// The Hessian that is expected: tr(P ∂_kV P ∂_lV) for REML, tr(V⁻¹ ∂_kV V⁻¹ ∂_lV) for maximum likelihood.
    fn expected_hessian(&self) -> DMatrix<f64>;

    /// P_k = ∂(X'V⁻¹X)/∂θ_k, p × p each.
    fn slopes(&self) -> Vec<DMatrix<f64>>;

    /// Σ_kl ω_kl X'V⁻¹ ∂_kV V⁻¹ ∂_lV V⁻¹X, p × p.
    fn weighted_q(&self, omega: &DMatrix<f64>) -> DMatrix<f64>;

    /// x'{Σ_kl ω_kl X'V⁻¹ ∂_kV V⁻¹ ∂_lV V⁻¹X}x.
    fn weighted_q_along(&self, omega: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
        x.dot(&(self.weighted_q(omega) * x))
    }

    /// Σ_kl ω_kl X'V⁻¹ ∂_klV V⁻¹X, p × p; `None` where V is linear in θ.
    fn weighted_r(&self, omega: &DMatrix<f64>) -> Option<DMatrix<f64>>;

    /// The same without the part that is a matter of the parameters in which V is written (Kenward & Roger 2009).
    /// `None` also with effects of clusters, for which it is not built.
    fn intrinsic_r(&self, omega: &DMatrix<f64>) -> Option<DMatrix<f64>>;

    /// The predicted effects of a term, by its position.
    fn effects(&self, term: usize) -> Effects;

    /// What fits the same model to other data, beginning at this optimum; `design` is that of the fit.
    fn repeat(&self, optimum: &Optimum, design: &Design) -> Result<Box<dyn Repeat>, Failure>;

    /// What degrees of freedom take of the Hessian, where it has too many elements to be formed for them.
    fn without_hessian(&self) -> Option<&dyn Uncertainty> {
        None
    }

    /// Refuses what takes the whole Hessian where that is beyond the limits.
    fn affords_hessian(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// How uncertain covariance parameters make what depends on them.
pub(crate) trait Uncertainty: Debug + Send + Sync {
    /// The gradient of v'Φv over the parameters, given Φv.
    fn variance_gradient(&self, phi_v: &DVector<f64>) -> DVector<f64>;

    /// The gradient of l'Φl over the parameters, given Φ at the optimum, l and Φl.
    fn gradient_of_combination(&self, _phi: &DMatrix<f64>, _l: &DVector<f64>, phi_l: &DVector<f64>) -> DVector<f64> {
        self.variance_gradient(phi_l)
    }

    /// The gradient of a'Σb over the parameters, Σ the covariance of `group` on the visit grid and a, b held.
    fn gradient_of_own_variance(&self, group: usize, a: &[f64], b: &[f64]) -> DVector<f64>;

    /// g'Ag of a gradient g, A the covariance of the parameters.
    fn spread(&self, gradient: &DVector<f64>) -> f64;
}
