//! Assembling a [`Trial`] from parts, with every length and index checked.

use super::*;
use crate::error::{Problem, Problems, shown};
use crate::options::Choices;
use crate::table::{agreeing, counted};

/// Collects the parts of a [`Trial`]; [`TrialBuilder::build`] checks that they fit together.
#[derive(Debug, Clone)]
pub struct TrialBuilder {
    trial: Trial,
    part: bool,
}

impl TrialBuilder {
    pub(super) fn new(source: impl Into<String>) -> Self {
        Self {
            trial: Trial {
                source: source.into(),
                columns: ColumnNames::default(),
                patients: Identifiers::default(),
                arms: vec![],
                arm_of: vec![],
                schedule: Schedule::default(),
                outcomes: vec![],
                diagnoses: vec![],
                variables: vec![],
                inferred: vec![],
                warnings: vec![],
                left_out: vec![],
                file: None,
            },
            part: false,
        }
    }

    /// What the columns of patient, arm and visit were called.
    pub fn column_names(mut self, columns: ColumnNames) -> Self {
        self.trial.columns = columns;
        self
    }

    /// Patient identifiers, one per patient.
    pub fn patients<S: Into<String>>(mut self, patients: impl IntoIterator<Item = S>) -> Self {
        self.trial.patients = patients.into_iter().map(Into::into).collect::<Vec<String>>().into();
        self
    }

    /// Arms (the reference first) and the arm of each patient.
    pub fn arms<S: Into<String>>(mut self, arms: impl IntoIterator<Item = S>, arm_of: Vec<usize>) -> Self {
        self.trial.arms = arms.into_iter().map(Into::into).collect();
        self.trial.arm_of = arm_of;
        self
    }

    /// The visit schedule.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.trial.schedule = schedule;
        self
    }

    /// Adds an outcome.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.trial.outcomes.push(outcome);
        self
    }

    /// Adds a diagnosis.
    pub fn diagnosis(mut self, diagnosis: DiagnosisSeries) -> Self {
        self.trial.diagnoses.push(diagnosis);
        self
    }

    /// Adds a covariate, cluster or weight.
    pub fn variable(mut self, variable: Variable) -> Self {
        self.trial.variables.push(variable);
        self
    }

    /// Adds covariates, clusters and weights.
    pub fn variables(mut self, variables: impl IntoIterator<Item = Variable>) -> Self {
        self.trial.variables.extend(variables);
        self
    }

    /// Records a decision taken without being told.
    pub fn inferred(mut self, sentence: impl Into<String>) -> Self {
        self.trial.inferred.push(sentence.into());
        self
    }

    /// Records what the trial was read from.
    pub(super) fn file(mut self, file: Option<FileFacts>) -> Self {
        self.trial.file = file;
        self
    }

    /// Records that something in the data looks like a mistake.
    pub(super) fn warning(mut self, warning: Warning) -> Self {
        self.trial.warnings.push(warning);
        self
    }

    /// Records what was left out before the trial was made.
    pub(super) fn left_out(mut self, left_out: Vec<LeftOut>) -> Self {
        self.trial.left_out = left_out;
        self
    }

    /// Whether these are some of a trial's patients, so that an arm may have none of them.
    pub(super) fn part(mut self, part: bool) -> Self {
        self.part = part;
        self
    }

    /// The trial, if its parts fit together.
    ///
    /// # Errors
    /// [`Error::Data`] lists every part whose length or index does not fit, duplicated identifiers and names, and
    /// arms without patients.
    pub fn build(self) -> Result<Trial> {
        let problems: Vec<Problem> = self
            .misfits()
            .into_iter()
            .map(|message| Problem { source: Some(self.trial.source.clone()), message: message.into(), ..Problem::default() })
            .collect();
        if problems.is_empty() { Ok(self.trial) } else { Err(Error::Data(Problems(problems))) }
    }

    fn misfits(&self) -> Vec<String> {
        let t = &self.trial;
        let (n, cells) = (t.patients.len(), t.patients.len() * t.schedule.len());
        let mut found = vec![];
        if n == 0 {
            found.push("the trial has no patients".to_string());
        }
        if t.schedule.is_empty() {
            found.push("the trial has no visits".into());
        }
        found.extend(duplicates("patient", &t.patients));
        found.extend(duplicates("arm", &t.arms));
        found.extend(duplicates("visit", &t.schedule.labels()));
        let mut length = |what: &str, name: &str, has: usize, needs: usize| {
            if has != needs {
                found.push(format!("{what} `{name}` has {} where {needs} {} needed", counted(has, "value"), agreeing(needs, "is", "are")));
            }
        };
        length("column", &t.columns.arm, t.arm_of.len(), n);
        t.outcomes.iter().for_each(|o| length("outcome", &o.name, o.values.len(), cells));
        t.diagnoses.iter().for_each(|d| length("diagnosis", &d.name, d.values.len(), cells));
        found.extend(t.variables.iter().flat_map(|v| v.misfits(n, t.schedule.len())));
        if t.arm_of.iter().any(|&a| a >= t.arms.len()) {
            found.push(format!("a patient's arm is not among the {} declared", t.arms.len()));
        } else if !self.part {
            let empty = t.randomized().into_iter().zip(&t.arms).filter(|(n, _)| *n == 0);
            found.extend(
                empty.map(|(_, arm)| format!("arm `{}` has no patients; leave it out of the declared arms or check the data", shown(arm))),
            );
        }
        let outcomes: Vec<&str> = t.outcomes.iter().map(|o| o.name.as_str()).collect();
        found.extend(duplicates("outcome", &outcomes));
        for role in [Role::Covariate, Role::Weight, Role::Cluster] {
            found.extend(duplicates(role.name(), &names(t.in_role(role))));
        }
        let also_outcome = |v: &&Variable| v.role() != Role::Cluster && outcomes.contains(&v.name());
        found.extend(t.variables.iter().filter(also_outcome).map(|v| format!("`{}` is both an outcome and a {}", v.name(), v.role())));
        found
    }
}

pub(super) fn duplicates<S: AsRef<str>>(what: &str, names: &[S]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    names.iter().map(AsRef::as_ref).filter(|n| !seen.insert(*n)).map(|n| format!("{what} `{}` is there more than once", shown(n))).collect()
}
