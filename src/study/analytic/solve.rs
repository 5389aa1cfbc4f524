//! Two of patients, effect and power are given: the third follows from the power function.

use super::Answer;
use crate::error::{Error, Result};
use crate::options::choices;
use crate::table::{agreeing, counted};

/// How many tails a test has.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sides {
    /// Either direction is significant; each tail has half the level.
    #[default]
    Two,
    /// The direction of the effect alone is significant.
    One,
}

choices! {
    Sides, "number of sides of a test":
    Two = "two-sided", ["two", "two.sided"], "either direction is significant; each tail has half the level";
    One = "one-sided", ["one", "one.sided"], "the direction of the effect alone is significant";
}

impl Sides {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Sides::Two => "two-sided",
            Sides::One => "one-sided",
        }
    }

    /// The level of one tail.
    pub(crate) fn tail(self, alpha: f64) -> f64 {
        match self {
            Sides::Two => 0.5 * alpha,
            Sides::One => alpha,
        }
    }
}

/// What is asked of a formula. The level is 0.05, two-sided, unless stated otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask {
    pub(super) wanted: Wanted,
    pub(super) alpha: f64,
    pub(super) sides: Sides,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    Power { patients: f64, effect: f64 },
    Patients { effect: f64, power: f64 },
    Effect { patients: f64, power: f64 },
}

impl Ask {
    fn new(wanted: Wanted) -> Self {
        Self { wanted, alpha: 0.05, sides: Sides::Two }
    }

    /// The power of `patients` (of all arms together) where the effect is `effect`.
    pub fn power_of(patients: f64, effect: f64) -> Self {
        Self::new(Wanted::Power { patients, effect })
    }

    /// The patients that give `power` where the effect is `effect`.
    pub fn patients_for(effect: f64, power: f64) -> Self {
        Self::new(Wanted::Patients { effect, power })
    }

    /// The effect that `patients` (of all arms together) detect with `power`.
    pub fn effect_for(patients: f64, power: f64) -> Self {
        Self::new(Wanted::Effect { patients, power })
    }

    /// The level of the test, of both tails where it is two-sided.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// How many tails the test has.
    pub fn sides(mut self, sides: Sides) -> Self {
        self.sides = sides;
        self
    }

    /// A one-sided test.
    pub fn one_sided(self) -> Self {
        self.sides(Sides::One)
    }

    pub(super) fn tail(&self) -> f64 {
        self.sides.tail(self.alpha)
    }

    fn check(&self) -> Result<()> {
        let tail = self.tail();
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            let what = format!("a level of {}", self.alpha);
            return Err(Error::out_of_range(what, "it does not lie between 0 and 1", "give a level such as 0.05"));
        }
        let power = match self.wanted {
            Wanted::Power { .. } => None,
            Wanted::Patients { power, .. } | Wanted::Effect { power, .. } => Some(power),
        };
        if let Some(power) = power.filter(|power| !(*power > tail && *power < 1.0)) {
            let why = format!("a test at this level has power between {tail} (no effect) and 1");
            return Err(Error::out_of_range(format!("a power of {power}"), why, "give a power such as 0.8"));
        }
        let patients = match self.wanted {
            Wanted::Patients { .. } => None,
            Wanted::Power { patients, .. } | Wanted::Effect { patients, .. } => Some(patients),
        };
        if let Some(patients) = patients.filter(|n| !(*n > 0.0 && n.is_finite())) {
            return Err(Error::out_of_range(
                counted(patients, "patient").to_string(),
                "that is no number of patients",
                "give all arms' patients",
            ));
        }
        let effect = match self.wanted {
            Wanted::Effect { .. } => None,
            Wanted::Power { effect, .. } | Wanted::Patients { effect, .. } => Some(effect),
        };
        match effect {
            Some(effect) if !effect.is_finite() => {
                Err(Error::not_finite("the effect", format!("it is {effect}"), "give the difference to detect"))
            }
            Some(0.0) if matches!(self.wanted, Wanted::Patients { .. }) => Err(Error::not_defined(
                "the number of patients for an effect of zero",
                "no number detects it",
                "give the difference to detect",
            )),
            _ => Ok(()),
        }
    }
}

/// A design whose power is known by formula.
pub trait PowerFormula {
    /// The formula, with its source.
    fn method(&self) -> String;

    /// The shares of the patients in either arm, the reference first.
    fn shares(&self) -> [f64; 2];

    /// The power of a test with `tail` as the level of one tail. It grows with the patients and with the size of the
    /// effect, from `tail` to 1.
    fn power(&self, patients: f64, effect: f64, tail: f64) -> f64;

    /// What a reader must know beyond the method.
    fn notes(&self) -> Vec<String> {
        vec![]
    }

    /// The smallest number of patients for which there is a test.
    fn fewest(&self) -> f64 {
        0.0
    }

    /// The range of effects, from the largest negative to the largest positive.
    fn effects(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    /// The number of patients of all arms together, before rounding.
    fn patients(&self, effect: f64, power: f64, tail: f64) -> f64 {
        let fewest = self.fewest();
        rising_root(fewest, f64::INFINITY, |n| self.power(n, effect, tail) - power)
    }

    /// Whether the effect that is found is the positive one.
    fn finds_positive(&self) -> bool {
        true
    }

    /// The effect that so many patients detect.
    fn effect(&self, patients: f64, power: f64, tail: f64) -> f64 {
        let (sign, limit) = match self.finds_positive() {
            true => (1.0, self.effects().1),
            false => (-1.0, -self.effects().0),
        };
        sign * rising_root(0.0, limit, |size| self.power(patients, sign * size, tail) - power)
    }

    /// The answer.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a level, a power, an effect or a number of patients that is none, and where no number of
    /// patients and no effect have the power asked for.
    fn solve(&self, ask: &Ask) -> Result<Answer> {
        ask.check()?;
        let tail = ask.tail();
        let (patients, effect, power) = match ask.wanted {
            Wanted::Power { patients, effect } => (patients, effect, self.power(patients, effect, tail)),
            Wanted::Patients { effect, power } => (self.patients(effect, power, tail), effect, power),
            Wanted::Effect { patients, power } => (patients, self.effect(patients, power, tail), power),
        };
        if [patients, effect, power].iter().all(|x| x.is_finite()) {
            let exact = self.shares().map(|share| share * patients);
            return Ok(Answer::new(self.method(), exact, effect, power, (ask.alpha, ask.sides), self.notes()));
        }
        Err(match ask.wanted {
            Wanted::Power { .. } => Error::not_defined(
                "the power",
                format!("there is no test of {} and an effect of {effect}", counted(patients, "patient")),
                "give more patients, or an effect within its range",
            ),
            Wanted::Patients { .. } => Error::not_defined(
                format!("the number of patients for a power of {power}"),
                format!("no number of patients detects an effect of {effect} with this power in this design"),
                "ask for less power or a larger effect",
            ),
            Wanted::Effect { .. } => Error::not_defined(
                format!("the effect for a power of {power}"),
                format!(
                    "{} {} no effect with this power in this design",
                    counted(patients, "patient"),
                    agreeing(patients, "detects", "detect")
                ),
                "give more patients",
            ),
        })
    }
}

/// The x above `low` where a rising function is zero, to the last digits; NaN where it stays below zero up to `high`.
pub(super) fn rising_root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let reached = |x: f64| f(x) >= 0.0;
    let (mut below, mut above) = (low, if high.is_finite() { high } else { low.max(1.0) });
    if high.is_finite() {
        if !reached(high) {
            return f64::NAN;
        }
    } else {
        while !reached(above) {
            below = above;
            above *= 2.0;
            if above > 1e300 {
                return f64::NAN;
            }
        }
    }
    // Halving on the scale of logarithms, where the root may lie at any power of ten.
    for _ in 0..2000 {
        let middle = match (below > 0.0, above / below > 2.0) {
            (true, true) => below.sqrt() * above.sqrt(),
            (true, false) => below + 0.5 * (above - below),
            (false, _) if above > 1e-300 => above * 0.01,
            (false, _) => return above,
        };
        if middle <= below || middle >= above {
            break;
        }
        if f(middle) >= 0.0 { above = middle } else { below = middle }
    }
    above
}

/// Refuses shares and ratios that are none.
pub(super) fn shares_of(ratio: f64) -> Result<[f64; 2]> {
    if ratio > 0.0 && ratio.is_finite() {
        return Ok([1.0 / (1.0 + ratio), ratio / (1.0 + ratio)]);
    }
    Err(Error::out_of_range(
        format!("an allocation ratio of {ratio}"),
        "it is no positive number",
        "give patients of the other arm per patient of the reference",
    ))
}

/// The power of a normal test with this standard error.
pub(super) fn normal_power(effect: f64, se: f64, tail: f64) -> f64 {
    use crate::dist::normal;
    // The quantile of the small tail keeps its digits.
    normal::cdf(effect.abs() / se + normal::quantile(tail))
}

/// Refuses what is not positive and finite.
pub(super) fn positive(what: &str, x: f64) -> Result<f64> {
    match x > 0.0 && x.is_finite() {
        true => Ok(x),
        false => Err(Error::out_of_range(format!("{what} = {x}"), "it is not a positive number", "give one above zero")),
    }
}
