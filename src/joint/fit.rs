//! [`JointFit`]: what was found of several responses.

use crate::design::{Averaging, Design, Dimension, Place, ReferenceGrid};
use crate::error::{Error, Result};
use crate::inference::{FTest, Fit, ResponseFit};
use crate::table::{agreeing, counted};
use nalgebra::DMatrix;
use std::ops::Range;
use std::sync::Arc;

/// A fitted joint model.
///
/// [`JointFit::of`] gives a response as a [`ResponseFit`]: means, contrasts, effect sizes, with the uncertainty of
/// the joint model. [`JointFit::whole`] is the model of all of them, whose visits are the cells of response and
/// visit.
#[derive(Debug)]
pub struct JointFit {
    pub(super) whole: Arc<Fit>,
    pub(super) responses: Vec<ResponseFit>,
    pub(super) places: Vec<Place>,
}

impl JointFit {
    /// One response by the name of its outcome.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that is not in the model.
    pub fn of(&self, outcome: &str) -> Result<&ResponseFit> {
        self.index_of(outcome).map(|r| &self.responses[r])
    }

    /// The responses in order.
    pub fn responses(&self) -> &[ResponseFit] {
        &self.responses
    }

    /// The whole: coefficients named `caps5:armT`, Σ over the cells `caps5 3 months`, tests of any combination.
    /// Marginal means belong to a response and are refused here.
    pub fn whole(&self) -> &Fit {
        &self.whole
    }

    /// Weights for the columns of one response as weights for all columns of [`JointFit::whole`], zero for the other
    /// responses: add those of several responses to combine them.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that is not in the model, [`Error::Invalid`] where `l` has another length.
    pub fn weights(&self, outcome: &str, l: &[f64]) -> Result<Vec<f64>> {
        let columns = &self.places[self.index_of(outcome)?].columns;
        if l.len() != columns.len() {
            return Err(Error::wrong_number(
                format!("weights for `{outcome}`"),
                format!(
                    "{} {} given for {} of its model matrix",
                    l.len(),
                    agreeing(l.len(), "was", "were"),
                    counted(columns.len(), "column")
                ),
                "give one weight per column, in the order of the coefficients",
            ));
        }
        let mut weights = vec![0.0; self.whole.beta().len()];
        weights[columns.clone()].copy_from_slice(l);
        Ok(weights)
    }

    /// The joint test that the arms differ in none of these outcomes at these visits, e.g.
    /// `[("caps5", "12 months"), ("scid5pd", "12 months")]`: one degree of freedom per cell and arm besides the
    /// reference.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome or visit that is not in the model, or a mean model without the arm;
    /// [`Error::Invalid`] where nothing is left to test; [`Error::NotEstimable`] where the data do not determine a
    /// difference.
    pub fn arm_test(&self, cells: &[(&str, &str)]) -> Result<FTest> {
        let mut rows = vec![];
        for &(outcome, visit) in cells {
            let differences = ArmDifferences::of(self.of(outcome)?.design())?;
            let t = differences.design.columns.level_index(Dimension::Visit, visit)?;
            for arm in differences.arms() {
                rows.push(self.weights(outcome, &differences.averaged(arm, t))?);
            }
        }
        let label = cells.iter().map(|(outcome, visit)| format!("{outcome} {visit}")).collect::<Vec<_>>().join(", ");
        self.test(&format!("arm at {label}"), rows)
    }

    /// The joint test that the differences between arms are the same at every visit, in every outcome; where the arms
    /// share their baseline mean by assumption, that they differ in no outcome at any visit. Rows of the hypothesis
    /// are those of [`Fit::arm_by_visit_test`] for every response: each arm against the first, each visit against the
    /// response's first. Parts that the data do not determine are left out.
    ///
    /// # Errors
    /// [`Error::Unknown`] where a mean model has no arm; [`Error::Invalid`] where nothing is left to test.
    pub fn arm_by_visit_test(&self) -> Result<FTest> {
        let mut rows = vec![];
        for response in &self.responses {
            let design = response.design();
            let differences = ArmDifferences::of(design)?;
            let mut own = vec![];
            for t in 1..design.visit_labels().len() {
                for arm in differences.arms() {
                    own.push(minus(differences.at_zero(arm, t), &differences.at_zero(arm, 0)));
                }
            }
            for row in design.account.estimable_part(own) {
                rows.push(self.weights(design.outcome(), &row)?);
            }
        }
        self.test(&format!("arm:visit of {}", self.whole.design().outcome()), rows)
    }

    fn test(&self, label: &str, rows: Vec<Vec<f64>>) -> Result<FTest> {
        let rows: Vec<Vec<f64>> = rows.into_iter().filter(|row| row.iter().any(|x| x.abs() > 1e-12)).collect();
        if rows.is_empty() {
            return Err(Error::nothing_to_compare(
                format!("test `{label}`"),
                "no difference between arms is left to test",
                "name visits at which the model lets the arms differ",
            ));
        }
        self.whole.f_test(label, &DMatrix::from_fn(rows.len(), self.whole.beta().len(), |r, c| rows[r][c]))
    }

    pub(super) fn index_of(&self, outcome: &str) -> Result<usize> {
        let known: Vec<&str> = self.responses.iter().map(|f| f.design().outcome()).collect();
        known.iter().position(|o| *o == outcome).ok_or_else(|| Error::unknown("response of the joint model", outcome, &known))
    }
}

/// The differences of the arms of one response from the reference, as weights of its columns; other factors averaged
/// with equal weights.
struct ArmDifferences<'a> {
    design: &'a Design,
    arm: Dimension,
    grid: ReferenceGrid<'a>,
}

impl<'a> ArmDifferences<'a> {
    fn of(design: &'a Design) -> Result<Self> {
        Ok(Self {
            design,
            arm: design.columns.dimension("arm")?,
            grid: ReferenceGrid::new(&design.columns, &design.account, &Averaging::default())?,
        })
    }

    /// All arms but the reference.
    fn arms(&self) -> Range<usize> {
        1..self.design.columns.levels(self.arm).len()
    }

    /// Covariates at their mean, as contrasts have them.
    fn averaged(&self, arm: usize, visit: usize) -> Vec<f64> {
        self.difference(arm, |level| self.grid.row(&[(self.arm, level), (Dimension::Visit, visit)]).unwrap_or_default())
    }

    /// Covariates at zero, as tests of terms have them.
    fn at_zero(&self, arm: usize, visit: usize) -> Vec<f64> {
        self.difference(arm, |level| self.grid.slope_row(&[(self.arm, level), (Dimension::Visit, visit)], &[]))
    }

    fn difference(&self, arm: usize, row: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
        minus(row(arm), &row(0))
    }
}

fn minus(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
    a
}
