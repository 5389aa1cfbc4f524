//! A trial made of chosen patients of another: for the bootstrap and the jackknife.

use super::values::rows_of;
use super::*;
use std::collections::HashSet;

impl Trial {
    /// The trial whose patients are those at the positions `patients` of this one, in that order; a patient may be
    /// chosen more than once.
    ///
    /// The second and later copies of a patient are patients of their own, with `#2`, `#3`, … after the identifier.
    /// Arms, schedule and levels stay as they are.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a position beyond the patients there are, and where an arm would be left without
    /// patients.
    ///
    /// ```
    /// use trialstats::trial::{Schedule, Trial};
    ///
    /// let trial = Trial::builder("two invented patients")
    ///     .patients(["a", "b"])
    ///     .arms(["only"], vec![0, 0])
    ///     .schedule(Schedule::of_labels(["baseline"]))
    ///     .build()?;
    /// assert_eq!(trial.resample(&[1, 1])?.patients(), ["b", "b#2"]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn resample(&self, patients: &[usize]) -> Result<Trial> {
        let part = self.part(patients)?;
        if let Some(empty) = part.randomized().iter().position(|&n| n == 0) {
            return Err(Error::no_data(
                "resampling patients",
                format!("arm `{}` would have no patients", self.arms[empty]),
                "choose at least one patient of every arm",
            ));
        }
        Ok(part)
    }

    /// Some of the patients, as one file of several or one site of several would have them: [`Trial::resample`],
    /// but an arm may be left without patients.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a position beyond the patients there are.
    pub fn part(&self, patients: &[usize]) -> Result<Trial> {
        if let Some(beyond) = patients.iter().find(|&&i| i >= self.patients.len()) {
            return Err(Error::no_position(
                "choosing patients",
                format!("there is no patient at position {beyond} of {}", self.patients.len()),
                "choose positions from 0 to the number of patients less one",
            ));
        }
        let arm_of: Vec<usize> = patients.iter().map(|&i| self.arm_of[i]).collect();
        let visits = self.schedule.len();
        let outcome = |o: &Outcome| Outcome { values: rows_of(&o.values, patients, visits), ..o.clone() };
        let diagnosis = |d: &DiagnosisSeries| DiagnosisSeries { name: d.name.clone(), values: rows_of(&d.values, patients, visits) };
        Ok(Trial {
            source: self.source.clone(),
            columns: self.columns.clone(),
            patients: self.new_identifiers(patients).into(),
            arms: self.arms.clone(),
            arm_of,
            schedule: self.schedule.clone(),
            outcomes: self.outcomes.iter().map(outcome).collect(),
            diagnoses: self.diagnoses.iter().map(diagnosis).collect(),
            variables: self.variables.iter().map(|v| v.of_patients(patients, visits)).collect(),
            inferred: self.inferred.clone(),
            warnings: self.warnings.clone(),
            left_out: self.left_out.clone(),
            file: self.file.clone(),
        })
    }

    fn new_identifiers(&self, patients: &[usize]) -> Vec<String> {
        let mut taken: HashSet<String> = self.patients.iter().cloned().collect();
        let mut copies = vec![0_usize; self.patients.len()];
        patients
            .iter()
            .map(|&i| {
                copies[i] += 1;
                if copies[i] == 1 {
                    return self.patients[i].clone();
                }
                loop {
                    let name = format!("{}#{}", self.patients[i], copies[i]);
                    if taken.insert(name.clone()) {
                        return name;
                    }
                    copies[i] += 1;
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial() -> Trial {
        Trial::builder("three invented patients")
            .patients(["a", "b", "b#2"])
            .arms(["x", "y"], vec![0, 1, 1])
            .schedule(Schedule::of_labels(["one", "two"]))
            .outcome(Outcome { name: "o".into(), label: "o".into(), range: None, values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] })
            .variable(Variable::number("age", vec![10.0, 20.0, 30.0]))
            .variable(Variable::cluster("site", ["s"], vec![None, Some(0), None]))
            .variable(Variable::cluster_by_visit("therapist", ["t", "u"], vec![None, Some(0), Some(1), Some(0), None, None]))
            .build()
            .unwrap()
    }

    #[test]
    fn everything_of_a_patient_moves_with_them() {
        let resampled = trial().resample(&[1, 0, 1]).unwrap();
        // `b#2` is a patient of the trial already, so the copy of `b` is the third of its name.
        assert_eq!(resampled.patients(), ["b", "a", "b#3"]);
        assert_eq!(resampled.arm_of(), [1, 0, 1]);
        assert_eq!(resampled.outcomes()[0].values, [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        let codes = |name: &str| resampled.cluster(name).unwrap().codes().unwrap();
        assert_eq!(codes("site"), [Some(0), None, Some(0)]);
        assert_eq!(codes("therapist"), [Some(1), Some(0), None, Some(0), Some(1), Some(0)]);
        assert_eq!(resampled.covariate("age").unwrap().numbers(), Some(&[20.0, 10.0, 20.0][..]));
    }

    #[test]
    fn positions_beyond_the_trial_and_emptied_arms_are_refused() {
        assert_eq!(trial().resample(&[0, 3]).unwrap_err().code(), "no-such-position");
        assert!(trial().resample(&[0, 0]).unwrap_err().to_string().contains("arm `y` would have no patients"));
    }
}
