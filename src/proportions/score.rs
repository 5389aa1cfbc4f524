//! Two proportions of which a difference, a ratio or an odds ratio is assumed: their maximum-likelihood estimates under that
//! assumption, and the score statistic against it.

use super::proportion::Proportion;
use super::root::root;

/// What compares two proportions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// p₁ − p₂.
    Difference,
    /// p₁ / p₂.
    Ratio,
    /// (p₁/q₁) / (p₂/q₂).
    OddsRatio,
}

/// Two independent binomial counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub first: Proportion,
    pub second: Proportion,
}

impl Pair {
    pub fn new(first: Proportion, second: Proportion) -> Self {
        Self { first, second }
    }

    /// x₁, n₁, x₂, n₂.
    pub fn counts(self) -> [f64; 4] {
        [self.first.met as f64, self.first.of as f64, self.second.met as f64, self.second.of as f64]
    }

    /// The second against the first.
    pub fn exchanged(self) -> Self {
        Self { first: self.second, second: self.first }
    }

    /// √(N/(N − 1)), by which Miettinen and Nurminen widen the standard error.
    pub fn correction(self) -> f64 {
        let n = (self.first.of + self.second.of) as f64;
        (n / (n - 1.0)).sqrt()
    }
}

impl Effect {
    /// p₁ where the effect is θ and the second proportion p₂.
    pub fn first(self, second: f64, theta: f64) -> f64 {
        let p = match self {
            Effect::Difference => second + theta,
            Effect::Ratio => second * theta,
            Effect::OddsRatio => second * theta / (1.0 + second * (theta - 1.0)),
        };
        p.clamp(0.0, 1.0)
    }

    /// The second proportions that are possible where the effect is θ.
    pub fn range(self, theta: f64) -> (f64, f64) {
        match self {
            Effect::Difference => ((-theta).max(0.0), (1.0 - theta).min(1.0)),
            Effect::Ratio => (0.0, if theta > 1.0 { 1.0 / theta } else { 1.0 }),
            Effect::OddsRatio => (0.0, 1.0),
        }
    }

    /// The maximum-likelihood estimates of both proportions where the effect is θ.
    pub fn restricted(self, pair: Pair, theta: f64) -> [f64; 2] {
        let second = match self {
            Effect::Difference => restricted_by_difference(pair, theta),
            Effect::Ratio => restricted_by_ratio(pair, theta),
            Effect::OddsRatio => restricted_by_odds_ratio(pair, theta),
        };
        let (low, high) = self.range(theta);
        let second = second.clamp(low, high);
        [self.first(second, theta), second]
    }

    /// The score statistic against the effect θ: positive where the data have a larger one. Its variance is that under the
    /// hypothesis (Mee 1984; Koopman 1984; Farrington and Manning 1990), without a correction.
    pub fn score(self, pair: Pair, theta: f64) -> f64 {
        let [p1, p2] = self.restricted(pair, theta);
        let [x1, n1, x2, n2] = pair.counts();
        let (v1, v2) = (p1 * (1.0 - p1) / n1, p2 * (1.0 - p2) / n2);
        let (excess, variance) = match self {
            Effect::Difference => (x1 / n1 - x2 / n2 - theta, v1 + v2),
            Effect::Ratio => (x1 / n1 - theta * (x2 / n2), v1 + theta * theta * v2),
            // n₁(p̂₁ − p̃₁) = −n₂(p̂₂ − p̃₂), whose variance is the harmonic sum of those of both counts.
            Effect::OddsRatio => (x1 / n1 - p1, (1.0 / (1.0 / (n1 * n1 * v1) + 1.0 / (n2 * n2 * v2))) / (n1 * n1)),
        };
        // What is left of a difference that is zero in exact arithmetic.
        let excess = if excess.abs() <= 4.0 * f64::EPSILON * (1.0 + theta.abs()) { 0.0 } else { excess };
        if excess == 0.0 { 0.0 } else { excess / variance.max(0.0).sqrt() }
    }

    /// The logarithm of the likelihood of two proportions, without the binomial coefficients.
    pub fn log_likelihood(pair: Pair, [p1, p2]: [f64; 2]) -> f64 {
        let [x1, n1, x2, n2] = pair.counts();
        let term = |count: f64, p: f64| if count == 0.0 { 0.0 } else { count * p.ln() };
        term(x1, p1) + term(n1 - x1, 1.0 - p1) + term(x2, p2) + term(n2 - x2, 1.0 - p2)
    }

    /// The signed root of the likelihood ratio against the effect θ.
    pub fn signed_root(self, pair: Pair, theta: f64, estimate: f64) -> f64 {
        let best = Self::log_likelihood(pair, [pair.first.share(), pair.second.share()]);
        let here = Self::log_likelihood(pair, self.restricted(pair, theta));
        (2.0 * (best - here)).max(0.0).sqrt().copysign(estimate - theta)
    }
}

/// The root of the cubic likelihood equation that is a proportion: Miettinen and Nurminen 1985, *Statistics in Medicine*
/// 4:213–226, doi:10.1002/sim.4780040211, appendix I.
fn restricted_by_difference(pair: Pair, delta: f64) -> f64 {
    let [x1, n1, x2, n2] = pair.counts();
    let (n, c) = (n1 + n2, x1 + x2);
    if delta == 0.0 {
        return c / n;
    }
    let (low, high) = Effect::Difference.range(delta);
    if low >= high {
        return low;
    }
    let l2 = (n1 + 2.0 * n2) * delta - n - c;
    let l1 = (n2 * delta - n - 2.0 * x2) * delta + c;
    let l0 = x2 * delta * (1.0 - delta);
    let cubic = |p: f64| ((n * p + l2) * p + l1) * p + l0;
    // Trigonometric solution, the middle one of three roots.
    let third = l2 / (3.0 * n);
    let q = third.powi(3) - l1 * l2 / (6.0 * n * n) + l0 / (2.0 * n);
    let radius = (third * third - l1 / (3.0 * n)).max(0.0).sqrt().copysign(q);
    let cosine = if radius == 0.0 { 0.0 } else { (q / radius.powi(3)).clamp(-1.0, 1.0) };
    let angle = (std::f64::consts::PI + cosine.acos()) / 3.0;
    let closed = (2.0 * radius * angle.cos() - third).clamp(low, high);
    // Its digits are lost where roots nearly coincide: the cubic falls through its root from plus to minus.
    let reach = 1e-6 * (high - low);
    let (left, right) = ((closed - reach).max(low), (closed + reach).min(high));
    if cubic(left) > 0.0 && cubic(right) < 0.0 { root(left, right, cubic) } else { closed }
}

/// The root of the quadratic likelihood equation (Miettinen and Nurminen 1985, appendix II).
fn restricted_by_ratio(pair: Pair, ratio: f64) -> f64 {
    let [x1, n1, x2, n2] = pair.counts();
    let a = (n1 + n2) * ratio;
    let b = n1 * ratio + x1 + n2 + x2 * ratio;
    let c = x1 + x2;
    2.0 * c / (b + (b * b - 4.0 * a * c).max(0.0).sqrt())
}

/// The root of the quadratic likelihood equation (Miettinen and Nurminen 1985, appendix III).
fn restricted_by_odds_ratio(pair: Pair, odds_ratio: f64) -> f64 {
    let [x1, n1, x2, n2] = pair.counts();
    let c = x1 + x2;
    let a = n2 * (odds_ratio - 1.0);
    let b = n1 * odds_ratio + n2 - c * (odds_ratio - 1.0);
    let root = (b * b + 4.0 * a * c).max(0.0).sqrt();
    // Of the two ways to write the root, the one that adds.
    if b >= 0.0 { 2.0 * c / (b + root) } else { (root - b) / (2.0 * a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(x1: usize, n1: usize, x2: usize, n2: usize) -> Pair {
        Pair::new(Proportion { met: x1, of: n1 }, Proportion { met: x2, of: n2 })
    }

    /// The best of the second proportion by golden-section search.
    fn searched(effect: Effect, of: Pair, theta: f64) -> [f64; 2] {
        let (mut low, mut high) = effect.range(theta);
        let value = |p: f64| Effect::log_likelihood(of, [effect.first(p, theta), p]);
        for _ in 0..200 {
            let (a, b) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
            if value(a) < value(b) { low = a } else { high = b }
        }
        [effect.first(0.5 * (low + high), theta), 0.5 * (low + high)]
    }

    #[test]
    fn restricted_estimates_have_the_highest_likelihood() {
        for (x1, n1, x2, n2) in
            [(36, 154, 12, 77), (0, 10, 3, 12), (10, 10, 0, 8), (1, 1, 0, 1), (5, 9, 9, 9), (0, 7, 0, 9), (400, 900, 2, 5)]
        {
            let of = pair(x1, n1, x2, n2);
            for (effect, thetas) in [
                (Effect::Difference, [-0.95, -0.3, -0.001, 0.0, 0.04, 0.5, 0.99]),
                (Effect::Ratio, [0.01, 0.3, 0.999, 1.0, 1.2, 4.0, 300.0]),
                (Effect::OddsRatio, [0.001, 0.2, 0.999, 1.0, 1.5, 8.0, 500.0]),
            ] {
                for theta in thetas {
                    let (found, held) = (effect.restricted(of, theta), searched(effect, of, theta));
                    let (a, b) = (Effect::log_likelihood(of, found), Effect::log_likelihood(of, held));
                    assert!(a >= b - 1e-9, "{effect:?} {theta} {of:?}: {found:?} has {a}, {held:?} has {b}");
                }
            }
        }
    }

    /// Barnard's condition, on which regions of tables rest: more in the first or fewer in the second never lowers it.
    #[test]
    fn the_score_is_monotone_in_both_counts() {
        for (n1, n2) in [(1, 1), (3, 7), (12, 5), (9, 9)] {
            for (effect, thetas) in [
                (Effect::Difference, [-0.9, -0.2, 0.0, 0.1, 0.7]),
                (Effect::Ratio, [0.05, 0.5, 1.0, 1.3, 20.0]),
                (Effect::OddsRatio, [0.05, 0.5, 1.0, 1.3, 20.0]),
            ] {
                for theta in thetas {
                    for (x1, x2) in (0..=n1).flat_map(|a| (0..=n2).map(move |b| (a, b))) {
                        let here = effect.score(pair(x1, n1, x2, n2), theta);
                        assert!(!here.is_nan(), "{effect:?} {theta} {x1}/{n1} {x2}/{n2}");
                        if x1 < n1 {
                            let more = effect.score(pair(x1 + 1, n1, x2, n2), theta);
                            assert!(more >= here - 1e-9, "{effect:?} {theta} {x1}/{n1} {x2}/{n2}: {here} {more}");
                        }
                        if x2 < n2 {
                            let fewer = effect.score(pair(x1, n1, x2 + 1, n2), theta);
                            assert!(fewer <= here + 1e-9, "{effect:?} {theta} {x1}/{n1} {x2}/{n2}: {here} {fewer}");
                        }
                    }
                }
            }
        }
    }
}
