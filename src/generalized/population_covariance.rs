//! Predictions averaged over patients, arm by arm, and the covariance of the averages.

use super::population::{Population, PopulationCell, PopulationMean, PopulationOptions, PopulationVariance, Randomization};
use super::ye::{self, Strata};
use crate::design::{Applied, Dimension, Planned};
use crate::error::{Error, Result};
use crate::estimates::determined;
use crate::table::counted;
use crate::trial::Trial;
use nalgebra::DMatrix;

/// Who is averaged over, in which arms and at which visits.
pub(super) struct Averaged<'a> {
    of: &'a dyn PopulationMean,
    applied: Applied<'a>,
    options: &'a PopulationOptions,
    pub arms: Vec<Planned>,
    pub visits: Vec<Planned>,
    /// Positions in the trial.
    pub patients: Vec<usize>,
    /// Patients randomized who are not averaged over, and why.
    pub left_out: Vec<(String, String)>,
    /// What Ye's variance takes beside.
    robust: Option<Robust>,
}

/// The outcomes of the patients averaged over, with how they were randomized.
struct Robust {
    outcomes: Vec<f64>,
    arm_of: Vec<usize>,
    scheme: Randomization,
    strata: Strata,
}

/// The averages of a visit.
pub(super) struct AtVisit {
    /// Arm by arm; why there is none where there is none.
    means: Vec<Result<f64, String>>,
    /// The gradients of the averages, arm by arm.
    gradients: Vec<Vec<f64>>,
    /// Arms × arms; NaN for arms without a mean.
    covariance: DMatrix<f64>,
}

/// The predictions of everyone in one arm at one visit.
struct Predicted {
    means: Vec<f64>,
    /// Of their average.
    gradient: Vec<f64>,
}

impl<'a> Averaged<'a> {
    pub fn new(of: &'a dyn PopulationMean, trial: &'a Trial, options: &'a PopulationOptions) -> Result<Self> {
        let columns = of.columns();
        let scheme = options.scheme()?;
        let arms = columns.planned(columns.arm_dimension()?);
        let applied = columns.applied_to(trial)?;
        let visits = match &options.visits {
            Some(labels) => labels.iter().map(|label| columns.called(Dimension::Visit, label)).collect::<Result<Vec<_>>>()?,
            None => columns.planned(Dimension::Visit),
        };
        let mut averaged = Self { of, applied, options, arms, visits, patients: vec![], left_out: vec![], robust: None };
        if options.variance == PopulationVariance::Ye {
            averaged.take_outcomes(trial, scheme)?;
        } else {
            averaged.take_everyone(trial)?;
        }
        Ok(averaged)
    }

    /// Those analysed, with their outcomes.
    fn take_outcomes(&mut self, trial: &Trial, scheme: Randomization) -> Result<()> {
        if let Some(offset) = self.of.columns().mean_model().offsets().first() {
            return Err(Error::not_built(
                format!("Ye's variance with offset({offset})"),
                "outcomes are those of each patient's own exposure, and standardised means those of one unit of it",
                "choose the variance `ge` or `sampled`",
            ));
        }
        let Some(outcomes) = self.of.outcomes_of_patients() else {
            return Err(Error::not_built(
                format!("Ye's variance of the standardised means of {}", self.of.columns().outcome()),
                "it is for independent outcomes, one per patient",
                "choose the variance `ge` or `sampled`, or analyse one visit without random effects",
            ));
        };
        self.patients = outcomes.iter().map(|(patient, _)| *patient).collect();
        let strata = Strata::of(trial, &self.options.strata, &self.patients)?;
        let arm_of = self.patients.iter().map(|&i| trial.arm_of()[i]).collect();
        self.robust = Some(Robust { outcomes: outcomes.into_iter().map(|(_, y)| y).collect(), arm_of, scheme, strata });
        Ok(())
    }

    /// Those whose rows are known at every analysed visit under every fitted arm.
    fn take_everyone(&mut self, trial: &Trial) -> Result<()> {
        let columns = self.of.columns();
        let fitted: Vec<usize> = self.arms.iter().filter(|a| a.level.is_ok()).filter_map(|a| Some(a.arm()?.index)).collect();
        let analysed = |i: usize| (0..columns.visits().len()).any(|t| matches!(self.applied.outcome(i, t), Ok(Some(_))));
        for (i, name) in trial.patients().iter().enumerate() {
            if self.options.over == Population::Analysed && !analysed(i) {
                continue;
            }
            let cells = (0..columns.visits().len()).flat_map(|t| fitted.iter().map(move |&arm| (t, arm)));
            match cells.map(|(t, arm)| self.applied.row_under(i, t, arm)).find_map(Result::err) {
                None => self.patients.push(i),
                Some(Error::Missing { variable, why, .. }) => self.left_out.push((name.clone(), format!("`{variable}` {why}"))),
                Some(other) => return Err(other),
            }
        }
        match self.patients.is_empty() {
            true => Err(Error::no_data(
                format!("standardised means of {}", columns.outcome()),
                "no patient has all covariates of the model",
                "check the covariates, or leave them out of the model",
            )),
            false => Ok(()),
        }
    }

    /// The averages at a visit, with their covariance.
    pub fn at(&self, visit: &Planned) -> Result<AtVisit> {
        let predicted: Vec<Result<Predicted, String>> =
            self.arms.iter().map(|arm| self.predicted(arm, visit)).collect::<Result<Vec<_>>>()?;
        let parameters = self.of.parameters_vcov();
        let gradients: Vec<Vec<f64>> =
            predicted.iter().map(|p| p.as_ref().map_or_else(|_| vec![0.0; parameters.nrows()], |p| p.gradient.clone())).collect();
        let averages = |p: &Result<Predicted, String>| p.as_ref().map(|p| average(&p.means)).map_err(Clone::clone);
        let mut at = AtVisit { means: predicted.iter().map(averages).collect(), covariance: delta(parameters, &gradients), gradients };
        match self.options.variance {
            PopulationVariance::Ge => (),
            PopulationVariance::Sampled => at.add_sampling(&predicted),
            PopulationVariance::Ye => self.robust_at(&predicted, &mut at)?,
        }
        Ok(at)
    }

    /// Everyone's predictions in an arm; why there are none, where the data say nothing of the arm at the visit.
    fn predicted(&self, arm: &Planned, visit: &Planned) -> Result<Result<Predicted, String>> {
        let t = match (&arm.level, &visit.level) {
            (Ok(_), Ok(t)) => *t,
            (Err(why), _) | (_, Err(why)) => return Ok(Err(why.clone())),
        };
        let arm_index = arm.arm().map_or(0, |arm| arm.index);
        let (columns, n) = (self.of.columns(), self.patients.len() as f64);
        let mut predicted =
            Predicted { means: Vec::with_capacity(self.patients.len()), gradient: vec![0.0; self.of.parameters_vcov().nrows()] };
        let mut average_row = vec![0.0; columns.len()];
        for &patient in &self.patients {
            let row = self.applied.row_under(patient, t, arm_index)?;
            average_row.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x / n);
            let cell = PopulationCell { row: &row, patient, visit: t, arm: arm_index };
            predicted.means.push(self.of.population_mean(&cell, &mut predicted.gradient));
        }
        predicted.gradient.iter_mut().for_each(|g| *g /= n);
        match determined(columns, self.of.account(), &arm.label, &average_row) {
            Ok(()) => Ok(Ok(predicted)),
            Err(Error::NotEstimable { why, .. }) => Ok(Err(why)),
            Err(other) => Err(other),
        }
    }

    fn robust_at(&self, predicted: &[Result<Predicted, String>], at: &mut AtVisit) -> Result<()> {
        let Some(robust) = &self.robust else { return Ok(()) };
        let with_mean: Vec<usize> = (0..self.arms.len()).filter(|&a| predicted[a].is_ok()).collect();
        let arms: Vec<usize> = with_mean.iter().map(|&a| self.arms[a].arm().map_or(a, |arm| arm.index)).collect();
        let means: Vec<&[f64]> = predicted.iter().flatten().map(|p| p.means.as_slice()).collect();
        let position = |arm: &usize| arms.iter().position(|a| a == arm);
        let Some(arm_of) = robust.arm_of.iter().map(position).collect::<Option<Vec<usize>>>() else {
            return Err(Error::not_defined(
                "Ye's variance",
                "an arm with analysed patients has no estimable mean",
                "simplify the mean model",
            ));
        };
        let labels: Vec<&str> = with_mean.iter().map(|&a| self.arms[a].label.as_str()).collect();
        let found = ye::covariance(
            &ye::Data { predictions: &means, outcomes: &robust.outcomes, arm_of: &arm_of, labels: &labels },
            robust.scheme,
            &robust.strata,
        )?;
        at.covariance.fill(f64::NAN);
        for (k, &a) in with_mean.iter().enumerate() {
            at.means[a] = Ok(found.means[k]);
            for (l, &b) in with_mean.iter().enumerate() {
                at.covariance[(a, b)] = found.covariance[(k, l)];
            }
        }
        Ok(())
    }

    /// How the averages were made.
    pub fn notes(&self) -> Vec<String> {
        let n = self.patients.len();
        let patients = counted(n, "patient");
        let who = match (self.options.variance, self.options.over) {
            (PopulationVariance::Ye, _) | (_, Population::Analysed) => format!("the {patients} analysed"),
            (_, Population::Randomized) => format!("the {patients} randomized whose covariates are known"),
        };
        let variance = match (self.options.variance, &self.robust) {
            (PopulationVariance::Ge, _) => "SE: delta method, the covariates as given (Ge et al. 2011)".to_string(),
            (PopulationVariance::Sampled, _) => {
                "SE: delta method, and the variance of the predictions over n, the covariates being a sample (Qu & Luo 2015)".to_string()
            }
            (PopulationVariance::Ye, Some(robust)) if robust.scheme != Randomization::Simple => format!(
                "SE: robust to the model, under {} (strata: {}) (Ye et al. 2023)",
                robust.scheme.words(),
                self.options.strata.join(", ")
            ),
            (PopulationVariance::Ye, _) => "SE: robust to the model, under simple randomization (Ye et al. 2023)".to_string(),
        };
        vec![format!("Standardised: averaged over {who}, each as if in every arm. {variance}.")]
    }
}

impl AtVisit {
    /// The mean of an arm.
    pub fn mean(&self, arm: usize) -> Result<f64, String> {
        self.means[arm].clone()
    }

    /// The variance of a combination of means.
    pub fn variance(&self, weights: &[(usize, f64)]) -> f64 {
        weights.iter().flat_map(|&(a, v)| weights.iter().map(move |&(b, w)| v * w * self.covariance[(a, b)])).sum()
    }

    /// The degrees of freedom of a combination of means.
    pub fn df(&self, of: &dyn PopulationMean, weights: &[(usize, f64)]) -> f64 {
        let mut gradient = vec![0.0; self.gradients.first().map_or(0, Vec::len)];
        for &(arm, weight) in weights {
            gradient.iter_mut().zip(&self.gradients[arm]).for_each(|(sum, g)| *sum += weight * g);
        }
        of.population_df(&gradient)
    }

    /// Adds the covariance of the predictions over n.
    fn add_sampling(&mut self, predicted: &[Result<Predicted, String>]) {
        for (a, of_a) in predicted.iter().enumerate() {
            for (b, of_b) in predicted.iter().enumerate() {
                if let (Ok(of_a), Ok(of_b)) = (of_a, of_b) {
                    self.covariance[(a, b)] += ye::covariance_of(&of_a.means, &of_b.means) / of_a.means.len() as f64;
                }
            }
        }
    }
}

pub(super) fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// G V G' over the parameters that have a variance: aliased columns have none and are not in an estimable mean.
fn delta(parameters: &DMatrix<f64>, gradients: &[Vec<f64>]) -> DMatrix<f64> {
    let known: Vec<usize> = (0..parameters.nrows()).filter(|&k| !parameters[(k, k)].is_nan()).collect();
    let g = DMatrix::from_fn(gradients.len(), known.len(), |a, k| gradients[a][known[k]]);
    &g * parameters.select_rows(&known).select_columns(&known) * g.transpose()
}
