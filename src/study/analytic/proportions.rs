//! Two proportions.

use super::solve::{PowerFormula, shares_of};
use crate::dist::normal;
use crate::error::{Error, Result};

/// The comparison of two independent proportions by the normal test: the standard error under the null hypothesis is that
/// of the common proportion, under the alternative that of the two. The effect is the difference, other arm minus
/// reference.
///
/// Reference: Fleiss JL, Levin B, Paik MC (2003). Statistical Methods for Rates and Proportions, 3rd ed. Wiley, section
/// 4.2 (without the continuity correction, as in R's `power.prop.test`).
///
/// ```
/// use trialstats::study::analytic::{Ask, PowerFormula, TwoProportions};
///
/// // R: power.prop.test(p1 = .50, p2 = .75, power = .90, tol = 1e-12)
/// let answer = TwoProportions::new(0.5)?.solve(&Ask::patients_for(0.25, 0.9))?;
/// assert!((answer.exact[0] - 76.70693).abs() < 1e-4);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TwoProportions {
    reference: f64,
    shares: [f64; 2],
    lower: bool,
}

impl TwoProportions {
    /// A design with this proportion in the reference arm.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it lies between 0 and 1.
    pub fn new(reference: f64) -> Result<Self> {
        if reference > 0.0 && reference < 1.0 {
            return Ok(Self { reference, shares: [0.5; 2], lower: false });
        }
        Err(Error::out_of_range(
            format!("a proportion of {reference}"),
            "it does not lie between 0 and 1",
            "give the reference arm's, such as 0.4",
        ))
    }

    /// Patients of the other arm per patient of the reference arm.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive.
    pub fn allocation(mut self, ratio: f64) -> Result<Self> {
        self.shares = shares_of(ratio)?;
        Ok(self)
    }

    /// Where the effect is sought, the negative one.
    pub fn lower(mut self) -> Self {
        self.lower = true;
        self
    }
}

impl PowerFormula for TwoProportions {
    fn method(&self) -> String {
        "Two proportions by the normal test (Fleiss, Levin & Paik 2003)".into()
    }

    fn shares(&self) -> [f64; 2] {
        self.shares
    }

    fn effects(&self) -> (f64, f64) {
        (-self.reference, 1.0 - self.reference)
    }

    fn finds_positive(&self) -> bool {
        !self.lower
    }

    fn power(&self, patients: f64, effect: f64, tail: f64) -> f64 {
        let (p, q) = (self.reference, self.reference + effect);
        if !(0.0..=1.0).contains(&q) {
            return f64::NAN;
        }
        let [a, b] = self.shares.map(|share| share * patients);
        let common = self.shares[0] * p + self.shares[1] * q;
        let null = (common * (1.0 - common) * (1.0 / a + 1.0 / b)).sqrt();
        let own = (p * (1.0 - p) / a + q * (1.0 - q) / b).sqrt();
        normal::cdf((effect.abs() + normal::quantile(tail) * null) / own)
    }
}
