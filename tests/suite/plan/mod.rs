//! An intention-to-treat analysis as it was planned.

mod bootstrap;
mod checks;
mod cluster_sensitivity;
mod draft;
mod files;
mod settings;
