//! What is done with each completed data set.

use super::ancova::Ancova;
use super::imputations::{Completed, Imputations};
use super::plan::ReferenceBased;
use super::regression::Regressor;
use crate::design::{Account, Columns, Design, DesignOptions, MeanModel};
use crate::error::{Error, Result};
use crate::estimates::{Df, Estimates};
use crate::responders::{Definition, Status};
use crate::trial::Trial;
use crate::{Fit, Model};
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

/// The analysis of each completed data set, whose results are pooled.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum CompletedAnalysis {
    /// At each visit after baseline a linear regression on arm and these covariates; `baseline` is the outcome at the baseline
    /// visit.
    Ancova {
        /// Covariates of the patients.
        covariates: Vec<String>,
    },
    /// Another model of the completed outcomes, such as the mixed model that they were imputed by.
    Model(Box<Model>),
    /// Whether a definition of response is met at a visit, everyone randomized counted: the share of each arm, as a linear model
    /// of the proportion with the variances of the binomial distribution.
    Response {
        /// What is asked of the completed scores.
        definition: Box<Definition>,
        /// The visit.
        visit: String,
    },
}

impl CompletedAnalysis {
    /// ANCOVA at each visit.
    pub fn ancova<S: Into<String>>(covariates: impl IntoIterator<Item = S>) -> Self {
        CompletedAnalysis::Ancova { covariates: covariates.into_iter().map(Into::into).collect() }
    }

    /// A model.
    pub fn model(model: Model) -> Self {
        CompletedAnalysis::Model(Box::new(model))
    }

    /// The share of patients who meet a definition at a visit.
    pub fn response(definition: Definition, visit: impl Into<String>) -> Self {
        CompletedAnalysis::Response { definition: Box::new(definition), visit: visit.into() }
    }
}

/// Estimates of one data set and their covariance.
pub(super) type Analysed = (Vec<f64>, DMatrix<f64>);

/// An analysis with all that data sets share.
pub(super) struct Prepared {
    pub columns: Arc<Columns>,
    pub account: Arc<Account>,
    pub words: String,
    kind: Kind,
}

enum Kind {
    Ancova {
        regressor: Regressor,
        /// From the regressions' coefficients, visit by visit, to those of the columns.
        to_columns: DMatrix<f64>,
    },
    Model {
        model: Box<Model>,
        /// Of the first data set.
        fit: Box<Fit>,
    },
    Response {
        definition: Box<Definition>,
        visit: String,
    },
}

impl Prepared {
    pub fn of(imputations: &Imputations<'_>, analysis: &CompletedAnalysis) -> Result<Self> {
        let first = imputations.completed(0)?;
        let everyone = first.is_of_everyone();
        // Columns are those of everyone; which outcomes they have does not matter to them.
        let trial = if everyone { first.trial()? } else { everyone_completed(imputations)? };
        match analysis {
            CompletedAnalysis::Ancova { covariates } => Self::ancova(imputations, &trial, covariates),
            CompletedAnalysis::Model(model) => {
                let fit = Box::new(model.fit(&trial)?);
                let words = format!(
                    "Each data set is analysed by the model {} with {} covariance.",
                    fit.design().mean_model(),
                    fit.covariance_structure()
                );
                let (columns, account) = (Arc::clone(&fit.design().columns), Arc::clone(&fit.design().account));
                Ok(Self { columns, account, words, kind: Kind::Model { model: model.clone(), fit } })
            }
            CompletedAnalysis::Response { definition, visit } => Self::response(&trial, definition, visit),
        }
    }

    fn ancova(imputations: &Imputations<'_>, trial: &Trial, covariates: &[String]) -> Result<Self> {
        let fitted = imputations.fit.design().columns();
        let plan = ReferenceBased { covariates: covariates.to_vec(), ..imputations.plan.clone() };
        let ancova = Ancova::of(trial, &plan, fitted.outcome())?;
        let visits: Vec<usize> = (0..fitted.visits().len()).filter(|t| Some(*t) != fitted.baseline_visit()).collect();
        if visits.is_empty() {
            return Err(Error::nothing_to_compare(
                "the ANCOVA of imputed data",
                "no visit after baseline is analysed",
                "fit the model to visits after baseline",
            ));
        }
        let labels: Vec<String> = visits.iter().map(|&t| fitted.visit_labels()[t].clone()).collect();
        let design = Design::build(
            trial,
            &mean_of_ancova(fitted.outcome(), trial.arms().len() > 1, covariates, labels.len() > 1),
            &DesignOptions { visits: Some(labels), ..DesignOptions::default() },
        )?;
        let to_columns = to_columns(&design, trial, &ancova)?;
        let words = match covariates.is_empty() {
            true => "Each data set is analysed by a comparison of means at each visit.".to_string(),
            false => format!("Each data set is analysed by ANCOVA at each visit, with {}.", covariates.join(", ")),
        };
        let (columns, account) = (Arc::clone(&design.columns), Arc::clone(&design.account));
        Ok(Self { columns, account, words, kind: Kind::Ancova { regressor: Regressor::new(ancova, visits), to_columns } })
    }

    fn response(trial: &Trial, definition: &Definition, visit: &str) -> Result<Self> {
        let statuses = definition.evaluate(trial)?;
        if !statuses.visits.iter().any(|known| known == visit) {
            return Err(Error::unknown("evaluated visit", visit, &statuses.visits));
        }
        // A trial of any one outcome at the visit has the columns.
        let outcome = &trial.outcomes()[0].name;
        let at = trial.schedule().index_of(visit)?;
        let zero =
            (0..trial.patients().len() * trial.schedule().len()).map(|k| if k % trial.schedule().len() == at { 0.0 } else { f64::NAN });
        let zero = trial.with_outcome(outcome, zero.collect())?;
        let mean = MeanModel::outcome(outcome.as_str());
        let mean = if trial.arms().len() > 1 { mean.effect(&["arm"]) } else { mean };
        let mean = if trial.schedule().baseline() == Some(at) { mean } else { mean.with_baseline(crate::design::Baseline::Response) };
        let design = Design::build(&zero, &mean, &DesignOptions { visits: Some(vec![visit.into()]), ..DesignOptions::default() })?;
        let words = format!("In each data set it is asked of everyone randomized whether {} at {visit}.", definition.label);
        let (columns, account) = (Arc::clone(&design.columns), Arc::clone(&design.account));
        Ok(Self { columns, account, words, kind: Kind::Response { definition: Box::new(definition.clone()), visit: visit.into() } })
    }

    /// The degrees of freedom of l'β with complete data.
    pub fn complete_df(&self, l: &[f64]) -> f64 {
        match &self.kind {
            Kind::Ancova { regressor, .. } => regressor.df(),
            Kind::Model { fit, .. } => fit.df(l),
            Kind::Response { .. } => f64::INFINITY,
        }
    }

    pub fn analysed(&self, completed: &Completed<'_>) -> std::result::Result<Analysed, String> {
        match &self.kind {
            Kind::Ancova { regressor, to_columns } => {
                let found = regressor.of(completed).ok_or("the columns of the ANCOVA determine one another")?;
                let stacked = DVector::from_column_slice(found.coefficients.as_slice());
                let covariance = found.residual.kronecker(&found.inverse);
                let beta = to_columns * stacked;
                Ok((beta.iter().copied().collect(), to_columns * covariance * to_columns.transpose()))
            }
            Kind::Model { model, fit } => model_of(completed, model, fit).map_err(|error| error.to_string()),
            Kind::Response { definition, visit } => shares(completed, definition, visit),
        }
    }
}

/// Everyone with the conditional means of the first parameters, for methods whose data sets are samples.
fn everyone_completed(imputations: &Imputations<'_>) -> Result<Trial> {
    let first = &imputations.drawn.parameters[0];
    let cohort = &imputations.cohort;
    let maps = cohort.maps(&first.sigmas).ok_or_else(super::table::singular)?;
    let outcomes = cohort.completed(&first.beta, &maps);
    let columns = imputations.fit.design().columns();
    let scheduled = imputations.trial.schedule().len();
    let mut values = imputations.trial.outcome(columns.outcome())?.values.clone();
    for (i, row) in outcomes.chunks(cohort.visits).enumerate() {
        columns.visits().iter().zip(row).for_each(|(&visit, y)| values[i * scheduled + visit] = *y);
    }
    imputations.trial.with_outcome(columns.outcome(), values)
}

/// Every effect crossed with the visit.
fn mean_of_ancova(outcome: &str, arms: bool, covariates: &[String], visits: bool) -> MeanModel {
    let mut names: Vec<&str> = if arms { vec!["arm"] } else { vec![] };
    names.extend(covariates.iter().map(String::as_str));
    let mut mean = MeanModel::outcome(outcome);
    if visits {
        mean = mean.effect(&["visit"]);
    }
    for name in &names {
        mean = if visits { mean.effect(&[name]).effect(&[name, "visit"]) } else { mean.effect(&[name]) };
    }
    if covariates.iter().any(|name| name == "baseline") { mean.with_baseline(crate::design::Baseline::Covariate) } else { mean }
}

/// The columns have the same span as one regression per visit: with x_it = G_t'w_i, β solves Gβ = γ for γ the coefficients of
/// all visits.
fn to_columns(design: &Design, trial: &Trial, ancova: &Ancova) -> Result<DMatrix<f64>> {
    let (applied, w) = (design.columns().applied_to(trial)?, &ancova.matrix);
    let (p, q, visits) = (design.columns().len(), w.ncols(), design.visit_labels().len());
    let solved = ancova.solved(None).ok_or_else(super::table::singular)?;
    let mut g = DMatrix::zeros(q * visits, p);
    for t in 0..visits {
        let mut x = DMatrix::zeros(w.nrows(), p);
        for i in 0..w.nrows() {
            x.row_mut(i).copy_from_slice(&applied.row(i, t)?);
        }
        g.rows_mut(t * q, q).copy_from(&solved.gram.solve(&w.tr_mul(&x)));
    }
    let inverse = if g.is_square() { g.try_inverse() } else { None };
    inverse.ok_or_else(|| {
        Error::not_defined(
            "the ANCOVA of imputed data",
            "its columns determine one another at some visit",
            "leave a covariate out that says nothing beyond the others",
        )
    })
}

/// β and its covariance in a completed data set: by a warm start where everyone is there once.
fn model_of(completed: &Completed<'_>, model: &Model, fit: &Fit) -> Result<Analysed> {
    let found = if completed.is_of_everyone() { refitted(completed, fit)? } else { model.fit(&completed.trial()?)? };
    Ok((found.beta().to_vec(), found.vcov().clone()))
}

fn refitted(completed: &Completed<'_>, fit: &Fit) -> Result<Fit> {
    let (design, visits) = (fit.design(), fit.design().columns().visits());
    let places: Vec<Option<usize>> = visits.iter().map(|visit| completed.visits().iter().position(|v| v == visit)).collect();
    let refitter = fit.refitter()?;
    let mut outcomes = refitter.outcomes().to_vec();
    for (at, &patient) in design.patients().iter().enumerate() {
        for (t, place) in places.iter().enumerate() {
            let cell = at * visits.len() + t;
            if let (Some(y), false) = (place.and_then(|place| completed.value(patient, place)), outcomes[cell].is_nan()) {
                outcomes[cell] = y;
            }
        }
    }
    refitter.fit_to_outcome(outcomes)
}

/// The share of each arm who meet the definition: that of the first, then differences from it.
fn shares(completed: &Completed<'_>, definition: &Definition, visit: &str) -> std::result::Result<Analysed, String> {
    let trial = completed.trial().map_err(|error| error.to_string())?;
    let statuses = definition.evaluate(&trial).map_err(|error| error.to_string())?;
    let at = statuses.visits.iter().position(|known| known == visit).ok_or("the visit is not evaluated")?;
    let arms = statuses.arms.len();
    let (mut met, mut of) = (vec![0.0; arms], vec![0.0; arms]);
    for (patient, &arm) in statuses.arm_of.iter().enumerate() {
        match statuses.status(patient, at) {
            Status::Met => {
                met[arm] += 1.0;
                of[arm] += 1.0;
            }
            Status::NotMet => of[arm] += 1.0,
            Status::NotEligible => {}
            other => return Err(format!("for a patient the definition is {}: it asks for more than the imputed outcome", other.words())),
        }
    }
    let share: Vec<f64> = (0..arms).map(|arm| met[arm] / of[arm]).collect();
    let variance: Vec<f64> = (0..arms).map(|arm| share[arm] * (1.0 - share[arm]) / of[arm]).collect();
    let beta = (0..arms).map(|arm| if arm == 0 { share[0] } else { share[arm] - share[0] }).collect();
    // Differences share the variance of the first arm.
    let vcov = DMatrix::from_fn(arms, arms, |a, b| match (a, b) {
        (0, 0) => variance[0],
        (0, _) | (_, 0) => -variance[0],
        _ if a == b => variance[0] + variance[a],
        _ => variance[0],
    });
    Ok((beta, vcov))
}

impl CompletedAnalysis {
    /// The method of the degrees of freedom with complete data, for notes.
    pub(super) fn df_words(&self) -> Option<Df> {
        match self {
            CompletedAnalysis::Model(model) => Some(model.df_method()),
            CompletedAnalysis::Ancova { .. } => Some(Df::Residual),
            CompletedAnalysis::Response { .. } => None,
        }
    }
}
