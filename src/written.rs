//! How options are written down in files: what TOML and JSON have in common beyond what serde derives.

use crate::closest::closest;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// What serde_json says of a text, as an error with line and column; `what` is what the text should have been.
pub(crate) fn unreadable_json(what: &str, error: &serde_json::Error) -> crate::Error {
    let place = (error.line() > 0).then(|| (error.line(), error.column()));
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    crate::Error::Written {
        what: what.into(),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        message: explained(message),
    }
}

/// Pairs in their order, written as a table: `{ baseline = "T0", "3 months" = "T1" }`.
pub(crate) mod pairs {
    use super::*;

    pub fn serialize<V: Serialize, S: Serializer>(pairs: &[(String, V)], serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(pairs.len()))?;
        for (key, value) in pairs {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }

    pub fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, V)>, D::Error> {
        struct Pairs<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
            type Value = Vec<(String, V)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: Self::Value = vec![];
                while let Some(key) = map.next_key::<String>()? {
                    if pairs.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom(format!("`{key}` is there twice")));
                    }
                    pairs.push((key, map.next_value()?));
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

/// A text that may be written as a whole number: the code `999` of a missing value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code(pub String);

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Code, E> {
                Ok(Code(text.into()))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// Reads what is written as a name alone, or as a table that says more.
pub(crate) fn name_or_table<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: NameOrTable<'de>,
    D: Deserializer<'de>,
{
    struct Either<T>(PhantomData<T>);
    impl<'de, T: NameOrTable<'de>> Visitor<'de> for Either<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", T::EXPECTED)
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<T, E> {
            T::of_name(name).map_err(E::custom)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            let table = T::Table::deserialize(MapAccessDeserializer::new(map))?;
            T::of_table(table).map_err(A::Error::custom)
        }
    }
    deserializer.deserialize_any(Either(PhantomData))
}

/// What may be written as a name alone.
pub(crate) trait NameOrTable<'de>: Sized {
    /// What stands in the file, for messages: `the name of a column, or a table`.
    const EXPECTED: &'static str;

    /// The table that says more.
    type Table: Deserialize<'de>;

    /// What a name alone means.
    fn of_name(name: &str) -> Result<Self, String>;

    /// What a table means.
    fn of_table(table: Self::Table) -> Result<Self, String>;
}

/// Whether a setting is the default, and need not be written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a reader of files said, with the name that was meant where a key or a choice is not known: serde lists the
/// known ones.
pub(crate) fn explained(message: &str) -> String {
    // How TOML puts it for the keys of a choice.
    if let Some((strangers, known)) = message.strip_prefix("unexpected keys in table: ").and_then(|m| m.split_once(", available keys: ")) {
        let known: Vec<&str> = known.trim_end().split(", ").collect();
        return unknown("key", strangers.split(", ").next().unwrap_or(strangers), &known);
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let kind = ["unknown field", "unknown variant"].into_iter().find(|kind| message.starts_with(kind));
    let (Some(kind), Some(name)) = (kind, quoted.next()) else { return message.trim_end().into() };
    let known: Vec<&str> = quoted.collect();
    unknown(if kind == "unknown field" { "key" } else { "choice" }, name, &known)
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let meant = closest(name, known).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    let listed = if known.is_empty() { "there is none".into() } else { format!("known: {}", known.join(", ")) };
    format!("there is no {what} `{name}`{meant} ({listed})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Known {
        #[serde(default, with = "pairs")]
        columns: Vec<(String, u8)>,
        #[serde(default)]
        codes: Vec<Code>,
    }

    #[test]
    fn tables_keep_their_order() {
        let read: Known = serde_json::from_str(r#"{"columns": {"b": 1, "a": 2}, "codes": [999, "NA", -9, 0.5]}"#).unwrap();
        assert_eq!(read.columns, [("b".to_string(), 1), ("a".to_string(), 2)]);
        assert_eq!(read.codes, ["999", "NA", "-9", "0.5"].map(|c| Code(c.into())));
        let twice = serde_json::from_str::<Known>(r#"{"columns": {"b": 1, "b": 2}}"#).unwrap_err();
        assert!(twice.to_string().contains("`b` is there twice"));
    }

    #[test]
    fn unknown_keys_find_their_neighbour() {
        let error = serde_json::from_str::<Known>(r#"{"colums": {}}"#).unwrap_err();
        assert_eq!(explained(&error.to_string()), "there is no key `colums`; did you mean `columns`? (known: columns, codes)");
        assert_eq!(explained("invalid type: integer `5`, expected a string\n"), "invalid type: integer `5`, expected a string");
    }
}
