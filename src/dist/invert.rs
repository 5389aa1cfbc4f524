//! Quantiles by inverting a tail probability.

/// The positive x at which the probability `tail(x)` equals `target`, by Newton's method on ln tail as a function of
/// ln x, kept within a bracket.
///
/// `tail` returns the probability and its derivative, and is monotone. Working with logarithms on both axes makes the
/// iteration nearly linear in either tail, so that relative accuracy of the probability becomes relative accuracy of
/// x.
pub(super) fn positive_root(start: f64, target: f64, tail: impl Fn(f64) -> (f64, f64)) -> f64 {
    const STEPS: usize = 400;
    let (mut low, mut high) = (0.0_f64, f64::INFINITY);
    let mut x = if start > 0.0 && start.is_finite() { start } else { 1.0 };
    for _ in 0..STEPS {
        let (p, slope) = tail(x);
        let excess = (p / target).ln();
        if p.is_nan() {
            return f64::NAN;
        }
        let step = (-excess * p / (slope * x)).clamp(-30.0, 30.0);
        if step.abs() <= 2.0 * f64::EPSILON {
            return x;
        }
        // Increasing tails are too large to the right of the root, decreasing ones to the left.
        if (excess > 0.0) == (slope >= 0.0) {
            high = high.min(x)
        } else {
            low = low.max(x)
        }
        if low >= high {
            return x;
        }
        let newton = x * step.exp();
        x = if newton > low && newton < high { newton } else { between(low, high) };
        if x <= low || x >= high {
            return x;
        }
    }
    x
}

/// A point inside the bracket: its geometric middle, or well beyond the end that is known.
fn between(low: f64, high: f64) -> f64 {
    match (low > 0.0, high.is_finite()) {
        (true, true) => low.sqrt() * high.sqrt(),
        (true, false) => (low * 1e3).min(f64::MAX),
        (false, true) => high * 1e-3,
        (false, false) => 1.0,
    }
}
