//! Student's t distribution.

use super::{degrees_of_freedom, invert, normal, special};
use std::f64::consts::PI;

/// Degrees of freedom from which t and normal agree to working precision wherever the tail is representable.
const NORMAL: f64 = 1e22;
/// |t| from which t² is not formed.
const FAR: f64 = 1e140;

/// The density at `t` on `df` > 0 degrees of freedom.
pub fn pdf(t: f64, df: f64) -> f64 {
    let df = degrees_of_freedom(df);
    if t.is_nan() || df.is_nan() {
        return f64::NAN;
    }
    if df >= NORMAL {
        return normal::pdf(t);
    }
    if t.abs() > FAR {
        return far_tail(t.abs(), df) * df / (2.0 * t.abs());
    }
    // Loader (2000): Stirling errors and deviances instead of gamma functions.
    let (half, square) = (df / 2.0, t * t);
    let constant = special::stirling_error(half + 0.5) - special::stirling_error(half) - special::deviance(half, half + 0.5);
    let decay = if square > 0.2 * df { half * (square / df).ln_1p() } else { square / 2.0 - special::deviance(half, half + square / 2.0) };
    (constant - decay).exp() / (2.0 * PI * (1.0 + square / df)).sqrt()
}

/// The probability of a value at most `t` on `df` > 0 degrees of freedom; `df` may be infinite.
pub fn cdf(t: f64, df: f64) -> f64 {
    sf(-t, df)
}

/// The probability of a value above `t` on `df` > 0 degrees of freedom; `df` may be infinite.
pub fn sf(t: f64, df: f64) -> f64 {
    if t >= 0.0 { 0.5 * two_sided_p(t, df) } else { 1.0 - 0.5 * two_sided_p(t, df) }
}

/// The two-sided p-value 2·sf(|t|), with relative accuracy however small it is: I_x(df/2, ½) at x = df/(df + t²).
///
/// ```
/// use trialstats::dist::t;
/// assert!((t::two_sided_p(2.0, 10.0) - 0.07338803477074037).abs() < 1e-15);
/// assert!(t::two_sided_p(60.0, 200.0) > 0.0);
/// ```
pub fn two_sided_p(t: f64, df: f64) -> f64 {
    let df = degrees_of_freedom(df);
    if t.is_nan() || df.is_nan() {
        return f64::NAN;
    }
    let t = t.abs();
    if df >= NORMAL {
        return 2.0 * normal::sf(t);
    }
    if t > FAR {
        return far_tail(t, df).min(1.0);
    }
    let (x, y) = beta_arguments(t, df);
    special::beta(df / 2.0, 0.5, x, y).0
}

/// The t with cdf `p`; ∓∞ at 0 and 1, NaN unless 0 ≤ p ≤ 1 and `df` > 0.
pub fn quantile(p: f64, df: f64) -> f64 {
    let df = degrees_of_freedom(df);
    if !(0.0..=1.0).contains(&p) || df.is_nan() {
        return f64::NAN;
    }
    if p > 0.5 { upper_quantile(1.0 - p, p - 0.5, df) } else { 0.0 - upper_quantile(p, 0.5 - p, df) }
}

/// The t ≥ 0 that leaves `q` above it and `centre` = ½ − q between 0 and it.
fn upper_quantile(q: f64, centre: f64, df: f64) -> f64 {
    if df >= NORMAL {
        return normal::upper_quantile(q);
    }
    if centre == 0.0 {
        return 0.0;
    }
    if q == 0.0 {
        return f64::INFINITY;
    }
    let z = normal::upper_quantile(q);
    if centre < 0.25 {
        return invert::positive_root(z, 2.0 * centre, |t| {
            let (x, y) = beta_arguments(t, df);
            (special::beta(df / 2.0, 0.5, x, y).1, 2.0 * pdf(t, df))
        });
    }
    // Either the normal quantile with Fisher & Cornish's first term, or the power tail, whichever is larger.
    let expansion = z + (z * z * z + z) / (4.0 * df);
    let power = df.sqrt() * ((far_tail_log_factor(df) - (2.0 * q).ln()) / df).exp();
    let start = if df > 3.0 && expansion < df.sqrt() { expansion } else { power };
    if start.is_infinite() {
        return f64::INFINITY;
    }
    invert::positive_root(start, q, |t| (sf(t, df), -pdf(t, df)))
}

/// (x, y) = (df/(df + t²), t²/(df + t²)).
fn beta_arguments(t: f64, df: f64) -> (f64, f64) {
    let square = t * t;
    let sum = df + square;
    (df / sum, square / sum)
}

/// The two-sided tail where t² would overflow: its leading term (√df/t)^df / (df/2 · B(df/2, ½)), all others being
/// below rounding.
fn far_tail(t: f64, df: f64) -> f64 {
    (far_tail_log_factor(df) + df * (df.sqrt() / t).ln()).exp()
}

/// −ln(df/2 · B(df/2, ½)).
fn far_tail_log_factor(df: f64) -> f64 {
    let a = df / 2.0;
    statrs::function::gamma::ln_gamma(a + 0.5) - statrs::function::gamma::ln_gamma(a + 1.0) - 0.5 * PI.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_degree_of_freedom_is_cauchy() {
        for t in [-20.0_f64, -1.0, 0.0, 0.3, 2.0, 5e6] {
            // Far out the arctangent of 1/t is the one that cancels nothing.
            let exact = if t > 1.0 {
                1.0 - (1.0 / t).atan() / PI
            } else if t < -1.0 {
                -(1.0 / t).atan() / PI
            } else {
                0.5 + t.atan() / PI
            };
            assert!((cdf(t, 1.0) / exact - 1.0).abs() < 2e-15);
        }
    }

    #[test]
    fn quantile_undoes_cdf_at_any_degrees_of_freedom() {
        for df in [0.05, 0.7, 1.0, 2.5, 30.0, 1e3, 1e7, 1e8, 1e12, 1e21, f64::INFINITY] {
            for p in [1e-12, 0.025, 0.3, 0.4999, 0.5, 0.6, 0.975] {
                assert!((cdf(quantile(p, df), df) / p - 1.0).abs() < 1e-13, "df {df}, p {p}");
            }
        }
    }
}
