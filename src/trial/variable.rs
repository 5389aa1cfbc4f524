//! What is known of the patients beside arm and outcomes: covariates, clusters, observation weights.

use super::builder::duplicates;
use super::columns::CovariateKind;
use super::values::Values;
use crate::error::{Error, Message, Result, Setting, shown};
use crate::options::choices;
use crate::table::{agreeing, counted};

/// What a variable is used for.
///
/// The variables of a trial are covariates, clusters, weights and intercurrent events. Arm, visit, time and baseline are made of the
/// trial's other parts when a model names them.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It may explain the outcome.
    Covariate,
    /// It says which patients share something beyond their arm: a site, a therapist, a therapy group.
    Cluster,
    /// It says how much an observation counts: the residual variance is proportional to 1/weight.
    Weight,
    /// It says from which visit on a patient's values are after an intercurrent event.
    Event,
    /// The arm of randomization.
    Arm,
    /// The scheduled visit.
    Visit,
    /// The time of the visit in the schedule.
    Time,
    /// The outcome before treatment.
    Baseline,
}

choices! {
    Role, "role of a variable":
    Covariate = "covariate", [], "it may explain the outcome";
    Cluster = "cluster", [], "it says which patients share something beyond their arm";
    Weight = "weight", [], "it says how much an observation counts";
    Event = "event", [], "it says from which visit on values are after an intercurrent event";
    Arm = "arm", ["treatment"], "the arm of randomization";
    Visit = "visit", [], "the scheduled visit";
    Time = "time", [], "the time of the visit in the schedule";
    Baseline = "baseline", [], "the outcome before treatment";
}

/// Whether a variable is a number or one of several levels.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A number.
    Number,
    /// One of several levels.
    Factor,
}

choices! {
    Kind, "kind of a variable":
    Number = "number", ["numeric"], "a number";
    Factor = "factor", [], "one of several levels";
}

/// What a value of a variable belongs to.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A patient: age, site.
    Patient,
    /// A patient at a visit: the therapist of patients who change therapists.
    PatientVisit,
    /// A visit, being the same for all patients: its time.
    Visit,
}

choices! {
    Scope, "scope of a variable":
    Patient = "patient", [], "a value per patient";
    PatientVisit = "patient-visit", [], "a value per patient and visit";
    Visit = "visit", [], "a value per visit, the same for all patients";
}

/// A variable of a trial: its name, its role, and its values, which are numbers or levels, per patient or per patient
/// and visit.
///
/// ```
/// use trialstats::trial::{Role, Scope, Variable};
///
/// let age = Variable::number("age", vec![31.0, f64::NAN]).with_label("Age in years");
/// assert_eq!((age.label(), age.role(), age.numbers().map(|x| x[0])), ("Age in years", Role::Covariate, Some(31.0)));
/// let therapist = Variable::cluster_by_visit("therapist", ["Kim", "Lee"], vec![None, Some(0), None, Some(1)]);
/// assert_eq!((therapist.scope(), therapist.levels().len()), (Scope::PatientVisit, 2));
/// ```
#[derive(Debug, Clone)]
pub struct Variable {
    header: VariableHeader,
    values: Values,
}

/// A variable without its values.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariableHeader {
    pub name: String,
    pub label: String,
    pub role: Role,
    pub kind: Kind,
    pub scope: Scope,
    /// The levels of a factor in order, the reference first; none for a number.
    pub levels: Vec<String>,
}

impl Variable {
    /// A numeric covariate: one number per patient, NaN where missing.
    pub fn number(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self::of_numbers(&name.into(), Role::Covariate, Scope::Patient, values)
    }

    /// A numeric covariate that may change: one number per patient and scheduled visit, patient by patient, NaN where
    /// missing.
    pub fn number_by_visit(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self::of_numbers(&name.into(), Role::Covariate, Scope::PatientVisit, values)
    }

    /// A factor: its levels, the reference first, and each patient's position among them, `None` where missing.
    pub fn factor<S: Into<String>>(name: impl Into<String>, levels: impl IntoIterator<Item = S>, codes: Vec<Option<usize>>) -> Self {
        Self::of_codes(&name.into(), Role::Covariate, Scope::Patient, strings(levels), codes)
    }

    /// A factor that may change: its levels, the reference first, and a position among them per patient and scheduled
    /// visit, patient by patient, `None` where missing.
    pub fn factor_by_visit<S: Into<String>>(
        name: impl Into<String>,
        levels: impl IntoIterator<Item = S>,
        codes: Vec<Option<usize>>,
    ) -> Self {
        Self::of_codes(&name.into(), Role::Covariate, Scope::PatientVisit, strings(levels), codes)
    }

    /// Clusters in which patients stay: the clusters, and each patient's position among them, `None` for a patient in
    /// none.
    pub fn cluster<S: Into<String>>(name: impl Into<String>, levels: impl IntoIterator<Item = S>, codes: Vec<Option<usize>>) -> Self {
        Self::of_codes(&name.into(), Role::Cluster, Scope::Patient, strings(levels), codes)
    }

    /// Clusters that patients may change: the clusters, and a position among them per patient and scheduled visit,
    /// patient by patient, `None` where in none.
    pub fn cluster_by_visit<S: Into<String>>(
        name: impl Into<String>,
        levels: impl IntoIterator<Item = S>,
        codes: Vec<Option<usize>>,
    ) -> Self {
        Self::of_codes(&name.into(), Role::Cluster, Scope::PatientVisit, strings(levels), codes)
    }

    /// Observation weights: one positive number per patient and scheduled visit, patient by patient; NaN where there
    /// is no observation.
    pub fn weight(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self::of_numbers(&name.into(), Role::Weight, Scope::PatientVisit, values)
    }

    pub(crate) fn of_numbers(name: &str, role: Role, scope: Scope, values: Vec<f64>) -> Self {
        let header = VariableHeader::new(name, role, Kind::Number, scope, vec![]);
        Self { header, values: Values::of_numbers(scope, values) }
    }

    pub(crate) fn of_codes(name: &str, role: Role, scope: Scope, levels: Vec<String>, codes: Vec<Option<usize>>) -> Self {
        let header = VariableHeader::new(name, role, Kind::Factor, scope, levels);
        Self { header, values: Values::of_codes(scope, codes) }
    }

    /// The text for tables and figures; the name unless one is given.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.header.label = label.into();
        self
    }

    /// Name used in formulas.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Text for tables and figures.
    pub fn label(&self) -> &str {
        &self.header.label
    }

    /// What it is used for.
    pub fn role(&self) -> Role {
        self.header.role
    }

    /// Number or factor.
    pub fn kind(&self) -> Kind {
        self.header.kind
    }

    /// What a value belongs to.
    pub fn scope(&self) -> Scope {
        self.header.scope
    }

    /// The levels of a factor in order, the reference first; none for a number.
    pub fn levels(&self) -> &[String] {
        &self.header.levels
    }

    /// The values of a number, NaN where missing; `None` for a factor. There is one per patient, or one per patient and
    /// scheduled visit, patient by patient, as [`Variable::scope`] says.
    pub fn numbers(&self) -> Option<&[f64]> {
        self.values.numbers()
    }

    /// The values of a factor as positions among [`Variable::levels`], `None` where missing; `None` for a number. The
    /// order is that of [`Variable::numbers`].
    pub fn codes(&self) -> Option<&[Option<usize>]> {
        self.values.codes()
    }

    /// Whether it is a factor.
    pub fn is_factor(&self) -> bool {
        self.header.is_factor()
    }

    /// Whether it may differ between the visits of a patient in a way that is not the same for all patients.
    pub fn varies_by_visit(&self) -> bool {
        self.header.varies_by_visit()
    }

    pub(crate) fn header(&self) -> &VariableHeader {
        &self.header
    }

    /// Whether it is missing of a patient at one of `visits` visits.
    pub(crate) fn is_missing(&self, patient: usize, visit: usize, visits: usize) -> bool {
        self.values.is_missing(patient, visit, visits)
    }

    /// Whether nothing is missing of anyone.
    pub(crate) fn is_complete(&self) -> bool {
        self.values.are_complete()
    }

    /// The level of a factor, as a position among the levels; none for a number.
    pub(crate) fn level(&self, patient: usize, visit: usize, visits: usize) -> Option<usize> {
        self.values.level(patient, visit, visits)
    }

    /// The value of a number; NaN for a factor.
    pub(crate) fn value(&self, patient: usize, visit: usize, visits: usize) -> f64 {
        self.values.number(patient, visit, visits)
    }

    /// The numbers of `patients` patients at `visits` visits, patient by patient; `None` for a factor.
    pub(crate) fn numbers_by_visit(&self, patients: usize, visits: usize) -> Option<Vec<f64>> {
        (!self.is_factor()).then(|| (0..patients * visits).map(|row| self.value(row / visits, row % visits, visits)).collect())
    }

    /// The same variable under another name.
    pub(crate) fn called(mut self, name: &str) -> Self {
        self.header.name = name.into();
        self
    }

    /// The same variable in another role.
    pub(crate) fn in_role(mut self, role: Role) -> Self {
        self.header.role = role;
        self
    }

    /// The values at these of the `scheduled` visits.
    pub(crate) fn on_visits(&self, visits: &[usize], scheduled: usize) -> Self {
        Self { header: self.header.clone(), values: self.values.on_visits(visits, scheduled) }
    }

    /// The values at one of the `scheduled` visits, one per patient.
    pub(crate) fn at_visit(&self, visit: usize, scheduled: usize) -> Self {
        let mut at = self.on_visits(&[visit], scheduled);
        if at.varies_by_visit() {
            at.header.scope = Scope::Patient;
            at.values = at.values.of_one_visit();
        }
        at
    }

    /// The values of patients chosen by position, some perhaps more than once, in a trial of `visits` visits.
    pub(crate) fn of_patients(&self, patients: &[usize], visits: usize) -> Self {
        Self { header: self.header.clone(), values: self.values.of_patients(patients, visits) }
    }

    /// The values of successive patients, in a trial of `visits` visits.
    pub(super) fn piece(&self, patients: std::ops::Range<usize>, visits: usize) -> Self {
        Self { header: self.header.clone(), values: self.values.piece(patients, visits) }
    }

    /// The same variable by visit, each patient's value being repeated at every visit.
    pub(crate) fn by_visit(&self, visits: usize) -> Self {
        let mut changing = self.clone();
        if self.scope() == Scope::Patient {
            (changing.header.scope, changing.values) = (Scope::PatientVisit, self.values.repeated(visits));
        }
        changing
    }

    /// The variable as one per patient, from the visits at which it is known; `None` where a patient has several values.
    pub(crate) fn fixed_within_patients(&self, visits: usize) -> Option<Self> {
        match self.scope() {
            Scope::Patient => Some(self.clone()),
            Scope::PatientVisit => {
                let header = VariableHeader { scope: Scope::Patient, ..self.header.clone() };
                Some(Self { header, values: self.values.fixed(visits)? })
            }
            Scope::Visit => None,
        }
    }

    /// The same variable with nobody in a level at the visits up to `last`.
    pub(crate) fn blank_until(&self, last: usize, visits: usize) -> Self {
        let mut later = self.by_visit(visits);
        later.values.blank_until(last, visits);
        later
    }

    /// Codes a factor by `levels`; a level that is not among them becomes missing.
    pub(crate) fn recode(&mut self, levels: &[String]) {
        if self.is_factor() {
            self.values.recode(&positions(&self.header.levels, levels));
            self.header.levels = levels.to_vec();
        }
    }

    /// Leaves out the levels of a factor that are not used; their names are returned.
    pub(crate) fn keep_levels(&mut self, used: &[bool]) -> Vec<String> {
        if used.iter().all(|u| *u) {
            return vec![];
        }
        let renumbered: Vec<Option<usize>> = (0..used.len()).map(|l| used[l].then(|| used[..l].iter().filter(|u| **u).count())).collect();
        self.values.recode(&renumbered);
        let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut self.header.levels).into_iter().zip(used).partition(|(_, u)| **u);
        self.header.levels = kept.into_iter().map(|(level, _)| level).collect();
        dropped.into_iter().map(|(level, _)| level).collect()
    }

    /// The variable as `planned` has it: levels in its order, values at its visits, the i-th own visit being
    /// `visits[i]` of `scheduled`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is of another kind or scope, or has a level that is not planned.
    pub(crate) fn aligned(&self, planned: &VariableHeader, visits: &[usize], scheduled: usize, source: &str) -> Result<Self> {
        if (self.kind(), self.scope()) != (planned.kind, planned.scope) {
            return Err(Error::another_trial(
                format!("{} `{}` of {source}", planned.role, planned.name),
                format!("it is {} and not {}, as in the protocol", self.header.words(), planned.words()),
                Message::from("read the file with the protocol's variables: ").setting(Setting::PartOf),
            ));
        }
        let position = positions(self.levels(), &planned.levels);
        let stranger = self.codes().into_iter().flatten().flatten().find(|&&code| position[code].is_none());
        if let Some(&code) = stranger {
            return Err(Error::another_trial(
                format!("`{}` = {}", planned.name, self.levels()[code]),
                format!("it is not among the levels of the protocol, {}", planned.levels.join(", ")),
                "correct the value, or agree on a protocol with this level",
            ));
        }
        let mut values = self.values.placed(visits, scheduled);
        values.recode(&position);
        Ok(Self { header: planned.clone(), values })
    }

    /// What does not fit in a trial of so many patients and visits, in words.
    pub(super) fn misfits(&self, patients: usize, visits: usize) -> Vec<String> {
        let needs = match self.scope() {
            Scope::Patient => patients,
            Scope::PatientVisit => patients * visits,
            Scope::Visit => visits,
        };
        let mut found = vec![];
        if self.values.len() != needs {
            found.push(format!(
                "{} `{}` has {} where {needs} {} needed",
                self.role(),
                self.name(),
                counted(self.values.len(), "value"),
                agreeing(needs, "is", "are")
            ));
        }
        let levels = self.levels().len();
        if self.codes().into_iter().flatten().flatten().any(|&code| code >= levels) {
            found.push(format!("`{}` has a code beyond its {}", self.name(), counted(levels, "level")));
        }
        found
    }
}

impl VariableHeader {
    pub fn new(name: &str, role: Role, kind: Kind, scope: Scope, levels: Vec<String>) -> Self {
        Self { name: name.into(), label: name.into(), role, kind, scope, levels }
    }

    /// How a layout declares it.
    pub fn covariate_kind(&self) -> CovariateKind {
        match (self.kind, self.scope) {
            (Kind::Number, Scope::Patient) => CovariateKind::Numeric,
            (Kind::Number, _) => CovariateKind::NumericByVisit,
            (Kind::Factor, Scope::Patient) => CovariateKind::Factor,
            (Kind::Factor, _) => CovariateKind::FactorByVisit,
        }
    }

    pub fn is_factor(&self) -> bool {
        self.kind == Kind::Factor
    }

    /// Whether it may differ between the visits of a patient in a way that is not the same for all patients.
    pub fn varies_by_visit(&self) -> bool {
        self.scope == Scope::PatientVisit
    }

    /// The variable of nobody.
    pub fn without_patients(&self) -> Variable {
        let values = match self.kind {
            Kind::Number => Values::of_numbers(self.scope, vec![]),
            Kind::Factor => Values::of_codes(self.scope, vec![]),
        };
        Variable { header: self.clone(), values }
    }

    /// What in it no variable of a trial has.
    pub(super) fn misfit(&self) -> Option<String> {
        let name = shown(&self.name);
        let of_trial = matches!(self.role, Role::Covariate | Role::Cluster | Role::Weight) && self.scope != Scope::Visit;
        let levels = match self.kind {
            Kind::Number => self.levels.is_empty() && self.role != Role::Cluster,
            Kind::Factor => self.role != Role::Weight,
        };
        match duplicates("level", &self.levels).pop() {
            Some(why) => Some(format!("`{name}`: {why}")),
            None if !of_trial => Some(format!("`{name}` is a {} with {}, and no variable of a trial", self.role, self.words())),
            None if !levels => {
                Some(format!("`{name}` is a {} with {} and {}", self.role, self.words(), counted(self.levels.len(), "level")))
            }
            None => None,
        }
    }

    fn words(&self) -> String {
        let of = match self.scope {
            Scope::Patient => "per patient",
            Scope::PatientVisit => "per patient and visit",
            Scope::Visit => "per visit",
        };
        let what = if self.is_factor() { "a level" } else { "a number" };
        format!("{what} {of}")
    }
}

/// Where each of `own` is in `planned`.
fn positions(own: &[String], planned: &[String]) -> Vec<Option<usize>> {
    own.iter().map(|level| planned.iter().position(|p| p == level)).collect()
}

fn strings<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    /// Two patients at three visits.
    fn mood() -> Variable {
        Variable::factor_by_visit("mood", ["low", "mid", "high"], vec![Some(0), None, Some(2), Some(2), Some(2), None])
    }

    fn dose() -> Variable {
        Variable::number_by_visit("dose", vec![1.0, 2.0, NAN, 3.0, NAN, 3.0])
    }

    fn codes(v: &Variable) -> Vec<Option<usize>> {
        v.codes().unwrap().to_vec()
    }

    #[test]
    fn values_are_found_by_patient_and_visit() {
        assert_eq!((mood().level(1, 0, 3), mood().level(0, 1, 3), dose().level(0, 0, 3)), (Some(2), None, None));
        assert_eq!((dose().value(1, 2, 3), dose().is_missing(0, 2, 3), mood().is_missing(1, 2, 3)), (3.0, true, true));
        assert!(mood().value(0, 0, 3).is_nan());
        let age = Variable::number("age", vec![30.0, 40.0]);
        assert_eq!((age.value(1, 2, 3), age.numbers_by_visit(2, 2).unwrap()), (40.0, vec![30.0, 30.0, 40.0, 40.0]));
        let time = Variable::of_numbers("time", Role::Time, Scope::Visit, vec![0.0, 4.0, 8.0]);
        assert_eq!((time.value(1, 2, 3), time.varies_by_visit()), (8.0, false));
        assert!(mood().numbers_by_visit(2, 3).is_none());
    }

    #[test]
    fn visits_and_patients_are_chosen_in_any_order() {
        assert_eq!(codes(&mood().on_visits(&[2, 0], 3)), [Some(2), Some(0), None, Some(2)]);
        assert_eq!(codes(&mood().on_visits(&[0, 1, 2], 3)), codes(&mood()));
        assert_eq!(codes(&mood().of_patients(&[1, 1, 0], 3))[3..], [Some(2), Some(2), None, Some(0), None, Some(2)]);
        let first = dose().at_visit(0, 3);
        assert_eq!((first.scope(), first.numbers().unwrap()), (Scope::Patient, [1.0, 3.0].as_slice()));
        let site = Variable::cluster("site", ["s"], vec![Some(0), None]);
        assert_eq!(codes(&site.on_visits(&[1], 3)), codes(&site));
        assert_eq!(codes(&site.by_visit(2)), [Some(0), Some(0), None, None]);
        assert_eq!(codes(&mood().blank_until(1, 3)), [None, None, Some(2), None, None, None]);
        assert!(dose().blank_until(0, 3).is_missing(1, 0, 3));
    }

    #[test]
    fn a_variable_is_fixed_where_no_patient_has_two_values() {
        assert!(mood().fixed_within_patients(3).is_none() && dose().fixed_within_patients(3).is_none());
        let fixed = dose().of_patients(&[1], 3).fixed_within_patients(3).unwrap();
        assert_eq!((fixed.scope(), fixed.numbers().unwrap()), (Scope::Patient, [3.0].as_slice()));
        let nobody = Variable::factor_by_visit("x", ["l"], vec![None; 4]).fixed_within_patients(2).unwrap();
        assert_eq!(codes(&nobody), [None, None]);
    }

    #[test]
    fn levels_are_dropped_recoded_and_aligned() {
        let mut dropped = mood();
        assert_eq!(dropped.keep_levels(&[false, false, true]), ["low", "mid"]);
        assert_eq!(
            (dropped.levels(), codes(&dropped)),
            (["high".to_string()].as_slice(), vec![None, None, Some(0), Some(0), Some(0), None])
        );
        let mut whole = mood();
        assert!(whole.keep_levels(&[true; 3]).is_empty() && codes(&whole) == codes(&mood()));
        let mut recoded = mood();
        recoded.recode(&["high".into(), "none".into()]);
        assert_eq!((recoded.levels().len(), codes(&recoded)), (2, vec![None, None, Some(0), Some(0), Some(0), None]));

        let planned = VariableHeader::new("mood", Role::Covariate, Kind::Factor, Scope::PatientVisit, vec!["high".into(), "low".into()]);
        let aligned = mood().aligned(&planned, &[3, 0, 1], 4, "a file").unwrap();
        assert_eq!((aligned.levels().len(), codes(&aligned)[..4].to_vec()), (2, vec![None, Some(0), None, Some(1)]));
        let stranger = VariableHeader { levels: vec!["low".into()], ..planned.clone() };
        assert!(mood().aligned(&stranger, &[0, 1, 2], 3, "a file").unwrap_err().to_string().contains("`mood` = high"));
        let other = VariableHeader { scope: Scope::Patient, ..planned };
        let message = mood().aligned(&other, &[0, 1, 2], 3, "a file").unwrap_err().to_string();
        assert!(message.contains("it is a level per patient and visit and not a level per patient"), "{message}");
    }
}
