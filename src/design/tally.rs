//! What reference grids ask of the data: how often each combination of levels occurs, and the means of numeric
//! variables.
//!
//! Counts and sums add, so that they can be had of several data sets without the patients' rows.

use super::{Columns, CovariateMeans, Dimension, Rows};
use crate::trial::{Role, Scope, Variable, VariableHeader};
use std::collections::BTreeMap;

/// Combinations of fewer levels than this are counted in a table.
const TABLE: usize = 1 << 16;

/// Counts and sums over the patients of a design.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    /// The visit, then the level of each variable of the mean model; 0 for what is no factor.
    pub levels: Vec<usize>,
    pub n: usize,
}

/// Sums of a numeric variable.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
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
        let numeric: Vec<usize> = (0..sums.len()).filter(|&v| is_number(&columns.variables[v])).collect();
        // What does not change is looked at once per patient: most variables do not.
        let of = |scope: Scope| -> Vec<&Variable> { rows.known.variables.iter().filter(|v| v.scope() == scope).collect() };
        let (fixed, changing, of_visits) = (of(Scope::Patient), of(Scope::PatientVisit), of(Scope::Visit));
        let open: Vec<usize> = (0..visits).filter(|&t| of_visits.iter().all(|v| !v.is_missing(0, t, visits))).collect();
        let known = (0..randomized).filter(|&patient| fixed.iter().all(|v| !v.is_missing(patient, 0, visits)));
        if changing.is_empty() {
            // Whoever counts at one visit counts at all that are known.
            for patient in known {
                planned.begin(rows, patient);
                planned.count(rows, patient, 0);
                for &v in &numeric {
                    let value = rows.known.variables[v].value(patient, 0, visits);
                    open.iter().for_each(|_| sums[v] += value);
                }
            }
            return Self::with_planned(columns, rows, at_every_visit(planned.cells(), &open), &sums);
        }
        for patient in known {
            planned.begin(rows, patient);
            for t in open.iter().copied().filter(|&t| changing.iter().all(|v| !v.is_missing(patient, t, visits))) {
                planned.count(rows, patient, t);
                numeric.iter().for_each(|&v| sums[v] += rows.known.variables[v].value(patient, t, visits));
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
        let of_scope = |fixed: bool| -> Vec<usize> {
            let is_of_scope = |v: &usize| (columns.variables[*v].scope == Scope::Patient) == fixed;
            (0..columns.variables.len()).filter(|&v| is_number(&columns.variables[v])).filter(is_of_scope).collect()
        };
        let (fixed, changing) = (of_scope(true), of_scope(false));
        let mut patients = 0;
        for (y, &patient) in rows.y.chunks_exact(visits.max(1)).zip(&rows.patients) {
            observed.begin(rows, patient);
            let seen = observed.count_visits(rows, patient, y);
            if seen == 0 {
                continue;
            }
            patients += 1;
            let value = |v: usize, t: usize| rows.known.variables[v].value(patient, t, visits);
            let mut add = |v: usize, own: f64| {
                numbers[v].observations += own;
                numbers[v].patients += own / seen as f64;
            };
            for &v in &fixed {
                let own = value(v, 0);
                add(v, (0..seen).fold(0.0, |sum, _| sum + own));
            }
            for &v in &changing {
                add(v, (0..visits).filter(|&t| !y[t].is_nan()).map(|t| value(v, t)).sum());
            }
        }
        Self { patients, observed: observed.cells(), planned, numbers }
    }

    /// So many patients and observations, and nothing of their levels.
    pub fn counted(patients: usize, observations: usize) -> Self {
        Self { patients, observed: vec![Cell { levels: vec![], n: observations }], ..Self::default() }
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

pub(super) fn is_number(variable: &VariableHeader) -> bool {
    !variable.is_factor() && variable.role != Role::Time
}

/// The same combinations at each of these visits, `cells` being those of the first of all.
fn at_every_visit(cells: Vec<Cell>, visits: &[usize]) -> Vec<Cell> {
    let at = |visit: usize, cell: &Cell| {
        let mut cell = cell.clone();
        cell.levels[0] = visit;
        cell
    };
    visits.iter().flat_map(|&visit| cells.iter().map(move |cell| at(visit, cell))).collect()
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
    /// What a step in each place of the key is in the table.
    strides: Vec<usize>,
    /// The factors that do not change within patients, and those that do, by position among the variables.
    fixed: Vec<usize>,
    changing: Vec<usize>,
    /// The key of the patient begun last; no patient where a factor of theirs is missing.
    key: Vec<usize>,
    /// Where that key begins in the table.
    base: Option<usize>,
}

impl Counter {
    fn new(columns: &Columns) -> Self {
        let levels = |v: &VariableHeader| if v.is_factor() && v.role != Role::Visit { v.levels.len().max(1) } else { 1 };
        let sizes: Vec<usize> = std::iter::once(columns.visits.len()).chain(columns.variables.iter().map(levels)).collect();
        let size = sizes.iter().try_fold(1_usize, |product, &n| product.checked_mul(n).filter(|&p| p < TABLE));
        // Without a table there are no places in it.
        let mut strides = vec![usize::from(size.is_some()); sizes.len()];
        for at in (1..sizes.len()).rev() {
            strides[at - 1] = strides[at] * if size.is_some() { sizes[at] } else { 1 };
        }
        let factors = |scope: Scope| {
            let of_scope = |v: &usize| columns.variables[*v].is_factor() && columns.variables[*v].scope == scope;
            (0..columns.variables.len()).filter(of_scope).collect()
        };
        Self {
            table: vec![0; size.unwrap_or(0)],
            map: BTreeMap::new(),
            strides,
            fixed: factors(Scope::Patient),
            changing: factors(Scope::PatientVisit),
            key: vec![0; sizes.len()],
            base: None,
            sizes,
        }
    }

    /// Looks at a patient, whose rows [`Counter::count`] then counts.
    fn begin(&mut self, rows: &Rows, patient: usize) {
        let visits = self.sizes[0];
        let mut base = 0;
        self.base = None;
        for &v in &self.fixed {
            let Some(level) = rows.known.variables[v].level(patient, 0, visits) else { return };
            self.key[1 + v] = level;
            base += level * self.strides[1 + v];
        }
        self.base = Some(base);
    }

    /// Counts a row of the patient; one in which a factor is missing does not count.
    fn count(&mut self, rows: &Rows, patient: usize, visit: usize) {
        let visits = self.sizes[0];
        let Some(mut index) = self.base else { return };
        index += visit * self.strides[0];
        if self.changing.is_empty() && !self.table.is_empty() {
            self.table[index] += 1;
            return;
        }
        self.key[0] = visit;
        for &v in &self.changing {
            let Some(level) = rows.known.variables[v].level(patient, visit, visits) else { return };
            self.key[1 + v] = level;
            index += level * self.strides[1 + v];
        }
        if !self.table.is_empty() {
            self.table[index] += 1;
            return;
        }
        match self.map.get_mut(&self.key) {
            Some(n) => *n += 1,
            None => drop(self.map.insert(self.key.clone(), 1)),
        }
    }

    /// Counts the rows of the patient that have an outcome, and returns how many these are.
    fn count_visits(&mut self, rows: &Rows, patient: usize, y: &[f64]) -> usize {
        let mut seen = 0;
        match self.base {
            Some(base) if self.changing.is_empty() && !self.table.is_empty() => {
                for (count, y) in self.table[base..].iter_mut().step_by(self.strides[0]).zip(y) {
                    *count += usize::from(!y.is_nan());
                    seen += usize::from(!y.is_nan());
                }
            }
            _ => {
                for (t, _) in y.iter().enumerate().filter(|(_, y)| !y.is_nan()) {
                    self.count(rows, patient, t);
                    seen += 1;
                }
            }
        }
        seen
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
