//! The variables of a mean model, looked up in a trial.

use super::{Baseline, MeanModel};
use crate::error::{Error, Message, Result, Setting};
use crate::trial::{Outcome, Role, Scope, Trial, Variable};

/// Looks up the variables of `model` on `visits` (positions in the schedule).
pub(super) fn resolve(trial: &Trial, model: &MeanModel, outcome: &Outcome, visits: &[usize]) -> Result<Vec<Variable>> {
    let mut found: Vec<Variable> = vec![];
    for name in &model.variables {
        let variable = lookup(trial, model.baseline_role(), outcome, visits, name)?;
        let twin = found.iter().find(|v| v.role() == variable.role() && matches!(v.role(), Role::Arm | Role::Visit));
        if let Some(twin) = twin {
            return Err(Error::named_twice(
                format!("`{}` and `{name}` in one formula", twin.name()),
                "they are two names of the same variable",
                "use one of them throughout",
            ));
        }
        found.push(variable);
    }
    Ok(found)
}

/// The variable of a mean model called `name`, on `visits`.
pub(super) fn lookup(trial: &Trial, baseline: Baseline, outcome: &Outcome, visits: &[usize], name: &str) -> Result<Variable> {
    let columns = trial.column_names();
    let own = trial.find(name, Role::Covariate);
    let covariate = own.filter(|v| v.role() != Role::Cluster);
    if name == columns.arm || (name == "arm" && covariate.is_none()) {
        return Ok(arm(trial, name));
    }
    if name == columns.visit || (name == "visit" && covariate.is_none()) {
        let labels = visits.iter().map(|&t| trial.schedule().visits()[t].label.clone()).collect();
        return Ok(Variable::of_codes(name, Role::Visit, Scope::Visit, labels, (0..visits.len()).map(Some).collect()));
    }
    if let Some(covariate) = covariate {
        let found = covariate.on_visits(visits, trial.schedule().len());
        return Ok(if name == "baseline" && baseline == Baseline::Covariate { found.in_role(Role::Baseline) } else { found });
    }
    if name == "baseline" {
        return Ok(Variable::of_numbers(name, Role::Baseline, Scope::Patient, baseline_values(trial, outcome)?));
    }
    if name == "time" {
        return Ok(Variable::of_numbers(name, Role::Time, Scope::Visit, times(trial, visits)?));
    }
    own.map(|cluster| cluster.on_visits(visits, trial.schedule().len())).ok_or_else(|| unknown(trial, name))
}

/// The clusters called `name`, on `visits`.
pub(super) fn cluster(trial: &Trial, name: &str, visits: &[usize]) -> Option<Variable> {
    trial.cluster(name).ok().map(|cluster| cluster.on_visits(visits, trial.schedule().len()))
}

fn arm(trial: &Trial, name: &str) -> Variable {
    let codes = trial.arm_of().iter().map(|&a| Some(a)).collect();
    Variable::of_codes(name, Role::Arm, Scope::Patient, trial.arms().to_vec(), codes)
}

/// The variable called `name` or the arm; where several variables have the name, the one in `role`.
fn own_or_arm(trial: &Trial, name: &str, role: Role) -> Result<Variable> {
    let own = trial.find(name, role);
    let is_arm = name == "arm" || name == trial.column_names().arm;
    match own {
        Some(own) if !is_arm || (role == Role::Cluster && own.role() == role) => Ok(own.clone()),
        _ if is_arm => Ok(arm(trial, name)),
        _ => Err(unknown(trial, name)),
    }
}

/// A factor that is fixed within patients: the arm, a covariate or a cluster; what may define covariance groups.
pub(super) fn patient_factor(trial: &Trial, name: &str) -> Result<Variable> {
    let fixed = own_or_arm(trial, name, Role::Covariate)?.fixed_within_patients(trial.schedule().len());
    fixed.filter(Variable::is_factor).ok_or_else(|| {
        Error::wrong_variable(
            format!("covariance groups by `{name}`"),
            "groups are made by a factor that is fixed within patients, and this is a number or changes by visit",
            "name the arm or a patient-level factor",
        )
    })
}

/// A factor that makes clusters, per patient or per patient and visit, on `visits`.
pub(super) fn cluster_factor(trial: &Trial, name: &str, visits: &[usize]) -> Result<Variable> {
    let found = own_or_arm(trial, name, Role::Cluster)?.on_visits(visits, trial.schedule().len());
    if found.is_factor() {
        return Ok(found);
    }
    Err(Error::wrong_variable(
        format!("clusters by `{name}`"),
        "it is a number",
        Message::from("declare the column as a cluster with ").setting(Setting::Cluster),
    ))
}

/// A numeric variable as a coordinate of `visits`.
pub(super) fn coordinate(trial: &Trial, name: &str, visits: &[usize]) -> Result<Vec<f64>> {
    numbers(trial, name, Role::Covariate, visits)?
        .ok_or_else(|| Error::wrong_variable(format!("the coordinate `{name}`"), "it is a factor", "name a numeric column"))
}

/// Observation weights on `visits`.
pub(super) fn weights(trial: &Trial, name: &str, visits: &[usize]) -> Result<Vec<f64>> {
    numbers(trial, name, Role::Weight, visits)?.ok_or_else(|| {
        Error::wrong_variable(format!("weights from `{name}`"), "it is a factor", "name a numeric column of positive weights")
    })
}

/// Numbers by patient and visit; `None` for a factor.
fn numbers(trial: &Trial, name: &str, role: Role, visits: &[usize]) -> Result<Option<Vec<f64>>> {
    let own = trial.find(name, role).ok_or_else(|| unknown(trial, name))?;
    Ok(own.on_visits(visits, trial.schedule().len()).numbers_by_visit(trial.patients().len(), visits.len()))
}

fn baseline_values(trial: &Trial, outcome: &Outcome) -> Result<Vec<f64>> {
    let visit = trial.schedule().baseline().ok_or_else(|| {
        Error::no_baseline(
            "`baseline` in the formula",
            "the schedule has no baseline visit and no covariate is called `baseline`",
            Message::from("declare the baseline visit with ")
                .setting(Setting::BaselineVisit)
                .then(", or name the column that holds the baseline value"),
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
                Error::no_times(
                    "`time` in the formula",
                    format!("visit `{}` has no time in the schedule", visit.label),
                    Message::from("give every visit a time with ").setting(Setting::VisitTimes).then(", or use `visit`"),
                )
            })
        })
        .collect()
}

pub(super) fn unknown(trial: &Trial, name: &str) -> Error {
    Error::unknown("variable", name, &variable_names(trial))
}

/// What a formula may name, each once.
pub(crate) fn variable_names(trial: &Trial) -> Vec<&str> {
    let columns = trial.column_names();
    let mut known: Vec<&str> = vec!["arm", "visit", "baseline", "time", &columns.arm, &columns.visit];
    known.extend(trial.variables().iter().map(Variable::name));
    distinct(known)
}

/// Names without those that are there already.
pub(super) fn distinct(names: Vec<&str>) -> Vec<&str> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().filter(|name| seen.insert(*name)).collect()
}
