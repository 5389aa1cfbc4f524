//! Exact unconditional confidence limits, by inverting tests that hold whatever the second proportion is.

use super::score::{Effect, Pair};
use super::unconditional::{LARGEST, Region, difference_at_least, score_as_far, score_at_least};

/// By what tables are ordered, and whether two one-sided tests are inverted or one two-sided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ordering {
    /// By the score statistic, two one-sided tests at α/2.
    Score,
    /// By the score statistic's distance from zero, one test at α.
    ScoreTwoSided,
    /// By the difference, two one-sided tests at α/2.
    Unstandardised,
}

/// Points at which the p-value is looked at from the lower end of what is possible to the estimate.
const LOOKS: usize = 40;

/// How much closer it is looked at from where the p-value comes near its bound, for few and for many patients.
const CLOSER: [usize; 2] = [32, 12];

/// The smallest and the largest effect that are not rejected; NaN for more patients than [`LARGEST`].
pub(super) fn exact_limits(pair: Pair, effect: Effect, ordering: Ordering, alpha: f64) -> (f64, f64) {
    if pair.first.of + pair.second.of > LARGEST {
        return (f64::NAN, f64::NAN);
    }
    let lower = lower_limit(pair, effect, ordering, alpha);
    // The second against the first: −δ, or 1/θ.
    let mirrored = lower_limit(pair.exchanged(), effect, ordering, alpha);
    let upper = if effect == Effect::Difference { -mirrored } else { 1.0 / mirrored };
    (lower, upper)
}

/// Effects on a scale from 0 to 1, the lower end of what is possible to the estimate.
fn placed(effect: Effect, estimate: f64, at: f64) -> f64 {
    match effect {
        Effect::Difference => -1.0 + (estimate + 1.0) * at,
        // Positive numbers by x/(1 + x), so that an infinite estimate has its place.
        _ => {
            let end = if estimate.is_infinite() { 1.0 } else { estimate / (1.0 + estimate) };
            end * at / (1.0 - end * at)
        }
    }
}

/// The smallest effect that is not rejected. The p-value rises towards the estimate, but falls each time a table leaves the
/// region, so that it may pass the bound, fall below and pass it again: it is looked at closely from where it is half the
/// bound, and the first passage counts.
fn lower_limit(pair: Pair, effect: Effect, ordering: Ordering, alpha: f64) -> f64 {
    let estimate = match effect {
        Effect::Difference => pair.first.share() - pair.second.share(),
        _ => pair.first.share() / pair.second.share(),
    };
    let end = placed(effect, estimate, 0.0);
    if estimate.is_nan() || estimate == end || pair.first.met == 0 && effect != Effect::Difference {
        return end;
    }
    let bound = if ordering == Ordering::ScoreTwoSided { alpha } else { 0.5 * alpha };
    let fixed = (ordering == Ordering::Unstandardised).then(|| difference_at_least(pair));
    let exceeds = |at: f64, bound: f64| {
        let theta = placed(effect, estimate, at);
        let largest = |region: &Region| region.largest(effect, theta, Some(bound)) > bound;
        match (&fixed, ordering) {
            (Some(region), _) => largest(region),
            (None, Ordering::ScoreTwoSided) => largest(&score_as_far(pair, effect, theta, effect.score(pair, theta))),
            (None, _) => largest(&score_at_least(pair, effect, theta, effect.score(pair, theta))),
        }
    };
    if exceeds(0.0, bound) {
        return end;
    }
    // No closer to the estimate than it must be: there everything is accepted.
    let place = |i: f64| i / LOOKS as f64;
    let near = (1..LOOKS).find(|&i| exceeds(place(i as f64), 0.5 * bound)).unwrap_or(LOOKS) - 1;
    let closer = CLOSER[usize::from(pair.first.of + pair.second.of > 100)];
    let fine = |i: usize| place(near as f64 + i as f64 / closer as f64);
    let last = (LOOKS - near) * closer;
    let first = (1..last).find(|&i| exceeds(fine(i), bound)).unwrap_or(last);
    let (mut low, mut high) = (fine(first - 1), fine(first));
    while high - low > 1e-9 {
        let middle = 0.5 * (low + high);
        if exceeds(middle, bound) { high = middle } else { low = middle }
    }
    placed(effect, estimate, 0.5 * (low + high))
}
