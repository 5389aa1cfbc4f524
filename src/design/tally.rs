//! What reference grids ask of the data: how often each combination of levels occurs, and the means of numeric
//! variables.
//!
//! Counts and sums add, so that they can be had of several data sets without the patients' rows.

use super::{Columns, CovariateMeans, Dimension, Rows};
use crate::trial::{Role, Scope, VariableHeader};
use std::collections::BTreeMap;

/// Combinations of fewer levels than this are counted in a table.
const TABLE: usize = 1 << 16;

/// Counts and sums over the patients of a design.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tally {
    /// Patients with an analysed observation.
    pub patients: usize,
    /// Analysed observations by combination of levels, sorted by levels.
    pub observed: Vec<Cell>,
    /// Patients and analysed visits whose variables are known, the outcome observed or not, likewise.
    pub planned: Vec<Cell>,
    /// The sums of each variable of the mean model; zero for factors.
    pub numbers: Vec<Sums>,
}

/// A combination of levels and how often it occurs.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cell {
    /// The visit, then the level of each variable of the mean model; 0 for what is no factor.
    pub levels: Vec<usize>,
    pub n: usize,
}

/// Sums of a numeric variable.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Sums {
    /// Over the analysed observations.
    pub observations: f64,
    /// Over the analysed patients, of each patient's mean over the analysed observations.
    pub patients: f64,
    /// Over the patients and visits counted as planned.
    pub planned: f64,
}

impl Tally {
    /// The tally of rows, of a trial with so many patients randomized.
    pub fn of(columns: &Columns, rows: &Rows, randomized: usize) -> Self {
        let visits = columns.visits.len();
        let mut planned = Counter::new(columns);
        let mut sums = vec![0.0; columns.variables.len()];
        for patient in 0..randomized {
            for t in (0..visits).filter(|&t| rows.known.variables.iter().all(|v| !v.is_missing(patient, t, visits))) {
                planned.count(rows, patient, t);
                for (v, sum) in sums.iter_mut().enumerate().filter(|(v, _)| is_number(&columns.variables[*v])) {
                    *sum += rows.known.variables[v].value(patient, t, visits);
                }
            }
        }
        Self::with_planned(columns, rows, planned.cells(), &sums)
    }

    /// The tally of rows where it is known how often combinations of levels were planned, and the sums of each variable
    /// over them.
    pub fn with_planned(columns: &Columns, rows: &Rows, planned: Vec<Cell>, sums: &[f64]) -> Self {
        let visits = columns.visits.len();
        let mut observed = Counter::new(columns);
        let mut numbers: Vec<Sums> = sums.iter().map(|&planned| Sums { planned, ..Sums::default() }).collect();
        let numeric: Vec<usize> = (0..numbers.len()).filter(|&v| is_number(&columns.variables[v])).collect();
        let mut own = vec![0.0; numbers.len()];
        let mut patients = 0;
        for (at, &patient) in rows.patients.iter().enumerate() {
            let mut seen = 0.0;
            own.fill(0.0);
            for t in (0..visits).filter(|&t| !rows.y[at * visits + t].is_nan()) {
                observed.count(rows, patient, t);
                numeric.iter().for_each(|&v| own[v] += rows.known.variables[v].value(patient, t, visits));
                seen += 1.0;
            }
            if seen == 0.0 {
                continue;
            }
            patients += 1;
            for &v in &numeric {
                numbers[v].observations += own[v];
                numbers[v].patients += own[v] / seen;
            }
        }
        Self { patients, observed: observed.cells(), planned, numbers }
    }

    /// The number of analysed observations.
    pub fn observations(&self) -> usize {
        self.observed.iter().map(|cell| cell.n).sum()
    }

    /// Adds the tally of other patients under the same design.
    pub fn add(&mut self, other: &Tally) {
        self.patients += other.patients;
        self.observed = merged(&self.observed, &other.observed);
        self.planned = merged(&self.planned, &other.planned);
        self.numbers.resize(self.numbers.len().max(other.numbers.len()), Sums::default());
        for (sums, more) in self.numbers.iter_mut().zip(&other.numbers) {
            sums.observations += more.observations;
            sums.patients += more.patients;
            sums.planned += more.planned;
        }
    }

    /// The mean of a numeric variable.
    pub fn mean(&self, variable: usize, over: CovariateMeans) -> f64 {
        let sums = self.numbers.get(variable).copied().unwrap_or_default();
        match over {
            CovariateMeans::Observations => sums.observations / self.observations() as f64,
            CovariateMeans::Patients => sums.patients / self.patients as f64,
            CovariateMeans::Randomized => sums.planned / self.planned.iter().map(|cell| cell.n).sum::<usize>() as f64,
        }
    }
}

impl Cell {
    /// The level of a dimension.
    pub fn level(&self, dimension: Dimension) -> usize {
        match dimension {
            Dimension::Visit => self.levels[0],
            Dimension::Factor(v) => self.levels[1 + v],
        }
    }

    /// Whether it lies in a cell of fewer dimensions.
    pub fn is_in(&self, cell: &[(Dimension, usize)]) -> bool {
        cell.iter().all(|&(dimension, level)| self.level(dimension) == level)
    }
}

fn is_number(variable: &VariableHeader) -> bool {
    !variable.is_factor() && variable.role != Role::Time
}

fn merged(a: &[Cell], b: &[Cell]) -> Vec<Cell> {
    let mut counts: BTreeMap<&[usize], usize> = BTreeMap::new();
    a.iter().chain(b).for_each(|cell| *counts.entry(&cell.levels).or_default() += cell.n);
    counts.into_iter().map(|(levels, n)| Cell { levels: levels.to_vec(), n }).collect()
}

/// Counts combinations: in a table where it is small, else in a map.
struct Counter {
    /// The number of levels of the visit and of each variable.
    sizes: Vec<usize>,
    table: Vec<usize>,
    map: BTreeMap<Vec<usize>, usize>,
    key: Vec<usize>,
}

impl Counter {
    fn new(columns: &Columns) -> Self {
        let levels = |v: &VariableHeader| if v.is_factor() && v.role != Role::Visit { v.levels.len().max(1) } else { 1 };
        let sizes: Vec<usize> = std::iter::once(columns.visits.len()).chain(columns.variables.iter().map(levels)).collect();
        let size = sizes.iter().try_fold(1_usize, |product, &n| product.checked_mul(n).filter(|&p| p < TABLE));
        Self { table: vec![0; size.unwrap_or(0)], map: BTreeMap::new(), key: vec![0; sizes.len()], sizes }
    }

    /// Counts a row; one in which a factor is missing does not count.
    fn count(&mut self, rows: &Rows, patient: usize, visit: usize) {
        let visits = self.sizes[0];
        self.key[0] = visit;
        for (key, variable) in self.key[1..].iter_mut().zip(&rows.known.variables) {
            if variable.is_factor() && variable.scope() != Scope::Visit {
                let Some(level) = variable.level(patient, visit, visits) else { return };
                *key = level;
            }
        }
        if self.table.is_empty() {
            match self.map.get_mut(&self.key) {
                Some(n) => *n += 1,
                None => drop(self.map.insert(self.key.clone(), 1)),
            }
        } else {
            let index = self.key.iter().zip(&self.sizes).fold(0, |index, (level, size)| index * size + level);
            self.table[index] += 1;
        }
    }

    fn cells(self) -> Vec<Cell> {
        let of_index = |mut index: usize| {
            let mut levels = vec![0; self.sizes.len()];
            for (level, size) in levels.iter_mut().zip(&self.sizes).rev() {
                *level = index % size;
                index /= size;
            }
            levels
        };
        let counted = self.table.iter().enumerate().filter(|(_, n)| **n > 0).map(|(index, &n)| Cell { levels: of_index(index), n });
        counted.chain(self.map.into_iter().map(|(levels, n)| Cell { levels, n })).collect()
    }
}
