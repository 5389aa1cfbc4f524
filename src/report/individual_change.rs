//! Individual change: what became of the patients of each arm, in a sentence, a table and figures.

use super::condensed::minus_signs;
use super::document::Section;
use super::figure::{BeforeAfter, CumulativeResponders, Figure, Interval, NoChange, ResponderCurve};
use super::methods::{listed, percent};
use super::sentences;
use super::suppressed::{HIDDEN, Shown};
use super::views::interval;
use crate::analysis::{AnalysisResult, IndividualChangeResult, SmallCells, visit_in_prose};
use crate::change::{ChangeCategory, ChangeComparison, ChangeRate, ChangeRates, CurveScale, IndividualChanges, ResponderCurves};
use crate::means::Better;
use crate::responders::{Assumption, RateOptions, Unobserved};
use crate::table::{Column, Format, Tabular};
use crate::trial::Labelled;

/// What the section is called.
pub(super) fn heading(result: &AnalysisResult) -> String {
    format!("Individual change at {}", result.plan.visit())
}

/// The section, where the plan asks for it.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    if result.individual_changes.is_empty() {
        return None;
    }
    let cells = result.plan.report.small_cells;
    Some(result.individual_changes.iter().enumerate().fold(Section::new(heading(result)), |section, (k, found)| {
        let name = name(result, k);
        let shown = shown_rates(&found.rates, cells);
        let section = section.about(&found.definition.outcome);
        let lead = format!("{}, by {}.", found.outcome, found.definition.heading());
        let section = match sentence(result, found).filter(|_| !shown.hides_any()) {
            Some(sentence) => section.led_paragraph(lead, sentence),
            None => section.led_paragraph(lead, "The shares are in the table."),
        };
        let stated = only_stated(&found.rates);
        let shown = shown_rates(&stated, cells);
        let section = section.selection(&format!("{name}_classes"), &shown, &ClassesInWords { rates: &stated, shown: &shown });
        let section = match found.curves.first().filter(|_| !cells.is_suppressing()) {
            Some(curves) => section.figure(&format!("{name}_curves"), curve_figure(curves)),
            None => section,
        };
        match found.patients.as_ref().and_then(|patients| before_after(result, patients)) {
            Some(figure) => section.figure(&format!("{name}_patients"), figure),
            None => section,
        }
    }))
}

/// The shares under the first way to treat the unobserved.
fn only_stated(rates: &ChangeRates) -> ChangeRates {
    let Some(way) = stated(rates) else { return rates.clone() };
    let unobserved = match way {
        Assumption::ObservedOnly => Unobserved::ObservedOnly,
        Assumption::LastObserved => Unobserved::LastObserved,
        Assumption::Lowest | Assumption::Highest => Unobserved::Bounds,
        Assumption::CountedAsNotMet | Assumption::Imputed => Unobserved::CountedAsNotMet,
    };
    let rows = rates.rows.iter().filter(|row| unobserved.assumptions().contains(&row.unobserved)).cloned().collect();
    ChangeRates { rows, options: RateOptions::new([unobserved]).level(rates.options.level), ..rates.clone() }
}

/// All shares, comparisons class by class, and curves as tables.
pub(super) fn tables(result: &AnalysisResult, section: Section) -> Option<Section> {
    if result.individual_changes.is_empty() {
        return None;
    }
    let cells = result.plan.report.small_cells;
    Some(result.individual_changes.iter().enumerate().fold(section, |section, (k, found)| {
        let name = name(result, k);
        let hidden = shown_rates(&found.rates, cells);
        let section = section.about(&found.definition.outcome);
        let section = section.table_as(&name, &hidden, &ClassesInWords { rates: &found.rates, shown: &hidden });
        let section = match &found.comparisons {
            Some(comparisons) => {
                let of = |arm: &Labelled| (0..found.rates.rows.len()).any(|k| found.rates.rows[k].arm == *arm && hidden.hides(k));
                let rows = comparisons.rows.iter().map(|r| of(&r.arm) || of(&r.reference)).collect();
                let shown = Shown::new(comparisons, cells).hiding(COMPARED, rows);
                section.table_as(&format!("{name}_compared"), &shown, &shown.dashed())
            }
            None => section,
        };
        if cells.is_suppressing() {
            return section;
        }
        found.curves.iter().fold(section, |section, curves| {
            let name = format!("{name}_curves_in_{}", curves.scale());
            let section = section.table_as(&name, &CurveRows(curves), &CurveRows(curves));
            // The first is drawn with the classes.
            if curves.scale() == CurveScale::Points { section } else { section.figure(&name, curve_figure(curves)) }
        })
    }))
}

/// The columns of a table of comparisons that say something of patients.
const COMPARED: &[&str] = &["met", "of", "reference_met", "reference_of", "difference", "lower", "upper"];

/// A name for tables and figures: that of the outcome, numbered where the plan has several definitions for it.
fn name(result: &AnalysisResult, k: usize) -> String {
    let of = |k: usize| &result.individual_changes[k].definition.outcome;
    let before = (0..k).filter(|&j| of(j) == of(k)).count();
    let number = if before > 0 { format!("_{}", before + 1) } else { String::new() };
    format!("{}_individual_change{number}", of(k))
}

/// Shares without those of an arm in which any number is too small: they add up to the observed.
fn shown_rates(rates: &ChangeRates, cells: SmallCells) -> Shown<'_> {
    let few = |r: &ChangeRate| cells.hide(r.met, r.of) || cells.hide(r.observed, r.randomized);
    let hidden = rates.rows.iter().map(|row| rates.rows.iter().any(|other| other.arm == row.arm && few(other))).collect();
    Shown::new(rates, cells).hiding(&["met", "of", "share", "lower", "upper", "observed"], hidden)
}

/// What a paper would print: who recovered or improved and who deteriorated, with differences, under the first way to treat the
/// unobserved.
fn sentence(result: &AnalysisResult, found: &IndividualChangeResult) -> Option<String> {
    let way = stated(&found.rates)?;
    let share = |arm: &Labelled, category: ChangeCategory| {
        let row = found.rates.rows.iter().find(|r| r.arm == *arm && r.category == category && r.unobserved == way)?;
        (row.of > 0).then(|| format!("{} of {} ({}) in {arm}", row.met, row.of, Format::Percent.apply(row.share.estimate)))
    };
    let has = |category| found.rates.rows.iter().any(|r| r.category == category);
    let told: Vec<(ChangeCategory, &str)> = [
        (ChangeCategory::Recovered, "recovered"),
        (
            if has(ChangeCategory::Recovered) { ChangeCategory::RecoveredOrImproved } else { ChangeCategory::Improved },
            "were reliably better",
        ),
        (ChangeCategory::Deteriorated, "were reliably worse"),
    ]
    .into_iter()
    .filter(|(category, _)| has(*category))
    .collect();
    let arms: Vec<Labelled> = arms_of(&found.rates).into_iter().cloned().collect();
    let mut parts = vec![];
    for (category, words) in told {
        let shares: Vec<String> = arms.iter().filter_map(|arm| share(arm, category)).collect();
        if shares.is_empty() {
            return None;
        }
        let differences = found.comparisons.iter().flat_map(|c| &c.rows).filter(|r| r.category == category && r.unobserved == way);
        let differences: Vec<String> = differences.filter_map(|row| difference(result, row)).collect();
        let compared = if differences.is_empty() { String::new() } else { format!(" ({})", differences.join("; ")) };
        parts.push(format!("{} {words}{compared}", listed(&shares)));
    }
    let test = found.comparisons.iter().flat_map(|c| &c.tests).find(|t| t.unobserved == way && !t.test.p.is_nan());
    let style = result.plan.report.style;
    let test = test.map(|t| {
        let p = sentences::p(style, t.test.p);
        format!(" All classes in their order: χ²({}) = {:.2}, {p}.", t.test.df, t.test.statistic)
    });
    let unobserved = match way {
        Assumption::ObservedOnly => "of those observed",
        Assumption::LastObserved => "with those not observed as when last observed",
        _ => "with those not observed counted in no class",
    };
    Some(format!("At {}, {unobserved}, {}.{}", visit_in_prose(&result.plan.at), parts.join("; "), test.unwrap_or_default()))
}

/// `B − A: 4.1 percentage points, 95% CI [−11.2, 19.1]`.
fn difference(result: &AnalysisResult, row: &ChangeComparison) -> Option<String> {
    let number = |x: f64| minus_signs(&format!("{:.1}", 100.0 * x));
    let of = row.difference;
    let limits = sentences::interval(result.plan.report.style, result.plan.level, &number(of.lower), &number(of.upper));
    (!of.estimate.is_nan()).then(|| format!("{} − {}: {} percentage points{limits}", row.arm, row.reference, number(of.estimate)))
}

/// The way to treat the unobserved that comes first; bounds only where there is no other.
fn stated(rates: &ChangeRates) -> Option<Assumption> {
    let ways = || rates.rows.iter().map(|r| r.unobserved);
    ways().find(|a| !matches!(a, Assumption::Lowest | Assumption::Highest)).or_else(|| ways().next())
}

fn arms_of(rates: &ChangeRates) -> Vec<&Labelled> {
    let mut arms: Vec<&Labelled> = vec![];
    for row in &rates.rows {
        if !arms.contains(&&row.arm) {
            arms.push(&row.arm);
        }
    }
    arms
}

/// Shares of the classes, a column an arm.
struct ClassesInWords<'a> {
    rates: &'a ChangeRates,
    shown: &'a Shown<'a>,
}

impl ClassesInWords<'_> {
    fn lines(&self) -> Vec<(Assumption, ChangeCategory)> {
        let mut lines = vec![];
        for row in &self.rates.rows {
            let line = (row.unobserved, row.category);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }

    fn cell(&self, arm: &Labelled, (unobserved, category): (Assumption, ChangeCategory)) -> String {
        let is = |r: &ChangeRate| r.arm == *arm && r.unobserved == unobserved && r.category == category;
        match self.rates.rows.iter().position(is) {
            None => String::new(),
            Some(k) if self.shown.hides(k) => HIDDEN.into(),
            Some(k) => {
                let row = &self.rates.rows[k];
                format!("{}/{}: {}", row.met, row.of, interval(row.share, Format::Percent))
            }
        }
    }
}

impl Tabular for ClassesInWords<'_> {
    fn title(&self) -> String {
        format!("{}: individual change by {}", self.rates.outcome, self.rates.heading)
    }

    fn columns(&self) -> Vec<Column> {
        let lines = self.lines();
        let mut columns = vec![
            Column::text("unobserved", "Unobserved", lines.iter().map(|(unobserved, _)| unobserved.words())),
            Column::text("category", "n/N: share (CI)", lines.iter().map(|(_, category)| category.words())),
        ];
        for arm in arms_of(self.rates) {
            columns.push(Column::text(arm.label.clone(), &arm.label, lines.iter().map(|line| self.cell(arm, *line))));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.shown.notes()
    }
}

/// Curves with their cut-offs as what the numbers of a row are of.
struct CurveRows<'a>(&'a ResponderCurves);

impl Tabular for CurveRows<'_> {
    fn title(&self) -> String {
        self.0.title()
    }

    fn columns(&self) -> Vec<Column> {
        let mut columns = self.0.columns();
        if let Some(first) = columns.first_mut() {
            let cells: Vec<String> = (0..first.len()).map(|row| first.exact(row)).collect();
            *first = Column::text(first.name.clone(), &first.heading.clone(), cells);
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.0.notes()
    }
}

fn curve_figure(curves: &ResponderCurves) -> Figure {
    let of = |m: crate::proportions::Measure| Interval::new(m.estimate, (m.lower, m.upper));
    let unit = match curves.scale() {
        CurveScale::Points => "points",
        CurveScale::Percent => "per cent of the baseline",
    };
    let arm = |(a, label): (usize, &String)| ResponderCurve {
        label: label.clone(),
        points: curves.of_arm(a).map(|point| (point.cut_off, of(point.share))).collect(),
        differences: match a == curves.reference.index {
            true => vec![],
            false => curves.of_arm(a).map(|point| (point.cut_off, of(point.difference))).collect(),
        },
    };
    let compared = match curves.arms.len() {
        0 | 1 => String::new(),
        _ => format!(" Below: the difference from {}, with Newcombe's intervals.", curves.reference),
    };
    CumulativeResponders {
        title: format!("{} at {}: patients who improved by at least so much", curves.outcome, visit_in_prose(&curves.visit)),
        description: format!(
            "Share of each arm whose improvement reaches each cut-off, with pointwise {}% Wilson intervals.{compared} {}",
            percent(curves.level()),
            curves.unobserved_note()
        ),
        axis_label: format!("Improvement of at least so many {unit}"),
        arms: curves.arms.iter().enumerate().map(arm).collect(),
        steps: curves.has_every_step(),
    }
    .draw()
}

/// Each patient before and after, where single patients may be shown.
fn before_after(result: &AnalysisResult, patients: &IndividualChanges) -> Option<Figure> {
    let visit = patients.visits.iter().position(|v| *v == result.plan.at)?;
    let yardstick = patients.yardsticks[visit].as_ref()?;
    let of_arm = |(a, label): (usize, &String)| {
        let own = patients.arm_of.iter().enumerate().filter(|(_, arm)| **arm == a).map(|(i, _)| patients.change(i, visit));
        (label.clone(), own.map(|change| (change.before, change.after)).collect())
    };
    let at = visit_in_prose(&result.plan.at);
    let cut_off = match yardstick.cut_off {
        Some(cut) => format!(" Dashed: the cut-off of the functional range, {}.", minus_signs(&format!("{cut:.1}"))),
        None => String::new(),
    };
    Some(
        BeforeAfter {
            title: format!("{}: each patient at baseline and at {at}", patients.outcome),
            description: format!(
                "Line: no change. Grey: no reliable change, by {}.{cut_off} Patients without both scores are not shown.",
                patients.definition.heading()
            ),
            before: format!("{} at baseline", patients.outcome),
            after: format!("{} at {at}", patients.outcome),
            arms: patients.arms.iter().enumerate().map(of_arm).collect(),
            band: Some(NoChange { intercept: yardstick.intercept, slope: yardstick.slope, half_width: yardstick.half_width }),
            cut_off: yardstick.cut_off,
            lower_is_better: patients.definition.better == Better::Lower,
        }
        .draw(),
    )
}

/// The sentences of the methods section, where there is individual change.
pub(super) fn methods(result: &AnalysisResult) -> Option<String> {
    if result.individual_changes.is_empty() {
        return None;
    }
    let one = |found: &IndividualChangeResult| format!("{}: {}", found.outcome, found.rates.definition.join(" "));
    let definitions: Vec<String> = result.individual_changes.iter().map(one).collect();
    let compared = match result.trial.arms.len() {
        0 | 1 => "",
        _ => {
            " Arms are compared class by class by differences with Newcombe's intervals, and over all classes in their order by the \
             Cochran–Mantel–Haenszel test of row mean scores with midranks (Kruskal–Wallis)."
        }
    };
    Some(format!(
        "Each patient's change from baseline to {} is classified. {} Shares have Wilson's intervals.{compared} Cumulative responder curves \
         show the share of each arm that improved by at least so much, over all cut-offs. Nothing is adjusted for covariates or \
         multiplicity.",
        result.plan.visit(),
        definitions.join(" ")
    ))
}
