//! The analysis plan of a trial: which outcomes, at which visit, by which model, with which definitions of response.

mod baseline;
mod diagnostics;

pub use baseline::{BaselineTable, Characteristic, Summary};
pub use diagnostics::{Diagnostics, Quantile, Spread};
