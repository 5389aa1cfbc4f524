//! −2ℓ with σ² at its best, as a search sees it: over the factors Λ, where a variance that vanishes is a point like any
//! other.

use super::curvature::{Curvature as Sums, Elements};
use super::eta::Order;
use super::parameters::Parameter;
use super::point::{Point, Problem};
use super::small::semidefinite_root;
use super::start::Start;
use crate::fit::Failure;
use crate::fit::curvature::Curvature;
use crate::fit::objective::Objective;
use crate::fit::search::Search;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// The variance of an effect, in standard errors, that is zero.
pub(super) const VANISHED: f64 = 1e-9;
/// The ratio of an effect's variance to that of the residual beyond which there is no residual.
pub(super) const UNBOUNDED: f64 = 1e13;

/// The objective.
#[derive(Debug, Clone)]
pub(super) struct Profiled {
    pub problem: Problem,
    /// The mean square of what multiplies each effect, by parameter.
    pub scale: Vec<f64>,
    /// Standard errors of the elements of Ψ; zero where they are not known.
    pub errors: Vec<f64>,
    /// The factors, for messages.
    pub factors: Vec<String>,
}

/// What a search keeps.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    /// The derivatives over Ψ, and whether they are those of where the search stands.
    sums: Sums,
    current: bool,
    head: Elements,
    order: Order,
    lambda: Vec<f64>,
    /// Gradient and Hessian over Ψ, reordered as η is.
    gradient: Vec<f64>,
    hessian: Vec<f64>,
    /// ∂Ψ/∂η.
    jacobian: Vec<f64>,
    square: Vec<f64>,
}

impl Room {
    /// Takes a Hessian over Ψ, in `square`, to the order of η.
    fn reorder(&mut self) {
        let (n, places) = (self.gradient.len(), &self.order.places);
        for (x, &from) in places.iter().enumerate() {
            places.iter().enumerate().for_each(|(y, &to)| self.hessian[x * n + y] = self.square[from * n + to]);
        }
    }

    /// Writes J'HJ.
    fn set_in_eta(&mut self, product: &mut DMatrix<f64>) {
        let n = self.gradient.len();
        let (j, h) = (&self.jacobian, &self.hessian);
        for k in 0..n {
            for x in 0..n {
                self.square[k * n + x] = (0..n).map(|l| h[k * n + l] * j[l * n + x]).sum();
            }
        }
        let product = product.as_mut_slice();
        for x in 0..n {
            for y in 0..n {
                product[x * n + y] = (0..n).map(|k| j[k * n + x] * self.square[k * n + y]).sum();
            }
        }
    }
}

impl Objective for Profiled {
    type Place = Point;
    type Room = Room;

    fn dimension(&self) -> usize {
        self.problem.parameters.len()
    }

    fn blank(&self) -> Point {
        self.problem.blank()
    }

    fn room(&self, _start: &Point) -> Room {
        self.room_of(self.problem.blank_curvature(), false)
    }

    fn value(place: &Point) -> f64 {
        place.value
    }

    fn set_eta(&self, place: &Point, eta: &mut [f64], room: &mut Room) {
        room.order.set_eta(&self.problem.parameters, &self.scale, &place.lambda, eta);
    }

    fn evaluate(&self, eta: &[f64], place: &mut Point, room: &mut Room) -> bool {
        room.order.set_lambda(&self.problem.parameters, eta, &mut room.lambda);
        self.problem.evaluate(&room.lambda, place)
    }

    fn follow(&self, place: &Point, eta: &mut [f64], room: &mut Room) {
        self.set_eta(place, eta, room);
        room.current = false;
    }

    fn set_curvature(&self, place: &Point, eta: &[f64], _correction: Option<&DMatrix<f64>>, curvature: &mut Curvature, room: &mut Room) {
        self.differentiate(place, room);
        let (n, parameters) = (self.dimension(), &self.problem.parameters);
        parameters.set_jacobian(eta, &mut room.jacobian);
        self.set_gradient(room);
        let (j, gradient) = (&room.jacobian, &room.gradient);
        curvature.gradient.iter_mut().enumerate().for_each(|(x, s)| *s = (0..n).map(|k| j[k * n + x] * gradient[k]).sum());
        self.problem.set_observed(&room.sums, &mut room.square);
        room.reorder();
        room.set_in_eta(&mut curvature.hessian);
        parameters.add_bend(&room.gradient, curvature.hessian.as_mut_slice());
    }

    fn is_exact(&self) -> bool {
        true
    }

    /// The expected Hessian, and the bends of η as far as they are convex: where −2ℓ rises with a variance they are all
    /// that keeps a step towards zero from going too far.
    fn set_metric(&self, place: &Point, eta: &[f64], metric: &mut DMatrix<f64>, room: &mut Room) {
        self.differentiate(place, room);
        let parameters = &self.problem.parameters;
        parameters.set_jacobian(eta, &mut room.jacobian);
        self.set_gradient(room);
        self.problem.set_expected(&room.sums, &mut room.square);
        room.reorder();
        room.set_in_eta(metric);
        self.keep_convex(&mut room.gradient);
        parameters.add_bend(&room.gradient, metric.as_mut_slice());
    }

    fn scores(&self) -> bool {
        true
    }

    fn begin(&self, search: &mut Search<Self>) -> Result<(), Failure> {
        let Search { place, eta, metric, room, .. } = search;
        self.set_metric(place, eta, metric, room);
        Ok(())
    }

    fn escape(&self, _search: &mut Search<Self>) -> bool {
        false
    }

    fn is_lost(&self, search: &mut Search<Self>, _damped: bool) -> bool {
        self.is_unbounded(&search.place)
    }

    /// Makes exact zeros of what vanished, and moves on where −2ℓ falls towards the inside.
    fn settle(&self, search: &mut Search<Self>) -> Result<bool, Failure> {
        if self.is_unbounded(&search.place) {
            return Err(self.no_variation_left());
        }
        let parameters = &self.problem.parameters;
        let mut vanished = false;
        search.next_eta.copy_from_slice(&search.eta);
        for k in parameters.diagonal() {
            let own = search.room.order.places[k];
            let error = if self.errors[own] > 0.0 { self.errors[own] } else { 1.0 / self.scale[own] };
            if search.eta[k].powi(2) < VANISHED * error {
                // What the effects after it have in common with it is less, by their order.
                let Parameter { term, a, .. } = parameters.list[k];
                let column = parameters.of_term(term).filter(|(_, p)| p.b == a);
                column.for_each(|(index, _)| {
                    vanished |= search.eta[index] != 0.0;
                    search.next_eta[index] = 0.0;
                });
            }
        }
        if vanished && search.evaluate_next(self) && search.stays_level() {
            search.accept(self);
        }
        if parameters.diagonal().all(|k| search.place.lambda[k] != 0.0) {
            return Ok(true);
        }
        self.differentiate(&search.place, &mut search.room);
        Ok(!self.moves_inside(search))
    }

    fn diagnosis(&self, search: &mut Search<Self>, iterations: usize) -> Failure {
        if self.is_unbounded(&search.place) { self.no_variation_left() } else { Failure::NotConverged { iterations } }
    }
}

impl Profiled {
    /// Room with derivatives, which may be those of where the search begins.
    pub fn room_of(&self, sums: Sums, current: bool) -> Room {
        let n = self.dimension();
        Room {
            sums,
            current,
            head: self.problem.head_elements(),
            order: Order::of(&self.problem.parameters),
            lambda: vec![0.0; n],
            gradient: vec![0.0; n],
            hessian: vec![0.0; n * n],
            jacobian: vec![0.0; n * n],
            square: vec![0.0; n * n],
        }
    }

    fn differentiate(&self, place: &Point, room: &mut Room) {
        if !room.current {
            self.problem.differentiate(place, &mut room.sums, &room.head);
            room.current = true;
        }
    }

    /// The gradient over Ψ, in the order of η.
    fn set_gradient(&self, room: &mut Room) {
        let n = self.dimension();
        self.problem.set_gradient(&room.sums, &mut room.square[..n]);
        room.gradient.iter_mut().zip(&room.order.places).for_each(|(g, &place)| *g = room.square[place]);
    }

    /// Replaces a gradient over every Ψ, as a symmetric matrix, by its positive semidefinite part.
    fn keep_convex(&self, gradient: &mut [f64]) {
        let parameters = &self.problem.parameters;
        for (term, &k) in parameters.sizes.iter().enumerate() {
            if !parameters.is_correlated(term) {
                parameters.of_term(term).for_each(|(index, _)| gradient[index] = gradient[index].max(0.0));
                continue;
            }
            let share = |a: usize, b: usize| if a == b { 1.0 } else { 0.5 };
            if k == 2 {
                let first = parameters.of_term(term).next().map_or(0, |(index, _)| index);
                let [a, b, d] = convex_pair([gradient[first], 0.5 * gradient[first + 1], gradient[first + 2]]);
                gradient[first..first + 3].copy_from_slice(&[a, 2.0 * b, d]);
                continue;
            }
            let own = parameters.symmetric(term, gradient);
            let mut eigen = SymmetricEigen::new(DMatrix::from_fn(k, k, |a, b| share(a, b) * own[a * k + b]));
            eigen.eigenvalues.iter_mut().for_each(|l| *l = l.max(0.0));
            let convex = eigen.recompose();
            parameters.of_term(term).for_each(|(index, p)| gradient[index] = convex[(p.a, p.b)] / share(p.a, p.b));
        }
    }

    /// A way inside from the edge: the direction that vanished from a G in which −2ℓ falls.
    fn moves_inside(&self, search: &mut Search<Self>) -> bool {
        let parameters = &self.problem.parameters;
        let (mut psi, mut gradient) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
        parameters.set_psi(&search.place.lambda, &mut psi);
        self.problem.set_gradient(&search.room.sums, &mut gradient);
        for (term, &k) in parameters.sizes.iter().enumerate() {
            let Some((slope, direction)) = self.steepest(term, k, &psi, &gradient) else { continue };
            let position = |a: usize| parameters.position(term, a, a);
            let size: f64 = (0..k).filter_map(|a| position(a).map(|i| direction[a].powi(2) * self.scale[i])).sum();
            if slope >= -1e-7 * self.problem.residual_df().sqrt() * size {
                continue;
            }
            for halving in 0..20 {
                let add = 0.1 / size * 0.25_f64.powi(halving);
                let mut own = parameters.symmetric(term, &psi);
                (0..k * k).for_each(|cell| own[cell] += add * direction[cell / k] * direction[cell % k]);
                semidefinite_root(&mut own, k);
                let mut lambda = search.place.lambda.clone();
                parameters.of_term(term).for_each(|(index, p)| lambda[index] = own[p.a * k + p.b]);
                if self.problem.evaluate(&lambda, &mut search.next) && search.has_fallen() {
                    search.accept(self);
                    return true;
                }
            }
        }
        false
    }

    /// The direction in which a term's G is zero and −2ℓ falls fastest, with the slope.
    fn steepest(&self, term: usize, k: usize, psi: &[f64], gradient: &[f64]) -> Option<(f64, DVector<f64>)> {
        let parameters = &self.problem.parameters;
        let unit = |a: usize| parameters.position(term, a, a).map_or(1.0, |i| 1.0 / self.scale[i].sqrt());
        let slope = |a: usize, b: usize| {
            let index = parameters.position(term, a.max(b), a.min(b));
            index.map_or(0.0, |i| gradient[i] * if a == b { 1.0 } else { 0.5 })
        };
        let own = parameters.symmetric(term, psi);
        let eigen = SymmetricEigen::new(DMatrix::from_fn(k, k, |a, b| own[a * k + b] / (unit(a) * unit(b))));
        let largest = eigen.eigenvalues.max();
        let null: Vec<usize> = (0..k).filter(|&a| eigen.eigenvalues[a] <= 1e-12 * largest).collect();
        if null.is_empty() {
            return None;
        }
        let basis = DMatrix::from_fn(k, null.len(), |a, c| eigen.eigenvectors[(a, null[c])] * unit(a));
        let inner = basis.transpose() * DMatrix::from_fn(k, k, slope) * &basis;
        let inner = SymmetricEigen::new(inner);
        let least = inner.eigenvalues.imin();
        Some((inner.eigenvalues[least], basis * inner.eigenvectors.column(least)))
    }

    fn is_unbounded(&self, place: &Point) -> bool {
        let parameters = &self.problem.parameters;
        parameters.diagonal().any(|k| place.lambda[k].powi(2) * self.scale[k] > UNBOUNDED)
            || place.squares < 1e-26 * self.problem.data.squares
    }

    fn no_variation_left(&self) -> Failure {
        Failure::NoVariationLeft { factors: self.factors.clone() }
    }
}

/// The positive semidefinite part of the symmetric matrix ((a, b), (b, d)).
fn convex_pair([a, b, d]: [f64; 3]) -> [f64; 3] {
    let (middle, half) = (0.5 * (a + d), (0.5 * (a - d)).hypot(b));
    let (least, most) = (middle - half, middle + half);
    if least >= 0.0 {
        return [a, b, d];
    }
    if most <= 0.0 {
        return [0.0; 3];
    }
    // The projection on the eigenvector of the larger eigenvalue is (M − least I) / (most − least).
    let by = most / (most - least);
    [by * (a - least), by * b, by * (d - least)]
}

impl Search<Profiled> {
    /// Moves to a start, the derivatives of which are known, and leaves its own room there.
    pub fn begin_from(&mut self, objective: &mut Profiled, start: &mut Start) {
        std::mem::swap(&mut self.place, &mut start.point);
        std::mem::swap(&mut self.room.sums, &mut start.curvature);
        objective.errors.copy_from_slice(&start.errors);
        self.correction.forget();
        self.scoring = false;
        objective.follow(&self.place, &mut self.eta, &mut self.room);
        self.room.current = true;
    }
}
