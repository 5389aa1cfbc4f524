//! Whether the mean of one design is a special case of that of another.

use super::estimability::ScaledGram;
use super::{Design, DesignColumn, Entry};

impl Design {
    /// Whether both are about the same observations of the same patients, with the same weights.
    pub(crate) fn same_observations(&self, other: &Design) -> bool {
        let equal = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
        self.patients == other.patients
            && self.visit_labels == other.visit_labels
            && equal(&self.y, &other.y)
            && match (&self.weights, &other.weights) {
                (None, None) => true,
                (Some(a), Some(b)) => equal(a, b),
                _ => false,
            }
    }

    /// Whether both have the same columns, in the same order and coding.
    pub(crate) fn same_columns(&self, other: &Design) -> bool {
        let names = |design: &Design| design.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        names(self) == names(other) && self.entries == other.entries && self.z == other.z
    }

    /// The columns that are no linear combination of those of `wide`, by name; both designs are about the same
    /// observations. Decided as columns of one design are: in twice the working precision, whatever the coding, unit
    /// and origin of the variables.
    pub(crate) fn columns_outside(&self, wide: &Design) -> Vec<&str> {
        if self.same_columns(wide) {
            return vec![];
        }
        let joined = wide.joined(self);
        let (p, total) = (wide.columns.len(), joined.columns.len());
        let independent = ScaledGram::new(&joined).eliminated(0..total).independent;
        independent.into_iter().filter(|&j| j >= p).map(|j| self.columns[j - p].name.as_str()).collect()
    }

    /// This design with the columns of another behind its own.
    fn joined(&self, other: &Design) -> Design {
        let (p, q) = (self.columns.len(), self.values);
        let mut joined = self.clone();
        joined.values = q + other.values;
        joined.z = self.z.chunks_exact(q).zip(other.z.chunks_exact(other.values)).flat_map(|(a, b)| a.iter().chain(b).copied()).collect();
        for (row, more) in joined.entries.iter_mut().zip(&other.entries) {
            row.extend(more.iter().map(|e| Entry { column: p + e.column, value: q + e.value, weight: e.weight }));
        }
        joined.columns.extend(other.columns.iter().map(|c| DesignColumn { name: c.name.clone(), term: c.term }));
        joined
    }
}
