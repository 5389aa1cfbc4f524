//! Models with effects of clusters against dense matrices over all observations.

use super::WithEffects;
use super::shape::Joining;
use crate::covariance::Covariance;
use crate::design::{Design, EffectCovariance, RandomTerm};
use crate::fit::build::{self, Storage};
use crate::fit::curvature::Curvature;
use crate::fit::found::{Derived, SecondOrder};
use crate::fit::likelihood::Likelihood;
use crate::fit::problem::Estimation;
use crate::fit::tests::{self, check, design, options, theta};
use nalgebra::{DMatrix, DVector};

/// Groups with a level and a slope for three quarters of the patients, therapists that some patients change, and sites,
/// all crossed.
fn crossed(design: &Design) -> Vec<RandomTerm> {
    let term = |factor: &str, levels: u32, effects: &[&str], structure, level: &dyn Fn(usize, usize) -> Option<u32>| {
        term(design, factor, levels, effects, structure, level)
    };
    vec![
        term("group", 5, &["(Intercept)", "x"], EffectCovariance::Correlated, &|i, _| (i % 4 != 0).then_some((i % 5) as u32)),
        term("therapist", 4, &["(Intercept)"], EffectCovariance::Independent, &|i, v| {
            Some(((i + usize::from(v > 1 && i % 3 == 0)) / 2 % 4) as u32)
        }),
        term("site", 3, &["(Intercept)", "x"], EffectCovariance::Independent, &|i, _| Some((i % 3) as u32)),
    ]
}

/// Sites, groups in most of them, and one more site that nobody belongs to.
fn nested(design: &Design) -> Vec<RandomTerm> {
    let term = |factor: &str, levels: u32, effects: &[&str], structure, level: &dyn Fn(usize, usize) -> Option<u32>| {
        term(design, factor, levels, effects, structure, level)
    };
    vec![
        term("site", 7, &["(Intercept)", "x"], EffectCovariance::Correlated, &|i, _| Some((i % 6) as u32)),
        term("group", 12, &["(Intercept)", "x"], EffectCovariance::Independent, &|i, _| (i % 6 != 2).then_some((i % 12) as u32)),
        term("period", 24, &["(Intercept)"], EffectCovariance::Independent, &|i, v| Some((i % 12 * 2 + v / 2) as u32)),
    ]
}

fn term(
    design: &Design,
    factor: &str,
    levels: u32,
    effects: &[&str],
    structure: EffectCovariance,
    level: &dyn Fn(usize, usize) -> Option<u32>,
) -> RandomTerm {
    let (n, t) = (design.rows.patients.len(), design.columns.visits.len());
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
}

const G: [f64; 6] = [1.5, 0.3, 0.8, 0.9, 0.4, 0.2];

const ARRANGEMENTS: [Joining; 5] =
    [Joining::Cheapest, Joining::OneComponent, Joining::Factors(0), Joining::Factors(1), Joining::Factors(2)];

fn problem(design: &Design, estimation: Estimation, covariance: &Covariance, storage: Storage, joining: Joining) -> WithEffects {
    let mut origin = vec![0.0; design.columns.len()];
    origin[0] = 30.0;
    let structure = covariance.bind(&design.columns.visit_times).expect("has times").into();
    let within = tests::problem(design, structure, estimation, storage);
    let observed = build::observed_rows(design, &within.rows, &origin);
    WithEffects::arranged(within, design, &observed, joining)
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
        for &(a, b) in own.pairs() {
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

/// A design, the same likelihood in every arrangement, and parameters.
fn cases() -> Vec<(Design, Vec<WithEffects>, Vec<f64>, String)> {
    let mut cases = vec![];
    type Random = fn(&Design) -> Vec<RandomTerm>;
    let randoms: [(&str, Random); 2] = [("crossed", crossed), ("nested", nested)];
    for (options, (kind, random)) in options().iter().flat_map(|options| randoms.map(|random| (options, random))) {
        let mut design = design(options);
        let random = random(&design);
        std::sync::Arc::make_mut(&mut design.rows).random = random;
        for estimation in [Estimation::Reml, Estimation::Ml] {
            let (covariance, storage) = match estimation == Estimation::Reml || kind == "nested" {
                true => (Covariance::Unstructured, Storage::Sums),
                false => (Covariance::HeterogeneousAutoregressive, Storage::Patients),
            };
            let problems: Vec<WithEffects> =
                ARRANGEMENTS.iter().map(|&joining| problem(&design, estimation, &covariance, storage, joining)).collect();
            let within = &problems[0].within;
            let theta: Vec<f64> = theta(within.sigmas.structure(), within.sigmas.groups).into_iter().chain(G).collect();
            cases.push((design.clone(), problems, theta, format!("{kind}, {covariance}, {estimation:?}, {options:?}")));
        }
    }
    cases
}

/// Nested effects fall into components; of crossed ones, those that are left when some are joined.
#[test]
fn effects_that_nobody_shares_are_apart() {
    let components = |kind: usize, arrangement: usize| {
        let (_, problems, _, _) = &cases()[2 * kind];
        let shape = &problems[arrangement].shape;
        assert_eq!(shape.effects(), problems[0].clusters.terms.iter().map(|term| term.total()).sum::<usize>());
        (shape.joined(), shape.components.iter().map(|c| c.size()).collect::<Vec<_>>())
    };
    // Site, its two groups, and the two periods of each; then the site and the groups that nobody is in.
    assert_eq!(components(1, 0), (0, vec![2 + 2 * 2 + 4, 10, 2 + 4, 10, 10, 10, 2, 2, 2]));
    assert_eq!(components(1, 1).1, vec![14 + 24 + 24]);
    assert_eq!(components(0, 2), (0, vec![10 + 4 + 6]));
    assert_eq!(components(0, 4), (4 + 6, vec![2; 5]));
}

/// However the columns are arranged, the numbers are the same.
#[test]
fn every_arrangement_leads_to_the_same_numbers() {
    for (_, problems, theta, case) in cases() {
        let all = |problem: &WithEffects| -> (f64, Curvature, DMatrix<f64>) {
            let point = problem.at(&theta).expect("inside the range");
            let derived = Derived::at(problem, &point);
            let expected = problem.expected_hessian(&point, &derived);
            (point.mean.value, derived.curvature, expected)
        };
        let (value, curvature, expected) = all(&problems[1]);
        for (problem, arrangement) in problems.iter().zip(ARRANGEMENTS) {
            let own = all(problem);
            assert!((own.0 - value).abs() < 1e-12 * value.abs(), "{case}, {arrangement:?}: {} and {value}", own.0);
            let gradient = (&own.1.gradient - &curvature.gradient).amax() / curvature.gradient.amax();
            let hessian = (&own.1.hessian - &curvature.hessian).amax() / curvature.hessian.amax();
            let information = (own.2 - &expected).amax() / expected.amax();
            assert!(gradient.max(hessian).max(information) < 1e-10, "{case}, {arrangement:?}: {gradient:e}, {hessian:e}, {information:e}");
        }
    }
}

/// Value, β, Φ, slopes, KR's sum and the expected information of the marginal model with V written out.
#[test]
fn the_likelihood_is_that_of_the_marginal_model() {
    for (at, (design, problems, theta, case)) in cases().into_iter().enumerate() {
        // Every arrangement has its turn with every kind.
        let problem = &problems[(at / 2 + at % 2) % problems.len()];
        let Dense { y, x, slopes, v } = dense(&design, problem, &theta);
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

        let derived = Derived::at(problem, &point);
        let pk: Vec<DMatrix<f64>> = slopes.iter().map(|d| -(x.transpose() * &w * d * &w * &x)).collect();
        problem.slopes(&derived).iter().zip(&pk).for_each(|(a, b)| close(a, b, "a slope"));

        let estimated = &w - &w * &x * &phi * x.transpose() * &w;
        let projection = if reml { &estimated } else { &w };
        let moved: Vec<DMatrix<f64>> = slopes.iter().map(|d| projection * d).collect();
        let traces = DMatrix::from_fn(theta.len(), theta.len(), |k, l| moved[k].transpose().dot(&moved[l]));
        close(&problem.expected_hessian(&point, &derived), &traces, "the expected information");

        // Weights of the parameters, symmetric and otherwise arbitrary.
        let omega = DMatrix::from_fn(theta.len(), theta.len(), |k, l| 1.0 / (1.0 + (k + l) as f64) + f64::from(k == l));
        let mut q = DMatrix::zeros(p, p);
        let right: Vec<DMatrix<f64>> = slopes.iter().map(|d| d * &w * &x).collect();
        for (k, l) in (0..slopes.len()).flat_map(|k| (0..slopes.len()).map(move |l| (k, l))) {
            q += (&w * &right[k]).tr_mul(&right[l]) * omega[(k, l)];
        }
        close(&problem.weighted_q(&point, &derived, &omega), &q, "the sum of Q");

        for term in 0..problem.clusters.terms.len() {
            let (z, g) = of_term(&design, problem, term);
            let found = problem.effects(&point, term);
            let covariance = |weights: &DMatrix<f64>| &g - &g * z.transpose() * weights * &z * &g;
            let (all, known, u) = (covariance(&estimated), covariance(&w), &g * z.transpose() * &estimated * &y);
            close(&DMatrix::from_column_slice(u.len(), 1, &found.estimates), &DMatrix::from_columns(&[u]), "predicted effects");
            for (level, (own, conditional)) in found.covariances.iter().zip(&found.conditional).enumerate() {
                let (k, first) = (found.size, level * found.size);
                close(own, &all.view((first, first), (k, k)).clone_owned(), "their covariance");
                close(conditional, &known.view((first, first), (k, k)).clone_owned(), "the same for a known mean");
            }
        }
    }
}

/// Z and G̃ of one term, over all observations.
fn of_term(design: &Design, problem: &WithEffects, term: usize) -> (DMatrix<f64>, DMatrix<f64>) {
    let (random, own) = (&design.rows.random[term], &problem.clusters.terms[term]);
    let (seen, k) = ((0..design.rows.y.len()).filter(|&row| !design.rows.y[row].is_nan()), own.size());
    let rows: Vec<usize> = seen.collect();
    let mut z = DMatrix::zeros(rows.len(), own.total());
    for (i, &row) in rows.iter().enumerate() {
        if let Some(level) = random.level_of[row] {
            (0..k).for_each(|e| z[(i, level as usize * k + e)] = random.z[row * k + e]);
        }
    }
    let mut g = DMatrix::zeros(own.total(), own.total());
    for (&(a, b), &value) in own.pairs().iter().zip(&G[own.first_parameter..]) {
        for first in (0..own.levels).map(|level| level * k) {
            g[(first + a, first + b)] = value;
            g[(first + b, first + a)] = value;
        }
    }
    (z, g)
}

/// Gradient and Hessian against differences.
#[test]
fn derivatives_are_those_of_the_likelihood() {
    for (at, (_, problems, theta, case)) in cases().into_iter().enumerate() {
        check(&problems[(at / 2 + at % 2) % problems.len()], &theta, &case);
    }
}
