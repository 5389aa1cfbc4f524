//! Who is in the trial, and in which arm.

use std::collections::{HashMap, HashSet};

use super::findings::{Findings, Place};
use super::levels::{in_order, listed};
use super::sheet::Sheet;
use super::values::{Use, ValueColumn};
use crate::closest::suggestion;
use crate::error::{Message, says, shown};
use crate::trial::layout::{Layout, Shape};

/// The patients and their arms.
#[derive(Debug, Default)]
pub(super) struct Patients {
    pub ids: Vec<String>,
    pub arms: Vec<String>,
    pub arm_of: Vec<usize>,
    /// The patient of each row, `None` where the row names none that can be used.
    pub of_row: Vec<Option<usize>>,
}

/// Reads patients and arms; whoever is on the roster comes first.
pub(super) fn read(layout: &Layout, sheet: &Sheet, findings: &mut Findings) -> Patients {
    let mut ids: Vec<String> = vec![];
    let mut index: HashMap<String, usize> = HashMap::new();
    for (patient, _) in &layout.roster {
        if index.contains_key(patient) {
            findings.problem(
                sheet,
                Place::default().patient(patient),
                "the patient is more than once among the patients declared as randomized",
            );
        } else {
            index.insert(patient.clone(), ids.len());
            ids.push(patient.clone());
        }
    }
    let on_roster = ids.len();
    let of_row = rows(layout, sheet, &mut ids, &mut index, findings);
    if on_roster > 0 {
        strangers(sheet, &ids, on_roster, &of_row, findings);
    }
    let first_rows = first_rows(&of_row, ids.len());
    let named = arm_names(layout, sheet, &ids, &of_row, &index, findings);
    let arms = arms_in_order(layout, sheet, &named, findings);
    let arm_of = arm_of_each(layout, sheet, &ids, &named, &arms, &first_rows, findings);
    Patients { ids, arms, arm_of, of_row }
}

fn rows(
    layout: &Layout,
    sheet: &Sheet,
    ids: &mut Vec<String>,
    index: &mut HashMap<String, usize>,
    findings: &mut Findings,
) -> Vec<Option<usize>> {
    let column = ValueColumn::new(layout, sheet, &layout.patient, Use::Identifier).without_labels();
    let mut seen: Vec<Option<usize>> = vec![None; ids.len()];
    let mut of_row: Vec<Option<usize>> = Vec::with_capacity(sheet.rows);
    for row in 0..sheet.rows {
        // Most rows of a long file are those of the patient before.
        if let Some(patient) = of_row.last().copied().flatten().filter(|_| layout.shape != Shape::Wide && column.repeats(row)) {
            of_row.push(Some(patient));
            continue;
        }
        let Some(id) = column.text(row) else {
            findings.problem(
                sheet,
                Place::row(row).column(&layout.patient),
                says!("the row has no patient identifier; give one or delete the row"),
            );
            of_row.push(None);
            continue;
        };
        let patient = match index.get(id.as_ref()) {
            Some(&patient) => patient,
            None => {
                index.insert(id.to_string(), ids.len());
                ids.push(id.to_string());
                ids.len() - 1
            }
        };
        seen.resize(ids.len(), None);
        match seen[patient] {
            Some(first) if layout.shape == Shape::Wide => {
                let message = says!("the patient has another row at {}; a wide file has one row per patient", sheet.row_name(first));
                findings.problem(sheet, Place::row(row).patient(&id).column(&layout.patient), message);
                of_row.push(None);
            }
            _ => {
                seen[patient] = seen[patient].or(Some(row));
                of_row.push(Some(patient));
            }
        }
    }
    of_row
}

fn strangers(sheet: &Sheet, ids: &[String], on_roster: usize, of_row: &[Option<usize>], findings: &mut Findings) {
    let mut told = vec![false; ids.len()];
    for (row, patient) in of_row.iter().enumerate() {
        if let Some(patient) = patient.filter(|&p| p >= on_roster && !told[p]) {
            told[patient] = true;
            let message = says!("the patient is not among those declared as randomized; declare the patient or correct the identifier");
            findings.problem(sheet, Place::row(row).patient(&ids[patient]), message);
        }
    }
}

fn first_rows(of_row: &[Option<usize>], patients: usize) -> Vec<Option<usize>> {
    let mut first = vec![None; patients];
    for (row, patient) in of_row.iter().enumerate() {
        if let Some(patient) = *patient {
            first[patient] = first[patient].or(Some(row));
        }
    }
    first
}

/// The arm of each patient by name, as the file and the roster have it.
#[derive(Debug, Default)]
struct NamedArms {
    names: Vec<String>,
    index: HashMap<String, usize>,
    of_patient: Vec<Option<usize>>,
}

impl NamedArms {
    fn intern(&mut self, name: &str) -> usize {
        if let Some(&arm) = self.index.get(name) {
            return arm;
        }
        self.index.insert(name.to_string(), self.names.len());
        self.names.push(name.to_string());
        self.names.len() - 1
    }
}

fn arm_names(
    layout: &Layout,
    sheet: &Sheet,
    ids: &[String],
    of_row: &[Option<usize>],
    index: &HashMap<String, usize>,
    findings: &mut Findings,
) -> NamedArms {
    let mut named = NamedArms { of_patient: vec![None; ids.len()], ..NamedArms::default() };
    let Some(arm_column) = &layout.arm else { return named };
    for (patient, arm) in &layout.roster {
        let arm = named.intern(arm);
        named.of_patient[index[patient]] = Some(arm);
    }
    let column = ValueColumn::new(layout, sheet, arm_column, Use::Identifier);
    let mut stated_at: Vec<Option<usize>> = vec![None; ids.len()];
    let mut told = vec![false; ids.len()];
    for (row, patient) in of_row.iter().enumerate() {
        // What the row before said of the patient need not be said again.
        if row > 0 && of_row[row - 1] == *patient && column.repeats(row) {
            continue;
        }
        let (Some(patient), Some(name)) = (*patient, column.text(row)) else { continue };
        let arm = named.intern(&name);
        match named.of_patient[patient] {
            Some(other) if other != arm => {
                if !std::mem::replace(&mut told[patient], true) {
                    let message = two_arms(sheet, &named.names[other], stated_at[patient], &name);
                    findings.problem(sheet, Place::row(row).patient(&ids[patient]).column(arm_column), message);
                }
            }
            _ => {
                named.of_patient[patient] = Some(arm);
                stated_at[patient] = stated_at[patient].or(Some(row));
            }
        }
    }
    named
}

fn two_arms(sheet: &Sheet, first: &str, stated_at: Option<usize>, second: &str) -> Message {
    let place =
        stated_at.map_or_else(|| "among the patients declared as randomized".to_string(), |row| format!("at {}", sheet.row_name(row)));
    let (first, second) = (shown(first), shown(second));
    says!("the patient is in two arms: `{first}` {place} and `{second}` here; a patient stays in the arm of randomization")
}

/// The arms, the reference first.
fn arms_in_order(layout: &Layout, sheet: &Sheet, named: &NamedArms, findings: &mut Findings) -> Vec<String> {
    if layout.arm.is_none() {
        return vec!["all".into()];
    }
    let by_number = layout.arm_order.as_ref().filter(|_| layout.arms.is_empty());
    let ordered = by_number.and_then(|column| arms_by_number(layout, sheet, named, column, findings));
    let labels = layout.arm.as_ref().and_then(|arm| sheet.column(arm)).map(|column| &column.declared.values);
    let (in_data, how) = in_order(&named.names, labels);
    let mut arms = if layout.arms.is_empty() { in_data } else { layout.arms.clone() };
    if let (Some(ordered), Some(column)) = (ordered, by_number) {
        arms = ordered;
        findings.inferred(format!(
            "The arms are those in the data, ordered by the numbers in column `{}`: {}.",
            shown(column),
            listed(&arms)
        ));
    } else if layout.arms.is_empty() {
        findings.inferred(format!("The arms are those in the data, {how}: {}.", listed(&arms)));
    }
    match &layout.reference_arm {
        None => {
            if let (Some(first), true) = (arms.first(), layout.arms.is_empty()) {
                findings.inferred(format!("The reference arm is `{first}`, the first in order."));
            }
        }
        Some(reference) => match arms.iter().position(|a| a == reference) {
            Some(position) => {
                let reference = arms.remove(position);
                arms.insert(0, reference);
            }
            None => {
                let message = format!(
                    "there is no arm `{}`, declared as the reference; the arms are {}{}",
                    shown(reference),
                    listed(&arms),
                    suggestion(reference, &arms)
                );
                findings.problem(sheet, Place { column: layout.arm.as_deref(), ..Place::default() }, message);
            }
        },
    }
    arms
}

/// The arms in the order of the numbers in a column; `None` where one has no number or two.
fn arms_by_number(layout: &Layout, sheet: &Sheet, named: &NamedArms, name: &str, findings: &mut Findings) -> Option<Vec<String>> {
    let (arm, column) = (layout.arm.as_deref()?, ValueColumn::new(layout, sheet, name, Use::Value));
    let arms = ValueColumn::new(layout, sheet, arm, Use::Identifier);
    let mut numbers: Vec<Option<f64>> = vec![None; named.names.len()];
    let mut clean = true;
    for row in 0..sheet.rows {
        let Some(&arm) = arms.text(row).and_then(|label| named.index.get(label.as_ref())) else { continue };
        match (column.number(row), numbers[arm]) {
            (Ok(Some(x)), None) => numbers[arm] = Some(x),
            (Ok(Some(x)), Some(first)) if x != first => {
                let label = shown(&named.names[arm]);
                findings.problem(
                    sheet,
                    Place::row(row).column(name),
                    says!("the arm `{label}` has the numbers {first} and {x}; an arm has one place in the order"),
                );
                clean = false;
            }
            (Err(fault), _) => {
                findings.problem(sheet, Place::row(row).column(name), fault.message());
                clean = false;
            }
            _ => {}
        }
    }
    let numbers: Option<Vec<f64>> = numbers.into_iter().collect();
    let mut ordered: Vec<(f64, &String)> = numbers.filter(|_| clean)?.into_iter().zip(&named.names).collect();
    ordered.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    Some(ordered.into_iter().map(|(_, name)| name.clone()).collect())
}

fn arm_of_each(
    layout: &Layout,
    sheet: &Sheet,
    ids: &[String],
    named: &NamedArms,
    arms: &[String],
    first_rows: &[Option<usize>],
    findings: &mut Findings,
) -> Vec<usize> {
    if layout.arm.is_none() {
        return vec![0; ids.len()];
    }
    let places: HashMap<&str, usize> = arms.iter().enumerate().rev().map(|(i, arm)| (arm.as_str(), i)).collect();
    let position: Vec<Option<usize>> = named.names.iter().map(|name| places.get(name.as_str()).copied()).collect();
    let taken: HashSet<Option<usize>> = named.of_patient.iter().map(|arm| arm.and_then(|a| position[a])).collect();
    let mut arm_of = Vec::with_capacity(ids.len());
    for (patient, id) in ids.iter().enumerate() {
        let place = Place { row: first_rows[patient], patient: Some(id), column: layout.arm.as_deref(), ..Place::default() };
        let arm = match named.of_patient[patient] {
            None => {
                findings.problem(sheet, place, says!("the patient has no arm; everyone randomized was randomized to something"));
                None
            }
            Some(arm) if position[arm].is_none() => {
                let name = &named.names[arm];
                let message = says!("`{}` is not among the arms declared, {}{}", shown(name), listed(arms), suggestion(name, arms)).each();
                findings.problem(sheet, place, message);
                None
            }
            Some(arm) => position[arm],
        };
        arm_of.push(arm.unwrap_or(0));
    }
    // Where a patient has no arm, or one that is not declared, it may be the one that nobody is in.
    let has_strangers = named.of_patient.iter().any(|arm| arm.is_none_or(|arm| position[arm].is_none()));
    for (arm, name) in arms.iter().enumerate().filter(|_| !has_strangers) {
        if !layout.part && !layout.arms.is_empty() && !taken.contains(&Some(arm)) {
            let message = format!("no patient is in arm `{}`; leave it out of the declared arms or check the data", shown(name));
            findings.problem(sheet, Place { column: layout.arm.as_deref(), ..Place::default() }, message);
        }
    }
    arm_of
}
