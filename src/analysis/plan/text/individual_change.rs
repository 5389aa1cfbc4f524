//! What a plan says of individual change, in words.

use super::{Part, unobserved};
use crate::analysis::Plan;
use crate::change::{ClassScheme, CutOff, IndividualChange, Norm, Spread};
use crate::means::Better;
use crate::table::counted;

impl Plan {
    pub(super) fn individual_change_text(&self) -> Part {
        let heading = "Individual change";
        if self.individual_changes.is_empty() {
            return Part { heading, paragraphs: vec![] };
        }
        let lines: Vec<String> = self.individual_changes.iter().map(|change| self.definition_text(change)).collect();
        let ways: Vec<String> = self.responders.unobserved.iter().map(|way| unobserved(*way).to_string()).collect();
        let how = format!(
            "At {}, the share of patients in each class is reported by arm with its Wilson interval; arms are compared class by class by differences with \
             Newcombe's intervals, and over all classes in their order by the Cochran–Mantel–Haenszel test of row mean scores with midranks. Patients who were \
             not observed are handled in these ways, each shown: {}. Cumulative responder curves show the share of each arm that improved by at least so much, \
             over all cut-offs. Nothing is adjusted for multiplicity.",
            self.visit_text(),
            ways.join("; ")
        );
        Part { heading, paragraphs: vec![lines.join("\n"), how] }
    }

    fn definition_text(&self, change: &IndividualChange) -> String {
        let better = if change.better == Better::Lower { "lower" } else { "higher" };
        let reliable = match (&change.reliable_change, &change.reliability) {
            (Some(of), _) => {
                let source = if of.source.is_empty() { String::new() } else { format!(" ({})", of.source) };
                format!("a change of at least {} is reliable{source}", counted(of.points, "point"))
            }
            (None, Some(reliability)) => format!(
                "a change is reliable by the index of {} at the level {}, with {} and the standard deviation {}",
                change.method.words(),
                change.level,
                reliability.words(),
                match &change.sd {
                    Spread::Stated(sd) => sd.to_string(),
                    of_trial => of_trial.words(),
                }
            ),
            (None, None) => "nothing says which change is reliable".into(),
        };
        let norm = |name: &str, norm: &Option<Norm>| {
            norm.as_ref().map(|n| format!("; {name} population: mean {}, SD {} ({})", n.mean, n.sd, n.source)).unwrap_or_default()
        };
        let cut_off = match change.cut_off {
            None => String::new(),
            Some(CutOff::Score(score)) => format!("; the functional range begins at {score}"),
            Some(cut) => format!("; the functional range begins at cut-off {cut}"),
        };
        let harmed =
            if change.classes == ClassScheme::Five { "; who is reliably worse and leaves the functional range is harmed" } else { "" };
        format!(
            "- {}, {}: {better} scores are better; {reliable}{cut_off}{}{}{harmed}.",
            self.label_of(&change.outcome),
            change.heading(),
            norm("clinical", &change.clinical),
            norm("functional", &change.functional)
        )
    }
}
