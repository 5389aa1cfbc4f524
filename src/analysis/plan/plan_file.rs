//! A plan and the file that it stands in: places of problems, the data, the lock.

use super::file::{in_file, misread, place, text_of};
use super::{Deviations, Locked, Plan};
use crate::analysis::{AnalysisResult, Progress};
use crate::error::{Error, Interface, PlanProblem, PlanProblems, Problem, Problems, Result};
use crate::instruments::Registry;
use crate::trial::Trial;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A plan that was read from a file. What does not fit the data is told with the line of the file that says it.
///
/// ```
/// use trialstats::analysis::PlanFile;
///
/// let file = PlanFile::open(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/plans/antidepressant.toml"))?;
/// let trial = file.read(file.data().expect("the plan names its data"))?;
/// file.check(&trial)?;
/// assert_eq!((trial.patients().len(), file.plan().primary.as_str()), (172, "CHANGE"));
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PlanFile {
    path: PathBuf,
    text: String,
    plan: Plan,
}

impl PlanFile {
    /// Reads a plan from a file.
    ///
    /// # Errors
    /// As [`Plan::from_file`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (_, text) = text_of(path)?;
        Ok(Self { path: path.into(), text, plan: Plan::from_file(path)? })
    }

    /// A plan from some of the tables of a text, which has others that are no part of it.
    ///
    /// # Errors
    /// As [`Plan::from_toml`].
    pub(crate) fn of_tables(path: &Path, text: &str, tables: Spanned<DeTable<'_>>) -> Result<Self> {
        let plan = Plan::deserialize(toml::de::Deserializer::from(tables));
        let plan = plan.map_err(|error| misread(text, &path.display().to_string(), &error))?;
        Ok(Self { path: path.into(), text: text.into(), plan })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The data file that the plan names, relative to the plan file.
    pub fn data(&self) -> Option<PathBuf> {
        self.plan.trial.data_beside(&self.path)
    }

    /// Checks what can be checked without data, as [`Plan::check_itself`].
    ///
    /// # Errors
    /// As there, with lines.
    pub fn check_itself(&self) -> Result<()> {
        self.plan.check_itself().map_err(|error| self.located(error))
    }

    /// Reads the data, as [`Plan::read`].
    ///
    /// # Errors
    /// As there; what the layout gets wrong is told with its line in the plan.
    pub fn read(&self, data: impl AsRef<Path>) -> Result<Trial> {
        let trial = self.plan.trial.clone().with_events_beside(&self.path);
        Plan { trial, ..self.plan.clone() }.read_with(data, &Registry::new()).map_err(|error| self.located_in_layout(error))
    }

    /// Checks the plan against a trial, as [`Plan::check`].
    ///
    /// # Errors
    /// As there, with lines.
    pub fn check(&self, trial: &Trial) -> Result<()> {
        self.plan.check(trial).map_err(|error| self.located(error))
    }

    /// Runs the plan, as [`Plan::run`].
    ///
    /// # Errors
    /// As there, with lines.
    pub fn run(&self, trial: &Trial, progress: &dyn Progress) -> Result<AnalysisResult> {
        self.plan.run(trial, progress).map_err(|error| self.located(error))
    }

    /// Locks the plan as of a day (`2026-01-31`) in the file beside it, and gives that file.
    ///
    /// # Errors
    /// As [`Plan::lock`] and [`Locked::write_to`]; [`Error::Invalid`] where the plan is locked already.
    pub fn lock(&self, date: &str) -> Result<PathBuf> {
        let path = Locked::path_beside(&self.path);
        if path.exists() {
            return Err(Error::conflict(
                format!("locking {}", self.path.display()),
                format!("it is locked already, in {}", path.display()),
                "a lock stays as it is; file that one away under another name to lock the plan anew",
            ));
        }
        self.plan.lock(date)?.write_to(&path)?;
        Ok(path)
    }

    /// Where the plan differs from its lock; `None` where there is no lock beside it.
    ///
    /// # Errors
    /// As [`Locked::from_file`] and [`Plan::deviations`].
    pub fn deviations(&self) -> Result<Option<Deviations>> {
        let path = Locked::path_beside(&self.path);
        if !path.exists() {
            return Ok(None);
        }
        self.plan.deviations(&Locked::from_file(path)?).map(Some)
    }

    /// An error met while data are read, with the place in the plan of the name that it is about.
    fn located_in_layout(&self, error: Error) -> Error {
        let Ok(document) = DeTable::parse(&self.text) else { return error };
        let name = self.path.display().to_string();
        let cites = |cited: &str| {
            let found = document.get_ref().iter().filter(|(key, _)| ["layout", "trial"].contains(&key.get_ref().as_ref()));
            found.into_iter().find_map(|(_, value)| stated(value, cited))
        };
        let in_plan = |code: &str, message: String, start: Option<usize>| {
            let (line, column) = start.map_or((None, None), |start| place(&self.text, start));
            let problem = PlanProblem::new("layout", code, message);
            Error::Plan(PlanProblems(vec![PlanProblem { source: Some(name.clone()), line, column, ..problem }]))
        };
        match error {
            Error::Unknown { .. } | Error::Invalid { .. } => {
                let (code, message) = (error.code(), error.to_string());
                let start = match &error {
                    Error::Unknown { name, .. } => cites(name),
                    _ => None,
                };
                let table = document.get_ref().iter().find(|(key, _)| key.get_ref() == "layout").map(|(key, _)| key.span().start);
                in_plan(code, message, start.or(table))
            }
            Error::Data(Problems(problems)) => {
                let with_place = |problem: Problem| {
                    let about = match (&problem.column, problem.message.starts_with("there is no such column")) {
                        (Some(column), true) => Some(column.as_str()),
                        _ if problem.message.starts_with("there is no ") => problem.message.split('`').nth(1),
                        _ => None,
                    };
                    let start = about.filter(|_| problem.line.is_none()).and_then(cites);
                    match start.map(|start| place(&self.text, start)) {
                        Some((Some(line), Some(column))) => {
                            let message = problem.message.clone().then(format!(" (it stands in {name}, line {line}, character {column})"));
                            Problem { message, ..problem }
                        }
                        _ => problem,
                    }
                };
                Error::Data(Problems(problems.into_iter().map(with_place).collect()))
            }
            other => other,
        }
    }

    /// An error about the plan with the line of each key, in the words of a plan file.
    pub fn located(&self, error: Error) -> Error {
        let name = self.path.display().to_string();
        match error.worded_for(Interface::Plan) {
            Error::Plan(PlanProblems(problems)) => {
                let document = DeTable::parse(&self.text).ok();
                let with_place = |problem: PlanProblem| {
                    let span = document.as_ref().and_then(|document| span_of(document.get_ref(), &problem.key, &problem.message));
                    let (line, column) = span.map_or((None, None), |start| place(&self.text, start));
                    PlanProblem { source: Some(name.clone()), line, column, ..problem }
                };
                Error::Plan(PlanProblems(problems.into_iter().map(with_place).collect()))
            }
            other => in_file(other, &name),
        }
    }
}

/// Where in the file a problem is: the byte of the value that its message cites, else of the key, else of the table
/// that the key would stand in.
fn span_of(document: &DeTable<'_>, key: &str, message: &str) -> Option<usize> {
    let (path, named) = key.split_once(", `").map_or((key, None), |(path, name)| (path, name.strip_suffix('`')));
    let mut table = document;
    let mut found = None;
    let parts: Vec<&str> = path.split('.').collect();
    for (k, part) in parts.iter().enumerate() {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == part) else { break };
        found = Some(key.span().start);
        match value.get_ref() {
            DeValue::Table(inner) if k + 1 < parts.len() => table = inner,
            _ => {
                let value = named.map_or(Some(value), |name| element(value, name));
                found =
                    value.and_then(|value| cited(value, message)).or(value.filter(|_| named.is_some()).map(|v| v.span().start)).or(found);
                break;
            }
        }
    }
    found
}

/// The keys by which tables of a list are told apart, where they have the first of them.
const TOLD_APART_BY: [&str; 4] = ["name", "factor", "outcome", "kind"];

/// The table of a list that is called so.
fn element<'a, 'i>(value: &'a Spanned<DeValue<'i>>, name: &str) -> Option<&'a Spanned<DeValue<'i>>> {
    let DeValue::Array(elements) = value.get_ref() else { return None };
    let called = |element: &Spanned<DeValue<'_>>, by: &str| match element.get_ref() {
        DeValue::Table(table) => table.get(by).is_some_and(|value| text(value) == Some(name)),
        _ => text(element) == Some(name),
    };
    TOLD_APART_BY.iter().find_map(|by| elements.iter().find(|element| called(element, by)))
}

/// The first text within a value that a message cites: the name that was misspelt.
fn cited(value: &Spanned<DeValue<'_>>, message: &str) -> Option<usize> {
    match value.get_ref() {
        DeValue::String(text) => {
            let quoted = format!("named `{text}`");
            (message.contains(&quoted) || message.starts_with(&format!("`{text}`"))).then(|| value.span().start)
        }
        DeValue::Array(values) => values.iter().find_map(|value| cited(value, message)),
        DeValue::Table(table) => table.iter().find_map(|(_, value)| cited(value, message)),
        _ => None,
    }
}

/// The first text within a value that is this one.
fn stated(value: &Spanned<DeValue<'_>>, wanted: &str) -> Option<usize> {
    match value.get_ref() {
        DeValue::String(text) => (text == wanted).then(|| value.span().start),
        DeValue::Array(values) => values.iter().find_map(|value| stated(value, wanted)),
        DeValue::Table(table) => table.iter().find_map(|(_, value)| stated(value, wanted)),
        _ => None,
    }
}

fn text<'a>(value: &'a Spanned<DeValue<'_>>) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}
