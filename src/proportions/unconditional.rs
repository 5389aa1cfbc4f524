//! Regions of tables of two binomial counts, and their largest probability over the proportion that a hypothesis leaves open.

use super::proportion::Proportion;
use super::score::{Effect, Pair};
use crate::dist::binomial::probability;

/// Patients of both groups up to whom exact unconditional methods are computed.
pub(crate) const LARGEST: usize = 4000;

/// Statistics that are equal in exact arithmetic differ by no more than this, relatively.
const EQUAL: f64 = 1e-9;

/// Tables (a, b) of n₁ and n₂ trials: for each a the counts b as runs, ends included.
pub(super) struct Region {
    sizes: [usize; 2],
    runs: Vec<Vec<(usize, usize)>>,
}

impl Region {
    /// The tables of which `inside` is true, where more in the first group and fewer in the second never lead out of it.
    pub fn growing(pair: Pair, inside: impl Fn(Pair) -> bool) -> Self {
        let sizes = [pair.first.of, pair.second.of];
        let mut runs = Vec::with_capacity(sizes[0] + 1);
        // The number of counts b that are inside, which grows with a.
        let mut counts = 0;
        for a in 0..=sizes[0] {
            while counts <= sizes[1] && inside(table(sizes, a, counts)) {
                counts += 1;
            }
            runs.push(if counts == 0 { vec![] } else { vec![(0, counts - 1)] });
        }
        Self { sizes, runs }
    }

    /// The tables of which `inside` is true, whatever their shape.
    pub fn any(pair: Pair, inside: impl Fn(usize, usize) -> bool) -> Self {
        let sizes = [pair.first.of, pair.second.of];
        let runs = (0..=sizes[0]).map(|a| {
            let mut runs: Vec<(usize, usize)> = vec![];
            for b in (0..=sizes[1]).filter(|&b| inside(a, b)) {
                match runs.last_mut() {
                    Some(last) if last.1 + 1 == b => last.1 = b,
                    _ => runs.push((b, b)),
                }
            }
            runs
        });
        Self { runs: runs.collect(), sizes }
    }

    /// This region, which lies where the first group has more, and that of `other` with the groups exchanged.
    pub fn and_exchanged(mut self, other: Region) -> Self {
        for (b, runs) in other.runs.into_iter().enumerate() {
            for a in runs.into_iter().flat_map(|(from, to)| from..=to) {
                let here = &mut self.runs[a];
                match here.iter_mut().find(|run| run.0 <= b && b <= run.1 + 1) {
                    Some(run) => run.1 = run.1.max(b),
                    None => here.push((b, b)),
                }
            }
        }
        self
    }

    /// The probability of the region.
    fn probability(&self, p: [f64; 2]) -> f64 {
        let (from, first) = probabilities(self.sizes[0], p[0]);
        let below = Below::of(self.sizes[1], p[1]);
        first.iter().enumerate().map(|(k, weight)| weight * self.runs[from + k].iter().map(|&run| below.of_run(run)).sum::<f64>()).sum()
    }

    /// The largest probability over the second proportion where the effect is θ; no more than is needed to tell on which side
    /// of `bound` it lies, if there is one.
    pub fn largest(&self, effect: Effect, theta: f64, bound: Option<f64>) -> f64 {
        let (low, high) = effect.range(theta);
        let at = |p: f64| self.probability([effect.first(p, theta), p]);
        let decided = |value: f64| bound.is_some_and(|bound| value > bound);
        if high <= low {
            return at(low);
        }
        // Peaks are no narrower than the distribution of a proportion; closer together near the ends, where that is narrow.
        let n = (self.sizes[0] + self.sizes[1]) as f64;
        let pieces = ((6.0 * n.sqrt()) as usize).clamp(40, 400);
        let place = |i: f64| low + (high - low) * (0.5 - 0.5 * (std::f64::consts::PI * i / pieces as f64).cos());
        let mut values = Vec::with_capacity(pieces + 1);
        for i in 0..=pieces {
            let value = at(place(i as f64));
            if decided(value) {
                return value;
            }
            values.push(value);
        }
        let highest = values.iter().copied().fold(0.0, f64::max);
        if bound.is_some_and(|bound| highest < 0.9 * bound) {
            return highest;
        }
        let peak =
            |&i: &usize| values[i] > 0.9 * highest && (i == 0 || values[i] >= values[i - 1]) && (i == pieces || values[i] >= values[i + 1]);
        let mut peaks: Vec<usize> = (0..=pieces).filter(peak).collect();
        peaks.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let mut best = highest;
        // Which side of a bound it is on takes fewer digits than the value itself.
        let flat = if bound.is_some() { 1e-9 } else { 1e-14 };
        for &i in peaks.iter().take(4) {
            let (from, to) = (i.saturating_sub(1) as f64, (i + 1).min(pieces) as f64);
            best = best.max(maximum(from, to, flat, |i| at(place(i))));
            if decided(best) {
                return best;
            }
        }
        best
    }
}

/// A table of counts a and b.
pub(super) fn table(sizes: [usize; 2], a: usize, b: usize) -> Pair {
    Pair::new(Proportion { met: a, of: sizes[0] }, Proportion { met: b, of: sizes[1] })
}

/// The probabilities of a binomial count from the first count on that matters.
fn probabilities(n: usize, p: f64) -> (usize, Vec<f64>) {
    const NEGLIGIBLE: f64 = 1e-22;
    let q = 1.0 - p;
    let mode = (((n + 1) as f64 * p) as usize).min(n);
    let top = probability(mode, n, p, q);
    let (mut below, mut above) = (vec![], vec![top]);
    let mut value = top;
    for k in (0..mode).rev() {
        value *= (k + 1) as f64 * q / ((n - k) as f64 * p);
        if value < NEGLIGIBLE {
            break;
        }
        below.push(value);
    }
    value = top;
    for k in mode..n {
        value *= (n - k) as f64 * p / ((k + 1) as f64 * q);
        if value < NEGLIGIBLE {
            break;
        }
        above.push(value);
    }
    let from = mode - below.len();
    below.reverse();
    below.append(&mut above);
    (from, below)
}

/// Sums of the probabilities of a binomial count, from below and from above so that neither tail is rounded away.
struct Below {
    from: usize,
    /// P(X < from + k).
    lower: Vec<f64>,
    /// P(X ≥ from + k).
    upper: Vec<f64>,
}

impl Below {
    fn of(n: usize, p: f64) -> Self {
        let (from, values) = probabilities(n, p);
        let mut lower = vec![0.0; values.len() + 1];
        let mut upper = vec![0.0; values.len() + 1];
        for k in 0..values.len() {
            lower[k + 1] = lower[k] + values[k];
        }
        for k in (0..values.len()).rev() {
            upper[k] = upper[k + 1] + values[k];
        }
        Self { from, lower, upper }
    }

    /// P(from ≤ X ≤ to).
    fn of_run(&self, (from, to): (usize, usize)) -> f64 {
        let last = self.lower.len() - 1;
        let place = |k: usize| k.saturating_sub(self.from).min(last);
        let (a, b) = (place(from), place(to + 1));
        if self.lower[b] < 0.5 { self.lower[b] - self.lower[a] } else { self.upper[a] - self.upper[b] }
    }
}

/// The largest value of a function with one peak in a bracket, by golden sections.
fn maximum(mut low: f64, mut high: f64, flat: f64, f: impl Fn(f64) -> f64) -> f64 {
    const SECTION: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (high - SECTION * (high - low), low + SECTION * (high - low));
    let (mut fa, mut fb) = (f(a), f(b));
    let mut best = f(low).max(f(high)).max(fa).max(fb);
    // A peak is flat: half the digits of its place give all of its height.
    for _ in 0..45 {
        if fa > fb {
            (high, b, fb) = (b, a, fa);
            a = high - SECTION * (high - low);
            fa = f(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + SECTION * (high - low);
            fb = f(b);
        }
        best = best.max(fa).max(fb);
        if (fa - fb).abs() <= flat * best && high - low < 0.05 {
            break;
        }
    }
    best
}

/// The tables whose statistic against θ is at least the observed one's.
pub(super) fn score_at_least(pair: Pair, effect: Effect, theta: f64, least: f64) -> Region {
    let least = least - EQUAL * (1.0 + least.abs());
    Region::growing(pair, |other| effect.score(other, theta) >= least)
}

/// The tables whose statistic against θ is as far from zero as the observed one's, in either direction.
pub(super) fn score_as_far(pair: Pair, effect: Effect, theta: f64, distance: f64) -> Region {
    let least = distance.abs() - EQUAL * (1.0 + distance.abs());
    let more = Region::growing(pair, |other| effect.score(other, theta) >= least);
    let fewer = Region::growing(pair.exchanged(), |other| effect.score(other.exchanged(), theta) <= -least);
    more.and_exchanged(fewer)
}

/// The tables whose difference is at least the observed one's.
pub(super) fn difference_at_least(pair: Pair) -> Region {
    let scaled = |of: Pair| of.first.met as i64 * of.second.of as i64 - of.second.met as i64 * of.first.of as i64;
    let observed = scaled(pair);
    Region::growing(pair, |other| scaled(other) >= observed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_has_probability_one_and_runs_add_up() {
        let pair = table([30, 41], 3, 5);
        for p in [[0.0, 0.3], [0.2, 0.9], [1.0, 1.0], [0.5, 1e-9]] {
            let all = Region::any(pair, |_, _| true).probability(p);
            assert!((all - 1.0).abs() < 1e-13, "{p:?}: {all}");
            let odd = Region::any(pair, |a, b| (a * b) % 2 == 1).probability(p);
            let even = Region::any(pair, |a, b| (a * b) % 2 == 0).probability(p);
            assert!((odd + even - 1.0).abs() < 1e-13, "{p:?}");
        }
    }

    #[test]
    fn regions_walked_are_those_enumerated() {
        let pair = table([13, 9], 6, 2);
        for theta in [-0.4, -0.1, 0.0, 0.2, 0.6] {
            let observed = Effect::Difference.score(pair, theta);
            let score = |a: usize, b: usize| Effect::Difference.score(table([13, 9], a, b), theta);
            let walked = score_at_least(pair, Effect::Difference, theta, observed);
            let listed = Region::any(pair, |a, b| score(a, b) >= observed - 1e-8);
            assert_eq!(walked.runs, listed.runs, "{theta}");
            let walked = score_as_far(pair, Effect::Difference, theta, observed);
            let listed = Region::any(pair, |a, b| score(a, b).abs() >= observed.abs() - 1e-8);
            let p = [0.3 + theta.max(0.0) / 2.0, 0.3];
            assert!((walked.probability(p) - listed.probability(p)).abs() < 1e-14, "{theta}");
        }
    }
}
