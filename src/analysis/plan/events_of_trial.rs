//! A plan's intercurrent events in a trial: the columns that they need, their file, and the trial as they have it.

use super::{EventFrom, EventPlan, Plan};
use crate::error::{Error, Result};
use crate::imputation::{EventStrategy, Events, EventsFile, VisitDates};
use crate::trial::{CovariateKind, Layout, Trial};

impl Plan {
    /// The intercurrent events of a trial as the plan says where they are; none where the plan has no events.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a column, visit or reason that the trial lacks; [`Error::Invalid`] for settings that contradict
    /// one another.
    pub fn events_on(&self, trial: &Trial) -> Result<Option<Events>> {
        if self.events.is_empty() {
            return Ok(None);
        }
        self.events.iter().try_fold(Events::none(trial), |events, event| event.added_to(events, trial, &self.primary)).map(Some)
    }

    /// The layout with columns that events and parts of the patients need and it does not name.
    pub(super) fn with_needed_columns(&self, layout: Layout) -> Layout {
        self.needed_columns().fold(layout, |layout, (column, kind)| match layout.has_covariate(column) {
            true => layout,
            false => layout.covariate_as(column, kind),
        })
    }

    /// The names of columns that are there for the events and parts of the patients alone.
    pub(in crate::analysis) fn unnamed_columns(&self) -> Vec<&str> {
        let stated = |column: &str| self.layout.as_ref().is_some_and(|layout| layout.has_covariate(column));
        self.needed_columns().map(|(column, _)| column).filter(|column| !stated(column)).collect()
    }

    fn needed_columns(&self) -> impl Iterator<Item = (&str, CovariateKind)> {
        let conditions = self.populations().flat_map(|population| &population.patients);
        let of_patients = conditions.map(|condition| (condition.column(), CovariateKind::Inferred));
        self.events.iter().flat_map(EventPlan::columns).chain(of_patients)
    }

    /// The trial with the events of the plan's events file.
    pub(super) fn with_events_file(&self, trial: Trial) -> Result<Trial> {
        let of_file = self.events.iter().filter(|event| event.from == EventFrom::File);
        let planned: Vec<(&str, EventStrategy, VisitDates)> =
            of_file.map(|event| (event.name.as_str(), event.strategy, event.visit_dates())).collect();
        match (&self.trial.events, planned.is_empty()) {
            (None, _) => Ok(trial),
            (Some(path), true) => Err(Error::incomplete(
                format!("the events file {path}"),
                "no event of the plan comes from it",
                "name its events in the plan: `[[event]]` with `from = \"file\"`",
            )),
            (Some(path), false) => EventsFile::read(path)?.attached_to(&trial, &planned),
        }
    }

    /// Events that do not fit the plan or the trial, with the key of each.
    pub(super) fn event_problems(&self, trial: Option<&Trial>) -> Vec<(String, Error)> {
        let mut found = vec![];
        for (k, event) in self.events.iter().enumerate() {
            let key = format!("event, `{}`", event.name);
            let problem = match trial {
                Some(trial) => event.added_to(Events::none(trial), trial, &self.primary).map(|_| ()),
                None => event.check_itself(),
            };
            found.extend(problem.err().map(|problem| (key.clone(), problem)));
            if self.events[..k].iter().any(|other| other.name == event.name) {
                let error =
                    Error::named_twice(format!("the event `{}`", event.name), "another event has this name", "give each a name of its own");
                found.push((key, error));
            }
        }
        found
    }
}
