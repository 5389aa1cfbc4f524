//! Kinds of mistakes that must be noticed, one file per kind.

mod files;
#[cfg(feature = "cli")]
mod order;
#[cfg(feature = "cli")]
mod suspicious;
#[cfg(feature = "cli")]
pub mod wording;
