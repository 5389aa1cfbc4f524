//! A run of successive patients as a trial, for what goes over many patients piece by piece.

use super::*;
use std::ops::Range;

impl Trial {
    /// The patients at successive positions of this trial, which there must be. Arms, schedule and levels stay as they are, an
    /// arm may be left without patients, and diagnoses are left out.
    pub(crate) fn piece(&self, patients: Range<usize>) -> Trial {
        let visits = self.schedule.len();
        let rows = patients.start * visits..patients.end * visits;
        let outcome =
            |o: &Outcome| Outcome { values: o.values[rows.clone()].to_vec(), name: o.name.clone(), label: o.label.clone(), range: o.range };
        Trial {
            source: self.source.clone(),
            columns: self.columns.clone(),
            patients: self.patients.part(patients.clone()),
            arms: self.arms.clone(),
            arm_of: self.arm_of[patients.clone()].to_vec(),
            schedule: self.schedule.clone(),
            outcomes: self.outcomes.iter().map(outcome).collect(),
            diagnoses: vec![],
            variables: self.variables.iter().map(|v| v.piece(patients.clone(), visits)).collect(),
            inferred: self.inferred.clone(),
            warnings: self.warnings.clone(),
            left_out: self.left_out.clone(),
            file: self.file.clone(),
        }
    }
}
