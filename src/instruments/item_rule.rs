//! Diagnoses and screening results by a rule on items, as data.

use super::ItemNames;
use super::defined::Scales;
use crate::error::{Error, Result};
use crate::written::{is_default, pairs};

/// When a diagnosis, or a screening result, is met.
///
/// Ratings count as they are scored: a reversed item's are turned around. With missing items the rule is decided by
/// bounding ([`Diagnosis`](super::Diagnosis)): it is met only if it would be whatever they were.
///
/// ```toml
/// rule = { all = [
///     { count = { items = "phq9_{1..9}", rated = 2, at-least = 5, except = { phq9_9 = 1 } } },
///     { count = { items = "phq9_{1..2}", rated = 2, at-least = 1 } },
/// ] }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum ItemRule {
    /// All of these are met.
    All(Vec<ItemRule>),
    /// At least one of these is met.
    Any(Vec<ItemRule>),
    /// At least so many of these items have a rating that counts.
    Count {
        /// The items.
        items: ItemNames,
        /// The lowest rating that counts.
        rated: u8,
        /// How many items it takes.
        at_least: usize,
        /// Items with another lowest rating that counts.
        #[serde(default, skip_serializing_if = "is_default", with = "pairs")]
        except: Vec<(String, u8)>,
    },
    /// A score reaches a cut-off.
    Score {
        /// The score, by name; the total unless stated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        /// The lowest score that counts.
        at_least: f64,
    },
}

/// A rule whose items are found: by position among those of the instrument.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    All(Vec<Found>),
    Any(Vec<Found>),
    /// Position and lowest rating that counts, and how many it takes.
    Count(Vec<(usize, u8)>, usize),
    /// Position among the scores, the total first, and the cut-off.
    Score(usize, f64),
}

impl ItemRule {
    /// The rule with its items among `scales`.
    pub(super) fn found(&self, scales: &Scales) -> Result<Found> {
        let each = |rules: &[ItemRule]| -> Result<Vec<Found>> {
            if rules.is_empty() {
                return Err(Error::incomplete("a rule", "`all` and `any` of nothing decide nothing", "list the rules that it joins"));
            }
            rules.iter().map(|rule| rule.found(scales)).collect()
        };
        match self {
            ItemRule::All(rules) => each(rules).map(Found::All),
            ItemRule::Any(rules) => each(rules).map(Found::Any),
            ItemRule::Count { items, rated, at_least, except } => count(scales, items, *rated, *at_least, except),
            ItemRule::Score { of, at_least } => {
                let score = match of {
                    None => 0,
                    Some(name) => {
                        let names: Vec<&str> = scales.scores.iter().map(|s| s.score.name.as_str()).collect();
                        names.iter().position(|n| n == name).ok_or_else(|| Error::unknown("score", name, &names))?
                    }
                };
                let (lowest, highest) = scales.scores[score].score.range;
                if !(lowest..=highest).contains(at_least) {
                    let what = format!("a cut-off of {at_least}");
                    return Err(Error::out_of_range(what, format!("the score goes from {lowest} to {highest}"), "state one within it"));
                }
                Ok(Found::Score(score, *at_least))
            }
        }
    }

    /// The rule in words, for notes.
    pub(super) fn words(&self) -> String {
        let joined = |rules: &[ItemRule], with: &str| rules.iter().map(ItemRule::words).collect::<Vec<_>>().join(with);
        match self {
            ItemRule::All(rules) => joined(rules, ", and "),
            ItemRule::Any(rules) => joined(rules, ", or "),
            ItemRule::Count { items, rated, at_least, except } => {
                let named = items.names().unwrap_or_default();
                let of = match named.as_slice() {
                    [one] => one.clone(),
                    [first, .., last] => format!("the {} items {first} to {last}", named.len()),
                    [] => "no item".into(),
                };
                let except = except.iter().map(|(item, rated)| format!(" ({item}: {rated} or more)")).collect::<String>();
                format!("at least {at_least} of {of} rated {rated} or more{except}")
            }
            ItemRule::Score { of, at_least } => format!("{} of {at_least} or more", of.as_deref().unwrap_or("total")),
        }
    }
}

fn count(scales: &Scales, items: &ItemNames, rated: u8, at_least: usize, except: &[(String, u8)]) -> Result<Found> {
    let names = items.names()?;
    for (name, _) in except {
        if !names.contains(name) {
            return Err(Error::unknown("item among those that are counted", name, &names));
        }
    }
    let counted = names.iter().map(|name| {
        let place = scales.place(name)?;
        let item = &scales.items[place];
        let rated = except.iter().find(|(other, _)| other == name).map_or(rated, |(_, rated)| *rated);
        if rated <= item.minimum || rated > item.maximum {
            return Err(Error::out_of_range(
                format!("counting ratings of {name} from {rated}"),
                format!("its ratings go from {} to {}, so that all or none of them would count", item.minimum, item.maximum),
                "state a rating above the lowest",
            ));
        }
        Ok((place, rated))
    });
    let counted = counted.collect::<Result<Vec<_>>>()?;
    if at_least == 0 || at_least > counted.len() {
        let what = format!("a count of at least {at_least} of {}", crate::table::counted(counted.len(), "item"));
        return Err(Error::out_of_range(what, "it is met by everybody or by nobody", "state a number from 1 to that of the items"));
    }
    Ok(Found::Count(counted, at_least))
}

impl Found {
    /// Whether the rule is met by these ratings, scored as they count. It can only become so as ratings rise.
    pub(super) fn is_met(&self, ratings: &[u8], scales: &Scales) -> bool {
        match self {
            Found::All(rules) => rules.iter().all(|rule| rule.is_met(ratings, scales)),
            Found::Any(rules) => rules.iter().any(|rule| rule.is_met(ratings, scales)),
            Found::Count(items, at_least) => items.iter().filter(|(place, rated)| ratings[*place] >= *rated).count() >= *at_least,
            Found::Score(score, at_least) => scales.scores[*score].of_complete(ratings) >= *at_least,
        }
    }
}
