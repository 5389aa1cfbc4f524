//! Where the value before treatment is found.

/// Where the baseline value of an outcome is found.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub enum BaselineFrom {
    /// At the schedule's baseline visit.
    #[default]
    Visit,
    /// In a numeric covariate a patient, for files in which the baseline is a column: the covariate's name.
    Covariate(String),
}
