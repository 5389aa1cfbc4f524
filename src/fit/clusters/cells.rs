//! What the data say of the effects of clusters: first moments of the patients who share a pattern and their clusters.

use super::Clusters;
use super::shape::Shape;
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
    /// The component of those that are not joined, where there are any.
    component: Option<usize>,
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
    of_patient: Vec<Option<usize>>,
}

/// Room for one cell: three vectors by visit.
#[derive(Debug, Clone)]
pub(super) struct CellRoom([Vec<f64>; 3]);

impl CellRoom {
    pub fn new(visits: usize) -> Self {
        Self([(); 3].map(|_| vec![0.0; visits]))
    }
}

/// What stands for the inverse of Henderson's matrix: S for the outer columns, and per component M̃, N' and −SN'.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread<'s> {
    pub s: &'s [f64],
    pub m: &'s [f64],
    pub n: &'s [f64],
    pub y: &'s [f64],
}

impl Cells {
    /// Of a design, whose patients' z and y are `observed` and whose patterns are `pattern_of`. Effects stand as the
    /// terms have them, until they are [arranged](Self::arrange).
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
                cells.cells.push(Cell {
                    pattern,
                    effects,
                    component: None,
                    patients: 0.0,
                    x: vec![0.0; m * clusters.fixed],
                    y: vec![0.0; m],
                });
                cells.cells.len() - 1
            });
            cells.of_patient[patient] = Some(cell);
            cells.add_values(patient, rows, &patterns[pattern].visits, observed.z(patient), 1.0);
            cells.add_outcome(patient, observed.y(patient), 1.0);
        }
        cells
    }

    /// Takes effects to their positions.
    pub fn arrange(&mut self, shape: &Shape) {
        for cell in &mut self.cells {
            cell.effects.iter_mut().for_each(|(c, _)| *c = shape.position(*c));
            cell.effects.sort_by_key(|(c, _)| *c);
            cell.component = cell.effects.last().and_then(|(c, _)| shape.component_of(*c));
        }
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

    /// The multiplications of a form.
    pub fn products(&self) -> usize {
        let own = |cell: &Cell| cell.effects.len() * cell.y.len() * (cell.y.len() + self.fixed + cell.effects.len());
        self.cells.iter().map(own).sum()
    }

    /// Completes the form \[X Z\]'Ω\[X Z\], of which X'ΩX is there already.
    pub(super) fn complete_form(&self, shape: &Shape, omega: &Blocks, form: &mut [f64], room: &mut CellRoom) {
        let (p, width, joined) = (self.fixed, shape.outer, shape.joined());
        let (outer, across, inner) = shape.parts_mut(form);
        outer[p * width..].fill(0.0);
        across.fill(0.0);
        inner.fill(0.0);
        for cell in &self.cells {
            let (m, omega) = (cell.y.len(), omega.get(cell.pattern));
            let v = &mut room.0[0][..m];
            let component = cell.component.map(|c| &shape.components[c]);
            for (c, z) in &cell.effects {
                set_product(omega, z, v);
                let column = match c.checked_sub(joined) {
                    None => &mut outer[(p + c) * width..(p + c + 1) * width],
                    Some(c) => &mut across[c * width..(c + 1) * width],
                };
                cell.x.chunks_exact(p).zip(&*v).for_each(|(x, &v)| axpy(&mut column[..p], v, x));
                for (d, other) in cell.effects.iter().filter(|(d, _)| *d < joined) {
                    column[p + d] += cell.patients * dot(other, v);
                }
                if let (Some(component), Some(c)) = (component, c.checked_sub(joined)) {
                    let (size, from) = (component.size(), component.effects.start + joined);
                    let column = &mut inner[component.square.clone()][(c - component.effects.start) * size..][..size];
                    for (d, other) in cell.effects.iter().filter(|(d, _)| *d >= joined) {
                        column[d - from] += cell.patients * dot(other, v);
                    }
                }
            }
        }
        for c in p..width {
            for r in 0..p {
                outer[r * width + c] = outer[c * width + r];
            }
        }
    }

    /// Z'Ω(y − Xβ₀), q.
    pub(super) fn cross(&self, omega: &Blocks, cross: &mut [f64], room: &mut CellRoom) {
        cross.fill(0.0);
        for cell in &self.cells {
            let v = &mut room.0[0][..cell.y.len()];
            set_product(omega.get(cell.pattern), &cell.y, v);
            cell.effects.iter().for_each(|(c, z)| cross[*c] += dot(z, v));
        }
    }

    /// Takes Σ_i e_i e_i' of every pattern, e_i = y_i − X_iβ, to residuals from which Zu is taken, too.
    pub(super) fn move_squares(&self, beta: &[f64], u: &[f64], squares: &mut Blocks, room: &mut CellRoom) {
        let [shift, e, _] = &mut room.0;
        for cell in &self.cells {
            let m = cell.y.len();
            let (shift, e) = (&mut shift[..m], &mut e[..m]);
            shift.fill(0.0);
            cell.effects.iter().for_each(|(c, z)| axpy(shift, u[*c], z));
            // Σ e − n g / 2, so that one symmetric product does it.
            let own = cell.x.chunks_exact(self.fixed).zip(&cell.y).zip(&*shift);
            e.iter_mut().zip(own).for_each(|(e, ((x, y), g))| *e = y - dot(x, beta) - 0.5 * cell.patients * g);
            add_symmetric_product(-1.0, e, shift, squares.get_mut(cell.pattern));
        }
    }

    /// Takes Σ_i X_iSX_i' of every pattern to the same of all columns \[X Z\].
    pub(super) fn move_leverages(&self, shape: &Shape, spread: Spread, leverages: &mut Blocks, room: &mut CellRoom) {
        let (p, width, joined) = (self.fixed, shape.outer, shape.joined());
        let Spread { s, m, n, y } = spread;
        let column_of = |c: usize| match c.checked_sub(joined) {
            None => &s[(p + c) * width..(p + c + 1) * width],
            Some(c) => &y[c * width..(c + 1) * width],
        };
        for cell in &self.cells {
            let target = leverages.get_mut(cell.pattern);
            let h = &mut room.0[0][..cell.y.len()];
            let component = cell.component.map(|c| &shape.components[c]);
            let between = |c: usize, d: usize| match (component, c.checked_sub(joined), d.checked_sub(joined)) {
                (_, _, None) => column_of(c)[p + d],
                (_, None, Some(_)) => column_of(d)[p + c],
                (None, ..) => 0.0,
                (Some(own), Some(c), Some(d)) => {
                    let first = own.effects.start;
                    m[own.square.start + (c - first) * own.size() + d - first] - dot(&n[d * width..(d + 1) * width], column_of(c + joined))
                }
            };
            for (c, z) in &cell.effects {
                let column = column_of(*c);
                h.iter_mut().zip(cell.x.chunks_exact(p)).for_each(|(h, x)| *h = dot(x, &column[..p]));
                cell.effects.iter().for_each(|(d, other)| axpy(h, 0.5 * cell.patients * between(*c, *d), other));
                add_symmetric_product(1.0, h, z, target);
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
                let effect = own.first_column - clusters.fixed + level as usize * k + e;
                let z = term.z[row * k + e];
                if z != 0.0 {
                    found.entry(effect).or_insert_with(|| vec![0.0; seen.len()])[i] = root * z;
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Writes Ωz.
fn set_product(omega: &[f64], z: &[f64], product: &mut [f64]) {
    product.iter_mut().zip(omega.chunks_exact(z.len())).for_each(|(x, column)| *x = dot(column, z));
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
