//! Intercurrent events of a planned trial: who has one when, and what becomes of the outcome after it.

use crate::error::{Error, Result};
use crate::imputation::Strategy;
use nalgebra::{DMatrix, DVector};

/// An intercurrent event: who has it when, what the outcome is from then on, and whether it is still collected.
///
/// The chance of the event before a visit is that of the curve for a patient at the mean; its log odds rise by
/// `log-odds-per-sd` for each standard deviation by which the last observed score lies above the mean of the arm. The curve is
/// that of patients who are still in the trial: who has left has no event that anyone sees.
///
/// ```
/// use trialstats::study::TrialTruth;
///
/// let truth = TrialTruth::from_toml(r#"
///     visits = ["0", "1", "2"]
///     sd = [1, 1, 1]
///     correlation = { exchangeable = 0.5 }
///     arms = [{ name = "a", patients = 50, means = [0, 0, 0] }, { name = "b", patients = 50, means = [0, -0.5, -1] }]
///
///     [[events]]
///     name = "treatment stopped"
///     arm = "b"
///     by-end = 0.3                # of patients who stay in the trial
///     then = "jump-to-reference"  # patients go on as those of arm a
///     collected = 0.8             # of those who stopped stay in the trial
/// "#)?;
/// let trial = truth.trial(1, 0)?;
/// // The first visit after it, which is what a plan's `[[event]]` of this name reads.
/// let stopped = trial.variables().iter().find(|v| v.name() == "treatment stopped").expect("an event");
/// assert!(stopped.codes().expect("visits").iter().flatten().count() > 5);
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// | key | default | meaning |
/// |---|---|---|
/// | `name` | none | its name, by which a plan's `[[event]]` finds it; entries of one name for different arms are one event |
/// | `arm` | all | the arm whose patients may have it |
/// | `curve` | none | share of patients who have had it before each visit, 0 at the baseline |
/// | `by-end` | none | share who have had it before the last visit, evenly from visit to visit; in place of `curve` |
/// | `log-odds-per-sd` | 0 | rise of the log odds of the event per standard deviation of the last observed score |
/// | `then` | `mar` | the course of values after it, as a [`Strategy`] has it; the reference is the first arm |
/// | `shift` | 0 | what is added to values after it |
/// | `collected` | 1 | share of patients with the event who stay in the trial; the others leave with it |
///
/// A patient who has several events gets the shifts of all of them, and of the courses that of the first.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventTruth {
    /// Its name.
    pub name: String,
    /// The arm whose patients may have it; all arms unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Share of patients who have had it before each visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curve: Option<Vec<f64>>,
    /// Share of patients who have had it before the last visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_end: Option<f64>,
    /// Rise of the log odds of the event per standard deviation of the last observed score.
    #[serde(default)]
    pub log_odds_per_sd: f64,
    /// The course of values after it.
    #[serde(default)]
    pub then: Strategy,
    /// What is added to values after it.
    #[serde(default)]
    pub shift: f64,
    /// Share of patients with the event who stay in the trial.
    #[serde(default = "everyone")]
    pub collected: f64,
}

fn everyone() -> f64 {
    1.0
}

impl EventTruth {
    /// An event that this share of the patients of all arms has had before the last visit, and that changes nothing.
    pub fn by_end(name: impl Into<String>, share: f64) -> Self {
        Self {
            name: name.into(),
            arm: None,
            curve: None,
            by_end: Some(share),
            log_odds_per_sd: 0.0,
            then: Strategy::Mar,
            shift: 0.0,
            collected: 1.0,
        }
    }

    /// Of patients of this arm alone.
    pub fn arm(mut self, arm: impl Into<String>) -> Self {
        self.arm = Some(arm.into());
        self
    }

    /// The course of values after it.
    pub fn then(mut self, course: Strategy) -> Self {
        self.then = course;
        self
    }

    /// What is added to values after it.
    pub fn shift(mut self, shift: f64) -> Self {
        self.shift = shift;
        self
    }

    /// The share of patients with the event who stay in the trial.
    pub fn collected(mut self, share: f64) -> Self {
        self.collected = share;
        self
    }

    /// Rise of the log odds of the event per standard deviation of the last observed score.
    pub fn log_odds_per_sd(mut self, log_odds: f64) -> Self {
        self.log_odds_per_sd = log_odds;
        self
    }

    /// The curve: the share of patients who have had it before each visit.
    pub fn had(&self, visits: usize) -> Vec<f64> {
        match (&self.curve, self.by_end) {
            (Some(curve), _) => curve.clone(),
            (None, share) => {
                let each = 1.0 - libm::pow(1.0 - share.unwrap_or(0.0), 1.0 / (visits - 1) as f64);
                let free = std::iter::successors(Some(1.0), |free| Some(free * (1.0 - each)));
                free.take(visits).map(|free| 1.0 - free).collect()
            }
        }
    }

    /// The chance of having it before each visit after the baseline, at the mean, of those who have not had it.
    pub(super) fn hazards(&self, visits: usize) -> Vec<f64> {
        self.had(visits).windows(2).map(|w| (w[1] - w[0]) / (1.0 - w[0])).collect()
    }

    /// Who has it, and what becomes of values after it.
    pub(super) fn words(&self, visits: usize) -> String {
        let curve: Vec<String> = self.had(visits).iter().map(|share| ((share * 1e4).round() / 1e4).to_string()).collect();
        let mut text = format!("had by {}; values after it {}", curve.join(", "), self.then.words());
        if self.shift != 0.0 {
            text.push_str(&format!(", moved by {}", self.shift));
        }
        if self.log_odds_per_sd != 0.0 {
            text.push_str(&format!("; log odds {} per SD of the last observed score", self.log_odds_per_sd));
        }
        match self.collected {
            1.0 => text,
            share => format!("{text}; {} of those with it stay in the trial", crate::level::percent(share)),
        }
    }

    pub(super) fn is_of(&self, arm: &str) -> bool {
        self.arm.as_ref().is_none_or(|own| own == arm)
    }

    /// Whether it changes values after it.
    pub(super) fn has_effect(&self) -> bool {
        self.then != Strategy::Mar || self.shift != 0.0
    }

    pub(super) fn check(&self, arms: &[&str], visits: usize) -> Result<()> {
        let what = || format!("the event `{}` of the truth", self.name);
        if let Some(arm) = self.arm.as_ref().filter(|arm| !arms.contains(&arm.as_str())) {
            return Err(Error::unknown("arm", arm, arms));
        }
        match (&self.curve, self.by_end) {
            (Some(_), Some(_)) => return Err(Error::conflict(what(), "both `curve` and `by-end` are stated", "state one of them")),
            (None, None) => return Err(Error::incomplete(what(), "nothing says who has it", "state `by-end` or `curve`")),
            (None, Some(share)) if !(0.0..1.0).contains(&share) => {
                return Err(Error::out_of_range(
                    what(),
                    format!("`by-end` = {share} does not lie from 0 to below 1"),
                    "give a share such as 0.2",
                ));
            }
            (Some(curve), None) => {
                let rises = curve.windows(2).all(|w| w[1] >= w[0] && w[1] < 1.0);
                if curve.len() != visits || curve[0] != 0.0 || !rises {
                    let why = format!(
                        "its `curve` of {curve:?} does not rise from 0 at the baseline to less than 1 at the last of {visits} visits"
                    );
                    return Err(Error::out_of_range(what(), why, "give the share of patients who have had it before each visit"));
                }
            }
            _ => {}
        }
        if !(0.0..=1.0).contains(&self.collected) {
            let why = format!("`collected` = {} does not lie from 0 to 1", self.collected);
            return Err(Error::out_of_range(what(), why, "give the share of patients who stay in the trial after it"));
        }
        match self.log_odds_per_sd.is_finite() && self.shift.is_finite() {
            true => Ok(()),
            false => Err(Error::not_finite(what(), "`shift` or `log-odds-per-sd` is no number", "give finite numbers")),
        }
    }
}

/// Events that share a name and an arm are refused: nothing says which of them a patient has.
pub(super) fn check_names(events: &[EventTruth]) -> Result<()> {
    for (k, event) in events.iter().enumerate() {
        let same = |other: &&EventTruth| other.name == event.name && (other.arm.is_none() || event.arm.is_none() || other.arm == event.arm);
        if events[..k].iter().any(|other| same(&other)) {
            return Err(Error::named_twice(
                format!("the event `{}` of the truth", event.name),
                "another one of this name is of the same arm",
                "give each a name of its own, or arms of their own",
            ));
        }
    }
    Ok(())
}

/// What a course after an event adds to values of a patient, by the first visit after it: given the values before, the mean
/// under the course differs from the mean without the event by an amount that is the same for every patient of an arm, since all
/// arms have one covariance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    visits: usize,
    /// First visit after the event × visit.
    amounts: Vec<f64>,
}

impl Course {
    /// Of patients with these means, where the reference arm has those.
    pub fn of(strategy: Strategy, own: &[f64], reference: &[f64], regressions: &[DMatrix<f64>]) -> Self {
        let visits = own.len();
        let (own, reference) = (DVector::from_column_slice(own), DVector::from_column_slice(reference));
        let mut amounts = vec![0.0; visits * visits];
        for from in 1..visits {
            let maps = strategy.mean(visits, from);
            let moved = maps.0 * &own + maps.1 * &reference - &own;
            for t in from..visits {
                let before: f64 = (0..from).map(|b| regressions[from][(t - from, b)] * moved[b]).sum();
                amounts[from * visits + t] = moved[t] - before;
            }
        }
        Self { visits, amounts }
    }

    /// What is added to the values from the first visit after the event on.
    pub fn after(&self, from: usize) -> &[f64] {
        &self.amounts[from * self.visits + from..(from + 1) * self.visits]
    }
}

/// By the first visit after an event, the regression of the values from there on on those before: Σ_ab Σ_bb⁻¹.
pub(super) fn regressions(sigma: &[f64], visits: usize) -> Vec<DMatrix<f64>> {
    let sigma = DMatrix::from_row_slice(visits, visits, sigma);
    let of = |from: usize| {
        let before = sigma.view((0, 0), (from, from)).into_owned();
        let between = sigma.view((from, 0), (visits - from, from)).transpose();
        let solved = before.cholesky().map(|root| root.solve(&between).transpose());
        solved.unwrap_or_else(|| DMatrix::zeros(visits - from, from))
    };
    (0..visits).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under `copy-increments` and `jump-to-reference` the mean before the event is the own one, so that the amount is the
    /// difference of the means; under `copy-reference` what the patient had gained before is regressed away.
    #[test]
    fn amounts_are_those_of_the_definitions() {
        let (own, reference) = ([1.0, 2.0, 4.0], [1.0, 5.0, 9.0]);
        let sigma = [1.0, 0.5, 0.25, 0.5, 1.0, 0.5, 0.25, 0.5, 1.0];
        let regressions = regressions(&sigma, 3);
        let of = |strategy| Course::of(strategy, &own, &reference, &regressions);
        assert_eq!(of(Strategy::Mar).after(1), [0.0, 0.0]);
        assert_eq!(of(Strategy::JumpToReference).after(1), [3.0, 5.0]);
        assert_eq!(of(Strategy::JumpToReference).after(2), [5.0]);
        // Own mean at visit 1, then the reference's increment of 4: 6 where the own mean is 4.
        assert_eq!(of(Strategy::CopyIncrements).after(2), [2.0]);
        // The regression on the visits before is (0, 0.5): the reference's mean is 3 higher at visit 1.
        assert!((of(Strategy::CopyReference).after(2)[0] - (5.0 - 0.5 * 3.0)).abs() < 1e-14);
        assert_eq!(of(Strategy::LastMeanCarriedForward).after(2), [-2.0]);
    }

    #[test]
    fn the_curve_is_that_stated() {
        let event = EventTruth::by_end("e", 0.19);
        for (found, expected) in event.had(3).iter().zip([0.0, 0.1, 0.19]) {
            assert!((found - expected).abs() < 1e-15);
        }
        for hazard in event.hazards(3) {
            assert!((hazard - 0.1).abs() < 1e-15);
        }
    }
}
