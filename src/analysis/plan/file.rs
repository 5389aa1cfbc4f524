//! Plans in files, and the data that a plan reads.

use super::Plan;
use crate::error::{Error, Interface, Message, Result, Setting};
use crate::instruments::Registry;
use crate::trial::{Layout, Trial};
use crate::written::explained;
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
        toml::from_str(text).map_err(|error| {
            let (line, column) = error.span().map_or((None, None), |span| place(text, span.start));
            Error::Written { what: "the plan".into(), line, column, message: with_place_of_keys(explained(error.message())) }
        })
    }

    /// Reads a plan from JSON, as [`Plan::from_toml`] does from TOML.
    ///
    /// # Errors
    /// As [`Plan::from_toml`].
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            let place = (error.line() > 0).then(|| (error.line(), error.column()));
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            Error::Written {
                what: "the plan".into(),
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
                message: with_place_of_keys(explained(message)),
            }
        })
    }

    /// Reads a plan from a file: JSON where its name ends in `.json`, TOML otherwise.
    ///
    /// # Errors
    /// [`Error::File`] where the file cannot be read; otherwise as [`Plan::from_toml`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::File { action: "cannot read", path: name.clone(), source })?;
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let plan = if json { Self::from_json(&text) } else { Self::from_toml(&text) };
        plan.map_err(|error| match error {
            Error::Written { line, column, message, .. } => Error::Written { what: name, line, column, message },
            other => other,
        })
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
        let layout = self.needed_layout()?.clone().with_instruments(registry)?;
        layout.read(path)
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

fn unwritable(why: &str) -> Error {
    Error::made_in_rust("the plan as a file", why, "keep such a plan in Rust, or set what has no name after the plan was read")
}

/// Line and column of a byte, counted from 1.
fn place(text: &str, at: usize) -> (Option<usize>, Option<usize>) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (Some(before.matches('\n').count() + 1), Some(before[start..].chars().count() + 1))
}

/// Where a key belongs that TOML has put into the table above it.
fn with_place_of_keys(message: String) -> String {
    let key = message.strip_prefix("there is no key `").and_then(|rest| rest.split('`').next());
    match key.filter(|key| FIRST.contains(key)) {
        Some(key) => format!("`{key}` belongs at the top of the plan, before the first [table]"),
        None => message,
    }
}
