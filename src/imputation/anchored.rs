//! The information-anchored variance of one difference in a trial whose design is known beforehand: that of the
//! [closed form](super::closed_form), whose symbols these are, for one visit and without the whole trial.

use super::affected::Use;
use super::ancova::Ancova;
use super::completion::Class;
use super::near::{Imputing, Placed, each, weights};
use super::plan::ReferenceBased;
use crate::design::{Columns, Design, Known};
use crate::inference::MomentsFit;
use crate::trial::Trial;
use nalgebra::{DMatrix, DVector};

/// What imputed values add up to.
struct Imputed {
    /// Σ c_i m_i.
    slope: DVector<f64>,
    /// Σ w_i m_i'.
    crossed: DMatrix<f64>,
    /// Σ (1 − h_i) v_i + m_i'Φm_i: what imputation adds to the residual sum of squares, but for what the regression takes of it.
    added: f64,
    /// Σ c_i² v_i.
    conditional: f64,
}

/// The difference of an arm from the first at a visit, and its standard error by Rubin's rules with infinitely many draws.
pub(super) fn difference(
    trial: &Trial,
    design: &Design,
    fit: &MomentsFit,
    plan: &ReferenceBased,
    ancova: &Ancova,
    (arm, visit): (usize, usize),
) -> Option<(f64, f64)> {
    let columns = &*design.columns;
    let outcome = trial.outcome(columns.outcome()).ok()?;
    let (scheduled, visits, p) = (trial.schedule().len(), columns.visits().len(), columns.len());
    let solved = ancova.solved(None)?;
    let (c, phi, inverse) = (weights(ancova, arm)?, fit.model_based_vcov(), solved.gram.inverse());
    let rows: Vec<&[f64]> = ancova.rows().collect();
    let (n, q) = (rows.len(), ancova.width());
    let mut sums = Imputed { slope: DVector::zeros(p), crossed: DMatrix::zeros(q, p), added: 0.0, conditional: 0.0 };
    let mut completed = Vec::with_capacity(n);
    let mut known: Vec<(Class, Imputing)> = vec![];
    let mut m = DVector::zeros(p);
    each(trial, design, plan, visit, |placed| {
        let Placed { patient, class, strategy, used, factor, amount, reference } = placed;
        let observed = |t: usize| outcome.values[patient * scheduled + columns.visits()[t]];
        match used {
            Use::Observed => completed.push(observed(visit)),
            Use::Replaced(value) => completed.push(value),
            Use::Missing | Use::SetAside => {
                let sigma = &fit.covariances()[class.group].sigma;
                let at = match known.iter().position(|(own, _)| *own == class) {
                    Some(at) => at,
                    None => {
                        let imputing = Imputing::of(&class, strategy, sigma, visits, visit)?;
                        known.push((class, imputing));
                        known.len() - 1
                    }
                };
                let (class, imputing) = &known[at];
                m.fill(0.0);
                add_rows(&mut m, columns, &design.rows.known, patient, &imputing.own);
                add_rows(&mut m, columns, reference, patient, &imputing.reference);
                let mean = m.iter().zip(fit.beta()).map(|(m, b)| m * b).sum::<f64>();
                let regressed: f64 = class.observed.iter().zip(imputing.weights.iter()).map(|(&o, weight)| weight * observed(o)).sum();
                completed.push((mean + regressed) * factor + amount);
                m *= factor;
                let own = factor * factor * imputing.conditional(class, sigma, visit);
                let w = DVector::from_column_slice(rows[patient]);
                sums.slope.axpy(c[patient], &m, 1.0);
                sums.crossed.ger(1.0, &w, &m, 1.0);
                sums.added += own * (1.0 - w.dot(&(&inverse * &w))) + m.dot(&(&phi * &m));
                sums.conditional += c[patient] * c[patient] * own;
            }
        }
        Some(())
    })?;
    let added = sums.added - (sums.crossed.transpose() * (&inverse * &sums.crossed) * &phi).trace();
    let coefficients = solved.coefficients(&completed, 0, 1);
    let residual = |(w, y): (&&[f64], &f64)| y - w.iter().zip(coefficients.iter()).map(|(w, g)| w * g).sum::<f64>();
    let squares: f64 = rows.iter().zip(&completed).map(|row| residual(row).powi(2)).sum();
    let means = solved.means();
    let l = &means[arm] - &means[0];
    let within = (squares + added) / (n - q) as f64 * l.dot(&(&inverse * &l));
    let between = sums.slope.dot(&(&phi * &sums.slope)) + sums.conditional;
    Some((l.dot(&coefficients), (within + between).sqrt()))
}

/// Adds the rows of a patient's visits in an arm, each multiplied.
fn add_rows(to: &mut DVector<f64>, columns: &Columns, known: &Known, patient: usize, times: &[f64]) {
    if times.iter().all(|times| *times == 0.0) {
        return;
    }
    let z: Vec<f64> = known.values(patient, &columns.products, |_| true).collect();
    for (t, times) in times.iter().enumerate().filter(|(_, times)| **times != 0.0) {
        columns.entries[t].iter().for_each(|entry| to[entry.column] += times * entry.weight * z[entry.value]);
    }
}
