//! The patients of a design, seen through the fit that they belong to: the whole of it, or one response.

use super::fit::Fit;
use super::moments_fit::GroupCovariance;
use super::random_effects::FittedTerm;
use crate::design::{Design, Place};
use crate::error::Result;
use nalgebra::{DMatrix, DVector};

/// A design within a fit.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    /// The fit whose likelihood it is part of.
    pub fit: &'a Fit,
    pub design: &'a Design,
    /// Σ of each group, on the visits of the design.
    pub covariances: &'a [GroupCovariance],
    /// The coefficients of the design's columns.
    pub beta: &'a [f64],
    /// Where its columns and visits are among those of the fit.
    pub place: Place,
}

impl<'a> View<'a> {
    /// All of a fit.
    pub fn whole(fit: &'a Fit) -> Self {
        let design = fit.design();
        let place = Place { cells: 0..design.visit_labels().len(), columns: 0..design.columns.len() };
        Self { fit, design, covariances: fit.covariances(), beta: fit.beta(), place }
    }

    /// One number per column of the design as one per column of the fit.
    pub fn padded(&self, own: &[f64]) -> Vec<f64> {
        placed(own, self.place.columns.start, self.fit.beta().len())
    }

    /// One number per visit of the design as one per visit of the fit.
    pub fn on_fitted_visits(&self, own: &[f64]) -> Vec<f64> {
        placed(own, self.place.cells.start, self.fit.design().visit_labels().len())
    }

    /// The weights of the fitted columns, as centred, for one weight per column of the design.
    pub fn centred_weights(&self, label: &str, l: &[f64]) -> Result<DVector<f64>> {
        self.fit.centred_weights(label, &self.padded(l))
    }

    /// The random effects of clusters.
    pub fn fitted_terms(&self) -> Vec<FittedTerm<'a>> {
        self.fit.fitted_terms()
    }

    /// V_i: the model covariance of an analysed patient's observations at the visits `seen`, Z_iGZ_i' + Σ_i.
    pub fn covariance_of(&self, patient: usize, seen: &[usize]) -> DMatrix<f64> {
        let mut v = self.residual_covariance_of(patient, seen);
        let (visits, theta) = (self.design.visit_labels().len(), &self.fit.optimum().theta);
        for own in self.fitted_terms() {
            let (g, k) = (own.covariance(theta), own.term.effects().len());
            let at = |t: usize| (own.term.level_of()[patient * visits + t], patient * visits + t);
            let z = |row: usize| DVector::from_column_slice(&own.term.z()[row * k..(row + 1) * k]);
            v += DMatrix::from_fn(seen.len(), seen.len(), |a, b| match (at(seen[a]), at(seen[b])) {
                ((Some(level), a), (Some(other), b)) if level == other => z(a).dot(&(&g * z(b))),
                _ => 0.0,
            });
        }
        v
    }

    /// z'û of every analysed observation, patients × visits; zero elsewhere.
    pub fn effects_by_observation(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.design.rows.y.len()];
        for own in self.fitted_terms() {
            let (predicted, k) = (self.fit.predicted(&own), own.term.effects().len());
            for ((sum, level), z) in sums.iter_mut().zip(own.term.level_of()).zip(own.term.z().chunks_exact(k)) {
                let Some(level) = level else { continue };
                let effects = &predicted[*level as usize * k..(*level as usize + 1) * k];
                *sum += effects.iter().zip(z).map(|(u, z)| u.estimate * z).sum::<f64>();
            }
        }
        sums
    }

    /// Σ_i: what an analysed patient's observations at the visits `seen` vary by beyond the effects of clusters.
    pub fn residual_covariance_of(&self, patient: usize, seen: &[usize]) -> DMatrix<f64> {
        let rows = &self.design.rows;
        let group = rows.group_of[patient];
        let optimum = self.fit.optimum();
        let sigma = match optimum.sigmas.are_shared() {
            true => self.covariances[group].sigma.clone(),
            false => optimum.sigmas.of_patient(&optimum.theta, group, patient),
        };
        let weight = |t: usize| rows.weights.as_ref().map_or(1.0, |w| w[patient * self.design.visit_labels().len() + t]);
        DMatrix::from_fn(seen.len(), seen.len(), |a, b| sigma[(seen[a], seen[b])] / (weight(seen[a]) * weight(seen[b])).sqrt())
    }
}

/// `own` from position `first` among `n` numbers, the others being zero.
fn placed(own: &[f64], first: usize, n: usize) -> Vec<f64> {
    let mut all = vec![0.0; n];
    all[first..first + own.len()].copy_from_slice(own);
    all
}
