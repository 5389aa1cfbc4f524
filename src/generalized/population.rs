//! What the outcomes of a population would be: the contract by which probabilities and means are standardised.
//!
//! The coefficients of a logistic model are conditional on its covariates, and those of a mixed model on the patient as
//! well; neither says what share of a population would meet a definition. [`PopulationMean`] is the mean of one patient's
//! outcome given the covariates alone, with its gradient; [`population_means`](super::population_means) averages it over
//! patients, each as if in every arm (g-computation), and compares the averages.

use crate::error::{Error, Result};
use crate::estimates::{Estimates, Link};
use crate::means::ArmComparisons;
use crate::options::choices;
use nalgebra::DMatrix;

/// A patient at a visit as if in an arm.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct PopulationCell<'a> {
    /// The row of the model matrix, one number per column.
    pub row: &'a [f64],
    /// The patient, as a position in the trial.
    pub patient: usize,
    /// The visit, as a position among the analysed visits ([`Columns::visit_labels`](crate::design::Columns::visit_labels)).
    pub visit: usize,
    /// The arm, as a position in the trial.
    pub arm: usize,
}

impl PopulationCell<'_> {
    /// x'β, without columns whose coefficient the data do not determine.
    pub(super) fn predictor(&self, beta: &[f64]) -> f64 {
        self.row.iter().zip(beta).filter(|(x, b)| **x != 0.0 && !b.is_nan()).map(|(x, b)| x * b).sum()
    }
}

/// g⁻¹(x'β) with its gradient in β.
pub(super) fn of_predictor(beta: &[f64], link: Link, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
    let eta = cell.predictor(beta);
    let slope = link.slope(eta);
    gradient.iter_mut().zip(cell.row).for_each(|(g, x)| *g += slope * x);
    link.inverse(eta)
}

/// Estimates that say what the mean outcome of patients with given covariates is.
///
/// Every method has a default that is right where the mean is g⁻¹(x'β), as in a generalized linear model or under
/// generalized estimating equations. A model with random effects overrides them, since g⁻¹ of an average predictor is
/// no average of g⁻¹.
pub trait PopulationMean: Estimates {
    /// The covariance of the parameters that the mean depends on, those of β first; that of β unless overridden.
    fn parameters_vcov(&self) -> &DMatrix<f64> {
        self.vcov()
    }

    /// The mean of the outcomes of patients like this one, and its gradient in the parameters of
    /// [`parameters_vcov`](PopulationMean::parameters_vcov), which is added to `gradient`.
    fn population_mean(&self, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
        of_predictor(self.beta(), self.link(), cell, gradient)
    }

    /// Degrees of freedom of a combination of the parameters; those of the same combination of β unless overridden.
    fn population_df(&self, gradient: &[f64]) -> f64 {
        self.df(&gradient[..self.columns().len().min(gradient.len())])
    }

    /// Whether the means are probabilities, so that they have odds; where the link is the logit, unless overridden.
    fn is_probability(&self) -> bool {
        self.link() == Link::Logit
    }

    /// The analysed outcomes as (position of the patient in the trial, outcome), where every patient has one and they are
    /// independent: what [`PopulationVariance::Ye`] takes. `None` unless overridden.
    fn outcomes_of_patients(&self) -> Option<Vec<(usize, f64)>> {
        None
    }
}

/// Whose covariates are averaged over.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Population {
    /// Everyone randomized whose covariates are known, observed or not (the default): the population of the
    /// intention-to-treat principle.
    #[default]
    Randomized,
    /// Those who are analysed, as R's beeca, RobinCar2 and marginaleffects have it.
    Analysed,
}

choices! {
    Population, "population that is averaged over":
    Randomized = "randomized", ["randomised", "everyone"], "everyone randomized whose covariates are known";
    Analysed = "analysed", ["analyzed"], "the patients who are analysed";
}

/// What the variance of a standardised mean allows for.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum PopulationVariance {
    /// The uncertainty of the parameters by the delta method, the covariates of these patients taken as given (the
    /// default): Ge, Durham, Meyer, Xie & Thomas 2011, Drug Information Journal 45:481–493. Robust where the covariance of
    /// the parameters is.
    #[default]
    Ge,
    /// That and the variance of the predictions over n, the covariates being a sample from a population (Qu & Luo 2015,
    /// Pharmaceutical Statistics 14:56–62; Bartlett 2018, Pharmaceutical Statistics 17:648–666).
    Sampled,
    /// Robust to a wrong model, for the population that the patients are a sample of, and for how they were randomized:
    /// Ye, Bannick, Yi & Shao 2023, Statistical Theory and Related Fields 7:159–163; Bannick, Shao, Liu, Du, Yi & Ye
    /// 2025, Biometrika. For independent outcomes, one per patient.
    Ye,
}

choices! {
    PopulationVariance, "variance of standardised means":
    Ge = "ge", ["delta", "conditional"], "delta method, the covariates taken as given (Ge et al. 2011)";
    Sampled = "sampled", ["unconditional"], "and the variance of the predictions, the covariates being a sample (Qu & Luo 2015)";
    Ye = "ye", ["robincar", "anhecova"], "robust to the model, for the randomization scheme stated (Ye et al. 2023)";
}

/// How patients were randomized.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Randomization {
    /// Each patient by chance alone (the default).
    #[default]
    Simple,
    /// In permuted blocks, or by a biased coin, within strata: what the arms of a stratum differ by in size is bounded.
    PermutedBlock,
    /// By minimisation over the stratification factors (Taves; Pocock & Simon): predictions are calibrated within each
    /// stratum and arm, since nothing is known of the variance that the scheme removes (Bannick et al. 2025).
    Minimisation,
}

choices! {
    Randomization, "randomization scheme":
    Simple = "simple", ["sr"], "each patient by chance alone";
    PermutedBlock = "permuted-block", ["pb", "stratified", "stratified-permuted-block"], "permuted blocks within strata";
    Minimisation = "minimisation", ["minimization", "pocock-simon", "ps"], "minimisation over the stratification factors";
}

impl Randomization {
    /// How notes put it.
    pub fn words(self) -> &'static str {
        match self {
            Randomization::Simple => "simple randomization",
            Randomization::PermutedBlock => "permuted blocks within strata",
            Randomization::Minimisation => "minimisation",
        }
    }
}

/// How standardised means are made and compared.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `arms` | each with the reference | the arms that are compared |
/// | `visits` | all that are analysed | the visits shown |
/// | `over` | [`Population::Randomized`] | whose covariates are averaged over; those analysed where the variance is Ye's |
/// | `variance` | [`PopulationVariance::Ge`] | what the variance allows for |
/// | `randomization` | simple where no strata are named | the scheme, for Ye's variance |
/// | `strata` | none | the factors of a stratified randomization |
/// | `level` | 0.95 | confidence level |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PopulationOptions {
    /// The arms that are compared.
    pub arms: ArmComparisons,
    /// The visits shown.
    pub visits: Option<Vec<String>>,
    /// Whose covariates are averaged over.
    pub over: Population,
    /// What the variance allows for.
    pub variance: PopulationVariance,
    /// The scheme, for Ye's variance.
    pub randomization: Option<Randomization>,
    /// The factors of a stratified randomization, for Ye's variance.
    pub strata: Vec<String>,
    /// Confidence level.
    pub level: f64,
}

impl Default for PopulationOptions {
    fn default() -> Self {
        Self {
            arms: ArmComparisons::default(),
            visits: None,
            over: Population::default(),
            variance: PopulationVariance::default(),
            randomization: None,
            strata: vec![],
            level: 0.95,
        }
    }
}

impl PopulationOptions {
    /// With these arms compared.
    pub fn arms(mut self, arms: ArmComparisons) -> Self {
        self.arms = arms;
        self
    }

    /// At these visits only.
    pub fn visits<S: Into<String>>(mut self, visits: impl IntoIterator<Item = S>) -> Self {
        self.visits = Some(visits.into_iter().map(Into::into).collect());
        self
    }

    /// Averaged over this population.
    pub fn over(mut self, population: Population) -> Self {
        self.over = population;
        self
    }

    /// With this variance.
    pub fn variance(mut self, variance: PopulationVariance) -> Self {
        self.variance = variance;
        self
    }

    /// With this randomization scheme, within the strata of these factors.
    pub fn randomization<S: Into<String>>(mut self, scheme: Randomization, strata: impl IntoIterator<Item = S>) -> Self {
        self.randomization = Some(scheme);
        self.strata = strata.into_iter().map(Into::into).collect();
        self
    }

    /// With this confidence level.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// The scheme, stated or by default.
    ///
    /// # Errors
    /// [`Error::Invalid`] for strata without a scheme, a scheme within strata without strata, and either where the
    /// variance does not depend on them.
    pub(super) fn scheme(&self) -> Result<Randomization> {
        let stratified = matches!(self.randomization, Some(Randomization::PermutedBlock | Randomization::Minimisation));
        if self.variance != PopulationVariance::Ye && (self.randomization.is_some() || !self.strata.is_empty()) {
            return Err(Error::conflict(
                format!("the variance `{}` with a randomization scheme", self.variance),
                "it does not depend on how patients were randomized",
                "choose the variance `ye`, or leave out the scheme and its strata",
            ));
        }
        match (self.randomization, self.strata.is_empty()) {
            (None, true) => Ok(Randomization::Simple),
            (None, false) => Err(Error::incomplete(
                format!("a variance with the strata {}", self.strata.join(", ")),
                "how patients were randomized within them is not said",
                "state the scheme: permuted-block or minimisation",
            )),
            (Some(Randomization::Simple), false) => Err(Error::conflict(
                "simple randomization with strata",
                "it has no strata",
                "state permuted-block or minimisation, or leave the strata out",
            )),
            (Some(scheme), true) if stratified => Err(Error::incomplete(
                format!("a variance under {}", scheme.words()),
                "the stratification factors are not said",
                "name them as strata",
            )),
            (Some(scheme), _) => Ok(scheme),
        }
    }
}
