//! Two means with therapy groups: in one arm, in both, or in none.

use super::solve::{PowerFormula, normal_power, positive, rising_root, shares_of};
use crate::dist::{noncentral_t, t};
use crate::error::{Error, Result};

/// The therapy groups of an arm, by their sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    sizes: Vec<f64>,
    icc: f64,
}

impl Groups {
    /// `number` groups of `size` patients each; their members share the fraction `icc` of the variance.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no groups, a size below 1 or an intraclass correlation outside [0, 1).
    pub fn equal(number: usize, size: f64, icc: f64) -> Result<Self> {
        Self::of_sizes(vec![size; number], icc)
    }

    /// Groups of these sizes.
    ///
    /// # Errors
    /// As [`Groups::equal`].
    pub fn of_sizes(sizes: impl Into<Vec<f64>>, icc: f64) -> Result<Self> {
        let sizes = sizes.into();
        if sizes.is_empty() || sizes.iter().any(|m| !(*m >= 1.0 && m.is_finite())) {
            return Err(Error::out_of_range(
                format!("therapy groups of sizes {sizes:?}"),
                "a group has at least one patient",
                "give one size per group",
            ));
        }
        if !(0.0..1.0).contains(&icc) {
            return Err(Error::out_of_range(
                format!("an intraclass correlation of {icc}"),
                "it does not lie from 0 to below 1",
                "give a share such as 0.05",
            ));
        }
        Ok(Self { sizes, icc })
    }

    /// The number of groups.
    pub fn number(&self) -> usize {
        self.sizes.len()
    }

    /// The number of patients.
    pub fn patients(&self) -> f64 {
        self.sizes.iter().sum()
    }

    /// The mean size.
    pub fn mean_size(&self) -> f64 {
        self.patients() / self.sizes.len() as f64
    }

    /// The factor by which the variance of the arm's mean is that of as many independent patients, the mean weighting its
    /// groups as a mixed model does: n / Σ m_j/(1 + (m_j − 1)ρ). For equal sizes it is 1 + (m − 1)ρ.
    pub fn design_effect(&self) -> f64 {
        self.patients() / self.effective_patients()
    }

    /// The number of independent patients with the same variance of the mean.
    pub fn effective_patients(&self) -> f64 {
        self.sizes.iter().map(|m| m / (1.0 + (m - 1.0) * self.icc)).sum()
    }
}

/// The comparison of two means of patients some of whom share a therapy group: partially nested where one arm has
/// groups, a cluster trial where both have them.
///
/// The variance of the difference is σ²(D_a/n_a + D_b/n_b) with the design effects D of either arm
/// ([`Groups::design_effect`], 1 without groups). The test refers to t with Satterthwaite's degrees of freedom: an arm of
/// k groups has k − 1, an arm of n patients without groups n − 1. With few groups that matters much: with
/// [`by_normal`](GroupTherapy::by_normal) the formula is that of Moerbeek and Wong.
///
/// When patients are sought, the sizes of the groups and the allocation stay and their number grows: it need not be whole.
///
/// Reference: Moerbeek M, Wong WK (2008). Sample size formulae for trials comparing group and individual treatments in a
/// multilevel model. Statistics in Medicine 27(15):2850–2864. doi:10.1002/sim.3115
///
/// ```
/// use trialstats::study::analytic::{Ask, GroupTherapy, Groups, PowerFormula};
///
/// // 64 patients alone, 64 in eight groups of eight.
/// let design = GroupTherapy::new(10.0)?.other_arm(Groups::equal(8, 8.0, 0.05)?);
/// let power = design.solve(&Ask::power_of(128.0, 5.0))?.power;
/// let without = GroupTherapy::new(10.0)?.solve(&Ask::power_of(128.0, 5.0))?.power;
/// assert!(power < without);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GroupTherapy {
    sd: f64,
    groups: [Option<Groups>; 2],
    shares: [f64; 2],
    normal: bool,
}

impl GroupTherapy {
    /// Two arms without groups and this standard deviation, within and between groups together.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive.
    pub fn new(sd: f64) -> Result<Self> {
        Ok(Self { sd: positive("the standard deviation", sd)?, groups: [None, None], shares: [0.5; 2], normal: false })
    }

    /// Groups in the reference arm.
    pub fn reference_arm(mut self, groups: Groups) -> Self {
        self.groups[0] = Some(groups);
        self
    }

    /// Groups in the other arm.
    pub fn other_arm(mut self, groups: Groups) -> Self {
        self.groups[1] = Some(groups);
        self
    }

    /// Patients of the other arm per patient of the reference arm.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive.
    pub fn allocation(mut self, ratio: f64) -> Result<Self> {
        self.shares = shares_of(ratio)?;
        Ok(self)
    }

    /// The normal distribution in place of t.
    pub fn by_normal(mut self) -> Self {
        self.normal = true;
        self
    }

    /// The allocation ratio, other arm over reference, that needs the fewest patients: √(D_b/D_a).
    pub fn best_allocation(&self) -> f64 {
        (self.design_effect(1) / self.design_effect(0)).sqrt()
    }

    fn design_effect(&self, arm: usize) -> f64 {
        self.groups[arm].as_ref().map_or(1.0, Groups::design_effect)
    }

    /// Variance of an arm's mean and its degrees of freedom.
    fn arm(&self, arm: usize, patients: f64) -> (f64, f64) {
        let n = self.shares[arm] * patients;
        let units = self.groups[arm].as_ref().map_or(n, |groups| n / groups.mean_size());
        (self.sd * self.sd * self.design_effect(arm) / n, units - 1.0)
    }
}

impl PowerFormula for GroupTherapy {
    fn method(&self) -> String {
        match self.normal {
            true => "Two means with therapy groups (Moerbeek & Wong 2008)".into(),
            false => {
                "Two means with therapy groups (design effects of Moerbeek & Wong 2008, t with Satterthwaite's degrees of freedom)".into()
            }
        }
    }

    fn shares(&self) -> [f64; 2] {
        self.shares
    }

    fn fewest(&self) -> f64 {
        let of_arm = |a: usize| self.groups[a].as_ref().map_or(1.0, Groups::mean_size) / self.shares[a];
        of_arm(0).max(of_arm(1))
    }

    fn power(&self, patients: f64, effect: f64, tail: f64) -> f64 {
        let [a, b] = [0, 1].map(|arm| self.arm(arm, patients));
        let se = (a.0 + b.0).sqrt();
        if self.normal {
            return normal_power(effect, se, tail);
        }
        if a.1 <= 0.0 || b.1 <= 0.0 {
            return f64::NAN;
        }
        let df = (a.0 + b.0).powi(2) / (a.0 * a.0 / a.1 + b.0 * b.0 / b.1);
        power_of_t(effect.abs() / se, df, tail)
    }

    fn patients(&self, effect: f64, power: f64, tail: f64) -> f64 {
        let fewest = if self.normal { 0.0 } else { self.fewest() };
        rising_root(fewest, f64::INFINITY, |n| self.power(n, effect, tail) - power)
    }

    fn notes(&self) -> Vec<String> {
        let of = |name: &str, groups: &Option<Groups>| {
            groups.as_ref().map(|g| {
                format!(
                    "{name}: groups of {:.2} patients on average, intraclass correlation {}, design effect {:.4}.",
                    g.mean_size(),
                    g.icc,
                    g.design_effect()
                )
            })
        };
        [of("Reference arm", &self.groups[0]), of("Other arm", &self.groups[1])].into_iter().flatten().collect()
    }
}

/// The power of a t test with this noncentrality.
pub(super) fn power_of_t(ncp: f64, df: f64, tail: f64) -> f64 {
    // P(T > c) by symmetry, so that small powers keep their digits.
    noncentral_t::cdf(t::quantile(tail, df), df, -ncp)
}
