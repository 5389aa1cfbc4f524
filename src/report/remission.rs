//! Response and remission: rates, and arms compared by them.

use super::adjusted;
use super::document::Section;
use super::figure::{ArmRate, Figure, Interval, RateGroup, Rates as RateFigure};
use super::methods::percent;
use super::suppressed::{self, Shown};
use super::views::{ComparisonsInWords, RatesInWords};
use crate::analysis::AnalysisResult;
use crate::responders::{Assumption, Definition, Rates};

/// What the section is called.
pub(super) fn heading(result: &AnalysisResult) -> String {
    format!("Response and remission at {}", result.plan.visit())
}

/// The section, where definitions were given and their rates may be drawn.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    let rates = result.rates.as_ref()?;
    let section = Section::new(heading(result));
    if suppressed::rates(rates, result.plan.report.small_cells).hides_any() {
        return Some(section.paragraph("The figures of the rates are left out: some numbers of patients are too small to be shown."));
    }
    let section = adjusted::sentences(result).into_iter().fold(section, Section::paragraph).figure("rates", figure(result, rates));
    let first = rates.definitions.first().and_then(|definition| adjusted::over_time(result, definition));
    Some(first.into_iter().fold(section, |section, (name, figure)| section.figure(&name, figure)))
}

/// All rates and comparisons, under every way to count the unobserved.
pub(super) fn tables(result: &AnalysisResult, section: Section) -> Option<Section> {
    let rates = result.rates.as_ref()?;
    let (visit, cells) = (result.plan.visit(), result.plan.report.small_cells);
    let shown = suppressed::rates(rates, cells);
    let section = section.table_as("rates", &shown, &RatesInWords { rates, shown: &shown, visit: visit.clone() });
    let Some(comparisons) = &result.comparisons else { return Some(section) };
    let hidden = suppressed::comparisons(comparisons, rates, cells);
    let note = hidden.contains(&true).then(|| cells.note());
    let written = Shown::new(comparisons, cells).hiding(suppressed::COMPARED, hidden.clone());
    let section = section.table_as("rate_comparisons", &written, &ComparisonsInWords { comparisons, hidden: &hidden, note, visit });
    let section = adjusted::table(result, rates, section);
    if shown.hides_any() {
        return Some(section);
    }
    let others = rates.definitions.iter().skip(1).filter_map(|definition| adjusted::over_time(result, definition));
    Some(others.fold(section, |section, (name, figure)| section.figure(&name, figure)))
}

fn figure(result: &AnalysisResult, rates: &Rates) -> Figure {
    // The first way to treat the unobserved is drawn; the bounds, where computed, stand behind it.
    let shown = rates.rows.iter().map(|r| r.unobserved).find(|a| !matches!(a, Assumption::Lowest | Assumption::Highest));
    let shown = shown.unwrap_or(Assumption::Lowest);
    let group = |d: &Definition| RateGroup { label: d.label.clone(), arms: arms(result, rates, d, shown) };
    RateFigure {
        title: format!("Response and remission at {}", result.plan.visit()),
        description: format!(
            "Rates with {}% Wilson intervals; patients not observed are {}. Grey: the range that the unobserved could make.",
            percent(result.plan.level),
            match shown {
                Assumption::ObservedOnly => "left out",
                Assumption::CountedAsNotMet | Assumption::Lowest => "counted as not meeting the definition",
                Assumption::Highest => "counted as meeting the definition",
                Assumption::LastObserved | Assumption::Imputed => "counted as they were when last observed",
            }
        ),
        axis_label: format!("Patients who meet the definition at {}", result.plan.visit()),
        number_heading: format!("n/N: rate ({}% CI)", percent(result.plan.level)),
        groups: rates.definitions.iter().map(group).collect(),
    }
    .draw()
}

fn arms(result: &AnalysisResult, rates: &Rates, definition: &Definition, shown: Assumption) -> Vec<ArmRate> {
    let find = |arm: usize, assumption: Assumption| {
        rates.rows.iter().find(|r| r.definition == definition.name && r.arm.index == arm && r.unobserved == assumption)
    };
    let one = |(position, arm): (usize, &String)| {
        let row = find(position, shown)?;
        let bound = |a: Assumption| find(position, a).map(|r| r.rate.estimate).filter(|r| r.is_finite());
        Some(ArmRate {
            label: arm.clone(),
            arm: position,
            rate: Interval::new(row.rate.estimate, (row.rate.lower, row.rate.upper)),
            events: row.met,
            n: row.of,
            bounds: bound(Assumption::Lowest).zip(bound(Assumption::Highest)),
        })
    };
    result.trial.arms.iter().enumerate().filter_map(one).collect()
}
