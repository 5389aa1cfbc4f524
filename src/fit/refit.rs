//! Fitting the same design again: with other outcomes, or with patients counted more or less often.
//!
//! What does not change (patterns, Σ zz', the plan of an iteration, all room) is kept, and every search begins at the
//! optimum of the fit that it repeats, whatever was fitted in between: results do not depend on the order, nor on
//! which thread makes them.

use super::build::observed_rows;
use super::centring::Centring;
use super::found::{Found, SecondOrder};
use super::likelihood::Likelihood;
use super::optimum::{Fitting, Optimum};
use super::search::{self, Search, Steps};
use super::{Failure, start};
use crate::design::Design;
use nalgebra::DMatrix;
use std::fmt::Debug;

/// The decrement that a repeat may leave, as it is foreseen; with a correction that is learnt on the way it may be ten times
/// that. Its optimum is exact to 1e-9 standard errors.
pub(super) const LEFT: f64 = 1e-19;

/// A likelihood whose data can be replaced.
pub(crate) trait Replaceable: Likelihood {
    /// Forgets all outcomes: [`Replaceable::set_outcome`] gives every patient's, [`Replaceable::complete_outcomes`] ends.
    fn clear_outcomes(&mut self);

    /// y − Xβ₀ of a patient with the values z, scaled by √w.
    fn set_outcome(&mut self, patient: &Patient, z: &[f64], y: &[f64]);

    /// After the outcomes of all patients.
    fn complete_outcomes(&mut self);

    /// Forgets all patients: [`Replaceable::set_times`] says how often each counts, [`Replaceable::complete_patients`]
    /// ends.
    fn clear_patients(&mut self);

    /// Counts a patient so many times.
    fn set_times(&mut self, patient: &Patient, z: &[f64], y: &[f64], times: f64);

    /// After all patients.
    fn complete_patients(&mut self);
}

/// A patient as the data of a likelihood know them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patient {
    /// The position in the design.
    pub patient: usize,
    pub pattern: usize,
    /// The position among the problem's patients, where they are kept one by one.
    pub position: usize,
    /// The patient's first observation and the one past the last.
    observations: (usize, usize),
    /// Σ log w.
    pub log_weights: f64,
}

/// Fits the same model to other data, again and again.
pub(crate) trait Repeat: Debug + Send + Sync {
    /// Fits with these outcomes, one per patient and visit as the design has them; those that were not analysed are
    /// not read.
    fn with_outcomes(&mut self, outcomes: &[f64]) -> Result<(), Failure>;

    /// Fits with every patient of the design counted so many times.
    fn with_multiplicities(&mut self, times: &[u32]) -> Result<(), Failure>;

    /// From now on finds optima as exact as those of fits.
    fn be_exact(&mut self);

    /// −2ℓ at the optimum found last.
    fn value(&self) -> f64;

    /// Its θ.
    fn theta(&self) -> &[f64];

    /// Writes its β of the fitted columns, as centred.
    fn set_beta(&self, beta: &mut [f64]);

    /// It as a fit would have it, in place of the optimum that is repeated.
    fn optimum(&self, original: &Optimum) -> Optimum;

    fn boxed(&self) -> Box<dyn Repeat>;
}

impl Clone for Box<dyn Repeat> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

/// A likelihood whose data are replaced, and a search that is repeated.
#[derive(Debug, Clone)]
pub(crate) struct Refit<L: SecondOrder> {
    likelihood: L,
    search: Search<L>,
    origin: Vec<f64>,
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
    /// What the whole Hessian over η has beyond its leading part there.
    correction: DMatrix<f64>,
    steps: Option<Steps>,
}

#[derive(Debug, Clone, Copy)]
struct Observation {
    at: usize,
    expected: f64,
    root: f64,
}

impl<L: SecondOrder> Refit<L> {
    /// Ready to repeat a fit of this design.
    pub fn new(design: &Design, found: &Found<L>, centring: &Centring) -> Self {
        let likelihood = found.likelihood.clone();
        let theta = L::mean(&found.point).theta.clone();
        let derivatives = likelihood.patterns().sigmas.derivatives(&theta);
        let (_, mut slopes) = likelihood.exact_curvature(&found.point, &derivatives);
        let mut correction = DMatrix::zeros(theta.len(), theta.len());
        likelihood.set_correction(&found.point, &mut slopes, &mut correction, &mut likelihood.workspace());
        let mut refit = Self {
            search: Search::new(&likelihood, found.point.clone()),
            origin: found.origin.clone(),
            patients: vec![],
            z: vec![],
            values: 0,
            y: vec![],
            observations: vec![],
            theta,
            correction,
            steps: None,
            likelihood,
        };
        refit.search.room.working.information(&refit.search.eta, &mut refit.correction);
        refit.search.end_at(LEFT);
        refit.read(design, centring);
        refit
    }

    fn read(&mut self, design: &Design, centring: &Centring) {
        let design = &*centring.applied(design);
        let (visits, problem) = (design.columns.visits.len(), self.likelihood.patterns());
        let rows = observed_rows(design, &problem.rows, &self.origin);
        self.values = rows.values;
        let mut filled = vec![0; problem.patterns.len()];
        for patient in 0..design.rows.patients.len() {
            let seen: Vec<usize> = (0..visits).filter(|t| !design.rows.y[patient * visits + t].is_nan()).collect();
            // The patterns were made from these patients.
            let Some(pattern) = problem.pattern_of(design.rows.group_of[patient], problem.sigmas.classes().of(patient), &seen) else {
                continue;
            };
            let first = self.observations.len();
            let mut log_weights = 0.0;
            for (&t, scaled) in seen.iter().zip(rows.y(patient)) {
                let at = patient * visits + t;
                let weight = design.rows.weights.as_ref().map_or(1.0, |w| w[at]);
                log_weights += weight.ln();
                self.observations.push(Observation { at, expected: design.rows.y[at] - scaled / weight.sqrt(), root: weight.sqrt() });
                self.y.push(*scaled);
            }
            let position = problem.data.position(pattern, filled[pattern]);
            filled[pattern] += 1;
            self.patients.push(Patient { patient, pattern, position, observations: (first, self.observations.len()), log_weights });
        }
        self.z = rows.z;
    }

    /// Searches from the optimum of the fit that is repeated; from a start of its own where that leads nowhere.
    fn search(&mut self) -> Result<(), Failure> {
        self.steps = None;
        let (columns, observations) = (self.likelihood.patterns().columns, self.likelihood.patterns().observations());
        if observations <= columns as f64 {
            return Err(Failure::TooFewObservations { observations: observations as usize, columns });
        }
        let warm = self.search.restart(&self.likelihood, &self.theta, Some(&self.correction));
        let mut steps = if warm { self.search.minimise(&self.likelihood) } else { Err(Failure::NoStart) };
        if steps.is_err() {
            let start = start::start(&self.likelihood)?;
            self.search.restart(&self.likelihood, &L::mean(&start).theta, None);
            steps = self.search.minimise(&self.likelihood);
        }
        self.steps = Some(steps?);
        Ok(())
    }
}

impl<L: SecondOrder> Repeat for Refit<L> {
    fn with_outcomes(&mut self, outcomes: &[f64]) -> Result<(), Failure> {
        for (y, observation) in self.y.iter_mut().zip(&self.observations) {
            *y = observation.root * (outcomes[observation.at] - observation.expected);
        }
        self.likelihood.clear_outcomes();
        for (patient, z) in self.patients.iter().zip(self.z.chunks_exact(self.values)) {
            self.likelihood.set_outcome(patient, z, &self.y[patient.observations.0..patient.observations.1]);
        }
        self.likelihood.complete_outcomes();
        self.search()
    }

    fn with_multiplicities(&mut self, times: &[u32]) -> Result<(), Failure> {
        self.likelihood.clear_patients();
        for ((patient, z), &times) in self.patients.iter().zip(self.z.chunks_exact(self.values)).zip(times) {
            let y = &self.y[patient.observations.0..patient.observations.1];
            self.likelihood.set_times(patient, z, y, f64::from(times));
        }
        self.likelihood.complete_patients();
        self.search()
    }

    fn be_exact(&mut self) {
        self.search.end_at(search::LEFT);
    }

    fn value(&self) -> f64 {
        L::mean(&self.search.place).value
    }

    fn theta(&self) -> &[f64] {
        &L::mean(&self.search.place).theta
    }

    fn set_beta(&self, beta: &mut [f64]) {
        let found = L::mean(&self.search.place).beta.iter().zip(&self.origin);
        beta.iter_mut().zip(found).for_each(|(own, (beta, origin))| *own = beta + origin);
    }

    fn optimum(&self, original: &Optimum) -> Optimum {
        let steps = self.steps.unwrap_or(Steps { iterations: 0, evaluations: 0, decrement: f64::NAN });
        let Optimum { kept, centring, clusters, .. } = original.clone();
        let fitting = Fitting { kept, centring, clusters, moments: None };
        Optimum::of_search(self.likelihood.clone(), self.search.clone(), steps, self.origin.clone(), fitting)
    }

    fn boxed(&self) -> Box<dyn Repeat> {
        Box::new(self.clone())
    }
}
