//! Models of outcomes that are no normal measurement.

#[cfg(feature = "cli")]
mod command;
mod independent;
mod mixed;
mod risks;
