//! What does not fit in sensitivity analyses and further ones.

use super::{Known, Problems, named_once};
use crate::analysis::{OtherModel, Plan, PopulationPlan, Sensitivity};
use crate::error::{Refusal, Result};

impl Plan {
    pub(super) fn check_sensitivity(&self, known: &Known, problems: &mut Problems) {
        let mut of_clusters = 0;
        for sensitivity in &self.sensitivity {
            match sensitivity {
                Sensitivity::Clusters(clustering) => {
                    let factors = || clustering.factors().into_iter().try_for_each(|factor| known.cluster(factor));
                    problems.add("sensitivity", clustering.check(known.has_one_arm()).and_then(|()| factors()));
                    of_clusters += 1;
                }
                Sensitivity::Model(model) => {
                    let key = format!("sensitivity, `{}`", model.name);
                    if !model.outcome.is_empty() || !model.at.is_empty() {
                        let message =
                            "it is of the primary contrast; a further analysis (`[[analysis]]`) may be of another outcome or visit";
                        problems.say(&key, Refusal::Conflict, message);
                    }
                    self.check_other_model(known, &key, model, problems);
                }
                Sensitivity::Imputation(plan) => problems.add(&format!("sensitivity, `{}`", plan.label()), plan.check(known)),
                Sensitivity::TippingPoint(plan) => problems.add("sensitivity, `tipping-point`", plan.check(self, known)),
                Sensitivity::Population(plan) => {
                    problems.add(&format!("sensitivity, `{}`", plan.name), self.check_population(known, plan));
                }
            }
        }
        if of_clusters > 1 {
            problems.say("sensitivity", Refusal::NamedTwice, "there are two of kind `clusters`; one names groups and therapists");
        }
        let names = self.other_models().map(|model| model.name.as_str());
        named_once("sensitivity", names.chain(self.populations().map(|population| population.name.as_str())), problems);
    }

    fn check_population(&self, known: &Known, population: &PopulationPlan) -> Result<()> {
        population.check_itself(known.has_one_arm())?;
        match known.trial() {
            // A primary outcome that the trial does not have is told of by itself.
            Some(trial) if trial.outcome(&self.primary).is_ok() => population.check_members(trial, &self.primary),
            _ => Ok(()),
        }
    }

    pub(super) fn check_analyses(&self, known: &Known, problems: &mut Problems) {
        for model in &self.analyses {
            let key = format!("analysis, `{}`", model.name);
            if !model.outcome.is_empty() {
                problems.add(&key, known.outcome(&model.outcome));
            }
            if !model.at.is_empty() {
                problems.add(&key, known.visit(&model.at));
            }
            self.check_other_model(known, &key, model, problems);
        }
        named_once("analysis", self.analyses.iter().map(|model| model.name.as_str()), problems);
    }

    fn check_other_model(&self, known: &Known, key: &str, model: &OtherModel, problems: &mut Problems) {
        if known.has_one_arm() {
            problems.say(key, Refusal::NothingToCompare, "it is about a difference between arms, and the trial has one arm");
        }
        if model.changes_nothing() && model.outcome.is_empty() && model.at.is_empty() {
            problems.say(
                key,
                Refusal::Incomplete,
                "it says nothing that differs from the primary analysis; state a formula, a covariance or another key",
            );
        }
        match (model.stated(&self.model), known.trial()) {
            (Err(problem), _) => problems.add::<()>(key, Err(problem)),
            (Ok(stated), Some(trial)) => {
                let unknown = stated.with_default_covariance(trial).unknown_names(trial);
                unknown.into_iter().for_each(|(_, problem)| problems.add::<()>(key, Err(problem)));
            }
            (Ok(stated), None) if model.formula.is_some() => {
                stated.mean().columns().into_iter().for_each(|name| problems.add(key, known.in_formula(name)));
            }
            (Ok(_), None) => {}
        }
    }
}
