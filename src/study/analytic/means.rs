//! Two means by the t test.

use super::clusters::power_of_t;
use super::solve::{PowerFormula, positive, shares_of};
use crate::error::Result;

/// The comparison of two means by the t test with a pooled variance: noncentral t on N − 2 degrees of freedom.
///
/// An analysis of covariance with a baseline whose correlation with the outcome is ρ has the standard deviation σ√(1 −
/// ρ²) and one degree of freedom less: [`TwoMeans::ancova`].
///
/// ```
/// use trialstats::study::analytic::{Ask, PowerFormula, TwoMeans};
///
/// // R: power.t.test(delta = 1, power = 0.9)
/// let answer = TwoMeans::new(1.0)?.solve(&Ask::patients_for(1.0, 0.9))?;
/// assert!((answer.exact[0] - 22.02110).abs() < 1e-5);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TwoMeans {
    sd: f64,
    shares: [f64; 2],
    covariates: f64,
}

impl TwoMeans {
    /// Two arms with this standard deviation.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is positive.
    pub fn new(sd: f64) -> Result<Self> {
        Ok(Self { sd: positive("the standard deviation", sd)?, shares: [0.5; 2], covariates: 0.0 })
    }

    /// The same adjusted for a baseline with this correlation.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless the correlation lies between −1 and 1.
    pub fn ancova(sd: f64, correlation: f64) -> Result<Self> {
        let left = positive("1 − ρ² of the baseline", 1.0 - correlation * correlation)?;
        Ok(Self { covariates: 1.0, ..Self::new(sd * left.sqrt())? })
    }

    /// Patients of the other arm per patient of the reference arm.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is positive.
    pub fn allocation(mut self, ratio: f64) -> Result<Self> {
        self.shares = shares_of(ratio)?;
        Ok(self)
    }
}

impl PowerFormula for TwoMeans {
    fn method(&self) -> String {
        match self.covariates {
            0.0 => "Two means by the t test (noncentral t)".into(),
            _ => "Two means adjusted for the baseline, by analysis of covariance (noncentral t)".into(),
        }
    }

    fn shares(&self) -> [f64; 2] {
        self.shares
    }

    fn fewest(&self) -> f64 {
        2.0 + self.covariates
    }

    fn power(&self, patients: f64, effect: f64, tail: f64) -> f64 {
        let df = patients - 2.0 - self.covariates;
        let se = self.sd * (1.0 / (self.shares[0] * patients) + 1.0 / (self.shares[1] * patients)).sqrt();
        if df > 0.0 { power_of_t(effect.abs() / se, df, tail) } else { f64::NAN }
    }
}
