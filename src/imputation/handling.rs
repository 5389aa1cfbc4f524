//! How an estimand takes an intercurrent event into account.

use crate::error::{Error, Result};
use crate::options;
use crate::options::choices;
use crate::trial::{Outcome, Trial};
use std::fmt;
use std::str::FromStr;

/// How an estimand takes an intercurrent event into account (ICH E9(R1), A.3.2).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventStrategy {
    /// The variable counts whether or not the event occurs.
    TreatmentPolicy,
    /// What the variable would have been had the event not occurred.
    Hypothetical,
    /// The event is part of the variable.
    Composite,
    /// The variable up to the event.
    WhileOnTreatment,
    /// Patients in whom the event would not (or would) occur.
    PrincipalStratum,
}

choices! {
    EventStrategy, "strategy for intercurrent events":
    TreatmentPolicy = "treatment-policy", [], "the variable counts whether or not the event occurs";
    Hypothetical = "hypothetical", [], "what the variable would have been without the event";
    Composite = "composite", ["composite-variable"], "the event is part of the variable";
    WhileOnTreatment = "while-on-treatment", ["while-alive"], "the variable up to the event";
    PrincipalStratum = "principal-stratum", [], "patients in whom the event would not, or would, occur";
}

impl EventStrategy {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            EventStrategy::TreatmentPolicy => "treatment policy",
            EventStrategy::Hypothetical => "hypothetical",
            EventStrategy::Composite => "composite variable",
            EventStrategy::WhileOnTreatment => "while on treatment",
            EventStrategy::PrincipalStratum => "principal stratum",
        }
    }

    /// What is done with values after the event, in a clause.
    pub(crate) fn of_values(self) -> &'static str {
        match self {
            EventStrategy::TreatmentPolicy => "values after it are kept",
            EventStrategy::Hypothetical => "values after it are set aside and imputed",
            EventStrategy::Composite => "values after it are replaced by a stated one",
            EventStrategy::WhileOnTreatment => "values after it are replaced by the last one before it",
            EventStrategy::PrincipalStratum => "patients are chosen by it",
        }
    }
}

/// The value that stands for an event under a composite strategy.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum Composite {
    /// This value, in units of the outcome.
    Value(f64),
    /// The patient's value at the baseline visit: no change.
    Baseline,
    /// The patient's value of a numeric covariate, where the baseline is a column.
    Covariate(String),
    /// The highest possible score of the outcome.
    Highest,
    /// The lowest possible score of the outcome.
    Lowest,
}

impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Composite::Value(value) => write!(f, "{value}"),
            Composite::Baseline => f.write_str("baseline"),
            Composite::Covariate(name) => write!(f, "covariate({name})"),
            Composite::Highest => f.write_str("highest"),
            Composite::Lowest => f.write_str("lowest"),
        }
    }
}

impl FromStr for Composite {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(value) = text.trim().parse::<f64>().ok().filter(|value| value.is_finite()) {
            return Ok(Composite::Value(value));
        }
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument) {
            ("baseline", None) => Ok(Composite::Baseline),
            ("highest", None) => Ok(Composite::Highest),
            ("lowest", None) => Ok(Composite::Lowest),
            ("covariate", Some(name)) => Ok(Composite::Covariate(name.into())),
            _ => Err(Error::unknown("composite value", text, &["a number", "baseline", "covariate(NAME)", "highest", "lowest"])),
        }
    }
}

/// A number where it is one, a word otherwise.
impl serde::Serialize for Composite {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Composite::Value(value) => serializer.serialize_f64(*value),
            word => serializer.collect_str(word),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Composite {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = Composite;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or `baseline`, `covariate(NAME)`, `highest`, `lowest`")
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Composite, E> {
                if value.is_finite() { Ok(Composite::Value(value)) } else { Err(E::custom("a composite value is a finite number")) }
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<Composite, E> {
                Ok(Composite::Value(value as f64))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Composite, E> {
                Ok(Composite::Value(value as f64))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Composite, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Composite {
    /// As a sentence has it.
    pub(crate) fn words(&self) -> String {
        match self {
            Composite::Value(value) => format!("{value}"),
            Composite::Baseline => "the value at baseline".into(),
            Composite::Covariate(name) => format!("the patient's {name}"),
            Composite::Highest => "the highest possible score".into(),
            Composite::Lowest => "the lowest possible score".into(),
        }
    }

    /// The value of every patient, NaN where it is not known.
    pub(super) fn values(&self, trial: &Trial, outcome: &Outcome) -> Result<Vec<f64>> {
        let n = trial.patients().len();
        let end = |end: fn((f64, f64)) -> f64| match outcome.range {
            Some(range) => Ok(vec![end(range); n]),
            None => Err(Error::incomplete(
                format!("the composite value `{self}` of {}", outcome.name),
                "the range of the outcome is not known",
                "declare the range of the outcome, or state the value as a number",
            )),
        };
        match self {
            Composite::Value(value) => Ok(vec![*value; n]),
            Composite::Covariate(name) => Ok(trial.patient_numbers(name)?.to_vec()),
            Composite::Highest => end(|(_, high)| high),
            Composite::Lowest => end(|(low, _)| low),
            Composite::Baseline => match trial.schedule().baseline() {
                Some(visit) => Ok((0..n).map(|patient| trial.value(outcome, patient, visit).unwrap_or(f64::NAN)).collect()),
                None => Err(Error::no_baseline(
                    "the composite value `baseline`",
                    "no visit is the baseline",
                    "state the value as a number, or name the column: `covariate(NAME)`",
                )),
            },
        }
    }
}
