//! What counts as response or remission: a named rule with its source.

use super::Rule;
use crate::options::choices;

/// Whether meeting the definition is good for the patient; it decides what is benefit and what harm in the number
/// needed to treat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Meaning {
    /// Response, remission.
    #[default]
    Favourable,
    /// Deterioration, too few sessions.
    Unfavourable,
}

choices! {
    Meaning, "meaning of a definition":
    Favourable = "favourable", ["favorable"], "response, remission";
    Unfavourable = "unfavourable", ["unfavorable"], "deterioration, too few sessions";
}

/// A definition of response or remission, as data: it can be written down in a protocol and read from JSON.
///
/// ```
/// use trialstats::responders::Definition;
///
/// let definition: Definition = serde_json::from_str(
///     r#"{"name": "response", "label": "Response", "source": "our protocol, section 7",
///         "rule": {"any": [{"point_drop": {"outcome": "caps5", "at_least": 13.0}}, {"at_most": {"outcome": "caps5", "score": 8.0}}]}}"#,
/// )?;
/// assert_eq!(definition.rule.to_string(), "caps5 at least 13 points below baseline or caps5 at most 8");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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
    #[serde(default)]
    pub required_at_baseline: Option<Rule>,
    /// Whether meeting it is good for the patient.
    #[serde(default)]
    pub meaning: Meaning,
}

impl Definition {
    /// A definition of one's own, favourable, without requirements at baseline, the name as its label.
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
