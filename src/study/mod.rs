//! Planning a trial: power, sample size, and what the analysis that is planned will do in trials like the one intended.
//!
//! - [`analytic`]: formulas for power and sample size.
//! - [`sequential`]: group-sequential bounds.

pub mod analytic;
pub mod sequential;
