//! The χ² distribution.

use super::{degrees_of_freedom, invert, normal, special};

/// The density at `x` on `df` > 0 degrees of freedom; at 0 its limit.
pub fn pdf(x: f64, df: f64) -> f64 {
    let df = degrees_of_freedom(df);
    if x.is_nan() || df.is_nan() {
        return f64::NAN;
    }
    if x < 0.0 || x.is_infinite() || df.is_infinite() {
        return 0.0;
    }
    if x == 0.0 {
        return if df < 2.0 {
            f64::INFINITY
        } else if df == 2.0 {
            0.5
        } else {
            0.0
        };
    }
    special::gamma_density(df / 2.0, x / 2.0) / 2.0
}

/// The probability of a value at most `x` on `df` > 0 degrees of freedom.
pub fn cdf(x: f64, df: f64) -> f64 {
    tails(x, df).0
}

/// The probability of a value above `x` on `df` > 0 degrees of freedom, with relative accuracy in the tail.
///
/// ```
/// let p = trialstats::dist::chi_squared::sf(3.841458820694124, 1.0);
/// assert!((p - 0.05).abs() < 1e-15);
/// ```
pub fn sf(x: f64, df: f64) -> f64 {
    tails(x, df).1
}

/// The value that a share `p` stays at or below; NaN unless 0 ≤ p ≤ 1 and `df` > 0.
pub fn quantile(p: f64, df: f64) -> f64 {
    let df = degrees_of_freedom(df);
    if !(0.0..=1.0).contains(&p) || df.is_nan() {
        return f64::NAN;
    }
    if p == 0.0 {
        return 0.0;
    }
    if p == 1.0 || df.is_infinite() {
        return f64::INFINITY;
    }
    // Wilson & Hilferty (1931); where that is not positive, the leading term of the series.
    let spread = 2.0 / (9.0 * df);
    let cube = 1.0 - spread + normal::quantile(p) * spread.sqrt();
    let start = if cube > 0.1 {
        df * cube.powi(3)
    } else {
        2.0 * ((p.ln() + statrs::function::gamma::ln_gamma(df / 2.0 + 1.0)) / (df / 2.0)).exp()
    };
    if p <= 0.5 {
        invert::positive_root(start, p, |x| (cdf(x, df), pdf(x, df)))
    } else {
        invert::positive_root(start, 1.0 - p, |x| (sf(x, df), -pdf(x, df)))
    }
}

fn tails(x: f64, df: f64) -> (f64, f64) {
    let df = degrees_of_freedom(df);
    if x.is_nan() || df.is_nan() {
        return (f64::NAN, f64::NAN);
    }
    if df.is_infinite() {
        return if x == f64::INFINITY { (1.0, 0.0) } else { (0.0, 1.0) };
    }
    special::gamma(df / 2.0, x / 2.0)
}
