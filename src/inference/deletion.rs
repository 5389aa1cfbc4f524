//! The algebra of leaving one patient out.
//!
//! With V the covariance of the patient's observations, X their rows, e = y − Xβ, Φ = (X'WX)⁻¹ over everybody and H =
//! XΦX', the estimates without the patient and with the same covariance parameters are exactly
//!
//! ```text
//! β₋ − β = −ΦX'(V − H)⁻¹e        Φ₋ = Φ + ΦX'(V − H)⁻¹XΦ
//! ```
//!
//! (Woodbury; Christensen, Pearson & Johnson 1992, Technometrics 34:38–45). With V = LL' and L⁻¹HL⁻ᵀ = UΛU',
//! everything follows from the leverages λ in
//! [0, 1) and f = U'L⁻¹e; a leverage of 1 means that the others do not determine β.

use super::view::View;
use super::{Fit, Refitter};
use crate::error::Result;
use nalgebra::{DMatrix, DVector};

/// Leverage beyond which the other patients do not determine β.
const WHOLE: f64 = 1.0 - 1e-10;

/// The rows and residuals of one patient.
pub(super) struct Own {
    /// The patient, as a position in the design.
    pub patient: usize,
    /// X, a column an observation, in the fitted columns as centred.
    x: DMatrix<f64>,
    v: DMatrix<f64>,
    residuals: DVector<f64>,
}

/// What changes when a patient is left out.
pub(super) struct Deletion {
    /// β₋ − β of the fitted columns as centred.
    pub change: DVector<f64>,
    /// (β₋ − β)'Φ⁻¹(β₋ − β) / p.
    pub cooks_distance: f64,
    /// (β₋ − β)'Φ₋⁻¹(β₋ − β) / p.
    pub mdffits: f64,
    /// |Φ₋| / |Φ|.
    pub covratio: f64,
    /// |tr Φ⁻¹Φ₋ − p|.
    pub covtrace: f64,
    /// Σ (y − Xβ₋)².
    pub press: f64,
    /// The covariance parameters, where they were estimated again.
    pub covariance: Option<CovarianceDeletion>,
}

/// What changes in the covariance parameters.
pub(super) struct CovarianceDeletion {
    /// θ₋ − θ.
    pub change: Vec<f64>,
    /// (θ₋ − θ)'Γ⁻¹(θ₋ − θ), Γ their asymptotic covariance.
    pub cooks_distance: f64,
    /// 2(ℓ(β, θ) − ℓ(β₋, θ₋)), for REML of the restricted likelihood, on the data of everybody.
    pub likelihood_distance: f64,
}

impl Own {
    /// Gathers what belongs to a patient; `rows` are those of the model matrix.
    pub fn of(fit: &Fit, rows: &[(usize, usize, Vec<f64>)]) -> Result<Self> {
        let design = fit.design();
        let patient = rows[0].0;
        let seen: Vec<usize> = rows.iter().map(|(_, t, _)| *t).collect();
        let columns = rows.iter().map(|(.., x)| fit.centred_weights("a fitted value", x)).collect::<Result<Vec<_>>>()?;
        let x = DMatrix::from_columns(&columns);
        let y = DVector::from_iterator(seen.len(), seen.iter().map(|&t| design.rows.y[patient * design.visit_labels().len() + t]));
        Ok(Self { patient, residuals: y - x.transpose() * &fit.optimum().beta, v: View::whole(fit).covariance_of(patient, &seen), x })
    }

    pub fn observations(&self) -> usize {
        self.residuals.len()
    }

    /// The change with the covariance parameters held, or why there is none.
    pub fn held(&self, fit: &Fit) -> Result<Deletion, String> {
        let phi = &fit.optimum().phi;
        let singular = || "the model covariance of the patient's visits is singular".to_string();
        let l = self.v.clone().cholesky().ok_or_else(singular)?.unpack();
        let scaled_x = l.solve_lower_triangular(&self.x.transpose()).ok_or_else(singular)?;
        let scaled_e = l.solve_lower_triangular(&self.residuals).ok_or_else(singular)?;
        let leverage = (&scaled_x * phi * scaled_x.transpose()).symmetric_eigen();
        let (largest, value) = leverage.eigenvalues.argmax();
        if value > WHOLE {
            let direction = phi * scaled_x.transpose() * leverage.eigenvectors.column(largest);
            return Err(undetermined(fit, &direction));
        }
        let f = leverage.eigenvectors.transpose() * scaled_e;
        let rest = leverage.eigenvalues.map(|lambda| 1.0 - lambda);
        let g = &leverage.eigenvectors * f.component_div(&rest);
        let p = phi.nrows() as f64;
        let over = |of: fn(f64, f64) -> f64| leverage.eigenvalues.iter().zip(f.iter()).map(|(&lambda, &f)| of(lambda, f)).sum::<f64>();
        Ok(Deletion {
            change: -(phi * scaled_x.transpose() * &g),
            cooks_distance: over(|lambda, f| lambda * (f / (1.0 - lambda)).powi(2)) / p,
            mdffits: over(|lambda, f| lambda * f * f / (1.0 - lambda)) / p,
            covratio: 1.0 / rest.iter().product::<f64>(),
            covtrace: over(|lambda, _| lambda / (1.0 - lambda)),
            press: (l * g).norm_squared(),
            covariance: None,
        })
    }

    /// The change with everything estimated again without the patient, or why there is none.
    pub fn estimated_again(&self, fit: &Fit, refitter: Refitter<'_>) -> Result<Deletion, String> {
        // A patient on whom β depends leaves columns that the refit would drop.
        self.held(fit)?;
        let mut times = vec![1_u32; fit.design().patients().len()];
        times[self.patient] = 0;
        let without = refitter.fit_to_patients(&times).map_err(|e| format!("without the patient, {e}"))?;
        if without.optimum().kept != fit.optimum().kept || without.optimum().centring != fit.optimum().centring {
            return Err("without the patient, other columns are aliased".into());
        }
        let phi = &fit.optimum().phi;
        let phi_without = &without.optimum().phi;
        let change = &without.optimum().beta - &fit.optimum().beta;
        let distance = |phi: &DMatrix<f64>| quadratic(phi, &change).unwrap_or(f64::NAN) / change.len() as f64;
        let factor = phi.clone().cholesky();
        let determinant = |m: &DMatrix<f64>| m.clone().cholesky().map_or(f64::NAN, |c| c.l_dirty().diagonal().map(|d| 2.0 * d.ln()).sum());
        Ok(Deletion {
            cooks_distance: distance(phi),
            mdffits: distance(phi_without),
            covratio: (determinant(phi_without) - determinant(phi)).exp(),
            covtrace: factor.map_or(f64::NAN, |c| (c.solve(phi_without).trace() - change.len() as f64).abs()),
            press: (&self.residuals - self.x.transpose() * &change).norm_squared(),
            covariance: Some(covariance_change(fit, &without, &change)),
            change,
        })
    }
}

/// The columns that a direction in β leaves undetermined.
fn undetermined(fit: &Fit, direction: &DVector<f64>) -> String {
    let phi = &fit.optimum().phi;
    let share = |c: usize| direction[c].abs() / phi[(c, c)].sqrt();
    let largest = (0..direction.len()).map(share).fold(0.0, f64::max);
    let names: Vec<&str> = (0..direction.len())
        .filter(|&c| share(c) > 0.1 * largest)
        .map(|c| fit.design().columns()[fit.optimum().kept[c]].name.as_str())
        .collect();
    format!("the other patients do not determine {}", names.join(", "))
}

/// v'M⁻¹v of a positive definite M in whatever units.
fn quadratic(matrix: &DMatrix<f64>, v: &DVector<f64>) -> Option<f64> {
    let scale = matrix.diagonal().map(|d| 1.0 / d.sqrt());
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |a, b| matrix[(a, b)] * scale[a] * scale[b]);
    let v = v.component_mul(&scale);
    Some(v.dot(&scaled.cholesky()?.solve(&v)))
}

fn covariance_change(fit: &Fit, without: &Fit, beta_change: &DVector<f64>) -> CovarianceDeletion {
    let (theta, theta_without) = (&fit.optimum().theta, &without.optimum().theta);
    let change: Vec<f64> = theta_without.iter().zip(theta).map(|(a, b)| a - b).collect();
    // At a boundary the asymptotic covariance is that of other parameters.
    let inside = fit.convergence().boundary.is_empty();
    let distance = quadratic(fit.covariance_parameters_vcov(), &DVector::from_column_slice(&change)).filter(|_| inside);
    CovarianceDeletion {
        change,
        cooks_distance: distance.unwrap_or(f64::NAN),
        likelihood_distance: displacement(fit, theta_without, beta_change),
    }
}

/// 2(ℓ(β, θ) − ℓ(β₋, θ₋)) on the data of everybody. The restricted likelihood is a function of θ alone.
fn displacement(fit: &Fit, theta_without: &[f64], beta_change: &DVector<f64>) -> f64 {
    let Some(there) = fit.optimum().at(theta_without) else { return f64::NAN };
    let profile = there.value - fit.optimum().value;
    match fit.estimation() {
        crate::fit::Estimation::Reml => profile,
        crate::fit::Estimation::Ml => {
            let off = &fit.optimum().beta + beta_change - &there.beta;
            profile + quadratic(&there.phi, &off).unwrap_or(f64::NAN)
        }
    }
}
