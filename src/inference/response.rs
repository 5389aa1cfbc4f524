//! One response of a joint fit: a design of its own, with the uncertainty of the whole.
//!
//! Its estimates are combinations of the joint parameter vector with zeros for the other responses, and their
//! covariance and degrees of freedom are those of the joint fit.

use super::spread::of_visit;
use super::view::View;
use super::{Coefficients, Df, Estimate, FTest, Fit, GroupCovariance, PredictionOptions, Predictions, Residuals, Vcov};
use crate::covariance::Covariance;
use crate::design::{Account, Columns, Design, Place};
use crate::error::Result;
use crate::estimates::{CrossProducts, Estimates, OutcomeSpread, determined};
use crate::table::observations_of_patients;
use crate::trial::Trial;
use nalgebra::DMatrix;
use std::sync::Arc;

/// One response of a [joint fit](crate::joint::JointFit).
///
/// It has means, contrasts and effect sizes of its own ([`Means`](crate::means::Means)), residuals and predictions. What
/// the likelihood is about (information criteria, covariance parameters, convergence) belongs to all responses together:
/// [`ResponseFit::whole`].
#[derive(Debug)]
pub struct ResponseFit {
    whole: Arc<Fit>,
    design: Design,
    /// The structure on its own visits, in the parameters of the whole.
    covariance: Covariance,
    place: Place,
    beta: Vec<f64>,
    vcov: DMatrix<f64>,
    covariances: Vec<GroupCovariance>,
}

impl ResponseFit {
    /// `design` is the response's own, `covariance` that of its visits in the parameters of the whole, `place` where
    /// it is in the joint design.
    pub(crate) fn new(whole: &Arc<Fit>, design: Design, covariance: Covariance, place: &Place) -> Self {
        let (cells, columns) = (&place.cells, &place.columns);
        let own = |g: &GroupCovariance| GroupCovariance {
            group: g.group.clone(),
            sigma: g.sigma.view((cells.start, cells.start), (cells.len(), cells.len())).into_owned(),
        };
        Self {
            beta: whole.beta()[columns.clone()].to_vec(),
            vcov: whole.vcov().view((columns.start, columns.start), (columns.len(), columns.len())).into_owned(),
            covariances: whole.covariances().iter().map(own).collect(),
            whole: Arc::clone(whole),
            design,
            covariance,
            place: place.clone(),
        }
    }

    /// The fit of all responses.
    pub fn whole(&self) -> &Fit {
        &self.whole
    }

    /// The response's own design.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// The covariance structure of its visits.
    pub fn covariance_structure(&self) -> &Covariance {
        &self.covariance
    }

    /// Σ of each group of patients, on its visits.
    pub fn covariances(&self) -> &[GroupCovariance] {
        &self.covariances
    }

    /// The method for degrees of freedom.
    pub fn df_method(&self) -> Df {
        self.whole.df_method()
    }

    /// Where the covariance of the coefficients comes from.
    pub fn vcov_method(&self) -> Vcov {
        self.whole.vcov_method()
    }

    /// The number of its observations that are analysed.
    pub fn n_observations(&self) -> usize {
        self.design.n_observations()
    }

    /// The number of patients with an analysed observation of it.
    pub fn n_patients(&self) -> usize {
        self.design.n_patients()
    }

    /// The coefficients β, one per column of its model matrix; NaN for aliased columns.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }

    /// The covariance of β, p × p.
    pub fn vcov(&self) -> &DMatrix<f64> {
        &self.vcov
    }

    /// The table of its coefficients.
    pub fn coefficients(&self) -> Coefficients {
        let fitted = |column: usize| {
            let at = self.place.columns.start + column;
            let position = self.whole.optimum().kept.iter().position(|&kept| kept == at).ok_or(None)?;
            self.whole.fitted_coefficient(&self.design.columns[column].name, position).map_err(Some)
        };
        Coefficients::of(&self.design.columns, &self.design.account, self.notes(), fitted)
    }

    /// The estimate of l'β for one weight per column of its model matrix.
    ///
    /// # Errors
    /// As [`MomentsFit::estimate`](super::MomentsFit::estimate).
    pub fn estimate(&self, label: &str, l: &[f64]) -> Result<Estimate> {
        determined(&self.design.columns, &self.design.account, label, l)?;
        self.whole.estimate(label, &self.view().padded(l))
    }

    /// The joint test that every row of `l` (k × p) times β is zero.
    ///
    /// # Errors
    /// As [`MomentsFit::f_test`](super::MomentsFit::f_test).
    pub fn f_test(&self, label: &str, l: &DMatrix<f64>) -> Result<FTest> {
        let mut padded = DMatrix::zeros(l.nrows(), self.whole.beta().len());
        for r in 0..l.nrows() {
            let own: Vec<f64> = l.row(r).iter().copied().collect();
            determined(&self.design.columns, &self.design.account, label, &own)?;
            padded.row_mut(r).copy_from_slice(&self.view().padded(&own));
        }
        self.whole.f_test(label, &padded)
    }

    /// How the joint model was fitted, one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let [_, whole] = self.whole.opening();
        let mut notes = self.whole.notes();
        if let Some(data) = notes.get_mut(1) {
            *data = observations_of_patients(self.n_observations(), self.n_patients());
        }
        notes.push(format!("Fitted jointly ({}): {} in all.", self.whole.design().outcome(), whole.trim_end_matches('.')));
        notes
    }

    /// The residuals of its analysed observations; see [`Fit::residuals`].
    pub fn residuals(&self) -> Residuals {
        self.view().residuals()
    }

    /// Predictions from its own observations; see [`Fit::predictions`].
    ///
    /// # Errors
    /// As [`Fit::predictions`].
    pub fn predictions(&self, trial: &Trial, options: &PredictionOptions) -> Result<Predictions> {
        self.view().predictions(trial, options, self.notes())
    }

    fn view(&self) -> View<'_> {
        View { fit: &self.whole, design: &self.design, covariances: &self.covariances, beta: &self.beta, place: self.place.clone() }
    }
}

impl Estimates for ResponseFit {
    fn columns(&self) -> &Columns {
        &self.design.columns
    }

    fn account(&self) -> &Account {
        &self.design.account
    }

    fn beta(&self) -> &[f64] {
        &self.beta
    }

    fn vcov(&self) -> &DMatrix<f64> {
        &self.vcov
    }

    fn df(&self, l: &[f64]) -> f64 {
        self.estimate("", l).map_or(f64::NAN, |estimate| estimate.df)
    }

    fn method_of_df(&self) -> Option<Df> {
        Some(self.whole.df_method())
    }

    fn notes(&self) -> Vec<String> {
        self.notes()
    }

    fn cross_products(&self) -> Option<CrossProducts> {
        Some(self.design.cross_products())
    }

    fn outcome_spread(&self, arms: &[usize], visit: usize) -> Result<Option<OutcomeSpread>> {
        of_visit(&self.whole, &self.design.columns, &self.covariance, &self.covariances, arms, visit)
    }

    fn estimate(&self, label: &str, l: &[f64]) -> Result<Estimate> {
        self.estimate(label, l)
    }

    fn f_test(&self, label: &str, l: &DMatrix<f64>) -> Result<FTest> {
        self.f_test(label, l)
    }

    fn coefficients(&self) -> Coefficients {
        self.coefficients()
    }
}
