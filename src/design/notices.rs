//! What the data make of a model that a reader would not expect: terms that add nothing, covariates that one
//! observation decides, outcomes that are no measurement.

use super::frame::Frame;
use super::variables;
use super::*;
use crate::trial::{Outcome, Role, Trial, Variable};
use std::collections::BTreeSet;

impl Frame {
    /// Refuses a comparison of arms where the trial has one.
    pub fn check_arms(&self, trial: &Trial) -> Result<()> {
        let arm = self.known.variables.iter().find(|v| v.role() == Role::Arm);
        let Some(arm) = arm.filter(|_| trial.arms().len() == 1 && !trial.patients().is_empty()) else { return Ok(()) };
        Err(Error::nothing_to_compare(
            format!("`{}` in the formula", arm.name()),
            format!("it is the arm, and the trial has one: `{}`", trial.arms()[0]),
            "name the column of the arm where the file is read, or leave the arm out of the formula",
        ))
    }

    /// Of names that could mean two things, which they mean.
    pub fn ambiguities(&self, trial: &Trial, model: &MeanModel, options: &DesignOptions, outcome: &Outcome) -> Vec<String> {
        let random = options.random.iter().flat_map(|r| r.factors().iter().chain(r.terms().iter().flatten()));
        let stated = random.chain(&options.group).map(String::as_str);
        let names: BTreeSet<&str> = model.columns().into_iter().chain(stated).collect();
        names.into_iter().filter_map(|name| variables::ambiguity(trial, outcome, name)).collect()
    }

    /// Covariates that are the same in all analysed observations but one, or in all of them.
    pub fn constant_covariates(&self, trial: &Trial) -> Vec<String> {
        let numbers = self.known.variables.iter().filter(|v| !v.is_factor() && v.role() != Role::Time);
        numbers.filter_map(|v| self.hardly_varies(v, trial)).collect()
    }

    fn hardly_varies(&self, variable: &Variable, trial: &Trial) -> Option<String> {
        let (visits, name) = (self.visits.len(), variable.name());
        let value = |(i, t): (usize, usize)| variable.value(i, t, visits);
        let mut rows = self.rows();
        let (first, second) = (rows.next()?, rows.next()?);
        // Where all but one agree, two of the first three do.
        let usual = match rows.next().map(value) {
            Some(third) if value(first) != value(second) => third,
            _ => value(second),
        };
        let others: Vec<(usize, usize)> = self.rows().filter(|&row| value(row) != usual).take(visits.max(2) + 1).collect();
        let Some(&(patient, visit)) = others.first() else {
            return Some(constant_sentence(name, usual));
        };
        let id = &trial.patients()[patient];
        if others.len() == 1 && self.rows().nth(2).is_some() {
            let label = &trial.schedule().visits()[self.visits[visit]].label;
            return Some(format!(
                "`{name}` is {usual} in every analysed observation but that of patient {id} at {label}: its coefficient rests on that one"
            ));
        }
        let of_one = others.iter().all(|&(i, _)| i == patient) && self.rows().filter(|&(i, _)| i != patient).nth(1).is_some();
        of_one.then(|| format!("`{name}` is {usual} in all analysed patients but {id}: its coefficient rests on that patient"))
    }

    /// An outcome with two values, which a normal distribution does not describe.
    pub fn binary_outcome(&self, outcome: &Outcome) -> Option<String> {
        let mut values: Vec<f64> = vec![];
        let mut rows = 0;
        for (i, t) in self.rows() {
            let y = self.y[i * self.visits.len() + t];
            rows += 1;
            if !values.contains(&y) {
                values.push(y);
            }
            if values.len() > 2 {
                return None;
            }
        }
        values.sort_by(f64::total_cmp);
        let [low, high] = values[..] else { return None };
        (rows > 4).then(|| {
            format!(
                "the outcome `{}` has two values, {low} and {high}, and the model takes it for normal with one variance in every cell: \
                 means are shares of {high} on that scale, and standard errors hold for large samples at most",
                outcome.name
            )
        })
    }
}

/// That a covariate is the same in every analysed observation.
pub(crate) fn constant_sentence(name: &str, value: f64) -> String {
    format!("`{name}` is {value} in every analysed observation: it explains nothing")
}

impl Columns {
    /// Factors with one level, and the terms that have no column because of them.
    pub(super) fn idle_terms(&self) -> Vec<String> {
        let single = |v: &&crate::trial::VariableHeader| v.is_factor() && v.levels.len() == 1;
        let sentence = |v: &crate::trial::VariableHeader| {
            let empty = |t: &usize| !self.list.iter().any(|column| column.term == *t);
            let terms = (0..self.terms.len()).filter(empty).map(|t| &self.terms[t]).filter(|t| t.variables.contains(&v.name));
            let labels: Vec<String> = terms.map(|t| format!("`{}`", t.label)).collect();
            let lost = match &labels[..] {
                [] => String::new(),
                [one] => format!(", and the term {one} adds nothing to the model"),
                more => format!(", and the terms {} add nothing to the model", more.join(", ")),
            };
            format!("`{}` has one level among the analysed observations, {}{lost}", v.name, v.levels[0])
        };
        self.variables.iter().filter(single).map(sentence).collect()
    }
}
