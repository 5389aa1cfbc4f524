//! An optimum found without a Hessian, and what degrees of freedom take of the one that it does not have.

use super::super::curvature::Curvature;
use super::super::found::Found;
use super::super::marginal::{Effects, MarginalModel, Solution, Uncertainty};
use super::super::optimum::Optimum;
use super::super::problem::Problem;
use super::super::refit::Repeat;
use super::super::{Failure, cost};
use super::conjugate::Conjugate;
use super::hessian::{Local, Room, gradient_matrices, root_counts};
use crate::covariance::lower_pairs;
use crate::design::Design;
use nalgebra::{DMatrix, DVector};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The share of a gradient that a solution may leave. What is asked of it, g'H⁻¹g, is exact to its square.
const LEAVES: f64 = 1e-9;

/// An optimum, and products with the Hessian there.
#[derive(Debug)]
pub(in crate::fit) struct MatrixFree {
    /// What has the Hessian where it is asked for.
    dense: Found<Problem>,
    roots: Vec<f64>,
    local: OnceLock<Local>,
    /// Room that is not in use.
    rooms: Mutex<Vec<(Room, Conjugate)>>,
}

impl MatrixFree {
    pub fn of(found: Found<Problem>) -> Self {
        Self { roots: root_counts(&found.likelihood), dense: found, local: OnceLock::new(), rooms: Mutex::new(vec![]) }
    }

    fn visits(&self) -> usize {
        self.dense.likelihood.sigmas.visits()
    }

    /// Lends room to `work`.
    fn within<R>(&self, work: impl FnOnce(&Local, &mut Room, &mut Conjugate) -> R) -> R {
        let problem = &self.dense.likelihood;
        let spare = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (mut room, mut solver) = spare.unwrap_or_else(|| (Room::new(problem), Conjugate::blank(self.roots.len())));
        let local = self.local.get_or_init(|| {
            let mut local = Local::blank(problem);
            local.set(problem, &self.dense.point, &self.roots, &mut room);
            local
        });
        let result = work(local, &mut room, &mut solver);
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push((room, solver));
        result
    }

    /// The elements of triangles of symmetric matrices over Σ, as a gradient has them.
    fn packed(&self, grid: &[f64]) -> DVector<f64> {
        let t = self.visits();
        let of_group = |own: &[f64]| -> Vec<f64> {
            lower_pairs(t).map(|(a, b)| if a == b { own[a * t + a] } else { own[b * t + a] + own[a * t + b] }).collect()
        };
        DVector::from_vec(grid.chunks_exact(t * t).flat_map(of_group).collect())
    }
}

impl Uncertainty for MatrixFree {
    /// tr(∂_kΣ Σ_P W Σ_i X_icc'X_i' W), c = Φv.
    fn variance_gradient(&self, phi_v: &DVector<f64>) -> DVector<f64> {
        let (problem, point, t) = (&self.dense.likelihood, &self.dense.point, self.visits());
        let squares = problem.leverages(&(phi_v * phi_v.transpose()));
        let weighed = problem.between_weights(point, squares);
        let mut grid = vec![0.0; self.roots.len()];
        for (index, pattern) in problem.patterns.iter().enumerate() {
            let (m, own) = (pattern.size(), weighed.get(index));
            for (j, &b) in pattern.visits.iter().enumerate() {
                pattern.visits.iter().enumerate().for_each(|(i, &a)| grid[pattern.cell * t * t + b * t + a] += own[j * m + i]);
            }
        }
        self.packed(&grid)
    }

    fn gradient_of_own_variance(&self, group: usize, a: &[f64], b: &[f64]) -> DVector<f64> {
        let t = self.visits();
        let mut grid = vec![0.0; self.roots.len()];
        for (s, column) in grid[group * t * t..(group + 1) * t * t].chunks_exact_mut(t).enumerate() {
            column.iter_mut().zip(a).for_each(|(x, a)| *x = a * b[s]);
        }
        self.packed(&grid)
    }

    fn spread(&self, gradient: &DVector<f64>) -> f64 {
        let (problem, point, t) = (&self.dense.likelihood, &self.dense.point, self.visits());
        let matrices = gradient_matrices(gradient.as_slice(), t);
        self.within(|local, room, solver| {
            let own = local.whitened(t, &self.roots, &matrices, room);
            let solved = solver.solve(&own, 0.0, LEAVES, |x, product| local.set_product(problem, point, &self.roots, x, product, room));
            let along: f64 = own.iter().zip(&solver.x).map(|(g, x)| g * x).sum();
            // The search has refused optima at which −2ℓ is flat.
            if solved.definite { 2.0 * along } else { f64::INFINITY }
        })
    }
}

impl MarginalModel for MatrixFree {
    fn at(&self, theta: &[f64]) -> Option<Solution> {
        self.dense.at(theta)
    }

    fn curvature_at(&self, theta: &[f64]) -> Option<(f64, Curvature)> {
        self.dense.curvature_at(theta)
    }

    /// Column by column, so that it takes no more memory than it has elements.
    fn curvature(&self) -> Curvature {
        let (problem, point) = (&self.dense.likelihood, &self.dense.point);
        let parameters = problem.sigmas.parameters();
        let mut curvature = Curvature::blank(parameters);
        let mut unit = vec![0.0; parameters];
        self.within(|local, room, _| {
            curvature.gradient = self.packed(&local.slope);
            for column in 0..parameters {
                unit[column] = 1.0;
                curvature.hessian.set_column(column, &self.packed(local.along(problem, point, &self.roots, &unit, room)));
                unit[column] = 0.0;
            }
        });
        curvature
    }

    fn expected_hessian(&self) -> DMatrix<f64> {
        self.dense.expected_hessian()
    }

    fn slopes(&self) -> Vec<DMatrix<f64>> {
        self.dense.slopes()
    }

    fn weighted_q(&self, omega: &DMatrix<f64>) -> DMatrix<f64> {
        self.dense.weighted_q(omega)
    }

    fn weighted_r(&self, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.dense.weighted_r(omega)
    }

    fn intrinsic_r(&self, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.dense.intrinsic_r(omega)
    }

    fn effects(&self, term: usize) -> Effects {
        self.dense.effects(term)
    }

    fn repeat(&self, optimum: &Optimum, design: &Design) -> Result<Box<dyn Repeat>, Failure> {
        self.affords_hessian()?;
        self.dense.repeat(optimum, design)
    }

    fn without_hessian(&self) -> Option<&dyn Uncertainty> {
        Some(self)
    }

    fn affords_hessian(&self) -> Result<(), Failure> {
        let problem = &self.dense.likelihood;
        cost::hessian(problem.sigmas.parameters(), problem.sigmas.visits(), problem.columns)
    }
}
