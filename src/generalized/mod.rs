//! Outcomes that are no normal measurement: remission and response, counts.
//!
//! [`GeneralizedModel`] states the mean of such an outcome on the scale of a link, and [`Observations`] are what it is
//! fitted to; how the outcomes of a patient are related is what the engines differ in.

mod failure;
mod family;
pub mod gee;
mod model;
mod observations;
mod outcome;

pub use failure::NotFitted;
pub use family::Family;
pub use gee::{AlphaConvention, Gee, GeeDf, GeeFit, GeeVcov, WorkingCorrelation};
pub use model::GeneralizedModel;
pub use observations::Observations;
pub use outcome::Event;
