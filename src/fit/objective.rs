//! What a search minimises, apart from how it is searched.

use super::Failure;
use super::curvature::Curvature;
use super::search::Search;
use nalgebra::DMatrix;
use std::fmt::Debug;

/// −2ℓ as a function of working parameters η, in which the ends of the natural parameters' ranges are points like any
/// other. What is at its best for every η (β, or σ² too) is no part of it.
pub(crate) trait Objective: Sized {
    /// Everything known at one η.
    type Place: Clone + Debug;
    /// Room for derivatives and evaluations: made once a search, so that no iteration allocates.
    type Room: Clone + Debug;

    /// The number of parameters.
    fn dimension(&self) -> usize;

    /// A place with room for everything and nothing in it.
    fn blank(&self) -> Self::Place;

    /// The room of a search that begins at a place.
    fn room(&self, start: &Self::Place) -> Self::Room;

    /// −2ℓ.
    fn value(place: &Self::Place) -> f64;

    /// η of a place.
    fn set_eta(&self, place: &Self::Place, eta: &mut [f64], room: &mut Self::Room);

    /// Moves a place to η; `false`, and a place without meaning, where −2ℓ has no value.
    fn evaluate(&self, eta: &[f64], place: &mut Self::Place, room: &mut Self::Room) -> bool;

    /// Takes note of the place that the search has moved to; may choose another η for it.
    fn follow(&self, place: &Self::Place, eta: &mut [f64], room: &mut Self::Room);

    /// Writes gradient and Hessian over η. Some terms of the Hessian may cost more than they matter far from the
    /// optimum; they are in it where `correction` has them.
    fn set_curvature(
        &self,
        place: &Self::Place,
        eta: &[f64],
        correction: Option<&DMatrix<f64>>,
        curvature: &mut Curvature,
        room: &mut Self::Room,
    );

    /// Writes those terms, over η.
    fn set_correction(&self, _place: &Self::Place, _eta: &[f64], _correction: &mut DMatrix<f64>, _room: &mut Self::Room) {}

    /// Moves those terms from η where they were computed to a place.
    fn carry(&self, _from: &[f64], _place: &Self::Place, _correction: &mut DMatrix<f64>, _room: &mut Self::Room) {}

    /// Whether they save more steps near the optimum than they cost.
    fn correction_pays(&self, _room: &Self::Room) -> bool {
        false
    }

    /// Whether the Hessian is whole and of where the search stands, so that steps converge quadratically.
    fn is_exact(&self) -> bool {
        false
    }

    /// Whether steps tell about terms of the Hessian that are not computed.
    fn learns(&self) -> bool {
        false
    }

    /// Adds to the Hessian what it has along the curves of [`Objective::set_along`], which the search then takes from this
    /// place.
    fn bend(&self, _place: &Self::Place, _curvature: &mut Curvature, _room: &mut Self::Room) {}

    /// Writes η at a share of a step, on a curve that begins in its direction.
    fn set_along(&self, eta: &[f64], step: &[f64], share: f64, next: &mut [f64], _room: &mut Self::Room) {
        straight(eta, step, share, next);
    }

    /// Writes the Hessian over η that is expected, or what makes steps as independent of units.
    fn set_metric(&self, place: &Self::Place, eta: &[f64], metric: &mut DMatrix<f64>, room: &mut Self::Room);

    /// Whether steps are those of Fisher scoring where −2ℓ is not convex.
    fn scores(&self) -> bool;

    /// Refuses, before the first step, what the data say nothing of; leaves the metric of the start in the search.
    fn begin(&self, search: &mut Search<Self>) -> Result<(), Failure>;

    /// Leaves a saddle where the search stands; whether there was one.
    fn escape(&self, search: &mut Search<Self>) -> bool;

    /// Whether the last step led to where no optimum can be; `damped` says that it was not Newton's.
    fn is_lost(&self, search: &mut Search<Self>, damped: bool) -> bool;

    /// Whether a search that has converged is at its end; if not, it has moved on. Refuses what is no optimum.
    fn settle(&self, search: &mut Search<Self>) -> Result<bool, Failure>;

    /// Why there is no optimum.
    fn diagnosis(&self, search: &mut Search<Self>, iterations: usize) -> Failure;
}

/// Writes η at a share of a step.
pub(crate) fn straight(eta: &[f64], step: &[f64], share: f64, next: &mut [f64]) {
    next.iter_mut().zip(eta).zip(step).for_each(|((next, eta), step)| *next = eta + share * step);
}
