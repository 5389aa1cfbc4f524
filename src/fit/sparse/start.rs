//! Where the search begins: one or two steps of Fisher scoring in the variances, from effects that add as much to the
//! variance of an observation as the residual has. In balanced data they end at the optimum.

use super::curvature::{Curvature, Elements};
use super::identified;
use super::point::{Point, Problem};
use super::small::semidefinite_root;
use crate::fit::Failure;
use crate::fit::scaled_cholesky::ScaledCholesky;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

const MAX_SCORING: usize = 3;
/// The share of its standard error that a variance gets which scoring would make negative.
const FLOOR: f64 = 0.1;

/// A first point, with the derivatives there.
pub(super) struct Start {
    pub point: Point,
    next: Point,
    pub curvature: Curvature,
    head: Elements,
    psi: Vec<f64>,
    lambda: Vec<f64>,
    /// Standard errors of the elements of Ψ; zero while they are not known.
    pub errors: Vec<f64>,
    factor: ScaledCholesky,
    pub evaluations: usize,
}

impl Start {
    /// Refuses effects that cannot be distinguished from the mean or from each other. `scale` is the mean square of what
    /// multiplies each effect, by parameter.
    pub fn of(problem: &Problem, scale: &[f64]) -> Result<Self, Failure> {
        let mut lambda = vec![0.0; problem.parameters.len()];
        problem.parameters.diagonal().for_each(|k| lambda[k] = 1.0 / scale[k].sqrt());
        let mut start = Self::at(problem, lambda)?;
        identified::parameters(problem, &start.point.lambda, &start.curvature)?;
        start.score(problem);
        Ok(start)
    }

    /// At a Λ that is known, with the standard errors there.
    pub fn near(problem: &Problem, lambda: &[f64]) -> Result<Self, Failure> {
        let mut start = Self::at(problem, lambda.to_vec())?;
        let n = problem.parameters.len();
        let mut expected = DMatrix::zeros(n, n);
        problem.set_expected(&start.curvature, expected.as_mut_slice());
        if start.factor.set(&expected) {
            start.set_errors();
        }
        Ok(start)
    }

    fn at(problem: &Problem, lambda: Vec<f64>) -> Result<Self, Failure> {
        let n = problem.parameters.len();
        let mut start = Self {
            point: problem.blank(),
            next: problem.blank(),
            curvature: problem.blank_curvature(),
            head: problem.head_elements(),
            psi: vec![0.0; n],
            lambda,
            errors: vec![0.0; n],
            factor: ScaledCholesky::blank(n),
            evaluations: 1,
        };
        if !problem.evaluate(&start.lambda, &mut start.point) {
            return Err(Failure::Singular);
        }
        start.differentiate(problem);
        Ok(start)
    }

    fn differentiate(&mut self, problem: &Problem) {
        problem.differentiate(&self.point, &mut self.curvature, &self.head);
    }

    /// Steps of Fisher scoring in σ² and G.
    pub fn score(&mut self, problem: &Problem) {
        let (n, df) = (problem.parameters.len(), problem.residual_df());
        let (mut slope, mut step, mut expected) = (DVector::zeros(n), DVector::zeros(n), DMatrix::zeros(n, n));
        for _ in 0..MAX_SCORING {
            problem.parameters.set_psi(&self.point.lambda, &mut self.psi);
            problem.set_gradient(&self.curvature, slope.as_mut_slice());
            problem.set_expected(&self.curvature, expected.as_mut_slice());
            if !self.factor.set(&expected) {
                return;
            }
            self.factor.solve(&slope, &mut step);
            let decrement = slope.dot(&step);
            // The same step in σ² and G, where Ψ is their ratio.
            let growth = 1.0 + step.iter().zip(&self.curvature.traces).map(|(s, t)| s * t).sum::<f64>() / df;
            self.psi.iter_mut().zip(step.iter()).for_each(|(psi, step)| *psi -= step / growth.max(0.1));
            self.set_errors();
            let inside = self.set_lambda(problem);
            self.evaluations += 1;
            if !problem.evaluate(&self.lambda, &mut self.next) || self.next.value > self.point.value {
                return;
            }
            std::mem::swap(&mut self.point, &mut self.next);
            self.differentiate(problem);
            if decrement < 1.0 || !inside {
                return;
            }
        }
    }

    /// Standard errors; the factor must be that of the expected Hessian.
    fn set_errors(&mut self) {
        let n = self.errors.len();
        let (mut unit, mut column) = (DVector::zeros(n), DVector::zeros(n));
        for k in 0..n {
            unit.fill(0.0);
            unit[k] = 1.0;
            self.factor.solve(&unit, &mut column);
            self.errors[k] = (2.0 * column[k]).sqrt();
        }
    }

    /// The factor Λ of the Ψ proposed; where Ψ is not positive definite, of one near it. Returns whether it was.
    fn set_lambda(&mut self, problem: &Problem) -> bool {
        let parameters = &problem.parameters;
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
            semidefinite_root(&mut root, k);
            parameters.of_term(term).for_each(|(index, p)| self.lambda[index] = root[p.a * k + p.b]);
        }
        inside
    }
}
