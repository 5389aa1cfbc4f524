//! The methods paragraph: what was estimated, in whom, by which model, in words a journal would accept.

use super::document::Section;
use crate::analysis::{AnalysisResult, OutcomeResult, degrees_of_freedom};
use crate::design::{Baseline, RandomEffects};
use crate::fit::Estimation;
use crate::table::agreeing;

/// What the section is called.
pub(super) const HEADING: &str = "Statistical methods";

/// The section that says how the numbers were made.
pub(super) fn section(result: &AnalysisResult) -> Section {
    let mut section = Section::new(HEADING)
        .led_paragraph("Comparison.", comparison(result))
        .led_paragraph("Population.", population(result))
        .led_paragraph("Model.", model(result))
        .led_paragraph("Missing data.", missing_data(result));
    if let Some(text) = super::effects::methods(result) {
        section = section.led_paragraph("Effect sizes.", text);
    }
    if let Some(text) = response(result) {
        section = section.led_paragraph("Response and remission.", text);
    }
    if let Some(text) = super::individual_change::methods(result) {
        section = section.led_paragraph("Individual change.", text);
    }
    if let Some(text) = clustering(result) {
        section = section.led_paragraph("Clustering.", text);
    }
    if let Some(text) = super::subgroups::methods(result) {
        section = section.led_paragraph("Subgroups.", text);
    }
    if let Some(text) = super::imputed::methods(result) {
        section = section.led_paragraph("If the missing are different.", text);
    }
    if let Some(text) = super::populations::methods(result) {
        section = section.led_paragraph("Parts of the patients.", text);
    }
    if let Some(text) = super::models::methods(result) {
        section = section.led_paragraph("Other models.", text);
    }
    section.led_paragraph("Multiplicity.", multiplicity(result)).led_paragraph("Software.", software(result))
}

fn primary(result: &AnalysisResult) -> &OutcomeResult {
    &result.outcomes[0]
}

/// What is compared; estimands are those that the plan states, in a section of their own.
pub(super) fn comparison(result: &AnalysisResult) -> String {
    let estimands = match result.plan.estimands.is_empty() {
        true => {
            "The plan states no estimand in the terms of ICH E9(R1): what the comparison means where patients stopped or changed treatment is for its authors to say"
        }
        false => "The estimands are those of the plan, stated above in the terms of ICH E9(R1)",
    };
    let (outcome, at) = (primary(result), result.plan.visit());
    let (treatments, summary) = match result.trial.arms.as_slice() {
        [only] => (format!("the treatment is {only}"), "mean"),
        [reference, others @ ..] => {
            let all: Vec<&String> = others.iter().chain([reference]).collect();
            (format!("the treatments compared are {}", listed(&all)), "difference between arms in means")
        }
        [] => ("there is one treatment".into(), "mean"),
    };
    format!("{} at {at} is analysed; {treatments}, as allocated, and summarised as the {summary}. {estimands}.", outcome.label)
}

fn population(result: &AnalysisResult) -> String {
    let randomized: usize = result.trial.randomized.iter().sum();
    let by_arm: Vec<String> = result.trial.arms.iter().zip(&result.trial.randomized).map(|(arm, n)| format!("{n} to {arm}")).collect();
    let cells = result.plan.report.small_cells;
    let analysed: Vec<String> =
        result.outcomes.iter().map(|o| format!("{} for {}", cells.count(o.model.patients, randomized), o.label)).collect();
    format!(
        "Analyses are by intention to treat: each of the {randomized} randomized patients ({}) counts in the arm of randomization, and everyone with at least \
         one usable measurement is analysed: {}. Who is not, and why, is in the participant flow.",
        listed(&by_arm),
        listed(&analysed),
    )
}

fn model(result: &AnalysisResult) -> String {
    let plan = &result.plan;
    let likelihood = match plan.model.likelihood() {
        Estimation::Reml => "restricted maximum likelihood",
        Estimation::Ml => "maximum likelihood",
    };
    let secondary = if result.outcomes.len() > 1 { " Secondary outcomes are analysed by the same model." } else { "" };
    format!(
        "A mixed model for repeated measures. {} The covariance of a patient's visits was {}, {}, and {}.{} Estimation \
         was by {likelihood}; {}. Estimates are two-sided with {}% confidence intervals from the t distribution.{secondary}",
        primary(result).model.sentence,
        primary(result).model.covariance,
        covariance_groups(plan.model.covariance_group()),
        random_effects(plan.model.random_effects()),
        fallback(result),
        degrees_of_freedom(plan.model.df_method()),
        percent(plan.level),
    )
}

/// Who has a covariance in common.
fn covariance_groups(group: Option<&str>) -> String {
    match group {
        None => "common to all arms".into(),
        Some(group) => format!("separate for each level of {group}"),
    }
}

/// What was added to the mean for clusters.
fn random_effects(effects: &[RandomEffects]) -> String {
    match effects {
        [] => "no random effects were added".into(),
        effects => format!("random effects {} were added", listed(&effects.iter().map(ToString::to_string).collect::<Vec<_>>())),
    }
}

/// The structures that were agreed on and what came of them, where there were several.
fn fallback(result: &AnalysisResult) -> String {
    let model = &result.plan.model;
    if model.fallbacks().is_empty() {
        return String::new();
    }
    let planned: Vec<String> = model.stated_covariance().into_iter().chain(model.fallbacks()).map(ToString::to_string).collect();
    let given_up: Vec<String> = result.outcomes.iter().filter(|o| !o.model.attempts.is_empty()).map(given_up).collect();
    let came = if given_up.is_empty() { "the first was fitted to every outcome".into() } else { given_up.join("; ") };
    format!(
        " The order in which structures would be tried was set before the data were analysed: {}; the next is used only where the one before has no verified \
         optimum. As it turned out, {came}.",
        planned.join(", else ")
    )
}

/// What was rejected for an outcome, and what was fitted.
fn given_up(outcome: &OutcomeResult) -> String {
    let attempts: Vec<String> = outcome.model.attempts.iter().map(ToString::to_string).collect();
    format!("for {} the covariance was {} after giving up {}", outcome.label, outcome.model.covariance, attempts.join("; and "))
}

fn missing_data(result: &AnalysisResult) -> String {
    let kept = match primary(result).model.baseline {
        Baseline::Constrained => "patients with only a baseline measurement stay in the analysis",
        _ => "patients with some but not all visits stay in the analysis",
    };
    format!(
        "The likelihood uses every observed measurement, and nothing is imputed; {kept}. Estimates are valid if measurements are missing at random: whether one is \
         missing may depend on what was observed (arm, covariates, other visits) but not, given that, on the value itself. That cannot be checked from the \
         data. The missing-data patterns are shown."
    )
}

fn response(result: &AnalysisResult) -> Option<String> {
    result.rates.as_ref()?;
    let definitions = match result.plan.responders.definitions.len() {
        1 => "One definition of response or remission is applied".into(),
        n => format!("{n} definitions of response and remission are applied"),
    };
    Some(format!(
        "{definitions} at {}, with wording and source under the table. What is done with patients who were not observed is stated beside every rate. Rates have \
         Wilson intervals, differences Newcombe's; patients are taken as independent, and rates are not adjusted for covariates.",
        result.plan.visit()
    ))
}

fn clustering(result: &AnalysisResult) -> Option<String> {
    if let Some(found) = &result.clustering {
        return Some(super::clustering::methods(found));
    }
    let clusters = &result.trial.clusters;
    (!clusters.is_empty()).then(|| {
        format!(
            "The data name {} as {}; the model takes patients as independent given its covariates. Where outcomes of patients who share one are correlated, \
             standard errors are too small.",
            listed(clusters),
            agreeing(clusters.len(), "cluster", "clusters")
        )
    })
}

fn multiplicity(result: &AnalysisResult) -> String {
    if let Some(text) = super::multiplicity::methods(result) {
        return text;
    }
    format!(
        "There is one primary comparison: {} at {}. Other visits, outcomes and definitions are secondary and not adjusted for multiplicity.",
        primary(result).label,
        result.plan.visit()
    )
}

fn software(result: &AnalysisResult) -> String {
    let seed = if result.plan.effects.bootstrap > 0 { format!(", random seed {}", result.plan.seed) } else { String::new() };
    format!("{}{seed}. Data file: {}.", result.software, result.trial.source)
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).into(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// `95`, `97.5`.
pub(super) fn percent(level: f64) -> String {
    let text = format!("{:.2}", 100.0 * level);
    text.trim_end_matches('0').trim_end_matches('.').into()
}
