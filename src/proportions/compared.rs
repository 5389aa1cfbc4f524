//! Every interval and test of some proportions at once.

use super::common_ratio::StrataTest;
use super::difference::{DifferenceMethod, difference};
use super::margin::{Claim, MarginMethod, MarginTest, margin_test};
use super::number_needed::{Meaning, NumberNeeded};
use super::odds_ratio::{OddsRatioMethod, conditional_odds_ratio, odds_ratio_by};
use super::proportion::{Measure, Proportion, risk_difference};
use super::ratio::{RatioMethod, ratio};
use super::single::ProportionMethod;
use super::stratified::StratifiedComparison;
use super::testing::{Alternative, TestMethod, TestOfEquality, test_of_equality};
use crate::error::{Error, Result};
use crate::level::check_level;
use crate::options::Choices;

/// How proportions are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonOptions {
    pub(super) level: f64,
    pub(super) margin: Option<f64>,
    pub(super) meaning: Meaning,
}

impl Default for ComparisonOptions {
    fn default() -> Self {
        Self { level: 0.95, margin: None, meaning: Meaning::Favourable }
    }
}

impl ComparisonOptions {
    /// Intervals of 95%, no margin, a favourable event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The confidence level of every interval; tests against a margin are one-sided at half of what is left.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// A margin for differences: non-inferiority and equivalence are tested.
    pub fn margin(mut self, margin: f64) -> Self {
        self.margin = Some(margin);
        self
    }

    /// Whether the event is good for the patient, for margins and numbers needed to treat.
    pub fn meaning(mut self, meaning: Meaning) -> Self {
        self.meaning = meaning;
        self
    }
}

/// An interval and how it was made.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MethodInterval {
    /// The method's name, as in its enum.
    pub method: &'static str,
    /// The method in words.
    pub label: &'static str,
    /// The estimate.
    pub estimate: f64,
    /// The lower limit; NaN (null in JSON) if there is none.
    pub lower: f64,
    /// The upper limit; it may be infinite (null in JSON, as is NaN, which the lower limit then is as well).
    pub upper: f64,
}

impl MethodInterval {
    pub(super) fn new(method: &'static str, label: &'static str, measure: Measure) -> Self {
        Self { method, label, estimate: measure.estimate, lower: measure.lower, upper: measure.upper }
    }

    /// The interval by every method of a table of choices.
    pub(super) fn every<T: Choices + Copy>(of: impl Fn(T) -> Result<Measure>) -> Result<Vec<Self>> {
        T::CHOICES.iter().map(|choice| Ok(Self::new(choice.name, choice.meaning, of(choice.value)?))).collect()
    }
}

/// One group with the intervals of its proportion.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct GroupProportion {
    /// What the group is called.
    pub label: String,
    /// Patients with the event.
    pub events: usize,
    /// Patients.
    pub of: usize,
    /// Their ratio.
    pub proportion: f64,
    /// Intervals by every [`ProportionMethod`].
    pub intervals: Vec<MethodInterval>,
}

/// The first group against another.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct GroupComparison {
    /// The position of the first group.
    pub first: usize,
    /// The position of the other group.
    pub second: usize,
    /// p₁ − p₂ by every [`DifferenceMethod`].
    pub difference: Vec<MethodInterval>,
    /// p₁/p₂ by every [`RatioMethod`].
    pub ratio: Vec<MethodInterval>,
    /// The odds ratio by every [`OddsRatioMethod`].
    pub odds_ratio: Vec<MethodInterval>,
    /// The odds ratio most likely given both margins.
    pub conditional_odds_ratio: f64,
    /// Every [`TestMethod`] with every [`Alternative`].
    pub tests: Vec<TestOfEquality>,
    /// The number needed to treat with the first rather than the other, from Newcombe's interval.
    pub number_needed: NumberNeeded,
    /// The same in words, with the interval through infinity where the difference's contains 0.
    pub number_needed_text: String,
    /// Tests against the margin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub margin_tests: Vec<MarginTest>,
    /// What tests and intervals contradict one another in.
    pub warnings: Vec<String>,
}

/// Proportions with every interval, and the first of them compared with each of the others by every method.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ComparedProportions {
    /// The confidence level.
    pub level: f64,
    /// The margin, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Whether the event is favourable.
    pub meaning: Meaning,
    /// The groups.
    pub groups: Vec<GroupProportion>,
    /// The first group against each of the others, in their order.
    pub comparisons: Vec<GroupComparison>,
    /// Pearson's χ² that all of three or more groups are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_equal: Option<StrataTest>,
    /// What takes strata into account; the groups above are then pooled over them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stratified: Option<StratifiedComparison>,
}

/// Every interval of each proportion, and the first group against each of the others by every method there is.
///
/// # Errors
/// [`Error::Invalid`] if there is no group or one has nobody, or for a level or margin outside (0, 1).
///
/// ```
/// use trialstats::proportions::{ComparisonOptions, Proportion, compare_proportions};
/// let groups = [("new", Proportion::new(36, 154)?), ("usual", Proportion::new(12, 77)?)];
/// let compared = compare_proportions(groups, &ComparisonOptions::new())?;
/// let newcombe = compared.comparisons[0].difference.iter().find(|interval| interval.method == "newcombe").unwrap();
/// assert_eq!(format!("{:.4} {:.4}", newcombe.lower, newcombe.upper), "-0.0361 0.1751");
/// println!("{compared}");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn compare_proportions<L: Into<String>>(
    groups: impl IntoIterator<Item = (L, Proportion)>,
    options: &ComparisonOptions,
) -> Result<ComparedProportions> {
    check_level(options.level)?;
    let groups: Vec<(String, Proportion)> = groups.into_iter().map(|(label, p)| (label.into(), p)).collect();
    if groups.is_empty() {
        return Err(Error::no_data(
            "a comparison of proportions",
            "there is no group",
            "give events and patients of each, such as 36 of 154",
        ));
    }
    if let Some((label, _)) = groups.iter().find(|(_, p)| p.of == 0) {
        return Err(Error::no_data(format!("the proportion of {label}"), "the group has nobody", "leave it out"));
    }
    let first = groups[0].1;
    let comparisons = (1..groups.len()).map(|second| comparison(first, second, groups[second].1, options));
    Ok(ComparedProportions {
        level: options.level,
        margin: options.margin,
        meaning: options.meaning,
        comparisons: comparisons.collect::<Result<_>>()?,
        all_equal: (groups.len() > 2).then(|| all_equal(&groups)),
        stratified: None,
        groups: groups.into_iter().map(|(label, p)| group(label, p, options.level)).collect::<Result<_>>()?,
    })
}

fn group(label: String, p: Proportion, level: f64) -> Result<GroupProportion> {
    let intervals = MethodInterval::every(|method: ProportionMethod| p.interval(method, level))?;
    Ok(GroupProportion { label, events: p.met, of: p.of, proportion: p.share(), intervals })
}

/// Pearson's χ² of all groups; groups of a table in which nobody or everybody has the event are equal.
fn all_equal(groups: &[(String, Proportion)]) -> StrataTest {
    let (events, n) = groups.iter().fold((0.0, 0.0), |(x, n), (_, p)| (x + p.met as f64, n + p.of as f64));
    let shared = events / n;
    let distance = |p: Proportion| p.of as f64 * (p.share() - shared).powi(2);
    let statistic = groups.iter().map(|(_, p)| distance(*p)).sum::<f64>() / (shared * (1.0 - shared));
    StrataTest::new(if shared > 0.0 && shared < 1.0 { statistic } else { 0.0 }, (groups.len() - 1) as f64)
}

fn comparison(first: Proportion, place: usize, second: Proportion, options: &ComparisonOptions) -> Result<GroupComparison> {
    let level = options.level;
    let tests = TestMethod::CHOICES.iter().flat_map(|method| Alternative::CHOICES.iter().map(move |side| (method.value, side.value)));
    let number_needed = NumberNeeded::from_difference(risk_difference(first, second, level)?, options.meaning);
    let mut compared = GroupComparison {
        first: 0,
        second: place,
        difference: MethodInterval::every(|method: DifferenceMethod| difference(first, second, method, level))?,
        ratio: MethodInterval::every(|method: RatioMethod| ratio(first, second, method, level))?,
        odds_ratio: MethodInterval::every(|method: OddsRatioMethod| odds_ratio_by(first, second, method, level))?,
        conditional_odds_ratio: conditional_odds_ratio(first, second),
        tests: tests.map(|(method, side)| test_of_equality(first, second, method, side)).collect(),
        number_needed,
        number_needed_text: number_needed.to_string(),
        margin_tests: margin_tests(first, second, options)?,
        warnings: vec![],
    };
    compared.warnings = disagreements(&compared, options);
    Ok(compared)
}

fn margin_tests(first: Proportion, second: Proportion, options: &ComparisonOptions) -> Result<Vec<MarginTest>> {
    let Some(margin) = options.margin else { return Ok(vec![]) };
    let all = Claim::CHOICES.iter().flat_map(|claim| MarginMethod::CHOICES.iter().map(move |method| (claim.value, method.value)));
    all.map(|(claim, method)| margin_test(first, second, claim, method, margin, options.meaning, options.level)).collect()
}

/// What tests and intervals for one question contradict one another in, a sentence each.
fn disagreements(of: &GroupComparison, options: &ComparisonOptions) -> Vec<String> {
    let alpha = 1.0 - options.level;
    let excludes = |interval: &MethodInterval, null: f64| (interval.lower > null) || (interval.upper < null);
    let two_sided = of.tests.iter().filter(|test| test.alternative == Alternative::TwoSided && !test.p.is_nan());
    let tests = two_sided.map(|test| (format!("{} test", in_words(test.method)), test.p < alpha));
    let known = |interval: &&MethodInterval| !interval.lower.is_nan();
    let intervals = of.difference.iter().filter(known).map(|i| (format!("{} interval", i.label), excludes(i, 0.0)));
    let mut found: Vec<String> = split(tests.chain(intervals), "equal proportions", alpha).into_iter().collect();
    if let Some(margin) = options.margin {
        for claim in Claim::CHOICES {
            let tests = of.margin_tests.iter().filter(|test| test.claim == claim.value && !test.p.is_nan());
            let tests = tests.map(|test| (format!("{} test", in_words(test.method)), test.rejects()));
            let (above, below) = (|i: &MethodInterval| i.lower > -margin, |i: &MethodInterval| i.upper < margin);
            let shown = |i: &MethodInterval| match (claim.value, options.meaning) {
                (Claim::NonInferiority, Meaning::Favourable) => above(i),
                (Claim::NonInferiority, Meaning::Unfavourable) => below(i),
                (Claim::Equivalence, _) => above(i) && below(i),
            };
            let intervals = of.difference.iter().filter(known).map(|i| (format!("{} interval", i.label), shown(i)));
            let what = match claim.value {
                Claim::NonInferiority => "inferiority",
                Claim::Equivalence => "a difference of the margin or more",
            };
            found.extend(split(tests.chain(intervals), what, 0.5 * alpha));
        }
    }
    found
}

/// A sentence if some reject and some do not.
fn split(decisions: impl Iterator<Item = (String, bool)>, hypothesis: &str, alpha: f64) -> Option<String> {
    let (yes, no): (Vec<_>, Vec<_>) = decisions.partition(|(_, rejects)| *rejects);
    let names = |of: &[(String, bool)]| of.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    (!yes.is_empty() && !no.is_empty()).then(|| {
        format!(
            "Tests and intervals disagree about {hypothesis} at α = {}. Rejected by: {}. Not rejected by: {}. State the method in advance.",
            (alpha * 1e6).round() / 1e6,
            names(&yes),
            names(&no)
        )
    })
}

/// A choice in words.
pub(super) fn in_words<T: Choices>(value: T) -> &'static str {
    T::CHOICES.iter().find(|choice| choice.value == value).map_or("", |choice| choice.meaning)
}
