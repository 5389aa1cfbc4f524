//! The table of regression coefficients.

use super::Estimate;
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
