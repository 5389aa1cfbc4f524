//! The binomial distribution, and the beta distribution's quantiles that invert it.

use super::special::{beta, deviance, stirling_error};
use std::f64::consts::PI;

/// P(X = k) of n trials with probability p, q = 1 − p given so that neither is rounded away: Loader's saddle-point form.
pub(crate) fn probability(k: usize, n: usize, p: f64, q: f64) -> f64 {
    let (x, m) = (k as f64, n as f64);
    if k > n || p.is_nan() {
        return if p.is_nan() { f64::NAN } else { 0.0 };
    }
    if p <= 0.0 || q <= 0.0 {
        return if k == if p <= 0.0 { 0 } else { n } { 1.0 } else { 0.0 };
    }
    if k == 0 || k == n {
        let ln = |p: f64, q: f64| if p < 0.5 { (-p).ln_1p() } else { q.ln() };
        return (m * if k == 0 { ln(p, q) } else { ln(q, p) }).exp();
    }
    let exponent = stirling_error(m) - stirling_error(x) - stirling_error(m - x) - deviance(x, m * p) - deviance(m - x, m * q);
    (m / (2.0 * PI * x * (m - x))).sqrt() * exponent.exp()
}

/// P(X ≤ k) and P(X > k).
pub(crate) fn tails(k: usize, n: usize, p: f64, q: f64) -> (f64, f64) {
    if k >= n {
        return (1.0, 0.0);
    }
    let (above, up_to) = beta((k + 1) as f64, (n - k) as f64, p, q);
    (up_to, above)
}

/// The x at which the beta distribution with shapes a and b has probability `tail` below it.
pub(crate) fn beta_quantile(tail: f64, a: f64, b: f64) -> f64 {
    // On the scale of log odds, where both ends have room.
    let at = |u: f64| (1.0 / (1.0 + (-u).exp()), 1.0 / (1.0 + u.exp()));
    let excess = |u: f64| {
        let (x, y) = at(u);
        let (lower, upper) = beta(a, b, x, y);
        if tail < 0.5 { (lower / tail).ln().max(-1e3) } else { -(upper / (1.0 - tail)).ln().max(-1e3) }
    };
    let (mut low, mut high) = (-700.0, 700.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if excess(middle) < 0.0 { low = middle } else { high = middle }
    }
    at(0.5 * (low + high)).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_to_the_tails() {
        for (n, p) in [(1, 0.3), (7, 0.01), (40, 0.5), (154, 0.234), (1000, 0.999)] {
            let q = 1.0 - p;
            let mut sum = 0.0;
            for k in 0..=n {
                sum += probability(k, n, p, q);
                let (up_to, above) = tails(k, n, p, q);
                assert!((sum - up_to).abs() < 1e-13, "{n} {p} {k}: {sum} {up_to}");
                assert!((up_to + above - 1.0).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn quantiles_invert_the_distribution() {
        for (a, b) in [(0.5, 10.5), (36.0, 119.0), (2.0, 1.0), (300.0, 0.5), (1.0, 1.0)] {
            for tail in [1e-6, 0.025, 0.4, 0.975, 1.0 - 1e-6] {
                let x = beta_quantile(tail, a, b);
                let (lower, upper) = beta(a, b, x, 1.0 - x);
                let off = if tail < 0.5 { lower / tail - 1.0 } else { upper / (1.0 - tail) - 1.0 };
                // Where x is all but 1, what 1 − x lost is seen in the upper tail.
                let lost = f64::EPSILON / (1.0 - x);
                assert!(off.abs() < 1e-9 + lost, "{a} {b} {tail}: {off}");
            }
        }
        assert!((beta_quantile(0.3, 1.0, 1.0) - 0.3).abs() < 1e-15);
    }
}
