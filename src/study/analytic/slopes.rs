//! The difference of two slopes.

use super::mmrm::check_retention;
use super::solve::{PowerFormula, normal_power, positive, shares_of};
use crate::error::{Error, Result};
use nalgebra::DMatrix;

/// The difference of the arms' slopes in time, by generalised least squares with an intercept and a slope in either
/// arm: the variance of an arm's slope is ξ/n with ξ = [(Σ_k p_k X_k' V_k⁻¹ X_k)⁻¹]₂₂, p_k the share of patients last
/// seen at visit k and X_k, V_k their first k rows. Without dropout it is the formula of Diggle et al. (p. 29), with
/// random effects and dropout that of Ard and Edland and of longpower's `edland.linear.power`.
///
/// The effect is the difference of slopes per unit of time.
///
/// References: Diggle PJ, Heagerty P, Liang KY, Zeger SL (2002). Analysis of Longitudinal Data, 2nd ed. Oxford
/// University Press. Ard MC, Edland SD (2011). Power calculations for clinical trials in Alzheimer's disease. Journal of
/// Alzheimer's Disease 26(s3):369–377. doi:10.3233/JAD-2011-0062
///
/// ```
/// use trialstats::study::analytic::{Ask, PowerFormula, Slopes};
///
/// let design = Slopes::compound_symmetry([0.0, 2.0, 5.0], 100.0, 0.2)?;
/// let answer = design.solve(&Ask::patients_for(0.5, 0.8).one_sided())?;
/// assert_eq!(answer.patients(), [313, 313]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Slopes {
    times: Vec<f64>,
    /// V of either arm, row by row.
    covariance: [Vec<f64>; 2],
    retention: [Vec<f64>; 2],
    shares: [f64; 2],
    /// ξ of either arm.
    xi: [f64; 2],
}

impl Slopes {
    /// A design with this covariance (row by row) at these times.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are two different times and the covariance is positive definite.
    pub fn new(times: impl Into<Vec<f64>>, covariance: impl Into<Vec<f64>>) -> Result<Self> {
        let (times, covariance) = (times.into(), covariance.into());
        let everyone = vec![1.0; times.len()];
        let design = Self {
            times,
            covariance: [covariance.clone(), covariance],
            retention: [everyone.clone(), everyone],
            shares: [0.5; 2],
            xi: [0.0; 2],
        };
        design.worked_out()
    }

    /// A design with variance σ² at every visit and one correlation between any two.
    ///
    /// # Errors
    /// As [`Slopes::new`].
    pub fn compound_symmetry(times: impl Into<Vec<f64>>, variance: f64, correlation: f64) -> Result<Self> {
        let times = times.into();
        let n = times.len();
        Self::new(times, super::mmrm::matrix(n, |i, j| if i == j { variance } else { variance * correlation }))
    }

    /// A design with random intercepts of variance `intercept`, random slopes of variance `slope`, their `covariance`, and a
    /// residual variance.
    ///
    /// # Errors
    /// As [`Slopes::new`].
    pub fn random_effects(times: impl Into<Vec<f64>>, intercept: f64, slope: f64, covariance: f64, residual: f64) -> Result<Self> {
        let times = times.into();
        positive("the residual variance", residual)?;
        let v = super::mmrm::matrix(times.len(), |i, j| {
            let own = if i == j { residual } else { 0.0 };
            intercept + (times[i] + times[j]) * covariance + times[i] * times[j] * slope + own
        });
        Self::new(times, v)
    }

    /// The share of patients still observed at each visit, in both arms.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the shares fall from 1 or less to more than 0, one per time.
    pub fn retention(mut self, retention: impl Into<Vec<f64>>) -> Result<Self> {
        let retention = retention.into();
        self.retention = [retention.clone(), retention];
        self.worked_out()
    }

    /// Covariance and retention of the other arm, where they are its own.
    ///
    /// # Errors
    /// As [`Slopes::new`] and [`Slopes::retention`].
    pub fn other_arm(mut self, covariance: impl Into<Vec<f64>>, retention: impl Into<Vec<f64>>) -> Result<Self> {
        self.covariance[1] = covariance.into();
        self.retention[1] = retention.into();
        self.worked_out()
    }

    /// Patients of the other arm per patient of the reference arm.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive.
    pub fn allocation(mut self, ratio: f64) -> Result<Self> {
        self.shares = shares_of(ratio)?;
        Ok(self)
    }

    fn worked_out(mut self) -> Result<Self> {
        for arm in 0..2 {
            self.xi[arm] = variance_of_slope(&self.times, &self.covariance[arm], &self.retention[arm])?;
        }
        Ok(self)
    }
}

impl PowerFormula for Slopes {
    fn method(&self) -> String {
        "Difference of two slopes by generalised least squares (Diggle et al. 2002, p. 29; with dropout, Ard & Edland 2011)".into()
    }

    fn shares(&self) -> [f64; 2] {
        self.shares
    }

    fn power(&self, patients: f64, effect: f64, tail: f64) -> f64 {
        let variance: f64 = (0..2).map(|a| self.xi[a] / (self.shares[a] * patients)).sum();
        normal_power(effect, variance.sqrt(), tail)
    }
}

/// ξ.
fn variance_of_slope(times: &[f64], covariance: &[f64], retention: &[f64]) -> Result<f64> {
    let n = times.len();
    if covariance.len() != n * n || retention.len() != n {
        let why = format!(
            "the covariance has {} values and the retention {} where {n} times need {} and {n}",
            covariance.len(),
            retention.len(),
            n * n
        );
        return Err(Error::wrong_number("the design of slopes", why, "give the covariance row by row and one share per time"));
    }
    check_retention(retention)?;
    let bad = |what: &str, why: &str, remedy: &str| Error::out_of_range(what, why, remedy.to_string());
    let v = DMatrix::from_row_slice(n, n, covariance);
    let x = DMatrix::from_fn(n, 2, |i, c| if c == 0 { 1.0 } else { times[i] });
    let mut information = DMatrix::zeros(2, 2);
    for k in 1..=n {
        let leaving = retention[k - 1] - retention.get(k).copied().unwrap_or(0.0);
        let factor = v.view((0, 0), (k, k)).clone_owned().cholesky();
        let factor =
            factor.ok_or_else(|| bad("the covariance", "it is not positive definite", "give the covariance of the visits, row by row"))?;
        let own = x.rows(0, k).clone_owned();
        information += own.transpose() * factor.solve(&own) * leaving;
    }
    let inverse = information.try_inverse().filter(|m| m[(1, 1)] > 0.0 && m[(1, 1)].is_finite());
    Ok(inverse.ok_or_else(|| bad("the times", "they do not determine a slope", "give at least two different times that patients reach"))?
        [(1, 1)])
}
