//! The visits a protocol plans, in their order.

use crate::error::{Error, Message, Result, Setting, shown};

/// A planned assessment.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Label, e.g. `baseline` or `month 3`.
    pub label: String,
    /// Time since randomization in the protocol's unit, where the schedule has times.
    pub time: Option<f64>,
}

/// The planned visits in order, and which of them is the baseline.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    visits: Vec<Visit>,
    baseline: Option<usize>,
    /// Whether the order of the visits is none that anybody stated or that their labels tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unordered: bool,
}

impl Schedule {
    /// Visits in the order in which they take place; none of them the baseline yet.
    pub fn new(visits: Vec<Visit>) -> Self {
        Self { visits, baseline: None, unordered: false }
    }

    /// Visits by label, without times.
    pub fn of_labels<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::new(labels.into_iter().map(|l| Visit { label: l.into(), time: None }).collect())
    }

    /// Says that the order of the visits is not known.
    pub(super) fn in_unknown_order(self) -> Self {
        Self { unordered: true, ..self }
    }

    /// Whether the order of the visits is known: it is stated, or told by their labels or times. Where it is not, what
    /// depends on it, such as an autoregressive covariance, is refused.
    pub fn is_ordered(&self) -> bool {
        !self.unordered
    }

    /// Refuses `what`, which depends on the order of the visits, where that is not known.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn must_be_ordered(&self, what: impl Into<String>) -> Result<()> {
        if self.is_ordered() {
            return Ok(());
        }
        let labels: Vec<String> = self.visits.iter().take(12).map(|v| format!("`{}`", shown(&v.label))).collect();
        let why = format!("it depends on the order of the visits, which their labels do not tell: {}", labels.join(", "));
        Err(Error::invalid(what, why, Message::from("state the order with ").setting(Setting::Visits)))
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
