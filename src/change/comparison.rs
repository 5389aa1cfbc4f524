//! Arms compared by what became of their patients.

use super::rates::{Tally, notes_on_unobserved};
use super::{ChangeCategory, ChangeClass, IndividualChanges};
use crate::error::Result;
use crate::level::percent;
use crate::proportions::{CmhOptions, Measure, Proportion, ScoreType, StrataTest, cochran_mantel_haenszel, risk_difference};
use crate::responders::{Assumption, RateOptions};
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{Labelled, labelled};

/// An arm against the reference: the difference in the share of a class.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ChangeComparison {
    /// Visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit")]
    pub visit: Labelled,
    /// What the change amounts to.
    pub category: ChangeCategory,
    /// The arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// The arm it is compared with.
    #[serde(flatten, serialize_with = "labelled::fields::reference")]
    pub reference: Labelled,
    /// What is assumed of the unobserved. `Lowest` and `Highest` are those of the difference.
    pub unobserved: Assumption,
    /// Of how many patients of the arm it is true.
    pub in_arm: Proportion,
    /// Of how many of the reference.
    pub in_reference: Proportion,
    /// Arm minus reference, Newcombe's interval.
    pub difference: Measure,
}

/// Whether the classes, in their order, differ between the arms.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OrderedTest {
    /// Visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit")]
    pub visit: Labelled,
    /// What is assumed of the unobserved; `CountedAsNotMet` has them among the unchanged.
    pub unobserved: Assumption,
    /// Patients compared.
    pub patients: usize,
    /// χ² on one degree of freedom less than there are arms.
    pub test: StrataTest,
}

/// Comparisons per visit and class, and a test of all classes at once.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ChangeComparisons {
    /// The differences.
    pub rows: Vec<ChangeComparison>,
    /// A test per visit and assumption about the unobserved; there is none of bounds.
    pub tests: Vec<OrderedTest>,
    /// The outcome's label.
    pub outcome: String,
    /// What tells this definition from others.
    pub heading: String,
    /// What counts as a change.
    pub definition: Vec<String>,
    /// How they were made.
    pub options: RateOptions,
}

impl IndividualChanges {
    /// Every arm against the reference, class by class, and all arms by the order of the classes.
    ///
    /// The test is that of row mean scores with midranks (Cochran–Mantel–Haenszel): Kruskal and Wallis's, Wilcoxon's rank sum
    /// test of two arms, with ties and without a correction for continuity.
    ///
    /// # Errors
    /// As [`rates`](IndividualChanges::rates), and [`Error::Invalid`](crate::Error::Invalid) if there is one arm only;
    /// [`Error::Unknown`](crate::Error::Unknown) for a reference that the trial lacks.
    pub fn compare(&self, options: &RateOptions) -> Result<ChangeComparisons> {
        options.check()?;
        let (reference, visits) = (options.reference_of(&self.arms)?, options.visits_of(&self.visits)?);
        let (mut rows, mut tests) = (vec![], vec![]);
        for &visit in &visits {
            let tallies: Vec<Tally> = (0..self.arms.len()).map(|arm| Tally::of(self, arm, visit)).collect();
            for unobserved in options.assumptions() {
                for category in self.categories() {
                    for arm in (0..self.arms.len()).filter(|&arm| arm != reference) {
                        let in_arm = tallies[arm].under(unobserved, category);
                        let in_reference = tallies[reference].under(opposite(unobserved), category);
                        rows.push(ChangeComparison {
                            visit: self.visit(visit),
                            category,
                            arm: Labelled::among(&self.arms, arm),
                            reference: Labelled::among(&self.arms, reference),
                            unobserved,
                            in_arm,
                            in_reference,
                            difference: risk_difference(in_arm, in_reference, options.level)?,
                        });
                    }
                }
                tests.extend(self.ordered_test(visit, unobserved, &tallies)?);
            }
        }
        let (outcome, heading) = (self.outcome.clone(), self.definition.heading());
        Ok(ChangeComparisons { rows, tests, outcome, heading, definition: self.notes_at(&visits), options: options.clone() })
    }

    fn ordered_test(&self, visit: usize, unobserved: Assumption, tallies: &[Tally]) -> Result<Option<OrderedTest>> {
        if matches!(unobserved, Assumption::Lowest | Assumption::Highest) {
            return Ok(None);
        }
        let classes = ChangeClass::shown(self.definition.cut_off.is_some(), self.definition.classes);
        let counts = |tally: &Tally| -> Vec<usize> {
            let known = if unobserved == Assumption::LastObserved { &tally.carried } else { &tally.observed };
            let count = |class: &ChangeClass| {
                let missing = match (unobserved, class) {
                    (Assumption::CountedAsNotMet, ChangeClass::Unchanged) => tally.randomized - tally.observed.len(),
                    _ => 0,
                };
                known.iter().filter(|c| *c == class).count() + missing
            };
            classes.iter().map(count).collect()
        };
        let table: Vec<Vec<usize>> = tallies.iter().map(counts).collect();
        let patients = table.iter().flatten().sum();
        let test = cochran_mantel_haenszel(&[table], &CmhOptions::new().scores(ScoreType::Rank))?.row_mean_scores;
        Ok(Some(OrderedTest { visit: self.visit(visit), unobserved, patients, test }))
    }
}

/// The assumption of the reference that makes a bound of a difference.
fn opposite(of: Assumption) -> Assumption {
    match of {
        Assumption::Lowest => Assumption::Highest,
        Assumption::Highest => Assumption::Lowest,
        same => same,
    }
}

impl OrderedTest {
    /// `unobserved left out: χ²(1) = 0.12, p = .729`.
    pub(crate) fn words(&self) -> String {
        if self.test.p.is_nan() {
            return format!("unobserved {}: all patients are in one class", self.unobserved.words());
        }
        let p = Format::PValue.apply(self.test.p);
        let p = if p.starts_with('<') { format!("p {p}") } else { format!("p = {p}") };
        format!("unobserved {}: χ²({}) = {:.2}, {p}", self.unobserved.words(), self.test.df, self.test.statistic)
    }
}

impl Tabular for ChangeComparisons {
    fn title(&self) -> String {
        format!("{}: arms compared by individual change, {}", self.outcome, self.heading)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        vec![
            Column::text("visit", "Visit", rows().map(|r| &r.visit.label)),
            Column::text("category", "Change", rows().map(|r| r.category.words())),
            Column::text("arm", "Arm", rows().map(|r| &r.arm.label)),
            Column::text("reference", "Against", rows().map(|r| &r.reference.label)),
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::count("met", "n", rows().map(|r| r.in_arm.met)),
            Column::count("of", "Of", rows().map(|r| r.in_arm.of)),
            Column::count("reference_met", "n, reference", rows().map(|r| r.in_reference.met)),
            Column::count("reference_of", "Of, reference", rows().map(|r| r.in_reference.of)),
            Column::real("difference", "Difference", Format::Percent, rows().map(|r| r.difference.estimate)),
            Column::real("lower", "Lower", Format::Percent, rows().map(|r| r.difference.lower)),
            Column::real("upper", "Upper", Format::Percent, rows().map(|r| r.difference.upper)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.definition.clone();
        notes.extend(notes_on_unobserved(&self.options));
        notes.push(format!("Difference: arm minus reference, Newcombe's interval, {}.", percent(self.options.level)));
        let tests = self.tests.iter().map(|test| format!("{}, {}", test.visit, test.words()));
        let tests: Vec<String> = tests.collect();
        if !tests.is_empty() {
            notes.push(format!(
                "All classes in their order, by ranks (Kruskal–Wallis; the unobserved, where not met, among the unchanged): {}.",
                tests.join("; ")
            ));
        }
        notes
    }
}

display_as_table!(ChangeComparisons);
