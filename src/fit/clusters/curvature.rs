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

use super::Clusters;
use super::layout::ClusterTerm;
use crate::fit::curvature::Curvature;
use crate::fit::problem::Point;
use crate::fit::slopes::Slopes;
use crate::fit::verify::Labels;
use crate::fit::{Confounded, Estimation, Failure};
use nalgebra::{DMatrix, DVector};

/// The share of what the observations say of an effect that must be left when the mean is estimated.
const TAKEN_UP: f64 = 1e-10;

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
    fn projections(&self, point: &Point, estimation: Estimation) -> Option<(DMatrix<f64>, DMatrix<f64>, DMatrix<f64>)> {
        let own = point.clusters.as_ref()?;
        let e = self.remainder(&point.phi, &own.k);
        let a = self.project(&own.k, &e);
        Some(match estimation {
            Estimation::Reml => (e, a.clone(), a),
            Estimation::Ml => {
                let e = self.remainder(&own.known_mean, &own.k);
                let known = self.project(&own.k, &e);
                (e, known, a)
            }
        })
    }

    /// Refuses an effect that the columns of the mean take up: clusters that are levels of a factor of the mean, or
    /// that are one.
    pub fn identified(&self, point: &Point, labels: &Labels) -> Result<(), Failure> {
        let Some(own) = &point.clusters else { return Ok(()) };
        let a = self.project(&own.k, &self.remainder(&point.phi, &own.k));
        let first = point.theta.len() - self.parameters;
        for term in &self.terms {
            for (k, (effect, other)) in term.pairs().into_iter().enumerate() {
                let of = |m: &DMatrix<f64>, from: usize| -> f64 {
                    (0..term.levels).map(|level| term.columns(level).start + effect - from).map(|c| m[(c, c)]).sum()
                };
                if effect == other && of(&a, self.fixed) < TAKEN_UP * of(&own.k, 0) {
                    let parameters = vec![labels.parameters[first + term.first_parameter + k].clone()];
                    return Err(Failure::EffectsNotIdentified { parameters, confounded: Confounded::Mean });
                }
            }
        }
        Ok(())
    }

    /// Writes the derivatives of G's parameters, which stand from `first` on, among themselves.
    pub fn add_curvature(&self, point: &Point, estimation: Estimation, first: usize, curvature: &mut Curvature) {
        let Some(own) = &point.clusters else { return };
        let Some((_, traced, a)) = self.projections(point, estimation) else { return };
        let t = DVector::from_column_slice(&own.t);
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
    pub fn set_fisher(&self, point: &Point, estimation: Estimation, first: usize, fisher: &mut DMatrix<f64>) {
        let Some((_, traced, _)) = self.projections(point, estimation) else { return };
        let traces = self.traces(&traced, &traced);
        fisher.view_mut((first, first), (self.parameters, self.parameters)).copy_from(&traces);
    }

    /// Adds what the Hessian has between the parameters of Σ and those of G.
    pub fn add_crossed(&self, point: &Point, estimation: Estimation, slopes: &Slopes, hessian: &mut DMatrix<f64>) {
        let Some(own) = &point.clusters else { return };
        let Some((e, _, _)) = self.projections(point, estimation) else { return };
        let through_mean = match estimation {
            Estimation::Reml => e.clone(),
            Estimation::Ml => self.remainder(&point.phi, &own.k),
        };
        let first = slopes.len();
        for k in 0..first {
            let moved = slopes.p(k) * &e;
            let score = through_mean.tr_mul(&DVector::from_column_slice(slopes.a(k)));
            // Of E'P_kE + t (E'a_k)' + (E'a_k) t', only the elements that a gradient takes.
            let element = |i: usize, j: usize| e.column(i).dot(&moved.column(j)) + own.t[i] * score[j] + score[i] * own.t[j];
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
