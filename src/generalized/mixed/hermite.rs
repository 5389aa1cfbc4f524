//! Gauss and Hermite's rule for the standard normal density.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Nodes and weights of ∫ φ(z) f(z) dz ≈ Σ ω f(z).
#[derive(Debug, Clone)]
pub(in crate::generalized) struct Rule {
    pub nodes: Vec<f64>,
    /// log ω + z²/2: what stands at a node where the integrand is e^(−F) and φ is not taken out of it.
    pub log_weights: Vec<f64>,
}

/// Rules made so far.
static MADE: [OnceLock<Rule>; 202] = [const { OnceLock::new() }; 202];

impl Rule {
    /// The rule of `n` points, made once.
    pub fn of(n: usize) -> Cow<'static, Self> {
        match MADE.get(n) {
            Some(made) => Cow::Borrowed(made.get_or_init(|| Self::made(n))),
            None => Cow::Owned(Self::made(n)),
        }
    }

    /// The rule of `n` points, exact for polynomials of degree 2n − 1. Zeros of the orthonormal polynomial h_n are
    /// isolated from those of h_(n−1), between which they lie, and found by Newton's method; ω = 1/Σ_(k<n) h_k².
    fn made(n: usize) -> Self {
        let n = n.max(1);
        let mut zeros = vec![0.0];
        for degree in 2..=n {
            zeros = zeros_between(degree, &zeros);
        }
        // ω = 1/Σ h_k² = e^(−z²/2)/Σ(h_k e^(−z²/4))².
        let log_weights = zeros.iter().map(|&z| -damped(n, z).2.ln()).collect();
        Self { nodes: zeros, log_weights }
    }
}

/// h_degree and h_(degree−1) at z times e^(−z²/4), and the sum of squares of h_0, …, h_(degree−1) times e^(−z²/2), by
/// √(j+1) h_(j+1) = z h_j − √j h_(j−1).
fn damped(degree: usize, z: f64) -> (f64, f64, f64) {
    let (mut before, mut value, mut squares) = (0.0, (-0.25 * z * z).exp(), 0.0);
    for j in 0..degree {
        squares += value * value;
        (before, value) = (value, (z * value - (j as f64).sqrt() * before) / ((j + 1) as f64).sqrt());
    }
    (value, before, squares)
}

/// The zeros of h_degree in ascending order, given those of the polynomial before it.
fn zeros_between(degree: usize, before: &[f64]) -> Vec<f64> {
    let root = (degree as f64).sqrt();
    let reach = 2.0 * root + 1.0;
    let bounds: Vec<f64> = std::iter::once(-reach).chain(before.iter().copied()).chain([reach]).collect();
    let zero = |(k, pair): (usize, &[f64])| {
        let (mut low, mut high) = (pair[0], pair[1]);
        let sign_at_low = if (degree - k).is_multiple_of(2) { 1.0 } else { -1.0 };
        let mut z = 0.5 * (low + high);
        for _ in 0..100 {
            let (value, previous, _) = damped(degree, z);
            if value * sign_at_low > 0.0 {
                low = z
            } else {
                high = z
            }
            // The slope of h_n is √n h_(n−1).
            let newton = z - value / (root * previous);
            let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
            let done = (next - z).abs() <= 1e-16 * (1.0 + z.abs());
            z = next;
            if done {
                break;
            }
        }
        z
    };
    let mut zeros: Vec<f64> = bounds.windows(2).enumerate().map(zero).collect();
    // Zeros are symmetric; the middle one of an odd number is zero.
    for k in 0..degree / 2 {
        let half = 0.5 * (zeros[degree - 1 - k] - zeros[k]);
        (zeros[k], zeros[degree - 1 - k]) = (-half, half);
    }
    if !degree.is_multiple_of(2) {
        zeros[degree / 2] = 0.0;
    }
    zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_normal_distribution_are_exact() {
        for n in [1, 2, 5, 15, 40, 101] {
            let rule = Rule::of(n);
            let mut moment = 1.0;
            for power in (0..(2 * n).min(20)).step_by(2) {
                if power > 0 {
                    moment *= (power - 1) as f64;
                }
                let at = |k: usize| (rule.log_weights[k] - 0.5 * rule.nodes[k].powi(2)).exp() * rule.nodes[k].powi(power as i32);
                let sum: f64 = (0..n).map(at).sum();
                assert!((sum / moment - 1.0).abs() < 1e-12, "{n} nodes, power {power}: {sum} for {moment}");
            }
        }
    }

    #[test]
    fn nodes_are_those_of_abramowitz_and_stegun() {
        // Handbook of Mathematical Functions, Table 25.10, n = 5, for the weight e^(−x²): x = z/√2, w = ω√π.
        let rule = Rule::of(5);
        let root = std::f64::consts::SQRT_2;
        for (k, x, w) in [
            (2, 0.0, 0.945_308_720_483),
            (3, 0.958_572_464_613_819, 0.393_619_323_152_2),
            (4, 2.020_182_870_456_086, 0.019_953_242_059_046),
        ] {
            assert!((rule.nodes[k] / root - x).abs() < 1e-14);
            let weight = (rule.log_weights[k] - 0.5 * rule.nodes[k].powi(2)).exp() * std::f64::consts::PI.sqrt();
            assert!((weight - w).abs() < 1e-12);
        }
    }
}
