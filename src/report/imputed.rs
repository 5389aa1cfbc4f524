//! What if the missing are different: imputations of the primary outcome and tipping points.

use super::document::Section;
use super::figure::{Figure, Forest, ForestGroup, ForestRow, ForestScale, Interval, TippingPlane};
use super::methods::{listed, percent};
use crate::analysis::{AnalysisResult, MissingSensitivity};
use crate::imputation::TippingPoint;
use crate::table::Format;

/// What the section is called.
pub(super) const HEADING: &str = "If the missing are different";

/// The section, where the plan asks for it.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    let found = result.missing.as_ref()?;
    let name = &result.outcomes[0].name;
    let mut section = Section::new(HEADING).about(name).paragraph(
        "The primary analysis takes missing values to be like observed ones of the same arm, given what was observed (missing at random). These analyses \
         take them to be otherwise. They are not estimates of what happened, but of what would follow if the assumption held.",
    );
    if !found.imputations.is_empty() {
        section = section.figure(&format!("{name}_imputed"), figure(result, found));
    }
    for (k, imputation) in found.imputations.iter().enumerate() {
        if !imputation.reason.is_empty() {
            section = section.led_paragraph(format!("{}.", imputation.name), imputation.reason.clone());
        }
        let title = format!("{}, missing values imputed: {}", result.outcomes[0].label, imputation.name);
        section = section.titled(&format!("{name}_imputed_{}", k + 1), title, &imputation.table);
    }
    for (k, tipping) in found.tipping_points.iter().enumerate() {
        let (outcome, visit) = (&result.outcomes[0].label, result.plan.visit());
        section = section.paragraph(tipping.sentence_of(outcome, &visit));
        if let Some(plane) = plane(tipping, outcome, &visit) {
            section = section.figure(&format!("{name}_tipping_plane_{}", k + 1), plane);
        }
        section = section.titled(&format!("{name}_tipping_point_{}", k + 1), tipping.title_of(outcome, &visit), tipping);
    }
    Some(found.failures.iter().fold(section, |section, failure| section.led_paragraph("Not carried out.", failure)))
}

/// The plane of two grids of amounts.
fn plane(tipping: &TippingPoint, outcome: &str, visit: &str) -> Option<Figure> {
    let grid = tipping.shifts();
    if grid.0.len() < 2 || grid.1.len() < 2 {
        return None;
    }
    let (arm, versus) = (&tipping.arm.label, &tipping.versus.label);
    let interval = format!("{}% confidence interval", percent(tipping.level));
    let limit = crate::dist::normal::quantile(0.5 + 0.5 * tipping.level);
    let figure = TippingPlane {
        title: tipping.title_of(outcome, visit),
        description: format!(
            "The {} of {arm} − {versus} with every pair of amounts added to the imputed values of the two arms: where its {interval} lies below zero, holds \
             zero, and lies above it.",
            tipping.measure
        ),
        across: format!("Added to imputed values of {arm}"),
        up: format!("added to imputed values of {versus}"),
        grid,
        limit,
        signal: &|x, y| tipping.signal(x, y),
        regions: [
            format!("the {interval} lies below zero"),
            format!("the {interval} holds zero"),
            format!("the {interval} lies above zero"),
        ],
    };
    Some(figure.draw())
}

/// A line for the first page: the primary contrast under every assumption.
pub(super) fn conclusion(result: &AnalysisResult) -> Option<String> {
    let found = result.missing.as_ref()?;
    let mut parts: Vec<String> = vec![];
    for imputation in &found.imputations {
        for row in imputation.table.differences().filter(|row| row.visit == *result.plan.at && row.se.is_finite()) {
            let shown = |x: f64| Format::of_error(row.se).apply(x).replace('-', "−");
            let label = row.versus.as_ref().map_or(row.label(), |versus| format!("{} − {versus}", row.arm));
            parts.push(format!("{} {} [{}, {}] ({label})", imputation.name, shown(row.estimate), shown(row.lower), shown(row.upper)));
        }
    }
    let mut sentences: Vec<String> = vec![];
    if !parts.is_empty() {
        sentences.push(format!("Differences at {} with missing values imputed: {}.", result.plan.visit(), parts.join("; ")));
    }
    sentences.extend(found.tipping_points.iter().map(|tipping| tipping.sentence_of(&result.outcomes[0].label, &result.plan.visit())));
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// The primary contrast under the primary analysis and every imputation.
fn figure(result: &AnalysisResult, found: &MissingSensitivity) -> Figure {
    let primary = &result.outcomes[0];
    let mut groups: Vec<ForestGroup> = vec![];
    let mut ses = vec![];
    for contrast in primary.contrasts_at(&result.plan.at) {
        let (Some(arm), Some(versus)) = (contrast.compared.arm(), contrast.compared.versus()) else { continue };
        ses.push(contrast.estimate.se);
        let interval = Interval::new(contrast.estimate.estimate, (contrast.lower, contrast.upper));
        let mut rows = vec![ForestRow { label: "primary analysis".into(), interval }];
        for imputation in &found.imputations {
            let of = |row: &&crate::imputation::ImputedEstimate| {
                row.se.is_finite()
                    && row.visit == *result.plan.at
                    && row.arm.index == arm.index
                    && row.versus.as_ref().is_some_and(|v| v.index == versus.index)
            };
            if let Some(row) = imputation.table.differences().find(of) {
                ses.push(row.se);
                rows.push(ForestRow { label: imputation.name.clone(), interval: Interval::new(row.estimate, (row.lower, row.upper)) });
            }
        }
        for row in super::populations::rows_of(result, arm.index, versus.index).filter(|row| row.estimate.se.is_finite()) {
            ses.push(row.estimate.se);
            let label = format!("{}, not randomized", row.analysis);
            rows.push(ForestRow { label, interval: Interval::new(row.estimate.estimate, (row.lower, row.upper)) });
        }
        groups.push(ForestGroup { heading: contrast.compared.typeset(), rows });
    }
    let level = percent(result.plan.level);
    let parts = if result.populations.is_some() { ", and in parts of the patients, which are not randomized groups" } else { "" };
    Forest {
        title: format!("{} at {}, by what is assumed of the missing", primary.label, result.plan.visit()),
        description: format!(
            "The primary contrast by the mixed model and with missing values imputed{parts}, with {level}% confidence intervals."
        ),
        label_heading: "Assumption".into(),
        estimate_heading: format!("Difference ({level}% CI)"),
        axis_label: format!("Difference between arms, {}", primary.label),
        groups,
        scale: ForestScale::Difference,
        directions: None,
        format: Format::of_errors(ses),
    }
    .draw()
}

/// The sentence of the methods section.
pub(super) fn methods(result: &AnalysisResult) -> Option<String> {
    let found = result.missing.as_ref()?;
    let after = if result.events.is_some() { "the event" } else { "dropout" };
    let words = |i: &crate::analysis::Imputation| {
        let how = i.table.draws.as_ref().map_or_else(String::new, |draws| format!(", {}, pooled {}", draws.words(), draws.pooling_words()));
        format!("{} (values after {after} {}{how})", i.name, i.table.words())
    };
    let imputed: Vec<String> = found.imputations.iter().map(words).collect();
    let mut sentences = vec![];
    if !imputed.is_empty() {
        sentences.push(format!(
            "In sensitivity analyses missing values of the primary outcome were replaced by their expectation under the fitted model, or drawn where that is said, under these \
             assumptions: {}. The completed data were analysed at each visit (Carpenter, Roger and Kenward 2013; Wolbers et al. 2022).",
            listed(&imputed)
        ));
    }
    if !found.tipping_points.is_empty() {
        sentences.push("A tipping-point analysis added amounts to imputed values until the confidence interval touched zero.".into());
    }
    Some(sentences.join(" "))
}
