//! Pooled results: estimates of a model's coefficients, or of whatever was made of the completed data.

use super::analysis::{Analysed, CompletedAnalysis, Prepared};
use super::imputations::{Completed, Imputations};
use super::pooling::{Rule, Scalar};
use crate::design::{Account, Columns};
use crate::error::{Error, Result};
use crate::estimates::Estimates;
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, counted, display_as_table};
use nalgebra::{DMatrix, DVector};

/// The coefficients of an analysis of completed data, pooled over the data sets: [`Estimates`], so that marginal means,
/// contrasts, tests and effect sizes follow. F tests of several rows take the degrees of freedom of each (Fai and Cornelius).
pub struct Pooled {
    prepared: Prepared,
    rule: Rule,
    beta: Vec<f64>,
    vcov: DMatrix<f64>,
    /// Estimates of each data set.
    sets: Vec<DVector<f64>>,
    /// Covariances of each data set, where the rule takes them.
    within: Vec<DMatrix<f64>>,
    notes: Vec<String>,
}

impl std::fmt::Debug for Pooled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pooled").field("rule", &self.rule).field("sets", &self.sets.len()).field("beta", &self.beta).finish_non_exhaustive()
    }
}

impl Imputations<'_> {
    /// Every data set analysed, the results pooled. A replicate that cannot be analysed is left out and counted; where Rubin's
    /// rules or those of von Hippel and Bartlett need every data set, it is an error.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the analysis does not go with the data or fails, [`Error::Unknown`] for names that the trial does
    /// not have.
    pub fn estimates(&self, analysis: &CompletedAnalysis) -> Result<Pooled> {
        let prepared = Prepared::of(self, analysis)?;
        let (found, failures) = self.each(|completed| prepared.analysed(completed))?;
        let mut notes = self.notes(&failures, found.len());
        notes.insert(notes.len() - 1, prepared.words.clone());
        if let (Rule::Rubin { .. }, Some(df)) = (self.rule(), analysis.df_words()) {
            notes.push(format!("Degrees of freedom with complete data: {}.", df.words()));
        }
        Pooled::of(prepared, self.rule(), found, notes)
    }

    /// Numbers that `of` makes of every data set, with their variances, pooled one by one: for analyses that are none of
    /// [`CompletedAnalysis`].
    ///
    /// ```
    /// use trialstats::imputation::{DrawMethod, Draws, Quantity, ReferenceBased, Strategy};
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let fit = Model::formula("CHANGE ~ THERAPY * VISIT")?.fit(&trial)?;
    /// let imputations = fit.imputations(&trial, &ReferenceBased::new(Strategy::Mar), &Draws::new(DrawMethod::Bayesian).number(50))?;
    /// // The share of everyone who improved by eight points or more at the last visit.
    /// let table = imputations.pool(0.95, |completed| {
    ///     let n = completed.patients().len() as f64;
    ///     let met = (0..completed.patients().len()).filter(|&i| completed.value(i, 3).is_some_and(|y| y <= -8.0)).count();
    ///     let share = met as f64 / n;
    ///     Ok(vec![Quantity::new("improved by 8", share).variance(share * (1.0 - share) / n)])
    /// })?;
    /// assert!(table.rows[0].estimate > 0.2 && table.rows[0].estimate < 0.6);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever `of` says of a data set that is needed; [`Error::Invalid`] where data sets yield other quantities than the first.
    pub fn pool(&self, level: f64, of: impl Fn(&Completed<'_>) -> Result<Vec<Quantity>> + Sync) -> Result<PooledTable> {
        check_level(level)?;
        let (found, failures) = self.each(|completed| of(completed).map_err(|error| error.to_string()))?;
        if let Some(other) = found.iter().position(|set| set.len() != found[0].len()) {
            return Err(Error::wrong_number(
                "what is made of completed data",
                format!(
                    "it is {} of the first data set and {} of number {}",
                    counted(found[0].len(), "number"),
                    found[other].len(),
                    other + 1
                ),
                "make the same of each",
            ));
        }
        let rule = self.rule();
        let row = |k: usize| {
            let estimates: Vec<f64> = found.iter().map(|set| set[k].estimate).collect();
            let variances: Vec<f64> = found.iter().map(|set| set[k].variance).collect();
            PooledRow::of(&found[0][k].label, &rule.pool(&estimates, &variances, found[0][k].df, level), level)
        };
        let rows = (0..found[0].len()).map(row).collect();
        Ok(PooledTable { level, rows, notes: self.notes(&failures, found.len()) })
    }
}

impl Pooled {
    fn of(prepared: Prepared, rule: Rule, found: Vec<Analysed>, notes: Vec<String>) -> Result<Self> {
        let (sets, within): (Vec<DVector<f64>>, Vec<DMatrix<f64>>) = found.into_iter().map(|(b, v)| (DVector::from_vec(b), v)).unzip();
        let needed = if matches!(rule, Rule::Rubin { .. }) { 2 } else { 3 };
        if sets.len() < needed {
            return Err(Error::too_few_replicates(
                "pooling",
                format!("{} data sets could be analysed", sets.len()),
                "use a simpler analysis",
            ));
        }
        let (beta, vcov) = combined(&rule, &sets, &within);
        let within = if matches!(rule, Rule::Rubin { .. }) { within } else { vec![] };
        Ok(Self { prepared, rule, beta: beta.iter().copied().collect(), vcov, sets, within, notes })
    }

    /// The pooled l'β with Monte-Carlo errors, for one weight per column.
    ///
    /// # Errors
    /// As [`Estimates::estimate`].
    pub fn quantity(&self, label: &str, l: &[f64], level: f64) -> Result<PooledRow> {
        check_level(level)?;
        crate::estimates::determined(self.columns(), self.account(), label, l)?;
        Ok(PooledRow::of(label, &self.scalar(l, level), level))
    }

    fn scalar(&self, l: &[f64], level: f64) -> Scalar {
        let weighed: Vec<usize> = (0..l.len()).filter(|&c| l[c] != 0.0 && !self.beta[c].is_nan()).collect();
        let estimates: Vec<f64> = self.sets.iter().map(|b| weighed.iter().map(|&c| l[c] * b[c]).sum()).collect();
        let variance = |v: &DMatrix<f64>| weighed.iter().flat_map(|&a| weighed.iter().map(move |&b| l[a] * v[(a, b)] * l[b])).sum();
        let variances: Vec<f64> = self.within.iter().map(variance).collect();
        self.rule.pool(&estimates, &variances, self.prepared.complete_df(l), level)
    }

    /// The number of data sets that were analysed.
    pub fn sets(&self) -> usize {
        self.sets.len()
    }
}

/// The pooled coefficients and their covariance.
fn combined(rule: &Rule, sets: &[DVector<f64>], within: &[DMatrix<f64>]) -> (DVector<f64>, DMatrix<f64>) {
    let spread = |sets: &[DVector<f64>]| {
        let centre = centre(sets);
        let p = centre.len();
        let mut sum = DMatrix::zeros(p, p);
        for set in sets {
            let from = set - &centre;
            sum.ger(1.0, &from, &from, 1.0);
        }
        (centre, sum)
    };
    match rule {
        Rule::Rubin { .. } => {
            let m = sets.len() as f64;
            let (centre, sum) = spread(sets);
            let p = centre.len();
            let inside = within.iter().fold(DMatrix::zeros(p, p), |sum, v| sum + v) / m;
            (centre, inside + sum * ((1.0 + 1.0 / m) / (m - 1.0)))
        }
        Rule::VonHippelBartlett { each } => {
            let (d, b) = (*each as f64, (sets.len() / each) as f64);
            let means: Vec<DVector<f64>> = sets.chunks(*each).map(centre).collect();
            let (centre, sum) = spread(&means);
            let between = sum * (d / (b - 1.0));
            let p = centre.len();
            let inside = sets.chunks(*each).fold(DMatrix::zeros(p, p), |total, chunk| total + spread(chunk).1) / (b * (d - 1.0));
            (centre, (between * (1.0 + 1.0 / b) - inside) / d)
        }
        Rule::Jackknife => {
            let m = sets.len() as f64 - 1.0;
            (sets[0].clone(), spread(&sets[1..]).1 * ((m - 1.0) / m))
        }
        Rule::Bootstrap { .. } => (sets[0].clone(), spread(&sets[1..]).1 / (sets.len() as f64 - 2.0)),
    }
}

fn centre(sets: &[DVector<f64>]) -> DVector<f64> {
    sets.iter().fold(DVector::zeros(sets[0].len()), |sum, set| sum + set) / sets.len() as f64
}

impl Estimates for Pooled {
    fn columns(&self) -> &Columns {
        &self.prepared.columns
    }

    fn account(&self) -> &Account {
        &self.prepared.account
    }

    fn beta(&self) -> &[f64] {
        &self.beta
    }

    fn vcov(&self) -> &DMatrix<f64> {
        &self.vcov
    }

    fn df(&self, l: &[f64]) -> f64 {
        self.scalar(l, 0.95).df
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// A number that was made of a completed data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    label: String,
    estimate: f64,
    variance: f64,
    df: f64,
}

impl Quantity {
    /// An estimate with its name; its variance is needed by Rubin's rules, and is 0 until stated.
    pub fn new(label: impl Into<String>, estimate: f64) -> Self {
        Self { label: label.into(), estimate, variance: 0.0, df: f64::INFINITY }
    }

    /// Its variance with complete data.
    pub fn variance(mut self, variance: f64) -> Self {
        self.variance = variance;
        self
    }

    /// Its degrees of freedom with complete data; infinite until stated.
    pub fn df(mut self, df: f64) -> Self {
        self.df = df;
        self
    }
}

/// Pooled numbers.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PooledTable {
    /// Confidence level.
    pub level: f64,
    /// The numbers, in the order of what was made of each data set.
    pub rows: Vec<PooledRow>,
    /// How everything was made, one sentence each.
    pub notes: Vec<String>,
}

/// A pooled number.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PooledRow {
    /// What it is.
    pub label: String,
    /// The pooled estimate.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its degrees of freedom; infinite for the normal distribution.
    pub df: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// Two-sided p-value of zero.
    pub p: f64,
    /// The standard deviation of the estimate over repetitions of the drawing.
    pub monte_carlo_error: f64,
    /// The same of the standard error.
    pub monte_carlo_error_of_se: f64,
}

impl PooledRow {
    pub(super) fn of(label: &str, scalar: &Scalar, level: f64) -> Self {
        let (lower, upper) = scalar.interval(level);
        Self {
            label: label.into(),
            estimate: scalar.estimate,
            se: scalar.se,
            df: scalar.df,
            lower,
            upper,
            p: scalar.p(),
            monte_carlo_error: scalar.monte_carlo,
            monte_carlo_error_of_se: scalar.monte_carlo_se,
        }
    }
}

impl Tabular for PooledTable {
    fn title(&self) -> String {
        "Pooled over imputed data sets".into()
    }

    fn columns(&self) -> Vec<Column> {
        let real = |f: fn(&PooledRow) -> f64| self.rows.iter().map(f).collect::<Vec<_>>();
        let ses = real(|r| r.se);
        let interval = percent(self.level);
        vec![
            Column::text("quantity", "quantity", self.rows.iter().map(|r| r.label.as_str())),
            Column::by_error("estimate", "estimate", real(|r| r.estimate), ses.clone()),
            Column::by_error("se", "SE", ses.clone(), ses.clone()),
            Column::real("df", "df", Format::Decimals(1), real(|r| r.df)),
            Column::by_error("lower", &format!("lower {interval}"), real(|r| r.lower), ses.clone()),
            Column::by_error("upper", &format!("upper {interval}"), real(|r| r.upper), ses),
            Column::real("p", "p", Format::Probability, real(|r| r.p)),
            Column::by_error("monte_carlo_error", "MC error", real(|r| r.monte_carlo_error), real(|r| 0.1 * r.se)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(PooledTable);
