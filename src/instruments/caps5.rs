//! The Clinician-Administered PTSD Scale for DSM-5.

use super::{Assessment, Criterion, Diagnosis, Instrument, Item, MissingItems, NamedInstrument, Score, sum};
use crate::error::{Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _};
use std::ops::RangeInclusive;

/// A symptom cluster of the CAPS-5.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Caps5Cluster {
    /// Its letter in the DSM-5, lower case as in the outcome's name.
    pub letter: char,
    /// What its symptoms are about.
    pub label: &'static str,
    /// First item, counted from 1.
    pub first: usize,
    /// Last item, counted from 1.
    pub last: usize,
    /// Symptoms that the diagnosis requires.
    pub required: usize,
}

impl Caps5Cluster {
    fn of<'a, T>(&self, ratings: &'a [T]) -> &'a [T] {
        &ratings[self.first - 1..self.last]
    }
}

/// The clusters and how many symptoms of each the diagnosis requires.
pub const CAPS5_CLUSTERS: [Caps5Cluster; 4] = [
    Caps5Cluster { letter: 'b', label: "intrusion", first: 1, last: 5, required: 1 },
    Caps5Cluster { letter: 'c', label: "avoidance", first: 6, last: 7, required: 1 },
    Caps5Cluster { letter: 'd', label: "cognitions and mood", first: 8, last: 14, required: 2 },
    Caps5Cluster { letter: 'e', label: "arousal and reactivity", first: 15, last: 20, required: 2 },
];

const ITEMS: usize = 30;
const SEVERITY_ITEMS: usize = 20;
/// A symptom is present from a severity of 2, moderate / threshold.
const PRESENT: u8 = 2;

/// The CAPS-5: 30 items, of which 1–20 make the total, cluster scores and symptom count, and these with 22–25, 29 and
/// 30 the diagnosis.
///
/// # Items and their ranges
/// | items | content | rating |
/// |---|---|---|
/// | 1–20 | symptoms, clusters B 1–5, C 6–7, D 8–14, E 15–20 | severity 0 absent, 1 mild, 2 moderate / threshold, 3 severe, 4 extreme |
/// | 21 | onset delayed by six months or more | 0 no, 1 yes |
/// | 22 | symptoms for more than a month (criterion F) | 0 no, 1 yes |
/// | 23–25 | distress; social impairment; occupational or other impairment (criterion G) | 0–4 |
/// | 26 | validity of the answers | 0 excellent – 4 invalid |
/// | 27 | global severity | 0–4 |
/// | 28 | global improvement since the last assessment | 0 asymptomatic – 4 none, 5 not enough information |
/// | 29, 30 | depersonalization; derealization | 0–4 |
///
/// Items 1–20, 29 and 30: Weathers et al., *Psychological Assessment* 2018;30:383–395, doi:10.1037/pas0000486. Item
/// 21, the sums, the threshold of 2 and the smallest total of 12 are also in the CAPS-5 training of the National
/// Center for PTSD (2020, lesson 5). The ranges of 21–28 follow the interview's form as it is commonly coded and were
/// not verified in a published source. Where a file has months instead of yes/no in items 21 and 22, leave these two
/// out with [`Caps5::carrying`].
///
/// # Scores
/// `caps5` (0–80), `caps5_b`, `caps5_c`, `caps5_d`, `caps5_e` and `caps5_symptoms`, the number of items 1–20 rated 2
/// or more (0–20). By default a missing item makes its cluster, the total and the symptom count missing;
/// [`Caps5::missing_items`] prorates the sums on request, never the symptom count.
///
/// # Diagnoses
/// `ptsd` as in DSM-5: criterion A; at least 1 B, 1 C, 2 D and 2 E symptoms present (rated 2 or more); F; G.
/// `ptsd_dissociative`: `ptsd`, and item 29 or 30 rated 2 or more. Both are [`Diagnosis::Met`] or
/// [`Diagnosis::NotMet`] only if every possible value of the missing items says so. A total alone never decides: the
/// smallest total with the diagnosis is 12, and a total of 74 is possible with cluster C not met.
///
/// | option | default | meaning |
/// |---|---|---|
/// | [`prefix`](Caps5::prefix) | `caps5_` | what precedes the two-digit item number in column names |
/// | [`outcome`](Caps5::outcome) | `caps5` | what the total is called, and what precedes `_b` … in the other scores |
/// | [`carrying`](Caps5::carrying) | all 30 | the items that the file has; the others count as missing |
/// | [`criterion_a`](Caps5::criterion_a) | assumed met | traumatic exposure; no item rates it, trials of PTSD admit nobody without it |
/// | [`criterion_f`](Caps5::criterion_f) | as rated | lasted over a month: item 22 is 1 (widely used; unverified) |
/// | [`criterion_g`](Caps5::criterion_g) | as rated | distress or impairment: any of items 23–25 is 2 or more (widely used; unverified) |
/// | [`missing_items`](Caps5::missing_items) | make missing | what a missing item does to the sums |
///
/// ```
/// use trialstats::instruments::{Caps5, Diagnosis, Instrument};
///
/// // One B, one C, two D and two E symptoms at 2, a month's duration and distress: the mildest PTSD there is.
/// let mut ratings = vec![Some(0); 30];
/// for item in [1, 6, 8, 9, 15, 16, 23] {
///     ratings[item - 1] = Some(2);
/// }
/// ratings[22 - 1] = Some(1);
/// let caps5 = Caps5::new();
/// let assessment = caps5.assess(&ratings);
/// assert_eq!(assessment.scores[0], Some(12.0));
/// assert_eq!(assessment.diagnoses, [Diagnosis::Met, Diagnosis::NotMet]);
///
/// ratings[1 - 1] = None; // without the only B symptom the diagnosis hangs on it, and the total is not known
/// let assessment = caps5.assess(&ratings);
/// assert_eq!(assessment.scores[0], None);
/// assert_eq!(assessment.diagnoses[0], Diagnosis::Unknown);
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Caps5 {
    prefix: String,
    outcome: String,
    /// Numbers of the items in the file, rising, from 1.
    #[serde(rename = "items", deserialize_with = "carried_items")]
    carried: Vec<usize>,
    #[serde(deserialize_with = "exposure")]
    criterion_a: Criterion,
    criterion_f: Criterion,
    criterion_g: Criterion,
    missing_items: MissingItems,
}

impl Default for Caps5 {
    fn default() -> Self {
        Self::new()
    }
}

/// The numbers of items, checked.
fn carried_items<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<usize>, D::Error> {
    let items = Vec::<usize>::deserialize(deserializer)?;
    Caps5::new().carrying(items).map(|caps5| caps5.carried).map_err(D::Error::custom)
}

/// How exposure is decided, which no item rates.
fn exposure<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Criterion, D::Error> {
    Criterion::deserialize(deserializer).map(|rule| Caps5::new().criterion_a(rule).criterion_a)
}

impl Caps5 {
    /// Its name in a [`Registry`](super::Registry).
    pub const NAME: &'static str = "caps5";

    /// All thirty items, in columns `caps5_01` to `caps5_30`.
    pub fn new() -> Self {
        Self {
            prefix: "caps5_".into(),
            outcome: "caps5".into(),
            carried: (1..=ITEMS).collect(),
            criterion_a: Criterion::AssumedMet,
            criterion_f: Criterion::AsRated,
            criterion_g: Criterion::AsRated,
            missing_items: MissingItems::MakeMissing,
        }
    }

    /// For files with the twenty severity items only.
    ///
    /// Criteria F and G are then not assessed: `ptsd` is `NotMet` where clusters B–E rule it out, else `Unknown`. A
    /// trial that takes F and G for granted says so with [`Caps5::criterion_f`] and [`Caps5::criterion_g`].
    ///
    /// ```
    /// use trialstats::instruments::{Caps5, Criterion, Diagnosis, Instrument};
    ///
    /// let severe = vec![Some(3); 20];
    /// assert_eq!(Caps5::severity_items().assess(&severe).diagnoses[0], Diagnosis::Unknown);
    /// let taken_for_granted = Caps5::severity_items().criterion_f(Criterion::AssumedMet).criterion_g(Criterion::AssumedMet);
    /// assert_eq!(taken_for_granted.assess(&severe).diagnoses[0], Diagnosis::Met);
    /// ```
    pub fn severity_items() -> Self {
        Self { carried: (1..=SEVERITY_ITEMS).collect(), ..Self::new() }
    }

    /// Names the items that the file has, counted from 1; those left out count as missing at every visit.
    ///
    /// # Errors
    /// [`Error::Invalid`] if one of the severity items 1–20 is left out or a number lies beyond 30.
    pub fn carrying(mut self, items: impl IntoIterator<Item = usize>) -> Result<Self> {
        let mut carried: Vec<usize> = items.into_iter().collect();
        carried.sort_unstable();
        carried.dedup();
        let beyond = carried.iter().find(|&&i| i == 0 || i > ITEMS);
        let absent = (1..=SEVERITY_ITEMS).find(|i| !carried.contains(i));
        let remedy = "name numbers from 1 to 30, with all of 1 to 20 among them";
        if let Some(i) = beyond {
            return Err(Error::out_of_range(format!("CAPS-5 item {i}"), "the CAPS-5 has items 1 to 30", remedy));
        }
        if let Some(i) = absent {
            return Err(Error::incomplete(
                format!("CAPS-5 without item {i}"),
                "no score is defined without the twenty severity items",
                remedy,
            ));
        }
        self.carried = carried;
        Ok(self)
    }

    /// What precedes the two-digit item number in the names of columns.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// What the total is called in formulas; the other scores are named after it.
    pub fn outcome(mut self, name: impl Into<String>) -> Self {
        self.outcome = name.into();
        self
    }

    /// How traumatic exposure is decided. No item rates it, so [`Criterion::AsRated`] means the same as
    /// [`Criterion::NotAssessed`].
    pub fn criterion_a(mut self, rule: Criterion) -> Self {
        self.criterion_a = if rule == Criterion::AsRated { Criterion::NotAssessed } else { rule };
        self
    }

    /// How a duration of more than a month is decided.
    pub fn criterion_f(mut self, rule: Criterion) -> Self {
        self.criterion_f = rule;
        self
    }

    /// How distress or impairment is decided.
    pub fn criterion_g(mut self, rule: Criterion) -> Self {
        self.criterion_g = rule;
        self
    }

    /// What a missing item does to the total and the cluster scores.
    pub fn missing_items(mut self, rule: MissingItems) -> Self {
        self.missing_items = rule;
        self
    }

    fn all_items(&self) -> Vec<Item> {
        (1..=ITEMS)
            .map(|i| {
                let range = range_of(i);
                Item { name: format!("{}{i:02}", self.prefix), minimum: *range.start(), maximum: *range.end() }
            })
            .collect()
    }

    /// One entry for each of the thirty items, from the entries of the carried ones.
    fn spread(&self, ratings: &[Option<u8>]) -> Vec<Option<u8>> {
        let mut all = vec![None; ITEMS];
        self.carried.iter().zip(ratings).for_each(|(&i, &r)| all[i - 1] = r);
        all
    }

    fn ptsd(&self, ratings: &[Option<u8>]) -> Diagnosis {
        let items = self.all_items();
        let bounded = |rule: &dyn Fn(&[u8]) -> bool| Diagnosis::by_bounding(&items, ratings, rule);
        let symptoms = bounded(&|r| CAPS5_CLUSTERS.iter().all(|c| present(c.of(r)) >= c.required));
        let a = self.criterion_a.decide(|| Diagnosis::Unknown);
        let f = self.criterion_f.decide(|| bounded(&|r| r[22 - 1] >= 1));
        let g = self.criterion_g.decide(|| bounded(&|r| present(&r[23 - 1..25]) >= 1));
        symptoms.and(a).and(f).and(g)
    }

    fn dissociative(&self, ratings: &[Option<u8>]) -> Diagnosis {
        Diagnosis::by_bounding(&self.all_items(), ratings, |r| present(&r[29 - 1..30]) >= 1)
    }
}

fn range_of(item: usize) -> RangeInclusive<u8> {
    match item {
        21 | 22 => 0..=1,
        28 => 0..=5,
        _ => 0..=4,
    }
}

fn present(ratings: &[u8]) -> usize {
    ratings.iter().filter(|&&r| r >= PRESENT).count()
}

fn symptom_count(ratings: &[Option<u8>]) -> Option<f64> {
    let rated: Option<Vec<u8>> = ratings.iter().copied().collect();
    rated.map(|r| present(&r) as f64)
}

impl Instrument for Caps5 {
    fn name(&self) -> &str {
        "CAPS-5"
    }

    fn items(&self) -> Vec<Item> {
        let all = self.all_items();
        self.carried.iter().map(|&i| all[i - 1].clone()).collect()
    }

    fn scores(&self) -> Vec<Score> {
        let total = Score { name: self.outcome.clone(), label: "CAPS-5 total".into(), range: (0.0, 80.0) };
        let clusters = CAPS5_CLUSTERS.iter().map(|c| Score {
            name: format!("{}_{}", self.outcome, c.letter),
            label: format!("CAPS-5 {}: {}", c.letter.to_ascii_uppercase(), c.label),
            range: (0.0, 4.0 * (c.last - c.first + 1) as f64),
        });
        let symptoms = Score { name: format!("{}_symptoms", self.outcome), label: "CAPS-5 symptoms present".into(), range: (0.0, 20.0) };
        [total].into_iter().chain(clusters).chain([symptoms]).collect()
    }

    fn diagnoses(&self) -> Vec<String> {
        vec!["ptsd".into(), "ptsd_dissociative".into()]
    }

    fn notes(&self) -> Vec<String> {
        vec![
            format!("CAPS-5: {}", self.missing_items.note()),
            format!(
                "PTSD: at least 1 B, 1 C, 2 D and 2 E symptoms rated 2 or more; criterion A {}, F (item 22) {}, G (an item of 23–25 rated 2 or more) {}; \
                 unknown where it depends on missing items.",
                self.criterion_a.words(),
                self.criterion_f.words(),
                self.criterion_g.words(),
            ),
        ]
    }

    fn named(&self) -> Option<NamedInstrument> {
        NamedInstrument::of(Self::NAME, self, &Self::default())
    }

    fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
        let all = self.spread(ratings);
        let severity = &all[..SEVERITY_ITEMS];
        let clusters = CAPS5_CLUSTERS.iter().map(|c| sum(c.of(severity), self.missing_items));
        let scores = [sum(severity, self.missing_items)].into_iter().chain(clusters).chain([symptom_count(severity)]).collect();
        let ptsd = self.ptsd(&all);
        Assessment { scores, diagnoses: vec![ptsd, ptsd.and(self.dissociative(&all))] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The DSM-5 rule written a second time, on complete ratings, item by item.
    fn has_ptsd(r: &[u8]) -> bool {
        let count = |items: &[usize]| items.iter().filter(|&&i| r[i - 1] >= 2).count();
        count(&[1, 2, 3, 4, 5]) >= 1
            && count(&[6, 7]) >= 1
            && count(&[8, 9, 10, 11, 12, 13, 14]) >= 2
            && count(&[15, 16, 17, 18, 19, 20]) >= 2
            && r[21] == 1
            && count(&[23, 24, 25]) >= 1
    }

    fn maxima() -> Vec<u8> {
        Caps5::new().items().iter().map(|i| i.maximum).collect()
    }

    /// Every completion of the missing ratings.
    fn completions(ratings: &[Option<u8>]) -> Vec<Vec<u8>> {
        ratings.iter().zip(maxima()).fold(vec![vec![]], |done, (r, maximum)| {
            let values: Vec<u8> = r.map_or((0..=maximum).collect(), |r| vec![r]);
            done.iter().flat_map(|d| values.iter().map(|&v| d.iter().copied().chain([v]).collect())).collect()
        })
    }

    fn by_enumeration(ratings: &[Option<u8>], rule: impl Fn(&[u8]) -> bool) -> Diagnosis {
        let verdicts: Vec<bool> = completions(ratings).iter().map(|c| rule(c)).collect();
        match (verdicts.iter().all(|&v| v), verdicts.iter().any(|&v| v)) {
            (true, _) => Diagnosis::Met,
            (_, false) => Diagnosis::NotMet,
            _ => Diagnosis::Unknown,
        }
    }

    /// Ratings near the threshold, so that all three verdicts occur, with up to four missing.
    fn assessments() -> impl Strategy<Value = Vec<Option<u8>>> {
        let rating = prop_oneof![Just(0u8), Just(1), Just(2), Just(2), Just(3), Just(4)];
        (proptest::collection::vec(rating, 30), proptest::collection::vec(0usize..30, 0..=4)).prop_map(|(ratings, missing)| {
            let mut r: Vec<Option<u8>> = ratings.into_iter().zip(maxima()).map(|(r, m)| Some(r.min(m))).collect();
            missing.into_iter().for_each(|i| r[i] = None);
            r
        })
    }

    proptest! {
        #[test]
        fn bounding_says_what_trying_every_completion_says(ratings in assessments()) {
            let diagnoses = Caps5::new().assess(&ratings).diagnoses;
            prop_assert_eq!(diagnoses[0], by_enumeration(&ratings, has_ptsd));
            prop_assert_eq!(diagnoses[1], by_enumeration(&ratings, |r| has_ptsd(r) && (r[28] >= 2 || r[29] >= 2)));
        }

        #[test]
        fn clusters_add_up_to_the_total(ratings in assessments()) {
            let scores = Caps5::new().assess(&ratings).scores;
            let clusters: Option<Vec<f64>> = scores[1..5].iter().copied().collect();
            prop_assert_eq!(scores[0], clusters.map(|c| c.iter().sum()));
            prop_assert_eq!(scores[0].is_some(), ratings[..20].iter().all(Option::is_some));
        }
    }

    #[test]
    fn the_smallest_total_with_a_diagnosis_is_12_and_clusters_fail_up_to_74() {
        // Per cluster, the smallest sum that meets it and the largest that does not, by enumeration of its ratings.
        let (mut smallest, mut loss) = (0, u32::MAX);
        for c in CAPS5_CLUSTERS {
            let items = c.last - c.first + 1;
            let (mut met, mut unmet) = (u32::MAX, 0);
            for code in 0..5usize.pow(items as u32) {
                let r: Vec<u8> = (0..items).map(|i| (code / 5usize.pow(i as u32) % 5) as u8).collect();
                let total: u32 = r.iter().map(|&x| u32::from(x)).sum();
                if present(&r) >= c.required { met = met.min(total) } else { unmet = unmet.max(total) }
            }
            smallest += met;
            loss = loss.min(4 * items as u32 - unmet);
        }
        assert_eq!(smallest, 12);
        assert_eq!(80 - loss, 74);
    }

    #[test]
    fn only_the_severity_items_leave_the_diagnosis_to_clusters_b_to_e() {
        let caps5 = Caps5::severity_items();
        assert_eq!(caps5.items().len(), 20);
        assert_eq!(caps5.assess(&[Some(1); 20]).diagnoses, [Diagnosis::NotMet, Diagnosis::NotMet]);
        assert_eq!(caps5.assess(&[Some(2); 20]).diagnoses, [Diagnosis::Unknown, Diagnosis::Unknown]);
        let assumed = caps5.criterion_f(Criterion::AssumedMet).criterion_g(Criterion::AssumedMet);
        assert_eq!(assumed.assess(&[Some(2); 20]).diagnoses, [Diagnosis::Met, Diagnosis::Unknown]);
        assert_eq!(assumed.criterion_a(Criterion::NotAssessed).assess(&[Some(2); 20]).diagnoses[0], Diagnosis::Unknown);
    }

    #[test]
    fn items_left_out_of_the_file_count_as_missing() {
        let caps5 = Caps5::new().carrying((1..=20).chain([23, 24, 25, 29, 30])).expect("all severity items are there");
        assert_eq!(caps5.items()[20].name, "caps5_23");
        assert_eq!(caps5.assess(&[Some(4); 25]).diagnoses[0], Diagnosis::Unknown);
        let lasting = caps5.criterion_f(Criterion::AssumedMet);
        assert_eq!(lasting.assess(&[Some(4); 25]).diagnoses, [Diagnosis::Met, Diagnosis::Met]);
        assert!(Caps5::new().carrying(2..=20).is_err());
        assert!(Caps5::new().carrying(1..=31).is_err());
    }
}
