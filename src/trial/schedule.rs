//! The visits a protocol plans, in their order.

use crate::error::{Error, Result};

/// A planned assessment.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Visit {
    /// Label, e.g. `baseline` or `month 3`.
    pub label: String,
    /// Time since randomization in the protocol's unit, where the schedule has times.
    pub time: Option<f64>,
}

/// The planned visits in order, and which of them is the baseline.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Schedule {
    visits: Vec<Visit>,
    baseline: Option<usize>,
}

impl Schedule {
    /// Visits in the order in which they take place; none of them the baseline yet.
    pub fn new(visits: Vec<Visit>) -> Self {
        Self { visits, baseline: None }
    }

    /// Visits by label, without times.
    pub fn of_labels<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::new(labels.into_iter().map(|l| Visit { label: l.into(), time: None }).collect())
    }

    /// Names the visit before treatment.
    pub fn with_baseline(mut self, label: &str) -> Result<Self> {
        self.baseline = Some(self.index_of(label)?);
        Ok(self)
    }

    /// How many visits are planned.
    pub fn len(&self) -> usize {
        self.visits.len()
    }

    /// Whether no visit is planned.
    pub fn is_empty(&self) -> bool {
        self.visits.is_empty()
    }

    /// The visits in order.
    pub fn visits(&self) -> &[Visit] {
        &self.visits
    }

    /// The labels in order.
    pub fn labels(&self) -> Vec<&str> {
        self.visits.iter().map(|v| v.label.as_str()).collect()
    }

    /// The position of the baseline visit, if one is declared.
    pub fn baseline(&self) -> Option<usize> {
        self.baseline
    }

    /// The position of the visit labelled `label`.
    pub fn index_of(&self, label: &str) -> Result<usize> {
        self.visits.iter().position(|v| v.label == label).ok_or_else(|| Error::unknown("visit", label, &self.labels()))
    }
}
