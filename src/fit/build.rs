//! From a design to the likelihood problem: one pass over the patients, and the choice how their data are kept.

use super::data::Data;
use super::elimination::Elimination;
use super::moments::{Moments, Observed, PatternMoments, Rows, value_count};
use super::pattern::Pattern;
use super::problem::{Estimation, Problem};
use super::rows::PatientRows;
use super::sigmas::Sigmas;
use super::sums::Sums;
use super::touched::Touch;
use super::verify::Labels;
use crate::design::Design;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

/// What a problem without effects of clusters is built of.
#[derive(Debug, Clone)]
pub(crate) struct Parts<'d> {
    /// The design, with its columns as they are fitted.
    pub design: &'d Design,
    pub rows: Rows,
    /// β₀ of the p columns.
    pub origin: &'d [f64],
    pub sigmas: Sigmas,
    pub estimation: Estimation,
    pub labels: Labels,
}

impl Parts<'_> {
    /// The problem, and the sums where it can be made from sums.
    pub fn problem(self, storage: Storage) -> (Problem, Option<Moments>) {
        let columns = self.origin.len();
        if let Some(elimination) = self.elimination().filter(|_| storage == Storage::Cheaper) {
            let (mut own, patterns) = self.by_patient();
            own.note_touched(&patterns, &self.rows);
            let problem = self.with(Data::Patients(own), patterns);
            return (Problem { elimination: Some(Arc::new(elimination)), ..problem }, None);
        }
        if !self.sigmas.are_shared() || (storage == Storage::Cheaper && self.has_too_long_sums()) {
            let (own, patterns) = self.by_patient();
            return (self.with(Data::Patients(own), patterns), None);
        }
        let moments = Moments::of(self.design, &self.rows, self.origin.to_vec());
        let patterns = patterns_of(&moments);
        let sums = Sums::new(&moments, &patterns, &self.rows, columns);
        let keep_sums = match storage {
            Storage::Cheaper => sums.cost(&patterns) <= PatientRows::cost(&patterns, &self.rows, columns),
            #[cfg(test)]
            forced => forced == Storage::Sums,
        };
        let data = match keep_sums {
            true => Data::Sums(sums),
            false => Data::Patients(self.by_patient().0),
        };
        (self.with(data, patterns), Some(moments))
    }

    /// The order in which the columns are eliminated, where that and the patients one by one make an iteration cost less.
    fn elimination(&self) -> Option<Elimination> {
        let (columns, q) = (self.origin.len(), value_count(self.design));
        if columns < Elimination::FEW {
            return None;
        }
        let touch = Touch::of(self.design, &self.rows);
        let elimination = touch.elimination(columns)?;
        let without = match self.sigmas.are_shared() {
            true => (q * q) as f64 / 4.0 * (self.design.columns.visits.len().pow(2) as f64),
            false => f64::INFINITY,
        };
        let dense = without + columns.pow(3) as f64;
        (touch.products + (elimination.products() as f64) < dense).then_some(elimination)
    }

    /// Whether z is so long, and so full of zeros, that sums over its products would fill the memory and cost more than the
    /// patients one by one.
    fn has_too_long_sums(&self) -> bool {
        const LONG: usize = 300;
        let (design, visits) = (self.design, self.design.columns.visits.len());
        let q = value_count(design) as f64;
        if q < LONG as f64 {
            return false;
        }
        let seen = |patient: usize| (0..visits).filter(move |t| !design.rows.y[patient * visits + t].is_nan());
        let mut patterns: BTreeSet<(usize, Vec<usize>)> = BTreeSet::new();
        let mut patients = 0.0;
        for patient in 0..design.rows.patients.len() {
            let own: Vec<usize> = seen(patient).collect();
            let (m, values) = (own.len() as f64, design.rows.z_of(patient).iter().filter(|z| **z != 0.0).count() as f64);
            patients += m * values * (m + self.origin.len().max(design.columns.len()) as f64);
            patterns.insert((design.rows.group_of[patient], own));
        }
        let products = |(_, own): &(usize, Vec<usize>)| (own.len() * (own.len() + 1)) as f64 / 2.0 * q * (q + 1.0) / 2.0;
        patterns.iter().map(products).sum::<f64>() > patients
    }

    fn with(self, data: Data, patterns: Vec<Pattern>) -> Problem {
        let log_weights = log_weights(self.design);
        let Self { rows, origin, sigmas, estimation, labels, .. } = self;
        Problem { data, patterns, rows, columns: origin.len(), elimination: None, estimation, sigmas, log_weights, labels, nested: false }
    }

    /// The patients one by one, ordered by pattern, and the patterns.
    fn by_patient(&self) -> (PatientRows, Vec<Pattern>) {
        let Self { design, rows, origin, sigmas, .. } = self;
        let mut members: BTreeMap<(usize, usize, Vec<usize>), Vec<usize>> = BTreeMap::new();
        let visits = design.columns.visits.len();
        for patient in 0..design.rows.patients.len() {
            let seen = (0..visits).filter(|t| !design.rows.y[patient * visits + t].is_nan()).collect();
            members.entry((design.rows.group_of[patient], sigmas.classes().of(patient), seen)).or_default().push(patient);
        }
        let mut own = PatientRows::empty(value_count(design), origin.len());
        let mut observed = Observed::new(design);
        let mut patterns = vec![];
        for ((group, class, visits), patients) in members {
            for &patient in &patients {
                observed.read(design, patient, rows, origin);
                own.push(&observed.z, &observed.y);
            }
            own.end_pattern();
            patterns.push(Pattern { group, cell: sigmas.cell(group, class), visits, patients: patients.len() as f64 });
        }
        (own, patterns)
    }
}

/// The problem from sums alone.
pub(crate) fn problem_of_moments(
    moments: &Moments,
    rows: Rows,
    columns: usize,
    sigmas: Sigmas,
    estimation: Estimation,
    labels: Labels,
) -> Problem {
    let patterns = patterns_of(moments);
    let data = Data::Sums(Sums::new(moments, &patterns, &rows, columns));
    let log_weights = moments.patterns.iter().map(|p| p.log_weights).sum();
    Problem { data, patterns, rows, columns, elimination: None, estimation, sigmas, log_weights, labels, nested: false }
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
pub(crate) fn observed_rows(design: &Design, rows: &Rows, origin: &[f64]) -> ObservedRows {
    let mut observed = Observed::new(design);
    let mut all = ObservedRows { values: value_count(design), z: vec![], y: vec![], starts: vec![0] };
    for patient in 0..design.rows.patients.len() {
        observed.read(design, patient, rows, origin);
        all.z.extend_from_slice(&observed.z);
        all.y.extend_from_slice(&observed.y);
        all.starts.push(all.y.len());
    }
    all
}

/// Σ log w over the analysed observations.
fn log_weights(design: &Design) -> f64 {
    let Some(weights) = &design.rows.weights else { return 0.0 };
    weights.iter().zip(&design.rows.y).filter(|(_, y)| !y.is_nan()).map(|(w, _)| w.ln()).sum()
}
