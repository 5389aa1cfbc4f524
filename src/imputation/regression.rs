//! Regressions of a completed data set at all visits at once.

use super::ancova::Ancova;
use super::imputations::Completed;
use nalgebra::{DMatrix, DVector};

/// The regressions of the outcome on the same columns at each visit.
pub(super) struct Regressions {
    /// q × T.
    pub coefficients: DMatrix<f64>,
    /// Residual covariance between visits, T × T, over n − q.
    pub residual: DMatrix<f64>,
    /// (W'W)⁻¹.
    pub inverse: DMatrix<f64>,
    /// The mean row of the patients.
    pub mean: DVector<f64>,
}

/// The columns of everyone with what regressions of everyone share.
#[derive(Debug)]
pub(super) struct Regressor {
    pub ancova: Ancova,
    /// The visits that are analysed, as places among those of a completed data set.
    pub visits: Vec<usize>,
    inverse: Option<DMatrix<f64>>,
}

impl Regressor {
    pub fn new(ancova: Ancova, visits: Vec<usize>) -> Self {
        let inverse = ancova.solved(None).map(|solved| solved.gram.inverse());
        Self { ancova, visits, inverse }
    }

    /// Residual degrees of freedom with everyone.
    pub fn df(&self) -> f64 {
        self.ancova.matrix.nrows() as f64 - self.ancova.width() as f64
    }

    /// The regressions of a completed data set; none where its columns determine one another.
    pub fn of(&self, completed: &Completed<'_>) -> Option<Regressions> {
        let everyone = &self.ancova.matrix;
        let (sampled, inverse);
        let w = if completed.is_of_everyone() {
            inverse = self.inverse.clone()?;
            everyone
        } else {
            let patients = completed.patients();
            let mut times = vec![0; everyone.nrows()];
            patients.iter().for_each(|&i| times[i] += 1);
            inverse = self.ancova.solved(Some(&times))?.gram.inverse();
            sampled = everyone.select_rows(&patients);
            &sampled
        };
        let (n, all) = (w.nrows(), completed.visits().len());
        let y = DMatrix::from_fn(n, self.visits.len(), |i, k| completed.outcomes()[i * all + self.visits[k]]);
        let coefficients = &inverse * w.tr_mul(&y);
        let residuals = &y - w * &coefficients;
        let residual = residuals.tr_mul(&residuals) / (n - w.ncols()) as f64;
        let mean = w.row_mean().transpose();
        Some(Regressions { coefficients, residual, inverse, mean })
    }
}

impl Regressions {
    /// Of each arm's mean at the mean covariates, then the differences from the first arm, visit by visit: estimate and
    /// variance.
    pub fn statistics(&self, arms: usize) -> (Vec<f64>, Vec<f64>) {
        let row = |arm: usize| {
            let mut row = self.mean.clone();
            row[0] = 1.0;
            (1..arms).for_each(|other| row[other] = f64::from(u8::from(other == arm)));
            row
        };
        let means: Vec<DVector<f64>> = (0..arms).map(row).collect();
        let rows: Vec<DVector<f64>> = means.iter().cloned().chain(means[1..].iter().map(|l| l - &means[0])).collect();
        let scales: Vec<f64> = rows.iter().map(|l| l.dot(&(&self.inverse * l))).collect();
        let (mut estimates, mut variances) = (vec![], vec![]);
        for (t, coefficients) in self.coefficients.column_iter().enumerate() {
            estimates.extend(rows.iter().map(|l| l.dot(&coefficients)));
            variances.extend(scales.iter().map(|scale| scale * self.residual[(t, t)]));
        }
        (estimates, variances)
    }
}
