//! Models with effects of clusters against dense matrices over all observations.

use super::marginal::Marginal;
use super::{Clusters, WithEffects};
use crate::covariance::Covariance;
use crate::design::{Design, EffectCovariance, RandomTerm};
use crate::fit::build::{self, Storage};
use crate::fit::found::{Derived, SecondOrder};
use crate::fit::likelihood::{Differentiable, Likelihood};
use crate::fit::problem::Estimation;
use crate::fit::tests::{self, check, design, options, theta};
use nalgebra::{DMatrix, DVector};

/// Groups with a level and a slope for three quarters of the patients, and therapists that some patients change.
fn random(design: &Design) -> Vec<RandomTerm> {
    let (n, t) = (design.rows.patients.len(), design.columns.visits.len());
    let term = |factor: &str, levels: u32, effects: &[&str], structure, level: &dyn Fn(usize, usize) -> Option<u32>| {
        let observed = |row: usize| !design.rows.y[row].is_nan();
        let level_of: Vec<Option<u32>> = (0..n * t).map(|row| level(row / t, row % t).filter(|_| observed(row))).collect();
        let z = level_of.iter().enumerate().flat_map(|(row, level)| {
            (0..effects.len()).map(move |e| if level.is_none() { 0.0 } else { [1.0, 0.3 * (row % t) as f64 + 0.1 * (row % 7) as f64][e] })
        });
        RandomTerm {
            factor: factor.into(),
            of_patients: false,
            levels: (0..levels).map(|l| l.to_string()).collect(),
            effects: effects.iter().map(|e| e.to_string()).collect(),
            structure,
            z: z.collect(),
            level_of,
        }
    };
    vec![
        term("group", 5, &["(Intercept)", "x"], EffectCovariance::Correlated, &|i, _| (i % 4 != 0).then_some((i % 5) as u32)),
        term("therapist", 4, &["(Intercept)"], EffectCovariance::Independent, &|i, v| {
            Some(((i + usize::from(v > 1 && i % 3 == 0)) / 2 % 4) as u32)
        }),
        term("site", 3, &["(Intercept)", "x"], EffectCovariance::Independent, &|i, _| Some((i % 3) as u32)),
    ]
}

const G: [f64; 6] = [1.5, 0.3, 0.8, 0.9, 0.4, 0.2];

fn problem(design: &Design, estimation: Estimation, covariance: &Covariance, storage: Storage) -> WithEffects {
    let mut origin = vec![0.0; design.columns.len()];
    origin[0] = 30.0;
    let structure = covariance.bind(&design.columns.visit_times).expect("has times").into();
    let within = tests::problem(design, structure, estimation, storage);
    let observed = build::observed_rows(design, &within.rows, &origin);
    WithEffects::new(within, design, &observed)
}

/// X, Z, R and V over all observations.
struct Dense {
    y: DVector<f64>,
    x: DMatrix<f64>,
    /// ∂V of every parameter.
    slopes: Vec<DMatrix<f64>>,
    v: DMatrix<f64>,
}

fn dense(design: &Design, problem: &WithEffects, theta: &[f64]) -> Dense {
    let t = design.columns.visits.len();
    let seen: Vec<usize> = (0..design.rows.y.len()).filter(|&row| !design.rows.y[row].is_nan()).collect();
    let n = seen.len();
    let (sigmas, per_group) = (&problem.within.sigmas, problem.within.sigmas.per_group);
    let root = |row: usize| design.rows.weights.as_ref().map_or(1.0, |w| w[row].sqrt());
    let on_rows = |of: &dyn Fn(usize) -> Option<DMatrix<f64>>| {
        DMatrix::from_fn(n, n, |a, b| {
            let (r, c) = (seen[a], seen[b]);
            let same = r / t == c / t;
            of(design.rows.group_of[r / t]).filter(|_| same).map_or(0.0, |m| m[(r % t, c % t)] / (root(r) * root(c)))
        })
    };
    let within: Vec<DMatrix<f64>> = (0..design.columns.groups.len()).map(|g| sigmas.sigma(theta, g, 0)).collect();
    let mut v = on_rows(&|g| Some(within[g].clone()));
    let mut slopes = vec![];
    for k in 0..sigmas.parameters() {
        let mut derivative = DMatrix::zeros(t, t);
        sigmas.structure().derivative(sigmas.of_group(theta, k / per_group), k % per_group, &mut derivative);
        slopes.push(on_rows(&|g| (g == k / per_group).then(|| derivative.clone())));
    }
    let mut parameter = sigmas.parameters();
    for (term, own) in design.rows.random.iter().zip(&problem.clusters.terms) {
        for (a, b) in own.pairs() {
            let k = term.size();
            let of = |r: usize, c: usize, a: usize, b: usize| term.z[r * k + a] * term.z[c * k + b];
            let slope = DMatrix::from_fn(n, n, |i, j| {
                let (r, c) = (seen[i], seen[j]);
                let together = term.level_of[r].is_some() && term.level_of[r] == term.level_of[c];
                let twice = if a == b { 0.0 } else { of(r, c, b, a) };
                if together { of(r, c, a, b) + twice } else { 0.0 }
            });
            v += &slope * theta[parameter];
            slopes.push(slope);
            parameter += 1;
        }
    }
    let x: Vec<Vec<f64>> = design.model_matrix().into_iter().map(|(_, _, row)| row).collect();
    Dense {
        y: DVector::from_iterator(n, seen.iter().map(|&row| design.rows.y[row])),
        x: DMatrix::from_fn(n, design.columns.len(), |i, j| x[i][j]),
        slopes,
        v,
    }
}

fn cases() -> Vec<(Design, WithEffects, Vec<f64>, String)> {
    let mut cases = vec![];
    for options in options() {
        let mut design = design(&options);
        let random = random(&design);
        std::sync::Arc::make_mut(&mut design.rows).random = random;
        for estimation in [Estimation::Reml, Estimation::Ml] {
            for (covariance, storage) in
                [(Covariance::Unstructured, Storage::Sums), (Covariance::HeterogeneousAutoregressive, Storage::Patients)]
            {
                let problem = problem(&design, estimation, &covariance, storage);
                let theta: Vec<f64> = theta(problem.within.sigmas.structure(), problem.within.sigmas.groups).into_iter().chain(G).collect();
                let name = format!("{covariance}, {estimation:?}, {options:?}");
                cases.push((design.clone(), problem, theta, name));
            }
        }
    }
    cases
}

/// Value, β, Φ, slopes, KR's sum and the expected information of the marginal model with V written out.
#[test]
fn the_likelihood_is_that_of_the_marginal_model() {
    for (design, problem, theta, case) in cases() {
        let Dense { y, x, slopes, v } = dense(&design, &problem, &theta);
        let (n, p) = x.shape();
        let w = v.clone().try_inverse().expect("positive definite");
        let phi = (x.transpose() * &w * &x).try_inverse().expect("full rank");
        let beta = &phi * x.transpose() * &w * &y;
        let r = &y - &x * &beta;
        let log = (2.0 * std::f64::consts::PI).ln();
        let quadratic = (r.transpose() * &w * &r)[0] + v.clone().cholesky().expect("positive definite").ln_determinant();
        let reml = problem.within.estimation == Estimation::Reml;
        let expected = quadratic + if reml { (n - p) as f64 * log - phi.determinant().ln() } else { n as f64 * log };
        let point = problem.at(&theta).expect("inside the range");
        assert!((point.mean.value - expected).abs() < 1e-10 * expected.abs(), "{case}: {} here, {expected} dense", point.mean.value);
        let close = |a: &DMatrix<f64>, b: &DMatrix<f64>, what: &str| {
            assert!((a - b).amax() < 1e-9 * b.amax(), "{case}: {what} differs by {:e}", (a - b).amax() / b.amax());
        };
        close(&point.mean.phi, &phi, "Φ");
        let mut origin = DVector::zeros(p);
        origin[0] = 30.0;
        close(&DMatrix::from_columns(&[&point.mean.beta + origin]), &DMatrix::from_columns(&[beta]), "β");

        let derivatives = problem.within.sigmas.derivatives(&theta);
        let (curvature, own) = problem.exact_curvature(&point, &derivatives);
        let marginal = Marginal::of(&problem, &point, &own);
        let pk: Vec<DMatrix<f64>> = slopes.iter().map(|d| -(x.transpose() * &w * d * &w * &x)).collect();
        marginal.slopes().iter().zip(&pk).for_each(|(a, b)| close(a, b, "a slope"));

        let projection = if reml { &w - &w * &x * &phi * x.transpose() * &w } else { w.clone() };
        let moved: Vec<DMatrix<f64>> = slopes.iter().map(|d| &projection * d).collect();
        let traces = DMatrix::from_fn(theta.len(), theta.len(), |k, l| moved[k].transpose().dot(&moved[l]));
        let derived = Derived { derivatives, curvature, slopes: own, shared: marginal };
        let information = problem.expected_hessian(&point, &derived);
        close(&information, &traces, "the expected information");

        // Weights of the parameters, symmetric and otherwise arbitrary.
        let omega = DMatrix::from_fn(theta.len(), theta.len(), |k, l| 1.0 / (1.0 + (k + l) as f64) + f64::from(k == l));
        let mut q = DMatrix::zeros(p, p);
        let first = problem.within.sigmas.parameters();
        let wx = &w * &x;
        let forms = |slopes: &[DMatrix<f64>], w: &DMatrix<f64>, wx: &DMatrix<f64>, sum: &mut DMatrix<f64>| {
            let right: Vec<DMatrix<f64>> = slopes.iter().map(|d| d * wx).collect();
            let left: Vec<DMatrix<f64>> = right.iter().map(|r| w * r).collect();
            for (k, l) in (0..slopes.len()).flat_map(|k| (0..slopes.len()).map(move |l| (k, l))) {
                *sum += left[k].tr_mul(&right[l]) * omega[(k, l)];
            }
        };
        forms(&slopes, &w, &wx, &mut q);
        let columns = columns(&design);
        let r_inverse = residual_weights(&design, &problem, &theta);
        let mut weighted = DMatrix::zeros(columns.ncols(), columns.ncols());
        forms(&slopes[..first], &r_inverse, &(&r_inverse * &columns), &mut weighted);
        close(&derived.shared.weighted_q(&omega, weighted), &q, "the sum of Q");
    }
}

/// \[X Z\] over all observations.
fn columns(design: &Design) -> DMatrix<f64> {
    let (t, p) = (design.columns.visits.len(), design.columns.len());
    let clusters = Clusters::of(&design.rows.random, p);
    let rows = design.model_matrix();
    let mut columns = DMatrix::zeros(rows.len(), p + clusters.effects());
    for (i, (patient, visit, x)) in rows.into_iter().enumerate() {
        x.iter().enumerate().for_each(|(c, &x)| columns[(i, c)] = x);
        let row = patient * t + visit;
        for (term, own) in design.rows.random.iter().zip(&clusters.terms) {
            let Some(level) = term.level_of[row] else { continue };
            own.columns(level as usize).enumerate().for_each(|(e, c)| columns[(i, c)] = term.z[row * term.size() + e]);
        }
    }
    columns
}

fn residual_weights(design: &Design, problem: &WithEffects, theta: &[f64]) -> DMatrix<f64> {
    let first = problem.within.sigmas.parameters();
    let mut alone = theta.to_vec();
    alone[first..].fill(0.0);
    dense(design, problem, &alone).v.try_inverse().expect("positive definite")
}

/// Gradient and Hessian against differences.
#[test]
fn derivatives_are_those_of_the_likelihood() {
    for (_, problem, theta, case) in cases() {
        check(&problem, &theta, &case);
    }
}
