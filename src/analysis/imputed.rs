//! The primary outcome if the missing are different: the plan's imputations and tipping points.

use super::plan::{ImputationPlan, Plan, Sensitivity};
use super::{Analysis, OutcomeResult, Progress};
use crate::error::{Error, Interface, Result};
use crate::imputation::{CompletedData, DrawMethod, Draws, ImputedTable, ReferenceBased, TippingPoint};
use crate::inference::Fit;
use crate::trial::Trial;
use rayon::prelude::*;
use std::sync::Arc;

/// What the plan's sensitivity analyses of missing values found.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct MissingSensitivity {
    /// The imputations, in the order of the plan.
    pub imputations: Vec<Imputation>,
    /// The tipping points, in the order of the plan.
    pub tipping_points: Vec<TippingPoint>,
    /// What could not be done, and why, a sentence each.
    pub failures: Vec<String>,
}

/// An imputation of the primary outcome.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Imputation {
    /// What the plan calls it.
    pub name: String,
    /// Why it is made, where the plan says so.
    pub reason: String,
    /// Means and differences of the completed data at each visit.
    pub table: ImputedTable,
}

/// Carries out what the plan asks for; an analysis that fails is named and does not sink the rest.
pub(super) fn all(analysis: &Analysis<'_>, primary: &OutcomeResult, progress: &dyn Progress) -> Option<MissingSensitivity> {
    let mut found = MissingSensitivity { imputations: vec![], tipping_points: vec![], failures: vec![] };
    let mut asked = false;
    for sensitivity in &analysis.plan.sensitivity {
        match sensitivity {
            Sensitivity::Imputation(plan) => {
                asked = true;
                progress.begin(&format!("Imputing by {}", plan.label()), 0);
                let table = analysis.imputation(plan, primary).and_then(|(based, fit)| match &plan.draws {
                    None => fit.reference_based(analysis.observed(), &based),
                    Some(draws) => fit.imputations(analysis.observed(), &based, draws).and_then(|imputations| {
                        imputations.table(&plan.of_completed(&analysis.model_of(&primary.name)), analysis.plan.level)
                    }),
                });
                progress.end();
                found.keep(&plan.label(), table, |found, table| {
                    found.imputations.push(Imputation { name: plan.label(), reason: plan.reason.clone(), table });
                });
            }
            Sensitivity::TippingPoint(plan) => {
                asked = true;
                progress.begin("Looking for the tipping point", 0);
                let prepared = analysis.imputation(&plan.imputation, primary);
                for of in &plan.of {
                    let grid = plan.tipping(&analysis.plan, &analysis.trial.arms()[0], of);
                    let table = match (&prepared, grid) {
                        (Ok((based, fit)), Ok(grid)) => fit.tipping(analysis.observed(), based, &grid),
                        (Err(error), _) => {
                            found.failures.push(format!("tipping point of {}: {error}.", plan.arm));
                            break;
                        }
                        (_, Err(error)) => Err(error),
                    };
                    found.keep(&format!("tipping point of {} ({of})", plan.arm), table, |found, table| found.tipping_points.push(table));
                }
                progress.end();
            }
            Sensitivity::Clusters(_) | Sensitivity::Model(_) | Sensitivity::Population(_) => {}
        }
    }
    asked.then_some(found)
}

impl Plan {
    /// The completed data of an imputation of the plan, by its name; of all of them one after the other unless one is named.
    /// They are data of individual patients.
    ///
    /// ```
    /// use trialstats::analysis::PlanFile;
    ///
    /// let file = PlanFile::open(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/plans/antidepressant.toml"))?;
    /// let trial = file.read(file.data().expect("the plan names its data"))?;
    /// let data = file.plan().completed_data(&trial, Some("jump to reference"))?;
    /// assert!(data.rows.iter().any(|row| row.derivation.as_deref() == Some("J2R")));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Plan::resolved`], [`Model::fit`](crate::Model::fit) and [`Fit::completed_data`]; [`Error::Unknown`] for an
    /// imputation that the plan does not have.
    pub fn completed_data(&self, trial: &Trial, analysis: Option<&str>) -> Result<CompletedData> {
        let plan = self.resolved(trial)?;
        let events = plan.events_on(trial)?;
        let mut found: Option<CompletedData> = None;
        for imputation in plan.imputations_named(analysis)? {
            let based = events.iter().cloned().fold(imputation.reference_based(plan.level), ReferenceBased::events);
            let data = plan.model.clone().of_outcome(&plan.primary).completed_data(trial, &based)?.named(&imputation.label());
            match &mut found {
                Some(all) => all.append(data),
                None => found = Some(data),
            }
        }
        found.ok_or_else(no_imputation)
    }

    /// Drawn completed data of an imputation of the plan, by its name, or of all of them one after the other: `write` gets
    /// one data set after the other, in the order of the draws, however many threads make them, and nothing is kept. They
    /// are data of individual patients.
    ///
    /// The method is that of the imputation's `draws`, or `bayesian` where it has none; `number` and `seed` replace those
    /// stated there, and the seed of an imputation without draws is that of the plan. Returns the number of data sets.
    ///
    /// # Errors
    /// As [`Plan::completed_data`] and [`Imputations::completed_data`](crate::imputation::Imputations::completed_data), and
    /// whatever `write` returns.
    pub fn drawn_data(
        &self,
        trial: &Trial,
        analysis: Option<&str>,
        (number, seed): (usize, Option<u64>),
        progress: &dyn Progress,
        mut write: impl FnMut(CompletedData) -> Result<()>,
    ) -> Result<usize> {
        // As many data sets as are made before they are written: enough for every thread, few enough to hold.
        const AT_ONCE: usize = 64;
        let plan = self.resolved(trial)?;
        let events = plan.events_on(trial)?;
        let imputations = plan.imputations_named(analysis)?;
        if imputations.is_empty() {
            return Err(no_imputation());
        }
        let mut sets = 0;
        for imputation in imputations {
            let based = events.iter().cloned().fold(imputation.reference_based(plan.level), ReferenceBased::events);
            let draws = imputation.draws.clone().unwrap_or_else(|| Draws::new(DrawMethod::Bayesian).seed(plan.seed)).number(number);
            let draws = seed.into_iter().fold(draws, Draws::seed);
            draws.check_of_everyone("completed data by draws")?;
            progress.begin(&format!("Drawing by {}", imputation.label()), number as u64);
            let model = plan.model.clone().of_outcome(&plan.primary);
            let fit = model.fit(&based.informing(trial, &plan.primary)?)?;
            let drawn = fit.imputations(trial, &based, &draws)?;
            for first in (0..drawn.len()).step_by(AT_ONCE) {
                let some: Vec<Result<CompletedData>> =
                    (first..drawn.len().min(first + AT_ONCE)).into_par_iter().map(|k| drawn.completed_data(k)).collect();
                for data in some {
                    write(data?.named(&imputation.label()))?;
                    sets += 1;
                }
                progress.advance(drawn.len().min(first + AT_ONCE) as u64);
            }
            progress.end();
        }
        Ok(sets)
    }

    /// The imputations of the plan, or the one of this name.
    fn imputations_named(&self, analysis: Option<&str>) -> Result<Vec<&ImputationPlan>> {
        let all: Vec<&ImputationPlan> = self
            .sensitivity
            .iter()
            .filter_map(|s| if let Sensitivity::Imputation(imputation) = s { Some(imputation) } else { None })
            .collect();
        let labels: Vec<String> = all.iter().map(|imputation| imputation.label()).collect();
        if let Some(name) = analysis.filter(|name| !labels.iter().any(|label| label == name)) {
            return Err(Error::unknown("imputation of the plan", name, &labels));
        }
        Ok(all.into_iter().filter(|i| analysis.is_none_or(|name| i.label() == name)).collect())
    }
}

fn no_imputation() -> Error {
    Error::incomplete("completed data", "the plan has no imputation", "add one: `[[sensitivity]]` of the kind `imputation`")
}

impl Analysis<'_> {
    /// The trial as it was observed, whatever events make of it.
    pub(super) fn observed(&self) -> &Trial {
        self.events.as_ref().map_or(self.trial, |(observed, _)| observed)
    }

    /// What an imputation is asked for, and the fit of the values that inform it: that of the primary analysis where these
    /// are the same.
    pub(super) fn imputation(&self, plan: &ImputationPlan, primary: &OutcomeResult) -> Result<(ReferenceBased, Arc<Fit>)> {
        let based = plan.reference_based(self.plan.level);
        let Some((observed, events)) = &self.events else { return Ok((based, Arc::clone(&primary.fit))) };
        let based = based.events(events.clone());
        let informing = based.informing(observed, &primary.name)?;
        let bits = |trial: &Trial| -> Result<Vec<Option<u64>>> {
            Ok(trial.outcome(&primary.name)?.values.iter().map(|y| (!y.is_nan()).then_some(y.to_bits())).collect())
        };
        if bits(&informing)? == bits(self.trial)? {
            return Ok((based, Arc::clone(&primary.fit)));
        }
        Ok((based, Arc::new(self.model_of(&primary.name).fit(&informing)?)))
    }
}

impl MissingSensitivity {
    fn keep<T>(&mut self, name: &str, result: Result<T>, push: impl FnOnce(&mut Self, T)) {
        match result {
            Ok(table) => push(self, table),
            Err(error) => self.failures.push(format!("{name}: {}.", error.worded_for(Interface::Plan))),
        }
    }
}
