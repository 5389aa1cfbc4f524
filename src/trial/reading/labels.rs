//! What a visit's label says about its place and time: `VIS10` comes after `VIS9`, `3 months` is at 3.

use std::collections::BTreeSet;

use super::profile::with_comma;

/// Words by which a visit before treatment goes, without case.
const BASELINE: [&str; 12] = [
    "baseline",
    "base",
    "bl",
    "pre",
    "pretreatment",
    "pre-treatment",
    "pretest",
    "pre-test",
    "intake",
    "randomization",
    "voormeting",
    "nulmeting",
];

/// Words that make a number in a label a time.
const UNITS: [&str; 13] = ["d", "day", "w", "wk", "week", "m", "mo", "mth", "month", "y", "yr", "year", "h"];

/// A label around its number.
#[derive(Debug, Clone, PartialEq)]
struct Numbered {
    /// The words before and after the number, lower case, without plural s.
    around: (String, String),
    number: f64,
}

/// The places of labels on one scale, if their numbers alone distinguish them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// The place of each label.
    pub places: Vec<f64>,
    /// Whether the places are times.
    pub are_times: bool,
}

/// Whether `label` is a word for the visit before treatment.
pub(super) fn is_baseline(label: &str) -> bool {
    BASELINE.contains(&label.trim().to_lowercase().as_str())
}

/// The scale that the labels are on: all plain numbers, or all the same words around one number, but for one baseline.
pub(super) fn scale(labels: &[String]) -> Option<Scale> {
    let plain: Option<Vec<f64>> = labels.iter().map(|l| l.parse().ok().or_else(|| with_comma(l)).filter(|x: &f64| x.is_finite())).collect();
    if let Some(places) = plain {
        return distinct(Scale { places, are_times: true });
    }
    let numbered: Vec<Option<Numbered>> = labels.iter().map(|l| number_in(l)).collect();
    let around = numbered.iter().flatten().next()?.around.clone();
    let are_times = UNITS.contains(&around.0.as_str()) && around.1.is_empty() || UNITS.contains(&around.1.as_str()) && around.0.is_empty();
    let mut baselines = 0;
    let mut places = vec![];
    for (label, numbered) in labels.iter().zip(numbered) {
        match numbered {
            Some(n) if n.around == around => places.push(n.number),
            None if is_baseline(label) => {
                baselines += 1;
                places.push(if are_times { 0.0 } else { f64::NEG_INFINITY });
            }
            _ => return None,
        }
    }
    if baselines > 1 { None } else { distinct(Scale { places, are_times }) }
}

fn distinct(scale: Scale) -> Option<Scale> {
    let places: BTreeSet<u64> = scale.places.iter().map(|x| (x + 0.0).to_bits()).collect();
    (places.len() == scale.places.len()).then_some(scale)
}

/// The one number in a label, and the words around it.
pub(super) fn numbered(label: &str) -> Option<(String, f64)> {
    number_in(label).map(|n| (format!("{} {}", n.around.0, n.around.1), n.number))
}

fn number_in(label: &str) -> Option<Numbered> {
    let start = label.find(|c: char| c.is_ascii_digit())?;
    let rest = &label[start..];
    let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let digits = rest[..length].trim_end_matches('.');
    let (before, after) = (&label[..start], &rest[digits.len()..]);
    if after.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // `week -2` is two weeks before, `week-2` is week 2.
    let negative = before.ends_with('-') && before[..before.len() - 1].ends_with(' ');
    let number: f64 = digits.parse().ok()?;
    Some(Numbered { around: (word(before), word(after)), number: if negative { -number } else { number } })
}

fn word(text: &str) -> String {
    let word = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    word.strip_suffix('s').filter(|w| UNITS.contains(w)).unwrap_or(&word).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(labels: &[&str]) -> Option<(Vec<f64>, bool)> {
        scale(&labels.iter().map(|l| l.to_string()).collect::<Vec<_>>()).map(|s| (s.places, s.are_times))
    }

    #[test]
    fn labels_that_differ_in_one_number_are_on_a_scale() {
        assert_eq!(places(&["VIS10", "VIS9", "VIS01"]), Some((vec![10.0, 9.0, 1.0], false)));
        assert_eq!(places(&["baseline", "1 month", "3 months"]), Some((vec![0.0, 1.0, 3.0], true)));
        assert_eq!(places(&["Week -2", "Week 0", "Week 2.5"]), Some((vec![-2.0, 0.0, 2.5], true)));
        assert_eq!(places(&["week-2", "week-4"]), Some((vec![2.0, 4.0], true)));
        assert_eq!(places(&["M3", "M12"]), Some((vec![3.0, 12.0], true)));
        assert_eq!(places(&["0,5", "1"]), Some((vec![0.5, 1.0], true)));
        assert_eq!(places(&["4", "5.5", "-1"]), Some((vec![4.0, 5.5, -1.0], true)));
    }

    #[test]
    fn labels_that_could_be_ordered_in_several_ways_are_on_none() {
        assert_eq!(places(&["pre", "post", "follow-up"]), None);
        assert_eq!(places(&["1 week", "1 month"]), None);
        assert_eq!(places(&["baseline", "0 months"]), None);
        assert_eq!(places(&["day 1 of 2", "day 2 of 2"]), None);
        assert_eq!(places(&["01", "1"]), None);
    }
}
