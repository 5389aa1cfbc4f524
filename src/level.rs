//! Confidence levels.

use crate::error::{Error, Result};

/// Refuses a level that does not lie between 0 and 1.
pub(crate) fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::out_of_range(format!("a confidence level of {level}"), "it does not lie between 0 and 1", "give a level such as 0.95"))
}

/// `95%`, `97.5%`.
pub(crate) fn percent(level: f64) -> String {
    format!("{}%", (level * 1e6).round() / 1e4)
}
