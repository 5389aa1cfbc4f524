//! How marginal means average over what they do not name.
use crate::options::choices;

/// How the levels of the factors that a mean is averaged over are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FactorWeights {
    /// Every combination counts the same: SAS's `LSMEANS`, emmeans' `equal`.
    #[default]
    Equal,
    /// By how often a combination of the factors averaged over occurs among the analysed observations, whatever the
    /// cell: emmeans' `proportional`.
    Proportional,
    /// By how often a combination occurs among the analysed observations of the cell itself: emmeans' `cells`, SAS's
    /// `OM BYLEVEL`.
    Cells,
    /// By how often a combination occurs among all patients and analysed visits whose variables are known, the
    /// outcome observed or not: SAS's `OBSMARGINS` on a data set with a row for every planned visit. The population
    /// is everyone randomized, for numeric variables as well ([`CovariateMeans::Randomized`]).
    ObservedMargins,
}

choices! {
    FactorWeights, "weights of factor levels":
    Equal = "equal", [], "every combination counts the same: SAS LSMEANS, emmeans equal";
    Proportional = "proportional", [], "by how often a combination occurs among all analysed observations";
    Cells = "cells", ["om-bylevel"], "by how often a combination occurs in the arm and visit itself";
    ObservedMargins = "observed-margins", ["om", "obsmargins"], "by how often a combination occurs among everyone randomized: SAS OBSMARGINS";
}

/// Over what numeric variables are averaged to the value they are held at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CovariateMeans {
    /// Over the analysed observations, as SAS and emmeans do: patients with more visits count more.
    #[default]
    Observations,
    /// Over the analysed patients, each counted once with the mean over the patient's analysed observations.
    Patients,
    /// Over all patients and analysed visits whose variables are known, the outcome observed or not. With
    /// [`FactorWeights::ObservedMargins`] this takes the place of [`CovariateMeans::Observations`].
    Randomized,
}

choices! {
    CovariateMeans, "averaging of numeric variables":
    Observations = "observations", [], "over analysed observations, as SAS and emmeans do";
    Patients = "patients", [], "over analysed patients, each counted once";
    Randomized = "randomized", [], "over everyone randomized, the outcome observed or not";
}

/// How marginal means average over what they do not name. By default as SAS and emmeans: equal weights, covariates at
/// their mean over the analysed observations.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Averaging {
    /// Weights of factor levels.
    pub factors: FactorWeights,
    /// Over what numeric variables are averaged.
    pub covariates: CovariateMeans,
    /// Numeric variables held at a given value instead of their mean.
    pub at: Vec<(String, f64)>,
}

impl Averaging {
    /// Over what numeric variables are averaged: observed margins are those of one population, numbers included.
    pub(super) fn of_numbers(&self) -> CovariateMeans {
        match (self.factors, self.covariates) {
            (FactorWeights::ObservedMargins, CovariateMeans::Observations) => CovariateMeans::Randomized,
            (_, covariates) => covariates,
        }
    }

    /// With these weights of factor levels.
    pub fn weights(factors: FactorWeights) -> Self {
        Self { factors, ..Self::default() }
    }

    /// With numeric variables averaged over `covariates`.
    pub fn covariate_means(mut self, covariates: CovariateMeans) -> Self {
        self.covariates = covariates;
        self
    }

    /// With a numeric variable held at `value`.
    pub fn at(mut self, variable: impl Into<String>, value: f64) -> Self {
        self.at.push((variable.into(), value));
        self
    }
}
