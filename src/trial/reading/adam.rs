//! ADaM BDS files: what their columns mean, which rows count, and several parameters beside each other.

use crate::table::counted;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::declared::Declared;
use super::findings::{Findings, Place};
use super::levels::{listed, sorted};
use super::profile::Profile;
use super::sheet::{Cell, Cells, Sheet, SheetColumn};
use super::values::{Use, ValueColumn};
use crate::closest::suggestion;
use crate::error::{Error, Message, Result, Setting, says, shown};
use crate::trial::columns::{Columns, CovariateColumn, CovariateKind};
use crate::trial::layout::{Layout, Shape, preset};
use crate::trial::{Condition, OutcomeColumn, Warning, WarningKind};

const PARAMCD: &str = "PARAMCD";
const PARAM: &str = "PARAM";
const BASELINE_FLAG: &str = "ABLFL";
const DERIVED: &str = "DTYPE";
const MEASURED: [(&str, &str); 3] = [("AVAL", ""), ("CHG", "_CHG"), ("BASE", "_BASE")];

/// The layout for a file with these columns, and what was decided.
pub(super) fn for_columns(layout: &Layout, names: &[String]) -> Result<(Layout, Vec<String>)> {
    let has = |name: &str| names.iter().any(|column| column == name);
    let first = |candidates: &[&'static str]| candidates.iter().copied().find(|name| has(name));
    let mut found = Layout { is_resolved: true, ..layout.clone() };
    let mut decided = vec![];
    if layout.patient == preset::PATIENT
        && !has(preset::PATIENT)
        && let Some(other) = first(&["SUBJID"])
    {
        found.patient = other.into();
        decided.push(format!("ADaM: the patient is `{other}`; there is no `{}`.", preset::PATIENT));
    }
    if layout.arm.is_none() {
        let arm = first(&["TRT01P", "TRTP"]).ok_or_else(|| no_planned_treatment(names))?;
        decided.push(format!("ADaM: the arm is the planned treatment, `{arm}`."));
        found.arm = Some(arm.into());
    }
    let arm_number = found.arm.as_ref().map(|arm| format!("{arm}N")).filter(|number| has(number));
    if layout.arms.is_empty() && layout.arm_order.is_none() {
        found.arm_order = arm_number;
    }
    let is_avisit = matches!(&layout.shape, Shape::Long(visit) if visit == preset::VISIT);
    if is_avisit && layout.visits.is_empty() && layout.visit_order.is_none() && layout.time_column.is_none() && has("AVISITN") {
        found.visit_order = Some("AVISITN".into());
    }
    let looked_at: Vec<String> = layout.filters.columns().map(String::from).collect();
    let unfiltered = |column: &str| has(column) && !looked_at.iter().any(|known| known == column);
    if !looked_at.iter().any(|column| ["ITTFL", "FASFL"].contains(&column.as_str()))
        && let Some(flag) = first(&["ITTFL", "FASFL"])
    {
        let reason = if flag == "ITTFL" { "not in the intention-to-treat population" } else { "not in the full analysis set" };
        found.filters.patients.insert(0, Condition::on(flag).is("Y").reason(reason));
        decided.push(format!("ADaM: only patients for whom `{flag}` is `Y` are read."));
    }
    if unfiltered("ANL01FL") {
        found.filters.rows.insert(0, Condition::on("ANL01FL").is("Y").reason("not flagged for analysis"));
        decided.push("ADaM: only rows where `ANL01FL` is `Y` are read.".into());
    }
    let measured = MEASURED.iter().map(|(column, _)| *column).filter(|column| has(column));
    let looked_at = [PARAMCD, PARAM, BASELINE_FLAG, DERIVED].into_iter().filter(|column| has(column));
    found.looked_at = measured.chain(looked_at).map(String::from).collect();
    if layout.paramcd.len() < 2 && layout.outcomes.is_empty() {
        let outcomes = ["AVAL", "CHG"].into_iter().filter(|column| has(column));
        found.outcomes = outcomes.map(OutcomeColumn::from).collect();
        if found.outcomes.is_empty() {
            found.outcomes.push("AVAL".into());
        }
    }
    let kept = (layout.paramcd.len() > 1).then(|| std::mem::take(&mut found.outcomes));
    found.outcomes_after = kept.unwrap_or_default();
    if layout.paramcd.len() < 2 && has("BASE") && layout.baseline.is_none() && !layout.covariates.iter().any(|c| c.name == "BASE") {
        found = found.covariate_as("BASE", CovariateKind::Numeric);
        decided.push("ADaM: `BASE`, the value at baseline, is a covariate.".into());
    }
    Ok((found, decided))
}

fn no_planned_treatment(names: &[String]) -> Error {
    let actual = ["TRT01A", "TRTA"].into_iter().find(|name| names.iter().any(|column| column == name));
    let why = match actual {
        Some(actual) => format!("the file has neither `TRT01P` nor `TRTP`, only the treatment actually given, `{actual}`"),
        None => format!("the file has neither `TRT01P` nor `TRTP`; its columns are {}", listed(names)),
    };
    Error::incomplete(
        "the planned treatment of an ADaM file",
        why,
        Message::from("name the column of randomization with ").setting(Setting::Arm),
    )
}

/// The layout with the rows that count, once values can be looked at.
pub(super) fn prepared<'a>(layout: &'a Layout, sheet: &Sheet, findings: &mut Findings) -> Cow<'a, Layout> {
    let Shape::Long(visit) = &layout.shape else { return Cow::Borrowed(layout) };
    if layout.preset.is_none() || sheet.rows == 0 || sheet.column(visit).is_none() {
        return Cow::Borrowed(layout);
    }
    let mut found = layout.clone();
    let mut rows = parameters(&mut found, sheet, findings);
    rows.push(Condition::on(visit.as_str()).present().reason("no analysis visit"));
    if sheet.column(BASELINE_FLAG).is_some() {
        before_treatment(&mut found, sheet, visit, &mut rows, findings);
    } else {
        findings.inferred(format!("ADaM: there is no `{BASELINE_FLAG}`, and no row is taken as one before treatment."));
    }
    rows.append(&mut found.filters.rows);
    found.filters.rows = rows;
    Cow::Owned(found)
}

/// Which parameters are read.
fn parameters(layout: &mut Layout, sheet: &Sheet, findings: &mut Findings) -> Vec<Condition> {
    let Some(codes) = values(layout, sheet, PARAMCD) else { return vec![] };
    let place = Place { column: Some(PARAMCD), ..Place::default() };
    match (layout.paramcd.as_slice(), codes.as_slice()) {
        ([], [only]) => {
            findings.inferred(format!("ADaM: the parameter is `{}`, the only one.", shown(only)));
            layout.paramcd = vec![only.clone()];
        }
        ([], several) => {
            let message = says!("there are {} parameters, {}; name one or more with ", several.len(), listed(several));
            findings.problem(sheet, place, message.setting(Setting::Paramcd));
            return vec![];
        }
        _ => {}
    }
    let strangers: Vec<&String> = layout.paramcd.iter().filter(|code| !codes.contains(code)).collect();
    for stranger in &strangers {
        let message = says!("there is no parameter `{}`; there are {}{}", shown(stranger), listed(&codes), suggestion(stranger, &codes));
        findings.problem(sheet, place, message.each());
    }
    if !strangers.is_empty() {
        return vec![];
    }
    if let [only] = layout.paramcd.as_slice()
        && let Some(text) = label_of(layout, sheet, only)
    {
        for outcome in &mut layout.outcomes {
            match outcome.name.as_str() {
                "AVAL" if outcome.label == outcome.name => outcome.label.clone_from(&text),
                "CHG" if outcome.label == outcome.name => outcome.label = format!("{text}, change from baseline"),
                _ => {}
            }
        }
    }
    vec![Condition::on(PARAMCD).is_one_of(layout.paramcd.clone()).reason("another parameter")]
}

/// Leaves out what was measured before treatment, or takes it as the baseline visit.
fn before_treatment(layout: &mut Layout, sheet: &Sheet, visit: &str, rows: &mut Vec<Condition>, findings: &mut Findings) {
    let (flag, label) = (column(layout, sheet, BASELINE_FLAG), column(layout, sheet, visit));
    let code = sheet.column(PARAMCD).map(|_| column(layout, sheet, PARAMCD));
    let number = layout.visit_order.as_ref().map(|order| column(layout, sheet, order));
    let is_read = |row: usize| {
        code.as_ref()
            .is_none_or(|code| code.text(row).is_some_and(|code| layout.paramcd.is_empty() || layout.paramcd.contains(&code.into_owned())))
    };
    let mut flagged: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: HashMap<String, f64> = HashMap::new();
    for row in (0..sheet.rows).filter(|&row| is_read(row)) {
        let Some(text) = label.text(row) else { continue };
        if let Some(Ok(Some(x))) = number.as_ref().map(|number| number.number(row)) {
            order.entry(text.to_string()).or_insert(x);
        }
        if flag.text(row).as_deref() == Some("Y") {
            *flagged.entry(text.into_owned()).or_default() += 1;
        }
    }
    let Some((usual, _)) = flagged.iter().max_by_key(|(_, n)| **n) else {
        findings.inferred(format!("ADaM: `{BASELINE_FLAG}` is `Y` in no row, and no row is taken as one before treatment."));
        return;
    };
    let last = flagged.keys().filter_map(|label| order.get(label)).copied().fold(f64::NEG_INFINITY, f64::max);
    let before = |label: &String| flagged.contains_key(label) || order.get(label).is_some_and(|x| *x < last);
    let mut earlier: Vec<String> = order.keys().filter(|label| before(label)).cloned().collect();
    earlier.extend(flagged.keys().filter(|label| !order.contains_key(*label)).cloned());
    earlier.sort();
    let keeps = layout.baseline.is_some() || !["BASE", "CHG"].iter().any(|name| sheet.names.iter().any(|column| column == name));
    if keeps {
        let baseline = layout.baseline.clone().unwrap_or_else(|| usual.clone());
        earlier.retain(|label| *label != baseline);
        findings.inferred(format!("ADaM: the baseline is `{}`, by `{BASELINE_FLAG}`.", shown(&baseline)));
        layout.baseline = Some(baseline);
    } else {
        rows.push(Condition::on(BASELINE_FLAG).is_not(["Y"]).reason("baseline"));
        findings.inferred(format!(
            "ADaM: rows of the baseline (`{BASELINE_FLAG}` is `Y`) and of the visits up to it, {}, are left out of the response.",
            listed(&earlier)
        ));
    }
    if !earlier.is_empty() {
        rows.push(Condition::on(visit).is_not(earlier).reason("at or before baseline"));
    }
}

/// What is left with several parameters beside each other, one row per patient and visit; and what there is to know of
/// derived values.
pub(super) fn finished<'a>(layout: Cow<'a, Layout>, sheet: Sheet, findings: &mut Findings) -> (Cow<'a, Layout>, Sheet) {
    if layout.preset.is_none() {
        return (layout, sheet);
    }
    warn_of_derived(&layout, &sheet, findings);
    if layout.paramcd.len() < 2 || sheet.column(PARAMCD).is_none() {
        return (layout, sheet);
    }
    let wide = beside(&layout, &sheet, findings);
    let mut found = layout.into_owned();
    found.outcomes = std::mem::take(&mut found.outcomes_after);
    let has = |name: &str| wide.columns.iter().any(|column| column.name == name);
    if found.outcomes.is_empty() {
        for code in &found.paramcd {
            let text = label_of(&found, &sheet, code).unwrap_or_else(|| code.clone());
            if has(code) {
                found.outcomes.push(OutcomeColumn::new(code.as_str()).label(&text));
            }
            if has(&format!("{code}_CHG")) {
                found.outcomes.push(OutcomeColumn::new(format!("{code}_CHG")).label(format!("{text}, change from baseline")));
            }
        }
    }
    if found.baseline.is_none() {
        for name in found.paramcd.iter().map(|code| format!("{code}_BASE")) {
            let known = found.covariates.iter().any(|c| c.name == name);
            if has(&name) && !known {
                let column = CovariateColumn { columns: Columns::One(name.clone()), name: name.clone(), kind: CovariateKind::Numeric };
                found.covariates.insert(found.covariates.len() - found.weights.len(), column);
            }
        }
    }
    let names: Vec<&str> = found.outcomes.iter().map(|outcome| outcome.name.as_str()).collect();
    findings.inferred(format!("ADaM: the outcomes are those of {}: {}.", counted(found.paramcd.len(), "parameter"), listed(&names)));
    (Cow::Owned(found), wide)
}

fn warn_of_derived(layout: &Layout, sheet: &Sheet, findings: &mut Findings) {
    if sheet.column(DERIVED).is_none() {
        return;
    }
    let column = column(layout, sheet, DERIVED);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    (0..sheet.rows).filter_map(|row| column.text(row)).for_each(|text| *counts.entry(text.into_owned()).or_default() += 1);
    if counts.is_empty() {
        return;
    }
    let each: Vec<String> = counts.iter().map(|(text, n)| format!("`{}` ({})", shown(text), counted(*n, "row"))).collect();
    let message = Message::from(format!(
        "values that were imputed or derived are among the outcomes: `{DERIVED}` is {}; a mixed model takes them as measured. To leave them out, add a \
         condition that `{DERIVED}` is missing with ",
        each.join(", ")
    ));
    findings.warning(Warning::new(WarningKind::DerivedValues, Some(DERIVED), message.setting(Setting::KeepRows)));
}

/// The sheet with one row per patient and visit: the values of each parameter in columns of their own.
fn beside(layout: &Layout, sheet: &Sheet, findings: &mut Findings) -> Sheet {
    let Shape::Long(visit) = &layout.shape else { return empty(sheet) };
    let (ids, labels) = (identifier(layout, sheet, &layout.patient), identifier(layout, sheet, visit));
    let codes = column(layout, sheet, PARAMCD);
    let mut row_of: HashMap<(String, String), usize> = HashMap::new();
    let mut firsts: Vec<usize> = vec![];
    // For each parameter, the row of the file that has the values of a row here.
    let mut sources: Vec<Vec<Option<usize>>> = vec![vec![]; layout.paramcd.len()];
    for row in 0..sheet.rows {
        let key = (ids.text(row).unwrap_or_default().into_owned(), labels.text(row).unwrap_or_default().into_owned());
        let at = *row_of.entry(key.clone()).or_insert_with(|| {
            firsts.push(row);
            sources.iter_mut().for_each(|source| source.push(None));
            firsts.len() - 1
        });
        let Some(parameter) = codes.text(row).and_then(|code| layout.paramcd.iter().position(|known| *known == code)) else { continue };
        match sources[parameter][at] {
            Some(first) => {
                let message = says!(
                    "the patient has `{}` at this visit at {} already; keep one of the rows",
                    shown(&layout.paramcd[parameter]),
                    sheet.row_name(first)
                );
                findings.problem(sheet, Place::row(row).patient(&key.0).visit(Some(&key.1)), message);
            }
            None => sources[parameter][at] = Some(row),
        }
    }
    let is_measured = |name: &str| MEASURED.iter().any(|(measured, _)| *measured == name);
    let column = |name: String, cells: Cells, declared: Declared| SheetColumn { name, cells, profile: Profile::default(), declared };
    let mut columns: Vec<SheetColumn> = vec![];
    for shared in sheet.columns.iter().filter(|column| !is_measured(&column.name)) {
        columns.push(column(shared.name.clone(), shared.cells.chosen(firsts.iter().map(|&row| Some(row))), shared.declared.clone()));
    }
    for (code, source) in layout.paramcd.iter().zip(&sources) {
        for (measured, suffix) in MEASURED {
            let Some(from) = sheet.column(measured) else { continue };
            let cells = from.cells.chosen(source.iter().copied());
            // A parameter without a baseline has no change from it.
            if suffix.is_empty() || (0..cells.len()).any(|row| !is_blank(cells.get(row))) {
                columns.push(column(format!("{code}{suffix}"), cells, Declared::default()));
            }
        }
    }
    let lines = sheet.lines.as_ref().map(|lines| firsts.iter().map(|&row| lines[row]).collect());
    Sheet { columns, lines, rows: firsts.len(), ..empty(sheet) }
}

fn empty(sheet: &Sheet) -> Sheet {
    let file = sheet.file.clone();
    let (source, names) = (sheet.source.clone(), sheet.names.clone());
    Sheet { source, names, are_rows: sheet.are_rows, is_workbook: sheet.is_workbook, first_row: sheet.first_row, file, ..Sheet::default() }
}

fn is_blank(cell: Cell<'_>) -> bool {
    match cell {
        Cell::Text(text) => text.is_empty() || text == "." || text == "NA",
        Cell::Number(x) => x.is_nan(),
    }
}

fn column<'a>(layout: &'a Layout, sheet: &'a Sheet, name: &'a str) -> ValueColumn<'a> {
    ValueColumn::new(layout, sheet, name, Use::Value)
}

fn identifier<'a>(layout: &'a Layout, sheet: &'a Sheet, name: &'a str) -> ValueColumn<'a> {
    ValueColumn::new(layout, sheet, name, Use::Identifier)
}

/// The values of a column in their order; `None` where there is no such column.
fn values(layout: &Layout, sheet: &Sheet, name: &str) -> Option<Vec<String>> {
    sheet.column(name)?;
    let column = column(layout, sheet, name);
    let mut found: Vec<String> = vec![];
    for text in (0..sheet.rows).filter_map(|row| column.text(row)) {
        if !found.iter().any(|known| *known == text) {
            found.push(text.into_owned());
        }
    }
    Some(sorted(&found))
}

/// What `PARAM` calls a parameter.
fn label_of(layout: &Layout, sheet: &Sheet, code: &str) -> Option<String> {
    sheet.column(PARAM)?;
    let (codes, texts) = (column(layout, sheet, PARAMCD), column(layout, sheet, PARAM));
    let row = (0..sheet.rows).find(|&row| codes.text(row).as_deref() == Some(code))?;
    texts.text(row).map(Cow::into_owned)
}
