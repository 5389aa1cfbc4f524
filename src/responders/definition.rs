//! What counts as response or remission: a named rule with its source.

use super::{Rule, presets};
use crate::proportions::Meaning;
use crate::written::{NameOrTable, is_default, name_or_table};
use serde::de::{Deserialize, Deserializer, Error as _};

/// A definition of response or remission, as data: it can be written down in a protocol, and read from TOML or JSON.
///
/// ```
/// use trialstats::responders::{Definition, presets};
///
/// let definition: Definition = serde_json::from_str(
///     r#"{"name": "response", "label": "Response", "source": "our protocol, section 7",
///         "rule": {"any": [{"point-drop": {"outcome": "caps5", "at-least": 13}}, {"at-most": {"outcome": "caps5", "score": 8}}]}}"#,
/// )?;
/// assert_eq!(definition.rule.to_string(), "caps5 at least 13 points below baseline or caps5 at most 8");
///
/// // A preset by its name.
/// let remission: Definition = serde_json::from_str("\"caps5-remission\"")?;
/// assert_eq!(remission, presets::caps5_remission());
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Label and source may be left out: then the name is the label, and the source `stated by the analyst`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Definition {
    /// Short name, e.g. `remission`.
    pub name: String,
    /// Text for tables.
    pub label: String,
    /// Where the definition comes from, and how far that can be relied on.
    pub source: String,
    /// What a patient must fulfil at a visit.
    pub rule: Rule,
    /// What a patient must fulfil at baseline to be counted at all, e.g. to have the diagnosis. Those known not to
    /// are left out of every denominator, and counted; those of whom it is unknown stay in, unobserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_at_baseline: Option<Rule>,
    /// Whether meeting it is good for the patient.
    #[serde(skip_serializing_if = "is_default")]
    pub meaning: Meaning,
}

/// A definition, or those of a preset, as they are written down.
struct Stated(Vec<Definition>);

/// The keys of a definition, or the name of a preset.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    preset: Option<String>,
    name: Option<String>,
    label: Option<String>,
    source: Option<String>,
    rule: Option<Rule>,
    required_at_baseline: Option<Rule>,
    meaning: Option<Meaning>,
}

impl NameOrTable<'_> for Stated {
    const EXPECTED: &'static str = "the name of a preset, or a table of a definition";
    type Table = Table;

    fn of_name(name: &str) -> Result<Self, String> {
        presets::named(name).map(Self).map_err(|error| error.to_string())
    }

    fn of_table(table: Table) -> Result<Self, String> {
        let Table { preset, name, label, source, rule, required_at_baseline, meaning } = table;
        let (name, rule) = match (preset, name, rule) {
            (Some(preset), None, None) if label.is_none() && source.is_none() && required_at_baseline.is_none() && meaning.is_none() => {
                return Self::of_name(&preset);
            }
            (Some(_), ..) => {
                return Err("a `preset` says all of a definition; leave the other keys out, or write the definition out".into());
            }
            (None, Some(name), Some(rule)) => (name, rule),
            (None, None, _) => return Err("a definition needs a `name`".into()),
            (None, Some(name), None) => return Err(format!("the definition `{name}` needs a `rule`")),
        };
        let definition = Definition::new(name, rule).meaning(meaning.unwrap_or_default());
        let definition = label.into_iter().fold(definition, Definition::label);
        let definition = source.into_iter().fold(definition, Definition::source);
        Ok(Self(vec![required_at_baseline.into_iter().fold(definition, Definition::required_at_baseline)]))
    }
}

impl<'de> Deserialize<'de> for Stated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        name_or_table(deserializer)
    }
}

impl<'de> Deserialize<'de> for Definition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut stated = Stated::deserialize(deserializer)?.0;
        match (stated.pop(), stated.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(D::Error::custom("the preset has several definitions, and one is needed here")),
        }
    }
}

/// Reads a list of definitions in which a preset may stand for several.
pub(crate) fn stated_definitions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Definition>, D::Error> {
    Vec::<Stated>::deserialize(deserializer).map(|stated| stated.into_iter().flat_map(|stated| stated.0).collect())
}

impl Definition {
    /// A custom definition, favourable, without requirements at baseline, the name as its label.
    pub fn new(name: impl Into<String>, rule: Rule) -> Self {
        let name = name.into();
        Self {
            label: name.clone(),
            name,
            source: "stated by the analyst".into(),
            rule,
            required_at_baseline: None,
            meaning: Meaning::Favourable,
        }
    }

    /// Text for tables.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Where the definition comes from.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// What a patient must fulfil at baseline to be counted at all.
    pub fn required_at_baseline(mut self, rule: Rule) -> Self {
        self.required_at_baseline = Some(rule);
        self
    }

    /// Whether meeting it is good for the patient.
    pub fn meaning(mut self, meaning: Meaning) -> Self {
        self.meaning = meaning;
        self
    }

    /// Label, name, rule and source, for the notes of a table.
    pub fn note(&self) -> String {
        let required = self.required_at_baseline.as_ref().map(|r| format!("; required at baseline: {r}")).unwrap_or_default();
        format!("{} ({}): {}{required} ({}).", self.label, self.name, self.rule, self.source)
    }
}
