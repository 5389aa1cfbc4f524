//! Whether the mean of one design is a special case of that of another.

use super::estimability::ScaledGram;
use super::{Columns, Design, Entry, Rows};

impl Design {
    /// Whether both are about the same observations of the same patients, with the same weights.
    pub(crate) fn same_observations(&self, other: &Design) -> bool {
        let equal = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
        let (own, their) = (&self.rows, &other.rows);
        own.patients == their.patients
            && self.columns.visit_labels == other.columns.visit_labels
            && equal(&own.y, &their.y)
            && match (&own.weights, &their.weights) {
                (None, None) => true,
                (Some(a), Some(b)) => equal(a, b),
                _ => false,
            }
    }

    /// Whether both have the same columns, in the same order and coding.
    pub(crate) fn same_columns(&self, other: &Design) -> bool {
        let names = |design: &Design| design.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        names(self) == names(other) && self.columns.entries == other.columns.entries && self.rows.z == other.rows.z
    }

    /// The columns that are no linear combination of those of `wide`, by name; both designs are about the same
    /// observations. Decided as columns of one design are: in twice the working precision, whatever the coding, unit
    /// and origin of the variables.
    pub(crate) fn columns_outside(&self, wide: &Design) -> Vec<&str> {
        if self.same_columns(wide) {
            return vec![];
        }
        let (columns, rows) = (wide.columns.joined(&self.columns), wide.rows.joined(&self.rows));
        let (p, total) = (wide.columns.len(), columns.len());
        let independent = ScaledGram::of_rows(&columns, &rows).eliminated(0..total).independent;
        independent.into_iter().filter(|&j| j >= p).map(|j| self.columns[j - p].name.as_str()).collect()
    }
}

impl Columns {
    /// These columns with others behind them.
    fn joined(&self, other: &Columns) -> Columns {
        let (p, q) = (self.len(), self.values);
        let mut joined = self.clone();
        joined.values = q + other.values;
        for (row, more) in joined.entries.iter_mut().zip(&other.entries) {
            row.extend(more.iter().map(|e| Entry { column: p + e.column, value: q + e.value, weight: e.weight }));
        }
        joined.list.extend(other.list.iter().cloned());
        joined
    }
}

impl Rows {
    /// The rows of the same patients with the values of others behind their own.
    fn joined(&self, other: &Rows) -> Rows {
        let pairs = self.z.chunks_exact(self.width).zip(other.z.chunks_exact(other.width));
        let z = pairs.flat_map(|(a, b)| a.iter().chain(b).copied()).collect();
        Rows { z, width: self.width + other.width, ..self.clone() }
    }
}
