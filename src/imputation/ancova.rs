//! The analysis of completed data: at each visit a linear regression on arm and covariates.

use super::plan::ReferenceBased;
use crate::error::{Error, Result};
use crate::trial::{Scope, Trial};
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// The regression of everyone's completed outcomes at a visit.
#[derive(Debug)]
pub(super) struct Ancova {
    /// A row per patient: 1, a column per arm but the first, the covariates.
    pub matrix: DMatrix<f64>,
    /// The same, row after row.
    rows: Vec<f64>,
    arms: usize,
}

/// The regression of some of the patients, each counted so many times.
pub(super) struct Solved<'a> {
    of: &'a Ancova,
    times: Option<&'a [u32]>,
    pub gram: Cholesky<f64, Dyn>,
    /// The mean row.
    mean: DVector<f64>,
}

impl Ancova {
    pub fn of(trial: &Trial, plan: &ReferenceBased, outcome: &str) -> Result<Self> {
        let n = trial.patients().len();
        let arms = trial.arms().len();
        let mut columns: Vec<Vec<f64>> = vec![vec![1.0; n]];
        columns.extend((1..arms).map(|arm| trial.arm_of().iter().map(|&a| f64::from(u8::from(a == arm))).collect()));
        for name in &plan.covariates {
            columns.extend(covariate(trial, name, outcome)?);
        }
        let matrix = DMatrix::from_fn(n, columns.len(), |i, j| columns[j][i]);
        let rows = matrix.transpose().as_slice().to_vec();
        let ancova = Self { matrix, rows, arms };
        if ancova.solved(None).is_none() {
            return Err(Error::not_defined(
                "the ANCOVA of imputed data",
                "its columns determine one another: an arm has no patient, or a covariate says nothing beyond the others",
                "leave that arm or covariate out",
            ));
        }
        Ok(ancova)
    }

    /// The row of each patient.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.rows.chunks_exact(self.width())
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.matrix.ncols()
    }

    /// The regression where each patient counts so many times, once each where nothing is said; none where the columns
    /// determine one another.
    pub fn solved<'a>(&'a self, times: Option<&'a [u32]>) -> Option<Solved<'a>> {
        let q = self.width();
        let (mut gram, mut mean, mut n) = (DMatrix::zeros(q, q), DVector::zeros(q), 0.0);
        for (i, row) in self.rows().enumerate() {
            let weight = times.map_or(1.0, |times| f64::from(times[i]));
            if weight > 0.0 {
                for a in 0..q {
                    let weighed = weight * row[a];
                    mean[a] += weighed;
                    (0..=a).for_each(|b| gram[(a, b)] += weighed * row[b]);
                }
                n += weight;
            }
        }
        gram.fill_upper_triangle_with_lower_triangle();
        mean /= n;
        let scale: Vec<f64> = (0..q).map(|j| gram[(j, j)]).collect();
        let gram = gram.cholesky()?;
        // A column that the ones before it determine leaves nothing of itself.
        const NOTHING: f64 = 1e-12;
        let l = gram.l();
        let full = (0..q).all(|j| l[(j, j)] * l[(j, j)] > NOTHING * scale[j]);
        full.then_some(Solved { of: self, times, gram, mean })
    }
}

impl Solved<'_> {
    /// The weights of the columns in the mean of each arm at the mean covariates, arm by arm.
    pub fn means(&self) -> Vec<DVector<f64>> {
        let arm = |arm: usize| {
            let mut row = self.mean.clone();
            row[0] = 1.0;
            (1..self.of.arms).for_each(|other| row[other] = f64::from(u8::from(other == arm)));
            row
        };
        (0..self.of.arms).map(arm).collect()
    }

    /// The coefficients of outcomes y at a visit, `outcomes` being n × T.
    pub fn coefficients(&self, outcomes: &[f64], visit: usize, visits: usize) -> DVector<f64> {
        let mut right = DVector::zeros(self.of.width());
        for (i, row) in self.of.rows().enumerate() {
            let weight = self.times.map_or(1.0, |times| f64::from(times[i]));
            if weight > 0.0 {
                let y = weight * outcomes[i * visits + visit];
                right.iter_mut().zip(row).for_each(|(right, x)| *right += y * x);
            }
        }
        self.gram.solve(&right)
    }

    /// Those of every visit, a column each: one pass over the patients.
    fn all_coefficients(&self, outcomes: &[f64], visits: usize) -> DMatrix<f64> {
        let mut right = DMatrix::zeros(self.of.width(), visits);
        for (i, (row, outcomes)) in self.of.rows().zip(outcomes.chunks_exact(visits)).enumerate() {
            let weight = self.times.map_or(1.0, |times| f64::from(times[i]));
            if weight > 0.0 {
                for (mut column, y) in right.column_iter_mut().zip(outcomes) {
                    column.iter_mut().zip(row).for_each(|(right, x)| *right += weight * y * x);
                }
            }
        }
        self.gram.solve(&right)
    }

    /// The mean of every arm, then the difference of every arm from the first, at every visit in turn.
    pub fn statistics(&self, outcomes: &[f64], visits: usize) -> Vec<f64> {
        let means = self.means();
        let mut all = vec![];
        for coefficients in self.all_coefficients(outcomes, visits).column_iter() {
            let means: Vec<f64> = means.iter().map(|l| l.dot(&coefficients)).collect();
            all.extend(&means);
            all.extend(means[1..].iter().map(|m| m - means[0]));
        }
        all
    }
}

/// The columns of a covariate: itself, or one per level but the first. `baseline` is the outcome at the baseline visit,
/// where no covariate is called so.
fn covariate(trial: &Trial, name: &str, outcome: &str) -> Result<Vec<Vec<f64>>> {
    if let (true, true, Some(visit)) = (name == "baseline", trial.covariate(name).is_err(), trial.schedule().baseline()) {
        let outcome = trial.outcome(outcome)?;
        let value = |patient: usize| match trial.value(outcome, patient, visit) {
            Some(value) if !value.is_nan() => Ok(value),
            _ => Err(Error::Missing {
                variable: outcome.name.clone(),
                patient: trial.patients()[patient].clone(),
                visit: trial.schedule().labels()[visit].to_string(),
                why: "is missing, and the ANCOVA of imputed data is adjusted for it".into(),
            }),
        };
        return Ok(vec![(0..trial.patients().len()).map(value).collect::<Result<_>>()?]);
    }
    let variable = trial.covariate(name)?;
    let lacking = |missing: Option<usize>| match missing {
        Some(patient) => Err(Error::Missing {
            variable: name.into(),
            patient: trial.patients()[patient].clone(),
            visit: "every visit".into(),
            why: "is missing, and the ANCOVA of imputed data needs it of everyone randomized".into(),
        }),
        None => Ok(()),
    };
    if variable.scope() != Scope::Patient {
        return Err(Error::wrong_variable(
            format!("covariate `{name}` of the ANCOVA"),
            "it changes from visit to visit",
            "name covariates that patients keep",
        ));
    }
    if let Some(numbers) = variable.numbers() {
        lacking(numbers.iter().position(|x| x.is_nan()))?;
        return Ok(vec![numbers.to_vec()]);
    }
    let codes = variable.codes().unwrap_or_default();
    lacking(codes.iter().position(Option::is_none))?;
    let levels: Vec<usize> = (0..variable.levels().len()).filter(|level| codes.contains(&Some(*level))).collect();
    let column = |level: &usize| codes.iter().map(|code| f64::from(u8::from(*code == Some(*level)))).collect();
    Ok(levels.iter().skip(1).map(column).collect())
}
