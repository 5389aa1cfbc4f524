//! Models of one visit by both engines: which of them the model is sent to decides nothing else.

use super::Engine;
use crate::Model;
use crate::covariance::Covariance;
use crate::design::Design;
use crate::fit::Estimation;
use crate::fit::optimum::Optimum;
use crate::trial::{Outcome, Schedule, Trial, Variable, Visit};
use nalgebra::DMatrix;

const PATIENTS: usize = 96;
const GROUPS: usize = 12;
const SITES: usize = 7;

const MODELS: [&str; 4] = [
    "y ~ arm + x + (1 | group)",
    "y ~ arm + x + (1 | group) + (1 | site)",
    "y ~ arm + x + (1 + x | site)",
    "y ~ arm + x + (1 + x || site) + (0 + x | group)",
];

/// Patients in groups and sites that cross one another, seen once; one in twelve was not seen, and one in nine is in no group.
fn trial() -> Trial {
    let mut state = 7_u64;
    let mut normal = move || {
        let mut uniform = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    };
    let mut several = |n: usize| (0..n).map(|_| normal()).collect::<Vec<f64>>();
    let (of_group, of_site, slope_of_site) = (several(GROUPS), several(SITES), several(SITES));
    let (x, rest) = (several(PATIENTS), several(PATIENTS));
    let group = |i: usize| (i % 9 != 4).then_some(i % GROUPS);
    let site = |i: usize| i * 5 / 3 % SITES;
    let y = |i: usize| {
        let of_group = group(i).map_or(0.0, |g| (2.5 + x[i]) * of_group[g]);
        20.0 + (i % 2) as f64 + 0.7 * x[i] + of_group + 2.0 * of_site[site(i)] + 1.5 * x[i] * slope_of_site[site(i)] + rest[i]
    };
    let values = (0..PATIENTS).map(|i| if i % 12 == 5 { f64::NAN } else { y(i) }).collect();
    let names = |n: usize| (0..n).map(|k| k.to_string());
    Trial::builder("made for this test")
        .patients(names(PATIENTS))
        .arms(["a", "b"], (0..PATIENTS).map(|i| i % 2).collect::<Vec<usize>>())
        .schedule(Schedule::new(vec![Visit { label: "once".into(), time: None }]))
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values })
        .variable(Variable::number("x", x.clone()))
        .variable(Variable::cluster("group", names(GROUPS), (0..PATIENTS).map(group).collect()))
        .variable(Variable::cluster("site", names(SITES), (0..PATIENTS).map(|i| Some(site(i))).collect()))
        .build()
        .expect("fits together")
}

fn optimum(engine: Engine, design: &Design, estimation: Estimation) -> Optimum {
    let columns = &design.columns;
    let structure = Covariance::Unstructured.bind_in(&columns.visits, &columns.visit_times, None).expect("a structure");
    let found = Optimum::by(engine, design, structure.into(), estimation).expect("an optimum");
    assert_eq!(found.convergence.engine, engine);
    found
}

fn standard_errors(optimum: &Optimum) -> Vec<f64> {
    optimum.phi.diagonal().iter().map(|variance| variance.sqrt()).collect()
}

/// The largest distance in units of the scales; not a number where one is none.
fn largest_distance(a: &[f64], b: &[f64], scales: &[f64]) -> f64 {
    assert_eq!((a.len(), b.len()), (scales.len(), scales.len()));
    let distances = a.iter().zip(b).zip(scales).map(|((a, b), scale)| ((a - b) / scale).abs());
    distances.max_by(f64::total_cmp).unwrap_or(f64::NAN)
}

fn relative(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    (a - b).norm() / b.norm()
}

/// What differs between the engines by more than rounding explains.
fn differences(dense: &Optimum, sparse: &Optimum) -> Vec<String> {
    let scales: Vec<f64> = sparse.theta.iter().map(|x| x.abs()).collect();
    let errors = standard_errors(sparse);
    let found = [
        ("−2ℓ", (dense.value - sparse.value).abs(), 1e-11),
        ("θ", largest_distance(&dense.theta, &sparse.theta, &scales), 1e-10),
        ("β, in standard errors", largest_distance(dense.beta.as_slice(), sparse.beta.as_slice(), &errors), 1e-11),
        ("standard errors", largest_distance(&standard_errors(dense), &errors, &errors), 1e-11),
        ("the Hessian", relative(&dense.model.curvature().hessian, &sparse.model.curvature().hessian), 1e-10),
        ("the expected Hessian", relative(&dense.model.expected_hessian(), &sparse.model.expected_hessian()), 1e-10),
    ];
    let differs = found.into_iter().filter(|(_, distance, tolerance)| distance.is_nan() || distance >= tolerance);
    differs.map(|(what, distance, _)| format!("{what} by {distance}")).collect()
}

#[test]
fn one_visit_is_the_same_by_dense_columns_as_by_sparse_elimination() {
    let trial = trial();
    let mut wrong = vec![];
    for formula in MODELS {
        for estimation in [Estimation::Reml, Estimation::Ml] {
            let design = Model::formula(formula).expect("a formula").design(&trial).expect("a design");
            // A model is sent there, so that nothing else has one visit in the dense engine.
            assert_eq!(Engine::of(&Covariance::Unstructured, &design), Engine::SparseEffects);
            let [dense, sparse] = [Engine::DenseEffects, Engine::SparseEffects].map(|engine| optimum(engine, &design, estimation));
            let case = format!("{formula}, {estimation:?}, θ {:?} and {:?}", dense.theta, sparse.theta);
            if !sparse.convergence.boundary.is_empty() || sparse.theta.contains(&0.0) {
                wrong.push(format!("{case}: a variance vanishes, and nothing is compared"));
            }
            wrong.extend(differences(&dense, &sparse).into_iter().map(|what| format!("{case}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
