//! Problems of a plan as they are found.

use crate::error::{Error, Interface, PlanProblem, PlanProblems, Refusal, Result};

/// Problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<PlanProblem>);

impl Problems {
    /// Notes what is wrong, if anything; the same is told once.
    pub fn add<T>(&mut self, key: &str, found: Result<T>) {
        if let Err(error) = found {
            let problem = PlanProblem::new(key, error.code(), error.worded_for(Interface::Plan).to_string());
            if !self.0.contains(&problem) {
                self.0.push(problem);
            }
        }
    }

    pub fn say(&mut self, key: &str, kind: Refusal, message: impl Into<String>) {
        self.0.push(PlanProblem::new(key, kind.to_string(), message));
    }

    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Plan(PlanProblems(self.0))) }
    }
}

/// Notes names that are there twice, and things without one.
pub(super) fn named_once<'a>(key: &str, names: impl Iterator<Item = &'a str>, problems: &mut Problems) {
    let mut known: Vec<&str> = vec![];
    for name in names {
        if name.trim().is_empty() {
            problems.say(key, Refusal::Incomplete, "one has no name, and tables tell them apart by it");
        } else if known.contains(&name) {
            problems.say(key, Refusal::NamedTwice, format!("`{name}` is there twice; tables tell them apart by the name"));
        }
        known.push(name);
    }
}
