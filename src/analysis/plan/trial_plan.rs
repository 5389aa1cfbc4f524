//! What a plan says of the trial itself.

use crate::trial::Condition;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::path::{Path, PathBuf};

/// The trial that is analysed: what it is called, where its data are, and which of its patients are analysed.
///
/// ```toml
/// [trial]
/// title = "Imagery rescripting with and without group schema therapy"
/// registration = "NTR0000"
/// sponsor = "University of X"
/// authors = ["A. Author", "B. Author"]
/// data = "imrs_gst.csv"                            # relative to the plan file
/// events = "events.csv"                            # intercurrent events: patient, event, visit, strategy
/// population = { column = "ITTFL", is = "Y" }      # or a list, all of which must hold
/// subset = [{ column = "SITE", is-not = "pilot", reason = "pilot site" }]
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrialPlan {
    /// What the trial is called; the title of the report where that has none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where the trial is registered, and under which number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
    /// Who is responsible for the trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sponsor: Option<String>,
    /// Who wrote the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The data file; a path that does not begin at a root is relative to the plan file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// A file of intercurrent events, with the columns patient, event, visit and strategy; its path is as that of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
    /// Conditions on patients that say who is in the analysis population; everyone in the file unless stated.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "condition_or_list")]
    pub population: Vec<Condition>,
    /// Conditions on patients that restrict the analysis to a part of the population.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "condition_or_list")]
    pub subset: Vec<Condition>,
}

impl TrialPlan {
    /// Nothing stated: everyone in the file.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the trial is called.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Where the trial is registered, and under which number.
    pub fn registration(mut self, registration: impl Into<String>) -> Self {
        self.registration = Some(registration.into());
        self
    }

    /// Who is responsible for the trial.
    pub fn sponsor(mut self, sponsor: impl Into<String>) -> Self {
        self.sponsor = Some(sponsor.into());
        self
    }

    /// Adds an author of the plan.
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.authors.push(author.into());
        self
    }

    /// The data file.
    pub fn data(mut self, path: impl Into<String>) -> Self {
        self.data = Some(path.into());
        self
    }

    /// The file of intercurrent events.
    pub fn events(mut self, path: impl Into<String>) -> Self {
        self.events = Some(path.into());
        self
    }

    /// Adds a condition that patients of the analysis population meet.
    pub fn population(mut self, condition: Condition) -> Self {
        self.population.push(condition);
        self
    }

    /// Adds a condition that restricts the analysis to a part of the population.
    pub fn subset(mut self, condition: Condition) -> Self {
        self.subset.push(condition);
        self
    }

    /// Where the data file is, for a plan that stands in the file `plan`.
    pub fn data_beside(&self, plan: &Path) -> Option<PathBuf> {
        let folder = plan.parent().unwrap_or(Path::new(""));
        self.data.as_ref().map(|data| folder.join(data))
    }

    /// The same with the events file where it is, for a plan that stands in the file `plan`.
    pub(super) fn with_events_beside(mut self, plan: &Path) -> Self {
        let folder = plan.parent().unwrap_or(Path::new(""));
        self.events = self.events.map(|events| folder.join(events).display().to_string());
        self
    }

    /// The conditions on patients with the reasons that the report gives for those left out.
    pub(super) fn conditions(&self) -> impl Iterator<Item = Condition> {
        let with = |condition: &Condition, reason: &str| match condition.stated_reason() {
            Some(_) => condition.clone(),
            None => condition.clone().reason(reason),
        };
        let population = self.population.iter().map(move |condition| with(condition, "not in the analysis population"));
        population.chain(self.subset.iter().map(move |condition| with(condition, "not in the subset that is analysed")))
    }
}

/// A condition, or a list of conditions.
pub(super) fn condition_or_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    struct Either;
    impl<'de> Visitor<'de> for Either {
        type Value = Vec<Condition>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a condition such as { column = \"ITTFL\", is = \"Y\" }, or a list of conditions")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Ok(vec![Condition::deserialize(serde::de::value::MapAccessDeserializer::new(map))?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut conditions: A) -> Result<Self::Value, A::Error> {
            let mut all = vec![];
            while let Some(condition) = conditions.next_element()? {
                all.push(condition);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Either)
}
