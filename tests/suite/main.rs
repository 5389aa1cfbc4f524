//! Everything that a user of the library can rely on, linked once. `cargo test --test suite inference::sandwich` runs one
//! file of it.

mod bootstrap;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_sources;
#[cfg(feature = "cli")]
mod cli_subgroups;
mod common;
mod data;
mod design;
mod dist;
mod effects;
mod exact;
mod fit;
mod foreign;
mod identity;
mod inference;
mod joint;
mod kinds;
mod means;
mod mixed;
mod peers;
mod plan;
#[cfg(feature = "cli")]
mod printed;
mod report;
mod simulation;
mod standardised;
mod stress;
mod written;
