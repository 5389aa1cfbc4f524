//! An intention-to-treat analysis as it was planned.

mod cluster_sensitivity;
mod settings;
