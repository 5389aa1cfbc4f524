//! Columns of the model matrix that earlier ones nearly determine, and what is taken from them before a fit.
//!
//! X'WX of a column that others determine but for a share s of its size loses the digits of s². In the place of such a
//! column X_j a fit has X_j − Σ b_d X_d', which spans the same space with the columns before it and loses nothing: any
//! b will do, so long as it is known what was taken. Each b is rounded to as few digits as what is left allows, so that
//! columns of the same covariate mostly take the same multiples.

use super::Columns;
use super::double_double::DoubleDouble;
use super::estimability::{Elimination, ScaledGram, power_of_two};

/// The share of a column that the earlier ones leave below which it is measured from them; its digits are lost to the
/// square of the share.
const NEAR: f64 = 1e-2;
/// The same, of the column with its numbers centred, below which a reader has to know.
const NAMED: f64 = 1e-5;

/// A column from which a multiple of another one is taken: X_of' = X_of − by · X_times'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shift {
    pub of: usize,
    pub by: f64,
    pub times: usize,
}

/// A column that earlier ones all but determine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NearColumn {
    pub column: usize,
    /// What they leave, as a share of the column with its numbers centred.
    pub share: f64,
    /// What it nearly is, as [`super::AliasedColumn::of`].
    pub of: Vec<(usize, f64)>,
}

impl NearColumn {
    /// ``column `b` is 3 × (Intercept) + 2 × a, but for 5e-8 of its size: …``.
    pub fn sentence(&self, columns: &Columns) -> String {
        format!(
            "column `{}` equals {} but for {:.0e} of its size: the estimates of these columns rest on that difference",
            columns[self.column].name,
            super::estimability::combination(&self.of, columns),
            self.share
        )
    }
}

impl ScaledGram {
    /// What is taken from which columns, in their order, so that none is nearly determined by those before it.
    pub(super) fn shifts(&self, elimination: &Elimination) -> Vec<Shift> {
        let (p, Elimination { factor, independent }) = (self.scale.len(), elimination);
        let size = |row: &[DoubleDouble]| row.iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt();
        let mut shifts = vec![];
        let is_near = |&j: &usize| factor[j * p + j].to_f64() < NEAR * self.size(j);
        if !independent.iter().any(is_near) {
            return shifts;
        }
        // What each column, once shifted, has of the orthonormal ones that elimination makes of them.
        let mut rows: Vec<Vec<DoubleDouble>> = Vec::with_capacity(independent.len());
        for (at, &j) in independent.iter().enumerate() {
            let mut row: Vec<DoubleDouble> = independent[..=at].iter().map(|&k| factor[j * p + k]).collect();
            let left = row[at].to_f64();
            if is_near(&j) {
                for before in (0..at).rev() {
                    let (own, d) = (&rows[before], independent[before]);
                    let step = power_of_two(2.0 * left / size(own));
                    let by = ((row[before] / own[before]).to_f64() / step).round() * step;
                    if by != 0.0 {
                        row.iter_mut().zip(own).for_each(|(x, own)| *x = *x - DoubleDouble::from(by) * *own);
                        shifts.push(Shift { of: j, by: by * self.scale[j] / self.scale[d], times: d });
                    }
                }
            }
            rows.push(row);
        }
        shifts
    }

    /// The columns that earlier ones all but determine.
    pub(super) fn near(&self, elimination: &Elimination) -> Vec<NearColumn> {
        let (p, independent) = (self.scale.len(), &elimination.independent);
        let share = |j: usize| elimination.factor[j * p + j].to_f64() / self.centred(j).sqrt();
        let near = independent.iter().enumerate().filter(|&(_, &j)| share(j) < NAMED);
        near.map(|(at, &j)| NearColumn { column: j, share: share(j), of: self.dependency(elimination, &independent[..at], j) }).collect()
    }
}
