//! What became of many trials: power or type I error, bias, coverage, standard errors, failures.

use super::procedure::Answer;
use super::replicates::Replicates;
use crate::table::{Column, Format, Tabular, counted, display_as_table};
use std::collections::BTreeMap;

/// A share of trials, with its Monte-Carlo standard error.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Share {
    /// The share.
    pub share: f64,
    /// √(share (1 − share)/trials).
    pub error: f64,
}

impl Share {
    /// `met` of `of` trials.
    pub fn of(met: usize, of: usize) -> Self {
        let share = met as f64 / of as f64;
        Self { share, error: (share * (1.0 - share) / of as f64).sqrt() }
    }

    /// Wilson's 95% interval for what the share estimates.
    pub fn interval(&self, trials: usize) -> (f64, f64) {
        let (z, n, p) = (crate::dist::normal::quantile(0.975), trials as f64, self.share);
        let (centre, half) = (p + z * z / (2.0 * n), z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt());
        ((centre - half) / (1.0 + z * z / n), (centre + half) / (1.0 + z * z / n))
    }

    fn shown(self) -> String {
        format!("{:.2} ({:.2})", 100.0 * self.share, 100.0 * self.error)
    }
}

/// What became of the trials under one question.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Characteristics {
    /// The question.
    pub name: String,
    /// Trials made.
    pub trials: usize,
    /// Failures by name.
    pub failures: BTreeMap<String, usize>,
    /// Share of the trials with an answer in which it succeeded: power where there is an effect, type I error where there is
    /// none.
    pub successes: Share,
    /// Share of the intervals that contain the truth; NaN where it is not known.
    pub coverage: Share,
    /// The truth; NaN where it is not known.
    pub truth: f64,
    /// Its Monte-Carlo standard error, where it is the mean of a large draw; 0 where it is known exactly.
    pub truth_error: f64,
    /// Mean of the estimates.
    pub mean_estimate: f64,
    /// Standard deviation of the estimates.
    pub empirical_sd: f64,
    /// Mean of the standard errors.
    pub mean_se: f64,
    /// Median of the degrees of freedom.
    pub median_df: f64,
    /// Share of the fits in which the variance of a random effect was estimated as zero.
    pub boundary: Share,
    /// Share of the fits with another covariance structure than the first.
    pub fallback: Share,
    /// Mean of the estimated shares of variance between clusters; NaN where there are none.
    pub mean_between: f64,
}

impl Characteristics {
    /// Those of some answers.
    pub fn of<'a>(name: impl Into<String>, truth: f64, answers: impl IntoIterator<Item = Result<&'a Answer, &'a str>>) -> Self {
        let (mut failures, mut found, mut trials) = (BTreeMap::new(), vec![], 0);
        for answer in answers {
            trials += 1;
            match answer {
                Ok(answer) => found.push(*answer),
                Err(failure) => *failures.entry(failure.to_string()).or_insert(0) += 1,
            }
        }
        let n = found.len() as f64;
        let mean = |of: &dyn Fn(&Answer) -> f64| found.iter().map(of).sum::<f64>() / n;
        let share = |is: &dyn Fn(&Answer) -> bool| Share::of(found.iter().filter(|a| is(a)).count(), found.len());
        let mean_estimate = mean(&|a| a.estimate);
        let squares = mean(&|a| (a.estimate - mean_estimate).powi(2));
        let covers = share(&|a| a.interval.0 <= truth && truth <= a.interval.1);
        let unknown = Share { share: f64::NAN, error: f64::NAN };
        Self {
            name: name.into(),
            trials,
            failures,
            successes: share(&|a| a.success),
            coverage: if truth.is_nan() { unknown } else { covers },
            truth,
            truth_error: 0.0,
            mean_estimate,
            empirical_sd: (squares * n / (n - 1.0)).sqrt(),
            mean_se: mean(&|a| a.se),
            median_df: median(found.iter().map(|a| a.df)),
            boundary: share(&|a| a.boundary),
            fallback: share(&|a| a.fallback),
            mean_between: mean(&|a| a.between),
        }
    }

    /// Trials with an answer.
    pub fn answered(&self) -> usize {
        self.trials - self.failures.values().sum::<usize>()
    }

    /// Mean of the estimates minus the truth, and its Monte-Carlo standard error.
    pub fn bias(&self) -> (f64, f64) {
        let of_mean = self.empirical_sd / (self.answered() as f64).sqrt();
        (self.mean_estimate - self.truth, of_mean.hypot(self.truth_error))
    }

    /// Mean standard error over the standard deviation of the estimates, and its Monte-Carlo standard error (that of the
    /// latter).
    pub fn se_ratio(&self) -> (f64, f64) {
        let ratio = self.mean_se / self.empirical_sd;
        (ratio, ratio / (2.0 * (self.answered() as f64 - 1.0)).sqrt())
    }

    /// Failures as text: `no-optimum: 3; not-estimable: 1`.
    pub fn failures_text(&self) -> String {
        self.failures.iter().map(|(name, times)| format!("{name}: {times}")).collect::<Vec<_>>().join("; ")
    }
}

/// The upper median, in the order of the numbers.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What became of many trials, question by question.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OperatingCharacteristics {
    /// One row per question.
    pub rows: Vec<Characteristics>,
    /// Mean share of patients without the last visit.
    pub left: f64,
}

impl OperatingCharacteristics {
    pub(super) fn of(replicates: &Replicates) -> Self {
        let row = |(k, name): (usize, &String)| {
            let found = Characteristics::of(name, replicates.truths[k], replicates.answers(k));
            Characteristics { truth_error: replicates.truth_errors[k], ..found }
        };
        let left = replicates.trials.iter().map(|r| r.left).sum::<f64>() / replicates.trials.len() as f64;
        Self { rows: replicates.names.iter().enumerate().map(row).collect(), left }
    }
}

impl Tabular for OperatingCharacteristics {
    fn title(&self) -> String {
        "Operating characteristics".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = &self.rows;
        let of = |f: &dyn Fn(&Characteristics) -> f64| rows.iter().map(f).collect::<Vec<_>>();
        let shown = |of: &dyn Fn(&Characteristics) -> Share| {
            rows.iter().map(|row| if of(row).share.is_nan() { String::new() } else { of(row).shown() }).collect::<Vec<_>>()
        };
        let ratio = rows.iter().map(|row| {
            let (ratio, error) = row.se_ratio();
            if ratio.is_nan() { String::new() } else { format!("{ratio:.3} ({error:.3})") }
        });
        let mut columns = vec![
            Column::text("question", "", rows.iter().map(|r| r.name.as_str())),
            Column::text("successes", "Success, %", shown(&|r| r.successes)),
            Column::significant("truth", "Truth", 2, of(&|r| r.truth)),
            Column::by_error("bias", "Bias", of(&|r| r.bias().0), of(&|r| r.bias().1)),
            Column::text("coverage", "Coverage, %", shown(&|r| r.coverage)),
            Column::significant("empirical_sd", "SD of estimates", 2, of(&|r| r.empirical_sd)),
            Column::text("se_ratio", "Mean SE / SD", ratio),
            Column::real("median_df", "Median df", Format::Df, of(&|r| if r.median_df.is_finite() { r.median_df } else { f64::NAN })),
            Column::count("answered", "Answered", rows.iter().map(Characteristics::answered)),
        ];
        if rows.iter().any(|r| r.truth_error > 0.0) {
            columns.insert(3, Column::significant("truth_error", "its MC error", 2, of(&|r| r.truth_error)));
        }
        if rows.iter().any(|r| r.boundary.share > 0.0) {
            columns.push(Column::text("boundary", "Variance at zero, %", shown(&|r| r.boundary)));
        }
        if rows.iter().any(|r| r.fallback.share > 0.0) {
            columns.push(Column::text("fallback", "Other covariance, %", shown(&|r| r.fallback)));
        }
        if rows.iter().any(|r| !r.failures.is_empty()) {
            columns.push(Column::text("failures", "Failures", rows.iter().map(Characteristics::failures_text)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let trials = self.rows.first().map_or(0, |row| row.trials);
        let drawn = "A truth with a Monte-Carlo error is the mean of a large draw, each value as the plan's events have it: without missing data, but \
                     for rates of response of which leaving is part.";
        let drawn = self.rows.iter().any(|row| row.truth_error > 0.0).then(|| drawn.to_string());
        let notes = vec![
            format!("{}. In brackets: Monte-Carlo standard errors.", counted(trials, "simulated trial")),
            "Success: a significant difference, a margin kept, or an interval that excludes zero. Trials whose analysis failed are not counted in it."
                .into(),
            format!("{:.1}% of the patients are without the last visit.", 100.0 * self.left),
        ];
        notes.into_iter().chain(drawn).collect()
    }
}

display_as_table!(OperatingCharacteristics);
