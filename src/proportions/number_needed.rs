//! The number needed to treat.

use super::Measure;
use crate::options::choices;
use std::fmt;

/// Whether meeting the definition is good for the patient; it decides what is benefit and what harm in the number
/// needed to treat.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Meaning {
    /// Response, remission.
    #[default]
    Favourable,
    /// Deterioration, too few sessions.
    Unfavourable,
}

choices! {
    Meaning, "meaning of a definition":
    Favourable = "favourable", ["favorable"], "response, remission";
    Unfavourable = "unfavourable", ["unfavorable"], "deterioration, too few sessions";
}

/// Whether treating is for the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Number needed to treat for one more patient to benefit, NNTB.
    Benefit,
    /// Number needed to treat for one more patient to be harmed, NNTH.
    Harm,
}

choices! {
    Direction, "direction of a number needed to treat":
    Benefit = "benefit", ["nntb"], "for one more patient to benefit";
    Harm = "harm", ["nnth"], "for one more patient to be harmed";
}

/// The interval of a number needed to treat.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberNeededInterval {
    /// The interval of the risk difference excludes 0: all values are of one direction.
    OneDirection {
        /// The smaller number, the stronger effect.
        from: f64,
        /// The larger number, the weaker effect.
        to: f64,
    },
    /// The interval of the risk difference contains 0: from `harm` up to infinity (no effect) and down again to
    /// `benefit`.
    ThroughInfinity {
        /// The smallest number needed to harm that is compatible with the data; infinite if none is.
        harm: f64,
        /// The smallest number needed to benefit that is compatible with the data; infinite if none is.
        benefit: f64,
    },
}

/// How many patients must be treated with the one arm rather than the other for one more to meet the definition.
///
/// The reciprocal of the risk difference, its interval by inverting the limits of the risk difference; where those
/// lie on both sides of 0 the interval runs through infinity (Altman 1998, *BMJ* 317:1309–1312,
/// doi:10.1136/bmj.317.7168.1309). With Newcombe's interval for the difference it is the one of Bender 2001,
/// *Controlled Clinical Trials* 22:102–110.
///
/// ```
/// use trialstats::proportions::{Meaning, Measure, NumberNeeded};
/// // Altman's example: a difference of 10%, 95% interval −5% to 25%.
/// let needed = NumberNeeded::from_difference(Measure { estimate: 0.10, lower: -0.05, upper: 0.25 }, Meaning::Favourable);
/// assert_eq!(needed.to_string(), "NNTB 10.0 (NNTH 20.0 to ∞ to NNTB 4.0)");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct NumberNeeded {
    /// The number, at least 1; infinite where the risks are equal, NaN where they are not known.
    pub estimate: f64,
    /// Its direction.
    pub direction: Direction,
    /// Its interval.
    pub interval: NumberNeededInterval,
}

impl NumberNeeded {
    /// The number needed from a risk difference with its interval, and whether a higher risk is good.
    pub fn from_difference(difference: Measure, meaning: Meaning) -> Self {
        let (gain, lower, upper) = match meaning {
            Meaning::Favourable => (difference.estimate, difference.lower, difference.upper),
            Meaning::Unfavourable => (-difference.estimate, -difference.upper, -difference.lower),
        };
        let needed = |x: f64| 1.0 / x.abs();
        let interval = if lower > 0.0 {
            NumberNeededInterval::OneDirection { from: needed(upper), to: needed(lower) }
        } else if upper < 0.0 {
            NumberNeededInterval::OneDirection { from: needed(lower), to: needed(upper) }
        } else {
            NumberNeededInterval::ThroughInfinity { harm: needed(lower), benefit: needed(upper) }
        };
        let direction = if gain < 0.0 { Direction::Harm } else { Direction::Benefit };
        Self { estimate: needed(gain), direction, interval }
    }
}

/// As Altman writes it, to one decimal: `NNTB 10.0 (NNTH 20.0 to ∞ to NNTB 4.0)`.
impl fmt::Display for NumberNeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.estimate.is_nan() {
            return Ok(());
        }
        let word = match self.direction {
            Direction::Benefit => "NNTB",
            Direction::Harm => "NNTH",
        };
        match self.estimate.is_infinite() {
            true => write!(f, "∞ (")?,
            false => write!(f, "{word} {:.1} (", self.estimate)?,
        }
        match self.interval {
            NumberNeededInterval::OneDirection { from, to } => write!(f, "{word} {from:.1} to {to:.1})"),
            NumberNeededInterval::ThroughInfinity { harm, benefit } => {
                if harm.is_finite() {
                    write!(f, "NNTH {harm:.1} to ")?;
                }
                write!(f, "∞")?;
                if benefit.is_finite() {
                    write!(f, " to NNTB {benefit:.1}")?;
                }
                write!(f, ")")
            }
        }
    }
}
