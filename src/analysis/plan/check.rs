//! Everything in a plan that does not fit a trial.

use super::{OtherModel, Plan, Sensitivity};
use crate::change::IndividualChange;
use crate::effects::Denominator;
use crate::error::{Error, Interface, PlanProblem, PlanProblems, Refusal, Result};
use crate::level::check_level;
use crate::responders::Unobserved;
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
        let others = plan.other_models().map(|model| ("sensitivity", model)).chain(plan.analyses.iter().map(|model| ("analysis", model)));
        for (key, other) in others {
            let outcome = if other.outcome.is_empty() { &plan.primary } else { &other.outcome };
            let model = other.model(&plan.model, trial).and_then(|model| model.of_outcome(outcome).check(trial));
            problems.add(&format!("{key}, `{}`", other.name), model);
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
        self.check_events(None, &mut problems);
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
        self.check_events(Some(trial), &mut problems);
        self.check_effects(trial, &mut problems);
        self.check_sensitivity(trial, &mut problems);
        for definition in &self.instruments {
            problems.add(&format!("instrument, `{}`", definition.name), definition.build());
        }
        named_once("instrument", self.instruments.iter().map(|definition| definition.name.as_str()), &mut problems);
        self.check_multiplicity(trial, &mut problems);
        self.check_subgroups(trial, &mut problems);
        self.check_individual_changes(trial, &mut problems);
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

    fn check_events(&self, trial: Option<&Trial>, problems: &mut Problems) {
        for (key, problem) in self.event_problems(trial) {
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
        if self.responders.unobserved == [Unobserved::Imputed] {
            problems.say(
                "responders.unobserved",
                Refusal::Incomplete,
                "imputed patients cannot be counted; name another way too, such as `counted-as-not-met`",
            );
        }
        self.check_adjustment(trial, problems);
    }

    /// What adjusted risks take, where there are any.
    fn check_adjustment(&self, trial: &Trial, problems: &mut Problems) {
        let plan = &self.responders;
        for name in plan.covariates.iter().flatten().filter(|name| trial.variable(name).is_err()) {
            let is_baseline = name == "baseline" && trial.schedule().baseline().is_some();
            if !is_baseline {
                problems.add("responders.covariates", trial.variable(name));
            }
        }
        for name in &plan.strata {
            problems.add("responders.strata", trial.variable(name));
        }
        problems.add("responders.randomization", plan.risk_options(self.level).scheme());
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
        let mut of_clusters = 0;
        for sensitivity in &self.sensitivity {
            match sensitivity {
                Sensitivity::Clusters(clustering) => {
                    problems.add("sensitivity", clustering.check(trial));
                    of_clusters += 1;
                }
                Sensitivity::Model(model) => {
                    let key = format!("sensitivity, `{}`", model.name);
                    if !model.outcome.is_empty() || !model.at.is_empty() {
                        let message =
                            "it is of the primary contrast; a further analysis (`[[analysis]]`) may be of another outcome or visit";
                        problems.say(&key, Refusal::Conflict, message);
                    }
                    self.check_other_model(trial, &key, model, problems);
                }
                Sensitivity::Imputation(plan) => problems.add(&format!("sensitivity, `{}`", plan.label()), plan.check(trial)),
                Sensitivity::TippingPoint(plan) => problems.add("sensitivity, `tipping-point`", plan.check(self, trial)),
                // A primary outcome that the trial does not have is told of by itself.
                Sensitivity::Population(plan) if trial.outcome(&self.primary).is_ok() => {
                    problems.add(&format!("sensitivity, `{}`", plan.name), plan.check(trial, &self.primary));
                }
                Sensitivity::Population(_) => {}
            }
        }
        if of_clusters > 1 {
            problems.say("sensitivity", Refusal::NamedTwice, "there are two of kind `clusters`; one names groups and therapists");
        }
        let names = self.other_models().map(|model| model.name.as_str());
        named_once("sensitivity", names.chain(self.populations().map(|population| population.name.as_str())), problems);
        for model in &self.analyses {
            let key = format!("analysis, `{}`", model.name);
            if !model.outcome.is_empty() {
                problems.add(&key, trial.outcome(&model.outcome));
            }
            if !model.at.is_empty() {
                problems.add(&key, trial.schedule().index_of(&model.at));
            }
            self.check_other_model(trial, &key, model, problems);
        }
        named_once("analysis", self.analyses.iter().map(|model| model.name.as_str()), problems);
    }

    fn check_other_model(&self, trial: &Trial, key: &str, model: &OtherModel, problems: &mut Problems) {
        if trial.arms().len() < 2 {
            problems.say(key, Refusal::NothingToCompare, "it is about a difference between arms, and the trial has one arm");
        }
        if model.changes_nothing() && model.outcome.is_empty() && model.at.is_empty() {
            problems.say(
                key,
                Refusal::Incomplete,
                "it says nothing that differs from the primary analysis; state a formula, a covariance or another key",
            );
        }
        match model.model(&self.model, trial) {
            Err(problem) => problems.add::<()>(key, Err(problem)),
            Ok(model) => model.unknown_names(trial).into_iter().for_each(|(_, problem)| problems.add::<()>(key, Err(problem))),
        }
    }

    fn check_multiplicity(&self, trial: &Trial, problems: &mut Problems) {
        let Some(multiplicity) = &self.multiplicity else { return };
        let outcomes: Vec<&str> = self.outcomes().collect();
        for hypothesis in &multiplicity.hypotheses {
            let key = format!("multiplicity.hypotheses, `{}`", hypothesis.name);
            if !outcomes.contains(&hypothesis.outcome_in(self)) {
                problems.add::<()>(&key, Err(Error::unknown("outcome of the plan", &hypothesis.outcome, &outcomes)));
            }
            problems.add(&key, trial.schedule().index_of(hypothesis.visit_in(self)));
            problems.add(&key, hypothesis.arms_in(trial));
        }
        named_once("multiplicity.hypotheses", multiplicity.hypotheses.iter().map(|h| h.name.as_str()), problems);
        // Whatever the p-values are, weights, transitions and level are these.
        problems.add("multiplicity", multiplicity.decide(&vec![0.5; multiplicity.hypotheses.len()], multiplicity.level(self.level)));
    }

    fn check_subgroups(&self, trial: &Trial, problems: &mut Problems) {
        for (k, subgroup) in self.subgroups.iter().enumerate() {
            let key = format!("subgroup, `{}`", subgroup.factor);
            problems.add(&key, subgroup.variable(trial));
            if self.subgroups[..k].iter().any(|other| other.factor == subgroup.factor) {
                problems.say(&key, Refusal::NamedTwice, "another subgroup analysis has this factor; each is shown once");
            }
        }
        if !self.subgroups.is_empty() && trial.arms().len() < 2 {
            problems.say("subgroup", Refusal::NothingToCompare, "subgroups show differences between arms, and the trial has one");
        }
    }

    fn check_individual_changes(&self, trial: &Trial, problems: &mut Problems) {
        for (k, change) in self.individual_changes.iter().enumerate() {
            let key = format!("individual-change, `{}`", change.outcome);
            // A visit that is none is told as such.
            match trial.schedule().index_of(&self.at).is_ok() {
                true => problems.add(&key, change.evaluate_at(trial, &self.baseline_from, &[&self.at])),
                false => problems.add(&key, change.check()),
            };
            let is_same = |other: &IndividualChange| other.outcome == change.outcome && other.heading() == change.heading();
            if self.individual_changes[..k].iter().any(is_same) {
                problems.say(&key, Refusal::NamedTwice, "another definition for this outcome is called the same; give each a `label`");
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

/// Notes names that are there twice, and things without one.
fn named_once<'a>(key: &str, names: impl Iterator<Item = &'a str>, problems: &mut Problems) {
    let mut known: Vec<&str> = vec![];
    for name in names {
        if name.trim().is_empty() {
            problems.say(key, Refusal::Incomplete, "one has no name, and tables tell them apart by it");
        } else if known.contains(&name) {
            problems.say(key, Refusal::NamedTwice, format!("`{name}` is there twice; tables tell them apart by the name"));
        }
        known.push(name);
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
