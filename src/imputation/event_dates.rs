//! Intercurrent events by their dates: which visit is the first after them.

use crate::error::{Error, Result};
use crate::options::{Choices, choices};
use crate::table::{agreeing, counted};
use crate::trial::{Days, Scope, Trial, Variable, days};
use std::collections::BTreeSet;

/// Where the data have the dates of visits, with which those of intercurrent events are compared.
///
/// The first visit after an event is the first one after baseline whose date is after that of the event. A visit on the day
/// itself counts as before it; where both have a time of day, the times decide. A visit that was not attended has its planned
/// date, if the data have the date from which visits are planned; without one it counts as after the event where it follows
/// the last visit attended before. An event after the last visit affects no value.
///
/// | key of an event of a plan | meaning |
/// |---|---|
/// | `visit-dates` | the column with the date of each visit |
/// | `start-date`, `time-unit` | the column with the date at which the visits' planned time is 0, and the unit of that time |
///
/// ```
/// use trialstats::imputation::{Event, EventStrategy, Events, VisitDates};
/// use trialstats::trial::{Outcome, Schedule, Trial, Variable};
///
/// let trial = Trial::builder("one invented patient")
///     .patients(["a"])
///     .arms(["only"], vec![0])
///     .schedule(Schedule::of_labels(["before", "1 month", "2 months"]))
///     .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: vec![5.0, 4.0, 3.0] })
///     .variable(Variable::factor_by_visit("seen", ["2024-01-01", "2024-02-01", "2024-03-01"], vec![Some(0), Some(1), Some(2)]))
///     .variable(Variable::factor("stopped", ["2024-02-10"], vec![Some(0)]))
///     .build()?;
/// let event = Event::new("stopped", EventStrategy::Hypothetical);
/// let events = Events::none(&trial).with_date_column(&trial, event, "stopped", &VisitDates::of_visits("seen"))?;
/// assert_eq!(events.first_after(), [Some(2)]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VisitDates {
    pub(crate) visits: Option<String>,
    pub(crate) start: Option<String>,
    pub(crate) unit: Option<TimeUnit>,
}

/// The unit of the visits' planned times.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months of 365.25/12 days.
    Month,
}

choices! {
    TimeUnit, "unit of time":
    Day = "day", ["days"], "days";
    Week = "week", ["weeks"], "weeks";
    Month = "month", ["months"], "months of 365.25/12 days";
}

impl TimeUnit {
    fn days(self) -> f64 {
        match self {
            TimeUnit::Day => 1.0,
            TimeUnit::Week => 7.0,
            TimeUnit::Month => 365.25 / 12.0,
        }
    }
}

impl VisitDates {
    /// A column with the date of each visit.
    pub fn of_visits(column: impl Into<String>) -> Self {
        Self { visits: Some(column.into()), ..Self::default() }
    }

    /// Visits have the dates that the schedule plans: their times from the date in a column.
    pub fn planned_from(column: impl Into<String>, unit: TimeUnit) -> Self {
        Self { start: Some(column.into()), unit: Some(unit), ..Self::default() }
    }

    /// Visits that were not attended have the dates that the schedule plans.
    pub fn else_planned_from(mut self, column: impl Into<String>, unit: TimeUnit) -> Self {
        (self.start, self.unit) = (Some(column.into()), Some(unit));
        self
    }

    /// Refuses what does not say where dates are.
    pub(crate) fn check(&self, event: &str) -> Result<()> {
        let incomplete = |why: &str, remedy: &str| Err(Error::incomplete(format!("the event `{event}`"), why, remedy));
        match (&self.visits, &self.start, self.unit) {
            (None, None, None) => incomplete(
                "it has a date, and nothing says when the visits were",
                "name the column with their dates, `visit-dates = \"…\"`, or `start-date` and `time-unit` of the schedule",
            ),
            (_, Some(_), None) => {
                incomplete("it has a `start-date`, and the unit of the visits' times is not stated", "state `time-unit`: day, week, month")
            }
            (_, None, Some(_)) => {
                incomplete("it has a `time-unit`, and no date from which visits are planned", "name its column: `start-date = \"…\"`")
            }
            _ => Ok(()),
        }
    }
}

/// Where the date of an intercurrent event lies among the dates of a patient's visits, and so which visit is the first affected.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DatePlace {
    /// Before the baseline visit: the first visit after baseline is affected.
    BeforeBaseline,
    /// Before the first visit that has a date, where the baseline visit has none.
    BeforeVisits,
    /// On the day of a visit, which counts as before the event; the next one is affected.
    OnVisit,
    /// Between two visits that have dates.
    Between,
    /// After the last visit attended, and before later ones that were missed.
    AfterAttended,
    /// On the day of the last visit or after it: no value is affected.
    AfterLast,
    /// Nowhere: no visit of the patient has a date, and every visit after baseline counts as after the event.
    WithoutVisits,
}

choices! {
    DatePlace, "place of the date of an event":
    BeforeBaseline = "before-baseline", [], "before the baseline visit, so that every visit after baseline is affected";
    BeforeVisits = "before-visits", [], "before the first visit with a date";
    OnVisit = "on-visit", [], "on the day of a visit, which counts as before it";
    Between = "between", [], "between two visits";
    AfterAttended = "after-attended", [], "after the last visit attended, before visits that were missed";
    AfterLast = "after-last", [], "on the day of the last visit or after it, so that no value is affected";
    WithoutVisits = "without-visits", [], "of patients no visit of whom has a date, so that every visit after baseline is affected";
}

/// Dated events of one kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Placed {
    /// Patients, and the first visit after the event of each.
    pub found: Vec<(usize, usize)>,
    /// By patient: where the date lies, of those who have one.
    pub places: Vec<Option<DatePlace>>,
}

/// The dates of visits and events as days.
struct Calendar {
    /// By patient: the date of the event.
    events: Vec<Option<f64>>,
    /// By patient and visit: the date on which it was attended.
    attended: Vec<Option<f64>>,
    /// By patient and visit: the date on which it was planned.
    planned: Vec<Option<f64>>,
}

/// The events of the patients: a date each, as text.
pub(super) fn placed(trial: &Trial, event: &str, of: &[Option<String>], dates: &VisitDates) -> Result<Placed> {
    dates.check(event)?;
    let calendar = Calendar::of(trial, event, of, dates)?;
    let (visits, first) = (trial.schedule().len(), trial.schedule().baseline().map_or(0, |b| b + 1));
    let labels = trial.schedule().labels();
    let mut placed = Placed { found: vec![], places: vec![None; trial.patients().len()] };
    for (patient, event_day) in calendar.events.iter().enumerate() {
        let Some(event_day) = *event_day else { continue };
        let attended = &calendar.attended[patient * visits..(patient + 1) * visits];
        let planned = &calendar.planned[patient * visits..(patient + 1) * visits];
        if let Some((a, b)) = disordered(attended) {
            return Err(Error::conflict(
                format!("the event `{event}` of patient `{}`", trial.patients()[patient]),
                format!("the date of the visit `{}` is before that of `{}`", labels[b], labels[a]),
                "correct the dates, or name the first visit after the event",
            ));
        }
        let last = attended.iter().rposition(|day| day.is_some_and(|day| !is_after(day, event_day)));
        let from = last.map_or(0, |t| t + 1).max(first);
        let day = |t: usize| attended[t].or(planned[t]);
        let affected = (from..visits).find(|&t| day(t).is_none_or(|day| is_after(day, event_day)));
        let days: Vec<Option<f64>> = (0..visits).map(day).collect();
        placed.places[patient] = Some(DatePlace::of(event_day, &days, trial.schedule().baseline(), affected));
        placed.found.extend(affected.map(|t| (patient, t)));
    }
    Ok(placed)
}

impl DatePlace {
    /// As tables put it.
    pub fn words(self) -> &'static str {
        match self {
            DatePlace::BeforeBaseline => "before the baseline visit",
            DatePlace::BeforeVisits => "before the first visit with a date",
            DatePlace::OnVisit => "on the day of a visit",
            DatePlace::Between => "between two visits",
            DatePlace::AfterAttended => "after the last visit attended",
            DatePlace::AfterLast => "after the last visit, no value affected",
            DatePlace::WithoutVisits => "no visit has a date",
        }
    }

    /// The place of a day among those of the visits, given the first visit affected.
    fn of(event: f64, days: &[Option<f64>], baseline: Option<usize>, affected: Option<usize>) -> Self {
        let Some(affected) = affected else { return DatePlace::AfterLast };
        let is_before = |day: &Option<f64>| day.is_some_and(|day| !is_after(day, event));
        let is_later = |day: &Option<f64>| day.is_some_and(|day| is_after(day, event));
        match () {
            () if days.iter().all(Option::is_none) => DatePlace::WithoutVisits,
            () if baseline.is_some_and(|baseline| is_later(&days[baseline])) => DatePlace::BeforeBaseline,
            () if days.iter().any(|day| is_before(day) && day.is_some_and(|day| day.floor() == event.floor())) => DatePlace::OnVisit,
            () if !days.iter().any(is_before) => DatePlace::BeforeVisits,
            () if days[affected..].iter().any(is_later) => DatePlace::Between,
            () => DatePlace::AfterAttended,
        }
    }
}

/// The rule by which dates become visits, for notes.
pub(super) fn rule(event: &str) -> String {
    format!(
        "{event} has dates: the first visit whose date is after it is the first affected; a visit on the day counts as before it, and one that was not \
         attended, without a planned date, as after it where it follows the last visit attended before."
    )
}

/// How many dates there are and where they lie, for notes.
pub(super) fn dates_of(event: &str, places: &[Option<DatePlace>]) -> String {
    let number = |place: DatePlace| places.iter().flatten().filter(|own| **own == place).count();
    let parts = DatePlace::CHOICES.iter().map(|choice| (number(choice.value), choice.meaning)).filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, meaning)| format!("{n} {meaning}")).collect();
    let all = places.iter().flatten().count();
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) };
    format!("{} {} a date of {event}{parts}.", counted(all, "patient"), agreeing(all, "has", "have"))
}

/// Whether a visit is after an event: by the day, or by the time where both have one.
fn is_after(visit: f64, event: f64) -> bool {
    if visit.fract() == 0.0 || event.fract() == 0.0 { visit.floor() > event.floor() } else { visit > event }
}

/// Two visits whose dates run backwards.
fn disordered(attended: &[Option<f64>]) -> Option<(usize, usize)> {
    let dated: Vec<(usize, f64)> = attended.iter().enumerate().filter_map(|(t, day)| Some((t, (*day)?))).collect();
    dated.windows(2).find(|pair| pair[1].1 < pair[0].1).map(|pair| (pair[0].0, pair[1].0))
}

impl Calendar {
    fn of(trial: &Trial, event: &str, of: &[Option<String>], dates: &VisitDates) -> Result<Self> {
        let (patients, visits) = (trial.patients().len(), trial.schedule().len());
        let attended = match &dates.visits {
            Some(column) => texts_by_visit(trial, column)?,
            None => vec![None; patients * visits],
        };
        let starts = match &dates.start {
            Some(column) => texts_of(trial, column)?,
            None => vec![None; patients],
        };
        // One reading of day and month for all of them.
        let distinct: BTreeSet<&str> = of.iter().chain(&attended).chain(&starts).flatten().map(String::as_str).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let known = match days(&distinct) {
            Days::Known(known) => known,
            Days::Ambiguous => {
                return Err(Error::conflict(
                    format!("the dates of the event `{event}`"),
                    "day and month cannot be told apart in them",
                    "write dates as 2024-03-01",
                ));
            }
            Days::NoDate(at) => {
                return Err(Error::wrong_variable(
                    format!("the dates of the event `{event}`"),
                    format!("`{}` is no whole date, or written otherwise than the others", distinct[at]),
                    "write dates as 2024-03-01, and leave unknown ones empty",
                ));
            }
        };
        let day = |text: &Option<String>| text.as_deref().and_then(|text| Some(known[distinct.binary_search(&text).ok()?]));
        let starts: Vec<Option<f64>> = starts.iter().map(day).collect();
        let planned = match dates.unit {
            Some(unit) => planned(trial, event, &starts, unit)?,
            None => vec![None; patients * visits],
        };
        Ok(Self { events: of.iter().map(day).collect(), attended: attended.iter().map(day).collect(), planned })
    }
}

/// The days on which visits are planned.
fn planned(trial: &Trial, event: &str, starts: &[Option<f64>], unit: TimeUnit) -> Result<Vec<Option<f64>>> {
    let times: Option<Vec<f64>> = trial.schedule().visits().iter().map(|visit| visit.time).collect();
    let times = times.ok_or_else(|| {
        Error::no_times(
            format!("the planned visits of the event `{event}`"),
            "visits have no planned times",
            "declare the times of the visits, or name the column with their dates",
        )
    })?;
    // A planned date is a day.
    let at = |start: &Option<f64>, time: f64| start.map(|start| (start.floor() + time * unit.days()).round());
    Ok(starts.iter().flat_map(|start| times.iter().map(move |time| at(start, *time))).collect())
}

/// The texts of a column with one per patient.
pub(crate) fn texts_of(trial: &Trial, column: &str) -> Result<Vec<Option<String>>> {
    let variable = trial.variable(column)?;
    if variable.scope() != Scope::Patient {
        return Err(Error::wrong_variable(
            format!("the column `{column}` of an intercurrent event"),
            "it changes between visits",
            "name a column with one date per patient",
        ));
    }
    Ok(texts(variable))
}

fn texts_by_visit(trial: &Trial, column: &str) -> Result<Vec<Option<String>>> {
    let variable = trial.variable(column)?;
    if variable.scope() != Scope::PatientVisit {
        return Err(Error::wrong_variable(
            format!("the dates of visits `{column}`"),
            "there is one per patient, or one per visit",
            "declare the column as a factor by visit",
        ));
    }
    Ok(texts(variable))
}

/// Levels as they are, and numbers such as 20240301.
fn texts(variable: &Variable) -> Vec<Option<String>> {
    match (variable.codes(), variable.numbers()) {
        (Some(codes), _) => codes.iter().map(|code| code.map(|code| variable.levels()[code].clone())).collect(),
        (None, Some(numbers)) => numbers.iter().map(|x| (!x.is_nan()).then(|| x.to_string())).collect(),
        (None, None) => vec![],
    }
}
