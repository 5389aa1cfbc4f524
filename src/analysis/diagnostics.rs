//! What residuals are drawn as: normal quantiles with a reference band, boxes, and spread by arm and visit.
//!
//! Residuals are those of patients, and a report goes to others: unless individual data are asked for, neighbours are
//! averaged, [`FEW`] or more together, and boxes are made of weighted means of all residuals.

use crate::dist::{f, normal};
use crate::inference::Residuals;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{FEW, Trial};

/// The residuals of a fit, summarised for the eye. Tests of normality are left out on purpose: with few patients they
/// find nothing and with many they find everything.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Diagnostics {
    /// Label of the outcome.
    pub outcome: String,
    /// Labels of the analysed visits.
    pub visits: Vec<String>,
    /// The arms.
    pub arms: Vec<String>,
    /// Whether single residuals are in it; otherwise each point stands for [`FEW`] or more.
    pub individual: bool,
    /// Normalised residuals in order and where a normal sample would have them.
    pub quantiles: Vec<Quantile>,
    /// The same for each visit, in order of visit; a visit's residuals are ordered among themselves.
    pub quantiles_by_visit: Vec<Vec<Quantile>>,
    /// Spread of the normalised residuals, a row an arm and visit.
    pub rows: Vec<Spread>,
    /// Pearson residuals of each arm in order of the fitted values.
    pub scatter: Vec<Vec<ResidualPoint>>,
}

/// One residual, or the mean of some that stand next to one another in order.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Quantile {
    /// Residuals that it stands for.
    pub n: usize,
    /// Φ⁻¹((i − 3/8)/(n + 1/4)) of the ith of n (Blom 1958), or the mean of these.
    pub theoretical: f64,
    /// The residual, or their mean.
    pub observed: f64,
    /// Lower end of the pointwise 95% band: Φ⁻¹ of the 2.5% quantile of Beta(i, n − i + 1), the law of the ith of n
    /// uniform order statistics; or the mean of these ends.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

/// One residual, or the mean of some whose fitted values stand next to one another.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ResidualPoint {
    /// Residuals that it stands for.
    pub n: usize,
    /// The fitted value, or their mean.
    pub fitted: f64,
    /// The Pearson residual, or their mean.
    pub residual: f64,
    /// The standard deviation of the residuals, NaN for one.
    pub sd: f64,
}

/// The normalised residuals of one arm at one visit. Of fewer than [`FEW`] there is only their number, unless
/// individual data are asked for.
#[non_exhaustive]
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
    /// End of the lower whisker: the 10% quantile; with individual data the smallest within 1.5 interquartile ranges of
    /// the box (Tukey 1977).
    pub low: f64,
    /// First quartile, by Harrell and Davis (1982); with individual data by linear interpolation of order statistics
    /// (Hyndman & Fan 1996, type 7). So are the median and the third quartile.
    pub first_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub third_quartile: f64,
    /// End of the upper whisker: the 90% quantile; with individual data the largest within 1.5 interquartile ranges.
    pub high: f64,
    /// How many lie more than 1.5 interquartile ranges from the box.
    pub beyond: usize,
    /// The residuals beyond the whiskers, with individual data.
    pub outliers: Vec<f64>,
}

impl Diagnostics {
    /// Summarises `residuals` of a fit to `trial`, for an outcome labelled `outcome`; with every single residual where
    /// `individual` says so.
    pub fn of(trial: &Trial, outcome: &str, residuals: &Residuals, individual: bool) -> Self {
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
            points(of_arm.map(|r| (r.fitted, r.pearson)).collect(), individual)
        };
        let quantiles = |residuals: Vec<f64>| {
            let single = normal_quantiles(residuals);
            if individual { single } else { grouped_quantiles(&single) }
        };
        let spread = |(a, t)| if individual { Spread::of(a, t, cell(a, t)) } else { Spread::without_individuals(a, t, cell(a, t)) };
        Self {
            outcome: outcome.into(),
            visits: residuals.visits.clone(),
            arms: trial.arms().to_vec(),
            individual,
            quantiles: quantiles(all),
            quantiles_by_visit: (0..residuals.visits.len()).map(|t| quantiles(at_visit(t))).collect(),
            rows: cells.filter_map(spread).collect(),
            scatter: (0..trial.arms().len()).map(scatter).collect(),
        }
    }
}

/// Neighbours averaged: [`FEW`] or more, as many as lie within a fifth of a standard deviation of the normal.
fn grouped_quantiles(single: &[Quantile]) -> Vec<Quantile> {
    const APART: f64 = 0.2;
    let groups = grouped(single, |group, next| next.theoretical - group[0].theoretical >= APART);
    let mean = |group: &[Quantile], of: fn(&Quantile) -> f64| group.iter().map(of).sum::<f64>() / group.len() as f64;
    let point = |group: &[Quantile]| Quantile {
        n: group.len(),
        theoretical: mean(group, |q| q.theoretical),
        observed: mean(group, |q| q.observed),
        low: mean(group, |q| q.low),
        high: mean(group, |q| q.high),
    };
    groups.into_iter().map(point).collect()
}

/// Residuals by fitted value: every one, or groups of [`FEW`] or more, at most about a dozen an arm.
fn points(mut pairs: Vec<(f64, f64)>, individual: bool) -> Vec<ResidualPoint> {
    const GROUPS: usize = 12;
    pairs.retain(|(fitted, residual)| fitted.is_finite() && residual.is_finite());
    if individual {
        return pairs.into_iter().map(|(fitted, residual)| ResidualPoint { n: 1, fitted, residual, sd: f64::NAN }).collect();
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let enough = FEW.max(pairs.len().div_ceil(GROUPS));
    // Equal fitted values stay together.
    let groups = grouped(&pairs, |group, next| group.len() >= enough && next.0 > group[group.len() - 1].0);
    let point = |group: &[(f64, f64)]| {
        let n = group.len() as f64;
        let residual = group.iter().map(|p| p.1).sum::<f64>() / n;
        let squares: f64 = group.iter().map(|p| (p.1 - residual).powi(2)).sum();
        ResidualPoint { n: group.len(), fitted: group.iter().map(|p| p.0).sum::<f64>() / n, residual, sd: (squares / (n - 1.0)).sqrt() }
    };
    groups.into_iter().map(point).collect()
}

/// Consecutive groups of [`FEW`] or more, each ended where `ends` says so of it and the value that follows; nothing of
/// fewer values.
fn grouped<T>(values: &[T], ends: impl Fn(&[T], &T) -> bool) -> Vec<&[T]> {
    let (mut first, mut groups) = (0, vec![]);
    for next in 1..values.len() {
        if next - first >= FEW && values.len() - next >= FEW && ends(&values[first..next], &values[next]) {
            groups.push(&values[first..next]);
            first = next;
        }
    }
    if values.len() - first >= FEW {
        groups.push(&values[first..]);
    }
    groups
}

fn normal_quantiles(mut residuals: Vec<f64>) -> Vec<Quantile> {
    residuals.sort_by(f64::total_cmp);
    let n = residuals.len() as f64;
    let quantile = |(k, &observed): (usize, &f64)| {
        let i = k as f64 + 1.0;
        Quantile {
            n: 1,
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
        let (first, last) = (*values.first()?, *values.last()?);
        let (mean, sd) = moments(&values);
        let [q1, median, q3] = [0.25, 0.5, 0.75].map(|p| interpolated(&values, p));
        let reach = 1.5 * (q3 - q1);
        let inside = |v: &f64| (q1 - reach..=q3 + reach).contains(v);
        let outliers: Vec<f64> = values.iter().copied().filter(|v| !inside(v)).collect();
        Some(Self {
            arm,
            visit,
            n: values.len(),
            mean,
            sd,
            low: values.iter().copied().find(inside).unwrap_or(first),
            first_quartile: q1,
            median,
            third_quartile: q3,
            high: values.iter().rev().copied().find(inside).unwrap_or(last),
            beyond: outliers.len(),
            outliers,
        })
    }

    /// The same from weighted means of all values.
    fn without_individuals(arm: usize, visit: usize, mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let few = values.len() < FEW;
        let (mean, sd) = if few { (f64::NAN, f64::NAN) } else { moments(&values) };
        let [low, q1, median, q3, high] = [0.1, 0.25, 0.5, 0.75, 0.9].map(|p| if few { f64::NAN } else { weighted(&values, p) });
        let reach = 1.5 * (q3 - q1);
        let beyond = values.iter().filter(|v| **v < q1 - reach || **v > q3 + reach).count();
        let n = values.len();
        Some(Self { arm, visit, n, mean, sd, low, first_quartile: q1, median, third_quartile: q3, high, beyond, outliers: vec![] })
    }

    /// Whether there is more of it than the number of residuals.
    pub fn is_drawn(&self) -> bool {
        self.median.is_finite()
    }
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, if n > 1 { (squares / (n - 1) as f64).sqrt() } else { f64::NAN })
}

/// The `p` quantile of sorted values as a mean of all of them, weighted by the law of the order statistic that would be
/// the quantile: Beta((n + 1)p, (n + 1)(1 − p)) (Harrell & Davis 1982, Biometrika 69:635–640).
fn weighted(sorted: &[f64], p: f64) -> f64 {
    let n = sorted.len() as f64;
    let (a, b) = ((n + 1.0) * p, (n + 1.0) * (1.0 - p));
    let below = |i: usize| if i == sorted.len() { 1.0 } else { beta_cdf(i as f64 / n, a, b) };
    sorted.iter().enumerate().map(|(i, x)| (below(i + 1) - below(i)) * x).sum()
}

/// P(B ≤ x) of Beta(a, b), from the law of F; see [`beta_quantile`].
fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    f::cdf(b * x / (a * (1.0 - x)), 2.0 * a, 2.0 * b)
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
            Column::count("outliers", "Outliers", self.rows.iter().map(|r| r.beyond)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let made = match self.individual {
            true => "Quartiles by linear interpolation.".into(),
            false => format!("Quartiles by Harrell and Davis; fewer than {FEW} residuals are counted only."),
        };
        vec![format!(
            "Normalised residuals are independent with mean 0 and SD 1 if the model holds. Outliers lie more than 1.5 interquartile ranges from \
             the quartiles. {made}"
        )]
    }
}

display_as_table!(Diagnostics);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_standard_deviations_are_those_of_a_sample() {
        let (mean, sd) = moments(&[1.0, 2.0, 6.0]);
        assert!((mean - 3.0).abs() < 1e-15 && (sd - 7.0_f64.sqrt()).abs() < 1e-15);
        assert!(moments(&[4.0]).1.is_nan());
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(interpolated(&[3.0], 0.75), 3.0);
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|p| interpolated(&[1.0, 2.0, 6.0], p)), [1.0, 1.5, 2.0, 6.0]);
    }

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
    fn groups_have_five_residuals_or_more_and_the_mean_of_all() {
        for n in [0, 4, 5, 9, 10, 11, 137, 1000] {
            let single = normal_quantiles((0..n).map(|i| f64::from(i * 37 % 101)).collect());
            let groups = grouped_quantiles(&single);
            assert!(groups.iter().all(|g| g.n >= FEW), "{n}");
            assert_eq!(groups.iter().map(|g| g.n).sum::<usize>(), if n < 5 { 0 } else { n as usize });
            let total = |all: &[Quantile]| all.iter().map(|q| q.n as f64 * q.observed).sum::<f64>();
            assert!(n < 5 || (total(&groups) - total(&single)).abs() < 1e-9 * total(&single).max(1.0));
            assert!(groups.is_sorted_by(|a, b| a.theoretical < b.theoretical));
        }
        assert!(grouped_quantiles(&normal_quantiles((0..500).map(f64::from).collect())).len() > 15, "there is a curve to see");
    }

    #[test]
    fn equal_fitted_values_stay_together() {
        let pairs: Vec<(f64, f64)> = (0..60).map(|i| (f64::from(i / 15), f64::from(i % 15))).collect();
        let found = points(pairs.clone(), false);
        assert_eq!(found.iter().map(|p| (p.n, p.fitted, p.residual)).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0].map(|x| (15, x, 7.0)));
        // The variance of 0 to 14 is (15² − 1)/12 · 15/14.
        assert!((found[0].sd - 20.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(points(pairs, true).len(), 60);
        assert!(points(vec![(1.0, 2.0); 4], false).is_empty());
    }

    #[test]
    fn quantiles_weigh_all_values() {
        // The weights of three values at the median are the thirds of Beta(2, 2), whose distribution function is 3x² − 2x³.
        let sorted = [0.0, 1.0, 5.0];
        assert!((weighted(&sorted, 0.5) - (13.0 + 5.0 * 7.0) / 27.0).abs() < 1e-12);
        let spread = Spread::without_individuals(0, 0, (1..=9).map(f64::from).chain([30.0]).collect()).unwrap();
        assert_eq!((spread.beyond, spread.outliers.len(), spread.n), (1, 0, 10));
        for value in (1..=9).map(f64::from).chain([30.0]) {
            let shown = [spread.mean, spread.low, spread.first_quartile, spread.median, spread.third_quartile, spread.high];
            assert!(shown.iter().all(|x| (x - value).abs() > 1e-6), "{value} can be read off {shown:?}");
        }
        let few = Spread::without_individuals(0, 0, vec![1.0, 2.0]).unwrap();
        assert!(few.n == 2 && few.mean.is_nan() && !few.is_drawn());
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
