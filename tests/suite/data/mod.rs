//! From files and instruments to a trial: what is read, checked, scored and counted.

mod formats;
mod adam;
mod filters;
mod instruments;
mod reading;
mod responders;
mod trial_tables;
mod variables;
