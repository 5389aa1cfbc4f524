//! Missing values replaced by their expectation under a strategy, given what was observed of the patient.

use super::plan::ReferenceBased;
use super::{Delta, Events};
use crate::design::Applied;
use crate::error::{Error, Result};
use crate::{Fit, Trial};
use nalgebra::DMatrix;

/// Everyone randomized, with what imputation needs of each that no fit changes.
#[derive(Debug)]
pub(super) struct Cohort {
    pub patients: Vec<Patient>,
    pub classes: Vec<Class>,
    /// The number of analysed visits.
    pub visits: usize,
    /// The number of columns of the mean.
    pub columns: usize,
    strategy: super::Strategy,
}

/// A patient.
#[derive(Debug)]
pub(super) struct Patient {
    /// The position in the design of the fit; none for those without an analysed observation.
    pub in_fit: Option<usize>,
    pub arm: usize,
    pub class: usize,
    /// Rows of the model matrix at every visit in the own arm and in the reference arm: T × p.
    pub own: DMatrix<f64>,
    pub reference: DMatrix<f64>,
    /// Outcomes, NaN where missing.
    pub outcomes: Vec<f64>,
    /// What is added to imputed values.
    pub delta: Vec<f64>,
}

/// What patients share who were observed at the same visits and have their event before the same one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Class {
    pub group: usize,
    pub reference_group: usize,
    /// The first analysed visit after the event; the number of visits where there is none.
    pub from: usize,
    pub observed: Vec<usize>,
    pub missing: Vec<usize>,
}

/// What a fit makes of a class: the linear maps from both arms' means to the mean of a patient, and the regression of
/// missing on observed values.
#[derive(Debug)]
pub(super) struct Maps {
    pub own: DMatrix<f64>,
    pub reference: DMatrix<f64>,
    /// Σ_mo Σ_oo⁻¹.
    pub regression: DMatrix<f64>,
    /// Σ_mm − Σ_mo Σ_oo⁻¹ Σ_om.
    pub conditional: DMatrix<f64>,
}

impl Cohort {
    pub fn of(fit: &Fit, trial: &Trial, plan: &ReferenceBased) -> Result<Self> {
        let columns = fit.design().columns();
        let applied = columns.applied_to(trial)?;
        let events = match &plan.events {
            Some(events) => events.clone(),
            None => Events::dropout(trial, columns.outcome())?,
        };
        if events.first_after().len() != trial.patients().len() {
            return Err(Error::another_trial(
                "the intercurrent events",
                format!("they are of {} patients, and the trial has {}", events.first_after().len(), trial.patients().len()),
                "make them of this trial",
            ));
        }
        let mut in_fit = vec![None; trial.patients().len()];
        fit.design().rows.patients.iter().enumerate().for_each(|(at, &patient)| in_fit[patient] = Some(at));
        let mut cohort = Self {
            patients: vec![],
            classes: vec![],
            visits: columns.visit_labels().len(),
            columns: columns.len(),
            strategy: plan.strategy,
        };
        for (patient, in_fit) in in_fit.into_iter().enumerate() {
            let from = events.first_after()[patient].map(|at| columns.visits().iter().filter(|&&v| v < at).count());
            cohort.add(&applied, trial, plan, patient, in_fit, from)?;
        }
        Ok(cohort)
    }

    fn add(
        &mut self,
        applied: &Applied<'_>,
        trial: &Trial,
        plan: &ReferenceBased,
        patient: usize,
        in_fit: Option<usize>,
        from: Option<usize>,
    ) -> Result<()> {
        let arms = trial.arms();
        let arm = trial.arm_of()[patient];
        let reference = plan.reference_position(arm, arms);
        // Positions among the arms of the columns, which are those of the trial by name.
        let place = |arm: usize| {
            let known = applied.columns().arms();
            known.iter().position(|a| *a == arms[arm]).ok_or_else(|| Error::unknown("arm of the fitted model", &arms[arm], known))
        };
        let rows = |arm: usize| -> Result<DMatrix<f64>> {
            let mut rows = DMatrix::zeros(self.visits, self.columns);
            for t in 0..self.visits {
                let row = applied.row_under(patient, t, arm)?;
                rows.row_mut(t).copy_from_slice(&row);
            }
            Ok(rows)
        };
        let (own_place, reference_place) = (place(arm)?, place(reference)?);
        let own = rows(own_place)?;
        let reference_rows = if reference == arm || !plan.strategy.needs_reference() { own.clone() } else { rows(reference_place)? };
        let outcomes: Vec<f64> = (0..self.visits).map(|t| Ok(applied.outcome(patient, t)?.unwrap_or(f64::NAN))).collect::<Result<_>>()?;
        let from = from.unwrap_or(self.visits);
        let (observed, missing): (Vec<usize>, Vec<usize>) = (0..self.visits).partition(|&t| !outcomes[t].is_nan());
        let class = Class {
            group: applied.group_under(patient, own_place)?,
            reference_group: applied.group_under(patient, if plan.strategy.needs_reference() { reference_place } else { own_place })?,
            from,
            observed,
            missing,
        };
        let delta = plan.delta.as_ref().map_or_else(|| vec![0.0; self.visits], |delta: &Delta| delta.amounts(&arms[arm], from));
        let at = self.classes.iter().position(|known| *known == class).unwrap_or_else(|| {
            self.classes.push(class);
            self.classes.len() - 1
        });
        self.patients.push(Patient { in_fit, arm, class: at, own, reference: reference_rows, outcomes, delta });
        Ok(())
    }

    /// The maps of every class under these covariances, one per group.
    pub fn maps(&self, sigmas: &[DMatrix<f64>]) -> Option<Vec<Maps>> {
        self.classes.iter().map(|class| self.maps_of(class, sigmas)).collect()
    }

    fn maps_of(&self, class: &Class, sigmas: &[DMatrix<f64>]) -> Option<Maps> {
        let (own, reference) = self.strategy.mean(self.visits, class.from);
        let sigma = self.strategy.covariance(&sigmas[class.group], &sigmas[class.reference_group], class.from)?;
        let part = |rows: &[usize], columns: &[usize]| DMatrix::from_fn(rows.len(), columns.len(), |i, j| sigma[(rows[i], columns[j])]);
        let between = part(&class.missing, &class.observed);
        let regression = match class.observed.is_empty() {
            true => DMatrix::zeros(class.missing.len(), 0),
            false => part(&class.observed, &class.observed).cholesky()?.solve(&between.transpose()).transpose(),
        };
        let conditional = part(&class.missing, &class.missing) - &regression * between.transpose();
        Some(Maps { own, reference, regression, conditional })
    }

    /// The outcomes of everyone with missing ones replaced by their expectation, patient by patient: n × T.
    pub fn completed(&self, beta: &[f64], maps: &[Maps]) -> Vec<f64> {
        self.completed_of(0..self.patients.len(), beta, maps, None)
    }
}

impl Patient {
    /// The rows by which the patient's mean under the strategy depends on β: T × p.
    pub fn rows(&self, maps: &Maps) -> DMatrix<f64> {
        &maps.own * &self.own + &maps.reference * &self.reference
    }
}
