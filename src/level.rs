//! Confidence levels.

use crate::error::{Error, Result};

/// Refuses a level that does not lie between 0 and 1.
pub(crate) fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    // What was probably meant in per cent.
    let remedy = match level {
        level if level > 1.0 && level < 100.0 => format!("write {} for {level}%", (level * 1e4).round() / 1e6),
        _ => "give a level such as 0.95".into(),
    };
    Err(Error::out_of_range(format!("a confidence level of {level}"), "it does not lie between 0 and 1", remedy))
}

/// `95%`, `97.5%`.
pub(crate) fn percent(level: f64) -> String {
    format!("{}%", (level * 1e6).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_is_recognised() {
        let says = |level: f64| check_level(level).expect_err("no level").to_string();
        assert!(says(95.0).contains("write 0.95 for 95%") && says(99.9).contains("write 0.999 for 99.9%"));
        assert!(says(0.0).contains("such as 0.95") && says(1.0).contains("such as 0.95") && says(f64::NAN).contains("such as 0.95"));
        assert!(check_level(0.95).is_ok());
    }
}
