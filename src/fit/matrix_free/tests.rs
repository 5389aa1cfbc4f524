//! Products with the Hessian against differences of the exact gradient and against the dense Hessian; optima and
//! degrees of freedom against those of the search with a Hessian.

use super::conjugate::Conjugate;
use super::hessian::{Local, Room, root_counts};
use super::{Sizes, prepared};
use crate::covariance::{Covariance, lower_pairs};
use crate::design::{Design, DesignOptions, MeanModel};
use crate::fit::build::{Parts, Storage};
use crate::fit::centring::Centring;
use crate::fit::classes::Classes;
use crate::fit::clusters::Clusters;
use crate::fit::likelihood::{Differentiable, Likelihood};
use crate::fit::moments::active_rows;
use crate::fit::optimum::{Beginning, Fitting, Optimum, checked, found, found_without_hessian, least_squares};
use crate::fit::problem::{Estimation, Problem};
use crate::fit::sigmas::Sigmas;
use crate::fit::start;
use crate::simulate::{Dropout, Gaussian};
use crate::trial::Trial;
use nalgebra::{DMatrix, DVector};

/// So many visits with dropout, and with gaps where `gaps` says so.
fn trial(patients: usize, visits: usize, dropout: f64, gaps: bool) -> Trial {
    let means = |slope: f64| (0..visits).map(|t| 40.0 - slope * t as f64).collect::<Vec<f64>>();
    let drawn = Gaussian::new((0..visits).map(|t| format!("v{t}")))
        .arm("control", patients / 2, means(0.5))
        .arm("treatment", patients - patients / 2, means(0.8))
        .autoregressive(10.0, 0.7)
        .dropout(Dropout::CompletelyAtRandom { each_visit: dropout })
        .trial(20_261_201, 0)
        .expect("the simulation is stated soundly");
    if !gaps {
        return drawn;
    }
    let outcome = drawn.outcomes()[0].clone();
    let gap = |at: usize| (at * 7919).is_multiple_of(11);
    let values = outcome.values.iter().enumerate().map(|(at, &y)| if gap(at) { f64::NAN } else { y }).collect();
    Trial::builder("with gaps")
        .patients(drawn.patients().to_vec())
        .arms(drawn.arms().to_vec(), drawn.arm_of().to_vec())
        .schedule(drawn.schedule().clone())
        .outcome(crate::trial::Outcome { values, ..outcome })
        .build()
        .expect("the parts fit together")
}

fn built(trial: &Trial, by_arm: bool, estimation: Estimation, storage: Storage) -> (Problem, Vec<f64>, Fitting) {
    let mean = MeanModel::parse("y ~ arm * visit").expect("parses");
    let options = DesignOptions { group: by_arm.then(|| "arm".into()), ..DesignOptions::default() };
    let design = Design::build(trial, &mean, &options).expect("has all variables");
    let classes: Classes = Covariance::Unstructured.bind(&design.columns.visit_times).expect("needs nothing").into();
    let (kept, labels) = checked(&design.columns, &design.account, &[], &classes).expect("enough observations");
    let rows = active_rows(&design.columns, false, &kept);
    let origin = least_squares(&design, &kept).expect("regular");
    let sigmas = Sigmas::new(classes, &labels);
    let (problem, moments) = Parts { design: &design, rows, origin: &origin, sigmas, estimation, labels }.problem(storage);
    let fitting = Fitting { clusters: Clusters::of(&[], kept.len()), centring: Centring::of(&design, &kept), kept, moments };
    (problem, origin, fitting)
}

/// Both roads to one optimum.
fn both(trial: &Trial, by_arm: bool, estimation: Estimation) -> [Optimum; 2] {
    let (problem, origin, fitting) = built(trial, by_arm, estimation, Storage::Cheaper);
    let dense = found(problem.clone(), origin.clone(), Beginning::Own, fitting.clone()).map_err(|lost| lost.failure()).expect("an optimum");
    let free = found_without_hessian(problem, origin, Beginning::Own, fitting).map_err(|lost| lost.failure()).expect("an optimum");
    [dense.optimum, free.optimum]
}

/// The cases: dropout alone, gaps, a covariance for each arm, complete data; REML and ML.
fn cases() -> Vec<(&'static str, Trial, bool, Estimation)> {
    let mut cases = vec![];
    for estimation in [Estimation::Reml, Estimation::Ml] {
        cases.push(("dropout", trial(90, 10, 0.04, false), false, estimation));
        cases.push(("gaps", trial(120, 10, 0.03, true), false, estimation));
        cases.push(("by arm", trial(140, 7, 0.04, true), true, estimation));
        cases.push(("complete", trial(60, 12, 0.0, false), false, estimation));
    }
    cases
}

#[test]
fn products_are_those_with_the_dense_hessian_and_differences_of_the_gradient() {
    for (case, trial, by_arm, estimation) in cases() {
        for storage in [Storage::Sums, Storage::Patients] {
            let problem = built(&trial, by_arm, estimation, storage).0;
            let t = problem.sigmas.visits();
            // Away from the optimum, where the gradient is not zero.
            let mut point = start::start(&problem).expect("a start");
            let theta: Vec<f64> = point.theta.iter().enumerate().map(|(k, x)| x * (1.0 + 0.02 * (k as f64).sin())).collect();
            let roots = root_counts(&problem);
            assert!(problem.move_to(&theta, &mut point, &mut problem.workspace()));
            let packed = |grid: &[f64]| -> DVector<f64> {
                let of = |own: &[f64]| {
                    lower_pairs(t).map(|(a, b)| if a == b { own[a * t + a] } else { 2.0 * own[b * t + a] }).collect::<Vec<_>>()
                };
                DVector::from_vec(grid.chunks_exact(t * t).flat_map(of).collect())
            };
            let dense = problem.exact_curvature(&point, &problem.sigmas.derivatives(&theta)).0;
            let direction: Vec<f64> = theta.iter().enumerate().map(|(k, x)| x * (1.3 * k as f64).cos()).collect();
            let expected = &dense.hessian * DVector::from_column_slice(&direction);
            let ways = [(Local::blank(&problem), Room::new(&problem)), Local::by_patterns(&problem)];
            for (way, (mut local, mut room)) in ways.into_iter().enumerate() {
                let case = format!("{case}, {estimation:?}, {storage:?}, way {way}");
                local.set(&problem, &point, &roots, &mut room);
                let gradient = packed(&local.slope);
                assert!((&gradient - &dense.gradient).amax() < 1e-10 * dense.gradient.amax(), "{case}: gradient");
                let product = packed(local.along(&problem, &point, &roots, &direction, &mut room));
                assert!((&product - &expected).amax() < 1e-10 * expected.amax(), "{case}: product");
                // The same by central differences, good to about 1e-8.
                let step = 1e-5;
                let mut moved = |by: f64| {
                    let theta: Vec<f64> = theta.iter().zip(&direction).map(|(x, d)| x + by * d).collect();
                    local.set(&problem, &problem.at(&theta).expect("inside the range"), &roots, &mut room);
                    packed(&local.slope)
                };
                let bend = (moved(step) - moved(-step)) / (2.0 * step);
                assert!((bend - &product).amax() < 1e-6 * product.amax(), "{case}: differences");
            }
        }
    }
}

#[test]
fn optima_and_degrees_of_freedom_are_those_of_the_search_with_a_hessian() {
    for (case, trial, by_arm, estimation) in cases() {
        let [dense, free] = both(&trial, by_arm, estimation);
        let case = format!("{case}, {estimation:?}");
        assert!((dense.value - free.value).abs() < 1e-12 * dense.value.abs(), "{case}: {} and {}", dense.value, free.value);
        assert!((&dense.beta - &free.beta).amax() < 1e-9 * dense.beta.amax(), "{case}: β");
        let apart = |(a, b): (&DMatrix<f64>, &DMatrix<f64>)| (a - b).amax() / a.amax();
        let sigma = dense.covariances().iter().zip(&free.covariances()).map(apart).fold(0.0, f64::max);
        assert!(sigma < 1e-9, "{case}: Σ differs by {sigma:e}");
        let own = free.model().without_hessian().expect("it has none");
        let (slopes, covariance) = (dense.model().slopes(), dense.model().curvature().hessian.try_inverse().expect("regular") * 2.0);
        for c in 0..free.beta.len() {
            let phi_v: DVector<f64> = free.phi.column(c).into_owned();
            let gradient = own.variance_gradient(&phi_v);
            let expected = DVector::from_iterator(slopes.len(), slopes.iter().map(|p| -phi_v.dot(&(p * &phi_v))));
            assert!((&gradient - &expected).amax() < 1e-8 * expected.amax(), "{case}: gradient of the variance of column {c}");
            let (spread, by_dense) = (own.spread(&gradient), (expected.transpose() * &covariance * &expected)[0]);
            assert!((spread - by_dense).abs() < 1e-8 * by_dense, "{case}: {spread} and {by_dense}");
        }
        let hessian = free.model().curvature().hessian;
        let scale = dense.model().curvature().hessian;
        assert!((&hessian - &scale).amax() < 1e-7 * scale.amax(), "{case}: Hessian");
        let (a, b) = (vec![0.7; dense.sigmas.visits()], (0..dense.sigmas.visits()).map(|t| t as f64).collect::<Vec<_>>());
        let gradient = own.gradient_of_own_variance(0, &a, &b);
        let expected: Vec<f64> =
            dense.sigmas.derivatives(&dense.theta)[0].iter().map(|d| d.iter().map(|&(s, t, v)| a[s] * v * b[t]).sum()).collect();
        assert!(expected.iter().zip(gradient.iter()).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + a.abs())), "{case}");
    }
}

/// Of complete data with one design at all visits, Σ has a closed form: the residuals' sums of squares and products over
/// n − 2 (over n for maximum likelihood), and β the means of the arms (multivariate analysis of variance).
#[test]
fn eighty_visits_of_complete_data_have_their_closed_form() {
    let (patients, visits) = (200, 80);
    let trial = trial(patients, visits, 0.0, false);
    let y = &trial.outcomes()[0].values;
    let arms = trial.arm_of();
    let at = |i: usize, t: usize| y[i * visits + t];
    let means: Vec<Vec<f64>> = (0..2)
        .map(|arm| {
            let own: Vec<usize> = (0..patients).filter(|&i| arms[i] == arm).collect();
            (0..visits).map(|t| own.iter().map(|&i| at(i, t)).sum::<f64>() / own.len() as f64).collect()
        })
        .collect();
    let residuals = DMatrix::from_fn(patients, visits, |i, t| at(i, t) - means[arms[i]][t]);
    let squares = residuals.tr_mul(&residuals);
    for (estimation, divisor) in [(Estimation::Reml, patients as f64 - 2.0), (Estimation::Ml, patients as f64)] {
        let (problem, origin, fitting) = built(&trial, false, estimation, Storage::Cheaper);
        assert!(super::is_for(&problem));
        let free =
            found_without_hessian(problem, origin, Beginning::Own, fitting).map_err(|lost| lost.failure()).expect("an optimum").optimum;
        let expected = &squares / divisor;
        let apart = (&free.covariances()[0] - &expected).amax() / expected.amax();
        assert!(apart < 1e-9, "{estimation:?}: Σ differs by {apart:e}");
    }
}

/// What an iteration of the search takes, once its room is there: evaluation, gradient, conjugate gradients.
#[test]
fn no_iteration_allocates() {
    for (case, trial, by_arm, estimation) in cases() {
        let problem = prepared(built(&trial, by_arm, estimation, Storage::Cheaper).0);
        let (roots, mut local, mut room) = (root_counts(&problem), Local::blank(&problem), Room::new(&problem));
        let mut solver = Conjugate::blank(roots.len());
        let mut point = start::start(&problem).expect("a start");
        let theta = point.theta.clone();
        let mut iterate = || {
            assert!(problem.move_to(&theta, &mut point, &mut room.own));
            local.set(&problem, &point, &roots, &mut room);
            let right = std::mem::take(&mut local.gradient);
            let solved = solver.solve(&right, 0.5, 1e-3, |x, product| local.set_product(&problem, &point, &roots, x, product, &mut room));
            local.gradient = right;
            assert!(solved.products > 0, "{case}");
        };
        iterate();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("threads");
        let counted = pool.install(|| allocation_counter::measure(iterate));
        assert_eq!(counted.count_total, 0, "{case}");
    }
}

/// The bits are those of one thread.
#[test]
fn threads_do_not_matter() {
    let trial = trial(120, 10, 0.03, true);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let (problem, origin, fitting) = built(&trial, false, Estimation::Reml, Storage::Cheaper);
        let free = pool.install(|| found_without_hessian(problem, origin, Beginning::Own, fitting));
        let free = free.map_err(|lost| lost.failure()).expect("an optimum").optimum;
        let own = free.model().without_hessian().expect("it has none");
        let spread = pool.install(|| own.spread(&own.variance_gradient(&free.phi.column(3).into_owned())));
        (free.theta.clone(), free.value, spread)
    };
    assert_eq!(on(1), on(3));
}

/// Covariances of visits that nobody has both of are named.
#[test]
fn visits_never_seen_together_are_named() {
    let whole = trial(80, 6, 0.0, false);
    let outcome = whole.outcomes()[0].clone();
    let hidden = |at: usize| (at % 6 == 1 && (at / 6).is_multiple_of(2)) || (at % 6 == 4 && (at / 6) % 2 == 1);
    let values = outcome.values.iter().enumerate().map(|(at, &y)| if hidden(at) { f64::NAN } else { y }).collect();
    let apart = Trial::builder("apart")
        .patients(whole.patients().to_vec())
        .arms(["one", "two"], (0..80).map(|i| (i / 2) % 2).collect())
        .schedule(whole.schedule().clone())
        .outcome(crate::trial::Outcome { values, ..outcome })
        .build()
        .expect("the parts fit together");
    let (problem, origin, fitting) = built(&apart, false, Estimation::Reml, Storage::Cheaper);
    let refused =
        found_without_hessian(problem.clone(), origin.clone(), Beginning::Own, fitting.clone()).err().expect("not identified").failure();
    let dense = found(problem, origin, Beginning::Own, fitting).err().expect("not identified").failure();
    assert_eq!(refused.to_string(), dense.to_string());
}

/// Fits of up to 31 visits have a Hessian, whatever their patterns; dropout alone is cheaper than gaps.
#[test]
fn few_visits_have_a_hessian() {
    let of = |visits: usize, gaps: bool| {
        let patterns: Vec<Vec<usize>> = (1..=visits).map(|m| (usize::from(gaps && m > 1)..m).collect()).collect();
        Sizes::of(1, visits, 2 * visits, 2, patterns.iter().map(Vec::as_slice))
    };
    for gaps in [false, true] {
        assert!((2..32).all(|visits| !of(visits, gaps).favour_products()));
        assert!([32, 40, 80, 160].into_iter().all(|visits| of(visits, gaps).favour_products()));
    }
    assert!(of(160, false).product() < 0.3 * of(160, true).product());
}

/// Where the residuals of a group cannot span all visits, the search with a Hessian says so.
#[test]
fn fewer_patients_than_visits_have_a_hessian() {
    assert!(super::are_enough(&[160.0], 100, 200));
    assert!(!super::are_enough(&[102.0], 100, 200));
    assert!(super::are_enough(&[102.0], 100, 100));
    assert!(!super::are_enough(&[160.0, 40.0], 60, 120));
}

/// Counts tell of a group that only drops out; of gaps they do not, nor of visits that nobody has.
#[test]
fn counts_tell_where_there_is_no_maximum() {
    let up_to = |groups, patterns: &[(usize, &[usize], f64)]| super::unbounded_up_to((groups, 4, 2), patterns.iter().copied());
    let (all, three, one): (&[usize], &[usize], &[usize]) = (&[0, 1, 2, 3], &[0, 1, 2], &[0]);
    assert_eq!(up_to(1, &[(0, all, 3.0)]), Some(3));
    assert_eq!(up_to(1, &[(0, all, 4.0)]), None);
    assert_eq!(up_to(1, &[(0, all, 1.0), (0, three, 1.0), (0, one, 9.0)]), Some(2));
    // A single patient's residual is taken up by the mean: nothing is known of the variance, and nothing grows.
    assert_eq!(up_to(1, &[(0, all, 1.0), (0, three, 3.0)]), None);
    assert_eq!(up_to(1, &[(0, one, 9.0)]), None);
    assert_eq!(up_to(1, &[(0, all, 1.0), (0, &[0, 2], 9.0)]), None);
    assert_eq!(up_to(2, &[(0, all, 1.0), (0, &[0, 2], 9.0), (1, three, 2.0)]), Some(2));
}
