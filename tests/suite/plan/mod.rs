//! An intention-to-treat analysis as it was planned.

mod bootstrap;
mod checks;
mod cluster_sensitivity;
mod files;
mod multiplicity;
mod other_models;
mod settings;
mod subgroups;
