//! From what a model says of random effects to [`RandomTerm`]: who belongs to which level, and z_it.

use super::coding::{self, Part, Parts};
use super::frame::{Frame, lost};
use super::variables;
use super::*;
use crate::error::{Message, Setting};
use crate::trial::{Identifiers, Outcome, Role, Scope, Trial, Variable};
use std::collections::{BTreeMap, BTreeSet};

/// The random effects of one factor on the rows of patients × visits, analysed or not.
#[derive(Debug, Clone)]
pub(super) struct RandomRows {
    pub factor: String,
    pub of_patients: bool,
    pub levels: Identifiers,
    /// The level of each patient where patients keep theirs, else of each row.
    codes: Vec<Option<u32>>,
    /// Whether patients keep their levels.
    pub fixed: bool,
    /// The variables that multiply the effects.
    pub variables: Vec<Variable>,
    stated: RandomEffects,
    /// Names of the effects, and each as a product of variables: those that some analysed row has.
    effects: Vec<String>,
    parts: Vec<Parts>,
    visits: usize,
    /// The last visit at which all arms are still alike, where the design says so.
    before: Option<usize>,
}

/// A factor right of the bar: its levels, and the level of each patient where patients keep theirs, else of each row.
struct Side {
    name: String,
    levels: Identifiers,
    codes: Vec<Option<u32>>,
    of_patients: bool,
    /// Whether a patient has one level at all visits.
    fixed: bool,
}

impl RandomRows {
    pub fn new(trial: &Trial, model: &MeanModel, outcome: &Outcome, visits: &[usize], effects: &RandomEffects) -> Result<Self> {
        if !effects.intercept && effects.terms.is_empty() {
            return Err(Error::incomplete(
                format!("the random effects `{effects}`"),
                "there is none",
                "keep the intercept, or name a variable whose effect varies",
            ));
        }
        let sides = effects.factors.iter().map(|f| side(trial, model, outcome, visits, f)).collect::<Result<Vec<Side>>>()?;
        let of_patients = sides.iter().any(|s| s.of_patients) && sides.iter().all(|s| s.fixed);
        let Side { name: factor, levels, codes, fixed, .. } = combined(sides, visits.len());
        let variables = effects.variables();
        let lookup = |name: &String| {
            variables::lookup(trial, model.baseline_role(), outcome, visits, name).map_err(|e| with_hint(e, trial, &factor, name))
        };
        let variables = variables.iter().map(lookup).collect::<Result<_>>()?;
        let baseline = trial.schedule().baseline().filter(|_| model.baseline_role() == Baseline::Constrained);
        let before = baseline.and_then(|b| visits.iter().position(|&t| t == b));
        Ok(Self {
            factor,
            of_patients,
            levels,
            codes,
            fixed,
            variables,
            stated: effects.clone(),
            effects: vec![],
            parts: vec![],
            visits: visits.len(),
            before,
        })
    }

    /// The first variable that a row which belongs to a level lacks.
    pub fn missing(&self, patient: usize, visit: usize) -> Option<usize> {
        self.level_of(patient, visit)?;
        self.variables.iter().position(|v| v.is_missing(patient, visit, self.visits))
    }

    /// The level that a patient belongs to at a visit.
    pub fn level_of(&self, patient: usize, visit: usize) -> Option<u32> {
        self.codes[if self.fixed { patient } else { patient * self.visits + visit }]
    }

    /// The level of a factor among the variables; none of the arms until treatment begins, where the design holds
    /// them equal till then.
    fn level(&self, variable: &Variable, patient: usize, visit: usize) -> Option<usize> {
        match self.before {
            Some(last) if variable.role() == Role::Arm && visit <= last => None,
            _ => variable.level(patient, visit, self.visits),
        }
    }

    /// z of a patient of the trial at an analysed visit, as if in the arm of this label; NaN where a variable is missing.
    pub fn multipliers_under(&self, patient: usize, visit: usize, arm: &str) -> Vec<f64> {
        let level = |v: usize| match self.variables[v].role() {
            Role::Arm if self.before.is_some_and(|last| visit <= last) => None,
            Role::Arm => self.variables[v].levels().iter().position(|level| level == arm),
            _ => self.level(&self.variables[v], patient, visit),
        };
        let factor = |&(v, part): &(usize, Part)| match part {
            Part::Level(l) => f64::from(u8::from(level(v) == Some(l))),
            Part::Number | Part::Basis(_) => self.variables[v].value(patient, visit, self.visits),
        };
        self.parts.iter().map(|parts| parts.iter().map(factor).product()).collect()
    }

    /// A column of z in a row.
    fn value(&self, parts: &Parts, patient: usize, visit: usize) -> f64 {
        let factor = |&(v, part): &(usize, Part)| match part {
            Part::Level(l) => f64::from(u8::from(self.level(&self.variables[v], patient, visit) == Some(l))),
            // Random effects have no functions of columns.
            Part::Number | Part::Basis(_) => self.variables[v].value(patient, visit, self.visits),
        };
        parts.iter().map(factor).product()
    }

    /// A column of z at every visit, where it is the same for all patients.
    fn values_of_visits(&self, parts: &Parts) -> Option<Vec<f64>> {
        let is_of_visits = parts.iter().all(|&(v, _)| self.variables[v].scope() == Scope::Visit);
        is_of_visits.then(|| (0..self.visits).map(|visit| self.value(parts, 0, visit)).collect())
    }
}

/// Levels and codes of the combinations of factors; one without a level has no combination.
fn combined(mut sides: Vec<Side>, visits: usize) -> Side {
    if sides.len() == 1
        && let Some(only) = sides.pop()
    {
        return only;
    }
    let name = sides.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(":");
    let (fixed, of_patients) = (sides.iter().all(|s| s.fixed), sides.iter().any(|s| s.of_patients));
    let rows = sides.iter().map(|s| if s.fixed && !fixed { s.codes.len() * visits } else { s.codes.len() }).max().unwrap_or(0);
    let code = |side: &Side, row: usize| side.codes[if side.fixed && !fixed { row / visits } else { row }];
    let combination = |row: usize| sides.iter().map(|s| code(s, row)).collect::<Option<Vec<u32>>>();
    let occurring: BTreeSet<Vec<u32>> = (0..rows).filter_map(combination).collect();
    let position: BTreeMap<&Vec<u32>, u32> = occurring.iter().zip(0..).collect();
    let codes = (0..rows).map(|row| combination(row).and_then(|c| position.get(&c).copied())).collect();
    let label = |c: &Vec<u32>| c.iter().zip(&sides).map(|(&l, s)| s.levels[l as usize].as_str()).collect::<Vec<_>>().join(":");
    Side { name, levels: occurring.iter().map(label).collect(), codes, of_patients, fixed }
}

fn side(trial: &Trial, model: &MeanModel, outcome: &Outcome, visits: &[usize], name: &str) -> Result<Side> {
    let patients = trial.patients().len();
    let columns = trial.column_names();
    let generic = name == "patient" && trial.find(name, Role::Cluster).is_none();
    if name == columns.patient || generic {
        let codes = (0..patients as u32).map(Some).collect();
        return Ok(Side { name: columns.patient.clone(), levels: trial.shared_patients(), codes, of_patients: true, fixed: true });
    }
    let looked_up =
        || variables::lookup(trial, model.baseline_role(), outcome, visits, name).map_err(|error| unknown_factor(error, trial, name));
    let variable = variables::cluster(trial, name, visits).map_or_else(looked_up, Ok)?;
    if !variable.is_factor() {
        return Err(Error::wrong_variable(
            format!("random effects of `{name}`"),
            "it is a number, and levels are those of a factor",
            Message::from("declare the column as a cluster with ")
                .setting(Setting::Cluster)
                .then(", or as a factor with ")
                .setting(Setting::Factor),
        ));
    }
    let fixed = variable.scope() == Scope::Patient;
    let level = |patient: usize, visit: usize| variable.level(patient, visit, visits.len()).map(|level| level as u32);
    let own = |patient: usize| (0..if fixed { 1 } else { visits.len() }).map(move |visit| level(patient, visit));
    let codes = (0..patients).flat_map(own).collect();
    Ok(Side { name: name.into(), codes, of_patients: false, fixed, levels: variable.levels().to_vec().into() })
}

fn unknown_factor(error: Error, trial: &Trial, name: &str) -> Error {
    let mut known = vec![trial.column_names().patient.as_str()];
    known.extend(trial.clusters().map(Variable::name));
    match error {
        Error::Unknown { known: others, .. } => {
            known.extend(others.iter().map(String::as_str).filter(|v| !["baseline", "time"].contains(v)));
            Error::unknown("factor with random effects", name, &variables::distinct(known))
        }
        other => other,
    }
}

/// For a name that is that of an arm, what can be written instead.
fn with_hint(error: Error, trial: &Trial, factor: &str, name: &str) -> Error {
    if matches!(error, Error::Unknown { .. }) && trial.arms().iter().any(|a| a.eq_ignore_ascii_case(name)) {
        return Error::wrong_variable(
            format!("the random effect of `{name}` in `{factor}`"),
            "it is the name of an arm, and no variable",
            format!("leave `{factor}` empty in the other arms and write (1 | {factor}), or (0 + arm | {factor}) for an effect of each arm"),
        );
    }
    error
}

impl Frame {
    /// Decides which effects there are: those that some analysed row has. A sentence for each level of a factor that
    /// no analysed row has.
    pub fn settle_random_terms(&mut self) -> Vec<String> {
        let mut random = std::mem::take(&mut self.known.random);
        let sentences = random.iter_mut().flat_map(|random| random.settle(self)).collect();
        self.known.random = random;
        sentences
    }
}

impl RandomRows {
    fn settle(&mut self, frame: &Frame) -> Vec<String> {
        let used = self.used(frame);
        let mut sentences = vec![];
        let unused: Vec<&str> = self.levels.iter().zip(&used).filter(|(_, used)| !**used).map(|(level, _)| level.as_str()).collect();
        if !unused.is_empty() && !self.of_patients {
            sentences.push(format!("no analysed observation has `{}` = {}: left out of its levels", self.factor, unused.join(", ")));
        }
        for v in 0..self.variables.len() {
            if !self.variables[v].is_factor() {
                continue;
            }
            let mut used = vec![false; self.variables[v].levels().len()];
            self.members(frame).filter_map(|(i, t)| self.level(&self.variables[v], i, t)).for_each(|l| used[l] = true);
            let factor = &self.factor;
            let sentence = lost(&mut self.variables[v], &used, &[]);
            sentences.extend(sentence.map(|s| format!("{s} in the random effects of `{factor}`")));
        }
        let functions = vec![None; self.variables.len()];
        let coded = coding::columns(&self.stated.as_mean(), &self.variables, &functions, None);
        // Combinations of levels that nobody has, such as an arm before treatment, have no effect.
        let occurs = |parts: &Parts| {
            let is_combination = parts.len() > 1 && parts.iter().any(|(_, part)| matches!(part, Part::Level(_)));
            !is_combination || self.members(frame).any(|(i, t)| self.value(parts, i, t) != 0.0)
        };
        (self.effects, self.parts) = coded.columns.into_iter().map(|c| c.name).zip(coded.parts).filter(|(_, parts)| occurs(parts)).unzip();
        sentences
    }

    /// The analysed rows that belong to a level, as patient and visit.
    fn members<'a>(&'a self, frame: &'a Frame) -> impl Iterator<Item = (usize, usize)> + 'a {
        frame.rows().filter(|&(i, t)| self.level_of(i, t).is_some())
    }

    /// Which levels analysed rows belong to.
    fn used(&self, frame: &Frame) -> Vec<bool> {
        let mut used = vec![false; self.levels.len()];
        match self.fixed {
            true => frame.analysed().filter_map(|(i, _)| self.level_of(i, 0)).for_each(|l| used[l as usize] = true),
            false => frame.rows().filter_map(|(i, t)| self.level_of(i, t)).for_each(|l| used[l as usize] = true),
        }
        used
    }

    /// z of these patients, zero where they belong to no level.
    fn multipliers(&self, patients: &[usize], level_of: &[Option<u32>]) -> Vec<f64> {
        let of_visits: Vec<Option<Vec<f64>>> = self.parts.iter().map(|parts| self.values_of_visits(parts)).collect();
        let mut z = Vec::with_capacity(level_of.len() * self.parts.len());
        if of_visits.iter().all(Option::is_some) {
            let of_all: Vec<f64> = (0..self.visits).flat_map(|t| of_visits.iter().flatten().map(move |own| own[t])).collect();
            for own in level_of.chunks_exact(self.visits.max(1)) {
                let first = z.len();
                z.extend_from_slice(&of_all);
                for (z, _) in z[first..].chunks_exact_mut(self.parts.len().max(1)).zip(own).filter(|(_, level)| level.is_none()) {
                    z.fill(0.0);
                }
            }
            return z;
        }
        for (&patient, own) in patients.iter().zip(level_of.chunks_exact(self.visits.max(1))) {
            for (t, level) in own.iter().enumerate() {
                let value = |(parts, of_visits): (&Parts, &Option<Vec<f64>>)| match of_visits {
                    _ if level.is_none() => 0.0,
                    Some(of_visits) => of_visits[t],
                    None => self.value(parts, patient, t),
                };
                z.extend(self.parts.iter().zip(&of_visits).map(value));
            }
        }
        z
    }

    /// The term for these patients, some perhaps more than once: levels that no analysed row has are left out, and a
    /// patient who is a level is one level per copy. A row is a position among all patients × visits.
    pub fn term(&self, patients: &[usize], analysed: impl Fn(usize, usize) -> bool) -> RandomTerm {
        let mut own: Vec<Option<u32>> = Vec::with_capacity(patients.len() * self.visits);
        for (at, &patient) in patients.iter().enumerate() {
            own.extend((0..self.visits).map(|t| self.level_of(patient, t).filter(|_| analysed(at, t))));
        }
        let z = self.multipliers(patients, &own);
        let (levels, level_of) = renumbered(&self.levels, own, self.of_patients, self.visits);
        RandomTerm {
            factor: self.factor.clone(),
            of_patients: self.of_patients,
            levels,
            effects: self.effects.clone(),
            structure: self.stated.structure,
            level_of,
            z,
        }
    }
}

/// The levels that occur, in their order, and the level of each row among them; a patient who is a level is one
/// level per copy.
fn renumbered(levels: &Identifiers, mut level_of: Vec<Option<u32>>, of_patients: bool, visits: usize) -> (Identifiers, Vec<Option<u32>>) {
    let mut kept: Vec<u32> = Vec::with_capacity(levels.len());
    if of_patients {
        for rows in level_of.chunks_exact_mut(visits.max(1)) {
            let Some(own) = rows.iter().copied().flatten().next() else { continue };
            rows.iter_mut().for_each(|l| *l = l.map(|_| kept.len() as u32));
            kept.push(own);
        }
    } else {
        let mut used = vec![false; levels.len()];
        level_of.iter().flatten().for_each(|&level| used[level as usize] = true);
        kept.extend((0..levels.len() as u32).filter(|&level| used[level as usize]));
        if kept.len() < levels.len() {
            let mut position: Vec<Option<u32>> = vec![None; levels.len()];
            kept.iter().zip(0..).for_each(|(&level, new)| position[level as usize] = Some(new));
            level_of.iter_mut().for_each(|l| *l = l.and_then(|l| position[l as usize]));
        }
    }
    if kept.iter().copied().eq(0..levels.len() as u32) {
        return (levels.clone(), level_of);
    }
    (kept.into_iter().map(|level| levels[level as usize].clone()).collect(), level_of)
}

impl RandomTerm {
    /// The term for patients chosen by position, some perhaps more than once. A patient who is a level himself is one
    /// level a copy; levels of clusters keep their members together. Levels without members are left out.
    pub(super) fn repeated(&self, chosen: &[usize], visits: usize) -> RandomTerm {
        let k = self.size();
        let level_of = chosen.iter().flat_map(|&i| self.level_of[i * visits..(i + 1) * visits].iter().copied()).collect();
        let z = chosen.iter().flat_map(|&i| self.z[i * visits * k..(i + 1) * visits * k].iter().copied()).collect();
        let (levels, level_of) = renumbered(&self.levels, level_of, self.of_patients, visits);
        RandomTerm { levels, level_of, z, ..self.clone() }
    }
}

impl RandomEffects {
    /// The effects as terms of a mean, which are coded alike.
    fn as_mean(&self) -> MeanModel {
        let variables = self.variables();
        let place = |name: &String| variables.iter().position(|v| v == name);
        let terms = self.terms.iter().map(|t| t.iter().filter_map(place).collect()).collect();
        let model = MeanModel { intercept: self.intercept, terms, variables, ..MeanModel::outcome("") };
        model.with_baseline(Baseline::Response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three patients at two visits: levels x, y and none; z is 1 to 6.
    fn term(of_patients: bool, level_of: [Option<u32>; 6]) -> RandomTerm {
        let levels: Vec<String> = if of_patients { vec!["p".into(), "q".into(), "r".into()] } else { vec!["x".into(), "y".into()] };
        RandomTerm {
            factor: "f".into(),
            of_patients,
            levels: levels.into(),
            effects: vec!["(Intercept)".into()],
            structure: EffectCovariance::Correlated,
            level_of: level_of.to_vec(),
            z: (1..=6).map(f64::from).collect(),
        }
    }

    #[test]
    fn copies_of_a_patient_share_a_cluster() {
        let clusters = term(false, [Some(0), Some(1), Some(1), Some(1), None, None]);
        let drawn = clusters.repeated(&[1, 1, 2], 2);
        assert_eq!(drawn.levels(), ["y"]);
        assert_eq!(drawn.level_of, [Some(0), Some(0), Some(0), Some(0), None, None]);
        assert_eq!(drawn.z, [3.0, 4.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(clusters.repeated(&[0, 1, 2], 2), clusters);
    }

    #[test]
    fn a_copy_of_a_patient_is_a_level_of_its_own() {
        let patients = term(true, [Some(0), None, Some(1), Some(1), Some(2), Some(2)]);
        let drawn = patients.repeated(&[2, 0, 2], 2);
        assert_eq!(drawn.levels(), ["r", "p", "r"]);
        assert_eq!(drawn.level_of, [Some(0), Some(0), Some(1), None, Some(2), Some(2)]);
        assert_eq!(patients.repeated(&[0, 1, 2], 2), patients);
    }
}
