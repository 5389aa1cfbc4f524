//! Replacing the data of a likelihood, in place.

use super::clusters::WithEffects;
use super::data::Data;
use super::problem::Problem;
use super::refit::{Patient, Replaceable};

impl Replaceable for Problem {
    fn clear_outcomes(&mut self) {
        if let Data::Sums(sums) = &mut self.data {
            sums.clear_outcome();
        }
    }

    fn set_outcome(&mut self, patient: &Patient, z: &[f64], y: &[f64]) {
        match &mut self.data {
            Data::Sums(sums) => sums.add_outcome(patient.pattern, z, y, 1.0),
            Data::Patients(own) => own.set(patient.pattern, patient.position, y, 1.0),
        }
    }

    fn complete_outcomes(&mut self) {
        if let Data::Sums(sums) = &mut self.data {
            sums.complete_outcome(&self.patterns);
        }
    }

    fn clear_patients(&mut self) {
        self.patterns.iter_mut().for_each(|p| p.patients = 0.0);
        self.log_weights = 0.0;
        if let Data::Sums(sums) = &mut self.data {
            sums.clear();
        }
    }

    fn set_times(&mut self, patient: &Patient, z: &[f64], y: &[f64], times: f64) {
        self.patterns[patient.pattern].patients += times;
        self.log_weights += times * patient.log_weights;
        match &mut self.data {
            Data::Sums(_) if times == 0.0 => {}
            Data::Sums(sums) => {
                sums.add_values(patient.pattern, z, times);
                sums.add_outcome(patient.pattern, z, y, times);
            }
            Data::Patients(own) => own.set(patient.pattern, patient.position, y, times),
        }
    }

    fn complete_patients(&mut self) {
        if let Data::Sums(sums) = &mut self.data {
            sums.complete(&self.patterns);
        }
    }
}

impl Replaceable for WithEffects {
    fn clear_outcomes(&mut self) {
        self.within.clear_outcomes();
        self.cells.clear_outcome();
    }

    fn set_outcome(&mut self, patient: &Patient, z: &[f64], y: &[f64]) {
        self.within.set_outcome(patient, z, y);
        self.cells.add_outcome(patient.patient, y, 1.0);
    }

    fn complete_outcomes(&mut self) {
        self.within.complete_outcomes();
    }

    fn clear_patients(&mut self) {
        self.within.clear_patients();
        self.cells.clear();
    }

    fn set_times(&mut self, patient: &Patient, z: &[f64], y: &[f64], times: f64) {
        self.within.set_times(patient, z, y, times);
        self.cells.add_values(patient.patient, &self.within.rows, &self.within.patterns[patient.pattern].visits, z, times);
        self.cells.add_outcome(patient.patient, y, times);
    }

    fn complete_patients(&mut self) {
        self.within.complete_patients();
    }
}
