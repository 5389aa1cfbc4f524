//! The search of a refit over condensed sums.
//!
//! It begins where the derivatives of D are known: at the optimum that is repeated. The Hessian of D is not computed again, but
//! follows from that one as that of log(ψ + α) would, and steps tell what it lacks ([`crate::fit::correction`]).

use super::condensed::{Condensed, Place};
use super::condensed_outcomes::Observed;
use super::condensed_slopes::Slopes;
use super::has_variation;
use super::profiled::{UNBOUNDED, VANISHED};
use crate::fit::Failure;
use crate::fit::curvature::Curvature;
use crate::fit::objective::Objective;
use crate::fit::search::{Search, Steps, noise};
use nalgebra::DMatrix;

/// What a Hessian that is learnt may leave, as a share of what one that is computed may.
const LEARNT: f64 = 0.01;
/// The least ψA of an effect at which a search begins.
const LEAST_SHARE: f64 = 0.1;
/// The share of ψ by which differences are taken.
const DIFFERENCE: f64 = 1e-3;
/// The least share of its distance from where its Hessian is infinite that ψ may be thought to have.
const NEAREST: f64 = 0.25;

/// ∂²D/∂ψ∂ψ', and how its diagonal moves.
#[derive(Debug, Clone)]
struct Bend {
    psi: Vec<f64>,
    /// −∂²D, K × K.
    pairs: Vec<f64>,
    /// ∂_m ∂_kk D / ∂_kk D, K × K.
    relative: Vec<f64>,
}

impl Bend {
    /// By differences of the gradient about the Λ where `slopes` stand.
    fn of(own: &Condensed, place: &mut Place, slopes: &mut Slopes) -> Option<Self> {
        let k = own.parameters;
        let psi: Vec<f64> = place.lambda.iter().map(|l| l * l).collect();
        let middle = slopes.traces.clone();
        let (mut pairs, mut relative) = (vec![0.0; k * k], vec![0.0; k * k]);
        let mut lambda = place.lambda.clone();
        for x in 0..k {
            let step = DIFFERENCE * psi[x];
            let mut at = |to: f64| {
                lambda[x] = to.sqrt();
                let there = own.evaluate(&lambda, place).then(|| {
                    slopes.set_traces(own, place);
                    slopes.traces.clone()
                });
                lambda[x] = psi[x].sqrt();
                there
            };
            let (less, more) = (at(psi[x] - step)?, at(psi[x] + step)?);
            for y in 0..k {
                pairs[x * k + y] = (less[y] - more[y]) / (2.0 * step);
                relative[x * k + y] = (2.0 * middle[y] - less[y] - more[y]) / (step * step);
            }
            let own = pairs[x * k + x];
            relative[x * k..(x + 1) * k].iter_mut().for_each(|r| *r /= own);
        }
        for x in 0..k {
            for y in 0..x {
                let mean = 0.5 * (pairs[x * k + y] + pairs[y * k + x]);
                (pairs[x * k + y], pairs[y * k + x]) = (mean, mean);
            }
        }
        pairs.iter().chain(&relative).all(|x| x.is_finite()).then_some(Self { psi, pairs, relative })
    }

    /// −∂²D at another Λ.
    fn set_pairs(&self, lambda: &[f64], pairs: &mut [f64]) {
        let k = self.psi.len();
        pairs.copy_from_slice(&self.pairs);
        for (x, relative) in self.relative.chunks_exact(k).enumerate() {
            let moved: f64 = relative.iter().zip(lambda).zip(&self.psi).map(|((r, l), psi)| r * (l * l - psi)).sum();
            let by = 1.0 / (1.0 - 0.5 * moved).max(NEAREST);
            for y in 0..k {
                pairs[x * k + y] *= by;
                pairs[y * k + x] *= by;
            }
        }
    }
}

/// The objective.
#[derive(Debug, Clone)]
pub(super) struct Objectives {
    own: Condensed,
    bend: Bend,
    /// Where searches begin, but for the outcomes.
    place: Place,
    slopes: Slopes,
    /// The mean square of what multiplies each effect, and the standard errors of Ψ.
    scale: Vec<f64>,
    errors: Vec<f64>,
}

/// What a search keeps.
#[derive(Debug, Clone)]
pub(super) struct Room {
    slopes: Slopes,
    /// Whether they are those of where the search stands.
    current: bool,
    pairs: Vec<f64>,
    gradient: Vec<f64>,
}

/// A search over condensed sums that is repeated for other outcomes.
#[derive(Debug, Clone)]
pub(super) struct CondensedSearch {
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
        let mut slopes = Slopes::blank(&own);
        slopes.set_traces(&own, &place);
        let bend = Bend::of(&own, &mut place.clone(), &mut slopes.clone())?;
        let mut objective = Objectives { errors: vec![0.0; scale.len()], scale: scale.to_vec(), own, bend, place, slopes };
        objective.set_errors()?;
        let search = Search::new(&objective, objective.place.clone());
        Some(Self { objective, search, observed })
    }

    /// Searches the optimum of other outcomes, as the design has them, and leaves there what `left` says.
    pub fn fit_to(&mut self, y: &[f64], left: f64) -> Result<Steps, Failure> {
        let Self { objective, search, observed } = self;
        observed.set(y);
        has_variation(observed.total, observed.squares)?;
        objective.own.set_outcome(observed);
        search.end_at(LEARNT * left);
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
    /// Λ with no variance too near zero for the differences about it.
    fn inner(&self, lambda: &[f64], room: &mut Place) -> Vec<f64> {
        let sizes = self.sizes(lambda, room);
        lambda.iter().zip(sizes).map(|(l, size)| l.abs().max((LEAST_SHARE / size).sqrt())).collect()
    }
}

impl Search<Objectives> {
    /// Moves to where the derivatives of D are known.
    fn begin_near(&mut self, objective: &Objectives) -> Result<(), Failure> {
        self.place.clone_from(&objective.place);
        self.room.slopes.clone_from(&objective.slopes);
        self.correction.forget();
        self.scoring = false;
        if !objective.own.move_outcome(&mut self.place) {
            return Err(Failure::Singular);
        }
        self.room.slopes.move_outcome(&objective.own, &self.place);
        objective.follow(&self.place, &mut self.eta, &mut self.room);
        self.room.current = true;
        Ok(())
    }
}

impl Objectives {
    fn set_errors(&mut self) -> Option<()> {
        let k = self.own.parameters;
        let mut expected = DMatrix::zeros(k, k);
        self.set_expected(&self.slopes, &self.bend.pairs, expected.as_mut_slice());
        let inverse = expected.cholesky()?.inverse();
        self.errors.iter_mut().enumerate().for_each(|(x, error)| *error = (2.0 * inverse[(x, x)]).sqrt());
        Some(())
    }

    /// The expected Hessian over Ψ.
    fn set_expected(&self, slopes: &Slopes, pairs: &[f64], expected: &mut [f64]) {
        let (k, t) = (self.own.parameters, &slopes.traces);
        for x in 0..k {
            (0..k).for_each(|y| expected[x * k + y] = pairs[x * k + y] - t[x] * t[y] / self.own.residual_df);
        }
    }

    fn differentiate(&self, place: &Place, room: &mut Room) {
        if !room.current {
            room.slopes.set(&self.own, place);
            room.current = true;
        }
        let df = self.own.residual_df;
        let Slopes { traces, quadratic, .. } = &room.slopes;
        room.gradient.iter_mut().zip(traces).zip(quadratic).for_each(|((g, trace), q)| *g = trace - df * q);
        self.bend.set_pairs(&place.lambda, &mut room.pairs);
    }

    fn is_unbounded(&self, place: &Place) -> bool {
        place.lambda.iter().zip(&self.scale).any(|(l, scale)| l * l * scale > UNBOUNDED) || place.squares < 1e-26 * self.own.squares
    }

    /// A way inside from the edge, where −2ℓ falls with a variance that is zero.
    fn moves_inside(&self, search: &mut Search<Self>) -> bool {
        self.differentiate(&search.place, &mut search.room);
        let least = -1e-7 * self.own.residual_df.sqrt();
        for x in (0..self.own.parameters).filter(|&x| search.place.lambda[x] == 0.0).collect::<Vec<_>>() {
            if search.room.gradient[x] >= least * self.scale[x] {
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
        Room { slopes: Slopes::blank(&self.own), current: false, pairs: vec![0.0; k * k], gradient: vec![0.0; k] }
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
        room.current = false;
    }

    fn set_curvature(&self, place: &Place, eta: &[f64], correction: Option<&DMatrix<f64>>, curvature: &mut Curvature, room: &mut Room) {
        self.differentiate(place, room);
        let (df, k) = (self.own.residual_df, self.dimension());
        let (g, Slopes { quadratic: q, bends, .. }) = (&room.gradient, &room.slopes);
        for x in 0..k {
            curvature.gradient[x] = 2.0 * eta[x] * g[x];
            for y in 0..k {
                let over_psi = df * (2.0 * bends[x * k + y] - q[x] * q[y]) - room.pairs[x * k + y];
                curvature.hessian[(x, y)] = 4.0 * eta[x] * eta[y] * over_psi;
            }
            curvature.hessian[(x, x)] += 2.0 * g[x];
        }
        if let Some(correction) = correction {
            curvature.hessian += correction;
        }
    }

    /// The expected Hessian, and the bends of η as far as they are convex.
    fn set_metric(&self, place: &Place, eta: &[f64], metric: &mut DMatrix<f64>, room: &mut Room) {
        self.differentiate(place, room);
        self.set_expected(&room.slopes, &room.pairs, metric.as_mut_slice());
        for x in 0..self.dimension() {
            (0..self.dimension()).for_each(|y| metric[(x, y)] *= 4.0 * eta[x] * eta[y]);
            metric[(x, x)] += 2.0 * room.gradient[x].max(0.0);
        }
    }

    fn learns(&self) -> bool {
        true
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
        if vanished && search.evaluate_next(self) && search.next.value <= search.place.value + 10.0 * noise(search.place.value) {
            search.accept(self);
        }
        Ok(search.place.lambda.iter().all(|&l| l != 0.0) || !self.moves_inside(search))
    }

    fn diagnosis(&self, _search: &mut Search<Self>, iterations: usize) -> Failure {
        Failure::NotConverged { iterations }
    }
}
