//! Coordinates of visits, such as days since randomization, which may differ by patient.

use super::{Design, variables};
use crate::error::{Error, Result};
use crate::trial::Trial;
use nalgebra::DMatrix;

impl Design {
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
