//! The raw scores that effect sizes are made of, and their means and variances.

use crate::error::{Error, Message, Result, Setting};
use crate::trial::{BaselineFrom, Outcome, Trial};

/// An outcome of a trial beside its baseline.
#[derive(Debug, Clone)]
pub(crate) struct Scores<'a> {
    pub trial: &'a Trial,
    pub outcome: &'a Outcome,
    baseline: Option<Vec<f64>>,
}

impl<'a> Scores<'a> {
    pub fn new(trial: &'a Trial, outcome: &str, baseline: &BaselineFrom) -> Result<Self> {
        let outcome = trial.outcome(outcome)?;
        let n = trial.patients().len();
        let baseline = match baseline {
            BaselineFrom::Visit => {
                trial.schedule().baseline().map(|visit| (0..n).map(|i| trial.value(outcome, i, visit).unwrap_or(f64::NAN)).collect())
            }
            BaselineFrom::Covariate(name) => Some(trial.patient_numbers(name)?.to_vec()),
        };
        Ok(Self { trial, outcome, baseline })
    }

    /// The baseline values, patient by patient.
    pub fn baseline(&self) -> Result<&[f64]> {
        self.baseline.as_deref().ok_or_else(|| {
            Error::no_baseline(
                format!("the baseline of `{}`", self.outcome.name),
                "the schedule names no baseline visit",
                Message::from("name it with ")
                    .setting(Setting::BaselineVisit)
                    .then(", or take the baseline from a covariate with ")
                    .setting(Setting::BaselineCovariate),
            )
        })
    }

    /// The visits after baseline, as positions in the schedule.
    pub fn visits(&self) -> Vec<usize> {
        let schedule = self.trial.schedule();
        (0..schedule.len()).filter(|&t| Some(t) != schedule.baseline()).collect()
    }

    /// The patients of an arm.
    pub fn patients_of(&self, arm: usize) -> impl Iterator<Item = usize> + '_ {
        self.trial.arm_of().iter().enumerate().filter(move |(_, a)| **a == arm).map(|(i, _)| i)
    }

    /// The observed baseline values of an arm.
    pub fn baseline_of(&self, arm: usize) -> Result<Sample> {
        let baseline = self.baseline()?;
        Ok(Sample::of(self.patients_of(arm).map(|i| baseline[i])))
    }

    /// Whether nobody of an arm was observed at any visit.
    pub fn is_unobserved(&self, arm: usize) -> bool {
        (0..self.trial.schedule().len()).all(|visit| self.at_visit(arm, visit).n == 0)
    }

    /// The observed values of an arm at a visit.
    pub fn at_visit(&self, arm: usize, visit: usize) -> Sample {
        Sample::of(self.patients_of(arm).map(|i| self.value(i, visit)))
    }

    /// The changes from baseline of those of an arm who were observed both times.
    pub fn changes(&self, arm: usize, visit: usize) -> Result<Vec<f64>> {
        let baseline = self.baseline()?;
        Ok(self.patients_of(arm).map(|i| self.value(i, visit) - baseline[i]).filter(|c| !c.is_nan()).collect())
    }

    /// Number, mean and variance of [`Scores::changes`].
    pub fn change(&self, arm: usize, visit: usize) -> Result<Sample> {
        self.changes(arm, visit).map(|changes| Sample::of(changes.into_iter()))
    }

    /// Baseline and visit of those of an arm who were observed both times, and the covariance between the two.
    pub fn pairs(&self, arm: usize, visit: usize) -> Result<(Sample, Sample, f64)> {
        let baseline = self.baseline()?;
        let pairs: Vec<(f64, f64)> =
            self.patients_of(arm).map(|i| (baseline[i], self.value(i, visit))).filter(|(b, v)| !b.is_nan() && !v.is_nan()).collect();
        let (before, after) = (Sample::of(pairs.iter().map(|p| p.0)), Sample::of(pairs.iter().map(|p| p.1)));
        let products: f64 = pairs.iter().map(|p| (p.0 - before.mean) * (p.1 - after.mean)).sum();
        Ok((before, after, products / (before.n as f64 - 1.0)))
    }

    /// The value of a patient at a visit, NaN where there is none.
    pub fn value(&self, patient: usize, visit: usize) -> f64 {
        self.trial.value(self.outcome, patient, visit).unwrap_or(f64::NAN)
    }
}

/// Number, mean and variance of the values that are there; NaN where there are too few.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub n: usize,
    pub mean: f64,
    /// With n − 1 in the denominator.
    pub variance: f64,
}

impl Sample {
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.filter(|v| !v.is_nan()).collect();
        let n = values.len();
        let mean = if n > 0 { values.iter().sum::<f64>() / n as f64 } else { f64::NAN };
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Self { n, mean, variance: if n > 1 { squares / (n as f64 - 1.0) } else { f64::NAN } }
    }
}
