//! The effects of clusters as columns of the model matrix.

use crate::design::{Design, DesignColumn, Entry, RandomTerm};

/// The design with a column for every effect of every level behind those of the mean.
///
/// An effect whose multiplier does not change while a patient is observed is one more value of z; any other is one for each visit.
pub(crate) fn with_effects(design: &Design) -> Design {
    let mut whole = design.clone();
    let visits = design.visits.len();
    let mut tables = vec![];
    for term in &design.random {
        let by_visit = changes_within_patients(term, &design.y, visits);
        let values_each = if by_visit { visits } else { 1 };
        for effect in 0..term.total() {
            let column = whole.columns.len();
            let (level, name) = (&term.levels[effect / term.size()], &term.effects[effect % term.size()]);
            whole.columns.push(DesignColumn { name: format!("{name} of {} {level}", term.factor), term: usize::MAX });
            for (t, row) in whole.entries.iter_mut().enumerate() {
                let value = whole.values + effect * values_each + if by_visit { t } else { 0 };
                row.push(Entry { column, value, weight: 1.0 });
            }
        }
        whole.values += term.total() * values_each;
        tables.push(values_of(term, &design.y, visits, by_visit));
    }
    whole.z = (0..design.patients.len())
        .flat_map(|i| {
            let own = design.z[i * design.values..(i + 1) * design.values].iter();
            let of_tables = tables.iter().flat_map(move |(each, table)| table[i * each..(i + 1) * each].iter());
            own.chain(of_tables).copied().collect::<Vec<f64>>()
        })
        .collect();
    whole
}

/// Whether a patient is in two levels, or an effect's multiplier takes two values, at visits that were observed.
fn changes_within_patients(term: &RandomTerm, y: &[f64], visits: usize) -> bool {
    let k = term.size();
    let at = |row: usize| (term.level_of[row], &term.z[row * k..(row + 1) * k]);
    (0..y.len() / visits.max(1)).any(|i| {
        let mut seen = (i * visits..(i + 1) * visits).filter(|&row| !y[row].is_nan());
        let first = seen.next();
        first.is_some_and(|first| seen.any(|row| at(row) != at(first)))
    })
}

/// The values of z that a term adds to each patient: how many, and the table.
fn values_of(term: &RandomTerm, y: &[f64], visits: usize, by_visit: bool) -> (usize, Vec<f64>) {
    let k = term.size();
    let each = term.total() * if by_visit { visits } else { 1 };
    let mut table = vec![0.0; each * (y.len() / visits.max(1))];
    for row in (0..y.len()).filter(|&row| !y[row].is_nan()) {
        let Some(level) = term.level_of[row] else { continue };
        let own = &mut table[row / visits * each..];
        for e in 0..k {
            let effect = level as usize * k + e;
            own[if by_visit { effect * visits + row % visits } else { effect }] = term.z[row * k + e];
        }
    }
    (each, table)
}
