//! The number of patients, or the effect, that gives a stated power: a curve fitted to simulated powers.

use crate::dist::normal;
use crate::error::{Error, Result};

/// What is known of the power at one value: a success or not, trial by trial. Trials of the same number at different values
/// share their random numbers.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// The value, on the scale on which the probit of the power is straight: √n, or d.
    pub x: f64,
    pub successes: Vec<bool>,
}

/// Where the curve reaches the power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crossing {
    pub x: f64,
    /// Its Monte-Carlo standard error, random numbers in common taken into account.
    pub error: f64,
}

impl Point {
    /// The share of successes, kept off 0 and 1 by half a trial.
    pub fn power(&self) -> f64 {
        let n = self.successes.len() as f64;
        let met = self.successes.iter().filter(|s| **s).count() as f64;
        (met / n).clamp(0.5 / n, 1.0 - 0.5 / n)
    }
}

/// Where the line of the probit of the power in x, by weighted least squares, reaches `power`.
///
/// The standard error is by the delta method from the covariance of the powers, which is that of the successes of the same
/// trial at different values.
///
/// # Errors
/// [`Error::Invalid`] where the power does not rise.
pub(super) fn crossing(points: &[Point], power: f64) -> Result<Crossing> {
    let powers: Vec<f64> = points.iter().map(Point::power).collect();
    let at = |powers: &[f64]| solved(points, powers, power);
    let x = at(&powers).ok_or_else(|| {
        Error::not_defined(
            format!("where the power reaches {power}"),
            "the simulated power does not rise over the values tried",
            "simulate more trials, or begin nearer to the answer",
        )
    })?;
    let slopes: Vec<f64> = (0..points.len())
        .map(|k| {
            let step = 1e-5 * (powers[k] * (1.0 - powers[k]));
            let moved = |by: f64| {
                let mut moved = powers.clone();
                moved[k] += by;
                at(&moved).unwrap_or(x)
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        })
        .collect();
    let trials = points.iter().map(|p| p.successes.len()).min().unwrap_or(0);
    let influence = |r: usize| {
        let of = |(point, slope): (&Point, &f64)| slope * f64::from(u8::from(point.successes[r]));
        points.iter().zip(&slopes).map(of).sum::<f64>()
    };
    let each: Vec<f64> = (0..trials).map(influence).collect();
    let mean = each.iter().sum::<f64>() / trials as f64;
    let variance = each.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (trials as f64 - 1.0).max(1.0);
    Ok(Crossing { x, error: (variance / trials as f64).sqrt() })
}

fn solved(points: &[Point], powers: &[f64], power: f64) -> Option<f64> {
    let (mut w_sum, mut x_sum, mut z_sum, mut xx, mut xz) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (point, &p) in points.iter().zip(powers) {
        let z = normal::quantile(p);
        let w = normal::pdf(z).powi(2) / (p * (1.0 - p)) * point.successes.len() as f64;
        (w_sum, x_sum, z_sum) = (w_sum + w, x_sum + w * point.x, z_sum + w * z);
        (xx, xz) = (xx + w * point.x * point.x, xz + w * point.x * z);
    }
    let spread = xx - x_sum * x_sum / w_sum;
    let slope = (xz - x_sum * z_sum / w_sum) / spread;
    let x = (normal::quantile(power) - (z_sum - slope * x_sum) / w_sum) / slope;
    (slope > 0.0 && spread > 0.0 && x.is_finite()).then_some(x)
}

/// The value to try next, from one power: the noncentrality is proportional to x.
pub(super) fn next(x: f64, observed: f64, wanted: f64, tail: f64) -> f64 {
    let of = |power: f64| normal::quantile(power) - normal::quantile(tail);
    // No further than a factor of two at once: far powers say little.
    x * (of(wanted) / of(observed).max(0.1)).clamp(0.5, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random::Stream;

    /// A z test whose power is known: the crossing is found within three of its own errors, and the errors are those that
    /// repeated searches have.
    #[test]
    fn the_crossing_and_its_error_are_those_of_a_known_test() {
        let search = |seed: u64| {
            let points: Vec<Point> = [0.8, 0.9, 1.0, 1.1, 1.2]
                .into_iter()
                .map(|x| Point { x, successes: (0..500).map(|r| Stream::new(seed, r, 0).normal() + 3.0 * x > 1.96).collect() })
                .collect();
            crossing(&points, 0.9).expect("a rising power")
        };
        let truth = (1.96 + normal::quantile(0.9)) / 3.0;
        let found: Vec<Crossing> = (0..200).map(search).collect();
        let n = found.len() as f64;
        let mean = found.iter().map(|c| c.x).sum::<f64>() / n;
        let sd = (found.iter().map(|c| (c.x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let error = found.iter().map(|c| c.error).sum::<f64>() / n;
        assert!((mean - truth).abs() < 3.0 * sd / n.sqrt() + 0.002, "{mean} where {truth} is true");
        // Three Monte-Carlo errors of a standard deviation of 200 values.
        assert!((error / sd - 1.0).abs() < 3.0 / (2.0 * n).sqrt() + 0.02, "an error of {error}, a spread of {sd}");
    }

    #[test]
    fn a_power_that_does_not_rise_is_refused() {
        let flat = |x: f64| Point { x, successes: vec![true, false, true, false] };
        assert!(crossing(&[flat(1.0), flat(2.0)], 0.8).is_err());
        assert!(crossing(&[flat(1.0)], 0.8).is_err());
    }
}
