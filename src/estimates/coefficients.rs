//! The table of regression coefficients.

use super::Estimate;
use crate::design::{Account, Columns};
use crate::error::Error;
use crate::table::{Column, Format, Tabular, display_as_table};
use serde::Serialize;

/// The coefficients of the mean model; those of aliased columns are NaN.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficients {
    /// One row a column of the model matrix.
    pub rows: Vec<Estimate>,
    /// How they were made.
    pub notes: Vec<String>,
}

impl Coefficients {
    /// One row per column. `row` gives none for a column that is not fitted, and the reason where a fitted one has no
    /// estimate.
    pub(crate) fn of(
        columns: &Columns,
        account: &Account,
        mut notes: Vec<String>,
        row: impl Fn(usize) -> Result<Estimate, Option<Error>>,
    ) -> Self {
        let mut refusals = vec![];
        let mut rows = vec![];
        for (c, column) in columns.iter().enumerate() {
            rows.push(row(c).unwrap_or_else(|refusal| {
                refusals.extend(refusal.map(|refusal| format!("{refusal}.")));
                Estimate::none(&column.name)
            }));
        }
        notes.append(&mut refusals);
        if !account.aliased.is_empty() {
            let names: Vec<&str> = account.aliased.iter().map(|a| columns[a.column].name.as_str()).collect();
            notes.push(format!("Aliased columns are held at zero: {}.", names.join(", ")));
        }
        Coefficients { rows, notes }
    }
}

impl Tabular for Coefficients {
    fn title(&self) -> String {
        "Coefficients of the mean model".into()
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name, heading, format, value: fn(&Estimate) -> f64| Column::real(name, heading, format, self.rows.iter().map(value));
        vec![
            Column::text("term", "term", self.rows.iter().map(|r| r.label.as_str())),
            real("estimate", "estimate", Format::Decimals(4), |r| r.estimate),
            real("se", "SE", Format::Decimals(4), |r| r.se),
            real("df", "df", Format::Df, |r| r.df),
            real("t", "t", Format::Decimals(3), |r| r.t),
            real("p", "p", Format::PValue, |r| r.p),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(Coefficients);
