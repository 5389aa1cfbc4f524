//! What users see of response and remission: definitions as data, rates and comparisons, and their numbers against
//! published and independent ones.

use crate::common::{antidepressant, rows};
use proptest::prelude::*;
use serde_json::Value;
use std::slice::from_ref;
use trialstats::instruments::Diagnosis::{self, Met, NotMet, Unknown};
use trialstats::responders::{
    Assumption, Definition, Direction, Meaning, Measure, NumberNeeded, NumberNeededInterval, Occasion, Proportion, RateOptions, Responders,
    Rule, Status, Unobserved, ZeroCells, compare, odds_ratio, presets, rates, risk_difference, risk_ratio, share_below,
};
use trialstats::table::Tabular;
use trialstats::trial::{BaselineFrom, DiagnosisSeries, Outcome, Schedule, Trial, Variable};

/// Closed forms in a handful of operations; the others take other routes to them (statsmodels its own expressions, R
/// `prop.test` and iterated `glm` fits written to 15 digits), so they agree to rounding. Relative above 1, absolute
/// below; the largest difference found is 6e-15.
const ROUNDING: f64 = 1e-13;
/// Newcombe's tables print four decimals.
const FOUR_DECIMALS: f64 = 0.5e-4 + 1e-12;

fn proportion(met: usize, of: usize) -> Proportion {
    Proportion::new(met, of).expect("a part of a whole")
}

fn assert_close(here: f64, there: f64, tolerance: f64, what: &str) {
    assert!((here - there).abs() <= tolerance * there.abs().max(1.0), "{what}: {here} here, {there} there");
}

fn assert_interval(here: Measure, there: (f64, f64), tolerance: f64, what: &str) {
    assert_close(here.lower, there.0, tolerance, &format!("{what}, lower"));
    assert_close(here.upper, there.1, tolerance, &format!("{what}, upper"));
}

#[test]
fn wilson_intervals_are_those_newcombe_published() {
    // Newcombe 1998, Statistics in Medicine 17:857–872, table I, method 3.
    for (met, of, lower, upper) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)] {
        let wilson = proportion(met, of).wilson(0.95).unwrap();
        assert_interval(wilson, (lower, upper), FOUR_DECIMALS, &format!("{met} of {of}"));
    }
}

#[test]
fn differences_are_those_newcombe_published() {
    // Newcombe 1998, Statistics in Medicine 17:873–890, table II, method 10.
    for (x1, n1, x2, n2, lower, upper) in [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ] {
        let difference = risk_difference(proportion(x1, n1), proportion(x2, n2), 0.95).unwrap();
        assert_interval(difference, (lower, upper), FOUR_DECIMALS, &format!("{x1}/{n1} − {x2}/{n2}"));
    }
}

fn reference(file: &str) -> Vec<Value> {
    rows(&crate::common::reference(&format!("responders/{file}"))["rows"]).to_vec()
}

fn counts(row: &Value) -> (Proportion, Proportion, f64) {
    let whole = |key: &str| row[key].as_u64().expect("a count") as usize;
    (proportion(whole("x1"), whole("n1")), proportion(whole("x2"), whole("n2")), row["level"].as_f64().expect("a level"))
}

fn pair(value: &Value) -> Option<(f64, f64)> {
    match value {
        Value::Array(v) => Some((v[0].as_f64()?, v[1].as_f64()?)),
        Value::Object(o) => Some((o["lower"].as_f64()?, o["upper"].as_f64()?)),
        _ => None,
    }
}

#[test]
fn intervals_agree_with_statsmodels() {
    let rows = reference("two_proportions_statsmodels.json");
    let mut ratios = 0;
    for row in &rows {
        let (a, b, level) = counts(row);
        let what = format!("{a:?} {b:?} {level}");
        assert_interval(a.wilson(level).unwrap(), pair(&row["wilson1"]).unwrap(), ROUNDING, &what);
        assert_interval(b.wilson(level).unwrap(), pair(&row["wilson2"]).unwrap(), ROUNDING, &what);
        assert_interval(risk_difference(a, b, level).unwrap(), pair(&row["difference"]).unwrap(), ROUNDING, &what);
        let ratio = risk_ratio(a, b, level, ZeroCells::NoInterval).unwrap();
        let odds = odds_ratio(a, b, level, ZeroCells::NoInterval).unwrap();
        if let Some(expected) = pair(&row["ratio"]) {
            assert_interval(ratio, expected, ROUNDING, &what);
            assert_interval(odds, pair(&row["odds"]).unwrap(), ROUNDING, &what);
            // No cell is empty, so nothing is added.
            assert_eq!(odds_ratio(a, b, level, ZeroCells::AddHalf).unwrap(), odds);
            ratios += 1;
        } else {
            assert!(odds.lower.is_nan() && odds.upper.is_nan(), "{what}");
            assert_interval(odds_ratio(a, b, level, ZeroCells::AddHalf).unwrap(), pair(&row["odds_half"]).unwrap(), ROUNDING, &what);
            assert_interval(risk_ratio(a, b, level, ZeroCells::AddHalf).unwrap(), pair(&row["ratio_half"]).unwrap(), ROUNDING, &what);
        }
    }
    assert_eq!((rows.len(), ratios), (45, 30));
}

#[test]
fn intervals_agree_with_r() {
    let rows = reference("two_proportions_r.json");
    let mut ratios = 0;
    for row in &rows {
        let (a, b, level) = counts(row);
        let what = format!("{a:?} {b:?} {level}");
        assert_interval(a.wilson(level).unwrap(), pair(&row["wilson1"]).unwrap(), ROUNDING, &what);
        assert_interval(b.wilson(level).unwrap(), pair(&row["wilson2"]).unwrap(), ROUNDING, &what);
        if let Some(expected) = pair(&row["ratio"]) {
            assert_interval(risk_ratio(a, b, level, ZeroCells::NoInterval).unwrap(), expected, ROUNDING, &what);
            assert_interval(odds_ratio(a, b, level, ZeroCells::NoInterval).unwrap(), pair(&row["odds"]).unwrap(), ROUNDING, &what);
            ratios += 1;
        }
    }
    assert_eq!((rows.len(), ratios), (42, 27));
}

#[test]
fn response_in_a_real_trial_is_what_r_finds_in_the_file() {
    // Halved HAMD-17 in the antidepressant trial; 172 randomized, the baseline a column of the file.
    let trial = antidepressant();
    let response = Definition::new("response", Rule::percent_drop("HAMDTL17", 50.0));
    let responders = response.evaluate_with(&trial, &BaselineFrom::Covariate("BASVAL".into())).unwrap();
    let options = RateOptions::new([Unobserved::ObservedOnly, Unobserved::CountedAsNotMet]);
    let (table, compared) = (responders.rates(&options).unwrap(), responders.compare(&options).unwrap());
    let expected = reference("antidepressant_response.json");
    assert_eq!((table.rows.len(), compared.rows.len(), expected.len()), (16, 8, 8));
    let whole = |row: &Value, key: &str, arm: usize| row[key][arm].as_u64().expect("a count") as usize;
    for (k, row) in expected.iter().enumerate() {
        for arm in 0..2 {
            let rate = &table.rows[2 * k + arm];
            assert_eq!(
                (rate.visit.as_str(), rate.unobserved.words()),
                (row["visit"].as_str().unwrap(), row["unobserved"].as_str().unwrap())
            );
            let found = [rate.met, rate.of, rate.observed, rate.randomized];
            assert_eq!(found, ["met", "of", "observed", "randomized"].map(|key| whole(row, key, arm)), "{rate:?}");
            assert_interval(rate.rate, pair(&row["wilson"][arm]).unwrap(), ROUNDING, "wilson");
        }
        let comparison = &compared.rows[k];
        for (here, there) in [(comparison.risk_ratio, &row["risk_ratio"]), (comparison.odds_ratio, &row["odds_ratio"])] {
            let limit = |i: usize| there[i].as_f64().expect("no cell is empty");
            assert_close(here.estimate, limit(0), ROUNDING, "ratio");
            assert_interval(here, (limit(1), limit(2)), ROUNDING, "ratio");
        }
    }
}

#[test]
fn ratios_without_an_interval_say_so() {
    let none = risk_ratio(proportion(0, 10), proportion(3, 10), 0.95, ZeroCells::NoInterval).unwrap();
    assert_eq!(none.estimate, 0.0);
    assert!(none.lower.is_nan() && none.upper.is_nan());
    let all = risk_ratio(proportion(10, 10), proportion(10, 10), 0.95, ZeroCells::NoInterval).unwrap();
    assert!(all.estimate == 1.0 && all.lower.is_nan());
    // One full arm is no obstacle to the ratio, only to the odds.
    assert!(risk_ratio(proportion(10, 10), proportion(4, 10), 0.95, ZeroCells::NoInterval).unwrap().lower.is_finite());
    assert!(odds_ratio(proportion(10, 10), proportion(4, 10), 0.95, ZeroCells::NoInterval).unwrap().lower.is_nan());
    // Nobody at all: nothing is made up.
    let nobody = risk_ratio(proportion(0, 0), proportion(4, 10), 0.95, ZeroCells::AddHalf).unwrap();
    assert!(nobody.estimate.is_nan() && nobody.lower.is_nan());
    assert!(proportion(0, 0).wilson(0.95).unwrap().lower.is_nan());
    assert_eq!(Proportion::new(3, 2).unwrap_err().code(), "out-of-range");
    assert_eq!(proportion(1, 2).wilson(95.0).unwrap_err().code(), "out-of-range");
}

#[test]
fn numbers_needed_run_through_infinity_where_the_difference_may_be_zero() {
    let needed = |estimate, lower, upper, meaning| NumberNeeded::from_difference(Measure::new(estimate, lower, upper), meaning);
    // Altman 1998: 10% with −5% to 25%.
    let crossing = needed(0.10, -0.05, 0.25, Meaning::Favourable);
    assert_eq!(crossing.interval, NumberNeededInterval::ThroughInfinity { harm: 20.0, benefit: 4.0 });
    assert_eq!(crossing.to_string(), "NNTB 10.0 (NNTH 20.0 to ∞ to NNTB 4.0)");
    assert_eq!(needed(0.25, 0.125, 0.5, Meaning::Favourable).to_string(), "NNTB 4.0 (NNTB 2.0 to 8.0)");
    assert_eq!(needed(-0.25, -0.5, -0.125, Meaning::Favourable).to_string(), "NNTH 4.0 (NNTH 2.0 to 8.0)");
    // More patients who leave early are harm.
    let leaving = needed(0.25, 0.125, 0.5, Meaning::Unfavourable);
    assert_eq!((leaving.direction, leaving.to_string().as_str()), (Direction::Harm, "NNTH 4.0 (NNTH 2.0 to 8.0)"));
    assert_eq!(needed(0.10, -0.05, 0.25, Meaning::Unfavourable).to_string(), "NNTH 10.0 (NNTH 4.0 to ∞ to NNTB 20.0)");
    assert_eq!(needed(0.0, -0.2, 0.25, Meaning::Favourable).to_string(), "∞ (NNTH 5.0 to ∞ to NNTB 4.0)");
    assert_eq!(needed(0.10, 0.0, 0.25, Meaning::Favourable).to_string(), "NNTB 10.0 (∞ to NNTB 4.0)");
    assert_eq!(needed(f64::NAN, f64::NAN, f64::NAN, Meaning::Favourable).to_string(), "");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exchanging_the_arms_mirrors_every_measure(x1 in 0usize..30, m1 in 0usize..30, x2 in 0usize..30, m2 in 0usize..30) {
        let (a, b) = (proportion(x1, x1 + m1 + 1), proportion(x2, x2 + m2 + 1));
        let (there, back) = (risk_difference(a, b, 0.95).unwrap(), risk_difference(b, a, 0.95).unwrap());
        prop_assert!((there.lower + back.upper).abs() < 1e-14 && (there.upper + back.lower).abs() < 1e-14);
        // Newcombe's interval does not leave the range of a difference of proportions.
        prop_assert!(there.lower >= -1.0 && there.upper <= 1.0 && there.lower <= there.estimate && there.estimate <= there.upper);
        for f in [risk_ratio, odds_ratio] {
            let (there, back) = (f(a, b, 0.95, ZeroCells::AddHalf).unwrap(), f(b, a, 0.95, ZeroCells::AddHalf).unwrap());
            prop_assert!((there.lower * back.upper - 1.0).abs() < 1e-12 && (there.estimate * back.estimate - 1.0).abs() < 1e-12);
        }
        let wilson = a.wilson(0.95).unwrap();
        prop_assert!(0.0 <= wilson.lower && wilson.lower <= wilson.estimate && wilson.estimate <= wilson.upper && wilson.upper <= 1.0);
    }

    #[test]
    fn wilson_limits_solve_the_score_equation(met in 0usize..60, rest in 1usize..60) {
        // (p̂ − p)² = z² p (1 − p) / n at both limits, whatever formula found them.
        let n = (met + rest) as f64;
        let p_hat = met as f64 / n;
        let z = 1.959_963_984_540_054;
        let wilson = proportion(met, met + rest).wilson(0.95).unwrap();
        for p in [wilson.lower, wilson.upper] {
            prop_assert!(((p_hat - p).powi(2) - z * z * p * (1.0 - p) / n).abs() < 1e-14, "p = {}", p);
        }
    }
}

const NA: f64 = f64::NAN;

/// Eight patients, four an arm, three visits; invented.
///
/// | patient | arm | caps5 at 0, 6, 12 | ptsd |
/// |---|---|---|---|
/// | a | control | 40 32 28 | met, met, met |
/// | b | control | 36 10 11 | met, not met, not met |
/// | c | control | 44 – – | met, then gone |
/// | d | control | 30 24 – | not met, not met, then gone |
/// | e | new | 40 30 8 | met, met, not met |
/// | f | new | 50 – 20 | met, missed, not met |
/// | g | new | 38 37 – | met, met, attended with undecided diagnosis and no total |
/// | h | new | – 9 5 | no baseline |
fn trial() -> Trial {
    let caps5 = vec![40., 32., 28., 36., 10., 11., 44., NA, NA, 30., 24., NA, 40., 30., 8., 50., NA, 20., 38., 37., NA, NA, 9., 5.];
    let ptsd: Vec<Option<Diagnosis>> = [
        [Some(Met), Some(Met), Some(Met)],
        [Some(Met), Some(NotMet), Some(NotMet)],
        [Some(Met), None, None],
        [Some(NotMet), Some(NotMet), None],
        [Some(Met), Some(Met), Some(NotMet)],
        [Some(Met), None, Some(NotMet)],
        [Some(Met), Some(Met), Some(Unknown)],
        [None, Some(NotMet), Some(NotMet)],
    ]
    .concat();
    Trial::builder("eight invented patients")
        .patients(["a", "b", "c", "d", "e", "f", "g", "h"])
        .arms(["control", "new"], vec![0, 0, 0, 0, 1, 1, 1, 1])
        .schedule(Schedule::of_labels(["start", "month 6", "month 12"]).with_baseline("start").unwrap())
        .outcome(Outcome { name: "caps5".into(), label: "CAPS-5 total".into(), range: Some((0.0, 80.0)), values: caps5 })
        .diagnosis(DiagnosisSeries { name: "ptsd".into(), values: ptsd })
        .variable(Variable::number("sessions", vec![18., 18., 2., 9., 17., 18., 12., NA]))
        .variable(Variable::number("screening", vec![20., 20., 20., 20., 20., 40., 20., 20.]))
        .build()
        .unwrap()
}

fn at_month_12(definition: &Definition) -> Vec<Status> {
    let responders = definition.evaluate(&trial()).unwrap();
    assert_eq!(responders.visits, ["month 6", "month 12"]);
    (0..8).map(|i| responders.status(i, 1)).collect()
}

#[test]
fn each_rule_judges_each_patient() {
    use Status::{EligibilityUnknown as E, Met as M, NotEligible as X, NotMet as N, Unobserved as U};
    let judged = |rule: Rule| at_month_12(&Definition::new("test", rule));
    assert_eq!(judged(Rule::point_drop("caps5", 12.0)), [M, M, U, U, M, M, U, U]);
    assert_eq!(judged(Rule::point_drop("caps5", 12.5)), [N, M, U, U, M, M, U, U]);
    // a: 12 of 40 is 30% exactly; f: 30 of 50 is 60%.
    assert_eq!(judged(Rule::percent_drop("caps5", 30.0)), [M, M, U, U, M, M, U, U]);
    assert_eq!(judged(Rule::percent_drop("caps5", 60.0)), [N, M, U, U, M, M, U, U]);
    assert_eq!(judged(Rule::PercentDrop { outcome: "caps5".into(), at_least: 40.0, floor: 10.0 }), [M, M, U, U, M, M, U, U]);
    assert_eq!(judged(Rule::PercentDrop { outcome: "caps5".into(), at_least: 40.5, floor: 10.0 }), [N, M, U, U, M, M, U, U]);
    assert_eq!(judged(Rule::below("caps5", 11.0)), [N, N, U, U, M, N, U, M]);
    assert_eq!(judged(Rule::at_most("caps5", 11.0)), [N, M, U, U, M, N, U, M]);
    assert_eq!(judged(Rule::AtLeast { outcome: "caps5".into(), score: 20.0 }), [M, N, U, U, N, M, U, N]);
    assert_eq!(judged(Rule::PointRise { outcome: "caps5".into(), at_least: 1.0 }), [N, N, U, U, N, N, U, U]);
    let reliable = Rule::ReliableDrop { outcome: "caps5".into(), sd: 10.0, reliability: 0.78, z: 1.96 };
    assert_eq!(judged(reliable), [N, M, U, U, M, M, U, U]); // 13.0 points
    assert_eq!(judged(Rule::not_met("ptsd", Occasion::Visit)), [N, M, U, U, M, M, U, M]);
    assert_eq!(judged(Rule::met("ptsd", Occasion::Baseline)), [M, M, M, N, M, M, M, U]);
    assert_eq!(judged(Rule::CovariateBelow { covariate: "sessions".into(), value: 12.0 }), [N, N, M, M, N, N, N, U]);
    // d had no PTSD to lose; of h it is not known, so h stays, unobserved.
    assert_eq!(at_month_12(&presets::caps5_loss_of_diagnosis()), [N, M, U, X, M, M, U, E]);
    assert_eq!(at_month_12(&presets::caps5_remission()), [N, M, U, X, M, N, U, E]);
}

#[test]
fn combinations_follow_three_valued_logic() {
    use Status::{Met as M, NotMet as N, Unobserved as U};
    let low = || Rule::below("caps5", 11.0);
    let few = || Rule::CovariateBelow { covariate: "sessions".into(), value: 12.0 };
    // c is unobserved on the total and has few sessions: `or` is met all the same; g is unobserved and has not: `and`
    // is not met.
    assert_eq!(at_month_12(&Definition::new("or", Rule::Any(vec![low(), few()]))), [N, N, M, M, M, N, U, M]);
    assert_eq!(at_month_12(&Definition::new("and", Rule::All(vec![low(), few()]))), [N, N, U, U, N, N, N, U]);
}

#[test]
fn rates_keep_everyone_randomized_as_the_choice_says() {
    let options = RateOptions::new([Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds]).visits(["month 12"]);
    let table = rates(&[presets::caps5_loss_of_diagnosis().evaluate(&trial()).unwrap()], &options).unwrap();
    let found: Vec<(Assumption, &str, usize, usize)> = table.rows.iter().map(|r| (r.unobserved, r.arm.as_str(), r.met, r.of)).collect();
    assert_eq!(
        found,
        [
            (Assumption::ObservedOnly, "control", 1, 2),
            (Assumption::ObservedOnly, "new", 2, 2),
            (Assumption::CountedAsNotMet, "control", 1, 3),
            (Assumption::CountedAsNotMet, "new", 2, 4),
            (Assumption::Lowest, "control", 1, 3),
            (Assumption::Lowest, "new", 2, 4),
            (Assumption::Highest, "control", 2, 3),
            (Assumption::Highest, "new", 4, 4),
        ]
    );
    for row in &table.rows {
        assert_eq!((row.observed, row.not_eligible, row.randomized), (2, usize::from(row.arm == "control"), 4));
    }
    let text = table.notes().join(" ");
    for part in ["loss_of_diagnosis", "Wilson score, 95%", "Unobserved left out", "bounds", "ptsd not met", "not verified"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let text = table.to_string();
    assert!(text.contains("1/3") && text.contains("33.3% (6.1–79.2%)") && text.contains("2 of 4"), "{text}");
    assert!(text.lines().all(|l| l.chars().count() <= 100), "wider than a terminal:\n{text}");
    let mut csv = vec![];
    table.write_csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(
        csv.lines().next(),
        Some(
            "definition,visit,arm,unobserved,met,of,rate,lower,upper,observed,not_observed,undecided,eligibility_unknown,not_eligible,randomized"
        )
    );
    assert_eq!(csv.lines().count(), 9);
}

#[test]
fn comparisons_put_the_bounds_where_they_hurt_and_help() {
    let responders = presets::caps5_loss_of_diagnosis().evaluate(&trial()).unwrap();
    let options = RateOptions::new([Unobserved::ObservedOnly, Unobserved::Bounds]).visits(["month 12"]);
    let table = compare(from_ref(&responders), &options).unwrap();
    let share = |met, of| Proportion { met, of };
    let found: Vec<(Proportion, Proportion)> = table.rows.iter().map(|r| (r.in_arm, r.in_reference)).collect();
    assert_eq!(found, [(share(2, 2), share(1, 2)), (share(2, 4), share(2, 3)), (share(4, 4), share(1, 3))]);
    assert_eq!((table.rows[0].arm.as_str(), table.rows[0].reference.as_str()), ("new", "control"));
    assert_eq!(table.rows[0].observed_in_arm, share(2, 4));
    assert_eq!(table.rows[1].difference, risk_difference(share(2, 4), share(2, 3), 0.95).unwrap());
    assert_eq!(table.rows[1].number_needed, NumberNeeded::from_difference(table.rows[1].difference, Meaning::Favourable));
    // The other way round.
    let reversed = responders.compare(&options.clone().reference("new")).unwrap();
    assert_eq!(reversed.rows[0].difference.estimate, -table.rows[0].difference.estimate);
    let notes = table.notes().join(" ");
    for part in ["Newcombe", "Katz", "Woolf", "Altman 1998", "through infinity", "no interval", "95%"] {
        assert!(notes.contains(part), "`{part}` is not in\n{notes}");
    }
    let text = table.to_string();
    for part in ["50.0% (-27.3% to 90.5%)", "2/4", "NNTB 2.0", "odds ratio", "against the reference, control"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert!(text.lines().all(|l| l.chars().count() <= 100), "wider than a terminal:\n{text}");
    assert!(table.summary().columns()[6].formatted(0).starts_with("50.0% (-27.3%"), "{}", table.summary());
    assert_eq!(table.columns().iter().map(|c| c.len()).collect::<Vec<_>>(), vec![3; table.columns().len()]);
}

#[test]
fn a_share_of_a_covariate_is_a_rate_like_any_other() {
    let few = share_below(&trial(), "sessions", 13.5).unwrap();
    let table = few.rates(&RateOptions::new([Unobserved::ObservedOnly]).level(0.9)).unwrap();
    let found: Vec<(usize, usize, usize)> = table.rows.iter().map(|r| (r.met, r.of, r.randomized)).collect();
    assert_eq!(found, [(2, 4, 4), (1, 3, 4)]);
    assert_eq!(table.rows[0].visit, "whole trial");
    assert_eq!(few.definition.meaning, Meaning::Unfavourable);
    assert!(table.notes().iter().any(|n| n.contains("90%")));
    assert_eq!(share_below(&trial(), "session", 13.5).unwrap_err().code(), "unknown-name");
}

#[test]
fn the_baseline_may_come_from_a_covariate() {
    let response = Definition::new("response", Rule::percent_drop("caps5", 50.0));
    let responders = response.evaluate_with(&trial(), &BaselineFrom::Covariate("screening".into())).unwrap();
    let statuses: Vec<Status> = (0..8).map(|i| responders.status(i, 1)).collect();
    use Status::{Met as M, NotMet as N, Unobserved as U};
    assert_eq!(statuses, [N, N, U, U, M, M, U, M]);
}

#[test]
fn definitions_are_data() {
    for definition in presets::caps5().into_iter().chain([presets::pd_remission_of_those_met(), presets::pd_remission_of_all()]) {
        let json = serde_json::to_string(&definition).unwrap();
        assert_eq!(serde_json::from_str::<Definition>(&json).unwrap(), definition);
        assert!(definition.note().contains(&definition.source), "{}", definition.note());
    }
    let minimal: Definition =
        serde_json::from_str(r#"{"name": "r", "rule": {"percent-drop": {"outcome": "hamd17", "at-least": 50}}}"#).unwrap();
    assert_eq!(minimal, Definition::new("r", Rule::percent_drop("hamd17", 50.0)));
    assert_eq!((minimal.meaning, minimal.required_at_baseline), (Meaning::Favourable, None));
    assert_eq!(
        presets::caps5_remission().note(),
        "Remission: no PTSD diagnosis and CAPS-5 below 12 (remission): ptsd not met and caps5 below 12; required at baseline: ptsd met at baseline \
         (widely used; not verified in a published source)."
    );
    let nested = Rule::Any(vec![Rule::All(vec![Rule::below("a", 1.0), Rule::at_most("b", 2.0)]), Rule::point_drop("c", 3.0)]);
    assert_eq!(nested.to_string(), "(a below 1 and b at most 2) or c at least 3 points below baseline");
}

/// What is left out of a file is the default, and nothing else is.
#[test]
fn a_stated_quantile_of_reliable_change_is_written() {
    for z in [1.96, 1.645, 2.58] {
        let definition = Definition::new("reliable", Rule::ReliableDrop { outcome: "caps5".into(), sd: 10.0, reliability: 0.78, z });
        let json = serde_json::to_string(&definition).unwrap();
        assert_eq!(json.contains("\"z\""), z != 1.96, "{json}");
        assert_eq!(serde_json::from_str::<Definition>(&json).unwrap(), definition);
    }
}

#[test]
fn the_definitions_on_the_caps5_have_names_of_their_own() {
    let names: Vec<String> = presets::caps5().into_iter().map(|definition| definition.name).collect();
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!((names.len(), distinct.len()), (6, 6), "{names:?}");
    assert!(names.contains(&presets::caps5_remission().name));
}

/// A percentage of nothing is not defined, though everything was observed.
#[test]
fn what_was_observed_and_cannot_be_judged_is_undecided() {
    let values = vec![10.0, 8.0, 4.0, 20.0, NA, 6.0, 0.0, NA, 3.0];
    let trial = Trial::builder("three invented patients")
        .patients(["a", "b", "c"])
        .arms(["all"], vec![0; 3])
        .schedule(Schedule::of_labels(["before", "during", "after"]).with_baseline("before").unwrap())
        .outcome(Outcome { name: "caps5".into(), label: "CAPS-5".into(), range: None, values })
        .build()
        .unwrap();
    let rule = Rule::All(vec![Rule::percent_drop("caps5", 30.0), Rule::below("caps5", 50.0)]);
    let judged = Definition::new("test", rule).evaluate(&trial).unwrap();
    let at = |visit: usize| (0..3).map(|i| judged.status(i, visit)).collect::<Vec<_>>();
    assert_eq!(at(0), [Status::NotMet, Status::Unobserved, Status::Unobserved]);
    assert_eq!(at(1), [Status::Met, Status::Met, Status::Undecided]);
}

#[test]
fn personality_disorder_remits_on_those_met_or_on_all() {
    // avoidant, dependent and obsessive-compulsive at baseline and at the end.
    let patients: [([Diagnosis; 3], [Diagnosis; 3]); 5] = [
        ([Met, NotMet, NotMet], [NotMet, NotMet, NotMet]),
        ([Met, NotMet, NotMet], [NotMet, Met, NotMet]), // a new disorder: remitted of those met, not of all
        ([Met, Met, NotMet], [NotMet, Met, NotMet]),
        ([NotMet, NotMet, NotMet], [NotMet, NotMet, NotMet]), // nothing to remit from
        ([Met, Unknown, NotMet], [NotMet, Met, NotMet]),      // hangs on whether dependent was met
    ];
    let series = |d: usize, name: &str| DiagnosisSeries {
        name: name.into(),
        values: patients.iter().flat_map(|(before, after)| [Some(before[d]), Some(after[d])]).collect(),
    };
    let trial = Trial::builder("five invented patients")
        .patients(["1", "2", "3", "4", "5"])
        .arms(["all"], vec![0; 5])
        .schedule(Schedule::of_labels(["before", "after"]).with_baseline("before").unwrap())
        .diagnosis(series(0, "avoidant"))
        .diagnosis(series(1, "dependent"))
        .diagnosis(series(2, "obsessive_compulsive"))
        .build()
        .unwrap();
    use Status::{Met as M, NotEligible as X, NotMet as N, Unobserved as U};
    assert_eq!(presets::pd_remission_of_those_met().evaluate(&trial).unwrap().statuses, [M, M, N, X, U]);
    let of_all = presets::pd_remission_of_all().evaluate(&trial).unwrap();
    assert_eq!(of_all.statuses, [M, N, N, X, N]);
    assert_eq!(compare(&[of_all], &RateOptions::new([Unobserved::ObservedOnly])).unwrap_err().code(), "nothing-to-compare");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_remedy() {
    let evaluate = |rule: Rule| Definition::new("test", rule).evaluate(&trial());
    let code = |r: Result<Responders, trialstats::Error>| r.map(|_| "accepted").unwrap_or_else(|e| e.code());
    assert_eq!(code(evaluate(Rule::below("caps", 12.0))), "unknown-name");
    assert_eq!(code(evaluate(Rule::not_met("mdd", Occasion::Visit))), "unknown-name");
    for nonsense in [
        Rule::point_drop("caps5", 0.0),
        Rule::point_drop("caps5", f64::NAN),
        Rule::percent_drop("caps5", 120.0),
        Rule::below("caps5", f64::INFINITY),
        Rule::ReliableDrop { outcome: "caps5".into(), sd: 10.0, reliability: 1.2, z: 1.96 },
        Rule::All(vec![]),
        Rule::Any(vec![Rule::below("caps5", 12.0), Rule::All(vec![])]),
    ] {
        assert_eq!(code(evaluate(nonsense.clone())), "out-of-range", "{nonsense}");
    }
    let responders = presets::caps5_response().evaluate(&trial()).unwrap();
    assert_eq!(rates(from_ref(&responders), &RateOptions::new([])).unwrap_err().code(), "incomplete-request");
    let options = RateOptions::new([Unobserved::ObservedOnly]);
    assert_eq!(rates(from_ref(&responders), &options.clone().level(0.0)).unwrap_err().code(), "out-of-range");
    assert_eq!(rates(from_ref(&responders), &options.clone().visits(["month 9"])).unwrap_err().code(), "unknown-name");
    assert_eq!(compare(&[responders], &options.reference("placebo")).unwrap_err().code(), "unknown-name");
    // Without a baseline visit a change cannot be judged.
    let unanchored = Trial::builder("no baseline")
        .patients(["a"])
        .arms(["all"], vec![0])
        .schedule(Schedule::of_labels(["one", "two"]))
        .outcome(Outcome { name: "caps5".into(), label: "CAPS-5".into(), range: None, values: vec![1.0, 2.0] })
        .build()
        .unwrap();
    let refusal = presets::caps5_response().evaluate(&unanchored).unwrap_err().to_string();
    assert!(refusal.contains("names no baseline visit"), "{refusal}");
    assert_eq!(Definition::new("low", Rule::below("caps5", 2.0)).evaluate(&unanchored).unwrap().statuses, [Status::Met, Status::NotMet]);
}
