//! The Structured Clinical Interview for DSM-5 Personality Disorders.

use super::{Assessment, Criterion, Diagnosis, Instrument, Item, MissingItems, NamedInstrument, Score, sum};
use crate::options::choices;
use serde::de::{Deserialize, Deserializer};

/// A personality disorder of the DSM-5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Disorder {
    /// Cluster C.
    Avoidant,
    /// Cluster C.
    Dependent,
    /// Cluster C.
    ObsessiveCompulsive,
    /// Cluster A.
    Paranoid,
    /// Cluster A.
    Schizoid,
    /// Cluster A.
    Schizotypal,
    /// Cluster B; also requires conduct disorder before 15.
    Antisocial,
    /// Cluster B.
    Borderline,
    /// Cluster B.
    Histrionic,
    /// Cluster B.
    Narcissistic,
}

choices! {
    Disorder, "personality disorder":
    Avoidant = "avoidant", [], "cluster C";
    Dependent = "dependent", [], "cluster C";
    ObsessiveCompulsive = "obsessive-compulsive", [], "cluster C";
    Paranoid = "paranoid", [], "cluster A";
    Schizoid = "schizoid", [], "cluster A";
    Schizotypal = "schizotypal", [], "cluster A";
    Antisocial = "antisocial", [], "cluster B; also requires conduct disorder before 15";
    Borderline = "borderline", [], "cluster B";
    Histrionic = "histrionic", [], "cluster B";
    Narcissistic = "narcissistic", [], "cluster B";
}

impl Disorder {
    /// All ten.
    pub const ALL: [Disorder; 10] = [
        Disorder::Avoidant,
        Disorder::Dependent,
        Disorder::ObsessiveCompulsive,
        Disorder::Paranoid,
        Disorder::Schizoid,
        Disorder::Schizotypal,
        Disorder::Antisocial,
        Disorder::Borderline,
        Disorder::Histrionic,
        Disorder::Narcissistic,
    ];

    /// Cluster C: avoidant, dependent, obsessive-compulsive.
    pub const CLUSTER_C: [Disorder; 3] = [Disorder::Avoidant, Disorder::Dependent, Disorder::ObsessiveCompulsive];

    /// The name of its diagnosis in the trial, e.g. `obsessive_compulsive`.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// What its columns are called after the prefix: `avpd` in `scid_avpd_1`.
    pub fn abbreviation(self) -> &'static str {
        self.facts().1
    }

    /// How many criteria are rated.
    pub fn criteria(self) -> usize {
        self.facts().2
    }

    /// How many criteria at threshold make the diagnosis.
    pub fn threshold(self) -> usize {
        self.facts().3
    }

    /// Name, abbreviation, criteria and threshold (DSM-5, section II, personality disorders).
    fn facts(self) -> (&'static str, &'static str, usize, usize) {
        match self {
            Disorder::Avoidant => ("avoidant", "avpd", 7, 4),
            Disorder::Dependent => ("dependent", "dpd", 8, 5),
            Disorder::ObsessiveCompulsive => ("obsessive_compulsive", "ocpd", 8, 4),
            Disorder::Paranoid => ("paranoid", "ppd", 7, 4),
            Disorder::Schizoid => ("schizoid", "szpd", 7, 4),
            Disorder::Schizotypal => ("schizotypal", "stpd", 9, 5),
            Disorder::Antisocial => ("antisocial", "aspd", 7, 3),
            Disorder::Borderline => ("borderline", "bpd", 9, 5),
            Disorder::Histrionic => ("histrionic", "hpd", 8, 5),
            Disorder::Narcissistic => ("narcissistic", "npd", 9, 5),
        }
    }
}

/// A criterion counts when rated 2, threshold.
const AT_THRESHOLD: u8 = 2;

/// The SCID-5-PD: criteria rated 0 absent, 1 subthreshold, 2 threshold, or `?` for inadequate information, which is a
/// missing rating.
///
/// # Diagnoses
/// One for each disorder asked for, by default cluster C: `avoidant` (4 of 7 criteria at 2), `dependent` (5 of 8),
/// `obsessive_compulsive` (4 of 8). The others: paranoid 4 of 7, schizoid 4 of 7, schizotypal 5 of 9, antisocial 3 of
/// 7 with conduct disorder before 15, borderline 5 of 9, histrionic 5 of 8, narcissistic 5 of 9. With missing ratings
/// a diagnosis is [`Diagnosis::Met`] or [`Diagnosis::NotMet`] only if it would be so whatever they are.
///
/// # Scores
/// Two dimensional scores over all criteria of the chosen disorders, since both are in use; tables print which:
/// `scid5pd`, the sum of the ratings (0–46 for cluster C), and `scid5pd_criteria`, the number of criteria at 2
/// (0–23). A missing rating makes both missing, unless [`Scid5Pd::missing_items`] prorates the sum; the count is
/// never prorated.
///
/// | option | default | meaning |
/// |---|---|---|
/// | [`prefix`](Scid5Pd::prefix) | `scid_` | what precedes the disorder in column names: `scid_avpd_1` … `scid_ocpd_8` |
/// | [`outcome`](Scid5Pd::outcome) | `scid5pd` | what the sum is called, and what precedes `_criteria` |
/// | [`conduct_disorder`](Scid5Pd::conduct_disorder) | as rated | for antisocial alone: column `scid_aspd_conduct`, 0 no, 1 yes |
/// | [`missing_items`](Scid5Pd::missing_items) | make missing | what a missing rating does to the sum |
///
/// When personality disorder has remitted is a matter of two visits and no rule for it is published: see
/// [`responders`](crate::responders).
///
/// ```
/// use trialstats::instruments::{Diagnosis, Instrument, Scid5Pd};
///
/// let scid = Scid5Pd::cluster_c();
/// // Avoidant: four criteria at threshold. Dependent: four and one missing, so it depends. Obsessive-compulsive: none.
/// let mut ratings = vec![Some(0); 23];
/// for item in [0, 1, 2, 3, 7, 8, 9, 10] {
///     ratings[item] = Some(2);
/// }
/// ratings[11] = None;
/// assert_eq!(scid.assess(&ratings).diagnoses, [Diagnosis::Met, Diagnosis::Unknown, Diagnosis::NotMet]);
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scid5Pd {
    prefix: String,
    outcome: String,
    #[serde(deserialize_with = "once")]
    disorders: Vec<Disorder>,
    conduct_disorder: Criterion,
    missing_items: MissingItems,
}

impl Default for Scid5Pd {
    fn default() -> Self {
        Self::cluster_c()
    }
}

/// Disorders, each once.
fn once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Disorder>, D::Error> {
    Vec::<Disorder>::deserialize(deserializer).map(|disorders| Scid5Pd::of(disorders).disorders)
}

impl Scid5Pd {
    /// Its name in a [`Registry`](super::Registry).
    pub const NAME: &'static str = "scid5-pd";

    /// Avoidant, dependent and obsessive-compulsive personality disorder: 23 criteria.
    pub fn cluster_c() -> Self {
        Self::of(Disorder::CLUSTER_C)
    }

    /// All ten disorders: 79 criteria, and conduct disorder.
    pub fn all() -> Self {
        Self::of(Disorder::ALL)
    }

    /// The given disorders, in the given order, each once.
    pub fn of(disorders: impl IntoIterator<Item = Disorder>) -> Self {
        let mut chosen = vec![];
        for d in disorders {
            if !chosen.contains(&d) {
                chosen.push(d);
            }
        }
        Self {
            prefix: "scid_".into(),
            outcome: "scid5pd".into(),
            disorders: chosen,
            conduct_disorder: Criterion::AsRated,
            missing_items: MissingItems::MakeMissing,
        }
    }

    /// What precedes the disorder's abbreviation in the names of columns.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// What the sum of ratings is called in formulas; the count of criteria is named after it.
    pub fn outcome(mut self, name: impl Into<String>) -> Self {
        self.outcome = name.into();
        self
    }

    /// How conduct disorder before 15 is decided, which antisocial personality disorder requires.
    ///
    /// [`Criterion::AsRated`] adds the item `…aspd_conduct` (0 no, 1 yes) after the seven criteria; the other rules
    /// need no column.
    pub fn conduct_disorder(mut self, rule: Criterion) -> Self {
        self.conduct_disorder = rule;
        self
    }

    /// What a missing rating does to the sum of ratings.
    pub fn missing_items(mut self, rule: MissingItems) -> Self {
        self.missing_items = rule;
        self
    }

    /// The disorders assessed.
    pub fn disorders(&self) -> &[Disorder] {
        &self.disorders
    }

    fn rates_conduct(&self, disorder: Disorder) -> bool {
        disorder == Disorder::Antisocial && self.conduct_disorder == Criterion::AsRated
    }

    fn items_of(&self, disorder: Disorder) -> Vec<Item> {
        let mut items = Item::numbered(&format!("{}{}_", self.prefix, disorder.abbreviation()), 1, disorder.criteria(), 0..=2);
        if self.rates_conduct(disorder) {
            items.push(Item { name: format!("{}{}_conduct", self.prefix, disorder.abbreviation()), minimum: 0, maximum: 1 });
        }
        items
    }

    fn diagnose(&self, disorder: Disorder, criteria: &[Option<u8>], conduct: Option<u8>) -> Diagnosis {
        let items = self.items_of(disorder);
        let met = Diagnosis::by_bounding(&items, criteria, |r| r.iter().filter(|&&r| r == AT_THRESHOLD).count() >= disorder.threshold());
        if disorder != Disorder::Antisocial {
            return met;
        }
        met.and(self.conduct_disorder.decide(|| match conduct {
            None => Diagnosis::Unknown,
            Some(0) => Diagnosis::NotMet,
            Some(_) => Diagnosis::Met,
        }))
    }
}

impl Instrument for Scid5Pd {
    fn name(&self) -> &str {
        "SCID-5-PD"
    }

    fn items(&self) -> Vec<Item> {
        self.disorders.iter().flat_map(|&d| self.items_of(d)).collect()
    }

    fn scores(&self) -> Vec<Score> {
        let criteria: usize = self.disorders.iter().map(|d| d.criteria()).sum();
        vec![
            Score { name: self.outcome.clone(), label: "SCID-5-PD sum of ratings".into(), range: (0.0, 2.0 * criteria as f64) },
            Score { name: format!("{}_criteria", self.outcome), label: "SCID-5-PD criteria met".into(), range: (0.0, criteria as f64) },
        ]
    }

    fn diagnoses(&self) -> Vec<String> {
        self.disorders.iter().map(|d| d.name().to_string()).collect()
    }

    fn missing_codes(&self) -> &[&str] {
        &["?"]
    }

    fn notes(&self) -> Vec<String> {
        let names: Vec<String> =
            self.disorders.iter().map(|d| format!("{} ({} of {})", d.name().replace('_', "-"), d.threshold(), d.criteria())).collect();
        let mut notes = vec![
            format!("SCID-5-PD: {}", self.missing_items.note()),
            format!("Personality disorders by criteria rated 2: {}; unknown where it depends on missing ratings.", names.join(", ")),
        ];
        if self.disorders.contains(&Disorder::Antisocial) {
            notes.push(format!("Antisocial personality disorder: conduct disorder before 15 {}.", self.conduct_disorder.words()));
        }
        notes
    }

    fn named(&self) -> Option<NamedInstrument> {
        NamedInstrument::of(Self::NAME, self, &Self::default())
    }

    fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
        let mut criteria = vec![];
        let mut diagnoses = vec![];
        let mut rest = ratings.iter().copied();
        for &disorder in &self.disorders {
            let own: Vec<Option<u8>> = (0..disorder.criteria()).map(|_| rest.next().flatten()).collect();
            let conduct = if self.rates_conduct(disorder) { rest.next().flatten() } else { None };
            diagnoses.push(self.diagnose(disorder, &own, conduct));
            criteria.extend(own);
        }
        let rated: Option<Vec<u8>> = criteria.iter().copied().collect();
        let count = rated.filter(|r| !r.is_empty()).map(|r| r.iter().filter(|&&r| r == AT_THRESHOLD).count() as f64);
        Assessment { scores: vec![sum(&criteria, self.missing_items), count], diagnoses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cluster_c_has_23_criteria_and_all_ten_have_79() {
        assert_eq!(Scid5Pd::cluster_c().items().len(), 23);
        assert_eq!(Scid5Pd::cluster_c().scores()[0].range, (0.0, 46.0));
        assert_eq!(Scid5Pd::all().items().len(), 80); // with conduct disorder
        assert_eq!(Scid5Pd::all().scores()[1].range, (0.0, 79.0));
        let items = Scid5Pd::cluster_c().items();
        assert_eq!((items[0].name.as_str(), items[7].name.as_str(), items[22].name.as_str()), ("scid_avpd_1", "scid_dpd_1", "scid_ocpd_8"));
    }

    #[test]
    fn each_disorder_is_met_at_its_threshold_and_not_one_below() {
        for (disorder, criteria, threshold) in [
            (Disorder::Avoidant, 7, 4),
            (Disorder::Dependent, 8, 5),
            (Disorder::ObsessiveCompulsive, 8, 4),
            (Disorder::Paranoid, 7, 4),
            (Disorder::Schizoid, 7, 4),
            (Disorder::Schizotypal, 9, 5),
            (Disorder::Antisocial, 7, 3),
            (Disorder::Borderline, 9, 5),
            (Disorder::Histrionic, 8, 5),
            (Disorder::Narcissistic, 9, 5),
        ] {
            let scid = Scid5Pd::of([disorder]).conduct_disorder(Criterion::AssumedMet);
            let verdict = |at_2: usize| {
                let ratings: Vec<Option<u8>> = (0..criteria).map(|i| Some(if i < at_2 { 2 } else { 1 })).collect();
                scid.assess(&ratings).diagnoses[0]
            };
            assert_eq!(scid.items().len(), criteria, "{disorder:?}");
            assert_eq!((verdict(threshold - 1), verdict(threshold)), (Diagnosis::NotMet, Diagnosis::Met), "{disorder:?}");
        }
    }

    #[test]
    fn antisocial_needs_conduct_disorder() {
        let verdict = |rule, conduct| {
            let mut ratings = vec![Some(2); 7];
            ratings.push(conduct);
            Scid5Pd::of([Disorder::Antisocial]).conduct_disorder(rule).assess(&ratings).diagnoses[0]
        };
        assert_eq!(verdict(Criterion::AsRated, Some(1)), Diagnosis::Met);
        assert_eq!(verdict(Criterion::AsRated, Some(0)), Diagnosis::NotMet);
        assert_eq!(verdict(Criterion::AsRated, None), Diagnosis::Unknown);
        assert_eq!(verdict(Criterion::NotAssessed, None), Diagnosis::Unknown);
        assert_eq!(verdict(Criterion::AssumedMet, None), Diagnosis::Met);
    }

    proptest! {
        #[test]
        fn bounding_says_what_trying_every_completion_says(
            ratings in proptest::collection::vec(proptest::option::weighted(0.85, 0u8..=2), 23),
        ) {
            let verdicts = Scid5Pd::cluster_c().assess(&ratings).diagnoses;
            for (verdict, (from, to, threshold)) in verdicts.into_iter().zip([(0, 7, 4), (7, 15, 5), (15, 23, 4)]) {
                let own = &ratings[from..to];
                let missing = own.iter().filter(|r| r.is_none()).count();
                let certain = own.iter().filter(|&&r| r == Some(2)).count();
                let met = (0..3usize.pow(missing as u32)).filter(|code| {
                    let added = (0..missing).filter(|&i| code / 3usize.pow(i as u32) % 3 == 2).count();
                    certain + added >= threshold
                }).count();
                let expected = if met == 3usize.pow(missing as u32) { Diagnosis::Met } else if met == 0 { Diagnosis::NotMet } else { Diagnosis::Unknown };
                prop_assert_eq!(verdict, expected);
            }
        }

        #[test]
        fn the_sum_of_ratings_is_between_twice_the_criteria_met_and_that_plus_the_rest(
            ratings in proptest::collection::vec(0u8..=2, 23),
        ) {
            let ratings: Vec<Option<u8>> = ratings.into_iter().map(Some).collect();
            let scores = Scid5Pd::cluster_c().assess(&ratings).scores;
            let (total, criteria) = (scores[0].unwrap(), scores[1].unwrap());
            prop_assert!(2.0 * criteria <= total && total <= criteria + 23.0);
        }
    }
}
