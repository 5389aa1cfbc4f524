//! Columns applied to the patients of a trial, be it the one that was fitted or another with the same variables: the
//! row of the model matrix of any patient at any analysed visit under any arm, observed or not.

use super::coding::Part;
use super::variables;
use super::*;
use crate::trial::{Role, Trial, Variable, on_visits};

/// A trial seen through the columns of a model; see [`Columns::applied_to`].
///
/// Patients are positions in the trial, visits positions among [`Columns::visit_labels`], arms positions among
/// [`Columns::arms`].
#[derive(Debug)]
pub struct Applied<'a> {
    columns: &'a Columns,
    patients: &'a [String],
    /// The variables of the mean model with the trial's values, factors coded by the levels that were fitted.
    variables: Vec<Variable>,
    /// The factor that makes the covariance groups, coded by the groups that were fitted.
    group: Option<Variable>,
    weights: Option<Vec<f64>>,
    /// The outcome, patients of the trial × analysed visits, NaN where not observed.
    outcome: Vec<f64>,
}

impl Columns {
    /// The patients of `trial` at the analysed visits, which are found by their labels: what these columns are for
    /// each of them, observed or not.
    ///
    /// ```
    /// use trialstats::{Layout, Model};
    ///
    /// # fn main() -> trialstats::Result<()> {
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let fit = Model::formula("CHANGE ~ THERAPY * VISIT")?.fit(&trial)?;
    /// let applied = fit.design().columns().applied_to(&trial)?;
    /// // The first patient's expected outcome at the last visit in the arm assigned, and had it been the other one.
    /// let mean = |row: &[f64]| -> f64 { row.iter().zip(fit.beta()).map(|(x, b)| x * b).sum() };
    /// let (patient, last, own) = (0, 3, trial.arm_of()[0]);
    /// assert_eq!(applied.row(patient, last)?, applied.row_under(patient, last, own)?);
    /// let effect = mean(&applied.row_under(patient, last, 1)?) - mean(&applied.row_under(patient, last, 0)?);
    /// let contrast = &fit.arm_contrasts(&Default::default())?.rows[3];
    /// assert!((effect - contrast.estimate.estimate).abs() < 1e-12);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] for a visit, an outcome or a variable that the trial does not have, [`Error::Invalid`]
    /// where the kind of a variable differs.
    pub fn applied_to<'a>(&'a self, trial: &'a Trial) -> Result<Applied<'a>> {
        let visits = self.visit_labels.iter().map(|label| trial.schedule().index_of(label)).collect::<Result<Vec<usize>>>()?;
        let outcome = trial.outcome(self.model.outcome_name())?;
        let mut variables = variables::resolve(trial, &self.model, outcome, &visits)?;
        for (variable, known) in variables.iter_mut().zip(&self.variables) {
            if variable.is_factor() != known.is_factor() {
                let kind = |is_factor: bool| if is_factor { "a factor" } else { "a number" };
                return Err(Error::another_trial(
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
        let outcome = on_visits(&outcome.values, &visits, trial.schedule().len());
        Ok(Applied { columns: self, patients: trial.patients(), variables, group, weights, outcome })
    }
}

impl Applied<'_> {
    /// The columns.
    pub fn columns(&self) -> &Columns {
        self.columns
    }

    /// The row of the model matrix of a patient at a visit, p numbers.
    ///
    /// # Errors
    /// [`Error::Missing`] for a variable of the mean model that is not known of the patient there, or has a level
    /// that was not fitted; [`Error::Invalid`] for a patient or visit that there is not.
    pub fn row(&self, patient: usize, visit: usize) -> Result<Vec<f64>> {
        self.must_be_inside(patient, visit)?;
        self.row_with(patient, visit, |v| self.variables[v].level(patient, visit, self.visits()))
    }

    /// The row of the model matrix of a patient at a visit, had the patient been in `arm`: everything else as it is.
    ///
    /// # Errors
    /// As [`Applied::row`], except that the patient's own arm need not be known; [`Error::Missing`] too for an arm
    /// of which no observation was fitted, for which a model with a mean per arm has no column.
    pub fn row_under(&self, patient: usize, visit: usize, arm: usize) -> Result<Vec<f64>> {
        self.must_be_inside(patient, visit)?;
        let label = self.columns.arms.get(arm).ok_or_else(|| outside("arm", arm, self.columns.arms.len()))?;
        let level_under = |v: usize| match self.variables[v].role() {
            Role::Arm => self.variables[v].levels().iter().position(|level| level == label),
            _ => self.variables[v].level(patient, visit, self.visits()),
        };
        self.row_with(patient, visit, level_under)
    }

    /// The row, factors having the levels that `level` gives them.
    fn row_with(&self, patient: usize, visit: usize, level: impl Fn(usize) -> Option<usize>) -> Result<Vec<f64>> {
        let levels: Vec<Option<usize>> = (0..self.variables.len()).map(level).collect();
        let number = |v: usize| self.variables[v].value(patient, visit, self.visits());
        for (v, variable) in self.variables.iter().enumerate() {
            let missing = if variable.is_factor() { levels[v].is_none() } else { number(v).is_nan() };
            if missing {
                return Err(self.missing(variable, patient, visit));
            }
        }
        let factor = |&(v, part): &(usize, Part)| match part {
            Part::Number | Part::Basis(_) => self.columns.number_of(v, part, number(v)),
            Part::Level(l) if self.columns.is_before_treatment(v, visit) => f64::from(u8::from(l == 0)),
            Part::Level(l) => f64::from(u8::from(levels[v] == Some(l))),
        };
        Ok(self.columns.parts.iter().map(|parts| parts.iter().map(factor).product()).collect())
    }

    /// The outcome of a patient at a visit, `None` where it was not observed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a patient or visit that there is not.
    pub fn outcome(&self, patient: usize, visit: usize) -> Result<Option<f64>> {
        self.must_be_inside(patient, visit)?;
        let value = self.outcome[patient * self.visits() + visit];
        Ok((!value.is_nan()).then_some(value))
    }

    /// The covariance group of a patient, as a position among [`Columns::groups`].
    ///
    /// # Errors
    /// [`Error::Missing`] where it is not known, or was not fitted; [`Error::Invalid`] for a patient that there is
    /// not.
    pub fn group(&self, patient: usize) -> Result<usize> {
        self.must_be_inside(patient, 0)?;
        let Some(group) = &self.group else { return Ok(0) };
        let why = "is missing or of a level that was not fitted, and it makes the covariance groups";
        group.level(patient, 0, self.visits()).ok_or_else(|| self.lacking(group.name(), why, patient, 0))
    }

    /// The covariance group of a patient, had the patient been in `arm`: another one where the arms are the groups.
    ///
    /// # Errors
    /// As [`Applied::group`] and [`Applied::row_under`].
    pub fn group_under(&self, patient: usize, arm: usize) -> Result<usize> {
        self.must_be_inside(patient, 0)?;
        let label = self.columns.arms.get(arm).ok_or_else(|| outside("arm", arm, self.columns.arms.len()))?;
        match &self.group {
            Some(group) if group.role() == Role::Arm => group.levels().iter().position(|level| level == label).ok_or_else(|| {
                self.lacking(group.name(), &format!("has no level {label} that was fitted, and it makes the covariance groups"), patient, 0)
            }),
            _ => self.group(patient),
        }
    }

    /// The observation weight of a patient at a visit, 1 in a model without weights.
    ///
    /// # Errors
    /// [`Error::Missing`] where it is missing or not positive; [`Error::Invalid`] for a patient or visit that there
    /// is not.
    pub fn weight(&self, patient: usize, visit: usize) -> Result<f64> {
        self.must_be_inside(patient, visit)?;
        let (Some(weights), Some(name)) = (&self.weights, &self.columns.options.weights) else { return Ok(1.0) };
        let weight = weights[patient * self.visits() + visit];
        if weight > 0.0 && weight.is_finite() { Ok(weight) } else { Err(self.lacking(name, "is missing or not positive", patient, visit)) }
    }

    fn missing(&self, variable: &Variable, patient: usize, visit: usize) -> Error {
        let why = if variable.is_factor() { "is missing or of a level that was not fitted" } else { "is missing" };
        self.lacking(variable.name(), why, patient, visit)
    }

    fn lacking(&self, variable: &str, why: &str, patient: usize, visit: usize) -> Error {
        Error::Missing {
            variable: variable.into(),
            patient: self.patients[patient].clone(),
            visit: self.columns.visit_labels[visit].clone(),
            why: why.into(),
        }
    }

    fn must_be_inside(&self, patient: usize, visit: usize) -> Result<()> {
        match (patient < self.patients.len(), visit < self.visits()) {
            (false, _) => Err(outside("patient", patient, self.patients.len())),
            (_, false) => Err(outside("analysed visit", visit, self.visits())),
            _ => Ok(()),
        }
    }

    fn visits(&self) -> usize {
        self.columns.visits.len()
    }
}

fn outside(kind: &str, position: usize, n: usize) -> Error {
    Error::no_position(format!("{kind} {position}"), format!("there are {n}"), "give a position among them, counted from 0")
}
