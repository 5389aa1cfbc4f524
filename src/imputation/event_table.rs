//! How many patients had which event, and what became of their values.

use super::affected::Use;
use super::own::Rule;
use super::{DatePlace, EventDates, EventStrategy, Events, Strategy};
use crate::error::Result;
use crate::table::{Column, Tabular, Values};
use crate::trial::{Labelled, Trial};
use std::fmt;

/// Intercurrent events by arm, and what became of the values of an outcome after them.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EventTable {
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub label: String,
    /// Arm by arm: a row per event, then missing values that no event explains.
    pub rows: Vec<EventRow>,
    /// The events that came with dates; none where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<EventDates>,
    /// How events are counted, one sentence each.
    pub notes: Vec<String>,
}

/// An event in an arm, or missing values without one.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EventRow {
    /// The arm.
    pub arm: Labelled,
    /// The event; `gap before any event`, or `not seen again, without an event`, for missing values.
    pub event: String,
    /// How it is taken into account; none for missing values without an event.
    pub strategy: Option<EventStrategy>,
    /// Patients of the arm with the event, or with such a missing value.
    pub patients: usize,
    /// Patients whose event was recorded with its date, those of whom no value is affected included.
    pub dated: usize,
    /// Patients whose event was on the day of their last visit or after it, so that no value is affected; they are not among
    /// `patients`.
    pub unaffected: usize,
    /// Values observed after it and kept.
    pub kept: usize,
    /// Values observed after it and set aside.
    pub set_aside: usize,
    /// Values that are replaced, observed or not.
    pub replaced: usize,
    /// Values after it that were not observed and are not replaced.
    pub missing: usize,
}

/// A missing value followed by an observed one, without an event before it.
const GAP: &str = "gap before any event";
/// A missing value after the last observed one, without an event.
const GONE: &str = "not seen again, without an event";

impl Events {
    /// How many patients of each arm had which event, and what became of the outcome's values after it.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for an outcome that the trial lacks; [`Error::Invalid`](crate::Error::Invalid)
    /// for events of another trial.
    pub fn table(&self, trial: &Trial, outcome: &str) -> Result<EventTable> {
        let of = trial.outcome(outcome)?;
        let affected = self.affected(trial, of, &Rule::Named(Strategy::Mar))?;
        let visits = trial.schedule().len();
        let last: Vec<usize> = (0..trial.patients().len())
            .map(|i| (0..visits).rev().find(|&t| trial.value(of, i, t).is_some()).map_or(0, |t| t + 1))
            .collect();
        let mut rows = vec![];
        for (arm, name) in trial.arms().iter().enumerate() {
            let members: Vec<usize> = (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm).collect();
            let labelled = || Labelled { index: arm, label: name.clone() };
            for (at, kind) in self.kinds().iter().enumerate() {
                let count = |of: &dyn Fn(&Use) -> bool| -> usize {
                    let own =
                        |i: &usize| (0..visits).filter(|&t| affected[*i].decided_by[t] == Some(at) && of(&affected[*i].uses[t])).count();
                    members.iter().map(own).sum()
                };
                let dates = self.dated().iter().find(|dated| dated.event == at);
                let dated = |of: &dyn Fn(DatePlace) -> bool| {
                    dates.map_or(0, |dates| members.iter().filter(|&&i| dates.places[i].is_some_and(of)).count())
                };
                rows.push(EventRow {
                    arm: labelled(),
                    event: kind.name.clone(),
                    strategy: Some(kind.strategy),
                    patients: members.iter().filter(|&&i| self.of(i).iter().any(|o| o.event == at)).count(),
                    dated: dated(&|_| true),
                    unaffected: dated(&|place| place == DatePlace::AfterLast),
                    kept: count(&|u| *u == Use::Observed),
                    set_aside: count(&|u| *u == Use::SetAside),
                    replaced: count(&|u| matches!(u, Use::Replaced(_))),
                    missing: count(&|u| *u == Use::Missing),
                });
            }
            for event in [GAP, GONE] {
                let is = |i: usize, t: usize| {
                    let unexplained = affected[i].decided_by[t].is_none() && affected[i].uses[t] == Use::Missing;
                    unexplained && (t < last[i]) == (event == GAP)
                };
                let of_patient = |i: &usize| (0..visits).filter(|&t| is(*i, t)).count();
                rows.push(EventRow {
                    arm: labelled(),
                    event: event.into(),
                    strategy: None,
                    patients: members.iter().filter(|i| of_patient(i) > 0).count(),
                    dated: 0,
                    unaffected: 0,
                    kept: 0,
                    set_aside: 0,
                    replaced: 0,
                    missing: members.iter().map(of_patient).sum(),
                });
            }
        }
        let mut notes = vec![
            "A value belongs to the event that decides what becomes of it; a patient is counted under every event.".to_string(),
            "Missing values that no event explains are told apart: a gap has a later observed value.".into(),
        ];
        notes.extend(self.kinds().iter().map(|kind| {
            let value = kind.value.as_ref().map(|value| format!(" ({})", value.words())).unwrap_or_default();
            format!("{} ({} strategy): {}{value}.", kind.name, kind.strategy.words(), kind.strategy.of_values())
        }));
        let dates = EventDates::of(self, trial);
        if dates.is_some() {
            notes.push("Patients whose event was on the day of their last visit or after it have no value affected, and are not among those with it.".into());
        }
        Ok(EventTable { outcome: of.name.clone(), label: of.label.clone(), rows, dates, notes })
    }
}

impl Tabular for EventTable {
    fn title(&self) -> String {
        format!("{}: intercurrent events", self.label)
    }

    fn columns(&self) -> Vec<Column> {
        let strategies = self.rows.iter().map(|r| r.strategy.map(|s| s.words().to_string())).collect();
        let count = |of: fn(&EventRow) -> usize| self.rows.iter().map(of).collect::<Vec<_>>();
        let mut columns = vec![
            Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.label.clone())),
            Column::text("event", "Event", self.rows.iter().map(|r| r.event.as_str())),
            Column { name: "strategy".into(), heading: "Strategy".into(), values: Values::Text(strategies) },
            Column::count("patients", "Patients", count(|r| r.patients)),
        ];
        if self.dates.is_some() {
            columns.push(Column::count("dated", "With a date", count(|r| r.dated)));
            columns.push(Column::count("unaffected", "After the last visit", count(|r| r.unaffected)));
        }
        columns.extend([
            Column::count("kept", "Values kept", count(|r| r.kept)),
            Column::count("set_aside", "Values set aside", count(|r| r.set_aside)),
            Column::count("replaced", "Values replaced", count(|r| r.replaced)),
            Column::count("missing", "Not observed", count(|r| r.missing)),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// The table, and below it that of dates.
impl fmt::Display for EventTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())?;
        self.dates.iter().try_for_each(|dates| write!(f, "\n{dates}"))
    }
}
