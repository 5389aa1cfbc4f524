//! Covariates far from zero, measured from their mean.
//!
//! Sums of squares of a covariate with mean m and standard deviation s lose the digits of (m/s)². Where the column of
//! such a covariate has a partner without it (`baseline` and the intercept, `baseline:visit` and `visit`), the
//! columns X_c and X_c − m X_c' span the same space, and the second one loses nothing. The fit then works with it;
//! estimates, likelihood and tests are those of the columns as they were given.

use crate::design::{Columns, Design, Rows};
use nalgebra::DMatrix;
use std::borrow::Cow;

/// The mean in standard deviations beyond which a covariate is measured from it.
const FAR: f64 = 100.0;

/// A value or a column from which a multiple of another is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shift {
    of: usize,
    by: f64,
    times: usize,
}

/// What is measured from its mean: values of z, and with them columns of the model matrix (as positions among the
/// fitted ones).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Centring {
    values: Vec<Shift>,
    columns: Vec<Shift>,
}

impl Centring {
    /// The covariates of a design that are far from zero and can be moved.
    pub fn of(design: &Design, kept: &[usize]) -> Self {
        let is_number = |value: usize| design.rows.z.iter().skip(value).step_by(design.columns.values).any(|&x| x != 0.0 && x != 1.0);
        Self::with(&design.columns, kept, is_number, |value, indicator| far_mean(&design.rows, value, indicator))
    }

    /// The values that are numbers and, by `far_mean`, far from zero wherever another is one; with the columns that
    /// can be moved.
    pub fn with(
        columns: &Columns,
        kept: &[usize],
        is_number: impl Fn(usize) -> bool,
        far_mean: impl Fn(usize, usize) -> Option<f64>,
    ) -> Self {
        let mut centring = Self::default();
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
                centring.values.push(Shift { of: value, by: mean, times: other });
                centring.columns.extend(own.iter().zip(columns).map(|(&c, d)| Shift { of: c, by: mean, times: d }));
            }
        }
        centring
    }

    /// What is taken from a value: the multiple of another; `None` where it is left as it is.
    pub fn of_value(&self, value: usize) -> Option<(usize, f64)> {
        self.values.iter().find(|s| s.of == value).map(|s| (s.times, s.by))
    }

    /// z of the design, with the far values measured from their means.
    pub fn values<'d>(&self, design: &'d Design) -> Cow<'d, [f64]> {
        if self.values.is_empty() {
            return Cow::Borrowed(&design.rows.z);
        }
        let mut z = design.rows.z.clone();
        for own in z.chunks_exact_mut(design.columns.values.max(1)) {
            self.values.iter().for_each(|s| own[s.of] -= s.by * own[s.times]);
        }
        Cow::Owned(z)
    }

    /// Takes weights of the given columns to weights of the centred ones.
    pub fn weights(&self, l: &mut [f64]) {
        self.columns.iter().for_each(|s| l[s.of] -= s.by * l[s.times]);
    }

    /// Takes coefficients of the centred columns to those of the given ones.
    pub fn coefficients(&self, beta: &mut [f64]) {
        self.columns.iter().for_each(|s| beta[s.times] -= s.by * beta[s.of]);
    }

    /// Takes the covariance of the centred coefficients to that of the given ones.
    pub fn covariance(&self, vcov: &mut DMatrix<f64>) {
        for s in &self.columns {
            for k in 0..vcov.ncols() {
                vcov[(s.times, k)] -= s.by * vcov[(s.of, k)];
            }
        }
        for s in &self.columns {
            for k in 0..vcov.nrows() {
                vcov[(k, s.times)] -= s.by * vcov[(k, s.of)];
            }
        }
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

/// The mean of a value over the patients for whom an indicator is one, where the value is zero for all others, the
/// indicator is one, and the mean is far from zero.
fn far_mean(rows: &Rows, value: usize, indicator: usize) -> Option<f64> {
    let patients = || rows.z.chunks_exact(rows.width).map(|z| (z[value], z[indicator]));
    if patients().any(|(x, on)| (on != 0.0 && on != 1.0) || (on == 0.0 && x != 0.0)) {
        return None;
    }
    let n: f64 = patients().map(|(_, on)| on).sum();
    let mean = patients().map(|(x, on)| x * on).sum::<f64>() / n;
    let variance = patients().map(|(x, on)| on * (x - mean).powi(2)).sum::<f64>() / n;
    is_far(mean, variance).then_some(mean)
}

/// Whether a covariate with this mean and variance is worth measuring from its mean.
pub(crate) fn is_far(mean: f64, variance: f64) -> bool {
    variance > 0.0 && mean.abs() > FAR * variance.sqrt()
}
