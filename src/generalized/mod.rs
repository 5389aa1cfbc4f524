//! Outcomes that are no normal measurement: remission and response, counts.
//!
//! [`GeneralizedModel`] states the mean of such an outcome on the scale of a link, and [`Observations`] are what it is
//! fitted to; how the outcomes of a patient are related is what the engines differ in:
//! [`independent`] outcomes, one per patient, estimating equations ([`gee`]), and random effects ([`mixed`]).
//! Ordered categories have cumulative logits ([`ordinal`]).
//!
//! Coefficients are conditional on the covariates. What a population would do is in [`population_means`]: probabilities
//! standardised over the covariates, their differences, ratios and odds ratios, of whatever implements [`PopulationMean`].

mod failure;
mod family;
pub mod gee;
mod imputed_risks;
pub mod independent;
pub mod mixed;
mod model;
mod observations;
pub mod ordinal;
mod outcome;
mod population;
mod population_covariance;
mod population_means;
mod responder_risks;
mod ye;

pub use failure::NotFitted;
pub use family::Family;
pub use gee::{AlphaConvention, Dropout, Gee, GeeDf, GeeFit, GeeVcov, WeightLevel, WorkingCorrelation};
pub use imputed_risks::adjusted_risks_of_imputations;
pub use independent::{Glm, GlmOptions, GlmVcov, PenalisedTest, Penalty, ProfileRow, ProfileTable};
pub use mixed::{Glmm, MixedComponents, MixedDf, MixedFit, MixedVcov, NodesTried, Quadrature};
pub use model::GeneralizedModel;
pub use observations::Observations;
pub use ordinal::{
    Categories, CategoryRange, Ordinal, OrdinalEffect, OrdinalEstimate, OrdinalFit, OrdinalMeans, OrdinalVcov, ProportionalOdds, Threshold,
    Thresholds,
};
pub use outcome::Event;
pub use population::{Population, PopulationCell, PopulationMean, PopulationOptions, PopulationVariance, Randomization};
pub use population_means::{PopulationEstimate, PopulationMeans, PopulationMeasure, population_means};
pub use responder_risks::{AdjustedRisk, AdjustedRisks, RiskOptions, adjusted_risks};
