//! The two engines held to differences, to each other and to exact identities.

use super::cells::{Cells, Given, Grouping};
use super::engine::Engine;
use super::kernel::Kernel;
use super::objective::Evaluation;
use super::search::Objective;

/// Numbers that look random and are the same everywhere.
fn noise(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

struct Data {
    x: Vec<f64>,
    y: Vec<f64>,
    offset: Vec<f64>,
    patient: Vec<usize>,
    time: Vec<f64>,
}

fn data(kernel: Kernel, patients: usize, visits: usize) -> Data {
    let mut seed = 7;
    let mut data = Data { x: vec![], y: vec![], offset: vec![], patient: vec![], time: vec![] };
    for i in 0..patients {
        let own = 2.0 * (noise(&mut seed) + noise(&mut seed) - 1.0);
        for t in 0..visits {
            let time = t as f64 / visits as f64;
            let arm = (i % 2) as f64;
            let eta = -0.4 + own + 0.8 * time * arm;
            let u = noise(&mut seed);
            let y = match kernel {
                Kernel::Binary => f64::from(u8::from(u < 1.0 / (1.0 + (-eta).exp()))),
                Kernel::Count => (u * 2.0 * eta.exp()).round(),
            };
            data.x.extend([1.0, arm, time, arm * time]);
            data.y.push(y);
            data.offset.push(0.1 * (t % 3) as f64);
            data.patient.push(i);
            data.time.push(time);
        }
    }
    data
}

fn cells(kernel: Kernel, data: &Data, groupings: &[Grouping]) -> Cells {
    let given = Given { kernel, p: 4, x: &data.x, y: &data.y, offset: &data.offset, patient: &data.patient };
    Cells::new(given, groupings)
}

fn intercept(levels: usize, level_of: impl Fn(usize) -> Option<usize>, n: usize) -> Grouping {
    let level_of: Vec<Option<u32>> = (0..n).map(|i| level_of(i).map(|l| l as u32)).collect();
    let z = level_of.iter().map(|l| f64::from(u8::from(l.is_some()))).collect();
    Grouping { levels, level_of, k: 1, z, elements: vec![(0, 0)] }
}

fn check_gradient(name: &str, cells: &Cells, engine: &mut Engine, psi: &[f64]) {
    let d = cells.d();
    let mut at = Evaluation::new(d);
    engine.evaluate(psi, &mut at);
    let mut moved = Evaluation::new(d);
    for k in 0..d {
        let mut value_at = |h: f64| {
            let mut point = psi.to_vec();
            point[k] += h;
            engine.evaluate(&point, &mut moved);
            (moved.value, moved.gradient.clone())
        };
        let h = 1e-3;
        let (p2, p1, m1, m2) = (value_at(2.0 * h), value_at(h), value_at(-h), value_at(-2.0 * h));
        let slope = (8.0 * (p1.0 - m1.0) - (p2.0 - m2.0)) / (12.0 * h);
        assert!(
            (slope - at.gradient[k]).abs() < 1e-8 * (1.0 + slope.abs()),
            "{name}: gradient {k} is {} and differences {slope}",
            at.gradient[k]
        );
        if engine.has_hessian() {
            for i in 0..d {
                let curvature = (8.0 * (p1.1[i] - m1.1[i]) - (p2.1[i] - m2.1[i])) / (12.0 * h);
                let own = at.hessian[i * d + k];
                assert!(
                    (curvature - own).abs() < 1e-8 * (1.0 + curvature.abs()),
                    "{name}: Hessian {i},{k} is {own} and differences {curvature}"
                );
            }
        }
    }
}

#[test]
fn derivatives_are_those_of_the_approximation() {
    for kernel in [Kernel::Binary, Kernel::Count] {
        let data = data(kernel, 24, 4);
        let n = data.y.len();
        let patients = intercept(24, |i| Some(data.patient[i]), n);
        let slopes = {
            let z = data.time.iter().flat_map(|t| [1.0, *t]).collect();
            Grouping { k: 2, z, elements: vec![(0, 0), (1, 0), (1, 1)], ..patients.clone() }
        };
        // Some patients in no group, as in one arm of a partially nested trial.
        let sites = intercept(4, |i| (data.patient[i] < 20).then_some(data.patient[i] % 4), n);
        let visits = intercept(4, |i| Some(i % 4), n);
        let cases = [
            ("intercept", vec![patients.clone()], vec![0.3, -0.2, 0.5, 0.1, 0.9]),
            ("slopes", vec![slopes.clone()], vec![0.3, -0.2, 0.5, 0.1, 0.9, -0.4, 0.6]),
            ("sites alone", vec![sites.clone()], vec![0.3, -0.2, 0.5, 0.1, 0.7]),
            ("nested", vec![sites.clone(), patients.clone()], vec![0.3, -0.2, 0.5, 0.1, 0.7, 0.9]),
            ("nested slopes", vec![slopes.clone(), sites.clone()], vec![0.3, -0.2, 0.5, 0.1, 0.9, -0.4, 0.6, 0.5]),
        ];
        for (name, groupings, psi) in &cases {
            let cells = cells(kernel, &data, groupings);
            for nodes in [1, 2, 5] {
                check_gradient(name, &cells, &mut Engine::new(&cells, nodes), psi);
                check_gradient(name, &cells, &mut Engine::general(&cells, nodes), psi);
            }
        }
        let crossed = cells(kernel, &data, &[patients, visits, sites]);
        check_gradient("crossed", &crossed, &mut Engine::new(&crossed, 1), &[0.3, -0.2, 0.5, 0.1, 0.9, 0.4, 0.6]);
    }
}

#[test]
fn both_engines_are_one_likelihood() {
    for kernel in [Kernel::Binary, Kernel::Count] {
        let data = data(kernel, 30, 3);
        let cells = cells(kernel, &data, &[intercept(30, |i| Some(data.patient[i]), data.y.len())]);
        let psi = [0.3, -0.2, 0.5, 0.1, 1.4];
        for nodes in [1, 3, 20] {
            let (mut a, mut b) = (Evaluation::with_scores(5, cells.units.len()), Evaluation::with_scores(5, cells.units.len()));
            Engine::new(&cells, nodes).evaluate(&psi, &mut a);
            Engine::general(&cells, nodes).evaluate(&psi, &mut b);
            assert!((a.value - b.value).abs() < 1e-12 * a.value.abs());
            let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-11 * (1.0 + b.abs()));
            assert!(close(&a.gradient, &b.gradient));
            assert!(close(a.scores.as_deref().unwrap_or(&[]), b.scores.as_deref().unwrap_or(&[])));
        }
    }
}

#[test]
fn nothing_moves_when_nodes_settle() {
    use super::approximation::Nodes;
    let data = data(Kernel::Binary, 60, 4);
    let cells = cells(Kernel::Binary, &data, &[intercept(60, |i| Some(data.patient[i]), data.y.len())]);
    let auto = cells.maximise(Nodes::Auto).expect("it has a maximum");
    let many = cells.maximise(Nodes::Number(60)).expect("it has a maximum");
    assert_eq!(auto.settled, Some(true));
    assert!((auto.minus_two_log_likelihood - many.minus_two_log_likelihood).abs() < 1e-7);
    assert!(auto.step < 1e-9 && many.step < 1e-9, "{} {}", auto.step, many.step);
    for k in 0..cells.d() {
        assert!((auto.psi[k] - many.psi[k]).abs() < 1e-6 * many.vcov[k * cells.d() + k].sqrt());
    }
}

/// The clustered events of the references: patients, therapists, months and the model matrix of `arm * months`.
struct Clustered {
    data: Data,
    patients: usize,
    therapists: usize,
    therapist: Vec<usize>,
}

fn clustered_events() -> Clustered {
    let text = include_str!("../../../tests/references/data/clustered_events.csv");
    let (mut patients, mut therapists): (Vec<&str>, Vec<&str>) = (vec![], vec![]);
    let mut data = Data { x: vec![], y: vec![], offset: vec![], patient: vec![], time: vec![] };
    let mut therapist = vec![];
    let code = |names: &mut Vec<&'static str>, name: &'static str| {
        names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        })
    };
    for line in text.lines().skip(1) {
        let cells: Vec<&'static str> = line.split(',').collect();
        let (arm, time): (f64, f64) = (f64::from(u8::from(cells[2] == "B")), cells[4].parse().expect("a number"));
        data.x.extend([1.0, arm, time, arm * time]);
        data.y.push(cells[5].parse().expect("0 or 1"));
        data.offset.push(0.0);
        data.time.push(time);
        data.patient.push(code(&mut patients, cells[0]));
        therapist.push(code(&mut therapists, cells[1]));
    }
    Clustered { data, patients: patients.len(), therapists: therapists.len(), therapist }
}

/// −2 log L and its gradient at stated parameters, by the trapezoidal rule in R.
fn check_explicit(name: &str, cells: &Cells, nodes: usize) {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/references/glmm/clustered.json")).expect("the reference is JSON");
    let theirs = &all[name];
    let numbers =
        |key: &str| -> Vec<f64> { theirs[key].as_array().expect("numbers").iter().filter_map(serde_json::Value::as_f64).collect() };
    let (psi, gradient) = (numbers("psi"), numbers("gradient"));
    let mut at = Evaluation::new(cells.d());
    Engine::new(cells, nodes).evaluate(&psi, &mut at);
    let value = theirs["minus_two_log_likelihood"].as_f64().expect("a number");
    assert!((2.0 * at.value - value).abs() < 1e-7, "{name}: {} and {value}", 2.0 * at.value);
    assert_eq!(gradient.len(), cells.d());
    for (k, theirs) in gradient.iter().enumerate() {
        // Richardson's differences of R.
        assert!((2.0 * at.gradient[k] - theirs).abs() < 1e-6, "{name}: gradient {k} is {} and {theirs}", 2.0 * at.gradient[k]);
    }
}

#[test]
fn integrals_of_two_dimensions_and_of_two_levels_are_those_of_a_fine_grid() {
    let Clustered { data, patients, therapists, therapist } = clustered_events();
    let n = data.y.len();
    let of_patients = intercept(patients, |i| Some(data.patient[i]), n);
    let z = data.time.iter().flat_map(|t| [1.0, *t]).collect();
    let slopes = Grouping { k: 2, z, elements: vec![(0, 0), (1, 0), (1, 1)], ..of_patients.clone() };
    check_explicit("slopes_explicit", &cells(Kernel::Binary, &data, &[slopes]), 41);
    let of_therapists = intercept(therapists, |i| Some(therapist[i]), n);
    check_explicit("nested_explicit", &cells(Kernel::Binary, &data, &[of_therapists, of_patients]), 41);
}
