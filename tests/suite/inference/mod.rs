//! What a fit says beyond its estimates.

mod covariance_intervals;
mod influence;
mod kenward_roger2;
mod likelihood_ratio;
mod predictions;
mod random_effects;
mod residuals;
mod sandwich;
mod sandwich_clusters;
mod summary;
mod term_tests;
