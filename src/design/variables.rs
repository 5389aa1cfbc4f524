//! The variables of a mean model, looked up in a trial.

use super::{Baseline, MeanModel, Offset};
use crate::error::{Error, Message, Result, Setting};
use crate::trial::{Outcome, Role, Scope, Trial, Variable};

/// Looks up the variables of `model` on `visits` (positions in the schedule).
pub(super) fn resolve(trial: &Trial, model: &MeanModel, outcome: &Outcome, visits: &[usize]) -> Result<Vec<Variable>> {
    let mut found: Vec<Variable> = vec![];
    for name in &model.variables {
        let function = model.function(name);
        let column = function.map_or(name.as_str(), |function| &function.column);
        let mut variable = lookup(trial, model.baseline_role(), outcome, visits, column)?;
        if let Some(function) = function {
            variable = number_called(variable, name, &format!("`{function}` in the formula"))?;
        }
        let single = |v: &Variable| function.is_none() && model.function(v.name()).is_none();
        let twin =
            found.iter().find(|v| single(v) && v.role() == variable.role() && matches!(v.role(), Role::Arm | Role::Visit | Role::Time));
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
    match meaning(trial, name) {
        Some(Meaning::Arm) => Ok(arm(trial, name)),
        Some(Meaning::Visit) => {
            let labels = visits.iter().map(|&t| trial.schedule().visits()[t].label.clone()).collect();
            Ok(Variable::of_codes(name, Role::Visit, Scope::Visit, labels, (0..visits.len()).map(Some).collect()))
        }
        Some(Meaning::Time) => Ok(Variable::of_numbers(name, Role::Time, Scope::Visit, times(trial, visits, name)?)),
        Some(Meaning::Baseline) => Ok(Variable::of_numbers(name, Role::Baseline, Scope::Patient, baseline_values(trial, outcome)?)),
        Some(Meaning::Own(own)) => {
            let found = own.on_visits(visits, trial.schedule().len());
            Ok(if name == "baseline" && baseline == Baseline::Covariate { found.in_role(Role::Baseline) } else { found })
        }
        None => Err(unknown(trial, name)),
    }
}

/// What a name of a formula means in a trial.
enum Meaning<'a> {
    Arm,
    Visit,
    Time,
    Baseline,
    /// A variable of the trial.
    Own(&'a Variable),
}

/// A column of the file is what it is in the file: the arm, the visit, the time, or a variable. Only names that no
/// column has are `arm`, `visit`, `time` and `baseline` of the design.
fn meaning<'a>(trial: &'a Trial, name: &str) -> Option<Meaning<'a>> {
    let columns = trial.column_names();
    let own = trial.find(name, Role::Covariate);
    // A trial without a column of the arm, or of the visit, calls them by these names as well.
    let is_arm = name == columns.arm && (own.is_none() || trial.arms().len() > 1);
    let is_visit = name == columns.visit && own.is_none_or(|v| v.scope() != Scope::Patient);
    match (name, own) {
        _ if is_arm => Some(Meaning::Arm),
        _ if is_visit => Some(Meaning::Visit),
        _ if columns.time.as_deref() == Some(name) => Some(Meaning::Time),
        (_, Some(own)) => Some(Meaning::Own(own)),
        ("arm", None) => Some(Meaning::Arm),
        ("visit", None) => Some(Meaning::Visit),
        ("time", None) => Some(Meaning::Time),
        ("baseline", None) => Some(Meaning::Baseline),
        _ => None,
    }
}

/// The variables of a mean that are the arm, the visit or the time, or functions of these: what its course is made of.
pub(crate) fn course_names(trial: &Trial, mean: &MeanModel) -> Vec<String> {
    let column = |name: &str| mean.function(name).map_or(name.to_string(), |function| function.column.clone());
    let is_course = |name: &&String| matches!(meaning(trial, &column(name)), Some(Meaning::Arm | Meaning::Visit | Meaning::Time));
    mean.variables.iter().filter(is_course).cloned().collect()
}

/// Whether a name is that of the arm.
pub(super) fn is_arm(trial: &Trial, name: &str) -> bool {
    matches!(meaning(trial, name), Some(Meaning::Arm))
}

/// What a reader has to know of a name that could mean two things: which of them it means.
pub(super) fn ambiguity(trial: &Trial, outcome: &Outcome, name: &str) -> Option<String> {
    let columns = trial.column_names();
    let (role, column, differs) = match name {
        "arm" => ("the arm of randomization", Some(columns.arm.as_str()), trial.arms().len() > 1 && columns.arm != "arm"),
        "visit" => ("the visit", Some(columns.visit.as_str()), columns.visit != "visit"),
        "time" => ("the time of the visit in the schedule", columns.time.as_deref(), differs_from_schedule(trial)),
        "baseline" => ("the outcome's value before treatment", None, differs_from_baseline(trial, outcome)),
        _ => return None,
    };
    let called = column.map(|column| format!(" (column `{column}`)")).unwrap_or_default();
    match meaning(trial, name)? {
        Meaning::Own(_) if differs => Some(format!("`{name}` is the file's column of that name, not {role}{called}")),
        Meaning::Own(_) => None,
        _ if columns.unread.iter().any(|unread| unread == name) => Some(format!(
            "`{name}` is {role}{called}, not the file's column `{name}`, which was not read; declare that column to use it instead"
        )),
        _ => None,
    }
}

/// Whether the variable called `time` is another one than the schedule's.
fn differs_from_schedule(trial: &Trial) -> bool {
    let (Some(own), width) = (trial.find("time", Role::Covariate), trial.schedule().len()) else { return false };
    let known = |t: usize| trial.schedule().visits()[t].time;
    (0..trial.patients().len() * width).any(|row| {
        let (own, planned) = (own.value(row / width, row % width, width), known(row % width));
        planned.is_some_and(|planned| !own.is_nan() && own != planned)
    })
}

/// Whether the variable called `baseline` is another one than the outcome at the baseline visit.
fn differs_from_baseline(trial: &Trial, outcome: &Outcome) -> bool {
    let (Some(own), Some(visit)) = (trial.find("baseline", Role::Covariate), trial.schedule().baseline()) else { return false };
    let width = trial.schedule().len();
    (0..trial.patients().len()).any(|i| {
        let (own, observed) = (own.value(i, visit, width), outcome.values[i * width + visit]);
        own != observed && !(own.is_nan() && observed.is_nan())
    })
}

/// A numeric variable under another name.
fn number_called(variable: Variable, name: &str, what: &str) -> Result<Variable> {
    if variable.is_factor() {
        let why = format!("`{}` is a factor, and functions are of numbers", variable.name());
        return Err(Error::wrong_variable(what, why, "name a numeric column, or declare the column as numeric"));
    }
    Ok(variable.called(name))
}

/// The variables with the coefficient 1, on `visits`.
pub(super) fn offsets(trial: &Trial, model: &MeanModel, outcome: &Outcome, visits: &[usize]) -> Result<Vec<Variable>> {
    let offset = |offset: &Offset| {
        let variable = lookup(trial, model.baseline_role(), outcome, visits, offset.column())?;
        Ok(offset.of(number_called(variable, offset.column(), &format!("`offset({offset})` in the formula"))?))
    };
    model.offsets.iter().map(offset).collect()
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
    match own {
        Some(own) if !is_arm(trial, name) || (role == Role::Cluster && own.role() == role) => Ok(own.clone()),
        _ if is_arm(trial, name) => Ok(arm(trial, name)),
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

/// A factor on `visits`: the arm, a covariate or a cluster.
pub(super) fn factor(trial: &Trial, name: &str, visits: &[usize]) -> Result<Variable> {
    let found = own_or_arm(trial, name, Role::Covariate)?.on_visits(visits, trial.schedule().len());
    if found.is_factor() {
        return Ok(found);
    }
    Err(Error::wrong_variable(format!("variances by `{name}`"), "it is a number", "declare the column as a factor"))
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
    if role == Role::Covariate && matches!(meaning(trial, name), Some(Meaning::Time)) {
        let times = times(trial, visits, name)?;
        return Ok(Some((0..trial.patients().len()).flat_map(|_| times.iter().copied()).collect()));
    }
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

fn times(trial: &Trial, visits: &[usize], name: &str) -> Result<Vec<f64>> {
    visits
        .iter()
        .map(|&t| {
            let visit = &trial.schedule().visits()[t];
            visit.time.ok_or_else(|| {
                Error::no_times(
                    format!("`{name}` in the formula"),
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
    known.extend(columns.time.as_deref());
    known.extend(trial.variables().iter().map(Variable::name));
    distinct(known)
}

/// Names without those that are there already.
pub(super) fn distinct(names: Vec<&str>) -> Vec<&str> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().filter(|name| seen.insert(*name)).collect()
}
