//! What is fixed of a trial before anybody sees its data: arms, visits, variables and their levels.

use super::{Cluster, ClusterByVisit, ColumnNames, Covariate, CovariateKind, CovariateValues, Layout, Outcome, Schedule, Trial, reading};
use crate::error::{Error, Result};
use std::borrow::Cow;

/// What is fixed of a trial before its data: what several files, or several hospitals, must agree on for their data
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
/// // One hospital's file, in which nobody was randomized to placebo and only one site occurs.
/// let file = "id,group,week,score,site\nA,drug,0,21,south\nA,drug,4,12,south\n";
/// let part = layout.part_of(&protocol).read_csv_from("one hospital", file.as_bytes())?;
/// assert_eq!(part.randomized(), [0, 1]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Protocol {
    columns: ColumnNames,
    arms: Vec<String>,
    schedule: Schedule,
    outcomes: Vec<Measurement>,
    covariates: Vec<Declared>,
    clusters: Vec<Declared>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    clusters_by_visit: Vec<Declared>,
}

/// An outcome without its values.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Measurement {
    name: String,
    label: String,
    range: Option<(f64, f64)>,
}

/// A covariate or cluster without its values.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Declared {
    name: String,
    kind: CovariateKind,
    /// None for a number.
    levels: Vec<String>,
}

impl Trial {
    /// What the trial fixes for further data of its kind: its arms, visits, outcomes, covariates with their levels,
    /// clusters. No patient is in it.
    pub fn protocol(&self) -> Protocol {
        let covariate = |c: &Covariate| {
            let (kind, levels) = match &c.values {
                CovariateValues::Numeric(_) => (CovariateKind::Numeric, vec![]),
                CovariateValues::NumericByVisit(_) => (CovariateKind::NumericByVisit, vec![]),
                CovariateValues::Factor { levels, .. } => (CovariateKind::Factor, levels.clone()),
                CovariateValues::FactorByVisit { levels, .. } => (CovariateKind::FactorByVisit, levels.clone()),
            };
            Declared { name: c.name.clone(), kind, levels }
        };
        let outcome = |o: &Outcome| Measurement { name: o.name.clone(), label: o.label.clone(), range: o.range };
        let cluster = |c: &Cluster| Declared { name: c.name.clone(), kind: CovariateKind::Factor, levels: c.levels.clone() };
        let cluster_by_visit =
            |c: &ClusterByVisit| Declared { name: c.name.clone(), kind: CovariateKind::FactorByVisit, levels: c.levels.clone() };
        Protocol {
            columns: self.columns.clone(),
            arms: self.arms.clone(),
            schedule: self.schedule.clone(),
            outcomes: self.outcomes.iter().map(outcome).collect(),
            covariates: self.covariates.iter().map(covariate).collect(),
            clusters: self.clusters.iter().map(cluster).collect(),
            clusters_by_visit: self.clusters_by_visit.iter().map(cluster_by_visit).collect(),
        }
    }
}

impl Protocol {
    pub(super) fn new(columns: ColumnNames, arms: Vec<String>, schedule: Schedule) -> Self {
        Self { columns, arms, schedule, outcomes: vec![], covariates: vec![], clusters: vec![], clusters_by_visit: vec![] }
    }

    pub(super) fn with_outcome(&mut self, name: &str, label: &str, range: Option<(f64, f64)>) {
        self.outcomes.push(Measurement { name: name.into(), label: label.into(), range });
    }

    pub(super) fn with_covariate(&mut self, name: &str, kind: CovariateKind, levels: &[String]) {
        self.covariates.push(Declared { name: name.into(), kind, levels: levels.to_vec() });
    }

    /// Arms, the reference first.
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// The planned visits.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The levels of a factor among covariates and clusters; `None` for a number or an unknown name.
    pub fn levels(&self, name: &str) -> Option<&[String]> {
        self.declared(name).filter(|d| is_factor(d.kind)).map(|d| d.levels.as_slice())
    }

    /// The covariates with their kinds.
    pub(super) fn covariates(&self) -> impl Iterator<Item = (&str, CovariateKind, &[String])> {
        self.covariates.iter().map(|d| (d.name.as_str(), d.kind, d.levels.as_slice()))
    }

    fn declared(&self, name: &str) -> Option<&Declared> {
        self.covariates.iter().chain(&self.clusters).chain(&self.clusters_by_visit).find(|d| d.name == name)
    }

    /// What it says of one outcome and of the variables called `names`.
    pub(crate) fn restricted(&self, outcome: &str, names: &[&str]) -> Protocol {
        let named = |d: &&Declared| names.contains(&d.name.as_str());
        Protocol {
            outcomes: self.outcomes.iter().filter(|o| o.name == outcome).cloned().collect(),
            covariates: self.covariates.iter().filter(named).cloned().collect(),
            clusters: self.clusters.iter().filter(named).cloned().collect(),
            clusters_by_visit: self.clusters_by_visit.iter().filter(named).cloned().collect(),
            ..self.clone()
        }
    }

    /// The trial of this protocol in which nobody has been randomized yet.
    pub(crate) fn without_patients(&self) -> Trial {
        let values = |d: &Declared| match d.kind {
            CovariateKind::Numeric | CovariateKind::Inferred | CovariateKind::AsFound => CovariateValues::Numeric(vec![]),
            CovariateKind::NumericByVisit => CovariateValues::NumericByVisit(vec![]),
            CovariateKind::Factor => CovariateValues::Factor { levels: d.levels.clone(), codes: vec![] },
            CovariateKind::FactorByVisit => CovariateValues::FactorByVisit { levels: d.levels.clone(), codes: vec![] },
        };
        let outcome = |o: &Measurement| Outcome { name: o.name.clone(), label: o.label.clone(), range: o.range, values: vec![] };
        Trial {
            source: "a protocol".into(),
            columns: self.columns.clone(),
            patients: vec![],
            arms: self.arms.clone(),
            arm_of: vec![],
            schedule: self.schedule.clone(),
            outcomes: self.outcomes.iter().map(outcome).collect(),
            diagnoses: vec![],
            covariates: self.covariates.iter().map(|d| Covariate { name: d.name.clone(), values: values(d) }).collect(),
            clusters: self.clusters.iter().map(|d| Cluster { name: d.name.clone(), levels: d.levels.clone(), codes: vec![] }).collect(),
            clusters_by_visit: self
                .clusters_by_visit
                .iter()
                .map(|d| ClusterByVisit { name: d.name.clone(), levels: d.levels.clone(), codes: vec![] })
                .collect(),
            inferred: vec![],
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
            && self.covariates.iter().all(|c| own.covariates.contains(c))
            && self.clusters.iter().all(|c| own.clusters.contains(c))
            && self.clusters_by_visit.iter().all(|c| own.clusters_by_visit.contains(c));
        if same {
            return Ok(Cow::Borrowed(part));
        }
        let arm_of = recoded("arm", &part.arms, &self.arms, &part.arm_of)?;
        let visits = self.visits_of(part)?;
        let width = self.schedule.len();
        let n = part.patients.len();
        let placed = |row: &dyn Fn(usize) -> f64| {
            let mut values = vec![f64::NAN; n * width];
            for (cell, value) in (0..n * visits.len()).map(|cell| (cell, row(cell))) {
                values[cell / visits.len() * width + visits[cell % visits.len()]] = value;
            }
            values
        };
        let placed_codes = |own: Vec<Option<usize>>| {
            let mut codes = vec![None; n * width];
            own.iter().enumerate().for_each(|(cell, c)| codes[cell / visits.len() * width + visits[cell % visits.len()]] = *c);
            codes
        };
        let mut outcomes = vec![];
        for o in &self.outcomes {
            let own = part.outcome(&o.name)?;
            outcomes.push(Outcome {
                values: placed(&|cell| own.values[cell]),
                range: o.range,
                name: o.name.clone(),
                label: o.label.clone(),
            });
        }
        let mut covariates = vec![];
        for declared in &self.covariates {
            let known: Vec<&str> = part.covariates.iter().map(|c| c.name.as_str()).collect();
            let own = part.covariate(&declared.name).ok_or_else(|| Error::unknown("covariate", &declared.name, &known))?;
            let values = match (&own.values, declared.kind) {
                (CovariateValues::Numeric(v), CovariateKind::Numeric) => CovariateValues::Numeric(v.clone()),
                (CovariateValues::NumericByVisit(v), CovariateKind::NumericByVisit) => {
                    CovariateValues::NumericByVisit(placed(&|cell| v[cell]))
                }
                (CovariateValues::Factor { levels, codes }, CovariateKind::Factor) => CovariateValues::Factor {
                    codes: recoded_some(&declared.name, levels, &declared.levels, codes)?,
                    levels: declared.levels.clone(),
                },
                (CovariateValues::FactorByVisit { levels, codes }, CovariateKind::FactorByVisit) => {
                    let codes = placed_codes(recoded_some(&declared.name, levels, &declared.levels, codes)?);
                    CovariateValues::FactorByVisit { levels: declared.levels.clone(), codes }
                }
                _ => return Err(other_kind(part, declared)),
            };
            covariates.push(Covariate { name: declared.name.clone(), values });
        }
        let mut clusters = vec![];
        for declared in &self.clusters {
            let known: Vec<&str> = part.clusters.iter().map(|c| c.name.as_str()).collect();
            let own = part.cluster(&declared.name).ok_or_else(|| Error::unknown("cluster", &declared.name, &known))?;
            let codes = recoded_some(&declared.name, &own.levels, &declared.levels, &own.codes)?;
            clusters.push(Cluster { name: declared.name.clone(), levels: declared.levels.clone(), codes });
        }
        let mut clusters_by_visit = vec![];
        for declared in &self.clusters_by_visit {
            let known: Vec<&str> = part.clusters_by_visit.iter().map(|c| c.name.as_str()).collect();
            let own = part.cluster_by_visit(&declared.name).ok_or_else(|| Error::unknown("cluster by visit", &declared.name, &known))?;
            let codes = placed_codes(recoded_some(&declared.name, &own.levels, &declared.levels, &own.codes)?);
            clusters_by_visit.push(ClusterByVisit { name: declared.name.clone(), levels: declared.levels.clone(), codes });
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
            covariates,
            clusters,
            clusters_by_visit,
            inferred: part.inferred.clone(),
        }))
    }

    /// The planned position of each visit of a part.
    fn visits_of(&self, part: &Trial) -> Result<Vec<usize>> {
        let position = |visit: &super::Visit| {
            let at = self.schedule.index_of(&visit.label)?;
            match (visit.time, self.schedule.visits()[at].time) {
                (Some(own), Some(planned)) if own != planned => Err(Error::invalid(
                    format!("visit `{}` of {}", visit.label, part.source),
                    format!("it is at time {own}, and at {planned} in the protocol"),
                    "correct the times, or read the file with the protocol's visits (Layout::part_of)",
                )),
                _ => Ok(at),
            }
        };
        let labels = |schedule: &Schedule| schedule.baseline().map(|b| schedule.labels()[b].to_string());
        match (labels(&part.schedule), labels(&self.schedule)) {
            (Some(own), Some(planned)) if own != planned => Err(Error::invalid(
                format!("the baseline visit `{own}` of {}", part.source),
                format!("it is `{planned}` in the protocol"),
                "declare it, or read the file with the protocol's visits (Layout::part_of)",
            )),
            _ => part.schedule.visits().iter().map(position).collect(),
        }
    }
}

fn is_factor(kind: CovariateKind) -> bool {
    matches!(kind, CovariateKind::Factor | CovariateKind::FactorByVisit)
}

fn other_kind(part: &Trial, declared: &Declared) -> Error {
    Error::invalid(
        format!("covariate `{}` of {}", declared.name, part.source),
        format!("it is not {}, as in the protocol", words(declared.kind)),
        "read the file with the protocol's variables (Layout::part_of)",
    )
}

fn words(kind: CovariateKind) -> &'static str {
    match kind {
        CovariateKind::Numeric => "a number a patient",
        CovariateKind::NumericByVisit => "a number a patient and visit",
        CovariateKind::Factor => "a level a patient",
        CovariateKind::FactorByVisit => "a level a patient and visit",
        CovariateKind::Inferred | CovariateKind::AsFound => "of a declared kind",
    }
}

/// Codes for `own` levels as codes for `planned` ones; a level that nobody has need not be planned.
fn recoded(what: &'static str, own: &[String], planned: &[String], codes: &[usize]) -> Result<Vec<usize>> {
    let position: Vec<Option<usize>> = own.iter().map(|level| planned.iter().position(|p| p == level)).collect();
    codes.iter().map(|&c| position[c].ok_or_else(|| Error::unknown(what, &own[c], planned))).collect()
}

fn recoded_some(name: &str, own: &[String], planned: &[String], codes: &[Option<usize>]) -> Result<Vec<Option<usize>>> {
    let position: Vec<Option<usize>> = own.iter().map(|level| planned.iter().position(|p| p == level)).collect();
    let stranger = |c: usize| {
        Error::invalid(
            format!("`{name}` = {}", own[c]),
            format!("it is not among the levels of the protocol, {}", planned.join(", ")),
            "correct the value, or agree on a protocol with this level",
        )
    };
    codes.iter().map(|c| c.map(|c| position[c].ok_or_else(|| stranger(c))).transpose()).collect()
}

impl Layout {
    /// What the layout declares, where it declares everything: arms, visits, the kind of every covariate and the
    /// levels of every factor.
    ///
    /// # Errors
    /// [`Error::Invalid`] names what is left to be inferred from the data, and how to declare it. Instruments and
    /// clusters have to come from a trial ([`Trial::protocol`]).
    pub fn protocol(&self) -> Result<Protocol> {
        let missing =
            |what: &str, remedy: &str| Err(Error::invalid(format!("the protocol of the layout: {what}"), "it is left to the data", remedy));
        let arms = match (&self.arm, self.arms.is_empty()) {
            (None, _) => vec!["all".to_string()],
            (Some(_), false) => self.arms_in_order(),
            (Some(_), true) => return missing("the arms", "declare them with `arms`"),
        };
        if let Some(cluster) = self.clusters.iter().chain(self.clusters_by_visit.iter().map(|(name, _)| name)).next() {
            return missing(&format!("the levels of `{cluster}`"), "make the protocol from a trial that has all of them (Trial::protocol)");
        }
        let Some(schedule) = reading::declared_schedule(self)? else {
            return missing("the visits", "declare them with `visits` or `visits_at`");
        };
        let mut protocol = Protocol::new(self.column_names(), arms, schedule);
        for instrument in &self.instruments {
            for score in instrument.instrument.scores() {
                protocol.with_outcome(&score.name, &score.label, Some(score.range));
            }
        }
        self.outcomes.iter().for_each(|o| protocol.with_outcome(&o.name, &o.label, o.range));
        for covariate in &self.covariates {
            let levels = self.levels.iter().find(|(name, _)| *name == covariate.name).map(|(_, levels)| levels.as_slice());
            match (covariate.kind, levels) {
                (CovariateKind::Numeric | CovariateKind::NumericByVisit, _) => {
                    protocol.with_covariate(&covariate.name, covariate.kind, &[])
                }
                (CovariateKind::Factor | CovariateKind::FactorByVisit, Some(levels)) => {
                    protocol.with_covariate(&covariate.name, covariate.kind, levels);
                }
                (CovariateKind::Inferred, Some(levels)) => protocol.with_covariate(&covariate.name, CovariateKind::Factor, levels),
                (CovariateKind::Factor | CovariateKind::FactorByVisit, None) => {
                    return missing(&format!("the levels of `{}`", covariate.name), "declare them with `factor` or `levels`");
                }
                _ => return missing(&format!("the kind of `{}`", covariate.name), "declare it with `covariate_as` or `factor`"),
            }
        }
        Ok(protocol)
    }

    /// A layout that reads part of a trial, such as one hospital's file: arms, visits and levels are those of
    /// `protocol`, whether they occur in the part or not, and what else occurs is a problem.
    pub fn part_of(mut self, protocol: &Protocol) -> Self {
        if self.arm.is_some() {
            self.arms = protocol.arms.clone();
            self.reference_arm = None;
        }
        self.visits = protocol.schedule.visits().to_vec();
        self.baseline = protocol.schedule.baseline().map(|b| protocol.schedule.labels()[b].to_string());
        self.part = true;
        for (name, kind, levels) in protocol.covariates() {
            self.covariates.iter_mut().filter(|c| c.name == name).for_each(|c| c.kind = kind);
            self.levels.retain(|(own, _)| own != name);
            if is_factor(kind) && self.covariates.iter().any(|c| c.name == name) {
                self.levels.push((name.into(), levels.to_vec()));
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
