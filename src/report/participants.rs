//! Who took part: participant flow, characteristics before treatment, missing data.

use super::effects::capitalised;
use super::figure::{Figure, FlowArm, FlowDiagram, FlowStep, MissingPattern, MissingPatterns as PatternFigure};
use super::suppressed::{FlowCounts, HIDDEN, Shown};
use crate::analysis::{SmallCells, visit_in_prose};
use crate::imputation::EventTable;
use crate::table::{Column, Format, Tabular};
use crate::trial::{BaselineRow, BaselineTable, Characteristic, MissingPatterns};

/// The flow of an outcome as a diagram; who of the unobserved came back later is counted from the patterns.
pub(super) fn flow_figure(counts: &FlowCounts<'_>, patterns: &MissingPatterns, events: Option<&EventTable>, cells: SmallCells) -> Figure {
    let flow = counts.flow;
    let mut arms: Vec<&str> = flow.rows.iter().map(|r| r.arm.as_str()).collect();
    arms.dedup();
    let total: usize = arms.iter().map(|a| flow.count(a, &crate::trial::FlowStep::Randomized)).sum();
    FlowDiagram {
        title: "Participant flow".into(),
        description: format!(
            "Patients with {} observed at each visit, and patients in the analysis, of everyone randomized. Each patient is counted in the arm of \
             randomization.",
            flow.label
        ),
        start: format!("Randomized (n = {total})"),
        arms: arms.iter().map(|arm| FlowArm { label: (*arm).into(), steps: steps(counts, patterns, events, arm, cells) }).collect(),
    }
    .draw()
}

fn steps(counts: &FlowCounts<'_>, patterns: &MissingPatterns, events: Option<&EventTable>, arm: &str, cells: SmallCells) -> Vec<FlowStep> {
    use crate::trial::FlowStep as Step;
    let text = |step: &Step| counts.text(arm, step).unwrap_or("0".into());
    let allocated = FlowStep {
        heading: format!("Allocated (n = {})", text(&Step::Randomized)),
        aside: events.map(|events| event_lines(events, arm, cells)).unwrap_or_default(),
        ..FlowStep::default()
    };
    let observed = patterns.visits.iter().enumerate().map(|(t, visit)| {
        let step = Step::Observed { visit: visit.clone() };
        let aside = if counts.hides(arm, &step) { vec![] } else { absent(patterns, arm, t, cells) };
        FlowStep { heading: visit_in_prose(visit), lines: vec![format!("{} observed", text(&step))], aside }
    });
    let reasons = counts.flow.rows.iter().zip(&counts.hidden).filter(|(r, _)| r.arm == arm && r.n > 0);
    let reasons = reasons.filter_map(|(r, hidden)| match &r.step {
        Step::NotAnalysed { reason } if *hidden => Some(format!("not analysed: {} (number not shown)", reason.text())),
        Step::NotAnalysed { reason } => Some(format!("{} not analysed: {}", r.n, reason.text())),
        _ => None,
    });
    let analysed = FlowStep { heading: format!("Analysed (n = {})", text(&Step::Analysed)), lines: vec![], aside: reasons.collect() };
    std::iter::once(allocated).chain(observed).chain([analysed]).collect()
}

/// Intercurrent events of an arm, with their strategies.
fn event_lines(events: &EventTable, arm: &str, cells: SmallCells) -> Vec<String> {
    let number = |n: usize| if cells.is_small(n) { "number not shown".into() } else { n.to_string() };
    let own = events.rows.iter().filter(|row| row.arm == *arm);
    own.flat_map(|row| {
        let strategy = row.strategy.filter(|_| row.patients > 0);
        let affected = strategy.map(|strategy| format!("{} ({}): {}", row.event, strategy.words(), number(row.patients)));
        let unaffected = (row.unaffected > 0).then(|| format!("{} after the last visit: {}", row.event, number(row.unaffected)));
        affected.into_iter().chain(unaffected)
    })
    .collect()
}

/// Who of an arm was not observed at visit `t`, and whether they were seen again.
fn absent(patterns: &MissingPatterns, arm: &str, t: usize, cells: SmallCells) -> Vec<String> {
    let missing = patterns.rows.iter().filter(|r| r.arm == arm && !r.observed[t]);
    let (mut back, mut gone) = (0, 0);
    for row in missing {
        *(if row.observed[t..].contains(&true) { &mut back } else { &mut gone }) += row.n;
    }
    let counted = [(gone, "not seen again"), (back, "seen later")];
    // The last visit has none later, and parts of a number are shown all or not at all.
    let parted = t + 1 < patterns.visits.len() && !cells.is_small(gone) && !cells.is_small(back);
    let parts = counted.iter().filter(|(n, _)| parted && *n > 0).map(|(n, what)| format!("{n} {what}"));
    (back + gone > 0).then(|| format!("{} not observed", back + gone)).into_iter().chain(parts).collect()
}

/// Missing-data patterns as a chart, the commonest first.
pub(super) fn pattern_figure(patterns: &MissingPatterns) -> Figure {
    let mut arms: Vec<String> = vec![];
    let mut found: Vec<MissingPattern> = vec![];
    patterns.rows.iter().for_each(|r| {
        if !arms.contains(&r.arm) {
            arms.push(r.arm.clone());
        }
    });
    for row in &patterns.rows {
        let arm = arms.iter().position(|a| *a == row.arm).unwrap_or(0);
        match found.iter_mut().find(|p| p.observed == row.observed) {
            Some(pattern) => pattern.n[arm] += row.n,
            None => {
                let mut n = vec![0; arms.len()];
                n[arm] = row.n;
                found.push(MissingPattern { observed: row.observed.clone(), kind: row.kind.text().into(), n });
            }
        }
    }
    found.sort_by_key(|p| std::cmp::Reverse(p.n.iter().sum::<usize>()));
    PatternFigure {
        title: format!("Missing-data patterns of {}", patterns.label),
        description: "A row is a pattern of observed visits, the commonest first, with its number of patients in each arm. Monotone: observed up to some \
                      visit and never after it; intermittent: missing at a visit and observed at a later one."
            .into(),
        visits: patterns.visits.iter().map(|v| visit_in_prose(v)).collect(),
        arms,
        patterns: found,
    }
    .draw()
}

/// [`BaselineTable`] with a column an arm, as journals print it.
pub(super) struct SideBySide<'a> {
    pub table: &'a BaselineTable,
    pub shown: &'a Shown<'a>,
    pub cells: SmallCells,
}

impl SideBySide<'_> {
    fn arms(&self) -> Vec<&str> {
        let mut arms: Vec<&str> = vec![];
        for row in &self.table.rows {
            if !arms.contains(&row.arm.as_str()) {
                arms.push(&row.arm);
            }
        }
        arms
    }

    /// Whether a row says what another says: that a diagnosis is not met, where it is met or not.
    fn is_implied(&self, row: &BaselineRow) -> bool {
        let has = |text: &str| self.table.rows.iter().any(|r| r.variable == row.variable && level(r) == Some(text));
        level(row) == Some("not met") && has("met")
    }

    /// Every characteristic (and level) once.
    fn lines(&self) -> Vec<(&str, Option<&str>)> {
        let mut lines = vec![];
        for row in &self.table.rows {
            let line = (row.label.as_str(), level(row));
            if !lines.contains(&line) && !self.is_implied(row) {
                lines.push(line);
            }
        }
        lines
    }
}

/// A column's name as words.
fn worded(name: &str) -> String {
    capitalised(&name.replace('_', " "))
}

fn level(row: &BaselineRow) -> Option<&str> {
    match &row.value {
        Characteristic::Level { level, .. } => Some(level),
        Characteristic::Numeric(_) => None,
    }
}

/// `40.6 (11.2)`, or `55 (85%)`, and how many are missing.
fn cell(row: &BaselineRow, hidden: bool, cells: SmallCells) -> String {
    let text = match &row.value {
        Characteristic::Numeric(s) if cells.is_small(s.n) => return HIDDEN.into(),
        Characteristic::Numeric(s) => match (s.mean, s.sd) {
            (Some(mean), Some(sd)) => format!("{} ({})", s.format().coarser().apply(mean), s.format().coarser().apply(sd)),
            (Some(mean), None) => Format::significant(mean, 1).apply(mean),
            _ => return HIDDEN.into(),
        },
        Characteristic::Level { .. } if hidden => return HIDDEN.into(),
        Characteristic::Level { known: 0, .. } => return HIDDEN.into(),
        Characteristic::Level { n, known, .. } => format!("{n} ({:.0}%)", 100.0 * *n as f64 / *known as f64),
    };
    if row.missing == 0 || cells.is_small(row.missing) { text } else { format!("{text}; {} missing", row.missing) }
}

impl Tabular for SideBySide<'_> {
    fn title(&self) -> String {
        "Characteristics before treatment, by arm".into()
    }

    fn columns(&self) -> Vec<Column> {
        let lines = self.lines();
        let label = |(label, level): &(&str, Option<&str>)| match level {
            Some("met") => format!("{}, n (%)", worded(label)),
            Some(level) => format!("{}: {level}, n (%)", worded(label)),
            None => format!("{}, mean (SD)", worded(label)),
        };
        let mut columns = vec![Column::text("characteristic", "Characteristic", lines.iter().map(label))];
        for arm in self.arms() {
            let of = |line: &(&str, Option<&str>)| {
                let row = self.table.rows.iter().position(|r| r.arm == arm && r.label == line.0 && level(r) == line.1);
                row.map(|k| cell(&self.table.rows[k], self.shown.hides(k), self.cells)).unwrap_or_default()
            };
            columns.push(Column::text(arm.to_string(), arm, lines.iter().map(of)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.shown.notes()
    }
}
