//! A definition of change applied to every patient and visit of a trial.

use super::yardstick::{self, Observed, Yardstick};
use super::{ChangeClass, IndividualChange, Norm};
use crate::effects::Scores;
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, counted, display_as_table};
use crate::trial::{BaselineFrom, Trial};

/// One patient at one visit.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct PatientChange {
    /// The score at baseline; NaN if it was not observed.
    pub before: f64,
    /// The score at the visit; NaN if it was not observed.
    pub after: f64,
    /// The reliable change index, positive where the patient is better; NaN without both scores.
    pub index: f64,
    /// What the change amounts to; none without both scores.
    pub class: Option<ChangeClass>,
}

/// The changes of everyone randomized, patient by patient and visit by visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct IndividualChanges {
    /// What was evaluated.
    pub definition: IndividualChange,
    /// The outcome's label.
    pub outcome: String,
    /// Patient identifiers.
    pub patients: Vec<String>,
    /// Arms, the reference first.
    pub arms: Vec<String>,
    /// The arm of each patient.
    pub arm_of: Vec<usize>,
    /// The visits after baseline, in order.
    pub visits: Vec<String>,
    /// Their positions in the trial's schedule.
    pub visit_indices: Vec<usize>,
    /// What counts at each of these visits; none where nobody was observed and the method asks for it.
    pub yardsticks: Vec<Option<Yardstick>>,
    /// The standard deviation that belongs to the reliability, where one is stated.
    pub sd: Option<f64>,
    /// The clinical population, where method or cut-off ask for it.
    pub clinical: Option<Norm>,
    /// Patient by patient: that of patient `i` at evaluated visit `t` is at `i * visits.len() + t`.
    pub changes: Vec<PatientChange>,
    /// The classes with every score carried forward from when it was last observed, baseline included.
    #[serde(skip)]
    pub(super) carried: Vec<Option<ChangeClass>>,
}

impl IndividualChange {
    /// Classifies every patient at every visit after baseline.
    ///
    /// # Errors
    /// As [`check`](IndividualChange::check); [`Error::Unknown`] for an outcome or arm that the trial
    /// lacks; [`Error::Invalid`] where there is no baseline, or the scores have no standard deviation
    /// or vary no more than error of measurement does.
    pub fn evaluate(&self, trial: &Trial) -> Result<IndividualChanges> {
        self.evaluate_with(trial, &BaselineFrom::Visit)
    }

    /// The same with the baseline taken from elsewhere than the baseline visit.
    ///
    /// # Errors
    /// As [`IndividualChange::evaluate`].
    pub fn evaluate_with(&self, trial: &Trial, baseline: &BaselineFrom) -> Result<IndividualChanges> {
        let visits = Scores::new(trial, &self.outcome, baseline)?.visits();
        self.evaluate_visits(trial, baseline, visits)
    }

    /// The same at some of the visits after baseline: a method that takes numbers from the scores of a visit, such as
    /// Hageman and Arrindell's, may not be defined at all of them.
    ///
    /// # Errors
    /// As [`IndividualChange::evaluate`], and [`Error::Unknown`] for what is no visit after baseline.
    pub fn evaluate_at<S: AsRef<str>>(&self, trial: &Trial, baseline: &BaselineFrom, visits: &[S]) -> Result<IndividualChanges> {
        let labels = trial.schedule().labels();
        let after = Scores::new(trial, &self.outcome, baseline)?.visits();
        let known: Vec<&str> = after.iter().map(|&t| labels[t]).collect();
        let place = |visit: &S| {
            let at = known.iter().position(|label| *label == visit.as_ref());
            at.map(|k| after[k]).ok_or_else(|| Error::unknown("visit after baseline", visit.as_ref(), &known))
        };
        self.evaluate_visits(trial, baseline, visits.iter().map(place).collect::<Result<Vec<_>>>()?)
    }

    fn evaluate_visits(&self, trial: &Trial, baseline: &BaselineFrom, visits: Vec<usize>) -> Result<IndividualChanges> {
        self.check()?;
        let scores = Scores::new(trial, &self.outcome, baseline)?;
        let before = scores.baseline()?.to_vec();
        let carried_trial = trial.carried_forward();
        let carried_scores = Scores::new(&carried_trial, &self.outcome, baseline)?;
        let yardsticks = visits.iter().map(|&visit| yardstick_at(self, &scores, &before, visit)).collect::<Result<Vec<_>>>()?;
        let (mut changes, mut carried) = (vec![], vec![]);
        for (patient, &before) in before.iter().enumerate() {
            for (&visit, yardstick) in visits.iter().zip(&yardsticks) {
                changes.push(patient_change(yardstick.as_ref(), before, scores.value(patient, visit)));
                carried.push(patient_change(yardstick.as_ref(), before, carried_scores.value(patient, visit)).class);
            }
        }
        let labels = trial.schedule().labels();
        Ok(IndividualChanges {
            definition: self.clone(),
            outcome: scores.outcome.label.clone(),
            patients: trial.patients().to_vec(),
            arms: trial.arms().to_vec(),
            arm_of: trial.arm_of().to_vec(),
            visits: visits.iter().map(|&t| labels[t].to_string()).collect(),
            visit_indices: visits,
            yardsticks,
            sd: self.reliability.as_ref().map(|_| yardstick::spread(self, &scores)).transpose()?,
            clinical: if self.needs_clinical() { Some(yardstick::clinical(self, &scores)?) } else { None },
            changes,
            carried,
        })
    }
}

fn yardstick_at(change: &IndividualChange, scores: &Scores<'_>, before: &[f64], visit: usize) -> Result<Option<Yardstick>> {
    let pairs = before.iter().enumerate().map(|(patient, &before)| (before, scores.value(patient, visit)));
    let pairs = pairs.filter(|(before, after)| !before.is_nan() && !after.is_nan()).collect();
    Yardstick::of(change, &Observed { scores, pairs })
}

fn patient_change(yardstick: Option<&Yardstick>, before: f64, after: f64) -> PatientChange {
    let known = yardstick.filter(|_| !before.is_nan() && !after.is_nan());
    PatientChange { before, after, index: known.map_or(f64::NAN, |y| y.index(before, after)), class: known.map(|y| y.class(before, after)) }
}

impl IndividualChanges {
    /// The change of a patient at an evaluated visit.
    pub fn change(&self, patient: usize, visit: usize) -> PatientChange {
        self.changes[patient * self.visits.len() + visit]
    }

    /// The classes of the patients of an arm at a visit: as observed, and as last observed.
    pub(super) fn of_arm(&self, arm: usize, visit: usize) -> impl Iterator<Item = (Option<ChangeClass>, Option<ChangeClass>)> + '_ {
        let own = self.arm_of.iter().enumerate().filter(move |&(_, &a)| a == arm);
        own.map(move |(patient, _)| {
            let at = patient * self.visits.len() + visit;
            (self.changes[at].class, self.carried[at])
        })
    }

    /// The definition as sentences: what is reliable, what is functional, and the numbers at the visits asked for.
    pub(crate) fn notes_at(&self, visits: &[usize]) -> Vec<String> {
        let d = &self.definition;
        let better = match d.better {
            crate::means::Better::Lower => "lower",
            crate::means::Better::Higher => "higher",
        };
        let mut notes = vec![];
        if let Some(change) = &d.reliable_change {
            let source = if change.source.is_empty() { String::new() } else { format!(" ({})", change.source) };
            notes.push(format!("Reliable: a change of at least {}{source}; {better} scores are better.", counted(change.points, "point")));
        }
        if let (Some(reliability), Some(sd)) = (&d.reliability, self.sd) {
            let deviate = visits.iter().find_map(|&t| self.yardsticks[t].as_ref()).map(|y| y.half_width / y.standard_error);
            let beyond = deviate.filter(|z| z.is_finite()).map(|z| format!(" beyond {z:.2}")).unwrap_or_default();
            notes.push(format!(
                "Reliable: the index of {}{beyond}, {}, SD {sd:.2} ({}); {better} scores are better.",
                d.method.words(),
                reliability.words(),
                d.sd.words()
            ));
        }
        notes.extend(self.cut_off_note(visits));
        notes
    }

    fn cut_off_note(&self, visits: &[usize]) -> Option<String> {
        let cut = self.definition.cut_off?;
        let value = visits.iter().find_map(|&t| self.yardsticks[t].as_ref()?.cut_off)?;
        let norm = |of: &Norm| format!("mean {:.2}, SD {:.2} ({})", of.mean, of.sd, of.source);
        let of = |name: &str, norm_of: &Option<Norm>| norm_of.as_ref().map(|n| format!("; {name} population: {}", norm(n)));
        let populations: String = match cut {
            super::CutOff::Score(_) => String::new(),
            super::CutOff::A => of("clinical", &self.clinical).unwrap_or_default(),
            super::CutOff::B => of("functional", &self.definition.functional).unwrap_or_default(),
            super::CutOff::C => {
                [of("clinical", &self.clinical), of("functional", &self.definition.functional)].into_iter().flatten().collect()
            }
        };
        Some(format!("Recovered: reliably better, and {} {value:.2}{populations}.", cut.words(self.definition.better)))
    }
}

impl Tabular for IndividualChanges {
    fn title(&self) -> String {
        format!("{}: change of each patient, {}", self.outcome, self.definition.heading())
    }

    fn columns(&self) -> Vec<Column> {
        let visits = self.visits.len();
        let rows = || self.changes.iter();
        let patient = |k: usize| k / visits;
        let all = 0..self.changes.len();
        vec![
            Column::text("patient", "Patient", all.clone().map(|k| self.patients[patient(k)].clone())),
            Column::text("arm", "Arm", all.clone().map(|k| self.arms[self.arm_of[patient(k)]].clone())),
            Column::text("visit", "Visit", all.map(|k| self.visits[k % visits].clone())),
            Column::real("before", "Baseline", Format::Decimals(1), rows().map(|c| c.before)),
            Column::real("after", "At visit", Format::Decimals(1), rows().map(|c| c.after)),
            Column::real("index", "Index", Format::Decimals(2), rows().map(|c| c.index)),
            Column::text("class", "Class", rows().map(|c| c.class.map_or("unobserved".to_string(), |class| class.to_string()))),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes_at(&(0..self.visits.len()).collect::<Vec<_>>())
    }
}

display_as_table!(IndividualChanges);
