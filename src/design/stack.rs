//! Several responses side by side in one design.

use super::nearness::Shift;
use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Where one response is in a stacked design.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its visits, among those of the stacked design.
    pub cells: Range<usize>,
    /// Its columns, among those of the stacked design.
    pub columns: Range<usize>,
}

impl Design {
    /// The design whose visits are the cells (response, visit) of several designs for one trial: response by
    /// response, labelled `caps5 3 months`, with the columns of each response, named `caps5:armT`, zero at the visits
    /// of the others. Patients are those of any response. Every design must have the covariance group of a patient
    /// from the same factor.
    ///
    /// Marginal means are those of one response; a stacked design has no [reference grid](ReferenceGrid).
    pub(crate) fn stacked(responses: &[Design]) -> (Design, Vec<Place>) {
        let places = places(responses);
        let patients: Vec<usize> =
            responses.iter().flat_map(|d| d.rows.patients.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect();
        let at: Vec<Vec<Option<usize>>> =
            responses.iter().map(|d| patients.iter().map(|i| d.rows.patients.binary_search(i).ok()).collect()).collect();
        let shared = SharedValues::of(responses, &at);
        let groups = groups(responses);
        let prefixed = |d: &Design, name: &str| format!("{}:{name}", d.outcome());
        let mut columns = Columns {
            outcome: responses.iter().map(|d| d.outcome()).collect::<Vec<_>>().join(", "),
            model: MeanModel::of_all(&responses.iter().map(|d| &d.columns.model).collect::<Vec<_>>()),
            options: DesignOptions { group: responses[0].columns.options.group.clone(), ..DesignOptions::default() },
            column_names: responses[0].columns.column_names.clone(),
            arms: vec![],
            groups: groups.clone(),
            visits: responses.iter().flat_map(|d| d.columns.visits.iter().copied()).collect(),
            visit_labels: responses.iter().flat_map(|d| d.visit_labels().iter().map(|v| format!("{} {v}", d.outcome()))).collect(),
            visit_times: responses.iter().flat_map(|d| d.columns.visit_times.iter().copied()).collect(),
            unseen_visits: vec![],
            baseline_visit: None,
            variables: vec![],
            functions: vec![],
            constraint: None,
            terms: vec![],
            list: vec![],
            parts: vec![],
            values: shared.count,
            products: vec![],
            entries: vec![],
        };
        let rows = Rows {
            width: shared.count,
            z: shared.z,
            y: by_cell(responses, &at, |d| Some(&d.rows.y), f64::NAN),
            weights: responses.iter().any(|d| d.rows.weights.is_some()).then(|| by_cell(responses, &at, |d| d.rows.weights.as_ref(), 1.0)),
            group_of: group_of(responses, &at, &groups),
            arm_of: arm_of(responses, &at),
            random: vec![],
            clusters: None,
            known: Arc::default(),
            patients,
        };
        let mut aliased = vec![];
        for ((design, place), values) in responses.iter().zip(&places).zip(&shared.position) {
            let (first_column, first_term) = (place.columns.start, columns.terms.len());
            let own = &design.columns;
            columns.list.extend(own.iter().map(|c| DesignColumn { name: prefixed(design, &c.name), term: first_term + c.term }));
            // No term is an intercept of the whole.
            let variables = |t: &Term| std::iter::once("response".to_string()).chain(t.variables.iter().cloned()).collect();
            columns.terms.extend(own.terms.iter().map(|t| Term { label: prefixed(design, &t.label), variables: variables(t) }));
            let moved = |e: &Entry| Entry { column: first_column + e.column, value: values[e.value], weight: e.weight };
            columns.entries.extend(own.entries.iter().map(|row| row.iter().map(moved).collect()));
            aliased.extend(design.aliased().iter().map(|a| AliasedColumn {
                column: first_column + a.column,
                of: a.of.iter().map(|&(c, factor)| (first_column + c, factor)).collect(),
            }));
        }
        let shifts = responses.iter().zip(&places).flat_map(|(design, place)| {
            let first = place.columns.start;
            design.account.shifts.iter().map(move |s| Shift { of: first + s.of, by: s.by, times: first + s.times })
        });
        let shifts = shifts.collect();
        let warnings = responses.iter().flat_map(|d| d.warnings().iter().map(|w| format!("{}: {w}", d.outcome()))).collect();
        let exclusions = exclusions(responses, rows.patients.len());
        let tally = Tally::of(&columns, &rows, 0);
        let account = Account { aliased, shifts, ..Account::new(exclusions, warnings, tally) };
        (Design { columns: Arc::new(columns), rows: Arc::new(rows), account: Arc::new(account) }, places)
    }
}

impl Columns {
    /// Refuses what only a design of one response has.
    pub(super) fn must_be_one_response(&self) -> Result<()> {
        if self.parts.len() == self.len() {
            return Ok(());
        }
        Err(Error::not_defined(
            format!("means of the responses {} together", self.outcome),
            "each response has means of its own",
            "ask for them with JointFit::of",
        ))
    }
}

fn places(responses: &[Design]) -> Vec<Place> {
    let (mut cell, mut column) = (0, 0);
    let mut place = |d: &Design| {
        let place = Place { cells: cell..cell + d.columns.visits.len(), columns: column..column + d.columns.len() };
        (cell, column) = (place.cells.end, place.columns.end);
        place
    };
    responses.iter().map(&mut place).collect()
}

/// The arm of each patient, which is the same in every response.
fn arm_of(responses: &[Design], at: &[Vec<Option<usize>>]) -> Vec<usize> {
    let own = |i: usize| responses.iter().zip(at).find_map(|(design, at)| at[i].map(|own| design.rows.arm_of[own]));
    (0..at[0].len()).map(|i| own(i).unwrap_or(0)).collect()
}

/// A table with one number per patient and cell; `blank` where a response has none.
fn by_cell(responses: &[Design], at: &[Vec<Option<usize>>], table: impl Fn(&Design) -> Option<&Vec<f64>>, blank: f64) -> Vec<f64> {
    let mut all = vec![];
    for i in 0..at[0].len() {
        for (design, at) in responses.iter().zip(at) {
            let visits = design.columns.visits.len();
            match (at[i], table(design)) {
                (Some(own), Some(table)) => all.extend_from_slice(&table[own * visits..(own + 1) * visits]),
                _ => all.extend(std::iter::repeat_n(blank, visits)),
            }
        }
    }
    all
}

/// z of all responses; values that responses have in common, such as the intercept and the arm, are there once.
struct SharedValues {
    count: usize,
    /// For each response the position of each of its values.
    position: Vec<Vec<usize>>,
    z: Vec<f64>,
}

impl SharedValues {
    fn of(responses: &[Design], at: &[Vec<Option<usize>>]) -> Self {
        let n = at[0].len();
        // One column a value; `None` for patients of whom no response has it yet.
        let mut columns: Vec<Vec<Option<f64>>> = vec![];
        let mut position = vec![];
        for (design, at) in responses.iter().zip(at) {
            let own_position = (0..design.columns.values).map(|value| {
                let own: Vec<Option<f64>> = at.iter().map(|i| i.map(|i| design.rows.z[i * design.rows.width + value])).collect();
                let agrees = |column: &Vec<Option<f64>>| column.iter().zip(&own).all(|(a, b)| a.is_none() || b.is_none() || a == b);
                match columns.iter().position(agrees) {
                    Some(k) => {
                        columns[k].iter_mut().zip(own).for_each(|(all, own)| *all = all.or(own));
                        k
                    }
                    None => {
                        columns.push(own);
                        columns.len() - 1
                    }
                }
            });
            position.push(own_position.collect());
        }
        // A patient without a response has no row that takes the response's values.
        let z = (0..n).flat_map(|i| columns.iter().map(move |c| c[i].unwrap_or(0.0))).collect();
        Self { count: columns.len(), position, z }
    }
}

/// The covariance groups of all responses, in the order of the first that has them.
fn groups(responses: &[Design]) -> Vec<String> {
    let mut groups: Vec<String> = vec![];
    for group in responses.iter().flat_map(|d| d.groups()) {
        if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    groups
}

fn group_of(responses: &[Design], at: &[Vec<Option<usize>>], groups: &[String]) -> Vec<usize> {
    let of = |i: usize| {
        let name = responses.iter().zip(at).find_map(|(d, at)| at[i].map(|own| &d.groups()[d.rows.group_of[own]]));
        groups.iter().position(|g| Some(g) == name).unwrap_or(0)
    };
    (0..at[0].len()).map(of).collect()
}

/// What is analysed for no response, and the observations left out of any.
fn exclusions(responses: &[Design], analysed: usize) -> Exclusions {
    let mut not_analysed: BTreeMap<&String, (usize, bool)> = BTreeMap::new();
    for own in responses.iter().map(|d| d.exclusions()) {
        own.without_outcome.iter().for_each(|id| not_analysed.entry(id).or_default().0 += 1);
        for id in &own.wholly_excluded {
            let entry = not_analysed.entry(id).or_default();
            *entry = (entry.0 + 1, true);
        }
    }
    let of = |excluded: bool| -> Vec<String> {
        let ids = responses.iter().flat_map(|d| d.exclusions().without_outcome.iter().chain(&d.exclusions().wholly_excluded));
        let mut found: Vec<String> = vec![];
        for id in ids.filter(|id| not_analysed.get(id) == Some(&(responses.len(), excluded))) {
            if !found.contains(id) {
                found.push(id.clone());
            }
        }
        found
    };
    let cell = |d: &Design, visit: &str| format!("{} {visit}", d.outcome());
    let rows = responses
        .iter()
        .flat_map(|d| d.exclusions().rows.iter().map(move |row| ExcludedObservation { visit: cell(d, &row.visit), ..row.clone() }));
    Exclusions {
        rows: rows.collect(),
        randomized: responses[0].exclusions().randomized,
        analysed,
        without_outcome: of(false),
        wholly_excluded: of(true),
        reasons: vec![],
        counted: None,
        outcome: responses.iter().map(|d| d.outcome()).collect::<Vec<_>>().join(", "),
        visits: responses.iter().flat_map(|d| d.exclusions().visits.iter().map(move |v| cell(d, v))).collect(),
    }
}

impl MeanModel {
    /// The terms of several mean models together, each response having its own coefficients; how the baseline is
    /// treated is the first's.
    fn of_all(models: &[&MeanModel]) -> MeanModel {
        let mut all = MeanModel::outcome(models.iter().map(|m| m.outcome.as_str()).collect::<Vec<_>>().join(", "));
        for model in models {
            all = model.terms().iter().fold(all, |all, term| all.effect(term));
            all.functions.extend(model.functions.iter().cloned());
        }
        all.with_baseline(models[0].baseline_role())
    }
}
