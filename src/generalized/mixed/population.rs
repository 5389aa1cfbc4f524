//! Means of the population: the random effects integrated out.

use super::MixedFit;
use crate::estimates::Estimates;
use crate::generalized::{Family, Observations, PopulationCell};
use std::f64::consts::PI;

/// The mean of g⁻¹(η + s z), z ~ N(0, 1), with its derivatives in η and s².
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::generalized) struct Integrated {
    pub mean: f64,
    pub by_eta: f64,
    pub by_variance: f64,
}

/// Integrates a logistic function over a normal deviate by the trapezoidal rule. Its error falls like
/// exp(−2πd/h + d²/2) in the step h, d = π/s being how far the integrand is analytic, and like exp(−2π²/h²) for the normal
/// density itself (Trefethen & Weideman 2014, SIAM Review 56:385–458, §5): h is chosen so that both are below rounding.
/// The derivative in s² is half the mean of the second derivative, which is regular at zero.
pub(in crate::generalized) fn logistic(eta: f64, variance: f64) -> Integrated {
    let s = variance.sqrt();
    let d = if s > 0.0 { (PI / s).min(6.0) } else { 6.0 };
    let h = (2.0 * PI * d / (38.0 + 0.5 * d * d)).min(0.5);
    let steps = (9.0 / h).ceil() as i32;
    let (mut total, mut mean, mut slope, mut curvature) = (0.0, 0.0, 0.0, 0.0);
    for k in -steps..=steps {
        let z = h * f64::from(k);
        let weight = (-0.5 * z * z).exp();
        let x = eta + s * z;
        let t = (-x.abs()).exp();
        let over = 1.0 / (1.0 + t);
        let p = if x >= 0.0 { over } else { t * over };
        let w = t * over * over;
        total += weight;
        mean += weight * p;
        slope += weight * w;
        curvature += weight * w * (1.0 - 2.0 * p);
    }
    Integrated { mean: mean / total, by_eta: slope / total, by_variance: 0.5 * curvature / total }
}

/// The same of the exponential function: e^(η + s²/2).
pub(super) fn exponential(eta: f64, variance: f64) -> Integrated {
    let mean = (eta + 0.5 * variance).exp();
    Integrated { mean, by_eta: mean, by_variance: 0.5 * mean }
}

/// Which random effects an observation of an arm at a visit has.
#[derive(Debug, Clone)]
pub(super) struct Multipliers {
    visits: usize,
    /// Whether observations of an arm at a visit belong to a level, term by term: arms × visits.
    belongs: Vec<Vec<bool>>,
}

impl Multipliers {
    pub fn of(observations: &Observations) -> Self {
        let (visits, arms) = (observations.columns().visits().len(), observations.columns().arms().len());
        let of_term = |term: &crate::design::RandomTerm| {
            let (mut seen, mut belongs) = (vec![false; arms * visits], vec![false; arms * visits]);
            let mut ever = vec![false; arms];
            for k in 0..observations.n_patients() {
                let arm = observations.arm_of(k);
                for i in observations.of_patient(k) {
                    let t = observations.visit_of(i);
                    let own = term.level_of[k * visits + t].is_some();
                    seen[arm * visits + t] = true;
                    belongs[arm * visits + t] |= own;
                    ever[arm] |= own;
                }
            }
            // Where nobody of the arm was observed: what it has at other visits.
            (0..arms * visits).map(|at| if seen[at] { belongs[at] } else { ever[at / visits] }).collect()
        };
        Self { visits, belongs: observations.design().random().iter().map(of_term).collect() }
    }

    pub fn belongs(&self, term: usize, arm: usize, visit: usize) -> bool {
        self.belongs[term].get(arm * self.visits + visit).copied().unwrap_or(true)
    }
}

impl MixedFit {
    /// The variance z'Gz of the random effects on the linear predictor of a patient of the trial at an analysed visit as
    /// if in an arm, and its derivatives in θ.
    ///
    /// An observation of an arm has the effects of a factor where observations of that arm at that visit do; patients of an
    /// arm without therapy groups have none of a group's.
    pub(super) fn latent_variance(&self, patient: usize, visit: usize, arm: usize, mut by_theta: impl FnMut(usize, f64)) -> f64 {
        let mut variance = 0.0;
        for (t, term) in self.random().iter().enumerate() {
            if !self.found.multipliers.belongs(t, arm, visit) {
                continue;
            }
            let k = term.size();
            let z = self.observations().design().multipliers_under(t, patient, visit, arm);
            let lambda = self.lambda(t);
            let standardised: Vec<f64> = (0..k).map(|c| (0..k).map(|r| lambda[r * k + c] * z[r]).sum()).collect();
            variance += standardised.iter().map(|x| x * x).sum::<f64>();
            for &(row, column, at) in &self.found.terms.elements[t] {
                by_theta(at, 2.0 * z[row] * standardised[column]);
            }
        }
        variance
    }

    /// The mean of outcomes with this linear predictor and variance of random effects.
    pub(super) fn integrated(&self, eta: f64, variance: f64) -> Integrated {
        match self.family() {
            Family::Poisson => exponential(eta, variance),
            _ => logistic(eta, variance),
        }
    }

    /// The mean of patients like this one, their random effects integrated out, with its gradient in β and θ.
    pub(super) fn integrated_mean(&self, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
        let mut by_theta = vec![0.0; self.theta().len()];
        let variance = self.latent_variance(cell.patient, cell.visit, cell.arm, |at, slope| by_theta[at] += slope);
        let found = self.integrated(cell.predictor(self.beta()), variance);
        let (beta, theta) = gradient.split_at_mut(cell.row.len());
        beta.iter_mut().zip(cell.row).for_each(|(g, x)| *g += found.by_eta * x);
        theta.iter_mut().zip(by_theta).for_each(|(g, slope)| *g += found.by_variance * slope);
        found.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGISTIC_NORMAL: [(f64, f64, f64); 7] = [
        (0.5, 0.3, 0.6199697912658639),
        (-2.0, 1.0, 0.1554625185301235),
        (1.0, 2.5, 0.6286982011968193),
        (-1.6, 4.0, 0.3573134330704964),
        (-6.0, 3.0, 0.043373320423973044),
        (3.0, 10.0, 0.6160894311637238),
        (-0.2, 40.0, 0.49800734320103623),
    ];

    #[test]
    fn logistic_normal_integrals_are_exact_to_rounding() {
        // By mpmath's quad at 40 digits: E expit(η + s z).
        for (eta, s, expected) in LOGISTIC_NORMAL {
            let found = logistic(eta, s * s);
            assert!((found.mean - expected).abs() < 1e-15 + 4e-16 * expected, "η {eta}, s {s}: {} for {expected}", found.mean);
        }
        // Symmetry, and no effect at all.
        assert!((logistic(0.0, 9.0).mean - 0.5).abs() < 1e-15);
        assert!((logistic(1.3, 0.0).mean - 1.0 / (1.0 + (-1.3f64).exp())).abs() < 1e-15);
    }

    #[test]
    fn derivatives_are_those_of_the_integral() {
        for (eta, variance) in [(0.3, 0.0), (-1.2, 0.4), (2.0, 16.0)] {
            for of in [logistic, exponential] {
                let h = 1e-4;
                let at = of(eta, variance);
                assert!(
                    ((of(eta + h, variance).mean - of(eta - h, variance).mean) / (2.0 * h) - at.by_eta).abs() < 1e-7 * at.mean.max(1.0)
                );
                if variance > 0.0 {
                    let slope = (of(eta, variance + h).mean - of(eta, variance - h).mean) / (2.0 * h);
                    assert!((slope - at.by_variance).abs() < 1e-7 * at.mean.max(1.0), "{slope} {}", at.by_variance);
                }
            }
        }
        // At a variance of zero, from above.
        let h = 1e-6;
        assert!(((logistic(0.7, h).mean - logistic(0.7, 0.0).mean) / h - logistic(0.7, 0.0).by_variance).abs() < 1e-6);
    }
}
