//! Confidence intervals for the difference of two proportions.

use super::exact_limits::{Ordering, exact_limits};
use super::proportion::{Measure, Proportion, deviate};
use super::root::root;
use super::score::{Effect, Pair};
use super::single::wilson_corrected;
use crate::error::Result;
use crate::options::choices;

/// How an interval for p₁ − p₂ is made, from x₁ of n₁ and x₂ of n₂.
///
/// Limits outside \[−1, 1\] are set to its ends. d̂ = p̂₁ − p̂₂ is the estimate of every method, also where an interval is centred
/// elsewhere. Names of methods are those of SAS's PROC FREQ, and of Newcombe 1998, *Statistics in Medicine* 17:873–890.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DifferenceMethod {
    /// d̂ ± z √(p̂₁q̂₁/n₁ + p̂₂q̂₂/n₂).
    Wald,
    /// Wald's, each way longer by (1/n₁ + 1/n₂)/2.
    WaldCorrected,
    /// Wald's interval from (xᵢ + 1)/(nᵢ + 2) (Agresti and Caffo 2000, *American Statistician* 54:280–288).
    AgrestiCaffo,
    /// d̂ ± (1/(2 min(n₁, n₂)) + z √(p̂₁q̂₁/(n₁−1) + p̂₂q̂₂/(n₂−1))) (Hauck and Anderson 1986, *American Statistician*
    /// 40:318–322).
    HauckAnderson,
    /// From the Wilson limits of each: [`risk_difference`](super::risk_difference); Newcombe's method 10.
    Newcombe,
    /// From the Wilson limits of each with their continuity correction; Newcombe's method 11.
    NewcombeCorrected,
    /// The δ that the score test with variance inflated by N/(N−1) does not reject (Miettinen and Nurminen 1985, *Statistics in
    /// Medicine* 4:213–226).
    MiettinenNurminen,
    /// The δ that the score test does not reject (Mee 1984, *Biometrics* 40:1175–1176); SAS's `MN(CORRECT=NO)`. Its limits agree
    /// with the test of Farrington and Manning.
    Mee,
    /// Exact: the δ that neither of two one-sided unconditional tests ordered by the score statistic rejects (Chan and Zhang
    /// 1999, *Biometrics* 55:1202–1209); SAS's `RISKDIFF(METHOD=SCORE)` in EXACT.
    ExactScore,
    /// Exact: the δ that the two-sided unconditional test ordered by the score statistic does not reject (Agresti and Min 2001,
    /// *Biometrics* 57:963–971); SAS's `METHOD=SCORE2`.
    ExactScoreTwoSided,
    /// Exact: as Chan and Zhang, with tables ordered by the difference itself (Santner and Snell 1980, *JASA* 75:386–394); SAS's
    /// `METHOD=NOSCORE`. Wide.
    ExactUnstandardised,
}

choices! {
    DifferenceMethod, "interval for a difference of proportions":
    Wald = "wald", [], "Wald";
    WaldCorrected = "wald-corrected", [], "Wald, continuity-corrected";
    AgrestiCaffo = "agresti-caffo", ["ac"], "Agresti–Caffo";
    HauckAnderson = "hauck-anderson", ["ha", "anderson-hauck"], "Hauck–Anderson";
    Newcombe = "newcombe", ["wilson"], "Newcombe (score)";
    NewcombeCorrected = "newcombe-corrected", [], "Newcombe, continuity-corrected";
    MiettinenNurminen = "miettinen-nurminen", ["mn", "score"], "Miettinen–Nurminen (score)";
    Mee = "mee", ["farrington-manning"], "Mee (score)";
    ExactScore = "exact-score", ["chan-zhang"], "Chan–Zhang (exact, score)";
    ExactScoreTwoSided = "exact-score-two-sided", ["agresti-min"], "Agresti–Min (exact, score, two-sided)";
    ExactUnstandardised = "exact-unstandardised", ["santner-snell", "exact-unstandardized"], "Santner–Snell (exact)";
}

/// p₁ − p₂ with an interval by any method. NaN where either group has nobody, and for limits that a method does not have for
/// these counts: of Hauck and Anderson for a group of one, exact ones for more than 4,000 patients.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if `level` is not between 0 and 1.
///
/// ```
/// use trialstats::proportions::{DifferenceMethod, Proportion, difference};
/// // Newcombe 1998, table II: 56 of 70 against 48 of 80, by the score interval of Mee and that of Miettinen and Nurminen.
/// let by = |method| difference(Proportion::new(56, 70)?, Proportion::new(48, 80)?, method, 0.95);
/// let (mee, mn) = (by(DifferenceMethod::Mee)?, by(DifferenceMethod::MiettinenNurminen)?);
/// assert_eq!(format!("{:.4} {:.4}", mee.lower, mee.upper), "0.0533 0.3377");
/// assert_eq!(format!("{:.4} {:.4}", mn.lower, mn.upper), "0.0528 0.3382");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn difference(first: Proportion, second: Proportion, method: DifferenceMethod, level: f64) -> Result<Measure> {
    let z = deviate(level)?;
    let estimate = first.share() - second.share();
    if first.of == 0 || second.of == 0 {
        return Ok(Measure::new(estimate, f64::NAN, f64::NAN));
    }
    let (lower, upper) = limits(Pair::new(first, second), method, z, 1.0 - level);
    Ok(Measure::new(estimate, at_least(lower, -1.0), at_most(upper, 1.0)))
}

/// A limit not below `end`; NaN stays.
fn at_least(limit: f64, end: f64) -> f64 {
    if limit < end { end } else { limit }
}

fn at_most(limit: f64, end: f64) -> f64 {
    if limit > end { end } else { limit }
}

fn limits(pair: Pair, method: DifferenceMethod, z: f64, alpha: f64) -> (f64, f64) {
    let [x1, n1, x2, n2] = pair.counts();
    let (p1, p2) = (x1 / n1, x2 / n2);
    let around = |centre: f64, half: f64| (centre - half, centre + half);
    match method {
        DifferenceMethod::Wald => around(p1 - p2, z * standard_error(pair, 0.0)),
        DifferenceMethod::WaldCorrected => around(p1 - p2, z * standard_error(pair, 0.0) + 0.5 * (1.0 / n1 + 1.0 / n2)),
        DifferenceMethod::AgrestiCaffo => {
            let (a, b) = ((x1 + 1.0) / (n1 + 2.0), (x2 + 1.0) / (n2 + 2.0));
            around(a - b, z * (a * (1.0 - a) / (n1 + 2.0) + b * (1.0 - b) / (n2 + 2.0)).sqrt())
        }
        DifferenceMethod::HauckAnderson => around(p1 - p2, 0.5 / n1.min(n2) + z * standard_error(pair, 1.0)),
        DifferenceMethod::Newcombe => {
            let (a, b) = (pair.first.score_interval(z), pair.second.score_interval(z));
            joined(p1, p2, (a.lower, a.upper), (b.lower, b.upper))
        }
        DifferenceMethod::NewcombeCorrected => joined(p1, p2, wilson_corrected(pair.first, z), wilson_corrected(pair.second, z)),
        DifferenceMethod::MiettinenNurminen => score_limits(pair, z * pair.correction()),
        DifferenceMethod::Mee => score_limits(pair, z),
        DifferenceMethod::ExactScore => exact_limits(pair, Effect::Difference, Ordering::Score, alpha),
        DifferenceMethod::ExactScoreTwoSided => exact_limits(pair, Effect::Difference, Ordering::ScoreTwoSided, alpha),
        DifferenceMethod::ExactUnstandardised => exact_limits(pair, Effect::Difference, Ordering::Unstandardised, alpha),
    }
}

/// √(p̂₁q̂₁/(n₁ − less) + p̂₂q̂₂/(n₂ − less)).
pub(super) fn standard_error(pair: Pair, less: f64) -> f64 {
    let [x1, n1, x2, n2] = pair.counts();
    let (p1, p2) = (x1 / n1, x2 / n2);
    (p1 * (1.0 - p1) / (n1 - less) + p2 * (1.0 - p2) / (n2 - less)).sqrt()
}

/// Newcombe's joining of the limits of two proportions.
fn joined(p1: f64, p2: f64, (l1, u1): (f64, f64), (l2, u2): (f64, f64)) -> (f64, f64) {
    (p1 - p2 - (p1 - l1).hypot(u2 - p2), p1 - p2 + (u1 - p1).hypot(p2 - l2))
}

/// The differences at which the score statistic is ±z.
fn score_limits(pair: Pair, z: f64) -> (f64, f64) {
    let estimate = pair.first.share() - pair.second.share();
    let crossing = |end: f64, target: f64| match estimate == end {
        true => end,
        false => root(end, estimate, |delta| bounded(Effect::Difference.score(pair, delta)) - target),
    };
    (crossing(-1.0, z), crossing(1.0, -z))
}

/// A statistic that is finite, for searches.
pub(super) fn bounded(z: f64) -> f64 {
    z.clamp(-1e6, 1e6)
}
