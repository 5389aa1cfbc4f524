//! Which visits are missing together: monotone where patients drop out, intermittent where they come back.

use crate::options::choices;
use std::collections::BTreeMap;

use super::Trial;
use crate::error::Result;
use crate::table::{Column, Format, Tabular, display_as_table};

/// The kind of a missing-data pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternKind {
    /// Observed at every visit.
    Complete,
    /// Observed at every visit up to some visit and never after it.
    Monotone,
    /// Missing at a visit and observed at a later one.
    Intermittent,
    /// Never observed.
    NeverObserved,
}

choices! {
    PatternKind, "kind of a missing-data pattern":
    Complete = "complete", [], "observed at every visit";
    Monotone = "monotone", [], "observed up to some visit and never after it";
    Intermittent = "intermittent", [], "missing at a visit and observed at a later one";
    NeverObserved = "never-observed", [], "never observed";
}

impl PatternKind {
    /// The kind of a pattern: whether the outcome was observed, visit by visit.
    ///
    /// ```
    /// use trialstats::trial::PatternKind;
    ///
    /// assert_eq!(PatternKind::of(&[true, true, false]), PatternKind::Monotone);
    /// assert_eq!(PatternKind::of(&[false, true, true]), PatternKind::Intermittent);
    /// ```
    pub fn of(observed: &[bool]) -> Self {
        match (observed.iter().position(|o| !o), observed.iter().rposition(|&o| o)) {
            (None, _) => PatternKind::Complete,
            (_, None) => PatternKind::NeverObserved,
            (Some(missing), Some(seen)) if missing > seen => PatternKind::Monotone,
            _ => PatternKind::Intermittent,
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            PatternKind::Complete => "complete",
            PatternKind::Monotone => "monotone",
            PatternKind::Intermittent => "intermittent",
            PatternKind::NeverObserved => "never observed",
        }
    }
}

/// The missing-data patterns of an outcome, per arm.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct MissingPatterns {
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub label: String,
    /// The visits in order.
    pub visits: Vec<String>,
    /// Whether their order is known, on which the kinds depend.
    pub ordered: bool,
    /// One row an arm and pattern that occurs there: complete, monotone, intermittent, never observed, the most
    /// observed first.
    pub rows: Vec<PatternRow>,
}

/// A pattern in an arm.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PatternRow {
    /// The arm.
    pub arm: String,
    /// Whether the outcome was observed, visit by visit.
    pub observed: Vec<bool>,
    /// The kind of the pattern.
    pub kind: PatternKind,
    /// Patients with the pattern.
    pub n: usize,
    /// Patients randomized to the arm.
    pub randomized: usize,
}

impl Trial {
    /// The missing-data patterns of `outcome` over all scheduled visits, per arm.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] if there is no such outcome.
    pub fn missing_patterns(&self, outcome: &str) -> Result<MissingPatterns> {
        let outcome = self.outcome(outcome)?;
        let randomized = self.randomized();
        let mut counts = BTreeMap::new();
        for (patient, values) in outcome.values.chunks_exact(self.schedule().len()).enumerate() {
            let missing: Vec<bool> = values.iter().map(|y| y.is_nan()).collect();
            let observed: Vec<bool> = missing.iter().map(|m| !m).collect();
            // Missing sorts after observed, so that the longest stay comes first.
            *counts.entry((self.arm_of()[patient], PatternKind::of(&observed), missing)).or_insert(0) += 1;
        }
        let rows = counts.into_iter().map(|((arm, kind, missing), n)| PatternRow {
            arm: self.arms()[arm].clone(),
            observed: missing.iter().map(|m| !m).collect(),
            kind,
            n,
            randomized: randomized[arm],
        });
        Ok(MissingPatterns {
            outcome: outcome.name.clone(),
            label: outcome.label.clone(),
            visits: self.schedule().labels().into_iter().map(String::from).collect(),
            ordered: self.schedule().is_ordered(),
            rows: rows.collect(),
        })
    }
}

impl MissingPatterns {
    /// Patients of `arm` whose pattern is of the given kind.
    pub fn count(&self, arm: &str, kind: PatternKind) -> usize {
        self.rows.iter().filter(|r| r.arm == arm && r.kind == kind).map(|r| r.n).sum()
    }
}

impl Tabular for MissingPatterns {
    fn title(&self) -> String {
        format!("{}: missing-data patterns", self.label)
    }

    fn columns(&self) -> Vec<Column> {
        let picture = |row: &PatternRow| row.observed.iter().map(|&o| if o { '●' } else { '○' }).collect::<String>();
        vec![
            Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.as_str())),
            Column::text("pattern", "Pattern", self.rows.iter().map(picture)),
            Column::text("kind", "Kind", self.rows.iter().map(|r| r.kind.text())),
            Column::count("n", "Patients", self.rows.iter().map(|r| r.n)),
            Column::real("share", "Of randomized", Format::Percent, self.rows.iter().map(|r| r.n as f64 / r.randomized as f64)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let unordered = "The order of the visits is not known, and the kinds of patterns depend on it.";
        let mut notes = vec![
            format!("● observed, ○ missing, at {} in turn.", self.visits.join(", ")),
            "Monotone: observed up to some visit and never after it; intermittent: missing at a visit and observed at a later one.".into(),
            "Shares are of all patients randomized to the arm.".into(),
        ];
        notes.extend((!self.ordered).then(|| unordered.into()));
        notes
    }
}

display_as_table!(MissingPatterns);
