//! Newton's method by conjugate gradients: the search of [`super::super::search`], without a Hessian.
//!
//! A step is solved for as exactly as the last one deserves (Eisenstat & Walker 1996, SIAM J Sci Comput 17:16–32), kept
//! downhill by the same damping in the same metric, and ends by the same decrement.

use super::super::Failure;
use super::super::likelihood::Likelihood;
use super::super::optimum::Beginning;
use super::super::problem::{Point, Problem};
use super::super::search::{LEFT, MAX_DAMPING, MAX_ITERATIONS, NEAR, STALLED, STALLED_IN_ROUNDING, Steps, noise};
use super::super::{Silence, refit, start, verify};
use super::conjugate::{Conjugate, FLAT, smallest_eigenvalue};
use super::hessian::{Local, Room, root_counts};
use crate::covariance::{lower, lower_pairs};

/// The largest share of the gradient that a step may leave.
const LOOSEST: f64 = 0.1;
/// The smallest that is asked for: rounding leaves as much.
const TIGHTEST: f64 = 1e-9;
/// Products that look for a direction in which −2ℓ is flat.
const LOOKS: usize = 20;

/// A search, with room for all that it computes.
#[derive(Debug, Clone)]
pub(in crate::fit) struct Newton {
    /// Where it stands, and at the end the optimum.
    pub place: Point,
    next: Point,
    /// √N_ab of every group.
    roots: Vec<f64>,
    local: Local,
    solver: Conjugate,
    /// The downhill gradient over X.
    downhill: Vec<f64>,
    next_theta: Vec<f64>,
    delta: Vec<f64>,
    left: f64,
    stalled: f64,
    room: Room,
}

/// A step, as solved for.
#[derive(Debug, Clone, Copy)]
struct Step {
    definite: bool,
    /// −g's.
    descent: f64,
    /// By how much −2ℓ falls where it is quadratic.
    promised: f64,
    /// The share of the gradient that is left.
    residual: f64,
}

impl Newton {
    /// A search that begins at a point, which has been evaluated.
    pub fn new(problem: &Problem, place: Point) -> Self {
        let roots = root_counts(problem);
        let size = roots.len();
        Self {
            next: problem.blank_point(),
            next_theta: place.theta.clone(),
            local: Local::blank(problem),
            solver: Conjugate::blank(size),
            downhill: vec![0.0; size],
            delta: vec![0.0; size],
            left: LEFT,
            stalled: STALLED,
            room: Room::new(problem),
            roots,
            place,
        }
    }

    /// Minimises −2ℓ from where it stands.
    pub fn minimise(&mut self, problem: &Problem) -> Result<Steps, Failure> {
        identified(problem, &self.place.theta, &self.roots)?;
        let (mut damping, mut evaluations, mut previous) = (0.0_f64, 1, f64::INFINITY);
        let mut length = 0.0;
        for iteration in 1..=MAX_ITERATIONS {
            self.local.set(problem, &self.place, &self.roots, &mut self.room);
            self.downhill.iter_mut().zip(&self.local.gradient).for_each(|(x, g)| *x = -g);
            let now = self.downhill.iter().map(|x| x * x).sum::<f64>();
            let share = forcing(now / length);
            length = now;
            let mut step = self.solve(problem, 0.0, share);
            let decrement = if step.definite { step.descent } else { f64::INFINITY };
            // The step about to be taken leaves at most the share that the last one left, and what was not solved for.
            let left = decrement * (decrement / previous.min(NEAR)).max(step.residual.powi(2)).min(1.0);
            let converged = left < self.left || (decrement < STALLED && decrement > 0.25 * previous);
            previous = decrement;
            let mut moved = false;
            while !moved && damping <= MAX_DAMPING {
                if damping > 0.0 {
                    step = self.solve(problem, damping, share.max(1e-3));
                }
                if step.definite {
                    evaluations += 1;
                    moved = self.goes(problem, 1.0) && self.falls(step.promised);
                }
                if converged {
                    break;
                }
                damping = if moved { 0.1 * damping } else { (4.0 * damping).max(0.05) };
            }
            if damping < 0.01 {
                damping = 0.0;
            }
            if moved {
                std::mem::swap(&mut self.place, &mut self.next);
            }
            if converged || (!moved && decrement < self.stalled) {
                self.settle(problem)?;
                return Ok(Steps { iterations: iteration, evaluations, decrement });
            } else if !moved || (damping > 0.0 && self.is_singular(problem)) {
                return Err(self.diagnosis(problem, iteration));
            }
        }
        Err(self.diagnosis(problem, MAX_ITERATIONS))
    }

    /// The step −(H + damping)⁻¹g, over X in the solver and over Σ in `delta`.
    fn solve(&mut self, problem: &Problem, damping: f64, share: f64) -> Step {
        let Self { place, roots, local, solver, downhill, room, delta, .. } = self;
        let solved = solver.solve(downhill, damping, share, |x, product| local.set_product(problem, place, roots, x, product, room));
        let descent = inner(downhill, &solver.x);
        // x'Hx is −g'x − damping x'x but for what is left of the gradient, which is orthogonal to x.
        let promised = 0.5 * (descent + damping * inner(&solver.x, &solver.x));
        local.set_direction(problem.sigmas.visits(), roots, &solver.x, &mut room.own.left, delta);
        Step { definite: solved.definite, descent, promised, residual: solved.residual }
    }

    /// Whether −2ℓ has a value at a share of the step, which is evaluated.
    fn goes(&mut self, problem: &Problem, share: f64) -> bool {
        let t = problem.sigmas.visits();
        let groups = self.next_theta.chunks_exact_mut(t * (t + 1) / 2).zip(self.place.theta.chunks_exact(t * (t + 1) / 2));
        for ((next, theta), delta) in groups.zip(self.delta.chunks_exact(t * t)) {
            for (k, (a, b)) in lower_pairs(t).enumerate() {
                next[k] = theta[k] + share * delta[b * t + a];
            }
        }
        problem.move_to(&self.next_theta, &mut self.next, &mut self.room.own)
    }

    /// Whether −2ℓ falls by a fair share of what the quadratic promises, or stays within rounding.
    fn falls(&self, promised: f64) -> bool {
        let noise = if self.stalled > STALLED { 1e3 } else { 1.0 } * noise(self.place.value);
        self.next.value <= self.place.value - 1e-4 * promised.max(0.0) + noise
    }

    /// Refuses an optimum at which Σ is singular, or −2ℓ flat.
    fn settle(&mut self, problem: &Problem) -> Result<(), Failure> {
        if self.is_singular(problem) {
            return Err(verify::near_singular(problem, &self.place.theta));
        }
        self.local.set(problem, &self.place, &self.roots, &mut self.room);
        self.determined(problem)
    }

    /// Refuses a place at which −2ℓ is flat in some direction.
    fn determined(&mut self, problem: &Problem) -> Result<(), Failure> {
        let Self { place, roots, local, room, .. } = self;
        let t = problem.sigmas.visits();
        let times = |x: &[f64], product: &mut [f64]| local.set_product(problem, place, roots, x, product, room);
        let (value, vector) = smallest_eigenvalue(in_every_direction(t, roots.len()), LOOKS, times);
        if value > FLAT {
            return Ok(());
        }
        local.set_direction(t, roots, &vector, &mut room.own.left, &mut self.delta);
        let factors = problem.sigmas.groups;
        let sigmas: Vec<_> = (0..factors).map(|group| problem.sigmas.sigma(&place.theta, group, 0)).collect();
        let of_group = |(sigma, delta): (&nalgebra::DMatrix<f64>, &[f64])| -> Vec<f64> {
            lower_pairs(t).map(|(a, b)| (delta[b * t + a] / (sigma[(a, a)] * sigma[(b, b)]).sqrt()).abs()).collect()
        };
        let shares: Vec<f64> = sigmas.iter().zip(self.delta.chunks_exact(t * t)).flat_map(of_group).collect();
        let largest = shares.iter().fold(0.0_f64, |most, &share| most.max(share));
        let parameters: Vec<usize> = (0..shares.len()).filter(|&k| shares[k] > 0.3 * largest).collect();
        Err(problem.labels.not_identified(problem, &place.theta, &parameters, Silence::TooFew))
    }

    fn is_singular(&mut self, problem: &Problem) -> bool {
        !verify::well_conditioned(problem, &self.place.theta, &mut self.room.own)
            && verify::smallest_eigenvalue(problem, &self.place.theta).0 < verify::SINGULAR
    }

    /// Why there is no optimum.
    fn diagnosis(&mut self, problem: &Problem, iterations: usize) -> Failure {
        let singular = if iterations == MAX_ITERATIONS { 1e-2 } else { 1e-6 };
        if verify::smallest_eigenvalue(problem, &self.place.theta).0 < singular {
            return verify::near_singular(problem, &self.place.theta);
        }
        self.local.set(problem, &self.place, &self.roots, &mut self.room);
        self.determined(problem).err().unwrap_or(Failure::NotConverged { iterations })
    }
}

/// How much of the gradient the next step may leave, given by how much its square fell with the last one.
fn forcing(fallen: f64) -> f64 {
    (0.9 * fallen).clamp(TIGHTEST, LOOSEST)
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Refuses covariances of visits that nobody of a group has both of; with all pairs seen, the covariance alone is known.
fn identified(problem: &Problem, theta: &[f64], roots: &[f64]) -> Result<(), Failure> {
    let t = problem.sigmas.visits();
    let of_group = |(group, roots): (usize, &[f64])| -> Vec<usize> {
        let first = group * problem.sigmas.per_group;
        lower_pairs(t).filter(|&(a, b)| roots[b * t + a] == 0.0).map(|(a, b)| first + lower(a, b)).collect()
    };
    let silent: Vec<usize> = roots.chunks_exact(t * t).enumerate().flat_map(of_group).collect();
    if silent.is_empty() { Ok(()) } else { Err(problem.labels.not_identified(problem, theta, &silent, Silence::TooFew)) }
}

/// Symmetric matrices with a share in every direction that anything smooth or sparse could have.
fn in_every_direction(t: usize, size: usize) -> Vec<f64> {
    let mut state = 20_261_201_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut start = vec![0.0; size];
    for own in start.chunks_exact_mut(t * t) {
        for (a, b) in lower_pairs(t) {
            own[b * t + a] = uniform();
            own[a * t + b] = own[b * t + a];
        }
    }
    start
}

/// Why a search has no optimum, and where it ended.
type Ended = (Failure, Option<Box<Newton>>);

/// The first search that ends at an optimum, or how the last one ended.
pub(in crate::fit) fn first_found(problem: &Problem, beginning: Beginning) -> Result<(Newton, Steps), Ended> {
    let mut last = (Failure::NoStart, None);
    for mut search in searches(problem, beginning).map_err(|failure| (failure, None))? {
        match search.minimise(problem) {
            Ok(steps) => return Ok((search, steps)),
            Err(failure) => last = (failure, Some(Box::new(search))),
        }
    }
    Err(last)
}

/// Searches to be tried in this order, as those with a Hessian are.
fn searches(problem: &Problem, beginning: Beginning) -> Result<Vec<Newton>, Failure> {
    let left = match beginning {
        Beginning::Near(theta) => {
            let place = problem.at(&theta).ok_or(Failure::NoStart)?;
            return Ok(vec![Newton { left: refit::LEFT, ..Newton::new(problem, place) }]);
        }
        Beginning::Left(theta) => problem.at(&theta),
        Beginning::Own => None,
    };
    Ok(match left {
        None => start::starts(problem, start::SMALLEST_VARIANCE)?.into_iter().map(|place| Newton::new(problem, place)).collect(),
        // What is small from here on is not rounding.
        Some(left) => {
            let starts = start::starts(problem, f64::EPSILON * f64::EPSILON).unwrap_or_default();
            let tolerant = |place| Newton { stalled: STALLED_IN_ROUNDING, ..Newton::new(problem, place) };
            std::iter::once(left).chain(starts).map(tolerant).collect()
        }
    })
}
