//! A trial with other values of an outcome: for simulation, the bootstrap and imputation.

use super::*;
use crate::table::{agreeing, counted};

impl Trial {
    /// The trial with other values of an outcome, patient by patient, one a scheduled visit, NaN where not observed.
    /// All else stays.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that the trial does not have, [`Error::Invalid`] where the number of values
    /// is not patients × visits.
    ///
    /// ```
    /// use trialstats::trial::{Outcome, Schedule, Trial};
    ///
    /// let outcome = Outcome { name: "y".into(), label: "y".into(), range: None, values: vec![1.0, 2.0] };
    /// let trial = Trial::builder("one invented patient")
    ///     .patients(["a"])
    ///     .arms(["only"], vec![0])
    ///     .schedule(Schedule::of_labels(["before", "after"]))
    ///     .outcome(outcome)
    ///     .build()?;
    /// assert_eq!(trial.with_outcome("y", vec![1.0, 0.5])?.outcome("y")?.values, [1.0, 0.5]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn with_outcome(&self, name: &str, values: Vec<f64>) -> Result<Trial> {
        let needed = self.patients.len() * self.schedule.len();
        if values.len() != needed {
            return Err(Error::wrong_number(
                format!("replacing outcome `{name}`"),
                format!(
                    "{} {} given for {}",
                    counted(values.len(), "value"),
                    agreeing(values.len(), "was", "were"),
                    counted(needed, "visit of patients")
                ),
                "give one value per patient and scheduled visit, NaN where not observed",
            ));
        }
        self.outcome(name)?;
        let mut trial = self.clone();
        trial.outcomes.iter_mut().filter(|o| o.name == name).for_each(|o| o.values.clone_from(&values));
        Ok(trial)
    }

    /// The trial with an outcome in place of the variables of its name.
    pub(crate) fn with_outcome_of_variable(&self, outcome: Outcome) -> Trial {
        let mut trial = self.clone();
        trial.variables.retain(|variable| variable.name() != outcome.name);
        trial.outcomes.push(outcome);
        trial
    }

    /// The trial with outcomes and diagnoses that were not observed after baseline as they were when last observed.
    pub(crate) fn carried_forward(&self) -> Trial {
        let (visits, baseline) = (self.schedule.len(), self.schedule.baseline());
        let mut trial = self.clone();
        for patient in 0..self.patients.len() {
            for visit in (1..visits).filter(|&t| baseline.is_none_or(|b| t > b)) {
                let (before, now) = (patient * visits + visit - 1, patient * visits + visit);
                for outcome in &mut trial.outcomes {
                    if outcome.values[now].is_nan() {
                        outcome.values[now] = outcome.values[before];
                    }
                }
                for diagnosis in &mut trial.diagnoses {
                    if matches!(diagnosis.values[now], None | Some(Diagnosis::Unknown)) {
                        diagnosis.values[now] = diagnosis.values[before];
                    }
                }
            }
        }
        trial
    }

    /// The trial with one more variable, whose name it does not have yet.
    pub(crate) fn with_variable(&self, variable: Variable) -> Trial {
        let mut trial = self.clone();
        trial.variables.push(variable);
        trial
    }
}
