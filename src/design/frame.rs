//! The rows a model could analyse, and which of them it does.

use super::function::{Function, FunctionKind};
use super::known::{Known, Lack};
use super::spline::NaturalSpline;
use super::*;
use crate::table::counted;
use crate::trial::{Outcome, Scope, Trial, Variable, on_visits};

/// The rows of patients × visits with everything the model needs of them.
pub(super) struct Frame {
    pub visits: Vec<usize>,
    /// The visits that were to be analysed and have no analysed observation.
    pub unseen_visits: Vec<Labelled>,
    pub known: Known,
    pub y: Vec<f64>,
    /// Why each row is not analysed; `None` for those that are.
    pub excluded: Vec<Option<Reason>>,
}

/// Why a row is not analysed, in the order in which that is asked.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Reason {
    NotObserved,
    Lacks(Lack),
}

impl Frame {
    pub fn new(trial: &Trial, model: &MeanModel, options: &DesignOptions, outcome: &Outcome, visits: &[usize]) -> Result<Self> {
        let mut frame = Self {
            visits: visits.to_vec(),
            unseen_visits: vec![],
            known: Known::new(trial, model, options, outcome, visits)?,
            y: on_visits(&outcome.values, visits, trial.schedule().len()),
            excluded: vec![],
        };
        frame.excluded = frame.reasons();
        frame.take_response(model, trial)?;
        frame.check_functions(trial)?;
        Ok(frame)
    }

    /// Why each row is not analysed.
    fn reasons(&self) -> Vec<Option<Reason>> {
        let unobserved = |y: &f64| y.is_nan().then_some(Reason::NotObserved);
        if self.known.lacks_nothing() {
            return self.y.iter().map(unobserved).collect();
        }
        let visits = self.visits.len().max(1);
        let mut reasons = Vec::with_capacity(self.y.len());
        for (patient, outcomes) in self.y.chunks_exact(visits).enumerate() {
            // What is the same at every visit is looked up once.
            let lack = |t: usize| self.known.lack(patient, t).map(Reason::Lacks);
            let always = (!self.known.lacks_by_visit()).then(|| lack(0));
            let reason = |(t, y): (usize, &f64)| unobserved(y).or_else(|| always.unwrap_or_else(|| lack(t)));
            reasons.extend(outcomes.iter().enumerate().map(reason));
        }
        reasons
    }

    /// The analysed rows as patient and visit.
    pub fn rows(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.analysed().flat_map(|(i, own)| own.iter().enumerate().filter(|(_, reason)| reason.is_none()).map(move |(t, _)| (i, t)))
    }

    /// The patients with an analysed row, each with the reasons at their visits.
    pub fn analysed(&self) -> impl Iterator<Item = (usize, &[Option<Reason>])> {
        let of_patients = self.excluded.chunks_exact(self.visits.len().max(1)).enumerate();
        of_patients.filter(|(_, own)| own.iter().any(Option::is_none))
    }

    /// The patients with an analysed row.
    pub fn analysed_patients(&self) -> Vec<usize> {
        self.analysed().map(|(i, _)| i).collect()
    }

    pub fn exclusions(&self, trial: &Trial) -> Exclusions {
        let visits = self.visits.len();
        let labels: Vec<String> = self.visits.iter().map(|&t| trial.schedule().visits()[t].label.clone()).collect();
        let mut found = Exclusions { randomized: trial.patients().len(), visits: labels, ..Exclusions::default() };
        if visits == 0 {
            return found;
        }
        let mut reasons: Vec<(Reason, ExclusionReason)> = vec![];
        for (i, (patient, rows)) in trial.patients().iter().zip(self.excluded.chunks_exact(visits)).enumerate() {
            // Most patients lack outcomes at most.
            if rows.iter().any(Option::is_none) && !rows.iter().any(|r| matches!(r, Some(Reason::Lacks(_)))) {
                found.analysed += 1;
                continue;
            }
            let arm = trial.arm_of()[i];
            // The lack that took the last of the observed outcomes, where the model asks for one variable after another.
            let last = rows.iter().flatten().max_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)).copied();
            if let Some(reason) = last.filter(|_| rows.iter().all(Option::is_some)) {
                self.reason_of(&mut reasons, reason, trial).arms[arm].patients += 1;
            }
            for (t, reason) in rows.iter().enumerate() {
                if let Some(reason) = reason.filter(|r| *r != Reason::NotObserved) {
                    self.reason_of(&mut reasons, reason, trial).count_observation(arm, &found.visits[t]);
                }
            }
            if rows.iter().all(|r| *r == Some(Reason::NotObserved)) {
                found.without_outcome.push(patient.clone());
            } else if rows.iter().all(Option::is_some) {
                found.wholly_excluded.push(patient.clone());
            } else {
                found.analysed += 1;
            }
            for (t, reason) in rows.iter().enumerate() {
                if let Some(reason) = reason.filter(|r| *r != Reason::NotObserved) {
                    found.rows.push(ExcludedObservation {
                        patient: patient.clone(),
                        visit: found.visits[t].clone(),
                        reason: self.words(reason),
                    });
                }
            }
        }
        reasons.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        found.reasons = reasons.into_iter().map(|(_, reason)| reason).collect();
        let in_order = |own: &exclusions::ExcludedAtVisit| found.visits.iter().position(|visit| *visit == own.visit);
        found.reasons.iter_mut().for_each(|reason| reason.visits.sort_by_key(in_order));
        found
    }

    /// The numbers of a reason.
    fn reason_of<'r>(&self, known: &'r mut Vec<(Reason, ExclusionReason)>, reason: Reason, trial: &Trial) -> &'r mut ExclusionReason {
        let at = known.iter().position(|(own, _)| *own == reason).unwrap_or_else(|| {
            known.push((reason, ExclusionReason::new(self.words(reason), self.lacking(reason), trial.arms())));
            known.len() - 1
        });
        &mut known[at].1
    }

    /// Every reason that there can be, with the variable that is missing.
    pub fn possible_reasons(&self) -> Vec<(String, Option<String>)> {
        let known = &self.known;
        let lacks = (0..known.variables.len())
            .map(Lack::Variable)
            .chain((0..known.offsets.len()).map(Lack::Offset))
            .chain(known.group.as_ref().map(|_| Lack::Group))
            .chain(known.weights.as_ref().map(|_| Lack::Weight));
        let reasons = std::iter::once(Reason::NotObserved).chain(lacks.map(Reason::Lacks));
        reasons.map(|reason| (self.words(reason), self.lacking(reason))).collect()
    }

    /// The variable that a reason is about.
    fn lacking(&self, reason: Reason) -> Option<String> {
        match reason {
            Reason::NotObserved => None,
            Reason::Lacks(Lack::Variable(v)) => Some(self.known.variables[v].name().into()),
            Reason::Lacks(Lack::Offset(k)) => Some(self.known.offsets[k].name().into()),
            Reason::Lacks(Lack::Group) => self.known.group.as_ref().map(|group| group.name().into()),
            Reason::Lacks(Lack::Weight) => Some("weight".into()),
            Reason::Lacks(Lack::Random(term, v)) => Some(self.known.random[term].variables[v].name().into()),
        }
    }

    fn words(&self, reason: Reason) -> String {
        match reason {
            Reason::NotObserved => "the outcome was not observed".into(),
            Reason::Lacks(Lack::Variable(v)) => format!("`{}` is missing", self.known.variables[v].name()),
            Reason::Lacks(Lack::Offset(k)) => format!("`{}` is missing", self.known.offsets[k].name()),
            Reason::Lacks(Lack::Group) => {
                format!("`{}`, which makes the covariance groups, is missing", self.known.group.as_ref().map_or("", Variable::name))
            }
            Reason::Lacks(Lack::Weight) => "the weight is missing or not positive".into(),
            Reason::Lacks(Lack::Random(term, v)) => {
                let random = &self.known.random[term];
                format!("`{}`, which multiplies a random effect of `{}`, is missing", random.variables[v].name(), random.factor)
            }
        }
    }

    /// Takes the outcomes through the function of the model, and the offsets from them.
    fn take_response(&mut self, model: &MeanModel, trial: &Trial) -> Result<()> {
        let visits = self.visits.len();
        if model.response.is_none() && self.known.offsets.is_empty() {
            return Ok(());
        }
        for row in (0..self.y.len()).filter(|&row| self.excluded[row].is_none()) {
            let (i, t) = (row / visits, row % visits);
            let observed = self.y[row];
            let taken = model.response.map_or(observed, |response| response.apply(observed));
            let offset = self.known.offset(i, t);
            if let Some(k) = (0..model.offsets.len()).find(|&k| self.known.offsets[k].value(i, t, visits).is_infinite()) {
                return Err(no_offset(&model.offsets[k], self.place(trial, i, t)));
            }
            if !(taken - offset).is_finite() {
                let domain = model.response.map_or("finite numbers", Transformation::domain);
                return Err(undefined(&model.analysed_outcome(), &model.outcome, observed, domain, self.place(trial, i, t)));
            }
            self.y[row] = taken - offset;
        }
        Ok(())
    }

    /// Refuses functions of numbers for which they are not defined.
    fn check_functions(&self, trial: &Trial) -> Result<()> {
        let visits = self.visits.len();
        for (variable, function) in self.known.variables.iter().zip(&self.known.functions) {
            let Some(function) = function.as_ref().filter(|function| !function.is_open()) else { continue };
            for (i, t) in self.rows() {
                let x = variable.value(i, t, visits);
                if (0..function.size()).any(|k| !function.value(x, k).is_finite()) {
                    return Err(undefined(&function.to_string(), &function.column, x, function.domain(), self.place(trial, i, t)));
                }
            }
        }
        Ok(())
    }

    fn place(&self, trial: &Trial, patient: usize, visit: usize) -> String {
        format!("patient `{}` at {}", trial.patients()[patient], trial.schedule().visits()[self.visits[visit]].label)
    }

    /// Takes the knots of splines from the analysed observations.
    pub fn settle_functions(&mut self) -> Result<()> {
        let visits = self.visits.len();
        for v in 0..self.known.variables.len() {
            let Some(Function { column, kind: FunctionKind::Spline { df, spline: None } }) = &self.known.functions[v] else { continue };
            let (name, df) = (column.clone(), *df);
            let values = self.rows().map(|(i, t)| self.known.variables[v].value(i, t, visits)).collect();
            let spline = NaturalSpline::through(values, df).ok_or_else(|| {
                Error::no_data(
                    format!("the spline `ns({name}, {df})`"),
                    format!(
                        "`{name}` has too few distinct values for {}: its knots, at quantiles, are not all different",
                        counted(df, "column")
                    ),
                    "ask for fewer columns, or for a polynomial",
                )
            })?;
            self.known.functions[v] = Some(Function::new(name, FunctionKind::Spline { df, spline: Some(spline) }));
        }
        Ok(())
    }

    /// Drops the levels without analysed rows; a sentence for each variable that loses some.
    pub fn drop_unused_levels(&mut self) -> Vec<String> {
        let visits = self.visits.len();
        let patients = self.analysed_patients();
        let used = |variable: &Variable| {
            let mut used = vec![false; variable.levels().len()];
            // What patients keep is looked at once for each.
            match variable.scope() {
                Scope::Patient => patients.iter().filter_map(|&i| variable.level(i, 0, visits)).for_each(|l| used[l] = true),
                _ => self.rows().filter_map(|(i, t)| variable.level(i, t, visits)).for_each(|l| used[l] = true),
            }
            used
        };
        let of_factor = |v: &Variable| (v.is_factor() && v.scope() != Scope::Visit).then(|| used(v));
        let used: Vec<Option<Vec<bool>>> = self.known.variables.iter().chain(&self.known.group).map(of_factor).collect();
        let mut sentences = vec![];
        for (variable, used) in self.known.variables.iter_mut().chain(&mut self.known.group).zip(used) {
            sentences.extend(used.and_then(|used| lost(variable, &used, &sentences)));
        }
        sentences
    }

    /// Keeps the levels of each variable and of the groups at these positions; a sentence for each variable that
    /// loses some.
    pub fn keep_levels(&mut self, used: &[Vec<usize>], groups: &[usize]) -> Vec<String> {
        let mut sentences = vec![];
        let of_variables = self.known.variables.iter_mut().zip(used.iter().map(Vec::as_slice));
        for (variable, kept) in of_variables.chain(self.known.group.iter_mut().map(|g| (g, groups))) {
            let used: Vec<bool> = (0..variable.levels().len()).map(|l| kept.contains(&l)).collect();
            sentences.extend(lost(variable, &used, &sentences));
        }
        sentences
    }

    /// The number of analysed observations of each arm at each visit: arms × T.
    pub fn arm_counts(&self, trial: &Trial) -> Vec<usize> {
        let visits = self.visits.len();
        let mut n = vec![0; trial.arms().len() * visits];
        for (i, own) in self.analysed() {
            let counts = &mut n[trial.arm_of()[i] * visits..][..visits];
            counts.iter_mut().zip(own).for_each(|(n, reason)| *n += usize::from(reason.is_none()));
        }
        n
    }

    /// The arms nobody of which has an analysed observation at a visit, `n` of them being [`Frame::arm_counts`].
    pub fn empty_cells(&self, trial: &Trial, n: &[usize]) -> Vec<String> {
        let per_arm = n.chunks_exact(self.visits.len().max(1)).enumerate();
        per_arm
            .filter(|(_, n)| n.iter().any(|&n| n > 0))
            .flat_map(|(arm, n)| (0..n.len()).filter(|&t| n[t] == 0).map(move |t| (arm, t)))
            .map(|(arm, t)| {
                let visit = &trial.schedule().visits()[self.visits[t]].label;
                format!("nobody in arm {} has an analysed observation at {visit}", trial.arms()[arm])
            })
            .collect()
    }
}

fn undefined(function: &str, column: &str, x: f64, domain: &str, place: String) -> Error {
    Error::out_of_range(
        format!("`{function}` in the formula"),
        format!("`{column}` is {x} for {place}, and the function is one of {domain}"),
        format!("correct the value, make it missing, or use `{column}` itself or another function of it"),
    )
}

fn no_offset(offset: &Offset, place: String) -> Error {
    Error::out_of_range(
        format!("`offset({offset})` in the formula"),
        format!("`{}` is none of the {} for {place}, where there is an outcome", offset.column(), offset.domain()),
        "correct the value, or make it missing",
    )
}

/// Leaves out the levels of a factor that are not used; a sentence that is not yet among `known`, if there are any.
pub(super) fn lost(variable: &mut Variable, used: &[bool], known: &[String]) -> Option<String> {
    if used.iter().all(|used| *used) {
        return None;
    }
    let dropped = variable.keep_levels(used);
    let sentence = format!("no analysed observation has `{}` = {}: left out of its levels", variable.name(), dropped.join(", "));
    (!dropped.is_empty() && !known.contains(&sentence)).then_some(sentence)
}
