//! What is added to imputed values.

use crate::error::{Error, Result};
use crate::options::choices;

/// An amount that is added to imputed values: positive for higher scores.
///
/// Each visit has an amount, and visits after the event may have weights by their lag: the amount at visit t after an
/// event before visit k is Σ_{s = k…t} amount_s · weight_{s−k+1}. With weights 1, 1, … amounts accumulate; with weights
/// 1, 0, 0, … the amount of the first visit after the event stays.
///
/// ```
/// use trialstats::imputation::Delta;
///
/// let delta = Delta::by_visit([5.0, 6.0, 7.0, 8.0]).lag_weights([1.0, 2.0, 3.0, 4.0]);
/// assert_eq!(delta.amounts("DRUG", 1), [0.0, 6.0, 20.0, 44.0]);
/// assert_eq!(delta.amounts("DRUG", 2), [0.0, 0.0, 7.0, 23.0]);
/// ```
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Delta {
    /// An amount per analysed visit.
    by_visit: Vec<f64>,
    /// Weights by lag; the amount of a visit alone where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lag_weights: Vec<f64>,
    /// The arms whose imputed values are shifted; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    arms: Vec<String>,
    /// Whether gaps before the event are shifted too.
    #[serde(default, skip_serializing_if = "crate::written::is_default")]
    intermittent: Intermittent,
}

/// What happens to imputed values before the event.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Intermittent {
    /// They are left as they are.
    #[default]
    Unchanged,
    /// They get the amount of their visit.
    Shifted,
}

choices! {
    Intermittent, "treatment of intermittent gaps":
    Unchanged = "unchanged", [], "imputed values before the event are left as they are";
    Shifted = "shifted", [], "imputed values before the event get the amount of their visit";
}

impl Delta {
    /// An amount for each analysed visit, in order.
    pub fn by_visit(amounts: impl IntoIterator<Item = f64>) -> Self {
        Self { by_visit: amounts.into_iter().collect(), ..Self::default() }
    }

    /// Weights by lag: of the first visit after the event, the second, and so on.
    pub fn lag_weights(mut self, weights: impl IntoIterator<Item = f64>) -> Self {
        self.lag_weights = weights.into_iter().collect();
        self
    }

    /// The arms whose imputed values are shifted; all unless stated.
    pub fn in_arms<S: Into<String>>(mut self, arms: impl IntoIterator<Item = S>) -> Self {
        self.arms = arms.into_iter().map(Into::into).collect();
        self
    }

    /// Whether gaps before the event are shifted too; they are not unless stated.
    pub fn intermittent(mut self, intermittent: Intermittent) -> Self {
        self.intermittent = intermittent;
        self
    }

    /// What is added at each visit for a patient of `arm` whose first visit after the event is `from`.
    pub fn amounts(&self, arm: &str, from: usize) -> Vec<f64> {
        let visits = self.by_visit.len();
        if !self.arms.is_empty() && !self.arms.iter().any(|a| a == arm) {
            return vec![0.0; visits];
        }
        let weight = |lag: usize| self.lag_weights.get(lag).copied().unwrap_or(0.0);
        let after = |t: usize| match self.lag_weights.is_empty() {
            true => self.by_visit[t],
            false => (from..=t).map(|s| self.by_visit[s] * weight(s - from)).sum(),
        };
        let amount = |t: usize| match (t >= from, self.intermittent) {
            (true, _) => after(t),
            (false, Intermittent::Shifted) => self.by_visit[t],
            (false, Intermittent::Unchanged) => 0.0,
        };
        (0..visits).map(amount).collect()
    }

    pub(super) fn check(&self, visits: &[String], arms: &[String]) -> Result<()> {
        if self.by_visit.len() != visits.len() {
            return Err(Error::wrong_number(
                "delta",
                format!("there are {} amounts, and {} visits are analysed: {}", self.by_visit.len(), visits.len(), visits.join(", ")),
                "give one for each visit, 0 where nothing is added",
            ));
        }
        if let Some(bad) = self.by_visit.iter().chain(&self.lag_weights).find(|x| !x.is_finite()) {
            return Err(Error::not_finite("delta", format!("it has {bad}"), "give finite amounts and weights"));
        }
        match self.arms.iter().find(|arm| !arms.contains(arm)) {
            Some(stranger) => Err(Error::unknown("arm of delta", stranger, arms)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of rbmi's documentation on delta adjustment.
    #[test]
    fn amounts_are_those_of_the_published_tables() {
        let growing = Delta::by_visit([5.0, 6.0, 7.0, 8.0]).lag_weights([1.0, 2.0, 3.0, 4.0]);
        assert_eq!(growing.amounts("a", 1), [0.0, 6.0, 20.0, 44.0]);
        assert_eq!(growing.amounts("a", 2), [0.0, 0.0, 7.0, 23.0]);
        let constant = Delta::by_visit([5.0; 4]).lag_weights([1.0, 0.0, 0.0, 0.0]);
        assert_eq!(constant.amounts("a", 1), [0.0, 5.0, 5.0, 5.0]);
        assert_eq!(constant.amounts("a", 4), [0.0; 4]);
    }

    #[test]
    fn arms_and_gaps_are_told_apart() {
        let delta = Delta::by_visit([1.0, 2.0, 3.0]).in_arms(["b"]);
        assert_eq!((delta.amounts("a", 0), delta.amounts("b", 1)), (vec![0.0; 3], vec![0.0, 2.0, 3.0]));
        assert_eq!(delta.intermittent(Intermittent::Shifted).amounts("b", 2), [1.0, 2.0, 3.0]);
    }
}
