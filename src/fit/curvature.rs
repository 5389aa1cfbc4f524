//! Gradient and curvature of the likelihood.
//!
//! With A_P = R_P + H_P (R_P alone for maximum likelihood), H_P = Σ_i X_i Φ X_i',
//!
//! ```text
//! ∂_k(−2ℓ)  = Σ_P tr(G_P ∂_kΣ),      G_P = nW − W A_P W
//! ∂_kl(−2ℓ) = Σ_P {tr(∂_kΣ W ∂_lΣ (2 W A_P W − nW)) + tr(G_P ∂_klΣ)} − 2 a_k'Φ a_l − tr(Φ P_k Φ P_l)
//! P_k = −X'W∂_kΣWX,   a_k = X'W∂_kΣW r
//! ```

use super::blocks::Blocks;
use super::data::Data;
use super::elements;
use super::kernels::multiply;
use super::likelihood::{Differentiable, Products};
use super::problem::{Estimation, Point, Problem};
use super::sigmas::Derivatives;
use super::slopes::Slopes;
use super::sums::by_column;
use super::traces::{TracePlan, add_sandwich, are_elements, elements as elements_at, set_positions};
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

impl Differentiable for Problem {
    const SCORES: bool = false;

    type Slopes = Slopes;

    fn blank_slopes(&self) -> Slopes {
        Slopes::blank(self.sigmas.parameters(), self.columns)
    }

    fn products(&self) -> Products {
        let p = self.columns;
        if let Some(elimination) = &self.elimination {
            let solution = elimination.products() + 3 * p * p;
            return Products { coefficients: p, solution, slope: solution, pair: elimination.elements() };
        }
        Products { coefficients: p, solution: 2 * p.pow(3), slope: p.pow(3), pair: p * p / 2 }
    }

    fn set_leading_curvature(
        &self,
        point: &Point,
        derivatives: &[Derivatives],
        plan: TracePlan,
        curvature: &mut Curvature,
        room: &mut Workspace,
    ) {
        let mut leverages = std::mem::take(&mut room.blocks);
        let estimated = self.estimation == Estimation::Reml;
        if estimated {
            self.set_leverages(&point.phi, &mut leverages, room);
        }
        self.set_curvature_of_sigma(point, (leverages, estimated), derivatives, plan, curvature, room);
    }

    fn set_slopes(&self, point: &Point, derivatives: &[Derivatives], slopes: &mut Slopes, room: &mut Workspace) {
        if let Data::Sums(sums) = &self.data
            && elements::is_small(sums, self.sigmas.visits())
            && are_elements(self, derivatives)
        {
            return self.set_slopes_of_elements(sums, point, slopes, room);
        }
        self.for_each_sandwich(point, derivatives, room, |k, omega, score, room| {
            self.set_gram(omega, room);
            let (p, a) = slopes.of_mut(k);
            a.copy_from_slice(score);
            p.iter_mut().zip(&room.gram).for_each(|(x, gram)| *x = -gram);
        });
    }

    fn set_correction(&self, point: &Point, slopes: &mut Slopes, correction: &mut DMatrix<f64>, _room: &mut Workspace) {
        let estimated = self.estimation == Estimation::Reml;
        slopes.set_correction(&point.phi, estimated.then_some(&point.phi), self.elimination.as_deref(), correction);
    }

    /// Σ_P n tr(W∂_kΣW∂_lΣ), in the rows and columns of Σ's parameters; the rest is set to zero.
    fn set_fisher(&self, point: &Point, derivatives: &[Derivatives], plan: TracePlan, fisher: &mut DMatrix<f64>, room: &mut Workspace) {
        let mut e = std::mem::take(&mut room.blocks);
        for (index, pattern) in self.patterns.iter().enumerate() {
            e.get_mut(index).iter_mut().zip(point.w.get(index)).for_each(|(e, w)| *e = pattern.patients * w);
        }
        fisher.fill(0.0);
        self.add_traces(&point.w, &e, derivatives, plan, fisher, room);
        room.blocks = e;
        fisher.fill_lower_triangle_with_upper_triangle();
    }

    /// With S = W^½∂ΣW^½ and L = W^½H_PW^½, REML expects Σ_P {n tr(S²) − 2 tr(S²L)} of twice the information at least,
    /// and maximum likelihood Σ_P n tr(S²); tr(S²L) is at most tr(S²) tr(L).
    /// Where the traces of L are small, estimating the mean surely leaves a fair share of what the data say.
    fn needs_whole(&self, point: &Point, _corrected: bool, room: &mut Workspace) -> bool {
        const SHARE: f64 = 0.4;
        if self.estimation == Estimation::Ml {
            return false;
        }
        let mut leverages = std::mem::take(&mut room.blocks);
        self.set_leverages(&point.phi, &mut leverages, room);
        let trace = |index: usize| point.w.get(index).iter().zip(leverages.get(index)).map(|(w, h)| w * h).sum::<f64>();
        let little = self.patterns.iter().enumerate().all(|(index, pattern)| trace(index) < SHARE * pattern.patients);
        room.blocks = leverages;
        !little
    }
}

impl Problem {
    /// Gradient and Hessian over the parameters of Σ, the Hessian without the terms through P_k and a_k; the rest is
    /// set to zero. H_P = Σ_i X_iSX_i' of every pattern is given, or is nothing, S being what stands for Φ in the
    /// derivatives of the determinants; the blocks become those of the room.
    pub(super) fn set_curvature_of_sigma(
        &self,
        point: &Point,
        (mut leverages, any): (Blocks, bool),
        derivatives: &[Derivatives],
        plan: TracePlan,
        curvature: &mut Curvature,
        room: &mut Workspace,
    ) {
        room.g.iter_mut().for_each(|g| g.fill(0.0));
        // The leverages become E = 2 W A W − nW in place.
        for (index, pattern) in self.patterns.iter().enumerate() {
            let (m, n, w) = (pattern.size(), pattern.patients, point.w.get(index));
            let e = leverages.get_mut(index);
            match any {
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
    }

    /// Calls `take` with every parameter k of Σ, W∂_kΣW of every pattern, and X'W∂_kΣW(y − Xβ).
    pub(super) fn for_each_sandwich(
        &self,
        point: &Point,
        derivatives: &[Derivatives],
        room: &mut Workspace,
        mut take: impl FnMut(usize, &Blocks, &[f64], &mut Workspace),
    ) {
        let (mut omega, mut score) = (std::mem::take(&mut room.blocks), std::mem::take(&mut room.cross));
        let (beta, per_group) = (point.beta.as_slice(), self.sigmas.per_group);
        if let Data::Sums(sums) = &self.data {
            sums.set_weighted_residuals(&self.patterns, &self.rows, beta, &point.w, &mut room.data);
        }
        for k in 0..self.sigmas.parameters() {
            omega.clear();
            room.data.by_visit.fill(0.0);
            let patterns = self.patterns.iter().enumerate().filter(|(_, p)| p.group == k / per_group);
            for (index, pattern) in patterns {
                set_positions(&pattern.visits, &mut room.position);
                let (w, derivative) = (point.w.get(index), &derivatives[pattern.cell][k % per_group]);
                if elements_at(derivative, &room.position, pattern.size()).next().is_none() {
                    continue;
                }
                add_sandwich(w, derivative, &room.position, &mut room.left, omega.get_mut(index));
                if let Data::Sums(sums) = &self.data {
                    sums.add_slope(index, pattern, w, elements_at(derivative, &room.position, pattern.size()), &mut room.data);
                }
            }
            match &self.data {
                Data::Sums(sums) => by_column(&self.rows, &room.data.by_visit, sums.values(), &mut score),
                Data::Patients(own) => own.cross_of_residuals(&self.patterns, &self.rows, &omega, beta, &mut score),
            }
            take(k, &omega, &score, room);
        }
        (room.blocks, room.cross) = (omega, score);
    }

    /// The gradient from G on the visit grid; adds tr(G ∂_klΣ) to the upper triangle of the Hessian.
    fn add_bends(&self, point: &Point, derivatives: &[Derivatives], curvature: &mut Curvature, room: &mut Workspace) {
        let per_group = self.sigmas.per_group;
        curvature.gradient.fill(0.0);
        for (cell, g) in room.g.iter().enumerate() {
            let (group, structure) = self.sigmas.of_cell(cell);
            let (first, theta) = (group * per_group, self.sigmas.of_group(&point.theta, group));
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
