//! Where the search begins: one or two steps of Fisher scoring in the variances, from effects that add as much to the
//! variance of an observation as the residual has. In balanced data they end at the optimum. Where an evaluation costs
//! much, the first step is made from no effects at all, where it costs little.

use super::curvature::{Curvature, Elements};
use super::identified;
use super::point::{Point, Problem};
use super::small::{has_root, semidefinite_root};
use crate::fit::Failure;
use crate::fit::scaled_cholesky::ScaledCholesky;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

const MAX_SCORING: usize = 3;
/// The share of its standard error that a variance gets which scoring would make negative.
const FLOOR: f64 = 0.1;

/// The decrement below which Newton's step is as good as one of scoring.
const NEAR: f64 = 0.01;
/// The effects of a component from which its inverse is what an evaluation costs.
const LARGE: usize = 100;

/// What a step of scoring was.
pub(super) struct Step {
    /// g'H⁻¹g before it.
    decrement: f64,
    /// Whether it led to a positive definite Ψ.
    inside: bool,
}

/// A first point, with the derivatives there, and room for the steps that lead to it.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub point: Point,
    pub next: Point,
    pub curvature: Curvature,
    head: Elements,
    psi: Vec<f64>,
    lambda: Vec<f64>,
    /// Standard errors of the elements of Ψ; zero while they are not known.
    pub errors: Vec<f64>,
    factor: ScaledCholesky,
    expected: DMatrix<f64>,
    slope: DVector<f64>,
    step: DVector<f64>,
    /// Two matrices of a term.
    room: [Vec<f64>; 2],
    pub evaluations: usize,
}

impl Start {
    /// Refuses effects that cannot be distinguished from the mean or from each other. `scale` is the mean square of what
    /// multiplies each effect, by parameter.
    pub fn of(problem: &Problem, scale: &[f64]) -> Result<Self, Failure> {
        if problem.data.components.iter().any(|component| component.size >= LARGE)
            && let Some(mut start) = Self::by_moments(problem)
            && identified::parameters(problem, &start.point.lambda, &start.curvature).is_ok()
        {
            start.score(problem, NEAR);
            return Ok(start);
        }
        let mut start = Self::blank(problem);
        start.lambda.fill(0.0);
        problem.parameters.diagonal().for_each(|k| start.lambda[k] = 1.0 / scale[k].sqrt());
        start.stand(problem)?;
        identified::parameters(problem, &start.point.lambda, &start.curvature)?;
        start.score(problem, NEAR);
        Ok(start)
    }

    /// Where one step from no effects at all leads, at which no matrix need be inverted: to the moments of Rao's MINQUE(0).
    /// `None` where they are no covariance.
    fn by_moments(problem: &Problem) -> Option<Self> {
        let mut start = Self::blank(problem);
        start.stand(problem).ok()?;
        start.step(problem, NEAR).filter(|step| step.inside).map(|_| start)
    }

    /// A start at Λ = 0, of which nothing is known yet.
    pub fn blank(problem: &Problem) -> Self {
        let (n, k) = (problem.parameters.len(), problem.parameters.sizes.iter().copied().max().unwrap_or(0));
        Self {
            point: problem.blank(),
            next: problem.blank(),
            curvature: problem.blank_curvature(),
            head: problem.head_elements(),
            psi: vec![0.0; n],
            lambda: vec![0.0; n],
            errors: vec![0.0; n],
            factor: ScaledCholesky::blank(n),
            expected: DMatrix::zeros(n, n),
            slope: DVector::zeros(n),
            step: DVector::zeros(n),
            room: [vec![0.0; k * k], vec![0.0; k * k]],
            evaluations: 0,
        }
    }

    /// Moves to a Λ that is known.
    pub fn begin_at(&mut self, problem: &Problem, lambda: &[f64]) -> Result<(), Failure> {
        self.lambda.copy_from_slice(lambda);
        self.evaluations = 0;
        self.stand(problem)
    }

    /// Evaluates and differentiates at Λ.
    fn stand(&mut self, problem: &Problem) -> Result<(), Failure> {
        self.evaluations += 1;
        if !problem.evaluate(&self.lambda, &mut self.point) {
            return Err(Failure::Singular);
        }
        self.differentiate(problem);
        Ok(())
    }

    fn differentiate(&mut self, problem: &Problem) {
        problem.differentiate(&self.point, &mut self.curvature, &self.head);
    }

    /// Steps of Fisher scoring in σ² and G, until Newton's would do as well; none where the decrement is below `least`.
    pub fn score(&mut self, problem: &Problem, least: f64) {
        for _ in 0..MAX_SCORING {
            match self.step(problem, least) {
                Some(Step { decrement, inside }) if decrement >= 1.0 && inside => {}
                _ => return,
            }
        }
    }

    /// One of them, where the decrement is `least` or more; `None` where none was made.
    pub fn step(&mut self, problem: &Problem, least: f64) -> Option<Step> {
        let df = problem.residual_df();
        problem.parameters.set_psi(&self.point.lambda, &mut self.psi);
        problem.set_gradient(&self.curvature, self.slope.as_mut_slice());
        problem.set_expected(&self.curvature, self.expected.as_mut_slice());
        if !self.factor.set(&self.expected) {
            return None;
        }
        self.factor.solve(&self.slope, &mut self.step);
        let decrement = self.slope.dot(&self.step);
        // The same step in σ² and G, where Ψ is their ratio.
        let growth = 1.0 + self.step.iter().zip(&self.curvature.traces).map(|(s, t)| s * t).sum::<f64>() / df;
        self.psi.iter_mut().zip(self.step.iter()).for_each(|(psi, step)| *psi -= step / growth.max(0.1));
        self.set_errors();
        if decrement < least {
            return None;
        }
        let inside = self.set_lambda(problem);
        self.evaluations += 1;
        if !problem.evaluate(&self.lambda, &mut self.next) || self.next.value > self.point.value {
            return None;
        }
        std::mem::swap(&mut self.point, &mut self.next);
        self.differentiate(problem);
        Some(Step { decrement, inside })
    }

    /// Standard errors; the factor must be that of the expected Hessian.
    fn set_errors(&mut self) {
        for k in 0..self.errors.len() {
            self.slope.fill(0.0);
            self.slope[k] = 1.0;
            self.factor.solve(&self.slope, &mut self.step);
            self.errors[k] = (2.0 * self.step[k]).sqrt();
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
            let [own, less] = &mut self.room;
            let (own, less) = (&mut own[..k * k], &mut less[..k * k]);
            parameters.set_lower(term, &self.psi, own);
            // Whether no eigenvalue, in units of the standard errors, is below the floor.
            less.copy_from_slice(own);
            (0..k).for_each(|a| less[a * k + a] -= FLOOR * error(a));
            if !has_root(less, k) {
                inside = false;
                let scaled = DMatrix::from_fn(k, k, |a, b| own[a.max(b) * k + a.min(b)] / (error(a) * error(b)).sqrt());
                let mut eigen = SymmetricEigen::new(scaled);
                eigen.eigenvalues.iter_mut().for_each(|l| *l = l.max(FLOOR));
                let scaled = eigen.recompose();
                (0..k * k).for_each(|cell| own[cell] = scaled[(cell / k, cell % k)] * (error(cell / k) * error(cell % k)).sqrt());
            }
            semidefinite_root(own, k);
            parameters.of_term(term).for_each(|(index, p)| self.lambda[index] = own[p.a * k + p.b]);
        }
        inside
    }
}
