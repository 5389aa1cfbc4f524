//! Analyses by other models than the primary one's: sensitivity analyses and further analyses.

use super::document::Section;
use super::figure::{Figure, Forest, ForestGroup, ForestRow, ForestScale, Interval};
use super::methods::{listed, percent};
use super::suppressed::Shown;
use crate::analysis::{AnalysisResult, OtherModelRow, OtherModels, OtherModelsRole, SmallCells, visit_in_prose};
use crate::means::Compared;
use crate::table::Format;

/// The sensitivity analyses, where the plan asks for them.
pub(super) fn sensitivity(result: &AnalysisResult) -> Option<Section> {
    let found = result.models.as_ref()?;
    let name = format!("{}_models", result.outcomes[0].name);
    let section = Section::new("Sensitivity to the model").figure(&name, figure(found));
    Some(tabled(section, &name, found, result.plan.report.small_cells, result))
}

/// The further analyses of the plan.
pub(super) fn further(result: &AnalysisResult) -> Option<Section> {
    let found = result.further.as_ref()?;
    Some(tabled(Section::new("Further analyses"), "further_analyses", found, result.plan.report.small_cells, result))
}

/// The table; the numbers of patients are left out where one would tell how few were not analysed.
fn tabled(section: Section, name: &str, found: &OtherModels, cells: SmallCells, result: &AnalysisResult) -> Section {
    let randomized = result.trial.randomized.iter().sum();
    let hidden: Vec<bool> = found.rows.iter().map(|row| cells.hide(row.patients, randomized)).collect();
    let shown = Shown::new(found, cells).hiding(&["patients", "observations"], hidden);
    section.table_as(name, &shown, &shown.dashed())
}

/// The contrasts as a forest, a group per pair of arms.
pub(super) fn figure(found: &OtherModels) -> Figure {
    let mut groups: Vec<(&Compared, ForestGroup)> = vec![];
    for row in &found.rows {
        let drawn = ForestRow { label: row.analysis.clone(), interval: Interval::new(row.estimate.estimate, (row.lower, row.upper)) };
        match groups.iter_mut().find(|(compared, _)| **compared == row.compared) {
            Some((_, group)) => group.rows.push(drawn),
            None => groups.push((&row.compared, ForestGroup { heading: row.compared.typeset(), rows: vec![drawn] })),
        }
    }
    let of: Option<&OtherModelRow> = found.rows.first();
    let (outcome, visit) = of.map_or_else(Default::default, |row| (row.outcome_label.clone(), visit_in_prose(&row.visit)));
    let (by, under) = match found.role {
        OtherModelsRole::Populations => {
            ("in parts of the patients", "in everyone randomized and in parts of the patients, which are not randomized groups")
        }
        _ => ("by model", "under the primary model and others"),
    };
    Forest {
        title: format!("{outcome} at {visit}, {by}"),
        description: format!("The primary contrast {under}, with {}% confidence intervals.", percent(found.level)),
        label_heading: "Analysis".into(),
        estimate_heading: format!("Difference ({}% CI)", percent(found.level)),
        axis_label: format!("Difference between arms, {outcome}"),
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        scale: ForestScale::Difference,
        directions: None,
        format: Format::of_errors(found.rows.iter().map(|r| r.estimate.se)),
    }
    .draw()
}

/// The sentence of the methods section, where there are other models.
pub(super) fn methods(result: &AnalysisResult) -> Option<String> {
    let names = |found: &Option<OtherModels>, skip: usize| -> Vec<String> {
        let mut names: Vec<String> = vec![];
        for row in found.iter().flat_map(|found| &found.rows) {
            if !names.contains(&row.analysis) {
                names.push(row.analysis.clone());
            }
        }
        names.into_iter().skip(skip).collect()
    };
    // The first row of the sensitivity table is the primary analysis.
    let (sensitivity, further) = (names(&result.models, 1), names(&result.further, 0));
    let mut sentences = vec![];
    if !sensitivity.is_empty() {
        sentences.push(format!("How far the primary contrast depends on its model is shown by other models: {}.", listed(&sensitivity)));
    }
    if !further.is_empty() {
        sentences.push(format!("Further analyses, each by a model of its own: {}.", listed(&further)));
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}
