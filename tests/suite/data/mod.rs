//! From files and instruments to a trial: what is read, checked, scored and counted.

#[cfg(feature = "formats")]
mod formats;
mod instruments;
mod reading;
mod responders;
mod trial_tables;
mod variables;
