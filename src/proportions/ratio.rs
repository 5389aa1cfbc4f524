//! Confidence intervals for the ratio of two proportions.

use super::difference::bounded;
use super::exact_limits::{Ordering, exact_limits};
use super::proportion::{Measure, Proportion, deviate};
use super::root::outward;
use super::score::{Effect, Pair};
use crate::error::Result;
use crate::options::choices;

/// How an interval for p₁/p₂ is made, from x₁ of n₁ and x₂ of n₂.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RatioMethod {
    /// log(p̂₁/p̂₂) ± z √(1/x₁ − 1/n₁ + 1/x₂ − 1/n₂) (Katz et al. 1978, *Biometrics* 34:469–474). Not defined where a count is
    /// zero, or both groups are full.
    Wald,
    /// The same from xᵢ + ½ of nᵢ + ½ (Walter 1975, *Biometrika* 62:371–374); the estimate stays p̂₁/p̂₂. SAS's `WALDMODIFIED`.
    WaldModified,
    /// The ratios that the score test does not reject (Koopman 1984, *Biometrics* 40:513–517); SAS's `SCORE(CORRECT=NO)`.
    Koopman,
    /// The same with variance inflated by N/(N−1) (Miettinen and Nurminen 1985, *Statistics in Medicine* 4:213–226).
    MiettinenNurminen,
    /// The ratios that the likelihood-ratio test does not reject.
    LikelihoodRatio,
    /// Exact: the ratios that neither of two one-sided unconditional tests ordered by the score statistic rejects (Chan and
    /// Zhang 1999, *Biometrics* 55:1202–1209); SAS's `RELRISK(METHOD=SCORE)` in EXACT.
    ExactScore,
}

choices! {
    RatioMethod, "interval for a ratio of proportions":
    Wald = "wald", ["katz", "katz-log"], "Wald (Katz log)";
    WaldModified = "wald-modified", ["walter"], "Wald modified (one half added)";
    Koopman = "koopman", [], "Koopman (score)";
    MiettinenNurminen = "miettinen-nurminen", ["mn", "score"], "Miettinen–Nurminen (score)";
    LikelihoodRatio = "likelihood-ratio", ["lr"], "Likelihood ratio";
    ExactScore = "exact-score", ["chan-zhang"], "Exact (score)";
}

/// p₁/p₂ with an interval by any method. An upper limit is infinite where nobody of the second group is in it; NaN stands for
/// what does not exist.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if `level` is not between 0 and 1.
///
/// ```
/// use trialstats::proportions::{Proportion, RatioMethod, ratio};
/// // Koopman 1984, table 2: 36 of 40 against 16 of 80.
/// let score = ratio(Proportion::new(36, 40)?, Proportion::new(16, 80)?, RatioMethod::Koopman, 0.95)?;
/// assert_eq!(format!("{:.2} {:.2} {:.2}", score.estimate, score.lower, score.upper), "4.50 2.94 7.15");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn ratio(first: Proportion, second: Proportion, method: RatioMethod, level: f64) -> Result<Measure> {
    let z = deviate(level)?;
    let estimate = first.share() / second.share();
    if first.of == 0 || second.of == 0 {
        return Ok(Measure::new(estimate, f64::NAN, f64::NAN));
    }
    let (lower, upper) = limits(Pair::new(first, second), method, z, 1.0 - level);
    Ok(Measure::new(estimate, lower, upper))
}

fn limits(pair: Pair, method: RatioMethod, z: f64, alpha: f64) -> (f64, f64) {
    let [x1, n1, x2, n2] = pair.counts();
    match method {
        RatioMethod::Wald if (x1, x2) == (n1, n2) => (f64::NAN, f64::NAN),
        RatioMethod::Wald => log_limits(pair, 0.0, z),
        RatioMethod::WaldModified => log_limits(pair, 0.5, z),
        RatioMethod::Koopman => inverted(pair, |theta| Effect::Ratio.score(pair, theta) / z),
        RatioMethod::MiettinenNurminen => inverted(pair, |theta| Effect::Ratio.score(pair, theta) / (z * pair.correction())),
        RatioMethod::LikelihoodRatio => {
            inverted(pair, |theta| Effect::Ratio.signed_root(pair, theta, pair.first.share() / pair.second.share()) / z)
        }
        RatioMethod::ExactScore => exact_limits(pair, Effect::Ratio, Ordering::Score, alpha),
    }
}

/// The interval on the scale of logarithms with `added` to each count and group.
fn log_limits(pair: Pair, added: f64, z: f64) -> (f64, f64) {
    let [x1, n1, x2, n2] = pair.counts().map(|count| count + added);
    if x1 == 0.0 || x2 == 0.0 {
        return (f64::NAN, f64::NAN);
    }
    let (centre, half) = ((x1 / n1 / (x2 / n2)).ln(), z * (1.0 / x1 - 1.0 / n1 + 1.0 / x2 - 1.0 / n2).max(0.0).sqrt());
    ((centre - half).exp(), (centre + half).exp())
}

/// The ratios at which a statistic that falls with the ratio is 1 and −1.
fn inverted(pair: Pair, statistic: impl Fn(f64) -> f64) -> (f64, f64) {
    let [x1, n1, x2, n2] = pair.counts();
    let on_log = |u: f64| bounded(statistic(u.exp()));
    // A start inside the interval.
    let start = ((x1 + 0.5) / (n1 + 0.5) / ((x2 + 0.5) / (n2 + 0.5))).ln();
    let start = if x1 > 0.0 && x2 > 0.0 { (x1 / n1 / (x2 / n2)).ln() } else { start };
    let lower = if x1 == 0.0 { 0.0 } else { outward(start, -1.0, |u| on_log(u) - 1.0).exp() };
    let upper = if x2 == 0.0 { f64::INFINITY } else { outward(start, 1.0, |u| on_log(u) + 1.0).exp() };
    (lower, upper)
}
