//! The working correlation as a table.

use super::{GeeCriteria, GeeFit};
use crate::table::{Column, Format, Tabular, display_as_table};

/// The parameters of a working correlation.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WorkingCorrelationTable {
    /// The structure, in words.
    pub structure: String,
    /// What each parameter is about.
    pub of: Vec<String>,
    /// α.
    pub alpha: Vec<f64>,
    /// φ.
    pub phi: f64,
    /// QIC and QICu.
    pub criteria: GeeCriteria,
}

impl GeeFit {
    /// The parameters of the working correlation with φ and QIC.
    pub fn working_correlation(&self) -> WorkingCorrelationTable {
        WorkingCorrelationTable {
            structure: self.model().method.correlation.words().into(),
            of: self.model().method.correlation.names(self.observations().design().visit_labels()),
            alpha: self.alpha().to_vec(),
            phi: self.phi(),
            criteria: self.criteria(),
        }
    }
}

impl Tabular for WorkingCorrelationTable {
    fn title(&self) -> String {
        format!("Working correlation: {}", self.structure)
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("parameter", "Correlation of", self.of.iter().map(String::as_str)),
            Column::real("alpha", "α", Format::Decimals(4), self.alpha.iter().copied()),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("Scale φ = {:.4}. QIC {:.2}, QICu {:.2} (φ = 1 in both).", self.phi, self.criteria.qic, self.criteria.qicu)]
    }
}

display_as_table!(WorkingCorrelationTable);
