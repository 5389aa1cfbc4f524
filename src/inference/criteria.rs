//! Information criteria of a fit.

use super::MomentsFit;
use crate::fit::Estimation;
use crate::options::choices;

/// Which parameters an information criterion charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterCount {
    /// Covariance parameters: SAS under REML, mmrm always.
    Covariance,
    /// Covariance and mean parameters: SAS under ML, lme4 always.
    All,
}

choices! {
    ParameterCount, "parameters counted by an information criterion":
    Covariance = "covariance", [], "covariance parameters: SAS under REML, mmrm always";
    All = "all", [], "covariance and mean parameters: SAS under ML, lme4 always";
}

/// Information criteria; smaller is better.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct InformationCriteria {
    /// −2ℓ + 2k (Akaike 1974).
    pub aic: f64,
    /// −2ℓ + 2k n/(n − k − 1), n the number of observations less, under REML, the rank of X, as SAS has it (Hurvich &
    /// Tsai 1989).
    pub aicc: f64,
    /// −2ℓ + k log n, n the number of patients (Schwarz 1978; SAS, mmrm).
    pub bic: f64,
    /// −2ℓ + k (log n + 1), n the number of patients (Bozdogan 1987).
    pub caic: f64,
    /// What k counts.
    pub counted: ParameterCount,
}

impl MomentsFit {
    /// AIC with covariance parameters counted, as SAS has it under REML and mmrm always; see
    /// [`MomentsFit::information_criteria`].
    pub fn aic(&self) -> f64 {
        self.information_criteria(ParameterCount::Covariance).aic
    }

    /// BIC with covariance parameters counted and n the number of patients; see [`MomentsFit::information_criteria`].
    pub fn bic(&self) -> f64 {
        self.information_criteria(ParameterCount::Covariance).bic
    }

    /// All information criteria. To compare mean models, fit by [`Estimation::Ml`] and count [`ParameterCount::All`].
    pub fn information_criteria(&self, counted: ParameterCount) -> InformationCriteria {
        let mean = if counted == ParameterCount::All { self.rank() } else { 0 };
        let k = (self.optimum().theta.len() + mean) as f64;
        let deviance = self.optimum().value;
        let rank = if self.estimation() == Estimation::Reml { self.rank() } else { 0 };
        let n = (self.n_observations() - rank) as f64;
        let patients = self.n_patients() as f64;
        InformationCriteria {
            aic: deviance + 2.0 * k,
            aicc: deviance + 2.0 * k * n / (n - k - 1.0),
            bic: deviance + k * patients.ln(),
            caic: deviance + k * (patients.ln() + 1.0),
            counted,
        }
    }
}
