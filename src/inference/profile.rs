//! Ends of profile-likelihood intervals.
//!
//! The end of an interval for g(θ) is where g is largest (or smallest) among all θ whose −2ℓ exceeds its minimum by
//! no more than q, the quantile of χ² on one degree of freedom. It solves ∂(−2ℓ) = λ ∂g, −2ℓ = min + q, by Newton's
//! method with exact second derivatives (Venzon & Moolgavkar 1988, Applied Statistics 37:87–94, for any smooth g).
//! Where Newton does not get there in one go, the solution is followed from the optimum through smaller q, whose ends
//! form a smooth path in √q.
//!
//! All is done in the working parameters, in which a vanishing variance is an ordinary point.

use super::quantities::{Curve, Form};
use crate::fit::curvature::Curvature;
use crate::fit::optimum::Optimum;
use nalgebra::{Cholesky, DMatrix, DVector};

/// The merit, in units of −2ℓ, at which an end is exact to rounding.
const SOLVED: f64 = 1e-20;
/// The merit that rounding may leave.
const ROUNDING: f64 = 1e-13;
/// The smallest step along the path, as a share of √q.
const SMALLEST_STEP: f64 = 1.0 / 4096.0;

/// Where an interval ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// Here.
    At(f64),
    /// Nowhere: the path of smaller intervals stops at this value.
    Beyond(f64),
}

/// What all ends of one fit need.
pub(super) struct Profile<'a> {
    optimum: &'a Optimum,
    /// The inverse of the Hessian of −2ℓ at the optimum.
    metric: DMatrix<f64>,
    /// Typical sizes of the parameters.
    scale: DVector<f64>,
}

/// Everything at one point of a search.
struct State {
    eta: DVector<f64>,
    value: f64,
    deviance: Curvature,
    g: Curve,
}

impl<'a> Profile<'a> {
    /// `None` where the Hessian is singular.
    pub fn new(optimum: &'a Optimum) -> Option<Self> {
        let hessian = optimum.deviance(optimum.eta())?.1.hessian;
        let scale = hessian.diagonal().map(|h| if h > 0.0 { 1.0 / h.sqrt() } else { 1.0 });
        let scaled = DMatrix::from_fn(scale.len(), scale.len(), |a, b| hessian[(a, b)] * scale[a] * scale[b]);
        let inverse = Cholesky::new(scaled)?.inverse();
        let metric = DMatrix::from_fn(scale.len(), scale.len(), |a, b| inverse[(a, b)] * scale[a] * scale[b]);
        Some(Self { optimum, metric, scale })
    }

    /// The end of the interval of `form` upwards (`direction` 1) or downwards (−1), where −2ℓ has risen by `rise`.
    pub fn end(&self, form: &Form, direction: f64, rise: f64) -> End {
        let optimum = DVector::from_column_slice(self.optimum.eta());
        let Some(start) = self.state(form, optimum.clone()) else { return End::Beyond(f64::NAN) };
        let Some(away) = self.first_step(&start, direction, rise) else { return End::Beyond(start.g.value) };
        // The ends for rises of t² q, t from 0 to 1.
        let (mut before, mut last, mut value) = ((-1.0, &optimum - away), (0.0, optimum), start.g.value);
        let mut step = 1.0_f64;
        while last.0 < 1.0 {
            let t = (last.0 + step).min(1.0);
            let ahead = &last.1 + (&last.1 - &before.1) * ((t - last.0) / (last.0 - before.0));
            match self.solve(form, direction, rise * t * t, ahead).filter(|s| direction * (s.g.value - value) > 0.0) {
                Some(found) => {
                    value = found.g.value;
                    before = std::mem::replace(&mut last, (t, found.eta));
                    step *= 2.0;
                }
                None if step <= SMALLEST_STEP => return End::Beyond(value),
                None => step *= 0.5,
            }
        }
        End::At(value)
    }

    /// From the optimum to the end, as far as −2ℓ is quadratic and g linear; where g has no slope because a variance
    /// has vanished, along the parameter that g bends in. `None` where there is no such direction.
    fn first_step(&self, start: &State, direction: f64, rise: f64) -> Option<DVector<f64>> {
        let along = &self.metric * &start.g.over.gradient;
        let spread = start.g.over.gradient.dot(&along);
        let bend = |k: usize| direction * start.g.over.hessian[(k, k)] * self.scale[k] * self.scale[k];
        let k = (0..self.scale.len()).max_by(|&a, &b| bend(a).total_cmp(&bend(b)))?;
        if spread > 1e-12 * bend(k).abs() * start.g.value.abs() && spread > 0.0 {
            return Some(along * (direction * (2.0 * rise / spread).sqrt()));
        }
        let mut step = DVector::zeros(self.scale.len());
        step[k] = self.scale[k] * (2.0 * rise).sqrt();
        (bend(k) > 0.0).then_some(step)
    }

    fn state(&self, form: &Form, eta: DVector<f64>) -> Option<State> {
        let (value, deviance, theta) = self.optimum.deviance(eta.as_slice())?;
        let mut g = form.curve(self.optimum, &theta);
        self.optimum.to_working(eta.as_slice(), &mut g.over);
        g.over.gradient.iter().all(|x| x.is_finite()).then_some(State { eta, value, deviance, g })
    }

    /// Newton's method for the end at this rise, `None` where it does not converge.
    fn solve(&self, form: &Form, direction: f64, rise: f64, start: DVector<f64>) -> Option<State> {
        let mut state = self.state(form, start)?;
        let mut merit = self.merit(&state, rise);
        for _ in 0..60 {
            if merit < SOLVED {
                break;
            }
            let step = self.step(&state, rise)?;
            let candidate = |halvings: i32| {
                let next = self.state(form, &state.eta + &step * 0.5_f64.powi(halvings))?;
                let own = self.merit(&next, rise);
                (own < merit * (1.0 - 1e-4 * 0.5_f64.powi(halvings))).then_some((next, own))
            };
            match (0..12).find_map(candidate) {
                Some((next, own)) => (state, merit) = (next, own),
                None => break,
            }
        }
        (merit < ROUNDING && direction * self.multiplier(&state) > 0.0).then_some(state)
    }

    /// λ with which ∂(−2ℓ) − λ ∂g is smallest.
    fn multiplier(&self, state: &State) -> f64 {
        let along = &self.metric * &state.g.over.gradient;
        along.dot(&state.deviance.gradient) / along.dot(&state.g.over.gradient)
    }

    /// How far from an end: ∂(−2ℓ) − λ ∂g in the metric of the optimum, and −2ℓ from where it should be.
    fn merit(&self, state: &State, rise: f64) -> f64 {
        let rest = &state.deviance.gradient - &state.g.over.gradient * self.multiplier(state);
        let merit = rest.dot(&(&self.metric * &rest)) + (state.value - self.optimum.value - rise).powi(2);
        if merit.is_nan() { f64::INFINITY } else { merit }
    }

    /// The Newton step, in parameters scaled to typical size.
    fn step(&self, state: &State, rise: f64) -> Option<DVector<f64>> {
        let (n, lambda) = (self.scale.len(), self.multiplier(state));
        let slope = state.g.over.gradient.component_mul(&self.scale);
        let size = slope.norm();
        let gradient = state.deviance.gradient.component_mul(&self.scale);
        let mut matrix = DMatrix::zeros(n + 1, n + 1);
        let mut rhs = DVector::zeros(n + 1);
        for a in 0..n {
            for b in 0..n {
                let bend = state.deviance.hessian[(a, b)] - lambda * state.g.over.hessian[(a, b)];
                matrix[(a, b)] = bend * self.scale[a] * self.scale[b];
            }
            matrix[(a, n)] = -slope[a] / size;
            matrix[(n, a)] = gradient[a];
            rhs[a] = lambda * slope[a] - gradient[a];
        }
        rhs[n] = self.optimum.value + rise - state.value;
        let solution = matrix.lu().solve(&rhs)?;
        Some(solution.rows(0, n).component_mul(&self.scale))
    }
}
