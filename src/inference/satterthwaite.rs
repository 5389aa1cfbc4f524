//! Degrees of freedom by matching the first two moments of the estimated variance (Satterthwaite 1946, Biometrics
//! Bulletin 2:110–114; Giesbrecht & Burns 1985, Biometrics 41:477–486).

use super::weighing::times;
use crate::fit::marginal::Uncertainty;
use nalgebra::{DMatrix, DVector};

/// ν = 2 v² / (g'Ag), v = l'Φl, g its gradient over the covariance parameters, A their covariance. Infinite where v
/// does not depend on them.
pub(crate) fn df(uncertainty: &dyn Uncertainty, phi: &DMatrix<f64>, l: &DVector<f64>) -> f64 {
    let phi_l = times(phi, l);
    let v = l.dot(&phi_l);
    let spread = uncertainty.spread(&uncertainty.gradient_of_combination(phi, l, &phi_l));
    if spread > 0.0 { 2.0 * v * v / spread } else { f64::INFINITY }
}
