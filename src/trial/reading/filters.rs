//! Patients, visits and rows that a layout leaves out.

use crate::table::agreeing;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::findings::{Findings, Place};
use super::levels::{listed, sorted};
use super::profile::Profile;
use super::sheet::{Cell, Cells, Sheet, SheetColumn};
use super::values::{Use, ValueColumn};
use crate::closest::suggestion;
use crate::error::{says, shown};
use crate::trial::columns::Columns;
use crate::trial::condition::same;
use crate::trial::layout::{Layout, Shape};
use crate::trial::{Condition, LeftOut, LeftOutOf, Warning, WarningKind};

/// The rows of a sheet that are read, and what was left out.
pub(super) fn apply(layout: &Layout, sheet: Sheet, findings: &mut Findings) -> (Sheet, Vec<LeftOut>) {
    let filters = &layout.filters;
    if filters.is_empty() || sheet.rows == 0 || sheet.column(&layout.patient).is_none() {
        return (sheet, vec![]);
    }
    let mut selection = Selection::of(layout, &sheet);
    for condition in &filters.patients {
        selection.keep_patients(condition, findings);
    }
    if !filters.visits.is_empty() {
        selection.drop_visits(findings);
    }
    for condition in &filters.rows {
        selection.keep_rows(condition, findings);
    }
    let Selection { kept, left_out, bare, .. } = selection;
    (reduced(layout, sheet, &kept, &bare), left_out)
}

/// Which rows of a sheet are left.
struct Selection<'a> {
    layout: &'a Layout,
    sheet: &'a Sheet,
    /// The patient of each row, `None` where it names none.
    patient_of: Vec<Option<usize>>,
    kept: Vec<bool>,
    /// The first row of each patient who is in the trial though no row of theirs is left.
    bare: Vec<usize>,
    left_out: Vec<LeftOut>,
    /// What the condition at hand names and no row has, and what there is.
    hint: String,
}

impl<'a> Selection<'a> {
    fn of(layout: &'a Layout, sheet: &'a Sheet) -> Self {
        let patient_of = patients(layout, sheet);
        Self { layout, sheet, kept: vec![true; sheet.rows], patient_of, bare: vec![], left_out: vec![], hint: String::new() }
    }

    fn column(&self, name: &'a str) -> ValueColumn<'a> {
        // Of the sheet, not of the selection, which goes on changing.
        ValueColumn::new(self.layout, self.sheet, name, Use::Value)
    }

    fn keep_patients(&mut self, condition: &'a Condition, findings: &mut Findings) {
        let Some(answers) = self.answers(condition, findings) else { return };
        let column = self.column(condition.column());
        let patients = self.patient_of.iter().flatten().max().map_or(0, |last| last + 1);
        // What is known of a patient in one row holds in all.
        let mut of_patient: Vec<Option<(bool, usize)>> = vec![None; patients];
        let mut told = vec![false; patients];
        for row in (0..self.sheet.rows).filter(|&row| self.kept[row]) {
            let (Some(patient), Some(text)) = (self.patient_of[row], column.text(row)) else { continue };
            match of_patient[patient] {
                None => of_patient[patient] = Some((answers[row], row)),
                Some((first, at)) if first != answers[row] && !std::mem::replace(&mut told[patient], true) => {
                    let before = column.text(at).unwrap_or_default();
                    let message = says!(
                        "whether {condition} differs between the rows of the patient: `{}` ({}) and `{}` here; a condition on patients needs a column with one value per patient, a condition on rows goes to `keep-rows`",
                        shown(&before),
                        self.sheet.row_name(at),
                        shown(&text)
                    );
                    let id = self.id(row);
                    findings.problem(self.sheet, Place::row(row).patient(&id).column(condition.column()), message);
                }
                Some(_) => {}
            }
        }
        let missing = condition.holds(None, None, None);
        let meets = |patient: usize| of_patient[patient].map_or(missing, |(answer, _)| answer);
        let of_row = self.patient_of.clone();
        let kept = self.in_words(condition);
        self.keep(LeftOutOf::Patients, kept, condition.stated_reason(), |row| of_row[row].is_none_or(meets), findings);
    }

    fn keep_rows(&mut self, condition: &'a Condition, findings: &mut Findings) {
        let Some(answers) = self.answers(condition, findings) else { return };
        let kept = self.in_words(condition);
        self.keep(LeftOutOf::Rows, kept, condition.stated_reason(), |row| answers[row], findings);
    }

    /// What those that are read have in common, without the names of patients.
    fn in_words(&self, condition: &Condition) -> String {
        if condition.column() == self.layout.patient { condition.in_general() } else { condition.to_string() }
    }

    fn drop_visits(&mut self, findings: &mut Findings) {
        let Shape::Long(column) = &self.layout.shape else { return };
        if self.sheet.column(column).is_none() {
            return;
        }
        let dropped = &self.layout.filters.visits;
        let cells = ValueColumn::new(self.layout, self.sheet, column, Use::Identifier);
        self.tell_strangers("drop-visits", column, dropped.iter().map(String::as_str), &cells, true, findings);
        let is_kept = |row: usize| {
            let is = |text: Option<Cow<'_, str>>| text.is_some_and(|text| dropped.iter().any(|visit| same(visit, &text)));
            !is(cells.text(row)) && !is(cells.code(row))
        };
        let kept = format!("{column} is not {}", dropped.join(" or "));
        self.keep(LeftOutOf::Visits, kept, None, is_kept, findings);
    }

    /// Whether each row meets a condition; `None` where its column is not in the file or not what it asks for.
    fn answers(&mut self, condition: &'a Condition, findings: &mut Findings) -> Option<Vec<bool>> {
        let name = condition.column();
        self.sheet.column(name)?;
        let column = self.column(name);
        self.tell_strangers("condition", name, condition.named(), &column, !condition.only_excludes(), findings);
        let mut wrong = false;
        let answers = (0..self.sheet.rows).map(|row| {
            let number = match (condition.is_numeric(), column.number(row)) {
                (false, _) => None,
                (true, Ok(number)) => number,
                (true, Err(fault)) => {
                    if self.kept[row] {
                        let id = self.id(row);
                        findings.problem(self.sheet, Place::row(row).patient(&id).column(name), fault.message());
                        wrong = true;
                    }
                    None
                }
            };
            condition.holds(column.text(row).as_deref(), column.code(row).as_deref(), number)
        });
        let answers: Vec<bool> = answers.collect();
        (!wrong).then_some(answers)
    }

    /// Warns of values that are named and that no row has: where they would be kept, or nearly are a value of the file.
    fn tell_strangers<'b>(
        &mut self,
        what: &str,
        name: &str,
        named: impl Iterator<Item = &'b str>,
        column: &ValueColumn<'_>,
        always: bool,
        findings: &mut Findings,
    ) {
        self.hint.clear();
        let mut known: Vec<String> = vec![];
        let mut named: Vec<&str> = named.collect();
        if self.layout.part || named.is_empty() {
            return;
        }
        for row in 0..self.sheet.rows {
            if let Some(text) = column.text(row).filter(|text| !known.iter().any(|k| k == text.as_ref())) {
                let code = column.code(row).unwrap_or_default();
                named.retain(|value| !same(value, &text) && !same(value, &code));
                if known.len() < VALUES {
                    known.push(text.into_owned());
                }
            }
            if named.is_empty() {
                return;
            }
        }
        if name == self.layout.patient && !named.is_empty() {
            self.hint = format!("; {} of the patients that it names {} no row", named.len(), agreeing(named.len(), "has", "have"));
            let message = format!(
                "{} of the patients that a condition names in `{}` {} no row",
                named.len(),
                shown(name),
                agreeing(named.len(), "has", "have")
            );
            findings.warning(Warning::new(WarningKind::Condition, Some(name), message));
            return;
        }
        for value in named {
            let meant = suggestion(value, &known);
            self.hint = format!("; no row has `{}`; there are {}{meant}", shown(value), listed(&sorted(&known)));
            if always || !meant.is_empty() {
                let message = format!(
                    "no row has `{}` in `{}`, which a {what} names; there are {}{meant}",
                    shown(value),
                    shown(name),
                    listed(&sorted(&known))
                );
                findings.warning(Warning::new(WarningKind::Condition, Some(name), message));
            }
        }
    }

    /// Leaves out the rows that are not kept, and counts them.
    fn keep(&mut self, of: LeftOutOf, kept: String, reason: Option<&str>, keeps: impl Fn(usize) -> bool, findings: &mut Findings) {
        let before = self.first_rows();
        let leaves: Vec<usize> = (0..self.sheet.rows).filter(|&row| self.kept[row] && !keeps(row)).collect();
        leaves.iter().for_each(|&row| self.kept[row] = false);
        let after = self.first_rows();
        let gone: Vec<usize> = before.iter().filter(|(patient, _)| !after.contains_key(patient)).map(|(_, &row)| row).collect();
        if after.is_empty() && !before.is_empty() && !self.layout.part {
            let message = says!("no row is left where {kept}{}: correct the condition, or the one before it", self.hint);
            findings.problem(self.sheet, Place::default(), message);
        }
        if of != LeftOutOf::Patients {
            self.bare.extend(&gone);
        }
        let (patients, rows) = (gone.len(), leaves.len());
        let by_arm = if of == LeftOutOf::Patients { self.by_arm(&gone) } else { vec![] };
        self.left_out.push(LeftOut { of, kept, reason: reason.map(Into::into), patients, by_arm, rows });
    }

    /// How many of these rows, one per patient, are of each arm.
    fn by_arm(&self, rows: &[usize]) -> Vec<(String, usize)> {
        let Some(arm) = self.layout.arm.as_deref().filter(|arm| self.sheet.column(arm).is_some()) else { return vec![] };
        let column = ValueColumn::new(self.layout, self.sheet, arm, Use::Identifier);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        rows.iter().filter_map(|&row| column.text(row)).for_each(|arm| *counts.entry(arm.into_owned()).or_default() += 1);
        counts.into_iter().collect()
    }

    /// The first row that is left of each patient.
    fn first_rows(&self) -> HashMap<usize, usize> {
        let mut first = HashMap::new();
        for row in (0..self.sheet.rows).filter(|&row| self.kept[row]) {
            if let Some(patient) = self.patient_of[row] {
                first.entry(patient).or_insert(row);
            }
        }
        first
    }

    fn id(&self, row: usize) -> String {
        let column = ValueColumn::new(self.layout, self.sheet, &self.layout.patient, Use::Identifier);
        column.text(row).unwrap_or_default().into_owned()
    }
}

/// So many values of a column are compared with one that no row has.
const VALUES: usize = 200;

/// The patient of each row.
fn patients(layout: &Layout, sheet: &Sheet) -> Vec<Option<usize>> {
    let ids = ValueColumn::new(layout, sheet, &layout.patient, Use::Identifier);
    let mut index: HashMap<String, usize> = HashMap::new();
    (0..sheet.rows)
        .map(|row| {
            let id = ids.text(row)?;
            let next = index.len();
            Some(*index.entry(id.into_owned()).or_insert(next))
        })
        .collect()
}

/// The rows that are kept. Patients without any keep one that says what is known of them in all their rows: the arm and
/// what does not differ between the rows of any patient.
fn reduced(layout: &Layout, sheet: Sheet, kept: &[bool], bare: &[usize]) -> Sheet {
    let bare: HashSet<usize> = bare.iter().copied().collect();
    let patient_of = if bare.is_empty() { vec![] } else { patients(layout, &sheet) };
    let rows: Vec<(usize, bool)> = (0..sheet.rows)
        .filter_map(|row| match (kept[row], bare.contains(&row)) {
            (true, _) => Some((row, false)),
            (false, true) => Some((row, true)),
            _ => None,
        })
        .collect();
    let stays = |name: &str| -> bool { bare.is_empty() || is_of_patients(layout, &sheet, &patient_of, name) };
    let columns = sheet.columns.iter().map(|column| {
        let of_patients = stays(&column.name);
        let cells = column.cells.chosen(rows.iter().map(|&(row, bare)| (!bare || of_patients).then_some(row)));
        SheetColumn { name: column.name.clone(), cells, profile: Profile::default(), declared: column.declared.clone() }
    });
    let columns = columns.collect();
    let lines = (0..sheet.rows).map(|row| sheet.lines.as_ref().map_or((sheet.first_row + row + 1) as u64, |lines| lines[row]));
    let lines: Vec<u64> = lines.collect();
    let lines = Some(rows.iter().map(|&(row, _)| lines[row]).collect());
    let are_rows = sheet.are_rows || sheet.lines.is_none();
    Sheet { columns, lines, are_rows, rows: rows.len(), ..sheet }
}

/// Whether a column says something of patients and not of visits.
fn is_of_patients(layout: &Layout, sheet: &Sheet, patient_of: &[Option<usize>], name: &str) -> bool {
    if name == layout.patient || Some(name) == layout.arm.as_deref() {
        return true;
    }
    let (Shape::Long(_), Some(column)) = (&layout.shape, sheet.column(name)) else { return false };
    let measured = layout.outcomes.iter().map(|o| &o.columns).chain(layout.instruments().flat_map(|i| &i.items));
    let is_visit = matches!(&layout.shape, Shape::Long(visit) if visit == name) || layout.time_column.as_deref() == Some(name);
    if is_visit || measured.flat_map(Columns::names).any(|measured| measured == name) {
        return false;
    }
    let mut first: HashMap<usize, usize> = HashMap::new();
    patient_of.iter().enumerate().all(|(row, patient)| {
        let Some(patient) = *patient else { return true };
        let at = *first.entry(patient).or_insert(row);
        column.cells.get(at) == column.cells.get(row)
    })
}

impl Cells {
    /// The cells of these rows in this order, empty ones where there is no row.
    pub fn chosen(&self, rows: impl Iterator<Item = Option<usize>>) -> Cells {
        match self {
            Cells::Numbers(numbers) => Cells::Numbers(rows.map(|row| row.map_or(f64::NAN, |row| numbers[row])).collect()),
            Cells::Mixed { numbers, texts } => {
                let cell = |row: Option<usize>| row.map_or((f64::NAN, String::new()), |row| (numbers[row], texts[row].clone()));
                let (numbers, texts) = rows.map(cell).unzip();
                Cells::Mixed { numbers, texts }
            }
            Cells::Text { .. } => {
                let mut cells = Cells::text();
                for row in rows {
                    match row.map(|row| self.get(row)) {
                        Some(Cell::Text(text)) => cells.push_text(text),
                        _ => cells.push_text(""),
                    }
                }
                cells
            }
        }
    }
}
