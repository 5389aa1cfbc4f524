//! The schema of the trial, estimands, the model, effect sizes and the report.

use super::values::{any, choice, code, list, number, reference, table, text, texts, whole};
use crate::analysis::plan::{DataOrigin, DocumentKind, EffectPlan, Estimator, EventStrategy, Paper, ReportStyle, SummaryMeasure};
use crate::bootstrap::BootstrapInterval;
use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::effects::{Correction, Denominator, IntervalMethod, Positive};
use crate::fit::Estimation;
use crate::inference::{Df, InformationKind, Vcov};
use crate::trial::condition::Presence;
use serde_json::{Value, json};

pub(super) fn trial() -> Value {
    let conditions = || any([reference("condition"), list(reference("condition"))]);
    table(
        &[],
        vec![
            ("title", "What the trial is called.", text()),
            ("registration", "Where the trial is registered, and under which number.", text()),
            ("sponsor", "Who is responsible for the trial.", text()),
            ("authors", "Who wrote the plan.", texts()),
            ("data", "The data file, relative to the plan file.", text()),
            ("events", "A file of intercurrent events, with the columns patient, event, visit and strategy.", text()),
            ("population", "Conditions on patients that say who is in the analysis population.", conditions()),
            ("subset", "Conditions on patients that restrict the analysis to a part of the population.", conditions()),
        ],
    )
}

pub(super) fn condition() -> Value {
    table(
        &["column"],
        vec![
            ("column", "The column of the data file.", text()),
            ("is", "The value is this one.", code()),
            ("is-one-of", "The value is one of these.", list(code())),
            ("is-not", "The value is none of these.", any([code(), list(code())])),
            ("at-least", "The value is a number, and not below this one.", number()),
            ("at-most", "The value is a number, and not above this one.", number()),
            ("value", "Whether there is a value.", choice::<Presence>()),
            ("reason", "Why what does not meet the condition is left out, for the report.", text()),
        ],
    )
}

pub(super) fn estimand() -> Value {
    let event = table(
        &["event", "strategy"],
        vec![
            ("event", "The intercurrent event.", text()),
            ("strategy", "How the estimand takes it into account.", choice::<EventStrategy>()),
            ("reason", "Why this strategy.", text()),
        ],
    );
    table(
        &["name", "population", "treatment", "summary"],
        vec![
            ("name", "A short name, such as primary.", text()),
            ("population", "The patients that the question is about.", text()),
            ("treatment", "The treatment conditions that are compared.", text()),
            ("outcome", "The outcome of the plan that is the variable.", text()),
            ("definition", "The definition of response that is the variable, by its name in responders.definitions.", text()),
            ("at", "The visit; the plan's visit of primary interest unless stated.", text()),
            ("summary", "The population-level summary measure.", choice::<SummaryMeasure>()),
            ("estimated-by", "Which analysis of the plan estimates it.", choice::<Estimator>()),
            ("intercurrent", "Intercurrent events, each with its strategy.", list(event)),
        ],
    )
}

pub(super) fn model() -> Value {
    let structures: Vec<&str> = Covariance::NAMED.iter().map(|(name, ..)| *name).collect();
    let structure = || json!({ "type": "string", "examples": structures });
    table(
        &[],
        vec![
            ("formula", "The mean, such as site + arm * visit; it may have random effects and a covariance.", text()),
            ("baseline", "What is done with the baseline measurement.", choice::<Baseline>()),
            ("random", "Random effects, such as (1 | therapist).", texts()),
            ("covariance", "The covariance among a patient's visits.", structure()),
            ("covariance-else", "Structures to fall back on, in this order.", list(structure())),
            ("covariance-by", "A factor each of whose levels has a covariance of its own.", text()),
            ("estimation", "The likelihood.", choice::<Estimation>()),
            ("df", "The method for degrees of freedom.", choice::<Df>()),
            ("information", "The information that covariance parameters have.", choice::<InformationKind>()),
            ("vcov", "The covariance of the estimates.", choice::<Vcov>()),
            ("clusters", "Clusters of a cluster-robust covariance, such as factor(therapist).", text()),
            ("weights", "Observation weights.", text()),
            ("visits", "The visits that are analysed; all unless stated.", texts()),
            ("allow-costly", "Whether a fit may take long.", json!({ "type": "boolean" })),
        ],
    )
}

pub(super) fn effects() -> Value {
    let usual = EffectPlan::default();
    let several = |names: Vec<String>| names.join(", ");
    let intervals = several(usual.intervals.iter().map(ToString::to_string).collect());
    let mut effects = table(
        &[],
        vec![
            ("denominator", "The standard deviation divided by.", choice::<Denominator>()),
            ("correction", "Cohen's d or Hedges' g.", choice::<Correction>()),
            ("positive", "What a positive effect size means.", choice::<Positive>()),
            ("intervals", "How limits are computed, a table each.", list(choice::<IntervalMethod>())),
            ("bootstrap", "Bootstrap replicates; 0 for none.", whole()),
            ("bootstrap-interval", "How limits are read off the replicates.", choice::<BootstrapInterval>()),
        ],
    );
    effects["properties"]["intervals"]["description"] = format!("How limits are computed, a table each; {intervals} unless stated.").into();
    effects
}

pub(super) fn report() -> Value {
    table(
        &[],
        vec![
            ("title", "The title of the report.", text()),
            ("registration", "Where the trial is registered, and under which number.", text()),
            ("banner", "A warning that no reader may miss.", text()),
            ("data", "Where the data come from.", choice::<DataOrigin>()),
            ("characteristics", "Variables in the table of baseline characteristics, in this order.", texts()),
            ("labels", "Text for variables in that table.", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
            ("include-individual-data", "Whether figures and JSON hold values of single patients.", json!({ "type": "boolean" })),
            (
                "small-cells",
                "What is done with small numbers of patients: shown, suppressed, suppressed(10).",
                json!({ "type": "string", "pattern": "^(shown|suppressed(\\([0-9]+\\))?)$" }),
            ),
            ("style", "How sentences put numbers.", choice::<ReportStyle>()),
            ("paper", "The paper that documents are for.", choice::<Paper>()),
            ("documents", "The documents beside HTML, tables, figures and JSON.", list(choice::<DocumentKind>())),
        ],
    )
}
