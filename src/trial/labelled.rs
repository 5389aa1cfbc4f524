//! An arm or a visit as results carry it.

use serde::Serializer;
use serde::ser::SerializeMap;
use std::fmt;
use std::ops::Deref;

/// An arm or a visit of a trial: its position, which says which one it is, and the label that it is printed by.
///
/// Results carry positions because labels are free text: an arm may be called `A - B` or like a visit. A position is
/// that in [`Trial::arms`](super::Trial::arms) or among the visits of [`Trial::schedule`](super::Trial::schedule),
/// whether or not anybody of the arm, or at the visit, was observed.
///
/// JSON has both: `"arm": "ImRs", "arm_index": 0`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Labelled {
    /// The position in the trial, counted from 0.
    pub index: usize,
    /// The label.
    pub label: String,
}

impl Labelled {
    /// The label.
    pub fn as_str(&self) -> &str {
        &self.label
    }

    /// The one of these labels that is at a position.
    pub(crate) fn among<S: AsRef<str>>(labels: &[S], index: usize) -> Self {
        Self { index, label: labels.get(index).map_or_else(String::new, |l| l.as_ref().to_string()) }
    }
}

/// The label.
impl fmt::Display for Labelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.label)
    }
}

/// Compares the label.
impl PartialEq<str> for Labelled {
    fn eq(&self, label: &str) -> bool {
        self.label == label
    }
}

/// Compares the label.
impl PartialEq<&str> for Labelled {
    fn eq(&self, label: &&str) -> bool {
        self.label == *label
    }
}

/// The label, to be read wherever text is.
impl Deref for Labelled {
    type Target = str;

    fn deref(&self) -> &str {
        &self.label
    }
}

impl AsRef<str> for Labelled {
    fn as_ref(&self) -> &str {
        &self.label
    }
}

/// Writes an arm or visit as two fields of the struct it is flattened into: `name` and `name_index`.
fn written<S: Serializer>(names: [&'static str; 2], value: Option<&Labelled>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry(names[0], &value.map(|v| &v.label))?;
    map.serialize_entry(names[1], &value.map(|v| v.index))?;
    map.end()
}

/// For `#[serde(flatten, serialize_with = "…")]`.
pub(crate) mod fields {
    use super::{Labelled, Serializer, written};

    pub(crate) fn arm<S: Serializer>(value: &Labelled, serializer: S) -> Result<S::Ok, S::Error> {
        written(["arm", "arm_index"], Some(value), serializer)
    }

    pub(crate) fn arm_if_any<S: Serializer>(value: &Option<Labelled>, serializer: S) -> Result<S::Ok, S::Error> {
        written(["arm", "arm_index"], value.as_ref(), serializer)
    }

    pub(crate) fn versus_if_any<S: Serializer>(value: &Option<Labelled>, serializer: S) -> Result<S::Ok, S::Error> {
        written(["versus", "versus_index"], value.as_ref(), serializer)
    }

    pub(crate) fn reference<S: Serializer>(value: &Labelled, serializer: S) -> Result<S::Ok, S::Error> {
        written(["reference", "reference_index"], Some(value), serializer)
    }

    pub(crate) fn visit<S: Serializer>(value: &Labelled, serializer: S) -> Result<S::Ok, S::Error> {
        written(["visit", "visit_index"], Some(value), serializer)
    }

    pub(crate) fn visit_if_any<S: Serializer>(value: &Option<Labelled>, serializer: S) -> Result<S::Ok, S::Error> {
        written(["visit", "visit_index"], value.as_ref(), serializer)
    }
}
