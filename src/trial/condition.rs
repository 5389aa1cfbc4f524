//! Conditions on the columns of a file, and what they leave out.

use crate::options::choices;
use crate::table::{Column, Tabular, Values, agreeing, counted, display_as_table};
use crate::written::Code;
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// A condition on one column of a file: which patients ([`Layout::keep_patients`](super::Layout::keep_patients)) or
/// which rows ([`Layout::keep_rows`](super::Layout::keep_rows)) are read.
///
/// ```
/// use trialstats::trial::Condition;
///
/// let adults = Condition::on("AGE").at_least(18.0).at_most(65.0).reason("not of the age that the protocol asks for");
/// assert_eq!(adults.to_string(), "AGE is at least 18 and at most 65");
/// ```
///
/// In a file it is a table; several tests of one condition must all hold, and so must all conditions of a list:
///
/// ```toml
/// keep-patients = [
///     { column = "ITTFL", is = "Y", reason = "not in the intention-to-treat population" },
///     { column = "AGE", at-least = 18, at-most = 65 },
/// ]
/// keep-rows = [
///     { column = "PARAMCD", is-one-of = ["MADRS", "HAMD"] },
///     { column = "DTYPE", is-not = ["LOCF", "WOCF"] },
///     { column = "AVAL", value = "present" },
/// ]
/// ```
///
/// Texts are compared as they are, letter case included, and numbers as numbers: `1` is `1.0`. A value that the file
/// labels is known by its label and by itself. A missing value is
/// nothing in particular: it meets `is-not` and `value = "missing"` and no other test.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    column: String,
    pub(super) tests: Vec<Test>,
    reason: Option<String>,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    IsOneOf(Vec<String>),
    IsNot(Vec<String>),
    AtLeast(f64),
    AtMost(f64),
    Known(Presence),
}

/// Whether there is a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Present,
    Missing,
}

choices! {
    Presence, "presence of a value":
    Present = "present", [], "there is a value";
    Missing = "missing", [], "there is none";
}

impl Condition {
    /// A condition on a column, met by every value until a test is added.
    pub fn on(column: impl Into<String>) -> Self {
        Self { column: column.into(), tests: vec![], reason: None }
    }

    /// The value is this one.
    pub fn is(self, value: impl Into<String>) -> Self {
        self.is_one_of([value])
    }

    /// The value is one of these.
    pub fn is_one_of<S: Into<String>>(self, values: impl IntoIterator<Item = S>) -> Self {
        self.test(Test::IsOneOf(values.into_iter().map(Into::into).collect()))
    }

    /// The value is none of these; a missing value is not.
    pub fn is_not<S: Into<String>>(self, values: impl IntoIterator<Item = S>) -> Self {
        self.test(Test::IsNot(values.into_iter().map(Into::into).collect()))
    }

    /// The value is a number, and not below this one.
    pub fn at_least(self, lowest: f64) -> Self {
        self.test(Test::AtLeast(lowest))
    }

    /// The value is a number, and not above this one.
    pub fn at_most(self, highest: f64) -> Self {
        self.test(Test::AtMost(highest))
    }

    /// There is a value.
    pub fn present(self) -> Self {
        self.test(Test::Known(Presence::Present))
    }

    /// There is no value.
    pub fn missing(self) -> Self {
        self.test(Test::Known(Presence::Missing))
    }

    /// Why patients or rows that do not meet it are left out, as the report says it.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The column that it looks at.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Why what does not meet it is left out, where that is stated.
    pub fn stated_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn test(mut self, test: Test) -> Self {
        self.tests.push(test);
        self
    }

    /// The condition without the values that it names: those of patients are nobody's business in a report.
    pub(super) fn in_general(&self) -> String {
        let several = |n: usize| format!("{} that {} stated", counted(n, "value"), agreeing(n, "is", "are"));
        let test = |test: &Test| match test {
            Test::IsOneOf(values) => format!("one of {}", several(values.len())),
            Test::IsNot(values) => format!("none of {}", several(values.len())),
            other => other.to_string(),
        };
        format!("{} is {}", self.column, self.tests.iter().map(test).collect::<Vec<_>>().join(" and "))
    }

    /// The values that the condition names.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        self.tests
            .iter()
            .flat_map(|test| match test {
                Test::IsOneOf(values) | Test::IsNot(values) => values.as_slice(),
                _ => &[],
            })
            .map(String::as_str)
    }

    /// Whether it only says what a value is not.
    pub(super) fn only_excludes(&self) -> bool {
        !self.tests.iter().any(|test| matches!(test, Test::IsOneOf(_)))
    }

    /// Whether it asks for a number.
    pub(super) fn is_numeric(&self) -> bool {
        self.tests.iter().any(|test| matches!(test, Test::AtLeast(_) | Test::AtMost(_)))
    }

    /// Whether a value meets it: its text, which is its label where it has one, the value itself, neither where missing,
    /// and its number where it is one.
    pub(super) fn holds(&self, text: Option<&str>, code: Option<&str>, number: Option<f64>) -> bool {
        let is = |value: &String| text.into_iter().chain(code).any(|text| same(value, text));
        self.tests.iter().all(|test| match test {
            Test::IsOneOf(values) => values.iter().any(is),
            Test::IsNot(values) => !values.iter().any(is),
            Test::AtLeast(lowest) => number.is_some_and(|x| x >= *lowest),
            Test::AtMost(highest) => number.is_some_and(|x| x <= *highest),
            Test::Known(Presence::Present) => text.is_some(),
            Test::Known(Presence::Missing) => text.is_none(),
        })
    }
}

/// Whether a value of a file is the one that is named: the same text, or the same number.
pub(super) fn same(named: &str, text: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok().filter(|x| x.is_finite());
    named.trim() == text || number(named.trim()).is_some_and(|x| number(text) == Some(x))
}

/// The condition as a clause: `ITTFL is Y`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tests: Vec<String> = self.tests.iter().map(ToString::to_string).collect();
        write!(f, "{} is {}", self.column, tests.join(" and "))
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::IsOneOf(values) => write!(f, "{}", values.join(" or ")),
            Test::IsNot(values) => write!(f, "not {}", values.join(" or ")),
            Test::AtLeast(lowest) => write!(f, "at least {lowest}"),
            Test::AtMost(highest) => write!(f, "at most {highest}"),
            Test::Known(presence) => write!(f, "{presence}"),
        }
    }
}

/// A condition as it is written down.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<Code>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    is_one_of: Vec<Code>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    is_not: Vec<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Presence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = Written { column: Some(self.column.clone()), reason: self.reason.clone(), ..Written::default() };
        let codes = |values: &[String]| values.iter().cloned().map(Code).collect::<Vec<_>>();
        for test in &self.tests {
            match test {
                Test::IsOneOf(values) if values.len() == 1 => written.is = codes(values).pop(),
                Test::IsOneOf(values) => written.is_one_of = codes(values),
                Test::IsNot(values) => written.is_not = codes(values),
                Test::AtLeast(lowest) => written.at_least = Some(*lowest),
                Test::AtMost(highest) => written.at_most = Some(*highest),
                Test::Known(presence) => written.value = Some(*presence),
            }
        }
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { column, is, is_one_of, is_not, at_least, at_most, value, reason } = Written::deserialize(deserializer)?;
        let column = column.ok_or_else(|| D::Error::custom("a condition needs a `column`, and what its value `is`"))?;
        let texts = |codes: Vec<Code>| codes.into_iter().map(|code| code.0).collect::<Vec<_>>();
        let mut tests: Vec<Test> = is.into_iter().map(|code| Test::IsOneOf(vec![code.0])).collect();
        tests.extend((!is_one_of.is_empty()).then(|| Test::IsOneOf(texts(is_one_of))));
        tests.extend((!is_not.is_empty()).then(|| Test::IsNot(texts(is_not))));
        tests.extend(at_least.map(Test::AtLeast));
        tests.extend(at_most.map(Test::AtMost));
        tests.extend(value.map(Test::Known));
        if tests.is_empty() {
            return Err(D::Error::custom(format!(
                "the condition on `{column}` asks nothing; say what the value `is`, `is-one-of`, `is-not`, is `at-least` or `at-most`, or `value = \"present\"`"
            )));
        }
        Ok(Self { column, tests, reason })
    }
}

/// A value, or a list of values.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Code>, D::Error> {
    struct Either;
    impl<'de> Visitor<'de> for Either {
        type Value = Vec<Code>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value, or a list of values")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![Code(text.into())])
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
            Ok(vec![Code(number.to_string())])
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
            Ok(vec![Code(number.to_string())])
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
            Ok(vec![Code(number.to_string())])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
            let mut codes = vec![];
            while let Some(code) = values.next_element()? {
                codes.push(code);
            }
            Ok(codes)
        }
    }
    deserializer.deserialize_any(Either)
}

/// What was left out while a file was read, and by which condition.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// Whether patients, rows or visits were left out.
    pub of: LeftOutOf,
    /// What those that are read have in common: `ITTFL is Y`.
    pub kept: String,
    /// Why the others are left out, where that is stated.
    pub reason: Option<String>,
    /// Patients left out; of rows and visits, those who are left without any row. They stay in the trial.
    pub patients: usize,
    /// The same by arm, in the order of the labels; those without an arm are in none. Empty for rows and visits.
    pub by_arm: Vec<(String, usize)>,
    /// Rows left out.
    pub rows: usize,
}

/// What a condition leaves out.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOutOf {
    /// Patients with all their rows: they are not in the trial.
    Patients,
    /// The rows of some visits.
    Visits,
    /// Rows; their patients stay in the trial as randomized.
    Rows,
}

choices! {
    LeftOutOf, "kind of what is left out":
    Patients = "patients", [], "patients with all their rows";
    Visits = "visits", [], "the rows of some visits";
    Rows = "rows", [], "rows whose patients stay in the trial";
}

impl LeftOut {
    /// What was left out and why, a sentence.
    pub fn sentence(&self) -> String {
        let why = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let (patients, rows) = (counted(self.patients, "patient"), counted(self.rows, "row"));
        match self.of {
            LeftOutOf::Patients => {
                let arms: Vec<String> = self.by_arm.iter().map(|(arm, n)| format!("{arm} {n}")).collect();
                let why = match (self.reason.as_deref(), arms.join(", ")) {
                    (None, arms) if arms.is_empty() => String::new(),
                    (None, arms) => format!(" ({arms})"),
                    (Some(reason), arms) if arms.is_empty() => format!(" ({reason})"),
                    (Some(reason), arms) => format!(" ({reason}: {arms})"),
                };
                format!("Excluded before the analysis: {patients} with {rows}{why}. Only patients for whom {} are analysed.", self.kept)
            }
            LeftOutOf::Visits | LeftOutOf::Rows => {
                let left = match self.patients {
                    0 => String::new(),
                    n => format!(" {patients} with no other row {} in the trial as randomized.", agreeing(n, "stays", "stay")),
                };
                format!("Left out before the analysis: {rows}{why}. Only rows where {} are analysed.{left}", self.kept)
            }
        }
    }
}

/// What a file's conditions left out, a row per condition in the order in which they were applied.
#[derive(Debug, Clone, Copy)]
pub struct LeftOutTable<'a>(pub &'a [LeftOut]);

impl Tabular for LeftOutTable<'_> {
    fn title(&self) -> String {
        "Left out before the analysis".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = self.0;
        let reasons = Values::Text(rows.iter().map(|r| r.reason.clone()).collect());
        vec![
            Column::text("of", "Of", rows.iter().map(|r| r.of.to_string())),
            Column::text("kept", "Read where", rows.iter().map(|r| r.kept.as_str())),
            Column { name: "reason".into(), heading: "Reason".into(), values: reasons },
            Column::count("patients", "Patients left out", rows.iter().map(|r| r.patients)),
            Column::text(
                "by_arm",
                "By arm",
                rows.iter().map(|r| r.by_arm.iter().map(|(arm, n)| format!("{arm} {n}")).collect::<Vec<_>>().join(", ")),
            ),
            Column::count("rows", "Rows left out", rows.iter().map(|r| r.rows)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Conditions are applied one after the other. Patients all of whose rows are left out by a condition on rows stay in the trial as randomized.".into()]
    }
}

display_as_table!(LeftOutTable<'_>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_for_texts_and_numbers() {
        let within = Condition::on("AGE").at_least(18.0).at_most(65.0);
        assert_eq!([17.9, 18.0, 65.0, 65.1].map(|x| within.holds(Some("x"), None, Some(x))), [false, true, true, false]);
        assert!(!within.holds(None, None, None), "a missing number is in no range");
        let one = Condition::on("SEX").is_one_of(["1", "f"]);
        assert_eq!(["1", "1.0", "f", "F", "2"].map(|text| one.holds(Some(text), None, None)), [true, true, true, false, false]);
        let not = Condition::on("DTYPE").is_not(["LOCF"]);
        assert_eq!([Some("LOCF"), Some("x"), None].map(|text| not.holds(text, None, None)), [false, true, true]);
        let labelled = Condition::on("SITE").is("1");
        assert!(
            labelled.holds(Some("Utrecht"), Some("1"), None) && Condition::on("SITE").is("Utrecht").holds(Some("Utrecht"), Some("1"), None)
        );
        assert!(!Condition::on("SITE").is_not(["Utrecht"]).holds(Some("Utrecht"), Some("1"), None));
        let missing = Condition::on("DTYPE").missing();
        assert_eq!([Some("LOCF"), None].map(|text| missing.holds(text, None, None)), [false, true]);
    }

    #[test]
    fn a_condition_is_read_as_it_was_written() {
        let read = |text: &str| serde_json::from_str::<Condition>(text);
        let built = Condition::on("A").is("1").is_not(["2"]).at_least(0.0).at_most(9.5).present().reason("why");
        let text = r#"{"column": "A", "is": 1, "is-not": 2, "at-least": 0, "at-most": 9.5, "value": "present", "reason": "why"}"#;
        assert_eq!(read(text).unwrap(), built);
        assert_eq!(read(&serde_json::to_string(&built).unwrap()).unwrap(), built);
        for (text, says) in [
            (r#"{"column": "A"}"#, "asks nothing"),
            (r#"{"is": "Y"}"#, "needs a `column`"),
            (r#"{"column": "A", "iss": "Y"}"#, "unknown field `iss`"),
            (r#"{"column": "A", "value": "presnt"}"#, "did you mean `present`?"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
