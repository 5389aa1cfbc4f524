//! Regularised incomplete beta and gamma functions: both tails, each to a few units in the last place.
//!
//! The common factor in front of every series and fraction (a beta or gamma density) is written with Loader's
//! deviance, which never subtracts large logarithms, so the tails keep their relative accuracy. Both functions return
//! the pair (lower, upper) and compute the smaller of the two directly.
//!
//! Sources: Loader (2000), *Fast and accurate computation of binomial probabilities*; DiDonato & Morris (1992), ACM
//! TOMS 18(3):360–373, doi:10.1145/131766.131776, for the fraction; Temme (1982), SIAM J Math Anal 13(2):239–253 and
//! DLMF 8.12, 8.18 for the uniform expansions at parameters so large that fractions would take too long.

use std::f64::consts::{PI, SQRT_2};

/// Relative change at which a series or fraction has converged.
const CONVERGED: f64 = f64::EPSILON / 4.0;
/// Far more terms than any parameter below [`UNIFORM`] needs; a guard, not a limit that is met.
const TERMS: usize = 2_000_000;
/// Where both parameters are at least this, the uniform expansion's first correction is exact to working precision,
/// while rounding would add up over the terms of a series.
const UNIFORM: f64 = 1e8;
const LN_SQRT_2_PI: f64 = 0.918_938_533_204_672_8;

/// ln Γ(x) − (x − ½) ln x + x − ½ ln 2π, the error of Stirling's formula, x > 0.
pub(super) fn stirling_error(x: f64) -> f64 {
    if x < 1e-3 {
        // ln Γ(x) = ln Γ(1+x) − ln x, where x itself may be subnormal.
        return libm::lgamma(1.0 + x) - (x + 0.5) * x.ln() + x - LN_SQRT_2_PI;
    }
    // δ(x) = δ(x+1) + (x+½) ln(1+1/x) − 1 carries small x up to where the asymptotic series is exact.
    let (mut x, mut shift) = (x, 0.0);
    while x < 16.0 {
        shift += if x < 1.0 { (x + 0.5) * (1.0 / x).ln_1p() - 1.0 } else { stirling_step(x) };
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series =
        1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r * (1.0 / 1188.0 - r * (691.0 / 360_360.0 - r / 156.0)))));
    shift + series / x
}

/// (x+½) ln(1+1/x) − 1 = Σ_{k≥1} 1/((2k+1)(2x+1)^{2k}), free of cancellation.
fn stirling_step(x: f64) -> f64 {
    let r = 1.0 / ((2.0 * x + 1.0) * (2.0 * x + 1.0));
    let (mut power, mut sum, mut k) = (r, 0.0, 3.0);
    while power > 1e-18 {
        sum += power / k;
        power *= r;
        k += 2.0;
    }
    sum
}

/// Loader's deviance x ln(x/m) + m − x ≥ 0, accurate also where x ≈ m.
pub(super) fn deviance(x: f64, m: f64) -> f64 {
    let difference = x - m;
    if difference.abs() < 0.1 * (x + m) {
        let v = difference / (x + m);
        let mut sum = difference * v;
        let (mut power, v2) = (2.0 * x * v, v * v);
        let mut k = 3.0;
        loop {
            power *= v2;
            let next = sum + power / k;
            if next == sum || k > 1000.0 {
                return next;
            }
            sum = next;
            k += 2.0;
        }
    }
    x * (x / m).ln() + m - x
}

/// x^a e^{−x} / Γ(a).
fn gamma_front(a: f64, x: f64) -> f64 {
    (a / (2.0 * PI)).sqrt() * (-stirling_error(a) - deviance(a, x)).exp()
}

/// The density of the gamma distribution with shape a and scale 1.
pub(super) fn gamma_density(a: f64, x: f64) -> f64 {
    gamma_front(a, x) / x
}

/// The Poisson probability e^{−m} m^k / Γ(k+1), k > −1 not necessarily whole.
pub(super) fn poisson(k: f64, m: f64) -> f64 {
    if m == 0.0 {
        return if k == 0.0 { 1.0 } else { 0.0 };
    }
    if k == 0.0 { (-m).exp() } else { gamma_front(k + 1.0, m) / m }
}

/// P(a, x) and Q(a, x), the regularised incomplete gamma functions, for a > 0 and x ≥ 0.
pub(super) fn gamma(a: f64, x: f64) -> (f64, f64) {
    let (p, q) = gamma_tails(a, x);
    (p.clamp(0.0, 1.0), q.clamp(0.0, 1.0))
}

fn gamma_tails(a: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x.is_infinite() {
        return (1.0, 0.0);
    }
    if a >= UNIFORM {
        return gamma_uniform(a, x);
    }
    if x < a + 1.0 {
        let p = gamma_front(a, x) / a * gamma_series(a, x);
        (p, 1.0 - p)
    } else {
        let q = gamma_front(a, x) * gamma_fraction(a, x);
        (1.0 - q, q)
    }
}

/// Σ xⁿ / (a+1)ₙ (DLMF 8.11.4).
fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..TERMS {
        term *= x / (a + n as f64);
        sum += term;
        if term <= CONVERGED * sum || term.is_nan() {
            break;
        }
    }
    sum
}

/// The even part of Legendre's fraction for Γ(a, x) / (x^a e^{−x}) (DLMF 8.9.2).
fn gamma_fraction(a: f64, x: f64) -> f64 {
    1.0 / lentz(x - a + 1.0, |m| (m * (a - m), x - a + 1.0 + 2.0 * m))
}

/// Modified Lentz evaluation of b₀ + a₁/(b₁ + a₂/(b₂ + …)) with (aₘ, bₘ) = `coefficients(m)`.
fn lentz(b0: f64, coefficients: impl Fn(f64) -> (f64, f64)) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut f = nonzero(b0);
    let (mut c, mut d) = (f, 0.0);
    for m in 1..TERMS {
        let (a, b) = coefficients(m as f64);
        d = 1.0 / nonzero(b + a * d);
        c = nonzero(b + a / c);
        let step = c * d;
        f *= step;
        if (step - 1.0).abs() <= 2.0 * CONVERGED || step.is_nan() {
            break;
        }
    }
    f
}

/// Temme's uniform expansion of P and Q for large a with its first correction (DLMF 8.12.3–8.12.8).
fn gamma_uniform(a: f64, x: f64) -> (f64, f64) {
    let mu = (x - a) / a;
    let half_eta_squared = deviance(a, x) / a;
    let eta = (2.0 * half_eta_squared).sqrt().copysign(mu);
    let c0 = if mu.abs() < 1e-4 { -1.0 / 3.0 + eta / 12.0 } else { 1.0 / mu - 1.0 / eta };
    let remainder = (-a * half_eta_squared).exp() / (2.0 * PI * a).sqrt() * c0;
    let tail = |sign: f64| 0.5 * libm::erfc(sign * eta * (a / 2.0).sqrt());
    (tail(-1.0) - remainder, tail(1.0) + remainder)
}

/// x^a y^b / B(a, b) with y = 1 − x.
pub(super) fn beta_front(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let exponent = stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y);
    (a / n).sqrt() * b.sqrt() / (2.0 * PI).sqrt() * exponent.exp()
}

/// I_x(a, b) and 1 − I_x(a, b), for a, b > 0 and finite; x and y = 1 − x are both given so that neither is rounded
/// away.
pub(super) fn beta(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    let (p, q) = beta_tails(a, b, x, y);
    (p.clamp(0.0, 1.0), q.clamp(0.0, 1.0))
}

fn beta_tails(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    if a >= UNIFORM && b >= UNIFORM {
        return beta_uniform(a, b, x, y);
    }
    // Positive where x lies below the mean a/(a+b).
    let lambda = if a > b { (a + b) * y - b } else { a - (a + b) * x };
    let series_is_short = |a: f64, b: f64, x: f64| x <= 0.7 && a <= 100.0 && (a + b) * x <= a + 1.0;
    if series_is_short(a, b, x) && !(lambda < 0.0 && series_is_short(b, a, y)) {
        let p = beta_front(a, b, x, y) / a * beta_series(a, b, x);
        (p, 1.0 - p)
    } else if series_is_short(b, a, y) {
        let q = beta_front(b, a, y, x) / b * beta_series(b, a, y);
        (1.0 - q, q)
    } else if lambda > 0.0 {
        let p = beta_front(a, b, x, y) * beta_fraction(a, b, x, y, lambda);
        (p, 1.0 - p)
    } else {
        let q = beta_front(b, a, y, x) * beta_fraction(b, a, y, x, -lambda);
        (1.0 - q, q)
    }
}

/// Σ (a+b)ₙ/(a+1)ₙ xⁿ, all terms positive (DLMF 8.17.8).
fn beta_series(a: f64, b: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 0..TERMS {
        let n = n as f64;
        term *= (a + b + n) / (a + 1.0 + n) * x;
        sum += term;
        if term <= CONVERGED * sum || term.is_nan() {
            break;
        }
    }
    sum
}

/// The fraction of DiDonato & Morris (1992, eq. 9) for I_x(a, b) / (x^a y^b / B(a, b)); λ = a − (a+b)x.
fn beta_fraction(a: f64, b: f64, x: f64, y: f64, lambda: f64) -> f64 {
    let denominator = |m: f64| {
        let s = a + 2.0 * m;
        let head = if m > 0.0 { m + m * (b - m) * x / (s - 1.0) } else { 0.0 };
        head + (a + m) / (s + 1.0) * (lambda + 1.0 + m * (1.0 + y))
    };
    let numerator = |m: f64| {
        let s = a + 2.0 * m - 1.0;
        ((a + m - 1.0) / s * x) * ((a + b + m - 1.0) / s * x) * m * (b - m)
    };
    1.0 / lentz(denominator(0.0), |m| (numerator(m), denominator(m)))
}

/// Temme's uniform expansion of I_x for large a and b with its first correction (DLMF 8.18.9–8.18.14).
fn beta_uniform(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    let n = a + b;
    let (x0, y0) = (a / n, b / n);
    let half_eta_squared = (deviance(a, n * x) + deviance(b, n * y)) / n;
    let difference = if a > b { y0 - y } else { x - x0 };
    let eta = (2.0 * half_eta_squared).sqrt().copysign(difference);
    let sd = (x0 * y0).sqrt();
    let relative = difference / sd;
    let c0 = if relative.abs() < 1e-4 { (1.0 - 2.0 * x0) / (3.0 * sd) } else { 1.0 / eta - 1.0 / relative };
    let remainder = (-n * half_eta_squared).exp() / (2.0 * PI * n).sqrt() * c0;
    let tail = |sign: f64| 0.5 * libm::erfc(sign * eta * n.sqrt() / SQRT_2);
    (tail(-1.0) + remainder, tail(1.0) - remainder)
}
