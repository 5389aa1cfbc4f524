//! Two proportions given both margins of their table: the hypergeometric distribution with an odds ratio, on which Fisher's
//! test and the exact intervals for the odds ratio rest.

use super::root::outward;
use super::score::Pair;

/// Two probabilities of tables that are equal in exact arithmetic differ by rounding; R's `fisher.test` allows as much.
const EQUAL: f64 = 1.0 + 1e-7;

/// The first group's count given all margins.
pub(super) struct Conditional {
    /// The smallest count that the margins allow.
    from: usize,
    /// The observed count's place, counted from the smallest.
    observed: usize,
    /// The logarithms of the counts' probabilities at an odds ratio of 1, up to a constant.
    log_weights: Vec<f64>,
}

impl Conditional {
    pub fn of(pair: Pair) -> Self {
        let (n1, n2, events) = (pair.first.of, pair.second.of, pair.first.met + pair.second.met);
        let from = events.saturating_sub(n2);
        let to = events.min(n1);
        let mut log_weights = Vec::with_capacity(to - from + 1);
        let mut weight = 0.0;
        log_weights.push(weight);
        for k in from..to {
            weight += ((n1 - k) as f64 * (events - k) as f64 / ((k + 1) as f64 * (n2 + k + 1 - events) as f64)).ln();
            log_weights.push(weight);
        }
        Self { from, observed: pair.first.met - from, log_weights }
    }

    /// Whether the margins allow one table only.
    pub fn is_fixed(&self) -> bool {
        self.log_weights.len() < 2
    }

    /// The probabilities of the counts at an odds ratio, from the smallest count on.
    fn probabilities(&self, log_odds_ratio: f64) -> Vec<f64> {
        let at = |(k, w): (usize, &f64)| w + k as f64 * log_odds_ratio;
        let highest = self.log_weights.iter().enumerate().map(at).fold(f64::NEG_INFINITY, f64::max);
        let mut p: Vec<f64> = self.log_weights.iter().enumerate().map(|kw| (at(kw) - highest).exp()).collect();
        let sum: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= sum);
        p
    }

    /// P(X ≥ x) and P(X ≤ x) with `weight` of the probability of x itself.
    fn tails(&self, log_odds_ratio: f64, weight: f64) -> (f64, f64) {
        let p = self.probabilities(log_odds_ratio);
        let here = weight * p[self.observed];
        (p[self.observed + 1..].iter().sum::<f64>() + here, p[..self.observed].iter().sum::<f64>() + here)
    }

    /// The odds ratios at which the tails are α/2.
    pub fn limits(&self, alpha: f64, weight: f64) -> (f64, f64) {
        if self.is_fixed() {
            return (0.0, f64::INFINITY);
        }
        let last = self.log_weights.len() - 1;
        let half = 0.5 * alpha;
        // At the two ends half a point's probability can itself be all there is below a tail.
        let lower = |u: f64| self.tails(u, weight).0 - half;
        let upper = |u: f64| self.tails(u, weight).1 - half;
        let search = |f: &dyn Fn(f64) -> f64, sign: f64| {
            // A start at which the tail is above α/2, whichever way that lies.
            let start = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0].into_iter().map(|u: f64| -sign * u).find(|&u| f(u) > 0.0);
            start.map_or(f64::NAN, |start| outward(start, sign, f).exp())
        };
        (
            if self.observed == 0 { 0.0 } else { search(&lower, -1.0) },
            if self.observed == last { f64::INFINITY } else { search(&upper, 1.0) },
        )
    }

    /// The odds ratio at which the expected count is the observed one.
    pub fn most_likely(&self) -> f64 {
        let last = self.log_weights.len() - 1;
        match self.observed {
            _ if self.is_fixed() => f64::NAN,
            0 => 0.0,
            observed if observed == last => f64::INFINITY,
            observed => {
                let excess = |u: f64| self.probabilities(u).iter().enumerate().map(|(k, p)| k as f64 * p).sum::<f64>() - observed as f64;
                let (low, high) = (outward(0.0, -1.0, excess), outward(0.0, 1.0, excess));
                let found = if excess(0.0) == 0.0 {
                    0.0
                } else if low.is_nan() {
                    high
                } else {
                    low
                };
                found.exp()
            }
        }
    }

    /// Fisher's p-values at an odds ratio of 1.
    pub fn fisher(&self) -> Fisher {
        let p = self.probabilities(0.0);
        let here = p[self.observed];
        let greater = p[self.observed..].iter().sum::<f64>().min(1.0);
        let less = p[..=self.observed].iter().sum::<f64>().min(1.0);
        let two_sided = p.iter().filter(|&&p| p <= here * EQUAL).sum::<f64>().min(1.0);
        Fisher { here, less, greater, two_sided }
    }

    /// Two-sided p-values by probability of every count that the margins allow, with the smallest count.
    pub fn two_sided_of_all(&self) -> (usize, Vec<f64>) {
        let p = self.probabilities(0.0);
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
        let mut values = vec![0.0; p.len()];
        let (mut sum, mut next) = (0.0, 0);
        for &k in &order {
            while next < order.len() && p[order[next]] <= p[k] * EQUAL {
                sum += p[order[next]];
                next += 1;
            }
            values[k] = sum;
        }
        (self.from, values)
    }

    /// P(X ≥ x) of the observed count at an odds ratio of 1.
    pub fn greater(&self) -> f64 {
        self.tails(0.0, 1.0).0
    }
}

/// Fisher's p-values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fisher {
    /// The probability of the observed table.
    pub here: f64,
    /// P(X ≤ x).
    pub less: f64,
    /// P(X ≥ x).
    pub greater: f64,
    /// The sum over tables that are no more probable than the observed one.
    pub two_sided: f64,
}
