//! Columns measured from those before them.
//!
//! Sums of squares of a covariate with mean m and standard deviation s lose the digits of (m/s)², and those of a column
//! that others determine but for a share s lose the digits of 1/s². The design says what to take from such columns
//! ([`Shift`]). A fit works with the columns that are left, X' = XT with T unit triangular, which span the same space;
//! estimates, likelihood and tests are those of the columns as they were given.
//!
//! As a row is x_it = D_t z_i, so is one of X': what remains of a column at a visit is a combination of entries of z, and
//! becomes an entry of its own, computed patient by patient in twice the working precision. Columns of one covariate mostly
//! take the same from it, so that z grows little or not at all.

use crate::design::{Columns, Design, DoubleDouble, Entry, Rows, Shift, product};
use nalgebra::DMatrix;
use std::borrow::Cow;
use std::sync::Arc;

/// The mean in standard deviations beyond which a covariate that is known by its sums alone is measured from it.
const FAR: f64 = 100.0;
/// Relative difference of coefficients in twice the working precision that is rounding.
const ROUNDING: f64 = 1e-28;

/// What is measured from other columns, as positions among the fitted ones, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Centring {
    shifts: Vec<Shift>,
    /// The collapsed form of the columns that are left; none where nothing is taken, and in a fit from sums.
    collapsed: Option<Arc<Collapsed>>,
}

/// D_t and z of the columns that are left.
#[derive(Debug, Clone, PartialEq)]
struct Collapsed {
    /// For each visit the entries in order of column.
    entries: Vec<Vec<Entry>>,
    /// The entries of z as combinations of those of the design.
    values: Vec<Combination>,
}

/// Σ c_v z_v.
type Combination = Vec<(usize, DoubleDouble)>;

impl Centring {
    /// Of the fitted columns of a design.
    pub fn of(design: &Design, kept: &[usize]) -> Self {
        let position = |column: usize| kept.iter().position(|&k| k == column);
        let fitted = |s: &Shift| Some(Shift { of: position(s.of)?, by: s.by, times: position(s.times)? });
        let shifts: Vec<Shift> = design.account.shifts.iter().filter_map(fitted).collect();
        if shifts.is_empty() {
            return Self::default();
        }
        let collapsed = Some(Arc::new(Collapsed::of(&design.columns, kept, &shifts)));
        Self { shifts, collapsed }
    }

    /// Of columns whose patients are known by sums: numbers measured from their mean, where `far_mean` says that they
    /// are far from zero wherever another value is one. Returns as well what is taken from the values of z.
    pub fn of_values(
        columns: &Columns,
        kept: &[usize],
        is_number: impl Fn(usize) -> bool,
        far_mean: impl Fn(usize, usize) -> Option<f64>,
    ) -> (Self, Vec<Shift>) {
        let (mut values, mut shifts) = (vec![], vec![]);
        let shapes: Vec<Shape> = kept.iter().map(|&column| Shape::of(columns, column)).collect();
        for value in (0..columns.values).filter(|&value| is_number(value)) {
            let own: Vec<usize> = (0..kept.len()).filter(|&c| shapes[c].value == Some(value)).collect();
            // A column that mixes values, as one of a covariate that changes by visit does, cannot be moved as a whole.
            let mixed = kept.iter().enumerate().any(|(c, &column)| {
                shapes[c].value.is_none() && columns.entries.iter().flatten().any(|e| e.column == column && e.value == value)
            });
            if own.is_empty() || mixed {
                continue;
            }
            let partners = (0..columns.values).filter(|&other| other != value).find_map(|other| {
                let mean = far_mean(value, other)?;
                let partner =
                    |&c: &usize| (0..kept.len()).find(|&d| shapes[d].value == Some(other) && shapes[d].weights == shapes[c].weights);
                let columns: Option<Vec<usize>> = own.iter().map(partner).collect();
                Some((other, mean, columns?))
            });
            if let Some((other, mean, columns)) = partners {
                values.push(Shift { of: value, by: mean, times: other });
                shifts.extend(own.iter().zip(columns).map(|(&c, d)| Shift { of: c, by: mean, times: d }));
            }
        }
        shifts.sort_by_key(|s| s.of);
        (Self { shifts, collapsed: None }, values)
    }

    /// The design whose columns are those that are left: the one to fit.
    pub fn applied<'d>(&self, design: &'d Design) -> Cow<'d, Design> {
        let Some(Collapsed { entries, values }) = self.collapsed.as_deref() else { return Cow::Borrowed(design) };
        let columns = Columns { values: values.len(), entries: entries.clone(), products: vec![], ..(*design.columns).clone() };
        let z = design.rows.z.chunks_exact(design.rows.width.max(1)).flat_map(|z| values.iter().map(move |own| combined(own, z))).collect();
        let rows = Rows { z, width: values.len(), ..(*design.rows).clone() };
        Cow::Owned(Design { columns: Arc::new(columns), rows: Arc::new(rows), account: design.account.clone() })
    }

    /// Takes weights of the given columns to weights of those that are left.
    pub fn weights(&self, l: &mut [f64]) {
        for own in self.shifts.chunk_by(|a, b| a.of == b.of) {
            let of = own[0].of;
            l[of] = own.iter().fold(DoubleDouble::from(l[of]), |x, s| x - times(s.by, l[s.times])).to_f64();
        }
    }

    /// Takes coefficients of the columns that are left to those of the given ones.
    pub fn coefficients(&self, beta: &mut [f64]) {
        self.shifts.iter().rev().for_each(|s| beta[s.times] -= s.by * beta[s.of]);
    }

    /// Takes the covariance of the coefficients of the columns that are left to that of the given ones.
    pub fn covariance(&self, vcov: &mut DMatrix<f64>) {
        for s in self.shifts.iter().rev() {
            for k in 0..vcov.ncols() {
                vcov[(s.times, k)] -= s.by * vcov[(s.of, k)];
            }
        }
        for s in self.shifts.iter().rev() {
            for k in 0..vcov.nrows() {
                vcov[(k, s.times)] -= s.by * vcov[(k, s.of)];
            }
        }
    }
}

/// a · b, exactly where both are small enough for that.
fn times(a: f64, b: f64) -> DoubleDouble {
    if a.abs().max(b.abs()) < 1e150 { product(a, b) } else { DoubleDouble::from(a * b) }
}

/// The value of a combination for one patient. A covariate that was not observed at a visit is not read there.
fn combined(combination: &Combination, z: &[f64]) -> f64 {
    match combination.as_slice() {
        [(value, _)] => z[*value],
        several => several.iter().fold(DoubleDouble::default(), |sum, &(value, c)| sum + c * DoubleDouble::from(z[value])).to_f64(),
    }
}

impl Collapsed {
    fn of(columns: &Columns, kept: &[usize], shifts: &[Shift]) -> Self {
        let mut collapsed = Self { entries: vec![], values: vec![] };
        for entries in &columns.entries {
            let own = |&column: &usize| -> Combination {
                entries.iter().filter(|e| e.column == column).map(|e| (e.value, DoubleDouble::from(e.weight))).collect()
            };
            let mut rows: Vec<Combination> = kept.iter().map(own).collect();
            let leading: Vec<Option<usize>> = rows.iter().map(|row| row.first().map(|(value, _)| *value)).collect();
            for s in shifts {
                let taken = rows[s.times].clone();
                taken
                    .into_iter()
                    .for_each(|(value, c)| add(&mut rows[s.of], value, DoubleDouble::default() - DoubleDouble::from(s.by) * c));
            }
            let mut left = vec![];
            for ((&column, leading), row) in kept.iter().zip(leading).zip(rows) {
                let row: Combination = row.into_iter().filter(|(_, c)| c.to_f64() != 0.0).collect();
                let Some(&(_, unit)) = row.iter().find(|(value, _)| Some(*value) == leading).or(row.first()) else { continue };
                let value = collapsed.position(row.into_iter().map(|(value, c)| (value, c / unit)).collect());
                left.push(Entry { column, value, weight: unit.to_f64() });
            }
            collapsed.entries.push(left);
        }
        collapsed
    }

    /// Where a combination stands among the values, behind which it is put where it is new.
    fn position(&mut self, mut combination: Combination) -> usize {
        combination.sort_unstable_by_key(|(value, _)| *value);
        let near = |a: DoubleDouble, b: DoubleDouble| (a - b).to_f64().abs() <= ROUNDING * a.to_f64().abs();
        let same = |other: &Combination| {
            other.len() == combination.len() && other.iter().zip(&combination).all(|(a, b)| a.0 == b.0 && near(a.1, b.1))
        };
        self.values.iter().position(same).unwrap_or_else(|| {
            self.values.push(combination);
            self.values.len() - 1
        })
    }
}

/// Adds c z_value to a combination.
fn add(combination: &mut Combination, value: usize, c: DoubleDouble) {
    match combination.iter_mut().find(|(own, _)| *own == value) {
        Some((_, sum)) => *sum = *sum + c,
        None => combination.push((value, c)),
    }
}

/// How a column depends on the visit: its weight at each, and the value of z that it takes at all of them.
struct Shape {
    value: Option<usize>,
    weights: Vec<f64>,
}

impl Shape {
    fn of(columns: &Columns, column: usize) -> Self {
        let mut weights = vec![0.0; columns.entries.len()];
        let mut values = vec![];
        for (weight, row) in weights.iter_mut().zip(&columns.entries) {
            for entry in row.iter().filter(|e| e.column == column) {
                *weight = entry.weight;
                values.push(entry.value);
            }
        }
        let single = values.first().copied().filter(|first| values.iter().all(|v| v == first));
        Self { value: single, weights }
    }
}

/// Whether a covariate with this mean and variance is worth measuring from its mean.
pub(crate) fn is_far(mean: f64, variance: f64) -> bool {
    variance > 0.0 && mean.abs() > FAR * variance.sqrt()
}
