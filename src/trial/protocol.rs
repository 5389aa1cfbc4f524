//! What is fixed of a trial before anybody sees its data: arms, visits, variables and their levels.

use super::builder::duplicates;
use super::columns::Columns;
use super::values::placed;
use super::{
    ColumnNames, CovariateKind, Identifiers, Kind, Layout, Outcome, Role, Schedule, Scope, Trial, Variable, VariableHeader, reading,
};
use crate::error::{Error, Message, Result, Setting, shown};
use crate::options::Choices;
use std::borrow::Cow;

/// What is fixed of a trial before its data: what several files, or several sites, must agree on for their data
/// to be one trial.
///
/// It comes from a [`Layout`] that declares everything ([`Layout::protocol`]) or from a trial that has everything
/// ([`Trial::protocol`]), and holds no patient.
///
/// ```
/// use trialstats::Layout;
///
/// let layout = Layout::long("id", "group", "week")
///     .arms(["placebo", "drug"])
///     .visits_at([("0", 0.0), ("4", 4.0)])
///     .baseline_visit("0")
///     .outcome("score")
///     .factor("site", ["north", "south"]);
/// let protocol = layout.protocol()?;
/// assert_eq!(protocol.arms(), ["placebo", "drug"]);
/// // One site's file, in which nobody was randomized to placebo and only one site occurs.
/// let file = "id,group,week,score,site\nA,drug,0,21,south\nA,drug,4,12,south\n";
/// let part = layout.part_of(&protocol).read_csv_from("one site", file.as_bytes())?;
/// assert_eq!(part.randomized(), [0, 1]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written")]
pub struct Protocol {
    columns: ColumnNames,
    arms: Vec<String>,
    schedule: Schedule,
    outcomes: Vec<Measurement>,
    variables: Vec<VariableHeader>,
}

/// A protocol as a file has it, before anybody has looked whether it is one of a trial.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    columns: ColumnNames,
    arms: Vec<String>,
    schedule: Schedule,
    outcomes: Vec<Measurement>,
    variables: Vec<VariableHeader>,
}

/// An outcome without its values.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Measurement {
    name: String,
    label: String,
    range: Option<(f64, f64)>,
}

impl Trial {
    /// What the trial fixes for further data of its kind: its arms, visits, outcomes, and variables with their levels.
    /// No patient is in it.
    pub fn protocol(&self) -> Protocol {
        let outcome = |o: &Outcome| Measurement { name: o.name.clone(), label: o.label.clone(), range: o.range };
        Protocol {
            // What else a file has is no part of a plan for others.
            columns: ColumnNames { unread: vec![], ..self.columns.clone() },
            arms: self.arms.clone(),
            schedule: self.schedule.clone(),
            outcomes: self.outcomes.iter().map(outcome).collect(),
            variables: self.variables.iter().map(|v| v.header().clone()).collect(),
        }
    }
}

impl Protocol {
    pub(super) fn new(columns: ColumnNames, arms: Vec<String>, schedule: Schedule) -> Self {
        Self { columns, arms, schedule, outcomes: vec![], variables: vec![] }
    }

    pub(super) fn with_outcome(&mut self, name: &str, label: &str, range: Option<(f64, f64)>) {
        self.outcomes.push(Measurement { name: name.into(), label: label.into(), range });
    }

    /// Arms, the reference first.
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// The planned visits.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The levels of a factor; `None` for a number or an unknown name.
    pub fn levels(&self, name: &str) -> Option<&[String]> {
        self.variables.iter().find(|v| v.name == name && v.is_factor()).map(|v| v.levels.as_slice())
    }

    /// What it says of one outcome and of the variables called `names`.
    pub(crate) fn restricted(&self, outcome: &str, names: &[&str]) -> Protocol {
        let named = |v: &&VariableHeader| names.contains(&v.name.as_str());
        Protocol {
            outcomes: self.outcomes.iter().filter(|o| o.name == outcome).cloned().collect(),
            variables: self.variables.iter().filter(named).cloned().collect(),
            ..self.clone()
        }
    }

    /// The trial of this protocol in which nobody has been randomized yet.
    pub(crate) fn without_patients(&self) -> Trial {
        let outcome = |o: &Measurement| Outcome { name: o.name.clone(), label: o.label.clone(), range: o.range, values: vec![] };
        Trial {
            source: "a protocol".into(),
            columns: self.columns.clone(),
            patients: Identifiers::default(),
            arms: self.arms.clone(),
            arm_of: vec![],
            schedule: self.schedule.clone(),
            outcomes: self.outcomes.iter().map(outcome).collect(),
            diagnoses: vec![],
            variables: self.variables.iter().map(VariableHeader::without_patients).collect(),
            inferred: vec![],
            warnings: vec![],
            left_out: vec![],
            file: None,
        }
    }

    /// `part` with arms, visits and levels numbered as here; what this protocol does not name is left out.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an arm, visit or level that is not planned, and for an outcome or variable that the
    /// part lacks; [`Error::Invalid`] where a variable is of another kind or a visit at another time.
    pub(crate) fn align<'t>(&self, part: &'t Trial) -> Result<Cow<'t, Trial>> {
        let own = part.protocol();
        let same = (&self.columns, &self.arms, &self.schedule) == (&own.columns, &own.arms, &own.schedule)
            && self.outcomes.iter().all(|o| own.outcomes.contains(o))
            && self.variables.iter().all(|v| own.variables.contains(v));
        if same {
            return Ok(Cow::Borrowed(part));
        }
        let arm_of = recoded("arm", &part.arms, &self.arms, &part.arm_of)?;
        let visits = self.visits_of(part)?;
        let width = self.schedule.len();
        let mut outcomes = vec![];
        for o in &self.outcomes {
            let values = placed(&part.outcome(&o.name)?.values, &visits, width, f64::NAN);
            outcomes.push(Outcome { values, range: o.range, name: o.name.clone(), label: o.label.clone() });
        }
        let mut variables = vec![];
        for planned in &self.variables {
            let known = || part.in_role(planned.role).map(Variable::name).collect::<Vec<_>>();
            let own = part.in_role(planned.role).find(|v| v.name() == planned.name);
            let own = own.ok_or_else(|| Error::unknown(planned.role.name(), &planned.name, &known()))?;
            variables.push(own.aligned(planned, &visits, width, &part.source)?);
        }
        Ok(Cow::Owned(Trial {
            source: part.source.clone(),
            columns: self.columns.clone(),
            patients: part.patients.clone(),
            arms: self.arms.clone(),
            arm_of,
            schedule: self.schedule.clone(),
            outcomes,
            diagnoses: vec![],
            variables,
            inferred: part.inferred.clone(),
            warnings: part.warnings.clone(),
            left_out: part.left_out.clone(),
            file: part.file.clone(),
        }))
    }

    /// The planned position of each visit of a part.
    fn visits_of(&self, part: &Trial) -> Result<Vec<usize>> {
        let position = |visit: &super::Visit| {
            let at = self.schedule.index_of(&visit.label)?;
            match (visit.time, self.schedule.visits()[at].time) {
                (Some(own), Some(planned)) if own != planned => Err(Error::another_trial(
                    format!("visit `{}` of {}", visit.label, part.source),
                    format!("it is at time {own}, and at {planned} in the protocol"),
                    Message::from("correct the times, or read the file with the protocol's visits: ").setting(Setting::PartOf),
                )),
                _ => Ok(at),
            }
        };
        let labels = |schedule: &Schedule| schedule.baseline().map(|b| schedule.labels()[b].to_string());
        match (labels(&part.schedule), labels(&self.schedule)) {
            (Some(own), Some(planned)) if own != planned => Err(Error::another_trial(
                format!("the baseline visit `{own}` of {}", part.source),
                format!("it is `{planned}` in the protocol"),
                Message::from("declare it, or read the file with the protocol's visits: ").setting(Setting::PartOf),
            )),
            _ => part.schedule.visits().iter().map(position).collect(),
        }
    }
}

impl TryFrom<Written> for Protocol {
    type Error = Error;

    fn try_from(Written { columns, arms, schedule, outcomes, variables }: Written) -> Result<Self> {
        let protocol = Self { columns, arms, schedule, outcomes, variables };
        match protocol.misfits().into_iter().next() {
            None => Ok(protocol),
            Some(why) => Err(Error::damaged("a protocol", why, "correct it, or make it again from the layout or the trial")),
        }
    }
}

impl Protocol {
    /// What in it no trial has, a clause each.
    fn misfits(&self) -> Vec<String> {
        let mut found = duplicates("arm", &self.arms);
        found.extend(duplicates("visit", &self.schedule.labels()));
        found.extend(duplicates("outcome", &self.outcomes.iter().map(|o| &o.name).collect::<Vec<_>>()));
        for role in [Role::Covariate, Role::Weight, Role::Cluster] {
            let names: Vec<&str> = self.variables.iter().filter(|v| v.role == role).map(|v| v.name.as_str()).collect();
            found.extend(duplicates(role.name(), &names));
        }
        if self.arms.is_empty() || self.schedule.is_empty() {
            found.push("it has no arm or no visit".into());
        }
        let blank = |name: &&String| name.trim().is_empty();
        let own = [&self.columns.patient, &self.columns.arm, &self.columns.visit];
        let labels = self.schedule.visits().iter().map(|visit| &visit.label);
        let names = self.outcomes.iter().map(|o| &o.name).chain(self.variables.iter().flat_map(|v| v.levels.iter().chain([&v.name])));
        if own.into_iter().chain(&self.arms).chain(labels).chain(names).any(|name| blank(&name)) {
            found.push("an arm, visit, level, column or variable has no name".into());
        }
        if self.schedule.baseline().is_some_and(|baseline| baseline >= self.schedule.len()) {
            found.push("the baseline is a visit beyond the last".into());
        }
        if self.schedule.visits().iter().any(|visit| visit.time.is_some_and(|time| !time.is_finite())) {
            found.push("a visit has no finite time".into());
        }
        let impossible = |o: &&Measurement| o.range.is_some_and(|(low, high)| !(low <= high && low.is_finite() && high.is_finite()));
        found.extend(self.outcomes.iter().filter(impossible).map(|o| format!("the range of `{}` is none", shown(&o.name))));
        found.extend(self.variables.iter().filter_map(VariableHeader::misfit));
        found
    }
}

/// Codes for `own` levels as codes for `planned` ones; a level that nobody has need not be planned.
fn recoded(what: &'static str, own: &[String], planned: &[String], codes: &[usize]) -> Result<Vec<usize>> {
    let position: Vec<Option<usize>> = own.iter().map(|level| planned.iter().position(|p| p == level)).collect();
    codes.iter().map(|&c| position[c].ok_or_else(|| Error::unknown(what, &own[c], planned))).collect()
}

impl Layout {
    /// What the layout declares, where it declares everything: arms, visits, the kind of every covariate and the
    /// levels of every factor.
    ///
    /// # Errors
    /// [`Error::Invalid`] names what is left to be inferred from the data, and how to declare it. Instruments and
    /// clusters have to come from a trial ([`Trial::protocol`]).
    pub fn protocol(&self) -> Result<Protocol> {
        self.ready()?.declared_protocol()
    }

    fn declared_protocol(&self) -> Result<Protocol> {
        let missing = |what: &str, remedy: Message| {
            Err(Error::incomplete(format!("the protocol of the layout: {what}"), "it is left to the data", remedy))
        };
        let arms = match (&self.arm, self.arms.is_empty()) {
            (None, _) => vec!["all".to_string()],
            (Some(_), false) => self.arms_in_order(),
            (Some(_), true) => return missing("the arms", Message::from("declare them with ").setting(Setting::Arms)),
        };
        if let Some(cluster) = self.clusters.iter().chain(self.clusters_by_visit.iter().map(|(name, _)| name)).next() {
            return missing(
                &format!("the levels of `{cluster}`"),
                Message::from("make the protocol from a trial that has all of them: ").setting(Setting::TrialProtocol),
            );
        }
        let Some(schedule) = reading::declared_schedule(self)? else {
            return missing("the visits", Message::from("declare them with ").setting(Setting::Visits));
        };
        let mut protocol = Protocol::new(self.column_names(), arms, schedule);
        for instrument in self.instruments() {
            for score in instrument.instrument.scores() {
                protocol.with_outcome(&score.name, &score.label, Some(score.range));
            }
        }
        self.outcomes.iter().for_each(|o| protocol.with_outcome(&o.name, &o.label, o.range));
        for covariate in &self.covariates {
            let levels = self.levels.iter().find(|(name, _)| *name == covariate.name).map(|(_, levels)| levels.clone());
            let kind = match (covariate.kind, &levels) {
                (CovariateKind::Numeric | CovariateKind::NumericByVisit, _) => Kind::Number,
                (CovariateKind::Factor | CovariateKind::FactorByVisit | CovariateKind::Inferred, Some(_)) => Kind::Factor,
                (CovariateKind::Factor | CovariateKind::FactorByVisit, None) => {
                    return missing(
                        &format!("the levels of `{}`", covariate.name),
                        Message::from("declare them with ").setting(Setting::Levels),
                    );
                }
                _ => {
                    return missing(
                        &format!("the kind of `{}`", covariate.name),
                        Message::from("declare it with ").setting(Setting::CovariateKind),
                    );
                }
            };
            let changes = matches!(covariate.kind, CovariateKind::NumericByVisit | CovariateKind::FactorByVisit);
            let scope = if changes || matches!(covariate.columns, Columns::PerVisit(_)) { Scope::PatientVisit } else { Scope::Patient };
            let role = if self.weights.contains(&covariate.name) { Role::Weight } else { Role::Covariate };
            let levels = levels.filter(|_| kind == Kind::Factor).unwrap_or_default();
            protocol.variables.push(VariableHeader::new(&covariate.name, role, kind, scope, levels));
        }
        Ok(protocol)
    }

    /// A layout that reads part of a trial, such as one site's file: arms, visits and levels are those of
    /// `protocol`, whether they occur in the part or not, and what else occurs is a problem.
    pub fn part_of(mut self, protocol: &Protocol) -> Self {
        if self.arm.is_some() {
            self.arms = protocol.arms.clone();
            self.reference_arm = None;
        }
        self.visits = protocol.schedule.visits().to_vec();
        self.baseline = protocol.schedule.baseline().map(|b| protocol.schedule.labels()[b].to_string());
        self.part = true;
        for planned in protocol.variables.iter().filter(|v| v.role != Role::Cluster) {
            let kind = planned.covariate_kind();
            self.covariates.iter_mut().filter(|c| c.name == planned.name).for_each(|c| c.kind = kind);
            self.levels.retain(|(own, _)| *own != planned.name);
            if planned.is_factor() && self.covariates.iter().any(|c| c.name == planned.name) {
                self.levels.push((planned.name.clone(), planned.levels.clone()));
            }
        }
        self
    }

    fn arms_in_order(&self) -> Vec<String> {
        let mut arms = self.arms.clone();
        if let Some(at) = self.reference_arm.as_ref().and_then(|reference| arms.iter().position(|a| a == reference)) {
            arms[..=at].rotate_right(1);
        }
        arms
    }
}
