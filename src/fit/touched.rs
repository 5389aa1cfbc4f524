//! The rows of the model matrix as the columns that they touch: for designs in which a patient touches few of many.

use super::elimination::Elimination;
use super::kernels::dot;
use super::moments::Rows;
use super::pattern::Pattern;
use crate::design::Design;
use std::collections::BTreeSet;

/// The columns that patients touch, before anything is made of them.
#[derive(Debug, Clone)]
pub(crate) struct Touch {
    /// The sets of columns that some patient touches.
    pub sets: BTreeSet<Vec<usize>>,
    /// The multiplications of a gram.
    pub products: f64,
}

impl Touch {
    /// Of the patients of a design whose columns have these rows.
    pub fn of(design: &Design, rows: &Rows) -> Self {
        let (visits, q) = (design.columns.visits.len(), design.columns.values);
        let mut touch = Self { sets: BTreeSet::new(), products: 0.0 };
        let mut own = vec![];
        for patient in 0..design.rows.patients.len() {
            let z = design.rows.z_of(patient);
            own.clear();
            let mut seen = 0;
            for t in (0..visits).filter(|t| !design.rows.y[patient * visits + t].is_nan()) {
                seen += 1;
                own.extend(rows[t].iter().filter(|e| z[e.value % q] != 0.0).map(|e| e.column));
            }
            let elements = own.len();
            own.sort_unstable();
            own.dedup();
            touch.products += (elements * (seen + own.len())) as f64;
            if !touch.sets.contains(&own) {
                touch.sets.insert(own.clone());
            }
        }
        touch
    }

    /// The order in which these columns are eliminated; `None` where it saves little.
    pub fn elimination(&self, columns: usize) -> Option<Elimination> {
        Elimination::of(columns, &self.sets)
    }
}

/// What is not zero in the rows of every patient.
#[derive(Debug, Clone)]
pub(crate) struct TouchedRows {
    /// Where each row begins.
    starts: Vec<usize>,
    /// Columns and numbers, row after row.
    items: Vec<(usize, f64)>,
}

/// Room for the rows of one patient.
#[derive(Debug, Clone, Default)]
pub(crate) struct TouchedRoom {
    /// The columns that the patient touches.
    active: Vec<usize>,
    /// Where each of these is among them.
    slot: Vec<usize>,
    /// Numbers for each of them and each visit.
    product: Vec<f64>,
}

impl TouchedRoom {
    /// For so many columns and visits.
    pub fn new(columns: usize, visits: usize) -> Self {
        Self { active: Vec::with_capacity(columns), slot: vec![0; columns], product: vec![0.0; columns * visits] }
    }

    fn set_active(&mut self, rows: &TouchedRows, first: usize, m: usize) {
        self.active.clear();
        self.active.extend((first..first + m).flat_map(|row| rows.row(row)).map(|&(column, _)| column));
        self.active.sort_unstable();
        self.active.dedup();
        self.active.iter().enumerate().for_each(|(slot, &column)| self.slot[column] = slot);
    }
}

impl TouchedRows {
    /// No rows yet.
    pub fn empty() -> Self {
        Self { starts: vec![0], items: vec![] }
    }

    /// Adds the rows of a patient with these values.
    pub fn push(&mut self, z: &[f64], pattern: &[usize], rows: &Rows) {
        for &t in pattern {
            let first = self.items.len();
            for (column, x) in rows[t].iter().map(|e| (e.column, e.weight * z[e.value])).filter(|(_, x)| *x != 0.0) {
                match self.items[first..].iter_mut().find(|(c, _)| *c == column) {
                    Some((_, own)) => *own += x,
                    None => self.items.push((column, x)),
                }
            }
            self.starts.push(self.items.len());
        }
    }

    /// Row by position: columns and numbers.
    pub fn row(&self, row: usize) -> &[(usize, f64)] {
        &self.items[self.starts[row]..self.starts[row + 1]]
    }

    /// x'b of a row.
    pub fn times(&self, row: usize, b: &[f64]) -> f64 {
        self.row(row).iter().map(|&(column, x)| x * b[column]).sum()
    }

    /// Adds `factor` x of a row.
    pub fn add(&self, row: usize, factor: f64, sum: &mut [f64]) {
        self.row(row).iter().for_each(|&(column, x)| sum[column] += factor * x);
    }

    /// Adds `times` X'ΩX of the m rows of a patient.
    pub fn add_gram(&self, first: usize, m: usize, (omega, times): (&[f64], f64), gram: &mut [f64], room: &mut TouchedRoom) {
        room.set_active(self, first, m);
        let p = room.slot.len();
        let product = &mut room.product[..room.active.len() * m];
        product.fill(0.0);
        for (j, omega) in omega.chunks_exact(m).enumerate() {
            for &(column, x) in self.row(first + j) {
                let own = &mut product[room.slot[column] * m..][..m];
                own.iter_mut().zip(omega).for_each(|(own, omega)| *own += omega * x);
            }
        }
        for i in 0..m {
            for &(column, x) in self.row(first + i) {
                let own = &mut gram[column * p..(column + 1) * p];
                room.active.iter().zip(product.chunks_exact(m)).for_each(|(&other, product)| own[other] += times * x * product[i]);
            }
        }
    }

    /// Adds `times` XΦX' of the m rows of a patient.
    pub fn add_leverage(&self, first: usize, m: usize, (phi, times): (&[f64], f64), leverage: &mut [f64], room: &mut TouchedRoom) {
        room.set_active(self, first, m);
        let (p, width) = (room.slot.len(), room.active.len());
        let product = &mut room.product[..width * m];
        product.fill(0.0);
        for (i, own) in product.chunks_exact_mut(width.max(1)).enumerate() {
            for &(column, x) in self.row(first + i) {
                let phi = &phi[column * p..(column + 1) * p];
                own.iter_mut().zip(&room.active).for_each(|(own, &other)| *own += x * phi[other]);
            }
        }
        for (j, column) in leverage.chunks_exact_mut(m).enumerate() {
            for (own, product) in column.iter_mut().zip(product.chunks_exact(width.max(1))) {
                *own += times * self.row(first + j).iter().map(|&(column, x)| x * product[room.slot[column]]).sum::<f64>();
            }
        }
    }

    /// Adds X'Ωr of the m rows of a patient, times `times`.
    pub fn add_cross(&self, first: usize, (omega, r, times): (&[f64], &[f64], f64), cross: &mut [f64]) {
        for (i, omega) in omega.chunks_exact(r.len().max(1)).enumerate() {
            self.add(first + i, times * dot(omega, r), cross);
        }
    }

    /// The multiplications of a gram.
    pub fn cost(&self, patterns: &[Pattern]) -> usize {
        let rows: f64 = patterns.iter().map(|p| p.patients * p.size() as f64).sum();
        let widest = patterns.iter().map(Pattern::size).max().unwrap_or(0);
        let a_row = self.items.len() / (rows as usize).max(1) + 1;
        self.items.len() * (widest + widest * a_row)
    }
}
