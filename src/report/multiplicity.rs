//! Hypotheses that are tested at one familywise level.

use super::document::Section;
use super::methods::listed;
use crate::analysis::{AnalysisResult, visit_in_prose};

/// The section, where the plan names hypotheses.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    let found = result.multiplicity.as_ref()?;
    let rejected = found.rejected();
    let decision = match rejected.as_slice() {
        [] => "no hypothesis is rejected".to_string(),
        [one] => format!("{one} is rejected"),
        several => format!("{} are rejected, in this order", listed(several)),
    };
    let text = format!("At a familywise level of {} by {}, {decision}.", found.alpha, found.procedure.words());
    Some(Section::new("Hypotheses").paragraph(text).table("hypotheses", found))
}

/// The sentence of the methods section, where the plan names hypotheses.
pub(super) fn methods(result: &AnalysisResult) -> Option<String> {
    let found = result.multiplicity.as_ref()?;
    let hypothesis = |row: &crate::analysis::HypothesisRow| {
        format!("{} ({} at {}, {})", row.name, row.outcome_label, visit_in_prose(&row.visit), row.compared.typeset())
    };
    let named: Vec<String> = found.rows.iter().map(hypothesis).collect();
    Some(format!(
        "The two-sided familywise level of {} is kept over {} hypotheses by {}: {}. All else is not adjusted for multiplicity.",
        found.alpha,
        found.rows.len(),
        found.procedure.words(),
        listed(&named)
    ))
}
