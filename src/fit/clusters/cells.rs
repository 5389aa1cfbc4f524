//! What the data say of the effects of clusters: first moments of the patients who share a pattern and their clusters.

use super::Clusters;
use crate::design::Design;
use crate::fit::blocks::Blocks;
use crate::fit::build::ObservedRows;
use crate::fit::kernels::{axpy, dot};
use crate::fit::moments::Rows;
use crate::fit::pattern::Pattern;
use std::collections::BTreeMap;

/// The patients of one pattern whose rows of Z are the same.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// The position of their pattern.
    pattern: usize,
    /// The effects that they have, as positions among all effects, each with its multiplier at the pattern's visits.
    effects: Vec<(usize, Vec<f64>)>,
    /// The number of patients.
    patients: f64,
    /// Σ_i X_i, m × p, row by row.
    x: Vec<f64>,
    /// Σ_i (y_i − X_iβ₀), m.
    y: Vec<f64>,
}

/// What the patients of a cell share: the pattern, and each effect with the bits of its multipliers.
type Key = (usize, Vec<(usize, Vec<u64>)>);

/// All cells.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    /// p.
    fixed: usize,
    cells: Vec<Cell>,
    /// The cell of every patient of the design; `None` for those without an effect.
    pub of_patient: Vec<Option<usize>>,
}

impl Cells {
    /// Of a design, whose patients' z and y are `observed` and whose patterns are `pattern_of`.
    pub fn new(
        design: &Design,
        clusters: &Clusters,
        rows: &Rows,
        observed: &ObservedRows,
        patterns: &[Pattern],
        pattern_of: impl Fn(usize, &[usize]) -> Option<usize>,
    ) -> Self {
        let visits = design.columns.visits.len();
        let mut cells = Self { fixed: clusters.fixed, cells: vec![], of_patient: vec![None; design.rows.patients.len()] };
        let mut known: BTreeMap<Key, usize> = BTreeMap::new();
        for patient in 0..design.rows.patients.len() {
            let seen: Vec<usize> = (0..visits).filter(|t| !design.rows.y[patient * visits + t].is_nan()).collect();
            let Some(pattern) = pattern_of(patient, &seen) else { continue };
            let effects = effects_of(design, clusters, patient, &seen);
            if effects.is_empty() {
                continue;
            }
            let key = effects.iter().map(|(c, z)| (*c, z.iter().map(|z| z.to_bits()).collect())).collect();
            let m = patterns[pattern].size();
            let cell = *known.entry((pattern, key)).or_insert_with(|| {
                cells.cells.push(Cell { pattern, effects, patients: 0.0, x: vec![0.0; m * clusters.fixed], y: vec![0.0; m] });
                cells.cells.len() - 1
            });
            cells.of_patient[patient] = Some(cell);
            cells.add_values(patient, rows, &patterns[pattern].visits, observed.z(patient), 1.0);
            cells.add_outcome(patient, observed.y(patient), 1.0);
        }
        cells
    }

    /// Sets all sums to zero, so that patients can be added again.
    pub fn clear(&mut self) {
        for cell in &mut self.cells {
            cell.patients = 0.0;
            cell.x.fill(0.0);
        }
        self.clear_outcome();
    }

    /// Sets the sums of the outcome to zero.
    pub fn clear_outcome(&mut self) {
        self.cells.iter_mut().for_each(|cell| cell.y.fill(0.0));
    }

    /// Counts a patient with these values `times` more.
    pub fn add_values(&mut self, patient: usize, rows: &Rows, visits: &[usize], z: &[f64], times: f64) {
        let Some(cell) = self.of_patient[patient] else { return };
        let cell = &mut self.cells[cell];
        cell.patients += times;
        for (own, &t) in cell.x.chunks_exact_mut(self.fixed).zip(visits) {
            rows[t].iter().for_each(|e| own[e.column] += times * e.weight * z[e.value]);
        }
    }

    /// Counts a patient with these outcomes `times` more.
    pub fn add_outcome(&mut self, patient: usize, y: &[f64], times: f64) {
        let Some(cell) = self.of_patient[patient] else { return };
        axpy(&mut self.cells[cell].y, times, y);
    }

    /// Completes \[X Z\]'Ω\[X Z\], n × n, whose leading block is there already.
    pub fn complete_gram(&self, omega: &Blocks, gram: &mut [f64]) {
        let (p, n) = (self.fixed, gram.len().isqrt());
        gram[p * n..].fill(0.0);
        let mut v = vec![];
        for cell in &self.cells {
            let omega = omega.get(cell.pattern);
            for (c, z) in &cell.effects {
                set_product(omega, z, &mut v);
                let column = &mut gram[(p + c) * n..(p + c + 1) * n];
                cell.x.chunks_exact(p).zip(&v).for_each(|(x, &v)| axpy(&mut column[..p], v, x));
                cell.effects.iter().for_each(|(d, other)| column[p + d] += cell.patients * dot(other, &v));
            }
        }
        for c in p..n {
            for r in 0..p {
                gram[r * n + c] = gram[c * n + r];
            }
        }
    }

    /// Z'Ω(y − Xβ₀), q.
    pub fn cross(&self, omega: &Blocks, cross: &mut [f64]) {
        cross.fill(0.0);
        let mut v = vec![];
        for cell in &self.cells {
            set_product(omega.get(cell.pattern), &cell.y, &mut v);
            cell.effects.iter().for_each(|(c, z)| cross[*c] += dot(z, &v));
        }
    }

    /// Takes Σ_i e_i e_i' of every pattern, e_i = y_i − X_iβ, to residuals from which Zu is taken, too.
    pub fn move_squares(&self, beta: &[f64], u: &[f64], squares: &mut Blocks) {
        let (mut shift, mut e) = (vec![], vec![]);
        for cell in &self.cells {
            shift.clear();
            shift.resize(cell.y.len(), 0.0);
            cell.effects.iter().for_each(|(c, z)| axpy(&mut shift, u[*c], z));
            e.clear();
            // Σ e − n g / 2, so that one symmetric product does it.
            let own = cell.x.chunks_exact(self.fixed).zip(&cell.y).zip(&shift);
            e.extend(own.map(|((x, y), g)| y - dot(x, beta) - 0.5 * cell.patients * g));
            add_symmetric_product(-1.0, &e, &shift, squares.get_mut(cell.pattern));
        }
    }

    /// Takes Σ_i X_iSX_i' of every pattern, S the leading block, to Σ_i \[X Z\]_iS\[X Z\]_i'.
    pub fn move_leverages(&self, s: &[f64], leverages: &mut Blocks) {
        let (p, n) = (self.fixed, s.len().isqrt());
        let mut h = vec![];
        for cell in &self.cells {
            let target = leverages.get_mut(cell.pattern);
            for (c, z) in &cell.effects {
                let column = &s[(p + c) * n..(p + c + 1) * n];
                h.clear();
                h.extend(cell.x.chunks_exact(p).map(|x| dot(x, &column[..p])));
                cell.effects.iter().for_each(|(d, other)| axpy(&mut h, 0.5 * cell.patients * column[p + d], other));
                add_symmetric_product(1.0, &h, z, target);
            }
        }
    }
}

/// The effects of a patient whose multiplier is not zero at all visits seen, with the roots of the weights.
fn effects_of(design: &Design, clusters: &Clusters, patient: usize, seen: &[usize]) -> Vec<(usize, Vec<f64>)> {
    let visits = design.columns.visits.len();
    let mut found: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (term, own) in design.rows.random.iter().zip(&clusters.terms) {
        let k = term.size();
        for (i, &t) in seen.iter().enumerate() {
            let row = patient * visits + t;
            let Some(level) = term.level_of[row] else { continue };
            let root = design.rows.weights.as_ref().map_or(1.0, |w| w[row].sqrt());
            for e in 0..k {
                let effect = own.columns(level as usize).start - clusters.fixed + e;
                let z = term.z[row * k + e];
                if z != 0.0 {
                    found.entry(effect).or_insert_with(|| vec![0.0; seen.len()])[i] = root * z;
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Ωz.
fn set_product(omega: &[f64], z: &[f64], product: &mut Vec<f64>) {
    product.clear();
    product.extend(omega.chunks_exact(z.len()).map(|column| dot(column, z)));
}

/// Adds factor (a b' + b a').
fn add_symmetric_product(factor: f64, a: &[f64], b: &[f64], target: &mut [f64]) {
    let m = a.len();
    for j in 0..m {
        for i in 0..m {
            target[j * m + i] += factor * (a[i] * b[j] + b[i] * a[j]);
        }
    }
}
