//! Means and standard deviations of what was observed, without any model.

use super::{Summary, Trial};
use crate::error::Result;
use crate::table::{Column, Format, Tabular, Values, display_as_table};

/// An outcome as observed, per arm and visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ObservedMeans {
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub label: String,
    /// One row an arm and visit, visits within arms.
    pub rows: Vec<ObservedRow>,
}

/// An outcome in one arm at one visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ObservedRow {
    /// The arm.
    pub arm: String,
    /// The visit.
    pub visit: String,
    /// Patients randomized to the arm.
    pub randomized: usize,
    /// The scores of those observed.
    pub summary: Summary,
}

impl Trial {
    /// Number, mean, standard deviation, median and range of `outcome` per arm and visit, among the patients observed.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] if there is no such outcome.
    pub fn observed_means(&self, outcome: &str) -> Result<ObservedMeans> {
        let outcome = self.outcome(outcome)?;
        let randomized = self.randomized();
        let mut rows = vec![];
        for (arm, name) in self.arms().iter().enumerate() {
            for (visit, label) in self.schedule().labels().into_iter().enumerate() {
                let patients = (0..self.patients().len()).filter(|&i| self.arm_of()[i] == arm);
                let summary = Summary::of(patients.filter_map(|i| self.value(outcome, i, visit)));
                rows.push(ObservedRow { arm: name.clone(), visit: label.into(), randomized: randomized[arm], summary });
            }
        }
        Ok(ObservedMeans { outcome: outcome.name.clone(), label: outcome.label.clone(), rows })
    }
}

impl ObservedMeans {
    /// The table without what is the value of a single patient: see [`Summary::without_individuals`].
    pub fn without_individuals(mut self) -> Self {
        self.rows.iter_mut().for_each(|row| row.summary = row.summary.without_individuals());
        self
    }

    fn has_order_statistics(&self) -> bool {
        self.rows.iter().any(|row| row.summary.minimum.is_some())
    }
}

impl Tabular for ObservedMeans {
    fn title(&self) -> String {
        format!("{}: observed scores", self.label)
    }

    fn columns(&self) -> Vec<Column> {
        let errors = self.rows.iter().map(|r| r.summary.sd.map_or(f64::NAN, |sd| sd / (r.summary.n as f64).sqrt()));
        let by_error = Format::of_errors(errors);
        let real = |name: &'static str, heading: &str, format, value: fn(&Summary) -> Option<f64>| {
            let values = self.rows.iter().map(|r| value(&r.summary)).collect();
            Column { name: name.into(), heading: heading.into(), values: Values::Real(values, format) }
        };
        let mut columns = vec![
            Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.as_str())),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_str())),
            Column::count("randomized", "Randomized", self.rows.iter().map(|r| r.randomized)),
            Column::count("n", "Observed", self.rows.iter().map(|r| r.summary.n)),
            real("mean", "Mean", by_error, |s| s.mean),
            real("sd", "SD", by_error, |s| s.sd),
        ];
        if self.has_order_statistics() {
            columns.extend([
                real("median", "Median", by_error.coarser(), |s| s.median),
                real("minimum", "Min", by_error.coarser(), |s| s.minimum),
                real("maximum", "Max", by_error.coarser(), |s| s.maximum),
            ]);
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        vec!["Patients observed at the visit only: not adjusted for those who were not.".into(), "SD with denominator n − 1.".into()]
    }
}

display_as_table!(ObservedMeans);
