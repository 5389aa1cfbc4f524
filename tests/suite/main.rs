//! Everything that a user of the library can rely on, linked once. `cargo test --test suite inference::sandwich` runs one
//! file of it.

mod bootstrap;
mod change;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_proportions;
#[cfg(all(feature = "cli", feature = "formats"))]
mod cli_sources;
#[cfg(feature = "cli")]
mod cli_subgroups;
#[cfg(feature = "cli")]
mod commands;
mod common;
mod data;
mod design;
mod dist;
mod drawn;
mod effects;
mod exact;
mod fit;
mod foreign;
mod generalized;
mod identity;
mod imputation;
mod imputation_dates;
mod imputation_drawn_file;
mod imputation_events;
mod imputation_plan;
mod imputation_replaced;
mod imputation_tipping;
mod imputation_tipping_draws;
mod inference;
mod joint;
mod kinds;
mod means;
mod mixed;
mod peers;
mod plan;
#[cfg(feature = "cli")]
mod printed;
mod proportions;
mod report;
mod said;
mod simulation;
mod standardised;
mod stress;
#[cfg(feature = "planning")]
mod study;
mod written;
