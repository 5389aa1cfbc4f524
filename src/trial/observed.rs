//! Means and standard deviations of what was observed, without any model.

use super::{Summary, Trial};
use crate::error::Result;
use crate::table::{Column, Format, Tabular, Values, display_as_table};

/// An outcome as observed, per arm and visit.
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

impl Tabular for ObservedMeans {
    fn title(&self) -> String {
        format!("{}: observed scores", self.label)
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name: &'static str, heading: &str, digits, value: fn(&Summary) -> Option<f64>| {
            let values = self.rows.iter().map(|r| value(&r.summary)).collect();
            Column { name: name.into(), heading: heading.into(), values: Values::Real(values, Format::Decimals(digits)) }
        };
        vec![
            Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.as_str())),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_str())),
            Column::count("randomized", "Randomized", self.rows.iter().map(|r| r.randomized)),
            Column::count("n", "Observed", self.rows.iter().map(|r| r.summary.n)),
            real("mean", "Mean", 2, |s| s.mean),
            real("sd", "SD", 2, |s| s.sd),
            real("median", "Median", 1, |s| s.median),
            real("minimum", "Min", 1, |s| s.minimum),
            real("maximum", "Max", 1, |s| s.maximum),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Patients observed at the visit only: not adjusted for those who were not.".into(), "SD with denominator n − 1.".into()]
    }
}

display_as_table!(ObservedMeans);
