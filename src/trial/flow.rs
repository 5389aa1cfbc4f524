//! Where everyone randomized went: observed at each visit, analysed, or not and why.

use super::{Outcome, Trial, Variable};
use crate::error::{Error, Message, Result, Setting};
use crate::table::{Column, Format, Tabular, Values, display_as_table};

/// What a model needs of a patient, and so who is analysed.
///
/// An observation is analysed if its visit is, and everything needed is known of the patient, and of the patient at
/// that visit. A patient is analysed with at least one such observation.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct AnalysisSet {
    visits: Vec<String>,
    variables: Vec<String>,
    baseline: bool,
}

impl AnalysisSet {
    /// Every visit, nothing else needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Restricts the analysis to these visits.
    pub fn visits<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.visits = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Needs a covariate or cluster.
    pub fn needs(mut self, variable: impl Into<String>) -> Self {
        self.variables.push(variable.into());
        self
    }

    /// Needs the outcome at the baseline visit, which is a covariate then and not analysed as an outcome.
    pub fn needs_baseline(mut self) -> Self {
        self.baseline = true;
        self
    }
}

/// Why a patient is not analysed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// The outcome was observed at none of the analysed visits.
    NoOutcome,
    /// The outcome was not observed at baseline, which the model needs.
    NoBaseline,
    /// A covariate is missing, of the patient or at every visit with an outcome.
    Missing(String),
}

impl Exclusion {
    pub(crate) fn text(&self) -> String {
        match self {
            Exclusion::NoOutcome => "no outcome at any analysed visit".into(),
            Exclusion::NoBaseline => "no outcome at baseline".into(),
            Exclusion::Missing(variable) => format!("{variable} missing"),
        }
    }
}

/// A step on the way from randomization to analysis.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowStep {
    /// Randomized to the arm.
    Randomized,
    /// The outcome was observed at a visit.
    Observed {
        /// The visit.
        visit: String,
    },
    /// With at least one observation in the analysis.
    Analysed,
    /// With the observation of a visit in the analysis.
    AnalysedAt {
        /// The visit.
        visit: String,
    },
    /// Not in the analysis; each patient has one reason, the first that holds.
    NotAnalysed {
        /// Why.
        reason: Exclusion,
    },
}

/// The participant flow of an outcome.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ParticipantFlow {
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub label: String,
    /// What was needed to be analysed.
    pub analysis_set: AnalysisSet,
    /// One row an arm and step.
    pub rows: Vec<FlowRow>,
}

/// How many patients of an arm took a step.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FlowRow {
    /// The arm.
    pub arm: String,
    /// The step.
    pub step: FlowStep,
    /// Patients who took it.
    pub n: usize,
    /// Patients randomized to the arm.
    pub randomized: usize,
}

impl Trial {
    /// How many patients of each arm were randomized, observed at each visit and analysed, and why the others were not.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the outcome, a visit or a variable does not exist, [`Error::Invalid`] if the baseline is
    /// needed and no visit is it.
    pub fn participant_flow(&self, outcome: &str, set: &AnalysisSet) -> Result<ParticipantFlow> {
        let outcome = self.outcome(outcome)?;
        let visits = self.analysed_visits(set)?;
        let fates = self.fates(outcome, set, &visits)?;
        let labels = self.schedule().labels();
        let mut reasons: Vec<&Exclusion> = fates.iter().filter_map(|f| f.as_ref().err()).collect();
        reasons.sort();
        reasons.dedup();
        let mut rows = vec![];
        for (arm, name) in self.arms().iter().enumerate() {
            let members: Vec<usize> = (0..self.patients().len()).filter(|&i| self.arm_of()[i] == arm).collect();
            let mut row = |step: FlowStep, took: &dyn Fn(usize) -> bool| {
                let n = members.iter().filter(|&&i| took(i)).count();
                rows.push(FlowRow { arm: name.clone(), step, n, randomized: members.len() });
            };
            row(FlowStep::Randomized, &|_| true);
            for (visit, label) in labels.iter().enumerate() {
                row(FlowStep::Observed { visit: label.to_string() }, &|i| self.value(outcome, i, visit).is_some());
            }
            row(FlowStep::Analysed, &|i| fates[i].is_ok());
            for &visit in &visits {
                let step = FlowStep::AnalysedAt { visit: labels[visit].into() };
                row(step, &|i| fates[i].as_ref().is_ok_and(|at| at.contains(&visit)));
            }
            for &reason in &reasons {
                row(FlowStep::NotAnalysed { reason: reason.clone() }, &|i| fates[i].as_ref().err() == Some(reason));
            }
        }
        Ok(ParticipantFlow { outcome: outcome.name.clone(), label: outcome.label.clone(), analysis_set: set.clone(), rows })
    }

    fn analysed_visits(&self, set: &AnalysisSet) -> Result<Vec<usize>> {
        let chosen: Vec<usize> = if set.visits.is_empty() {
            (0..self.schedule().len()).collect()
        } else {
            set.visits.iter().map(|label| self.schedule().index_of(label)).collect::<Result<_>>()?
        };
        if !set.baseline {
            return Ok(chosen);
        }
        let baseline = self.schedule().baseline().ok_or_else(|| {
            Error::no_baseline(
                "the outcome at baseline",
                "no visit is the baseline",
                Message::from("declare it with ").setting(Setting::BaselineVisit),
            )
        })?;
        Ok(chosen.into_iter().filter(|&v| v != baseline).collect())
    }

    /// For each patient the visits analysed, or why there is none.
    fn fates(&self, outcome: &Outcome, set: &AnalysisSet, visits: &[usize]) -> Result<Vec<Result<Vec<usize>, Exclusion>>> {
        let needed = set.variables.iter().map(|name| self.variable(name)).collect::<Result<Vec<&Variable>>>()?;
        let width = self.schedule().len();
        let fate = |patient: usize| {
            let observed: Vec<usize> = visits.iter().copied().filter(|&v| self.value(outcome, patient, v).is_some()).collect();
            if observed.is_empty() {
                return Err(Exclusion::NoOutcome);
            }
            let baseline = self.schedule().baseline().filter(|_| set.baseline);
            if baseline.is_some_and(|v| self.value(outcome, patient, v).is_none()) {
                return Err(Exclusion::NoBaseline);
            }
            let mut left = observed;
            for variable in &needed {
                left.retain(|&v| !variable.is_missing(patient, v, width));
                if left.is_empty() {
                    return Err(Exclusion::Missing(variable.name().into()));
                }
            }
            Ok(left)
        };
        Ok((0..self.patients().len()).map(fate).collect())
    }
}

impl ParticipantFlow {
    /// Patients of `arm` who took `step`, 0 if the step does not occur.
    pub fn count(&self, arm: &str, step: &FlowStep) -> usize {
        self.rows.iter().find(|r| r.arm == arm && r.step == *step).map_or(0, |r| r.n)
    }
}

impl FlowStep {
    fn text(&self) -> String {
        match self {
            FlowStep::Randomized => "randomized".into(),
            FlowStep::Observed { .. } => "observed".into(),
            FlowStep::Analysed => "analysed".into(),
            FlowStep::AnalysedAt { .. } => "analysed at the visit".into(),
            FlowStep::NotAnalysed { reason } => format!("not analysed: {}", reason.text()),
        }
    }

    fn visit(&self) -> Option<String> {
        match self {
            FlowStep::Observed { visit } | FlowStep::AnalysedAt { visit } => Some(visit.clone()),
            _ => None,
        }
    }
}

impl Tabular for ParticipantFlow {
    fn title(&self) -> String {
        format!("{}: participant flow", self.label)
    }

    fn columns(&self) -> Vec<Column> {
        let visits = Values::Text(self.rows.iter().map(|r| r.step.visit()).collect());
        vec![
            Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.as_str())),
            Column::text("step", "Step", self.rows.iter().map(|r| r.step.text())),
            Column { name: "visit".into(), heading: "Visit".into(), values: visits },
            Column::count("n", "Patients", self.rows.iter().map(|r| r.n)),
            Column::real("share", "Of randomized", Format::Percent, self.rows.iter().map(|r| r.n as f64 / r.randomized as f64)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let set = &self.analysis_set;
        let visits = match (set.visits.is_empty(), set.baseline) {
            (true, true) => "any visit but the baseline".to_string(),
            (true, false) => "any visit".into(),
            (false, _) => format!("any of the visits {}", set.visits.join(", ")),
        };
        let mut needed = set.variables.clone();
        if set.baseline {
            needed.insert(0, "the outcome at baseline (as a covariate)".into());
        }
        let needed = if needed.is_empty() { "nothing beside the outcome".into() } else { needed.join(", ") };
        vec![
            "Everyone randomized is counted in the arm of randomization.".into(),
            format!("Analysed: with an outcome at {visits}; needed: {needed}."),
            "Each patient who is not analysed has one reason, the first that holds.".into(),
        ]
    }
}

display_as_table!(ParticipantFlow);
