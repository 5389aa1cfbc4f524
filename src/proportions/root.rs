//! Where a function of one variable crosses zero.

/// The root between `low` and `high`, where `f` has opposite signs, by Brent's method (Brent 1973, chapter 4) to the last
/// few digits; an end where `f` is zero already, or NaN where the signs agree.
pub(crate) fn root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa == 0.0 {
        return a;
    }
    if fb == 0.0 {
        return b;
    }
    if fa.is_nan() || fb.is_nan() || (fa > 0.0) == (fb > 0.0) {
        return f64::NAN;
    }
    let (mut c, mut fc) = (a, fa);
    let (mut step, mut before) = (b - a, b - a);
    for _ in 0..300 {
        if (fb > 0.0) == (fc > 0.0) {
            (c, fc) = (a, fa);
            step = b - a;
            before = step;
        }
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let tolerance = 2.0 * f64::EPSILON * b.abs() + 1e-300;
        let half = 0.5 * (c - b);
        if half.abs() <= tolerance || fb == 0.0 {
            return b;
        }
        let proposed = if before.abs() < tolerance || fa.abs() <= fb.abs() { None } else { interpolated([a, b, c], [fa, fb, fc], half) };
        match proposed.filter(|d| 2.0 * d.abs() < (3.0 * half.abs() - tolerance).min(before.abs())) {
            Some(d) => (before, step) = (step, d),
            None => (step, before) = (half, half),
        }
        (a, fa) = (b, fb);
        b += if step.abs() > tolerance { step } else { tolerance.copysign(half) };
        fb = f(b);
    }
    b
}

/// The step that a secant or an inverse quadratic proposes, if it goes towards the other end.
fn interpolated([a, b, c]: [f64; 3], [fa, fb, fc]: [f64; 3], half: f64) -> Option<f64> {
    let s = fb / fa;
    let (mut p, mut q) = if a == c {
        (2.0 * half * s, 1.0 - s)
    } else {
        let (t, r) = (fa / fc, fb / fc);
        (s * (2.0 * half * t * (t - r) - (b - a) * (r - 1.0)), (t - 1.0) * (r - 1.0) * (s - 1.0))
    };
    if p > 0.0 {
        q = -q
    } else {
        p = -p
    }
    let d = p / q;
    (d.is_finite() && d * half > 0.0).then_some(d)
}

/// The root of a function of the logarithm of a positive number, beginning at `start` and going outward in the direction
/// of `sign` until the sign of `f` changes; NaN if it never does.
pub(crate) fn outward(start: f64, sign: f64, f: impl Fn(f64) -> f64) -> f64 {
    let at_start = f(start);
    let (mut near, mut step) = (start, 0.25);
    while step < 2000.0 {
        let far = near + sign * step;
        let value = f(far);
        if (value > 0.0) != (at_start > 0.0) || value == 0.0 {
            return root(near, far, f);
        }
        near = far;
        step *= 2.0;
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_found_to_the_last_digits() {
        assert!((root(0.0, 2.0, |x| x * x - 2.0) - 2f64.sqrt()).abs() < 1e-15);
        assert!((root(0.0, 1.0, |x| x.cos() - x) - 0.739_085_133_215_160_6).abs() < 1e-15);
        assert!((root(-1.0, 4.0, |x| (x - 1.0).powi(3)) - 1.0).abs() < 1e-5);
        assert!(root(0.0, 1.0, |x| x + 1.0).is_nan());
        // A step, as tail probabilities of discrete data have.
        assert!((root(0.0, 1.0, |x| if x < 0.3 { -1.0 } else { 2.0 }) - 0.3).abs() < 1e-15);
        assert!((outward(0.0, 1.0, |u| 50.0 - u) - 50.0).abs() < 1e-12);
    }
}
