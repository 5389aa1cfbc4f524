//! The JSON Schema of a plan file, which editors complete and check by.

mod analyses;
mod layout;
mod parts;
mod responders;
#[cfg(test)]
mod tests;
mod values;

use self::layout::layout;
use self::parts::{condition, effects, estimand, model, report, trial};
use self::responders::{responders, rule};
use self::values::{list, table, text, texts, whole};
use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of a [`Plan`](super::Plan) as it stands in a file: TOML or JSON.
///
/// It is published as `schema/plan.schema.json`. An editor that knows TOML schemas completes a plan whose first line is
/// `#:schema path/to/plan.schema.json`.
///
/// ```
/// let schema = trialstats::analysis::plan_schema();
/// assert_eq!(schema["required"], serde_json::json!(["primary"]));
/// assert!(schema["properties"]["model"]["properties"]["df"]["enum"].to_string().contains("kenward-roger"));
/// ```
pub fn plan_schema() -> Value {
    let mut schema = table(
        &["primary"],
        vec![
            ("primary", "Name of the primary outcome.", text()),
            ("secondary", "Names of the secondary outcomes, analysed by the same model.", texts()),
            ("at", "The visit of primary interest; the last of the schedule unless stated.", text()),
            ("baseline-from", "Where the baseline value of an outcome is found: visit, or covariate(NAME).", text()),
            (
                "level",
                "Confidence level, between 0 and 1; 0.95 unless stated.",
                json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
            ),
            ("seed", "Seed of everything random; 1 unless stated.", whole()),
            ("trial", "The trial: what it is called, where its data are, who is analysed.", trial()),
            ("estimand", "What is to be estimated, in the terms of ICH E9(R1).", list(estimand())),
            ("event", "Intercurrent events in the data, and what is done with values after them.", list(analyses::event())),
            ("layout", "What the columns of the data file mean.", layout()),
            ("model", "The model of every outcome.", model()),
            ("responders", "Definitions of response and remission.", responders()),
            ("effects", "Effect sizes.", effects()),
            ("sensitivity", "Analyses that show how far the primary one depends on what it assumes.", list(analyses::sensitivity())),
            ("analysis", "Further analyses, by models of their own.", list(analyses::analysis())),
            ("multiplicity", "Hypotheses that are tested at one familywise level.", analyses::multiplicity()),
            ("subgroup", "Subgroups in which the primary contrast is shown.", list(analyses::subgroup())),
            (
                "individual-change",
                "What counts as recovered, improved and deteriorated, patient by patient.",
                list(analyses::individual_change()),
            ),
            ("instrument", "Instruments by their definitions, for the layout to name.", list(analyses::instrument())),
            ("report", "The report.", report()),
        ],
    );
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "trialstats plan",
        "description": "The intention-to-treat analysis of a trial, decided before the data are seen.",
        "$defs": { "condition": condition(), "rule": rule(), "item-rule": analyses::item_rule() },
    });
    if let (Some(schema), Value::Object(head)) = (schema.as_object_mut(), head) {
        *schema = head.into_iter().chain(std::mem::take(schema)).collect();
    }
    schema
}
