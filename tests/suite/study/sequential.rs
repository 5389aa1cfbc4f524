//! Bounds against gsDesign's own code and the tables of Jennison and Turnbull (2000).

use crate::common::{Comparison, assert_all, number, reference, rows, text};
use trialstats::study::analytic::Sides;
use trialstats::study::sequential::{Efficacy, Exits, Futility, GroupSequential, Spending};

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    rows(value).iter().map(number).collect()
}

fn efficacy(name: &str) -> Efficacy {
    match name.strip_prefix("wang-tsiatis(").and_then(|rest| rest.strip_suffix(')')) {
        Some(delta) => Efficacy::WangTsiatis(delta.parse().expect("a number")),
        None => Efficacy::Spending(name.parse().expect("a spending function")),
    }
}

/// gsDesign's bounds are exact to its own integration by Simpson's rule: about 1e-7.
#[test]
fn bounds_and_crossing_probabilities_are_those_of_gsdesign() {
    const BOUND: f64 = 2e-6;
    const PROBABILITY: f64 = 5e-7;
    let file = reference("planning/gsdesign.json");
    let mut comparisons = vec![];
    for case in rows(&file["cases"]) {
        let (kind, tail, beta) = (number(&case["test_type"]) as usize, number(&case["alpha"]), number(&case["beta"]));
        let design = GroupSequential::new(numbers(&case["timing"])).efficacy(efficacy(text(&case["name"])));
        let design = match kind {
            1 => design.alpha(tail).sides(Sides::One),
            2 => design.alpha(2.0 * tail),
            3 => design.alpha(tail).sides(Sides::One).futility(Futility::new(Spending::HwangShihDeCani(-2.0), beta).binding()),
            _ => design.alpha(tail).sides(Sides::One).futility(Futility::new(Spending::HwangShihDeCani(-2.0), beta)),
        };
        let bounds = design.boundaries().expect("bounds");
        let mut comparison = Comparison::of(format!("{} of type {kind}, {} looks", text(&case["name"]), bounds.looks.len()));
        for (look, upper) in bounds.looks.iter().zip(numbers(&case["upper"])) {
            comparison.within("efficacy", look.upper, upper, BOUND);
        }
        if kind >= 3 {
            for (look, lower) in bounds.looks.iter().zip(numbers(&case["lower"])) {
                comparison.within("futility", look.futility.expect("a bound"), lower, BOUND);
            }
        }
        comparison.relative("drift", bounds.drift(1.0 - beta).expect("a power"), number(&case["drift"]), 1e-6);
        comparison.relative("inflation", bounds.inflation(1.0 - beta).expect("a power"), number(&case["inflation"]), 2e-6);
        let at = |drift: f64| bounds.exits(drift);
        let drift = number(&case["drift"]);
        for (ours, theirs) in at(drift).efficacy.iter().zip(numbers(&case["alternative_up"])) {
            comparison.within("chance of efficacy", *ours, theirs, PROBABILITY);
        }
        let of_none = |exits: Exits| exits.efficacy;
        if kind != 4 {
            for (ours, theirs) in of_none(at(0.0)).iter().zip(numbers(&case["null_up"])) {
                comparison.within("chance of efficacy under no effect", *ours, theirs, PROBABILITY);
            }
        }
        let expected = numbers(&case["expected"]);
        comparison.within("information under no effect", at(0.0).expected_information, expected[0], 1e-6);
        comparison.within("information at the drift", at(drift).expected_information, expected[1], 1e-6);
        comparisons.push(comparison);
    }
    assert_eq!(comparisons.len(), 52);
    assert_all(comparisons);
}

/// Jennison and Turnbull (2000), two-sided 5%: constants of Pocock (Table 2.1), O'Brien and Fleming (Table 2.3) and Wang
/// and Tsiatis (Table 2.9), and how much the information grows at 80 and 90% power (Tables 2.2 and 2.4).
#[test]
fn classic_constants_are_those_printed() {
    let printed = [
        (2, 2.178, 1.977, 2.038, [1.110, 1.100], [1.008, 1.007]),
        (3, 2.289, 2.004, 2.083, [1.166, 1.151], [1.017, 1.016]),
        (4, 2.361, 2.024, 2.113, [1.202, 1.183], [1.024, 1.022]),
        (5, 2.413, 2.040, 2.136, [1.229, 1.207], [1.028, 1.026]),
        (10, 2.555, 2.087, f64::NAN, [1.301, 1.271], [1.040, 1.037]),
    ];
    let mut comparison = Comparison::of("Jennison and Turnbull");
    for (looks, pocock, obrien_fleming, wang_tsiatis, of_pocock, of_obrien_fleming) in printed {
        let bounds = |efficacy: Efficacy| GroupSequential::evenly(looks).efficacy(efficacy).boundaries().expect("bounds");
        let last = |efficacy: Efficacy| bounds(efficacy).looks[looks - 1].upper;
        comparison.within("Pocock", last(Efficacy::POCOCK), pocock, 0.0006);
        comparison.within("O'Brien and Fleming", last(Efficacy::OBRIEN_FLEMING), obrien_fleming, 0.0006);
        if looks < 10 {
            comparison.within("Wang and Tsiatis", last(Efficacy::WangTsiatis(0.25)), wang_tsiatis, 0.0006);
        }
        for (power, printed) in [0.8, 0.9].into_iter().zip(of_pocock) {
            comparison.within("growth, Pocock", bounds(Efficacy::POCOCK).inflation(power).expect("a power"), printed, 0.0006);
        }
        for (power, printed) in [0.8, 0.9].into_iter().zip(of_obrien_fleming) {
            comparison.within(
                "growth, O'Brien and Fleming",
                bounds(Efficacy::OBRIEN_FLEMING).inflation(power).expect("a power"),
                printed,
                0.0006,
            );
        }
    }
    // Lan and DeMets (1983); Proschan, Lan and Wittes (2006): five even looks, two-sided 5%.
    for (spending, printed) in
        [(Spending::OBrienFleming, [4.877, 3.357, 2.680, 2.290, 2.031]), (Spending::Pocock, [2.438, 2.427, 2.410, 2.397, 2.386])]
    {
        let bounds = GroupSequential::evenly(5).spending(spending).boundaries().expect("bounds");
        for (look, printed) in bounds.looks.iter().zip(printed) {
            comparison.within(&spending.to_string(), look.upper, printed, 0.0006);
        }
    }
    assert_all([comparison]);
}

/// The level is spent exactly, whatever the looks; one look is the fixed design; probabilities add up to one.
#[test]
fn error_rates_are_exact() {
    for spending in [Spending::OBrienFleming, Spending::Pocock, Spending::Power(2.0), Spending::HwangShihDeCani(-4.0)] {
        for information in [vec![1.0], vec![0.1, 1.0], vec![0.02, 0.5, 0.51, 0.9, 1.0], (1..=20).map(|k| f64::from(k) / 20.0).collect()] {
            let bounds = GroupSequential::new(information.clone()).spending(spending).boundaries().expect("bounds");
            let none = bounds.exits(0.0);
            assert!((2.0 * none.power() - 0.05).abs() < 1e-11, "{spending}, {information:?}: {}", none.power());
            for (look, t) in bounds.looks.iter().zip(&information) {
                assert!((look.spent - 2.0 * spending.spent(0.025, *t)).abs() < 1e-11);
            }
            let drift = bounds.drift(0.9).expect("a power");
            assert!((bounds.exits(drift).power() - 0.9).abs() < 1e-12);
            if information.len() == 1 {
                assert!((bounds.looks[0].upper - trialstats::dist::normal::quantile(0.975)).abs() < 1e-12);
                assert!((bounds.inflation(0.9).expect("a power") - 1.0).abs() < 1e-12);
                assert!((bounds.exits(drift).expected_information - 1.0).abs() < 1e-15);
            }
        }
    }
    let futile =
        GroupSequential::new([0.4, 0.7, 1.0]).futility(Futility::new(Spending::Pocock, 0.2).binding()).boundaries().expect("bounds");
    let drift = futile.drift(0.8).expect("a power");
    for (drift, up) in [(0.0, 0.025), (drift, 0.8)] {
        let exits = futile.exits(drift);
        let down: f64 = exits.futility.iter().sum();
        assert!((exits.power() - up).abs() < 1e-10 && (exits.power() + down - 1.0).abs() < 1e-10);
    }
    // A bound that may be ignored keeps the level when it is, and loses a little of it when it is not.
    let free = GroupSequential::new([0.4, 0.7, 1.0]).futility(Futility::new(Spending::Pocock, 0.2)).boundaries().expect("bounds");
    assert!(free.exits(0.0).power() < 0.025 && (free.looks[2].spent - 0.025).abs() < 1e-11);
}

/// Sums of independent normal increments, by simulation: three Monte-Carlo errors.
#[test]
fn crossing_probabilities_are_those_of_simulated_trials() {
    use trialstats::simulate::random::Stream;
    let information = [0.3, 0.7, 1.0];
    let bounds = GroupSequential::new(information).spending(Spending::Pocock).boundaries().expect("bounds");
    let (drift, trials) = (2.5, 100_000_u32);
    let mut stopped = [0_u32; 3];
    let mut stream = Stream::new(14, 0, 0);
    for _ in 0..trials {
        let (mut score, mut before) = (0.0, 0.0);
        for (k, t) in information.into_iter().enumerate() {
            score += drift * (t - before) + (t - before).sqrt() * stream.normal();
            before = t;
            let z = score / t.sqrt();
            if z >= bounds.looks[k].upper {
                stopped[k] += 1;
            }
            if z.abs() >= bounds.looks[k].upper {
                break;
            }
        }
    }
    let expected = bounds.exits(drift).efficacy;
    for (k, p) in expected.iter().enumerate() {
        let error = (p * (1.0 - p) / f64::from(trials)).sqrt();
        let share = f64::from(stopped[k]) / f64::from(trials);
        assert!((share - p).abs() < 3.0 * error, "look {k}: {share} where {p} is expected");
    }
}

#[test]
fn impossible_designs_say_why() {
    let says = |design: GroupSequential| design.boundaries().expect_err("refused").to_string();
    assert!(says(GroupSequential::new([])).contains("rise"));
    assert!(says(GroupSequential::new([0.5, 0.4, 1.0])).contains("rise"));
    assert!(says(GroupSequential::new([0.5, 0.9])).contains("rise from above 0 to 1"));
    assert!(says(GroupSequential::evenly(2).alpha(5.0)).contains("level of 5"));
    assert!(says(GroupSequential::evenly(2).spending(Spending::Power(0.0))).contains("exponent"));
    assert!(says(GroupSequential::evenly(2).efficacy(Efficacy::WangTsiatis(3.0))).contains("Wang"));
    assert!(says(GroupSequential::evenly(2).futility(Futility::new(Spending::Pocock, 1.0))).contains("type II"));
    let binding = Futility::new(Spending::Pocock, 0.1).binding();
    assert!(says(GroupSequential::evenly(2).efficacy(Efficacy::POCOCK).futility(binding)).contains("binding"));
    assert!("power".parse::<Spending>().is_err() && "power(-1)".parse::<Spending>().is_err() && "lan".parse::<Spending>().is_err());
    assert_eq!("hwang-shih-decani(-4)".parse::<Spending>().expect("known"), Spending::HwangShihDeCani(-4.0));
    let bounds = GroupSequential::evenly(2).boundaries().expect("bounds");
    assert!(bounds.drift(0.01).is_err() && bounds.drift(1.0).is_err());
}
