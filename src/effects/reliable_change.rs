//! Reliable change (Jacobson & Truax 1991, J Consult Clin Psychol 59(1):12–19, doi:10.1037/0022-006X.59.1.12): whose
//! change is more than error of measurement.

use super::deviation::pooled;
use super::options::Positive;
use super::scores::Scores;
use crate::Trial;
use crate::dist::normal;
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::BaselineFrom;
use std::fmt;

/// The change that counts as reliable.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Threshold {
    /// At least so many points.
    Points(f64),
    /// More than z·SD·√(2(1−r)) points: the reliable change index beyond z, with r the reliability and z the normal
    /// quantile of (1 + level)/2.
    Reliability {
        /// Reliability r of the score, between 0 and 1.
        reliability: f64,
        /// The standard deviation that belongs to it, in points.
        sd: f64,
        /// Two-sided level, 0.95 for the usual 1.96.
        level: f64,
    },
    /// The same with the raw baseline standard deviation of the trial, pooled over arms.
    ReliabilityAtBaseline {
        /// Reliability r of the score, between 0 and 1.
        reliability: f64,
        /// Two-sided level, 0.95 for the usual 1.96.
        level: f64,
    },
}

/// Who counts as reliably changed.
///
/// ```
/// use trialstats::effects::ReliableChange;
///
/// // Test-retest r = .78 with SD 10: a change of more than 13.0 points.
/// let points = ReliableChange::caps5_retest().threshold_given().unwrap();
/// assert_eq!(format!("{points:.1}"), "13.0");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ReliableChange {
    /// Its name in tables.
    pub name: String,
    /// The change that counts.
    pub threshold: Threshold,
    /// The direction of improvement; falling scores for all presets.
    pub improvement: Positive,
}

impl ReliableChange {
    /// A custom rule; improvement is a falling score unless [`ReliableChange::improvement`] says otherwise.
    pub fn new(name: impl Into<String>, threshold: Threshold) -> Self {
        Self { name: name.into(), threshold, improvement: Positive::Fall }
    }

    /// CAPS-5, 12 points or more: the smaller of the two thresholds of Marx et al. (2022).
    pub fn caps5_12_points() -> Self {
        Self::new("CAPS-5: 12 points or more (Marx et al. 2022)", Threshold::Points(12.0))
    }

    /// CAPS-5, 13 points or more: the larger of the two thresholds of Marx et al. (2022), from their other sample.
    pub fn caps5_13_points() -> Self {
        Self::new("CAPS-5: 13 points or more (Marx et al. 2022)", Threshold::Points(13.0))
    }

    /// CAPS-5, the reliable change index with test-retest reliability .78 and a standard deviation of 10: more than
    /// 13.0 points.
    pub fn caps5_retest() -> Self {
        let threshold = Threshold::Reliability { reliability: 0.78, sd: 10.0, level: 0.95 };
        Self::new("CAPS-5: reliable change index, test-retest r = .78, SD 10", threshold)
    }

    /// Which direction is improvement.
    pub fn improvement(mut self, improvement: Positive) -> Self {
        self.improvement = improvement;
        self
    }

    /// The threshold in points where no data are needed for it.
    pub fn threshold_given(&self) -> Option<f64> {
        match self.threshold {
            Threshold::Points(points) => Some(points),
            Threshold::Reliability { reliability, sd, level } => Some(index_threshold(reliability, sd, level)),
            Threshold::ReliabilityAtBaseline { .. } => None,
        }
    }

    /// Improved, unchanged and deteriorated patients per arm and visit.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an outcome that the trial lacks; [`Error::Invalid`] where there is no baseline or the
    /// threshold makes no sense.
    pub fn evaluate(&self, trial: &Trial, outcome: &str) -> Result<ReliableChanges> {
        self.evaluate_with(trial, outcome, &BaselineFrom::Visit)
    }

    /// The same with the baseline taken from elsewhere than the baseline visit.
    ///
    /// # Errors
    /// As [`ReliableChange::evaluate`].
    pub fn evaluate_with(&self, trial: &Trial, outcome: &str, baseline: &BaselineFrom) -> Result<ReliableChanges> {
        let scores = Scores::new(trial, outcome, baseline)?;
        self.check()?;
        let points = self.points(&scores)?;
        let randomized = trial.randomized();
        let mut rows = vec![];
        for visit in scores.visits() {
            for (arm, name) in trial.arms().iter().enumerate() {
                let improvements = scores.changes(arm, visit)?.into_iter().map(|change| self.improvement.sign() * change);
                let mut row = ReliableChangeRow {
                    visit: trial.schedule().visits()[visit].label.clone(),
                    arm: name.clone(),
                    improved: 0,
                    unchanged: 0,
                    deteriorated: 0,
                    observed: 0,
                    randomized: randomized[arm],
                };
                for improvement in improvements {
                    row.observed += 1;
                    *match (self.exceeds(improvement, points), self.exceeds(-improvement, points)) {
                        (true, _) => &mut row.improved,
                        (_, true) => &mut row.deteriorated,
                        _ => &mut row.unchanged,
                    } += 1;
                }
                rows.push(row);
            }
        }
        Ok(ReliableChanges { outcome: scores.outcome.label.clone(), rows, rule: self.clone(), points })
    }

    fn exceeds(&self, change: f64, points: f64) -> bool {
        match self.threshold {
            Threshold::Points(_) => change >= points,
            _ => change > points,
        }
    }

    fn points(&self, scores: &Scores) -> Result<f64> {
        let points = match (self.threshold, self.threshold_given()) {
            (Threshold::ReliabilityAtBaseline { reliability, level }, _) => {
                let samples = (0..scores.trial.arms().len()).map(|a| scores.baseline_of(a)).collect::<Result<Vec<_>>>()?;
                index_threshold(reliability, pooled(&samples).sd, level)
            }
            (_, given) => given.unwrap_or(f64::NAN),
        };
        if points.is_finite() && points > 0.0 {
            return Ok(points);
        }
        Err(Error::no_data(
            format!("reliable change of `{}`", scores.outcome.name),
            "the baseline scores have no standard deviation",
            "give the threshold in points or with a published standard deviation",
        ))
    }

    fn check(&self) -> Result<()> {
        let fraction = |v: f64| v > 0.0 && v < 1.0;
        let sensible = match self.threshold {
            Threshold::Points(points) => points > 0.0 && points.is_finite(),
            Threshold::Reliability { reliability, sd, level } => fraction(reliability) && fraction(level) && sd > 0.0 && sd.is_finite(),
            Threshold::ReliabilityAtBaseline { reliability, level } => fraction(reliability) && fraction(level),
        };
        if sensible {
            return Ok(());
        }
        Err(Error::out_of_range(
            format!("reliable change `{}`", self.name),
            format!("{:?} is not a threshold", self.threshold),
            "points and SD are positive, reliability and level lie between 0 and 1",
        ))
    }
}

/// z·SD·√(2(1−r)).
fn index_threshold(reliability: f64, sd: f64, level: f64) -> f64 {
    normal::quantile(0.5 + 0.5 * level) * sd * (2.0 * (1.0 - reliability)).sqrt()
}

impl fmt::Display for ReliableChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match self.threshold {
            Threshold::Points(points) => write!(f, "a change of at least {points} points"),
            Threshold::Reliability { reliability, sd, level } => {
                write!(f, "a change beyond z·SD·√(2(1−r)), r = {reliability}, SD = {sd}, level {level}")
            }
            Threshold::ReliabilityAtBaseline { reliability, level } => {
                write!(f, "a change beyond z·SD·√(2(1−r)), r = {reliability}, SD at baseline pooled over arms, level {level}")
            }
        }
    }
}

/// Patients of an arm by the change they made up to a visit.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ReliableChangeRow {
    /// The visit.
    pub visit: String,
    /// The arm.
    pub arm: String,
    /// Reliably improved.
    pub improved: usize,
    /// Neither.
    pub unchanged: usize,
    /// Reliably deteriorated.
    pub deteriorated: usize,
    /// Observed at baseline and at the visit: the sum of the three.
    pub observed: usize,
    /// Randomized to the arm.
    pub randomized: usize,
}

/// Reliable change per visit and arm.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ReliableChanges {
    /// The outcome's label.
    pub outcome: String,
    /// The rows.
    pub rows: Vec<ReliableChangeRow>,
    /// What counts as reliable.
    pub rule: ReliableChange,
    /// The threshold in points.
    pub points: f64,
}

impl Tabular for ReliableChanges {
    fn title(&self) -> String {
        format!("{}: reliable change from baseline", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let share = |count: usize, row: &ReliableChangeRow| count as f64 / row.observed as f64;
        vec![
            Column::text("visit", "Visit", rows().map(|r| &r.visit)),
            Column::text("arm", "Arm", rows().map(|r| &r.arm)),
            Column::count("improved", "Improved", rows().map(|r| r.improved)),
            Column::real("improved_share", "Share", Format::Percent, rows().map(|r| share(r.improved, r))),
            Column::count("unchanged", "Unchanged", rows().map(|r| r.unchanged)),
            Column::real("unchanged_share", "Share", Format::Percent, rows().map(|r| share(r.unchanged, r))),
            Column::count("deteriorated", "Deteriorated", rows().map(|r| r.deteriorated)),
            Column::real("deteriorated_share", "Share", Format::Percent, rows().map(|r| share(r.deteriorated, r))),
            Column::count("observed", "Observed", rows().map(|r| r.observed)),
            Column::count("randomized", "Randomized", rows().map(|r| r.randomized)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let direction = match self.rule.improvement {
            Positive::Fall => "falling",
            Positive::Rise => "rising",
        };
        vec![
            format!("{}: {:.2} points here; improvement is a {direction} score.", self.rule, self.points),
            "Shares are of the patients observed at baseline and at the visit; the others are not counted in any class.".into(),
        ]
    }
}

display_as_table!(ReliableChanges);
