//! What an evaluation of the likelihood asks of the data, whichever way they are kept.

use super::blocks::Blocks;
use super::moments::Rows;
use super::pattern::Pattern;
use super::rows::PatientRows;
use super::sums::Sums;
use super::touched::TouchedRoom;

/// The data of a problem: sums over the patients of a pattern, or the patients.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Cost per iteration set by patterns.
    Sums(Sums),
    /// Cost per iteration set by patients: for patterns that few patients share.
    Patients(PatientRows),
}

/// Room for one evaluation: what the kind of data at hand needs, the rest is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct DataScratch {
    /// K, packed by pair of visits.
    pub k: Vec<f64>,
    /// q by visit.
    pub by_visit: Vec<f64>,
    /// q.
    pub z: Vec<f64>,
    /// ΩX or XΦ of a patient, m × p, row by row.
    pub product: Vec<f64>,
    /// Residuals of a patient, m.
    pub residual: Vec<f64>,
    /// Residuals of a patient and how they move, 2m.
    pub moved: Vec<f64>,
    /// Σ z r'W of every pattern, r the residuals, q × m each.
    pub weighted: Vec<f64>,
    /// m × q, row by row.
    pub rows: Vec<f64>,
    /// For a patient who touches few columns.
    pub touched: TouchedRoom,
}

impl Data {
    pub fn scratch(&self, visits: usize) -> DataScratch {
        match self {
            Data::Sums(sums) => sums.scratch(visits),
            Data::Patients(rows) => rows.scratch(visits),
        }
    }

    /// Σ_i X_i'ΩX_i for a symmetric Ω per pattern, p × p.
    pub fn gram(&self, patterns: &[Pattern], rows: &Rows, omega: &Blocks, gram: &mut [f64], scratch: &mut DataScratch) {
        match self {
            Data::Sums(sums) => sums.gram(omega, gram, scratch),
            Data::Patients(own) => own.gram(patterns, rows, omega, gram, scratch),
        }
    }

    /// Σ_i X_i'Ω(y_i − X_iβ₀) for a symmetric Ω per pattern, p.
    pub fn cross(&self, patterns: &[Pattern], rows: &Rows, omega: &Blocks, cross: &mut [f64], scratch: &mut DataScratch) {
        match self {
            Data::Sums(sums) => sums.cross(patterns, rows, omega, cross, scratch),
            Data::Patients(own) => own.cross(patterns, rows, omega, cross),
        }
    }

    /// R_P = Σ_i e_i e_i' of every pattern, e_i = y_i − X_i(β₀ + β).
    pub fn residual_squares(&self, patterns: &[Pattern], rows: &Rows, beta: &[f64], squares: &mut Blocks, scratch: &mut DataScratch) {
        match self {
            Data::Sums(sums) => sums.residual_squares(patterns, rows, beta, squares, scratch),
            Data::Patients(own) => own.residual_squares(patterns, rows, beta, squares, scratch),
        }
    }

    /// What the products below take of the residuals at β, where sums are kept; nothing where patients are.
    pub fn set_residual_values(&self, patterns: &[Pattern], rows: &Rows, beta: &[f64], values: &mut Vec<f64>, scratch: &mut DataScratch) {
        if let Data::Sums(sums) = self {
            sums.set_residual_values(patterns, rows, beta, values, scratch);
        }
    }

    /// Σ_i X_i'Ωr_i for a symmetric Ω per pattern, r_i = y_i − X_i(β₀ + β); `values` are of the same β.
    pub fn cross_of_residuals(
        &self,
        (patterns, rows): (&[Pattern], &Rows),
        omega: &Blocks,
        (beta, values): (&[f64], &[f64]),
        cross: &mut [f64],
        scratch: &mut DataScratch,
    ) {
        match self {
            Data::Sums(sums) => sums.cross_of_residuals(patterns, rows, (omega, values), cross, scratch),
            Data::Patients(own) => own.cross_of_residuals(patterns, rows, omega, beta, cross),
        }
    }

    /// Adds ∂R_P along a direction δ of β to every pattern's matrix; `values` are of the same β.
    pub fn add_residual_slopes(
        &self,
        (patterns, rows): (&[Pattern], &Rows),
        delta: &[f64],
        (beta, values): (&[f64], &[f64]),
        squares: &mut Blocks,
        scratch: &mut DataScratch,
    ) {
        match self {
            Data::Sums(sums) => sums.add_residual_slopes(patterns, rows, (delta, values), squares, scratch),
            Data::Patients(own) => own.add_residual_slopes(patterns, rows, (beta, delta), squares, scratch),
        }
    }

    /// H_P = Σ_i X_iΦX_i' of every pattern.
    pub fn leverages(&self, patterns: &[Pattern], rows: &Rows, phi: &[f64], leverages: &mut Blocks, scratch: &mut DataScratch) {
        match self {
            Data::Sums(sums) => sums.leverages(patterns, phi, leverages, scratch),
            Data::Patients(own) => own.leverages(patterns, rows, phi, leverages, scratch),
        }
    }

    /// The position of a pattern's patient among all patients, where they are kept one by one.
    pub fn position(&self, pattern: usize, of_pattern: usize) -> usize {
        match self {
            Data::Sums(_) => 0,
            Data::Patients(rows) => rows.patients(pattern).start + of_pattern,
        }
    }

    /// The products that a gram takes.
    pub fn cost(&self, patterns: &[Pattern], rows: &Rows) -> usize {
        match self {
            Data::Sums(sums) => sums.cost(patterns),
            Data::Patients(own) => own.own_cost(patterns, rows),
        }
    }

    /// Σ_i Σ_t (y − Xβ₀)² of a pattern.
    pub fn squares(&self, pattern: usize, m: usize) -> f64 {
        match self {
            Data::Sums(sums) => sums.yy(pattern).iter().step_by(m + 1).sum(),
            Data::Patients(rows) => rows.squares(pattern),
        }
    }
}
