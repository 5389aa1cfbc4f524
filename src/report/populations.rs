//! The primary contrast in parts of the patients: completers, and those treated per protocol.

use super::document::Section;
use super::methods::{listed, percent};
use super::models;
use super::suppressed::Shown;
use crate::analysis::{AnalysisResult, OtherModelRow, PopulationTable, Populations, SmallCells};
use crate::table::Format;

/// What the section is called.
pub(super) const HEADING: &str = "Completers and other parts of the patients";

/// The section, where the plan asks for it.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    let found = result.populations.as_ref()?;
    let (name, cells) = (&result.outcomes[0].name, result.plan.report.small_cells);
    let heading = |name: &str| format!("{name}_populations");
    let mut section = Section::new(HEADING).about(name).paragraph(Populations::caution());
    for population in result.plan.populations() {
        section = section.led_paragraph(format!("{}.", population.name), format!("Patients for whom {population}."));
    }
    let section = section.figure(&heading(name), models::figure(&found.contrasts));
    let hidden = hidden(&found.patients, cells);
    let few = |population: &str| found.patients.rows.iter().zip(&hidden).any(|(row, hidden)| *hidden && row.population == population);
    let rows = found.contrasts.rows.iter();
    let randomized: usize = result.trial.randomized.iter().sum();
    let of_few = rows.map(|row| few(&row.analysis) || cells.hide(row.patients, randomized)).collect();
    let contrasts = Shown::new(&found.contrasts, cells).hiding(&["patients", "observations"], of_few);
    let patients = Shown::new(&found.patients, cells).hiding(&["n", "share"], hidden);
    let section = section.table_as(&heading(name), &contrasts, &contrasts.dashed());
    Some(section.table_as(&format!("{name}_population_patients"), &patients, &patients.dashed()))
}

/// Rows that are hidden: within an arm the places add up to its size.
fn hidden(table: &PopulationTable, cells: SmallCells) -> Vec<bool> {
    let mut hidden = vec![false; table.rows.len()];
    for (k, row) in table.rows.iter().enumerate() {
        let same: Vec<usize> =
            (0..table.rows.len()).filter(|&j| table.rows[j].population == row.population && table.rows[j].arm == row.arm).collect();
        let parts: Vec<usize> = same.iter().map(|&j| table.rows[j].n).collect();
        hidden[k] = same.iter().zip(cells.hidden(&parts)).any(|(&j, hide)| j == k && hide);
    }
    hidden
}

/// The comparisons in parts of the patients of two arms, by their position: what figures put beside other analyses.
pub(super) fn rows_of(result: &AnalysisResult, arm: usize, versus: usize) -> impl Iterator<Item = &OtherModelRow> {
    let rows = result.populations.iter().flat_map(|found| &found.contrasts.rows);
    let is = move |row: &&OtherModelRow| {
        row.compared.arm().is_some_and(|a| a.index == arm) && row.compared.versus().is_some_and(|v| v.index == versus)
    };
    rows.filter(|row| result.plan.populations().any(|population| population.name == row.analysis)).filter(is)
}

/// A line for the first page.
pub(super) fn conclusion(result: &AnalysisResult) -> Option<String> {
    let found = result.populations.as_ref()?;
    let of_plan = |row: &&OtherModelRow| result.plan.populations().any(|population| population.name == row.analysis);
    let known = found.contrasts.rows.iter().filter(of_plan).filter(|row| row.estimate.se.is_finite());
    let parts: Vec<String> = known
        .map(|row| {
            let shown = |x: f64| Format::of_error(row.estimate.se).apply(x).replace('-', "−");
            format!(
                "{} {} [{}, {}] ({})",
                row.analysis,
                shown(row.estimate.estimate),
                shown(row.lower),
                shown(row.upper),
                row.compared.typeset()
            )
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!("Differences at {} in parts of the patients, which are not randomized groups: {}.", result.plan.visit(), parts.join("; "))
    })
}

/// The sentence of the methods section.
pub(super) fn methods(result: &AnalysisResult) -> Option<String> {
    result.populations.as_ref()?;
    let said: Vec<String> =
        result.plan.populations().map(|population| format!("{} (patients for whom {population})", population.name)).collect();
    Some(format!(
        "The primary model was also fitted to parts of the patients: {}. These comparisons, with {}% confidence intervals, are not of randomized groups.",
        listed(&said),
        percent(result.plan.level)
    ))
}
