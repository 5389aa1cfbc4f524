//! Fitting a design again and again: the engine of bootstraps and imputation.

use super::Fit;
use crate::design::RandomTerm;
use crate::error::{Error, Result};
use crate::fit::optimum::Optimum;
use crate::fit::refit::Repeat;
use crate::table::counted;
use nalgebra::DMatrix;

/// Repeats a fit with other outcomes, or with patients counted more or less often (a bootstrap sample).
///
/// Patterns, sums of covariates and all memory are kept, and every search begins at the optimum of the original fit,
/// whatever was fitted in between. Optima are exact to 1e-9 standard errors. A repeat therefore costs a small part of
/// a fit, and gives the same bits in any order and on any thread; clone the refitter for each.
///
/// ```
/// use trialstats::{Layout, Model};
///
/// # fn main() -> trialstats::Result<()> {
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let fit = Model::formula("CHANGE ~ THERAPY * VISIT")?.fit(&trial)?;
/// let mut refitter = fit.refitter()?;
/// let shifted: Vec<f64> = refitter.outcomes().iter().map(|y| y + 1.0).collect();
/// refitter.with_outcomes(&shifted)?;
/// assert!((refitter.beta()[0] - fit.beta()[0] - 1.0).abs() < 1e-9);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Refitter<'f> {
    fit: &'f Fit,
    repeat: Box<dyn Repeat>,
    /// Coefficients of the fitted columns.
    active: Vec<f64>,
    beta: Vec<f64>,
}

impl Fit {
    /// What repeats this fit with other data; see [`Refitter`].
    ///
    /// # Errors
    /// [`Error::Fit`] where the likelihood cannot be set up again.
    pub fn refitter(&self) -> Result<Refitter<'_>> {
        let repeat = self.optimum().repeat(self.design()).map_err(Error::Fit)?;
        Ok(Refitter { fit: self, repeat, active: vec![f64::NAN; self.optimum().kept.len()], beta: self.beta().to_vec() })
    }
}

impl<'f> Refitter<'f> {
    /// The same with optima as exact as those of fits.
    pub(super) fn exact(mut self) -> Self {
        self.repeat.be_exact();
        self
    }

    /// The fit that is repeated.
    pub(super) fn original(&self) -> &'f Fit {
        self.fit
    }

    /// The outcomes of the original fit, patient by patient in the order of
    /// [`Design::patients`](crate::design::Design::patients): n × T, NaN where not analysed.
    pub fn outcomes(&self) -> &'f [f64] {
        &self.fit.design().rows.y
    }

    /// Fits with other outcomes, arranged as [`Refitter::outcomes`]; values where the original has none are not read.
    ///
    /// The new outcomes should be of the size of the original: sums are taken about the original mean, and an offset
    /// far from it costs digits.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another number of values or for an outcome that is not finite; [`Error::Fit`] where the
    /// likelihood has no verified optimum.
    pub fn with_outcomes(&mut self, outcomes: &[f64]) -> Result<()> {
        let original = self.outcomes();
        if outcomes.len() != original.len() {
            return Err(Error::wrong_number(
                "the outcomes of a refit",
                format!("there are {}, and the design has {} patients × visits", outcomes.len(), original.len()),
                "give one value for each patient and visit, as `outcomes()` has them",
            ));
        }
        if let Some(at) = (0..outcomes.len()).find(|&at| !original[at].is_nan() && !outcomes[at].is_finite()) {
            let visits = self.fit.design().visit_labels();
            return Err(Error::not_finite(
                format!("the outcome of patient {} at {}", at / visits.len() + 1, visits[at % visits.len()]),
                format!("it is {}", outcomes[at]),
                "a refit analyses the same observations as the original: give each a finite value",
            ));
        }
        self.repeat.with_outcomes(outcomes).map_err(Error::Fit)?;
        self.set_beta();
        Ok(())
    }

    /// Fits with every patient of the design counted so many times, as a bootstrap sample of patients has it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another number of patients, and where one counts more than once in a model with random effects of
    /// the patients, which the copies would share; [`Error::Fit`] where the likelihood has no verified optimum.
    pub fn with_multiplicities(&mut self, times: &[u32]) -> Result<()> {
        let patients = self.fit.n_patients();
        if times.len() != patients {
            return Err(Error::wrong_number(
                "the multiplicities of a refit",
                format!("the number given is {}, and the design has {}", times.len(), counted(patients, "patient")),
                "give one for each patient",
            ));
        }
        let of_patients = self.fit.design().random().iter().any(RandomTerm::is_of_patients);
        if of_patients && times.iter().any(|&times| times > 1) {
            return Err(Error::conflict(
                "a patient who counts more than once",
                "the copies would share the random effects of the patient",
                "state a covariance of the visits in their place, or draw outcomes by the parametric bootstrap",
            ));
        }
        self.repeat.with_multiplicities(times).map_err(Error::Fit)?;
        self.set_beta();
        Ok(())
    }

    fn set_beta(&mut self) {
        let optimum = self.fit.optimum();
        self.repeat.set_beta(&mut self.active);
        optimum.centring.coefficients(&mut self.active);
        optimum.kept.iter().zip(&self.active).for_each(|(&column, &active)| self.beta[column] = active);
    }

    /// The coefficients found last, one per column of the model matrix; NaN for aliased columns.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }

    /// The covariance parameters found last, in the order of [`Fit::covariance_parameters`](super::MomentsFit::covariance_parameters).
    pub fn covariance_parameters(&self) -> &[f64] {
        self.repeat.theta()
    }

    /// Σ of each group at the optimum found last, on the analysed visits.
    pub(crate) fn covariances(&self) -> Vec<DMatrix<f64>> {
        self.fit.covariances_at(self.covariance_parameters())
    }

    /// The number of patients of the fit.
    pub(crate) fn patients(&self) -> usize {
        self.fit.n_patients()
    }

    /// The (restricted) log-likelihood at the optimum found last.
    pub fn log_likelihood(&self) -> f64 {
        -0.5 * self.repeat.value()
    }

    /// The optimum found last.
    pub(super) fn optimum(&self) -> Optimum {
        self.repeat.optimum(self.fit.optimum())
    }

    /// What was found last as a fit, for everything that hangs off one. Its [design](Fit::design) is the original
    /// one: what looks at patients and their outcomes again, such as residuals, still sees the original data.
    pub fn to_fit(&self) -> Fit {
        self.fit.with_optimum(self.optimum())
    }
}
