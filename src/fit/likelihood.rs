//! −2ℓ of a model whose patients have a covariance Σ(θ) on the visit grid, with or without effects of clusters above
//! it, as a function of the natural parameters θ.

use super::Failure;
use super::curvature::Curvature;
use super::problem::{Point, Problem};
use super::sigmas::Derivatives;
use super::traces::TracePlan;
use super::working::Working;
use super::workspace::Workspace;
use nalgebra::DMatrix;
use std::fmt::Debug;

/// The likelihood of one model and its data.
pub(crate) trait Likelihood: Clone + Debug + Send + Sync + 'static {
    /// Everything known at one θ.
    type Point: Clone + Debug + Send + Sync;
    /// Room for an evaluation and for derivatives.
    type Workspace: Clone + Debug + Send + Sync;

    /// What depends on patterns of visits.
    fn patterns(&self) -> &Problem;

    /// What a point has of Σ and of the mean.
    fn mean(point: &Self::Point) -> &Point;

    /// The room of what depends on patterns.
    fn of_patterns(room: &mut Self::Workspace) -> &mut Workspace;

    /// The number of parameters θ.
    fn parameters(&self) -> usize;

    /// The map between θ and the parameters of a search.
    fn working(&self) -> Working;

    /// A point with room for everything and nothing in it.
    fn blank_point(&self) -> Self::Point;

    /// Room for everything.
    fn workspace(&self) -> Self::Workspace;

    /// Parameters at which each effect of clusters adds so much to the variance of an observation.
    fn effects_that_add(&self, variance: f64) -> Vec<f64>;

    /// Moves a point to the least-squares fit, W = I, with effects that vary as `effects` say; `None` where X'X is
    /// singular.
    fn set_least_squares(&self, effects: &[f64], point: &mut Self::Point, room: &mut Self::Workspace) -> Option<()>;

    /// −2ℓ at θ, to which the point moves; `None` where Σ or X'WX is not positive definite.
    fn try_evaluate(&self, theta: &[f64], point: &mut Self::Point, room: &mut Self::Workspace) -> Option<f64>;

    /// Refuses effects that the columns of the mean take up.
    fn check_effects(&self, point: &Self::Point) -> Result<(), Failure>;

    /// Moves a point to θ; `false`, and a point without meaning, where −2ℓ has no value.
    fn move_to(&self, theta: &[f64], point: &mut Self::Point, room: &mut Self::Workspace) -> bool {
        self.try_evaluate(theta, point, room).is_some_and(f64::is_finite)
    }

    /// The likelihood at θ, `None` where it has no value.
    fn at(&self, theta: &[f64]) -> Option<Self::Point> {
        let mut point = self.blank_point();
        self.move_to(theta, &mut point, &mut self.workspace()).then_some(point)
    }
}

/// Coefficients and multiplications, for choosing what to compute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Products {
    /// The coefficients that it estimates: of the mean, and of effects of clusters.
    pub coefficients: usize,
    /// Of a solution and of what the derivatives take of it, beyond grams and patterns.
    pub solution: usize,
    /// Of the slopes of one parameter, beyond a gram.
    pub slope: usize,
    /// Of one pair of slopes.
    pub pair: usize,
}

/// A likelihood with exact derivatives over θ.
pub(crate) trait Differentiable: Likelihood {
    /// Whether a search takes steps of Fisher scoring where −2ℓ is not convex.
    const SCORES: bool;

    /// P_k and a_k of every parameter k of Σ, in whatever basis suits.
    type Slopes: Clone + Debug + Send + Sync;

    /// Zeros.
    fn blank_slopes(&self) -> Self::Slopes;

    /// What an iteration takes.
    fn products(&self) -> Products;

    /// Gradient and Hessian, the Hessian without the terms through P_k and a_k, which are smaller by p/N.
    fn set_leading_curvature(
        &self,
        point: &Self::Point,
        derivatives: &[Derivatives],
        plan: TracePlan,
        curvature: &mut Curvature,
        room: &mut Self::Workspace,
    );

    /// P_k and a_k of the parameters of Σ.
    fn set_slopes(&self, point: &Self::Point, derivatives: &[Derivatives], slopes: &mut Self::Slopes, room: &mut Self::Workspace);

    /// What the whole Hessian has beyond its leading part, given the slopes.
    fn set_correction(&self, point: &Self::Point, slopes: &mut Self::Slopes, correction: &mut DMatrix<f64>, room: &mut Self::Workspace);

    /// The Hessian that is expected, but for terms smaller by p/N.
    fn set_fisher(
        &self,
        point: &Self::Point,
        derivatives: &[Derivatives],
        plan: TracePlan,
        fisher: &mut DMatrix<f64>,
        room: &mut Self::Workspace,
    );

    /// Whether it takes the whole Hessian, computed where a search has ended, to be sure that −2ℓ is not flat there;
    /// `corrected` says that what the search ended with has all of its terms, if of a place nearby.
    fn needs_whole(&self, _point: &Self::Point, corrected: bool, _room: &mut Self::Workspace) -> bool {
        !corrected
    }

    /// Gradient and Hessian, whole, and the slopes that it took.
    fn exact_curvature(&self, point: &Self::Point, derivatives: &[Derivatives]) -> (Curvature, Self::Slopes) {
        let (patterns, parameters, mut room) = (self.patterns(), self.parameters(), self.workspace());
        let mut curvature = Curvature::blank(parameters);
        let mut slopes = self.blank_slopes();
        self.set_leading_curvature(point, derivatives, TracePlan::of(patterns, derivatives), &mut curvature, &mut room);
        self.set_slopes(point, derivatives, &mut slopes, &mut room);
        let mut correction = DMatrix::zeros(parameters, parameters);
        self.set_correction(point, &mut slopes, &mut correction, &mut room);
        curvature.hessian += correction;
        (curvature, slopes)
    }
}
