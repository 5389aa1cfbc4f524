//! Missing values replaced by their expectation under a strategy, given what was observed of the patient.

use super::Events;
use super::affected::{Affected, Use};
use super::own::Rule;
use super::plan::ReferenceBased;
use crate::design::Applied;
use crate::error::{Error, Result};
use crate::{Fit, Trial};
use nalgebra::DMatrix;

/// Everyone randomized, with what imputation needs of each that no fit changes.
#[derive(Debug)]
pub(super) struct Cohort {
    pub patients: Vec<Patient>,
    pub classes: Vec<Class>,
    /// The number of analysed visits.
    pub visits: usize,
    /// The number of columns of the mean.
    pub columns: usize,
    /// How values after an event are imputed: as the analysis says, then as events say themselves.
    pub rules: Vec<Rule>,
    pub events: Events,
}

/// A patient.
#[derive(Debug)]
pub(super) struct Patient {
    /// The position in the design of the fit; none for those without an analysed observation.
    pub in_fit: Option<usize>,
    pub arm: usize,
    pub class: usize,
    /// Rows of the model matrix at every visit in the own arm: T × p.
    pub own: DMatrix<f64>,
    /// The same in the reference arm, where they differ and something is imputed.
    pub reference: Option<DMatrix<f64>>,
    /// Outcomes as the events have them, NaN where they are imputed.
    pub outcomes: Vec<f64>,
    /// What imputed values are multiplied by.
    pub factor: Vec<f64>,
    /// What is added to them then.
    pub delta: Vec<f64>,
    /// What became of the value at each analysed visit, and the event that decided it.
    pub uses: Vec<(Use, Option<usize>)>,
}

/// What patients share who were observed at the same visits and have their event before the same one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Class {
    /// How values after the event are imputed, among the rules of the cohort.
    pub rule: usize,
    pub group: usize,
    pub reference_group: usize,
    /// The first analysed visit after the event; the number of visits where there is none.
    pub from: usize,
    /// Visits whose value is kept, and which missing ones are regressed on.
    pub observed: Vec<usize>,
    /// Those of them that inform the fit: not those after an event that is imputed otherwise than at random.
    pub informing: Vec<usize>,
    /// Visits whose value is imputed.
    pub missing: Vec<usize>,
}

/// What a fit makes of a class: the linear maps from both arms' means to the mean of a patient, and the regression of
/// missing on observed values.
#[derive(Debug)]
pub(super) struct Maps {
    pub own: DMatrix<f64>,
    pub reference: DMatrix<f64>,
    /// Σ_mo Σ_oo⁻¹.
    pub regression: DMatrix<f64>,
    /// Σ_mm − Σ_mo Σ_oo⁻¹ Σ_om.
    pub conditional: DMatrix<f64>,
}

impl Cohort {
    pub fn of(fit: &Fit, trial: &Trial, plan: &ReferenceBased) -> Result<Self> {
        let columns = fit.design().columns();
        let applied = columns.applied_to(trial)?;
        let events = match &plan.events {
            Some(events) => events.clone(),
            None => Events::dropout(trial, columns.outcome())?,
        };
        let rule = plan.rule();
        let affected = events.affected(trial, trial.outcome(columns.outcome())?, &rule)?;
        for group in fit.covariances() {
            rule.check(&group.sigma, &group.sigma)?;
        }
        let mut in_fit = vec![None; trial.patients().len()];
        fit.design().rows.patients.iter().enumerate().for_each(|(at, &patient)| in_fit[patient] = Some(at));
        let mut cohort = Self {
            patients: vec![],
            classes: vec![],
            visits: columns.visit_labels().len(),
            columns: columns.len(),
            rules: vec![rule],
            events,
        };
        for (patient, (in_fit, affected)) in in_fit.into_iter().zip(&affected).enumerate() {
            cohort.add(&applied, trial, plan, patient, in_fit, affected)?;
        }
        cohort.check_fitted(fit, trial)?;
        Ok(cohort)
    }

    fn add(
        &mut self,
        applied: &Applied<'_>,
        trial: &Trial,
        plan: &ReferenceBased,
        patient: usize,
        in_fit: Option<usize>,
        affected: &Affected,
    ) -> Result<()> {
        let arms = trial.arms();
        let arm = trial.arm_of()[patient];
        let reference = plan.reference_position(arm, arms);
        let scheduled = applied.columns().visits();
        let rule = self.rule_of(affected);
        let needs_reference = self.rules[rule].needs_reference();
        // Positions among the arms of the columns, which are those of the trial by name.
        let place = |arm: usize| {
            let known = applied.columns().arms();
            known.iter().position(|a| *a == arms[arm]).ok_or_else(|| Error::unknown("arm of the fitted model", &arms[arm], known))
        };
        let rows = |arm: usize| -> Result<DMatrix<f64>> {
            let mut rows = DMatrix::zeros(self.visits, self.columns);
            for t in 0..self.visits {
                let row = applied.row_under(patient, t, arm)?;
                rows.row_mut(t).copy_from_slice(&row);
            }
            Ok(rows)
        };
        let (own_place, reference_place) = (place(arm)?, place(reference)?);
        let own = rows(own_place)?;
        let uses: Vec<(Use, Option<usize>)> = scheduled.iter().map(|&v| (affected.uses[v], affected.decided_by[v])).collect();
        let outcomes = (0..self.visits).map(|t| match uses[t].0 {
            Use::Observed => Ok(applied.outcome(patient, t)?.unwrap_or(f64::NAN)),
            Use::Replaced(value) => Ok(value),
            Use::Missing | Use::SetAside => Ok(f64::NAN),
        });
        let outcomes = outcomes.collect::<Result<Vec<f64>>>()?;
        let from = scheduled.iter().filter(|&&v| v < affected.from).count();
        let at = |of: &dyn Fn(usize) -> bool| (0..self.visits).filter(|&t| of(t)).collect::<Vec<usize>>();
        let class = Class {
            rule,
            group: applied.group_under(patient, own_place)?,
            reference_group: applied.group_under(patient, if needs_reference { reference_place } else { own_place })?,
            from,
            observed: at(&|t| uses[t].0 == Use::Observed),
            informing: at(&|t| affected.informs[scheduled[t]]),
            missing: at(&|t| matches!(uses[t].0, Use::Missing | Use::SetAside)),
        };
        let is_own = reference == arm || !needs_reference || class.missing.is_empty();
        let reference = if is_own { None } else { Some(rows(reference_place)?) };
        let (factor, delta) = match &plan.delta {
            Some(delta) => delta.factors_and_amounts(&arms[arm], from),
            None => (vec![1.0; self.visits], vec![0.0; self.visits]),
        };
        let at = self.classes.iter().position(|known| *known == class).unwrap_or_else(|| {
            self.classes.push(class);
            self.classes.len() - 1
        });
        self.patients.push(Patient { in_fit, arm, class: at, own, reference, outcomes, factor, delta, uses });
        Ok(())
    }

    /// The rule of a patient, which is made where no patient before had it.
    fn rule_of(&mut self, affected: &Affected) -> usize {
        let Some(strategy) = affected.imputation else { return 0 };
        let rule = Rule::Named(strategy);
        self.rules.iter().position(|known| *known == rule).unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        })
    }

    /// Refuses a fit of values that the events do not leave to it.
    fn check_fitted(&self, fit: &Fit, trial: &Trial) -> Result<()> {
        let y = &fit.design().rows.y;
        for (i, patient) in self.patients.iter().enumerate() {
            let (Some(at), class) = (patient.in_fit, &self.classes[patient.class]) else { continue };
            let stranger = (0..self.visits).find(|&t| !y[at * self.visits + t].is_nan() && !class.informing.contains(&t));
            let changed = class.informing.iter().find(|&&t| {
                let fitted = y[at * self.visits + t];
                !fitted.is_nan() && fitted != patient.outcomes[t]
            });
            if let Some(&t) = stranger.as_ref().or(changed) {
                let visit = &fit.design().visit_labels()[t];
                return Err(Error::conflict(
                    "imputation by this fit",
                    format!(
                        "the fit has seen the value of patient `{}` at {visit}, which the intercurrent events keep from it",
                        trial.patients()[i]
                    ),
                    "fit the model to `ReferenceBased::informing`, or let `Model::reference_based` do it",
                ));
            }
        }
        Ok(())
    }

    /// The maps of every class under these covariances, one per group.
    pub fn maps(&self, sigmas: &[DMatrix<f64>]) -> Option<Vec<Maps>> {
        self.classes.iter().map(|class| self.maps_of(class, sigmas)).collect()
    }

    fn maps_of(&self, class: &Class, sigmas: &[DMatrix<f64>]) -> Option<Maps> {
        let rule = &self.rules[class.rule];
        let imputing = rule.imputing(&sigmas[class.group], &sigmas[class.reference_group], class.from)?;
        let (own, reference, sigma) = (imputing.own, imputing.reference, imputing.covariance);
        let part = |rows: &[usize], columns: &[usize]| DMatrix::from_fn(rows.len(), columns.len(), |i, j| sigma[(rows[i], columns[j])]);
        let between = part(&class.missing, &class.observed);
        let regression = match class.observed.is_empty() {
            true => DMatrix::zeros(class.missing.len(), 0),
            false => part(&class.observed, &class.observed).cholesky()?.solve(&between.transpose()).transpose(),
        };
        let conditional = part(&class.missing, &class.missing) - &regression * between.transpose();
        Some(Maps { own, reference, regression, conditional })
    }

    /// Whether an event replaces values.
    pub fn replaces(&self) -> bool {
        self.patients.iter().any(|patient| patient.uses.iter().any(|(used, _)| matches!(used, Use::Replaced(_))))
    }

    /// What events did to values, a sentence each.
    pub fn event_notes(&self) -> Vec<String> {
        let sentence = |(at, kind): (usize, &super::Event)| {
            let count = |of: &dyn Fn(&Use) -> bool| {
                let own = |p: &&Patient| p.uses.iter().filter(|(used, by)| *by == Some(at) && of(used)).count();
                self.patients.iter().map(|p| own(&p)).sum::<usize>()
            };
            let (kept, aside) = (count(&|u| *u == Use::Observed), count(&|u| *u == Use::SetAside));
            let replaced = count(&|u| matches!(u, Use::Replaced(_)));
            let imputation = match kind.imputation {
                Some(strategy) => format!("; missing values after it {}", strategy.words()),
                None => String::new(),
            };
            let numbers = [(kept, "kept"), (aside, "set aside and imputed"), (replaced, "replaced")];
            let counted: Vec<String> = numbers.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
            (!counted.is_empty() || kind.imputation.is_some()).then(|| {
                let counted = if counted.is_empty() { "none observed".into() } else { counted.join(", ") };
                format!("Values after the event `{}` ({}): {counted}{imputation}.", kind.name, kind.strategy.words())
            })
        };
        let of_kinds = self.events.kinds().iter().enumerate().filter_map(sentence);
        of_kinds.chain(self.events.notes()).collect()
    }

    /// The outcomes of everyone with missing ones replaced by their expectation, patient by patient: n × T.
    pub fn completed(&self, beta: &[f64], maps: &[Maps]) -> Vec<f64> {
        self.completed_of(0..self.patients.len(), beta, maps, None)
    }
}

impl Patient {
    /// An imputed value with what delta makes of it.
    pub fn imputed(&self, visit: usize, value: f64) -> f64 {
        value * self.factor[visit] + self.delta[visit]
    }

    /// The rows by which the patient's mean under the strategy depends on β: T × p.
    pub fn rows(&self, maps: &Maps) -> DMatrix<f64> {
        &maps.own * &self.own + &maps.reference * self.in_reference()
    }

    /// Rows of the model matrix in the reference arm.
    pub fn in_reference(&self) -> &DMatrix<f64> {
        self.reference.as_ref().unwrap_or(&self.own)
    }
}
