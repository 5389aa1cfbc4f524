//! Derivatives of −2ℓ with respect to the covariance of the effects.
//!
//! With E = I_z − S̃K_z (the columns of the effects), S̃ the inverse of Henderson's matrix, A = Z'PZ = K_z'E and t = Z'Py,
//!
//! ```text
//! ∂_g  = tr(A ∂_gG̃) − t'∂_gG̃ t           ∂_gh = −tr(A ∂_gG̃ A ∂_hG̃) + 2 t'∂_gG̃ A ∂_hG̃ t
//! ∂_kg = tr(∂_gG̃ E'P_kE) + 2 t'∂_gG̃ E'a_k    for a parameter k of Σ, P_k and a_k those of the columns [X Z]
//! ```
//!
//! For maximum likelihood the traces have Z'V⁻¹Z, which is what A and E become for a mean that is known. Between
//! components A is of low rank, −USU', so that tr(A ∂_gG̃ A ∂_hG̃) is a sum within components and a trace of small
//! matrices (see [`Projection`]).

use super::layout::ClusterTerm;
use super::problem::EffectsRoom;
use super::projection::Projection;
use super::shape::{Component, Level, Shape};
use super::slopes::EffectSlopes;
use super::{Clusters, EffectsPoint, WithEffects};
use crate::fit::curvature::Curvature;
use crate::fit::kernels::{axpy, dot};
use crate::fit::likelihood::{Differentiable, Products};
use crate::fit::sigmas::Derivatives;
use crate::fit::traces::TracePlan;
use crate::fit::{Confounded, Estimation, Failure};
use nalgebra::{DMatrix, DVector};

/// The share of what the observations say of an effect that must be left when the mean is estimated.
const TAKEN_UP: f64 = 1e-10;

/// Room for derivatives.
#[derive(Debug, Clone)]
pub(super) struct DerivativeRoom {
    /// SU'∂_gG̃U of every parameter of G, outer × outer.
    low: Vec<f64>,
    /// ∂_gG̃t of every parameter, q.
    moved: Vec<f64>,
    /// A∂_gG̃t of one.
    projected: Vec<f64>,
    /// Two vectors of the outer columns.
    outer: [Vec<f64>; 2],
    /// Of a component: what P_k makes of E, for the outer columns and for its own effects.
    across: Vec<f64>,
    square: Vec<f64>,
    /// E'a_k, q.
    score: Vec<f64>,
    /// A sum for every parameter of G.
    values: Vec<f64>,
}

impl DerivativeRoom {
    pub fn new(clusters: &Clusters, shape: &Shape) -> Self {
        let (g, width, largest) = (clusters.parameters, shape.outer, shape.largest().max(shape.joined()));
        Self {
            low: vec![0.0; if shape.components.len() > 1 { g * width * width } else { 0 }],
            moved: vec![0.0; g * shape.effects()],
            projected: vec![0.0; shape.effects()],
            outer: [vec![0.0; width], vec![0.0; width]],
            across: vec![0.0; width * largest],
            square: vec![0.0; largest * largest],
            score: vec![0.0; shape.effects()],
            values: vec![0.0; g],
        }
    }
}

impl Differentiable for WithEffects {
    const SCORES: bool = true;

    type Slopes = EffectSlopes;

    fn blank_slopes(&self) -> EffectSlopes {
        EffectSlopes::blank(self.within.sigmas.parameters(), &self.shape)
    }

    fn products(&self) -> Products {
        let (shape, cells) = (&self.shape, self.cells.products());
        let squares: usize = shape.components.iter().map(|c| c.size().pow(3)).sum();
        Products {
            coefficients: shape.columns(),
            solution: 3 * shape.products() + 2 * cells,
            slope: 2 * shape.products() + squares + cells,
            pair: shape.len() / 2,
        }
    }

    fn set_leading_curvature(
        &self,
        point: &EffectsPoint,
        derivatives: &[Derivatives],
        plan: TracePlan,
        curvature: &mut Curvature,
        room: &mut EffectsRoom,
    ) {
        let mut leverages = std::mem::take(&mut room.within.blocks);
        self.set_leverages(self.spread(point), point, &mut leverages, room);
        self.within.set_curvature_of_sigma(&point.mean, (leverages, true), derivatives, plan, curvature, &mut room.within);
        self.set_curvature_of_effects(point, curvature, room);
    }

    fn set_slopes(&self, point: &EffectsPoint, derivatives: &[Derivatives], slopes: &mut EffectSlopes, room: &mut EffectsRoom) {
        let EffectsRoom { within, cell, .. } = room;
        self.within.for_each_sandwich(&point.mean, derivatives, within, |k, omega, score, within| {
            self.within.set_gram(omega, within);
            let (form, a) = slopes.of_mut(k);
            self.complete_form(omega, &within.gram, form, cell);
            let (of_mean, of_effects) = a.split_at_mut(score.len());
            of_mean.copy_from_slice(score);
            self.cells.cross(omega, of_effects, cell);
            self.take_effects(form, point.coefficients.as_slice(), a);
            form.iter_mut().for_each(|x| *x = -*x);
            self.change_form(point, form);
            self.change_vector(point, a);
        });
    }

    fn set_correction(&self, point: &EffectsPoint, slopes: &mut EffectSlopes, correction: &mut DMatrix<f64>, room: &mut EffectsRoom) {
        correction.fill(0.0);
        slopes.add_products(-2.0, &point.phi, &self.shape, point, correction);
        slopes.add_traces(-1.0, self.spread(point), &self.shape, point, correction);
        self.project(point, room);
        let first = slopes.len();
        for k in 0..first {
            self.set_crossed_traces(slopes.form(k), room);
            self.add_crossed_scores(slopes.a(k), point, room);
            for (g, &value) in room.derivatives.values.iter().enumerate() {
                correction[(k, first + g)] = value;
                correction[(first + g, k)] = value;
            }
        }
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
        room.projections[0].set(&self.shape, point, self.spread(point));
        self.add_traces(1.0, fisher, room);
    }
}

impl WithEffects {
    /// What stands for Φ in the derivatives of the determinants: Φ for REML, what it is for a known mean for maximum
    /// likelihood.
    fn spread<'p>(&self, point: &'p EffectsPoint) -> &'p [f64] {
        match self.within.estimation {
            Estimation::Reml => &point.phi,
            Estimation::Ml => &point.known_mean,
        }
    }

    /// The projection of the criterion's traces, and where it is another that of y'Py.
    fn project(&self, point: &EffectsPoint, room: &mut EffectsRoom) {
        let [traced, own] = &mut room.projections;
        traced.set(&self.shape, point, self.spread(point));
        if self.within.estimation == Estimation::Ml {
            own.set(&self.shape, point, &point.phi);
        }
    }

    /// The projection of y'Py, among those of the room.
    fn of_squares(&self) -> usize {
        usize::from(self.within.estimation == Estimation::Ml)
    }

    /// Refuses an effect that the columns of the mean take up: clusters that are levels of a factor of the mean, or
    /// that are one.
    pub(super) fn identified(&self, point: &EffectsPoint) -> Result<(), Failure> {
        let (shape, labels) = (&self.shape, &self.within.labels);
        let mut projection = Projection::blank(shape);
        projection.set(shape, point, &point.phi);
        let (outer, _, inner) = shape.parts(&point.k);
        let of_data = |position: usize| match shape.component_of(position).map(|c| (&shape.components[c], position - shape.joined())) {
            None => outer[(shape.fixed + position) * (shape.outer + 1)],
            Some((own, at)) => inner[own.square.start + (at - own.effects.start) * (own.size() + 1)],
        };
        let left = |position: usize| match shape.component_of(position).map(|c| (&shape.components[c], position - shape.joined())) {
            None => projection.joined[position * (shape.joined() + 1)],
            Some((own, at)) => projection.within(own, at - own.effects.start, at - own.effects.start),
        };
        let first = point.mean.theta.len() - self.clusters.parameters;
        for (t, term) in self.clusters.terms.iter().enumerate() {
            for (k, &(effect, other)) in term.pairs().iter().enumerate() {
                let positions = || (0..term.levels).map(|level| shape.first(t, level) + effect);
                if effect == other && positions().map(left).sum::<f64>() < TAKEN_UP * positions().map(of_data).sum::<f64>() {
                    let parameters = vec![labels.parameters[first + term.first_parameter + k].clone()];
                    return Err(Failure::EffectsNotIdentified { parameters, confounded: Confounded::Mean });
                }
            }
        }
        Ok(())
    }

    /// Writes the derivatives of G's parameters among themselves.
    fn set_curvature_of_effects(&self, point: &EffectsPoint, curvature: &mut Curvature, room: &mut EffectsRoom) {
        self.project(point, room);
        let (shape, first) = (&self.shape, self.within.sigmas.parameters());
        self.add_traces(-1.0, &mut curvature.hessian, room);
        let (q, count, at) = (shape.effects(), self.clusters.parameters, self.of_squares());
        let EffectsRoom { projections, derivatives: room, .. } = room;
        let traced = &projections[0];
        room.values.fill(0.0);
        self.for_each_level(|level, component| {
            let term = &self.clusters.terms[level.term];
            for (g, &(a, b)) in (term.first_parameter..).zip(term.pairs()) {
                let (i, j) = (level.first + a, level.first + b);
                let own = match component {
                    None => traced.joined[j * shape.joined() + i],
                    Some(own) => {
                        let offset = own.effects.start + shape.joined();
                        traced.within(own, i - offset, j - offset)
                    }
                };
                room.values[g] += if a == b { 1.0 } else { 2.0 } * (own - point.t[i] * point.t[j]);
            }
        });
        curvature.gradient.rows_mut(first, count).copy_from_slice(&room.values);
        self.set_moved(&point.t, &mut room.moved);
        for h in 0..count {
            let x = &room.moved[h * q..(h + 1) * q];
            projections[at].times(shape, &point.phi, x, &mut room.projected, &mut room.outer);
            for g in 0..=h {
                let value = 2.0 * dot(&room.moved[g * q..(g + 1) * q], &room.projected);
                curvature.hessian[(first + g, first + h)] += value;
                if g < h {
                    curvature.hessian[(first + h, first + g)] += value;
                }
            }
        }
    }

    /// Calls with every level, and its component where it is not joined.
    fn for_each_level(&self, mut act: impl FnMut(&Level, Option<&Component>)) {
        self.shape.joined_levels().iter().for_each(|level| act(level, None));
        for component in &self.shape.components {
            self.shape.levels[component.levels.clone()].iter().for_each(|level| act(level, Some(component)));
        }
    }

    /// Writes ∂_gG̃x of every parameter g.
    fn set_moved(&self, x: &[f64], moved: &mut [f64]) {
        let q = x.len();
        moved.fill(0.0);
        for level in &self.shape.levels {
            let term = &self.clusters.terms[level.term];
            for (g, &(a, b)) in (term.first_parameter..).zip(term.pairs()) {
                orders(a, b).for_each(|(a, b)| moved[g * q + level.first + a] += x[level.first + b]);
            }
        }
    }

    /// Adds factor tr(A ∂_gG̃ A ∂_hG̃) of all pairs of G's parameters, A that of the first projection.
    pub(super) fn add_traces(&self, factor: f64, sum: &mut DMatrix<f64>, room: &mut EffectsRoom) {
        let (shape, first, width) = (&self.shape, self.within.sigmas.parameters(), self.shape.outer);
        let (own, joined) = (&room.projections[0], self.shape.joined());
        let mut add = |g: usize, h: usize, value: f64| sum[(first + g, first + h)] += factor * value;
        let levels = shape.joined_levels();
        self.block_traces(levels, levels, |i, j| own.joined[j * joined + i], |i, j| own.joined[j * joined + i], &mut add);
        for component in &shape.components {
            let (levels, from, size) = (&shape.levels[component.levels.clone()], component.effects.start + joined, component.size());
            let square = component.square.clone();
            let (known, low) = (&own.known[square.clone()], &own.low[square]);
            let at = |i: usize, j: usize| {
                let at = (j - from) * size + i - from;
                known[at] - low[at]
            };
            self.block_traces(levels, levels, at, at, &mut add);
            let others = shape.joined_levels();
            if !others.is_empty() {
                let across = |joined_effect: usize, effect: usize| own.across[(effect - joined) * joined + joined_effect];
                self.block_traces(others, levels, across, across, &mut |g, h, value| {
                    add(g, h, value);
                    add(h, g, value);
                });
            }
            if shape.components.len() > 1 {
                let at = |i: usize, j: usize| low[(j - from) * size + i - from];
                self.block_traces(levels, levels, at, at, &mut |g, h, value| add(g, h, -value));
            }
        }
        if shape.components.len() < 2 {
            return;
        }
        let low = &mut room.derivatives.low;
        low.fill(0.0);
        for level in &shape.levels[shape.joined_levels().len()..] {
            let term = &self.clusters.terms[level.term];
            for (g, &(a, b)) in (term.first_parameter..).zip(term.pairs()) {
                let target = &mut low[g * width * width..(g + 1) * width * width];
                for (a, b) in orders(a, b) {
                    let [a, u] = [(&own.a, a), (&own.u, b)].map(|(m, e)| column(m, width, level.first - joined + e));
                    target.chunks_exact_mut(width).zip(u).for_each(|(to, &u)| axpy(to, -u, a));
                }
            }
        }
        for (g, own) in low.chunks_exact(width * width).enumerate() {
            for (h, other) in low.chunks_exact(width * width).enumerate().take(g + 1) {
                let trace: f64 = (0..width).map(|j| (0..width).map(|i| own[j * width + i] * other[i * width + j]).sum::<f64>()).sum();
                add(g, h, trace);
                if h < g {
                    add(h, g, trace);
                }
            }
        }
    }

    /// The parts of tr(M ∂_gG̃ N ∂_hG̃) between levels of one kind and of another: M and N are asked for the elements of a
    /// row that is an effect of the first kind and a column that is one of the second.
    fn block_traces(
        &self,
        rows: &[Level],
        columns: &[Level],
        m: impl Fn(usize, usize) -> f64,
        n: impl Fn(usize, usize) -> f64,
        add: &mut impl FnMut(usize, usize, f64),
    ) {
        for r in rows {
            let own = &self.clusters.terms[r.term];
            for s in columns {
                let other = &self.clusters.terms[s.term];
                for (g, &(a, b)) in (own.first_parameter..).zip(own.pairs()) {
                    for (h, &(c, d)) in (other.first_parameter..).zip(other.pairs()) {
                        // ∂G has ones at (a, b) and (b, a).
                        let mut sum = 0.0;
                        for (a, b) in orders(a, b) {
                            for (c, d) in orders(c, d) {
                                sum += m(r.first + a, s.first + d) * n(r.first + b, s.first + c);
                            }
                        }
                        add(g, h, sum);
                    }
                }
            }
        }
    }

    /// tr(∂_gG̃ E'PE) of every parameter of G for a form P in the basis \[outer − ZN, Z\], E that of the first projection;
    /// into the room's values.
    pub(super) fn set_crossed_traces(&self, form: &[f64], room: &mut EffectsRoom) {
        let (shape, width, joined) = (&self.shape, self.shape.outer, self.shape.joined());
        let (outer, across, inner) = shape.parts(form);
        let EffectsRoom { projections: [own, _], derivatives: room, .. } = room;
        room.values.fill(0.0);
        let values = &mut room.values;
        let mut add = |level: &Level, element: &dyn Fn(usize, usize) -> f64| {
            let term: &ClusterTerm = &self.clusters.terms[level.term];
            for (g, &(a, b)) in (term.first_parameter..).zip(term.pairs()) {
                values[g] += if a == b { 1.0 } else { 2.0 } * element(level.first + a, level.first + b);
            }
        };
        // Columns of PE of the joined effects.
        let moved = &mut room.across[..width * joined];
        for (to, q) in moved.chunks_exact_mut(width).zip(own.q.chunks_exact(width)) {
            to.fill(0.0);
            outer.chunks_exact(width).zip(q).for_each(|(column, &q)| axpy(to, q, column));
        }
        let moved = &*moved;
        for level in shape.joined_levels() {
            add(level, &|i, j| dot(column(&own.q, width, i), column(moved, width, j)));
        }
        for component in &shape.components {
            let (size, of) = (component.size(), component.effects.start * width..component.effects.end * width);
            let (a, b) = (&own.a[of.clone()], &own.b[component.square.clone()]);
            let (p_across, p_inner) = (&across[of], &inner[component.square.clone()]);
            let (to_outer, to_own) = (&mut room.across[..width * size], &mut room.square[..size * size]);
            for j in 0..size {
                let (a_j, b_j) = (column(a, width, j), column(b, size, j));
                let to = &mut to_outer[j * width..(j + 1) * width];
                to.fill(0.0);
                outer.chunks_exact(width).zip(a_j).for_each(|(p, &a)| axpy(to, a, p));
                p_across.chunks_exact(width).zip(b_j).for_each(|(p, &b)| axpy(to, b, p));
                let to = &mut to_own[j * size..(j + 1) * size];
                to.iter_mut().zip(p_across.chunks_exact(width)).for_each(|(x, p)| *x = dot(p, a_j));
                p_inner.chunks_exact(size).zip(b_j).for_each(|(p, &b)| axpy(to, b, p));
            }
            let (to_outer, to_own) = (&*to_outer, &*to_own);
            let offset = component.effects.start + joined;
            for level in &shape.levels[component.levels.clone()] {
                add(level, &|i, j| {
                    let (i, j) = (i - offset, j - offset);
                    dot(column(a, width, i), column(to_outer, width, j)) + dot(column(b, size, i), column(to_own, size, j))
                });
            }
        }
    }

    /// Adds 2 t'∂_gG̃ E'a for a vector a in the same basis, E that of y'Py.
    fn add_crossed_scores(&self, a: &[f64], point: &EffectsPoint, room: &mut EffectsRoom) {
        let (shape, width) = (&self.shape, self.shape.outer);
        let own = &room.projections[self.of_squares()];
        let DerivativeRoom { score, values, .. } = &mut room.derivatives;
        let (of_outer, of_components) = a.split_at(width);
        let (joined, components) = score.split_at_mut(shape.joined());
        joined.iter_mut().zip(own.q.chunks_exact(width)).for_each(|(x, q)| *x = dot(q, of_outer));
        components.iter_mut().zip(own.a.chunks_exact(width)).for_each(|(x, a)| *x = dot(a, of_outer));
        for component in &shape.components {
            let (of, v) = (component.effects.clone(), &of_components[component.effects.clone()]);
            let square = own.b[component.square.clone()].chunks_exact(component.size());
            components[of].iter_mut().zip(square).for_each(|(x, b)| *x += dot(b, v));
        }
        for level in &shape.levels {
            let term = &self.clusters.terms[level.term];
            for (g, &(a, b)) in (term.first_parameter..).zip(term.pairs()) {
                let (i, j) = (level.first + a, level.first + b);
                values[g] += if a == b { 1.0 } else { 2.0 } * (point.t[i] * score[j] + score[i] * point.t[j]);
            }
        }
    }

    /// tr(∂_gG̃ E'PE), as [`set_crossed_traces`](Self::set_crossed_traces) writes it.
    pub(super) fn crossed_traces<'r>(&self, form: &[f64], room: &'r mut EffectsRoom) -> &'r [f64] {
        self.set_crossed_traces(form, room);
        &room.derivatives.values
    }

    /// ∂_gG̃x for the parameter at an element of a term.
    pub(super) fn moved(&self, term: usize, (a, b): (usize, usize), x: &DVector<f64>) -> DVector<f64> {
        let mut moved = DVector::zeros(x.len());
        for first in (0..self.clusters.terms[term].levels).map(|level| self.shape.first(term, level)) {
            orders(a, b).for_each(|(a, b)| moved[first + a] += x[first + b]);
        }
        moved
    }
}

/// A column of a matrix of so many rows.
fn column(matrix: &[f64], rows: usize, at: usize) -> &[f64] {
    &matrix[at * rows..(at + 1) * rows]
}

fn orders(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    [(a, b), (b, a)].into_iter().take(if a == b { 1 } else { 2 })
}
