//! Linear combinations of the coefficients: estimates, degrees of freedom, joint tests.

use super::sandwich::Sandwich;
use super::weighing::quadratic_form;
use super::{Coefficients, Df, Estimate, FTest, MomentsFit, Vcov, kenward_roger, satterthwaite};
use crate::design::PatientClusters;
use crate::error::{Error, Result};
use crate::estimates::{denominator_df, determined, independent_rows};
use nalgebra::{DMatrix, DVector};

impl MomentsFit {
    /// The estimate of l'β for one weight per column of the model matrix.
    ///
    /// # Errors
    /// [`Error::Invalid`] where `l` has another length or a weight is not a finite number, [`Error::NotEstimable`]
    /// where the data do not determine l'β.
    pub fn estimate(&self, label: &str, l: &[f64]) -> Result<Estimate> {
        self.active_estimate(label, self.active(label, l)?)
    }

    /// The table of coefficients.
    pub fn coefficients(&self) -> Coefficients {
        Coefficients::of(&self.columns, &self.account, self.notes(), |column| {
            let position = self.optimum.kept.iter().position(|&kept| kept == column).ok_or(None)?;
            self.fitted_coefficient(&self.columns[column].name, position).map_err(Some)
        })
    }

    /// The estimate of the coefficient of a fitted column.
    pub(super) fn fitted_coefficient(&self, label: &str, position: usize) -> Result<Estimate> {
        let mut unit = vec![0.0; self.optimum.kept.len()];
        unit[position] = 1.0;
        self.active_estimate(label, unit)
    }

    /// The estimate for one weight per fitted column.
    fn active_estimate(&self, label: &str, mut active: Vec<f64>) -> Result<Estimate> {
        let given = active.clone();
        self.optimum.centring.weights(&mut active);
        self.weighed_estimate(label, Some(&given), DVector::from_vec(active))
    }

    /// The estimate for one weight per fitted column, as centred.
    pub(super) fn centred_estimate(&self, label: &str, vector: DVector<f64>) -> Result<Estimate> {
        self.weighed_estimate(label, None, vector)
    }

    /// The estimate for the weights of the fitted columns as centred, and as they were given where they were.
    fn weighed_estimate(&self, label: &str, given: Option<&[f64]>, vector: DVector<f64>) -> Result<Estimate> {
        let estimate = vector.dot(&self.optimum.beta);
        let phi = &self.optimum.phi;
        let df = match (self.df, self.sandwich()) {
            (Df::BetweenWithin, _) => self.between_within_df(label, given.unwrap_or(vector.as_slice()))?,
            (Df::Satterthwaite, Some(sandwich)) => self.sandwich_df(sandwich, given, &vector),
            (Df::Residual, _) => self.residual_df(),
            (Df::Asymptotic, _) => f64::INFINITY,
            (Df::Satterthwaite | Df::KenwardRoger | Df::KenwardRogerLinear | Df::KenwardRoger2, _) => {
                satterthwaite::df(self.uncertainty(), phi, &vector)
            }
        };
        let variance = self.variance_of_mean(&vector);
        // What is left of a sum of squares that should be zero is rounding.
        if self.vcov_method.is_cluster_robust() && (df.is_nan() || variance <= 1e-20 * quadratic_form(phi, &vector)) {
            let why = format!("no residual informs its variance: the {} that bear on it are fitted exactly", self.cluster_word());
            return Err(Error::NotEstimable { estimate: label.into(), why });
        }
        if variance < 0.0 {
            return Err(Error::NotEstimable {
                estimate: label.into(),
                why: format!(
                    "the {} adjustment makes its variance negative: too few patients for this covariance structure",
                    self.df.words()
                ),
            });
        }
        Ok(Estimate::new(label, estimate, variance.sqrt(), df))
    }

    /// The joint test that every row of `l` (k × p) times β is zero. Rows that depend on others count once.
    /// Satterthwaite's degrees of freedom depend on the rows in which a hypothesis is written, Kenward and Roger's do
    /// not; the rows are taken as they are given.
    ///
    /// # Errors
    /// As [`MomentsFit::estimate`], for any row; [`Error::Invalid`] where there is no row or all are zero.
    pub fn f_test(&self, label: &str, l: &DMatrix<f64>) -> Result<FTest> {
        let mut rows = DMatrix::zeros(l.nrows(), self.optimum.kept.len());
        let mut between_within = f64::INFINITY;
        for r in 0..l.nrows() {
            let full: Vec<f64> = l.row(r).iter().copied().collect();
            let mut active = self.active(label, &full)?;
            if self.df == Df::BetweenWithin {
                between_within = between_within.min(self.between_within_df(label, &active)?);
            }
            self.optimum.centring.weights(&mut active);
            rows.row_mut(r).copy_from_slice(&active);
        }
        let independent = self.uncorrelated(label, &rows)?;
        let k = independent.nrows();
        let singular = || Error::NotEstimable { estimate: label.into(), why: "the covariance of the hypothesis is singular".into() };
        let value = &independent * &self.optimum.beta;
        let vcov = &independent * self.centred_vcov() * independent.transpose();
        let solved = vcov.cholesky().map(|c| c.solve(&value)).ok_or_else(singular)?;
        let wald = value.dot(&solved) / k as f64;
        let phi = &self.optimum.phi;
        let (f, denom_df) = match (self.df, self.sandwich()) {
            (Df::Residual, _) => (wald, self.residual_df()),
            (Df::Asymptotic, _) => (wald, f64::INFINITY),
            (Df::BetweenWithin, _) => (wald, between_within),
            (Df::Satterthwaite, Some(sandwich)) => (wald, denominator_df(&self.sandwich_dfs(sandwich, &independent.transpose()))),
            (Df::Satterthwaite, None) => {
                // The rows are uncorrelated, so the F statistic is the mean of their squared t statistics.
                let nu: Vec<f64> = independent.row_iter().map(|r| satterthwaite::df(self.uncertainty(), phi, &r.transpose())).collect();
                (wald, denominator_df(&nu))
            }
            (Df::KenwardRoger | Df::KenwardRogerLinear | Df::KenwardRoger2, _) => {
                let scaling = kenward_roger::scaling(self.information(), phi, &independent).ok_or_else(singular)?;
                (scaling.lambda * wald, scaling.m)
            }
        };
        Ok(FTest::new(label, k, denom_df, f))
    }

    /// The rows of a hypothesis as uncorrelated combinations; refused where a cluster-robust covariance does not
    /// determine as many as the model does.
    fn uncorrelated(&self, label: &str, rows: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let by_model = independent_rows(label, rows, &self.optimum.phi)?;
        if self.vcov_method == Vcov::ModelBased {
            return Ok(by_model);
        }
        match independent_rows(label, &by_model, self.centred_vcov()) {
            Ok(robust) if robust.nrows() == by_model.nrows() => Ok(robust),
            _ => Err(Error::NotEstimable {
                estimate: label.into(),
                why: format!(
                    "the {} covariance of the hypothesis is singular: too few {} bear on it",
                    self.vcov_method.words(),
                    self.cluster_word()
                ),
            }),
        }
    }

    fn residual_df(&self) -> f64 {
        (self.optimum.observations - self.optimum.kept.len()) as f64
    }

    /// What the clusters of a cluster-robust covariance are called.
    fn cluster_word(&self) -> &'static str {
        if self.clusters().is_some_and(PatientClusters::above_patients) { "clusters" } else { "patients" }
    }

    /// Degrees of freedom of a cluster-robust variance. `given` are the weights of the fitted columns, `centred`
    /// those of the centred ones.
    fn sandwich_df(&self, sandwich: &Sandwich, given: Option<&[f64]>, centred: &DVector<f64>) -> f64 {
        let design = self.of_patients.as_ref().map(|patients| patients.design());
        match (given.and_then(single), design) {
            // All coefficients are done in one pass, and kept.
            (Some(column), Some(design)) => sandwich.coefficient_df(design, &self.optimum)[column],
            _ => self.sandwich_dfs(sandwich, &DMatrix::from_column_slice(centred.len(), 1, centred.as_slice()))[0],
        }
    }

    /// The same for the combinations in the columns of `l`.
    fn sandwich_dfs(&self, sandwich: &Sandwich, l: &DMatrix<f64>) -> Vec<f64> {
        match &self.of_patients {
            Some(patients) => sandwich.degrees_of_freedom(patients.design(), &self.optimum, l),
            None => vec![f64::NAN; l.ncols()],
        }
    }

    /// Between-within degrees of freedom for weights of the fitted columns as they were given.
    fn between_within_df(&self, label: &str, given: &[f64]) -> Result<f64> {
        let classes = self.between_within().ok_or_else(|| Error::NoPatients { what: format!("{} degrees of freedom", self.df.words()) })?;
        let df = classes.of_weights(&self.optimum.kept, given);
        if df <= 0.0 {
            let why =
                format!("between-within leaves it {df} degrees of freedom: there are as many columns as patients or repeated observations");
            return Err(Error::NotEstimable { estimate: label.into(), why });
        }
        Ok(df)
    }

    /// The weights of the fitted columns, as centred, for one weight per column of the model matrix.
    pub(super) fn centred_weights(&self, label: &str, l: &[f64]) -> Result<DVector<f64>> {
        let mut active = self.active(label, l)?;
        self.optimum.centring.weights(&mut active);
        Ok(DVector::from_vec(active))
    }

    /// The weights of the fitted columns, once it is sure that the aliased ones do not matter.
    fn active(&self, label: &str, l: &[f64]) -> Result<Vec<f64>> {
        determined(&self.columns, &self.account, label, l)?;
        Ok(self.optimum.kept.iter().map(|&c| l[c]).collect())
    }
}

/// The position of the one weight that is not zero.
fn single(weights: &[f64]) -> Option<usize> {
    let mut weighed = (0..weights.len()).filter(|&c| weights[c] != 0.0);
    weighed.next().filter(|_| weighed.next().is_none())
}
