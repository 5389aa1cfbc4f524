//! Mean, standard deviation and the like of plain numbers.

use crate::table::Format;

/// Values that describe fewer patients than this can often be traced to one of them.
pub const FEW: usize = 5;

/// A description of some numbers.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Summary {
    /// How many there are.
    pub n: usize,
    /// Arithmetic mean; `None` without numbers.
    pub mean: Option<f64>,
    /// Standard deviation with denominator n − 1; `None` for fewer than two numbers.
    pub sd: Option<f64>,
    /// The middle number, or the mean of the middle two; `None` without numbers.
    pub median: Option<f64>,
    /// The smallest number; `None` without numbers.
    pub minimum: Option<f64>,
    /// The largest number; `None` without numbers.
    pub maximum: Option<f64>,
}

impl Summary {
    /// How a mean of these numbers is printed: by its standard error.
    pub(crate) fn format(&self) -> Format {
        Format::of_error(self.sd.map_or(f64::NAN, |sd| sd / (self.n as f64).sqrt()))
    }

    /// What of it is no value of a single patient: without the range, and without the median, which is one of the values
    /// where their number is odd; without the standard deviation of two, which gives both away beside their mean; without
    /// the mean of one.
    ///
    /// ```
    /// use trialstats::trial::Summary;
    ///
    /// let shown = Summary::of([2.0, 4.0, 9.0]).without_individuals();
    /// assert_eq!((shown.n, shown.mean, shown.median, shown.maximum), (3, Some(5.0), None, None));
    /// ```
    pub fn without_individuals(self) -> Self {
        Self {
            n: self.n,
            mean: self.mean.filter(|_| self.n > 1),
            sd: self.sd.filter(|_| self.n > 2),
            median: None,
            minimum: None,
            maximum: None,
        }
    }

    /// Describes `values`; NaN stands for a missing one and is left out.
    ///
    /// ```
    /// use trialstats::trial::Summary;
    ///
    /// let summary = Summary::of([2.0, 4.0, f64::NAN, 9.0]);
    /// assert_eq!((summary.n, summary.mean, summary.median, summary.sd), (3, Some(5.0), Some(4.0), Some(13_f64.sqrt())));
    /// ```
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|x| !x.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let (Some(&minimum), Some(&maximum)) = (values.first(), values.last()) else { return Self::default() };
        // Two passes, because a large mean would drown the squares of a single one.
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Self {
            n,
            mean: Some(mean),
            sd: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
            median: Some(f64::midpoint(values[(n - 1) / 2], values[n / 2])),
            minimum: Some(minimum),
            maximum: Some(maximum),
        }
    }
}
