//! The rows that a table of arms and visits has: those of the plan, observed or not.

use super::*;
use crate::trial::{Labelled, Role};

/// A level that a table names: also that of an arm or visit without an analysed observation, about which the data say
/// nothing.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// What it is printed as.
    pub label: String,
    pub place: Place,
    /// The position among the levels of the model; why it has none where it has none.
    pub level: Result<usize, String>,
}

/// An arm or visit that nobody has an analysed observation of.
#[derive(Debug, Clone)]
pub(crate) struct Unobserved {
    /// `arm` or `visit`.
    pub what: &'static str,
    /// The reason that its rows give, a clause.
    pub reason: String,
}

/// What a level is of: an arm or a visit by its position in the trial, or any other factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Arm(usize),
    Visit(usize),
    Other,
}

impl Planned {
    /// The arm that it is.
    pub fn arm(&self) -> Option<Labelled> {
        if let Place::Arm(index) = self.place { Some(Labelled { index, label: self.label.clone() }) } else { None }
    }

    /// The visit that it is.
    pub fn visit(&self) -> Option<Labelled> {
        if let Place::Visit(index) = self.place { Some(Labelled { index, label: self.label.clone() }) } else { None }
    }
}

impl Columns {
    /// The dimension of the arm, under whatever name the formula has it.
    ///
    /// # Errors
    /// [`Error::Unknown`] where the mean model does not have the arm.
    pub(crate) fn arm_dimension(&self) -> Result<Dimension> {
        self.must_be_one_response()?;
        match self.variables.iter().position(|v| v.role == Role::Arm) {
            Some(v) => Ok(Dimension::Factor(v)),
            None => Err(Error::unknown("factor of the mean model", "arm", &self.dimension_names())),
        }
    }

    /// The levels of a dimension that a table has rows of: every arm of the trial; the visits that are analysed, and
    /// those that the model names (a schedule may have visits at which the outcome is not assessed); of other factors
    /// the levels that have analysed observations.
    pub(crate) fn planned(&self, dimension: Dimension) -> Vec<Planned> {
        match dimension {
            Dimension::Visit if self.options.visits.is_none() => self.visits_analysed().collect(),
            _ => self.nameable(dimension),
        }
    }

    /// The levels of a dimension that can be asked for by name: those of [`Columns::planned`], and every visit of the
    /// schedule that the model could have analysed.
    pub(crate) fn nameable(&self, dimension: Dimension) -> Vec<Planned> {
        match dimension {
            Dimension::Visit => self.visits_of_schedule(),
            Dimension::Factor(v) if self.variables[v].role == Role::Arm => self.planned_arms(&self.variables[v].levels),
            Dimension::Factor(v) => {
                let level = |(at, label): (usize, &String)| Planned { label: label.clone(), place: Place::Other, level: Ok(at) };
                self.variables[v].levels.iter().enumerate().map(level).collect()
            }
        }
    }

    /// The level of a dimension that has this label.
    ///
    /// # Errors
    /// [`Error::Unknown`] where none has it.
    pub(crate) fn called(&self, dimension: Dimension, label: &str) -> Result<Planned> {
        let levels = self.nameable(dimension);
        let known: Vec<&str> = levels.iter().map(|level| level.label.as_str()).collect();
        let kind = if dimension == Dimension::Visit { "visit of the analysis" } else { "level" };
        levels.iter().find(|level| level.label == label).cloned().ok_or_else(|| Error::unknown(kind, label, &known))
    }

    /// The analysed visit at a position.
    pub(crate) fn analysed_visit(&self, t: usize) -> Planned {
        Planned { label: self.visit_labels[t].clone(), place: Place::Visit(self.visits[t]), level: Ok(t) }
    }

    fn visits_analysed(&self) -> impl Iterator<Item = Planned> + '_ {
        (0..self.visits.len()).map(|t| self.analysed_visit(t))
    }

    fn visits_of_schedule(&self) -> Vec<Planned> {
        let unseen = self.unseen_visits.iter().map(|visit| Planned {
            label: visit.label.clone(),
            place: Place::Visit(visit.index),
            level: Err(format!("nobody has an analysed observation at {visit}")),
        });
        let mut visits: Vec<Planned> = self.visits_analysed().chain(unseen).collect();
        visits.sort_by_key(|visit| visit.place);
        visits
    }

    fn planned_arms(&self, levels: &[String]) -> Vec<Planned> {
        let arm = |(place, label): (usize, &String)| {
            let level = levels.iter().position(|l| l == label);
            let level = level.ok_or_else(|| format!("nobody in arm {label} has an analysed observation"));
            Planned { label: label.clone(), place: Place::Arm(place), level }
        };
        self.arms.iter().enumerate().map(arm).collect()
    }

    /// The covariance group that the patients of an arm of the trial are in; none where nobody of the arm has an
    /// analysed observation.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the covariance differs by something other than the arm.
    pub(crate) fn group_of_arm(&self, arm: usize) -> Result<Option<usize>> {
        let named = self.options.group.as_ref().is_some_and(|name| name == "arm" || *name == self.column_names.arm);
        // A variable may be called `arm` as well, and its levels are others.
        let by_arm = named && self.groups.iter().all(|group| self.arms.contains(group));
        let Some(name) = self.arms.get(arm) else { return Ok(None) };
        if by_arm {
            return Ok(self.groups.iter().position(|group| group == name));
        }
        if self.groups.len() == 1 {
            return Ok(Some(0));
        }
        Err(Error::not_defined(
            format!("the model's standard deviation of arm `{name}`"),
            "the covariance of the model differs by something other than the arm",
            "use another denominator, or a covariance by arm",
        ))
    }

    /// The arms and visits of the plan that nobody has an analysed observation of.
    pub(crate) fn unobserved(&self) -> Vec<Unobserved> {
        let arms = self.variables.iter().filter(|v| v.role == Role::Arm).flat_map(|v| self.planned_arms(&v.levels));
        let of = |what: &'static str| move |planned: Planned| Some(Unobserved { what, reason: planned.level.err()? });
        arms.filter_map(of("arm")).chain(self.planned(Dimension::Visit).into_iter().filter_map(of("visit"))).collect()
    }
}
