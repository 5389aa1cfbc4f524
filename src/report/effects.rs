//! Effect sizes: a forest plot, a table with every interval side by side, and the sentence that says how they were
//! made.

use super::condensed::minus_signs;
use super::document::Section;
use super::figure::{Figure, Forest, ForestGroup, ForestRow, ForestScale, Interval};
use super::methods::percent;
use super::suppressed::Shown;
use super::words::Text;
use crate::analysis::{AnalysisResult, OutcomeResult, ReportStyle};
use crate::effects::{Denominator, EffectSize, EffectSizes, IntervalMethod, Limits, Positive};
use crate::table::{Column, Format, Tabular, counted};

/// `section` with the effect sizes of an outcome, where there are any.
pub(super) fn appended(result: &AnalysisResult, outcome: &OutcomeResult, section: Section) -> Section {
    let tables = tables(outcome);
    if tables.is_empty() {
        return section;
    }
    let name = format!("{}_effects", outcome.name);
    let (stacked, cells) = (Stacked { tables: &tables }, result.plan.report.small_cells);
    let hides = |n: usize, randomized: usize| cells.hide(n, randomized);
    let own = stacked.rows().map(|(_, r)| hides(r.observed, r.randomized)).collect();
    let versus = stacked.rows().map(|(_, r)| r.observed_versus.zip(r.randomized_versus).is_some_and(|(n, of)| hides(n, of))).collect();
    let written = Shown::new(&stacked, cells).hiding(&["observed"], own).hiding(&["observed_versus"], versus);
    section.figure(&name, figure(result, outcome, &tables)).table_as(&name, &written, &SideBySide { tables: &tables })
}

fn tables(outcome: &OutcomeResult) -> Vec<&EffectSizes> {
    outcome.effects.within.iter().chain(&outcome.effects.between).collect()
}

/// `Change, ImRs`, `ImRs+GST against ImRs`: not a minus, because the sign may be that of improvement.
fn label(row: &EffectSize) -> String {
    match &row.versus {
        None => format!("Change, {}", row.arm),
        Some(versus) => format!("{} against {versus}", row.arm),
    }
}

/// The effect within a sentence.
fn in_prose(row: &EffectSize) -> String {
    match &row.versus {
        None => format!("the change in {}", row.arm),
        Some(versus) => format!("{} against {versus}", row.arm),
    }
}

/// The interval method in a word or two.
fn short(limits: &Limits) -> String {
    match limits {
        Limits::Formula(IntervalMethod::Delta) => "delta method".into(),
        Limits::Formula(IntervalMethod::NoncentralT) => "noncentral t".into(),
        Limits::Formula(IntervalMethod::IndependentGroups(_)) => "independent-groups formula".into(),
        Limits::Bootstrap(summary) => format!("bootstrap, {}", counted(summary.replicates, "replicate")),
    }
}

/// An effect as it is in several tables: the same number, with the limits of each.
type Rows<'a> = Vec<(&'a EffectSizes, &'a EffectSize)>;

/// Every effect once, with its tables.
fn effects<'a>(tables: &[&'a EffectSizes]) -> Vec<Rows<'a>> {
    let mut found: Vec<Rows<'a>> = vec![];
    for table in tables {
        for row in &table.rows {
            match found.iter_mut().find(|rows| rows[0].1.is_of(row)) {
                Some(rows) => rows.push((*table, row)),
                None => found.push(vec![(*table, row)]),
            }
        }
    }
    found
}

fn figure(result: &AnalysisResult, outcome: &OutcomeResult, tables: &[&EffectSizes]) -> Figure {
    let row = |(table, row): &(&EffectSizes, &EffectSize)| ForestRow {
        label: short(&table.limits),
        interval: Interval::new(row.effect, (row.lower, row.upper)),
    };
    let groups = effects(tables).into_iter().map(|rows| ForestGroup { heading: label(rows[0].1), rows: rows.iter().map(row).collect() });
    let letter = tables[0].correction.letter();
    Forest {
        title: format!("Effect sizes of {} at {}", outcome.label, result.plan.visit()),
        description: format!(
            "The model's change from baseline of each arm and difference between arms, divided by a standard deviation ({}), with {}% intervals by each \
             method. {}",
            tables[0].denominator.words(),
            percent(result.plan.level),
            sign(tables[0].positive)
        ),
        label_heading: "Effect, interval".into(),
        estimate_heading: format!("{letter} ({}% CI)", percent(result.plan.level)),
        axis_label: format!("Effect size {letter}"),
        groups: groups.collect(),
        scale: ForestScale::Difference,
        directions: None,
        format: Format::Decimals(2),
    }
    .draw()
}

fn sign(positive: Positive) -> &'static str {
    match positive {
        Positive::Fall => "Positive: the score fell, or is lower than in the reference arm.",
        Positive::Rise => "Positive: the score rose, or is higher than in the reference arm.",
    }
}

/// The effect sizes with the intervals of the first method, in a sentence.
pub(super) fn sentence(result: &AnalysisResult, outcome: &OutcomeResult) -> Option<Text> {
    let tables = tables(outcome);
    let letter = tables.first()?.correction.letter();
    let (style, level) = (result.plan.report.style, result.plan.level);
    let two = |x: f64| minus_signs(&Format::Decimals(2).apply(x));
    let (known, unknown): (Vec<_>, Vec<_>) = effects(&tables).into_iter().map(|rows| rows[0].1).partition(|row| row.effect.is_finite());
    let effect = |row: &&EffectSize| {
        let interval = super::sentences::interval(style, level, &two(row.lower), &two(row.upper));
        let symbol = if style == ReportStyle::Csr { Text::from(letter) } else { Text::new().italic(letter) };
        symbol.then(format!(" = {}{interval} for {}", two(row.effect), in_prose(row)))
    };
    let none = match unknown.is_empty() {
        true => String::new(),
        false => format!(" No effect size for {}.", super::methods::listed(&unknown.into_iter().map(in_prose).collect::<Vec<_>>())),
    };
    if known.is_empty() {
        return Some(none.trim_start().into());
    }
    let effects = Text::joined(known.iter().map(effect), "; ");
    let method = short(&tables[0].limits);
    Some(Text::from(format!("Effect sizes, intervals by the {method}: ")).then(effects).then(format!(".{none}")))
}

/// The sentence of the methods section, where there are effect sizes.
pub(super) fn methods(result: &AnalysisResult) -> Option<String> {
    let tables = tables(&result.outcomes[0]);
    let first = tables.first()?;
    let mut intervals: Vec<String> = vec![];
    for table in &tables {
        let how = match &table.limits {
            Limits::Formula(method) => method.words().to_string(),
            Limits::Bootstrap(summary) => summary.to_string(),
        };
        if !intervals.contains(&how) {
            intervals.push(how);
        }
    }
    let source = if first.denominator == Denominator::BaselinePooled { " (Feingold 2009)" } else { "" };
    let within = if result.outcomes[0].effects.within.is_empty() { "" } else { "change from baseline within each arm and " };
    Some(format!(
        "{}: the model's {within}difference between arms at {}, divided by a standard deviation, the {}{source}. Intervals, each shown: {}.",
        capitalised(first.correction.words()),
        result.plan.visit(),
        first.denominator.words(),
        intervals.join("; ")
    ))
}

/// All tables of one outcome beneath each other, with the method in a column.
struct Stacked<'a> {
    tables: &'a [&'a EffectSizes],
}

impl Stacked<'_> {
    fn rows(&self) -> impl Iterator<Item = (&EffectSizes, &EffectSize)> {
        self.tables.iter().flat_map(|t| t.rows.iter().map(move |r| (*t, r)))
    }
}

impl Tabular for Stacked<'_> {
    fn title(&self) -> String {
        self.tables.first().map_or(String::new(), |t| format!("Effect sizes of {}", t.outcome))
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name: &'static str, heading: &str, of: fn(&EffectSize) -> f64| {
            Column::real(name, heading, Format::Decimals(2), self.rows().map(|(_, r)| of(r)))
        };
        let errors = Format::of_errors(self.rows().map(|(_, r)| r.se));
        let by_error = |name: &'static str, heading: &str, of: fn(&EffectSize) -> f64| {
            Column::real(name, heading, errors, self.rows().map(|(_, r)| of(r)))
        };
        let count = |of: Option<usize>| of.map_or(f64::NAN, |n| n as f64);
        vec![
            Column::text("visit", "Visit", self.rows().map(|(_, r)| &r.visit.label)),
            Column::text("arm", "Arm", self.rows().map(|(_, r)| &r.arm.label)),
            Column::text("versus", "Versus", self.rows().map(|(_, r)| r.versus.as_deref().unwrap_or(""))),
            by_error("difference", "Difference", |r| r.difference),
            by_error("se", "SE", |r| r.se),
            real("df", "df", |r| r.df),
            by_error("sd", "SD", |r| r.sd),
            real("sd_df", "df of SD", |r| r.sd_df),
            Column::text("denominator", "Denominator", self.rows().map(|(t, _)| t.denominator.words())),
            real("effect", "Effect size", |r| r.effect),
            real("lower", "Lower", |r| r.lower),
            real("upper", "Upper", |r| r.upper),
            Column::text("interval", "Interval", self.rows().map(|(t, _)| short(&t.limits))),
            Column::count("observed", "Observed", self.rows().map(|(_, r)| r.observed)),
            Column::count("randomized", "Randomized", self.rows().map(|(_, r)| r.randomized)),
            Column::real("observed_versus", "Observed, versus", Format::Decimals(0), self.rows().map(|(_, r)| count(r.observed_versus))),
            Column::real(
                "randomized_versus",
                "Randomized, versus",
                Format::Decimals(0),
                self.rows().map(|(_, r)| count(r.randomized_versus)),
            ),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = vec![];
        for note in self.tables.iter().flat_map(|t| t.notes()) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }
}

/// An effect a row, its intervals side by side.
struct SideBySide<'a> {
    tables: &'a [&'a EffectSizes],
}

impl Tabular for SideBySide<'_> {
    fn title(&self) -> String {
        let visit = self.tables.iter().flat_map(|t| &t.rows).map(|r| r.visit.label.as_str()).next().unwrap_or_default();
        format!("{} at {visit}", Stacked { tables: self.tables }.title())
    }

    fn columns(&self) -> Vec<Column> {
        let effects = effects(self.tables);
        let real = |name: &'static str, heading: &str, of: fn(&EffectSize) -> f64| {
            Column::real(name, heading, Format::Decimals(2), effects.iter().map(|rows| of(rows[0].1)))
        };
        let errors = Format::of_errors(effects.iter().map(|rows| rows[0].1.se));
        let by_error = |name: &'static str, heading: &str, of: fn(&EffectSize) -> f64| {
            Column::real(name, heading, errors, effects.iter().map(|rows| of(rows[0].1)))
        };
        let letter = self.tables.first().map_or("d", |t| t.correction.letter());
        let mut columns = vec![
            Column::text("effect", "Effect", effects.iter().map(|rows| label(rows[0].1))),
            by_error("difference", "Difference", |r| r.difference),
            by_error("sd", "SD", |r| r.sd),
            real("d", letter, |r| r.effect),
        ];
        let mut methods: Vec<String> = vec![];
        self.tables.iter().map(|t| short(&t.limits)).for_each(|m| {
            if !methods.contains(&m) {
                methods.push(m);
            }
        });
        for method in methods {
            let cell = |rows: &Rows| rows.iter().find(|(t, _)| short(&t.limits) == method).map_or(String::new(), |(_, r)| limits(r));
            columns.push(Column::text(method.clone(), &capitalised(&method), effects.iter().map(cell)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        Stacked { tables: self.tables }.notes()
    }
}

fn limits(row: &EffectSize) -> String {
    let two = |x: f64| Format::Decimals(2).apply(x);
    if row.lower.is_nan() || row.upper.is_nan() { String::new() } else { minus_signs(&format!("{} to {}", two(row.lower), two(row.upper))) }
}

pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|c| c.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
