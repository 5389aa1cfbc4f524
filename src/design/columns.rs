//! What the coefficients of a model mean, whoever the patients are.

use super::coding::{Constraint, Parts};
use super::function::Function;
use super::*;

/// The columns of a model matrix: which outcome, at which visits, which variables with which levels, and how each
/// column is made of them.
///
/// Columns know no patient. A row of the model matrix is x_it = D_t z_i; they hold D_t, and how the entries of z_i
/// follow from a patient's variables. Everything that says what a coefficient means follows from them: reference
/// grids, contrasts, hypotheses about terms.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Columns {
    /// The outcome as it is analysed: its name, or what it is taken through.
    pub(crate) outcome: String,
    /// The mean model they were made from.
    pub(crate) model: MeanModel,
    /// What was asked for beyond the mean model.
    pub(crate) options: DesignOptions,
    /// What the file calls the arm and the visit.
    pub(crate) column_names: ColumnNames,
    /// The arms of the trial; none in the design of a joint model.
    pub(crate) arms: Vec<String>,
    /// Names of the covariance groups; one, `all`, unless the covariance differs by group.
    pub(crate) groups: Vec<String>,
    /// The analysed visits, as positions in the trial's schedule, in order. T = `visits.len()`.
    pub(crate) visits: Vec<usize>,
    /// Labels of the analysed visits.
    pub(crate) visit_labels: Vec<String>,
    /// Times of the analysed visits where the schedule has them.
    pub(crate) visit_times: Vec<Option<f64>>,
    /// The visits that were to be analysed and have no analysed observation.
    pub(crate) unseen_visits: Vec<Labelled>,
    /// The baseline visit, as a position among the analysed visits, where it is one of them.
    pub(crate) baseline_visit: Option<usize>,
    /// The variables of the mean model.
    pub(crate) variables: Vec<VariableHeader>,
    /// What each variable is a function of, where it is one.
    pub(crate) functions: Vec<Option<Function>>,
    /// Where arms are held equal before treatment.
    pub(crate) constraint: Option<Constraint>,
    /// The terms of the mean model in order; each column belongs to one.
    pub(crate) terms: Vec<Term>,
    /// The columns of the model matrix, p of them.
    pub(crate) list: Vec<DesignColumn>,
    /// Each column as a product of variables.
    pub(crate) parts: Vec<Parts>,
    /// The length q of z.
    pub(crate) values: usize,
    /// The entries of z as products of variables.
    pub(crate) products: Vec<Product>,
    /// D_t: for each analysed visit the non-zero entries in order of column.
    pub(crate) entries: Vec<Vec<Entry>>,
}

impl Columns {
    /// The number p of columns.
    #[allow(clippy::len_without_is_empty, reason = "a model without a column is refused")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The columns in order.
    pub fn iter(&self) -> std::slice::Iter<'_, DesignColumn> {
        self.list.iter()
    }

    /// The outcome as it is analysed: its name, or what it is taken through, as in `log(y)`.
    pub fn outcome(&self) -> &str {
        &self.outcome
    }

    /// The mean model they were made from.
    pub fn mean_model(&self) -> &MeanModel {
        &self.model
    }

    /// The arms of the trial, the reference first.
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// Names of the covariance groups; `all` when there is one.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The analysed visits in order, as positions in the trial's schedule.
    pub fn visits(&self) -> &[usize] {
        &self.visits
    }

    /// Labels of the analysed visits in order.
    pub fn visit_labels(&self) -> &[String] {
        &self.visit_labels
    }

    /// Times of the analysed visits, where the schedule has them.
    pub fn visit_times(&self) -> &[Option<f64>] {
        &self.visit_times
    }

    /// The position of the baseline among the analysed visits; `None` where it is not one of them.
    pub fn baseline_visit(&self) -> Option<usize> {
        self.baseline_visit
    }

    /// The terms of the mean model in order.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What the outcome was taken through before it was analysed.
    pub fn response(&self) -> Option<Transformation> {
        self.model.response()
    }

    /// A column of a numeric variable, where the number is `x`.
    pub(crate) fn number_of(&self, variable: usize, part: Part, x: f64) -> f64 {
        number_of(&self.functions, variable, part, x)
    }

    /// The column of the file that a variable is of.
    pub(crate) fn column_of(&self, variable: usize) -> &str {
        match self.functions.get(variable) {
            Some(Some(function)) => &function.column,
            _ => &self.variables[variable].name,
        }
    }

    /// Whether a variable is the arm and the arms are still one at a visit.
    pub(crate) fn is_before_treatment(&self, variable: usize, visit: usize) -> bool {
        self.constraint.is_some_and(|c| c.arm == variable && visit <= c.baseline)
    }

    /// Whether observations have weights.
    pub(crate) fn are_weighted(&self) -> bool {
        self.options.weights.is_some()
    }

    /// x_it = D_t z_i, p numbers.
    pub(crate) fn row_of(&self, z: &[f64], visit: usize) -> Vec<f64> {
        let mut row = vec![0.0; self.len()];
        self.entries[visit].iter().for_each(|e| row[e.column] += e.weight * z[e.value]);
        row
    }
}

/// A column of a numeric variable, where the number is `x`.
pub(super) fn number_of(functions: &[Option<Function>], variable: usize, part: Part, x: f64) -> f64 {
    match (part, functions.get(variable)) {
        (Part::Basis(k), Some(Some(function))) => function.value(x, k),
        _ => x,
    }
}

impl std::ops::Index<usize> for Columns {
    type Output = DesignColumn;

    fn index(&self, column: usize) -> &DesignColumn {
        &self.list[column]
    }
}

impl<'a> IntoIterator for &'a Columns {
    type Item = &'a DesignColumn;
    type IntoIter = std::slice::Iter<'a, DesignColumn>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
