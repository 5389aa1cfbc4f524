//! What a report says of itself: software, plan and data with their fingerprints, filters, and every setting with where it
//! comes from.

use super::document::Section;
use super::suppressed;
use crate::analysis::{AnalysisResult, Plan, TrialFacts};
use crate::error::{Error, Result};
use crate::table::{Column, Tabular};
use crate::trial::LeftOut;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// What is known of the data file and of how a report came about, beyond what its result says. Everything is optional;
/// what is not known is not in the report.
///
/// ```
/// use trialstats::report::Provenance;
///
/// let file = Provenance::of_file("data-samples/imrs_gst/imrs_gst.csv")?.shape(645, 52);
/// assert_eq!(file.sha256.as_ref().map(String::len), Some(64));
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Provenance {
    /// Name of the data file, without its folder.
    pub file: Option<String>,
    /// SHA-256 of its bytes, as 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// Its format, in words.
    pub format: Option<String>,
    /// Rows of data in it.
    pub rows: Option<usize>,
    /// Columns in it.
    pub columns: Option<usize>,
    /// Filters, each with how many rows or patients it left out.
    pub filters: Vec<String>,
    /// What a locked plan says, or how the plan that ran differs from it.
    pub lock: Vec<String>,
}

impl Provenance {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of the file that a trial was read from.
    pub fn of_trial(trial: &TrialFacts) -> Self {
        let Some(file) = &trial.file else { return Self::default() };
        let sheet = file.sheet.iter().map(|sheet| format!(", sheet {sheet}"));
        Self {
            file: Some(file.name.clone()),
            sha256: Some(file.sha256.clone()),
            format: Some(format!("{}{}", file.format, sheet.collect::<String>())),
            rows: Some(file.rows),
            columns: Some(file.columns),
            filters: trial.left_out.iter().map(LeftOut::sentence).collect(),
            ..Self::default()
        }
    }

    /// Name, size and SHA-256 of a file.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read.
    pub fn of_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|source| Error::File { action: "cannot read", path: path.display().to_string(), source })?;
        Ok(Self::of_bytes(&path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(), &bytes))
    }

    /// Name, size and SHA-256 of data in memory.
    pub fn of_bytes(name: &str, bytes: &[u8]) -> Self {
        Self { file: Some(name.into()), sha256: Some(hexadecimal(bytes)), bytes: Some(bytes.len() as u64), ..Self::default() }
    }

    /// Sets the format, in words.
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }

    /// Sets rows of data and columns.
    pub fn shape(mut self, rows: usize, columns: usize) -> Self {
        (self.rows, self.columns) = (Some(rows), Some(columns));
        self
    }

    /// Adds a filter with how many it left out.
    pub fn filter(mut self, sentence: impl Into<String>) -> Self {
        self.filters.push(sentence.into());
        self
    }

    /// Adds what a locked plan says.
    pub fn lock(mut self, sentence: impl Into<String>) -> Self {
        self.lock.push(sentence.into());
        self
    }
}

/// SHA-256 as 64 digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The appendix: facts, then settings.
pub(super) fn section(
    heading: String,
    result: &AnalysisResult,
    known: &Provenance,
    date: Option<&str>,
    stated: Option<&Plan>,
    written: Option<&str>,
) -> Section {
    let cells = result.plan.report.small_cells;
    let facts = Facts::of(result, known, date, written);
    let filters = suppressed::without_few(&known.filters, cells);
    let section = Section::appendix(heading).table("provenance", &facts);
    let section = known.lock.iter().fold(section, |s, sentence| s.led_paragraph("Locked plan.", sentence));
    let section = filters.iter().fold(section, |s, sentence| s.led_paragraph("Filter.", sentence));
    section.table("settings", &Settings::of(&result.plan, stated))
}

/// Facts in two columns.
struct Facts(Vec<(&'static str, String)>);

impl Facts {
    fn of(result: &AnalysisResult, known: &Provenance, date: Option<&str>, written: Option<&str>) -> Self {
        let mut facts = vec![("Software", result.software.clone())];
        let mut add = |what, fact: Option<String>| facts.extend(fact.map(|fact| (what, fact)));
        add("Date of the run", date.map(String::from));
        add("Registration", result.plan.report.registration.clone().or_else(|| result.plan.trial.registration.clone()));
        add("Data file", Some(known.file.clone().unwrap_or_else(|| result.trial.source.clone())));
        add("Format of the data file", known.format.clone());
        add("Size of the data file", known.bytes.map(|n| format!("{n} bytes")));
        add("SHA-256 of the data file", known.sha256.clone());
        add("Rows of data", known.rows.map(|n| n.to_string()));
        add("Columns", known.columns.map(|n| n.to_string()));
        add("SHA-256 of the plan as it ran (plan.toml)", written.map(|plan| hexadecimal(plan.as_bytes())));
        add("Seed", Some(result.plan.seed.to_string()));
        Self(facts)
    }
}

impl Tabular for Facts {
    fn title(&self) -> String {
        "Software, data and plan".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("what", "What", self.0.iter().map(|(what, _)| *what)),
            Column::text("fact", "Fact", self.0.iter().map(|(_, fact)| fact.as_str())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["The same plan and data give the same files, byte for byte, but for the date.".into()]
    }
}

/// Every setting with its value and where it comes from.
struct Settings(Vec<(String, String, &'static str)>);

impl Settings {
    /// The settings of a plan as it ran; `stated` is the plan as it was written, where that is known.
    fn of(plan: &Plan, stated: Option<&Plan>) -> Self {
        let ran = flat(plan);
        let own = stated.map(flat);
        let names = |settings: &[(String, String)], key: &str| {
            settings.iter().any(|(k, _)| k == key || k.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', '['])))
        };
        let origin = |key: &str| match &own {
            Some(own) if names(own, key) => "plan",
            Some(_) if names(&ran, key) => "trial",
            None if names(&ran, key) => "plan or trial",
            _ => "default",
        };
        let mut settings: Vec<(String, String, &'static str)> =
            in_words(plan).into_iter().map(|(key, value)| (key.to_string(), value, origin(key))).collect();
        for (key, value) in &ran {
            let known = |k: &str| key == k || key.strip_prefix(k).is_some_and(|rest| rest.starts_with(['.', '[']));
            if !settings.iter().any(|(k, ..)| known(k)) {
                settings.push((key.clone(), value.clone(), origin(key)));
            }
        }
        Self(settings)
    }
}

impl Tabular for Settings {
    fn title(&self) -> String {
        "Every setting, and where it comes from".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("key", "Key", self.0.iter().map(|s| s.0.as_str())),
            Column::text("value", "Value", self.0.iter().map(|s| s.1.as_str())),
            Column::text("origin", "From", self.0.iter().map(|s| s.2)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Keys are those of a plan file; plan.toml beside the report has the whole plan, definitions of response included. Trial: what the plan left open and the data settle, such as the last visit.".into()]
    }
}

/// The settings that have a default, with their values as a plan file has them.
fn in_words(plan: &Plan) -> Vec<(&'static str, String)> {
    let list = |items: Vec<String>| if items.is_empty() { "none".into() } else { items.join(", ") };
    let model = &plan.model;
    vec![
        ("primary", plan.primary.clone()),
        ("secondary", list(plan.secondary.clone())),
        ("at", plan.at.clone()),
        ("baseline-from", plan.baseline_from.to_string()),
        ("level", plan.level.to_string()),
        ("seed", plan.seed.to_string()),
        ("model.formula", model.mean().to_string()),
        ("model.baseline", model.mean().baseline_role().to_string()),
        ("model.covariance", model.stated_covariance().map_or("unstructured".into(), ToString::to_string)),
        ("model.covariance-else", list(model.fallbacks().iter().map(ToString::to_string).collect())),
        ("model.covariance-by", model.covariance_group().unwrap_or("none").to_string()),
        ("model.random", list(model.random_effects().iter().map(ToString::to_string).collect())),
        ("model.estimation", model.likelihood().to_string()),
        ("model.df", model.df_method().to_string()),
        ("responders.definitions", list(plan.responders.definitions.iter().map(|d| d.name.clone()).collect())),
        ("responders.unobserved", list(plan.responders.unobserved.iter().map(ToString::to_string).collect())),
        ("effects.denominator", plan.effects.denominator.to_string()),
        ("effects.correction", plan.effects.correction.to_string()),
        ("effects.positive", plan.effects.positive.to_string()),
        ("effects.intervals", list(plan.effects.intervals.iter().map(ToString::to_string).collect())),
        ("effects.bootstrap", plan.effects.bootstrap.to_string()),
        ("effects.bootstrap-interval", plan.effects.bootstrap_interval.to_string()),
        ("report.data", plan.report.data.to_string()),
        ("report.include-individual-data", plan.report.include_individual_data.to_string()),
        ("report.small-cells", plan.report.small_cells.to_string()),
        ("report.style", plan.report.style.to_string()),
        ("report.paper", plan.report.paper.to_string()),
        ("report.documents", list(plan.report.documents.iter().map(ToString::to_string).collect())),
    ]
}

/// The keys that a plan states with their values, tables within tables with a point between; none where a file cannot hold
/// the plan.
fn flat(plan: &Plan) -> Vec<(String, String)> {
    let mut found = vec![];
    flatten("", &serde_json::to_value(plan).unwrap_or_default(), &mut found);
    found
}

fn flatten(key: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let scalar = |v: &Value| match v {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, found);
            }
        }
        Value::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            found.push((key.into(), items.iter().map(scalar).collect::<Vec<_>>().join(", ")));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(k, item)| flatten(&format!("{key}[{}]", k + 1), item, found)),
        Value::Null => {}
        other => found.push((key.into(), scalar(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_that_of_the_standard() {
        // FIPS 180-4, the first example.
        assert_eq!(hexadecimal(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn settings_say_where_they_come_from() {
        let stated = Plan::new("y").level(0.9);
        let mut ran = stated.clone();
        ran.at = "week 8".into();
        let origin = |settings: &Settings, key: &str| settings.0.iter().find(|s| s.0 == key).map(|s| (s.1.clone(), s.2)).expect(key);
        let known = Settings::of(&ran, Some(&stated));
        assert_eq!(origin(&known, "level"), ("0.9".into(), "plan"));
        assert_eq!(origin(&known, "at"), ("week 8".into(), "trial"));
        assert_eq!(origin(&known, "model.estimation"), ("reml".into(), "default"));
        assert_eq!(origin(&Settings::of(&ran, None), "at").1, "plan or trial");
    }
}
