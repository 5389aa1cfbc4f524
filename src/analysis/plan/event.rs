//! Intercurrent events in the data, as a plan says where they are and what is done with them: [`EventPlan`].

use crate::error::{Error, Result};
use crate::imputation::texts_of;
use crate::imputation::{Composite, Event, EventStrategy, Events, EventsFile, Strategy, TimeUnit, VisitDates};
use crate::options;
use crate::trial::{CovariateKind, Role, Trial};
use std::fmt;
use std::str::FromStr;

/// An intercurrent event: where the data have it, and what is done with values after it.
///
/// ```toml
/// [[event]]
/// name = "treatment stopped early"
/// strategy = "hypothetical"            # treatment-policy, composite, while-on-treatment
/// from = "visit(STOPVIS)"              # the column with the first visit whose value is after the event
/// reason-column = "STOPREAS"           # of those alone who have one of these reasons
/// reasons = ["lack of efficacy", "adverse event"]
/// imputation = "jump-to-reference"     # before the strategy of an imputation analysis
///
/// [[event]]
/// name = "death"
/// strategy = "composite"
/// value = "highest"                    # a number, baseline, covariate(NAME), highest, lowest
/// from = "file"                        # the file that `events` of [trial] names
/// ```
///
/// | `from` | the first visit after the event |
/// |---|---|
/// | `visit(COLUMN)` | in a column of the data file, empty for patients without the event |
/// | `time(COLUMN)` | the first one planned after a time in a column, on the scale of the visits' times |
/// | `date(COLUMN)` | the first one whose date is after the date in a column: `visit-dates` names the column with the dates of the visits, `start-date` and `time-unit` say from which date the schedule plans them; see [`VisitDates`] |
/// | `flag(COLUMN)` | the first one that a column marks with Y, yes, true or 1 |
/// | `dropout` | the first one after the last with an observed primary outcome |
/// | `file` | in the events file, whose columns are patient, event, visit (or date, with `visit-dates`) and strategy |
///
/// The primary outcome is analysed as the events have it: values after a hypothetical event are set aside, composite and
/// while-on-treatment values take the place of others. Secondary outcomes are analysed as they were observed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventPlan {
    /// What tables call it.
    pub name: String,
    /// How the estimand takes it into account.
    pub strategy: EventStrategy,
    /// Where the data have it.
    pub from: EventFrom,
    /// The column with the reason, where only some reasons make the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_column: Option<String>,
    /// The reasons that make the event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// How values after it are imputed; as each imputation analysis says unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imputation: Option<Strategy>,
    /// Under a composite strategy, what stands for values after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Composite>,
    /// Of events by date, the column with the dates of the visits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_dates: Option<String>,
    /// Of events by date, the column with the date from which visits are planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// The unit of the visits' planned times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<TimeUnit>,
}

/// Where the data have an intercurrent event.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFrom {
    /// A column with the first visit after it.
    Visit(String),
    /// A column with its time, on the scale of the visits' times.
    Time(String),
    /// A column with its date.
    Date(String),
    /// A column that marks visits after it.
    Flag(String),
    /// The first visit after the last with an observed primary outcome.
    Dropout,
    /// The events file of the plan.
    File,
}

impl fmt::Display for EventFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventFrom::Visit(column) => write!(f, "visit({column})"),
            EventFrom::Time(column) => write!(f, "time({column})"),
            EventFrom::Date(column) => write!(f, "date({column})"),
            EventFrom::Flag(column) => write!(f, "flag({column})"),
            EventFrom::Dropout => f.write_str("dropout"),
            EventFrom::File => f.write_str("file"),
        }
    }
}

impl FromStr for EventFrom {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument.map(str::trim)) {
            ("visit", Some(column)) => Ok(EventFrom::Visit(column.into())),
            ("time", Some(column)) => Ok(EventFrom::Time(column.into())),
            ("date", Some(column)) => Ok(EventFrom::Date(column.into())),
            ("flag", Some(column)) => Ok(EventFrom::Flag(column.into())),
            ("dropout", None) => Ok(EventFrom::Dropout),
            ("file", None) => Ok(EventFrom::File),
            _ => Err(Error::unknown(
                "place of an event",
                text,
                &["visit(COLUMN)", "time(COLUMN)", "date(COLUMN)", "flag(COLUMN)", "dropout", "file"],
            )),
        }
    }
}

options::serde_by_name!(EventFrom);

impl EventPlan {
    /// An event with this strategy.
    pub fn new(name: impl Into<String>, strategy: EventStrategy, from: EventFrom) -> Self {
        Self {
            name: name.into(),
            strategy,
            from,
            reason_column: None,
            reasons: vec![],
            imputation: None,
            value: None,
            visit_dates: None,
            start_date: None,
            time_unit: None,
        }
    }

    /// Of those patients alone who have one of these reasons in a column.
    pub fn reasons<S: Into<String>>(mut self, column: impl Into<String>, reasons: impl IntoIterator<Item = S>) -> Self {
        self.reason_column = Some(column.into());
        self.reasons = reasons.into_iter().map(Into::into).collect();
        self
    }

    /// How values after it are imputed.
    pub fn imputed_by(mut self, strategy: Strategy) -> Self {
        self.imputation = Some(strategy);
        self
    }

    /// Under a composite strategy, what stands for values after it.
    pub fn value(mut self, value: Composite) -> Self {
        self.value = Some(value);
        self
    }

    /// Of an event by date, where the dates of visits are.
    pub fn dates(mut self, dates: VisitDates) -> Self {
        (self.visit_dates, self.start_date, self.time_unit) = (dates.visits, dates.start, dates.unit);
        self
    }

    /// Where the dates of visits are; nowhere for events without dates.
    pub(super) fn visit_dates(&self) -> VisitDates {
        VisitDates { visits: self.visit_dates.clone(), start: self.start_date.clone(), unit: self.time_unit }
    }

    fn event(&self) -> Event {
        let event = Event::new(&self.name, self.strategy);
        let event = self.imputation.into_iter().fold(event, Event::imputed_by);
        self.value.iter().cloned().fold(event, Event::value)
    }

    /// The columns of the data file that it needs, with what they are.
    pub(super) fn columns(&self) -> Vec<(&str, CovariateKind)> {
        let place = match &self.from {
            EventFrom::Visit(column) => Some((column.as_str(), CovariateKind::Factor)),
            EventFrom::Time(column) => Some((column.as_str(), CovariateKind::Numeric)),
            EventFrom::Flag(column) => Some((column.as_str(), CovariateKind::FactorByVisit)),
            EventFrom::Date(column) => Some((column.as_str(), CovariateKind::Factor)),
            EventFrom::Dropout | EventFrom::File => None,
        };
        let visits = self.visit_dates.as_deref().map(|column| (column, CovariateKind::FactorByVisit));
        let start = self.start_date.as_deref().map(|column| (column, CovariateKind::Factor));
        place
            .into_iter()
            .chain(visits)
            .chain(start)
            .chain(self.reason_column.as_deref().map(|column| (column, CovariateKind::Factor)))
            .collect()
    }

    /// Refuses settings that contradict one another, whatever the data.
    pub(super) fn check_itself(&self) -> Result<()> {
        self.event().check()?;
        let has_dates = self.visit_dates() != VisitDates::default();
        match self.from {
            EventFrom::Date(_) => self.visit_dates().check(&self.name)?,
            EventFrom::File if has_dates => self.visit_dates().check(&self.name)?,
            EventFrom::File => {}
            _ if has_dates => {
                return Err(Error::conflict(
                    format!("the event `{}`", self.name),
                    format!("it has dates of visits, and it comes from `{}`, which needs none", self.from),
                    "leave `visit-dates`, `start-date` and `time-unit` out, or let it come from a date: `date(COLUMN)`",
                ));
            }
            _ => {}
        }
        match (&self.reason_column, self.reasons.is_empty()) {
            (Some(_), true) => Err(Error::incomplete(
                format!("the event `{}`", self.name),
                "it has a `reason-column`, and no reasons",
                "list those that make the event: `reasons = [\"…\"]`",
            )),
            (None, false) => Err(Error::incomplete(
                format!("the event `{}`", self.name),
                "it has reasons, and nothing says where the data have them",
                "name the column: `reason-column = \"…\"`",
            )),
            _ => Ok(()),
        }
    }

    /// The events with this one.
    pub(super) fn added_to(&self, events: Events, trial: &Trial, primary: &str) -> Result<Events> {
        self.check_itself()?;
        let has_reason = self.with_reason(trial)?;
        let of = |patient: usize| has_reason.as_ref().is_none_or(|has| has[patient]);
        let event = self.event();
        let all = match &self.from {
            EventFrom::Visit(column) => events.with_visit_column(trial, event, column)?,
            EventFrom::Time(column) => events.with_time_column(trial, event, column)?,
            EventFrom::Date(column) => {
                let mut dates = texts_of(trial, column)?;
                dates.iter_mut().enumerate().filter(|(patient, _)| !of(*patient)).for_each(|(_, date)| *date = None);
                events.with_dates(trial, event, &dates, &self.visit_dates())?
            }
            EventFrom::Flag(column) => events.with_flag_column(trial, event, column)?,
            EventFrom::Dropout => events.with_dropout(trial, primary, event, of)?,
            EventFrom::File => match trial.variables().iter().find(|v| v.role() == Role::Event && v.name() == self.name) {
                Some(variable) => {
                    let events = events.with_visits_of(trial, event, variable)?;
                    EventsFile::places_in(trial, &self.name).into_iter().fold(events, Events::with_places)
                }
                None => {
                    return Err(Error::incomplete(
                        format!("the event `{}`", self.name),
                        "it comes from the events file, and none was read",
                        "name the file: `events = \"events.csv\"` in [trial]",
                    ));
                }
            },
        };
        Ok(all.restricted(&self.name, of))
    }

    /// Who has one of the reasons; none where reasons do not matter.
    fn with_reason(&self, trial: &Trial) -> Result<Option<Vec<bool>>> {
        let Some(column) = &self.reason_column else { return Ok(None) };
        let variable = trial.variable(column)?;
        if let Some(stranger) = self.reasons.iter().find(|reason| !variable.levels().contains(reason)) {
            return Err(Error::unknown("reason", stranger, variable.levels()));
        }
        let Some(codes) = variable.codes().filter(|codes| codes.len() == trial.patients().len()) else {
            return Err(Error::wrong_variable(
                format!("the reasons `{column}` of the event `{}`", self.name),
                "the column is not one level per patient",
                "declare it as a factor that patients keep",
            ));
        };
        let counts: Vec<bool> = variable.levels().iter().map(|level| self.reasons.contains(level)).collect();
        Ok(Some(codes.iter().map(|code| code.is_some_and(|level| counts[level])).collect()))
    }

    /// What the methods say of it.
    pub(super) fn sentence(&self) -> String {
        let place = match &self.from {
            EventFrom::Visit(column) => format!("from the visit in the column {column} on"),
            EventFrom::Time(column) => format!("from the first visit planned after the time in the column {column} on"),
            EventFrom::Date(column) => {
                let planned = self.start_date.iter().map(|start| format!("planned from {start}")).collect::<String>();
                let of = match (&self.visit_dates, planned.is_empty()) {
                    (Some(visits), true) => format!("dates of visits in {visits}"),
                    (Some(visits), false) => format!("dates of visits in {visits}, of those not attended {planned}"),
                    (None, _) => format!("visits as {planned}"),
                };
                format!("from the first visit after the date in the column {column} on, a visit on the day itself counting as before; {of}")
            }
            EventFrom::Flag(column) => format!("from the first visit that the column {column} marks on"),
            EventFrom::Dropout => "from the first visit after the last observed one on".into(),
            EventFrom::File => "from the visit in the events file on".into(),
        };
        let reasons = match &self.reason_column {
            Some(column) => format!(", of patients whose {column} is {}", self.reasons.join(" or ")),
            None => String::new(),
        };
        let value = self.value.iter().map(|value| format!(" ({})", value.words())).collect::<String>();
        let imputation = self.imputation.iter().map(|s| format!("; missing values after it {}", s.words())).collect::<String>();
        format!("- {} ({place}{reasons}): {} strategy, {}{value}{imputation}.", self.name, self.strategy.words(), self.strategy.of_values())
    }
}
