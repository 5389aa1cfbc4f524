//! An intention-to-treat analysis as it was planned.

mod checks;
mod cluster_sensitivity;
mod files;
mod settings;
