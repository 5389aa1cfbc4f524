//! What several data sets say about a frozen design besides their moments, and whether it can be true.

use super::exclusions::{Counted, ExclusionReason};
use super::tally::{Cell, Tally};
use super::*;
use crate::table::{agreeing, counted};
use crate::trial::Role;
use std::collections::BTreeMap;

/// Larger counts than this are no numbers of patients; below it sums of counts do not overflow.
const MOST: usize = 1 << 40;

/// Counts over patients, which add.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Census {
    pub tally: Tally,
    /// Analysed observations by arm and visit: arms × T.
    pub arms: Vec<usize>,
    pub counted: Counted,
}

/// What cannot be true of a census, in words.
pub(crate) type Contradiction = String;

impl Census {
    /// Adds the census of other patients.
    pub fn add(&mut self, other: &Census) {
        self.tally.add(&other.tally);
        self.arms.resize(self.arms.len().max(other.arms.len()), 0);
        self.arms.iter_mut().zip(&other.arms).for_each(|(n, more)| *n += more);
        self.counted.add(&other.counted);
    }

    /// Analysed observations at a visit.
    pub fn observed_at(&self, visit: usize) -> usize {
        self.tally.observed.iter().filter(|cell| cell.level(Dimension::Visit) == visit).map(|cell| cell.n).sum()
    }

    /// Whether it is one of data that follow a design, as far as counts can tell.
    pub fn check(&self, design: &FrozenDesign) -> Result<(), Contradiction> {
        self.has_shape(design)?;
        self.has_cells(design.columns())?;
        self.counts_arms(design)?;
        self.has_numbers(design.columns())?;
        self.counted.check(design)?;
        let left_out = |visit: &String| self.counted.by_arm.iter().map(|reason| reason.observations_at(visit)).sum::<usize>();
        for (t, label) in design.visit_labels().iter().enumerate() {
            let outcomes = self.observed_at(t) + left_out(label);
            must(outcomes <= self.counted.randomized, || {
                format!(
                    "{} {} an outcome at {label}, and {} {} randomized",
                    counted(outcomes, "patient"),
                    agreeing(outcomes, "has", "have"),
                    self.counted.randomized,
                    agreeing(self.counted.randomized, "was", "were")
                )
            })?;
        }
        let analysed = self.counted.analysed;
        must(analysed == self.tally.patients, || {
            format!(
                "{} {} analysed by one count and {} by another",
                counted(analysed, "patient"),
                agreeing(analysed, "is", "are"),
                self.tally.patients
            )
        })
    }

    fn has_shape(&self, design: &FrozenDesign) -> Result<(), Contradiction> {
        let columns = design.columns();
        let arms = design.protocol().arms().len();
        let of_variables = self.tally.numbers.len() == columns.variables.len();
        must(of_variables && self.arms.len() == arms * columns.visits.len(), || "the counts do not have the shape of the design".into())?;
        let Counted { randomized, analysed, without_outcome, wholly_excluded, .. } = self.counted;
        let cells = self.tally.observed.iter().chain(&self.tally.planned).map(|cell| cell.n);
        let single = [self.tally.patients, randomized, analysed, without_outcome, wholly_excluded];
        let all = cells.chain(self.arms.iter().copied()).chain(single).chain(self.counted.numbers());
        must(all.max().unwrap_or(0) <= MOST, || format!("a count is larger than {MOST}"))
    }

    /// Combinations of levels: those of the design, in their order, each at least once; as many planned as observed, or
    /// more.
    fn has_cells(&self, columns: &Columns) -> Result<(), Contradiction> {
        let level = |(v, &l): (usize, &usize)| {
            let variable = &columns.variables[v];
            let levels = if variable.is_factor() && variable.role != Role::Visit { variable.levels.len() } else { 1 };
            l < levels
        };
        let of_design = |cell: &Cell| {
            cell.n > 0
                && cell.levels.len() == columns.variables.len() + 1
                && cell.levels[0] < columns.visits.len()
                && cell.levels[1..].iter().enumerate().all(level)
        };
        for (cells, what) in [(&self.tally.observed, "observed"), (&self.tally.planned, "planned")] {
            let ordered = cells.windows(2).all(|pair| pair[0].levels < pair[1].levels);
            must(ordered && cells.iter().all(of_design), || format!("the {what} combinations of levels are not those of the design"))?;
        }
        let planned: BTreeMap<&[usize], usize> = self.tally.planned.iter().map(|cell| (cell.levels.as_slice(), cell.n)).collect();
        let is_planned = |cell: &Cell| planned.get(cell.levels.as_slice()).is_some_and(|&n| n >= cell.n);
        must(self.tally.observed.iter().all(is_planned), || {
            "more observations of a combination of levels than patients who have it".into()
        })?;
        let mut at_visits = vec![0; columns.visits.len()];
        self.tally.planned.iter().for_each(|cell| at_visits[cell.levels[0]] += cell.n);
        must(at_visits.iter().all(|&n| n <= self.counted.randomized), || {
            "more patients are planned at a visit than were randomized".into()
        })?;
        if columns.variables.iter().any(|v| v.varies_by_visit()) {
            return Ok(());
        }
        // What patients are does not change from visit to visit.
        let patients = |t: usize| self.tally.planned.iter().filter(move |cell| cell.levels[0] == t).map(|cell| (&cell.levels[1..], cell.n));
        must((1..columns.visits.len()).all(|t| patients(t).eq(patients(0))), || "the patients planned differ from visit to visit".into())
    }

    /// Observations by arm: all that there are at a visit, and those with the arm's level where the model has the arm.
    fn counts_arms(&self, design: &FrozenDesign) -> Result<(), Contradiction> {
        let columns = design.columns();
        let visits = columns.visits.len();
        let arm = columns.variables.iter().position(|v| v.role == Role::Arm);
        for (t, label) in columns.visit_labels.iter().enumerate() {
            let by_arm: Vec<usize> = self.arms.iter().skip(t).step_by(visits).copied().collect();
            let observed = self.observed_at(t);
            let agrees = match arm {
                None => by_arm.iter().sum::<usize>() == observed,
                Some(v) => {
                    let of = |a: usize| self.tally.observed.iter().filter(move |cell| (cell.levels[0], cell.levels[1 + v]) == (t, a));
                    by_arm.iter().enumerate().all(|(a, &n)| of(a).map(|cell| cell.n).sum::<usize>() == n)
                }
            };
            must(agrees, || format!("the observations of the arms at {label} are not the {observed} there"))?;
        }
        Ok(())
    }

    /// Sums of numbers: finite, none of what is no number, and the same over all rows where all were observed.
    fn has_numbers(&self, columns: &Columns) -> Result<(), Contradiction> {
        let all_observed = self.tally.observed == self.tally.planned;
        for (variable, sums) in columns.variables.iter().zip(&self.tally.numbers) {
            let own = [sums.observations, sums.patients, sums.planned];
            let possible = own.iter().all(|x| x.is_finite())
                && (super::tally::is_number(variable) || own == [0.0; 3])
                && (!all_observed || (sums.observations - sums.planned).abs() <= 1e-9 * sums.observations.abs().max(sums.planned.abs()))
                && (self.tally.patients > 0 || (own[0], own[1]) == (0.0, 0.0));
            must(possible, || format!("the sums of `{}` cannot be those of its values", variable.name))?;
        }
        Ok(())
    }
}

impl Counted {
    fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        let of_arms = self.by_arm.iter().flat_map(|reason| reason.arms.iter().flat_map(|arm| [arm.patients, arm.observations]));
        let of_visits = self.by_arm.iter().flat_map(|reason| reason.visits.iter().map(|visit| visit.observations));
        self.reasons.iter().map(|(_, n)| *n).chain(of_arms).chain(of_visits)
    }

    /// Whether patients and observations are those of the reasons, and the reasons some that the design can have.
    fn check(&self, design: &FrozenDesign) -> Result<(), Contradiction> {
        let in_all = self.analysed + self.without_outcome + self.wholly_excluded;
        must(self.randomized == in_all, || format!("{} were randomized, and {in_all} are analysed or left out", self.randomized))?;
        let possible = design.reasons().map_err(|error| error.to_string())?;
        let arms = design.protocol().arms();
        for reason in &self.by_arm {
            must(possible.contains(&(reason.reason.clone(), reason.variable.clone())), || {
                format!("nothing is left out of this design because {}", crate::error::shown(&reason.reason))
            })?;
            let labels = design.visit_labels();
            let places: Option<Vec<usize>> = reason.visits.iter().map(|at| labels.iter().position(|label| *label == at.visit)).collect();
            let visits = places.is_some_and(|places| (1..places.len()).all(|k| !places[..k].contains(&places[k])));
            let of_visits: usize = reason.visits.iter().map(|at| at.observations).sum();
            let adds_up = reason.arms.iter().map(|own| &own.arm).eq(arms)
                && visits
                && reason.visits.iter().all(|at| at.observations > 0)
                && of_visits == reason.observations()
                && reason.patients() + reason.observations() > 0
                && (reason.variable.is_some() || reason.observations() == 0);
            must(adds_up, || format!("what is left out because {} does not add up over arms and visits", reason.reason))?;
        }
        let distinct = |k: usize| self.by_arm[..k].iter().all(|earlier| earlier.reason != self.by_arm[k].reason);
        let mut observations: Vec<(String, usize)> =
            self.by_arm.iter().filter(|r| r.observations() > 0).map(|r| (r.reason.clone(), r.observations())).collect();
        let mut listed = self.reasons.clone();
        observations.sort();
        listed.sort();
        let patients = |of_outcome: bool| -> usize {
            self.by_arm.iter().filter(|r| r.variable.is_none() == of_outcome).map(ExclusionReason::patients).sum()
        };
        let agree = (0..self.by_arm.len()).all(distinct)
            && observations == listed
            && (patients(true), patients(false)) == (self.without_outcome, self.wholly_excluded);
        must(agree, || "the reasons for leaving out patients and observations do not add up to those left out".into())
    }
}

/// Refuses what is not so.
pub(crate) fn must(so: bool, otherwise: impl FnOnce() -> Contradiction) -> Result<(), Contradiction> {
    if so { Ok(()) } else { Err(otherwise()) }
}
