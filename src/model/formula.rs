//! A model as one formula: what it says of a patient's visits, and the formula of a model.

use super::Model;
use crate::covariance::Covariance;
use crate::design::{RandomEffects, RandomTerm, WithinPatients, quoted};
use crate::error::{Error, Result};
use crate::trial::Trial;
use std::fmt;

/// What a formula calls the visit and the patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WithinNames {
    visit: String,
    patient: String,
}

impl Default for WithinNames {
    fn default() -> Self {
        Self { visit: "visit".into(), patient: "patient".into() }
    }
}

impl WithinNames {
    #[cfg(test)]
    pub fn of(visit: &str, patient: &str) -> Self {
        Self { visit: visit.into(), patient: patient.into() }
    }

    /// Whether these are the trial's visit and patient.
    pub fn check(&self, trial: &Trial) -> Result<()> {
        let columns = trial.column_names();
        let known = |own: &str, generic: &'static str| -> Vec<String> {
            if own == generic { vec![own.to_string()] } else { vec![own.to_string(), generic.to_string()] }
        };
        let visits = known(&columns.visit, "visit");
        if !visits.contains(&self.visit) {
            return Err(Error::unknown("visit left of the bar of a covariance structure", &self.visit, &visits));
        }
        let patients = known(&columns.patient, "patient");
        if patients.contains(&self.patient) {
            return Ok(());
        }
        if trial.variable(&self.patient).is_ok() {
            return Err(Error::conflict(
                format!("a covariance of the visits of `{}`", self.patient),
                "a covariance structure is that of a patient's visits",
                format!("write `{}` there, and (1 | {}) for what its patients share", patients[0], self.patient),
            ));
        }
        Err(Error::unknown("patient right of the bar of a covariance structure", &self.patient, &patients))
    }
}

impl Model {
    /// The model with the covariance that a formula states.
    pub(super) fn with_covariance_of_formula(mut self, formula: &str, within: WithinPatients) -> Result<Self> {
        let at = |error: Error| Error::Formula { formula: formula.into(), position: within.position, message: error.to_string() };
        let structure = Covariance::named(&within.structure).map_err(at)?;
        let generic = || WithinNames::default().visit;
        let (structure, visit) = match (structure.at_columns(&within.visit), &within.visit[..]) {
            // `time` is the schedule's, which is what spatial structures take unless stated otherwise.
            (Some(_), [only]) if *only == generic() || only == "time" => (structure, generic()),
            (Some(spatial), _) => (spatial, generic()),
            (None, [visit]) => (structure, visit.clone()),
            (None, _) => {
                let message = format!("`{structure}` takes the visit alone left of its bar; coordinates are for spatial structures");
                return Err(Error::Formula { formula: formula.into(), position: within.position, message });
            }
        };
        self.covariance = Some(structure);
        self.options.group = within.by;
        let names = WithinNames { visit, patient: within.patient };
        self.within = (names != WithinNames::default()).then_some(names);
        Ok(self)
    }

    /// The covariance within patients: the one stated; independent where random effects of the patients are; else
    /// unstructured.
    pub(super) fn covariance_for(&self, random: &[RandomTerm]) -> Covariance {
        let of_patients = random.iter().any(|term| term.of_patients);
        match &self.covariance {
            Some(stated) => stated.clone(),
            None if of_patients => Covariance::Independent,
            None => Covariance::Unstructured,
        }
    }

    /// The model with the covariance within patients stated that [`Model::covariance_for`] will take.
    pub(crate) fn with_default_covariance(self, trial: &Trial) -> Self {
        if self.covariance.is_some() {
            return self;
        }
        let patient = ["patient", trial.column_names().patient.as_str()];
        let of_patients = |effects: &RandomEffects| matches!(effects.factors(), [only] if patient.contains(&only.as_str()));
        let independent = self.options.random.iter().any(of_patients);
        self.covariance(if independent { Covariance::Independent } else { Covariance::Unstructured })
    }

    /// `structure(visit | patient)`, where one is stated or it differs by group.
    pub(super) fn within_text(&self) -> Option<String> {
        let structure = match (&self.covariance, &self.options.group) {
            (Some(stated), _) => stated.clone(),
            (None, None) => return None,
            (None, Some(_)) if self.options.random.iter().any(|r| r.factors() == ["patient"]) => Covariance::Independent,
            (None, Some(_)) => Covariance::Unstructured,
        };
        let names = self.within.clone().unwrap_or_default();
        let by = self.options.group.as_ref().map(|g| format!("{} / ", quoted(g))).unwrap_or_default();
        let name = structure.short_name().map_or_else(|| structure.to_string(), String::from);
        Some(format!("{}({} | {by}{})", quoted(&name), quoted(&names.visit), quoted(&names.patient)))
    }
}

/// Mean, random effects and covariance as one formula; what is estimated how is not in it.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mean)?;
        for effects in &self.options.random {
            write!(f, " + {effects}")?;
        }
        match self.within_text() {
            Some(text) => write!(f, " + {text}"),
            None => Ok(()),
        }
    }
}

/// The refusal of what does not have random effects.
pub(super) fn no_random_effects(what: &str, effects: &RandomEffects) -> Error {
    Error::not_built(
        format!("{what} with `{effects}`"),
        "random effects are those of a model of one response",
        "leave them out there, or fit each response with a Model of its own",
    )
}
