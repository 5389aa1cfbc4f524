//! The table of standardised means, differences and ratios.

use super::population::{PopulationMean, PopulationOptions};
use super::population_covariance::{AtVisit, Averaged};
use crate::dist;
use crate::error::Result;
use crate::estimates::Link;
use crate::level::{check_level, percent};
use crate::means::{arm_pairs, unobserved};
use crate::options::choices;
use crate::table::{Column, Format, Tabular, agreeing, by_reason, display_as_table};
use crate::trial::{Labelled, Trial, labelled};

/// What a row of [`PopulationMeans`] is.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PopulationMeasure {
    /// The mean of an arm; of a binary outcome, its probability.
    Mean,
    /// The difference of two means; of probabilities, the risk difference.
    Difference,
    /// The ratio of two means; of probabilities, the risk ratio.
    Ratio,
    /// The ratio of the odds of two probabilities.
    OddsRatio,
}

choices! {
    PopulationMeasure, "measure of a population":
    Mean = "mean", ["probability"], "the mean of an arm; of a binary outcome, its probability";
    Difference = "difference", ["risk-difference"], "the difference of two means";
    Ratio = "ratio", ["risk-ratio"], "the ratio of two means";
    OddsRatio = "odds-ratio", [], "the ratio of the odds of two probabilities";
}

/// The standardised mean of an arm at a visit, or a comparison of two.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PopulationEstimate {
    /// What it is.
    pub measure: PopulationMeasure,
    /// The arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// The arm that it is compared with, where it is a comparison.
    #[serde(flatten, serialize_with = "labelled::fields::versus_if_any")]
    pub versus: Option<Labelled>,
    /// The visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit_if_any")]
    pub visit: Option<Labelled>,
    /// The estimate; NaN where there is none.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// The standard error of its logarithm, of a ratio; NaN otherwise.
    pub se_log: f64,
    /// Degrees of freedom; infinite for the normal distribution.
    pub df: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// The estimate over its standard error, of a ratio on the scale of the logarithm; NaN of a mean.
    pub statistic: f64,
    /// Two-sided p-value of no difference, or a ratio of one; NaN of a mean.
    pub p: f64,
    /// Why there is no estimate, where there is none.
    pub not_estimable: Option<String>,
}

/// Means standardised over a population, with differences, ratios and odds ratios.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PopulationMeans {
    /// The outcome.
    pub outcome: String,
    /// Whether the means are probabilities.
    pub is_probability: bool,
    /// Visit by visit: the mean of every arm, then the comparisons of each pair.
    pub rows: Vec<PopulationEstimate>,
    /// How they were made.
    pub options: PopulationOptions,
    /// How many patients they are averaged over.
    pub patients: usize,
    pub(super) notes: Vec<String>,
}

/// The standardised means of every arm at every analysed visit, and the comparisons that `options` ask for.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) where the mean model lacks the arm, or for an arm, visit or stratification
/// factor that is not there; [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1), strata without a
/// scheme, Ye's variance of outcomes that are not one per patient, and where no patient has all covariates.
pub fn population_means(of: &dyn PopulationMean, trial: &Trial, options: &PopulationOptions) -> Result<PopulationMeans> {
    check_level(options.level)?;
    let averaged = Averaged::new(of, trial, options)?;
    let pairs = if averaged.arms.len() > 1 { arm_pairs(&averaged.arms, &options.arms)? } else { vec![] };
    let mut rows = vec![];
    for visit in &averaged.visits {
        let at = averaged.at(visit)?;
        let table = Rows { of, at: &at, visit: visit.visit(), level: options.level };
        let arm = |a: usize| averaged.arms[a].arm().unwrap_or_else(|| Labelled { index: a, label: averaged.arms[a].label.clone() });
        rows.extend((0..averaged.arms.len()).map(|a| table.mean(a, arm(a))));
        for &(a, b) in &pairs {
            let measures = [PopulationMeasure::Difference, PopulationMeasure::Ratio, PopulationMeasure::OddsRatio];
            let shown = measures.into_iter().filter(|m| *m != PopulationMeasure::OddsRatio || of.is_probability());
            rows.extend(shown.map(|measure| table.comparison(measure, (a, arm(a)), (b, arm(b)))));
        }
    }
    let mut notes = of.notes();
    notes.extend(averaged.notes());
    notes.push(interval_note(of, options.level));
    notes.extend(by_reason(averaged.left_out.iter().map(|(patient, why)| (patient.clone(), why.as_str()))).into_iter().map(
        |(why, patients)| {
            format!("{} of the patients randomized {} not averaged over: {why}.", patients.len(), agreeing(patients.len(), "is", "are"))
        },
    ));
    notes.extend(unobserved(of.columns()));
    Ok(PopulationMeans {
        outcome: of.columns().outcome().into(),
        is_probability: of.is_probability(),
        rows,
        options: options.clone(),
        patients: averaged.patients.len(),
        notes,
    })
}

fn interval_note(of: &dyn PopulationMean, level: f64) -> String {
    let (mean, ratios) = match (of.is_probability(), of.link()) {
        (true, _) => ("on the scale of the log odds", "risk and odds ratios"),
        (false, Link::Log) => ("on the scale of the logarithm", "ratios"),
        (false, _) => ("on their own scale", "ratios"),
    };
    format!(
        "{} limits: of means {mean}, of differences on their own scale, of {ratios} on the scale of the logarithm, where their SE is too.",
        percent(level)
    )
}

/// What makes the rows of a visit.
struct Rows<'a> {
    of: &'a dyn PopulationMean,
    at: &'a AtVisit,
    visit: Option<Labelled>,
    level: f64,
}

impl Rows<'_> {
    fn mean(&self, a: usize, arm: Labelled) -> PopulationEstimate {
        let mut row = PopulationEstimate::blank(PopulationMeasure::Mean, arm, None, self.visit.clone());
        let found = match self.at.mean(a) {
            Ok(found) => found,
            Err(why) => return PopulationEstimate { not_estimable: Some(why), ..row },
        };
        (row.estimate, row.se) = (found, self.at.variance(&[(a, 1.0)]).max(0.0).sqrt());
        row.df = self.at.df(self.of, &[(a, 1.0)]);
        let scale = match (self.of.is_probability(), self.of.link()) {
            (true, _) => Link::Logit,
            (false, Link::Log) => Link::Log,
            (false, _) => Link::Identity,
        };
        // Of a probability of zero or one, as all who were observed may have it, no standard error is left.
        let half = quantile(self.level, row.df) * row.se / scale.slope(scale.apply(found));
        let limit = |sign: f64| if row.se == 0.0 { found } else { scale.inverse(scale.apply(found) + sign * half) };
        (row.lower, row.upper) = (limit(-1.0), limit(1.0));
        row
    }

    fn comparison(&self, measure: PopulationMeasure, (a, arm): (usize, Labelled), (b, versus): (usize, Labelled)) -> PopulationEstimate {
        let mut row = PopulationEstimate::blank(measure, arm, Some(versus), self.visit.clone());
        let (first, second) = match (self.at.mean(a), self.at.mean(b)) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(why), _) | (_, Err(why)) => return PopulationEstimate { not_estimable: Some(why), ..row },
        };
        // d log(odds) = dp / (p (1 − p)), d log(p) = dp / p.
        let (value, slopes, is_ratio) = match measure {
            PopulationMeasure::Ratio => (first / second, (1.0 / first, 1.0 / second), true),
            PopulationMeasure::OddsRatio => {
                let odds = |p: f64| p / (1.0 - p);
                (odds(first) / odds(second), (1.0 / (first * (1.0 - first)), 1.0 / (second * (1.0 - second))), true)
            }
            _ => (first - second, (1.0, 1.0), false),
        };
        let weights = [(a, slopes.0), (b, -slopes.1)];
        let se = self.at.variance(&weights).max(0.0).sqrt();
        if is_ratio && !(value > 0.0 && value.is_finite() && se.is_finite()) {
            let why = "a mean is at the end of its range, so that the ratio has no logarithm".to_string();
            return PopulationEstimate { not_estimable: Some(why), ..row };
        }
        row.estimate = value;
        row.df = self.at.df(self.of, &weights);
        let on_scale = if is_ratio { value.ln() } else { value };
        (row.se, row.se_log) = if is_ratio { (value * se, se) } else { (se, f64::NAN) };
        row.statistic = on_scale / se;
        row.p = dist::t::two_sided_p(row.statistic, row.df);
        let half = quantile(self.level, row.df) * se;
        let limit = |x: f64| if is_ratio { x.exp() } else { x };
        (row.lower, row.upper) = (limit(on_scale - half), limit(on_scale + half));
        row
    }
}

fn quantile(level: f64, df: f64) -> f64 {
    dist::t::quantile(0.5 + 0.5 * level, df)
}

impl PopulationEstimate {
    fn blank(measure: PopulationMeasure, arm: Labelled, versus: Option<Labelled>, visit: Option<Labelled>) -> Self {
        let nan = f64::NAN;
        Self {
            measure,
            arm,
            versus,
            visit,
            estimate: nan,
            se: nan,
            se_log: nan,
            df: nan,
            lower: nan,
            upper: nan,
            statistic: nan,
            p: nan,
            not_estimable: None,
        }
    }

    /// What it is of, without the visit: `TRT`, `TRT - PBO`, `TRT / PBO`.
    pub fn what(&self) -> String {
        match (&self.versus, self.measure) {
            (None, _) => self.arm.to_string(),
            (Some(versus), PopulationMeasure::Ratio | PopulationMeasure::OddsRatio) => format!("{} / {versus}", self.arm),
            (Some(versus), _) => format!("{} - {versus}", self.arm),
        }
    }
}

impl PopulationMeasure {
    /// How tables put it.
    pub fn words(self, is_probability: bool) -> &'static str {
        match (self, is_probability) {
            (PopulationMeasure::Mean, true) => "probability",
            (PopulationMeasure::Mean, false) => "mean",
            (PopulationMeasure::Difference, true) => "risk difference",
            (PopulationMeasure::Difference, false) => "difference",
            (PopulationMeasure::Ratio, true) => "risk ratio",
            (PopulationMeasure::Ratio, false) => "ratio",
            (PopulationMeasure::OddsRatio, _) => "odds ratio",
        }
    }
}

impl PopulationMeans {
    /// The mean of an arm at a visit, by their positions in the trial.
    pub fn mean(&self, arm: usize, visit: usize) -> Option<&PopulationEstimate> {
        self.at_visit(visit).find(|r| r.versus.is_none() && r.arm.index == arm)
    }

    /// A comparison of an arm with another at a visit, by their positions in the trial.
    pub fn compared(&self, measure: PopulationMeasure, arm: usize, versus: usize, visit: usize) -> Option<&PopulationEstimate> {
        let is_pair = |r: &&PopulationEstimate| r.arm.index == arm && r.versus.as_ref().is_some_and(|v| v.index == versus);
        self.at_visit(visit).filter(is_pair).find(|r| r.measure == measure)
    }

    fn at_visit(&self, visit: usize) -> impl Iterator<Item = &PopulationEstimate> {
        self.rows.iter().filter(move |r| r.visit.as_ref().is_some_and(|v| v.index == visit))
    }
}

impl Tabular for PopulationMeans {
    fn title(&self) -> String {
        let what = if self.is_probability { "Probabilities" } else { "Means" };
        format!("{what} of {} in the population", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let number =
            |name, heading: &str, get: fn(&PopulationEstimate) -> f64| Column::real(name, heading, Format::Decimals(4), rows().map(get));
        let mut columns = vec![
            Column::text("of", "Arm or comparison", rows().map(PopulationEstimate::what)),
            Column::text("visit", "Visit", rows().map(|r| r.visit.as_deref().unwrap_or(""))),
            Column::text("measure", "Measure", rows().map(|r| r.measure.words(self.is_probability))),
            number("estimate", "Estimate", |r| r.estimate),
            number("se", "SE", |r| if r.se_log.is_nan() { r.se } else { r.se_log }),
        ];
        if rows().any(|r| r.df.is_finite()) {
            columns.push(Column::real("df", "df", Format::Df, rows().map(|r| r.df)));
        }
        columns.extend([
            number("lower", &format!("Lower {}", percent(self.options.level)), |r| r.lower),
            number("upper", &format!("Upper {}", percent(self.options.level)), |r| r.upper),
            Column::real("p", "p", Format::Probability, rows().map(|r| r.p)),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let place = |r: &PopulationEstimate| match &r.visit {
            Some(visit) => format!("{} of {} at {visit}", r.measure.words(self.is_probability), r.what()),
            None => format!("{} of {}", r.measure.words(self.is_probability), r.what()),
        };
        let reasons = self.rows.iter().filter_map(|r| Some((place(r), r.not_estimable.as_deref()?)));
        notes.extend(by_reason(reasons).into_iter().map(|(why, places)| format!("Not estimable: {} ({why}).", places.join(", "))));
        notes
    }
}

display_as_table!(PopulationMeans);
