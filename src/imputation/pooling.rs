//! One answer from many data sets.

use super::chains::effective_size;
use crate::bootstrap::order_quantile;
use crate::dist::{normal, t as student};
use crate::table::counted;

/// How the estimates of the data sets become one, with its standard error.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    /// Rubin (1987), degrees of freedom of Barnard and Rubin (1999); the number of data sets of each chain of a sampler.
    Rubin { chains: Vec<usize> },
    /// Von Hippel and Bartlett (2021, Statistical Science 36:400–420): so many imputations of each bootstrap sample.
    VonHippelBartlett { each: usize },
    /// The first data set has the estimate; the others leave out a patient each.
    Jackknife,
    /// The first data set has the estimate; the others are bootstrap samples.
    Bootstrap { percentile: bool },
}

/// A pooled estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scalar {
    pub estimate: f64,
    pub se: f64,
    /// Infinite for the normal distribution.
    pub df: f64,
    /// The standard deviation of the estimate over repetitions of the drawing; 0 where nothing is drawn.
    pub monte_carlo: f64,
    /// The same of the standard error.
    pub monte_carlo_se: f64,
    /// Limits read off the replicates, where they are.
    pub limits: Option<(f64, f64)>,
}

impl Rule {
    /// Pools the estimates and their variances; `complete_df` are the degrees of freedom with complete data.
    pub fn pool(&self, estimates: &[f64], variances: &[f64], complete_df: f64, level: f64) -> Scalar {
        match self {
            Rule::Rubin { chains } => rubin(estimates, variances, complete_df, chains),
            Rule::VonHippelBartlett { each } => von_hippel_bartlett(estimates, *each),
            Rule::Jackknife => {
                let rest = &estimates[1..];
                let m = rest.len() as f64;
                let se = ((m - 1.0) / m * squares(rest)).sqrt();
                Scalar::normal(estimates[0], se)
            }
            Rule::Bootstrap { percentile } => {
                let rest = &estimates[1..];
                let free = rest.len() as f64 - 1.0;
                let se = (squares(rest) / free).sqrt();
                let mut sorted = rest.to_vec();
                sorted.sort_by(f64::total_cmp);
                let tail = 0.5 * (1.0 - level);
                let limits = percentile.then(|| (order_quantile(&sorted, tail), order_quantile(&sorted, 1.0 - tail)));
                let monte_carlo_se = se / (2.0 * free).sqrt();
                Scalar { monte_carlo_se, limits, ..Scalar::normal(estimates[0], se) }
            }
        }
    }

    /// A sentence for notes.
    pub fn words(&self, sets: usize) -> String {
        match self {
            Rule::Rubin { .. } => format!(
                "{sets} data sets are pooled by Rubin's rules (information-anchored), with the degrees of freedom of Barnard and Rubin (1999)."
            ),
            Rule::VonHippelBartlett { each } => format!(
                "{} bootstrap samples are imputed {each} times each and pooled by the variance components of von Hippel and Bartlett (2021): standard errors \
                 over repetitions of the trial.",
                sets / each
            ),
            Rule::Jackknife => "Standard errors by the jackknife: the model, the imputation and the analysis without each patient in turn; normal quantiles.".into(),
            Rule::Bootstrap { percentile } => format!(
                "Standard errors by the bootstrap: the model, the imputation and the analysis in {}; {}.",
                counted(sets - 1, "sample of the patients"),
                if *percentile { "intervals are quantiles of the replicates, p-values normal" } else { "normal quantiles" }
            ),
        }
    }
}

impl Scalar {
    /// With a normal distribution, and nothing drawn.
    pub fn normal(estimate: f64, se: f64) -> Self {
        Self { estimate, se, df: f64::INFINITY, monte_carlo: 0.0, monte_carlo_se: 0.0, limits: None }
    }

    /// Confidence limits.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        self.limits.unwrap_or_else(|| {
            let quantile = quantile(self.df, level);
            (self.estimate - quantile * self.se, self.estimate + quantile * self.se)
        })
    }

    /// The two-sided p-value of zero.
    pub fn p(&self) -> f64 {
        let t = (self.estimate / self.se).abs();
        if self.df.is_infinite() { 2.0 * normal::sf(t) } else { student::two_sided_p(t, self.df) }
    }
}

/// How many standard errors a limit of this level is from the estimate.
pub(super) fn quantile(df: f64, level: f64) -> f64 {
    let tail = 0.5 + 0.5 * level;
    if df.is_infinite() { normal::quantile(tail) } else { student::quantile(tail, df) }
}

/// Rubin's rules from the mean of the estimates and of their variances and the variance between them, of `m` data sets;
/// without Monte-Carlo errors.
pub(super) fn pooled(m: f64, estimate: f64, within: f64, between: f64, complete_df: f64) -> Scalar {
    let inflated = (1.0 + 1.0 / m) * between;
    let total = within + inflated;
    Scalar { df: barnard_rubin(m, inflated, total, complete_df), ..Scalar::normal(estimate, total.sqrt()) }
}

/// T = Ū + (1 + 1/M)B.
fn rubin(estimates: &[f64], variances: &[f64], complete_df: f64, chains: &[usize]) -> Scalar {
    let m = estimates.len() as f64;
    let estimate = mean(estimates);
    let (within, between) = (mean(variances), squares(estimates) / (m - 1.0));
    let found = pooled(m, estimate, within, between, complete_df);
    let effective = independent(estimates, chains);
    let of_between = (1.0 + 1.0 / m).powi(2) * 2.0 * between * between / (effective - 1.0).max(1.0);
    let of_within = squares(variances) / (m - 1.0) / effective;
    Scalar { monte_carlo: (between / effective).sqrt(), monte_carlo_se: (of_between + of_within).sqrt() / (2.0 * found.se), ..found }
}

/// 1/ν = 1/ν_M + 1/ν_obs, ν_M = (M − 1)/λ², ν_obs = ν(ν + 1)/(ν + 3) · (1 − λ), λ = (1 + 1/M)B/T (Barnard and Rubin 1999,
/// Biometrika 86:948–955, equation 3).
pub(super) fn barnard_rubin(m: f64, inflated: f64, total: f64, complete: f64) -> f64 {
    let share = inflated / total;
    let of_draws = if share > 0.0 { (m - 1.0) / (share * share) } else { f64::INFINITY };
    let observed = if complete.is_infinite() { f64::INFINITY } else { complete * (complete + 1.0) / (complete + 3.0) * (1.0 - share) };
    1.0 / (1.0 / of_draws + 1.0 / observed)
}

/// With MSB and MSW the mean squares between and within bootstrap samples of D imputations each: V = ((1 + 1/B)MSB − MSW)/D,
/// degrees of freedom by Satterthwaite's approximation, at least 3 (von Hippel and Bartlett 2021, section 4.3).
fn von_hippel_bartlett(estimates: &[f64], each: usize) -> Scalar {
    let (d, b) = (each as f64, (estimates.len() / each) as f64);
    let means: Vec<f64> = estimates.chunks(each).map(mean).collect();
    let within = estimates.chunks(each).map(squares).sum::<f64>() / (b * (d - 1.0));
    let between = d * squares(&means) / (b - 1.0);
    let variance = ((1.0 + 1.0 / b) * between - within) / d;
    let (se, df) = components(variance, between, within, b, d);
    let (monte_carlo, monte_carlo_se) = ((between / (b * d)).sqrt(), se / (2.0 * df).sqrt());
    Scalar { estimate: mean(&means), se, df, monte_carlo, monte_carlo_se, limits: None }
}

/// The standard error and degrees of freedom of a difference of mean squares; zero where it is negative.
pub(super) fn components(variance: f64, between: f64, within: f64, b: f64, d: f64) -> (f64, f64) {
    let spread = ((b + 1.0) / (b * d)).powi(2) * between * between / (b - 1.0) + within * within / (b * d * d * (d - 1.0));
    (variance.max(0.0).sqrt(), (variance * variance / spread).max(3.0))
}

/// The number of independent estimates that these are worth.
fn independent(estimates: &[f64], chains: &[usize]) -> f64 {
    if chains.is_empty() {
        return estimates.len() as f64;
    }
    let mut from = 0;
    let chain = |&length: &usize| {
        from += length;
        estimates[from - length..from].to_vec()
    };
    effective_size(&chains.iter().map(chain).collect::<Vec<_>>())
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn squares(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|x| (x - centre).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the formulas written out with the numbers of a small example.
    #[test]
    fn rubins_rules_are_those_of_the_papers() {
        let (estimates, variances) = ([1.0, 1.4, 0.9, 1.2, 1.5], [0.20, 0.22, 0.18, 0.21, 0.19]);
        let pooled = Rule::Rubin { chains: vec![] }.pool(&estimates, &variances, 40.0, 0.95);
        // B = 0.065, Ū = 0.2, T = 0.2 + 1.2·0.065 = 0.278, λ = 0.078/0.278.
        let lambda: f64 = 0.078 / 0.278;
        let (old, observed) = (4.0 / (lambda * lambda), 40.0 * 41.0 / 43.0 * (1.0 - lambda));
        assert!((pooled.estimate - 1.2).abs() < 1e-15 && (pooled.se - 0.278_f64.sqrt()).abs() < 1e-15);
        assert!((pooled.df - old * observed / (old + observed)).abs() < 1e-12);
        assert!((pooled.monte_carlo - (0.065_f64 / 5.0).sqrt()).abs() < 1e-15);
        let same = Rule::Rubin { chains: vec![] }.pool(&[1.0; 5], &variances, 40.0, 0.95);
        assert_eq!((same.se, same.monte_carlo), (0.2_f64.sqrt(), 0.0));
        assert!((same.df - 40.0 * 41.0 / 43.0).abs() < 1e-12);
    }

    #[test]
    fn variance_components_are_those_of_a_one_way_table() {
        // Means 1, 2, 3, 6 of pairs ± 0.5: MSW = 4·0.5/4, MSB = 2·14/3.
        let estimates = [0.5, 1.5, 1.5, 2.5, 2.5, 3.5, 5.5, 6.5];
        let pooled = Rule::VonHippelBartlett { each: 2 }.pool(&estimates, &[], f64::INFINITY, 0.95);
        let (between, within) = (2.0 * 14.0 / 3.0, 0.5);
        let variance = 0.5 * (1.25 * between - within);
        assert!((pooled.estimate - 3.0).abs() < 1e-15 && (pooled.se - f64::sqrt(variance)).abs() < 1e-14);
        let spread = (5.0 / 8.0_f64).powi(2) * between * between / 3.0 + within * within / 16.0;
        assert!((pooled.df - (variance * variance / spread).max(3.0)).abs() < 1e-12);
    }

    #[test]
    fn replicates_give_their_own_spread() {
        let values = [5.0, 1.0, 2.0, 3.0, 4.0];
        let jackknife = Rule::Jackknife.pool(&values, &[], f64::INFINITY, 0.95);
        assert_eq!((jackknife.estimate, jackknife.se), (5.0, (0.75 * 5.0_f64).sqrt()));
        let bootstrap = Rule::Bootstrap { percentile: true }.pool(&values, &[], f64::INFINITY, 0.2);
        assert!((bootstrap.se - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        // The (R + 1)·0.4 = second smallest and the third.
        assert_eq!(bootstrap.interval(0.2), (2.0, 3.0));
    }
}
