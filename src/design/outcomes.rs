//! Other outcomes in the rows of a design, in cells that were not observed as well.

use super::*;
use crate::table::counted;
use crate::trial::Outcome;
use std::sync::Arc;

impl Design {
    /// The design with other outcomes: n × T, patient by patient as [`Rows::outcomes`] has them, NaN where not observed.
    /// Cells that were observed may be missing, and cells that were not may have an outcome. Columns, levels and
    /// groups stay as they are, and so does the account of what the data left out.
    ///
    /// ```
    /// use trialstats::design::{Design, DesignOptions, MeanModel};
    /// use trialstats::trial::{Outcome, Schedule, Trial};
    ///
    /// let values = vec![1.0, 2.0, 3.0, f64::NAN, 5.0, 7.0];
    /// let trial = Trial::builder("made up").patients(["1", "2", "3"]).arms(["P", "T"], vec![0, 1, 1])
    ///     .schedule(Schedule::of_labels(["v1", "v2"])).outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values }).build()?;
    /// let design = Design::build(&trial, &MeanModel::parse("y ~ arm * visit")?, &DesignOptions::default())?;
    /// let mut outcomes = design.rows().outcomes().to_vec();
    /// outcomes[3] = 4.0;
    /// let completed = design.with_outcomes(&outcomes)?;
    /// assert_eq!((design.n_observations(), completed.n_observations()), (5, 6));
    /// assert_eq!(completed.model_matrix()[3].2, [1.0, 1.0, 1.0, 1.0]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Rows::with_outcomes`].
    pub fn with_outcomes(&self, outcomes: &[f64]) -> Result<Design> {
        let rows = self.rows.with_outcomes(&self.columns, outcomes)?;
        Ok(self.with_rows(rows))
    }

    /// The design with every patient of the trial of whom anything could be analysed, observed or not: those without
    /// an outcome stand between the others, in the order of the trial, with NaN for all outcomes. For
    /// [`Design::with_outcomes`] to complete.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a cluster-robust covariance has clusters above patients, which are not known of
    /// patients without an outcome.
    pub fn of_everyone(&self) -> Result<Design> {
        let rows = self.rows.of_everyone(&self.columns)?;
        Ok(self.with_rows(rows))
    }

    /// The design with other outcomes in the cells that were observed, which nobody has to check again.
    pub(crate) fn with_outcomes_in_place(&self, outcomes: Vec<f64>) -> Design {
        let rows = Rows { y: outcomes, ..(*self.rows).clone() };
        Design { rows: rows.into(), ..self.clone() }
    }

    /// The design with the outcomes as they were observed, before a function or an offset of the model.
    pub(super) fn with_outcomes_as_observed(mut self, outcome: &Outcome, scheduled: usize) -> Design {
        let visits = &self.columns.visits;
        let observed: Vec<f64> =
            self.rows.patients.iter().flat_map(|i| visits.iter().map(move |t| outcome.values[i * scheduled + t])).collect();
        let rows = Arc::make_mut(&mut self.rows);
        rows.y.iter_mut().zip(observed).filter(|(y, _)| !y.is_nan()).for_each(|(y, observed)| *y = observed);
        Arc::make_mut(&mut self.columns).outcome = outcome.name.clone();
        self
    }

    /// The same with other rows of the same columns and the same trial.
    pub(super) fn with_rows(&self, rows: Rows) -> Design {
        let known = &self.account.tally;
        let sums: Vec<f64> = known.numbers.iter().map(|n| n.planned).collect();
        let tally = Tally::with_planned(&self.columns, &rows, known.planned.clone(), &sums);
        let account = Account { tally, gram: None, ..(*self.account).clone() };
        Design { columns: self.columns.clone(), rows: rows.into(), account: account.into() }
    }
}

impl Rows {
    /// The rows with other outcomes: n × T, NaN where not observed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another number of outcomes or one that is infinite; [`Error::Missing`] for an outcome in
    /// a cell that was not observed, where a variable of the model is missing, the covariance group is not known or
    /// the weight not positive.
    pub fn with_outcomes(&self, columns: &Columns, outcomes: &[f64]) -> Result<Rows> {
        self.check_outcomes(columns, outcomes)?;
        let mut rows = self.clone();
        rows.y.copy_from_slice(outcomes);
        if (0..outcomes.len()).any(|at| outcomes[at].is_nan() != self.y[at].is_nan()) {
            rows.see(columns);
        }
        Ok(rows)
    }

    fn check_outcomes(&self, columns: &Columns, outcomes: &[f64]) -> Result<()> {
        let visits = columns.visits.len();
        if outcomes.len() != self.y.len() {
            return Err(Error::wrong_number(
                "other outcomes",
                format!(
                    "the number of values is {}, and the design has {} × {}",
                    outcomes.len(),
                    counted(self.patients.len(), "patient"),
                    counted(visits, "visit")
                ),
                "give one value per patient and visit, NaN where not observed",
            ));
        }
        let cell = |at: usize| (&self.known.patients[self.patients[at / visits]], &columns.visit_labels[at % visits]);
        if let Some(at) = outcomes.iter().position(|y| y.is_infinite()) {
            let (patient, visit) = cell(at);
            return Err(Error::not_finite(
                format!("the outcome of patient `{patient}` at {visit}"),
                format!("it is {}", outcomes[at]),
                "give a finite value, or NaN where not observed",
            ));
        }
        for at in (0..outcomes.len()).filter(|&at| self.y[at].is_nan() && !outcomes[at].is_nan()) {
            if let Some(lack) = self.known.lack(self.patients[at / visits], at % visits) {
                let ((patient, visit), (variable, why)) = (cell(at), self.known.words(lack, columns));
                return Err(Error::Missing { variable, patient: patient.clone(), visit: visit.clone(), why });
            }
        }
        Ok(())
    }

    /// Takes from what is known what belongs to the cells that are observed.
    fn see(&mut self, columns: &Columns) {
        let (visits, known, y) = (columns.visits.len(), &self.known, &self.y);
        let seen = |at: usize, t: usize| !y[at * visits + t].is_nan();
        for (at, (own, &patient)) in self.z.chunks_exact_mut(self.width.max(1)).zip(&self.patients).enumerate() {
            own.iter_mut().zip(known.values(patient, &columns.products, |t| seen(at, t))).for_each(|(z, value)| *z = value);
        }
        if let (Some(own), Some(all)) = (&mut self.weights, &known.weights) {
            for (at, (own, &patient)) in own.chunks_exact_mut(visits.max(1)).zip(&self.patients).enumerate() {
                let weight = |t: usize| if seen(at, t) { all[patient * visits + t] } else { 1.0 };
                own.iter_mut().enumerate().for_each(|(t, w)| *w = weight(t));
            }
        }
        self.random = known.random.iter().map(|random| random.term(&self.patients, seen)).collect();
    }

    /// The rows of every patient of the trial of whom anything could be analysed, observed or not.
    fn of_everyone(&self, columns: &Columns) -> Result<Rows> {
        let (visits, known) = (columns.visits.len(), &self.known);
        if self.clusters.as_ref().is_some_and(PatientClusters::above_patients) {
            return Err(Error::not_built(
                "the patients without an outcome",
                "the cluster-robust covariance has clusters above patients, and theirs are not known",
                "use patients as clusters, or the model-based covariance",
            ));
        }
        let could = |patient: &usize| (0..visits).any(|t| known.lack(*patient, t).is_none());
        let patients: Vec<usize> = (0..known.patients.len()).filter(could).collect();
        let mut y = vec![f64::NAN; patients.len() * visits];
        for (own, patient) in y.chunks_exact_mut(visits.max(1)).zip(&patients) {
            if let Ok(at) = self.patients.binary_search(patient) {
                own.copy_from_slice(&self.y[at * visits..(at + 1) * visits]);
            }
        }
        let mut rows = Rows {
            width: self.width,
            z: vec![0.0; patients.len() * self.width],
            weights: self.weights.as_ref().map(|_| vec![1.0; y.len()]),
            y,
            group_of: patients.iter().map(|&i| known.group_of(i)).collect(),
            arm_of: patients.iter().map(|&i| known.arm_of[i]).collect(),
            random: vec![],
            clusters: self.clusters.as_ref().map(|c| c.of_patients(patients.len())),
            known: known.clone(),
            patients,
        };
        rows.see(columns);
        Ok(rows)
    }
}
