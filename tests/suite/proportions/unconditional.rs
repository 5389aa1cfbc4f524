//! Exact methods held to sums over every table, and to what exactness means.

use super::p;
use trialstats::proportions::{Alternative, DifferenceMethod, Proportion, TestMethod, difference, test_of_equality};

fn binomial(n: usize, p: f64) -> Vec<f64> {
    let mut row = vec![1.0];
    for _ in 0..n {
        let mut next = vec![0.0; row.len() + 1];
        for (k, value) in row.iter().enumerate() {
            next[k] += value * (1.0 - p);
            next[k + 1] += value * p;
        }
        row = next;
    }
    row
}

/// The largest probability over 4,001 values of the open proportion that a table is in the region.
fn supremum(n: [usize; 2], delta: f64, inside: impl Fn(usize, usize) -> bool) -> f64 {
    let (low, high) = ((-delta).max(0.0), (1.0 - delta).min(1.0));
    let at = |i: usize| {
        let second = low + (high - low) * i as f64 / 4000.0;
        let (a, b) = (binomial(n[0], (second + delta).clamp(0.0, 1.0)), binomial(n[1], second));
        a.iter().enumerate().map(|(x, w)| w * b.iter().enumerate().filter(|(y, _)| inside(x, *y)).map(|(_, w)| w).sum::<f64>()).sum::<f64>()
    };
    (0..=4000).map(at).fold(0.0, f64::max)
}

#[test]
fn barnard_and_boschloo_are_sums_over_every_table() {
    for (first, second) in [(p(7, 10), p(2, 9)), (p(0, 6), p(4, 8)), (p(3, 12), p(9, 11))] {
        let sizes = [first.of, second.of];
        let z = |x: usize, y: usize| {
            let shared = (x + y) as f64 / (sizes[0] + sizes[1]) as f64;
            let variance = shared * (1.0 - shared) * (1.0 / sizes[0] as f64 + 1.0 / sizes[1] as f64);
            if variance == 0.0 { 0.0 } else { (x as f64 / sizes[0] as f64 - y as f64 / sizes[1] as f64) / variance.sqrt() }
        };
        let observed = z(first.met, second.met).abs();
        let held = supremum(sizes, 0.0, |x, y| z(x, y).abs() >= observed - 1e-9);
        let found = test_of_equality(first, second, TestMethod::Barnard, Alternative::TwoSided).p;
        assert!((found - held).abs() < 1e-6 && found >= held - 1e-12, "{found} {held}");

        let fisher = |x: usize, y: usize| test_of_equality(p(x, sizes[0]), p(y, sizes[1]), TestMethod::Fisher, Alternative::TwoSided).p;
        let observed = fisher(first.met, second.met);
        let held = supremum(sizes, 0.0, |x, y| fisher(x, y) <= observed * (1.0 + 1e-7));
        let found = test_of_equality(first, second, TestMethod::Boschloo, Alternative::TwoSided).p;
        assert!((found - held).abs() < 1e-6 && found >= held - 1e-12, "{found} {held}");
        assert!(found <= observed + 1e-12, "Boschloo's test is never less powerful than Fisher's");
    }
}

/// Santner and Snell's limits: just inside the p-value is above α/2, just outside below.
#[test]
fn unstandardised_limits_are_where_the_tail_is_a_fortieth() {
    for (first, second) in [(p(7, 10), p(2, 9)), (p(5, 12), p(5, 8)), (p(0, 7), p(3, 9))] {
        let scaled = |x: usize, y: usize| x as i64 * second.of as i64 - y as i64 * first.of as i64;
        let observed = scaled(first.met, second.met);
        let interval = difference(first, second, DifferenceMethod::ExactUnstandardised, 0.95).expect("a level");
        let sizes = [first.of, second.of];
        let upper_tail = |delta: f64| supremum(sizes, delta, |x, y| scaled(x, y) >= observed);
        let lower_tail = |delta: f64| supremum(sizes, delta, |x, y| scaled(x, y) <= observed);
        assert!(upper_tail(interval.lower + 1e-4) > 0.025 && upper_tail(interval.lower - 1e-4) < 0.025, "{interval:?}");
        assert!(lower_tail(interval.upper - 1e-4) > 0.025 && lower_tail(interval.upper + 1e-4) < 0.025, "{interval:?}");
    }
}

/// Exact intervals cover at least as often as they say, whatever both proportions are.
#[test]
fn exact_intervals_keep_their_level() {
    let n = [6, 5];
    for method in [DifferenceMethod::ExactScore, DifferenceMethod::ExactScoreTwoSided, DifferenceMethod::ExactUnstandardised] {
        let limits: Vec<Vec<(f64, f64)>> = (0..=n[0])
            .map(|x| {
                let of = |y| difference(p(x, n[0]), p(y, n[1]), method, 0.9).expect("a level");
                (0..=n[1]).map(|y| (of(y).lower, of(y).upper)).collect()
            })
            .collect();
        for (a, b) in [(0.1, 0.1), (0.5, 0.5), (0.9, 0.2), (0.3, 0.7), (0.02, 0.4), (0.95, 0.9), (0.5, 0.05)] {
            let (first, second) = (binomial(n[0], a), binomial(n[1], b));
            let mut covered = 0.0;
            for (x, y) in (0..=n[0]).flat_map(|x| (0..=n[1]).map(move |y| (x, y))) {
                let (lower, upper) = limits[x][y];
                if lower - 1e-9 <= a - b && a - b <= upper + 1e-9 {
                    covered += first[x] * second[y];
                }
            }
            assert!(covered >= 0.9 - 1e-9, "{method} at {a}, {b}: {covered}");
        }
    }
}

/// The second against the first mirrors the limits; events and their absence exchange them as well.
#[test]
fn every_difference_is_the_mirror_of_its_reverse() {
    use trialstats::options::Choices;
    let not = |of: Proportion| p(of.of - of.met, of.of);
    for (a, b) in [(p(7, 10), p(2, 9)), (p(0, 12), p(4, 15)), (p(36, 154), p(12, 77))] {
        for choice in DifferenceMethod::CHOICES {
            if a.of > 100 && choice.name.starts_with("exact") {
                continue;
            }
            let by = |a, b| difference(a, b, choice.value, 0.95).expect("a level");
            let (here, reverse, absence) = (by(a, b), by(b, a), by(not(b), not(a)));
            for other in [(-reverse.upper, -reverse.lower), (absence.lower, absence.upper)] {
                assert!(
                    (here.lower - other.0).abs() < 1e-7 && (here.upper - other.1).abs() < 1e-7,
                    "{} {a:?} {b:?}: {here:?} {other:?}",
                    choice.name
                );
            }
        }
    }
}
