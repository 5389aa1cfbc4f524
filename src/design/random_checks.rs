//! Whether the data can tell variances of random effects apart, and what a reader has to know of the levels.

use super::frame::Frame;
use super::random_terms::RandomRows;
use super::*;
use crate::table::agreeing;
use crate::trial::Trial;
use std::collections::BTreeSet;

/// A diagonal element of a Cholesky factor of correlations below this is rounding.
const SINGULAR: f64 = 1e-10;
/// More names than this are a number only.
const NAMED: usize = 6;

impl Frame {
    /// What a reader has to know of who belongs to which level, one sentence each.
    pub fn of_levels(&self, trial: &Trial) -> Vec<String> {
        let mut sentences: Vec<String> = vec![];
        for random in self.known.random.iter().filter(|r| !r.of_patients) {
            let members = Members::new(self, random, trial);
            let found = [members.of_one_patient(), members.of_one_arm()].into_iter().flatten().chain(members.without_level());
            found.for_each(|sentence| {
                if !sentences.contains(&sentence) {
                    sentences.push(sentence)
                }
            });
        }
        sentences
    }
}

/// Who belongs to the levels of one factor.
struct Members<'a> {
    random: &'a RandomRows,
    trial: &'a Trial,
    /// The patients of each level, in order.
    patients: Vec<Vec<usize>>,
    /// How many analysed observations each level has.
    observations: Vec<usize>,
    /// Each analysed patient, in order, and whether he belongs to a level at any visit.
    belongs: Vec<(usize, bool)>,
}

impl<'a> Members<'a> {
    fn new(frame: &Frame, random: &'a RandomRows, trial: &'a Trial) -> Self {
        let n = random.levels.len();
        let mut members = Self { random, trial, patients: vec![vec![]; n], observations: vec![0; n], belongs: vec![] };
        for (i, reasons) in frame.analysed() {
            if random.fixed {
                let level = random.level_of(i, 0).map(|level| level as usize);
                if let Some(level) = level {
                    members.observations[level] += reasons.iter().filter(|reason| reason.is_none()).count();
                    members.patients[level].push(i);
                }
                members.belongs.push((i, level.is_some()));
                continue;
            }
            let mut belongs = false;
            for (t, _) in reasons.iter().enumerate().filter(|(_, reason)| reason.is_none()) {
                let Some(level) = random.level_of(i, t).map(|level| level as usize) else { continue };
                belongs = true;
                members.observations[level] += 1;
                if members.patients[level].last() != Some(&i) {
                    members.patients[level].push(i);
                }
            }
            members.belongs.push((i, belongs));
        }
        members
    }

    /// Whether levels lie within patients, as a patient's phases do: each in one patient, and a patient in several.
    fn is_within_patients(&self) -> bool {
        let of_one = self.patients.iter().filter(|patients| !patients.is_empty());
        let alone: Vec<usize> = of_one.clone().filter(|patients| patients.len() == 1).map(|patients| patients[0]).collect();
        let different: BTreeSet<&usize> = alone.iter().collect();
        alone.len() == of_one.count() && different.len() < alone.len()
    }

    /// Levels that say little of what belongs together: of one patient or, within patients, of one observation.
    fn of_one_patient(&self) -> Option<String> {
        if self.is_within_patients() {
            let alone: Vec<usize> = (0..self.observations.len()).filter(|&l| self.observations[l] == 1).collect();
            return (!alone.is_empty()).then(|| {
                let observations = if alone.len() == 1 { "a single observation" } else { "a single observation each" };
                format!("{} {observations}: they say little of what observations of a level share", self.levels(&alone))
            });
        }
        let alone: Vec<usize> = (0..self.patients.len()).filter(|&l| self.patients[l].len() == 1).collect();
        (!alone.is_empty()).then(|| {
            let patients = if alone.len() == 1 { "a single patient" } else { "a single patient each" };
            format!("{} {patients}: they say little of what patients of a level share", self.levels(&alone))
        })
    }

    /// Silent where all levels are in the same arm, as groups are that only one arm has.
    fn of_one_arm(&self) -> Option<String> {
        let arm = |i: &usize| self.trial.arm_of()[*i];
        let are_of_one = |patients: &[usize]| patients.windows(2).all(|two| arm(&two[0]) == arm(&two[1]));
        let members = |&l: &usize| !self.patients[l].is_empty();
        let single: Vec<usize> = (0..self.patients.len()).filter(members).filter(|&l| are_of_one(&self.patients[l])).collect();
        let mut met = self.patients.iter().flatten().map(arm);
        let first = met.next();
        (met.any(|arm| Some(arm) != first) && !single.is_empty())
            .then(|| format!("{} patients in one arm only: they do not compare the arms within a level", self.levels(&single)))
    }

    /// For each arm some of whose patients belong to a level and some do not.
    fn without_level(&self) -> Vec<String> {
        let arms = self.trial.arms().iter().enumerate();
        let sentence = |(arm, name): (usize, &String)| {
            let of_arm: Vec<bool> = self.belongs.iter().filter(|(i, _)| self.trial.arm_of()[*i] == arm).map(|&(_, b)| b).collect();
            let without = of_arm.iter().filter(|b| !**b).count();
            let belong = agreeing(without, "belongs", "belong");
            let factor = &self.random.factor;
            (without > 0 && without < of_arm.len())
                .then(|| format!("{without} of the {} analysed patients in arm {name} {belong} to no level of `{factor}`", of_arm.len()))
        };
        arms.filter_map(sentence).collect()
    }

    /// `2 of the 9 levels of `group` (g3, g7) have`.
    fn levels(&self, which: &[usize]) -> String {
        let names: Vec<&str> = which.iter().map(|&l| self.random.levels[l].as_str()).collect();
        let names = if names.len() > NAMED { String::new() } else { format!(" ({})", names.join(", ")) };
        let have = agreeing(which.len(), "has", "have");
        let met = self.patients.iter().filter(|patients| !patients.is_empty()).count();
        format!("{} of the {met} levels of `{}`{names} {have}", which.len(), self.random.factor)
    }
}

/// Refuses effects whose variances the data cannot tell apart, whatever the outcome.
pub(super) fn check_identified(terms: &[RandomTerm]) -> Result<()> {
    for (at, term) in terms.iter().enumerate() {
        check_levels(term)?;
        check_effects(term)?;
        terms[..at].iter().try_for_each(|earlier| check_twins(earlier, term))?;
    }
    Ok(())
}

fn not_identified(term: &RandomTerm, effect: &str, why: String) -> Error {
    Error::NotEstimable { estimate: format!("variance of {effect} in {}", term.factor), why }
}

fn check_levels(term: &RandomTerm) -> Result<()> {
    let why = match &term.levels[..] {
        [] => "no analysed observation belongs to a level of it".to_string(),
        [only] => format!("there is one level, `{only}`, and one level cannot vary; leave the random effects of `{}` out", term.factor),
        _ => return Ok(()),
    };
    Err(Error::NotEstimable { estimate: format!("variance of {}", term.factor), why })
}

/// Effects that are zero throughout, or combinations of others: correlated effects must be linearly independent,
/// independent ones must not be proportional.
fn check_effects(term: &RandomTerm) -> Result<()> {
    let k = term.size();
    if k == 0 {
        let why = "no analysed observation that belongs to a level has any of the combinations it stands for".to_string();
        return Err(not_identified(term, "every effect", why));
    }
    let products = products(&term.z, k);
    let products = |a: usize, b: usize| products[a * k + b];
    if let Some(zero) = (0..k).find(|&a| products(a, a) == 0.0) {
        let why = format!("it is multiplied by zero in every analysed observation that belongs to a level of `{}`", term.factor);
        return Err(not_identified(term, &term.effects[zero], why));
    }
    let correlation = |a: usize, b: usize| products(a.max(b), a.min(b)) / (products(a, a) * products(b, b)).sqrt();
    let dependent = |a: usize| match term.structure {
        EffectCovariance::Correlated => {
            let leading = nalgebra::DMatrix::from_fn(a + 1, a + 1, correlation);
            leading.cholesky().is_none_or(|c| c.l_dirty()[(a, a)].powi(2) < SINGULAR)
        }
        EffectCovariance::Independent => (0..a).any(|b| 1.0 - correlation(a, b).abs() < SINGULAR),
    };
    match (1..k).find(|&a| dependent(a)) {
        Some(a) => {
            let others = term.effects[..a].join(", ");
            let why = format!(
                "in every analysed observation that belongs to a level its multiplier follows from {others}; leave one of them out, or write (0 + … | {})",
                term.factor
            );
            Err(not_identified(term, &term.effects[a], why))
        }
        None => Ok(()),
    }
}

/// Z'Z of multipliers, k numbers a row: the lower triangle row by row.
fn products(z: &[f64], k: usize) -> Vec<f64> {
    let mut sums = vec![0.0; k * k];
    match k {
        1 => add_products(z, 1, &mut sums),
        2 => add_products(z, 2, &mut sums),
        _ => add_products(z, k, &mut sums),
    }
    sums
}

#[inline(always)]
fn add_products(z: &[f64], k: usize, sums: &mut [f64]) {
    let sums = &mut sums[..k * k];
    for z in z.chunks_exact(k) {
        for a in 0..k {
            (0..=a).for_each(|b| sums[a * k + b] += z[a] * z[b]);
        }
    }
}

/// Refuses the same effect of the same levels in two terms.
fn check_twins(one: &RandomTerm, other: &RandomTerm) -> Result<()> {
    if one.levels.len() != other.levels.len() || !same_levels(one, other) {
        return Ok(());
    }
    let column = |term: &RandomTerm, e: usize| -> Vec<f64> { term.z.iter().skip(e).step_by(term.size()).copied().collect() };
    for (a, b) in (0..one.size()).flat_map(|a| (0..other.size()).map(move |b| (a, b))) {
        if column(one, a) == column(other, b) {
            let why = format!(
                "the same levels have {} in two random terms, of `{}` and of `{}`; keep one",
                other.effects[b], one.factor, other.factor
            );
            return Err(not_identified(other, &other.effects[b], why));
        }
    }
    Ok(())
}

/// Whether two factors divide the observations alike.
fn same_levels(one: &RandomTerm, other: &RandomTerm) -> bool {
    let mut there: Vec<Option<u32>> = vec![None; one.levels.len()];
    one.level_of.iter().zip(&other.level_of).all(|pair| match pair {
        (None, None) => true,
        (Some(a), Some(b)) => *there[*a as usize].get_or_insert(*b) == *b,
        _ => false,
    })
}
