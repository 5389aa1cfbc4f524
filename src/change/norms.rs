//! Means and standard deviations of populations, and the cut-off between them.

use crate::error::{Error, Result};
use crate::means::Better;
use crate::options;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Mean and standard deviation of a score in a population.
///
/// In a plan: `functional = { mean = 6, sd = 5, source = "…" }`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Norm {
    /// The mean, in points.
    pub mean: f64,
    /// The standard deviation, in points.
    pub sd: f64,
    /// Where they come from.
    #[serde(default = "analyst", skip_serializing_if = "is_analyst")]
    pub source: String,
}

impl Norm {
    /// A population by mean and standard deviation.
    pub fn new(mean: f64, sd: f64) -> Self {
        Self { mean, sd, source: analyst() }
    }

    /// Where they come from.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    pub(super) fn check(&self, of: &str) -> Result<()> {
        if self.mean.is_finite() && self.sd.is_finite() && self.sd > 0.0 {
            return Ok(());
        }
        let what = format!("the {of} population with mean {} and SD {}", self.mean, self.sd);
        Err(Error::out_of_range(what, "a mean is a finite number and a standard deviation above 0", "correct the norm"))
    }
}

/// Whose word a number is where nobody else is named.
pub(super) fn analyst() -> String {
    "stated by the analyst".into()
}

pub(super) fn is_analyst(source: &str) -> bool {
    source == analyst()
}

/// The standard deviation that belongs to a reliability, and the clinical population that is looked at where no other is
/// stated.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Spread {
    /// That of the baseline scores within arms, pooled over them (the default).
    #[default]
    BaselinePooled,
    /// That of all baseline scores, arms ignored.
    BaselineWhole,
    /// That of the baseline scores of one arm.
    BaselineOfArm(String),
    /// A number of points from elsewhere, such as the study that the reliability comes from.
    Stated(f64),
}

impl Spread {
    /// As notes put it.
    pub(crate) fn words(&self) -> String {
        match self {
            Spread::BaselinePooled => "raw at baseline, pooled over arms".into(),
            Spread::BaselineWhole => "raw at baseline, of the whole sample".into(),
            Spread::BaselineOfArm(arm) => format!("raw at baseline, of the arm {arm}"),
            Spread::Stated(_) => "stated".into(),
        }
    }
}

/// `baseline-pooled`, `baseline-whole`, `arm(NAME)`, or the number.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spread::BaselinePooled => f.write_str("baseline-pooled"),
            Spread::BaselineWhole => f.write_str("baseline-whole"),
            Spread::BaselineOfArm(arm) => write!(f, "arm({arm})"),
            Spread::Stated(sd) => write!(f, "{sd}"),
        }
    }
}

impl FromStr for Spread {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument) {
            ("baseline-pooled", None) => Ok(Spread::BaselinePooled),
            ("baseline-whole", None) => Ok(Spread::BaselineWhole),
            ("arm", Some(arm)) => Ok(Spread::BaselineOfArm(arm.into())),
            (number, None) if number.parse::<f64>().is_ok() => Ok(Spread::Stated(number.parse().unwrap_or(f64::NAN))),
            _ => Err(Error::unknown("standard deviation", text, &["baseline-pooled", "baseline-whole", "arm(NAME)", "a number of points"])),
        }
    }
}

/// Where the functional range of a score begins.
///
/// For a score of which lower is better, with means M and standard deviations S of the clinical and the functional
/// population (Jacobson & Truax 1991); where higher is better, the signs are the other way round.
///
/// A score beyond a, b or c is functional. [`HagemanArrindell`](super::ReliableChangeMethod::HagemanArrindell) puts S√r, the
/// standard deviation of true scores, for S.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CutOff {
    /// a: beyond the range of the clinical population, M_clinical − 2 S_clinical. It needs no functional population.
    A,
    /// b: within the range of the functional population, M_functional + 2 S_functional.
    B,
    /// c: closer to the functional mean, in standard deviations, than to the clinical one:
    /// (S_clinical M_functional + S_functional M_clinical) / (S_clinical + S_functional). Preferred where the populations
    /// overlap and norms are known.
    C,
    /// A score from elsewhere: that score and all better ones are functional.
    Score(f64),
}

impl CutOff {
    /// `below cut-off c,`, as notes put it before the number.
    pub(super) fn words(self, better: Better) -> String {
        let side = match (better, self) {
            (Better::Lower, CutOff::Score(_)) => return "from above to at most".into(),
            (Better::Higher, CutOff::Score(_)) => return "from below to at least".into(),
            (Better::Lower, _) => "from above to below",
            (Better::Higher, _) => "from below to above",
        };
        format!("{side} cut-off {self},")
    }
}

/// `a`, `b`, `c`, or the score.
impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CutOff::A => f.write_str("a"),
            CutOff::B => f.write_str("b"),
            CutOff::C => f.write_str("c"),
            CutOff::Score(score) => write!(f, "{score}"),
        }
    }
}

impl FromStr for CutOff {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match options::plain(text).as_str() {
            "a" => Ok(CutOff::A),
            "b" => Ok(CutOff::B),
            "c" => Ok(CutOff::C),
            score => score.parse().map(CutOff::Score).map_err(|_| Error::unknown("cut-off", text, &["a", "b", "c", "a score"])),
        }
    }
}

/// What is written as a name or as a number.
trait NumberOrName: fmt::Display + FromStr<Err = Error> {
    const EXPECTED: &'static str;

    fn of_number(number: f64) -> Self;

    fn number(&self) -> Option<f64>;
}

impl NumberOrName for Spread {
    const EXPECTED: &'static str = "a number of points, `baseline-pooled`, `baseline-whole` or `arm(NAME)`";

    fn of_number(number: f64) -> Self {
        Spread::Stated(number)
    }

    fn number(&self) -> Option<f64> {
        if let Spread::Stated(sd) = self { Some(*sd) } else { None }
    }
}

impl NumberOrName for CutOff {
    const EXPECTED: &'static str = "a score, or one of `a`, `b` and `c`";

    fn of_number(number: f64) -> Self {
        CutOff::Score(number)
    }

    fn number(&self) -> Option<f64> {
        if let CutOff::Score(score) = self { Some(*score) } else { None }
    }
}

fn write<T: NumberOrName, S: Serializer>(value: &T, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match value.number() {
        Some(number) => serializer.serialize_f64(number),
        None => serializer.collect_str(value),
    }
}

fn read<'de, T: NumberOrName, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<T, D::Error> {
    struct Either<T>(PhantomData<T>);
    impl<T: NumberOrName> Visitor<'_> for Either<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<T, E> {
            text.parse().map_err(E::custom)
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> std::result::Result<T, E> {
            Ok(T::of_number(number))
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> std::result::Result<T, E> {
            Ok(T::of_number(number as f64))
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> std::result::Result<T, E> {
            Ok(T::of_number(number as f64))
        }
    }
    deserializer.deserialize_any(Either(PhantomData))
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        write(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for CutOff {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        write(self, serializer)
    }
}

impl<'de> Deserialize<'de> for CutOff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        read(deserializer)
    }
}
