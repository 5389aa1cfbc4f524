//! What a Gaussian model for repeated measurements needs from the data: one small set of sums per pattern of observed
//! visits.
//!
//! With u_i = (z_i, y_i\[P\]) for a patient seen at the visits P, everything is a function of n and M = Σ u_i u_i' of
//! each group and pattern. One pass over the patients makes them; after it no step of a fit looks at a patient again.

use super::collect::Patients;
use crate::design::{Columns, Design};

/// The sums of the patients of one group who were seen at the same visits.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternMoments {
    /// The covariance group, as a position among the design's groups.
    pub group: usize,
    /// The visits seen, as positions among the analysed visits, in order; m of them.
    pub visits: Vec<usize>,
    /// The number of patients.
    pub patients: usize,
    /// Σ z z', q × q, column by column.
    pub zz: Vec<f64>,
    /// Σ z y', q × m, column by column.
    pub zy: Vec<f64>,
    /// Σ y y', m × m, column by column.
    pub yy: Vec<f64>,
    /// The sum of the logarithms of the observation weights.
    pub log_weights: f64,
}

/// All patterns of a trial, and the point from which the outcome is measured.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Moments {
    /// The length q of z.
    pub values: usize,
    /// The number T of analysed visits.
    pub visits: usize,
    /// The patterns, ordered by group and visits whatever the order of the patients.
    pub patterns: Vec<PatternMoments>,
    /// β₀: the sums hold y − X β₀, so that an outcome far from zero loses no digits.
    pub origin: Vec<f64>,
}

/// D_t of the active columns: per visit the non-zero entries.
pub(crate) type Rows = Vec<Vec<crate::design::Entry>>;

impl Moments {
    /// One pass over the design's patients; `rows` are its entries, expanded by visit when there are weights.
    pub(crate) fn of(design: &Design, rows: &Rows, origin: Vec<f64>) -> Self {
        let q = design.columns.values;
        let expected = |row: &Vec<crate::design::Entry>| {
            let terms = row.iter().map(|e| (e.value % q, e.weight * origin[e.column]));
            terms.filter(|&(_, by)| by != 0.0).collect()
        };
        let patients = Patients {
            z: &design.rows.z,
            values: q,
            y: &design.rows.y,
            visits: design.columns.visits.len(),
            weights: design.rows.weights.as_deref(),
            group_of: &design.rows.group_of,
            expected: rows.iter().map(expected).collect(),
        };
        let patterns = patients.patterns();
        Self { values: value_count(design), visits: design.columns.visits.len(), patterns, origin }
    }

    /// The number of observations N.
    pub fn n_observations(&self) -> usize {
        self.patterns.iter().map(|p| p.patients * p.visits.len()).sum()
    }

    /// The number of patients.
    pub fn n_patients(&self) -> usize {
        self.patterns.iter().map(|p| p.patients).sum()
    }
}

impl PatternMoments {
    /// No patients yet.
    pub(crate) fn empty(group: usize, visits: Vec<usize>, q: usize) -> Self {
        let m = visits.len();
        Self { group, visits, patients: 0, zz: vec![0.0; q * q], zy: vec![0.0; q * m], yy: vec![0.0; m * m], log_weights: 0.0 }
    }
}

/// The length of z: with weights every value counts once per visit, since √w scales the rows of each visit by its own
/// factor.
pub(super) fn value_count(design: &Design) -> usize {
    if design.rows.weights.is_some() { design.columns.values * design.columns.visits.len() } else { design.columns.values }
}

/// D_t for the columns kept, renumbered, in terms of the values that [`Moments::of`] uses: one z per patient, or, with
/// weights, one per visit.
pub(crate) fn active_rows(columns: &Columns, by_visit: bool, kept: &[usize]) -> Rows {
    let mut position = vec![None; columns.len()];
    kept.iter().enumerate().for_each(|(new, &old)| position[old] = Some(new));
    let row = |t: usize| {
        let entries = columns.entries[t].iter().filter_map(|e| position[e.column].map(|column| (column, e)));
        entries
            .map(|(column, e)| crate::design::Entry {
                column,
                value: if by_visit { t * columns.values + e.value } else { e.value },
                weight: e.weight,
            })
            .collect()
    };
    (0..columns.visits.len()).map(row).collect()
}

/// The visits a patient was seen at, with z and y − X β₀ there, scaled by the square roots of the weights.
pub(super) struct Observed {
    seen: Vec<usize>,
    pub z: Vec<f64>,
    pub y: Vec<f64>,
}

impl Observed {
    /// Room for one patient of a design.
    pub fn new(design: &Design) -> Self {
        let visits = design.columns.visits.len();
        Self { seen: Vec::with_capacity(visits), z: vec![0.0; value_count(design)], y: Vec::with_capacity(visits) }
    }

    /// Reads a patient.
    pub fn read(&mut self, design: &Design, patient: usize, rows: &Rows, origin: &[f64]) {
        let (q, visits, own) = (design.columns.values, design.columns.visits.len(), design.rows.z_of(patient));
        self.seen.clear();
        self.y.clear();
        match &design.rows.weights {
            None => self.z.copy_from_slice(own),
            Some(_) => self.z.fill(0.0),
        }
        for t in 0..visits {
            let value = design.rows.y[patient * visits + t];
            if value.is_nan() {
                continue;
            }
            let root = design.rows.weights.as_ref().map_or(1.0, |w| w[patient * visits + t].sqrt());
            if design.rows.weights.is_some() {
                self.z[t * q..(t + 1) * q].iter_mut().zip(own).for_each(|(z, own)| *z = root * own);
            }
            let expected: f64 = rows[t].iter().map(|e| e.weight * own[e.value % q] * origin[e.column]).sum();
            self.seen.push(t);
            self.y.push(root * (value - expected));
        }
    }
}
