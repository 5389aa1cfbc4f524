//! Which patients, visits and rows of a file are read.

use super::Layout;
use crate::error::Error;
use crate::trial::Condition;

/// What of a file is read; everything unless something is stated.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::trial) struct Filters {
    pub patients: Vec<Condition>,
    pub rows: Vec<Condition>,
    /// Labels of visits that are not read.
    pub visits: Vec<String>,
}

impl Filters {
    pub fn is_empty(&self) -> bool {
        self.patients.is_empty() && self.rows.is_empty() && self.visits.is_empty()
    }

    /// The columns that conditions look at.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.patients.iter().chain(&self.rows).map(Condition::column)
    }
}

impl Layout {
    /// The label of an outcome that the layout declares.
    pub(crate) fn outcome_label(&self, name: &str) -> Option<&str> {
        self.outcomes.iter().find(|outcome| outcome.name == name).map(|outcome| outcome.label.as_str())
    }

    /// The arms in their order as far as they are declared, and the reference arm where it is.
    pub(crate) fn declared_arms(&self) -> (&[String], Option<&str>) {
        (&self.arms, self.reference_arm.as_deref().or(self.arms.first().map(String::as_str)))
    }

    /// The visits that are declared.
    pub(crate) fn declared_visits(&self) -> impl Iterator<Item = &str> {
        self.visits.iter().map(|visit| visit.label.as_str())
    }

    /// The layout without conditions that name patients.
    pub(crate) fn without_named_patients(mut self) -> Self {
        let patient = self.patient.clone();
        self.filters.patients.retain(|condition| condition.column() != patient);
        self.filters.rows.retain(|condition| condition.column() != patient);
        self
    }

    /// The column of the patient.
    pub(crate) fn patient_column(&self) -> &str {
        &self.patient
    }

    /// Which rows are left out before the analysis, in words; empty where all are read.
    pub(crate) fn left_out_in_words(&self) -> String {
        let Filters { patients, rows, visits } = &self.filters;
        let all = |conditions: &[Condition]| conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and ");
        let mut said = vec![];
        if !patients.is_empty() {
            said.push(format!("Only patients for whom {} are analysed.", all(patients)));
        }
        if !rows.is_empty() {
            said.push(format!("Only rows of the data file where {} are analysed.", all(rows)));
        }
        if !visits.is_empty() {
            said.push(format!("Rows of these visits are left out: {}.", visits.join(", ")));
        }
        if self.preset.is_some() {
            said.push(
                "The data file follows the Basic Data Structure of ADaM: records flagged for analysis (ANL01FL) at planned visits are analysed, and where the file \
                 has the value at baseline or the change from it, records up to the baseline record (ABLFL) are no part of the response."
                    .into(),
            );
        }
        said.join(" ")
    }

    /// Names that do not fit what the layout declares itself, with their keys; `at` is the visit of primary interest.
    pub(crate) fn contradictions(&self, at: &str) -> Vec<(String, Error)> {
        let mut found = vec![];
        let visits: Vec<&str> = self.declared_visits().collect();
        let mut visit = |key: &str, label: &str| {
            if !label.is_empty() && !visits.is_empty() && !visits.contains(&label) {
                found.push((key.to_string(), Error::unknown("visit", label, &visits)));
            }
        };
        visit("at", at);
        visit("layout.baseline-visit", self.baseline.as_deref().unwrap_or_default());
        if let Some(reference) = self.reference_arm.as_ref().filter(|reference| !self.arms.is_empty() && !self.arms.contains(reference)) {
            found.push(("layout.reference-arm".into(), Error::unknown("arm", reference, &self.arms)));
        }
        found
    }

    /// Reads only patients who meet the condition, beside those stated before: a population such as `ITTFL = "Y"`. The
    /// column has one value per patient; where it is missing in some rows, the others say it. How many patients are left
    /// out is in [`Trial::left_out`](crate::trial::Trial::left_out).
    ///
    /// ```
    /// use trialstats::Layout;
    /// use trialstats::trial::Condition;
    ///
    /// let file = "id,visit,score,FASFL\nA,1,12,Y\nA,2,9,Y\nB,1,11,N\n";
    /// let layout = Layout::long_one_arm("id", "visit").outcome("score").keep_patients(Condition::on("FASFL").is("Y"));
    /// let trial = layout.read_csv_from("example", file.as_bytes())?;
    /// assert_eq!((trial.patients(), trial.left_out()[0].patients), (&["A".to_string()][..], 1));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn keep_patients(mut self, condition: Condition) -> Self {
        self.filters.patients.push(condition);
        self
    }

    /// Reads only rows that meet the condition, beside those stated before: `PARAMCD = "MADRS"`. A patient all of whose
    /// rows are left out stays in the trial: they were randomized.
    pub fn keep_rows(mut self, condition: Condition) -> Self {
        self.filters.rows.push(condition);
        self
    }

    /// Leaves out the rows of visits with these labels, such as those of screening.
    pub fn drop_visits<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.filters.visits.extend(labels.into_iter().map(Into::into));
        self
    }
}
