//! Means and differences of drawn data sets, in the table that every imputation has.

use super::analysis::CompletedAnalysis;
use super::ancova::Ancova;
use super::imputations::Imputations;
use super::plan::ReferenceBased;
use super::pooled::PooledRow;
use super::pooling::{Rule, Scalar};
use super::regression::Regressor;
use super::table::{ImputedEstimate, ImputedTable, is_alone, rows};
use crate::error::{Error, Result};
use crate::estimates::Estimates;
use crate::level::{check_level, percent};
use crate::means::{ArmComparisons, ContrastOptions, Means, MeansOptions};

impl Imputations<'_> {
    /// The means of the arms and their differences from the first arm at each visit, pooled over the data sets. ANCOVA means are
    /// at the mean covariates of each data set; those of a model are its marginal means.
    ///
    /// # Errors
    /// As [`Imputations::estimates`]; [`Error::Invalid`] for [`CompletedAnalysis::Response`], whose table is that of the estimates.
    pub fn table(&self, analysis: &CompletedAnalysis, level: f64) -> Result<ImputedTable> {
        check_level(level)?;
        match analysis {
            CompletedAnalysis::Ancova { covariates } => self.table_of_ancova(covariates, level),
            CompletedAnalysis::Model(_) => self.table_of_model(analysis, level),
            CompletedAnalysis::Response { .. } => Err(Error::not_built(
                "a table of means of a response",
                "it has shares at one visit",
                "ask for its estimates, and their marginal means and contrasts",
            )),
        }
    }

    fn table_of_ancova(&self, covariates: &[String], level: f64) -> Result<ImputedTable> {
        let columns = self.fit.design().columns();
        let plan = ReferenceBased { covariates: covariates.to_vec(), ..self.plan.clone() };
        let ancova = Ancova::of(self.trial, &plan, columns.outcome())?;
        let all: Vec<usize> = (0..columns.visits().len()).collect();
        let (regressor, arms) = (Regressor::new(ancova, all), self.trial.arms().len());
        let statistics = |completed: &super::Completed<'_>| {
            let found = regressor.of(completed).ok_or("the columns of the ANCOVA determine one another")?;
            Ok(found.statistics(arms))
        };
        let (found, failures) = self.each(statistics)?;
        let rule = self.rule();
        let pooled = |k: usize| {
            let estimates: Vec<f64> = found.iter().map(|(estimates, _)| estimates[k]).collect();
            let variances: Vec<f64> = found.iter().map(|(_, variances)| variances[k]).collect();
            rule.pool(&estimates, &variances, regressor.df(), level)
        };
        let scalars: Vec<Scalar> = (0..found[0].0.len()).map(pooled).collect();
        let resampled = !matches!(rule, Rule::Rubin { .. });
        let rows = rows(self.fit, self.trial, &self.cohort, &scalars, level, resampled);
        let mut notes = self.notes(&failures, found.len());
        notes.extend(self.alone_notes(resampled));
        notes.push(format!("{} confidence intervals; p-values are not adjusted for multiplicity.", percent(level)));
        Ok(ImputedTable::of_draws(self, level, rows, notes))
    }

    fn alone_notes(&self, resampled: bool) -> Vec<String> {
        let arms = self.trial.arms();
        let alone = (0..arms.len()).filter(|&arm| resampled && is_alone(&self.cohort, arm));
        alone.map(|arm| format!("{} has one patient, so its rows have no standard error.", arms[arm])).collect()
    }

    fn table_of_model(&self, analysis: &CompletedAnalysis, level: f64) -> Result<ImputedTable> {
        let pooled = self.estimates(analysis)?;
        let means = pooled.marginal_means(&["arm", "visit"], &MeansOptions { level, ..MeansOptions::default() })?;
        let options = ContrastOptions::default().level(level).arms(ArmComparisons::WithReference);
        let contrasts = pooled.arm_contrasts(&options)?;
        let imputed = |arm: usize, visit: usize| {
            let place = self.fit.design().columns().visits().iter().position(|v| *v == visit);
            place.map_or(0, |place| super::table::imputed(&self.cohort, arm, place))
        };
        let mut rows = vec![];
        for mean in &means.rows {
            let (Some(arm), Some(visit)) = (&mean.arm, &mean.visit) else { continue };
            let row = pooled.quantity(&mean.estimate.label, &mean.coefficients, level)?;
            rows.push(ImputedEstimate::of(visit.clone(), arm.clone(), None, &row, imputed(arm.index, visit.index)));
        }
        for contrast in &contrasts.rows {
            let (Some(arm), Some(versus), Some(visit)) = (contrast.compared.arm(), contrast.compared.versus(), &contrast.visit) else {
                continue;
            };
            let row: PooledRow = pooled.quantity(&contrast.estimate.label, &contrast.coefficients, level)?;
            let n = imputed(arm.index, visit.index) + imputed(versus.index, visit.index);
            rows.push(ImputedEstimate::of(visit.clone(), arm.clone(), Some(versus.clone()), &row, n));
        }
        rows.sort_by_key(|row| (row.visit.index, row.versus.is_some(), row.arm.index));
        let mut notes = Estimates::notes(&pooled);
        notes.push(format!("{} confidence intervals; p-values are not adjusted for multiplicity.", percent(level)));
        Ok(ImputedTable::of_draws(self, level, rows, notes))
    }
}
