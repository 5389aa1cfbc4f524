//! What is added to imputed values, or what they are multiplied by.

use crate::error::{Error, Result};
use crate::options::choices;
use crate::table::{agreeing, counted};

/// An amount that is added to imputed values (positive for higher scores), or that they are multiplied by.
///
/// Each visit has an amount, and visits after the event may have weights by their lag: the amount at visit t after an
/// event before visit k is Σ_{s = k…t} amount_s · weight_{s−k+1}. With weights 1, 1, … amounts accumulate; with weights
/// 1, 0, 0, … the amount of the first visit after the event stays. On the [multiplicative scale](DeltaScale) it is the
/// product Π_{s = k…t} amount_s^weight_{s−k+1}, and 1 changes nothing.
///
/// ```
/// use trialstats::imputation::Delta;
///
/// let delta = Delta::by_visit([5.0, 6.0, 7.0, 8.0]).lag_weights([1.0, 2.0, 3.0, 4.0]);
/// assert_eq!(delta.amounts("DRUG", 1), [0.0, 6.0, 20.0, 44.0]);
/// assert_eq!(delta.amounts("DRUG", 2), [0.0, 0.0, 7.0, 23.0]);
/// let factors = Delta::factors([1.1; 4]).lag_weights([1.0, 1.0]);
/// assert_eq!(factors.amounts("DRUG", 2), [1.0, 1.0, 1.1, 1.1 * 1.1]);
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
    /// Whether amounts are added or multiplied.
    #[serde(default, skip_serializing_if = "crate::written::is_default")]
    scale: DeltaScale,
}

/// What is done with the amounts of a [`Delta`].
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeltaScale {
    /// They are added to imputed values.
    #[default]
    Additive,
    /// Imputed values are multiplied by them: 1.1 makes them ten percent larger.
    Multiplicative,
}

choices! {
    DeltaScale, "scale of delta":
    Additive = "additive", [], "amounts are added to imputed values";
    Multiplicative = "multiplicative", ["factor"], "imputed values are multiplied by them, 1 for no change";
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

    /// A factor for each analysed visit, in order: imputed values are multiplied by it.
    pub fn factors(factors: impl IntoIterator<Item = f64>) -> Self {
        Self { scale: DeltaScale::Multiplicative, ..Self::by_visit(factors) }
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

    /// Whether gaps before the event are changed.
    pub fn stated_intermittent(&self) -> Intermittent {
        self.intermittent
    }

    /// Whether amounts are added or multiplied.
    pub fn scale(&self) -> DeltaScale {
        self.scale
    }

    /// What is added at each visit for a patient of `arm` whose first visit after the event is `from`, or what imputed
    /// values are multiplied by.
    pub fn amounts(&self, arm: &str, from: usize) -> Vec<f64> {
        let visits = self.by_visit.len();
        let nothing = if self.scale == DeltaScale::Multiplicative { 1.0 } else { 0.0 };
        if !self.arms.is_empty() && !self.arms.iter().any(|a| a == arm) {
            return vec![nothing; visits];
        }
        let weight = |lag: usize| self.lag_weights.get(lag).copied().unwrap_or(0.0);
        let after = |t: usize| match (self.lag_weights.is_empty(), self.scale) {
            (true, _) => self.by_visit[t],
            (false, DeltaScale::Additive) => (from..=t).map(|s| self.by_visit[s] * weight(s - from)).sum(),
            (false, DeltaScale::Multiplicative) => (from..=t).map(|s| libm::pow(self.by_visit[s], weight(s - from))).product(),
        };
        let amount = |t: usize| match (t >= from, self.intermittent) {
            (true, _) => after(t),
            (false, Intermittent::Shifted) => self.by_visit[t],
            (false, Intermittent::Unchanged) => nothing,
        };
        (0..visits).map(amount).collect()
    }

    /// What imputed values are multiplied by, and what is added then.
    pub(crate) fn factors_and_amounts(&self, arm: &str, from: usize) -> (Vec<f64>, Vec<f64>) {
        let visits = self.by_visit.len();
        match self.scale {
            DeltaScale::Additive => (vec![1.0; visits], self.amounts(arm, from)),
            DeltaScale::Multiplicative => (self.amounts(arm, from), vec![0.0; visits]),
        }
    }

    /// As a note has it.
    pub(super) fn sentence(&self) -> String {
        let arms = match self.arms.as_slice() {
            [] => String::new(),
            arms => format!(" of {}", arms.join(", ")),
        };
        let numbers = |all: &[f64]| all.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let weights =
            if self.lag_weights.is_empty() { String::new() } else { format!(", weighted by lag ({})", numbers(&self.lag_weights)) };
        let what = match self.scale {
            DeltaScale::Additive => format!("Delta ({}){weights} is added to imputed values{arms}", numbers(&self.by_visit)),
            DeltaScale::Multiplicative => format!("Imputed values{arms} are multiplied by delta ({}){weights}", numbers(&self.by_visit)),
        };
        let gaps = match self.intermittent {
            Intermittent::Unchanged => "gaps before the event are left as they are",
            Intermittent::Shifted => "gaps before the event get the amount of their visit",
        };
        format!("{what}; {gaps}.")
    }

    pub(super) fn check(&self, visits: &[String], arms: &[String]) -> Result<()> {
        if self.by_visit.len() != visits.len() {
            return Err(Error::wrong_number(
                "delta",
                format!(
                    "there {} {}, and {} {} analysed: {}",
                    agreeing(self.by_visit.len(), "is", "are"),
                    counted(self.by_visit.len(), "amount"),
                    counted(visits.len(), "visit"),
                    agreeing(visits.len(), "is", "are"),
                    visits.join(", ")
                ),
                match self.scale {
                    DeltaScale::Additive => "give one for each visit, 0 where nothing is added",
                    DeltaScale::Multiplicative => "give one for each visit, 1 where nothing changes",
                },
            ));
        }
        if let Some(bad) = self.by_visit.iter().chain(&self.lag_weights).find(|x| !x.is_finite()) {
            return Err(Error::not_finite("delta", format!("it has {bad}"), "give finite amounts and weights"));
        }
        if let Some(bad) = self.by_visit.iter().find(|x| self.scale == DeltaScale::Multiplicative && **x <= 0.0) {
            return Err(Error::out_of_range(
                "delta",
                format!("imputed values are multiplied by {bad}"),
                "give factors above 0; 1 for no change",
            ));
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
    fn factors_multiply_and_one_changes_nothing() {
        let factors = Delta::factors([1.0, 2.0, 3.0, 5.0]);
        assert_eq!(factors.amounts("a", 2), [1.0, 1.0, 3.0, 5.0]);
        assert_eq!(factors.factors_and_amounts("a", 2), (vec![1.0, 1.0, 3.0, 5.0], vec![0.0; 4]));
        // The lags of the additive scale, as powers.
        assert_eq!(factors.clone().lag_weights([1.0, 1.0, 1.0]).amounts("a", 1), [1.0, 2.0, 6.0, 30.0]);
        assert_eq!(factors.clone().lag_weights([1.0, 0.0, 2.0]).amounts("a", 1), [1.0, 2.0, 2.0, 50.0]);
        let gaps = factors.in_arms(["b"]).intermittent(Intermittent::Shifted);
        assert_eq!((gaps.amounts("a", 3), gaps.amounts("b", 3)), (vec![1.0; 4], vec![1.0, 2.0, 3.0, 5.0]));
    }

    #[test]
    fn arms_and_gaps_are_told_apart() {
        let delta = Delta::by_visit([1.0, 2.0, 3.0]).in_arms(["b"]);
        assert_eq!((delta.amounts("a", 0), delta.amounts("b", 1)), (vec![0.0; 3], vec![0.0, 2.0, 3.0]));
        assert_eq!(delta.intermittent(Intermittent::Shifted).amounts("b", 2), [1.0, 2.0, 3.0]);
    }
}
