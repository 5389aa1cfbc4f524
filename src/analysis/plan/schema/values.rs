//! What stands at a key: tables, texts, numbers, lists and choices.

use crate::options::Choices;
use serde_json::{Map, Value, json};

/// A key with what it means and what stands there.
pub(super) type Key = (&'static str, &'static str, Value);

pub(super) fn table(required: &[&str], keys: Vec<Key>) -> Value {
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

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn texts() -> Value {
    list(text())
}

pub(super) fn number() -> Value {
    json!({ "type": "number" })
}

pub(super) fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A text that may be written as a number.
pub(super) fn code() -> Value {
    json!({ "type": ["string", "number"] })
}

pub(super) fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

pub(super) fn any<const N: usize>(of: [Value; N]) -> Value {
    json!({ "anyOf": of.to_vec() })
}

pub(super) fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

pub(super) fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

/// The names of a choice; aliases are understood, and not proposed.
pub(super) fn choice<T: Choices>() -> Value {
    let names: Vec<&str> = T::CHOICES.iter().map(|choice| choice.name).collect();
    json!({ "enum": names })
}
