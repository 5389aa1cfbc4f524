//! The closed forms for one difference in a trial whose design is known beforehand, from sums over classes of patients.
//!
//! The formulas are those of the [closed form](super::closed_form). With rows x_it = D_t z_i everything is linear in z_i and in the outcomes,
//! so that patients who were observed at the same visits and have their event before the same one enter by sums weighed with their
//! weights c_i in the difference: Σc², Σc z in the own arm and in the reference arm, Σc y. And with g_i = c_i b + V⁻¹X_iΦs, b the same for
//! all of a class and s the slope in β, Σ_i g_i'Vg_i is Σ c² b'Vb + 2 Σ c b'X_iΦs + s'Φs. Where delta multiplies imputed values, c_i
//! is multiplied in their stead; what it adds is a constant. The information-anchored variance asks for the values of patients and
//! is in [`anchored`](super::anchored).

use super::affected::{Affected, Use};
use super::ancova::Ancova;
use super::completion::Class;
use super::own::Rule;
use super::plan::{ReferenceBased, Variance};
use super::pooled::PooledRow;
use super::pooling::Scalar;
use super::{Events, Strategy, anchored};
use crate::design::{Columns, Design, Known};
use crate::inference::MomentsFit;
use crate::trial::Trial;
use nalgebra::{DMatrix, DVector};
use std::borrow::Cow;

/// A patient as imputation at one visit sees them.
pub(super) struct Placed<'k> {
    /// The position among the patients.
    pub patient: usize,
    pub class: Class,
    pub strategy: Strategy,
    /// What becomes of the value at the visit.
    pub used: Use,
    /// What the value is multiplied by, where it is imputed, and what is added then.
    pub factor: f64,
    pub amount: f64,
    /// What is known in the arm that values after the event are taken from.
    pub reference: &'k Known,
}

/// How a value is imputed at a visit in a class.
pub(super) struct Imputing {
    /// The weights of the observed values: the regression on them.
    pub weights: DVector<f64>,
    /// How the value depends on the means of both arms, visit by visit.
    pub own: Vec<f64>,
    pub reference: Vec<f64>,
}

/// What patients of a class add up to, each weighed by c.
struct Sums {
    class: Class,
    strategy: Strategy,
    squares: f64,
    /// What delta adds.
    added: f64,
    /// z in the own arm.
    own: DVector<f64>,
    /// z in the reference arm; the own one where nothing is taken from there.
    reference: DVector<f64>,
    /// Outcomes at the observed visits.
    observed: DVector<f64>,
}

/// What a class adds to the estimate and its variance.
struct Part {
    estimate: f64,
    /// How the estimate depends on β.
    slope: DVector<f64>,
    /// How it depends on the covariance parameters.
    in_theta: DVector<f64>,
    /// The weights of the observed values in what counts at the visit: one of them, or the regression on all.
    weights: DVector<f64>,
}

/// The difference of an arm from the first at an analysed visit in completed data, with its standard error by the delta method or
/// anchored to the information: that of [`Fit::reference_based`](crate::Fit::reference_based) to rounding. `fit` is of `design`, which
/// has the values that inform imputation, and `trial` the outcomes to be completed. `None` where the closed forms need more than
/// sums.
pub(crate) fn difference_near(
    trial: &Trial,
    design: &Design,
    fit: &MomentsFit,
    plan: &ReferenceBased,
    (arm, visit): (usize, usize),
) -> Option<PooledRow> {
    let columns = &*design.columns;
    let arms = trial.arms();
    let is_plain = design.random().is_empty() && columns.response().is_none() && !columns.are_weighted();
    let is_asked = arm > 0 && Some(visit) != columns.baseline_visit() && columns.arms() == arms;
    let none_alone = (0..arms.len()).all(|arm| trial.arm_of().iter().filter(|own| **own == arm).count() > 1);
    if !(plan.own.is_none() && is_plain && is_asked && none_alone && fit.optimum().sigmas.are_shared()) {
        return None;
    }
    plan.check(arms, columns.visit_labels()).ok()?;
    let ancova = Ancova::of(trial, plan, columns.outcome()).ok()?;
    let (estimate, se) = match plan.variance {
        Variance::DeltaMethod => by_delta_method(trial, design, fit, plan, &weights(&ancova, arm)?, visit)?,
        Variance::InformationAnchored => anchored::difference(trial, design, fit, plan, &ancova, (arm, visit))?,
        Variance::Jackknife => return None,
    };
    (estimate.is_finite() && se.is_finite()).then(|| PooledRow::of("", &Scalar::normal(estimate, se), plan.level))
}

/// A difference with these weights of the patients, and its standard error.
fn by_delta_method(
    trial: &Trial,
    design: &Design,
    fit: &MomentsFit,
    plan: &ReferenceBased,
    weights: &DVector<f64>,
    visit: usize,
) -> Option<(f64, f64)> {
    let columns = &*design.columns;
    let sums = sums(trial, design, plan, weights, visit)?;
    let phi = fit.model_based_vcov();
    let theta = Slopes::of(fit);
    let parts = sums.iter().map(|sums| sums.part(columns, fit, &theta, visit)).collect::<Option<Vec<Part>>>()?;
    let slope = parts.iter().fold(DVector::zeros(columns.len()), |slope, part| slope + &part.slope);
    let in_theta = parts.iter().fold(DVector::zeros(theta.number()), |slope, part| slope + &part.in_theta);
    let through_beta = &phi * &slope;
    let mut variance = slope.dot(&through_beta) + in_theta.dot(&(fit.covariance_parameters_vcov() * &in_theta));
    for (sums, part) in sums.iter().zip(&parts) {
        variance += sums.variance(columns, &fit.covariances()[sums.class.group].sigma, &part.weights, &through_beta)?;
    }
    Some((parts.iter().map(|part| part.estimate).sum::<f64>(), variance.sqrt()))
}

/// The weight of each patient's value in the difference of an arm from the first.
pub(super) fn weights(ancova: &Ancova, arm: usize) -> Option<DVector<f64>> {
    let solved = ancova.solved(None)?;
    let means = solved.means();
    Some(&ancova.matrix * solved.gram.solve(&(&means[arm] - &means[0])))
}

/// Every patient in turn; `None` where one of them needs more than their class, or `take` says so.
pub(super) fn each(
    trial: &Trial,
    design: &Design,
    plan: &ReferenceBased,
    visit: usize,
    mut take: impl FnMut(Placed<'_>) -> Option<()>,
) -> Option<()> {
    let (columns, known, arms) = (&*design.columns, &*design.rows.known, trial.arms());
    let outcome = trial.outcome(columns.outcome()).ok()?;
    let events = match &plan.events {
        Some(events) => Cow::Borrowed(events),
        None => Cow::Owned(Events::dropout(trial, columns.outcome()).ok()?),
    };
    let affected = events.affected(trial, outcome, &Rule::Named(plan.strategy)).ok()?;
    let mut in_reference: Vec<Option<Known>> = vec![None; arms.len()];
    let mut strategies: Vec<Strategy> = vec![];
    for (patient, affected) in affected.iter().enumerate() {
        if known.lack(patient, 0).is_some() {
            return None;
        }
        let strategy = affected.imputation.unwrap_or(plan.strategy);
        let rule = strategies.iter().position(|own| *own == strategy).unwrap_or_else(|| {
            strategies.push(strategy);
            strategies.len() - 1
        });
        let (class, arm) = (class_of(columns, affected, rule, known.group_of(patient)), trial.arm_of()[patient]);
        let reference = plan.reference_position(arm, arms);
        let from_reference = strategy.needs_reference() && reference != arm && !class.missing.is_empty();
        // Where the arms differ in covariance the completed values have a covariance of their own.
        if from_reference && known.group.as_ref().is_some_and(|group| group.role() == crate::trial::Role::Arm) {
            return None;
        }
        if from_reference && in_reference[reference].is_none() {
            in_reference[reference] = Some(known.under_arm(&arms[reference])?);
        }
        let reference = if from_reference { in_reference[reference].as_ref()? } else { known };
        let (factor, amount) = match plan.delta.as_ref().filter(|_| class.missing.contains(&visit)) {
            Some(delta) => {
                let (factors, amounts) = delta.factors_and_amounts(&arms[arm], class.from);
                (factors[visit], amounts[visit])
            }
            None => (1.0, 0.0),
        };
        let used = affected.uses[columns.visits()[visit]];
        take(Placed { patient, class, strategy, used, factor, amount, reference })?;
    }
    Some(())
}

fn sums(trial: &Trial, design: &Design, plan: &ReferenceBased, weights: &DVector<f64>, visit: usize) -> Option<Vec<Sums>> {
    let (columns, known) = (&*design.columns, &*design.rows.known);
    let outcome = trial.outcome(columns.outcome()).ok()?;
    let scheduled = trial.schedule().len();
    let mut all: Vec<Sums> = vec![];
    each(trial, design, plan, visit, |placed| {
        let Placed { patient, class, strategy, factor, amount, reference, .. } = placed;
        // The model does not know the distribution of values that replace others, at whatever visit.
        if class.observed.len() + class.missing.len() < columns.visits().len() {
            return None;
        }
        let weight = weights[patient] * factor;
        let at = all.iter().position(|sums| sums.class == class).unwrap_or_else(|| {
            all.push(Sums::zero(class, strategy, columns.values));
            all.len() - 1
        });
        let sums = &mut all[at];
        sums.squares += weight * weight;
        sums.added += weights[patient] * amount;
        let add = |to: &mut DVector<f64>, known: &Known| {
            to.iter_mut().zip(known.values(patient, &columns.products, |_| true)).for_each(|(sum, z)| *sum += weight * z);
        };
        add(&mut sums.own, known);
        add(&mut sums.reference, reference);
        for (sum, &t) in sums.observed.iter_mut().zip(&sums.class.observed) {
            *sum += weight * outcome.values[patient * scheduled + columns.visits()[t]];
        }
        Some(())
    })?;
    Some(all)
}

fn class_of(columns: &Columns, affected: &Affected, rule: usize, group: usize) -> Class {
    let scheduled = columns.visits();
    let at = |is: &dyn Fn(usize) -> bool| (0..scheduled.len()).filter(|&t| is(scheduled[t])).collect::<Vec<usize>>();
    Class {
        rule,
        group,
        reference_group: group,
        from: scheduled.iter().filter(|&&v| v < affected.from).count(),
        observed: at(&|v| affected.uses[v] == Use::Observed),
        informing: at(&|v| affected.informs[v]),
        missing: at(&|v| matches!(affected.uses[v], Use::Missing | Use::SetAside)),
    }
}

/// Σ of every group at covariance parameters a little above and below, by parameter: central differences, as the closed form
/// takes them.
struct Slopes(Vec<Vec<DMatrix<f64>>>);

impl Slopes {
    fn of(fit: &MomentsFit) -> Self {
        let theta: Vec<f64> = fit.covariance_parameters().into_iter().map(|(_, value)| value).collect();
        let of = |parameter: usize| {
            let step = 1e-5 * theta[parameter].abs().max(1e-3);
            let at = |sign: f64| {
                let mut moved = theta.clone();
                moved[parameter] += sign * step;
                fit.covariances_at(&moved)
            };
            at(1.0).into_iter().zip(at(-1.0)).map(|(above, below)| (above - below) / (2.0 * step)).collect()
        };
        Self((0..theta.len()).map(of).collect())
    }

    fn number(&self) -> usize {
        self.0.len()
    }
}

/// Some rows and columns of a matrix.
fn part(rows: &[usize], at: &[usize], of: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(rows.len(), at.len(), |i, j| of[(rows[i], at[j])])
}

impl Imputing {
    /// At a visit that is missing in the class, under its covariance.
    pub fn of(class: &Class, strategy: Strategy, sigma: &DMatrix<f64>, visits: usize, visit: usize) -> Option<Self> {
        let o = &class.observed;
        let weights = match o.is_empty() {
            true => DVector::zeros(0),
            false => part(o, o, sigma).cholesky()?.solve(&DVector::from_fn(o.len(), |k, _| sigma[(visit, o[k])])),
        };
        let (own, reference) = strategy.mean(visits, class.from);
        let kept = |map: &DMatrix<f64>| -> Vec<f64> {
            (0..visits).map(|t| map[(visit, t)] - (0..o.len()).map(|k| weights[k] * map[(o[k], t)]).sum::<f64>()).collect()
        };
        let (own, reference) = (kept(&own), kept(&reference));
        Some(Self { weights, own, reference })
    }

    /// The variance of the value given those observed.
    pub fn conditional(&self, class: &Class, sigma: &DMatrix<f64>, visit: usize) -> f64 {
        sigma[(visit, visit)] - class.observed.iter().zip(self.weights.iter()).map(|(&o, weight)| weight * sigma[(visit, o)]).sum::<f64>()
    }
}

/// D_t z contracted with a vector over the columns.
fn along(columns: &Columns, visit: usize, z: &DVector<f64>, with: impl Fn(usize) -> f64) -> f64 {
    columns.entries[visit].iter().map(|entry| entry.weight * z[entry.value] * with(entry.column)).sum()
}

impl Sums {
    fn zero(class: Class, strategy: Strategy, values: usize) -> Self {
        let observed = DVector::zeros(class.observed.len());
        Self { class, strategy, squares: 0.0, added: 0.0, own: DVector::zeros(values), reference: DVector::zeros(values), observed }
    }

    fn part(&self, columns: &Columns, fit: &MomentsFit, theta: &Slopes, visit: usize) -> Option<Part> {
        let (class, visits) = (&self.class, columns.visits().len());
        let nothing = || (DVector::zeros(columns.len()), DVector::zeros(theta.number()));
        if let Some(at) = class.observed.iter().position(|&t| t == visit) {
            let weights = DVector::from_fn(class.observed.len(), |o, _| f64::from(u8::from(o == at)));
            let (slope, in_theta) = nothing();
            return Some(Part { estimate: self.observed[at], slope, in_theta, weights });
        }
        let (beta, sigma, o) = (fit.beta(), &fit.covariances()[class.group].sigma, &class.observed);
        let imputing = Imputing::of(class, self.strategy, sigma, visits, visit)?;
        let (own_map, reference_map) = self.strategy.mean(visits, class.from);
        let mean_in = |z: &DVector<f64>| DVector::from_fn(visits, |t, _| along(columns, t, z, |column| beta[column]));
        let mean = &own_map * mean_in(&self.own) + &reference_map * mean_in(&self.reference);
        let left = DVector::from_fn(o.len(), |k, _| self.observed[k] - mean[o[k]]);
        let solved = match o.is_empty() {
            true => DVector::zeros(0),
            false => part(o, o, sigma).cholesky()?.solve(&left),
        };
        let weights = imputing.weights;
        let estimate = mean[visit] + weights.dot(&left) + self.added;
        let (mut slope, mut in_theta) = nothing();
        for (kept, z) in [(&imputing.own, &self.own), (&imputing.reference, &self.reference)] {
            for (t, kept) in kept.iter().enumerate().filter(|(_, kept)| **kept != 0.0) {
                columns.entries[t].iter().for_each(|entry| slope[entry.column] += kept * entry.weight * z[entry.value]);
            }
        }
        for (slope, moved) in in_theta.iter_mut().zip(&theta.0) {
            let moved = &moved[class.group];
            *slope = (0..o.len())
                .map(|k| (moved[(visit, o[k])] - (0..o.len()).map(|j| weights[j] * moved[(o[j], o[k])]).sum::<f64>()) * solved[k])
                .sum();
        }
        Some(Part { estimate, slope, in_theta, weights })
    }

    /// Σ c² b'Vb + 2 Σ c b'X_iΦs.
    fn variance(&self, columns: &Columns, sigma: &DMatrix<f64>, weights: &DVector<f64>, through_beta: &DVector<f64>) -> Option<f64> {
        let o = &self.class.observed;
        let v = |rows: &[usize], at: &[usize]| DMatrix::from_fn(rows.len(), at.len(), |i, j| sigma[(rows[i], at[j])]);
        let of_outcomes = self.squares * weights.dot(&(v(o, o) * weights));
        let fitted = &self.class.informing;
        if fitted.is_empty() {
            return Some(of_outcomes);
        }
        let rows = DVector::from_fn(fitted.len(), |k, _| along(columns, fitted[k], &self.own, |column| through_beta[column]));
        let crossed = v(fitted, fitted).cholesky()?.solve(&(v(fitted, o) * weights));
        Some(of_outcomes + 2.0 * crossed.dot(&rows))
    }
}
