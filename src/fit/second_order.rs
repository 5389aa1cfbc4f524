//! Second-order facts of a model without effects, exact in finite samples.
//!
//! With P = W − WXΦX'W over all observations, twice the information that REML expects is
//!
//! ```text
//! tr(P ∂_kΣ P ∂_lΣ) = Σ_P {n tr(∂_kΣ W ∂_lΣ W) − 2 tr(∂_kΣ W ∂_lΣ W H_P W)} + tr(Φ P_k Φ P_l),   H_P = Σ_i X_i Φ X_i'
//! ```
//!
//! (Kenward & Roger 1997, Biometrics 53:983–997, section 3.1, where the second sum is tr(ΦQ_kl)). For maximum
//! likelihood only the first sum remains. Of Q_kl = X'W∂_kΣW∂_lΣWX and R_kl = X'W∂_klΣWX only weighted sums are ever
//! needed; they are X'ΩX for one Ω per pattern.

use super::blocks::Blocks;
use super::found::{Derived, SecondOrder};
use super::kernels::{axpy, multiply};
use super::likelihood::{Differentiable, Likelihood};
use super::marginal::Effects;
use super::problem::{Estimation, Point, Problem};
use super::sigmas::Derivatives;
use super::slopes::Slopes;
use super::traces::{TracePlan, restrict};
use super::{Engine, intrinsic};
use nalgebra::DMatrix;

impl SecondOrder for Problem {
    const ENGINE: Engine = Engine::Patterns;

    type Shared = ();

    fn shared(&self, _point: &Point, _slopes: &Slopes) {}

    fn expected_hessian(&self, point: &Point, own: &Derived<Self>) -> DMatrix<f64> {
        let mut expected = self.fisher(point, &own.derivatives);
        if self.estimation == Estimation::Ml {
            return expected;
        }
        let p = SecondOrder::slopes(self, own);
        let phi_p: Vec<DMatrix<f64>> = p.iter().map(|p| &point.phi * p).collect();
        expected -= 2.0 * self.traces(&point.w, &self.between_weights(point, self.leverages(&point.phi)), &own.derivatives);
        for k in 0..p.len() {
            let transposed = phi_p[k].transpose();
            for l in 0..p.len() {
                expected[(k, l)] += transposed.dot(&phi_p[l]);
            }
        }
        0.5 * (&expected + expected.transpose())
    }

    fn slopes(&self, own: &Derived<Self>) -> Vec<DMatrix<f64>> {
        (0..own.slopes.len()).map(|k| own.slopes.p(k).clone_owned()).collect()
    }

    fn weighted_q(&self, point: &Point, own: &Derived<Self>, omega: &DMatrix<f64>) -> DMatrix<f64> {
        self.gram(&self.weights_of_q(point, &own.derivatives, omega))
    }

    fn weighted_r(&self, point: &Point, _own: &Derived<Self>, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.weights_of_r(point, omega).map(|weights| self.gram(&weights))
    }

    fn intrinsic_r(&self, point: &Point, own: &Derived<Self>, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.weights_of_r(point, omega).map(|weights| intrinsic::curvature_gram(self, point, own, &weights))
    }

    fn effects(&self, _point: &Point, _term: usize) -> Effects {
        Effects { size: 0, estimates: vec![], covariances: vec![], conditional: vec![] }
    }
}

impl Problem {
    /// The expected second derivatives for the covariance alone: Σ_P n tr(W∂_kΣW∂_lΣ), for the parameters of Σ.
    pub fn fisher(&self, point: &Point, derivatives: &[Derivatives]) -> DMatrix<f64> {
        let mut fisher = DMatrix::zeros(self.sigmas.parameters(), self.sigmas.parameters());
        self.set_fisher(point, derivatives, TracePlan::of(self, derivatives), &mut fisher, &mut self.workspace());
        fisher
    }

    /// H_P = Σ_i X_iΦX_i' of every pattern.
    pub fn leverages(&self, phi: &DMatrix<f64>) -> Blocks {
        let mut leverages = Blocks::zeros(&self.patterns);
        self.set_leverages(phi, &mut leverages, &mut self.workspace());
        leverages
    }

    /// W (Σ_kl ω_kl ∂_kΣ W ∂_lΣ) W per pattern: the weights Ω for which X'ΩX is Σ_kl ω_kl Q_kl.
    pub fn weights_of_q(&self, point: &Point, derivatives: &[Derivatives], omega: &DMatrix<f64>) -> Blocks {
        let t = self.sigmas.visits();
        let mut sums = Blocks::zeros(&self.patterns);
        let (mut restricted, mut own, mut inner) = (vec![], vec![], vec![0.0; t * t]);
        let mut weighted = DMatrix::<f64>::zeros(t, t);
        for (cell, derivatives) in derivatives.iter().enumerate() {
            let first = self.sigmas.of_cell(cell).0 * self.sigmas.per_group;
            for (k, derivative) in derivatives.iter().enumerate() {
                // Σ_l ω_kl ∂_lΣ is one matrix, the same for every pattern.
                weighted.fill(0.0);
                for (l, other) in derivatives.iter().enumerate() {
                    let weight = omega[(first + k, first + l)];
                    other.iter().for_each(|&(a, b, v)| weighted[(a, b)] += weight * v);
                }
                for index in self.patterns_of(cell) {
                    let visits = &self.patterns[index].visits;
                    restrict(std::slice::from_ref(derivative), visits, &mut restricted);
                    if restricted[0].is_empty() {
                        continue;
                    }
                    let m = visits.len();
                    let inner = &mut inner[..m * m];
                    set_at(&weighted, visits, &mut own);
                    multiply(&own, point.w.get(index), m, inner);
                    // (Σ_l ω_kl ∂_lΣ) W ∂_kΣ, the transpose of what is wanted; the sum over k is symmetric.
                    let target = sums.get_mut(index);
                    for &(a, b, v) in &restricted[0] {
                        axpy(&mut target[b * m..(b + 1) * m], v, &inner[a * m..(a + 1) * m]);
                    }
                }
            }
        }
        self.between_weights(point, sums)
    }

    /// W (Σ_kl ω_kl ∂_klΣ) W per pattern: the weights Ω for which X'ΩX is Σ_kl ω_kl R_kl. `None` where Σ is linear in
    /// its parameters.
    pub fn weights_of_r(&self, point: &Point, omega: &DMatrix<f64>) -> Option<Blocks> {
        let (sigmas, t) = (&self.sigmas, self.sigmas.visits());
        if sigmas.structure().is_linear() {
            return None;
        }
        let mut second = DMatrix::zeros(t, t);
        let mut sums = Blocks::zeros(&self.patterns);
        let (mut own, mut linear) = (vec![], true);
        for cell in 0..sigmas.cells() {
            let (group, structure) = sigmas.of_cell(cell);
            let (first, theta) = (group * sigmas.per_group, sigmas.of_group(&point.theta, group));
            let mut bend = DMatrix::zeros(t, t);
            for k in 0..sigmas.per_group {
                for l in 0..sigmas.per_group {
                    if structure.second_derivative(theta, k, l, &mut second) {
                        linear = false;
                        bend += &second * omega[(first + k, first + l)];
                    }
                }
            }
            for index in self.patterns_of(cell) {
                set_at(&bend, &self.patterns[index].visits, &mut own);
                sums.get_mut(index).copy_from_slice(&own);
            }
        }
        (!linear).then(|| self.between_weights(point, sums))
    }

    /// W inner W of every pattern.
    pub fn between_weights(&self, point: &Point, mut inner: Blocks) -> Blocks {
        let mut left = vec![0.0; self.sigmas.visits().pow(2)];
        for (index, pattern) in self.patterns.iter().enumerate() {
            let (m, w) = (pattern.size(), point.w.get(index));
            multiply(w, inner.get(index), m, &mut left[..m * m]);
            multiply(&left[..m * m], w, m, inner.get_mut(index));
        }
        inner
    }
}

/// Takes the elements of a matrix on the visit grid at a pattern's visits.
fn set_at(matrix: &DMatrix<f64>, visits: &[usize], own: &mut Vec<f64>) {
    own.clear();
    visits.iter().for_each(|&b| own.extend(visits.iter().map(|&a| matrix[(a, b)])));
}
