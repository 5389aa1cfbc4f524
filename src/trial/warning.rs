//! What in the data looks like a mistake.

use crate::error::{Interface, Message};
use crate::options::choices;
use std::fmt;

/// Something in the data that looks like a mistake but may be meant; the analysis goes on.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// What kind of mistake it may be.
    pub kind: WarningKind,
    /// The column it is about, where it is about one.
    pub column: Option<String>,
    /// What was found, with counts, and what to do.
    pub message: Message,
}

/// The mistakes that are looked for.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// Two labels that a reader would take for one.
    LookAlikeLabels,
    /// An arm of hardly anyone.
    SmallArm,
    /// A number that often stands for a missing value, far from all others.
    MissingCode,
    /// A text that may stand for a missing value, as the level of a factor.
    MissingLevel,
    /// Values outside a stated range.
    OutOfRange,
    /// As many visits as patients, or visits that most patients do not have.
    VisitColumn,
    /// Two columns with the same values.
    SameColumns,
    /// Numbers and words in one column.
    MixedColumn,
    /// Visits whose order the data do not tell.
    VisitOrder,
    /// Text of an encoding that had to be guessed.
    Encoding,
    /// A condition that names a value which no row has.
    Condition,
    /// Values that were imputed or derived before the file was made.
    DerivedValues,
}

choices! {
    WarningKind, "kind of a warning":
    LookAlikeLabels = "look-alike-labels", [], "two labels that a reader would take for one";
    SmallArm = "small-arm", [], "an arm of hardly anyone";
    MissingCode = "missing-code", [], "a number that often stands for a missing value, far from all others";
    MissingLevel = "missing-level", [], "a level of a factor that may stand for a missing value";
    OutOfRange = "out-of-range", [], "values outside a stated range";
    VisitColumn = "visit-column", [], "visits that most patients do not have";
    SameColumns = "same-columns", [], "two columns with the same values";
    MixedColumn = "mixed-column", [], "numbers and words in one column";
    VisitOrder = "visit-order", [], "visits whose order the data do not tell";
    Encoding = "encoding", [], "text of an encoding that had to be guessed";
    Condition = "condition", [], "a condition that names a value which no row has";
    DerivedValues = "derived-values", [], "values that were imputed or derived before the file was made";
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, column: Option<&str>, message: impl Into<Message>) -> Self {
        Self { kind, column: column.map(Into::into), message: message.into() }
    }

    /// The warning with its advice in the words of an interface.
    pub fn worded_for(self, interface: Interface) -> Self {
        Self { message: self.message.worded_for(interface), ..self }
    }
}

/// The message.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.message)
    }
}
