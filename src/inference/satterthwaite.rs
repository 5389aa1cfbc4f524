//! Degrees of freedom by matching the first two moments of the estimated variance (Satterthwaite 1946, Biometrics
//! Bulletin 2:110–114; Giesbrecht & Burns 1985, Biometrics 41:477–486; several degrees of freedom: Fai & Cornelius
//! 1996, J Stat Comput Simul 54:363–378).

use super::information::Information;
use nalgebra::{DMatrix, DVector};

/// ν = 2 v² / (g'Ag), v = l'Φl, g its gradient over the covariance parameters, A their covariance. Infinite where v
/// does not depend on them.
pub(crate) fn df(information: &Information, phi: &DMatrix<f64>, l: &DVector<f64>) -> f64 {
    let phi_l = phi * l;
    let v = l.dot(&phi_l);
    let g = information.variance_gradient(&phi_l);
    let spread = (g.transpose() * &information.covariance * &g)[0];
    if spread > 0.0 { 2.0 * v * v / spread } else { f64::INFINITY }
}

/// Denominator degrees of freedom of an F statistic from those of its independent t statistics: E = Σ ν/(ν − 2) over
/// the ν > 2, 2E/(E − q).
pub(crate) fn denominator_df(nu: &[f64]) -> f64 {
    let q = nu.len() as f64;
    let first = nu[0];
    if nu.iter().all(|v| (v - first).abs() <= 1e-8 * first.abs()) || nu.iter().all(|v| v.is_infinite()) {
        return first;
    }
    if nu.iter().any(|&v| v <= 2.0) {
        return 2.0;
    }
    // ν/(ν − 2) − 1 = 2/(ν − 2), summed without the cancellation of E − q; zero for an infinite ν.
    let excess: f64 = nu.iter().map(|v| 2.0 / (v - 2.0)).sum();
    2.0 * (q + excess) / excess
}
