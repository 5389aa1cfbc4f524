//! How many patients of each arm changed how, with what was done about the unobserved.

use super::{ChangeCategory, ChangeClass, IndividualChanges};
use crate::error::Result;
use crate::level::percent;
use crate::proportions::{Measure, Proportion};
use crate::responders::{Assumption, RateOptions};
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{Labelled, labelled};

/// The patients of an arm at a visit by what their change amounts to.
pub(super) struct Tally {
    /// The classes of the observed.
    pub observed: Vec<ChangeClass>,
    /// The classes of all of whom one is known as last observed.
    pub carried: Vec<ChangeClass>,
    pub randomized: usize,
}

impl Tally {
    pub fn of(changes: &IndividualChanges, arm: usize, visit: usize) -> Self {
        let all: Vec<_> = changes.of_arm(arm, visit).collect();
        Self {
            observed: all.iter().filter_map(|(class, _)| *class).collect(),
            carried: all.iter().filter_map(|(_, carried)| *carried).collect(),
            randomized: all.len(),
        }
    }

    pub fn under(&self, assumption: Assumption, category: ChangeCategory) -> Proportion {
        let count = |classes: &[ChangeClass]| classes.iter().filter(|class| category.includes(**class)).count();
        let met = count(&self.observed);
        match assumption {
            Assumption::ObservedOnly => Proportion { met, of: self.observed.len() },
            Assumption::CountedAsNotMet | Assumption::Lowest => Proportion { met, of: self.randomized },
            Assumption::Highest => Proportion { met: met + self.randomized - self.observed.len(), of: self.randomized },
            Assumption::LastObserved | Assumption::Imputed => Proportion { met: count(&self.carried), of: self.carried.len() },
        }
    }
}

/// The share of an arm whose change amounts to something, at a visit, under one assumption about the unobserved.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ChangeRate {
    /// Visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit")]
    pub visit: Labelled,
    /// What the change amounts to.
    pub category: ChangeCategory,
    /// Arm.
    #[serde(flatten, serialize_with = "labelled::fields::arm")]
    pub arm: Labelled,
    /// What is assumed of the unobserved; `CountedAsNotMet` counts them in no class and keeps them in the denominator.
    pub unobserved: Assumption,
    /// Patients of whom it is true under that assumption.
    pub met: usize,
    /// Denominator under that assumption.
    pub of: usize,
    /// The share with Wilson's interval; NaN with an empty denominator.
    pub share: Measure,
    /// Patients of the arm observed at baseline and at the visit.
    pub observed: usize,
    /// Patients randomized to the arm.
    pub randomized: usize,
}

/// Shares of patients per visit, class and arm.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct ChangeRates {
    /// The shares.
    pub rows: Vec<ChangeRate>,
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
    /// The share of each arm in each class, per visit and way to treat the unobserved.
    ///
    /// Without both scores a patient is in no class, and stays in the denominator unless the unobserved are left out.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the options name no way to treat the unobserved, or a level outside (0, 1);
    /// [`Error::Unknown`](crate::Error::Unknown) for a visit that was not evaluated.
    pub fn rates(&self, options: &RateOptions) -> Result<ChangeRates> {
        options.check()?;
        let visits = options.visits_of(&self.visits)?;
        let mut rows = vec![];
        for &visit in &visits {
            let tallies: Vec<Tally> = (0..self.arms.len()).map(|arm| Tally::of(self, arm, visit)).collect();
            for unobserved in options.assumptions() {
                for category in self.categories() {
                    for (arm, tally) in tallies.iter().enumerate() {
                        let Proportion { met, of } = tally.under(unobserved, category);
                        rows.push(ChangeRate {
                            visit: self.visit(visit),
                            category,
                            arm: Labelled::among(&self.arms, arm),
                            unobserved,
                            met,
                            of,
                            share: Proportion { met, of }.wilson(options.level)?,
                            observed: tally.observed.len(),
                            randomized: tally.randomized,
                        });
                    }
                }
            }
        }
        let (outcome, heading) = (self.outcome.clone(), self.definition.heading());
        Ok(ChangeRates { rows, outcome, heading, definition: self.notes_at(&visits), options: options.clone() })
    }

    pub(super) fn categories(&self) -> Vec<ChangeCategory> {
        ChangeCategory::shown(self.definition.cut_off.is_some(), self.definition.classes)
    }

    /// An evaluated visit, by its position in the schedule.
    pub(super) fn visit(&self, visit: usize) -> Labelled {
        Labelled { index: self.visit_indices[visit], label: self.visits[visit].clone() }
    }
}

impl Tabular for ChangeRates {
    fn title(&self) -> String {
        format!("{}: individual change by {}, per visit and arm", self.outcome, self.heading)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        vec![
            Column::text("visit", "Visit", rows().map(|r| &r.visit.label)),
            Column::text("category", "Change", rows().map(|r| r.category.words())),
            Column::text("arm", "Arm", rows().map(|r| &r.arm.label)),
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            Column::count("met", "n", rows().map(|r| r.met)),
            Column::count("of", "Of", rows().map(|r| r.of)),
            Column::real("share", "Share", Format::Percent, rows().map(|r| r.share.estimate)),
            Column::real("lower", "Lower", Format::Percent, rows().map(|r| r.share.lower)),
            Column::real("upper", "Upper", Format::Percent, rows().map(|r| r.share.upper)),
            Column::count("observed", "Observed", rows().map(|r| r.observed)),
            Column::count("randomized", "Randomized", rows().map(|r| r.randomized)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.definition.clone();
        notes.extend(notes_on_unobserved(&self.options));
        notes.push(format!("Interval: Wilson score, {}.", percent(self.options.level)));
        notes
    }
}

/// What became of the unobserved, for the notes of a table.
pub(super) fn notes_on_unobserved(options: &RateOptions) -> Vec<String> {
    let mut notes: Vec<String> = vec![];
    for assumption in options.assumptions() {
        let note = match assumption {
            Assumption::ObservedOnly => "Unobserved left out: the share is of those observed at baseline and at the visit.",
            Assumption::CountedAsNotMet => {
                "Unobserved not met: the share is of everyone randomized, the unobserved among them in no class, so that shares of classes add up to \
                 the share observed."
            }
            Assumption::Lowest | Assumption::Highest => {
                "Unobserved lowest, highest: bounds; none of the unobserved are in the class, or all of them."
            }
            Assumption::LastObserved | Assumption::Imputed => {
                "Unobserved as last observed: the last score is carried forward, that at baseline included; the share is of all with a baseline score."
            }
        };
        if !notes.iter().any(|n| n == note) {
            notes.push(note.into());
        }
    }
    notes
}

display_as_table!(ChangeRates);
