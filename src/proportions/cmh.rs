//! The Cochran–Mantel–Haenszel statistics of several groups, several outcomes and several strata.

use super::common_ratio::StrataTest;
use crate::error::{Error, Result};
use crate::options::choices;
use nalgebra::{DMatrix, DVector};

/// What the scores of ordered rows and columns are.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScoreType {
    /// The values given, 1, 2, 3, … if none are.
    #[default]
    Table,
    /// Midranks within the stratum.
    Rank,
    /// Midranks over the stratum's total.
    Ridit,
    /// Midranks over the stratum's total and one: van Elteren's test for row means.
    ModifiedRidit,
}

choices! {
    ScoreType, "scores":
    Table = "table", [], "the values given, or 1, 2, 3, …";
    Rank = "rank", [], "midranks within the stratum";
    Ridit = "ridit", [], "midranks over the stratum's total";
    ModifiedRidit = "modified-ridit", ["modridit"], "midranks over the stratum's total and one (van Elteren)";
}

/// Scores of rows and columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CmhOptions {
    scores: ScoreType,
    rows: Option<Vec<f64>>,
    columns: Option<Vec<f64>>,
}

impl CmhOptions {
    /// Scores 1, 2, 3, ….
    pub fn new() -> Self {
        Self::default()
    }

    /// What scores are.
    pub fn scores(mut self, scores: ScoreType) -> Self {
        self.scores = scores;
        self
    }

    /// The rows' values for [`ScoreType::Table`].
    pub fn rows(mut self, values: impl Into<Vec<f64>>) -> Self {
        self.rows = Some(values.into());
        self
    }

    /// The columns' values for [`ScoreType::Table`].
    pub fn columns(mut self, values: impl Into<Vec<f64>>) -> Self {
        self.columns = Some(values.into());
        self
    }
}

/// The three Cochran–Mantel–Haenszel statistics.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct CochranMantelHaenszel {
    /// Nonzero correlation: ordered rows and ordered columns, 1 degree of freedom.
    pub correlation: StrataTest,
    /// Row mean scores differ: ordered columns, rows − 1 degrees of freedom.
    pub row_mean_scores: StrataTest,
    /// General association, (rows − 1)(columns − 1) degrees of freedom.
    pub general_association: StrataTest,
}

/// The Cochran–Mantel–Haenszel statistics of tables stratum × row × column (Landis, Heyman and Koch 1978, *International
/// Statistical Review* 46:237–254): Q = G'V⁻¹G for G the strata's sum of observed less expected cells, or of linear functions of
/// them by scores, as SAS's PROC FREQ computes them. Rows or columns that are empty in all strata cost degrees of freedom.
///
/// # Errors
/// [`Error::Invalid`] if there is no table, tables differ in shape or have fewer than two rows or columns, or scores are not
/// as many.
///
/// ```
/// use trialstats::proportions::{CmhOptions, cochran_mantel_haenszel};
/// // SAS's migraine data: better or same, with the active treatment and with placebo, among women and among men.
/// let tables = [vec![vec![16, 11], vec![5, 20]], vec![vec![12, 16], vec![7, 19]]];
/// let cmh = cochran_mantel_haenszel(&tables, &CmhOptions::new())?;
/// assert_eq!(format!("{:.4} {:.4}", cmh.general_association.statistic, cmh.general_association.p), "8.3052 0.0040");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn cochran_mantel_haenszel(tables: &[Vec<Vec<usize>>], options: &CmhOptions) -> Result<CochranMantelHaenszel> {
    let (rows, columns) = shape(tables)?;
    let given = |values: &Option<Vec<f64>>, count: usize, what: &str| match values {
        Some(values) if values.len() != count || values.iter().any(|v| !v.is_finite()) => Err(Error::wrong_number(
            format!("{} scores of {what}", values.len()),
            format!("there are {count} {what}"),
            "give one number each",
        )),
        Some(values) => Ok(values.clone()),
        None => Ok((1..=count).map(|k| k as f64).collect()),
    };
    let (row_values, column_values) = (given(&options.rows, rows, "rows")?, given(&options.columns, columns, "columns")?);
    let mut sums = [Sum::new(1), Sum::new(rows - 1), Sum::new((rows - 1) * (columns - 1))];
    for table in tables {
        let stratum = Stratum::of(table);
        if stratum.n < 2.0 {
            continue;
        }
        let scores = |values: &[f64], margin: &DVector<f64>| scores(options.scores, values, margin);
        let (by_row, by_column) = (scores(&row_values, &stratum.rows), scores(&column_values, &stratum.columns));
        let (some_rows, some_columns) = (all_but_last(rows), all_but_last(columns));
        for (sum, (r, c)) in sums.iter_mut().zip([(&by_row, &by_column), (&some_rows, &by_column), (&some_rows, &some_columns)]) {
            stratum.add_to(sum, r, c);
        }
    }
    let [correlation, row_mean_scores, general_association] = sums.map(|sum| sum.test());
    Ok(CochranMantelHaenszel { correlation, row_mean_scores, general_association })
}

fn shape(tables: &[Vec<Vec<usize>>]) -> Result<(usize, usize)> {
    let what = "a Cochran–Mantel–Haenszel test";
    let Some(first) = tables.first() else {
        return Err(Error::no_data(what, "there is no table", "give one table per stratum"));
    };
    let (rows, columns) = (first.len(), first.first().map_or(0, Vec::len));
    if rows < 2 || columns < 2 {
        return Err(Error::nothing_to_compare(what, format!("a table is {rows} × {columns}"), "give at least two rows and two columns"));
    }
    match tables.iter().all(|table| table.len() == rows && table.iter().all(|row| row.len() == columns)) {
        true => Ok((rows, columns)),
        false => {
            Err(Error::wrong_number(what, format!("not every table is {rows} × {columns} as the first"), "fill empty cells with zeros"))
        }
    }
}

/// The identity without its last row: functions that together say all there is.
fn all_but_last(count: usize) -> DMatrix<f64> {
    DMatrix::identity(count - 1, count)
}

/// The scores as a matrix of one row.
fn scores(kind: ScoreType, values: &[f64], margin: &DVector<f64>) -> DMatrix<f64> {
    let n = margin.sum();
    let mut below = 0.0;
    let ranks = margin.iter().map(|count| {
        let rank = below + 0.5 * (count + 1.0);
        below += count;
        rank
    });
    let ranks: Vec<f64> = ranks.collect();
    let of: Vec<f64> = match kind {
        ScoreType::Table => values.to_vec(),
        ScoreType::Rank => ranks,
        ScoreType::Ridit => ranks.iter().map(|rank| rank / n).collect(),
        ScoreType::ModifiedRidit => ranks.iter().map(|rank| rank / (n + 1.0)).collect(),
    };
    DMatrix::from_row_slice(1, of.len(), &of)
}

struct Stratum {
    cells: DMatrix<f64>,
    rows: DVector<f64>,
    columns: DVector<f64>,
    n: f64,
}

impl Stratum {
    fn of(table: &[Vec<usize>]) -> Self {
        let cells = DMatrix::from_fn(table.len(), table[0].len(), |i, j| table[i][j] as f64);
        let (rows, columns) = (cells.column_sum(), cells.row_sum().transpose());
        let n = rows.sum();
        Self { cells, rows, columns, n }
    }

    /// Adds the functions r of rows and c of columns: r (observed − expected) c', and their covariance under the hypothesis,
    /// n²/(n−1) times the product of r's and c's covariances of one patient.
    fn add_to(&self, sum: &mut Sum, r: &DMatrix<f64>, c: &DMatrix<f64>) {
        let excess = &self.cells - &self.rows * self.columns.transpose() / self.n;
        let functions = r * excess * c.transpose();
        let covariance = |f: &DMatrix<f64>, margin: &DVector<f64>| {
            let p = margin / self.n;
            f * (DMatrix::from_diagonal(&p) - &p * p.transpose()) * f.transpose()
        };
        // Columns of the product of functions stand one below the other.
        sum.g += DVector::from_column_slice(functions.as_slice());
        sum.v += covariance(c, &self.columns).kronecker(&covariance(r, &self.rows)) * (self.n * self.n / (self.n - 1.0));
    }
}

struct Sum {
    g: DVector<f64>,
    v: DMatrix<f64>,
}

impl Sum {
    fn new(size: usize) -> Self {
        Self { g: DVector::zeros(size), v: DMatrix::zeros(size, size) }
    }

    fn test(self) -> StrataTest {
        let largest = self.v.diagonal().max();
        if largest.is_nan() || largest <= 0.0 {
            return StrataTest { statistic: f64::NAN, df: 0.0, p: f64::NAN };
        }
        let eigen = (self.v / largest).symmetric_eigen();
        let (mut statistic, mut df) = (0.0, 0.0);
        for (value, vector) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
            if *value > 1e-12 {
                statistic += vector.dot(&self.g).powi(2) / (value * largest);
                df += 1.0;
            }
        }
        StrataTest::new(statistic, df)
    }
}
