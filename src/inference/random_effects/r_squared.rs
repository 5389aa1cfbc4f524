//! The share of the variance that a mixed model explains.

use crate::error::Result;
use crate::inference::Fit;
use crate::inference::residuals::product;
use crate::inference::view::View;
use crate::table::{Column, Format, Tabular, display_as_table};
use serde::Serialize;

/// Marginal and conditional R².
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RSquared {
    /// The share of the mean: σ_f² / (σ_f² + Σσ_l² + σ_ε²).
    pub marginal: f64,
    /// The share of the mean and the random effects: (σ_f² + Σσ_l²) / (σ_f² + Σσ_l² + σ_ε²).
    pub conditional: f64,
    /// σ_f²: the variance of x'β over the analysed observations, with divisor N − 1.
    pub mean_variance: f64,
    /// Σσ_l²: the mean of z'Gz over the analysed observations, of all cluster factors together.
    pub random_variance: f64,
    /// σ_ε²: the mean of Σ_tt over the analysed observations.
    pub residual_variance: f64,
    /// How they were made.
    pub notes: Vec<String>,
}

impl Fit {
    /// Marginal and conditional R² (Nakagawa & Schielzeth 2013, Methods in Ecology and Evolution 4:133–142), random
    /// slopes by the mean of z'Gz over the observations (Johnson 2014, same journal 5:944–946).
    ///
    /// Where Σ has more than one variance, the residual variance is its mean over the analysed observations, each
    /// with its visit, group and weight. What a covariance within patients says of a patient (an unstructured Σ,
    /// compound symmetry) counts as residual; state `(1 | patient)` to have it counted as an effect.
    ///
    /// # Errors
    /// [`Error::NoPatients`](crate::Error::NoPatients) for a fit from moments.
    pub fn r_squared(&self) -> Result<RSquared> {
        let design = self.design();
        let visits = design.visit_labels().len();
        let rows = design.model_matrix();
        let n = rows.len() as f64;
        let fitted: Vec<f64> = rows.iter().map(|(_, _, x)| product(x, self.beta())).collect();
        let mean = fitted.iter().sum::<f64>() / n;
        let mean_variance = fitted.iter().map(|f| (f - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let theta = &self.optimum().theta;
        let of_term = |term: &super::FittedTerm| {
            let (square, members) = term.mean_square(rows.iter().map(|&(i, t, _)| i * visits + t));
            term.covariance(theta).dot(&square) * members as f64 / n
        };
        let random_variance = self.fitted_terms().iter().map(of_term).sum::<f64>();
        let view = View::whole(self);
        let residual_variance = rows.iter().map(|&(i, t, _)| view.residual_covariance_of(i, &[t])[(0, 0)]).sum::<f64>() / n;
        let total = mean_variance + random_variance + residual_variance;
        let mut notes = self.notes();
        notes.push("R² of Nakagawa & Schielzeth (2013), random slopes by Johnson (2014): the variance of the fitted means over the observations, the mean of z'Gz and the mean residual variance.".into());
        Ok(RSquared {
            marginal: mean_variance / total,
            conditional: (mean_variance + random_variance) / total,
            mean_variance,
            random_variance,
            residual_variance,
            notes,
        })
    }
}

impl Tabular for RSquared {
    fn title(&self) -> String {
        "Variance explained".into()
    }

    fn columns(&self) -> Vec<Column> {
        let one = |name, heading, value: f64| Column::real(name, heading, Format::Decimals(3), [value]);
        vec![
            one("marginal", "Marginal R²", self.marginal),
            one("conditional", "Conditional R²", self.conditional),
            one("mean_variance", "Variance of the mean", self.mean_variance),
            one("random_variance", "Of random effects", self.random_variance),
            one("residual_variance", "Of residuals", self.residual_variance),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(RSquared);
