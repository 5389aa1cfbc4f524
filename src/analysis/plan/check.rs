//! Everything in a plan that does not fit a trial, or itself.

mod known;
mod problems;
mod sensitivity;

pub(super) use self::known::Known;
use self::problems::{Problems, named_once};
use super::Plan;
use crate::change::IndividualChange;
use crate::effects::Denominator;
use crate::error::{Error, Refusal, Result};
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

    /// Checks what can be checked before there are data: numbers, settings that contradict one another, models that cannot be
    /// understood, names that the plan itself says twice or not at all, estimands and hypotheses against the outcomes and
    /// definitions of the plan, and visits, arms, outcomes and variables against those that the layout declares.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn check_itself(&self) -> Result<()> {
        self.problems(&Known::of_plan(self)).into_result()
    }

    /// The same of a plan that will analyse trials like this one, of which only the primary outcome is known.
    pub(crate) fn check_planned(&self, trial: &Trial) -> Result<()> {
        self.problems(&Known::of_planned(self, trial)).into_result()
    }

    /// The part of [`Plan::check`] that takes no design: names and numbers.
    pub(super) fn check_names(&self, trial: &Trial) -> Result<()> {
        self.problems(&Known::of_trial(trial)).into_result()
    }

    fn problems(&self, known: &Known) -> Problems {
        let mut problems = Problems::default();
        self.check_outcomes(known, &mut problems);
        problems.add("at", known.visit(&self.at));
        problems.add("level", check_level(self.level));
        self.check_layout(known, &mut problems);
        self.check_baseline(known, &mut problems);
        for (key, problem) in known.trial().into_iter().flat_map(|trial| self.model.unknown_names(trial)) {
            problems.add::<()>(&format!("model.{key}"), Err(problem));
        }
        self.check_responders(known, &mut problems);
        self.check_estimands(known, &mut problems);
        for (key, problem) in self.event_problems(known.trial()) {
            problems.add::<()>(&key, Err(problem));
        }
        self.check_effects(known, &mut problems);
        self.check_sensitivity(known, &mut problems);
        self.check_analyses(known, &mut problems);
        for definition in &self.instruments {
            problems.add(&format!("instrument, `{}`", definition.name), definition.build());
        }
        named_once("instrument", self.instruments.iter().map(|definition| definition.name.as_str()), &mut problems);
        self.check_multiplicity(known, &mut problems);
        self.check_subgroups(known, &mut problems);
        self.check_individual_changes(known, &mut problems);
        self.check_report(known, &mut problems);
        problems
    }

    fn check_outcomes(&self, known: &Known, problems: &mut Problems) {
        if self.primary.is_empty() {
            problems.say("primary", Refusal::Incomplete, NO_PRIMARY);
        } else {
            problems.add("primary", known.outcome(&self.primary));
        }
        for outcome in &self.secondary {
            problems.add("secondary", known.outcome(outcome));
        }
        self.check_outcomes_once(problems);
    }

    /// What the layout gets wrong by itself; data that were read by it show it otherwise.
    fn check_layout(&self, known: &Known, problems: &mut Problems) {
        let Some(layout) = self.layout.as_ref().filter(|_| known.trial().is_none()) else { return };
        for (key, problem) in layout.contradictions(&self.at) {
            problems.add::<()>(&key, Err(problem));
        }
    }

    fn check_baseline(&self, known: &Known, problems: &mut Problems) {
        let BaselineFrom::Covariate(name) = &self.baseline_from else { return };
        match known.trial() {
            Some(trial) => problems.add("baseline-from", trial.patient_numbers(name)),
            None => problems.add("baseline-from", known.covariate(name)),
        }
    }

    fn check_estimands(&self, known: &Known, problems: &mut Problems) {
        for estimand in self.estimands.iter().filter(|estimand| !estimand.at.is_empty()) {
            problems.add(&format!("estimand, `{}`", estimand.name), known.visit(&estimand.at));
        }
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

    fn check_responders(&self, known: &Known, problems: &mut Problems) {
        let definitions = &self.responders.definitions;
        for (k, definition) in definitions.iter().enumerate() {
            let key = format!("responders.definitions, `{}`", definition.name);
            for problem in known.trial().into_iter().flat_map(|trial| definition.problems(trial, &self.baseline_from)) {
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
        self.check_adjustment(known, problems);
    }

    /// What adjusted risks take, where there are any.
    fn check_adjustment(&self, known: &Known, problems: &mut Problems) {
        let plan = &self.responders;
        let may_be_baseline = known.trial().is_none_or(|trial| trial.schedule().baseline().is_some());
        for name in plan.covariates.iter().flatten().filter(|name| *name != "baseline" || !may_be_baseline) {
            problems.add("responders.covariates", known.variable(name));
        }
        for name in &plan.strata {
            problems.add("responders.strata", known.variable(name));
        }
        problems.add("responders.randomization", plan.risk_options(self.level).scheme());
    }

    fn check_effects(&self, known: &Known, problems: &mut Problems) {
        if let Some(trial) = known.trial() {
            self.check_denominator(trial, problems);
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

    fn check_denominator(&self, trial: &Trial, problems: &mut Problems) {
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
    }

    fn check_multiplicity(&self, known: &Known, problems: &mut Problems) {
        let Some(multiplicity) = &self.multiplicity else { return };
        let outcomes: Vec<&str> = self.outcomes().collect();
        for hypothesis in &multiplicity.hypotheses {
            let key = format!("multiplicity.hypotheses, `{}`", hypothesis.name);
            if !outcomes.contains(&hypothesis.outcome_in(self)) {
                problems.add::<()>(&key, Err(Error::unknown("outcome of the plan", &hypothesis.outcome, &outcomes)));
            }
            problems.add(&key, known.visit(hypothesis.visit_in(self)));
            if !known.arms().is_empty() {
                problems.add(&key, hypothesis.arms_among(known.arms()));
            }
        }
        named_once("multiplicity.hypotheses", multiplicity.hypotheses.iter().map(|h| h.name.as_str()), problems);
        // Whatever the p-values are, weights, transitions and level are these.
        problems.add("multiplicity", multiplicity.decide(&vec![0.5; multiplicity.hypotheses.len()], multiplicity.level(self.level)));
    }

    fn check_subgroups(&self, known: &Known, problems: &mut Problems) {
        for (k, subgroup) in self.subgroups.iter().enumerate() {
            let key = format!("subgroup, `{}`", subgroup.factor);
            match known.trial() {
                Some(trial) => problems.add(&key, subgroup.variable(trial)),
                None => problems.add(&key, known.variable(&subgroup.factor).and_then(|()| subgroup.check_itself())),
            }
            if self.subgroups[..k].iter().any(|other| other.factor == subgroup.factor) {
                problems.say(&key, Refusal::NamedTwice, "another subgroup analysis has this factor; each is shown once");
            }
        }
        if !self.subgroups.is_empty() && known.has_one_arm() {
            problems.say("subgroup", Refusal::NothingToCompare, "subgroups show differences between arms, and the trial has one");
        }
    }

    fn check_individual_changes(&self, known: &Known, problems: &mut Problems) {
        for (k, change) in self.individual_changes.iter().enumerate() {
            let key = format!("individual-change, `{}`", change.outcome);
            // A visit that is none is told as such.
            match known.trial() {
                Some(trial) if known.visit(&self.at).is_ok() => {
                    problems.add(&key, change.evaluate_at(trial, &self.baseline_from, &[&self.at]));
                }
                Some(_) => problems.add(&key, change.check()),
                None => problems.add(&key, known.outcome(&change.outcome).and_then(|()| change.check())),
            }
            let is_same = |other: &IndividualChange| other.outcome == change.outcome && other.heading() == change.heading();
            if self.individual_changes[..k].iter().any(is_same) {
                problems.say(&key, Refusal::NamedTwice, "another definition for this outcome is called the same; give each a `label`");
            }
        }
    }

    fn check_report(&self, known: &Known, problems: &mut Problems) {
        for name in self.report.characteristics.iter().flatten() {
            problems.add("report.characteristics", known.characteristic(name));
        }
        for (name, _) in &self.report.labels {
            problems.add("report.labels", known.characteristic(name));
        }
    }
}
