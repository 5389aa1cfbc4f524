//! Variances without a draw where events replace values: the nonparametric delta method.
//!
//! What replaces a value, and who has the event, follows no model, so the distribution is that of the patients themselves. The
//! estimate is a function of how much each patient counts, and Σ u_i² with u_i its derivative in the weight of patient i
//! estimates its variance: the infinitesimal jackknife, Efron (1982), *The Jackknife, the Bootstrap and Other Resampling Plans*,
//! chapter 6, which shows that it is the delta method applied to the empirical distribution.
//!
//! With ỹ_it the completed value, w_i the row of the ANCOVA, γ = (W'W)⁻¹W'ỹ_t, c_i = w_i'(W'W)⁻¹l and e_i = ỹ_it − w_i'γ,
//!
//! u_i = (c_i e_i + a'β_i + b'θ_i) / √(1 − h_i) + (∂l/∂w_i)'γ
//!
//! where a and b are the slopes of l'γ in β and θ through the values that are imputed, and β_i and θ_i the derivatives of the
//! estimates in the weight of the patient, from the equations that they solve: with s_i = X_i'V_i⁻¹r_i and
//! ψ_ik = tr V_i⁻¹V_k − r_i'V_i⁻¹V_kV_i⁻¹r_i − tr ΦX_i'V_i⁻¹V_kV_i⁻¹X_i (the last term under REML),
//!
//! θ_i = −½ C (ψ_i − 2 B's_i), β_i = Φs_i + Bθ_i, B = ∂β̂/∂θ
//!
//! and C the covariance of the parameters. Sums of ψ_i and s_i over the patients are zero. The leverage h_i = w_i'(W'W)⁻¹w_i takes the bias from
//! the squares as in HC2: without missing values they are HC2's, and without covariates Welch's s₁²/n₁ + s₂²/n₂.

use super::closed_form::{ClosedForm, Kept};
use crate::Estimation;
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

/// How estimates of the model move with the weight of each patient, a column each.
struct Moves {
    beta: DMatrix<f64>,
    theta: DMatrix<f64>,
}

/// V⁻¹V_kV⁻¹ and tr V⁻¹V_k of a class, for every covariance parameter.
type Slopes = Vec<(DMatrix<f64>, f64)>;

impl ClosedForm<'_> {
    /// Standard errors of every statistic, whatever replaces values.
    pub fn nonparametric_delta_method(&self) -> Option<Vec<f64>> {
        let derivatives = self.derivatives()?;
        Some(derivatives.into_iter().map(|own| own.iter().map(|u| u * u).sum::<f64>().sqrt()).collect())
    }

    /// u_i of every patient, statistic by statistic.
    fn derivatives(&self) -> Option<Vec<Vec<f64>>> {
        let solved = self.ancova.solved(None)?;
        let (weights, visits) = (self.weights()?, self.cohort.visits);
        let (of_theta, moves) = (self.slopes_in_theta(&weights)?, self.moves()?);
        let completed = self.cohort.completed(self.fit.beta(), &self.maps);
        let inverse = solved.gram.inverse();
        let leverage: Vec<f64> = self.ancova.rows().map(|w| form(&inverse, w)).collect();
        let (statistics, n) = (weights.ncols(), weights.nrows());
        let arms = statistics.div_ceil(2);
        let centre = DVector::from_fn(self.ancova.width(), |j, _| self.ancova.matrix.column(j).mean());
        let of = |at: usize| {
            let (visit, k) = (at / statistics, at % statistics);
            let c = &weights.as_slice()[k * n..(k + 1) * n];
            let gamma = solved.coefficients(&completed, visit, visits);
            let a = self.slope(c, visit);
            let u = |(i, w): (usize, &[f64])| {
                let fitted = w.iter().zip(&gamma).map(|(w, g)| w * g).sum::<f64>();
                let residual = completed[i * visits + visit] - fitted;
                let through = a.dot(&moves.beta.column(i)) + of_theta[at].dot(&moves.theta.column(i));
                // A patient who is all of an arm has no residual, and bears on no other row.
                let left = if leverage[i] < 1.0 - 1e-9 { 1.0 - leverage[i] } else { 1.0 };
                // The mean covariates of the rows of arms.
                let moved = (arms..w.len()).map(|j| (w[j] - centre[j]) * gamma[j]).sum::<f64>() / n as f64;
                (c[i] * residual + through) / left.sqrt() + if k < arms { moved } else { 0.0 }
            };
            self.ancova.rows().enumerate().map(u).collect::<Vec<f64>>()
        };
        // Statistics are summed each by itself, whatever thread does it.
        Some((0..visits * statistics).into_par_iter().map(of).collect())
    }

    /// Derivatives of β̂ and θ̂ in the weights of the patients.
    fn moves(&self) -> Option<Moves> {
        let (cohort, phi) = (self.cohort, self.phi());
        let covariance = self.fit.covariance_parameters_vcov();
        let (n, p, parameters) = (cohort.patients.len(), cohort.columns, covariance.nrows());
        let kept: Vec<Kept> = cohort.classes.iter().map(|class| Kept::of(class, &self.sigmas[class.group])).collect::<Option<_>>()?;
        let slopes = self.slopes_of_classes(&kept);
        let beta = DVector::from_iterator(p, self.fit.beta().iter().map(|b| if b.is_nan() { 0.0 } else { *b }));
        let is_restricted = self.fit.estimation() == Estimation::Reml;
        let (mut scores, mut psi) = (DMatrix::zeros(p, n), DMatrix::zeros(parameters, n));
        // X'V⁻¹V_kV⁻¹r over the patients.
        let mut crossed = DMatrix::<f64>::zeros(p, parameters);
        for (i, patient) in cohort.patients.iter().enumerate().filter(|(_, patient)| patient.in_fit.is_some()) {
            let (class, kept) = (&cohort.classes[patient.class], &kept[patient.class]);
            let visits: Vec<usize> = kept.fitted.iter().map(|&place| class.observed[place]).collect();
            let x = patient.own.select_rows(&visits);
            let r = DVector::from_iterator(visits.len(), visits.iter().map(|&t| patient.outcomes[t])) - &x * &beta;
            scores.set_column(i, &x.tr_mul(&(&kept.inverse * &r)));
            let spread = is_restricted.then(|| &x * &phi * x.transpose());
            for (k, (slope, trace)) in slopes[patient.class].iter().enumerate() {
                let moved = slope * &r;
                crossed.column_mut(k).gemv_tr(1.0, &x, &moved, 1.0);
                psi[(k, i)] = trace - r.dot(&moved) - spread.as_ref().map_or(0.0, |spread| slope.component_mul(spread).sum());
            }
        }
        let through = -(&phi * crossed);
        let theta = covariance * (psi - through.tr_mul(&scores) * 2.0) * -0.5;
        let beta = &phi * scores + through * &theta;
        Some(Moves { beta, theta })
    }

    /// V⁻¹V_kV⁻¹ and tr V⁻¹V_k, by central differences of Σ(θ).
    fn slopes_of_classes(&self, kept: &[Kept]) -> Vec<Slopes> {
        let theta: Vec<f64> = self.fit.covariance_parameters().into_iter().map(|(_, value)| value).collect();
        let slope = |parameter: usize| -> Vec<DMatrix<f64>> {
            let step = 1e-5 * theta[parameter].abs().max(1e-3);
            let at = |sign: f64| {
                let mut moved = theta.clone();
                moved[parameter] += sign * step;
                self.fit.covariances_at(&moved)
            };
            at(1.0).into_iter().zip(at(-1.0)).map(|(above, below)| (above - below) / (2.0 * step)).collect()
        };
        let of_groups: Vec<Vec<DMatrix<f64>>> = (0..theta.len()).map(slope).collect();
        let of_class = |(class, kept): (&super::completion::Class, &Kept)| {
            let visits: Vec<usize> = kept.fitted.iter().map(|&place| class.observed[place]).collect();
            let one = |groups: &Vec<DMatrix<f64>>| {
                let own = groups[class.group].select_rows(&visits).select_columns(&visits);
                let left = &kept.inverse * own;
                (&left * &kept.inverse, left.trace())
            };
            of_groups.iter().map(one).collect()
        };
        self.cohort.classes.iter().zip(kept).map(of_class).collect()
    }
}

/// w'Mw.
fn form(m: &DMatrix<f64>, w: &[f64]) -> f64 {
    (0..w.len()).map(|a| w[a] * (0..w.len()).map(|b| m[(a, b)] * w[b]).sum::<f64>()).sum()
}
