//! What each value is under the intercurrent events: observed and kept, set aside, replaced, or missing.

use super::events::Occurrence;
use super::own::Rule;
use super::{EventStrategy, Events, Strategy};
use crate::error::{Error, Result};
use crate::table::counted;
use crate::trial::{Outcome, Trial};

/// A value of a patient at a visit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Use {
    /// Observed, and kept.
    Observed,
    /// Not observed.
    Missing,
    /// Observed after an event that sets it aside.
    SetAside,
    /// Replaced by this value, whether or not it was observed.
    Replaced(f64),
}

/// A patient under the events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Affected {
    /// The first visit after the event that decides how missing values are imputed; the number of visits where there is
    /// none.
    pub from: usize,
    /// That event.
    pub governed_by: Option<usize>,
    /// How values from there on are imputed, where the event says so itself.
    pub imputation: Option<Strategy>,
    /// By scheduled visit.
    pub uses: Vec<Use>,
    /// The event that decides what a value is, by scheduled visit.
    pub decided_by: Vec<Option<usize>>,
    /// Whether the value informs the imputation model, by scheduled visit.
    pub informs: Vec<bool>,
}

/// At a visit after several events the first of these counts.
const ORDER: [EventStrategy; 4] =
    [EventStrategy::Composite, EventStrategy::WhileOnTreatment, EventStrategy::Hypothetical, EventStrategy::TreatmentPolicy];

impl Events {
    /// Every patient under the events; `rule` is how the analysis imputes values after an event that does not say.
    pub(super) fn affected(&self, trial: &Trial, outcome: &Outcome, rule: &Rule) -> Result<Vec<Affected>> {
        if self.patients() != trial.patients().len() {
            return Err(Error::another_trial(
                "the intercurrent events",
                format!("they are of {}, and the trial has {}", counted(self.patients(), "patient"), trial.patients().len()),
                "make them of this trial",
            ));
        }
        let composite: Vec<Option<Vec<f64>>> = self
            .kinds()
            .iter()
            .map(|kind| kind.value.as_ref().map(|value| value.values(trial, outcome)).transpose())
            .collect::<Result<_>>()?;
        (0..self.patients()).map(|patient| self.affected_patient(trial, outcome, rule, &composite, patient)).collect()
    }

    /// The same where the analysis imputes by a named strategy.
    pub(crate) fn affected_under(&self, trial: &Trial, outcome: &str, strategy: Strategy) -> Result<Vec<Affected>> {
        self.affected(trial, trial.outcome(outcome)?, &Rule::Named(strategy))
    }

    fn affected_patient(
        &self,
        trial: &Trial,
        outcome: &Outcome,
        rule: &Rule,
        composite: &[Option<Vec<f64>>],
        patient: usize,
    ) -> Result<Affected> {
        let visits = trial.schedule().len();
        let own = self.of(patient);
        let governing = self.governing(own, rule);
        let mut found = Affected {
            from: governing.map_or(visits, |o| o.from),
            governed_by: governing.map(|o| o.event),
            imputation: governing.and_then(|o| self.kinds()[o.event].imputation),
            uses: vec![],
            decided_by: vec![],
            informs: vec![],
        };
        let otherwise = governing.is_some_and(|o| !self.is_at_random(o, rule));
        for visit in 0..visits {
            let is_observed = trial.value(outcome, patient, visit).is_some();
            let deciding = self.deciding(own, visit);
            let plain = if is_observed { Use::Observed } else { Use::Missing };
            let used = match deciding.map(|o| (self.kinds()[o.event].strategy, o)) {
                Some((EventStrategy::Composite, o)) => match composite[o.event].as_ref().map(|values| values[patient]) {
                    Some(value) if value.is_finite() => Use::Replaced(value),
                    _ => return Err(self.unknown_value(trial, o, patient, visit)),
                },
                Some((EventStrategy::WhileOnTreatment, o)) => {
                    let before = (0..o.from).rev().filter(|&t| found.uses[t] == Use::Observed);
                    match before.filter_map(|t| trial.value(outcome, patient, t)).next() {
                        Some(value) => Use::Replaced(value),
                        None if is_observed => Use::SetAside,
                        None => Use::Missing,
                    }
                }
                Some((EventStrategy::Hypothetical, _)) if is_observed => Use::SetAside,
                _ => plain,
            };
            found.informs.push(used == Use::Observed && !(otherwise && visit >= found.from));
            found.uses.push(used);
            found.decided_by.push(deciding.map(|o| o.event));
        }
        Ok(found)
    }

    fn unknown_value(&self, trial: &Trial, occurrence: Occurrence, patient: usize, visit: usize) -> Error {
        let kind = &self.kinds()[occurrence.event];
        Error::Missing {
            variable: kind.value.as_ref().map(|value| value.words()).unwrap_or_default(),
            patient: trial.patients()[patient].clone(),
            visit: trial.schedule().labels()[visit].into(),
            why: format!("is not known, and stands for values after the event `{}`", kind.name),
        }
    }

    /// The event that decides how missing values are imputed: the first one whose values are imputed otherwise than at
    /// random, else the first one.
    fn governing(&self, own: &[Occurrence], rule: &Rule) -> Option<Occurrence> {
        let first = |of: &dyn Fn(&Occurrence) -> bool| own.iter().filter(|o| of(o)).min_by_key(|o| o.from).copied();
        let is_imputed =
            |o: &Occurrence| matches!(self.kinds()[o.event].strategy, EventStrategy::TreatmentPolicy | EventStrategy::Hypothetical);
        first(&|o| is_imputed(o) && !self.is_at_random(*o, rule)).or_else(|| first(&is_imputed)).or_else(|| first(&|_| true))
    }

    fn is_at_random(&self, occurrence: Occurrence, rule: &Rule) -> bool {
        match self.kinds()[occurrence.event].imputation {
            Some(strategy) => strategy == Strategy::Mar,
            None => rule.is_at_random(),
        }
    }

    /// The event that decides what the value at a visit is.
    fn deciding(&self, own: &[Occurrence], visit: usize) -> Option<Occurrence> {
        let rank = |o: &Occurrence| ORDER.iter().position(|strategy| *strategy == self.kinds()[o.event].strategy).unwrap_or(ORDER.len());
        own.iter().filter(|o| o.from <= visit).min_by_key(|o| (rank(o), o.from)).copied()
    }

    /// The trial with the outcome as the estimand has it: values that are set aside are missing, replaced ones are what
    /// replaces them. It is what a primary analysis of the estimand is of.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that the trial lacks, [`Error::Missing`] for a composite value that is not known
    /// of a patient.
    pub fn applied_to(&self, trial: &Trial, outcome: &str) -> Result<Trial> {
        let of = trial.outcome(outcome)?;
        let affected = self.affected(trial, of, &Rule::Named(Strategy::Mar))?;
        let visits = trial.schedule().len();
        let value = |at: usize| match affected[at / visits].uses[at % visits] {
            Use::Observed => of.values[at],
            Use::Missing | Use::SetAside => f64::NAN,
            Use::Replaced(value) => value,
        };
        trial.with_outcome(outcome, (0..of.values.len()).map(value).collect())
    }

    /// The trial with those values of the outcome that inform an imputation model.
    pub(super) fn informing(&self, trial: &Trial, outcome: &str, rule: &Rule) -> Result<Trial> {
        let of = trial.outcome(outcome)?;
        let affected = self.affected(trial, of, rule)?;
        let visits = trial.schedule().len();
        let value = |at: usize| if affected[at / visits].informs[at % visits] { of.values[at] } else { f64::NAN };
        trial.with_outcome(outcome, (0..of.values.len()).map(value).collect())
    }
}
