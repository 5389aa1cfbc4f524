//! The first page: the question, its answer with interval and figure, remission, and what each sensitivity analysis says.

use super::document::Section;
use super::figure::Interval;
use super::suppressed::{self, HIDDEN};
use super::views::{self, definition_label};
use super::{clustering, imputed, methods, outcome, populations};
use crate::analysis::AnalysisResult;
use crate::generalized::{AdjustedRisk, AdjustedRisks};
use crate::responders::{Assumption, Comparison, Comparisons, Measure};
use crate::table::{Column, Format, Tabular};

/// The section that answers the question by itself.
pub(super) fn section(result: &AnalysisResult) -> Section {
    let (primary, secondary) = (&result.outcomes[0], &result.outcomes[1..]);
    let mut section = Section::new("Summary").led_paragraph("Question.", question(result));
    let answer = outcome::headline(result, primary);
    if !answer.is_empty() {
        section = section.led_paragraph("Answer.", answer);
    }
    section = section.about(&primary.name).figure(&format!("{}_means", primary.name), outcome::means_figure(result, primary));
    section = remission(result, section);
    for sentence in clustering::conclusions(result) {
        section = section.led_paragraph("Sensitivity to clusters.", sentence);
    }
    if let Some(sentence) = imputed::conclusion(result) {
        section = section.led_paragraph("If the missing are different.", sentence);
    }
    if let Some(sentence) = populations::conclusion(result) {
        section = section.led_paragraph("Parts of the patients.", sentence);
    }
    for o in secondary {
        let headline = outcome::headline(result, o);
        if !headline.is_empty() {
            section = section.led_paragraph("Secondary outcome.", headline);
        }
    }
    section
}

/// The first estimand of the plan, or what is compared where it states none.
fn question(result: &AnalysisResult) -> String {
    match result.plan.estimands.first() {
        Some(estimand) => estimand.sentence(&result.plan),
        None => methods::comparison(result),
    }
}

/// Response and remission, a row a definition and comparison of arms.
fn remission(result: &AnalysisResult, section: Section) -> Section {
    let (Some(rates), Some(comparisons)) = (&result.rates, &result.comparisons) else { return section };
    let hidden = suppressed::comparisons(comparisons, rates, result.plan.report.small_cells);
    let Some(unobserved) = stated(comparisons) else { return section };
    let rows: Vec<(&Comparison, bool)> = comparisons.rows.iter().zip(hidden).filter(|(r, _)| r.unobserved == unobserved).collect();
    let note = rows.iter().any(|(_, hidden)| *hidden).then(|| result.plan.report.small_cells.note());
    let adjusted = result.adjusted_risks.as_ref();
    let short = ShortRates { comparisons, rows, unobserved, visit: result.plan.visit(), note, adjusted };
    section.about_all().selection("remission", &Written(&short), &short)
}

/// The way to count the unobserved that comes first in the plan; bounds are shown with the others.
pub(super) fn stated(comparisons: &Comparisons) -> Option<Assumption> {
    let ways = || comparisons.rows.iter().map(|r| r.unobserved);
    ways().find(|a| !matches!(a, Assumption::Lowest | Assumption::Highest)).or_else(|| ways().next())
}

/// Rates and their difference as the first page has room for them.
struct ShortRates<'a> {
    comparisons: &'a Comparisons,
    rows: Vec<(&'a Comparison, bool)>,
    unobserved: Assumption,
    visit: String,
    note: Option<String>,
    adjusted: Option<&'a AdjustedRisks>,
}

impl ShortRates<'_> {
    /// The same comparison adjusted for covariates.
    fn adjusted(&self, row: &Comparison) -> Option<&AdjustedRisk> {
        self.adjusted?.row(&row.definition, row.visit_index?, row.arm.index, row.unobserved)
    }

    fn adjusted_difference(&self, row: &Comparison) -> Measure {
        let nan = f64::NAN;
        self.adjusted(row).map_or(Measure::new(nan, nan, nan), |adjusted| adjusted.difference)
    }
}

impl Tabular for ShortRates<'_> {
    fn title(&self) -> String {
        format!("Response and remission at {}", self.visit)
    }

    fn columns(&self) -> Vec<Column> {
        let cell = |of: &dyn Fn(&Comparison) -> String| -> Vec<String> {
            self.rows.iter().map(|(r, hidden)| if *hidden { HIDDEN.into() } else { of(r) }).collect()
        };
        let rate = |p: &crate::responders::Proportion| match p.of {
            0 => HIDDEN.into(),
            _ => format!("{}/{} ({:.1}%)", p.met, p.of, 100.0 * p.met as f64 / p.of as f64),
        };
        let pair = self.comparisons.only_pair().map(|(arm, reference)| (arm.to_string(), reference.to_string()));
        let (arm, reference) = pair.clone().unwrap_or_else(|| ("Arm".into(), "Reference".into()));
        let mut columns = vec![Column::text(
            "definition",
            "Definition",
            self.rows.iter().map(|(r, _)| definition_label(&self.comparisons.definitions, &r.definition)),
        )];
        if pair.is_none() {
            columns.push(Column::text("arms", "Arms", self.rows.iter().map(|(r, _)| format!("{} against {}", r.arm, r.reference))));
        }
        columns.extend([
            Column::text("in_arm", &format!("{arm}, n/N (%)"), cell(&|r| rate(&r.in_arm))),
            Column::text("in_reference", &format!("{reference}, n/N (%)"), cell(&|r| rate(&r.in_reference))),
            Column::text("risk_difference", "Difference (CI)", cell(&|r| views::interval(r.difference, Format::Percent))),
        ]);
        if self.adjusted.is_some() {
            let adjusted = cell(&|r| views::interval(self.adjusted_difference(r), Format::Percent));
            columns.push(Column::text("adjusted_difference", "Adjusted difference (CI)", adjusted));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let how = match self.unobserved {
            Assumption::ObservedOnly => "Patients not observed are left out.",
            Assumption::CountedAsNotMet => "Patients not observed are counted as not meeting the definition.",
            Assumption::Lowest => "Patients not observed are counted so that the difference is lowest.",
            Assumption::Highest => "Patients not observed are counted so that the difference is highest.",
            Assumption::LastObserved | Assumption::Imputed => "Patients not observed are counted as they were when last observed.",
        };
        let mut notes = vec![format!(
            "{how} Other ways to count them, ratios, numbers needed to treat and the wording of every definition are in the tables of all rates."
        )];
        notes.extend(self.adjusted.iter().filter_map(|adjusted| adjusted.notes().into_iter().next()));
        notes.extend(self.note.clone());
        notes
    }
}

/// The same as numbers.
struct Written<'a>(&'a ShortRates<'a>);

impl Tabular for Written<'_> {
    fn title(&self) -> String {
        self.0.title()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.0.rows.iter();
        let count = |name: &'static str, heading: &str, of: fn(&Comparison) -> usize| {
            Column::real(name, heading, Format::Decimals(0), rows().map(|(r, hidden)| if *hidden { f64::NAN } else { of(r) as f64 }))
        };
        let difference = |of: fn(Interval) -> f64| {
            let measure = move |r: &Comparison| of(Interval::new(r.difference.estimate, (r.difference.lower, r.difference.upper)));
            rows().map(move |(r, hidden)| if *hidden { f64::NAN } else { measure(r) }).collect::<Vec<f64>>()
        };
        let adjusted = |of: fn(Measure) -> f64| {
            let measure = move |r: &Comparison| of(self.0.adjusted_difference(r));
            rows().map(move |(r, hidden)| if *hidden { f64::NAN } else { measure(r) }).collect::<Vec<f64>>()
        };
        let mut columns = vec![
            Column::text("definition", "Definition", rows().map(|(r, _)| r.definition.as_str())),
            Column::text("arm", "Arm", rows().map(|(r, _)| r.arm.label.as_str())),
            Column::text("reference", "Reference", rows().map(|(r, _)| r.reference.label.as_str())),
            count("met", "Met", |r| r.in_arm.met),
            count("of", "Of", |r| r.in_arm.of),
            count("reference_met", "Met, reference", |r| r.in_reference.met),
            count("reference_of", "Of, reference", |r| r.in_reference.of),
            Column::real("risk_difference", "Risk difference", Format::Percent, difference(|i| i.estimate)),
            Column::real("risk_difference_lower", "Lower", Format::Percent, difference(|i| i.low)),
            Column::real("risk_difference_upper", "Upper", Format::Percent, difference(|i| i.high)),
        ];
        if self.0.adjusted.is_some() {
            columns.extend([
                Column::real("adjusted_difference", "Adjusted difference", Format::Percent, adjusted(|m| m.estimate)),
                Column::real("adjusted_difference_lower", "Lower", Format::Percent, adjusted(|m| m.lower)),
                Column::real("adjusted_difference_upper", "Upper", Format::Percent, adjusted(|m| m.upper)),
            ]);
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.0.notes()
    }
}
