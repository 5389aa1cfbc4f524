//! The noncentral t distribution: (Z + δ)/√(V/df) with Z standard normal and V an independent χ² on `df` degrees of
//! freedom.

use super::{degrees_of_freedom, normal, special, t};

/// Degrees of freedom from which the denominator is the constant 1 to working precision.
const NORMAL: f64 = 1e22;
/// Largest |t| for which limits of the noncentrality are sought.
const LARGEST_T: f64 = 1500.0;
/// Largest |δ| of the series; its length grows like |δ|.
const SERIES: f64 = 2000.0;

/// The probability of a value at most `x` on `df` > 0 degrees of freedom with noncentrality `ncp` = δ; absolute
/// accuracy about 1e-14.
///
/// For x ≥ 0 it is Φ(−δ) + ½ Σ \[Pᵢ I_y(i+½, df/2) + δ/√2 Qᵢ I_y(i+1, df/2)\] with y = x²/(df + x²), summed outwards
/// from the largest term (Benton & Krishnamoorthy 2003, Comput Stat Data Anal 43(2):249–267,
/// doi:10.1016/S0167-9473(02)00283-9); negative x follow by symmetry. Beyond |δ| = 2000 the χ² tail is integrated
/// over the normal density instead.
///
/// ```
/// use trialstats::dist::{noncentral_t, t};
/// assert!((noncentral_t::cdf(1.5, 20.0, 0.0) - t::cdf(1.5, 20.0)).abs() < 1e-15);
/// ```
pub fn cdf(x: f64, df: f64, ncp: f64) -> f64 {
    let df = degrees_of_freedom(df);
    if x.is_nan() || df.is_nan() || ncp.is_nan() {
        return f64::NAN;
    }
    if x.is_infinite() {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    if ncp.is_infinite() {
        return if ncp > 0.0 { 0.0 } else { 1.0 };
    }
    if ncp == 0.0 {
        return t::cdf(x, df);
    }
    if df >= NORMAL {
        return normal::cdf(x - ncp);
    }
    let p = if x < 0.0 { 1.0 - nonnegative(-x, df, -ncp) } else { nonnegative(x, df, ncp) };
    p.clamp(0.0, 1.0)
}

/// The limits of a two-sided interval for the noncentrality of which `t` is one observation: the values of δ that leave
/// (1 − level)/2 beyond `t` on either side. NaN unless 0 < level < 1 and `df` > 0, for |t| > 1500,
/// and where no such δ is found.
///
/// ```
/// let (low, high) = trialstats::dist::noncentral_t::ncp_interval(2.5, 30.0, 0.95);
/// assert!(low < 2.5 && 2.5 < high);
/// ```
pub fn ncp_interval(t: f64, df: f64, level: f64) -> (f64, f64) {
    let df = degrees_of_freedom(df);
    if t.is_nan() || t.abs() > LARGEST_T || df.is_nan() || !(level > 0.0 && level < 1.0) {
        return (f64::NAN, f64::NAN);
    }
    let tail = (1.0 - level) / 2.0;
    (ncp_with_cdf(t, df, 1.0 - tail), ncp_with_cdf(t, df, tail))
}

/// The δ at which the cdf at `t`, which falls as δ grows, is `p`.
fn ncp_with_cdf(t: f64, df: f64, p: f64) -> f64 {
    let excess = |ncp: f64| cdf(t, df, ncp) - p;
    let spread = (1.0 + t * t / (2.0 * df.max(1.0))).sqrt();
    let guess = t - normal::quantile(p) * spread;
    let (mut low, mut high, mut reach) = (guess - 0.5 * spread, guess + 0.5 * spread, spread);
    for _ in 0..1100 {
        let (below, above) = (excess(low) >= 0.0, excess(high) <= 0.0);
        if below && above {
            let root = falling_root(low, high, excess);
            return if excess(root).abs() < 1e-6 { root } else { f64::NAN };
        }
        if !below {
            low -= reach;
        }
        if !above {
            high += reach;
        }
        reach *= 2.0;
    }
    f64::NAN
}

/// The zero of a falling function between `low` and `high`, by bisection speeded up with the secant (Illinois rule).
fn falling_root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut f_low, mut f_high) = (f(low), f(high));
    let mut last = 0;
    for step in 0..200 {
        if f_low == 0.0 {
            return low;
        }
        if f_high == 0.0 {
            return high;
        }
        if high - low <= 2.0 * f64::EPSILON * low.abs().max(high.abs()) {
            break;
        }
        let secant = low + (high - low) * f_low / (f_low - f_high);
        let x = if step % 4 == 3 || !(secant > low && secant < high) { 0.5 * (low + high) } else { secant };
        if x <= low || x >= high {
            break;
        }
        let value = f(x);
        if value > 0.0 {
            (low, f_low) = (x, value);
            if last == 1 {
                f_high *= 0.5;
            }
            last = 1;
        } else {
            (high, f_high) = (x, value);
            if last == -1 {
                f_low *= 0.5;
            }
            last = -1;
        }
    }
    0.5 * (low + high)
}

/// The cdf at x ≥ 0.
fn nonnegative(x: f64, df: f64, ncp: f64) -> f64 {
    if x == 0.0 {
        return normal::cdf(-ncp);
    }
    if ncp.abs() > SERIES { integral(x, df, ncp) } else { normal::cdf(-ncp) + 0.5 * series(x, df, ncp) }
}

/// Σ [Pᵢ I_y(i+½, b) + δ/√2 Qᵢ I_y(i+1, b)], from the largest Poisson weight outwards.
fn series(x: f64, df: f64, ncp: f64) -> f64 {
    let square = x * x;
    let (y, y_upper) = if square.is_infinite() { (1.0, 0.0) } else { (square / (df + square), df / (df + square)) };
    let (b, mean) = (df / 2.0, ncp * ncp / 2.0);
    let mode = mean.floor();
    let start = Term::at(mode, mean, b, y, y_upper);
    let scale = ncp / std::f64::consts::SQRT_2;
    let mut sum = start.contribution(scale);
    let mut down = start.clone();
    while down.i > 0.0 {
        down.step_down(mean, b, y);
        let c = down.contribution(scale);
        sum += c;
        if down.weight() < 1e-18 {
            break;
        }
    }
    let mut up = start;
    for _ in 0..200_000 {
        up.step_up(mean, b, y);
        sum += up.contribution(scale);
        if up.weight() < 1e-18 || up.largest() < 1e-18 {
            break;
        }
    }
    sum
}

/// One index of the series: weights Pᵢ and Qᵢ, the two incomplete betas, and the amounts by which these fall from i
/// to i+1.
#[derive(Debug, Clone)]
struct Term {
    i: f64,
    p: f64,
    q: f64,
    half: f64,
    whole: f64,
    half_fall: f64,
    whole_fall: f64,
}

impl Term {
    fn at(i: f64, mean: f64, b: f64, y: f64, y_upper: f64) -> Self {
        // Qᵢ = e^{−m} mⁱ / Γ(i + 3/2) is a Poisson probability at i + ½, over √m.
        let q = if mean > 0.0 { special::poisson(i + 0.5, mean) / mean.sqrt() } else { 0.0 };
        Self {
            i,
            p: special::poisson(i, mean),
            q,
            half: special::beta(i + 0.5, b, y, y_upper).0,
            whole: special::beta(i + 1.0, b, y, y_upper).0,
            half_fall: if y_upper > 0.0 { special::beta_front(i + 0.5, b, y, y_upper) / (i + 0.5) } else { 0.0 },
            whole_fall: if y_upper > 0.0 { special::beta_front(i + 1.0, b, y, y_upper) / (i + 1.0) } else { 0.0 },
        }
    }

    fn contribution(&self, scale: f64) -> f64 {
        self.p * self.half + scale * self.q * self.whole
    }

    fn weight(&self) -> f64 {
        self.p.max(self.q)
    }

    fn largest(&self) -> f64 {
        self.half.abs().max(self.whole.abs())
    }

    fn step_up(&mut self, mean: f64, b: f64, y: f64) {
        let i = self.i;
        self.half -= self.half_fall;
        self.whole -= self.whole_fall;
        self.half_fall *= y * (i + 0.5 + b) / (i + 1.5);
        self.whole_fall *= y * (i + 1.0 + b) / (i + 2.0);
        self.p *= mean / (i + 1.0);
        self.q *= mean / (i + 1.5);
        self.i += 1.0;
    }

    fn step_down(&mut self, mean: f64, b: f64, y: f64) {
        self.i -= 1.0;
        let i = self.i;
        self.half_fall /= y * (i + 0.5 + b) / (i + 1.5);
        self.whole_fall /= y * (i + 1.0 + b) / (i + 2.0);
        self.half += self.half_fall;
        self.whole += self.whole_fall;
        self.p *= (i + 1.0) / mean;
        self.q *= (i + 1.5) / mean;
    }
}

/// ∫ φ(z) P(√(V/df) ≥ (z + δ)/x) dz by the trapezoidal rule, for large |δ| where the second factor is smooth.
fn integral(x: f64, df: f64, ncp: f64) -> f64 {
    const REACH: f64 = 9.0;
    // The second factor falls from 1 to 0 over a width x/√(2 df) in z.
    let step = (0.1 * x / (2.0 * df).sqrt()).clamp(1e-3, 0.1);
    let n = (REACH / step).ceil();
    let mut sum = 0.0;
    let mut k = -n;
    while k <= n {
        let z = k * step;
        let ratio = ((z + ncp) / x).max(0.0);
        sum += normal::pdf(z) * special::gamma(df / 2.0, df * ratio * ratio / 2.0).1;
        k += 1.0;
    }
    sum * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_integral_agree_where_both_work() {
        for (x, df, ncp) in [(1500.0, 100.0, 1480.0), (900.0, 7.0, 1000.0), (1900.0, 5000.0, 1901.0), (1000.0, 2.5, 1700.0)] {
            let by_series = normal::cdf(-ncp) + 0.5 * series(x, df, ncp);
            assert!((by_series - integral(x, df, ncp)).abs() < 1e-12, "{by_series} {}", integral(x, df, ncp));
        }
    }
}
