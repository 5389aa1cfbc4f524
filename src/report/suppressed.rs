//! Small numbers of patients left out of tables: see [`SmallCells`].
//!
//! A table that is to be written has empty cells in their place, one that is to be read has dashes.

use crate::analysis::{AnalysisResult, OutcomeResult, SmallCells};
use crate::generalized::AdjustedRisks;
use crate::imputation::{EventDateRow, EventDates, EventRow, EventTable};
use crate::responders::{Comparisons, Rates};
use crate::table::{Column, Tabular, Values, observations_of_patients};
use crate::trial::{BaselineTable, Characteristic, FlowStep, MissingPatterns, ObservedMeans, ParticipantFlow};
use serde_json::Value;

/// What stands in the place of a number.
pub(super) const HIDDEN: &str = "–";

/// A table some of whose cells are left out.
pub(super) struct Shown<'a> {
    table: &'a dyn Tabular,
    cells: SmallCells,
    /// Names of columns, and the rows in which they are hidden.
    hidden: Vec<(&'static [&'static str], Vec<bool>)>,
    /// Whether dashes are put in the place of what is hidden.
    dashes: bool,
}

impl<'a> Shown<'a> {
    pub fn new(table: &'a dyn Tabular, cells: SmallCells) -> Self {
        Self { table, cells, hidden: vec![], dashes: false }
    }

    /// Hides columns in some of the rows.
    pub fn hiding(mut self, columns: &'static [&'static str], rows: Vec<bool>) -> Self {
        self.hidden.push((columns, rows));
        self
    }

    /// The same to be read.
    pub fn dashed(&self) -> Self {
        Self { table: self.table, cells: self.cells, hidden: self.hidden.clone(), dashes: true }
    }

    fn is_whole(&self) -> bool {
        !self.hidden.iter().any(|(_, rows)| rows.contains(&true))
    }

    fn column(&self, column: Column) -> Column {
        let rows = (0..column.len()).map(|r| self.hidden.iter().any(|(names, rows)| names.contains(&column.name.as_ref()) && rows[r]));
        let rows: Vec<bool> = rows.collect();
        if !rows.contains(&true) {
            return column;
        }
        if self.dashes {
            let cell = |r: usize| if rows[r] { HIDDEN.to_string() } else { column.formatted(r) };
            return Column::text(column.name.clone(), &column.heading, (0..column.len()).map(cell));
        }
        let values = match column.values {
            Values::Text(v) => Values::Text(kept(v, &rows)),
            Values::Real(v, format) => Values::Real(kept(v, &rows), format),
            Values::Each(v, formats) => Values::Each(kept(v, &rows), formats),
            Values::Count(v) => Values::Count(kept(v, &rows)),
        };
        Column { values, ..column }
    }
}

fn kept<T>(values: Vec<Option<T>>, hidden: &[bool]) -> Vec<Option<T>> {
    values.into_iter().zip(hidden).map(|(value, hidden)| value.filter(|_| !hidden)).collect()
}

impl Tabular for Shown<'_> {
    fn title(&self) -> String {
        self.table.title()
    }

    fn columns(&self) -> Vec<Column> {
        self.table.columns().into_iter().map(|column| self.column(column)).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.table.notes();
        if !self.is_whole() {
            notes.push(self.cells.note());
        }
        notes
    }
}

/// The numbers of a participant flow, as far as they are shown.
pub(super) struct FlowCounts<'a> {
    pub flow: &'a ParticipantFlow,
    pub hidden: Vec<bool>,
    cells: SmallCells,
}

impl<'a> FlowCounts<'a> {
    pub fn of(flow: &'a ParticipantFlow, cells: SmallCells) -> Self {
        Self { flow, hidden: hidden_in_flow(flow, cells), cells }
    }

    /// The patients of an arm who took a step, as text has it; none where the step does not occur.
    pub fn text(&self, arm: &str, step: &FlowStep) -> Option<String> {
        let row = self.flow.rows.iter().position(|r| r.arm == arm && r.step == *step)?;
        let (n, randomized) = (self.flow.rows[row].n, self.flow.rows[row].randomized);
        Some(match (self.hidden[row], self.cells.hide(n, randomized)) {
            (false, _) => n.to_string(),
            (true, true) => self.cells.count(n, randomized),
            (true, false) => HIDDEN.into(),
        })
    }

    /// Whether the number at a visit is hidden.
    pub fn hides(&self, arm: &str, step: &FlowStep) -> bool {
        self.flow.rows.iter().zip(&self.hidden).any(|(r, hidden)| *hidden && r.arm == arm && r.step == *step)
    }

    /// The table to be written.
    pub fn table(&self) -> Shown<'_> {
        Shown::new(self.flow, self.cells).hiding(&["n", "share"], self.hidden.clone())
    }

    /// What a note says where something is hidden.
    pub fn note(&self) -> Option<String> {
        self.hidden.contains(&true).then(|| self.cells.note())
    }
}

/// Rows of a flow that are hidden. What is shown of an arm differs from its total and from one another by nothing or by as
/// many as may be shown, and reasons add up to who was not analysed.
fn hidden_in_flow(flow: &ParticipantFlow, cells: SmallCells) -> Vec<bool> {
    let mut hidden = vec![false; flow.rows.len()];
    if !cells.is_suppressing() {
        return hidden;
    }
    let mut arms: Vec<&str> = flow.rows.iter().map(|r| r.arm.as_str()).collect();
    arms.dedup();
    for arm in arms {
        let own = || (0..flow.rows.len()).filter(|&k| flow.rows[k].arm == arm && flow.rows[k].step != FlowStep::Randomized);
        let (reasons, counts): (Vec<usize>, Vec<usize>) = own().partition(|&k| matches!(flow.rows[k].step, FlowStep::NotAnalysed { .. }));
        let mut shown: Vec<usize> = vec![];
        for k in counts {
            let (n, randomized) = (flow.rows[k].n, flow.rows[k].randomized);
            hidden[k] = cells.hide(n, randomized) || shown.iter().any(|&other| cells.is_small(n.abs_diff(other)));
            if !hidden[k] {
                shown.push(n);
            }
        }
        let parts: Vec<usize> = reasons.iter().map(|&k| flow.rows[k].n).collect();
        reasons.into_iter().zip(cells.hidden(&parts)).for_each(|(k, hide)| hidden[k] = hide);
    }
    hidden
}

/// Observed scores: the number of patients as the flow has it, and nothing of few.
pub(super) fn observed<'a>(table: &'a ObservedMeans, flow: &FlowCounts<'_>, cells: SmallCells) -> Shown<'a> {
    let count = table.rows.iter().map(|r| flow.hides(&r.arm, &FlowStep::Observed { visit: r.visit.clone() })).collect();
    let few = table.rows.iter().map(|r| cells.is_small(r.summary.n)).collect();
    Shown::new(table, cells).hiding(&["n"], count).hiding(&["mean", "sd", "median", "minimum", "maximum"], few)
}

/// Missing-data patterns: each with its number of patients in an arm, which add up to all randomized to it.
pub(super) fn patterns(table: &MissingPatterns, cells: SmallCells) -> Shown<'_> {
    let mut hidden = vec![false; table.rows.len()];
    let mut arms: Vec<&str> = table.rows.iter().map(|r| r.arm.as_str()).collect();
    arms.dedup();
    for arm in arms {
        let own: Vec<usize> = (0..table.rows.len()).filter(|&k| table.rows[k].arm == arm).collect();
        let parts: Vec<usize> = own.iter().map(|&k| table.rows[k].n).collect();
        own.into_iter().zip(cells.hidden(&parts)).for_each(|(k, hide)| hidden[k] = hide);
    }
    Shown::new(table, cells).hiding(&["n", "share"], hidden)
}

impl Shown<'_> {
    /// Whether a row has anything hidden.
    pub fn hides(&self, row: usize) -> bool {
        self.hidden.iter().any(|(_, rows)| rows[row])
    }

    /// Whether anything is hidden.
    pub fn hides_any(&self) -> bool {
        !self.is_whole()
    }
}

/// Baseline characteristics: levels and missing values of a factor add up to the patients of an arm, and arms to all.
pub(super) fn baseline(table: &BaselineTable, cells: SmallCells) -> Shown<'_> {
    let rows = &table.rows;
    let count = |k: usize| match &rows[k].value {
        Characteristic::Level { n, .. } => *n,
        Characteristic::Numeric(summary) => summary.n,
    };
    let level = |k: usize| match &rows[k].value {
        Characteristic::Level { level, .. } => Some(level),
        Characteristic::Numeric(_) => None,
    };
    let mut hidden: Vec<bool> = (0..rows.len()).map(|k| cells.is_small(count(k))).collect();
    // A level that is hidden in one arm is hidden in all, and in all together; then another has to be in each of them.
    loop {
        let before = hidden.clone();
        for k in 0..rows.len() {
            let same = |j: usize| rows[j].variable == rows[k].variable && level(j) == level(k);
            let siblings: Vec<usize> = (0..rows.len())
                .filter(|&j| level(j).is_some() && rows[j].variable == rows[k].variable && rows[j].arm == rows[k].arm)
                .collect();
            if hidden[k] && level(k).is_some() {
                (0..rows.len()).filter(|&j| same(j)).for_each(|j| hidden[j] = true);
                if siblings.iter().filter(|&&j| hidden[j]).count() == 1
                    && let Some(&next) = siblings.iter().filter(|&&j| !hidden[j]).min_by_key(|&&j| count(j))
                {
                    hidden[next] = true;
                }
            }
        }
        if hidden == before {
            break;
        }
    }
    let missing: Vec<bool> = rows.iter().map(|r| cells.is_small(r.missing)).collect();
    // The number of those known, beside the patients of the arm, gives the number of the missing away.
    let known = (0..rows.len()).map(|k| hidden[k] || missing[k] && level(k).is_none()).collect();
    let few = (0..rows.len()).map(|k| level(k).is_none() && cells.is_small(count(k))).collect();
    Shown::new(table, cells)
        .hiding(&["n"], known)
        .hiding(&["share"], hidden)
        .hiding(&["mean", "sd", "median", "minimum", "maximum"], few)
        .hiding(&["missing"], missing)
}

/// Whether the rates of a definition in an arm at a visit are hidden: under one assumption about the unobserved, or what
/// another would give away.
fn hidden_rates(rates: &Rates, cells: SmallCells) -> Vec<bool> {
    let few = |k: usize| {
        let r = &rates.rows[k];
        let unknown = [r.not_observed, r.undecided, r.eligibility_unknown, r.not_eligible];
        cells.hide(r.met, r.of) || cells.hide(r.observed, r.eligible()) || unknown.into_iter().any(|n| cells.is_small(n))
    };
    let same = |a: usize, b: usize| {
        let (a, b) = (&rates.rows[a], &rates.rows[b]);
        a.definition == b.definition && a.visit == b.visit && a.arm.index == b.arm.index
    };
    let all = 0..rates.rows.len();
    all.clone().map(|k| all.clone().any(|j| same(k, j) && few(j))).collect()
}

/// Intercurrent events: rows of few patients.
pub(super) fn events(table: &EventTable, cells: SmallCells) -> Shown<'_> {
    // Those with the event are those by date whose values are affected, and those by visit.
    let few = |row: &EventRow| {
        let by_visit = (row.patients + row.unaffected).saturating_sub(row.dated);
        [row.patients, row.unaffected, row.dated, by_visit].into_iter().any(|n| cells.is_small(n))
    };
    let few = table.rows.iter().map(few).collect();
    Shown::new(table, cells).hiding(&["patients", "dated", "unaffected", "kept", "set_aside", "replaced", "missing"], few)
}

/// Intercurrent events by date: those of an arm all or none, for their numbers add up to one that is known.
pub(super) fn event_dates(table: &EventDates, cells: SmallCells) -> Shown<'_> {
    let same = |a: &EventDateRow, b: &EventDateRow| a.arm.index == b.arm.index && a.event == b.event;
    let few = table.rows.iter().map(|row| table.rows.iter().any(|other| same(row, other) && cells.is_small(other.patients))).collect();
    Shown::new(table, cells).hiding(&["place", "visit", "patients"], few)
}

/// Rates of response and remission.
pub(super) fn rates(table: &Rates, cells: SmallCells) -> Shown<'_> {
    let hidden = hidden_rates(table, cells);
    Shown::new(table, cells).hiding(
        &["met", "of", "rate", "lower", "upper", "observed", "not_observed", "undecided", "eligibility_unknown", "not_eligible"],
        hidden,
    )
}

/// The columns of a table of comparisons that say something of patients.
pub(super) const COMPARED: &[&str] = &[
    "met",
    "of",
    "observed",
    "eligible",
    "not_eligible",
    "reference_met",
    "reference_of",
    "reference_observed",
    "reference_eligible",
    "reference_not_eligible",
    "risk_difference",
    "risk_difference_lower",
    "risk_difference_upper",
    "risk_ratio",
    "risk_ratio_lower",
    "risk_ratio_upper",
    "odds_ratio",
    "odds_ratio_lower",
    "odds_ratio_upper",
    "number_needed",
];

/// Their comparisons: without those of an arm whose rate is hidden.
pub(super) fn comparisons(table: &Comparisons, rates: &Rates, cells: SmallCells) -> Vec<bool> {
    let hidden = hidden_rates(rates, cells);
    let of = |definition: &str, arm: usize| {
        rates.rows.iter().zip(&hidden).any(|(r, hide)| *hide && r.definition == definition && r.arm.index == arm)
    };
    table.rows.iter().map(|c| of(&c.definition, c.arm.index) || of(&c.definition, c.reference.index)).collect()
}

/// The columns of a table of adjusted risks that say something of patients.
const ADJUSTED: &[&str] = &[
    "analysed",
    "risk",
    "reference_risk",
    "risk_difference",
    "risk_difference_lower",
    "risk_difference_upper",
    "se",
    "p",
    "risk_ratio",
    "risk_ratio_lower",
    "risk_ratio_upper",
    "odds_ratio",
    "odds_ratio_lower",
    "odds_ratio_upper",
];

/// Adjusted risks: without those of an arm whose rate is hidden.
pub(super) fn adjusted<'a>(table: &'a AdjustedRisks, rates: &Rates, cells: SmallCells) -> Shown<'a> {
    let hidden = hidden_rates(rates, cells);
    let of = |definition: &str, arm: usize| {
        rates.rows.iter().zip(&hidden).any(|(r, hide)| *hide && r.definition == definition && r.arm.index == arm)
    };
    let rows = table.rows.iter().map(|r| of(&r.definition, r.arm.index) || of(&r.definition, r.reference.index)).collect();
    Shown::new(table, cells).hiding(ADJUSTED, rows)
}

/// Sentences that say something of few patients: with a number from 1 to one less than the smallest that is shown.
pub(super) fn without_few(sentences: &[String], cells: SmallCells) -> Vec<String> {
    let is_few = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.parse::<usize>().is_ok_and(|n| cells.is_small(n)) || cells.is_suppressing() && ["one", "two", "three", "four"].contains(&word)
    };
    let speaks_of_few = |sentence: &&String| sentence.contains("patient") && sentence.split_whitespace().any(is_few);
    let (left_out, mut kept): (Vec<&String>, Vec<String>) =
        (sentences.iter().filter(speaks_of_few).collect(), sentences.iter().filter(|s| !speaks_of_few(s)).cloned().collect());
    if !left_out.is_empty() {
        kept.push("Sentences about single or few patients are left out.".into());
    }
    kept
}

/// The result for programs, without what counts patients where small numbers are suppressed: its tables have the numbers
/// that are shown.
pub(super) fn without_counts(mut analysis: Value, cells: SmallCells) -> Value {
    if !cells.is_suppressing() {
        return analysis;
    }
    let only = |value: &mut Value, keys: &[&str]| {
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, _| keys.contains(&key.as_str()));
        }
    };
    only(&mut analysis, &["plan", "trial", "outcomes", "software"]);
    if let Some(trial) = analysis.get_mut("trial") {
        only(trial, &["source", "arms", "schedule", "clusters"]);
    }
    for outcome in analysis.get_mut("outcomes").and_then(Value::as_array_mut).into_iter().flatten() {
        only(outcome, &["name", "label", "model", "coefficients", "changes", "contrasts", "joint", "covariance"]);
        if let Some(model) = outcome.get_mut("model").and_then(Value::as_object_mut) {
            ["observations", "patients", "notes", "warnings"].into_iter().for_each(|key| drop(model.remove(key)));
        }
    }
    analysis
}

/// How the model of an outcome was fitted, one sentence each; without the numbers of patients and observations where these
/// would say how few were left out.
pub(super) fn fitting(result: &AnalysisResult, outcome: &OutcomeResult) -> Vec<String> {
    let (model, cells) = (&outcome.model, result.plan.report.small_cells);
    let data = observations_of_patients(model.observations, model.patients);
    let hidden = cells.hide(model.patients, result.trial.randomized.iter().sum());
    model.notes.iter().filter(|note| !hidden || **note != data).cloned().collect()
}
