//! A variable of the mean model without the patients' values.

use super::variables::{Role, Values, Variable};

/// A variable of the mean model as the columns know it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Header {
    /// Its name in the formula.
    pub name: String,
    pub role: Role,
    pub kind: Kind,
    /// The levels of a factor that have analysed observations, the reference first; none for a number.
    pub levels: Vec<String>,
}

/// What the values of a variable are, and what they differ by.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Kind {
    /// The level is the analysed visit itself.
    Visit,
    /// A number per analysed visit, the same for all patients.
    Time(Vec<f64>),
    /// A number per patient.
    Number,
    /// A level per patient.
    Factor,
    /// A number per patient and visit.
    NumberByVisit,
    /// A level per patient and visit.
    FactorByVisit,
}

impl Header {
    pub fn is_factor(&self) -> bool {
        matches!(self.kind, Kind::Visit | Kind::Factor | Kind::FactorByVisit)
    }
}

impl Variable {
    /// The variable without its values.
    pub fn header(&self) -> Header {
        let kind = match &self.values {
            Values::Visit => Kind::Visit,
            Values::Time(times) => Kind::Time(times.clone()),
            Values::Number(_) => Kind::Number,
            Values::Factor(_) => Kind::Factor,
            Values::NumberByVisit(_) => Kind::NumberByVisit,
            Values::FactorByVisit(_) => Kind::FactorByVisit,
        };
        Header { name: self.name.clone(), role: self.role, kind, levels: self.levels.clone() }
    }
}
