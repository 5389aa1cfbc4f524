//! The closed form for one difference in a trial whose design is known beforehand, from sums over classes of patients.
//!
//! The formulas are those of the [closed form](super::closed_form). With rows x_it = D_t z_i everything is linear in z_i and in the outcomes,
//! so that patients who were observed at the same visits and have their event before the same one enter by sums weighed with their
//! weights c_i in the difference: Σc², Σc z in the own arm and in the reference arm, Σc y. And with g_i = c_i b + V⁻¹X_iΦs, b the same for
//! all of a class and s the slope in β, Σ_i g_i'Vg_i is Σ c² b'Vb + 2 Σ c b'X_iΦs + s'Φs.

use super::affected::{Affected, Use};
use super::ancova::Ancova;
use super::completion::Class;
use super::own::Rule;
use super::plan::{ReferenceBased, Variance};
use super::pooled::PooledRow;
use super::pooling::Scalar;
use super::{Events, Strategy};
use crate::design::{Columns, Design};
use crate::inference::MomentsFit;
use crate::trial::Trial;
use nalgebra::{DMatrix, DVector};
use std::borrow::Cow;

/// What patients of a class add up to, each weighed by c.
struct Sums {
    class: Class,
    strategy: Strategy,
    squares: f64,
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

/// The difference of an arm from the first at an analysed visit in completed data, with its standard error by the delta method:
/// that of [`Fit::reference_based`](crate::Fit::reference_based) to rounding. `fit` is of `design`, which has the values that inform
/// imputation, and `trial` the outcomes to be completed. `None` where the closed form needs more than sums.
pub(crate) fn difference_near(
    trial: &Trial,
    design: &Design,
    fit: &MomentsFit,
    plan: &ReferenceBased,
    (arm, visit): (usize, usize),
) -> Option<PooledRow> {
    let columns = &*design.columns;
    let arms = trial.arms();
    let is_simple = plan.variance == Variance::DeltaMethod && plan.delta.is_none() && plan.own.is_none();
    let is_plain = design.random().is_empty() && columns.response().is_none() && !columns.are_weighted();
    let is_asked = arm > 0 && Some(visit) != columns.baseline_visit() && columns.arms() == arms;
    let none_alone = (0..arms.len()).all(|arm| trial.arm_of().iter().filter(|own| **own == arm).count() > 1);
    if !(is_simple && is_plain && is_asked && none_alone && fit.optimum().sigmas.are_shared()) {
        return None;
    }
    plan.check(arms, columns.visit_labels()).ok()?;
    let weights = weights(trial, plan, columns.outcome(), arm)?;
    let sums = sums(trial, design, plan, &weights)?;
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
    let estimate = parts.iter().map(|part| part.estimate).sum::<f64>();
    let se = variance.sqrt();
    (estimate.is_finite() && se.is_finite()).then(|| PooledRow::of("", &Scalar::normal(estimate, se), plan.level))
}

/// The weight of each patient's value in the difference of an arm from the first.
fn weights(trial: &Trial, plan: &ReferenceBased, outcome: &str, arm: usize) -> Option<DVector<f64>> {
    let ancova = Ancova::of(trial, plan, outcome).ok()?;
    let solved = ancova.solved(None)?;
    let means = solved.means();
    Some(&ancova.matrix * solved.gram.solve(&(&means[arm] - &means[0])))
}

fn sums(trial: &Trial, design: &Design, plan: &ReferenceBased, weights: &DVector<f64>) -> Option<Vec<Sums>> {
    let (columns, known, arms) = (&*design.columns, &*design.rows.known, trial.arms());
    let outcome = trial.outcome(columns.outcome()).ok()?;
    let events = match &plan.events {
        Some(events) => Cow::Borrowed(events),
        None => Cow::Owned(Events::dropout(trial, columns.outcome()).ok()?),
    };
    let affected = events.affected(trial, outcome, &Rule::Named(plan.strategy)).ok()?;
    let scheduled = trial.schedule().len();
    let mut in_reference: Vec<Option<crate::design::Known>> = vec![None; arms.len()];
    let mut all: Vec<Sums> = vec![];
    let mut strategies: Vec<Strategy> = vec![];
    for (i, (affected, &weight)) in affected.iter().zip(weights.iter()).enumerate() {
        if known.lack(i, 0).is_some() || affected.uses.iter().any(|used| matches!(used, Use::Replaced(_))) {
            return None;
        }
        let strategy = affected.imputation.unwrap_or(plan.strategy);
        let rule = strategies.iter().position(|own| *own == strategy).unwrap_or_else(|| {
            strategies.push(strategy);
            strategies.len() - 1
        });
        let class = class_of(columns, affected, rule, known.group_of(i));
        let reference = plan.reference_position(trial.arm_of()[i], arms);
        let from_reference = strategy.needs_reference() && reference != trial.arm_of()[i] && !class.missing.is_empty();
        // Where the arms differ in covariance the completed values have a covariance of their own.
        if from_reference && known.group.as_ref().is_some_and(|group| group.role() == crate::trial::Role::Arm) {
            return None;
        }
        let at = all.iter().position(|sums| sums.class == class).unwrap_or_else(|| {
            all.push(Sums::zero(class, strategy, columns.values));
            all.len() - 1
        });
        let sums = &mut all[at];
        sums.squares += weight * weight;
        let add = |to: &mut DVector<f64>, known: &crate::design::Known| {
            to.iter_mut().zip(known.values(i, &columns.products, |_| true)).for_each(|(sum, z)| *sum += weight * z);
        };
        add(&mut sums.own, known);
        match from_reference {
            true => {
                if in_reference[reference].is_none() {
                    in_reference[reference] = Some(known.under_arm(&arms[reference])?);
                }
                add(&mut sums.reference, in_reference[reference].as_ref()?);
            }
            false => add(&mut sums.reference, known),
        }
        for (sum, &t) in sums.observed.iter_mut().zip(&sums.class.observed) {
            *sum += weight * outcome.values[i * scheduled + columns.visits()[t]];
        }
    }
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

/// D_t z contracted with a vector over the columns.
fn along(columns: &Columns, visit: usize, z: &DVector<f64>, with: impl Fn(usize) -> f64) -> f64 {
    columns.entries[visit].iter().map(|entry| entry.weight * z[entry.value] * with(entry.column)).sum()
}

impl Sums {
    fn zero(class: Class, strategy: Strategy, values: usize) -> Self {
        let observed = DVector::zeros(class.observed.len());
        Self { class, strategy, squares: 0.0, own: DVector::zeros(values), reference: DVector::zeros(values), observed }
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
        let (own_map, reference_map) = self.strategy.mean(visits, class.from);
        let mean_in = |z: &DVector<f64>| DVector::from_fn(visits, |t, _| along(columns, t, z, |column| beta[column]));
        let mean = &own_map * mean_in(&self.own) + &reference_map * mean_in(&self.reference);
        let part = |rows: &[usize], at: &[usize], of: &DMatrix<f64>| DMatrix::from_fn(rows.len(), at.len(), |i, j| of[(rows[i], at[j])]);
        let left = DVector::from_fn(o.len(), |k, _| self.observed[k] - mean[o[k]]);
        let (weights, solved) = match o.is_empty() {
            true => (DVector::zeros(0), DVector::zeros(0)),
            false => {
                let root = part(o, o, sigma).cholesky()?;
                (root.solve(&DVector::from_fn(o.len(), |k, _| sigma[(visit, o[k])])), root.solve(&left))
            }
        };
        let estimate = mean[visit] + weights.dot(&left);
        let (mut slope, mut in_theta) = nothing();
        for (map, z) in [(&own_map, &self.own), (&reference_map, &self.reference)] {
            for t in 0..visits {
                let kept = map[(visit, t)] - (0..o.len()).map(|k| weights[k] * map[(o[k], t)]).sum::<f64>();
                if kept != 0.0 {
                    columns.entries[t].iter().for_each(|entry| slope[entry.column] += kept * entry.weight * z[entry.value]);
                }
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
