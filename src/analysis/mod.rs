//! The analysis plan of a trial: which outcomes, at which visit, by which model, with which definitions of response.

mod baseline;

pub use baseline::{BaselineTable, Characteristic, Summary};
