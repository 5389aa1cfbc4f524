//! Intercurrent events in a file of their own: a row per patient and event.

use super::event_dates::Placed;
use super::{Composite, DatePlace, Event, EventStrategy, Events, Strategy, VisitDates};
use crate::error::{Error, Problem, Problems, Result};
use crate::options::Choices;
use crate::trial::{Role, Scope, Trial, Variable};
use std::io::Read;
use std::path::Path;

/// A file of intercurrent events: columns `patient`, `event`, `visit` (the first visit whose value is after the event) or
/// `date` (that of the event; see [`VisitDates`]), and `strategy`; `value` (of composite events) and `imputation` where they
/// are needed. Headings are read in any case, other columns are ignored.
///
/// ```
/// use trialstats::Layout;
/// use trialstats::imputation::EventsFile;
///
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let text = "patient,event,visit,strategy,value\n1503,stopped,6,hypothetical,\n1509,rescue,5,treatment-policy,\n";
/// let events = EventsFile::from_reader("events.csv", text.as_bytes())?.events(&trial)?;
/// assert_eq!((events.count(), events.kinds()[1].name.as_str()), (2, "rescue"));
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EventsFile {
    source: String,
    rows: Vec<Row>,
    dates: VisitDates,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    line: u64,
    patient: String,
    when: When,
    event: Event,
    /// Whether the file says how the event is taken into account.
    is_stated: bool,
}

/// When an event was.
#[derive(Debug, Clone, PartialEq)]
enum When {
    /// Before this visit.
    Visit(String),
    /// On this date.
    Date(String),
}

impl EventsFile {
    /// Where the data have the dates of visits, with which dates in the file are compared.
    pub fn visit_dates(mut self, dates: VisitDates) -> Self {
        self.dates = dates;
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read; otherwise as [`EventsFile::from_reader`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = std::fs::File::open(path).map_err(|source| Error::File { action: "cannot read", path: name.clone(), source })?;
        Self::from_reader(&name, file)
    }

    /// Reads a text with a header line, fields separated by commas, semicolons or tabs; `source` is what problems call it.
    ///
    /// # Errors
    /// [`Error::Data`] with every row that cannot be understood, [`Error::File`] for what is no text.
    pub fn from_reader(source: &str, mut text: impl Read) -> Result<Self> {
        let mut whole = String::new();
        text.read_to_string(&mut whole).map_err(|error| Error::File { action: "cannot read", path: source.into(), source: error })?;
        let whole = whole.strip_prefix('\u{feff}').unwrap_or(&whole);
        let header = whole.lines().next().unwrap_or_default();
        let separator =
            [b',', b';', b'\t'].into_iter().max_by_key(|s| (header.bytes().filter(|b| b == s).count(), *s == b',')).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).trim(csv::Trim::All).from_reader(whole.as_bytes());
        let mut problems = vec![];
        let names: Vec<String> = reader.headers().map(|h| h.iter().map(str::to_lowercase).collect()).unwrap_or_default();
        let column = |name: &str| names.iter().position(|n| n == name);
        let has = |name: &str| column(name).is_some() || name == "visit" && column("date").is_some();
        for needed in ["patient", "event", "visit"].into_iter().filter(|name| !has(name)) {
            let message = format!(
                "there is no such column; a file of events has patient, event, visit (or date) and strategy, and this one has {}",
                names.join(", ")
            );
            problems.push(Problem {
                source: Some(source.into()),
                column: Some(needed.into()),
                message: message.into(),
                ..Problem::default()
            });
        }
        if !problems.is_empty() {
            return Err(Error::Data(Problems(problems)));
        }
        let mut rows = vec![];
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    problems.push(Problem { source: Some(source.into()), message: error.to_string().into(), ..Problem::default() });
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |name: &str| column(name).and_then(|at| record.get(at)).filter(|text| !text.is_empty());
            if record.iter().all(str::is_empty) {
                continue;
            }
            let mut problem = |column: &str, message: String| {
                problems.push(Problem {
                    source: Some(source.into()),
                    line: Some(line),
                    patient: cell("patient").map(Into::into),
                    column: Some(column.into()),
                    message: message.into(),
                    ..Problem::default()
                });
            };
            let when = cell("visit").map(|visit| When::Visit(visit.into())).or_else(|| cell("date").map(|date| When::Date(date.into())));
            let (Some(patient), Some(event), Some(when)) = (cell("patient"), cell("event"), when) else {
                let lacking = ["patient", "event", "visit"].into_iter().find(|name| cell(name).is_none()).unwrap_or("patient");
                problem(lacking, "it is empty; every event has a patient, a name, and the first visit after it or a date".into());
                continue;
            };
            let strategy = cell("strategy").map(str::parse::<EventStrategy>).transpose();
            let value = cell("value").map(str::parse::<Composite>).transpose();
            let imputation = cell("imputation").map(str::parse::<Strategy>).transpose();
            match (strategy, value, imputation) {
                (Ok(strategy), Ok(value), Ok(imputation)) => {
                    let event =
                        Event { name: event.into(), strategy: strategy.unwrap_or(EventStrategy::TreatmentPolicy), imputation, value };
                    rows.push(Row { line, patient: patient.into(), when, event, is_stated: strategy.is_some() });
                }
                (Err(error), ..) => problem("strategy", error.to_string()),
                (_, Err(error), _) => problem("value", error.to_string()),
                (.., Err(error)) => problem("imputation", error.to_string()),
            }
        }
        if problems.is_empty() {
            Ok(Self { source: source.into(), rows, dates: VisitDates::default() })
        } else {
            Err(Error::Data(Problems(problems)))
        }
    }

    /// The events as the file says they are taken into account.
    ///
    /// # Errors
    /// [`Error::Data`] with every patient and visit that the trial does not have, every patient who has an event twice, and
    /// every event without a strategy or with two.
    pub fn events(&self, trial: &Trial) -> Result<Events> {
        let mut problems = vec![];
        let mut kinds: Vec<&Row> = vec![];
        for row in &self.rows {
            if !row.is_stated {
                problems.push(self.problem(row, "strategy", "it is empty; say how the event is taken into account".into()));
            }
            match kinds.iter().find(|known| known.event.name == row.event.name) {
                Some(known) if known.event != row.event => problems.push(self.problem(
                    row,
                    "strategy",
                    format!("`{}` is taken into account otherwise in line {}; give the two different names", row.event.name, known.line),
                )),
                Some(_) => {}
                None => kinds.push(row),
            }
        }
        let dated = self.dated(trial, &|_| Some(&self.dates), &mut problems);
        let placed = self.placed(trial, &dated, &mut problems);
        if !problems.is_empty() {
            return Err(Error::Data(Problems(problems)));
        }
        let labels = trial.schedule().labels();
        kinds.into_iter().try_fold(Events::none(trial), |events, kind| {
            let name = kind.event.name.as_str();
            let own = placed.iter().filter(|(row, ..)| row.event.name == name);
            let own = own.map(|(_, patient, visit)| (&trial.patients()[*patient], labels[*visit]));
            let events = events.with(trial, kind.event.clone(), own)?;
            let dates = dated.iter().find(|(event, _)| *event == name).map(|(_, placed)| placed.places.clone());
            Ok(dates.into_iter().fold(events, Events::with_places))
        })
    }

    /// The trial with a variable for each of the `planned` events, the first visit after it, and for those with dates another, where
    /// each date lies.
    pub(crate) fn attached_to(&self, trial: &Trial, planned: &[(&str, EventStrategy, VisitDates)]) -> Result<Trial> {
        let mut problems = vec![];
        for row in &self.rows {
            match planned.iter().find(|(name, ..)| *name == row.event.name) {
                None => {
                    let names: Vec<&str> = planned.iter().map(|(name, ..)| *name).collect();
                    let unknown = Error::unknown("event of the plan that comes from a file", &row.event.name, &names);
                    problems.push(self.problem(row, "event", unknown.to_string()));
                }
                Some((_, strategy, _)) if row.is_stated && *strategy != row.event.strategy => problems.push(self.problem(
                    row,
                    "strategy",
                    format!(
                        "it is `{}`, and the plan has `{strategy}` for `{}`; what the plan says was decided before",
                        row.event.strategy, row.event.name
                    ),
                )),
                Some(_) => {}
            }
        }
        let dates = |event: &str| planned.iter().find(|(name, ..)| *name == event).map(|(.., dates)| dates);
        let dated = self.dated(trial, &dates, &mut problems);
        let placed = self.placed(trial, &dated, &mut problems);
        if !problems.is_empty() {
            return Err(Error::Data(Problems(problems)));
        }
        let levels: Vec<String> = trial.schedule().labels().into_iter().map(Into::into).collect();
        let attached = planned.iter().fold(trial.clone(), |trial, (name, ..)| {
            let mut codes = vec![None; trial.patients().len()];
            placed.iter().filter(|(row, ..)| row.event.name == *name).for_each(|(_, patient, visit)| codes[*patient] = Some(*visit));
            let trial = trial.with_variable(Variable::of_codes(name, Role::Event, Scope::Patient, levels.clone(), codes));
            match dated.iter().find(|(event, _)| event == name) {
                Some((_, placed)) => trial.with_variable(places_variable(name, &placed.places)),
                None => trial,
            }
        });
        Ok(attached)
    }

    /// Where the dates of an event lie, in a trial with the events of a file; none where the file has no date of it.
    pub(crate) fn places_in(trial: &Trial, event: &str) -> Option<Vec<Option<DatePlace>>> {
        let name = places_name(event);
        let variable = trial.variables().iter().find(|v| v.role() == Role::Event && v.name() == name)?;
        let place = |code: &Option<usize>| code.map(|code| DatePlace::CHOICES[code].value);
        Some(variable.codes()?.iter().map(place).collect())
    }

    /// Every row with the positions of its patient and visit, but for events after the last visit.
    fn placed(&self, trial: &Trial, dated: &[(&str, Placed)], problems: &mut Vec<Problem>) -> Vec<(&Row, usize, usize)> {
        let mut seen: Vec<(&Row, usize)> = vec![];
        let mut placed: Vec<(&Row, usize, usize)> = vec![];
        for row in &self.rows {
            let Some(patient) = trial.patients().iter().position(|p| *p == row.patient) else {
                problems.push(self.problem(row, "patient", Error::unknown("patient", &row.patient, trial.patients()).to_string()));
                continue;
            };
            if let Some((first, _)) = seen.iter().find(|(known, at)| *at == patient && known.event.name == row.event.name) {
                let message = format!("the patient has `{}` in line {} already; keep the first of them", row.event.name, first.line);
                problems.push(self.problem(row, "event", message));
            }
            seen.push((row, patient));
            let visit = match &row.when {
                When::Visit(visit) => trial.schedule().index_of(visit).map(Some),
                When::Date(_) => {
                    let own = dated.iter().find(|(event, _)| *event == row.event.name);
                    Ok(own.and_then(|(_, placed)| placed.found.iter().find(|(at, _)| *at == patient).map(|(_, visit)| *visit)))
                }
            };
            match visit {
                Ok(visit) => placed.extend(visit.map(|visit| (row, patient, visit))),
                Err(error) => problems.push(self.problem(row, "visit", error.to_string())),
            }
        }
        placed
    }

    /// The dated events by name; `dates` says for the name of an event where the dates of visits are.
    fn dated<'d>(&self, trial: &Trial, dates: &dyn Fn(&str) -> Option<&'d VisitDates>, problems: &mut Vec<Problem>) -> Vec<(&str, Placed)> {
        let mut found: Vec<(&str, Placed)> = vec![];
        let mut names: Vec<&str> = vec![];
        for row in self.rows.iter().filter(|row| matches!(row.when, When::Date(_))) {
            let name = row.event.name.as_str();
            // An event that the plan does not have is told of by itself.
            let (false, Some(dates)) = (names.contains(&name), dates(name)) else { continue };
            names.push(name);
            let mut of = vec![None; trial.patients().len()];
            for other in self.rows.iter().filter(|other| other.event.name == name) {
                let patient = trial.patients().iter().position(|p| *p == other.patient);
                if let (Some(patient), When::Date(date)) = (patient, &other.when) {
                    of[patient] = Some(date.clone());
                }
            }
            match super::event_dates::placed(trial, name, &of, dates) {
                Ok(placed) => found.push((name, placed)),
                Err(error) => problems.push(self.problem(row, "date", error.to_string())),
            }
        }
        found
    }

    fn problem(&self, row: &Row, column: &str, message: String) -> Problem {
        Problem {
            source: Some(self.source.clone()),
            line: Some(row.line),
            patient: Some(row.patient.clone()),
            column: Some(column.into()),
            message: message.into(),
            ..Problem::default()
        }
    }
}

/// The name of the variable of a trial with where the dates of an event lie.
fn places_name(event: &str) -> String {
    format!("{event}: place of its date")
}

fn places_variable(event: &str, places: &[Option<DatePlace>]) -> Variable {
    let levels = DatePlace::CHOICES.iter().map(|choice| choice.name.to_string()).collect();
    let code = |place: &Option<DatePlace>| DatePlace::CHOICES.iter().position(|choice| Some(choice.value) == *place);
    Variable::of_codes(&places_name(event), Role::Event, Scope::Patient, levels, places.iter().map(code).collect())
}
