//! Names of items, one by one or by a pattern: `phq9_{1..9}`.

use crate::error::{Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::fmt;

/// More than any questionnaire has; a pattern beyond it is a slip of the pen.
const MOST: usize = 1000;

/// Items by their names: names, patterns, or both, in their order.
///
/// A pattern has the numbers of its items in braces: `phq9_{1..9}` stands for `phq9_1` to `phq9_9`, and `pcl5_{01..20}`
/// for `pcl5_01` to `pcl5_20`, with the zeros that the first number has.
///
/// ```
/// use trialstats::instruments::ItemNames;
///
/// let names = ItemNames::from(["pcl5_{08..10}", "extra"]).names()?;
/// assert_eq!(names, ["pcl5_08", "pcl5_09", "pcl5_10", "extra"]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemNames(Vec<String>);

impl ItemNames {
    /// The names, patterns written out.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pattern that cannot be read, and for a name that is there twice.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = vec![];
        for text in &self.0 {
            for name in written_out(text)? {
                if names.contains(&name) {
                    return Err(Error::named_twice(format!("item `{name}`"), "it is there twice", "name each item once"));
                }
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for ItemNames {
    fn from(name: &str) -> Self {
        Self(vec![name.into()])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for ItemNames {
    fn from(names: [S; N]) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<String>> for ItemNames {
    fn from(names: Vec<String>) -> Self {
        Self(names)
    }
}

/// The names that a name or pattern stands for.
fn written_out(text: &str) -> Result<Vec<String>> {
    let refused = |why: String| {
        Error::conflict(format!("the items `{text}`"), why, "write a name, or a pattern with the first and last number: `phq9_{1..9}`")
    };
    let Some((before, rest)) = text.split_once('{') else {
        return match (text.contains('}'), text.trim().is_empty()) {
            (true, _) => Err(refused("a brace is closed that was not opened".into())),
            (_, true) => Err(refused("an item needs a name".into())),
            _ => Ok(vec![text.into()]),
        };
    };
    let (numbers, after) = rest.split_once('}').ok_or_else(|| refused("the brace is not closed".into()))?;
    if after.contains(['{', '}']) {
        return Err(refused("there is more than one pair of braces".into()));
    }
    let (first, last) = numbers.split_once("..").ok_or_else(|| refused(format!("`{numbers}` is no range of numbers")))?;
    let number = |digits: &str| digits.parse::<usize>().map_err(|_| refused(format!("`{digits}` is no whole number")));
    let (from, to) = (number(first)?, number(last)?);
    if from > to || to - from >= MOST {
        return Err(refused(format!("{from} to {to} are no items")));
    }
    let digits = if first.starts_with('0') { first.len() } else { 1 };
    Ok((from..=to).map(|k| format!("{before}{k:0digits$}{after}")).collect())
}

impl Serialize for ItemNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if let [one] = self.0.as_slice() {
            return serializer.serialize_str(one);
        }
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|name| list.serialize_element(name))?;
        list.end()
    }
}

impl<'de> Deserialize<'de> for ItemNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = ItemNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an item, a pattern such as `phq9_{1..9}`, or a list of these")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<ItemNames, E> {
                Ok(ItemNames(vec![name.into()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<ItemNames, A::Error> {
                let mut names = vec![];
                while let Some(name) = list.next_element::<String>()? {
                    names.push(name);
                }
                Ok(ItemNames(names))
            }
        }
        let names = deserializer.deserialize_any(Names)?;
        names.names().map_err(D::Error::custom)?;
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_the_zeros_of_their_first_number() {
        let names = |text: &str| ItemNames::from(text).names();
        assert_eq!(names("a{9..11}b").unwrap(), ["a9b", "a10b", "a11b"]);
        assert_eq!(names("{009..010}").unwrap(), ["009", "010"]);
        assert_eq!(names("plain").unwrap(), ["plain"]);
        assert_eq!(names("q{0..1}").unwrap(), ["q0", "q1"]);
        for (wrong, says) in [
            ("a{1..", "not closed"),
            ("a1..3}", "was not opened"),
            ("a{1-3}", "`1-3` is no range of numbers"),
            ("a{x..3}", "`x` is no whole number"),
            ("a{3..1}", "3 to 1 are no items"),
            ("a{1..99999999999}", "are no items"),
            ("a{1..2}{1..2}", "more than one pair of braces"),
            (" ", "needs a name"),
        ] {
            let error = names(wrong).expect_err(wrong).to_string();
            assert!(error.contains(says), "{error}");
        }
        let twice = ItemNames::from(["a{1..3}", "a2"]).names().expect_err("a2 is there twice");
        assert_eq!(twice.code(), "named-twice");
    }
}
