//! The optimum of a likelihood by patterns, with or without dense effects, and what it answers of the marginal model.

use super::curvature::Curvature;
use super::likelihood::Differentiable;
use super::marginal::{Effects, MarginalModel, Solution};
use super::optimum::Optimum;
use super::refit::{Refit, Repeat, Replaceable};
use super::search::{Convergence, Search, Steps};
use super::sigmas::Derivatives;
use super::sparse;
use super::{Engine, Failure};
use crate::design::Design;
use nalgebra::{DMatrix, DVector};
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

/// A likelihood with what inference on the mean needs of it.
pub(crate) trait SecondOrder: Differentiable + Replaceable {
    /// What it is called.
    const ENGINE: Engine;

    /// What its answers share, computed once.
    type Shared: Debug + Clone + Send + Sync;

    fn shared(&self, point: &Self::Point, slopes: &Self::Slopes) -> Self::Shared;

    /// The Hessian over θ that is expected, exact in finite samples.
    fn expected_hessian(&self, point: &Self::Point, own: &Derived<Self>) -> DMatrix<f64>;

    /// P_k of every parameter, p × p.
    fn slopes(&self, own: &Derived<Self>) -> Vec<DMatrix<f64>>;

    /// Σ_kl ω_kl Q_kl.
    fn weighted_q(&self, point: &Self::Point, own: &Derived<Self>, omega: &DMatrix<f64>) -> DMatrix<f64>;

    /// x'{Σ_kl ω_kl Q_kl}x.
    fn weighted_q_along(&self, point: &Self::Point, own: &Derived<Self>, omega: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
        x.dot(&(self.weighted_q(point, own, omega) * x))
    }

    /// Σ_kl ω_kl R_kl.
    fn weighted_r(&self, point: &Self::Point, own: &Derived<Self>, omega: &DMatrix<f64>) -> Option<DMatrix<f64>>;

    /// The same without what is a matter of the parameters.
    fn intrinsic_r(&self, point: &Self::Point, own: &Derived<Self>, omega: &DMatrix<f64>) -> Option<DMatrix<f64>>;

    /// The predicted effects of a term.
    fn effects(&self, point: &Self::Point, term: usize) -> Effects;
}

/// The derivatives at an optimum.
#[derive(Debug)]
pub(crate) struct Derived<L: SecondOrder> {
    /// ∂Σ.
    pub derivatives: Vec<Derivatives>,
    /// Of −2ℓ.
    pub curvature: Curvature,
    /// P_k and a_k of the parameters of Σ, over all columns.
    pub slopes: L::Slopes,
    pub shared: L::Shared,
}

impl<L: SecondOrder> Derived<L> {
    /// At any point.
    pub fn at(likelihood: &L, point: &L::Point) -> Self {
        let derivatives = likelihood.patterns().sigmas.derivatives(&L::mean(point).theta);
        let (curvature, slopes) = likelihood.exact_curvature(point, &derivatives);
        let shared = likelihood.shared(point, &slopes);
        Self { derivatives, curvature, slopes, shared }
    }
}

/// An optimum where it was found.
#[derive(Debug)]
pub(crate) struct Found<L: SecondOrder> {
    pub likelihood: L,
    pub point: L::Point,
    /// β₀, from which the outcome is measured.
    pub origin: Vec<f64>,
    /// The derivatives, when first asked for.
    derived: OnceLock<Arc<Derived<L>>>,
}

impl<L: SecondOrder> Found<L> {
    /// With the derivatives, where they are known.
    pub fn new(likelihood: L, point: L::Point, origin: Vec<f64>, known: Option<Arc<Derived<L>>>) -> Self {
        Self { likelihood, point, origin, derived: known.map_or_else(OnceLock::new, OnceLock::from) }
    }

    fn derived(&self) -> &Derived<L> {
        self.derived.get_or_init(|| Arc::new(Derived::at(&self.likelihood, &self.point)))
    }
}

/// β from where a point has it measured.
pub(super) fn measured_from(origin: &[f64], beta: &DVector<f64>) -> DVector<f64> {
    DVector::from_iterator(beta.len(), beta.iter().zip(origin).map(|(beta, origin)| beta + origin))
}

impl<L: SecondOrder> MarginalModel for Found<L> {
    fn at(&self, theta: &[f64]) -> Option<Solution> {
        let point = self.likelihood.at(theta)?;
        let mean = L::mean(&point);
        Some(Solution { value: mean.value, beta: measured_from(&self.origin, &mean.beta), phi: mean.phi.clone() })
    }

    fn curvature_at(&self, theta: &[f64]) -> Option<(f64, Curvature)> {
        let point = self.likelihood.at(theta)?;
        let derivatives = self.likelihood.patterns().sigmas.derivatives(theta);
        Some((L::mean(&point).value, self.likelihood.exact_curvature(&point, &derivatives).0))
    }

    fn curvature(&self) -> Curvature {
        self.derived().curvature.clone()
    }

    fn expected_hessian(&self) -> DMatrix<f64> {
        self.likelihood.expected_hessian(&self.point, self.derived())
    }

    fn slopes(&self) -> Vec<DMatrix<f64>> {
        self.likelihood.slopes(self.derived())
    }

    fn weighted_q(&self, omega: &DMatrix<f64>) -> DMatrix<f64> {
        self.likelihood.weighted_q(&self.point, self.derived(), omega)
    }

    fn weighted_q_along(&self, omega: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
        self.likelihood.weighted_q_along(&self.point, self.derived(), omega, x)
    }

    fn weighted_r(&self, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.likelihood.weighted_r(&self.point, self.derived(), omega)
    }

    fn intrinsic_r(&self, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.likelihood.intrinsic_r(&self.point, self.derived(), omega)
    }

    fn effects(&self, term: usize) -> Effects {
        self.likelihood.effects(&self.point, term)
    }

    fn repeat(&self, optimum: &Optimum, design: &Design) -> Result<Box<dyn Repeat>, Failure> {
        let own = Refit::new(design, self, &optimum.centring);
        let patterns = self.likelihood.patterns();
        Ok(match sparse::by_effects(patterns, optimum, design) {
            Some(effects) => Box::new(effects.beside(Box::new(own))),
            None => Box::new(own),
        })
    }
}

/// How a search ended, with the names of what vanished.
pub(super) fn convergence<L: SecondOrder>(likelihood: &L, search: &Search<L>, steps: Steps) -> Convergence {
    let patterns = likelihood.patterns();
    let (theta, first) = (&L::mean(&search.place).theta, patterns.sigmas.parameters());
    // Of correlated effects a combination may vanish although none does.
    let name = |k: usize| match &patterns.labels.parameters[k] {
        variance if k >= first && theta[k] > search.eta[k].powi(2) * (1.0 + 1e-6) + 1e-12 * theta[0].abs() => {
            format!("what the effects before leave of the {variance}")
        }
        parameter => parameter.clone(),
    };
    let boundary = search.room.working.vanished(patterns.sigmas.structure(), &search.eta).into_iter().map(name).collect();
    Convergence { engine: L::ENGINE, iterations: steps.iterations, evaluations: steps.evaluations, decrement: steps.decrement, boundary }
}
