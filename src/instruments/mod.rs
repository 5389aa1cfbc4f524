//! Questionnaires and interviews: from item ratings to scores, clusters and diagnoses.

/// Whether the criteria of a disorder are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Diagnosis {
    /// The criteria are met whatever the missing items would be.
    Met,
    /// The criteria are not met whatever the missing items would be.
    NotMet,
    /// It depends on items that are missing.
    Unknown,
}
