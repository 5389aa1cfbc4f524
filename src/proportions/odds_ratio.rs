//! Confidence intervals for the odds ratio of two proportions.

use super::conditional::Conditional;
use super::difference::bounded;
use super::proportion::{Measure, Proportion, deviate};
use super::root::outward;
use super::score::{Effect, Pair};
use crate::error::Result;
use crate::options::choices;

/// How an interval for (p₁/q₁)/(p₂/q₂) is made, from the four cells of the table.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OddsRatioMethod {
    /// log OR ± z √(1/a + 1/b + 1/c + 1/d) (Woolf 1955, *Annals of Human Genetics* 19:251–253). Not defined where a cell is empty.
    Woolf,
    /// The same with ½ added to each cell (Haldane 1956; Gart 1966); the estimate stays that of the cells. SAS's `WALDMODIFIED`.
    WoolfModified,
    /// The odds ratios that the score test with variance inflated by N/(N−1) does not reject (Miettinen and Nurminen 1985,
    /// *Statistics in Medicine* 4:213–226); SAS's `SCORE`.
    MiettinenNurminen,
    /// The same without the inflation (Cornfield 1956, without his correction); SAS's `SCORE(CORRECT=NO)`.
    Score,
    /// The odds ratios that the likelihood-ratio test does not reject.
    LikelihoodRatio,
    /// Exact given both margins, with tails of α/2 each (Cornfield 1956; Thomas 1971); the limits of R's `fisher.test` and of
    /// SAS's `EXACT OR`.
    Exact,
    /// As `Exact`, with half the probability of the observed table in each tail.
    MidP,
}

choices! {
    OddsRatioMethod, "interval for an odds ratio":
    Woolf = "woolf", ["wald", "logit"], "Woolf (logit, Wald)";
    WoolfModified = "woolf-modified", ["wald-modified", "gart"], "Woolf modified (one half added)";
    MiettinenNurminen = "miettinen-nurminen", ["mn"], "Miettinen–Nurminen (score)";
    Score = "score", ["cornfield"], "Score, not inflated";
    LikelihoodRatio = "likelihood-ratio", ["lr"], "Likelihood ratio";
    Exact = "exact", ["conditional-exact", "fisher"], "Conditional exact";
    MidP = "mid-p", ["midp"], "Conditional mid-p";
}

/// The odds ratio with an interval by any method.
///
/// The estimate is ad/(bc). The conditional maximum-likelihood estimate, which R's `fisher.test` prints beside the exact
/// interval, is [`conditional_odds_ratio`]. Limits are 0 or infinite where a cell is empty; NaN stands for what does not exist.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if `level` is not between 0 and 1.
///
/// ```
/// use trialstats::proportions::{OddsRatioMethod, Proportion, odds_ratio_by};
/// // The lady tasting tea, 3 of 4 against 1 of 4: Fagerland, Lydersen and Laake 2017, chapter 4.
/// let mid_p = odds_ratio_by(Proportion::new(3, 4)?, Proportion::new(1, 4)?, OddsRatioMethod::MidP, 0.95)?;
/// assert_eq!(format!("{:.4} {:.4}", mid_p.lower, mid_p.upper), "0.3101 308.5568");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn odds_ratio_by(first: Proportion, second: Proportion, method: OddsRatioMethod, level: f64) -> Result<Measure> {
    let z = deviate(level)?;
    let ([a, b], [c, d]) = (first.cells(), second.cells());
    let estimate = a * d / (b * c);
    if first.of == 0 || second.of == 0 {
        return Ok(Measure::new(estimate, f64::NAN, f64::NAN));
    }
    let (lower, upper) = limits(Pair::new(first, second), method, z, 1.0 - level);
    Ok(Measure::new(estimate, lower, upper))
}

/// The odds ratio that is most likely given both margins: the estimate of R's `fisher.test`. NaN where the margins leave one
/// table only.
pub fn conditional_odds_ratio(first: Proportion, second: Proportion) -> f64 {
    Conditional::of(Pair::new(first, second)).most_likely()
}

fn limits(pair: Pair, method: OddsRatioMethod, z: f64, alpha: f64) -> (f64, f64) {
    let estimate = || {
        let ([a, b], [c, d]) = (pair.first.cells(), pair.second.cells());
        a * d / (b * c)
    };
    match method {
        OddsRatioMethod::Woolf => log_limits(pair, 0.0, z),
        OddsRatioMethod::WoolfModified => log_limits(pair, 0.5, z),
        OddsRatioMethod::MiettinenNurminen => inverted(pair, |theta| Effect::OddsRatio.score(pair, theta) / (z * pair.correction())),
        OddsRatioMethod::Score => inverted(pair, |theta| Effect::OddsRatio.score(pair, theta) / z),
        OddsRatioMethod::LikelihoodRatio => inverted(pair, |theta| Effect::OddsRatio.signed_root(pair, theta, estimate()) / z),
        OddsRatioMethod::Exact => Conditional::of(pair).limits(alpha, 1.0),
        OddsRatioMethod::MidP => Conditional::of(pair).limits(alpha, 0.5),
    }
}

fn log_limits(pair: Pair, added: f64, z: f64) -> (f64, f64) {
    let ([a, b], [c, d]) = (pair.first.cells().map(|n| n + added), pair.second.cells().map(|n| n + added));
    if [a, b, c, d].contains(&0.0) {
        return (f64::NAN, f64::NAN);
    }
    let (centre, half) = ((a * d / (b * c)).ln(), z * (1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d).sqrt());
    ((centre - half).exp(), (centre + half).exp())
}

/// The odds ratios at which a statistic that falls with the odds ratio is 1 and −1.
fn inverted(pair: Pair, statistic: impl Fn(f64) -> f64) -> (f64, f64) {
    let ([a, b], [c, d]) = (pair.first.cells(), pair.second.cells());
    if a + c == 0.0 || b + d == 0.0 {
        return (0.0, f64::INFINITY);
    }
    let on_log = |u: f64| bounded(statistic(u.exp()));
    let added = if [a, b, c, d].contains(&0.0) { 0.5 } else { 0.0 };
    let start = ((a + added) * (d + added) / ((b + added) * (c + added))).ln();
    let lower = if a == 0.0 || d == 0.0 { 0.0 } else { outward(start, -1.0, |u| on_log(u) - 1.0).exp() };
    let upper = if b == 0.0 || c == 0.0 { f64::INFINITY } else { outward(start, 1.0, |u| on_log(u) + 1.0).exp() };
    (lower, upper)
}
