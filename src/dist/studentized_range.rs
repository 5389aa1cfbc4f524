//! The range of k independent standard normal numbers over an independent estimate of their standard deviation: Tukey's
//! comparisons of every two of k means.

use super::{chi_squared, degrees_of_freedom, normal};
use crate::dist::quadrature::{composite, gauss_legendre};

/// P(Q > q) for the range of `groups` means and `df` degrees of freedom of the standard deviation, to about 1e-9.
///
/// ```
/// // Tukey's table: q(.05; 3, 10) = 3.877.
/// assert!((trialstats::dist::studentized_range::sf(3.877, 3, 10.0) - 0.05).abs() < 1e-4);
/// ```
pub fn sf(q: f64, groups: usize, df: f64) -> f64 {
    let df = degrees_of_freedom(df);
    if q.is_nan() || df.is_nan() || groups < 2 {
        return f64::NAN;
    }
    if q <= 0.0 {
        return 1.0;
    }
    if df > 1e6 {
        return range_sf(q, groups);
    }
    over_scale(df, |s| range_sf(q * s, groups)).clamp(0.0, 1.0)
}

/// The mean of f(s) over s = √(χ²_df / df).
pub(super) fn over_scale(df: f64, f: impl Fn(f64) -> f64) -> f64 {
    // Quantiles of χ² at 1e-14 from either end enclose all of its mass.
    let end = |p: f64| (chi_squared::quantile(p, df) / df).sqrt();
    let (low, high) = (end(1e-14).max(0.0), end(1.0 - 1e-14));
    let density = |s: f64| 2.0 * df * s * chi_squared::pdf(df * s * s, df);
    let nodes = gauss_legendre();
    composite(&nodes, low, high, 16, |s| density(s) * f(s))
}

/// P(R > r) for the range of standard normal numbers.
fn range_sf(r: f64, groups: usize) -> f64 {
    if r <= 0.0 {
        return 1.0;
    }
    let k = groups as f64;
    // P(R ≤ r) = k ∫ φ(z) [Φ(z + r) − Φ(z)]^{k−1} dz with z the smallest; the complement is taken within the integral so
    // that small probabilities keep their digits.
    let nodes = gauss_legendre();
    let missed = |z: f64| {
        let inside = normal::sf(z) - normal::sf(z + r);
        let above = normal::sf(z);
        normal::pdf(z) * difference_of_powers(above, inside, groups - 1)
    };
    (k * composite(&nodes, -9.0, 9.0, 18, missed)).clamp(0.0, 1.0)
}

/// a^n − b^n without cancellation of the leading digits.
fn difference_of_powers(a: f64, b: f64, n: usize) -> f64 {
    (a - b) * (0..n).map(|k| a.powi((n - 1 - k) as i32) * b.powi(k as i32)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Upper 5 % and 1 % points of Harter (1960, Annals of Mathematical Statistics 31:1122–1147).
    #[test]
    fn tables_of_the_studentized_range_are_met() {
        for (q, groups, df, p) in [
            (3.877, 3, 10.0, 0.05),
            (3.578, 3, 20.0, 0.05),
            (3.633, 4, f64::INFINITY, 0.05),
            (4.102, 5, 30.0, 0.05),
            (4.327, 4, 10.0, 0.05),
            (5.769, 4, 10.0, 0.01),
        ] {
            let ours = sf(q, groups, df);
            assert!((ours - p).abs() < 2e-4, "q({p}; {groups}, {df}) = {q}: {ours}");
        }
    }

    /// With two groups the range is √2 |t|.
    #[test]
    fn two_groups_are_a_t_test() {
        for (t, df) in [(0.3_f64, 3.0), (1.0, 5.5), (2.5, 12.0), (6.0, 40.0), (4.0, 1.0)] {
            let (ours, exact) = (sf(t * std::f64::consts::SQRT_2, 2, df), crate::dist::t::two_sided_p(t, df));
            assert!((ours - exact).abs() < 1e-9 + 1e-7 * exact, "{t} on {df} df: {ours} and {exact}");
        }
        assert!(sf(f64::NAN, 3, 5.0).is_nan() && sf(1.0, 1, 5.0).is_nan() && sf(1.0, 3, -1.0).is_nan());
        assert_eq!((sf(-1.0, 3, 5.0), sf(0.0, 3, 5.0)), (1.0, 1.0));
    }
}
