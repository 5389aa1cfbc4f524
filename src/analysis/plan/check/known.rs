//! What is known of the trial when a plan is checked.

use crate::analysis::Plan;
use crate::error::{Error, Result};
use crate::instruments::Registry;
use crate::trial::{DeclaredNames, Trial};

/// What is known of the trial: all of it where there are data, otherwise what the layout of the plan declares. A name about which
/// nothing is known is in order.
#[derive(Debug)]
pub(in crate::analysis::plan) struct Known<'a> {
    trial: Option<&'a Trial>,
    /// Labels of the visits; none where they are not known.
    visits: Vec<String>,
    /// The arms, the reference first; none where they are not known.
    arms: Vec<String>,
    /// Of the layout, where there is no trial.
    names: Option<DeclaredNames>,
}

impl<'a> Known<'a> {
    /// Everything: the trial that is analysed.
    pub fn of_trial(trial: &'a Trial) -> Self {
        Self { trial: Some(trial), visits: visits_of(trial), arms: trial.arms().to_vec(), names: None }
    }

    /// What the plan says itself.
    pub fn of_plan(plan: &Plan) -> Self {
        let Some(layout) = &plan.layout else { return Self { trial: None, visits: vec![], arms: vec![], names: None } };
        let (arms, reference) = layout.declared_arms();
        let others = arms.iter().map(String::as_str).filter(|arm| Some(*arm) != reference);
        let arms = if arms.is_empty() { vec![] } else { reference.into_iter().chain(others).map(String::from).collect() };
        let visits = layout.declared_visits().map(String::from).collect();
        let registry = Registry::new().define(&plan.instruments).ok();
        let names = registry.and_then(|registry| layout.declared_names(&registry)).map(|names| with_needed(names, plan));
        Self { trial: None, visits, arms, names }
    }

    /// The same where trials like this one are planned: visits and arms that the plan does not declare are those of the trial. It has
    /// one outcome and says nothing of others, nor of variables.
    pub fn of_planned(plan: &Plan, trial: &Trial) -> Self {
        let mut known = Self::of_plan(plan);
        if known.visits.is_empty() {
            known.visits = visits_of(trial);
        }
        if known.arms.is_empty() {
            known.arms = trial.arms().to_vec();
        }
        known
    }

    /// The trial, where there are data.
    pub fn trial(&self) -> Option<&'a Trial> {
        self.trial
    }

    /// The arms, the reference first; none where they are not known.
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// Whether there is one arm, and nothing to compare.
    pub fn has_one_arm(&self) -> bool {
        self.arms.len() == 1
    }

    /// Refuses a visit that there is not; an empty label stands for a default.
    pub fn visit(&self, label: &str) -> Result<()> {
        if label.is_empty() && self.trial.is_none() || self.visits.is_empty() {
            return Ok(());
        }
        among("visit", label, &self.visits)
    }

    /// Refuses an arm that there is not.
    pub fn arm(&self, arm: &str) -> Result<()> {
        if self.arms.is_empty() { Ok(()) } else { among("arm", arm, &self.arms) }
    }

    /// Refuses an outcome that there is not.
    pub fn outcome(&self, name: &str) -> Result<()> {
        match (self.trial, &self.names) {
            (Some(trial), _) => trial.outcome(name).map(|_| ()),
            (None, Some(names)) => among("outcome", name, &names.outcomes),
            (None, None) => Ok(()),
        }
    }

    /// Refuses a factor of clusters that there is not.
    pub fn cluster(&self, name: &str) -> Result<()> {
        match (self.trial, &self.names) {
            (Some(trial), _) => trial.cluster(name).map(|_| ()),
            (None, Some(names)) => among("cluster", name, &names.clusters),
            (None, None) => Ok(()),
        }
    }

    /// Refuses a covariate that there is not.
    pub fn covariate(&self, name: &str) -> Result<()> {
        match (self.trial, &self.names) {
            (Some(trial), _) => trial.covariate(name).map(|_| ()),
            (None, Some(names)) => among("covariate", name, &names.covariates),
            (None, None) => Ok(()),
        }
    }

    /// Refuses a variable that there is not: a covariate or a factor of clusters.
    pub fn variable(&self, name: &str) -> Result<()> {
        match (self.trial, &self.names) {
            (Some(trial), _) => trial.variable(name).map(|_| ()),
            (None, Some(names)) => among("variable", name, names.covariates.iter().chain(&names.clusters)),
            (None, None) => Ok(()),
        }
    }

    /// Refuses what a formula cannot name, before there are data.
    pub fn in_formula(&self, name: &str) -> Result<()> {
        let Some(names) = &self.names else { return Ok(()) };
        let mut known = ["arm", "visit", "baseline", "time"].map(String::from).to_vec();
        for name in names.columns.iter().chain(&names.covariates).chain(&names.clusters) {
            if !known.contains(name) {
                known.push(name.clone());
            }
        }
        among("variable", name, known)
    }

    /// Refuses what the table of baseline characteristics cannot show.
    pub fn characteristic(&self, name: &str) -> Result<()> {
        const WHAT: &str = "variable in the table of baseline characteristics";
        match (self.trial, &self.names) {
            (Some(trial), _) => among(WHAT, name, trial.characteristic_names()),
            (None, Some(names)) => among(WHAT, name, names.covariates.iter().chain(&names.outcomes).chain(&names.diagnoses)),
            (None, None) => Ok(()),
        }
    }
}

fn visits_of(trial: &Trial) -> Vec<String> {
    trial.schedule().labels().into_iter().map(String::from).collect()
}

/// The names with those of columns that are read for events and parts of the patients.
fn with_needed(mut names: DeclaredNames, plan: &Plan) -> DeclaredNames {
    names.covariates.extend(plan.unnamed_columns().into_iter().map(String::from));
    names
}

fn among<S: AsRef<str>>(what: &'static str, name: &str, known: impl IntoIterator<Item = S>) -> Result<()> {
    let known: Vec<S> = known.into_iter().collect();
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    if known.contains(&name) { Ok(()) } else { Err(Error::unknown(what, name, &known)) }
}
