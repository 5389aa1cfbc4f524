//! Ordered categories: cumulative logits with proportional odds, for one outcome per patient, or for several with a random
//! intercept.
//!
//! ```
//! use trialstats::generalized::{Ordinal, PopulationOptions};
//! use trialstats::{Estimates, Layout};
//!
//! # fn main() -> trialstats::Result<()> {
//! # let grade = |i: usize| (i * 7 + i / 5 + 4 * (i % 2)) % 17 / 5;
//! # let file = "id,arm,visit,age,grade\n".to_string()
//! #     + &(0..80).map(|i| format!("{i},{},12,{},{}\n", ["care", "new"][i % 2], 30 + i * 11 % 29, grade(i))).collect::<String>();
//! let trial = Layout::long("id", "arm", "visit").outcome("grade").covariate("age").read_csv_from("a made-up trial", file.as_bytes())?;
//! let fit = Ordinal::formula("grade ~ arm + age")?.fit(&trial)?;
//! println!("{}\n{}", fit.coefficients(), fit.thresholds(0.95)?);
//! // What share of everyone randomized would be in each category in either arm, with differences.
//! println!("{}", fit.population_means(&PopulationOptions::default())?);
//! assert_eq!(fit.proportional_odds()?.df, 4);
//! # Ok(())
//! # }
//! ```

mod categories;
mod effect;
mod fit;
mod likelihood;
mod population;
mod proportional;
mod random;
mod thresholds;

pub use categories::Categories;
pub use effect::Effect as OrdinalEffect;
pub use fit::OrdinalFit;
pub use population::{CategoryRange, OrdinalEstimate, OrdinalMeans};
pub use proportional::ProportionalOdds;
pub use thresholds::{Threshold, Thresholds};

use super::method::{HasRandomEffects, HasWeights};
use super::{Generalized, Observations};
use crate::error::{Error, Result};
use crate::options::choices;
use crate::trial::Trial;
use fit::fitted;

/// The covariance of the coefficients and thresholds.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OrdinalVcov {
    /// The inverse of the observed information (the default), as R's clm has it.
    #[default]
    Model,
    /// The sandwich of the patients' scores, which holds where odds are not proportional for the coefficients that the
    /// model then estimates.
    Robust,
}

choices! {
    OrdinalVcov, "covariance of the coefficients":
    Model = "model", ["model-based", "information"], "the inverse observed information";
    Robust = "robust", ["hc0", "sandwich", "empirical"], "the sandwich of the patients' scores";
}

impl OrdinalVcov {
    /// How tables put it.
    pub fn words(self) -> &'static str {
        match self {
            OrdinalVcov::Model => "model-based (inverse observed information)",
            OrdinalVcov::Robust => "robust (sandwich of the patients' scores)",
        }
    }
}

/// A cumulative logit model with proportional odds: logit P(Y ≤ j) = θ_j − x'β for ordered categories (McCullagh 1980, JRSS B
/// 42:109–142).
///
/// | setting | default |
/// |---|---|
/// | [`categories`](Ordinal::categories) | the numbers observed, ascending |
/// | [`vcov`](Ordinal::vcov) | the inverse observed information |
/// | [`weights`](Generalized::weights) | none |
/// | [`visits`](Generalized::visits) | all, without the baseline visit where the baseline is a covariate |
///
/// Patients have one outcome each, or the formula has a random intercept such as `(1 | patient)`, by adaptive quadrature with as many
/// nodes as it takes.
///
/// A coefficient above zero shifts towards higher categories. This is the convention of R's polr and clm; the coefficients of
/// SAS PROC LOGISTIC have the other sign, unless it is asked for descending order.
///
/// Of a model that [`Ordinal::new`](Generalized::new) is given, family, link and event are not used.
pub type Ordinal = Generalized<CumulativeLogits>;

/// Maximum likelihood of cumulative logits, as [`Ordinal`] sets it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CumulativeLogits {
    categories: Categories,
    vcov: OrdinalVcov,
}

impl HasWeights for CumulativeLogits {}
impl HasRandomEffects for CumulativeLogits {}

impl Ordinal {
    /// The categories, lowest first.
    pub fn categories(mut self, categories: Categories) -> Self {
        self.method.categories = categories;
        self
    }

    /// The covariance of the coefficients.
    pub fn vcov(mut self, vcov: OrdinalVcov) -> Self {
        self.method.vcov = vcov;
        self
    }

    /// The covariance of the coefficients.
    pub fn vcov_method(&self) -> OrdinalVcov {
        self.method.vcov
    }

    /// Fits the model to a trial.
    ///
    /// # Errors
    /// [`Error::Invalid`] for texts whose order is not stated and values outside the categories stated, where a patient has
    /// several outcomes and the formula no random intercept, for other random effects, and where all are in one category. [`Error::NotFitted`] where covariates separate low categories
    /// from high ones.
    pub fn fit(&self, trial: &Trial) -> Result<OrdinalFit> {
        let mean = self.mean();
        mean.must_have_outcome()?;
        if mean.response().is_some() {
            return Err(Error::conflict(
                format!("the formula `{mean}`"),
                "the outcome is transformed, and categories are not numbers",
                "leave the outcome as it is",
            ));
        }
        let (coded, labels) = self.method.categories.applied(trial, mean.outcome_name())?;
        let observations = Observations::of(coded, mean, self.design_options())?;
        fitted(self.clone(), observations, &labels)
    }
}
