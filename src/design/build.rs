//! From trial and mean model to [`Design`].

use super::coding::{self, Constraint};
use super::frame::Frame;
use super::random_checks::check_identified;
use super::*;
use crate::error::{Message, Setting};
use crate::trial::{Role, Trial, Variable};

/// What a design needs beyond the mean model.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesignOptions {
    /// Labels of the visits to analyse; all of the schedule that the treatment of the baseline leaves, when `None`.
    pub visits: Option<Vec<String>>,
    /// A factor fixed within patients (the arm, a covariate, a cluster) whose levels each have a covariance of their
    /// own.
    pub group: Option<String>,
    /// A numeric covariate with observation weights: the residual variance is proportional to 1/weight.
    pub weights: Option<String>,
    /// Random effects of clusters and patients.
    #[serde(default)]
    pub random: Vec<RandomEffects>,
}

impl Design {
    /// The design of `model` for `trial`: who is analysed, at which visits, and the model matrix.
    ///
    /// Observations without a covariate, group or positive weight are excluded and [listed](Design::exclusions).
    /// Factor levels and visits without any analysed observation are left out and [named](Design::warnings); columns
    /// that the others determine are [found](Design::aliased).
    ///
    /// # Errors
    /// [`Error::Unknown`] for names that the trial does not have; [`Error::Invalid`] for a treatment of the baseline
    /// that does not go with the schedule or formula, for times or groups that do not exist, and when nothing is left
    /// to analyse; [`Error::NotEstimable`] for a variance of random effects that no outcome could determine, such as
    /// that of a factor with one level.
    pub fn build(trial: &Trial, model: &MeanModel, options: &DesignOptions) -> Result<Design> {
        Self::built(trial, model, options, true)
    }

    /// The same for an outcome that need not be normal.
    pub(crate) fn build_of_any_family(trial: &Trial, model: &MeanModel, options: &DesignOptions) -> Result<Design> {
        Self::built(trial, model, options, false)
    }

    fn built(trial: &Trial, model: &MeanModel, options: &DesignOptions, is_normal: bool) -> Result<Design> {
        model.must_have_outcome()?;
        let outcome = trial.outcome(&model.outcome)?;
        check_baseline(trial, model)?;
        let mut visits = analysed_visits(trial, model.baseline_role(), options)?;
        let mut frame = Frame::new(trial, model, options, outcome, &visits)?;
        frame.check_arms(trial)?;
        let exclusions = frame.exclusions(trial);
        let mut warnings = frame.ambiguities(trial, model, options, outcome);
        let seen: Vec<bool> = (0..visits.len()).map(|t| frame.rows().any(|(_, visit)| visit == t)).collect();
        if seen.contains(&false) {
            let labels = trial.schedule().labels();
            let unseen: Vec<Labelled> = (0..visits.len()).filter(|&t| !seen[t]).map(|t| Labelled::among(&labels, visits[t])).collect();
            warnings.push(unseen_sentence(&unseen, &visits));
            visits = visits.iter().zip(&seen).filter(|(_, s)| **s).map(|(&t, _)| t).collect();
            frame = Frame { unseen_visits: unseen, ..Frame::new(trial, model, options, outcome, &visits)? };
        }
        if visits.is_empty() {
            return Err(nothing_left(model, &exclusions));
        }
        frame.settle_functions()?;
        warnings.extend(frame.drop_unused_levels());
        warnings.extend(frame.settle_random_terms());
        warnings.extend(frame.of_levels(trial));
        warnings.extend(frame.empty_cells(trial, &frame.arm_counts(trial)));
        warnings.extend(frame.constant_covariates(trial));
        warnings.extend(frame.binary_outcome(outcome).filter(|_| is_normal));
        let mut design = frame.into_design(trial, model, options, exclusions, warnings)?;
        if !is_normal {
            // The offset is part of the linear predictor, and nothing is taken from the outcome.
            design = design.with_outcomes_as_observed(outcome, trial.schedule().len());
        }
        let gram = ScaledGram::of_rows(&design.columns, &design.rows);
        Arc::make_mut(&mut design.account).decide_aliased(&design.columns, gram);
        Ok(design)
    }
}

/// That visits have nothing to analyse, for the warnings; `planned` are all visits of the analysis.
pub(super) fn unseen_sentence(unseen: &[Labelled], planned: &[usize]) -> String {
    let labels: Vec<&str> = unseen.iter().map(Labelled::as_str).collect();
    let is_seen = |t: &&usize| !unseen.iter().any(|visit| visit.index == **t);
    let seen: Vec<usize> = planned.iter().filter(is_seen).copied().collect();
    let between = |visit: &Labelled| seen.first().is_some_and(|t| *t < visit.index) && seen.last().is_some_and(|t| *t > visit.index);
    let steps = if unseen.iter().any(between) { "; distances between visits are those of the schedule, in which it stays" } else { "" };
    format!("no analysed observation at {}: left out of the visits{steps}", labels.join(", "))
}

/// A model matrix wider than this is a mistake (an identifier used as a factor, a product of many factors) and would
/// fill the memory.
const MOST_COLUMNS: f64 = 4000.0;

fn check_size(model: &MeanModel, variables: &[Variable]) -> Result<()> {
    let levels = |v: &usize| if variables[*v].is_factor() { variables[*v].levels().len() as f64 } else { 1.0 };
    let (widest, columns) = model
        .terms
        .iter()
        .map(|term| (term, term.iter().map(levels).product::<f64>()))
        .fold((None, 0.0), |(widest, most), (term, n)| if n > most { (Some(term), n) } else { (widest, most) });
    match widest {
        Some(term) if columns > MOST_COLUMNS => {
            let names: Vec<&str> = term.iter().map(|&v| variables[v].name()).collect();
            Err(Error::too_large(
                format!("the term `{}`", names.join(":")),
                format!("it has {columns:.0} combinations of levels, more than {MOST_COLUMNS}"),
                "leave it out; if it is meant as a number, correct the values that are none",
            ))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_baseline(trial: &Trial, model: &MeanModel) -> Result<()> {
    let in_formula = model.columns().contains(&"baseline");
    let (why, remedy) = match model.baseline_role() {
        Baseline::Covariate if !in_formula => ("`baseline` is not in the formula", "add `baseline +` to the formula".into()),
        Baseline::Constrained if trial.schedule().baseline().is_none() => {
            ("the schedule has no baseline visit", Message::from("declare it with ").setting(Setting::BaselineVisit))
        }
        Baseline::Constrained | Baseline::Response if in_formula && trial.covariate("baseline").is_err() => {
            ("the same values would be outcome and covariate", "leave `baseline` out of the formula, or make it a covariate".into())
        }
        _ => return Ok(()),
    };
    Err(Error::conflict(format!("the baseline as {} in `{model}`", model.baseline_role()), why, remedy))
}

/// Positions of the analysed visits in the schedule, in its order.
pub(super) fn analysed_visits(trial: &Trial, baseline: Baseline, options: &DesignOptions) -> Result<Vec<usize>> {
    let schedule = trial.schedule();
    let before = schedule.baseline().filter(|_| baseline == Baseline::Covariate);
    let Some(labels) = &options.visits else {
        return Ok((0..schedule.len()).filter(|&t| Some(t) != before).collect());
    };
    let mut visits = labels.iter().map(|l| schedule.index_of(l)).collect::<Result<Vec<usize>>>()?;
    visits.sort_unstable();
    visits.dedup();
    match before {
        Some(t) if visits.contains(&t) => Err(Error::conflict(
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
        return Err(Error::conflict(
            "the baseline as part of the response with one mean for all arms",
            format!(
                "the baseline visit is not among the analysed visits ({})",
                visits.iter().map(|&t| label(t)).collect::<Vec<_>>().join(", ")
            ),
            "add the baseline visit to the visits",
        ));
    };
    Ok(variables.iter().position(|v| v.role() == Role::Arm).map(|arm| Constraint { arm, baseline: last }))
}

pub(super) fn nothing_left(model: &MeanModel, exclusions: &Exclusions) -> Error {
    let reasons: Vec<String> = exclusions.counts().into_iter().map(|(reason, n)| format!("{n}: {reason}")).collect();
    let why = if reasons.is_empty() {
        "no observed outcome at the visits of the analysis".into()
    } else {
        format!("all observations are excluded ({})", reasons.join("; "))
    };
    Error::no_data(format!("the analysis of `{}`", model.outcome), why, "check the outcome, the visits and the covariates")
}

impl Frame {
    /// The design, once levels and visits are decided; what is aliased is not looked at yet.
    pub fn into_design(
        self,
        trial: &Trial,
        model: &MeanModel,
        options: &DesignOptions,
        exclusions: Exclusions,
        warnings: Vec<String>,
    ) -> Result<Design> {
        let columns = self.columns(trial, model, options)?;
        let rows = self.rows_of(&columns);
        check_identified(&rows.random)?;
        let tally = Tally::of(&columns, &rows, exclusions.randomized);
        let exclusions = Exclusions { outcome: model.outcome.clone(), ..exclusions };
        Ok(Design { columns: Arc::new(columns), rows: Arc::new(rows), account: Account::new(exclusions, warnings, tally).into() })
    }

    /// What the coefficients mean, once levels and visits are decided.
    pub fn columns(&self, trial: &Trial, model: &MeanModel, options: &DesignOptions) -> Result<Columns> {
        let constraint = constraint(trial, model.baseline_role(), &self.visits, &self.known.variables)?;
        check_size(model, &self.known.variables)?;
        let coded = coding::columns(model, &self.known.variables, &self.known.functions, constraint);
        let (entries, products) = self.collapse(&coded.parts, constraint);
        let schedule = trial.schedule().visits();
        Ok(Columns {
            outcome: model.analysed_outcome(),
            model: model.clone(),
            options: options.clone(),
            column_names: trial.column_names().clone(),
            arms: trial.arms().to_vec(),
            groups: self.known.group.as_ref().map_or(vec!["all".to_string()], |g| g.levels().to_vec()),
            visit_labels: self.visits.iter().map(|&t| schedule[t].label.clone()).collect(),
            visit_times: self.visits.iter().map(|&t| schedule[t].time).collect(),
            baseline_visit: trial.schedule().baseline().and_then(|b| self.visits.iter().position(|&t| t == b)),
            visits: self.visits.clone(),
            unseen_visits: self.unseen_visits.clone(),
            variables: self.known.variables.iter().map(|v| v.header().clone()).collect(),
            functions: self.known.functions.clone(),
            constraint,
            terms: coded.terms,
            list: coded.columns,
            parts: coded.parts,
            values: products.len(),
            products,
            entries,
        })
    }

    /// The analysed patients.
    fn rows_of(self, columns: &Columns) -> Rows {
        let visits = self.visits.len();
        let patients = self.analysed_patients();
        let row_of = |table: &[f64], blank: f64| -> Vec<f64> {
            let mut own = Vec::with_capacity(patients.len() * visits);
            for rows in patients.iter().map(|&i| i * visits..(i + 1) * visits) {
                let values = self.excluded[rows.clone()].iter().zip(&table[rows]);
                own.extend(values.map(|(reason, &value)| if reason.is_none() { value } else { blank }));
            }
            own
        };
        let known = self.known;
        let analysed = |i: usize| {
            let excluded = &self.excluded;
            move |t: usize| excluded[i * visits + t].is_none()
        };
        let mut z = Vec::with_capacity(patients.len() * columns.values);
        patients.iter().for_each(|&i| z.extend(known.values(i, &columns.products, analysed(i))));
        Rows {
            width: columns.values,
            z,
            y: row_of(&self.y, f64::NAN),
            weights: known.weights.as_ref().map(|w| row_of(w, 1.0)),
            group_of: patients.iter().map(|&i| known.group_of(i)).collect(),
            arm_of: patients.iter().map(|&i| known.arm_of[i]).collect(),
            random: known
                .random
                .iter()
                .map(|random| random.term(&patients, |at, t| self.excluded[patients[at] * visits + t].is_none()))
                .collect(),
            clusters: None,
            known: Arc::new(known),
            patients,
        }
    }
}
