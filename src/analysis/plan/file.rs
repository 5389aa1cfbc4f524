//! Plans in files, and the data that a plan reads.

use super::Plan;
use crate::error::{Error, Interface, Message, Result, Setting};
use crate::instruments::Registry;
use crate::trial::{Layout, Trial};
use crate::written::{explained, unreadable_json};
use std::path::Path;

/// The keys that stand before the first table of a plan.
const FIRST: [&str; 6] = ["primary", "secondary", "at", "baseline-from", "level", "seed"];

impl Plan {
    /// Reads a plan from TOML. Names in it are looked up later, when it meets data.
    ///
    /// # Errors
    /// [`Error::Written`] with line and column for what cannot be read, and for a key that does not exist with the
    /// nearest one that does.
    pub fn from_toml(text: &str) -> Result<Self> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Err(Error::Written { what: "the plan".into(), line: None, column: None, message: NOTHING.into() });
        }
        from_toml_text(text, "the plan")
    }

    /// Reads a plan from JSON, as [`Plan::from_toml`] does from TOML.
    ///
    /// # Errors
    /// As [`Plan::from_toml`].
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| match unreadable_json("the plan", &error) {
            Error::Written { what, line, column, message } => Error::Written { what, line, column, message: with_place_of_keys(message) },
            other => other,
        })
    }

    /// Reads a plan from a file: JSON where its name ends in `.json`, TOML otherwise.
    ///
    /// # Errors
    /// [`Error::File`] where the file cannot be read; otherwise as [`Plan::from_toml`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (name, text) = text_of(path)?;
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let plan = if json { Self::from_json(&text) } else { Self::from_toml(&text) };
        plan.map_err(|error| in_file(error, &name))
    }

    /// The plan as TOML, defaults left out; [`Plan::from_toml`] reads the same plan from it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what has no name that a file could hold: an instrument or a covariance structure that is
    /// made in Rust.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|error| unwritable(&error.to_string()))
    }

    /// The plan as JSON; see [`Plan::to_toml`].
    ///
    /// # Errors
    /// As [`Plan::to_toml`].
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| unwritable(&error.to_string()))
    }

    /// Reads the trial by the plan's layout, from a file of any format that [`Layout::read`] knows.
    ///
    /// # Errors
    /// As [`Layout::read`]; [`Error::Invalid`] where the plan has no layout.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Trial> {
        self.read_with(path, &Registry::new())
    }

    /// The same with instruments of your own among those that the layout names.
    ///
    /// # Errors
    /// As [`Plan::read`]; [`Error::Unknown`] for an instrument that the registry lacks.
    pub fn read_with(&self, path: impl AsRef<Path>, registry: &Registry) -> Result<Trial> {
        self.read_by_layout(path.as_ref(), registry).map_err(|error| error.worded_for(Interface::Plan))
    }

    fn read_by_layout(&self, path: &Path, registry: &Registry) -> Result<Trial> {
        let registry = registry.clone().define(&self.instruments)?;
        let layout = self.needed_layout()?.clone().with_instruments(&registry)?;
        let layout = self.trial.conditions().fold(layout, Layout::keep_patients);
        self.with_events_file(self.with_needed_columns(layout).read(path)?)
    }

    fn needed_layout(&self) -> Result<&Layout> {
        self.layout.as_ref().ok_or_else(|| {
            Error::incomplete(
                "reading a trial by the plan",
                "the plan has no layout and does not say what the columns mean",
                Message::from("add ").setting(Setting::Layout),
            )
        })
    }
}

/// What is said of a plan without a single key.
const NOTHING: &str =
    "there is nothing in it; a plan names at least the primary outcome, `primary = \"…\"`, and the columns of the data in `[layout]`";

/// What is written in TOML, with the place of what cannot be read.
pub(super) fn from_toml_text<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| misread(text, what, &error))
}

/// What TOML says of a text, or of some of its tables, with the place in the text.
pub(crate) fn misread(text: &str, what: &str, error: &toml::de::Error) -> Error {
    let (line, column) = error.span().map_or((None, None), |span| place(text, span.start));
    Error::Written {
        what: what.into(),
        line,
        column,
        message: with_place_of_keys(explained(&repeated(error.message(), text, error.span()))),
    }
}

/// What TOML says of a key that is there twice, with its name.
fn repeated(message: &str, text: &str, span: Option<std::ops::Range<usize>>) -> String {
    match span.and_then(|span| text.get(span)).filter(|_| message == "duplicate key") {
        Some(key) => format!("duplicate key `{key}`; leave one of the two out"),
        None => message.into(),
    }
}

/// A file's name and what stands in it.
pub(crate) fn text_of(path: &Path) -> Result<(String, String)> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { action: "cannot read", path: name.clone(), source })?;
    // Editors of Windows begin a file with a byte-order mark.
    let text = text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text);
    Ok((name, text))
}

/// An error in a text as one in a file.
pub(super) fn in_file(error: Error, name: &str) -> Error {
    match error {
        Error::Written { line, column, message, .. } => Error::Written { what: name.into(), line, column, message },
        other => other,
    }
}

fn unwritable(why: &str) -> Error {
    Error::made_in_rust("the plan as a file", why, "keep such a plan in Rust, or set what has no name after the plan was read")
}

/// Line and column of a byte, counted from 1.
pub(super) fn place(text: &str, at: usize) -> (Option<usize>, Option<usize>) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (Some(before.matches('\n').count() + 1), Some(before[start..].chars().count() + 1))
}

/// Where a key belongs that TOML has put into the table above it.
fn with_place_of_keys(message: String) -> String {
    let key = message.strip_prefix("there is no key `").and_then(|rest| rest.split('`').next());
    match key.filter(|key| FIRST.contains(key)) {
        Some(key) => format!("`{key}` belongs at the top of the plan, before the first [table]"),
        None if message == "missing field `primary`" => {
            "missing field `primary`: name the primary outcome, `primary = \"…\"`, at the top of the plan".into()
        }
        None => with_remedy(message),
    }
}

/// What serde says of a value of the wrong type, with what to do.
fn with_remedy(message: String) -> String {
    let message = message.replace("expected f64", "expected a number").replace("expected a sequence", "expected a list");
    let message = message.replace("expected usize", "expected a whole number").replace("expected u64", "expected a whole number");
    let remedy = match message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, "a string")) if found.starts_with("sequence") => "write one text in quotes; there can be only one here",
        Some((found, "a string")) if found.starts_with("map") => "write a text in quotes, not a table",
        Some((_, "a string")) => "write it in quotes",
        Some((_, "a list")) => "write a list, in brackets: [\"…\"]",
        Some((found, "a number" | "a whole number")) if found.starts_with("string") => "write a number, without quotes",
        _ => match message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            Some(_) => "add it to this table",
            None if message.starts_with("invalid basic string") => "close the text with a quotation mark on its line",
            None => return message,
        },
    };
    format!("{message}; {remedy}")
}
