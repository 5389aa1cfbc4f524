//! Residuals of a fit: response, Pearson and normalised.

use super::Fit;
use super::view::View;
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::{DMatrix, DVector};

/// The residuals of all analysed observations, patient by patient in order of visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Residuals {
    /// Name of the outcome.
    pub outcome: String,
    /// Labels of the analysed visits.
    pub visits: Vec<String>,
    /// One row an observation.
    pub rows: Vec<Residual>,
}

/// What the model leaves unexplained of one observation.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Residual {
    /// The patient, as a position in the trial.
    pub patient: usize,
    /// The visit, as a position in [`Residuals::visits`].
    pub visit: usize,
    /// The fitted mean x'β.
    pub fitted: f64,
    /// Observed minus fitted, in units of the outcome.
    pub response: f64,
    /// The response residual over its model standard deviation at that visit.
    pub pearson: f64,
    /// An entry of L⁻¹(y − Xβ), where LL' is the model covariance of the patient's observed visits in order:
    /// independent and standard normal if the model holds.
    pub normalised: f64,
    /// Observed minus x'β + z'û, the predicted effects of clusters being taken away too; the response residual where
    /// there are none.
    pub conditional: f64,
    /// The conditional residual over the standard deviation √Σ_tt.
    pub conditional_pearson: f64,
    /// An entry of L⁻¹(y − Xβ − Zû), where LL' is Σ over the patient's observed visits in order.
    pub conditional_normalised: f64,
}

impl Fit {
    /// The residuals of all analysed observations.
    ///
    /// Normalised residuals are L⁻¹(y − Xβ) with LL' = Σ over the patient's observed visits, L lower triangular with
    /// visits in order (Pinheiro & Bates 2000, Mixed-Effects Models in S and S-PLUS, §5.3.4; nlme's
    /// `type = "normalized"`). Observation weights w scale variances by 1/w.
    ///
    /// With random effects of clusters the model covariance of a patient's visits is that of their own
    /// observations, Z_iGZ_i' + Σ_i; patients of one cluster stay correlated. Conditional residuals have the
    /// predicted effects taken away as well, and Σ_i alone as their covariance: nlme's residuals at the innermost
    /// level.
    pub fn residuals(&self) -> Residuals {
        View::whole(self).residuals()
    }

    /// Refuses what takes one Σ per group where coordinates that differ by patient give each patient their own.
    pub(super) fn check_shared_covariance(&self, what: &str) -> Result<()> {
        if self.optimum().sigmas.are_shared() {
            return Ok(());
        }
        Err(Error::not_built(
            format!("{what} of this fit"),
            "its covariance has coordinates that differ by patient",
            "use a structure on the scheduled visits",
        ))
    }
}

impl View<'_> {
    pub(super) fn residuals(&self) -> Residuals {
        let design = self.design;
        let visits = design.visit_labels().len();
        let mut rows: Vec<Residual> = vec![];
        let matrix = design.model_matrix();
        let effects = self.effects_by_observation();
        for patient in matrix.chunk_by(|a, b| a.0 == b.0) {
            let i = patient[0].0;
            let seen: Vec<usize> = patient.iter().map(|(_, t, _)| *t).collect();
            let v = self.covariance_of(i, &seen);
            let fitted: Vec<f64> = patient.iter().map(|(_, _, x)| product(x, self.beta)).collect();
            let response = DVector::from_iterator(seen.len(), seen.iter().zip(&fitted).map(|(&t, f)| design.rows.y[i * visits + t] - f));
            let conditional = DVector::from_iterator(seen.len(), (0..seen.len()).map(|k| response[k] - effects[i * visits + seen[k]]));
            let sigma = self.residual_covariance_of(i, &seen);
            let whitened = |v: &DMatrix<f64>, r: &DVector<f64>| v.clone().cholesky().and_then(|c| c.l().solve_lower_triangular(r));
            let (normalised, conditional_normalised) = (whitened(&v, &response), whitened(&sigma, &conditional));
            rows.extend((0..seen.len()).map(|k| Residual {
                patient: design.patients()[i],
                visit: seen[k],
                fitted: fitted[k],
                response: response[k],
                pearson: response[k] / v[(k, k)].sqrt(),
                // A singular covariance has no normalised residuals.
                normalised: normalised.as_ref().map_or(f64::NAN, |n| n[k]),
                conditional: conditional[k],
                conditional_pearson: conditional[k] / sigma[(k, k)].sqrt(),
                conditional_normalised: conditional_normalised.as_ref().map_or(f64::NAN, |n| n[k]),
            }));
        }
        Residuals { outcome: design.outcome().into(), visits: design.visit_labels().to_vec(), rows }
    }
}

/// x'β over the columns that are not aliased.
pub(super) fn product(x: &[f64], beta: &[f64]) -> f64 {
    x.iter().zip(beta).filter(|(x, _)| **x != 0.0).map(|(x, b)| if b.is_nan() { 0.0 } else { x * b }).sum()
}

impl Tabular for Residuals {
    fn title(&self) -> String {
        format!("Residuals of {}", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name: &'static str, heading: &str, of: fn(&Residual) -> f64| {
            Column::real(name, heading, Format::Decimals(3), self.rows.iter().map(of))
        };
        let mut columns = vec![
            Column::count("patient", "Patient (position)", self.rows.iter().map(|r| r.patient)),
            Column::text("visit", "Visit", self.rows.iter().map(|r| self.visits[r.visit].as_str())),
            real("fitted", "Fitted", |r| r.fitted),
            real("response", "Response", |r| r.response),
            real("pearson", "Pearson", |r| r.pearson),
            real("normalised", "Normalised", |r| r.normalised),
        ];
        if self.has_effects() {
            columns.extend([
                real("conditional", "Conditional", |r| r.conditional),
                real("conditional_pearson", "Conditional Pearson", |r| r.conditional_pearson),
                real("conditional_normalised", "Conditional normalised", |r| r.conditional_normalised),
            ]);
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "Response: observed minus fitted. Pearson: over the model standard deviation. Normalised: L⁻¹(y − Xβ), LL' the model covariance of the patient's observed visits in order.".into(),
        ];
        if self.has_effects() {
            notes.push("Conditional: observed minus fitted and minus the predicted effects of clusters; Pearson and normalised by Σ, the covariance within patients.".into());
        }
        notes
    }
}

impl Residuals {
    /// Whether predicted effects of clusters tell conditional from marginal residuals.
    fn has_effects(&self) -> bool {
        self.rows.iter().any(|r| r.conditional != r.response)
    }
}

display_as_table!(Residuals);
