//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// 1/√2 − `FRAC_1_SQRT_2`, what the constant lacks.
const FRAC_1_SQRT_2_LOW: f64 = -4.833_646_656_726_457e-17;

/// The density φ(x).
pub fn pdf(x: f64) -> f64 {
    // x² is split so that its rounding does not show in far tails.
    let square = x * x;
    if square.is_infinite() {
        return 0.0;
    }
    let low = x.mul_add(x, -square);
    (-0.5 * square).exp() * (-0.5 * low).exp() / (2.0 * PI).sqrt()
}

/// The probability Φ(x) of a value at most x.
///
/// ```
/// assert!((trialstats::dist::normal::cdf(1.959963984540054) - 0.975).abs() < 1e-15);
/// ```
pub fn cdf(x: f64) -> f64 {
    sf(-x)
}

/// The probability 1 − Φ(x) of a value above x, with full relative accuracy in the tail: ½ erfc(x/√2).
pub fn sf(x: f64) -> f64 {
    let z = x * FRAC_1_SQRT_2;
    let tail = 0.5 * libm::erfc(z);
    if !(1.0..40.0).contains(&x) {
        return tail;
    }
    // erfc magnifies the rounding of x/√2 by 2z²; one step along its derivative takes it back.
    let rounding = x.mul_add(FRAC_1_SQRT_2, -z) + x * FRAC_1_SQRT_2_LOW;
    tail - rounding * pdf(x) * std::f64::consts::SQRT_2
}

/// The x with Φ(x) = `p`; −∞ at 0, ∞ at 1, NaN outside \[0, 1\].
///
/// statrs' inverse of erfc, good to about nine digits, refined by Halley's method on [`sf`].
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p > 0.5 { upper_quantile(1.0 - p) } else { 0.0 - upper_quantile(p) }
}

/// The x ≥ 0 with 1 − Φ(x) = `q` ≤ ½.
pub(super) fn upper_quantile(q: f64) -> f64 {
    if q == 0.0 {
        return f64::INFINITY;
    }
    let mut x = std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * q);
    for _ in 0..3 {
        // Near the centre the difference of areas is taken from the centre, where nothing cancels.
        let difference = if x.abs() < 0.5 { (0.5 - q) - central(x) } else { sf(x) - q };
        let newton = difference / pdf(x);
        x += newton / (1.0 - 0.5 * x * newton);
    }
    x
}

/// Φ(x) − ½.
fn central(x: f64) -> f64 {
    0.5 * libm::erf(x * FRAC_1_SQRT_2)
}
