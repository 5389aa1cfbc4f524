//! A definition applied to every patient and visit of a trial.

use super::{Definition, Meaning, Occasion, Rule};
use crate::error::{Error, Message, Result, Setting};
use crate::instruments::Diagnosis;
use crate::options::choices;
use crate::table::{Column, Tabular, display_as_table};
use crate::trial::{BaselineFrom, Trial};

/// Whether a patient fulfils a definition at a visit.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Fulfilled.
    Met,
    /// Not fulfilled.
    NotMet,
    /// Not observed: something that decides was not recorded at the visit or at baseline.
    Unobserved,
    /// Observed, and yet undecided: a percentage of a baseline at the floor of its scale is not defined.
    Undecided,
    /// Not known whether the patient fulfils what the definition requires at baseline.
    EligibilityUnknown,
    /// The patient is known not to fulfil what the definition requires at baseline.
    NotEligible,
}

choices! {
    Status, "state of a definition":
    Met = "met", [], "fulfilled";
    NotMet = "not-met", [], "not fulfilled";
    Unobserved = "unobserved", [], "not observed";
    Undecided = "undecided", [], "observed, but the definition is not defined for what was observed";
    EligibilityUnknown = "eligibility-unknown", [], "not known whether what the definition requires at baseline is fulfilled";
    NotEligible = "not-eligible", [], "known not to fulfil what the definition requires at baseline";
}

impl Status {
    /// How tables put it.
    pub fn words(self) -> &'static str {
        match self {
            Status::Met => "met",
            Status::NotMet => "not met",
            Status::Unobserved => "unobserved",
            Status::Undecided => "undecided",
            Status::EligibilityUnknown => "eligibility unknown",
            Status::NotEligible => "not eligible",
        }
    }
}

/// Who fulfils a definition when: one [`Status`] a patient and visit, for everyone randomized.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Responders {
    /// What was evaluated.
    pub definition: Definition,
    /// Patient identifiers.
    pub patients: Vec<String>,
    /// Arms, the reference first.
    pub arms: Vec<String>,
    /// The arm of each patient.
    pub arm_of: Vec<usize>,
    /// Visits evaluated, in order: those after baseline, or all where the schedule names none.
    pub visits: Vec<String>,
    /// Their positions in the trial's schedule; none of what is evaluated once for the whole trial.
    pub visit_indices: Vec<Option<usize>>,
    /// Patient by patient: that of patient `i` at evaluated visit `t` is at `i * visits.len() + t`.
    pub statuses: Vec<Status>,
    /// The same with every value carried forward from when it was last observed, baseline included.
    #[serde(skip)]
    pub carried: Vec<Status>,
}

impl Definition {
    /// Evaluates the definition for every patient at every visit after baseline.
    ///
    /// # Errors
    /// [`Error::Unknown`] for outcomes, diagnoses or covariates that the trial lacks; [`Error::Invalid`] for numbers
    /// that make no sense and for rules about baseline where the schedule names no baseline visit.
    pub fn evaluate(&self, trial: &Trial) -> Result<Responders> {
        self.evaluate_with(trial, &BaselineFrom::Visit)
    }

    /// The same with the baseline value of outcomes taken from elsewhere than the baseline visit.
    ///
    /// # Errors
    /// As [`Definition::evaluate`].
    pub fn evaluate_with(&self, trial: &Trial, baseline: &BaselineFrom) -> Result<Responders> {
        let rule = Condition::compile(&self.rule, trial, baseline)?;
        let required = self.required_at_baseline.as_ref().map(|r| Condition::compile(r, trial, baseline)).transpose()?;
        let start = trial.schedule().baseline();
        if required.is_some() && start.is_none() {
            return Err(no_baseline(&self.label));
        }
        let evaluated: Vec<usize> = (0..trial.schedule().len()).filter(|&t| Some(t) != start).collect();
        let carried_trial = trial.carried_forward();
        let carried_rule = Condition::compile(&self.rule, &carried_trial, baseline)?;
        let (mut statuses, mut carried) = (Vec::with_capacity(trial.patients().len() * evaluated.len()), vec![]);
        for i in 0..trial.patients().len() {
            let eligible = match (&required, start) {
                (Some(required), Some(start)) => required.holds(i, start),
                _ => Diagnosis::Met,
            };
            let of = |rule: &Condition, t: usize| status(eligible, rule.holds(i, t), || rule.is_observed(i, t));
            statuses.extend(evaluated.iter().map(|&t| of(&rule, t)));
            carried.extend(evaluated.iter().map(|&t| of(&carried_rule, t)));
        }
        let labels = trial.schedule().labels();
        Ok(Responders {
            definition: self.clone(),
            patients: trial.patients().to_vec(),
            arms: trial.arms().to_vec(),
            arm_of: trial.arm_of().to_vec(),
            visits: evaluated.iter().map(|&t| labels[t].to_string()).collect(),
            visit_indices: evaluated.into_iter().map(Some).collect(),
            statuses,
            carried,
        })
    }
}

impl Definition {
    /// Everything in the definition that `trial` does not have or that makes no sense.
    pub(crate) fn problems(&self, trial: &Trial, baseline: &BaselineFrom) -> Vec<Error> {
        let mut found = vec![];
        for rule in std::iter::once(&self.rule).chain(&self.required_at_baseline) {
            add_problems(rule, trial, baseline, &mut found);
        }
        if self.required_at_baseline.is_some() && trial.schedule().baseline().is_none() {
            found.push(no_baseline(&self.label));
        }
        found
    }
}

fn add_problems(rule: &Rule, trial: &Trial, baseline: &BaselineFrom, found: &mut Vec<Error>) {
    match rule {
        Rule::All(parts) | Rule::Any(parts) if !parts.is_empty() => {
            parts.iter().for_each(|part| add_problems(part, trial, baseline, found));
        }
        part => found.extend(Condition::compile(part, trial, baseline).err()),
    }
}

fn status(eligible: Diagnosis, holds: Diagnosis, is_observed: impl Fn() -> bool) -> Status {
    match (eligible, holds) {
        (Diagnosis::NotMet, _) => Status::NotEligible,
        (Diagnosis::Unknown, _) => Status::EligibilityUnknown,
        (_, Diagnosis::Unknown) if is_observed() => Status::Undecided,
        (_, Diagnosis::Unknown) => Status::Unobserved,
        (_, Diagnosis::Met) => Status::Met,
        (_, Diagnosis::NotMet) => Status::NotMet,
    }
}

fn no_baseline(what: &str) -> Error {
    Error::no_baseline(
        what,
        "the definition looks at baseline and the schedule names no baseline visit",
        Message::from("name it with ")
            .setting(Setting::BaselineVisit)
            .then(", or a covariate that holds the baseline value with ")
            .setting(Setting::EvaluateWith),
    )
}

/// Who is below a value of a numeric covariate, such as the sessions attended: one status per patient, evaluated once
/// for the whole trial.
///
/// Meant for shares such as "under three quarters of the sessions": with 18 sessions planned,
/// `share_below(&trial, "sessions", 13.5)`. Being below counts as unfavourable.
///
/// # Errors
/// [`Error::Unknown`] if the trial has no such covariate, [`Error::Invalid`] if it is not one number per patient or
/// `value` is not finite.
pub fn share_below(trial: &Trial, covariate: &str, value: f64) -> Result<Responders> {
    let rule = Rule::CovariateBelow { covariate: covariate.into(), value };
    let definition = Definition::new(format!("{covariate}_below_{value}"), rule.clone())
        .label(format!("{covariate} below {value}"))
        .meaning(Meaning::Unfavourable);
    trial.patient_numbers(covariate)?;
    let condition = Condition::compile(&rule, trial, &BaselineFrom::Visit)?;
    let statuses: Vec<Status> =
        (0..trial.patients().len()).map(|i| status(Diagnosis::Met, condition.holds(i, 0), || condition.is_observed(i, 0))).collect();
    Ok(Responders {
        definition,
        patients: trial.patients().to_vec(),
        arms: trial.arms().to_vec(),
        arm_of: trial.arm_of().to_vec(),
        visits: vec!["whole trial".into()],
        visit_indices: vec![None],
        carried: statuses.clone(),
        statuses,
    })
}

/// What a change from the first value to the second says.
type JudgeChange<'a> = Box<dyn Fn(f64, f64) -> Diagnosis + 'a>;
/// Whether a score fulfils the rule.
type JudgeScore<'a> = Box<dyn Fn(f64) -> bool + 'a>;

/// A rule with its names resolved to the trial's values.
enum Condition<'a> {
    /// A change from `before` (a value per patient) judged by `judge(before, now)`.
    Change {
        before: Vec<f64>,
        now: &'a [f64],
        visits: usize,
        judge: JudgeChange<'a>,
    },
    Score {
        now: &'a [f64],
        visits: usize,
        judge: JudgeScore<'a>,
    },
    PerPatient {
        values: &'a [f64],
        below: f64,
    },
    /// The diagnosis equals `wanted`, at visit `at` or the one evaluated.
    Diagnosis {
        values: &'a [Option<Diagnosis>],
        visits: usize,
        at: Option<usize>,
        wanted: Diagnosis,
    },
    All(Vec<Condition<'a>>),
    Any(Vec<Condition<'a>>),
}

impl<'a> Condition<'a> {
    fn compile(rule: &'a Rule, trial: &'a Trial, baseline: &BaselineFrom) -> Result<Self> {
        if let Some(flaw) = rule.flaw() {
            return Err(Error::out_of_range(format!("the rule `{rule}`"), flaw, "correct the definition"));
        }
        let visits = trial.schedule().len();
        let change = |outcome: &str, judge: JudgeChange<'a>| -> Result<Self> {
            let now = trial.outcome(outcome)?.values.as_slice();
            Ok(Condition::Change { before: baseline_values(trial, outcome, baseline, rule)?, now, visits, judge })
        };
        let score = |outcome: &str, judge: JudgeScore<'a>| -> Result<Self> {
            Ok(Condition::Score { now: trial.outcome(outcome)?.values.as_slice(), visits, judge })
        };
        let diagnosis = |name: &str, at: Occasion, wanted: Diagnosis| -> Result<Self> {
            let at = match at {
                Occasion::Visit => None,
                Occasion::Baseline => Some(trial.schedule().baseline().ok_or_else(|| no_baseline(&rule.to_string()))?),
            };
            Ok(Condition::Diagnosis { values: trial.diagnosis(name)?.values.as_slice(), visits, at, wanted })
        };
        let parts = |rules: &'a [Rule]| rules.iter().map(|r| Condition::compile(r, trial, baseline)).collect::<Result<Vec<_>>>();
        match rule {
            Rule::PointDrop { outcome, at_least } => change(outcome, Box::new(move |before, now| known(before - now >= *at_least))),
            Rule::PointRise { outcome, at_least } => change(outcome, Box::new(move |before, now| known(now - before >= *at_least))),
            Rule::PercentDrop { outcome, at_least, floor } => {
                change(outcome, Box::new(move |before, now| percent_dropped(before - floor, before - now, *at_least)))
            }
            Rule::ReliableDrop { outcome, sd, reliability, z } => {
                let points = Rule::reliable_points(*sd, *reliability, *z);
                change(outcome, Box::new(move |before, now| known(before - now >= points)))
            }
            Rule::Below { outcome, score: x } => score(outcome, Box::new(move |now| now < *x)),
            Rule::AtMost { outcome, score: x } => score(outcome, Box::new(move |now| now <= *x)),
            Rule::AtLeast { outcome, score: x } => score(outcome, Box::new(move |now| now >= *x)),
            Rule::CovariateBelow { covariate, value } => {
                Ok(Condition::PerPatient { values: trial.patient_numbers(covariate)?, below: *value })
            }
            Rule::DiagnosisMet { diagnosis: name, at } => diagnosis(name, *at, Diagnosis::Met),
            Rule::DiagnosisNotMet { diagnosis: name, at } => diagnosis(name, *at, Diagnosis::NotMet),
            Rule::All(rules) => Ok(Condition::All(parts(rules)?)),
            Rule::Any(rules) => Ok(Condition::Any(parts(rules)?)),
        }
    }

    /// Whether it holds for patient `i` at visit `t`; `Unknown` where not observed.
    fn holds(&self, i: usize, t: usize) -> Diagnosis {
        match self {
            Condition::Change { before, now, visits, judge } => {
                let (before, now) = (before[i], now[i * visits + t]);
                if before.is_nan() || now.is_nan() { Diagnosis::Unknown } else { judge(before, now) }
            }
            Condition::Score { now, visits, judge } => {
                let now = now[i * visits + t];
                if now.is_nan() { Diagnosis::Unknown } else { known(judge(now)) }
            }
            Condition::PerPatient { values, .. } if values[i].is_nan() => Diagnosis::Unknown,
            Condition::PerPatient { values, below } => known(values[i] < *below),
            Condition::Diagnosis { values, visits, at, wanted } => match values[i * visits + at.unwrap_or(t)] {
                None | Some(Diagnosis::Unknown) => Diagnosis::Unknown,
                Some(found) => known(found == *wanted),
            },
            Condition::All(parts) => parts.iter().fold(Diagnosis::Met, |all, part| all.and(part.holds(i, t))),
            Condition::Any(parts) => parts.iter().fold(Diagnosis::NotMet, |any, part| any.or(part.holds(i, t))),
        }
    }
}

impl Condition<'_> {
    /// Whether everything that it looks at was observed of patient `i` at visit `t`.
    fn is_observed(&self, i: usize, t: usize) -> bool {
        match self {
            Condition::Change { before, now, visits, .. } => !before[i].is_nan() && !now[i * visits + t].is_nan(),
            Condition::Score { now, visits, .. } => !now[i * visits + t].is_nan(),
            Condition::PerPatient { values, .. } => !values[i].is_nan(),
            // A diagnosis that was assessed and left open counts as not observed.
            Condition::Diagnosis { .. } => self.holds(i, t) != Diagnosis::Unknown,
            Condition::All(parts) | Condition::Any(parts) => parts.iter().all(|part| part.is_observed(i, t)),
        }
    }
}

fn known(holds: bool) -> Diagnosis {
    if holds { Diagnosis::Met } else { Diagnosis::NotMet }
}

/// drop / from ≥ percent / 100 without the division, so that 20 of 40 is 50% exactly.
fn percent_dropped(from: f64, drop: f64, percent: f64) -> Diagnosis {
    if from <= 0.0 { Diagnosis::Unknown } else { known(100.0 * drop >= percent * from) }
}

fn baseline_values(trial: &Trial, outcome: &str, baseline: &BaselineFrom, rule: &Rule) -> Result<Vec<f64>> {
    match baseline {
        BaselineFrom::Covariate(name) => Ok(trial.patient_numbers(name)?.to_vec()),
        BaselineFrom::Visit => {
            let (values, visits) = (&trial.outcome(outcome)?.values, trial.schedule().len());
            let start = trial.schedule().baseline().ok_or_else(|| no_baseline(&rule.to_string()))?;
            Ok((0..trial.patients().len()).map(|i| values[i * visits + start]).collect())
        }
    }
}

impl Responders {
    /// The status of a patient at an evaluated visit.
    pub fn status(&self, patient: usize, visit: usize) -> Status {
        self.statuses[patient * self.visits.len() + visit]
    }

    /// What the patients of `arm` are at `visit` with every value carried forward.
    pub(super) fn carried_of_arm(&self, arm: usize, visit: usize) -> impl Iterator<Item = Status> + '_ {
        let own = self.arm_of.iter().enumerate().filter(move |&(_, &a)| a == arm);
        own.filter_map(move |(i, _)| self.carried.get(i * self.visits.len() + visit).copied())
    }

    /// The statuses of the patients of `arm` at `visit`.
    pub(super) fn of_arm(&self, arm: usize, visit: usize) -> impl Iterator<Item = Status> + '_ {
        self.arm_of.iter().enumerate().filter(move |&(_, &a)| a == arm).map(move |(i, _)| self.status(i, visit))
    }
}

impl Tabular for Responders {
    fn title(&self) -> String {
        format!("{}, by patient", self.definition.label)
    }

    fn columns(&self) -> Vec<Column> {
        let visits = self.visits.len();
        let rows = 0..self.statuses.len();
        let patient = |r: usize| r / visits;
        vec![
            Column::text("patient", "Patient", rows.clone().map(|r| self.patients[patient(r)].clone())),
            Column::text("arm", "Arm", rows.clone().map(|r| self.arms[self.arm_of[patient(r)]].clone())),
            Column::text("visit", "Visit", rows.clone().map(|r| self.visits[r % visits].clone())),
            Column::text("status", "Status", rows.map(|r| self.statuses[r].words())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![self.definition.note()]
    }
}

display_as_table!(Responders);
