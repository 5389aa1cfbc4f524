//! What residuals are drawn as: normal quantiles with a reference band, boxes, and spread by arm and visit.

use crate::dist::{f, normal};
use crate::inference::Residuals;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::Trial;

/// The residuals of a fit, summarised for the eye. Tests of normality are left out on purpose: with few patients they
/// find nothing and with many they find everything.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Diagnostics {
    /// Label of the outcome.
    pub outcome: String,
    /// Labels of the analysed visits.
    pub visits: Vec<String>,
    /// The arms.
    pub arms: Vec<String>,
    /// Ordered normalised residuals and where a normal sample would have them.
    pub quantiles: Vec<Quantile>,
    /// The same for each visit, in order of visit; a visit's residuals are ordered among themselves.
    pub quantiles_by_visit: Vec<Vec<Quantile>>,
    /// Spread of the normalised residuals, a row an arm and visit.
    pub rows: Vec<Spread>,
    /// Fitted value and Pearson residual of each observation of each arm.
    pub scatter: Vec<Vec<(f64, f64)>>,
}

/// One ordered residual r₍ᵢ₎ of n.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Quantile {
    /// Φ⁻¹((i − 3/8)/(n + 1/4)) (Blom 1958).
    pub theoretical: f64,
    /// The residual.
    pub observed: f64,
    /// Lower end of the pointwise 95% band: Φ⁻¹ of the 2.5% quantile of Beta(i, n − i + 1), the law of the ith of n
    /// uniform order statistics.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

/// The normalised residuals of one arm at one visit.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Spread {
    /// Position of the arm.
    pub arm: usize,
    /// Position of the visit among the analysed ones.
    pub visit: usize,
    /// Residuals.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, NaN below two.
    pub sd: f64,
    /// End of the lower whisker: the smallest within 1.5 interquartile ranges of the box (Tukey 1977).
    pub low: f64,
    /// First quartile, by linear interpolation of order statistics (Hyndman & Fan 1996, type 7).
    pub first_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub third_quartile: f64,
    /// End of the upper whisker.
    pub high: f64,
    /// Residuals beyond the whiskers.
    pub outliers: Vec<f64>,
}

impl Diagnostics {
    /// Summarises `residuals` of a fit to `trial`, for an outcome labelled `outcome`.
    pub fn of(trial: &Trial, outcome: &str, residuals: &Residuals) -> Self {
        let arm_of = |patient: usize| trial.arm_of()[patient];
        let all = residuals.rows.iter().map(|r| r.normalised).filter(|r| r.is_finite()).collect();
        let at_visit = |visit: usize| -> Vec<f64> {
            residuals.rows.iter().filter(|r| r.visit == visit).map(|r| r.normalised).filter(|r| r.is_finite()).collect()
        };
        let cell = |arm: usize, visit: usize| -> Vec<f64> {
            let here = residuals.rows.iter().filter(|r| r.visit == visit && arm_of(r.patient) == arm);
            here.map(|r| r.normalised).filter(|r| r.is_finite()).collect()
        };
        let cells = (0..residuals.visits.len()).flat_map(|t| (0..trial.arms().len()).map(move |a| (a, t)));
        let scatter = |arm: usize| {
            let of_arm = residuals.rows.iter().filter(|r| arm_of(r.patient) == arm);
            of_arm.map(|r| (r.fitted, r.pearson)).collect()
        };
        Self {
            outcome: outcome.into(),
            visits: residuals.visits.clone(),
            arms: trial.arms().to_vec(),
            quantiles: normal_quantiles(all),
            quantiles_by_visit: (0..residuals.visits.len()).map(|t| normal_quantiles(at_visit(t))).collect(),
            rows: cells.filter_map(|(a, t)| Spread::of(a, t, cell(a, t))).collect(),
            scatter: (0..trial.arms().len()).map(scatter).collect(),
        }
    }
}

fn normal_quantiles(mut residuals: Vec<f64>) -> Vec<Quantile> {
    residuals.sort_by(f64::total_cmp);
    let n = residuals.len() as f64;
    let quantile = |(k, &observed): (usize, &f64)| {
        let i = k as f64 + 1.0;
        Quantile {
            theoretical: normal::quantile((i - 0.375) / (n + 0.25)),
            observed,
            low: normal::quantile(beta_quantile(0.025, i, n - i + 1.0)),
            high: normal::quantile(beta_quantile(0.975, i, n - i + 1.0)),
        }
    };
    residuals.iter().enumerate().map(quantile).collect()
}

/// The quantile of Beta(a, b), from that of F: if F has 2a and 2b degrees of freedom, aF/(aF + b) has Beta(a, b).
fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let x = a * f::quantile(p, 2.0 * a, 2.0 * b);
    x / (x + b)
}

impl Spread {
    fn of(arm: usize, visit: usize, mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let (first, last) = (*values.first()?, *values.last()?);
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let [q1, median, q3] = [0.25, 0.5, 0.75].map(|p| interpolated(&values, p));
        let reach = 1.5 * (q3 - q1);
        let inside = |v: &f64| (q1 - reach..=q3 + reach).contains(v);
        Some(Self {
            arm,
            visit,
            n,
            mean,
            sd: if n > 1 { (squares / (n - 1) as f64).sqrt() } else { f64::NAN },
            low: values.iter().copied().find(inside).unwrap_or(first),
            first_quartile: q1,
            median,
            third_quartile: q3,
            high: values.iter().rev().copied().find(inside).unwrap_or(last),
            outliers: values.iter().copied().filter(|v| !inside(v)).collect(),
        })
    }
}

/// The `p` quantile of sorted values.
fn interpolated(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    sorted[below] + share * (sorted[(below + 1).min(sorted.len() - 1)] - sorted[below])
}

impl Tabular for Diagnostics {
    fn title(&self) -> String {
        format!("Normalised residuals of {} by arm and visit", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name: &'static str, heading: &str, of: fn(&Spread) -> f64| {
            Column::real(name, heading, Format::Decimals(2), self.rows.iter().map(of))
        };
        vec![
            Column::text("visit", "Visit", self.rows.iter().map(|r| self.visits[r.visit].as_str())),
            Column::text("arm", "Arm", self.rows.iter().map(|r| self.arms[r.arm].as_str())),
            Column::count("n", "n", self.rows.iter().map(|r| r.n)),
            real("mean", "Mean", |r| r.mean),
            real("sd", "SD", |r| r.sd),
            real("first_quartile", "First quartile", |r| r.first_quartile),
            real("median", "Median", |r| r.median),
            real("third_quartile", "Third quartile", |r| r.third_quartile),
            Column::count("outliers", "Beyond whiskers", self.rows.iter().map(|r| r.outliers.len())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "Normalised residuals are independent with mean 0 and SD 1 if the model holds. Whiskers reach to the last value within 1.5 interquartile ranges of the box.".into(),
        ]
    }
}

display_as_table!(Diagnostics);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics_of_a_uniform_have_beta_quantiles() {
        // Beta(1, n) and Beta(n, 1) have closed forms.
        for n in [2.0, 10.0, 500.0] {
            assert!((beta_quantile(0.025, 1.0, n) - (1.0 - 0.975f64.powf(1.0 / n))).abs() < 1e-10);
            assert!((beta_quantile(0.025, n, 1.0) - 0.025f64.powf(1.0 / n)).abs() < 1e-10);
        }
    }

    #[test]
    fn the_band_encloses_the_theoretical_quantiles() {
        let quantiles = normal_quantiles((0..101).map(f64::from).collect());
        assert!(quantiles.iter().all(|q| q.low < q.theoretical && q.theoretical < q.high));
        assert!((quantiles[50].theoretical).abs() < 1e-12);
    }

    #[test]
    fn boxes_are_those_of_tukey() {
        // R: quantile(c(1:9, 30)) is 1, 3.25, 5.5, 7.75, 30; boxplot whiskers by these quartiles reach to 1 and 9.
        let spread = Spread::of(0, 0, (1..=9).map(f64::from).chain([30.0]).collect()).unwrap();
        assert_eq!((spread.first_quartile, spread.median, spread.third_quartile), (3.25, 5.5, 7.75));
        assert_eq!((spread.low, spread.high, spread.outliers), (1.0, 9.0, vec![30.0]));
        assert!(Spread::of(0, 0, vec![]).is_none());
    }
}
