//! Generalized estimating equations: the mean of a repeated outcome over the population, with whatever correlation a
//! patient's visits have.
//!
//! The equations Σ D_i' V_i⁻¹ (y_i − μ_i) = 0, V_i = φ A_i^½ R(α) A_i^½, are solved for β with α by moments of the residuals
//! (Liang & Zeger 1986, Biometrika 73:13–22). Their solution is consistent whatever the correlation is where outcomes are
//! missing completely at random; the
//! [weighted](Gee::dropout) equations are where they are missing at random.
//!
//! ```
//! use trialstats::generalized::{Gee, WorkingCorrelation};
//! use trialstats::{Estimates, Layout};
//!
//! # fn main() -> trialstats::Result<()> {
//! // Made up: whether 40 patients responded at three visits.
//! let mut file = String::from("id,arm,visit,response\n");
//! for i in 0..40 {
//!     for visit in 1..=3 {
//!         let response = (i * 7 + visit * 5 + (i / 3) * (i % 2)) % 11 < 3 + visit + i % 2;
//!         file += &format!("{i},{},{visit},{}\n", ["control", "new"][i % 2], u8::from(response));
//!     }
//! }
//! let trial = Layout::long("id", "arm", "visit").outcome("response").read_csv_from("made up", file.as_bytes())?;
//! let fit = Gee::formula("response ~ arm * visit")?.correlation(WorkingCorrelation::Exchangeable).fit(&trial)?;
//! assert_eq!(fit.beta().len(), 6);
//! println!("{}\n{}", fit.coefficients(), fit.working_correlation());
//! # Ok(())
//! # }
//! ```

mod criteria;
mod data;
mod dropout;
mod equations;
mod fit;
mod sandwich;
mod solve;
mod structure;
mod table;

pub use criteria::GeeCriteria;
pub use dropout::{Dropout, WeightLevel};
pub use fit::{GeeDf, GeeFit};
pub use sandwich::GeeVcov;
pub use structure::{AlphaConvention, WorkingCorrelation};
pub use table::WorkingCorrelationTable;

use super::Generalized;
use super::method::{HasFamily, HasWeights};
use crate::error::{Error, Result};
use crate::trial::Trial;
use fit::solved;

/// A marginal model of a repeated outcome, fitted by generalized estimating equations.
///
/// | setting | default |
/// |---|---|
/// | [`family`](Generalized::family), [`link`](Generalized::link), [`event`](Generalized::event) | binomial, logit, the outcome is 0 or 1 |
/// | [`correlation`](Gee::correlation) | exchangeable |
/// | [`convention`](Gee::convention) | α and φ as SAS has them |
/// | [`vcov`](Gee::vcov) | robust |
/// | [`df`](Gee::df) | the normal distribution for the robust and model-based covariance, K − p for those made for few patients |
/// | [`weights`](Generalized::weights), [`dropout`](Gee::dropout) | none |
pub type Gee = Generalized<Equations>;

/// Estimating equations, as [`Gee`] sets them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Equations {
    correlation: WorkingCorrelation,
    convention: AlphaConvention,
    vcov: GeeVcov,
    df: Option<GeeDf>,
    dropout: Option<Dropout>,
}

impl HasFamily for Equations {}
impl HasWeights for Equations {}

impl Gee {
    /// The working correlation.
    pub fn correlation(mut self, correlation: WorkingCorrelation) -> Self {
        self.method.correlation = correlation;
        self
    }

    /// How α and φ are estimated.
    pub fn convention(mut self, convention: AlphaConvention) -> Self {
        self.method.convention = convention;
        self
    }

    /// The covariance of the coefficients.
    pub fn vcov(mut self, vcov: GeeVcov) -> Self {
        self.method.vcov = vcov;
        self
    }

    /// The degrees of freedom of tests and intervals.
    pub fn df(mut self, df: GeeDf) -> Self {
        self.method.df = Some(df);
        self
    }

    /// Weights for outcomes that are missing at random through dropout; the robust covariance allows for their estimation.
    ///
    /// ```
    /// # use trialstats::generalized::{Dropout, Gee, WeightLevel};
    /// let gee = Gee::formula("remission ~ arm * visit")?.dropout(Dropout::formula("~ previous + arm + visit")?.level(WeightLevel::Patient));
    /// # let _ = gee;
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn dropout(mut self, dropout: Dropout) -> Self {
        self.method.dropout = Some(dropout);
        self
    }

    /// The working correlation.
    pub fn working_correlation(&self) -> WorkingCorrelation {
        self.method.correlation
    }

    /// How α and φ are estimated.
    pub fn alpha_convention(&self) -> AlphaConvention {
        self.method.convention
    }

    /// The covariance of the coefficients.
    pub fn vcov_method(&self) -> GeeVcov {
        self.method.vcov
    }

    /// The degrees of freedom, stated or by the covariance.
    pub fn df_method(&self) -> GeeDf {
        let usual = if self.method.vcov.is_corrected() { GeeDf::ClustersMinusParameters } else { GeeDf::Normal };
        self.method.df.unwrap_or(usual)
    }

    /// Solves the equations for a trial.
    ///
    /// # Errors
    /// As [`Generalized::observations`]; [`Error::Invalid`] where the formula has random effects; [`Error::NotFitted`] where
    /// the equations have no solution, and why.
    pub fn fit(&self, trial: &Trial) -> Result<GeeFit> {
        if let Some(random) = self.random_effects().first() {
            return Err(Error::conflict(
                format!("the random effects {random} in generalized estimating equations"),
                "a patient's visits are related by the working correlation",
                "leave them out, or fit a mixed model",
            ));
        }
        solved(self.clone(), self.observations(trial)?)
    }
}
