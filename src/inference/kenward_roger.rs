//! Kenward & Roger (1997), Biometrics 53:983–997, as SAS PROC MIXED has it: the observed information for ω, R from
//! the second derivatives of Σ in the natural parameters.

use super::information::Information;
use crate::fit::optimum::Optimum;
use nalgebra::{Cholesky, DMatrix, DVector};

/// What the adjustment makes of the second derivatives of Σ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bends {
    /// They are left out.
    Ignored,
    /// Kenward & Roger (1997): as they are.
    Whole,
    /// Kenward & Roger (2009): without the part that is a matter of the parameterisation.
    Intrinsic,
}

/// Φ_A = Φ + 2Φ {Σ_kl ω_kl (Q_kl − P_k Φ P_l − ¼ R_kl)} Φ. R is zero where Σ is linear in its parameters.
pub(crate) fn adjusted_covariance(optimum: &Optimum, information: &Information, bends: Bends) -> DMatrix<f64> {
    let (phi, model) = (&optimum.phi, optimum.model());
    let mut sum = model.weighted_q(&information.omega_of_model());
    // Where a variance is at its boundary, the parameters that remain are not those that R is defined for.
    let natural = information.jacobian.is_none().then_some(&information.covariance);
    let r = natural.and_then(|omega| match bends {
        Bends::Ignored => None,
        Bends::Whole => model.weighted_r(omega),
        Bends::Intrinsic => model.intrinsic_r(omega),
    });
    if let Some(r) = r {
        sum -= 0.25 * r;
    }
    let (p, omega) = (&information.p, &information.covariance);
    for k in 0..p.len() {
        let mut weighted = DMatrix::zeros(phi.nrows(), phi.ncols());
        for l in 0..p.len() {
            weighted += &p[l] * omega[(k, l)];
        }
        sum -= &p[k] * phi * weighted;
    }
    let adjusted = phi + 2.0 * phi * sum * phi;
    0.5 * (&adjusted + adjusted.transpose())
}

/// v'Φ_Av for one v, for what a few vectors cost.
pub(crate) fn adjusted_variance(optimum: &Optimum, information: &Information, bends: Bends, v: &DVector<f64>) -> f64 {
    let (phi, model) = (&optimum.phi, optimum.model());
    let x = phi * v;
    let mut sum = model.weighted_q_along(&information.omega_of_model(), &x);
    let natural = information.jacobian.is_none().then_some(&information.covariance);
    let r = natural.and_then(|omega| match bends {
        Bends::Ignored => None,
        Bends::Whole => model.weighted_r(omega),
        Bends::Intrinsic => model.intrinsic_r(omega),
    });
    if let Some(r) = r {
        sum -= 0.25 * x.dot(&(r * &x));
    }
    if !information.p.is_empty() {
        let moved = DMatrix::from_columns(&information.p.iter().map(|p| p * &x).collect::<Vec<_>>());
        sum -= moved.dot(&(phi * (&moved * &information.covariance)));
    }
    v.dot(&x) + 2.0 * sum
}

/// The scale λ and the denominator degrees of freedom m of an F statistic with ℓ numerator degrees of freedom.
pub(crate) struct Scaling {
    pub lambda: f64,
    pub m: f64,
}

/// λ and m for the rows of `l` (ℓ × p, independent).
pub(crate) fn scaling(information: &Information, phi: &DMatrix<f64>, l: &DMatrix<f64>) -> Option<Scaling> {
    let rank = l.nrows();
    let ell = rank as f64;
    let l_phi = l * phi;
    let root = Cholesky::new(&l_phi * l.transpose())?.l();
    let whitened = root.solve_lower_triangular(&l_phi)?;
    // T_k = (LΦL')^{-½} LΦP_kΦL' (LΦL')^{-½}', so that tr(ΘΦP_kΦ) = tr T_k.
    let t: Vec<DMatrix<f64>> = information.p.iter().map(|p| &whitened * p * whitened.transpose()).collect();
    let (mut a1, mut a2) = (0.0, 0.0);
    for (k, tk) in t.iter().enumerate() {
        for (j, tj) in t.iter().enumerate() {
            let omega = information.covariance[(k, j)];
            a1 += omega * tk.trace() * tj.trace();
            a2 += omega * tk.dot(&tj.transpose());
        }
    }
    if a2 <= 0.0 {
        return Some(Scaling { lambda: 1.0, m: f64::INFINITY });
    }
    if rank == 1 {
        return Some(Scaling { lambda: 1.0, m: 2.0 / a2 });
    }
    let b = (a1 + 6.0 * a2) / (2.0 * ell);
    let g = ((ell + 1.0) * a1 - (ell + 4.0) * a2) / ((ell + 2.0) * a2);
    let d = 3.0 * ell + 2.0 * (1.0 - g);
    let (c1, c2, c3) = (g / d, (ell - g) / d, (ell + 2.0 - g) / d);
    let e = 1.0 / (1.0 - a2 / ell);
    let v = 2.0 / ell * (1.0 + c1 * b) / ((1.0 - c2 * b).powi(2) * (1.0 - c3 * b));
    let rho = v / (2.0 * e * e);
    let m = 4.0 + (ell + 2.0) / (ell * rho - 1.0);
    Some(Scaling { lambda: m / (e * (m - 2.0)), m })
}
