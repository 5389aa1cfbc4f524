//! A truth from a trial that was: means, covariance and dropout of a pilot, and what it leaves unknown of them.

use super::covariation::Correlation;
use super::missing::MissingTruth;
use super::truth::{ArmTruth, TrialTruth};
use crate::covariance::{Covariance, lower_pairs};
use crate::error::{Error, Result};
use crate::inference::Fit;
use crate::means::MeansOptions;
use crate::simulate::random::Stream;
use crate::table::counted;
use crate::trial::Trial;
use nalgebra::DMatrix;

/// What is not known of the parameters of a truth: they are drawn anew for every trial, so that a power is averaged over
/// them (assurance).
///
/// Means are normal about those stated; so are the elements of the covariance, drawn again while no covariance has them.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Uncertainty {
    /// Covariance of the means, arm by arm and visit by visit: (arms × visits)², row by row.
    pub means: Vec<Vec<f64>>,
    /// Covariance of the elements of the visits' covariance: those of its lower triangle, row by row.
    pub covariance: Vec<Vec<f64>>,
}

/// Times that a covariance is drawn again before it is left as it is stated.
const DRAWN_AGAIN: usize = 100;

impl TrialTruth {
    /// The truth of a trial like the one that a fit is of: its means of arms and visits, its covariance, and of each arm who
    /// left when and how many single visits were missed. Everyone randomized there is planned again, range and times are
    /// those of the trial.
    ///
    /// The fit has the baseline among its outcomes, at all visits of the schedule, with one covariance for everyone; means
    /// of covariates are at their means. Dropout is taken to depend on nothing; state `log-odds-per-sd` where it should.
    ///
    /// ```
    /// use trialstats::Model;
    /// use trialstats::simulate::Gaussian;
    /// use trialstats::study::TrialTruth;
    ///
    /// let pilot = Gaussian::new(["0", "1"]).arm("a", 20, [9.0, 7.0]).arm("b", 20, [9.0, 5.0]).trial(1, 0)?;
    /// let fit = Model::formula("y ~ arm * visit")?.fit(&pilot)?;
    /// let truth = TrialTruth::from_fit(&fit, &pilot)?.with_patients(120);
    /// assert_eq!(truth.patients(), 120);
    /// assert!((truth.mean(1, 1) - fit.contrast("mean", &[("b", "1", 1.0)])?.estimate).abs() < 1e-12);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a fit that lacks a visit of the schedule, whose schedule does not begin with a baseline, with
    /// covariances by group or random effects, and where an arm was not seen at a visit.
    pub fn from_fit(fit: &Fit, trial: &Trial) -> Result<Self> {
        Self::of_pilot(fit, trial).map(|(truth, _)| truth)
    }

    /// The same with what the fit leaves unknown of means and covariance.
    ///
    /// # Errors
    /// As [`TrialTruth::from_fit`]; [`Error::Invalid`] where the covariance is not unstructured or a variance vanished.
    pub fn from_fit_with_uncertainty(fit: &Fit, trial: &Trial) -> Result<Self> {
        let (mut truth, weights) = Self::of_pilot(fit, trial)?;
        let visits = truth.visits.len();
        let own = fit.covariance_parameters_vcov();
        let unstructured = *fit.covariance_structure() == Covariance::Unstructured && fit.convergence().boundary.is_empty();
        if !unstructured || own.nrows() != visits * (visits + 1) / 2 {
            return Err(Error::not_built(
                "what a pilot leaves unknown of its covariance",
                format!("the covariance is {}, and draws are made of the elements of an unstructured one", fit.covariance_structure()),
                "fit the pilot with an unstructured covariance",
            ));
        }
        let weights = DMatrix::from_row_slice(weights.len() / fit.beta().len(), fit.beta().len(), &weights);
        let means = &weights * fit.vcov() * weights.transpose();
        let rows = |m: &DMatrix<f64>| m.row_iter().map(|row| row.iter().copied().collect()).collect();
        truth.uncertainty = Some(Uncertainty { means: rows(&means), covariance: rows(own) });
        truth.check()?;
        Ok(truth)
    }

    /// The truth, and the weights of the coefficients in each mean.
    fn of_pilot(fit: &Fit, trial: &Trial) -> Result<(Self, Vec<f64>)> {
        let schedule = trial.schedule();
        let visits = schedule.len();
        if schedule.baseline() != Some(0) || fit.design().visit_labels().len() != visits || visits < 2 {
            return Err(Error::no_baseline(
                "a truth from a pilot",
                "the fit does not have the baseline and all visits after it among its outcomes",
                "fit `arm * visit` without the baseline as a covariate, and say which visit is the baseline",
            ));
        }
        if let Some(term) = fit.design().random().first() {
            return Err(Error::not_built(
                "a truth from a pilot",
                format!("the fit has random effects of `{}`", term.factor()),
                "fit the pilot without them, and state `[[truth.clusters]]`",
            ));
        }
        let [covariance] = fit.covariances() else {
            return Err(Error::not_built(
                "a truth from a pilot",
                "the fit has a covariance for each group",
                "fit one covariance for everyone",
            ));
        };
        let sigma = &covariance.sigma;
        let sd: Vec<f64> = (0..visits).map(|t| sigma[(t, t)].sqrt()).collect();
        let correlation =
            (0..visits).map(|s| (0..=s).map(|t| if s == t { 1.0 } else { sigma[(s, t)] / (sd[s] * sd[t]) }).collect()).collect();
        let outcome = trial.outcome(fit.design().outcome())?;
        let mut truth = Self::new(schedule.labels(), sd, Correlation::Unstructured(correlation));
        truth.outcome.clone_from(&outcome.name);
        truth.bounds = outcome.range;
        truth.times = schedule.visits().iter().filter_map(|visit| visit.time).collect();
        if truth.times.len() != visits {
            truth.times.clear();
        }
        let table = fit.marginal_means(&["arm", "visit"], &MeansOptions::default())?;
        let mut weights = vec![];
        for (arm, (name, patients)) in trial.arms().iter().zip(trial.randomized()).enumerate() {
            let mut means = vec![];
            for label in schedule.labels() {
                let is_it = |row: &&crate::means::MarginalMean| row.arm.as_deref() == Some(name) && row.visit.as_deref() == Some(label);
                let row = table.rows.iter().find(is_it).filter(|row| row.not_estimable.is_none()).ok_or_else(|| {
                    Error::no_data(
                        format!("the mean of arm `{name}` at {label}"),
                        "the pilot does not determine it",
                        "state the truth by hand",
                    )
                })?;
                means.push(row.estimate.estimate);
                weights.extend(&row.coefficients);
            }
            let mut own = ArmTruth::new(name, patients, means);
            own.missing = Some(missing_in(trial, &outcome.values, arm)?);
            truth = truth.arm(own);
        }
        let origin = format!("estimated in a pilot of {}", counted(trial.patients().len(), "patient"));
        for key in ["visits", "patients", "means", "sd", "correlation", "missing", "bounds"] {
            truth.origins.insert(key.into(), origin.clone());
        }
        truth.check()?;
        Ok((truth, weights))
    }
}

/// Who of an arm left when, and the share of single visits that those who stayed have missed.
fn missing_in(trial: &Trial, values: &[f64], arm: usize) -> Result<MissingTruth> {
    let visits = trial.schedule().len();
    let of_arm = values.chunks_exact(visits).zip(trial.arm_of()).filter(|(_, a)| **a == arm).map(|(own, _)| own);
    let (mut still_there, mut could, mut missed) = (vec![0_usize; visits], 0_usize, 0_usize);
    for own in of_arm {
        // Someone who was never seen after the baseline left at once.
        let last = own.iter().rposition(|y| !y.is_nan()).unwrap_or(0);
        still_there[..=last].iter_mut().for_each(|n| *n += 1);
        could += last.saturating_sub(1);
        missed += own[1.min(last)..last].iter().filter(|y| y.is_nan()).count();
    }
    if still_there[visits - 1] == 0 {
        let name = &trial.arms()[arm];
        return Err(Error::no_data(format!("arm `{name}` of the pilot"), "nobody reached the last visit", "state the truth by hand"));
    }
    let curve: Vec<f64> = still_there.iter().map(|n| *n as f64 / still_there[0] as f64).collect();
    let mut missing = MissingTruth::with_retention(curve);
    missing.missed = if could == 0 { 0.0 } else { missed as f64 / could as f64 };
    Ok(missing)
}

impl Uncertainty {
    /// Whether it has the size of a truth.
    pub(super) fn check(&self, arms: usize, visits: usize) -> Result<()> {
        let square = |what: &str, rows: &[Vec<f64>], n: usize| {
            let symmetric = rows.len() == n
                && rows.iter().all(|row| row.len() == n && row.iter().all(|x| x.is_finite()))
                && (0..n).all(|i| {
                    rows[i][i] >= 0.0 && (0..i).all(|j| (rows[i][j] - rows[j][i]).abs() <= 1e-8 * (rows[i][i] * rows[j][j]).sqrt())
                });
            if symmetric {
                return Ok(());
            }
            let why = format!("it is no covariance of {n} numbers");
            Err(Error::wrong_number(format!("`uncertainty.{what}`"), why, "give one row per number, symmetric"))
        };
        square("means", &self.means, arms * visits)?;
        square("covariance", &self.covariance, visits * (visits + 1) / 2)
    }

    /// Normal deviates with the covariance of the means.
    pub(super) fn of_means(&self, stream: &mut Stream) -> Vec<f64> {
        deviates(&self.means, stream)
    }

    /// A covariance of the visits about `sigma`, row by row, for which `holds`; that one where hardly any does.
    pub(super) fn covariance_about(&self, sigma: &[f64], visits: usize, stream: &mut Stream, holds: impl Fn(&[f64]) -> bool) -> Vec<f64> {
        for _ in 0..DRAWN_AGAIN {
            let moved = deviates(&self.covariance, stream);
            let mut drawn = sigma.to_vec();
            for ((s, t), by) in lower_pairs(visits).zip(moved) {
                drawn[s * visits + t] += by;
                drawn[t * visits + s] = drawn[s * visits + t];
            }
            if holds(&drawn) {
                return drawn;
            }
        }
        sigma.to_vec()
    }
}

/// Normal deviates of a covariance that may be singular.
fn deviates(rows: &[Vec<f64>], stream: &mut Stream) -> Vec<f64> {
    let n = rows.len();
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let rest = rows[i][j] - (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum::<f64>();
            l[i * n + j] = match (i == j, l[j * n + j]) {
                (true, _) if rest > 1e-12 * rows[i][i] => rest.sqrt(),
                (false, pivot) if pivot > 0.0 => rest / pivot,
                _ => 0.0,
            };
        }
    }
    crate::simulate::random::lower_times(&l, &stream.normals(n))
}
