//! The table of regression coefficients.

use super::Estimate;
use crate::design::{Account, Columns};
use crate::error::Error;
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, display_as_table};
use serde::Serialize;

/// The coefficients of the mean model; those of aliased columns are NaN.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficients {
    /// One row a column of the model matrix.
    pub rows: Vec<Estimate>,
    /// The confidence level of the limits that its table shows; 0.95 unless [set](Coefficients::at_level).
    pub level: f64,
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
        notes.extend(super::remarks::on_df(rows.iter().map(|r: &Estimate| (r.label.as_str(), r.df)), account.n_observations()));
        if !account.aliased.is_empty() {
            let names: Vec<&str> = account.aliased.iter().map(|a| columns[a.column].name.as_str()).collect();
            notes.push(format!("Aliased columns are held at zero: {}.", names.join(", ")));
        }
        Coefficients { rows, level: 0.95, notes }
    }

    /// The same with limits at another confidence level, between 0 and 1.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another level.
    pub fn at_level(mut self, level: f64) -> Result<Self, Error> {
        check_level(level)?;
        self.level = level;
        Ok(self)
    }

    /// The confidence limits of a row, by the t distribution on its degrees of freedom.
    pub fn limits(&self, row: usize) -> Option<(f64, f64)> {
        self.rows.get(row).map(|estimate| estimate.interval(self.level))
    }
}

impl Tabular for Coefficients {
    fn title(&self) -> String {
        "Coefficients of the mean model".into()
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name, heading, format, value: fn(&Estimate) -> f64| Column::real(name, heading, format, self.rows.iter().map(value));
        // Coefficients are of different units: each has the digits of its own standard error and one more, four decimals
        // where that is about as many.
        let precision = |se: f64| if se < 1000.0 { (se / 10.0).min(0.004) } else { se / 10.0 };
        let by_error = |name, heading: &str, value: &dyn Fn(&Estimate) -> f64| {
            Column::by_error(name, heading, self.rows.iter().map(value), self.rows.iter().map(|r| precision(r.se)))
        };
        let level = percent(self.level);
        vec![
            Column::text("term", "term", self.rows.iter().map(|r| r.label.as_str())),
            by_error("estimate", "estimate", &|r| r.estimate),
            by_error("se", "SE", &|r| r.se),
            real("df", "df", Format::Df, |r| r.df),
            by_error("lower", &format!("Lower {level}"), &|r| r.interval(self.level).0),
            by_error("upper", &format!("Upper {level}"), &|r| r.interval(self.level).1),
            real("t", "t", Format::Decimals(3), |r| r.t),
            real("p", "p", Format::Probability, |r| r.p),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(Coefficients);
