//! From a design to the likelihood problem: one pass over the patients, and the choice how their data are kept.

use super::classes::Classes;
use super::data::Data;
use super::moments::{Moments, Observed, PatternMoments, Rows, value_count};
use super::pattern::Pattern;
use super::problem::{Estimation, Problem};
use super::rows::PatientRows;
use super::sums::Sums;
use crate::design::Design;
use std::collections::BTreeMap;

/// How the data of a problem are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// Whichever way makes an iteration cost less.
    Cheaper,
    /// Sums over the patients of a pattern.
    #[cfg(test)]
    Sums,
    /// Patients, one by one.
    #[cfg(test)]
    Patients,
}

/// The problem, and the sums where it can be made from sums.
#[expect(clippy::too_many_arguments, reason = "a model has that many parts")]
pub(crate) fn problem(
    design: &Design,
    values: &[f64],
    rows: Rows,
    origin: &[f64],
    columns: usize,
    classes: Classes,
    estimation: Estimation,
    storage: Storage,
) -> (Problem, Option<Moments>) {
    let groups = design.columns.groups.len();
    let log_weights = log_weights(design);
    let with = |data: Data, patterns: Vec<Pattern>, rows: Rows| Problem {
        data,
        patterns,
        rows,
        columns,
        groups,
        estimation,
        classes: classes.structures.clone(),
        log_weights,
        clusters: None,
    };
    if !classes.is_single() {
        let (own, patterns) = by_patient(design, values, &rows, origin, columns, &classes);
        return (with(Data::Patients(own), patterns, rows), None);
    }
    let moments = Moments::of(design, values, &rows, origin.to_vec());
    let patterns = patterns_of(&moments);
    let sums = Sums::new(&moments, &patterns, &rows, columns);
    let keep_sums = match storage {
        Storage::Cheaper => sums.cost(&patterns) <= PatientRows::cost(&patterns, &rows, columns),
        #[cfg(test)]
        forced => forced == Storage::Sums,
    };
    let data = match keep_sums {
        true => Data::Sums(sums),
        false => Data::Patients(by_patient(design, values, &rows, origin, columns, &classes).0),
    };
    (with(data, patterns, rows), Some(moments))
}

/// A problem that knows the structure and the columns, and has no patients.
pub(crate) fn without_data(rows: Rows, columns: usize, classes: Classes, estimation: Estimation) -> Problem {
    let data = Data::Patients(PatientRows::empty(0, columns));
    Problem { data, patterns: vec![], rows, columns, groups: 1, estimation, classes: classes.structures, log_weights: 0.0, clusters: None }
}

/// The problem from sums alone.
pub(crate) fn problem_of_moments(
    moments: &Moments,
    rows: Rows,
    columns: usize,
    groups: usize,
    classes: Classes,
    estimation: Estimation,
) -> Problem {
    let patterns = patterns_of(moments);
    let data = Data::Sums(Sums::new(moments, &patterns, &rows, columns));
    let log_weights = moments.patterns.iter().map(|p| p.log_weights).sum();
    Problem { data, patterns, rows, columns, groups, estimation, classes: classes.structures, log_weights, clusters: None }
}

fn patterns_of(moments: &Moments) -> Vec<Pattern> {
    let pattern = |p: &PatternMoments| Pattern { group: p.group, cell: p.group, visits: p.visits.clone(), patients: p.patients as f64 };
    moments.patterns.iter().map(pattern).collect()
}

/// z and y of every patient, in the design's order.
pub(crate) struct ObservedRows {
    /// The length q of z.
    pub values: usize,
    /// n × q.
    pub z: Vec<f64>,
    y: Vec<f64>,
    starts: Vec<usize>,
}

impl ObservedRows {
    /// z of a patient, q.
    pub fn z(&self, patient: usize) -> &[f64] {
        &self.z[patient * self.values..(patient + 1) * self.values]
    }

    /// √w (y − Xβ₀) at the visits that a patient was seen at.
    pub fn y(&self, patient: usize) -> &[f64] {
        &self.y[self.starts[patient]..self.starts[patient + 1]]
    }
}

/// z and y of every patient of a design.
pub(crate) fn observed_rows(design: &Design, values: &[f64], rows: &Rows, origin: &[f64]) -> ObservedRows {
    let mut observed = Observed::new(design);
    let mut all = ObservedRows { values: value_count(design), z: vec![], y: vec![], starts: vec![0] };
    for (patient, own) in values.chunks_exact(design.columns.values).enumerate() {
        observed.read(design, patient, own, rows, origin);
        all.z.extend_from_slice(&observed.z);
        all.y.extend_from_slice(&observed.y);
        all.starts.push(all.y.len());
    }
    all
}

/// The patients one by one, ordered by pattern, and the patterns.
fn by_patient(
    design: &Design,
    values: &[f64],
    rows: &Rows,
    origin: &[f64],
    columns: usize,
    classes: &Classes,
) -> (PatientRows, Vec<Pattern>) {
    let mut members: BTreeMap<(usize, usize, Vec<usize>), Vec<usize>> = BTreeMap::new();
    let visits = design.columns.visits.len();
    for patient in 0..design.rows.patients.len() {
        let seen = (0..visits).filter(|t| !design.rows.y[patient * visits + t].is_nan()).collect();
        members.entry((design.rows.group_of[patient], classes.of(patient), seen)).or_default().push(patient);
    }
    let mut own = PatientRows::empty(value_count(design), columns);
    let mut observed = Observed::new(design);
    let mut patterns = vec![];
    for ((group, class, visits), patients) in members {
        for &patient in &patients {
            observed.read(design, patient, &values[patient * design.columns.values..(patient + 1) * design.columns.values], rows, origin);
            own.push(&observed.z, &observed.y);
        }
        own.end_pattern();
        patterns.push(Pattern { group, cell: group * classes.structures.len() + class, visits, patients: patients.len() as f64 });
    }
    (own, patterns)
}

/// Σ log w over the analysed observations.
fn log_weights(design: &Design) -> f64 {
    let Some(weights) = &design.rows.weights else { return 0.0 };
    weights.iter().zip(&design.rows.y).filter(|(_, y)| !y.is_nan()).map(|(w, _)| w.ln()).sum()
}
