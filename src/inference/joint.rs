//! One response of a joint fit, as a fit of its own.
//!
//! Its design is the response's, so that everything that speaks of arms and visits works unchanged; its estimates are
//! combinations of the joint parameter vector with zeros for the other responses, and their covariance and degrees of
//! freedom are those of the joint fit.

use super::{FTest, Fit, GroupCovariance};
use crate::covariance::Covariance;
use crate::design::{Design, Place};
use crate::error::{Error, Result};
use nalgebra::DMatrix;
use std::sync::Arc;

/// The joint fit behind one of its responses.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub fit: Arc<Fit>,
    /// The position of the response's first column among those of the joint design.
    pub first_column: usize,
    /// The position of the response's first visit among those of the joint design.
    pub first_cell: usize,
}

impl Whole {
    /// Weights of the response's `columns` columns as weights of all columns.
    pub fn padded(&self, label: &str, l: &[f64], columns: usize) -> Result<Vec<f64>> {
        if l.len() != columns {
            return Err(Error::invalid(
                format!("estimate `{label}`"),
                format!("{} weights were given for {columns} columns of the model matrix", l.len()),
                "give one weight a column, in the order of the coefficients",
            ));
        }
        let mut padded = vec![0.0; self.fit.beta().len()];
        padded[self.first_column..self.first_column + columns].copy_from_slice(l);
        Ok(padded)
    }

    pub fn f_test(&self, label: &str, l: &DMatrix<f64>, columns: usize) -> Result<FTest> {
        let mut padded = DMatrix::zeros(l.nrows(), self.fit.beta().len());
        for r in 0..l.nrows() {
            let own: Vec<f64> = l.row(r).iter().copied().collect();
            padded.row_mut(r).copy_from_slice(&self.padded(label, &own, columns)?);
        }
        self.fit.f_test(label, &padded)
    }

    /// The covariance of the response's `columns` coefficients.
    pub fn vcov_of(&self, columns: usize) -> DMatrix<f64> {
        self.fit.vcov().view((self.first_column, self.first_column), (columns, columns)).into_owned()
    }

    /// What a table of the response has to say of the joint fit.
    pub fn note(&self) -> String {
        format!(
            "Fitted jointly ({}): {} observations of {} patients in all.",
            self.fit.design().outcome(),
            self.fit.n_observations(),
            self.fit.n_patients()
        )
    }
}

impl Fit {
    /// One response of a joint fit: `design` is its own, `covariance` that of its visits in the parameters of the
    /// whole, `place` where it is in the joint design.
    pub(crate) fn response_of(whole: &Arc<Fit>, design: Design, covariance: Covariance, place: &Place) -> Fit {
        let cells = &place.cells;
        let beta = whole.beta()[place.columns.clone()].to_vec();
        let own = |g: &GroupCovariance| GroupCovariance {
            group: g.group.clone(),
            sigma: g.sigma.view((cells.start, cells.start), (cells.len(), cells.len())).into_owned(),
        };
        let covariances = whole.covariances().iter().map(own).collect();
        let link = Whole { fit: Arc::clone(whole), first_column: place.columns.start, first_cell: cells.start };
        Fit::found(design, covariance, whole.estimation(), whole.df_method(), whole.shared_optimum(), Some(link), beta, covariances)
            .with_information(whole.information_kind())
            .with_vcov(whole.vcov_method())
    }

    /// Refuses what is about whole patients, all responses of theirs, to one response of a joint model.
    pub(super) fn must_be_whole(&self, what: &str) -> Result<()> {
        match &self.whole {
            None => Ok(()),
            Some(_) => Err(Error::invalid(
                format!("{what} in `{}`, one response of a joint model", self.design().outcome()),
                "it concerns a patient with all responses",
                "ask JointFit::whole",
            )),
        }
    }

    /// The fit whose likelihood this is: that of all responses, for one response of a joint model.
    pub(super) fn whole_fit(&self) -> &Fit {
        self.whole.as_ref().map_or(self, |whole| &whole.fit)
    }

    /// One number a visit of the design as one a visit of the design that was fitted.
    pub(super) fn on_fitted_visits(&self, own: Vec<f64>) -> Vec<f64> {
        let Some(whole) = &self.whole else { return own };
        let mut all = vec![0.0; whole.fit.design().visit_labels().len()];
        all[whole.first_cell..whole.first_cell + own.len()].copy_from_slice(&own);
        all
    }
}
