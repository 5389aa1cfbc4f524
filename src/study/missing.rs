//! Who is missing when.

use crate::error::{Error, Result};
use crate::simulate::random::{Stream, logit, probability};

/// Who leaves before which visit, and who misses single visits. The baseline is always observed, and who has left does not
/// come back.
///
/// The chance of leaving before a visit is that of the curve for a patient at the mean; its log odds rise by
/// `log-odds-per-sd` for each standard deviation above the mean of the arm. With the last *observed* score that is missing
/// at random; with `informative = true` it is the score of the visit itself, which is then not seen.
///
/// ```toml
/// [missing]
/// retention = [1, 0.92, 0.85, 0.8] # or left-by-end = 0.2
/// log-odds-per-sd = 0.3
/// missed = 0.03
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MissingTruth {
    /// Share of patients still there at each visit, 1 at the baseline: the curve, at the mean of the score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Vec<f64>>,
    /// Share of patients who have left by the last visit, evenly from visit to visit; in place of `retention`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_by_end: Option<f64>,
    /// Rise of the log odds of leaving per standard deviation of the score; 0 is missing completely at random.
    pub log_odds_per_sd: f64,
    /// Whether leaving depends on the score that is not seen rather than on the last one that was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub informative: bool,
    /// Chance that a patient who stays misses a single visit between the baseline and the last.
    pub missed: f64,
}

/// What a patient does at a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attendance {
    Comes,
    Misses,
    /// And does not come back.
    Leaves,
}

/// The chance of what happens with the chance `at_mean` to a patient at the mean, whose log odds rise with the score.
pub(super) fn chance(at_mean: f64, log_odds_per_sd: f64, score: f64) -> f64 {
    match (at_mean, log_odds_per_sd) {
        (chance, 0.0) => chance,
        (chance, _) if chance <= 0.0 || chance >= 1.0 => chance,
        (chance, log_odds) => probability(logit(chance) + log_odds * score),
    }
}

impl MissingTruth {
    /// This share of patients leaves by the last visit, evenly.
    pub fn left_by_end(share: f64) -> Self {
        Self { left_by_end: Some(share), ..Self::default() }
    }

    /// The share of patients still there at each visit.
    pub fn with_retention(retention: impl Into<Vec<f64>>) -> Self {
        Self { retention: Some(retention.into()), ..Self::default() }
    }

    /// The chance of leaving depends on the last observed score.
    pub fn log_odds_per_sd(mut self, log_odds: f64) -> Self {
        self.log_odds_per_sd = log_odds;
        self
    }

    /// The curve: the share still there at each visit.
    pub fn curve(&self, visits: usize) -> Vec<f64> {
        match (&self.retention, self.left_by_end) {
            (Some(curve), _) => curve.clone(),
            (None, Some(left)) => {
                let each = 1.0 - libm::pow(1.0 - left, 1.0 / (visits - 1) as f64);
                std::iter::successors(Some(1.0), |kept| Some(kept * (1.0 - each))).take(visits).collect()
            }
            (None, None) => vec![1.0; visits],
        }
    }

    /// The chance of leaving before each visit after the baseline, at the mean.
    pub(super) fn hazards(&self, visits: usize) -> Vec<f64> {
        self.curve(visits).windows(2).map(|w| 1.0 - w[1] / w[0]).collect()
    }

    /// What a patient does at a visit after the baseline: `deviations` are the scores in standard deviations from the mean, of
    /// which the one at the visit `seen` was the last observed.
    pub(super) fn at(&self, t: usize, seen: usize, hazard: f64, deviations: &[f64], stream: &mut Stream) -> Attendance {
        // Both are drawn always, so that other chances leave other patients as they are.
        let (leaves, misses) = (stream.uniform(), stream.uniform());
        let score = deviations[if self.informative { t } else { seen }];
        if leaves < chance(hazard, self.log_odds_per_sd, score) {
            Attendance::Leaves
        } else if misses < self.missed && t + 1 < deviations.len() {
            Attendance::Misses
        } else {
            Attendance::Comes
        }
    }

    pub(super) fn check(&self, visits: usize) -> Result<()> {
        let chance = |what: &str, x: f64| match (0.0..1.0).contains(&x) {
            true => Ok(()),
            false => Err(Error::out_of_range(format!("`{what}` = {x}"), "it does not lie from 0 to below 1", "give a share such as 0.2")),
        };
        chance("left-by-end", self.left_by_end.unwrap_or(0.0))?;
        chance("missed", self.missed)?;
        if !self.log_odds_per_sd.is_finite() {
            return Err(Error::not_finite("`log-odds-per-sd`", "it is no number", "give a number such as 0.3"));
        }
        let Some(curve) = &self.retention else { return Ok(()) };
        if self.left_by_end.is_some() {
            return Err(Error::conflict("who is missing", "both `retention` and `left-by-end` are stated", "state one of them"));
        }
        let falls = curve.windows(2).all(|w| w[1] <= w[0] && w[1] > 0.0);
        match curve.len() == visits && curve[0] == 1.0 && falls {
            true => Ok(()),
            false => Err(Error::out_of_range(
                format!("a `retention` of {curve:?}"),
                format!("it does not fall from 1 at the baseline to more than 0 at the last of {visits} visits"),
                "give the share still there at each visit",
            )),
        }
    }
}
