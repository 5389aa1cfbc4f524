//! Tests of equal proportions.

use super::conditional::Conditional;
use super::proportion::Proportion;
use super::score::{Effect, Pair};
use super::single::two_sided;
use super::unconditional::{LARGEST, Region, score_as_far, score_at_least};
use crate::dist::{chi_squared, normal};
use crate::options::choices;

/// A test of equal proportions.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TestMethod {
    /// Pearson's χ² of the four cells; one-sided by its signed root.
    Pearson,
    /// The same with Yates's correction for continuity: |ad − bc| less N/2, not below zero.
    PearsonCorrected,
    /// Pearson's χ² times (N − 1)/N (E. S. Pearson 1947; Campbell 2007, *Statistics in Medicine* 26:3661–3675), which is SAS's
    /// Mantel–Haenszel χ² and the Cochran–Mantel–Haenszel statistic of one stratum.
    NMinusOne,
    /// The likelihood ratio, 2 Σ observed log(observed/expected).
    LikelihoodRatio,
    /// Fisher's exact test given both margins. Two-sided, the sum over all tables no more probable than the observed one: R,
    /// SAS, Stata.
    Fisher,
    /// Fisher's test with twice the smaller one-sided p-value, no more than 1: the test that agrees with the exact interval
    /// of the odds ratio.
    FisherCentral,
    /// Fisher's test less half the probability of the observed table: SAS's `MIDP`. Not exact.
    FisherMidP,
    /// Barnard's exact unconditional test with tables ordered by the score statistic (pooled variance; Suissa and Shuster 1985,
    /// *JRSS A* 148:317–327), by its distance from zero where two-sided: SAS's `BARNARD`, `z-pooled` elsewhere. Barnard's
    /// own order, CSM, is another.
    Barnard,
    /// Boschloo's exact unconditional test: tables ordered by Fisher's p-value of the same alternative (Boschloo 1970, *Statistica
    /// Neerlandica* 24:1–35). Uniformly more powerful than Fisher's test.
    Boschloo,
}

choices! {
    TestMethod, "test of equal proportions":
    Pearson = "pearson", ["chi-squared", "chi-square"], "Pearson χ²";
    PearsonCorrected = "pearson-corrected", ["yates"], "χ², continuity-corrected";
    NMinusOne = "n-minus-one", ["mantel-haenszel"], "χ², N − 1 (Mantel–Haenszel)";
    LikelihoodRatio = "likelihood-ratio", ["lr", "g"], "Likelihood-ratio χ²";
    Fisher = "fisher", ["fisher-exact"], "Fisher exact (by probability)";
    FisherCentral = "fisher-central", [], "Fisher exact (twice the smaller tail)";
    FisherMidP = "fisher-mid-p", ["mid-p"], "Fisher mid-p";
    Barnard = "barnard", ["z-pooled"], "Barnard exact (score statistic)";
    Boschloo = "boschloo", [], "Boschloo exact";
}

/// What the first proportion is held to be where a test rejects.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Alternative {
    /// p₁ ≠ p₂.
    #[default]
    TwoSided,
    /// p₁ < p₂.
    Less,
    /// p₁ > p₂.
    Greater,
}

choices! {
    Alternative, "alternative":
    TwoSided = "two-sided", [], "the proportions differ";
    Less = "less", [], "the first is smaller";
    Greater = "greater", [], "the first is larger";
}

/// A test's result.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct TestOfEquality {
    /// The test.
    pub method: TestMethod,
    /// Its alternative.
    pub alternative: Alternative,
    /// Its statistic: χ² where two-sided, its signed root where not, the score statistic z of Barnard's test; none of the
    /// others.
    pub statistic: Option<f64>,
    /// The degrees of freedom of χ².
    pub df: Option<f64>,
    /// The p-value; NaN where the test is not defined, or is exact and unconditional with more than 4,000 patients.
    pub p: f64,
}

/// Tests that two proportions are equal.
///
/// Where nobody is in either group, or everybody is, no table is more extreme than the observed one and every p-value is 1.
///
/// ```
/// use trialstats::proportions::{Alternative, Proportion, TestMethod, test_of_equality};
/// // Fisher's tea-drinker.
/// let (first, second) = (Proportion::new(3, 4)?, Proportion::new(1, 4)?);
/// let p = |alternative| test_of_equality(first, second, TestMethod::Fisher, alternative).p;
/// assert_eq!(format!("{:.4} {:.4}", p(Alternative::TwoSided), p(Alternative::Greater)), "0.4857 0.2429");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn test_of_equality(first: Proportion, second: Proportion, method: TestMethod, alternative: Alternative) -> TestOfEquality {
    let result = |statistic, df, p| TestOfEquality { method, alternative, statistic, df, p };
    if first.of == 0 || second.of == 0 {
        return result(None, None, f64::NAN);
    }
    let pair = Pair::new(first, second);
    let approximate = |chi_squared: f64| {
        let z = chi_squared.sqrt().copysign(first.share() - second.share());
        match alternative {
            Alternative::TwoSided => result(Some(chi_squared), Some(1.0), chi_squared::sf(chi_squared, 1.0)),
            Alternative::Less => result(Some(z), None, normal::cdf(z)),
            Alternative::Greater => result(Some(z), None, normal::sf(z)),
        }
    };
    let exact = |p: f64| result(None, None, p.min(1.0));
    match method {
        TestMethod::Pearson => approximate(pearson(pair, 0.0)),
        TestMethod::PearsonCorrected => approximate(pearson(pair, 0.5 * (first.of + second.of) as f64)),
        TestMethod::NMinusOne => approximate(pearson(pair, 0.0) / pair.correction().powi(2)),
        TestMethod::LikelihoodRatio => approximate(likelihood_ratio(pair)),
        TestMethod::Fisher | TestMethod::FisherCentral | TestMethod::FisherMidP => exact(fisher(pair, method, alternative)),
        TestMethod::Barnard => result(Some(Effect::Difference.score(pair, 0.0)), None, barnard(pair, alternative)),
        TestMethod::Boschloo => exact(boschloo(pair, alternative)),
    }
}

/// Pearson's χ² with |ad − bc| less `correction`; 0 where a margin is empty.
fn pearson(pair: Pair, correction: f64) -> f64 {
    let ([a, b], [c, d]) = (pair.first.cells(), pair.second.cells());
    let margins = (a + b) * (c + d) * (a + c) * (b + d);
    let cross = ((a * d - b * c).abs() - correction).max(0.0);
    if margins == 0.0 { 0.0 } else { (a + b + c + d) * cross * cross / margins }
}

fn likelihood_ratio(pair: Pair) -> f64 {
    let [x1, n1, x2, n2] = pair.counts();
    let shared = (x1 + x2) / (n1 + n2);
    let best = Effect::log_likelihood(pair, [x1 / n1, x2 / n2]);
    (2.0 * (best - Effect::log_likelihood(pair, [shared, shared]))).max(0.0)
}

fn fisher(pair: Pair, method: TestMethod, alternative: Alternative) -> f64 {
    let fisher = Conditional::of(pair).fisher();
    let p = match (alternative, method) {
        (Alternative::Less, _) => fisher.less,
        (Alternative::Greater, _) => fisher.greater,
        (Alternative::TwoSided, TestMethod::FisherCentral) => (2.0 * fisher.less.min(fisher.greater)).min(1.0),
        (Alternative::TwoSided, _) => fisher.two_sided,
    };
    if method == TestMethod::FisherMidP { p - 0.5 * fisher.here } else { p }
}

fn too_large(pair: Pair) -> bool {
    pair.first.of + pair.second.of > LARGEST
}

fn barnard(pair: Pair, alternative: Alternative) -> f64 {
    if too_large(pair) {
        return f64::NAN;
    }
    let z = Effect::Difference.score(pair, 0.0);
    let region = match alternative {
        Alternative::TwoSided => score_as_far(pair, Effect::Difference, 0.0, z),
        Alternative::Greater => score_at_least(pair, Effect::Difference, 0.0, z),
        Alternative::Less => score_at_least(pair.exchanged(), Effect::Difference, 0.0, -z),
    };
    region.largest(Effect::Difference, 0.0, None).min(1.0)
}

fn boschloo(pair: Pair, alternative: Alternative) -> f64 {
    const EQUAL: f64 = 1.0 + 1e-7;
    if too_large(pair) {
        return f64::NAN;
    }
    let one_sided = |pair: Pair| {
        let observed = Conditional::of(pair).greater();
        let region = Region::growing(pair, |other| Conditional::of(other).greater() <= observed * EQUAL);
        region.largest(Effect::Difference, 0.0, None)
    };
    match alternative {
        Alternative::Greater => one_sided(pair),
        Alternative::Less => one_sided(pair.exchanged()),
        Alternative::TwoSided => {
            let observed = Conditional::of(pair).fisher().two_sided;
            let of_total = |events: usize| {
                let first = events.min(pair.first.of);
                Conditional::of(super::unconditional::table([pair.first.of, pair.second.of], first, events - first)).two_sided_of_all()
            };
            let all: Vec<(usize, Vec<f64>)> = (0..=pair.first.of + pair.second.of).map(of_total).collect();
            let region = Region::any(pair, |a, b| {
                let (from, values) = &all[a + b];
                values[a - from] <= observed * EQUAL
            });
            region.largest(Effect::Difference, 0.0, None)
        }
    }
    .min(1.0)
}

/// The two-sided p-value of a normal statistic, for tests against a margin.
pub(super) fn p_of(z: f64, alternative: Alternative) -> f64 {
    match alternative {
        Alternative::TwoSided => two_sided(z),
        Alternative::Less => normal::cdf(z),
        Alternative::Greater => normal::sf(z),
    }
}
