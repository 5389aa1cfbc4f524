//! The search of a refit over condensed sums.
//!
//! It begins with a step of Fisher scoring from the optimum that is repeated, where all derivatives but those of the outcome are known,
//! and goes on with Newton's.

use super::Condensed;
use super::hessian::Pairs;
use super::outcomes::Observed;
use super::place::Place;
use super::scoring::Scoring;
use super::slopes::Slopes;
use crate::fit::Failure;
use crate::fit::curvature::Curvature;
use crate::fit::objective::Objective;
use crate::fit::search::{Search, Steps};
use crate::fit::sparse::has_variation;
use crate::fit::sparse::profiled::{UNBOUNDED, VANISHED};
use nalgebra::{DMatrix, DVector};

/// The least ψA of an effect at which a search begins.
const LEAST_SHARE: f64 = 0.1;
/// What a search may leave as it is foreseen, as a share of what it may leave: Newton's steps leave up to ten times that.
const FORESEEN: f64 = 0.1;

/// The objective.
#[derive(Debug, Clone)]
pub(super) struct Objectives {
    own: Condensed,
    /// Where searches begin, but for the outcomes, and the Hessian that is expected there.
    place: Place,
    slopes: Slopes,
    expected: DMatrix<f64>,
    /// The mean square of what multiplies each effect, and the standard errors of Ψ.
    scale: Vec<f64>,
    errors: Vec<f64>,
}

/// What a search keeps.
#[derive(Debug, Clone)]
pub(super) struct Room {
    slopes: Slopes,
    gradient: Vec<f64>,
    pairs: Pairs,
    /// Whether the slopes, and the pairs, are those of where the search stands.
    current: bool,
    paired: bool,
    scoring: Scoring,
}

/// A search over condensed sums that is repeated for other outcomes.
#[derive(Debug, Clone)]
pub(in crate::fit::sparse) struct CondensedSearch {
    objective: Objectives,
    search: Search<Objectives>,
    observed: Observed,
}

impl CondensedSearch {
    /// Ready to repeat a fit whose optimum has the factors `lambda`; `None` where nothing is won.
    pub fn new(mut own: Condensed, mut observed: Observed, y: &[f64], (lambda, scale): (&[f64], &[f64])) -> Option<Self> {
        observed.set(y);
        own.set_outcome(&observed);
        let mut place = own.blank();
        let inner = own.inner(lambda, &mut place);
        if !own.evaluate(&inner, &mut place) {
            return None;
        }
        let (mut slopes, mut pairs) = (Slopes::blank(&own), Pairs::blank(&own));
        slopes.set(&own, &place);
        pairs.set(&own, &place, &slopes);
        let expected = DMatrix::zeros(scale.len(), scale.len());
        let mut objective = Objectives { errors: vec![0.0; scale.len()], scale: scale.to_vec(), own, expected, place, slopes };
        objective.set_expected(&pairs)?;
        let search = Search::new(&objective, objective.place.clone());
        Some(Self { objective, search, observed })
    }

    /// Searches the optimum of other outcomes, as the design has them, and leaves there what `left` says.
    pub fn fit_to(&mut self, y: &[f64], left: f64) -> Result<Steps, Failure> {
        let Self { objective, search, observed } = self;
        observed.set(y);
        has_variation(observed.total, observed.squares)?;
        objective.own.set_outcome(observed);
        search.end_at(FORESEEN * left);
        search.begin_near(objective)?;
        search.minimise(objective)
    }

    pub fn place(&self) -> &Place {
        &self.search.place
    }

    /// Writes β − β₀.
    pub fn set_beta(&self, beta: &mut [f64]) {
        self.objective.own.set_beta(&self.search.place, beta);
    }
}

impl Condensed {
    /// Λ with no variance so near zero that the step from it would tell little.
    fn inner(&self, lambda: &[f64], room: &mut Place) -> Vec<f64> {
        let sizes = self.sizes(lambda, room);
        lambda.iter().zip(sizes).map(|(l, size)| l.abs().max((LEAST_SHARE / size).sqrt())).collect()
    }
}

impl Search<Objectives> {
    /// Moves to where one step of scoring leads from the optimum that is repeated, or where it begins.
    fn begin_near(&mut self, objective: &Objectives) -> Result<(), Failure> {
        self.place.clone_from(&objective.place);
        self.room.slopes.clone_from(&objective.slopes);
        if !objective.own.move_outcome(&mut self.place) {
            return Err(Failure::Singular);
        }
        self.room.slopes.move_outcome(&objective.own, &self.place);
        objective.follow(&self.place, &mut self.eta, &mut self.room);
        self.room.current = true;
        objective.differentiate(&self.place, &mut self.room);
        let Room { scoring, gradient, slopes, .. } = &mut self.room;
        let growth =
            |step: &DVector<f64>| 1.0 + step.iter().zip(&slopes.traces).map(|(s, t)| s * t).sum::<f64>() / objective.own.residual_df;
        let leads = scoring.set_lambda(&objective.expected, gradient, &self.place.lambda, growth, &mut self.next_eta);
        if leads && self.evaluate_next(objective) && self.has_fallen() {
            self.accept(objective);
            objective.moves_inside(self);
        }
        Ok(())
    }
}

impl Objectives {
    /// Sets the expected Hessian over Ψ where searches begin, and standard errors.
    fn set_expected(&mut self, pairs: &Pairs) -> Option<()> {
        let mut expected = std::mem::replace(&mut self.expected, DMatrix::zeros(0, 0));
        self.write_expected(&self.slopes, pairs, expected.as_mut_slice());
        let inverse = expected.clone().cholesky()?.inverse();
        self.errors.iter_mut().enumerate().for_each(|(x, error)| *error = (2.0 * inverse[(x, x)]).sqrt());
        self.expected = expected;
        Some(())
    }

    /// The expected Hessian over Ψ.
    fn write_expected(&self, slopes: &Slopes, pairs: &Pairs, expected: &mut [f64]) {
        let (k, t) = (self.own.parameters, &slopes.traces);
        for x in 0..k {
            (0..k).for_each(|y| expected[x * k + y] = pairs.of_d[x * k + y] - t[x] * t[y] / self.own.residual_df);
        }
    }

    /// Sets slopes and gradient.
    fn differentiate(&self, place: &Place, room: &mut Room) {
        if !room.current {
            room.slopes.set(&self.own, place);
            room.current = true;
        }
        let Slopes { traces, quadratic, .. } = &room.slopes;
        let parts = traces.iter().zip(&quadratic.squares);
        room.gradient.iter_mut().zip(parts).for_each(|(g, (trace, square))| *g = trace - self.own.residual_df * square);
    }

    /// Sets what the Hessian needs.
    fn differentiate_twice(&self, place: &Place, room: &mut Room) {
        self.differentiate(place, room);
        if !room.paired {
            room.pairs.set(&self.own, place, &room.slopes);
            room.paired = true;
        }
    }

    fn is_unbounded(&self, place: &Place) -> bool {
        place.lambda.iter().zip(&self.scale).any(|(l, scale)| l * l * scale > UNBOUNDED) || place.squares < 1e-26 * self.own.squares
    }

    /// A way inside from the edge, where −2ℓ falls with a variance that is zero.
    fn moves_inside(&self, search: &mut Search<Self>) -> bool {
        self.differentiate(&search.place, &mut search.room);
        let least = -1e-7 * self.own.residual_df.sqrt();
        for x in 0..self.own.parameters {
            if search.place.lambda[x] != 0.0 || search.room.gradient[x] >= least * self.scale[x] {
                continue;
            }
            for halving in 0..20 {
                search.next_eta.copy_from_slice(&search.eta);
                search.next_eta[x] = (0.1 / self.scale[x] * 0.25_f64.powi(halving)).sqrt();
                if search.evaluate_next(self) && search.has_fallen() {
                    search.accept(self);
                    return true;
                }
            }
        }
        false
    }
}

impl Objective for Objectives {
    type Place = Place;
    type Room = Room;

    fn dimension(&self) -> usize {
        self.own.parameters
    }

    fn blank(&self) -> Place {
        self.own.blank()
    }

    fn room(&self, _start: &Place) -> Room {
        let k = self.dimension();
        let (slopes, pairs) = (Slopes::blank(&self.own), Pairs::blank(&self.own));
        Room { slopes, gradient: vec![0.0; k], pairs, current: false, paired: false, scoring: Scoring::blank(k) }
    }

    fn value(place: &Place) -> f64 {
        place.value
    }

    fn set_eta(&self, place: &Place, eta: &mut [f64], _room: &mut Room) {
        eta.copy_from_slice(&place.lambda);
    }

    fn evaluate(&self, eta: &[f64], place: &mut Place, _room: &mut Room) -> bool {
        self.own.evaluate(eta, place)
    }

    fn follow(&self, place: &Place, eta: &mut [f64], room: &mut Room) {
        self.set_eta(place, eta, room);
        (room.current, room.paired) = (false, false);
    }

    fn set_curvature(&self, place: &Place, eta: &[f64], _correction: Option<&DMatrix<f64>>, curvature: &mut Curvature, room: &mut Room) {
        self.differentiate_twice(place, room);
        let (df, k) = (self.own.residual_df, self.dimension());
        let (g, q) = (&room.gradient, &room.slopes.quadratic);
        for x in 0..k {
            curvature.gradient[x] = 2.0 * eta[x] * g[x];
            for y in 0..k {
                let of_outcome = df * (2.0 * q.bends[x * k + y] - q.squares[x] * q.squares[y]);
                curvature.hessian[(x, y)] = 4.0 * eta[x] * eta[y] * (of_outcome - room.pairs.of_d[x * k + y]);
            }
            curvature.hessian[(x, x)] += 2.0 * g[x];
        }
    }

    fn is_exact(&self) -> bool {
        true
    }

    /// The expected Hessian, and the bends of η as far as they are convex.
    fn set_metric(&self, place: &Place, eta: &[f64], metric: &mut DMatrix<f64>, room: &mut Room) {
        self.differentiate_twice(place, room);
        self.write_expected(&room.slopes, &room.pairs, metric.as_mut_slice());
        for x in 0..self.dimension() {
            (0..self.dimension()).for_each(|y| metric[(x, y)] *= 4.0 * eta[x] * eta[y]);
            metric[(x, x)] += 2.0 * room.gradient[x].max(0.0);
        }
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
            return Err(Failure::NotConverged { iterations: 0 });
        }
        search.next_eta.copy_from_slice(&search.eta);
        let mut vanished = false;
        for (eta, error) in search.next_eta.iter_mut().zip(&self.errors) {
            if *eta != 0.0 && *eta * *eta < VANISHED * error {
                (*eta, vanished) = (0.0, true);
            }
        }
        if vanished && search.evaluate_next(self) && search.stays_level() {
            search.accept(self);
        }
        Ok(search.place.lambda.iter().all(|&l| l != 0.0) || !self.moves_inside(search))
    }

    fn diagnosis(&self, _search: &mut Search<Self>, iterations: usize) -> Failure {
        Failure::NotConverged { iterations }
    }
}
