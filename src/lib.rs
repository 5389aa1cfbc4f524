//! Intention-to-treat analysis of randomized trials with repeated measurements, from the data file to the report.

pub mod analysis;
pub mod covariance;
pub mod design;
pub mod dist;
pub mod effects;
pub mod error;
pub mod fit;
pub mod inference;
pub mod instruments;
pub mod means;
mod model;
pub mod report;
pub mod responders;
pub mod simulate;
pub mod table;
pub mod trial;

pub use covariance::Covariance;
pub use design::MeanModel;
pub use error::{Error, Result};
pub use fit::Estimation;
pub use inference::{Df, Fit};
pub use model::Model;
pub use table::Tabular;
pub use trial::{Layout, Trial};

/// The README's program, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
