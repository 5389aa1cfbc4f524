//! What is to be estimated, in the terms of ICH E9(R1).

use super::{Plan, visit_in_prose};
use crate::error::{Error, Refusal, Result};
pub use crate::imputation::EventStrategy;
use crate::options::choices;
use crate::table::{Column, Tabular, display_as_table};
use crate::written::is_default;

/// An estimand: population, treatments, variable, what happens with intercurrent events, and the summary measure, as
/// ICH E9(R1) (2019) lists them; and which analysis of the plan estimates it.
///
/// ```toml
/// [[estimand]]
/// name = "primary"
/// population = "adults with PTSD, everyone randomized"
/// treatment = "imagery rescripting with group schema therapy against imagery rescripting alone, as allocated"
/// outcome = "caps5"                       # or definition = "remission", one of responders.definitions
/// at = "12 months"                        # the visit of primary interest unless stated
/// summary = "difference-in-means"
///
/// [[estimand.intercurrent]]
/// event = "treatment stopped early"
/// strategy = "treatment-policy"
/// reason = "patients are measured whatever treatment they received"
/// ```
///
/// The report states what stands here and nothing else.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Estimand {
    /// A short name, such as `primary`.
    pub name: String,
    /// The patients that the question is about.
    pub population: String,
    /// The treatment conditions that are compared.
    pub treatment: String,
    /// The outcome of the plan that is the variable.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// The definition of response that is the variable, by its name in `responders.definitions`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub definition: String,
    /// The visit; empty for the plan's visit of primary interest.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// The population-level summary measure.
    pub summary: SummaryMeasure,
    /// Which analysis of the plan estimates it; unless stated, the one that gives this summary measure.
    #[serde(default, skip_serializing_if = "is_default")]
    pub estimated_by: Option<Estimator>,
    /// Intercurrent events, each with its strategy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intercurrent: Vec<IntercurrentEvent>,
}

/// An event after treatment has begun that affects what a measurement means or whether it exists.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IntercurrentEvent {
    /// The event.
    pub event: String,
    /// How the estimand takes it into account.
    pub strategy: EventStrategy,
    /// Why this strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The summary measure in which treatments are compared.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryMeasure {
    /// Difference between treatments in means.
    DifferenceInMeans,
    /// Difference in means over a standard deviation.
    StandardizedDifference,
    /// Mean, of a single arm.
    Mean,
    /// Mean change from baseline within an arm.
    MeanChange,
    /// Difference in the share of patients who meet a definition.
    RiskDifference,
    /// Ratio of these shares.
    RiskRatio,
    /// Ratio of their odds.
    OddsRatio,
}

choices! {
    SummaryMeasure, "summary measure":
    DifferenceInMeans = "difference-in-means", ["mean-difference"], "difference between treatments in means";
    StandardizedDifference = "standardized-difference", ["d", "standardised-difference", "smd"], "difference in means over a standard deviation";
    Mean = "mean", [], "mean of a single arm";
    MeanChange = "mean-change", [], "mean change from baseline within an arm";
    RiskDifference = "risk-difference", [], "difference in the share of patients who meet a definition";
    RiskRatio = "risk-ratio", ["relative-risk"], "ratio of the shares of patients who meet a definition";
    OddsRatio = "odds-ratio", [], "ratio of the odds of meeting a definition";
}

impl SummaryMeasure {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            SummaryMeasure::DifferenceInMeans => "difference between treatments in means",
            SummaryMeasure::StandardizedDifference => "standardized difference between treatments in means",
            SummaryMeasure::Mean => "mean",
            SummaryMeasure::MeanChange => "mean change from baseline",
            SummaryMeasure::RiskDifference => "difference between treatments in the share of patients",
            SummaryMeasure::RiskRatio => "risk ratio of treatments",
            SummaryMeasure::OddsRatio => "odds ratio of treatments",
        }
    }

    /// Whether it summarises who meets a definition, and not a score.
    pub fn is_of_shares(self) -> bool {
        matches!(self, SummaryMeasure::RiskDifference | SummaryMeasure::RiskRatio | SummaryMeasure::OddsRatio)
    }

    /// The analysis of a plan that gives it.
    fn estimator(self) -> Estimator {
        match self {
            SummaryMeasure::StandardizedDifference => Estimator::Effects,
            SummaryMeasure::DifferenceInMeans | SummaryMeasure::Mean | SummaryMeasure::MeanChange => Estimator::Model,
            SummaryMeasure::RiskDifference | SummaryMeasure::RiskRatio | SummaryMeasure::OddsRatio => Estimator::Responders,
        }
    }
}

/// The analysis of a plan that estimates an estimand.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// The model of the outcome.
    Model,
    /// The effect sizes made of the model's estimates.
    Effects,
    /// The rates of response and their comparison.
    Responders,
}

choices! {
    Estimator, "analysis of the plan":
    Model = "model", [], "the model of the outcome";
    Effects = "effects", [], "the effect sizes made of the model's estimates";
    Responders = "responders", [], "the rates of response and their comparison";
}

impl Estimator {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            Estimator::Model => "the model of the outcome",
            Estimator::Effects => "the effect sizes made of the model's estimates",
            Estimator::Responders => "the rates of response and their comparison",
        }
    }
}

impl Estimand {
    /// An estimand of an outcome.
    pub fn new(
        name: impl Into<String>,
        population: impl Into<String>,
        treatment: impl Into<String>,
        outcome: impl Into<String>,
        summary: SummaryMeasure,
    ) -> Self {
        Self {
            name: name.into(),
            population: population.into(),
            treatment: treatment.into(),
            outcome: outcome.into(),
            definition: String::new(),
            at: String::new(),
            summary,
            estimated_by: None,
            intercurrent: vec![],
        }
    }

    /// An estimand of a share: who meets a definition of the plan.
    pub fn of_definition(
        name: impl Into<String>,
        population: impl Into<String>,
        treatment: impl Into<String>,
        definition: impl Into<String>,
        summary: SummaryMeasure,
    ) -> Self {
        Self { definition: definition.into(), ..Self::new(name, population, treatment, "", summary) }
    }

    /// The visit.
    pub fn at(mut self, visit: impl Into<String>) -> Self {
        self.at = visit.into();
        self
    }

    /// Adds an intercurrent event.
    pub fn intercurrent(mut self, event: impl Into<String>, strategy: EventStrategy, reason: Option<&str>) -> Self {
        self.intercurrent.push(IntercurrentEvent { event: event.into(), strategy, reason: reason.map(Into::into) });
        self
    }

    /// The analysis that estimates it.
    pub fn estimator(&self) -> Estimator {
        self.estimated_by.unwrap_or_else(|| self.summary.estimator())
    }

    /// The visit as prose has it, that of the plan where none is stated.
    fn visit(&self, plan: &Plan) -> Option<String> {
        let at = if self.at.is_empty() { &plan.at } else { &self.at };
        (!at.is_empty()).then(|| visit_in_prose(at))
    }

    /// The variable with its visit, in words.
    fn variable(&self, plan: &Plan) -> String {
        let what = match self.definition.is_empty() {
            true => plan.label_of(&self.outcome),
            false => match plan.responders.definitions.iter().find(|d| d.name == self.definition) {
                Some(definition) => format!("whether the definition is met: {}", definition.label),
                None => format!("whether the definition `{}` is met", self.definition),
            },
        };
        match self.visit(plan) {
            Some(visit) => format!("{what}, at {visit}"),
            None => format!("{what}, at the last visit"),
        }
    }

    fn events(&self) -> String {
        if self.intercurrent.is_empty() {
            return "none is named in the plan".into();
        }
        let one = |event: &IntercurrentEvent| {
            let reason = event.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{}: {} strategy{reason}", event.event, event.strategy.words())
        };
        self.intercurrent.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// The attributes of the estimand as a table.
    pub fn table(&self, plan: &Plan) -> EstimandTable {
        let mut rows = vec![
            ("Population".to_string(), self.population.clone()),
            ("Treatment".into(), self.treatment.clone()),
            ("Variable".into(), self.variable(plan)),
        ];
        match self.intercurrent.as_slice() {
            [] => rows.push(("Intercurrent events".into(), self.events())),
            events => rows.extend(events.iter().map(|event| {
                let reason = event.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                (format!("Intercurrent event: {}", event.event), format!("{} strategy{reason}", event.strategy.words()))
            })),
        }
        rows.push(("Summary measure".into(), self.summary.words().into()));
        rows.push(("Estimated by".into(), self.estimator().words().into()));
        EstimandTable { name: self.name.clone(), rows }
    }

    /// The estimand as a sentence.
    pub fn sentence(&self, plan: &Plan) -> String {
        let events = match self.intercurrent.is_empty() {
            true => "the plan names no intercurrent event".to_string(),
            false => format!("intercurrent events: {}", self.events()),
        };
        format!(
            "In the terms of ICH E9(R1), the population is {}; the treatment condition is {}; the variable is {}; {events}; the population-level summary is the \
             {}. It is estimated by {}.",
            self.population,
            self.treatment,
            self.variable(plan),
            self.summary.words(),
            self.estimator().words()
        )
    }

    /// What in it does not fit the plan, each with its kind.
    pub(super) fn problems(&self, plan: &Plan) -> Vec<Result<(), Error>> {
        let mut found = vec![];
        let what = || format!("the estimand `{}`", self.name);
        let outcomes: Vec<&str> = plan.outcomes().collect();
        let definitions: Vec<&str> = plan.responders.definitions.iter().map(|d| d.name.as_str()).collect();
        match (self.outcome.is_empty(), self.definition.is_empty()) {
            (true, true) => found.push(Err(Error::incomplete(
                what(),
                "it names no variable",
                "name an `outcome` of the plan, or a `definition` of `responders.definitions`",
            ))),
            (false, false) => found.push(Err(Error::conflict(
                what(),
                "it names both an outcome and a definition",
                "leave one of `outcome` and `definition` out",
            ))),
            (false, true) if !outcomes.contains(&self.outcome.as_str()) => {
                found.push(Err(Error::unknown("outcome of the plan (primary or secondary)", &self.outcome, &outcomes)));
            }
            (true, false) if !definitions.contains(&self.definition.as_str()) => {
                found.push(Err(Error::unknown("definition in `responders.definitions`", &self.definition, &definitions)));
            }
            _ => {}
        }
        if self.outcome.is_empty() != self.definition.is_empty() && self.summary.is_of_shares() == self.definition.is_empty() {
            let (of, remedy) = match self.summary.is_of_shares() {
                true => ("an outcome, which is a score", "name a `definition`, or choose `difference-in-means`"),
                false => ("a definition, which is met or not", "name an `outcome`, or choose `risk-difference`"),
            };
            found.push(Err(Error::conflict(what(), format!("the summary `{}` cannot be of {of}", self.summary), remedy)));
        }
        if let Some(stated) = self.estimated_by.filter(|stated| *stated != self.summary.estimator()) {
            let remedy = format!("say `estimated-by = \"{}\"`, or leave it out", self.summary.estimator());
            found.push(Err(Error::conflict(what(), format!("`{stated}` does not give the summary `{}`", self.summary), remedy)));
        }
        let elsewhere = !self.at.is_empty() && !plan.at.is_empty() && self.at != plan.at;
        if elsewhere && self.estimator() != Estimator::Model {
            found.push(Err(Error::conflict(
                what(),
                format!("effect sizes and rates are computed at the plan's visit `{}`, and this is at `{}`", plan.at, self.at),
                "give both the same visit",
            )));
        }
        found
    }
}

impl Plan {
    /// The label of an outcome, as far as the layout states one.
    pub(super) fn label_of(&self, outcome: &str) -> String {
        self.layout.as_ref().and_then(|layout| layout.outcome_label(outcome)).unwrap_or(outcome).into()
    }

    /// Estimands that do not fit the plan, with the key of each.
    pub(super) fn estimand_problems(&self) -> Vec<(String, Error)> {
        let mut found = vec![];
        for (k, estimand) in self.estimands.iter().enumerate() {
            let key = format!("estimand, `{}`", estimand.name);
            found.extend(estimand.problems(self).into_iter().filter_map(|problem| Some((key.clone(), problem.err()?))));
            if self.estimands[..k].iter().any(|other| other.name == estimand.name) {
                let error = Error::Invalid {
                    kind: Refusal::NamedTwice,
                    what: format!("the estimand `{}`", estimand.name),
                    why: "another estimand has this name".into(),
                    remedy: "give each a name of its own".into(),
                };
                found.push((key, error));
            }
        }
        found
    }
}

/// The attributes of an estimand, one per row.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EstimandTable {
    /// The name of the estimand.
    pub name: String,
    /// Attribute and what it is.
    pub rows: Vec<(String, String)>,
}

impl Tabular for EstimandTable {
    fn title(&self) -> String {
        format!("Estimand: {}", self.name)
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("attribute", "Attribute", self.rows.iter().map(|(attribute, _)| attribute.as_str())),
            Column::text("description", "Description", self.rows.iter().map(|(_, description)| description.as_str())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["As stated in the plan, in the terms of ICH E9(R1).".into()]
    }
}

display_as_table!(EstimandTable);
