//! The schema against what is read, and against the file that is published.

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
        let known = error.rsplit_once("(known: ").and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or_else(|| panic!("{plan}: {error}"));
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
            ("minItems" | "maxItems" | "minProperties" | "maxProperties" | "minimum" | "exclusiveMinimum" | "exclusiveMaximum", _) => true,
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
