//! The primary contrast within prespecified subgroups: a forest plot, a table and the tests of interaction.

use super::condensed::minus_signs;
use super::document::Section;
use super::figure::{Figure, Forest, ForestGroup, ForestRow, ForestScale, Interval};
use super::methods::{listed, percent};
use super::suppressed::Shown;
use crate::analysis::{AnalysisResult, SmallCells, SubgroupResult, SubgroupRow, visit_in_prose};
use crate::means::Compared;
use crate::table::Format;

/// The section, where the plan asks for it.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    if result.subgroups.is_empty() {
        return None;
    }
    let cells = result.plan.report.small_cells;
    Some(result.subgroups.iter().fold(Section::new("Subgroups"), |section, found| {
        let name = format!("{}_by_{}", found.outcome, found.factor);
        let few = few(found, cells);
        // The note on patients without a value is left out where they are few.
        let without_value = if cells.is_small(found.without_value) { 0 } else { found.without_value };
        let found = &SubgroupResult { without_value, ..found.clone() };
        let own = found.rows.iter().zip(&few).map(|(row, few)| *few || cells.hide(row.n, row.randomized)).collect();
        let versus = found.rows.iter().zip(&few).map(|(row, few)| *few || cells.hide(row.n_versus, row.randomized_versus)).collect();
        let shown = Shown::new(found, cells)
            .hiding(&["n"], own)
            .hiding(&["n_versus"], versus)
            .hiding(&["randomized"], few.clone())
            .hiding(&["randomized_versus"], few);
        let section = section.led_paragraph(format!("{}.", found.label), sentence(found));
        let section = if found.failure.is_none() { section.figure(&name, figure(found)) } else { section };
        section.table_as(&name, &shown, &shown.dashed())
    }))
}

/// Whether a level has so few patients of an arm that its numbers are not shown; then no level's are, because they add up to
/// the arm's.
fn few(found: &SubgroupResult, cells: SmallCells) -> Vec<bool> {
    let small = |row: &SubgroupRow| [row.n, row.n_versus, row.randomized, row.randomized_versus].into_iter().any(|n| cells.is_small(n));
    let any = found.rows.iter().filter(|row| row.subgroup.is_some()).any(small) || cells.is_small(found.without_value);
    found.rows.iter().map(|row| any && row.subgroup.is_some()).collect()
}

/// What the tests of interaction say.
fn sentence(found: &SubgroupResult) -> String {
    if let Some(why) = &found.failure {
        return format!("The model with the interactions could not be fitted: {}.", why.trim_end_matches('.'));
    }
    let several = found.interactions.len() > 1;
    let test = |test: &crate::means::Interaction| {
        let of = match &test.compared {
            Some(compared) if several => format!("{}: ", compared.typeset()),
            None => "all arms: ".into(),
            Some(_) => String::new(),
        };
        format!("{of}{}", minus_signs(&SubgroupResult::interaction_in_words(test)))
    };
    let tests: Vec<String> = found.interactions.iter().map(test).collect();
    format!(
        "Whether the difference in {} at {} depends on {}: {}. A difference in one level beside none in another is no evidence that they differ; the test of \
         interaction is.",
        found.outcome_label,
        visit_in_prose(&found.visit),
        found.label,
        tests.join("; ")
    )
}

fn figure(found: &SubgroupResult) -> Figure {
    let interval = |row: &SubgroupRow| Interval::new(row.contrast.estimate.estimate, (row.contrast.lower, row.contrast.upper));
    let label = |row: &SubgroupRow| row.subgroup.clone().unwrap_or_else(|| "Overall".into());
    let mut groups: Vec<(&Compared, ForestGroup)> = vec![];
    for row in &found.rows {
        let drawn = ForestRow { label: label(row), interval: interval(row) };
        match groups.iter_mut().find(|(compared, _)| **compared == row.contrast.compared) {
            Some((_, group)) => group.rows.push(drawn),
            None => groups.push((&row.contrast.compared, ForestGroup { heading: row.contrast.compared.typeset(), rows: vec![drawn] })),
        }
    }
    Forest {
        title: format!("{} at {}, by {}", found.outcome_label, visit_in_prose(&found.visit), found.label),
        description: format!(
            "Differences between arms with {}% confidence intervals: the primary analysis, and within levels of {} from one model with the interactions of \
             arm, visit and factor.",
            percent(found.level),
            found.label
        ),
        label_heading: found.label.clone(),
        estimate_heading: format!("Difference ({}% CI)", percent(found.level)),
        axis_label: format!("Difference between arms, {}", found.outcome_label),
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        scale: ForestScale::Difference,
        directions: None,
        format: Format::of_errors(found.rows.iter().map(|r| r.contrast.estimate.se)),
    }
    .draw()
}

/// The sentence of the methods section, where there are subgroups.
pub(super) fn methods(result: &AnalysisResult) -> Option<String> {
    if result.subgroups.is_empty() {
        return None;
    }
    let factors: Vec<&str> = result.subgroups.iter().map(|found| found.label.as_str()).collect();
    Some(format!(
        "Prespecified subgroups: {}. For each, one model adds the interactions of the factor with arm and visit to the primary one; the difference between arms \
         at {} within each level is estimated at the reference grid of the rest, and the interaction is tested by an F test. Nothing is adjusted for \
         multiplicity.",
        listed(&factors),
        result.plan.visit()
    ))
}
