//! Bootstrap limits of the effect sizes of a fit.

use super::effect_sizes::{differences, options};
use super::{Analysis, Progress};
use crate::effects::{EffectSizes, from_rows};
use crate::error::Result;
use crate::inference::{Df, Fit, Refitter};
use crate::trial::Trial;

/// `table`, which is of this fit, with limits from the bootstrap of the plan: the same estimates, standard errors and
/// degrees of freedom.
///
/// Patients of the trial are drawn, and the model is fitted to them again from the sums of the fit that there is; see
/// [`Resampled::effects`] for what takes a fit from the beginning.
pub(super) fn limits(analysis: &Analysis<'_>, fit: &Fit, table: EffectSizes, progress: &dyn Progress) -> Result<EffectSizes> {
    let plan = &analysis.plan;
    progress.begin(&format!("Bootstrap of effect sizes of {}", fit.design().outcome()), plan.effects.bootstrap as u64);
    let bootstrap = plan.effects.bootstrap_of(plan).progress(|done, _| progress.advance(done as u64));
    let plain = fit.for_estimates();
    let resampled = Resampled::new(analysis, &plain, &table)?;
    let limited = bootstrap.limits_of(table.clone(), analysis.trial, |patients| resampled.effects(patients));
    progress.end();
    limited
}

/// What makes the effect sizes of a resample.
struct Resampled<'a> {
    analysis: &'a Analysis<'a>,
    fit: &'a Fit,
    /// None where the covariance structure is not the first of a list: every resample goes through the list again.
    refitter: Option<Refitter<'a>>,
    /// Those of the trial itself.
    table: &'a EffectSizes,
}

impl<'a> Resampled<'a> {
    fn new(analysis: &'a Analysis<'a>, fit: &'a Fit, table: &'a EffectSizes) -> Result<Self> {
        let first = fit.attempts().is_empty();
        let refitter = first.then(|| fit.refitter()).transpose()?;
        Ok(Self { analysis, fit, refitter, table })
    }

    /// The effect sizes of these patients. A resample that lacks a level, a visit or an optimum of the fit's design is
    /// fitted by the model from the beginning, with a design of its own.
    fn effects(&self, patients: &[usize]) -> Result<EffectSizes> {
        let trial = self.analysis.trial.resample(patients)?;
        if let Some(Ok(effects)) = self.refitter.as_ref().map(|refitter| self.refitted(refitter, &trial, patients))
            && self.is_whole(&effects)
        {
            return Ok(effects);
        }
        // Estimates are all that is read of a resample: no degrees of freedom are worked out.
        let model = self.analysis.model_of(self.fit.design().outcome()).df(Df::Asymptotic);
        self.effects_of(&trial, &model.fit(&trial)?)
    }

    fn refitted(&self, refitter: &Refitter<'_>, trial: &Trial, patients: &[usize]) -> Result<EffectSizes> {
        let mut times = vec![0_u32; self.analysis.trial.patients().len()];
        patients.iter().for_each(|&patient| times[patient] += 1);
        let analysed: Vec<u32> = self.fit.design().patients().iter().map(|&patient| times[patient]).collect();
        self.effects_of(trial, &refitter.clone().fit_to_patients(&analysed)?)
    }

    fn effects_of(&self, trial: &Trial, fit: &Fit) -> Result<EffectSizes> {
        let plan = &self.analysis.plan;
        from_rows(trial, fit, &differences(fit, trial, &plan.at)?, &options(plan))
    }

    /// Whether every effect size of the trial has a number in a resample too.
    fn is_whole(&self, resampled: &EffectSizes) -> bool {
        let shown = self.table.rows.iter().filter(|row| row.effect.is_finite());
        shown.into_iter().all(|row| resampled.of_same(row).is_some_and(|own| own.effect.is_finite()))
    }
}
