//! Fourteen tables, zero and full cells among them, by R's stats, DescTools, ratesci, exact2x2, Exact and contingencytables.

use super::{p, read};
use serde_json::Value;
use trialstats::options::Choices;
use trialstats::proportions::{
    Alternative, DifferenceMethod, Measure, OddsRatioMethod, Proportion, ProportionMethod, RatioMethod, TestMethod, conditional_odds_ratio,
    difference, odds_ratio_by, ratio, test_of_equality,
};

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("Inf") => f64::INFINITY,
        Some("-Inf") => f64::NEG_INFINITY,
        Some(_) => f64::NAN,
        None => value.as_f64().expect("a number"),
    }
}

struct Table {
    reference: Value,
    first: Proportion,
    second: Proportion,
}

fn tables() -> Vec<Table> {
    let document = read("two_proportions.json");
    let tables = document["tables"].as_array().expect("tables");
    let of = |reference: &Value| {
        let counts: Vec<usize> = reference["counts"].as_array().expect("counts").iter().map(|n| number(n) as usize).collect();
        Table { reference: reference.clone(), first: p(counts[0], counts[1]), second: p(counts[2], counts[3]) }
    };
    tables.iter().map(of).collect()
}

/// Limits held to those of the reference where it has them; the number of intervals compared.
fn compare<T: Choices + Copy>(reference: &Value, tolerance: f64, skip: &[&str], at: &str, of: impl Fn(T) -> Measure) -> usize {
    let mut compared = 0;
    for choice in T::CHOICES {
        let Some(limits) = reference[choice.name].as_array().filter(|_| !skip.contains(&choice.name)) else { continue };
        let found = of(choice.value);
        for (found, held) in [(found.lower, number(&limits[0])), (found.upper, number(&limits[1]))] {
            // Large limits by their inverse: root finders look for that.
            let off = if held.abs() > 1.0 { (1.0 / found - 1.0 / held).abs() } else { (found - held).abs() };
            let same = found == held || off < tolerance || (found.is_nan() && !held.is_finite());
            assert!(same, "{at} {}: {found}, and the reference has {held}", choice.name);
        }
        compared += 1;
    }
    compared
}

#[test]
fn single_proportions_are_those_of_desctools() {
    let mut compared = 0;
    for table in tables() {
        for (side, of) in [("first", table.first), ("second", table.second)] {
            let at = format!("{}/{}", of.met, of.of);
            // At 0 and n DescTools gives logit limits a meaning, and its root finder's tolerance is seen in likelihood and
            // mid-p.
            let edge = of.met == 0 || of.met == of.of;
            // Its Agresti–Coull interval is not centred where Wilson's is, as that of the paper is: see below.
            let skip: &[&str] = if edge { &["agresti-coull", "logit", "likelihood-ratio"] } else { &["agresti-coull"] };
            let loose: &[&str] = &["blaker", "likelihood-ratio", "mid-p"];
            let skipped = [skip, loose].concat();
            let interval = |method| of.interval(method, 0.95).expect("a level");
            compared += compare::<ProportionMethod>(&table.reference[side], 1e-9, &skipped, &at, interval);
            // uniroot's tolerance.
            let others: Vec<&str> =
                ProportionMethod::CHOICES.iter().map(|c| c.name).filter(|n| !loose.contains(n)).chain(skip.iter().copied()).collect();
            compared += compare::<ProportionMethod>(&table.reference[side], 2e-4, &others, &at, interval);
        }
    }
    assert!(compared > 200, "{compared}");
}

/// Agresti and Coull 1998: Wald's interval about the middle of Wilson's. Values of statsmodels 0.15's `proportion_confint`.
#[test]
fn agresti_coull_has_wilsons_middle() {
    for (of, lower, upper) in
        [(p(36, 154), 0.173_595_411_922_404_4, 0.306_895_958_262_206_2), (p(12, 77), 0.089_896_313_125_707_28, 0.254_499_486_094_669_44)]
    {
        let found = of.interval(ProportionMethod::AgrestiCoull, 0.95).expect("a level");
        let wilson = of.interval(ProportionMethod::Wilson, 0.95).expect("a level");
        assert!((found.lower + found.upper - wilson.lower - wilson.upper).abs() < 1e-14);
        assert!((found.lower - lower).abs() < 1e-14 && (found.upper - upper).abs() < 1e-14, "{found:?}");
    }
}

#[test]
fn differences_are_those_of_desctools_and_ratesci() {
    let mut compared = 0;
    for table in tables() {
        let at = format!("{:?} {:?}", table.first, table.second);
        let interval = |method| difference(table.first, table.second, method, 0.95).expect("a level");
        // DescTools does not cut limits at ±1 for all methods, and joins corrected limits that R's prop.test bends.
        compared += compare::<DifferenceMethod>(&clamped(&table.reference["difference"]), 1e-9, &[], &at, interval);
        compared += compare::<DifferenceMethod>(&table.reference["ratesci"]["difference"], 1e-8, &[], &at, interval);
    }
    assert!(compared > 80, "{compared}");
}

fn clamped(reference: &Value) -> Value {
    let mut all = reference.clone();
    for (_, limits) in all.as_object_mut().into_iter().flatten() {
        for limit in limits.as_array_mut().into_iter().flatten() {
            if let Some(x) = limit.as_f64() {
                *limit = serde_json::json!(x.clamp(-1.0, 1.0));
            }
        }
    }
    all
}

#[test]
fn ratios_are_those_of_desctools_and_ratesci() {
    let mut compared = 0;
    for table in tables() {
        let at = format!("{:?} {:?}", table.first, table.second);
        let interval = |method| ratio(table.first, table.second, method, 0.95).expect("a level");
        let empty = [table.first, table.second].iter().any(|of| of.met == 0 || of.met == of.of);
        // With empty or full cells DescTools puts other numbers in the formulas of Katz and Koopman.
        let skip: &[&str] = if empty { &["wald", "koopman", "wald-modified"] } else { &[] };
        compared += compare::<RatioMethod>(&table.reference["ratio"], 1e-6, skip, &at, interval);
        let both_empty = table.first.met == 0 && table.second.met == 0;
        if !both_empty {
            compared += compare::<RatioMethod>(&table.reference["ratesci"]["ratio"], 1e-6, &[], &at, interval);
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn odds_ratios_are_those_of_fisher_test_contingencytables_and_ratesci() {
    let mut compared = 0;
    for table in tables() {
        let at = format!("{:?} {:?}", table.first, table.second);
        let interval = |method| odds_ratio_by(table.first, table.second, method, 0.95).expect("a level");
        let events = table.first.met + table.second.met;
        let fixed = events == 0 || events == table.first.of + table.second.of;
        let cells = [table.first.met, table.first.of - table.first.met, table.second.met, table.second.of - table.second.met];
        let skip: &[&str] = if cells.contains(&0) { &["woolf"] } else { &[] };
        if fixed {
            continue;
        }
        // The root finders of fisher.test and contingencytables stop at 1e-4 to 1e-6.
        compared += compare::<OddsRatioMethod>(&table.reference["odds-ratio"], 2e-4, skip, &at, interval);
        compared += compare::<OddsRatioMethod>(&table.reference["ratesci"]["odds-ratio"], 1e-5, &[], &at, interval);
        let held = number(&table.reference["odds-ratio"]["conditional"][0]);
        let found = conditional_odds_ratio(table.first, table.second);
        assert!(found == held || (found / held - 1.0).abs() < 5e-3, "{at}: {found} {held}");
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn p_values_are_those_of_r() {
    for table in tables() {
        let at = format!("{:?} {:?}", table.first, table.second);
        let p_of = |method, side| test_of_equality(table.first, table.second, method, side).p;
        let tests = &table.reference["tests"];
        let near = |found: f64, held: f64, tolerance: f64, what: &str| {
            assert!((found - held).abs() < tolerance * held.max(1e-12), "{at} {what}: {found}, and the reference has {held}");
        };
        for method in [TestMethod::Pearson, TestMethod::PearsonCorrected] {
            // R has NaN where a margin is empty.
            if let Some(held) = tests[method.name()][0].as_f64() {
                near(p_of(method, Alternative::TwoSided), held, 1e-9, method.name());
            }
        }
        for (name, side) in [("two.sided", Alternative::TwoSided), ("less", Alternative::Less), ("greater", Alternative::Greater)] {
            near(p_of(TestMethod::Fisher, side), number(&tests["fisher"][name]), 1e-9, name);
            // Exact looks at 1,000 values of the open proportion: its supremum lies a little below.
            for method in [TestMethod::Barnard, TestMethod::Boschloo] {
                let held = &tests[method.name()][name];
                // Where no table is more extreme the supremum is 1, at an end that it does not look at.
                if held.as_f64().is_some_and(|held| held < 0.99) {
                    near(p_of(method, side), number(held), 2e-6, method.name());
                }
            }
        }
        near(p_of(TestMethod::FisherMidP, Alternative::TwoSided), number(&tests["fisher-mid-p"][0]), 1e-9, "mid-p");
    }
}

#[test]
fn exact_limits_are_those_of_exact2x2() {
    let mut compared = 0;
    for table in tables() {
        let at = format!("{:?} {:?}", table.first, table.second);
        let interval = |method| difference(table.first, table.second, method, 0.95).expect("a level");
        // It looks at 100 values of the open proportion and stops at 1e-5. Its comparison of differences splits tables of
        // equal difference by rounding, so that only group sizes that divide one another without a rest are held to it.
        compared += compare::<DifferenceMethod>(&table.reference["exact"], 2e-3, &["exact-unstandardised"], &at, interval);
    }
    assert!(compared >= 10, "{compared}");
}
