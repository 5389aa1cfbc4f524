//! Everything in a plan that does not fit a trial.

use super::{Plan, Sensitivity};
use crate::effects::Denominator;
use crate::error::{Error, Interface, PlanProblem, PlanProblems, Refusal, Result};
use crate::level::check_level;
use crate::trial::{BaselineFrom, Trial};

const NO_PRIMARY: &str = "no primary outcome is named; name one of the trial's outcomes";

impl Plan {
    /// Checks the plan against a trial: every name that it does not have, every setting that makes no sense, every
    /// model that could not be fitted whatever the data say. Nothing is fitted.
    ///
    /// # Errors
    /// [`Error::Plan`] lists every problem with the key that it is about and, for a name, the nearest that there is.
    ///
    /// ```
    /// use trialstats::analysis::Plan;
    /// # use trialstats::simulate::Gaussian;
    /// # let trial = Gaussian::new(["before", "after"]).arm("a", 20, [5.0, 5.0]).arm("b", 20, [5.0, 4.0]).trial(1, 0)?;
    /// let plan = Plan::from_toml("primary = 'y'\nat = 'aftr'\nlevel = 95\n[model]\nformula = 'arm * visti'")?;
    /// let error = plan.check(&trial).expect_err("three mistakes");
    /// let trialstats::Error::Plan(problems) = &error else { panic!("{error}") };
    /// let keys: Vec<&str> = problems.0.iter().map(|p| p.key.as_str()).collect();
    /// assert_eq!(keys, ["at", "level", "model.formula"]);
    /// assert!(error.to_string().contains("did you mean `after`?"));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn check(&self, trial: &Trial) -> Result<()> {
        let plan = self.resolved(trial)?;
        let mut problems = Problems::default();
        for outcome in plan.outcomes() {
            problems.add("model", plan.model.clone().of_outcome(outcome).check(trial));
        }
        problems.into_result()
    }

    /// Checks what can be checked before there are data: numbers, names that the plan itself says twice or not at all,
    /// estimands against the outcomes and definitions of the plan, visits and arms against those that the layout
    /// declares.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn check_itself(&self) -> Result<()> {
        let mut problems = Problems::default();
        if self.primary.is_empty() {
            problems.say("primary", Refusal::Incomplete, NO_PRIMARY);
        }
        self.check_outcomes_once(&mut problems);
        problems.add("level", check_level(self.level));
        if let Some(layout) = &self.layout {
            for (key, problem) in layout.contradictions(&self.at) {
                problems.add::<()>(&key, Err(problem));
            }
        }
        self.check_estimands(&mut problems);
        problems.into_result()
    }

    /// The part of [`Plan::check`] that takes no design: names and numbers.
    pub(super) fn check_names(&self, trial: &Trial) -> Result<()> {
        let mut problems = Problems::default();
        self.check_outcomes(trial, &mut problems);
        problems.add("at", trial.schedule().index_of(&self.at));
        problems.add("level", check_level(self.level));
        if let BaselineFrom::Covariate(name) = &self.baseline_from {
            problems.add("baseline-from", trial.patient_numbers(name));
        }
        for (key, problem) in self.model.unknown_names(trial) {
            problems.add::<()>(&format!("model.{key}"), Err(problem));
        }
        self.check_responders(trial, &mut problems);
        for estimand in self.estimands.iter().filter(|estimand| !estimand.at.is_empty()) {
            problems.add(&format!("estimand, `{}`", estimand.name), trial.schedule().index_of(&estimand.at));
        }
        self.check_estimands(&mut problems);
        self.check_effects(trial, &mut problems);
        self.check_sensitivity(trial, &mut problems);
        self.check_report(trial, &mut problems);
        problems.into_result()
    }

    fn check_outcomes(&self, trial: &Trial, problems: &mut Problems) {
        if self.primary.is_empty() {
            problems.say("primary", Refusal::Incomplete, NO_PRIMARY);
        } else {
            problems.add("primary", trial.outcome(&self.primary));
        }
        for outcome in &self.secondary {
            problems.add("secondary", trial.outcome(outcome));
        }
        self.check_outcomes_once(problems);
    }

    fn check_estimands(&self, problems: &mut Problems) {
        for (key, problem) in self.estimand_problems() {
            problems.add::<()>(&key, Err(problem));
        }
    }

    fn check_outcomes_once(&self, problems: &mut Problems) {
        for (k, outcome) in self.secondary.iter().enumerate() {
            if *outcome == self.primary || self.secondary[..k].contains(outcome) {
                problems.say("secondary", Refusal::NamedTwice, format!("`{outcome}` is there twice; each outcome is analysed once"));
            }
        }
    }

    fn check_responders(&self, trial: &Trial, problems: &mut Problems) {
        let definitions = &self.responders.definitions;
        for (k, definition) in definitions.iter().enumerate() {
            let key = format!("responders.definitions, `{}`", definition.name);
            for problem in definition.problems(trial, &self.baseline_from) {
                problems.add::<()>(&key, Err(problem));
            }
            if definitions[..k].iter().any(|other| other.name == definition.name) {
                problems.say(&key, Refusal::NamedTwice, "another definition has this name; tables tell them apart by it");
            }
        }
        if !definitions.is_empty() && self.responders.unobserved.is_empty() {
            problems.say(
                "responders.unobserved",
                Refusal::Incomplete,
                "no way to treat patients who were not observed is named, and rates need one",
            );
        }
    }

    fn check_effects(&self, trial: &Trial, problems: &mut Problems) {
        let has_baseline = self.baseline_from != BaselineFrom::Visit || trial.schedule().baseline().is_some();
        let several = trial.arms().len() > 1;
        let within_only = self.effects.denominator == Denominator::BaselineOwn;
        let between_only = matches!(self.effects.denominator, Denominator::VisitPooled | Denominator::Control);
        if has_baseline && (within_only && several || between_only) {
            let place = if within_only { "between" } else { "within" };
            problems.say(
                "effects.denominator",
                Refusal::NotDefined,
                format!("`{}` is not defined {place} arms, and a plan has effect sizes both within and between", self.effects.denominator),
            );
        }
        if self.effects.intervals.is_empty() {
            problems.say("effects.intervals", Refusal::Incomplete, "no method for limits is named, and a table of effect sizes has limits");
        }
        if self.effects.bootstrap > 0 {
            problems.add("effects.bootstrap", self.effects.bootstrap_of(self).check());
            if let Some(effects) = self.model.random_effects().first() {
                problems.say(
                    "effects.bootstrap",
                    Refusal::NotBuilt,
                    format!("patients are drawn one by one, and `{effects}` ties those of a level together; leave one of the two out"),
                );
            }
        }
    }

    fn check_sensitivity(&self, trial: &Trial, problems: &mut Problems) {
        for (k, Sensitivity::Clusters(clustering)) in self.sensitivity.iter().enumerate() {
            problems.add("sensitivity", clustering.check(trial));
            if k > 0 {
                problems.say("sensitivity", Refusal::NamedTwice, "there are two of kind `clusters`; one names groups and therapists");
            }
        }
    }

    fn check_report(&self, trial: &Trial, problems: &mut Problems) {
        let known = trial.characteristic_names();
        let named = |name: &str| match known.contains(&name) {
            true => Ok(()),
            false => Err(Error::unknown("variable in the table of baseline characteristics", name, &known)),
        };
        for name in self.report.characteristics.iter().flatten() {
            problems.add("report.characteristics", named(name));
        }
        for (name, _) in &self.report.labels {
            problems.add("report.labels", named(name));
        }
    }
}

/// Problems as they are found.
#[derive(Debug, Default)]
struct Problems(Vec<PlanProblem>);

impl Problems {
    /// Notes what is wrong, if anything; the same is told once.
    fn add<T>(&mut self, key: &str, found: Result<T>) {
        if let Err(error) = found {
            let problem = PlanProblem::new(key, error.code(), error.worded_for(Interface::Plan).to_string());
            if !self.0.contains(&problem) {
                self.0.push(problem);
            }
        }
    }

    fn say(&mut self, key: &str, kind: Refusal, message: impl Into<String>) {
        self.0.push(PlanProblem::new(key, kind.to_string(), message));
    }

    fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Plan(PlanProblems(self.0))) }
    }
}
