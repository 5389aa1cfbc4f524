//! What counts as a change of a patient, as data.

use super::{ClassScheme, CutOff, Norm, Reliability, ReliableChangeMethod, Spread};
use crate::error::{Error, Result};
use crate::instruments::ReliableChange;
use crate::level::check_level;
use crate::means::Better;
use crate::table::counted;
use crate::written::is_default;

const LEVEL: f64 = 0.95;

/// What counts as recovered, improved, unchanged and deteriorated, as data: it can be written down in a protocol, and
/// read from TOML or JSON.
///
/// A change is reliable by a number of points, or by the [reliability](Reliability) of the score and a
/// [method](ReliableChangeMethod). With a [cut-off](CutOff) patients who are reliably better and have come from outside
/// the functional range into it are recovered.
///
/// ```
/// use trialstats::change::{CutOff, IndividualChange, Norm, Reliability};
/// use trialstats::means::Better;
///
/// let change: IndividualChange = serde_json::from_str(
///     r#"{"outcome": "bdi", "better": "lower", "reliability": {"value": 0.86, "source": "manual"},
///         "functional": {"mean": 7, "sd": 6, "source": "manual"}, "cut-off": "c"}"#,
/// )?;
/// let same = IndividualChange::by_reliability("bdi", Better::Lower, Reliability::test_retest(0.86).source("manual"))
///     .functional(Norm::new(7.0, 6.0).source("manual"))
///     .cut_off(CutOff::C);
/// assert_eq!(change, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// | key | meaning | default |
/// |---|---|---|
/// | `outcome` | the outcome | must be named |
/// | `label` | text for tables, to tell two definitions for one outcome apart | the method |
/// | `better` | which scores are better: `lower`, `higher` | must be stated |
/// | `reliable-change` | `{ points, source }`: at least so many points | either this |
/// | `reliability` | `{ value, kind, source }` | or this must be stated |
/// | `method` | [`ReliableChangeMethod`] | `jacobson-truax` |
/// | `sd` | the standard deviation that belongs to the reliability: [`Spread`], or points | `baseline-pooled` |
/// | `level` | two-sided level of the index | 0.95, z = 1.96 |
/// | `clinical` | `{ mean, sd, source }` of the clinical population | the trial at baseline |
/// | `functional` | `{ mean, sd, source }` of the functional population | none |
/// | `cut-off` | [`CutOff`]: `a`, `b`, `c`, or a score | none: nobody is recovered |
/// | `classes` | [`ClassScheme`]: `four`, `five` | `four` |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IndividualChange {
    /// Name of the outcome.
    pub outcome: String,
    /// Text for tables; empty for the method.
    #[serde(default, skip_serializing_if = "is_default")]
    pub label: String,
    /// Which scores are better.
    pub better: Better,
    /// A change is reliable by at least so many points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reliable_change: Option<ReliableChange>,
    /// A change is reliable by the reliability of the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
    /// How, by a reliability.
    #[serde(default, skip_serializing_if = "is_default")]
    pub method: ReliableChangeMethod,
    /// The standard deviation that belongs to the reliability.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sd: Spread,
    /// Two-sided level of the index.
    #[serde(default = "usual_level", skip_serializing_if = "is_usual_level")]
    pub level: f64,
    /// The clinical population; the trial at baseline unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinical: Option<Norm>,
    /// The functional population.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functional: Option<Norm>,
    /// Where the functional range begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<CutOff>,
    /// Which classes are told apart.
    #[serde(default, skip_serializing_if = "is_default")]
    pub classes: ClassScheme,
}

fn usual_level() -> f64 {
    LEVEL
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_usual_level(level: &f64) -> bool {
    *level == LEVEL
}

impl IndividualChange {
    /// Reliable by the reliability of the score, by Jacobson and Truax's method.
    pub fn by_reliability(outcome: impl Into<String>, better: Better, reliability: Reliability) -> Self {
        Self { reliability: Some(reliability), ..Self::of(outcome.into(), better) }
    }

    /// Reliable by at least so many points.
    pub fn by_points(outcome: impl Into<String>, better: Better, points: f64, source: impl Into<String>) -> Self {
        Self { reliable_change: Some(ReliableChange { points, source: source.into() }), ..Self::of(outcome.into(), better) }
    }

    /// CAPS-5, 12 points or more: the smaller of the two thresholds of Marx et al. (2022).
    pub fn caps5_12_points() -> Self {
        Self::by_points("caps5", Better::Lower, 12.0, "Marx et al. 2022")
    }

    /// CAPS-5, 13 points or more: the larger of the two thresholds of Marx et al. (2022), from their other sample.
    pub fn caps5_13_points() -> Self {
        Self::by_points("caps5", Better::Lower, 13.0, "Marx et al. 2022")
    }

    /// CAPS-5, the index of Jacobson and Truax with test–retest reliability .78 (Weathers et al. 2018, *Psychological
    /// Assessment* 30:383–395, doi:10.1037/pas0000486) and a standard deviation of 10: more than 13.0 points.
    pub fn caps5_retest() -> Self {
        let reliability = Reliability::test_retest(0.78).source("Weathers et al. 2018");
        Self::by_reliability("caps5", Better::Lower, reliability).sd(Spread::Stated(10.0))
    }

    fn of(outcome: String, better: Better) -> Self {
        Self {
            outcome,
            label: String::new(),
            better,
            reliable_change: None,
            reliability: None,
            method: ReliableChangeMethod::default(),
            sd: Spread::default(),
            level: LEVEL,
            clinical: None,
            functional: None,
            cut_off: None,
            classes: ClassScheme::default(),
        }
    }

    /// Text for tables.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// How a change is told from error of measurement, by the reliability.
    pub fn method(mut self, method: ReliableChangeMethod) -> Self {
        self.method = method;
        self
    }

    /// The standard deviation that belongs to the reliability.
    pub fn sd(mut self, sd: Spread) -> Self {
        self.sd = sd;
        self
    }

    /// Two-sided level of the index, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// The clinical population.
    pub fn clinical(mut self, norm: Norm) -> Self {
        self.clinical = Some(norm);
        self
    }

    /// The functional population.
    pub fn functional(mut self, norm: Norm) -> Self {
        self.functional = Some(norm);
        self
    }

    /// Where the functional range begins.
    pub fn cut_off(mut self, cut_off: CutOff) -> Self {
        self.cut_off = Some(cut_off);
        self
    }

    /// Which classes are told apart.
    pub fn classes(mut self, classes: ClassScheme) -> Self {
        self.classes = classes;
        self
    }

    /// The text for tables: the label, or how a change is found to be reliable.
    pub fn heading(&self) -> String {
        match &self.reliable_change {
            _ if !self.label.is_empty() => self.label.clone(),
            Some(change) => counted(change.points, "point").to_string(),
            None => self.method.words().into(),
        }
    }

    /// 1 where higher is better, −1 where lower is.
    pub(super) fn sign(&self) -> f64 {
        match self.better {
            Better::Higher => 1.0,
            Better::Lower => -1.0,
        }
    }

    /// Whether a mean of the clinical population is asked for, and its standard deviation.
    pub(super) fn needs_clinical(&self) -> bool {
        matches!(self.cut_off, Some(CutOff::A | CutOff::C)) || self.reliability.is_some() && self.method.regresses()
    }

    /// Refuses what makes no sense in any trial.
    ///
    /// # Errors
    /// [`Error::Invalid`] where neither points nor a reliability are stated or both are, and for numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let what = || format!("individual change in `{}`", self.outcome);
        match (&self.reliable_change, &self.reliability) {
            (None, None) => {
                let why = "nothing says which change is reliable";
                return Err(Error::incomplete(what(), why, "state `reliable-change` in points, or the `reliability` of the score"));
            }
            (Some(_), Some(_)) => {
                let why = "a change is reliable by its points or by a reliability, not by both";
                return Err(Error::conflict(what(), why, "leave one of `reliable-change` and `reliability` out"));
            }
            (Some(change), None) if !(change.points > 0.0 && change.points.is_finite()) => {
                let why = format!("a change of {} is not above 0", counted(change.points, "point"));
                return Err(Error::out_of_range(what(), why, "state a number of points above 0"));
            }
            (Some(_), None) => {}
            (None, Some(reliability)) => reliability.check()?,
        }
        check_level(self.level)?;
        if let Spread::Stated(sd) = self.sd
            && !(sd > 0.0 && sd.is_finite())
        {
            return Err(Error::out_of_range(what(), format!("a standard deviation of {sd} is not above 0"), "correct `sd`"));
        }
        self.clinical.as_ref().map_or(Ok(()), |norm| norm.check("clinical"))?;
        self.functional.as_ref().map_or(Ok(()), |norm| norm.check("functional"))?;
        match self.cut_off {
            Some(CutOff::B | CutOff::C) if self.functional.is_none() => Err(Error::incomplete(
                what(),
                "cut-offs b and c need the functional population, and none is stated",
                "state mean and standard deviation as `functional`, or take cut-off a",
            )),
            Some(CutOff::Score(score)) if !score.is_finite() => {
                Err(Error::not_finite(what(), format!("{score} is not a score"), "correct `cut-off`"))
            }
            _ => Ok(()),
        }
    }
}
