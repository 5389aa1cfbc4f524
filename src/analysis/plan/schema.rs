//! The JSON Schema of a plan file, which editors complete and check by.

mod analyses;

use super::{DataOrigin, DocumentKind, EffectPlan, Estimator, EventStrategy, Paper, ReportStyle, SummaryMeasure};
use crate::bootstrap::BootstrapInterval;
use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::effects::{Correction, Denominator, IntervalMethod, Positive};
use crate::fit::Estimation;
use crate::generalized::{PopulationVariance, Randomization};
use crate::inference::{Df, InformationKind, Vcov};
use crate::options::Choices;
use crate::responders::{Meaning, Occasion, Unobserved};
use crate::trial::condition::Presence;
use crate::trial::{CovariateKind, DecimalMark, Delimiter, Preset};
use serde_json::{Map, Value, json};

/// A key with what it means and what stands there.
type Key = (&'static str, &'static str, Value);

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

fn trial() -> Value {
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

fn condition() -> Value {
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

fn estimand() -> Value {
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

fn layout() -> Value {
    let by_visit = || json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let columns = || ("columns", "The column of each visit.", by_visit());
    let visit = table(&["label"], vec![("label", "What the visit is called.", text()), ("time", "Its planned time.", number())]);
    let outcome = table(
        &[],
        vec![
            ("name", "Name used in formulas.", text()),
            ("column", "The column of a long file.", text()),
            ("label", "Text for tables and figures.", text()),
            (
                "range",
                "Lowest and highest possible score.",
                json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 }),
            ),
            ("texts", "Whether texts are values too, read as a factor by visit.", json!({ "type": "boolean" })),
            columns(),
        ],
    );
    let covariate = table(
        &["name"],
        vec![
            ("name", "Name, and the column unless columns are given.", text()),
            ("kind", "Number or factor, per patient or per visit.", choice::<CovariateKind>()),
            ("levels", "Levels of a factor, the reference first.", texts()),
            columns(),
        ],
    );
    let cluster = table(
        &["name"],
        vec![
            ("name", "Name, and the column unless columns are given.", text()),
            ("kind", "Whether patients keep their cluster.", words(&["of-patients", "by-visit"])),
            columns(),
        ],
    );
    let listed = list(any([text(), by_visit()]));
    let instrument = table(
        &["name"],
        vec![
            ("name", "Name of the instrument.", text()),
            ("columns", "A pattern such as {item}_{visit}, or the columns of the items.", any([text(), listed])),
            ("visits", "What a pattern calls each visit.", any([texts(), by_visit()])),
            ("options", "Options of the instrument.", json!({ "type": "object" })),
        ],
    );
    let name_or = |table: Value| list(any([text(), table]));
    table(
        &[],
        vec![
            ("shape", "A row per patient and visit, or per patient.", words(&["long", "wide"])),
            ("preset", "A layout that is known by name.", choice::<Preset>()),
            ("paramcd", "The parameters of an ADaM file, by PARAMCD.", any([code(), list(code())])),
            ("patient", "Column of the patient.", text()),
            ("arm", "Column of the arm.", text()),
            ("visit", "Column of the visit, in a long file.", text()),
            ("visit-time", "Column of the visits' planned times.", text()),
            ("visit-order", "Column of numbers by which visits are ordered.", text()),
            ("arm-order", "Column of numbers by which arms are ordered.", text()),
            ("baseline-visit", "The visit before treatment.", text()),
            ("arms", "The arms, the reference first.", texts()),
            ("reference-arm", "The reference arm.", text()),
            ("delimiter", "What separates the fields of a text file.", choice::<Delimiter>()),
            ("decimal-mark", "What separates the decimals of a number.", choice::<DecimalMark>()),
            ("sheet", "The sheet of a workbook, or the data set of a SAS transport file.", text()),
            ("extent", "Whether the file holds the whole trial.", words(&["trial", "part"])),
            ("missing-codes", "Codes of a missing value in every column; they replace NA, . and nothing.", list(code())),
            ("missing-values", "Further codes of a missing outcome, covariate or item.", list(code())),
            ("missing-in", "Codes of a missing value in one column.", json!({ "type": "object", "additionalProperties": list(code()) })),
            ("weights", "Columns of observation weights.", texts()),
            ("levels", "Levels of factors that are added elsewhere.", json!({ "type": "object", "additionalProperties": texts() })),
            (
                "roster",
                "Who was randomized to what: patient and arm.",
                list(json!({ "type": "array", "items": text(), "minItems": 2, "maxItems": 2 })),
            ),
            ("visits", "The visits in their order.", name_or(visit)),
            ("keep-patients", "Only patients who meet these conditions are read.", list(reference("condition"))),
            ("keep-rows", "Only rows that meet these conditions are read.", list(reference("condition"))),
            ("drop-visits", "Visits whose rows are left out.", texts()),
            ("outcomes", "What was measured.", name_or(outcome)),
            ("covariates", "What is known of patients beside the arm.", name_or(covariate)),
            ("clusters", "Therapists, groups, sites.", name_or(cluster)),
            ("instruments", "Instruments whose items are in the file.", name_or(instrument)),
        ],
    )
}

fn model() -> Value {
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

fn responders() -> Value {
    let definition = table(
        &[],
        vec![
            ("preset", "Name of a preset; no other key then.", text()),
            ("name", "Short name.", text()),
            ("label", "Text for tables.", text()),
            ("source", "Where the definition comes from.", text()),
            ("rule", "What a patient must fulfil at a visit.", reference("rule")),
            ("required-at-baseline", "What a patient must fulfil at baseline to be counted at all.", reference("rule")),
            ("meaning", "Whether meeting it is good for the patient.", choice::<Meaning>()),
        ],
    );
    table(
        &[],
        vec![
            ("unobserved", "What rates do with patients who were not observed; each way is shown.", list(choice::<Unobserved>())),
            ("definitions", "The definitions: presets by name, or tables.", list(any([text(), definition]))),
            ("covariates", "What risks are adjusted for; unless stated, the baseline value and the covariates of the model.", texts()),
            ("variance", "What the variance of adjusted risks allows for.", choice::<PopulationVariance>()),
            ("randomization", "How patients were randomized, for that variance.", choice::<Randomization>()),
            ("strata", "The factors of a stratified randomization.", texts()),
        ],
    )
}

/// A table with one key, which says what is asked.
fn rule() -> Value {
    let of = |required: &[&str], keys: Vec<Key>| table(required, keys);
    let outcome = || ("outcome", "Name of the outcome.", text());
    let points = || of(&["outcome", "at-least"], vec![outcome(), ("at-least", "Points.", number())]);
    let score = || of(&["outcome", "score"], vec![outcome(), ("score", "The score.", number())]);
    let diagnosis = || of(&["diagnosis"], vec![("diagnosis", "Name of the diagnosis.", text()), ("at", "When.", choice::<Occasion>())]);
    let percent = of(
        &["outcome", "at-least"],
        vec![outcome(), ("at-least", "Percent, from 1 to 100.", number()), ("floor", "The score that stands for no symptoms.", number())],
    );
    let reliable = of(
        &["outcome", "sd", "reliability"],
        vec![
            outcome(),
            ("sd", "Standard deviation of the outcome.", number()),
            ("reliability", "Test-retest reliability, between 0 and 1.", number()),
            ("z", "Standard normal deviate; 1.96 unless stated.", number()),
        ],
    );
    let below = of(&["covariate", "value"], vec![("covariate", "Name of the covariate.", text()), ("value", "The value.", number())]);
    let mut rule = table(
        &[],
        vec![
            ("point-drop", "At least so many points below baseline.", points()),
            ("point-rise", "At least so many points above baseline.", points()),
            ("percent-drop", "A drop of at least so many percent.", percent),
            ("reliable-drop", "A drop that measurement error does not explain.", reliable),
            ("below", "Below a score.", score()),
            ("at-most", "At most a score.", score()),
            ("at-least", "At least a score.", score()),
            ("covariate-below", "A covariate below a value.", below),
            ("diagnosis-met", "The criteria of a diagnosis are met.", diagnosis()),
            ("diagnosis-not-met", "The criteria of a diagnosis are not met.", diagnosis()),
            ("all", "Every part holds.", list(reference("rule"))),
            ("any", "At least one part holds.", list(reference("rule"))),
        ],
    );
    rule["minProperties"] = 1.into();
    rule["maxProperties"] = 1.into();
    rule
}

fn effects() -> Value {
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

fn report() -> Value {
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

fn table(required: &[&str], keys: Vec<Key>) -> Value {
    let described = |(key, description, mut schema): Key| {
        if let Some(schema) = schema.as_object_mut() {
            let rest = std::mem::take(schema);
            schema.insert("description".into(), description.into());
            schema.extend(rest);
        }
        (key.to_string(), schema)
    };
    let properties: Map<String, Value> = keys.into_iter().map(described).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn texts() -> Value {
    list(text())
}

fn number() -> Value {
    json!({ "type": "number" })
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A text that may be written as a number.
fn code() -> Value {
    json!({ "type": ["string", "number"] })
}

fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn any<const N: usize>(of: [Value; N]) -> Value {
    json!({ "anyOf": of.to_vec() })
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

/// The names of a choice; aliases are understood, and not proposed.
fn choice<T: Choices>() -> Value {
    let names: Vec<&str> = T::CHOICES.iter().map(|choice| choice.name).collect();
    json!({ "enum": names })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Plan;
    use crate::analysis::plan::tests::WHOLE;
    use std::collections::BTreeSet;
    use std::path::Path;

    const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/plan.schema.json");

    fn pretty() -> String {
        serde_json::to_string_pretty(&plan_schema()).expect("JSON") + "\n"
    }

    #[test]
    fn the_published_schema_is_that_of_the_crate() {
        let published = std::fs::read_to_string(PUBLISHED).expect("the schema is there");
        assert!(published == pretty(), "run `cargo test --lib write_the_schema -- --ignored`, and look at what has changed");
    }

    #[test]
    #[ignore = "writes the file that is published"]
    fn write_the_schema() {
        std::fs::write(PUBLISHED, pretty()).expect("it can be written");
    }

    /// A plan of which one table has a key that no table has, and where the schema has that table.
    const TABLES: [(&str, &str); 44] = [
        ("", r#"{"?": 1}"#),
        ("/properties/trial", r#"{"trial": {"?": 1}}"#),
        ("/$defs/condition", r#"{"trial": {"population": {"?": 1}}}"#),
        ("/properties/estimand/items", r#"{"estimand": [{"?": 1}]}"#),
        ("/properties/estimand/items/properties/intercurrent/items", r#"{"estimand": [{"intercurrent": [{"?": 1}]}]}"#),
        ("/properties/event/items", r#"{"event": [{"?": 1}]}"#),
        ("/properties/layout", r#"{"layout": {"?": 1}}"#),
        ("/properties/layout/properties/visits/items/anyOf/1", r#"{"layout": {"visits": [{"?": 1}]}}"#),
        ("/properties/layout/properties/outcomes/items/anyOf/1", r#"{"layout": {"outcomes": [{"?": 1}]}}"#),
        ("/properties/layout/properties/covariates/items/anyOf/1", r#"{"layout": {"covariates": [{"?": 1}]}}"#),
        ("/properties/layout/properties/clusters/items/anyOf/1", r#"{"layout": {"clusters": [{"?": 1}]}}"#),
        ("/properties/layout/properties/instruments/items/anyOf/1", r#"{"layout": {"instruments": [{"?": 1}]}}"#),
        ("/properties/model", r#"{"model": {"?": 1}}"#),
        ("/properties/responders", r#"{"responders": {"?": 1}}"#),
        ("/properties/responders/properties/definitions/items/anyOf/1", r#"{"responders": {"definitions": [{"?": 1}]}}"#),
        ("/properties/effects", r#"{"effects": {"?": 1}}"#),
        ("/properties/sensitivity/items", r#"{"sensitivity": [{"?": 1}]}"#),
        ("/properties/sensitivity/items/properties/delta", r#"{"sensitivity": [{"kind": "imputation", "delta": {"?": 1}}]}"#),
        ("/properties/sensitivity/items/properties/draws", r#"{"sensitivity": [{"kind": "imputation", "draws": {"?": 1}}]}"#),
        ("/properties/analysis/items", r#"{"analysis": [{"?": 1}]}"#),
        ("/properties/multiplicity", r#"{"multiplicity": {"?": 1}}"#),
        ("/properties/multiplicity/properties/hypotheses/items", r#"{"multiplicity": {"hypotheses": [{"?": 1}]}}"#),
        ("/properties/subgroup/items", r#"{"subgroup": [{"?": 1}]}"#),
        ("/properties/individual-change/items", r#"{"individual-change": [{"?": 1}]}"#),
        ("/properties/individual-change/items/properties/reliable-change", r#"{"individual-change": [{"reliable-change": {"?": 1}}]}"#),
        ("/properties/individual-change/items/properties/reliability", r#"{"individual-change": [{"reliability": {"?": 1}}]}"#),
        ("/properties/individual-change/items/properties/clinical", r#"{"individual-change": [{"clinical": {"?": 1}}]}"#),
        ("/properties/individual-change/items/properties/functional", r#"{"individual-change": [{"functional": {"?": 1}}]}"#),
        ("/properties/instrument/items", r#"{"instrument": [{"?": 1}]}"#),
        ("/properties/instrument/items/properties/reliable-change", r#"{"instrument": [{"reliable-change": {"?": 1}}]}"#),
        ("/properties/instrument/items/properties/severity", r#"{"instrument": [{"severity": {"?": 1}}]}"#),
        ("/properties/instrument/items/properties/subscales/items", r#"{"instrument": [{"subscales": [{"?": 1}]}]}"#),
        ("/properties/instrument/items/properties/diagnoses/items", r#"{"instrument": [{"diagnoses": [{"?": 1}]}]}"#),
        (
            "/properties/instrument/items/properties/missing-items/anyOf/1/properties/prorate",
            r#"{"instrument": [{"missing-items": {"prorate": {"?": 1}}}]}"#,
        ),
        ("/$defs/item-rule", r#"{"instrument": [{"diagnoses": [{"rule": {"?": 1}}]}]}"#),
        ("/$defs/item-rule/properties/count", r#"{"instrument": [{"diagnoses": [{"rule": {"count": {"?": 1}}}]}]}"#),
        ("/$defs/item-rule/properties/score", r#"{"instrument": [{"diagnoses": [{"rule": {"score": {"?": 1}}}]}]}"#),
        ("/properties/report", r#"{"report": {"?": 1}}"#),
        ("/$defs/rule", r#"{"responders": {"definitions": [{"rule": {"?": 1}}]}}"#),
        ("/$defs/rule/properties/point-drop", r#"{"responders": {"definitions": [{"rule": {"point-drop": {"?": 1}}}]}}"#),
        ("/$defs/rule/properties/percent-drop", r#"{"responders": {"definitions": [{"rule": {"percent-drop": {"?": 1}}}]}}"#),
        ("/$defs/rule/properties/reliable-drop", r#"{"responders": {"definitions": [{"rule": {"reliable-drop": {"?": 1}}}]}}"#),
        ("/$defs/rule/properties/covariate-below", r#"{"responders": {"definitions": [{"rule": {"covariate-below": {"?": 1}}}]}}"#),
        ("/$defs/rule/properties/diagnosis-met", r#"{"responders": {"definitions": [{"rule": {"diagnosis-met": {"?": 1}}}]}}"#),
    ];

    /// The keys of every table are those that a reader of plans knows, and the other way round.
    #[test]
    fn the_schema_has_the_keys_that_are_read_and_no_other() {
        let schema = plan_schema();
        for (pointer, plan) in TABLES {
            let error = Plan::from_json(&plan.replace('?', "no such key")).expect_err(plan).to_string();
            let known =
                error.rsplit_once("(known: ").and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or_else(|| panic!("{plan}: {error}"));
            let read: BTreeSet<&str> = known.split(", ").collect();
            let table = schema.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
            let published: BTreeSet<&str> = table["properties"].as_object().expect("a table").keys().map(String::as_str).collect();
            assert_eq!(published, read, "{pointer}");
        }
    }

    /// What in a value the schema does not allow: as much of JSON Schema as the schema uses.
    fn faults(schema: &Value, root: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut found = vec![];
        for (keyword, asked) in schema.as_object().expect("a schema") {
            let holds = match (keyword.as_str(), value) {
                ("description" | "title" | "$schema" | "$defs" | "examples", _) => true,
                ("$ref", _) => {
                    let target = root.pointer(asked.as_str().expect("a text").trim_start_matches('#')).expect("it exists");
                    found.extend(faults(target, root, value, at));
                    true
                }
                ("type", _) => {
                    let is = |name: &Value| match name.as_str().expect("a type") {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "number" => value.is_number(),
                        "integer" => value.is_u64() || value.is_i64(),
                        "boolean" => value.is_boolean(),
                        other => panic!("{other}"),
                    };
                    asked.as_array().map_or_else(|| is(asked), |names| names.iter().any(is))
                }
                ("enum", _) => asked.as_array().expect("a list").contains(value),
                ("anyOf", _) => asked.as_array().expect("a list").iter().any(|one| faults(one, root, value, at).is_empty()),
                ("properties", Value::Object(table)) => {
                    for (key, value) in table {
                        if let Some(schema) = asked.get(key) {
                            found.extend(faults(schema, root, value, &format!("{at}.{key}")));
                        }
                    }
                    true
                }
                ("additionalProperties", Value::Object(table)) => match asked {
                    Value::Bool(false) => table.keys().all(|key| schema["properties"].get(key).is_some()),
                    of_each => {
                        table.iter().for_each(|(key, value)| found.extend(faults(of_each, root, value, &format!("{at}.{key}"))));
                        true
                    }
                },
                ("required", Value::Object(table)) => {
                    asked.as_array().expect("a list").iter().all(|key| table.contains_key(key.as_str().expect("a key")))
                }
                ("items", Value::Array(values)) => {
                    values.iter().for_each(|value| found.extend(faults(asked, root, value, &format!("{at}[]"))));
                    true
                }
                ("minItems", Value::Array(values)) => values.len() as u64 >= asked.as_u64().expect("a number"),
                ("maxItems", Value::Array(values)) => values.len() as u64 <= asked.as_u64().expect("a number"),
                ("minProperties", Value::Object(table)) => table.len() as u64 >= asked.as_u64().expect("a number"),
                ("maxProperties", Value::Object(table)) => table.len() as u64 <= asked.as_u64().expect("a number"),
                ("minimum", Value::Number(x)) => x.as_f64() >= asked.as_f64(),
                ("exclusiveMinimum", Value::Number(x)) => x.as_f64() > asked.as_f64(),
                ("exclusiveMaximum", Value::Number(x)) => x.as_f64() < asked.as_f64(),
                ("pattern", Value::String(text)) => text == "shown" || text.starts_with("suppressed"),
                ("properties" | "additionalProperties" | "required" | "items" | "pattern", _) => true,
                ("minItems" | "maxItems" | "minProperties" | "maxProperties" | "minimum" | "exclusiveMinimum" | "exclusiveMaximum", _) => {
                    true
                }
                (other, _) => panic!("the validator does not know {other}"),
            };
            if !holds {
                found.push(format!("{at}: {keyword} {asked} does not hold of {value}"));
            }
        }
        found
    }

    fn checked(text: &str) -> Vec<String> {
        let mut value: Value = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        // Of a plan that is simulated: see `study::StudyFile`.
        value.as_object_mut().into_iter().for_each(|plan| plan.retain(|key, _| key != "study" && key != "truth"));
        faults(&plan_schema(), &plan_schema(), &value, "plan")
    }

    #[test]
    fn every_sample_plan_and_the_whole_one_are_valid() {
        assert_eq!(checked(WHOLE), Vec::<String>::new());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plans");
        let mut plans = 0;
        for entry in std::fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("it can be read");
            assert_eq!(checked(&text), Vec::<String>::new(), "{}", path.display());
            plans += 1;
        }
        assert!(plans >= 4);
    }

    #[test]
    fn what_a_plan_may_not_say_is_not_valid() {
        for (text, says) in [
            ("at = '7'", "required"),
            ("primary = 5", "plan.primary: type"),
            ("primary = 'y'\nlevel = 95", "exclusiveMaximum"),
            ("primary = 'y'\nprimry = 'x'", "additionalProperties"),
            ("primary = 'y'\n[model]\ndf = 'kenward'", "plan.model.df: enum"),
            ("primary = 'y'\n[layout]\noutcomes = [5]", "plan.layout.outcomes[]: anyOf"),
            ("primary = 'y'\n[[estimand]]\nname = 'x'", "plan.estimand[]: required"),
        ] {
            let faults = checked(text);
            assert!(faults.iter().any(|fault| fault.contains(says)), "{text}: {faults:?}");
        }
    }
}
