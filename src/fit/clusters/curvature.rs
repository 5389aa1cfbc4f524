//! Derivatives of −2ℓ with respect to the covariance of the effects.
//!
//! With E = I_z − ΦK_z (the columns of the effects), A = Z'PZ = K_z'E and t = Z'Py,
//!
//! ```text
//! ∂_g  = tr(A ∂_gG̃) − t'∂_gG̃ t           ∂_gh = −tr(A ∂_gG̃ A ∂_hG̃) + 2 t'∂_gG̃ A ∂_hG̃ t
//! ∂_kg = tr(∂_gG̃ E'P_kE) + 2 t'∂_gG̃ E'a_k    for a parameter k of Σ, P_k and a_k those of the columns [X Z]
//! ```
//!
//! For maximum likelihood the traces have Z'V⁻¹Z, which is what A and E become with M̃ in place of Φ.

use super::layout::ClusterTerm;
use super::problem::EffectsRoom;
use super::{Clusters, EffectsPoint, WithEffects};
use crate::fit::curvature::Curvature;
use crate::fit::likelihood::Differentiable;
use crate::fit::sigmas::Derivatives;
use crate::fit::slopes::Slopes;
use crate::fit::traces::TracePlan;
use crate::fit::verify::Labels;
use crate::fit::{Confounded, Estimation, Failure};
use nalgebra::{DMatrix, DVector};

/// The share of what the observations say of an effect that must be left when the mean is estimated.
const TAKEN_UP: f64 = 1e-10;

impl Differentiable for WithEffects {
    const SCORES: bool = true;

    fn set_leading_curvature(
        &self,
        point: &EffectsPoint,
        derivatives: &[Derivatives],
        plan: TracePlan,
        curvature: &mut Curvature,
        room: &mut EffectsRoom,
    ) {
        let mut leverages = std::mem::take(&mut room.within.blocks);
        self.set_leverages(self.spread(point), &mut leverages, &mut room.within);
        self.within.set_curvature_of_sigma(&point.mean, (leverages, true), derivatives, plan, curvature, &mut room.within);
        self.clusters.set_curvature(point, self.within.estimation, self.within.sigmas.parameters(), curvature);
    }

    fn set_slopes(&self, point: &EffectsPoint, derivatives: &[Derivatives], slopes: &mut Slopes, room: &mut EffectsRoom) {
        let EffectsRoom { within, gram, .. } = room;
        self.within.for_each_sandwich(&point.mean, derivatives, within, |k, omega, score, within| {
            self.within.set_gram(omega, within);
            self.complete_gram(omega, &within.gram, gram);
            let (p, a) = slopes.of_mut(k);
            let (of_mean, of_effects) = a.split_at_mut(score.len());
            of_mean.copy_from_slice(score);
            self.cells.cross(omega, of_effects);
            self.take_effects(gram, point.coefficients.as_slice(), a);
            p.iter_mut().zip(&*gram).for_each(|(x, gram)| *x = -gram);
        });
    }

    fn set_correction(&self, point: &EffectsPoint, slopes: &mut Slopes, correction: &mut DMatrix<f64>) {
        slopes.set_correction(&point.phi, Some(self.spread(point)), correction);
        self.clusters.set_crossed(point, self.within.estimation, slopes, correction);
    }

    fn set_fisher(
        &self,
        point: &EffectsPoint,
        derivatives: &[Derivatives],
        plan: TracePlan,
        fisher: &mut DMatrix<f64>,
        room: &mut EffectsRoom,
    ) {
        self.within.set_fisher(&point.mean, derivatives, plan, fisher, &mut room.within);
        self.clusters.set_fisher(point, self.within.estimation, self.within.sigmas.parameters(), fisher);
    }
}

impl WithEffects {
    /// What stands for Φ in the derivatives of the determinants: Φ for REML, what it is for a known mean for maximum
    /// likelihood.
    fn spread<'p>(&self, point: &'p EffectsPoint) -> &'p DMatrix<f64> {
        match self.within.estimation {
            Estimation::Reml => &point.phi,
            Estimation::Ml => &point.known_mean,
        }
    }
}

impl Clusters {
    /// I_z − SK_z for S = Φ, or M̃ where the mean is known: n × q.
    pub(super) fn remainder(&self, s: &DMatrix<f64>, k: &DMatrix<f64>) -> DMatrix<f64> {
        let (p, q) = (self.fixed, self.effects());
        let mut e = s * k.columns(p, q);
        e.neg_mut();
        (0..q).for_each(|c| e[(p + c, c)] += 1.0);
        e
    }

    /// Z'[X Z]-weighted by a remainder: K_z'E, q × q.
    pub(super) fn project(&self, k: &DMatrix<f64>, e: &DMatrix<f64>) -> DMatrix<f64> {
        let a = k.rows(self.fixed, self.effects()) * e;
        0.5 * (&a + a.transpose())
    }

    /// E of the criterion's traces, and A of both the criterion's traces and of y'Py.
    fn projections(&self, point: &EffectsPoint, estimation: Estimation) -> (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>) {
        let e = self.remainder(&point.phi, &point.k);
        let a = self.project(&point.k, &e);
        match estimation {
            Estimation::Reml => (e, a.clone(), a),
            Estimation::Ml => {
                let e = self.remainder(&point.known_mean, &point.k);
                let known = self.project(&point.k, &e);
                (e, known, a)
            }
        }
    }

    /// Refuses an effect that the columns of the mean take up: clusters that are levels of a factor of the mean, or
    /// that are one.
    pub fn identified(&self, point: &EffectsPoint, labels: &Labels) -> Result<(), Failure> {
        let a = self.project(&point.k, &self.remainder(&point.phi, &point.k));
        let first = point.mean.theta.len() - self.parameters;
        for term in &self.terms {
            for (k, (effect, other)) in term.pairs().into_iter().enumerate() {
                let of = |m: &DMatrix<f64>, from: usize| -> f64 {
                    (0..term.levels).map(|level| term.columns(level).start + effect - from).map(|c| m[(c, c)]).sum()
                };
                if effect == other && of(&a, self.fixed) < TAKEN_UP * of(&point.k, 0) {
                    let parameters = vec![labels.parameters[first + term.first_parameter + k].clone()];
                    return Err(Failure::EffectsNotIdentified { parameters, confounded: Confounded::Mean });
                }
            }
        }
        Ok(())
    }

    /// Writes the derivatives of G's parameters, which stand from `first` on, among themselves.
    fn set_curvature(&self, point: &EffectsPoint, estimation: Estimation, first: usize, curvature: &mut Curvature) {
        let (_, traced, a) = self.projections(point, estimation);
        let t = DVector::from_column_slice(&point.t);
        let square = &t * t.transpose();
        for (k, value) in self.gradients(|i, j| traced[(i, j)] - square[(i, j)]).into_iter().enumerate() {
            curvature.gradient[first + k] = value;
        }
        let mut hessian = -self.traces(&traced, &traced);
        hessian += 2.0 * self.traces(&a, &square);
        let n = self.parameters;
        let symmetric = 0.5 * (&hessian + hessian.transpose());
        curvature.hessian.view_mut((first, first), (n, n)).copy_from(&symmetric);
    }

    /// Writes the metric of G's parameters among themselves: what their second derivatives are expected to be.
    fn set_fisher(&self, point: &EffectsPoint, estimation: Estimation, first: usize, fisher: &mut DMatrix<f64>) {
        let (_, traced, _) = self.projections(point, estimation);
        let traces = self.traces(&traced, &traced);
        fisher.view_mut((first, first), (self.parameters, self.parameters)).copy_from(&traces);
    }

    /// Writes what the Hessian has between the parameters of Σ and those of G.
    fn set_crossed(&self, point: &EffectsPoint, estimation: Estimation, slopes: &Slopes, hessian: &mut DMatrix<f64>) {
        let (e, _, _) = self.projections(point, estimation);
        let through_mean = match estimation {
            Estimation::Reml => e.clone(),
            Estimation::Ml => self.remainder(&point.phi, &point.k),
        };
        let first = slopes.len();
        for k in 0..first {
            let moved = slopes.p(k) * &e;
            let score = through_mean.tr_mul(&DVector::from_column_slice(slopes.a(k)));
            // Of E'P_kE + t (E'a_k)' + (E'a_k) t', only the elements that a gradient takes.
            let element = |i: usize, j: usize| e.column(i).dot(&moved.column(j)) + point.t[i] * score[j] + score[i] * point.t[j];
            for (g, value) in self.gradients(element).into_iter().enumerate() {
                hessian[(k, first + g)] = value;
                hessian[(first + g, k)] = value;
            }
        }
    }

    /// tr(∂_gG̃ M) of every parameter g, for a symmetric q × q M given by its elements.
    pub(super) fn gradients(&self, m: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let of_term = |term: &ClusterTerm| -> Vec<f64> {
            let of_pair = |(a, b): (usize, usize)| {
                let twice = if a == b { 1.0 } else { 2.0 };
                let starts = (0..term.levels).map(|level| term.columns(level).start - self.fixed);
                twice * starts.map(|s| m(s + a, s + b)).sum::<f64>()
            };
            term.pairs().into_iter().map(of_pair).collect()
        };
        self.terms.iter().flat_map(of_term).collect()
    }

    /// tr(M ∂_gG̃ N ∂_hG̃) of all pairs of parameters, for symmetric q × q M and N.
    pub(super) fn traces(&self, m: &DMatrix<f64>, n: &DMatrix<f64>) -> DMatrix<f64> {
        let mut traces = DMatrix::zeros(self.parameters, self.parameters);
        for r in &self.terms {
            for s in &self.terms {
                for (g, pair) in r.pairs().into_iter().enumerate() {
                    for (h, other) in s.pairs().into_iter().enumerate() {
                        traces[(r.first_parameter + g, s.first_parameter + h)] = self.trace((r, pair), (s, other), m, n);
                    }
                }
            }
        }
        traces
    }

    fn trace(
        &self,
        (r, (a, b)): (&ClusterTerm, (usize, usize)),
        (s, (c, d)): (&ClusterTerm, (usize, usize)),
        m: &DMatrix<f64>,
        n: &DMatrix<f64>,
    ) -> f64 {
        let mut sum = 0.0;
        // ∂G has ones at (a, b) and (b, a).
        for (a, b) in orders(a, b) {
            for (c, d) in orders(c, d) {
                for j in 0..r.levels {
                    let j = r.columns(j).start - self.fixed;
                    for l in 0..s.levels {
                        let l = s.columns(l).start - self.fixed;
                        sum += m[(l + d, j + a)] * n[(j + b, l + c)];
                    }
                }
            }
        }
        sum
    }

    /// ∂_gG̃ M for the parameter at `pair` of a term: q × columns of M.
    pub(super) fn derivative_times(&self, term: &ClusterTerm, (a, b): (usize, usize), m: &DMatrix<f64>) -> DMatrix<f64> {
        let mut product = DMatrix::zeros(m.nrows(), m.ncols());
        for level in 0..term.levels {
            let s = term.columns(level).start - self.fixed;
            for (a, b) in orders(a, b) {
                let row = product.row(s + a) + m.row(s + b);
                product.set_row(s + a, &row);
            }
        }
        product
    }
}

fn orders(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    [(a, b), (b, a)].into_iter().take(if a == b { 1 } else { 2 })
}
