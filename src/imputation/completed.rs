//! The completed data themselves: every value with what became of it.

use super::affected::Use;
use super::completion::Cohort;
use super::own::Rule;
use super::plan::ReferenceBased;
use super::{EventStrategy, Strategy};
use crate::error::{Error, Result};
use crate::table::{Column, Tabular, Values, display_as_table};
use crate::trial::{Labelled, Trial};
use crate::{Fit, Model};

/// The outcome of everyone randomized at every analysed visit, observed or completed, with flags as analysis data sets
/// (ADaM) have them.
///
/// | column | meaning |
/// |---|---|
/// | `ANALYSIS` | what the imputation is called; where several are together |
/// | `USUBJID` | the patient |
/// | `TRT01P` | the arm of randomization |
/// | `AVISITN`, `AVISIT` | the visit: its position in the schedule from 1, its label |
/// | `PARAMCD` | the outcome |
/// | `AVAL` | the value that is analysed |
/// | `AORIG` | the value as it was observed, also where an event sets it aside |
/// | `DTYPE` | how the value was derived, empty where it was observed: `MAR`, `J2R`, `CR`, `CIR`, `LMCF`, `CAUSAL`, `OWN` for imputed values, `COMPOSITE`, and `LOCF` for the last value before the event |
/// | `IMPFL` | `Y` for values that were imputed or replaced |
/// | `ICE` | the event that decides what becomes of the value |
/// | `ICESTRAT` | its strategy |
/// | `GAPFL` | `Y` for an imputed value before any event: an intermittent gap |
/// | `DRAW`, `SEED` | of drawn values, which draw it is, and the seed |
///
/// They are data of individual patients: write them only where these may be.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CompletedData {
    /// Name of the outcome.
    pub outcome: String,
    /// Patient by patient, visit by visit.
    pub rows: Vec<CompletedValue>,
    /// How values were completed, one sentence each.
    pub notes: Vec<String>,
}

/// A value of the completed data.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CompletedValue {
    /// What the imputation is called; empty where there is one.
    pub analysis: String,
    /// The patient.
    pub patient: String,
    /// The arm of randomization.
    pub arm: Labelled,
    /// The visit.
    pub visit: Labelled,
    /// The value that is analysed.
    pub value: f64,
    /// The value that was observed, also where an event sets it aside; NaN where there is none.
    pub observed: f64,
    /// How it was derived; none for an observed value.
    pub derivation: Option<String>,
    /// The event that decides what becomes of the value.
    pub event: Option<String>,
    /// How that event is taken into account.
    pub strategy: Option<EventStrategy>,
    /// Whether it was imputed before any event.
    pub is_gap: bool,
    /// Which draw it is, counted from 1, of drawn values.
    pub draw: Option<usize>,
    /// The seed of drawn values.
    pub seed: Option<u64>,
}

impl Model {
    /// Fits the model to the values that inform it, and completes the trial by the fit: [`Fit::completed_data`].
    ///
    /// # Errors
    /// As [`Model::reference_based`].
    pub fn completed_data(&self, trial: &Trial, plan: &ReferenceBased) -> Result<CompletedData> {
        let informing = plan.informing(trial, self.mean().outcome_name())?;
        self.fit(&informing)?.completed_data(trial, plan)
    }
}

impl Fit {
    /// The completed data that [`Fit::reference_based`] analyses: missing values replaced by their expectation under the
    /// plan's strategy.
    ///
    /// ```
    /// use trialstats::imputation::{ReferenceBased, Strategy};
    /// use trialstats::table::Tabular;
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .arms(["DRUG", "PLACEBO"])
    ///     .outcome("CHANGE")
    ///     .covariate("BASVAL")
    ///     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let fit = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?.fit(&trial)?;
    /// let data = fit.completed_data(&trial, &ReferenceBased::new(Strategy::JumpToReference).reference("PLACEBO"))?;
    /// assert_eq!((data.rows.len(), data.imputed()), (172 * 4, 80));
    /// let mut csv = vec![];
    /// data.write_csv(&mut csv).expect("memory can be written");
    /// assert!(String::from_utf8(csv).is_ok_and(|text| text.starts_with("USUBJID,TRT01P,AVISITN,AVISIT,PARAMCD,AVAL,AORIG,DTYPE")));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Fit::reference_based`].
    pub fn completed_data(&self, trial: &Trial, plan: &ReferenceBased) -> Result<CompletedData> {
        self.can_be_imputed()?;
        plan.check(trial.arms(), self.design().columns().visit_labels())?;
        let cohort = Cohort::of(self, trial, plan)?;
        let sigmas = self.covariances().iter().map(|g| g.sigma.clone()).collect::<Vec<_>>();
        let maps = cohort.maps(&sigmas).ok_or_else(|| {
            Error::not_defined(
                "completed data",
                "a fitted covariance is not positive definite to rounding",
                "use a covariance structure with fewer parameters",
            )
        })?;
        CompletedData::of(self, trial, &cohort, &cohort.completed(self.beta(), &maps), None)
    }
}

impl CompletedData {
    /// Completed outcomes, n × T as [`Cohort::completed`] arranges them, with what became of each value; `drawn` is the
    /// number of the draw, from 1, and the seed.
    pub(super) fn of(fit: &Fit, trial: &Trial, cohort: &Cohort, outcomes: &[f64], drawn: Option<(usize, u64)>) -> Result<Self> {
        let columns = fit.design().columns();
        let outcome = trial.outcome(columns.outcome())?;
        let visits: Vec<usize> = columns.visit_labels().iter().map(|label| trial.schedule().index_of(label)).collect::<Result<_>>()?;
        let arms = trial.arms();
        let mut rows = Vec::with_capacity(outcomes.len());
        for (i, patient) in cohort.patients.iter().enumerate() {
            let class = &cohort.classes[patient.class];
            for (t, label) in columns.visit_labels().iter().enumerate() {
                let (used, by) = patient.uses[t];
                let kind = by.map(|at| &cohort.events.kinds()[at]);
                let is_imputed = matches!(used, Use::Missing | Use::SetAside);
                let derivation = match used {
                    Use::Observed => None,
                    Use::Replaced(_) if kind.is_some_and(|kind| kind.strategy == EventStrategy::WhileOnTreatment) => Some("LOCF".into()),
                    Use::Replaced(_) => Some("COMPOSITE".into()),
                    Use::Missing | Use::SetAside => Some(code(&cohort.rules[class.rule], t < class.from, class.from == cohort.visits)),
                };
                rows.push(CompletedValue {
                    analysis: String::new(),
                    patient: trial.patients()[i].clone(),
                    arm: Labelled { index: patient.arm, label: arms[patient.arm].clone() },
                    visit: Labelled { index: visits[t], label: label.clone() },
                    value: outcomes[i * cohort.visits + t],
                    observed: trial.value(outcome, i, visits[t]).unwrap_or(f64::NAN),
                    derivation,
                    event: kind.map(|kind| kind.name.clone()),
                    strategy: kind.map(|kind| kind.strategy),
                    is_gap: is_imputed && t < class.from,
                    draw: drawn.map(|(draw, _)| draw),
                    seed: drawn.map(|(_, seed)| seed),
                });
            }
        }
        let mut notes = vec![format!("Values after the event {} ({}).", cohort.rules[0].words(), cohort.rules[0].title())];
        notes.extend(cohort.event_notes());
        Ok(Self { outcome: outcome.name.clone(), rows, notes })
    }

    /// The number of values that were imputed or replaced.
    pub fn imputed(&self) -> usize {
        self.rows.iter().filter(|row| row.derivation.is_some()).count()
    }

    /// The same data under a name, for when several are put together.
    pub fn named(mut self, analysis: &str) -> Self {
        self.rows.iter_mut().for_each(|row| row.analysis = analysis.into());
        self
    }

    /// Adds the rows of other completed data: another imputation, or another draw.
    pub fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
        let new: Vec<String> = other.notes.into_iter().filter(|note| !self.notes.contains(note)).collect();
        self.notes.extend(new);
    }

    /// Writes the data as Parquet.
    ///
    /// # Errors
    /// What polars says of a file that cannot be written.
    #[cfg(feature = "parquet")]
    pub fn write_parquet(&self, to: impl std::io::Write) -> polars::prelude::PolarsResult<()> {
        let mut frame = self.to_dataframe()?;
        polars::prelude::ParquetWriter::new(to).finish(&mut frame).map(|_| ())
    }
}

/// DTYPE of an imputed value: before the event values are missing at random, unless the reference arm is copied throughout.
fn code(rule: &Rule, is_before: bool, without_event: bool) -> String {
    match rule {
        _ if without_event => Rule::Named(Strategy::Mar).code(),
        Rule::Named(Strategy::CopyReference) | Rule::Own(_) => rule.code(),
        _ if is_before => Rule::Named(Strategy::Mar).code(),
        _ => rule.code(),
    }
}

impl Tabular for CompletedData {
    fn title(&self) -> String {
        format!("{}: completed data", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let text = |name: &'static str, of: &dyn Fn(&CompletedValue) -> Option<String>| Column {
            name: name.into(),
            heading: name.into(),
            values: Values::Text(self.rows.iter().map(of).collect()),
        };
        let count = |name: &'static str, of: &dyn Fn(&CompletedValue) -> Option<u64>| Column {
            name: name.into(),
            heading: name.into(),
            values: Values::Count(self.rows.iter().map(of).collect()),
        };
        let real = |name: &'static str, of: &dyn Fn(&CompletedValue) -> f64| Column::significant(name, name, 2, self.rows.iter().map(of));
        let flag = |is: bool| is.then(|| "Y".to_string());
        let mut columns = vec![];
        if self.rows.iter().any(|row| !row.analysis.is_empty()) {
            columns.push(text("ANALYSIS", &|row| Some(row.analysis.clone())));
        }
        columns.extend([
            text("USUBJID", &|row| Some(row.patient.clone())),
            text("TRT01P", &|row| Some(row.arm.label.clone())),
            count("AVISITN", &|row| Some(row.visit.index as u64 + 1)),
            text("AVISIT", &|row| Some(row.visit.label.clone())),
            text("PARAMCD", &|_| Some(self.outcome.clone())),
            real("AVAL", &|row| row.value),
            real("AORIG", &|row| row.observed),
            text("DTYPE", &|row| row.derivation.clone()),
            text("IMPFL", &|row| flag(row.derivation.is_some())),
            text("ICE", &|row| row.event.clone()),
            text("ICESTRAT", &|row| row.strategy.map(|strategy| strategy.to_string())),
            text("GAPFL", &|row| flag(row.is_gap)),
        ]);
        if self.rows.iter().any(|row| row.draw.is_some()) {
            columns.push(count("DRAW", &|row| row.draw.map(|draw| draw as u64)));
            columns.push(count("SEED", &|row| row.seed));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(CompletedData);
