//! Columns applied to the patients of a trial, be it the one it was built from or another with the same columns: the
//! row of the model matrix of any patient at any analysed visit, observed or not.

use super::coding::Part;
use super::variables;
use super::*;
use crate::trial::{Trial, Variable, on_visits};

/// A trial seen through the columns of a model.
#[derive(Debug)]
pub(crate) struct Applied<'d> {
    columns: &'d Columns,
    /// The variables of the mean model with the trial's values, factors coded by the levels that were fitted.
    variables: Vec<Variable>,
    /// The factor that makes the covariance groups, coded by the groups that were fitted.
    group: Option<Variable>,
    weights: Option<Vec<f64>>,
    /// The outcome, patients of the trial × analysed visits, NaN where not observed.
    outcome: Vec<f64>,
}

impl Columns {
    /// The patients of `trial` at the analysed visits, which are found by their labels.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a visit, an outcome or a variable that the trial does not have, [`Error::Invalid`]
    /// where the kind of a variable differs.
    pub(crate) fn applied_to(&self, trial: &Trial) -> Result<Applied<'_>> {
        let visits = self.visit_labels.iter().map(|label| trial.schedule().index_of(label)).collect::<Result<Vec<usize>>>()?;
        let outcome = trial.outcome(&self.outcome)?;
        let mut variables = variables::resolve(trial, &self.model, outcome, &visits)?;
        for (variable, known) in variables.iter_mut().zip(&self.variables) {
            if variable.is_factor() != known.is_factor() {
                let kind = |is_factor: bool| if is_factor { "a factor" } else { "a number" };
                return Err(Error::invalid(
                    format!("variable `{}`", known.name),
                    format!("it is {} in this trial and {} in the model", kind(variable.is_factor()), kind(known.is_factor())),
                    "declare it in the layout as for the trial that was fitted",
                ));
            }
            variable.recode(&known.levels);
        }
        let mut group = self.options.group.as_deref().map(|g| variables::patient_factor(trial, g)).transpose()?;
        group.iter_mut().for_each(|g| g.recode(&self.groups));
        let weights = self.options.weights.as_deref().map(|w| variables::weights(trial, w, &visits)).transpose()?;
        Ok(Applied { columns: self, variables, group, weights, outcome: on_visits(&outcome.values, &visits, trial.schedule().len()) })
    }
}

impl Applied<'_> {
    /// The outcome of a patient at an analysed visit, `None` where it was not observed.
    pub fn outcome(&self, patient: usize, visit: usize) -> Option<f64> {
        let value = self.outcome[patient * self.visits() + visit];
        (!value.is_nan()).then_some(value)
    }

    /// The covariance group of a patient, or why it is not known.
    pub fn group(&self, patient: usize) -> Result<usize, String> {
        match &self.group {
            None => Ok(0),
            Some(group) => group.level(patient, 0, self.visits()).ok_or_else(|| {
                format!("`{}`, which makes the covariance groups, is missing or of a level that was not fitted", group.name())
            }),
        }
    }

    /// The observation weight of a patient at a visit, 1 in a design without weights; `None` where it is missing or
    /// not positive.
    pub fn weight(&self, patient: usize, visit: usize) -> Option<f64> {
        let weight = self.weights.as_ref().map_or(1.0, |w| w[patient * self.visits() + visit]);
        (weight > 0.0 && weight.is_finite()).then_some(weight)
    }

    /// The row of the model matrix, p numbers, or which variable is missing.
    pub fn row(&self, patient: usize, visit: usize) -> Result<Vec<f64>, String> {
        if let Some(missing) = self.variables.iter().find(|v| v.is_missing(patient, visit, self.visits())) {
            let of_other_level = if missing.is_factor() { " or of a level that was not fitted" } else { "" };
            return Err(format!("`{}` is missing{of_other_level}", missing.name()));
        }
        let factor = |&(v, part): &(usize, Part)| {
            let variable = &self.variables[v];
            let before_treatment = self.columns.constraint.is_some_and(|c| c.arm == v && visit <= c.baseline);
            match part {
                Part::Number => variable.value(patient, visit, self.visits()),
                Part::Level(l) if before_treatment => f64::from(u8::from(l == 0)),
                Part::Level(l) => f64::from(u8::from(variable.level(patient, visit, self.visits()) == Some(l))),
            }
        };
        Ok(self.columns.parts.iter().map(|parts| parts.iter().map(factor).product()).collect())
    }

    fn visits(&self) -> usize {
        self.columns.visits.len()
    }
}
