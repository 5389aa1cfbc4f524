//! A likelihood as a search sees it: in working parameters, and with the names of what keeps it from an optimum.

use super::bent::Bent;
use super::curvature::Curvature;
use super::found::{Derived, SecondOrder};
use super::likelihood::Differentiable;
use super::objective::{Objective, straight};
use super::search::{MAX_ITERATIONS, Search};
use super::sigmas::Derivatives;
use super::traces::TracePlan;
use super::verify;
use super::working::Working;
use super::{Failure, Silence};
use nalgebra::DMatrix;
use std::sync::Arc;

/// What a search over a likelihood keeps.
#[derive(Debug, Clone)]
pub(crate) struct SearchRoom<L: SecondOrder> {
    pub working: Working,
    /// θ of the point that is evaluated.
    natural: Vec<f64>,
    /// ∂Σ where the search stands.
    derivatives: Vec<Derivatives>,
    plan: TracePlan,
    /// The curves of an unstructured Σ.
    bent: Option<Bent>,
    /// Room for the slopes, once a correction is computed.
    slopes: Option<L::Slopes>,
    /// η from which it began.
    start: Vec<f64>,
    own: L::Workspace,
    /// The derivatives at the end, where it took all of them to be sure of it.
    pub derived: Option<Arc<Derived<L>>>,
}

impl<L: SecondOrder> Objective for L {
    type Place = L::Point;
    type Room = SearchRoom<L>;

    fn dimension(&self) -> usize {
        self.parameters()
    }

    fn blank(&self) -> Self::Place {
        self.blank_point()
    }

    fn room(&self, start: &L::Point) -> Self::Room {
        let (patterns, theta) = (self.patterns(), &L::mean(start).theta);
        let derivatives = patterns.sigmas.derivatives(theta);
        SearchRoom {
            working: self.working(),
            natural: theta.clone(),
            plan: TracePlan::of(patterns, &derivatives),
            derivatives,
            bent: Bent::of(&patterns.sigmas),
            slopes: None,
            start: theta.clone(),
            own: self.workspace(),
            derived: None,
        }
    }

    fn value(point: &L::Point) -> f64 {
        L::mean(point).value
    }

    fn set_eta(&self, point: &L::Point, eta: &mut [f64], room: &mut Self::Room) {
        eta.copy_from_slice(&L::mean(point).theta);
        room.working.set_eta(eta);
    }

    fn evaluate(&self, eta: &[f64], point: &mut L::Point, room: &mut Self::Room) -> bool {
        room.working.to_natural(eta, &mut room.natural);
        self.move_to(&room.natural, point, &mut room.own)
    }

    fn follow(&self, point: &L::Point, _eta: &mut [f64], room: &mut Self::Room) {
        if !self.patterns().sigmas.structure().is_linear() {
            set_derivatives(self, point, room);
        }
    }

    fn set_curvature(
        &self,
        point: &L::Point,
        eta: &[f64],
        correction: Option<&DMatrix<f64>>,
        curvature: &mut Curvature,
        room: &mut Self::Room,
    ) {
        self.set_leading_curvature(point, &room.derivatives, room.plan, curvature, &mut room.own);
        room.working.transform(eta, curvature);
        if let Some(correction) = correction {
            curvature.hessian += correction;
        }
    }

    fn carry(&self, from: &[f64], point: &L::Point, correction: &mut DMatrix<f64>, room: &mut Self::Room) {
        if let Some(bent) = &mut room.bent {
            bent.carry(from, &L::mean(point).theta, correction);
        }
    }

    fn learns(&self) -> bool {
        true
    }

    fn bend(&self, point: &L::Point, curvature: &mut Curvature, room: &mut Self::Room) {
        if let Some(bent) = &mut room.bent {
            bent.add_to(&L::mean(point).theta, curvature);
        }
    }

    fn set_along(&self, eta: &[f64], step: &[f64], share: f64, next: &mut [f64], room: &mut Self::Room) {
        match &mut room.bent {
            Some(bent) => bent.set_along(eta, step, share, next),
            None => straight(eta, step, share, next),
        }
    }

    fn set_correction(&self, point: &L::Point, eta: &[f64], correction: &mut DMatrix<f64>, room: &mut Self::Room) {
        let slopes = room.slopes.get_or_insert_with(|| self.blank_slopes());
        self.set_slopes(point, &room.derivatives, slopes, &mut room.own);
        Differentiable::set_correction(self, point, slopes, correction, &mut room.own);
        room.working.information(eta, correction);
    }

    /// Without them every step leaves a share of about c/n of the error (c coefficients, those of effects of clusters
    /// among them; n patients), so that from the search's `NEAR` to its `LEFT` it takes 22 / (2 log₁₀ n/c) steps, and
    /// with them three. Where steps tell of them, about half of the difference is saved, and much of the work of a step too.
    fn correction_pays(&self, room: &Self::Room) -> bool {
        let (patterns, derivatives, products) = (self.patterns(), &room.derivatives, self.products());
        let k = derivatives.iter().map(Vec::len).sum::<usize>() / patterns.sigmas.structures().len();
        let gram = patterns.data.cost(&patterns.patterns, &patterns.rows);
        let cubes: usize = patterns.patterns.iter().map(|p| p.size().pow(3)).sum();
        let correction = k * (gram + cubes / 2 + products.slope) + k * k * products.pair;
        let iteration = 4 * gram + 6 * cubes + TracePlan::cost(patterns, derivatives) + products.solution + k.pow(3) / 3;
        let patients: f64 = patterns.patterns.iter().map(|p| p.patients).sum();
        let saved = 11.0 / (patients / products.coefficients as f64).max(1.5).log10() - 3.0;
        (correction as f64) < saved * iteration as f64
    }

    fn set_metric(&self, point: &L::Point, eta: &[f64], metric: &mut DMatrix<f64>, room: &mut Self::Room) {
        self.set_fisher(point, &room.derivatives, room.plan, metric, &mut room.own);
        room.working.information(eta, metric);
    }

    fn scores(&self) -> bool {
        L::SCORES
    }

    fn begin(&self, search: &mut Search<Self>) -> Result<(), Failure> {
        let Search { place: point, eta, metric, factor, room, .. } = search;
        set_derivatives(self, point, room);
        self.set_fisher(point, &room.derivatives, room.plan, metric, &mut room.own);
        verify::identified(self.patterns(), &L::mean(point).theta, metric, factor)?;
        room.start.copy_from_slice(eta);
        room.derived = None;
        room.working.information(eta, metric);
        Ok(())
    }

    /// A diagonal element of a Cholesky factor that has fallen to zero although the likelihood rises away from it.
    fn escape(&self, search: &mut Search<Self>) -> bool {
        let hessian = &search.curvature.hessian;
        let trapped = |&k: &usize| hessian[(k, k)] < 0.0 && search.eta[k].abs() < 0.05 * search.room.start[k].abs();
        let Some(k) = search.room.working.roots().find(trapped) else { return false };
        for halvings in 0..10 {
            search.next_eta.copy_from_slice(&search.eta);
            search.next_eta[k] = 0.5 * search.room.start[k] / f64::from(1 << halvings);
            if search.evaluate_next(self) && search.has_fallen() {
                search.accept(self);
                return true;
            }
        }
        false
    }

    fn is_lost(&self, search: &mut Search<Self>, damped: bool) -> bool {
        damped && is_singular(self, search)
    }

    /// Refuses an optimum at which Σ is singular, or −2ℓ flat.
    fn settle(&self, search: &mut Search<Self>) -> Result<bool, Failure> {
        if is_singular(self, search) {
            return Err(verify::near_singular(self.patterns(), &L::mean(&search.place).theta));
        }
        self.set_metric(&search.place, &search.eta, &mut search.metric, &mut search.room);
        if self.needs_whole(&search.place, search.correction.is_computed(), &mut search.room.own) {
            let derived = Derived::at(self, &search.place);
            search.curvature.clone_from(&derived.curvature);
            search.room.working.transform(&search.eta, &mut search.curvature);
            search.room.derived = Some(Arc::new(derived));
        }
        check_determined(self, search).map_err(|failure| flat(self, search).unwrap_or(failure)).map(|()| true)
    }

    fn diagnosis(&self, search: &mut Search<Self>, iterations: usize) -> Failure {
        if let Some(failure) = flat(self, search) {
            return failure;
        }
        let (patterns, theta) = (self.patterns(), &L::mean(&search.place).theta);
        // Still gaining after so many steps: an optimum far away in a nearly singular Σ, which nobody could use, or
        // none at all.
        let singular = if iterations == MAX_ITERATIONS { 1e-2 } else { 1e-6 };
        if verify::smallest_eigenvalue(patterns, theta).0 < singular {
            return verify::near_singular(patterns, theta);
        }
        search.correction.forget();
        search.scoring = false;
        search.set_curvature(self, true);
        search.set_metric(self);
        check_determined(self, search).err().or_else(|| edge(self, search)).unwrap_or(Failure::NotConverged { iterations })
    }
}

impl<L: SecondOrder> Search<L> {
    /// Moves to θ, perhaps with what is known there of the correction, over η; `false` where −2ℓ has no value.
    pub fn restart(&mut self, likelihood: &L, theta: &[f64], correction: Option<&DMatrix<f64>>) -> bool {
        self.eta.copy_from_slice(theta);
        self.room.working.set_eta(&mut self.eta);
        match correction {
            Some(known) => self.correction.give(known, &self.eta),
            None => self.correction.forget(),
        }
        likelihood.move_to(theta, &mut self.place, &mut self.room.own)
    }
}

fn set_derivatives<L: SecondOrder>(likelihood: &L, point: &L::Point, room: &mut SearchRoom<L>) {
    let dense = &mut L::of_patterns(&mut room.own).dense;
    likelihood.patterns().sigmas.set_derivatives(&L::mean(point).theta, &mut room.derivatives, dense);
}

/// Whether a Σ is singular to the arithmetic.
fn is_singular<L: SecondOrder>(likelihood: &L, search: &mut Search<L>) -> bool {
    let (patterns, theta) = (likelihood.patterns(), &L::mean(&search.place).theta);
    !verify::well_conditioned(patterns, theta, L::of_patterns(&mut search.room.own))
        && verify::smallest_eigenvalue(patterns, theta).0 < verify::SINGULAR
}

fn check_determined<L: SecondOrder>(likelihood: &L, search: &mut Search<L>) -> Result<(), Failure> {
    let Search { place: point, curvature, metric, damped, factor, .. } = search;
    verify::determined(likelihood.patterns(), &L::mean(point).theta, &curvature.hessian, metric, Silence::TooFew, (damped, factor))
}

/// The parameters in which the likelihood is constant, as the information expected where the search began tells: a
/// search that drifts along them ends anywhere.
fn flat<L: SecondOrder>(likelihood: &L, search: &mut Search<L>) -> Option<Failure> {
    let Search { next, metric, damped, factor, room, .. } = search;
    let start = room.start.clone();
    if !likelihood.evaluate(&start, next, room) {
        return None;
    }
    let derived = Derived::at(likelihood, next);
    let expected = likelihood.expected_hessian(next, &derived);
    likelihood.set_fisher(next, &derived.derivatives, room.plan, metric, &mut room.own);
    verify::determined(likelihood.patterns(), &L::mean(next).theta, &expected, metric, Silence::TakenByMean, (damped, factor)).err()
}

/// The edge of the range that a search was creeping towards: the Newton step leads out of it, and −2ℓ falls all the
/// way there. Gradient and Hessian must be those of where it stands.
fn edge<L: SecondOrder>(likelihood: &L, search: &mut Search<L>) -> Option<Failure> {
    let patterns = likelihood.patterns();
    let dampings = std::iter::once(0.0).chain((0..8).map(|k| 0.01 * f64::from(1 << (2 * k))));
    let inside = L::mean(&search.place).theta.clone();
    for damping in dampings {
        if !search.damped_step(damping) || search.goes(likelihood, 1.0) {
            continue;
        }
        let (mut near, mut far) = (0.0, 1.0);
        for _ in 0..40 {
            let middle = 0.5 * (near + far);
            *(if search.goes(likelihood, middle) { &mut near } else { &mut far }) = middle;
        }
        if !search.goes(likelihood, near) || !search.has_fallen() {
            continue;
        }
        std::mem::swap(&mut search.place, &mut search.next);
        let theta = L::mean(&search.place).theta.clone();
        let eigenvalue = verify::smallest_eigenvalue(patterns, &theta).0;
        search.goes(likelihood, 1.0);
        let ended = verify::end_of_range(patterns, &inside, &search.room.natural);
        return ended.or_else(|| (eigenvalue < 1e-4).then(|| verify::near_singular(patterns, &theta)));
    }
    None
}
