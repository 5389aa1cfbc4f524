//! The F distribution.

use super::{chi_squared, degrees_of_freedom, invert, special};

/// Degrees of freedom from which a χ²/df is its limit 1 to working precision.
const CONSTANT: f64 = 1e22;

/// The density at `x` on `df1` and `df2` > 0 degrees of freedom; 0 outside x > 0.
pub fn pdf(x: f64, df1: f64, df2: f64) -> f64 {
    let (df1, df2) = (degrees_of_freedom(df1), degrees_of_freedom(df2));
    if x.is_nan() || df1.is_nan() || df2.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 || x.is_infinite() {
        return 0.0;
    }
    match (df1 >= CONSTANT, df2 >= CONSTANT) {
        (true, true) => return if x == 1.0 { f64::INFINITY } else { 0.0 },
        (false, true) => return chi_squared::pdf(x * df1, df1) * df1,
        (true, false) => return chi_squared::pdf(df2 / x, df2) * df2 / (x * x),
        (false, false) => {}
    }
    let (lower, upper) = beta_arguments(x, df1, df2);
    special::beta_front(df1 / 2.0, df2 / 2.0, lower, upper) / x
}

/// The probability of a value at most `x` on `df1` and `df2` > 0 degrees of freedom; either may be infinite.
pub fn cdf(x: f64, df1: f64, df2: f64) -> f64 {
    tails(x, df1, df2).0
}

/// The probability of a value above `x` on `df1` and `df2` > 0 degrees of freedom, with relative accuracy in the tail.
///
/// With `df2` infinite this is χ²/df1; with `df1` infinite too, a constant 1.
///
/// ```
/// let p = trialstats::dist::f::sf(4.0, 2.0, 10.0);
/// assert!((p - 0.052922149401344665).abs() < 1e-15);
/// ```
pub fn sf(x: f64, df1: f64, df2: f64) -> f64 {
    tails(x, df1, df2).1
}

/// The value that a share `p` stays at or below; NaN unless 0 ≤ p ≤ 1 and both degrees of freedom are positive.
pub fn quantile(p: f64, df1: f64, df2: f64) -> f64 {
    let (df1, df2) = (degrees_of_freedom(df1), degrees_of_freedom(df2));
    if !(0.0..=1.0).contains(&p) || df1.is_nan() || df2.is_nan() {
        return f64::NAN;
    }
    match (df1 >= CONSTANT, df2 >= CONSTANT) {
        (true, true) => return 1.0,
        (false, true) => return chi_squared::quantile(p, df1) / df1,
        (true, false) => return df2 / chi_squared::quantile(1.0 - p, df2),
        (false, false) => {}
    }
    if p == 0.0 {
        return 0.0;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    let start = chi_squared::quantile(p, df1) / df1;
    if p <= 0.5 {
        invert::positive_root(start, p, |x| (cdf(x, df1, df2), pdf(x, df1, df2)))
    } else {
        invert::positive_root(start, 1.0 - p, |x| (sf(x, df1, df2), -pdf(x, df1, df2)))
    }
}

/// (df1·x/(df1·x + df2), df2/(df1·x + df2)), without overflow.
fn beta_arguments(x: f64, df1: f64, df2: f64) -> (f64, f64) {
    let ratio = x * (df1 / df2);
    (1.0 / (1.0 + 1.0 / ratio), 1.0 / (1.0 + ratio))
}

fn tails(x: f64, df1: f64, df2: f64) -> (f64, f64) {
    let (df1, df2) = (degrees_of_freedom(df1), degrees_of_freedom(df2));
    if x.is_nan() || df1.is_nan() || df2.is_nan() {
        return (f64::NAN, f64::NAN);
    }
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    match (df1 >= CONSTANT, df2 >= CONSTANT) {
        (true, true) => return if x >= 1.0 { (1.0, 0.0) } else { (0.0, 1.0) },
        (false, true) => return (chi_squared::cdf(x * df1, df1), chi_squared::sf(x * df1, df1)),
        (true, false) => return (chi_squared::sf(df2 / x, df2), chi_squared::cdf(df2 / x, df2)),
        (false, false) => {}
    }
    let (lower, upper) = beta_arguments(x, df1, df2);
    special::beta(df1 / 2.0, df2 / 2.0, lower, upper)
}
