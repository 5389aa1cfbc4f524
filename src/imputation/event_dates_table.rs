//! How many events came with a date, and which visit is the first after each.

use super::{DatePlace, Events};
use crate::table::{Column, Tabular, Values, display_as_table};
use crate::trial::{Labelled, Trial};

/// The events that are known by their dates, arm by arm: where the dates lie among those of the visits, and which visit is the
/// first affected.
///
/// ```
/// use trialstats::imputation::{DatePlace, Event, EventStrategy, Events, VisitDates};
/// use trialstats::trial::{Outcome, Schedule, Trial, Variable};
///
/// let trial = Trial::builder("two invented patients")
///     .patients(["a", "b"])
///     .arms(["only"], vec![0, 0])
///     .schedule(Schedule::of_labels(["before", "1 month"]))
///     .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: vec![5.0, 4.0, 6.0, 3.0] })
///     .variable(Variable::factor_by_visit("seen", ["2024-01-01", "2024-02-01"], vec![Some(0), Some(1), Some(0), Some(1)]))
///     .variable(Variable::factor("stopped", ["2024-01-10", "2024-02-10"], vec![Some(0), Some(1)]))
///     .build()?;
/// let event = Event::new("stopped", EventStrategy::Hypothetical);
/// let events = Events::none(&trial).with_date_column(&trial, event, "stopped", &VisitDates::of_visits("seen"))?;
/// let dates = events.table(&trial, "y")?.dates.expect("the event has dates");
/// let rows: Vec<_> = dates.rows.iter().map(|row| (row.place, row.visit.as_ref().map(|v| v.label.as_str()), row.patients)).collect();
/// assert_eq!(rows, [(DatePlace::Between, Some("1 month"), 1), (DatePlace::AfterLast, None, 1)]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EventDates {
    /// Arm by arm and event by event: a row per place of the dates and first visit affected that occurs.
    pub rows: Vec<EventDateRow>,
    /// By which rule dates become visits, one sentence per event.
    pub notes: Vec<String>,
}

/// Patients of an arm whose event has its date at one place among the visits.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EventDateRow {
    /// The arm.
    pub arm: Labelled,
    /// The event.
    pub event: String,
    /// Where the date lies.
    pub place: DatePlace,
    /// The first visit affected; none where no value is.
    pub visit: Option<Labelled>,
    /// The number of patients.
    pub patients: usize,
}

impl EventDates {
    /// The dates of the events; none where no event has any.
    pub(super) fn of(events: &Events, trial: &Trial) -> Option<Self> {
        let (arms, labels) = (trial.arms(), trial.schedule().labels());
        let mut rows = vec![];
        for (index, arm) in arms.iter().enumerate() {
            for dated in events.dated() {
                let affected = |patient: usize| events.of(patient).iter().find(|o| o.event == dated.event).map(|o| o.from);
                let of_arm = dated.places.iter().enumerate().filter(|(patient, _)| trial.arm_of()[*patient] == index);
                let mut found: Vec<(DatePlace, Option<usize>)> =
                    of_arm.filter_map(|(patient, place)| Some(((*place)?, affected(patient)))).collect();
                found.sort_unstable();
                let row = |same: &[(DatePlace, Option<usize>)]| EventDateRow {
                    arm: Labelled { index, label: arm.clone() },
                    event: events.kinds()[dated.event].name.clone(),
                    place: same[0].0,
                    visit: same[0].1.map(|at| Labelled { index: at, label: labels[at].into() }),
                    patients: same.len(),
                };
                rows.extend(found.chunk_by(|a, b| a == b).map(row));
            }
        }
        (!events.dated().is_empty()).then(|| Self { rows, notes: events.rules_of_dates().collect() })
    }
}

impl Tabular for EventDates {
    fn title(&self) -> String {
        "Intercurrent events by date".into()
    }

    fn columns(&self) -> Vec<Column> {
        let visits = self.rows.iter().map(|r| r.visit.as_ref().map(|visit| visit.label.clone())).collect();
        vec![
            Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.label.clone())),
            Column::text("event", "Event", self.rows.iter().map(|r| r.event.as_str())),
            Column::text("place", "Date", self.rows.iter().map(|r| r.place.words())),
            Column { name: "visit".into(), heading: "First visit affected".into(), values: Values::Text(visits) },
            Column::count("patients", "Patients", self.rows.iter().map(|r| r.patients)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(EventDates);
