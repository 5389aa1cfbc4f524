//! Where the value before treatment is found.

use crate::error::{Error, Result};
use crate::options;
use std::fmt;
use std::str::FromStr;

/// Where the baseline value of an outcome is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BaselineFrom {
    /// At the schedule's baseline visit.
    #[default]
    Visit,
    /// In a numeric covariate a patient, for files in which the baseline is a column: the covariate's name.
    Covariate(String),
}

/// `visit`, or `covariate(NAME)`.
impl fmt::Display for BaselineFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BaselineFrom::Visit => f.write_str("visit"),
            BaselineFrom::Covariate(name) => write!(f, "covariate({name})"),
        }
    }
}

impl FromStr for BaselineFrom {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument) {
            ("visit", None) => Ok(BaselineFrom::Visit),
            ("covariate", Some(name)) => Ok(BaselineFrom::Covariate(name.into())),
            _ => Err(Error::unknown("source of baseline values", text, &["visit", "covariate(NAME)"])),
        }
    }
}

options::serde_by_name!(BaselineFrom);
