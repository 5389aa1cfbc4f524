//! What is not analysed, and why.

use crate::table::{Column, Tabular, display_as_table};

/// Observed outcomes that are not analysed, one row each, and the patients who have none.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Exclusions {
    /// Observations left out, patient by patient in order of visit.
    pub rows: Vec<ExcludedObservation>,
    /// Patients randomized.
    pub randomized: usize,
    /// Patients with at least one analysed observation.
    pub analysed: usize,
    /// Patients without any observed outcome at the visits of the analysis.
    pub without_outcome: Vec<String>,
    /// Patients with observed outcomes all of which are excluded.
    pub wholly_excluded: Vec<String>,
    /// Names of the outcome and of the visits looked at.
    pub(super) outcome: String,
    pub(super) visits: Vec<String>,
}

/// An observed outcome that is not analysed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExcludedObservation {
    /// The patient.
    pub patient: String,
    /// The visit.
    pub visit: String,
    /// Why it is not analysed.
    pub reason: String,
}

impl Exclusions {
    /// Each reason with the number of observations it took, the commonest first.
    pub fn counts(&self) -> Vec<(String, usize)> {
        let mut counts: Vec<(String, usize)> = vec![];
        for row in &self.rows {
            match counts.iter_mut().find(|(reason, _)| *reason == row.reason) {
                Some((_, n)) => *n += 1,
                None => counts.push((row.reason.clone(), 1)),
            }
        }
        counts.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
        counts
    }
}

impl Tabular for Exclusions {
    fn title(&self) -> String {
        format!("Observations of {} that are not analysed", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("patient", "Patient", self.rows.iter().map(|r| r.patient.as_str())),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_str())),
            Column::text("reason", "Reason", self.rows.iter().map(|r| r.reason.as_str())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!(
            "Randomized {}, analysed {}; without an observed outcome {}; with outcomes that are all excluded {}. Visits: {}.",
            self.randomized,
            self.analysed,
            self.without_outcome.len(),
            self.wholly_excluded.len(),
            self.visits.join(", ")
        )];
        notes.extend(self.counts().into_iter().map(|(reason, n)| format!("Excluded {n}: {reason}.")));
        notes
    }
}

display_as_table!(Exclusions);
