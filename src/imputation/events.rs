//! From which visit on a patient's values are those after an intercurrent event, and what is done with them.

use super::event_dates::{DatePlace, VisitDates, dates_of, placed, rule, texts_of};
use super::{Composite, EventStrategy, Strategy};
use crate::error::{Error, Result};
use crate::table::counted;
use crate::trial::{Labelled, Scope, Trial, Variable};
use std::collections::{HashMap, HashSet};

/// The intercurrent events of a trial: which patients have them, from which visit on, and how each is taken into account.
///
/// Unless stated, the event is dropout: the first visit after the last one with an observed outcome. Gaps before an event
/// are imputed as missing at random under every strategy.
///
/// | strategy of the event | values observed after it | missing values after it |
/// |---|---|---|
/// | `treatment-policy` | kept | imputed by the event's imputation |
/// | `hypothetical` | set aside: neither analysed nor seen by the imputation model | imputed |
/// | `composite` | replaced by a stated value | the same value |
/// | `while-on-treatment` | replaced by the last one observed before it | the same value; imputed where none was observed |
///
/// At a visit after several events `composite` counts before `while-on-treatment`, that before `hypothetical`, and that
/// before `treatment-policy`; of two with one strategy the earlier one. Values after an event that is imputed otherwise
/// than at random do not inform the imputation model, also where they are kept.
///
/// ```
/// use trialstats::Layout;
/// use trialstats::imputation::{Event, EventStrategy, Events, Strategy};
///
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let stopped = Event::new("stopped treatment", EventStrategy::Hypothetical).imputed_by(Strategy::JumpToReference);
/// let events = Events::none(&trial).with(&trial, stopped, [("1503", "6"), ("1509", "5")])?;
/// assert_eq!(events.count(), 2);
/// println!("{}", events.table(&trial, "CHANGE")?);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    kinds: Vec<Event>,
    /// By patient: events, with the first visit after each as a position in the schedule.
    of: Vec<Vec<Occurrence>>,
    /// Where dates lie, of each event that has them.
    dated: Vec<Dated>,
}

/// The dates of one kind of event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dated {
    pub event: usize,
    /// By patient, of those who have a date.
    pub places: Vec<Option<DatePlace>>,
}

/// An intercurrent event as such: its name, and how it is taken into account.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What tables call it.
    pub name: String,
    /// How the estimand takes it into account.
    pub strategy: EventStrategy,
    /// How values after it are imputed; as the analysis says unless stated.
    pub imputation: Option<Strategy>,
    /// What stands for values after it under a composite strategy.
    pub value: Option<Composite>,
}

/// An event of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub event: usize,
    pub from: usize,
}

impl Event {
    /// An event with this strategy, imputed as the analysis says.
    pub fn new(name: impl Into<String>, strategy: EventStrategy) -> Self {
        Self { name: name.into(), strategy, imputation: None, value: None }
    }

    /// How values after it are imputed.
    pub fn imputed_by(mut self, strategy: Strategy) -> Self {
        self.imputation = Some(strategy);
        self
    }

    /// What stands for values after it under a composite strategy.
    pub fn value(mut self, value: Composite) -> Self {
        self.value = Some(value);
        self
    }

    /// Refuses an event whose settings contradict one another.
    pub(crate) fn check(&self) -> Result<()> {
        let what = || format!("the event `{}`", self.name);
        let replaced = matches!(self.strategy, EventStrategy::Composite | EventStrategy::WhileOnTreatment);
        match (self.strategy, &self.value) {
            (EventStrategy::PrincipalStratum, _) => Err(Error::not_built(
                what(),
                "under the strategy `principal-stratum` patients are chosen by what would have happened in the other arm, and no value says that",
                "choose another strategy, or analyse the stratum by a model of it",
            )),
            (EventStrategy::Composite, None) => Err(Error::incomplete(
                what(),
                "nothing says which value stands for it",
                "give its `value`: a number, baseline, highest, lowest",
            )),
            (EventStrategy::Composite, Some(Composite::Value(value))) if !value.is_finite() => {
                Err(Error::not_finite(what(), format!("its value is {value}"), "give a finite one"))
            }
            (EventStrategy::Composite, Some(_)) if self.imputation.is_none() => Ok(()),
            (strategy, Some(_)) if strategy != EventStrategy::Composite => Err(Error::conflict(
                what(),
                format!("it has a value, and its strategy is `{strategy}`"),
                "leave the value out, or choose `composite`",
            )),
            _ if replaced && self.imputation.is_some() => Err(Error::conflict(
                what(),
                format!("values after it are replaced (`{}`), and it says how they are imputed", self.strategy),
                "leave one of the two out",
            )),
            _ => Ok(()),
        }
    }
}

impl Events {
    /// No event of anybody.
    pub fn none(trial: &Trial) -> Self {
        Self { kinds: vec![], of: vec![vec![]; trial.patients().len()], dated: vec![] }
    }

    /// Dropout, with values after it (there are none) kept: the first visit after the last one with an observed outcome,
    /// for those who have one left to miss.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that the trial lacks.
    pub fn dropout(trial: &Trial, outcome: &str) -> Result<Self> {
        Self::none(trial).with_dropout(trial, outcome, Event::new("dropout", EventStrategy::TreatmentPolicy), |_| true)
    }

    /// One kind of event by patient, under the treatment policy: the label of the first visit whose value is after the
    /// event.
    ///
    /// # Errors
    /// As [`Events::with`].
    pub fn at<P: AsRef<str>, V: AsRef<str>>(trial: &Trial, events: impl IntoIterator<Item = (P, V)>) -> Result<Self> {
        Self::none(trial).with(trial, Event::new("event", EventStrategy::TreatmentPolicy), events)
    }

    /// Adds an event with its patients: the label of the first visit whose value is after it.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a patient or visit that the trial lacks, [`Error::Invalid`] for a patient who is named twice,
    /// an event at the baseline visit, and an event whose settings contradict one another.
    pub fn with<P: AsRef<str>, V: AsRef<str>>(
        self,
        trial: &Trial,
        event: Event,
        patients: impl IntoIterator<Item = (P, V)>,
    ) -> Result<Self> {
        let places: HashMap<&str, usize> = trial.patients().iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let (mut found, mut seen): (Vec<(usize, usize)>, HashSet<usize>) = (vec![], HashSet::new());
        for (patient, visit) in patients {
            let (patient, visit) = (patient.as_ref(), visit.as_ref());
            let at = places.get(patient).copied();
            let at = at.ok_or_else(|| Error::unknown("patient with an intercurrent event", patient, trial.patients()))?;
            if !seen.insert(at) {
                return Err(Error::named_twice(
                    "intercurrent events",
                    format!("patient `{patient}` has the event `{}` twice", event.name),
                    "name the first visit after the first of them",
                ));
            }
            found.push((at, trial.schedule().index_of(visit)?));
        }
        self.add(trial, event, found)
    }

    /// Adds an event whose first visit is the level of a factor of the trial: a column of visits' labels, empty for
    /// patients without the event.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable or visit that the trial lacks; otherwise as [`Events::with`].
    pub fn with_visit_column(self, trial: &Trial, event: Event, column: &str) -> Result<Self> {
        let found = visits_of(trial, column)?;
        self.add(trial, event, found)
    }

    /// The same of a variable at hand.
    pub(crate) fn with_visits_of(self, trial: &Trial, event: Event, variable: &Variable) -> Result<Self> {
        let found = visits_in(trial, variable)?;
        self.add(trial, event, found)
    }

    /// Adds an event whose time is a number of the trial, on the scale of the schedule's times: the first visit planned
    /// after it (after the baseline visit). Patients without a number do not have the event.
    ///
    /// # Errors
    /// [`Error::Invalid`] where visits have no times or the variable is not a number per patient; otherwise as
    /// [`Events::with`].
    pub fn with_time_column(self, trial: &Trial, event: Event, column: &str) -> Result<Self> {
        let found = times_of(trial, column)?;
        self.add(trial, event, found)
    }

    /// Adds an event whose date is in a column, empty for patients without the event; see [`VisitDates`] for the first visit
    /// after it.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable that the trial lacks; [`Error::Invalid`] for what is no date, dates of visits that run
    /// backwards, and where nothing says when the visits were; otherwise as [`Events::with`].
    pub fn with_date_column(self, trial: &Trial, event: Event, column: &str, dates: &VisitDates) -> Result<Self> {
        let of = texts_of(trial, column)?;
        self.with_dates(trial, event, &of, dates)
    }

    /// The same of dates at hand, one per patient.
    pub(crate) fn with_dates(self, trial: &Trial, event: Event, of: &[Option<String>], dates: &VisitDates) -> Result<Self> {
        let placed = placed(trial, &event.name, of, dates)?;
        Ok(self.add(trial, event, placed.found)?.with_places(placed.places))
    }

    /// Says where the dates of the event that was added last lie.
    pub(crate) fn with_places(mut self, places: Vec<Option<DatePlace>>) -> Self {
        if let Some(event) = self.kinds.len().checked_sub(1) {
            self.dated.push(Dated { event, places });
        }
        self
    }

    /// Where dates lie, of each event that has them.
    pub(super) fn dated(&self) -> &[Dated] {
        &self.dated
    }

    /// By which rule dates became visits, a sentence per event that has them.
    pub(super) fn rules_of_dates(&self) -> impl Iterator<Item = String> {
        self.dated.iter().map(|dated| rule(&self.kinds[dated.event].name))
    }

    /// The same with where the dates lie.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let name = |dated: &Dated| self.kinds[dated.event].name.as_str();
        self.dated.iter().flat_map(move |dated| [rule(name(dated)), dates_of(name(dated), &dated.places)])
    }

    /// Adds an event that a column marks by visit: the first visit whose flag is `Y`, `yes`, `true` or 1.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable that the trial lacks; otherwise as [`Events::with`].
    pub fn with_flag_column(self, trial: &Trial, event: Event, column: &str) -> Result<Self> {
        let found = flags_of(trial, column)?;
        self.add(trial, event, found)
    }

    /// Adds dropout of some of the patients as an event: the first visit after the last one with an observed outcome.
    ///
    /// # Errors
    /// As [`Events::with`].
    pub fn with_dropout(self, trial: &Trial, outcome: &str, event: Event, of: impl Fn(usize) -> bool) -> Result<Self> {
        let outcome = trial.outcome(outcome)?;
        let visits = trial.schedule().len();
        let after_baseline = trial.schedule().baseline().map_or(0, |b| b + 1);
        let first = |i: usize| {
            let last = (0..visits).rev().find(|&t| trial.value(outcome, i, t).is_some());
            let first = last.map_or(0, |t| t + 1).max(after_baseline);
            (first < visits).then_some((i, first))
        };
        let found = (0..trial.patients().len()).filter(|&i| of(i)).filter_map(first).collect();
        self.add(trial, event, found)
    }

    /// The same events, of those patients alone of whom this holds.
    pub(crate) fn restricted(mut self, event: &str, of: impl Fn(usize) -> bool) -> Self {
        let Some(at) = self.kinds.iter().position(|kind| kind.name == event) else { return self };
        self.of.iter_mut().enumerate().for_each(|(patient, own)| own.retain(|o| o.event != at || of(patient)));
        for dated in self.dated.iter_mut().filter(|dated| dated.event == at) {
            dated.places.iter_mut().enumerate().filter(|(patient, _)| !of(*patient)).for_each(|(_, place)| *place = None);
        }
        self
    }

    fn add(mut self, trial: &Trial, event: Event, found: Vec<(usize, usize)>) -> Result<Self> {
        event.check()?;
        if self.of.len() != trial.patients().len() {
            return Err(Error::another_trial(
                "the intercurrent events",
                format!("they are of {}, and the trial has {}", counted(self.of.len(), "patient"), trial.patients().len()),
                "make them of this trial",
            ));
        }
        if self.kinds.iter().any(|known| known.name == event.name) {
            return Err(Error::named_twice(
                "intercurrent events",
                format!("`{}` is there twice", event.name),
                "give each a name of its own",
            ));
        }
        if let Some((patient, visit)) = found.iter().find(|(_, visit)| Some(*visit) == trial.schedule().baseline()) {
            return Err(Error::conflict(
                format!("the event `{}` of patient `{}`", event.name, trial.patients()[*patient]),
                format!("the first visit after it is `{}`, which is before treatment", trial.schedule().labels()[*visit]),
                "name the first visit after the baseline visit",
            ));
        }
        let at = self.kinds.len();
        self.kinds.push(event);
        found.into_iter().for_each(|(patient, from)| self.of[patient].push(Occurrence { event: at, from }));
        Ok(self)
    }

    /// The first visit after the first event of each patient, as a position in the schedule.
    pub fn first_after(&self) -> Vec<Option<usize>> {
        self.of.iter().map(|own| own.iter().map(|o| o.from).min()).collect()
    }

    /// The number of patients with an event.
    pub fn count(&self) -> usize {
        self.of.iter().filter(|own| !own.is_empty()).count()
    }

    /// The events as such, in the order in which they were added.
    pub fn kinds(&self) -> &[Event] {
        &self.kinds
    }

    pub(super) fn of(&self, patient: usize) -> &[Occurrence] {
        &self.of[patient]
    }

    pub(super) fn patients(&self) -> usize {
        self.of.len()
    }

    /// The patients with an event, with the first visit after it.
    pub fn patients_with<'a>(&'a self, trial: &'a Trial, event: &str) -> Vec<(&'a str, Labelled)> {
        let Some(at) = self.kinds.iter().position(|kind| kind.name == event) else { return vec![] };
        let labels = trial.schedule().labels();
        let own = |(patient, own): (usize, &'a Vec<Occurrence>)| {
            let occurrence = own.iter().find(|o| o.event == at)?;
            Some((trial.patients()[patient].as_str(), Labelled { index: occurrence.from, label: labels[occurrence.from].into() }))
        };
        self.of.iter().enumerate().filter_map(own).collect()
    }
}

/// The levels of a factor that patients keep.
fn codes_of(variable: &Variable) -> Result<&[Option<usize>]> {
    variable.codes().filter(|_| variable.scope() == Scope::Patient).ok_or_else(|| {
        Error::wrong_variable(
            format!("the column `{}` of an intercurrent event", variable.name()),
            "it is not one level per patient",
            "declare it as a factor that patients keep",
        )
    })
}

fn visits_of(trial: &Trial, column: &str) -> Result<Vec<(usize, usize)>> {
    visits_in(trial, trial.variable(column)?)
}

fn visits_in(trial: &Trial, variable: &Variable) -> Result<Vec<(usize, usize)>> {
    // A column of visits that are called 4, 5, 6 may have been read as a number.
    if let Some(numbers) = variable.numbers().filter(|_| variable.scope() == Scope::Patient) {
        let known = numbers.iter().enumerate().filter(|(_, x)| !x.is_nan());
        return known.map(|(patient, x)| Ok((patient, trial.schedule().index_of(&x.to_string())?))).collect();
    }
    let codes = codes_of(variable)?;
    let used = |level: usize| codes.contains(&Some(level));
    let at = |(level, label): (usize, &String)| if used(level) { trial.schedule().index_of(label).map(Some) } else { Ok(None) };
    let visits: Vec<Option<usize>> = variable.levels().iter().enumerate().map(at).collect::<Result<_>>()?;
    Ok(codes.iter().enumerate().filter_map(|(patient, code)| Some((patient, visits[(*code)?]?))).collect())
}

fn times_of(trial: &Trial, column: &str) -> Result<Vec<(usize, usize)>> {
    let numbers = trial.patient_numbers(column)?;
    let times: Option<Vec<f64>> = trial.schedule().visits().iter().map(|visit| visit.time).collect();
    let times = times.ok_or_else(|| {
        Error::no_times(
            format!("the time `{column}` of an intercurrent event"),
            "visits have no planned times to compare it with",
            "declare the times of the visits, or name the first visit after the event",
        )
    })?;
    let after_baseline = trial.schedule().baseline().map_or(0, |b| b + 1);
    let first = |time: f64| (after_baseline..times.len()).find(|&t| times[t] > time);
    Ok(numbers.iter().enumerate().filter(|(_, time)| !time.is_nan()).filter_map(|(patient, time)| Some((patient, first(*time)?))).collect())
}

fn flags_of(trial: &Trial, column: &str) -> Result<Vec<(usize, usize)>> {
    let variable = trial.variable(column)?;
    let visits = trial.schedule().len();
    let yes: Vec<bool> =
        variable.levels().iter().map(|level| matches!(level.trim().to_lowercase().as_str(), "y" | "yes" | "true" | "1")).collect();
    let is_set = |patient: usize, visit: usize| match variable.is_factor() {
        true => variable.level(patient, visit, visits).is_some_and(|level| yes[level]),
        false => variable.value(patient, visit, visits) == 1.0,
    };
    let after_baseline = trial.schedule().baseline().map_or(0, |b| b + 1);
    Ok((0..trial.patients().len()).filter_map(|i| Some((i, (after_baseline..visits).find(|&t| is_set(i, t))?))).collect())
}
