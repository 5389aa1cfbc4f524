//! What `--family` names: a family of the exponential kind, or ordered categories.

use super::super::choice::Names;
use clap::builder::{PossibleValue, TypedValueParser};
use std::ffi::OsStr;
use trialstats::generalized::Family;

/// The kind of outcome that is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeFamily {
    Of(Family),
    /// Cumulative logits.
    Ordinal,
}

const ORDINAL: &str = "ordinal";

/// The parser of `--family`.
#[derive(Debug, Clone)]
pub struct FamilyParser(Names);

/// The names of families, and `ordinal`.
pub fn family() -> FamilyParser {
    let ordinal = PossibleValue::new(ORDINAL).help("ordered categories: cumulative logits with proportional odds");
    FamilyParser(Names::default().or::<Family>().and(ordinal))
}

impl TypedValueParser for FamilyParser {
    type Value = OutcomeFamily;

    fn parse_ref(&self, command: &clap::Command, argument: Option<&clap::Arg>, value: &OsStr) -> Result<OutcomeFamily, clap::Error> {
        let name = self.0.parse_ref(command, argument, value)?;
        Ok(name.parse().map_or(OutcomeFamily::Ordinal, OutcomeFamily::Of))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

impl std::fmt::Display for OutcomeFamily {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OutcomeFamily::Of(family) => write!(f, "{family}"),
            OutcomeFamily::Ordinal => f.write_str(ORDINAL),
        }
    }
}
