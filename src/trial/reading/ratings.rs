//! Items of instruments: checked against their scale, scored row by row.

use super::findings::{Findings, Place};
use super::grid::{Grid, Record, VisitColumns};
use super::values::ValueColumn;
use crate::error::says;
use crate::instruments::{Assessment, Diagnosis, Item};
use crate::trial::columns::InstrumentColumns;
use crate::trial::{DiagnosisSeries, Outcome};

/// The scores and diagnoses of every instrument that the layout names.
pub(super) fn read(grid: &Grid<'_>, findings: &mut Findings) -> (Vec<Outcome>, Vec<DiagnosisSeries>) {
    let (mut outcomes, mut diagnoses) = (vec![], vec![]);
    for columns in grid.layout.instruments() {
        let (scores, criteria) = score(grid, columns, findings);
        outcomes.extend(scores);
        diagnoses.extend(criteria);
    }
    (outcomes, diagnoses)
}

fn score(grid: &Grid<'_>, columns: &InstrumentColumns, findings: &mut Findings) -> (Vec<Outcome>, Vec<DiagnosisSeries>) {
    let instrument = columns.instrument.as_ref();
    let items = instrument.items();
    let codes = instrument.missing_codes();
    let of_items: Vec<VisitColumns<'_>> = columns.items.iter().map(|c| grid.columns(c).with_codes(codes)).collect();
    let mut outcomes: Vec<Outcome> = instrument
        .scores()
        .into_iter()
        .map(|s| Outcome { name: s.name, label: s.label, range: Some(s.range), values: vec![f64::NAN; grid.cells()] })
        .collect();
    let mut diagnoses: Vec<DiagnosisSeries> =
        instrument.diagnoses().into_iter().map(|name| DiagnosisSeries { name, values: vec![None; grid.cells()] }).collect();
    let mut ratings = vec![None; items.len()];
    for record in grid.records() {
        let mut attended = false;
        for ((rating, item), columns) in ratings.iter_mut().zip(&items).zip(&of_items) {
            *rating = columns.at(record.visit).and_then(|c| rate(grid, record, c, item, findings));
            attended |= rating.is_some();
        }
        if attended {
            let Assessment { scores, diagnoses: criteria } = instrument.assess(&ratings);
            let cell = grid.cell(record);
            outcomes.iter_mut().zip(scores).for_each(|(o, score)| o.values[cell] = score.unwrap_or(f64::NAN));
            diagnoses.iter_mut().zip(criteria).for_each(|(d, criterion): (_, Diagnosis)| d.values[cell] = Some(criterion));
        }
    }
    (outcomes, diagnoses)
}

fn rate(grid: &Grid<'_>, record: Record, column: &ValueColumn<'_>, item: &Item, findings: &mut Findings) -> Option<u8> {
    let place: Place<'_> = grid.place(record, column.name);
    let rating = super::grid::number(grid, column, record.row, place, findings)?;
    let (minimum, maximum) = (f64::from(item.minimum), f64::from(item.maximum));
    if rating.fract() != 0.0 || !(minimum..=maximum).contains(&rating) {
        let message =
            says!("{rating} is no rating of {}: whole numbers from {minimum} to {maximum}; correct it or leave it empty", item.name);
        findings.problem(grid.sheet, place, message);
        return None;
    }
    // A whole number within the bounds of two u8.
    Some(rating as u8)
}
