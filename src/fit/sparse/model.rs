//! What the sparse engine answers of the marginal model.

use super::SparseFit;
use super::natural::{Natural, value};
use super::point::Point;
use super::refit::SparseRefit;
use crate::covariance::lower;
use crate::design::Design;
use crate::fit::Failure;
use crate::fit::curvature::Curvature;
use crate::fit::marginal::{Effects, MarginalModel, Solution};
use crate::fit::optimum::Optimum;
use crate::fit::refit::Repeat;
use nalgebra::DMatrix;

/// −2ℓ at some θ.
struct There {
    /// θ of the effects as they were fitted.
    theta: Vec<f64>,
    /// At their Λ.
    point: Point,
    value: f64,
}

impl SparseFit {
    /// −2ℓ at θ; `None` where it has no value.
    fn there(&self, theta: &[f64]) -> Option<There> {
        let theta = self.turned.fitted(theta);
        let sigma = theta[0];
        if sigma.is_nan() || sigma <= 0.0 {
            return None;
        }
        let psi: Vec<f64> = theta[1..].iter().map(|g| g / sigma).collect();
        let mut lambda = vec![0.0; psi.len()];
        for (term, own) in self.clusters.terms.iter().enumerate() {
            let factor = own.factor(&psi)?;
            self.problem.parameters.of_term(term).for_each(|(index, p)| lambda[index] = factor[lower(p.a, p.b)]);
        }
        let mut point = self.problem.blank();
        let value = self.problem.evaluate(&lambda, &mut point).then(|| value(&self.problem, &point, sigma))?;
        Some(There { theta, point, value })
    }

    /// The same with derivatives, as they are at the optimum.
    pub(super) fn natural(&self) -> Natural<'_> {
        Natural { problem: &self.problem, turned: &self.turned, theta: &self.fitted, point: &self.point, curvature: self.curvature() }
    }
}

impl MarginalModel for SparseFit {
    fn at(&self, theta: &[f64]) -> Option<Solution> {
        let there = self.there(theta)?;
        let (beta, phi) = self.problem.mean(&there.point);
        Some(Solution { value: there.value, beta, phi: phi * there.theta[0] })
    }

    fn curvature_at(&self, theta: &[f64]) -> Option<(f64, Curvature)> {
        let there = self.there(theta)?;
        let mut curvature = self.problem.blank_curvature();
        self.problem.differentiate(&there.point, &mut curvature, &self.problem.head_elements());
        let own = Natural { problem: &self.problem, turned: &self.turned, theta: &there.theta, point: &there.point, curvature: &curvature };
        Some((there.value, Curvature { gradient: own.gradient(), hessian: own.hessian() }))
    }

    fn curvature(&self) -> Curvature {
        Curvature { gradient: self.natural().gradient(), hessian: self.natural().hessian() }
    }

    fn expected_hessian(&self) -> DMatrix<f64> {
        self.natural().expected_hessian()
    }

    fn slopes(&self) -> Vec<DMatrix<f64>> {
        self.natural().slopes()
    }

    fn weighted_q(&self, omega: &DMatrix<f64>) -> DMatrix<f64> {
        self.natural().weighted_q(omega)
    }

    /// V is linear in θ.
    fn weighted_r(&self, _omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        None
    }

    fn intrinsic_r(&self, _omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        None
    }

    fn effects(&self, term: usize) -> Effects {
        self.effects_of(term)
    }

    fn repeat(&self, optimum: &Optimum, design: &Design) -> Result<Box<dyn Repeat>, Failure> {
        Ok(Box::new(SparseRefit::new(self, optimum, design)?))
    }
}
