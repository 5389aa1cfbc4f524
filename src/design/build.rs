//! From trial and mean model to [`Design`].

use super::coding::{self, Coded, Constraint, Part, Parts};
use super::variables::{self, Role, Values, Variable, on_visits};
use super::*;
use crate::trial::{Outcome, Trial};
use std::collections::HashMap;

/// What a design needs beyond the mean model.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct DesignOptions {
    /// Labels of the visits to analyse; all of the schedule that the treatment of the baseline leaves, when `None`.
    pub visits: Option<Vec<String>>,
    /// A factor fixed within patients (the arm, a covariate, a cluster) whose levels each have a covariance of their own.
    pub group: Option<String>,
    /// A numeric covariate with observation weights: the residual variance is proportional to 1/weight.
    pub weights: Option<String>,
}

impl Design {
    /// The design of `model` for `trial`: who is analysed, at which visits, and the model matrix.
    ///
    /// Observations without a covariate, group or positive weight are excluded and [listed](Design::exclusions). Factor levels and visits
    /// without any analysed observation are left out and [named](Design::warnings); columns that the others determine are
    /// [found](Design::aliased).
    ///
    /// # Errors
    /// [`Error::Unknown`] for names that the trial does not have; [`Error::Invalid`] for a treatment of the baseline that does not go with
    /// the schedule or formula, for times or groups that do not exist, and when nothing is left to analyse.
    pub fn build(trial: &Trial, model: &MeanModel, options: &DesignOptions) -> Result<Design> {
        let outcome = trial.outcome(&model.outcome)?;
        check_baseline(trial, model)?;
        let mut visits = analysed_visits(trial, model.baseline, options)?;
        let mut frame = Frame::new(trial, model, options, outcome, &visits)?;
        let exclusions = frame.exclusions(trial);
        let mut warnings = vec![];
        let seen: Vec<bool> = (0..visits.len()).map(|t| frame.rows().any(|(_, visit)| visit == t)).collect();
        if seen.contains(&false) {
            let label = |t: usize| trial.schedule().visits()[visits[t]].label.clone();
            let unseen: Vec<String> = (0..visits.len()).filter(|&t| !seen[t]).map(label).collect();
            warnings.push(format!("no analysed observation at {}: left out of the visits", unseen.join(", ")));
            visits = visits.iter().zip(&seen).filter(|(_, s)| **s).map(|(&t, _)| t).collect();
            frame = Frame::new(trial, model, options, outcome, &visits)?;
        }
        if visits.is_empty() {
            return Err(nothing_left(model, &exclusions));
        }
        warnings.extend(frame.drop_unused_levels());
        warnings.extend(frame.empty_cells(trial));
        let constraint = constraint(trial, model.baseline, &visits, &frame.variables)?;
        let coded = coding::columns(model, &frame.variables, constraint);
        Ok(frame.into_design(trial, model, coded, constraint, exclusions, warnings))
    }
}

fn check_baseline(trial: &Trial, model: &MeanModel) -> Result<()> {
    let in_formula = model.variables.iter().any(|v| v == "baseline");
    let (why, remedy) = match model.baseline {
        Baseline::Covariate if !in_formula => ("`baseline` is not in the formula", "add `baseline +` to the formula"),
        Baseline::Constrained if trial.schedule().baseline().is_none() => {
            ("the schedule has no baseline visit", "declare the baseline visit in the layout")
        }
        Baseline::Constrained | Baseline::Response if in_formula && trial.covariate("baseline").is_none() => {
            ("the same values would be outcome and covariate", "leave `baseline` out of the formula, or make it a covariate")
        }
        _ => return Ok(()),
    };
    Err(Error::invalid(format!("the baseline as {:?} in `{model}`", model.baseline), why, remedy))
}

/// Positions of the analysed visits in the schedule, in its order.
fn analysed_visits(trial: &Trial, baseline: Baseline, options: &DesignOptions) -> Result<Vec<usize>> {
    let schedule = trial.schedule();
    let before = schedule.baseline().filter(|_| baseline == Baseline::Covariate);
    let Some(labels) = &options.visits else {
        return Ok((0..schedule.len()).filter(|&t| Some(t) != before).collect());
    };
    let mut visits = labels.iter().map(|l| schedule.index_of(l)).collect::<Result<Vec<usize>>>()?;
    visits.sort_unstable();
    visits.dedup();
    match before {
        Some(t) if visits.contains(&t) => Err(Error::invalid(
            format!("visit `{}` among the visits to analyse", schedule.labels()[t]),
            "it is the baseline, and the baseline is a covariate",
            "leave it out of the visits, or treat the baseline as part of the response",
        )),
        _ => Ok(visits),
    }
}

fn constraint(trial: &Trial, baseline: Baseline, visits: &[usize], variables: &[Variable]) -> Result<Option<Constraint>> {
    if baseline != Baseline::Constrained {
        return Ok(None);
    }
    let label = |t: usize| trial.schedule().labels()[t].to_string();
    let last = trial.schedule().baseline().and_then(|b| visits.iter().position(|&t| t == b));
    let Some(last) = last else {
        return Err(Error::invalid(
            "the baseline as part of the response with one mean for all arms",
            format!(
                "the baseline visit is not among the analysed visits ({})",
                visits.iter().map(|&t| label(t)).collect::<Vec<_>>().join(", ")
            ),
            "add the baseline visit to the visits",
        ));
    };
    Ok(variables.iter().position(|v| v.role == Role::Arm).map(|arm| Constraint { arm, baseline: last }))
}

fn nothing_left(model: &MeanModel, exclusions: &Exclusions) -> Error {
    let reasons: Vec<String> = exclusions.counts().into_iter().map(|(reason, n)| format!("{n}: {reason}")).collect();
    let why = if reasons.is_empty() {
        "no observed outcome at the visits of the analysis".into()
    } else {
        format!("all observations are excluded ({})", reasons.join("; "))
    };
    Error::invalid(format!("the analysis of `{}`", model.outcome), why, "check the outcome, the visits and the covariates")
}

/// The rows of patients × visits with everything the model needs of them.
struct Frame {
    visits: Vec<usize>,
    variables: Vec<Variable>,
    group: Option<Variable>,
    weights: Option<Vec<f64>>,
    y: Vec<f64>,
    /// Why each row is not analysed; `None` for those that are.
    excluded: Vec<Option<Reason>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reason {
    NotObserved,
    /// The first variable that is missing.
    Variable(usize),
    Group,
    Weight,
}

impl Frame {
    fn new(trial: &Trial, model: &MeanModel, options: &DesignOptions, outcome: &Outcome, visits: &[usize]) -> Result<Self> {
        let mut frame = Self {
            visits: visits.to_vec(),
            variables: variables::resolve(trial, model, outcome, visits)?,
            group: options.group.as_deref().map(|g| variables::patient_factor(trial, g)).transpose()?,
            weights: options.weights.as_deref().map(|w| variables::weights(trial, w, visits)).transpose()?,
            y: on_visits(&outcome.values, visits, trial.schedule().len()),
            excluded: vec![],
        };
        frame.excluded = (0..frame.y.len()).map(|row| frame.reason(row)).collect();
        Ok(frame)
    }

    fn reason(&self, row: usize) -> Option<Reason> {
        let visits = self.visits.len();
        let (i, t) = (row / visits, row % visits);
        if self.y[row].is_nan() {
            return Some(Reason::NotObserved);
        }
        if let Some(v) = self.variables.iter().position(|v| v.is_missing(i, t, visits)) {
            return Some(Reason::Variable(v));
        }
        if self.group.as_ref().is_some_and(|g| g.is_missing(i, t, visits)) {
            return Some(Reason::Group);
        }
        // Also true of a weight that is not a number.
        let positive = |w: f64| w > 0.0 && w.is_finite();
        if self.weights.as_ref().is_some_and(|w| !positive(w[row])) {
            return Some(Reason::Weight);
        }
        None
    }

    /// The analysed rows as patient and visit.
    fn rows(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let visits = self.visits.len().max(1);
        (0..self.excluded.len()).filter(|&row| self.excluded[row].is_none()).map(move |row| (row / visits, row % visits))
    }

    fn exclusions(&self, trial: &Trial) -> Exclusions {
        let visits = self.visits.len();
        let labels: Vec<String> = self.visits.iter().map(|&t| trial.schedule().visits()[t].label.clone()).collect();
        let mut found = Exclusions { randomized: trial.patients().len(), visits: labels, ..Exclusions::default() };
        if visits == 0 {
            return found;
        }
        for (patient, rows) in trial.patients().iter().zip(self.excluded.chunks_exact(visits)) {
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
        found
    }

    fn words(&self, reason: Reason) -> String {
        match reason {
            Reason::NotObserved => "the outcome was not observed".into(),
            Reason::Variable(v) => format!("`{}` is missing", self.variables[v].name),
            Reason::Group => format!("`{}`, which makes the covariance groups, is missing", self.group.as_ref().map_or("", |g| &g.name)),
            Reason::Weight => "the weight is missing or not positive".into(),
        }
    }

    /// Drops the levels without analysed rows; a sentence for each variable that loses some.
    fn drop_unused_levels(&mut self) -> Vec<String> {
        let visits = self.visits.len();
        let rows: Vec<(usize, usize)> = self.rows().collect();
        let mut sentences = vec![];
        for variable in self.variables.iter_mut().chain(&mut self.group) {
            let dropped = variable.drop_unused_levels(rows.iter().copied(), visits);
            let sentence = format!("no analysed observation has `{}` = {}: left out of its levels", variable.name, dropped.join(", "));
            if !dropped.is_empty() && !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        sentences
    }

    /// The arms nobody of which has an analysed observation at a visit.
    fn empty_cells(&self, trial: &Trial) -> Vec<String> {
        let arms = trial.arms().len();
        let mut n = vec![0; arms * self.visits.len()];
        self.rows().for_each(|(i, t)| n[trial.arm_of()[i] * self.visits.len() + t] += 1);
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

    fn into_design(
        self,
        trial: &Trial,
        model: &MeanModel,
        coded: Coded,
        constraint: Option<Constraint>,
        exclusions: Exclusions,
        warnings: Vec<String>,
    ) -> Design {
        let visits = self.visits.len();
        let mut patients: Vec<usize> = self.rows().map(|(i, _)| i).collect();
        patients.dedup();
        let (entries, products) = self.collapse(&coded.parts, constraint);
        let z = self.patient_values(&patients, &products);
        let row_of = |table: &[f64], blank: f64| -> Vec<f64> {
            let rows = patients.iter().flat_map(|&i| i * visits..(i + 1) * visits);
            rows.map(|row| if self.excluded[row].is_none() { table[row] } else { blank }).collect()
        };
        let y = row_of(&self.y, f64::NAN);
        let weights = self.weights.as_ref().map(|w| row_of(w, 1.0));
        let groups = self.group.as_ref().map_or(vec!["all".to_string()], |g| g.levels.clone());
        let group_of = patients.iter().map(|&i| self.group.as_ref().and_then(|g| g.level(i, 0, visits)).unwrap_or(0)).collect();
        let schedule = trial.schedule().visits();
        let mut design = Design {
            outcome: model.outcome.clone(),
            model: model.clone(),
            column_names: trial.column_names().clone(),
            visit_labels: self.visits.iter().map(|&t| schedule[t].label.clone()).collect(),
            visit_times: self.visits.iter().map(|&t| schedule[t].time).collect(),
            baseline_visit: trial.schedule().baseline().and_then(|b| self.visits.iter().position(|&t| t == b)),
            visits: self.visits,
            columns: coded.columns,
            parts: coded.parts,
            terms: coded.terms,
            values: products.len(),
            entries,
            patients,
            z,
            y,
            weights,
            group_of,
            groups,
            variables: self.variables,
            constraint,
            exclusions: Exclusions { outcome: model.outcome.clone(), ..exclusions },
            warnings,
            aliased: vec![],
        };
        design.aliased = estimability::aliased(&design);
        let sentences: Vec<String> = design.aliased.iter().map(|a| a.sentence(&design.columns)).collect();
        design.warnings.extend(sentences);
        design
    }

    /// D_t, and the entries of z as products of parts, with the visit where they change by visit.
    fn collapse(&self, columns: &[Parts], constraint: Option<Constraint>) -> (Vec<Vec<Entry>>, Vec<(Parts, Option<usize>)>) {
        let mut products: Vec<(Parts, Option<usize>)> = vec![];
        let mut index: HashMap<(Parts, Option<usize>), usize> = HashMap::new();
        let mut entries = vec![vec![]; self.visits.len()];
        for (t, entries) in entries.iter_mut().enumerate() {
            for (column, parts) in columns.iter().enumerate() {
                let (weight, mut product) = self.at_visit(parts, t, constraint);
                if weight == 0.0 {
                    continue;
                }
                product.sort_unstable();
                let by_visit = product.iter().any(|&(v, _)| self.variables[v].varies_by_visit());
                let key = (product, by_visit.then_some(t));
                let value = *index.entry(key.clone()).or_insert_with(|| {
                    products.push(key);
                    products.len() - 1
                });
                entries.push(Entry { column, value, weight });
            }
        }
        (entries, products)
    }

    /// A column at visit `t`: what depends on the visit alone as a weight, and the rest of the product.
    fn at_visit(&self, parts: &Parts, t: usize, constraint: Option<Constraint>) -> (f64, Parts) {
        let mut weight = 1.0;
        let mut rest = vec![];
        for &(v, part) in parts {
            let before_treatment = constraint.is_some_and(|c| c.arm == v && t <= c.baseline);
            weight *= match (&self.variables[v].values, part) {
                (Values::Visit, Part::Level(l)) => f64::from(u8::from(l == t)),
                (Values::Time(times), _) => times[t],
                (_, Part::Level(l)) if before_treatment => f64::from(u8::from(l == 0)),
                _ => {
                    rest.push((v, part));
                    1.0
                }
            };
        }
        (weight, rest)
    }

    fn patient_values(&self, patients: &[usize], products: &[(Parts, Option<usize>)]) -> Vec<f64> {
        let visits = self.visits.len();
        let value = |i: usize, (parts, visit): &(Parts, Option<usize>)| {
            let t = visit.unwrap_or(0);
            // A row that is not analysed may lack the covariate; nothing reads its value.
            if visit.is_some() && self.excluded[i * visits + t].is_some() {
                return 0.0;
            }
            let factor = |&(v, part): &(usize, Part)| match part {
                Part::Level(l) => f64::from(u8::from(self.variables[v].level(i, t, visits) == Some(l))),
                Part::Number => self.variables[v].number(i, t, visits),
            };
            parts.iter().map(factor).product()
        };
        let value = &value;
        patients.iter().flat_map(|&i| products.iter().map(move |p| value(i, p))).collect()
    }
}
