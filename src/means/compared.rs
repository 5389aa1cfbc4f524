//! What a row of a table compares.

use crate::trial::Labelled;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::fmt;

/// What a contrast, an effect size or a test compares, by arms of the trial.
///
/// It prints as tables have it: `TRT - PBO`, `TRT`, or the name of a linear contrast. In JSON it is the text under
/// `contrast`, the kind under `compares` (`arms`, `levels`, `change` or `linear`), and the arms with their positions under
/// `arm`, `arm_index`, `versus` and `versus_index`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Compared {
    /// An arm's change from baseline.
    Change {
        /// The arm.
        arm: Labelled,
    },
    /// An arm minus another.
    Arms {
        /// The arm.
        arm: Labelled,
        /// The arm that it is compared with.
        versus: Labelled,
    },
    /// A level of a factor minus another.
    Levels {
        /// The level.
        level: String,
        /// The level that it is compared with.
        versus: String,
        /// The levels of the other factors within which they are compared; empty where there are none.
        within: String,
    },
    /// A linear combination of marginal means.
    Linear {
        /// The name that it was given.
        name: String,
    },
}

impl Compared {
    /// The arm: the one that changes, or the first of two.
    pub fn arm(&self) -> Option<&Labelled> {
        match self {
            Compared::Change { arm } | Compared::Arms { arm, .. } => Some(arm),
            Compared::Levels { .. } | Compared::Linear { .. } => None,
        }
    }

    /// The arm that another is compared with.
    pub fn versus(&self) -> Option<&Labelled> {
        match self {
            Compared::Arms { versus, .. } => Some(versus),
            _ => None,
        }
    }

    /// The levels of other factors within which levels are compared.
    pub(super) fn within(&self) -> Option<&str> {
        match self {
            Compared::Levels { within, .. } if !within.is_empty() => Some(within),
            _ => None,
        }
    }

    /// As print has it, with a minus sign between arms: `TRT − PBO`. Labels stay as they are.
    pub fn typeset(&self) -> String {
        match self {
            Compared::Arms { arm, versus } => format!("{arm} − {versus}"),
            Compared::Levels { level, versus, within } if within.is_empty() => format!("{level} − {versus}"),
            Compared::Levels { level, versus, within } => format!("{level} − {versus}, {within}"),
            other => other.to_string(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Compared::Change { .. } => "change",
            Compared::Arms { .. } => "arms",
            Compared::Levels { .. } => "levels",
            Compared::Linear { .. } => "linear",
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compared::Change { arm } => arm.fmt(f),
            Compared::Arms { arm, versus } => f.pad(&format!("{arm} - {versus}")),
            Compared::Levels { level, versus, within } if within.is_empty() => f.pad(&format!("{level} - {versus}")),
            Compared::Levels { level, versus, within } => f.pad(&format!("{level} - {versus}, {within}")),
            Compared::Linear { name } => f.pad(name),
        }
    }
}

impl Serialize for Compared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("contrast", &self.to_string())?;
        map.serialize_entry("compares", self.kind())?;
        for (names, of) in [(["arm", "arm_index"], self.arm()), (["versus", "versus_index"], self.versus())] {
            map.serialize_entry(names[0], &of.map(|l| &l.label))?;
            map.serialize_entry(names[1], &of.map(|l| l.index))?;
        }
        map.end()
    }
}
