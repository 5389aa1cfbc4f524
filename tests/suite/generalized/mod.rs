//! Models of outcomes that are no normal measurement.

#[cfg(feature = "cli")]
mod command;
mod gee;
#[cfg(feature = "cli")]
mod gee_cli;
mod independent;
mod mixed;
mod offset;
mod ordinal;
mod risks;
