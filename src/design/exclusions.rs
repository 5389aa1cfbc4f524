//! What is not analysed, and why.

use crate::table::{Column, Tabular, display_as_table};

/// Observed outcomes that are not analysed, one row each, and the patients who have none.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Exclusions {
    /// Observations left out, patient by patient in order of visit.
    pub rows: Vec<ExcludedObservation>,
    /// Patients randomized.
    pub randomized: usize,
    /// Patients with at least one analysed observation.
    pub analysed: usize,
    /// Patients without any observed outcome at the visits of the analysis.
    pub without_outcome: Vec<String>,
    /// Patients with observed outcomes all of which are excluded.
    pub wholly_excluded: Vec<String>,
    /// Each reason with the patients and observations that it took, arm by arm: no outcome first, then in the order in
    /// which the model asks for what is missing.
    pub(super) reasons: Vec<ExclusionReason>,
    /// How many there are, where the patients are not known.
    pub(super) counted: Option<Counted>,
    /// Names of the outcome and of the visits looked at.
    pub(super) outcome: String,
    pub(super) visits: Vec<String>,
}

/// An observed outcome that is not analysed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExcludedObservation {
    /// The patient.
    pub patient: String,
    /// The visit.
    pub visit: String,
    /// Why it is not analysed.
    pub reason: String,
}

/// A reason for leaving out patients or observations, and how many it took.
///
/// Each observation has one reason, the first variable in the order of the model that it lacks. A patient without any
/// analysed observation has one reason: no outcome was observed, or else the variable whose lack took the last of the
/// observed outcomes.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExclusionReason {
    /// The reason, a clause: `` `FEV1_BL` is missing ``.
    pub reason: String,
    /// The variable that is missing; none where it is the outcome that was not observed.
    pub variable: Option<String>,
    /// How many in each arm, in the order of the trial's arms.
    pub arms: Vec<ExcludedInArm>,
    /// How many observed outcomes at each visit that has any.
    pub visits: Vec<ExcludedAtVisit>,
}

/// How many of an arm are left out for one reason.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcludedInArm {
    /// The arm.
    pub arm: String,
    /// Patients without any analysed observation for this reason.
    pub patients: usize,
    /// Observed outcomes that are not analysed for this reason, whether other outcomes of the patient are or not.
    pub observations: usize,
}

/// How many observed outcomes of a visit are left out for one reason.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcludedAtVisit {
    /// The visit.
    pub visit: String,
    /// Observed outcomes.
    pub observations: usize,
}

impl ExclusionReason {
    pub(super) fn new(reason: String, variable: Option<String>, arms: &[String]) -> Self {
        let arms = arms.iter().map(|arm| ExcludedInArm { arm: arm.clone(), ..ExcludedInArm::default() }).collect();
        Self { reason, variable, arms, visits: vec![] }
    }

    /// Patients of all arms.
    pub fn patients(&self) -> usize {
        self.arms.iter().map(|arm| arm.patients).sum()
    }

    /// Observed outcomes of all arms.
    pub fn observations(&self) -> usize {
        self.arms.iter().map(|arm| arm.observations).sum()
    }

    /// Observed outcomes of a visit.
    pub(super) fn observations_at(&self, visit: &str) -> usize {
        self.visits.iter().filter(|own| own.visit == visit).map(|own| own.observations).sum()
    }

    /// Counts an observed outcome of an arm at a visit.
    pub(super) fn count_observation(&mut self, arm: usize, visit: &str) {
        self.arms[arm].observations += 1;
        self.count_at(visit, 1);
    }

    fn count_at(&mut self, visit: &str, n: usize) {
        match self.visits.iter_mut().find(|own| own.visit == visit) {
            Some(own) => own.observations += n,
            None => self.visits.push(ExcludedAtVisit { visit: visit.into(), observations: n }),
        }
    }

    /// Adds the numbers of other patients.
    fn add(&mut self, other: &ExclusionReason) {
        for more in &other.arms {
            match self.arms.iter_mut().find(|own| own.arm == more.arm) {
                Some(own) => {
                    own.patients += more.patients;
                    own.observations += more.observations;
                }
                None => self.arms.push(more.clone()),
            }
        }
        other.visits.iter().for_each(|more| self.count_at(&more.visit, more.observations));
    }

    /// The numbers of the arms that have any, ` (PBO 9, TRT 11)`; nothing in a trial of one arm.
    fn by_arm(&self, number: impl Fn(&ExcludedInArm) -> usize) -> String {
        let some: Vec<String> = self.arms.iter().filter(|arm| number(arm) > 0).map(|arm| format!("{} {}", arm.arm, number(arm))).collect();
        if self.arms.len() < 2 || some.is_empty() { String::new() } else { format!(" ({})", some.join(", ")) }
    }

    /// The patients, as a clause: `` 20 with outcomes but not analysed, because `FEV1_BL` is missing (PBO 9, TRT 11) ``.
    fn patients_clause(&self) -> String {
        let (n, arms) = (self.patients(), self.by_arm(|arm| arm.patients));
        match self.variable {
            None => format!("{n} without an observed outcome{arms}"),
            Some(_) => format!("{n} with outcomes but not analysed, because {}{arms}", self.reason),
        }
    }

    /// The observed outcomes, as a clause: `` 53 where `FEV1_BL` is missing (PBO 30, TRT 23; VIS1 13, VIS2 40) ``.
    fn observations_clause(&self) -> String {
        let arms = self.by_arm(|arm| arm.observations);
        let arms = arms.trim_start_matches(" (").trim_end_matches(')').to_string();
        let visits: Vec<String> = self.visits.iter().map(|own| format!("{} {}", own.visit, own.observations)).collect();
        let parts: Vec<String> = [arms, visits.join(", ")].into_iter().filter(|part| !part.is_empty()).collect();
        format!("{} where {} ({})", self.observations(), self.reason, parts.join("; "))
    }
}

/// Exclusions as numbers, which several data sets can add up without naming patients.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    pub randomized: usize,
    pub analysed: usize,
    pub without_outcome: usize,
    pub wholly_excluded: usize,
    /// Observations left out by reason.
    pub reasons: Vec<(String, usize)>,
    /// The same with patients and arms.
    pub by_arm: Vec<ExclusionReason>,
}

impl Counted {
    pub fn of(exclusions: &Exclusions) -> Self {
        Self {
            randomized: exclusions.randomized,
            analysed: exclusions.analysed,
            without_outcome: exclusions.without_outcome.len(),
            wholly_excluded: exclusions.wholly_excluded.len(),
            reasons: exclusions.counts(),
            by_arm: exclusions.reasons.clone(),
        }
    }

    /// Adds the numbers of other patients.
    pub fn add(&mut self, other: &Counted) {
        self.randomized += other.randomized;
        self.analysed += other.analysed;
        self.without_outcome += other.without_outcome;
        self.wholly_excluded += other.wholly_excluded;
        for (reason, n) in &other.reasons {
            match self.reasons.iter_mut().find(|(own, _)| own == reason) {
                Some((_, own)) => *own += n,
                None => self.reasons.push((reason.clone(), *n)),
            }
        }
        for more in &other.by_arm {
            match self.by_arm.iter_mut().find(|own| own.reason == more.reason) {
                Some(own) => own.add(more),
                None => self.by_arm.push(more.clone()),
            }
        }
    }
}

impl Exclusions {
    /// Each reason for leaving out patients or observations with how many it took in each arm and at each visit; those
    /// that took none are not there.
    pub fn reasons(&self) -> &[ExclusionReason] {
        match &self.counted {
            Some(counted) => &counted.by_arm,
            None => &self.reasons,
        }
    }

    /// The patients randomized who are not analysed, a clause for each reason.
    pub(crate) fn patient_clauses(&self) -> Vec<String> {
        let found: Vec<String> = self.reasons().iter().filter(|r| r.patients() > 0).map(ExclusionReason::patients_clause).collect();
        if !found.is_empty() {
            return found;
        }
        // Numbers of several responses have no arms.
        let (without_outcome, wholly_excluded) = self.patients_left_out();
        let left_out = [(without_outcome, "without an observed outcome"), (wholly_excluded, "whose outcomes are all excluded")];
        left_out.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} {why}")).collect()
    }

    /// How many observed outcomes are excluded, why, in which arms and at which visits; `None` where none is.
    pub(crate) fn observations_sentence(&self) -> Option<String> {
        let with_any = self.reasons().iter().filter(|r| r.observations() > 0);
        let clauses: Vec<String> = with_any.map(ExclusionReason::observations_clause).collect();
        if clauses.is_empty() { self.sentence() } else { Some(format!("Observed outcomes excluded: {}.", clauses.join("; "))) }
    }

    /// Numbers without names.
    pub(super) fn counted(counted: &Counted) -> Self {
        Self { randomized: counted.randomized, analysed: counted.analysed, counted: Some(counted.clone()), ..Self::default() }
    }

    /// The numbers of patients without an observed outcome, and with outcomes all of which are excluded; also where a
    /// fit from moments knows no names.
    pub fn patients_left_out(&self) -> (usize, usize) {
        match &self.counted {
            Some(counted) => (counted.without_outcome, counted.wholly_excluded),
            None => (self.without_outcome.len(), self.wholly_excluded.len()),
        }
    }

    /// Each reason with the number of observations it took, the commonest first.
    pub fn counts(&self) -> Vec<(String, usize)> {
        let mut counts: Vec<(String, usize)> = self.counted.as_ref().map_or(vec![], |c| c.reasons.clone());
        for row in &self.rows {
            match counts.iter_mut().find(|(reason, _)| *reason == row.reason) {
                Some((_, n)) => *n += 1,
                None => counts.push((row.reason.clone(), 1)),
            }
        }
        // By name where numbers are equal, so that the order of the data does not matter.
        counts.sort_by(|a, b| (std::cmp::Reverse(a.1), &a.0).cmp(&(std::cmp::Reverse(b.1), &b.0)));
        counts
    }

    /// How many observed outcomes are excluded, and why; `None` where none is.
    pub(crate) fn sentence(&self) -> Option<String> {
        let reasons: Vec<String> = self.counts().iter().map(|(reason, n)| format!("{n} where {reason}")).collect();
        (!reasons.is_empty()).then(|| format!("Observed outcomes excluded: {}.", reasons.join("; ")))
    }
}

impl Tabular for Exclusions {
    fn title(&self) -> String {
        format!("Observations of {} that are not analysed", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("patient", "Patient", self.rows.iter().map(|r| r.patient.as_str())),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_str())),
            Column::text("reason", "Reason", self.rows.iter().map(|r| r.reason.as_str())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let left_out: Vec<String> = self.patient_clauses().into_iter().map(|clause| format!("; {clause}")).collect();
        let mut notes = vec![format!(
            "Randomized {}, analysed {}{}. Visits: {}.",
            self.randomized,
            self.analysed,
            left_out.concat(),
            self.visits.join(", ")
        )];
        notes.extend(self.observations_sentence());
        notes
    }
}

display_as_table!(Exclusions);
