//! Cumulative logits with a random intercept: the likelihood integrated over it by adaptive Gauss–Hermite quadrature.
//!
//! With v standard normal, η_i + σv is the predictor of the observations of a level. Nodes stand around the mode of the
//! integrand, scaled by the curvature there. Score and information of the integrated likelihood are posterior expectations,
//! E[∇ℓ] and E[−∇²ℓ] − Var[∇ℓ] (Louis 1982, JRSS B 44:226–233), taken at the same nodes: exact as far as the quadrature is. Nodes
//! are therefore added until nothing moves.

use super::likelihood::{At, MOST_STEPS, Optimum, Parameters, SMALL_DECREMENT, Sample};
use crate::generalized::mixed::{LADDER, Rule, TOLERANCE};
use nalgebra::{Cholesky, DMatrix, DVector};

/// The optimum with σ as the last parameter.
#[derive(Debug, Clone)]
pub(super) struct WithIntercept {
    pub optimum: Optimum,
    /// Of each level: levels × parameters.
    pub scores: DMatrix<f64>,
    pub nodes: usize,
    /// Whether another number of nodes gave the same.
    pub settled: bool,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    NotConverged(usize),
    InfiniteVariance,
}

/// A standard deviation beyond which the likelihood grows without end.
const MOST_SD: f64 = 50.0;
/// Twice what the likelihood could still rise by, below which steps are not held to raise it: a tenth of a standard error.
const NEAR: f64 = 0.01;
/// Fewer nodes than those of this rung are not tried.
const FIRST_RUNG: usize = 2;
/// A standard deviation that is none.
pub(super) const NO_SD: f64 = 1e-4;

/// What one level contributes.
struct OfLevel {
    value: f64,
    score: DVector<f64>,
    information: DMatrix<f64>,
}

struct Integrated<'a> {
    sample: &'a Sample,
    /// The observations of each level.
    levels: &'a [Vec<usize>],
    rule: &'a Rule,
}

impl Integrated<'_> {
    /// The mode of the log-integrand over v, and minus its second derivative there.
    fn mode(&self, members: &[usize], cuts: &[f64], eta: &DVector<f64>, sd: f64) -> (f64, f64) {
        let at = |v: f64| {
            members.iter().fold((-0.5 * v * v, -v, 1.0), |(value, slope, curvature), &i| {
                let own = self.sample.observed(i, cuts, eta[i] + sd * v);
                let [hh, ll, hl] = own.curvature;
                (value + own.value, slope - sd * (own.slope[0] + own.slope[1]), curvature + sd * sd * (hh + ll + 2.0 * hl))
            })
        };
        let mut v = 0.0;
        let mut here = at(v);
        for _ in 0..100 {
            let step = here.1 / here.2;
            let mut length = 1.0;
            let (next, there) = loop {
                let next = v + length * step;
                let there = at(next);
                if there.0 >= here.0 || length < 1e-8 {
                    break (next, there);
                }
                length *= 0.5;
            };
            (v, here) = (next, there);
            if step.abs() < 1e-10 {
                break;
            }
        }
        (v, here.2)
    }

    fn of_level(&self, members: &[usize], cuts: &[f64], eta: &DVector<f64>, sd: f64, d: usize) -> OfLevel {
        let (mode, curvature) = self.mode(members, cuts, eta, sd);
        let scale = curvature.sqrt().recip();
        let points: Vec<f64> = self.rule.nodes.iter().map(|z| mode + scale * z).collect();
        let of_point = |v: f64| members.iter().map(|&i| self.sample.observed(i, cuts, eta[i] + sd * v).value).sum::<f64>() - 0.5 * v * v;
        let terms: Vec<f64> = points.iter().zip(&self.rule.log_weights).map(|(&v, weight)| weight + of_point(v)).collect();
        let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = terms.iter().map(|term| (term - top).exp()).sum();
        let mut found = OfLevel { value: top + total.ln() + scale.ln(), score: DVector::zeros(d), information: DMatrix::zeros(d, d) };
        for (&v, term) in points.iter().zip(&terms) {
            let share = (term - top).exp() / total;
            if share < 1e-20 {
                continue;
            }
            let (mut score, mut information) = (DVector::zeros(d), DMatrix::zeros(d, d));
            for &i in members {
                let own = self.sample.observed(i, cuts, eta[i] + sd * v);
                let mut along = self.sample.along(i, d);
                along[d - 1] = v;
                self.sample.add_score(i, &own, &along, score.as_mut_slice());
                self.sample.add_information(i, &own, &along, &mut information);
            }
            found.score.axpy(share, &score, 1.0);
            found.information += (information - &score * score.transpose()) * share;
        }
        found.information += &found.score * found.score.transpose();
        found
    }

    /// Whether cut-points are in order.
    fn is_ordered(&self, parameters: &Parameters) -> bool {
        self.sample.cut_points(parameters).windows(2).all(|pair| pair[0] < pair[1])
    }

    /// Level by level.
    fn all(&self, parameters: &Parameters) -> Vec<OfLevel> {
        let (cuts, eta, d) = (self.sample.cut_points(parameters), self.sample.predictors(parameters), parameters.len());
        let sd = parameters[d - 1];
        self.levels.iter().map(|members| self.of_level(members, &cuts, &eta, sd, d)).collect()
    }

    fn at(&self, parameters: &Parameters) -> At {
        let d = parameters.len();
        let none = At { value: 0.0, score: DVector::zeros(d), information: DMatrix::zeros(d, d) };
        self.all(parameters).into_iter().fold(none, |mut sum, own| {
            sum.value += own.value;
            sum.score += own.score;
            sum.information += own.information;
            sum
        })
    }

    /// Newton's method; towards steepest ascent where the information is not positive definite.
    fn maximise(&self, mut parameters: Parameters) -> Result<Optimum, Unfit> {
        let d = parameters.len();
        let mut at = self.at(&parameters);
        for iterations in 1..=MOST_STEPS {
            if parameters[d - 1].abs() > MOST_SD {
                return Err(Unfit::InfiniteVariance);
            }
            let largest = at.information.diagonal().amax();
            let with = |more: f64| Cholesky::new(&at.information + DMatrix::identity(d, d) * (more * largest));
            let factor = [0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0].into_iter().find_map(|more| Some((more, with(more)?)));
            let Some((more, factor)) = factor else { return Err(Unfit::NotConverged(iterations)) };
            let step = factor.solve(&at.score);
            let decrement = at.score.dot(&step);
            let is_near = more == 0.0 && decrement < NEAR;
            let is_last = more == 0.0 && decrement <= SMALL_DECREMENT * (1.0 + at.value.abs());
            let mut length = 1.0;
            (parameters, at) = loop {
                let next = &parameters + &step * length;
                if self.is_ordered(&next) {
                    let there = self.at(&next);
                    // With few nodes value and score are not of one function: near the end the score decides.
                    if there.value >= at.value + 1e-4 * length * decrement || is_near {
                        break (next, there);
                    }
                }
                length *= 0.5;
                if length < 1e-10 {
                    return Err(Unfit::NotConverged(iterations));
                }
            };
            if is_last {
                let factor = Cholesky::new(at.information.clone()).ok_or(Unfit::NotConverged(iterations))?;
                return Ok(Optimum { parameters, at, factor, iterations });
            }
        }
        Err(Unfit::NotConverged(MOST_STEPS))
    }
}

/// The optimum by as many nodes as it takes, from that without a random intercept.
pub(super) fn maximise(sample: &Sample, levels: &[Vec<usize>], without: &Optimum) -> Result<WithIntercept, Unfit> {
    // Coefficients given a patient's level are larger by about the root of 1 + σ²/2.9.
    let larger = without.parameters.iter().map(|x| 1.15 * x);
    let mut start = DVector::from_iterator(without.parameters.len() + 1, larger.chain([1.0]));
    let mut before: Option<Optimum> = None;
    let mut iterations = 0;
    for (k, &nodes) in LADDER.iter().enumerate().skip(FIRST_RUNG) {
        let rule = Rule::of(nodes);
        let integrated = Integrated { sample, levels, rule: &rule };
        let mut found = integrated.maximise(start)?;
        iterations += found.iterations;
        found.iterations = iterations;
        let variances = found.factor.inverse().diagonal();
        let moved = before.as_ref().map(|before| {
            let steps = (&found.parameters - &before.parameters).zip_map(&variances, |step, variance| step.abs() / variance.sqrt());
            steps.max().max(2.0 * (found.at.value - before.at.value).abs())
        });
        let is_settled = moved.is_some_and(|moved| moved <= TOLERANCE);
        if is_settled || k + 1 == LADDER.len() {
            let all = integrated.all(&found.parameters);
            let scores = DMatrix::from_fn(all.len(), found.parameters.len(), |u, a| all[u].score[a]);
            return Ok(WithIntercept { optimum: found, scores, nodes, settled: is_settled });
        }
        start = found.parameters.clone();
        before = Some(found);
    }
    Err(Unfit::NotConverged(iterations))
}
