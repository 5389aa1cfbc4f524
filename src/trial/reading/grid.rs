//! Where each patient's value at each visit is in the file.

use super::findings::{Findings, Place};
use super::patients::Patients;
use super::sheet::Sheet;
use super::values::{Use, ValueColumn};
use super::visits::Visits;
use crate::trial::columns::Columns;
use crate::trial::layout::Layout;

/// A file whose rows have been distinguished: patients and visits are known, values are not read yet.
#[derive(Debug)]
pub(super) struct Grid<'a> {
    pub layout: &'a Layout,
    pub sheet: &'a Sheet,
    pub patients: &'a Patients,
    pub visits: &'a Visits,
}

/// A patient at a visit, and the row that says something about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub row: usize,
    pub patient: usize,
    pub visit: usize,
}

/// The columns of a variable: one for all visits, or one per visit.
#[derive(Debug)]
pub(super) struct VisitColumns<'a> {
    columns: Vec<ValueColumn<'a>>,
    of_visit: Vec<Option<usize>>,
}

impl<'a> VisitColumns<'a> {
    /// The column that holds the variable at `visit`.
    pub fn at(&self, visit: usize) -> Option<&ValueColumn<'a>> {
        self.of_visit[visit].map(|c| &self.columns[c])
    }

    /// Every column, told that `codes` are missing too.
    pub fn with_codes(self, codes: &[&'a str]) -> Self {
        Self { columns: self.columns.into_iter().map(|c| c.with_codes(codes)).collect(), of_visit: self.of_visit }
    }
}

impl<'a> Grid<'a> {
    /// The number of visits.
    pub fn width(&self) -> usize {
        self.visits.schedule.len()
    }

    /// The number of patients times visits.
    pub fn cells(&self) -> usize {
        self.patients.ids.len() * self.width()
    }

    /// The position of a record in dense storage.
    pub fn cell(&self, record: Record) -> usize {
        record.patient * self.width() + record.visit
    }

    /// Every patient and visit that has a row, in the order of the file.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let long = !self.visits.of_row.is_empty();
        let planned = if long { 0 } else { self.width() };
        let rows = self.patients.of_row.iter().enumerate().filter_map(|(row, p)| p.map(|patient| (row, patient)));
        rows.flat_map(move |(row, patient)| {
            let own = if long { self.visits.of_row[row] } else { None };
            own.into_iter().chain(0..planned).map(move |visit| Record { row, patient, visit })
        })
    }

    /// The columns of a variable that may change from visit to visit.
    pub fn columns(&self, columns: &'a Columns) -> VisitColumns<'a> {
        self.columns_for(Use::Value, columns)
    }

    /// The columns of something that may change from visit to visit.
    pub fn columns_for(&self, used: Use, columns: &'a Columns) -> VisitColumns<'a> {
        let column = |name: &'a str| ValueColumn::new(self.layout, self.sheet, name, used);
        match columns {
            Columns::One(name) => VisitColumns { columns: vec![column(name)], of_visit: vec![Some(0); self.width()] },
            Columns::PerVisit(named) => {
                let mut of_visit = vec![None; self.width()];
                for (position, (visit, _)) in named.iter().enumerate() {
                    if let Ok(visit) = self.visits.schedule.index_of(visit) {
                        of_visit[visit] = Some(position);
                    }
                }
                VisitColumns { columns: named.iter().map(|(_, name)| column(name)).collect(), of_visit }
            }
        }
    }

    /// The label of a visit.
    pub fn label(&self, visit: usize) -> &'a str {
        &self.visits.schedule.visits()[visit].label
    }

    /// The visit of a row of a long file.
    pub fn visit_of(&self, row: usize) -> Option<&'a str> {
        self.visits.of_row.get(row).copied().flatten().map(|visit| self.label(visit))
    }

    /// Where a value of `record` is, for a problem.
    pub fn place<'b>(&'b self, record: Record, column: &'b str) -> Place<'b> {
        Place::row(record.row).patient(&self.patients.ids[record.patient]).visit(Some(self.label(record.visit))).column(column)
    }

    /// Reads one value per patient and visit with `read`, which reports what it cannot use.
    pub fn by_visit<T: Copy>(
        &self,
        columns: &VisitColumns<'a>,
        findings: &mut Findings,
        mut read: impl FnMut(&ValueColumn<'a>, usize, Place<'_>, &mut Findings) -> Option<T>,
    ) -> Vec<Option<T>> {
        let mut values = vec![None; self.cells()];
        for record in self.records() {
            if let Some(column) = columns.at(record.visit) {
                values[self.cell(record)] = read(column, record.row, self.place(record, column.name), findings);
            }
        }
        values
    }
}

/// The number in a cell; what is none is reported.
pub(super) fn number(grid: &Grid<'_>, column: &ValueColumn<'_>, row: usize, place: Place<'_>, findings: &mut Findings) -> Option<f64> {
    column.number(row).unwrap_or_else(|fault| {
        findings.problem(grid.sheet, place, fault.message());
        None
    })
}
