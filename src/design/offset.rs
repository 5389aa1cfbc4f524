//! Terms of a formula with the coefficient 1: `offset(x)`, `offset(log(exposure))`.

use super::Transformation;
use super::tokens::quoted;
use crate::trial::Variable;
use std::fmt;

/// A term with the coefficient 1: a numeric column, or a function of one.
///
/// ```
/// let mean = trialstats::MeanModel::parse("relapses ~ arm + offset(log(weeks))")?;
/// assert_eq!((mean.offsets()[0].column(), mean.offsets()[0].to_string()), ("weeks", "log(weeks)".to_string()));
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    column: String,
    transformation: Option<Transformation>,
}

impl Offset {
    pub(super) fn new(column: impl Into<String>, transformation: Option<Transformation>) -> Self {
        Self { column: column.into(), transformation }
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// What the column is taken through.
    pub fn transformation(&self) -> Option<Transformation> {
        self.transformation
    }

    /// The numbers that the function is defined for.
    pub(super) fn domain(&self) -> &'static str {
        self.transformation.map_or("finite numbers", Transformation::domain)
    }

    /// The values of the term. Where the function is not defined they are infinite, and not missing: an exposure of zero
    /// is a mistake only where there is an outcome.
    pub(super) fn of(&self, column: Variable) -> Variable {
        let Some(transformation) = self.transformation else { return column };
        let taken = |x: &f64| match transformation.apply(*x) {
            undefined if undefined.is_nan() && !x.is_nan() => f64::INFINITY,
            taken => taken,
        };
        let values = column.numbers().unwrap_or_default().iter().map(taken).collect();
        Variable::of_numbers(column.name(), column.role(), column.scope(), values)
    }
}

/// As the formula has it within `offset()`.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transformation {
            Some(transformation) => write!(f, "{}({})", transformation.name(), quoted(&self.column)),
            None => f.write_str(&quoted(&self.column)),
        }
    }
}
