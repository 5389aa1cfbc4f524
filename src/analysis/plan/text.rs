//! The statistical methods of a plan as text, before there are data.

mod analyses;
mod individual_change;

use super::{AnalysedBy, EventPlan, Plan, Sensitivity, TippingOf};
use crate::analysis::ClusterModel;
use crate::design::Baseline;
use crate::effects::{Correction, Positive};
use crate::fit::Estimation;
use crate::generalized::PopulationVariance;
use crate::inference::{Df, Vcov};
use crate::level::percent;
use crate::responders::{Meaning, Unobserved};
use crate::trial::{BaselineFrom, Condition};

/// A heading of Markdown and its paragraphs.
struct Part {
    heading: &'static str,
    paragraphs: Vec<String>,
}

impl Plan {
    /// The statistical-methods section of a statistical analysis plan or a preregistration, in Markdown: everything that
    /// the plan decides, and no number of any data.
    ///
    /// ```
    /// use trialstats::analysis::Plan;
    ///
    /// let text = Plan::from_toml("primary = 'caps5'\nat = '12 months'")?.methods_text();
    /// assert!(text.contains("restricted maximum likelihood") && text.contains("missing at random"));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn methods_text(&self) -> String {
        let title = self.trial.title.as_ref().or(self.report.title.as_ref());
        let mut text = format!("# {}\n", title.map_or("Statistical analysis plan".into(), |t| format!("Statistical analysis plan: {t}")));
        let registration = self.trial.registration.as_ref().or(self.report.registration.as_ref());
        let facts = [
            registration.map(|number| format!("Registration: {number}.")),
            self.trial.sponsor.as_ref().map(|sponsor| format!("Sponsor: {sponsor}.")),
            (!self.trial.authors.is_empty()).then(|| format!("Authors of the plan: {}.", listed(&self.trial.authors))),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            text.push_str(&format!("\n{}\n", facts.join(" ")));
        }
        let parts = [
            self.estimands_text(),
            self.population_text(),
            self.events_text(),
            self.variables_text(),
            self.model_text(),
            missing_data(),
            self.effects_text(),
            self.responders_text(),
            self.individual_change_text(),
            self.multiplicity_text(),
            self.subgroups_text(),
            self.sensitivity_text(),
            self.further_text(),
            self.software_text(),
        ];
        for Part { heading, paragraphs } in parts.into_iter().filter(|part| !part.paragraphs.is_empty()) {
            text.push_str(&format!("\n## {heading}\n"));
            paragraphs.iter().for_each(|paragraph| text.push_str(&format!("\n{paragraph}\n")));
        }
        text
    }

    /// The visit of primary interest in prose, before the schedule is known.
    fn visit_text(&self) -> String {
        if self.at.is_empty() { "the last visit of the schedule".into() } else { self.visit() }
    }

    fn estimands_text(&self) -> Part {
        let paragraphs = match self.estimands.as_slice() {
            [] => vec![
                "The plan states no estimand in the terms of ICH E9(R1). Before it is registered, population, treatments, variable, intercurrent events with \
                 their strategies, and summary measure should be added."
                    .into(),
            ],
            estimands => estimands.iter().map(|estimand| {
                let rows = estimand.table(self).rows.into_iter().map(|(attribute, what)| format!("| {} | {} |", cell(&attribute), cell(&what)));
                format!("**{}.** {}\n\n| Attribute | Description |\n|---|---|\n{}", estimand.name, estimand.sentence(self), rows.collect::<Vec<_>>().join("\n"))
            }).collect(),
        };
        Part { heading: "Estimands", paragraphs }
    }

    fn population_text(&self) -> Part {
        let arms = self.layout.as_ref().map(|layout| layout.declared_arms());
        let allocated = match arms {
            Some(([_, _, ..], Some(reference))) | Some((_, Some(reference))) => {
                format!("Patients are analysed in the arm to which they were randomized; {reference} is the reference arm.")
            }
            _ => "Patients are analysed in the arm to which they were randomized.".into(),
        };
        let is_preset = self.layout.as_ref().is_some_and(|layout| layout.preset().is_some());
        let met = |conditions: &[Condition]| conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and ");
        let population = match self.trial.population.as_slice() {
            [] if is_preset => "The analysis population is every patient for whom ITTFL, or where the file has none FASFL, is Y.".into(),
            [] => "The analysis population is everyone in the data file, by intention to treat.".into(),
            conditions => format!("The analysis population is every patient for whom {}.", met(conditions)),
        };
        let subset = match self.trial.subset.as_slice() {
            [] => String::new(),
            conditions => format!(" The analysis is restricted to patients for whom {}.", met(conditions)),
        };
        let rows = self.layout.as_ref().map(|layout| layout.left_out_in_words()).filter(|words| !words.is_empty());
        let rows = rows.map(|words| format!(" {words}")).unwrap_or_default();
        let counted = "Patients with at least one measurement that the model can use enter the estimation; how many do not, and why, is reported by arm.";
        Part { heading: "Population", paragraphs: vec![format!("{allocated} {population}{subset}{rows} {counted}")] }
    }

    fn variables_text(&self) -> Part {
        let labelled = |name: &str| {
            let label = self.label_of(name);
            if label == name { name.to_string() } else { format!("{label} (`{name}`)") }
        };
        let mut paragraphs =
            vec![format!("The primary outcome is {}; the visit of primary interest is {}.", labelled(&self.primary), self.visit_text())];
        if !self.secondary.is_empty() {
            let all: Vec<String> = self.secondary.iter().map(|name| labelled(name)).collect();
            paragraphs.push(format!("Secondary outcomes, analysed by the same model: {}.", listed(&all)));
        }
        let visits: Vec<&str> = self.layout.iter().flat_map(|layout| layout.declared_visits()).collect();
        if !visits.is_empty() {
            paragraphs.push(format!("Scheduled visits: {}.", listed(&visits)));
        }
        Part { heading: "Outcomes", paragraphs }
    }

    fn model_text(&self) -> Part {
        let model = &self.model;
        let formula = model.mean().to_string();
        let mean = format!("Each outcome is analysed by a mixed model for repeated measures. The mean is `{formula}`.");
        let baseline = match (model.mean().stated_baseline(), &self.baseline_from) {
            (Some(Baseline::Constrained), _) => {
                "The baseline measurement is part of the response, with one mean common to all arms (constrained longitudinal data analysis; Liang and Zeger 2000)."
            }
            (Some(Baseline::Covariate), _) => "The baseline measurement is a covariate.",
            (Some(Baseline::Response), _) => {
                "Every measurement, that at baseline included, is part of the response with a mean of its own in each arm."
            }
            (None, BaselineFrom::Covariate(_)) => "Measurements after baseline are the response.",
            (None, _) => {
                "If the schedule has a baseline visit that the formula does not name as a covariate, that measurement is part of the response, with one mean \
                 common to all arms (constrained longitudinal data analysis; Liang and Zeger 2000)."
            }
        };
        let first = model.stated_covariance().map_or("unstructured".into(), ToString::to_string);
        let groups = match model.covariance_group() {
            Some(group) => format!("separate for each level of {group}"),
            None => "common to all arms".into(),
        };
        let fallbacks = match model.fallbacks() {
            [] => " If it has no verified optimum, no other structure is tried, and this is reported.".to_string(),
            others => {
                let all: Vec<String> = others.iter().map(ToString::to_string).collect();
                format!(
                    " If it has no verified optimum, these are tried in this order, and the first that has one is used and reported: {}.",
                    all.join(", then ")
                )
            }
        };
        let covariance = format!("The covariance among a patient's visits is {first}, {groups}.{fallbacks}");
        let random = match model.random_effects() {
            [] => String::new(),
            effects => format!(" Random effects: {}.", listed(&effects.iter().map(|e| format!("`{e}`")).collect::<Vec<_>>())),
        };
        let likelihood = match model.likelihood() {
            Estimation::Reml => "restricted maximum likelihood",
            Estimation::Ml => "maximum likelihood",
        };
        let robust = match model.vcov_kind() {
            Vcov::ModelBased => String::new(),
            robust => format!(" Standard errors are cluster-robust ({}).", robust.words()),
        };
        let inference = format!(
            "Parameters are estimated by {likelihood}; {}.{robust} Estimates have two-sided {} confidence intervals from the t distribution. The estimate of \
             primary interest is that at {}; estimates at all visits are reported.",
            degrees_of_freedom(model.df_method()),
            percent(self.level),
            self.visit_text()
        );
        Part { heading: "Statistical model", paragraphs: vec![format!("{mean} {baseline}"), format!("{covariance}{random}"), inference] }
    }

    fn effects_text(&self) -> Part {
        let effects = &self.effects;
        let letter = effects.correction.letter();
        let formula = match effects.correction {
            Correction::None => "d = estimate / s".to_string(),
            Correction::Hedges(_) => "g = J(ν) · estimate / s".into(),
        };
        let positive = match effects.positive {
            Positive::Fall => {
                "Positive values mean lower scores: a fall within an arm, and lower scores than the reference arm between arms."
            }
            Positive::Rise => {
                "Positive values mean higher scores: a rise within an arm, and higher scores than the reference arm between arms."
            }
        };
        let source = match &self.baseline_from {
            BaselineFrom::Covariate(name) => format!(" The baseline value is the covariate {name}."),
            _ if self.layout.as_ref().is_some_and(|layout| layout.preset().is_some()) => {
                " The baseline value is BASE, where the file has it.".into()
            }
            _ => String::new(),
        };
        let intervals: Vec<&str> = effects.intervals.iter().map(|method| method.words()).collect();
        let bootstrap = match effects.bootstrap {
            0 => String::new(),
            n => format!(
                " Beside them, {} intervals come from {n} bootstrap samples of whole patients within arms (seed {}).",
                effects.bootstrap_interval, self.seed
            ),
        };
        let text = format!(
            "Effect sizes at {} are {}: {formula}, with the estimate of the model (change within each arm, difference between arms) and s the {}.{source} \
             {positive} Limits of {letter}, each shown: {}.{bootstrap} Where the trial has no baseline value, effect sizes that need one are not reported.",
            self.visit_text(),
            effects.correction.words(),
            effects.denominator.words(),
            intervals.join("; ")
        );
        Part { heading: "Effect sizes", paragraphs: vec![text] }
    }

    fn responders_text(&self) -> Part {
        let definitions = &self.responders.definitions;
        if definitions.is_empty() {
            return Part { heading: "Response and remission", paragraphs: vec![] };
        }
        let lines: Vec<String> = definitions
            .iter()
            .map(|d| {
                let required = d.required_at_baseline.as_ref().map(|rule| format!("; of patients with {rule}")).unwrap_or_default();
                let meaning = if d.meaning == Meaning::Unfavourable { "; meeting it is unfavourable" } else { "" };
                format!("- {}: {}{required}{meaning}. Source: {}.", d.label, d.rule, d.source)
            })
            .collect();
        let ways: Vec<String> = self.responders.unobserved.iter().map(|way| unobserved(*way).to_string()).collect();
        let compared = format!(
            "At {}, the share of patients who meet each definition is reported by arm with its Wilson interval, and arms are compared by risk difference \
             (Newcombe's interval), risk ratio and odds ratio, not adjusted for covariates. Patients who were not observed are handled in these ways, each \
             shown: {}.",
            self.visit_text(),
            ways.join("; ")
        );
        Part { heading: "Response and remission", paragraphs: vec![lines.join("\n"), compared, self.adjusted_risks_text()] }
    }

    /// How risks are adjusted, of a trial with several arms.
    fn adjusted_risks_text(&self) -> String {
        let plan = &self.responders;
        let covariates = match &plan.covariates {
            Some(names) if names.is_empty() => "the arm alone".to_string(),
            Some(names) => format!("the arm and {}", names.join(", ")),
            None => "the arm, the baseline value of the primary outcome where there is one, and the covariates of the primary model that are fixed \
                     within patients"
                .into(),
        };
        let strata = if plan.strata.is_empty() { String::new() } else { format!(" (strata: {})", plan.strata.join(", ")) };
        let variance = match plan.variance {
            PopulationVariance::Ye => {
                format!(
                    "robust to misspecification of the model under {}{strata} (Ye et al. 2023)",
                    plan.randomization.unwrap_or_default().words()
                )
            }
            PopulationVariance::Ge => "by the delta method, the covariates taken as given (Ge et al. 2011)".into(),
            PopulationVariance::Sampled => "by the delta method, with the variance of the predictions over n (Qu & Luo 2015)".into(),
        };
        let imputed = match plan.unobserved.contains(&Unobserved::Imputed) {
            true => format!(
                " Imputed: of definitions by the primary outcome alone, its scores are imputed {} times by the primary model, missing at random, with \
                 parameters drawn from their posterior, and classified; adjusted risks are pooled by Rubin's rules. Imputed patients are in no rate.",
                crate::analysis::IMPUTED
            ),
            false => String::new(),
        };
        format!(
            "Arms are also compared adjusted for covariates: each definition is the outcome of a logistic model of {covariates}, whose predicted \
             probabilities are averaged over the patients as if all were in each arm (g-computation); reported are the differences, ratios and odds ratios \
             of these averages, with a variance {variance}. Where covariates or arms separate patients who meet a definition from the others, Firth's \
             penalised likelihood takes the place of maximum likelihood.{imputed}"
        )
    }

    fn multiplicity_text(&self) -> Part {
        if let Some(multiplicity) = &self.multiplicity {
            return Part { heading: "Multiplicity", paragraphs: self.hypotheses_text(multiplicity) };
        }
        let text = format!(
            "There is one primary comparison: {} at {}. Other visits, outcomes and definitions are secondary and not adjusted for multiplicity.",
            self.label_of(&self.primary),
            self.visit_text()
        );
        Part { heading: "Multiplicity", paragraphs: vec![text] }
    }

    fn events_text(&self) -> Part {
        let lines: Vec<String> = self.events.iter().map(EventPlan::sentence).collect();
        let paragraphs = match lines.is_empty() {
            true => vec![],
            false => vec![format!(
                "The primary outcome is analysed with these intercurrent events taken into account:\n\n{}\n\nAt a visit after several of them composite \
                 strategies count first, then while on treatment, then hypothetical, then treatment policy. Secondary outcomes are analysed as observed.",
                lines.join("\n")
            )],
        };
        Part { heading: "Intercurrent events", paragraphs }
    }

    fn sensitivity_text(&self) -> Part {
        let after = if self.events.is_empty() { "dropout" } else { "the event" };
        let paragraphs = self.sensitivity.iter().map(|analysis| sensitivity(analysis, after)).collect();
        Part { heading: "Sensitivity analyses", paragraphs }
    }

    fn software_text(&self) -> Part {
        let seed = if self.effects.bootstrap > 0 { format!(" Everything random has the seed {}.", self.seed) } else { String::new() };
        let text = format!("Analyses are carried out with trialstats {}.{seed}", env!("CARGO_PKG_VERSION"));
        Part { heading: "Software", paragraphs: vec![text] }
    }
}

/// A sensitivity analysis in words.
#[allow(unreachable_patterns, reason = "kinds of sensitivity analyses are added")]
fn sensitivity(analysis: &Sensitivity, after: &str) -> String {
    match analysis {
        Sensitivity::Clusters(clustering) => {
            let models = clustering.models().into_iter().filter(|model| *model != ClusterModel::Independent);
            let lines: Vec<String> = models.map(|model| format!("- {}: {}.", model.words(), model.assumption())).collect();
            format!(
                "Patients treated in one cluster ({}) may be more alike than others. The primary comparison at the visit of primary interest is repeated under \
                 these models:\n\n{}",
                listed(&clustering.factors()),
                lines.join("\n")
            )
        }
        Sensitivity::Model(model) => analyses::sensitivity(model),
        Sensitivity::Imputation(plan) => {
            let covariates = if plan.covariates.is_empty() { String::new() } else { format!(" adjusted for {}", listed(&plan.covariates)) };
            let delta =
                if plan.delta.is_some() { "; an amount is added to imputed values, or they are multiplied by it (delta)" } else { "" };
            let reference = plan.reference.iter().map(|arm| format!("; the reference arm is {arm}")).collect::<String>();
            let (how, variance) = match &plan.draws {
                None => ("replaced by their expectation".to_string(), format!("variance: {}", plan.variance)),
                Some(draws) => (draws.words(), format!("pooled {}", draws.pooling_words())),
            };
            let analysed = match plan.analysis {
                AnalysedBy::Ancova => format!("ANCOVA at each visit{covariates}"),
                AnalysedBy::Model => "the model of the primary analysis".into(),
            };
            format!(
                "{}: missing values of the primary outcome are {how} under the fitted model, where values after {after} {}{reference}{delta}. The completed data \
                 are analysed by {analysed}; {variance}.",
                plan.label(),
                plan.strategy.words(),
            )
        }
        Sensitivity::TippingPoint(plan) => format!(
            "Tipping point of the {}: values after {after} {} ({}), and {} are added in turn to the imputed values of {} at the visit of primary interest, and {} to those \
             of the reference arm, to find where the confidence interval of the primary comparison touches zero.{}",
            listed(&plan.of.iter().map(tipping_of).collect::<Vec<_>>()),
            plan.imputation.strategy.words(),
            plan.imputation.strategy.title(),
            listed(&plan.arm_shifts.iter().map(f64::to_string).collect::<Vec<_>>()),
            plan.arm,
            listed(&plan.versus_shifts.iter().map(f64::to_string).collect::<Vec<_>>()),
            plan.imputation
                .draws
                .iter()
                .map(|draws| format!(" The same is done with missing values {}, pooled {}.", draws.words(), draws.pooling_words()))
                .collect::<String>()
        ),
        Sensitivity::Population(plan) => analyses::population(plan),
        // What is added later says at least what stands in the plan.
        other => as_written(other),
    }
}

/// What a tipping point compares, in words.
fn tipping_of(of: &TippingOf) -> String {
    match of {
        TippingOf::Difference => "difference".into(),
        TippingOf::EffectSize => "effect size".into(),
        TippingOf::Definition(name) => format!("share of patients who meet `{name}`"),
    }
}

/// A sensitivity analysis as its keys have it.
fn as_written(analysis: &Sensitivity) -> String {
    let written = serde_json::to_value(analysis).unwrap_or_default();
    let keys = written.as_object().into_iter().flatten().map(|(key, value)| match value.as_str() {
        Some(text) => format!("{key}: {text}"),
        None => format!("{key}: {value}"),
    });
    format!("{}.", keys.collect::<Vec<_>>().join("; "))
}

/// How a way to handle the unobserved is put.
fn unobserved(way: Unobserved) -> &'static str {
    match way {
        Unobserved::ObservedOnly => "left out (the rate of those observed)",
        Unobserved::CountedAsNotMet => "counted as not meeting the definition",
        Unobserved::Bounds => "as bounds, with all of them not meeting and all of them meeting it",
        Unobserved::LastObserved => "as they were when last observed, baseline included",
        Unobserved::Imputed => "by multiple imputation of their scores, classified afterwards",
    }
}

fn missing_data() -> Part {
    let text = "The likelihood uses every observed measurement; nothing is imputed. Estimates are valid if measurements are missing at random: whether one is \
                missing may depend on what was observed (arm, covariates, other visits) but not, given that, on the value itself. The data cannot confirm \
                this. Patterns of missing visits are reported by arm.";
    Part { heading: "Missing data", paragraphs: vec![text.into()] }
}

/// Standard errors and degrees of freedom in a clause, with their source.
pub(crate) fn degrees_of_freedom(df: Df) -> String {
    match df {
        Df::KenwardRoger => {
            "standard errors and degrees of freedom are those of Kenward and Roger (1997), with the observed information as SAS has it"
                .into()
        }
        Df::KenwardRogerLinear => {
            "standard errors and degrees of freedom are those of Kenward and Roger (1997) without second derivatives of the covariance"
                .into()
        }
        Df::KenwardRoger2 => {
            "standard errors are those of Kenward and Roger (2009), degrees of freedom those of Kenward and Roger (1997)".into()
        }
        Df::Satterthwaite => "degrees of freedom are Satterthwaite's".into(),
        other => format!("degrees of freedom are {}", other.words()),
    }
}

/// A text within a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn listed<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).into(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
