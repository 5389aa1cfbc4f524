//! [`PopulationPlan`]: the primary contrast in a part of the patients, such as completers or those treated per protocol.

use crate::error::{Error, Result};
use crate::options::choices;
use crate::trial::{Condition, Trial};
use std::fmt;

/// The primary model fitted to a part of the patients: completers, or those treated per protocol. Who is in such a part is
/// decided by what happened after randomization, so its comparison of arms is not a randomized one; it stands beside the
/// primary analysis and is labelled as what it is.
///
/// ```toml
/// [[sensitivity]]
/// kind = "population"
/// name = "completers"
/// observed-at = "last-visit"
///
/// [[sensitivity]]
/// kind = "population"
/// name = "per protocol"
/// patients = { column = "sessions", at-least = 9, reason = "fewer than three quarters of 12 sessions" }
/// ```
///
/// | key | meaning | default |
/// |---|---|---|
/// | `name` | what tables call it | must be stated |
/// | `observed-at` | at which visits the primary outcome has to be observed: see [`ObservedAt`] | not asked |
/// | `patients` | a [`Condition`] on a column, which is read as a covariate where the layout does not name it, or a list of conditions that must all hold | none |
/// | `reason` | why it is made, for the report | none |
///
/// One of `observed-at` and `patients` is stated, or both.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PopulationPlan {
    /// What tables call it.
    pub name: String,
    /// At which visits the primary outcome has to be observed.
    pub observed_at: Option<ObservedAt>,
    /// What has to hold of a patient.
    pub patients: Vec<Condition>,
    /// Why it is made.
    pub reason: String,
}

/// At which visits an outcome is observed in patients who count as completers.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedAt {
    /// At the last visit of the schedule, whatever is missing before it.
    LastVisit,
    /// At every scheduled visit at which the outcome was observed in anybody.
    EveryVisit,
}

choices! {
    ObservedAt, "visits at which completers are observed":
    LastVisit = "last-visit", ["last"], "the last visit of the schedule";
    EveryVisit = "every-visit", ["all-visits"], "every scheduled visit at which anybody was observed";
}

impl PopulationPlan {
    /// A part of the patients with this name; it needs [`observed_at`](Self::observed_at) or
    /// [`patients`](Self::patients).
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The primary outcome is observed at these visits.
    pub fn observed_at(mut self, visits: ObservedAt) -> Self {
        self.observed_at = Some(visits);
        self
    }

    /// Adds a condition that patients meet.
    pub fn patients(mut self, condition: Condition) -> Self {
        self.patients.push(condition);
        self
    }

    /// Why it is made.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Who is in it: nothing for those who are, and for the others the first requirement that they do not meet, by its
    /// position among [`reasons`](Self::reasons).
    pub(in crate::analysis) fn members(&self, trial: &Trial, outcome: &str) -> Result<Vec<Option<usize>>> {
        let mut out: Vec<Option<usize>> = vec![None; trial.patients().len()];
        let mut requirements = vec![];
        if let Some(visits) = self.observed_at {
            requirements.push(visits.observed(trial, outcome)?);
        }
        for condition in &self.patients {
            requirements.push(trial.meeting(condition)?);
        }
        for (k, met) in requirements.iter().enumerate() {
            out.iter_mut().zip(met).filter(|(out, met)| out.is_none() && !**met).for_each(|(out, _)| *out = Some(k));
        }
        Ok(out)
    }

    /// Why patients are not in it, one reason per requirement.
    pub(in crate::analysis) fn reasons(&self, trial: &Trial) -> Vec<String> {
        let last = trial.schedule().labels().last().map(ToString::to_string).unwrap_or_default();
        let observed = self.observed_at.map(|visits| match visits {
            ObservedAt::LastVisit => format!("not observed at {}", super::visit_in_prose(&last)),
            ObservedAt::EveryVisit => "not observed at every visit".into(),
        });
        let reason = |condition: &Condition| condition.stated_reason().map_or_else(|| format!("not so: {condition}"), String::from);
        observed.into_iter().chain(self.patients.iter().map(reason)).collect()
    }

    /// What makes no sense in any trial, and in one of a single arm.
    pub(super) fn check_itself(&self, has_one_arm: bool) -> Result<()> {
        if self.observed_at.is_none() && self.patients.is_empty() {
            return Err(Error::incomplete(
                format!("the population `{}`", self.name),
                "nothing says who is in it",
                "state `observed-at`, a condition on `patients`, or both",
            ));
        }
        if has_one_arm {
            return Err(Error::nothing_to_compare(
                format!("the population `{}`", self.name),
                "it is about a difference between arms, and the trial has one arm",
                "leave it out of the plan",
            ));
        }
        Ok(())
    }

    /// What does not fit a trial; a population of nobody does not.
    pub(super) fn check_members(&self, trial: &Trial, outcome: &str) -> Result<()> {
        let members = self.members(trial, outcome)?;
        if trial.patients().is_empty() || members.contains(&None) {
            return Ok(());
        }
        let counted: Vec<String> = (self.reasons(trial).iter().enumerate())
            .map(|(k, reason)| (members.iter().filter(|out| **out == Some(k)).count(), reason))
            .filter(|(n, _)| *n > 0)
            .map(|(n, reason)| format!("{n} {reason}"))
            .collect();
        Err(Error::no_data(
            format!("the population `{}`", self.name),
            format!("it has no patient: {}", counted.join(", ")),
            "look at the unit of the column and at the threshold, or leave it out of the plan",
        ))
    }
}

impl ObservedAt {
    /// Which patients are.
    fn observed(self, trial: &Trial, outcome: &str) -> Result<Vec<bool>> {
        let (values, visits) = (&trial.outcome(outcome)?.values, trial.schedule().len());
        let patients = 0..trial.patients().len();
        let is = |patient: usize, visit: usize| !values[patient * visits + visit].is_nan();
        let asked: Vec<usize> = match self {
            ObservedAt::LastVisit => {
                trial.schedule().must_be_ordered("the last visit, at which completers are observed")?;
                visits.checked_sub(1).into_iter().collect()
            }
            ObservedAt::EveryVisit => (0..visits).filter(|&visit| patients.clone().any(|patient| is(patient, visit))).collect(),
        };
        Ok(patients.map(|patient| asked.iter().all(|&visit| is(patient, visit))).collect())
    }
}

/// Who is in it, a clause: `observed at the last visit, and sessions is at least 9`.
impl fmt::Display for PopulationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observed = self.observed_at.map(|visits| match visits {
            ObservedAt::LastVisit => "the primary outcome is observed at the last visit",
            ObservedAt::EveryVisit => "the primary outcome is observed at every visit",
        });
        let parts: Vec<String> = observed.map(String::from).into_iter().chain(self.patients.iter().map(ToString::to_string)).collect();
        f.write_str(&parts.join(", and "))
    }
}
