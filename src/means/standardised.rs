//! Means standardised over everyone randomized (g-computation).
//!
//! The mean of arm a at visit t is (1/n) Σ_i g⁻¹(x_i(a, t)'β) over the patients randomized, x_i(a, t) being the row of
//! patient i at the visit had the patient been in that arm. With the covariates taken as given its variance is that of
//! the coefficients alone, by the delta method. Where they are taken as a sample from a population, as a trial's claim
//! about patients like these has it, the variance of the predictions over n is added (Qu & Luo 2015, Pharmaceutical
//! Statistics 14:56–62; Bartlett 2018, Pharmaceutical Statistics 17:648–666).

use super::contrasts::arm_pairs;
use super::row::unobserved;
use super::{Compared, ContrastOptions};
use crate::design::{Applied, Columns, Dimension, Planned};
use crate::error::{Error, Result};
use crate::estimates::{Estimate, Estimates, Link};
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, agreeing, by_reason, display_as_table};
use crate::trial::{Labelled, Trial, labelled};

/// Means and differences standardised over everyone randomized.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct StandardisedMeans {
    /// The outcome.
    pub outcome: String,
    /// Visit by visit: the mean of every arm, then the differences.
    pub rows: Vec<StandardisedMean>,
    /// Confidence level.
    pub level: f64,
    /// How many patients they are averaged over.
    pub patients: usize,
    notes: Vec<String>,
}

/// The standardised mean of an arm at a visit, or the difference of two.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct StandardisedMean {
    /// The arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm_if_any")]
    pub arm: Option<Labelled>,
    /// What is compared, where it is a difference.
    pub compared: Option<Compared>,
    /// The visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit_if_any")]
    pub visit: Option<Labelled>,
    /// The estimate on the scale of the outcome, with the covariates taken as given.
    pub estimate: Estimate,
    /// The standard error with the covariates taken as a sample.
    pub se_sampled: f64,
    /// Lower confidence limit with that standard error.
    pub lower: f64,
    /// Upper confidence limit with that standard error.
    pub upper: f64,
    /// Why there is no estimate, where there is none.
    pub not_estimable: Option<String>,
}

/// Who is averaged over, and why others are not.
struct Everyone {
    /// Positions in the trial.
    patients: Vec<usize>,
    /// Patients and reasons.
    left_out: Vec<(String, String)>,
}

/// The predictions of everyone in one arm at one visit.
struct Predicted {
    /// g⁻¹(η_i).
    means: Vec<f64>,
    /// The gradient of their average over β.
    gradient: Vec<f64>,
}

/// The means of every arm at every analysed visit, and the differences that `options` ask for.
pub(super) fn over_everyone(of: &dyn Estimates, trial: &Trial, options: &ContrastOptions) -> Result<StandardisedMeans> {
    check_level(options.level)?;
    let (columns, link) = (of.columns(), of.link());
    if link == Link::LogOutcome {
        return Err(Error::not_defined(
            format!("standardised means of {}", columns.outcome()),
            "the outcome was analysed as its logarithm, whose exponential averages to no mean",
            "report the ratios of geometric means that arm_contrasts has",
        ));
    }
    let arm = columns.arm_dimension()?;
    let applied = columns.applied_to(trial)?;
    let arms = columns.planned(arm);
    let pairs = if arms.len() > 1 { arm_pairs(&arms, &options.arms)? } else { vec![] };
    let Everyone { patients: everyone, left_out } = everyone(columns, &applied, trial, &arms)?;
    let mut rows = vec![];
    for visit in wanted_visits(columns, options.visits.as_deref())? {
        let predicted: Vec<Result<Predicted, String>> = arms.iter().map(|a| predict(of, &applied, &everyone, a, &visit)).collect();
        for (own, of_arm) in predicted.iter().zip(&arms) {
            let row = StandardisedMean { arm: of_arm.arm(), visit: visit.visit(), ..StandardisedMean::blank() };
            rows.push(row.filled(of, own.as_ref().map(|p| (p.means.clone(), p.gradient.clone())), options.level)?);
        }
        for &(a, b) in &pairs {
            let (Some(arm), Some(versus)) = (arms[a].arm(), arms[b].arm()) else { continue };
            let difference = match (&predicted[a], &predicted[b]) {
                (Ok(a), Ok(b)) => Ok((minus(&a.means, &b.means), minus(&a.gradient, &b.gradient))),
                (Err(why), _) | (_, Err(why)) => Err(why),
            };
            let row =
                StandardisedMean { compared: Some(Compared::Arms { arm, versus }), visit: visit.visit(), ..StandardisedMean::blank() };
            rows.push(row.filled(of, difference, options.level)?);
        }
    }
    let mut notes = of.notes();
    notes.push(format!(
        "Averaged over the {} patients randomized whose covariates are known, each as if in every arm. SE: covariates as given; SE \
         (sampled) and {} limits: covariates as a sample, with the variance of the predictions over n added.",
        everyone.len(),
        percent(options.level)
    ));
    notes.extend(by_reason(left_out.iter().map(|(patient, why)| (patient.clone(), why.as_str()))).into_iter().map(|(why, patients)| {
        format!("{} of the patients randomized {} not averaged over: {why}.", patients.len(), agreeing(patients.len(), "is", "are"))
    }));
    notes.extend(unobserved(columns));
    Ok(StandardisedMeans { outcome: columns.outcome().into(), rows, level: options.level, patients: everyone.len(), notes })
}

/// The patients whose rows are known at every analysed visit under every fitted arm, and why others' are not.
fn everyone(columns: &Columns, applied: &Applied, trial: &Trial, arms: &[Planned]) -> Result<Everyone> {
    let fitted: Vec<usize> = arms.iter().filter(|a| a.level.is_ok()).filter_map(|a| Some(a.arm()?.index)).collect();
    let (mut patients, mut left_out) = (vec![], vec![]);
    for (i, name) in trial.patients().iter().enumerate() {
        let cells = (0..columns.visits().len()).flat_map(|t| fitted.iter().map(move |&arm| (t, arm)));
        match cells.map(|(t, arm)| applied.row_under(i, t, arm)).find_map(Result::err) {
            None => patients.push(i),
            Some(Error::Missing { variable, why, .. }) => left_out.push((name.clone(), format!("`{variable}` {why}"))),
            Some(other) => return Err(other),
        }
    }
    if patients.is_empty() {
        return Err(Error::no_data(
            format!("standardised means of {}", columns.outcome()),
            "no patient has all covariates of the model",
            "check the covariates, or leave them out of the model",
        ));
    }
    Ok(Everyone { patients, left_out })
}

fn wanted_visits(columns: &Columns, labels: Option<&[String]>) -> Result<Vec<Planned>> {
    match labels {
        Some(labels) => labels.iter().map(|label| columns.called(Dimension::Visit, label)).collect(),
        None => Ok(columns.planned(Dimension::Visit)),
    }
}

fn predict(of: &dyn Estimates, applied: &Applied, everyone: &[usize], arm: &Planned, visit: &Planned) -> Result<Predicted, String> {
    let (_, t) = (arm.level.clone()?, visit.level.clone()?);
    let arm = arm.arm().map_or(0, |arm| arm.index);
    let (beta, link) = (of.beta(), of.link());
    let n = everyone.len() as f64;
    let mut predicted = Predicted { means: Vec::with_capacity(everyone.len()), gradient: vec![0.0; beta.len()] };
    for &patient in everyone {
        let row = applied.row_under(patient, t, arm).map_err(|e| e.to_string())?;
        let eta: f64 = row.iter().zip(beta).filter(|(x, b)| **x != 0.0 && !b.is_nan()).map(|(x, b)| x * b).sum();
        predicted.means.push(link.inverse(eta));
        let slope = link.slope(eta) / n;
        predicted.gradient.iter_mut().zip(&row).for_each(|(g, x)| *g += slope * x);
    }
    Ok(predicted)
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// The mean of some numbers, and its variance as that of a sample.
fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, if values.len() > 1 { squares / (n - 1.0) / n } else { f64::NAN })
}

impl StandardisedMean {
    fn blank() -> Self {
        let nan = f64::NAN;
        Self {
            arm: None,
            compared: None,
            visit: None,
            estimate: Estimate::none(""),
            se_sampled: nan,
            lower: nan,
            upper: nan,
            not_estimable: None,
        }
    }

    /// With the estimate of everybody's predictions and the gradient of their average.
    fn filled(mut self, of: &dyn Estimates, found: Result<(Vec<f64>, Vec<f64>), &String>, level: f64) -> Result<Self> {
        let label = self.label();
        self.estimate.label = label.clone();
        let found = match found {
            Ok(found) => found,
            Err(why) => return Ok(Self { not_estimable: Some(why.clone()), ..self }),
        };
        let (means, gradient) = found;
        let (mean, variance) = mean_and_variance(&means);
        match of.estimate(&label, &gradient) {
            Ok(linear) => {
                self.estimate = Estimate::new(label, mean, linear.se, linear.df);
                self.se_sampled = (linear.se.powi(2) + variance).sqrt();
                (self.lower, self.upper) = Estimate::new("", mean, self.se_sampled, linear.df).interval(level);
                Ok(self)
            }
            Err(Error::NotEstimable { why, .. }) => Ok(Self { not_estimable: Some(why), ..self }),
            Err(other) => Err(other),
        }
    }

    /// What it is of, without the visit.
    fn what(&self) -> String {
        match (&self.arm, &self.compared) {
            (Some(arm), _) => arm.to_string(),
            (None, Some(compared)) => compared.to_string(),
            (None, None) => String::new(),
        }
    }

    fn label(&self) -> String {
        format!("{} at {}", self.what(), self.visit.as_deref().unwrap_or(""))
    }
}

impl StandardisedMeans {
    /// The row of an arm's mean at a visit.
    pub fn mean(&self, arm: &str, visit: &str) -> Option<&StandardisedMean> {
        self.rows.iter().find(|r| r.visit.as_deref() == Some(visit) && r.arm.as_deref() == Some(arm))
    }

    /// The row of `arm` minus `versus` at a visit.
    pub fn between(&self, arm: &str, versus: &str, visit: &str) -> Option<&StandardisedMean> {
        let compares = |c: &Compared| matches!(c, Compared::Arms { arm: a, versus: b } if a == arm && b == versus);
        self.rows.iter().find(|r| r.visit.as_deref() == Some(visit) && r.compared.as_ref().is_some_and(compares))
    }
}

impl Tabular for StandardisedMeans {
    fn title(&self) -> String {
        format!("Means of {} standardised over everyone randomized", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let number = |name, heading: &str, get: fn(&StandardisedMean) -> f64| {
            Column::real(name, heading, Format::Decimals(2), self.rows.iter().map(get))
        };
        vec![
            Column::text("of", "Mean or difference", self.rows.iter().map(StandardisedMean::what)),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_deref().unwrap_or(""))),
            number("estimate", "Estimate", |r| r.estimate.estimate),
            number("se", "SE", |r| r.estimate.se),
            number("se_sampled", "SE (sampled)", |r| r.se_sampled),
            Column::real("df", "df", Format::Df, self.rows.iter().map(|r| r.estimate.df)),
            number("lower", &format!("Lower {}", percent(self.level)), |r| r.lower),
            number("upper", &format!("Upper {}", percent(self.level)), |r| r.upper),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(StandardisedMeans);
