//! What a plan says of subgroups, further analyses, other models and several hypotheses, in words.

use super::{Part, listed};
use crate::analysis::{Hypothesis, Multiplicity, OtherModel, Plan, PopulationPlan, Subgroup, visit_in_prose};
use crate::level::percent;
use crate::multiplicity::Procedure;

impl Plan {
    pub(super) fn subgroups_text(&self) -> Part {
        let heading = "Subgroups";
        if self.subgroups.is_empty() {
            return Part { heading, paragraphs: vec![] };
        }
        let lines: Vec<String> = self.subgroups.iter().map(subgroup).collect();
        let how = format!(
            "For each factor, one model adds its interactions with arm and visit to the primary one. The difference between arms in {} at {} is estimated within \
             each level, with a {} confidence interval, and the interaction of arm and factor at that visit is tested by an F test. Nothing is adjusted for \
             multiplicity.",
            self.label_of(&self.primary),
            self.visit_text(),
            percent(self.level)
        );
        Part { heading, paragraphs: vec![lines.join("\n"), how] }
    }

    pub(super) fn further_text(&self) -> Part {
        let of = |analysis: &OtherModel| {
            let outcome = if analysis.outcome.is_empty() { &self.primary } else { &analysis.outcome };
            let at = if analysis.at.is_empty() { self.visit_text() } else { visit_in_prose(&analysis.at) };
            format!("- {}: {} at {at}; {}", analysis.name, self.label_of(outcome), differs(analysis))
        };
        let lines: Vec<String> = self.analyses.iter().map(of).collect();
        Part { heading: "Further analyses", paragraphs: if lines.is_empty() { vec![] } else { vec![lines.join("\n")] } }
    }

    pub(super) fn hypotheses_text(&self, multiplicity: &Multiplicity) -> Vec<String> {
        let hypothesis = |h: &Hypothesis| {
            let at = if h.at.is_empty() { self.visit_text() } else { visit_in_prose(&h.at) };
            let arms = match (h.arm.as_str(), h.versus.as_str()) {
                ("", "") => String::new(),
                (arm, "") => format!(", {arm} against the reference"),
                ("", versus) => format!(", against {versus}"),
                (arm, versus) => format!(", {arm} against {versus}"),
            };
            let weight = h.weight.map(|w| format!("; weight {w}")).unwrap_or_default();
            let passed: Vec<String> = h.transitions.iter().map(|(to, share)| format!("{share} to {to}")).collect();
            let passed = if passed.is_empty() { String::new() } else { format!("; passes on {}", listed(&passed)) };
            format!("- {}: {} at {at}{arms}{weight}{passed}.", h.name, self.label_of(h.outcome_in(self)))
        };
        let order = if multiplicity.procedure == Procedure::FixedSequence { ", in this order" } else { "" };
        let text = format!(
            "The two-sided familywise level of {} is kept over these {} hypotheses of no difference between arms{order} by {}:",
            multiplicity.level(self.level),
            multiplicity.hypotheses.len(),
            multiplicity.procedure.words()
        );
        let lines: Vec<String> = multiplicity.hypotheses.iter().map(hypothesis).collect();
        vec![text, lines.join("\n"), "All else is not adjusted for multiplicity.".into()]
    }
}

fn subgroup(of: &Subgroup) -> String {
    let heading = of.heading();
    let named = if heading == of.factor { heading.to_string() } else { format!("{heading} ({})", of.factor) };
    if of.cut_points.is_empty() {
        return format!("- {named}.");
    }
    let points: Vec<String> = of.cut_points.iter().map(ToString::to_string).collect();
    let groups = if of.groups.is_empty() { String::new() } else { format!(": {}", listed(&of.groups)) };
    format!("- {named}, cut at {}{groups}.", listed(&points))
}

/// A sensitivity analysis by another model.
pub(super) fn sensitivity(model: &OtherModel) -> String {
    format!("{}: the primary comparison is repeated; {}", model.name, differs(model))
}

/// The primary comparison in a part of the patients.
pub(super) fn population(plan: &PopulationPlan) -> String {
    let reason = if plan.reason.is_empty() { String::new() } else { format!(" Reason: {}.", plan.reason.trim_end_matches('.')) };
    format!(
        "{}: the primary model is fitted to patients for whom {plan}. Who they are is decided after randomization, so this is not a randomized comparison;          how many of each arm are in, and why the others are not, is reported.{reason}",
        plan.name
    )
}

/// What differs from the primary model, a clause with its full stop.
fn differs(model: &OtherModel) -> String {
    let mut parts: Vec<String> = vec![];
    parts.extend(model.formula.as_ref().map(|formula| format!("the mean is `{formula}`")));
    parts.extend(model.baseline.map(|baseline| format!("the baseline is treated as `{baseline}`")));
    parts.extend(model.covariance.as_ref().map(|covariance| format!("the covariance is {covariance}")));
    if let Some(structures) = model.covariance_else.as_ref().filter(|structures| !structures.is_empty()) {
        parts.push(format!("else {}", listed(&structures.iter().map(ToString::to_string).collect::<Vec<_>>())));
    }
    parts.extend(model.estimation.map(|estimation| format!("estimation is by {estimation}")));
    parts.extend(model.df.map(|df| format!("degrees of freedom are {}", df.words())));
    let what = if parts.is_empty() { "by the primary model".into() } else { parts.join("; ") };
    let reason = if model.reason.is_empty() { String::new() } else { format!(" Reason: {}.", model.reason.trim_end_matches('.')) };
    format!("{what}.{reason}")
}
