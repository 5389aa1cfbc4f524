//! What instruments have in common: sums over items with missing ratings, and diagnoses by bounding.

use super::{Diagnosis, Item};
use crate::options::choices;
use std::ops::RangeInclusive;

/// What a missing item does to a sum of items.
///
/// No official rule for missing CAPS-5 or SCID-5-PD items is known to the authors, so the default is the strict one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum MissingItems {
    /// A sum with a missing item is missing.
    #[default]
    MakeMissing,
    /// With at most `at_most` items of the sum missing, and at least half of them rated, the sum is the mean of the
    /// rated items times the number of items. Beyond that it is missing.
    Prorate {
        /// The largest number of missing items that is bridged, of the items of the sum at hand.
        at_most: usize,
    },
    /// The same with a share: with at most `percent` percent of the items of the sum missing, and at least half of them
    /// rated.
    ProrateShare {
        /// The largest share of missing items that is bridged, in percent of the items of the sum at hand; at most 50.
        percent: u8,
    },
}

impl MissingItems {
    /// The rule as a sentence for the notes of a table.
    pub fn note(self) -> String {
        match self {
            MissingItems::MakeMissing => "A score with a missing item is missing.".into(),
            MissingItems::Prorate { at_most } => format!(
                "A score with up to {at_most} missing items, and at least half of its items rated, is the mean of the rated items times the number of items; \
                 with more missing items it is missing."
            ),
            MissingItems::ProrateShare { percent } => format!(
                "A score with up to {percent}% of its items missing is the mean of the rated items times the number of items; with more missing items it is \
                 missing."
            ),
        }
    }

    /// Whether a sum of `items` of which `absent` are missing is bridged.
    fn bridges(self, absent: usize, items: usize) -> bool {
        let few = match self {
            MissingItems::MakeMissing => absent == 0,
            MissingItems::Prorate { at_most } => absent <= at_most,
            MissingItems::ProrateShare { percent } => 100 * absent <= usize::from(percent) * items,
        };
        few && 2 * absent <= items
    }
}

/// The sum of `ratings`, with missing ones (`None`) treated as `missing` says; `None` where the sum is missing or
/// there are no items.
///
/// ```
/// use trialstats::instruments::{MissingItems, sum};
///
/// let ratings = [Some(2), Some(4), None, Some(3)];
/// assert_eq!(sum(&ratings, MissingItems::MakeMissing), None);
/// assert_eq!(sum(&ratings, MissingItems::Prorate { at_most: 1 }), Some(12.0));
/// ```
pub fn sum(ratings: &[Option<u8>], missing: MissingItems) -> Option<f64> {
    let rated: Vec<f64> = ratings.iter().flatten().map(|&r| f64::from(r)).collect();
    let absent = ratings.len() - rated.len();
    let total: f64 = rated.iter().sum();
    match absent {
        _ if rated.is_empty() => None,
        0 => Some(total),
        _ if missing.bridges(absent, ratings.len()) => Some(total * ratings.len() as f64 / rated.len() as f64),
        _ => None,
    }
}

/// How a criterion of a diagnosis is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// By its items in the file.
    AsRated,
    /// Taken as met for everyone, e.g. because the trial admitted nobody else.
    AssumedMet,
    /// Not known: the diagnosis can be ruled out by other criteria but never made.
    NotAssessed,
}

choices! {
    Criterion, "decision on a criterion":
    AsRated = "as-rated", [], "by its items in the file";
    AssumedMet = "assumed-met", [], "taken as met for everyone";
    NotAssessed = "not-assessed", [], "not known: the diagnosis can be ruled out but never made";
}

impl Criterion {
    /// The criterion under this rule, where `rated` says what its items say.
    pub(super) fn decide(self, rated: impl FnOnce() -> Diagnosis) -> Diagnosis {
        match self {
            Criterion::AsRated => rated(),
            Criterion::AssumedMet => Diagnosis::Met,
            Criterion::NotAssessed => Diagnosis::Unknown,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Criterion::AsRated => "as rated",
            Criterion::AssumedMet => "assumed met",
            Criterion::NotAssessed => "not assessed",
        }
    }
}

impl Diagnosis {
    /// Applies `rule` to the ratings with every missing one at its lowest and at its highest value.
    ///
    /// For a rule that never turns from met to not met when a rating rises, as diagnostic criteria are, this says the
    /// same as trying every completion of the missing ratings. A missing entry of `ratings` beyond `items` counts as
    /// 0.
    pub fn by_bounding(items: &[Item], ratings: &[Option<u8>], rule: impl Fn(&[u8]) -> bool) -> Self {
        let filled = |bound: fn(&Item) -> u8| -> Vec<u8> {
            ratings.iter().enumerate().map(|(i, r)| r.unwrap_or_else(|| items.get(i).map_or(0, bound))).collect()
        };
        Self::from_bounds(rule(&filled(|item| item.minimum)), rule(&filled(|item| item.maximum)))
    }

    /// Met if met even with missing ratings at their lowest, not met if not met even with them at their highest.
    pub fn from_bounds(at_lowest: bool, at_highest: bool) -> Self {
        match (at_lowest, at_highest) {
            (true, _) => Diagnosis::Met,
            (false, true) => Diagnosis::Unknown,
            (false, false) => Diagnosis::NotMet,
        }
    }

    /// Both: not met if either is not met, whatever the other.
    ///
    /// ```
    /// use trialstats::instruments::Diagnosis::{Met, NotMet, Unknown};
    /// assert_eq!(Unknown.and(NotMet), NotMet);
    /// assert_eq!(Unknown.and(Met), Unknown);
    /// ```
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Diagnosis::NotMet, _) | (_, Diagnosis::NotMet) => Diagnosis::NotMet,
            (Diagnosis::Met, Diagnosis::Met) => Diagnosis::Met,
            _ => Diagnosis::Unknown,
        }
    }

    /// Either: met if either is met, whatever the other.
    ///
    /// ```
    /// use trialstats::instruments::Diagnosis::{Met, NotMet, Unknown};
    /// assert_eq!(Unknown.or(Met), Met);
    /// assert_eq!(Unknown.or(NotMet), Unknown);
    /// ```
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Diagnosis::Met, _) | (_, Diagnosis::Met) => Diagnosis::Met,
            (Diagnosis::NotMet, Diagnosis::NotMet) => Diagnosis::NotMet,
            _ => Diagnosis::Unknown,
        }
    }
}

impl Item {
    /// Items `first` to `last`, numbered with as many digits as `last` has: `Item::numbered("caps5_", 1, 20, 0..=4)`
    /// starts with `caps5_01`.
    pub fn numbered(prefix: &str, first: usize, last: usize, range: RangeInclusive<u8>) -> Vec<Self> {
        let digits = last.to_string().len();
        (first..=last).map(|i| Self { name: format!("{prefix}{i:0digits$}"), minimum: *range.start(), maximum: *range.end() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_prorated_only_on_request_and_within_its_maximum() {
        let ratings = [Some(1), None, None, Some(3), Some(2)];
        assert_eq!(sum(&ratings, MissingItems::MakeMissing), None);
        assert_eq!(sum(&ratings, MissingItems::Prorate { at_most: 1 }), None);
        assert_eq!(sum(&ratings, MissingItems::Prorate { at_most: 2 }), Some(10.0));
        // Fewer than half rated: not bridged whatever the maximum.
        assert_eq!(sum(&[Some(4), None, None], MissingItems::Prorate { at_most: 3 }), None);
        assert_eq!(sum(&[None, None], MissingItems::Prorate { at_most: 2 }), None);
        assert_eq!(sum(&[], MissingItems::MakeMissing), None);
    }

    #[test]
    fn items_are_numbered_with_leading_zeros() {
        let items = Item::numbered("x", 1, 10, 0..=2);
        assert_eq!((items[0].name.as_str(), items[9].name.as_str(), items[9].maximum), ("x01", "x10", 2));
        assert_eq!(Item::numbered("x", 1, 9, 0..=2)[0].name, "x1");
    }
}
