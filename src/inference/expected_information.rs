//! The expected information of the covariance parameters, exact in finite samples.
//!
//! With P = W − WXΦX'W over all observations, twice the information that REML expects is
//!
//! ```text
//! tr(P ∂_kΣ P ∂_lΣ) = Σ_P {n tr(∂_kΣ W ∂_lΣ W) − 2 tr(∂_kΣ W ∂_lΣ W H_P W)} + tr(Φ P_k Φ P_l),   H_P = Σ_i X_i Φ X_i'
//! ```
//!
//! (Kenward & Roger 1997, Biometrics 53:983–997, section 3.1, where the second sum is tr(ΦQ_kl)). For maximum
//! likelihood only the first sum remains.

use crate::fit::Estimation;
use crate::fit::curvature::Derivatives;
use crate::fit::optimum::Fitted;
use crate::options::choices;
use nalgebra::DMatrix;

/// Which information of the covariance parameters stands behind degrees of freedom and the adjustments of Kenward and
/// Roger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InformationKind {
    /// Half the Hessian of −2 log-likelihood at the optimum (the default): SAS PROC MIXED, R mmrm, and lmerTest's
    /// Satterthwaite.
    #[default]
    Observed,
    /// What that is expected to be under the fitted model: pbkrtest, lmerTest's Kenward–Roger, Stata's
    /// `dfmethod(kroger, eim)`. Equal to the observed information in balanced data with a structure linear in its
    /// parameters.
    Expected,
}

choices! {
    InformationKind, "information of the covariance parameters":
    Observed = "observed", ["oim"], "the curvature found at the optimum: SAS, mmrm";
    Expected = "expected", ["eim"], "the curvature expected under the fitted model: pbkrtest, Stata's eim";
}

/// The expected Hessian of −2ℓ in the natural parameters, given ∂Σ and P_k.
pub(crate) fn expected_hessian(fitted: &Fitted, derivatives: &[Derivatives], p: &[DMatrix<f64>]) -> DMatrix<f64> {
    let mut expected = fitted.problem.fisher(&fitted.point, derivatives);
    if fitted.problem.estimation == Estimation::Ml {
        return expected;
    }
    let phi_p: Vec<DMatrix<f64>> = p.iter().map(|p| &fitted.point.phi * p).collect();
    expected -= 2.0
        * fitted.problem.traces(&fitted.point.w, &fitted.problem.leverages_between_weights(&fitted.point, &fitted.point.phi), derivatives);
    for k in 0..p.len() {
        let transposed = phi_p[k].transpose();
        for l in 0..p.len() {
            expected[(k, l)] += transposed.dot(&phi_p[l]);
        }
    }
    0.5 * (&expected + expected.transpose())
}
