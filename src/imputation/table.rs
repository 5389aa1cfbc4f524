//! What reference-based imputation found.

use super::Strategy;
use super::ancova::Ancova;
use super::closed_form::ClosedForm;
use super::completion::Cohort;
use super::draws::Draws;
use super::imputations::Imputations;
use super::own::Rule;
use super::plan::{ReferenceBased, Variance};
use super::pooled::PooledRow;
use super::pooling::Scalar;
use super::posterior::SamplerSummary;
use super::resampled::jackknife;
use crate::error::{Error, Result};
use crate::level::percent;
use crate::table::{Column, Format, Tabular, counted, display_as_table};
use crate::trial::Labelled;
use crate::{Fit, Model, Trial};

/// Means and differences between arms of completed data, visit by visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ImputedTable {
    /// Name of the outcome.
    pub outcome: String,
    /// The strategy.
    pub strategy: Strategy,
    /// The name of the strategy of your own that took its place, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_strategy: Option<String>,
    /// What the standard errors are of; none where the method of the draws says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variance: Option<Variance>,
    /// How data sets were drawn or resampled; none of conditional means with a variance of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws: Option<Draws>,
    /// How the sampler ran, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<SamplerSummary>,
    /// Confidence level.
    pub level: f64,
    /// Visit by visit: the mean of every arm at the mean covariates, then the differences from the first arm.
    pub rows: Vec<ImputedEstimate>,
    /// How everything was made, one sentence each.
    pub notes: Vec<String>,
}

/// The mean of an arm at a visit, or the difference of two.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ImputedEstimate {
    /// The visit.
    pub visit: Labelled,
    /// The arm.
    pub arm: Labelled,
    /// The arm that is subtracted, where it is a difference.
    pub versus: Option<Labelled>,
    /// The estimate, in units of the outcome.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its degrees of freedom; infinite for the normal distribution.
    pub df: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// Two-sided p-value of zero.
    pub p: f64,
    /// The standard deviation of the estimate over repetitions of the drawing; 0 where nothing is drawn.
    pub monte_carlo_error: f64,
    /// The same of the standard error.
    pub monte_carlo_error_of_se: f64,
    /// Patients of the arms whose value at the visit was imputed.
    pub imputed: usize,
}

impl Model {
    /// Fits the model to the values that inform it ([`ReferenceBased::informing`]) and imputes the whole trial by the fit:
    /// [`Fit::reference_based`].
    ///
    /// # Errors
    /// As [`Model::fit`] and there.
    pub fn reference_based(&self, trial: &Trial, plan: &ReferenceBased) -> Result<ImputedTable> {
        let informing = plan.informing(trial, self.mean().outcome_name())?;
        self.fit(&informing)?.reference_based(trial, plan)
    }
}

impl Fit {
    /// Means and differences under reference-based imputation: everyone randomized, missing values replaced by their
    /// expectation under the plan's strategy, an ANCOVA at each visit. See [`imputation`](crate::imputation).
    ///
    /// `trial` has everyone randomized, those without an analysed outcome too. Where the plan has events, the fit has to be
    /// of the values that inform it: of [`ReferenceBased::informing`], which is what [`Model::reference_based`] fits.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a model with random effects, observation weights, a transformed outcome or coordinates of
    /// patients, for settings that do not fit the trial, and where the fit has seen values that events keep from it;
    /// [`Error::Missing`] for a patient without a covariate; [`Error::Unknown`] for an arm, covariate or visit that there is not.
    pub fn reference_based(&self, trial: &Trial, plan: &ReferenceBased) -> Result<ImputedTable> {
        self.can_be_imputed()?;
        let columns = self.design().columns();
        plan.check(trial.arms(), columns.visit_labels())?;
        let cohort = Cohort::of(self, trial, plan)?;
        let ancova = Ancova::of(trial, plan, columns.outcome())?;
        let refitter = self.refitter()?;
        let sigmas = self.covariances().iter().map(|g| g.sigma.clone()).collect::<Vec<_>>();
        let maps = cohort.maps(&sigmas).ok_or_else(singular)?;
        let solved = ancova.solved(None).ok_or_else(singular)?;
        let statistics = solved.statistics(&cohort.completed(self.beta(), &maps), cohort.visits);
        let mut notes = self.notes();
        notes.push(sentence(plan, trial, &cohort, false));
        notes.extend(cohort.event_notes());
        let closed = || ClosedForm::new(&cohort, &ancova, self, sigmas.clone());
        let errors = match plan.variance {
            Variance::Jackknife => {
                let found = jackknife(&cohort, &ancova, &refitter)?;
                notes.extend(found.failures.iter().map(|(why, n)| {
                    format!(
                        "{n} of {} could not be left out of the jackknife: {why}. The others are used.",
                        counted(n + found.replicates, "patient")
                    )
                }));
                if found.replicates < 2 {
                    return Err(Error::too_few_replicates(
                        "the jackknife",
                        "the analysis failed without nearly every patient",
                        "use another variance, or a covariance structure with fewer parameters",
                    ));
                }
                found.errors
            }
            Variance::DeltaMethod if cohort.replaces() => closed().and_then(|c| c.nonparametric_delta_method()).ok_or_else(singular)?,
            Variance::DeltaMethod => closed().and_then(|c| c.delta_method()).ok_or_else(singular)?,
            Variance::InformationAnchored => closed().and_then(|c| c.information_anchored()).ok_or_else(singular)?,
        };
        let alone = (0..trial.arms().len()).filter(|&arm| is_alone(&cohort, arm));
        notes.extend(alone.map(|arm| format!("{} has one patient, so its rows have no standard error.", trial.arms()[arm])));
        let scalars: Vec<Scalar> = statistics.iter().zip(&errors).map(|(&estimate, &se)| Scalar::normal(estimate, se)).collect();
        notes.push(plan.variance.words(cohort.replaces()).into());
        notes.push(format!("{} confidence intervals; p-values are not adjusted for multiplicity.", percent(plan.level)));
        Ok(ImputedTable {
            outcome: columns.outcome().into(),
            strategy: plan.strategy,
            own_strategy: plan.own.as_ref().map(|own| own.name.clone()),
            variance: Some(plan.variance),
            draws: None,
            sampler: None,
            level: plan.level,
            rows: rows(self, trial, &cohort, &scalars, plan.level, true),
            notes,
        })
    }

    /// Refuses models whose missing values have no simple distribution given the observed.
    pub(super) fn can_be_imputed(&self) -> Result<()> {
        let design = self.design();
        let why = match () {
            () if !design.random().is_empty() => Some("patients of one cluster inform one another through its random effects"),
            () if design.rows.weights.is_some() => Some("a missing value has no observation weight"),
            () if design.columns().response().is_some() => {
                Some("its outcome is transformed, and the mean of values is not the value of means")
            }
            () if !self.optimum().sigmas.are_shared() => Some("its covariance has coordinates that differ by patient"),
            () => None,
        };
        match why {
            Some(why) => Err(Error::not_built("reference-based imputation by this fit", why, "fit a model without it")),
            None => Ok(()),
        }
    }
}

pub(super) fn singular() -> Error {
    Error::not_defined(
        "reference-based imputation",
        "a fitted covariance is not positive definite to rounding",
        "use a covariance structure with fewer parameters",
    )
}

/// What is imputed, and how.
pub(super) fn sentence(plan: &ReferenceBased, trial: &Trial, cohort: &Cohort, drawn: bool) -> String {
    let missing: usize = cohort.patients.iter().map(|p| cohort.classes[p.class].missing.len()).sum();
    let after: usize = cohort
        .patients
        .iter()
        .map(|p| cohort.classes[p.class].missing.iter().filter(|&&t| t >= cohort.classes[p.class].from).count())
        .sum();
    let arms = trial.arms();
    let needed = cohort.rules.iter().any(Rule::needs_reference);
    let reference = match (needed, plan.references.is_empty()) {
        (false, _) => String::new(),
        (true, true) => format!(" The reference arm is {}.", arms[plan.reference_position(0, arms)]),
        (true, false) => {
            let of: Vec<String> =
                (0..arms.len()).map(|arm| format!("{} of {}", arms[plan.reference_position(arm, arms)], arms[arm])).collect();
            format!(" The reference arms are {}.", of.join(", "))
        }
    };
    let how = if drawn { "drawn from their distribution" } else { "imputed by their expectation" };
    let delta = plan.delta.iter().map(|delta| format!(" {}", delta.sentence())).collect::<String>();
    format!(
        "{missing} missing values are {how}, {after} of them after the event: values after it {} ({}).{reference}{delta} Gaps before it \
         are missing at random.",
        cohort.rules[0].words(),
        cohort.rules[0].title()
    )
}

/// Whether one patient is all of an arm, who says nothing of how its patients differ and cannot be left out.
pub(super) fn is_alone(cohort: &Cohort, arm: usize) -> bool {
    cohort.patients.iter().filter(|p| p.arm == arm).count() == 1
}

/// The patients of an arm whose value at a visit, a place among the analysed ones, is imputed.
pub(super) fn imputed(cohort: &Cohort, arm: usize, visit: usize) -> usize {
    cohort.patients.iter().filter(|p| p.arm == arm && cohort.classes[p.class].missing.contains(&visit)).count()
}

/// The rows of a table: of every visit the mean of each arm, then the differences from the first. Where patients are left out or
/// resampled, an arm of one has no standard error.
pub(super) fn rows(fit: &Fit, trial: &Trial, cohort: &Cohort, scalars: &[Scalar], level: f64, resampled: bool) -> Vec<ImputedEstimate> {
    let columns = fit.design().columns();
    let arms = trial.arms();
    let per_visit = 2 * arms.len() - 1;
    let labelled = |index: usize| Labelled { index, label: arms[index].clone() };
    let alone = |arm: usize| resampled && is_alone(cohort, arm);
    let mut rows = vec![];
    // Before treatment there is nothing to compare, and a model with one mean for all arms says so already.
    let after = columns.visit_labels().iter().enumerate().filter(|(visit, _)| Some(*visit) != columns.baseline_visit());
    for (visit, label) in after {
        for k in 0..per_visit {
            let (arm, versus) = if k < arms.len() { (k, None) } else { (k + 1 - arms.len(), Some(0)) };
            let mut scalar = scalars[visit * per_visit + k];
            if alone(arm) || versus.is_some_and(alone) {
                scalar = Scalar { limits: None, ..Scalar::normal(scalar.estimate, f64::NAN) };
            }
            let n = imputed(cohort, arm, visit) + versus.map_or(0, |versus| imputed(cohort, versus, visit));
            let visit = Labelled { index: columns.visits()[visit], label: label.clone() };
            rows.push(ImputedEstimate::of(visit, labelled(arm), versus.map(labelled), &PooledRow::of("", &scalar, level), n));
        }
    }
    rows
}

impl ImputedTable {
    pub(super) fn of_draws(imputations: &Imputations<'_>, level: f64, rows: Vec<ImputedEstimate>, notes: Vec<String>) -> Self {
        Self {
            outcome: imputations.fit.design().columns().outcome().into(),
            strategy: imputations.plan.strategy,
            own_strategy: imputations.plan.own.as_ref().map(|own| own.name.clone()),
            variance: None,
            draws: Some(imputations.draws.clone()),
            sampler: imputations.sampler().cloned(),
            level,
            rows,
            notes,
        }
    }
}

impl ImputedTable {
    /// What is assumed of values after an event: the strategy's title, or the name of your own.
    pub fn assumption(&self) -> String {
        self.own_strategy.clone().unwrap_or_else(|| self.strategy.title())
    }

    /// The same as a sentence has it: values after the event …
    pub fn words(&self) -> String {
        match &self.own_strategy {
            Some(name) => format!("have a distribution stated by the analyst, {name}"),
            None => self.strategy.words(),
        }
    }

    /// The differences between arms, visit by visit.
    pub fn differences(&self) -> impl DoubleEndedIterator<Item = &ImputedEstimate> {
        self.rows.iter().filter(|r| r.versus.is_some())
    }

    /// The means of the arms, visit by visit.
    pub fn means(&self) -> impl DoubleEndedIterator<Item = &ImputedEstimate> {
        self.rows.iter().filter(|r| r.versus.is_none())
    }
}

impl ImputedEstimate {
    pub(super) fn of(visit: Labelled, arm: Labelled, versus: Option<Labelled>, row: &PooledRow, imputed: usize) -> Self {
        Self {
            visit,
            arm,
            versus,
            estimate: row.estimate,
            se: row.se,
            df: row.df,
            lower: row.lower,
            upper: row.upper,
            p: row.p,
            monte_carlo_error: row.monte_carlo_error,
            monte_carlo_error_of_se: row.monte_carlo_error_of_se,
            imputed,
        }
    }

    /// `placebo`, or `drug - placebo`.
    pub fn label(&self) -> String {
        match &self.versus {
            Some(versus) => format!("{} - {versus}", self.arm),
            None => self.arm.to_string(),
        }
    }
}

impl Tabular for ImputedTable {
    fn title(&self) -> String {
        format!("{} with missing values imputed: {}", self.outcome, self.assumption())
    }

    fn columns(&self) -> Vec<Column> {
        let real = |f: fn(&ImputedEstimate) -> f64| self.rows.iter().map(f).collect::<Vec<_>>();
        let ses = real(|r| r.se);
        let interval = percent(self.level);
        let mut columns = vec![
            Column::text("visit", "visit", self.rows.iter().map(|r| r.visit.label.clone())),
            Column::text("of", "mean or difference", self.rows.iter().map(ImputedEstimate::label)),
            Column::count("imputed", "imputed", self.rows.iter().map(|r| r.imputed)),
            Column::by_error("estimate", "estimate", real(|r| r.estimate), ses.clone()),
            Column::by_error("se", "SE", ses.clone(), ses.clone()),
            Column::by_error("lower", &format!("lower {interval}"), real(|r| r.lower), ses.clone()),
            Column::by_error("upper", &format!("upper {interval}"), real(|r| r.upper), ses),
            Column::real("p", "p", Format::Probability, self.rows.iter().map(|r| if r.versus.is_some() { r.p } else { f64::NAN })),
        ];
        if self.rows.iter().any(|r| r.df.is_finite()) {
            columns.insert(5, Column::real("df", "df", Format::Decimals(1), real(|r| r.df)));
        }
        if self.rows.iter().any(|r| r.monte_carlo_error > 0.0) {
            columns.push(Column::by_error("monte_carlo_error", "MC error", real(|r| r.monte_carlo_error), real(|r| 0.1 * r.se)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(ImputedTable);
