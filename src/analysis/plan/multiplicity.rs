//! [`Multiplicity`]: which hypotheses are tested at one familywise level, and how.

use super::Plan;
use crate::error::{Error, Result};
use crate::multiplicity::{Decisions, Graph, Procedure, Weighted};
use crate::trial::Trial;
use crate::written::{is_default, pairs};

/// Hypotheses on differences between arms, across outcomes and visits, that are tested at one familywise level.
///
/// ```toml
/// [multiplicity]
/// procedure = "graph"
/// alpha = 0.05
///
/// [[multiplicity.hypotheses]]
/// name = "PTSD"
/// weight = 1
/// transitions = { depression = 0.5, function = 0.5 }
///
/// [[multiplicity.hypotheses]]
/// name = "depression"
/// outcome = "bdi"
/// transitions = { function = 1 }
///
/// [[multiplicity.hypotheses]]
/// name = "function"
/// outcome = "whodas12"
/// at = "12 months"
/// transitions = { depression = 1 }
/// ```
///
/// | key | meaning | default |
/// |---|---|---|
/// | `procedure` | `fixed-sequence`, `bonferroni`, `holm`, `hochberg` or `graph` ([`Procedure`]) | must be stated |
/// | `alpha` | the familywise level of two-sided tests | one minus the plan's confidence level |
/// | `[[hypotheses]]` | the hypotheses, in order ([`Hypothesis`]) | must be stated |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Multiplicity {
    /// How the hypotheses are tested.
    pub procedure: Procedure,
    /// The familywise level of two-sided tests; one minus the confidence level of the plan unless stated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alpha: Option<f64>,
    /// The hypotheses, in order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hypotheses: Vec<Hypothesis>,
}

/// The hypothesis that two arms do not differ in an outcome at a visit.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `name` | what tables and transitions call it | must be stated |
/// | `outcome` | an outcome of the plan | the primary one |
/// | `at` | the visit | that of primary interest |
/// | `arm` | the arm | the other than the reference, where there are two |
/// | `versus` | the arm that it is compared with | the reference |
/// | `weight` | the share of the level that it starts with | equal shares; in a graph 0 |
/// | `transitions` | of a graph: what it passes on to others when it is rejected, by name | nothing |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hypothesis {
    /// What tables and transitions call it.
    pub name: String,
    /// The outcome; empty for the primary one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub outcome: String,
    /// The visit, by label; empty for that of primary interest.
    #[serde(default, skip_serializing_if = "is_default")]
    pub at: String,
    /// The arm; empty for the only one that is not the reference.
    #[serde(default, skip_serializing_if = "is_default")]
    pub arm: String,
    /// The arm that it is compared with; empty for the reference.
    #[serde(default, skip_serializing_if = "is_default")]
    pub versus: String,
    /// The share of the level that it starts with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight: Option<f64>,
    /// What it passes on to others when it is rejected.
    #[serde(default, skip_serializing_if = "is_default", with = "pairs")]
    pub transitions: Vec<(String, f64)>,
}

impl Multiplicity {
    /// No hypotheses yet, tested by this procedure.
    pub fn new(procedure: Procedure) -> Self {
        Self { procedure, alpha: None, hypotheses: vec![] }
    }

    /// At this familywise level.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = Some(alpha);
        self
    }

    /// Adds a hypothesis.
    pub fn hypothesis(mut self, hypothesis: Hypothesis) -> Self {
        self.hypotheses.push(hypothesis);
        self
    }

    /// The shares of the level at the start.
    ///
    /// # Errors
    /// [`Error::Invalid`] where some are stated and others are not.
    pub(in crate::analysis) fn weights(&self) -> Result<Vec<f64>> {
        let stated = self.hypotheses.iter().filter(|h| h.weight.is_some()).count();
        match (self.procedure, stated) {
            (Procedure::Graph, _) => Ok(self.hypotheses.iter().map(|h| h.weight.unwrap_or(0.0)).collect()),
            (Procedure::FixedSequence, 1..) => Err(Error::conflict(
                "the weights of a fixed sequence",
                "each hypothesis is tested at the whole level",
                "leave `weight` out, or choose another procedure",
            )),
            (_, 0) => Ok(vec![1.0 / self.hypotheses.len().max(1) as f64; self.hypotheses.len()]),
            (_, stated) if stated < self.hypotheses.len() => Err(Error::incomplete(
                "the weights of the hypotheses",
                "some have one and others do not",
                "state all, or none for equal ones",
            )),
            _ => Ok(self.hypotheses.iter().filter_map(|h| h.weight).collect()),
        }
    }

    /// Decides on the p-values of the hypotheses.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a transition to no hypothesis; [`Error::Invalid`] for weights and transitions that cannot be,
    /// and a level outside (0, 1).
    pub(crate) fn decide(&self, p: &[f64], alpha: f64) -> Result<Decisions> {
        let weights = self.weights()?;
        if self.procedure != Procedure::Graph {
            if let Some(named) = self.hypotheses.iter().find(|h| !h.transitions.is_empty()) {
                return Err(Error::conflict(
                    format!("the transitions of hypothesis `{}`", named.name),
                    format!("the procedure is `{}`, which states them itself", self.procedure),
                    "choose the procedure `graph`, or leave them out",
                ));
            }
            return Weighted::new(self.procedure, weights)?.test(p, alpha);
        }
        let names: Vec<&str> = self.hypotheses.iter().map(|h| h.name.as_str()).collect();
        let row = |hypothesis: &Hypothesis| -> Result<Vec<f64>> {
            let mut row = vec![0.0; names.len()];
            for (to, share) in &hypothesis.transitions {
                let place = names.iter().position(|name| name == to);
                row[place.ok_or_else(|| Error::unknown("hypothesis", to, &names))?] = *share;
            }
            Ok(row)
        };
        Graph::new(weights, self.hypotheses.iter().map(row).collect::<Result<_>>()?)?.test(p, alpha)
    }

    /// The familywise level in a plan with this confidence level.
    pub(crate) fn level(&self, confidence: f64) -> f64 {
        // 1 − 0.95 is 0.05 and a rounding error, which the decimal that was meant does not have.
        self.alpha.unwrap_or_else(|| ((1.0 - confidence) * 1e12).round() / 1e12)
    }
}

impl Hypothesis {
    /// A hypothesis of this name, on the primary contrast.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// On this outcome.
    pub fn outcome(mut self, outcome: impl Into<String>) -> Self {
        self.outcome = outcome.into();
        self
    }

    /// At this visit.
    pub fn at(mut self, visit: impl Into<String>) -> Self {
        self.at = visit.into();
        self
    }

    /// On the difference of these arms.
    pub fn arms(mut self, arm: impl Into<String>, versus: impl Into<String>) -> Self {
        (self.arm, self.versus) = (arm.into(), versus.into());
        self
    }

    /// With this share of the level at the start.
    pub fn weight(mut self, weight: f64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Passing this share of its level on to another hypothesis when it is rejected.
    pub fn passing(mut self, to: impl Into<String>, share: f64) -> Self {
        self.transitions.push((to.into(), share));
        self
    }

    /// The outcome in a plan.
    pub(crate) fn outcome_in<'a>(&'a self, plan: &'a Plan) -> &'a str {
        if self.outcome.is_empty() { &plan.primary } else { &self.outcome }
    }

    /// The visit in a plan.
    pub(crate) fn visit_in<'a>(&'a self, plan: &'a Plan) -> &'a str {
        if self.at.is_empty() { &plan.at } else { &self.at }
    }

    /// The arm and the one that it is compared with.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an arm that the trial does not have; [`Error::Invalid`] where it has to be named, or is
    /// compared with itself.
    pub(crate) fn arms_in<'a>(&'a self, trial: &'a Trial) -> Result<(&'a str, &'a str)> {
        self.arms_among(trial.arms())
    }

    /// The same among the arms of a trial, the reference first.
    pub(super) fn arms_among<'a>(&'a self, arms: &'a [String]) -> Result<(&'a str, &'a str)> {
        for named in [&self.arm, &self.versus] {
            if !named.is_empty() && !arms.contains(named) {
                return Err(Error::unknown("arm", named, arms));
            }
        }
        let what = || format!("hypothesis `{}`", self.name);
        let versus = if self.versus.is_empty() { arms.first().map_or("", String::as_str) } else { &self.versus };
        let others: Vec<&str> = arms.iter().map(String::as_str).filter(|arm| *arm != versus).collect();
        match (self.arm.as_str(), others.as_slice()) {
            (_, []) => Err(Error::nothing_to_compare(what(), "the trial has one arm", "leave `multiplicity` out of the plan")),
            ("", [only]) => Ok((only, versus)),
            ("", several) => Err(Error::incomplete(
                what(),
                format!("{} arms can be compared with {versus}", several.len()),
                format!("name one: `arm = \"{}\"`", several[0]),
            )),
            (arm, _) if arm == versus => {
                Err(Error::nothing_to_compare(what(), format!("{arm} would be compared with itself"), "name two arms"))
            }
            (arm, _) => Ok((arm, versus)),
        }
    }
}
