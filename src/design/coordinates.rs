//! Coordinates of visits, such as days since randomization, which may differ by patient.

use super::{Design, variables};
use crate::error::{Error, Result};
use crate::trial::Trial;
use nalgebra::DMatrix;

impl Design {
    /// The levels of a factor that analysed observations have, and the code of each analysed patient's visits among them:
    /// T × 1, NaN where a visit was not analysed.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable that the trial does not have; [`Error::Invalid`] for a number, and where an
    /// analysed observation has no level.
    pub(crate) fn level_codes(&self, trial: &Trial, factor: &str) -> Result<(Vec<String>, Vec<DMatrix<f64>>)> {
        let t = self.columns.visits.len();
        let mut variable = variables::factor(trial, factor, &self.columns.visits)?;
        let mut used = vec![false; variable.levels().len()];
        for row in self.rows.observed() {
            let (patient, visit) = (self.rows.patients[row / t], row % t);
            let level = variable.level(patient, visit, t).ok_or_else(|| {
                Error::not_finite(
                    format!("the level of `{factor}` of patient `{}` at {}", trial.patients()[patient], self.columns.visit_labels[visit]),
                    "the visit has an outcome, and its residual variance is that of the level",
                    "fill it in, or leave the outcome out",
                )
            })?;
            used[level] = true;
        }
        variable.keep_levels(&used);
        let code = |analysed: usize, patient: usize, visit: usize| {
            let seen = !self.rows.y[analysed * t + visit].is_nan();
            variable.level(patient, visit, t).filter(|_| seen).map_or(f64::NAN, |level| level as f64)
        };
        let patients = self.rows.patients.iter().enumerate();
        let codes = patients.map(|(analysed, &patient)| DMatrix::from_fn(t, 1, |visit, _| code(analysed, patient, visit))).collect();
        Ok((variable.levels().to_vec(), codes))
    }

    /// The coordinates of each analysed patient's visits: T × d, a column for each variable, NaN where a visit was
    /// not analysed.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable that the trial does not have; [`Error::Invalid`] for a factor, and where an
    /// analysed observation has no coordinate.
    pub(crate) fn coordinates(&self, trial: &Trial, columns: &[String]) -> Result<Vec<DMatrix<f64>>> {
        let t = self.columns.visits.len();
        let tables =
            columns.iter().map(|name| variables::coordinate(trial, name, &self.columns.visits)).collect::<Result<Vec<Vec<f64>>>>()?;
        let of_patient = |(analysed, &patient): (usize, &usize)| {
            let seen = |visit: usize| !self.rows.y[analysed * t + visit].is_nan();
            let at = DMatrix::from_fn(t, tables.len(), |visit, d| if seen(visit) { tables[d][patient * t + visit] } else { f64::NAN });
            for (visit, d) in (0..t).flat_map(|visit| (0..tables.len()).map(move |d| (visit, d))) {
                if seen(visit) && !at[(visit, d)].is_finite() {
                    return Err(Error::not_finite(
                        format!(
                            "the coordinate `{}` of patient `{}` at {}",
                            columns[d],
                            trial.patients()[patient],
                            self.columns.visit_labels[visit]
                        ),
                        "the visit has an outcome but no place",
                        "give every analysed visit its coordinates, or use visit times",
                    ));
                }
            }
            Ok(at)
        };
        self.rows.patients.iter().enumerate().map(of_patient).collect()
    }
}
