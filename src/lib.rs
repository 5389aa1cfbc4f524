//! Intention-to-treat analysis of randomized trials with repeated measurements, from the data file to the report.

pub mod covariance;
pub mod design;
pub mod dist;
pub mod effects;
pub mod error;
pub mod fit;
pub mod inference;
pub mod instruments;
pub mod means;
pub mod report;
pub mod responders;
pub mod simulate;
pub mod table;
pub mod trial;

pub use error::{Error, Result};
pub use table::Tabular;
pub use trial::Trial;
