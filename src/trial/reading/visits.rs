//! Which visit each row is, and the schedule.

use crate::table::{agreeing, counted};
use std::collections::{HashMap, HashSet};

use super::dates::{self, Dates};
use super::findings::{Findings, Place};
use super::labels;
use super::levels::{Levels, listed, sorted};
use super::patients::Patients;
use super::sheet::Sheet;
use super::stages;
use super::values::{Use, ValueColumn};
use crate::closest::suggestion;
use crate::error::{Message, Setting, says, shown};
use crate::trial::columns::Columns;
use crate::trial::layout::{Layout, Shape};
use crate::trial::{Schedule, Visit, Warning, WarningKind};

/// The schedule and where each row of a long file is on it.
#[derive(Debug)]
pub(super) struct Visits {
    pub schedule: Schedule,
    /// The visit of each row, `None` where the row is no visit; empty for a wide file.
    pub of_row: Vec<Option<usize>>,
}

/// The visits of a long file.
pub(super) fn long(layout: &Layout, sheet: &Sheet, patients: &Patients, column: &str, findings: &mut Findings) -> Visits {
    let (levels, mut of_row, has_strangers) = labels_of_rows(layout, sheet, patients, column, findings);
    let mut basis = Basis::Stated;
    let visits = if layout.visits.is_empty() {
        let Some(inferred) = infer_order(layout, sheet, &levels.names, &of_row, findings) else {
            return Visits { schedule: Schedule::of_labels(levels.names), of_row };
        };
        let mut position = vec![0; inferred.order.len()];
        inferred.order.iter().enumerate().for_each(|(new, visit)| position[visit.0] = new);
        of_row.iter_mut().flatten().for_each(|visit| *visit = position[*visit]);
        basis = inferred.basis;
        inferred.order.into_iter().map(|(_, visit)| visit).collect()
    } else {
        let times = |time| times_of_visits(layout, sheet, &levels.names, &of_row, time, has_strangers, findings);
        match layout.time_column.as_deref().map(times) {
            Some(times) => layout.visits.iter().zip(times).map(|(v, t)| Visit { time: t.or(v.time), label: v.label.clone() }).collect(),
            None => with_times_of_labels(layout.visits.clone(), findings),
        }
    };
    let schedule = with_baseline(layout, sheet, visits, basis, findings);
    drop_duplicates(sheet, patients, &schedule, &mut of_row, findings);
    Visits { schedule, of_row }
}

/// The visits of a wide file: those declared, else those that its columns name, in their order.
pub(super) fn wide(layout: &Layout, sheet: &Sheet, findings: &mut Findings) -> Visits {
    let visits = if layout.visits.is_empty() {
        let mut seen = HashSet::new();
        let labels = visits_of_columns(layout).into_iter().filter(|label| seen.insert(*label));
        labels.map(|label| Visit { label: label.into(), time: None }).collect()
    } else {
        layout.visits.clone()
    };
    let visits = with_times_of_labels(visits, findings);
    Visits { schedule: with_baseline(layout, sheet, visits, Basis::Stated, findings), of_row: vec![] }
}

/// The schedule as far as the layout alone says it: `None` where the visits are left to the data.
pub(super) fn declared(layout: &Layout, findings: &mut Findings) -> Option<Schedule> {
    let nothing = Sheet { source: "the layout".into(), ..Sheet::default() };
    let schedule = match layout.shape {
        Shape::Wide => wide(layout, &nothing, findings).schedule,
        Shape::Long(_) if layout.visits.is_empty() => return None,
        Shape::Long(_) => {
            let visits = with_times_of_labels(layout.visits.clone(), findings);
            with_baseline(layout, &nothing, visits, Basis::Stated, findings)
        }
    };
    Some(schedule)
}

/// The visits that the columns of a wide layout name, in the order of their declaration.
pub(super) fn visits_of_columns(layout: &Layout) -> Vec<&str> {
    let outcomes = layout.outcomes.iter().map(|o| &o.columns);
    let items = layout.instruments().flat_map(|i| &i.items);
    let covariates = layout.covariates.iter().map(|c| &c.columns);
    let clusters = layout.clusters_by_visit.iter().map(|(_, columns)| columns);
    let per_visit = outcomes.chain(items).chain(covariates).chain(clusters).filter_map(|c| match c {
        Columns::PerVisit(columns) => Some(columns),
        Columns::One(_) => None,
    });
    per_visit.flatten().map(|(visit, _)| visit.as_str()).collect()
}

/// The labels, which of them each row has, and whether some row has one that is not declared.
fn labels_of_rows(
    layout: &Layout,
    sheet: &Sheet,
    patients: &Patients,
    column: &str,
    findings: &mut Findings,
) -> (Levels, Vec<Option<usize>>, bool) {
    let declared: Vec<String> = layout.visits.iter().map(|v| v.label.clone()).collect();
    let mut levels = Levels::of(&declared);
    let cells = ValueColumn::new(layout, sheet, column, Use::Identifier);
    let measured: Vec<ValueColumn> = measured_columns(layout).map(|c| ValueColumn::new(layout, sheet, c, Use::Value)).collect();
    let (mut without_visit, mut has_strangers, mut last) = (0, false, None);
    let of_row = (0..sheet.rows)
        .map(|row| {
            let patient = patients.of_row[row]?;
            let place = Place::row(row).patient(&patients.ids[patient]).column(column);
            let Some(label) = cells.text(row) else {
                match measured.iter().find(|c| c.text(row).is_some()) {
                    Some(c) => findings.problem(
                        sheet,
                        place,
                        says!("the row has no visit although `{}` has a value; say which visit it is", shown(c.name)),
                    ),
                    None => without_visit += 1,
                }
                return None;
            };
            if declared.is_empty() {
                return Some(levels.intern(&label));
            }
            let visit = levels.code_after(last, &label).or_else(|| visit_at(&layout.visits, &label));
            // A labelled value is known by its code as well.
            let visit = visit.or_else(|| cells.code(row).and_then(|code| levels.code(&code).or_else(|| visit_at(&layout.visits, &code))));
            if visit.is_none() {
                has_strangers = true;
                let message = says!("`{}` is not among the visits declared, {}; declare it with ", shown(&label), listed(&declared));
                let message = message.setting(Setting::Visits).then(format!(" or correct the label{}", suggestion(&label, &declared)));
                findings.problem(sheet, place, message.each());
            }
            last = visit;
            visit
        })
        .collect();
    if without_visit > 0 {
        findings.inferred(format!(
            "{} {} a patient but no visit and no outcome; {} the patient and nothing else.",
            counted(without_visit, "row"),
            agreeing(without_visit, "names", "name"),
            agreeing(without_visit, "it adds", "they add")
        ));
    }
    (canonical_numbers(levels), of_row, has_strangers)
}

fn measured_columns(layout: &Layout) -> impl Iterator<Item = &str> {
    let outcomes = layout.outcomes.iter().map(|o| &o.columns);
    outcomes.chain(layout.instruments().flat_map(|i| &i.items)).filter_map(|c| match c {
        Columns::One(column) => Some(column.as_str()),
        Columns::PerVisit(_) => None,
    })
}

fn visit_at(visits: &[Visit], label: &str) -> Option<usize> {
    let time: f64 = label.parse().ok()?;
    visits.iter().position(|v| v.time == Some(time))
}

/// Labels that are all numbers are written in their shortest form, so that `3` and `3.0` of different files are the
/// same visit.
fn canonical_numbers(levels: Levels) -> Levels {
    let shortest = |name: &String| {
        let zero_first = name.len() > 1 && name.starts_with('0') && !name.starts_with("0.");
        name.parse::<f64>().ok().filter(|x| x.is_finite() && !zero_first).map(|x| x.to_string())
    };
    match levels.names.iter().map(shortest).collect::<Option<Vec<String>>>() {
        Some(names) if names.iter().collect::<HashSet<_>>().len() == names.len() => Levels::of(&names),
        _ => levels,
    }
}

/// What the order of the visits rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// It is stated.
    Stated,
    /// The labels or the times tell it.
    Told,
    /// The labels are dates.
    Dates,
    /// Nothing tells it.
    Unknown,
}

/// The visits in their order, each with its place among the labels of the file.
struct Inferred {
    order: Vec<(usize, Visit)>,
    basis: Basis,
}

/// The order of the visits as times and labels tell it, never that of the rows; `None` where visits lack a time.
fn infer_order(layout: &Layout, sheet: &Sheet, labels: &[String], of_row: &[Option<usize>], findings: &mut Findings) -> Option<Inferred> {
    let inferred = |places: &[f64], times: Option<&[f64]>, basis: Basis| {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| places[a].total_cmp(&places[b]).then_with(|| labels[a].cmp(&labels[b])));
        let visit = |i: usize| (i, Visit { label: labels[i].clone(), time: times.map(|t| t[i]) });
        Inferred { order: order.into_iter().map(visit).collect(), basis }
    };
    let (inferred, how) = if let Some(time) = &layout.time_column {
        let times: Vec<Option<f64>> = times_of_visits(layout, sheet, labels, of_row, time, false, findings);
        let times: Vec<f64> = times.into_iter().collect::<Option<_>>()?;
        (inferred(&times, Some(&times), Basis::Told), format!("by the times in column `{}`", shown(time)))
    } else if let Some(column) = &layout.visit_order {
        let places: Vec<f64> = order_of_visits(layout, sheet, labels, of_row, column, findings)?;
        // Labels that are times themselves stay times, if both tell the same order.
        let times = labels::scale(labels).filter(|scale| scale.are_times).map(|scale| scale.places);
        let times = times.filter(|times| same_order(times, &places));
        (inferred(&places, times.as_deref(), Basis::Told), format!("by the numbers in column `{}`", shown(column)))
    } else if let Some(Dates::Known { places, are_days }) = dates::of(labels) {
        let times = are_days.then_some(places.as_slice());
        let taken = if are_days { ", whose days from the first are taken as their times" } else { "" };
        (inferred(&places, times, Basis::Dates), format!("by the dates in their labels{taken}"))
    } else if let Some(scale) = labels::scale(labels) {
        let times = scale.are_times.then_some(scale.places.as_slice());
        let taken = if scale.are_times { ", which are taken as their times" } else { "" };
        (inferred(&scale.places, times, Basis::Told), format!("by the numbers in their labels{taken}"))
    } else if let Some(ranks) = stages::ranks(labels) {
        (inferred(&ranks, None, Basis::Told), "by the stages that their labels name".to_string())
    } else if let Some(places) = places_of_codes(layout, sheet, labels) {
        (inferred(&places, None, Basis::Told), "by the codes that the file stores for them".to_string())
    } else if let [_] = labels {
        (inferred(&[0.0], None, Basis::Told), "as they are".to_string())
    } else {
        let inferred = inferred(&unknown_places(labels), None, Basis::Unknown);
        findings.warning(unknown_order(layout, labels, &inferred.order));
        (inferred, "by the alphabet".to_string())
    };
    let names: Vec<&str> = inferred.order.iter().map(|(_, v)| v.label.as_str()).collect();
    findings.inferred(format!("The visits are those in the data, ordered {how}: {}.", listed(&names)));
    Some(inferred)
}

/// The places of labels by the values that they stand for in the file. Values in the order of the alphabet say nothing:
/// programs give such to texts.
fn places_of_codes(layout: &Layout, sheet: &Sheet, labels: &[String]) -> Option<Vec<f64>> {
    let Shape::Long(column) = &layout.shape else { return None };
    let values = &sheet.column(column)?.declared.values;
    let places: Vec<f64> = labels.iter().map(|label| values.place(label).map(|place| place as f64)).collect::<Option<_>>()?;
    (!values.are_alphabetical()).then_some(places)
}

/// A word for the baseline first, the others as the alphabet has them.
fn unknown_places(labels: &[String]) -> Vec<f64> {
    let sorted = sorted(labels);
    let rank: HashMap<&str, usize> = sorted.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
    let baselines = labels.iter().filter(|l| labels::is_baseline(l)).count();
    let place = |label: &String| match baselines == 1 && labels::is_baseline(label) {
        true => -1.0,
        false => rank[label.as_str()] as f64,
    };
    labels.iter().map(place).collect()
}

fn unknown_order(layout: &Layout, labels: &[String], order: &[(usize, Visit)]) -> Warning {
    let column = match &layout.shape {
        Shape::Long(column) => Some(column.as_str()),
        Shape::Wide => None,
    };
    let why = match dates::of(labels) {
        Some(Dates::Ambiguous) => "the labels of the visits are dates whose day and month cannot be told apart",
        _ => "the labels of the visits do not tell their order",
    };
    let names: Vec<&str> = order.iter().map(|(_, v)| v.label.as_str()).collect();
    let message =
        Message::from(format!("{why}; they stand as {}, and what depends on their order is refused; state it with ", listed(&names)));
    Warning::new(WarningKind::VisitOrder, column, message.setting(Setting::Visits))
}

/// The time of each label by the time column, problems where a visit has none or two. Where labels in the file are
/// strangers to those declared, one of them may be that of a visit without a time.
fn times_of_visits(
    layout: &Layout,
    sheet: &Sheet,
    labels: &[String],
    of_row: &[Option<usize>],
    time: &str,
    has_strangers: bool,
    findings: &mut Findings,
) -> Vec<Option<f64>> {
    let column = ValueColumn::new(layout, sheet, time, Use::Value);
    let mut times: Vec<Option<f64>> = vec![None; labels.len()];
    let mut told = vec![false; labels.len()];
    let mut faulty = vec![false; labels.len()];
    for (row, visit) in of_row.iter().enumerate() {
        let Some(visit) = *visit else { continue };
        let place = Place { row: Some(row), visit: Some(&labels[visit]), column: Some(time), patient: None };
        match (column.number(row), times[visit]) {
            (Err(fault), _) => {
                faulty[visit] = true;
                findings.problem(sheet, place, fault.message());
            }
            (Ok(Some(x)), None) => times[visit] = Some(x),
            (Ok(Some(x)), Some(first)) if x != first && !std::mem::replace(&mut told[visit], true) => {
                let message = says!(
                    "the visit has the times {first} and {x}; a visit has one planned time, and times that differ by patient are a covariate by visit"
                );
                findings.problem(sheet, place, message);
            }
            _ => {}
        }
    }
    // Where the column, a time or a visit could not be read, that has been said.
    let without = |visit: &usize| column.is_there() && times[*visit].is_none() && !faulty[*visit];
    if !told.contains(&true) && !has_strangers {
        for visit in (0..labels.len()).filter(without) {
            let place = Place { visit: Some(&labels[visit]), column: Some(time), ..Place::default() };
            let message = says!("the visit has no time in any row; fill it in, or declare the times with ").setting(Setting::VisitTimes);
            findings.problem(sheet, place, message);
        }
    }
    times
}

/// The number of each label by a column of the visits' order; problems where a visit has none or two.
fn order_of_visits(
    layout: &Layout,
    sheet: &Sheet,
    labels: &[String],
    of_row: &[Option<usize>],
    name: &str,
    findings: &mut Findings,
) -> Option<Vec<f64>> {
    let column = ValueColumn::new(layout, sheet, name, Use::Value);
    let mut numbers: Vec<Option<f64>> = vec![None; labels.len()];
    let mut told = vec![false; labels.len()];
    let mut faulty = vec![false; labels.len()];
    for (row, visit) in of_row.iter().enumerate() {
        let Some(visit) = *visit else { continue };
        let place = Place { row: Some(row), visit: Some(&labels[visit]), column: Some(name), patient: None };
        match (column.number(row), numbers[visit]) {
            (Err(fault), _) => {
                faulty[visit] = true;
                findings.problem(sheet, place, fault.message());
            }
            (Ok(Some(x)), None) => numbers[visit] = Some(x),
            (Ok(Some(x)), Some(first)) if x != first && !std::mem::replace(&mut told[visit], true) => {
                findings.problem(sheet, place, says!("the visit has the numbers {first} and {x}; a visit has one place in the order"));
            }
            _ => {}
        }
    }
    // Where the column or a number could not be read, that has been said.
    let without = |visit: &usize| column.is_there() && numbers[*visit].is_none() && !faulty[*visit];
    for visit in (0..labels.len()).filter(without) {
        let place = Place { visit: Some(&labels[visit]), column: Some(name), ..Place::default() };
        let message = says!("the visit has no number in any row, and so no place in the order; declare the visits with ");
        findings.problem(sheet, place, message.setting(Setting::Visits));
    }
    numbers.into_iter().collect()
}

/// Whether two lists of numbers order the same things alike.
fn same_order(a: &[f64], b: &[f64]) -> bool {
    (0..a.len()).all(|i| (0..i).all(|j| a[i].total_cmp(&a[j]) == b[i].total_cmp(&b[j])))
}

/// Visits without declared times, with those that all labels state.
fn with_times_of_labels(visits: Vec<Visit>, findings: &mut Findings) -> Vec<Visit> {
    let labels: Vec<String> = visits.iter().map(|v| v.label.clone()).collect();
    match labels::scale(&labels).filter(|s| s.are_times && visits.iter().all(|v| v.time.is_none())) {
        Some(scale) => {
            findings.inferred(format!("The times of the visits are the numbers in their labels: {}.", listed(&labels)));
            visits.into_iter().zip(scale.places).map(|(v, time)| Visit { time: Some(time), ..v }).collect()
        }
        None => visits,
    }
}

fn with_baseline(layout: &Layout, sheet: &Sheet, visits: Vec<Visit>, basis: Basis, findings: &mut Findings) -> Schedule {
    let schedule = Schedule::new(visits);
    let schedule = if basis == Basis::Unknown { schedule.in_unknown_order() } else { schedule };
    let label = match (&layout.baseline, schedule.visits().first()) {
        (Some(label), _) => label.clone(),
        (None, Some(first)) if is_baseline(first, basis) => {
            findings.inferred(format!("The baseline is `{}`, the first visit, by its name or time.", first.label));
            first.label.clone()
        }
        _ => {
            findings.inferred("No visit is the baseline: the first one is neither called so nor at time 0.");
            return schedule;
        }
    };
    match schedule.clone().with_baseline(&label) {
        Ok(schedule) => schedule,
        Err(error) => {
            findings.problem(sheet, Place::default().visit(Some(&label)), format!("the visit declared as the baseline: {error}"));
            schedule
        }
    }
}

/// The first of dates is at day 0 only because the days are counted from it.
fn is_baseline(first: &Visit, basis: Basis) -> bool {
    labels::is_baseline(&first.label) || (first.time == Some(0.0) && basis != Basis::Dates) || first.label.to_lowercase() == "t0"
}

/// Reports rows of a patient and visit that has a row already; the first one counts from here on.
fn drop_duplicates(sheet: &Sheet, patients: &Patients, schedule: &Schedule, of_row: &mut [Option<usize>], findings: &mut Findings) {
    // Sorted cells rather than a dense grid: the schedule may yet turn out to be absurdly long.
    let mut cells: Vec<(usize, usize, usize)> =
        patients.of_row.iter().zip(of_row.iter()).enumerate().filter_map(|(row, (p, v))| Some(((*p)?, (*v)?, row))).collect();
    // Most files have patients one after the other, and their visits in order.
    if cells.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)) {
        return;
    }
    cells.sort_unstable();
    let labels = schedule.labels();
    let mut first = None;
    for (patient, visit, row) in cells {
        match first {
            Some((p, v, first_row)) if (p, v) == (patient, visit) => {
                let place = Place::row(row).patient(&patients.ids[patient]).visit(Some(labels[visit]));
                let message = says!("the patient has this visit at {} already; keep one of the rows", sheet.row_name(first_row));
                findings.problem(sheet, place, message);
                of_row[row] = None;
            }
            _ => first = Some((patient, visit, row)),
        }
    }
}
