//! Hypotheses about a term given others: the rows of L in L β = 0 by the types I and II of SAS (Goodnight 1978, SAS
//! Technical Report R-101; SAS/STAT, "The Four Types of Estimable Functions").
//!
//! Both are about X'X alone, whatever the covariance: with M the projection off the columns X₀ that a term is
//! adjusted for, and X₁ its own, the rows span X₁'M X.

use super::Columns;
use super::estimability::ScaledGram;

/// What the tests of types I and II need: the columns and X'X.
pub(crate) struct Adjusted<'a> {
    columns: &'a Columns,
    scaled: &'a ScaledGram,
}

impl<'a> Adjusted<'a> {
    pub fn new(columns: &'a Columns, scaled: &'a ScaledGram) -> Self {
        Self { columns, scaled }
    }

    /// Type I: the term given those before it in the model. The rows are those of the forward Doolittle decomposition
    /// of X'X.
    pub fn sequential(&self, term: usize) -> Vec<Vec<f64>> {
        self.rows(term, 0..self.columns.len()).into_iter().map(|(_, row)| row).collect()
    }

    /// Type II: the term given all others that do not contain it. Each row has 1 in a column of the term and 0 in its
    /// others, which makes the rows (X₁'MX₁)⁻¹X₁'MX.
    pub fn partial(&self, term: usize) -> Vec<Vec<f64>> {
        let place = |j: &usize| match self.columns[*j].term {
            own if own == term => 1,
            other if self.columns.contains(other, term) => 2,
            _ => 0,
        };
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(place);
        let mut rows = self.rows(term, order);
        for later in (1..rows.len()).rev() {
            let (before, from) = rows.split_at_mut(later);
            let (pivot, row) = &from[0];
            for (_, earlier) in before {
                let share = earlier[*pivot];
                earlier.iter_mut().zip(row).for_each(|(x, r)| *x -= share * r);
            }
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// One row for each column of the term that those before it in the order do not determine, with that column: what
    /// it has by itself in every column, in units of what it has in itself.
    fn rows(&self, term: usize, order: impl IntoIterator<Item = usize>) -> Vec<(usize, Vec<f64>)> {
        let eliminated = self.scaled.eliminated(order);
        let (p, scale) = (self.columns.len(), &self.scaled.scale);
        let share = |j: usize, k: usize| (eliminated.factor[k * p + j] / eliminated.factor[j * p + j]).to_f64() * scale[k] / scale[j];
        let own = eliminated.independent.iter().filter(|&&j| self.columns[j].term == term);
        own.map(|&j| (j, (0..p).map(|k| share(j, k)).collect())).collect()
    }
}

impl Columns {
    /// Whether a term contains another: it has the same numeric variables, and the other's factors and more (SAS's
    /// definition).
    pub(super) fn contains(&self, wide: usize, narrow: usize) -> bool {
        let ((wide_factors, wide_numbers), (factors, numbers)) = (self.parts_of_term(wide), self.parts_of_term(narrow));
        wide != narrow
            && factors.iter().all(|f| wide_factors.contains(f))
            && wide_numbers.len() == numbers.len()
            && numbers.iter().all(|v| wide_numbers.contains(v))
    }
}
