//! The recursive integration of Armitage, McPherson and Rowe.

use crate::dist::normal;
use crate::dist::quadrature::{Rule, gauss_legendre};

/// Beyond so many standard deviations from its mean a statistic is not looked for.
const REACH: f64 = 9.5;
/// Length of a piece of the integral in standard deviations of the narrowest kernel; each has 24 points.
const PIECE: f64 = 4.0;
const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// The density of the statistic at a look, of trials that go on after it, as points and their masses.
#[derive(Debug, Clone)]
pub(super) struct Continuing {
    drift: f64,
    /// Information fraction of the look; 0 before the first.
    t: f64,
    /// Statistic and mass.
    points: Vec<(f64, f64)>,
}

/// The rule, made once for all integrals of a design.
pub(super) struct Integration(Rule);

impl Integration {
    pub fn new() -> Self {
        Self(gauss_legendre())
    }

    /// Before the first look.
    pub fn start(&self, drift: f64) -> Continuing {
        Continuing { drift, t: 0.0, points: vec![(0.0, 1.0)] }
    }

    /// After a look at `t`, of trials with a statistic between `lower` and `upper`; `next` is the information of the look
    /// after it.
    pub fn go_on(&self, before: &Continuing, t: f64, (lower, upper): (f64, f64), next: Option<f64>) -> Continuing {
        let drift = before.drift;
        let (low, high) = (lower.max(drift * t.sqrt() - REACH), upper.min(drift * t.sqrt() + REACH));
        let width = ((t - before.t) / t).sqrt();
        let ahead = next.map_or(1.0, |next| ((next - t) / t).sqrt());
        if low >= high {
            return Continuing { drift, t, points: vec![] };
        }
        let pieces = ((high - low) / (PIECE * width.min(ahead).min(1.0))).ceil().max(1.0) as usize;
        let points = self.0.on(low, high, pieces).map(|(z, weight)| (z, weight * before.density(t, z))).collect();
        Continuing { drift, t, points }
    }
}

impl Continuing {
    /// The density of the statistic `z` at a later look.
    fn density(&self, t: f64, z: f64) -> f64 {
        let step = t - self.t;
        let (scale, root) = ((t / step).sqrt(), step.sqrt());
        let at = z * t.sqrt() - self.drift * step;
        let (before, root) = (self.t.sqrt() / root, root.recip());
        let kernel = |(u, mass): &(f64, f64)| {
            let x = at * root - u * before;
            // Most of the points are out of a narrow kernel's reach.
            if x.abs() < REACH { mass * (-0.5 * x * x).exp() } else { 0.0 }
        };
        FRAC_1_SQRT_2PI * scale * self.points.iter().map(kernel).sum::<f64>()
    }

    /// The probability of a statistic above `bound` at a later look.
    pub fn above(&self, t: f64, bound: f64) -> f64 {
        self.beyond(t, bound, normal::sf)
    }

    /// The probability of a statistic below `bound` at a later look.
    pub fn below(&self, t: f64, bound: f64) -> f64 {
        self.beyond(t, bound, normal::cdf)
    }

    fn beyond(&self, t: f64, bound: f64, tail: fn(f64) -> f64) -> f64 {
        let step = t - self.t;
        let at = bound * t.sqrt() - self.drift * step;
        self.points.iter().map(|(u, mass)| mass * tail((at - u * self.t.sqrt()) / step.sqrt())).sum()
    }

    /// The bound above which there is this probability.
    pub fn upper_bound(&self, t: f64, probability: f64) -> f64 {
        if probability <= 0.0 {
            return f64::INFINITY;
        }
        bisect(|z| probability - self.above(t, z))
    }

    /// The bound below which there is this probability.
    pub fn lower_bound(&self, t: f64, probability: f64) -> f64 {
        if probability <= 0.0 {
            return f64::NEG_INFINITY;
        }
        bisect(|z| self.below(t, z) - probability)
    }
}

/// Where a rising function of a statistic is zero.
fn bisect(f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-45.0_f64, 45.0_f64);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if f(middle) >= 0.0 {
            high = middle
        } else {
            low = middle
        }
        if high - low < 1e-14 {
            return 0.5 * (low + high);
        }
    }
}

/// The zero of a rising function between `low` and `high`, by the Illinois variant of false position; NaN where there is
/// none.
pub(super) fn root(low: f64, high: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    if !(fa <= 0.0 && fb >= 0.0) {
        return f64::NAN;
    }
    let mut side = 0;
    for _ in 0..200 {
        if fa == 0.0 {
            return a;
        }
        if fb == 0.0 || (b - a).abs() <= 4.0 * f64::EPSILON * b.abs().max(1.0) {
            return b;
        }
        let inner = (a * fb - b * fa) / (fb - fa);
        let x = if inner > a && inner < b { inner } else { 0.5 * (a + b) };
        let fx = f(x);
        if fx.abs() < 1e-15 {
            return x;
        }
        if fx > 0.0 {
            (b, fb) = (x, fx);
            if side == 1 {
                fa *= 0.5;
            }
            side = 1;
        } else {
            (a, fa) = (x, fx);
            if side == -1 {
                fb *= 0.5;
            }
            side = -1;
        }
    }
    0.5 * (a + b)
}
