//! Non-inferiority and equivalence of two proportions by a margin for their difference.

use super::difference::{DifferenceMethod, difference, standard_error};
use super::number_needed::Meaning;
use super::proportion::{Measure, Proportion};
use super::score::{Effect, Pair};
use super::testing::{Alternative, p_of};
use super::unconditional::{LARGEST, score_at_least};
use crate::error::{Error, Result};
use crate::level::check_level;
use crate::options::choices;

/// A test that a difference lies beyond a margin.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarginMethod {
    /// The score statistic with the variance under the hypothesis (Farrington and Manning 1990, *Statistics in Medicine*
    /// 9:1447–1454); it agrees with Mee's interval.
    FarringtonManning,
    /// The same with variance inflated by N/(N−1); it agrees with the interval of Miettinen and Nurminen.
    MiettinenNurminen,
    /// The estimate over Wald's standard error; it agrees with Wald's interval.
    Wald,
    /// The estimate less 1/(2 min(n₁, n₂)) over the standard error with nᵢ − 1; it agrees with the interval of Hauck and
    /// Anderson.
    HauckAnderson,
    /// Exact and unconditional, ordered by the score statistic (Chan 1998, *Statistics in Medicine* 17:1403–1413); it agrees
    /// with the interval of Chan and Zhang.
    Exact,
}

choices! {
    MarginMethod, "test against a margin":
    FarringtonManning = "farrington-manning", ["fm", "score"], "Farrington–Manning (score)";
    MiettinenNurminen = "miettinen-nurminen", ["mn"], "Miettinen–Nurminen (score)";
    Wald = "wald", [], "Wald";
    HauckAnderson = "hauck-anderson", ["ha"], "Hauck–Anderson";
    Exact = "exact-score", ["chan"], "Chan (exact, score)";
}

impl MarginMethod {
    /// The interval that decides as this test does.
    pub fn interval(self) -> DifferenceMethod {
        match self {
            MarginMethod::FarringtonManning => DifferenceMethod::Mee,
            MarginMethod::MiettinenNurminen => DifferenceMethod::MiettinenNurminen,
            MarginMethod::Wald => DifferenceMethod::Wald,
            MarginMethod::HauckAnderson => DifferenceMethod::HauckAnderson,
            MarginMethod::Exact => DifferenceMethod::ExactScore,
        }
    }
}

/// What is claimed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// The first group is not worse than the second by the margin or more.
    NonInferiority,
    /// The groups differ by less than the margin in either direction: both one-sided tests reject.
    Equivalence,
}

choices! {
    Claim, "claim":
    NonInferiority = "non-inferiority", ["noninferiority"], "not worse by the margin or more";
    Equivalence = "equivalence", [], "different by less than the margin in either direction";
}

/// A test against a margin.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct MarginTest {
    /// What is claimed.
    pub claim: Claim,
    /// The test.
    pub method: MarginMethod,
    /// The difference that the hypothesis supposes: for equivalence the one of the two that is harder to reject.
    pub null_difference: f64,
    /// The statistic, positive where the data speak for the claim; none of an exact test.
    pub statistic: Option<f64>,
    /// The one-sided p-value; NaN of an exact test with more than 4,000 patients.
    pub p: f64,
    /// The level of the interval, 1 − 2α.
    pub level: f64,
    /// The interval for p₁ − p₂ that decides as the test does.
    pub interval: Measure,
}

impl MarginTest {
    /// Whether the test rejects, at α = (1 − level)/2.
    pub fn rejects(&self) -> bool {
        self.p < 0.5 * (1.0 - self.level)
    }
}

/// Tests a claim about p₁ − p₂ at the one-sided level α = (1 − `level`)/2, with the interval of level 1 − 2α = `level` that goes
/// with the test.
///
/// Non-inferiority: p₁ − p₂ > −margin where the event is favourable, p₁ − p₂ < margin where it is not.
///
/// # Errors
/// [`Error::Invalid`] if the margin does not lie between 0 and 1, the level is not between 0 and 1, or a group has nobody.
///
/// ```
/// use trialstats::proportions::{Claim, MarginMethod, Meaning, Proportion, margin_test};
/// // Rodary, Com-Nougue and Tournade 1989 in Chan 1998: 83 of 88 against 69 of 76, margin 0.10.
/// let (first, second) = (Proportion::new(83, 88)?, Proportion::new(69, 76)?);
/// let by = |method| margin_test(first, second, Claim::NonInferiority, method, 0.10, Meaning::Favourable, 0.95);
/// assert_eq!(format!("{:.3}", by(MarginMethod::FarringtonManning)?.statistic.unwrap()), "2.957");
/// assert_eq!(format!("{:.4}", by(MarginMethod::Exact)?.p), "0.0017");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn margin_test(
    first: Proportion,
    second: Proportion,
    claim: Claim,
    method: MarginMethod,
    margin: f64,
    meaning: Meaning,
    level: f64,
) -> Result<MarginTest> {
    check_level(level)?;
    if !(margin > 0.0 && margin < 1.0) {
        return Err(Error::out_of_range(
            format!("a margin of {margin}"),
            "a margin for a difference of proportions lies between 0 and 1",
            "give it as a share, such as 0.1 for ten percentage points",
        ));
    }
    if first.of == 0 || second.of == 0 {
        return Err(Error::no_data("a test against a margin", "a group has nobody", "leave it out"));
    }
    let pair = Pair::new(first, second);
    let at = |null: f64, alternative| {
        let (statistic, p) = one_sided(pair, method, null, alternative);
        MarginTest { claim, method, null_difference: null, statistic, p, level, interval: Measure::new(f64::NAN, f64::NAN, f64::NAN) }
    };
    let (from_below, from_above) = (|| at(-margin, Alternative::Greater), || at(margin, Alternative::Less));
    let test = match (claim, meaning) {
        (Claim::NonInferiority, Meaning::Favourable) => from_below(),
        (Claim::NonInferiority, Meaning::Unfavourable) => from_above(),
        (Claim::Equivalence, _) => {
            let (below, above) = (from_below(), from_above());
            if above.p > below.p { above } else { below }
        }
    };
    Ok(MarginTest { interval: difference(first, second, method.interval(), level)?, ..test })
}

/// The statistic, positive where the data speak for the alternative, and its p-value.
fn one_sided(pair: Pair, method: MarginMethod, null: f64, alternative: Alternative) -> (Option<f64>, f64) {
    let sign = if alternative == Alternative::Greater { 1.0 } else { -1.0 };
    let excess = sign * (pair.first.share() - pair.second.share() - null);
    let score = sign * Effect::Difference.score(pair, null);
    let least = pair.first.of.min(pair.second.of) as f64;
    let z = match method {
        MarginMethod::FarringtonManning => score,
        MarginMethod::MiettinenNurminen => score / pair.correction(),
        MarginMethod::Wald => excess / standard_error(pair, 0.0),
        MarginMethod::HauckAnderson => (excess - 0.5 / least) / standard_error(pair, 1.0),
        MarginMethod::Exact if pair.first.of + pair.second.of > LARGEST => return (None, f64::NAN),
        MarginMethod::Exact => {
            let (pair, null) = if sign > 0.0 { (pair, null) } else { (pair.exchanged(), -null) };
            return (None, score_at_least(pair, Effect::Difference, null, score).largest(Effect::Difference, null, None).min(1.0));
        }
    };
    (Some(z), p_of(z, Alternative::Greater))
}
