//! What is not analysed, and why.

use crate::table::{Column, Tabular, display_as_table};

/// Observed outcomes that are not analysed, one row each, and the patients who have none.
#[non_exhaustive]
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
    /// How many there are, where the patients are not known.
    pub(super) counted: Option<Counted>,
    /// Names of the outcome and of the visits looked at.
    pub(super) outcome: String,
    pub(super) visits: Vec<String>,
}

/// An observed outcome that is not analysed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExcludedObservation {
    /// The patient.
    pub patient: String,
    /// The visit.
    pub visit: String,
    /// Why it is not analysed.
    pub reason: String,
}

/// Exclusions as numbers, which several data sets can add up without naming patients.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counted {
    pub randomized: usize,
    pub analysed: usize,
    pub without_outcome: usize,
    pub wholly_excluded: usize,
    /// Observations left out by reason.
    pub reasons: Vec<(String, usize)>,
}

impl Counted {
    pub fn of(exclusions: &Exclusions) -> Self {
        Self {
            randomized: exclusions.randomized,
            analysed: exclusions.analysed,
            without_outcome: exclusions.without_outcome.len(),
            wholly_excluded: exclusions.wholly_excluded.len(),
            reasons: exclusions.counts(),
        }
    }

    /// Adds the numbers of other patients.
    pub fn add(&mut self, other: &Counted) {
        self.randomized += other.randomized;
        self.analysed += other.analysed;
        self.without_outcome += other.without_outcome;
        self.wholly_excluded += other.wholly_excluded;
        for (reason, n) in &other.reasons {
            match self.reasons.iter_mut().find(|(own, _)| own == reason) {
                Some((_, own)) => *own += n,
                None => self.reasons.push((reason.clone(), *n)),
            }
        }
    }
}

impl Exclusions {
    /// Numbers without names.
    pub(super) fn counted(counted: &Counted) -> Self {
        Self { randomized: counted.randomized, analysed: counted.analysed, counted: Some(counted.clone()), ..Self::default() }
    }

    /// The numbers of patients without an observed outcome, and with outcomes all of which are excluded; also where a
    /// fit from moments knows no names.
    pub fn patients_left_out(&self) -> (usize, usize) {
        match &self.counted {
            Some(counted) => (counted.without_outcome, counted.wholly_excluded),
            None => (self.without_outcome.len(), self.wholly_excluded.len()),
        }
    }

    /// Each reason with the number of observations it took, the commonest first.
    pub fn counts(&self) -> Vec<(String, usize)> {
        let mut counts: Vec<(String, usize)> = self.counted.as_ref().map_or(vec![], |c| c.reasons.clone());
        for row in &self.rows {
            match counts.iter_mut().find(|(reason, _)| *reason == row.reason) {
                Some((_, n)) => *n += 1,
                None => counts.push((row.reason.clone(), 1)),
            }
        }
        // By name where numbers are equal, so that the order of the data does not matter.
        counts.sort_by(|a, b| (std::cmp::Reverse(a.1), &a.0).cmp(&(std::cmp::Reverse(b.1), &b.0)));
        counts
    }

    /// How many observed outcomes are excluded, and why; `None` where none is.
    pub(crate) fn sentence(&self) -> Option<String> {
        let reasons: Vec<String> = self.counts().iter().map(|(reason, n)| format!("{n} where {reason}")).collect();
        (!reasons.is_empty()).then(|| format!("Observed outcomes excluded: {}.", reasons.join("; ")))
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
        let (without_outcome, wholly_excluded) = self.patients_left_out();
        let mut notes = vec![format!(
            "Randomized {}, analysed {}; without an observed outcome {}; with outcomes that are all excluded {}. Visits: {}.",
            self.randomized,
            self.analysed,
            without_outcome,
            wholly_excluded,
            self.visits.join(", ")
        )];
        notes.extend(self.counts().into_iter().map(|(reason, n)| format!("Excluded {n}: {reason}.")));
        notes
    }
}

display_as_table!(Exclusions);
