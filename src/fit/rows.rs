//! The data patient by patient: for designs whose patterns are nearly as many as the patients, or whose z is long.

use super::blocks::Blocks;
use super::data::DataScratch;
use super::kernels::{axpy, dot};
use super::moments::Rows;
use super::pattern::Pattern;
use super::touched::{TouchedRoom, TouchedRows};
use std::ops::Range;

/// z and y of every patient, ordered by pattern.
#[derive(Debug, Clone)]
pub(crate) struct PatientRows {
    /// The length q of z.
    values: usize,
    columns: usize,
    /// z, patient by patient, q each.
    z: Vec<f64>,
    /// y − Xβ₀ at the visits seen, patient by patient, m each.
    y: Vec<f64>,
    /// How often each patient counts: 1, or the multiplicity in a bootstrap sample.
    times: Vec<f64>,
    /// Where each pattern's patients begin.
    starts: Vec<usize>,
    /// Where each pattern's y begin.
    y_starts: Vec<usize>,
    /// The rows of X in the order of y, where patients touch few columns.
    touched: Option<TouchedRows>,
}

impl PatientRows {
    /// No patients yet; `patients` of each pattern are to come.
    pub fn empty(values: usize, columns: usize) -> Self {
        Self { values, columns, z: vec![], y: vec![], times: vec![], starts: vec![0], y_starts: vec![0], touched: None }
    }

    /// Notes which columns each patient touches, so that nothing is done with others.
    pub fn note_touched(&mut self, patterns: &[Pattern], rows: &Rows) {
        let mut touched = TouchedRows::empty();
        for (index, pattern) in patterns.iter().enumerate() {
            self.patients(index).for_each(|i| touched.push(self.z_of(i), &pattern.visits, rows));
        }
        self.touched = Some(touched);
    }

    /// Adds a patient of the pattern that is being filled.
    pub fn push(&mut self, z: &[f64], y: &[f64]) {
        self.z.extend_from_slice(z);
        self.y.extend_from_slice(y);
        self.times.push(1.0);
    }

    /// Ends the pattern that is being filled.
    pub fn end_pattern(&mut self) {
        self.starts.push(self.times.len());
        self.y_starts.push(self.y.len());
    }

    pub fn scratch(&self, visits: usize) -> DataScratch {
        let (residual, moved) = (vec![0.0; visits], vec![0.0; 2 * visits]);
        if self.touched.is_some() {
            return DataScratch { residual, moved, touched: TouchedRoom::new(self.columns, visits), ..DataScratch::default() };
        }
        DataScratch { product: vec![0.0; visits * self.columns], residual, moved, ..DataScratch::default() }
    }

    /// The products that one gram takes.
    pub fn own_cost(&self, patterns: &[Pattern], rows: &Rows) -> usize {
        match &self.touched {
            Some(touched) => touched.cost(patterns),
            None => Self::cost(patterns, rows, self.columns),
        }
    }

    /// The products that one gram would take, for choosing between this and sums.
    pub fn cost(patterns: &[Pattern], rows: &Rows, columns: usize) -> usize {
        let entries = rows.iter().map(Vec::len).max().unwrap_or(0);
        patterns.iter().map(|p| p.patients as usize * p.size() * entries * (p.size() + columns)).sum()
    }

    /// Σ yy' of a pattern on its diagonal, added up.
    pub fn squares(&self, pattern: usize) -> f64 {
        let m = (self.y_starts[pattern + 1] - self.y_starts[pattern]).checked_div(self.patients(pattern).len()).unwrap_or(0);
        self.patients(pattern).map(|i| self.times[i] * self.y_of(pattern, m, i).iter().map(|y| y * y).sum::<f64>()).sum()
    }

    /// Replaces the outcome and multiplicity of a patient, by position.
    pub fn set(&mut self, pattern: usize, patient: usize, y: &[f64], times: f64) {
        let first = self.y_starts[pattern] + (patient - self.starts[pattern]) * y.len();
        self.y[first..first + y.len()].copy_from_slice(y);
        self.times[patient] = times;
    }

    /// The patients of a pattern, by position.
    pub fn patients(&self, pattern: usize) -> Range<usize> {
        self.starts[pattern]..self.starts[pattern + 1]
    }

    fn z_of(&self, patient: usize) -> &[f64] {
        &self.z[patient * self.values..(patient + 1) * self.values]
    }

    fn y_of(&self, pattern: usize, m: usize, patient: usize) -> &[f64] {
        let first = self.first_row(pattern, m, patient);
        &self.y[first..first + m]
    }

    /// The position of a patient's first row among all rows.
    fn first_row(&self, pattern: usize, m: usize, patient: usize) -> usize {
        self.y_starts[pattern] + (patient - self.starts[pattern]) * m
    }

    /// Every patient with their pattern and multiplicity.
    fn each(&self, patterns: &[Pattern], mut visit: impl FnMut(usize, &Pattern, usize, f64)) {
        for (index, pattern) in patterns.iter().enumerate() {
            self.patients(index).filter(|&i| self.times[i] != 0.0).for_each(|i| visit(index, pattern, i, self.times[i]));
        }
    }

    /// Σ_i X_i'ΩX_i, p × p.
    pub fn gram(&self, patterns: &[Pattern], rows: &Rows, omega: &Blocks, gram: &mut [f64], scratch: &mut DataScratch) {
        let p = self.columns;
        gram.fill(0.0);
        if let Some(touched) = &self.touched {
            return self.each(patterns, |index, pattern, patient, times| {
                let first = self.first_row(index, pattern.size(), patient);
                touched.add_gram(first, pattern.size(), (omega.get(index), times), gram, &mut scratch.touched);
            });
        }
        self.each(patterns, |index, pattern, patient, times| {
            let (m, omega, z) = (pattern.size(), omega.get(index), self.z_of(patient));
            let product = &mut scratch.product[..m * p];
            product.fill(0.0);
            for (j, &s) in pattern.visits.iter().enumerate() {
                for e in rows[s].iter().filter(|e| z[e.value] != 0.0) {
                    let x = e.weight * z[e.value];
                    (0..m).for_each(|i| product[i * p + e.column] += omega[j * m + i] * x);
                }
            }
            for (product, &t) in product.chunks_exact(p).zip(&pattern.visits) {
                for e in rows[t].iter().filter(|e| z[e.value] != 0.0) {
                    axpy(&mut gram[e.column * p..(e.column + 1) * p], times * e.weight * z[e.value], product);
                }
            }
        });
    }

    /// Σ_i X_i'Ω(y_i − X_iβ₀), p.
    pub fn cross(&self, patterns: &[Pattern], rows: &Rows, omega: &Blocks, cross: &mut [f64]) {
        cross.fill(0.0);
        if let Some(touched) = &self.touched {
            return self.each(patterns, |index, pattern, patient, times| {
                let m = pattern.size();
                let y = self.y_of(index, m, patient);
                touched.add_cross(self.first_row(index, m, patient), (omega.get(index), y, times), cross);
            });
        }
        self.each(patterns, |index, pattern, patient, times| {
            let (m, omega, z) = (pattern.size(), omega.get(index), self.z_of(patient));
            let y = self.y_of(index, m, patient);
            for (i, &t) in pattern.visits.iter().enumerate() {
                let weighted = times * dot(&omega[i * m..(i + 1) * m], y);
                rows[t].iter().for_each(|e| cross[e.column] += e.weight * z[e.value] * weighted);
            }
        });
    }

    /// Σ_i X_i'Ω(y_i − X_i(β₀ + β)), p.
    pub fn cross_of_residuals(&self, patterns: &[Pattern], rows: &Rows, omega: &Blocks, beta: &[f64], cross: &mut [f64]) {
        cross.fill(0.0);
        if let Some(touched) = &self.touched {
            return self.each(patterns, |index, pattern, patient, times| {
                let m = pattern.size();
                let first = self.first_row(index, m, patient);
                for (j, omega) in omega.get(index).chunks_exact(m).enumerate() {
                    let residual = times * (self.y[first + j] - touched.times(first + j, beta));
                    omega.iter().enumerate().for_each(|(i, omega)| touched.add(first + i, omega * residual, cross));
                }
            });
        }
        self.each(patterns, |index, pattern, patient, times| {
            let (m, omega, z) = (pattern.size(), omega.get(index), self.z_of(patient));
            for ((y, &s), omega) in self.y_of(index, m, patient).iter().zip(&pattern.visits).zip(omega.chunks_exact(m)) {
                let residual = y - rows[s].iter().map(|e| e.weight * z[e.value] * beta[e.column]).sum::<f64>();
                for (&t, omega) in pattern.visits.iter().zip(omega) {
                    rows[t].iter().for_each(|e| cross[e.column] += times * omega * residual * e.weight * z[e.value]);
                }
            }
        });
    }

    /// Adds ∂R_P along a direction δ of β, −Σ_i (X_iδ e_i' + e_i δ'X_i').
    pub fn add_residual_slopes(
        &self,
        patterns: &[Pattern],
        rows: &Rows,
        (beta, delta): (&[f64], &[f64]),
        squares: &mut Blocks,
        scratch: &mut DataScratch,
    ) {
        // Residuals, and X_iδ behind them.
        self.each(patterns, |index, pattern, patient, times| {
            let (m, z) = (pattern.size(), self.z_of(patient));
            let (residual, moved) = scratch.moved.split_at_mut(rows.len());
            let first = self.first_row(index, m, patient);
            for (i, (&t, y)) in pattern.visits.iter().zip(self.y_of(index, m, patient)).enumerate() {
                let along = |b: &[f64]| match &self.touched {
                    Some(touched) => touched.times(first + i, b),
                    None => rows[t].iter().map(|e| e.weight * z[e.value] * b[e.column]).sum(),
                };
                (residual[i], moved[i]) = (y - along(beta), along(delta));
            }
            let square = squares.get_mut(index);
            for (j, column) in square.chunks_exact_mut(m).enumerate() {
                axpy(column, -times * residual[j], &moved[..m]);
                axpy(column, -times * moved[j], &residual[..m]);
            }
        });
    }

    /// R_P = Σ_i e_i e_i' of every pattern, e_i = y_i − X_i(β₀ + β).
    pub fn residual_squares(&self, patterns: &[Pattern], rows: &Rows, beta: &[f64], squares: &mut Blocks, scratch: &mut DataScratch) {
        squares.clear();
        self.each(patterns, |index, pattern, patient, times| {
            let (m, z) = (pattern.size(), self.z_of(patient));
            let residual = &mut scratch.residual[..m];
            if let Some(touched) = &self.touched {
                let first = self.first_row(index, m, patient);
                residual.iter_mut().enumerate().for_each(|(i, e)| *e = self.y[first + i] - touched.times(first + i, beta));
            } else {
                for ((e, y), &t) in residual.iter_mut().zip(self.y_of(index, m, patient)).zip(&pattern.visits) {
                    *e = y - rows[t].iter().map(|e| e.weight * z[e.value] * beta[e.column]).sum::<f64>();
                }
            }
            for (column, &e) in squares.get_mut(index).chunks_exact_mut(m).zip(&*residual) {
                axpy(column, times * e, residual);
            }
        });
    }

    /// H_P = Σ_i X_iΦX_i' of every pattern.
    pub fn leverages(&self, patterns: &[Pattern], rows: &Rows, phi: &[f64], leverages: &mut Blocks, scratch: &mut DataScratch) {
        let p = self.columns;
        leverages.clear();
        if let Some(touched) = &self.touched {
            return self.each(patterns, |index, pattern, patient, times| {
                let first = self.first_row(index, pattern.size(), patient);
                touched.add_leverage(first, pattern.size(), (phi, times), leverages.get_mut(index), &mut scratch.touched);
            });
        }
        self.each(patterns, |index, pattern, patient, times| {
            let (m, z) = (pattern.size(), self.z_of(patient));
            let product = &mut scratch.product[..m * p];
            product.fill(0.0);
            for (product, &t) in product.chunks_exact_mut(p).zip(&pattern.visits) {
                for e in rows[t].iter().filter(|e| z[e.value] != 0.0) {
                    axpy(product, e.weight * z[e.value], &phi[e.column * p..(e.column + 1) * p]);
                }
            }
            let leverage = leverages.get_mut(index);
            for (j, &t) in pattern.visits.iter().enumerate() {
                for (i, product) in product.chunks_exact(p).enumerate() {
                    let x: f64 = rows[t].iter().map(|e| e.weight * z[e.value] * product[e.column]).sum();
                    leverage[j * m + i] += times * x;
                }
            }
        });
    }
}
