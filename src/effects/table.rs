//! [`EffectSizes`]: the table of effect sizes, and how one row of it is computed.

use super::deviation::Deviation;
use super::options::{Denominator, EffectOptions, GroupSize, IntervalMethod};
use super::placed::{Placed, Target};
use super::scores::Scores;
use super::{BootstrapSummary, Positive};
use crate::dist::{noncentral_t, normal};
use crate::error::Result;
use crate::estimates::Estimates;
use crate::table::{Column, Format, Tabular, by_reason, display_as_table};
use crate::trial::{Labelled, labelled};

/// A difference in units of the outcome, waiting to be standardized: an arm's change from baseline, or an arm's
/// difference from another. Arms and visit are named as the trial names them.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The arm.
    pub arm: String,
    /// The arm it is compared with; `None` for a change from baseline.
    pub versus: Option<String>,
    /// The visit.
    pub visit: String,
    /// Visit minus baseline, or arm minus the other arm.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom of its t statistic; infinite for the normal.
    pub df: f64,
    /// Why there is no estimate, where there is none; the numbers are then NaN.
    pub not_estimable: Option<String>,
}

/// One effect size.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EffectSize {
    /// The arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// The arm it is compared with; `None` for a change from baseline.
    #[serde(flatten, serialize_with = "labelled::fields::versus_if_any")]
    pub versus: Option<Labelled>,
    /// The visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit")]
    pub visit: Labelled,
    /// The difference in units of the outcome, with the sign of the table.
    pub difference: f64,
    /// Its standard error.
    pub se: f64,
    /// Its degrees of freedom.
    pub df: f64,
    /// The standard deviation divided by.
    pub sd: f64,
    /// Degrees of freedom ν of that standard deviation.
    pub sd_df: f64,
    /// Patients it was estimated from.
    pub sd_n: usize,
    /// The effect size, corrected where the table says so. NaN where it cannot be had; the notes say why.
    pub effect: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// Patients of the arm observed at the visit, and at baseline too where the effect is a change.
    pub observed: usize,
    /// Patients of the other arm so observed.
    pub observed_versus: Option<usize>,
    /// Patients randomized to the arm.
    pub randomized: usize,
    /// Patients randomized to the other arm.
    pub randomized_versus: Option<usize>,
}

/// Where the differences come from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Means of the observed scores.
    RawData,
    /// A model's estimates; the model's own notes.
    Model(Vec<String>),
    /// Estimates handed in from elsewhere.
    Estimates,
}

/// How the limits of a table were made.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limits {
    /// By a formula.
    Formula(IntervalMethod),
    /// By resampling patients.
    Bootstrap(BootstrapSummary),
}

/// Effect sizes within or between arms, one per row.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct EffectSizes {
    /// The outcome's label.
    pub outcome: String,
    /// The effect sizes.
    pub rows: Vec<EffectSize>,
    /// Where the differences come from.
    pub source: Source,
    /// What was divided by.
    pub denominator: Denominator,
    /// Cohen's d or Hedges' g.
    pub correction: super::Correction,
    /// How the limits were made.
    pub limits: Limits,
    /// Confidence level.
    pub level: f64,
    /// What a positive effect size means.
    pub positive: Positive,
    /// Which rows have no effect size, and why.
    pub remarks: Vec<String>,
}

/// Standardizes differences: the one way by which every effect size of this module is made.
pub(super) fn standardize(
    scores: &Scores,
    estimates: Option<&dyn Estimates>,
    differences: &[Placed],
    source: Source,
    options: &EffectOptions,
) -> Result<EffectSizes> {
    options.check()?;
    let row = |difference: &Placed| {
        let deviation = Deviation::of(options.denominator, scores, estimates, &difference.target)?;
        Ok(row(scores, difference, deviation, options))
    };
    let rows = differences.iter().map(row).collect::<Result<Vec<EffectSize>>>()?;
    // The notes of a model name arms and visits without observations themselves.
    let told = estimates.map_or(vec![], |of| of.columns().unobserved());
    let missing = rows.iter().zip(differences).filter_map(|(row, difference)| Some((row.place(), reason(row, difference)?)));
    let untold = missing.filter(|(_, reason)| !told.iter().any(|of| of.reason == *reason));
    let remark = |(reason, places): (&str, Vec<String>)| format!("{}: no effect size, because {reason}.", places.join("; "));
    let remarks = by_reason(untold).into_iter().map(remark).collect();
    Ok(EffectSizes {
        outcome: scores.outcome.label.clone(),
        rows,
        source,
        denominator: options.denominator,
        correction: options.correction,
        limits: Limits::Formula(options.interval),
        level: options.level.0,
        positive: options.positive,
        remarks,
    })
}

pub(super) fn row(scores: &Scores, difference: &Placed, deviation: Deviation, options: &EffectOptions) -> EffectSize {
    let Target { arm, versus, visit } = &difference.target;
    let randomized = scores.trial.randomized();
    let observed = |arm: &Labelled| match (versus, scores.change(arm.index, visit.index)) {
        (None, Ok(change)) => change.n,
        _ => scores.at_visit(arm.index, visit.index).n,
    };
    let mut row = EffectSize {
        arm: arm.clone(),
        versus: versus.clone(),
        visit: visit.clone(),
        difference: options.positive.sign() * difference.estimate,
        se: if difference.estimate.is_nan() { f64::NAN } else { difference.se },
        df: if difference.estimate.is_nan() { f64::NAN } else { difference.df },
        sd: deviation.sd,
        sd_df: deviation.df,
        sd_n: deviation.n,
        effect: f64::NAN,
        lower: f64::NAN,
        upper: f64::NAN,
        observed: observed(arm),
        observed_versus: versus.as_ref().map(observed),
        randomized: randomized[arm.index],
        randomized_versus: versus.as_ref().map(|a| randomized[a.index]),
    };
    // A standard deviation of zero has no effect size; infinities would only hide that.
    if deviation.sd > 0.0 {
        let factor = options.correction.factor(deviation.df);
        let (lower, upper) = limits(&row, options);
        row.effect = factor * row.difference / row.sd;
        (row.lower, row.upper) = (factor * lower, factor * upper);
    }
    row
}

/// The limits of d, before any correction.
fn limits(row: &EffectSize, options: &EffectOptions) -> (f64, f64) {
    let (d, ratio, level) = (row.difference / row.sd, row.se / row.sd, options.level.0);
    let z = normal::quantile(0.5 + 0.5 * level);
    match options.interval {
        IntervalMethod::Delta => {
            let se = delta_se(d, ratio, row.sd_df);
            (d - z * se, d + z * se)
        }
        IntervalMethod::NoncentralT => {
            let (lower, upper) = noncentral_t::ncp_interval(row.difference / row.se, row.df, level);
            (lower * ratio, upper * ratio)
        }
        IntervalMethod::IndependentGroups(size) => {
            let (n1, n2) = match size {
                GroupSize::Randomized => (row.randomized, row.randomized_versus.unwrap_or(row.randomized)),
                GroupSize::Observed => (row.observed, row.observed_versus.unwrap_or(row.observed)),
            };
            let se = independent_groups_se(d, n1 as f64, n2 as f64);
            (d - z * se, d + z * se)
        }
    }
}

/// √((se/s)² + d²/(2ν)), `ratio` being se/s.
fn delta_se(d: f64, ratio: f64, sd_df: f64) -> f64 {
    (ratio * ratio + d * d / (2.0 * sd_df)).sqrt()
}

/// The large-sample standard error of d of two independent groups, √((n₁+n₂)/(n₁n₂) + d²/(2(n₁+n₂))) (Hedges & Olkin
/// 1985, p. 86).
///
/// ```
/// use trialstats::{dist::normal, effects::independent_groups_se};
///
/// // The published interval of an effect of 2.42 in 66 patients: 1.97 to 2.87.
/// let half = normal::quantile(0.975) * independent_groups_se(2.42, 66.0, 66.0);
/// assert_eq!((format!("{:.2}", 2.42 - half), format!("{:.2}", 2.42 + half)), ("1.97".into(), "2.87".into()));
/// ```
pub fn independent_groups_se(d: f64, n1: f64, n2: f64) -> f64 {
    ((n1 + n2) / (n1 * n2) + d * d / (2.0 * (n1 + n2))).sqrt()
}

/// Why a row has no effect size, where it has none.
fn reason<'a>(row: &EffectSize, difference: &'a Placed) -> Option<&'a str> {
    if let Some(reason) = &difference.not_estimable {
        Some(reason)
    } else if row.difference.is_nan() {
        Some("too few patients were observed to estimate a difference")
    } else if row.sd.is_nan() {
        Some("too few patients were observed to estimate the standard deviation")
    } else if row.sd == 0.0 {
        Some("the standard deviation is zero")
    } else if row.effect.is_nan() {
        Some("the degrees of freedom of the standard deviation do not allow the correction")
    } else {
        None
    }
}

impl EffectSize {
    /// Whether it is of the same arms and visit as another.
    pub(crate) fn is_of(&self, other: &EffectSize) -> bool {
        let places = |of: &EffectSize| (of.arm.index, of.versus.as_ref().map(|v| v.index), of.visit.index);
        places(self) == places(other)
    }

    /// The row in words.
    fn place(&self) -> String {
        match &self.versus {
            None => format!("{}, {}", self.arm, self.visit),
            Some(other) => format!("{} − {other}, {}", self.arm, self.visit),
        }
    }
}

impl EffectSizes {
    /// The row of the same arms and visit as another table's.
    pub fn of_same(&self, row: &EffectSize) -> Option<&EffectSize> {
        self.rows.iter().find(|own| own.is_of(row))
    }

    /// The effect sizes alone, in the order of the rows: what a bootstrap resamples.
    pub fn effects(&self) -> Vec<f64> {
        self.rows.iter().map(|r| r.effect).collect()
    }

    fn between(&self) -> bool {
        self.rows.iter().any(|r| r.versus.is_some())
    }

    fn sign_note(&self) -> String {
        let (direction, comparison) = match self.positive {
            Positive::Rise => ("rose", "higher"),
            Positive::Fall => ("fell", "lower"),
        };
        if self.between() {
            format!("Positive: the score is {comparison} in the arm than in the one it is compared with.")
        } else {
            format!("Positive: the score {direction} from baseline.")
        }
    }

    /// Why rows with an effect size lack limits.
    fn missing_limits(&self) -> Vec<String> {
        let why = match &self.limits {
            Limits::Formula(_) => "the standard error is zero, or the degrees of freedom of the standard deviation are not known",
            Limits::Bootstrap(_) => "all replicates lie on one side of it",
        };
        let missing = self.rows.iter().filter(|r| !r.effect.is_nan() && (r.lower.is_nan() || r.upper.is_nan()));
        missing.map(|r| format!("{}: no limits, because {why}.", r.place())).collect()
    }

    /// What n and N are.
    fn counts_note(&self) -> String {
        if self.between() {
            "n₁, n₂: patients of the arm and of the one it is compared with who were observed at the visit; N₁, N₂: randomized.".into()
        } else {
            "n: patients observed at the visit and at baseline; N: randomized.".into()
        }
    }

    fn limits_note(&self) -> String {
        let percent = format!("{:.3}", 100.0 * self.level);
        let percent = percent.trim_end_matches('0').trim_end_matches('.');
        let how = match &self.limits {
            Limits::Formula(method) => method.words().to_string(),
            Limits::Bootstrap(summary) => summary.to_string(),
        };
        format!("Lower, upper: {percent}% interval; {how}.")
    }
}

impl Tabular for EffectSizes {
    fn title(&self) -> String {
        let kind = if self.between() { "between arms" } else { "within arms: change from baseline" };
        format!("{}: standardized effects {kind}", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let mut columns =
            vec![Column::text("visit", "Visit", rows().map(|r| &r.visit.label)), Column::text("arm", "Arm", rows().map(|r| &r.arm.label))];
        if self.between() {
            columns.push(Column::text("versus", "Versus", rows().map(|r| r.versus.as_deref().unwrap_or(""))));
        }
        let by_error = Format::of_errors(rows().map(|r| r.se));
        columns.extend([
            Column::real("difference", "Difference", by_error, rows().map(|r| r.difference)),
            Column::real("se", "SE", by_error, rows().map(|r| r.se)),
            Column::real("sd", "SD", by_error, rows().map(|r| r.sd)),
            Column::real("effect", self.correction.letter(), Format::Decimals(2), rows().map(|r| r.effect)),
            Column::real("lower", "Lower", Format::Decimals(2), rows().map(|r| r.lower)),
            Column::real("upper", "Upper", Format::Decimals(2), rows().map(|r| r.upper)),
        ]);
        let named = if self.between() { ["n₁", "n₂", "N₁", "N₂"] } else { ["n", "", "N", ""] };
        let count = |value: Option<usize>| value.map_or(f64::NAN, |n| n as f64);
        columns.push(Column::count("observed", named[0], rows().map(|r| r.observed)));
        if self.between() {
            columns.push(Column::real("observed_versus", named[1], Format::Decimals(0), rows().map(|r| count(r.observed_versus))));
        }
        columns.push(Column::count("randomized", named[2], rows().map(|r| r.randomized)));
        if self.between() {
            columns.push(Column::real("randomized_versus", named[3], Format::Decimals(0), rows().map(|r| count(r.randomized_versus))));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!(
            "{}: difference over SD; {}. SD: {}.",
            self.correction.letter(),
            self.correction.words(),
            self.denominator.words()
        )];
        let dfs: Vec<f64> = self.rows.iter().map(|r| r.sd_df).filter(|v| v.is_finite()).collect();
        if let (Some(low), Some(high)) = (dfs.iter().copied().reduce(f64::min), dfs.iter().copied().reduce(f64::max)) {
            let range =
                if high - low < 0.05 { Format::Df.apply(low) } else { format!("{} to {}", Format::Df.apply(low), Format::Df.apply(high)) };
            notes.push(format!("Degrees of freedom ν of the SD: {range}."));
        }
        notes.push(self.limits_note());
        notes.push(self.sign_note());
        notes.push(self.counts_note());
        match &self.source {
            Source::RawData => notes.push("Differences: of the means of observed scores; nothing is imputed.".into()),
            Source::Model(model) => {
                notes.push("Differences: estimated by the model.".into());
                notes.extend(model.iter().cloned());
            }
            Source::Estimates => notes.push("Differences: estimates given.".into()),
        }
        notes.extend(self.remarks.iter().cloned());
        notes.extend(self.missing_limits());
        notes
    }
}

display_as_table!(EffectSizes);
