//! The search for the minimum of −2ℓ: one or two steps of Fisher scoring in the variances, where −2ℓ is nearly what
//! scoring takes it for, then Newton's method with exact derivatives in Λ, where a variance that vanishes is a point
//! like any other.

use super::curvature::{Curvature, Elements};
use super::point::{Point, Problem};
use crate::fit::Failure;
use crate::fit::scaled_cholesky::ScaledCholesky;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// The Newton decrement that the last step may be expected to leave, in units of −2ℓ.
const LEFT: f64 = 1e-24;
/// The decrement below which a search that no longer gains has met the limit of the arithmetic.
const STALLED: f64 = 1e-10;
/// The decrement below which Newton's steps square the error.
const NEAR: f64 = 1e-2;
const MAX_ITERATIONS: usize = 100;
const MAX_SCORING: usize = 3;
const MAX_HALVINGS: usize = 40;
/// The share of its standard error that a variance gets which scoring would make negative.
const FLOOR: f64 = 0.1;
/// The variance of an effect, in standard errors, that is zero.
const VANISHED: f64 = 1e-9;
/// The ratio of an effect's variance to that of the residual beyond which there is no residual.
const UNBOUNDED: f64 = 1e13;

/// The end of a search.
#[derive(Debug)]
pub(super) struct Optimum {
    pub point: Point,
    pub iterations: usize,
    pub evaluations: usize,
    pub decrement: f64,
}

/// Where a search stands.
pub(super) struct Search<'p> {
    problem: &'p Problem,
    point: Point,
    next: Point,
    curvature: Curvature,
    head: Elements,
    /// The mean square of what multiplies each effect, by parameter; of the diagonal ones.
    scale: Vec<f64>,
    /// Over Ψ.
    psi: Vec<f64>,
    gradient: Vec<f64>,
    observed: Vec<f64>,
    expected: DMatrix<f64>,
    jacobian: Vec<f64>,
    /// Λ with the effects of each term in the order of their size, so that what vanishes stands last.
    eta: Vec<f64>,
    orders: Vec<Vec<usize>>,
    /// The element of Ψ that each element of the reordered one is.
    places: Vec<usize>,
    /// Over η.
    slope: DVector<f64>,
    hessian: DMatrix<f64>,
    factor: ScaledCholesky,
    step: DVector<f64>,
    lambda: Vec<f64>,
    errors: Vec<f64>,
    room: Vec<f64>,
    evaluations: usize,
}

impl<'p> Search<'p> {
    /// A search that begins where every effect adds as much to the variance as the residual has.
    pub fn new(problem: &'p Problem, scale: Vec<f64>) -> Result<Self, Failure> {
        let n = problem.parameters.len();
        let mut point = problem.blank();
        let mut lambda = vec![0.0; n];
        problem.parameters.diagonal().for_each(|k| lambda[k] = 1.0 / scale[k].sqrt());
        if !problem.evaluate(&lambda, &mut point) {
            return Err(Failure::Singular);
        }
        Ok(Self {
            next: problem.blank(),
            curvature: problem.blank_curvature(),
            head: problem.head_elements(),
            scale,
            psi: vec![0.0; n],
            gradient: vec![0.0; n],
            observed: vec![0.0; n * n],
            expected: DMatrix::zeros(n, n),
            jacobian: vec![0.0; n * n],
            eta: vec![0.0; n],
            orders: problem.parameters.sizes.iter().map(|&k| (0..k).collect()).collect(),
            places: (0..n).collect(),
            slope: DVector::zeros(n),
            hessian: DMatrix::zeros(n, n),
            factor: ScaledCholesky::blank(n),
            step: DVector::zeros(n),
            errors: vec![0.0; n],
            room: vec![0.0; n * n],
            evaluations: 1,
            lambda,
            problem,
            point,
        })
    }

    /// The derivatives where the search stands.
    pub fn differentiate(&mut self) -> (&Point, &Curvature) {
        self.problem.differentiate(&self.point, &mut self.curvature, &self.head);
        (&self.point, &self.curvature)
    }

    /// Minimises −2ℓ; the derivatives at the start must have been taken.
    pub fn minimise(mut self) -> Result<Optimum, Failure> {
        let mut previous = self.score();
        for iteration in 1..=MAX_ITERATIONS {
            self.set_newton();
            let decrement = self.set_step();
            let left = decrement * (decrement / previous.min(NEAR)).min(1.0);
            let converged = decrement < NEAR && (left < LEFT || (decrement < STALLED && decrement > 0.25 * previous));
            previous = decrement;
            let moved = self.descend(if converged { 1 } else { MAX_HALVINGS });
            if self.is_unbounded() {
                return Err(Failure::NoVariationLeft { factors: vec![] });
            }
            if converged || (!moved && decrement < STALLED) {
                if self.settle() {
                    return Ok(self.optimum(iteration, decrement));
                }
                previous = f64::INFINITY;
            } else if !moved {
                return Err(Failure::NotConverged { iterations: iteration });
            }
            self.differentiate();
        }
        Err(Failure::NotConverged { iterations: MAX_ITERATIONS })
    }

    fn optimum(self, iterations: usize, decrement: f64) -> Optimum {
        Optimum { point: self.point, iterations, evaluations: self.evaluations, decrement }
    }

    /// Steps of Fisher scoring in σ² and G; returns the decrement before the last one.
    fn score(&mut self) -> f64 {
        let (n, df) = (self.problem.parameters.len(), self.problem.residual_df());
        let mut decrement = f64::INFINITY;
        for _ in 0..MAX_SCORING {
            self.set_over_psi();
            if !self.factor.set(&self.expected) {
                return decrement;
            }
            self.slope.as_mut_slice().copy_from_slice(&self.gradient);
            self.factor.solve(&self.slope, &mut self.step);
            decrement = self.slope.dot(&self.step);
            // The same step in σ² and G, where Ψ is their ratio.
            let growth = 1.0 + self.step.iter().zip(&self.curvature.traces).map(|(s, t)| s * t).sum::<f64>() / df;
            for k in 0..n {
                self.psi[k] -= self.step[k] / growth.max(0.1);
            }
            self.set_errors();
            let inside = self.set_lambda_of_psi();
            if !self.evaluate_next() || self.next.value > self.point.value {
                return f64::INFINITY;
            }
            std::mem::swap(&mut self.point, &mut self.next);
            self.differentiate();
            if decrement < 1.0 || !inside {
                break;
            }
        }
        decrement
    }

    /// Gradient and Hessians over Ψ.
    fn set_over_psi(&mut self) {
        let n = self.problem.parameters.len();
        self.problem.parameters.set_psi(&self.point.lambda, &mut self.psi);
        self.problem.set_gradient(&self.curvature, &mut self.gradient);
        self.problem.set_expected(&self.curvature, &mut self.room);
        self.expected.as_mut_slice().copy_from_slice(&self.room[..n * n]);
    }

    /// Standard errors of the elements of Ψ; the factor must be that of the expected Hessian.
    fn set_errors(&mut self) {
        let n = self.problem.parameters.len();
        let mut unit = DVector::zeros(n);
        for k in 0..n {
            unit.fill(0.0);
            unit[k] = 1.0;
            self.factor.solve(&unit, &mut self.step);
            self.errors[k] = (2.0 * self.step[k]).sqrt();
        }
    }

    /// The factor Λ of the Ψ proposed; where Ψ is not positive definite, of one near it. Returns whether it was.
    fn set_lambda_of_psi(&mut self) -> bool {
        let parameters = &self.problem.parameters;
        let mut inside = true;
        for (term, &k) in parameters.sizes.iter().enumerate() {
            let error = |a: usize| parameters.position(term, a, a).map_or(1.0, |index| self.errors[index]);
            if k == 1 {
                for (index, _) in parameters.of_term(term) {
                    inside &= self.psi[index] >= FLOOR * error(0);
                    self.lambda[index] = self.psi[index].max(FLOOR * error(0)).sqrt();
                }
                continue;
            }
            let own = parameters.symmetric(term, &self.psi);
            let scaled = DMatrix::from_fn(k, k, |a, b| own[a * k + b] / (error(a) * error(b)).sqrt());
            let mut eigen = SymmetricEigen::new(scaled);
            if eigen.eigenvalues.iter().any(|&l| l < FLOOR) {
                inside = false;
                eigen.eigenvalues.iter_mut().for_each(|l| *l = l.max(FLOOR));
            }
            let scaled = eigen.recompose();
            let mut root: Vec<f64> =
                (0..k * k).map(|cell| scaled[(cell / k, cell % k)] * (error(cell / k) * error(cell % k)).sqrt()).collect();
            super::small::semidefinite_root(&mut root, k);
            parameters.of_term(term).for_each(|(index, p)| self.lambda[index] = root[p.a * k + p.b]);
        }
        inside
    }

    /// η of where the search stands.
    ///
    /// Were the variance of a first effect to vanish, the elements below it and those after would turn into each
    /// other without changing G, and Newton's steps would follow the bend of that valley.
    fn set_eta(&mut self) {
        let parameters = &self.problem.parameters;
        for (term, &k) in parameters.sizes.iter().enumerate() {
            if k == 1 {
                parameters.of_term(term).for_each(|(index, _)| self.eta[index] = self.point.lambda[index]);
                continue;
            }
            let mut rows = vec![0.0; k * k];
            parameters.set_lower(term, &self.point.lambda, &mut rows);
            let unit = |a: usize| parameters.position(term, a, a).map_or(1.0, |index| self.scale[index]);
            if parameters.is_correlated(term) {
                order_by_size(&mut rows, k, unit, &mut self.orders[term]);
            }
            let order = &self.orders[term];
            for (index, p) in parameters.of_term(term) {
                self.eta[index] = rows[p.a * k + p.b];
                let (a, b) = (order[p.a], order[p.b]);
                self.places[index] = parameters.position(term, a.max(b), a.min(b)).unwrap_or(index);
            }
        }
    }

    /// Λ of η.
    fn set_lambda_of_eta(&mut self) {
        let parameters = &self.problem.parameters;
        self.lambda.copy_from_slice(&self.eta);
        for (term, &k) in parameters.sizes.iter().enumerate() {
            let order = &self.orders[term];
            if order.is_sorted() {
                continue;
            }
            let mut rows = vec![0.0; k * k];
            parameters.of_term(term).for_each(|(index, p)| rows[order[p.a] * k + p.b] = self.eta[index]);
            (0..k).for_each(|a| rotate_to_lower(&mut rows, k, a));
            parameters.of_term(term).for_each(|(index, p)| self.lambda[index] = rows[p.a * k + p.b]);
        }
    }

    /// Gradient and Hessian over η.
    fn set_newton(&mut self) {
        self.set_eta();
        let (n, parameters) = (self.problem.parameters.len(), &self.problem.parameters);
        parameters.set_jacobian(&self.eta, &mut self.jacobian);
        self.problem.set_gradient(&self.curvature, &mut self.room[..n]);
        self.gradient.iter_mut().zip(&self.places).for_each(|(g, &place)| *g = self.room[place]);
        self.problem.set_observed(&self.curvature, &mut self.room);
        for (x, &from) in self.places.iter().enumerate() {
            self.places.iter().enumerate().for_each(|(y, &to)| self.observed[x * n + y] = self.room[from * n + to]);
        }
        let (j, h) = (&self.jacobian, &self.observed);
        self.slope.iter_mut().enumerate().for_each(|(x, s)| *s = (0..n).map(|k| j[k * n + x] * self.gradient[k]).sum());
        // H J, then J'(H J).
        for k in 0..n {
            for x in 0..n {
                self.room[k * n + x] = (0..n).map(|l| h[k * n + l] * j[l * n + x]).sum();
            }
        }
        let hessian = self.hessian.as_mut_slice();
        for x in 0..n {
            for y in 0..n {
                hessian[x * n + y] = (0..n).map(|k| j[k * n + x] * self.room[k * n + y]).sum();
            }
        }
        parameters.add_bend(&self.gradient, hessian);
    }

    /// Sets a downhill step, Newton's where the Hessian is positive definite, and returns its decrement.
    ///
    /// Elsewhere the step goes against the slope along every axis of the Hessian, as far as the curvature's size
    /// allows, and not at all where there is none (Dauphin et al. 2014, NIPS 27): a factor of a singular G has
    /// directions that change nothing.
    fn set_step(&mut self) -> f64 {
        if self.factor.set(&self.hessian) {
            self.factor.solve(&self.slope, &mut self.step);
            self.step.neg_mut();
            return -self.slope.dot(&self.step);
        }
        let n = self.problem.parameters.len();
        let unit = |k: usize| {
            let own = self.hessian[(k, k)].abs();
            // Where a factor has no curvature of its own, the size it began with.
            let least = 1e-8 * self.scale[self.diagonal_of(k)];
            1.0 / own.max(least).sqrt()
        };
        let units: Vec<f64> = (0..n).map(unit).collect();
        let scaled = DMatrix::from_fn(n, n, |x, y| self.hessian[(x, y)] * units[x] * units[y]);
        let eigen = SymmetricEigen::new(scaled);
        let slope = DVector::from_fn(n, |x, _| self.slope[x] * units[x]);
        let along = eigen.eigenvectors.transpose() * slope;
        let share = DVector::from_fn(n, |x, _| {
            let curvature = eigen.eigenvalues[x].abs();
            if curvature < 1e-9 { 0.0 } else { -along[x] / curvature }
        });
        let step = &eigen.eigenvectors * share;
        self.step.iter_mut().enumerate().for_each(|(x, s)| *s = step[x] * units[x]);
        -self.slope.dot(&self.step)
    }

    /// The variance of the effect in whose row of η an element stands.
    fn diagonal_of(&self, k: usize) -> usize {
        let own = self.problem.parameters.list[k];
        let effect = self.orders[own.term][own.a];
        self.problem.parameters.position(own.term, effect, effect).unwrap_or(k)
    }

    /// Takes the step, or as much of it as lets −2ℓ fall; whether there was any.
    fn descend(&mut self, trials: usize) -> bool {
        let promised = -self.slope.dot(&self.step);
        let (mut share, mut taken) = (1.0, 0.0);
        for _ in 0..trials {
            let moved = share - taken;
            self.eta.iter_mut().zip(self.step.iter()).for_each(|(eta, step)| *eta += moved * step);
            taken = share;
            self.set_lambda_of_eta();
            if self.evaluate_next() && self.next.value <= self.point.value - 1e-4 * share * promised + noise(self.point.value) {
                std::mem::swap(&mut self.point, &mut self.next);
                return true;
            }
            share *= 0.5;
        }
        false
    }

    fn evaluate_next(&mut self) -> bool {
        self.evaluations += 1;
        self.problem.evaluate(&self.lambda, &mut self.next)
    }

    /// Makes exact zeros of what vanished, and says whether the end is a minimum; moves on where −2ℓ falls towards
    /// the inside.
    fn settle(&mut self) -> bool {
        self.set_eta();
        let parameters = &self.problem.parameters;
        let mut vanished = false;
        for k in parameters.diagonal() {
            let own = self.places[k];
            let error = if self.errors[own] > 0.0 { self.errors[own] } else { 1.0 / self.scale[own] };
            if self.eta[k] != 0.0 && self.eta[k].powi(2) < VANISHED * error {
                self.eta[k] = 0.0;
                vanished = true;
            }
        }
        self.set_lambda_of_eta();
        if vanished && self.evaluate_next() && self.next.value <= self.point.value + 10.0 * noise(self.point.value) {
            std::mem::swap(&mut self.point, &mut self.next);
        }
        if self.problem.parameters.diagonal().all(|k| self.point.lambda[k] != 0.0) {
            return true;
        }
        self.differentiate();
        self.problem.set_gradient(&self.curvature, &mut self.gradient);
        !self.escape()
    }

    /// A way inside from the edge: the direction that vanished from a G in which −2ℓ falls.
    fn escape(&mut self) -> bool {
        for (term, &k) in self.problem.parameters.sizes.iter().enumerate() {
            let Some((slope, direction)) = self.steepest(term, k) else { continue };
            let position = |a: usize| self.problem.parameters.position(term, a, a);
            let size: f64 = (0..k).filter_map(|a| position(a).map(|i| direction[a].powi(2) * self.scale[i])).sum();
            if slope >= -1e-7 * self.problem.residual_df().sqrt() * size {
                continue;
            }
            for halving in 0..20 {
                let add = 0.1 / size * 0.25_f64.powi(halving);
                let psi: Vec<f64> = {
                    let mut psi = vec![0.0; self.psi.len()];
                    self.problem.parameters.set_psi(&self.point.lambda, &mut psi);
                    let mut own = self.problem.parameters.symmetric(term, &psi);
                    (0..k * k).for_each(|cell| own[cell] += add * direction[cell / k] * direction[cell % k]);
                    super::small::semidefinite_root(&mut own, k);
                    own
                };
                self.lambda.copy_from_slice(&self.point.lambda);
                self.problem.parameters.of_term(term).for_each(|(index, p)| self.lambda[index] = psi[p.a * k + p.b]);
                if self.evaluate_next() && self.next.value < self.point.value - noise(self.point.value) {
                    std::mem::swap(&mut self.point, &mut self.next);
                    return true;
                }
            }
        }
        false
    }

    /// The direction in which a term's G is zero and −2ℓ falls fastest, with the slope.
    fn steepest(&self, term: usize, k: usize) -> Option<(f64, DVector<f64>)> {
        let parameters = &self.problem.parameters;
        let unit = |a: usize| parameters.position(term, a, a).map_or(1.0, |i| 1.0 / self.scale[i].sqrt());
        let gradient = |a: usize, b: usize| {
            let index = parameters.position(term, a.max(b), a.min(b));
            index.map_or(0.0, |i| self.gradient[i] * if a == b { 1.0 } else { 0.5 })
        };
        let mut psi = vec![0.0; self.psi.len()];
        parameters.set_psi(&self.point.lambda, &mut psi);
        let own = parameters.symmetric(term, &psi);
        let eigen = SymmetricEigen::new(DMatrix::from_fn(k, k, |a, b| own[a * k + b] / (unit(a) * unit(b))));
        let largest = eigen.eigenvalues.max();
        let null: Vec<usize> = (0..k).filter(|&a| eigen.eigenvalues[a] <= 1e-12 * largest).collect();
        if null.is_empty() {
            return None;
        }
        let basis = DMatrix::from_fn(k, null.len(), |a, c| eigen.eigenvectors[(a, null[c])] * unit(a));
        let inner = basis.transpose() * DMatrix::from_fn(k, k, gradient) * &basis;
        let inner = SymmetricEigen::new(inner);
        let least = inner.eigenvalues.imin();
        Some((inner.eigenvalues[least], basis * inner.eigenvectors.column(least)))
    }

    fn is_unbounded(&self) -> bool {
        let parameters = &self.problem.parameters;
        parameters.diagonal().any(|k| self.point.lambda[k].powi(2) * self.scale[k] > UNBOUNDED)
            || self.point.squares < 1e-26 * self.problem.data.squares
    }
}

/// What −2ℓ may rise by from rounding alone.
fn noise(value: f64) -> f64 {
    1e-12 * (1.0 + value.abs())
}

/// Orders the rows of a factor, each after those that leave less of it, and turns its columns until it is lower
/// triangular again.
fn order_by_size(rows: &mut [f64], k: usize, unit: impl Fn(usize) -> f64, order: &mut [usize]) {
    order.iter_mut().enumerate().for_each(|(a, own)| *own = a);
    for a in 0..k {
        let left = |b: usize| unit(order[b]) * rows[b * k + a..(b + 1) * k].iter().map(|x| x * x).sum::<f64>();
        let mut largest = a;
        for b in a + 1..k {
            if left(b) > left(largest) {
                largest = b;
            }
        }
        order.swap(a, largest);
        (0..k).for_each(|c| rows.swap(a * k + c, largest * k + c));
        rotate_to_lower(rows, k, a);
    }
}

/// Turns columns a, a + 1, … so that row a has nothing beyond its diagonal.
fn rotate_to_lower(rows: &mut [f64], k: usize, a: usize) {
    for b in a + 1..k {
        let (x, y) = (rows[a * k + a], rows[a * k + b]);
        if y == 0.0 {
            continue;
        }
        let length = x.hypot(y);
        let (cos, sin) = (x / length, y / length);
        for row in rows.chunks_exact_mut(k) {
            let (p, q) = (row[a], row[b]);
            row[a] = cos * p + sin * q;
            row[b] = cos * q - sin * p;
        }
        rows[a * k + b] = 0.0;
    }
}
