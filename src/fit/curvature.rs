//! Gradient and curvature of the likelihood.
//!
//! With A_P = R_P + H_P (R_P alone for maximum likelihood), H_P = Σ_i X_i Φ X_i',
//!
//! ```text
//! ∂_k(−2ℓ)  = Σ_P tr(G_P ∂_kΣ),      G_P = nW − W A_P W
//! ∂_kl(−2ℓ) = Σ_P {tr(∂_kΣ W ∂_lΣ (2 W A_P W − nW)) + tr(G_P ∂_klΣ)} − 2 a_k'Φ a_l − tr(Φ P_k Φ P_l)
//! P_k = −X'W∂_kΣWX,   a_k = X'W∂_kΣW r
//! ```

use super::data::Data;
use super::kernels::{axpy, multiply};
use super::problem::{Estimation, Point, Problem};
use super::slopes::Slopes;
use super::sums::by_column;
use super::traces::{TracePlan, add_sandwich, elements, set_positions};
use super::workspace::Workspace;
use nalgebra::{DMatrix, DVector};

/// First and second derivatives of −2ℓ.
#[derive(Debug, Clone)]
pub(crate) struct Curvature {
    pub gradient: DVector<f64>,
    pub hessian: DMatrix<f64>,
}

impl Curvature {
    /// Zeros.
    pub fn blank(parameters: usize) -> Self {
        Self { gradient: DVector::zeros(parameters), hessian: DMatrix::zeros(parameters, parameters) }
    }
}

/// ∂_kΣ of all parameters on the visit grid as their non-zero elements (row, column, value), both triangles.
pub(crate) type Derivatives = Vec<Vec<(usize, usize, f64)>>;

impl Problem {
    /// ∂Σ at θ, cell by cell.
    pub fn derivatives(&self, theta: &[f64]) -> Vec<Derivatives> {
        let mut derivatives = vec![vec![vec![]; self.parameters_per_group(theta.len())]; self.cells()];
        self.set_derivatives(theta, &mut derivatives, &mut DMatrix::zeros(self.visits(), self.visits()));
        derivatives
    }

    /// Moves the derivatives to θ.
    pub fn set_derivatives(&self, theta: &[f64], derivatives: &mut [Derivatives], dense: &mut DMatrix<f64>) {
        let t = self.visits();
        for (cell, derivatives) in derivatives.iter_mut().enumerate() {
            let (group, structure) = self.of_cell(cell);
            for (k, own) in derivatives.iter_mut().enumerate() {
                structure.derivative(self.of_group(theta, group), k, dense);
                own.clear();
                for (column, values) in dense.as_slice().chunks_exact(t).enumerate() {
                    own.extend(values.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(row, v)| (row, column, *v)));
                }
            }
        }
    }

    /// Gradient and Hessian of −2ℓ in the natural parameters, the Hessian without the terms through P_k and a_k,
    /// which are smaller by p/N.
    pub fn set_leading_curvature(
        &self,
        point: &Point,
        derivatives: &[Derivatives],
        curvature: &mut Curvature,
        plan: TracePlan,
        room: &mut Workspace,
    ) {
        let spread = self.spread(point);
        let mut leverages = std::mem::take(&mut room.blocks);
        if let Some(spread) = spread {
            self.set_leverages(spread, &mut leverages, room);
        }
        room.g.iter_mut().for_each(|g| g.fill(0.0));
        // The leverages become E = 2 W A W − nW in place.
        for (index, pattern) in self.patterns.iter().enumerate() {
            let (m, n, w) = (pattern.size(), pattern.patients, point.w.get(index));
            let e = leverages.get_mut(index);
            match spread.is_some() {
                true => e.iter_mut().zip(point.r.get(index)).for_each(|(a, r)| *a += r),
                false => e.copy_from_slice(point.r.get(index)),
            }
            let left = &mut room.left[..m * m];
            multiply(w, e, m, left);
            multiply(left, w, m, e);
            let g = &mut room.g[pattern.cell];
            for (j, &b) in pattern.visits.iter().enumerate() {
                for (i, &a) in pattern.visits.iter().enumerate() {
                    g[(a, b)] += n * w[j * m + i] - e[j * m + i];
                }
            }
            e.iter_mut().zip(w).for_each(|(e, w)| *e = 2.0 * *e - n * w);
        }
        curvature.hessian.fill(0.0);
        self.add_traces(&point.w, &leverages, derivatives, plan, &mut curvature.hessian, room);
        room.blocks = leverages;
        self.add_bends(point, derivatives, curvature, room);
        curvature.hessian.fill_lower_triangle_with_upper_triangle();
        if let Some(clusters) = &self.clusters {
            clusters.add_curvature(point, self.estimation, self.parameters_of_sigma(point.theta.len()), curvature);
        }
    }

    /// Gradient and Hessian of −2ℓ in the natural parameters, whole, and the slopes that it took.
    pub fn exact_curvature(&self, point: &Point, derivatives: &[Derivatives]) -> (Curvature, Slopes) {
        let mut room = Workspace::new(self);
        let mut curvature = Curvature::blank(point.theta.len());
        let mut slopes = Slopes::blank(self.parameters_of_sigma(point.theta.len()), self.columns);
        self.set_leading_curvature(point, derivatives, &mut curvature, TracePlan::of(self, derivatives), &mut room);
        self.set_slopes(point, derivatives, &mut slopes, &mut room);
        let mut correction = DMatrix::zeros(point.theta.len(), point.theta.len());
        self.set_correction(point, &mut slopes, &mut correction);
        curvature.hessian += correction;
        (curvature, slopes)
    }

    /// What stands for Φ in the derivatives of the determinants: Φ for REML; for maximum likelihood nothing, unless
    /// there are clusters.
    fn spread<'p>(&self, point: &'p Point) -> Option<&'p DMatrix<f64>> {
        match self.estimation {
            Estimation::Reml => Some(&point.phi),
            Estimation::Ml => point.clusters.as_ref().map(|c| &c.known_mean),
        }
    }

    /// Writes what the whole Hessian has beyond its leading part, given the slopes.
    pub fn set_correction(&self, point: &Point, slopes: &mut Slopes, correction: &mut DMatrix<f64>) {
        slopes.set_correction(&point.phi, self.spread(point), correction);
        if let Some(clusters) = &self.clusters {
            clusters.add_crossed(point, self.estimation, slopes, correction);
        }
    }

    /// The expected second derivatives for the covariance alone: Σ_P n tr(W∂_kΣW∂_lΣ).
    pub fn fisher(&self, point: &Point, derivatives: &[Derivatives]) -> DMatrix<f64> {
        let mut fisher = DMatrix::zeros(point.theta.len(), point.theta.len());
        self.set_fisher(point, derivatives, TracePlan::of(self, derivatives), &mut fisher, &mut Workspace::new(self));
        fisher
    }

    /// As [`Problem::fisher`], in place.
    pub fn set_fisher(&self, point: &Point, derivatives: &[Derivatives], plan: TracePlan, fisher: &mut DMatrix<f64>, room: &mut Workspace) {
        let mut e = std::mem::take(&mut room.blocks);
        for (index, pattern) in self.patterns.iter().enumerate() {
            e.get_mut(index).iter_mut().zip(point.w.get(index)).for_each(|(e, w)| *e = pattern.patients * w);
        }
        fisher.fill(0.0);
        self.add_traces(&point.w, &e, derivatives, plan, fisher, room);
        room.blocks = e;
        fisher.fill_lower_triangle_with_upper_triangle();
        if let Some(clusters) = &self.clusters {
            clusters.set_fisher(point, self.estimation, self.parameters_of_sigma(point.theta.len()), fisher);
        }
    }

    /// P_k and a_k for every parameter.
    pub fn set_slopes(&self, point: &Point, derivatives: &[Derivatives], slopes: &mut Slopes, room: &mut Workspace) {
        let mut omega = std::mem::take(&mut room.blocks);
        let (beta, u) = point.beta.as_slice().split_at(self.fixed());
        let per_group = self.parameters_per_group(point.theta.len());
        if let Data::Sums(sums) = &self.data {
            sums.set_weighted_residuals(&self.patterns, &self.rows, beta, &point.w, &mut room.data);
        }
        for k in 0..slopes.len() {
            omega.clear();
            room.data.by_visit.fill(0.0);
            let patterns = self.patterns.iter().enumerate().filter(|(_, p)| p.group == k / per_group);
            for (index, pattern) in patterns {
                set_positions(&pattern.visits, &mut room.position);
                let (w, derivative) = (point.w.get(index), &derivatives[pattern.cell][k % per_group]);
                add_sandwich(w, derivative, &room.position, &mut room.left, omega.get_mut(index));
                if let Data::Sums(sums) = &self.data {
                    sums.add_slope(index, pattern, w, elements(derivative, &room.position, pattern.size()), &mut room.data);
                }
            }
            let (p, a) = slopes.of_mut(k);
            let (of_mean, of_effects) = a.split_at_mut(beta.len());
            match &self.data {
                Data::Sums(sums) => by_column(&self.rows, &room.data.by_visit, sums.values(), of_mean),
                Data::Patients(own) => own.cross_of_residuals(&self.patterns, &self.rows, &omega, beta, of_mean),
            }
            self.set_gram(&omega, room);
            if let Some(cells) = self.clusters.as_ref().and_then(|c| c.cells.as_ref()) {
                cells.cross(&omega, of_effects);
                take_effects(&room.gram, beta, u, a);
            }
            p.iter_mut().zip(&room.gram).for_each(|(x, gram)| *x = -gram);
        }
        room.blocks = omega;
    }

    /// The gradient from G on the visit grid; adds tr(G ∂_klΣ) to the upper triangle of the Hessian.
    fn add_bends(&self, point: &Point, derivatives: &[Derivatives], curvature: &mut Curvature, room: &mut Workspace) {
        let per_group = self.parameters_per_group(point.theta.len());
        curvature.gradient.fill(0.0);
        for (cell, g) in room.g.iter().enumerate() {
            let (group, structure) = self.of_cell(cell);
            let (first, theta) = (group * per_group, self.of_group(&point.theta, group));
            for k in 0..per_group {
                curvature.gradient[first + k] += derivatives[cell][k].iter().map(|&(a, b, v)| v * g[(a, b)]).sum::<f64>();
                for l in k..if structure.is_linear() { k } else { per_group } {
                    if structure.second_derivative(theta, k, l, &mut room.dense) {
                        curvature.hessian[(first + k, first + l)] += g.dot(&room.dense);
                    }
                }
            }
        }
    }
}

/// Takes X'Ω(y − Xβ) and Z'Ωy to the same of the residuals from Xβ + Zu, given \[X Z\]'Ω\[X Z\].
fn take_effects(gram: &[f64], beta: &[f64], u: &[f64], a: &mut [f64]) {
    let (p, n) = (beta.len(), a.len());
    gram[..p * n].chunks_exact(n).zip(beta).for_each(|(column, &b)| axpy(&mut a[p..], -b, &column[p..]));
    gram[p * n..].chunks_exact(n).zip(u).for_each(|(column, &u)| axpy(a, -u, column));
}
