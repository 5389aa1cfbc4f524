//! A proportion, and the intervals that reports of response rates print.

use crate::dist::normal;
use crate::error::{Error, Result};
use crate::level::check_level;
use crate::options::choices;

/// Some of a number of patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Proportion {
    /// Patients of whom it is true.
    pub met: usize,
    /// Patients looked at.
    pub of: usize,
}

/// An estimate with its confidence interval; NaN where it is not defined.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Measure {
    /// The estimate.
    pub estimate: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
}

impl Measure {
    /// An estimate with its limits; NaN for what does not exist.
    pub fn new(estimate: f64, lower: f64, upper: f64) -> Self {
        Self { estimate, lower, upper }
    }
}

/// What a ratio does where a cell of the two-by-two table is empty, so that the standard error of its logarithm is
/// not defined.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroCells {
    /// The estimate stays as it is (0, infinite, or not defined) and has no interval.
    #[default]
    NoInterval,
    /// One half is added to each of the four cells, for estimate and interval alike (Haldane 1956; Anscombe 1956),
    /// but only where a cell is empty.
    AddHalf,
}

choices! {
    ZeroCells, "handling of empty cells":
    NoInterval = "no-interval", [], "the estimate as it is, without an interval";
    AddHalf = "add-half", ["haldane-anscombe"], "one half added to each cell where one is empty";
}

impl Proportion {
    /// `met` of `of`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `met` exceeds `of`.
    pub fn new(met: usize, of: usize) -> Result<Self> {
        if met > of {
            return Err(Error::out_of_range(format!("a proportion of {met} in {of}"), "the part exceeds the whole", "exchange the two"));
        }
        Ok(Self { met, of })
    }

    /// The share, NaN of nobody.
    pub fn share(self) -> f64 {
        self.met as f64 / self.of as f64
    }

    /// The share with Wilson's score interval, not corrected for continuity.
    ///
    /// (p̂ + z²/2n ± z √(p̂q̂/n + z²/4n²)) / (1 + z²/n): Wilson 1927, *JASA* 22:209–212; method 3 of Newcombe 1998,
    /// *Statistics in Medicine* 17:857–872, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E. It
    /// never leaves \[0, 1\], and reaches 0 or 1 only with nobody or everybody.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `level` is not between 0 and 1.
    ///
    /// ```
    /// use trialstats::proportions::Proportion;
    /// // Newcombe 1998, table I: 81 of 263.
    /// let wilson = Proportion::new(81, 263)?.wilson(0.95)?;
    /// assert_eq!(format!("{:.4} {:.4}", wilson.lower, wilson.upper), "0.2553 0.3662");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn wilson(self, level: f64) -> Result<Measure> {
        Ok(self.score_interval(deviate(level)?))
    }

    /// Wilson's interval for a normal deviate.
    pub(super) fn score_interval(self, z: f64) -> Measure {
        let z2 = z.powi(2);
        let (p, n) = (self.share(), self.of as f64);
        let centre = p + z2 / (2.0 * n);
        let half = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt();
        let lower = if self.met == 0 && self.of > 0 { 0.0 } else { (centre - half) / (1.0 + z2 / n) };
        let upper = if self.met == self.of && self.of > 0 { 1.0 } else { (centre + half) / (1.0 + z2 / n) };
        Measure { estimate: p, lower, upper }
    }

    /// Those of whom it is true and those of whom it is not.
    pub(super) fn cells(self) -> [f64; 2] {
        [self.met as f64, (self.of - self.met.min(self.of)) as f64]
    }
}

/// The standard normal deviate of a two-sided interval.
pub(super) fn deviate(level: f64) -> Result<f64> {
    check_level(level)?;
    Ok(normal::quantile(0.5 + level / 2.0))
}

/// p₁ − p₂ with Newcombe's hybrid score interval.
///
/// From the Wilson limits (l, u) of each: p₁ − p₂ − √((p₁−l₁)² + (u₂−p₂)²) and p₁ − p₂ + √((u₁−p₁)² + (p₂−l₂)²),
/// method 10 of Newcombe 1998, *Statistics in Medicine* 17:873–890,
/// doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
///
/// # Errors
/// [`Error::Invalid`] if `level` is not between 0 and 1.
///
/// ```
/// use trialstats::proportions::{Proportion, risk_difference};
/// // Newcombe 1998, table II: 56 of 70 against 48 of 80.
/// let difference = risk_difference(Proportion::new(56, 70)?, Proportion::new(48, 80)?, 0.95)?;
/// assert_eq!(format!("{:.4} {:.4}", difference.lower, difference.upper), "0.0524 0.3339");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn risk_difference(first: Proportion, second: Proportion, level: f64) -> Result<Measure> {
    let (a, b) = (first.wilson(level)?, second.wilson(level)?);
    let estimate = a.estimate - b.estimate;
    Ok(Measure {
        estimate,
        lower: estimate - (a.estimate - a.lower).hypot(b.upper - b.estimate),
        upper: estimate + (a.upper - a.estimate).hypot(b.estimate - b.lower),
    })
}

/// p₁ / p₂ with the log interval: log RR ± z √(1/x₁ − 1/n₁ + 1/x₂ − 1/n₂) (Katz et al. 1978, *Biometrics* 34:469–474,
/// doi:10.2307/2530610).
///
/// Where nobody in one arm, or everybody in both, meets the definition the interval is not defined: see [`ZeroCells`].
///
/// # Errors
/// [`Error::Invalid`] if `level` is not between 0 and 1.
pub fn risk_ratio(first: Proportion, second: Proportion, level: f64, zero_cells: ZeroCells) -> Result<Measure> {
    let undefined = first.met == 0 || second.met == 0 || (first.met == first.of && second.met == second.of);
    let ([a, b], [c, d]) = adjusted(first, second, undefined, zero_cells);
    let ratio = (a / (a + b)) / (c / (c + d));
    let variance = 1.0 / a - 1.0 / (a + b) + 1.0 / c - 1.0 / (c + d);
    on_log_scale(ratio, variance, level, undefined && zero_cells == ZeroCells::NoInterval)
}

/// (p₁/q₁) / (p₂/q₂) with the logit interval: log OR ± z √(1/a + 1/b + 1/c + 1/d) over the four cells (Woolf 1955,
/// *Annals of Human Genetics* 19:251–253, doi:10.1111/j.1469-1809.1955.tb01348.x).
///
/// With an empty cell the interval is not defined: see [`ZeroCells`].
///
/// # Errors
/// [`Error::Invalid`] if `level` is not between 0 and 1.
pub fn odds_ratio(first: Proportion, second: Proportion, level: f64, zero_cells: ZeroCells) -> Result<Measure> {
    let undefined = first.cells().into_iter().chain(second.cells()).any(|cell| cell == 0.0);
    let ([a, b], [c, d]) = adjusted(first, second, undefined, zero_cells);
    let variance = 1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d;
    on_log_scale(a * d / (b * c), variance, level, undefined && zero_cells == ZeroCells::NoInterval)
}

fn adjusted(first: Proportion, second: Proportion, undefined: bool, zero_cells: ZeroCells) -> ([f64; 2], [f64; 2]) {
    let nobody = first.of == 0 || second.of == 0;
    let added = if undefined && !nobody && zero_cells == ZeroCells::AddHalf { 0.5 } else { 0.0 };
    (first.cells().map(|cell| cell + added), second.cells().map(|cell| cell + added))
}

fn on_log_scale(estimate: f64, variance: f64, level: f64, undefined: bool) -> Result<Measure> {
    let factor = (deviate(level)? * variance.sqrt()).exp();
    let limit = |x: f64| if undefined { f64::NAN } else { x };
    Ok(Measure { estimate, lower: limit(estimate / factor), upper: limit(estimate * factor) })
}
