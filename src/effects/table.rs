//! [`EffectSizes`]: the table of effect sizes, and how one row of it is computed.

use super::deviation::{Deviation, Target};
use super::options::{Denominator, EffectOptions, GroupSize, IntervalMethod};
use super::scores::Scores;
use super::{BootstrapSummary, Positive};
use crate::Fit;
use crate::dist::{noncentral_t, normal};
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, display_as_table};

/// A difference in units of the outcome, waiting to be standardized: an arm's change from baseline, or an arm's
/// difference from another.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The arm.
    pub arm: String,
    /// The arm it is compared with; `None` for a change from baseline.
    pub versus: Option<String>,
    /// The visit.
    pub visit: String,
    /// Visit less baseline, or arm less the other arm.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom of its t statistic; infinite for the normal.
    pub df: f64,
    /// Why there is no estimate, where there is none; the numbers are then NaN.
    pub not_estimable: Option<String>,
}

/// One effect size.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EffectSize {
    /// The arm.
    pub arm: String,
    /// The arm it is compared with; `None` for a change from baseline.
    pub versus: Option<String>,
    /// The visit.
    pub visit: String,
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

/// Effect sizes within or between arms, one a row.
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
    fit: Option<&Fit>,
    differences: &[Difference],
    source: Source,
    options: &EffectOptions,
) -> Result<EffectSizes> {
    options.check()?;
    let mut rows = vec![];
    let mut remarks = vec![];
    for difference in differences {
        let target = target_of(scores, difference)?;
        let deviation = Deviation::of(options.denominator, scores, fit, target)?;
        let row = row(scores, difference, target, deviation, options);
        remarks.extend(remark(&row, difference.not_estimable.as_deref()));
        rows.push(row);
    }
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

fn target_of(scores: &Scores, difference: &Difference) -> Result<Target> {
    let arms = scores.trial.arms();
    let arm = |name: &String| arms.iter().position(|a| a == name).ok_or_else(|| Error::unknown("arm", name, arms));
    Ok(Target {
        arm: arm(&difference.arm)?,
        versus: difference.versus.as_ref().map(arm).transpose()?,
        visit: scores.trial.schedule().index_of(&difference.visit)?,
    })
}

fn row(scores: &Scores, difference: &Difference, target: Target, deviation: Deviation, options: &EffectOptions) -> EffectSize {
    let randomized = scores.trial.randomized();
    let observed = |arm: usize| match (target.versus, scores.change(arm, target.visit)) {
        (None, Ok(change)) => change.n,
        _ => scores.at_visit(arm, target.visit).n,
    };
    let mut row = EffectSize {
        arm: difference.arm.clone(),
        versus: difference.versus.clone(),
        visit: difference.visit.clone(),
        difference: options.positive.sign() * difference.estimate,
        se: difference.se,
        df: difference.df,
        sd: deviation.sd,
        sd_df: deviation.df,
        sd_n: deviation.n,
        effect: f64::NAN,
        lower: f64::NAN,
        upper: f64::NAN,
        observed: observed(target.arm),
        observed_versus: target.versus.map(observed),
        randomized: randomized[target.arm],
        randomized_versus: target.versus.map(|a| randomized[a]),
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
fn remark(row: &EffectSize, not_estimable: Option<&str>) -> Option<String> {
    let why = if let Some(reason) = not_estimable {
        reason
    } else if row.difference.is_nan() {
        "too few patients were observed to estimate a difference"
    } else if row.sd.is_nan() {
        "too few patients were observed to estimate the standard deviation"
    } else if row.sd == 0.0 {
        "the standard deviation is zero"
    } else if row.effect.is_nan() {
        "the degrees of freedom of the standard deviation do not allow the correction"
    } else {
        return None;
    };
    Some(format!("{}: no effect size, because {why}.", row.place()))
}

impl EffectSize {
    /// Whether it is of the same arms and visit as another.
    pub(super) fn is_of(&self, other: &EffectSize) -> bool {
        (&self.arm, &self.versus, &self.visit) == (&other.arm, &other.versus, &other.visit)
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
            vec![Column::text("visit", "Visit", rows().map(|r| &r.visit)), Column::text("arm", "Arm", rows().map(|r| &r.arm))];
        if self.between() {
            columns.push(Column::text("versus", "Versus", rows().map(|r| r.versus.clone().unwrap_or_default())));
        }
        columns.extend([
            Column::real("difference", "Difference", Format::Decimals(2), rows().map(|r| r.difference)),
            Column::real("se", "SE", Format::Decimals(2), rows().map(|r| r.se)),
            Column::real("sd", "SD", Format::Decimals(2), rows().map(|r| r.sd)),
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
