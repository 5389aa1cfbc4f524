//! From files and instruments to a trial: what is read, checked, scored and counted.

mod adam;
mod defined;
mod filters;
mod formats;
mod instruments;
mod reading;
mod responders;
mod trial_tables;
mod variables;
