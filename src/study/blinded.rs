//! Blinded re-estimation of the sample size: standard deviations, correlations and dropout from everyone, arms unknown.

use super::analytic::{Answer, Ask, Mmrm, PowerFormula};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::trial::Trial;
use nalgebra::DMatrix;

/// What the patients of a running trial say of standard deviations, correlations and dropout, whatever their arms.
///
/// The covariance is that of a mixed model with the visits alone as its mean, so it contains what the arms differ by: with
/// as many patients in either arm a difference δ adds δ²/4 to the variance ([`without_effect`](BlindedReview::without_effect)
/// takes an assumed one off). Nobody has to be unblinded, and the type I error stays what it is for all practical purposes.
///
/// Reference: Gould AL, Shih WJ (1992). Sample size re-estimation without unblinding for normally distributed outcomes with
/// unknown variance. Communications in Statistics – Theory and Methods 21(10):2833–2853. doi:10.1080/03610929208830947
///
/// ```
/// use trialstats::study::{ArmTruth, BlindedReview, Correlation, MissingTruth, TrialTruth};
///
/// let truth = TrialTruth::new(["0", "1", "2"], [8.0, 10.0, 12.0], Correlation::Exchangeable(0.6))
///     .arm(ArmTruth::new("a", 40, [30.0, 25.0, 20.0]))
///     .arm(ArmTruth::with_effect("b", 40, -0.5))
///     .missing(MissingTruth::left_by_end(0.2));
/// let review = BlindedReview::of(&truth.trial(1, 0)?, "y")?;
/// let answer = review.patients(4.0, 0.9, 0.05)?;
/// assert!(answer.total() > 100);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BlindedReview {
    /// The visits, the baseline first.
    pub visits: Vec<String>,
    /// Patients looked at.
    pub patients: usize,
    /// Standard deviation at each visit, arms together.
    pub sd: Vec<f64>,
    /// The covariance, row by row.
    pub covariance: Vec<f64>,
    /// Share of the patients observed at each visit or a later one.
    pub retention: Vec<f64>,
}

impl BlindedReview {
    /// What a trial says; it should hold those patients only who could have had their last visit.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a schedule without a baseline visit or a visit after it that nobody reached; otherwise as
    /// [`Model::fit`].
    pub fn of(trial: &Trial, outcome: &str) -> Result<Self> {
        let schedule = trial.schedule();
        if schedule.baseline() != Some(0) || schedule.len() < 2 {
            return Err(Error::no_baseline(
                "a blinded review",
                "the schedule does not begin with a baseline visit",
                "say which visit is the baseline",
            ));
        }
        let own = trial.outcome(outcome)?;
        let (n, visits) = (trial.patients().len(), schedule.len());
        let last_seen = (0..n).filter_map(|i| (0..visits).rev().find(|&t| trial.value(own, i, t).is_some())).collect::<Vec<_>>();
        let retention: Vec<f64> = (0..visits).map(|t| last_seen.iter().filter(|last| **last >= t).count() as f64 / n as f64).collect();
        if retention[visits - 1] == 0.0 {
            return Err(Error::no_data("a blinded review", "nobody has reached the last visit", "look later"));
        }
        let fit = Self::model(outcome)?.fit(trial)?;
        let labels = schedule.labels().into_iter().map(String::from).collect();
        Self::of_parts(labels, n, &fit.covariances()[0].sigma, retention)
    }

    /// The model of blinded data.
    pub(super) fn model(outcome: &str) -> Result<Model> {
        Ok(Model::default().with_right_hand_side("visit")?.of_outcome(outcome))
    }

    /// A review from the covariance that a fit of the model finds and the shares still observed.
    pub(super) fn of_parts(labels: Vec<String>, patients: usize, sigma: &DMatrix<f64>, retention: Vec<f64>) -> Result<Self> {
        let visits = labels.len();
        if sigma.nrows() != visits {
            return Err(Error::no_data("a blinded review", "a visit has no analysed outcome", "look later"));
        }
        Ok(Self {
            visits: labels,
            patients,
            sd: (0..visits).map(|t| sigma[(t, t)].sqrt()).collect(),
            covariance: (0..visits * visits).map(|k| sigma[(k / visits, k % visits)]).collect(),
            retention,
        })
    }

    /// The same where a difference of the arms that grows evenly from the baseline to `difference` at the last visit is taken
    /// off the covariance.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a difference that leaves no variance.
    pub fn without_effect(mut self, difference: f64) -> Result<Self> {
        let n = self.visits.len();
        let own = |t: usize| difference * t as f64 / (n - 1) as f64;
        for s in 0..n {
            for t in 0..n {
                self.covariance[s * n + t] -= own(s) * own(t) / 4.0;
            }
        }
        let left = self.covariance[n * n - 1];
        if left <= 0.0 || left.is_nan() {
            return Err(Error::out_of_range(
                format!("a difference of {difference}"),
                "it explains more than all the variance",
                "give the difference assumed",
            ));
        }
        self.sd = (0..n).map(|t| self.covariance[t * n + t].sqrt()).collect();
        Ok(self)
    }

    /// A design with the covariance and the dropout that were seen, adjusted for the baseline.
    ///
    /// # Errors
    /// As [`Mmrm::given_baseline`].
    pub fn design(&self) -> Result<Mmrm> {
        let after = self.retention[1..].iter().map(|r| r / self.retention[0]).collect::<Vec<_>>();
        Mmrm::given_baseline(self.covariance.clone(), after)
    }

    /// The number of patients that detect `difference` at the last visit with this power at a two-sided level, adjusted for the
    /// baseline, with the dropout that was seen: Lu, Luo and Chen's formula.
    ///
    /// # Errors
    /// As [`Mmrm::given_baseline`] and [`PowerFormula::solve`].
    pub fn patients(&self, difference: f64, power: f64, alpha: f64) -> Result<Answer> {
        self.design()?.solve(&Ask::patients_for(difference, power).alpha(alpha))
    }
}
