//! Binary outcomes: which value of a column is the event.

use crate::error::{Error, Result, shown};
use crate::trial::{Outcome, Scope, Trial, Variable};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The value of a binary outcome that counts as the event, the other being its absence.
///
/// ```
/// use trialstats::generalized::Event;
/// use trialstats::trial::{Outcome, Schedule, Trial};
///
/// let outcome = Outcome { name: "status".into(), label: "status".into(), range: None, values: vec![2.0, 1.0, f64::NAN, 2.0] };
/// let trial = Trial::builder("two invented patients").patients(["a", "b"]).arms(["P", "T"], vec![0, 1])
///     .schedule(Schedule::of_labels(["v1", "v2"])).outcome(outcome).build()?;
/// let coded = trial.with_event("status", &Event::value("2"))?;
/// assert_eq!(coded.outcome("status")?.values[..2], [1.0, 0.0]);
/// assert!(trial.with_event("status", &Event::default()).is_err());
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Event(Option<String>);

impl Event {
    /// The event is this value: a number, or a text of a column of texts. [`Event::default`] is for an outcome that is
    /// 1 for the event and 0 otherwise.
    pub fn value(value: impl Into<String>) -> Self {
        Self(Some(value.into()))
    }

    /// The value; `None` for an outcome of 0 and 1.
    pub fn stated(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The value, `1` unless stated.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stated().unwrap_or("1"))
    }
}

impl FromStr for Event {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::value(text))
    }
}

impl Trial {
    /// The trial with an outcome of 1 where `event` was observed, 0 where the other value was, and NaN where nothing
    /// was. The values are those of the outcome called `name`, or of a factor by visit of that name where the file has
    /// texts; all else stays.
    ///
    /// # Errors
    /// [`Error::Unknown`] where the trial has neither; [`Error::Invalid`] with the values found, where without a stated
    /// event they are others than 0 and 1, where the event does not occur, and where there are more than two.
    pub fn with_event(&self, name: &str, event: &Event) -> Result<Trial> {
        let texts = self.variables().iter().find(|v| v.name() == name && v.is_factor());
        match (self.outcome(name), texts) {
            (Ok(outcome), _) => self.with_outcome(name, of_numbers(outcome, event)?),
            (Err(_), Some(texts)) => {
                let values = of_texts(texts, event, self)?;
                Ok(self.with_outcome_of_variable(Outcome { name: name.into(), label: name.into(), range: None, values }))
            }
            (Err(unknown), None) => Err(unknown),
        }
    }
}

fn of_numbers(outcome: &Outcome, event: &Event) -> Result<Vec<f64>> {
    let mut found: Vec<f64> = vec![];
    for &y in outcome.values.iter().filter(|y| !y.is_nan()) {
        if !found.contains(&y) && found.len() <= SHOWN {
            found.push(y);
        }
    }
    found.sort_by(f64::total_cmp);
    let names: Vec<String> = found.iter().map(f64::to_string).collect();
    let Some(stated) = event.stated() else {
        return match found.iter().all(|y| [0.0, 1.0].contains(y)) {
            true => Ok(outcome.values.clone()),
            false => Err(not_stated(&outcome.name, &names)),
        };
    };
    let is_event = |y: &f64| stated.trim().parse::<f64>().is_ok_and(|event| event == *y);
    check(&outcome.name, stated, &names, found.iter().any(is_event))?;
    Ok(outcome.values.iter().map(|y| if y.is_nan() { f64::NAN } else { f64::from(u8::from(is_event(y))) }).collect())
}

fn of_texts(texts: &Variable, event: &Event, trial: &Trial) -> Result<Vec<f64>> {
    let visits = trial.schedule().len();
    let cells = || (0..trial.patients().len()).flat_map(|i| (0..visits).map(move |t| (i, t)));
    if texts.scope() == Scope::Patient && visits > 1 {
        return Err(Error::wrong_variable(
            format!("the outcome `{}`", texts.name()),
            "it was read as one text per patient, and which visits were attended is not known of it",
            "read it as `CovariateKind::FactorByVisit`",
        ));
    }
    let level = |(i, t)| texts.level(i, t, visits);
    let occurs = |l: usize| cells().any(|cell| level(cell) == Some(l));
    let found: Vec<String> = (0..texts.levels().len()).filter(|&l| occurs(l)).map(|l| texts.levels()[l].clone()).collect();
    let Some(stated) = event.stated() else { return Err(not_stated(texts.name(), &found)) };
    let at = texts.levels().iter().position(|l| l == stated.trim());
    check(texts.name(), stated, &found, at.is_some_and(occurs))?;
    Ok(cells().map(|cell| level(cell).map_or(f64::NAN, |l| f64::from(u8::from(Some(l) == at)))).collect())
}

/// More values than this are not listed.
const SHOWN: usize = 8;

fn listed(found: &[String]) -> String {
    let shown: Vec<String> = found.iter().take(SHOWN).map(|value| format!("`{}`", shown(value))).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    if found.is_empty() { "none is observed".into() } else { format!("{}{more}", shown.join(", ")) }
}

fn not_stated(name: &str, found: &[String]) -> Error {
    let example = found.last().map_or("1", String::as_str);
    Error::incomplete(
        format!("the binary outcome `{name}`"),
        format!("its values are not 0 and 1 but {}", listed(found)),
        match found.len() {
            2 => format!("say which is the event: `Event::value`, or `--event \"{}\"`", shown(example)),
            _ => "a binary outcome has two values: make a column that says whether the event occurred".to_string(),
        },
    )
}

fn check(name: &str, stated: &str, found: &[String], occurs: bool) -> Result<()> {
    let what = format!("the event `{}` of the outcome `{name}`", shown(stated));
    if !occurs {
        return Err(Error::conflict(
            what,
            format!("no such value is observed; the values are {}", listed(found)),
            "name one of the values",
        ));
    }
    if found.len() > 2 {
        return Err(Error::conflict(
            what,
            format!("there are more than two values, {}, and which of them are no event is not said", listed(found)),
            "make a column that says whether the event occurred",
        ));
    }
    Ok(())
}
