//! What holds for any p-values; the numbers of other software are in `tests/suite/peers/multiplicity.rs`.

use super::*;
use proptest::prelude::*;

#[test]
fn the_example_of_bretz_and_others_is_decided_as_published() {
    // Figure 1 of Bretz et al. (2011): two primary hypotheses, each with a secondary one, at 0.025.
    let transitions = vec![vec![0.0, 0.0, 1.0, 0.0], vec![0.0, 0.0, 0.0, 1.0], vec![0.0, 1.0, 0.0, 0.0], vec![1.0, 0.0, 0.0, 0.0]];
    let graph = Graph::new(vec![0.5, 0.5, 0.0, 0.0], transitions).unwrap();
    let decided = graph.test(&[0.018, 0.01, 0.105, 0.006], 0.025).unwrap();
    // By hand: 0.01 / 0.5; then its half goes to the fourth, 0.006 / 0.5, at least 0.02; then to the first, 0.018 / 1, at
    // least 0.02; then to the third, 0.105 / 1.
    assert_eq!(decided.adjusted, [0.02, 0.02, 0.105, 0.02]);
    assert_eq!(decided.order, [Some(3), Some(1), None, Some(2)]);
}

#[test]
fn what_cannot_be_tested_is_never_rejected_and_costs_nobody_else_more_than_its_share() {
    let holm = Weighted::equal(Procedure::Holm, 2).unwrap();
    let decided = holm.test(&[f64::NAN, 0.02], 0.05).unwrap();
    assert_eq!(decided.rejected(), [false, true]);
    let sequence = Weighted::equal(Procedure::FixedSequence, 3).unwrap();
    assert_eq!(sequence.test(&[0.01, f64::NAN, 0.01], 0.05).unwrap().rejected(), [true, false, false]);
    // A p-value of zero does not help a hypothesis that nothing is passed on to.
    let idle = Graph::new(vec![1.0, 0.0], vec![vec![0.0; 2]; 2]).unwrap();
    assert_eq!(idle.test(&[0.01, 0.0], 0.05).unwrap().rejected(), [true, false]);
}

#[test]
fn what_is_no_procedure_is_refused() {
    let graph = |weights: &[f64], transitions: &[&[f64]]| {
        Graph::new(weights.to_vec(), transitions.iter().map(|row| row.to_vec()).collect()).expect_err("it is none").code()
    };
    assert_eq!(graph(&[], &[]), "nothing-to-compare");
    assert_eq!(graph(&[0.7, 0.7], &[&[0.0, 1.0], &[1.0, 0.0]]), "out-of-range");
    assert_eq!(graph(&[0.5, -0.1], &[&[0.0, 1.0], &[1.0, 0.0]]), "out-of-range");
    assert_eq!(graph(&[0.5, f64::NAN], &[&[0.0, 1.0], &[1.0, 0.0]]), "out-of-range");
    assert_eq!(graph(&[0.5, 0.5], &[&[0.0, 1.0]]), "wrong-number-of-values");
    assert_eq!(graph(&[0.5, 0.5], &[&[0.5, 0.5], &[1.0, 0.0]]), "conflicting-settings");
    assert_eq!(graph(&[0.5, 0.2, 0.3], &[&[0.0, 0.6, 0.6], &[1.0, 0.0, 0.0], &[1.0, 0.0, 0.0]]), "out-of-range");
    assert_eq!(graph(&[0.5, 0.5], &[&[0.0, 1.5], &[1.0, 0.0]]), "out-of-range");
    let unequal = Weighted::new(Procedure::Hochberg, vec![0.7, 0.3]).expect_err("weights");
    assert_eq!(unequal.code(), "not-available");
    assert_eq!(Weighted::equal(Procedure::Graph, 2).expect_err("no transitions").code(), "incomplete-request");
    let holm = Weighted::equal(Procedure::Holm, 2).unwrap();
    assert_eq!(holm.test(&[0.1], 0.05).expect_err("one p-value").code(), "wrong-number-of-values");
    assert_eq!(holm.test(&[0.1, 1.1], 0.05).expect_err("no p-value").code(), "out-of-range");
    assert_eq!(holm.test(&[0.1, 0.1], 5.0).expect_err("no level").code(), "out-of-range");
    assert_eq!(Graph::holm(vec![0.5, 0.5]).without(2).expect_err("two hypotheses").code(), "no-such-position");
}

/// A graph of n hypotheses with weights and rows of transitions that sum to at most 1.
fn graphs() -> impl Strategy<Value = Graph> {
    (2_usize..6)
        .prop_flat_map(|n| {
            (prop::collection::vec(0.0..1.0_f64, n), prop::collection::vec(prop::collection::vec(0.0..1.0_f64, n), n), 0.3..=1.0_f64)
        })
        .prop_map(|(weights, transitions, share)| {
            let scaled = |row: &[f64], of: f64| {
                let sum: f64 = row.iter().sum();
                row.iter().map(|x| if sum > 0.0 { x * of / sum } else { 0.0 }).collect::<Vec<f64>>()
            };
            let row = |(i, row): (usize, &Vec<f64>)| {
                let own: Vec<f64> = row.iter().enumerate().map(|(j, x)| if i == j { 0.0 } else { *x }).collect();
                scaled(&own, share)
            };
            Graph::new(scaled(&weights, share), transitions.iter().enumerate().map(row).collect()).unwrap()
        })
}

fn p_values(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![0.0..0.1_f64, 0.0..1.0_f64], n)
}

proptest! {
    #[test]
    fn adjusted_p_values_decide_as_the_algorithm_does_at_the_level((graph, p, alpha) in graphs().prop_flat_map(|g| { let n = g.weights().len(); (Just(g), p_values(n), 0.001..0.3_f64) })) {
        let decided = graph.test(&p, alpha).unwrap();
        // Algorithm 1, as it is written: reject whatever is at most its share of the level, until nothing is.
        let (mut left, mut rejected) = (graph, vec![false; p.len()]);
        while let Some(i) = (0..p.len()).find(|&i| !rejected[i] && p[i] <= alpha * left.weights()[i]) {
            rejected[i] = true;
            left = left.without(i).unwrap();
        }
        let near = |i: usize| (decided.adjusted[i] - alpha).abs() < 1e-9;
        for i in 0..p.len() {
            prop_assert!(decided.rejected()[i] == rejected[i] || near(i), "{i}: {decided:?} {rejected:?}");
        }
        for i in 0..p.len() {
            prop_assert!(decided.adjusted[i] >= p[i] && decided.adjusted[i] <= 1.0);
        }
    }

    #[test]
    fn a_smaller_p_value_never_takes_a_rejection_away((graph, p, i, by) in graphs().prop_flat_map(|g| { let n = g.weights().len(); (Just(g), p_values(n), 0..n, 0.0..1.0_f64) })) {
        let before = graph.test(&p, 0.05).unwrap();
        let mut smaller = p.clone();
        smaller[i] *= by;
        let after = graph.test(&smaller, 0.05).unwrap();
        for k in 0..p.len() {
            prop_assert!(after.adjusted[k] <= before.adjusted[k] + 1e-12, "{k}: {before:?} {after:?}");
        }
    }

    #[test]
    fn equal_weights_all_passed_on_are_holm(p in (2_usize..7).prop_flat_map(p_values)) {
        let n = p.len();
        let share = 1.0 / (n - 1) as f64;
        let transitions = (0..n).map(|i| (0..n).map(|j| if i == j { 0.0 } else { share }).collect()).collect();
        let graph = Graph::new(vec![1.0 / n as f64; n], transitions).unwrap().test(&p, 0.05).unwrap();
        // Holm by hand: sorted, times what is left, made to rise.
        let mut sorted: Vec<usize> = (0..n).collect();
        sorted.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
        let mut largest = 0.0_f64;
        for (k, &i) in sorted.iter().enumerate() {
            largest = largest.max(((n - k) as f64 * p[i]).min(1.0));
            prop_assert!((graph.adjusted[i] - largest).abs() < 1e-12);
        }
        let holm = Weighted::equal(Procedure::Holm, n).unwrap().test(&p, 0.05).unwrap();
        let hochberg = Weighted::equal(Procedure::Hochberg, n).unwrap().test(&p, 0.05).unwrap();
        let bonferroni = Weighted::equal(Procedure::Bonferroni, n).unwrap().test(&p, 0.05).unwrap();
        for i in 0..n {
            prop_assert!((holm.adjusted[i] - graph.adjusted[i]).abs() < 1e-12);
            prop_assert!(hochberg.adjusted[i] <= holm.adjusted[i] + 1e-12 && holm.adjusted[i] <= bonferroni.adjusted[i] + 1e-12);
        }
    }

    #[test]
    fn a_fixed_sequence_is_the_running_maximum(p in (1_usize..7).prop_flat_map(p_values)) {
        let decided = Weighted::equal(Procedure::FixedSequence, p.len()).unwrap().test(&p, 0.05).unwrap();
        let mut largest = 0.0_f64;
        for (i, p) in p.iter().enumerate() {
            largest = largest.max(*p);
            prop_assert!((decided.adjusted[i] - largest).abs() < 1e-12);
        }
    }
}
