//! An intention-to-treat analysis as it was planned.

mod bad;
mod bootstrap;
mod checks;
mod cluster_sensitivity;
mod draft;
mod files;
mod lock;
mod methods_text;
mod multiplicity;
mod other_models;
mod populations;
mod samples;
mod settings;
mod subgroups;
