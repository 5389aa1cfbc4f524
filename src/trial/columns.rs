//! What a column holds: an outcome, a covariate, the items of an instrument.

use crate::options::choices;
use std::sync::Arc;

use crate::instruments::Instrument;

/// Where the values of a variable are.
#[derive(Debug, Clone)]
pub(super) enum Columns {
    /// In one column, whatever the visit.
    One(String),
    /// In a column per visit: visit and column.
    PerVisit(Vec<(String, String)>),
}

/// A column that holds an outcome.
///
/// The name of the column is the name and the label of the outcome unless something else is said; no range is checked
/// unless given.
#[derive(Debug, Clone)]
pub struct OutcomeColumn {
    pub(super) columns: Columns,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) range: Option<(f64, f64)>,
}

impl OutcomeColumn {
    /// The outcome in `column`.
    pub fn new(column: impl Into<String>) -> Self {
        let column = column.into();
        Self { name: column.clone(), label: column.clone(), columns: Columns::One(column), range: None }
    }

    /// The outcome of a wide file: `(visit, column)` for each visit at which it is measured.
    pub fn wide<V: Into<String>, C: Into<String>>(name: impl Into<String>, columns: impl IntoIterator<Item = (V, C)>) -> Self {
        let name = name.into();
        Self { label: name.clone(), name, columns: Columns::PerVisit(per_visit(columns)), range: None }
    }

    /// The name used in formulas, where it is not that of the column.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        if self.label == self.name {
            self.label = String::new();
        }
        self.name = name.into();
        if self.label.is_empty() {
            self.label.clone_from(&self.name);
        }
        self
    }

    /// The text for tables and figures, e.g. `CAPS-5 total`.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The lowest and highest possible score; values outside are reported as problems.
    pub fn range(mut self, lowest: f64, highest: f64) -> Self {
        self.range = Some((lowest, highest));
        self
    }
}

impl From<&str> for OutcomeColumn {
    fn from(column: &str) -> Self {
        Self::new(column)
    }
}

impl From<String> for OutcomeColumn {
    fn from(column: String) -> Self {
        Self::new(column)
    }
}

/// What a covariate is, and whether it belongs to the patient or to the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CovariateKind {
    /// One value a patient; numeric or factor as found.
    #[default]
    Inferred,
    /// A number a patient.
    Numeric,
    /// A level a patient.
    Factor,
    /// A number a patient and visit.
    NumericByVisit,
    /// A level a patient and visit.
    FactorByVisit,
    /// Numeric or factor as found, of the patient where constant within every patient and of the visit otherwise. For
    /// programs that take any column; a person had better say what a covariate is, because a value mistyped at one
    /// visit goes unnoticed here.
    AsFound,
}

choices! {
    CovariateKind, "kind of a covariate":
    Inferred = "inferred", [], "one value per patient; numeric or factor as found";
    Numeric = "numeric", [], "a number per patient";
    Factor = "factor", [], "a level per patient";
    NumericByVisit = "numeric-by-visit", [], "a number per patient and visit";
    FactorByVisit = "factor-by-visit", [], "a level per patient and visit";
    AsFound = "as-found", [], "kind and level of the variable as found";
}

/// A column that holds a covariate.
#[derive(Debug, Clone)]
pub(super) struct CovariateColumn {
    pub name: String,
    pub columns: Columns,
    pub kind: CovariateKind,
}

/// An instrument and the columns of its items.
#[derive(Debug, Clone)]
pub(super) struct InstrumentColumns {
    pub instrument: Arc<dyn Instrument>,
    /// One an item.
    pub items: Vec<Columns>,
}

/// Visits and columns as owned names.
pub(super) fn per_visit<V: Into<String>, C: Into<String>>(columns: impl IntoIterator<Item = (V, C)>) -> Vec<(String, String)> {
    columns.into_iter().map(|(v, c)| (v.into(), c.into())).collect()
}
