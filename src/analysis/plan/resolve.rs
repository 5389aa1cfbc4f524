//! A plan with every default that depends on the trial.

use super::{Analysis, EffectPlan, Plan, ReportSettings, ResponderPlan};
use crate::analysis::{AnalysisResult, Progress, run};
use crate::design::{Baseline, MeanModel};
use crate::error::{Interface, Result};
use crate::trial::{BaselineFrom, Protocol, Trial};

impl Plan {
    /// The plan as it runs on `trial`: the visit of primary interest, the mean and the treatment of the baseline are
    /// those stated, or what the trial makes of the defaults.
    ///
    /// # Errors
    /// [`Error::Plan`](crate::Error::Plan) with every name that the trial does not have and every setting that makes no
    /// sense.
    pub fn resolved(&self, trial: &Trial) -> Result<Self> {
        let mut plan = self.clone();
        if plan.at.is_empty() {
            trial.schedule().must_be_ordered("the last visit, where a plan that names no other compares the arms")?;
            plan.at = trial.schedule().labels().last().map(ToString::to_string).unwrap_or_default();
        }
        plan.baseline_from = plan.baseline_by_preset(trial);
        if trial.arms().len() == 1 {
            plan.model = plan.model.map_mean(MeanModel::for_one_arm);
        }
        let mean = plan.model.mean();
        if mean.stated_baseline().is_none() && mean.baseline_role() == Baseline::Response && trial.schedule().baseline().is_some() {
            plan.model = plan.model.baseline(Baseline::Constrained);
        }
        plan.model = plan.model.with_default_covariance(trial);
        if !plan.responders.definitions.is_empty() && plan.responders.covariates.is_none() && trial.arms().len() > 1 {
            plan.responders.covariates = Some(plan.usual_adjustment(trial));
        }
        plan.check_names(trial)?;
        Ok(plan)
    }

    /// The plan as it runs on sums of any part of the trial that `protocol` plans. What needs rows is not looked at.
    pub(in crate::analysis) fn for_protocol(&self, protocol: &Protocol) -> Result<Self> {
        let modelled = Plan {
            responders: ResponderPlan::default(),
            effects: EffectPlan::default(),
            events: vec![],
            sensitivity: vec![],
            analyses: vec![],
            multiplicity: None,
            subgroups: vec![],
            individual_changes: vec![],
            baseline_from: BaselineFrom::default(),
            report: ReportSettings { characteristics: None, labels: vec![], ..self.report.clone() },
            ..self.clone()
        };
        modelled.resolved(&protocol.without_patients())
    }

    /// What risks of response are adjusted for where the plan does not say: the baseline value of the primary outcome, and
    /// the covariates of the model that are fixed within patients.
    fn usual_adjustment(&self, trial: &Trial) -> Vec<String> {
        let baseline = match &self.baseline_from {
            BaselineFrom::Covariate(name) => trial.covariate(name).is_ok().then(|| name.clone()),
            BaselineFrom::Visit => trial.schedule().baseline().map(|_| "baseline".to_string()),
        };
        let is_fixed = |name: &&str| trial.covariate(name).is_ok_and(|covariate| !covariate.varies_by_visit());
        let mut found: Vec<String> = baseline.into_iter().collect();
        for name in self.model.mean().columns().into_iter().filter(is_fixed) {
            if !found.iter().any(|known| known == name) {
                found.push(name.to_string());
            }
        }
        found
    }

    /// Where the baseline is found, when the plan does not say and the preset of its layout does: for all outcomes in one
    /// covariate, or not at all.
    fn baseline_by_preset(&self, trial: &Trial) -> BaselineFrom {
        let stated = self.baseline_from.clone();
        if stated != BaselineFrom::Visit || trial.schedule().baseline().is_some() {
            return stated;
        }
        let Some(layout) = &self.layout else { return stated };
        let of_each: Vec<Option<String>> = self.outcomes().map(|outcome| layout.baseline_of(outcome)).collect();
        match of_each.first() {
            Some(Some(name)) if of_each.iter().all(|other| other.as_ref() == Some(name)) && trial.covariate(name).is_ok() => {
                BaselineFrom::Covariate(name.clone())
            }
            _ => stated,
        }
    }

    /// Runs the analysis. The same plan and trial give the same result to the last bit, for any number of threads.
    ///
    /// # Errors
    /// As [`Plan::resolved`] and [`Plan::events_on`], and whatever keeps a model from being fitted or estimated.
    pub fn run(&self, trial: &Trial, progress: &dyn Progress) -> Result<AnalysisResult> {
        self.run_resolved(trial, progress).map_err(|error| error.worded_for(Interface::Plan))
    }

    fn run_resolved(&self, trial: &Trial, progress: &dyn Progress) -> Result<AnalysisResult> {
        let plan = self.resolved(trial)?;
        match plan.events_on(trial)? {
            None => run::run(&Analysis::resolved(trial, plan, None), progress),
            Some(events) => {
                let analysed = events.applied_to(trial, &plan.primary)?;
                run::run(&Analysis::resolved(&analysed, plan, Some((trial, events))), progress)
            }
        }
    }
}
