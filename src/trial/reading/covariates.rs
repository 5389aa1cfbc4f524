//! Covariates and clusters: numbers or levels, of the patient or of the visit.

use super::findings::{Findings, Place};
use super::grid::{Grid, VisitColumns, number};
use super::levels::{Levels, listed};
use super::values::{Use, ValueColumn};
use crate::trial::columns::{Columns, CovariateColumn, CovariateKind};
use crate::trial::{Cluster, ClusterByVisit, Covariate, CovariateValues, Outcome};

/// Whether the values are numbers or levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Numeric,
    Factor,
}

/// The covariates that the layout names.
pub(super) fn read(grid: &Grid<'_>, findings: &mut Findings) -> Vec<Covariate> {
    grid.layout.covariates.iter().map(|c| covariate(grid, c, findings)).collect()
}

fn covariate(grid: &Grid<'_>, covariate: &CovariateColumn, findings: &mut Findings) -> Covariate {
    let columns = grid.columns(&covariate.columns);
    let declared = grid.layout.levels.iter().find(|(name, _)| *name == covariate.name).map(|(_, levels)| levels.as_slice());
    let scale = match covariate.kind {
        CovariateKind::Numeric | CovariateKind::NumericByVisit => Scale::Numeric,
        CovariateKind::Factor | CovariateKind::FactorByVisit => Scale::Factor,
        CovariateKind::Inferred | CovariateKind::AsFound if declared.is_some() => Scale::Factor,
        CovariateKind::Inferred | CovariateKind::AsFound => infer_scale(grid, covariate, findings),
    };
    let by_visit = match (&covariate.columns, covariate.kind) {
        (Columns::PerVisit(_), _) | (_, CovariateKind::NumericByVisit | CovariateKind::FactorByVisit) => true,
        (Columns::One(column), CovariateKind::AsFound) => infer_by_visit(grid, column, findings),
        _ => false,
    };
    let values = match (scale, by_visit) {
        (Scale::Numeric, true) => {
            let values = grid.by_visit(&columns, findings, |c, row, place, f| number(grid, c, row, place, f));
            CovariateValues::NumericByVisit(or_nan(values))
        }
        (Scale::Numeric, false) => {
            CovariateValues::Numeric(or_nan(by_patient(grid, &covariate.name, Use::Value, findings, |c, row, place, f| {
                number(grid, c, row, place, f)
            })))
        }
        (Scale::Factor, _) => factor(grid, covariate, &columns, declared, by_visit, findings),
    };
    Covariate { name: covariate.name.clone(), values }
}

fn factor(
    grid: &Grid<'_>,
    covariate: &CovariateColumn,
    columns: &VisitColumns<'_>,
    declared: Option<&[String]>,
    by_visit: bool,
    findings: &mut Findings,
) -> CovariateValues {
    let mut levels = Levels::of(declared.unwrap_or_default());
    let read = |column: &ValueColumn<'_>, row: usize, place: Place<'_>, findings: &mut Findings| {
        let level = column.text(row)?;
        if declared.is_none() {
            return Some(levels.intern(&level));
        }
        let code = levels.code(&level);
        if code.is_none() {
            let message = format!("`{level}` is not among the levels declared, {}; declare it or correct it", listed(&levels.names));
            findings.problem(grid.sheet, place, message);
        }
        code
    };
    let codes =
        if by_visit { grid.by_visit(columns, findings, read) } else { by_patient(grid, &covariate.name, Use::Value, findings, read) };
    let (levels, codes) = in_order(levels, codes, declared.is_some());
    if declared.is_none() && !levels.is_empty() {
        findings.inferred(format!("The levels of `{}` are those in the data, sorted: {}.", covariate.name, listed(&levels)));
    }
    if by_visit { CovariateValues::FactorByVisit { levels, codes } } else { CovariateValues::Factor { levels, codes } }
}

fn in_order(levels: Levels, codes: Vec<Option<usize>>, declared: bool) -> (Vec<String>, Vec<Option<usize>>) {
    if declared {
        return (levels.names, codes);
    }
    let (levels, recode) = levels.into_sorted();
    (levels, codes.into_iter().map(|c| c.map(|c| recode[c])).collect())
}

/// The cluster memberships that the layout names.
pub(super) fn clusters(grid: &Grid<'_>, findings: &mut Findings) -> Vec<Cluster> {
    let clusters = grid.layout.clusters.iter().map(|name| {
        let mut levels = Levels::default();
        let codes = by_patient(grid, name, Use::Identifier, findings, |c, row, _, _| c.text(row).map(|level| levels.intern(&level)));
        let (levels, codes) = in_order(levels, codes, false);
        Cluster { name: name.clone(), levels, codes }
    });
    clusters.collect()
}

/// The cluster memberships that may change from visit to visit.
pub(super) fn clusters_by_visit(grid: &Grid<'_>, findings: &mut Findings) -> Vec<ClusterByVisit> {
    let clusters = grid.layout.clusters_by_visit.iter().map(|(name, columns)| {
        let columns = grid.columns_for(Use::Identifier, columns);
        let mut levels = Levels::default();
        let codes = grid.by_visit(&columns, findings, |c, row, _, _| c.text(row).map(|level| levels.intern(&level)));
        let (levels, codes) = in_order(levels, codes, false);
        ClusterByVisit { name: name.clone(), levels, codes }
    });
    clusters.collect()
}

/// One value a patient: the one that all rows which have a value agree on.
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

fn varies(grid: &Grid<'_>, column: &ValueColumn<'_>, first: usize, second: usize, used: Use) -> String {
    let remedy = match used {
        Use::Identifier => "correct it, or declare the cluster as one that may change from visit to visit with `cluster_by_visit`",
        Use::Value => "correct it, or declare the covariate as one by visit with `covariate_as`",
    };
    let at = |row: usize| {
        let visit = grid.visit_of(row).map(|v| format!("{v}, ")).unwrap_or_default();
        format!("`{}` ({visit}{})", column.text(row).unwrap_or_default(), grid.sheet.row_name(row))
    };
    format!("the value differs between the rows of the patient: {} and {}; {remedy}", at(first), at(second))
}

/// Whether any patient has two values.
fn infer_by_visit(grid: &Grid<'_>, name: &str, findings: &mut Findings) -> bool {
    let column = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value);
    let mut first = vec![None; grid.patients.ids.len()];
    let varies = grid.patients.of_row.iter().enumerate().any(|(row, patient)| match (*patient, column.text(row)) {
        (Some(patient), Some(value)) => *first[patient].get_or_insert_with(|| value.clone()) != value,
        _ => false,
    });
    let scope =
        if varies { "of the visit, because it varies within patients" } else { "of the patient, because it is constant within patients" };
    findings.inferred(format!("`{name}` is a covariate {scope}."));
    varies
}

/// Numeric if every value is a number, a factor if none is; both is a problem.
fn infer_scale(grid: &Grid<'_>, covariate: &CovariateColumn, findings: &mut Findings) -> Scale {
    let names: Vec<&str> = match &covariate.columns {
        Columns::One(name) => vec![name],
        Columns::PerVisit(named) => named.iter().map(|(_, name)| name.as_str()).collect(),
    };
    let (mut first_number, mut first_text) = (None, None);
    for name in &names {
        let column = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value);
        for row in (0..grid.sheet.rows).filter(|&row| grid.patients.of_row[row].is_some()) {
            if column.has_leading_zero(row) {
                findings.inferred(format!("`{}` is a factor: its values have leading zeros.", covariate.name));
                return Scale::Factor;
            }
            match column.number(row) {
                Ok(None) => {}
                Ok(Some(_)) => first_number = first_number.or(Some((row, *name))),
                Err(_) => first_text = first_text.or(Some((row, *name))),
            }
        }
    }
    match (first_number, first_text) {
        (Some((number_row, _)), Some((row, name))) => {
            let patient = grid.patients.of_row[row].map(|p| grid.patients.ids[p].as_str());
            let place = Place { row: Some(row), patient, visit: grid.visit_of(row), column: Some(name) };
            let text = ValueColumn::new(grid.layout, grid.sheet, name, Use::Value).text(row).unwrap_or_default();
            let message = format!(
                "`{text}` is not a number but other values are ({}); correct it, declare it with `missing_code`, or declare the column a factor",
                grid.sheet.row_name(number_row)
            );
            findings.problem(grid.sheet, place, message);
            Scale::Factor
        }
        (None, Some(_)) => {
            findings.inferred(format!("`{}` is a factor: its values are no numbers.", covariate.name));
            Scale::Factor
        }
        (number, None) => {
            let why = if number.is_some() { "its values are numbers" } else { "it has no values" };
            findings.inferred(format!("`{}` is numeric: {why}.", covariate.name));
            Scale::Numeric
        }
    }
}

/// Reports weights that are missing or not positive where an outcome is observed.
pub(super) fn check_weights(grid: &Grid<'_>, outcomes: &[Outcome], covariates: &[Covariate], findings: &mut Findings) {
    for name in &grid.layout.weights {
        let Some(CovariateValues::NumericByVisit(weights)) = covariates.iter().find(|c| c.name == *name).map(|c| &c.values) else {
            continue;
        };
        for record in grid.records() {
            let cell = grid.cell(record);
            let used = outcomes.iter().any(|o| !o.values[cell].is_nan());
            if used && weights[cell].is_nan() {
                findings.problem(grid.sheet, grid.place(record, name), "an outcome is observed but has no weight");
            } else if used && weights[cell] <= 0.0 {
                let message = format!("the weight {} is not positive; an observation that should not count has no outcome", weights[cell]);
                findings.problem(grid.sheet, grid.place(record, name), message);
            }
        }
    }
}

fn or_nan(values: Vec<Option<f64>>) -> Vec<f64> {
    values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect()
}
