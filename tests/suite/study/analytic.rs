//! Formulas against longpower's own code, R's power functions, and printed tables.

use crate::common::{Comparison, assert_all, number, reference, rows, text};
use trialstats::study::analytic::{
    Ask, CorrelatedObservations, GroupTherapy, Groups, Mmrm, PowerFormula, Reference, Sides, Slopes, TwoMeans, TwoProportions,
};

/// What R's search for a root leaves.
const BY_ROOT: f64 = 1e-8;
/// Closed forms, to rounding.
const CLOSED: f64 = 1e-12;

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    rows(value).iter().map(number).collect()
}

fn sides(value: &serde_json::Value) -> Sides {
    if text(value) == "one.sided" { Sides::One } else { Sides::Two }
}

#[test]
fn mmrm_is_that_of_longpower() {
    let file = reference("planning/longpower.json");
    let mut comparisons = vec![];
    let other = [1.0, 0.5, 0.4, 0.3, 0.5, 1.0, 0.55, 0.4, 0.4, 0.55, 1.0, 0.6, 0.3, 0.4, 0.6, 1.0];
    for case in rows(&file["mmrm"]) {
        let design = Mmrm::new(numbers(&case["correlation"]), numbers(&case["retention"])).expect("a design");
        let design = design.other_arm(other, [1.0, 0.87, 0.81, 0.78]).expect("a design").sd(1.3).expect("positive");
        let design = design.allocation(1.0 / number(&case["lambda"])).expect("positive");
        let solve = |ask: Ask| design.solve(&ask.sides(sides(&case["side"]))).expect("an answer");
        let mut comparison = Comparison::of(case.to_string());
        let answer = solve(Ask::patients_for(0.5, 0.9));
        comparison.relative("patients of the reference arm", answer.exact[0], number(&case["n1"]), CLOSED);
        comparison.relative("patients of the other arm", answer.exact[1], number(&case["n2"]), CLOSED);
        comparison.relative("power", solve(Ask::power_of(300.0, 0.5)).power, number(&case["power"]), BY_ROOT);
        comparison.relative("effect", solve(Ask::effect_for(300.0, 0.9)).effect, number(&case["delta"]), BY_ROOT);
        comparisons.push(comparison);
    }
    assert_eq!(comparisons.len(), 60);
    assert_all(comparisons);
}

/// Lu, Luo and Chen (2008): the factors of Table 2 and the numbers of Table 1, by longpower's code.
#[test]
fn dropout_costs_what_lu_luo_and_chen_say() {
    let file = reference("planning/longpower.json");
    let mut comparison = Comparison::of("Lu, Luo and Chen");
    for case in rows(&file["phi"]) {
        let (visits, attrition) = (number(&case["visits"]), number(&case["attrition"]));
        let steps = visits as usize - 1;
        let retention: Vec<f64> = (0..=steps).map(|j| 1.0 - attrition * j as f64 / steps as f64).collect();
        let times: Vec<f64> = (0..=steps).map(|j| j as f64).collect();
        let rho = number(&case["correlation"]).powf(1.0 / steps as f64);
        let design = Mmrm::autoregressive(rho, &times, retention).expect("a design");
        comparison.relative(&case.to_string(), design.inflation()[0], number(&case["phi"]), CLOSED);
    }
    for case in rows(&file["table1"]) {
        let phi = numbers(&case["phi"]);
        let design = Mmrm::of_inflation([phi[0], phi[1]]).allocation(1.0 / number(&case["lambda"])).expect("positive");
        let total = |design: Mmrm| design.solve(&Ask::patients_for(0.5, 0.9)).expect("an answer").exact.iter().sum::<f64>();
        comparison.relative("z test", total(design.clone()), number(&case["z"]), CLOSED);
        comparison.relative("t test", total(design.reference(Reference::T)), number(&case["t"]), 1e-10);
    }
    assert_all([comparison]);
}

/// Diggle et al. (2002), pages 29 and 30.
#[test]
fn slopes_and_averages_are_those_of_diggle() {
    let file = reference("planning/longpower.json");
    let printed = [[313, 625, 938], [196, 391, 586], [79, 157, 235]];
    let ask = Ask::patients_for(0.5, 0.8).one_sided();
    let mut comparison = Comparison::of("slopes");
    for (k, case) in rows(&file["slopes"]).iter().enumerate() {
        let (rho, variance) = (number(&case["rho"]), number(&case["variance"]));
        let answer = Slopes::compound_symmetry([0.0, 2.0, 5.0], variance, rho).and_then(|d| d.solve(&ask)).expect("an answer");
        comparison.same("printed", answer.patients(), [printed[k / 3][k % 3]; 2]);
        comparison.relative("longpower", answer.exact[0], number(&case["diggle"]), 1e-10);
        let r: Vec<f64> = (0..9).map(|e| if e % 4 == 0 { variance } else { variance * rho }).collect();
        let t = [0.0, 2.0, 5.0];
        let design = CorrelatedObservations::new().kind(0.5, [0.0; 3], t.map(|t| [1.0, 0.0, t]), r.clone());
        let design = design.and_then(|d| d.kind(0.5, t, t.map(|t| [1.0, 1.0, t]), r)).expect("a design");
        let total = design.solve(&ask).expect("an answer");
        comparison.relative("Liu and Liang", total.exact.iter().sum(), number(&case["liu_liang"]), 1e-10);
    }
    let printed = [[145, 207, 268], [65, 92, 120], [37, 52, 67], [24, 33, 43]];
    for (row, effect) in [0.2, 0.3, 0.4, 0.5].into_iter().enumerate() {
        for (column, rho) in [0.2, 0.5, 0.8].into_iter().enumerate() {
            let answer = averages(3, rho, 0.5).solve(&Ask::patients_for(effect, 0.8).one_sided()).expect("an answer");
            comparison.same("page 30", answer.patients(), [printed[row][column]; 2]);
        }
    }
    for case in rows(&file["liu_liang"]) {
        let design = averages(number(&case["visits"]) as usize, number(&case["rho"]), number(&case["share"]));
        let answer = design.solve(&Ask::patients_for(0.5, 0.9)).expect("an answer");
        comparison.relative(&case.to_string(), answer.exact.iter().sum(), number(&case["total"]), CLOSED);
    }
    assert_all([comparison]);
}

fn averages(visits: usize, rho: f64, other: f64) -> CorrelatedObservations {
    let r: Vec<f64> = (0..visits * visits).map(|k| if k / visits == k % visits { 1.0 } else { rho }).collect();
    let design = CorrelatedObservations::new().kind(1.0 - other, vec![0.0; visits], vec![[1.0]; visits], r.clone());
    design.and_then(|d| d.kind(other, vec![1.0; visits], vec![[1.0]; visits], r)).expect("a design")
}

#[test]
fn random_slopes_with_dropout_are_those_of_longpower() {
    let file = reference("planning/longpower.json");
    let mut comparison = Comparison::of("random slopes");
    let t: Vec<f64> = (0..7).map(|k| 0.25 * f64::from(k)).collect();
    for case in rows(&file["random"]) {
        let last = numbers(&case["last"]);
        let kept: Vec<f64> = (0..7).map(|k| last[k..].iter().sum::<f64>()).collect();
        let lambda = number(&case["lambda"]);
        let design = Slopes::random_effects(t.clone(), 55.0, 24.0, 0.8 * (55.0_f64 * 24.0).sqrt(), 10.0);
        let design = design.and_then(|d| d.retention(kept)).and_then(|d| d.allocation(1.0 / lambda)).expect("a design");
        let solve = |ask: Ask| design.solve(&ask.sides(sides(&case["side"]))).expect("an answer");
        let total = 200.0 * (1.0 + 1.0 / lambda);
        comparison.relative("patients", solve(Ask::patients_for(1.5, 0.8)).exact[0], numbers(&case["n"])[0], 1e-9);
        comparison.relative("power", solve(Ask::power_of(total, 1.5)).power, number(&case["power"]), 1e-9);
        comparison.relative("effect", solve(Ask::effect_for(total, 0.8)).effect, number(&case["delta"]), 1e-9);
    }
    assert_all([comparison]);
}

#[test]
fn means_and_proportions_are_those_of_r() {
    let file = reference("planning/longpower.json");
    let mut comparison = Comparison::of("power.t.test and power.prop.test");
    for case in rows(&file["means"]) {
        let (delta, power) = (number(&case["delta"]), number(&case["power"]));
        let design = TwoMeans::new(1.2).expect("positive");
        let solve = |ask: Ask| design.solve(&ask).expect("an answer");
        // R's search for n ends at a relative 1.2e-4.
        comparison.relative("patients", solve(Ask::patients_for(delta, power)).exact[0], number(&case["n"]), 2e-4);
        let one = solve(Ask::patients_for(delta, power).one_sided().alpha(0.01)).exact[0];
        comparison.relative("patients, one-sided", one, number(&case["one_sided"]), 2e-4);
        comparison.relative("power", solve(Ask::power_of(40.0, delta)).power, number(&case["power_of_20"]), 1e-9);
        comparison.relative("effect", solve(Ask::effect_for(40.0, power)).effect, number(&case["delta_of_20"]), BY_ROOT);
    }
    for case in rows(&file["proportions"]) {
        let (p, q) = (number(&case["reference"]), number(&case["other"]));
        let design = TwoProportions::new(p).expect("a proportion");
        let solve = |ask: Ask| design.solve(&ask).expect("an answer");
        comparison.relative("patients", solve(Ask::patients_for(q - p, 0.9)).exact[0], number(&case["n"]), BY_ROOT);
        comparison.relative("power", solve(Ask::power_of(200.0, q - p)).power, number(&case["power_of_100"]), BY_ROOT);
        let n = solve(Ask::patients_for(q - p, 0.9)).exact.iter().sum();
        let design = if q < p { design.clone().lower() } else { design.clone() };
        comparison.relative("effect", design.solve(&Ask::effect_for(n, 0.9)).expect("an answer").effect, q - p, 1e-9);
    }
    assert_all([comparison]);
}

/// Exact identities: a group of one is a patient, equal sizes give 1 + (m − 1)ρ, the best allocation is √(D_b/D_a).
#[test]
fn groups_cost_the_design_effect() {
    let groups = Groups::equal(8, 8.0, 0.05).expect("groups");
    assert!((groups.design_effect() - 1.35).abs() < 1e-15);
    assert_eq!((groups.number(), groups.patients()), (8, 64.0));
    assert!((groups.effective_patients() - 64.0 / 1.35).abs() < 1e-12);
    // Unequal groups cost more than equal ones of the same mean size.
    let unequal = Groups::of_sizes([4.0, 12.0, 4.0, 12.0, 8.0, 8.0, 8.0, 8.0], 0.05).expect("groups");
    let by_hand: f64 = [4.0, 12.0, 4.0, 12.0, 8.0, 8.0, 8.0, 8.0].iter().map(|m: &f64| m / (1.0 + (m - 1.0) * 0.05)).sum();
    assert!((unequal.effective_patients() - by_hand).abs() < 1e-12 && unequal.design_effect() > 1.35);
    let ask = Ask::power_of(128.0, 5.0);
    let power = |design: GroupTherapy| design.solve(&ask).expect("an answer").power;
    let plain = GroupTherapy::new(10.0).expect("positive");
    let alone = plain.clone().other_arm(Groups::equal(64, 1.0, 0.3).expect("groups"));
    assert!((power(alone) - power(plain.clone())).abs() < 1e-12);
    // Without groups and with equal arms, Satterthwaite's degrees of freedom are those of the t test.
    let t = TwoMeans::new(10.0).expect("positive").solve(&ask).expect("an answer").power;
    assert!((power(plain.clone()) - t).abs() < 1e-12);
    // By the normal distribution the power is that of the effective number of patients.
    let partial = plain.clone().other_arm(groups.clone()).by_normal();
    let se = 10.0 * (1.0 / 64.0 + 1.35 / 64.0_f64).sqrt();
    let expected = trialstats::dist::normal::cdf(5.0 / se - trialstats::dist::normal::quantile(0.975));
    assert!((power(partial.clone()) - expected).abs() < 1e-12);
    let best = partial.best_allocation();
    let total = |ratio: f64| {
        let design = partial.clone().allocation(ratio).expect("positive");
        design.solve(&Ask::patients_for(5.0, 0.8)).expect("an answer").exact.iter().sum::<f64>()
    };
    assert!(total(best) < total(0.9 * best) && total(best) < total(1.1 * best) && (best - 1.35_f64.sqrt()).abs() < 1e-12);
}

/// Solving for one of the three and back gives what was given.
#[test]
fn every_formula_is_its_own_inverse() {
    let group = Groups::of_sizes([6.0, 8.0, 10.0], 0.1).expect("groups");
    let designs: Vec<Box<dyn PowerFormula>> = vec![
        Box::new(Mmrm::compound_symmetry(0.5, [1.0, 0.8, 0.7]).and_then(|d| d.allocation(2.0)).expect("a design")),
        Box::new(Slopes::compound_symmetry([0.0, 1.0, 3.0], 1.0, 0.4).expect("a design")),
        Box::new(averages(3, 0.4, 0.3)),
        Box::new(GroupTherapy::new(1.0).expect("positive").other_arm(group)),
        Box::new(TwoMeans::ancova(1.0, 0.5).expect("a design")),
        Box::new(TwoProportions::new(0.4).expect("a proportion")),
    ];
    for design in &designs {
        for (effect, power) in [(0.3, 0.8), (0.5, 0.99), (0.2, 0.5)] {
            let answer = design.solve(&Ask::patients_for(effect, power)).expect("an answer");
            let n: f64 = answer.exact.iter().sum();
            let back = design.solve(&Ask::power_of(n, effect)).expect("an answer").power;
            assert!((back - power).abs() < 1e-10, "{}: {back} for {power}", design.method());
            let back = design.solve(&Ask::effect_for(n, power)).expect("an answer").effect;
            assert!((back - effect).abs() < 1e-10, "{}: {back} for {effect}", design.method());
            // No effect, the level of one tail.
            let level = design.solve(&Ask::power_of(n, 0.0)).expect("an answer").power;
            assert!((level - 0.025).abs() < 1e-10, "{}: {level}", design.method());
        }
    }
}

#[test]
fn impossible_requests_say_why() {
    let says = |r: trialstats::Result<Mmrm>| r.expect_err("refused").to_string();
    assert!(says(Mmrm::compound_symmetry(0.5, [1.0, 0.5, 0.6])).contains("fall"));
    assert!(says(Mmrm::compound_symmetry(-0.9, [1.0, 0.9, 0.8])).contains("positive definite"));
    assert!(says(Mmrm::new([1.0], [1.0, 0.9])).contains("4"));
    assert!(says(Mmrm::compound_symmetry(0.5, [])).contains("none"));
    let design = Mmrm::compound_symmetry(0.5, [1.0, 0.9]).expect("a design");
    let says = |ask: Ask| design.solve(&ask).expect_err("refused").to_string();
    assert!(says(Ask::patients_for(0.0, 0.8)).contains("effect of zero"));
    assert!(says(Ask::patients_for(0.5, 80.0)).contains("power of 80"));
    assert!(says(Ask::patients_for(0.5, 0.8).alpha(5.0)).contains("level of 5"));
    assert!(says(Ask::power_of(-3.0, 0.5)).contains("-3 patients"));
    assert!(says(Ask::power_of(3.0, f64::NAN)).contains("NaN"));
    let proportions = TwoProportions::new(0.9).expect("a proportion");
    assert!(proportions.solve(&Ask::effect_for(20.0, 0.9)).is_err(), "no proportion up to 1 is detected");
    assert!(proportions.solve(&Ask::power_of(20.0, 0.3)).is_err(), "1.2 is no proportion");
    assert!(Groups::equal(0, 8.0, 0.1).is_err() && Groups::equal(4, 0.5, 0.1).is_err() && Groups::equal(4, 5.0, 1.0).is_err());
    assert!(TwoMeans::new(0.0).is_err() && TwoMeans::new(1.0).and_then(|d| d.allocation(-1.0)).is_err());
    assert!(TwoMeans::new(1.0).expect("positive").solve(&Ask::power_of(2.0, 1.0)).is_err());
}
