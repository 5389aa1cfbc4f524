//! Mixed models for repeated measures with dropout: Lu, Luo and Chen (2008).

use super::solve::{PowerFormula, normal_power, positive, shares_of};
use crate::dist::{normal, t};
use crate::error::{Error, Result};
use nalgebra::DMatrix;

/// The distribution that the test statistic is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reference {
    /// The standard normal.
    #[default]
    Normal,
    /// t on N − 2 degrees of freedom. The number of patients takes one step from that of the normal test, as in Lu, Luo
    /// and Chen.
    T,
}

crate::options::choices! {
    Reference, "reference distribution of the test":
    Normal = "normal", ["z"], "the standard normal distribution";
    T = "t", [], "Student's t on N - 2 degrees of freedom";
}

/// The comparison of two arms at the last visit by a mixed model for repeated measures with unstructured means, any
/// correlation and dropout.
///
/// With r_j the share of an arm's patients still observed at visit j, and R_j the correlation of the first j visits,
/// the information of one patient about the standardised means is I = Σ_j (r_j − r_{j+1}) R_j⁻¹ (padded with zeros),
/// and the variance of the mean at the last visit is σ²φ/n with φ = (I⁻¹)_JJ. The difference has the variance
/// σ_a² φ_a/n_a + σ_b² φ_b/n_b. Without dropout φ = 1; with dropout 1 ≤ φ ≤ 1/r_J, nearer 1 the more the visits before say of the
/// last.
///
/// | setting | default |
/// |---|---|
/// | [`sd`](Mmrm::sd), [`other_sd`](Mmrm::other_sd) | 1 in both arms: the effect is in standard deviations |
/// | [`other_arm`](Mmrm::other_arm) | correlation and retention as in the reference arm |
/// | [`allocation`](Mmrm::allocation) | 1: as many patients in either arm |
/// | [`reference`](Mmrm::reference) | the normal distribution |
///
/// Where the baseline is a covariate of the analysis, give correlations and standard deviations of what it leaves:
/// [`Mmrm::given_baseline`].
///
/// Reference: Lu K, Luo X, Chen PY (2008). Sample size estimation for repeated measures analysis in randomized clinical
/// trials with missing data. International Journal of Biostatistics 4(1):9. doi:10.2202/1557-4679.1098
#[derive(Debug, Clone, PartialEq)]
pub struct Mmrm {
    /// φ of the reference arm and of the other.
    phi: [f64; 2],
    sd: [f64; 2],
    shares: [f64; 2],
    reference: Reference,
}

impl Mmrm {
    /// A design with this correlation (row by row) and retention in both arms.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `correlation` is a correlation matrix of as many visits as `retention` has shares, and the
    /// shares fall from at most 1 to more than 0.
    pub fn new(correlation: impl Into<Vec<f64>>, retention: impl Into<Vec<f64>>) -> Result<Self> {
        let phi = inflation(&correlation.into(), &retention.into())?;
        Ok(Self::of_inflation([phi, phi]))
    }

    /// A design in which any two visits have the same correlation.
    ///
    /// # Errors
    /// As [`Mmrm::new`].
    pub fn compound_symmetry(correlation: f64, retention: impl Into<Vec<f64>>) -> Result<Self> {
        let retention = retention.into();
        let n = retention.len();
        Self::new(matrix(n, |i, j| if i == j { 1.0 } else { correlation }), retention)
    }

    /// A design in which visits at the times t_j have correlations ρ^|t_i − t_j|.
    ///
    /// # Errors
    /// As [`Mmrm::new`], and for another number of times than shares.
    pub fn autoregressive(correlation: f64, times: &[f64], retention: impl Into<Vec<f64>>) -> Result<Self> {
        let retention = retention.into();
        if times.len() != retention.len() {
            let why = format!("there are {} for {} visits", times.len(), retention.len());
            return Err(Error::wrong_number("times of visits", why, "give one time per visit"));
        }
        let at = |i: usize, j: usize| if i == j { 1.0 } else { correlation.powf((times[i] - times[j]).abs()) };
        Self::new(matrix(times.len(), at), retention)
    }

    /// A design with these φ of the reference arm and of the other, however they were found.
    pub fn of_inflation(phi: [f64; 2]) -> Self {
        Self { phi, sd: [1.0; 2], shares: [0.5; 2], reference: Reference::default() }
    }

    /// A design for an analysis that adjusts every visit for the baseline: `covariance` (row by row) is that of the
    /// baseline and the visits after it, `retention` the shares observed at the latter. Standard deviations are those
    /// that the baseline leaves.
    ///
    /// # Errors
    /// As [`Mmrm::new`], for the covariance given the baseline.
    pub fn given_baseline(covariance: impl Into<Vec<f64>>, retention: impl Into<Vec<f64>>) -> Result<Self> {
        let (covariance, retention) = (covariance.into(), retention.into());
        let n = retention.len() + 1;
        if covariance.len() != n * n {
            let why = format!("it has {} values where a baseline and {} visits need {}", covariance.len(), n - 1, n * n);
            return Err(Error::wrong_number("the covariance", why, "give it row by row"));
        }
        let left = |i: usize, j: usize| {
            let at = |a: usize, b: usize| covariance[a * n + b];
            at(i + 1, j + 1) - at(i + 1, 0) * at(0, j + 1) / at(0, 0)
        };
        let sd = left(n - 2, n - 2).sqrt();
        let correlation = matrix(n - 1, |i, j| if i == j { 1.0 } else { left(i, j) / (left(i, i) * left(j, j)).sqrt() });
        Self::new(correlation, retention)?.sd(sd)
    }

    /// The standard deviation at the last visit, in both arms.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive.
    pub fn sd(mut self, sd: f64) -> Result<Self> {
        self.sd = [positive("the standard deviation", sd)?; 2];
        Ok(self)
    }

    /// The standard deviation at the last visit in the other arm alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive.
    pub fn other_sd(mut self, sd: f64) -> Result<Self> {
        self.sd[1] = positive("the standard deviation", sd)?;
        Ok(self)
    }

    /// Correlation and retention of the other arm, where they are its own.
    ///
    /// # Errors
    /// As [`Mmrm::new`].
    pub fn other_arm(mut self, correlation: impl Into<Vec<f64>>, retention: impl Into<Vec<f64>>) -> Result<Self> {
        self.phi[1] = inflation(&correlation.into(), &retention.into())?;
        Ok(self)
    }

    /// φ of the other arm as this design has it.
    pub fn other_arm_as(mut self, other: &Mmrm) -> Self {
        self.phi[1] = other.phi[0];
        self
    }

    /// Patients of the other arm per patient of the reference arm: 1/λ in Lu, Luo and Chen.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive.
    pub fn allocation(mut self, ratio: f64) -> Result<Self> {
        self.shares = shares_of(ratio)?;
        Ok(self)
    }

    /// The distribution that the test statistic is referred to.
    pub fn reference(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    /// φ of the reference arm and of the other: the factor by which dropout multiplies the variance of a mean.
    pub fn inflation(&self) -> [f64; 2] {
        self.phi
    }

    /// The variance of the difference times the number of patients.
    fn unit_variance(&self) -> f64 {
        (0..2).map(|a| self.sd[a] * self.sd[a] * self.phi[a] / self.shares[a]).sum()
    }
}

impl PowerFormula for Mmrm {
    fn method(&self) -> String {
        "Mixed model for repeated measures with dropout (Lu, Luo & Chen 2008)".into()
    }

    fn shares(&self) -> [f64; 2] {
        self.shares
    }

    fn fewest(&self) -> f64 {
        if self.reference == Reference::T { 2.0 } else { 0.0 }
    }

    fn power(&self, patients: f64, effect: f64, tail: f64) -> f64 {
        let se = (self.unit_variance() / patients).sqrt();
        match self.reference {
            Reference::Normal => normal_power(effect, se, tail),
            Reference::T if patients > 2.0 => t::cdf(effect.abs() / se + t::quantile(tail, patients - 2.0), patients - 2.0),
            Reference::T => f64::NAN,
        }
    }

    fn patients(&self, effect: f64, power: f64, tail: f64) -> f64 {
        let of = |quantiles: f64| self.unit_variance() * quantiles * quantiles / (effect * effect);
        let by_normal = of(normal::quantile(tail) + normal::quantile(1.0 - power));
        match self.reference {
            Reference::Normal => by_normal,
            Reference::T => of(t::quantile(tail, by_normal - 2.0) + t::quantile(1.0 - power, by_normal - 2.0)),
        }
    }

    fn notes(&self) -> Vec<String> {
        vec![format!(
            "Dropout multiplies the variance of a mean at the last visit by {:.4} in the reference arm and {:.4} in the other.",
            self.phi[0], self.phi[1]
        )]
    }
}

/// An n × n matrix, row by row.
pub(super) fn matrix(n: usize, at: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..n * n).map(|k| at(k / n, k % n)).collect()
}

/// φ = (I⁻¹)_JJ.
fn inflation(correlation: &[f64], retention: &[f64]) -> Result<f64> {
    let n = retention.len();
    check_retention(retention)?;
    if correlation.len() != n * n {
        let why = format!("it has {} values where {n} visits need {}", correlation.len(), n * n);
        return Err(Error::wrong_number("the correlation matrix", why, "give it row by row, one row per visit with a retention"));
    }
    let r = DMatrix::from_row_slice(n, n, correlation);
    let bad = |why: &str| {
        Error::out_of_range("the correlation matrix", why, "give a symmetric, positive definite matrix with ones on the diagonal")
    };
    if (0..n).any(|i| (r[(i, i)] - 1.0).abs() > 1e-8 || (0..i).any(|j| (r[(i, j)] - r[(j, i)]).abs() > 1e-8)) {
        return Err(bad("it is not symmetric with ones on its diagonal"));
    }
    let mut information = DMatrix::zeros(n, n);
    for j in 1..=n {
        let leaving = retention[j - 1] - retention.get(j).copied().unwrap_or(0.0);
        let inverse = r.view((0, 0), (j, j)).clone_owned().cholesky().ok_or_else(|| bad("it is not positive definite"))?.inverse();
        let mut block = information.view_mut((0, 0), (j, j));
        block += inverse * leaving;
    }
    let inverse = information.cholesky().ok_or_else(|| bad("it is not positive definite"))?.inverse();
    Ok(inverse[(n - 1, n - 1)])
}

/// Refuses shares that do not fall from at most 1 to more than 0.
pub(super) fn check_retention(retention: &[f64]) -> Result<()> {
    let falls = retention.windows(2).all(|w| w[1] <= w[0]);
    match (retention.first(), retention.last()) {
        (Some(first), Some(last)) if falls && *first <= 1.0 && *last > 0.0 => Ok(()),
        (None, _) => Err(Error::wrong_number("the retention", "there is none", "give the share still observed at each visit")),
        _ => Err(Error::out_of_range(
            format!("a retention of {retention:?}"),
            "shares of patients still observed fall from at most 1 to more than 0",
            "give one share per visit; those who return are not part of the formula",
        )),
    }
}
