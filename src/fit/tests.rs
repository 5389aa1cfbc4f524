//! The likelihood and its derivatives, against differences and against dense matrices patient by patient.

use super::build::{Parts, Storage};
use super::classes::Classes;
use super::curvature::Curvature;
use super::likelihood::{Differentiable, Likelihood};
use super::moments::active_rows;
use super::problem::{Estimation, Point, Problem};
use super::sigmas::Sigmas;
use super::slopes::Slopes;
use super::traces::TracePlan;
use super::verify::Labels;
use super::workspace::Workspace;
use crate::covariance::{Covariance, CovarianceStructure};
use crate::design::{Design, DesignOptions, MeanModel};
use crate::trial::{Outcome, Schedule, Trial, Variable, Visit};
use nalgebra::{DMatrix, DVector};

/// A small unbalanced trial: 40 patients, 4 visits, gaps of every kind, weights.
fn trial() -> Trial {
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut y = vec![];
    let mut weights = vec![];
    for patient in 0..40 {
        let own = 8.0 * uniform();
        for visit in 0..4 {
            let value = 30.0 + own - 2.0 * visit as f64 + 6.0 * uniform() + f64::from(patient % 2) * visit as f64;
            y.push(if uniform() < 0.25 { f64::NAN } else { value });
            weights.push(0.5 + uniform());
        }
    }
    let visits = [0.0, 3.0, 6.0, 12.0].map(|t| Visit { label: format!("month {t}"), time: Some(t) });
    Trial::builder("made for this test")
        .patients((0..40).map(|i| i.to_string()))
        .arms(["a", "b"], (0..40).map(|i| i % 2).collect())
        .schedule(Schedule::new(visits.to_vec()))
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: y })
        .variable(Variable::weight("w", weights))
        .build()
        .expect("fits together")
}

pub(super) fn design(options: &DesignOptions) -> Design {
    let mean = MeanModel::parse("y ~ arm * visit").expect("parses");
    Design::build(&trial(), &mean, options).expect("has all variables")
}

pub(super) fn problem(design: &Design, classes: Classes, estimation: Estimation, storage: Storage) -> Problem {
    let kept: Vec<usize> = (0..design.columns.len()).collect();
    let mut origin = vec![0.0; kept.len()];
    origin[0] = 30.0;
    let labels = Labels::of(&design.columns, &*classes.structures[0]);
    let sigmas = Sigmas::new(classes, &labels);
    Parts { design, rows: active_rows(&design.columns, design.rows.weights.is_some(), &kept), origin: &origin, sigmas, estimation, labels }
        .problem(storage)
        .0
}

pub(super) fn options() -> [DesignOptions; 3] {
    let plain = DesignOptions::default();
    [plain.clone(), DesignOptions { group: Some("arm".into()), ..plain.clone() }, DesignOptions { weights: Some("w".into()), ..plain }]
}

/// Parameters well inside the range, where differences are accurate, and away from the optimum, where the gradient is
/// not zero.
pub(super) fn theta(structure: &dyn CovarianceStructure, groups: usize) -> Vec<f64> {
    let near = DMatrix::from_fn(4, 4, |a, b| (6.0 + a as f64) * 0.6_f64.powi(a.abs_diff(b) as i32) + f64::from(a == b) * 2.0);
    structure.start(&(0.5 * (&near + near.transpose()))).repeat(groups)
}

/// Gradient and Hessian against central differences of the value and of the gradient, for every structure, with
/// groups, with weights, under REML and ML. The differences are good to about 1e-8 of the largest element.
#[test]
fn derivatives_are_those_of_the_likelihood() {
    for options in options() {
        let design = design(&options);
        for estimation in [Estimation::Reml, Estimation::Ml] {
            for (name, _, covariance) in Covariance::NAMED {
                let classes: Classes = covariance.bind(&design.columns.visit_times).expect("has times").into();
                let problem = problem(&design, classes, estimation, Storage::Sums);
                let theta = theta(problem.sigmas.structure(), problem.sigmas.groups);
                check(&problem, &theta, &format!("{name}, {estimation:?}, {options:?}"));
            }
        }
    }
}

/// Sums or patients, sandwiches or outer products: rounding apart, all the same.
#[test]
fn every_way_leads_to_the_same_numbers() {
    for options in options() {
        let design = design(&options);
        for (name, _, covariance) in Covariance::NAMED {
            let bind = || -> Classes { covariance.bind(&design.columns.visit_times).expect("has times").into() };
            let [sums, patients] = [Storage::Sums, Storage::Patients].map(|s| problem(&design, bind(), Estimation::Reml, s));
            let theta = theta(sums.sigmas.structure(), sums.sigmas.groups);
            let mut results = vec![
                curvature_by(&sums, &theta, TracePlan::Sandwiches),
                curvature_by(&sums, &theta, TracePlan::Tensor),
                curvature_by(&patients, &theta, TracePlan::Sandwiches),
                curvature_by(&patients, &theta, TracePlan::Tensor),
            ];
            if covariance == Covariance::Unstructured {
                results.extend([&sums, &patients].map(|problem| curvature_by(problem, &theta, TracePlan::Elements)));
            }
            let (value, first) = &results[0];
            for (other_value, other) in &results[1..] {
                assert!((value - other_value).abs() < 1e-12 * value.abs(), "{name}: {value} and {other_value}");
                assert!((&first.gradient - &other.gradient).amax() < 1e-11 * first.gradient.amax(), "{name}: gradients");
                assert!((&first.hessian - &other.hessian).amax() < 1e-11 * first.hessian.amax(), "{name}: Hessians");
            }
        }
    }
}

/// A class for every patient, all with the same structure, is no different from one class.
#[test]
fn classes_of_the_same_structure_are_one_class() {
    for options in options() {
        let design = design(&options);
        let bind = || covariance_of(&design);
        let n = design.rows.patients.len();
        let many = Classes { structures: (0..n).map(|_| bind().into()).collect(), of_patient: (0..n).collect() };
        let one = problem(&design, bind().into(), Estimation::Reml, Storage::Sums);
        let many = problem(&design, many, Estimation::Reml, Storage::Cheaper);
        let theta = theta(one.sigmas.structure(), one.sigmas.groups);
        let (value, first) = curvature_by(&one, &theta, TracePlan::Sandwiches);
        for plan in [TracePlan::Sandwiches, TracePlan::Tensor] {
            let (other_value, other) = curvature_by(&many, &theta, plan);
            assert!((value - other_value).abs() < 1e-12 * value.abs());
            assert!((&first.hessian - &other.hessian).amax() < 1e-11 * first.hessian.amax());
        }
    }
}

fn covariance_of(design: &Design) -> Box<dyn CovarianceStructure> {
    Covariance::HeterogeneousAutoregressive.bind(&design.columns.visit_times).expect("needs nothing")
}

fn curvature_by(problem: &Problem, theta: &[f64], plan: TracePlan) -> (f64, Curvature) {
    let point = problem.at(theta).expect("inside the range");
    let derivatives = problem.sigmas.derivatives(theta);
    let mut room = Workspace::new(problem);
    let mut curvature = Curvature::blank(theta.len());
    let mut slopes = Slopes::blank(theta.len(), problem.columns);
    problem.set_leading_curvature(&point, &derivatives, plan, &mut curvature, &mut room);
    problem.set_slopes(&point, &derivatives, &mut slopes, &mut room);
    let mut correction = DMatrix::zeros(theta.len(), theta.len());
    problem.set_correction(&point, &mut slopes, &mut correction, &mut room);
    curvature.hessian += correction;
    (point.value, curvature)
}

fn whole<L: Differentiable>(likelihood: &L, point: &L::Point) -> Curvature {
    likelihood.exact_curvature(point, &likelihood.patterns().sigmas.derivatives(&L::mean(point).theta)).0
}

pub(super) fn check<L: Differentiable>(likelihood: &L, theta: &[f64], case: &str) {
    let at = |theta: &[f64]| likelihood.at(theta).expect("inside the range");
    let exact = whole(likelihood, &at(theta));
    for k in 0..theta.len() {
        let step = 1e-5 * theta[k].abs().max(1e-2);
        let moved = |by: f64| {
            let mut theta = theta.to_vec();
            theta[k] += by;
            at(&theta)
        };
        let (above, below) = (moved(step), moved(-step));
        let slope = (L::mean(&above).value - L::mean(&below).value) / (2.0 * step);
        let scale = exact.gradient.abs().max() + 1e-3 * exact.hessian[(k, k)].abs() * theta[k].abs();
        assert!((slope - exact.gradient[k]).abs() < 1e-6 * scale, "{case}: ∂/∂θ_{k} is {} but moves by {slope}", exact.gradient[k]);
        let gradient = |point: &L::Point| whole(likelihood, point).gradient;
        let bend = (gradient(&above) - gradient(&below)) / (2.0 * step);
        for l in 0..theta.len() {
            let scale = (exact.hessian[(k, k)] * exact.hessian[(l, l)]).abs().sqrt() + exact.hessian[(k, l)].abs();
            assert!(
                (bend[l] - exact.hessian[(k, l)]).abs() < 1e-6 * scale,
                "{case}: ∂²/∂θ_{k}∂θ_{l} is {} but moves by {}",
                exact.hessian[(k, l)],
                bend[l]
            );
        }
    }
}

#[test]
fn the_likelihood_is_what_the_patients_give() {
    for options in options() {
        let design = design(&options);
        let structure = Covariance::Unstructured.bind(&design.columns.visit_times).expect("needs nothing");
        let problem = problem(&design, structure.into(), Estimation::Reml, Storage::Cheaper);
        let point = super::start::start(&problem).expect("starts");
        let expected = patient_by_patient(&design, &point, problem.sigmas.structure());
        assert!((point.value - expected).abs() < 1e-10 * expected.abs(), "{} here, {expected} patient by patient", point.value);
    }
}

/// −2 restricted log-likelihood summed over patients with dense matrices.
fn patient_by_patient(design: &Design, point: &Point, structure: &dyn CovarianceStructure) -> f64 {
    let (p, q, t) = (design.columns.len(), design.columns.values, design.columns.visits.len());
    let per_group = point.theta.len() / design.columns.groups.len();
    let (mut xwx, mut xwy, mut ywy, mut value, mut n) = (DMatrix::zeros(p, p), DVector::zeros(p), 0.0, 0.0, 0);
    for i in 0..design.rows.patients.len() {
        let seen: Vec<usize> = (0..t).filter(|&v| !design.rows.y[i * t + v].is_nan()).collect();
        let mut sigma = DMatrix::zeros(t, t);
        let group = design.rows.group_of[i];
        structure.sigma(&point.theta[group * per_group..(group + 1) * per_group], &mut sigma);
        let root = |v: usize| design.rows.weights.as_ref().map_or(1.0, |w| w[i * t + v].sqrt());
        let v = DMatrix::from_fn(seen.len(), seen.len(), |a, b| sigma[(seen[a], seen[b])] / (root(seen[a]) * root(seen[b])));
        let mut x = DMatrix::zeros(seen.len(), p);
        for (row, &visit) in seen.iter().enumerate() {
            design.columns.entries[visit].iter().for_each(|e| x[(row, e.column)] = e.weight * design.rows.z[i * q + e.value]);
        }
        let y = DVector::from_iterator(seen.len(), seen.iter().map(|&v| design.rows.y[i * t + v]));
        let w = v.clone().try_inverse().expect("positive definite");
        value += v.determinant().ln();
        n += seen.len();
        xwx += x.transpose() * &w * &x;
        xwy += x.transpose() * &w * &y;
        ywy += (y.transpose() * &w * &y)[0];
    }
    let beta = xwx.clone().cholesky().expect("full rank").solve(&xwy);
    value + ywy - xwy.dot(&beta) + xwx.determinant().ln() + (n - p) as f64 * (2.0 * std::f64::consts::PI).ln()
}
