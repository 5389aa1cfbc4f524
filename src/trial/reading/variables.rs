//! Covariates, weights and clusters: numbers or levels, per patient or per patient and visit.

use crate::table::counted;
use std::collections::{BTreeMap, BTreeSet};

use super::declared::ValueLabels;
use super::findings::{Findings, Place};
use super::grid::{Grid, Record, number};
use super::levels::{Levels, listed};
use super::outcomes::is_of_texts;
use super::profile;
use super::values::{Use, ValueColumn};
use crate::closest::suggestion;
use crate::error::{Message, Setting, says, shown};
use crate::trial::columns::{Columns, CovariateColumn, CovariateKind};
use crate::trial::{Kind, Outcome, Role, Scope, Variable, Warning, WarningKind};

/// A variable as a layout declares it: what it is called, where it is, and how it is read.
struct Declared<'a> {
    name: &'a str,
    columns: &'a Columns,
    role: Role,
    kind: Kind,
    scope: Scope,
    levels: Option<&'a [String]>,
}

/// The covariates, weights and clusters that the layout names, and its outcomes of texts.
pub(super) fn read(grid: &Grid<'_>, findings: &mut Findings) -> Vec<Variable> {
    let layout = grid.layout;
    let covariates = layout.covariates.iter().map(|c| {
        let declared = covariate(grid, c, findings);
        variable(grid, &declared, findings)
    });
    let mut found: Vec<Variable> = covariates.collect();
    let texts = layout.outcomes.iter().filter(|outcome| is_of_texts(grid, outcome)).map(|outcome| Declared {
        name: &outcome.name,
        columns: &outcome.columns,
        role: Role::Covariate,
        kind: Kind::Factor,
        scope: Scope::PatientVisit,
        levels: None,
    });
    found.extend(texts.map(|declared| variable(grid, &declared, findings)));
    let kept: Vec<(&String, Columns)> = layout.clusters.iter().map(|name| (name, Columns::One(name.clone()))).collect();
    let kept = kept.iter().map(|(name, columns)| cluster(name, columns, Scope::Patient));
    let changing = layout.clusters_by_visit.iter().map(|(name, columns)| cluster(name, columns, Scope::PatientVisit));
    found.extend(kept.chain(changing).map(|declared| variable(grid, &declared, findings)));
    found
}

fn cluster<'a>(name: &'a str, columns: &'a Columns, scope: Scope) -> Declared<'a> {
    Declared { name, columns, role: Role::Cluster, kind: Kind::Factor, scope, levels: None }
}

/// A covariate or weight, with what was left to the data.
fn covariate<'a>(grid: &Grid<'a>, covariate: &'a CovariateColumn, findings: &mut Findings) -> Declared<'a> {
    let levels = grid.layout.levels.iter().find(|(name, _)| *name == covariate.name).map(|(_, levels)| levels.as_slice());
    let kind = match covariate.kind {
        CovariateKind::Numeric | CovariateKind::NumericByVisit => Kind::Number,
        CovariateKind::Factor | CovariateKind::FactorByVisit | CovariateKind::FactorAsFound => Kind::Factor,
        CovariateKind::Inferred | CovariateKind::AsFound if levels.is_some() => Kind::Factor,
        CovariateKind::Inferred | CovariateKind::AsFound => infer_kind(grid, covariate, findings),
    };
    let by_visit = match (&covariate.columns, covariate.kind) {
        (Columns::PerVisit(_), _) | (_, CovariateKind::NumericByVisit | CovariateKind::FactorByVisit) => true,
        (Columns::One(column), CovariateKind::AsFound | CovariateKind::FactorAsFound) => infer_by_visit(grid, column, kind, findings),
        _ => false,
    };
    let scope = if by_visit { Scope::PatientVisit } else { Scope::Patient };
    let role = if grid.layout.weights.contains(&covariate.name) { Role::Weight } else { Role::Covariate };
    Declared { name: &covariate.name, columns: &covariate.columns, role, kind, scope, levels }
}

fn variable(grid: &Grid<'_>, declared: &Declared<'_>, findings: &mut Findings) -> Variable {
    let variable = unlabelled(grid, declared, findings);
    match grid.sheet.variable_label(declared.columns) {
        Some(label) => variable.with_label(label),
        None => variable,
    }
}

fn unlabelled(grid: &Grid<'_>, declared: &Declared<'_>, findings: &mut Findings) -> Variable {
    match declared.kind {
        Kind::Number => {
            let values = values(grid, declared, findings, |c, row, place, f| number(grid, c, row, place, f));
            let values = values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect();
            Variable::of_numbers(declared.name, declared.role, declared.scope, values)
        }
        Kind::Factor => factor(grid, declared, findings),
    }
}

fn factor(grid: &Grid<'_>, declared: &Declared<'_>, findings: &mut Findings) -> Variable {
    let mut levels = Levels::of(declared.levels.unwrap_or_default());
    let codes = values(grid, declared, findings, |column, row, place, findings| {
        let level = column.text(row)?;
        if declared.levels.is_none() {
            return Some(levels.intern(&level));
        }
        let code = levels.code(&level);
        if code.is_none() {
            let message = says!(
                "`{}` is not among the levels declared, {}; declare it or correct it{}",
                shown(&level),
                listed(&levels.names),
                suggestion(&level, &levels.names)
            )
            .each();
            findings.problem(grid.sheet, place, message);
        }
        code
    });
    let labels = grid.sheet.value_labels(declared.columns);
    let (levels, codes, how) = in_order(levels, codes, declared.levels.is_some(), labels);
    if declared.levels.is_none() {
        missing_levels(declared, &levels, &codes, findings);
    }
    if declared.levels.is_none() && declared.role != Role::Cluster && !levels.is_empty() {
        findings.inferred(format!("The levels of `{}` are those in the data, {how}: {}.", declared.name, listed(&levels)));
    }
    Variable::of_codes(declared.name, declared.role, declared.scope, levels, codes)
}

/// Warns of levels that may stand for a missing value.
fn missing_levels(declared: &Declared<'_>, levels: &[String], codes: &[Option<usize>], findings: &mut Findings) {
    for (code, level) in
        levels.iter().enumerate().filter(|(_, level)| profile::is_missing_number(level) && !level.eq_ignore_ascii_case("none"))
    {
        let n = codes.iter().filter(|c| **c == Some(code)).count();
        let of = counted(n, if declared.scope == Scope::Patient { "patient" } else { "value" });
        let message = Message::from(format!(
            "`{}` is a level of `{}` ({of}); if it stands for a missing value, declare it with ",
            shown(level),
            shown(declared.name)
        ));
        findings.warning(Warning::new(WarningKind::MissingLevel, Some(declared.name), message.setting(Setting::MissingCode)));
    }
}

/// The levels in order, the code of each value among them, and what the order is.
fn in_order(
    levels: Levels,
    codes: Vec<Option<usize>>,
    declared: bool,
    labels: Option<&ValueLabels>,
) -> (Vec<String>, Vec<Option<usize>>, &'static str) {
    if declared {
        return (levels.names, codes, "as declared");
    }
    let (levels, recode, how) = levels.into_order(labels);
    (levels, codes.into_iter().map(|c| c.map(|c| recode[c])).collect(), how)
}

/// One value per patient, or one per patient and visit.
fn values<T: Copy + PartialEq>(
    grid: &Grid<'_>,
    declared: &Declared<'_>,
    findings: &mut Findings,
    read: impl FnMut(&ValueColumn<'_>, usize, Place<'_>, &mut Findings) -> Option<T>,
) -> Vec<Option<T>> {
    let used = if declared.role == Role::Cluster { Use::Identifier } else { Use::Value };
    match (declared.scope, declared.columns) {
        (Scope::Patient, Columns::One(column)) => by_patient(grid, column, used, findings, read),
        _ => grid.by_visit(&grid.columns_for(used, declared.columns), findings, read),
    }
}

/// One value per patient: the one that all rows which have a value agree on.
fn by_patient<T: Copy + PartialEq>(
    grid: &Grid<'_>,
    name: &str,
    used: Use,
    findings: &mut Findings,
    mut read: impl FnMut(&ValueColumn<'_>, usize, Place<'_>, &mut Findings) -> Option<T>,
) -> Vec<Option<T>> {
    let column = ValueColumn::new(grid.layout, grid.sheet, name, used);
    let mut values: Vec<Option<T>> = vec![None; grid.patients.ids.len()];
    let mut stated_at: Vec<usize> = vec![0; values.len()];
    let mut told = vec![false; values.len()];
    for (row, patient) in grid.patients.of_row.iter().enumerate() {
        let Some(patient) = *patient else { continue };
        // What the row before said of the patient need not be said again.
        if values[patient].is_some() && grid.patients.of_row[row - 1] == Some(patient) && column.repeats(row) {
            continue;
        }
        let place = Place::row(row).patient(&grid.patients.ids[patient]).visit(grid.visit_of(row)).column(name);
        let Some(value) = read(&column, row, place, findings) else { continue };
        match values[patient] {
            None => {
                values[patient] = Some(value);
                stated_at[patient] = row;
            }
            Some(first) if first != value && !std::mem::replace(&mut told[patient], true) => {
                findings.problem(grid.sheet, place, varies(grid, &column, stated_at[patient], row, used));
            }
            Some(_) => {}
        }
    }
    values
}

fn varies(grid: &Grid<'_>, column: &ValueColumn<'_>, first: usize, second: usize, used: Use) -> Message {
    let (remedy, setting) = match used {
        Use::Identifier => ("correct it, or declare the cluster as one that may change from visit to visit with ", Setting::ClusterByVisit),
        Use::Value => ("correct it, or declare the covariate as one by visit with ", Setting::CovariateByVisit),
    };
    let at = |row: usize| {
        let visit = grid.visit_of(row).map(|v| format!("{v}, ")).unwrap_or_default();
        format!("`{}` ({visit}{})", shown(&column.text(row).unwrap_or_default()), grid.sheet.row_name(row))
    };
    says!("the value differs between the rows of the patient: {} and {}; {remedy}", at(first), at(second)).setting(setting)
}

/// Whether any patient has two values.
fn infer_by_visit(grid: &Grid<'_>, name: &str, kind: Kind, findings: &mut Findings) -> bool {
    let column = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value);
    let mut first = vec![None; grid.patients.ids.len()];
    // What people write for a missing number is no other value.
    let value = |row: usize| column.text(row).filter(|_| kind != Kind::Number || !matches!(column.number(row), Ok(None)));
    let varies = grid.patients.of_row.iter().enumerate().any(|(row, patient)| match (*patient, value(row)) {
        (Some(patient), Some(value)) => *first[patient].get_or_insert_with(|| value.clone()) != value,
        _ => false,
    });
    let scope =
        if varies { "of the visit, because it varies within patients" } else { "of the patient, because it is constant within patients" };
    findings.inferred(format!("`{name}` is a covariate {scope}."));
    varies
}

/// Numeric if every value is a number, a factor if none is; both is a problem.
fn infer_kind(grid: &Grid<'_>, covariate: &CovariateColumn, findings: &mut Findings) -> Kind {
    let names: Vec<&str> = match &covariate.columns {
        Columns::One(name) => vec![name],
        Columns::PerVisit(named) => named.iter().map(|(_, name)| name.as_str()).collect(),
    };
    if grid.sheet.is_labelled_throughout(&covariate.columns) {
        findings.inferred(format!("`{}` is a factor: the file has a label for each of its values.", covariate.name));
        return Kind::Factor;
    }
    let (mut first_number, mut first_text) = (None, None);
    for name in &names {
        let column = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value);
        for row in (0..grid.sheet.rows).filter(|&row| grid.patients.of_row[row].is_some()) {
            if column.has_leading_zero(row) {
                findings.inferred(format!("`{}` is a factor: its values have leading zeros.", covariate.name));
                return Kind::Factor;
            }
            match column.number(row) {
                Ok(None) => {}
                Ok(Some(_)) => first_number = first_number.or(Some((row, *name))),
                Err(_) => first_text = first_text.or(Some((row, *name))),
            }
        }
    }
    let codes = first_number.and(first_text).and_then(|_| few_levels(grid, &names));
    match (first_number, first_text) {
        (Some(_), Some(_)) if codes.is_some() => {
            let levels = codes.unwrap_or_default();
            let message = format!(
                "`{}` has numbers and words, and is read as a factor with the levels {}; if it is a number, correct its words",
                shown(&covariate.name),
                listed(&levels)
            );
            findings.warning(Warning::new(WarningKind::MixedColumn, Some(&covariate.name), message));
            Kind::Factor
        }
        (Some((number_row, _)), Some((row, name))) => {
            let patient = grid.patients.of_row[row].map(|p| grid.patients.ids[p].as_str());
            let place = Place { row: Some(row), patient, visit: grid.visit_of(row), column: Some(name) };
            let text = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value).text(row).unwrap_or_default();
            let message = says!(
                "`{}` is not a number but other values are ({}); correct it, declare it with ",
                shown(&text),
                grid.sheet.row_name(number_row)
            );
            let message = message.setting(Setting::MissingCode).then(" if it stands for a missing value, or the column as a factor with ");
            findings.problem(grid.sheet, place, message.setting(Setting::Factor));
            Kind::Factor
        }
        (None, Some(_)) => {
            findings.inferred(format!("`{}` is a factor: its values are no numbers.", covariate.name));
            Kind::Factor
        }
        (number, None) => {
            let why = if number.is_some() { "its values are numbers" } else { "it has no values" };
            findings.inferred(format!("`{}` is numeric: {why}.", covariate.name));
            Kind::Number
        }
    }
}

/// The levels of columns with numbers and words, if they are so few, and the words so common, that they are codes: a
/// treatment that is `0` before `A` and `B` begin.
fn few_levels(grid: &Grid<'_>, names: &[&str]) -> Option<Vec<String>> {
    const LEVELS: usize = 6;
    const NUMBERS: usize = 3;
    let mut patients: BTreeMap<String, (bool, BTreeSet<usize>)> = BTreeMap::new();
    for name in names {
        let column = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value);
        for (row, patient) in grid.patients.of_row.iter().enumerate() {
            let (Some(patient), Some(text)) = (*patient, column.text(row)) else { continue };
            if let Ok(None) = column.number(row) {
                continue;
            }
            let is_number = column.number(row).is_ok();
            patients.entry(text.into_owned()).or_insert((is_number, BTreeSet::new())).1.insert(patient);
            if patients.len() > LEVELS {
                return None;
            }
        }
    }
    let common = |(is_number, patients): &(bool, BTreeSet<usize>)| *is_number || patients.len() > 1;
    let numbers = patients.values().filter(|(is_number, _)| *is_number).count();
    (numbers <= NUMBERS && patients.values().all(common)).then(|| patients.into_keys().collect())
}

/// Reports weights that are missing or not positive where an outcome is observed.
pub(super) fn check_weights(grid: &Grid<'_>, outcomes: &[Outcome], variables: &[Variable], findings: &mut Findings) {
    for weight in variables.iter().filter(|v| v.role() == Role::Weight) {
        let Some(columns) = grid.layout.covariates.iter().find(|c| c.name == weight.name()).map(|c| grid.columns(&c.columns)) else {
            continue;
        };
        // Where a column is missing, or what it has is no number, that has been said.
        let is_empty = |record: Record| columns.at(record.visit).is_none_or(|c| c.is_there() && c.number(record.row) == Ok(None));
        for record in grid.records() {
            let cell = grid.cell(record);
            let value = weight.value(record.patient, record.visit, grid.width());
            let used = outcomes.iter().any(|o| !o.values[cell].is_nan());
            if used && value.is_nan() && is_empty(record) {
                findings.problem(grid.sheet, grid.place(record, weight.name()), says!("an outcome is observed but has no weight"));
            } else if used && value <= 0.0 {
                let message = says!("the weight {value} is not positive; an observation that should not count has no outcome");
                findings.problem(grid.sheet, grid.place(record, weight.name()), message);
            }
        }
    }
}
