//! The variables of a mean model, looked up in a trial.

use super::{Baseline, MeanModel};
use crate::error::{Error, Result};
use crate::trial::{ClusterByVisit, CovariateValues, Outcome, Trial};

/// A variable of the mean model with its values on the analysed visits.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Its name in the formula.
    pub name: String,
    pub role: Role,
    /// The levels of a factor that have analysed observations, the reference first; none for a number.
    pub levels: Vec<String>,
    pub values: Values,
}

/// What a variable is to the trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Role {
    Arm,
    Visit,
    Time,
    Baseline,
    Covariate,
    Cluster,
}

/// The values of a variable: by patient of the trial, by analysed visit, or both (patient by patient).
#[derive(Debug, Clone)]
pub(crate) enum Values {
    /// The level is the analysed visit itself.
    Visit,
    /// A number a visit.
    Time(Vec<f64>),
    /// A number a patient, NaN where missing.
    Number(Vec<f64>),
    /// A level a patient.
    Factor(Vec<Option<usize>>),
    /// A number a patient and visit, NaN where missing.
    NumberByVisit(Vec<f64>),
    /// A level a patient and visit.
    FactorByVisit(Vec<Option<usize>>),
}

impl Variable {
    pub fn is_factor(&self) -> bool {
        matches!(self.values, Values::Visit | Values::Factor(_) | Values::FactorByVisit(_))
    }

    /// Whether it can differ between the visits of a patient in a way that is not the same for all patients.
    pub fn varies_by_visit(&self) -> bool {
        matches!(self.values, Values::NumberByVisit(_) | Values::FactorByVisit(_))
    }

    pub fn is_missing(&self, patient: usize, visit: usize, visits: usize) -> bool {
        self.values.is_missing(patient, visit, visits)
    }

    /// The level of a factor in a row, as an index into `levels`.
    pub fn level(&self, patient: usize, visit: usize, visits: usize) -> Option<usize> {
        self.values.level(patient, visit, visits)
    }

    /// The number of a numeric variable in a row.
    pub fn number(&self, patient: usize, visit: usize, visits: usize) -> f64 {
        self.values.number(patient, visit, visits)
    }

    /// The visits as a factor that may lose levels.
    pub fn with_visits_as_codes(self, patients: usize) -> Self {
        match self.values {
            Values::Visit => {
                let codes = (0..patients).flat_map(|_| (0..self.levels.len()).map(Some)).collect();
                Self { values: Values::FactorByVisit(codes), ..self }
            }
            _ => self,
        }
    }

    /// Leaves out the levels of a factor that are not used; their names are returned.
    pub fn keep_levels(&mut self, used: &[bool]) -> Vec<String> {
        if used.iter().all(|u| *u) {
            return vec![];
        }
        let renumbered: Vec<usize> = (0..used.len()).map(|l| used[..l].iter().filter(|u| **u).count()).collect();
        let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut self.levels).into_iter().zip(used).partition(|(_, u)| **u);
        self.levels = kept.into_iter().map(|(level, _)| level).collect();
        if let Values::Factor(codes) | Values::FactorByVisit(codes) = &mut self.values {
            codes.iter_mut().for_each(|c| *c = c.filter(|&l| used[l]).map(|l| renumbered[l]));
        }
        dropped.into_iter().map(|(level, _)| level).collect()
    }
}

impl Values {
    pub fn is_missing(&self, patient: usize, visit: usize, visits: usize) -> bool {
        match self {
            Values::Visit | Values::Time(_) => false,
            Values::Number(v) => v[patient].is_nan(),
            Values::Factor(codes) => codes[patient].is_none(),
            Values::NumberByVisit(v) => v[patient * visits + visit].is_nan(),
            Values::FactorByVisit(codes) => codes[patient * visits + visit].is_none(),
        }
    }

    /// The level of a factor in a row, as an index into `levels`.
    pub fn level(&self, patient: usize, visit: usize, visits: usize) -> Option<usize> {
        match self {
            Values::Visit => Some(visit),
            Values::Factor(codes) => codes[patient],
            Values::FactorByVisit(codes) => codes[patient * visits + visit],
            _ => None,
        }
    }

    /// The number of a numeric variable in a row.
    pub fn number(&self, patient: usize, visit: usize, visits: usize) -> f64 {
        match self {
            Values::Time(times) => times[visit],
            Values::Number(v) => v[patient],
            Values::NumberByVisit(v) => v[patient * visits + visit],
            _ => f64::NAN,
        }
    }
}

/// Looks up the variables of `model` on `visits` (positions in the schedule).
pub(super) fn resolve(trial: &Trial, model: &MeanModel, outcome: &Outcome, visits: &[usize]) -> Result<Vec<Variable>> {
    let mut found: Vec<Variable> = vec![];
    for name in &model.variables {
        let variable = lookup(trial, model.baseline, outcome, visits, name)?;
        let twin = found.iter().find(|v| v.role == variable.role && matches!(v.role, Role::Arm | Role::Visit));
        if let Some(twin) = twin {
            return Err(Error::invalid(
                format!("`{}` and `{name}` in one formula", twin.name),
                "they are two names of the same variable",
                "use one of them throughout",
            ));
        }
        found.push(variable);
    }
    Ok(found)
}

/// The variable called `name`.
pub(super) fn lookup(trial: &Trial, baseline: Baseline, outcome: &Outcome, visits: &[usize], name: &str) -> Result<Variable> {
    let columns = trial.column_names();
    let variable = |role, levels, values| Variable { name: name.to_string(), role, levels, values };
    if name == columns.arm || (name == "arm" && trial.covariate(name).is_none()) {
        return Ok(arm(trial, name));
    }
    if name == columns.visit || (name == "visit" && trial.covariate(name).is_none()) {
        let labels = trial.schedule().labels();
        return Ok(variable(Role::Visit, visits.iter().map(|&t| labels[t].to_string()).collect(), Values::Visit));
    }
    if let Some(covariate) = trial.covariate(name) {
        let (levels, values) = restricted(&covariate.values, visits, trial.schedule().len());
        let role = if name == "baseline" && baseline == Baseline::Covariate { Role::Baseline } else { Role::Covariate };
        return Ok(variable(role, levels, values));
    }
    if name == "baseline" {
        return Ok(variable(Role::Baseline, vec![], Values::Number(baseline_values(trial, outcome)?)));
    }
    if name == "time" {
        return Ok(variable(Role::Time, vec![], Values::Time(times(trial, visits)?)));
    }
    cluster(trial, name, visits).ok_or_else(|| unknown(trial, name))
}

/// The levels of a cluster factor called `name`, and which each patient has at each of `visits`.
pub(super) fn cluster(trial: &Trial, name: &str, visits: &[usize]) -> Option<Variable> {
    let (levels, values) = match (trial.cluster(name), trial.cluster_by_visit(name)) {
        (Some(cluster), _) => (&cluster.levels, Values::Factor(cluster.codes.clone())),
        (None, Some(cluster)) => (&cluster.levels, cluster_on_visits(trial, cluster, visits)),
        (None, None) => return None,
    };
    Some(Variable { name: name.into(), role: Role::Cluster, levels: levels.clone(), values })
}

fn cluster_on_visits(trial: &Trial, cluster: &ClusterByVisit, visits: &[usize]) -> Values {
    Values::FactorByVisit(on_visits(&cluster.codes, visits, trial.schedule().len()))
}

pub(super) fn arm(trial: &Trial, name: &str) -> Variable {
    let codes = trial.arm_of().iter().map(|&a| Some(a)).collect();
    Variable { name: name.into(), role: Role::Arm, levels: trial.arms().to_vec(), values: Values::Factor(codes) }
}

/// A factor that is fixed within patients: the arm, a covariate or a cluster; what may define covariance groups.
pub(super) fn patient_factor(trial: &Trial, name: &str) -> Result<Variable> {
    if name == "arm" || name == trial.column_names().arm {
        return Ok(arm(trial, name));
    }
    let (levels, codes, role) = match (trial.covariate(name).map(|c| &c.values), trial.cluster(name)) {
        (Some(CovariateValues::Factor { levels, codes }), _) => (levels, codes, Role::Covariate),
        (None, None) if trial.cluster_by_visit(name).is_none() => return Err(unknown(trial, name)),
        (Some(_), _) | (None, None) => {
            return Err(Error::invalid(
                format!("covariance groups by `{name}`"),
                "groups are made by a factor that is fixed within patients, and this is a number or changes by visit",
                "name the arm or a patient-level factor",
            ));
        }
        (None, Some(cluster)) => (&cluster.levels, &cluster.codes, Role::Cluster),
    };
    Ok(Variable { name: name.into(), role, levels: levels.clone(), values: Values::Factor(codes.clone()) })
}

/// A factor that makes clusters, of the patient or by visit, on `visits`.
pub(super) fn cluster_factor(trial: &Trial, name: &str, visits: &[usize]) -> Result<Variable> {
    if let Some(cluster) = cluster(trial, name, visits) {
        return Ok(cluster);
    }
    if name == "arm" || name == trial.column_names().arm {
        return Ok(arm(trial, name));
    }
    let covariate = trial.covariate(name).ok_or_else(|| unknown(trial, name))?;
    let (levels, values) = restricted(&covariate.values, visits, trial.schedule().len());
    let found = Variable { name: name.into(), role: Role::Covariate, levels, values };
    if found.is_factor() {
        return Ok(found);
    }
    Err(Error::invalid(format!("clusters by `{name}`"), "it is a number", "declare the column as a cluster or a factor"))
}

/// A numeric covariate, of the patient or by visit, on `visits`, as a coordinate of those visits.
pub(super) fn coordinate(trial: &Trial, name: &str, visits: &[usize]) -> Result<Vec<f64>> {
    let covariate = trial.covariate(name).ok_or_else(|| unknown(trial, name))?;
    numbers(trial, &covariate.values, visits)
        .ok_or_else(|| Error::invalid(format!("the coordinate `{name}`"), "it is a factor", "name a numeric column"))
}

/// Observation weights: a numeric covariate, of the patient or by visit, on `visits`.
pub(super) fn weights(trial: &Trial, name: &str, visits: &[usize]) -> Result<Vec<f64>> {
    let covariate = trial.covariate(name).ok_or_else(|| unknown(trial, name))?;
    numbers(trial, &covariate.values, visits)
        .ok_or_else(|| Error::invalid(format!("weights from `{name}`"), "it is a factor", "name a numeric column of positive weights"))
}

/// Numbers by patient and visit; `None` for a factor.
fn numbers(trial: &Trial, values: &CovariateValues, visits: &[usize]) -> Option<Vec<f64>> {
    let n = trial.patients().len();
    match restricted(values, visits, trial.schedule().len()).1 {
        Values::Number(v) => Some((0..n * visits.len()).map(|row| v[row / visits.len()]).collect()),
        Values::NumberByVisit(v) => Some(v),
        _ => None,
    }
}

fn restricted(values: &CovariateValues, visits: &[usize], scheduled: usize) -> (Vec<String>, Values) {
    match values {
        CovariateValues::Numeric(v) => (vec![], Values::Number(v.clone())),
        CovariateValues::Factor { levels, codes } => (levels.clone(), Values::Factor(codes.clone())),
        CovariateValues::NumericByVisit(v) => (vec![], Values::NumberByVisit(on_visits(v, visits, scheduled))),
        CovariateValues::FactorByVisit { levels, codes } => (levels.clone(), Values::FactorByVisit(on_visits(codes, visits, scheduled))),
    }
}

/// The entries of a patients × scheduled visits table at `visits`.
pub(super) fn on_visits<T: Copy>(table: &[T], visits: &[usize], scheduled: usize) -> Vec<T> {
    table.chunks_exact(scheduled).flat_map(|row| visits.iter().map(|&t| row[t])).collect()
}

fn baseline_values(trial: &Trial, outcome: &Outcome) -> Result<Vec<f64>> {
    let visit = trial.schedule().baseline().ok_or_else(|| {
        Error::invalid(
            "`baseline` in the formula",
            "the schedule has no baseline visit and no covariate is called `baseline`",
            "declare the baseline visit in the layout, or name the column that holds the baseline value",
        )
    })?;
    let scheduled = trial.schedule().len();
    Ok(outcome.values.chunks_exact(scheduled).map(|row| row[visit]).collect())
}

fn times(trial: &Trial, visits: &[usize]) -> Result<Vec<f64>> {
    visits
        .iter()
        .map(|&t| {
            let visit = &trial.schedule().visits()[t];
            visit.time.ok_or_else(|| {
                Error::invalid(
                    "`time` in the formula",
                    format!("visit `{}` has no time in the schedule", visit.label),
                    "give every visit a time in the layout, or use `visit`",
                )
            })
        })
        .collect()
}

pub(super) fn unknown(trial: &Trial, name: &str) -> Error {
    let columns = trial.column_names();
    let mut known: Vec<&str> = vec!["arm", "visit", "baseline", "time", &columns.arm, &columns.visit];
    known.extend(trial.covariates().iter().map(|c| c.name.as_str()));
    known.extend(trial.cluster_names());
    let mut distinct: Vec<&str> = vec![];
    for k in known {
        if !distinct.contains(&k) {
            distinct.push(k);
        }
    }
    Error::unknown("variable", name, &distinct)
}
