//! Estimates that were found elsewhere.

use super::{Df, Estimates, Link};
use crate::design::{Account, Columns, Design};
use crate::error::{Error, Result};
use crate::table::{agreeing, counted};
use nalgebra::DMatrix;
use std::sync::Arc;

/// Coefficients and their covariance that come from another program, for the columns of a [`Design`].
///
/// ```
/// use trialstats::design::{Design, DesignOptions};
/// use trialstats::estimates::Given;
/// use trialstats::means::{ContrastOptions, Means};
/// use trialstats::nalgebra::DMatrix;
/// use trialstats::{MeanModel, simulate::Gaussian};
///
/// # fn main() -> trialstats::Result<()> {
/// let trial = Gaussian::new(["after"]).arm("a", 20, [5.0]).arm("b", 20, [4.0]).trial(1, 0)?;
/// let design = Design::build(&trial, &MeanModel::parse("y ~ arm")?, &DesignOptions::default())?;
/// let published = Given::new(&design, vec![5.1, -0.9], DMatrix::from_row_slice(2, 2, &[0.05, -0.05, -0.05, 0.1]))?.df(38.0)?;
/// let contrasts = published.arm_contrasts(&ContrastOptions::default())?;
/// assert_eq!(contrasts.rows[0].estimate.estimate, -0.9);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Given {
    columns: Arc<Columns>,
    account: Arc<Account>,
    beta: Vec<f64>,
    vcov: DMatrix<f64>,
    df: f64,
    link: Link,
    notes: Vec<String>,
}

impl Given {
    /// `beta` and its covariance, a number per column of the design in its order. Columns that the design finds
    /// aliased may be NaN. Degrees of freedom are infinite and the link is the identity until stated.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another number of coefficients, a coefficient or covariance that is not a finite number,
    /// or a matrix that is not symmetric with a diagonal of at least zero.
    pub fn new(design: &Design, beta: Vec<f64>, vcov: DMatrix<f64>) -> Result<Self> {
        let columns = Arc::clone(&design.columns);
        let p = columns.len();
        let refused = |why: String| {
            Error::wrong_number("the estimates given", why, format!("give {} and their {p} × {p} covariance", counted(p, "coefficient")))
        };
        if beta.len() != p || vcov.shape() != (p, p) {
            let (rows, width) = vcov.shape();
            return Err(refused(format!(
                "there {} {} and a {rows} × {width} covariance for {}",
                agreeing(beta.len(), "is", "are"),
                counted(beta.len(), "coefficient"),
                counted(p, "column")
            )));
        }
        let mut given =
            Self { columns, account: design.account.clone(), beta, vcov, df: f64::INFINITY, link: Link::Identity, notes: vec![] };
        for a in 0..p {
            let name = &given.columns[a].name;
            if given.account.aliased.iter().any(|aliased| aliased.column == a) {
                given.beta[a] = f64::NAN;
                given.vcov.row_mut(a).fill(f64::NAN);
                given.vcov.column_mut(a).fill(f64::NAN);
                continue;
            }
            if !given.beta[a].is_finite() {
                return Err(refused(format!("the coefficient of `{name}` is {}", given.beta[a])));
            }
            if given.vcov[(a, a)].is_nan() || given.vcov[(a, a)] < 0.0 {
                return Err(refused(format!("the variance of the coefficient of `{name}` is {}", given.vcov[(a, a)])));
            }
        }
        match given.asymmetry() {
            None => Ok(given),
            Some((a, b)) => Err(refused(format!(
                "the covariance of `{}` and `{}` is {} one way and {} the other",
                given.columns[a].name,
                given.columns[b].name,
                given.vcov[(a, b)],
                given.vcov[(b, a)]
            ))),
        }
    }

    /// Two columns whose covariance is not a number, or not the same both ways.
    fn asymmetry(&self) -> Option<(usize, usize)> {
        let known: Vec<usize> = (0..self.beta.len()).filter(|&c| !self.beta[c].is_nan()).collect();
        let differ = |a: usize, b: usize| {
            let size = (self.vcov[(a, a)] * self.vcov[(b, b)]).sqrt();
            let agree = (self.vcov[(a, b)] - self.vcov[(b, a)]).abs() <= 1e-8 * size;
            !agree
        };
        known.iter().flat_map(|&a| known.iter().map(move |&b| (a, b))).find(|&(a, b)| differ(a, b))
    }

    /// With these degrees of freedom for every linear combination.
    ///
    /// # Errors
    /// [`Error::Invalid`] for degrees of freedom that are not positive.
    pub fn df(mut self, df: f64) -> Result<Self> {
        if df.is_nan() || df <= 0.0 {
            return Err(Error::out_of_range(
                format!("{df} degrees of freedom"),
                "they are not positive",
                "give a positive number, or infinity",
            ));
        }
        self.df = df;
        Ok(self)
    }

    /// With this link.
    pub fn link(mut self, link: Link) -> Self {
        self.link = link;
        self
    }

    /// With a sentence on where they come from, for the notes of every table.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl Estimates for Given {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn account(&self) -> &Account {
        &self.account
    }

    fn beta(&self) -> &[f64] {
        &self.beta
    }

    fn vcov(&self) -> &DMatrix<f64> {
        &self.vcov
    }

    fn df(&self, _: &[f64]) -> f64 {
        self.df
    }

    fn link(&self) -> Link {
        self.link
    }

    fn method_of_df(&self) -> Option<Df> {
        self.df.is_infinite().then_some(Df::Asymptotic)
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}
