//! Condensed sums against those level by level, which are tested against dense matrices.

use super::hessian::Pairs;
use super::slopes::Slopes;
use super::{Condensed, Observed};
use crate::design::Design;
use crate::fit::Estimation;
use crate::fit::sparse::contrasts::Multipliers;
use crate::fit::sparse::data::Data;
use crate::fit::sparse::outcomes::Outcomes;
use crate::fit::sparse::point::Problem;
use crate::fit::sparse::tests::fit;

/// −2ℓ and its derivatives from condensed sums against those level by level, at Λ near and far, with variances of zero; also those of
/// a place that was evaluated with other outcomes.
pub(in crate::fit::sparse) fn check_condensed(name: &str, design: &Design, estimation: Estimation) {
    let kept: Vec<usize> = (0..design.columns.len()).collect();
    let (own, random) = (fit(design, estimation).expect("can be fitted"), &design.rows.random);
    let Multipliers { z, .. } = Multipliers::of(random, &own.problem.parameters);
    let (mut data, rows) = Data::of(design, &own.problem.layout, &z, &kept).expect("can be summed");
    let mut observed = Observed::of(random, &z, &own.problem.layout, &rows, &data);
    let mut outcomes = Outcomes::new(random, &z, &own.problem.layout, rows, &mut data);
    let mut problem = Problem { data, ..own.problem.clone() };
    let mut condensed = Condensed::of(&problem).expect("few sums");
    outcomes.set(&problem.layout, &design.rows.y, &mut problem.data);
    outcomes.complete(&mut problem.data);
    let (mut point, mut curvature) = (problem.blank(), problem.blank_curvature());
    let (mut place, mut slopes, mut pairs) = (condensed.blank(), Slopes::blank(&condensed), Pairs::blank(&condensed));
    let k = own.point.lambda.len();
    let scaled = |by: f64| own.point.lambda.iter().map(|l| by * (l + 0.1)).collect::<Vec<f64>>();
    let without = |x: usize| (0..k).map(|y| if x == y { 0.0 } else { 0.7 }).collect::<Vec<f64>>();
    let others: Vec<f64> = design.rows.y.iter().enumerate().map(|(at, y)| 0.3 * y + (at * 7919 % 13) as f64).collect();
    for lambda in [scaled(1.0), scaled(0.3), scaled(4.0), scaled(1e-5)].into_iter().chain((0..k).map(without)) {
        assert!(problem.evaluate(&lambda, &mut point), "{name}: {lambda:?}");
        problem.differentiate(&point, &mut curvature, &problem.head_elements());
        let alike = |what: &str, found: &[f64], expected: &[f64], tolerance: f64| {
            let scale = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() <= tolerance * scale, "{name}: {what} at {lambda:?}: {found:?} and {expected:?}");
            }
        };
        let compare = |value: f64, slopes: &Slopes| {
            assert!((value - point.value).abs() < 1e-12 * point.value.abs().max(1.0), "{name}: {value} and {}", point.value);
            alike("traces", &slopes.traces, &curvature.traces, 1e-9);
            alike("squares", &slopes.quadratic.squares, &curvature.quadratic, 1e-9);
            alike("bends", &slopes.quadratic.bends, &curvature.bends, 1e-9);
        };
        for moved in [false, true] {
            observed.set(if moved { &others } else { &design.rows.y });
            condensed.set_outcome(&observed);
            assert!(condensed.evaluate(&lambda, &mut place), "{name}: {lambda:?}");
            slopes.set(&condensed, &place);
            if moved {
                observed.set(&design.rows.y);
                condensed.set_outcome(&observed);
                assert!(condensed.move_outcome(&mut place), "{name}: {lambda:?}");
                slopes.move_outcome(&condensed, &place);
            }
            compare(place.value, &slopes);
        }
        pairs.set(&condensed, &place, &slopes);
        // Over the factors Λ, as the search has them: nothing is said of variances of zero.
        let over_factors = |pairs: &[f64]| -> Vec<f64> { (0..k * k).map(|at| lambda[at / k] * lambda[at % k] * pairs[at]).collect() };
        alike(
            "pairs",
            &over_factors(&pairs.of_d),
            &over_factors(&curvature.pairs),
            if lambda[0] < 1e-3 && lambda[0] > 0.0 { 1e-4 } else { 1e-9 },
        );
    }
}
