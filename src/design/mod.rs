//! From a mean model to numbers: terms, factor coding and the model matrix in collapsed form.
//!
//! A row of a trial's model matrix is linear in a short vector of patient-level values: x_it = D_t z_i. Every entry of the row is one
//! entry of z_i times a number that depends on the visit alone, so D_t is kept as one [`Entry`] per non-zero column.

/// The data of one model, ready for the fit: who is analysed, at which visits, and every row of the model matrix as D_t z_i.
#[derive(Debug, Clone)]
pub struct Design {
    /// Name of the outcome.
    pub(crate) outcome: String,
    /// The analysed visits, as positions in the trial's schedule, in order. T = `visits.len()`.
    pub(crate) visits: Vec<usize>,
    /// Labels of the analysed visits.
    pub(crate) visit_labels: Vec<String>,
    /// Times of the analysed visits where the schedule has them.
    pub(crate) visit_times: Vec<Option<f64>>,
    /// The columns of the model matrix, p of them.
    pub(crate) columns: Vec<DesignColumn>,
    /// The terms of the mean model in order; each column belongs to one.
    pub(crate) terms: Vec<Term>,
    /// The length q of z.
    pub(crate) values: usize,
    /// D_t: for each analysed visit the non-zero entries in order of column.
    pub(crate) entries: Vec<Vec<Entry>>,
    /// The analysed patients (those with at least one analysed observation), as positions in the trial.
    pub(crate) patients: Vec<usize>,
    /// z, patient by patient: n × q.
    pub(crate) z: Vec<f64>,
    /// The outcome, patient by patient: n × T, NaN where not analysed.
    pub(crate) y: Vec<f64>,
    /// Observation weights, patient by patient: n × T; positive wherever y is observed.
    pub(crate) weights: Option<Vec<f64>>,
    /// The covariance group of each analysed patient, as an index into `groups`.
    pub(crate) group_of: Vec<usize>,
    /// Names of the covariance groups; one, `all`, unless the covariance differs by group.
    pub(crate) groups: Vec<String>,
}

/// A column of the model matrix.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DesignColumn {
    /// Its name, as R names it: `ARMCDTRT:AVISITVIS2`.
    pub name: String,
    /// The term it belongs to, as a position among the design's terms.
    pub term: usize,
}

/// A term of the mean model: the intercept, a main effect or an interaction.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Term {
    /// Its label: `(Intercept)`, `ARMCD`, `ARMCD:AVISIT`.
    pub label: String,
    /// The variables in it, none for the intercept.
    pub variables: Vec<String>,
}

/// A non-zero entry of D_t: column `column` of x_it is `weight` times z_i\[`value`\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    pub column: usize,
    pub value: usize,
    pub weight: f64,
}
