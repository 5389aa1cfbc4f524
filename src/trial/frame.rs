//! A trial as a data frame, a row per patient and scheduled visit.

use polars::prelude::{Column, DataFrame, NamedFrom, PolarsResult, Series};

use super::{Kind, Trial};
use crate::instruments::Diagnosis;

impl Trial {
    /// The trial as a long data frame: a row per patient and scheduled visit, whether attended or not, so that
    /// everyone randomized is in it.
    ///
    /// Columns: patient, arm and visit under the names they had in the file (the arm only where there are several),
    /// `visit_time` where all visits have times, then outcomes, diagnoses (`met`, `not met`, `unknown`), covariates,
    /// weights and clusters. What is missing is null.
    ///
    /// # Errors
    /// Whatever polars says, if two of them have the same name.
    pub fn to_dataframe(&self) -> PolarsResult<DataFrame> {
        let (n, width) = (self.patients.len(), self.schedule.len());
        let each_visit = |i: usize| std::iter::repeat_n(i, width);
        let of_patient: Vec<usize> = (0..n).flat_map(each_visit).collect();
        let texts = |name: &str, values: Vec<Option<&str>>| Column::from(Series::new(name.into(), values));
        let numbers = |name: &str, values: Vec<Option<f64>>| Column::from(Series::new(name.into(), values));

        let mut columns = vec![texts(&self.columns.patient, of_patient.iter().map(|&i| Some(self.patients[i].as_str())).collect())];
        if self.arms.len() > 1 {
            columns.push(texts(&self.columns.arm, of_patient.iter().map(|&i| Some(self.arms[self.arm_of[i]].as_str())).collect()));
        }
        let labels = self.schedule.labels();
        columns.push(texts(&self.columns.visit, (0..n * width).map(|cell| Some(labels[cell % width])).collect()));
        if self.schedule.visits().iter().all(|v| v.time.is_some()) {
            columns.push(numbers("visit_time", (0..n * width).map(|cell| self.schedule.visits()[cell % width].time).collect()));
        }
        for outcome in &self.outcomes {
            columns.push(numbers(&outcome.name, outcome.values.iter().map(known).collect()));
        }
        for diagnosis in &self.diagnoses {
            columns.push(texts(&diagnosis.name, diagnosis.values.iter().map(|d| d.map(text)).collect()));
        }
        let cells = || (0..n * width).map(|cell| (cell / width, cell % width));
        for variable in &self.variables {
            columns.push(match variable.kind() {
                Kind::Number => numbers(variable.name(), cells().map(|(i, t)| known(&variable.value(i, t, width))).collect()),
                Kind::Factor => {
                    let level = |(i, t)| variable.level(i, t, width).map(|l| variable.levels()[l].as_str());
                    texts(variable.name(), cells().map(level).collect())
                }
            });
        }
        DataFrame::new_infer_height(columns)
    }
}

fn known(x: &f64) -> Option<f64> {
    (!x.is_nan()).then_some(*x)
}

fn text(diagnosis: Diagnosis) -> &'static str {
    match diagnosis {
        Diagnosis::Met => "met",
        Diagnosis::NotMet => "not met",
        Diagnosis::Unknown => "unknown",
    }
}
