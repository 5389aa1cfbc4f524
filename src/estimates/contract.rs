//! The contract between what was fitted and everything that is said of it.

use super::hypothesis::{denominator_df, independent_rows};
use super::{Coefficients, CrossProducts, Df, Estimate, FTest, Link};
use crate::design::{Account, Columns, Transformation};
use crate::error::{Error, Result};
use crate::table::{agreeing, counted};
use nalgebra::{DMatrix, DVector};

/// Estimates of the coefficients β of a mean model, with what inference on them takes.
///
/// Five methods are required; the others follow from them. An implementation overrides what it does better: a mixed
/// model with Kenward and Roger's method has another F test, a logistic one another link.
///
/// [`Means`](crate::means::Means) is implemented for whatever implements this; [`effects`](crate::effects) takes it.
/// The trait is object-safe, and a reference to an implementation is one as well.
///
/// ```
/// use trialstats::design::{Account, Columns, Design, DesignOptions};
/// use trialstats::estimates::Estimates;
/// use trialstats::means::{ContrastOptions, Means};
/// use trialstats::nalgebra::DMatrix;
/// use trialstats::{MeanModel, simulate::Gaussian};
///
/// /// Coefficients that another program has found.
/// struct Published {
///     design: Design,
///     beta: Vec<f64>,
///     vcov: DMatrix<f64>,
/// }
///
/// impl Estimates for Published {
///     fn columns(&self) -> &Columns {
///         self.design.columns()
///     }
///     fn account(&self) -> &Account {
///         self.design.account()
///     }
///     fn beta(&self) -> &[f64] {
///         &self.beta
///     }
///     fn vcov(&self) -> &DMatrix<f64> {
///         &self.vcov
///     }
///     fn df(&self, _: &[f64]) -> f64 {
///         38.0
///     }
/// }
///
/// # fn main() -> trialstats::Result<()> {
/// let trial = Gaussian::new(["after"]).arm("a", 20, [5.0]).arm("b", 20, [4.0]).trial(1, 0)?;
/// let design = Design::build(&trial, &MeanModel::parse("y ~ arm")?, &DesignOptions::default())?;
/// let published = Published { design, beta: vec![5.1, -0.9], vcov: DMatrix::from_row_slice(2, 2, &[0.05, -0.05, -0.05, 0.1]) };
/// let contrast = &published.arm_contrasts(&ContrastOptions::default())?.rows[0];
/// assert_eq!((contrast.label(), contrast.estimate.estimate, contrast.estimate.df), ("b - a".into(), -0.9, 38.0));
/// # Ok(())
/// # }
/// ```
pub trait Estimates {
    /// What each of the p coefficients means.
    fn columns(&self) -> &Columns;

    /// Who is analysed and who is not, and which coefficients the data do not determine.
    fn account(&self) -> &Account;

    /// β, p numbers on the scale of the [link](Estimates::link); NaN where a column is aliased.
    fn beta(&self) -> &[f64];

    /// The covariance of β, p × p: what standard errors come from. NaN where a column is aliased.
    fn vcov(&self) -> &DMatrix<f64>;

    /// The degrees of freedom of l'β, for one weight per column; infinite for the normal distribution. Asked only of an
    /// l'β that the data determine.
    fn df(&self, l: &[f64]) -> f64;

    /// The scale on which l'β is a mean or a difference of means; [`Link::LogOutcome`] for the formula `log(y) ~ …`, and
    /// [`Link::Identity`] for others, unless overridden.
    fn link(&self) -> Link {
        let model = self.columns().mean_model();
        match model.response() {
            Some(Transformation::Log) if model.offsets().is_empty() => Link::LogOutcome,
            _ => Link::Identity,
        }
    }

    /// The method of the degrees of freedom, where it is one of those known here; `None` unless overridden.
    fn method_of_df(&self) -> Option<Df> {
        None
    }

    /// How they were made, one sentence each, for the notes of tables; none unless overridden.
    fn notes(&self) -> Vec<String> {
        vec![]
    }

    /// X'X of the analysed observations, which tests of types I and II are about; unless overridden, what the account
    /// knows of it.
    fn cross_products(&self) -> Option<CrossProducts> {
        self.account().cross_products()
    }

    /// The model's own variance of an observation at an analysed visit, averaged over `arms` (positions in the trial);
    /// `None`, the default, where the model has none. Arms are those of the trial, the visit one of the trial's
    /// schedule.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the variance differs by something other than the arm.
    fn outcome_spread(&self, _arms: &[usize], _visit: usize) -> Result<Option<OutcomeSpread>> {
        Ok(None)
    }

    /// The estimate of l'β, for one weight per column.
    ///
    /// # Errors
    /// [`Error::Invalid`] where `l` has another length or holds something that is not a finite number,
    /// [`Error::NotEstimable`] where the data do not determine l'β.
    fn estimate(&self, label: &str, l: &[f64]) -> Result<Estimate> {
        determined(self.columns(), self.account(), label, l)?;
        let weighed: Vec<usize> = (0..l.len()).filter(|&c| l[c] != 0.0 && !self.beta()[c].is_nan()).collect();
        let estimate = weighed.iter().map(|&c| l[c] * self.beta()[c]).sum();
        let vcov = self.vcov();
        let variance: f64 = weighed.iter().flat_map(|&a| weighed.iter().map(move |&b| l[a] * vcov[(a, b)] * l[b])).sum();
        Ok(Estimate::new(label, estimate, variance.max(0.0).sqrt(), self.df(l)))
    }

    /// The joint test that every row of `l` (k × p) times β is zero: F = (Lβ)'(LVL')⁻¹(Lβ)/k. Rows that depend on
    /// others count once. Denominator degrees of freedom are those of the uncorrelated rows together (Fai & Cornelius
    /// 1996, J Stat Comput Simul 54:363–378).
    ///
    /// # Errors
    /// As [`Estimates::estimate`], for any row; [`Error::Invalid`] where there is no row or all are zero.
    fn f_test(&self, label: &str, l: &DMatrix<f64>) -> Result<FTest> {
        for row in l.row_iter() {
            determined(self.columns(), self.account(), label, &row.iter().copied().collect::<Vec<_>>())?;
        }
        let known: Vec<usize> = (0..self.beta().len()).filter(|&c| !self.beta()[c].is_nan()).collect();
        let vcov = self.vcov().select_rows(&known).select_columns(&known);
        let beta = DVector::from_iterator(known.len(), known.iter().map(|&c| self.beta()[c]));
        let rows = independent_rows(label, &l.select_columns(&known), &vcov)?;
        let nu: Vec<f64> = rows
            .row_iter()
            .map(|row| {
                let mut weights = vec![0.0; l.ncols()];
                known.iter().zip(row.iter()).for_each(|(&c, w)| weights[c] = *w);
                self.df(&weights)
            })
            .collect();
        let values = &rows * &beta;
        let variances = (&rows * vcov * rows.transpose()).diagonal();
        let f = values.iter().zip(&variances).map(|(value, variance)| value * value / variance).sum::<f64>() / rows.nrows() as f64;
        Ok(FTest::new(label, rows.nrows(), denominator_df(&nu), f))
    }

    /// The table of coefficients; those of aliased columns are NaN.
    fn coefficients(&self) -> Coefficients {
        let p = self.columns().len();
        let row = |c: usize| {
            let label = &self.columns()[c].name;
            let unit: Vec<f64> = (0..p).map(|k| f64::from(u8::from(k == c))).collect();
            match self.beta()[c].is_nan() {
                true => Err(None),
                false => self.estimate(label, &unit).map_err(Some),
            }
        };
        Coefficients::of(self.columns(), self.account(), self.notes(), row)
    }
}

/// A model's variance of an observation, with what an effect size over its root needs to know of it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct OutcomeSpread {
    /// The variance, in squared units of the outcome.
    pub variance: f64,
    /// Its degrees of freedom ν, with Var(v̂) = 2v²/ν; NaN where they are not known.
    pub df: f64,
}

impl OutcomeSpread {
    /// A variance with its degrees of freedom; NaN where they are not known.
    pub fn new(variance: f64, df: f64) -> Self {
        Self { variance, df }
    }
}

/// The methods of [`Estimates`] for what says nothing of its own: each as other estimates have it.
macro_rules! estimates_of {
    ($self:ident => $other:expr) => {
        fn columns(&$self) -> &$crate::design::Columns {
            $other.columns()
        }

        fn account(&$self) -> &$crate::design::Account {
            $other.account()
        }

        fn beta(&$self) -> &[f64] {
            $other.beta()
        }

        fn vcov(&$self) -> &nalgebra::DMatrix<f64> {
            $other.vcov()
        }

        fn df(&$self, l: &[f64]) -> f64 {
            $other.df(l)
        }

        fn link(&$self) -> $crate::estimates::Link {
            $other.link()
        }

        fn method_of_df(&$self) -> Option<$crate::estimates::Df> {
            $other.method_of_df()
        }

        fn notes(&$self) -> Vec<String> {
            $other.notes()
        }

        fn cross_products(&$self) -> Option<$crate::estimates::CrossProducts> {
            $other.cross_products()
        }

        fn outcome_spread(
            &$self,
            arms: &[usize],
            visit: usize,
        ) -> $crate::error::Result<Option<$crate::estimates::OutcomeSpread>> {
            $other.outcome_spread(arms, visit)
        }

        fn estimate(&$self, label: &str, l: &[f64]) -> $crate::error::Result<$crate::estimates::Estimate> {
            $other.estimate(label, l)
        }

        fn f_test(&$self, label: &str, l: &nalgebra::DMatrix<f64>) -> $crate::error::Result<$crate::estimates::FTest> {
            $other.f_test(label, l)
        }

        fn coefficients(&$self) -> $crate::estimates::Coefficients {
            $other.coefficients()
        }
    };
}
pub(crate) use estimates_of;

impl<E: Estimates + ?Sized> Estimates for &E {
    estimates_of!(self => (**self));
}

/// Refuses weights of another number than the columns, weights that are no numbers, and an l'β that the data do not
/// determine.
pub(crate) fn determined(columns: &Columns, account: &Account, label: &str, l: &[f64]) -> Result<()> {
    if l.len() != columns.len() {
        return Err(Error::wrong_number(
            format!("estimate `{label}`"),
            format!(
                "{} {} given for {} of the model matrix",
                counted(l.len(), "weight"),
                agreeing(l.len(), "was", "were"),
                counted(columns.len(), "column")
            ),
            "give one weight per column, in the order of the coefficients",
        ));
    }
    if let Some(column) = l.iter().position(|weight| !weight.is_finite()) {
        return Err(Error::not_finite(
            format!("estimate `{label}`"),
            format!("the weight of column `{}` is {}", columns[column].name, l[column]),
            "give each column a finite weight",
        ));
    }
    match account.undetermined_by(l) {
        None => Ok(()),
        Some(aliased) => Err(Error::NotEstimable { estimate: label.into(), why: aliased.clause(columns) }),
    }
}
