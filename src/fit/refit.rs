//! Fitting the same design again: with other outcomes, or with patients counted more or less often.
//!
//! What does not change (patterns, Σ zz', the plan of an iteration, all room) is kept, and every search begins at the
//! optimum of the fit that it repeats, whatever was fitted in between: results do not depend on the order, nor on
//! which thread makes them.

use super::build::observed_rows;
use super::data::Data;
use super::newton::{self, Convergence, Search, Steps};
use super::optimum::{Fitted, convergence, of_the_mean};
use super::problem::{Point, Problem};
use super::verify::Labels;
use super::{Failure, start};
use crate::design::Design;
use nalgebra::DMatrix;

/// The decrement that a repeat may leave: its optimum is exact to 1e-9 standard errors.
const LEFT: f64 = 1e-18;

/// A problem whose data can be replaced, and a search that can be repeated.
#[derive(Debug, Clone)]
pub(crate) struct Refit {
    problem: Problem,
    search: Search,
    labels: Labels,
    patients: Vec<Patient>,
    /// z of every patient, as the problem has it.
    z: Vec<f64>,
    values: usize,
    /// y − Xβ₀ of every analysed observation, scaled by √w: the outcomes that the fit had.
    y: Vec<f64>,
    /// Where each analysed observation stands in a patients × visits table, what is taken from it, and √w.
    observations: Vec<Observation>,
    /// The covariance parameters of the fit that is repeated.
    theta: Vec<f64>,
    correction: DMatrix<f64>,
    steps: Option<Steps>,
}

#[derive(Debug, Clone, Copy)]
struct Observation {
    at: usize,
    expected: f64,
    root: f64,
}

#[derive(Debug, Clone, Copy)]
struct Patient {
    /// The position in the design.
    patient: usize,
    pattern: usize,
    /// The position among the problem's patients, where they are kept one by one.
    position: usize,
    /// The patient's first observation and the one past the last.
    observations: (usize, usize),
    /// Σ log w.
    log_weights: f64,
}

impl Refit {
    /// Ready to repeat a fit of this design.
    pub fn new(design: &Design, fitted: &Fitted) -> Self {
        let problem = fitted.problem.clone();
        let derivatives = problem.derivatives(&fitted.point.theta);
        let (_, mut slopes) = problem.exact_curvature(fitted.whole_point(), &derivatives);
        let mut correction = DMatrix::zeros(fitted.point.theta.len(), fitted.point.theta.len());
        problem.set_correction(fitted.whole_point(), &mut slopes, &mut correction);
        let mut refit = Self {
            search: Search::new(&problem, fitted.whole_point().clone()),
            labels: fitted.labels.clone(),
            patients: vec![],
            z: vec![],
            values: 0,
            y: vec![],
            observations: vec![],
            theta: fitted.point.theta.clone(),
            correction,
            steps: None,
            problem,
        };
        refit.search.end_at(LEFT);
        refit.read(design, fitted);
        refit
    }

    /// The same, as exact as a fit.
    pub fn exact(mut self) -> Self {
        self.search.end_at(newton::LEFT);
        self
    }

    fn read(&mut self, design: &Design, fitted: &Fitted) {
        let visits = design.columns.visits.len();
        let values = fitted.centring.values(design);
        let rows = observed_rows(design, &values, &self.problem.rows, &fitted.origin);
        self.values = rows.values;
        let mut filled = vec![0; self.problem.patterns.len()];
        for patient in 0..design.rows.patients.len() {
            let seen: Vec<usize> = (0..visits).filter(|t| !design.rows.y[patient * visits + t].is_nan()).collect();
            let pattern = self.problem.pattern_of(design.rows.group_of[patient], fitted.class_of.get(patient).copied().unwrap_or(0), &seen);
            // The patterns were made from these patients.
            let Some(pattern) = pattern else { continue };
            let first = self.observations.len();
            let mut log_weights = 0.0;
            for (&t, scaled) in seen.iter().zip(rows.y(patient)) {
                let at = patient * visits + t;
                let weight = design.rows.weights.as_ref().map_or(1.0, |w| w[at]);
                log_weights += weight.ln();
                self.observations.push(Observation { at, expected: design.rows.y[at] - scaled / weight.sqrt(), root: weight.sqrt() });
                self.y.push(*scaled);
            }
            let position = match &self.problem.data {
                Data::Sums(_) => 0,
                Data::Patients(own) => own.patients(pattern).start + filled[pattern],
            };
            filled[pattern] += 1;
            self.patients.push(Patient { patient, pattern, position, observations: (first, self.observations.len()), log_weights });
        }
        self.z = rows.z;
    }

    /// Fits with these outcomes, one per patient and visit as the design has them; those that were not analysed are
    /// not read.
    pub fn with_outcomes(&mut self, outcomes: &[f64]) -> Result<(), Failure> {
        for (y, observation) in self.y.iter_mut().zip(&self.observations) {
            *y = observation.root * (outcomes[observation.at] - observation.expected);
        }
        match &mut self.problem.data {
            Data::Sums(sums) => {
                sums.clear_outcome();
                for (patient, z) in self.patients.iter().zip(self.z.chunks_exact(self.values)) {
                    sums.add_outcome(patient.pattern, z, &self.y[patient.observations.0..patient.observations.1], 1.0);
                }
                sums.complete_outcome(&self.problem.patterns);
            }
            Data::Patients(own) => {
                for patient in &self.patients {
                    own.set(patient.pattern, patient.position, &self.y[patient.observations.0..patient.observations.1], 1.0);
                }
            }
        }
        if let Some(cells) = self.problem.clusters.as_mut().and_then(|c| c.cells.as_mut()) {
            cells.clear_outcome();
            for patient in &self.patients {
                cells.add_outcome(patient.patient, &self.y[patient.observations.0..patient.observations.1], 1.0);
            }
        }
        self.search()
    }

    /// Fits with every patient of the design counted so many times.
    pub fn with_multiplicities(&mut self, times: &[u32]) -> Result<(), Failure> {
        self.problem.patterns.iter_mut().for_each(|p| p.patients = 0.0);
        self.problem.log_weights = 0.0;
        if let Data::Sums(sums) = &mut self.problem.data {
            sums.clear();
        }
        if let Some(cells) = self.problem.clusters.as_mut().and_then(|c| c.cells.as_mut()) {
            cells.clear();
        }
        for ((patient, z), &times) in self.patients.iter().zip(self.z.chunks_exact(self.values)).zip(times) {
            let (times, y) = (f64::from(times), &self.y[patient.observations.0..patient.observations.1]);
            self.problem.patterns[patient.pattern].patients += times;
            self.problem.log_weights += times * patient.log_weights;
            match &mut self.problem.data {
                Data::Sums(_) if times == 0.0 => {}
                Data::Sums(sums) => {
                    sums.add_values(patient.pattern, z, times);
                    sums.add_outcome(patient.pattern, z, y, times);
                }
                Data::Patients(own) => own.set(patient.pattern, patient.position, y, times),
            }
            if let Some(cells) = self.problem.clusters.as_mut().and_then(|c| c.cells.as_mut()) {
                cells.add_values(patient.patient, &self.problem.rows, &self.problem.patterns[patient.pattern].visits, z, times);
                cells.add_outcome(patient.patient, y, times);
            }
        }
        if let Data::Sums(sums) = &mut self.problem.data {
            sums.complete(&self.problem.patterns);
        }
        self.search()
    }

    /// Searches from the optimum of the fit that is repeated; from a start of its own where that leads nowhere.
    fn search(&mut self) -> Result<(), Failure> {
        self.steps = None;
        let (columns, observations) = (self.problem.columns, self.problem.observations());
        if observations <= columns as f64 {
            return Err(Failure::TooFewObservations { observations: observations as usize, columns });
        }
        let warm = self.search.restart(&self.problem, &self.theta, Some(&self.correction));
        let mut steps = if warm { self.search.minimise(&self.problem, &self.labels) } else { Err(Failure::NoStart) };
        if steps.is_err() {
            let start = start::start(&self.problem)?;
            self.search.restart(&self.problem, &start.theta, None);
            steps = self.search.minimise(&self.problem, &self.labels);
        }
        self.steps = Some(steps?);
        Ok(())
    }

    /// The optimum found last.
    pub fn point(&self) -> &Point {
        &self.search.point
    }

    /// What was found last, as a fit would have it.
    pub fn fitted(&self, original: &Fitted) -> Fitted {
        let steps = self.steps.unwrap_or(Steps { iterations: 0, evaluations: 0, decrement: f64::NAN });
        let (point, penalised) = of_the_mean(&self.problem, self.search.point.clone());
        Fitted {
            problem: self.problem.clone(),
            moments: None,
            point,
            penalised,
            eta: self.search.eta.clone(),
            convergence: self.convergence(steps),
            ..original.clone()
        }
    }

    fn convergence(&self, steps: Steps) -> Convergence {
        convergence(&self.problem, &self.search, &self.labels, steps)
    }
}
