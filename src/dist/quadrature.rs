//! Integrals of smooth functions by Gauss and Legendre's rule.

/// Nodes and weights on (−1, 1).
pub(crate) struct Rule {
    nodes: Vec<(f64, f64)>,
}

/// The rule of 24 points.
pub(crate) fn gauss_legendre() -> Rule {
    const POINTS: usize = 24;
    let n = POINTS as f64;
    let node = |k: usize| {
        // Newton's method on Legendre's polynomial from the usual start.
        let mut x = (std::f64::consts::PI * (k as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 0.0;
        for _ in 0..100 {
            let (mut before, mut value) = (0.0, 1.0);
            for degree in 1..=POINTS {
                let d = degree as f64;
                (before, value) = (value, ((2.0 * d - 1.0) * x * value - (d - 1.0) * before) / d);
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    Rule { nodes: (0..POINTS).map(node).collect() }
}

impl Rule {
    /// Nodes and weights of the rule on `pieces` equal parts of (`low`, `high`).
    pub fn on(&self, low: f64, high: f64, pieces: usize) -> impl Iterator<Item = (f64, f64)> + '_ {
        let half = 0.5 * (high - low) / pieces as f64;
        (0..pieces).flat_map(move |k| {
            let middle = low + (2 * k + 1) as f64 * half;
            self.nodes.iter().map(move |(x, w)| (middle + half * x, half * w))
        })
    }
}

/// The integral from `low` to `high`, piece by piece.
pub(super) fn composite(rule: &Rule, low: f64, high: f64, pieces: usize, f: impl Fn(f64) -> f64) -> f64 {
    let half = 0.5 * (high - low) / pieces as f64;
    let piece = |k: usize| {
        let middle = low + (2 * k + 1) as f64 * half;
        rule.nodes.iter().map(|(x, w)| w * f(middle + half * x)).sum::<f64>()
    };
    half * (0..pieces).map(piece).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_integrals_are_exact_to_rounding() {
        let rule = gauss_legendre();
        let exact = 2.0_f64.powi(32) / 32.0;
        assert!((composite(&rule, 0.0, 2.0, 1, |x| x.powi(31)) / exact - 1.0).abs() < 1e-13);
        assert!((composite(&rule, 0.0, std::f64::consts::PI, 2, f64::sin) - 2.0).abs() < 1e-13);
    }
}
