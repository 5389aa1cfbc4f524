//! The items of the CONSORT 2025 statement (Hopewell et al. 2025, PLoS Med 22(4):e1004587), in our own short words, and
//! where a report of an analysis answers them.

use crate::table::{Column, Tabular};

/// Where an item is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Summary,
    Methods,
    Participants,
    Results,
    Secondary,
    Sensitivity,
    Remission,
    Missing,
    /// What the report was made from, where it has the registration.
    Provenance,
    /// The same, for the plan.
    Plan,
    /// Elsewhere in the article.
    Nowhere,
}

use Answer::{Methods, Missing, Nowhere, Participants, Provenance, Results, Sensitivity, Summary};

/// Number, item, where.
const ITEMS: [(&str, &str, Answer); 42] = [
    ("1a", "Title says that the trial is randomized", Nowhere),
    ("1b", "Structured abstract", Nowhere),
    ("2", "Registration", Provenance),
    ("3", "Access to protocol and statistical analysis plan", Answer::Plan),
    ("4", "Sharing of data, code and materials", Nowhere),
    ("5a", "Funding and role of funders", Nowhere),
    ("5b", "Conflicts of interest", Nowhere),
    ("6", "Background and rationale", Nowhere),
    ("7", "Objectives: benefits and harms", Summary),
    ("8", "Involvement of patients and public", Nowhere),
    ("9", "Trial design, allocation ratio, framework", Nowhere),
    ("10", "Changes after the trial began", Nowhere),
    ("11", "Settings and locations", Nowhere),
    ("12a", "Eligibility of participants", Nowhere),
    ("12b", "Eligibility of sites and of those who treat", Nowhere),
    ("13", "Intervention and comparator, for replication", Nowhere),
    ("14", "Primary and secondary outcomes with their time points", Methods),
    ("15", "How harms were defined and assessed", Nowhere),
    ("16a", "Sample size and its assumptions", Nowhere),
    ("16b", "Interim analyses and stopping", Nowhere),
    ("17a", "Who made the random sequence, and how", Nowhere),
    ("17b", "Type of randomization and restrictions", Nowhere),
    ("18", "Concealment of allocation", Nowhere),
    ("19", "Who enrolled and who assigned, and their access to the sequence", Nowhere),
    ("20a", "Who was blinded", Nowhere),
    ("20b", "How blinding was achieved", Nowhere),
    ("21a", "Statistical methods for outcomes and harms", Methods),
    ("21b", "Who is in each analysis, and in which group", Methods),
    ("21c", "How missing data were handled", Methods),
    ("21d", "Methods of additional analyses", Methods),
    ("22a", "Flow: randomized, treated, analysed", Participants),
    ("22b", "Losses and exclusions with reasons", Participants),
    ("23a", "Dates of recruitment and follow-up", Nowhere),
    ("23b", "Why the trial ended or was stopped", Nowhere),
    ("24a", "Interventions as they were delivered", Nowhere),
    ("24b", "Care received beside", Nowhere),
    ("25", "Baseline characteristics by group", Participants),
    ("26", "Numbers analysed, results, effect sizes and precision of each outcome", Results),
    ("27", "Harms", Nowhere),
    ("28", "Other analyses: subgroups and sensitivity", Sensitivity),
    ("29", "Interpretation", Nowhere),
    ("30", "Limitations", Nowhere),
];

/// Items beside those that say more of them.
const FURTHER: [(&str, Answer); 3] = [("22b", Missing), ("26", Answer::Secondary), ("26", Answer::Remission)];

/// The checklist with the sections of a report.
pub(super) struct Checklist {
    rows: Vec<(&'static str, &'static str, String)>,
}

/// What stands where a report does not answer.
const NOT_HERE: &str = "not part of the analysis";

impl Checklist {
    /// The checklist; `headings` are the sections that answer, where a report has them.
    pub fn of(headings: impl Fn(Answer) -> Vec<String>) -> Self {
        let mut rows = vec![];
        for (number, item, answer) in ITEMS {
            let more = FURTHER.iter().filter(|(n, _)| *n == number).flat_map(|(_, answer)| headings(*answer));
            let found: Vec<String> = headings(answer).into_iter().chain(more).collect();
            if found.is_empty() {
                rows.push((number, item, NOT_HERE.to_string()));
            }
            rows.extend(found.into_iter().map(|heading| (number, item, heading)));
        }
        Self { rows }
    }
}

impl Tabular for Checklist {
    fn title(&self) -> String {
        "Items of CONSORT 2025 and where they are answered".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("number", "Item", self.rows.iter().map(|r| r.0)),
            Column::text("item", "What it asks for", self.rows.iter().map(|r| r.1)),
            Column::text("section", "Section of this report", self.rows.iter().map(|r| r.2.as_str())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "Items in our own short words; the wording that counts is that of the statement: Hopewell et al. 2025, PLoS Med 22(4):e1004587."
                .into(),
            "Not part of the analysis: to be answered in the article.".into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_thirty_items_are_there_in_order() {
        let number = |text: &str| text.trim_end_matches(char::is_alphabetic).parse::<usize>().expect("a number");
        let mut numbers: Vec<usize> = ITEMS.iter().map(|i| number(i.0)).collect();
        assert!(numbers.is_sorted());
        numbers.dedup();
        assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    }
}
