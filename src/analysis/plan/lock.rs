//! A plan as it was locked before the data were seen, and what has changed since.

use super::Plan;
use super::settings::defaults;
use crate::error::{Error, Result};
use crate::table::{Column, Tabular, Values, agreeing, counted, display_as_table};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Keys of a layout whose tables say an order: visits in the order of their columns.
const ORDERED: [&str; 2] = ["columns", "visits"];

/// A plan as it was locked: whole, with a SHA-256 that shows whether it was changed afterwards.
///
/// What is locked is what the plan means: every default that needs no data is filled in, and neither comments nor the
/// order of keys matter. Where the data file lies (`trial.data`) is no part of it, so that a plan may be locked before
/// the file exists. The lock is a file beside the plan ([`Locked::path_beside`]); the plan itself is not touched.
///
/// ```
/// use trialstats::analysis::Plan;
///
/// let plan = Plan::from_toml("primary = 'caps5'\nlevel = 0.95 # as always")?;
/// let locked = plan.lock("2026-01-31")?;
/// assert!(Plan::new("caps5").deviations(&locked)?.rows.is_empty());
/// let changed = plan.level(0.9).deviations(&locked)?;
/// assert_eq!(changed.rows[0].to_string(), "level: locked as 0.95, now 0.9");
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Locked {
    /// SHA-256 of the locked plan in its canonical form, in hexadecimal digits.
    pub sha256: String,
    /// The day of the lock, `2026-01-31`.
    pub date: String,
    /// The version of trialstats that locked it.
    pub version: String,
    /// The locked plan with its defaults.
    pub plan: Map<String, Value>,
}

/// A key of a plan that is not as it was locked.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Deviation {
    /// The key, such as `model.df`; tables of a list are told apart by name, or by position from 1.
    pub key: String,
    /// What was locked; none where the key was not there.
    pub locked: Option<Value>,
    /// What stands there now; none where the key is no longer there.
    pub now: Option<Value>,
}

/// Where a plan differs from what was locked; no row where it does not.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Deviations {
    /// The day of the lock.
    pub date: String,
    /// SHA-256 of the locked plan.
    pub sha256: String,
    /// SHA-256 of the plan as it is now.
    pub now_sha256: String,
    /// Every key that differs.
    pub rows: Vec<Deviation>,
}

impl Plan {
    /// What the plan means as JSON: with every default that needs no data, without the place of the data file.
    ///
    /// # Errors
    /// As [`Plan::to_json`].
    pub fn canonical(&self) -> Result<Map<String, Value>> {
        let plan: Value = serde_json::from_str(&self.to_json()?).map_err(|error| unreadable(&error.to_string()))?;
        let defaults = locked_defaults()?;
        let Value::Object(mut plan) = completed(plan, &defaults) else { return Ok(Map::new()) };
        let emptied = plan.get_mut("trial").and_then(Value::as_object_mut).map(|trial| {
            trial.remove("data");
            trial.is_empty()
        });
        if emptied == Some(true) {
            plan.remove("trial");
        }
        Ok(plan)
    }

    /// SHA-256 of the [canonical](Plan::canonical) plan, in hexadecimal digits: the same for plans that mean the same.
    ///
    /// # Errors
    /// As [`Plan::to_json`].
    pub fn fingerprint(&self) -> Result<String> {
        Ok(fingerprint(&self.canonical()?))
    }

    /// Locks the plan as of a day, `2026-01-31`.
    ///
    /// # Errors
    /// As [`Plan::to_json`]; [`Error::Invalid`] for what is no date.
    pub fn lock(&self, date: &str) -> Result<Locked> {
        if !is_date(date) {
            return Err(Error::invalid(format!("locking a plan on `{date}`"), "that is no date", "write it as 2026-01-31"));
        }
        let plan = self.canonical()?;
        Ok(Locked { sha256: fingerprint(&plan), date: date.into(), version: env!("CARGO_PKG_VERSION").into(), plan })
    }

    /// Every key of the plan that is not as it was locked.
    ///
    /// # Errors
    /// As [`Plan::to_json`].
    pub fn deviations(&self, locked: &Locked) -> Result<Deviations> {
        let now = self.canonical()?;
        let mut rows = vec![];
        let before = Value::Object(locked.plan.clone());
        let defaults = locked_defaults()?;
        // A lock of an earlier version lacks keys that were added since; their defaults are no deviation.
        let before = completed(before, &defaults);
        compare(&before, &Value::Object(now.clone()), "", &mut rows);
        if let (true, Value::Object(before)) = (rows.is_empty(), before)
            && fingerprint(&before) != fingerprint(&now)
        {
            rows.push(Deviation { key: "the order of a list".into(), locked: None, now: None });
        }
        Ok(Deviations { date: locked.date.clone(), sha256: locked.sha256.clone(), now_sha256: fingerprint(&now), rows })
    }
}

/// The defaults that are locked: those of a layout say how a file is read, and belong to plans that have one.
fn locked_defaults() -> Result<Value> {
    let mut defaults = defaults()?;
    defaults.remove("layout");
    Ok(Value::Object(defaults))
}

impl Locked {
    /// Where the lock of a plan file is: `plan.lock.toml` for `plan.toml`.
    pub fn path_beside(plan: &Path) -> PathBuf {
        plan.with_extension("lock.toml")
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// [`Error::Written`] for what is no lock, and for one that was changed by hand: its SHA-256 does not fit.
    pub fn from_toml(text: &str) -> Result<Self> {
        let locked: Self = super::file::from_toml_text(text, "the lock")?;
        let found = fingerprint(&locked.plan);
        if found == locked.sha256 {
            return Ok(locked);
        }
        let message = format!(
            "the locked plan was changed: its SHA-256 is {found}, and the lock says {}; restore the file from where it was filed, or lock the plan anew and say so",
            locked.sha256
        );
        Err(Error::Written { what: "the lock".into(), line: None, column: None, message })
    }

    /// Reads the lock in a file.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read; otherwise as [`Locked::from_toml`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let (name, text) = super::file::text_of(path.as_ref())?;
        Self::from_toml(&text).map_err(|error| super::file::in_file(error, &name))
    }

    /// The lock as TOML.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a seed that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        let text = toml::to_string_pretty(self).map_err(|error| unreadable(&error.to_string()))?;
        Ok(format!(
            "# The plan as it was locked on {}, with the defaults of trialstats {}. Written by `plan lock`; do not edit.\n\n{text}",
            self.date, self.version
        ))
    }

    /// Writes the lock.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written; otherwise as [`Locked::to_toml`].
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.to_toml()?).map_err(|source| Error::File {
            action: "cannot write",
            path: path.display().to_string(),
            source,
        })
    }
}

impl Deviations {
    /// What a report says of the lock.
    pub fn sentence(&self) -> String {
        let short = |sha: &str| sha.chars().take(16).collect::<String>();
        match self.rows.len() {
            0 => format!("The analysis was carried out as locked on {} (SHA-256 of the plan {}).", self.date, self.sha256),
            n => format!(
                "The plan was locked on {} (SHA-256 {}…) and has changed since (now {}…): {} from it {} listed.",
                self.date,
                short(&self.sha256),
                short(&self.now_sha256),
                counted(n, "deviation"),
                agreeing(n, "is", "are")
            ),
        }
    }
}

impl Tabular for Deviations {
    fn title(&self) -> String {
        format!("Deviations from the plan locked on {}", self.date)
    }

    fn columns(&self) -> Vec<Column> {
        let values = |of: fn(&Deviation) -> &Option<Value>| Values::Text(self.rows.iter().map(|r| of(r).as_ref().map(shown)).collect());
        vec![
            Column::text("key", "Key", self.rows.iter().map(|r| r.key.as_str())),
            Column { name: "locked".into(), heading: "Locked".into(), values: values(|r| &r.locked) },
            Column { name: "now".into(), heading: "Now".into(), values: values(|r| &r.now) },
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("SHA-256 of the locked plan: {}. SHA-256 of the plan that ran: {}.", self.sha256, self.now_sha256)]
    }
}

display_as_table!(Deviations);

impl std::fmt::Display for Deviation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = |value: &Option<Value>| value.as_ref().map_or("not there".into(), shown);
        write!(f, "{}: locked as {}, now {}", self.key, value(&self.locked), value(&self.now))
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn unreadable(why: &str) -> Error {
    Error::made_in_rust("locking the plan", why, "lock a plan that a file can hold")
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
    match parts.as_slice() {
        [year, month, day] if [year.len(), month.len(), day.len()] == [4, 2, 2] => {
            number(year).is_some()
                && number(month).is_some_and(|m| (1..=12).contains(&m))
                && number(day).is_some_and(|d| (1..=31).contains(&d))
        }
        _ => false,
    }
}

/// A value with what `defaults` have and it lacks.
fn completed(value: Value, defaults: &Value) -> Value {
    match (value, defaults) {
        (Value::Object(mut table), Value::Object(defaults)) => {
            for (key, default) in defaults {
                let own =
                    table.remove(key).unwrap_or_else(|| if default.is_object() { Value::Object(Map::new()) } else { default.clone() });
                table.insert(key.clone(), completed(own, default));
            }
            Value::Object(table)
        }
        (value, _) => value,
    }
}

/// SHA-256 of a table whose keys are put in order first.
fn fingerprint(table: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_canonical(&Value::Object(table.clone()), false, &mut text);
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// JSON without blanks, keys in the order of their code points, except where order has a meaning.
fn write_canonical(value: &Value, as_it_stands: bool, text: &mut String) {
    match value {
        Value::Object(table) => {
            let mut entries: Vec<(&String, &Value)> = table.iter().collect();
            if !as_it_stands {
                entries.sort_by_key(|(key, _)| key.as_str());
            }
            text.push('{');
            for (k, (key, value)) in entries.into_iter().enumerate() {
                text.push_str(if k > 0 { "," } else { "" });
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write_canonical(value, ORDERED.contains(&key.as_str()), text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (k, value) in values.iter().enumerate() {
                text.push_str(if k > 0 { "," } else { "" });
                write_canonical(value, as_it_stands, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// Adds every key that differs.
fn compare(locked: &Value, now: &Value, key: &str, rows: &mut Vec<Deviation>) {
    let below = |name: &str| if key.is_empty() { name.to_string() } else { format!("{key}.{name}") };
    match (locked, now) {
        (Value::Object(a), Value::Object(b)) => {
            let same_keys = a.len() == b.len() && a.keys().all(|name| b.contains_key(name));
            let ordered = ORDERED.contains(&key.rsplit('.').next().unwrap_or(key));
            if ordered && same_keys && !a.keys().eq(b.keys()) {
                rows.push(Deviation { key: key.into(), locked: Some(locked.clone()), now: Some(now.clone()) });
                return;
            }
            for (name, value) in a {
                match b.get(name) {
                    Some(other) => compare(value, other, &below(name), rows),
                    None => rows.push(Deviation { key: below(name), locked: Some(value.clone()), now: None }),
                }
            }
            for (name, value) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                rows.push(Deviation { key: below(name), locked: None, now: Some(value.clone()) });
            }
        }
        (Value::Array(a), Value::Array(b)) if a.iter().chain(b).all(Value::is_object) && !(a.is_empty() && b.is_empty()) => {
            compare_tables(a, b, key, rows);
        }
        (a, b) if a == b => {}
        (a, b) => rows.push(Deviation { key: key.into(), locked: Some(a.clone()), now: Some(b.clone()) }),
    }
}

/// Tables of a list: by name where each has one of its own, else by position.
fn compare_tables(a: &[Value], b: &[Value], key: &str, rows: &mut Vec<Deviation>) {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(String::from);
    let named = |values: &[Value]| {
        let names: Vec<Option<String>> = values.iter().map(name).collect();
        names.iter().enumerate().all(|(k, name)| name.is_some() && !names[..k].contains(name))
    };
    if !named(a) || !named(b) {
        for k in 0..a.len().max(b.len()) {
            let key = format!("{key}[{}]", k + 1);
            match (a.get(k), b.get(k)) {
                (Some(a), Some(b)) => compare(a, b, &key, rows),
                (a, b) => rows.push(Deviation { key, locked: a.cloned(), now: b.cloned() }),
            }
        }
        return;
    }
    let label = |value: &Value| format!("{key}[{}]", name(value).unwrap_or_default());
    for value in a {
        match b.iter().find(|other| name(other) == name(value)) {
            Some(other) => compare(value, other, &label(value), rows),
            None => rows.push(Deviation { key: label(value), locked: Some(value.clone()), now: None }),
        }
    }
    for value in b.iter().filter(|value| !a.iter().any(|other| name(other) == name(value))) {
        rows.push(Deviation { key: label(value), locked: None, now: Some(value.clone()) });
    }
}
