//! An instrument as data: what a plan or a file says of its items, scores and diagnoses.

use super::item_names::ItemNames;
use super::item_rule::ItemRule;
use super::{Defined, MissingItems};
use crate::error::{Error, Result};
use crate::options::choices;
use crate::written::{explained, is_default, pairs};

/// How items make a score.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScoreMethod {
    /// Their sum.
    #[default]
    Sum,
    /// Their mean.
    Mean,
}

choices! {
    ScoreMethod, "way to make a score of items":
    Sum = "sum", ["total"], "the sum of the items";
    Mean = "mean", ["average"], "the mean of the items, on the scale of a rating";
}

/// An instrument as data, for questionnaires that the crate does not have: names of items, their range, what is
/// reversed, subscales, what a missing item does, bands of severity, and diagnoses or screening results by rule.
///
/// ```toml
/// [[instrument]]
/// name = "who5"
/// label = "WHO-5 Well-Being Index"
/// items = "who5_{1..5}"
/// range = [0, 5]
/// missing-items = { prorate = { at-most = 1 } }
/// source = "protocol, appendix B"
///
/// [[instrument.diagnoses]]
/// name = "who5_wellbeing"
/// rule = { score = { at-least = 13 } }
/// ```
///
/// A layout then names it: `instruments = ["who5"]`. PCL-5, PHQ-9, GAD-7 and WHODAS 2.0 (12 items) come with the crate
/// in this form ([`Defined::shipped`]).
///
/// | key | meaning | default |
/// |---|---|---|
/// | `name` | the name in layouts, and of the total score | must be stated |
/// | `label` | text for tables | the name |
/// | `source` | where the scoring rules come from | none |
/// | `items` | names of the items, or a pattern such as `phq9_{1..9}` ([`ItemNames`]) | must be stated |
/// | `range` | lowest and highest rating | must be stated |
/// | `ranges` | items with another range, by name | none |
/// | `reversed` | items that are scored the other way round | none |
/// | `score` | `sum` or `mean` ([`ScoreMethod`]) | `sum` |
/// | `missing-items` | what a missing item does to a score ([`MissingItems`]) | `make-missing` |
/// | `[[subscales]]` | further scores of some of the items ([`Subscale`]) | none |
/// | `severity` | bands of the total ([`Severity`]) | none |
/// | `[[diagnoses]]` | diagnoses or screening results by rule ([`DiagnosisDefinition`]) | none |
/// | `reliable-change` | the smallest change of the total that is not chance, and its source | none |
///
/// ```
/// use trialstats::instruments::{InstrumentDefinition, Instrument};
///
/// let definition = InstrumentDefinition::from_toml(
///     "name = 'mood'\nitems = ['sad', 'calm']\nrange = [1, 5]\nreversed = 'calm'\nscore = 'mean'",
/// )?;
/// let mood = definition.build()?;
/// assert_eq!(mood.assess(&[Some(4), Some(2)]).scores, [Some(4.0)]); // calm: 2 of 1–5 is 4 turned around
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InstrumentDefinition {
    /// The name in layouts, and of the total score.
    pub name: String,
    /// Text for tables; empty for the name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub label: String,
    /// Where the scoring rules come from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: String,
    /// The items, in order.
    pub items: ItemNames,
    /// Lowest and highest rating.
    pub range: [u8; 2],
    /// Items with another range.
    #[serde(default, skip_serializing_if = "is_default", with = "pairs")]
    pub ranges: Vec<(String, [u8; 2])>,
    /// Items that are scored the other way round: lowest plus highest rating, minus the rating.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reversed: ItemNames,
    /// How items make the scores.
    #[serde(default, skip_serializing_if = "is_default")]
    pub score: ScoreMethod,
    /// What a missing item does to a score.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_items: MissingItems,
    /// The smallest change of the total that is taken to be more than chance.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reliable_change: Option<ReliableChange>,
    /// Bands of the total.
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: Option<Severity>,
    /// Further scores of some of the items.
    #[serde(default, skip_serializing_if = "is_default")]
    pub subscales: Vec<Subscale>,
    /// Diagnoses or screening results by rule.
    #[serde(default, skip_serializing_if = "is_default")]
    pub diagnoses: Vec<DiagnosisDefinition>,
}

/// A score of some of an instrument's items, made as its total is.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subscale {
    /// Its name, e.g. `pcl5_b`.
    pub name: String,
    /// Text for tables; empty for the name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub label: String,
    /// Its items.
    pub items: ItemNames,
}

/// A diagnosis or a screening result by a rule on items or scores.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DiagnosisDefinition {
    /// Its name, e.g. `pcl5_ptsd`.
    pub name: String,
    /// Where the rule comes from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: String,
    /// When it is met.
    pub rule: ItemRule,
}

/// Bands of severity as a definition states them: the lowest score of each, rising.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Severity {
    /// Where the bands come from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: String,
    /// Names of the bands with their lowest scores: `{ minimal = 0, mild = 5 }`.
    #[serde(with = "pairs")]
    pub bands: Vec<(String, f64)>,
}

/// The smallest change of a score that is taken to be more than chance.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReliableChange {
    /// Points of the total score.
    pub points: f64,
    /// Where the number comes from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: String,
}

impl InstrumentDefinition {
    /// An instrument with these items, rated from `range[0]` to `range[1]`: their sum, missing where an item is.
    pub fn new(name: impl Into<String>, items: impl Into<ItemNames>, range: [u8; 2]) -> Self {
        Self {
            name: name.into(),
            label: String::new(),
            source: String::new(),
            items: items.into(),
            range,
            ranges: vec![],
            reversed: ItemNames::default(),
            score: ScoreMethod::default(),
            missing_items: MissingItems::default(),
            reliable_change: None,
            severity: None,
            subscales: vec![],
            diagnoses: vec![],
        }
    }

    /// Items that are scored the other way round.
    pub fn reversed(mut self, items: impl Into<ItemNames>) -> Self {
        self.reversed = items.into();
        self
    }

    /// How items make the scores.
    pub fn score(mut self, method: ScoreMethod) -> Self {
        self.score = method;
        self
    }

    /// What a missing item does to a score.
    pub fn missing_items(mut self, missing: MissingItems) -> Self {
        self.missing_items = missing;
        self
    }

    /// Adds a score of some of the items.
    pub fn subscale(mut self, name: impl Into<String>, items: impl Into<ItemNames>) -> Self {
        self.subscales.push(Subscale { name: name.into(), label: String::new(), items: items.into() });
        self
    }

    /// Adds a diagnosis, or a screening result, by rule.
    pub fn diagnosis(mut self, name: impl Into<String>, rule: ItemRule) -> Self {
        self.diagnoses.push(DiagnosisDefinition { name: name.into(), source: String::new(), rule });
        self
    }

    /// Reads a definition from TOML.
    ///
    /// # Errors
    /// [`Error::Written`] for what cannot be read, with the nearest key for one that does not exist.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::Written {
            what: "the definition of an instrument".into(),
            line: error.span().map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1),
            column: None,
            message: explained(error.message()),
        })
    }

    /// The instrument.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an item or a score that the definition names and does not have; [`Error::Invalid`] for
    /// ranges, cut-offs, counts and bands that cannot be.
    pub fn build(&self) -> Result<Defined> {
        Defined::of(self.clone())
    }
}
