//! Outcomes that are no normal measurement: remission and response, counts.
//!
//! [`Generalized`] states the mean of such an outcome on the scale of a link, and [`Observations`] are what it is
//! fitted to; how the outcomes of a patient are related is what the methods differ in:
//!
//! | model | method | fit |
//! |---|---|---|
//! | [`GeneralizedModel`] | likelihood of [`independent`] outcomes, one per patient | [`Glm`] |
//! | [`Gee`] | estimating equations ([`gee`]) | [`GeeFit`] |
//! | [`Glmm`] | likelihood with random effects ([`mixed`]) | [`MixedFit`] |
//! | [`Ordinal`] | cumulative logits of ordered categories ([`ordinal`]) | [`OrdinalFit`] |
//!
//! The models are one type with one set of settings, and the fits one type, [`GeneralizedFit`].
//!
//! Coefficients are conditional on the covariates. What a population would do is in [`population_means`]: probabilities
//! standardised over the covariates, their differences, ratios and odds ratios, of whatever implements [`PopulationMean`].

mod failure;
mod family;
mod fitted;
pub mod gee;
mod imputed_risks;
pub mod independent;
mod method;
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
pub use fitted::GeneralizedFit;
pub use gee::{AlphaConvention, Dropout, Equations, Gee, GeeDf, GeeFit, GeeVcov, WeightLevel, WorkingCorrelation};
pub use imputed_risks::adjusted_risks_of_imputations;
pub use independent::{Glm, GlmOptions, GlmVcov, PenalisedTest, Penalty, ProfileRow, ProfileTable};
pub use mixed::{Glmm, Integration, MixedComponents, MixedDf, MixedFit, MixedVcov, NodesTried, Quadrature};
pub use model::{Generalized, GeneralizedModel};
pub use observations::Observations;
pub use ordinal::{
    Categories, CategoryRange, CumulativeLogits, Ordinal, OrdinalEffect, OrdinalEstimate, OrdinalFit, OrdinalMeans, OrdinalVcov,
    ProportionalOdds, Threshold, Thresholds,
};
pub use outcome::Event;
pub use population::{Population, PopulationCell, PopulationMean, PopulationOptions, PopulationVariance, Randomization};
pub use population_means::{PopulationEstimate, PopulationMeans, PopulationMeasure, population_means};
pub use responder_risks::{AdjustedRisk, AdjustedRisks, RiskOptions, adjusted_risks};
