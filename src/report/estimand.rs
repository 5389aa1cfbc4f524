//! The section on estimands: what the plan says of them, and nothing else.

use super::document::Section;
use crate::analysis::AnalysisResult;

/// A table and a sentence per estimand; none where the plan states none.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    let plan = &result.plan;
    if plan.estimands.is_empty() {
        return None;
    }
    let section = plan.estimands.iter().enumerate().fold(Section::new("Estimands"), |section, (k, estimand)| {
        section.table(&format!("estimand_{}", k + 1), &estimand.table(plan)).paragraph(estimand.sentence(plan))
    });
    Some(section)
}
