//! The thresholds between categories as a table.

use super::OrdinalFit;
use crate::dist;
use crate::error::Result;
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, display_as_table};

/// A threshold between two neighbouring categories.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Threshold {
    /// The categories that it lies between: `mild | severe`.
    pub between: String,
    /// θ_j: the log odds of being below, where all covariates are zero.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
}

/// The thresholds of a cumulative logit model, ascending.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Thresholds {
    /// Threshold by threshold.
    pub rows: Vec<Threshold>,
    /// Confidence level.
    pub level: f64,
    note: Option<String>,
}

impl OrdinalFit {
    /// The thresholds θ_j of logit P(Y ≤ j) = θ_j − x'β, x without the intercept. In a model without an intercept the first is
    /// zero.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1).
    pub fn thresholds(&self, level: f64) -> Result<Thresholds> {
        check_level(level)?;
        let z = dist::normal::quantile(0.5 + 0.5 * level);
        let row = |cut: usize| {
            let (estimate, se) = self.threshold(cut);
            let between = format!("{} | {}", self.categories()[cut], self.categories()[cut + 1]);
            Threshold { between, estimate, se, lower: estimate - z * se, upper: estimate + z * se }
        };
        let note = self.intercept().is_none().then(|| "The model has no intercept: the first threshold is held at zero.".to_string());
        Ok(Thresholds { rows: (0..self.categories().len() - 1).map(row).collect(), level, note })
    }
}

impl Tabular for Thresholds {
    fn title(&self) -> String {
        "Thresholds between categories".into()
    }

    fn columns(&self) -> Vec<Column> {
        let number =
            |name, heading: &str, get: fn(&Threshold) -> f64| Column::real(name, heading, Format::Decimals(4), self.rows.iter().map(get));
        vec![
            Column::text("between", "Between", self.rows.iter().map(|r| r.between.as_str())),
            number("estimate", "θ", |r| r.estimate),
            number("se", "SE", |r| r.se),
            number("lower", &format!("Lower {}", percent(self.level)), |r| r.lower),
            number("upper", &format!("Upper {}", percent(self.level)), |r| r.upper),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.note.iter().cloned().collect()
    }
}

display_as_table!(Thresholds);
