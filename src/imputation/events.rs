//! From which visit on a patient's values are those after an intercurrent event.

use crate::error::{Error, Result};
use crate::trial::Trial;

/// The first visit after the intercurrent event of each patient of a trial, in the order of its patients.
///
/// Unless stated, the event is dropout: the first visit after the last one with an observed outcome. Gaps before it are
/// imputed as missing at random under every strategy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Positions in the schedule; `None` for a patient without an event.
    first_after: Vec<Option<usize>>,
}

impl Events {
    /// Dropout: the first visit after the last one with an observed outcome, for those who have one left to miss.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that the trial lacks.
    pub fn dropout(trial: &Trial, outcome: &str) -> Result<Self> {
        let outcome = trial.outcome(outcome)?;
        let visits = trial.schedule().len();
        let first_after = (0..trial.patients().len()).map(|i| {
            let last = (0..visits).rev().find(|&t| trial.value(outcome, i, t).is_some_and(|y| !y.is_nan()));
            let first = last.map_or(0, |t| t + 1);
            (first < visits).then_some(first)
        });
        Ok(Self { first_after: first_after.collect() })
    }

    /// Events by patient: the label of the first visit whose value is after the event.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a patient or visit that the trial lacks, [`Error::Invalid`] for a patient who is named twice.
    pub fn at<P: AsRef<str>, V: AsRef<str>>(trial: &Trial, events: impl IntoIterator<Item = (P, V)>) -> Result<Self> {
        let mut first_after = vec![None; trial.patients().len()];
        for (patient, visit) in events {
            let (patient, visit) = (patient.as_ref(), visit.as_ref());
            let at = trial.patients().iter().position(|p| p == patient);
            let at = at.ok_or_else(|| Error::unknown("patient with an intercurrent event", patient, trial.patients()))?;
            if first_after[at].is_some() {
                return Err(Error::named_twice(
                    "intercurrent events",
                    format!("patient `{patient}` has two"),
                    "name the first visit after the first of them",
                ));
            }
            first_after[at] = Some(trial.schedule().index_of(visit)?);
        }
        Ok(Self { first_after })
    }

    /// The first visit after the event of each patient, as a position in the schedule.
    pub fn first_after(&self) -> &[Option<usize>] {
        &self.first_after
    }

    /// The number of patients with an event.
    pub fn count(&self) -> usize {
        self.first_after.iter().flatten().count()
    }
}
