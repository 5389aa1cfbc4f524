//! Confidence intervals for one proportion.

use super::proportion::{Measure, Proportion, deviate};
use super::root::root;
use crate::dist::binomial::{beta_quantile, tails};
use crate::dist::normal;
use crate::error::Result;
use crate::options::choices;

/// How an interval for one proportion is made, from x of n with p̂ = x/n, q̂ = 1 − p̂ and the normal deviate z.
///
/// Limits outside \[0, 1\] are set to its ends. The names are those of SAS's PROC FREQ and of Newcombe 1998, *Statistics in
/// Medicine* 17:857–872, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProportionMethod {
    /// p̂ ± z √(p̂q̂/n).
    Wald,
    /// p̂ ± (z √(p̂q̂/n) + 1/2n).
    WaldCorrected,
    /// The p with |p̂ − p| = z √(pq/n) (Wilson 1927): [`Proportion::wilson`].
    Wilson,
    /// The p with |p̂ − p| − 1/2n = z √(pq/n).
    WilsonCorrected,
    /// Wald's interval at the centre of Wilson's: p̃ = (x + z²/2)/(n + z²) with n + z² (Agresti and Coull 1998, *American
    /// Statistician* 52:119–126).
    AgrestiCoull,
    /// Quantiles of the beta distribution with shapes x + ½ and n − x + ½; 0 where x = 0, 1 where x = n (Brown, Cai and
    /// DasGupta 2001, *Statistical Science* 16:101–133).
    Jeffreys,
    /// Tails of α/2 each of the binomial distribution (Clopper and Pearson 1934, *Biometrika* 26:404–413).
    ClopperPearson,
    /// As Clopper and Pearson, with half the probability of the observed count in each tail.
    MidP,
    /// The p that Blaker's test, of which the tails are joined by their probability, does not reject (Blaker 2000, *Canadian
    /// Journal of Statistics* 28:783–798): inside the interval of Clopper and Pearson, and exact as well.
    Blaker,
    /// log(p̂/q̂) ± z √(n/(x(n − x))), transformed back; not defined where x = 0 or x = n.
    Logit,
    /// The p with 2(ℓ(p̂) − ℓ(p)) = z².
    LikelihoodRatio,
}

choices! {
    ProportionMethod, "interval for a proportion":
    Wald = "wald", [], "Wald";
    WaldCorrected = "wald-corrected", [], "Wald, continuity-corrected";
    Wilson = "wilson", ["score"], "Wilson (score)";
    WilsonCorrected = "wilson-corrected", [], "Wilson, continuity-corrected";
    AgrestiCoull = "agresti-coull", [], "Agresti–Coull";
    Jeffreys = "jeffreys", [], "Jeffreys";
    ClopperPearson = "clopper-pearson", ["exact"], "Clopper–Pearson (exact)";
    MidP = "mid-p", ["midp"], "Mid-p";
    Blaker = "blaker", [], "Blaker (exact)";
    Logit = "logit", [], "Logit";
    LikelihoodRatio = "likelihood-ratio", ["lr"], "Likelihood ratio";
}

impl Proportion {
    /// The share with a confidence interval.
    ///
    /// NaN of nobody, and for the limits of a method that is not defined for these counts.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if `level` is not between 0 and 1.
    ///
    /// ```
    /// use trialstats::proportions::{Proportion, ProportionMethod};
    /// let exact = Proportion::new(36, 154)?.interval(ProportionMethod::ClopperPearson, 0.95)?;
    /// assert_eq!(format!("{:.4} {:.4}", exact.lower, exact.upper), "0.1694 0.3086");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn interval(self, method: ProportionMethod, level: f64) -> Result<Measure> {
        let z = deviate(level)?;
        let estimate = self.share();
        if self.of == 0 {
            return Ok(Measure::new(estimate, f64::NAN, f64::NAN));
        }
        let (lower, upper) = limits(self, method, z, 1.0 - level);
        // NaN stays what it is.
        let within = |limit: f64, low: f64, high: f64| if limit.is_nan() { limit } else { limit.clamp(low, high) };
        Ok(Measure::new(estimate, within(lower, 0.0, estimate), within(upper, estimate, 1.0)))
    }
}

fn limits(of: Proportion, method: ProportionMethod, z: f64, alpha: f64) -> (f64, f64) {
    let (x, n, p) = (of.met as f64, of.of as f64, of.share());
    let q = 1.0 - p;
    let wald = z * (p * q / n).sqrt();
    match method {
        ProportionMethod::Wald => (p - wald, p + wald),
        ProportionMethod::WaldCorrected => (p - wald - 0.5 / n, p + wald + 0.5 / n),
        ProportionMethod::Wilson => {
            let wilson = of.score_interval(z);
            (wilson.lower, wilson.upper)
        }
        ProportionMethod::WilsonCorrected => wilson_corrected(of, z),
        ProportionMethod::AgrestiCoull => {
            let total = n + z * z;
            let centre = (x + 0.5 * z * z) / total;
            let half = z * (centre * (1.0 - centre) / total).sqrt();
            (centre - half, centre + half)
        }
        ProportionMethod::Jeffreys => {
            let quantile = |tail: f64| beta_quantile(tail, x + 0.5, n - x + 0.5);
            (if of.met == 0 { 0.0 } else { quantile(0.5 * alpha) }, if of.met == of.of { 1.0 } else { quantile(1.0 - 0.5 * alpha) })
        }
        ProportionMethod::ClopperPearson => clopper_pearson(of, alpha),
        ProportionMethod::MidP => mirrored(of, |of| mid_p_lower(of, alpha)),
        ProportionMethod::Blaker => mirrored(of, |of| blaker_lower(of, alpha)),
        ProportionMethod::Logit => {
            let (centre, half) = ((x / (n - x)).ln(), z * (n / (x * (n - x))).sqrt());
            let share = |u: f64| if half.is_finite() { 1.0 / (1.0 + (-u).exp()) } else { f64::NAN };
            (share(centre - half), share(centre + half))
        }
        ProportionMethod::LikelihoodRatio => mirrored(of, |of| likelihood_lower(of, z)),
    }
}

/// The limits of Newcombe's method 4.
pub(super) fn wilson_corrected(of: Proportion, z: f64) -> (f64, f64) {
    let (x, n) = (of.met as f64, of.of as f64);
    let (q, z2) = (1.0 - of.share(), z * z);
    let p = of.share();
    let root = |sign: f64| z * (z2 - sign * 2.0 - 1.0 / n + 4.0 * p * (n * q + sign)).max(0.0).sqrt();
    let lower = (2.0 * x + z2 - 1.0 - root(1.0)) / (2.0 * (n + z2));
    let upper = (2.0 * x + z2 + 1.0 + root(-1.0)) / (2.0 * (n + z2));
    (if of.met == 0 { 0.0 } else { lower.max(0.0) }, if of.met == of.of { 1.0 } else { upper.min(1.0) })
}

pub(super) fn clopper_pearson(of: Proportion, alpha: f64) -> (f64, f64) {
    mirrored(of, |of| beta_quantile(0.5 * alpha, of.met as f64, (of.of - of.met + 1) as f64))
}

/// Both limits from a function for the lower one; 0 where nobody is.
fn mirrored(of: Proportion, lower: impl Fn(Proportion) -> f64) -> (f64, f64) {
    let limit = |of: Proportion| if of.met == 0 { 0.0 } else { lower(of) };
    (limit(of), 1.0 - limit(Proportion { met: of.of - of.met, of: of.of }))
}

/// P(X ≥ x) of a proportion p.
fn at_least(of: Proportion, p: f64) -> f64 {
    tails(of.met - 1, of.of, p, 1.0 - p).1
}

fn mid_p_lower(of: Proportion, alpha: f64) -> f64 {
    // P(X > x) + ½ P(X = x), the mean of the two tails.
    let tail = |p: f64| 0.5 * (at_least(of, p) + tails(of.met, of.of, p, 1.0 - p).1);
    // Where everybody is, the whole tail is one probability.
    if of.met == of.of {
        return alpha.powf(1.0 / of.of as f64);
    }
    root(0.0, of.share(), |p| tail(p) - 0.5 * alpha)
}

fn likelihood_lower(of: Proportion, z: f64) -> f64 {
    let (x, n, estimate) = (of.met as f64, of.of as f64, of.share());
    let misses = n - x;
    if misses == 0.0 {
        return (-0.5 * z * z / n).exp();
    }
    let distance = |p: f64| 2.0 * (x * (estimate / p).ln() + misses * ((1.0 - estimate) / (1.0 - p)).ln());
    let from = 1e-300;
    root(from, estimate, |p| distance(p) - z * z)
}

/// The smallest p whose acceptability reaches α: P(X ≥ x) joined by the largest lower tail that does not exceed it.
///
/// The acceptability jumps where another count enters the lower tail, to twice P(X ≥ x), which is at least α beyond the limit
/// of Clopper and Pearson. The limit is therefore at the first jump after it, or before that where the sum of the two tails
/// crosses α.
fn blaker_lower(of: Proportion, alpha: f64) -> f64 {
    let start = clopper_pearson(of, alpha).0;
    let below = |k: usize, p: f64| tails(k, of.of, p, 1.0 - p).0;
    // The counts in the lower tail at the start: those of 0 to `inside` − 1.
    let inside = (0..of.met).find(|&k| below(k, start) > at_least(of, start) * (1.0 + 1e-12)).unwrap_or(of.met);
    let end = root(start, of.share(), |p| at_least(of, p) - below(inside, p));
    let end = if end.is_nan() { of.share() } else { end };
    let excess = |p: f64| at_least(of, p) + if inside > 0 { below(inside - 1, p) } else { 0.0 } - alpha;
    let steps = 256;
    let at = |i: usize| start + (end - start) * i as f64 / steps as f64;
    match (1..steps).find(|&i| excess(at(i)) >= 0.0) {
        Some(1) if excess(start) >= 0.0 => start,
        Some(i) => root(at(i - 1), at(i), excess),
        None => end,
    }
}

/// The two-sided p-value of a share against a stated one, from the standard normal deviate.
pub(super) fn two_sided(z: f64) -> f64 {
    (2.0 * normal::sf(z.abs())).min(1.0)
}
