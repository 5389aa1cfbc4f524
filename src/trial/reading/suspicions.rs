//! What in the data looks like a mistake although it can be read.

use crate::table::{agreeing, counted};
use std::collections::{BTreeMap, BTreeSet};

use super::findings::{Findings, Place};
use super::grid::Grid;
use super::levels::listed;
use super::look_alikes;
use super::sheet::{Cell, Cells, SheetColumn};
use crate::error::{Message, Setting, shown};
use crate::instruments::{NamedInstrument, Registry};
use crate::trial::layout::{Layout, Shape};
use crate::trial::{Kind, Outcome, Role, Scope, Variable, Warning, WarningKind};

/// Numbers that people write where they have none.
const CODES: [f64; 16] =
    [99.0, 999.0, 9999.0, 99999.0, 88.0, 888.0, 8888.0, 777.0, 7777.0, -9.0, -99.0, -999.0, -9999.0, -8.0, -88.0, -77.0];

/// So many labels, or pairs of them, are named.
const NAMED: usize = 5;

/// Warns of what looks like a mistake, each kind once with its counts.
pub(super) fn look(grid: &Grid<'_>, outcomes: &[Outcome], variables: &[Variable], findings: &mut Findings) {
    labels(grid, variables, findings);
    small_arms(grid, findings);
    numbers(outcomes, variables, findings);
    ranges(outcomes, findings);
    visit_column(grid, findings);
    same_columns(grid, findings);
}

/// Labels with how many patients have each.
struct Labels<'a> {
    /// What they are, as a sentence has it.
    what: String,
    column: Option<&'a str>,
    labels: Vec<&'a str>,
    patients: Vec<usize>,
    /// What declares them, where they can be and are not declared: then one with a single patient is a mistake.
    declared_by: Option<Setting>,
}

fn labels(grid: &Grid<'_>, variables: &[Variable], findings: &mut Findings) {
    let layout = grid.layout;
    let mut of_arm = vec![0; grid.patients.arms.len()];
    grid.patients.arm_of.iter().for_each(|&arm| of_arm[arm] += 1);
    let mut all = vec![Labels {
        what: "arms".into(),
        column: layout.arm.as_deref(),
        labels: grid.patients.arms.iter().map(String::as_str).collect(),
        patients: of_arm,
        declared_by: layout.arms.is_empty().then_some(Setting::Arms),
    }];
    if let Shape::Long(column) = &layout.shape {
        // A patient has a visit once.
        let mut at_visit = vec![0; grid.width()];
        grid.records().for_each(|r| at_visit[r.visit] += 1);
        all.push(Labels {
            what: "visits".into(),
            column: Some(column),
            labels: grid.visits.schedule.labels(),
            patients: at_visit,
            declared_by: layout.visits.is_empty().then_some(Setting::Visits),
        });
    }
    for factor in variables.iter().filter(|v| v.is_factor() && Some(v.name()) != layout.arm.as_deref()) {
        let declared = layout.levels.iter().any(|(name, _)| name == factor.name());
        all.push(Labels {
            what: format!("levels of `{}`", shown(factor.name())),
            column: Some(factor.name()),
            labels: factor.levels().iter().map(String::as_str).collect(),
            patients: patients_of_levels(grid, factor),
            declared_by: (!declared && factor.role() != Role::Cluster).then_some(Setting::Levels),
        });
    }
    all.iter().for_each(|labels| alike(grid, labels, findings));
    alike_patients(grid, findings);
}

fn patients_of_levels(grid: &Grid<'_>, factor: &Variable) -> Vec<usize> {
    let mut patients = vec![0; factor.levels().len()];
    let mut last = vec![None; patients.len()];
    let visits = if factor.scope() == Scope::Patient { 1 } else { grid.width() };
    for patient in 0..grid.patients.ids.len() {
        for level in (0..visits).filter_map(|visit| factor.level(patient, visit, grid.width())) {
            if last[level].replace(patient) != Some(patient) {
                patients[level] += 1;
            }
        }
    }
    patients
}

fn alike(grid: &Grid<'_>, of: &Labels<'_>, findings: &mut Findings) {
    let groups = look_alikes::groups(&of.labels);
    if groups.len() > NAMED {
        let message = format!("{} groups of {} look alike, of which {NAMED} are named", groups.len(), of.what);
        findings.warning(Warning::new(WarningKind::LookAlikeLabels, of.column, message));
    }
    for group in groups.into_iter().take(NAMED) {
        let named: Vec<String> =
            group.iter().take(NAMED).map(|&i| format!("{} ({})", revealed(of.labels[i]), patients(of.patients[i]))).collect();
        let found = format!("{} {} look alike: {}", of.what, difference(&of.labels, &group), named.join(", "));
        match of.declared_by {
            Some(setting) if group.iter().any(|&i| of.patients[i] == 1) => {
                let message = Message::from(format!("{found}; write them alike, or declare both with ")).setting(setting);
                findings.problem(grid.sheet, Place { column: of.column, ..Place::default() }, message.then(" if they are two"));
            }
            _ => findings.warning(Warning::new(
                WarningKind::LookAlikeLabels,
                of.column,
                format!("{found}; they count as {}, and have to be written alike in the file if they are one", group.len()),
            )),
        }
    }
}

/// Patients are cited by their rows: warnings stand in reports, which name nobody.
fn alike_patients(grid: &Grid<'_>, findings: &mut Findings) {
    let ids = &grid.patients.ids;
    let groups = look_alikes::groups(ids);
    if groups.is_empty() {
        return;
    }
    let mut first = vec![None; ids.len()];
    grid.patients.of_row.iter().enumerate().for_each(|(row, patient)| {
        if let Some(patient) = *patient {
            first[patient].get_or_insert(row);
        }
    });
    let places =
        |group: &Vec<usize>| group.iter().filter_map(|&i| first[i]).map(|row| grid.sheet.row_name(row)).collect::<Vec<_>>().join(" and ");
    let message = format!(
        "identifiers of {} patients look like those of others {}: {}{}; they count as different patients",
        groups.iter().map(Vec::len).sum::<usize>(),
        difference(ids, &groups[0]),
        groups.iter().take(NAMED).map(places).collect::<Vec<_>>().join("; "),
        if groups.len() > NAMED { "; …" } else { "" }
    );
    findings.warning(Warning::new(WarningKind::LookAlikeLabels, Some(&grid.layout.patient), message));
}

/// In what look-alikes differ, as far as one word says it.
fn difference<S: AsRef<str>>(labels: &[S], group: &[usize]) -> &'static str {
    let distinct = |of: &dyn Fn(&str) -> String| group.iter().map(|&i| of(labels[i].as_ref())).collect::<BTreeSet<String>>().len();
    match () {
        () if distinct(&|l| l.to_lowercase()) == 1 => "that differ in case alone",
        () if distinct(&|l| l.split_whitespace().collect()) == 1 => "that differ in blanks alone",
        () if group.iter().all(|&i| labels[i].as_ref().is_ascii()) => "that differ in case, blanks or decimals alone",
        () => "that differ in invisible ways, such as letters of another alphabet,",
    }
}

/// A label whose unusual characters are named: `Drug` with a Cyrillic letter would look like `Drug`.
fn revealed(label: &str) -> String {
    let strange: BTreeSet<char> = label.chars().filter(|c| !c.is_ascii()).collect();
    let named: Vec<String> = strange.iter().take(3).map(|c| format!("U+{:04X}", u32::from(*c))).collect();
    match named.is_empty() {
        true => format!("`{}`", shown(label)),
        false => format!("`{}` with {}", shown(label), named.join(", ")),
    }
}

fn patients(n: usize) -> String {
    counted(n, "patient").to_string()
}

fn small_arms(grid: &Grid<'_>, findings: &mut Findings) {
    let arms = &grid.patients.arms;
    if arms.len() < 2 || grid.layout.part {
        return;
    }
    let mut of_arm = vec![0_usize; arms.len()];
    grid.patients.arm_of.iter().for_each(|&arm| of_arm[arm] += 1);
    let all: usize = of_arm.iter().sum();
    let small = |&arm: &usize| of_arm[arm] < 2 || of_arm[arm] * 10 * (arms.len() - 1) < all - of_arm[arm];
    let found: Vec<String> =
        (0..arms.len()).filter(small).map(|arm| format!("`{}` ({})", shown(&arms[arm]), patients(of_arm[arm]))).collect();
    if !found.is_empty() {
        let more = if found.len() > NAMED { format!(" and {} more", found.len() - NAMED) } else { String::new() };
        let named = found.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("hardly anyone is in arm {named}{more}, of {}; check the column of the arm", patients(all));
        findings.warning(Warning::new(WarningKind::SmallArm, grid.layout.arm.as_deref(), message));
    }
}

/// Numbers that stand for a missing value.
fn numbers(outcomes: &[Outcome], variables: &[Variable], findings: &mut Findings) {
    let of_outcomes = outcomes.iter().filter(|o| o.range.is_none()).map(|o| (o.name.as_str(), o.values.as_slice()));
    let of_variables = variables.iter().filter(|v| v.role() == Role::Covariate && v.kind() == Kind::Number);
    let of_variables = of_variables.filter_map(|v| Some((v.name(), v.numbers()?)));
    for (name, values) in of_outcomes.chain(of_variables) {
        let found = codes_among(values);
        if found.is_empty() {
            continue;
        }
        let named: Vec<String> =
            found.iter().map(|(code, n)| if *n == 1 { format!("{code} (once)") } else { format!("{code} ({n} times)") }).collect();
        let message = Message::from(format!(
            "`{}` has the value {}, far outside all others; if it stands for a missing value, declare it with ",
            shown(name),
            named.join(" and ")
        ));
        findings.warning(Warning::new(WarningKind::MissingCode, Some(name), message.setting(Setting::MissingCode)));
    }
}

/// The codes of a missing value that occur, and how often, where they are far outside everything else.
fn codes_among(values: &[f64]) -> Vec<(f64, usize)> {
    if !values.iter().any(|x| CODES.contains(x)) {
        return vec![];
    }
    let mut rest: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan() && !CODES.contains(x)).collect();
    if rest.len() < 4 {
        return vec![];
    }
    rest.sort_by(f64::total_cmp);
    let quartile = |of: usize| rest[(rest.len() - 1) * of / 4];
    let (lowest, highest) = (rest[0], rest[rest.len() - 1]);
    let reach = 3.0 * (quartile(3) - quartile(1));
    let is_far = |code: f64| match code < 0.0 {
        // Where nothing else is negative, nothing could be.
        true => code < lowest && (lowest >= 0.0 || code < quartile(1) - reach),
        false => code > highest && code > quartile(3) + reach,
    };
    let count = |code: f64| values.iter().filter(|x| **x == code).count();
    CODES.into_iter().map(|code| (code, count(code))).filter(|&(code, n)| n > 0 && is_far(code)).collect()
}

/// Scores beyond the range of the instrument that has them.
fn ranges(outcomes: &[Outcome], findings: &mut Findings) {
    let registry = Registry::new();
    let known: Vec<_> = registry
        .names()
        .into_iter()
        .filter_map(|name| registry.instrument(&NamedInstrument::new(name)).ok())
        .flat_map(|i| i.scores())
        .collect();
    for outcome in outcomes.iter().filter(|o| o.range.is_none()) {
        let Some(score) = known.iter().find(|s| s.name.eq_ignore_ascii_case(&outcome.name)) else { continue };
        let (lowest, highest) = score.range;
        let outside = outcome.values.iter().filter(|x| **x < lowest || **x > highest).count();
        if outside > 0 {
            let message = Message::from(format!(
                "`{}` has {} outside the range {lowest} to {highest} of {}; correct {}, or state the range with ",
                shown(&outcome.name),
                counted(outside, "value"),
                score.label,
                agreeing(outside, "it", "them")
            ));
            findings.warning(Warning::new(WarningKind::OutOfRange, Some(&outcome.name), message.setting(Setting::Range)));
        }
    }
}

/// Visits that are none: a score of a wide file, or the dates on which patients came.
fn visit_column(grid: &Grid<'_>, findings: &mut Findings) {
    let layout: &Layout = grid.layout;
    let Shape::Long(column) = &layout.shape else { return };
    let rows = grid.visits.of_row.iter().flatten().count();
    let (patients, visits) = (grid.patients.ids.len(), grid.width());
    if patients < 4 || !layout.visits.is_empty() {
        return;
    }
    let labels = listed(&grid.visits.schedule.labels().into_iter().take(NAMED).collect::<Vec<_>>());
    let found = if rows == patients && visits > 1 {
        format!(
            "every patient has one row and so one visit, and there are {visits} visits, {labels} …: a file with a row per patient is wide"
        )
    } else if visits > 12 && rows * 5 < patients * visits {
        format!(
            "there are {visits} visits, {labels} …, of which a patient has {:.1} on average: they do not look planned",
            rows as f64 / patients as f64
        )
    } else {
        return;
    };
    let message = Message::from(format!("{found}; is `{}` really the column of the visit? State another with ", shown(column)));
    findings.warning(Warning::new(WarningKind::VisitColumn, Some(column), message.setting(Setting::VisitColumn)));
}

/// Columns of different names that say the same in every row.
fn same_columns(grid: &Grid<'_>, findings: &mut Findings) {
    let layout = grid.layout;
    let visit = match &layout.shape {
        Shape::Long(visit) => Some(visit),
        Shape::Wide => None,
    };
    let identifiers = [Some(&layout.patient), visit, layout.time_column.as_ref()];
    let informative = |c: &&SheetColumn| !identifiers.contains(&Some(&c.name)) && varies(c, grid.sheet.rows);
    let columns: Vec<&SheetColumn> = grid.sheet.columns.iter().filter(informative).collect();
    // Columns that agree have the same fingerprint; what is alike is then compared.
    let mut alike: BTreeMap<u64, Vec<&SheetColumn>> = BTreeMap::new();
    columns.into_iter().for_each(|c| alike.entry(fingerprint(c, grid.sheet.rows)).or_default().push(c));
    for columns in alike.into_values().filter(|c| c.len() > 1) {
        let same: Vec<&str> = columns
            .iter()
            .filter(|c| (0..grid.sheet.rows).all(|row| same_cell(c.cells.get(row), columns[0].cells.get(row))))
            .map(|c| c.name.as_str())
            .collect();
        if same.len() > 1 {
            let message =
                format!("the columns {} have the same value in every row; check that each is the one that was meant", listed(&same));
            findings.warning(Warning::new(WarningKind::SameColumns, Some(same[0]), message));
        }
    }
}

fn same_cell(a: Cell<'_>, b: Cell<'_>) -> bool {
    a == b || matches!((a, b), (Cell::Number(a), Cell::Number(b)) if a.is_nan() && b.is_nan())
}

/// Whether a column has enough different values that another is not the same by chance.
fn varies(column: &SheetColumn, rows: usize) -> bool {
    let text = |row| match column.cells.get(row) {
        Cell::Text(text) => text.to_string(),
        Cell::Number(x) => x.to_string(),
    };
    let mut seen = BTreeSet::new();
    (0..rows).any(|row| seen.insert(text(row)) && seen.len() > 3)
}

fn fingerprint(column: &SheetColumn, rows: usize) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    if let Cells::Text { buffer, ends } = &column.cells {
        (buffer, ends).hash(&mut hasher);
        return hasher.finish();
    }
    for row in 0..rows {
        match column.cells.get(row) {
            Cell::Text(text) => text.hash(&mut hasher),
            Cell::Number(x) if x.is_nan() => f64::NAN.to_bits().hash(&mut hasher),
            Cell::Number(x) => x.to_bits().hash(&mut hasher),
        }
    }
    hasher.finish()
}
