//! The analysed observations as a dense model matrix, patient by patient.

use super::NotFitted;
use crate::design::{Account, Columns, Design, DesignOptions, MeanModel};
use crate::error::{Error, Result};
use crate::trial::Trial;
use nalgebra::DMatrix;
use std::ops::Range;
use std::sync::Arc;

/// The observations that a model is fitted to: N rows of the model matrix with their outcomes, patient by patient and
/// visit by visit. Columns that earlier ones determine are left out of the matrix.
#[derive(Debug, Clone)]
pub struct Observations {
    /// The trial, a binary outcome being 0 or 1.
    pub(crate) trial: Arc<Trial>,
    pub(crate) design: Design,
    /// The columns that the data determine, as positions among all.
    pub(crate) kept: Vec<usize>,
    /// N × kept, row by row.
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    /// What is added to the linear predictor, where the model has an offset.
    pub(crate) offset: Option<Vec<f64>>,
    /// Observation weights.
    pub(crate) weights: Option<Vec<f64>>,
    /// The visit of each observation, as a position among the analysed visits.
    pub(crate) visit: Vec<usize>,
    /// Where each analysed patient's rows end.
    pub(crate) ends: Vec<usize>,
}

impl Observations {
    pub(super) fn of(trial: Trial, mean: &MeanModel, options: &DesignOptions) -> Result<Self> {
        let design = Design::build_of_any_family(&trial, mean, options)?;
        let p = design.columns.len();
        let aliased: Vec<usize> = design.aliased().iter().map(|a| a.column).collect();
        let kept: Vec<usize> = (0..p).filter(|c| !aliased.contains(c)).collect();
        if kept.is_empty() {
            return Err(Error::NotFitted(NotFitted::NoColumn));
        }
        let mut position = vec![None; p];
        kept.iter().enumerate().for_each(|(k, &c)| position[c] = Some(k));
        let (rows, visits) = (&design.rows, design.columns.visits().len());
        let n = design.n_observations();
        let mut found = Self {
            trial: Arc::new(trial),
            kept: vec![],
            x: Vec::with_capacity(n * kept.len()),
            y: Vec::with_capacity(n),
            offset: (!rows.known.offsets.is_empty()).then(|| Vec::with_capacity(n)),
            weights: rows.weights.as_ref().map(|_| Vec::with_capacity(n)),
            visit: Vec::with_capacity(n),
            ends: Vec::with_capacity(rows.patients.len()),
            design: design.clone(),
        };
        for i in 0..rows.patients.len() {
            let z = rows.z_of(i);
            for t in (0..visits).filter(|t| !rows.y[i * visits + t].is_nan()) {
                let start = found.x.len();
                found.x.resize(start + kept.len(), 0.0);
                for entry in &design.columns.entries[t] {
                    if let Some(k) = position[entry.column] {
                        found.x[start + k] += entry.weight * z[entry.value];
                    }
                }
                found.y.push(rows.y[i * visits + t]);
                found.visit.push(t);
                if let Some(offset) = &mut found.offset {
                    offset.push(rows.known.offset(rows.patients[i], t));
                }
                if let (Some(weights), Some(all)) = (&mut found.weights, &rows.weights) {
                    weights.push(all[i * visits + t]);
                }
            }
            found.ends.push(found.y.len());
        }
        found.kept = kept;
        Ok(found)
    }

    /// The number N of observations.
    #[allow(clippy::len_without_is_empty, reason = "a design without an observation is refused")]
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// The number of columns that the data determine.
    pub fn width(&self) -> usize {
        self.kept.len()
    }

    /// The number of patients.
    pub fn n_patients(&self) -> usize {
        self.ends.len()
    }

    /// A row of the model matrix, without the columns that the data do not determine.
    pub fn row(&self, observation: usize) -> &[f64] {
        let p = self.kept.len();
        &self.x[observation * p..(observation + 1) * p]
    }

    /// The outcomes.
    pub fn outcomes(&self) -> &[f64] {
        &self.y
    }

    /// The observations of an analysed patient.
    pub fn of_patient(&self, patient: usize) -> Range<usize> {
        let start = if patient == 0 { 0 } else { self.ends[patient - 1] };
        start..self.ends[patient]
    }

    /// The arm of an analysed patient, as a position among the trial's arms.
    pub fn arm_of(&self, patient: usize) -> usize {
        self.design.rows.arm_of[patient]
    }

    /// The analysed visit of an observation, as a position among [`Columns::visits`].
    pub fn visit_of(&self, observation: usize) -> usize {
        self.visit[observation]
    }

    /// The analysed patient that an observation is of.
    pub fn patient_of(&self, observation: usize) -> usize {
        self.ends.partition_point(|&end| end <= observation)
    }

    /// What is added to the linear predictor of an observation: 0 in a model without an offset.
    pub fn offset(&self, observation: usize) -> f64 {
        self.offset.as_ref().map_or(0.0, |offset| offset[observation])
    }

    /// What notes say of an offset, where there is one.
    pub(crate) fn note_of_offset(&self) -> Option<String> {
        let offsets: Vec<String> = self.columns().mean_model().offsets().iter().map(ToString::to_string).collect();
        (!offsets.is_empty()).then(|| {
            format!(
                "The linear predictor has the offset {} with the coefficient 1; means are those of an offset of zero, which of the logarithm of \
                 an exposure is one unit of it.",
                offsets.join(" + ")
            )
        })
    }

    /// The observation weight, 1 in a model without weights.
    pub fn weight(&self, observation: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[observation])
    }

    /// The trial, whose binary outcome is 0 or 1.
    pub fn trial(&self) -> &Trial {
        &self.trial
    }

    /// What the coefficients mean.
    pub fn columns(&self) -> &Columns {
        &self.design.columns
    }

    /// Who is analysed and who is not.
    pub fn account(&self) -> &Account {
        &self.design.account
    }

    /// The design they come from.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Patient and visit of an observation by their labels.
    pub(crate) fn labels(&self, observation: usize) -> (String, String) {
        let patient = self.design.rows.patients[self.patient_of(observation)];
        (self.trial.patients()[patient].clone(), self.design.visit_labels()[self.visit[observation]].clone())
    }

    /// Coefficients of the determined columns as those of all, NaN where not determined.
    pub(crate) fn of_all_columns(&self, kept: &[f64]) -> Vec<f64> {
        let mut all = vec![f64::NAN; self.design.columns.len()];
        self.kept.iter().zip(kept).for_each(|(&c, b)| all[c] = *b);
        all
    }

    /// The same of a covariance.
    pub(crate) fn covariance_of_all_columns(&self, kept: &DMatrix<f64>) -> DMatrix<f64> {
        let p = self.design.columns.len();
        let mut all = DMatrix::from_element(p, p, f64::NAN);
        for (a, &ca) in self.kept.iter().enumerate() {
            for (b, &cb) in self.kept.iter().enumerate() {
                all[(ca, cb)] = kept[(a, b)];
            }
        }
        all
    }

    /// The covariance of the determined columns and of other parameters after them as that of all columns and those others,
    /// zero where a column is not determined.
    pub(crate) fn covariance_with_others(&self, own: &DMatrix<f64>) -> DMatrix<f64> {
        let (kept, p) = (self.kept.len(), self.design.columns.len());
        let place = |k: usize| if k < kept { self.kept[k] } else { p + k - kept };
        let size = p + own.nrows() - kept;
        let mut all = DMatrix::zeros(size, size);
        for a in 0..own.nrows() {
            (0..own.nrows()).for_each(|b| all[(place(a), place(b))] = own[(a, b)]);
        }
        all
    }

    /// How many analysed patients have several observations.
    pub(super) fn patients_with_several(&self) -> usize {
        (0..self.n_patients()).filter(|&i| self.of_patient(i).len() > 1).count()
    }
}
